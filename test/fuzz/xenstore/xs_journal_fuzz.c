/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_journal_fuzz.c - replay of a hostile journal
 *
 * Input       a byte for the kind; then records with right checks and arbitrary payloads, each
 *             after its length in two bytes, or an image of the memory, used unchanged.
 * Holds       no memory error, consistent accounts afterwards, and the result can be written
 *             and read again.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persist.h"
#include "store.h"

static uint64_t area[1 << 13];

static void require_at(int ok, int line)
{
	if (ok)
		return;
	fprintf(stderr, "line %d does not hold\n", line);
	abort();
}
#define require(ok) require_at(ok, __LINE__)

static void records(struct journal *j, const uint8_t *at, size_t left)
{
	while (left > 2) {
		size_t len = at[0] | (size_t)at[1] << 8;

		at += 2;
		left -= 2;
		if (len > left)
			len = left;
		journal_begin(j);
		journal_put(j, at, len);
		if (journal_commit(j))
			return;
		at += len;
		left -= len;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct store s;
	struct journal j;
	struct journal_report report;
	long nodes;

	if (!size)
		return 0;
	require(!journal_format(&j, area, sizeof(area)));
	if (data[0] & 1)
		memcpy(area, data + 1, size - 1 < sizeof(area) ? size - 1 : sizeof(area));
	else
		records(&j, data + 1, size - 1);
	if (journal_attach(&j, area, sizeof(area)))
		return 0;
	require(!store_init(&s, &quota_default));
	persist_replay(&s, &j, &report);
	require(!store_check(&s));
	nodes = quota_count(NULL, s.root, 0);
	if (!s.journal_stale) {
		store_fini(&s);
		require(!journal_attach(&j, area, sizeof(area)));
		require(!store_init(&s, &quota_default));
		persist_replay(&s, &j, &report);
		require(!report.quarantined);
		require(!store_check(&s));
		require(nodes == quota_count(NULL, s.root, 0));
	}
	store_fini(&s);
	require(!mem_used());
	return 0;
}
