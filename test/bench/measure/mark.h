/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mark.h - instructions without effect that the plugin count.c looks for
 *
 * A mark is a NOP of eight bytes whose displacement, which means nothing to a processor, is a
 * word that no compiler writes, and as its last byte the number of the mark.
 */
#ifndef MEASURE_MARK_H
#define MEASURE_MARK_H

#define MARK_BYTES \
	{ \
		0x0f, 0x1f, 0x84, 0x00, 0x4b, 0x52, 0x4d \
	}
#define MARK_BEGIN 0x01
#define MARK_END 0x02

/* Instructions between the two are counted. */
static inline void mark_begin(void)
{
	__asm__ volatile(".byte 0x0f,0x1f,0x84,0x00,0x4b,0x52,0x4d,0x01" ::: "memory");
}
static inline void mark_end(void)
{
	__asm__ volatile(".byte 0x0f,0x1f,0x84,0x00,0x4b,0x52,0x4d,0x02" ::: "memory");
}

#endif
