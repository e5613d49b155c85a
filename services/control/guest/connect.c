/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * connect.c - the connections of a guest's VMM with services: made one after the other, closed
 * in the opposite order
 *
 * Objects     struct guest_link: the connection that is being made or closed; struct
 *             guest_conn: those that are there.
 * Lifecycle   guest_connect -> one open at a time -> creation_passed, or creation_failed at the
 *             first that cannot be made; guest_disconnect at any time -> one close at a time ->
 *             guest_disconnected.
 * Invariants  CONNECT1 a guest has one call under way at a time
 *             CONNECT2 a connection is in conn[] from the moment on at which its service has
 *                      made it until the service says that it has closed it. A service that may
 *                      have made a connection without control knowing is in `doubt` until it
 *                      says that it has not. All memory that services may use stays until both
 *                      are empty
 */
#include "guest/connect.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "client/host.h"
#include "guest/creation.h"
#include "guest/guest_pool.h"
#include "guest/life.h"
#include "guest/listen.h"
#include "guest/vmctl.h"
#include "log.h"
#include "proto/blk.h"
#include "proto/console.h"
#include "proto/files.h"
#include "proto/net.h"
#include "proto/xs.h"

/* When closing takes longer, a command that waits for the guest is told why. */
enum { LATE_MS = 10000 };

/*
 * The connections of a VMM, in this order. There may be several of the last three kinds, or
 * none. Modules come last, because the VMM reads them before it handles events, and uses the
 * high signal bits for itself after that.
 */
enum kind { KIND_LOG, KIND_CONSOLE, KIND_STORE, KIND_KERNEL, KIND_DISK, KIND_VIF, KIND_MODULE };

static uint32_t n_modules(const struct guest *g) { return g->dom->config->n_modules; }

static const char *module_path(const struct guest *g, uint32_t i)
{
	return g->dom->config->modules[i].path;
}

static uint32_t steps_count(const struct guest *g)
{
	return KIND_DISK + guest_devices(g) + n_modules(g);
}

/* The kind of a step; *i: which one of that kind. */
static enum kind step_kind(const struct guest *g, uint32_t step, uint32_t *i)
{
	const struct guest_config *c = g->dom->config;

	*i = 0;
	if (step < KIND_DISK)
		return (enum kind)step;
	*i = step - KIND_DISK;
	if (*i < c->n_disks)
		return KIND_DISK;
	*i -= c->n_disks;
	if (*i < c->n_vifs)
		return KIND_VIF;
	*i -= c->n_vifs;
	return KIND_MODULE;
}

/* ---- the request for a connection ---- */

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

static void prepare_log(struct guest *g)
{
	struct console_params p = { .kind = CONSOLE_LOG, .domid = g->dom->domid };

	snprintf(p.name, sizeof(p.name), "vmm-%.40s", g->dom->name);
	strcpy(g->link.name, "log");
	g->link.c.proto = SVC_PROTO_LOG;
	params_set(&g->link, &p, sizeof(p));
}

static void prepare_console(struct guest *g)
{
	struct console_params p = { .kind = CONSOLE_GUEST, .domid = g->dom->domid };

	snprintf(p.name, sizeof(p.name), "%.47s", g->dom->name);
	strcpy(g->link.name, "console");
	g->link.c.proto = SVC_PROTO_CONSOLE;
	g->link.c.own_size = CONSOLE_LOG_SIZE;
	params_set(&g->link, &p, sizeof(p));
}

static void prepare_store(struct guest *g)
{
	struct xs_params p = { .domid = g->dom->domid };

	strcpy(g->link.name, "xs");
	g->link.c.proto = SVC_PROTO_XS;
	params_set(&g->link, &p, sizeof(p));
}

static int prepare_file(struct guest *g, const char *name, const char *path, struct msg *m)
{
	struct files_params p = { .kind = FILES_FILE };

	if (strlen(path) >= sizeof(p.path))
		return msg_fail(m, "%s '%.60s...': the path is too long", name, path);
	strcpy(p.path, path);
	strcpy(g->link.name, name);
	g->link.c.proto = SVC_PROTO_FILES;
	g->link.c.data_size = UINT64_MAX;
	params_set(&g->link, &p, sizeof(p));
	return 0;
}

static int prepare_module(struct guest *g, uint32_t i, struct msg *m)
{
	enum {
		MODULE_BUFFER = 64 << 10
	}; /* taken from the VMM's base, like those of all modules */
	char name[sizeof(g->link.name)] = "ramdisk";
	int rc;

	if (i)
		snprintf(name, sizeof(name), "module%u", i & 15);
	rc = prepare_file(g, name, module_path(g, i), m);
	if (i)
		g->link.c.data_size = MODULE_BUFFER;
	return rc;
}

static void prepare_device(struct guest *g, uint32_t proto)
{
	g->link.c.proto = proto;
	g->link.c.data_size = 1ull << GUEST_DEVICE_ORDER;
	g->link.c.data_untyped = pool_slot(&guest_pool, g->device[g->step - KIND_DISK]);
}

static void prepare_disk(struct guest *g, uint32_t i)
{
	const struct guest_disk *d = &g->dom->config->disks[i];
	struct blk_params p = { .writable = !d->spec.readonly };

	snprintf(g->link.name, sizeof(g->link.name), "disk%u", i);
	snprintf(p.volume, sizeof(p.volume), "by-partlabel/%s", d->label);
	prepare_device(g, SVC_PROTO_BLK);
	params_set(&g->link, &p, sizeof(p));
}

static void prepare_vif(struct guest *g, uint32_t i)
{
	const struct vif_spec *v = &g->dom->config->vifs[i];
	struct net_params p = { .offloads = NET_CSUM_BLANK | NET_CSUM_VALID };

	snprintf(g->link.name, sizeof(g->link.name), "vif%u", i);
	strcpy(p.bridge, v->bridge);
	memcpy(p.mac, v->mac, sizeof(p.mac));
	if (v->vifname[0])
		strcpy(p.name, v->vifname);
	else
		snprintf(p.name, sizeof(p.name), "vif%u.%u", g->dom->domid & 0xffff, i & 15);
	prepare_device(g, SVC_PROTO_NET);
	params_set(&g->link, &p, sizeof(p));
}

static const enum service kind_services[] = { [KIND_LOG] = SERVICE_CONSOLE,
	[KIND_CONSOLE] = SERVICE_CONSOLE,
	[KIND_STORE] = SERVICE_XENSTORE,
	[KIND_KERNEL] = SERVICE_FILES,
	[KIND_DISK] = SERVICE_STORAGE,
	[KIND_VIF] = SERVICE_NETWORK,
	[KIND_MODULE] = SERVICE_FILES };

/* Fill g->link with the request for the connection of g->step. 0, or -1 with *m. */
static int link_prepare(struct guest *g, struct msg *m)
{
	uint32_t i;
	enum kind k = step_kind(g, g->step, &i);

	g->link.c = (struct proc_connect){ .name = g->link.name,
		.endpoint = host_service(kind_services[k]),
		.client = g->dom->domid };
	g->link.call.service = kind_services[k];
	switch (k) {
	case KIND_LOG:
		prepare_log(g);
		return 0;
	case KIND_CONSOLE:
		prepare_console(g);
		return 0;
	case KIND_STORE:
		prepare_store(g);
		return 0;
	case KIND_KERNEL:
		return prepare_file(g, "kernel", g->dom->config->kernel, m);
	case KIND_DISK:
		prepare_disk(g, i);
		return 0;
	case KIND_VIF:
		prepare_vif(g, i);
		return 0;
	case KIND_MODULE:
	default:
		return prepare_module(g, i, m);
	}
}

/* ---- why a service refused it ---- */

/* The name of a step for messages. */
static const char *step_subject(const struct guest *g, uint32_t step, char text[24])
{
	static const char *const names[] = { "log", "console", "xenstore", "kernel" };
	uint32_t i;

	switch (step_kind(g, step, &i)) {
	case KIND_DISK:
		return g->dom->config->disks[i].spec.vdev;
	case KIND_VIF:
		snprintf(text, 24, "vif %u", i);
		return text;
	case KIND_MODULE:
		if (!i)
			return "ramdisk";
		snprintf(text, 24, "module %u", i);
		return text;
	default:
		return names[step];
	}
}

static int file_refused(const struct guest *g, const char *path, int rc, struct msg *m)
{
	if (rc == -SK_E_NOT_FOUND)
		return msg_fail(m,
			"%s '%.200s' does not exist; `ls /guests` shows what there is",
			g->link.name, path);
	if (rc == -SK_E_INVAL)
		return msg_fail(m,
			"%s '%.200s' is not a file; `ls /guests` shows what there is",
			g->link.name, path);
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

static int vif_refused(const struct vif_spec *v, uint32_t i, int rc, struct msg *m)
{
	if (rc == -SK_E_NOT_FOUND)
		return msg_fail(m, "vif %u: there is no bridge '%s'; use xenbr0", i, v->bridge);
	if (rc == -SK_E_EXISTS)
		return msg_fail(m, "vif %u: the host has this mac itself; change mac=", i);
	return 0;
}

static void refusal_tell(const struct guest *g, int rc, struct msg *m)
{
	const char *service = host_service_name(g->link.call.service);
	char text[24];
	int told = 0;
	uint32_t i;

	switch (step_kind(g, g->step, &i)) {
	case KIND_KERNEL:
		told = file_refused(g, g->dom->config->kernel, rc, m);
		break;
	case KIND_MODULE:
		told = file_refused(g, module_path(g, i), rc, m);
		break;
	case KIND_DISK:
		told = disk_refused(&g->dom->config->disks[i], rc, m);
		break;
	case KIND_VIF:
		told = vif_refused(&g->dom->config->vifs[i], i, rc, m);
		break;
	default:
		break;
	}
	if (told)
		return;
	if (rc == -SK_E_TIMEOUT)
		msg_fail(m, "%s: the service %s does not answer",
			step_subject(g, g->step, text), service);
	else
		msg_fail(m, "%s: %s refused: %s", step_subject(g, g->step, text), service,
			sk_error_text(rc));
}

/* ---- making them ---- */

static void link_opened(struct call *call);

static int link_open(struct guest *g, struct msg *m)
{
	struct guest_link *l = &g->link;
	char text[24];
	int rc;

	if (!l->c.endpoint)
		return msg_fail(m, "%s: the service %s does not run",
			step_subject(g, g->step, text), host_service_name(l->call.service));
	rc = proc_connect_prepare(&g->proc, &l->c, &l->call.open, &l->made);
	if (rc)
		return msg_fail(m, "%s: cannot prepare the connection: %s",
			step_subject(g, g->step, text), sk_error_text(rc));
	l->call.what = CALL_OPEN;
	l->call.endpoint = l->c.endpoint;
	l->call.fn = link_opened;
	l->call.ctx = g;
	l->under_way = true; /* CONNECT1 */
	call_start(&l->call);
	return 0;
}

/* The connection of g->step. 0, or -1 with *m. */
static int connection_next(struct guest *g, struct msg *m)
{
	return link_prepare(g, m) || link_open(g, m) ? -1 : 0;
}

static void connection_close_next(struct guest *g);

/* The service has not answered, or its answer does not say whether it made the connection. */
static bool answer_doubtful(int rc)
{
	return rc == -SK_E_TIMEOUT || rc == -SK_E_DELETED || rc == -SK_E_PEER;
}

static void connection_made(struct guest *g)
{
	struct msg m;

	g->step++;
	if (g->step == KIND_CONSOLE + 1)
		guest_listener()->console(g->dom->domid);
	if (g->step == steps_count(g))
		creation_passed(g, CREATION_CONNECT);
	else if (connection_next(g, &m))
		creation_failed(g, m.text);
}

static void link_opened(struct call *call)
{
	struct guest *g = call->ctx;
	struct guest_link *l = &g->link;
	struct msg m;
	int rc = proc_connect_finish(
		&g->proc, &l->c, false, &call->open, call->rc, &call->opened, &l->made);

	l->under_way = false;
	if (l->made.number) /* CONNECT2 */
		g->conn[g->n_conns++] = (struct guest_conn){ call->service, l->made.number,
			g->step };
	else if (answer_doubtful(call->rc))
		g->doubt |= 1u << call->service;
	if (g->leaving) {
		connection_close_next(g);
	} else if (rc) {
		refusal_tell(g, rc, &m);
		creation_failed(g, m.text);
	} else {
		connection_made(g);
	}
}

bool guest_has_console(const struct guest *g) { return g->leaving || g->step > KIND_CONSOLE; }

int guest_connect(struct guest *g, struct msg *m)
{
	int rc = vmctl_connect(g);

	if (rc)
		return msg_fail(m, "cannot connect to the VMM: %s", sk_error_text(rc));
	return connection_next(g, m);
}

/* ---- closing them ---- */

static void flush_failed(const struct guest *g, const struct guest_conn *c, int result)
{
	char text[24];
	struct msg m;

	msg_fail(&m,
		"domain %u (%s): %s: the last flush failed: %s; what it wrote last may be lost",
		g->dom->domid, g->dom->name, step_subject(g, c->step, text),
		sk_error_text(result));
	guest_trouble(g->dom, m.text);
}

static void link_closed(struct call *call)
{
	struct guest *g = call->ctx;

	g->link.under_way = false;
	if (call->what == CALL_PING) {
		g->doubt &= ~(1u << call->service);
	} else {
		const struct guest_conn *c = &g->conn[--g->n_conns]; /* CONNECT2 */

		if (call->rc)
			guest_log(g->dom->domid,
				"%s does not know connection %u of domain %u any more\n",
				host_service_name(call->service), c->number, g->dom->domid);
		else if (call->result)
			flush_failed(g, c, call->result);
	}
	connection_close_next(g);
}

static void connection_close_next(struct guest *g)
{
	struct call *call = &g->link.call;
	const struct guest_conn *c = g->n_conns ? &g->conn[g->n_conns - 1] : NULL;

	if (!c && !g->doubt) {
		svc_timer_set(&g->late_timer, SK_NO_DEADLINE);
		guest_disconnected(g);
		return;
	}
	*call = (struct call){ .what = c ? CALL_CLOSE : CALL_PING,
		.service = c ? c->service : (enum service)__builtin_ctz(g->doubt),
		.number = c ? c->number : 0,
		.fn = link_closed,
		.ctx = g };
	call->endpoint = host_service(call->service);
	g->link.under_way = true; /* CONNECT1 */
	call_start(call);
}

/* This is reported once; closing goes on. */
static void disconnect_late(void *ctx)
{
	struct guest *g = ctx;
	const struct guest_conn *c = g->n_conns ? &g->conn[g->n_conns - 1] : NULL;
	char text[24];
	struct msg m;

	msg_fail(&m,
		"domain %u (%s): the service %s has not finished with its %s yet; what it may still use is kept until it has",
		g->dom->domid, g->dom->name, host_service_name(g->link.call.service),
		step_subject(g, c ? c->step : g->step, text));
	guest_late(g, m.text);
}

void guest_disconnect(struct guest *g)
{
	g->leaving = true;
	g->late_timer.fn = disconnect_late;
	g->late_timer.ctx = g;
	svc_timer_set(&g->late_timer, svc_in_ms(LATE_MS));
	if (!g->link.under_way)
		connection_close_next(g);
}
