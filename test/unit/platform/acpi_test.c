/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * acpi_test.c - the table walk on good and damaged firmware
 *
 * A 64 KiB image is the physical memory at BASE; everything outside it is unreadable.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "acpi.h"
#include <sk/types.h>

#define BASE 0x7fe0000ull

enum {
	RSDP = 0,
	XSDT = 0x100,
	FADT = 0x400,
	MCFG = 0x800,
	DSDT = 0xc00,
	SSDT = 0x1000,
	SIZE = 0x10000
};

static uint8_t *image;
static unsigned int warnings;

static const uint8_t *map(void *ctx, uint64_t paddr, size_t len)
{
	uint8_t *copy;

	(void)ctx;
	assert_true(len <= ACPI_TABLE_MAX);
	if (paddr < BASE || len > SIZE || paddr - BASE > SIZE - len)
		return NULL;
	/* Copies of exact size, so that ASan sees every read beyond the requested bytes. */
	static void *kept[4096];
	static unsigned int n;

	free(kept[n % 4096]);
	copy = malloc(len);
	memcpy(copy, image + (paddr - BASE), len);
	kept[n++ % 4096] = copy;
	return copy;
}

static const struct acpi_mem mem = { map, NULL };

static void warn(const char *table, const char *what)
{
	(void)table;
	(void)what;
	warnings++;
}

static void put(unsigned int at, uint64_t v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		image[at + i] = (uint8_t)(v >> 8 * i);
}

static void seal(unsigned int at, unsigned int len, unsigned int where)
{
	uint8_t sum = 0;

	image[at + where] = 0;
	for (unsigned int i = 0; i < len; i++)
		sum = (uint8_t)(sum + image[at + i]);
	image[at + where] = (uint8_t)-sum;
}

static void table(unsigned int at, const char *sig, unsigned int len)
{
	memcpy(image + at, sig, 4);
	put(at + 4, len, 4);
	seal(at, len, 9);
}

static const uint8_t s5[] = { 0x08, '_', 'S', '5', '_', 0x12, 0x06, 0x04, 0x0a, 5, 0x01, 0, 0 };

static void build(void)
{
	memset(image, 0, SIZE);
	memcpy(image + RSDP, "RSD PTR ", 8);
	image[RSDP + 15] = 2;
	put(RSDP + 20, 36, 4);
	put(RSDP + 24, BASE + XSDT, 8);
	seal(RSDP, 20, 8);
	seal(RSDP, 36, 32);
	put(XSDT + 36, BASE + FADT, 8);
	put(XSDT + 44, BASE + MCFG, 8);
	put(XSDT + 52, BASE + SSDT, 8);
	table(XSDT, "XSDT", 60);
	put(FADT + 40, BASE + DSDT, 4);
	put(FADT + 64, 0x604, 4);
	put(FADT + 108, 0x32, 1);
	put(FADT + 112, 1 << 10, 4);
	put(FADT + 116, 1, 1);
	put(FADT + 120, 0xcf9, 8);
	put(FADT + 128, 0x0f, 1);
	table(FADT, "FACP", 132);
	put(MCFG + 44, 0xb0000000, 8);
	put(MCFG + 55, 255, 1);
	table(MCFG, "MCFG", 60);
	memcpy(image + DSDT + 40, s5, sizeof(s5));
	table(DSDT, "DSDT", 64);
	table(SSDT, "SSDT", 40);
}

static int setup(void **state)
{
	(void)state;
	image = malloc(SIZE);
	build();
	warnings = 0;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(image);
	return 0;
}

static struct acpi_facts parse(int expect)
{
	struct acpi_facts f;

	assert_int_equal(acpi_parse(&mem, BASE + RSDP, &f, warn), expect);
	return f;
}

static void good_tables(void **state)
{
	struct acpi_facts f = parse(0);

	(void)state;
	assert_int_equal(warnings, 0);
	assert_true(f.ecam && f.s5 && f.reset);
	assert_int_equal(f.ecam_base, 0xb0000000);
	assert_int_equal(f.bus_last, 255);
	assert_int_equal(f.pm1a_cnt, 0x604);
	assert_int_equal(f.s5_a, 5);
	assert_int_equal(f.s5_b, 1);
	assert_int_equal(f.reset_addr, 0xcf9);
	assert_int_equal(f.reset_value, 0x0f);
	assert_int_equal(f.century, 0x32);
}

static void no_rsdp(void **state)
{
	(void)state;
	image[RSDP] = 'X';
	parse(-SK_E_NOT_FOUND);
	build();
	image[RSDP + 8]++;
	parse(-SK_E_NOT_FOUND);
	seal(RSDP, 36, 32); /* now only the sum of the first part is wrong */
	parse(-SK_E_NOT_FOUND);
}

static void bad_checksum_skips_the_table(void **state)
{
	struct acpi_facts f;

	(void)state;
	image[MCFG + 9]++;
	f = parse(0);
	assert_false(f.ecam);
	assert_true(f.s5);
	assert_int_equal(warnings, 1);
}

static void impossible_lengths(void **state)
{
	static const uint32_t lengths[] = { 0, 35, ACPI_TABLE_MAX + 1, UINT32_MAX, SIZE };

	(void)state;
	for (unsigned int i = 0; i < sizeof(lengths) / sizeof(*lengths); i++) {
		build();
		warnings = 0;
		put(DSDT + 4, lengths[i], 4);
		assert_false(parse(0).s5);
		assert_int_equal(warnings, 1);
	}
}

static void short_fadt(void **state)
{
	(void)state;
	table(FADT, "FACP", 100);
	assert_int_equal(parse(0).pm1a_cnt, 0);
	assert_int_equal(warnings, 1);
}

static void fadt_without_reset_register(void **state)
{
	(void)state;
	table(FADT, "FACP", 128); /* the reset value at offset 128 lies outside */
	assert_false(parse(0).reset);
}

static void s5_forms(void **state)
{
	static const struct {
		uint8_t aml[14];
		bool found;
	} forms[] = {
		{ { 0x08, '\\', '_', 'S', '5', '_', 0x12, 6, 2, 0x0a, 7, 0x00 }, true },
		{ { 0x08, '_', 'S', '5', '_', 0x12, 0x40, 6, 2, 0x01, 0x01 }, true },
		{ { 0x10, '_', 'S', '5', '_', 0x12, 6, 2, 0x01, 0x01 }, false }, /* no NameOp */
		{ { 0x08, '_', 'S', '5', '_', 0x11, 6, 2, 0x01, 0x01 },
			false }, /* no package op */
		{ { 0x08, '_', 'S', '5', '_', 0x12, 6, 1, 0x01, 0x01 },
			false }, /* only one element */
		{ { 0x08, '_', 'S', '5', '_', 0x12, 6, 2, 0x0a, 8, 0x01 },
			false }, /* the value has more than 3 bits */
		{ { 0x08, '_', 'S', '5', '_', 0x12, 6, 2, 0x0c, 1, 0x01 },
			false }, /* DWordPrefix */
	};

	(void)state;
	for (unsigned int i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
		build();
		memset(image + DSDT + 40, 0, 24);
		memcpy(image + DSDT + 40, forms[i].aml, sizeof(forms[i].aml));
		table(DSDT, "DSDT", 64);
		assert_int_equal(parse(0).s5, forms[i].found);
	}
}

static void s5_cut_off_at_the_end(void **state)
{
	(void)state;
	for (unsigned int keep = 1; keep < 11; keep++) {
		build();
		memset(image + DSDT + 40, 0, 24);
		memcpy(image + DSDT + 40, s5, keep);
		table(DSDT, "DSDT", 40 + keep);
		assert_false(parse(0).s5);
	}
}

static void s5_in_an_ssdt(void **state)
{
	(void)state;
	memset(image + DSDT + 40, 0, 24);
	table(DSDT, "DSDT", 64);
	memcpy(image + SSDT + 37, s5, sizeof(s5));
	table(SSDT, "SSDT", 64);
	assert_true(parse(0).s5);
}

static void mcfg_entries(void **state)
{
	(void)state;
	put(MCFG + 44, 0xb0001000, 8); /* misaligned */
	table(MCFG, "MCFG", 60);
	assert_false(parse(0).ecam);
	assert_int_equal(warnings, 1);
	build();
	put(MCFG + 54, 9, 1);
	put(MCFG + 55, 8, 1); /* the last bus is before the first */
	table(MCFG, "MCFG", 60);
	assert_false(parse(0).ecam);
	build();
	table(MCFG, "MCFG", 59); /* the entry is cut off */
	assert_false(parse(0).ecam);
}

static void impossible_facts(void **state)
{
	(void)state;
	put(MCFG + 52, 1, 2); /* an entry of another segment */
	table(MCFG, "MCFG", 60);
	assert_false(parse(0).ecam);
	build();
	put(FADT + 64, 0x10604, 4); /* port beyond the last */
	put(FADT + 108, 0x90, 1);   /* register beyond the CMOS */
	put(FADT + 112, 0, 4);      /* without an address there is no reset register */
	table(FADT, "FACP", 132);
	assert_int_equal(parse(0).pm1a_cnt, 0);
	assert_int_equal(parse(0).century, 0);
	assert_false(parse(0).reset);
	build();
	table(DSDT, "DSDX", 64);
	assert_false(parse(0).s5);
	assert_int_equal(warnings, 1);
	build();
	image[RSDP + 33]++; /* breaks the checksum of the extended part */
	parse(-SK_E_NOT_FOUND);
}

/* Newer tables also have the ports as generic addresses. */
static void ports_by_generic_address(void **state)
{
	(void)state;
	put(FADT + 64, 0, 4);
	table(FADT, "FACP", 132); /* this table is too short for them */
	assert_int_equal(parse(0).pm1a_cnt, 0);
	put(FADT + 172, 1, 1);
	put(FADT + 176, 0x1804, 8);
	table(FADT, "FACP", 244);
	assert_int_equal(parse(0).pm1a_cnt, 0x1804);
	put(FADT + 172, 0, 1); /* memory space, not ports */
	table(FADT, "FACP", 244);
	assert_int_equal(parse(0).pm1a_cnt, 0);
}

static void many_tables(void **state)
{
	enum { LONG = 0x4000 };

	(void)state;
	for (unsigned int last = ACPI_TABLES_MAX; last <= ACPI_TABLES_MAX + 1; last++) {
		for (unsigned int i = 0; i < last; i++)
			put(LONG + 36 + 8 * i, BASE + (i + 1 < last ? SSDT : MCFG), 8);
		table(LONG, "XSDT", 36 + 8 * last);
		put(RSDP + 24, BASE + LONG, 8);
		seal(RSDP, 36, 32);
		warnings = 0;
		assert_int_equal(parse(0).ecam, last == ACPI_TABLES_MAX);
		assert_int_equal(warnings, last != ACPI_TABLES_MAX);
	}
}

static void tables_outside_memory(void **state)
{
	(void)state;
	put(XSDT + 44, UINT64_MAX - 4, 8);
	table(XSDT, "XSDT", 60);
	assert_false(parse(0).ecam);
	assert_int_equal(warnings, 1);
}

static void rsdt_when_there_is_no_xsdt(void **state)
{
	(void)state;
	put(RSDP + 16, BASE + 0x2000, 4);
	put(RSDP + 24, 0, 8);
	seal(RSDP, 20, 8);
	seal(RSDP, 36, 32);
	put(0x2000 + 36, BASE + FADT, 4);
	table(0x2000, "RSDT", 40);
	assert_true(parse(0).s5);
	assert_false(parse(0).ecam);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(good_tables),
		CASE(no_rsdp),
		CASE(bad_checksum_skips_the_table),
		CASE(impossible_lengths),
		CASE(short_fadt),
		CASE(fadt_without_reset_register),
		CASE(s5_forms),
		CASE(s5_cut_off_at_the_end),
		CASE(s5_in_an_ssdt),
		CASE(mcfg_entries),
		CASE(impossible_facts),
		CASE(ports_by_generic_address),
		CASE(many_tables),
		CASE(tables_outside_memory),
		CASE(rsdt_when_there_is_no_xsdt),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
