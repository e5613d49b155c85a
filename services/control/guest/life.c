/*
 * life.c - guests from creation to end: carries out what the table of guests decides
 *
 * Objects     struct guest, made with its entry in the table and freed when the entry becomes
 *             free.
 * Locks       none.
 * Lifecycle   guest_create: build, xenstore layout, start, READY; then actions of the table.
 * Invariants  G1 a VMM starts only after its part of xenstore is complete
 *             G2 whoever asked for a guest hears exactly once how it went
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "control.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	STORE_GFN = 0xfeffc,
	CONSOLE_GFN = 0xfefff, /* where libxl puts them */
	STORE_PORT = 1,
	CONSOLE_PORT = 2,
	QUIESCE_WAIT_MS = 5000,
};

struct domtab guests;

/* G2 */
static void created(struct guest *g, const char *text)
{
	created_fn fn = g->created;

	g->created = NULL;
	if (fn)
		fn(g->created_ctx, g->dom->domid, text);
}

static void not_created(struct guest *g)
{
	created(g, g->failure.text[0] ? g->failure.text
				      : "it was destroyed while it was being created");
}

void guest_ready(struct guest *g)
{
	if (g->dom->state == DOM_LIVE)
		created(g, NULL);
}

/* ---- creation ---- */

void guest_failed(struct guest *g, const char *text)
{
	if (!g->failure.text[0])
		msg_fail(&g->failure, "%s", text);
	dom_failed(&guests, g->dom);
}

static void start(struct guest *g)
{
	struct msg m;

	if (g->layout_failed) {
		guest_failed(g, "xenstore refused the guest's nodes");
	} else if (guest_start(g, &m)) {
		guest_failed(g, m.text);
	} else {
		g->start_ns = clock_ns();
		dom_started(g->dom);
		guest_sched_start();
	}
}

/* One request of the layout was answered. The guest may have been destroyed meanwhile. */
static void layout_done(void *ctx, int err, const char *data, uint32_t len)
{
	struct dom *d = domtab_get(&guests, (uint32_t)(uintptr_t)ctx);
	struct guest *g = d ? guest_of(d) : NULL;

	(void)data;
	(void)len;
	if (!g || !g->layout_left)
		return;
	if (err)
		g->layout_failed = true;
	if (--g->layout_left == 0 && d->state == DOM_BUILDING)
		start(g); /* G1 */
}

static int introduce(struct guest *g, struct xs_batch *b)
{
	char domid[16], gfn[16], port[16];

	snprintf(domid, sizeof(domid), "%u", g->dom->domid);
	snprintf(gfn, sizeof(gfn), "%u", STORE_GFN);
	snprintf(port, sizeof(port), "%u", STORE_PORT);
	if (xs_request_texts(XS_INTRODUCE, b->fn, b->ctx, domid, gfn, port, NULL))
		return -1;
	b->n++;
	return 0;
}

static int write_layout(struct guest *g, struct msg *m)
{
	struct xs_guest x = { .config = g->dom->config,
		.name = g->dom->name,
		.uuid = g->dom->uuid,
		.domid = g->dom->domid,
		.store_port = STORE_PORT,
		.console_port = CONSOLE_PORT,
		.store_gfn = STORE_GFN,
		.console_gfn = CONSOLE_GFN,
		.start_seconds = host_wall_seconds() };
	struct xs_batch b = { .fn = layout_done, .ctx = (void *)(uintptr_t)g->dom->domid };

	g->layout_left = UINT32_MAX; /* no answer before all is queued counts as the last */
	if (xs_layout_create(&x, xs_emit, &b) || introduce(g, &b))
		return msg_fail(m, "no memory for the guest's xenstore nodes");
	g->layout_left = b.n;
	return 0;
}

void guest_connected(struct guest *g)
{
	struct msg m;

	if (write_layout(g, &m))
		guest_failed(g, m.text);
}

static void remove_layout(const struct dom *d)
{
	struct xs_batch b = { .fn = NULL };
	char domid[16];

	snprintf(domid, sizeof(domid), "%u", d->domid);
	if (xs_request_texts(XS_RELEASE, NULL, NULL, domid, NULL) ||
		xs_layout_remove(d->domid, d->uuid, xs_emit_remove, &b))
		guest_log(d->domid, "xenstore nodes of domain %u stay behind: no memory\n",
			d->domid);
}

static void guest_free(struct dom *d)
{
	struct guest *g = guest_of(d);

	if (!g)
		return;
	svc_timer_set(&g->quiesce_timer, SK_NO_DEADLINE);
	svc_timer_set(&g->late_timer, SK_NO_DEADLINE);
	free(g);
	d->priv = NULL;
}

int guest_create(
	struct guest_config *config, bool paused, created_fn fn, void *ctx, struct msg *m)
{
	struct guest *g = calloc(1, sizeof(*g));
	struct dom *d;

	if (!g)
		return msg_fail(m, "control has no memory for another guest");
	d = dom_add(&guests, config, m);
	if (!d) {
		free(g);
		return -1;
	}
	g->dom = d;
	g->start_paused = paused;
	g->start_ns = clock_ns();
	d->priv = g;
	if (guest_build(g, m)) {
		guest_free(d);
		d->config = NULL; /* it stays the caller's */
		dom_drop(d);
		return -1;
	}
	g->created = fn;
	g->created_ctx = ctx;
	guest_connect(g);
	return 0;
}

/* ---- what the table wants ---- */

static void quiesce_late(void *ctx)
{
	struct guest *g = ctx;

	guest_log(g->dom->domid, "the VMM of domain %u did not stop in time\n", g->dom->domid);
	dom_quiesced(&guests, g->dom);
	guests_run();
}

static void do_quiesce(struct dom *d)
{
	struct guest *g = guest_of(d);

	g->quiesce_timer.fn = quiesce_late;
	g->quiesce_timer.ctx = g;
	if (guest_ctl_send(g, VMCTL_QUIESCE, 0))
		dom_quiesced(&guests, d);
	else
		svc_timer_set(&g->quiesce_timer, deadline_in_ms(QUIESCE_WAIT_MS));
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
	remove_layout(d);
	not_created(g);
	guest_free(d);
	dom_gone(&guests, d);
}

void guest_trouble(const struct dom *d, const char *text)
{
	guest_log(d->domid, "%s\n", text);
	shell_on_trouble(d->domid, text);
}

/* Who asked for it need not wait for what is left. */
void guest_late(struct guest *g, const char *text)
{
	guest_trouble(g->dom, text);
	not_created(g);
}

static void restarted(void *ctx, uint32_t domid, const char *text)
{
	(void)ctx;
	if (text)
		guest_log(domid, "domain %u did not start again: %s\n", domid, text);
}

/* It follows the guest that had the number `before`. */
static void do_create(struct guest_config *config, uint32_t before, uint32_t short_lives)
{
	struct msg m;
	struct dom *d;

	if (guest_create(config, false, restarted, NULL, &m)) {
		guest_log(before, "domain %s did not start again: %s\n", config->name, m.text);
		free(config);
		return;
	}
	d = domtab_find(&guests, config->name, &m);
	if (d)
		d->short_lives = short_lives;
}

static void do_rename(struct dom *d)
{
	struct xs_batch b = { .fn = NULL };
	int rc;

	if (memcmp(d->uuid, d->config->uuid, UUID_SIZE) == 0)
		rc = xs_layout_rename(d->domid, d->uuid, d->name, xs_emit, &b);
	else
		rc = xs_layout_new_uuid(
			d->domid, d->uuid, d->name, host_wall_seconds(), xs_emit, &b);
	if (rc)
		guest_log(d->domid,
			"xenstore does not know the new name of domain %u: no memory\n",
			d->domid);
}

void guest_ask(struct dom *d, const char *how)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", d->domid);
	(void)xs_write_value(path, how, (uint32_t)strlen(how), NULL, NULL);
	if (strcmp(how, "reboot") == 0)
		dom_reboot_asked(d);
}

void guest_pause(struct dom *d, bool pause)
{
	if (d->state != DOM_LIVE ||
		guest_ctl_send(guest_of(d), pause ? VMCTL_PAUSE : VMCTL_UNPAUSE, 0))
		return;
	d->paused = pause;
}

static void power(void)
{
	int rc;

	shell_stopped();
	rc = host_power(guests.stopping == HOST_REBOOT);
	guests.stopping = HOST_UP;
	guests.power_queued = false;
	shell_print(the_shell, "The host did not go down: error %d\n", -rc);
	shell_done(the_shell);
}

static void run(const struct dom_action *a, struct dom *d)
{
	switch (a->what) {
	case DO_QUIESCE:
		do_quiesce(d);
		break;
	case DO_TEARDOWN:
		do_teardown(d);
		break;
	case DO_CREATE:
		do_create(a->config, a->domid, a->short_lives);
		break;
	case DO_RENAME:
		do_rename(d);
		break;
	case DO_ASK_DOWN:
		guest_ask(d, "poweroff");
		break;
	case DO_UNPAUSE:
		guest_pause(d, false);
		break;
	case DO_NOTE_DOWN:
	case DO_NOTE_GONE:
		shell_on_note(a);
		break;
	case DO_POWER:
		power();
		break;
	}
}

static bool about_a_guest(enum dom_do what)
{
	return what != DO_CREATE && what != DO_NOTE_DOWN && what != DO_NOTE_GONE &&
	       what != DO_POWER;
}

static void run_queue(void)
{
	struct dom_action a;
	struct dom *d;

	while (domtab_next_action(&guests, &a)) {
		d = domtab_get(&guests, a.domid);
		if (d || !about_a_guest(a.what))
			run(&a, d);
	}
}

static uint64_t due_ns = UINT64_MAX; /* the timer is set to */

static void due(void *ctx)
{
	(void)ctx;
	due_ns = UINT64_MAX;
	guests_run();
}

/* Guests that rest are made again when their time has come. */
static void due_later(uint64_t at_ns)
{
	static struct svc_timer timer = { .fn = due };
	sk_time_t deadline = SK_NO_DEADLINE;

	if (at_ns == due_ns)
		return;
	due_ns = at_ns;
	if (at_ns != UINT64_MAX)
		deadline = deadline_in_ms((uint32_t)((at_ns - clock_ns()) / 1000000) + 1);
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
		run_queue();
		next = domtab_due(&guests);
	} while (guests.n_queued);
	running = false;
	due_later(next);
}

void guest_vmm_died(uint32_t domid, uint64_t rip, uint64_t address, bool fault)
{
	struct dom *d = domtab_get(&guests, domid);

	if (!d || !guest_of(d) || !d->has_vmm)
		return;          /* or it is said already, or its end is ours */
	guest_halt(guest_of(d)); /* also of one that is kept */
	if (fault)
		guest_log(domid, "the VMM of domain %u (%s) faulted at %#llx, address %#llx\n",
			domid, d->name, (unsigned long long)rip, (unsigned long long)address);
	else
		guest_log(domid, "the VMM of domain %u (%s) ended\n", domid, d->name);
	if (!guest_of(d)->failure.text[0])
		msg_fail(&guest_of(d)->failure, "its VMM died; `dmesg` may say why");
	dom_vmm_died(&guests, d, host_wall_seconds());
}
