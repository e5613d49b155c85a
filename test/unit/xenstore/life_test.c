/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * life_test.c - clients work while the store dies again and again, at any point
 *
 * Four clients send requests without waiting for all answers. The store carries them out one by
 * one; a model of the tree does the same. A death takes all answers and events that the clients
 * have not received. Then the store is replayed, and each client sends again what was not
 * answered.
 *
 * Holds       the tree is the model's after each death and at the end: no change that was
 *             answered is lost, and none is made twice, because other clients' later changes
 *             stay. Answers are right, also those that are given again. No watch misses a
 *             change.
 */
#include <errno.h>
#include <stdlib.h>

#include "client.h"
#include "journal_stores.h"

enum {
	CLIENTS = 4,
	NODES = 8,
	PIPELINE = 24,
	ROUNDS = 200,
	TXN_LOG = 16,
	NO_TXN = 0,
};

static const char *const paths[NODES] = { "/s/a", "/s/a/x", "/s/a/y", "/s/a/z", "/s/b",
	"/s/b/x", "/s/b/y", "/s/b/z" };

/* ---- the model --------------------------------------------------------------------------- */

struct tree_model {
	struct {
		bool exists;
		uint32_t value;
	} node[NODES];
};

static unsigned int parent_of(unsigned int n) { return n & ~3u; }

struct change_model {
	uint32_t type;
	unsigned int node;
	uint32_t value;
};

/* Returns the errno that the store should answer. */
static int model_change(struct tree_model *t, const struct change_model *c)
{
	unsigned int n = c->node, i;

	switch (c->type) {
	case XS_RM:
		if (!t->node[n].exists && n != parent_of(n) && !t->node[parent_of(n)].exists)
			return ENOENT;
		for (i = n; i < (n == parent_of(n) ? n + 4 : n + 1); i++)
			t->node[i].exists = false;
		return 0;
	case XS_MKDIR:
		if (t->node[n].exists)
			return 0;
		/* fall through */
	default:
		if (!t->node[parent_of(n)].exists)
			t->node[parent_of(n)].value = 0;
		t->node[parent_of(n)].exists = true;
		t->node[n].exists = true;
		t->node[n].value = c->value;
		return 0;
	}
}

static struct tree_model model;

/* ---- clients ----------------------------------------------------------------------------- */

struct asked {
	struct change_model c;
	uint64_t seq;
	uint32_t tx;
	/* Carried out, with this result, although a death may have taken the answer. */
	bool done;
	int err;
	uint32_t new_tx;
	/* It made a record of its own in the journal. */
	bool recorded;
};

static struct player {
	struct session *sess;
	uint32_t key;
	enum role role;
	uint16_t domid;
	uint64_t last_seq;
	struct asked queue[PIPELINE];
	unsigned int n, n_done;
	/* Its transaction, and what was changed in it; NO_TXN while the answer is awaited. */
	uint32_t tx;
	bool tx_asked, tx_doomed;
	struct change_model log[TXN_LOG];
	unsigned int n_log, n_tx_asked;
	/* Has a watch on /s/a that was not told of a change; events in its ring. */
	bool watches, news;
	unsigned int n_events;
} players[CLIENTS] = {
	{ .key = 100, .role = ROLE_CONTROL },
	{ .key = 5, .role = ROLE_GUEST, .domid = 5 },
	{ .key = 5, .role = ROLE_BACKEND, .domid = 5 },
	{ .key = 6, .role = ROLE_GUEST, .domid = 6 },
};

static struct quota quota;
static struct journal J;
static uint32_t last_value, deaths, repeats;
static unsigned long seed;

static unsigned int chance(unsigned int n)
{
	seed = seed * 6364136223846793005ul + 1442695040888963407ul;
	return (unsigned int)(seed >> 33) % n;
}

/* A request that the player may make now. */
static struct change_model request_choose(struct player *p)
{
	static const uint32_t types[] = { XS_WRITE, XS_WRITE, XS_WRITE, XS_RM, XS_MKDIR,
		XS_READ };
	struct change_model c = { .node = chance(NODES) };

	c.type = types[chance(6)];
	if (!p->tx_asked && chance(6) == 0)
		c.type = XS_TRANSACTION_START;
	else if (p->tx && chance(4) == 0)
		c.type = XS_TRANSACTION_END;
	else if (chance(12) == 0)
		c.type = p->watches ? XS_UNWATCH : XS_WATCH;
	if (c.type == XS_WRITE)
		c.value = ++last_value;
	return c;
}

static void player_asks(struct player *p)
{
	struct asked a = { .c = request_choose(p), .seq = ++p->last_seq };

	switch (a.c.type) {
	case XS_WATCH:
	case XS_UNWATCH:
		p->watches = a.c.type == XS_WATCH;
		break;
	case XS_TRANSACTION_START:
		p->tx_asked = true;
		p->n_tx_asked = 0;
		break;
	case XS_TRANSACTION_END:
		a.tx = p->tx;
		p->tx = NO_TXN;
		break;
	default:
		if (p->tx && chance(2) && p->n_tx_asked++ < TXN_LOG)
			a.tx = p->tx;
	}
	p->queue[p->n++] = a;
}

static void request_send(struct player *p, const struct asked *a)
{
	char body[64];
	int n = snprintf(body, sizeof(body), "%s%c", paths[a->c.node], 0);

	switch (a->c.type) {
	case XS_WRITE:
		n += snprintf(body + n, sizeof(body) - (size_t)n, "%u", a->c.value);
		break;
	case XS_TRANSACTION_START:
	case XS_TRANSACTION_END:
		n = snprintf(body, sizeof(body), "%s%c",
			a->c.type == XS_TRANSACTION_END ? "T" : "", 0);
		break;
	case XS_WATCH:
	case XS_UNWATCH:
		n = snprintf(body, sizeof(body), "/s/a%ct%c", 0, 0);
		break;
	default:
		break;
	}
	ask_seq(p->sess, a->seq, a->c.type, a->tx, body, (size_t)n);
}

static int answer_error(void)
{
	if (R.hdr.type != XS_ERROR)
		return 0;
	for (size_t i = 0; i < sizeof(xsd_errors) / sizeof(xsd_errors[0]); i++)
		if (!strcmp(xsd_errors[i].errstring, R.body))
			return xsd_errors[i].errnum;
	return -1;
}

/* ---- carrying out ------------------------------------------------------------------------ */

static void news_everywhere(const struct tree_model *before)
{
	for (unsigned int n = 0; n < 4; n++)
		if (before->node[n].exists != model.node[n].exists ||
			(model.node[n].exists && before->node[n].value != model.node[n].value))
			for (unsigned int i = 0; i < CLIENTS; i++)
				players[i].news = true;
}

/* The transaction of the player ends with result `err`, in the model. */
static void model_commit(struct player *p, int err)
{
	assert_int_equal(err, p->tx_doomed || err ? EAGAIN : 0);
	for (unsigned int i = 0; i < p->n_log && !err; i++)
		(void)model_change(&model, &p->log[i]);
	p->n_log = 0;
}

/* A request that the store has carried out with result `err`, for the first time. */
static void model_request(struct player *p, struct asked *a, int err)
{
	struct tree_model before = model;

	a->err = err;
	a->done = true;
	a->recorded = !a->tx;
	switch (a->c.type) {
	case XS_READ:
		a->recorded = false;
		if (!a->tx)
			assert_int_equal(!err, model.node[a->c.node].exists);
		break;
	case XS_WATCH:
	case XS_UNWATCH: /* twice would be EEXIST or ENOENT */
	case XS_TRANSACTION_START:
		assert_int_equal(err, 0);
		break;
	case XS_TRANSACTION_END:
		a->recorded = true;
		model_commit(p, err);
		break;
	default:
		if (!a->tx) {
			assert_int_equal(err, model_change(&model, &a->c));
			a->recorded = memcmp(&before, &model, sizeof(model)) != 0;
		} else if (!err) {
			p->log[p->n_log++] = a->c;
		}
	}
	news_everywhere(&before);
}

/* Is the answer in the journal? */
static bool kept(const struct player *p, const struct asked *a)
{
	for (; a < p->queue + p->n; a++)
		if (a->done && a->recorded)
			return true;
	return false;
}

/* A request that was carried out before the death. What it changed is in the model. */
static void repeated(struct player *p, struct asked *a, int err)
{
	repeats++;
	if (a->c.type == XS_READ)
		return;
	if (kept(p, a))
		assert_int_equal(err, a->err);
	else if (a->tx)
		a->err = err; /* of a transaction that will end with EAGAIN */
	else
		model_request(p, a, err); /* it had changed nothing */
}

static void carry_out(struct player *p)
{
	struct asked *a = &p->queue[p->n_done];

	request_send(p, a);
	if (a->c.type == XS_TRANSACTION_START) {
		assert_int_equal(wire_u32(R.body, &a->new_tx), 0);
		p->tx_doomed &= a->done;
	}
	if (a->done)
		repeated(p, a, answer_error());
	else
		model_request(p, a, answer_error());
	p->n_done++;
}

static void answers_arrive(struct player *p, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		const struct asked *a = &p->queue[i];

		if (a->c.type == XS_TRANSACTION_START)
			p->tx = a->new_tx;
		if (a->c.type == XS_TRANSACTION_END)
			p->tx_asked = p->tx_doomed = false;
	}
	p->n -= n;
	p->n_done -= n;
	memmove(p->queue, p->queue + n, p->n * sizeof(p->queue[0]));
}

/* The store puts events into the client's ring, and the client takes some. */
static void events_move(struct player *p)
{
	struct reply ev;

	while (p->n_events < 4 && session_event(p->sess, &ev)) {
		event_pop(p->sess);
		p->n_events++;
	}
	if (!p->n_events || chance(2))
		return;
	p->n_events = 0;
	p->news = p->sess->n_events || p->sess->n_collapsed;
}

/* ---- deaths ------------------------------------------------------------------------------ */

static uint64_t frozen[sizeof(area) / sizeof(area[0])];
static unsigned int stores_left;

static void before_store(void)
{
	if (stores_left && --stores_left == 0)
		memcpy(frozen, area, sizeof(area));
}

static bool tree_is(const struct tree_model *t)
{
	char value[16];

	for (unsigned int i = 0; i < NODES; i++) {
		struct node *node = tree_find(S.root, paths[i]);

		snprintf(value, sizeof(value), "%u", t->node[i].value);
		if (!t->node[i].value)
			value[0] = '\0';
		if (!node != !t->node[i].exists)
			return false;
		if (node && (node->data->value_len != strlen(value) ||
				    memcmp(data_value(node->data), value, strlen(value))))
			return false;
	}
	return true;
}

static void sessions_resume(void)
{
	for (unsigned int i = 0; i < CLIENTS; i++) {
		struct player *p = &players[i];

		assert_int_equal(session_open(&S, p->key, p->role, p->domid, &p->sess), 0);
		p->n_done = 0;
		p->n_events = 0;
		p->tx_doomed = p->tx_asked;
	}
}

static void begin_again(void)
{
	struct journal_report report;

	mem_set_limit(SIZE_MAX);
	assert_int_equal(store_init(&S, &quota), 0);
	assert_int_equal(journal_attach(&J, area, sizeof(area)), 0);
	persist_replay(&S, &J, &report);
	assert_int_equal(report.quarantined, 0);
	assert_int_equal(store_check(&S), 0);
	sessions_resume();
}

/* All that was carried out is in the journal. */
static void die_between_requests(void)
{
	store_fini(&S);
	begin_again();
	assert_true(tree_is(&model));
}

static bool noted(const struct session *sess, uint64_t seq)
{
	for (unsigned int i = 0; i < NOTES; i++)
		if (sess->notes[i].seq == seq)
			return true;
	return false;
}

/* Carries out one request, and dies at a store into the journal on the way. */
static void die_within(struct player *p)
{
	struct asked *a = &p->queue[p->n_done], was = *a;
	struct tree_model before = model;
	unsigned int n_log = p->n_log;

	stores_left = 1 + chance(40);
	carry_out(p);
	if (stores_left)
		memcpy(frozen, area, sizeof(area));
	stores_left = 0;
	store_fini(&S);
	memcpy(area, frozen, sizeof(area));
	begin_again();
	if (!noted(p->sess, was.seq)) {
		model = before;
		p->n_log = n_log;
		*a = was;
	}
	assert_true(tree_is(&model));
}

/* ---- the game ---------------------------------------------------------------------------- */

static void step(void)
{
	struct player *p = &players[chance(CLIENTS)];

	switch (chance(5)) {
	case 0:
	case 1:
		if (p->n < PIPELINE)
			player_asks(p);
		break;
	case 2:
	case 3:
		if (p->n_done < p->n)
			carry_out(p);
		break;
	default:
		answers_arrive(p, chance(p->n_done + 1));
		events_move(p);
	}
}

static void finish(void)
{
	for (unsigned int i = 0; i < CLIENTS; i++) {
		while (players[i].n_done < players[i].n)
			carry_out(&players[i]);
		answers_arrive(&players[i], players[i].n);
	}
	die_between_requests();
	for (unsigned int i = 0; i < CLIENTS; i++)
		for (unsigned int n = 0; n < 1000 && players[i].news && players[i].watches; n++)
			events_move(&players[i]);
	for (unsigned int i = 0; i < CLIENTS; i++)
		assert_false(players[i].watches && players[i].news);
}

static void game(unsigned long number)
{
	seed = number;
	memset(&model, 0, sizeof(model));
	for (unsigned int i = 0; i < CLIENTS; i++)
		players[i] = (struct player){ .key = players[i].key,
			.role = players[i].role,
			.domid = players[i].domid };
	assert_int_equal(journal_format(&J, area, sizeof(area)), 0);
	begin_again();
	ask_seq(players[0].sess, 0, XS_MKDIR, 0, "/s", 3);
	ask_seq(players[0].sess, 0, XS_SET_PERMS, 0, "/s\0b0", 6);
	DONE();
	for (unsigned int round = 0; round < ROUNDS; round++) {
		for (unsigned int n = chance(40); n; n--)
			step();
		deaths++;
		for (unsigned int i = chance(CLIENTS), n = 0; n < CLIENTS; n++, i++)
			if (players[i % CLIENTS].n_done < players[i % CLIENTS].n) {
				die_within(&players[i % CLIENTS]);
				break;
			}
		if (chance(4) == 0)
			die_between_requests();
	}
	finish();
	store_fini(&S);
	assert_int_equal(mem_used(), 0);
}

static void no_answered_change_is_lost_and_none_is_made_twice(void **state)
{
	(void)state;
	quota = quota_default;
	quota.domains = 2; /* little memory is enough for their sure shares */
	for (unsigned long number = 1; number <= 8; number++)
		game(number);
	print_message("%u deaths, %u requests repeated\n", deaths, repeats);
	assert_true(repeats > 1000);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(no_answered_change_is_lost_and_none_is_made_twice),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
