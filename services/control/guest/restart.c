/* SPDX-License-Identifier: BSD-2-Clause */
/* restart.c - how soon a guest that ended by itself is created again */
#include "guest/restart.h"

uint32_t restart_count(uint32_t before, uint64_t lived_ns)
{
	return lived_ns < RESTART_LIFE_S * 1000000000ull ? before + 1 : 0;
}

uint32_t restart_pause_s(uint32_t short_lives)
{
	uint32_t pause = 1;

	if (short_lives > RESTART_MOST)
		return RESTART_NEVER;
	if (short_lives < 2)
		return 0;
	while (--short_lives > 1 && pause < RESTART_PAUSE_MAX_S)
		pause *= 2;
	return pause < RESTART_PAUSE_MAX_S ? pause : RESTART_PAUSE_MAX_S;
}
