/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel.c - the client ends of a domain's connections
 *
 * Objects     one struct channel per channel of the start-up page that was asked for; it lives
 *             as long as the domain.
 * Invariants  only this domain's event loop produces the ring towards the service and consumes
 *             the other
 */
#include <stdlib.h>
#include <string.h>
#include "svc/internal.h"

struct channel {
	struct svc_conn conn; /* first */
	struct channel *next;
	uint32_t bit;
};
static struct channel *channels;

static const struct domain_channel *find_entry(const char *name, uint32_t *index)
{
	const struct domain_info *info = svc_info();

	for (uint32_t i = 0; i < info->n_channels && i < DOMAIN_CHANNELS_MAX; i++) {
		if (strncmp(info->channel[i].name, name, sizeof(info->channel[i].name)) == 0) {
			*index = i;
			return &info->channel[i];
		}
	}
	return NULL;
}

static struct channel *channel_open(const struct domain_channel *e, uint32_t index)
{
	struct channel *ch = calloc(1, sizeof(*ch));
	struct svc_conn *c;
	uint8_t *rings = (uint8_t *)(uintptr_t)e->vaddr;

	if (!ch)
		return NULL;
	c = &ch->conn;
	if (ring_init(&c->req, rings, e->req_size, 0) ||
		ring_init(&c->rsp, rings + e->req_size, e->rsp_size, 0)) {
		free(ch);
		return NULL;
	}
	c->data = (uint8_t *)(uintptr_t)e->data_vaddr;
	c->data_size = e->data_size;
	c->data_frame = e->data;
	c->signal = e->signal;
	c->number = index;
	c->channel = true;
	c->proto = e->proto;
	c->epoch = e->epoch;
	ch->bit = e->bit;
	return ch;
}

struct svc_conn *svc_channel(const char *name)
{
	const struct domain_channel *e;
	struct channel *ch;
	uint32_t index;

	e = find_entry(name, &index);
	if (!e)
		return NULL;
	for (ch = channels; ch; ch = ch->next)
		if (ch->conn.number == index)
			return &ch->conn;
	ch = channel_open(e, index);
	if (!ch)
		return NULL;
	ch->next = channels;
	channels = ch;
	return &ch->conn;
}

void svc_signal(struct svc_conn *c) { edge_signal(c->signal); }

static int send(struct svc_conn *c, struct ring *r, const void *rec, uint32_t len)
{
	int rc;

	if (c->dead)
		return -SK_E_PEER;
	rc = ring_put(r, rec, len);
	if (!rc && ring_put_flush(r))
		svc_signal(c);
	return rc;
}

int svc_request(struct svc_conn *c, const void *rec, uint32_t len)
{
	return send(c, &c->req, rec, len);
}

int svc_respond(struct svc_conn *c, const void *rec, uint32_t len)
{
	return send(c, &c->rsp, rec, len);
}

int svc_on_channel(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	struct channel *ch = (struct channel *)c;
	int rc = svc_on_bit(ch->bit, fn, ctx, svc_info()->channel[c->number].name);

	if (!rc && svc_more(c))
		rc = svc_raise(ch->bit);
	return rc;
}

uint32_t channel_bit(const struct svc_conn *c) { return ((const struct channel *)c)->bit; }

bool channel_event(uint32_t bit, svc_handler_fn fn, void *ctx)
{
	struct channel *ch = channels;
	struct svc_conn *c;
	uint32_t before;
	bool more;

	while (ch && ch->bit != bit)
		ch = ch->next;
	if (!ch)
		return false;
	c = &ch->conn;
	if (!turn_begin(c))
		return svc_raise(bit) == 0;
	do {
		before = c->rsp.index;
		fn(ctx);
		svc_settle(c);
		more = svc_more(c);
	} while (more && !turn_over(c) && c->rsp.index != before);
	if (more && turn_over(c))
		return svc_raise(bit) == 0;
	return true;
}
