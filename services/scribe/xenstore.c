/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xenstore.c - xenstore requests as dom0, many under way at a time
 *
 * Objects     struct request: from the call to its answer. The list is in order, because
 *             xenstore answers in order.
 * Lifecycle   queued -> sent (at most WINDOW of them) -> answered and freed. When xenstore is
 *             started again, requests that were sent are queued again.
 * Invariants  REQUEST1 the requests that were sent come first in the list
 *             REQUEST2 sequence numbers of the list rise by one
 */
#include "xenstore.h"

#include <errno.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <xen/io/xs_wire.h>

#include "base/array.h"
#include "proto/xs.h"
#include "svc/svc.h"

enum { WINDOW = 16, PAYLOAD_MAX = XENSTORE_PAYLOAD_MAX };
_Static_assert(WINDOW <= XS_UNANSWERED_MAX, "xenstore remembers so many answers");

struct request {
	STAILQ_ENTRY(request) link;
	xs_done_fn fn;
	void *ctx;
	uint64_t seq;
	struct xsd_sockmsg head;
	char payload[];
};

static STAILQ_HEAD(, request) requests = STAILQ_HEAD_INITIALIZER(requests);
static struct request *next_to_send;
static uint32_t n_sent;
static uint64_t last_seq;
static struct svc_conn *chan;

static const struct {
	int err;
	const char *name;
} errors[] = {
#define E(name) \
	{ \
		name, #name \
	}
	E(EINVAL),
	E(EACCES),
	E(EEXIST),
	E(EISDIR),
	E(ENOENT),
	E(ENOMEM),
	E(ENOSPC),
	E(EIO),
	E(ENOTEMPTY),
	E(ENOSYS),
	E(EROFS),
	E(EBUSY),
	E(EAGAIN),
	E(EISCONN),
	E(E2BIG),
	E(EPERM),
#undef E
};

static int error_number(const char *name)
{
	for (size_t i = 0; i < ARRAY_SIZE(errors); i++)
		if (strcmp(errors[i].name, name) == 0)
			return errors[i].err;
	return EIO;
}

static bool request_send(struct request *r)
{
	static struct {
		struct xs_native native;
		struct xsd_sockmsg head;
		char payload[PAYLOAD_MAX];
	} rec;

	rec.native = (struct xs_native){ .role = XS_ROLE_DOM0, .seq = r->seq };
	rec.head = r->head;
	memcpy(rec.payload, r->payload, r->head.len);
	return svc_request(chan, &rec, (uint32_t)(sizeof(rec) - PAYLOAD_MAX + r->head.len)) ==
	       0;
}

static void requests_pump(void)
{
	while (next_to_send && n_sent < WINDOW) {
		if (!request_send(next_to_send)) {
			if (ring_room_idle(&chan->req, (uint32_t)(sizeof(struct xs_native) +
								  sizeof(struct xsd_sockmsg) +
								  next_to_send->head.len)))
				continue;
			return;
		}
		n_sent++;
		next_to_send = STAILQ_NEXT(next_to_send, link); /* REQUEST1 */
	}
}

/* Nothing will be answered any more. */
static void requests_fail(void *ctx)
{
	struct request *r;

	(void)ctx;
	next_to_send = NULL;
	n_sent = 0;
	while ((r = STAILQ_FIRST(&requests)) != NULL) {
		STAILQ_REMOVE_HEAD(&requests, link);
		if (r->fn)
			r->fn(r->ctx, EIO, "", 0);
		free(r);
	}
}

static struct svc_timer failing = { .deadline = SK_NO_DEADLINE, .fn = requests_fail };

int xs_request(uint32_t type, const void *payload, uint32_t len, xs_done_fn fn, void *ctx)
{
	struct request *r;

	if (len > PAYLOAD_MAX)
		return -1;
	r = malloc(sizeof(*r) + len);
	if (!r)
		return -1;
	*r = (struct request){ .fn = fn, .ctx = ctx, .seq = ++last_seq }; /* REQUEST2 */
	r->head = (struct xsd_sockmsg){ .type = type, .req_id = (uint32_t)r->seq, .len = len };
	memcpy(r->payload, payload, len);
	STAILQ_INSERT_TAIL(&requests, r, link);
	if (svc_end(chan)) { /* no caller expects the answer before this has returned */
		svc_timer_set(&failing, svc_now());
		return 0;
	}
	if (!next_to_send)
		next_to_send = r;
	requests_pump();
	return 0;
}

int xs_request_texts(uint32_t type, xs_done_fn fn, void *ctx, ...)
{
	static char payload[PAYLOAD_MAX];
	const char *text;
	size_t used = 0, len;
	va_list ap;

	va_start(ap, ctx);
	while ((text = va_arg(ap, const char *)) != NULL) {
		len = strlen(text) + 1;
		if (len > sizeof(payload) - used)
			break;
		memcpy(payload + used, text, len);
		used += len;
	}
	va_end(ap);
	return text ? -1 : xs_request(type, payload, (uint32_t)used, fn, ctx);
}

int xs_write_value(const char *path, const char *value, uint32_t n, xs_done_fn fn, void *ctx)
{
	static char payload[PAYLOAD_MAX];
	size_t len = strlen(path) + 1;

	if (len > sizeof(payload) || n > sizeof(payload) - len)
		return -1;
	memcpy(payload, path, len);
	memcpy(payload + len, value, n);
	return xs_request(XS_WRITE, payload, (uint32_t)(len + n), fn, ctx);
}

int xs_make_add(struct xs_nodes *n, const char *path, const char *perms, const char *value)
{
	size_t path_size = strlen(path) + 1, perms_size = *perms ? strlen(perms) + 1 : 0,
	       value_size = strlen(value) + 1;
	char *at = n->payload + n->size;

	if (path_size + perms_size + 1 + value_size > sizeof(n->payload) - n->size)
		return -1;
	memcpy(at, path, path_size);
	at += path_size;
	for (size_t i = 0; i < perms_size; i++)
		at[i] = perms[i] == ',' ? '\0' : perms[i];
	at[perms_size] = '\0';
	memcpy(at + perms_size + 1, value, value_size);
	n->size += (uint32_t)(path_size + perms_size + 1 + value_size);
	return 0;
}

int xs_make(struct xs_nodes *n, xs_done_fn fn, void *ctx)
{
	uint32_t size = n->size;

	n->size = 0;
	return xs_request(XS_MAKE, n->payload, size, fn, ctx);
}

static void request_answered(uint64_t seq, const struct xsd_sockmsg *head, const char *data)
{
	struct request *r = STAILQ_FIRST(&requests);
	int err = 0;

	if (!r || r == next_to_send || r->seq != seq) {
		printf("xenstore answered a request that was not sent\n");
		return;
	}
	STAILQ_REMOVE_HEAD(&requests, link);
	n_sent--;
	if (head->type == XS_ERROR)
		err = error_number(data);
	if (r->fn)
		r->fn(r->ctx, err, data, head->len);
	free(r);
}

static void record_received(const void *rec, uint32_t len)
{
	const struct xs_native *native = rec;
	struct xsd_sockmsg head;
	static char data[PAYLOAD_MAX + 1];

	if (len < sizeof(*native) + sizeof(head))
		return;
	memcpy(&head, native + 1, sizeof(head));
	if (head.len > PAYLOAD_MAX || head.len != len - sizeof(*native) - sizeof(head))
		return;
	memcpy(data, (const char *)(native + 1) + sizeof(head), head.len);
	data[head.len] = '\0';
	if (native->seq)
		request_answered(native->seq, &head, data);
}

/*
 * xenstore has been started again. It knows by the numbers which requests it has carried out.
 */
static void xs_restarted(void *ctx)
{
	(void)ctx;
	next_to_send = STAILQ_FIRST(&requests);
	n_sent = 0;
	requests_pump();
}

static void xs_ended(void *ctx)
{
	(void)ctx;
	printf("the connection with xenstore has ended: %s\n", svc_end_text(svc_end(chan)));
	requests_fail(NULL);
}

static void xs_event(void *ctx)
{
	static uint64_t rec[XS_RECORD_MAX / sizeof(uint64_t) + 1];

	(void)ctx;
	svc_drain(chan, rec, XS_RECORD_MAX, record_received);
	requests_pump();
}

/* The nodes of the host itself, as on a Xen host. */
static void host_nodes_write(void)
{
	(void)xs_write_value("/local/domain/0/name", "Domain-0", 8, NULL, NULL);
	(void)xs_write_value("/local/domain/0/domid", "0", 1, NULL, NULL);
}

int xs_client_init(void)
{
	int rc;

	chan = svc_channel("xs");
	if (!chan)
		return -SK_E_NOT_FOUND;
	rc = svc_on_epoch(chan, xs_restarted, NULL);
	if (!rc)
		rc = svc_on_end(chan, xs_ended, NULL);
	if (!rc)
		rc = svc_on_channel(chan, xs_event, NULL);
	if (!rc)
		host_nodes_write();
	return rc;
}
