/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdb.h - the switch's forwarding database: which MAC address is behind which port
 *
 * Every port of a guest has an address of its own, from its configuration: that one never
 * moves. Others (of machines beyond the card, of containers inside a guest) are learned from
 * what is sent, and age. What comes in through the uplink is believed before what a guest
 * claims.
 */
#ifndef NETWORK_FDB_H
#define NETWORK_FDB_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

#define FDB_WAYS 4u
#define FDB_SETS 256u
#define FDB_OWN_MAX 64u
#define FDB_NONE UINT32_MAX

struct fdb_entry {
	uint8_t mac[6];
	bool used;
	/* Learned from there. */
	bool uplink;
	uint32_t port;
	sk_time_t seen;
};
struct fdb_own {
	uint8_t mac[6];
	/* Of the same set: index + 1, 0 = none. */
	uint8_t next;
	uint32_t port;
};
struct fdb {
	struct fdb_own own[FDB_OWN_MAX];
	uint32_t n_own;
	/* Index + 1, 0 = none. */
	uint8_t own_first[FDB_SETS];
	struct fdb_entry entry[FDB_SETS][FDB_WAYS];
	/* Ticks; an entry not seen for longer is as if absent. */
	sk_time_t max_age;
};

/*
 * The port's own address. -SK_E_EXISTS: another port's; -SK_E_INVAL: no address of a station;
 * -SK_E_LIMIT. What was learned of it is forgotten.
 */
int fdb_own(struct fdb *t, const uint8_t mac[6], uint32_t port) must_check;
/*
 * A frame with this source came in through `port`. False: it may not have it (another port's
 * own, a group address, or, from a guest, one that is known to be beyond the uplink) and is to
 * be dropped. A full set forgets its oldest, but for a guest's sake no address beyond the
 * uplink.
 */
bool fdb_learn(struct fdb *t, const uint8_t mac[6], uint32_t port, bool uplink,
	sk_time_t now) must_check;
/* FDB_NONE: unknown, or a group address. */
uint32_t fdb_lookup(const struct fdb *t, const uint8_t mac[6], sk_time_t now);
/* The port is gone. */
void fdb_forget(struct fdb *t, uint32_t port);

#endif
