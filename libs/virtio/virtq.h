/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq.h - split virtqueues, driver side
 *
 * The queue's memory is shared with the device, which is not trusted to keep the rules: ids and
 * lengths in the used ring are checked, and chains are followed in private copies. Source:
 * Virtual I/O Device 1.1, 2.6 (split virtqueues).
 */
#ifndef VIRTQ_H
#define VIRTQ_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

#define VIRTQ_SIZE_MAX 256u

/* Shared with the device. */
struct virtq_desc {
	uint64_t addr;
	uint32_t len;
	uint16_t flags;
	uint16_t next;
};
struct virtq_avail {
	uint16_t flags, idx;
	uint16_t ring[];
};
struct virtq_used_elem {
	uint32_t id, len;
};
struct virtq_used {
	uint16_t flags, idx;
	struct virtq_used_elem ring[];
};

/* One contiguous buffer of a request, in device addresses. */
struct virtq_buf {
	uint64_t addr;
	uint32_t len;
	bool device_writes;
};

struct virtq {
	uint16_t size;
	uint16_t n_free, free_head;
	uint16_t avail_idx, used_idx; /* private */
	volatile struct virtq_desc *desc;
	volatile struct virtq_avail *avail;
	volatile struct virtq_used *used;
	volatile uint16_t *used_event, *avail_event; /* with event_idx */
	bool event_idx;
	/* avail_idx at the last notification. */
	uint16_t kicked;
	uint16_t next[VIRTQ_SIZE_MAX];
	/* Number of descriptors of the chain that starts here; 0 = not a head. */
	uint16_t chain[VIRTQ_SIZE_MAX];
	/* Bytes that the device may write. */
	uint32_t writable[VIRTQ_SIZE_MAX];
	void *token[VIRTQ_SIZE_MAX];
};

/* Bytes of shared memory for a queue, and where its parts lie. */
size_t virtq_bytes(uint16_t size, size_t *avail_at, size_t *used_at);
/*
 * size: power of two up to VIRTQ_SIZE_MAX; mem: zeroed, virtq_bytes(size) long, 16-byte
 * aligned.
 */
void virtq_init(struct virtq *q, uint16_t size, void *mem, bool event_idx);
/*
 * Queue a chain of n buffers, those that the device reads first. -SK_E_AGAIN: too few free
 * descriptors.
 */
int virtq_add(
	struct virtq *q, const struct virtq_buf *bufs, unsigned int n, void *token) must_check;
/* Call it after a batch of adds; true = the device must be notified. */
bool virtq_kick(struct virtq *q);
/*
 * Get a finished chain: its token and the bytes written. -SK_E_AGAIN: none, -SK_E_IO: the
 * device broke the rules.
 */
int virtq_get(struct virtq *q, void **token, uint32_t *len) must_check;
/*
 * Ask for an interrupt on the next finished chain; true = one is finished already, so look
 * again.
 */
bool virtq_idle(struct virtq *q);
/*
 * The same for the n-th finished chain from now on, n from 1 to 32768. A device without
 * EVENT_IDX interrupts earlier.
 */
bool virtq_idle_after(struct virtq *q, uint16_t n);

#endif
