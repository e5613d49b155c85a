/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fuzz.h - a reader of the fuzzer's bytes, which reads 0 after their end
 */
#ifndef FUZZ_H
#define FUZZ_H

#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

struct feed {
	const uint8_t *p;
	size_t left;
};

static inline void feed_copy(struct feed *f, void *dst, size_t n)
{
	size_t have = n < f->left ? n : f->left;

	memset(dst, 0, n);
	if (have)
		memcpy(dst, f->p, have);
	f->p += have;
	f->left -= have;
}
static inline uint8_t feed8(struct feed *f)
{
	uint8_t v;

	feed_copy(f, &v, 1);
	return v;
}
static inline uint16_t feed16(struct feed *f)
{
	uint16_t v;

	feed_copy(f, &v, 2);
	return v;
}
static inline uint32_t feed32(struct feed *f)
{
	uint32_t v;

	feed_copy(f, &v, 4);
	return v;
}
static inline uint64_t feed64(struct feed *f)
{
	uint64_t v;

	feed_copy(f, &v, 8);
	return v;
}

#define MUST(cond) \
	do { \
		if (!(cond)) \
			abort(); \
	} while (0)

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerInitialize(int *argc, char ***argv);

#endif
