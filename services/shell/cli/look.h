/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * look.h - what verbs know of guests and of the host: tables that are asked of control
 *
 * Each function asks for a table that the running verb then has: it makes the shell busy, and
 * calls `then`. If control refuses, or the user leaves the verb, `then` is not called, and the
 * verb has ended.
 */
#ifndef SHELL_LOOK_H
#define SHELL_LOOK_H

#include <stdbool.h>
#include <stdint.h>

#include "client/domains.h"
#include "proto/ctl.h"

struct shell;

/*
 * One request of the running verb. name: of the verb, for messages; NULL: messages have none.
 * then: NULL: the verb ends with the answer.
 */
typedef void (*verb_then)(const void *body, uint32_t len);
void verb_ask(enum ctl_op op, const void *body, uint32_t len, const char *name, verb_then then);
/* The same, and if control refuses, then gets NULL, and the verb goes on. */
void verb_try(enum ctl_op op, const void *body, uint32_t len, verb_then then);
/* Nobody waits for it any more; for ^C. */
void verb_leave(void);
/* Has the request no answer so far? */
bool verb_asks(void);

/* ---- guests ---- */

struct look_guests {
	uint64_t sum; /* what NEWS watches */
	uint32_t n;
	uint32_t room;       /* of dom */
	struct ctl_dom *dom; /* in the order of their domids; malloc'ed */
};
extern struct look_guests look;

void look_at_guests(void (*then)(void));
/* The same beside a verb, for completion. False: there is no memory, and then is not called. */
bool look_aside(void (*then)(bool ok));
/* VMMs are asked for new figures first. */
void look_at_guests_anew(void (*then)(void));
/* By domid; NULL: there is none. */
const struct ctl_dom *look_dom(uint32_t domid);
/* By what a person typed: digits are a domid, anything else is a name. NULL: there is none. */
const struct ctl_dom *look_find(const char *who);
bool look_is_host(const char *who);
/*
 * The guest that the user named; NULL: there is none, and the user has been told so. The first
 * also does not take the host.
 */
const struct ctl_dom *look_guest(struct shell *sh, const char *who);
const struct ctl_dom *look_domain(struct shell *sh, const char *who);

/* ---- the host ---- */

extern struct ctl_system look_system;
void look_at_system(void (*then)(void));

/* `services` of client/domains.h. counted: with their capabilities. */
void look_at_services(bool counted, void (*then)(void));

#endif
