/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.c - counted allocation for the store
 *
 * Objects     a block: a header with its size, then what the caller sees.
 * Lifecycle   mem_alloc() to mem_free(); blocks never move.
 * Invariants  XSMEM1 used is the sum of the sizes of all blocks, headers included
 *             XSMEM2 used <= limit after each mem_alloc()
 *             XSMEM3 an ordinary mem_alloc() leaves the reserve free
 */
#include "mem.h"

#include <stdint.h>
#include <stdlib.h>

union header {
	size_t size;
	max_align_t align;
};

static size_t used;
static size_t limit = SIZE_MAX;
static size_t reserve;
static enum mem_priority priority = MEM_RESERVED;

void *mem_alloc(size_t size)
{
	union header *h;
	size_t total = size + sizeof(*h), most = limit;

	if (total < sizeof(*h)) /* it wrapped */
		return NULL;
	if (priority == MEM_ORDINARY)
		most -= reserve < most ? reserve : most; /* XSMEM3 */
	if (used > most || total > most - used)
		return NULL;
	h = calloc(1, total);
	if (!h)
		return NULL;
	h->size = total;
	used += total;
	return h + 1;
}

void mem_free(void *block)
{
	union header *h = block;

	if (!block)
		return;
	h--;
	used -= h->size;
	free(h);
}

size_t mem_used(void) { return used; }

void mem_set_limit(size_t new_limit) { limit = new_limit; }

void mem_set_reserve(size_t bytes) { reserve = bytes; }

void mem_set_priority(enum mem_priority new_priority) { priority = new_priority; }
