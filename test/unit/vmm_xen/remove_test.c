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

static bool ring_mapped(void)
{
	const struct grant_entry_v1 *table = xen_dom.grant_page[0].addr;

	return table[RING_PAGE].flags != GTF_permit_access;
}

/* The front end closes while its requests are under way, as Linux does: it gets the answers. */
CASE(requests_in_flight_are_answered)
{
	struct blk_req q;
	uint64_t id;

	disk(false, 0);
	request(BLKIF_OP_WRITE, 1, 0, 1, 32, 0, 7);
	CHECK(storage_take(&q));
	removes(disk_dev, false);
	CHECK(be_is("5") && ring_mapped());
	request(BLKIF_OP_FLUSH_DISKCACHE, 2, 0, 0, 0, 0, 0); /* it has not seen that yet */
	fake_xs_set(VBD_FE "/state", "6");
	CHECK(be_is("5") && ring_mapped() && !xb_gone(disk_dev));
	storage_answer(&q, 0);
	CHECK(answer(&id) == BLKIF_RSP_OKAY && id == 1);
	CHECK(be_is("5"));
	CHECK(storage_take(&q) && q.op == BLK_FLUSH);
	storage_answer(&q, 0);
	CHECK(answer(&id) == BLKIF_RSP_OKAY && id == 2);
	CHECK(be_is("6") && !ring_mapped());
	gone();
}

/* Has it, and no more after that? */
static bool front_has_event(void)
{
	bool has = evtchn_pending(front.port);

	memset(xen_dom.shared->evtchn_pending, 0, sizeof(xen_dom.shared->evtchn_pending));
	return has;
}

/* After the front end has closed. */
static void last_looks(void)
{
	CHECK(be_is("5"));
	for (int i = 0; i < 5; i++) {
		CHECK(ring_mapped());
		fake_time_passes(21000);
		fake_io_run();
	}
	CHECK(be_is("6"));
}

CASE(forced_it_answers_with_errors)
{
	struct blk_req q, none;
	uint64_t id;

	disk(false, 0);
	request(BLKIF_OP_WRITE, 1, 0, 1, 32, 0, 7);
	CHECK(storage_take(&q));
	removes(disk_dev, true);
	CHECK(answer(&id) == BLKIF_RSP_ERROR && id == 1);
	CHECK(be_is("5"));
	request(BLKIF_OP_READ, 2, 0, 1, 32, 0, 7);
	CHECK(answer(&id) == BLKIF_RSP_ERROR && id == 2);
	request(99, 3, 0, 0, 0, 0, 0);
	CHECK(answer(&id) == BLKIF_RSP_EOPNOTSUPP && id == 3);
	CHECK(!storage_take(&none));
	fake_xs_set(VBD_FE "/state", "6");
	CHECK(be_is("5") && !xb_gone(disk_dev)); /* storage may still write */
	storage_answer(&q, 0);
	CHECK(answer(&id) == 99); /* it has one already */
	last_looks();
	gone();
}

/* Linux sends what was in its queue when it is told of something, after it has closed. */
CASE(forced_it_answers_after_the_front_end_has_closed)
{
	uint64_t id;

	disk(false, 0);
	removes(disk_dev, true);
	(void)front_has_event();
	fake_xs_set(VBD_FE "/state", "6");
	CHECK(front_has_event());
	request(BLKIF_OP_READ, 1, 0, 1, 32, 0, 7);
	CHECK(answer(&id) == BLKIF_RSP_ERROR && id == 1);
	(void)front_has_event();
	fake_time_passes(21000);
	fake_io_run();
	CHECK(front_has_event());
	for (int i = 0; i < 4; i++) {
		fake_time_passes(21000);
		fake_io_run();
	}
	gone();
}

/* Nothing is taken from the rings then, but no request stays without an answer. */
CASE(forced_during_a_barrier)
{
	struct blk_req q;
	uint64_t id;

	disk(false, BLK_HAS_FLUSH);
	request(BLKIF_OP_WRITE_BARRIER, 1, 0, 1, 32, 0, 7);
	request(BLKIF_OP_READ, 2, 0, 1, 33, 0, 7);
	CHECK(storage_take(&q) && q.op == BLK_FLUSH);
	removes(disk_dev, true);
	CHECK(answer(&id) == BLKIF_RSP_ERROR && id == 1);
	CHECK(answer(&id) == BLKIF_RSP_ERROR && id == 2);
	storage_answer(&q, 0);
	CHECK(!storage_take(&q)); /* the data of the barrier are not written */
}

CASE(forced_and_the_front_end_does_nothing)
{
	disk(false, 0);
	removes(disk_dev, true);
	CHECK(be_is("5") && !xb_gone(disk_dev));
	fake_time_passes(1999000);
	fake_io_run();
	CHECK(be_is("5"));
	fake_time_passes(2000);
	fake_io_run();
	CHECK(be_is("6"));
	gone();
}

CASE(forced_after_the_front_end_was_asked)
{
	disk(false, 0);
	removes(disk_dev, false);
	CHECK(!xb_gone(disk_dev));
	removes(disk_dev, true);
	fake_xs_set(VBD_FE "/state", "6");
	last_looks();
	gone();
}

/* Nobody is waited for, and no timer is left. */
CASE(forced_without_a_connection)
{
	fake_guest();
	disk_make(1000, 0, false);
	removes(disk_dev, true);
	gone();
	fake_time_passes(3000000);
}

CASE(removed_from_a_front_end_that_broke_the_rules)
{
	struct blk_req q;

	disk(false, 0);
	request(BLKIF_OP_WRITE, 1, 0, 1, 32, 0, 7);
	CHECK(storage_take(&q));
	removes(disk_dev, false);
	fake_xs_set(VBD_FE "/state", "6");
	ring_word(RING_PAGE, 0, 1000);
	guest_send(front.port);
	CHECK(!ring_mapped() && be_is("5"));
	storage_answer(&q, 0);
	CHECK(be_is("6"));
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
	removes(disk_dev, false);
	fake_xs_set(VBD_FE "/state", "6");
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
		cmocka_unit_test(requests_in_flight_are_answered),
		cmocka_unit_test(forced_it_answers_with_errors),
		cmocka_unit_test(forced_it_answers_after_the_front_end_has_closed),
		cmocka_unit_test(forced_during_a_barrier),
		cmocka_unit_test(forced_and_the_front_end_does_nothing),
		cmocka_unit_test(forced_after_the_front_end_was_asked),
		cmocka_unit_test(forced_without_a_connection),
		cmocka_unit_test(removed_from_a_front_end_that_broke_the_rules),
		cmocka_unit_test(removed_without_a_front_end),
		cmocka_unit_test(removed_before_it_is_shown),
		cmocka_unit_test(another_one_comes),
	};

	return cmocka_run_group_tests_name("remove", tests, NULL, NULL);
}
