/*
 * netback.c - network interfaces: the guest's netif rings, joined to a port of the switch by the NET protocol
 *
 * Objects     struct vif: one interface, its connection and rings. The data region is cut into pages: the
 *             lower half carries frames that the guest sends, the upper half buffers for those it gets.
 * Locks       none: I/O thread.
 * Lifecycle   rings come and go with front ends. Buffers once posted stay with the switch: a frame that
 *             comes while no front end is there is dropped and its buffer posted again.
 * Invariants  N1 each buffer is the switch's or ours, never both: `sent` and `posted` say which
 *             N2 a packet is taken from the ring whole or not at all; each of its slots is answered once
 *             N3 what goes to the switch was copied to the region first, and checked there
 *             N4 frames for the guest wait in their buffers, in order, until it has room
 *             N5 frames out and buffers posted together fit both native rings: they never run full
 */
#include "backend/backend.h"

#include <stdio.h>
#include <stdlib.h>

#include <xen/io/netif.h>

#include "backend/ethernet.h"
#include "proto/net.h"

enum {
	TX_PAGES = 128,
	RX_BUFFERS = 128,
	RX_LARGE = PAGE, /* for a guest that takes GSO */
	RX_SMALL = 1536, /* for one that does not: nothing larger than a frame fits */
	SLOTS_MAX = 20,  /* of one packet: what other back ends tolerate */
	TURN = 256,
	SPARE = 4, /* records that are no buffers: LINK */
	RECORD = (4 + sizeof(struct net_desc) + 7) / 8 *
		 8, /* of a descriptor on a native ring */
};
_Static_assert(
	sizeof(union netif_tx_sring_entry) == 12 && sizeof(union netif_rx_sring_entry) == 8,
	"slots");

/* A packet from the guest, as its slots describe it. */
struct packet {
	struct netif_tx_request slot[SLOTS_MAX];
	uint32_t n_slots, n_extras, used; /* ring slots in all */
	uint32_t size;
	uint16_t gso_size, gso_flag;
	bool bad;
};

struct vif {
	struct xb_dev dev;
	struct vm_vif cfg;
	struct svc_conn *conn;
	struct gring tx, rx;
	unsigned tx_port, rx_port;         /* the same one without split channels */
	bool gso4, gso6, csum4, csum6, sg; /* what the guest takes */

	/* to the switch: buffer by first page, N1 */
	uint16_t sent[TX_PAGES]; /* pages of the frame that begins here and is out; 0 = none */
	uint64_t used[TX_PAGES / 64];
	uint32_t in_flight, tx_max;

	/* from the switch */
	bool posted[RX_BUFFERS];
	uint32_t rx_max;                     /* buffers in use */
	bool posting;                        /* buffers were handed out */
	struct net_desc waiting[RX_BUFFERS]; /* N4 */
	uint32_t wait_head, n_waiting;

	struct {
		struct xb_value tx_ref, rx_ref, port, tx_port, rx_port, copy, no_csum, csum6,
			gso4, gso6, sg;
	} v;
};

/* ---- region ----------------------------------------------------------------------- */

static bool tx_pages_take(struct vif *v, uint32_t n, uint32_t *first)
{
	uint32_t i, run = 0;

	for (i = 0; i < TX_PAGES && run < n; i++)
		run = v->used[i / 64] >> (i % 64) & 1 ? 0 : run + 1;
	if (run < n)
		return false;
	*first = i - n;
	for (i = *first; i < *first + n; i++)
		v->used[i / 64] |= 1ull << (i % 64);
	v->sent[*first] = (uint16_t)n;
	return true;
}

static void tx_pages_give(struct vif *v, uint32_t first)
{
	uint32_t i;

	for (i = first; i < first + v->sent[first]; i++)
		v->used[i / 64] &= ~(1ull << (i % 64));
	v->sent[first] = 0;
}

static uint64_t rx_offset(uint32_t buffer) { return (uint64_t)(TX_PAGES + buffer) * PAGE; }

/* ---- from the guest --------------------------------------------------------------- */

static void tx_respond(struct vif *v, uint16_t id, int16_t status)
{
	struct netif_tx_response r = { .id = id, .status = status };

	gring_put(&v->tx, &r, sizeof(r));
}

/* N2. In the order of the slots: first, extras, the others. */
static void packet_respond(struct vif *v, const struct packet *p, int16_t status)
{
	uint32_t i;

	for (i = 0; i < p->n_slots; i++) {
		tx_respond(v, p->slot[i].id, status);
		for (uint32_t e = 0; i == 0 && e < p->n_extras; e++)
			tx_respond(v, 0, NETIF_RSP_NULL);
	}
	v->tx.req_cons += p->used;
}

static void extra_take(struct packet *p, const struct netif_extra_info *e)
{
	if (e->type != XEN_NETIF_EXTRA_TYPE_GSO) {
		p->bad = true; /* nothing else was offered */
		return;
	}
	p->gso_size = e->u.gso.size;
	if (e->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV4)
		p->gso_flag = NET_GSO_TCPV4;
	else if (e->u.gso.type == XEN_NETIF_GSO_TYPE_TCPV6)
		p->gso_flag = NET_GSO_TCPV6;
	if (!p->gso_flag || e->u.gso.features)
		p->bad = true;
}

/* Extras follow the first slot: -SK_E_PEER if they run beyond what is there. */
static int extras_read(struct vif *v, struct packet *p, uint32_t avail)
{
	struct netif_extra_info e;

	do {
		if (p->used == avail || p->n_extras == XEN_NETIF_EXTRA_TYPE_MAX - 1)
			return -SK_E_PEER;
		gring_get(&v->tx, v->tx.req_cons + p->used, &e, sizeof(e));
		p->used++;
		p->n_extras++;
		extra_take(p, &e);
	} while (e.flags & XEN_NETIF_EXTRA_FLAG_MORE);
	return 0;
}

/* The sizes of the slots add up to the first one's, which holds what the others do not. (Offsets: grant_read().) */
static void packet_check(struct packet *p)
{
	uint32_t rest = 0, i;

	p->size = p->slot[0].size;
	for (i = 1; i < p->n_slots; i++)
		rest += p->slot[i].size;
	if (rest > p->size || p->size < NET_FRAME_MIN) {
		p->bad = true;
		return;
	}
	p->slot[0].size = (uint16_t)(p->size - rest);
	if (p->size > (p->gso_flag ? NET_FRAME_MAX : NET_FRAME_STD))
		p->bad = true;
}

/* One packet out of `avail` slots. 0, or -SK_E_PEER: no packet has this form. */
static int packet_read(struct vif *v, struct packet *p, uint32_t avail)
{
	struct netif_tx_request *s;

	memset(p, 0, sizeof(*p));
	do {
		if (p->used == avail || p->n_slots == SLOTS_MAX)
			return -SK_E_PEER;
		s = &p->slot[p->n_slots];
		gring_get(&v->tx, v->tx.req_cons + p->used, s, sizeof(*s));
		p->used++;
		if (p->n_slots++ == 0 && (s->flags & NETTXF_extra_info) &&
			extras_read(v, p, avail))
			return -SK_E_PEER;
	} while (s->flags & NETTXF_more_data);
	packet_check(p);
	return 0;
}

static bool packet_copy(const struct packet *p, uint8_t *data)
{
	uint32_t i;

	for (i = 0; i < p->n_slots; i++) {
		if (p->slot[i].size &&
			grant_read(p->slot[i].gref, p->slot[i].offset, data, p->slot[i].size))
			return false;
		data += p->slot[i].size;
	}
	return true;
}

/* N3 */
static int packet_send(struct vif *v, const struct packet *p, uint32_t first)
{
	const uint8_t *data = v->conn->data + (uint64_t)first * PAGE;
	struct net_desc d = {
		.op = NET_TX, .id = first, .offset = (uint64_t)first * PAGE, .length = p->size
	};
	bool ipv6;
	int rc;

	if (p->slot[0].flags & NETTXF_csum_blank || p->gso_flag) {
		if (!frame_transport(data, p->size, &d.csum_start, &d.csum_offset, &ipv6))
			return -SK_E_INVAL;
		if (p->gso_flag && ipv6 != (p->gso_flag == NET_GSO_TCPV6))
			return -SK_E_INVAL;
		d.flags = NET_CSUM_BLANK;
	} else if (p->slot[0].flags & NETTXF_data_validated) {
		d.flags = NET_CSUM_VALID;
	}
	d.flags |= p->gso_flag;
	d.gso_size = p->gso_flag ? p->gso_size : 0;
	if (!net_tx_legal(&d, v->conn->data_size))
		return -SK_E_INVAL;
	rc = ring_put(&v->conn->req, &d, sizeof(d));
	if (rc == 0)
		v->in_flight++;
	return rc;
}

/* 1 done, 0 no room now, -SK_E_PEER. */
static int packet_take(struct vif *v, uint32_t avail)
{
	int16_t status = NETIF_RSP_ERROR;
	struct packet p;
	uint32_t first;

	if (packet_read(v, &p, avail))
		return -SK_E_PEER;
	if (!p.bad) {
		if (v->in_flight >= v->tx_max ||
			!tx_pages_take(v, (p.size + PAGE - 1) / PAGE, &first))
			return 0;
		if (packet_copy(&p, v->conn->data + (uint64_t)first * PAGE) &&
			packet_send(v, &p, first) == 0)
			status = NETIF_RSP_OKAY;
		else
			tx_pages_give(v, first);
	}
	packet_respond(v, &p, status); /* the frame was copied: the guest's pages are free */
	return 1;
}

/* False: the front end broke the rules. */
static bool tx_serve(struct vif *v)
{
	int n, rc, done = 0;

	do {
		while ((n = gring_requests(&v->tx)) > 0) {
			rc = packet_take(v, (uint32_t)n);
			if (rc < 0)
				return false;
			if (rc == 0) /* goes on when the switch returns a buffer */
				return true;
			if (++done == TURN) {
				evtchn_backend_again(v->tx_port);
				return true;
			}
		}
		if (n < 0)
			return false;
	} while (gring_final_check(&v->tx));
	return true;
}

/* ---- to the guest ----------------------------------------------------------------- */

static void buffer_post(struct vif *v, uint32_t i)
{
	bool large = v->gso4 || v->gso6;
	struct net_desc d = { .op = NET_RX_POST,
		.id = i,
		.offset = rx_offset(i),
		.length = large ? RX_LARGE : RX_SMALL };

	if (ring_put(&v->conn->req, &d, sizeof(d)) == 0)
		v->posted[i] = true;
}

static void buffers_post(struct vif *v)
{
	uint32_t i;

	for (i = 0; i < v->rx_max && !v->posting; i++)
		buffer_post(v, i);
	v->posting = true;
}

/* What the guest cannot take is finished or left out here. False: drop the frame. */
static bool frame_adapt(struct vif *v, struct net_desc *d)
{
	uint8_t *data = v->conn->data + d->offset;
	bool ipv6 = d->length > 13 && data[12] == 0x86 && data[13] == 0xdd;
	bool gso = (d->flags & NET_GSO_TCPV4 && v->gso4) ||
		   (d->flags & NET_GSO_TCPV6 && v->gso6);

	if (!gso) {
		if (d->flags & (NET_GSO_TCPV4 | NET_GSO_TCPV6) && d->length > NET_FRAME_STD)
			return false;
		d->flags &= (uint16_t) ~(NET_GSO_TCPV4 | NET_GSO_TCPV6);
	}
	if (d->flags & NET_CSUM_BLANK && !(ipv6 ? v->csum6 : v->csum4)) {
		if (gso || !frame_checksum(data, d->length, d->csum_start, d->csum_offset))
			return false;
		d->flags = (uint16_t)((d->flags & ~NET_CSUM_BLANK) | NET_CSUM_VALID);
	}
	return v->sg || d->length <= PAGE;
}

static uint16_t rx_flags(const struct net_desc *d)
{
	if (d->flags & NET_CSUM_BLANK)
		return NETRXF_csum_blank | NETRXF_data_validated;
	return d->flags & NET_CSUM_VALID ? NETRXF_data_validated : 0;
}

static void extra_put(struct vif *v, const struct net_desc *d)
{
	struct netif_extra_info e = { .type = XEN_NETIF_EXTRA_TYPE_GSO };

	e.u.gso.size = d->gso_size;
	e.u.gso.type = d->flags & NET_GSO_TCPV4 ? XEN_NETIF_GSO_TYPE_TCPV4
						: XEN_NETIF_GSO_TYPE_TCPV6;
	gring_put(&v->rx, &e, sizeof(e));
	v->rx.req_cons++; /* the slot's buffer is not used: the guest finds it by position */
}

/* One slot of the frame: copies up to a page. The status that the guest gets. */
static int16_t slot_fill(struct vif *v, const struct netif_rx_request *q,
	const struct net_desc *d, uint32_t at, uint32_t n)
{
	return grant_write(q->gref, 0, v->conn->data + d->offset + at, n) ? NETIF_RSP_ERROR
									  : (int16_t)n;
}

static void frame_put(struct vif *v, const struct net_desc *d)
{
	bool gso = d->flags & (NET_GSO_TCPV4 | NET_GSO_TCPV6);
	uint32_t at = 0, n;

	do {
		struct netif_rx_request q;
		struct netif_rx_response r = { 0 };

		gring_get(&v->rx, v->rx.req_cons++, &q, sizeof(q));
		n = d->length - at < PAGE ? d->length - at : PAGE;
		r.id = q.id;
		r.flags = at ? 0 : rx_flags(d);
		r.status = slot_fill(v, &q, d, at, n);
		if (at + n < d->length)
			r.flags |= NETRXF_more_data;
		if (at == 0 && gso)
			r.flags |= NETRXF_extra_info;
		gring_put(&v->rx, &r, sizeof(r));
		if (at == 0 && gso)
			extra_put(v, d);
		at += n;
	} while (at < d->length);
}

static uint32_t slots_for(const struct net_desc *d)
{
	return (d->length + PAGE - 1) / PAGE +
	       (d->flags & (NET_GSO_TCPV4 | NET_GSO_TCPV6) ? 1 : 0);
}

static struct net_desc *waiting_first(struct vif *v)
{
	return v->n_waiting ? &v->waiting[v->wait_head] : NULL;
}

static void waiting_pop(struct vif *v)
{
	uint32_t i = v->waiting[v->wait_head].id;

	v->wait_head = (v->wait_head + 1) % RX_BUFFERS;
	v->n_waiting--;
	buffer_post(v, i);
}

/* N4. False: the front end broke the rules. */
static bool rx_serve(struct vif *v)
{
	struct net_desc *d;
	uint32_t need;
	int n;

	while ((d = waiting_first(v))) {
		if (!v->rx.n_pages || !frame_adapt(v, d)) {
			waiting_pop(v);
			continue;
		}
		need = slots_for(d);
		n = gring_requests(&v->rx);
		if (n < 0)
			return false;
		if ((uint32_t)n <
			need) { /* an event when it has posted enough, and look again */
			gring_want_request(&v->rx, v->rx.req_cons + need - 1);
			if (gring_requests(&v->rx) < (int)need)
				return true;
			continue;
		}
		frame_put(v, d);
		waiting_pop(v);
	}
	return true;
}

/* ---- events ----------------------------------------------------------------------- */

static void serve(struct vif *v)
{
	bool ok = true;

	if (v->tx.n_pages)
		ok = tx_serve(v);
	ok = rx_serve(v) && ok;
	if (v->tx.n_pages && gring_push(&v->tx))
		evtchn_backend_notify(v->tx_port);
	if (v->rx.n_pages && gring_push(&v->rx))
		evtchn_backend_notify(v->rx_port);
	conn_settle(v->conn);
	if (!ok)
		xb_fail(&v->dev, "impossible ring index or packet");
}

static void guest_event(void *ctx) { serve(ctx); }

static bool buffer_posted(const struct vif *v, const struct net_desc *d)
{
	return d->id < RX_BUFFERS && v->posted[d->id];
}

static void frame_arrived(struct vif *v, const struct net_desc *d)
{
	uint32_t tail = (v->wait_head + v->n_waiting) % RX_BUFFERS;

	if (!buffer_posted(v, d)) {
		edge_log("%s: frame in a buffer that is not the switch's", v->dev.be);
		return;
	}
	v->posted[d->id] = false;
	if (!d->length) {
		edge_log("%s: the switch refuses a buffer: %u", v->dev.be, d->flags);
		return;
	}
	if (d->offset != rx_offset(d->id) || d->length > PAGE || !net_frame_legal(d)) {
		buffer_post(v, d->id); /* lost, as on a wire */
		return;
	}
	v->waiting[tail] = *d;
	v->n_waiting++;
}

static void desc_arrived(struct vif *v, const struct net_desc *d)
{
	switch (d->op) {
	case NET_RX:
		frame_arrived(v, d);
		break;
	case NET_TX_DONE:
		if (d->id < TX_PAGES && v->sent[d->id]) {
			tx_pages_give(v, d->id);
			v->in_flight--;
		}
		break;
	default:
		break; /* LINK: a guest has no use for it */
	}
}

static void conn_event(void *ctx)
{
	struct vif *v = ctx;
	struct net_desc d;
	int rc;

	do {
		while ((rc = ring_get(&v->conn->rsp, &d, sizeof(d))) == sizeof(d))
			desc_arrived(v, &d);
		if (rc != -SK_E_AGAIN) {
			edge_log("%s: the switch broke the protocol: %d", v->dev.be, rc);
			return;
		}
		serve(v);
	} while (ring_get_idle(&v->conn->rsp));
	xb_idle(&v->dev);
}

/* ---- xenbus ----------------------------------------------------------------------- */

static struct vif *vif_of(struct xb_dev *dev) { return (struct vif *)dev; /* first member */ }

static void features(struct xb_dev *dev)
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
	xb_read(&v->dev, &v->v.tx_ref, "tx-ring-ref");
	xb_read(&v->dev, &v->v.rx_ref, "rx-ring-ref");
	xb_read(&v->dev, &v->v.port, "event-channel");
	xb_read(&v->dev, &v->v.tx_port, "event-channel-tx");
	xb_read(&v->dev, &v->v.rx_port, "event-channel-rx");
	xb_read(&v->dev, &v->v.copy, "request-rx-copy");
	xb_read(&v->dev, &v->v.no_csum, "feature-no-csum-offload");
	xb_read(&v->dev, &v->v.csum6, "feature-ipv6-csum-offload");
	xb_read(&v->dev, &v->v.gso4, "feature-gso-tcpv4");
	xb_read(&v->dev, &v->v.gso6, "feature-gso-tcpv6");
	xb_read(&v->dev, &v->v.sg, "feature-sg");
	return 1;
}

static bool flag(const struct xb_value *x)
{
	uint32_t n;

	return xb_number(x, UINT32_MAX, &n) && n;
}

static int ports_bind(struct vif *v)
{
	uint32_t tx, rx;
	bool split = v->v.tx_port.present && v->v.rx_port.present;
	int rc;

	if (!xb_number(split ? &v->v.tx_port : &v->v.port, EVTCHN_PORTS - 1, &tx))
		return -SK_E_INVAL;
	rc = evtchn_backend_bind(tx, guest_event, v, &v->tx_port);
	if (rc)
		return rc;
	v->rx_port = v->tx_port;
	if (!split)
		return 0;
	if (!xb_number(&v->v.rx_port, EVTCHN_PORTS - 1, &rx))
		return -SK_E_INVAL;
	return evtchn_backend_bind(rx, guest_event, v, &v->rx_port);
}

static int connect_rings(struct vif *v)
{
	uint32_t tx, rx;
	int rc;

	if (!flag(&v->v.copy)) /* the other way, page flipping, has long been gone */
		return -SK_E_INVAL;
	if (!xb_number(&v->v.tx_ref, UINT32_MAX, &tx) ||
		!xb_number(&v->v.rx_ref, UINT32_MAX, &rx))
		return -SK_E_INVAL;
	v->sg = flag(&v->v.sg);
	v->csum4 = !flag(&v->v.no_csum);
	v->csum6 = flag(&v->v.csum6);
	v->gso4 = flag(&v->v.gso4) && v->sg && v->csum4;
	v->gso6 = flag(&v->v.gso6) && v->sg && v->csum6;
	rc = gring_map(&v->tx, &tx, 1, sizeof(union netif_tx_sring_entry));
	if (rc == 0)
		rc = gring_map(&v->rx, &rx, 1, sizeof(union netif_rx_sring_entry));
	if (rc == 0)
		rc = ports_bind(v);
	if (rc)
		return rc;
	buffers_post(v);
	conn_settle(v->conn);
	evtchn_backend_again(v->tx_port);
	return 0;
}

static int connect(struct xb_dev *dev, unsigned phase)
{
	return phase == 0 ? connect_ask(vif_of(dev)) : connect_rings(vif_of(dev));
}

static void disconnect(struct xb_dev *dev)
{
	struct vif *v = vif_of(dev);

	if (v->rx_port != NO_BACKEND && v->rx_port != v->tx_port)
		evtchn_backend_unbind(v->rx_port);
	if (v->tx_port != NO_BACKEND)
		evtchn_backend_unbind(v->tx_port);
	v->tx_port = v->rx_port = NO_BACKEND;
	gring_unmap(&v->tx);
	gring_unmap(&v->rx);
}

static bool busy(struct xb_dev *dev)
{
	(void)dev;
	return false; /* frames on their way are copies */
}

static const struct xb_driver driver = { "vif", features, connect, disconnect, busy };

/* N5 */
static void credit_split(struct vif *v)
{
	uint32_t size = v->conn->req.size < v->conn->rsp.size ? v->conn->req.size
							      : v->conn->rsp.size;
	uint32_t n = size / RECORD - SPARE;

	v->tx_max = n / 3 < TX_PAGES ? n / 3 : TX_PAGES;
	v->rx_max = n - n / 3 < RX_BUFFERS ? n - n / 3 : RX_BUFFERS;
}

int netback_add(const struct vm_vif *cfg)
{
	struct vif *v = calloc(1, sizeof(*v));
	int rc;

	if (!v)
		return -SK_E_NO_MEM;
	v->cfg = *cfg;
	v->tx_port = v->rx_port = NO_BACKEND;
	v->conn = svc_channel(cfg->channel);
	if (!v->conn || v->conn->data_size < (uint64_t)(TX_PAGES + RX_BUFFERS) * PAGE) {
		free(v);
		return -SK_E_NOT_FOUND;
	}
	credit_split(v);
	rc = svc_on_channel(v->conn, conn_event, v);
	return rc ? rc : xb_add(&v->dev, &driver, cfg->devid);
}
