/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ns16550_test.c - the UART's driver against a model of its registers
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "ns16550.h"

/* The model: sent() sends the FIFO, and received bytes wait in a queue. */
static uint8_t ier, scratch, lcr, sent_bytes[256], incoming[64], mcr;
static unsigned int in_fifo, n_sent, n_in, in_at;
static bool present, tx_pending, restless;

static uint8_t reg_in(uint8_t reg)
{
	switch (reg) {
	case 0:
		return incoming[in_at++];
	case 2:
		if (restless)
			return 6;
		if (ier & 1 && in_at < n_in)
			return 4;
		if (ier & 2 && tx_pending) {
			tx_pending = false; /* reading IIR clears this cause */
			return 2;
		}
		return 1;
	case 5:
		return (uint8_t)((in_at < n_in ? 1 : 0) | (in_fifo == 0 ? 0x20 : 0));
	case 7:
		return present ? scratch : 0xff;
	default:
		return 0;
	}
}

static void reg_out(uint8_t reg, uint8_t value)
{
	if (reg == 0 && !(lcr & 0x80)) {
		assert_true(in_fifo < 16);
		sent_bytes[n_sent++] = value;
		in_fifo++;
	} else if (reg == 1 && !(lcr & 0x80)) {
		if (value & ~ier & 2 && in_fifo == 0)
			tx_pending = true;
		ier = value;
	} else if (reg == 2) {
		if (value & 2)
			in_at = n_in;
	} else if (reg == 3) {
		lcr = value;
	} else if (reg == 4) {
		mcr = value;
	} else if (reg == 7) {
		scratch = value;
	}
}

static void sent(void)
{
	in_fifo = 0;
	tx_pending = true;
}

static const char *text;
static char received[64];
static unsigned int n_received, room;

static void send(const uint8_t *bytes, uint32_t n)
{
	assert_true(n > 0);
	for (uint32_t i = 0; i < n; i++)
		reg_out(0, bytes[i]);
}

static uint32_t tx_take(uint8_t *to, uint32_t most)
{
	uint32_t n = 0;

	while (n < most && *text)
		to[n++] = (uint8_t)*text++;
	return n;
}

static bool rx_byte(uint8_t byte)
{
	received[n_received++] = (char)byte;
	return --room > 0;
}

static struct ns16550 u;

static int setup(void **state)
{
	(void)state;
	u = (struct ns16550){ .in = reg_in,
		.out = reg_out,
		.send = send,
		.tx_take = tx_take,
		.rx_byte = rx_byte };
	ier = lcr = 0;
	in_fifo = n_sent = n_in = in_at = n_received = 0;
	tx_pending = restless = false;
	present = true;
	text = "";
	room = 64;
	return 0;
}

static void absent(void **state)
{
	(void)state;
	present = false;
	assert_false(ns16550_start(&u));
}

static void sends_in_fifo_loads(void **state)
{
	const char *all = "forty characters, more than two FIFOs...";

	(void)state;
	assert_true(ns16550_start(&u));
	assert_int_equal(lcr, 3);
	assert_true(mcr & 8); /* OUT2 lets interrupts through */
	text = all;
	ns16550_tx_kick(&u);
	assert_int_equal(n_sent, 16);
	assert_true(ier & 2);
	while (ier & 2) {
		sent();
		ns16550_interrupt(&u);
	}
	assert_int_equal(n_sent, 40);
	assert_memory_equal(sent_bytes, all, 40);
}

static void kick_while_the_fifo_is_busy(void **state)
{
	(void)state;
	assert_true(ns16550_start(&u));
	text = "ab";
	ns16550_tx_kick(&u);
	sent();
	ns16550_interrupt(&u); /* nothing is left, so the interrupt goes off */
	assert_false(ier & 2);
	in_fifo = 3;
	text = "cd";
	ns16550_tx_kick(&u);
	assert_int_equal(n_sent, 2);
	assert_true(ier & 2);
	sent();
	ns16550_interrupt(&u);
	assert_int_equal(n_sent, 4);
}

static void receives_until_there_is_no_room(void **state)
{
	(void)state;
	assert_true(ns16550_start(&u));
	memcpy(incoming, "0123456789", 10);
	n_in = 10;
	room = 4;
	ns16550_interrupt(&u);
	assert_int_equal(n_received, 4);
	assert_false(ier & 1);
	room = 64;
	ns16550_rx_resume(&u);
	assert_true(ier & 1);
	assert_int_equal(n_received, 10);
	assert_memory_equal(received, "0123456789", 10);
}

/* Input that came before the driver started. */
static void takes_what_came_before(void **state)
{
	(void)state;
	memcpy(incoming, "list\n", 5);
	n_in = 5;
	assert_true(ns16550_start(&u));
	ns16550_interrupt(&u);
	assert_int_equal(n_received, 5);
	assert_memory_equal(received, "list\n", 5);
}

/* The line then stays up and no edge comes, so the caller must know. */
static void says_when_the_device_does_not_rest(void **state)
{
	(void)state;
	assert_true(ns16550_start(&u));
	assert_int_equal(ns16550_interrupt(&u), NS16550_NOTHING);
	memcpy(incoming, "ls\n", 3);
	n_in = 3;
	assert_int_equal(ns16550_interrupt(&u), NS16550_ALL);
	restless = true;
	assert_int_equal(ns16550_interrupt(&u), NS16550_MORE);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = { CASE(absent), CASE(sends_in_fifo_loads),
		CASE(kick_while_the_fifo_is_busy), CASE(receives_until_there_is_no_room),
		CASE(takes_what_came_before), CASE(says_when_the_device_does_not_rest) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
