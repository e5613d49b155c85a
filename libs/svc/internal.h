/*
 * internal.h - what the parts of libs/svc share
 */
#ifndef SVC_INTERNAL_H
#define SVC_INTERNAL_H

#include "svc/svc.h"
#include "svc/edge.h"

#define OWN_BITS 24u    /* notification bits of the domain's own channels and interrupts */
#define CLIENT_BITS 40u /* and of its clients */

/* A message in one piece: registers and UTCB words together. */
struct message {
	uint64_t label;
	uint32_t badge;
	uint32_t n;
	uint64_t mr[SK_MR_MAX];
	struct svc_caps caps;
	bool no_slots; /* capabilities that came with it were not taken: the domain's CNode is full */
};
/* Words and capabilities of an outgoing message into UTCB and registers. */
void message_load(struct sk_msg *m, uint64_t label, const uint64_t *mr, uint32_t n,
	const struct svc_caps *caps);
/* And back. */
void message_store(const struct sk_msg *m, uint64_t *mr, uint32_t *n);

/* Four slots for capabilities to arrive in; set anew after those of a message were taken. */
int rx_prepare(sk_cap_t *slots) must_check;
/* Of four slots, n came filled: those become in[], the others are freed. */
void rx_take(sk_cap_t slots, uint32_t n, struct svc_caps *caps);

/* serve.c */
void serve_call(struct message *q, bool *later);
void serve_signals(uint64_t word);
void serve_reap(void);
/* loop.c: a Reply object that no caller waits on; 0: out of memory. */
sk_cap_t loop_reply_new(void);
void loop_reply_free(sk_cap_t reply);
/* Keep the caller of the call that is being served waiting: the next calls come with `spare`. Its Reply object. */
sk_cap_t loop_keep_caller(sk_cap_t spare);
void loop_answer(sk_cap_t reply, const uint64_t *mr, uint32_t n);
/* channel.c: its notification bit. */
uint32_t channel_bit(const struct svc_conn *c);
/* channel.c: false when no channel has this bit. */
bool channel_event(uint32_t bit, svc_handler_fn fn, void *ctx);

#endif
