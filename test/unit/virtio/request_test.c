/*
 * request_test.c - what the disk driver refuses
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "request.h"

enum { REGION = 1 << 20 };

static const struct disk disk = { .sectors = 1000, .flush = true, .max_bytes = 65536 };

static int check(struct blk_req q) { return blk_req_check(&disk, &q, REGION); }

static void transfers(void **state)
{
	const struct blk_req good = {
		.op = BLK_WRITE, .sector = 992, .offset = REGION - 4096, .length = 4096
	};
	const struct disk ro = { .sectors = 1000, .read_only = true, .max_bytes = 65536 };
	struct blk_req q = good;

	(void)state;
	assert_int_equal(check(good), 0);
	assert_int_equal(blk_req_check(&ro, &good, REGION), -SK_E_DENIED);
	assert_int_equal(blk_req_check(&disk, &good, 0), -SK_E_RANGE); /* no such region */
#define REFUSED(field, value, error) \
	do { \
		q = good; \
		q.field = (value); \
		assert_int_equal(check(q), -(error)); \
	} while (0)
	REFUSED(sector, 993, SK_E_RANGE);
	REFUSED(sector, UINT64_MAX, SK_E_RANGE);
	REFUSED(offset, REGION - 4095, SK_E_RANGE);
	REFUSED(offset, UINT64_MAX, SK_E_RANGE);
	REFUSED(length, 0, SK_E_INVAL);
	REFUSED(length, 513, SK_E_INVAL);
	REFUSED(length, 65536 + 512, SK_E_INVAL);
	REFUSED(flags, 2, SK_E_INVAL);
	REFUSED(op, 0, SK_E_INVAL);
	REFUSED(op, BLK_DISCARD, SK_E_INVAL);
	REFUSED(op, BLK_OP_END, SK_E_INVAL);
}

static void without_data(void **state)
{
	(void)state;
	assert_int_equal(check((struct blk_req){ .op = BLK_FLUSH }), 0);
	assert_int_equal(check((struct blk_req){ .op = BLK_INFO }), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(transfers),
		cmocka_unit_test(without_data) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
