/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * life.c - guests until their end: carries out what the table of guests decides
 *
 * Objects     struct guest, made with its entry in the table and freed when the entry becomes
 *             free.
 * Lifecycle   creation.c makes it; then actions of the table, until guest_disconnected().
 */
#include "guest/life.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/host.h"
#include "event.h"
#include "guest/build.h"
#include "guest/connect.h"
#include "guest/creation.h"
#include "guest/images.h"
#include "guest/keep.h"
#include "guest/kept.h"
#include "guest/listen.h"
#include "guest/save.h"
#include "guest/store.h"
#include "guest/vmctl.h"
#include "log.h"
#include "sys/clock.h"
#include "sys/random.h"
#include "sys/sk.h"

enum { QUIESCE_WAIT_MS = 5000 };

struct domtab guests;

/* ---- struct guest ---- */

struct guest *guest_new(struct guest_config *config, bool again, struct msg *m)
{
	struct guest *g = calloc(1, sizeof(*g));

	if (!g) {
		msg_fail(m, "control has no memory for another guest");
		return NULL;
	}
	g->dom = dom_add(&guests, config, m);
	if (!g->dom) {
		free(g);
		return NULL;
	}
	g->start_ns = clock_ns();
	g->dom->priv = g;
	g->dom->again = again;
	guest_keep(g); /* before any memory is its own: the next life knows its name */
	return g;
}

static void guest_free(struct guest *g)
{
	svc_timer_set(&g->quiesce_timer, SK_NO_DEADLINE);
	svc_timer_set(&g->late_timer, SK_NO_DEADLINE);
	g->dom->priv = NULL;
	free(g);
}

void guest_drop(struct guest *g)
{
	struct dom *d = g->dom;

	guest_free(g);
	d->config = NULL; /* it stays the caller's */
	dom_drop(&guests, d);
}

/* ---- actions of the table ---- */

static void quiesce_late(void *ctx)
{
	struct guest *g = guest_of_ctx(ctx);

	guest_log(g->dom->domid, "the VMM of domain %u did not stop in time\n", g->dom->domid);
	dom_quiesced(&guests, g->dom);
	guests_run();
}

static void do_quiesce(struct dom *d)
{
	struct guest *g = guest_of(d);

	g->quiesce_timer.fn = quiesce_late;
	g->quiesce_timer.ctx = g;
	guest_keep(g); /* the next life knows why its vCPUs stand still */
	if (vmctl_send(g, VMCTL_QUIESCE, 0))
		dom_quiesced(&guests, d);
	else
		svc_timer_set(&g->quiesce_timer, svc_in_ms(QUIESCE_WAIT_MS));
}

static void do_teardown(struct dom *d)
{
	struct guest *g = guest_of(d);

	svc_timer_set(&g->quiesce_timer, SK_NO_DEADLINE);
	guest_stop(g);
	guest_disconnect(g);
}

void guest_disconnected(struct guest *g)
{
	struct dom *d = g->dom;

	guest_unbuild(g);
	kept_gone_add(d->domid, d->uuid);
	guest_store_remove(d->domid, d->uuid);
	creation_over(g);
	guest_free(g);
	dom_gone(&guests, d);
}

void guest_trouble(const struct dom *d, const char *text)
{
	guest_log(d->domid, "%s\n", text);
	guest_listener()->trouble(d->domid, text);
}

/* The requester of the guest need not wait until all of it is gone. */
void guest_late(struct guest *g, const char *text)
{
	guest_trouble(g->dom, text);
	creation_over(g);
}

static void restarted(void *ctx, uint32_t domid, const char *text)
{
	(void)ctx;
	if (text)
		guest_log(domid, "domain %u did not start again: %s\n", domid, text);
}

/* Create a guest again; `before` is the number that it had. */
static void do_create(struct guest_config *config, uint32_t before, uint32_t short_lives)
{
	const struct creation_request r = {
		.config = config, .again = true, .short_lives = short_lives, .fn = restarted
	};
	struct msg m;

	if (creation_begin(&r, &m) == 0)
		return;
	/* What a guest takes to be made is soon free again. */
	if (images_busy() && !dom_rest(&guests, config, short_lives))
		return;
	guest_log(before, "domain %s did not start again: %s\n", config->name, m.text);
	free(config);
}

void guest_ask(struct dom *d, const char *how)
{
	guest_store_shutdown(d, how);
	if (strcmp(how, "reboot") == 0)
		dom_reboot_asked(d);
}

static void dumped(uint32_t domid, const char *why)
{
	guest_log(domid, "domain %u: %s\n", domid, why ? why : "its core is written");
	dom_dumped(&guests, domtab_get(&guests, domid));
}

static void do_dump(struct dom *d)
{
	const struct guest_save save = { .after = CTL_SAVE_CORE, .fn = dumped };
	struct msg m;

	if (guest_save(guest_of(d), d->config->core_label, &save, &m))
		dumped(d->domid, m.text);
}

void guest_pause(struct dom *d)
{
	if (d->state == DOM_LIVE && !vmctl_send(guest_of(d), VMCTL_PAUSE, 0))
		d->paused = true;
}

void guest_unpause(struct dom *d)
{
	if (d->state == DOM_LIVE && !vmctl_send(guest_of(d), VMCTL_UNPAUSE, 0))
		d->paused = false;
}

/*
 * This is the only call in which control waits for services. init closes the connections of
 * static domains with storage, which takes up to SVC_CLOSE_MS each, and init prints what takes
 * long. The wait delays nobody: the guests are gone or given up, the user was told what may be
 * lost, and a guest that started now would be cut off.
 */
static void do_power(void)
{
	int rc;

	guest_listener()->host_down();
	rc = guests.stopping == HOST_REBOOT ? host_reboot() : host_poweroff();
	guests.stopping = HOST_UP;
	guests.power_queued = false;
	guest_listener()->host_stays(rc);
}

static void do_ask_down(struct dom *d) { guest_ask(d, "poweroff"); }

static void do_rename(struct dom *d) { guest_store_rename(d); }

/* What is done with a guest, if it is still there. */
static void (*const guest_actions[])(struct dom *d) = {
	[DO_QUIESCE] = do_quiesce,
	[DO_TEARDOWN] = do_teardown,
	[DO_RENAME] = do_rename,
	[DO_ASK_DOWN] = do_ask_down,
	[DO_DUMP] = do_dump,
	[DO_UNPAUSE] = guest_unpause,
};

static void action_run(const struct dom_action *a)
{
	struct dom *d = domtab_get(&guests, a->domid);

	if (a->what == DO_CREATE)
		do_create(a->config, a->domid, a->short_lives);
	else if (a->what == DO_NOTE_DOWN || a->what == DO_NOTE_GONE)
		guest_listener()->note(a);
	else if (a->what == DO_POWER)
		do_power();
	else if (d)
		guest_actions[a->what](d);
}

static void actions_run(void)
{
	struct dom_action a;

	while (domtab_next_action(&guests, &a))
		action_run(&a);
}

/* When the timer for guests that rest expires. */
static uint64_t rest_until_ns = UINT64_MAX;

static void rest_over(void *ctx)
{
	(void)ctx;
	rest_until_ns = UINT64_MAX;
	guests_run();
}

/* Set the timer for the next resting guest that is due. */
static void rest_timer_set(uint64_t at_ns)
{
	static struct svc_timer timer = { .fn = rest_over };
	sk_time_t deadline = SK_NO_DEADLINE;

	if (at_ns == rest_until_ns)
		return;
	rest_until_ns = at_ns;
	if (at_ns != UINT64_MAX)
		deadline = svc_in_ms((uint32_t)((at_ns - clock_ns()) / 1000000) + 1);
	svc_timer_set(&timer, deadline);
}

void guests_run(void)
{
	static bool running;
	uint64_t next;

	if (running)
		return; /* the loop below goes on */
	running = true;
	do {
		actions_run();
		next = domtab_due(&guests);
	} while (guests.n_queued);
	running = false;
	guests_keep();
	rest_timer_set(next);
	guest_listener()->changed();
}

static void domain_log(uint32_t domid, const char *line) { guest_log(domid, "%s", line); }

void guests_init(void)
{
	static const struct domtab_env env = { domain_log, random_bytes, clock_ns,
		keep_places };

	domtab_init(&guests, &env);
	event_on_end(guests_run);
}

void guest_vmm_died(uint32_t domid, const char *how)
{
	struct dom *d = domtab_get(&guests, domid);

	if (!d || !guest_of(d) || !d->has_vmm)
		return;          /* this is known already, or control ended the VMM itself */
	guest_halt(guest_of(d)); /* even if the guest is kept */
	guest_log(domid, "the VMM of domain %u (%s) %s\n", domid, d->name, how);
	creation_blame(guest_of(d), "its VMM died; `dmesg` may say why");
	dom_vmm_died(&guests, d, host_wall_seconds());
	save_down(guest_of(d));
}
