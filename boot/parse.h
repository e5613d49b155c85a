/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * parse.h - turns what a loader left in memory into struct boot_info
 *
 * Pure C that needs no machine. Physical memory is an array behind boot_phys_at(), so that the
 * same code runs in the kernel (identity map), in unit tests and under a fuzzer.
 */
#ifndef BOOT_PARSE_H
#define BOOT_PARSE_H

#include <stddef.h>
#include <stdint.h>

#include "boot_info.h"

/* Physical memory [0, limit) as the parser may read it. */
struct boot_phys {
	uintptr_t base;
	uint64_t limit;
};
/* Pointer to size bytes at paddr, or NULL when they are not all inside. */
static inline const void *boot_phys_at(const struct boot_phys *p, uint64_t paddr, uint64_t size)
{
	if (size > p->limit || paddr > p->limit - size)
		return NULL;
	return (const void *)(p->base + (uintptr_t)paddr);
}

/* A number of up to 8 bytes in memory, at any alignment. */
static inline uint64_t boot_number(const uint8_t *p, unsigned int size)
{
	uint64_t v = 0;

	__builtin_memcpy(&v, p, size);
	return v;
}

/* The memory map as the loader passed it: any order, overlapping, any type. */
#define BOOT_RAW_MAX 256u
struct boot_raw_map {
	uint32_t n;
	struct boot_mem e[BOOT_RAW_MAX];
};
/* E820 number to enum boot_mem_type. */
uint32_t boot_mem_type(uint32_t e820);
/* Both return NULL or a message about the mistake. Empty ranges are dropped. */
const char *boot_raw_add(struct boot_raw_map *raw, uint64_t base, uint64_t size, uint32_t type);
/* Sort, resolve overlaps (reserved beats ACPI beats RAM), align, merge into bi->mem. */
const char *boot_mem_finish(struct boot_raw_map *raw, struct boot_info *bi);
/* Change [base, base + size), which lies within one RAM entry, to type; entries may split. */
const char *boot_mem_carve(struct boot_info *bi, uint64_t base, uint64_t size, uint32_t type);

/*
 * bi->kernel_start and kernel_end are set by the caller. Each fills the rest and returns NULL,
 * or returns a message and leaves bi unusable. rsdp: for Multiboot2 it points into the
 * information structure, which the caller copies out. raw is scratch.
 */
const char *start_info_parse(const struct boot_phys *p, uint64_t paddr,
	struct boot_raw_map *raw, struct boot_info *bi);
const char *multiboot2_parse(const struct boot_phys *p, uint64_t paddr,
	struct boot_raw_map *raw, struct boot_info *bi);

/* For both parsers. */
const char *boot_set_archive(struct boot_info *bi, uint64_t base, uint64_t size);
const char *boot_set_cmdline(struct boot_info *bi, const char *text, uint64_t room);

#endif
