/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * plug.c - devices that a guest gets and loses while it runs
 *
 * Objects     struct guest_plug: the one device of a guest that comes or goes.
 * Lifecycle   coming: PLUG_OPEN (its service makes the connection) -> PLUG_TELL (the VMM has
 *             the device) -> PLUG_SHOW (xenstore has its nodes) -> IDLE. Going: UNPLUG_TELL
 *             (the guest lets go, the VMM frees it) -> UNPLUG_CLOSE (the service closes) ->
 *             IDLE. What fails on its way in goes out again. The end of the guest ends all of
 *             this; its connections and memory are then closed and freed with the others.
 * Invariants  PLUG1 a device is in the configuration before its service is asked for it, and
 *                   until its connection is gone
 *             PLUG2 its memory goes back to the pool when its service says that it has nothing
 *                   of it. If the service does not say, the guest keeps it until its end
 *             PLUG3 the next life of control takes out what this one has not completed
 */
#include "guest/plug.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/host.h"
#include "client/services.h"
#include "guest/build.h"
#include "guest/connect.h"
#include "guest/guest_pool.h"
#include "guest/keep.h"
#include "guest/life.h"
#include "guest/link.h"
#include "guest/save.h"
#include "guest/store.h"
#include "guest/vmctl.h"
#include "log.h"

/* As long as xl waits for a guest to let go of a device. */
enum { LATE_MS = 10000 };

static bool seat_is_disk(uint32_t seat) { return seat < GUEST_DISKS_MAX; }

static struct guest_conn *conn_of(struct guest *g, uint32_t seat)
{
	for (struct guest_conn *c = g->conn; c < g->conn + g->n_conns; c++)
		if (c->step == LINK_SEAT + seat)
			return c;
	return NULL;
}

/* ---- the configuration ---- */

static void drive_empty(struct guest_disk *d)
{
	memset(d->spec.target, 0, sizeof(d->spec.target));
	memset(d->label, 0, sizeof(d->label));
	d->spec.format = DISK_EMPTY;
}

static void config_remove(struct guest *g, uint32_t seat)
{
	struct guest_config *c = g->dom->config;
	struct guest_disk *d;
	struct vif_spec *v;

	if (seat == GUEST_SEAT_IMAGE) {
		g->image[0] = '\0';
		return;
	}
	d = seat_is_disk(seat) ? guest_disk_at(c, seat) : NULL;
	if (d && g->plug.medium && seat == g->plug.seat)
		drive_empty(d);
	else if (d)
		memmove(d, d + 1, (size_t)(c->disks + c->n_disks-- - (d + 1)) * sizeof(*d));
	else if (!seat_is_disk(seat) && (v = guest_vif_at(c, seat - GUEST_DISKS_MAX)) != NULL)
		memmove(v, v + 1, (size_t)(c->vifs + c->n_vifs-- - (v + 1)) * sizeof(*v));
	g->dom->config_kept = false;
}

/* The first free one from `first` on; GUEST_SEATS: there is none below `end`. */
static uint32_t seat_find(struct guest *g, uint32_t first, uint32_t end)
{
	for (uint32_t seat = first; seat < end; seat++)
		if (!g->device[seat] && !guest_has_device(g->dom->config, seat))
			return seat;
	return GUEST_SEATS;
}

/* A channel of the VMM that is not in use; 0: there is none. */
static uint32_t channel_find(const struct guest *g)
{
	uint32_t used = 1, i;

	for (i = 0; i < g->n_conns; i++)
		used |= 1u << (g->conn[i].kept.channel & 31);
	for (i = 1; i < VM_CHANNELS_LATER; i++)
		if (!(used >> i & 1))
			return i;
	return 0;
}

/* ---- the end ---- */

static void plug_finish(struct guest *g)
{
	plug_done_fn fn = g->plug.fn;
	struct msg why = g->plug.why;

	svc_timer_set(&g->plug.late, SK_NO_DEADLINE);
	g->plug = (struct guest_plug){ .state = PLUG_IDLE };
	guest_keep(g); /* PLUG3 */
	if (fn)
		fn(g->dom->domid, why.text[0] ? why.text : NULL);
}

/* The device has no connection any more. */
static void plug_remove(struct guest *g)
{
	uint32_t seat = g->plug.seat;
	enum service s = link_service(LINK_SEAT + seat);

	config_remove(g, seat);
	guest_keep(g); /* PLUG1 */
	if (g->device[seat] && !(g->doubt >> s & 1))
		guest_device_give(g, seat); /* PLUG2 */
	plug_finish(g);
}

void plug_closed(struct guest *g)
{
	proc_unplug(&g->proc, g->plug.channel.bit);
	plug_remove(g);
}

void plug_close(struct guest *g)
{
	struct guest_conn *c = conn_of(g, g->plug.seat);

	if (g->plug.state == UNPLUG_CLOSE && c)
		guest_disconnect_one(g, c);
}

/* The drive's node says so before the connection is closed, as its VMM has no medium now. */
static void medium_forget(struct guest *g)
{
	if (guest_store_medium(g, g->plug.seat, "", NULL))
		guest_log(g->dom->domid,
			"xenstore does not know that a drive of domain %u is empty: no memory\n",
			g->dom->domid);
}

static void plug_take_out(struct guest *g)
{
	if (g->plug.medium)
		medium_forget(g);
	else if (g->plug.seat != GUEST_SEAT_IMAGE)
		guest_store_unplug(g, g->plug.seat);
	g->plug.state = UNPLUG_CLOSE;
	if (conn_of(g, g->plug.seat))
		plug_close(g);
	else
		plug_remove(g);
}

void plug_over(struct guest *g)
{
	if (g->plug.state == PLUG_IDLE)
		return;
	msg_fail(&g->plug.why, "domain %u has ended", g->dom->domid);
	plug_finish(g);
}

static void plug_late(void *ctx);

static void late_set(struct guest *g)
{
	g->plug.late.fn = plug_late;
	g->plug.late.ctx = g;
	svc_timer_set(&g->plug.late, svc_in_ms(LATE_MS));
}

/* ---- out ---- */

static void unplug_tell(struct guest *g, bool forced)
{
	struct vmctl_unplug u = { .number = ++g->plug_number,
		.seat = g->plug.seat,
		.how = g->plug.medium ? VMCTL_UNPLUG_MEDIUM
		       : forced       ? VMCTL_UNPLUG_FORCE
				      : VMCTL_UNPLUG_ASK };

	g->plug.state = UNPLUG_TELL;
	guest_keep(g); /* PLUG3 */
	late_set(g);
	if (vmctl_send_body(g, VMCTL_UNPLUG, 0, &u, sizeof(u)))
		msg_fail(&g->plug.why, "the VMM does not listen");
}

/* The guest does not let go. A vif is then taken away, as by xl; a disk may hold data. */
static void plug_late(void *ctx)
{
	struct guest *g = guest_of_ctx(ctx);
	plug_done_fn fn = g->plug.fn;

	if (g->plug.state == UNPLUG_TELL && !seat_is_disk(g->plug.seat)) {
		unplug_tell(g, true);
		return;
	}
	g->plug.fn = NULL;
	if (!fn)
		return;
	fn(g->dom->domid,
		g->plug.state == UNPLUG_TELL && !g->plug.medium
			? "the guest has not let go of it; it goes when the guest does, or now with -f"
			: "this takes long; it goes on");
}

static bool stays(const struct guest *g)
{
	return g->dom->state == DOM_LIVE || g->dom->state == DOM_DOWN;
}

static int idle_check(const struct guest *g, struct msg *m)
{
	if (g->plug.state != PLUG_IDLE)
		return msg_fail(m,
			"another device of domain %u is being attached or detached; try again when that is done",
			g->dom->domid);
	return 0;
}

static int plug_check(const struct guest *g, struct msg *m)
{
	if (g->dom->state != DOM_LIVE || !g->was_ready)
		return msg_fail(m, "domain %u does not run", g->dom->domid);
	return idle_check(g, m);
}

static void unplug_begin(struct guest *g, uint32_t seat, bool medium)
{
	const struct guest_conn *c = conn_of(g, seat);

	g->plug.seat = seat;
	g->plug.medium = medium;
	g->plug.channel.bit = c ? c->kept.channel : 0;
	if (seat != GUEST_SEAT_IMAGE && !medium)
		guest_store_offline(g, seat);
}

int guest_unplug(struct guest *g, uint32_t seat, bool forced, plug_done_fn fn, struct msg *m)
{
	bool again = g->plug.state == UNPLUG_TELL && g->plug.seat == seat && !g->plug.medium;

	if (!again && plug_check(g, m))
		return -1;
	if (!guest_has_device(g->dom->config, seat))
		return msg_fail(m, "domain %u has no such device", g->dom->domid);
	if (!again)
		unplug_begin(g, seat, false);
	g->plug.fn = fn;
	unplug_tell(g, forced);
	return 0;
}

int guest_eject(struct guest *g, uint32_t seat, plug_done_fn fn, struct msg *m)
{
	const struct guest_disk *d = guest_disk_at(g->dom->config, seat);

	if (plug_check(g, m))
		return -1;
	if (!d || !d->spec.cdrom)
		return msg_fail(m, "domain %u has no such cdrom drive", g->dom->domid);
	if (disk_spec_empty(&d->spec))
		return msg_fail(m, "%s: the drive is empty", d->spec.vdev);
	unplug_begin(g, seat, true);
	g->plug.fn = fn;
	unplug_tell(g, false);
	return 0;
}

/* ---- in ---- */

static void plug_answered(void *ctx, bool failed, const void *data, uint32_t len)
{
	struct guest *g = guest_nodes_owner(ctx);

	(void)data;
	(void)len;
	if (!g || g->plug.state != PLUG_SHOW)
		return;
	if (failed) {
		msg_fail(&g->plug.why, "xenstore refused the device's nodes");
		unplug_tell(g, true);
		return;
	}
	plug_finish(g);
}

static void plug_show(struct guest *g)
{
	uint32_t seat = g->plug.seat;
	int rc;

	g->plug.state = PLUG_SHOW;
	if (g->plug.medium)
		rc = guest_store_medium(g, seat,
			guest_disk_at(g->dom->config, seat)->spec.target, plug_answered);
	else
		rc = guest_store_plug(g, seat, plug_answered);
	if (rc) {
		msg_fail(&g->plug.why, "no memory for the device's xenstore nodes");
		unplug_tell(g, true);
	}
}

void plug_heard(struct guest *g, uint32_t seats, uint32_t number)
{
	bool there = seats >> g->plug.seat & 1;

	if (number != g->plug_number)
		return;
	if (g->plug.medium && seats >> (VMCTL_EMPTY + g->plug.seat) & 1)
		there = false;
	if (g->plug.state == PLUG_TELL && there) {
		plug_show(g);
	} else if (g->plug.state == PLUG_TELL) {
		msg_fail(&g->plug.why, "the VMM could not add it; `dmesg` may say why");
		plug_take_out(g);
	} else if (g->plug.state == UNPLUG_TELL && !there) {
		plug_take_out(g);
	}
}

static void plug_tell(struct guest *g)
{
	struct vmctl_plug p = {
		.number = ++g->plug_number, .seat = g->plug.seat, .channel = g->plug.channel
	};

	if (seat_is_disk(g->plug.seat))
		guest_vm_disk(guest_disk_at(g->dom->config, g->plug.seat), &p.disk);
	else
		guest_vm_vif(
			guest_vif_at(g->dom->config, g->plug.seat - GUEST_DISKS_MAX), &p.vif);
	g->plug.state = PLUG_TELL;
	guest_keep(g);
	if (!vmctl_send_body(g, VMCTL_PLUG, 0, &p, sizeof(p)))
		return;
	msg_fail(&g->plug.why, "the VMM does not listen");
	plug_take_out(g);
}

static void plug_opened(struct call *call)
{
	struct guest *g = guest_of_ctx(call->ctx);
	struct guest_link *l = &g->link;
	uint32_t step = LINK_SEAT + g->plug.seat;
	bool conn = false;
	int rc;

	rc = proc_plug_finish(&g->proc, &l->c, &call->open, call->rc, &call->opened, &l->made,
		&g->plug.channel);
	l->under_way = false;
	if (l->made.number) {
		(void)guest_conn_add(g, call->service, step, &l->made);
		conn = true;
	} else if (answer_doubtful(call->rc)) {
		g->doubt |= 1u << call->service;
	}
	if (g->leaving) {
		guest_disconnect_more(g);
		return;
	}
	if (!rc && !opened_too_early(call) && g->plug.seat == GUEST_SEAT_IMAGE) {
		g->plug.state = PLUG_IMAGE;
		save_opened(g);
		return;
	}
	if (!rc && !opened_too_early(call)) {
		plug_tell(g);
		return;
	}
	link_refused(g, step, rc ? rc : -SK_E_DELETED, &g->plug.why);
	if (conn)
		plug_take_out(g);
	else
		plug_remove(g);
}

/* The device is in the configuration. 0, or -1 with *m and nothing changed. */
static int plug_open(struct guest *g, uint32_t channel, struct msg *m)
{
	struct guest_link *l = &g->link;
	uint32_t step = LINK_SEAT + g->plug.seat;
	char text[24];
	int rc;

	if (!guest_device_take(g, g->plug.seat, GUEST_PLUG_ORDER))
		return msg_fail(m, "not enough free memory: a device needs %u MiB",
			1u << (GUEST_PLUG_ORDER - 20));
	if (link_prepare(g, step, l, m))
		return -1;
	if (!l->c.endpoint || service_given_up(l->call.service))
		return msg_fail(m, "%s: the service %s does not run",
			link_subject(g, step, text), host_service_name(l->call.service));
	rc = proc_plug_prepare(&g->proc, channel, &l->c, &l->call.open, &l->made);
	if (rc)
		return msg_fail(m, "%s: cannot prepare the connection: %s",
			link_subject(g, step, text), sk_error_text(rc));
	l->call.what = CALL_OPEN;
	l->call.fn = plug_opened;
	l->call.ctx = g;
	l->under_way = true;
	g->plug.state = PLUG_OPEN;
	guest_keep(g); /* PLUG1 */
	call_start(&l->call);
	return 0;
}

/* An empty drive has no connection. */
static int drive_tell(struct guest *g, struct msg *m)
{
	plug_done_fn fn = g->plug.fn;

	g->plug.fn = NULL; /* not called before this has returned */
	plug_tell(g);
	if (g->plug.state == PLUG_IDLE)
		return msg_fail(m, "the VMM does not listen");
	g->plug.fn = fn;
	return 0;
}

/* The device was put into the configuration, in this seat. */
static int plug_begin(struct guest *g, uint32_t seat, plug_done_fn fn, struct msg *m)
{
	g->dom->config_kept = false;
	g->plug.seat = seat;
	g->plug.fn = fn;
	if (seat != GUEST_SEAT_IMAGE)
		late_set(g);
	if (seat < GUEST_SEATS && !guest_has_medium(g->dom->config, seat))
		return drive_tell(g, m);
	if (!plug_open(g, channel_find(g), m))
		return 0;
	config_remove(g, seat);
	if (g->device[seat])
		guest_device_give(g, seat);
	g->plug.fn = NULL;
	plug_finish(g);
	return -1;
}

/* A seat from `first` to `end`; GUEST_SEATS with *m: the guest cannot have another one. */
static uint32_t seat_choose(struct guest *g, uint32_t first, uint32_t end, struct msg *m)
{
	uint32_t seat = seat_find(g, first, end);

	if (seat == GUEST_SEATS || !channel_find(g)) {
		msg_fail(m, "domain %u has as many devices as it can have; detach one",
			g->dom->domid);
		return GUEST_SEATS;
	}
	return seat;
}

int guest_plug_disk(struct guest *g, const struct guest_disk *d, plug_done_fn fn, struct msg *m)
{
	struct guest_config *c = g->dom->config;
	uint32_t seat;

	if (plug_check(g, m))
		return -1;
	for (uint32_t i = 0; i < c->n_disks; i++)
		if (c->disks[i].spec.number == d->spec.number)
			return msg_fail(
				m, "domain %u has %s already", g->dom->domid, d->spec.vdev);
	seat = seat_choose(g, 0, GUEST_DISKS_MAX, m);
	if (seat == GUEST_SEATS)
		return -1;
	c->disks[c->n_disks] = *d;
	c->disks[c->n_disks].seat = seat;
	c->n_disks++;
	return plug_begin(g, seat, fn, m);
}

int guest_insert(
	struct guest *g, const struct guest_disk *medium, plug_done_fn fn, struct msg *m)
{
	struct guest_disk *d = guest_disk_at(g->dom->config, medium->seat);

	if (plug_check(g, m))
		return -1;
	if (!d || !d->spec.cdrom)
		return msg_fail(m, "domain %u has no such cdrom drive", g->dom->domid);
	if (!disk_spec_empty(&d->spec))
		return msg_fail(m, "%s: the drive has a medium; eject it", d->spec.vdev);
	if (!channel_find(g))
		return msg_fail(m, "domain %u has as many devices as it can have; detach one",
			g->dom->domid);
	strcpy(d->spec.target, medium->spec.target);
	strcpy(d->label, medium->label);
	d->spec.format = DISK_RAW;
	g->plug.medium = true;
	return plug_begin(g, medium->seat, fn, m);
}

int guest_plug_vif(struct guest *g, const struct vif_spec *v, plug_done_fn fn, struct msg *m)
{
	struct guest_config *c = g->dom->config;
	uint32_t seat;

	if (plug_check(g, m) || domtab_mac_check(&guests, v, m))
		return -1;
	seat = seat_choose(g, GUEST_DISKS_MAX, GUEST_SEATS, m);
	if (seat == GUEST_SEATS)
		return -1;
	c->vifs[c->n_vifs] = *v;
	c->vifs[c->n_vifs].devid = (int)(seat - GUEST_DISKS_MAX);
	c->n_vifs++;
	return plug_begin(g, seat, fn, m);
}

/* ---- the volume of a save ---- */

int guest_plug_image(struct guest *g, const char *label, plug_done_fn fn, struct msg *m)
{
	if (!stays(g) || !g->was_ready || !g->dom->has_vmm)
		return msg_fail(m, "domain %u does not run", g->dom->domid);
	if (idle_check(g, m))
		return -1;
	if (!channel_find(g))
		return msg_fail(m,
			"domain %u has as many devices as it can have; detach one to save it",
			g->dom->domid);
	strcpy(g->image, label);
	g->image_writable = true;
	return plug_begin(g, GUEST_SEAT_IMAGE, fn, m);
}

void guest_unplug_image(struct guest *g, plug_done_fn fn)
{
	if (!conn_of(g, GUEST_SEAT_IMAGE))
		return;
	unplug_begin(g, GUEST_SEAT_IMAGE, false);
	g->plug.fn = fn;
	plug_take_out(g);
}

/* ---- after a restart of control: PLUG3 ---- */

void plug_adopt(struct guest *g)
{
	for (uint32_t seat = 0; stays(g) && seat <= GUEST_SEAT_IMAGE; seat++)
		if (link_has(g, LINK_SEAT + seat) && !conn_of(g, seat))
			config_remove(g, seat);
}

void plug_resume(struct guest *g)
{
	struct guest_plug was = g->plug;
	bool there = was.seat == GUEST_SEAT_IMAGE ? conn_of(g, was.seat) != NULL
		     : was.medium                 ? guest_has_medium(g->dom->config, was.seat)
						  : guest_has_device(g->dom->config, was.seat);

	g->plug = (struct guest_plug){ .state = PLUG_IDLE };
	for (uint32_t seat = 0; seat <= GUEST_SEAT_IMAGE; seat++)
		if (stays(g) && g->device[seat] && !link_has(g, LINK_SEAT + seat) &&
			!(g->doubt >> link_service(LINK_SEAT + seat) & 1))
			guest_device_give(g, seat); /* PLUG2 */
	if (was.state == PLUG_IDLE || !there || !stays(g) ||
		(g->dom->state == DOM_DOWN && was.seat != GUEST_SEAT_IMAGE))
		return;
	unplug_begin(g, was.seat, was.medium);
	if (g->plug.seat == GUEST_SEAT_IMAGE)
		g->plug.fn = save_undone;
	unplug_tell(g, true);
}
