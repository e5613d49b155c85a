/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf.h - load an ELF image, fed in order or read, into guest RAM
 */
#ifndef VMM_ELF_H
#define VMM_ELF_H

#include "load/load_space.h"

#define ELF_HEAD_MAX 8192u /* the ELF header and the program headers must lie within this */
#define ELF_SEGS_MAX 32u
#define ELF_NOTES_MAX 16384u
#define ELF_SECTIONS_MAX 16384u /* bytes of section headers; larger tables are ignored */

struct elf_range {
	uint64_t offset, file_size, paddr, mem_size;
};
/*
 * Fed with the file in order. It is fed a second time when elf_finish() returns ELF_AGAIN: then
 * Xen's notes are only in sections, whose headers come after them in the file.
 */
struct elf_load {
	struct load_space *space;
	struct load_error *error;
	uint64_t pos; /* bytes fed so far */
	bool parsed;
	uint32_t n_head;
	uint32_t n_segs, n_notes;
	struct elf_range seg[ELF_SEGS_MAX];
	struct elf_range note[ELF_SEGS_MAX]; /* paddr is the offset in notes[] */
	struct elf_range section_headers;    /* paddr: 0; file_size 0: none, or too many */
	bool wide;                           /* 64-bit headers */
	bool again;     /* being fed the second time; note[] has sections */
	uint64_t entry; /* after elf_finish() */
	uint8_t head[ELF_HEAD_MAX];
	uint8_t notes[ELF_NOTES_MAX];
	uint8_t sections[ELF_SECTIONS_MAX];
};
#define ELF_AGAIN 1
void elf_init(struct elf_load *l, struct load_space *space, struct load_error *error);
int elf_feed(void *elf_load, const uint8_t *buf, size_t len) must_check;
/*
 * The same at once for the plain image in bytes [start, start + size) of the source: what has
 * its place in RAM is read right there.
 */
int elf_read(
	struct elf_load *l, struct load_source *src, uint64_t start, uint64_t size) must_check;
/* 0, ELF_AGAIN, or -SK_E_INVAL with the error's text. */
int elf_finish(struct elf_load *l) must_check;
bool elf_probe(const uint8_t *head, size_t len);

#endif
