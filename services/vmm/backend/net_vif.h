/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_vif.h - a network interface of the guest: its connection to the switch, its rings, its
 * buffers
 *
 * netback.c makes and connects it, net_tx.c carries frames from the guest, net_rx.c frames to
 * the guest.
 *
 * The data region is cut into pages: the first VIF_TX_PAGES carry frames that the guest sends,
 * the others are buffers for frames that it gets.
 */
#ifndef VMM_NET_VIF_H
#define VMM_NET_VIF_H

#include "backend/gring.h"
#include "backend/poll.h"
#include "backend/xenbus.h"
#include "guest.h"
#include "proto/net.h"
#include "svc/svc.h"

enum {
	VIF_TX_PAGES = 128,
	VIF_RX_BUFFERS = 128,
};

/* The values in the front end's directory. */
struct vif_offers {
	struct xb_value tx_ref, rx_ref, port, tx_port, rx_port;
	struct xb_value copy, no_csum, csum6, gso4, gso6, sg;
};

struct vif {
	struct xb_dev dev;
	struct vm_vif cfg;
	struct svc_conn *conn;

	/* The connection to a front end. Without split channels both ports are the same. */
	struct gring tx, rx;
	unsigned int tx_port, rx_port;
	struct vif_offers offers;
	/* Offloads that the guest accepts, and whether it accepts frames in several slots. */
	bool gso4, gso6, csum4, csum6, sg;

	/*
	 * To the switch: for each page, the number of pages of the frame in flight that begins
	 * there, or 0.
	 */
	uint16_t sent[VIF_TX_PAGES];
	uint64_t page_used[VIF_TX_PAGES / 64];
	/* The page after those that were taken last. */
	uint32_t page_next;
	uint32_t in_flight, tx_max;
	/* A packet of the guest waits until the switch returns pages. */
	bool tx_waits;
	/* Of the transmit ring. */
	struct poll poll;

	/* From the switch: which buffers the switch has, and how many buffers are used. */
	bool posted[VIF_RX_BUFFERS];
	uint32_t rx_max;
	bool buffers_posted;
	/*
	 * Buffers with frames that wait until the guest has room, in order: a queue. The first
	 * of a frame has its description.
	 */
	struct net_desc waiting[VIF_RX_BUFFERS];
	uint32_t wait_head, n_waiting;
	/* So many buffers of the frame that came last are still to come. */
	uint32_t more;
	/* They are not wanted. */
	bool more_lost;

	struct vmctl_vif_stats stats;
};

/* ---- net_tx.c ---- */

/* Send packets of the guest. 0, or -SK_E_PEER: the front end broke the rules. */
int vif_tx_serve(struct vif *v) must_check;
/* The switch is done with a frame. -SK_E_PEER: it did not have that frame. */
int vif_tx_done(struct vif *v, uint32_t first_page) must_check;
/* The switch was restarted: no frame is in flight. */
void vif_tx_restart(struct vif *v);

/* ---- net_rx.c ---- */

/* Hand all buffers to the switch, once. */
void vif_rx_post(struct vif *v);
/* The switch was restarted, and has no buffers: post them again. */
void vif_rx_restart(struct vif *v);
/* The switch filled a buffer, or refused it. -SK_E_PEER: it did not have that buffer. */
int vif_rx_arrived(struct vif *v, const struct net_desc *d) must_check;
/* Give the guest frames that wait. 0, or -SK_E_PEER. */
int vif_rx_serve(struct vif *v) must_check;

#endif
