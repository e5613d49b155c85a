/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_map.c - the loader's memory map, made sorted, disjoint and page-aligned
 *
 * Objects     struct boot_raw_map collects what the loader says; struct boot_info receives the
 *             result.
 * Lifecycle   boot_raw_add() for each range, boot_mem_finish() once, boot_mem_carve() while
 *             booting.
 * Invariants  MAP1 bi->mem[] is sorted and disjoint, and every bound is page-aligned
 *             MAP2 a byte that any range calls reserved is in no RAM entry
 */
#include <stdbool.h>
#include <sk/types.h>

#include "parse.h"

enum { SPARE = 8 };
#define PADDR_MAX (1ull << 52)

uint32_t boot_mem_type(uint32_t e820)
{
	if (e820 == 1)
		return BOOT_MEM_RAM;
	return e820 == 3 ? BOOT_MEM_ACPI : BOOT_MEM_RESERVED;
}

const char *boot_raw_add(struct boot_raw_map *raw, uint64_t base, uint64_t size, uint32_t type)
{
	uint64_t end;

	if (base >= PADDR_MAX || !size)
		return NULL;
	end = size > PADDR_MAX - base ? PADDR_MAX : base + size;
	if (type == BOOT_MEM_RAM) {
		base = (base + SK_PAGE_SIZE - 1) & ~(SK_PAGE_SIZE - 1);
		end &= ~(SK_PAGE_SIZE - 1);
		if (base >= end)
			return NULL;
	} else {
		base &= ~(SK_PAGE_SIZE - 1);
		end = (end + SK_PAGE_SIZE - 1) & ~(SK_PAGE_SIZE - 1);
	}
	if (raw->n == BOOT_RAW_MAX)
		return "memory map: more than 256 ranges";
	raw->e[raw->n++] = (struct boot_mem){ .base = base, .size = end - base, .type = type };
	return NULL;
}

/* The strongest claim on a range that no boundary divides; 0: no claim. */
static uint32_t claim(const struct boot_raw_map *raw, uint64_t base)
{
	uint32_t type = 0;

	for (uint32_t i = 0; i < raw->n; i++) {
		const struct boot_mem *e = &raw->e[i];

		if (base >= e->base && base - e->base < e->size && (!type || e->type < type))
			type = e->type;
	}
	return type;
}

/* Smallest bound of any range above `from`; PADDR_MAX + 1: there is no such bound. */
static uint64_t next_bound(const struct boot_raw_map *raw, uint64_t from)
{
	uint64_t best = PADDR_MAX + 1;

	for (uint32_t i = 0; i < raw->n; i++) {
		uint64_t b[2] = { raw->e[i].base, raw->e[i].base + raw->e[i].size };

		for (int k = 0; k < 2; k++)
			if (b[k] > from && b[k] < best)
				best = b[k];
	}
	return best;
}

/*
 * Add a range that is not empty at the end. A full table loses it. Reserved ranges stay
 * protected: a range that is not listed is not RAM.
 */
static void append(
	struct boot_info *bi, uint64_t base, uint64_t size, uint32_t type, uint32_t max)
{
	struct boot_mem *last = bi->n_mem ? &bi->mem[bi->n_mem - 1] : NULL;

	if (last && last->type == type && last->base + last->size == base)
		last->size += size;
	else if (size && bi->n_mem < max)
		bi->mem[bi->n_mem++] =
			(struct boot_mem){ .base = base, .size = size, .type = type };
}

static bool within(const struct boot_mem *e, uint64_t base, uint64_t size)
{
	return base >= e->base && size <= e->size && base - e->base <= e->size - size;
}

const char *boot_mem_carve(struct boot_info *bi, uint64_t base, uint64_t size, uint32_t type)
{
	static struct boot_mem old[BOOT_MEM_MAX];
	const struct boot_mem *e = old, *end = old + bi->n_mem;

	__builtin_memcpy(old, bi->mem, sizeof(old));
	while (e < end && (e->type != BOOT_MEM_RAM || !within(e, base, size)))
		e++;
	if (e == end)
		return "memory map: no RAM where memory was to be taken";
	if (bi->n_mem + 2 > BOOT_MEM_MAX)
		return "memory map: too many pieces";
	bi->n_mem = (uint32_t)(e - old);
	append(bi, e->base, base - e->base, BOOT_MEM_RAM, BOOT_MEM_MAX);
	append(bi, base, size, type, BOOT_MEM_MAX);
	append(bi, base + size, e->base + e->size - base - size, BOOT_MEM_RAM, BOOT_MEM_MAX);
	while (++e < end)
		append(bi, e->base, e->size, e->type, BOOT_MEM_MAX);
	return NULL;
}

const char *boot_mem_finish(struct boot_raw_map *raw, struct boot_info *bi)
{
	uint64_t image_size = bi->kernel_end - bi->kernel_start;
	const char *err = boot_raw_add(raw, bi->kernel_start, image_size, BOOT_MEM_LOADED)
				  ?: boot_raw_add(raw, bi->archive, bi->archive_size,
					     BOOT_MEM_LOADED);
	bool ram = false;

	bi->n_mem = 0;
	for (uint64_t at = 0, end; !err && (end = next_bound(raw, at)) <= PADDR_MAX; at = end) {
		uint32_t type = claim(raw, at);

		if (type)
			append(bi, at, end - at, type, BOOT_MEM_MAX - SPARE);
		ram |= type == BOOT_MEM_RAM;
	}
	return err ?: ram ? NULL : "memory map: no RAM in it";
}

const char *boot_set_archive(struct boot_info *bi, uint64_t base, uint64_t size)
{
	uint64_t end;

	if (bi->archive_size)
		return "more than one module; pass the boot archive alone";
	if (!size)
		return "module: empty";
	if (base & (SK_PAGE_SIZE - 1))
		return "module: not page-aligned";
	if (!base || base >= PADDR_MAX || size > PADDR_MAX - base)
		return "module: address out of range";
	end = (base + size + SK_PAGE_SIZE - 1) & ~(SK_PAGE_SIZE - 1);
	if (base < bi->kernel_end && end > bi->kernel_start)
		return "module: overlaps the kernel";
	bi->archive = base;
	bi->archive_size = size;
	return NULL;
}

const char *boot_set_cmdline(struct boot_info *bi, const char *text, uint64_t room)
{
	for (uint64_t i = 0; i < room && i < sizeof(bi->cmdline); i++) {
		bi->cmdline[i] = text[i];
		if (!text[i])
			return NULL;
	}
	return "command line: not terminated within 1024 bytes";
}
