/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port_test.c - what reaches a port, depending on the buffers and offloads behind it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "port.h"

enum { DATA = 256 << 10, RING = 20480 };

static struct svc_conn conn;
static struct ring reader; /* the other end of the port's outgoing ring */
static void *ring_mem;
static unsigned int kills, signals, turns;

void svc_conn_kill(struct svc_conn *c, const char *why)
{
	(void)why;
	c->dead = true;
	kills++;
}
void svc_resume(struct svc_conn *c)
{
	(void)c;
	turns++;
}
void svc_signal(struct svc_conn *c)
{
	(void)c;
	signals++;
}

static int setup(void **state)
{
	(void)state;
	ring_mem = aligned_alloc(4096, RING);
	memset(ring_mem, 0, RING);
	memset(&conn, 0, sizeof(conn));
	conn.data = calloc(1, DATA);
	conn.data_size = DATA;
	kills = signals = turns = 0;
	return ring_init(&conn.rsp, ring_mem, RING, RING_SERVICE_PUTS, 0) ||
	       ring_init(&conn.req, ring_mem, RING, RING_CLIENT_PUTS, 0) ||
	       ring_init(&reader, ring_mem, RING, RING_CLIENT_GETS, 0);
}

static int teardown(void **state)
{
	(void)state;
	free(conn.data);
	free(ring_mem);
	return 0;
}

static unsigned int received(struct net_desc *last)
{
	unsigned int n = 0;

	while (ring_get(&reader, last, sizeof(*last)) == sizeof(*last))
		n++;
	return n;
}

static void post_large(struct port *p, uint32_t id, uint32_t length, uint16_t gso)
{
	const struct port_buffer b = { id, length, id * 2048ull, gso };

	assert_int_equal(port_buffer_push(p, &b), 0);
}

static void post(struct port *p, uint32_t id, uint32_t length) { post_large(p, id, length, 0); }

static void plain_frame(void **state)
{
	static struct port p;
	uint8_t bytes[100] = "frame";
	struct frame f = { .bytes = bytes, .length = 100 };
	struct net_desc d;

	(void)state;
	port_init(&p, &conn, "vif1.0", 0);
	port_deliver(&p, &f); /* without a buffer the frame is lost and counted */
	assert_int_equal(p.dropped, 1);
	post(&p, 5, 2048);
	port_deliver(&p, &f);
	port_flush(&p);
	assert_int_equal(received(&d), 1);
	assert_int_equal(d.op, NET_RX);
	assert_int_equal(d.id, 5);
	assert_int_equal(d.length, 100);
	assert_memory_equal(conn.data + 5 * 2048, "frame", 5);
	assert_int_equal(p.n_buffers, 0);
}

static void too_many_buffers(void **state)
{
	static struct port p;
	const struct port_buffer b = { 0, 2048, 0, 0 };

	(void)state;
	port_init(&p, &conn, "vif1.0", 0);
	for (unsigned int i = 0; i < NET_DEPTH; i++)
		assert_int_equal(port_buffer_push(&p, &b), 0);
	assert_int_equal(port_buffer_push(&p, &b), -SK_E_PEER);
}

static void checksum_made_for_a_receiver_that_cannot(void **state)
{
	static struct port p;
	uint8_t bytes[100] = { 0 };
	struct frame f = { .bytes = bytes,
		.length = 100,
		.flags = NET_CSUM_BLANK,
		.csum_start = 34,
		.csum_offset = 6 };
	struct net_desc d;

	(void)state;
	port_init(&p, &conn, "vif1.0", 0);
	post(&p, 0, 2048);
	port_deliver(&p, &f);
	assert_int_equal(bytes[40], 0); /* unchanged, because other ports get it, too */
	port_init(&p, &conn, "vif1.0", NET_CSUM_BLANK);
	post(&p, 1, 2048);
	port_deliver(&p, &f);
	port_flush(&p);
	assert_int_equal(ring_get(&reader, &d, sizeof(d)), sizeof(d));
	assert_int_equal(d.flags, NET_CSUM_VALID);
	assert_int_equal(conn.data[40], 0xff);
	assert_int_equal(ring_get(&reader, &d, sizeof(d)), sizeof(d));
	assert_int_equal(d.flags, NET_CSUM_BLANK);
	assert_int_equal(d.csum_start, 34);
}

static void segments_for_small_buffers(void **state)
{
	static struct port p;
	static uint8_t bytes[8000];
	struct frame f = { .bytes = bytes,
		.length = 54 + 4000,
		.flags = NET_CSUM_BLANK | NET_GSO_TCPV4,
		.csum_start = 34,
		.csum_offset = 16,
		.gso_size = 1000 };
	struct net_desc d;

	(void)state;
	bytes[12] = 8;
	bytes[14] = 0x45;
	bytes[23] = 6;
	bytes[46] = 0x50;
	port_init(&p, &conn, "vif1.0", NET_CSUM_BLANK | NET_GSO_TCPV4);
	for (uint32_t i = 0; i < 8; i++)
		post(&p, i, 2048);
	port_deliver(&p, &f);
	port_flush(&p);
	assert_int_equal(received(&d), 4);
	assert_int_equal(d.flags, NET_CSUM_VALID);
	assert_int_equal(p.n_buffers, 4);
	p.n_buffers = 0;
	post_large(&p, 0, 65536, NET_GSO_TCPV4); /* large enough for the whole frame */
	port_deliver(&p, &f);
	port_flush(&p);
	assert_int_equal(received(&d), 1);
	assert_int_equal(d.flags, f.flags);
	assert_int_equal(d.length, 4054);
	assert_int_equal(d.more, 0);
}

static struct frame gso_frame(uint8_t *bytes, uint32_t length)
{
	memset(bytes, 'g', length);
	memset(bytes, 0, 60);
	bytes[12] = 8;
	bytes[14] = 0x45;
	bytes[23] = 6;
	bytes[46] = 0x50;
	return (struct frame){ .bytes = bytes,
		.length = length,
		.flags = NET_CSUM_BLANK | NET_GSO_TCPV4,
		.csum_start = 34,
		.csum_offset = 16,
		.gso_size = 1000 };
}

/* A frame of 4050 bytes over buffers of 1600, in the order in which they were posted. */
static void one_frame_in_several_buffers(void **state)
{
	static struct port p;
	static uint8_t bytes[8000];
	struct frame f = gso_frame(bytes, 4050);
	struct net_desc d;

	(void)state;
	bytes[4049] = 'z';
	port_init(&p, &conn, "vif1.0", NET_CSUM_BLANK | NET_GSO);
	for (uint32_t i = 0; i < 5; i++)
		post_large(&p, 4 - i, 1600, NET_GSO);
	port_deliver(&p, &f);
	port_flush(&p);
	assert_int_equal(ring_get(&reader, &d, sizeof(d)), sizeof(d));
	assert_true(d.op == NET_RX && d.id == 4 && d.length == 4050 && d.more == 2);
	assert_true(d.flags == f.flags && d.gso_size == 1000 && net_rx_legal(&d));
	for (uint32_t id = 3; id > 1; id--) {
		assert_int_equal(ring_get(&reader, &d, sizeof(d)), sizeof(d));
		assert_true(d.op == NET_RX_MORE && d.id == id && d.offset == id * 2048);
	}
	assert_int_equal(received(&d), 0);
	assert_int_equal(p.n_buffers, 2);
	assert_true(p.rx_frames == 1 && p.rx_bytes == 4050);
	assert_memory_equal(conn.data + 4 * 2048, bytes, 1600);
	assert_int_equal(conn.data[4 * 2048 + 1600], 0); /* nothing beyond the buffer */
	assert_memory_equal(conn.data + 3 * 2048, bytes + 1600, 1600);
	assert_memory_equal(conn.data + 2 * 2048, bytes + 3200, 850);
	assert_int_equal(conn.data[2 * 2048 + 850], 0);
}

/* It is cut up if one of the buffers does not allow its kind, or if they are not enough. */
static void large_frames_that_do_not_fit(void **state)
{
	static const uint16_t kinds[] = { 0, NET_GSO_TCPV6 };
	static struct port p;
	static uint8_t bytes[NET_FRAME_MAX];
	struct frame f = gso_frame(bytes, 4054);
	struct net_desc d;

	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		port_init(&p, &conn, "vif1.0", NET_CSUM_BLANK | NET_GSO);
		for (uint32_t id = 0; id < 4; id++)
			post_large(&p, id, 1600, id == 1 ? kinds[i] : NET_GSO);
		port_deliver(&p, &f);
		port_flush(&p);
		assert_int_equal(received(&d), 4);
		assert_true(d.flags == NET_CSUM_VALID && d.length == 1054);
	}
	port_init(&p, &conn, "vif1.0", NET_CSUM_BLANK | NET_GSO);
	post_large(&p, 0, 1600, NET_GSO);
	post_large(&p, 1, 1600, NET_GSO);
	port_deliver(&p, &f);
	port_flush(&p);
	assert_int_equal(received(&d), 2);
	assert_int_equal(p.dropped, 2); /* of four pieces */
	/* so small buffers are too many records for one frame */
	port_init(&p, &conn, "vif1.0", NET_CSUM_BLANK | NET_GSO);
	f = gso_frame(bytes, NET_FRAME_MAX);
	for (uint32_t id = 0; id < 100; id++)
		post_large(&p, id, 1600, NET_GSO);
	port_deliver(&p, &f);
	port_flush(&p);
	assert_int_equal(received(&d), 66);
}

/*
 * The port wants to hear of each buffer only when it has few; then it looks for those that came
 * quietly.
 */
static void patience_depends_on_buffers(void **state)
{
	static struct port p;
	uint8_t bytes[100] = "frame";
	struct frame f = { .bytes = bytes, .length = 100 };

	(void)state;
	port_init(&p, &conn, "vif1.0", 0);
	for (uint32_t i = 0; i < PORT_BUFFERS_FEW; i++) {
		assert_false(conn.patient);
		post(&p, i, 2048);
	}
	assert_true(conn.patient);
	assert_int_equal(turns, 0);
	port_deliver(&p, &f);
	assert_false(conn.patient);
	assert_int_equal(turns, 1);
	port_deliver(&p, &f);
	assert_int_equal(turns, 1);
}

static void large_frame_without_room_in_the_ring(void **state)
{
	static struct port p;
	static uint8_t bytes[4050];
	struct frame f = gso_frame(bytes, 4050);
	struct net_desc d = { .op = NET_RX };

	(void)state;
	port_init(&p, &conn, "vif1.0", NET_CSUM_BLANK | NET_GSO);
	for (uint32_t i = 0; i < 3; i++)
		post_large(&p, i, 1600, NET_GSO);
	while (ring_room(&conn.rsp, sizeof(d), 3))
		assert_int_equal(ring_put(&conn.rsp, &d, sizeof(d)), 0);
	port_deliver(&p, &f);
	assert_true(p.dropped == 1 && p.n_buffers == 3); /* all of it, or nothing */
}

static void uplink(void **state)
{
	static struct port p;
	struct net_desc d;
	struct port_buffer rx, tx;
	uint8_t bytes[100] = { 0 };
	struct frame f = { .bytes = bytes, .length = 100, .flags = NET_CSUM_VALID };

	(void)state;
	port_init(&p, &conn, "uplink", NET_CSUM_BLANK);
	p.uplink = conn.channel = true;
	assert_true(port_uplink_buffers(
		&p, 63, &rx, &tx)); /* half of the region, in buffers of 2 KiB */
	assert_int_equal(tx.offset, DATA - 2048);
	assert_false(port_uplink_buffers(&p, 64, &rx, &tx));
	assert_false(port_uplink_buffers(&p, UINT32_MAX, &rx, &tx));
	assert_true(port_uplink_buffers(&p, 5, &rx, &tx));
	assert_int_equal(port_buffer_push(&p, &tx), 0);
	port_deliver(&p, &f);
	port_flush(&p);
	assert_int_equal(received(&d), 1);
	assert_int_equal(d.op, NET_TX);
	assert_int_equal(d.id, 5);
	assert_int_equal(d.offset, DATA / 2 + 5 * 2048);
	assert_int_equal(d.flags, 0);
	assert_true(p.sent[5]);
}

/*
 * The client loses frames but keeps its buffers and its port, and gets frames again once it
 * reads.
 */
static void client_that_does_not_read(void **state)
{
	static struct port p;
	uint8_t bytes[100] = { 0 };
	struct frame f = { .bytes = bytes, .length = 100 };
	struct net_desc d;
	unsigned int n = 0;

	(void)state;
	port_init(&p, &conn, "vif1.0", 0);
	while (!p.dropped) {
		post(&p, n++ % 64, 2048);
		port_deliver(&p, &f);
	}
	assert_int_equal(kills, 0);
	assert_int_equal(p.n_buffers, 1);
	port_flush(&p);
	assert_int_equal(received(&d), n - 1);
	(void)ring_get_flush(&reader);
	port_deliver(&p, &f);
	port_flush(&p);
	assert_int_equal(received(&d), 1);
	assert_int_equal(d.id, (n - 1) % 64);
}

static void frames_to_all_are_rationed(void **state)
{
	enum { EACH = 1000, HZ = EACH * PORT_FLOOD_RATE };
	static struct port p;
	struct frame f = { .length = 1500 };
	uint32_t i;

	(void)state;
	memset(&p, 0, sizeof(p));
	for (i = 0; i < PORT_FLOOD_BURST; i++)
		assert_true(port_may_flood(&p, &f, 5, HZ));
	assert_false(port_may_flood(&p, &f, 5, HZ));
	assert_false(port_may_flood(&p, &f, 4 + EACH, HZ));
	assert_int_equal(p.storm, 2);
	assert_true(port_may_flood(&p, &f, 5 + EACH, HZ)); /* 1/2000 s allows one more frame */
	assert_false(port_may_flood(&p, &f, 5 + EACH, HZ));
	/* a long pause allows one burst, and no more */
	for (i = 0; i < PORT_FLOOD_BURST; i++)
		assert_true(port_may_flood(&p, &f, 1000 * (sk_time_t)HZ, HZ));
	assert_false(port_may_flood(&p, &f, 1000 * (sk_time_t)HZ, HZ));
}

static void pieces_are_rationed(void **state)
{
	static struct port p;
	struct frame f = { .length = 60000, .flags = NET_GSO_TCPV4, .gso_size = 60 };

	(void)state;
	memset(&p, 0, sizeof(p));
	assert_true(port_may_flood(&p, &f, 0, PORT_FLOOD_RATE));
	assert_int_equal(p.flood_paid, 1001);
	assert_false(port_may_flood(&p, &f, 489, PORT_FLOOD_RATE));
	assert_true(port_may_flood(&p, &f, 490, PORT_FLOOD_RATE));
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(plain_frame),
		CASE(too_many_buffers),
		CASE(checksum_made_for_a_receiver_that_cannot),
		CASE(segments_for_small_buffers),
		CASE(one_frame_in_several_buffers),
		CASE(large_frames_that_do_not_fit),
		CASE(large_frame_without_room_in_the_ring),
		CASE(patience_depends_on_buffers),
		CASE(uplink),
		CASE(client_that_does_not_read),
		CASE(frames_to_all_are_rationed),
		CASE(pieces_are_rationed),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
