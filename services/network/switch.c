/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * switch.c - a learning switch: ports[], and which of them a frame goes to
 *
 * Objects     ports[]: see port.h; number 0 is the uplink's. The others are allocated when they
 *             are used first, and used again.
 * Invariants  SWITCH1 what is examined of a frame, its first FRAME_HEAD bytes, was copied out
 *             of its sender's region before.
 */
#include "switch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fdb.h"
#include "sys/sk.h"

enum { AGE_SECONDS = 300 };

static struct port uplink = { .number = 0 };
static struct port *ports[PORTS_MAX] = { &uplink };
static uint32_t n_ports = 1;
static struct fdb fdb;
static uint64_t tsc_hz;

void switch_init(uint64_t hz)
{
	tsc_hz = hz;
	fdb.max_age = hz * AGE_SECONDS;
}

struct port *switch_uplink(void) { return &uplink; }

/* A port that is not in use; NULL with *rc. */
static struct port *port_find_free(int *rc)
{
	uint32_t i = 1;

	while (i < n_ports && ports[i]->used)
		i++;
	if (i < n_ports)
		return ports[i];
	*rc = -SK_E_LIMIT;
	if (i == PORTS_MAX)
		return NULL;
	*rc = -SK_E_NO_MEM;
	ports[i] = calloc(1, sizeof(*ports[i]));
	if (!ports[i])
		return NULL;
	ports[i]->number = n_ports++;
	return ports[i];
}

struct port *switch_port_new(const uint8_t mac[6], int *rc)
{
	struct port *p = port_find_free(rc);

	if (!p)
		return NULL;
	*rc = fdb_own(&fdb, mac, p->number);
	return *rc ? NULL : p;
}

void switch_port_gone(struct port *p)
{
	fdb_forget(&fdb, p->number);
	port_untouch(p);
	p->used = false;
}

static bool group_address(const uint8_t *mac) { return mac[0] & 1; }

static void deliver(struct port *from, struct port *to, const struct frame *f)
{
	if (to == from || !to->used || to->conn->dead)
		return;
	if (from->uplink) /* the sender is outside, so the receiver pays */
		svc_work_for(to->conn);
	port_deliver(to, f);
	svc_charge(from->conn, f->length);
}

/* To the one port that its destination is behind, or to all. */
void switch_frame_pass(struct port *from, const struct frame *f)
{
	sk_time_t now = sk_now();
	uint32_t to, head = f->length < FRAME_HEAD ? f->length : FRAME_HEAD;

	if (!filter_passes(&from->filter, f->bytes, head)) {
		if (from->filtered++ == 0)
			printf("%s sends from an address that its ip= does not name; such frames are dropped\n",
				from->name);
		return;
	}
	if (!fdb_learn(&fdb, f->bytes + 6, from->number, from->uplink, now)) {
		if (from->refused++ == 0)
			printf("%s sends from an address that is another's; such frames are dropped\n",
				from->name);
		return;
	}
	to = group_address(f->bytes) ? FDB_NONE : fdb_lookup(&fdb, f->bytes, now);
	if (to != FDB_NONE) {
		deliver(from, ports[to], f);
		return;
	}
	if (!port_may_flood(from, f, now, tsc_hz)) {
		if (from->storm == 1)
			printf("%s floods the switch; what is more than %u frames a second is dropped\n",
				from->name, PORT_FLOOD_RATE);
		return;
	}
	for (uint32_t i = 0; i < n_ports; i++)
		deliver(from, ports[i], f);
}

void switch_frame_take(
	struct port *p, const struct net_desc *d, uint8_t head[FRAME_HEAD], struct frame *f)
{
	const uint8_t *bytes = p->conn->data + d->offset;
	bool more = d->length > FRAME_HEAD;

	*f = (struct frame){ .bytes = head,
		.rest = more ? bytes + FRAME_HEAD : NULL,
		.length = d->length,
		.flags = d->flags,
		.csum_start = d->csum_start,
		.csum_offset = d->csum_offset,
		.gso_size = d->gso_size };
	memcpy(head, bytes, more ? FRAME_HEAD : d->length); /* SWITCH1 */
	svc_charge(p->conn, d->length);
	p->tx_frames++;
	p->tx_bytes += d->length;
}

void switch_frame_in(struct port *p, const struct net_desc *d)
{
	static uint8_t head[FRAME_HEAD];
	struct frame f;

	switch_frame_take(p, d, head, &f);
	switch_frame_pass(p, &f);
}

bool switch_takes_gso(const uint8_t mac[6], uint16_t gso)
{
	uint32_t to = group_address(mac) ? FDB_NONE : fdb_lookup(&fdb, mac, sk_now());

	return to != FDB_NONE && port_takes_gso(ports[to], gso);
}
