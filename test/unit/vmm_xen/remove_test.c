/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * remove_test.c - devices that are taken out while the guest runs
 */
#include <string.h>

#include "blkfront.h"
#include "case.h"

#include "backend/blkback.h"
#include "backend/netback.h"
#include "backend/xenbus.h"

static bool be_is(const char *state)
{
	return strcmp(fake_xs_get(VBD_BE "/state"), state) == 0;
}

static void removes(struct xb_dev *d, bool forced)
{
	xb_remove(d, forced);
	fake_io_run();
}

static void gone(void)
{
	CHECK(xb_gone(disk_dev));
	CHECK(devices_changed > 0);
	xb_drop(disk_dev);
	CHECK_EQ(channels_dropped, 1);
	/* nothing that happens in its directories matters any more */
	fake_xs_set(VBD_FE "/state", "1");
	fake_xs_set(VBD_BE "/state", "1");
	CHECK(be_is("1"));
}

CASE(removed_when_the_front_end_lets_go)
{
	disk(false, 0);
	removes(disk_dev, false);
	CHECK(be_is("5"));
	CHECK(!xb_gone(disk_dev));
	fake_xs_set(VBD_FE "/state", "5");
	fake_xs_set(VBD_FE "/state", "4"); /* not a new connection */
	CHECK(be_is("5") && !xb_gone(disk_dev));
	removes(disk_dev, false);
	CHECK(be_is("5") && !xb_gone(disk_dev));
	fake_xs_set(VBD_FE "/state", "6");
	CHECK(be_is("6"));
	gone();
}

CASE(removed_by_force_when_drained)
{
	struct blk_req q;

	disk(false, 0);
	request(BLKIF_OP_WRITE, 1, 0, 1, 32, 0, 7);
	CHECK(storage_take(&q));
	removes(disk_dev, true);
	CHECK_EQ(((struct grant_entry_v1 *)xen_dom.grant_page[0].addr)[RING_PAGE].flags,
		GTF_permit_access);
	CHECK(!be_is("6") && !xb_gone(disk_dev));
	storage_answer(&q, 0);
	CHECK(be_is("6"));
	gone();
}

CASE(forced_after_the_front_end_was_asked)
{
	disk(false, 0);
	removes(disk_dev, false);
	CHECK(!xb_gone(disk_dev));
	removes(disk_dev, true);
	gone();
}

CASE(removed_without_a_front_end)
{
	fake_guest();
	disk_make(1000, 0, false);
	fake_xs_set(VBD_FE "/state", "6");
	removes(disk_dev, false);
	gone();
}

/* storage has not described it yet. */
CASE(removed_before_it_is_shown)
{
	struct vm_disk cfg = { .vdev = VDEV, .channel = "disk0" };
	struct blk_req q;

	fake_guest();
	fake_channel("xs", 16384, 0);
	blk = fake_channel("disk0", 4096, disk_region);
	grants_make();
	CHECK(xs_link_init() == 0 && blkback_add(&cfg, svc_channel("disk0"), &disk_dev) == 0);
	CHECK(storage_take(&q));
	removes(disk_dev, false);
	CHECK(!xb_gone(disk_dev)); /* the answer would come to what is freed */
	storage_describe(&q, 1000, 0);
	CHECK(xb_gone(disk_dev));
	xb_drop(disk_dev);
}

/* The place of one that is gone is used again, and its number in the watches with it. */
CASE(another_one_comes)
{
	struct vm_vif cfg = { .devid = 0, .channel = "vif0" };

	disk(false, 0);
	removes(disk_dev, true);
	CHECK(xb_gone(disk_dev));
	xb_drop(disk_dev);
	net = fake_channel("vif0", 8192, 1048576);
	CHECK(netback_add(&cfg, svc_channel("vif0"), &vif_dev) == 0);
	fake_xs_set(VIF_FE "/state", "1");
	fake_xs_set(VIF_BE "/state", "1");
	CHECK_EQ(vif_dev->index, 0);
	vif_connect(&front, true);
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "4") == 0);
	removes(vif_dev, false);
	CHECK(strcmp(fake_xs_get(VIF_BE "/state"), "5") == 0 && !xb_gone(vif_dev));
	fake_xs_set(VIF_FE "/state", "6");
	CHECK(xb_gone(vif_dev));
	xb_drop(vif_dev);
	CHECK_EQ(channels_dropped, 2);
}

int remove_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(removed_when_the_front_end_lets_go),
		cmocka_unit_test(removed_by_force_when_drained),
		cmocka_unit_test(forced_after_the_front_end_was_asked),
		cmocka_unit_test(removed_without_a_front_end),
		cmocka_unit_test(removed_before_it_is_shown),
		cmocka_unit_test(another_one_comes),
	};

	return cmocka_run_group_tests_name("remove", tests, NULL, NULL);
}
