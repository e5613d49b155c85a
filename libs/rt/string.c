/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * string.c - memcpy() and memset(), instead of the C library's
 *
 * Those of newlib write more than 256 bytes past the caches. What is copied here is read soon
 * after, by this domain or by the next one.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* From here on, the string instructions are faster than a loop, although they start slowly. */
enum { LONG = 128 };

typedef uint64_t word __attribute__((may_alias, aligned(1)));

void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	const uint8_t *s = src;
	uint8_t *d = dst;
	size_t words = n / 8;

	if (n >= LONG) {
		__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
	} else {
		for (; words; words--, d += 8, s += 8)
			*(word *)d = *(const word *)s;
	}
	for (n %= 8; n; n--)
		*d++ = *s++;
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	const uint64_t fill = (uint8_t)c * 0x0101010101010101ull;
	size_t words = n / 8;
	uint8_t *d = dst;

	if (n >= LONG) {
		__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(fill) : "memory");
	} else {
		for (; words; words--, d += 8)
			*(word *)d = fill;
	}
	for (n %= 8; n; n--)
		*d++ = (uint8_t)c;
	return dst;
}
