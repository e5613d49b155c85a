/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * term.c - the shell's connection to console: text out with a queue, keys in, attaching to
 * guests
 *
 * Objects     queue: text that waits for room in the ring, a growing ring of bytes.
 * Lifecycle   term_init(); the channel's handler feeds the listener.
 * Invariants  TERM1 text leaves in the order in which it came. A request (attach, dmesg) does
 *                   not overtake earlier text: it is sent when the queue is empty
 */
#include "shell/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/chan.h"
#include "guest/life.h"
#include "proto/console.h"

enum { QUEUE_FIRST = 4096, QUEUE_MAX = 4 << 20 };

static struct svc_conn *chan;
static char *queue;
static size_t queue_size, queue_head, queue_len;
/* The request that waits for the queue; type 0: none. */
static struct console_msg waiting_request;
/* DATA is the log that was asked for, because no keys come before READY. */
static bool logging;

static const struct term_listener *listener;

void term_listen(const struct term_listener *l) { listener = l; }

static bool record_put(uint16_t type, uint32_t arg, const char *text, uint16_t len)
{
	struct {
		struct console_msg m;
		char text[CONSOLE_CHUNK_MAX];
	} rec = { .m = { .type = type, .len = len, .arg = arg } };

	if (len)
		memcpy(rec.text, text, len);
	return svc_request(chan, &rec, (uint32_t)(sizeof(rec.m) + len)) == 0;
}

/* Send as much as the ring takes. */
static void queue_pump(void)
{
	size_t n;

	while (queue_len) {
		n = queue_size - queue_head < queue_len ? queue_size - queue_head : queue_len;
		if (n > CONSOLE_CHUNK_MAX)
			n = CONSOLE_CHUNK_MAX;
		if (!record_put(CONSOLE_DATA, 0, queue + queue_head, (uint16_t)n)) {
			if (ring_room_idle(
				    &chan->req, (uint32_t)(sizeof(struct console_msg) + n)))
				continue;
			return;
		}
		queue_head = (queue_head + n) % queue_size;
		queue_len -= n;
	}
	while (waiting_request.type) {
		if (record_put(waiting_request.type, waiting_request.arg, NULL, 0))
			waiting_request.type = 0;
		else if (!ring_room_idle(&chan->req, (uint32_t)sizeof(waiting_request)))
			return;
	}
}

static bool queue_grow(size_t need)
{
	size_t size = queue_size ? queue_size : QUEUE_FIRST, first;
	char *bigger;

	while (size < need)
		size *= 2;
	if (size == queue_size)
		return true;
	if (size > QUEUE_MAX)
		return false;
	bigger = malloc(size);
	if (!bigger)
		return false;
	first = queue_size - queue_head < queue_len ? queue_size - queue_head : queue_len;
	if (queue_len) {
		memcpy(bigger, queue + queue_head, first);
		memcpy(bigger + first, queue, queue_len - first);
	}
	free(queue);
	queue = bigger;
	queue_size = size;
	queue_head = 0;
	return true;
}

static void queue_byte(char c)
{
	if (queue_len == queue_size && !queue_grow(queue_len + 1))
		return; /* the terminal is not read, so the rest is lost */
	queue[(queue_head + queue_len++) % queue_size] = c;
}

static void term_write(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	while (len--) {
		if (*text == '\n')
			queue_byte('\r');
		queue_byte(*text++);
	}
	queue_pump();
}

const struct out term_messages = { .write = term_write };

/* Where text for term_out goes; NULL: to the terminal. */
static const struct out *through;

void term_through(const struct out *o) { through = o; }

static void term_write_through(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	out_bytes(through ? through : &term_messages, text, len);
}

const struct out term_out = { .write = term_write_through };

size_t term_pending(void) { return queue_len; }

static void request_set(uint16_t type, uint32_t arg)
{
	waiting_request = (struct console_msg){ .type = type, .arg = arg };
	queue_pump(); /* TERM1 */
}

void term_ready(void) { request_set(CONSOLE_READY, 0); }

void term_ready_dropping(void) { request_set(CONSOLE_READY, 1); }

void term_attach(uint32_t domid) { request_set(CONSOLE_ATTACH, domid); }

void term_dmesg(void)
{
	logging = true;
	request_set(CONSOLE_DMESG, 0);
}

static void keys_forward(const char *text, uint16_t len)
{
	while (len--)
		listener->key((uint8_t)*text++);
}

static void log_ended(void)
{
	logging = false;
	listener->log_done();
}

static void record_received(const void *rec, uint32_t len)
{
	const struct console_msg *m = rec;

	if (len < sizeof(*m) || m->len != len - sizeof(*m))
		return;
	switch (m->type) {
	case CONSOLE_DATA:
		if (logging)
			out_bytes(&term_out, (const char *)(m + 1), m->len);
		else
			keys_forward((const char *)(m + 1), m->len);
		break;
	case CONSOLE_INTERRUPT:
		listener->interrupt();
		break;
	case CONSOLE_DETACHED:
		listener->detached(NULL);
		break;
	case CONSOLE_FAILED:
		if (!logging)
			listener->detached("there is no such console");
		else
			log_ended();
		break;
	case CONSOLE_DONE:
		log_ended();
		break;
	default:
		break;
	}
}

static void term_event(void *ctx)
{
	static union {
		struct console_msg m;
		char bytes[sizeof(struct console_msg) + CONSOLE_CHUNK_MAX];
	} rec;

	(void)ctx;
	chan_drain(chan, &rec, sizeof(rec), record_received);
	queue_pump();
	if (queue_len < TERM_HIGH)
		listener->drained();
	guests_run();
}

int term_init(void)
{
	chan = svc_channel("console");
	if (!chan)
		return -SK_E_NOT_FOUND;
	return svc_on_channel(chan, term_event, NULL);
}
