/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq.c - split virtqueues, driver side
 *
 * Invariants  VIRTQ1 next[], chain[], writable[], token[] are private: the device cannot change
 *                    how a chain is walked.
 *             VIRTQ2 n_free is the length of the free list.
 *             VIRTQ3 a chain's head is in the device's hands exactly while chain[head] != 0.
 * Barriers    x86 keeps stores in order and loads in order. Barriers are left for the compiler,
 *             and for the store of an index followed by the load of the index at which the peer
 *             wants a notification (full fence, in kick and idle).
 */
#include "virtq.h"
#include "virtio/stray.h"

#include <string.h>

enum {
	DESC_NEXT = 1,
	DESC_WRITE = 2,
	USED_NO_NOTIFY = 1,
};

static void compiler_barrier(void) { __atomic_signal_fence(__ATOMIC_SEQ_CST); }

static void full_barrier(void) { __atomic_thread_fence(__ATOMIC_SEQ_CST); }

size_t virtq_bytes(uint16_t size, size_t *avail_at, size_t *used_at)
{
	*avail_at = sizeof(struct virtq_desc) * size;
	*used_at = (*avail_at + sizeof(uint16_t) * (3u + size) + 3) & ~(size_t)3;
	return *used_at + sizeof(uint16_t) * 3 + sizeof(struct virtq_used_elem) * size;
}

void virtq_init(struct virtq *q, uint16_t size, void *mem, bool event_idx)
{
	size_t avail_at, used_at;

	virtq_bytes(size, &avail_at, &used_at);
	memset(q, 0, sizeof(*q));
	q->size = size;
	q->n_free = size;
	q->desc = mem;
	q->avail = (volatile void *)((uint8_t *)mem + avail_at);
	q->used = (volatile void *)((uint8_t *)mem + used_at);
	q->used_event = &q->avail->ring[size];
	q->avail_event = (volatile uint16_t *)&q->used->ring[size];
	q->event_idx = event_idx;
	for (uint16_t i = 0; i < size; i++)
		q->next[i] = (uint16_t)(i + 1);
}

int virtq_add(struct virtq *q, const struct virtq_buf *bufs, unsigned int n, void *token)
{
	uint16_t head = q->free_head, at = head;

	if (n == 0 || n > q->size)
		return -SK_E_INVAL;
	if (n > q->n_free)
		return -SK_E_AGAIN;
	q->writable[head] = 0;
	for (unsigned int i = 0; i < n; i++) {
		volatile struct virtq_desc *d = &q->desc[at];
		bool more = i + 1 < n;

		d->addr = stray_addr(&bufs[i]);
		d->len = bufs[i].len;
		d->next = more ? q->next[at] : 0;
		d->flags = (uint16_t)((more ? DESC_NEXT : 0) |
				      (bufs[i].device_writes ? DESC_WRITE : 0));
		if (bufs[i].device_writes)
			q->writable[head] += bufs[i].len;
		at = q->next[at];
	}
	q->free_head = at;
	q->n_free = (uint16_t)(q->n_free - n);
	q->chain[head] = (uint16_t)n;
	q->token[head] = token;
	q->avail->ring[q->avail_idx & (q->size - 1)] = head;
	q->avail_idx++;
	return 0;
}

bool virtq_kick(struct virtq *q)
{
	uint16_t before = q->kicked;

	if (before == q->avail_idx)
		return false;
	compiler_barrier(); /* descriptors before the index that publishes them */
	q->avail->idx = q->avail_idx;
	q->kicked = q->avail_idx;
	full_barrier(); /* the index before the device's wish; pairs with the device's own */
	if (!q->event_idx)
		return !(q->used->flags & USED_NO_NOTIFY);
	/* 2.6.7.1: notify if this batch passed avail_event */
	return (uint16_t)(q->avail_idx - *q->avail_event - 1) <
	       (uint16_t)(q->avail_idx - before);
}

int virtq_get(struct virtq *q, void **token, uint32_t *len)
{
	uint32_t id;
	uint16_t n, at;

	if (q->used->idx == q->used_idx)
		return -SK_E_AGAIN;
	compiler_barrier(); /* the index before the element */
	id = q->used->ring[q->used_idx & (q->size - 1)].id;
	*len = q->used->ring[q->used_idx & (q->size - 1)].len;
	if (id >= q->size || q->chain[id] == 0 || *len > q->writable[id]) /* VIRTQ3 */
		return -SK_E_IO;
	q->used_idx++;
	n = q->chain[id];
	q->chain[id] = 0;
	*token = q->token[id];
	for (at = (uint16_t)id; n > 1;
		n--, q->n_free++) /* to the last descriptor of the chain: VIRTQ1 */
		at = q->next[at];
	q->n_free++;
	q->next[at] = q->free_head;
	q->free_head = (uint16_t)id;
	return 0;
}

bool virtq_idle_after(struct virtq *q, uint16_t n)
{
	/* 2.6.7.2: an interrupt when the used index passes this one */
	if (q->event_idx)
		*q->used_event = (uint16_t)(q->used_idx + n - 1);
	full_barrier(); /* the wish before the last look; pairs with the device's own */
	return (uint16_t)(q->used->idx - q->used_idx) >= n;
}

bool virtq_idle(struct virtq *q) { return virtq_idle_after(q, 1); }
