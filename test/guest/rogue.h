/*
 * rogue.h - the guest that misbehaves towards its host
 *
 * Each part attacks one interface: it shows first that the interface works, then does one wrong thing after another,
 * says what came of it, and shows at the end that the interface still works. Every result is a line
 * "rogue: ok WHAT" or "rogue: FAILED WHAT".
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

void result(bool ok, const char *what);
/* n bytes of noise; some words are small numbers, which lie in range more often. */
void noise(void *p, unsigned long n);

bool blk_init(void);
/* Connects anew from whatever state; true when the disk works. */
bool blk_again(void);
void blk_attack(void);
/* Any number of times, without looking at what comes back; leaves the ring beyond repair. */
void blk_storm(void);
/* A full ring of reads and writes without an end. */
void blk_busy(const char *other);

bool net_init(void);
bool net_again(void);
void net_attack(void);
void net_storm(void);
/* Frames of every length, pieces of every size, checksums everywhere. */
void net_frames(const char *other);
/* Broadcasts without an end. */
void net_flood(const char *other);
/* Large frames that want to be cut into as many small ones as there can be. */
void net_crumbs(const char *other);

/* `other` is the number of another guest. */
void store_attack(const char *other);
void store_storm(void);
/* Changes what it watches without an end. */
void store_watch(const char *other);

#endif
