/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * multiboot2.c - the Multiboot2 information structure that GRUB passes
 *
 * It begins with its total size; tags of {type, size} follow at multiples of 8 bytes, and type
 * 0 ends them. No tag may exceed the total, and no entry its tag; unknown tags are skipped.
 */
#include <stdbool.h>

#include "parse.h"

enum { TAG_END, TAG_CMDLINE, TAG_MODULE = 3, TAG_MMAP = 6, TAG_ACPI_OLD = 14, TAG_ACPI_NEW };
enum { MBI_MAX = 1 << 20, RSDP_V1 = 20, RSDP_V2 = 36 };

struct tag {
	uint32_t type, size;
};
struct mmap_entry {
	uint64_t base, size;
	uint32_t type, reserved;
};

struct parse {
	const uint8_t *data;
	uint64_t paddr; /* of data */
	struct boot_raw_map *raw;
	struct boot_info *bi;
	bool mmap, new_rsdp;
};

static const char *tag_mmap(struct parse *ps, const uint8_t *tag, uint32_t size)
{
	const char *err = NULL;
	uint32_t step;

	if (size < 16)
		return "multiboot: memory map tag too short";
	step = (uint32_t)boot_number(tag + 8, 4);
	if (step < sizeof(struct mmap_entry))
		return "multiboot: memory map entries too short";
	for (uint32_t at = 16; !err && size - at >= step; at += step) {
		struct mmap_entry e;

		__builtin_memcpy(&e, tag + at, sizeof(e));
		err = boot_raw_add(ps->raw, e.base, e.size, boot_mem_type(e.type));
	}
	ps->mmap = true;
	return err;
}

static const char *tag_module(struct parse *ps, const uint8_t *tag, uint32_t size)
{
	uint32_t start, end;

	if (size < 16)
		return "multiboot: module tag too short";
	start = (uint32_t)boot_number(tag + 8, 4);
	end = (uint32_t)boot_number(tag + 12, 4);
	if (end < start)
		return "multiboot: module ends before it starts";
	return boot_set_archive(ps->bi, start, end - start);
}

static const char *tag_rsdp(struct parse *ps, const uint8_t *tag, uint32_t size, bool newer)
{
	if (size < 8u + (newer ? RSDP_V2 : RSDP_V1))
		return "multiboot: RSDP tag too short";
	if (newer || !ps->new_rsdp)
		ps->bi->rsdp = ps->paddr + (uint64_t)(tag - ps->data) + 8;
	ps->new_rsdp |= newer;
	return NULL;
}

static const char *tag_any(struct parse *ps, const uint8_t *tag, struct tag t)
{
	switch (t.type) {
	case TAG_CMDLINE:
		return boot_set_cmdline(ps->bi, (const char *)tag + 8, t.size - 8);
	case TAG_MODULE:
		return tag_module(ps, tag, t.size);
	case TAG_MMAP:
		return tag_mmap(ps, tag, t.size);
	case TAG_ACPI_OLD:
	case TAG_ACPI_NEW:
		return tag_rsdp(ps, tag, t.size, t.type == TAG_ACPI_NEW);
	default:
		return NULL;
	}
}

const char *multiboot2_parse(const struct boot_phys *p, uint64_t paddr,
	struct boot_raw_map *raw, struct boot_info *bi)
{
	struct parse ps = { .paddr = paddr, .raw = raw, .bi = bi };
	const uint8_t *head = boot_phys_at(p, paddr, 8);
	uint32_t total, at = 8;

	if (!head || paddr & 7)
		return "multiboot: information out of reach";
	total = (uint32_t)boot_number(head, 4);
	ps.data = boot_phys_at(p, paddr, total);
	if (total < 16 || total > MBI_MAX || !ps.data)
		return "multiboot: bad total size";
	raw->n = 0;
	while (total - at >= sizeof(struct tag)) {
		const char *err;
		struct tag t;

		__builtin_memcpy(&t, ps.data + at, sizeof(t));
		if (t.size < 8 || t.size > total - at)
			return "multiboot: tag runs over the end";
		if (t.type == TAG_END) {
			if (!ps.mmap)
				return "multiboot: no memory map";
			return boot_mem_finish(raw, bi);
		}
		err = tag_any(&ps, ps.data + at, t);
		if (err)
			return err;
		if (total - at < ((t.size + 7ull) & ~7ull))
			break;
		at += (t.size + 7) & ~7u;
	}
	return "multiboot: no end tag";
}
