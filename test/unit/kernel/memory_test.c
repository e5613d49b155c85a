/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_test.c - the entries of the kernel's own half: the window, which is open only for
 * pages that the kernel owns, and the image
 */
#include "processor.h"

static uint64_t read_cr4(void) { return 0; }
static void write_cr4(uint64_t v) { (void)v; }
static void invlpg(uint64_t va) { (void)va; }
#include "kernel/arch/x86_64/memory.c"

/* The architecture's bits, AMD64 manual volume 2, 5.4. */
#define PRESENT 1ull
#define WRITABLE 2ull
#define GLOBAL (1ull << 8)
#define NO_EXECUTE (1ull << 63)

struct boot_info boot_info;
table_t boot_pml4;
const char *boot_mem_carve(struct boot_info *bi, uint64_t base, uint64_t size, uint32_t type)
{
	(void)bi, (void)base, (void)size, (void)type;
	return "unused";
}
void panic(const char *fmt, ...)
{
	fail_msg("%s", fmt);
	__builtin_unreachable();
}

/* The image has four pages (build.mk): code, constants, and two of data. */
static struct {
	unsigned int n;
	uint64_t vaddr, size;
} flushed;
void arch_tlb_shootdown(struct space *s, uint64_t vaddr, uint64_t size)
{
	assert_null(s);
	flushed.n++;
	flushed.vaddr = vaddr;
	flushed.size = size;
}

/* --- the window --------------------------------------------------------------------------- */

enum { PAGES = 4 };
static table_t pdpt, pd, pt;
static const uint64_t at = 0x40000000; /* of the first page; nothing reads it */

static int set_up(void **state)
{
	static struct cpu cpu = { .self = &cpu };

	(void)state;
	be(&cpu);
	processor_reset();
	memset(&flushed, 0, sizeof(flushed));
	memset(pt, 0, sizeof(pt));
	kernel_pml4[0] = virt_to_phys(pdpt) | PRESENT | WRITABLE;
	pdpt[1] = virt_to_phys(pd) | PRESENT | WRITABLE;
	pd[0] = virt_to_phys(pt) | PRESENT | WRITABLE;
	return 0;
}

static void an_open_page_is_data_of_the_kernel(void **state)
{
	(void)state;
	arch_window_open(at + SK_PAGE_SIZE, 2 * SK_PAGE_SIZE);
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(pt[i], i == 1 || i == 2
						? (at + i * SK_PAGE_SIZE) | PRESENT | WRITABLE |
							  GLOBAL | NO_EXECUTE
						: 0);
}

/* Other CPUs forget them too: the pages belong to somebody else from now on. */
static void a_closed_page_is_not_there(void **state)
{
	(void)state;
	arch_window_open(at, PAGES * SK_PAGE_SIZE);
	arch_window_close(at + SK_PAGE_SIZE, 2 * SK_PAGE_SIZE);
	assert_int_equal(pt[1] | pt[2], 0);
	assert_int_equal(pt[0] & pt[3] & PRESENT, PRESENT);
	assert_int_equal(flushed.n, 1);
	assert_int_equal(flushed.vaddr, WINDOW_BASE + at + SK_PAGE_SIZE);
	assert_int_equal(flushed.size, 2 * SK_PAGE_SIZE);
	arch_window_close(at, PAGES * SK_PAGE_SIZE); /* some are closed already */
	assert_int_equal(flushed.n, 2);
	assert_int_equal(flushed.vaddr, WINDOW_BASE + at);
	assert_int_equal(flushed.size, PAGES * SK_PAGE_SIZE);
	arch_window_close(at, PAGES * SK_PAGE_SIZE);
	assert_int_equal(flushed.n, 2);
}

/* --- the image ---------------------------------------------------------------------------- */

/* MEM1 */
static void nothing_is_writable_and_executable(void **state)
{
	static const uint64_t want[] = { 0, NO_EXECUTE, NO_EXECUTE | WRITABLE,
		NO_EXECUTE | WRITABLE };

	(void)state;
	image_build();
	for (unsigned int i = 0; i < PAGES; i++)
		assert_int_equal(image_pt[0][i],
			(0x200000 + i * SK_PAGE_SIZE) | PRESENT | GLOBAL | want[i]);
	assert_int_equal(image_pt[0][PAGES], 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(an_open_page_is_data_of_the_kernel, set_up),
		cmocka_unit_test_setup(a_closed_page_is_not_there, set_up),
		cmocka_unit_test(nothing_is_writable_and_executable),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
