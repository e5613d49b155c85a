/* SPDX-License-Identifier: BSD-2-Clause */
/* conlog_test.c - what is kept of guests' consoles, and where an attached one is live */
#include "harness.h"

#include <stdio.h>
#include <string.h>

#include "conlog.h"
#include "guestlog.h"

/* What the shell is told of a guest's console. */
static const char *recalled(uint32_t domid, const char *name)
{
	uint32_t before = done + failed;

	clear();
	say(&all->shell, CONSOLE_RECALL, domid, name, strlen(name));
	assert_int_equal(done + failed, before + 1);
	return told;
}

static void a_mark_says_what_is_live(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "booting\r\nlogin: ");
	clear();
	say(&all->shell, CONSOLE_ATTACH, 1, NULL, 0);
	assert_string_equal(screen, "booting\r\n[what follows is live]\r\nlogin: ");
	prints(&all->guest[0], "now");
	typed("\x1d");
	clear();
	say(&all->shell, CONSOLE_ATTACH, 1, NULL, 0); /* nothing is old */
	prints(&all->guest[0], "then\r\n");
	assert_string_equal(screen, "then\r\n");
	typed("\x1d");
	prints(&all->guest[0], "whole lines\r\n");
	clear();
	say(&all->shell, CONSOLE_ATTACH, 1, NULL, 0);
	assert_string_equal(screen, "whole lines\r\n[what follows is live]\r\n");
}

/* The guest prints while the old text is on its way. */
static void the_mark_has_its_place_on_a_slow_line(void)
{
	static char old[3 * RING], *mark;

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	memset(old, 'o', sizeof(old) - 1);
	prints(&all->guest[0], old);
	clear();
	screen_stopped = true;
	say(&all->shell, CONSOLE_ATTACH, 1, NULL, 0);
	prints(&all->guest[0], "new");
	screen_stopped = false;
	uart_fn(NULL);
	settle();
	mark = strstr(screen, "\r\n[what follows is live]\r\nnew");
	assert_ptr_equal(mark, screen + sizeof(old) - 1);
}

static void the_log_of_a_guest_that_is_there(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	assert_string_equal(recalled(1, ""), "");
	prints(&all->guest[0], "one\r\n\033[1;31mtwo\033[m\r\n");
	attach(1);
	typed("\x1d");
	prints(&all->guest[0], "three\033");
	assert_string_equal(recalled(1, ""), "one\ntwo\nthree\n"); /* seen or not */
	assert_string_equal(recalled(1, ""), "one\ntwo\nthree\n");
	prints(&all->guest[0], "]0;a title\r\nfour\r\n");
	assert_string_equal(recalled(1, "other"), "one\ntwo\nthree\nfour\n");
	assert_int_equal(failed, 0);
	recalled(7, "nobody");
	assert_int_equal(failed, 1);
}

static void the_log_of_a_guest_that_has_ended(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "panic: no root\r\n");
	leave(&all->guest[0]);
	memset(all->guest[0].own, 0, sizeof(all->guest[0].own));
	assert_string_equal(recalled(0, "web"), "panic: no root\n");
	assert_string_equal(recalled(1, ""), "panic: no root\n");
	recalled(2, "db");
	assert_int_equal(failed, 1);
	/* its next life is seen first, and replaces it at its end */
	assert_int_equal(
		peer_connect(&all->guest[1], CONSOLE_GUEST, SVC_BADGE_CONTROL, "web", 2), 0);
	assert_string_equal(recalled(2, "web"), "");
	assert_string_equal(recalled(0, "web"), "panic: no root\n");
	prints(&all->guest[1], "again");
	leave(&all->guest[1]);
	assert_string_equal(recalled(0, "web"), "again\n");
	assert_int_equal(past_consoles.n, 1);
}

static void the_end_of_a_long_log_is_kept(void)
{
	static char much[CONSOLE_LOG_TEXT];
	size_t len;

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	memset(much, 'x', sizeof(much));
	memcpy(much + sizeof(much) - 4, "end\n", 4);
	say(&all->guest[0], CONSOLE_DATA, 0, much, sizeof(much));
	leave(&all->guest[0]);
	len = strlen(recalled(0, "web"));
	assert_true(len > GUESTLOG_SIZE - 256 && len < GUESTLOG_SIZE);
	assert_string_equal(told + len - 4, "end\n");
}

static void names_are_forgotten_one_after_the_other(void)
{
	char name[16];

	begin();
	for (uint32_t i = 1; i <= PAST_MAX + 1; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		assert_int_equal(
			peer_connect(&all->guest[0], CONSOLE_GUEST, SVC_BADGE_CONTROL, name, i),
			0);
		prints(&all->guest[0], name);
		leave(&all->guest[0]);
		all->guest[0].epoch = 0;
	}
	recalled(0, "g1");
	assert_int_equal(failed, 1);
	assert_string_equal(recalled(0, "g2"), "g2\n");
	assert_string_equal(recalled(0, name), "g33\n");
}

/* It ends while the shell reads: the rest comes from what is kept. */
static void a_guest_ends_while_its_log_is_read(void)
{
	const struct console_msg m = { .type = CONSOLE_RECALL, .arg = 1 };
	static char much[3 * RING];

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	for (size_t i = 0; i < sizeof(much); i++)
		much[i] = (char)('a' + i % 26);
	say(&all->guest[0], CONSOLE_DATA, 0, much, sizeof(much));
	clear();
	assert_int_equal(ring_put2(&all->shell.req, &m, sizeof(m), NULL, 0), 0);
	(void)ring_put_flush(&all->shell.req);
	all->shell.c.spent = 0;
	assert_int_equal(console->event(&all->shell.c), 0); /* a ring full of it */
	assert_true(conlog_running());
	leave(&all->guest[0]);
	memset(all->guest[0].own, 0, sizeof(all->guest[0].own));
	uart_fn(NULL);
	settle();
	assert_false(conlog_running());
	assert_int_equal(done, 1);
	assert_int_equal(n_told, sizeof(much) + 1);
	assert_memory_equal(told, much, sizeof(much));
}

static void they_outlive_console(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "last words\n");
	leave(&all->guest[0]);
	/* the next life finds them in the kept memory */
	past_consoles.n = 0;
	past_consoles.last_opened = 0;
	memset(past_consoles.log, 0, PAST_MAX * sizeof(*past_consoles.log));
	guestlog_resume(&past_consoles);
	assert_string_equal(recalled(0, "web"), "last words\n");
}

static const char *plain(const char *text)
{
	static char out[256];
	enum plain_state state = PLAIN_TEXT;
	size_t n = 0;

	for (; *text; text++) /* in the smallest pieces */
		n += plain_text(&state, text, 1, out + n);
	out[n] = 0;
	return out;
}

static void sequences_are_left_out(void)
{
	assert_string_equal(plain("a\tb\r\nc"), "a\tb\nc");
	assert_string_equal(plain("\a\b\x7f\x0e\x0f."), ".");
	assert_string_equal(plain("\033[1;31mred\033[0m \033[?25l\033[2J|"), "red |");
	assert_string_equal(plain("\033(Bx\033=y\0337z"), "xyz");
	assert_string_equal(plain("\033]0;title\ax\033]0;t\033\\y\033Pq#1\033\\z"), "xyz");
	assert_string_equal(plain("\033[31\nstill here"), "\nstill here");
	assert_string_equal(plain("\033]0;no end\nstill here"), "\nstill here");
	assert_string_equal(plain("\033\033[1mx"), "x");
	assert_string_equal(plain("na\xc3\xafve"), "na\xc3\xafve");
}

int conlog_tests(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_mark_says_what_is_live),
		CASE(the_mark_has_its_place_on_a_slow_line),
		CASE(the_log_of_a_guest_that_is_there),
		CASE(the_log_of_a_guest_that_has_ended),
		CASE(the_end_of_a_long_log_is_kept),
		CASE(names_are_forgotten_one_after_the_other),
		CASE(a_guest_ends_while_its_log_is_read),
		CASE(they_outlive_console),
		CASE(sequences_are_left_out),
	};

	return cmocka_run_group_tests_name("logs of consoles", tests, NULL, NULL);
}
