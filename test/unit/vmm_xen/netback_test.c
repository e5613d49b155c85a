/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * netback_test.c - network interfaces: packets both ways, and malformed packets
 */
#include "netfront.h"
#include "case.h"

#include "backend/ethernet.h"
#include "backend/netback.h"
#include "base/error.h"

static void extra(uint8_t type, uint8_t flags, uint16_t size, uint8_t gso)
{
	struct netif_extra_info e = { .type = type, .flags = flags };

	e.u.gso.size = size;
	e.u.gso.type = gso;
	memcpy(ring_entry(RING_PAGE, net_front.req_prod++, 12, 256), &e, sizeof(e));
}

/* Put an IPv4 packet into the guest's page. */
static void ipv4_frame(uint32_t page, uint8_t proto)
{
	uint8_t *f = at(page * SK_PAGE_SIZE);

	memset(f, 0, 128);
	f[12] = 8;
	f[14] = 0x45;
	f[23] = proto;
}

CASE(features_are_shown)
{
	vif(true);
	CHECK(strcmp(fake_xs_get(VIF_BE "/feature-sg"), "1") == 0);
	CHECK(strcmp(fake_xs_get(VIF_BE "/feature-gso-tcpv4"), "1") == 0);
	CHECK(strcmp(fake_xs_get(VIF_BE "/feature-rx-copy"), "1") == 0);
	CHECK(strcmp(fake_xs_get(VIF_BE "/multi-queue-max-queues"), "1") == 0);
}

CASE(packet_goes_out)
{
	struct net_desc d;
	uint16_t id;

	vif(true);
	memset(at(32 * SK_PAGE_SIZE), 'a', 4096);
	memset(at(33 * SK_PAGE_SIZE), 'b', 4096);
	tx_put(32, 100, NETTXF_more_data, 5, 300); /* 300 in all: 200 here */
	tx_put(33, 0, 0, 6, 100);
	tx_push();
	CHECK(sent(&d));
	CHECK(d.op == NET_TX && d.length == 300 && d.flags == 0);
	CHECK(net->c.data[d.offset + 199] == 'a' && net->c.data[d.offset + 200] == 'b');
	CHECK(tx_answer(&id) == NETIF_RSP_OKAY && id == 5);
	CHECK(tx_answer(&id) == NETIF_RSP_OKAY && id == 6);
	CHECK(evtchn_pending(net_front.port));
}

CASE(frames_are_counted)
{
	struct vmctl_vif_stats s;
	struct net_desc d;

	vif(true);
	tx_put(32, 0, 0, 1, 100);
	tx_put(32, 0, 0, 2, 200);
	tx_put(32, 0, 0, 3, 5); /* too short */
	tx_push();
	CHECK(sent(&d) && sent(&d) && !sent(&d));
	rx_buffers(1);
	frame_in(0, 300, 0);
	frame_in(0, 400, 0); /* it waits for a buffer */
	netback_stats(vif_dev, &s);
	CHECK(s.tx_frames == 2 && s.tx_bytes == 300 && s.tx_dropped == 1);
	CHECK(s.rx_frames == 1 && s.rx_bytes == 300 && s.rx_dropped == 0);
	rx_buffers(1);
	netback_stats(vif_dev, &s);
	CHECK(s.rx_frames == 2 && s.rx_bytes == 700);
}

CASE(checksum_offload)
{
	struct net_desc d;

	vif(true);
	ipv4_frame(32, 6);
	tx_put(32, 0, NETTXF_csum_blank | NETTXF_data_validated, 1, 100);
	tx_push();
	CHECK(sent(&d));
	CHECK(d.flags == NET_CSUM_BLANK && d.csum_start == 34 && d.csum_offset == 16);
	tx_put(32, 0, NETTXF_data_validated, 1, 100);
	tx_push();
	CHECK(sent(&d) && d.flags == NET_CSUM_VALID);
	CHECK(tx_answer(NULL) == 0 && tx_answer(NULL) == 0);
	ipv4_frame(32, 1); /* ICMP has no checksum field that could be finished */
	tx_put(32, 0, NETTXF_csum_blank, 1, 100);
	tx_push();
	CHECK(!sent(&d));
	CHECK_EQ(tx_answer(NULL), NETIF_RSP_ERROR);
}

CASE(gso)
{
	struct net_desc d;
	uint16_t id;

	vif(true);
	ipv4_frame(32, 6);
	tx_put(32, 0, NETTXF_extra_info | NETTXF_more_data, 7, 6000);
	extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 1448, XEN_NETIF_GSO_TYPE_TCPV4);
	tx_put(33, 0, 0, 8, 3000);
	tx_push();
	CHECK(sent(&d));
	CHECK(d.length == 6000 && d.gso_size == 1448 &&
		d.flags == (NET_CSUM_BLANK | NET_GSO_TCPV4));
	CHECK(tx_answer(&id) == NETIF_RSP_OKAY && id == 7);
	CHECK(tx_answer(&id) == NETIF_RSP_NULL);
	CHECK(tx_answer(&id) == NETIF_RSP_OKAY && id == 8);
	for (uint16_t size = NET_GSO_MIN - 1; size <= NET_GSO_MIN; size++) {
		tx_put(32, 0, NETTXF_extra_info | NETTXF_more_data, 7, 6000);
		extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, size, XEN_NETIF_GSO_TYPE_TCPV4);
		tx_put(33, 0, 0, 8, 3000);
		tx_push();
		CHECK(sent(&d) == (size == NET_GSO_MIN));
		CHECK_EQ(tx_answer(NULL),
			size == NET_GSO_MIN ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
		while (tx_answer(NULL) != 99)
			continue;
	}
}

/*
 * A frame that is larger than a standard frame is refused here, before it reaches the switch.
 */
CASE(gso_sizes)
{
	struct net_desc d;

	vif(true);
	ipv4_frame(32, 6);
	for (uint32_t size = 0; size <= UINT16_MAX; size += size < 1600 ? 1 : 639) {
		bool legal = size >= NET_GSO_MIN && size <= NET_FRAME_STD - 54;

		tx_put(32, 0, NETTXF_extra_info | NETTXF_more_data, 7, 6000);
		extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, (uint16_t)size, XEN_NETIF_GSO_TYPE_TCPV4);
		tx_put(33, 0, 0, 8, 3000);
		tx_push();
		CHECK_EQ(sent(&d), legal);
		CHECK_EQ(tx_answer(NULL), legal ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
		while (tx_answer(NULL) != 99)
			continue;
		if (legal) {
			CHECK(net_tx_legal(&d, 1048576));
			tx_done(&d);
		}
	}
}

/* With a VLAN tag a frame has 1518 bytes. */
CASE(every_length)
{
	struct net_desc d;

	vif(true);
	for (uint16_t length = 0; length <= 2048; length++) {
		bool legal = length >= 14 && length <= 1518;

		tx_put(32, 0, 0, 1, length);
		tx_push();
		CHECK_EQ(sent(&d), legal);
		CHECK_EQ(tx_answer(NULL), legal ? NETIF_RSP_OKAY : NETIF_RSP_ERROR);
		if (legal) {
			CHECK_EQ(d.length, length);
			tx_done(&d);
		}
	}
}

CASE(bad_packets_are_answered)
{
	struct net_desc d;
	unsigned int i;

	vif(true);
	tx_put(32, 0, 0, 1, 13);    /* less than a header */
	tx_put(32, 0, 0, 1, 1519);  /* too long without GSO */
	tx_put(32, 4000, 0, 1, 97); /* beyond its page */
	tx_put(32, 65535, 0, 1, 60);
	tx_put(400, 0, 0, 1, 60); /* no grant */
	tx_push();
	CHECK(!sent(&d));
	CHECK(tx_answer(NULL) == -1 && tx_answer(NULL) == -1 && tx_answer(NULL) == -1 &&
		tx_answer(NULL) == -1 && tx_answer(NULL) == -1);
	tx_put(32, 0, NETTXF_more_data, 1, 100); /* parts larger than the whole */
	tx_put(33, 0, 0, 2, 200);
	tx_push();
	CHECK(tx_answer(NULL) == -1 && tx_answer(NULL) == -1);
	/* parts larger than the whole by a little more than 64 KiB */
	tx_put(32, 0, NETTXF_more_data, 1, 100);
	for (i = 0; i < 16; i++)
		tx_put(33, 0, NETTXF_more_data, 2, 4096);
	tx_put(33, 0, 0, 2, 50);
	tx_push();
	CHECK(!sent(&d));
	for (i = 0; i < 18; i++)
		CHECK_EQ(tx_answer(NULL), -1);
	ipv4_frame(32, 6);
	tx_put(32, 0, NETTXF_extra_info, 1, 200);
	extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 0, XEN_NETIF_GSO_TYPE_TCPV4);
	tx_push();
	CHECK(tx_answer(NULL) == -1 && tx_answer(NULL) == NETIF_RSP_NULL);
	tx_put(32, 0, NETTXF_extra_info, 1, 200);
	extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 100, 9);
	tx_push();
	CHECK(tx_answer(NULL) == -1 && tx_answer(NULL) == NETIF_RSP_NULL);
	tx_put(32, 0, NETTXF_extra_info, 1, 200);
	extra(XEN_NETIF_EXTRA_TYPE_MCAST_ADD, 0, 100, XEN_NETIF_GSO_TYPE_TCPV4);
	tx_push();
	CHECK(tx_answer(NULL) == -1 && tx_answer(NULL) == NETIF_RSP_NULL);
	tx_put(32, 0, NETTXF_extra_info, 1, 200);
	extra(XEN_NETIF_EXTRA_TYPE_GSO, 0, 100, XEN_NETIF_GSO_TYPE_TCPV6); /* it is IPv4 */
	tx_push();
	CHECK(tx_answer(NULL) == -1 && tx_answer(NULL) == NETIF_RSP_NULL);
	CHECK(!sent(&d));
	tx_put(32, 0, 0, 1, 60);
	tx_push();
	CHECK(sent(&d)); /* still alive */
}

static void breaks(void (*fn)(void))
{
	struct net_desc d;
	pid_t pid = fork();
	int status;

	if (pid == 0) {
		vif(true);
		fn();
		tx_push();
		CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "5") == 0);
		CHECK(!sent(&d));
		CHECK_EQ(ring_word_get(RING_PAGE, 8), 0); /* it was not answered */
		CHECK_EQ(((struct grant_entry_v1 *)xen_dom.grant_page[0].addr)[RING_PAGE].flags,
			GTF_permit_access);
		_exit(0);
	}
	CHECK(waitpid(pid, &status, 0) == pid);
	CHECK_EQ(status, 0);
}

static void cut_off(void) { tx_put(32, 0, NETTXF_more_data, 1, 100); }

static void extra_cut_off(void) { tx_put(32, 0, NETTXF_extra_info, 1, 100); }

static void too_many_slots(void)
{
	unsigned int i;

	for (i = 0; i < 25; i++)
		tx_put(32, 0, NETTXF_more_data, 1, 100);
}

static void too_many_extras(void)
{
	unsigned int i;

	tx_put(32, 0, NETTXF_extra_info, 1, 100);
	for (i = 0; i < 8; i++)
		extra(XEN_NETIF_EXTRA_TYPE_GSO, i < 7 ? XEN_NETIF_EXTRA_FLAG_MORE : 0, 100, 1);
}

static void index_too_far(void) { net_front.req_prod = 257; }

CASE(broken_rings_close)
{
	breaks(cut_off);
	breaks(extra_cut_off);
	breaks(too_many_slots);
	breaks(too_many_extras);
	breaks(index_too_far);
}

/* ---- to the guest ----------------------------------------------------------------- */

CASE(frame_comes_in)
{
	struct netif_rx_response r;

	vif(true);
	rx_buffers(4);
	frame_in(NET_CSUM_VALID, 100, 0);
	r = rx_answer();
	CHECK(r.status == 100 && r.id == 0 && r.offset == 0 &&
		r.flags == NETRXF_data_validated);
	CHECK(((char *)at(DATA_PAGE * SK_PAGE_SIZE))[99] == 'f' &&
		((char *)at(DATA_PAGE * SK_PAGE_SIZE))[100] == 0);
	frame_in(NET_CSUM_BLANK, 200, 0);
	r = rx_answer();
	CHECK(r.id == 1 && r.flags == (NETRXF_csum_blank | NETRXF_data_validated));
	frame_in(NET_CSUM_BLANK | NET_GSO_TCPV4, 4000, 1000);
	r = rx_answer();
	CHECK(r.status == 4000 && r.flags & NETRXF_extra_info);
	r = rx_answer(); /* the extra, in the place of a response */
	CHECK_EQ(((struct netif_extra_info *)&r)->u.gso.size, 1000);
	CHECK_EQ(rx_answer().status, 99);
	CHECK(evtchn_pending(net_front.port));
}

CASE(frames_that_are_none_are_lost)
{
	unsigned int n;

	vif(true);
	rx_buffers(4);
	sent(&(struct net_desc){ 0 });
	n = n_posted;
	frame_in(0, 13, 0);
	frame_in(0, 1519, 0);
	frame_in(NET_CSUM_BLANK | NET_CSUM_VALID, 60, 0);
	CHECK_EQ(rx_answer().status, 99);
	sent(&(struct net_desc){ 0 });
	CHECK_EQ(n_posted, n); /* but their buffers are not */
	frame_in(0, 1518, 0);
	CHECK_EQ(rx_answer().status, 1518);
}

CASE(frames_wait_for_buffers)
{
	unsigned int i, n;

	vif(true);
	sent(&(struct net_desc){ 0 });
	n = n_posted;
	CHECK(n >= 32);
	for (i = 0; i < 10; i++)
		frame_in(0, 60 + i, 0);
	CHECK_EQ(rx_answer().status, 99);
	rx_buffers(3);
	CHECK(rx_answer().status == 60 && rx_answer().status == 61 && rx_answer().status == 62);
	CHECK_EQ(rx_answer().status, 99);
	rx_buffers(20);
	for (i = 3; i < 10; i++)
		CHECK_EQ(rx_answer().status, 60 + i);
	sent(&(struct net_desc){ 0 });
	CHECK_EQ(n_posted, n); /* all buffers are the switch's again */
}

CASE(guest_without_offloads)
{
	struct netif_rx_response r;
	uint8_t *f;

	vif(false);
	sent(&(struct net_desc){ 0 });
	CHECK_EQ(posted[0].length, 1536);
	rx_buffers(4);
	frame_in(NET_CSUM_BLANK, 60, 0);
	r = rx_answer();
	CHECK(r.status == 60 && r.flags == NETRXF_data_validated);
	f = at(DATA_PAGE * SK_PAGE_SIZE);
	CHECK(f[50] != 'f' || f[51] != 'f'); /* the checksum was filled in */
	/* cannot be given to this guest */
	frame_in(NET_CSUM_BLANK | NET_GSO_TCPV4, 2000, 1000);
	CHECK_EQ(rx_answer().status, 99);
	frame_in(NET_CSUM_BLANK, 40, 0); /* the field is outside the frame */
	CHECK_EQ(rx_answer().status, 99);
	frame_in(NET_CSUM_VALID, 60, 0);
	CHECK_EQ(rx_answer().status, 60);
}

CASE(bad_rx_grant_is_an_error)
{
	struct netif_rx_request r = { .id = 3, .gref = 400 };

	vif(true);
	memcpy(ring_entry(RX, 0, 8, 256), &r, sizeof(r));
	net_front.rx_req_prod = 1;
	ring_word(RX, 0, 1);
	frame_in(0, 60, 0);
	CHECK_EQ(rx_answer().status, NETIF_RSP_ERROR);
	ring_word(RX, 0, 500);
	frame_in(0, 60, 0);
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "5") == 0);
}

CASE(switch_errors_are_survived)
{
	struct net_desc d = { .op = NET_RX, .id = 5, .offset = 0, .length = 60 };

	vif(true);
	rx_buffers(4);
	CHECK_EQ(ring_put(&net->rsp, &d, sizeof(d)), 0); /* wrong offset for that buffer */
	d.id = 1000;
	CHECK_EQ(ring_put(&net->rsp, &d, sizeof(d)), 0);
	d.op = NET_TX_DONE;
	CHECK_EQ(ring_put(&net->rsp, &d, sizeof(d)), 0);
	d.op = NET_LINK;
	CHECK_EQ(ring_put(&net->rsp, &d, sizeof(d)), 0);
	ring_put_flush(&net->rsp);
	fake_event(net);
	CHECK_EQ(rx_answer().status, 99);
}

/* A buffer that came back is ours until it is posted again. */
CASE(buffer_comes_back_once)
{
	struct net_desc d = { .op = NET_RX, .length = 60 };

	vif(true);
	sent(&(struct net_desc){ 0 });
	d.id = posted[0].id;
	d.offset = posted[0].offset;
	CHECK_EQ(ring_put(&net->rsp, &d, sizeof(d)), 0);
	CHECK_EQ(ring_put(&net->rsp, &d, sizeof(d)), 0);
	ring_put_flush(&net->rsp);
	fake_event(net);
	rx_buffers(4);
	CHECK_EQ(rx_answer().status, 60);
	CHECK_EQ(rx_answer().status, 99);
}

/* The log says in words why the switch did not take a buffer. */
CASE(refused_buffer_is_explained)
{
	struct net_desc d = { .op = NET_RX, .flags = SK_E_NO_MEM };

	vif(true);
	sent(&(struct net_desc){ 0 });
	d.id = posted[0].id;
	CHECK_EQ(ring_put(&net->rsp, &d, sizeof(d)), 0);
	ring_put_flush(&net->rsp);
	fake_event(net);
	CHECK(strstr(log_line, sk_error_text(-SK_E_NO_MEM)) != NULL);
}

CASE(front_end_must_copy)
{
	fake_guest();
	log_quiet = true;
	vif_make();
	fake_xs_set(VIF_FE "/tx-ring-ref", "16");
	fake_xs_set(VIF_FE "/rx-ring-ref", "17");
	fake_xs_set(VIF_FE "/event-channel", "3");
	CHECK_EQ(guest_port(), 3);
	fake_xs_set(VIF_FE "/state", "4");
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "5") == 0);
}

CASE(credit_waits_in_the_ring)
{
	struct net_desc d[128];
	unsigned int n = 0, i;

	vif(true);
	for (i = 0; i < 100; i++)
		tx_put(32, 0, 0, (uint16_t)i, 60);
	tx_push();
	while (sent(&d[n]))
		n++;
	CHECK(n >= 16 && n < 100);
	for (i = 0; i < n; i++) {
		tx_done(&d[i]);
		while (sent(&d[n]))
			n++;
	}
	CHECK_EQ(n, 100);
	for (i = 0; i < 100; i++)
		CHECK_EQ(tx_answer(NULL), 0);
}

CASE(reconnects)
{
	struct net_desc d;

	vif(true);
	fake_xs_set(VIF_FE "/state", "6");
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "6") == 0);
	frame_in(0, 60, 0); /* no front end: the frame is dropped, and the buffer goes back */
	sent(&d);
	fake_xs_set(VIF_FE "/state", "1");
	vif_connect(&net_front, true);
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "4") == 0);
	rx_buffers(2);
	frame_in(0, 70, 0);
	CHECK_EQ(rx_answer().status, 70);
}

/* ---- restarts of the switch -------------------------------------------------------- */

CASE(all_buffers_are_posted_again)
{
	unsigned int all, i;

	vif(true);
	all = posted_count();
	CHECK(all >= 32);
	fake_restart(net);
	CHECK_EQ(posted_count(), all);
	/* frames that wait for the guest keep their buffers */
	for (i = 0; i < 10; i++)
		frame_in(0, 60 + i, 0);
	fake_restart(net);
	CHECK_EQ(posted_count(), all - 10);
	fake_restart(net);
	CHECK_EQ(posted_count(), all - 10);
	rx_buffers(10);
	for (i = 0; i < 10; i++)
		CHECK_EQ(rx_answer().status, 60 + i);
	CHECK_EQ(posted_count(), 10);
	/* the switch ends while buffers come back to it */
	for (i = 0; i < 5; i++)
		frame_in(0, 100, 0);
	rx_buffers(5);
	fake_restart(net);
	CHECK_EQ(posted_count(), all);
}

/* A buffer of an earlier epoch cannot come back. */
CASE(buffers_of_before_are_not_the_switchs)
{
	unsigned int i;

	vif(true);
	rx_buffers(4);
	(void)posted_count();
	for (i = 0; i < 3; i++)
		frame_in(0, 60, 0);
	CHECK_EQ(rx_answer().status, 60);
	net->c.epoch++;
	ring_restart(&net->req, net->c.epoch);
	ring_restart(&net->rsp, net->c.epoch);
	/* the I/O thread has not seen it: the switch's new records say nothing to it */
	CHECK_EQ(ring_put(&net->rsp, &(struct net_desc){ .op = NET_RX, .id = posted[0].id },
			 sizeof(struct net_desc)),
		0);
	ring_put_flush(&net->rsp);
	fake_event(net);
	CHECK_EQ(rx_answer().status, 60);
	CHECK_EQ(rx_answer().status, 60);
	CHECK_EQ(rx_answer().status, 99);
}

/* Frames in flight are lost; their pages, and the guest's slots, are not. */
CASE(frames_in_flight_do_not_leak)
{
	struct net_desc d;
	unsigned int n, first = 0, round, answers = 0;

	vif(true);
	for (round = 0; round < 20; round++) {
		for (n = 0; n < 100; n++)
			tx_put(32, 0, 0, (uint16_t)n, 1000);
		tx_push();
		for (n = 0; sent(&d); n++)
			if (n % 3 == 0 && round % 2)
				tx_done(&d);
		if (!first)
			first = n;
		CHECK(n >= first);
		n_posted = 0;
		fake_restart(net);
		for (n = 0; sent(&d); n++) /* what waited in the guest's ring */
			tx_done(&d);
		while (sent(&d))
			tx_done(&d);
		while (tx_answer(NULL) == NETIF_RSP_OKAY)
			answers++;
		CHECK_EQ(answers, 100 * (round + 1));
	}
	/* an answer for a frame of before changes nothing */
	d.id = 0;
	tx_done(&d);
	tx_put(32, 0, 0, 1, 60);
	tx_push();
	CHECK(sent(&d));
}

CASE(restarted_before_a_front_end_connects)
{
	fake_guest();
	log_quiet = true;
	vif_make();
	fake_restart(net);
	CHECK_EQ(posted_count(), 0);
	vif_connect(&net_front, true);
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "4") == 0);
	CHECK(posted_count() >= 32);
}

CASE(the_switch_does_not_come_back)
{
	vif(true);
	fake_end(net, SVC_END_GIVEN_UP);
	fake_io_run();
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "5") == 0);
	CHECK(logs > 0);
	fake_xs_set(VIF_FE "/state", "6");
	fake_xs_set(VIF_FE "/state", "1");
	vif_connect(&net_front, true); /* it does not connect again */
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "4") != 0);
}

/* ---- frames ----------------------------------------------------------------------- */

/* The frame is copied to memory of exactly its size, so a read beyond the end is detected. */
static bool found(const uint8_t *f, uint32_t len, uint16_t *start, uint16_t *offset, bool *ipv6)
{
	uint8_t *copy = malloc(len);
	bool ok;

	memcpy(copy, f, len);
	ok = frame_transport(copy, len, start, offset, ipv6);
	free(copy);
	return ok;
}

CASE(transport_is_found)
{
	uint8_t f[128] = { 0 };
	uint16_t start, offset;
	bool ipv6;

	CHECK(!found(f, 13, &start, &offset, &ipv6));
	f[12] = 8, f[14] = 0x46, f[23] = 17; /* UDP behind 24 bytes of IPv4 */
	CHECK(found(f, 46, &start, &offset, &ipv6) && start == 38 && offset == 6 && !ipv6);
	CHECK(!found(f, 45, &start, &offset, &ipv6));
	CHECK(!found(f, 33, &start, &offset, &ipv6));
	f[14] = 0x44;
	CHECK(!found(f, 128, &start, &offset, &ipv6));
	f[14] = 0x65;
	CHECK(!found(f, 128, &start, &offset, &ipv6));
	f[14] = 0x45, f[21] = 1; /* a later fragment */
	CHECK(!found(f, 128, &start, &offset, &ipv6));
	memset(f, 0, sizeof(f));
	f[12] = 0x81, f[16] = 0x86, f[17] = 0xdd, f[24] = 0,
	f[58] = 6; /* VLAN, IPv6, hop-by-hop, TCP */
	CHECK(found(f, 128, &start, &offset, &ipv6) && start == 66 && offset == 16 && ipv6);
	CHECK(!found(f, 60, &start, &offset, &ipv6));
	f[59] = 255; /* the option extends beyond the end */
	CHECK(!found(f, 128, &start, &offset, &ipv6));
	CHECK(!found(f, 17, &start, &offset, &ipv6));
	CHECK(!found(f, 18, &start, &offset, &ipv6));
	f[59] = 0;
	CHECK(!found(f, 59, &start, &offset, &ipv6)); /* the option is cut off */
}

CASE(checksum_is_right)
{
	uint8_t f[19] = { [14] = 0x12, 0x34, 0, 0, 0x56 };

	CHECK(frame_checksum(f, 19, 14, 2)); /* 1234 + 5600 = 6834 */
	CHECK(f[16] == 0x97 && f[17] == 0xcb);
	CHECK(!frame_checksum(f, 19, 16, 2));
	CHECK(!frame_checksum(f, 19, 13, 2)); /* in the header */
	CHECK(!frame_checksum(f, 19, 65535, 65535));
}

int netback_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(features_are_shown),
		cmocka_unit_test(packet_goes_out),
		cmocka_unit_test(frames_are_counted),
		cmocka_unit_test(checksum_offload),
		cmocka_unit_test(gso),
		cmocka_unit_test(gso_sizes),
		cmocka_unit_test(every_length),
		cmocka_unit_test(frames_that_are_none_are_lost),
		cmocka_unit_test(bad_packets_are_answered),
		cmocka_unit_test(broken_rings_close),
		cmocka_unit_test(frame_comes_in),
		cmocka_unit_test(frames_wait_for_buffers),
		cmocka_unit_test(guest_without_offloads),
		cmocka_unit_test(bad_rx_grant_is_an_error),
		cmocka_unit_test(switch_errors_are_survived),
		cmocka_unit_test(buffer_comes_back_once),
		cmocka_unit_test(refused_buffer_is_explained),
		cmocka_unit_test(front_end_must_copy),
		cmocka_unit_test(credit_waits_in_the_ring),
		cmocka_unit_test(reconnects),
		cmocka_unit_test(all_buffers_are_posted_again),
		cmocka_unit_test(buffers_of_before_are_not_the_switchs),
		cmocka_unit_test(frames_in_flight_do_not_leak),
		cmocka_unit_test(restarted_before_a_front_end_connects),
		cmocka_unit_test(the_switch_does_not_come_back),
		cmocka_unit_test(transport_is_found),
		cmocka_unit_test(checksum_is_right),
	};

	return cmocka_run_group_tests_name("netback", tests, NULL, NULL);
}
