/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_ring.c - the guest's end of xenstore: two byte streams in one page, whole messages behind
 * them
 *
 * Objects     the page at HVM_PARAM_STORE_PFN; `in`: the message that is arriving; `out`: bytes
 *             that wait for room in the page.
 * Locks       none: I/O thread.
 * Lifecycle   Connected from the start. The guest may ask for a fresh start through the page's
 *             `connection` word. When a guest breaks the protocol, `error` says so, and its
 *             messages are ignored until it asks for a fresh start.
 * Invariants  XSRING1 our indices are private; the guest's are read once and range-checked
 *             XSRING2 `out` has room for one more message when xs_ring_room() says so
 *             XSRING3 after a new index of ours, the page is read once more, after the system
 *                     calls of the event loop, by when the guest's stores have become visible.
 *                     This is necessary because Linux sends an event for what it wrote only if
 *                     everything before it had been taken, and for what it read only if the
 *                     page had been full; and it has no barrier between storing its index and
 *                     reading ours.
 */
#include "backend/xs_ring.h"

#include <string.h>

#include "xen/xen_domain.h"

#include <xen/io/xs_wire.h>

#include "backend/xs_link.h"
#include "edge.h"
#include "guest.h"
#include "xen/evtchn_backend.h"

enum {
	MESSAGE_MAX = sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX,
	/* bytes that wait for room in the page */
	OUT = 8 * 4224,
};

static struct xenstore_domain_interface *intf;
static unsigned int backend = NO_BACKEND;
static uint32_t req_cons, rsp_prod;
static bool broken;

static union {
	struct xsd_sockmsg hdr;
	uint8_t bytes[MESSAGE_MAX];
} in;
static uint32_t in_len;

static uint8_t out[OUT];
static uint32_t out_len;

static uint32_t shared_read(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }

static void shared_write(uint32_t *p, uint32_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }

static void ring_fail(uint32_t error, const char *what)
{
	broken = true;
	in_len = out_len = 0;
	shared_write(&intf->error, error);
	vm_log("xenstore ring: %s", what);
}

/* ---- requests --------------------------------------------------------------------- */

static uint32_t bytes_wanted(void)
{
	uint32_t head = sizeof(struct xsd_sockmsg);

	return in_len < head ? head - in_len : head + in.hdr.len - in_len;
}

/* Take up to n bytes from the page. XSRING1: avail has been checked. */
static void bytes_take(uint32_t n, uint32_t avail)
{
	uint32_t at = MASK_XENSTORE_IDX(req_cons);

	if (n > avail)
		n = avail;
	if (n > XENSTORE_RING_SIZE - at)
		n = XENSTORE_RING_SIZE - at;
	memcpy(in.bytes + in_len, intf->req + at, n);
	in_len += n;
	req_cons += n;
}

static bool message_whole(void)
{
	return in_len >= sizeof(struct xsd_sockmsg) && bytes_wanted() == 0;
}

/* False: the link accepts no more for now. */
static bool message_pass_on(void)
{
	if (xs_link_guest_request(&in.hdr))
		return false;
	in_len = 0;
	return true;
}

/* True when bytes were taken. */
static bool requests_move(void)
{
	uint32_t avail, start = req_cons;

	while (!broken) {
		if (message_whole() && !message_pass_on())
			break;
		avail = shared_read(&intf->req_prod) - req_cons;
		if (avail > XENSTORE_RING_SIZE) {
			ring_fail(XENSTORE_ERROR_RINGIDX, "impossible index of requests");
			break;
		}
		if (!avail)
			break;
		bytes_take(bytes_wanted(), avail);
		if (in_len >= sizeof(struct xsd_sockmsg) && in.hdr.len > XENSTORE_PAYLOAD_MAX)
			ring_fail(XENSTORE_ERROR_PROTO, "message too long");
	}
	shared_write(&intf->req_cons, req_cons);
	return req_cons != start;
}

/* ---- replies ---------------------------------------------------------------------- */

bool xs_ring_room(void) { return broken || OUT - out_len >= MESSAGE_MAX; }

/* XSRING2 */
void xs_ring_message(const void *msg, uint32_t len)
{
	if (broken || len > OUT - out_len)
		return;
	memcpy(out + out_len, msg, len);
	out_len += len;
}

static bool replies_move(void)
{
	uint32_t used, at, n, sent = 0;

	while (!broken && sent < out_len) {
		used = rsp_prod - shared_read(&intf->rsp_cons);
		if (used > XENSTORE_RING_SIZE) {
			ring_fail(XENSTORE_ERROR_RINGIDX, "impossible index of replies");
			return true;
		}
		at = MASK_XENSTORE_IDX(rsp_prod);
		n = XENSTORE_RING_SIZE - used;
		if (n > XENSTORE_RING_SIZE - at)
			n = XENSTORE_RING_SIZE - at;
		if (n > out_len - sent)
			n = out_len - sent;
		if (!n)
			break;
		memcpy(intf->rsp + at, out + sent, n);
		sent += n;
		rsp_prod += n;
		shared_write(&intf->rsp_prod, rsp_prod);
	}
	if (sent) {
		out_len -= sent;
		memmove(out, out + sent, out_len);
	}
	return sent != 0;
}

/* ---- connection ------------------------------------------------------------------- */

static void fresh_start(void)
{
	req_cons = rsp_prod = 0;
	in_len = out_len = 0;
	broken = false;
	shared_write(&intf->req_cons, 0);
	shared_write(&intf->req_prod, 0);
	shared_write(&intf->rsp_cons, 0);
	shared_write(&intf->rsp_prod, 0);
	shared_write(&intf->error, XENSTORE_ERROR_NONE);
	xs_link_guest_reset();
	shared_write(&intf->connection, XENSTORE_CONNECTED);
}

void xs_ring_run(void)
{
	bool fresh, sent, took;

	if (!intf)
		return;
	fresh = shared_read(&intf->connection) == XENSTORE_RECONNECT;
	if (fresh)
		fresh_start();
	sent = replies_move();
	took = requests_move();
	if (fresh || sent || took)
		evtchn_backend_notify(backend);
	if (took || (sent && out_len))
		evtchn_backend_wake(backend); /* XSRING3 */
}

void xs_ring_wake(void) { evtchn_backend_wake(backend); }

void xs_ring_end(void)
{
	if (!intf || broken)
		return;
	ring_fail(XENSTORE_ERROR_COMM, "no connection");
	evtchn_backend_notify(backend);
}

static void guest_event(void *ctx)
{
	(void)ctx;
	xs_link_run();
}

int xs_ring_init(void)
{
	intf = edge_gmem(xen_dom.p.store_pfn * SK_PAGE_SIZE, SK_PAGE_SIZE);
	if (!intf)
		return -SK_E_RANGE;
	intf->server_features = XENSTORE_SERVER_FEATURE_RECONNECTION |
				XENSTORE_SERVER_FEATURE_ERROR;
	intf->connection = XENSTORE_CONNECTED;
	return evtchn_backend_bind((uint32_t)xen_dom.hvm_param[HVM_PARAM_STORE_EVTCHN],
		guest_event, NULL, &backend);
}
