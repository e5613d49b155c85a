/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cons_ring.c - the guest's console page, joined to the console service
 *
 * Objects     the page at HVM_PARAM_CONSOLE_PFN; `input`: a chunk from the service that waits
 *             for room.
 * Locks       none: I/O thread.
 * Lifecycle   for the life of the guest. Output of the guest stays in its ring until the
 *             service has room, so that nothing is lost and nothing grows. After a restart the
 *             service says how much of it is in the guest's log, and gets the rest again. If
 *             the service is gone for good, output is dropped, because a guest that waits for
 *             its console hangs.
 * Invariants  CONSRING1 our indices are private; the guest's are read once. After an impossible
 *                       index the bytes up to it are lost, and the ring goes on from there.
 */
#include "backend/cons_ring.h"

#include <string.h>

#include "xen/xen_domain.h"

#include <xen/io/console.h>

#include "base/tail.h"
#include "edge.h"
#include "guest.h"
#include "proto/console.h"
#include "svc/svc.h"
#include "xen/evtchn_backend.h"

/* Turns before other channels are served. */
enum { TURNS = 64 };

static struct xencons_interface *intf;
static struct svc_conn *conn;
static unsigned int backend = NO_BACKEND;
static uint32_t in_prod, out_cons;
static union {
	struct console_msg hdr;
	uint8_t bytes[sizeof(struct console_msg) + CONSOLE_CHUNK_MAX];
} input;
/* Text of `input` that is not in the page yet. */
static uint32_t input_at, input_len;
/* The output that went to the service last. */
static struct tail sent;
/* The service was restarted and has not said what it has. */
static bool resuming;

static uint32_t shared_read(const uint32_t *p) { return __atomic_load_n(p, __ATOMIC_ACQUIRE); }

static void shared_write(uint32_t *p, uint32_t v) { __atomic_store_n(p, v, __ATOMIC_RELEASE); }

/*
 * False: no room now, or the service has to be started again. Without a service, the text is
 * dropped.
 */
static bool output_put(const uint8_t *text, uint32_t n)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = (uint16_t)n };

	if (!conn || conn->dead)
		return true;
	return !conn->broken &&
	       svc_checked(conn, ring_put2(&conn->req, &m, sizeof(m), text, n)) == 0;
}

/* Send again what the service has lost. False: it has no room, or has not said what it has. */
static bool output_again(void)
{
	uint8_t text[CONSOLE_CHUNK_MAX];
	uint32_t n;

	while (!resuming && (n = tail_peek(&sent, text, sizeof(text))) != 0) {
		if (!output_put(text, n))
			return false;
		tail_take(&sent, n);
	}
	return !resuming;
}

/* At most a page of it. True: the guest has room again. */
static bool output_move(void)
{
	uint8_t text[CONSOLE_CHUNK_MAX];
	uint32_t avail, at, n, start = out_cons;

	while (out_cons - start < sizeof(intf->out) && output_again()) {
		avail = shared_read(&intf->out_prod) - out_cons;
		if (avail > sizeof(intf->out)) { /* CONSRING1 */
			vm_log("console ring: impossible index");
			out_cons += avail;
			break;
		}
		at = MASK_XENCONS_IDX(out_cons, intf->out);
		n = avail < sizeof(text) ? avail : sizeof(text);
		if (n > sizeof(intf->out) - at)
			n = sizeof(intf->out) - at;
		if (!n)
			break;
		memcpy(text, intf->out + at, n);
		if (!output_put(text, n))
			break;
		tail_add(&sent, text, n);
		out_cons += n;
	}
	shared_write(&intf->out_cons, out_cons);
	return out_cons != start;
}

/* The first record after a restart. It does not wait for a guest that does not read. */
static void resume_take(void)
{
	struct console_msg m;
	int len = resuming ? svc_take(conn, &m, sizeof(m)) : -SK_E_AGAIN;

	if (len < 0)
		return;
	resuming = false;
	if (len == sizeof(m) && m.type == CONSOLE_RESUME)
		(void)tail_back(&sent, m.arg);
	else
		svc_breach(conn, "it does not say what it has");
}

/* False: there is no more text now. Other records are for later versions. */
static bool input_next(void)
{
	int len = conn && !resuming ? svc_take(conn, input.bytes, sizeof(input.bytes))
				    : -SK_E_AGAIN;

	if (len < 0)
		return false;
	svc_charge(conn, SVC_RECORD);
	if (len < (int)sizeof(input.hdr) || input.hdr.len > (uint32_t)len - sizeof(input.hdr)) {
		svc_breach(conn, "a record that is too short");
		return false;
	}
	input_at = sizeof(input.hdr);
	input_len = input.hdr.type == CONSOLE_DATA ? input.hdr.len : 0;
	return input_len;
}

/* At most a page of it. True: the guest has something to read. */
static bool input_move(void)
{
	uint32_t used, at, n, start = in_prod;

	while (in_prod - start < sizeof(intf->in) && (input_len || input_next())) {
		used = in_prod - shared_read(&intf->in_cons);
		if (used > sizeof(intf->in)) /* CONSRING1: full, until the guest corrects it */
			break;
		at = MASK_XENCONS_IDX(in_prod, intf->in);
		n = sizeof(intf->in) - used;
		if (n > sizeof(intf->in) - at)
			n = sizeof(intf->in) - at;
		if (n > input_len)
			n = input_len;
		if (!n)
			break;
		memcpy(intf->in + at, input.bytes + input_at, n);
		in_prod += n;
		input_at += n;
		input_len -= n;
		shared_write(&intf->in_prod, in_prod);
	}
	return in_prod != start;
}

static bool output_can_go(void)
{
	bool waits = shared_read(&intf->out_prod) != out_cons || sent.next != sent.end;

	return waits && !resuming && !conn->broken && ring_room_idle(&conn->req, sizeof(input));
}

static bool input_can_come(void) { return (resuming || !input_len) && svc_more(conn); }

static void ring_run(void *ctx)
{
	int turns = TURNS;
	bool moved;

	(void)ctx;
	do {
		resume_take();
		moved = output_move();
		moved |= input_move();
		if (conn)
			svc_settle(conn);
		if (moved)
			evtchn_backend_notify(backend);
	} while (--turns && conn && (output_can_go() || input_can_come()));
	if (!turns) /* other channels are served even if the guest never stops writing */
		evtchn_backend_wake(backend);
}

void cons_ring_run(void)
{
	if (intf)
		ring_run(NULL);
}

static void service_restarted(void *ctx)
{
	(void)ctx;
	resuming = true;
}

static void service_ended(void *ctx)
{
	(void)ctx;
	resuming = false;
	vm_log("console: %s; output is dropped", svc_end_text(svc_end(conn)));
	ring_run(NULL);
}

int cons_ring_init(void)
{
	int rc;

	intf = edge_gmem(xen_dom.p.console_pfn * SK_PAGE_SIZE, SK_PAGE_SIZE);
	if (!intf)
		return -SK_E_RANGE;
	conn = svc_channel("console");
	rc = evtchn_backend_bind((uint32_t)xen_dom.hvm_param[HVM_PARAM_CONSOLE_EVTCHN],
		ring_run, NULL, &backend);
	if (rc || !conn)
		return rc;
	rc = svc_on_epoch(conn, service_restarted, NULL);
	if (!rc)
		rc = svc_on_end(conn, service_ended, NULL);
	return rc ? rc : svc_on_channel(conn, ring_run, NULL);
}
