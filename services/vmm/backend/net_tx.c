/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_tx.c - packets of the guest, from its ring to the switch
 *
 * The walk of a packet:
 *     packet_read()      its slots are copied out of the ring
 *     packet_check()     the copy is checked
 *     packet_copy()      the frame is copied from granted pages to pages of the data region
 *     packet_send()      the copy of the frame is checked, and one record goes to the switch
 *     packet_respond()   each slot is answered at once: the guest's pages are free
 *     vif_tx_done()      the switch is done: the pages of the data region are free
 *
 * A restart of the switch loses the frames that it had, as a wire would: the guest was told
 * that they are sent, and its protocols send again what matters (vif_tx_restart()).
 *
 * Locks       none: I/O thread.
 * Invariants  NETTX1 pages of the data region are the switch's or ours, never both: `sent` says
 *             which
 *             NETTX2 a packet is taken from the ring whole or not at all; each of its slots is
 *                answered once
 *             NETTX3 a frame that goes to the switch was copied to the region first, and
 *                checked there
 */
#include "backend/net_vif.h"

#include <string.h>

#include "xen/xen_domain.h"

#include <xen/io/netif.h>

#include "backend/ethernet.h"
#include "xen/evtchn_backend.h"
#include "xen/grant.h"

enum {
	/* slots of one packet, as many as other back ends tolerate */
	SLOTS_MAX = 20,
	/* packets taken before others get their turn */
	TURN = 256,
};

/* A packet of the guest, as its slots describe it. */
struct packet {
	struct netif_tx_request slot[SLOTS_MAX];
	/* `used`: all slots of the ring that it occupies */
	uint32_t n_slots, n_extras, used;
	uint32_t size;
	uint16_t gso_size, gso_flag;
	bool bad;
};

/* ---- pages of the data region ----------------------------------------------------- */

/* The end of the first n free pages in a row from `at` on; 0: there are none. */
static uint32_t tx_pages_find(const struct vif *v, uint32_t at, uint32_t n)
{
	uint32_t run = 0;

	for (; at < VIF_TX_PAGES && run < n; at++)
		run = v->page_used[at / 64] >> (at % 64) & 1 ? 0 : run + 1;
	return run < n ? 0 : at;
}

/* Pages come back in the order in which they were taken, so the free ones follow the last. */
static bool tx_pages_take(struct vif *v, uint32_t n, uint32_t *first)
{
	uint32_t i = tx_pages_find(v, v->page_next, n);

	if (!i)
		i = tx_pages_find(v, 0, n);
	if (!i)
		return false;
	v->page_next = i;
	*first = i - n;
	for (i = *first; i < *first + n; i++)
		v->page_used[i / 64] |= 1ull << (i % 64);
	v->sent[*first] = (uint16_t)n;
	return true;
}

static void tx_pages_give(struct vif *v, uint32_t first)
{
	for (uint32_t i = first; i < first + v->sent[first]; i++)
		v->page_used[i / 64] &= ~(1ull << (i % 64));
	v->sent[first] = 0;
}

/* ---- packets ---------------------------------------------------------------------- */

static void tx_respond(struct vif *v, uint16_t id, int16_t status)
{
	struct netif_tx_response r = { .id = id, .status = status };

	gring_put(&v->tx, &r, sizeof(r));
}

/* NETTX2. Responses are in the order of the slots: first, extras, the others. */
static void packet_respond(struct vif *v, const struct packet *p, int16_t status)
{
	for (uint32_t i = 0; i < p->n_slots; i++) {
		tx_respond(v, p->slot[i].id, status);
		for (uint32_t e = 0; i == 0 && e < p->n_extras; e++)
			tx_respond(v, 0, NETIF_RSP_NULL);
	}
	v->tx.req_cons += p->used;
}

static void extra_read(struct packet *p, const struct netif_extra_info *e)
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

/* Extras follow the first slot. -SK_E_PEER: they continue beyond the last slot. */
static int extras_read(struct vif *v, struct packet *p, uint32_t avail)
{
	struct netif_extra_info e;

	do {
		if (p->used == avail || p->n_extras == XEN_NETIF_EXTRA_TYPE_MAX - 1)
			return -SK_E_PEER;
		gring_get(&v->tx, v->tx.req_cons + p->used, &e, sizeof(e));
		p->used++;
		p->n_extras++;
		extra_read(p, &e);
	} while (e.flags & XEN_NETIF_EXTRA_FLAG_MORE);
	return 0;
}

/*
 * The first slot's size is that of the whole packet: its own part is what remains after the
 * other slots. (grant_read() checks offsets.)
 */
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

/* Read one packet out of `avail` slots. 0, or -SK_E_PEER if it is malformed. */
static int packet_read(struct vif *v, struct packet *p, uint32_t avail)
{
	struct netif_tx_request *s;

	p->n_slots = p->n_extras = p->used = 0;
	p->gso_size = p->gso_flag = 0;
	p->bad = false;
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
	for (uint32_t i = 0; i < p->n_slots; i++) {
		if (p->slot[i].size &&
			grant_read(p->slot[i].gref, p->slot[i].offset, data, p->slot[i].size))
			return false;
		data += p->slot[i].size;
	}
	return true;
}

/* NETTX3 */
static int packet_send(struct vif *v, const struct packet *p, uint32_t first)
{
	const uint8_t *data = v->conn->data + first * SK_PAGE_SIZE;
	struct net_desc d = {
		.op = NET_TX, .id = first, .offset = first * SK_PAGE_SIZE, .length = p->size
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
	rc = svc_checked(v->conn, ring_put(&v->conn->req, &d, sizeof(d)));
	if (rc == 0)
		v->in_flight++;
	return rc;
}

/* 1: done; 0: no room now; or -SK_E_PEER. */
static int packet_take(struct vif *v, uint32_t avail)
{
	int16_t status = NETIF_RSP_ERROR;
	struct packet p;
	uint32_t first;

	if (packet_read(v, &p, avail))
		return -SK_E_PEER;
	if (!p.bad) {
		if (v->in_flight >= v->tx_max ||
			!tx_pages_take(v, (p.size + SK_PAGE_SIZE - 1) / SK_PAGE_SIZE, &first))
			return 0;
		if (packet_copy(&p, v->conn->data + first * SK_PAGE_SIZE) &&
			packet_send(v, &p, first) == 0)
			status = NETIF_RSP_OKAY;
		else
			tx_pages_give(v, first);
	}
	if (status == NETIF_RSP_OKAY) {
		v->stats.tx_frames++;
		v->stats.tx_bytes += p.size;
	} else {
		v->stats.tx_dropped++;
	}
	packet_respond(v, &p, status);
	return 1;
}

int vif_tx_serve(struct vif *v)
{
	int n, rc, done = 0;

	v->tx_waits = false;
	do {
		while ((n = gring_requests(&v->tx)) > 0) {
			rc = packet_take(v, (uint32_t)n);
			if (rc < 0)
				return rc;
			v->tx_waits = rc == 0;
			if (rc == 0) /* continues when the switch returns a frame's pages */
				return 0;
			v->poll.taken++;
			if (++done == TURN) {
				evtchn_backend_wake(v->tx_port);
				return 0;
			}
		}
		if (n < 0)
			return n;
	} while (poll_more(&v->poll, &v->tx));
	return 0;
}

void vif_tx_restart(struct vif *v)
{
	for (uint32_t i = 0; i < VIF_TX_PAGES; i++)
		if (v->sent[i])
			tx_pages_give(v, i);
	v->in_flight = 0;
}

int vif_tx_done(struct vif *v, uint32_t first_page)
{
	if (first_page >= VIF_TX_PAGES || !v->sent[first_page])
		return -SK_E_PEER;
	tx_pages_give(v, first_page);
	v->in_flight--;
	return 0;
}
