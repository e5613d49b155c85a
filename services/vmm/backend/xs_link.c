/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_link.c - the VMM's one xenstore connection, shared by the guest and by its back ends
 *
 * Objects     struct request: from the call until its reply has come, in one queue of bytes, in
 *             the order of the sequence numbers. xenstore answers in that order.
 * Locks       none: I/O thread.
 * Lifecycle   for the life of the VMM. A guest that starts afresh (kexec, reset of its ring)
 *             gets a new generation; replies to the old one are dropped. If xenstore is started
 *             again, the requests without a reply are sent again. The guest's page and what has
 *             come through it are not concerned.
 * Invariants  XSLINK1 at most XS_UNANSWERED_MAX requests were sent and not answered
 *             XSLINK2 at most GUEST_MAX requests in the queue are the guest's, besides resets
 *             XSLINK3 first <= unsent <= end; the requests before `unsent` were sent in this
 *                     epoch of the connection
 *             XSLINK4 the request that resets the guest's watches precedes all requests of the
 *                     guest's new generation
 */
#include "backend/xs_link.h"

#include <stddef.h>
#include <string.h>

#include "backend/xenbus.h"
#include "backend/xs_ring.h"
#include "edge.h"
#include "proto/xs.h"
#include "svc/svc.h"

enum {
	GUEST_MAX = 32,
	/* bytes of the queue, and those that only back ends may use */
	QUEUE = 131072,
	QUEUE_BACKENDS = 65536,
	/* records taken before others have their turn */
	TURN = 64,
};

/* Followed by len bytes, header and payload, and padded to a multiple of 8. */
struct request {
	uint64_t seq;
	uint32_t role, generation;
	uint32_t len, reserved;
	xs_reply_fn *fn;
	void *ctx;
};

static struct svc_conn *conn;
static union {
	struct request align;
	uint8_t bytes[QUEUE];
} queue;
/* Offsets in the queue: the first request, the first that was not sent, the end of the last. */
static uint32_t first, unsent, end;
static uint64_t last_seq;
static uint32_t n_sent, n_guest, generation;
/* The request for it did not fit into the queue. */
static bool reset_wanted;
/* There was no room in the ring for the last request. */
static bool ring_full;

/* ---- requests --------------------------------------------------------------------- */

static struct request *request_at(uint32_t at) { return (struct request *)(queue.bytes + at); }

static uint32_t request_size(uint32_t len)
{
	return (uint32_t)((sizeof(struct request) + len + 7) & ~(size_t)7);
}

static int request_send(const struct request *q)
{
	struct xs_native n = { .role = q->role, .seq = q->seq };

	return svc_checked(conn, ring_put2(&conn->req, &n, sizeof(n), q + 1, q->len));
}

static void requests_send(void)
{
	while (unsent < end && n_sent < XS_UNANSWERED_MAX) { /* XSLINK1 */
		ring_full = request_send(request_at(unsent)) != 0;
		if (ring_full)
			return;
		unsent += request_size(request_at(unsent)->len);
		n_sent++;
	}
}

/* Is there room for a request if `kept` bytes are for others? */
static bool queue_room(uint32_t len, uint32_t kept)
{
	if (request_size(len) + kept > QUEUE - (end - first))
		return false;
	if (request_size(len) > QUEUE - end) {
		memmove(queue.bytes, queue.bytes + first, end - first);
		unsent -= first;
		end -= first;
		first = 0;
	}
	return true;
}

/* The caller has asked for room. */
static void queue_add(const struct request *q, const struct xsd_sockmsg *hdr, const void *body)
{
	struct request *to = request_at(end);

	*to = *q;
	to->seq = ++last_seq;
	to->generation = generation;
	to->len = (uint32_t)sizeof(*hdr) + hdr->len;
	memcpy(to + 1, hdr, sizeof(*hdr));
	memcpy((uint8_t *)(to + 1) + sizeof(*hdr), body, hdr->len);
	end += request_size(to->len);
	if (q->role == XS_ROLE_GUEST)
		n_guest++;
	requests_send();
}

int xs_link_request(uint32_t type, const void *body, uint32_t len, xs_reply_fn *fn, void *ctx)
{
	struct xsd_sockmsg hdr = { .type = type, .len = len };
	struct request q = { .role = XS_ROLE_BACKEND, .fn = fn, .ctx = ctx };

	if (!conn || len > XENSTORE_PAYLOAD_MAX)
		return -SK_E_INVAL;
	if (!queue_room((uint32_t)sizeof(hdr) + len, 0))
		return -SK_E_NO_MEM;
	queue_add(&q, &hdr, body);
	svc_settle(conn);
	return 0;
}

static void reset_done(void *ctx, uint32_t type, const char *body, uint32_t len)
{
	(void)ctx, (void)type, (void)body, (void)len;
}

/* XSLINK4 */
static void reset_send(void)
{
	static const struct xsd_sockmsg hdr = { .type = XS_RESET_WATCHES, .len = 1 };
	static const struct request q = { .role = XS_ROLE_GUEST, .fn = reset_done };

	if (!reset_wanted || !queue_room((uint32_t)sizeof(hdr) + 1, QUEUE_BACKENDS))
		return;
	reset_wanted = false;
	queue_add(&q, &hdr, "");
}

void xs_link_guest_reset(void)
{
	generation++;
	reset_wanted = true;
	if (conn)
		reset_send();
}

int xs_link_guest_request(const struct xsd_sockmsg *m)
{
	static const struct request q = { .role = XS_ROLE_GUEST };

	if (!conn)
		return -SK_E_AGAIN;
	reset_send();
	if (reset_wanted || n_guest >= GUEST_MAX || /* XSLINK2 */
		!queue_room((uint32_t)sizeof(*m) + m->len, QUEUE_BACKENDS))
		return -SK_E_AGAIN;
	queue_add(&q, m, m + 1);
	svc_settle(conn);
	return 0;
}

/* ---- replies ---------------------------------------------------------------------- */

static void reply_deliver(
	const struct xs_native *n, const struct xsd_sockmsg *m, const char *body)
{
	struct request was;

	if (first == unsent || request_at(first)->seq != n->seq) {
		svc_breach(conn, "an answer to what it was not asked");
		return;
	}
	was = *request_at(first);
	first += request_size(was.len);
	n_sent--;
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
		svc_breach(conn, "a record that is no message");
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

/* At most *left of them. */
static void records_receive(uint32_t *left)
{
	static union {
		uint64_t align;
		uint8_t bytes[XS_RECORD_MAX];
	} buf;
	int len;

	while (*left && xs_ring_room()) {
		len = svc_take(conn, buf.bytes, sizeof(buf.bytes));
		if (len < 0)
			return;
		--*left;
		svc_charge(conn, SVC_RECORD);
		record_deliver(buf.bytes, (uint32_t)len);
	}
}

/*
 * Serve both directions until neither makes progress; each turn moves a record.
 */
void xs_link_run(void)
{
	uint32_t left = TURN;

	if (!conn)
		return;
	do {
		ring_full = false;
		records_receive(&left);
		reset_send();
		requests_send();
		xs_ring_run();
		svc_settle(conn);
	} while (left && ((xs_ring_room() && svc_more(conn)) ||
				 (ring_full && ring_room_idle(&conn->req, XS_RECORD_MAX))));
	if (!left)
		xs_ring_wake();
}

static void conn_event(void *ctx)
{
	(void)ctx;
	xs_link_run();
}

/* The requests that the last life of xenstore did not answer go to the new one: XSLINK3. */
static void conn_restarted(void *ctx)
{
	(void)ctx;
	unsent = first;
	n_sent = 0;
	xs_link_run();
}

static void conn_ended(void *ctx)
{
	(void)ctx;
	vm_log("xenstore: the connection has ended: %s", svc_end_text(svc_end(conn)));
	xs_ring_end();
}

int xs_link_init(void)
{
	int rc;

	conn = svc_channel("xs");
	if (!conn)
		return 0;
	rc = svc_on_epoch(conn, conn_restarted, NULL);
	if (!rc)
		rc = svc_on_end(conn, conn_ended, NULL);
	return rc ? rc : svc_on_channel(conn, conn_event, NULL);
}
