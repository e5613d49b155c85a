/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl.c - tools and their requests
 *
 * Objects     struct tool: one connection. Its requests that wait have places in it.
 * Lifecycle   a request is taken when its answer has room; answered in its handler, or later;
 *             or left: the tool says CANCEL, or is gone.
 * Invariants  CTL1 the rooms of all requests that wait fit the ring of answers, together with
 *                  the answer to one more
 *             CTL2 a callback finds its request by the serial number, never by its place
 */
#include "ctl/ctl.h"

#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "event.h"
#include "guest/life.h"
#include "guest/listen.h"
#include "svc/svc.h"

enum { TOOLS_MAX = 4 };

static struct tool {
	struct svc_conn *c;
	uint32_t bit;    /* of its channel */
	uint32_t rights; /* enum ctl_right */
	uint32_t room;   /* of its requests that wait */
	bool held;       /* a request waits in the ring until its answer has room */
	struct request request[CTL_DEPTH];
} tools[TOOLS_MAX];
static uint32_t n_tools;

static uint32_t last_serial;

/* ---- the table of operations ---- */

#define X(name, num, class, about, what) \
	[num] = { ctl_do_##name, CTL_RIGHT_##class, CTL_ABOUT_##about },
static const struct {
	ctl_handler run;
	uint32_t right;
	enum ctl_about about;
} ops[CTL_OP_END] = { CTL_OPS(X) };
#undef X

/* Bytes of a request, at least and at most, and of its answer, which may be a text. */
#define X(name, size, more, answer, answer_more) \
	[CTL_##name] = { (size), (size) + (more), \
		(answer) + (answer_more) > CTL_TEXT_MAX ? (answer) + (answer_more) \
							: CTL_TEXT_MAX },
static const struct {
	uint32_t least, most, answer;
} sizes[CTL_OP_END] = { CTL_SIZES(X) };
#undef X

/* ---- answers ---- */

static void request_end(struct request *q)
{
	struct tool *t = q->tool;

	t->room -= q->room;
	free(q->own);
	*q = (struct request){ .tool = t };
	if (t->held && svc_raise(t->bit))
		abort(); /* the bit is that of a channel */
}

/* The largest record, in either direction. */
static struct {
	struct ctl_head h;
	_Alignas(8) uint8_t body[CTL_BODY_MAX];
} out, in;

static void record_send(
	struct request *q, enum ctl_kind kind, int status, const void *body, uint32_t len)
{
	out.h = (struct ctl_head){
		.id = q->id, .op = q->op, .kind = (uint16_t)kind, .status = status, .len = len
	};
	if (len)
		memcpy(out.body, body, len);
	if (svc_request(q->tool->c, &out, (uint32_t)sizeof(out.h) + len) && !q->tool->c->dead &&
		!q->tool->c->broken)
		printf("an answer had no room\n"); /* CTL1 */
}

void ctl_answer(struct request *q, const void *body, uint32_t len)
{
	record_send(q, CTL_ANSWER, 0, body, len); /* CTL1 */
	request_end(q);
}

int ctl_refuse(struct request *q, int status, const char *fmt, ...)
{
	char text[CTL_TEXT_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	record_send(q, CTL_ANSWER, status, text, (uint32_t)strlen(text));
	request_end(q);
	return -1;
}

void ctl_note(struct request *q, enum ctl_kind kind, const void *body, uint32_t len)
{
	if (svc_room(q->tool->c, q->tool->room + (uint32_t)sizeof(struct ctl_head) + len, 1))
		record_send(q, kind, 0, body, len);
}

void ctl_note_text(struct request *q, const char *fmt, ...)
{
	char text[CTL_TEXT_MAX + 1];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	ctl_note(q, CTL_NOTE_TEXT, text, (uint32_t)strlen(text));
}

/* ---- requests that wait ---- */

void *ctl_ticket(const struct request *q) { return (void *)(uintptr_t)q->serial; }

struct request *ctl_waits(void *ticket)
{
	for (struct tool *t = tools; t < tools + n_tools; t++)
		for (struct request *q = t->request; q < t->request + CTL_DEPTH; q++)
			if (q->id && q->serial == (uintptr_t)ticket) /* CTL2 */
				return q;
	return NULL;
}

struct request *ctl_next(enum ctl_op op, struct request *after)
{
	struct tool *t = after ? after->tool : tools;
	struct request *q = after ? after + 1 : t->request;

	for (; t < tools + n_tools; q = (++t)->request)
		for (; q < t->request + CTL_DEPTH; q++)
			if (q->id && q->op == op)
				return q;
	return NULL;
}

void ctl_end_all(enum ctl_op op, uint64_t number, int status, const char *why)
{
	for (struct request *q = ctl_next(op, NULL); q; q = ctl_next(op, q))
		if (q->number == number && why)
			ctl_refuse(q, status, "%s", why);
		else if (q->number == number)
			ctl_answer(q, NULL, 0);
}

uint32_t ctl_rights(const struct request *q) { return q->tool->rights; }

struct dom *ctl_dom_find(struct request *q, uint32_t domid)
{
	struct dom *d = domtab_get(&guests, domid);

	if (!d)
		ctl_refuse(q, -SK_E_NOT_FOUND, "domain %u has ended", domid);
	return d;
}

static struct request *request_find(struct tool *t, uint32_t id)
{
	for (struct request *q = t->request; q < t->request + CTL_DEPTH; q++)
		if (q->id == id)
			return q;
	return NULL;
}

void ctl_do_CANCEL(struct request *q)
{
	uint32_t id = *(const uint32_t *)q->body;
	struct request *left = id && id != q->id ? request_find(q->tool, id) : NULL;

	if (left)
		request_end(left);
	ctl_answer(q, NULL, 0);
}

/* ---- requests that come ---- */

static const char *right_word(uint32_t right)
{
#define X(name, bit, word, what) \
	if (right == CTL_RIGHT_##name) \
		return word;
	CTL_CLASSES(X)
#undef X
	return "";
}

/* False: there is none, or it does not run, and the request was answered. */
static bool guest_find(struct request *q)
{
	const uint32_t domid = *(const uint32_t *)q->body;

	q->dom = ctl_dom_find(q, domid);
	if (q->dom && ops[q->op].about == CTL_ABOUT_LIVE && q->dom->state != DOM_LIVE)
		return !ctl_refuse(q, -SK_E_STATE, "domain %u does not run", domid);
	return q->dom;
}

static void request_run(struct request *q)
{
	const uint32_t right = ops[q->op].right;

	if (right & ~q->tool->rights)
		ctl_refuse(q, -SK_E_DENIED,
			"this needs the right \"%s\", which the manifest does not give",
			right_word(right));
	else if (ops[q->op].about == CTL_ABOUT_HOST || guest_find(q))
		ops[q->op].run(q);
	q->body = NULL;
	q->dom = NULL;
}

static bool head_legal(const struct ctl_head *h, uint32_t len)
{
	return h->id && h->op && h->op < CTL_OP_END && ops[h->op].run && !h->kind &&
	       !h->status && h->len == len && len >= sizes[h->op].least &&
	       len <= sizes[h->op].most;
}

/* A record of a tool. False: a correct tool does not send this. */
static bool record_take(
	struct tool *t, const struct ctl_head *h, const void *body, uint32_t len)
{
	struct request *q = request_find(t, 0);

	if (!head_legal(h, len) || !q || request_find(t, h->id))
		return false;
	*q = (struct request){ .tool = t,
		.id = h->id,
		.serial = ++last_serial,
		.op = h->op,
		.body = body,
		.len = len,
		.room = (uint32_t)sizeof(*h) + sizes[h->op].answer };
	t->room += q->room;
	request_run(q);
	return true;
}

/* CTL1 */
static bool answer_fits(struct tool *t)
{
	t->held = !svc_room(t->c, t->room + (uint32_t)sizeof(out), 1);
	return !t->held;
}

static void tool_event(void *ctx)
{
	struct tool *t = ctx;
	int n;

	while (answer_fits(t) && (n = svc_get(t->c, &in, sizeof(in))) >= 0) {
		if (n >= (int)sizeof(in.h) &&
			record_take(t, &in.h, in.body, (uint32_t)n - (uint32_t)sizeof(in.h)))
			continue;
		svc_breach(t->c, "its request is none");
		break;
	}
	event_end();
}

/* The tool was started again, or has ended: nobody waits for its requests any more. */
static void tool_anew(void *ctx)
{
	struct tool *t = ctx;

	for (struct request *q = t->request; q < t->request + CTL_DEPTH; q++)
		if (q->id)
			request_end(q);
}

/* The rights that the manifest gives the tool at the end of this channel. */
static uint32_t rights_read(const char *channel)
{
	char key[32], words[128], *at = words;
	const char *word;
	uint32_t rights = 0;

	(void)snprintf(key, sizeof(key), "rights.%.16s", channel);
	if (!svc_arg(key, words, sizeof(words)))
		return 0;
	while ((word = strsep(&at, ",")) != NULL) {
#define X(name, bit, text, what) \
	if (strcmp(word, text) == 0) \
		rights |= CTL_RIGHT_##name;
		CTL_CLASSES(X)
#undef X
	}
	return rights;
}

static int tool_add(const struct domain_channel *e)
{
	struct tool *t = &tools[n_tools];
	char name[sizeof(e->name) + 1] = { 0 };
	int rc;

	memcpy(name, e->name, sizeof(e->name));
	*t = (struct tool){
		.c = svc_channel(name), .bit = e->bit, .rights = rights_read(name)
	};
	if (!t->c)
		return -SK_E_NOT_FOUND;
	for (struct request *q = t->request; q < t->request + CTL_DEPTH; q++)
		q->tool = t;
	n_tools++;
	rc = svc_on_epoch(t->c, tool_anew, t);
	if (!rc)
		rc = svc_on_end(t->c, tool_anew, t);
	return rc ? rc : svc_on_channel(t->c, tool_event, t);
}

void ctl_listen(void)
{
	static const struct guest_listener listener = { ctl_life_note, ctl_look_changed,
		ctl_life_console, ctl_life_trouble, ctl_power_begins, ctl_power_failed };

	n_tools = 0;
	guest_listen(&listener);
}

int ctl_init(void)
{
	const struct domain_info *info = svc_info();
	int rc = 0;

	for (uint32_t i = 0; !rc && i < info->n_channels && i < DOMAIN_CHANNELS_MAX; i++)
		if (info->channel[i].proto == SVC_PROTO_CTL && n_tools < TOOLS_MAX)
			rc = tool_add(&info->channel[i]);
	return rc;
}
