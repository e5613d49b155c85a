/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drives.h - what storage has around it in its tests: the drivers of two disks with partition
 * tables, and clients
 */
#ifndef TEST_DRIVES_H
#define TEST_DRIVES_H

#include "world/world.h"

#include "disk.h"
#include "proto/blk.h"

enum {
	ENDPOINT = 40, /* of the first disk's driver; the second has the next slot */
	LBAS = 400,    /* blocks of a disk */
	FIRST = 40,
	VOLUME = 50, /* blocks of a volume */
	DATA = 1 << 20,
	CLIENTS = 8,
};

struct drive {
	struct peer peer;
	uint8_t *image;
	uint32_t block;
	uint8_t region[BLK_REGIONS];
	uint8_t *region_data[BLK_REGIONS];
	uint32_t n_regions;
	bool stray; /* at the start, it signals once without a reason */
	bool read_only;
	int status;  /* what answer_truly() says besides the truth */
	bool silent; /* it answers no calls, and no requests at the start */
	uint64_t region_size;
	uint32_t sectors; /* what it says about its size; 0: the truth */
	/* Called for each request at the start; true: the driver has ended instead. */
	bool (*on_start)(struct drive *d, const struct blk_req *q);
	/* Called for each call; not 0: the call ends with this. */
	long (*on_region)(struct drive *d, uint32_t label, uint64_t number);
};
extern struct drive drives[2];
extern struct peer c[CLIENTS];

/*
 * Volumes a, d, e, f on the first disk, whose blocks have this size; b, c, g, h on the second.
 */
void start_with(uint32_t block);
void start(void);

/* ---- the drivers ---- */
/* Takes the driver's next request; false: none. */
bool asked(struct drive *d, struct blk_req *q);
void answer_put(struct drive *d, uint64_t id, int status);
void answer(struct drive *d, uint64_t id, int status);
/* Answers a request of storage itself: what disk there is, and what a sector of it contains. */
void answer_truly(struct drive *d, const struct blk_req *q);
/* The driver answers all its requests, at most max; returns how many. */
uint32_t land(struct drive *d, uint32_t max);
void land_all(struct drive *d);
/* The driver ends with all that it had, and another one starts. */
void drive_restart(struct drive *d);

/* ---- the clients ---- */
int try_attach(struct peer *p, char letter, bool writable);
void attach(struct peer *p, char letter);
void ask(struct peer *p, struct blk_req q);
void ask_many(struct peer *p, uint16_t op, uint32_t n);
/* The status of the next answer; 99: none. */
int answered(struct peer *p);
uint32_t answers(struct peer *p);

#endif
