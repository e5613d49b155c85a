/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gpt.h - GUID partition tables
 *
 * Source: UEFI specification 2.10, chapter 5.
 */
#ifndef STORAGE_GPT_H
#define STORAGE_GPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

#define GPT_NAME_UNITS 36u
/* UTF-8, zero-terminated. */
#define GPT_NAME_MAX (GPT_NAME_UNITS * 3u + 1u)
#define GPT_ENTRIES_MAX 256u
#define GPT_SECTOR 512u

struct gpt_header {
	uint64_t entries_lba;
	uint32_t n_entries, entry_size;
	uint32_t entries_crc;
	uint64_t first_usable, last_usable;
	/* Where the other header is. */
	uint64_t other_lba;
	/* Bytes of a logical block. */
	uint32_t block;
};

struct gpt_partition {
	char name[GPT_NAME_MAX];
	uint64_t first, sectors;
};

/*
 * Check the first bytes of the header block read from `lba` of a disk of n_blocks blocks of
 * `block` bytes (5.1: an LBA counts logical blocks). 0, or -SK_E_INVAL with the reason in *why.
 */
int gpt_header_decode(const uint8_t sector[GPT_SECTOR], uint64_t lba, uint64_t n_blocks,
	uint32_t block, struct gpt_header *h, const char **why) must_check;
/* Bytes of the entry array, a multiple of the block size. */
size_t gpt_entries_bytes(const struct gpt_header *h);
/*
 * Decode the entry array. Entries that are out of range, overlap an earlier one or have a name
 * that is taken or not printable are skipped, each with a line to warn(). Returns the number
 * put into parts[].
 */
uint32_t gpt_entries_decode(const struct gpt_header *h, const uint8_t *entries,
	struct gpt_partition *parts, uint32_t max,
	void (*warn)(uint32_t entry, const char *what));
/* Is the array's checksum right? */
bool gpt_entries_valid(const struct gpt_header *h, const uint8_t *entries);

#endif
