/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal.c - append, replay and compaction in a memory area of the caller
 *
 * Objects     struct journal: the private handle. In the memory: struct journal_head, two
 *             halves of records.
 * Lifecycle   journal_format() or journal_attach(), then journal_replay(), then appending.
 * Invariants  JOURNAL1 a record's header is stored after its payload, so a torn record has no
 *                      valid checksum
 *             JOURNAL2 numbers only grow, so remains of an earlier use of a half are never
 *                      taken for records
 *             JOURNAL3 the live half is written only after its last record; each start[]
 *                      changes by one 8-byte store
 */
#include "journal.h"

#include <errno.h>
#include <string.h>

#define JOURNAL_MAGIC 0x6c6e726a73786b73ull
#define RECORD_MAGIC 0x4a52u

#define NUMBER_END (1ull << 48)

enum { JOURNAL_VERSION = 1 };

struct record {
	uint32_t magic;
	/* Length of the payload, which is padded to a multiple of 8. */
	uint32_t len;
	uint64_t number;
	/* CRC-32 of len, number and payload. */
	uint32_t check;
	uint32_t zero;
};

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

static uint32_t record_check(const struct record *r, const void *payload)
{
	uint32_t crc = crc_add(0, &r->len, sizeof(r->len));

	crc = crc_add(crc, &r->number, sizeof(r->number));
	return crc_add(crc, payload, r->len);
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

static int layout(struct journal *j, void *mem, size_t size)
{
	if (size < JOURNAL_SIZE_MIN || ((uintptr_t)mem & 7))
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
	memset(mem, 0, size);
	j->head->magic = JOURNAL_MAGIC;
	j->head->version = JOURNAL_VERSION;
	j->head->size = size;
	j->head->start[0] = start_pack(1);
	j->number = 1;
	j->empty = true;
	return 0;
}

size_t journal_capacity(const struct journal *j) { return j->half_size - j->half_size / 8; }

int journal_attach(struct journal *j, void *mem, size_t size)
{
	struct journal_head head;
	int rc = layout(j, mem, size);

	if (rc)
		return rc;
	memcpy(&head, mem, sizeof(head));
	if (!head.magic && !head.size)
		return ENOENT;
	if (head.magic != JOURNAL_MAGIC || head.version != JOURNAL_VERSION || head.reserved ||
		head.size != size)
		return EINVAL;
	j->live = start_unpack(head.start[1]) > start_unpack(head.start[0]);
	j->writing = j->live;
	j->number = start_unpack(head.start[j->live]);
	return j->number ? 0 : EINVAL;
}

/* Copies the header of the record at `at` if there is a valid one. */
static bool record_at(const struct journal *j, size_t at, struct record *r)
{
	const uint8_t *half = j->half[j->live];

	if (j->half_size - at < sizeof(*r))
		return false;
	memcpy(r, half + at, sizeof(*r));
	return r->magic == RECORD_MAGIC && !r->zero && r->number >= j->number &&
	       r->number < NUMBER_END && r->len <= j->half_size - at - sizeof(*r) &&
	       r->check == record_check(r, half + at + sizeof(*r));
}

static void quarantine(struct journal_report *report, size_t bytes)
{
	report->quarantined++;
	report->quarantined_bytes += bytes;
}

void journal_replay(struct journal *j, journal_fn fn, void *ctx, struct journal_report *report)
{
	size_t at = 0, good = 0, size;
	struct record r;

	memset(report, 0, sizeof(*report));
	if (j->empty)
		return;
	while (at < j->half_size) {
		if (!record_at(j, at, &r)) {
			at += 8;
			continue;
		}
		if (at > good)
			quarantine(report, at - good);
		size = sizeof(r) + padded(r.len);
		if (fn(ctx, j->half[j->live] + at + sizeof(r), r.len))
			quarantine(report, size);
		else
			report->applied++;
		j->number = r.number + 1;
		at += size;
		good = at;
	}
	j->end = good > j->half_size ? j->half_size : good;
	j->live_end = j->end;
	if (j->half_size - j->end < sizeof(r))
		return;
	memcpy(&r, j->half[j->live] + j->end, sizeof(r));
	if (r.magic == RECORD_MAGIC && r.number >= j->number)
		quarantine(report, sizeof(r));
}

void journal_begin(struct journal *j)
{
	j->len = 0;
	j->overflow = j->half_size - j->end < sizeof(struct record);
}

void journal_put(struct journal *j, const void *bytes, size_t len)
{
	size_t room = j->overflow ? 0 : j->half_size - j->end - sizeof(struct record) - j->len;

	if (len > room || j->len + len > UINT32_MAX) {
		j->overflow = true;
		return;
	}
	if (len)
		memcpy(j->half[j->writing] + j->end + sizeof(struct record) + j->len, bytes,
			len);
	j->len += len;
}

int journal_commit(struct journal *j)
{
	struct record r = {
		.magic = RECORD_MAGIC, .len = (uint32_t)j->len, .number = j->number
	};
	uint8_t *at = j->half[j->writing] + j->end;
	size_t size = sizeof(r) + padded(j->len);

	if (j->overflow)
		return ENOSPC;
	r.check = record_check(&r, at + sizeof(r));
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* JOURNAL1 */
	memcpy(at, &r, sizeof(r));
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
	j->end += size;
	j->number++;
	j->empty = false;
	return 0;
}

void journal_compact_begin(struct journal *j)
{
	j->live_end = j->end;
	j->writing = !j->live;
	j->end = 0;
	j->number++; /* so the new half begins higher even if the live one is empty */
}

void journal_compact_end(struct journal *j, bool ok)
{
	struct record first;

	if (!ok || !j->end) {
		j->writing = j->live;
		j->end = j->live_end;
		return;
	}
	memcpy(&first, j->half[j->writing], sizeof(first));
	__atomic_store_n(&j->head->start[j->writing], start_pack(first.number),
		__ATOMIC_SEQ_CST); /* JOURNAL3 */
	j->live = j->writing;
}
