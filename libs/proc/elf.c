/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf.c - our own executables: static ELF64 for x86-64, segments on page boundaries, none both
 * writable and executable
 *
 * Pure: it reads only [file, file + size), and copies every field before it checks it.
 */
#include <string.h>
#include "proc/proc.h"

enum {
	PT_LOAD = 1,
	PT_INTERP = 3,
	ET_EXEC = 2,
	MACHINE_X86_64 = 62,
};
enum {
	PF_X = 1,
	PF_W = 2,
	PF_R = 4,
};

struct elf_header {
	uint8_t ident[16];
	uint16_t type, machine;
	uint32_t version;
	uint64_t entry, phoff, shoff;
	uint32_t flags;
	uint16_t ehsize, phentsize, phnum, shentsize, shnum, shstrndx;
};
struct elf_segment {
	uint32_t type, flags;
	uint64_t offset, vaddr, paddr, filesz, memsz, align;
};

static const char *header_check(const struct elf_header *h, uint64_t size)
{
	if (memcmp(h->ident, "\177ELF\2\1\1", 7) != 0)
		return "not a 64-bit little-endian ELF file";
	if (h->type != ET_EXEC || h->machine != MACHINE_X86_64)
		return "not a static executable for x86-64";
	if (h->phentsize != sizeof(struct elf_segment))
		return "program headers of unknown size";
	if (h->phoff > size ||
		(uint64_t)h->phnum * sizeof(struct elf_segment) > size - h->phoff)
		return "program headers beyond the end of the file";
	return NULL;
}

static const char *segment_check(const struct elf_segment *s, uint64_t size)
{
	if (s->filesz > s->memsz)
		return "segment with more bytes in the file than in memory";
	if (s->offset > size || s->filesz > size - s->offset)
		return "segment beyond the end of the file";
	if (s->vaddr < DOMAIN_IMAGE_VADDR || s->vaddr > DOMAIN_HEAP_VADDR ||
		s->memsz > DOMAIN_HEAP_VADDR - s->vaddr)
		return "segment outside the area for images";
	if ((s->vaddr ^ s->offset) % SK_PAGE_SIZE)
		return "segment placed differently in its page than in the file";
	if ((s->flags & PF_W) && (s->flags & PF_X))
		return "segment both writable and executable";
	if (!(s->flags & PF_W) && s->filesz != s->memsz)
		return "read-only segment that is not wholly in the file";
	if (!(s->flags & PF_R))
		return "segment that cannot be read";
	return NULL;
}

static uint64_t page_end(const struct proc_seg *s)
{
	return (s->vaddr + s->mem_size + SK_PAGE_SIZE - 1) & ~(SK_PAGE_SIZE - 1);
}

static const char *segment_add(const struct elf_segment *s, struct proc_elf *out)
{
	const struct proc_seg *last = out->n_segs ? &out->seg[out->n_segs - 1] : NULL;

	if (out->n_segs == PROC_SEGS_MAX)
		return "too many segments";
	if (last && s->vaddr < page_end(last))
		return "segments that share a page or are out of order";
	out->seg[out->n_segs++] = (struct proc_seg){ s->vaddr, s->offset, s->filesz, s->memsz,
		(s->flags & PF_R ? SK_R : 0) | (s->flags & PF_W ? SK_W : 0) |
			(s->flags & PF_X ? SK_EXEC : 0) };
	return NULL;
}

static const char *entry_check(const struct proc_elf *e)
{
	for (uint32_t i = 0; i < e->n_segs; i++) {
		const struct proc_seg *s = &e->seg[i];

		if ((s->rights & SK_EXEC) && e->entry >= s->vaddr &&
			e->entry - s->vaddr < s->mem_size)
			return NULL;
	}
	return "entry point outside executable segments";
}

static const char *decode(const uint8_t *file, uint64_t size, struct proc_elf *out)
{
	struct elf_header h;
	const char *why;

	if (size < sizeof(h))
		return "shorter than an ELF header";
	memcpy(&h, file, sizeof(h));
	why = header_check(&h, size);
	out->entry = h.entry;
	out->n_segs = 0;
	for (uint32_t i = 0; !why && i < h.phnum; i++) {
		struct elf_segment s;

		memcpy(&s, file + h.phoff + i * sizeof(s), sizeof(s));
		if (s.type == PT_INTERP)
			return "needs a dynamic linker";
		if (s.type != PT_LOAD || s.memsz == 0)
			continue;
		why = segment_check(&s, size);
		if (!why)
			why = segment_add(&s, out);
	}
	return why ? why : entry_check(out);
}

int proc_elf_decode(const void *file, uint64_t size, struct proc_elf *out, const char **why)
{
	*why = decode(file, size, out);
	return *why ? -SK_E_INVAL : 0;
}
