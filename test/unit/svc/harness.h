/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.h - what the tests of libs/svc share: a service that records what happens to it, and
 * the client's end of the first connection
 *
 * Every test is a process (a fork), because the loop and its lists are static.
 */
#ifndef HARNESS_H
#define HARNESS_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>
#include "fake.h"
#include "proto/blk.h"

enum {
	RING = 4096,
	DATA = 1 << FRAME_ORDER,
	LOOP_SLOTS = 4,
	TURN_RECORDS = SVC_TURN / SVC_RECORD
};

/* ---- a service that records what happens to it ------------------------------------------- */
struct seen {
	unsigned int opens, events, closes, calls;
	struct svc_conn *conn;
	uint8_t params[64];
	uint32_t params_len;
	int open_rc, event_rc, close_rc;
	unsigned int take; /* records per event; 0 = all */
	unsigned int records;
	uint64_t charge;     /* for each record, besides the record itself */
	void (*after)(void); /* called for each record */
	uint32_t n_in;
	struct svc_conn *next; /* what svc_conn_next() returns during a close */
};
extern struct seen seen;
extern const struct svc_service service;

struct event *add_open(void);
struct event *add_close(uint64_t number);
/* mr0 of an answer. */
int64_t status(unsigned int i);
/* Serve, until the script has ended. */
void serve(void);
/* The script goes on with the signal of a client; `before`, if any, runs just before. */
void signal_of(uint32_t number, void (*before)(void));
/* From now on the callers have, or have not, given up. */
void caller_gone(void);
void caller_there(void);
bool client_dead(void);

/* A handler that appends its argument to `order`. */
extern char order[16];
void note(void *ctx);

/* ---- the client's end of the region ------------------------------------------------------ */
extern struct ring client;

void client_sends(unsigned int n);
void send_three(void);
void send_garbage(void);

/* ---- one process each -------------------------------------------------------------------- */
void in_a_process(void **state);

#define T(f) \
	{ \
#f, in_a_process, NULL, NULL, (void *)(f) \
	}

int open_tests(void);
int events_tests(void);
int close_tests(void);
int loop_tests(void);
int channel_tests(void);
int restart_tests(void);
int connect_tests(void);
int account_tests(void);

#endif
