/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * switch.h - the ports, and frames on their way from one to the others
 */
#ifndef NETWORK_SWITCH_H
#define NETWORK_SWITCH_H

#include "port.h"

/* hz: ticks of sk_now() in a second. */
void switch_init(uint64_t hz);
/*
 * Take a free port, with this address as its own. On failure NULL, and *rc is -SK_E_LIMIT or
 * the error of fdb_own().
 */
struct port *switch_port_new(const uint8_t mac[6], int *rc);
void switch_port_gone(struct port *p);
/* The one port without an address of its own. */
struct port *switch_uplink(void);
/*
 * A frame has come in through p. d is a private copy that was checked: its bytes lie in p's
 * region. They are copied before they are examined, and the copy is charged to p's turn.
 */
void switch_frame_in(struct port *p, const struct net_desc *d);
/*
 * The same in two steps, for frames that are put together in between: take the frame in, with
 * its first bytes in head, and send it on.
 */
void switch_frame_take(
	struct port *p, const struct net_desc *d, uint8_t head[FRAME_HEAD], struct frame *f);
void switch_frame_pass(struct port *p, const struct frame *f);
/* Is there one receiver with this address, and does it take this kind of GSO frame now? */
bool switch_takes_gso(const uint8_t mac[6], uint16_t gso);

#endif
