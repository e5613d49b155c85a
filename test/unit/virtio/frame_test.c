/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * frame_test.c - net.h descriptors to virtio-net headers and back
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "frame.h"

enum { DATA = 1 << 20, ALL = NET_CSUM_BLANK | NET_GSO_TCPV4 | NET_GSO_TCPV6 };

static void sending(void **state)
{
	const struct net_desc good = { .op = NET_TX, .offset = DATA - 1518, .length = 1518 };
	const struct net_desc gso = { .op = NET_TX,
		.flags = NET_CSUM_BLANK | NET_GSO_TCPV6,
		.length = 60000,
		.csum_start = 54,
		.csum_offset = 16,
		.gso_size = 1440 };
	struct net_desc d;
	struct frame_header h;

	(void)state;
	assert_int_equal(frame_check(&good, DATA, 0), 0);
	assert_int_equal(frame_check(&gso, DATA, ALL), 0);
	h = frame_to_device(&gso);
	assert_int_equal(h.flags, 1);
	assert_int_equal(h.gso_type, 4);
	assert_int_equal(h.gso_size, 1440);
	assert_int_equal(h.csum_start, 54);
#define REFUSED(from, field, value) \
	do { \
		d = from; \
		d.field = (value); \
		assert_int_equal(frame_check(&d, DATA, ALL), -SK_E_INVAL); \
	} while (0)
	REFUSED(good, length, 13);
	REFUSED(good, length, 1519);
	REFUSED(good, offset, DATA - 1517);
	REFUSED(good, offset, UINT64_MAX);
	REFUSED(good, reserved[1], 1);
	REFUSED(gso, gso_size, 0);
	REFUSED(gso, length, NET_FRAME_MAX + 1);
	REFUSED(gso, csum_start, 13);
	REFUSED(gso, csum_start, 59983);
	REFUSED(gso, flags, NET_GSO_TCPV6); /* needs a checksum to fill in */
	REFUSED(gso, flags, ALL);
	assert_int_equal(
		frame_check(&gso, DATA, NET_CSUM_BLANK), -SK_E_INVAL); /* not granted */
	/* an op without an answer */
	d = good;
	d.op = NET_TX_DONE;
	assert_int_equal(frame_check(&d, DATA, ALL), -SK_E_PEER);
	d.op = 0;
	assert_int_equal(frame_check(&d, DATA, ALL), -SK_E_PEER);
}

static void posting(void **state)
{
	struct net_desc d = { .op = NET_RX_POST, .length = 2048 };

	(void)state;
	assert_int_equal(frame_check(&d, DATA, 0), 0);
	d.length = 1517;
	assert_int_equal(frame_check(&d, DATA, 0), -SK_E_INVAL);
	d.length = 2048;
	d.flags = 1;
	assert_int_equal(frame_check(&d, DATA, 0), -SK_E_INVAL);
}

static void receiving(void **state)
{
	struct frame_header h = { .flags = 1, .csum_start = 34, .csum_offset = 16 };
	struct net_desc d = { 0 };

	(void)state;
	assert_int_equal(frame_from_device(&h, 60, &d), 0);
	assert_int_equal(d.flags, NET_CSUM_BLANK);
	assert_int_equal(d.length, 60);
	/* the checksum field is outside the frame */
	assert_int_equal(frame_from_device(&h, 51, &d), -SK_E_IO);
	h = (struct frame_header){ .flags = 2 };
	d = (struct net_desc){ 0 };
	assert_int_equal(frame_from_device(&h, 60, &d), 0);
	assert_int_equal(d.flags, NET_CSUM_VALID);
	assert_int_equal(frame_from_device(&h, 13, &d), -SK_E_IO);
	h.gso_type = 1;
	assert_int_equal(frame_from_device(&h, 60, &d), -SK_E_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(sending),
		cmocka_unit_test(posting),
		cmocka_unit_test(receiving),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
