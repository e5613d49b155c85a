/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input_test.c - input reaches the shell or guest that it was typed for: lines, switches,
 * Ctrl-], guests that do not read
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "input.h"
#include "proto/console.h"

struct sink {
	struct input_guest g;
	char got[3 * INPUT_MAX];
	size_t n, room; /* room: bytes that it can still take */
};

static struct input in;
static struct sink shell, one, two;
static unsigned int n_interrupts, n_left, n_bells;
static bool shown;

static bool put(struct sink *s, const char *text, size_t len)
{
	assert_true(len > 0 && len <= CONSOLE_CHUNK_MAX);
	if (len > s->room)
		return false;
	s->room -= len;
	memcpy(s->got + s->n, text, len);
	s->n += len;
	return true;
}

static bool to_shell(const char *text, size_t len) { return put(&shell, text, len); }

static bool to_guest(struct input_guest *g, const char *text, size_t len)
{
	return put((struct sink *)(void *)g, text, len);
}

static bool interrupt(void)
{
	n_interrupts++;
	return true;
}

static bool may_leave(void) { return shown; }

static void left(void) { n_left++; }

static void bell(void) { n_bells++; }

static const struct input_ops ops = { to_shell, to_guest, interrupt, may_leave, left, bell };

static int setup(void **state)
{
	(void)state;
	shell.n = one.n = two.n = 0;
	shell.room = one.room = two.room = SIZE_MAX;
	n_interrupts = n_left = n_bells = 0;
	shown = true;
	input_init(&in, &ops);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	input_guest_fini(&one.g);
	input_guest_fini(&two.g);
	return 0;
}

static void type(const char *text)
{
	input_add(&in, text, strlen(text));
	input_run(&in);
}

static void ready(void)
{
	input_ready(&in, false);
	input_run(&in);
}

static void attach(struct sink *s)
{
	input_attach(&in, &s->g);
	input_run(&in);
}

static void has(struct sink *s, const char *text)
{
	assert_int_equal(s->n, strlen(text));
	assert_memory_equal(s->got, text, s->n);
	s->n = 0;
}

static void shell_gets_a_line_at_a_time(void **state)
{
	(void)state;
	type("list\nin");
	has(&shell, ""); /* the shell has not asked so far */
	ready();
	has(&shell, "list\n");
	type("fo\rdo\tx\n");
	has(&shell, "");
	ready();
	has(&shell, "info\r");
	ready();
	has(&shell, "do\t");
	ready();
	has(&shell, "x\n");
	ready();
	type("a");
	type("b");
	has(&shell, "ab"); /* no line is finished, so it gets key by key */
}

static void switch_takes_what_follows(void **state)
{
	(void)state;
	ready();
	type("console one\nls\nexit\n");
	has(&shell, "console one\n");
	attach(&one);
	has(&one, "ls\nexit\n");
	type("\x03\x1dlist\nmore");
	has(&one, "\x03"); /* the key is the guest's */
	assert_int_equal(n_left, 1);
	has(&shell, "");
	ready();
	has(&shell, "list\n");
	attach(&two);
	has(&two, "more");
	has(&one, "");
}

static void there_and_back_in_one_write(void **state)
{
	(void)state;
	ready();
	type("console one\nls\n\x1d"
	     "console two\nps\n\x1d"
	     "list\n");
	attach(&one);
	ready();
	attach(&two);
	ready();
	has(&shell, "console one\nconsole two\nlist\n");
	has(&one, "ls\n");
	has(&two, "ps\n");
	assert_int_equal(n_left, 2);
}

static void crlf_is_one_key(void **state)
{
	(void)state;
	ready();
	type("console one\r\nls\r\n\x1dlist\r\n");
	has(&shell, "console one\r");
	attach(&one);
	has(&one, "ls\r\n"); /* a guest gets exactly what was typed */
	ready();
	has(&shell, "list\r");
	ready();
	has(&shell, "");
	type("console one\r");
	attach(&one);
	type("\n"); /* a later LF is a key of its own for the guest */
	has(&one, "\n");
	type("\x1d\n"); /* and the same for the shell */
	ready();
	has(&shell, "console one\r\n");
}

static void log_is_seen_before_he_leaves(void **state)
{
	(void)state;
	ready();
	type("console one\nls\n\x1dlist\n");
	shown = false;
	attach(&one);
	has(&one, "ls\n");
	assert_int_equal(n_left, 0);
	shown = true;
	input_run(&in);
	assert_int_equal(n_left, 1);
	ready();
	has(&shell, "console one\nlist\n");
}

static void interrupt_is_told_at_once(void **state)
{
	(void)state;
	ready();
	type("shutdown -w one\nlist\n");
	assert_int_equal(n_interrupts, 0);
	type("x\x03y\n");
	type("z");
	assert_int_equal(n_interrupts, 1);
	has(&shell, "shutdown -w one\n");
	/* the shell stopped its command, so earlier input is discarded */
	input_ready(&in, true);
	input_run(&in);
	has(&shell, "y\n");
	type("\x03");
	assert_int_equal(n_interrupts, 2);
	ready(); /* the shell did not want the interrupt, so the key comes in its turn */
	has(&shell, "z\x03");
	type("\x03"); /* while the shell edits, ^C is a key */
	has(&shell, "\x03");
	assert_int_equal(n_interrupts, 2);
}

static void slow_guest_loses_nothing(void **state)
{
	static char want[20000];
	size_t n;

	(void)state;
	for (n = 0; n < sizeof(want); n++)
		want[n] = (char)('a' + n % 23);
	ready();
	type("console one\n");
	attach(&one);
	one.room = 0;
	for (n = 0; n < sizeof(want); n += 500) {
		input_add(&in, want + n, 500);
		input_run(&in);
		one.room += 100;
	}
	while (one.n < sizeof(want)) {
		one.room += 512;
		n = one.n;
		input_run(&in);
		assert_true(one.n > n);
	}
	assert_memory_equal(one.got, want, sizeof(want));
	assert_int_equal(input_room(&in), INPUT_MAX);
	assert_int_equal(n_bells, 0);
}

static void left_behind_comes_later(void **state)
{
	(void)state;
	ready();
	type("console one\n");
	has(&shell, "console one\n");
	one.room = 0;
	attach(&one);
	type("abc\x1dlist\n");
	assert_int_equal(n_left, 1);
	ready();
	has(&shell, "list\n");
	attach(&one);
	type("def");
	has(&one, "");
	one.room = 4;
	input_run(&in);
	has(&one, "abc");
	one.room = 3;
	type("\x1d");
	has(&one, "def");
	one.room = 0;
	attach(&one);
	type("ghi\x1d");
	one.room = 3;
	input_guest_run(&in, &one.g); /* even while another has the terminal */
	has(&one, "ghi");
	assert_null(one.g.late);
}

static void too_much_left_behind(void **state)
{
	(void)state;
	ready();
	type("console one\n");
	one.room = 0;
	for (unsigned int round = 0; round < 2; round++) {
		attach(&one);
		while (input_room(&in) > 1)
			input_add(&in, "x", 1);
		input_add(&in, "\x1d", 1);
		input_run(&in);
		assert_int_equal(n_left, round + 1); /* the user is not locked in */
		assert_int_equal(n_bells, round);
	}
	assert_int_equal(one.g.n_late, INPUT_MAX - 1);
}

static void full_without_a_way_out(void **state)
{
	(void)state;
	ready();
	type("console one\n");
	one.room = 0;
	attach(&one);
	while (input_room(&in))
		input_add(&in, "x", 1);
	input_run(&in);
	assert_int_equal(n_left, 0);
	input_discard(&in);
	assert_int_equal(n_bells, 1);
	type("\x1d");
	assert_int_equal(n_left, 1);
}

static void guest_that_ends_takes_its_input_along(void **state)
{
	(void)state;
	ready();
	type("console one\n");
	has(&shell, "console one\n");
	one.room = 0;
	attach(&one);
	type("poweroff\n"); /* typed for the guest, not for the host */
	input_gone(&in);
	ready();
	type("list\n");
	has(&shell, "list\n");
}

static void shell_without_room(void **state)
{
	(void)state;
	shell.room = 0;
	ready();
	type("list\ninfo\n");
	shell.room = SIZE_MAX;
	input_run(&in);
	has(&shell, "list\n"); /* the shell gets the next line only after READY */
}

static void ring_wraps(void **state)
{
	char line[8];

	(void)state;
	for (unsigned int i = 0; i < 3 * INPUT_MAX / 7; i++) {
		snprintf(line, sizeof(line), "%06u\n", i);
		type(line);
		ready();
		has(&shell, line);
	}
}

#define T(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(shell_gets_a_line_at_a_time),
		T(switch_takes_what_follows),
		T(there_and_back_in_one_write),
		T(crlf_is_one_key),
		T(log_is_seen_before_he_leaves),
		T(interrupt_is_told_at_once),
		T(slow_guest_loses_nothing),
		T(left_behind_comes_later),
		T(too_much_left_behind),
		T(full_without_a_way_out),
		T(guest_that_ends_takes_its_input_along),
		T(shell_without_room),
		T(ring_wraps),
	};

	return cmocka_run_group_tests_name("console input", tests, NULL, NULL);
}
