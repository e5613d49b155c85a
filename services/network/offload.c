/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * offload.c - checksum and TCP segmentation in software
 *
 * Source: RFC 1071 (checksum), RFC 791, 8200 (IP headers), 9293 (TCP).
 */
#include "offload.h"
#include "base/bytes.h"
#include "base/checksum.h"

#include <string.h>

enum {
	ETH_HEADER = 14,
	ETH_IPV4 = 0x0800,
	ETH_IPV6 = 0x86dd,
	ETH_VLAN = 0x8100,
	IP_TCP = 6,
	TCP_MIN = 20,
	TCP_FIN = 1,
	TCP_PSH = 8,
	TCP_CWR = 128,
};

/* The same of a frame in pieces. */
static void pieces_copy(const struct frame *f, uint32_t at, uint8_t *out, uint32_t n)
{
	while (n) {
		const uint8_t *from = f->bytes + at;
		uint32_t left = f->header - at;

		if (at >= f->header) {
			uint32_t in = (at - f->header) % f->piece_size;

			from = f->piece[(at - f->header) / f->piece_size] + in;
			left = f->piece_size - in;
		}
		left = left < n ? left : n;
		memcpy(out, from, left);
		out += left;
		at += left;
		n -= left;
	}
}

void frame_copy(const struct frame *f, uint32_t at, uint8_t *out, uint32_t n)
{
	uint32_t first = n;

	if (f->piece) {
		pieces_copy(f, at, out, n);
		return;
	}
	if (f->rest)
		first = at >= FRAME_HEAD ? 0 : FRAME_HEAD - at < n ? FRAME_HEAD - at : n;
	if (first)
		memcpy(out, f->bytes + at, first);
	if (n > first)
		memcpy(out + first, f->rest + (at + first - FRAME_HEAD), n - first);
}

int frame_checksum(struct frame *f)
{
	uint32_t at = (uint32_t)f->csum_start + f->csum_offset;
	uint16_t value;

	if (!net_csum_inside(f->csum_start, f->csum_offset, f->length))
		return -SK_E_INVAL;
	value = checksum_fold(
		checksum_add(0, f->bytes + f->csum_start, f->length - f->csum_start));
	put_be16(f->bytes + at, value ? value : 0xffff); /* to UDP, 0 means "no checksum" */
	f->flags = NET_CSUM_VALID;
	f->csum_start = f->csum_offset = 0;
	return 0;
}

uint64_t tcp_pseudo_sum(const uint8_t *ip, bool v6, uint32_t tcp_len)
{
	uint8_t last[4];

	put_be16(last, IP_TCP);
	put_be16(last + 2, tcp_len);
	return checksum_add(v6 ? checksum_add(0, ip + 8, 32) : checksum_add(0, ip + 12, 8),
		last, sizeof(last));
}

/* Offset of the TCP header; 0 if the network header does not match the flags. */
static uint32_t l4_find(struct segmenter *s)
{
	const uint8_t *p = s->f->bytes;
	uint32_t len = s->f->length, at = 12, ihl;

	if (len < ETH_HEADER + 4 + 20u)
		return 0;
	if (get_be16(p + at) == ETH_VLAN)
		at += 4;
	s->l3 = at + 2;
	s->v6 = s->f->flags & NET_GSO_TCPV6;
	if (s->v6) {
		bool tcp = get_be16(p + at) == ETH_IPV6 && len >= s->l3 + 40 &&
			   p[s->l3 + 6] == IP_TCP;

		return tcp ? s->l3 + 40 : 0;
	}
	ihl = (p[s->l3] & 15u) * 4;
	if (get_be16(p + at) != ETH_IPV4 || ihl < 20 || p[s->l3 + 9] != IP_TCP)
		return 0;
	return s->l3 + ihl;
}

int segment_init(struct segmenter *s, const struct frame *f)
{
	uint32_t tcp_len, payload;

	s->f = f;
	s->l4 = l4_find(s);
	if (!s->l4 || s->l4 + TCP_MIN > f->length || f->gso_size == 0)
		return -SK_E_INVAL;
	tcp_len = (f->bytes[s->l4 + 12] >> 4) * 4u;
	s->header = s->l4 + tcp_len;
	if (tcp_len < TCP_MIN || s->header >= f->length || s->header > FRAME_HEAD)
		return -SK_E_INVAL;
	payload = f->length - s->header;
	if (s->header + (payload < f->gso_size ? payload : f->gso_size) > NET_FRAME_STD)
		return -SK_E_INVAL;
	s->n = (payload + f->gso_size - 1) / f->gso_size;
	return 0;
}

static void ip_fix(const struct segmenter *s, uint8_t *ip, uint32_t i, uint32_t total)
{
	uint32_t l3_len = total - s->l3;

	if (s->v6) {
		put_be16(ip + 4, l3_len - 40);
		return;
	}
	put_be16(ip + 2, l3_len);
	put_be16(ip + 4, get_be16(ip + 4) + i);
	put_be16(ip + 10, 0);
	put_be16(ip + 10, checksum_fold(checksum_add(0, ip, s->l4 - s->l3)));
}

uint32_t segment_length(const struct segmenter *s, uint32_t i)
{
	uint32_t left = s->f->length - s->header - i * s->f->gso_size;

	return s->header + (left < s->f->gso_size ? left : s->f->gso_size);
}

uint32_t segment_make(const struct segmenter *s, uint32_t i, uint8_t *out)
{
	uint8_t head[FRAME_HEAD], *tcp = head + s->l4;
	uint32_t total = segment_length(s, i), payload = total - s->header;
	uint64_t sum;

	memcpy(head, s->f->bytes, s->header);
	frame_copy(s->f, s->header + i * s->f->gso_size, out + s->header, payload);
	ip_fix(s, head + s->l3, i, total);
	put_be32(tcp + 4, get_be32(tcp + 4) + i * s->f->gso_size);
	if (i > 0)
		tcp[13] = (uint8_t)(tcp[13] & ~TCP_CWR);
	if (i + 1 < s->n)
		tcp[13] = (uint8_t)(tcp[13] & ~(TCP_FIN | TCP_PSH));
	put_be16(tcp + 16, 0);
	sum = checksum_add(
		tcp_pseudo_sum(head + s->l3, s->v6, total - s->l4), tcp, s->header - s->l4);
	put_be16(tcp + 16, checksum_fold(checksum_add(sum, out + s->header, payload)));
	memcpy(out, head, s->header);
	return total;
}
