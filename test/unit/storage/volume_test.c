/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * volume_test.c - which client may attach which volume, and how requests are translated
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "volume.h"

static void finding(void **state)
{
	struct volume v[2] = { { .name = "guests" }, { .name = "rootfs" } };
	char path[64] = "by-partlabel/rootfs";

	(void)state;
	assert_ptr_equal(volume_find(v, 2, path, sizeof(path)), &v[1]);
	assert_null(volume_find(v, 1, path, sizeof(path)));
	assert_null(volume_find(v, 2, "by-uuid/rootfs", 15));
	memset(path, 'x', sizeof(path)); /* not terminated */
	assert_null(volume_find(v, 2, path, sizeof(path)));
}

static void sharing(void **state)
{
	struct volume v = { .sectors = 8 }, ro = { .read_only = true };

	(void)state;
	assert_int_equal(volume_attach(&v, false), 0);
	assert_int_equal(volume_attach(&v, false), 0);
	assert_int_equal(volume_attach(&v, true), -SK_E_BUSY);
	volume_detach(&v, false);
	assert_int_equal(volume_attach(&v, true), -SK_E_BUSY);
	volume_detach(&v, false);
	assert_int_equal(volume_attach(&v, true), 0);
	assert_int_equal(volume_attach(&v, true), -SK_E_BUSY);
	assert_int_equal(volume_attach(&v, false), -SK_E_BUSY);
	volume_detach(&v, true);
	assert_int_equal(volume_attach(&v, false), 0);
	assert_int_equal(volume_attach(&ro, true), -SK_E_DENIED);
}

static int translate(struct blk_req q, bool writable, uint64_t *sector)
{
	static const struct volume v = { .first = 1000, .sectors = 16, .block = 512 };
	int rc = volume_translate(&v, writable, 8192, &q);

	*sector = q.sector;
	return rc;
}

static void requests(void **state)
{
	const struct blk_req good = {
		.op = BLK_READ, .sector = 8, .offset = 4096, .length = 4096
	};
	struct blk_req q = good;
	uint64_t sector;

	(void)state;
	assert_int_equal(translate(q, false, &sector), 0);
	assert_int_equal(sector, 1008);
	q.op = BLK_WRITE;
	assert_int_equal(translate(q, false, &sector), -SK_E_DENIED);
	assert_int_equal(translate(q, true, &sector), 0);
	q.flags = BLK_FUA;
	assert_int_equal(translate(q, true, &sector), 0);
	q.flags = 2;
	assert_int_equal(translate(q, true, &sector), -SK_E_INVAL);
#define REFUSED(field, value, error) \
	do { \
		q = good; \
		q.field = (value); \
		assert_int_equal(translate(q, true, &sector), -(error)); \
	} while (0)
	REFUSED(sector, 9, SK_E_RANGE); /* ends one sector beyond the volume */
	REFUSED(sector, UINT64_MAX, SK_E_RANGE);
	REFUSED(sector, UINT64_MAX - 6, SK_E_RANGE); /* would wrap */
	REFUSED(offset, 4608, SK_E_RANGE);
	REFUSED(offset, UINT64_MAX - 511, SK_E_RANGE);
	REFUSED(offset, 1, SK_E_INVAL);
	REFUSED(length, 0, SK_E_INVAL);
	REFUSED(length, 100, SK_E_INVAL);
	REFUSED(length, UINT64_MAX - 511, SK_E_INVAL);
	REFUSED(region, 1, SK_E_INVAL);
	REFUSED(op, 0, SK_E_INVAL);
	REFUSED(length, BLK_BYTES_MAX + 512, SK_E_INVAL);
	REFUSED(op, 99, SK_E_INVAL);
	q = (struct blk_req){ .op = BLK_FLUSH, .sector = 77, .length = 5 };
	assert_int_equal(translate(q, false, &sector), 0);
	assert_int_equal(sector, 0);
}

/* A disk with larger blocks transfers only whole blocks. */
static void blocks(void **state)
{
	const struct volume v = { .first = 800, .sectors = 800, .block = 4096 };
	const struct blk_req good = {
		.op = BLK_READ, .sector = 8, .offset = 512, .length = 4096
	};
	struct blk_req q = good;

	(void)state;
	assert_int_equal(volume_translate(&v, false, 8192, &q), 0);
	assert_int_equal(q.sector, 808);
	q = good;
	q.sector = 9;
	assert_int_equal(volume_translate(&v, false, 8192, &q), -SK_E_INVAL);
	q = good;
	q.length = 512;
	assert_int_equal(volume_translate(&v, false, 8192, &q), -SK_E_INVAL);
}

static void found_by_name(void **state)
{
	struct volume v[2] = { { .name = "root" }, { .name = "root2" } };
	char path[64] = "by-partlabel/root2", *endless = malloc(17);

	(void)state;
	assert_ptr_equal(volume_find(v, 2, path, sizeof(path)), &v[1]);
	path[17] = '\0';
	assert_ptr_equal(volume_find(v, 2, path, sizeof(path)), &v[0]);
	path[16] = '\0';
	assert_null(volume_find(v, 2, path, sizeof(path))); /* "roo" */
	assert_null(volume_find(v, 2, "by-partlabel/", 14));
	assert_null(volume_find(v, 2, "to-partlabel/root", 18));
	assert_null(volume_find(v, 2, "by-partlabel", 13));
	assert_null(volume_find(v, 0, "by-partlabel/root", 18));
	memcpy(endless, "by-partlabel/root", 17);
	assert_null(volume_find(v, 2, endless, 17));
	free(endless);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(found_by_name),
		cmocka_unit_test(finding),
		cmocka_unit_test(sharing),
		cmocka_unit_test(requests),
		cmocka_unit_test(blocks),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
