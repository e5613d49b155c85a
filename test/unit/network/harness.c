/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.c - a switch with a card and two ports
 */
#include "harness.h"

#include "frame.h" /* the driver's own check */

struct peer nic, a, b;
uint32_t got, n_done, n_refused;
struct net_desc last;

void open_port(struct peer *p, uint8_t number)
{
	struct net_params q = { .bridge = "xenbr0", .mac = { 0, 0x16, 0x3e, 0, 0, number } };

	snprintf(q.name, sizeof(q.name), "vif%u.0", number);
	assert_int_equal(world_open(p, SVC_PROTO_NET, number, &q, sizeof(q), DATA), 0);
	for (uint32_t i = 0; i < BUFFERS; i++) {
		struct net_desc d = { .op = NET_RX_POST,
			.id = i,
			.offset = RX_AT + i * RX_SIZE,
			.length = RX_SIZE };

		peer_put(p, &d, sizeof(d));
	}
	peer_flush(p);
}

void post(struct peer *p, const struct net_desc *rx)
{
	struct net_desc d = {
		.op = NET_RX_POST, .id = rx->id, .offset = rx->offset, .length = RX_SIZE
	};

	peer_put(p, &d, sizeof(d));
}

void drain(struct peer *p)
{
	struct net_desc d;

	got = n_done = n_refused = 0;
	while (peer_take(p, &d, sizeof(d))) {
		if (d.op == NET_RX && d.length) {
			assert_true(net_frame_legal(&d));
			last = d;
			got++;
			post(p, &d);
		} else if (d.flags) {
			assert_int_equal(d.flags, SK_E_INVAL);
			n_refused++;
		} else {
			n_done++;
		}
	}
	peer_flush(p);
}

void card_drain(void)
{
	struct net_desc d;

	got = 0;
	while (peer_take(&nic, &d, sizeof(d))) {
		struct net_desc done = { .op = NET_TX_DONE, .id = d.id };

		assert_int_equal(frame_check(&d, nic.data_size, NET_CSUM_BLANK), 0);
		if (d.op != NET_TX)
			continue;
		last = d;
		got++;
		peer_put(&nic, &done, sizeof(done));
	}
	peer_flush(&nic);
}

void start(void)
{
	world_channel(&nic, "nic", SVC_PROTO_NET, 2 * UPLINK_HALF);
	world_arg("nic-offloads=13"); /* all offloads */
	world_start();
	card_drain();
	open_port(&a, 1);
	open_port(&b, 2);
}

void frame_make(struct peer *p)
{
	memset(p->data, 0, 200);
	memset(p->data, 0xff, 6);
	memcpy(p->data + 6, (uint8_t[]){ 0, 0x16, 0x3e, 0, 0, p == &a ? 1 : 2 }, 6);
	p->data[12] = 8;
	p->data[14] = 0x45;
	p->data[23] = 6;
	p->data[46] = 0x50;
}

bool sent(struct net_desc d)
{
	d.op = NET_TX;
	world.now += WORLD_HZ; /* below the limit of broadcasts */
	peer_put(&a, &d, sizeof(d));
	peer_flush(&a);
	drain(&a);
	assert_int_equal(n_done + n_refused, 1);
	assert_false(peer_dead(&a));
	return n_done;
}

void from_card(struct net_desc d)
{
	peer_put(&nic, &d, sizeof(d));
	peer_signal(&nic);
}

void goes_on(void)
{
	frame_make(&a);
	world.now += WORLD_HZ;
	assert_true(sent((struct net_desc){ .length = 60 }));
	drain(&b);
	assert_int_equal(got, 1);
	card_drain();
	assert_int_equal(got, 1);
}
