/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.h - a disk behind a driver domain: requests in flight, and synchronous reads while
 * storage starts
 */
#ifndef STORAGE_DISK_H
#define STORAGE_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>
#include "proto/blk.h"
#include "svc/svc.h"

#define DISKS_MAX 4u
/* Requests in flight that only the end of an attachment may add. */
#define DISK_CLOSING_RESERVE 1u
/* That a call on the driver may take. */
#define DISK_CALL_MS 1000u
/* And the first answers. */
#define DISK_START_MS 30000u
/* That a driver which did not answer is left alone. */
#define DISK_SILENT_MS 10000u

struct client;
TAILQ_HEAD(client_list, client);

/* What a request is for: each has its own share of what the driver takes. */
enum disk_use { DISK_CLIENT, DISK_CLOSING };

/* A request that the driver has. */
struct flight {
	bool used;
	enum disk_use use;
	/* NULL: storage's own, at its start. */
	struct client *client;
	/* The client's. */
	uint64_t id;
};

enum region_state { REGION_FREE, REGION_USED, REGION_STALE };

struct disk {
	struct svc_conn *driver;
	/* The driver's control endpoint. */
	sk_cap_t endpoint;
	uint64_t sectors;
	uint32_t block; /* bytes */
	bool read_only;
	/* Number of our own data region at the driver. */
	uint32_t own_region;
	struct flight flight[BLK_DEPTH];
	uint32_t n_flights;
	/*
	 * Clients of this disk that wait for room, and attachments that wait for their last
	 * flush: each in turn.
	 */
	struct client_list stalled, ending;
	/*
	 * Numbers of data regions at the driver. STALE: it did not say whether it has done what
	 * it was asked.
	 */
	uint8_t region[BLK_REGIONS];
	/* No calls before: it did not answer one in time. */
	sk_time_t silent_until;
	/* Answers to nothing. */
	uint64_t faults;
};

/* Ask the driver what the disk is and register our data region with it. */
int disk_init(struct disk *d, struct svc_conn *driver, sk_cap_t endpoint) must_check;
/*
 * Before the event loop runs: read `bytes` (at most the data part of the connection) from
 * sector on.
 */
int disk_read_now(
	struct disk *d, uint64_t sector, uint32_t bytes, const uint8_t **data) must_check;
/*
 * A client's data region at the driver, which gets that frame and no other. Neither waits for
 * longer than DISK_CALL_MS, nor at all for a driver that has just made it wait so long:
 * -SK_E_IO. (TIMEOUT would tell the connector that storage may still use what it was given.)
 */
int disk_region_add(struct disk *d, const struct svc_conn *c, uint32_t *region) must_check;
int disk_region_del(struct disk *d, uint32_t region) must_check;
/*
 * Does the driver take one more request for that use now? If not, it says when it does: its
 * channel has an event.
 */
bool disk_ready(struct disk *d, enum disk_use use);
/* Send q, which disk_ready() allows, to the driver on the client's behalf. */
int disk_submit(struct disk *d, struct client *cl, const struct blk_req *q,
	enum disk_use use) must_check;
/*
 * The next finished request; -SK_E_AGAIN: none, or the turn is over; -SK_E_PEER: the driver
 * broke the ring. An answer to a request that it does not have is skipped.
 */
int disk_finished(struct disk *d, struct flight *f, struct blk_rsp *rsp) must_check;

#endif
