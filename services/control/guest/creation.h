/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * creation.h - how a guest comes to be: a state machine from a configuration to a guest that
 * runs
 *
 * A creation passes through the states below, in this order. A step that is done at once leads
 * on to the next; one that waits is ended by creation_passed() or creation_failed(), which the
 * part that it waits for calls. creation.c has the table of steps, and of what is undone when
 * one of them fails.
 */
#ifndef CONTROL_CREATION_H
#define CONTROL_CREATION_H

#include "guest/guest.h"

enum creation_state {
	CREATION_BUILD,   /* the table has an entry; memory, the VMM and its vCPUs are made */
	CREATION_CONNECT, /* services open the VMM's connections, one after the other */
	CREATION_STORE,   /* xenstore takes the guest's nodes, and is introduced to it */
	CREATION_START,   /* the VMM gets its configuration and runs */
	CREATION_BOOT,    /* the VMM loads the kernel, then it says READY or FAILED */
	CREATION_DONE,    /* the guest is there */
	CREATION_FAILED,  /* the guest is taken back; the requester is told when that is done */
};

struct saved_config;

/* The end of a creation. text: why there is no guest; NULL when it is there. */
typedef void (*created_fn)(void *ctx, uint32_t domid, const char *text);

struct creation_request {
	struct guest_config *config; /* malloc'ed */
	bool paused;
	/* The label of the partition with the saved guest, copied; NULL: the guest boots. */
	const char *image;
	struct saved_config *reads; /* it is only there to read this: saved_config.h */
	/* If control is restarted meanwhile, the guest is made all the same. */
	bool again;
	uint32_t short_lives;        /* in a row before this one: restart.h */
	void (*in_table)(void *ctx); /* the guest has its entry; may be NULL */
	created_fn fn;
	void *ctx;
};

/*
 * Create a guest. 0: the configuration is taken over and fn will be called; -1 with *m:
 * neither.
 */
int creation_begin(const struct creation_request *r, struct msg *m) must_check;

/* What this guest is there to read; NULL: it is a guest like others. */
struct saved_config *creation_reads(const struct guest *g);

/*
 * The step that this guest's creation waits in is done. Without effect when the guest is to
 * end.
 */
void creation_passed(struct guest *g, enum creation_state state);
/* The step has failed: the guest is taken back. */
void creation_failed(struct guest *g, const char *text);
/* Remember why the guest fails, if nothing is known yet. Its end is begun elsewhere. */
void creation_blame(struct guest *g, const char *text);
/* The guest is gone, or almost gone: tell the requester, if it still waits. */
void creation_over(struct guest *g);

#endif
