/*
 * disk.h - a disk behind a driver domain: requests in flight, and synchronous reads while storage starts
 */
#ifndef STORAGE_DISK_H
#define STORAGE_DISK_H

#include <stdbool.h>
#include <stdint.h>
#include "proto/blk.h"
#include "svc/svc.h"

#define DISKS_MAX 4u

struct client;

struct flight {                /* a request that the driver has */
	struct client *client; /* NULL: free */
	uint64_t id;           /* the client's */
	bool closing;          /* the flush that ends an attachment */
};

struct disk {
	struct svc_conn *driver;
	sk_cap_t endpoint; /* the driver's control endpoint */
	uint64_t sectors;
	bool read_only;
	uint32_t own_region; /* number of our own data region at the driver */
	struct flight flight[BLK_DEPTH];
	uint32_t n_flights;
};

/* Ask the driver what the disk is and register our data region with it. */
int disk_init(struct disk *d, struct svc_conn *driver, sk_cap_t endpoint) must_check;
/* Before the event loop runs: read `bytes` (at most the data part of the connection) from sector on. */
int disk_read_now(
	struct disk *d, uint64_t sector, uint32_t bytes, const uint8_t **data) must_check;
/* A client's data region at the driver, which gets that frame and no other. */
int disk_region_add(struct disk *d, const struct svc_conn *c, uint32_t *region) must_check;
int disk_region_del(struct disk *d, uint32_t region) must_check;
/* Send q to the driver on the client's behalf; -SK_E_AGAIN: BLK_DEPTH are out, or the ring is full. */
int disk_submit(
	struct disk *d, struct client *cl, const struct blk_req *q, bool closing) must_check;
/* The next finished request; -SK_E_AGAIN: none, -SK_E_PEER: the driver broke the protocol. */
int disk_finished(struct disk *d, struct flight *f, struct blk_rsp *rsp) must_check;

#endif
