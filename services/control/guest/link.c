/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * link.c - what a VMM asks of services: its connections in their order, the request for each of
 * them, and what a refusal means
 */
#include "guest/link.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/host.h"
#include "client/services.h"
#include "guest/machine.h"
#include "guest/guest_pool.h"
#include "proto/blk.h"
#include "proto/console.h"
#include "proto/files.h"
#include "proto/net.h"
#include "proto/xs.h"

/* The first four are steps. There may be several of some of the others, or none. */
enum kind {
	KIND_LOG = LINK_LOG,
	KIND_CONSOLE = LINK_CONSOLE,
	KIND_STORE = LINK_STORE,
	KIND_KERNEL = LINK_KERNEL,
	KIND_DISK,
	KIND_VIF,
	KIND_MODULE,
	KIND_IMAGE
};
enum { STEP_VIF = LINK_SEAT + GUEST_DISKS_MAX, STEP_IMAGE = LINK_SEAT + GUEST_SEAT_IMAGE };

uint32_t link_piece(uint32_t step)
{
	if (step == LINK_KERNEL)
		return GUEST_SEAT_FILE;
	if (step == LINK_MODULE)
		return GUEST_SEAT_FILE + 1;
	return step >= LINK_SEAT && step < LINK_MODULE ? step - LINK_SEAT : GUEST_PIECES;
}

/* The kind of a step; *i: which one of that kind. */
static enum kind step_kind(uint32_t step, uint32_t *i)
{
	*i = 0;
	if (step < LINK_SEAT)
		return (enum kind)step;
	*i = step - LINK_SEAT;
	if (step < STEP_VIF)
		return KIND_DISK;
	*i = step - STEP_VIF;
	if (step < STEP_IMAGE)
		return KIND_VIF;
	if (step == STEP_IMAGE)
		return KIND_IMAGE;
	*i = step - LINK_MODULE;
	return KIND_MODULE;
}

bool link_has(const struct guest *g, uint32_t step)
{
	uint32_t i;

	switch (step_kind(step, &i)) {
	case KIND_DISK:
	case KIND_VIF:
		return guest_has_medium(g->dom->config, step - LINK_SEAT);
	case KIND_MODULE:
		return g->restore == VM_BOOT && i < guest_modules(g->dom->config);
	case KIND_KERNEL:
		return g->restore == VM_BOOT;
	case KIND_IMAGE:
		return g->image[0] != '\0';
	default:
		return true;
	}
}

uint32_t link_next(const struct guest *g, uint32_t step)
{
	while (step < LINK_STEPS && !link_has(g, step))
		step++;
	return step;
}

/* ---- the request for a connection ---- */

enum { MODULE_BUFFER = 64 << 10 };

static void params_set(struct guest_link *l, const void *params, size_t len)
{
	_Static_assert(sizeof(l->params) >= sizeof(struct console_params) &&
			       sizeof(l->params) >= sizeof(struct files_params) &&
			       sizeof(l->params) >= sizeof(struct blk_params) &&
			       sizeof(l->params) >= sizeof(struct net_params),
		"parameters fit");
	memcpy(l->params, params, len);
	l->c.params = l->params;
	l->c.params_len = (uint32_t)len;
}

static void prepare_log(const struct guest *g, struct guest_link *l)
{
	struct console_params p = { .kind = CONSOLE_LOG, .domid = g->dom->domid };

	snprintf(p.name, sizeof(p.name), "vmm-%.40s", g->dom->name);
	strcpy(l->name, "log");
	l->c.proto = SVC_PROTO_LOG;
	params_set(l, &p, sizeof(p));
}

static void prepare_console(const struct guest *g, struct guest_link *l)
{
	struct console_params p = { .kind = CONSOLE_GUEST, .domid = g->dom->domid };

	snprintf(p.name, sizeof(p.name), "%.47s", g->dom->name);
	strcpy(l->name, "console");
	l->c.proto = SVC_PROTO_CONSOLE;
	l->c.own_size = CONSOLE_LOG_SIZE;
	params_set(l, &p, sizeof(p));
}

static void prepare_store(const struct guest *g, struct guest_link *l)
{
	struct xs_params p = { .domid = g->dom->domid };

	strcpy(l->name, "xs");
	l->c.proto = SVC_PROTO_XS;
	params_set(l, &p, sizeof(p));
}

/* piece: for its data; 0: they are in the base. */
static int prepare_file(struct guest_link *l, const char *name, const char *path,
	pool_piece_t piece, struct msg *m)
{
	struct files_params p = { .kind = FILES_FILE };

	if (strlen(path) >= sizeof(p.path))
		return msg_fail(m, "%s '%.60s...': the path is too long", name, path);
	strcpy(p.path, path);
	strcpy(l->name, name);
	l->c.proto = SVC_PROTO_FILES;
	l->c.data_size = MODULE_BUFFER;
	if (piece) {
		l->c.data_size = 1ull << pool_order(&guest_pool, piece);
		l->c.data_untyped = pool_slot(&guest_pool, piece);
	}
	params_set(l, &p, sizeof(p));
	return 0;
}

static int prepare_module(
	const struct guest *g, struct guest_link *l, uint32_t i, struct msg *m)
{
	char name[sizeof(l->name)] = "ramdisk";

	if (i)
		snprintf(name, sizeof(name), "module%u", i & 15);
	return prepare_file(l, name, machine_module(g->dom->config, i),
		i ? 0 : g->device[GUEST_SEAT_FILE + 1], m);
}

static void prepare_device(
	const struct guest *g, struct guest_link *l, uint32_t device, uint32_t proto)
{
	l->c.proto = proto;
	l->c.data_size = 1ull << GUEST_DEVICE_ORDER;
	l->c.data_untyped = pool_slot(&guest_pool, g->device[device]);
	if (pool_order(&guest_pool, g->device[device]) == GUEST_PLUG_ORDER)
		l->c.untyped = l->c.data_untyped;
}

static void prepare_disk(const struct guest *g, struct guest_link *l, uint32_t i)
{
	const struct guest_disk *d = guest_disk_at(g->dom->config, i);
	struct blk_params p = { .writable = !d->spec.readonly };

	snprintf(l->name, sizeof(l->name), "disk%u", i);
	snprintf(p.volume, sizeof(p.volume), "by-partlabel/%s", d->label);
	prepare_device(g, l, i, SVC_PROTO_BLK);
	params_set(l, &p, sizeof(p));
}

static void prepare_image(const struct guest *g, struct guest_link *l)
{
	struct blk_params p = { .writable = g->image_writable };

	strcpy(l->name, "image");
	snprintf(p.volume, sizeof(p.volume), "by-partlabel/%s", g->image);
	prepare_device(g, l, GUEST_SEAT_IMAGE, SVC_PROTO_BLK);
	params_set(l, &p, sizeof(p));
}

static void prepare_vif(const struct guest *g, struct guest_link *l, uint32_t i)
{
	const struct vif_spec *v = guest_vif_at(g->dom->config, i);
	struct net_params p = { .offloads = NET_CSUM_BLANK | NET_CSUM_VALID | NET_GSO };

	snprintf(l->name, sizeof(l->name), "vif%u", i);
	strcpy(p.bridge, v->network);
	memcpy(p.mac, v->mac, sizeof(p.mac));
	if (v->vifname[0])
		strcpy(p.name, v->vifname);
	else
		snprintf(p.name, sizeof(p.name), "vif%u.%u", g->dom->domid & 0xffff, i & 15);
	p.rate_bytes = v->rate_bytes;
	p.rate_us = v->rate_us;
	p.n_sources = v->n_sources;
	memcpy(p.source, v->source, sizeof(p.source));
	prepare_device(g, l, GUEST_DISKS_MAX + i, SVC_PROTO_NET);
	params_set(l, &p, sizeof(p));
}

static const enum service kind_services[] = { [KIND_LOG] = SERVICE_CONSOLE,
	[KIND_CONSOLE] = SERVICE_CONSOLE,
	[KIND_STORE] = SERVICE_XENSTORE,
	[KIND_KERNEL] = SERVICE_FILES,
	[KIND_DISK] = SERVICE_STORAGE,
	[KIND_VIF] = SERVICE_NETWORK,
	[KIND_MODULE] = SERVICE_FILES,
	[KIND_IMAGE] = SERVICE_STORAGE };

enum service link_service(uint32_t step)
{
	uint32_t i;

	return kind_services[step_kind(step, &i)];
}

int link_prepare(const struct guest *g, uint32_t step, struct guest_link *l, struct msg *m)
{
	uint32_t i;
	enum kind k = step_kind(step, &i);

	l->c = (struct proc_connect){ .name = l->name,
		.endpoint = host_service(kind_services[k]),
		.client = g->dom->domid };
	l->call = (struct call){ .service = kind_services[k], .endpoint = l->c.endpoint };
	switch (k) {
	case KIND_LOG:
		prepare_log(g, l);
		return 0;
	case KIND_CONSOLE:
		prepare_console(g, l);
		return 0;
	case KIND_STORE:
		prepare_store(g, l);
		return 0;
	case KIND_KERNEL:
		return prepare_file(l, "kernel", machine_kernel(g->dom->config),
			g->device[GUEST_SEAT_FILE], m);
	case KIND_DISK:
		prepare_disk(g, l, i);
		return 0;
	case KIND_VIF:
		prepare_vif(g, l, i);
		return 0;
	case KIND_IMAGE:
		prepare_image(g, l);
		return 0;
	case KIND_MODULE:
	default:
		return prepare_module(g, l, i, m);
	}
}

bool link_writes(const struct guest *g, uint32_t step)
{
	uint32_t i;

	if (step == STEP_IMAGE)
		return g->image_writable;
	return step_kind(step, &i) == KIND_DISK &&
	       !guest_disk_at(g->dom->config, i)->spec.readonly;
}

/*
 * The kernel and the modules are read before the guest runs, and not again. A guest waits for
 * its disks more than for its interfaces, and for the log not at all.
 */
uint32_t link_urgency(const struct guest *g, uint32_t step)
{
	bool runs = g->dom->state == DOM_LIVE && !g->dom->paused;
	uint32_t i;

	switch (step_kind(step, &i)) {
	case KIND_KERNEL:
	case KIND_MODULE:
		return g->was_ready ? 0 : 2;
	case KIND_LOG:
		return 1;
	default:
		return runs ? 3 : 2;
	}
}

/* ---- why a service refused it ---- */

const char *link_subject(const struct guest *g, uint32_t step, char text[24])
{
	static const char *const names[] = { "log", "console", "xenstore", "kernel" };
	bool shim = guest_in_shim(g->dom->config);
	uint32_t i;

	switch (step_kind(step, &i)) {
	case KIND_KERNEL:
		return shim ? "shim" : "kernel";
	case KIND_DISK:
		return guest_disk_at(g->dom->config, i)->spec.vdev;
	case KIND_VIF:
		snprintf(text, 24, "vif %u", i);
		return text;
	case KIND_IMAGE:
		return g->image;
	case KIND_MODULE:
		if (shim && !i)
			return "kernel";
		i -= shim;
		if (!i)
			return "ramdisk";
		snprintf(text, 24, "module %u", i);
		return text;
	default:
		return names[step];
	}
}

static int file_refused(const char *name, const char *path, int rc, struct msg *m)
{
	if (rc == -SK_E_NOT_FOUND)
		return msg_fail(m,
			"%s '%.200s' does not exist; `ls /guests` shows what there is", name,
			path);
	if (rc == -SK_E_INVAL)
		return msg_fail(m,
			"%s '%.200s' is not a file; `ls /guests` shows what there is", name,
			path);
	return 0;
}

static int disk_refused(const struct guest_disk *d, int rc, struct msg *m)
{
	if (rc == -SK_E_NOT_FOUND)
		return msg_fail(
			m, "disk %s: there is no partition named '%s'", d->spec.vdev, d->label);
	if (rc == -SK_E_BUSY)
		return msg_fail(m,
			"disk %s: partition '%s' is in use by another guest or the host, and one of the two "
			"may write; attach it read-only to both",
			d->spec.vdev, d->label);
	if (rc == -SK_E_DENIED)
		return msg_fail(m,
			"disk %s: partition '%s' is on a read-only disk; attach it read-only",
			d->spec.vdev, d->label);
	return 0;
}

static int image_refused(const struct guest *g, int rc, struct msg *m)
{
	if (rc == -SK_E_NOT_FOUND)
		return msg_fail(m, "there is no partition named '%s'", g->image);
	if (rc == -SK_E_BUSY)
		return msg_fail(m, "partition '%s' is in use by a guest or the host", g->image);
	if (rc == -SK_E_DENIED)
		return msg_fail(m, "partition '%s' is on a read-only disk", g->image);
	return 0;
}

static int vif_refused(const struct vif_spec *v, uint32_t i, int rc, struct msg *m)
{
	if (rc == -SK_E_NOT_FOUND)
		return msg_fail(m,
			"vif %u: there is no bridge '%s'; use xenbr0, or say in /guests/names.map"
			" which it is: bridge %s xenbr0",
			i, v->network, v->network);
	if (rc == -SK_E_EXISTS)
		return msg_fail(m, "vif %u: the host has this mac itself; change mac=", i);
	return 0;
}

void link_refused(const struct guest *g, uint32_t step, int rc, struct msg *m)
{
	enum kind k;
	char text[24];
	int told = 0;
	uint32_t i;

	k = step_kind(step, &i);
	if (k == KIND_KERNEL)
		told = file_refused(
			link_subject(g, step, text), machine_kernel(g->dom->config), rc, m);
	else if (k == KIND_MODULE)
		told = file_refused(
			link_subject(g, step, text), machine_module(g->dom->config, i), rc, m);
	else if (k == KIND_DISK)
		told = disk_refused(guest_disk_at(g->dom->config, i), rc, m);
	else if (k == KIND_IMAGE)
		told = image_refused(g, rc, m);
	else if (k == KIND_VIF)
		told = vif_refused(guest_vif_at(g->dom->config, i), i, rc, m);
	if (told)
		return;
	if (service_given_up(kind_services[k]))
		msg_fail(m, "%s: the service %s failed too often and does not run any more",
			link_subject(g, step, text), host_service_name(kind_services[k]));
	else if (rc == -SK_E_TIMEOUT)
		msg_fail(m, "%s: the service %s does not answer", link_subject(g, step, text),
			host_service_name(kind_services[k]));
	else
		msg_fail(m, "%s: %s refused: %s", link_subject(g, step, text),
			host_service_name(kind_services[k]), sk_error_text(rc));
}
