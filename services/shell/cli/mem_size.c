/* SPDX-License-Identifier: BSD-2-Clause */
/* mem_size.c - amounts of memory as a person types them */
#include "cli/mem_size.h"

#include <stddef.h>
#include <string.h>

int mem_size_parse(const char *text, uint64_t *kib)
{
	static const char units[] = "bkmgt";
	const char *p = text, *unit = units + 2;
	unsigned int shift;
	uint64_t n = 0;

	for (; *p >= '0' && *p <= '9'; p++) {
		if (n > UINT64_MAX / 10 - 1)
			return -1;
		n = n * 10 + (uint64_t)(*p - '0');
	}
	if (p == text)
		return -1;
	if (*p) {
		unit = strchr(units, *p | 0x20);
		if (!unit || p[1])
			return -1;
	}
	if (unit == units) {
		*kib = n >> 10;
		return 0;
	}
	shift = 10 * (unsigned int)(unit - units - 1);
	if (n > UINT64_MAX >> shift)
		return -1;
	*kib = n << shift;
	return 0;
}
