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

#include "kept.h"

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

static int log_make(struct guestlog *g)
{
	g->head = kept_guest_log((uint32_t)(g - logs), GUESTLOG_SIZE);
	return g->head ? textlog_init_at(&g->log, g->head + 1, GUESTLOG_SIZE - sizeof(*g->head))
		       : textlog_init(&g->log, GUESTLOG_SIZE);
}

static struct guestlog *unused(void)
{
	struct guestlog *g;

	if (n_logs < GUESTLOG_MAX && log_make(&logs[n_logs]) == 0)
		return &logs[n_logs++];
	g = least_used(); /* GUESTLOG1 */
	if (g)
		textlog_clear(&g->log);
	return g;
}

static bool log_resume(struct guestlog *g)
{
	struct guestlog_head h;

	g->head = kept_guest_log((uint32_t)(g - logs), GUESTLOG_SIZE);
	if (!g->head)
		return false;
	h = *g->head;
	if (!h.name[0] || !memchr(h.name, 0, sizeof(h.name)) || h.opened >= UINT32_MAX ||
		!textlog_resume(&g->log, g->head + 1, GUESTLOG_SIZE - sizeof(*g->head)))
		return false;
	memcpy(g->name, h.name, sizeof(g->name));
	g->domid = h.domid;
	g->opened = h.opened;
	if (h.opened > last_opened)
		last_opened = h.opened;
	return true;
}

/* The logs are in use from the first on; one that makes no sense ends the row. */
void guestlog_resume(void)
{
	while (n_logs < GUESTLOG_MAX && log_resume(&logs[n_logs]))
		n_logs++;
}

/* For the next life. The name comes last, because it makes the others valid. */
static void head_write(struct guestlog *g)
{
	if (!g->head)
		return;
	g->head->domid = g->domid;
	g->head->opened = g->opened;
	memcpy(g->head->name, g->name, sizeof(g->name));
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
	head_write(g);
	return g;
}

void guestlog_close(struct guestlog *g) { g->users--; }
