/*
 * fdb.c - forwarding database: a set-associative table of fixed size
 *
 * Invariants  a guest that sends from many addresses can push out entries of its sets only, and costs the
 *             others flooding, never memory.
 */
#include "fdb.h"

#include <stdbool.h>
#include <string.h>

static uint32_t set_of(const uint8_t mac[6])
{
	uint32_t h = 2166136261u; /* FNV-1a */

	for (unsigned int i = 0; i < 6; i++)
		h = (h ^ mac[i]) * 16777619u;
	return (h ^ h >> 16) % FDB_SETS;
}

static bool entry_is(const struct fdb_entry *e, const uint8_t mac[6])
{
	return e->used && memcmp(e->mac, mac, 6) == 0;
}

void fdb_learn(struct fdb *t, const uint8_t mac[6], uint32_t port, sk_time_t now)
{
	struct fdb_entry *set = t->entry[set_of(mac)], *to = &set[0];

	if (mac[0] & 1)
		return;
	for (unsigned int i = 0; i < FDB_WAYS; i++) {
		if (entry_is(&set[i], mac)) {
			to = &set[i];
			break;
		}
		if (to->used && (!set[i].used || set[i].seen < to->seen))
			to = &set[i];
	}
	memcpy(to->mac, mac, 6);
	to->used = 1;
	to->port = port;
	to->seen = now;
}

uint32_t fdb_lookup(const struct fdb *t, const uint8_t mac[6], sk_time_t now)
{
	const struct fdb_entry *set = t->entry[set_of(mac)];

	for (unsigned int i = 0; i < FDB_WAYS; i++)
		if (entry_is(&set[i], mac) && now - set[i].seen <= t->max_age)
			return set[i].port;
	return FDB_NONE;
}

void fdb_forget(struct fdb *t, uint32_t port)
{
	for (unsigned int s = 0; s < FDB_SETS; s++)
		for (unsigned int i = 0; i < FDB_WAYS; i++)
			if (t->entry[s][i].used && t->entry[s][i].port == port)
				t->entry[s][i].used = 0;
}
