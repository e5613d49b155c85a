/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h - a port of the switch: a client's connection, or the uplink through a card
 */
#ifndef NETWORK_PORT_H
#define NETWORK_PORT_H

#include <stdbool.h>
#include <stdint.h>
#include "filter.h"
#include "offload.h"
#include "proto/net.h"
#include "rate.h"
#include "svc/svc.h"

#define PORTS_MAX 1024u
/* A port with fewer buffers wants to hear of each that comes. */
#define PORT_BUFFERS_FEW (NET_DEPTH / 4)
#define PORT_FLOOD_RATE 2000u
#define PORT_FLOOD_BURST 512u

struct port_buffer {
	uint32_t id;
	uint32_t length;
	uint64_t offset;
	/* The kinds of GSO frames that it may be a part of. */
	uint16_t gso;
};

struct port {
	bool used, uplink;
	/* Something was put on its outgoing ring since the last flush: port_touch(). */
	bool touched;
	struct port *next_touched;
	/* Which one of the switch it is. */
	uint32_t number;
	struct svc_conn *conn;
	char name[16];
	/* Offloads that its client takes in frames sent to it. */
	uint16_t offloads;
	/*
	 * A queue of buffers to deliver into: those posted by a client, or the uplink's free
	 * send buffers.
	 */
	struct port_buffer buffer[NET_DEPTH];
	uint32_t buffer_head, n_buffers;
	/* Uplink: send buffers that the driver has, by number. */
	bool sent[NET_DEPTH];
	/*
	 * Counted as the port's owner sees them. refused: sent from another's address;
	 * filtered: refused by the filter; storm: refused by port_may_flood().
	 */
	uint64_t rx_frames, rx_bytes, tx_frames, tx_bytes, dropped, refused, filtered, storm;
	struct filter filter;
	struct rate rate;
	/* The port's frames to all ports have used up its allowance until this time. */
	sk_time_t flood_paid;
};

void port_init(struct port *p, struct svc_conn *c, const char *name, uint16_t offloads);
/*
 * Receive and send buffer number id of the uplink, which are in the two halves of its region.
 * False if there are not so many.
 */
bool port_uplink_buffers(
	const struct port *p, uint32_t id, struct port_buffer *rx, struct port_buffer *tx);
/* -SK_E_PEER: there would be more than NET_DEPTH. */
int port_buffer_push(struct port *p, const struct port_buffer *b) must_check;
/*
 * Give the frame to the client of the port, checksummed and cut up as the client needs, in one
 * buffer or, if it is large, in several. The frame is lost if the client has no buffer, or does
 * not take what it has been given.
 */
void port_deliver(struct port *p, const struct frame *f);
/* Would the client of the port get such a GSO frame as it is now? */
bool port_takes_gso(const struct port *p, uint16_t gso);
/*
 * May a frame that came in through p go to all ports? Such frames make work for all clients, so
 * a port may send PORT_FLOOD_RATE of them a second, and PORT_FLOOD_BURST at once. Every piece
 * of a GSO frame counts. hz: ticks of `now` in a second.
 */
bool port_may_flood(struct port *p, const struct frame *f, sk_time_t now, uint64_t hz);
/* Something was put on the port's outgoing ring, or nobody needs to hear of it any more. */
void port_touch(struct port *p);
void port_untouch(struct port *p);
/* Signal the other side if it sleeps. */
void port_flush(struct port *p);
/* The same for all ports that were touched. */
void ports_flush(void);

#endif
