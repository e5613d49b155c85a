/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h - a port of the switch: a client's connection, or the uplink through a card
 */
#ifndef NETWORK_PORT_H
#define NETWORK_PORT_H

#include <stdbool.h>
#include <stdint.h>
#include "offload.h"
#include "proto/net.h"
#include "svc/svc.h"

#define PORTS_MAX 64u
#define PORT_FLOOD_RATE 2000u
#define PORT_FLOOD_BURST 512u

struct port_buffer {
	uint32_t id;
	uint32_t length;
	uint64_t offset;
};

struct port {
	bool used, uplink;
	/* Something was put on its outgoing ring since the last flush. */
	bool dirty;
	struct svc_conn *conn;
	char name[16];
	/* That its client takes in frames sent to it. */
	uint16_t offloads;
	/*
	 * Buffers to deliver into: posted by a client; free send buffers of the uplink. A
	 * queue.
	 */
	struct port_buffer buffer[NET_DEPTH];
	uint32_t buffer_head, n_buffers;
	/* Uplink: send buffers that the driver has, by number. */
	bool sent[NET_DEPTH];
	/*
	 * As the port's owner sees them; refused: sent from an address that is another's;
	 * storm: port_may_flood().
	 */
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes, dropped, refused, storm;
	/* Until then its frames to all have used up what it may send of them. */
	sk_time_t flood_paid;
};

void port_init(struct port *p, struct svc_conn *c, const char *name, uint16_t offloads);
/*
 * The uplink's receive and send buffers number id, in the halves of its region that receive and
 * send; false if there are not so many.
 */
bool port_uplink_buffers(
	const struct port *p, uint32_t id, struct port_buffer *rx, struct port_buffer *tx);
/* -SK_E_PEER: more than NET_DEPTH. */
int port_buffer_push(struct port *p, const struct port_buffer *b) must_check;
/*
 * Give the frame to the client of the port, checksummed and cut up as it needs it; lost if it
 * has no buffer, or does not take what he has been given.
 */
void port_deliver(struct port *p, const struct frame *f);
/*
 * May a frame that came in through p go to all ports? It makes work for all clients, so a port
 * has PORT_FLOOD_RATE of them a second, and PORT_FLOOD_BURST at once; of a GSO frame every
 * piece counts. hz: ticks of `now` in a second.
 */
bool port_may_flood(struct port *p, const struct frame *f, sk_time_t now, uint64_t hz);
/* Tell the other side, if it sleeps. */
void port_flush(struct port *p);

#endif
