/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.c - what the tests of libs/svc share: a service that records what happens to it, and
 * the client's end of the first connection
 */
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include "harness.h"

/* ---- a service that records what happens to it ------------------------------------------- */
struct seen seen;

static int open_cb(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	seen.opens++;
	seen.conn = c;
	seen.params_len = params_len;
	memcpy(seen.params, params,
		params_len < sizeof(seen.params) ? params_len : sizeof(seen.params));
	result[0] = 77;
	result[1] = 88;
	return seen.open_rc;
}

static int event_cb(struct svc_conn *c)
{
	char buf[256];
	int rc = 0;

	seen.events++;
	for (unsigned int i = 0; rc >= 0 && (!seen.take || i < seen.take); i++) {
		rc = ring_get(&c->req, buf, sizeof(buf));
		seen.records += rc >= 0;
	}
	return rc == -SK_E_PEER ? rc : seen.event_rc;
}

static int close_cb(struct svc_conn *c)
{
	seen.closes++;
	c->priv = seen.close_rc ? &seen : NULL;
	seen.next = svc_conn_next(NULL);
	return seen.close_rc;
}

static int call_cb(
	uint32_t label, uint32_t badge, uint64_t *mr, uint32_t *n, struct svc_caps *caps)
{
	seen.calls++;
	seen.n_in = caps->n_in;
	for (uint32_t i = 0; i < caps->n_in; i++) {
		fake.filled[caps->in[i]] = false;
		fake.used[caps->in[i]] = false;
	}
	mr[1] = label * 1000 + badge + mr[5];
	*n = 2;
	return 0;
}

const struct svc_service service = { .proto = SVC_PROTO_BLK,
	.min_data = 4096,
	.open = open_cb,
	.event = event_cb,
	.close = close_cb,
	.call = call_cb };

struct event *add_open(void)
{
	struct event *e = fake_add(SVC_OPEN, SVC_BADGE_INIT);

	e->mr[0] = SVC_PROTO_BLK | 1ull << 32;
	e->mr[1] = DATA;
	e->mr[2] = RING | (uint64_t)RING << 32;
	e->mr[3] = 5;
	e->mr[5] = 12;
	memcpy(&e->mr[SVC_PARAMS_WORD], "hello, world", 12);
	e->n = SVC_PARAMS_WORD + 2;
	e->n_caps = 3;
	return e;
}

struct event *add_close(uint64_t number)
{
	struct event *e = fake_add(SVC_CLOSE, SVC_BADGE_INIT);

	e->mr[0] = number;
	e->n = 1;
	return e;
}

int64_t status(unsigned int i)
{
	assert_true(i < fake.n_answers);
	return (int64_t)fake.answer[i].mr[0];
}

void serve(void)
{
	assert_int_equal(svc_serve(&service), 0);
	assert_int_equal(svc_run(), -SK_E_DELETED);
}

void signal_of(uint32_t number, void (*before)(void))
{
	fake_add(SK_LABEL_SIGNAL, 1ull << (24 + number % 40))->before = before;
}

void caller_gone(void) { fake.reply_rc = -SK_E_NOT_FOUND; }

void caller_there(void) { fake.reply_rc = 0; }

char order[16];

void note(void *ctx) { strcat(order, ctx); }

bool client_dead(void) { return seen.conn->dead; }

/* ---- the client's end of the region ------------------------------------------------------ */
struct ring client;

void client_sends(unsigned int n)
{
	if (!client.sh && ring_init(&client, fake.region, RING, RING_CLIENT_PUTS, 0))
		abort();
	while (n--)
		if (ring_put(&client, "0123456789", 10))
			abort();
}

void send_three(void)
{
	client_sends(3);
	(void)ring_put_flush(&client);
}

void send_garbage(void) { ((struct ring_shared *)fake.region)->prod = 12; }

/* ---- one process each -------------------------------------------------------------------- */
void in_a_process(void **state)
{
	void (*run)(void) = (void (*)(void)) * state;
	int result;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		/*
		 * A failing case must end this process, and not continue with the other tests
		 * in it.
		 */
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		alarm(60); /* an endless loop is a failure */
		fake_reset();
		run();
		fake_end();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &result, 0), pid);
	assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
}
