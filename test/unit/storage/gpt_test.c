/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gpt_test.c - partition tables, good and damaged
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "gpt.h"

enum { DISK = 100000, ENTRIES = 128, ENTRY = 128 };

static uint8_t header[GPT_SECTOR];
static uint8_t *entries;
static char last_warning[64];
static unsigned int warnings;

static void warn(uint32_t entry, const char *what)
{
	(void)entry;
	strncpy(last_warning, what, sizeof(last_warning) - 1);
	warnings++;
}

static void put(uint8_t *p, uint64_t v, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++)
		p[i] = (uint8_t)(v >> 8 * i);
}

static void seal(void)
{
	put(header + 16, 0, 4);
	put(header + 16, crc32(0, header, 92), 4);
}

static void entry(unsigned int i, const char *name, uint64_t first, uint64_t last)
{
	uint8_t *e = entries + i * ENTRY;

	memset(e, 0, ENTRY);
	e[0] = 1;
	put(e + 32, first, 8);
	put(e + 40, last, 8);
	for (unsigned int k = 0; name[k]; k++)
		e[56 + 2 * k] = (uint8_t)name[k];
}

static int setup(void **state)
{
	(void)state;
	entries = calloc(ENTRIES, ENTRY);
	warnings = 0;
	memset(header, 0, sizeof(header));
	memcpy(header, "EFI PART", 8);
	put(header + 12, 92, 4);
	put(header + 24, 1, 8);
	put(header + 32, DISK - 1, 8);
	put(header + 40, 34, 8);
	put(header + 48, DISK - 34, 8);
	put(header + 72, 2, 8);
	put(header + 80, ENTRIES, 4);
	put(header + 84, ENTRY, 4);
	seal();
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(entries);
	return 0;
}

static int decode(struct gpt_header *h)
{
	const char *why;
	int rc = gpt_header_decode(header, 1, DISK, GPT_SECTOR, h, &why);

	assert_int_equal(rc != 0, why != NULL);
	return rc;
}

static uint32_t partitions(struct gpt_partition *p)
{
	struct gpt_header h;

	assert_int_equal(decode(&h), 0);
	return gpt_entries_decode(&h, entries, p, 8, warn);
}

static void good(void **state)
{
	struct gpt_partition p[8];
	struct gpt_header h;

	(void)state;
	entry(0, "guests", 2048, 4095);
	entry(5, "rootfs", 4096, 8191);
	put(header + 88, crc32(0, entries, ENTRIES * ENTRY), 4);
	seal();
	assert_int_equal(decode(&h), 0);
	assert_true(gpt_entries_valid(&h, entries));
	assert_int_equal(gpt_entries_bytes(&h), ENTRIES * ENTRY);
	assert_int_equal(partitions(p), 2);
	assert_string_equal(p[1].name, "rootfs");
	assert_int_equal(p[1].first, 4096);
	assert_int_equal(p[1].sectors, 4096);
	entries[200]++;
	assert_false(gpt_entries_valid(&h, entries));
}

static void bad_headers(void **state)
{
	static const struct {
		unsigned int at, n;
		uint64_t value;
	} bad[] = {
		{ 0, 1, 'X' },
		{ 12, 4, 91 },
		{ 12, 4, 513 },
		{ 24, 8, 2 },
		{ 40, 8, DISK - 33 },
		{ 48, 8, DISK },
		{ 72, 8, 1 },
		{ 72, 8, DISK },
		{ 72, 8, DISK - 31 },
		{ 72, 8, UINT64_MAX },
		{ 80, 4, 0 },
		{ 80, 4, GPT_ENTRIES_MAX + 1 },
		{ 80, 4, UINT32_MAX },
		{ 84, 4, 64 },
		{ 84, 4, 192 },
		{ 84, 4, 2048 },
	};
	struct gpt_header h;
	uint8_t good_header[GPT_SECTOR];

	(void)state;
	memcpy(good_header, header, sizeof(header));
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(*bad); i++) {
		memcpy(header, good_header, sizeof(header));
		put(header + bad[i].at, bad[i].value, bad[i].n);
		seal();
		assert_int_equal(decode(&h), -SK_E_INVAL);
	}
	memcpy(header, good_header, sizeof(header));
	header[16]++;
	assert_int_equal(decode(&h), -SK_E_INVAL);
}

static void bad_entries_are_skipped(void **state)
{
	struct gpt_partition p[8];

	(void)state;
	entry(0, "good", 2048, 4095);
	entry(1, "low", 33, 100);
	entry(2, "high", 5000, DISK - 33);
	entry(3, "backwards", 6000, 5999);
	entry(4, "overlap", 4095, 5000);
	entry(5, "inside", 3000, 3001);
	entry(6, "good", 7000, 7999);
	entry(7, "", 8000, 8001);
	entry(8, "a/b", 8002, 8003);
	entry(9, "new\nline", 8004, 8005);
	assert_int_equal(partitions(p), 1);
	assert_int_equal(warnings, 9);
}

static void names_to_utf8(void **state)
{
	struct gpt_partition p[8];
	uint8_t *name;

	(void)state;
	entry(0, "x", 2048, 2049);
	name = entries + 56;
	put(name, 0x00e4, 2);
	put(name + 2, 0x20ac, 2);
	put(name + 4, 0xd83d, 2);
	put(name + 6, 0xde00, 2);
	assert_int_equal(partitions(p), 1);
	assert_string_equal(p[0].name, "\xc3\xa4\xe2\x82\xac\xf0\x9f\x98\x80");
	put(name + 6, 0x0041, 2); /* half a surrogate pair */
	assert_int_equal(partitions(p), 0);
	memset(name, 0xff, 72); /* all 36 units, of 3 bytes each */
	assert_int_equal(partitions(p), 1);
	assert_int_equal(strlen(p[0].name), 108);
}

static void no_more_than_asked_for(void **state)
{
	struct gpt_partition p[8];
	char name[4] = "p0";

	(void)state;
	for (unsigned int i = 0; i < 10; i++) {
		name[1] = (char)('0' + i);
		entry(i, name, 2048 + 10 * i, 2048 + 10 * i + 9);
	}
	assert_int_equal(partitions(p), 8);
	assert_int_equal(warnings, 2);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(good),
		CASE(bad_headers),
		CASE(bad_entries_are_skipped),
		CASE(names_to_utf8),
		CASE(no_more_than_asked_for),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
