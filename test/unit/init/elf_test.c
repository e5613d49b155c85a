/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf_test.c - executables with one thing wrong each
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "proc/proc.h"

enum { SIZE = 0x2200, PH = 64, PH_SIZE = 56 };
/* Offsets of fields: file header, and program header n. */
enum { TYPE = 16, MACHINE = 18, ENTRY = 24, PHOFF = 32, PHENTSIZE = 54, PHNUM = 56 };
#define P_TYPE(n) (PH + (n)*PH_SIZE)
#define P_FLAGS(n) (P_TYPE(n) + 4)
#define P_OFFSET(n) (P_TYPE(n) + 8)
#define P_VADDR(n) (P_TYPE(n) + 16)
#define P_FILESZ(n) (P_TYPE(n) + 32)
#define P_MEMSZ(n) (P_TYPE(n) + 40)

static uint8_t file[SIZE];

static void put(size_t at, uint64_t v, size_t n) { memcpy(file + at, &v, n); }

static void segment(unsigned int n, uint32_t flags, uint64_t offset, uint64_t vaddr,
	uint64_t filesz, uint64_t memsz)
{
	put(P_TYPE(n), 1, 4);
	put(P_FLAGS(n), flags, 4);
	put(P_OFFSET(n), offset, 8);
	put(P_VADDR(n), vaddr, 8);
	put(P_FILESZ(n), filesz, 8);
	put(P_MEMSZ(n), memsz, 8);
}

static void make(void)
{
	memset(file, 0, sizeof(file));
	memcpy(file, "\177ELF\2\1\1", 7);
	put(TYPE, 2, 2);
	put(MACHINE, 62, 2);
	put(ENTRY, 0x10000010, 8);
	put(PHOFF, PH, 8);
	put(PHENTSIZE, PH_SIZE, 2);
	put(PHNUM, 2, 2);
	segment(0, 5, 0x1000, 0x10000000, 0x800, 0x800);
	segment(1, 6, 0x2100, 0x10001100, 0x100, 0x5000);
}

static int decode(uint64_t size, struct proc_elf *e)
{
	uint8_t *copy = malloc(size ? size : 1);
	const char *why;
	int rc;

	memcpy(copy, file, size);
	rc = proc_elf_decode(copy, size, e, &why);
	assert_int_equal(rc != 0, why != NULL);
	free(copy);
	return rc;
}

static void good(void **state)
{
	struct proc_elf e;

	(void)state;
	make();
	assert_int_equal(decode(SIZE, &e), 0);
	assert_int_equal(e.n_segs, 2);
	assert_int_equal(e.entry, 0x10000010);
	assert_int_equal(e.seg[0].rights, SK_R | SK_EXEC);
	assert_int_equal(e.seg[1].rights, SK_R | SK_W);
	assert_int_equal(e.seg[1].mem_size, 0x5000);
}

static void refused(size_t at, uint64_t v, size_t n)
{
	struct proc_elf e;

	make();
	put(at, v, n);
	assert_int_equal(decode(SIZE, &e), -SK_E_INVAL);
}

static void bad_header(void **state)
{
	struct proc_elf e;

	(void)state;
	make();
	assert_int_equal(decode(0, &e), -SK_E_INVAL);
	assert_int_equal(decode(63, &e), -SK_E_INVAL);
	assert_int_equal(decode(PH + 2 * PH_SIZE - 1, &e), -SK_E_INVAL);
	refused(0, 0, 1);
	refused(4, 1, 1); /* 32 bits */
	refused(TYPE, 3, 2);
	refused(MACHINE, 3, 2);
	refused(PHENTSIZE, 32, 2);
	refused(PHOFF, UINT64_MAX - 8, 8);
	refused(PHOFF, SIZE, 8);
	refused(PHNUM, 0xffff, 2);
	refused(PHNUM, 0, 2); /* no segment, so the entry lies in none */
	refused(ENTRY, 0x10001200, 8);
	refused(ENTRY, 0x10000800, 8);
}

static void bad_segments(void **state)
{
	(void)state;
	refused(P_TYPE(1), 3, 4); /* interpreter */
	refused(P_FLAGS(1), 7, 4);
	refused(P_FLAGS(1), 2, 4);
	refused(P_FLAGS(1), 4, 4); /* read-only, and longer in memory than in the file */
	refused(P_OFFSET(1), 0x3100, 8);
	refused(P_OFFSET(1), UINT64_MAX - 0xeff, 8);
	/* its offset in a page differs between file and memory */
	refused(P_OFFSET(1), 0x2000, 8);
	refused(P_FILESZ(1), 0x101, 8);
	refused(P_FILESZ(1), UINT64_MAX, 8);
	refused(P_MEMSZ(1), 0x80, 8);
	refused(P_MEMSZ(1), UINT64_MAX, 8);
	refused(P_VADDR(1), 0x10000100, 8); /* in a page of the other segment */
	refused(P_VADDR(1), 0x100, 8);
	refused(P_VADDR(1), 0x3fffe100, 8); /* reaches into the heap */
}

/* Two fields that are wrong only together. */
static void bad_together(void **state)
{
	struct proc_elf e;

	(void)state;
	make();
	put(P_OFFSET(1), UINT64_MAX - 0xeff, 8); /* the end wraps to 0x100 */
	put(P_FILESZ(1), 0x1000, 8);
	assert_int_equal(decode(SIZE, &e), -SK_E_INVAL);
	make();
	put(P_VADDR(0), 0x0e000000, 8); /* over the info page */
	put(ENTRY, 0x0e000010, 8);
	assert_int_equal(decode(SIZE, &e), -SK_E_INVAL);
	make();
	put(P_VADDR(1), 0x10000900, 8); /* behind the other segment, in the same page */
	put(P_OFFSET(1), 0x1900, 8);
	assert_int_equal(decode(SIZE, &e), -SK_E_INVAL);
}

static void too_many(void **state)
{
	struct proc_elf e;

	(void)state;
	make();
	put(PHNUM, PROC_SEGS_MAX + 1, 2);
	for (unsigned int i = 0; i <= PROC_SEGS_MAX; i++)
		segment(i, 5, 0x1000, 0x10000000 + i * 0x1000, 0x800, 0x800);
	assert_int_equal(decode(SIZE, &e), -SK_E_INVAL);
	put(PHNUM, PROC_SEGS_MAX, 2);
	assert_int_equal(decode(SIZE, &e), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(good),
		cmocka_unit_test(bad_header),
		cmocka_unit_test(bad_segments),
		cmocka_unit_test(bad_together),
		cmocka_unit_test(too_many),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
