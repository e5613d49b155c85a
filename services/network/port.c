/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.c - delivery into ports
 *
 * Invariants  PORT1 n_buffers <= NET_DEPTH.
 *             PORT2 a client's buffers were checked to lie in its region when it posted them.
 *             PORT3 nothing waits for a client that does not take frames, and it does not lose
 *                   its port
 */
#include "port.h"

#include <stdio.h>
#include <string.h>

enum { UPLINK_BUFFER = 2048 };

/* A list: few ports are touched at a time, of many. */
static struct port *first_touched;

void port_init(struct port *p, struct svc_conn *c, const char *name, uint16_t offloads)
{
	port_untouch(p);
	*p = (struct port){ .number = p->number };
	p->used = true;
	p->conn = c;
	p->offloads = offloads;
	strncpy(p->name, name, sizeof(p->name) - 1);
}

bool port_uplink_buffers(
	const struct port *p, uint32_t id, struct port_buffer *rx, struct port_buffer *tx)
{
	uint64_t half = p->conn->data_size / 2, at = (uint64_t)id * UPLINK_BUFFER;

	*rx = (struct port_buffer){ id, UPLINK_BUFFER, at, 0 };
	*tx = (struct port_buffer){ id, UPLINK_BUFFER, half + at, 0 };
	return id < NET_DEPTH && at + UPLINK_BUFFER <= half;
}

int port_buffer_push(struct port *p, const struct port_buffer *b)
{
	if (p->n_buffers == NET_DEPTH)
		return -SK_E_PEER;
	p->buffer[(p->buffer_head + p->n_buffers++) % NET_DEPTH] = *b;
	p->conn->patient = p->n_buffers >= PORT_BUFFERS_FEW;
	return 0;
}

static struct port_buffer buffer_pop(struct port *p)
{
	struct port_buffer b = p->buffer[p->buffer_head];

	p->buffer_head = (p->buffer_head + 1) % NET_DEPTH;
	if (--p->n_buffers < PORT_BUFFERS_FEW && p->conn->patient) {
		p->conn->patient = false;
		svc_resume(p->conn); /* some may have come quietly */
	}
	return b;
}

/*
 * The port's peer has written an impossible index. A driver loses the frames until it is
 * restarted, as init is asked to; the buffers that it cannot name are ours again then.
 */
static void breach(struct port *p)
{
	if (p->uplink)
		svc_breach(p->conn, "an impossible index");
	else
		svc_conn_kill(p->conn, "writes nonsense into its ring");
	p->dropped++;
}

/*
 * How many buffers the frame fills as it is: one, or for a GSO frame as many as are needed, if
 * all of them allow its kind. 0: there are not so many.
 */
static uint32_t buffers_for(const struct port *p, const struct frame *f)
{
	uint16_t gso = f->flags & NET_GSO;
	uint32_t room = 0, max = gso ? NET_PIECES_MAX : 1;

	for (uint32_t n = 0; n < p->n_buffers && n < max; n++) {
		const struct port_buffer *b = &p->buffer[(p->buffer_head + n) % NET_DEPTH];

		if (gso & ~b->gso)
			return 0;
		room += b->length;
		if (room >= f->length)
			return n + 1;
	}
	return 0;
}

/* Copy what fits the buffer, from the byte `at` of the frame. Returns the number of bytes. */
static uint32_t buffer_fill(
	struct port *p, const struct port_buffer *b, const struct frame *f, uint32_t at)
{
	uint32_t n = f->length - at < b->length ? f->length - at : b->length;

	frame_copy(f, at, p->conn->data + b->offset, n);
	return n;
}

/* Take n buffers and tell the client what is in them: f, or segment i of s. False: a breach. */
static bool buffers_pass(struct port *p, const struct frame *f, uint32_t n,
	const struct segmenter *s, uint32_t i)
{
	struct net_desc d = { .op = p->uplink ? NET_TX : NET_RX,
		.flags = f->flags,
		.length = f->length,
		.csum_start = f->csum_start,
		.csum_offset = f->csum_offset,
		.gso_size = f->gso_size,
		.more = (uint16_t)(n - 1) };
	uint32_t at = 0;

	if (p->uplink) {
		d.flags &= (uint16_t)~NET_CSUM_VALID; /* means nothing to a card */
		p->sent[p->buffer[p->buffer_head].id] = true;
	}
	port_touch(p);
	for (; n; n--) {
		struct port_buffer b = buffer_pop(p);

		d.id = b.id;
		d.offset = b.offset;
		if (ring_put(p->uplink ? &p->conn->req : &p->conn->rsp, &d, sizeof(d))) {
			breach(p);
			return false;
		}
		at += s ? segment_make(s, i, p->conn->data + b.offset)
			: buffer_fill(p, &b, f, at);
		d = (struct net_desc){ .op = NET_RX_MORE };
	}
	p->rx_frames++;
	p->rx_bytes += f->length;
	return true;
}

/*
 * Deliver one frame as it is, or the segment of s that f describes. False: the frame is lost.
 */
static bool put(struct port *p, const struct frame *f, const struct segmenter *s, uint32_t i)
{
	struct ring *out = p->uplink ? &p->conn->req : &p->conn->rsp;
	uint32_t n = buffers_for(p, f);

	if (n && ring_room(out, sizeof(struct net_desc), n + p->rate.n))
		return buffers_pass(p, f, n, s, i);
	p->dropped++;
	return false;
}

/*
 * The same, with the checksum filled in for a receiver that cannot do it itself, in its own
 * buffer: if it changes that meanwhile, it spoils its own frame.
 */
static void put_checksummed(struct port *p, const struct frame *f)
{
	struct frame said = *f, made = *f;

	if (!(f->flags & NET_CSUM_BLANK) || p->offloads & NET_CSUM_BLANK) {
		(void)put(p, f, NULL, 0);
		return;
	}
	said.flags = NET_CSUM_VALID;
	said.csum_start = said.csum_offset = said.gso_size = 0;
	made.bytes = p->conn->data + p->buffer[p->buffer_head].offset;
	if (f->length > NET_FRAME_STD ||
		!net_csum_inside(f->csum_start, f->csum_offset, f->length))
		p->dropped++;
	else if (put(p, &said, NULL, 0) && frame_checksum(&made))
		p->dropped++;
}

/*
 * Buffers come back only after this, so no more pieces are made once the port has none left,
 * however many the frame asks for.
 */
static void put_segments(struct port *p, const struct frame *f)
{
	struct segmenter s;

	if (segment_init(&s, f)) {
		p->dropped++;
		return;
	}
	for (uint32_t i = 0; i < s.n; i++) {
		struct frame g = { .flags = NET_CSUM_VALID };

		if (!p->n_buffers) {
			p->dropped += s.n - i;
			return;
		}
		g.length = segment_length(&s, i);
		(void)put(p, &g, &s, i);
	}
}

void port_deliver(struct port *p, const struct frame *f)
{
	uint16_t gso = f->flags & NET_GSO;

	if (gso && (gso & ~p->offloads || !buffers_for(p, f)))
		put_segments(p, f);
	else
		put_checksummed(p, f);
}

bool port_takes_gso(const struct port *p, uint16_t gso)
{
	uint16_t need = gso | NET_CSUM_BLANK;

	return (p->offloads & need) == need && p->n_buffers &&
	       (p->buffer[p->buffer_head].gso & gso) == gso;
}

bool port_may_flood(struct port *p, const struct frame *f, sk_time_t now, uint64_t hz)
{
	bool gso = f->flags & (NET_GSO_TCPV4 | NET_GSO_TCPV6);
	uint64_t pieces = gso ? f->length / f->gso_size + 1 : 1, each = hz / PORT_FLOOD_RATE;

	if (p->flood_paid < now)
		p->flood_paid = now;
	if (p->flood_paid - now > (PORT_FLOOD_BURST - 1) * each) {
		p->storm++;
		return false;
	}
	p->flood_paid += pieces * each;
	return true;
}

void port_touch(struct port *p)
{
	if (p->touched)
		return;
	p->touched = true;
	p->next_touched = first_touched;
	first_touched = p;
}

void port_untouch(struct port *p)
{
	struct port **at = &first_touched;

	if (!p->touched)
		return;
	while (*at != p)
		at = &(*at)->next_touched;
	*at = p->next_touched;
	p->touched = false;
}

void port_flush(struct port *p)
{
	if (!p->touched)
		return;
	port_untouch(p);
	svc_settle(p->conn);
}

void ports_flush(void)
{
	while (first_touched)
		port_flush(first_touched);
}
