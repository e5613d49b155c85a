/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net_large_test.c - GSO frames in several buffers of the switch, and wrong ones
 */
#include "netfront.h"
#include "case.h"

enum { LARGE = NET_CSUM_BLANK | NET_GSO_TCPV4, PIECE = 4096, MSS = 1448 };

static void piece_put(const struct net_desc *d)
{
	CHECK_EQ(ring_put(&net->rsp, d, sizeof(*d)), 0);
}

static void arrive(void)
{
	ring_put_flush(&net->rsp);
	fake_event(net);
	fake_io_run();
}

/* Take the next buffer of the switch, and fill it with a letter. */
static struct posted piece_fill(char with)
{
	struct posted p = posted[0];

	CHECK(n_posted && p.length == PIECE);
	memset(net->c.data + p.offset, with, PIECE);
	memmove(posted, posted + 1, --n_posted * sizeof(posted[0]));
	return p;
}

/* The first record of a frame that goes over `more` further buffers. */
static void begin(uint32_t length, uint16_t more)
{
	struct posted p = piece_fill('a');
	const struct net_desc d = { .op = NET_RX,
		.flags = LARGE,
		.id = p.id,
		.offset = p.offset,
		.length = length,
		.csum_start = 34,
		.csum_offset = 16,
		.gso_size = MSS,
		.more = more };

	piece_put(&d);
}

static void go_on(char with)
{
	struct posted p = piece_fill(with);

	piece_put(&(struct net_desc){ .op = NET_RX_MORE, .id = p.id, .offset = p.offset });
}

/* The answers to the slots of one frame: their bytes in all, or 0 if there are none. */
static uint32_t frame_taken(const char *letters)
{
	struct netif_rx_response r = rx_answer();
	uint32_t length = 0, slot = net_front.rx_rsp_cons - 1;

	if (r.status == 99)
		return 0;
	CHECK(r.flags & NETRXF_extra_info && r.flags & NETRXF_csum_blank);
	for (;; slot = net_front.rx_rsp_cons - 1) {
		CHECK(r.status > 0 && r.id == (slot & 255));
		CHECK_EQ(*(char *)at((DATA_PAGE + slot % DATA_PAGES) * SK_PAGE_SIZE),
			*letters++);
		length += (uint32_t)r.status;
		if (r.flags & NETRXF_extra_info) {
			struct netif_rx_response x = rx_answer();

			CHECK_EQ(((struct netif_extra_info *)&x)->u.gso.size, MSS);
		}
		if (!(r.flags & NETRXF_more_data))
			return length;
		r = rx_answer();
	}
}

static void ready(void)
{
	vif(true);
	(void)posted_count();
	rx_buffers(60);
}

CASE(large_frame_in_several_buffers)
{
	unsigned int left;

	ready();
	CHECK_EQ(posted[0].flags, NET_GSO_TCPV4); /* as the front end says */
	begin(2 * PIECE + 100, 2);
	go_on('b');
	go_on('c');
	arrive();
	CHECK_EQ(frame_taken("abc"), 2 * PIECE + 100);
	left = n_posted;
	CHECK(!sent(&(struct net_desc){ 0 }));
	CHECK_EQ(n_posted, left + 3);
	/* the largest one */
	begin(NET_FRAME_MAX, 16);
	for (int i = 0; i < 16; i++)
		go_on('b');
	arrive();
	CHECK_EQ(frame_taken("abbbbbbbbbbbbbbbb"), NET_FRAME_MAX);
	CHECK_EQ(posted_count(), 17);
}

/* The guest gets a frame when all of it is there. */
CASE(large_frame_waits_for_its_rest)
{
	ready();
	begin(PIECE + 1, 1);
	arrive();
	CHECK_EQ(frame_taken(""), 0);
	go_on('b');
	begin(PIECE, 0);
	arrive();
	CHECK_EQ(frame_taken("ab"), PIECE + 1);
	CHECK_EQ(frame_taken("a"), PIECE);
	CHECK_EQ(frame_taken(""), 0);
}

/* A frame whose description is wrong is lost with all its buffers, which are posted again. */
static void lost(uint32_t length, uint16_t more)
{
	unsigned int n;

	n_posted = 0;
	ready();
	n = n_posted;
	begin(length, more);
	for (int i = 0; i < more && i < 20; i++)
		go_on('b');
	arrive();
	CHECK_EQ(frame_taken(""), 0);
	CHECK_EQ(n_posted + (unsigned int)(more < 20 ? more : 20) + 1, n);
	(void)posted_count();
	CHECK_EQ(n_posted, (unsigned int)(more < 20 ? more : 20) + 1);
	begin(PIECE, 0); /* the next one is not */
	arrive();
	CHECK_EQ(frame_taken("a"), PIECE);
}

CASE(large_frame_with_too_many_buffers) { lost(PIECE, 1); }
CASE(large_frame_with_too_few_buffers) { lost(3 * PIECE, 1); }
CASE(large_frame_that_is_too_large) { lost(NET_FRAME_MAX + 1, 16); }
CASE(large_frame_of_65536_buffers) { lost(PIECE, UINT16_MAX); }

CASE(large_frame_without_gso)
{
	struct posted p;

	ready();
	p = piece_fill('a');
	piece_put(&(struct net_desc){
		.op = NET_RX, .id = p.id, .offset = p.offset, .length = 1518, .more = 1 });
	go_on('b');
	arrive();
	CHECK_EQ(rx_answer().status, 99);
}

/* The next frame begins before all buffers of the one before have come. */
CASE(large_frame_that_does_not_end)
{
	ready();
	begin(4 * PIECE, 3);
	go_on('b');
	begin(PIECE, 0);
	go_on('c'); /* nothing is to continue */
	arrive();
	CHECK_EQ(frame_taken("a"), PIECE);
	CHECK_EQ(frame_taken(""), 0);
	CHECK_EQ(posted_count(), 4);
}

/* A restart of the switch takes the rest with it, but not a frame that waits for the guest. */
CASE(large_frame_and_a_restart)
{
	unsigned int all;

	vif(true);
	all = posted_count();
	begin(PIECE, 0);
	begin(3 * PIECE, 2);
	go_on('b');
	arrive();
	fake_restart(net);
	CHECK_EQ(posted_count(), all - 1);
	rx_buffers(60);
	CHECK_EQ(frame_taken("a"), PIECE);
	CHECK_EQ(frame_taken(""), 0);
	CHECK_EQ(posted_count(), 1);
}

CASE(guest_without_large_frames)
{
	vif(false);
	(void)posted_count();
	CHECK(posted[0].flags == 0 && posted[0].length == 1536);
}

int net_large_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(large_frame_in_several_buffers),
		cmocka_unit_test(large_frame_waits_for_its_rest),
		cmocka_unit_test(large_frame_with_too_many_buffers),
		cmocka_unit_test(large_frame_with_too_few_buffers),
		cmocka_unit_test(large_frame_that_is_too_large),
		cmocka_unit_test(large_frame_of_65536_buffers),
		cmocka_unit_test(large_frame_without_gso),
		cmocka_unit_test(large_frame_that_does_not_end),
		cmocka_unit_test(large_frame_and_a_restart),
		cmocka_unit_test(guest_without_large_frames),
	};

	return cmocka_run_group_tests_name("net_large", tests, NULL, NULL);
}
