/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback.c - network interfaces: made from the configuration, shown on xenbus, connected to a
 * front end's rings
 *
 * Locks       none: I/O thread.
 * Lifecycle   Rings come and go with front ends. A restart of the switch is a pause: the guest
 *             loses frames, and no more. If the switch is gone for good, the device closes,
 *             which is how a guest of Xen learns that its link is down.
 * Invariants  NETBACK1 frames in flight and posted buffers together fit both native rings,
 *                      which therefore never run full
 */
#include "backend/netback.h"

#include <stdlib.h>

#include "xen/xen_domain.h"

#include <xen/io/netif.h>

#include "backend/net_vif.h"
#include "base/error.h"
#include "xen/evtchn_backend.h"

enum {
	/* room for records that are neither frames nor buffers: LINK */
	SPARE_RECORDS = 4,
	/* answers of the switch before others have their turn */
	TURN = 64,
};
_Static_assert(
	sizeof(union netif_tx_sring_entry) == 12 && sizeof(union netif_rx_sring_entry) == 8,
	"slots");

/* ---- events ----------------------------------------------------------------------- */

/* 0, or -SK_E_PEER: the switch broke the protocol. */
static int desc_arrived(struct vif *v, const struct net_desc *d)
{
	switch (d->op) {
	case NET_RX:
	case NET_RX_MORE:
		return vif_rx_arrived(v, d);
	case NET_TX_DONE:
		return vif_tx_done(v, d->id);
	case NET_LINK: /* of no use to a guest */
		return 0;
	default:
		return -SK_E_PEER;
	}
}

/* At most *left of them. */
static void answers_take(struct vif *v, uint32_t *left)
{
	struct net_desc d;
	int n;

	while (*left && (n = svc_take(v->conn, &d, sizeof(d))) >= 0) {
		--*left;
		svc_charge(v->conn, SVC_RECORD);
		if (n != sizeof(d) || desc_arrived(v, &d))
			svc_breach(v->conn, "a buffer that it does not have");
	}
}

static void rings_serve(struct vif *v)
{
	int tx = v->tx.n_pages ? vif_tx_serve(v) : 0;
	int rx = vif_rx_serve(v);

	if (v->tx.n_pages && gring_push(&v->tx))
		evtchn_backend_notify(v->tx_port);
	if (v->rx.n_pages && gring_push(&v->rx))
		evtchn_backend_notify(v->rx_port);
	svc_settle(v->conn);
	if (tx || rx)
		xb_fail(&v->dev, "impossible ring index or packet");
}

/*
 * Only while a packet waits for pages, each page that comes back is wanted at once. False:
 * answers may be left.
 */
static bool vif_serve(struct vif *v)
{
	uint32_t left = TURN;

	do {
		answers_take(v, &left);
		rings_serve(v);
		v->conn->patient = !v->tx_waits;
	} while (left && v->tx_waits && v->tx.n_pages && svc_more(v->conn));
	return left;
}

static void ring_serve(void *ctx)
{
	struct vif *v = ctx;

	if (!vif_serve(v))
		evtchn_backend_wake(v->tx_port);
}

static void guest_event(void *ctx)
{
	struct vif *v = ctx;

	poll_heard(&v->poll);
	ring_serve(v);
}

static void switch_event(void *ctx)
{
	struct vif *v = ctx;

	(void)vif_serve(v); /* the loop comes back to what is left */
	xb_idle(&v->dev);
}

/* The handler of the channel runs next, and serves the guest. */
static void switch_restarted(void *ctx)
{
	vif_tx_restart(ctx);
	vif_rx_restart(ctx);
}

static void switch_ended(void *ctx)
{
	struct vif *v = ctx;

	xb_fail(&v->dev, svc_end_text(svc_end(v->conn)));
}

/* ---- xenbus ----------------------------------------------------------------------- */

static struct vif *vif_of(struct xb_dev *dev) { return (struct vif *)dev; /* first member */ }

static void features_write(struct xb_dev *dev)
{
	xb_write(dev, "feature-sg", "1");
	xb_write(dev, "feature-gso-tcpv4", "1");
	xb_write(dev, "feature-gso-tcpv6", "1");
	xb_write(dev, "feature-ipv6-csum-offload", "1");
	xb_write(dev, "feature-rx-copy", "1");
	xb_write(dev, "feature-rx-flip", "0");
	xb_write(dev, "feature-multicast-control", "0");
	xb_write(dev, "feature-split-event-channels", "1");
	xb_write(dev, "multi-queue-max-queues", "1");
}

static int connect_ask(struct vif *v)
{
	xb_read(&v->dev, &v->offers.tx_ref, "tx-ring-ref");
	xb_read(&v->dev, &v->offers.rx_ref, "rx-ring-ref");
	xb_read(&v->dev, &v->offers.port, "event-channel");
	xb_read(&v->dev, &v->offers.tx_port, "event-channel-tx");
	xb_read(&v->dev, &v->offers.rx_port, "event-channel-rx");
	xb_read(&v->dev, &v->offers.copy, "request-rx-copy");
	xb_read(&v->dev, &v->offers.no_csum, "feature-no-csum-offload");
	xb_read(&v->dev, &v->offers.csum6, "feature-ipv6-csum-offload");
	xb_read(&v->dev, &v->offers.gso4, "feature-gso-tcpv4");
	xb_read(&v->dev, &v->offers.gso6, "feature-gso-tcpv6");
	xb_read(&v->dev, &v->offers.sg, "feature-sg");
	return 1;
}

static bool offer_flag(const struct xb_value *x)
{
	uint32_t n;

	return xb_number(x, UINT32_MAX, &n) && n;
}

static int ports_bind(struct vif *v)
{
	uint32_t tx, rx;
	bool split = v->offers.tx_port.present && v->offers.rx_port.present;
	int rc;

	if (!xb_number(split ? &v->offers.tx_port : &v->offers.port, EVTCHN_PORTS - 1, &tx))
		return -SK_E_INVAL;
	rc = evtchn_backend_bind(tx, guest_event, v, &v->tx_port);
	if (rc)
		return rc;
	v->rx_port = v->tx_port;
	if (!split)
		return 0;
	if (!xb_number(&v->offers.rx_port, EVTCHN_PORTS - 1, &rx))
		return -SK_E_INVAL;
	return evtchn_backend_bind(rx, ring_serve, v, &v->rx_port);
}

static int connect_rings(struct vif *v)
{
	uint32_t tx, rx;
	int rc;

	if (v->conn->dead)
		return -SK_E_PEER;
	/* the alternative, page flipping, no longer exists */
	if (!offer_flag(&v->offers.copy))
		return -SK_E_INVAL;
	if (!xb_number(&v->offers.tx_ref, UINT32_MAX, &tx) ||
		!xb_number(&v->offers.rx_ref, UINT32_MAX, &rx))
		return -SK_E_INVAL;
	v->sg = offer_flag(&v->offers.sg);
	v->csum4 = !offer_flag(&v->offers.no_csum);
	v->csum6 = offer_flag(&v->offers.csum6);
	v->gso4 = offer_flag(&v->offers.gso4) && v->sg && v->csum4;
	v->gso6 = offer_flag(&v->offers.gso6) && v->sg && v->csum6;
	rc = gring_map(&v->tx, &tx, 1, sizeof(union netif_tx_sring_entry));
	if (rc == 0)
		rc = gring_map(&v->rx, &rx, 1, sizeof(union netif_rx_sring_entry));
	if (rc == 0)
		rc = ports_bind(v);
	if (rc)
		return rc;
	vif_rx_post(v);
	svc_settle(v->conn);
	evtchn_backend_wake(v->tx_port);
	return 0;
}

static int vif_connect(struct xb_dev *dev, unsigned int step)
{
	return step == 0 ? connect_ask(vif_of(dev)) : connect_rings(vif_of(dev));
}

static void vif_disconnect(struct xb_dev *dev)
{
	struct vif *v = vif_of(dev);

	if (v->rx_port != NO_BACKEND && v->rx_port != v->tx_port)
		evtchn_backend_unbind(v->rx_port);
	if (v->tx_port != NO_BACKEND)
		evtchn_backend_unbind(v->tx_port);
	v->tx_port = v->rx_port = NO_BACKEND;
	poll_end(&v->poll);
	gring_unmap(&v->tx);
	gring_unmap(&v->rx);
}

static bool vif_busy(struct xb_dev *dev)
{
	(void)dev;
	return false; /* frames in flight are copies */
}

static void vif_free(struct xb_dev *dev)
{
	poll_end(&vif_of(dev)->poll);
	svc_channel_drop(vif_of(dev)->conn);
	free(vif_of(dev));
}

static const struct xb_driver vif_driver = {
	.type = "vif",
	.features_write = features_write,
	.connect = vif_connect,
	.disconnect = vif_disconnect,
	.busy = vif_busy,
	.free = vif_free,
};

/* NETBACK1 */
static void credit_split(struct vif *v)
{
	uint32_t req = ring_records_max(&v->conn->req, sizeof(struct net_desc));
	uint32_t rsp = ring_records_max(&v->conn->rsp, sizeof(struct net_desc));
	uint32_t n = (req < rsp ? req : rsp) - SPARE_RECORDS;

	v->tx_max = n / 3 < VIF_TX_PAGES ? n / 3 : VIF_TX_PAGES;
	v->rx_max = n - n / 3 < VIF_RX_BUFFERS ? n - n / 3 : VIF_RX_BUFFERS;
}

int netback_add(const struct vm_vif *cfg, struct svc_conn *conn, struct xb_dev **out)
{
	struct vif *v;
	int rc;

	if (conn->data_size < (VIF_TX_PAGES + VIF_RX_BUFFERS) * SK_PAGE_SIZE)
		return -SK_E_NOT_FOUND;
	v = calloc(1, sizeof(*v));
	if (!v)
		return -SK_E_NO_MEM;
	v->cfg = *cfg;
	v->tx_port = v->rx_port = NO_BACKEND;
	v->conn = conn;
	poll_init(&v->poll, ring_serve, v);
	credit_split(v);
	rc = svc_on_epoch(v->conn, switch_restarted, v);
	if (!rc)
		rc = svc_on_end(v->conn, switch_ended, v);
	if (!rc)
		rc = svc_on_channel(v->conn, switch_event, v);
	if (!rc)
		rc = xb_add(&v->dev, &vif_driver, cfg->devid);
	if (rc) {
		free(v);
		return rc;
	}
	*out = &v->dev;
	return 0;
}

void netback_stats(const struct xb_dev *dev, struct vmctl_vif_stats *s)
{
	*s = ((const struct vif *)dev)->stats;
}
