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
/* Most time that a call on the driver may take. */
#define DISK_CALL_MS 1000u
/* Most time that the first answers may take. */
#define DISK_START_MS 30000u
/* Time for which a driver that did not answer gets no calls. */
#define DISK_SILENT_MS 10000u

struct client;
TAILQ_HEAD(client_list, client);

/* The purpose of a request; each has its own share of the driver's room. */
enum disk_use { DISK_CLIENT, DISK_CLOSING };

/* A request that is at the driver. */
struct flight {
	bool used;
	enum disk_use use;
	/* NULL: a request of storage itself, at its start. */
	struct client *client;
	/* The client's number for it. */
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
	 * flush. Each list is served in turn.
	 */
	struct client_list stalled, ending;
	/*
	 * State of each region number at the driver. STALE: the driver did not say whether it
	 * has done a call.
	 */
	uint8_t region[BLK_REGIONS];
	/* The driver did not answer a call in time, and gets no other before this. */
	sk_time_t silent_until;
	/* Answers that belong to no request. */
	uint64_t faults;
};

/* Ask the driver for the disk's properties, and register our data region with it. */
int disk_init(struct disk *d, struct svc_conn *driver, sk_cap_t endpoint) must_check;
/*
 * Read `bytes` (at most the data part of the connection) from sector on. Only before the event
 * loop runs.
 */
int disk_read_now(
	struct disk *d, uint64_t sector, uint32_t bytes, const uint8_t **data) must_check;
/*
 * Add and remove a client's data region at the driver, which gets only the frame of that
 * region. Neither call waits longer than DISK_CALL_MS, and neither waits at all for a driver
 * that has just exceeded that time: -SK_E_IO. (-SK_E_TIMEOUT would tell the connector that
 * storage may still use its memory.)
 */
int disk_region_add(struct disk *d, const struct svc_conn *c, uint32_t *region) must_check;
int disk_region_del(struct disk *d, uint32_t region) must_check;
/*
 * Does the driver take one more request for this use now? If not, its channel gets an event
 * when it does.
 */
bool disk_ready(struct disk *d, enum disk_use use);
/* Send q to the driver on the client's behalf, after disk_ready() has allowed it. */
int disk_submit(struct disk *d, struct client *cl, const struct blk_req *q,
	enum disk_use use) must_check;
/*
 * Get the next finished request. -SK_E_AGAIN: none, or the turn is over; -SK_E_PEER: the driver
 * broke the ring. An answer to a request that is not at the driver is skipped.
 */
int disk_finished(struct disk *d, struct flight *f, struct blk_rsp *rsp) must_check;

#endif
