/* SPDX-License-Identifier: BSD-2-Clause */
/* console_ring_test.c - the console page */
#include "device.h"
#include "case.h"

#include <xen/io/console.h>

#include "proto/console.h"

static struct fake_conn *con;

static struct xencons_interface *console(void) { return at(3 * SK_PAGE_SIZE); }

static void console_guest(void)
{
	fake_guest();
	con = fake_channel("console", 4096, 0);
	CHECK_EQ(cons_ring_init(), 0);
}

static void console_send(void)
{
	guest_send((uint32_t)xen_dom.hvm_param[HVM_PARAM_CONSOLE_EVTCHN]);
}

static uint32_t console_take(char *text)
{
	struct {
		struct console_msg m;
		char text[CONSOLE_CHUNK_MAX];
	} r;
	uint32_t n = 0;

	while (ring_get(&con->req, &r, sizeof(r)) > 0) {
		CHECK(r.m.type == CONSOLE_DATA && r.m.len <= CONSOLE_CHUNK_MAX);
		memcpy(text + n, r.text, r.m.len);
		n += r.m.len;
	}
	ring_get_flush(&con->req);
	return n;
}

CASE(console_loses_nothing)
{
	struct xencons_interface *c;
	static char text[65536], all[65536];
	uint32_t i, got = 0, sent = 0;

	console_guest();
	c = console();
	for (i = 0; i < sizeof(all); i++)
		all[i] = (char)('a' + i % 23);
	while (got < 20000) {
		while (sent < (got ? 20000 : 5) &&
			c->out_prod - c->out_cons < 2048) { /* as full as possible */
			c->out[c->out_prod % 2048] = all[sent++];
			c->out_prod++;
		}
		console_send(); /* the service is slow: its ring fills up long before */
		console_send();
		got += console_take(text + got);
		fake_event(con);
	}
	CHECK_EQ(got, 20000);
	CHECK(memcmp(text, all, got) == 0);
	CHECK(evtchn_pending(
		(uint32_t)
			xen_dom.hvm_param[HVM_PARAM_CONSOLE_EVTCHN])); /* it was told of room */
}

CASE(console_survives_its_indices)
{
	struct xencons_interface *c;
	char text[4096];

	console_guest();
	log_quiet = true;
	c = console();
	c->out_prod = 2049;
	console_send();
	CHECK_EQ(console_take(text), 0);
	CHECK_EQ(c->out_cons, 2049); /* goes on from there */
	c->out[2049 % 2048] = 'k';
	c->out_prod = 2050;
	console_send();
	CHECK_EQ(console_take(text), 1);
	CHECK(text[0] == 'k');
}

static void console_input(const char *s, uint32_t n)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = (uint16_t)n };

	CHECK_EQ(ring_put2(&con->rsp, &m, sizeof(m), s, n), 0);
	ring_put_flush(&con->rsp);
}

CASE(console_input_waits_for_room)
{
	struct xencons_interface *c;
	char s[512];

	console_guest();
	c = console();
	memset(s, 'i', sizeof(s));
	console_input(s, 512);
	console_input(s, 512);
	console_input("end", 3);
	fake_event(con);
	CHECK_EQ(c->in_prod, 1024);
	c->in_cons = 2;
	console_send();
	CHECK_EQ(c->in_prod, 1026);
	c->in_cons = 5000; /* impossible index: nothing is written */
	console_send();
	CHECK_EQ(c->in_prod, 1026);
	c->in_cons = 1026;
	console_send();
	CHECK_EQ(c->in_prod, 1027);
	CHECK(c->in[1026 % 1024] == 'd');
}

CASE(console_ignores_other_records)
{
	struct console_msg m = { .type = CONSOLE_DONE, .len = 3 };

	console_guest();
	CHECK_EQ(ring_put2(&con->rsp, &m, sizeof(m), "abc", 3), 0);
	console_input("x", 1);
	fake_event(con);
	CHECK_EQ(console()->in_prod, 1);
}

/* ---- restarts of the console service ---- */

static void console_resume(uint32_t have)
{
	struct console_msg m = { .type = CONSOLE_RESUME, .arg = have };

	CHECK_EQ(ring_put(&con->rsp, &m, sizeof(m)), 0);
	ring_put_flush(&con->rsp);
	fake_event(con);
}

static void guest_prints(uint32_t *n, uint32_t len)
{
	struct xencons_interface *c = console();

	for (; len && c->out_prod - c->out_cons < 2048; len--)
		c->out[c->out_prod++ % 2048] = (char)('a' + (*n)++ % 23);
	console_send();
}

/*
 * The service dies at any place: it may have taken some records and have lost the last of them,
 * and it may die again before it says what it has, or while the rest comes again.
 */
CASE(console_goes_on_after_restarts)
{
	static char log[60000];
	uint32_t got = 0, written = 0, random = 1;
	unsigned int i;

	console_guest();
	for (i = 0; i < 300; i++) {
		random = random * 1664525 + 1013904223;
		guest_prints(&written, random >> 24);
		if (random & 1 << 10)
			got += console_take(log + got);
		if (random & 1 << 11)
			fake_event(con);
		if (random & 1 << 12)
			continue;
		got -= random % 64 < got ? random % 64 : got;
		fake_restart(con);
		guest_prints(&written, 100); /* nothing may come before RESUME */
		CHECK_EQ(console_take(log + got), 0);
		if (random & 1 << 13)
			fake_restart(con);
		console_resume(got);
	}
	for (i = 0; i < 50; i++) {
		got += console_take(log + got);
		fake_event(con);
	}
	CHECK(written > 10000 && got == written);
	for (i = 0; i < got; i++)
		CHECK(log[i] == (char)('a' + i % 23));
}

/* A guest that does not read its input still has its output shown after a restart. */
CASE(console_restarts_while_the_guest_does_not_read)
{
	char s[512], text[4096];
	uint32_t n = 0;

	console_guest();
	memset(s, 'i', sizeof(s));
	for (int i = 0; i < 3; i++)
		console_input(s, 512);
	fake_event(con);
	CHECK_EQ(console()->in_prod, 1024);
	fake_restart(con);
	console_resume(0);
	guest_prints(&n, 5);
	CHECK_EQ(console_take(text), 5);
	console()->in_cons = 1024; /* what had come before is not lost */
	console_send();
	CHECK_EQ(console()->in_prod, 1536);
}

/* Claims that make no sense lose text, and nothing else. */
CASE(console_resumes_at_a_strange_place)
{
	char text[4096];
	uint32_t n = 0;

	console_guest();
	guest_prints(&n, 100);
	fake_restart(con);
	console_resume(101);
	CHECK_EQ(console_take(text), 0);
	guest_prints(&n, 5);
	CHECK_EQ(console_take(text), 5);
	console_resume(0); /* only the first record says it */
	guest_prints(&n, 5);
	CHECK_EQ(console_take(text), 5);
}

/* Without the service the guest does not hang. */
CASE(console_ends)
{
	uint32_t n = 0;

	console_guest();
	log_quiet = true;
	guest_prints(&n, 2000);
	fake_restart(con);
	guest_prints(&n, 1500);
	fake_end(con, SVC_END_GIVEN_UP);
	CHECK_EQ(console()->out_cons, console()->out_prod);
	for (int i = 0; i < 10; i++) {
		guest_prints(&n, 2000);
		CHECK_EQ(console()->out_cons, console()->out_prod);
	}
}

int console_ring_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(console_loses_nothing),
		cmocka_unit_test(console_survives_its_indices),
		cmocka_unit_test(console_input_waits_for_room),
		cmocka_unit_test(console_ignores_other_records),
		cmocka_unit_test(console_goes_on_after_restarts),
		cmocka_unit_test(console_restarts_while_the_guest_does_not_read),
		cmocka_unit_test(console_resumes_at_a_strange_place),
		cmocka_unit_test(console_ends),
	};

	return cmocka_run_group_tests_name("console ring", tests, NULL, NULL);
}
