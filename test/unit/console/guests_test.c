/* SPDX-License-Identifier: BSD-2-Clause */
/* guests_test.c - consoles of guests: what the user sees, and what reaches a guest */
#include "harness.h"

#include <stdio.h>
#include <string.h>

static void shows_what_nobody_has_seen(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "booting\r\nlogin: ");
	assert_string_equal(screen, "");
	attach(1);
	assert_string_equal(screen, "booting\r\nlogin: ");
	prints(&all->guest[0], "root\r\n");
	assert_ptr_equal(worked_for, &all->guest[0].c); /* what the UART takes is its text */
	typed("\x1d");
	assert_null(worked_for);
	assert_int_equal(detached, 1);
	assert_string_equal(screen, "booting\r\nlogin: root\r\n\r\n");
	attach(1); /* the user has seen all of it */
	assert_string_equal(screen, "");
	typed("\x1d");
	prints(&all->guest[0], "more\r\n");
	attach(1);
	assert_string_equal(screen, "more\r\n");
}

static void says_what_was_not_kept(void)
{
	static char much[CONSOLE_LOG_TEXT + 100];

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "0123456789");
	attach(1);
	typed("\x1d");
	memset(much, 'x', sizeof(much));
	say(&all->guest[0], CONSOLE_DATA, 0, much, sizeof(much));
	attach(1);
	assert_int_equal(
		strncmp(screen, "[100 bytes of this console were not kept]\r\nxxx", 46), 0);
	assert_int_equal(n_screen, 43 + CONSOLE_LOG_TEXT);
	typed("\x1d");
	attach(1);
	assert_string_equal(screen, "");
}

static void a_line_shown_in_part_goes_on(void)
{
	static char much[3 * RING];

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	memset(much, 'x', sizeof(much) - 1);
	prints(&all->guest[0], much);
	screen_stopped = true;
	attach(1);
	typed("\x1d"); /* the user first sees the text that was there at the attach */
	assert_int_equal(detached, 0);
	screen_stopped = false;
	uart_fn(NULL);
	settle();
	assert_int_equal(detached, 1);
	assert_int_equal(n_screen, sizeof(much) - 1 + 2);
}

/* Input for a guest that does not read waits. */
static void typing_to_a_guest(void)
{
	char keys[101], got[8000], rec[sizeof(struct console_msg) + CONSOLE_CHUNK_MAX];
	uint32_t n = 0, len = 0;
	int rc;

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	attach(1);
	for (uint32_t i = 0; i < 70; i++) {
		memset(keys, 'a' + (int)(i % 26), 100);
		keys[100] = 0;
		typed(keys);
	}
	for (int i = 0; i < 10; i++) {
		while ((rc = ring_get(&all->guest[0].rsp, rec, sizeof(rec))) > 0) {
			len = (uint32_t)rc - sizeof(struct console_msg);
			memcpy(got + n, rec + sizeof(struct console_msg), len);
			n += len;
		}
		(void)ring_get_flush(&all->guest[0].rsp);
		event(&all->guest[0]);
	}
	assert_int_equal(n, 7000);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(got[i], 'a' + i / 100 % 26);
}

/* The user is told by a bell when that is given up. */
static void typing_to_a_guest_that_does_not_read(void)
{
	char keys[201];
	uint32_t n = 0;

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	attach(1);
	memset(keys, 'x', sizeof(keys) - 1);
	keys[sizeof(keys) - 1] = 0;
	timer = NULL;
	while (!timer || timer->deadline == SK_NO_DEADLINE) {
		assert_true(n++ < 1000);
		typed(keys);
	}
	assert_string_equal(screen, "");
	now = timer->deadline;
	timer->fn(NULL);
	settle();
	assert_string_equal(screen, "\a");
	typed("\x1d");
	assert_int_equal(detached, 1);
}

static void queue(struct peer *p, uint16_t type, uint32_t arg, const char *text)
{
	struct console_msg m = { .type = type, .arg = arg, .len = (uint16_t)strlen(text) };

	assert_int_equal(ring_put2(&p->req, &m, sizeof(m), text, m.len), 0);
	(void)ring_put_flush(&p->req);
}

/* Both come at once. */
static void the_shell_is_silent_while_a_guest_is_attached(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "login: ");
	queue(&all->shell, CONSOLE_ATTACH, 1, "");
	queue(&all->shell, CONSOLE_DATA, 0, "$ ");
	clear();
	event(&all->shell);
	assert_string_equal(screen, "[what follows is live]\r\nlogin: ");
	typed("\x1d");
	assert_string_equal(screen, "[what follows is live]\r\nlogin: \r\n$ ");
}

/* What it said before its end is shown, although its memory is gone. */
static void last_words_of_a_guest(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	attach(1);
	screen_stopped = true;
	for (uint32_t i = 0; i < 2 * RING; i += 20)
		prints(&all->guest[0], "shutting down . . .\n");
	queue(&all->guest[0], CONSOLE_DATA, 0, "power off");
	leave(&all->guest[0]);
	memset(all->guest[0].own, 0, sizeof(all->guest[0].own));
	screen_stopped = false;
	uart_fn(NULL);
	settle();
	assert_int_equal(detached, 1);
	assert_non_null(strstr(screen, "shutting down . . .\npower off"));
}

static void colours_do_not_stay(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "plain");
	attach(1);
	typed("\x1d");
	say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
	assert_string_equal(screen, "plain\r\n$ "); /* nothing to undo */
	prints(&all->guest[0], "\033[31m\033[?25lred");
	attach(1);
	typed("\x1d");
	say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
	assert_non_null(strstr(screen, "red\r\n"));
	assert_non_null(strstr(screen, terminal_reset));
	assert_string_equal(strstr(screen, terminal_reset) + strlen(terminal_reset), "$ ");
	assert_non_null(strstr(terminal_reset, "\033[?25h"));
	attach(1); /* only once */
	typed("\x1d");
	say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
	assert_string_equal(screen, "\r\n$ ");
	/* it is undone, too, if the guest ends while the UART has no room */
	attach(1);
	screen_stopped = true;
	prints(&all->guest[0], "\033[?1049h");
	leave(&all->guest[0]);
	say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
	screen_stopped = false;
	settle();
	assert_string_equal(strstr(screen, terminal_reset) + strlen(terminal_reset), "$ ");
}

/*
 * The user leaves while the UART is full, after any byte: the reset of the colours follows when
 * there is room.
 */
static void colours_do_not_stay_on_a_slow_line(void)
{
	static char much[RING];

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	for (uint32_t len = RING / 4; len < RING; len += 24) {
		attach(1);
		screen_stopped = true;
		memset(much, 'x', sizeof(much));
		memcpy(much, "\033[31m", 5);
		say(&all->guest[0], CONSOLE_DATA, 0, much, len);
		typed("\x1d");
		say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
		screen_stopped = false;
		uart_fn(NULL);
		settle();
		assert_non_null(strstr(screen, terminal_reset));
		assert_string_equal(
			strstr(screen, terminal_reset) + strlen(terminal_reset), "$ ");
	}
}

int guest_tests(void)
{
	const struct CMUnitTest tests[] = {
		CASE(shows_what_nobody_has_seen),
		CASE(says_what_was_not_kept),
		CASE(a_line_shown_in_part_goes_on),
		CASE(typing_to_a_guest),
		CASE(typing_to_a_guest_that_does_not_read),
		CASE(the_shell_is_silent_while_a_guest_is_attached),
		CASE(last_words_of_a_guest),
		CASE(colours_do_not_stay),
		CASE(colours_do_not_stay_on_a_slow_line),
	};

	return cmocka_run_group_tests_name("console of guests", tests, NULL, NULL);
}
