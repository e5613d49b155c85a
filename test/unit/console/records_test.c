/* SPDX-License-Identifier: BSD-2-Clause */
/* records_test.c - the log, and records that are illegal */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "guestlog.h"

static void log_tells_when(void)
{
	begin();
	assert_int_equal(peer_connect(&all->vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "storage",
				 SVC_STATIC | 5),
		0);
	now = 1234567890;
	prints(&all->vmm[0], "one\ntwo\n");
	now = 98765000000000;
	prints(&all->vmm[0], "thr");
	prints(&all->vmm[0], "ee\n");
	dmesg();
	assert_string_equal(told, "[    0.250000] kernel line\n"
				  "[    1.234567] (storage) one\n"
				  "[    1.234567] (storage) two\n"
				  "[98765.000000] (storage) three\n");
}

/*
 * Lines of guests are sorted by time, and no guest takes the log space of the host or of
 * another guest.
 */
static void a_guest_fills_its_own_log_only(void)
{
	char line[64];

	begin();
	assert_int_equal(peer_connect(&all->vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "control",
				 SVC_STATIC | 9),
		0);
	now = 1000000000;
	vmm_starts(&all->guest[1], &all->vmm[1], "good", 1);
	prints(&all->vmm[1], "is well\n");
	now = 2000000000;
	vmm_starts(&all->guest[2], &all->vmm[2], "bad", 2);
	prints(&all->vmm[0], "of the host\n");
	for (int i = 0; i < 5000; i++) {
		now += 1000000;
		snprintf(line, sizeof(line), "flood %d\n", i);
		prints(&all->vmm[2], line);
		say(&all->vmm[0], CONSOLE_DATA, 2, "it floods\n",
			10); /* control reports it, too */
	}
	prints(&all->vmm[0], "end\n");
	dmesg();
	assert_true(n_told < GUESTLOG_SIZE + 500);
	assert_non_null(strstr(told, "[    0.250000] kernel line\n"
				     "[    1.000000] (vmm-good) is well\n"
				     "[    2.000000] (control) of the host\n"));
	assert_non_null(strstr(told, "[    7.000000] (vmm-bad) flood 4999\n"
				     "[    7.000000] (control) it floods\n"));
	assert_non_null(strstr(told, "(control) end\n"));
	/* nor does a guest that is created again and again */
	for (int i = 0; i < 500; i++) {
		leave(&all->vmm[2]);
		leave(&all->guest[2]);
		vmm_starts(&all->guest[2], &all->vmm[2], "bad", 10 + (uint32_t)i);
		prints(&all->vmm[2], "I am here again, with a line that is not short at all\n");
	}
	dmesg();
	assert_true(n_told < GUESTLOG_SIZE + 500);
	assert_non_null(strstr(told, "(vmm-good) is well\n"));
	assert_int_equal(guest_logs.n, 2); /* one log for each name */
}

/* What was shown is forgotten, and nothing that came meanwhile. */
static void the_log_is_cleared(void)
{
	begin();
	assert_int_equal(peer_connect(&all->vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "storage",
				 SVC_STATIC | 5),
		0);
	vmm_starts(&all->guest[1], &all->vmm[1], "g", 1);
	prints(&all->vmm[0], "old\n");
	prints(&all->vmm[1], "old, too\n");
	dmesg_clear();
	assert_non_null(strstr(told, "(storage) old\n"));
	assert_non_null(strstr(told, "(vmm-g) old, too\n"));
	dmesg();
	assert_string_equal(told, "");
	prints(&all->vmm[0], "new\n");
	dmesg();
	assert_string_equal(told, "[    0.250000] (storage) new\n");
	dmesg();
	assert_string_equal(told, "[    0.250000] (storage) new\n");
}

/* With more names than logs, the log that was not used for the longest time is replaced. */
static void logs_are_used_again(void)
{
	char name[16];

	begin();
	vmm_starts(&all->guest[1], &all->vmm[1], "lives", 1);
	prints(&all->vmm[1], "from the beginning\n");
	for (uint32_t i = 0; i < 2 * GUESTLOG_KEPT; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		vmm_starts(&all->guest[2], &all->vmm[2], name, 2 + i);
		prints(&all->vmm[2], "was here\n");
		leave(&all->vmm[2]);
		leave(&all->guest[2]);
	}
	dmesg();
	assert_non_null(strstr(told, "(vmm-lives) from the beginning\n"));
	assert_null(strstr(told, "(vmm-n0) "));
	assert_non_null(strstr(told, "(vmm-n159) was here\n"));
}

/* A domid comes again after a long time; a line is then about the last guest that had it. */
static void numbers_come_again(void)
{
	begin();
	assert_int_equal(peer_connect(&all->vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "control",
				 SVC_STATIC | 9),
		0);
	vmm_starts(&all->guest[2], &all->vmm[2], "new", 6);
	leave(&all->vmm[2]);
	leave(&all->guest[2]);
	vmm_starts(&all->guest[1], &all->vmm[1], "old", 5);
	leave(&all->vmm[1]);
	leave(&all->guest[1]);
	vmm_starts(&all->guest[2], &all->vmm[2], "new", 5);
	say(&all->vmm[0], CONSOLE_DATA, 5, "about the new one\n", 18);
	assert_int_equal(guestlog_of(&guest_logs, 5)->users, 1);
	assert_string_equal(guestlog_of(&guest_logs, 5)->name, "vmm-new");
	assert_true(guestlog_of(&guest_logs, 5)->log.end > 0);
}

/* A VMM cannot say which guest its line is about. */
static void a_vmm_speaks_for_itself(void)
{
	begin();
	vmm_starts(&all->guest[1], &all->vmm[1], "good", 1);
	vmm_starts(&all->guest[2], &all->vmm[2], "bad", 2);
	say(&all->vmm[2], CONSOLE_DATA, 1, "I am good\n", 10);
	dmesg();
	assert_non_null(strstr(told, "(vmm-bad) I am good\n"));
	assert_int_equal(guestlog_of(&guest_logs, 1)->log.end, 0);
	prints(&all->vmm[2], "no newline");
	leave(&all->vmm[2]);
	dmesg();
	assert_non_null(strstr(told, "(vmm-bad) no newline\n"));
}

/* A client that sends while it is read gets its turn, and no more. */
static void a_turn_is_limited(void)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = 1 };
	uint32_t n = 0;

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	while (ring_put2(&all->guest[0].req, &m, sizeof(m), "x", 1) == 0)
		n++;
	(void)ring_put_flush(&all->guest[0].req);
	assert_true(n > 100);
	assert_int_equal(console->event(&all->guest[0].c), 0);
	attach(1);
	assert_int_equal(n_screen, SVC_TURN / SVC_RECORD);
	for (uint32_t i = 0; i < n; i += SVC_TURN / SVC_RECORD)
		event(&all->guest[0]);
	assert_int_equal(n_screen, n);
	assert_int_equal(killed, 0);
}

/* What is no text from the UART is skipped. */
static void the_uart_sends_nonsense(void)
{
	const struct console_msg bad[] = {
		{ .type = CONSOLE_DATA, .len = 9 },
		{ .type = CONSOLE_DATA, .len = UINT16_MAX },
		{ .type = CONSOLE_READY, .len = 1 },
		{ .type = CONSOLE_SENT, .len = 1, .arg = 99 },
	};
	struct console_msg r[4];

	begin();
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		all->uart.c.broken = false; /* init has started it again */
		typed("y");
		assert_false(all->uart.c.broken);
		assert_int_equal(ring_put2(&all->uart.rsp, &bad[i], sizeof(bad[i]), "x", 1), 0);
		typed("z");
		assert_true(all->uart.c.broken);
		assert_int_equal(ring_get(&all->uart.c.rsp, &r, sizeof(r)), sizeof(bad[i]) + 1);
	}
	assert_string_equal(told, "yyyy");
}

static void opens_that_are_refused(void)
{
	struct console_params q = { .kind = CONSOLE_LOG };
	struct svc_conn *c;
	uint64_t result[2];

	begin();
	c = &all->guest[0].c;
	c->badge = SVC_BADGE_INIT;
	assert_int_equal(console->open(c, &q, sizeof(q) - 1, result), -SK_E_INVAL);
	memset(q.name, 'x', sizeof(q.name));
	assert_int_equal(console->open(c, &q, sizeof(q), result), -SK_E_INVAL);
	leave(&all->shell);
	assert_int_equal(
		peer_connect(&all->shell, CONSOLE_SHELL, SVC_BADGE_CONTROL, "shell", 0),
		-SK_E_DENIED);
	assert_int_equal(
		peer_connect(&all->shell, CONSOLE_SHELL, SVC_BADGE_INIT, "shell", 0), 0);
}

static void illegal_records(void)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = 9 };

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	say(&all->guest[0], CONSOLE_ATTACH, 1, NULL, 0);
	assert_int_equal(killed, 1);
	say(&all->vmm[0], CONSOLE_READY, 0, NULL, 0);
	assert_int_equal(killed, 2);
	assert_int_equal(ring_put2(&all->shell.req, &m, sizeof(m), "x", 1), 0);
	(void)ring_put_flush(&all->shell.req);
	event(&all->shell);
	assert_int_equal(killed, 3);
}

static void breaches(void)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = 9 };

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	assert_int_equal(ring_put2(&all->guest[0].req, &m, sizeof(m), "x", 1), 0);
	(void)ring_put_flush(&all->guest[0].req);
	event(&all->guest[0]);
	assert_int_equal(killed, 1);
	assert_int_equal(peer_connect(&all->guest[1], CONSOLE_GUEST, SVC_BADGE_INIT, "a", 2),
		-SK_E_DENIED);
	assert_int_equal(peer_connect(&all->guest[1], CONSOLE_SHELL, SVC_BADGE_INIT, "a", 2),
		-SK_E_DENIED);
	assert_int_equal(peer_connect(&all->guest[1], CONSOLE_GUEST, SVC_BADGE_CONTROL, "a", 1),
		-SK_E_DENIED);
	all->guest[1].own_size = CONSOLE_LOG_SIZE / 2;
	assert_int_equal(peer_connect(&all->guest[1], CONSOLE_GUEST, SVC_BADGE_CONTROL, "a", 2),
		-SK_E_INVAL);
	attach(7);
	assert_int_equal(failed, 1);
}

int log_tests(void)
{
	const struct CMUnitTest tests[] = {
		CASE(numbers_come_again),
		CASE(log_tells_when),
		CASE(a_guest_fills_its_own_log_only),
		CASE(the_log_is_cleared),
		CASE(logs_are_used_again),
		CASE(a_vmm_speaks_for_itself),
		CASE(a_turn_is_limited),
		CASE(the_uart_sends_nonsense),
		CASE(opens_that_are_refused),
		CASE(illegal_records),
		CASE(breaches),
	};

	return cmocka_run_group_tests_name("console log", tests, NULL, NULL);
}
