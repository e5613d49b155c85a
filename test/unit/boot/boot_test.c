/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot_test.c - memory map, PVH start information and Multiboot2 information, valid and hostile
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "phys.h"

enum { SIZE = 65536, INFO = 0x1000, MAP = 0x2000, MODS = 0x3000, CMDLINE = 0x4000 };
enum { KERNEL_START = 0x200000, KERNEL_END = 0x300000 };
static struct boot_phys phys;
static struct boot_raw_map raw;
static struct boot_info bi;

static int setup(void **state)
{
	(void)state;
	phys = phys_make(SIZE);
	memset(&raw, 0, sizeof(raw));
	memset(&bi, 0, sizeof(bi));
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phys_free(&phys);
	return 0;
}

static void assert_entry(uint32_t i, uint64_t base, uint64_t size, uint32_t type)
{
	assert_true(i < bi.n_mem);
	assert_int_equal(bi.mem[i].base, base);
	assert_int_equal(bi.mem[i].size, size);
	assert_int_equal(bi.mem[i].type, type);
}

static void add(uint64_t base, uint64_t size, uint32_t type)
{
	assert_null(boot_raw_add(&raw, base, size, type));
}

static void finish(void)
{
	assert_null(boot_mem_finish(&raw, &bi));
	assert_int_equal(map_broken(&bi), 0);
}

/* --- memory map --------------------------------------------------------------------------- */

static void map_sorts_and_merges(void **state)
{
	(void)state;
	add(0x100000, 0x100000, BOOT_MEM_RAM);
	add(0x0, 0x9f000, BOOT_MEM_RAM);
	add(0x200000, 0x100000, BOOT_MEM_RAM);
	finish();
	assert_int_equal(bi.n_mem, 2);
	assert_entry(0, 0, 0x9f000, BOOT_MEM_RAM);
	assert_entry(1, 0x100000, 0x200000, BOOT_MEM_RAM);
}

static void map_reserved_wins(void **state)
{
	(void)state;
	add(0x100000, 0x400000, BOOT_MEM_RAM);
	add(0x200000, 0x1000, BOOT_MEM_RESERVED);
	add(0x1ff000, 0x3000, BOOT_MEM_ACPI);
	finish();
	assert_int_equal(bi.n_mem, 5);
	assert_entry(0, 0x100000, 0xff000, BOOT_MEM_RAM);
	assert_entry(1, 0x1ff000, 0x1000, BOOT_MEM_ACPI);
	assert_entry(2, 0x200000, 0x1000, BOOT_MEM_RESERVED);
	assert_entry(3, 0x201000, 0x1000, BOOT_MEM_ACPI);
	assert_entry(4, 0x202000, 0x2fe000, BOOT_MEM_RAM);
}

static void map_aligns_ram_inwards_and_the_rest_outwards(void **state)
{
	(void)state;
	add(0x100800, 0x4000, BOOT_MEM_RAM);
	add(0x103ff0, 0x20, BOOT_MEM_RESERVED);
	add(0x300001, 0xffe, BOOT_MEM_RAM);
	finish();
	assert_int_equal(bi.n_mem, 2);
	assert_entry(0, 0x101000, 0x2000, BOOT_MEM_RAM);
	assert_entry(1, 0x103000, 0x2000, BOOT_MEM_RESERVED);
}

static void map_survives_wrapping_ranges(void **state)
{
	(void)state;
	add(0x100000, 0x1000, BOOT_MEM_RAM);
	add(0x200000, UINT64_MAX, BOOT_MEM_RESERVED);
	add(UINT64_MAX, 2, BOOT_MEM_RAM);
	add(1ull << 52, 4096, BOOT_MEM_RAM);
	finish();
	assert_int_equal(bi.n_mem, 2);
	assert_entry(1, 0x200000, (1ull << 52) - 0x200000, BOOT_MEM_RESERVED);
}

static void map_without_ram_is_refused(void **state)
{
	(void)state;
	assert_non_null(boot_mem_finish(&raw, &bi));
	add(0, 0x1000, BOOT_MEM_RAM);
	add(0, 0x1000, BOOT_MEM_RESERVED);
	assert_non_null(boot_mem_finish(&raw, &bi));
}

static void map_with_too_many_ranges(void **state)
{
	(void)state;
	for (uint64_t i = 0; i < BOOT_RAW_MAX; i++)
		add(i * 0x4000, 0x1000, i % 2 ? BOOT_MEM_RAM : BOOT_MEM_RESERVED);
	assert_non_null(boot_raw_add(&raw, 0x10000000, 0x1000, BOOT_MEM_RAM));
	finish();
	assert_true(bi.n_mem < BOOT_MEM_MAX);
}

/* Whatever the loader says of it, nothing may be put there. */
static void image_and_archive_are_no_ram(void **state)
{
	(void)state;
	bi.kernel_start = KERNEL_START;
	bi.kernel_end = KERNEL_END - 1;
	bi.archive = KERNEL_END;
	bi.archive_size = 0x1801;
	add(0x100000, 0x400000, BOOT_MEM_RAM);
	add(KERNEL_START + 0x1000, 0x1000, BOOT_MEM_RESERVED);
	finish();
	assert_int_equal(bi.n_mem, 5);
	assert_entry(0, 0x100000, 0x100000, BOOT_MEM_RAM);
	assert_entry(1, KERNEL_START, 0x1000, BOOT_MEM_LOADED);
	assert_entry(2, KERNEL_START + 0x1000, 0x1000, BOOT_MEM_RESERVED);
	assert_entry(3, KERNEL_START + 0x2000, 0x100000, BOOT_MEM_LOADED);
	assert_entry(4, KERNEL_END + 0x2000, 0x1fe000, BOOT_MEM_RAM);
	assert_non_null(boot_mem_carve(&bi, KERNEL_END, 0x1000, BOOT_MEM_KERNEL));
}

static void carve_splits_and_extends(void **state)
{
	(void)state;
	add(0x100000, 0x10000, BOOT_MEM_RAM);
	finish();
	assert_null(boot_mem_carve(&bi, 0x104000, 0x1000, BOOT_MEM_KERNEL));
	assert_int_equal(bi.n_mem, 3);
	assert_null(boot_mem_carve(&bi, 0x105000, 0x1000, BOOT_MEM_KERNEL));
	assert_int_equal(bi.n_mem, 3);
	assert_entry(0, 0x100000, 0x4000, BOOT_MEM_RAM);
	assert_entry(1, 0x104000, 0x2000, BOOT_MEM_KERNEL);
	assert_entry(2, 0x106000, 0xa000, BOOT_MEM_RAM);
	assert_null(boot_mem_carve(&bi, 0x106000, 0xa000, BOOT_MEM_KERNEL));
	assert_int_equal(bi.n_mem, 2);
	assert_entry(1, 0x104000, 0xc000, BOOT_MEM_KERNEL);
	assert_int_equal(map_broken(&bi), 0);
}

static void carve_outside_ram_is_refused(void **state)
{
	(void)state;
	add(0x100000, 0x4000, BOOT_MEM_RAM);
	add(0x104000, 0x4000, BOOT_MEM_RESERVED);
	finish();
	assert_non_null(boot_mem_carve(&bi, 0x103000, 0x2000, BOOT_MEM_KERNEL));
	assert_non_null(boot_mem_carve(&bi, 0x104000, 0x1000, BOOT_MEM_KERNEL));
	assert_non_null(boot_mem_carve(&bi, 0xff000, 0x2000, BOOT_MEM_KERNEL));
	assert_non_null(boot_mem_carve(&bi, 0x102000, UINT64_MAX - 0x1fff, BOOT_MEM_KERNEL));
	assert_int_equal(bi.n_mem, 2);
}

static void carve_stops_when_the_table_is_full(void **state)
{
	const char *err = NULL;

	(void)state;
	add(0x100000, 0x1000000, BOOT_MEM_RAM);
	finish();
	for (uint64_t i = 0; !err && i < BOOT_MEM_MAX; i++)
		err = boot_mem_carve(&bi, 0x101000 + i * 0x2000, 0x1000, BOOT_MEM_KERNEL);
	assert_non_null(err);
	assert_int_equal(map_broken(&bi), 0);
}

/* --- PVH ---------------------------------------------------------------------------------- */

static void start_info_make(void)
{
	phys_put32(&phys, INFO, 0x336ec578);
	phys_put32(&phys, INFO + 4, 1);
	phys_put32(&phys, INFO + 12, 1);
	phys_put64(&phys, INFO + 16, MODS);
	phys_put64(&phys, INFO + 24, CMDLINE);
	phys_put64(&phys, INFO + 32, 0xf0000);
	phys_put64(&phys, INFO + 40, MAP);
	phys_put32(&phys, INFO + 48, 2);
	phys_put64(&phys, MODS, 0x400000);
	phys_put64(&phys, MODS + 8, 0x1234);
	phys_put64(&phys, MAP + 8, 0x9f000);
	phys_put32(&phys, MAP + 16, 1);
	phys_put64(&phys, MAP + 24, 0x100000);
	phys_put64(&phys, MAP + 32, 0x1000000);
	phys_put32(&phys, MAP + 40, 1);
	phys_put(&phys, CMDLINE, "a=b c", 6);
}

static const char *start_info(void)
{
	bi = (struct boot_info){ .kernel_start = KERNEL_START, .kernel_end = KERNEL_END };
	return start_info_parse(&phys, INFO, &raw, &bi);
}

static void start_info_good(void **state)
{
	(void)state;
	start_info_make();
	assert_null(start_info());
	assert_int_equal(bi.n_mem, 6);
	assert_entry(1, 0x100000, 0x100000, BOOT_MEM_RAM);
	assert_entry(4, 0x400000, 0x2000, BOOT_MEM_LOADED);
	assert_int_equal(bi.archive, 0x400000);
	assert_int_equal(bi.archive_size, 0x1234);
	assert_int_equal(bi.rsdp, 0xf0000);
	assert_string_equal(bi.cmdline, "a=b c");
}

/* With one bad field at a time, each is refused by its own check. */
static void start_info_bad(void **state)
{
	static const struct {
		uint32_t at;
		uint64_t value;
		unsigned int size;
		const char *part;
	} bad[] = {
		{ INFO, 0, 4, "magic" },
		{ INFO + 4, 0, 4, "version 0" },
		{ INFO + 12, 2, 4, "more than one module" },
		{ INFO + 16, SIZE - 8, 8, "module list" },
		{ INFO + 16, UINT64_MAX - 4, 8, "module list" },
		{ INFO + 24, SIZE, 8, "command line" },
		{ INFO + 40, 0, 8, "no memory map" },
		{ INFO + 40, SIZE - 47, 8, "memory map" },
		{ INFO + 40, UINT64_MAX - 8, 8, "memory map" },
		{ INFO + 48, 0, 4, "no memory map" },
		{ INFO + 48, UINT32_MAX, 4, "memory map" },
		{ MODS, 0x400001, 8, "not page-aligned" },
		{ MODS, KERNEL_START, 8, "overlaps the kernel" },
		{ MODS, KERNEL_START - 0x1000, 8, "overlaps the kernel" },
		{ MODS, 1ull << 52, 8, "out of range" },
		{ MODS, 0, 8, "out of range" },
		{ MODS + 8, 0, 8, "empty" },
		{ MODS + 8, UINT64_MAX, 8, "out of range" },
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		const char *err;

		start_info_make();
		phys_put(&phys, bad[i].at, &bad[i].value, bad[i].size);
		err = start_info();
		if (!err || !strstr(err, bad[i].part))
			fail_msg("case %u: %s instead of %s", i, err ? err : "accepted",
				bad[i].part);
	}
}

static void start_info_at_the_edge(void **state)
{
	(void)state;
	start_info_make();
	bi.n_mem = 0;
	assert_non_null(start_info_parse(&phys, SIZE - 8, &raw, &bi));
	assert_non_null(start_info_parse(&phys, UINT64_MAX - 3, &raw, &bi));
	phys_put(&phys, SIZE - 40, (void *)(phys.base + INFO), 40);
	assert_non_null(start_info_parse(&phys, SIZE - 40, &raw, &bi));
}

static void start_info_module_ends_at_the_kernel(void **state)
{
	(void)state;
	start_info_make();
	phys_put64(&phys, MODS, KERNEL_START - 0x1000);
	phys_put64(&phys, MODS + 8, 0x1000);
	assert_null(start_info());
	phys_put64(&phys, MODS, KERNEL_END);
	assert_null(start_info());
}

static void cmdline_limits(void **state)
{
	(void)state;
	start_info_make();
	memset((uint8_t *)phys.base + CMDLINE, 'x', 1023);
	assert_null(start_info());
	assert_int_equal(strlen(bi.cmdline), 1023);
	memset((uint8_t *)phys.base + CMDLINE, 'x', 1024);
	assert_non_null(start_info());
	phys_put64(&phys, INFO + 24, SIZE - 16);
	memset((uint8_t *)phys.base + SIZE - 16, 'x', 16);
	assert_non_null(start_info());
}

/* --- Multiboot2 --------------------------------------------------------------------------- */

static uint32_t mb_at;

static void mb_tag(uint32_t type, const void *body, uint32_t size)
{
	phys_put32(&phys, mb_at, type);
	phys_put32(&phys, mb_at + 4, size + 8);
	phys_put(&phys, mb_at + 8, body, size);
	mb_at = (mb_at + 8 + size + 7) & ~7u;
}

static void mb_begin(void)
{
	memset((void *)phys.base, 0, SIZE);
	mb_at = INFO + 8;
}

static void mb_mmap(void)
{
	uint32_t body[2 + 12] = { 24, 0, 0, 0, 0x9f000, 0, 1, 0, 0x100000, 0, 0x1000000, 0, 1,
		0 };

	mb_tag(6, body, sizeof(body));
}

static const char *mb_parse(void)
{
	phys_put32(&phys, INFO, mb_at - INFO);
	bi = (struct boot_info){ .kernel_start = KERNEL_START, .kernel_end = KERNEL_END };
	return multiboot2_parse(&phys, INFO, &raw, &bi);
}

static void multiboot_good(void **state)
{
	uint32_t module[3] = { 0x400000, 0x401234, 0 };
	uint8_t rsdp[36] = { 1 };
	uint32_t new_rsdp;

	(void)state;
	mb_begin();
	mb_tag(1, "x y=z", 6);
	mb_tag(99, "unknown", 7);
	mb_mmap();
	mb_tag(3, module, sizeof(module));
	mb_tag(14, rsdp, 20);
	new_rsdp = mb_at + 8;
	mb_tag(15, rsdp, 36);
	mb_tag(14, rsdp, 20);
	mb_tag(0, "", 0);
	assert_null(mb_parse());
	assert_int_equal(bi.n_mem, 6);
	assert_entry(0, 0, 0x9f000, BOOT_MEM_RAM);
	assert_entry(4, 0x400000, 0x2000, BOOT_MEM_LOADED);
	assert_int_equal(bi.archive, 0x400000);
	assert_int_equal(bi.archive_size, 0x1234);
	assert_int_equal(bi.rsdp, new_rsdp);
	assert_string_equal(bi.cmdline, "x y=z");
}

static void assert_refused(const char *part)
{
	const char *err;

	mb_tag(0, "", 0);
	err = mb_parse();
	if (!err || !strstr(err, part))
		fail_msg("%s instead of %s", err ? err : "accepted", part);
}

static void multiboot_bad_tags(void **state)
{
	uint32_t backwards[3] = { 0x401000, 0x400000, 0 },
		 module[3] = { 0x400000, 0x401000, 0 };
	uint32_t small_step[2] = { 16, 0 };
	uint8_t rsdp[36] = { 0 };

	(void)state;
	mb_begin();
	assert_refused("no memory map");
	mb_begin();
	mb_tag(3, backwards, 12);
	assert_refused("ends before it starts");
	mb_begin();
	mb_tag(3, module, 4);
	assert_refused("module tag too short");
	mb_begin();
	mb_tag(3, module, 12);
	mb_tag(3, module, 12);
	assert_refused("more than one module");
	mb_begin();
	mb_tag(6, small_step, 8);
	assert_refused("entries too short");
	mb_begin();
	mb_tag(6, small_step, 4);
	assert_refused("memory map tag too short");
	mb_begin();
	mb_tag(15, rsdp, 20);
	assert_refused("RSDP tag too short");
	mb_begin();
	mb_tag(14, rsdp, 19);
	assert_refused("RSDP tag too short");
	mb_begin();
	mb_tag(1, "unterminated", 12);
	assert_refused("not terminated");
}

static void assert_says(const char *err, const char *part)
{
	if (!err || !strstr(err, part))
		fail_msg("%s instead of %s", err ? err : "accepted", part);
}

static void multiboot_bad_sizes(void **state)
{
	(void)state;
	mb_begin();
	mb_mmap();
	assert_says(mb_parse(), "no end tag");
	mb_tag(0, "", 0);
	assert_null(mb_parse());
	phys_put32(&phys, INFO + 12, 7); /* smaller than the head of a tag */
	assert_says(mb_parse(), "runs over");
	phys_put32(&phys, INFO + 12, UINT32_MAX);
	assert_says(mb_parse(), "runs over");
	phys_put32(&phys, INFO + 12, mb_at - INFO - 8 + 1); /* one byte beyond the end */
	assert_says(mb_parse(), "runs over");
	phys_put32(&phys, INFO, 4);
	assert_says(multiboot2_parse(&phys, INFO, &raw, &bi), "total size");
	phys_put32(&phys, INFO, SIZE - INFO + 8);
	assert_says(multiboot2_parse(&phys, INFO, &raw, &bi), "total size");
	assert_says(multiboot2_parse(&phys, INFO + 4, &raw, &bi), "out of reach");
	assert_says(multiboot2_parse(&phys, UINT64_MAX & ~7ull, &raw, &bi), "out of reach");
}

/* Bytes after a tag's last whole entry are not an entry. */
static void multiboot_cut_entry(void **state)
{
	uint32_t body[2 + 6 + 4] = { 24, 0, 0x100000, 0, 0x1000000, 0, 1, 0, 0x9000000, 0, 4096,
		0 };

	(void)state;
	mb_begin();
	mb_tag(6, body, sizeof(body));
	mb_tag(0, "", 0);
	assert_null(mb_parse());
	assert_int_equal(raw.n, 2); /* the other one is the kernel's image */
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(map_sorts_and_merges),
		T(map_reserved_wins),
		T(map_aligns_ram_inwards_and_the_rest_outwards),
		T(map_survives_wrapping_ranges),
		T(map_without_ram_is_refused),
		T(map_with_too_many_ranges),
		T(image_and_archive_are_no_ram),
		T(carve_splits_and_extends),
		T(carve_outside_ram_is_refused),
		T(carve_stops_when_the_table_is_full),
		T(start_info_good),
		T(start_info_bad),
		T(start_info_at_the_edge),
		T(start_info_module_ends_at_the_kernel),
		T(cmdline_limits),
		T(multiboot_good),
		T(multiboot_bad_tags),
		T(multiboot_bad_sizes),
		T(multiboot_cut_entry),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
