/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rtc.c - reads the MC146818 clock, once, at start
 *
 * Invariants  a reading counts when two in a row agree, with no update in progress before
 *             either: the chip changes its registers one by one.
 * Source      MC146818A data sheet: registers A (bit 7: update in progress) and B (bit 1: 24
 *             hours, bit 2: binary).
 */
#include "rtc.h"

#include <stdbool.h>
#include <string.h>

enum {
	REG_A = 10,
	REG_B = 11,
	TRIES = 2000000,
};

struct reading {
	uint8_t sec, min, hour, day, month, year, century, b;
};

static bool reading_take(rtc_read_fn read, uint8_t century, struct reading *r)
{
	unsigned int tries = TRIES;

	while (read(REG_A) & 0x80)
		if (tries-- == 0)
			return false;
	*r = (struct reading){ read(0), read(2), read(4), read(7), read(8), read(9),
		century ? read(century) : 0, read(REG_B) };
	return true;
}

static unsigned int from_bcd(const struct reading *r, uint8_t v)
{
	return r->b & 4 ? v : (v >> 4) * 10u + (v & 15u);
}

/* Days from 1970-01-01 to the given date of the Gregorian calendar. */
static uint64_t days_from_1970(unsigned int y, unsigned int m, unsigned int d)
{
	static const uint16_t before[12] = { 0, 31, 59, 90, 120, 151, 181, 212, 243, 273, 304,
		334 };
	uint64_t days = 365ull * (y - 1970) + (y - 1969) / 4 - (y - 1901) / 100 +
			(y - 1601) / 400;
	bool leap = (y % 4 == 0 && y % 100 != 0) || y % 400 == 0;

	return days + before[m - 1] + (leap && m > 2) + d - 1;
}

uint64_t rtc_seconds(rtc_read_fn read, uint8_t century)
{
	struct reading a, b;
	unsigned int hour, day, month, year, tries = 100;

	do {
		if (!reading_take(read, century, &a) || !reading_take(read, century, &b) ||
			tries-- == 0)
			return 0;
	} while (memcmp(&a, &b, sizeof(a)) != 0);

	hour = from_bcd(&a, a.hour & 0x7f);
	if (!(a.b & 2)) /* 12-hour form: bit 7 is PM, and 12 means 0 */
		hour = hour % 12 + (a.hour & 0x80 ? 12 : 0);
	day = from_bcd(&a, a.day);
	month = from_bcd(&a, a.month);
	year = from_bcd(&a, a.year) + (century ? from_bcd(&a, a.century) * 100 : 2000);
	if (year < 2000 || year > 2199 || month < 1 || month > 12 || day < 1 || day > 31 ||
		hour > 23 || from_bcd(&a, a.min) > 59 || from_bcd(&a, a.sec) > 60)
		return 0;
	return days_from_1970(year, month, day) * 86400 + hour * 3600 +
	       from_bcd(&a, a.min) * 60 + from_bcd(&a, a.sec);
}
