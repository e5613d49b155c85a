/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * phys.h - a small physical memory on the host's heap, so that ASan sees every byte read beyond
 * it
 */
#ifndef TEST_PHYS_H
#define TEST_PHYS_H

#include <stdlib.h>
#include <string.h>

#include "parse.h"

static inline struct boot_phys phys_make(uint64_t size)
{
	return (struct boot_phys){ .base = (uintptr_t)calloc(1, size), .limit = size };
}
static inline void phys_free(struct boot_phys *p) { free((void *)p->base); }
static inline void phys_put(struct boot_phys *p, uint64_t at, const void *data, size_t size)
{
	memcpy((uint8_t *)p->base + at, data, size);
}
static inline void phys_put32(struct boot_phys *p, uint64_t at, uint32_t v)
{
	phys_put(p, at, &v, sizeof(v));
}
static inline void phys_put64(struct boot_phys *p, uint64_t at, uint64_t v)
{
	phys_put(p, at, &v, sizeof(v));
}

/* Checks what every accepted map promises; returns 0, or the line of the failed check. */
static inline int map_broken(const struct boot_info *bi)
{
	if (bi->n_mem > BOOT_MEM_MAX)
		return __LINE__;
	for (uint32_t i = 0; i < bi->n_mem; i++) {
		const struct boot_mem *m = &bi->mem[i];

		if (!m->size || (m->base | m->size) & 4095 || m->base + m->size < m->base)
			return __LINE__;
		if (m->type < BOOT_MEM_RESERVED || m->type > BOOT_MEM_KERNEL)
			return __LINE__;
		if (i && m[-1].base + m[-1].size > m->base)
			return __LINE__;
	}
	return 0;
}

#endif
