/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * choice.c - decisions of a run, from a xorshift generator or from bytes
 */
#include "choice.h"

static uint64_t state;
static const uint8_t *bytes;
static size_t n_bytes;

void choose_from_seed(uint64_t seed)
{
	state = seed * 0x9e3779b97f4a7c15ull + 1;
	bytes = NULL;
	for (int i = 0; i < 8; i++)
		choose_word();
}

void choose_from_bytes(const uint8_t *data, size_t size)
{
	bytes = data;
	n_bytes = size;
}

bool choices_end(void) { return bytes && !n_bytes; }

static uint64_t byte(void)
{
	if (!n_bytes)
		return 0;
	n_bytes--;
	return *bytes++;
}

uint64_t choose_word(void)
{
	uint64_t v = 0;

	if (bytes) {
		for (int i = 0; i < 8; i++)
			v = v << 8 | byte();
		return v;
	}
	state ^= state << 13;
	state ^= state >> 7;
	state ^= state << 17;
	return state;
}

uint64_t choose(uint64_t n)
{
	if (!bytes)
		return (choose_word() >> 16) % n;
	return (n <= 256 ? byte() : byte() << 8 | byte()) % n;
}
