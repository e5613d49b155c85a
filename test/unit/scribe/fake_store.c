/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_store.c - control and xenstore, as far as requests.c sees them */
#include "fake_store.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "requests.h"
#include "xenstore.h"

enum { ASKED_MAX = 64 };

struct fake fake;

static struct {
	xs_done_fn fn;
	void *ctx;
} asked[ASKED_MAX];
static uint32_t n_answered;

/* ---- control ---- */

int svc_serve(const struct svc_service *s)
{
	fake.service = s;
	return 0;
}

static void lost(void) { fake.n_lost++; }

void fake_begin(void)
{
	uint64_t result[2];

	if (fake.conn.badge)
		(void)fake.service->close(&fake.conn);
	memset(&fake, 0, sizeof(fake));
	n_answered = 0;
	if (requests_init(lost))
		abort();
	fake.conn.badge = SVC_BADGE_INIT;
	(void)fake.service->open(&fake.conn, NULL, 0, result);
}

int svc_get(struct svc_conn *c, void *buf, uint32_t max)
{
	uint32_t len = fake.sent[0].len;

	(void)c;
	if (!fake.n_sent)
		return -SK_E_AGAIN;
	if (len > max)
		return -SK_E_PEER;
	memcpy(buf, fake.sent[0].data, len);
	memmove(&fake.sent[0], &fake.sent[1], sizeof(fake.sent) - sizeof(fake.sent[0]));
	fake.n_sent--;
	return (int)len;
}

bool svc_room(struct svc_conn *c, uint32_t len, uint32_t n)
{
	(void)c;
	(void)len;
	(void)n;
	return !fake.no_room;
}

int svc_respond(struct svc_conn *c, const void *rec, uint32_t len)
{
	(void)c;
	memcpy(&fake.answer, rec, len);
	fake.answer_len = len - (uint32_t)sizeof(fake.answer.h);
	fake.n_answers++;
	return 0;
}

void svc_resume(struct svc_conn *c) { (void)c; }

int fake_turn(void) { return fake.service->event(&fake.conn); }

int fake_send(enum scribe_op op, uint32_t flags, uint32_t domid, const void *body, uint32_t len)
{
	const struct scribe_head h = {
		.id = 7, .op = (uint16_t)op, .flags = (uint16_t)flags, .domid = domid
	};
	uint8_t *at = fake.sent[fake.n_sent].data;

	memcpy(at, &h, sizeof(h));
	if (len)
		memcpy(at + sizeof(h), body, len);
	fake.sent[fake.n_sent++].len = (uint32_t)sizeof(h) + len;
	return fake_turn();
}

/* ---- xenstore ---- */

static int request(const char *what, const char *text, xs_done_fn fn, void *ctx)
{
	size_t used = strlen(fake.asked);

	if (fake.no_memory || fake.n_asked == ASKED_MAX)
		return -1;
	asked[fake.n_asked].fn = fn;
	asked[fake.n_asked++].ctx = ctx;
	(void)snprintf(fake.asked + used, sizeof(fake.asked) - used, "%s %s\n", what, text);
	return 0;
}

int xs_request(uint32_t type, const void *payload, uint32_t len, xs_done_fn fn, void *ctx)
{
	char what[16], text[64];

	(void)snprintf(what, sizeof(what), "%u", type);
	(void)snprintf(text, sizeof(text), "%.*s", (int)len, (const char *)payload);
	return request(what, text, fn, ctx);
}

int xs_request_texts(uint32_t type, xs_done_fn fn, void *ctx, ...)
{
	char what[16], text[256] = "";
	const char *word;
	va_list ap;

	(void)snprintf(what, sizeof(what), "%u", type);
	va_start(ap, ctx);
	while ((word = va_arg(ap, const char *)) != NULL)
		(void)snprintf(text + strlen(text), sizeof(text) - strlen(text), "%s%s",
			text[0] ? "," : "", word);
	va_end(ap);
	return request(what, text, fn, ctx);
}

int xs_write_value(const char *path, const char *value, uint32_t n, xs_done_fn fn, void *ctx)
{
	char text[256];

	(void)snprintf(text, sizeof(text), "%s=%.*s", path, (int)n, value);
	return request("write", text, fn, ctx);
}

int xs_make_add(struct xs_nodes *n, const char *path, const char *perms, const char *value)
{
	const size_t size = strlen(path) + strlen(perms) + strlen(value) + 4;

	if (n->size + size > sizeof(n->payload))
		return -1;
	n->size += (uint32_t)size;
	return 0;
}

int xs_make(struct xs_nodes *n, xs_done_fn fn, void *ctx)
{
	n->size = 0;
	return request("make", "", fn, ctx);
}

void fake_answer(int err, const char *data, uint32_t len)
{
	uint32_t i = n_answered++;

	asked[i].fn(asked[i].ctx, err, data, len);
}

void fake_answer_all(int err)
{
	while (n_answered < fake.n_asked)
		fake_answer(err, err ? "ENOENT" : "OK", err ? 7 : 3);
}
