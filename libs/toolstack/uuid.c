/* SPDX-License-Identifier: BSD-2-Clause */
/* uuid.c - UUIDs as text */
#include <stdbool.h>
#include <string.h>

#include "toolstack/guest_text.h"

static const char hex_digits[] = "0123456789abcdef";

static bool dash_before(size_t byte)
{
	return byte == 4 || byte == 6 || byte == 8 || byte == 10;
}

void uuid_format(const uint8_t uuid[UUID_SIZE], char text[UUID_TEXT])
{
	for (size_t i = 0; i < UUID_SIZE; i++) {
		if (dash_before(i))
			*text++ = '-';
		*text++ = hex_digits[uuid[i] >> 4];
		*text++ = hex_digits[uuid[i] & 15];
	}
	*text = '\0';
}

static int hex_digit(char c)
{
	const char *found;

	if (c >= 'A' && c <= 'F')
		c = (char)(c - 'A' + 'a');
	found = c ? strchr(hex_digits, c) : NULL;
	return found ? (int)(found - hex_digits) : -1;
}

int uuid_parse_text(const char *text, uint8_t uuid[UUID_SIZE])
{
	int high, low;

	for (size_t i = 0; i < UUID_SIZE; i++) {
		if (dash_before(i) && *text++ != '-')
			return -1;
		high = hex_digit(text[0]);
		low = high < 0 ? -1 : hex_digit(text[1]);
		if (low < 0)
			return -1;
		uuid[i] = (uint8_t)(high << 4 | low);
		text += 2;
	}
	return *text ? -1 : 0;
}
