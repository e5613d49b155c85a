/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * madt_test.c - finding and reading the MADT in good and damaged tables
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "madt.h"
#include "phys.h"

enum {
	SIZE = 0x100000,
	RSDP = 0xe0010,
	RSDT = 0x2000,
	XSDT = 0x2800,
	MADT = 0x3000,
	HEADER = 36
};
static struct boot_phys phys;
static struct madt madt;
static uint32_t madt_size;

static uint8_t *at(uint64_t paddr) { return (uint8_t *)phys.base + paddr; }

static void fix_sum(uint64_t table, uint32_t size, uint32_t sum_at)
{
	uint8_t sum = 0;

	at(table)[sum_at] = 0;
	for (uint32_t i = 0; i < size; i++)
		sum = (uint8_t)(sum + at(table)[i]);
	at(table)[sum_at] = (uint8_t)-sum;
}

static void put_table(uint64_t where, const char *sig, uint32_t size)
{
	phys_put(&phys, where, sig, 4);
	phys_put32(&phys, where + 4, size);
	fix_sum(where, size, 9);
}

static void put_rsdp(unsigned int revision)
{
	phys_put(&phys, RSDP, "RSD PTR ", 8);
	at(RSDP)[15] = (uint8_t)revision;
	phys_put32(&phys, RSDP + 16, RSDT);
	phys_put64(&phys, RSDP + 24, XSDT);
	fix_sum(RSDP, 20, 8);
	fix_sum(RSDP, 36, 32);
}

static void entry(const uint8_t *e)
{
	phys_put(&phys, MADT + madt_size, e, e[1]);
	madt_size += e[1];
}

static int setup(void **state)
{
	static const uint8_t cpu0[] = { 0, 8, 0, 4, 1, 0, 0, 0 },
			     off[] = { 0, 8, 1, 5, 0, 0, 0, 0 };
	static const uint8_t x2[] = { 9, 16, 0, 0, 0x00, 1, 0, 0, 1, 0, 0, 0, 2, 0, 0, 0 };
	static const uint8_t ioapic[] = { 1, 12, 9, 0, 0, 0, 0xc0, 0xfe, 24, 0, 0, 0 };
	static const uint8_t override[] = { 2, 10, 0, 9, 20, 0, 0, 0, 0x0f, 0 };
	static const uint8_t nmi[] = { 4, 6, 0xff, 0, 0, 1 };

	(void)state;
	phys = phys_make(SIZE);
	madt_size = HEADER + 8;
	phys_put32(&phys, MADT + HEADER, 0xfee00000);
	entry(cpu0);
	entry(off);
	entry(cpu0);
	entry(x2);
	entry(ioapic);
	entry(override);
	entry(nmi);
	put_table(MADT, "APIC", madt_size);
	phys_put32(&phys, RSDT + HEADER, 0x7fffffff);
	phys_put32(&phys, RSDT + HEADER + 4, MADT);
	put_table(RSDT, "RSDT", HEADER + 8);
	phys_put64(&phys, XSDT + HEADER, UINT64_MAX - 7);
	phys_put64(&phys, XSDT + HEADER + 8, MADT);
	put_table(XSDT, "XSDT", HEADER + 16);
	put_rsdp(2);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phys_free(&phys);
	return 0;
}

static uint64_t found(void)
{
	uint64_t paddr = 0;

	return acpi_find(&phys, RSDP, "APIC", &paddr) ? 0 : paddr;
}

static void finds_through_both_roots(void **state)
{
	(void)state;
	assert_int_equal(found(), MADT);
	put_rsdp(0);
	assert_int_equal(found(), MADT);
	put_rsdp(2);
	at(RSDP)[33] ^= 1; /* the extended checksum is wrong, so the old root is used */
	at(XSDT)[9] ^= 1;
	assert_int_equal(found(), MADT);
}

static void refuses_damaged_roots(void **state)
{
	uint64_t paddr;

	(void)state;
	at(XSDT)[9] ^= 1;
	assert_non_null(acpi_find(&phys, RSDP, "APIC", &paddr));
	at(XSDT)[9] ^= 1;
	put_table(XSDT, "XSDT", 35);
	assert_non_null(acpi_find(&phys, RSDP, "APIC", &paddr));
	phys_put32(&phys, XSDT + 4, UINT32_MAX);
	assert_non_null(acpi_find(&phys, RSDP, "APIC", &paddr));
	put_table(XSDT, "XSDT", HEADER + 8 + 7); /* the last entry is cut */
	assert_non_null(acpi_find(&phys, RSDP, "APIC", &paddr));
	phys_put64(&phys, RSDP + 24, SIZE - 20);
	fix_sum(RSDP, 36, 32);
	assert_non_null(acpi_find(&phys, RSDP, "APIC", &paddr));
	at(RSDP)[0] = 'X';
	assert_non_null(acpi_find(&phys, RSDP, "APIC", &paddr));
	assert_non_null(acpi_find(&phys, SIZE - 10, "APIC", &paddr));
	assert_non_null(acpi_find(&phys, UINT64_MAX - 2, "APIC", &paddr));
}

static void reads_every_kind_of_entry(void **state)
{
	(void)state;
	assert_null(madt_parse(&phys, MADT, &madt));
	assert_int_equal(madt.lapic, 0xfee00000);
	assert_int_equal(madt.n_cpus, 2); /* disabled and duplicate CPUs do not count */
	assert_int_equal(madt.apic_id[0], 4);
	assert_int_equal(madt.apic_id[1], 256);
	assert_int_equal(madt.n_ioapics, 1);
	assert_int_equal(madt.ioapic[0].paddr, 0xfec00000);
	assert_int_equal(madt.ioapic[0].gsi, 24);
	assert_int_equal(madt.ioapic[0].id, 9);
	assert_int_equal(madt.n_overrides, 1);
	assert_int_equal(madt.override[0].gsi, 20);
	assert_int_equal(madt.override[0].flags & MADT_TRIGGER, MADT_LEVEL);
	assert_int_equal(madt.override[0].flags & MADT_POLARITY, MADT_LOW);
}

static void assert_says(const char *err, const char *part)
{
	if (!err || !strstr(err, part))
		fail_msg("%s instead of %s", err ? err : "accepted", part);
}

static void refuses_damaged_madt(void **state)
{
	(void)state;
	at(MADT + HEADER)[0] ^= 1; /* checksum */
	assert_says(madt_parse(&phys, MADT, &madt), "damaged");
	at(MADT + HEADER)[0] ^= 1;
	put_table(MADT, "APIC", HEADER + 7);
	assert_says(madt_parse(&phys, MADT, &madt), "damaged");
	at(MADT + HEADER + 9)[0] = 0; /* an entry of length 0 would loop endlessly */
	put_table(MADT, "APIC", madt_size);
	assert_says(madt_parse(&phys, MADT, &madt), "runs over");
	put_table(MADT, "APIC", HEADER + 8);
	assert_says(madt_parse(&phys, MADT, &madt), "no CPU");
	assert_says(madt_parse(&phys, SIZE - 4, &madt), "out of reach");
}

/* At the very end of memory, where ASan sees a read of one byte too many. */
static void tables_at_the_end_of_memory(void **state)
{
	uint64_t where = SIZE - madt_size;

	(void)state;
	memmove(at(where), at(MADT), madt_size);
	assert_null(madt_parse(&phys, where, &madt));
	phys_put32(&phys, where + 4, madt_size + 8);
	assert_says(madt_parse(&phys, where, &madt), "out of reach");
	where++;
	memmove(at(where), at(MADT), madt_size - 1);
	put_table(where, "APIC", madt_size - 1); /* the last entry is cut */
	assert_says(madt_parse(&phys, where, &madt), "runs over");
}

static void short_entries_are_skipped(void **state)
{
	static const uint8_t cpu[] = { 0, 7, 0, 9, 1, 0, 0 }, io[] = { 1, 4, 0, 0 },
			     over[] = { 2, 9, 0, 9, 0, 0, 0, 0, 0 };

	(void)state;
	entry(cpu);
	entry(io);
	entry(over);
	put_table(MADT, "APIC", madt_size);
	assert_null(madt_parse(&phys, MADT, &madt));
	assert_int_equal(madt.n_cpus, 2);
	assert_int_equal(madt.n_ioapics, 1);
	assert_int_equal(madt.n_overrides, 1);
}

static void more_than_fits_is_ignored(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 200; i++) {
		uint8_t cpu[] = { 0, 8, 0, (uint8_t)i, 1, 0, 0, 0 };
		uint8_t io[] = { 1, 12, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0 },
			over[] = { 2, 10, 0, 0, 0, 0, 0, 0, 0, 0 };

		entry(cpu);
		entry(io);
		entry(over);
	}
	put_table(MADT, "APIC", madt_size);
	assert_null(madt_parse(&phys, MADT, &madt));
	assert_int_equal(madt.n_cpus, MADT_CPUS);
	assert_int_equal(madt.n_ioapics, MADT_IOAPICS);
	assert_int_equal(madt.n_overrides, MADT_OVERRIDES);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
	const struct CMUnitTest tests[] = {
		T(finds_through_both_roots),
		T(refuses_damaged_roots),
		T(reads_every_kind_of_entry),
		T(refuses_damaged_madt),
		T(tables_at_the_end_of_memory),
		T(short_entries_are_skipped),
		T(more_than_fits_is_ignored),
	};
#undef T

	return cmocka_run_group_tests(tests, NULL, NULL);
}
