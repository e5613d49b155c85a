/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.h - one domain as a whole: its main() and the real libs/svc and libs/ring, over a
 * kernel that the test plays
 *
 * The domain runs until it would wait, then the test goes on: the two never run at the same
 * time. What happens while the domain is busy comes from hooks. A test is one process, because
 * a domain's state is its program's; CASE() makes it one, and ends it when it does not end by
 * itself.
 *
 * The domain's main() is compiled as domain_main() (-Dmain=domain_main).
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

enum {
	WORLD_HZ = 1000000,
	PENDING = 1
}; /* ticks a second; PENDING: a close that is not answered yet */

/*
 * The other end of a connection: of a client that the test is, or of a service that the domain
 * uses.
 */
struct peer {
	struct ring out,
		in; /* a client's requests and responses; a service's the other way round */
	uint8_t *rings, *data;
	uint64_t data_size;
	uint32_t number; /* client: of the connection */
	uint64_t word[2];
	uint64_t bit;         /* that signals the domain */
	unsigned int signals; /* that came from the domain */
	void (*on_signal)(struct peer *p);
	int close_rc, close_result; /* once it is answered */
};

extern struct world {
	sk_time_t now;
	unsigned int polls; /* times that the domain looked for more without waiting */
	void (*on_poll)(void);
	/*
	 * The domain waits at its start: the test answers on channel p. False: it has nothing
	 * to say.
	 */
	bool (*on_wait)(struct peer *p);
	/*
	 * The domain calls an endpoint: words in and out, a status. Without it every call
	 * fails.
	 */
	long (*on_call)(sk_cap_t ep, uint32_t label, uint64_t *mr, sk_cap_t cap);
	sk_time_t call_deadline; /* of that call */
} world;

/* Before the start: a channel, or a line of the domain's arguments. */
void world_channel(struct peer *p, const char *name, uint32_t proto, uint64_t data_size);
void world_arg(const char *line);
/* Until it waits for the first time, or ends. */
void world_start(void);
void world_run(void);
bool world_ended(void);

/* A client's connection. Status of the open; all of p but the hooks is set. */
int world_open(struct peer *p, uint32_t proto, uint32_t client, const void *params,
	uint32_t params_len, uint64_t data_size);
/*
 * 0 and p->close_result, an error, or PENDING: then p->close_rc is PENDING until it is
 * answered.
 */
int world_close(struct peer *p);
/* The client's own word: its ring is published, and the domain signalled if it sleeps. */
void peer_flush(struct peer *p);
/* The same, and signalled in any case. */
void peer_signal(struct peer *p);
/*
 * Of a peer that does not wait for the domain to publish what it took, but knows from the
 * answers: `left` bytes of what it has sent are still in the ring.
 */
void peer_knows(struct peer *p, uint32_t left);
/* A record out of the peer's incoming ring, of exactly that size. False: there is none. */
bool peer_take(struct peer *p, void *rec, uint32_t len);
void peer_put(struct peer *p, const void *rec, uint32_t len);
/*
 * A call of the domain's own labels, with a frame or without (size 0); mr in and out. Status.
 */
int world_call(uint32_t label, uint64_t *mr, uint64_t frame_size);
void world_irq(uint32_t bit);
/* Memory of a frame that the domain holds. */
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
