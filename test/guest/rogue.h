/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rogue.h - the guest that misbehaves towards its host
 *
 * Each part attacks one interface. It first shows that the interface works, then does one wrong
 * thing after another and reports the results. At the end it shows that the interface still
 * works. Every result is a line "rogue: ok WHAT" or "rogue: FAILED WHAT".
 */
#ifndef GUEST_ROGUE_H
#define GUEST_ROGUE_H

#include "pv.h"

/* grant references, one owner each */
enum {
	REF_BLK_RING = 8,
	REF_BLK_DATA,
	REF_BLK_SCRATCH,
	REF_NET_TX,
	REF_NET_RX,
	REF_NET_FRAME,
	REF_NET_BUFFER = 32
};

/* ---- probe.c: requests of a guest that behaves well ---- */

/* How long a request took, in ns. */
void probe_add(uint64_t ns);
/* Between two requests. */
void probe_pause(void);
void probe_init(uint64_t start_info);
void probe_wake(const char *other);
void probe_disk(const char *other);
void probe_net(const char *other);
void probe_store(const char *other);
void probe_console(const char *other);

/* ---- the parts that attack ---- */

void result(bool ok, const char *what);
/* n random bytes; some words are small numbers, which are more often in range. */
void noise(void *p, unsigned long n);

bool blk_init(void);
/* Connects again from any state; true if the disk works. */
bool blk_again(void);
void blk_attack(void);
/* Can be called repeatedly; ignores all answers and leaves the ring in ruins. */
void blk_storm(void);
/* Keeps the ring full of reads and writes, endlessly. */
void blk_busy(const char *other);
/* Has n requests in flight, endlessly, and tells probe.c how long each took. */
void blk_probe(uint32_t n);

bool net_init(void);
bool net_again(void);
void net_attack(void);
void net_storm(void);
/* Asks for the address of the gateway; false: there was no answer until then. */
bool net_asked(uint64_t until);
/* Sends frames of every length, with pieces of every size and checksums at every place. */
void net_frames(const char *other);
/* Sends broadcasts endlessly. */
void net_flood(const char *other);
/* Sends large frames that must be cut into the greatest possible number of small ones. */
void net_crumbs(const char *other);

/* `other` is the number of another guest. */
void store_attack(const char *other);
void store_storm(void);
/* Changes a node that it watches, endlessly. */
void store_watch(const char *other);

#endif
