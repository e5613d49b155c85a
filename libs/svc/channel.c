/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * channel.c - the client ends of a domain's connections
 *
 * Objects     one struct channel per channel of the start-up page that was asked for, which
 *             lives as long as the domain, and per channel that came later.
 * Invariants  only this domain's event loop produces the ring towards the service and consumes
 *             the other
 *             CHAN1 both rings are in the epoch conn.epoch. The program learns of each new one
 *                   that it enters: by its function, or by -SK_E_RESTARTED.
 */
#include <stdlib.h>
#include <string.h>
#include "svc/internal.h"
#include "svc/step.h"

/* A function that the program wants called. */
struct hook {
	svc_handler_fn fn;
	void *ctx;
};

struct channel {
	struct svc_conn conn; /* first */
	struct channel *next;
	char name[sizeof(((struct domain_channel *)0)->name)];
	uint32_t bit;
	/* The loop is in its handler. */
	bool handling;
	/* The program knows of the end. */
	bool told;
	struct hook on_epoch, on_end;
};
static struct channel *channels;

/* ---- sending ----------------------------------------------------------------------------- */
void svc_signal(struct svc_conn *c) { edge_signal(c->signal); }

static int put(struct svc_conn *c, struct ring *r, const void *rec, uint32_t len)
{
	if (c->dead)
		return -SK_E_PEER;
	svc_step(SVC_STEP_PUT, c);
	return svc_checked(c, ring_put(r, rec, len));
}

static int send(struct svc_conn *c, struct ring *r, const void *rec, uint32_t len)
{
	int rc = put(c, r, rec, len);

	if (!rc && ring_put_flush(r))
		svc_signal(c);
	return rc;
}

int svc_request(struct svc_conn *c, const void *rec, uint32_t len)
{
	return send(c, &c->req, rec, len);
}

int svc_request_put(struct svc_conn *c, const void *rec, uint32_t len)
{
	return put(c, &c->req, rec, len);
}

int svc_respond(struct svc_conn *c, const void *rec, uint32_t len)
{
	return send(c, &c->rsp, rec, len);
}

static void hook_call(const struct hook *h)
{
	if (h->fn)
		h->fn(h->ctx);
}

/* ---- restart and end of the service ------------------------------------------------------ */
int svc_on_epoch(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	if (!c->channel)
		return -SK_E_INVAL;
	((struct channel *)c)->on_epoch = (struct hook){ fn, ctx };
	return 0;
}

int svc_on_end(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	if (!c->channel)
		return -SK_E_INVAL;
	((struct channel *)c)->on_end = (struct hook){ fn, ctx };
	return 0;
}

enum svc_end svc_end(const struct svc_conn *c) { return c->end; }

const char *svc_end_text(enum svc_end why)
{
	static const char *const texts[] = {
#define X(name, num, text) [num] = (text),
		SVC_ENDS(X)
#undef X
	};

	return texts[why < SVC_END_END ? why : SVC_END_CLOSED];
}

/*
 * The service begins an epoch in the request ring first, so a new one in the response ring
 * holds for both. Nothing begins again after the end.
 */
static bool channel_behind(const struct svc_conn *c)
{
	return !c->dead && ring_behind(&c->rsp);
}

/* CHAN1 */
static bool channel_follow(struct svc_conn *c)
{
	uint32_t epoch;

	if (!channel_behind(c))
		return false;
	epoch = ring_peer_epoch(&c->rsp);
	ring_restart(&c->req, epoch);
	ring_restart(&c->rsp, epoch);
	c->epoch = epoch;
	c->broken = false;
	svc_charge(c, SVC_RECORD);
	return true;
}

static bool channel_ended(struct svc_conn *c)
{
	uint32_t end = __atomic_load_n(&c->rsp.sh->end, __ATOMIC_ACQUIRE);

	if (!c->dead && end) {
		c->dead = true;
		c->end = end < SVC_END_END ? (enum svc_end)end : SVC_END_CLOSED;
	}
	return c->dead;
}

static void channel_end(struct channel *ch)
{
	if (ch->told || !channel_ended(&ch->conn))
		return;
	ch->told = true;
	hook_call(&ch->on_end);
}

int channel_look(struct svc_conn *c)
{
	struct channel *ch = (struct channel *)c;

	if (ch->handling)
		return channel_behind(c) ? -SK_E_RESTARTED : 0;
	if (channel_follow(c))
		return -SK_E_RESTARTED;
	if (!channel_ended(c))
		return 0;
	if (!ch->told && svc_raise(ch->bit)) /* so that the loop tells the program */
		return -SK_E_INVAL;
	return -SK_E_PEER;
}

/* For svc_next_record(), at whose end a handler returns to the loop. */
static int channel_look_outside(struct svc_conn *c)
{
	return ((struct channel *)c)->handling ? 0 : channel_look(c);
}

/* ---- the channels of the start-up page --------------------------------------------------- */
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
	if (ring_init(&c->req, rings, e->req_size, RING_CLIENT_PUTS, e->epoch) ||
		ring_init(&c->rsp, rings + e->req_size, e->rsp_size, RING_CLIENT_GETS,
			e->epoch)) {
		free(ch);
		return NULL;
	}
	c->data = (uint8_t *)(uintptr_t)e->data_vaddr;
	c->data_size = e->data_size;
	c->data_frame = e->data;
	c->signal = e->signal;
	c->number = index;
	c->channel = true;
	c->look = channel_look_outside;
	c->proto = e->proto;
	c->epoch = e->epoch;
	(void)channel_follow(c); /* nothing was sent that could be lost */
	ch->bit = e->bit;
	memcpy(ch->name, e->name, sizeof(ch->name) - 1);
	ch->next = channels;
	channels = ch;
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
	return ch ? &ch->conn : NULL;
}

struct svc_conn *svc_channel_add(const struct domain_channel *e)
{
	struct channel *ch = channel_open(e, e->bit);

	return ch ? &ch->conn : NULL;
}

struct svc_conn *svc_channel_next(struct svc_conn *after)
{
	struct channel *ch = after ? ((struct channel *)after)->next : channels;

	return ch ? &ch->conn : NULL;
}

void svc_channel_drop(struct svc_conn *c)
{
	struct channel *ch = (struct channel *)c, **p = &channels;

	while (*p != ch)
		p = &(*p)->next;
	*p = ch->next;
	loop_off_bit(ch->bit);
	free(ch);
}

/* ---- events ------------------------------------------------------------------------------ */
int svc_on_channel(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	struct channel *ch = (struct channel *)c;
	int rc = svc_on_bit(ch->bit, fn, ctx, ch->name);

	if (!rc && (svc_more(c) || channel_behind(c) || channel_ended(c)))
		rc = svc_raise(ch->bit);
	return rc;
}

uint32_t channel_bit(const struct svc_conn *c) { return ((const struct channel *)c)->bit; }

bool channel_event(uint32_t bit, svc_handler_fn fn, void *ctx)
{
	struct channel *ch = channels;
	struct svc_conn *c;
	uint32_t before;
	bool more, again;

	while (ch && ch->bit != bit)
		ch = ch->next;
	if (!ch)
		return false;
	c = &ch->conn;
	if (!turn_begin(c))
		return svc_raise(bit) == 0;
	ch->handling = true;
	do {
		svc_step(SVC_STEP_CHANNEL, c);
		if (channel_follow(c)) {
			svc_step(SVC_STEP_RESTARTED, c);
			hook_call(&ch->on_epoch);
			svc_step(SVC_STEP_RESENT, c);
		}
		before = c->rsp.index;
		if (!ch->told)
			fn(ctx);
		again = turn_goes_on(c, before, &more);
		if (channel_behind(c)) {
			/* the handler may have taken the signal that came with a new epoch */
			more = true;
			again = !turn_over(c);
		}
	} while (again);
	ch->handling = false;
	if (more && turn_over(c))
		return svc_raise(bit) == 0;
	channel_end(ch);
	return true;
}
