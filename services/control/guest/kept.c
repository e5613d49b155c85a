/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kept.c - the table of guests that outlives control
 *
 * Objects     struct table: the head, the entries and configurations of the first guests, the
 *             nodes of the pool. struct block: the entries and configurations of others.
 * Invariants  KEPT2 of two copies, the one with the higher number is valid if its checksum is
 *             right; else the other one. A store changes only the copy that is not valid
 *             KEPT3 what earlier lives left is data: nothing of it is used as an index, a
 *                length or a terminated text before it was checked
 *             KEPT4 memory whose first word is 0 is zero: what is no table is erased, the
 *                first word last
 */
#include "guest/kept.h"

#include <string.h>

#include "base/sum.h"
#include "guest/config_check.h"

#define KEPT_MAGIC 0x74736575676c7463ull /* "ctlguest" */
#define KEPT_VERSION 8u

struct stamp {
	uint32_t number; /* 0: never stored, or not complete */
	uint32_t sum;
};
/* First what says what the rest means. */
struct table {
	struct kept_head head;
	struct stamp guest_stamp[DOMTAB_MAX][2], config_stamp[DOMTAB_MAX][2];
	struct kept_gone gone[KEPT_GONE];
	struct kept_death death[KEPT_DEATHS];
	struct pool_node node[POOL_NODES];
	sk_cap_t block_frame[KEPT_BLOCKS];
	struct kept_guest guest[KEPT_PLACES_FIRST][2];
	struct guest_config config[KEPT_PLACES_FIRST][2];
};
_Static_assert(offsetof(struct table, guest) <= KEPT_INDEX_MAX, "the index comes first");
_Static_assert(sizeof(struct table) <= KEPT_SIZE, "the manifest has memory for the table");

/* The entries of further guests. */
struct block {
	struct kept_guest guest[KEPT_BLOCK_PLACES][2];
	struct guest_config config[KEPT_BLOCK_PLACES][2];
};
_Static_assert(sizeof(struct block) <= 1u << KEPT_BLOCK_ORDER, "it fits");

static struct table *table;
static struct block *blocks[KEPT_BLOCKS];
static uint32_t n_blocks;
static bool resumed;
/* Which of the two copies is valid. This life changes nothing behind its own back. */
enum valid { UNKNOWN, NEITHER, FIRST, SECOND };
static enum valid guest_valid[DOMTAB_MAX], config_valid[DOMTAB_MAX];
/* In place of the table, if nothing is kept. */
static struct kept_head no_head;
static struct pool_node *no_nodes;
static struct kept_death no_deaths[KEPT_DEATHS];

void kept_init(void *mem, size_t size)
{
	static struct pool_node nodes[POOL_NODES];
	const struct kept_head fresh = { .magic = KEPT_MAGIC,
		.version = KEPT_VERSION,
		.guest_size = sizeof(struct kept_guest),
		.config_size = sizeof(struct guest_config) };

	memset(guest_valid, 0, sizeof(guest_valid));
	memset(config_valid, 0, sizeof(config_valid));
	n_blocks = 0;
	table = mem && size >= sizeof(*table) ? mem : NULL;
	no_nodes = nodes;
	resumed = table && table->head.magic == KEPT_MAGIC &&
		  table->head.version == KEPT_VERSION &&
		  table->head.guest_size == fresh.guest_size &&
		  table->head.config_size == fresh.config_size;
	if (!table || resumed)
		return;
	if (table->head.magic) { /* KEPT4 */
		memset(&table->head.version, 0,
			sizeof(*table) - offsetof(struct table, head.version));
		__atomic_store_n(&table->head.magic, 0, __ATOMIC_RELEASE);
	}
	table->head.version = fresh.version;
	table->head.guest_size = fresh.guest_size;
	table->head.config_size = fresh.config_size;
	__atomic_store_n(&table->head.magic, fresh.magic, __ATOMIC_RELEASE);
}

size_t kept_size(void) { return sizeof(struct table); }

bool kept_resumed(void) { return resumed; }

struct kept_head *kept_head(void) { return table ? &table->head : &no_head; }

struct kept_death *kept_deaths(void) { return table ? table->death : no_deaths; }

struct pool_node *kept_pool_nodes(void) { return table ? table->node : no_nodes; }

/* ---- blocks ---- */

sk_cap_t *kept_block_frames(void) { return table ? table->block_frame : NULL; }

void kept_block_add(void *mem) { blocks[n_blocks++] = mem; }

uint32_t kept_n_blocks(void) { return n_blocks; }

uint32_t kept_places(void)
{
	uint32_t n = KEPT_PLACES_FIRST + n_blocks * KEPT_BLOCK_PLACES;

	return table && n < DOMTAB_MAX ? n : DOMTAB_MAX;
}

/* Both copies of the entry at place i, and of its configuration. */
static struct kept_guest *guest_at(uint32_t i)
{
	const uint32_t k = i - KEPT_PLACES_FIRST;

	return i < KEPT_PLACES_FIRST
		       ? table->guest[i]
		       : blocks[k / KEPT_BLOCK_PLACES]->guest[k % KEPT_BLOCK_PLACES];
}

static struct guest_config *config_at(uint32_t i)
{
	const uint32_t k = i - KEPT_PLACES_FIRST;

	return i < KEPT_PLACES_FIRST
		       ? table->config[i]
		       : blocks[k / KEPT_BLOCK_PLACES]->config[k % KEPT_BLOCK_PLACES];
}

/* ---- two copies ---- */

/* The sums find what was cut off, and what strayed there. */
static bool copy_valid(const struct stamp *s, const void *data, size_t size)
{
	return s->number && s->sum == sum_fnv1a(s->number, data, size);
}

/* Which of two copies is valid: KEPT2. */
static enum valid copy_find(const struct stamp stamp[2], const void *first, size_t size)
{
	bool a = copy_valid(&stamp[0], first, size),
	     b = copy_valid(&stamp[1], (const uint8_t *)first + size, size);

	if (a && b)
		return (int32_t)(stamp[1].number - stamp[0].number) > 0 ? SECOND : FIRST;
	return a ? FIRST : b ? SECOND : NEITHER;
}

static void copy_store(
	struct stamp stamp[2], void *first, enum valid *valid, const void *data, size_t size)
{
	uint8_t *body = first;
	struct stamp *to;
	uint32_t number = 1;

	if (*valid == UNKNOWN)
		*valid = copy_find(stamp, first, size);
	if (*valid != NEITHER) {
		if (memcmp(body + (*valid == SECOND ? size : 0), data, size) == 0)
			return;
		number = stamp[*valid == SECOND].number + 1;
		number += !number;
	}
	*valid = *valid == FIRST ? SECOND : FIRST;
	to = &stamp[*valid == SECOND];
	__atomic_store_n(&to->number, 0, __ATOMIC_SEQ_CST);
	memcpy(body + (*valid == SECOND ? size : 0), data, size);
	__atomic_store_n(&to->sum, sum_fnv1a(number, data, size), __ATOMIC_SEQ_CST);
	__atomic_store_n(&to->number, number, __ATOMIC_SEQ_CST);
}

void kept_guest_store(uint32_t i, const struct kept_guest *g)
{
	if (table)
		copy_store(table->guest_stamp[i], guest_at(i), &guest_valid[i], g, sizeof(*g));
}

void kept_config_store(uint32_t i, const struct guest_config *c)
{
	if (table)
		copy_store(
			table->config_stamp[i], config_at(i), &config_valid[i], c, sizeof(*c));
}

/* ---- what an earlier life left: KEPT3 ---- */

#define TEXT_OK(field) (memchr((field), 0, sizeof(field)) != NULL)

static bool stored_ever(const struct stamp stamp[2])
{
	return stamp[0].number || stamp[1].number;
}

bool kept_guest_stored(uint32_t i) { return table && stored_ever(table->guest_stamp[i]); }

int kept_guest_load(uint32_t i, struct kept_guest *g)
{
	enum valid k;

	if (!table || !stored_ever(table->guest_stamp[i]))
		return -SK_E_NOT_FOUND;
	k = i < kept_places() ? copy_find(table->guest_stamp[i], guest_at(i), sizeof(*g))
			      : NEITHER;
	if (k == NEITHER)
		return -SK_E_INVAL;
	*g = guest_at(i)[k == SECOND];
	if (g->state == DOM_FREE)
		return -SK_E_NOT_FOUND;
	return g->state < DOM_STATE_COUNT && g->domid && g->domid < DOMID_RESERVED &&
			       g->n_conns <= KEPT_CONNS && TEXT_OK(g->name) && TEXT_OK(g->image)
		       ? 0
		       : -SK_E_INVAL;
}

bool kept_config_load(uint32_t i, struct guest_config *c)
{
	enum valid k = table && i < kept_places()
			       ? copy_find(table->config_stamp[i], config_at(i), sizeof(*c))
			       : NEITHER;

	if (k == NEITHER)
		return false;
	*c = config_at(i)[k == SECOND];
	return guest_config_check(c) == NULL;
}

/* ---- guests that are gone ---- */

const struct kept_gone *kept_gone_at(uint32_t i)
{
	return table && table->gone[i].domid ? &table->gone[i] : NULL;
}

static struct kept_gone *gone_find(uint32_t domid)
{
	for (uint32_t i = 0; table && i < KEPT_GONE; i++)
		if (table->gone[i].domid == domid)
			return &table->gone[i];
	return NULL;
}

void kept_gone_add(uint32_t domid, const uint8_t *uuid)
{
	struct kept_gone *e = gone_find(domid);

	if (!e)
		e = gone_find(0);
	if (!e)
		return; /* xenstore has not answered for so long that its nodes stay behind */
	memcpy(e->uuid, uuid, UUID_SIZE);
	__atomic_store_n(&e->domid, domid, __ATOMIC_RELEASE);
}

void kept_gone_remove(uint32_t domid)
{
	struct kept_gone *e = gone_find(domid);

	if (e)
		__atomic_store_n(&e->domid, 0, __ATOMIC_RELEASE);
}
