/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gpt_fuzz.c - the input is a header sector and the entry array; the header's checksum is
 * corrected
 */
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "gpt.h"

enum { DISK = 1 << 20, PARTS = 16 };

static void warn(uint32_t entry, const char *what)
{
	(void)entry;
	(void)what;
}

/* G1: within the usable range, no overlap. */
static void check(const struct gpt_header *h, const struct gpt_partition *p, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		uint64_t last = p[i].first + p[i].sectors - 1;

		if (p[i].first < h->first_usable || last > h->last_usable ||
			last < p[i].first || last >= DISK)
			abort();
		for (uint32_t k = 0; k < i; k++)
			if (p[k].first <= last && p[i].first < p[k].first + p[k].sectors)
				abort();
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct gpt_partition parts[PARTS];
	uint8_t sector[GPT_SECTOR] = { 0 };
	struct gpt_header h;
	const char *why;
	uint8_t *entries;
	uint32_t crc, len;

	memcpy(sector, data, size < sizeof(sector) ? size : sizeof(sector));
	memcpy(&len, sector + 12, 4);
	memset(sector + 16, 0, 4);
	crc = (uint32_t)crc32(0, sector, len <= GPT_SECTOR ? len : GPT_SECTOR);
	memcpy(sector + 16, &crc, 4);
	if (gpt_header_decode(sector, 1, DISK, size % 2 ? GPT_SECTOR : 4096, &h, &why))
		return 0;
	entries = calloc(1, gpt_entries_bytes(&h));
	if (size > sizeof(sector)) {
		size -= sizeof(sector);
		memcpy(entries, data + sizeof(sector),
			size < gpt_entries_bytes(&h) ? size : gpt_entries_bytes(&h));
	}
	(void)gpt_entries_valid(&h, entries);
	check(&h, parts, gpt_entries_decode(&h, entries, parts, PARTS, warn));
	free(entries);
	return 0;
}
