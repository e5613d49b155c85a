/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * creation.c - how a guest comes to be: the steps from a configuration to a guest that runs
 *
 * Objects     struct creation: from the request until the requester was told the result. From
 *             BUILD on the guest points to it.
 * Lifecycle   creation_begin() begins with BUILD; then the table of steps.
 * Invariants  CREATION1 the state changes only in creation_set_state()
 *             CREATION2 the requester of a guest is told the result exactly once
 *             CREATION3 a VMM starts only after its part of xenstore is complete
 */
#include "guest/creation.h"

#include <stdlib.h>
#include <string.h>

#include "guest/build.h"
#include "guest/connect.h"
#include "guest/life.h"
#include "guest/sched.h"
#include "guest/store.h"
#include "sys/clock.h"

struct creation {
	enum creation_state state;
	struct creation_request r; /* its configuration is the table's from BUILD on */
	struct guest *guest;
	struct msg failure;
};

/* CREATION1 */
static void creation_set_state(struct creation *c, enum creation_state to) { c->state = to; }

/* ---- the steps ---- */

enum step_end {
	STEP_DONE,
	STEP_WAITS,
	STEP_FAILED,
};

static void creation_tell(struct creation *c, uint32_t domid, const char *text);

static enum step_end step_build(struct creation *c, struct msg *m)
{
	struct guest *g = guest_new(c->r.config, c->r.again, m);

	if (!g)
		return STEP_FAILED;
	if (c->r.in_table)
		c->r.in_table(c->r.ctx);
	g->start_paused = c->r.paused;
	if (c->r.image) {
		strcpy(g->image, c->r.image);
		g->restore = c->r.reads ? VM_READ_CONFIG : VM_RESTORE;
	}
	g->dom->short_lives = c->r.short_lives;
	if (guest_build(g, m)) {
		guest_drop(g);
		return STEP_FAILED;
	}
	c->guest = g;
	g->creation = c;
	return STEP_DONE;
}

static enum step_end step_connect(struct creation *c, struct msg *m)
{
	return guest_connect(c->guest, m) ? STEP_FAILED : STEP_WAITS;
}

/* Nothing in the host asks xenstore about a guest that only reads. */
static enum step_end step_store(struct creation *c, struct msg *m)
{
	if (c->r.reads)
		return STEP_DONE;
	return guest_store_write(c->guest, m) ? STEP_FAILED : STEP_WAITS;
}

static enum step_end step_start(struct creation *c, struct msg *m)
{
	if (guest_start(c->guest, m))
		return STEP_FAILED;
	c->guest->start_ns = clock_ns();
	dom_started(c->guest->dom);
	guest_sched_start();
	return STEP_DONE;
}

static enum step_end step_boot(struct creation *c, struct msg *m)
{
	(void)c;
	(void)m;
	return STEP_WAITS;
}

static const struct {
	enum step_end (*run)(struct creation *c, struct msg *m);
	enum {
		FORGET,   /* a failure leaves nothing behind */
		END_GUEST /* the table ends the guest, as if it were destroyed */
	} when_failed;
} steps[] = {
	[CREATION_BUILD] = { step_build, FORGET },
	[CREATION_CONNECT] = { step_connect, END_GUEST },
	[CREATION_STORE] = { step_store, END_GUEST },
	[CREATION_START] = { step_start, END_GUEST }, /* CREATION3 */
	[CREATION_BOOT] = { step_boot, END_GUEST },
};

/*
 * Steps until one waits, or is the last. 0, or -1 with *m: one failed and left nothing behind.
 */
static int creation_run(struct creation *c, struct msg *m)
{
	enum step_end end;

	while ((end = steps[c->state].run(c, m)) == STEP_DONE)
		creation_set_state(c, c->state + 1);
	if (end == STEP_FAILED && steps[c->state].when_failed == FORGET) {
		return -1;
	} else if (end == STEP_FAILED) {
		creation_failed(c->guest, m->text);
	}
	return 0;
}

/* ---- reports from the parts of a guest ---- */

static bool guest_is_to_be(const struct guest *g)
{
	return g->dom->state == DOM_BUILDING || g->dom->state == DOM_LIVE;
}

void creation_passed(struct guest *g, enum creation_state state)
{
	struct creation *c = g->creation;
	struct msg m;

	if (!c || c->state != state || !guest_is_to_be(g))
		return;
	creation_set_state(c, state + 1);
	if (c->state == CREATION_DONE)
		creation_tell(c, g->dom->domid, NULL);
	else
		(void)creation_run(c, &m); /* from BUILD on a failure ends the guest */
}

void creation_blame(struct guest *g, const char *text)
{
	struct creation *c = g->creation;

	if (c && !c->failure.text[0])
		msg_fail(&c->failure, "%s", text);
}

void creation_failed(struct guest *g, const char *text)
{
	creation_blame(g, text);
	if (g->creation)
		creation_set_state(g->creation, CREATION_FAILED);
	dom_failed(&guests, g->dom);
}

void creation_over(struct guest *g)
{
	struct creation *c = g->creation;

	if (c)
		creation_tell(c, g->dom->domid,
			c->failure.text[0] ? c->failure.text
					   : "it was destroyed while it was being created");
}

struct saved_config *creation_reads(const struct guest *g)
{
	return g->creation ? g->creation->r.reads : NULL;
}

/* ---- the requester ---- */

/* CREATION2 */
static void creation_tell(struct creation *c, uint32_t domid, const char *text)
{
	c->guest->creation = NULL;
	c->r.fn(c->r.ctx, domid, text);
	free(c);
}

int creation_begin(const struct creation_request *r, struct msg *m)
{
	struct creation *c = malloc(sizeof(*c));

	if (!c)
		return msg_fail(m, "control has no memory for another guest");
	*c = (struct creation){ .r = *r };
	creation_set_state(c, CREATION_BUILD);
	if (creation_run(c, m) == 0)
		return 0;
	free(c);
	return -1;
}
