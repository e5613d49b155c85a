/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_test.c - the host's own port of the switch: whatever comes in, no buffer is lost
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "port_if.h"
#include "lwip/etharp.h"
#include "lwip/pbuf.h"
#include "proto/net.h"

enum { RING = 20480, DATA = 256 << 10, N = 64, SIZE = 2048 };

/* ---- lwIP ---- */
static unsigned int n_frames, n_pbufs;
static bool no_memory;

struct pbuf *pbuf_alloc(int layer, u16_t length, int type)
{
	struct pbuf *p = no_memory ? NULL : calloc(1, sizeof(*p));

	(void)layer, (void)type;
	if (!p)
		return NULL;
	p->tot_len = length;
	n_pbufs++;
	return p;
}

u8_t pbuf_free(struct pbuf *p)
{
	free(p);
	n_pbufs--;
	return 1;
}

err_t pbuf_take(struct pbuf *p, const void *data, u16_t len)
{
	memcpy(p->bytes, data, len);
	return ERR_OK;
}

u16_t pbuf_copy_partial(const struct pbuf *p, void *data, u16_t len, u16_t offset)
{
	memcpy(data, p->bytes + offset, len);
	return len;
}

void etharp_output(void) {}

static err_t input(struct pbuf *p, struct netif *n)
{
	(void)n;
	n_frames++;
	pbuf_free(p);
	return ERR_OK;
}

/* ---- libs/svc ---- */
int svc_request(struct svc_conn *c, const void *rec, uint32_t len)
{
	int rc = ring_put(&c->req, rec, len);

	(void)ring_put_flush(&c->req);
	return rc;
}

int svc_get(struct svc_conn *c, void *buf, uint32_t max)
{
	int rc = ring_get(&c->rsp, buf, max);

	(void)ring_get_flush(&c->rsp);
	return rc;
}

static unsigned int breaches;

void svc_breach(struct svc_conn *c, const char *how)
{
	(void)c, (void)how;
	breaches++;
}

/* ---- the switch ---- */
static _Alignas(4096) uint8_t memory[2 * RING];
static uint8_t data[DATA];
static struct ring req, rsp;
static struct svc_conn conn;
static struct port_if port;
static struct netif netif;

static int setup(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	memset(&port, 0, sizeof(port));
	n_frames = n_pbufs = breaches = 0;
	no_memory = false;
	conn = (struct svc_conn){ .data = data, .data_size = DATA };
	assert_int_equal(ring_init(&conn.req, memory, RING, RING_CLIENT_PUTS, 0), 0);
	assert_int_equal(ring_init(&conn.rsp, memory + RING, RING, RING_CLIENT_GETS, 0), 0);
	assert_int_equal(ring_init(&req, memory, RING, RING_SERVICE_GETS, 0), 0);
	assert_int_equal(ring_init(&rsp, memory + RING, RING, RING_SERVICE_PUTS, 0), 0);
	port.conn = &conn;
	netif = (struct netif){ .state = &port, .input = input };
	assert_int_equal(port_if_init(&netif), ERR_OK);
	return 0;
}

static unsigned int taken(struct net_desc *last, uint16_t op)
{
	struct net_desc d;
	unsigned int n = 0;

	while (ring_get(&req, &d, sizeof(d)) == sizeof(d)) {
		assert_true(net_tx_legal(&d, DATA) || net_rx_post_legal(&d, DATA));
		*last = d;
		n += d.op == op;
	}
	(void)ring_get_flush(&req);
	return n;
}

static void gives(struct net_desc d)
{
	assert_int_equal(ring_put(&rsp, &d, sizeof(d)), 0);
	(void)ring_put_flush(&rsp);
	port_if_event(&netif);
}

static void buffers_come_round_whatever_is_in_them(void **state)
{
	static const struct net_desc bad[] = {
		{ .op = NET_RX, .length = 1519 },
		{ .op = NET_RX, .length = 2048 },
		{ .op = NET_RX, .length = UINT32_MAX },
		{ .op = NET_RX, .length = 13 },
		{ .op = NET_RX, .length = 0, .flags = SK_E_INVAL },
		{ .op = NET_RX, .length = 60, .flags = NET_CSUM_BLANK, .csum_start = 14 },
		{ .op = NET_RX, .length = 60, .flags = 0x4000 },
	};
	struct net_desc d;

	(void)state;
	assert_int_equal(taken(&d, NET_RX_POST), N);
	for (uint32_t i = 0; i < 10 * N; i++) {
		d = bad[i % (sizeof(bad) / sizeof(bad[0]))];
		d.id = i % N;
		gives(d);
		assert_int_equal(taken(&d, NET_RX_POST), 1);
		assert_int_equal(d.id, i % N);
	}
	assert_int_equal(n_frames, 0);
	gives((struct net_desc){ .op = NET_RX, .id = 3, .length = 1518 });
	assert_int_equal(n_frames, 1);
	assert_int_equal(n_pbufs, 0);
}

static void without_memory_too(void **state)
{
	struct net_desc d;

	(void)state;
	(void)taken(&d, NET_RX_POST);
	no_memory = true;
	for (uint32_t i = 0; i < 2 * N; i++) {
		gives((struct net_desc){ .op = NET_RX, .id = i % N, .length = 60 });
		assert_int_equal(taken(&d, NET_RX_POST), 1);
	}
	assert_int_equal(n_frames, 0);
}

/* While the switch takes nothing, buffers without room in the ring are posted later. */
static void a_full_ring_loses_no_buffer(void **state)
{
	struct net_desc d;
	struct pbuf p = { .tot_len = 60 };
	unsigned int posts = N;

	(void)state;
	for (uint32_t i = 0; i < 10 * N; i++)
		gives((struct net_desc){ .op = NET_RX, .id = i % N, .length = 60 });
	assert_int_equal(netif.linkoutput(&netif, &p), ERR_IF);
	assert_int_equal(port.n_tx_free, N); /* nor is a send buffer lost */
	(void)taken(&d, NET_RX_POST);
	assert_true(port.n_rx_ours > 0);
	gives((struct net_desc){ .op = NET_LINK, .length = 1 });
	assert_int_equal(port.n_rx_ours, 0);
	for (uint32_t i = 0; i < N; i++)
		posts -= port.posted[i];
	assert_int_equal(posts, 0);
}

static void sending(void **state)
{
	struct pbuf p = { .tot_len = 1518 };
	struct net_desc d;

	(void)state;
	(void)taken(&d, NET_RX_POST);
	for (unsigned int i = 0; i < N; i++)
		assert_int_equal(netif.linkoutput(&netif, &p), ERR_OK);
	assert_int_equal(netif.linkoutput(&netif, &p), ERR_MEM);
	assert_int_equal(taken(&d, NET_TX), N);
	gives((struct net_desc){ .op = NET_TX_DONE, .id = d.id });
	assert_int_equal(breaches, 0);
	/* the switch no longer has the buffer */
	gives((struct net_desc){ .op = NET_TX_DONE, .id = d.id });
	gives((struct net_desc){ .op = NET_TX_DONE, .id = N });
	assert_int_equal(port.n_tx_free, 1);
	assert_int_equal(breaches, 2);
	p.tot_len = 1519;
	assert_int_equal(netif.linkoutput(&netif, &p), ERR_MEM);
	p.tot_len = 13;
	assert_int_equal(netif.linkoutput(&netif, &p), ERR_MEM);
}

static err_t input_refuses(struct pbuf *p, struct netif *n)
{
	(void)p, (void)n;
	return ERR_MEM;
}

/* Takes both frames of one signal; a frame that lwIP refuses is freed. */
static void all_that_is_there_is_taken(void **state)
{
	const struct net_desc a = { .op = NET_RX, .id = 1, .offset = SIZE, .length = 60 },
			      b = { .op = NET_RX, .id = 2, .offset = 2 * SIZE, .length = 60 },
			      c = { .op = NET_RX, .id = 3, .offset = 3 * SIZE, .length = 60 };
	struct net_desc last;

	(void)state;
	(void)taken(&last, NET_RX_POST);
	assert_int_equal(ring_put(&rsp, &a, sizeof(a)), 0);
	gives(b);
	assert_int_equal(n_frames, 2);
	netif.input = input_refuses;
	gives(c);
	assert_int_equal(n_pbufs, 0);
	assert_int_equal(taken(&last, NET_RX_POST), 3);
}

/* Sent and received frames use different halves of the memory. */
static void two_halves(void **state)
{
	struct pbuf *pb = pbuf_alloc(PBUF_RAW, 60, PBUF_POOL);
	struct net_desc last;

	(void)state;
	(void)taken(&last, NET_RX_POST);
	assert_int_equal(netif.linkoutput(&netif, pb), ERR_OK);
	assert_int_equal(taken(&last, NET_TX), 1);
	assert_true(last.offset >= N * SIZE && last.offset <= DATA - SIZE);
	pbuf_free(pb);
	conn.data_size = 2 * N * SIZE - 1;
	memset(&port, 0, sizeof(port));
	port.conn = &conn;
	assert_int_equal(port_if_init(&netif), ERR_MEM);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(buffers_come_round_whatever_is_in_them, setup),
		cmocka_unit_test_setup(without_memory_too, setup),
		cmocka_unit_test_setup(a_full_ring_loses_no_buffer, setup),
		cmocka_unit_test_setup(sending, setup),
		cmocka_unit_test_setup(all_that_is_there_is_taken, setup),
		cmocka_unit_test_setup(two_halves, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
