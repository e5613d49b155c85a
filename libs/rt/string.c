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

typedef uint32_t half __attribute__((may_alias, aligned(1)));

/* Fewer than eight bytes: two pieces that may overlap, or single bytes. */
static void copy_few(uint8_t *d, const uint8_t *s, size_t n)
{
	if (n >= 4) {
		const half last = *(const half *)(s + n - 4);

		*(half *)d = *(const half *)s;
		*(half *)(d + n - 4) = last;
		return;
	}
	for (; n; n--)
		*d++ = *s++;
}

/* The last eight bytes are copied in one piece, which may overlap the one before. */
void *memcpy(void *restrict dst, const void *restrict src, size_t n)
{
	const uint8_t *s = src;
	uint8_t *d = dst, *end;
	size_t words = n / 8;
	word last;

	if (n < 8) {
		copy_few(d, s, n);
		return dst;
	}
	end = d + n - 8;
	last = *(const word *)(s + n - 8);
	if (n >= LONG)
		__asm__ volatile("rep movsq" : "+D"(d), "+S"(s), "+c"(words) : : "memory");
	else
		for (; d < end; d += 8, s += 8)
			*(word *)d = *(const word *)s;
	*(word *)end = last;
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
