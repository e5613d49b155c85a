/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - network: a switch with one port per client and the card as uplink
 *
 * Objects     one switch, named by the manifest (arg "bridge").
 * Lifecycle   a client's port lives from SVC_OPEN to SVC_CLOSE; the uplink from start to end.
 * Invariants  NETWORK1 a request is taken only when there is room for its answer, and for those
 *             of
 *                      frames that are held: a client that takes no answers is not served, and
 *                      frames for it do not wait.
 *             NETWORK2 an illegal request comes back with an error; only a request that has no
 *                answer ends a connection.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "switch.h"
#include "sys/clock.h"
#include "sys/sk.h"
#include "uplink.h"

static char bridge[16];

static int respond(struct port *p, const struct net_desc *rsp)
{
	port_touch(p);
	return ring_put(&p->conn->rsp, rsp, sizeof(*rsp));
}

/* A sender that has buffers left need not hear of each that comes back. */
static int respond_done(struct port *p, uint32_t id)
{
	const struct net_desc done = { .op = NET_TX_DONE, .id = id };

	port_touch(p);
	return ring_put_quiet(&p->conn->rsp, &done, sizeof(done));
}

static int rx_post_serve(struct port *p, const struct net_desc *d)
{
	const struct port_buffer b = { d->id, d->length, d->offset, d->flags };
	const struct net_desc no = { .op = NET_RX, .id = d->id, .flags = SK_E_INVAL };

	if (!net_rx_post_legal(d, p->conn->data_size)) /* NETWORK2 */
		return respond(p, &no);
	return port_buffer_push(p, &b);
}

static int tx_now(struct port *p, const struct net_desc *d)
{
	rate_pay(&p->rate, d->length, sk_now());
	switch_frame_in(p, d);
	return respond_done(p, d->id);
}

/* ---- frames that came too early ---------------------------------------------------------- */
static void held_send(void *ctx);
static struct svc_timer held_timer = { .fn = held_send };

/* Wait for the port whose turn is next. */
static void held_wait(void)
{
	sk_time_t next = 0;

	for (struct svc_conn *c = svc_conn_next(NULL); c; c = svc_conn_next(c)) {
		const struct port *p = c->priv;

		if (p && p->rate.n && !c->dead && (!next || rate_due(&p->rate) < next))
			next = rate_due(&p->rate);
	}
	if (next)
		svc_timer_set(&held_timer, next);
}

static int port_catch_up(struct port *p)
{
	struct net_desc d;
	int rc = 0;

	while (rc == 0 && rate_next(&p->rate, sk_now(), &d))
		rc = tx_now(p, &d);
	return rc;
}

static void held_send(void *ctx)
{
	(void)ctx;
	for (struct svc_conn *c = svc_conn_next(NULL); c; c = svc_conn_next(c)) {
		struct port *p = c->priv;

		if (!p || !p->rate.n || c->dead)
			continue;
		svc_work_for(c);
		if (port_catch_up(p))
			svc_conn_kill(c, "writes nonsense into its ring");
		else
			svc_resume(c); /* NETWORK1: there may be room now */
	}
	ports_flush();
	held_wait();
}

static int tx_serve(struct port *p, const struct net_desc *d)
{
	const struct net_desc no = { .op = NET_TX_DONE, .id = d->id, .flags = SK_E_INVAL };
	int rc;

	if (!net_tx_legal(d, p->conn->data_size)) /* NETWORK2 */
		return respond(p, &no);
	if (!rate_waits(&p->rate, sk_now()))
		return tx_now(p, d);
	rc = rate_hold(&p->rate, d);
	if (p->rate.n == 1)
		held_wait();
	return rc;
}

static int request_serve(struct port *p, const struct net_desc *d)
{
	switch (d->op) {
	case NET_TX:
		return tx_serve(p, d);
	case NET_RX_POST:
		return rx_post_serve(p, d);
	default:
		return -SK_E_PEER;
	}
}

static int client_event(struct svc_conn *c)
{
	struct port *p = c->priv;
	struct net_desc d;
	int rc = 0;

	while (rc == 0 && svc_room(c, sizeof(d), 1 + p->rate.n)) { /* NETWORK1 */
		rc = svc_get(c, &d, sizeof(d));
		if (rc < 0)
			break;
		rc = rc == sizeof(d) ? request_serve(p, &d) : -SK_E_PEER;
	}
	ports_flush();
	return rc;
}

static int client_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	const struct net_params *q = params;
	struct filter filter;
	struct rate rate;
	struct port *p;
	int rc;

	if (params_len != sizeof(*q) || !memchr(q->bridge, 0, sizeof(q->bridge)) ||
		!memchr(q->name, 0, sizeof(q->name)))
		return -SK_E_INVAL;
	if (strcmp(q->bridge, bridge) != 0)
		return -SK_E_NOT_FOUND;
	rc = filter_init(&filter, q);
	if (rc == 0)
		rc = rate_init(&rate, q, sys_info()->tsc_hz);
	if (rc)
		return rc;
	p = switch_port_new(q->mac, &rc);
	if (!p) {
		rate_end(&rate);
		return rc;
	}
	port_init(p, c, q->name, q->offloads);
	p->filter = filter;
	p->rate = rate;
	c->priv = p;
	/* Clients may send any offload; the switch emulates what the receiver lacks. */
	result[1] = NET_CSUM_BLANK | NET_GSO;
	return 0;
}

static int client_close(struct svc_conn *c)
{
	struct port *p = c->priv;

	rate_end(&p->rate);
	switch_port_gone(p);
	return 0;
}

static uint32_t client_stats(struct svc_conn *c, uint64_t *mr)
{
	const struct port *p = c ? c->priv : NULL;

	if (!p)
		return 0;
	mr[1] = p->tx_frames;
	mr[2] = p->tx_bytes;
	mr[3] = p->rx_frames;
	mr[4] = p->rx_bytes;
	mr[5] = p->dropped;
	mr[6] = p->refused + p->filtered;
	return 6;
}

static const struct svc_service service = {
	.proto = SVC_PROTO_NET,
	.min_data = 2 * NET_FRAME_STD,
	.open = client_open,
	.event = client_event,
	.close = client_close,
	.stats = client_stats,
};

static int uplink_find(void)
{
	struct svc_conn *nic = svc_channel("nic");
	char arg[16];

	if (!nic) {
		printf("%s has no uplink\n", bridge);
		return 0;
	}
	/* The arg "nic-offloads" is the driver's answer to init's SVC_OPEN. */
	return uplink_start(switch_uplink(), nic,
		svc_arg("nic-offloads", arg, sizeof(arg)) ? (uint16_t)strtoul(arg, NULL, 0)
							  : 0);
}

int main(void)
{
	int rc;

	if (!svc_arg("bridge", bridge, sizeof(bridge)))
		strcpy(bridge, "xenbr0");
	switch_init(sys_info()->tsc_hz);
	rc = uplink_find();
	if (rc == 0)
		rc = svc_serve(&service);
	return rc ? rc : svc_run();
}
