/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main_test.c - the whole of storage, between its clients and the drivers of two disks; any of
 * them may be hostile
 */
#include "drives.h"

#include <zlib.h>

/* ---- requests ---- */
static void requests_reach_their_place(void)
{
	struct blk_req q;

	start();
	attach(&c[0], 'a');
	attach(&c[1], 'c');
	assert_int_equal(c[0].word[0], VOLUME);
	assert_int_equal(drives[1].region_size, DATA);
	ask(&c[1], (struct blk_req){ .op = BLK_WRITE,
			   .id = 7,
			   .sector = 3,
			   .offset = 4096,
			   .length = 1024,
			   .flags = BLK_FUA });
	assert_false(asked(&drives[0], &q));
	assert_true(asked(&drives[1], &q));
	assert_true(q.op == BLK_WRITE && q.flags == BLK_FUA && q.offset == 4096 &&
		    q.length == 1024);
	assert_int_equal(q.sector, FIRST + VOLUME + 3);
	assert_true(drives[1].region[q.region]);
	answer(&drives[1], q.id, -SK_E_IO);
	assert_int_equal(answered(&c[1]), -SK_E_IO);
	assert_int_equal(answered(&c[0]), 99);
}

static void disks_with_larger_blocks(void)
{
	struct blk_rsp rsp;
	struct blk_req q;

	start_with(4096);
	attach(&c[0], 'd'); /* found, although this table counts blocks of 4096 bytes */
	assert_int_equal(c[0].word[0], VOLUME * 8);
	ask(&c[0], (struct blk_req){ .op = BLK_INFO });
	assert_true(peer_take(&c[0], &rsp, sizeof(rsp)));
	assert_int_equal(blk_info_block(rsp.flags), 4096);
	ask(&c[0], (struct blk_req){ .op = BLK_READ, .length = 512 });
	assert_int_equal(answered(&c[0]), -SK_E_INVAL);
	ask(&c[0], (struct blk_req){ .op = BLK_READ, .sector = 1, .length = 4096 });
	assert_int_equal(answered(&c[0]), -SK_E_INVAL);
	ask(&c[0], (struct blk_req){ .op = BLK_READ, .sector = 8, .length = 4096 });
	assert_true(asked(&drives[0], &q));
	assert_int_equal(q.sector, (FIRST + VOLUME + 1) * 8);
}

/* ---- tables ---- */
enum { ENTRIES = 4 }; /* blocks */

static bool entries_damage(struct drive *d, const struct blk_req *q)
{
	(void)q;
	d->image[2 * 512 + 56] = 'x';
	return false;
}

static void damaged_entries_name_no_volume(void)
{
	drives[0].on_start = entries_damage;
	start();
	assert_int_equal(try_attach(&c[0], 'x', true), -SK_E_NOT_FOUND);
	assert_int_equal(try_attach(&c[0], 'd', true), -SK_E_NOT_FOUND);
	attach(&c[1], 'b');
}

/* The first table is damaged, and the second one is at the end of the disk. */
static bool header_damage(struct drive *d, const struct blk_req *q)
{
	uint8_t *first = d->image + 512, *last = d->image + (LBAS - 1) * 512;
	const uint64_t own = LBAS - 1, other = 1, entries = LBAS - 1 - ENTRIES;
	uint32_t sum;

	(void)q;
	if (first[0] == 'X')
		return false;
	memcpy(d->image + entries * 512, d->image + 2 * 512, ENTRIES * 512);
	memcpy(last, first, 512);
	memcpy(last + 24, &own, 8);
	memcpy(last + 32, &other, 8);
	memcpy(last + 72, &entries, 8);
	memset(last + 16, 0, 4);
	sum = (uint32_t)crc32(0, last, 92);
	memcpy(last + 16, &sum, 4);
	first[0] = 'X';
	return false;
}

static void the_second_table_is_used(void)
{
	drives[0].on_start = header_damage;
	start();
	attach(&c[0], 'd');
	assert_int_equal(c[0].word[0], VOLUME);
}

static void a_disk_that_cannot_be_written(void)
{
	drives[0].read_only = true;
	start();
	assert_int_equal(try_attach(&c[0], 'a', true), -SK_E_DENIED);
	assert_int_equal(try_attach(&c[0], 'a', false), 0);
	attach(&c[1], 'b');
}

static void illegal_parameters(void)
{
	struct blk_params p = { .volume = "by-partlabel/a" };

	start();
	assert_int_equal(
		world_open(&c[0], SVC_PROTO_BLK, 1, &p, sizeof(p) - 1, DATA), -SK_E_INVAL);
	p.reserved = 1;
	assert_int_equal(world_open(&c[0], SVC_PROTO_BLK, 1, &p, sizeof(p), DATA), -SK_E_INVAL);
	p.reserved = 0;
	assert_int_equal(world_open(&c[0], SVC_PROTO_BLK, 1, &p, sizeof(p), DATA), 0);
}

/* ---- two disks ---- */
static void a_wait_for_one_disk_does_not_hold_up_another(void)
{
	start();
	attach(&c[0], 'a');
	attach(&c[1], 'b');
	attach(&c[2], 'c');
	ask_many(&c[1], BLK_READ, 64); /* as many as the second disk takes */
	ask_many(&c[2], BLK_READ, 1);
	ask_many(&c[0], BLK_READ, 1);
	assert_int_equal(land(&drives[0], 1), 1);
	assert_int_equal(answers(&c[0]), 1);
	assert_int_equal(answers(&c[2]), 0);
	land_all(&drives[1]);
	assert_int_equal(answers(&c[1]), 64);
	assert_int_equal(answers(&c[2]), 1);
}

/* A busy client gets no more of the free places than one that asks now and then. */
static void waiting_clients_take_turns(void)
{
	uint32_t n;

	start();
	attach(&c[0], 'b');
	attach(&c[1], 'c');
	attach(&c[2], 'g');
	ask_many(&c[0], BLK_READ, 80);
	ask_many(&c[1], BLK_READ, 30);
	ask_many(&c[2], BLK_READ, 1);
	(void)land(&drives[1], 2);
	assert_int_equal(land(&drives[1], 62), 62);
	n = answers(&c[0]);
	assert_int_equal(answers(&c[2]), 0); /* the third free place is its own */
	(void)land(&drives[1], 3);
	assert_int_equal(answers(&c[2]), 1);
	land_all(&drives[1]);
	assert_int_equal(answers(&c[1]), 30);
	assert_int_equal(
		n + answers(&c[0]), 80); /* more than one turn, without another signal */
}

/* ---- a driver whose ring is full ---- */
static void a_full_ring_of_the_driver_costs_nobody_his_disk(void)
{
	struct blk_req q;
	uint32_t n = 0, sent = 0, rounds;

	start();
	attach(&c[0], 'a');
	/*
	 * The driver answers before it publishes that it took requests, so its ring is full
	 * with few in flight.
	 */
	for (rounds = 0; rounds < 10; rounds++) {
		for (int i = 0; i < 40 && ring_room(&c[0].out, sizeof(q), 1); i++, sent++)
			ask_many(&c[0], BLK_FLUSH, 1);
		while (asked(&drives[0], &q)) {
			answer_put(&drives[0], q.id, 0);
			n++;
		}
		(void)ring_put_flush(&drives[0].peer.out);
		world_irq(0);
		assert_false(peer_dead(&c[0]));
		if (rounds % 3 == 2)
			peer_signal(&drives[0].peer);
		(void)answers(&c[0]);
	}
	peer_signal(&drives[0].peer);
	while ((rounds = land(&drives[0], UINT32_MAX)))
		n += rounds;
	(void)answers(&c[0]);
	assert_int_equal(n, sent);
	assert_true(sent > 200);
	assert_false(peer_dead(&c[0]));
}

/* The driver takes longer for it than for three times as many others as it may have. */
static void a_slow_request_keeps_its_place(void)
{
	struct blk_req slow;

	start();
	attach(&c[0], 'a');
	ask_many(&c[0], BLK_FLUSH, 1);
	assert_true(asked(&drives[0], &slow));
	for (uint32_t i = 0; i < 3 * BLK_DEPTH; i++) {
		ask_many(&c[0], BLK_FLUSH, 1);
		assert_int_equal(land(&drives[0], 1), 1);
		assert_int_equal(answered(&c[0]), 0);
	}
	answer(&drives[0], slow.id, -SK_E_IO);
	assert_int_equal(answered(&c[0]), -SK_E_IO);
}

static void a_later_client_does_not_overtake(void)
{
	struct blk_req q;
	uint32_t sent = 0, n = 0;

	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	for (uint32_t last = 1; n != last;) { /* fill the driver's ring */
		last = n;
		ask_many(&c[0], BLK_FLUSH, 1);
		sent++;
		while (asked(&drives[0], &q)) {
			answer_put(&drives[0], q.id, 0);
			n++;
		}
		(void)ring_put_flush(&drives[0].peer.out);
		world_irq(0);
		(void)answers(&c[0]);
	}
	assert_int_equal(sent, n + 1);
	(void)ring_get_flush(&drives[0].peer.in); /* makes room, which storage learns later */
	ask_many(&c[1], BLK_READ, 1);
	peer_signal(&drives[0].peer);
	assert_true(asked(&drives[0], &q));
	assert_int_equal(q.op, BLK_FLUSH);
	assert_true(asked(&drives[0], &q));
	assert_int_equal(q.op, BLK_READ);
}

/* What it did is answered by the next driver. */
static void taken_over(void (*does)(struct drive *d))
{
	struct blk_req q;

	start();
	attach(&c[0], 'a');
	attach(&c[1], 'b');
	ask(&c[0], (struct blk_req){ .op = BLK_FLUSH });
	assert_true(asked(&drives[0], &q));
	assert_false(world_accused(&drives[0].peer));
	does(&drives[0]);
	assert_true(world_accused(&drives[0].peer));
	answer(&drives[0], q.id, 0); /* too late */
	ask(&c[0], (struct blk_req){ .op = BLK_FLUSH });
	assert_false(asked(&drives[0], &q));
	assert_int_equal(answered(&c[0]), 99);
	ask(&c[1], (struct blk_req){ .op = BLK_FLUSH });
	assert_int_equal(land(&drives[1], 9), 1);
	assert_int_equal(answered(&c[1]), 0);
	drive_restart(&drives[0]);
	while (asked(&drives[0], &q)) {
		if (q.op == BLK_FLUSH)
			answer_put(&drives[0], q.id, 0);
		else
			answer_truly(&drives[0], &q);
		peer_flush(&drives[0].peer);
	}
	assert_false(world_accused(&drives[0].peer));
	assert_int_equal(answered(&c[0]), 0);
	assert_int_equal(answered(&c[0]), 0);
	assert_int_equal(answered(&c[0]), 99);
}

static void does_answer_nothing(struct drive *d) { answer(d, 5, 0); }
static void does_answer_a_stranger(struct drive *d) { answer(d, UINT64_MAX, 0); }

static void does_answer_itself(struct drive *d)
{
	((struct ring_shared *)(d->peer.rings + 8192))->prod += 12;
	peer_signal(&d->peer);
}

static void does_answer_little(struct drive *d)
{
	peer_put(&d->peer, "short", 5);
	peer_flush(&d->peer);
}

static void an_answer_to_nothing(void) { taken_over(does_answer_nothing); }
static void an_answer_to_a_stranger(void) { taken_over(does_answer_a_stranger); }
static void an_impossible_index(void) { taken_over(does_answer_itself); }
static void a_short_answer(void) { taken_over(does_answer_little); }

static void a_driver_that_answers_no_calls(void)
{
	static struct peer again;
	sk_time_t before;

	start();
	attach(&c[0], 'a');
	attach(&c[1], 'b');
	drives[0].silent = true;
	before = world.now;
	assert_int_equal(try_attach(&c[2], 'd', true), -SK_E_IO);
	assert_int_equal(world.now - before, DISK_CALL_MS * (WORLD_HZ / 1000));
	before = world.now; /* the driver is not called again at once */
	assert_int_equal(try_attach(&c[2], 'd', true), -SK_E_IO);
	assert_int_equal(world_close(&c[0]), 0);
	assert_int_equal(world.now, before);
	ask(&c[1], (struct blk_req){ .op = BLK_FLUSH });
	assert_int_equal(land(&drives[1], 9), 1);
	assert_int_equal(answered(&c[1]), 0);
	/*
	 * The driver is back. Storage does not know whether the driver did the calls that it
	 * did not answer, so it first asks to undo them.
	 */
	drives[0].silent = false;
	drives[0].region[2] = 1;
	drives[0].n_regions++;
	world.now += DISK_SILENT_MS * (WORLD_HZ / 1000);
	assert_int_equal(try_attach(&again, 'a', true), 0);
	assert_int_equal(try_attach(&c[2], 'd', true), 0);
	assert_int_equal(drives[0].n_regions, 3);
}

static void a_driver_that_hangs_from_the_start(void)
{
	drives[0].silent = true;
	start();
	assert_int_equal(try_attach(&c[0], 'a', true), -SK_E_NOT_FOUND);
	attach(&c[1], 'b');
}

static uint32_t fed;

/* ---- a hostile VMM ---- */
static void bad_requests_are_answered(void)
{
	static const struct blk_req bad[] = {
		{ .op = BLK_READ, .length = 0 },
		{ .op = BLK_READ, .length = 100 },
		{ .op = BLK_READ, .length = BLK_BYTES_MAX + 512 },
		{ .op = BLK_READ, .length = UINT64_MAX },
		{ .op = BLK_READ, .length = 512, .sector = VOLUME },
		{ .op = BLK_READ, .length = 512, .sector = UINT64_MAX },
		{ .op = BLK_READ, .length = 512, .offset = DATA },
		{ .op = BLK_READ, .length = 512, .offset = UINT64_MAX - 511 },
		{ .op = BLK_READ, .length = 512, .offset = 1 },
		{ .op = BLK_READ, .length = 512, .region = 1 },
		{ .op = BLK_READ, .length = 512, .flags = 2 },
		{ .op = 0 },
		{ .op = 99 },
	};
	struct blk_req q;

	start();
	attach(&c[0], 'a');
	for (size_t i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		ask(&c[0], bad[i]);
		assert_true(answered(&c[0]) < 0);
		assert_false(asked(&drives[0], &q));
	}
	assert_int_equal(try_attach(&c[1], 'd', false), 0);
	ask(&c[1], (struct blk_req){ .op = BLK_WRITE, .length = 512 });
	assert_int_equal(answered(&c[1]), -SK_E_DENIED);
	assert_false(peer_dead(&c[0]) || peer_dead(&c[1]));
}

static void wrong_records_are_a_breach(void)
{
	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	peer_put(&c[0], "short", 5);
	peer_signal(&c[0]);
	assert_true(peer_dead(&c[0]));
	peer_put(&c[1], (uint8_t[100]){ 1 }, 100);
	peer_signal(&c[1]);
	assert_true(peer_dead(&c[1]));
	assert_int_equal(world_close(&c[0]), 0);
	attach(&c[0], 'a'); /* the volume can be attached again */
}

static void b_asks_once(void)
{
	if (world.polls != 3)
		return;
	c[0].on_signal = NULL;
	peer_put(&c[1], &(struct blk_req){ .op = BLK_INFO }, sizeof(struct blk_req));
	(void)ring_put_flush(&c[1].out);
}

static void feed(struct peer *p)
{
	struct blk_rsp rsp;
	uint32_t n = 0;

	while (peer_take(p, &rsp, sizeof(rsp)))
		n++;
	(void)ring_get_flush(&p->in);
	peer_knows(p, (40 - n) * 48);
	while (n--)
		peer_put(p, &(struct blk_req){ .op = 99 }, sizeof(struct blk_req));
	(void)ring_put_flush(&p->out);
	assert_true(++fed < 10000);
}

static void a_busy_client_does_not_stop_storage(void)
{
	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	c[0].on_signal = feed;
	world.on_poll = b_asks_once;
	(void)answers(&c[0]);
	ask_many(&c[0], 99, 40);
	peer_signal(&c[1]);
	assert_int_equal(answered(&c[1]), 0);
	assert_true(fed > 64);
	assert_false(peer_dead(&c[0]));
}

static void a_client_that_takes_no_answers_waits_alone(void)
{
	uint32_t sent = 0, n = 0;

	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	while (ring_room(&c[0].out, sizeof(struct blk_req), 1)) {
		ask_many(&c[0], sent % 2 ? BLK_INFO : BLK_FLUSH, 1);
		sent++;
		land_all(&drives[0]);
	}
	assert_true(sent > 128);
	assert_false(peer_dead(&c[0]));
	ask(&c[1], (struct blk_req){ .op = BLK_FLUSH });
	land_all(&drives[0]);
	assert_int_equal(answered(&c[1]), 0);
	for (int i = 0; i < 8; i++) {
		n += answers(&c[0]);
		land_all(&drives[0]);
	}
	assert_int_equal(n, sent);
}

/* Room is kept for the answers to all requests in flight, not only for the next one. */
static void answers_to_what_is_out_have_room(void)
{
	uint32_t sent = 0, n = 0;

	start();
	attach(&c[0], 'a');
	for (; sent < 100; sent++) {
		ask_many(&c[0], BLK_FLUSH, 1);
		land_all(&drives[0]);
	}
	for (; ring_room(&c[0].out, sizeof(struct blk_req), 1); sent++)
		ask_many(&c[0], BLK_FLUSH, 1);
	land_all(&drives[0]);
	assert_false(peer_dead(&c[0]));
	for (int i = 0; i < 8; i++) {
		n += answers(&c[0]);
		land_all(&drives[0]);
	}
	assert_int_equal(n, sent);
}

/* ---- the end of an attachment ---- */
static void closing_flushes_what_was_written(void)
{
	struct blk_req q, flush;

	start();
	attach(&c[0], 'a');
	ask(&c[0], (struct blk_req){ .op = BLK_WRITE, .length = 512 });
	assert_int_equal(world_close(&c[0]), PENDING);
	assert_true(asked(&drives[0], &q));
	assert_false(asked(&drives[0], &flush)); /* only after the write is done */
	answer(&drives[0], q.id, 0);
	assert_true(asked(&drives[0], &flush));
	assert_int_equal(flush.op, BLK_FLUSH);
	assert_int_equal(c[0].close_rc, PENDING);
	answer(&drives[0], flush.id, 0);
	assert_int_equal(c[0].close_rc, 0);
	assert_int_equal(c[0].close_result, 0);
	assert_int_equal(drives[0].n_regions, 1); /* only storage's own region is left */
	attach(&c[0], 'a');
	assert_int_equal(world_close(&c[0]), 0); /* nothing was written, so there is no flush */
	assert_false(asked(&drives[0], &q));
}

static void a_failed_last_flush_is_told(void)
{
	struct blk_req q;

	start();
	attach(&c[0], 'a');
	ask(&c[0], (struct blk_req){ .op = BLK_WRITE, .length = 512 });
	assert_int_equal(land(&drives[0], 1), 1);
	assert_int_equal(world_close(&c[0]), PENDING);
	assert_true(asked(&drives[0], &q));
	answer(&drives[0], q.id, -SK_E_IO);
	assert_int_equal(c[0].close_rc, 0); /* the attachment is gone nevertheless */
	assert_int_equal(c[0].close_result, -SK_E_IO);
	assert_int_equal(drives[0].n_regions, 1);
}

/*
 * However many requests others have in flight, there is room for the closing flush, which goes
 * before all waiting requests.
 */
static void closing_goes_before_all_others(void)
{
	struct blk_req q, read;
	uint32_t n;

	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	attach(&c[2], 'e');
	attach(&c[3], 'f');
	ask(&c[0], (struct blk_req){ .op = BLK_WRITE, .length = 512 });
	ask(&c[3], (struct blk_req){ .op = BLK_WRITE, .length = 512 });
	assert_int_equal(land(&drives[0], 2), 2);
	ask_many(&c[1], BLK_READ, 80);
	ask_many(&c[2], BLK_READ, 80);
	assert_int_equal(world_close(&c[0]), PENDING);
	for (n = 0; asked(&drives[0], &q) && q.op != BLK_FLUSH; n++)
		read = q;
	assert_int_equal(q.op, BLK_FLUSH); /* sent although no answer came */
	assert_int_equal(n, BLK_DEPTH - DISK_CLOSING_RESERVE);
	assert_int_equal(world_close(&c[3]), PENDING);
	answer(&drives[0], read.id, 0);
	assert_int_equal(c[0].close_rc, PENDING);
	/* the next closing flush goes before the next read */
	assert_true(asked(&drives[0], &read));
	assert_int_equal(read.op, BLK_FLUSH);
	answer(&drives[0], read.id, 0);
	assert_int_equal(c[3].close_rc, 0);
	answer(&drives[0], q.id, 0);
	assert_int_equal(c[0].close_rc, 0);
}

static void closing_one_that_waits_for_the_disk(void)
{
	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	ask_many(&c[0], BLK_READ, 64);
	ask_many(&c[1], BLK_READ, 5);
	assert_int_equal(world_close(&c[1]), 0);
	land_all(&drives[0]);
	assert_int_equal(answers(&c[0]), 64);
	attach(&c[1], 'd');
}

static void closing_without_a_driver(void)
{
	start();
	attach(&c[0], 'a');
	ask(&c[0], (struct blk_req){ .op = BLK_WRITE, .length = 512 });
	assert_int_equal(land(&drives[0], 1), 1);
	does_answer_itself(&drives[0]);
	assert_int_equal(world_close(&c[0]), PENDING); /* for the next driver */
	world_end(&drives[0].peer, SVC_END_GIVEN_UP);
	assert_int_equal(c[0].close_rc, 0);
	assert_true(c[0].close_result < 0); /* written data may be lost */
}

/* A signal takes time, which is spent for the client that it is sent for. */
enum { SIGNAL_TAKES = 1000 };

static void signal_takes_time(struct peer *p)
{
	(void)p;
	world.now += SIGNAL_TAKES;
}

/* Answers of the driver, and requests that waited for it, are work for their client. */
static void work_is_charged_to_its_client(void)
{
	uint64_t before[2];
	struct blk_req q;

	start();
	attach(&c[0], 'a');
	attach(&c[1], 'd');
	ask_many(&c[0], BLK_READ, BLK_DEPTH);
	ask_many(&c[1], BLK_READ, 1); /* waits for the disk */
	before[0] = world_worked(&c[0]);
	before[1] = world_worked(&c[1]);
	assert_int_equal(answers(&c[0]), 0); /* now it waits for one */
	c[0].on_signal = signal_takes_time;
	assert_int_equal(land(&drives[0], 1), 1);
	assert_in_range(world_worked(&c[0]) - before[0], SIGNAL_TAKES, 2 * SIGNAL_TAKES);
	assert_int_equal(world_worked(&c[1]), before[1]);
	c[0].on_signal = NULL;
	while (asked(&drives[0], &q))
		continue;                             /* now the driver waits for more */
	drives[0].peer.on_signal = signal_takes_time; /* the request goes on */
	before[0] = world_worked(&c[0]);
	answer(&drives[0], q.id, 0);
	assert_in_range(world_worked(&c[1]) - before[1], SIGNAL_TAKES, 2 * SIGNAL_TAKES);
	assert_int_equal(world_worked(&c[0]), before[0]);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(requests_reach_their_place),
		CASE(disks_with_larger_blocks),
		CASE(damaged_entries_name_no_volume),
		CASE(the_second_table_is_used),
		CASE(a_disk_that_cannot_be_written),
		CASE(illegal_parameters),
		CASE(a_wait_for_one_disk_does_not_hold_up_another),
		CASE(waiting_clients_take_turns),
		CASE(a_full_ring_of_the_driver_costs_nobody_his_disk),
		CASE(a_slow_request_keeps_its_place),
		CASE(a_later_client_does_not_overtake),
		CASE(an_answer_to_nothing),
		CASE(an_answer_to_a_stranger),
		CASE(an_impossible_index),
		CASE(a_short_answer),
		CASE(a_driver_that_answers_no_calls),
		CASE(a_driver_that_hangs_from_the_start),
		CASE(bad_requests_are_answered),
		CASE(wrong_records_are_a_breach),
		CASE(a_busy_client_does_not_stop_storage),
		CASE(a_client_that_takes_no_answers_waits_alone),
		CASE(answers_to_what_is_out_have_room),
		CASE(closing_flushes_what_was_written),
		CASE(a_failed_last_flush_is_told),
		CASE(closing_goes_before_all_others),
		CASE(closing_one_that_waits_for_the_disk),
		CASE(closing_without_a_driver),
		CASE(work_is_charged_to_its_client),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
