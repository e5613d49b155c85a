/* SPDX-License-Identifier: BSD-2-Clause */
/* sum.h - a checksum that finds accidents, not attacks */
#ifndef BASE_SUM_H
#define BASE_SUM_H

#include <stddef.h>
#include <stdint.h>

/* FNV-1a of size bytes, and of a number. */
static inline uint32_t sum_fnv1a(uint32_t number, const void *data, size_t size)
{
	const uint8_t *p = data;
	uint32_t sum = 2166136261u ^ number;

	for (size_t i = 0; i < size; i++)
		sum = (sum ^ p[i]) * 16777619u;
	return sum;
}

#endif
