/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uplink.c - the switch's port through a network card
 *
 * Objects     NET_DEPTH receive and as many send buffers of UPLINK_BUFFER bytes, in the two
 *             halves of the channel's data part. A send buffer is in the port's queue or in
 *             sent[], a receive buffer in posted[] or owed[].
 * Trust       the card's driver is trusted only with the card: it must name one of our buffers,
 *             and one that it has. Wrong names are skipped, and logged once.
 * Invariants  UPLINK1 a buffer belongs to the driver or to us, never to both
 */
#include "uplink.h"

#include <stdio.h>

#include "switch.h"

static struct port *uplink;
static bool posted[NET_DEPTH];
/* Receive buffers to be posted when the ring has room again. */
static bool owed[NET_DEPTH];
static uint32_t n_owed;
static uint64_t faults, refused;

static void rx_post(uint32_t id)
{
	struct port_buffer rx, tx;
	struct net_desc d = { .op = NET_RX_POST, .id = id };

	if (!port_uplink_buffers(uplink, id, &rx, &tx))
		return;
	d.offset = rx.offset;
	d.length = rx.length;
	posted[id] = ring_put(&uplink->conn->req, &d, sizeof(d)) == 0;
	owed[id] = !posted[id];
	n_owed += owed[id];
	uplink->dirty |= posted[id];
}

static void owed_post(void)
{
	for (uint32_t id = 0;
		n_owed && id < NET_DEPTH && svc_room(uplink->conn, sizeof(struct net_desc), 1);
		id++) {
		if (!owed[id])
			continue;
		n_owed--;
		rx_post(id);
	}
}

static int tx_done(const struct net_desc *d, const struct port_buffer *tx)
{
	if (!uplink->sent[d->id])
		return -SK_E_PEER;
	uplink->sent[d->id] = false;
	if (d->flags && refused++ == 0)
		printf("uplink: the driver refuses a frame: error %u\n", d->flags);
	return port_buffer_push(uplink, tx);
}

static int frame_received(const struct net_desc *d, const struct port_buffer *rx)
{
	struct net_desc in = *d;

	if (!posted[d->id])
		return -SK_E_PEER;
	posted[d->id] = false;
	in.offset = rx->offset;
	if (d->length <= rx->length && !(d->flags & NET_GSO) && net_frame_legal(d))
		switch_frame_in(uplink, &in);
	else
		uplink->refused++;
	rx_post(d->id);
	return 0;
}

static int desc_serve(const struct net_desc *d)
{
	struct port_buffer rx, tx;

	if (d->op == NET_LINK)
		return 0;
	if (!port_uplink_buffers(uplink, d->id, &rx, &tx)) /* UPLINK1 */
		return -SK_E_PEER;
	switch (d->op) {
	case NET_TX_DONE:
		return tx_done(d, &tx);
	case NET_RX:
		return frame_received(d, &rx);
	default:
		return -SK_E_PEER;
	}
}

static void uplink_event(void *ctx)
{
	struct net_desc d;

	(void)ctx;
	owed_post();
	while (svc_get(uplink->conn, &d, sizeof(d)) == sizeof(d))
		if (desc_serve(&d) && faults++ == 0)
			printf("uplink: the driver named a buffer that it does not have\n");
	switch_flush();
}

int uplink_start(struct port *p, struct svc_conn *nic, uint16_t offloads)
{
	struct port_buffer rx, tx;

	/*
	 * Cards take GSO frames of 64 KiB, but our send buffers hold one standard frame, so GSO
	 * frames are cut up here.
	 */
	port_init(p, nic, "uplink", offloads & NET_CSUM_BLANK);
	p->uplink = true;
	uplink = p;
	for (uint32_t i = 0; port_uplink_buffers(p, i, &rx, &tx); i++) {
		int rc = port_buffer_push(p, &tx);

		if (rc)
			return rc;
		rx_post(i);
	}
	port_flush(p);
	return svc_on_channel(nic, uplink_event, NULL);
}
