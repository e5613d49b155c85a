/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string.c - the memory functions, which the compiler also calls on its own
 */
#include "../../base.h"

void *memcpy(void *dst, const void *src, size_t n)
{
	size_t words = n / 8, rest = n % 8;
	void *d = dst;

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(src), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(rest) : : "memory");
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	size_t words = n / 8, rest = n % 8;
	uint64_t fill = (uint8_t)c * 0x0101010101010101ull;
	void *d = dst;

	__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(fill) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(fill) : "memory");
	return dst;
}
