/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guestlog.c - a small log for each guest
 *
 * Objects     struct guestlog in a table; its memory is allocated at the first use, and kept.
 * Invariants  GUESTLOG1 a log in use is not given to another guest: at most 64 guests live at a
 *                       time, and GUESTLOG_MAX is more
 */
#include "guestlog.h"

#include <string.h>

static struct guestlog logs[GUESTLOG_MAX];
static uint32_t n_logs;
static uint64_t last_opened;

struct guestlog *guestlog_at(uint32_t i) { return i < n_logs ? &logs[i] : NULL; }

struct guestlog *guestlog_of(uint32_t domid)
{
	struct guestlog *best = NULL;

	for (struct guestlog *g = logs; g < logs + n_logs; g++)
		if (g->domid == domid && (!best || g->opened > best->opened))
			best = g;
	return best;
}

static struct guestlog *by_name(const char *name)
{
	for (struct guestlog *g = logs; g < logs + n_logs; g++)
		if (strcmp(g->name, name) == 0)
			return g;
	return NULL;
}

static struct guestlog *least_used(void)
{
	struct guestlog *best = NULL;

	for (struct guestlog *g = logs; g < logs + n_logs; g++)
		if (!g->users && (!best || g->opened < best->opened))
			best = g;
	return best;
}

static struct guestlog *unused(void)
{
	struct guestlog *g;

	if (n_logs < GUESTLOG_MAX && textlog_init(&logs[n_logs].log, GUESTLOG_SIZE) == 0)
		return &logs[n_logs++];
	g = least_used(); /* GUESTLOG1 */
	if (g)
		textlog_clear(&g->log);
	return g;
}

struct guestlog *guestlog_open(const char *name, uint32_t domid)
{
	struct guestlog *g = by_name(name);

	if (!g)
		g = unused();
	if (!g)
		return NULL;
	strncpy(g->name, name, sizeof(g->name) - 1);
	g->domid = domid;
	g->users++;
	g->opened = ++last_opened;
	return g;
}

void guestlog_close(struct guestlog *g) { g->users--; }
