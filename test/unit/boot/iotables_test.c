/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iotables_test.c - reading DMAR and IVRS in good and damaged tables, and which unit has a
 * device
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "iotables.h"
#include "phys.h"

enum { SIZE = 0x10000, TABLE = 0x3000, FIRST = 48 };
static struct boot_phys phys;
static struct io_tables tables;
static uint32_t table_size;

static void table_end(void)
{
	uint8_t *t = (uint8_t *)phys.base + TABLE, sum = 0;

	phys_put32(&phys, TABLE + 4, table_size);
	t[9] = 0;
	for (uint32_t i = 0; i < table_size; i++)
		sum = (uint8_t)(sum + t[i]);
	t[9] = (uint8_t)-sum;
}

static void put(const uint8_t *bytes, uint32_t n)
{
	phys_put(&phys, TABLE + table_size, bytes, n);
	table_size += n;
}
#define PUT(...) put((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static int setup(void **state)
{
	(void)state;
	phys = phys_make(SIZE);
	table_size = FIRST;
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	phys_free(&phys);
	return 0;
}

/* The bridge 00:1c.0 leads to buses 3 to 5, and 03:00.0 to bus 4. */
static uint8_t config(uint16_t rid, uint8_t offset)
{
	if (rid == 0xe0)
		return offset == 0x19 ? 3 : 5;
	if (rid == 0x300)
		return 4;
	return 0;
}

static const char *parse(void)
{
	table_end();
	return dmar_parse(&phys, TABLE, config, &tables);
}

static int unit(uint32_t rid) { return io_unit_of(&tables, &rid); }

/* Two units of segment 0, of which the second has all others, and one of segment 1. */
static void units(void)
{
	PUT(0, 0, 32, 0, 0, 0, 0, 0, 0, 0x00, 0xd9, 0xfe, 0, 0, 0, 0, /* a unit for */
		1, 8, 0, 0, 0, 0, 2, 0,                               /* 00:02.0 and */
		1, 8, 0, 0, 7, 1, 31, 7);                             /* 01:1f.7 */
	PUT(0, 0, 24, 0, 1, 0, 0, 0, 0, 0x10, 0xd9, 0xfe, 0, 0, 0, 0, /* for all others */
		3, 8, 0, 0, 2, 0xf0, 31, 7);                          /* and an IO-APIC */
	PUT(0, 0, 16, 0, 1, 0, 1, 0, 0, 0x20, 0xd9, 0xfe, 1, 0, 0, 0);
}

static void finds_the_unit_of_a_device(void **state)
{
	(void)state;
	units();
	assert_null(parse());
	assert_int_equal(tables.n_units, 3);
	assert_int_equal(tables.unit[0].paddr, 0xfed90000);
	assert_int_equal(tables.unit[2].paddr, 0x1fed92000);
	assert_false(tables.amd);
	assert_int_equal(unit(0x0010), 0);
	assert_int_equal(unit(0x01ff), 0);
	assert_int_equal(unit(0x0011), 1);
	assert_int_equal(unit(0xf0ff), 1);
	assert_int_equal(unit(0x10010), 2);
	assert_int_equal(unit(0x20010), -1);
	/* the IO-APIC, by its number */
	assert_int_equal(tables.n_ioapics, 1);
	assert_int_equal(io_ioapic_rid(&tables, 2), 0xf0ff);
	assert_int_equal(io_ioapic_rid(&tables, 1), IO_NO_ALIAS);
	assert_false(tables.remaps);
	((uint8_t *)phys.base)[TABLE + 37] = 2;
	assert_null(parse());
	assert_false(tables.remaps);
	((uint8_t *)phys.base)[TABLE + 37] = 3;
	assert_null(parse());
	assert_true(tables.remaps);
}

/* A way through two bridges, and all that is behind a bridge. */
static void follows_bridges(void **state)
{
	(void)state;
	PUT(0, 0, 36, 0, 0, 0, 0, 0, 0, 0x00, 0xd9, 0xfe, 0, 0, 0, 0, /* a unit for */
		1, 12, 0, 0, 0, 0, 0x1c, 0, 0, 0, 2, 1,               /* 04:02.1 and */
		2, 8, 0, 0, 0, 0, 0x1c, 0);                           /* 00:1c.0 to bus 5 */
	assert_null(parse());
	assert_int_equal(tables.n_scopes, 3);
	assert_int_equal(tables.scope[0].first, 0x411);
	assert_int_equal(tables.scope[0].last, 0x411);
	assert_int_equal(unit(0x00e0), 0);
	assert_int_equal(unit(0x0300), 0);
	assert_int_equal(unit(0x05ff), 0);
	assert_int_equal(unit(0x02ff), -1);
	assert_int_equal(unit(0x0600), -1);
	/* buses that no bridge has */
	table_size = FIRST;
	PUT(0, 0, 24, 0, 0, 0, 0, 0, 0, 0x00, 0xd9, 0xfe, 0, 0, 0, 0, 2, 8, 0, 0, 0, 0, 1, 0);
	assert_null(parse());
	assert_int_equal(tables.n_scopes, 1);
}

static void knows_reserved_memory(void **state)
{
	(void)state;
	units();
	PUT(1, 0, 32, 0, 0, 0, 0, 0, 0, 0x10, 0, 0x7f, 0, 0, 0, 0, 0xff, 0x1f, 0, 0x7f, 0, 0, 0,
		0, 1, 8, 0, 0, 0, 0, 0x14, 0);
	assert_null(parse());
	assert_true(io_reserved(&tables, 0xa0));
	assert_false(io_reserved(&tables, 0xa1));
	assert_false(io_reserved(&tables, 0x100a0));
	assert_int_equal(unit(0xa0), 1);
}

static void refuses_damage(void **state)
{
	(void)state;
	assert_non_null(dmar_parse(&phys, SIZE, config, &tables));
	units();
	table_end();
	((uint8_t *)phys.base)[TABLE + 60] ^= 1;
	assert_non_null(dmar_parse(&phys, TABLE, config, &tables));
	((uint8_t *)phys.base)[TABLE + 60] ^= 1;
	assert_null(dmar_parse(&phys, TABLE, config, &tables));
	table_size--; /* the last entry is cut */
	assert_non_null(parse());
	table_size = FIRST + 1;
	assert_non_null(parse());
	table_size = FIRST - 1;
	assert_non_null(parse());
	table_size = FIRST;
	PUT(5, 0, 3, 0); /* an entry shorter than its head */
	assert_non_null(parse());
	table_size = FIRST; /* a device that reaches beyond its unit, or has no length */
	PUT(0, 0, 24, 0, 0, 0, 0, 0, 0, 0, 0xd9, 0xfe, 0, 0, 0, 0, 1, 9, 0, 0, 0, 0, 2, 0);
	PUT(9, 0, 4, 0);
	assert_non_null(parse());
	phys_put(&phys, TABLE + FIRST + 17, "", 1);
	assert_non_null(parse());
	table_size = FIRST; /* registers at no page */
	PUT(0, 0, 16, 0, 0, 0, 0, 0, 8, 0, 0xd9, 0xfe, 0, 0, 0, 0);
	assert_non_null(parse());
	table_size = FIRST;
	for (unsigned int i = 0; i <= IO_UNITS; i++)
		PUT(0, 0, 16, 0, 0, 0, 0, 0, 0, (uint8_t)(i * 16), 0xd9, 0xfe, 0, 0, 0, 0);
	assert_non_null(parse());
}

/* Devices for which there is no room belong to the unit for all others. */
static void bounds_devices(void **state)
{
	(void)state;
	PUT(0, 0, 16, 0, 1, 0, 0, 0, 0, 0x00, 0xd9, 0xfe, 0, 0, 0, 0);
	for (unsigned int i = 0; i < IO_SCOPES + 8; i++)
		PUT(0, 0, 24, 0, 0, 0, 0, 0, 0, 0x10, 0xd9, 0xfe, 0, 0, 0, 0, 1, 8, 0, 0, 0,
			(uint8_t)i, (uint8_t)(i >> 8), 0);
	assert_non_null(parse()); /* too many units */
	assert_true(tables.n_scopes <= IO_SCOPES);
	table_size = FIRST;
	PUT(0, 0, 16, 0, 1, 0, 0, 0, 0, 0x00, 0xd9, 0xfe, 0, 0, 0, 0);
	for (unsigned int i = 0; i < IO_SCOPES + 8; i++)
		PUT(1, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1,
			8, 0, 0, 0, (uint8_t)i, (uint8_t)(i >> 8), 0);
	assert_null(parse());
	assert_int_equal(tables.n_scopes, IO_SCOPES);
	/*
	 * IO-APICs; what says so of the firmware's own memory is none, and the first entry
	 * counts
	 */
	assert_int_equal(tables.n_ioapics, 0);
	table_size = FIRST;
	PUT(1, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 3, 8, 0, 0,
		3, 0, 1, 0);
	PUT(0, 0, 24, 0, 1, 0, 0, 0, 0, 0x00, 0xd9, 0xfe, 0, 0, 0, 0, 3, 8, 0, 0, 3, 0, 2, 0);
	PUT(0, 0, 24, 0, 1, 0, 0, 0, 0, 0x10, 0xd9, 0xfe, 0, 0, 0, 0, 3, 8, 0, 0, 3, 0, 4, 0);
	assert_null(parse());
	assert_int_equal(io_ioapic_rid(&tables, 3), 0x10);
	assert_int_equal(tables.n_ioapics, 1);
	table_size = FIRST;
	PUT(0, 0, 0, 0, 1, 0, 0, 0, 0, 0x00, 0xd9, 0xfe, 0, 0, 0, 0);
	phys_put(&phys, TABLE + FIRST + 2, (const uint8_t[]){ (16 + 8 * 31) & 0xff, 1 }, 2);
	for (unsigned int i = 0; i < 31; i++)
		PUT(3, 8, 0, 0, (uint8_t)i, 0, (uint8_t)i, 0);
	assert_null(parse());
	assert_int_equal(tables.n_ioapics, IO_IOAPICS);
}

/* --- IVRS --------------------------------------------------------------------------------- */

static const char *parse_amd(void)
{
	table_end();
	return ivrs_parse(&phys, TABLE, &tables);
}

/* A unit at 00:00.2, its capability at 0x40. */
#define IVHD(type, size, where) \
	type, 0, size, 0, 2, 0, 0x40, 0, 0, where, 0xd8, 0xfe, 0, 0, 0, 0

static uint32_t marked(uint32_t rid)
{
	assert_true(io_unit_of(&tables, &rid) >= 0);
	return rid;
}

static void finds_amd_devices(void **state)
{
	(void)state;
	PUT(IVHD(0x10, 24 + 5 * 4 + 3 * 8, 0), 0, 0, 0, 0, 0, 0, 0, 0, /* a unit for */
		2, 0x10, 0, 0,                                         /* 00:02.0, */
		0, 0, 0, 0, 3, 0, 1, 0, 4, 0xff, 2, 0,                 /* buses 1 and 2, */
		0x42, 8, 3, 0, 0, 0, 4, 0,                             /* 03:01.0 as 04:00.0 */
		0x43, 0, 5, 0, 0, 0x10, 5, 0,                 /* and bus 5 as 05:02.0 */
		4, 0xff, 5, 0, 0x48, 0, 0, 0, 0, 0xa0, 0, 1); /* and an IO-APIC */
	PUT(IVHD(0x11, 44, 0x40), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 2, 0, 9, 0);
	assert_null(parse_amd());
	assert_true(tables.amd);
	assert_int_equal(tables.n_units, 2);
	assert_int_equal(tables.unit[0].paddr, 0xfed80000);
	assert_int_equal(tables.unit[0].rid, 2);
	assert_int_equal(tables.unit[0].cap, 0x40);
	assert_int_equal(unit(0x10), 0);
	assert_int_equal(unit(0x11), -1);
	assert_int_equal(unit(0x100), 0);
	assert_int_equal(unit(0x2ff), 0);
	assert_int_equal(unit(0x300), -1);
	assert_int_equal(marked(0x1ff), 0x1ff);
	assert_int_equal(marked(0x308), 0x400);
	assert_int_equal(marked(0x5ff), 0x510);
	assert_int_equal(unit(0x900), 1);
	assert_true(tables.remaps);
	assert_int_equal(tables.n_ioapics, 1);
	assert_int_equal(io_ioapic_rid(&tables, 0), 0xa0);
	assert_int_equal(unit(0xa0), 0);
	assert_int_equal(unit(0x10010), -1);
}

/* The same unit again, with all devices; and what the firmware keeps. */
static void merges_amd_units(void **state)
{
	(void)state;
	PUT(IVHD(0x10, 28, 0), 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0);
	PUT(IVHD(0x40, 40 + 24, 0), 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0xf0, 0, 0, 0, 'A', 'M', 'D', 'I', '0', '0', '2', '0', 0, 0, 0, 0,
		0, 0, 0, 0, 0, 2, 'u', 'v');
	PUT(0x21, 0, 32, 0, 0x20, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0);
	PUT(0x22, 0, 32, 0, 0x40, 0, 0x50, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0, 0, 0);
	assert_null(parse_amd());
	assert_int_equal(tables.n_units, 1);
	assert_int_equal(unit(0xffff), 0);
	assert_true(io_reserved(&tables, 0x20));
	assert_false(io_reserved(&tables, 0x21));
	assert_true(io_reserved(&tables, 0x50));
	assert_false(io_reserved(&tables, 0x51));
	PUT(0x20, 0, 32, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0, 0, 0, 0, 0);
	assert_null(parse_amd());
	assert_true(io_reserved(&tables, 0x21));
}

static void refuses_damaged_amd_tables(void **state)
{
	(void)state;
	assert_non_null(ivrs_parse(&phys, SIZE, &tables));
	PUT(IVHD(0x10, 28, 0), 0, 0, 0, 0, 0, 0, 0, 0, 0x42, 0, 0, 0); /* needs 8 bytes */
	assert_non_null(parse_amd());
	table_size = FIRST;
	PUT(IVHD(0x10, 24 + 12, 0), 0, 0, 0, 0, 0, 0, 0, 0, 0xf0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0,
		0);
	assert_non_null(parse_amd());
	table_size = FIRST;
	PUT(IVHD(0x10, 24, 0x10), 0, 0, 0, 0, 0, 0, 0, 0); /* not on 16 KiB */
	assert_non_null(parse_amd());
	table_size = FIRST;
	PUT(IVHD(0x10, 24, 0), 1, 0, 0, 0, 0, 0, 0, 0); /* another segment */
	assert_non_null(parse_amd());
	table_size = FIRST;
	PUT(IVHD(0x10, 25, 0), 0, 0, 0, 0, 0, 0, 0, 0);
	assert_non_null(parse_amd());
	table_size = FIRST;
	for (unsigned int i = 0; i <= IO_UNITS; i++)
		PUT(IVHD(0x10, 24, (uint8_t)(i * 0x40)), 0, 0, 0, 0, 0, 0, 0, 0);
	assert_null(parse_amd()); /* four places, again and again */
	assert_int_equal(tables.n_units, 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup_teardown(finds_the_unit_of_a_device, setup, teardown),
		cmocka_unit_test_setup_teardown(follows_bridges, setup, teardown),
		cmocka_unit_test_setup_teardown(knows_reserved_memory, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_damage, setup, teardown),
		cmocka_unit_test_setup_teardown(bounds_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(finds_amd_devices, setup, teardown),
		cmocka_unit_test_setup_teardown(merges_amd_units, setup, teardown),
		cmocka_unit_test_setup_teardown(refuses_damaged_amd_tables, setup, teardown),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
