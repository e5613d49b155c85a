/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_link.c - the VMM's one xenstore connection, shared by the guest and by its back ends
 *
 * Objects     struct expected: a request that was sent and not answered, by sequence number.
 *             backlog: requests of back ends for which the ring had no room.
 * Locks       none: I/O thread.
 * Lifecycle   for the life of the VMM. A guest that starts afresh (kexec, reset of its ring)
 *             gets a new generation; replies to the old one are dropped.
 * Invariants  XSLINK1 seq - oldest unanswered < EXPECTED
 *             XSLINK2 at most GUEST_MAX unanswered requests are the guest's
 */
#include "backend/xs_link.h"

#include <string.h>

#include "backend/xenbus.h"
#include "backend/xs_ring.h"
#include "base/error.h"
#include "edge.h"
#include "proto/xs.h"
#include "svc/svc.h"

enum {
	/* requests that wait for their reply, and those of them that are the guest's */
	EXPECTED = 512,
	GUEST_MAX = 32,
	/* bytes of requests that wait for room */
	BACKLOG = 65536,
};

struct expected {
	/* 0: free */
	uint64_t seq;
	uint32_t role, generation;
	xs_reply_fn *fn;
	void *ctx;
};

/* Followed by len bytes: header and payload. */
struct queued {
	uint32_t len, reserved;
	xs_reply_fn *fn;
	void *ctx;
};

static struct svc_conn *conn;
static struct expected expected[EXPECTED];
static uint64_t next_seq = 1;
static uint32_t n_guest, generation;
static uint8_t backlog[BACKLOG];
static uint32_t backlog_len;
/* There was no room for the last request. */
static bool ring_full;

static int request_send(
	uint32_t role, const void *msg, uint32_t len, xs_reply_fn *fn, void *ctx)
{
	struct xs_native n = { .role = role, .seq = next_seq };
	struct expected *e = &expected[next_seq % EXPECTED];
	int rc;

	if (e->seq) /* XSLINK1 */
		return -SK_E_AGAIN;
	rc = ring_put2(&conn->req, &n, sizeof(n), msg, len);
	ring_full = rc == -SK_E_AGAIN;
	if (rc)
		return rc;
	*e = (struct expected){
		.seq = next_seq++, .role = role, .generation = generation, .fn = fn, .ctx = ctx
	};
	if (role == XS_ROLE_GUEST)
		n_guest++;
	return 0;
}

/* ---- requests --------------------------------------------------------------------- */

static void backlog_run(void)
{
	struct queued q;
	uint32_t at = 0;

	while (at < backlog_len) {
		memcpy(&q, backlog + at, sizeof(q));
		if (request_send(XS_ROLE_BACKEND, backlog + at + sizeof(q), q.len, q.fn, q.ctx))
			break;
		at += (uint32_t)sizeof(q) + q.len;
	}
	backlog_len -= at;
	memmove(backlog, backlog + at, backlog_len);
}

int xs_link_request(uint32_t type, const void *body, uint32_t len, xs_reply_fn *fn, void *ctx)
{
	struct xsd_sockmsg hdr = { .type = type, .len = len };
	struct queued q = { .len = (uint32_t)sizeof(hdr) + len, .fn = fn, .ctx = ctx };

	if (!conn || len > XENSTORE_PAYLOAD_MAX)
		return -SK_E_INVAL;
	if (sizeof(q) + q.len > BACKLOG - backlog_len)
		return -SK_E_NO_MEM;
	memcpy(backlog + backlog_len, &q, sizeof(q));
	memcpy(backlog + backlog_len + sizeof(q), &hdr, sizeof(hdr));
	memcpy(backlog + backlog_len + sizeof(q) + sizeof(hdr), body, len);
	backlog_len += (uint32_t)sizeof(q) + q.len;
	backlog_run();
	svc_settle(conn);
	return 0;
}

int xs_link_guest_request(const struct xsd_sockmsg *m)
{
	int rc;

	if (!conn || n_guest >= GUEST_MAX) /* XSLINK2 */
		return -SK_E_AGAIN;
	rc = request_send(XS_ROLE_GUEST, m, (uint32_t)sizeof(*m) + m->len, NULL, NULL);
	svc_settle(conn);
	return rc;
}

static void reset_done(void *ctx, uint32_t type, const char *body, uint32_t len)
{
	(void)ctx, (void)type, (void)body, (void)len;
}

void xs_link_guest_reset(void)
{
	static const struct {
		struct xsd_sockmsg hdr;
		char body[1];
	} reset = { .hdr = { .type = XS_RESET_WATCHES, .len = 1 } };

	generation++;
	if (conn &&
		request_send(XS_ROLE_GUEST, &reset, sizeof(reset.hdr) + 1, reset_done, NULL))
		edge_log("xenstore: the guest's old watches cannot be dropped");
}

/* ---- replies ---------------------------------------------------------------------- */

static void reply_deliver(
	const struct xs_native *n, const struct xsd_sockmsg *m, const char *body)
{
	struct expected *e = &expected[n->seq % EXPECTED], was = *e;

	if (e->seq != n->seq) {
		edge_log("xenstore: a reply without a request");
		return;
	}
	e->seq = 0;
	if (was.role == XS_ROLE_GUEST)
		n_guest--;
	if (was.fn)
		was.fn(was.ctx, m->type, body, m->len);
	else if (was.generation == generation)
		xs_ring_message(m, (uint32_t)sizeof(*m) + m->len);
}

static void record_deliver(const uint8_t *buf, uint32_t len)
{
	const struct xsd_sockmsg *m =
		(const struct xsd_sockmsg *)(buf + sizeof(struct xs_native));
	const char *body = (const char *)(m + 1);
	struct xs_native n;

	if (len < sizeof(n) + sizeof(*m) || m->len != len - sizeof(n) - sizeof(*m)) {
		edge_log("xenstore: record of %u bytes dropped", len);
		return;
	}
	memcpy(&n, buf, sizeof(n));
	if (n.seq)
		reply_deliver(&n, m, body);
	else if (n.role == XS_ROLE_BACKEND)
		xb_watch_event(body, m->len);
	else
		xs_ring_message(m, (uint32_t)sizeof(*m) + m->len);
}

static void records_receive(void)
{
	static union {
		uint64_t align;
		uint8_t bytes[XS_RECORD_MAX];
	} buf;
	int len;

	while (xs_ring_room()) {
		len = ring_get(&conn->rsp, buf.bytes, sizeof(buf.bytes));
		if (len < 0) {
			if (len != -SK_E_AGAIN)
				edge_log("xenstore: connection broken: %s", sk_error_text(len));
			return;
		}
		record_deliver(buf.bytes, (uint32_t)len);
	}
}

/*
 * Serve both directions until neither makes progress; each turn moves a record.
 */
void xs_link_run(void)
{
	if (!conn)
		return;
	do {
		ring_full = false;
		records_receive();
		backlog_run();
		xs_ring_run();
		svc_settle(conn);
	} while ((xs_ring_room() && ring_get_idle(&conn->rsp)) ||
		 (ring_full && ring_room_idle(&conn->req, XS_RECORD_MAX)));
}

static void conn_event(void *ctx)
{
	(void)ctx;
	xs_link_run();
}

int xs_link_init(void)
{
	conn = svc_channel("xs");
	return conn ? svc_on_channel(conn, conn_event, NULL) : 0;
}
