/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * checksum.h - the Internet checksum (RFC 1071): the ones' complement sum of 16-bit words
 *
 * The sum does not depend on the order of bytes in a word, as long as its result is stored in
 * the order in which the words were read (RFC 1071, section 2 (B)). So words are added as this
 * processor reads them, eight bytes at a time, and the carries are added again.
 */
#ifndef BASE_CHECKSUM_H
#define BASE_CHECKSUM_H

#include <stdint.h>
#include <string.h>

#include "base/bytes.h"

/*
 * Add n bytes to a sum. Of several pieces, all but the last have an even number of bytes. The
 * result is not folded. acc: 0, or the result for the bytes before.
 */
static inline uint64_t checksum_add(uint64_t acc, const void *bytes, uint32_t n)
{
	const uint8_t *p = (const uint8_t *)bytes;
	uint32_t blocks = n / 64;
	uint64_t word;

	/* The carry of the last addition of a block is added before the next block. */
	if (blocks)
		__asm__("1:	addq	(%1), %0\n"
			"	adcq	8(%1), %0\n"
			"	adcq	16(%1), %0\n"
			"	adcq	24(%1), %0\n"
			"	adcq	32(%1), %0\n"
			"	adcq	40(%1), %0\n"
			"	adcq	48(%1), %0\n"
			"	adcq	56(%1), %0\n"
			"	adcq	$0, %0\n"
			"	addq	$64, %1\n"
			"	decl	%2\n"
			"	jnz	1b\n"
			: "+r"(acc), "+r"(p), "+r"(blocks)
			:
			: "cc", "memory");
	for (n %= 64; n >= 8; n -= 8, p += 8) {
		memcpy(&word, p, 8);
		acc += word;
		acc += acc < word;
	}
	word = 0;
	memcpy(&word, p, n);
	acc += word;
	acc += acc < word;
	return acc;
}

/* The checksum of a sum: its complement in 16 bits, as put_be16() stores it. */
static inline uint16_t checksum_fold(uint64_t acc)
{
	acc = (acc & UINT32_MAX) + (acc >> 32);
	while (acc >> 16)
		acc = (acc & UINT16_MAX) + (acc >> 16);
	return __builtin_bswap16((uint16_t)~acc);
}

#endif
