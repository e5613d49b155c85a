/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.h - a disk behind a driver domain: the requests that it has not answered, and what
 * happens to them when the driver is restarted
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
/*
 * A request fails when this many drivers ended while they had it: the first with others beside
 * it, the next two with it alone.
 */
#define DISK_DEATHS_MAX 3u
/* Bytes at the start of the partition table's header by which a disk is known again. */
#define DISK_IDENTITY 512u

struct client;
TAILQ_HEAD(client_list, client);

/* The purpose of a request; each has its own share of the driver's room. */
enum disk_use { DISK_CLIENT, DISK_CLOSING };

/* A request that was accepted and is not answered. */
struct flight {
	bool used;
	/* The driver that runs now has it. */
	bool sent;
	/* It is answered with an error at the next opportunity. */
	bool failed;
	uint8_t deaths;
	enum disk_use use;
	/* NULL: a request of storage itself. */
	struct client *client;
	/* As the driver gets it, but with the client's number for it. */
	struct blk_req q;
	/* Its number at the driver, another one each time that it is sent. */
	uint64_t id;
	/* Requests are sent again in the order in which they came. */
	uint64_t order;
};

enum region_state {
	REGION_FREE,
	REGION_USED,
	/* It belongs to a client; the driver has not got it so far. */
	REGION_OWED,
	/* It belongs to a client; the driver refused it, so its requests fail. */
	REGION_REFUSED,
	/* It belongs to no client; the driver did not say whether it has it. */
	REGION_STALE
};

struct disk_region {
	enum region_state state;
	sk_cap_t frame;
	uint64_t size;
};

enum disk_state {
	DISK_UP,
	/* A driver has started; it is asked which disk it has, and gets nothing else. */
	DISK_CHECKING,
	/* Requests that were at a driver that ended are sent again, one after the other. */
	DISK_REPLAYING,
	/* The driver is gone for good, or its disk is another one: every request fails. */
	DISK_LOST
};

struct disk {
	enum disk_state state;
	/* For messages. */
	unsigned int number;
	struct svc_conn *driver;
	/* The driver's control endpoint. */
	sk_cap_t endpoint;
	uint64_t sectors;
	uint32_t block; /* bytes */
	bool read_only;
	/* The header of the partition table, and its sector; 0: there is no table. */
	uint64_t identity_sector;
	uint8_t identity[DISK_IDENTITY];
	/* Number of our own data region at the driver. */
	uint32_t own_region;
	/* The last one is for requests of storage itself. */
	struct flight flight[BLK_DEPTH + 1];
	/* Without that one. */
	uint32_t n_flights;
	/* Where the search for a free one begins; it wraps. */
	uint32_t flight_next;
	uint64_t last_id, last_order;
	/*
	 * Clients of this disk that wait for room, and attachments that wait for their last
	 * flush. Each list is served in turn.
	 */
	struct client_list stalled, ending;
	struct disk_region region[BLK_REGIONS];
	/* Nothing is sent while the driver lacks regions. */
	uint32_t n_owed;
	/* The driver did not answer a call in time, and gets no other before this. */
	sk_time_t silent_until;
	/* A flight may have failed and waits to be answered. */
	bool some_failed;
	/* Checks of this driver that failed, and when the next one is due. */
	uint32_t n_checks;
	sk_time_t check_at;
	/*
	 * Runs when the driver may be called again. The code that makes the disk sets its
	 * function.
	 */
	struct svc_timer again;
};

/*
 * Ask the driver for the disk's properties, and register our data region with it. Only before
 * the event loop, like disk_read_now(). -SK_E_RESTARTED from either: there is another driver
 * now; begin again.
 */
int disk_init(struct disk *d, unsigned int number, struct svc_conn *driver,
	sk_cap_t endpoint) must_check;
/* Read `bytes` (at most the data part of the connection) from sector on. */
int disk_read_now(
	struct disk *d, uint64_t sector, uint32_t bytes, const uint8_t **data) must_check;
/* The disk is the one that has `header` at `sector`. */
void disk_identity_set(struct disk *d, uint64_t sector, const uint8_t header[DISK_IDENTITY]);
/*
 * Does the driver take one more request for this use now? If not, its channel gets an event
 * when it does. A lost disk takes every request, and fails it.
 */
bool disk_ready(struct disk *d, enum disk_use use);
/*
 * Send q to the driver on the client's behalf, after disk_ready() has allowed it. -SK_E_IO: the
 * disk or the request's region is lost.
 */
int disk_submit(struct disk *d, struct client *cl, const struct blk_req *q,
	enum disk_use use) must_check;
/*
 * Get the next finished request, with the driver's answer or the one that takes its place.
 * -SK_E_AGAIN: none, or the turn is over. An answer to a request that is not at the driver is a
 * breach.
 */
int disk_finished(struct disk *d, struct flight *f, struct blk_rsp *rsp) must_check;
/* Another driver has started. disk_recover() goes on from there. */
void disk_restarted(struct disk *d);
/* Do what can be done now towards DISK_UP; before disk_finished(). */
void disk_recover(struct disk *d);
/* There will be no answers any more. */
void disk_lose(struct disk *d, const char *why);

/* ---- region.c ---- */
/*
 * Add and remove a client's data region at the driver, which gets only the frame of that
 * region. Neither call waits longer than DISK_CALL_MS, and neither waits at all for a driver
 * that has just exceeded that time: -SK_E_IO. (-SK_E_TIMEOUT would tell the connector that
 * storage may still use its memory.) The region of a reopened connection is accepted without
 * an answer of the driver, which then gets it later.
 */
int disk_region_add(struct disk *d, const struct svc_conn *c, uint32_t *region) must_check;
int disk_region_del(struct disk *d, uint32_t region) must_check;
/* The driver is another one, which has no regions. */
void disk_regions_owe(struct disk *d);
/* Add what is owed, until the driver does not answer. */
void disk_regions_pay(struct disk *d);

#endif
