/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart_main_test.c - the whole of the serial port's driver, with a client that may be hostile
 */
#include "world/world.h"

#include "proto/console.h"
#include "sys/sk.h"

enum {
	IRQ = 21,
	THR = 0,
	IER = 1,
	IIR = 2,
	LSR = 5,
	SCRATCH = 7,
	LSR_DATA = 1,
	LSR_EMPTY = 0x60
};

/* ---- the device: it sends at once, and holds what was typed ---- */
static char sent[70000], typed[4096];
static uint32_t n_sent, n_typed, typed_at;
static uint8_t scratch, enabled;

long sk_port_in(sk_cap_t ioport, uint16_t port, uint32_t size, uint32_t *value)
{
	(void)ioport, (void)size;
	switch (port) {
	case THR:
		*value = typed_at < n_typed ? (uint8_t)typed[typed_at++] : 0;
		break;
	case IIR:
		*value = typed_at < n_typed && enabled & 1 ? 4 : enabled & 2 ? 2 : 1;
		break;
	case LSR:
		*value = LSR_EMPTY | (typed_at < n_typed ? LSR_DATA : 0);
		break;
	case SCRATCH:
		*value = scratch;
		break;
	default:
		*value = 0;
	}
	return 0;
}

long sk_port_out(sk_cap_t ioport, uint16_t port, uint32_t size, uint32_t value)
{
	(void)ioport, (void)size;
	if (port == SCRATCH)
		scratch = (uint8_t)value;
	if (port == IER)
		enabled = (uint8_t)value;
	if (port == THR && n_sent < sizeof(sent))
		sent[n_sent++] = (char)value;
	return 0;
}

long sk_port_out_bytes(sk_cap_t ioport, uint16_t port, uint32_t n, const uint64_t w[2])
{
	assert_in_range(n, 1, 16);
	for (uint32_t i = 0; i < n; i++)
		(void)sk_port_out(ioport, port, 1, ((const uint8_t *)w)[i]);
	return 0;
}

static struct peer console;

static void start(void)
{
	world_start();
	n_sent = 0;
	assert_int_equal(world_open(&console, SVC_PROTO_UART, 1 | SVC_STATIC, NULL, 0, 0), 0);
}

static void put(const char *text, uint16_t type)
{
	struct {
		struct console_msg m;
		char text[CONSOLE_CHUNK_MAX];
	} r = { .m = { .type = type, .len = (uint16_t)strlen(text) } };

	memcpy(r.text, text, r.m.len);
	peer_put(&console, &r, (uint32_t)sizeof(r.m) + r.m.len);
}

static void type(const char *text)
{
	memcpy(typed + n_typed, text, strlen(text));
	n_typed += (uint32_t)strlen(text);
	world_irq(IRQ);
}

/* The last SENT that came with the text. */
static uint32_t told_sent;

/* Copies all text that came to the client, at most `max` bytes. */
static uint32_t heard(char *out, uint32_t max)
{
	uint8_t rec[sizeof(struct console_msg) + CONSOLE_CHUNK_MAX];
	uint32_t n = 0;
	int rc;

	while ((rc = ring_get(&console.in, rec, sizeof(rec))) >= 0) {
		uint32_t len = (uint32_t)rc - sizeof(struct console_msg);
		struct console_msg m;

		memcpy(&m, rec, sizeof(m));
		if (m.type == CONSOLE_SENT)
			told_sent = m.arg;

		assert_true(n + len < max);
		memcpy(out + n, rec + sizeof(struct console_msg), len);
		n += len;
	}
	out[n] = 0;
	return n;
}

static void text_both_ways(void)
{
	char text[200];

	start();
	put("hello, ", CONSOLE_DATA);
	put("this is more than a FIFO holds", CONSOLE_DATA);
	peer_signal(&console);
	for (int i = 0; i < 10; i++)
		world_irq(IRQ);
	assert_int_equal(n_sent, 37);
	assert_memory_equal(sent, "hello, this is more than a FIFO holds", 37);
	assert_int_equal(heard(text, sizeof(text)), 0);
	assert_int_equal(told_sent, 37);
	type("list\r");
	assert_int_equal(heard(text, sizeof(text)), 5);
	assert_string_equal(text, "list\r");
}

static void a_malformed_record_is_a_breach(void)
{
	start();
	put("x", CONSOLE_READY);
	peer_signal(&console);
	assert_true(peer_dead(&console));
	assert_int_equal(n_sent, 0);
	assert_int_equal(world_close(&console), 0);
	assert_int_equal(world_open(&console, SVC_PROTO_UART, 1 | SVC_STATIC, NULL, 0, 0), 0);
	put("y", CONSOLE_DATA); /* the next client is served */
	peer_signal(&console);
	assert_int_equal(n_sent, 1);
}

/* Records without text would be work without end. */
static void records_without_text_are_a_breach(void)
{
	start();
	for (int i = 0; i < 50; i++)
		put("", CONSOLE_DATA);
	peer_signal(&console);
	assert_true(peer_dead(&console));
}

static void a_record_of_another_length_is_a_breach(void)
{
	struct {
		struct console_msg m;
		char text[3];
	} r = { .m = { .type = CONSOLE_DATA, .len = 1 }, .text = "xyz" };

	start();
	peer_put(&console, &r, sizeof(r.m) + 3);
	peer_signal(&console);
	assert_true(peer_dead(&console));
	assert_int_equal(n_sent, 0);
}

static void there_is_one_client(void)
{
	struct peer other = { .data = NULL };

	start();
	assert_int_equal(
		world_open(&other, SVC_PROTO_UART, 2 | SVC_STATIC, NULL, 0, 0), -SK_E_BUSY);
	put("the first is served", CONSOLE_DATA);
	peer_signal(&console);
	world_irq(IRQ);
	assert_int_equal(n_sent, 19);
}

/* The interrupt that made the room tells the client of it. */
static void room_in_the_ring_is_told(void)
{
	static const char text[] = "0123456789abcdef";
	const uint32_t len = sizeof(struct console_msg) + 16;
	unsigned int before;

	start();
	while (ring_room(&console.out, len, 1))
		put(text, CONSOLE_DATA);
	peer_signal(&console);
	while (ring_room(&console.out, len, 1))
		put(text, CONSOLE_DATA);
	peer_signal(&console);
	assert_false(ring_room_idle(&console.out, len));
	before = console.signals;
	world_irq(IRQ);
	assert_int_equal(console.signals, before + 1);
	assert_true(ring_room(&console.out, len, 1));
}

/* Input for a client that was dropped stays in the device, and the driver goes on. */
static void typing_to_a_client_that_was_dropped(void)
{
	char text[200];

	start();
	put("x", CONSOLE_READY);
	peer_signal(&console);
	assert_true(peer_dead(&console));
	type("lost?\r");
	assert_int_equal(world_close(&console), 0);
	assert_int_equal(world_open(&console, SVC_PROTO_UART, 1 | SVC_STATIC, NULL, 0, 0), 0);
	peer_signal(&console);
	assert_int_equal(heard(text, sizeof(text)), 6);
}

static void typing_to_a_client_with_an_impossible_index(void)
{
	start();
	((struct ring_shared *)(console.rings + 4096))->cons = 4;
	for (int i = 0; i < 100; i++)
		type("0123456789012345678901234567890123456789");
	put("still there", CONSOLE_DATA);
	peer_signal(&console);
	assert_int_equal(n_sent, 11);
}

/* Input is not lost while the client does not read, as far as the device can hold it. */
static void typing_to_a_client_that_does_not_read(void)
{
	static char text[8192];
	uint32_t n = 0;

	start();
	for (int i = 0; i < 90; i++)
		type("0123456789012345678901234567890123456789");
	for (int i = 0; i < 10; i++) {
		n += heard(text + n, sizeof(text) - n);
		peer_signal(&console);
	}
	assert_int_equal(n, 90 * 40);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(text[i], '0' + i % 10);
}

/* After a lost interrupt the line stays up, so no further edge would come. */
static void a_lost_interrupt_costs_a_second(void)
{
	char text[200];

	start();
	memcpy(typed + n_typed, "help\r", 5);
	n_typed += 5;
	world_run();
	assert_int_equal(heard(text, sizeof(text)), 0);
	world.now += WORLD_HZ;
	world_run();
	assert_int_equal(heard(text, sizeof(text)), 5);
	put("ok", CONSOLE_DATA); /* fills the FIFO, and the interrupt is lost */
	put("this is more than a FIFO holds", CONSOLE_DATA);
	peer_signal(&console);
	assert_int_equal(n_sent, 16);
	world.now += WORLD_HZ;
	world_run();
	assert_int_equal(n_sent, 32);
}

/* What is only in the FIFO of this program may be lost with it, and is not reported. */
static void what_was_sent_is_reported(void)
{
	char text[200], line[301];

	start();
	memset(line, 'x', 300);
	line[300] = 0;
	for (int i = 0; i < 6; i++)
		put(line, CONSOLE_DATA);
	peer_signal(&console);
	while (n_sent < 1800) {
		world_irq(IRQ);
		assert_int_equal(heard(text, sizeof(text)), 0);
		assert_true(told_sent <= n_sent);
		assert_true(told_sent + 1100 > n_sent);
	}
	world_irq(IRQ);
	(void)heard(text, sizeof(text));
	assert_int_equal(told_sent, 1800);
	assert_int_equal(world_close(&console), 0);
	assert_int_equal(world_open(&console, SVC_PROTO_UART, 1 | SVC_STATIC, NULL, 0, 0), 0);
	put("anew", CONSOLE_DATA); /* each connection counts for itself */
	peer_signal(&console);
	world_irq(IRQ);
	(void)heard(text, sizeof(text));
	assert_int_equal(told_sent, 4);
}

/* console has died: its last text still comes, and what is typed waits for the next one. */
static void a_connection_is_drained(void)
{
	char text[200], line[301];

	start();
	memset(line, 'y', 300);
	line[300] = 0;
	for (int i = 0; i < 4; i++)
		put(line, CONSOLE_DATA);
	(void)ring_put_flush(&console.out); /* it died before it signalled */
	assert_int_equal(world_close(&console), PENDING);
	type("next\r");
	for (int i = 0; n_sent < 1200; i++) {
		assert_int_equal(console.close_rc, PENDING);
		assert_true(i < 1000);
		world_irq(IRQ);
	}
	world_irq(IRQ);
	assert_int_equal(console.close_rc, 0);
	assert_int_equal(heard(text, sizeof(text)), 0);
	assert_int_equal(world_open(&console, SVC_PROTO_UART, 1 | SVC_STATIC, NULL, 0, 0), 0);
	peer_signal(&console);
	assert_int_equal(heard(text, sizeof(text)), 5);
	assert_string_equal(text, "next\r");
}

/* What a client leaves may be no record; that ends the draining, too. */
static void a_broken_connection_is_not_drained_for_long(void)
{
	start();
	put("text", CONSOLE_DATA);
	put("x", CONSOLE_READY);
	put("never", CONSOLE_DATA);
	(void)ring_put_flush(&console.out);
	assert_int_equal(world_close(&console), 0);
	assert_int_equal(n_sent, 4);
	assert_int_equal(world_open(&console, SVC_PROTO_UART, 1 | SVC_STATIC, NULL, 0, 0), 0);
	((struct ring_shared *)console.rings)->prod = 4;
	assert_int_equal(world_close(&console), 0);
	assert_int_equal(world_open(&console, SVC_PROTO_UART, 1 | SVC_STATIC, NULL, 0, 0), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(text_both_ways),
		CASE(a_malformed_record_is_a_breach),
		CASE(records_without_text_are_a_breach),
		CASE(a_record_of_another_length_is_a_breach),
		CASE(there_is_one_client),
		CASE(room_in_the_ring_is_told),
		CASE(typing_to_a_client_that_was_dropped),
		CASE(typing_to_a_client_with_an_impossible_index),
		CASE(typing_to_a_client_that_does_not_read),
		CASE(a_lost_interrupt_costs_a_second),
		CASE(what_was_sent_is_reported),
		CASE(a_connection_is_drained),
		CASE(a_broken_connection_is_not_drained_for_long),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
