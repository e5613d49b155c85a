/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kept.h - the table of guests that outlives control
 *
 * Each entry is in memory that init keeps (`guests` of kept-memory in the manifest) twice, with
 * a checksum: a store replaces the older copy. So an entry is what it was before the store or
 * what it is after it, wherever control's life ends. The nodes of the pool (pool.h) are there,
 * too.
 */
#ifndef CONTROL_KEPT_H
#define CONTROL_KEPT_H

#include <sk/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "guest/domtab.h"
#include "guest/pool.h"

enum {
	KEPT_CONNS = DOMAIN_CHANNELS_MAX - 1,
	KEPT_GONE = 2 * DOMTAB_MAX,
	KEPT_DEATHS = 2 * DOMTAB_MAX
};
/*
 * Of the table, the first bytes say what the rest means. All of it fits in `guests` of
 * kept-memory in configs/default.toml, with the entries of the first guests. Those of others
 * are in blocks, which are made when there are so many.
 */
enum {
	KEPT_INDEX_MAX = 352 << 10,
	KEPT_SIZE = 1 << 20,
	KEPT_PLACES_FIRST = 24,
	KEPT_BLOCK_ORDER = 19,
	KEPT_BLOCK_PLACES = 20,
	KEPT_BLOCKS = (DOMTAB_MAX - KEPT_PLACES_FIRST + KEPT_BLOCK_PLACES - 1) /
		      KEPT_BLOCK_PLACES,
};

/*
 * What the table has under the name that it has in struct dom, struct guest, struct guest_conn.
 * X(type in the table, field)
 */
#define KEPT_OF_DOM(X) \
	X(uint64_t, born_ns) \
	X(uint64_t, due_ns) \
	X(uint32_t, state) /* enum dom_state; FREE: there is no guest */ \
	X(uint32_t, domid) \
	X(uint32_t, reason) \
	X(uint32_t, short_lives) \
	X(uint8_t, paused) \
	X(uint8_t, has_vmm) \
	X(uint8_t, restart) \
	X(uint8_t, again)
#define KEPT_OF_GUEST(X) \
	X(uint64_t, start_ns) \
	X(uint32_t, n_more_max) \
	X(uint32_t, step) \
	X(uint32_t, doubt) \
	X(uint32_t, plug_number) \
	X(uint8_t, start_paused) \
	X(uint8_t, was_ready) \
	X(uint8_t, io_shares) \
	X(uint8_t, io_capped) \
	X(uint8_t, image_writable)
#define KEPT_OF_CONN(X) \
	X(uint32_t, epoch) \
	X(uint16_t, life) \
	X(uint8_t, service) \
	X(uint8_t, step) \
	X(uint8_t, lost) \
	X(uint8_t, doubtful) /* The service may have opened it again, and nobody knows. */
/* X(type of object, slot of control's CNode, as in struct proc, struct proc_connection) */
#define KEPT_SLOTS_OF_PROC(X) \
	X(CNODE, cnode) /* 0: it has no VMM */ \
	X(CNODE, keep) \
	X(SPACE_HOST, space) \
	X(THREAD, thread) \
	X(SCHED, sched) \
	X(NOTIFICATION, ntfn) \
	X(ENDPOINT, service)
#define KEPT_SLOTS_OF_CONN(X) \
	X(FRAME, rings) X(FRAME, data) X(FRAME, own) X(NOTIFICATION, client_signal)

#define X(type, field) type field;
#define SLOT(type, field) sk_cap_t field;
/* A guest's connection with a service. */
struct kept_conn {
	KEPT_OF_CONN(X)
	uint8_t channel; /* of the VMM */
	uint8_t reserved;
	uint32_t number;
	KEPT_SLOTS_OF_CONN(SLOT)
};
_Static_assert(sizeof(struct kept_conn) == 32, "no padding");

struct kept_guest {
	KEPT_OF_DOM(X)
	uint32_t n_slots;
	KEPT_OF_GUEST(X)
	uint8_t plugging; /* a device, or only its medium, is coming or going: */
	uint8_t plug_medium;
	uint8_t reserved;
	uint32_t plug_seat;
	char name[GUEST_NAME_MAX + 1];
	uint8_t uuid[UUID_SIZE];
	char image[DISK_LABEL_SIZE + 1]; /* the volume of a save that goes on */
	KEPT_SLOTS_OF_PROC(SLOT)
	sk_cap_t vcpu_sched[VM_VCPUS_MAX];
	sk_cap_t fault_ep, ctl_frame, ctl_signal;
	uint32_t n_conns;
	struct kept_conn conn[KEPT_CONNS];
};
#undef SLOT
#undef X

/* What is not about one guest. Each word is stored at once. */
struct kept_head {
	uint64_t magic;
	uint32_t version;
	/* The sizes of an entry and of a configuration, which change with the program. */
	uint32_t guest_size, config_size;
	uint32_t last_domid;
	/* The files of /guests/auto that were dealt with; all of them. */
	uint32_t n_auto, auto_over;
	/* The guest whose console the user had in front; 0: none. */
	uint32_t attached;
	/* Objects that outlive control: vmm_guard.c. */
	sk_cap_t guard_endpoint, guard_reply;
	uint32_t reserved;
};
_Static_assert(sizeof(struct kept_head) == 48, "no padding");

/* A guest that is gone, except for nodes in xenstore. */
struct kept_gone {
	uint32_t domid; /* 0: unused */
	uint8_t uuid[UUID_SIZE];
};

/* A VMM that died, as it reported that. The main thread has dealt with it when `used` is 0. */
struct kept_death {
	uint32_t used; /* atomic */
	uint32_t domid;
	uint64_t rip, address;
	uint32_t fault; /* 0: it ended by itself */
	uint32_t reserved;
};
_Static_assert(sizeof(struct kept_death) == 32, "no padding");

/*
 * mem: zero, or as an earlier life left it; size: at least kept_size(). NULL, or too small:
 * nothing is kept. After this, all functions may be called in any case.
 */
void kept_init(void *mem, size_t size);
size_t kept_size(void);
/* An earlier life has left a table. */
bool kept_resumed(void);

struct kept_head *kept_head(void);
/* POOL_NODES of them. */
struct pool_node *kept_pool_nodes(void);
/* KEPT_DEATHS of them. */
struct kept_death *kept_deaths(void);

/*
 * KEPT_BLOCKS slots: the frame of each block, in order; 0: there is none. Who adds one writes
 * its slot here before.
 */
sk_cap_t *kept_block_frames(void);
/* The next block: memory of KEPT_BLOCK_ORDER, zero or as an earlier life left it. */
void kept_block_add(void *mem);
uint32_t kept_n_blocks(void);
/* For how many guests there is room; DOMTAB_MAX if nothing is kept. */
uint32_t kept_places(void);

/* i: below kept_places(). A store of what is there already does nothing. */
void kept_guest_store(uint32_t i, const struct kept_guest *g);
void kept_config_store(uint32_t i, const struct guest_config *c);
/* This life or an earlier one has stored something about a guest there. */
bool kept_guest_stored(uint32_t i);
/* 0, -SK_E_NOT_FOUND: there is no guest; -SK_E_INVAL: both copies or the values are damaged. */
int kept_guest_load(uint32_t i, struct kept_guest *g) must_check;
/* False: both copies or the values are damaged, or there is none. */
bool kept_config_load(uint32_t i, struct guest_config *c) must_check;

/* Its nodes are to be removed. */
void kept_gone_add(uint32_t domid, const uint8_t *uuid);
void kept_gone_remove(uint32_t domid);
/* The i-th place: a guest that is gone, or NULL. */
const struct kept_gone *kept_gone_at(uint32_t i);

#endif
