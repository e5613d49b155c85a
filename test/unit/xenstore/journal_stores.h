/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * journal_stores.h - the journal's sources with every store into its memory announced
 *
 * Before each store into `area`, of 8 bytes at most, before_store() of the including test is
 * called. The memory is then as a death of the store at this point would leave it.
 */
#ifndef XS_TEST_JOURNAL_STORES_H
#define XS_TEST_JOURNAL_STORES_H

#include <stdint.h>
#include <string.h>

static uint64_t area[1 << 13];

static void before_store(void);

static void *announced_copy(void *to, const void *from, size_t len)
{
	uint8_t *at = to;

	if (at < (uint8_t *)area || at >= (uint8_t *)(area + sizeof(area) / sizeof(area[0])))
		return memcpy(to, from, len);
	for (size_t n = 0; n < len; n += 8) {
		before_store();
		memcpy(at + n, (const uint8_t *)from + n, len - n < 8 ? len - n : 8);
	}
	return to;
}

static void announced_store(uint64_t *to, uint64_t word)
{
	announced_copy(to, &word, sizeof(word));
}

#define memcpy announced_copy
#define __atomic_store_n(to, word, order) announced_store(to, word)
#include "journal.c"
#undef memcpy
#undef __atomic_store_n

#endif
