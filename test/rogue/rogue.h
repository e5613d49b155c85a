/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rogue.h - a driver or service that has been taken over: it holds what its entry of the
 * manifest gives to the real one, and tries everything else
 *
 * Each life has one attack, except the first one, in which the machine starts. The second tries
 * what it may not do (authority.c, calls.c), each of the next ones an instruction or address
 * that must fault (faults.c), and each further one something against its peers, through all
 * rings (peers.c). A life after that does nothing.
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

void authority_try(void);
void calls_try(void);

/* faults.c: there are so many; one of them ends the life. */
uint32_t faults_count(void);
void fault_do(uint32_t i);

/* peers.c */
uint32_t attacks_count(void);
const char *attack_name(uint32_t i);
/* Once for each connection or channel. */
void attack_do(uint32_t i, struct svc_conn *c);
/* A client has signalled. */
int attack_event(uint32_t i, struct svc_conn *c);
/* Again and again. */
void attack_tick(uint32_t i, struct svc_conn *c);

/*
 * answers.c: an answer to a request, in the form of its protocol. The length of the record; 0:
 * the protocol has none.
 */
enum { RECORD_MAX = 5000 };
uint32_t answer_make(uint32_t proto, const void *req, uint32_t len, void *rsp);
/* The n-th record that nobody has asked for. 0: there are no more. */
uint32_t unasked_make(const struct svc_conn *c, uint32_t n, void *rec);

#endif
