/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * peers.c - attacks on whoever is at the other end of a ring
 *
 * Each is done once for each connection that it serves and each channel that it uses. Attacks
 * on requests then go on with whatever comes.
 */
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "rogue.h"

enum {
	FLOOD_ROUNDS = 64,
	SIGNALS = 500,
	/* Ticks that a late answer waits: longer than anybody waits for one. */
	LATE_TICKS = 15,
	LATE_MAX = 64,
	JUNK_MAX = 16384,
};

/* The record that is being made. */
static uint8_t rec[RECORD_MAX];

static void word_add(uint64_t *word, uint64_t more)
{
	__atomic_store_n(word, *word + more, __ATOMIC_RELEASE);
}

/* The epoch stays, also where the index goes back beyond 0. */
static void index_add(uint64_t *word, uint32_t more)
{
	word_add(word, (uint64_t)((uint32_t)*word + more) - (uint32_t)*word);
}

static uint64_t *prod(struct svc_conn *c) { return &conn_out(c)->sh->prod; }

static uint64_t *cons(struct svc_conn *c) { return &conn_in(c)->sh->cons; }

/* ---- indices and epochs ------------------------------------------------------------------ */
static void do_odd_index(struct svc_conn *c) { index_add(prod(c), 4); }

static void do_index_ahead(struct svc_conn *c) { index_add(prod(c), conn_out(c)->size + 8); }

static void do_index_back(struct svc_conn *c) { index_add(prod(c), (uint32_t)-8); }

static void do_taken_ahead(struct svc_conn *c) { index_add(cons(c), conn_in(c)->size + 8); }

static void do_taken_odd(struct svc_conn *c) { index_add(cons(c), 2); }

static void do_epoch_future(struct svc_conn *c)
{
	word_add(prod(c), 5ull << 32);
	word_add(cons(c), 5ull << 32);
}

static void do_epoch_past(struct svc_conn *c)
{
	word_add(prod(c), (uint64_t)-1 << 32);
	word_add(cons(c), (uint64_t)-1 << 32);
}

static void do_end(struct svc_conn *c)
{
	__atomic_store_n(&c->rsp.sh->end, 0xffffffff, __ATOMIC_RELEASE);
}

/* As its client: the service is to be started again. */
static void do_complain(struct svc_conn *c)
{
	__atomic_store_n(&c->req.sh->end, c->epoch + 1, __ATOMIC_RELEASE);
}

/* ---- records ----------------------------------------------------------------------------- */
static void length_put(struct svc_conn *c, uint32_t length)
{
	struct ring *r = conn_out(c);

	memcpy(r->sh->data + (r->index & (r->size - 1)), &length, sizeof(length));
	index_add(prod(c), 8);
}

static void do_length_max(struct svc_conn *c) { length_put(c, UINT32_MAX); }

static void do_length_more(struct svc_conn *c) { length_put(c, 64); }

static uint8_t junk_byte(void)
{
	static uint32_t state = 1;

	state = state * 1664525u + 1013904223u;
	return (uint8_t)(state >> 24);
}

static void junk_put(struct svc_conn *c, uint32_t len)
{
	static uint8_t junk[JUNK_MAX];

	for (uint32_t i = 0; i < len; i++)
		junk[i] = junk_byte();
	if (ring_put(conn_out(c), junk, len) == 0)
		(void)ring_put_flush(conn_out(c));
}

static void do_junk(struct svc_conn *c)
{
	for (uint32_t len = 0; len < 80; len += 8)
		junk_put(c, len);
}

static void do_long(struct svc_conn *c) { junk_put(c, ring_record_max(conn_out(c)) / 2); }

static void do_flood(struct svc_conn *c)
{
	for (uint32_t i = 0; i < FLOOD_ROUNDS; i++) {
		uint32_t len = unasked_make(c, i, rec);

		while (len && ring_put(conn_out(c), rec, len) == 0)
			(void)ring_put_flush(conn_out(c));
		svc_signal(c);
	}
}

static void do_unasked(struct svc_conn *c)
{
	uint32_t len;

	for (uint32_t n = 0; (len = unasked_make(c, n, rec)); n++)
		if (ring_put(conn_out(c), rec, len))
			break;
	(void)ring_put_flush(conn_out(c));
}

/* ---- wishes and signals ------------------------------------------------------------------ */
static void do_wishes(struct svc_conn *c)
{
	__atomic_store_n(&c->req.sh->want_room, UINT32_MAX, __ATOMIC_RELAXED);
	__atomic_store_n(&c->rsp.sh->want_data, UINT32_MAX, __ATOMIC_RELAXED);
	for (uint32_t i = 0; i < SIGNALS; i++)
		svc_signal(c);
}

static void do_nothing(struct svc_conn *c) { (void)c; }

/* ---- answers ----------------------------------------------------------------------------- */
struct held {
	struct svc_conn *c;
	uint32_t len, ticks;
	uint8_t rec[64];
};
static struct held held[LATE_MAX];
static uint32_t n_held;

/* The next answer, in rec; 0: there is no request. */
static uint32_t answer_next(struct svc_conn *c)
{
	static uint8_t req[RECORD_MAX];
	int n = svc_get(c, req, sizeof(req));

	return n < 0 ? 0 : answer_make(c->proto, req, (uint32_t)n, rec);
}

static void event_double(struct svc_conn *c)
{
	uint32_t len;

	while ((len = answer_next(c)))
		if (ring_put(&c->rsp, rec, len) || ring_put(&c->rsp, rec, len))
			break;
}

/* What it says that it has done is not done: reads have what was there, writes are lost. */
static void event_lie(struct svc_conn *c)
{
	uint32_t len;

	while ((len = answer_next(c)))
		if (ring_put(&c->rsp, rec, len))
			break;
}

static void event_late(struct svc_conn *c)
{
	uint32_t len;

	while (n_held < LATE_MAX && (len = answer_next(c))) {
		held[n_held] = (struct held){ .c = c, .len = len < 64 ? len : 64 };
		memcpy(held[n_held].rec, rec, held[n_held].len);
		n_held++;
	}
}

static void tick_late(struct svc_conn *c)
{
	for (uint32_t i = 0; i < n_held; i++)
		if (held[i].c == c && ++held[i].ticks == LATE_TICKS &&
			svc_respond(c, held[i].rec, held[i].len))
			return;
}

static void tick_wishes(struct svc_conn *c) { do_wishes(c); }

/* ---- the list ---------------------------------------------------------------------------- */
/* X(name, at the beginning, at each signal of a client, at each tick) */
#define ATTACKS(X) \
	X(silence, do_nothing, NULL, NULL) \
	X(odd_index, do_odd_index, NULL, NULL) \
	X(index_ahead, do_index_ahead, NULL, NULL) \
	X(index_back, do_index_back, NULL, NULL) \
	X(taken_ahead, do_taken_ahead, NULL, NULL) \
	X(taken_odd, do_taken_odd, NULL, NULL) \
	X(epoch_future, do_epoch_future, NULL, NULL) \
	X(epoch_past, do_epoch_past, NULL, NULL) \
	X(length_max, do_length_max, NULL, NULL) \
	X(length_more, do_length_more, NULL, NULL) \
	X(junk, do_junk, NULL, NULL) \
	X(long_record, do_long, NULL, NULL) \
	X(unasked, do_unasked, NULL, NULL) \
	X(flood, do_flood, NULL, do_flood) \
	X(wishes, do_wishes, NULL, tick_wishes) \
	X(double_answer, do_nothing, event_double, NULL) \
	X(lie, do_nothing, event_lie, NULL) \
	X(late_answer, do_nothing, event_late, tick_late) \
	X(complain, do_complain, NULL, do_complain) \
	X(end, do_end, NULL, NULL)

static const struct {
	const char *name;
	void (*begin)(struct svc_conn *c);
	void (*event)(struct svc_conn *c);
	void (*tick)(struct svc_conn *c);
} attacks[] = {
#define X(name, begin, event, tick) { #name, begin, event, tick },
	ATTACKS(X)
#undef X
};

uint32_t attacks_count(void) { return ARRAY_SIZE(attacks); }

const char *attack_name(uint32_t i) { return attacks[i].name; }

uint32_t attack_find(const char *name)
{
	uint32_t i = 0;

	while (i < ARRAY_SIZE(attacks) && strcmp(attacks[i].name, name) != 0)
		i++;
	return i;
}

void attack_do(uint32_t i, struct svc_conn *c)
{
	attacks[i].begin(c);
	svc_signal(c);
}

int attack_event(uint32_t i, struct svc_conn *c)
{
	if (i < ARRAY_SIZE(attacks) && attacks[i].event)
		attacks[i].event(c);
	return 0;
}

void attack_tick(uint32_t i, struct svc_conn *c)
{
	if (attacks[i].tick)
		attacks[i].tick(c);
}

int attack_call(uint32_t i, uint32_t label, uint64_t *mr, uint32_t *n_mr, struct svc_caps *caps)
{
	(void)i;
	(void)label;
	(void)mr;
	(void)n_mr;
	(void)caps;
	return -SK_E_NO_SYS;
}
