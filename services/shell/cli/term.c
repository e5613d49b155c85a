/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * term.c - the shell's connection to console: text out with a queue, keys in, attaching to
 * guests
 *
 * Objects     queue: text that waits for room in the ring, a growing ring of bytes.
 * Lifecycle   term_init(); the channel's handler feeds the listener. After a restart, console
 *             says how much of the text it has shown; what follows is sent again. It has
 *             forgotten what it was asked for, so a user in a guest's console is back, a log
 *             that was being printed ends, and keys are asked for again.
 * Invariants  TERM1 text leaves in the order in which it came. A request (attach, dmesg) does
 *                   not overtake earlier text: it is sent when the queue is empty
 *             TERM2 `asked` is what console is doing for the shell, or would do if it had not
 *                   been restarted
 */
#include "cli/term.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/tail.h"
#include "proto/console.h"
#include "svc/svc.h"

enum { QUEUE_FIRST = 4096, QUEUE_MAX = 4 << 20 };

static struct svc_conn *chan;
static char *queue;
static size_t queue_size, queue_head, queue_len;
/* The request that waits for the queue; type 0: none. */
static struct {
	struct console_msg m;
	char text[sizeof(((struct console_params *)0)->name)];
} waiting_request;
/*
 * The last request that is not done: READY until a key that gives work, ATTACH until the user
 * is back, DMESG or RECALL until the end of the log. DATA is the log then, because no keys come
 * before READY. 0: none.
 */
static uint16_t asked;
/* The text that was sent last. */
static struct tail sent;
/* console was restarted, and has not said what it has shown. */
static bool resuming;
/*
 * Records are being taken. The echo of their keys is sent in one piece afterwards, because
 * console runs at each signal.
 */
static bool taking;

static const struct term_listener *listener;

void term_listen(const struct term_listener *l) { listener = l; }

static bool record_put(uint16_t type, uint32_t arg, const char *text, uint16_t len)
{
	struct {
		struct console_msg m;
		char text[CONSOLE_CHUNK_MAX];
	} rec = { .m = { .type = type, .len = len, .arg = arg } };

	if (chan->dead)
		return true; /* there is no terminal any more, and what is sent to it is lost */
	if (len)
		memcpy(rec.text, text, len);
	return svc_request(chan, &rec, (uint32_t)(sizeof(rec.m) + len)) == 0;
}

/* Send again what console has lost. False: no room now. */
static bool tail_pump(void)
{
	char text[CONSOLE_CHUNK_MAX];
	uint32_t n;

	while (!resuming && (n = tail_peek(&sent, text, sizeof(text))) != 0) {
		if (record_put(CONSOLE_DATA, 0, text, (uint16_t)n))
			tail_take(&sent, n);
		else if (!ring_room_idle(&chan->req, (uint32_t)sizeof(struct console_msg) + n))
			return false;
	}
	return !resuming;
}

/* Send as much as the ring takes. */
static void queue_pump(void)
{
	size_t n;

	if (taking || !tail_pump())
		return;
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
		tail_add(&sent, queue + queue_head, (uint32_t)n);
		queue_head = (queue_head + n) % queue_size;
		queue_len -= n;
	}
	queue_head = 0; /* so what comes next is in one piece */
	while (waiting_request.m.type) {
		const struct console_msg *m = &waiting_request.m;

		if (record_put(m->type, m->arg, waiting_request.text, m->len))
			waiting_request.m.type = 0;
		else if (!ring_room_idle(&chan->req, (uint32_t)sizeof(*m) + m->len))
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

static void queue_bytes(const char *text, size_t len)
{
	size_t at, n;

	if (!queue_grow(queue_len + len)) /* the terminal is not read, so the rest is lost */
		len = queue_size - queue_len;
	for (; len; len -= n, text += n, queue_len += n) {
		at = (queue_head + queue_len) % queue_size;
		n = queue_size - at < len ? queue_size - at : len;
		memcpy(queue + at, text, n);
	}
}

/*
 * Text goes in large records, because console and the UART run for each: at once, or after this
 * event.
 */
static void term_write(void *ctx, const char *text, size_t len)
{
	const char *end;

	(void)ctx;
	for (; (end = memchr(text, '\n', len)) != NULL; text = end + 1) {
		queue_bytes(text, (size_t)(end - text));
		queue_bytes("\r\n", 2);
		len -= (size_t)(end + 1 - text);
	}
	queue_bytes(text, len);
	if (queue_len >= CONSOLE_CHUNK_MAX)
		queue_pump();
	else if (!taking)
		svc_resume(chan);
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
	waiting_request.m = (struct console_msg){ .type = type, .arg = arg };
	asked = type;
	queue_pump(); /* TERM1 */
}

/* A verb that takes keys may end without one that gave work. */
void term_ready(void)
{
	if (asked != CONSOLE_READY)
		request_set(CONSOLE_READY, 0);
}

void term_ready_dropping(void) { request_set(CONSOLE_READY, 1); }

void term_attach(uint32_t domid) { request_set(CONSOLE_ATTACH, domid); }

void term_attach_new(uint32_t domid) { request_set(CONSOLE_ATTACH_NEW, domid); }

void term_recall(uint32_t domid, const char *name)
{
	const struct console_msg m = { .type = CONSOLE_RECALL,
		.arg = domid,
		.len = (uint16_t)strnlen(name, sizeof(waiting_request.text) - 1) };

	memcpy(waiting_request.text, name, m.len);
	waiting_request.m = m;
	asked = m.type;
	queue_pump(); /* TERM1 */
}

void term_dmesg(bool clear) { request_set(CONSOLE_DMESG, clear); }

static void keys_forward(const char *text, uint16_t len)
{
	/* console holds back the rest until the shell has done the work */
	if (len && memchr("\r\n\t", text[len - 1], 3))
		asked = 0;
	while (len--)
		listener->key((uint8_t)*text++);
}

static bool reads_log(uint16_t type) { return type == CONSOLE_DMESG || type == CONSOLE_RECALL; }

static void log_ended(const char *why)
{
	asked = 0;
	listener->log_done(why);
}

static void attach_ended(const char *why)
{
	asked = 0;
	listener->detached(why);
}

/* console has shown `shown` bytes, and begins anew. TERM1, TERM2. */
static void console_resumes(uint32_t shown)
{
	const uint16_t was = asked;

	resuming = false;
	(void)tail_back(&sent, shown);
	asked = waiting_request.m.type = 0;
	if (was == CONSOLE_ATTACH || was == CONSOLE_ATTACH_NEW) {
		listener->detached("it was restarted, and does not know what it showed");
		return;
	}
	out_str(&term_messages, "\nconsole was restarted\n");
	if (reads_log(was))
		listener->log_done(NULL);
	else if (was == CONSOLE_READY)
		listener->redraw();
}

static void record_received(const void *rec, uint32_t len)
{
	const struct console_msg *m = rec;

	if (len < sizeof(*m) || m->len != len - sizeof(*m))
		return;
	switch (m->type) {
	case CONSOLE_DATA:
		if (reads_log(asked))
			out_bytes(&term_out, (const char *)(m + 1), m->len);
		else
			keys_forward((const char *)(m + 1), m->len);
		break;
	case CONSOLE_INTERRUPT:
		listener->interrupt();
		break;
	case CONSOLE_DETACHED:
		attach_ended(NULL);
		break;
	case CONSOLE_RESUME:
		if (resuming)
			console_resumes(m->arg);
		break;
	case CONSOLE_FAILED:
		if (reads_log(asked))
			log_ended("nothing is kept of the console of such a guest");
		else
			attach_ended("there is no such console");
		break;
	case CONSOLE_DONE:
		log_ended(NULL);
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
	taking = true;
	svc_drain(chan, &rec, sizeof(rec), record_received);
	taking = false;
	queue_pump();
	if (queue_len < TERM_HIGH)
		listener->drained();
}

static void console_restarted(void *ctx)
{
	(void)ctx;
	resuming = true;
}

int term_init(void)
{
	int rc;

	chan = svc_channel("console");
	if (!chan)
		return -SK_E_NOT_FOUND;
	rc = svc_on_epoch(chan, console_restarted, NULL);
	return rc ? rc : svc_on_channel(chan, term_event, NULL);
}
