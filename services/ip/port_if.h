/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_if.h - a port of the switch as an lwIP network interface
 */
#ifndef IP_PORT_IF_H
#define IP_PORT_IF_H

#include <lwip/netif.h>
#include "svc/svc.h"

/* Argument of netif_add(): the channel and the hardware address. */
struct port_if {
	struct svc_conn *conn;
	uint8_t mac[6];
	/* Ids of free send buffers. */
	uint32_t tx_free[64];
	uint32_t n_tx_free;
	/* Ids of receive buffers that the switch does not have. */
	uint32_t rx_ours[64];
	uint32_t n_rx_ours;
	/* True while the switch has the buffer. */
	bool sent[64], posted[64];
	uint64_t dropped;
};

/*
 * netif_init_fn: netif->state is a struct port_if with conn and mac set. Posts all receive
 * buffers.
 */
err_t port_if_init(struct netif *netif);
/* The switch was restarted: it has no buffers. They are posted again. */
void port_if_restart(struct netif *netif);
/* The switch signalled: take received frames, and send buffers that come back. */
void port_if_event(struct netif *netif);

#endif
