/*
 * main.c - network: a learning switch with one port per client and the card as uplink
 *
 * Objects     ports[]: see port.h.  One switch, named by the manifest (arg "bridge").
 * Lifecycle   a client's port lives from SVC_OPEN to SVC_CLOSE; the uplink from start to end.
 * Invariants  W1 a frame is copied out of its sender's region before anything of it is looked at.
 *             W2 a port gets at most TURN requests served before the others have their turn.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "fdb.h"
#include "port.h"
#include "sys/sk.h"

enum { RESUME_BIT = 22, TURN = 64, AGE_SECONDS = 300, ETH_HEADER = 14 };

static struct port ports[PORTS_MAX];
static struct fdb fdb;
static uint64_t tsc_hz;
static char bridge[16];
static uint8_t frame_copy[NET_FRAME_MAX];

static bool group_address(const uint8_t *mac) { return mac[0] & 1; }

/* A frame has come in through port `from`: to the one port that its destination is behind, or to all. */
static void forward(struct port *from, const struct frame *f)
{
	sk_time_t now = sk_now();
	uint32_t to;

	if (!fdb_learn(&fdb, f->bytes + 6, (uint32_t)(from - ports), from->uplink, now)) {
		if (from->refused++ == 0)
			printf("%s sends from an address that is another's; such frames are dropped\n",
				from->name);
		return;
	}
	to = group_address(f->bytes) ? FDB_NONE : fdb_lookup(&fdb, f->bytes, now);
	if (to != FDB_NONE) {
		if (&ports[to] != from)
			port_deliver(&ports[to], f);
		return;
	}
	if (!port_may_flood(from, f, now, tsc_hz)) {
		if (from->storm == 1)
			printf("%s floods the switch; what is more than %u frames a second is dropped\n",
				from->name, PORT_FLOOD_RATE);
		return;
	}
	for (uint32_t i = 0; i < PORTS_MAX; i++)
		if (ports[i].used && &ports[i] != from && !ports[i].conn->dead)
			port_deliver(&ports[i], f);
}

/* Copy the frame that a descriptor names and send it on (W1). */
static void frame_in(struct port *p, const struct net_desc *d)
{
	struct frame f = { .bytes = frame_copy,
		.length = d->length,
		.flags = d->flags,
		.csum_start = d->csum_start,
		.csum_offset = d->csum_offset,
		.gso_size = d->gso_size };

	memcpy(frame_copy, p->conn->data + d->offset, d->length);
	p->tx_frames++;
	p->tx_bytes += d->length;
	forward(p, &f);
}

static void flush_all(void)
{
	for (uint32_t i = 0; i < PORTS_MAX; i++)
		if (ports[i].used)
			port_flush(&ports[i]);
}

/* ---- clients' ports ---- */

static int desc_check(const struct port *p, const struct net_desc *d)
{
	uint16_t gso = d->flags & (NET_GSO_TCPV4 | NET_GSO_TCPV6);

	if (d->reserved[0] || d->reserved[1] || d->reserved[2])
		return -SK_E_PEER;
	if (d->offset > p->conn->data_size || d->length > p->conn->data_size - d->offset)
		return -SK_E_PEER;
	if (d->op == NET_RX_POST)
		return d->length >= NET_FRAME_STD && d->length <= NET_FRAME_MAX ? 0
										: -SK_E_PEER;
	if (d->op != NET_TX || d->length < ETH_HEADER)
		return -SK_E_PEER;
	if (d->length > (gso ? NET_FRAME_MAX : NET_FRAME_STD + 4)) /* a VLAN tag more */
		return -SK_E_PEER;
	if (gso == (NET_GSO_TCPV4 | NET_GSO_TCPV6) || (gso && d->gso_size < NET_GSO_MIN))
		return -SK_E_PEER;
	return 0;
}

static int request_serve(struct port *p, const struct net_desc *d)
{
	struct port_buffer b = { d->id, d->length, d->offset };
	struct net_desc done = { .op = NET_TX_DONE, .id = d->id };
	int rc = desc_check(p, d);

	if (rc)
		return rc;
	if (d->op == NET_RX_POST)
		return port_buffer_push(p, &b);
	frame_in(p, d);
	p->dirty = true;
	return ring_put(&p->conn->rsp, &done, sizeof(done)) ? -SK_E_PEER : 0;
}

static int port_serve(struct port *p)
{
	struct ring *r = &p->conn->req;
	struct net_desc d;
	int rc;

	p->more = false;
	do {
		for (unsigned int n = 0; (rc = ring_get(r, &d, sizeof(d))) >= 0; n++) {
			rc = rc == sizeof(d) ? request_serve(p, &d) : -SK_E_PEER;
			if (rc)
				return rc;
			if (n == TURN) { /* W2 */
				p->more = true;
				return svc_raise(RESUME_BIT);
			}
		}
	} while (rc == -SK_E_AGAIN && ring_get_idle(r));
	return rc == -SK_E_AGAIN ? 0 : -SK_E_PEER;
}

static int turn_serve(struct port *p)
{
	int rc = port_serve(p);

	if (ring_get_flush(&p->conn->req))
		svc_signal(p->conn);
	flush_all();
	return rc;
}

static int client_event(struct svc_conn *c)
{
	struct port *p = c->priv;

	return p->more ? 0 : turn_serve(p); /* W2: its next turn is resume_event() */
}

static void resume_event(void *ctx)
{
	(void)ctx;
	for (uint32_t i = 0; i < PORTS_MAX; i++) {
		struct port *p = &ports[i];

		if (!p->used || p->uplink || !p->more || p->conn->dead)
			continue;
		if (turn_serve(p))
			conn_kill(p->conn, "broke the network protocol");
	}
}

static int client_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	const struct net_params *q = params;
	int rc;

	if (params_len != sizeof(*q) || !memchr(q->bridge, 0, sizeof(q->bridge)) ||
		!memchr(q->name, 0, sizeof(q->name)))
		return -SK_E_INVAL;
	if (strcmp(q->bridge, bridge) != 0)
		return -SK_E_NOT_FOUND;
	for (uint32_t i = 0; i < PORTS_MAX; i++) {
		if (ports[i].used)
			continue;
		rc = fdb_own(&fdb, q->mac, i);
		if (rc)
			return rc;
		port_init(&ports[i], c, q->name, q->offloads);
		c->priv = &ports[i];
		/* What its owner may send: everything, this switch does what the receiver cannot. */
		result[1] = NET_CSUM_BLANK | NET_GSO_TCPV4 | NET_GSO_TCPV6;
		return 0;
	}
	return -SK_E_LIMIT;
}

static int client_close(struct svc_conn *c)
{
	struct port *p = c->priv;

	fdb_forget(&fdb, (uint32_t)(p - ports));
	p->used = false;
	return 0;
}

static uint32_t client_stats(struct svc_conn *c, uint64_t *mr)
{
	const struct port *p = c->priv;

	mr[1] = p->tx_frames;
	mr[2] = p->tx_bytes;
	mr[3] = p->rx_frames;
	mr[4] = p->rx_bytes;
	mr[5] = p->dropped;
	mr[6] = p->refused;
	return 7;
}

static const struct svc_service service = {
	.proto = SVC_PROTO_NET,
	.version = 1,
	.min_data = 2 * NET_FRAME_STD,
	.open = client_open,
	.event = client_event,
	.close = client_close,
	.stats = client_stats,
};

/* ---- the uplink ---- */

/* The card's driver is not trusted with more than the card: what it names must be a buffer of ours. */
static int uplink_serve(struct port *p, const struct net_desc *d)
{
	struct net_desc in = *d, post = { .op = NET_RX_POST, .id = d->id };
	struct port_buffer rx, tx;

	if (d->op == NET_LINK)
		return 0;
	if (!port_uplink_buffers(p, d->id, &rx, &tx))
		return -SK_E_PEER;
	if (d->op == NET_TX_DONE)
		return port_buffer_push(p, &tx);
	if (d->op != NET_RX || d->length < ETH_HEADER || d->length > rx.length ||
		d->flags & ~(NET_CSUM_BLANK | NET_CSUM_VALID))
		return -SK_E_PEER;
	in.offset = post.offset = rx.offset;
	post.length = rx.length;
	frame_in(p, &in);
	p->dirty = true;
	return ring_put(&p->conn->req, &post, sizeof(post)) ? -SK_E_PEER : 0;
}

static void uplink_event(void *ctx)
{
	struct port *p = ctx;
	struct net_desc d;

	while (ring_get(&p->conn->rsp, &d, sizeof(d)) == sizeof(d))
		if (uplink_serve(p, &d))
			printf("uplink: the driver named a buffer that it does not have\n");
	flush_all();
}

static int uplink_start(void)
{
	struct svc_conn *nic = svc_channel("nic");
	char arg[16];
	int rc;

	if (!nic) {
		printf("%s has no uplink\n", bridge);
		return 0;
	}
	/* Arg "nic-offloads": what the driver answered to init's SVC_OPEN. */
	rc = port_init_uplink(&ports[0], nic,
		svc_arg("nic-offloads", arg, sizeof(arg)) ? (uint16_t)strtoul(arg, NULL, 0)
							  : 0);
	return rc ? rc : svc_on_channel(nic, uplink_event, &ports[0]);
}

int main(void)
{
	const struct sk_info *k = (const struct sk_info *)DOMAIN_KINFO_VADDR;
	int rc;

	if (!svc_arg("bridge", bridge, sizeof(bridge)))
		strcpy(bridge, "xenbr0");
	tsc_hz = k->tsc_hz;
	fdb.max_age = tsc_hz * AGE_SECONDS;
	rc = svc_on_bit(RESUME_BIT, resume_event, NULL, "resume");
	if (rc == 0)
		rc = uplink_start();
	if (rc == 0)
		rc = svc_serve(&service);
	return rc ? rc : svc_run();
}
