/*
 * port_if.c - a port of the switch as an lwIP network interface
 *
 * Objects     BUFFERS receive and BUFFERS send buffers of BUFFER bytes, numbered, in the two halves of the
 *             channel's data region.
 * Invariants  I1 a frame is copied into a pbuf before lwIP looks at it.  I2 a buffer number that the switch
 *             names is checked; frames from the switch are hostile, as from any wire.
 */
#include "port_if.h"

#include <string.h>
#include <lwip/etharp.h>
#include <lwip/pbuf.h>
#include "proto/net.h"

enum { BUFFERS = 64, BUFFER = 2048, MTU = 1500 };

static int rx_post(struct port_if *p, uint32_t id)
{
	const struct net_desc d = {
		.op = NET_RX_POST, .id = id, .offset = (uint64_t)id * BUFFER, .length = BUFFER
	};

	return svc_send(p->conn, true, &d, sizeof(d));
}

static err_t frame_out(struct netif *netif, struct pbuf *pb)
{
	struct port_if *p = netif->state;
	struct net_desc d = { .op = NET_TX };

	if (p->n_tx_free == 0 || pb->tot_len > NET_FRAME_STD) {
		p->dropped++;
		return ERR_MEM;
	}
	d.id = p->tx_free[--p->n_tx_free];
	d.offset = (uint64_t)(BUFFERS + d.id) * BUFFER;
	d.length = pb->tot_len;
	pbuf_copy_partial(pb, p->conn->data + d.offset, pb->tot_len, 0);
	return svc_send(p->conn, true, &d, sizeof(d)) ? ERR_IF : ERR_OK;
}

static void frame_in(struct netif *netif, const struct net_desc *d)
{
	struct port_if *p = netif->state;
	struct pbuf *pb = pbuf_alloc(PBUF_RAW, (u16_t)d->length, PBUF_POOL);

	if (!pb) {
		p->dropped++;
		return;
	}
	pbuf_take(pb, p->conn->data + (size_t)d->id * BUFFER, (u16_t)d->length); /* I1 */
	if (netif->input(pb, netif) != ERR_OK)
		pbuf_free(pb);
}

static int desc_take(struct netif *netif, const struct net_desc *d)
{
	struct port_if *p = netif->state;

	if (d->op == NET_LINK)
		return 0;
	if (d->id >= BUFFERS) /* I2 */
		return -SK_E_PEER;
	if (d->op == NET_TX_DONE) {
		if (p->n_tx_free == BUFFERS)
			return -SK_E_PEER;
		p->tx_free[p->n_tx_free++] = d->id;
		return 0;
	}
	if (d->op != NET_RX || d->length > NET_FRAME_STD)
		return -SK_E_PEER;
	frame_in(netif, d);
	return rx_post(p, d->id);
}

void port_if_event(struct netif *netif)
{
	struct port_if *p = netif->state;
	struct net_desc d;

	while (ring_get(&p->conn->rsp, &d, sizeof(d)) == sizeof(d))
		if (desc_take(netif, &d))
			p->dropped++;
}

err_t port_if_init(struct netif *netif)
{
	struct port_if *p = netif->state;

	_Static_assert(BUFFERS <= sizeof(p->tx_free) / sizeof(p->tx_free[0]), "ids fit");
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
	for (uint32_t i = 0; i < BUFFERS; i++) {
		p->tx_free[p->n_tx_free++] = i;
		if (rx_post(p, i))
			return ERR_IF;
	}
	return ERR_OK;
}
