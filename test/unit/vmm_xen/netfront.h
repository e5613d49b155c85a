/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfront.h - a front end for one network interface, and the switch behind its back end
 */
#ifndef NETFRONT_H
#define NETFRONT_H

#include "device.h"

#include <xen/io/netif.h>

enum { RX = RING_PAGE + 1 };

extern struct front net_front;
/* A buffer that the back end gave to the switch, in the order of posting. */
struct posted {
	uint32_t id, length;
	uint64_t offset;
	uint16_t flags;
};
extern struct posted posted[256];
extern unsigned int n_posted;

/* Make the guest and its interface, and connect the front end. */
void vif(bool offloads);
/* Take the next frame for the switch; buffers that are posted before it are recorded. */
bool sent(struct net_desc *d);
/* How many buffers were posted since the last call; each of them once. */
unsigned int posted_count(void);
/*
 * The front end's: a slot of a packet, sending what was put, and the status of the next answer.
 */
void tx_put(uint32_t ref, uint16_t offset, uint16_t flags, uint16_t id, uint16_t size);
void tx_push(void);
int tx_answer(uint16_t *id); /* 99: there is none */
/* The switch is done with a frame. */
void tx_done(const struct net_desc *d);
/* The front end's: n empty pages, and the next answer, with status 99 if there is none. */
void rx_buffers(uint32_t n);
struct netif_rx_response rx_answer(void);
/* A frame from the switch, in the next of its buffers. */
void frame_in(uint16_t flags, uint32_t length, uint16_t gso);

#endif
