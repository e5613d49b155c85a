/*
 * xs_layout.c - the standard xenstore layout of a guest
 *
 * Objects     struct walk: one guest's entries being produced.
 * Invariants  X1 after the first error of emit nothing more is emitted
 */
#include "guest/xs_layout.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

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
	snprintf(w->ro, sizeof(w->ro), "n0,r%u", domid); /* the guest may read */
	snprintf(w->rw, sizeof(w->rw), "n%u", domid);    /* the guest's own */
	snprintf(w->front, sizeof(w->front), "n%u,r0",
		domid); /* the guest's, read by back ends */
}

static void set_base(struct walk *w, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));
static void set_base(struct walk *w, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(w->base, sizeof(w->base), fmt, ap);
	va_end(ap);
}

static void put(struct walk *w, const char *key, const char *value, const char *perms)
{
	char path[XS_PATH_MAX + 64];
	struct xs_entry e = { .path = path, .value = value, .perms = perms };

	if (w->rc)
		return; /* X1 */
	snprintf(path, sizeof(path), "%s%s%s", w->base, *key ? "/" : "", key);
	w->rc = w->emit(w->ctx, &e);
}

static void node(struct walk *w, const char *key, const char *perms)
{
	put(w, key, NULL, perms);
}

static void put_number(struct walk *w, const char *key, uint64_t n, const char *perms)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, n);
	put(w, key, text, perms);
}

static void put_path(struct walk *w, const char *key, const char *perms, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));
static void put_path(struct walk *w, const char *key, const char *perms, const char *fmt, ...)
{
	char text[XS_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	put(w, key, text, perms);
}

static void vm_tree(
	struct walk *w, const uint8_t *uuid, const char *name, uint64_t start_seconds)
{
	char text[UUID_TEXT];

	uuid_format(uuid, text);
	set_base(w, "/vm/%s", text);
	node(w, "", w->ro);
	put(w, "uuid", text, NULL);
	put(w, "name", name, NULL);
	put_path(w, "start_time", NULL, "%" PRIu64 ".00", start_seconds);
}

/* Nodes that exist before the guest does, so that it finds the permissions that it needs. */
static void skeleton(struct walk *w)
{
	static const char *const readable[] = { "cpu", "memory", "device", "control" };
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

	for (size_t i = 0; i < sizeof(readable) / sizeof(readable[0]); i++)
		node(w, readable[i], w->ro);
	for (size_t i = 0; i < sizeof(writable) / sizeof(writable[0]); i++)
		put(w, writable[i], "", w->rw);
	put(w, "control/platform-feature-multiprocessor-suspend", "1", NULL);
	put(w, "control/platform-feature-xs_reset_watches", "1", NULL);
}

static void domain_tree(struct walk *w, const struct xs_guest *g)
{
	char text[UUID_TEXT], key[48];

	uuid_format(g->uuid, text);
	set_base(w, "/local/domain/%u", g->domid);
	node(w, "", w->ro);
	put_path(w, "vm", NULL, "/vm/%s", text);
	put(w, "name", g->name, NULL);
	skeleton(w);
	/*
	 * What the guest's memory map shows at boot, and it is to keep: Linux takes static-max less what it found for
	 * memory that it does not see, for good. libxl says maxmem here, as its guests see all of that at boot.
	 */
	put_number(w, "memory/static-max", (uint64_t)g->config->memory << 10, NULL);
	put_number(w, "memory/target", (uint64_t)g->config->memory << 10, NULL);
	put(w, "memory/videoram", "0", NULL);
	put_number(w, "domid", g->domid, NULL);
	put_number(w, "store/port", g->store_port, NULL);
	put_number(w, "store/ring-ref", g->store_gfn, NULL);
	for (uint32_t i = 0; i < g->config->maxvcpus; i++) {
		snprintf(key, sizeof(key), "cpu/%u/availability", i);
		put(w, key, i < g->config->vcpus ? "online" : "offline", NULL);
	}
}

/*
 * Both ends' directories with what each says about the other; leaves the base at the back end.
 */
static void back_end(struct walk *w, const char *kind, uint32_t devid, bool console)
{
	set_base(w, "/libxl/%u/device/%s/%u", w->domid, kind, devid);
	if (console)
		put_path(w, "frontend", NULL, "/local/domain/%u/console", w->domid);
	else
		put_path(w, "frontend", NULL, "/local/domain/%u/device/%s/%u", w->domid, kind,
			devid);
	put_path(w, "backend", NULL, "/local/domain/0/backend/%s/%u/%u", kind, w->domid, devid);
	set_base(w, "/local/domain/0/backend/%s/%u/%u", kind, w->domid, devid);
	node(w, "", w->ro);
	if (console)
		put_path(w, "frontend", NULL, "/local/domain/%u/console", w->domid);
	else
		put_path(w, "frontend", NULL, "/local/domain/%u/device/%s/%u", w->domid, kind,
			devid);
	put_number(w, "frontend-id", w->domid, NULL);
	put(w, "online", "1", NULL);
	put(w, "state", STATE_INITIALISING, NULL);
}

static void front_end(struct walk *w, const char *kind, uint32_t devid)
{
	set_base(w, "/local/domain/%u/device/%s/%u", w->domid, kind, devid);
	node(w, "", w->front);
	put_path(w, "backend", w->front, "/local/domain/0/backend/%s/%u/%u", kind, w->domid,
		devid);
	put(w, "backend-id", "0", w->front);
	put(w, "state", STATE_INITIALISING, w->front);
}

static void console(struct walk *w, const struct xs_guest *g)
{
	back_end(w, "console", 0, true);
	put(w, "protocol", "vt100", NULL);
	set_base(w, "/local/domain/%u/console", g->domid);
	node(w, "", w->ro);
	put_path(w, "backend", NULL, "/local/domain/0/backend/console/%u/0", g->domid);
	put(w, "backend-id", "0", w->front);
	put(w, "limit", CONSOLE_LIMIT, w->ro);
	put(w, "type", "xenconsoled", w->ro);
	put(w, "output", "pty", w->ro);
	put(w, "tty", "", w->ro);
	put_number(w, "port", g->console_port, w->ro);
	put_number(w, "ring-ref", g->console_gfn, w->ro);
}

static void disk(struct walk *w, const struct disk_spec *d)
{
	const char *type = d->cdrom ? "cdrom" : "disk";

	back_end(w, "vbd", d->number, false);
	put(w, "params", d->target, NULL);
	put(w, "removable", d->cdrom ? "1" : "0", NULL);
	put(w, "bootable", "1", NULL);
	put(w, "dev", d->vdev, NULL);
	put(w, "type", "phy", NULL);
	put(w, "mode", d->readonly ? "r" : "w", NULL);
	put(w, "device-type", type, NULL);
	if (d->direct_io_safe)
		put(w, "direct-io-safe", "1", NULL);
	put(w, "discard-enable", d->discard ? "1" : "0", NULL);
	put(w, "hotplug-status", "connected", NULL);
	front_end(w, "vbd", d->number);
	put_number(w, "virtual-device", d->number, w->front);
	put(w, "device-type", type, w->front);
	put(w, "trusted", d->trusted ? "1" : "0", w->front);
}

static void nic(struct walk *w, const struct vif_spec *v, uint32_t devid)
{
	char mac[VIF_MAC_TEXT];

	vif_mac_format(v->mac, mac);
	back_end(w, "vif", devid, false);
	if (v->vifname[0])
		put(w, "vifname", v->vifname, NULL);
	put(w, "mac", mac, NULL);
	if (v->ip[0])
		put(w, "ip", v->ip, NULL);
	if (v->gatewaydev[0])
		put(w, "gatewaydev", v->gatewaydev, NULL);
	put(w, "bridge", v->bridge, NULL);
	put_number(w, "handle", devid, NULL);
	put(w, "type", "vif", NULL);
	put(w, "hotplug-status", "connected", NULL);
	front_end(w, "vif", devid);
	put_number(w, "handle", devid, w->front);
	put(w, "mac", mac, w->front);
	put(w, "trusted", v->trusted ? "1" : "0", w->front);
	put(w, "mtu", "1500", w->ro);
}

int xs_layout_create(const struct xs_guest *g, xs_emit_fn emit, void *ctx)
{
	struct walk w;

	walk_init(&w, g->domid, emit, ctx);
	domain_tree(&w, g);
	vm_tree(&w, g->uuid, g->name, g->start_seconds);
	set_base(&w, "/libxl/%u", g->domid);
	node(&w, "", "n0");
	node(&w, "device", "n0");
	put(&w, "type", "pvh", NULL);
	console(&w, g);
	for (uint32_t i = 0; i < g->config->n_disks; i++)
		disk(&w, &g->config->disks[i].spec);
	for (uint32_t i = 0; i < g->config->n_vifs; i++)
		nic(&w, &g->config->vifs[i], i);
	return w.rc;
}

int xs_layout_remove(uint32_t domid, const uint8_t *uuid, xs_emit_fn emit, void *ctx)
{
	static const char *const kinds[] = { "vbd", "vif", "console" };
	char text[UUID_TEXT];
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		set_base(&w, "/local/domain/0/backend/%s/%u", kinds[i], domid);
		node(&w, "", NULL);
	}
	set_base(&w, "/local/domain/%u", domid);
	node(&w, "", NULL);
	set_base(&w, "/libxl/%u", domid);
	node(&w, "", NULL);
	uuid_format(uuid, text);
	set_base(&w, "/vm/%s", text);
	node(&w, "", NULL);
	return w.rc;
}

int xs_layout_rename(
	uint32_t domid, const uint8_t *uuid, const char *name, xs_emit_fn emit, void *ctx)
{
	char text[UUID_TEXT];
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	set_base(&w, "/local/domain/%u", domid);
	put(&w, "name", name, NULL);
	uuid_format(uuid, text);
	set_base(&w, "/vm/%s", text);
	put(&w, "name", name, NULL);
	return w.rc;
}

int xs_layout_new_uuid(uint32_t domid, const uint8_t *uuid, const char *name,
	uint64_t start_seconds, xs_emit_fn emit, void *ctx)
{
	char text[UUID_TEXT];
	struct walk w;

	walk_init(&w, domid, emit, ctx);
	vm_tree(&w, uuid, name, start_seconds);
	uuid_format(uuid, text);
	set_base(&w, "/local/domain/%u", domid);
	put_path(&w, "vm", NULL, "/vm/%s", text);
	put(&w, "name", name, NULL);
	return w.rc;
}
