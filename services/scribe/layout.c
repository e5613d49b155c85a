/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.c - the standard xenstore layout of a guest
 *
 * A node that dom0 makes has the permissions of the one above, and missing ones above are made
 * with it. So a permission is set only where it differs, and a directory is made only for that.
 *
 * Objects     struct walk: one guest's entries being produced.
 * Invariants  LAYOUT1 nothing is emitted after the first error of `emit`
 */
#include "layout.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "proto/vmctl.h"
#include "toolstack/guest_text.h"

#define STATE_INITIALISING "1" /* XenbusStateInitialising */
#define CONSOLE_LIMIT "1048576"

struct walk {
	xs_emit_fn emit;
	void *ctx;
	uint32_t domid;
	int rc;
	char base[XS_PATH_MAX]; /* entries are relative to it */
	char ro[24], rw[24], front[32];
};

static void walk_init(struct walk *w, uint32_t domid, xs_emit_fn emit, void *ctx)
{
	*w = (struct walk){ .emit = emit, .ctx = ctx, .domid = domid };
	/* dom0's, and the guest may read */
	snprintf(w->ro, sizeof(w->ro), "n0,r%u", domid);
	/* the guest's */
	snprintf(w->rw, sizeof(w->rw), "n%u", domid);
	/* the guest's, and back ends may read */
	snprintf(w->front, sizeof(w->front), "n%u,r0", domid);
}

static void walk_set_base(struct walk *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void walk_set_base(struct walk *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->base, sizeof(w->base), fmt, ap);
	va_end(ap);
}

static void node_put(struct walk *w, const char *key, const char *value, const char *perms)
{
	char path[XS_PATH_MAX + 64];
	struct xs_entry e = { .path = path, .value = value, .perms = perms };

	if (w->rc)
		return; /* LAYOUT1 */
	snprintf(path, sizeof(path), "%s%s%s", w->base, *key ? "/" : "", key);
	w->rc = w->emit(w->ctx, &e);
}

static void node_make(struct walk *w, const char *key, const char *perms)
{
	node_put(w, key, NULL, perms);
}

static void node_put_number(struct walk *w, const char *key, uint64_t n, const char *perms)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	node_put(w, key, text, perms);
}

static void node_put_path(struct walk *w, const char *key, const char *perms, const char *fmt,
	...) __attribute__((format(printf, 4, 5)));
static void node_put_path(
	struct walk *w, const char *key, const char *perms, const char *fmt, ...)
{
	char text[XS_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	node_put(w, key, text, perms);
}

static void vm_nodes(struct walk *w, const struct scribe_name *n)
{
	char text[UUID_TEXT];

	uuid_format(n->uuid, text);
	walk_set_base(w, "/vm/%s", text);
	node_make(w, "", w->ro);
	node_put(w, "uuid", text, NULL);
	node_put(w, "name", n->name, NULL);
	node_put_path(w, "start_time", NULL, "%" PRIu64 ".00", n->start_seconds);
}

/* Nodes that exist before the guest does, so that it finds the permissions that it needs. */
static void guest_nodes(struct walk *w)
{
	static const char *const writable[] = {
		"device/suspend/event-channel",
		"control/shutdown",
		"control/feature-poweroff",
		"control/feature-reboot",
		"control/feature-suspend",
		"control/sysrq",
		"data",
		"drivers",
		"feature",
		"attr",
		"error",
	};

	for (size_t i = 0; i < ARRAY_SIZE(writable); i++)
		node_put(w, writable[i], "", w->rw);
	node_put(w, "control/platform-feature-multiprocessor-suspend", "1", NULL);
	node_put(w, "control/platform-feature-xs_reset_watches", "1", NULL);
}

static void cpus(struct walk *w, const struct scribe_cpus *c)
{
	char key[48];

	for (uint32_t i = 0; i < c->maxvcpus; i++) {
		snprintf(key, sizeof(key), "cpu/%u/availability", i);
		node_put(w, key, i < c->vcpus ? "online" : "offline", NULL);
	}
}

static void domain_tree(struct walk *w, const struct scribe_guest *g)
{
	const struct scribe_cpus of = { g->vcpus, g->maxvcpus };
	char text[UUID_TEXT];

	uuid_format(g->is.uuid, text);
	walk_set_base(w, "/local/domain/%u", w->domid);
	node_make(w, "", w->ro);
	node_put_path(w, "vm", NULL, "/vm/%s", text);
	node_put(w, "name", g->is.name, NULL);
	guest_nodes(w);
	/*
	 * The amount that the guest's memory map shows at boot. It does not change later,
	 * because Linux computes static-max minus what it found at boot, and for good takes the
	 * difference for memory that it cannot see. libxl writes maxmem here, because its
	 * guests see all of it at boot, and so do those that run in the shim.
	 */
	node_put_number(w, "memory/static-max", (uint64_t)g->boot_memory << 10, NULL);
	node_put_number(w, "memory/target", (uint64_t)g->memory << 10, NULL);
	node_put(w, "memory/videoram", "0", NULL);
	node_put_number(w, "domid", w->domid, NULL);
	node_put_number(w, "store/port", VM_STORE_PORT, NULL);
	node_put_number(w, "store/ring-ref", VM_STORE_GFN, NULL);
	cpus(w, &of);
}

/*
 * Both ends' directories with what each says about the other. front: the front end's. Leaves
 * the base at the back end.
 */
static void back_end(struct walk *w, const char *kind, uint32_t devid, const char *front)
{
	walk_set_base(w, "/libxl/%u/device/%s/%u", w->domid, kind, devid);
	node_put(w, "frontend", front, NULL);
	node_put_path(
		w, "backend", NULL, "/local/domain/0/backend/%s/%u/%u", kind, w->domid, devid);
	walk_set_base(w, "/local/domain/0/backend/%s/%u/%u", kind, w->domid, devid);
	node_make(w, "", w->ro);
	node_put(w, "frontend", front, NULL);
	node_put_number(w, "frontend-id", w->domid, NULL);
	node_put(w, "online", "1", NULL);
	node_put(w, "state", STATE_INITIALISING, NULL);
}

static void device_back_end(struct walk *w, const char *kind, uint32_t devid)
{
	char front[XS_PATH_MAX];

	snprintf(front, sizeof(front), "/local/domain/%u/device/%s/%u", w->domid, kind, devid);
	back_end(w, kind, devid, front);
}

static void front_end(struct walk *w, const char *kind, uint32_t devid)
{
	walk_set_base(w, "/local/domain/%u/device/%s/%u", w->domid, kind, devid);
	node_make(w, "", w->front);
	node_put_path(
		w, "backend", NULL, "/local/domain/0/backend/%s/%u/%u", kind, w->domid, devid);
	node_put(w, "backend-id", "0", NULL);
	node_put(w, "state", STATE_INITIALISING, NULL);
}

static void console(struct walk *w)
{
	char front[XS_PATH_MAX];

	snprintf(front, sizeof(front), "/local/domain/%u/console", w->domid);
	back_end(w, "console", 0, front);
	node_put(w, "protocol", "vt100", NULL);
	walk_set_base(w, "/local/domain/%u/console", w->domid);
	node_put_path(w, "backend", NULL, "/local/domain/0/backend/console/%u/0", w->domid);
	node_put(w, "backend-id", "0", w->front);
	node_put(w, "limit", CONSOLE_LIMIT, NULL);
	node_put(w, "type", "xenconsoled", NULL);
	node_put(w, "output", "pty", NULL);
	node_put(w, "tty", "", NULL);
	node_put_number(w, "port", VM_CONSOLE_PORT, NULL);
	node_put_number(w, "ring-ref", VM_CONSOLE_GFN, NULL);
}

/*
 * Front ends of guests with nested paging leave cdrom drives alone, because those of hvm guests
 * are emulated, too; Linux and FreeBSD do. Here no drive is, so such a guest sees a disk.
 */
static void disk(struct walk *w, bool in_shim, const struct disk_spec *d)
{
	const char *type = d->cdrom ? "cdrom" : "disk";

	device_back_end(w, "vbd", d->number);
	node_put(w, "params", d->target, NULL);
	node_put(w, "removable", d->cdrom ? "1" : "0", NULL);
	node_put(w, "bootable", "1", NULL);
	node_put(w, "dev", d->vdev, NULL);
	node_put(w, "type", "phy", NULL);
	node_put(w, "mode", d->readonly ? "r" : "w", NULL);
	node_put(w, "device-type", type, NULL);
	if (d->direct_io_safe)
		node_put(w, "direct-io-safe", "1", NULL);
	node_put(w, "discard-enable", d->discard ? "1" : "0", NULL);
	node_put(w, "hotplug-status", "connected", NULL);
	front_end(w, "vbd", d->number);
	node_put_number(w, "virtual-device", d->number, NULL);
	node_put(w, "device-type", in_shim ? type : "disk", NULL);
	node_put(w, "trusted", d->trusted ? "1" : "0", NULL);
}

static void nic(struct walk *w, const struct vif_spec *v)
{
	uint32_t devid = (uint32_t)v->devid, mtu = v->mtu ? v->mtu : VIF_MTU;
	char mac[VIF_MAC_TEXT], rate[32];

	vif_mac_format(v->mac, mac);
	device_back_end(w, "vif", devid);
	if (v->vifname[0])
		node_put(w, "vifname", v->vifname, NULL);
	node_put(w, "mac", mac, NULL);
	if (v->ip[0])
		node_put(w, "ip", v->ip, NULL);
	if (v->gatewaydev[0])
		node_put(w, "gatewaydev", v->gatewaydev, NULL);
	if (v->rate_us) {
		snprintf(rate, sizeof(rate), "%" PRIu64 ",%" PRIu32, v->rate_bytes, v->rate_us);
		node_put(w, "rate", rate, NULL);
	}
	if (mtu != VIF_MTU)
		node_put_number(w, "mtu", mtu, NULL);
	node_put(w, "bridge", v->bridge, NULL);
	node_put_number(w, "handle", devid, NULL);
	node_put(w, "type", "vif", NULL);
	node_put(w, "hotplug-status", "connected", NULL);
	front_end(w, "vif", devid);
	node_put_number(w, "handle", devid, NULL);
	node_put(w, "mac", mac, NULL);
	node_put(w, "trusted", v->trusted ? "1" : "0", NULL);
	node_put_number(w, "mtu", mtu, w->ro);
}

int layout_guest(uint32_t domid, const struct scribe_guest *g, xs_emit_fn emit, void *ctx)
{
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	domain_tree(&w, g);
	vm_nodes(&w, &g->is);
	walk_set_base(&w, "/libxl/%u", domid);
	node_make(&w, "", "n0");
	node_put(&w, "type", guest_type_name((enum guest_type)g->type), NULL);
	console(&w);
	return w.rc;
}

int layout_disk(uint32_t domid, const struct scribe_disk *d, xs_emit_fn emit, void *ctx)
{
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	disk(&w, d->in_shim, &d->spec);
	return w.rc;
}

int layout_vif(uint32_t domid, const struct vif_spec *v, xs_emit_fn emit, void *ctx)
{
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	nic(&w, v);
	return w.rc;
}

int layout_medium(uint32_t domid, const struct scribe_medium *m, xs_emit_fn emit, void *ctx)
{
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	walk_set_base(&w, "/local/domain/0/backend/vbd/%u/%u", domid, m->vdev);
	node_put(&w, "params", m->target, NULL);
	return w.rc;
}

int layout_cpus(uint32_t domid, const struct scribe_cpus *c, xs_emit_fn emit, void *ctx)
{
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	walk_set_base(&w, "/local/domain/%u", domid);
	cpus(&w, c);
	return w.rc;
}

const char *layout_kind(const struct scribe_device *d) { return d->disk ? "vbd" : "vif"; }

int layout_unplug(uint32_t domid, const struct scribe_device *d, xs_emit_fn emit, void *ctx)
{
	const char *kind = layout_kind(d);
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	walk_set_base(&w, "/local/domain/%u/device/%s/%u", domid, kind, d->id);
	node_make(&w, "", NULL);
	walk_set_base(&w, "/local/domain/0/backend/%s/%u/%u", kind, domid, d->id);
	node_make(&w, "", NULL);
	walk_set_base(&w, "/libxl/%u/device/%s/%u", domid, kind, d->id);
	node_make(&w, "", NULL);
	return w.rc;
}

int layout_remove(uint32_t domid, const struct scribe_name *n, xs_emit_fn emit, void *ctx)
{
	static const char *const kinds[] = { "vbd", "vif", "console" };
	char text[UUID_TEXT];
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		walk_set_base(&w, "/local/domain/0/backend/%s/%u", kinds[i], domid);
		node_make(&w, "", NULL);
	}
	walk_set_base(&w, "/local/domain/%u", domid);
	node_make(&w, "", NULL);
	walk_set_base(&w, "/libxl/%u", domid);
	node_make(&w, "", NULL);
	uuid_format(n->uuid, text);
	walk_set_base(&w, "/vm/%s", text);
	node_make(&w, "", NULL);
	return w.rc;
}

int layout_rename(uint32_t domid, const struct scribe_name *n, xs_emit_fn emit, void *ctx)
{
	char text[UUID_TEXT];
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	walk_set_base(&w, "/local/domain/%u", domid);
	node_put(&w, "name", n->name, NULL);
	uuid_format(n->uuid, text);
	walk_set_base(&w, "/vm/%s", text);
	node_put(&w, "name", n->name, NULL);
	return w.rc;
}

int layout_keep(uint32_t domid, const struct scribe_name *n, xs_emit_fn emit, void *ctx)
{
	char text[UUID_TEXT];
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	vm_nodes(&w, n);
	uuid_format(n->uuid, text);
	walk_set_base(&w, "/local/domain/%u", domid);
	node_put_path(&w, "vm", NULL, "/vm/%s", text);
	node_put(&w, "name", n->name, NULL);
	return w.rc;
}
