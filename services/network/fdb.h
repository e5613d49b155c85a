/*
 * fdb.h - the switch's forwarding database: which MAC address is behind which port
 */
#ifndef NETWORK_FDB_H
#define NETWORK_FDB_H

#include <stdint.h>
#include <sk/types.h>

#define FDB_WAYS 4u
#define FDB_SETS 256u
#define FDB_NONE UINT32_MAX

struct fdb_entry {
	uint8_t mac[6];
	uint16_t used;
	uint32_t port;
	sk_time_t seen;
};
struct fdb {
	struct fdb_entry entry[FDB_SETS][FDB_WAYS];
	sk_time_t max_age; /* ticks; an entry not seen for longer is as if absent */
};

/* The sender of a frame is behind `port` (group addresses teach nothing). A full set forgets its oldest. */
void fdb_learn(struct fdb *t, const uint8_t mac[6], uint32_t port, sk_time_t now);
/* FDB_NONE: unknown, or a group address. */
uint32_t fdb_lookup(const struct fdb *t, const uint8_t mac[6], sk_time_t now);
/* The port is gone. */
void fdb_forget(struct fdb *t, uint32_t port);

#endif
