/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.h - the domains that the fuzzer and the explorer let loose on the kernel
 *
 * Domain 0 is the root task; each domain has a capability space with the same things in the
 * same slots.
 */
#ifndef KHOST_WORLD_H
#define KHOST_WORLD_H

#include "thread.h"

enum { DOMAINS = 4 };

/* Slots of a domain's capability space. FREE: empty from here on. */
enum {
	AT_CNODE = SK_CAP_CNODE,
	AT_SPACE,
	AT_THREAD,
	AT_SCHED,
	AT_CTL_SCHED,
	AT_CTL_IRQ,
	AT_IOPORT,
	AT_UNTYPED,
	AT_UNTYPED_SMALL,
	AT_DEVICE_LARGE,
	AT_DEVICE_HUGE,
	AT_ENDPOINT,
	AT_REPLY = AT_ENDPOINT + 3,
	AT_NOTIFICATION = AT_REPLY + 2,
	AT_TABLE = AT_NOTIFICATION + 3,
	AT_FRAME = AT_TABLE + 6,
	AT_FRAMES4 = AT_FRAME + 2,
	AT_NESTED,
	AT_VCPU,
	AT_NESTED_TABLE,
	AT_SCHED2 = AT_NESTED_TABLE + 3,
	AT_THREAD2,
	AT_IRQ,
	AT_CNODE2,
	AT_FREE = 40,
	/* what it has of the next domain: copies */
	AT_PEER = 70,
	AT_PEER_ENDPOINT = AT_PEER,
	AT_PEER_NOTIFICATION,
	AT_PEER_THREAD,
	AT_PEER_SCHED,
	AT_PEER_VCPU,
	AT_PEER_NESTED,
	AT_PEER_FRAME, /* to be read only */
	AT_PEER_CNODE,
	AT_PEER_SPACE,
	AT_BADGED, /* its own notifications and an endpoint, with a badge */
	AT_END = AT_BADGED + 4
};
/*
 * In the root task's space besides: the memory of each domain, its CNode, the device untyped.
 */
enum { ROOT_MEMORY = 100, ROOT_CNODE = 110, ROOT_DEVICE = 120, ROOT_RAM = 121 };

#define UTCB_VADDR 0x100000ull
#define STATE_VADDR 0x110000ull

struct domain {
	struct cnode *cnode;
	struct thread *thread[2];
	struct sched *sched[2];
	struct space *space, *nested;
	struct vcpu *vcpu;
};
extern struct domain domains[DOMAINS];

/*
 * Boot memory, root task and domains on n CPUs; every thread is ready, no CPU has chosen one
 * yet.
 */
void world_make(unsigned int n);
/* Set the registers of a system call of t, as its entry would. */
void call_set(struct thread *t, unsigned int nr, const uint64_t arg[6]);
/* The whole call, again after each preemption; t need not be current. */
long call_whole(struct thread *t, unsigned int nr, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e, uint64_t f);
bool call_restarts(const struct thread *t);

#endif
