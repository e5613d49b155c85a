/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_if.c - a port of the switch as an lwIP network interface
 *
 * Objects     BUFFERS receive and BUFFERS send buffers of BUFFER bytes, numbered, in the two
 *             halves of the channel's data region.
 * Invariants  PORT_IF1 a frame is copied into a pbuf before lwIP looks at it.
 *             PORT_IF2 buffer numbers from the switch are checked; its frames may be hostile,
 *                      as on any wire.
 *             PORT_IF3 a buffer that comes back is used again, whatever its contents
 */
#include "port_if.h"

#include <string.h>
#include <lwip/etharp.h>
#include <lwip/pbuf.h>
#include "proto/net.h"

enum {
	BUFFERS = 64,
	BUFFER = 2048,
	MTU = 1500,
};

/* PORT_IF3. Buffers for which the ring has no room now are posted when something comes back. */
static void rx_post(struct port_if *p)
{
	struct net_desc d = { .op = NET_RX_POST, .length = BUFFER };

	while (p->n_rx_ours) {
		d.id = p->rx_ours[p->n_rx_ours - 1];
		d.offset = (uint64_t)d.id * BUFFER;
		if (svc_request(p->conn, &d, sizeof(d)))
			return;
		p->posted[d.id] = true;
		p->n_rx_ours--;
	}
}

static err_t frame_out(struct netif *netif, struct pbuf *pb)
{
	struct port_if *p = netif->state;
	struct net_desc d = { .op = NET_TX, .length = pb->tot_len };

	if (p->n_tx_free == 0 || !net_frame_legal(&d)) {
		p->dropped++;
		return ERR_MEM;
	}
	d.id = p->tx_free[p->n_tx_free - 1];
	d.offset = (uint64_t)(BUFFERS + d.id) * BUFFER;
	pbuf_copy_partial(pb, p->conn->data + d.offset, pb->tot_len, 0);
	if (svc_request(p->conn, &d, sizeof(d)))
		return ERR_IF;
	p->sent[d.id] = true;
	p->n_tx_free--;
	return ERR_OK;
}

/*
 * A frame with checksum or segmentation left undone is dropped, because no offload was
 * requested.
 */
static void frame_in(struct netif *netif, const struct net_desc *d)
{
	struct port_if *p = netif->state;
	struct pbuf *pb = NULL;

	if (net_rx_legal(d) && !(d->flags & (NET_CSUM_BLANK | NET_GSO)))
		pb = pbuf_alloc(PBUF_RAW, (u16_t)d->length, PBUF_POOL);
	if (!pb) {
		p->dropped++;
		return;
	}
	pbuf_take(pb, p->conn->data + (size_t)d->id * BUFFER, (u16_t)d->length); /* PORT_IF1 */
	if (netif->input(pb, netif) != ERR_OK)
		pbuf_free(pb);
}

static int desc_take(struct netif *netif, const struct net_desc *d)
{
	struct port_if *p = netif->state;

	if (d->op == NET_LINK)
		return 0;
	if (d->id >= BUFFERS) /* PORT_IF2 */
		return -SK_E_PEER;
	if (d->op == NET_TX_DONE && p->sent[d->id]) {
		p->sent[d->id] = false;
		p->tx_free[p->n_tx_free++] = d->id;
		return 0;
	}
	if (d->op != NET_RX || !p->posted[d->id])
		return -SK_E_PEER;
	frame_in(netif, d);
	p->posted[d->id] = false;
	p->rx_ours[p->n_rx_ours++] = d->id;
	return 0;
}

void port_if_event(struct netif *netif)
{
	struct port_if *p = netif->state;
	struct net_desc d;
	int n;

	while ((n = svc_get(p->conn, &d, sizeof(d))) >= 0)
		if (n != sizeof(d) || desc_take(netif, &d))
			svc_breach(p->conn, "a buffer that it does not have");
	rx_post(p);
}

void port_if_restart(struct netif *netif)
{
	struct port_if *p = netif->state;

	p->n_tx_free = p->n_rx_ours = 0;
	for (uint32_t i = 0; i < BUFFERS; i++) {
		p->sent[i] = p->posted[i] = false;
		p->tx_free[p->n_tx_free++] = i;
		p->rx_ours[p->n_rx_ours++] = i;
	}
	rx_post(p);
}

err_t port_if_init(struct netif *netif)
{
	struct port_if *p = netif->state;

	_Static_assert(BUFFERS <= sizeof(p->tx_free) / sizeof(p->tx_free[0]), "ids fit");
	_Static_assert(BUFFER >= NET_FRAME_STD, "a frame fits");
	if (p->conn->data_size < 2ull * BUFFERS * BUFFER)
		return ERR_MEM;
	netif->name[0] = 'x';
	netif->name[1] = 'b';
	netif->mtu = MTU;
	netif->hwaddr_len = 6;
	memcpy(netif->hwaddr, p->mac, 6);
	netif->flags = NETIF_FLAG_BROADCAST | NETIF_FLAG_ETHARP | NETIF_FLAG_ETHERNET |
		       NETIF_FLAG_LINK_UP;
	netif->output = etharp_output;
	netif->linkoutput = frame_out;
	port_if_restart(netif);
	return p->n_rx_ours ? ERR_IF : ERR_OK;
}
