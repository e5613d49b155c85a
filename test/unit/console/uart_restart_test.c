/* SPDX-License-Identifier: BSD-2-Clause */
/* uart_restart_test.c - the UART's driver starts again: the screen loses and repeats nothing */
#include "harness.h"

#include <stdio.h>
#include <string.h>

static void uart_says_sent(uint32_t n)
{
	const struct console_msg m = { .type = CONSOLE_SENT, .arg = n };

	assert_int_equal(ring_put(&all->uart.rsp, &m, sizeof(m)), 0);
	(void)ring_put_flush(&all->uart.rsp);
	uart_fn(NULL);
}

static void uart_restarts(void)
{
	uint32_t epoch = ++all->uart.c.epoch;

	all->uart.c.broken = false;

	ring_restart(&all->uart.req, epoch);
	ring_restart(&all->uart.rsp, epoch);
	ring_restart(&all->uart.c.req, epoch);
	ring_restart(&all->uart.c.rsp, epoch);
	uart_epoch_fn(NULL);
	uart_fn(NULL);
}

/* Until the shell speaks, the log is shown, with a carriage return before each newline. */
static void the_log_before_the_shell(void)
{
	memory_make();
	peer_init(&all->uart);
	assert_int_equal(console_main(), 0);
	assert_int_equal(peer_connect(&all->vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "storage",
				 SVC_STATIC | 5),
		0);
	prints(&all->vmm[0], "early\nbird\n");
	assert_string_equal(
		screen, "[    0.250000] (storage) early\r\n[    0.250000] (storage) bird\r\n");
}

/* The driver dies after any byte, and dies again while the rest comes. */
static void the_screen_goes_on(void)
{
	char text[64];

	begin();
	uart_says_sent(2);
	uart_restarts();
	for (uint32_t n = 0; n <= 40; n++) {
		uint32_t rest = n % 7 < 40 - n ? n % 7 : 40 - n;

		snprintf(text, sizeof(text), "%040u", n);
		say(&all->shell, CONSOLE_DATA, 0, text, 40);
		clear();
		screen_stopped = true;
		uart_says_sent(n ? n : 0);
		uart_restarts();
		screen_stopped = false;
		settle();
		assert_string_equal(screen, text + n);
		clear();
		screen_stopped = true;
		uart_says_sent(rest);
		uart_restarts();
		screen_stopped = false;
		settle();
		assert_string_equal(screen, text + n + rest);
		uart_says_sent(40 - n - rest); /* all of it */
		uart_restarts();
		assert_int_equal(uart_takes(), false);
	}
}

/* A driver that claims to have sent what it did not get is not believed. */
static void a_driver_that_claims_too_much(void)
{
	begin();
	uart_says_sent(2);
	say(&all->shell, CONSOLE_DATA, 0, "abc", 3);
	clear();
	uart_says_sent(1000);
	uart_says_sent(UINT32_MAX);
	uart_says_sent(1); /* it was 2 already */
	uart_restarts();
	settle();
	assert_string_equal(screen, "abc");
}

/* While the driver is away, text waits, and none is lost. */
static void the_driver_is_away(void)
{
	static char much[3 * RING];

	begin();
	uart_says_sent(2);
	clear();
	screen_stopped = true;
	for (uint32_t i = 0; i < sizeof(much) - 1; i++)
		much[i] = (char)('a' + i % 26);
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], much);
	attach(1);
	uart_restarts();
	uart_restarts();
	screen_stopped = false;
	uart_fn(NULL);
	settle();
	assert_int_equal(n_screen, sizeof(much) - 1);
	assert_string_equal(screen, much);
}

/* Without the UART, the shell and the guests are not held up. */
static void the_driver_does_not_come_back(void)
{
	char text[200];

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	screen_stopped = true;
	all->uart.c.dead = true;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	for (uint32_t i = 0; i < 100; i++) {
		say(&all->shell, CONSOLE_DATA, 0, text, sizeof(text) - 1);
		prints(&all->guest[0], text);
	}
	dmesg();
	assert_non_null(strstr(told, "kernel line\n"));
}

int uart_restart_tests(void)
{
	const struct CMUnitTest tests[] = {
		CASE(the_log_before_the_shell),
		CASE(the_screen_goes_on),
		CASE(a_driver_that_claims_too_much),
		CASE(the_driver_is_away),
		CASE(the_driver_does_not_come_back),
	};

	return cmocka_run_group_tests_name("restarts of the UART's driver", tests, NULL, NULL);
}
