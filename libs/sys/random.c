/* SPDX-License-Identifier: BSD-2-Clause */
/* random.c - a stream of xorshift128+, stirred by the time */
#include "sys/random.h"

#include <stdint.h>

#include "sys/clock.h"
#include "sys/sk.h"

static uint64_t state[2];

void random_bytes(void *buf, size_t size)
{
	uint8_t *p = buf;
	uint64_t x;

	if (!state[0]) {
		state[0] = 0x736b65727279ull;
		state[1] = sys_info()->boot_tsc | 1;
	}
	while (size--) {
		x = state[0] ^ sk_now();
		state[0] = state[1];
		x ^= x << 23;
		state[1] = x ^ state[0] ^ (x >> 17) ^ (state[0] >> 26);
		*p++ = (uint8_t)((state[1] + state[0]) >> 24);
	}
}
