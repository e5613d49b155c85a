/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_rx.c - frames for the guest, from the switch to its ring
 *
 * The walk of a frame:
 *     buffer_post()      the switch gets a buffer of the data region
 *     vif_rx_arrived()   the switch filled it: the record is checked, and the frame waits in
 *                        its buffer
 *     frame_adapt()      offloads that the guest does not accept are done here or dropped
 *     frame_put()        the frame is copied to pages that the guest granted; then its buffer
 *                        is posted again
 *
 * Locks       none: I/O thread.
 * Lifecycle   Buffers stay posted for the life of the VMM: a frame that arrives while there is
 *             no front end is dropped, and its buffer posted again. After a restart of the
 *             switch all buffers are ours, and those without a frame are posted again.
 * Invariants  NETRX1 a buffer is the switch's or ours, never both: `posted` says which
 *             NETRX2 frames for the guest wait in their buffers, in order, until it has room
 */
#include "backend/net_vif.h"

#include "xen/xen_domain.h"

#include <xen/io/netif.h>

#include "backend/ethernet.h"
#include "base/error.h"
#include "xen/grant.h"

enum {
	/* bytes of a buffer, for a guest that accepts GSO */
	RX_LARGE = SK_PAGE_SIZE,
	/* for a guest that does not: nothing larger than a standard frame fits */
	RX_SMALL = 1536,
};

static uint64_t rx_offset(uint32_t buffer) { return (VIF_TX_PAGES + buffer) * SK_PAGE_SIZE; }

/* ---- buffers ---------------------------------------------------------------------- */

/* The guest's offloads count when the buffer is posted. */
static void buffer_post(struct vif *v, uint32_t i)
{
	uint16_t gso = (uint16_t)((v->gso4 ? NET_GSO_TCPV4 : 0) |
				  (v->gso6 ? NET_GSO_TCPV6 : 0));
	struct net_desc d = { .op = NET_RX_POST,
		.flags = gso,
		.id = i,
		.offset = rx_offset(i),
		.length = gso ? RX_LARGE : RX_SMALL };

	if (svc_checked(v->conn, ring_put_quiet(&v->conn->req, &d, sizeof(d))) == 0)
		v->posted[i] = true;
}

void vif_rx_post(struct vif *v)
{
	for (uint32_t i = 0; i < v->rx_max && !v->buffers_posted; i++)
		buffer_post(v, i);
	v->buffers_posted = true;
}

static struct net_desc *waiting_at(struct vif *v, uint32_t i)
{
	return &v->waiting[(v->wait_head + i) % VIF_RX_BUFFERS];
}

/* Buffers that a frame fills. A large one fills each to its end. */
static uint32_t pieces_of(const struct net_desc *d)
{
	return (d->length + RX_LARGE - 1) / RX_LARGE;
}

/* Forget a frame of which not all buffers came. `lost` is called for those that did. */
static void unfinished_drop(struct vif *v, void (*lost)(struct vif *v, uint32_t buffer))
{
	uint32_t n = 0, first = 0;

	while (v->more && !v->more_lost && n < v->n_waiting) {
		first = n;
		n += pieces_of(waiting_at(v, n));
	}
	for (; v->more && !v->more_lost && v->n_waiting > first; v->n_waiting--)
		if (lost)
			lost(v, waiting_at(v, v->n_waiting - 1)->id);
	v->more = 0;
}

void vif_rx_restart(struct vif *v)
{
	bool frame[VIF_RX_BUFFERS] = { false };

	unfinished_drop(v, NULL);
	for (uint32_t i = 0; i < v->n_waiting; i++) /* NETRX2: they still wait for the guest */
		frame[waiting_at(v, i)->id] = true;
	for (uint32_t i = 0; i < VIF_RX_BUFFERS; i++)
		v->posted[i] = false;
	for (uint32_t i = 0; i < v->rx_max && v->buffers_posted; i++)
		if (!frame[i])
			buffer_post(v, i);
}

/* False: the frame is lost, as it would be on a wire. */
static bool frame_begins(struct vif *v, const struct net_desc *d)
{
	unfinished_drop(v, buffer_post);
	v->more = d->more < VIF_RX_BUFFERS ? d->more : VIF_RX_BUFFERS;
	v->more_lost = d->offset != rx_offset(d->id) || !net_rx_legal(d) ||
		       pieces_of(d) != d->more + 1u;
	return !v->more_lost;
}

static bool frame_continues(struct vif *v)
{
	if (!v->more)
		return false;
	v->more--;
	return !v->more_lost;
}

int vif_rx_arrived(struct vif *v, const struct net_desc *d)
{
	if (d->id >= VIF_RX_BUFFERS || !v->posted[d->id])
		return -SK_E_PEER;
	v->posted[d->id] = false;
	if (d->op == NET_RX && !d->length) {
		vm_log("%s: the switch refuses a buffer: %s", v->dev.be,
			sk_error_text(-d->flags));
		return 0;
	}
	if (d->op == NET_RX ? frame_begins(v, d) : frame_continues(v))
		*waiting_at(v, v->n_waiting++) = *d;
	else
		buffer_post(v, d->id);
	return 0;
}

/* ---- to the guest ----------------------------------------------------------------- */

/* Do or remove the offloads that the guest does not accept. False: drop the frame. */
static bool frame_adapt(struct vif *v, struct net_desc *d)
{
	uint8_t *data = v->conn->data + d->offset;
	bool ipv6 = d->length > 13 && data[12] == 0x86 && data[13] == 0xdd;
	bool gso = (d->flags & NET_GSO_TCPV4 && v->gso4) ||
		   (d->flags & NET_GSO_TCPV6 && v->gso6);

	if (!gso) {
		if (d->flags & NET_GSO && d->length > NET_FRAME_STD)
			return false;
		d->flags &= (uint16_t)~NET_GSO;
	}
	if (d->flags & NET_CSUM_BLANK && !(ipv6 ? v->csum6 : v->csum4)) {
		if (gso || !frame_checksum(data, d->length, d->csum_start, d->csum_offset))
			return false;
		d->flags = (uint16_t)((d->flags & ~NET_CSUM_BLANK) | NET_CSUM_VALID);
	}
	return v->sg || pieces_of(d) == 1;
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
	/* the guest finds this slot by its position, so its buffer stays unused */
	v->rx.req_cons++;
}

/* Copy what a buffer holds of a frame. Returns the status for the guest. */
static int16_t slot_fill(
	struct vif *v, const struct netif_rx_request *q, uint32_t buffer, uint32_t n)
{
	return grant_write(q->gref, 0, v->conn->data + rx_offset(buffer), n) ? NETIF_RSP_ERROR
									     : (int16_t)n;
}

static void frame_put(struct vif *v, const struct net_desc *d)
{
	bool gso = d->flags & NET_GSO;
	uint32_t at = 0, i = 0, n;

	do {
		struct netif_rx_request q;
		struct netif_rx_response r = { 0 };

		gring_get(&v->rx, v->rx.req_cons++, &q, sizeof(q));
		n = d->length - at < RX_LARGE ? d->length - at : RX_LARGE;
		r.id = q.id;
		r.flags = at ? 0 : rx_flags(d);
		r.status = slot_fill(v, &q, waiting_at(v, i++)->id, n);
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
	return pieces_of(d) + (d->flags & NET_GSO ? 1 : 0);
}

/* The first frame of which all buffers have come. */
static struct net_desc *waiting_first(struct vif *v)
{
	struct net_desc *d = waiting_at(v, 0);

	return v->n_waiting && v->n_waiting >= pieces_of(d) ? d : NULL;
}

static void waiting_pop(struct vif *v)
{
	for (uint32_t n = pieces_of(waiting_at(v, 0)); n; n--) {
		uint32_t i = waiting_at(v, 0)->id;

		v->wait_head = (v->wait_head + 1) % VIF_RX_BUFFERS;
		v->n_waiting--;
		buffer_post(v, i);
	}
}

/*
 * 1: the guest has room for the frame. 0: it has none, and will send an event when it has. Or
 * -SK_E_PEER.
 */
static int room_for(struct vif *v, const struct net_desc *d)
{
	uint32_t need = slots_for(d);
	int n = gring_requests(&v->rx);

	if (n < 0)
		return n;
	if ((uint32_t)n >= need)
		return 1;
	gring_want_request(&v->rx, v->rx.req_cons + need - 1);
	/* check again: the guest may have posted them in the meantime */
	n = gring_requests(&v->rx);
	return n < 0 ? n : (uint32_t)n >= need;
}

int vif_rx_serve(struct vif *v)
{
	struct net_desc *d;
	int rc;

	while ((d = waiting_first(v))) { /* NETRX2 */
		if (v->rx.n_pages && frame_adapt(v, d)) {
			rc = room_for(v, d);
			if (rc <= 0)
				return rc;
			v->stats.rx_frames++;
			v->stats.rx_bytes += d->length;
			frame_put(v, d);
		} else {
			v->stats.rx_dropped++;
		}
		waiting_pop(v);
	}
	return 0;
}
