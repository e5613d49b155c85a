/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot_info_test.c - hvm_start_info and ACPI tables, read as a guest reads them; iasl reads the
 * AML if it is installed
 */
#define _GNU_SOURCE
#include "load/acpi.h"
#include "load/start_info.h"
#include "proto/vmctl.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <xen/xen.h>
#include <xen/arch-x86/hvm/start_info.h>

enum { GPA = 0x5000000, ACPI_SIZE = VM_ACPI_PAGES * SK_PAGE_SIZE };

static uint8_t buf[ACPI_SIZE];

static const void *at(uint64_t gpa, uint64_t base, size_t len)
{
	assert_true(
		gpa >= base && gpa - base <= sizeof(buf) && len <= sizeof(buf) - (gpa - base));
	return buf + (gpa - base);
}

static void start_info(void **state)
{
	struct guest_range map[VM_MAP_MAX];
	uint32_t n = map_make(0x40000000, 0x8000000, map), i;
	struct start_info_module m = { 0x6000000, 12345, "" };
	struct start_info_args a = { GPA, "root=/dev/xvda quiet", &m, 1, 0xfc000000, map, n };
	const struct hvm_start_info *si = (const void *)buf;
	const struct hvm_modlist_entry *mod;
	const struct hvm_memmap_table_entry *e;

	(void)state;
	assert_true(start_info_make(buf, sizeof(buf), &a) > 0);
	assert_int_equal(si->magic, 0x336ec578);
	assert_int_equal(si->version, 1);
	assert_int_equal(si->nr_modules, 1);
	assert_int_equal(si->rsdp_paddr, 0xfc000000);
	mod = at(si->modlist_paddr, GPA, sizeof(*mod));
	assert_int_equal(mod->paddr, 0x6000000);
	assert_int_equal(mod->size, 12345);
	assert_int_equal(mod->cmdline_paddr, 0);
	assert_string_equal(at(si->cmdline_paddr, GPA, 32), "root=/dev/xvda quiet");
	assert_int_equal(si->memmap_entries, 5);
	e = at(si->memmap_paddr, GPA, 5 * sizeof(*e));
	for (i = 0; i < 5; i++) {
		assert_int_equal(e[i].addr, map[i].addr);
		assert_int_equal(e[i].type, map[i].type);
		assert_int_equal(e[i].reserved, 0);
		assert_true(!i || e[i].addr >= e[i - 1].addr + e[i - 1].size);
	}
	assert_int_equal(e[0].size, 0x40000000);
	assert_int_equal(e[4].addr, 0x100000000);
	a.n_modules = 0;
	assert_true(start_info_make(buf, sizeof(buf), &a) > 0);
	assert_int_equal(si->nr_modules, 0);
	assert_int_equal(si->modlist_paddr, 0);
}

static void start_info_modules(void **state)
{
	struct guest_range map[VM_MAP_MAX];
	struct start_info_module m[VM_MODULES_MAX];
	struct start_info_args a = { GPA, "x", m, VM_MODULES_MAX, 0, map,
		map_make(0x100000, 0, map) };
	const struct hvm_start_info *si = (const void *)buf;
	const struct hvm_modlist_entry *e;
	char args[VM_MODULES_MAX][VM_MODULE_ARGS_MAX];
	uint32_t i;

	(void)state;
	for (i = 0; i < VM_MODULES_MAX; i++) {
		snprintf(args[i], sizeof(args[i]), "module number %u", i);
		m[i] = (struct start_info_module){ 0x2000000 + i * SK_PAGE_SIZE, i,
			i == 3 ? "" : args[i] };
	}
	memset(buf, 0xee, sizeof(buf));
	assert_true(start_info_make(buf, sizeof(buf), &a) > 0);
	assert_int_equal(si->nr_modules, VM_MODULES_MAX);
	e = at(si->modlist_paddr, GPA, VM_MODULES_MAX * sizeof(*e));
	for (i = 0; i < VM_MODULES_MAX; i++) {
		assert_int_equal(e[i].paddr, 0x2000000 + i * SK_PAGE_SIZE);
		assert_int_equal(e[i].size, i); /* an empty file is a module, too */
		assert_int_equal(e[i].reserved, 0);
		if (i == 3)
			assert_int_equal(e[i].cmdline_paddr, 0);
		else
			assert_string_equal(at(e[i].cmdline_paddr, GPA, 32), args[i]);
	}
	assert_string_equal(at(si->cmdline_paddr, GPA, 2), "x");
}

static void start_info_too_small(void **state)
{
	struct guest_range map[VM_MAP_MAX];
	struct start_info_module m[2] = { { 0, 1, "one" }, { 2, 3, "two" } };
	struct start_info_args a = { GPA, "x", m, 2, 0, map, map_make(0x100000, 0, map) };
	int64_t need = start_info_make(buf, sizeof(buf), &a);
	int64_t i;

	(void)state;
	for (i = 0; i < need; i++) {
		uint8_t *small = malloc((size_t)i ? (size_t)i : 1);

		assert_int_equal(start_info_make(small, (size_t)i, &a), -SK_E_RANGE);
		free(small);
	}
}

static uint8_t sum(const uint8_t *p, size_t n)
{
	uint8_t s = 0;

	while (n--)
		s = (uint8_t)(s + *p++);
	return s;
}

static uint64_t le(const uint8_t *p, int n)
{
	uint64_t v = 0;

	memcpy(&v, p, (size_t)n);
	return v;
}

static const uint8_t *table(uint64_t gpa, const char *signature)
{
	const uint8_t *t = at(gpa, VM_ACPI_GPA, 36);
	uint32_t length = (uint32_t)le(t + 4, 4);

	at(gpa, VM_ACPI_GPA, length);
	assert_memory_equal(t, signature, 4);
	assert_int_equal(sum(t, length), 0);
	return t;
}

static void acpi_tables(void **state)
{
	uint32_t n, i;

	(void)state;
	for (n = 1; n <= VM_VCPUS_MAX; n++) {
		const uint8_t *xsdt, *fadt, *madt;

		memset(buf, 0xcc, sizeof(buf));
		assert_true(acpi_make(buf, sizeof(buf), VM_ACPI_GPA, n) > 0);
		assert_memory_equal(buf, "RSD PTR ", 8);
		assert_int_equal(buf[15], 2);
		assert_int_equal(sum(buf, 20), 0);
		assert_int_equal(sum(buf, 36), 0);
		xsdt = table(le(buf + 24, 8), "XSDT");
		assert_int_equal(le(xsdt + 4, 4), 36 + 16);
		fadt = table(le(xsdt + 36, 8), "FACP");
		assert_int_equal(le(fadt + 4, 4), 268);
		assert_true(le(fadt + 112, 4) & 1 << 20); /* reduced hardware */
		assert_int_equal(le(fadt + 120, 8), ACPI_RESET_PORT);
		assert_int_equal(fadt[128], ACPI_RESET_VALUE);
		assert_int_equal(le(fadt + 248, 8), ACPI_SLEEP_PORT);
		assert_int_equal(le(fadt + 260, 8), ACPI_SLEEP_PORT + 1);
		table(le(fadt + 40, 4), "DSDT");
		assert_int_equal(le(fadt + 140, 8), le(fadt + 40, 4));
		madt = table(le(xsdt + 44, 8), "APIC");
		assert_int_equal(le(madt + 4, 4), 44 + 8 * n);
		assert_int_equal(le(madt + 36, 4), 0xfee00000);
		for (i = 0; i < n; i++) {
			assert_int_equal(madt[44 + 8 * i], 0);
			assert_int_equal(madt[44 + 8 * i + 2], i);
			assert_int_equal(madt[44 + 8 * i + 3], 2 * i);
			assert_int_equal(madt[44 + 8 * i + 4], 1);
		}
	}
}

static void acpi_too_small(void **state)
{
	int64_t need = acpi_make(buf, sizeof(buf), VM_ACPI_GPA, VM_VCPUS_MAX), i;

	(void)state;
	for (i = 0; i < need; i++) {
		uint8_t *small = malloc((size_t)i ? (size_t)i : 1);

		assert_int_equal(
			acpi_make(small, (size_t)i, VM_ACPI_GPA, VM_VCPUS_MAX), -SK_E_RANGE);
		free(small);
	}
}

/*
 * The reference implementation's disassembler accepts the tables, and finds our processors.
 */
static void acpi_iasl(void **state)
{
	char dir[] = "/tmp/sk-acpi-XXXXXX", command[256], line[256];
	const uint8_t *xsdt, *dsdt;
	int n = 0, s5 = 0;
	FILE *f;

	(void)state;
	if (system("command -v iasl >/dev/null"))
		skip();
	assert_non_null(mkdtemp(dir));
	assert_true(acpi_make(buf, sizeof(buf), VM_ACPI_GPA, 4) > 0);
	xsdt = table(le(buf + 24, 8), "XSDT");
	dsdt = table(le(table(le(xsdt + 36, 8), "FACP") + 40, 4), "DSDT");
	snprintf(command, sizeof(command), "%s/dsdt.aml", dir);
	f = fopen(command, "wb");
	fwrite(dsdt, 1, le(dsdt + 4, 4), f);
	fclose(f);
	snprintf(command, sizeof(command),
		"cd %s && iasl -d dsdt.aml >out 2>&1 && iasl -tc dsdt.dsl >out 2>&1", dir);
	assert_int_equal(system(command), 0);
	snprintf(command, sizeof(command), "%s/dsdt.dsl", dir);
	f = fopen(command, "r");
	while (fgets(line, sizeof(line), f)) {
		n += strstr(line, "\"ACPI0007\"") != NULL;
		s5 += strstr(line, "Name (\\_S5") != NULL;
	}
	fclose(f);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	assert_int_equal(system(command), 0);
	assert_int_equal(n, 4);
	assert_int_equal(s5, 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(start_info),
		cmocka_unit_test(start_info_modules),
		cmocka_unit_test(start_info_too_small),
		cmocka_unit_test(acpi_tables),
		cmocka_unit_test(acpi_too_small),
		cmocka_unit_test(acpi_iasl),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
