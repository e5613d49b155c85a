/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * requests.c - the requests of control, one after the other
 *
 * Objects     struct job: the request that is carried out, or those that belong together.
 * Lifecycle   a record is taken -> requests to xenstore -> all of them are answered -> control
 *             is answered, and the next record is taken. When control is started again, the job
 *             is forgotten; xenstore carries out what it was asked before what comes later.
 * Invariants  JOB1 a request is taken only when its answer has room, so none is lost
 *             JOB2 nodes that wait for their request are those of the job
 *             JOB3 texts of a body are terminated, and its numbers are in range, before it is
 *                  used
 *             JOB4 an answer of xenstore counts only for the job that asked
 */
#include "requests.h"

#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "base/array.h"
#include "layout.h"
#include "proto/vmctl.h"
#include "svc/svc.h"
#include "xenstore.h"

enum { DOMID_RESERVED = 0x7ff0 };

static struct svc_conn *control; /* NULL: it has no connection */

static struct job {
	bool busy;     /* its last request has come */
	uint32_t left; /* requests to xenstore without an answer */
	uint32_t len;  /* of `data` */
	struct {
		struct scribe_head h;
		char data[SCRIBE_PAYLOAD_MAX];
	} answer;
} job;

static void (*memory_lost)(void);

/* JOB4: of the job; what each request to xenstore has for its answer. */
static uintptr_t serial;

/* JOB2 */
static struct xs_nodes waiting;

/* ---- the end ---- */

static void job_forget(void)
{
	serial++;
	job.busy = false;
	job.left = job.len = job.answer.h.failed = 0;
	waiting.size = 0;
}

static void job_end(void)
{
	if (svc_respond(control, &job.answer, (uint32_t)sizeof(job.answer.h) + job.len) &&
		!control->dead)
		printf("an answer had no room\n"); /* JOB1 */
	job_forget();
	svc_resume(control);
}

static void job_heard(int err)
{
	if (err)
		job.answer.h.failed = 1;
	if (--job.left == 0 && job.busy)
		job_end();
}

static void *ticket(void) { return (void *)serial; }

static bool mine(void *ctx) { return (uintptr_t)ctx == serial; }

/* ---- requests to xenstore ---- */

static void node_answered(void *ctx, int err, const char *data, uint32_t len)
{
	(void)data;
	(void)len;
	if (mine(ctx))
		job_heard(err);
}

/* A node that was not there is gone, too. */
static void gone_answered(void *ctx, int err, const char *data, uint32_t len)
{
	(void)err;
	node_answered(ctx, 0, data, len);
}

/* One more request was made, if rc is 0. */
static int asked(int rc)
{
	job.left += !rc;
	return rc;
}

static int nodes_flush(void)
{
	return waiting.size ? asked(xs_make(&waiting, node_answered, ticket())) : 0;
}

static int node_make(void *ctx, const struct xs_entry *e)
{
	const char *perms = e->perms ? e->perms : "", *value = e->value ? e->value : "";

	(void)ctx;
	if (xs_make_add(&waiting, e->path, perms, value) == 0)
		return 0;
	return nodes_flush() || xs_make_add(&waiting, e->path, perms, value) ? -1 : 0;
}

static int node_remove(void *ctx, const struct xs_entry *e)
{
	(void)ctx;
	return asked(xs_request_texts(XS_RM, gone_answered, ticket(), e->path, NULL));
}

__attribute__((format(printf, 3, 4))) static int node_write(
	const char *value, size_t len, const char *fmt, ...)
{
	char path[XS_PATH_MAX];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(path, sizeof(path), fmt, ap);
	va_end(ap);
	return asked(xs_write_value(path, value, (uint32_t)len, node_answered, ticket()));
}

/* ---- operations: 0, or -1: no memory ---- */

#define TEXT_OK(field) (memchr((field), 0, sizeof(field)) != NULL)

static bool name_ok(const void *body)
{
	const struct scribe_name *n = body;

	return TEXT_OK(n->name);
}

static bool guest_ok(const void *body)
{
	const struct scribe_guest *g = body;

	return name_ok(&g->is) && g->maxvcpus <= GUEST_VCPUS_MAX;
}

static int guest_write(uint32_t domid, const void *body, uint32_t len)
{
	(void)len;
	return layout_guest(domid, body, node_make, NULL);
}

static bool disk_ok(const void *body)
{
	const struct scribe_disk *d = body;

	return TEXT_OK(d->spec.target) && TEXT_OK(d->spec.vdev);
}

static int disk_write(uint32_t domid, const void *body, uint32_t len)
{
	(void)len;
	return layout_disk(domid, body, node_make, NULL);
}

static bool vif_ok(const void *body)
{
	const struct vif_spec *v = body;

	return TEXT_OK(v->vifname) && TEXT_OK(v->ip) && TEXT_OK(v->gatewaydev) &&
	       TEXT_OK(v->bridge);
}

static int vif_write(uint32_t domid, const void *body, uint32_t len)
{
	(void)len;
	return layout_vif(domid, body, node_make, NULL);
}

static int introduce(uint32_t domid, const void *body, uint32_t len)
{
	char id[16], gfn[16], port[16];

	(void)body;
	(void)len;
	snprintf(id, sizeof(id), "%u", domid);
	snprintf(gfn, sizeof(gfn), "%u", VM_STORE_GFN);
	snprintf(port, sizeof(port), "%u", VM_STORE_PORT);
	if (nodes_flush())
		return -1;
	return asked(
		xs_request_texts(XS_INTRODUCE, node_answered, ticket(), id, gfn, port, NULL));
}

static int guest_remove(uint32_t domid, const void *body, uint32_t len)
{
	char id[16];

	(void)len;
	snprintf(id, sizeof(id), "%u", domid);
	if (asked(xs_request_texts(XS_RELEASE, gone_answered, ticket(), id, NULL)))
		return -1;
	return layout_remove(domid, body, node_remove, NULL);
}

static int guest_rename(uint32_t domid, const void *body, uint32_t len)
{
	(void)len;
	return layout_rename(domid, body, node_make, NULL);
}

static int guest_keep(uint32_t domid, const void *body, uint32_t len)
{
	(void)len;
	return layout_keep(domid, body, node_make, NULL);
}

static bool medium_ok(const void *body)
{
	const struct scribe_medium *m = body;

	return TEXT_OK(m->target);
}

static int medium_write(uint32_t domid, const void *body, uint32_t len)
{
	(void)len;
	return layout_medium(domid, body, node_make, NULL);
}

static int device_offline(uint32_t domid, const void *body, uint32_t len)
{
	const struct scribe_device *d = body;

	(void)len;
	return node_write("0", 1, "/local/domain/0/backend/%s/%u/%u/online", layout_kind(d),
		domid, d->id);
}

static int device_remove(uint32_t domid, const void *body, uint32_t len)
{
	(void)len;
	return layout_unplug(domid, body, node_remove, NULL);
}

static int target_write(uint32_t domid, const void *body, uint32_t len)
{
	const uint64_t *kib = body;
	char value[24];

	(void)len;
	snprintf(value, sizeof(value), "%" PRIu64, *kib);
	return node_write(value, strlen(value), "/local/domain/%u/memory/target", domid);
}

static bool cpus_ok(const void *body)
{
	const struct scribe_cpus *c = body;

	return c->maxvcpus <= GUEST_VCPUS_MAX;
}

static int cpus_write(uint32_t domid, const void *body, uint32_t len)
{
	(void)len;
	return layout_cpus(domid, body, node_make, NULL);
}

static bool word_ok(const void *body)
{
	const struct scribe_word *w = body;

	return TEXT_OK(w->text);
}

static int shutdown_write(uint32_t domid, const void *body, uint32_t len)
{
	const struct scribe_word *w = body;

	(void)len;
	return node_write(w->text, strlen(w->text), "/local/domain/%u/control/shutdown", domid);
}

static int sysrq_write(uint32_t domid, const void *body, uint32_t len)
{
	const struct scribe_word *w = body;

	(void)len;
	return node_write(w->text, strlen(w->text), "/local/domain/%u/control/sysrq", domid);
}

/*
 * What xenstore refused a guest, from its answer "DOMID: N nodes, N bytes, N refused...". A
 * guest that xenstore does not know was refused nothing.
 */
static void refused_answered(void *ctx, int err, const char *data, uint32_t len)
{
	const char *bytes = err ? NULL : strchr(data, ',');
	const char *refused = bytes ? strchr(bytes + 1, ',') : NULL;
	const uint32_t n = refused ? (uint32_t)strtoul(refused + 1, NULL, 10) : 0;

	(void)len;
	if (!mine(ctx))
		return;
	memcpy(job.answer.data, &n, sizeof(n));
	job.len = sizeof(n);
	job_heard(0);
}

static int refused_ask(uint32_t domid, const void *body, uint32_t len)
{
	char id[16];

	(void)body;
	(void)len;
	snprintf(id, sizeof(id), "%u", domid);
	return asked(
		xs_request_texts(XS_CONTROL, refused_answered, ticket(), "quota", id, NULL));
}

static void ask_answered(void *ctx, int err, const char *data, uint32_t len)
{
	if (!mine(ctx))
		return;
	job.len = len < sizeof(job.answer.data) ? len : sizeof(job.answer.data);
	memcpy(job.answer.data, data, job.len);
	job_heard(err);
}

/* What people may ask. */
static bool ask_ok(const void *body)
{
	static const uint32_t types[] = { XS_READ, XS_DIRECTORY, XS_GET_PERMS, XS_WRITE,
		XS_RM };
	const uint32_t *type = body;
	size_t i = 0;

	while (i < ARRAY_SIZE(types) && types[i] != *type)
		i++;
	return i < ARRAY_SIZE(types);
}

static int ask(uint32_t domid, const void *body, uint32_t len)
{
	const uint32_t *type = body;

	(void)domid;
	return asked(xs_request(
		*type, type + 1, len - (uint32_t)sizeof(*type), ask_answered, ticket()));
}

/* ---- requests that come ---- */

static const struct {
	uint32_t size;                /* of its body; ASK: at least */
	bool (*ok)(const void *body); /* JOB3; NULL: anything is */
	int (*run)(uint32_t domid, const void *body, uint32_t len);
} ops[SCRIBE_OP_END] = {
	[SCRIBE_GUEST] = { sizeof(struct scribe_guest), guest_ok, guest_write },
	[SCRIBE_DISK] = { sizeof(struct scribe_disk), disk_ok, disk_write },
	[SCRIBE_VIF] = { sizeof(struct vif_spec), vif_ok, vif_write },
	[SCRIBE_INTRODUCE] = { 0, NULL, introduce },
	[SCRIBE_REMOVE] = { sizeof(struct scribe_name), name_ok, guest_remove },
	[SCRIBE_RENAME] = { sizeof(struct scribe_name), name_ok, guest_rename },
	[SCRIBE_KEEP] = { sizeof(struct scribe_name), name_ok, guest_keep },
	[SCRIBE_MEDIUM] = { sizeof(struct scribe_medium), medium_ok, medium_write },
	[SCRIBE_OFFLINE] = { sizeof(struct scribe_device), NULL, device_offline },
	[SCRIBE_UNPLUG] = { sizeof(struct scribe_device), NULL, device_remove },
	[SCRIBE_TARGET] = { sizeof(uint64_t), NULL, target_write },
	[SCRIBE_CPUS] = { sizeof(struct scribe_cpus), cpus_ok, cpus_write },
	[SCRIBE_SHUTDOWN] = { sizeof(struct scribe_word), word_ok, shutdown_write },
	[SCRIBE_SYSRQ] = { sizeof(struct scribe_word), word_ok, sysrq_write },
	[SCRIBE_REFUSED] = { 0, NULL, refused_ask },
	[SCRIBE_ASK] = { sizeof(uint32_t), ask_ok, ask },
};

static struct {
	struct scribe_head h;
	_Alignas(8) char body[SCRIBE_RECORD_MAX - sizeof(struct scribe_head)];
} in;

static bool request_legal(const struct scribe_head *h, const void *body, uint32_t len)
{
	if (!h->op || h->op >= SCRIBE_OP_END || h->flags & ~SCRIBE_MORE || h->failed ||
		h->domid >= DOMID_RESERVED || !h->domid != (h->op == SCRIBE_ASK))
		return false;
	if (len < ops[h->op].size || (len > ops[h->op].size && h->op != SCRIBE_ASK))
		return false;
	return !ops[h->op].ok || ops[h->op].ok(body);
}

/* False: control does not send this. */
static bool request_take(uint32_t n)
{
	const uint32_t len = n - (uint32_t)sizeof(in.h);
	const bool more = in.h.flags & SCRIBE_MORE;
	uint32_t failed = job.answer.h.failed;

	if (n < sizeof(in.h) || !request_legal(&in.h, in.body, len))
		return false;
	if (ops[in.h.op].run(in.h.domid, in.body, len) || (!more && nodes_flush())) {
		memory_lost();
		failed = 1;
	}
	job.answer.h = in.h;
	job.answer.h.failed = failed;
	job.busy = !more;
	if (job.busy && !job.left)
		job_end();
	return true;
}

static int control_event(struct svc_conn *c)
{
	int n = -SK_E_AGAIN;

	while (!job.busy && svc_room(c, sizeof(job.answer), 1) && /* JOB1 */
		(n = svc_get(c, &in, SCRIBE_RECORD_MAX)) >= 0)
		if (!request_take((uint32_t)n))
			return -SK_E_PEER;
	return n < 0 && n != -SK_E_AGAIN ? n : 0;
}

static int control_open(
	struct svc_conn *c, const void *params, uint32_t len, uint64_t result[2])
{
	(void)params;
	(void)result;
	if (control)
		return -SK_E_EXISTS;
	if (len || c->badge != SVC_BADGE_INIT)
		return -SK_E_INVAL;
	control = c;
	return 0;
}

static int control_close(struct svc_conn *c)
{
	(void)c;
	control = NULL;
	job_forget();
	return 0;
}

int requests_init(void (*lost)(void))
{
	static const struct svc_service service = { .proto = SVC_PROTO_SCRIBE,
		.open = control_open,
		.event = control_event,
		.close = control_close };

	memory_lost = lost;
	return svc_serve(&service);
}
