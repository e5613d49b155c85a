/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtc_test.c - dates from a fake CMOS
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "rtc.h"

static uint8_t cmos[128];
/* How many more reads of register A say that an update is in progress. */
static unsigned int updates;
/* How many more reads of the seconds give a new value each. */
static unsigned int torn;

static uint8_t cmos_read(uint8_t index)
{
	if (index == 10 && updates) {
		updates--;
		return 0x80;
	}
	if (index == 0 && torn) {
		torn--;
		return (uint8_t)(torn % 60);
	}
	return cmos[index];
}

static void set(uint8_t b, uint8_t y, uint8_t mo, uint8_t d, uint8_t h, uint8_t mi, uint8_t s)
{
	memset(cmos, 0, sizeof(cmos));
	cmos[0] = s;
	cmos[2] = mi;
	cmos[4] = h;
	cmos[7] = d;
	cmos[8] = mo;
	cmos[9] = y;
	cmos[11] = b;
	cmos[0x32] = 0x20;
}

static void dates(void **state)
{
	(void)state;
	set(2, 0x26, 0x11, 0x23, 0x06, 0x44, 0x22); /* BCD, 24 hours */
	assert_int_equal(rtc_seconds(cmos_read, 0), 1795416262);
	assert_int_equal(rtc_seconds(cmos_read, 0x32), 1795416262);
	set(6, 24, 2, 29, 23, 59, 59); /* binary, leap day */
	assert_int_equal(rtc_seconds(cmos_read, 0), 1709251199);
	set(2, 0x00, 0x03, 0x01, 0, 0, 0); /* the day after a century's leap day */
	assert_int_equal(rtc_seconds(cmos_read, 0), 951868800);
	set(0, 0x26, 0x11, 0x23, 0x86, 0x44, 0x22); /* 12 hours, 6 PM */
	assert_int_equal(rtc_seconds(cmos_read, 0), 1795416262 + 12 * 3600);
	set(0, 0x26, 0x11, 0x23, 0x12, 0, 0); /* 12 AM is midnight */
	assert_int_equal(rtc_seconds(cmos_read, 0), 1795416262 - 6 * 3600 - 44 * 60 - 22);
}

static void nonsense_is_refused(void **state)
{
	(void)state;
	set(6, 24, 13, 1, 0, 0, 0);
	assert_int_equal(rtc_seconds(cmos_read, 0), 0);
	set(6, 24, 0, 1, 0, 0, 0);
	assert_int_equal(rtc_seconds(cmos_read, 0), 0);
	set(6, 24, 1, 32, 0, 0, 0);
	assert_int_equal(rtc_seconds(cmos_read, 0), 0);
	set(6, 24, 1, 1, 24, 0, 0);
	assert_int_equal(rtc_seconds(cmos_read, 0), 0);
	set(6, 24, 1, 1, 0, 60, 0);
	assert_int_equal(rtc_seconds(cmos_read, 0), 0);
	memset(cmos, 0xff, sizeof(cmos));
	assert_int_equal(rtc_seconds(cmos_read, 0), 0);
}

static void centuries(void **state)
{
	(void)state;
	set(6, 0, 3, 1, 0, 0, 0);
	cmos[0x32] = 21; /* no leap year */
	assert_int_equal(rtc_seconds(cmos_read, 0x32), 4107542400);
	set(6, 99, 3, 1, 0, 0, 0);
	cmos[0x32] = 19;
	assert_int_equal(rtc_seconds(cmos_read, 0x32), 0);
	set(6, 24, 1, 0, 0, 0, 0); /* day 0 */
	assert_int_equal(rtc_seconds(cmos_read, 0), 0);
}

/* A reading counts if two in a row agree; a clock that never settles has no time. */
static void readings_that_differ(void **state)
{
	(void)state;
	set(6, 24, 2, 29, 23, 59, 59);
	torn = 20;
	assert_int_equal(rtc_seconds(cmos_read, 0), 1709251199);
	assert_int_equal(torn, 0);
	torn = 100000;
	assert_int_equal(rtc_seconds(cmos_read, 0), 0);
	torn = 0;
}

static void waits_for_the_update(void **state)
{
	(void)state;
	set(2, 0x26, 0x11, 0x23, 0x06, 0x44, 0x22);
	updates = 1000;
	assert_int_equal(rtc_seconds(cmos_read, 0), 1795416262);
	assert_int_equal(updates, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dates),
		cmocka_unit_test(nonsense_is_refused),
		cmocka_unit_test(centuries),
		cmocka_unit_test(readings_that_differ),
		cmocka_unit_test(waits_for_the_update),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
