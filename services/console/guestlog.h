/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guestlog.h - tables of small logs, one for each guest
 *
 * guest_logs has what a guest's VMM and the host say about it. So a guest that crashes in a
 * loop, or a VMM that prints much, fills only its own log of GUESTLOG_SIZE bytes, and not that
 * of the host or of another guest. past_consoles has the end of what guests that are gone have
 * printed on their consoles. A log belongs to a name: guests that have the same name one after
 * the other share it.
 */
#ifndef CONSOLE_GUESTLOG_H
#define CONSOLE_GUESTLOG_H

#include "bootlog.h"

enum {
	/* As many as guests may live; the first ones are in kept memory, and larger. */
	GUESTLOG_MAX = 1000,
	GUESTLOG_KEPT = 80,
	PAST_MAX = 32,
	GUESTLOG_SIZE = 16384,
	GUESTLOG_SIZE_LATER = 2048,
	GUESTLOG_NAME = 48,
};

/* What is kept of a log beside its text (kept.h). */
struct guestlog_head {
	char name[GUESTLOG_NAME];
	uint32_t domid, reserved;
	uint64_t opened;
};
_Static_assert(sizeof(struct guestlog_head) == 64, "no padding");

struct guestlog {
	/* Where it is kept; NULL: only here. It is written, and not read again. */
	struct guestlog_head *head;
	char name[GUESTLOG_NAME];
	/* The last guest with that name. */
	uint32_t domid;
	/* Connections that write here. */
	uint32_t users;
	/* Grows with each guestlog_open(): the greatest was opened last. */
	uint64_t opened;
	struct textlog log;
};

struct guestlog_table {
	struct guestlog *log;
	/*
	 * How many there may be, and are; how many may be kept, and the first one's number in
	 * kept memory.
	 */
	uint32_t max, n, n_kept, kept;
	uint64_t last_opened;
};
extern struct guestlog_table guest_logs, past_consoles;

/* Take over the logs that an earlier life has left. */
void guestlog_resume(struct guestlog_table *t);
/*
 * The log for this name. If there is none it is made, if necessary in place of the unused one
 * that was opened the longest time ago. NULL: no memory.
 */
struct guestlog *guestlog_open(struct guestlog_table *t, const char *name, uint32_t domid);
void guestlog_close(struct guestlog *g);
/* The log of the last guest with this domid, or name; NULL: none is known. */
struct guestlog *guestlog_of(struct guestlog_table *t, uint32_t domid);
struct guestlog *guestlog_named(struct guestlog_table *t, const char *name);

#endif
