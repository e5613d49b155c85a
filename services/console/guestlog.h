/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guestlog.h - what its VMM and the host say about each guest: a small log of its own for each
 *
 * A guest that crashes in a loop, or a VMM that says much, so fills a log of GUESTLOG_SIZE
 * bytes, and neither that of the host nor another guest's. The log is the name's: guests that
 * follow each other under one name have one.
 */
#ifndef CONSOLE_GUESTLOG_H
#define CONSOLE_GUESTLOG_H

#include "bootlog.h"

enum {
	GUESTLOG_MAX = 80,
	GUESTLOG_SIZE = 16384,
	GUESTLOG_NAME = 48,
};

struct guestlog {
	char name[GUESTLOG_NAME];
	/* The last with that name. */
	uint32_t domid;
	/* Connections that write here. */
	uint32_t users;
	/* When it was last opened: a number that grows. */
	uint64_t opened;
	struct textlog log;
};

/*
 * The log for this name, made if need be in place of the one that was not used for the longest
 * time. NULL: no memory.
 */
struct guestlog *guestlog_open(const char *name, uint32_t domid);
void guestlog_close(struct guestlog *g);
/* The log of the guest that has, or had, this number; NULL: none is known. */
struct guestlog *guestlog_of(uint32_t domid);
/* The i-th that there is; NULL: no more. */
struct guestlog *guestlog_at(uint32_t i);

#endif
