/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdb.c - forwarding database: own addresses of ports, and a set-associative table of fixed
 * size
 *
 * Invariants  FDB1 an own address belongs to one port, and is in no entry
 *             FDB2 frames from a guest change no entry that came from the uplink, unless it is
 *                  too old
 *             FDB3 a guest that sends from many addresses can only push out other guests'
 *                  entries in the same sets; this causes flooding, but takes no memory
 */
#include "fdb.h"
#include "base/bytes.h"

#include <string.h>

static uint32_t set_of(const uint8_t mac[6])
{
	uint64_t h = (uint64_t)get_le32(mac) << 16 | get_le16(mac + 4);

	/* an odd number by which each bit of the address reaches the highest eight */
	return (uint32_t)(h * 0x9e3779b97f4a7c15ull >> 56);
}
_Static_assert(FDB_SETS == 256, "eight bits");

static bool entry_is(const struct fdb_entry *e, const uint8_t mac[6])
{
	return e->used && memcmp(e->mac, mac, 6) == 0;
}

static bool entry_fresh(const struct fdb *t, const struct fdb_entry *e, sk_time_t now)
{
	return e->used && now - e->seen <= t->max_age;
}

static uint32_t owner(const struct fdb *t, const uint8_t mac[6])
{
	for (uint32_t i = t->own_first[set_of(mac)]; i; i = t->own[i - 1].next)
		if (memcmp(t->own[i - 1].mac, mac, 6) == 0)
			return t->own[i - 1].port;
	return FDB_NONE;
}

static void own_link(struct fdb *t, uint32_t i)
{
	uint16_t *first = &t->own_first[set_of(t->own[i].mac)];

	t->own[i].next = *first;
	*first = (uint16_t)(i + 1);
}
_Static_assert(FDB_OWN_MAX < UINT16_MAX, "an index and one fit");

int fdb_own(struct fdb *t, const uint8_t mac[6], uint32_t port)
{
	static const uint8_t none[6];
	struct fdb_entry *set = t->entry[set_of(mac)];

	if (mac[0] & 1 || memcmp(mac, none, 6) == 0)
		return -SK_E_INVAL;
	if (owner(t, mac) != FDB_NONE)
		return -SK_E_EXISTS;
	if (t->n_own == FDB_OWN_MAX)
		return -SK_E_LIMIT;
	memcpy(t->own[t->n_own].mac, mac, 6);
	t->own[t->n_own].port = port;
	own_link(t, t->n_own++);
	for (unsigned int i = 0; i < FDB_WAYS; i++)
		if (entry_is(&set[i], mac))
			set[i].used = false; /* FDB1 */
	return 0;
}

/* The entry of this address, or one that it may take, or NULL. */
static struct fdb_entry *entry_for(
	struct fdb *t, const uint8_t mac[6], bool uplink, sk_time_t now)
{
	struct fdb_entry *set = t->entry[set_of(mac)], *to = NULL, *e;

	for (e = set; e < set + FDB_WAYS; e++)
		if (entry_is(e, mac))
			return e;
	for (e = set; e < set + FDB_WAYS; e++) {
		if (e->uplink && !uplink && entry_fresh(t, e, now))
			continue; /* FDB2 */
		if (!to || (to->used && (!e->used || e->seen < to->seen)))
			to = e;
	}
	return to;
}

bool fdb_learn(struct fdb *t, const uint8_t mac[6], uint32_t port, bool uplink, sk_time_t now)
{
	uint32_t own = owner(t, mac);
	struct fdb_entry *e;

	if (mac[0] & 1)
		return false;
	if (own != FDB_NONE) /* FDB1 */
		return own == port;
	e = entry_for(t, mac, uplink, now);
	if (!e)
		return true;
	if (entry_is(e, mac) && e->uplink && !uplink && entry_fresh(t, e, now))
		return false; /* FDB2 */
	memcpy(e->mac, mac, 6);
	e->used = true;
	e->uplink = uplink;
	e->port = port;
	e->seen = now;
	return true;
}

uint32_t fdb_lookup(const struct fdb *t, const uint8_t mac[6], sk_time_t now)
{
	const struct fdb_entry *set = t->entry[set_of(mac)];
	uint32_t own = owner(t, mac);

	if (own != FDB_NONE)
		return own;
	for (unsigned int i = 0; i < FDB_WAYS; i++)
		if (entry_is(&set[i], mac) && entry_fresh(t, &set[i], now))
			return set[i].port;
	return FDB_NONE;
}

void fdb_forget(struct fdb *t, uint32_t port)
{
	for (uint32_t i = 0; i < t->n_own; i++)
		if (t->own[i].port == port)
			t->own[i--] = t->own[--t->n_own];
	memset(t->own_first, 0, sizeof(t->own_first));
	for (uint32_t i = 0; i < t->n_own; i++)
		own_link(t, i);
	for (unsigned int s = 0; s < FDB_SETS; s++)
		for (unsigned int i = 0; i < FDB_WAYS; i++)
			if (t->entry[s][i].used && t->entry[s][i].port == port)
				t->entry[s][i].used = false;
}
