/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netfront.c - a front end for one network interface, and the switch behind its back end
 */
#include "netfront.h"
#include "case.h"

struct front net_front;

void vif(bool offloads)
{
	fake_guest();
	log_quiet = true;
	vif_make();
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "2") == 0);
	vif_connect(&net_front, offloads);
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "4") == 0);
}

struct posted posted[256];
unsigned int n_posted;

bool sent(struct net_desc *d)
{
	bool got = false;

	while (!got && ring_get(&net->req, d, sizeof(*d)) == sizeof(*d)) {
		if (d->op == NET_RX_POST) {
			posted[n_posted].id = d->id;
			posted[n_posted].flags = d->flags;
			posted[n_posted].length = d->length;
			posted[n_posted++].offset = d->offset;
		} else {
			got = true;
		}
	}
	ring_get_flush(&net->req);
	return got;
}

void rx_buffers(uint32_t n)
{
	while (n--) {
		struct netif_rx_request r = { .id = (uint16_t)(net_front.rx_req_prod & 255) };

		r.gref = DATA_PAGE + net_front.rx_req_prod % DATA_PAGES;
		memcpy(ring_entry(RX, net_front.rx_req_prod++, 8, 256), &r, sizeof(r));
	}
	ring_word(RX, 0, net_front.rx_req_prod);
	guest_send(net_front.port);
}

struct netif_rx_response rx_answer(void)
{
	struct netif_rx_response r = { .status = 99 };

	if (ring_word_get(RX, 8) != net_front.rx_rsp_cons)
		memcpy(&r, ring_entry(RX, net_front.rx_rsp_cons++, 8, 256), sizeof(r));
	return r;
}

void frame_in(uint16_t flags, uint32_t length, uint16_t gso)
{
	bool blank = flags & NET_CSUM_BLANK;
	struct net_desc d = { .op = NET_RX,
		.flags = flags,
		.length = length,
		.gso_size = gso,
		.csum_start = blank ? 34 : 0,
		.csum_offset = blank ? 16 : 0 };

	sent(&(struct net_desc){ 0 });
	CHECK(n_posted);
	d.id = posted[0].id;
	d.offset = posted[0].offset;
	memset(net->c.data + d.offset, 'f', length < 4096 ? length : 4096);
	memset(net->c.data + d.offset, 0, 14);
	memmove(posted, posted + 1, --n_posted * sizeof(posted[0]));
	CHECK_EQ(ring_put(&net->rsp, &d, sizeof(d)), 0);
	ring_put_flush(&net->rsp);
	fake_event(net);
	fake_io_run();
}

unsigned int posted_count(void)
{
	bool seen[256] = { false };
	unsigned int n = 0;
	struct net_desc d;

	n_posted = 0;
	CHECK(!sent(&d));
	for (; n < n_posted; n++) {
		CHECK(posted[n].id < 128 && !seen[posted[n].id]);
		seen[posted[n].id] = true;
	}
	return n;
}

void tx_put(uint32_t ref, uint16_t offset, uint16_t flags, uint16_t id, uint16_t size)
{
	struct netif_tx_request r = {
		.gref = ref, .offset = offset, .flags = flags, .id = id, .size = size
	};

	memcpy(ring_entry(RING_PAGE, net_front.req_prod++, 12, 256), &r, sizeof(r));
}

void tx_push(void)
{
	ring_word(RING_PAGE, 0, net_front.req_prod);
	guest_send(net_front.port);
}

int tx_answer(uint16_t *id)
{
	struct netif_tx_response r;

	if (ring_word_get(RING_PAGE, 8) == net_front.rsp_cons)
		return 99;
	memcpy(&r, ring_entry(RING_PAGE, net_front.rsp_cons++, 12, 256), sizeof(r));
	if (id)
		*id = r.id;
	return r.status;
}

void tx_done(const struct net_desc *d)
{
	struct net_desc r = { .op = NET_TX_DONE, .id = d->id };

	CHECK_EQ(ring_put(&net->rsp, &r, sizeof(r)), 0);
	ring_put_flush(&net->rsp);
	fake_event(net);
	fake_io_run();
}
