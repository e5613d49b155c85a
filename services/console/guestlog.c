/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guestlog.c - tables of small logs, one for each guest
 *
 * Objects     struct guestlog in a table; its memory is allocated at the first use, and kept.
 * Invariants  GUESTLOG1 a log in use is not given to another guest
 */
#include "guestlog.h"

#include <string.h>

#include "kept.h"

static struct guestlog logs[GUESTLOG_MAX], past[PAST_MAX];
struct guestlog_table guest_logs = { .log = logs,
	.max = GUESTLOG_MAX,
	.n_kept = GUESTLOG_KEPT },
		      past_consoles = { .log = past,
			      .max = PAST_MAX,
			      .n_kept = PAST_MAX,
			      .kept = GUESTLOG_KEPT };

struct guestlog *guestlog_of(struct guestlog_table *t, uint32_t domid)
{
	struct guestlog *best = NULL;

	for (struct guestlog *g = t->log; g < t->log + t->n; g++)
		if (g->domid == domid && (!best || g->opened > best->opened))
			best = g;
	return best;
}

struct guestlog *guestlog_named(struct guestlog_table *t, const char *name)
{
	for (struct guestlog *g = t->log; g < t->log + t->n; g++)
		if (strcmp(g->name, name) == 0)
			return g;
	return NULL;
}

static struct guestlog *least_used(struct guestlog_table *t)
{
	struct guestlog *best = NULL;

	for (struct guestlog *g = t->log; g < t->log + t->n; g++)
		if (!g->users && (!best || g->opened < best->opened))
			best = g;
	return best;
}

static struct guestlog_head *head_of(const struct guestlog_table *t, const struct guestlog *g)
{
	const uint32_t i = (uint32_t)(g - t->log);

	return i < t->n_kept ? kept_guest_log(t->kept + i, GUESTLOG_SIZE) : NULL;
}

static int log_make(const struct guestlog_table *t, struct guestlog *g)
{
	g->head = head_of(t, g);
	return g->head ? textlog_init_at(&g->log, g->head + 1, GUESTLOG_SIZE - sizeof(*g->head))
		       : textlog_init(&g->log,
				 g < t->log + t->n_kept ? GUESTLOG_SIZE : GUESTLOG_SIZE_LATER);
}

static struct guestlog *unused(struct guestlog_table *t)
{
	struct guestlog *g = t->n < t->n_kept ? NULL : least_used(t); /* GUESTLOG1 */

	if (!g && t->n < t->max && log_make(t, &t->log[t->n]) == 0)
		return &t->log[t->n++];
	if (g)
		textlog_clear(&g->log);
	return g;
}

static bool log_resume(struct guestlog_table *t, struct guestlog *g)
{
	struct guestlog_head h;

	g->head = head_of(t, g);
	if (!g->head)
		return false;
	h = *g->head;
	if (!h.name[0] || !memchr(h.name, 0, sizeof(h.name)) || h.opened >= UINT32_MAX ||
		!textlog_resume(&g->log, g->head + 1, GUESTLOG_SIZE - sizeof(*g->head)))
		return false;
	memcpy(g->name, h.name, sizeof(g->name));
	g->domid = h.domid;
	g->opened = h.opened;
	if (h.opened > t->last_opened)
		t->last_opened = h.opened;
	return true;
}

/* The logs are in use from the first on; one that makes no sense ends the row. */
void guestlog_resume(struct guestlog_table *t)
{
	while (t->n < t->max && log_resume(t, &t->log[t->n]))
		t->n++;
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

struct guestlog *guestlog_open(struct guestlog_table *t, const char *name, uint32_t domid)
{
	struct guestlog *g = guestlog_named(t, name);

	if (!g)
		g = unused(t);
	if (!g)
		return NULL;
	strncpy(g->name, name, sizeof(g->name) - 1);
	g->domid = domid;
	g->users++;
	g->opened = ++t->last_opened;
	head_write(g);
	return g;
}

void guestlog_close(struct guestlog *g) { g->users--; }
