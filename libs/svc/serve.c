/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serve.c - the service ends of connections
 *
 * Objects     struct conn per connection, on the heap, with its frames mapped and their
 *             capabilities.
 * Lifecycle   OPEN -> (DEAD after a breach) -> CLOSING while something is in flight -> CLOSED
 *             until a closer has received the result -> GONE. serve_reap() frees it between
 *             events, because handlers may still hold the pointer.
 * Invariants  CONN1 no two connections have the same number, not even one of this life and one
 *                   of an earlier life that is opened again. A number is chosen again only
 *                   after all others of this life
 *             CONN2 only OPEN connections get events
 *             CONN3 a connection has everything for its end from the start (a Reply object to
 *                   keep the closer waiting), so that a domain that is out of memory can still
 *                   close it
 *             CONN4 a client that waits for a turn gets it before a client that has just had
 *                   one
 *             CONN5 no connection stays open that is unknown to its connector: if the opener
 *                   has given up, the connection is closed here. The result of a close is kept
 *                   for the closer, which may ask more than once
 *             CONN6 a client publishes what it signals for before it signals, so the others of
 *                   its bit have no event
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include "caps/caps.h"
#include "svc/internal.h"
#include "svc/step.h"

enum conn_state { OPEN, CLOSING, CLOSED, GONE };

/* A frame that came with SVC_OPEN. */
struct view {
	/* NULL: not mapped. */
	void *at;
	sk_cap_t frame;
	uint32_t order;
};

struct conn {
	struct svc_conn c; /* first */
	struct conn *next, *next_of_bit;
	enum conn_state state;
	struct view rings, data, own;
	uint32_t req_size;
	/* CONN3. In state CLOSING, of the waiting caller. */
	sk_cap_t reply;
	/* CLOSING: the badge of the connector that asked last; 0: none. */
	uint32_t closer;
	/* CLOSING: no connector knows of it, and none will ask. */
	bool orphan;
	/* CLOSED: the result for the closer. */
	int result;
	/* CONN4: it waits for its next turn. */
	bool queued;
	TAILQ_ENTRY(conn) turn;
};
static const struct svc_service *service;
/* All of them, and by notification bit. */
static struct conn *conns, *conns_of_bit[CLIENT_BITS];
static uint32_t n_gone;
/* CONN1: the lower half of the number that was chosen last; the upper half is this life's. */
static uint16_t last_number;
static TAILQ_HEAD(, conn) turns = TAILQ_HEAD_INITIALIZER(turns);
static uint32_t n_turns;

static bool live(const struct conn *k) { return k->state == OPEN && !k->c.dead; }

struct svc_conn *svc_conn_next(struct svc_conn *after)
{
	struct conn *k = after ? ((struct conn *)after)->next : conns;

	while (k && (k->state >= CLOSED || (k->state == CLOSING && !k->c.priv)))
		k = k->next;
	return k ? &k->c : NULL;
}

static struct conn *conn_find(uint64_t number)
{
	struct conn *k = conns;

	while (k && (k->c.number != number || k->state == GONE))
		k = k->next;
	return k;
}

/* Tell the client. The rings are still mapped, since the connection is not closed. */
static void end_tell(struct conn *k, enum svc_end end)
{
	k->c.end = end;
	end_publish(k->rings.at, k->req_size, end);
	edge_signal(k->c.signal);
}

static void conn_drop(struct svc_conn *c, enum svc_end end, const char *why)
{
	if (c->dead)
		return;
	c->dead = true;
	end_tell((struct conn *)c, end);
	edge_log_about(c->client & SVC_STATIC ? 0 : c->client);
	printf("connection %u of client %#x dropped: %s\n", (unsigned int)c->number,
		(unsigned int)c->client, why);
	(void)fflush(stdout);
	edge_log_about(0);
}

void svc_conn_kill(struct svc_conn *c, const char *why) { conn_drop(c, SVC_END_BREACH, why); }

static void turn_want(struct conn *k)
{
	if (k->queued)
		return;
	k->queued = true;
	TAILQ_INSERT_TAIL(&turns, k, turn);
	n_turns++;
}

static void turn_drop(struct conn *k)
{
	if (!k->queued)
		return;
	k->queued = false;
	TAILQ_REMOVE(&turns, k, turn);
	n_turns--;
}

static void drop_in(struct message *q)
{
	for (uint32_t i = 0; i < q->caps.n_in; i++)
		cap_drop(q->caps.in[i]);
	q->caps.n_in = 0;
}

/* ---- open -------------------------------------------------------------------------------- */
struct open_request {
	struct svc_open_msg m;
	const void *params;
};

static int open_decode(const struct message *q, struct open_request *o)
{
	const struct svc_open_msg *m = &o->m;

	if (q->no_slots)
		return -SK_E_LIMIT;
	if (q->n < SVC_PARAMS_WORD)
		return -SK_E_INVAL;
	memcpy(&o->m, q->mr, sizeof(o->m));
	o->params = &q->mr[SVC_PARAMS_WORD];
	if (m->params_len > (q->n - SVC_PARAMS_WORD) * 8)
		return -SK_E_INVAL;
	if (service->proto != SVC_PROTO_END && m->proto != service->proto)
		return -SK_E_INVAL;
	if (m->number && conn_find(m->number))
		return -SK_E_EXISTS; /* CONN1 */
	if (m->version != svc_proto_info(m->proto)->version)
		return -SK_E_INVAL;
	if (m->req_size % SK_PAGE_SIZE || m->rsp_size % SK_PAGE_SIZE ||
		m->data_size < service->min_data)
		return -SK_E_INVAL;
	if (q->caps.n_in != 2u + !!m->data_size + !!m->own_size)
		return -SK_E_INVAL;
	return edge_can_signal(q->caps.in[1]) ? 0 : -SK_E_INVAL;
}

enum view_use { VIEW_MAP, VIEW_HOLD };

/* The frame must have `size` bytes. */
static int view_open(struct view *v, sk_cap_t frame, uint64_t size, enum view_use use)
{
	v->frame = frame;
	v->order = edge_frame_order(frame);
	if (!v->order || 1ull << v->order < size)
		return -SK_E_INVAL;
	return use == VIEW_MAP ? vm_map(frame, v->order, SK_R | SK_W, &v->at) : 0;
}

static void view_close(struct view *v)
{
	if (v->at)
		vm_unmap(v->at, v->frame, v->order);
	v->at = NULL;
}

static void views_close(struct conn *k)
{
	view_close(&k->rings);
	view_close(&k->data);
	view_close(&k->own);
}

static int views_open(struct conn *k, const struct open_request *o, const sk_cap_t *caps)
{
	int rc = view_open(
		&k->rings, caps[0], (uint64_t)o->m.req_size + o->m.rsp_size, VIEW_MAP);

	caps += 2; /* the data and own frames follow the signal */
	if (!rc && o->m.data_size)
		rc = view_open(&k->data, *caps++, o->m.data_size,
			service->data_unmapped ? VIEW_HOLD : VIEW_MAP);
	if (!rc && o->m.own_size)
		rc = view_open(&k->own, *caps, o->m.own_size, VIEW_MAP);
	return rc;
}

static int conn_map(struct conn *k, const struct open_request *o, const sk_cap_t *caps)
{
	struct svc_conn *c = &k->c;
	int rc = views_open(k, o, caps);

	k->req_size = o->m.req_size;
	if (!rc)
		rc = ring_init(
			&c->req, k->rings.at, o->m.req_size, RING_SERVICE_GETS, o->m.epoch);
	if (!rc)
		rc = ring_init(&c->rsp, (uint8_t *)k->rings.at + o->m.req_size, o->m.rsp_size,
			RING_SERVICE_PUTS, o->m.epoch);
	if (rc)
		views_close(k);
	c->data = k->data.at;
	c->data_size = o->m.data_size;
	c->data_frame = k->data.frame;
	c->own = k->own.at;
	c->own_size = o->m.own_size;
	return rc;
}

/* CONN1. There are far less connections than numbers. */
static uint32_t number_choose(void)
{
	uint32_t number;

	do {
		if (++last_number == 0)
			last_number = 1;
		number = svc_info()->epoch << 16 | last_number;
	} while (conn_find(number));
	return number;
}

static struct conn *conn_new(const struct message *q, const struct open_request *o)
{
	struct conn *k = calloc(1, sizeof(*k));

	if (!k)
		return NULL;
	k->c.proto = o->m.proto;
	k->c.client = o->m.client;
	k->c.epoch = o->m.epoch;
	k->c.badge = q->badge;
	k->c.signal = q->caps.in[1];
	k->c.number = o->m.number ? o->m.number : number_choose(); /* CONN1 */
	return k;
}

static uint32_t conn_bit(const struct conn *k) { return k->c.number % CLIENT_BITS; }

/*
 * The epoch begins, in the request ring first (channel.c). A client of an earlier life sends as
 * soon as it sees that, so there may be records already.
 */
static void epoch_begin(struct conn *k)
{
	struct svc_conn *c = &k->c;

	if (__atomic_load_n(&c->rsp.sh->end, __ATOMIC_ACQUIRE)) {
		c->dead = true;
		return;
	}
	ring_restart(&c->req, c->epoch);
	ring_restart(&c->rsp, c->epoch);
	if (svc_more(c))
		turn_want(k);
	svc_step(SVC_STEP_EPOCH, c);
	if (c->epoch)
		edge_signal(c->signal);
}

static int open_commit(struct message *q, const struct open_request *o)
{
	struct conn *k = conn_new(q, o);
	sk_cap_t signal;
	int rc;

	if (!k)
		return -SK_E_NO_MEM;
	k->reply = loop_reply_new(); /* CONN3 */
	rc = k->reply ? conn_map(k, o, q->caps.in) : -SK_E_NO_MEM;
	if (rc)
		goto free_conn;
	rc = svc_ntfn_badged(OWN_BITS + conn_bit(k), &signal);
	if (rc)
		goto unmap;
	svc_step(SVC_STEP_OPEN, NULL);
	rc = service->open(&k->c, o->params, (uint32_t)o->m.params_len, &q->mr[2]);
	if (rc)
		goto drop_signal;
	svc_step(SVC_STEP_OPENED, NULL);
	k->next = conns;
	conns = k;
	k->next_of_bit = conns_of_bit[conn_bit(k)];
	conns_of_bit[conn_bit(k)] = k;
	epoch_begin(k);
	q->mr[1] = q->number = k->c.number;
	q->n = 4;
	q->caps.out[0] = signal;
	q->caps.n_out = 1;
	q->caps.move_out = true;
	return 0;
drop_signal:
	cap_drop(signal);
unmap:
	views_close(k);
free_conn:
	if (k->reply)
		loop_reply_free(k->reply);
	free(k);
	return rc;
}

static bool connector(const struct message *q)
{
	return q->badge == SVC_BADGE_INIT || q->badge == SVC_BADGE_CONTROL;
}

static int serve_open(struct message *q)
{
	struct open_request o;
	int rc = connector(q) ? open_decode(q, &o) : -SK_E_DENIED;

	if (!rc) {
		struct message answer = {
			.label = q->label, .badge = q->badge, .caps = q->caps
		};

		rc = open_commit(&answer, &o);
		if (!rc) {
			*q = answer;
			return 0;
		}
	}
	drop_in(q);
	return rc;
}

/* ---- close ------------------------------------------------------------------------------- */
/* The struct is freed later, when no handler can hold it any more. */
static void conn_end(struct conn *k)
{
	loop_reply_free(k->reply);
	k->state = GONE;
	n_gone++;
}

/* Frames and signals are dropped now. */
static void conn_close(struct conn *k, int result)
{
	turn_drop(k);
	if (!k->orphan && !k->c.dead)
		end_tell(k, SVC_END_CLOSED);
	views_close(k);
	cap_drop(k->rings.frame);
	cap_drop(k->data.frame);
	cap_drop(k->own.frame);
	cap_drop(k->c.signal);
	k->c.dead = true;
	k->result = result;
	k->state = CLOSED;
	svc_step(SVC_STEP_CLOSED, NULL);
	if (k->orphan)
		conn_end(k);
}

void svc_closed(struct svc_conn *c, int result)
{
	const uint64_t mr[2] = { 0, (uint64_t)(int64_t)result };
	struct conn *k = (struct conn *)c;

	if (k->state != CLOSING || (!k->closer && !k->orphan))
		return;
	conn_close(k, result);
	if (k->state == CLOSED && loop_answer(k->reply, mr, 2))
		conn_end(k);
}

/* Begin the end. True: nothing is in flight, and *result is valid. */
static bool close_begin(struct conn *k, int *result)
{
	svc_step(SVC_STEP_CLOSE, NULL);
	k->state = CLOSING;
	*result = service->close ? service->close(&k->c) : 0;
	return *result != -SK_E_AGAIN;
}

/* CONN5: an earlier caller is gone, or is replaced now. */
static int close_wait(struct conn *k, const struct message *q, bool *later)
{
	if (k->closer && k->closer != q->badge)
		return -SK_E_BUSY;
	k->closer = q->badge;
	k->reply = loop_keep_caller(k->reply); /* CONN3 */
	*later = true;
	return 0;
}

static int serve_close(struct message *q, bool *later)
{
	struct conn *k = q->n ? conn_find(q->mr[0]) : NULL;
	int result;

	if (!k)
		return -SK_E_NOT_FOUND;
	if (q->badge != k->c.badge && q->badge != SVC_BADGE_INIT)
		return -SK_E_DENIED;
	if (k->state == OPEN && close_begin(k, &result))
		conn_close(k, result);
	if (k->state == CLOSING)
		return close_wait(k, q, later);
	q->mr[1] = (uint64_t)(int64_t)k->result;
	q->n = 2;
	q->number = k->c.number;
	return 0;
}

static void serve_answered(const struct message *q, bool heard)
{
	struct conn *k = q->number ? conn_find(q->number) : NULL;
	int result;

	if (k && heard && k->state == CLOSED)
		conn_end(k);
	if (!k || heard || k->state != OPEN)
		return;
	printf("connection %u of client %#x: the connector that wanted it has given up\n",
		(unsigned int)k->c.number, (unsigned int)k->c.client);
	if (close_begin(k, &result)) {
		k->orphan = true;
		conn_close(k, result);
	}
	k->orphan = true; /* CONN5 */
}

static void serve_reap(void)
{
	struct conn **p = &conns, **same, *k;

	while (n_gone && (k = *p)) {
		if (k->state != GONE) {
			p = &k->next;
			continue;
		}
		*p = k->next;
		for (same = &conns_of_bit[conn_bit(k)]; *same != k;)
			same = &(*same)->next_of_bit;
		*same = k->next_of_bit;
		free(k);
		n_gone--;
	}
}

/* ---- calls ------------------------------------------------------------------------------- */
static int serve_stats(struct message *q)
{
	struct conn *k = NULL;

	if (!service->stats || !q->n)
		return -SK_E_NO_SYS;
	if (q->mr[0] && (!(k = conn_find(q->mr[0])) || k->state == CLOSED))
		return -SK_E_NOT_FOUND;
	q->n = 1 + service->stats(k ? &k->c : NULL, q->mr);
	return 0;
}

/* CONN5: are all connections closed that no connector knows of? */
static int serve_ping(const struct message *q)
{
	for (struct conn *k = conns; k; k = k->next)
		if (k->orphan && k->state == CLOSING && k->c.badge == q->badge)
			return -SK_E_BUSY;
	return 0;
}

static int serve_usage(struct message *q)
{
	if (!q->n)
		return -SK_E_INVAL;
	q->n = SVC_USAGE_WORD +
	       account_report(q->badge, q->mr) * (uint32_t)sizeof(struct svc_usage) / 8;
	return 0;
}

static int serve_find(struct message *q)
{
	struct conn *k = conns;

	if (!q->n)
		return -SK_E_INVAL;
	while (k && (k->state == GONE || k->orphan || k->c.badge != q->badge ||
			    k->c.client != q->mr[0]))
		k = k->next;
	q->mr[1] = k ? k->c.number : 0;
	q->n = 2;
	return 0;
}

static int serve_other(struct message *q)
{
	int rc;

	if (q->label > UINT32_MAX || !service->call) {
		drop_in(q);
		return -SK_E_NO_SYS;
	}
	rc = service->call((uint32_t)q->label, q->badge, q->mr, &q->n, &q->caps);
	if (rc)
		q->caps.n_out = 0;
	return rc;
}

static int serve_label(struct message *q, bool *later)
{
	if (q->label == SVC_OPEN)
		return serve_open(q);
	if (q->label >= SVC_FIRST)
		return serve_other(q);
	drop_in(q);
	switch (q->label) {
	case SVC_CLOSE:
		return serve_close(q, later);
	case SVC_PING:
		return serve_ping(q);
	case SVC_FIND:
		return serve_find(q);
	case SVC_USAGE:
		return serve_usage(q);
	case SVC_STATS:
		return serve_stats(q);
	default:
		return -SK_E_NO_SYS;
	}
}

static void serve_call(struct message *q, bool *later)
{
	int rc = serve_label(q, later);

	if (rc || !q->n)
		q->n = 1;
	q->mr[0] = (uint64_t)(int64_t)rc;
}

/* ---- signals and turns ------------------------------------------------------------------- */
static void conn_serve(struct conn *k)
{
	uint32_t before;
	bool more;
	int rc;

	do {
		before = k->c.req.index;
		svc_step(SVC_STEP_EVENT, &k->c);
		rc = service->event ? service->event(&k->c) : 0;
		if (rc == -SK_E_LIMIT || rc == -SK_E_NO_MEM)
			conn_drop(&k->c, SVC_END_LIMIT, "it reached a limit");
		else if (rc && rc != -SK_E_AGAIN)
			svc_conn_kill(&k->c, "it broke the protocol");
		if (!live(k))
			return;
	} while (turn_goes_on(&k->c, before, &more));
	if (more && turn_over(&k->c))
		turn_want(k);
}

static void conn_event(struct conn *k)
{
	if (!turn_begin(&k->c)) {
		turn_want(k);
		return;
	}
	svc_work_for(&k->c);
	conn_serve(k);
	svc_work_for(NULL);
}

/*
 * Many clients may share a bit: CONN6. The client's wish to be signalled for more is made anew,
 * also if its records were taken since it signalled.
 */
static bool woken(struct conn *k)
{
	bool room = ring_woken(&k->c.rsp);

	return svc_more(&k->c) || room;
}

static void serve_signals(uint64_t word)
{
	for (; word; word &= word - 1)
		for (struct conn *k = conns_of_bit[__builtin_ctzll(word)]; k;
			k = k->next_of_bit)
			if (live(k) && !k->queued && woken(k)) /* CONN2, CONN4 */
				conn_event(k);
}

static bool serve_turns_wanted(void) { return n_turns != 0; }

/*
 * CONN4. Clients that meanwhile want another turn, or skipped theirs, wait for the next call.
 */
static void serve_turns(void)
{
	for (uint32_t n = n_turns; n && n_turns; n--) {
		struct conn *k = TAILQ_FIRST(&turns);

		turn_drop(k);
		if (live(k))
			conn_event(k);
	}
}

void svc_resume(struct svc_conn *c)
{
	struct conn *k = (struct conn *)c;

	if (c->channel)
		loop_raise(channel_bit(c));
	else if (live(k))
		turn_want(k);
}

int svc_serve(const struct svc_service *s)
{
	static const struct serving serving = { .call = serve_call,
		.answered = serve_answered,
		.signals = serve_signals,
		.turns = serve_turns,
		.turns_wanted = serve_turns_wanted,
		.reap = serve_reap,
		.work_for = svc_work_for };

	if (!loop_serve(&serving))
		return -SK_E_EXISTS;
	service = s;
	return 0;
}
