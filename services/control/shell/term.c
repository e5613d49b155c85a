/*
 * term.c - the shell's connection to console: text out with a queue, keys in, attaching to
 * guests
 *
 * Objects     queue: text that waits for room in the ring, a growing ring of bytes.
 * Lifecycle   term_init(); the channel's handler feeds the shell.
 * Invariants  M1 text leaves in the order in which it came; requests (attach, dmesg) stand in
 *             the queue of the ring behind the text that preceded them: they are sent when the
 *             queue is empty
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
static struct console_msg wish; /* request that waits for the queue: type 0 = none */
static bool logging; /* DATA is the log that was asked for: no keys come before READY */

static const struct term_listener *listener;

void term_listen(const struct term_listener *l) { listener = l; }

static bool put(uint16_t type, uint32_t arg, const char *text, uint16_t len)
{
	struct {
		struct console_msg m;
		char text[CONSOLE_CHUNK_MAX];
	} rec = { .m = { .type = type, .len = len, .arg = arg } };

	if (len)
		memcpy(rec.text, text, len);
	return svc_request(chan, &rec, (uint32_t)(sizeof(rec.m) + len)) == 0;
}

/* As much as the ring takes. */
static void pump(void)
{
	size_t n;

	while (queue_len) {
		n = queue_size - queue_head < queue_len ? queue_size - queue_head : queue_len;
		if (n > CONSOLE_CHUNK_MAX)
			n = CONSOLE_CHUNK_MAX;
		if (!put(CONSOLE_DATA, 0, queue + queue_head, (uint16_t)n)) {
			if (ring_room_idle(
				    &chan->req, (uint32_t)(sizeof(struct console_msg) + n)))
				continue;
			return;
		}
		queue_head = (queue_head + n) % queue_size;
		queue_len -= n;
	}
	while (wish.type) {
		if (put(wish.type, wish.arg, NULL, 0))
			wish.type = 0;
		else if (!ring_room_idle(&chan->req, (uint32_t)sizeof(wish)))
			return;
	}
}

static bool grow(size_t need)
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
	if (queue_len == queue_size && !grow(queue_len + 1))
		return; /* nobody reads: the rest is lost */
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
	pump();
}

const struct out term_messages = { .write = term_write };

static const struct out *through; /* NULL: as it is */

void term_through(const struct out *o) { through = o; }

static void term_write_through(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	out_bytes(through ? through : &term_messages, text, len);
}

const struct out term_out = { .write = term_write_through };

size_t term_pending(void) { return queue_len; }

static void request(uint16_t type, uint32_t arg)
{
	wish = (struct console_msg){ .type = type, .arg = arg };
	pump(); /* M1 */
}

void term_ready(bool drop) { request(CONSOLE_READY, drop); }

void term_attach(uint32_t domid) { request(CONSOLE_ATTACH, domid); }

void term_dmesg(void)
{
	logging = true;
	request(CONSOLE_DMESG, 0);
}

static void keys(const char *text, uint16_t len)
{
	while (len--)
		listener->key((uint8_t)*text++);
}

static void log_end(void)
{
	logging = false;
	listener->log_done();
}

static void incoming(const void *rec, uint32_t len)
{
	const struct console_msg *m = rec;

	if (len < sizeof(*m) || m->len != len - sizeof(*m))
		return;
	switch (m->type) {
	case CONSOLE_DATA:
		if (logging)
			out_bytes(&term_out, (const char *)(m + 1), m->len);
		else
			keys((const char *)(m + 1), m->len);
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
			log_end();
		break;
	case CONSOLE_DONE:
		log_end();
		break;
	default:
		break;
	}
}

static void event(void *ctx)
{
	static union {
		struct console_msg m;
		char bytes[sizeof(struct console_msg) + CONSOLE_CHUNK_MAX];
	} rec;

	(void)ctx;
	chan_drain(chan, &rec, sizeof(rec), incoming);
	pump();
	if (queue_len < TERM_HIGH)
		listener->drained();
	guests_run();
}

int term_init(void)
{
	chan = svc_channel("console");
	if (!chan)
		return -SK_E_NOT_FOUND;
	return svc_on_channel(chan, event, NULL);
}
