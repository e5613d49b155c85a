/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * request_test.c - what the disk driver refuses, and how it splits requests beyond the device's
 * limits
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "request.h"

enum { REGION = 8 << 20 };

static const struct disk disk = {
	.sectors = 1000, .flush = true, .block = 512, .segment_bytes = 65536, .n_segments = 1
};

static int check(struct blk_req q) { return request_check(&disk, &q, REGION); }

static void transfers(void **state)
{
	const struct blk_req good = {
		.op = BLK_WRITE, .sector = 992, .offset = REGION - 4096, .length = 4096
	};
	struct disk ro = disk;
	struct blk_req q = good;

	(void)state;
	ro.read_only = true;
	assert_int_equal(check(good), 0);
	assert_int_equal(request_check(&ro, &good, REGION), -SK_E_DENIED);
	/* there is no such region */
	assert_int_equal(request_check(&disk, &good, 0), -SK_E_RANGE);
#define REFUSED(field, value, error) \
	do { \
		q = good; \
		q.field = (value); \
		assert_int_equal(check(q), -(error)); \
	} while (0)
	REFUSED(sector, 993, SK_E_RANGE);
	REFUSED(sector, UINT64_MAX, SK_E_RANGE);
	REFUSED(offset, REGION - 3584, SK_E_RANGE);
	REFUSED(offset, REGION - 4095, SK_E_INVAL);
	REFUSED(offset, UINT64_MAX - 511, SK_E_RANGE);
	REFUSED(length, 0, SK_E_INVAL);
	REFUSED(length, 513, SK_E_INVAL);
	REFUSED(length, BLK_BYTES_MAX + 512, SK_E_INVAL);
	REFUSED(flags, 2, SK_E_INVAL);
	REFUSED(op, 0, SK_E_INVAL);
	REFUSED(op, BLK_OP_END, SK_E_INVAL);
}

static void without_data(void **state)
{
	(void)state;
	assert_int_equal(check((struct blk_req){ .op = BLK_FLUSH }), 0);
	assert_int_equal(check((struct blk_req){ .op = BLK_INFO }), 0);
}

/* The device's limits split a request, but do not refuse it. */
static void parts(void **state)
{
	struct disk d = disk;
	struct virtq_buf bufs[SEGMENTS_MAX];
	uint64_t left = 10 * 4096 + 512, at = 0;
	unsigned int n_parts = 0;

	(void)state;
	d.segment_bytes = 4096;
	d.n_segments = 3;
	while (left) {
		uint32_t part = request_part(&d, left);
		unsigned int n = request_segments(&d, 0x10000 + at, part, true, bufs);

		assert_in_range(n, 1, 3);
		for (unsigned int i = 0; i < n; i++) {
			assert_int_equal(bufs[i].addr, 0x10000 + at);
			assert_in_range(bufs[i].len, 1, 4096);
			assert_true(bufs[i].device_writes);
			at += bufs[i].len;
		}
		left -= part;
		n_parts++;
	}
	assert_int_equal(at, 10 * 4096 + 512);
	assert_int_equal(n_parts, 4);
	assert_int_equal(request_segments(&d, 0, 0, false, bufs), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(transfers),
		cmocka_unit_test(without_data), cmocka_unit_test(parts) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
