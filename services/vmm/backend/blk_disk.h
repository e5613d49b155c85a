/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blk_disk.h - a disk of the guest: its connection to storage, its rings, its requests
 *
 * blkback.c makes and connects it, blk_request.c serves its requests.
 */
#ifndef VMM_BLK_DISK_H
#define VMM_BLK_DISK_H

#include "backend/blkif_abi.h"
#include "backend/gring.h"
#include "backend/poll.h"
#include "backend/xenbus.h"
#include "guest.h"
#include "proto/blk.h"
#include "svc/svc.h"

enum {
	DISK_QUEUES = 4,
	/* log2 of the most pages that a ring may have */
	DISK_RING_ORDER = 2,
	/* pages of the data region that are used at most */
	DISK_DATA_PAGES = 512,
};

struct disk;

/* One ring of requests. */
struct disk_queue {
	struct disk *disk;
	struct gring ring;
	/* evtchn_backend_bind()'s number of the event channel, or NO_BACKEND */
	unsigned int port;
};

enum request_step {
	REQUEST_FREE,
	/* One request to storage, whose answer is the guest's. */
	REQUEST_PLAIN,
	/* The flush of a barrier; its data follow. */
	REQUEST_FLUSH_FIRST,
	/* The VMM's own request for the size of the disk. */
	REQUEST_INFO,
};

/* The connection to storage. */
enum disk_link {
	/* Storage has started, and was asked for the volume; nothing else is sent. */
	LINK_CHECKING,
	LINK_UP,
	/* Every request of the guest fails. */
	LINK_LOST,
};

/* What is in a drive; a disk always has its medium. */
enum medium {
	MEDIUM_THERE,
	/* Storage was asked for its size. */
	MEDIUM_COMES,
	/* It is used no more; requests in flight are waited for. */
	MEDIUM_GOES,
	/* The drive is empty: there is no connection to storage. */
	MEDIUM_NONE,
};

/* A request of the guest, from its ring slot to its response. */
struct disk_request {
	enum request_step step;
	/* What storage is to do now: BLK_*, and a flag. */
	uint16_t storage_op, storage_flags;
	/* Its number at storage, another one each time that it is sent. */
	uint64_t id;
	/* Requests are sent again in the order in which they came. */
	uint64_t order;
	/* NULL if its ring is gone, or the guest has an answer already. */
	struct disk_queue *queue;
	/* Its pages of the data region. */
	uint32_t page, n_pages;
	struct blkif_op op;
};

/* The values in the front end's directory. */
struct disk_offers {
	struct xb_value protocol, queues, order, single_ref;
	struct {
		struct xb_value port, ref[1 << DISK_RING_ORDER];
	} queue[DISK_QUEUES];
};

struct disk {
	struct xb_dev dev;
	struct vm_disk cfg;
	/* NULL with MEDIUM_NONE. */
	struct svc_conn *conn;
	enum medium medium;

	/*
	 * Storage's description of the volume: 512-byte sectors, BLK_* flags, bytes per block.
	 * sectors is 0 until storage has answered, and in an empty drive.
	 */
	uint64_t sectors;
	uint32_t flags;
	uint32_t block;

	/* The connection to a front end. */
	const struct blkif_layout *layout;
	uint32_t n_queues, n_ring_pages;
	struct disk_queue queue[DISK_QUEUES];
	/* Of all queues. */
	struct poll poll;
	struct disk_offers offers;

	/* How many elements of request[] are used: as many as both native rings hold. */
	uint32_t depth;
	/* The last one is the VMM's own. */
	struct disk_request request[BLK_DEPTH + 1];
	/* The one that was taken last. */
	uint32_t request_last;
	/* Requests that storage is to answer, with the VMM's own. */
	uint32_t in_flight;
	uint64_t last_id, last_order;
	enum disk_link link;
	/* The barrier in flight. */
	struct disk_request *barrier;
	/*
	 * A request in a ring waits for a free disk_request, for pages, for the end of a
	 * barrier, or for storage to start again.
	 */
	bool stalled;

	struct vmctl_disk_stats stats;

	/* Pages of the data region. */
	uint32_t n_pages;
	uint64_t page_used[DISK_DATA_PAGES / 64];
	/* The page after those that were taken last. */
	uint32_t page_next;
};

static inline bool disk_read_only(const struct disk *d)
{
	return d->cfg.read_only || d->flags & BLK_READ_ONLY;
}

/* ---- blk_request.c ---- */

/* Set the fields that serving requests needs. disk.conn must be set, or NULL. */
void disk_requests_init(struct disk *d);
/* Ask storage for the size of the volume. */
int disk_info_request(struct disk *d) must_check;
/* Take and start as many requests of the guest as possible. */
void disk_queues_serve(struct disk *d);
/* Process the answers of storage, as many as fit in the turn of its channel. */
void disk_answers_take(struct disk *d);
/* Storage has started again: send what it has not answered. */
void disk_restarted(struct disk *d);
/* Storage will not answer any more: the guest gets I/O errors, and why goes to the log. */
void disk_lose(struct disk *d, const char *why);
/* The rings go away: answers to requests in flight will be dropped. */
void disk_requests_orphan(struct disk *d);
/* dev.forced was set: requests in flight and in the rings get errors. */
void disk_requests_refuse(struct disk *d);

#endif
