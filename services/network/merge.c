/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge.c - consecutive segments of one TCP connection become one GSO frame
 *
 * Lifecycle   A frame that is held goes on when one comes that cannot follow it, or at
 *             merge_flush().
 * Invariants  MERGE1 headers are examined in private copies only, and a segment has all of
 *                    them there
 *             MERGE2 held frames of a connection go on before any later frame of it
 * Source      RFC 791, 8200 (IP headers), 9293 (TCP).
 */
#include "merge.h"
#include "base/bytes.h"
#include "base/checksum.h"

#include <string.h>

enum {
	L3 = 14,
	ETH_IPV4 = 0x0800,
	ETH_IPV6 = 0x86dd,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	IPV4_DONT_FRAGMENT = 0x4000,
	IP_TCP = 6,
	TCP_MIN = 20,
	TCP_PSH = 8,
	TCP_ACK = 16,
	/* of what is put together: IP's limit, and whole pages */
	LENGTH_MAX = 65536,
};
_Static_assert(LENGTH_MAX - L3 <= UINT16_MAX && LENGTH_MAX <= NET_FRAME_MAX, "a legal frame");

/* A frame that can be put together with others: where its parts are. */
struct segment {
	uint32_t l4, header, payload, seq;
	bool v6;
};

/* ---- what may be held -------------------------------------------------------------------- */

/* No options, and not a fragment. */
static bool ipv4_plain(const uint8_t *ip, uint32_t length)
{
	return ip[0] == 0x45 && get_be16(ip + 2) == length && ip[9] == IP_TCP &&
	       !(get_be16(ip + 6) & ~IPV4_DONT_FRAGMENT);
}

static bool ipv6_plain(const uint8_t *ip, uint32_t length)
{
	return ip[0] >> 4 == 6 && length - IPV6_HEADER == get_be16(ip + 4) && ip[6] == IP_TCP;
}

/* The offset of the TCP header; 0: this is not plain TCP. */
static uint32_t tcp_find(const struct frame *f, bool *v6)
{
	uint16_t type = get_be16(f->bytes + 12);

	*v6 = type == ETH_IPV6;
	if (type == ETH_IPV4 && f->length >= L3 + IPV4_HEADER + TCP_MIN)
		return ipv4_plain(f->bytes + L3, f->length - L3) ? L3 + IPV4_HEADER : 0;
	if (*v6 && f->length >= L3 + IPV6_HEADER + TCP_MIN)
		return ipv6_plain(f->bytes + L3, f->length - L3) ? L3 + IPV6_HEADER : 0;
	return 0;
}

/* Those of IPv4 and of TCP; who marks a frame as valid has checked the latter. */
static bool checksums_right(
	const struct frame *f, const struct segment *s, const uint8_t *payload)
{
	uint64_t sum;

	if (!s->v6 && checksum_fold(checksum_add(0, f->bytes + L3, IPV4_HEADER)))
		return false;
	if (f->flags & NET_CSUM_VALID)
		return true;
	sum = tcp_pseudo_sum(f->bytes + L3, s->v6, f->length - s->l4);
	sum = checksum_add(sum, f->bytes + s->l4, s->header - s->l4);
	return checksum_fold(checksum_add(sum, payload, s->payload)) == 0;
}

/* Data, and no flags but those that every segment with data has. */
static bool segment_find(struct segment *s, const struct frame *f)
{
	const uint8_t *tcp;

	if (f->flags & ~NET_CSUM_VALID)
		return false;
	s->l4 = tcp_find(f, &s->v6);
	if (!s->l4)
		return false;
	tcp = f->bytes + s->l4;
	s->header = s->l4 + (tcp[12] >> 4) * 4u;
	if (s->header < s->l4 + TCP_MIN || s->header + NET_GSO_MIN > f->length)
		return false;
	if ((tcp[12] & 15) || (tcp[13] & ~TCP_PSH) != TCP_ACK)
		return false;
	s->payload = f->length - s->header;
	s->seq = get_be32(tcp + 4);
	return true;
}
_Static_assert(L3 + IPV6_HEADER + 60 <= FRAME_HEAD, "MERGE1");

/* ---- what is held ------------------------------------------------------------------------ */

/* The rest of the headers says of how many segments the frame is. */
static void gso_headers_write(struct merged *g)
{
	uint8_t *ip = g->head + L3, *tcp = g->head + g->l4;
	uint32_t tcp_len = g->f.length - g->l4;

	if (g->v6) {
		put_be16(ip + 4, tcp_len);
	} else {
		put_be16(ip + 2, g->f.length - L3);
		put_be16(ip + 10, 0);
		put_be16(ip + 10, checksum_fold(checksum_add(0, ip, IPV4_HEADER)));
	}
	put_be16(tcp + NET_TCP_CSUM_OFFSET,
		(uint16_t)~checksum_fold(tcp_pseudo_sum(ip, g->v6, tcp_len)));
	g->f.flags = NET_CSUM_BLANK | (g->v6 ? NET_GSO_TCPV6 : NET_GSO_TCPV4);
	g->f.csum_start = (uint16_t)g->l4;
	g->f.csum_offset = NET_TCP_CSUM_OFFSET;
	g->f.gso_size = (uint16_t)g->f.piece_size;
}

static void merged_pass(struct merge *m, struct merged *g)
{
	uint32_t n = g->n;

	if (!n)
		return;
	if (n > 1)
		gso_headers_write(g);
	g->n = 0;
	m->n_used--;
	m->out(&g->f, g->id, n);
}

void merge_flush(struct merge *m)
{
	for (uint32_t i = 0; m->n_used && i < MERGE_FLOWS; i++)
		merged_pass(m, &m->flow[(m->next + i) % MERGE_FLOWS]);
}

/* Cards, addresses and ports are the same. */
static bool same_connection(
	const struct merged *g, const struct segment *s, const uint8_t *head)
{
	const uint8_t *first = g->head;

	if (g->v6 != s->v6 || memcmp(first, head, L3) != 0)
		return false;
	return g->v6 ? memcmp(first + L3 + 8, head + L3 + 8, 32 + 4) == 0
		     : memcmp(first + L3 + 12, head + L3 + 12, 8 + 4) == 0;
}

static bool ip_follows(const struct merged *g, const uint8_t *head)
{
	const uint8_t *first = g->head + L3, *ip = head + L3;

	if (g->v6) /* class, flow label; hop limit */
		return memcmp(first, ip, 4) == 0 && first[7] == ip[7];
	/* DSCP and ECN; number; may it be cut up; time to live */
	return first[1] == ip[1] &&
	       (uint16_t)(get_be16(first + 4) + g->n) == get_be16(ip + 4) &&
	       memcmp(first + 6, ip + 6, 3) == 0;
}

/* Acknowledgement, window, urgent pointer and options are the same. */
static bool tcp_follows(const struct merged *g, const uint8_t *head)
{
	const uint8_t *first = g->head + g->l4, *tcp = head + g->l4;

	return memcmp(first + 8, tcp + 8, 5) == 0 && memcmp(first + 14, tcp + 14, 2) == 0 &&
	       memcmp(first + 18, tcp + 18, g->f.header - g->l4 - 18) == 0;
}

static bool segment_follows(
	const struct merged *g, const struct segment *s, const struct frame *f)
{
	return !g->complete && g->n < MERGE_PIECES && s->seq == g->next_seq &&
	       s->header == g->f.header && s->payload <= g->f.piece_size &&
	       g->f.length + s->payload <= LENGTH_MAX && ip_follows(g, f->bytes) &&
	       tcp_follows(g, f->bytes);
}

static void segment_add(struct merged *g, const struct segment *s, const struct frame *f,
	const uint8_t *bytes, uint32_t id)
{
	uint8_t push = f->bytes[s->l4 + 13] & TCP_PSH;

	g->f.length = s->header + (g->n * g->f.piece_size) + s->payload;
	g->piece[g->n] = bytes + s->header;
	g->id[g->n++] = id;
	g->next_seq = s->seq + s->payload;
	g->head[g->l4 + 13] |= push;
	g->complete = push || s->payload < g->f.piece_size;
}

static void merged_begin(struct merged *g, const struct segment *s, const struct frame *f)
{
	memcpy(g->head, f->bytes, f->length < FRAME_HEAD ? f->length : FRAME_HEAD);
	g->f = (struct frame){ .bytes = g->head,
		.piece = g->piece,
		.header = s->header,
		.piece_size = s->payload,
		.flags = NET_CSUM_VALID };
	g->l4 = s->l4;
	g->v6 = s->v6;
}

static struct merged *flow_find(struct merge *m, const struct segment *s, const uint8_t *head)
{
	for (struct merged *g = m->flow; g < m->flow + MERGE_FLOWS; g++)
		if (g->n && same_connection(g, s, head))
			return g;
	return NULL;
}

/* They are used in turn, so the next one is free, or the oldest. */
static struct merged *flow_take(struct merge *m)
{
	struct merged *g = &m->flow[m->next];

	m->next = (m->next + 1) % MERGE_FLOWS;
	merged_pass(m, g);
	return g;
}

/* It is held behind those of g, which may be NULL, or begins anew. */
static void segment_hold(struct merge *m, struct merged *g, const struct segment *s,
	const struct frame *f, const uint8_t *bytes, uint32_t id)
{
	if (!g || !segment_follows(g, s, f)) {
		if (g)
			merged_pass(m, g); /* MERGE2 */
		g = flow_take(m);
		m->n_used++;
		merged_begin(g, s, f);
	}
	segment_add(g, s, f, bytes, id);
}

void merge_frame(struct merge *m, const struct frame *f, const uint8_t *bytes, uint32_t id)
{
	bool plain;
	struct segment s;
	struct merged *g;

	plain = segment_find(&s, f);
	g = plain ? flow_find(m, &s, f->bytes) : NULL;
	if (plain && !g && !m->wanted(f->bytes, s.v6 ? NET_GSO_TCPV6 : NET_GSO_TCPV4)) {
		m->out(f, &id, 1);
	} else if (plain && checksums_right(f, &s, bytes + s.header)) {
		segment_hold(m, g, &s, f, bytes, id);
	} else {
		merge_flush(m); /* MERGE2 */
		m->out(f, &id, 1);
	}
}
