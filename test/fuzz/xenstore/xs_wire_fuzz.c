/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_wire_fuzz.c - two hostile guests, a back end and control against one small store with a
 * journal
 *
 * Input       steps: a byte for the client and the operation, then its operands. Two bytes
 *             before each message give its length, so that the lengths inside can be wrong.
 *             Payloads may also be composed from a list of useful strings.
 * Holds       no memory error, consistent accounts, nothing left at the end, and the journal
 *             restores the same tree.
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persist.h"
#include "store.h"
#include "wire.h"

enum { N_SESSIONS = 4 };

static const struct quota small = {
	.domains = 3,
	.nodes = 20,
	.node_size = 256,
	.perms = 3,
	.watches = 6,
	.txns = 3,
	.txn_paths = 12,
	.events = 5,
	.event_bytes = 1024,
	.memory = 16384,
	.snapshot = 8192,
};

static const char *const words[] = {
	"/",
	"device",
	"/local/domain/5/device/x",
	"/local/domain/5/device",
	"device/x",
	"device/x/y",
	"/shared",
	"/shared/a",
	"/shared/a/b",
	"/local/domain/0/backend/vbd/5",
	"backend/vbd/5/state",
	"@releaseDomain",
	"@introduceDomain",
	"n0",
	"r5",
	"b5",
	"w6",
	"n5",
	"n6",
	"T",
	"F",
	"5",
	"6",
	"0",
	"check",
	"t",
	"/local",
};

static uint64_t area[1 << 13], area2[1 << 13];
static struct store s;
static struct session *sess[N_SESSIONS];
static struct reply reply;
static uint64_t seq;

struct input {
	const uint8_t *at;
	size_t left;
};

static uint8_t next(struct input *in)
{
	if (!in->left)
		return 0;
	in->left--;
	return *in->at++;
}

static void require_at(int ok, int line)
{
	if (ok)
		return;
	fprintf(stderr, "line %d does not hold\n", line);
	abort();
}
#define require(ok) require_at(ok, __LINE__)

static void send(struct session *who, const void *msg, size_t len)
{
	uint8_t *exact = malloc(len + !len);

	memcpy(exact, msg, len);
	if (!session_request(&s, who, seq++, exact, len, &reply))
		require(reply_size(&reply) <= sizeof(reply));
	free(exact);
}

static void raw(struct input *in, struct session *who)
{
	size_t len = next(in) | (size_t)next(in) << 8;

	if (len > in->left)
		len = in->left;
	send(who, in->at, len);
	in->at += len;
	in->left -= len;
}

static void composed(struct input *in, struct session *who)
{
	struct reply msg = { .hdr = { .type = next(in) } };
	unsigned n = next(in);

	msg.hdr.tx_id = next(in) & 3;
	for (; n & 7; n--) {
		uint8_t w = next(in);
		const char *word = words[w % (sizeof(words) / sizeof(words[0]))];

		reply_put(&msg, word, strlen(word) + !(w & 0x80));
	}
	send(who, &msg, reply_size(&msg));
}

static void drain(struct session *who, unsigned n)
{
	while (n-- && session_event(who, &reply))
		event_pop(who);
}

static void open_all(void)
{
	static const struct {
		uint32_t key;
		enum role role;
		uint16_t domid;
	} who[N_SESSIONS] = {
		{ 5, ROLE_GUEST, 5 },
		{ 6, ROLE_GUEST, 6 },
		{ 5, ROLE_BACKEND, 5 },
		{ 100, ROLE_CONTROL, 0 },
	};
	int i;

	for (i = 0; i < N_SESSIONS; i++)
		if (!sess[i])
			require(!session_open(
				&s, who[i].key, who[i].role, who[i].domid, &sess[i]));
}

/* Connections come and go, together with their domain or without it. */
static void coming_and_going(struct input *in, unsigned who)
{
	uint8_t how = next(in);

	if (how & 1)
		seq -= seq > 1;
	if (how & 2) {
		session_close(&s, sess[who]);
		sess[who] = NULL;
	}
	if (how & 4)
		store_release(&s, NULL, who == 1 ? 6 : 5);
	open_all();
}

static void begin(void)
{
	static struct journal j;
	struct journal_report report;

	mem_set_limit(SIZE_MAX);
	seq = 1;
	require(!journal_format(&j, area, sizeof(area)));
	require(!store_init(&s, &small));
	persist_replay(&s, &j, &report);
	memset(sess, 0, sizeof(sess));
	open_all();
#define SETUP(type_, body) \
	do { \
		struct { \
			struct xsd_sockmsg hdr; \
			char b[64]; \
		} m = { .hdr = { .type = type_, .len = sizeof(body) - 1 } }; \
		memcpy(m.b, body, sizeof(body) - 1); \
		send(sess[3], &m, sizeof(m.hdr) + sizeof(body) - 1); \
		require(reply.hdr.type != XS_ERROR); \
	} while (0)
	SETUP(XS_MKDIR, "/shared\0");
	SETUP(XS_SET_PERMS, "/shared\0b0\0");
	SETUP(XS_MKDIR, "/local/domain/5/device\0");
	SETUP(XS_SET_PERMS, "/local/domain/5/device\0n5\0");
	SETUP(XS_MKDIR, "/local/domain/0/backend/vbd/5\0");
	SETUP(XS_INTRODUCE, "5\0"
			    "1\0"
			    "1\0");
	SETUP(XS_INTRODUCE, "6\0"
			    "1\0"
			    "1\0");
}

static int differs(void *ctx, const struct diff *d)
{
	const struct data *a = d->before, *b = d->after;
	unsigned i;

	(void)ctx;
	if (!a || !b || a->value_len != b->value_len || a->acct != b->acct ||
		a->n_perms != b->n_perms)
		return 1;
	for (i = 0; i < a->n_perms; i++)
		if (a->perms[i].domid != b->perms[i].domid ||
			a->perms[i].bits != b->perms[i].bits)
			return 1;
	return memcmp(data_value(a), data_value(b), a->value_len);
}

/* The replayed journal and the store are equal. */
static void compare(void)
{
	static struct store t;
	struct journal j;
	struct journal_report report;

	if (s.journal_stale || s.purge_due)
		return;
	memcpy(area2, area, sizeof(area));
	require(!journal_attach(&j, area2, sizeof(area2)));
	require(!store_init(&t, &small));
	persist_replay(&t, &j, &report);
	require(!report.quarantined);
	require(!tree_diff(s.root, t.root, differs, NULL));
	require(!store_check(&t));
	store_fini(&t);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct input in = { data, size };

	begin();
	while (in.left) {
		uint8_t what = next(&in);
		struct session *who = sess[what & 3];

		switch (what >> 2 & 7) {
		case 0:
			raw(&in, who);
			break;
		case 1:
			drain(who, next(&in));
			break;
		case 2:
			mem_set_limit(mem_used() + next(&in) * 16u);
			composed(&in, who);
			mem_set_limit(SIZE_MAX);
			break;
		case 3:
			coming_and_going(&in, what & 3);
			break;
		default:
			composed(&in, who);
		}
	}
	require(!store_check(&s));
	compare();
	store_fini(&s);
	require(!mem_used());
	return 0;
}
