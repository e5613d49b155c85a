/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core_test.c - an ELF core: what gdb finds by segments, and Xen's tools by sections
 */
#include <elf.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <xen/elfnote.h>
#include <xen/xen.h>

#include "sample.h"
#include "save/core.h"

enum { FILE_MAX = 8 << 20 };
static uint8_t file[FILE_MAX] __attribute__((aligned(8)));
static uint64_t file_size;
static struct stream_source src;

/* Write it as image_out does: the head comes last. */
static int write_core(uint32_t piece)
{
	struct core_out *c = malloc(core_out_size(SAMPLE_VCPUS));
	uint32_t n;
	int rc = core_begin(c, &src);

	memset(file, 0xee, sizeof(file));
	file_size = CORE_HEAD;
	while (!rc && (n = core_fill(c, file + file_size, piece)) != 0)
		file_size += n;
	memcpy(file, c->head, CORE_HEAD);
	assert_true(rc || file_size == c->size);
	free(c);
	return rc;
}

static const Elf64_Ehdr *header(void) { return (const Elf64_Ehdr *)file; }

static const Elf64_Phdr *segment(uint32_t i)
{
	return (const Elf64_Phdr *)(file + header()->e_phoff) + i;
}

static const Elf64_Shdr *section(const char *name)
{
	const Elf64_Shdr *s = (const Elf64_Shdr *)(file + header()->e_shoff);
	const char *names = (const char *)file + s[header()->e_shstrndx].sh_offset;

	for (uint32_t i = 0; i < header()->e_shnum; i++)
		if (strcmp(names + s[i].sh_name, name) == 0)
			return &s[i];
	fail_msg("no section %s", name);
	return NULL;
}

/* The body of the n-th note of this type in the file's bytes from `at` on. */
static const void *note(uint64_t at, uint64_t size, uint32_t type, uint32_t nth)
{
	for (uint64_t end = at + size; at < end;) {
		const Elf64_Nhdr *n = (const Elf64_Nhdr *)(file + at);
		uint64_t body = at + sizeof(*n) + ((n->n_namesz + 3) & ~3u);

		assert_true(body + n->n_descsz <= end);
		if (n->n_type == type && nth-- == 0)
			return file + body;
		at = body + ((n->n_descsz + 3) & ~3u);
	}
	return NULL;
}

static uint64_t word(const void *at, uint32_t i)
{
	uint64_t w;

	memcpy(&w, (const uint8_t *)at + 8 * i, sizeof(w));
	return w;
}

static void segments_name_the_memory(void **state)
{
	struct stream_page p;

	(void)state;
	assert_int_equal(write_core(4096), 0);
	assert_memory_equal(header()->e_ident, ELFMAG, SELFMAG);
	assert_int_equal(header()->e_type, ET_CORE);
	assert_int_equal(header()->e_machine, EM_X86_64);
	assert_int_equal(header()->e_phnum, 2);
	assert_int_equal(segment(1)->p_type, PT_LOAD);
	assert_int_equal(segment(1)->p_paddr, 0);
	assert_int_equal(segment(1)->p_memsz, 130 * 4096); /* holes lie within */
	assert_int_equal(segment(1)->p_offset + segment(1)->p_filesz, file_size);
	for (uint64_t gfn = 0; gfn < 130; gfn++) {
		static const uint8_t zeroes[4096];

		assert_true(sample_next(NULL, STREAM_PAGE, gfn, &p));
		assert_memory_equal(file + segment(1)->p_offset + gfn * 4096,
			p.gfn == gfn ? p.data : zeroes, 4096);
	}
}

static void each_vcpu_is_a_thread(void **state)
{
	const uint8_t *t;

	(void)state;
	assert_int_equal(write_core(1 << 20), 0);
	assert_int_equal(segment(0)->p_type, PT_NOTE);
	for (uint32_t i = 0; i < SAMPLE_VCPUS; i++) {
		t = note(segment(0)->p_offset, segment(0)->p_filesz, NT_PRSTATUS, i);
		assert_non_null(t);
		assert_int_equal(t[32], i + 1);               /* pid */
		assert_int_equal(t[112 + 16 * 8], 0x40 + i);  /* rip */
		assert_int_equal(t[112 + 19 * 8], 0x40 + i);  /* rsp */
		assert_true(word(t + 112, 15) == UINT64_MAX); /* orig_rax */
	}
	assert_null(
		note(segment(0)->p_offset, segment(0)->p_filesz, NT_PRSTATUS, SAMPLE_VCPUS));
	sample_state()->vcpu[1].up = false;
	assert_int_equal(write_core(1 << 20), 0);
	assert_null(note(segment(0)->p_offset, segment(0)->p_filesz, NT_PRSTATUS, 1));
	sample_state()->vcpu[1].up = true;
}

static void sections_are_those_of_xen(void **state)
{
	const Elf64_Shdr *notes, *pfn, *pages, *contexts;
	const struct vcpu_guest_context *x;
	const void *head;

	(void)state;
	assert_int_equal(write_core(1 << 20), 0);
	notes = section(".note.Xen");
	head = note(notes->sh_offset, notes->sh_size, XEN_ELFNOTE_DUMPCORE_HEADER, 0);
	assert_true(word(head, 0) == 0xf00febee && word(head, 1) == SAMPLE_VCPUS);
	assert_true(word(head, 2) == 130 && word(head, 3) == 4096);
	assert_non_null(note(notes->sh_offset, notes->sh_size, XEN_ELFNOTE_DUMPCORE_NONE, 0));
	assert_true(word(note(notes->sh_offset, notes->sh_size,
				 XEN_ELFNOTE_DUMPCORE_FORMAT_VERSION, 0),
			    0) == 1);
	assert_true(word(note(notes->sh_offset, notes->sh_size,
				 XEN_ELFNOTE_DUMPCORE_XEN_VERSION, 0),
			    1) == 17);
	contexts = section(".xen_prstatus");
	assert_int_equal(contexts->sh_size, SAMPLE_VCPUS * sizeof(*x));
	x = (const struct vcpu_guest_context *)(file + contexts->sh_offset);
	assert_int_equal(x[1].user_regs.rip & 0xff, 0x41);
	assert_int_equal(x[1].ctrlreg[3] & 0xff, 0x41);
	assert_int_equal(x[1].fpu_ctxt.x[0], 0x41);
	pfn = section(".xen_pfn");
	pages = section(".xen_pages");
	assert_int_equal(pfn->sh_size, 130 * 8);
	assert_int_equal(pages->sh_size, 130 * 4096);
	assert_int_equal(pages->sh_offset, segment(1)->p_offset);
	for (uint32_t i = 0; i < 130; i++)
		assert_true(word(file + pfn->sh_offset, i) == (i % 64 == 5 ? CORE_NO_PFN : i));
}

/* ---- memory in pieces ---- */

static uint64_t piece_step = 1024, n_pieces;

static bool pieces_next(void *ctx, enum stream_want want, uint64_t gfn, struct stream_page *p)
{
	static uint8_t page[4096];
	uint64_t i = (gfn + piece_step - 1) / piece_step;

	(void)ctx;
	(void)want;
	memset(page, (int)(i + 1), sizeof(page));
	*p = (struct stream_page){ i * piece_step, page };
	return i < n_pieces;
}

static void far_pieces_have_segments_of_their_own(void **state)
{
	const struct stream_source was = src;

	(void)state;
	src.next = pieces_next;
	n_pieces = CORE_RUNS;
	assert_int_equal(write_core(4096), 0);
	assert_int_equal(header()->e_phnum, CORE_RUNS + 1);
	for (uint32_t i = 0; i < CORE_RUNS; i++) {
		assert_int_equal(segment(1 + i)->p_paddr, i * 1024 * 4096);
		assert_int_equal(segment(1 + i)->p_memsz, 4096);
		assert_int_equal(file[segment(1 + i)->p_offset], i + 1);
		assert_true(word(file + section(".xen_pfn")->sh_offset, i) == i * 1024);
	}
	n_pieces++;
	assert_int_equal(write_core(4096), -SK_E_LIMIT);
	piece_step = CORE_GAP; /* near ones are one */
	n_pieces = 3;
	assert_int_equal(write_core(4096), 0);
	assert_int_equal(header()->e_phnum, 2);
	assert_int_equal(segment(1)->p_memsz, (2 * CORE_GAP + 1) * 4096);
	assert_int_equal(file[segment(1)->p_offset + 4096], 0);
	assert_int_equal(file[segment(1)->p_offset + CORE_GAP * 4096], 2);
	assert_true(word(file + section(".xen_pfn")->sh_offset, 1) == CORE_NO_PFN);
	assert_true(word(file + section(".xen_pfn")->sh_offset, CORE_GAP) == CORE_GAP);
	src = was;
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(segments_name_the_memory),
		cmocka_unit_test(each_vcpu_is_a_thread),
		cmocka_unit_test(sections_are_those_of_xen),
		cmocka_unit_test(far_pieces_have_segments_of_their_own),
	};

	src = (struct stream_source){ .next = sample_next, .state = sample_state() };
	return cmocka_run_group_tests_name("core", tests, NULL, NULL);
}
