/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * random.h - numbers for the programs that write to a guest's disk: the same for the same seed
 */
#ifndef RANDOM_H
#define RANDOM_H

#include <stdint.h>

static uint64_t seed; /* not 0 */

static uint64_t next_random(void)
{
	seed ^= seed << 13;
	seed ^= seed >> 7;
	seed ^= seed << 17;
	return seed;
}

#endif
