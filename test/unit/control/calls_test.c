/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls_test.c - calls of services: which service is asked what and in which order, also if it
 * is slow, dead or refuses
 *
 * Objects     the cases play the threads; `out` is the call that a service's thread works on.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "client/calls.h"
#include "client/host.h"
#include "client/services.h"

enum { MANY = 8, SHARE = 200 / (MANY + 1) };

static struct call *out[SERVICE_COUNT];
static struct svc_timer *timer;
static struct call call[MANY + 4];
static const struct call *told[32];
static size_t n_told;
static uint16_t life;
static bool starts; /* init says this of storage when it is asked */

uint16_t service_life(enum service s)
{
	(void)s;
	return life;
}

void services_look(void) { calls_starting(SERVICE_STORAGE, starts); }

void caller_give(struct call *c)
{
	assert_null(out[c->service]);
	out[c->service] = c;
}

void svc_timer_set(struct svc_timer *t, sk_time_t deadline)
{
	assert_true(!timer || timer == t);
	assert_int_not_equal(deadline, SK_NO_DEADLINE);
	timer = t;
}

sk_time_t svc_in_ms(uint32_t ms) { return ms; }

static void tell(struct call *c) { told[n_told++] = c; }

static void tick(void)
{
	struct svc_timer *t = timer;

	assert_non_null(t);
	timer = NULL;
	t->fn(t->ctx);
}

static struct call *start(size_t i, enum call_what what, enum service s)
{
	call[i] = (struct call){ .service = s, .what = what, .fn = tell };
	call_start(&call[i]);
	return &call[i];
}

/* The service's thread returns from this call. */
static void back(const struct call *c, int rc)
{
	enum service s = c->service;

	assert_ptr_equal(out[s], c);
	out[s]->rc = rc;
	out[s] = NULL;
	calls_returned(s);
}

static int setup(void **state)
{
	(void)state;
	memset(out, 0, sizeof(out));
	timer = NULL;
	n_told = 0;
	starts = false;
	calls_init();
	return 0;
}

static void one_at_a_time_each_service(void **state)
{
	struct call *a = start(0, CALL_OPEN, SERVICE_STORAGE),
		    *b = start(1, CALL_OPEN, SERVICE_STORAGE),
		    *c = start(2, CALL_OPEN, SERVICE_FILES);

	(void)state;
	assert_int_equal(n_told, 0);
	/* a storage service that hangs does not hold up files */
	assert_ptr_equal(out[SERVICE_FILES], c);
	back(c, 0);
	back(a, -SK_E_BUSY);
	assert_int_equal(a->rc, -SK_E_BUSY);
	back(b, -SK_E_TIMEOUT); /* an open is not repeated */
	assert_null(timer);
	assert_ptr_equal(told[0], c);
	assert_ptr_equal(told[1], a);
	assert_ptr_equal(told[2], b);
}

static void close_is_asked_until_it_is_answered(void **state)
{
	static const int silent[] = { -SK_E_TIMEOUT, -SK_E_BUSY, -SK_E_DELETED, -SK_E_PEER,
		-SK_E_DENIED };
	struct call *c = start(0, CALL_CLOSE, SERVICE_STORAGE);

	(void)state;
	assert_int_equal(c->ms, 200);
	for (size_t i = 0; i < ARRAY_SIZE(silent); i++) {
		back(c, silent[i]);
		/* it is repeated only at the next tick, whatever the error */
		assert_null(out[SERVICE_STORAGE]);
		tick();
	}
	assert_int_equal(n_told, 0);
	back(c, 0);
	assert_int_equal(n_told, 1);
	c = start(0, CALL_CLOSE, SERVICE_STORAGE);
	back(c, -SK_E_NOT_FOUND); /* there is nothing to close: a final answer */
	assert_int_equal(n_told, 2);
	c = start(0, CALL_PING, SERVICE_STORAGE);
	back(c, -SK_E_NOT_FOUND); /* for a ping this is no answer */
	tick();
	back(c, 0);
	assert_int_equal(n_told, 3);
	assert_null(timer);
}

/*
 * Guests whose flush never ends: the open of a new guest waits for only one of them, for at
 * most 200 ms.
 */
static void new_calls_go_first(void **state)
{
	struct call *open;

	(void)state;
	for (size_t i = 0; i < MANY; i++)
		(void)start(i, CALL_CLOSE, SERVICE_STORAGE);
	for (size_t i = 0; i < MANY; i++)
		back(&call[i], -SK_E_TIMEOUT);
	tick();
	assert_ptr_equal(out[SERVICE_STORAGE], &call[0]);
	assert_true(call[0].ms <= 200);
	open = start(MANY, CALL_OPEN, SERVICE_STORAGE);
	back(&call[0], -SK_E_TIMEOUT);
	back(open, 0);
	assert_ptr_equal(told[0], open);
	/* the others have their turn, too, all within about 200 ms */
	for (size_t i = 1; i < MANY; i++) {
		assert_true(call[i].ms <= 2 * SHARE);
		back(&call[i], -SK_E_TIMEOUT);
	}
	assert_null(out[SERVICE_STORAGE]);
	tick();
	for (size_t i = 0; i < MANY; i++)
		back(&call[i], i % 2 ? 0 : -SK_E_TIMEOUT);
	assert_int_equal(n_told, 1 + MANY / 2);
}

/* With so many calls that each gets the shortest time, none is forgotten. */
static void each_has_its_turn(void **state)
{
	(void)state;
	for (size_t round = 0; round < 3; round++) {
		for (size_t i = 0; i < MANY + 4; i++) {
			if (round == 0)
				(void)start(i, CALL_CLOSE, SERVICE_NETWORK);
			assert_true(call[i].ms >= 20 || out[SERVICE_NETWORK] != &call[i]);
			if (round)
				back(&call[i], -SK_E_TIMEOUT);
		}
		if (round == 0)
			for (size_t i = 0; i < MANY + 4; i++)
				back(&call[i], -SK_E_TIMEOUT);
		tick();
	}
	for (size_t i = 0; i < MANY + 4; i++)
		back(&call[i], 0);
	assert_int_equal(n_told, MANY + 4);
}

/*
 * What an earlier life had is opened before new connections are made, and before calls that
 * wait.
 */
static void reopened_first(void **state)
{
	struct call *close = start(0, CALL_CLOSE, SERVICE_STORAGE),
		    *open = start(1, CALL_OPEN, SERVICE_STORAGE),
		    *reopen = start(2, CALL_REOPEN, SERVICE_STORAGE);

	(void)state;
	back(close, -SK_E_TIMEOUT);
	back(reopen, -SK_E_DELETED); /* it is not repeated here */
	assert_int_equal(reopen->rc, -SK_E_DELETED);
	tick();
	back(open, 0);
	back(close, 0);
	assert_ptr_equal(told[0], reopen);
	assert_ptr_equal(told[1], open);
}

/* A service that is being started again opens nothing; all else it may be asked. */
static void starting(void **state)
{
	struct call *close, *ping, *open = start(0, CALL_OPEN, SERVICE_STORAGE);

	(void)state;
	starts = true; /* control has not heard of it */
	back(open, -SK_E_DELETED);
	call_start(open);
	(void)start(1, CALL_OPEN, SERVICE_STORAGE);
	assert_null(out[SERVICE_STORAGE]);
	close = start(2, CALL_CLOSE, SERVICE_STORAGE);
	ping = start(3, CALL_PING, SERVICE_STORAGE);
	(void)start(4, CALL_REOPEN, SERVICE_STORAGE);
	back(close, 0);
	back(ping, -SK_E_TIMEOUT);
	assert_null(out[SERVICE_STORAGE]);
	tick();
	back(ping, 0);
	assert_null(out[SERVICE_STORAGE]);
	life = 7;
	calls_starting(SERVICE_STORAGE, false);
	back(&call[4], 0);
	assert_int_equal(call[4].life, 7);
	back(open, 0);
	/* one that is given up on the way has no calls that wait */
	calls_starting(SERVICE_STORAGE, true);
	back(&call[1], -SK_E_TIMEOUT);
	(void)start(5, CALL_REOPEN, SERVICE_STORAGE);
	calls_give_up(SERVICE_STORAGE);
	tick();
	assert_int_equal(n_told, 7);
	assert_int_equal(call[5].rc, -SK_E_DELETED);
}

static struct call *next;

static void tell_and_start(struct call *c)
{
	size_t before = ++n_told;

	if (next)
		call_start(next);
	next = NULL;
	assert_int_equal(n_told, before); /* the further call does not end in between */
	assert_int_equal(c->rc, -SK_E_DELETED);
}

/* The owner of one that died with its service opens the next before anything new comes. */
static void reopened_first_after_a_death(void **state)
{
	struct call *reopen = start(0, CALL_REOPEN, SERVICE_STORAGE),
		    *open = start(1, CALL_OPEN, SERVICE_STORAGE);

	(void)state;
	next = &call[2];
	*next = (struct call){ .service = SERVICE_STORAGE, .what = CALL_REOPEN, .fn = tell };
	reopen->fn = tell_and_start;
	back(reopen, -SK_E_DELETED); /* and it runs again already */
	back(&call[2], 0);
	back(open, 0);
}

/* Nothing is left of a service that was given up, so its calls end without it. */
static void given_up(void **state)
{
	struct call *close = start(0, CALL_CLOSE, SERVICE_FILES),
		    *open = start(1, CALL_OPEN, SERVICE_FILES),
		    *ping = start(2, CALL_PING, SERVICE_FILES),
		    *slow = start(3, CALL_CLOSE, SERVICE_STORAGE);

	(void)state;
	next = &call[4];
	*next = (struct call){ .service = SERVICE_FILES, .what = CALL_OPEN, .fn = tell };
	open->fn = tell_and_start;
	calls_give_up(SERVICE_FILES);
	assert_int_equal(n_told, 0);
	tick();
	assert_int_equal(n_told, 3);
	assert_int_equal(ping->rc, 0);
	assert_int_equal(call[4].rc, -SK_E_DELETED);
	back(close, -SK_E_TIMEOUT); /* its thread had it */
	tick();
	assert_int_equal(n_told, 4);
	assert_int_equal(close->rc, -SK_E_NOT_FOUND);
	(void)start(5, CALL_PING, SERVICE_FILES);
	assert_null(out[SERVICE_FILES]);
	assert_int_equal(n_told, 4);
	tick();
	assert_int_equal(n_told, 5);
	back(slow, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(one_at_a_time_each_service, setup),
		cmocka_unit_test_setup(close_is_asked_until_it_is_answered, setup),
		cmocka_unit_test_setup(new_calls_go_first, setup),
		cmocka_unit_test_setup(each_has_its_turn, setup),
		cmocka_unit_test_setup(reopened_first, setup),
		cmocka_unit_test_setup(starting, setup),
		cmocka_unit_test_setup(reopened_first_after_a_death, setup),
		cmocka_unit_test_setup(given_up, setup),
	};

	return cmocka_run_group_tests_name("control calls", tests, NULL, NULL);
}
