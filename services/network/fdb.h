/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fdb.h - the switch's forwarding database: which MAC address is behind which port
 *
 * Every port of a guest has an address of its own, from its configuration, which never moves.
 * Other addresses (machines beyond the card, containers inside a guest) are learned from
 * frames, and age. Frames from the uplink are believed over those of guests.
 */
#ifndef NETWORK_FDB_H
#define NETWORK_FDB_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

#define FDB_WAYS 4u
#define FDB_SETS 256u
#define FDB_OWN_MAX 1024u
#define FDB_NONE UINT32_MAX

struct fdb_entry {
	uint8_t mac[6];
	bool used;
	/* Learned from the uplink. */
	bool uplink;
	uint32_t port;
	sk_time_t seen;
};
struct fdb_own {
	uint8_t mac[6];
	/* Next own address in the same set: index + 1, 0 = none. */
	uint16_t next;
	uint32_t port;
};
struct fdb {
	struct fdb_own own[FDB_OWN_MAX];
	uint32_t n_own;
	/* First own address of each set: index + 1, 0 = none. */
	uint16_t own_first[FDB_SETS];
	struct fdb_entry entry[FDB_SETS][FDB_WAYS];
	/* Ticks; an entry that was not seen for longer counts as absent. */
	sk_time_t max_age;
};

/*
 * Give the port its own address, and forget what was learned of it. -SK_E_EXISTS: it is another
 * port's; -SK_E_INVAL: it is not the address of a station; -SK_E_LIMIT.
 */
int fdb_own(struct fdb *t, const uint8_t mac[6], uint32_t port) must_check;
/*
 * A frame with this source came in through `port`. False: the frame has to be dropped, because
 * the port may not use this source (another port's own address, a group address, or, from a
 * guest, one that is known to be beyond the uplink). A full set forgets its oldest entry; a new
 * address of a guest never replaces one beyond the uplink.
 */
bool fdb_learn(struct fdb *t, const uint8_t mac[6], uint32_t port, bool uplink,
	sk_time_t now) must_check;
/* FDB_NONE: unknown, or a group address. */
uint32_t fdb_lookup(const struct fdb *t, const uint8_t mac[6], sk_time_t now);
/* The port is gone. */
void fdb_forget(struct fdb *t, uint32_t port);

#endif
