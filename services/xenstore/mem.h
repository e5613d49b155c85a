/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mem.h - the memory of the store: zeroed blocks under one limit, so that running out is an
 * error and not a crash
 */
#ifndef XS_MEM_H
#define XS_MEM_H

#include <stddef.h>

/* A zeroed block, or NULL if the heap or the limit is exhausted. */
void *mem_alloc(size_t size);

/* Gives a block back; NULL is allowed. */
void mem_free(void *block);

/* Bytes handed out now, bookkeeping included. */
size_t mem_used(void);

/* No allocation makes mem_used() exceed `limit`. Starts without a limit. */
void mem_set_limit(size_t limit);

/* The last `bytes` below the limit are for MEM_RESERVED alone. Starts with none. */
void mem_set_reserve(size_t bytes);

enum mem_priority {
	/* Requests of guests that make the store grow. */
	MEM_ORDINARY,
	/* Removals, and what control asks for. */
	MEM_RESERVED,
};
/* For all allocations from now on. */
void mem_set_priority(enum mem_priority priority);

/*
 * What quotas charge for a block in addition to its size: the header here and that of the C
 * library.
 */
enum { MEM_BLOCK = 32 };

/* uthash takes its tables from here, and reports failure by a NULL hh.tbl in the element. */
#define HASH_NONFATAL_OOM 1
#define uthash_malloc(size) mem_alloc(size)
#define uthash_free(block, size) ((void)(size), mem_free(block))
#include <uthash.h>

#endif
