/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_test.c - the kernel loader: stock kernels, every packed form, and files with wrong
 * headers
 */
#define _GNU_SOURCE
#include "load/bzimage.h"
#include "load/elf.h"
#include "load/load.h"
#include "load/unpack.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <bzlib.h>
#include <elf.h>
#include <lz4.h>
#include <lzma.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <zlib.h>
#include <zstd.h>

enum { RAM = 256 << 20 };

struct mem_file {
	const uint8_t *data;
	uint64_t size;
};

static int mem_read(struct load_source *s, uint64_t pos, void *buf, uint32_t len)
{
	const struct mem_file *f = s->ctx;

	assert_true(pos <= f->size && len <= f->size - pos);
	memcpy(buf, f->data + pos, len);
	return 0;
}

struct fixture {
	uint8_t *ram;
	uint64_t size;
	struct load_space sp;
	struct load_error error;
	uint64_t entry;
};
static struct fixture fx;

static void ram_make(uint64_t size)
{
	fx.ram = mmap(NULL, size, PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
	assert_true(fx.ram != MAP_FAILED);
	fx.size = size;
	fx.error.text[0] = 0;
	load_space_init(&fx.sp, fx.ram, size);
}

static int teardown(void **state)
{
	(void)state;
	if (fx.ram)
		munmap(fx.ram, fx.size);
	fx.ram = NULL;
	return 0;
}

static int run(const void *data, uint64_t size)
{
	struct mem_file f = { data, size };
	struct load_source src = { size, mem_read, &f };

	return load_kernel(&src, &fx.sp, NULL, &fx.entry, &fx.error);
}

/* Memory of exactly the size that was asked for. */
static struct {
	uint8_t *at;
	uint64_t size, filled;
	unsigned int asked, told;
	bool refuses, loses;
} shelf;

static uint8_t *shelf_room(uint64_t size)
{
	shelf.asked++;
	shelf.size = size;
	shelf.at = size && !shelf.refuses ? malloc(size) : NULL;
	return shelf.at;
}

static bool shelf_filled(uint64_t size)
{
	assert_non_null(shelf.at);
	shelf.told++;
	shelf.filled = size;
	if (shelf.loses) {
		free(shelf.at);
		shelf.at = NULL;
	}
	return size && !shelf.loses;
}

static int run_with_shelf(const void *data, uint64_t size)
{
	static const struct load_shelf ops = { shelf_room, shelf_filled };
	struct mem_file f = { data, size };
	struct load_source src = { size, mem_read, &f };

	free(shelf.at);
	shelf.at = NULL;
	shelf.asked = shelf.told = 0;
	return load_kernel(&src, &fx.sp, &ops, &fx.entry, &fx.error);
}

/* ---- a little ELF image ------------------------------------------------------------------ */

enum {
	TINY_SIZE = 0x5000,
	TINY_PADDR = 0x1000000,
	TINY_ENTRY = TINY_PADDR + 0x40,
	TINY_BSS = 0x2000
};
struct tiny {
	Elf64_Ehdr eh;
	Elf64_Phdr ph[3];
};

static void tiny_make(uint8_t *buf)
{
	struct tiny *t = (struct tiny *)buf;
	uint32_t i, note[] = { 4, 8, 18, 0x6e6558, TINY_ENTRY, 0 };

	memset(buf, 0, TINY_SIZE);
	memcpy(t->eh.e_ident, ELFMAG, SELFMAG);
	t->eh.e_ident[EI_CLASS] = ELFCLASS64;
	t->eh.e_ident[EI_DATA] = ELFDATA2LSB;
	t->eh.e_type = ET_EXEC;
	t->eh.e_machine = EM_X86_64;
	t->eh.e_phoff = sizeof(t->eh);
	t->eh.e_phentsize = sizeof(Elf64_Phdr);
	t->eh.e_phnum = 3;
	t->ph[0] = (Elf64_Phdr){ .p_type = PT_LOAD,
		.p_offset = 0x1000,
		.p_paddr = TINY_PADDR,
		.p_filesz = 0x3000,
		.p_memsz = 0x3000 + TINY_BSS };
	t->ph[1] = (Elf64_Phdr){
		.p_type = PT_NOTE, .p_offset = 0x4100, .p_paddr = 0, .p_filesz = sizeof(note)
	};
	t->ph[2] = (Elf64_Phdr){ .p_type = PT_LOAD,
		.p_offset = 0x4800,
		.p_paddr = TINY_PADDR + 0x10000,
		.p_filesz = 0x800,
		.p_memsz = 0x800 };
	for (i = 0x1000; i < 0x4000; i++)
		buf[i] = (uint8_t)(i * 7 + (i >> 8));
	for (i = 0x4800; i < TINY_SIZE; i++)
		buf[i] = (uint8_t)(i * 5);
	memcpy(buf + 0x4100, note, sizeof(note));
}

static void tiny_check(const uint8_t *elf)
{
	uint64_t i;

	assert_int_equal(fx.entry, TINY_ENTRY);
	assert_memory_equal(fx.ram + TINY_PADDR, elf + 0x1000, 0x3000);
	assert_memory_equal(fx.ram + TINY_PADDR + 0x10000, elf + 0x4800, 0x800);
	for (i = 0; i < TINY_BSS; i++)
		assert_int_equal(fx.ram[TINY_PADDR + 0x3000 + i], 0);
	assert_int_equal(fx.sp.floor, TINY_PADDR + 0x10800);
	assert_int_equal(fx.sp.top, fx.size);
	for (i = fx.size - (1 << 20); i < fx.size; i++)
		if (fx.ram[i])
			fail_msg("working memory was not cleared");
}

static void elf_bare(void **state)
{
	uint8_t elf[TINY_SIZE];

	(void)state;
	ram_make(RAM);
	tiny_make(elf);
	memset(fx.ram + TINY_PADDR, 0xee,
		0x8000); /* the zeroes of bss are written, not assumed */
	assert_int_equal(run(elf, sizeof(elf)), 0);
	tiny_check(elf);
}

static void elf_32bit(void **state)
{
	uint8_t elf[TINY_SIZE];
	struct tiny *t = (struct tiny *)elf;
	Elf32_Ehdr eh = { .e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_phoff = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 3 };
	Elf32_Phdr ph[3];
	int i;

	(void)state;
	ram_make(RAM);
	tiny_make(elf);
	memcpy(eh.e_ident, t->eh.e_ident, EI_NIDENT);
	eh.e_ident[EI_CLASS] = ELFCLASS32;
	for (i = 0; i < 3; i++)
		ph[i] = (Elf32_Phdr){ .p_type = t->ph[i].p_type,
			.p_offset = (uint32_t)t->ph[i].p_offset,
			.p_paddr = (uint32_t)t->ph[i].p_paddr,
			.p_filesz = (uint32_t)t->ph[i].p_filesz,
			.p_memsz = (uint32_t)t->ph[i].p_memsz };
	memset(elf, 0, sizeof(*t));
	memcpy(elf, &eh, sizeof(eh));
	memcpy(elf + sizeof(eh), ph, sizeof(ph));
	assert_int_equal(run(elf, sizeof(elf)), 0);
	tiny_check(elf);
}

/*
 * Two section headers at the end of the image: an empty one, and one for the notes, which no
 * program header names now.
 */
enum { SECTIONS = TINY_SIZE - 2 * sizeof(Elf64_Shdr) };
static void notes_to_sections(uint8_t *elf)
{
	struct tiny *t = (struct tiny *)elf;
	Elf64_Shdr sh[2] = { { 0 },
		{ .sh_type = SHT_NOTE, .sh_offset = 0x4100, .sh_size = 24 } };

	t->ph[1].p_type = PT_NULL;
	t->ph[2].p_filesz = t->ph[2].p_memsz = SECTIONS - 0x4800;
	t->eh.e_shoff = SECTIONS;
	t->eh.e_shentsize = sizeof(Elf64_Shdr);
	t->eh.e_shnum = 2;
	memcpy(elf + SECTIONS, sh, sizeof(sh));
}

static void elf_notes_in_sections(void **state)
{
	uint8_t elf[TINY_SIZE];
	struct tiny *t = (struct tiny *)elf;

	(void)state;
	ram_make(RAM);
	tiny_make(elf);
	notes_to_sections(elf);
	memset(fx.ram + TINY_PADDR, 0xee, 0x8000);
	assert_int_equal(run(elf, sizeof(elf)), 0);
	assert_int_equal(fx.entry, TINY_ENTRY);
	assert_memory_equal(fx.ram + TINY_PADDR, elf + 0x1000, 0x3000);
	assert_int_equal(fx.ram[TINY_PADDR + 0x3000], 0);
	assert_int_equal(fx.sp.top, fx.size);
	/* a segment with notes other than Xen's does not hide them */
	t->ph[1] = (Elf64_Phdr){ .p_type = PT_NOTE, .p_offset = 0x1000, .p_filesz = 64 };
	fx.entry = 0;
	assert_int_equal(run(elf, sizeof(elf)), 0);
	assert_int_equal(fx.entry, TINY_ENTRY);
}

static void elf_notes_in_32bit_sections(void **state)
{
	uint8_t elf[TINY_SIZE] = { 0 };
	uint32_t note[] = { 4, 4, 18, 0x6e6558, TINY_ENTRY };
	Elf32_Ehdr eh = { .e_type = ET_EXEC,
		.e_machine = EM_386,
		.e_phoff = sizeof(Elf32_Ehdr),
		.e_phentsize = sizeof(Elf32_Phdr),
		.e_phnum = 1,
		.e_shoff = 0x4000,
		.e_shentsize = sizeof(Elf32_Shdr),
		.e_shnum = 2 };
	Elf32_Phdr ph = { .p_type = PT_LOAD,
		.p_offset = 0x1000,
		.p_paddr = TINY_PADDR,
		.p_filesz = 0x1000,
		.p_memsz = 0x1000 };
	Elf32_Shdr sh[2] = { { .sh_type = SHT_PROGBITS, .sh_size = 0x1000 },
		{ .sh_type = SHT_NOTE, .sh_offset = 0x3000, .sh_size = sizeof(note) } };

	(void)state;
	ram_make(RAM);
	memcpy(eh.e_ident, ELFMAG, SELFMAG);
	eh.e_ident[EI_CLASS] = ELFCLASS32;
	eh.e_ident[EI_DATA] = ELFDATA2LSB;
	memcpy(elf, &eh, sizeof(eh));
	memcpy(elf + sizeof(eh), &ph, sizeof(ph));
	memcpy(elf + 0x3000, note, sizeof(note));
	memcpy(elf + 0x4000, sh, sizeof(sh));
	assert_int_equal(run(elf, sizeof(elf)), 0);
	assert_int_equal(fx.entry, TINY_ENTRY);
}

/* A change to the small image, and a word that the message must contain. */
struct lie {
	const char *word;
	uint32_t offset, size;
	uint64_t value;
};
#define EH(f) offsetof(struct tiny, eh.f), sizeof(((struct tiny *)0)->eh.f)
#define PH(i, f) offsetof(struct tiny, ph[i].f), sizeof(((struct tiny *)0)->ph[0].f)

static void elf_lies(void **state)
{
	static const struct lie lies[] = {
		{ "class", EH(e_ident[EI_CLASS]), 3 },
		{ "byte order", EH(e_ident[EI_DATA]), 2 },
		{ "machine", EH(e_machine), EM_ARM },
		{ "type", EH(e_type), ET_REL },
		{ "program headers of", EH(e_phentsize), 55 },
		{ "program headers (", EH(e_phnum), 0 },
		{ "program headers (", EH(e_phnum), 33 },
		{ "program headers at", EH(e_phoff), 0x10000 },
		{ "program headers at", EH(e_phoff), UINT64_MAX - 8 },
		{ "bytes of file", PH(0, p_filesz), 0x9000 },
		{ "ends at", PH(0, p_offset), UINT64_MAX - 0x4000 },
		{ "bytes of file", PH(0, p_offset), UINT64_MAX - 0x100 },
		{ "does not fit", PH(0, p_paddr), UINT64_MAX - 0x1000 },
		{ "does not fit", PH(0, p_paddr), RAM - 0x4000 },
		{ "does not fit", PH(0, p_memsz), UINT64_MAX },
		{ "does not fit", PH(0, p_memsz), RAM - 0x100 },
		{ "overlap", PH(2, p_paddr), TINY_PADDR + 0x4fff },
		{ "overlap", PH(2, p_paddr), TINY_PADDR - 1 },
		{ "too many", PH(1, p_filesz), ELF_NOTES_MAX + 1 },
		{ "too many", PH(1, p_offset), UINT64_MAX - 3 },
		{ "ends at", PH(1, p_offset), 0x4ff0 },
		{ "ends at", PH(2, p_offset), 0x4801 },
		{ "PHYS32_ENTRY", PH(1, p_filesz), 16 },
		{ "PHYS32_ENTRY", PH(1, p_filesz), 11 },
		{ "PHYS32_ENTRY", 0x4100, 4, 0xffffffff },
		{ "PHYS32_ENTRY", 0x4104, 4, 0xfffffffd },
		{ "PHYS32_ENTRY", 0x4104, 4, 2 },
		{ "PHYS32_ENTRY", 0x4108, 4, 17 },
		{ "PHYS32_ENTRY", 0x410c, 4, 0x6f6558 },
		{ "in no segment", 0x4110, 4, TINY_PADDR + 0x5000 },
		{ "in no segment", 0x4110, 4, TINY_PADDR - 1 },
	};
	uint8_t elf[TINY_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		ram_make(RAM);
		tiny_make(elf);
		memcpy(elf + lies[i].offset, &lies[i].value, lies[i].size);
		assert_int_equal(run(elf, sizeof(elf)), -SK_E_INVAL);
		if (!strstr(fx.error.text, lies[i].word))
			fail_msg("lie %zu: '%s' does not say '%s'", i, fx.error.text,
				lies[i].word);
		teardown(NULL);
	}
}

/* Wrong section headers, which are read only because there are no other notes. */
static void elf_lies_in_sections(void **state)
{
#define SH(f) \
	SECTIONS + sizeof(Elf64_Shdr) + offsetof(Elf64_Shdr, f), sizeof(((Elf64_Shdr *)0)->f)
	static const struct lie lies[] = {
		{ "PHYS32_ENTRY", EH(e_shnum), 1 },
		{ "PHYS32_ENTRY", EH(e_shnum), 0 },
		{ "PHYS32_ENTRY", EH(e_shnum), 3 },
		{ "PHYS32_ENTRY", EH(e_shnum), 0xffff },
		{ "PHYS32_ENTRY", EH(e_shentsize), 63 },
		{ "PHYS32_ENTRY", EH(e_shoff), SECTIONS + 1 },
		{ "PHYS32_ENTRY", EH(e_shoff), UINT64_MAX - 8 },
		{ "PHYS32_ENTRY", SH(sh_type), SHT_PROGBITS },
		{ "PHYS32_ENTRY", SH(sh_size), 0 },
		{ "PHYS32_ENTRY", SH(sh_size), 20 },
		{ "too many", SH(sh_size), ELF_NOTES_MAX + 1 },
		{ "too many", SH(sh_offset), UINT64_MAX - 3 },
		{ "ends at", SH(sh_offset), TINY_SIZE - 4 },
		{ "in no segment", 0x4110, 4, TINY_PADDR - 1 },
	};
	uint8_t elf[TINY_SIZE];
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		ram_make(RAM);
		tiny_make(elf);
		notes_to_sections(elf);
		memcpy(elf + lies[i].offset, &lies[i].value, lies[i].size);
		assert_int_equal(run(elf, sizeof(elf)), -SK_E_INVAL);
		if (!strstr(fx.error.text, lies[i].word))
			fail_msg("lie %zu: '%s' does not say '%s'", i, fx.error.text,
				lies[i].word);
		teardown(NULL);
	}
}

/* More section headers than the loader keeps. */
static void elf_with_many_sections(void **state)
{
	enum { SIZE = 256 << 10 };
	uint8_t *elf = calloc(1, SIZE);
	struct tiny *t = (struct tiny *)elf;

	(void)state;
	tiny_make(elf);
	t->ph[1].p_type = PT_NULL;
	t->eh.e_shoff = TINY_SIZE;
	t->eh.e_shentsize = sizeof(Elf64_Shdr);
	t->eh.e_shnum = 3000;
	memset(elf + TINY_SIZE, SHT_NOTE, SIZE - TINY_SIZE);
	ram_make(RAM);
	assert_int_equal(run(elf, SIZE), -SK_E_INVAL);
	assert_non_null(strstr(fx.error.text, "PHYS32_ENTRY"));
	t->eh.e_shnum = ELF_SECTIONS_MAX /
			sizeof(Elf64_Shdr); /* just few enough, but all of them are wrong */
	memset(elf + TINY_SIZE, 7, SIZE - TINY_SIZE);
	assert_int_equal(run(elf, SIZE), -SK_E_INVAL);
	free(elf);
}

static void elf_cut_short(void **state)
{
	uint8_t elf[TINY_SIZE];
	size_t n;

	(void)state;
	tiny_make(elf);
	for (n = 0; n < TINY_SIZE; n += n < 300 ? 1 : 113) {
		uint8_t *copy = malloc(n ? n : 1);

		memcpy(copy, elf, n);
		ram_make(RAM);
		assert_int_equal(run(copy, n), -SK_E_INVAL);
		teardown(NULL);
		free(copy);
	}
}

/* ---- packed forms in a bzImage ----------------------------------------------------------- */

struct packed {
	uint8_t data[4 * TINY_SIZE];
	size_t size;
};

static void pack(enum unpack_form form, const uint8_t *in, size_t n, struct packed *out)
{
	uint8_t *to = out->data;
	size_t room = sizeof(out->data), pos = 0;
	unsigned int bz_size = (unsigned int)room;
	z_stream z = { 0 };
	lzma_options_lzma opt;
	lzma_stream ls = LZMA_STREAM_INIT;

	switch (form) {
	case UNPACK_GZIP:
		assert_int_equal(
			deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY), Z_OK);
		z.next_in = (Bytef *)(uintptr_t)in;
		z.avail_in = (uInt)n;
		z.next_out = to;
		z.avail_out = (uInt)room;
		assert_int_equal(deflate(&z, Z_FINISH), Z_STREAM_END);
		pos = z.total_out;
		deflateEnd(&z);
		break;
	case UNPACK_XZ:
		assert_int_equal(lzma_easy_buffer_encode(
					 6, LZMA_CHECK_CRC32, NULL, in, n, to, &pos, room),
			LZMA_OK);
		break;
	case UNPACK_LZMA:
		lzma_lzma_preset(&opt, 6);
		assert_int_equal(lzma_alone_encoder(&ls, &opt), LZMA_OK);
		ls.next_in = in;
		ls.avail_in = n;
		ls.next_out = to;
		ls.avail_out = room;
		assert_int_equal(lzma_code(&ls, LZMA_FINISH), LZMA_STREAM_END);
		pos = ls.total_out;
		lzma_end(&ls);
		break;
	case UNPACK_BZIP2:
		assert_int_equal(BZ2_bzBuffToBuffCompress((char *)to, &bz_size,
					 (char *)(uintptr_t)in, (unsigned int)n, 9, 0, 0),
			BZ_OK);
		pos = bz_size;
		break;
	case UNPACK_LZ4: {
		uint32_t half = (uint32_t)n / 2, i, len;

		memcpy(to, "\x02\x21\x4c\x18", 4);
		pos = 4;
		for (i = 0; i < 2; i++) {
			len = (uint32_t)LZ4_compress_default((const char *)in + i * half,
				(char *)to + pos + 4, (int)(i ? n - half : half),
				(int)(room - pos - 4));
			memcpy(to + pos, &len, 4);
			pos += 4 + len;
		}
		break;
	}
	case UNPACK_ZSTD:
		pos = ZSTD_compress(to, room, in, n, 19);
		assert_false(ZSTD_isError(pos));
		break;
	default:
		memcpy(to, in, n);
		pos = n;
	}
	memcpy(to + pos, &(uint32_t){ (uint32_t)n }, 4);
	out->size = pos + 4;
}

enum { BZ_SECTS = 3, BZ_OFFSET = 0x2a0, BZ_PAYLOAD = (BZ_SECTS + 1) * 512 + BZ_OFFSET };
struct image {
	uint8_t data[BZ_PAYLOAD + sizeof(struct packed)];
	size_t size;
};

static void bz_make(enum unpack_form form, struct image *im)
{
	uint8_t elf[TINY_SIZE];
	struct packed p;

	tiny_make(elf);
	pack(form, elf, sizeof(elf), &p);
	memset(im, 0, sizeof(*im));
	im->data[0x1f1] = BZ_SECTS;
	memcpy(im->data + 0x1fe, "\x55\xaa", 2);
	memcpy(im->data + 0x202, "HdrS\x0f\x02", 6);
	memcpy(im->data + 0x248, &(uint32_t){ BZ_OFFSET }, 4);
	memcpy(im->data + 0x24c, &(uint32_t){ (uint32_t)p.size }, 4);
	memcpy(im->data + BZ_PAYLOAD, p.data, p.size);
	im->size = BZ_PAYLOAD + p.size;
}

static void every_form(void **state)
{
	static struct image im;
	uint8_t elf[TINY_SIZE];
	enum unpack_form f;

	(void)state;
	tiny_make(elf);
	for (f = UNPACK_NONE; f < UNPACK_LZO; f++) {
		ram_make(RAM);
		bz_make(f, &im);
		if (run(im.data, im.size))
			fail_msg("%s: %s", unpack_name(f), fx.error.text);
		tiny_check(elf);
		teardown(NULL);
	}
}

/* The guest gets the same kernel, and others the plain image. */
static void every_form_on_the_shelf(void **state)
{
	static struct image im;
	uint8_t elf[TINY_SIZE];
	enum unpack_form f;

	(void)state;
	tiny_make(elf);
	for (f = UNPACK_NONE; f < UNPACK_LZO; f++) {
		ram_make(RAM);
		bz_make(f, &im);
		if (run_with_shelf(im.data, im.size))
			fail_msg("%s: %s", unpack_name(f), fx.error.text);
		tiny_check(elf);
		assert_int_equal(shelf.asked, 1);
		assert_int_equal(shelf.told, f != UNPACK_NONE);
		assert_int_equal(shelf.size, f == UNPACK_NONE ? 0 : TINY_SIZE + 1);
		if (f != UNPACK_NONE) {
			assert_int_equal(shelf.filled, TINY_SIZE);
			assert_memory_equal(shelf.at, elf, TINY_SIZE);
		}
		teardown(NULL);
	}
	/* what another guest has unpacked is a file like any other */
	ram_make(RAM);
	{
		struct load_source memory;

		load_memory(&memory, elf, sizeof(elf));
		assert_int_equal(load_kernel(&memory, &fx.sp, NULL, &fx.entry, &fx.error), 0);
		tiny_check(elf);
	}
}

/* The kernel is loaded all the same if there is no memory, or no longer. */
static void no_shelf(void **state)
{
	static struct image im;
	uint8_t elf[TINY_SIZE];

	(void)state;
	tiny_make(elf);
	notes_to_sections(elf);
	bz_make(UNPACK_ZSTD, &im);
	for (int i = 0; i < 2; i++) {
		shelf.refuses = !i;
		shelf.loses = i;
		ram_make(RAM);
		assert_int_equal(run_with_shelf(im.data, im.size), 0);
		assert_int_equal(shelf.told, i);
		assert_int_equal(fx.entry, TINY_ENTRY);
		teardown(NULL);
	}
	shelf.loses = false;
}

/* What a file says of its size is believed by nobody. */
static void shelf_of_a_wrong_size(void **state)
{
	static const int32_t wrong[] = { -TINY_SIZE, 1 - TINY_SIZE, -4000, -1, 1, 70000 };
	static struct image im;
	uint8_t elf[TINY_SIZE];

	(void)state;
	tiny_make(elf);
	for (enum unpack_form f = UNPACK_XZ; f < UNPACK_LZO; f++)
		for (size_t i = 0; i < sizeof(wrong) / sizeof(wrong[0]); i++) {
			uint32_t size = (uint32_t)(TINY_SIZE + wrong[i]);

			ram_make(RAM);
			bz_make(f, &im);
			memcpy(im.data + im.size - 4, &size, 4);
			if (run_with_shelf(im.data, im.size))
				fail_msg("%s %d: %s", unpack_name(f), wrong[i], fx.error.text);
			tiny_check(elf);
			assert_int_equal(shelf.told, size > 0);
			if (size)
				assert_int_equal(shelf.filled, wrong[i] < 0 ? 0 : TINY_SIZE);
			teardown(NULL);
		}
}

/* What is not packed needs no working memory, and is read right where it belongs. */
static void plain_without_room(void **state)
{
	uint8_t elf[TINY_SIZE];

	(void)state;
	tiny_make(elf);
	ram_make(TINY_PADDR + 0x11000);
	assert_int_equal(run(elf, sizeof(elf)), 0);
	assert_int_equal(fx.entry, TINY_ENTRY);
	assert_memory_equal(fx.ram + TINY_PADDR, elf + 0x1000, 0x3000);
	assert_memory_equal(fx.ram + TINY_PADDR + 0x10000, elf + 0x4800, 0x800);
	teardown(NULL);
	ram_make(RAM);
	notes_to_sections(elf);
	assert_int_equal(run(elf, sizeof(elf)), 0);
	assert_int_equal(fx.entry, TINY_ENTRY);
	assert_memory_equal(fx.ram + TINY_PADDR, elf + 0x1000, 0x3000);
}

/* The same file without a bzImage around it, packed as a whole. */
static void gzip_whole(void **state)
{
	uint8_t elf[TINY_SIZE];
	struct packed p;

	(void)state;
	ram_make(RAM);
	tiny_make(elf);
	pack(UNPACK_GZIP, elf, sizeof(elf), &p);
	assert_int_equal(run(p.data, p.size - 4), 0);
	tiny_check(elf);
}

/* The image is unpacked twice: the second time for the notes of sections. */
static void notes_in_sections_of_packed_images(void **state)
{
	static const enum unpack_form forms[] = { UNPACK_GZIP, UNPACK_XZ, UNPACK_ZSTD };
	uint8_t elf[TINY_SIZE];
	struct packed p;
	size_t i;

	(void)state;
	tiny_make(elf);
	notes_to_sections(elf);
	for (i = 0; i < sizeof(forms) / sizeof(forms[0]); i++) {
		ram_make(RAM);
		pack(forms[i], elf, sizeof(elf), &p);
		assert_int_equal(run(p.data, p.size - 4), 0);
		assert_int_equal(fx.entry, TINY_ENTRY);
		assert_memory_equal(fx.ram + TINY_PADDR, elf + 0x1000, 0x3000);
		assert_int_equal(fx.sp.top, fx.size);
		teardown(NULL);
	}
}

static void every_form_cut(void **state)
{
	static struct image im;
	enum unpack_form f;
	size_t cut;

	(void)state;
	for (f = UNPACK_NONE; f < UNPACK_LZO; f++)
		for (cut = 5; cut < 400; cut += 37) {
			struct packed *copy;
			uint32_t len;

			bz_make(f, &im);
			memcpy(&len, im.data + 0x24c, 4);
			len -= (uint32_t)cut;
			memcpy(im.data + 0x24c, &len, 4);
			copy = malloc(im.size - cut);
			memcpy(copy, im.data, im.size - cut);
			ram_make(RAM);
			assert_int_equal(run(copy, im.size - cut), -SK_E_INVAL);
			assert_true(fx.error.text[0]);
			teardown(NULL);
			free(copy);
		}
}

static void every_form_damaged(void **state)
{
	static struct image im;
	enum unpack_form f;
	size_t at;

	(void)state;
	for (f = UNPACK_GZIP; f < UNPACK_LZO; f++)
		for (at = 16; at < 200; at += 3) {
			bz_make(f, &im);
			im.data[BZ_PAYLOAD + at] ^= 0x55;
			ram_make(RAM);
			(void)!run(
				im.data, im.size); /* forms without a checksum may not notice */
			assert_int_equal(fx.sp.top, fx.size);
			teardown(NULL);
		}
}

/*
 * The file says how large an lz4 block is: an impossible size is refused before anything is
 * read.
 */
static void lz4_block_sizes(void **state)
{
	static const uint32_t sizes[] = { 0, (8 << 20) + (8 << 20) / 255 + 17, 0xffffffff };
	static struct image im;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(sizes) / sizeof(sizes[0]); i++) {
		ram_make(RAM);
		bz_make(UNPACK_LZ4, &im);
		memcpy(im.data + BZ_PAYLOAD + 4, &sizes[i], 4);
		assert_int_equal(run(im.data, im.size), -SK_E_INVAL);
		assert_non_null(strstr(fx.error.text, "damaged"));
		teardown(NULL);
	}
}

static void bz_lies(void **state)
{
	static const struct lie lies[] = {
		{ "2.08", 0x206, 2, 0x207 },
		{ "beyond", 0x248, 4, 0xfffffff0 },
		{ "beyond", 0x24c, 4, 0xfffffff0 },
		{ "beyond", 0x1f1, 1, 255 },
		{ "only", 0x24c, 4, 0 },
		{ "only", 0x24c, 4, 31 },
		{ "unknown form", BZ_PAYLOAD, 4, 0 },
		{ "lzo", BZ_PAYLOAD, 4, 0x4f5a4c89 },
		{ "neither", 0x202, 1, 0 },
		{ "neither", 0x1fe, 1, 0 },
	};
	static struct image im;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(lies) / sizeof(lies[0]); i++) {
		ram_make(RAM);
		bz_make(UNPACK_GZIP, &im);
		memcpy(im.data + lies[i].offset, &lies[i].value, lies[i].size);
		assert_int_equal(run(im.data, im.size), -SK_E_INVAL);
		if (!strstr(fx.error.text, lies[i].word))
			fail_msg("lie %zu: '%s' does not say '%s'", i, fx.error.text,
				lies[i].word);
		teardown(NULL);
	}
}

/*
 * For a guest that is too small for the working memory, loading fails with a message, instead
 * of half a kernel.
 */
static void no_room_to_unpack(void **state)
{
	static struct image im;
	enum unpack_form f;

	(void)state;
	for (f = UNPACK_NONE; f < UNPACK_LZO; f++) {
		ram_make(16384);
		bz_make(f, &im);
		assert_int_equal(run(im.data, im.size), -SK_E_INVAL);
		assert_non_null(strstr(
			fx.error.text, f == UNPACK_NONE ? "does not fit" : "not enough"));
		teardown(NULL);
	}
}

static void scratch_keeps_off_segments(void **state)
{
	(void)state;
	ram_make(1 << 20);
	fx.sp.floor = 0x80000;
	assert_non_null(load_scratch(&fx.sp, 0x40000));
	assert_null(load_scratch(&fx.sp, 0x40001));
	assert_null(load_scratch(&fx.sp, UINT64_MAX));
	assert_non_null(load_scratch(&fx.sp, 0x40000));
	assert_null(load_scratch(&fx.sp, 1));
}

static void ramdisk(void **state)
{
	static uint8_t data[200000];
	struct mem_file f = { data, sizeof(data) };
	struct load_source src = { sizeof(data), mem_read, &f };
	size_t i;

	(void)state;
	ram_make(1 << 20);
	for (i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i * 3 + (i >> 9));
	assert_int_equal(load_file(&src, &fx.sp, 0x3000, &fx.error), 0);
	assert_memory_equal(fx.ram + 0x3000, data, sizeof(data));
	assert_int_equal(
		load_file(&src, &fx.sp, fx.size - sizeof(data) + 1, &fx.error), -SK_E_INVAL);
	assert_int_equal(load_file(&src, &fx.sp, UINT64_MAX, &fx.error), -SK_E_INVAL);
}

/* ---- stock kernels ----------------------------------------------------------------------- */

static void stock(const char *path)
{
	FILE *f = fopen(path, "rb");
	uint8_t *data;
	long size;

	if (!f) {
		print_message("%s is not there\n", path);
		skip();
	}
	fseek(f, 0, SEEK_END);
	size = ftell(f);
	rewind(f);
	data = malloc((size_t)size);
	assert_int_equal(fread(data, 1, (size_t)size, f), size);
	fclose(f);
	ram_make(RAM);
	if (run_with_shelf(data, (uint64_t)size))
		fail_msg("%s: %s", path, fx.error.text);
	assert_true(shelf.filled + 1 == shelf.size);
	assert_true(fx.entry >= 0x1000000 && fx.entry < fx.sp.floor);
	assert_true(fx.sp.floor > (32 << 20) && fx.sp.floor < (128 << 20));
	assert_non_null(
		memmem(fx.ram + 0x1000000, fx.sp.floor - 0x1000000, "Linux version 6.1.", 18));
	free(data);
}

static void stock_cloud(void **state)
{
	(void)state;
	stock("build/guests/kernel-cloud-amd64/vmlinuz");
}

static void stock_amd64(void **state)
{
	(void)state;
	stock("build/guests/kernel-amd64/vmlinuz");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_teardown(elf_bare, teardown),
		cmocka_unit_test_teardown(elf_32bit, teardown),
		cmocka_unit_test_teardown(elf_notes_in_sections, teardown),
		cmocka_unit_test_teardown(elf_notes_in_32bit_sections, teardown),
		cmocka_unit_test_teardown(elf_lies, teardown),
		cmocka_unit_test_teardown(elf_lies_in_sections, teardown),
		cmocka_unit_test_teardown(elf_with_many_sections, teardown),
		cmocka_unit_test_teardown(elf_cut_short, teardown),
		cmocka_unit_test_teardown(every_form, teardown),
		cmocka_unit_test_teardown(every_form_on_the_shelf, teardown),
		cmocka_unit_test_teardown(no_shelf, teardown),
		cmocka_unit_test_teardown(shelf_of_a_wrong_size, teardown),
		cmocka_unit_test_teardown(plain_without_room, teardown),
		cmocka_unit_test_teardown(gzip_whole, teardown),
		cmocka_unit_test_teardown(notes_in_sections_of_packed_images, teardown),
		cmocka_unit_test_teardown(every_form_cut, teardown),
		cmocka_unit_test_teardown(every_form_damaged, teardown),
		cmocka_unit_test_teardown(lz4_block_sizes, teardown),
		cmocka_unit_test_teardown(bz_lies, teardown),
		cmocka_unit_test_teardown(no_room_to_unpack, teardown),
		cmocka_unit_test_teardown(scratch_keeps_off_segments, teardown),
		cmocka_unit_test_teardown(ramdisk, teardown),
		cmocka_unit_test_teardown(stock_cloud, teardown),
		cmocka_unit_test_teardown(stock_amd64, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
