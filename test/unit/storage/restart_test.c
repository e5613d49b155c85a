/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart_test.c - a disk's driver ends, in every place of a request's way, and another one
 * starts; and storage itself has started again
 */
#include "drives.h"

static struct drive *const d = &drives[0];

static const struct blk_req writing = {
	.op = BLK_WRITE, .id = 7, .sector = 3, .offset = 4096, .length = 1024, .flags = BLK_FUA
};

/* The new driver is asked for its disk, which is the old one. */
static void check_pass(void)
{
	struct blk_req q;

	assert_true(asked(d, &q));
	assert_int_equal(q.op, BLK_INFO);
	answer_truly(d, &q);
	peer_flush(&d->peer);
	assert_true(asked(d, &q));
	assert_int_equal(q.op, BLK_READ);
	assert_int_equal(q.sector, d->block / 512);
	answer_truly(d, &q);
	peer_flush(&d->peer);
}

static void restart(void)
{
	drive_restart(d);
	check_pass();
}

static struct blk_req taken(void)
{
	struct blk_req q;

	assert_true(asked(d, &q));
	return q;
}

static void taken_truly(void)
{
	struct blk_req q = taken();

	answer_truly(d, &q);
	peer_flush(&d->peer);
}

static void nothing_asked(void)
{
	struct blk_req q;

	assert_false(asked(d, &q));
}

/* ---- what was in flight ---- */
static void a_request_is_sent_again(void)
{
	struct blk_req first, again;

	start();
	attach(&c[0], 'd');
	ask(&c[0], writing);
	first = taken();
	restart();
	assert_int_equal(answered(&c[0]), 99);
	again = taken();
	assert_true(again.op == BLK_WRITE && again.flags == BLK_FUA && again.offset == 4096 &&
		    again.length == 1024 && again.sector == FIRST + VOLUME + 3);
	assert_int_equal(again.region, first.region);
	assert_ptr_equal(d->region_data[again.region], c[0].data);
	assert_int_not_equal(again.id, first.id);
	answer(d, again.id, 0);
	assert_int_equal(answered(&c[0]), 0);
	assert_int_equal(answered(&c[0]), 99);
	ask(&c[0], writing);
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[0]), 0);
}

/* The driver did it and said so, but storage did not look in time. */
static void an_answer_that_nobody_read(void)
{
	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	answer_put(d, taken().id, 0);
	(void)ring_put_flush(&d->peer.out);
	restart();
	assert_int_equal(answered(&c[0]), 99);
	answer(d, taken().id, 0);
	assert_int_equal(answered(&c[0]), 0);
}

static void a_request_that_no_driver_took(void)
{
	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	restart();
	answer(d, taken().id, 0);
	assert_int_equal(answered(&c[0]), 0);
}

/* In the order in which they came, so that a flush comes after the writes before it. */
static void suspects_are_alone_and_in_order(void)
{
	static const uint16_t ops[] = { BLK_WRITE, BLK_FLUSH, BLK_READ, BLK_WRITE, BLK_FLUSH };
	uint64_t last;

	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	ask(&c[0], writing);
	last = taken().id;
	for (unsigned int i = 0; i < 5; i++)
		ask(&c[0], (struct blk_req){ .op = ops[i], .length = 512 });
	answer(d, last, 0); /* so its place in storage's table is free for a later one */
	ask(&c[0], (struct blk_req){ .op = BLK_READ, .length = 512 });
	assert_int_equal(answered(&c[0]), 0);
	restart();
	ask(&c[1], (struct blk_req){ .op = BLK_WRITE, .length = 512 });
	for (unsigned int i = 0; i < 5; i++) {
		struct blk_req q = taken();

		assert_int_equal(q.op, ops[i]);
		nothing_asked();
		assert_int_equal(answered(&c[0]), 99);
		answer(d, q.id, 0);
		assert_int_equal(answered(&c[0]), 0);
	}
	answer(d, taken().id, 0);
	assert_int_equal(answered(&c[0]), 0);
	assert_int_equal(land(d, 9), 1); /* the one that came after the restart */
	assert_int_equal(answered(&c[1]), 0);
}

static void other_disks_go_on(void)
{
	start();
	attach(&c[0], 'a');
	attach(&c[1], 'b');
	ask(&c[0], writing);
	drive_restart(d);
	ask(&c[1], writing);
	assert_int_equal(land(&drives[1], 9), 1);
	assert_int_equal(answered(&c[1]), 0);
	check_pass();
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[0]), 0);
}

/* ---- again and again ---- */
static void the_request_that_ends_its_driver_fails(void)
{
	struct blk_req q;

	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	ask(&c[0], (struct blk_req){ .op = BLK_READ, .length = 512 });
	ask(&c[1], writing);
	for (unsigned int i = 0; i < DISK_DEATHS_MAX - 1; i++) {
		restart();
		q = taken();
		assert_int_equal(q.op, BLK_READ);
		nothing_asked();
	}
	assert_int_equal(answered(&c[0]), 99);
	restart();
	assert_int_equal(answered(&c[0]), -SK_E_IO);
	assert_int_equal(taken().op, BLK_WRITE);
	restart(); /* this one was at a driver that ended for the first time with it alone */
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[1]), 0);
	ask(&c[0], writing);
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[0]), 0);
}

static void who_waited_is_no_suspect(void)
{
	start();
	attach(&c[0], 'a');
	for (unsigned int i = 0; i < 3; i++)
		ask(&c[0], writing);
	restart();
	for (unsigned int i = 0; i < 10; i++) { /* before anything is sent again */
		drive_restart(d);
		assert_int_equal(taken().op, BLK_INFO);
		drive_restart(d);
		check_pass();
		answer(d, taken().id, 0);
		assert_int_equal(answered(&c[0]), 0);
		ask(&c[0], writing);
	}
	land_all(d);
	assert_int_equal(answers(&c[0]), 3);
}

static void ends_while_it_is_checked(void)
{
	struct blk_req q;

	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	for (unsigned int i = 0; i < 20; i++) {
		drive_restart(d);
		q = taken();
		assert_int_equal(q.op, BLK_INFO);
		if (i % 2) {
			answer_truly(d, &q);
			peer_flush(&d->peer);
			assert_int_equal(taken().op, BLK_READ);
		}
		nothing_asked();
	}
	restart();
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[0]), 0);
}

/* ---- regions ---- */
static unsigned int regions_left; /* the driver ends at the call after these */

static long ends_at_region(struct drive *who, uint32_t label, uint64_t number)
{
	(void)who, (void)label, (void)number;
	return regions_left-- ? 0 : -SK_E_DELETED;
}

static void ends_while_regions_are_added(void)
{
	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	attach(&c[2], 'e');
	ask(&c[1], writing);
	d->on_region = ends_at_region;
	for (unsigned int i = 0; i < 4; i++) {
		regions_left = i;
		drive_restart(d);
		nothing_asked();
	}
	d->on_region = NULL;
	restart();
	assert_int_equal(d->n_regions, 4);
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[1]), 0);
}

static void a_driver_that_is_slow_with_regions(void)
{
	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	d->silent = true;
	drive_restart(d);
	nothing_asked();
	world_run();
	nothing_asked();
	d->silent = false;
	world.now += DISK_SILENT_MS * (WORLD_HZ / 1000);
	world_run();
	check_pass();
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[0]), 0);
}

static uint64_t refused;

static long refuses(struct drive *who, uint32_t label, uint64_t number)
{
	(void)who;
	return label == BLK_REGION_ADD && number == refused ? -SK_E_NO_MEM : 0;
}

/* A region that the new driver does not take costs its own client only. */
static void a_region_that_is_refused(void)
{
	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	ask(&c[0], writing);
	refused = taken().region;
	ask(&c[1], writing);
	d->on_region = refuses;
	restart();
	assert_int_equal(answered(&c[0]), -SK_E_IO);
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[1]), 0);
	ask(&c[0], writing);
	assert_int_equal(answered(&c[0]), -SK_E_IO);
	d->on_region = NULL;
	attach(&c[2], 'e');
	ask(&c[2], writing);
	assert_int_not_equal(taken().region, refused); /* it is still the first client's */
	restart();
	assert_ptr_equal(d->region_data[refused], c[0].data);
	ask(&c[0], writing);
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[0]), 0);
	assert_int_equal(answered(&c[2]), 0);
}

/* Left by a call whose answer nobody heard. */
static void a_number_that_the_driver_has_in_use(void)
{
	struct blk_req q;

	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	q = taken();
	memset(d->region, 0, sizeof(d->region));
	d->region[q.region] = 1;
	d->region_data[q.region] = NULL;
	d->n_regions = 1;
	world_restart(&d->peer);
	check_pass();
	assert_ptr_equal(d->region_data[q.region], c[0].data);
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[0]), 0);
}

/* ---- another disk ---- */
static void lost(void)
{
	nothing_asked();
	assert_int_equal(answered(&c[0]), -SK_E_IO);
	ask(&c[0], writing);
	ask(&c[0], writing);
	assert_int_equal(answers(&c[0]), 2);
	nothing_asked();
	assert_int_equal(try_attach(&c[1], 'd', true), -SK_E_IO);
}

/* Nothing that it has is sent to a disk that is wrong at each check. */
static void all_checks_fail(void (*wrong)(void))
{
	for (unsigned int i = 0; i < 10; i++) {
		if (i) {
			nothing_asked();
			assert_int_equal(answered(&c[0]), 99);
			world.now += (WORLD_HZ / 10) << (i - 1);
			world_run();
		}
		wrong();
	}
	lost();
}

static void a_disk_of_another_size(void)
{
	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	drive_restart(d);
	d->sectors = LBAS - 1;
	all_checks_fail(taken_truly);
	d->sectors = 0;
	restart(); /* the right disk is back */
	ask(&c[0], writing);
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[0]), 0);
}

static void a_disk_with_another_table(void)
{
	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	d->image[512 + 56] ^= 1; /* the disk's GUID */
	drive_restart(d);
	all_checks_fail(check_pass);
}

static void taken_with_an_error(void) { answer(d, taken().id, -SK_E_IO); }

static void a_disk_that_cannot_be_read(void)
{
	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	drive_restart(d);
	all_checks_fail(taken_with_an_error);
}

/* What waited is sent when the disk is there. */
static void a_disk_that_is_ready_later(void)
{
	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	drive_restart(d);
	taken_with_an_error();
	world_run();
	nothing_asked();
	world.now += WORLD_HZ / 10;
	world_run();
	check_pass();
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[0]), 0);
	drive_restart(d); /* the next driver is asked at once */
	taken_with_an_error();
	restart();
}

/* An error is one even if all else in the answer is right. */
static void an_error_with_the_right_answer(void)
{
	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	drive_restart(d);
	d->status = -SK_E_IO;
	all_checks_fail(taken_truly);
}

static int header_status;

static void header_is_not_read(void)
{
	taken_truly();
	answer(d, taken().id, header_status);
}

/* The region still has what an earlier check read. */
static void a_header_that_cannot_be_read(int status)
{
	header_status = status;
	start();
	attach(&c[0], 'a');
	restart();
	ask(&c[0], writing);
	(void)taken();
	drive_restart(d);
	all_checks_fail(header_is_not_read);
}

static void a_header_that_has_an_error(void) { a_header_that_cannot_be_read(-SK_E_IO); }
static void a_header_that_was_not_read(void) { a_header_that_cannot_be_read(0); }

static void a_driver_that_is_given_up(void)
{
	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	(void)taken();
	world_end(&d->peer, SVC_END_GIVEN_UP);
	lost();
	assert_int_equal(world_close(&c[0]), 0);
	assert_int_equal(c[0].close_result, -SK_E_IO); /* what it wrote may be lost */
}

/* Then init ends storage, and its next life does what is asked of this one. */
static void the_driver_says_that_storage_broke_the_protocol(void)
{
	start();
	attach(&c[0], 'a');
	ask(&c[0], writing);
	(void)taken();
	world_end(&d->peer, SVC_END_BREACH);
	ask(&c[0], writing);
	world_run();
	assert_int_equal(answered(&c[0]), 99);
	assert_int_equal(world_close(&c[0]), PENDING);
}

/* ---- the end of an attachment ---- */
static void closing_while_the_driver_is_away(void)
{
	struct blk_req q;

	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	ask(&c[1], writing);
	assert_int_equal(land(d, 9), 1);
	ask(&c[0], writing);
	assert_int_equal(world_close(&c[0]), PENDING);
	drive_restart(d);
	assert_int_equal(world_close(&c[1]), PENDING);
	check_pass();
	answer(d, taken().id, 0);
	q = taken();
	assert_int_equal(q.op, BLK_FLUSH);
	restart();
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(taken().op, BLK_FLUSH);
		nothing_asked();
		restart();
		q = taken();
		answer(d, q.id, 0);
	}
	assert_int_equal(c[0].close_rc, 0);
	assert_int_equal(c[0].close_result, 0);
	assert_int_equal(c[1].close_rc, 0);
	assert_int_equal(c[1].close_result, 0);
	assert_int_equal(d->n_regions, 1);
}

/* ---- storage has started again ---- */
static void reopened_attachments_are_flushed(void)
{
	start();
	world.open_epoch = 1;
	attach(&c[0], 'a');
	assert_int_equal(try_attach(&c[1], 'd', false), 0);
	assert_int_equal(world_close(&c[0]), PENDING);
	answer(d, taken().id, 0);
	assert_int_equal(c[0].close_rc, 0);
	assert_int_equal(world_close(&c[1]), 0); /* it cannot have written */
}

static void reopened_while_the_driver_is_away(void)
{
	start();
	d->silent = true;
	world.open_epoch = 3;
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	ask(&c[0], writing);
	nothing_asked();
	d->silent = false;
	restart();
	assert_int_equal(d->n_regions, 3);
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[0]), 0);
}

static void reopened_with_a_driver_that_is_slow(void)
{
	start();
	d->silent = true;
	world.open_epoch = 3;
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	assert_int_equal(world_close(&c[1]), PENDING);
	assert_int_equal(try_attach(&c[2], 'e', false), 0);
	assert_int_equal(world_close(&c[2]), 0); /* before the driver had its region */
	ask(&c[0], writing);
	d->silent = false;
	world.now += DISK_SILENT_MS * (WORLD_HZ / 1000);
	world_run();
	answer(d, taken().id, 0);
	assert_int_equal(c[1].close_rc, 0);
	answer(d, taken().id, 0);
	assert_int_equal(answered(&c[0]), 0);
}

/* ---- storage's own start ---- */
static unsigned int starts_left;

static bool ends_at_start(struct drive *who, const struct blk_req *q)
{
	(void)q;
	if (starts_left-- != 0)
		return false;
	memset(who->region, 0, sizeof(who->region));
	who->n_regions = 0;
	peer_restart(&who->peer);
	return true;
}

static void drive_ends_at(unsigned int request)
{
	starts_left = request;
	d->on_start = ends_at_start;
	start();
	attach(&c[0], 'a');
	attach(&c[1], 'b');
	assert_int_equal(try_attach(&c[2], 'd', true), 0);
	ask(&c[0], writing);
	assert_int_equal(land(d, 9), 1);
	assert_int_equal(answered(&c[0]), 0);
	assert_int_equal(d->n_regions, 3);
}

static void ends_at_the_first_question(void) { drive_ends_at(0); }
static void ends_at_the_header(void) { drive_ends_at(1); }
static void ends_at_the_entries(void) { drive_ends_at(2); }

static long ends_once(struct drive *who, uint32_t label, uint64_t number)
{
	(void)label, (void)number;
	who->on_region = NULL;
	peer_restart(&who->peer);
	return -SK_E_DELETED;
}

static bool waits_on(struct drive *who, const struct blk_req *q)
{
	(void)who, (void)q;
	return false;
}

static void ends_at_its_own_region(void)
{
	d->on_region = ends_once;
	d->on_start = waits_on;
	start();
	attach(&c[0], 'a');
}

static long times_out_once(struct drive *who, uint32_t label, uint64_t number)
{
	(void)label, (void)number;
	who->on_region = NULL;
	who->stray = true;
	return -SK_E_TIMEOUT;
}

static void is_slow_with_its_own_region(void)
{
	d->on_region = times_out_once;
	start();
	attach(&c[0], 'a');
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_request_is_sent_again),
		CASE(an_answer_that_nobody_read),
		CASE(a_request_that_no_driver_took),
		CASE(suspects_are_alone_and_in_order),
		CASE(other_disks_go_on),
		CASE(the_request_that_ends_its_driver_fails),
		CASE(who_waited_is_no_suspect),
		CASE(ends_while_it_is_checked),
		CASE(ends_while_regions_are_added),
		CASE(a_driver_that_is_slow_with_regions),
		CASE(a_region_that_is_refused),
		CASE(a_number_that_the_driver_has_in_use),
		CASE(a_disk_of_another_size),
		CASE(a_disk_with_another_table),
		CASE(a_disk_that_cannot_be_read),
		CASE(a_disk_that_is_ready_later),
		CASE(an_error_with_the_right_answer),
		CASE(a_header_that_has_an_error),
		CASE(a_header_that_was_not_read),
		CASE(a_driver_that_is_given_up),
		CASE(the_driver_says_that_storage_broke_the_protocol),
		CASE(closing_while_the_driver_is_away),
		CASE(reopened_attachments_are_flushed),
		CASE(reopened_while_the_driver_is_away),
		CASE(reopened_with_a_driver_that_is_slow),
		CASE(ends_at_the_first_question),
		CASE(ends_at_the_header),
		CASE(ends_at_the_entries),
		CASE(ends_at_its_own_region),
		CASE(is_slow_with_its_own_region),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
