/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ask.c - requests to control
 *
 * Objects     struct asked: a request, until its answer.
 * Lifecycle   queued -> sent -> answered or left, and freed.
 * Invariants  ASK1 at most CTL_DEPTH - 1 requests are under way, so a CANCEL always finds room
 *             ASK2 nothing of a record is used before its size was checked
 */
#include "client/ask.h"

#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "base/error.h"
#include "svc/svc.h"

struct asked {
	STAILQ_ENTRY(asked) link;
	struct ctl_head h;
	bool sent;
	ask_fn fn;
	ask_note_fn note;
	void *ctx;
	_Alignas(8) uint8_t body[];
};

static STAILQ_HEAD(, asked) all = STAILQ_HEAD_INITIALIZER(all);
static uint32_t n_sent, last_id;
static void (*hello_fn)(const struct ctl_hello *h);
/* The connection with control; NULL: there is none now. */
static struct svc_conn *conn;

/* Of the domain's own bits. */
enum { BIT_HELLO = 18 };

static struct {
	struct ctl_head h;
	_Alignas(8) uint8_t body[CTL_BODY_MAX];
} out, in;

/* ---- out ---- */

static bool record_send(const struct asked *r)
{
	uint32_t len = (uint32_t)sizeof(out.h) + r->h.len;

	if (!conn || !svc_room(conn, len, 1))
		return false;
	out.h = r->h;
	memcpy(out.body, r->body, r->h.len);
	return svc_respond(conn, &out, len) == 0;
}

static void queue_pump(void)
{
	struct asked *r;

	STAILQ_FOREACH(r, &all, link) {
		if (r->sent)
			continue;
		if (n_sent == CTL_DEPTH - 1 || !record_send(r)) /* ASK1 */
			return;
		r->sent = true;
		n_sent++;
	}
}

static struct asked *asked_new(const struct ask *a)
{
	struct asked *r = malloc(sizeof(*r) + a->len);

	if (!r)
		return NULL;
	last_id += 1 + (last_id == UINT32_MAX);
	*r = (struct asked){ .h = { .id = last_id, .op = (uint16_t)a->op, .len = a->len },
		.fn = a->fn,
		.note = a->note,
		.ctx = a->ctx };
	if (a->len)
		memcpy(r->body, a->body, a->len);
	return r;
}

uint32_t ask_send(const struct ask *a)
{
	struct asked *r = asked_new(a);

	if (!r)
		return 0;
	STAILQ_INSERT_TAIL(&all, r, link);
	queue_pump();
	return r->h.id;
}

bool ask_has_memory(void)
{
	void *volatile room = malloc(sizeof(struct asked) + CTL_BODY_MAX);
	const bool has = room != NULL;

	free(room);
	return has;
}

static struct asked *asked_find(uint32_t id)
{
	struct asked *r;

	STAILQ_FOREACH(r, &all, link)
		if (r->h.id == id)
			return r;
	return NULL;
}

static void asked_free(struct asked *r)
{
	STAILQ_REMOVE(&all, r, asked, link);
	n_sent -= r->sent;
	free(r);
}

void ask_leave(uint32_t id)
{
	struct asked *r = id ? asked_find(id) : NULL;
	bool sent;

	if (!r)
		return;
	sent = r->sent;
	asked_free(r);
	if (sent)
		(void)ask_send(
			&(struct ask){ .op = CTL_CANCEL, .body = &id, .len = sizeof(id) });
}

/* ---- in ---- */

/* Bytes of an answer, at least: all of its numbers that are always there. */
#define X(name, size, more, answer, answer_more) [CTL_##name] = (answer),
static const uint32_t answer_least[CTL_OP_END] = { CTL_SIZES(X) };
#undef X

static void note_give(const struct asked *r, const struct ctl_head *h, const char *body)
{
	char text[CTL_TEXT_MAX + 1] = "";

	if (!r->note)
		return;
	if (h->kind == CTL_NOTE_TEXT) {
		memcpy(text, body, h->len < CTL_TEXT_MAX ? h->len : CTL_TEXT_MAX);
		r->note(r->ctx, CTL_NOTE_TEXT, text);
	} else if (h->kind < CTL_KIND_END && h->len == sizeof(struct ctl_news)) { /* ASK2 */
		r->note(r->ctx, (enum ctl_kind)h->kind, body);
	}
}

static void answer_give(struct asked *r, int status, const char *body, uint32_t len)
{
	char text[CTL_TEXT_MAX + 1] = "";
	ask_fn fn = r->fn;
	void *ctx = r->ctx;

	if (!status && len < answer_least[r->h.op])
		status = -SK_E_PEER;
	if (status && status != -SK_E_PEER && len)
		memcpy(text, body, len < CTL_TEXT_MAX ? len : CTL_TEXT_MAX);
	asked_free(r);
	if (fn)
		fn(ctx, status, status ? text : body, len);
}

/* A record of this length is in `in`. */
static void record_take(uint32_t len)
{
	struct asked *r = asked_find(in.h.id);

	if (len < sizeof(in.h) || len - sizeof(in.h) != in.h.len || !r || !r->sent ||
		r->h.op != in.h.op)
		return; /* it was left */
	if (in.h.kind == CTL_ANSWER)
		answer_give(r, in.h.status, (const char *)in.body, in.h.len);
	else
		note_give(r, &in.h, (const char *)in.body);
}

const char *ask_error_text(int status, const char *text)
{
	return *text                       ? text
	       : status == -SK_E_RESTARTED ? "control has ended"
					   : sk_error_text(status);
}

/* ---- the connection ---- */

static void hello_answered(void *ctx, int status, const void *body, uint32_t len)
{
	(void)ctx;
	(void)len;
	if (!status && hello_fn)
		hello_fn(body);
}

void ask_on_hello(void (*fn)(const struct ctl_hello *h)) { hello_fn = fn; }

/* It goes before all requests that control has not got so far. */
static void hello_send(void *ctx)
{
	struct asked *r = asked_new(&(struct ask){ .op = CTL_HELLO, .fn = hello_answered });

	(void)ctx;
	if (!r) { /* there would be no prompt, or one for the control of before */
		printf("the shell has no memory, so it ends\n");
		exit(1);
	}
	STAILQ_INSERT_HEAD(&all, r, link);
	queue_pump();
}

static int ctl_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	(void)params;
	(void)params_len;
	(void)result;
	if (conn)
		return -SK_E_BUSY;
	conn = c;
	return svc_raise(BIT_HELLO); /* when the connection is complete */
}

static int ctl_event(struct svc_conn *c)
{
	int n;

	while ((n = svc_get(c, &in, sizeof(in))) >= 0)
		record_take((uint32_t)n);
	queue_pump();
	return n == -SK_E_AGAIN ? 0 : n;
}

/* control has ended. What it was sent has no answer; what it was not sent waits. */
static int ctl_close(struct svc_conn *c)
{
	struct asked *r, *next;

	if (c != conn)
		return 0;
	conn = NULL;
	for (r = STAILQ_FIRST(&all); r; r = next) {
		next = STAILQ_NEXT(r, link);
		if (!r->sent)
			continue;
		answer_give(r, -SK_E_RESTARTED, "", 0);
		next = STAILQ_FIRST(&all); /* its function may have changed the list */
	}
	return 0;
}

int ask_init(void)
{
	static const struct svc_service service = {
		.proto = SVC_PROTO_CTL, .open = ctl_open, .event = ctl_event, .close = ctl_close
	};
	int rc = svc_on_bit(BIT_HELLO, hello_send, NULL, "hello");

	return rc ? rc : svc_serve(&service);
}
