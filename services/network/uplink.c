/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uplink.c - the switch's port through a network card
 *
 * Objects     NET_DEPTH receive and as many send buffers of UPLINK_BUFFER bytes, in the two
 *             halves of the channel's data part. A send buffer is in the port's queue or in
 *             sent[], a receive buffer in posted[] or owed[], or its frame is held (merge.h).
 * Lifecycle   a restart of the driver loses the frames that it had, as a wire would; then all
 *             buffers are ours, and they are given out again.
 * Trust       the card's driver is trusted only with the card: it must name one of our buffers,
 *             and one that it has. One that does not is started again.
 * Invariants  UPLINK1 a buffer belongs to the driver or to us, never to both
 */
#include "uplink.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "merge.h"
#include "switch.h"

static struct port *uplink;
static bool posted[NET_DEPTH];
/* Receive buffers to be posted when the ring has room again. */
static bool owed[NET_DEPTH];
static uint32_t n_owed;
static uint64_t refused;

static void rx_post(uint32_t id, const struct port_buffer *rx)
{
	const struct net_desc d = {
		.op = NET_RX_POST, .id = id, .offset = rx->offset, .length = rx->length
	};

	posted[id] = svc_checked(uplink->conn,
			     ring_put_quiet(&uplink->conn->req, &d, sizeof(d))) == 0;
	owed[id] = !posted[id];
	n_owed += owed[id];
	if (posted[id])
		port_touch(uplink);
}

static void owed_post(void)
{
	struct port_buffer rx, tx;

	for (uint32_t id = 0;
		n_owed && id < NET_DEPTH && svc_room(uplink->conn, sizeof(struct net_desc), 1);
		id++) {
		if (!owed[id] || !port_uplink_buffers(uplink, id, &rx, &tx))
			continue;
		n_owed--;
		rx_post(id, &rx);
	}
}

static int tx_done(const struct net_desc *d, const struct port_buffer *tx)
{
	if (!uplink->sent[d->id])
		return -SK_E_PEER;
	uplink->sent[d->id] = false;
	if (d->flags && refused++ == 0)
		printf("uplink: the driver refuses a frame: %s\n", sk_error_text(-d->flags));
	return port_buffer_push(uplink, tx);
}

/* A frame goes on, and the buffers that it was put together from are the driver's again. */
static void frame_pass(const struct frame *f, const uint32_t *id, uint32_t n)
{
	struct port_buffer rx, tx;

	switch_frame_pass(uplink, f);
	svc_work_for(NULL);
	for (uint32_t i = 0; i < n; i++)
		if (port_uplink_buffers(uplink, id[i], &rx, &tx))
			rx_post(id[i], &rx);
}

/* Nothing is held while this domain waits. */
static struct merge merge = { .wanted = switch_takes_gso, .out = frame_pass };

static int frame_received(const struct net_desc *d, const struct port_buffer *rx)
{
	static uint8_t head[FRAME_HEAD];
	struct net_desc in = *d;
	struct frame f;

	if (!posted[d->id])
		return -SK_E_PEER;
	posted[d->id] = false;
	in.offset = rx->offset;
	if (d->length <= rx->length && !(d->flags & NET_GSO) && net_rx_legal(d)) {
		switch_frame_take(uplink, &in, head, &f);
		merge_frame(&merge, &f, uplink->conn->data + rx->offset, d->id);
	} else {
		uplink->refused++;
		rx_post(d->id, rx);
	}
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
	int n;

	(void)ctx;
	owed_post();
	while ((n = svc_get(uplink->conn, &d, sizeof(d))) >= 0)
		if (n != sizeof(d) || desc_serve(&d))
			svc_breach(uplink->conn, "a buffer that it does not have");
	merge_flush(&merge);
	ports_flush();
}

/* UPLINK1: all buffers are ours. */
static int buffers_give(void)
{
	struct port_buffer rx, tx;
	int rc = 0;

	uplink->n_buffers = n_owed = 0;
	memset(uplink->sent, 0, sizeof(uplink->sent));
	for (uint32_t i = 0; !rc && port_uplink_buffers(uplink, i, &rx, &tx); i++) {
		rc = port_buffer_push(uplink, &tx);
		rx_post(i, &rx);
	}
	port_flush(uplink);
	return rc;
}

static void driver_restarted(void *ctx)
{
	(void)ctx;
	(void)buffers_give(); /* there are not more than the first time */
}

static void driver_ended(void *ctx)
{
	(void)ctx;
	printf("uplink: %s\n", svc_end_text(svc_end(uplink->conn)));
}

int uplink_start(struct port *p, struct svc_conn *nic, uint16_t offloads)
{
	int rc;

	/*
	 * Cards take GSO frames of 64 KiB, but our send buffers hold one standard frame, so GSO
	 * frames are cut up here.
	 */
	port_init(p, nic, "uplink", offloads & NET_CSUM_BLANK);
	p->uplink = true;
	uplink = p;
	rc = buffers_give();
	if (!rc)
		rc = svc_on_epoch(nic, driver_restarted, NULL);
	if (!rc)
		rc = svc_on_end(nic, driver_ended, NULL);
	return rc ? rc : svc_on_channel(nic, uplink_event, NULL);
}
