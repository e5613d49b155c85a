/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start_info.c - the PVH start information (struct hvm_start_info, version 1 and up)
 *
 * The loader is trusted no more than any other source: each structure is copied out once,
 * checked, and used from the copy.
 */

#include "parse.h"

struct start_info {
	uint32_t magic, version, flags, n_modules;
	uint64_t modules, cmdline, rsdp, memmap;
	uint32_t n_memmap, reserved;
};
struct start_module {
	uint64_t base, size, cmdline, reserved;
};
struct start_range {
	uint64_t base, size;
	uint32_t type, reserved;
};
#define START_MAGIC 0x336ec578u
enum { SIZE_V0 = 40 };

static const char *read_memory(
	const struct boot_phys *p, const struct start_info *si, struct boot_raw_map *raw)
{
	const uint8_t *from = boot_phys_at(
		p, si->memmap, si->n_memmap * sizeof(struct start_range));
	const char *err = NULL;

	if (!si->memmap || !si->n_memmap)
		return "start info: no memory map";
	if (!from)
		return "start info: memory map out of reach";
	for (uint32_t i = 0; !err && i < si->n_memmap; i++) {
		struct start_range r;

		__builtin_memcpy(&r, from + i * sizeof(r), sizeof(r));
		err = boot_raw_add(raw, r.base, r.size, boot_mem_type(r.type));
	}
	return err;
}

static const char *read_module(
	const struct boot_phys *p, const struct start_info *si, struct boot_info *bi)
{
	const void *from = boot_phys_at(p, si->modules, sizeof(struct start_module));
	struct start_module m;

	if (!si->n_modules)
		return NULL;
	if (si->n_modules > 1)
		return "start info: more than one module; pass the boot archive alone";
	if (!from)
		return "start info: module list out of reach";
	__builtin_memcpy(&m, from, sizeof(m));
	return boot_set_archive(bi, m.base, m.size);
}

static const char *read_cmdline(
	const struct boot_phys *p, const struct start_info *si, struct boot_info *bi)
{
	if (!si->cmdline)
		return NULL;
	if (si->cmdline >= p->limit)
		return "start info: command line out of reach";
	return boot_set_cmdline(bi, boot_phys_at(p, si->cmdline, 1), p->limit - si->cmdline);
}

const char *start_info_parse(const struct boot_phys *p, uint64_t paddr,
	struct boot_raw_map *raw, struct boot_info *bi)
{
	const void *from = boot_phys_at(p, paddr, SIZE_V0);
	struct start_info si;

	if (!from)
		return "start info: out of reach";
	__builtin_memset(&si, 0, sizeof(si));
	__builtin_memcpy(&si, from, SIZE_V0);
	if (si.magic != START_MAGIC)
		return "start info: wrong magic number";
	if (si.version < 1)
		return "start info: version 0 has no memory map; use a newer loader";
	from = boot_phys_at(p, paddr, sizeof(si));
	if (!from)
		return "start info: out of reach";
	__builtin_memcpy(&si, from, sizeof(si));
	raw->n = 0;
	bi->rsdp = si.rsdp;
	return read_memory(p, &si, raw) ?: read_module(p, &si, bi) ?: read_cmdline(p, &si, bi) ?: boot_mem_finish(raw, bi);
}
