/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * merge_fuzz.c - the input is a row of frames from outside: for each, which connection, how far
 * on in it, how long, and a byte of it that is changed. Each frame goes on once, in the order
 * of its connection, and what was put together gives the same frames when it is cut up.
 */
#include <stdlib.h>
#include <string.h>

#include "base/bytes.h"
#include "base/checksum.h"
#include "merge.h"

enum { FRAMES = 200, L3 = 14, COMMAND = 6, FLOWS = 8 };

/* What came in, each in memory of exactly its length. */
static uint8_t *in[FRAMES];
static uint32_t in_length[FRAMES], l4_of[FRAMES], n_in, n_out;
static bool gone[FRAMES];

static void must(bool holds)
{
	if (!holds)
		abort();
}

static bool wanted(const uint8_t mac[6], uint16_t gso)
{
	return mac[5] != 7 || gso != NET_GSO_TCPV4;
}

static bool same_connection(uint32_t i, uint32_t j)
{
	uint32_t l4 = l4_of[i], addresses = l4 == 54 ? 32 : 8;

	return l4 == l4_of[j] && !memcmp(in[i], in[j], L3) &&
	       !memcmp(in[i] + l4 - addresses, in[j] + l4 - addresses, addresses + 4);
}

/* It goes on once, after all that came before it in its connection. */
static void id_checked(uint32_t id)
{
	must(id < n_in && !gone[id]);
	for (uint32_t i = 0; i < id; i++)
		must(gone[i] || !same_connection(i, id));
	gone[id] = true;
	n_out++;
}

static void passed(const struct frame *f, const uint32_t *id, uint32_t n)
{
	static uint8_t whole[NET_FRAME_MAX], cut[NET_FRAME_STD];
	const struct net_desc d = { .op = NET_TX,
		.flags = f->flags,
		.length = f->length,
		.csum_start = f->csum_start,
		.csum_offset = f->csum_offset,
		.gso_size = f->gso_size };
	struct segmenter s;

	must(net_tx_legal(&d, NET_FRAME_MAX));
	frame_copy(f, 0, whole, f->length);
	if (n == 1)
		must(f->length == in_length[*id] && !memcmp(whole, in[*id], f->length));
	else
		must(segment_init(&s, f) == 0 && s.n == n);
	for (uint32_t i = 0; i < n; i++) {
		id_checked(id[i]);
		if (n == 1)
			break;
		must(segment_make(&s, i, cut) == in_length[id[i]]);
		/* 0 and 0xffff are the same sum */
		if (get_be16(in[id[i]] + s.l4 + 16) == 0xffff)
			put_be16(cut + s.l4 + 16, 0xffff);
		if (!s.v6 && get_be16(in[id[i]] + L3 + 10) == 0xffff)
			put_be16(cut + L3 + 10, 0xffff);
		must(!memcmp(cut, in[id[i]], in_length[id[i]]));
	}
}

static void checksums_make(uint8_t *f, uint32_t length, uint32_t l4)
{
	if (l4 == 34) {
		put_be16(f + L3 + 10, 0);
		put_be16(f + L3 + 10, checksum_fold(checksum_add(0, f + L3, 20)));
	}
	put_be16(f + l4 + 16, 0);
	put_be16(f + l4 + 16,
		checksum_fold(checksum_add(
			tcp_pseudo_sum(f + L3, l4 == 54, length - l4), f + l4, length - l4)));
}

/* A plain segment, so many steps on in its connection. */
static uint8_t *make(uint32_t flow, uint32_t step, uint32_t payload, uint32_t *length)
{
	uint32_t l4 = flow & 1 ? 54 : 34, header = l4 + 20 + (flow & 2 ? 12 : 0);
	uint8_t *f;

	payload = payload > NET_FRAME_STD - header ? NET_FRAME_STD - header : payload;
	*length = header + payload;
	f = calloc(1, *length);
	f[5] = (uint8_t)flow;
	put_be16(f + 12, l4 == 54 ? 0x86dd : 0x0800);
	f[L3] = l4 == 54 ? 0x60 : 0x45;
	put_be16(f + (l4 == 54 ? L3 + 4 : L3 + 2), *length - (l4 == 54 ? 54 : L3));
	if (l4 == 34)
		put_be16(f + L3 + 4, step);
	f[l4 == 54 ? L3 + 6 : L3 + 9] = 6;
	put_be32(f + l4 + 4, step * payload);
	f[l4 + 12] = (uint8_t)((header - l4) / 4 << 4);
	f[l4 + 13] = 16;
	return f;
}

static void comes(struct merge *m, const uint8_t *command)
{
	static uint8_t head[FRAME_HEAD];
	uint32_t flow = command[0] % FLOWS, l4 = flow & 1 ? 54 : 34, length;
	uint8_t *f = make(flow, command[1], command[2] * 8u, &length);
	struct frame g = { .bytes = head, .length = length };

	f[command[3] % length] ^= command[4];
	if (command[5] & 1)
		checksums_make(f, length, l4);
	g.rest = length > FRAME_HEAD ? f + FRAME_HEAD : NULL;
	memcpy(head, f, length > FRAME_HEAD ? FRAME_HEAD : length);
	in[n_in] = f;
	in_length[n_in] = length;
	l4_of[n_in] = l4;
	n_in++;
	merge_frame(m, &g, f, n_in - 1);
	memset(head, 0xee, sizeof(head));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct merge *m = calloc(1, sizeof(*m));

	m->wanted = wanted;
	m->out = passed;
	n_in = n_out = 0;
	memset(gone, 0, sizeof(gone));
	for (; size >= COMMAND && n_in < FRAMES; size -= COMMAND, data += COMMAND) {
		comes(m, data);
		if (data[5] & 2)
			merge_flush(m);
	}
	merge_flush(m);
	must(n_out == n_in);
	while (n_in)
		free(in[--n_in]);
	free(m);
	return 0;
}
