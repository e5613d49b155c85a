/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal.c - append, replay and compaction in a memory area of the caller
 *
 * Objects     struct journal: the private handle. In the memory: struct journal_head, two
 *             halves. Record n of a half has number start + n; its slot is the n-th from the
 *             end of the half.
 * Lifecycle   journal_format() or journal_attach(), then journal_replay(), then appending.
 * Invariants  JOURNAL1 a record's slot is made valid by one 8-byte store after everything else
 *                      of the record, so there is no torn record
 *             JOURNAL2 the slot after the last is empty before the last is valid, so remains
 *                      of an earlier use of a half are never read. Numbers only grow, so they
 *                      would not be valid, either
 *             JOURNAL3 the live half is written only after its last record; each start[]
 *                      changes by one 8-byte store
 *             JOURNAL4 no byte of a payload is ever taken for a slot
 *             JOURNAL5 memory whose first word is 0 was never written, or is zero: numbers
 *                      begin at 1 again, so slots of an earlier journal could be valid
 */
#include "journal.h"

#include <errno.h>
#include <string.h>

#define JOURNAL_MAGIC 0x6c6e726a73786b73ull

#define NUMBER_END (1ull << 48)

enum { JOURNAL_VERSION = 2 };

/* Two bits, so that no one wrong bit makes a slot empty. */
#define SLOT_USED 0x50000000u
#define SIZE_END (SLOT_USED / 2 * 8ull)

struct slot {
	/* SLOT_USED and where the payload is, in units of 8 bytes; 0: the slot is empty. */
	uint32_t at;
	/* Length of the payload, which is padded to a multiple of 8. */
	uint32_t len;
	/* CRC-32 of the payload. */
	uint32_t payload_check;
	/* CRC-32 of the record's number and of the fields above. */
	uint32_t check;
};
_Static_assert(sizeof(struct slot) == 16, "two words");

/* CRC-32 of IEEE 802.3, four bits at a time. */
static uint32_t crc_add(uint32_t crc, const void *bytes, size_t len)
{
	static const uint32_t table[16] = {
		0x00000000,
		0x1db71064,
		0x3b6e20c8,
		0x26d930ac,
		0x76dc4190,
		0x6b6b51f4,
		0x4db26158,
		0x5005713c,
		0xedb88320,
		0xf00f9344,
		0xd6d6a3e8,
		0xcb61b38c,
		0x9b64c2b0,
		0x86d3d2d4,
		0xa00ae278,
		0xbdbdf21c,
	};
	const uint8_t *p = bytes;

	crc = ~crc;
	while (len--) {
		crc ^= *p++;
		crc = table[crc & 15] ^ (crc >> 4);
		crc = table[crc & 15] ^ (crc >> 4);
	}
	return ~crc;
}

static uint32_t slot_check(const struct slot *slot, uint64_t number)
{
	uint32_t crc = crc_add(0, &number, sizeof(number));

	return crc_add(crc, slot, offsetof(struct slot, check));
}

/* A number of 48 bits and its checksum, in one word that changes by one store. */
static uint64_t start_pack(uint64_t number)
{
	return number << 16 | (crc_add(0, &number, sizeof(number)) & 0xffff);
}

/* The number, or 0 if the checksum is wrong. */
static uint64_t start_unpack(uint64_t start)
{
	return start_pack(start >> 16) == start ? start >> 16 : 0;
}

static size_t padded(size_t len) { return (len + 7) & ~(size_t)7; }

/* JOURNAL1, JOURNAL3 */
static void word_store(void *at, uint64_t word)
{
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	__atomic_store_n((uint64_t *)at, word, __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

/* Offset of a payload in its half, if the slot is right. */
static size_t payload_at(const struct slot *slot) { return (slot->at ^ SLOT_USED) * (size_t)8; }

/* Offset of a slot in its half. */
static size_t slot_at(const struct journal *j, size_t n)
{
	return j->half_size - (n + 1) * sizeof(struct slot);
}

/* May payloads reach up to `end` if there are `n` slots and an empty one? */
static bool slots_fit(const struct journal *j, size_t n, size_t end)
{
	return (n + 1) * sizeof(struct slot) <= j->half_size && end <= slot_at(j, n);
}

static int layout(struct journal *j, void *mem, size_t size)
{
	if (size < JOURNAL_SIZE_MIN || size >= SIZE_END || ((uintptr_t)mem & 7))
		return EINVAL;
	memset(j, 0, sizeof(*j));
	j->head = mem;
	j->half_size = ((size - sizeof(*j->head)) / 2) & ~(size_t)7;
	j->half[0] = (uint8_t *)(j->head + 1);
	j->half[1] = j->half[0] + j->half_size;
	return 0;
}

int journal_format(struct journal *j, void *mem, size_t size)
{
	int rc = layout(j, mem, size);

	if (rc)
		return rc;
	if (j->head->magic) {
		memset(&j->head->version, 0, size - offsetof(struct journal_head, version));
		word_store(&j->head->magic, 0); /* JOURNAL5 */
	}
	j->head->version = JOURNAL_VERSION;
	j->head->size = size;
	j->fill[0].start = 1;
	word_store(&j->head->start[0], start_pack(1));
	word_store(&j->head->magic, JOURNAL_MAGIC);
	return 0;
}

size_t journal_capacity(const struct journal *j) { return j->half_size - j->half_size / 8; }

size_t journal_used(const struct journal *j)
{
	const struct journal_fill *f = &j->fill[j->live];

	return f->end + f->n_slots * sizeof(struct slot);
}

int journal_attach(struct journal *j, void *mem, size_t size)
{
	struct journal_head head;
	int rc = layout(j, mem, size);

	if (rc)
		return rc;
	memcpy(&head, mem, sizeof(head));
	if (!head.magic)
		return ENOENT;
	if (head.magic != JOURNAL_MAGIC || head.version != JOURNAL_VERSION || head.reserved ||
		head.size != size)
		return EINVAL;
	j->live = start_unpack(head.start[1]) > start_unpack(head.start[0]);
	j->writing = j->live;
	j->fill[j->live].start = start_unpack(head.start[j->live]);
	return j->fill[j->live].start ? 0 : EINVAL;
}

/* ---- reading ----------------------------------------------------------------------------- */

/* Is slot `n`, a copy, one that the writer can have made after payloads up to `end`? */
static bool slot_valid(
	const struct journal *j, const struct slot *slot, size_t n, uint64_t start, size_t end)
{
	size_t at = payload_at(slot);

	return slot->check == slot_check(slot, start + n) && at >= end &&
	       slots_fit(j, n + 1, at) && slots_fit(j, n + 1, at + padded(slot->len));
}

static void quarantine(struct journal_report *report, size_t bytes)
{
	report->quarantined++;
	report->quarantined_bytes += bytes;
}

/* Hands over one record; its slot is a valid copy. */
static void record_read(const struct journal *j, const struct slot *slot, journal_fn fn,
	void *ctx, struct journal_report *report)
{
	const uint8_t *payload = j->half[j->live] + payload_at(slot);

	if (crc_add(0, payload, slot->len) != slot->payload_check ||
		fn(ctx, payload, slot->len))
		quarantine(report, sizeof(*slot) + padded(slot->len));
	else
		report->applied++;
}

void journal_replay(struct journal *j, journal_fn fn, void *ctx, struct journal_report *report)
{
	struct journal_fill *f = &j->fill[j->live];
	struct slot slot;

	memset(report, 0, sizeof(*report));
	for (f->n_slots = f->end = 0; slots_fit(j, f->n_slots, f->end); f->n_slots++) {
		memcpy(&slot, j->half[j->live] + slot_at(j, f->n_slots), sizeof(slot));
		if (!slot.at) /* JOURNAL2 */
			break;
		if (!slot_valid(j, &slot, f->n_slots, f->start, f->end)) {
			quarantine(report, sizeof(slot));
			continue;
		}
		f->end = payload_at(&slot) + padded(slot.len);
		record_read(j, &slot, fn, ctx, report);
	}
}

/* ---- writing ----------------------------------------------------------------------------- */

static struct journal_fill *fill_of(struct journal *j) { return &j->fill[j->writing]; }

void journal_begin(struct journal *j)
{
	j->len = 0;
	j->overflow = false;
}

void journal_put(struct journal *j, const void *bytes, size_t len)
{
	const struct journal_fill *f = fill_of(j);

	if (j->overflow || len > j->half_size ||
		!slots_fit(j, f->n_slots + 1, f->end + padded(j->len + len))) {
		j->overflow = true;
		return;
	}
	if (len)
		memcpy(j->half[j->writing] + f->end + j->len, bytes, len);
	j->len += len;
}

int journal_commit(struct journal *j)
{
	struct journal_fill *f = fill_of(j);
	uint8_t *half = j->half[j->writing];
	struct slot slot = { .at = SLOT_USED ^ (uint32_t)(f->end / 8),
		.len = (uint32_t)j->len };
	uint64_t words[2];

	if (j->overflow || !slots_fit(j, f->n_slots + 1, f->end))
		return ENOSPC;
	slot.payload_check = crc_add(0, half + f->end, j->len);
	slot.check = slot_check(&slot, f->start + f->n_slots);
	memcpy(words, &slot, sizeof(words));
	word_store(half + slot_at(j, f->n_slots + 1), 0); /* JOURNAL2 */
	word_store(half + slot_at(j, f->n_slots) + 8, words[1]);
	word_store(half + slot_at(j, f->n_slots), words[0]); /* JOURNAL1 */
	f->end += padded(j->len);
	f->n_slots++;
	return 0;
}

void journal_compact_begin(struct journal *j)
{
	const struct journal_fill *live = &j->fill[j->live];

	j->writing = !j->live;
	*fill_of(j) = (struct journal_fill){ .start = live->start + live->n_slots + 1 };
	j->compactions++;
}

void journal_compact_end(struct journal *j, bool ok)
{
	const struct journal_fill *f = fill_of(j);

	if (!ok || !f->n_slots || f->start >= NUMBER_END) {
		j->writing = j->live;
		return;
	}
	word_store(&j->head->start[j->writing], start_pack(f->start)); /* JOURNAL3 */
	j->live = j->writing;
}
