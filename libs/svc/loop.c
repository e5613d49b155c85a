/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * loop.c - the event loop: calls, signals, timers
 *
 * Objects     handlers by notification bit; timers in a list sorted by deadline; free Reply
 *             objects: no caller waits on them, and no connection keeps them for its end.
 * Invariants  LOOP1 utcb->reply is tied to the caller that is being served, or to none
 *             LOOP2 the slots for incoming capabilities are empty when the loop receives
 */
#include <stddef.h>
#include "caps/caps.h"
#include "svc/internal.h"
#include "svc/step.h"

enum {
	REPLIES_MAX = 1024,
	RX_SLOTS = 4,
};

struct handler {
	svc_handler_fn fn;
	void *ctx;
	const char *name;
};
static struct handler handlers[OWN_BITS];
/* Bits that this domain set itself. */
static uint64_t raised;
static struct svc_timer *timers;
static sk_cap_t rx;
/* NULL: this domain serves nobody. */
static const struct serving *serving;

static sk_cap_t reply_now = DOMAIN_CAP_REPLY; /* LOOP1 */
/* Free Reply objects, kept because dropping one may give no memory back. */
static sk_cap_t replies[REPLIES_MAX];
static uint32_t n_replies;

bool loop_serve(const struct serving *s)
{
	if (serving)
		return false;
	serving = s;
	return true;
}

static void work_for_nobody(void)
{
	if (serving)
		serving->work_for(NULL);
}

/* ---- registration ------------------------------------------------------------------------ */
int svc_on_bit(uint32_t bit, svc_handler_fn fn, void *ctx, const char *name)
{
	if (bit >= DOMAIN_BIT_PULSE || !fn)
		return -SK_E_INVAL;
	handlers[bit] = (struct handler){ fn, ctx, name };
	return 0;
}

/* A signal that comes later has no handler. */
void loop_off_bit(uint32_t bit)
{
	handlers[bit] = (struct handler){ 0 };
	raised &= ~(1ull << bit);
}

void loop_raise(uint32_t bit) { raised |= 1ull << bit; }

int svc_raise(uint32_t bit)
{
	if (bit >= OWN_BITS)
		return -SK_E_INVAL;
	loop_raise(bit);
	return 0;
}

int svc_ntfn_badged(uint32_t bit, sk_cap_t *out)
{
	if (bit >= OWN_BITS + CLIENT_BITS)
		return -SK_E_INVAL;
	return cap_copy(DOMAIN_CAP_NTFN, SK_W | SK_GRANT, 1ull << bit, out);
}

int svc_on_irq(uint32_t index, uint32_t n, uint32_t bit, svc_handler_fn fn)
{
	sk_cap_t irq = DOMAIN_CAP_IRQ(index, n), signal;
	int rc = svc_on_bit(bit, fn, NULL, "irq");

	if (!rc)
		rc = svc_ntfn_badged(bit, &signal);
	if (rc)
		return rc;
	rc = (int)edge_irq_bind(irq, signal);
	if (rc)
		cap_drop(signal);
	return rc;
}

/* ---- timers ------------------------------------------------------------------------------ */
static void timer_remove(struct svc_timer *t)
{
	struct svc_timer **p = &timers;

	while (*p && *p != t)
		p = &(*p)->next;
	if (*p)
		*p = t->next;
	t->next = NULL;
}

void svc_timer_set(struct svc_timer *t, sk_time_t deadline)
{
	struct svc_timer **p = &timers;

	timer_remove(t);
	t->deadline = deadline;
	if (deadline == SK_NO_DEADLINE)
		return;
	while (*p && (*p)->deadline <= deadline)
		p = &(*p)->next;
	t->next = *p;
	*p = t;
}

/*
 * Run the timers that were due at the start. One that sets itself again waits for the next
 * turn.
 */
static void timers_run(void)
{
	sk_time_t now = timers ? edge_now() : 0;

	while (timers && timers->deadline <= now) {
		struct svc_timer *t = timers;

		timers = t->next;
		t->next = NULL;
		svc_step(SVC_STEP_TIMER, NULL);
		t->fn(t->ctx);
		work_for_nobody();
	}
}

/* ---- answers ----------------------------------------------------------------------------- */
sk_cap_t loop_reply_new(void)
{
	sk_cap_t reply;

	if (n_replies)
		return replies[--n_replies];
	return object_make(SK_OBJ_REPLY, 0, &reply) ? 0 : reply;
}

void loop_reply_free(sk_cap_t reply)
{
	if (n_replies < REPLIES_MAX)
		replies[n_replies++] = reply;
	else
		cap_drop(reply);
}

sk_cap_t loop_keep_caller(sk_cap_t spare)
{
	sk_cap_t kept = reply_now;

	reply_now = spare;
	return kept;
}

bool loop_answer(sk_cap_t reply, const uint64_t *mr, uint32_t n)
{
	struct sk_msg m;

	message_load(&m, 0, mr, n, NULL);
	return edge_reply(reply, &m) == 0;
}

/* A moved capability has left its slot, unless the caller had no room for it. */
static void answer(struct message *q)
{
	struct sk_msg m;
	bool heard;

	svc_step(SVC_STEP_ANSWER, NULL);
	message_load(&m, 0, q->mr, q->n, &q->caps);
	heard = edge_reply(reply_now, &m) == 0;
	for (uint32_t i = 0; q->caps.move_out && i < q->caps.n_out; i++) {
		if (edge_slot_empty(q->caps.out[i]))
			slot_free(q->caps.out[i], 1);
		else
			cap_drop(q->caps.out[i]);
	}
	svc_step(SVC_STEP_ANSWERED, NULL);
	if (serving)
		serving->answered(q, heard);
}

/* ---- dispatch ---------------------------------------------------------------------------- */
static void call_refuse(struct message *q)
{
	for (uint32_t i = 0; i < q->caps.n_in; i++)
		cap_drop(q->caps.in[i]);
	q->mr[0] = (uint64_t)(int64_t)-SK_E_NO_SYS;
	q->n = 1;
}

static void handle_call(const struct sk_msg *m)
{
	struct message q = { .label = SK_MI_LABEL(m->mi), .badge = (uint32_t)m->badge };
	bool later = false;

	message_store(m, q.mr, &q.n);
	q.no_slots = !rx;
	if (rx)
		rx_take(rx, SK_MI_CAPS(m->mi), &q.caps);
	rx = 0;
	svc_step(SVC_STEP_CALL, NULL);
	if (serving)
		serving->call(&q, &later);
	else
		call_refuse(&q);
	if (!later)
		answer(&q);
	work_for_nobody();
}

/* Tell init, if it asks, that this domain handles events. Returns the other bits. */
static uint64_t pulse_answer(uint64_t word)
{
	const uint64_t bit = 1ull << DOMAIN_BIT_PULSE;

	if (word & bit)
		edge_signal(DOMAIN_CAP_PULSE);
	return word & ~bit;
}

static void handle_bits(uint64_t word)
{
	uint64_t own = word & ((1ull << OWN_BITS) - 1);

	for (; own; own &= own - 1) {
		uint32_t bit = (uint32_t)__builtin_ctzll(own);
		const struct handler *h = &handlers[bit];

		if (!h->fn) {
			edge_log_resume(); /* the channel of the output has no other handler */
		} else if (!channel_event(bit, h->fn, h->ctx)) {
			svc_step(SVC_STEP_BIT, NULL);
			h->fn(h->ctx);
		}
		work_for_nobody();
	}
	if (serving)
		serving->signals(word >> OWN_BITS);
}

sk_time_t svc_now(void) { return edge_now(); }

sk_time_t svc_in_ms(uint32_t ms) { return edge_in_ms(ms); }

sk_time_t svc_in_us(uint32_t us) { return edge_in_us(us); }

int svc_wait_until(struct svc_conn *c, sk_time_t deadline)
{
	const uint64_t bit = 1ull << channel_bit(c);
	uint64_t word;
	int rc = channel_look(c);

	if (rc)
		return rc;
	do {
		rc = (int)edge_wait(DOMAIN_CAP_NTFN, deadline, &word);
		if (rc)
			return rc;
		raised |= pulse_answer(word) & ~bit;
	} while (!(word & bit));
	/* records that came before an end are still to be taken */
	return ring_behind(&c->rsp) ? channel_look(c) : 0;
}

static sk_time_t next_deadline(void)
{
	if (raised || (serving && serving->turns_wanted()))
		return SK_POLL;
	return timers ? timers->deadline : SK_NO_DEADLINE;
}

static int receive(struct sk_msg *m)
{
	struct sk_utcb *u = edge_utcb();

	/*
	 * LOOP2. The loop goes on with a full CNode: new connections are refused, and closing
	 * others makes room.
	 */
	if (rx_prepare(&rx))
		rx = 0;
	u->recv_slot = rx;
	u->recv_slots = rx ? RX_SLOTS : 0;
	u->reply = reply_now;
	u->deadline = next_deadline();
	return (int)edge_recv(DOMAIN_CAP_SERVICE, m);
}

int svc_run(void)
{
	struct sk_msg m;
	uint64_t word;
	int rc;

	for (;;) {
		rc = receive(&m);
		if (rc && rc != -SK_E_TIMEOUT)
			return rc;
		word = raised;
		raised = 0;
		if (!rc && SK_MI_LABEL(m.mi) == SK_LABEL_SIGNAL)
			word |= pulse_answer(m.badge);
		else if (!rc)
			handle_call(&m);
		/* before the clients that signal now, because these have waited */
		if (serving)
			serving->turns();
		if (word)
			handle_bits(word);
		timers_run();
		if (serving)
			serving->reap();
	}
}
