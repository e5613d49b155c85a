/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shell.c - in place of the shell: every request to control, one by one. Those of a class that
 * the manifest does not give it are to be denied, and the others to be answered or to wait.
 */
#include <string.h>
#include "proto/ctl.h"
#include "rogue.h"
#include "rt/sleep.h"
#include "sys/sk.h"

#include <xen/io/xs_wire.h>

enum {
	ANSWER_MS = 20,
	/* Ticks of ANSWER_MS: much longer than an answer takes. */
	PATIENCE = 500,
	/* No domid of a guest. */
	FILL_ZERO = 0,
	FILL_ONES = 0xff,
	XS_TYPES = 32,
};

static uint8_t rec[RECORD_MAX];
static uint32_t last_id;

#define X(name, num, class, about, what) [num] = CTL_RIGHT_##class,
static const uint32_t class_of[CTL_OP_END] = { CTL_OPS(X) };
#undef X

static struct svc_conn *control(void)
{
	struct svc_conn *c = svc_conn_next(NULL);

	while (c && (c->proto != SVC_PROTO_CTL || c->dead))
		c = svc_conn_next(c);
	return c;
}

bool own_try_ready(void) { return control() != NULL; }

/*
 * Wait for the answer to request id, which is then in rec. 1: there is none within the time, as
 * for a request that waits; -1: control has ended the connection.
 */
static int answer_wait(struct svc_conn *c, uint32_t id, uint32_t patience)
{
	const struct ctl_head *h = (const void *)rec;
	int n;

	for (uint32_t i = 0; i < patience; i++) {
		while ((n = svc_take(c, rec, sizeof(rec))) >= 0)
			if (n >= (int)sizeof(*h) && h->id == id && h->kind == CTL_ANSWER)
				return 0;
		if (n != -SK_E_AGAIN)
			return -1;
		svc_settle(c);
		(void)sk_signal(
			DOMAIN_CAP_PULSE); /* the loop, which would do it, has to wait */
		rt_sleep_until(svc_in_ms(ANSWER_MS));
	}
	return 1;
}

/* A request of this length in rec. Its status in *status, if the result is 0. */
static int ask(struct svc_conn *c, uint32_t len, uint32_t patience, int32_t *status)
{
	const uint32_t id = ++last_id;
	int rc;

	memcpy(rec, &id, sizeof(id));
	if (svc_respond(c, rec, len))
		return -1;
	svc_settle(c);
	rc = answer_wait(c, id, patience);
	*status = ((const struct ctl_head *)(const void *)rec)->status;
	return rc;
}

static bool waits(uint32_t op) { return op == CTL_NEWS || op == CTL_WAIT || op == CTL_CONSOLE; }

/* Would be obeyed, whatever the body says. */
static bool spared(uint32_t op)
{
	return op == CTL_POWER || op == CTL_AUTO || op == CTL_HOST_CHANGE || op == CTL_HELLO;
}

static uint32_t rights_ask(struct svc_conn *c)
{
	struct ctl_hello hello = { .rights = 0 };
	int32_t status;

	if (ask(c, ctl_request_make(1, CTL_HELLO, 0, rec), PATIENCE, &status) == 0)
		memcpy(&hello, rec + sizeof(struct ctl_head), sizeof(hello));
	return hello.rights;
}

static void denied_try(struct svc_conn *c, uint32_t rights)
{
	struct score s = { .what = "rights" };
	int32_t status;

	for (uint32_t op = 1; op < CTL_OP_END; op++)
		for (int fill = 0; class_of[op] & ~rights && fill < 256; fill += 51) {
			int rc = ask(c, ctl_request_make(1, op, (uint8_t)fill, rec), PATIENCE,
				&status);

			score_add(&s, rc == 0 && status == -SK_E_DENIED ? -1 : 0, op,
				(uint64_t)fill);
		}
	score_say(&s);
}

/* Each is answered, or waits until it is cancelled. */
static void nonsense_try(struct svc_conn *c, uint32_t rights)
{
	static const uint8_t fills[] = { FILL_ONES, 0x7f, 'a', 1, FILL_ZERO };
	struct score s = { .what = "nonsense" };
	int32_t status;

	for (uint32_t op = 1; op < CTL_OP_END; op++)
		for (uint32_t i = 0; !(class_of[op] & ~rights) && i < sizeof(fills); i++) {
			uint32_t len = ctl_request_make(1, op, fills[i], rec), id = last_id + 1;
			int rc = spared(op) ? 0
					    : ask(c, len, waits(op) ? 5 : PATIENCE, &status);

			score_add(&s, rc == 0 || (rc > 0 && waits(op)) ? -1 : 0, op, fills[i]);
			if (rc <= 0)
				continue;
			len = ctl_request_make(1, CTL_CANCEL, 0, rec);
			memcpy(rec + sizeof(struct ctl_head), &id, sizeof(id));
			(void)ask(c, len, PATIENCE, &status);
		}
	score_say(&s);
}

/* To look at xenstore is no right to change it. */
static void store_try(struct svc_conn *c)
{
	struct score s = { .what = "xenstore" };
	int32_t status;

	for (uint32_t type = 0; type < XS_TYPES; type++) {
		const char payload[] = "/tool/rogue\0x";
		uint32_t len = ctl_request_make(1, CTL_STORE_LOOK, 0, rec), at;
		struct ctl_head *h = (void *)rec;

		at = len - h->len;
		h->len = (uint32_t)(sizeof(type) + sizeof(payload) - 1);
		memcpy(rec + at, &type, sizeof(type));
		memcpy(rec + at + sizeof(type), payload, sizeof(payload) - 1);
		if (type == XS_DIRECTORY || type == XS_READ || type == XS_GET_PERMS)
			continue;
		score_add(&s, ask(c, at + h->len, PATIENCE, &status) == 0 && status ? -1 : 0,
			CTL_STORE_LOOK, type);
	}
	score_say(&s);
}

void own_try(void)
{
	struct svc_conn *c = control();
	uint32_t rights = c ? rights_ask(c) : 0;

	say("rights %#x", (unsigned int)rights);
	if (!rights)
		return;
	denied_try(c, rights);
	nonsense_try(c, rights);
	store_try(c);
}
