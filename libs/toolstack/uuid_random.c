/* SPDX-License-Identifier: BSD-2-Clause */
/* uuid_random.c - new UUIDs */
#include "toolstack/guest_text.h"

void uuid_make_random(uint8_t uuid[UUID_SIZE], guest_random_fn random)
{
	random(uuid, UUID_SIZE);
	uuid[6] = (uint8_t)((uuid[6] & 0x0f) | 0x40);
	uuid[8] = (uint8_t)((uuid[8] & 0x3f) | 0x80);
}
