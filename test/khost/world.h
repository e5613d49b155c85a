/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.h - the domains with which the fuzzer and the explorer exercise the kernel
 *
 * Domain 0 is the root task; each domain has a capability space with the same kinds of objects
 * in the same slots.
 */
#ifndef KHOST_WORLD_H
#define KHOST_WORLD_H

#include "thread.h"

enum { DOMAINS = 4 };

/* Slots of a domain's capability space. The slots from FREE are empty. */
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
	/* copies of capabilities of the next domain */
	AT_PEER = 70,
	AT_PEER_ENDPOINT = AT_PEER,
	AT_PEER_NOTIFICATION,
	AT_PEER_THREAD,
	AT_PEER_SCHED,
	AT_PEER_VCPU,
	AT_PEER_NESTED,
	AT_PEER_FRAME, /* read-only */
	AT_PEER_CNODE,
	AT_PEER_SPACE,
	AT_BADGED, /* its own notifications and an endpoint, with a badge */
	AT_END = AT_BADGED + 4
};
/*
 * The root task's space also has each domain's memory and CNode, and the device untyped.
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
 * Make boot memory, the root task and domains on n CPUs. Every thread is ready, and no CPU has
 * chosen one.
 */
void world_make(unsigned int n);
/* Set the registers of a system call of t, as its entry would. */
void call_set(struct thread *t, unsigned int nr, const uint64_t arg[6]);
/* Make the whole call, repeating it after each preemption; t need not be current. */
long call_whole(struct thread *t, unsigned int nr, uint64_t a, uint64_t b, uint64_t c,
	uint64_t d, uint64_t e, uint64_t f);
bool call_restarts(const struct thread *t);

#endif
