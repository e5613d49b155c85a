/* SPDX-License-Identifier: BSD-2-Clause */
/* domain_accuse_test.c - the control domain: VMMs say that a service broke the protocol */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "domain_cases.h"
#include "fake_parts.h"
#include "guest/accuse.h"
#include "guest/life.h"
#include "proto/init.h"

#define SECOND 1000000000ull

static struct guest *guest_with(uint32_t domid) { return guest_of(domtab_get(&guests, domid)); }

static struct guest_conn *conn_with(uint32_t domid, enum service s)
{
	struct guest *g = guest_with(domid);

	for (struct guest_conn *c = g->conn; c < g->conn + g->n_conns; c++)
		if (c->service == s)
			return c;
	return NULL;
}

static void says(uint32_t domid, uint32_t channel, uint32_t epoch)
{
	vmm_says(domid, VMCTL_BREACH, channel, &epoch, sizeof(epoch));
}

static void accuses(uint32_t domid, enum service s)
{
	struct guest_conn *c = conn_with(domid, s);

	says(domid, c->kept.channel, c->epoch);
}

/* init was asked to start the service again, because it broke the protocol; and it does. */
static bool heard(enum service s)
{
	static const char *const names[] = {
#define X(sym, name) name,
		CTL_GUEST_SERVICES(X)
#undef X
	};
	bool was = world.restarted[0] != '\0';

	if (!was)
		return false;
	assert_string_equal(world.restarted, names[s]);
	assert_int_equal(world.fault, INIT_KILL_BREACH);
	memset(world.restarted, 0, sizeof(world.restarted));
	service_dies(s);
	world_run();
	return true;
}

static void log_clear(void) { memset(world.log, 0, sizeof(world.log)); }

static void begin(void)
{
	memset(world.restarted, 0, sizeof(world.restarted));
	log_clear();
}

/* Time passes, and timers are looked at. */
static void later(uint64_t seconds)
{
	world.later_ns += seconds * SECOND;
	timers_expire();
}

/* The first time at once, then ever more rarely; an accusation waits for its time. */
void a_guest_accuses_alone(void **state)
{
	uint32_t a = guest_created("create /guests/a.cfg\r", "a");
	uint32_t b = guest_created("create /guests/b.cfg\r", "b");

	(void)state;
	begin();
	accuses(a, SERVICE_STORAGE);
	assert_non_null(strstr(world.log, "says that storage broke the protocol"));
	assert_true(heard(SERVICE_STORAGE));
	for (uint64_t wait = 1; wait <= 64; wait *= 2) {
		accuses(a, SERVICE_STORAGE);
		accuses(a, SERVICE_STORAGE); /* counts once */
		assert_false(heard(SERVICE_STORAGE));
		later(wait - 1);
		assert_false(heard(SERVICE_STORAGE));
		later(2);
		assert_true(heard(SERVICE_STORAGE));
	}
	/* another service does not help, and an innocent guest is heard at once */
	accuses(a, SERVICE_NETWORK);
	assert_false(heard(SERVICE_NETWORK));
	accuses(b, SERVICE_XENSTORE);
	assert_true(heard(SERVICE_XENSTORE));
	later(128);
	assert_true(heard(SERVICE_NETWORK));
	/* nor does a new guest of the same name */
	guest_destroyed("a");
	a = guest_created("create /guests/a.cfg\r", "a");
	accuses(a, SERVICE_STORAGE);
	assert_false(heard(SERVICE_STORAGE));
	guest_destroyed("a");
	later(1025);
	assert_false(heard(SERVICE_STORAGE)); /* the accusation has gone with it */
	a = guest_created("create /guests/a.cfg\r", "a");
	accuses(a, SERVICE_STORAGE);
	assert_true(heard(SERVICE_STORAGE));
	later(2 * 3600); /* all is forgotten */
	for (int i = 0; i < 2; i++) {
		accuses(a, SERVICE_STORAGE);
		assert_true(heard(SERVICE_STORAGE));
		later(2);
	}
	later(2 * 3600);
	guest_destroyed("a");
	guest_destroyed("b");
	world_at_rest();
}

/* What is said of another life, or of no connection, is nothing. */
void what_guests_say_in_vain(void **state)
{
	uint32_t a = guest_created("create /guests/a.cfg\r", "a");
	struct guest_conn *c = conn_with(a, SERVICE_STORAGE);
	uint32_t epoch = c->epoch;

	(void)state;
	begin();
	says(a, c->kept.channel, epoch + 1);
	says(a, 99, epoch);
	says(a, UINT32_MAX, epoch);
	assert_false(heard(SERVICE_STORAGE));
	service_dies(SERVICE_STORAGE);
	world_run();
	assert_int_equal(c->epoch, epoch + 1);
	says(a, c->kept.channel, epoch);
	assert_false(heard(SERVICE_STORAGE));
	says(a, c->kept.channel, epoch + 1);
	assert_true(heard(SERVICE_STORAGE));
	/* one that is overtaken by the end of the service */
	accuses(a, SERVICE_STORAGE);
	service_dies(SERVICE_STORAGE);
	world_run();
	later(2000);
	assert_false(heard(SERVICE_STORAGE));
	vmm_says(a, VMCTL_BREACH, 1, "no number", 9);
	assert_non_null(strstr(world.log, "broke the protocol; it is ended"));
	timers_expire();
	later(2 * 3600);
	if (domtab_next(&guests, 0))
		guest_destroyed("a");
	world_at_rest();
}

/* init says that it restarts it already, or nothing. */
void guests_accuse_while_init_is_busy(void **state)
{
	uint32_t a = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	begin();
	world.restart_rc = -SK_E_TIMEOUT;
	accuses(a, SERVICE_CONSOLE);
	assert_string_equal(world.restarted, "console");
	memset(world.restarted, 0, sizeof(world.restarted));
	world.restart_rc = -SK_E_BUSY;
	later(2);
	assert_string_equal(world.restarted, "console");
	memset(world.restarted, 0, sizeof(world.restarted));
	world.restart_rc = 0;
	later(2000);
	accuses(a, SERVICE_FILES);
	assert_true(
		heard(SERVICE_FILES)); /* and nothing of the other one, which is dealt with */
	later(2000);
	assert_string_equal(world.restarted, "");
	later(2 * 3600);
	guest_destroyed("a");
	world_at_rest();
}

/* Most of a service's guests are heard although each has been heard too often. */
void guests_accuse_together(void **state)
{
	uint32_t a = guest_created("create /guests/a.cfg\r", "a");
	uint32_t b = guest_created("create /guests/b.cfg\r", "b");
	uint32_t c, d;

	(void)state;
	begin();
	for (int i = 0; i < 15; i++) {
		later(1025);
		accuses(a, SERVICE_STORAGE);
		assert_true(heard(SERVICE_STORAGE));
		accuses(b, SERVICE_STORAGE);
		assert_true(heard(SERVICE_STORAGE));
	}
	for (int i = 0; i < 3; i++) {
		accuses(a, SERVICE_STORAGE);
		assert_false(heard(SERVICE_STORAGE));
		accuses(b, SERVICE_STORAGE);
		if (i) {
			assert_false(heard(SERVICE_STORAGE));
			later(9);
			assert_false(heard(SERVICE_STORAGE));
			later(2);
		}
		assert_true(heard(SERVICE_STORAGE));
	}
	/* two of three are most, and half of four are not */
	later(11);
	c = guest_created("create /more/c.cfg\r", "c");
	accuses(a, SERVICE_STORAGE);
	assert_false(heard(SERVICE_STORAGE));
	accuses(b, SERVICE_STORAGE);
	assert_true(heard(SERVICE_STORAGE));
	later(11);
	d = guest_created("create /more/d.cfg\r", "d");
	accuses(a, SERVICE_STORAGE);
	accuses(b, SERVICE_STORAGE);
	later(20);
	assert_false(heard(SERVICE_STORAGE));
	accuses(c, SERVICE_STORAGE); /* which nobody has heard of before */
	assert_true(heard(SERVICE_STORAGE));
	accuses(a, SERVICE_STORAGE);
	assert_false(heard(SERVICE_STORAGE));
	accuses(d, SERVICE_STORAGE); /* nor of this one */
	assert_true(heard(SERVICE_STORAGE));
	later(2 * 3600);
	guest_destroyed("a");
	guest_destroyed("b");
	guest_destroyed("c");
	guest_destroyed("d");
	world_at_rest();
}
