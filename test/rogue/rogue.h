/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rogue.h - a driver or service that has been taken over: it holds what its entry of the
 * manifest gives to the real one, and tries everything else
 *
 * Each life does one thing, which its plan says (lives.c, vmm.c): it tries what it may not do
 * (authority.c, calls.c), or an instruction or address that must fault (faults.c), or something
 * against its peers, through all rings (peers.c).
 * The honest program may be linked with it, and has lives of its own, in which it makes what
 * the rogue needs: guests that run, devices that work.
 * What it does, and whether it was refused, are lines in the log that begin with "rogue: ".
 */
#ifndef ROGUE_H
#define ROGUE_H

#include "svc/svc.h"

/* A line in the log; in the kernel's log if the domain may write there (console). */
void say(const char *fmt, ...) __attribute__((format(printf, 1, 2)));

/* Tries of one kind, which must all be refused. */
struct score {
	const char *what;
	uint32_t tried, through;
	/* About the first that went through. */
	uint64_t call, slot;
};
/* rc: 0 or more went through. */
void score_add(struct score *s, long rc, uint64_t call, uint64_t slot);
void score_say(const struct score *s);

/* The type of the object in an own slot; SK_OBJ_NULL for none. */
uint32_t slot_type(sk_cap_t slot);

/* What a life does. */
enum plan_kind {
	PLAN_HONEST, /* what it should */
	PLAN_NOTHING,
	PLAN_TRIES,
	PLAN_FAULT,
	PLAN_ATTACK,
	PLAN_KINDS
};
struct plan {
	enum plan_kind kind;
	uint32_t index;   /* of the fault or attack */
	uint32_t life_ms; /* it ends itself then; 0: it does not */
};
/* honest: the honest program is there. */
struct plan plan_make(bool honest);

void authority_try(void);
void calls_try(void);
/* What only this one can try; when it can. */
bool own_try_ready(void);
void own_try(void);

/* faults.c: there are so many; one of them ends the life. */
uint32_t faults_count(void);
void fault_do(uint32_t i);

/* peers.c */
uint32_t attacks_count(void);
const char *attack_name(uint32_t i);
/* attacks_count(): there is none of this name. */
uint32_t attack_find(const char *name);
/* Once for each connection or channel. */
void attack_do(uint32_t i, struct svc_conn *c);
/* A client has signalled. */
int attack_event(uint32_t i, struct svc_conn *c);
/* Again and again. */
void attack_tick(uint32_t i, struct svc_conn *c);
/* Somebody has called: svc_service.call. */
int attack_call(
	uint32_t i, uint32_t label, uint64_t *mr, uint32_t *n_mr, struct svc_caps *caps);

/*
 * answers.c: an answer to a request, in the form of its protocol. The length of the record; 0:
 * the protocol has none.
 */
enum { RECORD_MAX = 16500 };
uint32_t answer_make(uint32_t proto, const void *req, uint32_t len, void *rsp);
/* The n-th record that nobody has asked for. 0: there are no more. */
uint32_t unasked_make(const struct svc_conn *c, uint32_t n, void *rec);
/* requests.c: the same for control, and a request with a body of one byte again and again. */
uint32_t ctl_unasked(uint32_t n, void *rec);
uint32_t ctl_request_make(uint32_t id, uint32_t op, uint8_t fill, void *rec);

#endif
