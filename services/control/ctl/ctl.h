/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ctl.h - requests of tools (proto/ctl.h): who asks, what he may, and how he is answered
 *
 * A handler gets a request whose size and class were checked. Everything in it is hostile. It
 * answers once, now or later: a request that was not answered waits until then, or until its
 * tool leaves it.
 */
#ifndef CONTROL_CTL_H
#define CONTROL_CTL_H

#include <sk/types.h>
#include <stdbool.h>
#include <stdint.h>

#include "proto/ctl.h"

struct tool;
struct dom;

struct request {
	struct tool *tool;
	uint32_t id;     /* 0: this place is free */
	uint32_t serial; /* differs from that of every other request */
	uint16_t op;     /* enum ctl_op */
	uint32_t room;   /* bytes that are kept for its answer */
	/* Only until the handler returns: what came with it, and the guest that it is about. */
	const void *body;
	uint32_t len;
	struct dom *dom;
	/* For the handler; `own` is freed at the end. */
	uint64_t number;
	void *own;
};

/*
 * The end of a request, with len bytes, or with the reason why not, which returns -1. q is
 * invalid after that.
 */
void ctl_answer(struct request *q, const void *body, uint32_t len);
int ctl_refuse(struct request *q, int status, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));
/* Something that the tool of a request that waits should know. */
void ctl_note(struct request *q, enum ctl_kind kind, const void *body, uint32_t len);
void ctl_note_text(struct request *q, const char *fmt, ...)
	__attribute__((format(printf, 2, 3)));

/* The guest. NULL: there is none, and the request was answered. */
struct dom *ctl_dom_find(struct request *q, uint32_t domid);
/* enum ctl_right of its tool */
uint32_t ctl_rights(const struct request *q);

/* What a callback gets in place of the request; and back: NULL if nobody waits any more. */
void *ctl_ticket(const struct request *q);
struct request *ctl_waits(void *ticket);
/*
 * The requests of all tools that wait: the first after `after` (NULL: of all); NULL: no more.
 */
struct request *ctl_next(enum ctl_op op, struct request *after);
/* All requests that wait with this number end; why: NULL, or what they are refused with. */
void ctl_end_all(enum ctl_op op, uint64_t number, int status, const char *why);

/* Before there are guests; and when they are taken over. */
void ctl_listen(void);
int ctl_init(void) must_check;

/* ---- handlers ---- */

typedef void (*ctl_handler)(struct request *q);
#define X(name, num, class, about, what) void ctl_do_##name(struct request *q);
CTL_OPS(X)
#undef X

/* ---- news of guests, for requests that wait: guest/listen.h ---- */
struct dom_action;
void ctl_look_changed(void);
void ctl_life_note(const struct dom_action *a);
void ctl_life_console(uint32_t domid);
void ctl_life_trouble(uint32_t domid, const char *text);
void ctl_power_begins(void);
void ctl_power_failed(int rc);

#endif
