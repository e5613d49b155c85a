/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - uart: one 16550, for its one client console
 *
 * Objects     tx: the record that is being sent. rx: received bytes that wait for the end of
 *             the burst.
 * Lifecycle   the device runs from the start; without a client, received bytes stay in it. A
 *             connection that is closed is drained first, because its text may be the last of a
 *             console that has died. After a restart of this driver, console sends again what
 *             was not reported by SENT.
 * Invariants  a byte is taken out of the device only when there is room for it in rx.
 *             UART3 the line is edge-triggered, and a lost edge (while the pin was masked, or
 *                   by the hardware) would silence the device for good, so the device is also
 *                   polled once a second.
 */
#include <stdio.h>
#include <string.h>

#include "ns16550.h"
#include "base/error.h"
#include "proto/console.h"
#include "svc/svc.h"
#include "sys/sk.h"

enum {
	IRQ_BIT = 21,
	LOOK_MS = 1000,
	/* Text is reported when all of it has been sent, and after so many bytes. */
	SAY_EACH = 1024,
};

struct record {
	struct console_msg m;
	uint8_t text[CONSOLE_CHUNK_MAX];
};

static struct svc_conn *client;
static struct record tx;
static uint32_t tx_at;
/* Bytes of the client's text that the device has, and how many of them it was told of. */
static uint32_t n_sent, n_said;
/* The client's connection is being closed, and its last text is being sent. */
static bool draining;
static uint8_t rx[64];
static uint32_t n_rx;
static struct svc_timer look_timer, again_timer;
/* The last poll found work, and no interrupt has come since. */
static bool unannounced;
/* The client sent a malformed record, or one without text. */
static bool broken;

static uint8_t reg_in(uint8_t reg)
{
	uint32_t value = 0xff;

	(void)sk_port_in(
		DOMAIN_CAP_IOPORT(0), (uint16_t)(svc_info()->dev[0].io_port + reg), 1, &value);
	return (uint8_t)value;
}

static void reg_out(uint8_t reg, uint8_t value)
{
	(void)sk_port_out(
		DOMAIN_CAP_IOPORT(0), (uint16_t)(svc_info()->dev[0].io_port + reg), 1, value);
}

static void send(const uint8_t *bytes, uint32_t n)
{
	uint64_t w[2] = { 0 };

	memcpy(w, bytes, n);
	(void)sk_port_out_bytes(DOMAIN_CAP_IOPORT(0), svc_info()->dev[0].io_port, n, w);
}

static bool tx_fetch(void)
{
	int rc = client && !broken ? ring_get(&client->req, &tx, sizeof(tx)) : -SK_E_AGAIN;

	tx_at = 0;
	if (rc > (int)sizeof(tx.m) && tx.m.type == CONSOLE_DATA &&
		tx.m.len == (unsigned int)rc - sizeof(tx.m))
		return true;
	tx.m.len = 0;
	broken |= rc != -SK_E_AGAIN;
	return false;
}

static bool tx_pending(void) { return tx_at < tx.m.len || tx_fetch(); }

static uint32_t tx_take(uint8_t *to, uint32_t most)
{
	uint32_t n = 0, len;

	while (n < most && tx_pending()) {
		len = tx.m.len - tx_at < most - n ? tx.m.len - tx_at : most - n;
		memcpy(to + n, tx.text + tx_at, len);
		tx_at += len;
		n += len;
	}
	n_sent += n;
	return n;
}

/* If the ring has no room, a later report says it. */
static void sent_say(void)
{
	const struct console_msg m = { .type = CONSOLE_SENT, .arg = n_sent };

	if (!client || draining || n_sent == n_said || (tx.m.len && n_sent - n_said < SAY_EACH))
		return;
	if (svc_respond(client, &m, sizeof(m)) == 0)
		n_said = n_sent;
}

static void client_forget(void)
{
	client = NULL;
	broken = draining = false;
	tx_at = tx.m.len = 0;
	n_sent = n_said = 0;
}

static void drain_end(void)
{
	struct svc_conn *c = client;

	if (!draining || tx_pending())
		return;
	client_forget();
	svc_closed(c, 0);
}

/*
 * Pass on the received bytes; false: there is no client that takes them, or console has no room
 * and will signal when it has.
 */
static bool rx_flush(void)
{
	struct record r = { .m = { .type = CONSOLE_DATA, .len = (uint16_t)n_rx } };
	uint32_t len = (uint32_t)sizeof(r.m) + n_rx;
	int rc;

	if (n_rx == 0)
		return true;
	if (!client || draining)
		return false;
	memcpy(r.text, rx, n_rx);
	while ((rc = svc_respond(client, &r, len)) == -SK_E_AGAIN)
		if (!ring_room_idle(&client->rsp, len))
			return false;
	if (rc) /* the client was dropped; only SVC_CLOSE can still come */
		return false;
	n_rx = 0;
	return true;
}

static bool rx_byte(uint8_t byte)
{
	rx[n_rx++] = byte;
	return client && (n_rx < sizeof(rx) || rx_flush());
}

static struct ns16550 uart = {
	.in = reg_in, .out = reg_out, .send = send, .tx_take = tx_take, .rx_byte = rx_byte
};

/* Serve the device, pass on what it received, and send if it has room. True if it had work. */
static bool device_serve(void)
{
	enum ns16550_said said = ns16550_interrupt(&uart);

	if (said == NS16550_MORE)
		svc_timer_set(&again_timer, svc_now());
	(void)rx_flush();
	if (!client)
		return said != NS16550_NOTHING;
	sent_say();
	svc_settle(client);
	if (svc_more(client))
		ns16550_tx_kick(&uart);
	drain_end();
	return said != NS16550_NOTHING;
}

static void irq_event(void *ctx)
{
	(void)ctx;
	unannounced = false;
	(void)device_serve();
}

/*
 * UART3. If this finds work, the interrupt may still be on its way. It was lost only if none
 * has come by the next poll.
 */
static void look(void *ctx)
{
	static bool told;

	(void)ctx;
	if (unannounced && !told)
		printf("an interrupt of the UART at port %#x was lost\n",
			svc_info()->dev[0].io_port);
	told |= unannounced;
	unannounced = device_serve();
	svc_timer_set(&look_timer, svc_in_ms(LOOK_MS));
}

static int client_event(struct svc_conn *c)
{
	(void)c;
	ns16550_tx_kick(&uart);
	if (rx_flush())
		ns16550_rx_resume(&uart);
	(void)rx_flush();
	sent_say();
	return broken ? -SK_E_PEER : 0;
}

static int client_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	(void)params;
	(void)params_len;
	(void)result;
	if (client)
		return -SK_E_BUSY;
	client = c;
	svc_resume(c); /* for the bytes that came before it, when the rings are ready */
	return 0;
}

static int client_close(struct svc_conn *c)
{
	if (client != c)
		return 0;
	draining = true;
	ns16550_tx_kick(&uart);
	if (tx_pending())
		return -SK_E_AGAIN; /* drain_end() */
	client_forget();
	return 0;
}

static const struct svc_service service = {
	.proto = SVC_PROTO_UART,
	.open = client_open,
	.event = client_event,
	.close = client_close,
};

int main(void)
{
	int rc = svc_on_irq(0, 0, IRQ_BIT, irq_event);

	if (rc == 0 && !ns16550_start(&uart))
		rc = -SK_E_NOT_FOUND;
	if (rc) {
		printf("no UART at port %#x: %s\n", svc_info()->dev[0].io_port,
			sk_error_text(rc));
		return 1;
	}
	look_timer.fn = look;
	again_timer.fn = irq_event;
	look(NULL);
	rc = svc_serve(&service);
	return rc ? rc : svc_run();
}
