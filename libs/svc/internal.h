/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * internal.h - what the parts of libs/svc share
 */
#ifndef SVC_INTERNAL_H
#define SVC_INTERNAL_H

#include "svc/svc.h"
#include "svc/edge.h"

/* Number of notification bits for the domain's own channels and interrupts. */
#define OWN_BITS 24u
/* And for its clients. */
#define CLIENT_BITS 40u

/* A message in one piece: registers and UTCB words together. */
struct message {
	uint64_t label;
	uint32_t badge;
	uint32_t n;
	uint64_t mr[SK_MR_MAX];
	struct svc_caps caps;
	/* Number of the connection that the answer is about; 0: none. */
	uint32_t number;
	/* Its capabilities were not received, because the domain's CNode is full. */
	bool no_slots;
};
/* Put words and capabilities of an outgoing message into UTCB and registers. */
void message_load(struct sk_msg *m, uint64_t label, const uint64_t *mr, uint32_t n,
	const struct svc_caps *caps);
/* The reverse. */
void message_store(const struct sk_msg *m, uint64_t *mr, uint32_t *n);

/*
 * Provide four slots for capabilities to arrive in, again after those of a message were taken.
 */
int rx_prepare(sk_cap_t *slots) must_check;
/* n of the four slots are filled: they become caps->in[], and the others are freed. */
void rx_take(sk_cap_t slots, uint32_t n, struct svc_caps *caps);

/*
 * turn.c. Begin a turn. False: it is skipped, because an earlier one cost more than its share.
 */
bool turn_begin(struct svc_conn *c);
bool turn_over(const struct svc_conn *c);
/*
 * The handler of c has run, and its ring was at the index `before` then: settle the rings.
 * True: call it again at once. *more: there are records, also if it is not to be called again.
 */
bool turn_goes_on(struct svc_conn *c, uint32_t before, bool *more);
/*
 * account.c. Answer SVC_USAGE for the connections of one connector: mr[] in and out. Returns
 * the number of entries.
 */
uint32_t account_report(uint32_t badge, uint64_t *mr);
/*
 * What the loop asks of the service ends of connections. serve.c gives it to the loop in
 * svc_serve(), so a domain that serves nobody is linked without serve.c and account.c.
 */
struct serving {
	void (*call)(struct message *q, bool *later);
	/* The answer to q was received, or (heard is false) the caller had given up before. */
	void (*answered)(const struct message *q, bool heard);
	void (*signals)(uint64_t word);
	/* Give one turn to each waiting connection. turns_wanted(): does any wait? */
	void (*turns)(void);
	bool (*turns_wanted)(void);
	void (*reap)(void);
	void (*work_for)(struct svc_conn *c);
};
/* loop.c. False: this domain serves already. */
bool loop_serve(const struct serving *s);
/* loop.c: a Reply object that no caller waits on; 0: out of memory. */
sk_cap_t loop_reply_new(void);
void loop_reply_free(sk_cap_t reply);
/* loop.c: svc_raise() of a bit that is an own one. */
void loop_raise(uint32_t bit);
/* loop.c: no handler for this own bit any more. */
void loop_off_bit(uint32_t bit);
/*
 * Keep the caller that is being served waiting: later calls use the Reply object `spare`.
 * Returns the caller's Reply object.
 */
sk_cap_t loop_keep_caller(sk_cap_t spare);
/* False: the caller has given up. */
bool loop_answer(sk_cap_t reply, const uint64_t *mr, uint32_t n);
/* channel.c: the notification bit of a channel. */
uint32_t channel_bit(const struct svc_conn *c);
/*
 * channel.c: 0, -SK_E_RESTARTED after its rings were restarted, or -SK_E_PEER if it has ended.
 * In the channel's own handler the rings stay as they are, because the loop restarts them and
 * tells the program afterwards.
 */
int channel_look(struct svc_conn *c);
/* client.c: write the end of a connection into its rings, for its client. */
void end_publish(void *rings, uint32_t req_size, enum svc_end end);
/* channel.c: one turn for the channel that has this bit; false if there is no such channel. */
bool channel_event(uint32_t bit, svc_handler_fn fn, void *ctx);

#endif
