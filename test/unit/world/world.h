/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.h - a whole domain: its main() and the real libs/svc and libs/ring, on a kernel that
 * the test plays
 *
 * The domain runs until it would wait; then the test goes on, so the two never run at the same
 * time. Hooks play what happens while the domain is busy. A test is a process of its own,
 * because a domain's state is static; CASE() makes the process, and ends it if it hangs.
 *
 * The domain's main() is compiled as domain_main() (-Dmain=domain_main), and its exit() as
 * domain_exit().
 */
#ifndef WORLD_H
#define WORLD_H

#undef main

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "ring/ring.h"
#include "svc/svc.h"

/* ticks per second; PENDING: a close without an answer so far */
enum { WORLD_HZ = 1000000, PENDING = 1 };

/*
 * The other end of a connection: the test is a client of the domain, or a service that the
 * domain uses.
 */
struct peer {
	/* a client's requests and responses, or a service's responses and requests */
	struct ring out, in;
	uint8_t *rings, *data;
	uint64_t data_size;
	uint32_t epoch;
	uint32_t number; /* client: the connection's number */
	uint64_t word[2];
	uint64_t bit;         /* of the signal to the domain */
	unsigned int signals; /* signals that the domain sent */
	void (*on_signal)(struct peer *p);
	int close_rc, close_result; /* set when the close is answered */
};

extern struct world {
	sk_time_t now;
	sk_time_t tick;     /* that passes at each look at the clock */
	unsigned int polls; /* how often the domain polled without waiting */
	void (*on_poll)(void);
	/*
	 * Called while the domain waits at its start: the test answers on channel p, or returns
	 * false if it has nothing to say.
	 */
	bool (*on_wait)(struct peer *p);
	/*
	 * The domain calls an endpoint: words in and out; returns a status. Without this hook
	 * every call fails.
	 */
	long (*on_call)(sk_cap_t ep, uint32_t label, uint64_t *mr, sk_cap_t cap);
	sk_time_t call_deadline; /* of the last call */
	/* Of connections that are made; not 0: an earlier life of the domain had them. */
	uint32_t open_epoch;
} world;

/* Before the start: adds a channel, or a line of the domain's arguments. */
void world_channel(struct peer *p, const char *name, uint32_t proto, uint64_t data_size);
void world_arg(const char *line);
/* Runs the domain until it waits for the first time, or ends. */
void world_start(void);
void world_run(void);
bool world_ended(void);

/* Makes a client's connection and returns the open's status; sets all of p except the hooks. */
int world_open(struct peer *p, uint32_t proto, uint32_t client, const void *params,
	uint32_t params_len, uint64_t data_size);
/*
 * Returns 0 and sets p->close_result, an error, or PENDING; then p->close_rc is PENDING until
 * the close is answered.
 */
int world_close(struct peer *p);
/* Publishes the client's records, and signals the domain if it sleeps. */
void peer_flush(struct peer *p);
/* The same, but always signals the domain. */
void peer_signal(struct peer *p);
/*
 * For a peer that does not wait for the domain to publish what it took, but knows from the
 * answers that only `left` bytes of its records are still in the ring.
 */
void peer_knows(struct peer *p, uint32_t left);
/* Takes a record of exactly that size from the peer's incoming ring; false: none. */
bool peer_take(struct peer *p, void *rec, uint32_t len);
void peer_put(struct peer *p, const void *rec, uint32_t len);
/*
 * Makes a call of the domain's own labels, with a frame unless frame_size is 0; mr is in and
 * out. Returns the status.
 */
int world_call(uint32_t label, uint64_t *mr, uint64_t frame_size);
/* For how long the domain says that it worked for the client (SVC_USAGE). */
uint64_t world_worked(const struct peer *p);
void world_irq(uint32_t bit);
/*
 * The service behind channel p starts again, or ends for good, and the domain learns of it.
 * What was in the rings is gone.
 */
void world_restart(struct peer *p);
void world_end(struct peer *p, enum svc_end end);
/* Does the domain say that this life of the service broke the protocol? */
bool world_accused(const struct peer *p);
/* The same without telling the domain, for when it is busy. */
void peer_restart(struct peer *p);
/* The memory of a frame that the domain holds. */
uint8_t *world_frame(sk_cap_t frame);
/* Whether the connection was dropped for a breach. */
bool peer_dead(const struct peer *p);

void world_test(void **state);
#define CASE(f) \
	{ \
#f, world_test, NULL, NULL, (void *)(f) \
	}

int domain_main(void);

#endif
