/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gpt.c - GUID partition tables, decoded from sectors that are not trusted
 *
 * Invariants  GPT1 a decoded partition lies within the usable range and overlaps no earlier
 *                  one.
 */
#include "gpt.h"
#include "base/bytes.h"

#include <string.h>
#include <zlib.h>

enum {
	HEADER_MIN = 92,
	ENTRY_MIN = 128,
	ENTRY_MAX = 1024,
	ENTRY_NAME = 56,
};

static const char *header_fault(
	const uint8_t *s, uint64_t lba, uint64_t n_blocks, struct gpt_header *h)
{
	uint32_t size = get_le32(s + 12);
	uint8_t copy[GPT_SECTOR];
	uint64_t entries_blocks;

	if (memcmp(s, "EFI PART", 8) != 0)
		return "no GPT signature";
	if (size < HEADER_MIN || size > GPT_SECTOR)
		return "impossible header size";
	memcpy(copy, s, GPT_SECTOR);
	memset(copy + 16, 0, 4);
	if (crc32(0, copy, size) != get_le32(s + 16))
		return "wrong header checksum";
	if (get_le64(s + 24) != lba)
		return "header belongs elsewhere";
	h->other_lba = get_le64(s + 32);
	h->first_usable = get_le64(s + 40);
	h->last_usable = get_le64(s + 48);
	h->entries_lba = get_le64(s + 72);
	h->n_entries = get_le32(s + 80);
	h->entry_size = get_le32(s + 84);
	h->entries_crc = get_le32(s + 88);
	if (h->first_usable > h->last_usable || h->last_usable >= n_blocks)
		return "usable range beyond the end of the disk";
	if (h->entry_size < ENTRY_MIN || h->entry_size > ENTRY_MAX ||
		h->entry_size & (h->entry_size - 1))
		return "impossible entry size";
	if (h->n_entries == 0 || h->n_entries > GPT_ENTRIES_MAX)
		return "more entries than are supported";
	entries_blocks = gpt_entries_bytes(h) / h->block;
	if (h->entries_lba < 2 || h->entries_lba >= n_blocks ||
		entries_blocks > n_blocks - h->entries_lba)
		return "entry array beyond the end of the disk";
	return NULL;
}

int gpt_header_decode(const uint8_t sector[GPT_SECTOR], uint64_t lba, uint64_t n_blocks,
	uint32_t block, struct gpt_header *h, const char **why)
{
	h->block = block;
	*why = header_fault(sector, lba, n_blocks, h);
	return *why ? -SK_E_INVAL : 0;
}

size_t gpt_entries_bytes(const struct gpt_header *h)
{
	size_t bytes = (size_t)h->n_entries * h->entry_size;

	return (bytes + h->block - 1) & ~(size_t)(h->block - 1);
}

bool gpt_entries_valid(const struct gpt_header *h, const uint8_t *entries)
{
	return crc32(0, entries, h->n_entries * h->entry_size) == h->entries_crc;
}

static size_t utf8_put(char *out, uint32_t c)
{
	if (c < 0x80) {
		out[0] = (char)c;
		return 1;
	}
	if (c < 0x800) {
		out[0] = (char)(0xc0 | c >> 6);
		out[1] = (char)(0x80 | (c & 0x3f));
		return 2;
	}
	if (c < 0x10000) {
		out[0] = (char)(0xe0 | c >> 12);
		out[1] = (char)(0x80 | (c >> 6 & 0x3f));
		out[2] = (char)(0x80 | (c & 0x3f));
		return 3;
	}
	out[0] = (char)(0xf0 | c >> 18);
	out[1] = (char)(0x80 | (c >> 12 & 0x3f));
	out[2] = (char)(0x80 | (c >> 6 & 0x3f));
	out[3] = (char)(0x80 | (c & 0x3f));
	return 4;
}

/* UTF-16LE to UTF-8; false if the name is empty, is not text, or would break out of a path. */
static bool name_decode(const uint8_t *p, char *out)
{
	size_t n = 0;

	for (unsigned int i = 0; i < GPT_NAME_UNITS; i++) {
		uint32_t c = p[2 * i] | (uint32_t)p[2 * i + 1] << 8;

		if (c == 0)
			break;
		if (c >= 0xd800 && c < 0xdc00 && i + 1 < GPT_NAME_UNITS) {
			uint32_t low = p[2 * i + 2] | (uint32_t)p[2 * i + 3] << 8;

			if (low < 0xdc00 || low > 0xdfff)
				return false;
			c = 0x10000 + ((c & 0x3ff) << 10 | (low & 0x3ff));
			i++;
		} else if (c < 0x20 || c == 0x7f || c == '/' || (c >= 0xd800 && c < 0xe000)) {
			return false;
		}
		n += utf8_put(out + n, c);
	}
	out[n] = 0;
	return n > 0;
}

static const char *entry_fault(const struct gpt_header *h, const uint8_t *e,
	const struct gpt_partition *parts, uint32_t n, struct gpt_partition *p)
{
	uint64_t first = get_le64(e + 32), last = get_le64(e + 40);

	if (first < h->first_usable || last > h->last_usable || first > last)
		return "lies outside the usable range";
	if (!name_decode(e + ENTRY_NAME, p->name))
		return "has no usable name";
	p->first = first;
	p->sectors = last - first + 1;
	for (uint32_t i = 0; i < n; i++) {
		if (first < parts[i].first + parts[i].sectors &&
			parts[i].first <= last) /* GPT1 */
			return "overlaps an earlier one";
		if (strcmp(parts[i].name, p->name) == 0)
			return "has the name of an earlier one";
	}
	return NULL;
}

uint32_t gpt_entries_decode(const struct gpt_header *h, const uint8_t *entries,
	struct gpt_partition *parts, uint32_t max,
	void (*warn)(uint32_t entry, const char *what))
{
	static const uint8_t unused[16];
	uint32_t n = 0;

	for (uint32_t i = 0; i < h->n_entries; i++) {
		const uint8_t *e = entries + (size_t)i * h->entry_size;
		struct gpt_partition p = { .first = 0 };
		const char *fault;

		if (memcmp(e, unused, sizeof(unused)) == 0)
			continue;
		fault = n == max ? "is one too many" : entry_fault(h, e, parts, n, &p);
		if (fault)
			warn(i + 1, fault);
		else
			parts[n++] = p;
	}
	return n;
}
