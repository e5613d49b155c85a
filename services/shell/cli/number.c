/* SPDX-License-Identifier: BSD-2-Clause */
/* number.c - numbers as a person types them */
#include "cli/number.h"

int number_parse(const char *text, uint32_t most, uint32_t *n)
{
	const char *p = text;
	uint64_t value = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		value = value * 10 + (uint64_t)(*p - '0');
		if (value > most)
			return -1;
	}
	if (p == text || *p)
		return -1;
	*n = (uint32_t)value;
	return 0;
}
