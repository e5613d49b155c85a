/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf.c - load a kernel's ELF image, fed in order or read, into guest RAM; find its PVH entry
 * in the notes of segments, else of sections
 *
 * Objects     struct elf_load: the headers, once they have been fed, and the position in the
 *             stream.
 * Locks       none: main thread, before the first vCPU.
 * Invariants  ELF1 every segment lies in [0, space->top) from the moment the headers are
 *                  parsed, and space->floor covers it, so working memory cannot grow into it
 *             ELF2 file ranges of segments and notes do not overflow; only the intersection of
 *                  a range with the bytes that are fed is copied
 */
#include "load/elf.h"

#include <elf.h>
#include <string.h>
#include <xen/elfnote.h>

#include "base/error.h"

/* The length of a read has 32 bits. */
enum { READ_MAX = 1 << 30 };

void elf_init(struct elf_load *l, struct load_space *space, struct load_error *error)
{
	memset(l, 0, sizeof(*l));
	l->space = space;
	l->error = error;
}

bool elf_probe(const uint8_t *head, size_t len)
{
	return len >= SELFMAG && !memcmp(head, ELFMAG, SELFMAG);
}

/* A program header of either class. */
struct phdr {
	uint32_t type;
	uint64_t offset, paddr, file_size, mem_size;
};
struct header {
	bool wide;
	uint64_t phoff, shoff;
	uint32_t phentsize, phnum, shentsize, shnum;
};

static int header_decode(struct elf_load *l, struct header *h)
{
	Elf64_Ehdr e64;
	Elf32_Ehdr e32;
	uint32_t machine, type;

	if (l->n_head < sizeof(e64) || !elf_probe(l->head, l->n_head))
		return load_fail(l->error, "kernel: what the image holds is no ELF file");
	memcpy(&e64, l->head, sizeof(e64));
	memcpy(&e32, l->head, sizeof(e32));
	if (l->head[EI_DATA] != ELFDATA2LSB ||
		(l->head[EI_CLASS] != ELFCLASS64 && l->head[EI_CLASS] != ELFCLASS32))
		return load_fail(l->error, "kernel: ELF class %u, byte order %u: not for x86",
			l->head[EI_CLASS], l->head[EI_DATA]);
	h->wide = l->head[EI_CLASS] == ELFCLASS64;
	machine = h->wide ? e64.e_machine : e32.e_machine;
	type = h->wide ? e64.e_type : e32.e_type;
	h->phoff = h->wide ? e64.e_phoff : e32.e_phoff;
	h->phentsize = h->wide ? e64.e_phentsize : e32.e_phentsize;
	h->phnum = h->wide ? e64.e_phnum : e32.e_phnum;
	h->shoff = h->wide ? e64.e_shoff : e32.e_shoff;
	h->shentsize = h->wide ? e64.e_shentsize : e32.e_shentsize;
	h->shnum = h->wide ? e64.e_shnum : e32.e_shnum;
	if (machine != EM_X86_64 && machine != EM_386)
		return load_fail(l->error, "kernel: ELF machine %u is not x86", machine);
	if (type != ET_EXEC && type != ET_DYN)
		return load_fail(l->error, "kernel: ELF type %u is no program", type);
	if (h->phentsize != (h->wide ? sizeof(Elf64_Phdr) : sizeof(Elf32_Phdr)))
		return load_fail(
			l->error, "kernel: ELF program headers of %u bytes", h->phentsize);
	if (!h->phnum || h->phnum > ELF_SEGS_MAX)
		return load_fail(l->error,
			"kernel: %u ELF program headers (1 to %u are possible)", h->phnum,
			ELF_SEGS_MAX);
	if (h->phoff > l->n_head || (uint64_t)h->phnum * h->phentsize > l->n_head - h->phoff)
		return load_fail(l->error,
			"kernel: ELF program headers at %#llx, beyond the first %u bytes",
			(unsigned long long)h->phoff, l->n_head);
	return 0;
}

static struct phdr phdr_at(const struct elf_load *l, const struct header *h, uint32_t i)
{
	const uint8_t *at = l->head + h->phoff + (size_t)i * h->phentsize;
	Elf64_Phdr p64;
	Elf32_Phdr p32;

	if (h->wide) {
		memcpy(&p64, at, sizeof(p64));
		return (struct phdr){ p64.p_type, p64.p_offset, p64.p_paddr, p64.p_filesz,
			p64.p_memsz };
	}
	memcpy(&p32, at, sizeof(p32));
	return (struct phdr){ p32.p_type, p32.p_offset, p32.p_paddr, p32.p_filesz,
		p32.p_memsz };
}

static int segment_add(struct elf_load *l, const struct phdr *p)
{
	struct load_space *sp = l->space;

	if (p->file_size > p->mem_size || p->offset + p->file_size < p->offset)
		return load_fail(l->error,
			"kernel: ELF segment at %#llx has %#llx bytes of file for %#llx of memory",
			(unsigned long long)p->offset, (unsigned long long)p->file_size,
			(unsigned long long)p->mem_size);
	if (p->paddr > sp->top || p->mem_size > sp->top - p->paddr)
		return load_fail(l->error,
			"kernel: segment at %#llx, %#llx bytes, does not fit: the guest has %llu MiB below 4 GiB, "
			"%llu of them for unpacking",
			(unsigned long long)p->paddr, (unsigned long long)p->mem_size,
			(unsigned long long)sp->size >> 20,
			(unsigned long long)(sp->size - sp->top) >> 20);
	for (uint32_t i = 0; i < l->n_segs; i++)
		if (p->paddr < l->seg[i].paddr + l->seg[i].mem_size &&
			l->seg[i].paddr < p->paddr + p->mem_size)
			return load_fail(l->error, "kernel: ELF segments overlap at %#llx",
				(unsigned long long)p->paddr);
	(void)load_at(sp, p->paddr, p->mem_size);
	l->seg[l->n_segs++] = (struct elf_range){ p->offset, p->file_size, p->paddr,
		p->mem_size };
	if (p->paddr + p->mem_size > sp->floor)
		sp->floor = p->paddr + p->mem_size; /* ELF1 */
	return 0;
}

static int note_add(struct elf_load *l, uint64_t offset, uint64_t size, uint64_t *used)
{
	if (offset + size < offset || size > ELF_NOTES_MAX - *used ||
		l->n_notes == ELF_SEGS_MAX)
		return load_fail(l->error, "kernel: %#llx bytes of ELF notes are too many",
			(unsigned long long)size);
	l->note[l->n_notes++] = (struct elf_range){ offset, size, *used, size };
	*used += size;
	return 0;
}

/*
 * Section headers are needed only if the notes are nowhere else, so malformed ones are not an
 * error.
 */
static void section_headers_note(struct elf_load *l, const struct header *h)
{
	uint32_t size = h->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	uint64_t all = (uint64_t)size * h->shnum;

	l->wide = h->wide;
	if (h->shentsize == size && all <= ELF_SECTIONS_MAX && h->shoff + all >= h->shoff)
		l->section_headers = (struct elf_range){ h->shoff, all, 0, all };
}

static int headers_parse(struct elf_load *l)
{
	struct header h = { 0 };
	uint64_t notes = 0;
	int rc = header_decode(l, &h);

	for (uint32_t i = 0; !rc && i < h.phnum; i++) {
		struct phdr p = phdr_at(l, &h, i);

		if (p.type == PT_LOAD && p.mem_size)
			rc = segment_add(l, &p);
		else if (p.type == PT_NOTE && p.file_size)
			rc = note_add(l, p.offset, p.file_size, &notes);
	}
	if (!rc)
		section_headers_note(l, &h);
	if (!rc && !l->n_segs)
		rc = load_fail(l->error, "kernel: the ELF image has nothing to load");
	l->parsed = !rc;
	return rc;
}

/*
 * Copy the part of buf = [pos, pos + len) that lies in [r->offset, + file_size) to base +
 * r->paddr.
 */
static void range_copy(const struct elf_range *r, uint8_t *base, uint64_t pos,
	const uint8_t *buf, uint64_t len)
{
	uint64_t from = r->offset > pos ? r->offset : pos;
	uint64_t to = r->offset + r->file_size < pos + len ? r->offset + r->file_size
							   : pos + len;

	if (from < to) /* ELF2 */
		memcpy(base + r->paddr + (from - r->offset), buf + (from - pos), to - from);
}

static void scatter(struct elf_load *l, uint64_t pos, const uint8_t *buf, uint64_t len)
{
	for (uint32_t i = 0; i < l->n_segs; i++)
		range_copy(&l->seg[i], l->space->ram, pos, buf, len);
	for (uint32_t i = 0; i < l->n_notes; i++)
		range_copy(&l->note[i], l->notes, pos, buf, len);
	range_copy(&l->section_headers, l->sections, pos, buf, len);
}

int elf_feed(void *elf_load, const uint8_t *buf, size_t len)
{
	struct elf_load *l = elf_load;
	size_t n = 0;
	int rc;

	if (!l->parsed) {
		n = len < ELF_HEAD_MAX - l->n_head ? len : ELF_HEAD_MAX - l->n_head;
		memcpy(l->head + l->n_head, buf, n);
		l->n_head += (uint32_t)n;
		l->pos += n;
		if (l->n_head < ELF_HEAD_MAX)
			return 0;
		rc = headers_parse(l);
		if (rc)
			return rc;
		scatter(l, 0, l->head, l->n_head);
	}
	scatter(l, l->pos, buf + n, len - n);
	l->pos += len - n;
	return 0;
}

/* Look for Xen's PHYS32_ENTRY in a range of notes. */
static bool notes_scan(const uint8_t *p, uint64_t size, uint64_t *entry)
{
	while (size >= sizeof(Elf64_Nhdr)) {
		Elf64_Nhdr n;
		uint64_t name, desc;

		memcpy(&n, p, sizeof(n));
		name = (n.n_namesz + 3ull) & ~3ull;
		desc = (n.n_descsz + 3ull) & ~3ull;
		if (name + desc > size - sizeof(n))
			return false;
		p += sizeof(n);
		if (n.n_type == XEN_ELFNOTE_PHYS32_ENTRY && n.n_namesz == 4 &&
			!memcmp(p, "Xen", 4) && (n.n_descsz == 4 || n.n_descsz == 8)) {
			*entry = 0;
			memcpy(entry, p + name, n.n_descsz);
			return true;
		}
		p += name + desc;
		size -= sizeof(n) + name + desc;
	}
	return false;
}

static bool entry_find(struct elf_load *l)
{
	for (uint32_t i = 0; i < l->n_notes; i++)
		if (notes_scan(l->notes + l->note[i].paddr, l->note[i].file_size, &l->entry))
			return true;
	return false;
}

/* Collect the ranges of the sections that hold notes, instead of those of segments. */
static int note_sections_find(struct elf_load *l)
{
	const struct elf_range *h = &l->section_headers;
	uint64_t at, used = 0, size = l->wide ? sizeof(Elf64_Shdr) : sizeof(Elf32_Shdr);
	int rc = 0;

	l->n_notes = 0;
	if (h->offset + h->file_size > l->pos)
		return 0; /* the file ends before the section headers */
	for (at = 0; !rc && at < h->file_size; at += size) {
		Elf64_Shdr s64;
		Elf32_Shdr s32;

		if (l->wide) {
			memcpy(&s64, l->sections + at, sizeof(s64));
		} else {
			memcpy(&s32, l->sections + at, sizeof(s32));
			s64 = (Elf64_Shdr){ .sh_type = s32.sh_type,
				.sh_offset = s32.sh_offset,
				.sh_size = s32.sh_size };
		}
		if (s64.sh_type == SHT_NOTE && s64.sh_size)
			rc = note_add(l, s64.sh_offset, s64.sh_size, &used);
	}
	return rc;
}

static int entry_check(struct elf_load *l)
{
	for (uint32_t i = 0; i < l->n_segs; i++)
		if (l->entry >= l->seg[i].paddr &&
			l->entry - l->seg[i].paddr < l->seg[i].mem_size)
			return 0;
	return load_fail(l->error, "kernel: PVH entry %#llx is in no segment",
		(unsigned long long)l->entry);
}

/*
 * The notes collected so far name no entry: try those of sections, if there are any.
 */
static int entry_missing(struct elf_load *l)
{
	int rc = l->again ? 0 : note_sections_find(l);

	if (rc)
		return rc;
	if (l->again || !l->n_notes)
		return load_fail(
			l->error, "kernel: no PHYS32_ENTRY note of Xen: not built for PVH");
	l->again = true;
	l->pos = 0;
	return ELF_AGAIN;
}

static int ranges_check(struct elf_load *l)
{
	for (uint32_t i = 0; i < l->n_segs + l->n_notes; i++) {
		const struct elf_range *r = i < l->n_segs ? &l->seg[i]
							  : &l->note[i - l->n_segs];

		if (r->offset + r->file_size > l->pos)
			return load_fail(l->error,
				"kernel: image ends at %#llx, within a segment",
				(unsigned long long)l->pos);
	}
	return 0;
}

static int range_read(struct elf_load *l, struct load_source *src, uint64_t start,
	const struct elf_range *r, uint8_t *base)
{
	uint64_t n;
	int rc;

	for (uint64_t done = 0; done < r->file_size; done += n) {
		n = r->file_size - done < READ_MAX ? r->file_size - done : READ_MAX;
		rc = src->read(
			src, start + r->offset + done, base + r->paddr + done, (uint32_t)n);
		if (rc)
			return load_fail(l->error, "kernel: cannot read the file: %s",
				sk_error_text(rc));
	}
	return 0;
}

static int head_read(struct elf_load *l, struct load_source *src, uint64_t start, uint64_t size)
{
	const struct elf_range head = { .file_size = size < ELF_HEAD_MAX ? size
									 : ELF_HEAD_MAX };
	int rc = range_read(l, src, start, &head, l->head);

	l->n_head = (uint32_t)head.file_size;
	return rc ? rc : headers_parse(l);
}

int elf_read(struct elf_load *l, struct load_source *src, uint64_t start, uint64_t size)
{
	const struct elf_range *headers = &l->section_headers;
	int rc = l->parsed ? 0 : head_read(l, src, start, size);

	l->pos = size;
	if (!rc)
		rc = ranges_check(l); /* ELF2 */
	for (uint32_t i = 0; !rc && i < l->n_segs && !l->again; i++)
		rc = range_read(l, src, start, &l->seg[i], l->space->ram);
	for (uint32_t i = 0; !rc && i < l->n_notes; i++)
		rc = range_read(l, src, start, &l->note[i], l->notes);
	if (!rc && headers->offset + headers->file_size <= size)
		rc = range_read(l, src, start, headers, l->sections);
	return rc;
}

int elf_finish(struct elf_load *l)
{
	int rc;

	if (!l->parsed) { /* a file shorter than the header buffer */
		rc = headers_parse(l);
		if (rc)
			return rc;
		scatter(l, 0, l->head, l->n_head);
	}
	rc = ranges_check(l);
	if (rc)
		return rc;
	for (uint32_t i = 0; i < l->n_segs; i++)
		memset(l->space->ram + l->seg[i].paddr + l->seg[i].file_size, 0,
			l->seg[i].mem_size - l->seg[i].file_size);
	return entry_find(l) ? entry_check(l) : entry_missing(l);
}
