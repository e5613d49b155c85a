/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * drive_test.c - a cdrom drive that is empty, gets a medium, and loses it again
 */
#include <stdio.h>
#include <string.h>

#include "blkfront.h"
#include "case.h"

#include "backend/blkback.h"
#include "backend/xenbus.h"

static unsigned int state_writes, media;

static bool be_is(const char *key, const char *value)
{
	char path[96];

	snprintf(path, sizeof(path), VBD_BE "/%s", key);
	return strcmp(fake_xs_get(path), value) == 0;
}

static struct blk_req taken(void)
{
	struct blk_req q = { .op = 0 };

	CHECK(storage_take(&q));
	return q;
}

/* An empty drive with a front end that is connected. */
static void drive(void)
{
	struct vm_disk cfg = { .vdev = VDEV,
		.read_only = true,
		.cdrom = true,
		.empty = true,
		.channel = "disk0" };

	fake_guest();
	fake_channel("xs", 16384, 0);
	grants_make();
	CHECK(xs_link_init() == 0 && blkback_add(&cfg, NULL, &disk_dev) == 0);
	fake_xs_set(VBD_FE "/state", "1");
	fake_xs_set(VBD_BE "/state", "1");
	CHECK(be_is("state", "2") && be_is("sectors", "0") && be_is("info", "5"));
	disk_connect(&front, "x86_64-abi");
	CHECK(be_is("state", "4"));
	state_writes = disk_dev->writes;
}

static void inserts(void)
{
	static const char *const names[] = { "disk0", "disk1", "disk2" };

	blk = fake_channel(names[media], 4096, disk_region);
	CHECK_EQ(blkback_insert(disk_dev, svc_channel(names[media++])), 0);
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_CHANGING);
	fake_io_run();
}

static void described(uint64_t sectors, uint32_t flags)
{
	struct blk_req q = taken();

	CHECK_EQ(q.op, BLK_INFO);
	storage_describe(&q, sectors, flags);
	CHECK(devices_changed > 0);
	devices_changed = 0;
}

static void ejects(void)
{
	blkback_eject(disk_dev);
	fake_io_run();
}

/* The front end was told to look at the size again, as often as that. */
static void looked(unsigned int times)
{
	CHECK(be_is("state", "4"));
	CHECK_EQ(disk_dev->writes - state_writes, times);
}

CASE(every_request_fails_in_an_empty_drive)
{
	drive();
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_EMPTY);
	request(BLKIF_OP_READ, 1, 0, 1, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_FLUSH_DISKCACHE, 2, 0, 0, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_WRITE, 3, 0, 1, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	ejects(); /* there is nothing in it */
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_EMPTY);
	looked(0);
}

CASE(a_medium_comes_and_goes)
{
	struct blk_req q;

	drive();
	inserts();
	request(BLKIF_OP_READ, 1, 5, 1, 32, 0, 7); /* waits until its size is known */
	CHECK_EQ(one_answer(), 99);
	described(SECTORS, BLK_READ_ONLY);
	looked(1);
	CHECK(be_is("sectors", "1000"));
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_FULL);
	q = taken();
	CHECK(q.op == BLK_READ && q.sector == 5);
	ejects();
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_CHANGING); /* that one is waited for */
	request(BLKIF_OP_READ, 2, 5, 1, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	CHECK_EQ(channels_dropped, 0);
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
	CHECK(devices_changed > 0);
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_EMPTY);
	fake_io_run();
	CHECK_EQ(channels_dropped, 1);
	looked(2);
	CHECK(be_is("sectors", "0"));
	/* another one */
	inserts();
	described(8, BLK_READ_ONLY);
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_FULL);
	CHECK(be_is("sectors", "8"));
	request(BLKIF_OP_READ, 3, 5, 1, 32, 0, 7); /* that was on the first one */
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	CHECK_EQ(blkback_insert(disk_dev, svc_channel("disk0")), -SK_E_STATE);
}

CASE(a_medium_that_cannot_be_used)
{
	struct blk_req q;

	drive();
	inserts();
	q = taken();
	storage_answer(&q, -SK_E_IO);
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_EMPTY);
	inserts();
	described(SECTORS, 3 << BLK_INFO_BLOCK_SHIFT); /* 4 KiB: the front end knows of 512 */
	CHECK(strstr(log_line, "blocks of 4096 bytes"));
	request(BLKIF_OP_READ, 1, 0, 1, 32, 0, 7);
	CHECK_EQ(one_answer(), 99); /* not before the connection is dropped */
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_EMPTY);
	fake_io_run();
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	CHECK(be_is("sectors", "0"));
	inserts();
	fake_end(blk, SVC_END_GIVEN_UP);
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_EMPTY);
	CHECK_EQ(channels_dropped, 3);
}

CASE(storage_ends_while_a_medium_goes)
{
	struct blk_req q;

	drive();
	inserts();
	described(SECTORS, BLK_READ_ONLY);
	request(BLKIF_OP_READ, 1, 5, 1, 32, 0, 7);
	(void)taken();
	ejects();
	fake_restart(blk);
	q = taken();
	CHECK_EQ(q.op, BLK_INFO);
	storage_describe(&q, SECTORS, BLK_READ_ONLY);
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_CHANGING); /* it does not stay */
	q = taken();
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
	CHECK_EQ(blkback_settle(disk_dev), DRIVE_EMPTY);
}

CASE(a_drive_is_taken_out)
{
	drive();
	xb_remove(disk_dev, false);
	fake_io_run();
	fake_xs_set(VBD_FE "/state", "6");
	CHECK(xb_gone(disk_dev));
	xb_drop(disk_dev);
	CHECK_EQ(channels_dropped, 0);
}

int drive_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(every_request_fails_in_an_empty_drive),
		cmocka_unit_test(a_medium_comes_and_goes),
		cmocka_unit_test(a_medium_that_cannot_be_used),
		cmocka_unit_test(storage_ends_while_a_medium_goes),
		cmocka_unit_test(a_drive_is_taken_out),
	};

	return cmocka_run_group_tests_name("drive", tests, NULL, NULL);
}
