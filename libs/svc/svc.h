/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * svc.h - the event loop of a domain, the connections that it serves, and those that it uses
 *
 * A domain is single-threaded: svc_run() receives on the control endpoint with the bound
 * notification, and calls one handler per event. No handler waits for another domain.
 *
 * Notification bits 0..23 belong to the domain's own channels and interrupts (domain.h `bit`,
 * or svc_on_bit), bits 24..63 to its clients: connection number modulo 40. The loop itself
 * answers DOMAIN_BIT_PULSE, and svc_wait_until() does while it waits.
 */
#ifndef SVC_H
#define SVC_H

#include "base/error.h"
#include "proto/domain.h"
#include "proto/svc.h"
#include "ring/ring.h"
#include <sk/types.h>

/* The start-up page. */
static inline const struct domain_info *svc_info(void)
{
	return (const struct domain_info *)DOMAIN_INFO_VADDR;
}
/* Value of `key` in the manifest's args, copied to buf; false if absent. */
bool svc_arg(const char *key, char *buf, size_t size);
/*
 * Slot of an extra capability, from args' `cap.NAME=SLOT[,COUNT]`; 0 if absent. count may be
 * NULL.
 */
sk_cap_t svc_cap(const char *name, uint32_t *count);

/* ---- one end of a connection ------------------------------------------------------------- */
struct svc_conn {
	/* The ring on which the client produces and the service consumes. */
	struct ring req;
	struct ring rsp; /* the other direction */
	/* Data part of the region; service side: NULL if svc_service.data_unmapped. */
	uint8_t *data;
	uint64_t data_size;
	/* Its frame; 0 = no data. */
	sk_cap_t data_frame;
	/*
	 * Service side: memory for the service's state of this client. The client does not see
	 * it.
	 */
	void *own;
	uint64_t own_size;
	/* Signals the peer. */
	sk_cap_t signal;
	/* Service side: from 1 up; client side: index of the channel. */
	uint32_t number;
	/* Service side: identity given by the connector (domid, or static | SVC_STATIC). */
	uint32_t client;
	/* Service side: the badge of its connector, SVC_BADGE_*. */
	uint32_t badge;
	uint32_t proto;
	/*
	 * Of the connection. Service side: not 0 in open() means that an earlier life of the
	 * service had this connection, and that `own` holds what it left there. Client side:
	 * the epoch in which both rings are.
	 */
	uint32_t epoch;
	/*
	 * It has ended, as svc_end() says. Service side: only SVC_CLOSE can still come. Client
	 * side: nothing comes any more.
	 */
	bool dead;
	enum svc_end end;
	/* True at the client's end. */
	bool channel;
	/*
	 * Quiet records (ring.h) need not wake this domain: it has enough of what they bring.
	 */
	bool patient;
	/* Client's end: the service broke the protocol in this epoch, see svc_breach(). */
	bool broken;
	/*
	 * Client's end: what svc_next_record() asks when the ring is empty. 0, or an error that
	 * it returns.
	 */
	int (*look)(struct svc_conn *c);
	/* Work done in the current turn: svc_get(). */
	uint64_t spent;
	/* Service side, ticks, account.c: svc_work_for(). */
	uint64_t claim, worked;
	/* For the service's own use. */
	void *priv;
};

/* The ring on which records come in, and the ring on which they go out. */
static inline struct ring *conn_in(struct svc_conn *c)
{
	return c->channel ? &c->rsp : &c->req;
}

static inline struct ring *conn_out(struct svc_conn *c)
{
	return c->channel ? &c->req : &c->rsp;
}

/*
 * Client: find channel `name` of the start-up page and set up its rings. NULL if the manifest
 * gives none.
 */
struct svc_conn *svc_channel(const char *name);
/*
 * A VMM gets a channel while it runs, with the number e->bit, and loses it: call neither in the
 * channel's own handler.
 */
struct svc_conn *svc_channel_add(const struct domain_channel *e);
void svc_channel_drop(struct svc_conn *c);
/*
 * One record to the service, or to the client, with a signal if the peer sleeps. The result is
 * that of ring_put().
 */
int svc_request(struct svc_conn *c, const void *rec, uint32_t len) must_check;
int svc_respond(struct svc_conn *c, const void *rec, uint32_t len) must_check;
/*
 * One record of several to the service: the caller calls svc_settle() after the last, or
 * returns from the handler of the channel. The result is that of ring_put().
 */
int svc_request_put(struct svc_conn *c, const void *rec, uint32_t len) must_check;
void svc_signal(struct svc_conn *c);
/*
 * The loop settles the rings of a connection around its handler. Code that uses them elsewhere
 * (at start-up, in a thread, for one client in the handler of another) does it itself:
 * svc_settle()       publishes what was put and taken, and signals the peer if it waits for
 *                    that.
 * svc_more()         asks for a signal at the next record, or at the next that is not quiet if
 *                    the domain is patient; true: there is one already.
 * svc_next_record()  the next record, as ring_get(). If there is none, it settles the rings and
 *                    the peer will signal, so a loop can end there. A loop that ends earlier
 *                    calls svc_settle(). At the client's end, outside the handler of the
 *                    channel: -SK_E_RESTARTED, see svc_on_epoch(); -SK_E_PEER if the
 *                    connection has ended.
 */
void svc_settle(struct svc_conn *c);
bool svc_more(struct svc_conn *c);
int svc_next_record(struct svc_conn *c, void *buf, uint32_t max) must_check;
/*
 * Do n records of len bytes fit this side's outgoing ring? If not, the peer signals when it has
 * made room. A service takes a request only when the answer fits, so a client that does not
 * take its answers holds up only itself.
 */
bool svc_room(struct svc_conn *c, uint32_t len, uint32_t n);
/*
 * A record, as ring_get(), and nothing else: it counts in no turn, so the caller bounds how
 * many it takes. -SK_E_PEER also after a breach, see svc_breach().
 */
int svc_take(struct svc_conn *c, void *buf, uint32_t max) must_check;

/* ---- serving ----------------------------------------------------------------------------- */
/*
 * Capabilities that came with a call, and those to send back; the callee keeps or deletes the
 * slots.
 */
struct svc_caps {
	sk_cap_t in[4];
	uint32_t n_in;
	sk_cap_t out[4];
	/* Move instead of copy. */
	bool move_out;
	uint32_t n_out;
};

struct svc_service {
	/*
	 * The one protocol that is served; SVC_PROTO_END: several, and the functions look at
	 * conn->proto.
	 */
	uint32_t proto;
	/* Smallest data part that open accepts. */
	uint64_t min_data;
	/* Only a device uses the data, which are not mapped in this domain. */
	bool data_unmapped;
	/*
	 * params_len bytes at params, a private copy. result[0..1] go back as mr2, mr3. 0 or
	 * -SK_E_*. It puts nothing into the rings, because the epoch begins only after it.
	 */
	int (*open)(struct svc_conn *c, const void *params, uint32_t params_len,
		uint64_t result[2]);
	/*
	 * The client signalled, or has its next turn. 0, or -SK_E_AGAIN if something is full:
	 * call svc_resume() when there is room again. Any other error ends the connection:
	 * -SK_E_LIMIT or -SK_E_NO_MEM with SVC_END_LIMIT, others with SVC_END_BREACH.
	 */
	int (*event)(struct svc_conn *c);
	/*
	 * The end of the connection. -SK_E_AGAIN: something is in flight, and svc_closed(c,
	 * result) ends it later. Otherwise nothing may be in flight, and the closer is told the
	 * return value: 0, or the -SK_E_* of the last work for the client.
	 */
	int (*close)(struct svc_conn *c);
	/*
	 * Other calls (label >= SVC_FIRST). mr[] in and out, caps in rx slots; returns 0 or
	 * -SK_E_*. May be NULL.
	 */
	int (*call)(uint32_t label, uint32_t badge, uint64_t *mr, uint32_t *n_mr,
		struct svc_caps *caps);
	/* SVC_STATS: fill mr[1..]; returns words used. May be NULL. */
	uint32_t (*stats)(struct svc_conn *c, uint64_t *mr);
};
int svc_serve(const struct svc_service *s) must_check;
void svc_closed(struct svc_conn *c, int result);
/*
 * Drop a client that broke the protocol: log it once, stop its rings and tell the client
 * (SVC_END_BREACH). SVC_CLOSE comes later.
 */
void svc_conn_kill(struct svc_conn *c, const char *why);
/*
 * Clients take turns, and a turn is a limited amount of work: SVC_TURN bytes. Each request
 * counts as SVC_RECORD bytes (it costs about as much as copying them), and a handler adds the
 * bytes that it copies by svc_charge(). svc_get() is ring_get() on the incoming ring within a
 * turn: it returns -SK_E_AGAIN also when the turn is over. The loop gives the next turn by
 * itself. The same holds for handlers of channels, so a device that always has one more record
 * does not keep a service from its clients.
 */
#define SVC_TURN 262144u
#define SVC_RECORD 4096u
int svc_get(struct svc_conn *c, void *buf, uint32_t max) must_check;
/* Pass the records that came in to fn, as many as the turn has. */
void svc_drain(
	struct svc_conn *c, void *buf, uint32_t max, void (*fn)(const void *rec, uint32_t len));
void svc_charge(struct svc_conn *c, uint64_t bytes);
/*
 * From now on this domain works for the client of c; NULL, or a channel: for nobody in
 * particular. The loop calls it around event(), and after each other handler. A handler that
 * does its work for several clients calls it for each of them, so that SVC_USAGE says what each
 * of them costs.
 */
void svc_work_for(struct svc_conn *c);
/*
 * Give a client or a channel a turn although it did not signal, because records left in its
 * ring can be taken now, or because this domain is patient no more.
 */
void svc_resume(struct svc_conn *c);

/*
 * Iterate over connections, including dead ones, and those being closed whose priv is still
 * set.
 */
struct svc_conn *svc_conn_next(struct svc_conn *after);

/*
 * Around every event() and channel handler the loop publishes what was put and taken, signals
 * the peer if it sleeps, asks to be signalled for more and looks again, so a handler just takes
 * what it can. A handler that leaves records in the ring for a reason other than the end of a
 * turn (no room for the answer) has to come back to them by svc_resume().
 */
/* Handlers for the domain's own bits. */
typedef void (*svc_handler_fn)(void *ctx);
int svc_on_bit(uint32_t bit, svc_handler_fn fn, void *ctx, const char *name) must_check;
int svc_on_channel(struct svc_conn *c, svc_handler_fn fn, void *ctx) must_check;
/*
 * Have fn(ctx) called when the service behind channel c has been started again: both rings are
 * empty and in the new epoch (c->epoch), and no request of an earlier epoch is in flight
 * anywhere. fn sends again what was not answered. Without fn the rings are just restarted. The
 * handler of the channel runs after fn.
 *
 * The loop looks for it before each call of the channel's handler. While the handler runs, a
 * ring of the old epoch is empty or, in time, full; nothing that it puts there is read.
 *
 * Outside the loop and in handlers of other events, svc_wait_until(), svc_wait_record() and
 * svc_next_record() look for it. They restart the rings and return -SK_E_RESTARTED; fn is not
 * called then, and the caller sends again.
 */
int svc_on_epoch(struct svc_conn *c, svc_handler_fn fn, void *ctx) must_check;
/*
 * Have fn called once when the connection of channel c has ended for good; svc_end(c) says why.
 * All sends give -SK_E_PEER afterwards, and the handler of the channel is not called any more.
 * Records that were in the ring have been handled before.
 */
int svc_on_end(struct svc_conn *c, svc_handler_fn fn, void *ctx) must_check;
enum svc_end svc_end(const struct svc_conn *c);
/*
 * Client's end: the service has broken the protocol, and `how` says what it did. It is logged,
 * and init is told, which starts the service again, at once or later (services/init/breach.c).
 * A VMM tells control: svc_on_breach(). Nothing that the service puts into the ring is looked
 * at until then: what takes a record returns -SK_E_PEER. Requests may still be put, and are
 * lost with the epoch. What libs/svc can see, an impossible index or length, it reports itself.
 */
void svc_breach(struct svc_conn *c, const char *how);
/* Have fn(c) called at each breach. */
void svc_on_breach(void (*fn)(struct svc_conn *c));
/* The next channel after this one, or the first; NULL: there is none. */
struct svc_conn *svc_channel_next(struct svc_conn *after);
/* The result of a function of ring.h on a ring of c; an error is such a breach. Returns rc. */
int svc_checked(struct svc_conn *c, int rc);
const char *svc_end_text(enum svc_end why);
/* Interrupt n of the domain's device `index`, on one of the domain's own bits. */
int svc_on_irq(uint32_t index, uint32_t n, uint32_t bit, svc_handler_fn fn) must_check;
/*
 * Have the handler of an own bit called once the current event is done, as if it had been
 * signalled.
 */
int svc_raise(uint32_t bit) must_check;
/* A new capability that signals this domain with 1 << bit. */
int svc_ntfn_badged(uint32_t bit, sk_cap_t *out) must_check;
/* One-shot timers, absolute TSC; cancel with SK_NO_DEADLINE. */
struct svc_timer {
	sk_time_t deadline;
	svc_handler_fn fn;
	void *ctx;
	struct svc_timer *next;
};
void svc_timer_set(struct svc_timer *t, sk_time_t deadline);
sk_time_t svc_now(void);
sk_time_t svc_in_ms(uint32_t ms);
sk_time_t svc_in_us(uint32_t us);

/* As svc_next_record(), but waits for a record. For start-up, like svc_wait_until(). */
int svc_wait_record(struct svc_conn *c, void *buf, uint32_t max, sk_time_t deadline) must_check;
/*
 * Wait until the service behind channel c signals; all other events stay pending for svc_run().
 * For start-up, and for a domain whose work cannot be cut into events (files: its file system
 * library reads synchronously). -SK_E_TIMEOUT: the deadline has passed. -SK_E_RESTARTED: see
 * svc_on_epoch(); -SK_E_PEER: the connection has ended.
 */
int svc_wait_until(struct svc_conn *c, sk_time_t deadline) must_check;

/* Returns only if receiving fails, with the kernel's error. */
int svc_run(void);

/* ---- connecting (init, control): call a service's control endpoint ----------------------- */
struct svc_open_args {
	uint32_t proto, client;
	/* To open a connection again: its number, and the next epoch (proto/svc.h). Else 0. */
	uint32_t number, epoch;
	uint32_t req_size, rsp_size;
	uint64_t data_size, own_size; /* 0 = none */
	sk_cap_t rings, data, own;    /* frames */
	sk_cap_t client_signal;
	const void *params;
	uint32_t params_len;
};
struct svc_open_result {
	uint32_t number;
	uint64_t word[2];
	/* Signals the service; in a slot from libs/caps. */
	sk_cap_t signal;
};
/*
 * -SK_E_TIMEOUT: the service did not answer within SVC_OPEN_MS, SVC_CLOSE_MS, or the time
 * given. The service, and a device behind it, may still use the region. Until
 * svc_close_within() or svc_ping() returns 0 (proto/svc.h), the caller must not use the memory
 * for anything else, and must not revoke it, because that would fault a service that has other
 * clients.
 */
#define SVC_OPEN_MS 30000u
/* Longer, because the service first drains and flushes. */
#define SVC_CLOSE_MS 120000u
int svc_open(sk_cap_t service_ep, const struct svc_open_args *a,
	struct svc_open_result *r) must_check;
int svc_open_within(sk_cap_t service_ep, const struct svc_open_args *a, uint32_t ms,
	struct svc_open_result *r) must_check;
/*
 * To open a connection again, after the service was restarted: the same arguments with the
 * number of the first svc_open(), and the epoch one more than the last time. The client keeps
 * its signal, so the one of the result is to be dropped.
 *
 * svc_abandon(): in place of a service that does not come back, tell the client that the
 * connection has ended. It maps a->rings for a moment, so that capability must not be mapped.
 */
int svc_abandon(const struct svc_open_args *a, enum svc_end end) must_check;
/*
 * 0: the connection is gone, and *result, if result is not NULL, is 0 or the error of the
 * service's last work for the client, which for storage is the last flush.
 */
int svc_close(sk_cap_t service_ep, uint32_t number, int *result) must_check;
int svc_close_within(sk_cap_t service_ep, uint32_t number, uint32_t ms, int *result) must_check;
int svc_ping(sk_cap_t service_ep, uint32_t ms) must_check;
/*
 * *number: of a connection that this connector has opened for the client; 0: there is none. A
 * connector that was restarted finds those that it does not know of.
 */
int svc_find(sk_cap_t service_ep, uint32_t client, uint32_t ms, uint32_t *number) must_check;
/*
 * *n entries of SVC_USAGE (proto/svc.h) go to u[SVC_USAGE_MAX], beginning at *from, which
 * becomes where to go on; 0: that was all.
 */
int svc_usage(sk_cap_t service_ep, uint32_t ms, uint64_t *from, struct svc_usage *u,
	uint32_t *n) must_check;
/*
 * For a program with a thread that can end the calls of the one that makes them. begin() runs
 * immediately before the system call of each call above, when its deadline is in the UTCB; an
 * error of it becomes that of the call, which then is not made. end() runs immediately after
 * the system call; its result takes the place of the system call's.
 */
struct svc_guard {
	long (*begin)(sk_cap_t ep);
	long (*end)(long rc);
};
void svc_guard_calls(const struct svc_guard *g);
/* A plain call, which waits as long as it takes. mr and n are in and out. */
int svc_call(sk_cap_t ep, uint32_t label, uint64_t *mr, uint32_t *n,
	struct svc_caps *caps) must_check;
/*
 * The same for at most `ms` milliseconds, then -SK_E_TIMEOUT. The request may still be carried
 * out.
 */
int svc_call_timed(sk_cap_t ep, uint32_t label, uint64_t *mr, uint32_t *n,
	struct svc_caps *caps, uint32_t ms) must_check;

#endif
