/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netif_fuzz.c - arbitrary transmit and receive rings: frames for the switch lie inside the
 * region, and frames for the guest go only into its grants
 */
#include "device.h"
#include "fuzz.h"

static struct front front;

static void connect_again(uint8_t mode)
{
	fake_xs_set(VIF_FE "/state", "6");
	fake_xs_set(VIF_FE "/state", "1");
	MUST(strcmp(fake_xs_get(VIF_BE "/state"), "2") == 0);
	memset(at(RING_PAGE * SK_PAGE_SIZE), 0, 8192);
	ring_word(RING_PAGE, 4, 1);
	ring_word(RING_PAGE + 1, 4, 1);
	fake_xs_set(VIF_FE "/feature-sg", mode & 16 ? "1" : "0");
	fake_xs_set(VIF_FE "/feature-gso-tcpv4", mode & 32 ? "1" : "0");
	fake_xs_set(VIF_FE "/feature-no-csum-offload", mode & 64 ? "1" : "0");
	fake_xs_set(VIF_FE "/state", "4");
	MUST(strcmp(fake_xs_get(VIF_BE "/state"), "4") == 0);
}

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_quiet = true;
	fake_guest();
	vif_make();
	vif_connect(&front, true);
	return 0;
}

static struct {
	uint32_t id, length;
	uint64_t offset;
} posted[256];
static uint32_t n_posted;

static void frame_sent(const struct net_desc *d)
{
	struct net_desc done = { .op = NET_TX_DONE, .id = d->id };

	MUST(net_tx_legal(d, 1048576));
	MUST(ring_put(&net->rsp, &done, sizeof(done)) == 0);
}

static void switch_run(struct feed *f)
{
	struct net_desc d;
	uint8_t what;

	while (ring_get(&net->req, &d, sizeof(d)) == sizeof(d)) {
		if (d.op == NET_RX_POST) {
			MUST(d.offset <= 1048576 && d.length <= 1048576 - d.offset &&
				n_posted < 256);
			posted[n_posted].id = d.id;
			posted[n_posted].length = d.length;
			posted[n_posted++].offset = d.offset;
		} else {
			frame_sent(&d);
		}
	}
	what = feed8(f);
	if (n_posted && what & 1) {
		struct net_desc rx = { .op = what & 2 ? NET_RX_MORE : NET_RX,
			.id = posted[0].id,
			.offset = posted[0].offset };

		rx.length = what & 4 ? feed16(f) : 1 + feed16(f) % posted[0].length;
		rx.more = what & 8 ? feed8(f) % 20 : 0;
		rx.flags = feed8(f) & 15;
		rx.csum_start = feed8(f);
		rx.csum_offset = feed8(f);
		rx.gso_size = feed16(f);
		MUST(ring_put(&net->rsp, &rx, sizeof(rx)) == 0);
		memmove(posted, posted + 1, --n_posted * sizeof(posted[0]));
	}
	ring_get_flush(&net->req);
	ring_put_flush(&net->rsp);
	fake_event(net);
	fake_io_run();
	if (what & 16) /* the clock of a ring that is polled */
		fake_time_passes(100);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = { data, size };
	uint8_t mode = feed8(&f);
	uint32_t i, prod;

	if ((mode & 15) == 0 || strcmp(fake_xs_get(VIF_BE "/state"), "4"))
		connect_again(mode);
	grants_make();
	for (i = mode >> 6; i; i--)
		grant_give(DATA_PAGE + feed8(&f) % 16, feed16(&f), feed8(&f), feed8(&f) & 1);
	feed_copy(&f, at(DATA_PAGE * SK_PAGE_SIZE), 80); /* headers of a frame */
	prod = ring_word_get(RING_PAGE + 1, 8) + feed8(&f);
	for (i = ring_word_get(RING_PAGE + 1, 8); i != prod && f.left > 64; i++)
		feed_copy(&f, ring_entry(RING_PAGE + 1, i, 8, 256), 8);
	ring_word(RING_PAGE + 1, 0, prod);
	prod = ring_word_get(RING_PAGE, 8) + feed8(&f);
	for (i = ring_word_get(RING_PAGE, 8); i != prod && f.left; i++)
		feed_copy(&f, ring_entry(RING_PAGE, i, 12, 256), 12);
	ring_word(RING_PAGE, 0, prod);
	guest_send(front.port);
	for (i = 0; i < 4; i++)
		switch_run(&f);
	return 0;
}
