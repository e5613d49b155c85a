/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blkback_test.c - block requests: decoding in both layouts, and a disk from InitWait to
 * reconnection
 */
#include "blkfront.h"
#include "case.h"

#include "backend/blkback.h"
#include "backend/blkif_abi.h"
#include "backend/poll.h"

/* ---- layout ----------------------------------------------------------------------- */

CASE(layouts)
{
	struct blkif_op q;
	uint8_t e[112] = { 0 }, rsp[112];

	CHECK_EQ(blkif_layout_64.entry, 112);
	CHECK(blkif_layout_64.id == 8 && blkif_layout_64.sector == 16 &&
		blkif_layout_64.segments == 24);
	CHECK(blkif_layout_64.indirect_sector == 16 && blkif_layout_64.indirect_refs == 28);
	CHECK(blkif_layout_64.rsp_op == 8 && blkif_layout_64.rsp_status == 10 &&
		blkif_layout_64.response == 16);
	e[0] = BLKIF_OP_READ;
	e[1] = 1;
	e[4] = 0x11;  /* id */
	e[12] = 0x22; /* sector */
	e[20] = 0x33; /* gref */
	e[24] = 2, e[25] = 5;
	CHECK_EQ(blkif_decode(&blkif_layout_32, e, &q), 0);
	CHECK(q.id == 0x11 && q.sector == 0x22 && q.segment[0].ref == 0x33 && q.sectors == 4);
	blkif_response(&blkif_layout_32, 5, 1, -1, rsp);
	CHECK(rsp[0] == 5 && rsp[8] == 1 && rsp[10] == 0xff && rsp[11] == 0xff);
	memset(e, 0, sizeof(e));
	e[0] = BLKIF_OP_INDIRECT;
	e[1] = BLKIF_OP_WRITE;
	e[2] = 32;
	e[24] = 0x44;
	CHECK_EQ(blkif_decode(&blkif_layout_32, e, &q), 0);
	CHECK(q.indirect && q.op == BLKIF_OP_WRITE && q.n_segments == 32 &&
		q.indirect_ref == 0x44);
	e[2] = 33;
	CHECK_EQ(blkif_decode(&blkif_layout_32, e, &q), BLKIF_RSP_ERROR);
	e[2] = 0;
	CHECK_EQ(blkif_decode(&blkif_layout_32, e, &q), BLKIF_RSP_ERROR);
	e[2] = 1;
	e[1] = BLKIF_OP_FLUSH_DISKCACHE;
	CHECK_EQ(blkif_decode(&blkif_layout_32, e, &q), BLKIF_RSP_ERROR);
	e[0] = 9;
	CHECK_EQ(blkif_decode(&blkif_layout_32, e, &q), BLKIF_RSP_EOPNOTSUPP);
}

/* ---- requests --------------------------------------------------------------------- */

CASE(shows_its_disk)
{
	disk(false, BLK_HAS_FLUSH);
	CHECK(strcmp(fake_xs_get(VBD_BE "/sectors"), "1000") == 0);
	CHECK(strcmp(fake_xs_get(VBD_BE "/sector-size"), "512") == 0);
	CHECK(strcmp(fake_xs_get(VBD_BE "/info"), "0") == 0);
	CHECK(strcmp(fake_xs_get(VBD_BE "/feature-flush-cache"), "1") == 0);
	CHECK(strcmp(fake_xs_get(VBD_BE "/feature-max-indirect-segments"), "32") == 0);
	CHECK(strcmp(fake_xs_get(VBD_BE "/feature-persistent"), "0") == 0);
}

CASE(read_only_disk)
{
	disk(true, BLK_HAS_FLUSH);
	CHECK(strcmp(fake_xs_get(VBD_BE "/info"), "4") == 0);
	request(BLKIF_OP_WRITE, 1, 0, 1, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_WRITE_BARRIER, 1, 0, 0, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_FLUSH_DISKCACHE, 1, 0, 1, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	CHECK(!storage_take(&(struct blk_req){ 0 }));
}

/*
 * The guest is told the block size of a disk with larger blocks; requests that are not aligned
 * to it are refused here.
 */
CASE(large_blocks)
{
	struct blk_req q;

	disk(false, BLK_HAS_FLUSH | blk_block_info(4096));
	CHECK(strcmp(fake_xs_get(VBD_BE "/sector-size"), "4096") == 0);
	/* still in units of 512 bytes */
	CHECK(strcmp(fake_xs_get(VBD_BE "/sectors"), "1000") == 0);
	request(BLKIF_OP_READ, 1, 8, 1, 32, 0, 7);
	CHECK(storage_take(&q));
	CHECK(q.sector == 8 && q.length == 4096);
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
	request(BLKIF_OP_READ, 1, 9, 1, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_READ, 1, 8, 1, 32, 0, 6);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	CHECK(!storage_take(&q));
}

/* The guest sends an event with so many requests more than were taken. */
static uint32_t event_with(void) { return ring_word_get(RING_PAGE, 4) - front.req_prod; }

/* See net_poll_test.c; the ring has 32 slots. */
CASE(requests_in_a_row_wait_for_the_clock)
{
	struct blk_req q;

	disk(false, 0);
	fake_time_passes(1000);
	for (unsigned int i = 0; i < 5; i++, fake_time_passes(POLL_SOON_US + 10)) {
		request(BLKIF_OP_READ, i, 8, 1, 32, 0, 7);
		CHECK(storage_take(&q));
		storage_answer(&q, 0);
		CHECK_EQ(event_with(), 1);
	}
	request(BLKIF_OP_READ, 1, 8, 1, 32, 0, 7);
	fake_time_passes(10);
	request(BLKIF_OP_READ, 2, 8, 1, 32, 0, 7);
	CHECK_EQ(event_with(), 16);
	fake_time_passes(POLL_US);
	CHECK_EQ(event_with(), 1);
	while (storage_take(&q))
		storage_answer(&q, 0);
}

/* Pages of the region that a request begins to use, or no longer uses. */
static void pages_change(bool used[256], const struct blk_req *q, bool now)
{
	uint64_t first = q->offset / SK_PAGE_SIZE;

	for (uint64_t p = first; p < first + q->length / SK_PAGE_SIZE; p++) {
		CHECK_EQ(used[p], !now);
		used[p] = now;
	}
}

CASE(requests_have_pages_of_their_own)
{
	struct blk_req q[10];
	bool used[256] = { false };

	disk(false, 0);
	for (uint32_t i = 0; i < 500; i++) {
		uint32_t k = i * 7 % ARRAY_SIZE(q);

		if (i >= ARRAY_SIZE(q)) {
			pages_change(used, &q[k], false);
			storage_answer(&q[k], 0);
			CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
		}
		fake_time_passes(POLL_SOON_US + 10);
		request(BLKIF_OP_WRITE, i, 0, (uint8_t)(1 + i * 5 % 11), 32, 0, 7);
		CHECK(storage_take(&q[k]));
		pages_change(used, &q[k], true);
	}
}

CASE(slow_requests_keep_their_places)
{
	struct blk_req slow[3], q;
	uint64_t id;

	disk(false, 0);
	for (uint32_t i = 0; i < 3 * BLK_DEPTH; i++) {
		fake_time_passes(POLL_SOON_US + 10);
		request(BLKIF_OP_READ, i, 8, 1, 32, 0, 7);
		CHECK(storage_take(i < 3 ? &slow[i] : &q));
		if (i < 3)
			continue;
		storage_answer(&q, 0);
		CHECK_EQ(answer(&id), BLKIF_RSP_OKAY);
		CHECK_EQ(id, i);
	}
	for (uint32_t i = 0; i < 3; i++) {
		storage_answer(&slow[i], 0);
		CHECK_EQ(answer(&id), BLKIF_RSP_OKAY);
		CHECK_EQ(id, i);
	}
}

CASE(requests_are_counted)
{
	struct vmctl_stats s = { 0 };
	struct blk_req q;

	disk(false, BLK_HAS_FLUSH);
	request(BLKIF_OP_READ, 1, 8, 2, 32, 0, 7);
	request(BLKIF_OP_READ, 2, 8, 1, 32, 2, 3);
	request(BLKIF_OP_WRITE, 3, 0, 1, 32, 0, 4);
	request(BLKIF_OP_FLUSH_DISKCACHE, 4, 0, 0, 32, 0, 0);
	request(BLKIF_OP_READ, 5, SECTORS, 1, 32, 0, 7); /* beyond the end */
	while (storage_take(&q))
		storage_answer(&q, 0);
	blkback_stats(disk_dev, &s.disk[0]);
	CHECK(s.disk[0].reads == 2 && s.disk[0].read_sectors == 18);
	CHECK(s.disk[0].writes == 1 && s.disk[0].written_sectors == 5);
	CHECK(s.disk[0].flushes == 1 && s.disk[0].no_room == 0);
	request(BLKIF_OP_WRITE_BARRIER, 6, 0, 1, 32, 0, 7);
	for (unsigned int i = 0; i < 2 && storage_take(&q); i++)
		storage_answer(&q, 0);
	blkback_stats(disk_dev, &s.disk[0]);
	CHECK(s.disk[0].writes == 2 && s.disk[0].written_sectors == 13 &&
		s.disk[0].flushes == 1);
}

CASE(write_and_read)
{
	struct blk_req q;
	uint64_t id = 0;

	disk(false, BLK_HAS_FLUSH);
	memset(at(32 * SK_PAGE_SIZE), 'A', 4096);
	memset(at(33 * SK_PAGE_SIZE), 'B', 4096);
	request(BLKIF_OP_WRITE, 77, 5, 2, 32, 1, 3);
	CHECK(storage_take(&q));
	CHECK(q.op == BLK_WRITE && q.sector == 5 && q.length == 6 * 512 && q.flags == 0);
	CHECK(blk->c.data[q.offset] == 'A' && blk->c.data[q.offset + 3 * 512] == 'B');
	CHECK_EQ(answer(&id), 99); /* not before storage has answered */
	storage_answer(&q, 0);
	CHECK_EQ(answer(&id), BLKIF_RSP_OKAY);
	CHECK_EQ(id, 77);
	CHECK(evtchn_pending(front.port));

	request(BLKIF_OP_READ, 78, 998, 1, 34, 6, 7);
	CHECK(storage_take(&q));
	CHECK(q.op == BLK_READ && q.length == 1024);
	memset(blk->c.data + q.offset, 'R', 1024);
	storage_answer(&q, 0);
	CHECK_EQ(answer(&id), BLKIF_RSP_OKAY);
	CHECK(((char *)at(34 * SK_PAGE_SIZE))[6 * 512 - 1] == 0 &&
		((char *)at(34 * SK_PAGE_SIZE))[6 * 512] == 'R');

	request(BLKIF_OP_READ, 79, 0, 1, 35, 0, 0);
	CHECK(storage_take(&q));
	memset(blk->c.data + q.offset, 'S', 512);
	storage_answer(&q, -SK_E_IO);
	CHECK_EQ(answer(&id), BLKIF_RSP_ERROR);
	CHECK(((char *)at(35 * SK_PAGE_SIZE))[0] == 0);
}

CASE(refuses_bad_requests)
{
	struct blkif_request_discard trim = {
		.operation = BLKIF_OP_DISCARD, .id = 1, .nr_sectors = 1
	};

	disk(false, BLK_HAS_FLUSH);
	request(BLKIF_OP_READ, 1, 0, 0, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_READ, 1, 0, 12, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_READ, 1, 0, 255, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_READ, 1, 0, 1, 32, 0, 8);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_READ, 1, 0, 1, 32, 5, 4);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_READ, 1, 993, 1, 32, 0, 7); /* one sector beyond the end */
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_READ, 1, UINT64_MAX, 1, 32, 0, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_WRITE, 1, 0, 1, 400, 0, 7); /* no such grant */
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	memcpy(front_slot(), &trim, sizeof(trim));
	front_push();
	CHECK_EQ(one_answer(), BLKIF_RSP_EOPNOTSUPP);
	request(7, 1, 0, 1, 32, 0, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_EOPNOTSUPP);
	CHECK(!storage_take(&(struct blk_req){ 0 }));
}

CASE(read_into_read_only_grant_fails)
{
	struct blk_req q;

	disk(false, BLK_HAS_FLUSH);
	grant_give(40, 40, GTF_permit_access | GTF_readonly, 0);
	request(BLKIF_OP_READ, 1, 0, 1, 40, 0, 7);
	CHECK(storage_take(&q));
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
}

static void indirect(uint8_t op, uint16_t n, uint64_t sector, uint32_t list)
{
	struct blkif_request_indirect r = { .operation = BLKIF_OP_INDIRECT,
		.indirect_op = op,
		.nr_segments = n,
		.id = 5,
		.sector_number = sector };

	r.indirect_grefs[0] = list;
	memcpy(front_slot(), &r, sizeof(r));
	front_push();
}

CASE(indirect_requests)
{
	struct blkif_request_segment *s = at(50 * SK_PAGE_SIZE);
	struct blk_req q;
	unsigned int i;

	disk(false, BLK_HAS_FLUSH);
	for (i = 0; i < 20; i++) {
		s[i] = (struct blkif_request_segment){
			.gref = 60 + i, .first_sect = 0, .last_sect = 7
		};
		memset(at((60 + i) * SK_PAGE_SIZE), (int)i, 4096);
	}
	indirect(BLKIF_OP_WRITE, 20, 0, 50);
	CHECK(storage_take(&q));
	CHECK(q.length == 20 * SK_PAGE_SIZE && blk->c.data[q.offset + 19 * SK_PAGE_SIZE] == 19);
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
	/* Linux gives up the disk if it is any other operation */
	CHECK_EQ(answered_op, BLKIF_OP_WRITE);
	s[3].last_sect = 9;
	indirect(BLKIF_OP_WRITE, 20, 0, 50);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	s[3].last_sect = 7;
	indirect(BLKIF_OP_WRITE, 33, 0, 50);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	indirect(BLKIF_OP_WRITE, 20, 0, 400);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	indirect(BLKIF_OP_WRITE, 20, 1000 - 159, 50);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	CHECK(!storage_take(&q));
}

/* A request that can never fit is an error; it does not wait. */
CASE(request_larger_than_the_region)
{
	struct blkif_request_segment *s = at(50 * SK_PAGE_SIZE);
	struct blk_req q[2];
	unsigned int i;

	disk_region = 16 * SK_PAGE_SIZE;
	disk(false, BLK_HAS_FLUSH);
	for (i = 0; i < 20; i++)
		s[i] = (struct blkif_request_segment){
			.gref = 60 + i, .first_sect = 0, .last_sect = 7
		};
	indirect(BLKIF_OP_WRITE, 20, 0, 50);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_WRITE, 2, 0, 10, 32, 0, 7);
	CHECK(storage_take(&q[0]));
	request(BLKIF_OP_WRITE, 3, 0, 7, 32, 0, 7);
	CHECK(!storage_take(&q[1])); /* it waits for pages */
	storage_answer(&q[0], 0);
	CHECK(storage_take(&q[1]) && q[1].offset + q[1].length <= disk_region);
}

CASE(flush_and_barrier)
{
	struct blk_req w, q;
	uint64_t id;

	disk(false, BLK_HAS_FLUSH);
	request(BLKIF_OP_FLUSH_DISKCACHE, 1, 0, 0, 0, 0, 0);
	CHECK(storage_take(&q) && q.op == BLK_FLUSH);
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);

	request(BLKIF_OP_WRITE, 2, 0, 1, 32, 0, 7);
	request(BLKIF_OP_WRITE_BARRIER, 3, 8, 1, 33, 0, 7);
	request(BLKIF_OP_WRITE, 4, 16, 1, 34, 0, 7);
	CHECK(storage_take(&w) && w.op == BLK_WRITE && w.sector == 0);
	/* the barrier waits for the first write, the other requests wait for the barrier */
	CHECK(!storage_take(&q));
	storage_answer(&w, 0);
	CHECK(storage_take(&q) && q.op == BLK_FLUSH);
	CHECK(!storage_take(&w));
	storage_answer(&q, 0);
	CHECK(storage_take(&q) && q.op == BLK_WRITE && q.sector == 8 && q.flags == BLK_FUA);
	CHECK(!storage_take(&w));
	storage_answer(&q, 0);
	CHECK(storage_take(&q) && q.sector == 16);
	storage_answer(&q, 0);
	CHECK(answer(&id) == 0 && id == 2);
	CHECK(answer(&id) == 0 && id == 3);
	CHECK(answer(&id) == 0 && id == 4);

	request(BLKIF_OP_WRITE_BARRIER, 5, 8, 1, 33, 0, 7);
	CHECK(storage_take(&q));
	storage_answer(&q, -SK_E_IO); /* the flush failed: no write follows */
	CHECK(!storage_take(&q));
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
}

/*
 * Requests beyond the credit or the region wait in the ring, and are started as answers arrive.
 */
CASE(credit_is_kept)
{
	struct blk_req q[64];
	unsigned int n = 0, answered = 0, i;

	disk(false, 0);
	for (i = 0; i < 32; i++)
		request(BLKIF_OP_WRITE, i, 0, 11, 32, 0, 7); /* 352 pages, the region has 256 */
	while (storage_take(&q[n]))
		n++;
	CHECK_EQ(n, 23);
	for (i = 0; i < n; i++) {
		storage_answer(&q[i], 0);
		if (storage_take(&q[n]))
			n++;
	}
	while (one_answer() == 0)
		answered++;
	CHECK_EQ(n, 32);
	CHECK_EQ(answered, 32);
}

CASE(impossible_index_closes)
{
	disk(false, 0);
	ring_word(RING_PAGE, 0, 33);
	guest_send(front.port);
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "5") == 0);
	CHECK_EQ(((struct grant_entry_v1 *)xen_dom.grant_page[0].addr)[RING_PAGE].flags,
		GTF_permit_access);
	ring_word(RING_PAGE, 0, 1);
	guest_send(front.port); /* no back end is connected */
	CHECK(!storage_take(&(struct blk_req){ 0 }));
}

/* A new front end (kexec) connects only after the old one's writes have landed. */
CASE(reconnects_when_drained)
{
	struct blk_req q, q2;
	uint64_t id;

	disk(false, 0);
	request(BLKIF_OP_WRITE, 1, 0, 1, 32, 0, 7);
	CHECK(storage_take(&q));
	fake_xs_set(VBD_FE "/state", "5");
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "5") == 0);
	fake_xs_set(VBD_FE "/state", "6");
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "5") == 0); /* still in flight */
	fake_xs_set(VBD_FE "/state", "1");
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "5") == 0);
	storage_answer(&q, 0);
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "2") == 0);
	disk_connect(&front, "x86_64-abi");
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "4") == 0);
	CHECK_EQ(answer(&id), 99); /* the new ring gets no answer to requests of the old one */
	request(BLKIF_OP_WRITE, 2, 0, 1, 32, 0, 7);
	CHECK(storage_take(&q2));
	storage_answer(&q2, 0);
	CHECK(answer(&id) == 0 && id == 2);
	storage_answer(&q2, 0); /* a second answer has no effect */
	CHECK_EQ(answer(&id), 99);
}

/*
 * Data that a front end requested before another one came (after a crash) are not written to
 * its pages, which may have another use now.
 */
static void late_read(const char *fe_state)
{
	struct blk_req q;

	disk(false, 0);
	request(BLKIF_OP_READ, 1, 0, 1, 32, 0, 7);
	CHECK(storage_take(&q));
	fake_xs_set(VBD_FE "/state", fe_state);
	memset(blk->c.data + q.offset, 'L', 4096);
	storage_answer(&q, 0);
}

CASE(late_read_goes_nowhere)
{
	late_read("1");
	CHECK(((char *)at(32 * SK_PAGE_SIZE))[0] == 0);
}

CASE(a_front_end_that_closes_gets_its_data)
{
	uint64_t id;

	late_read("5");
	CHECK(((char *)at(32 * SK_PAGE_SIZE))[0] == 'L');
	CHECK(answer(&id) == BLKIF_RSP_OKAY && id == 1);
}

/*
 * A read of our state that is older than the state itself must not close the new connection.
 */
CASE(stale_state_is_read_again)
{
	static const char event[] = VBD_BE "/state\0b0";
	struct blk_req q;

	disk(false, 0);
	request(BLKIF_OP_WRITE, 1, 0, 1, 32, 0, 7);
	CHECK(storage_take(&q));
	fake_xs_set(VBD_FE "/state", "5");
	fake_xs_set(VBD_FE "/state", "6");
	fake_xs_set(VBD_FE "/state", "1");
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "5") == 0);
	xb_watch_event(event, sizeof(event));
	fake_xs_run(); /* "5" is in flight */
	storage_answer(&q, 0);
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "2") == 0);
}

CASE(bad_offers_are_refused)
{
	static const struct {
		const char *key, *value;
	} bad[] = {
		{ VBD_FE "/protocol", "arm-abi" }, { VBD_FE "/ring-ref", "400" },
		{ VBD_FE "/ring-ref", "-1" }, { VBD_FE "/ring-ref", "99999999999" },
		{ VBD_FE "/ring-ref", "1:" }, { VBD_FE "/ring-ref", "18446744073709551632" },
		{ VBD_FE "/event-channel", "1000" }, { VBD_FE "/event-channel", "4294967295" },
		{ VBD_FE "/multi-queue-num-queues", "0" },
		{ VBD_FE "/multi-queue-num-queues", "5" }, { VBD_FE "/ring-page-order", "3" },
		{ VBD_FE "/ring-page-order", "x" },
		{ VBD_FE "/multi-queue-num-queues", "2" }, /* without the queues' keys */
	};
	unsigned int i, p;
	char key[64];

	for (i = 0; i < ARRAY_SIZE(bad); i++) {
		pid_t pid = fork();
		int status;

		if (pid == 0) {
			fake_guest();
			log_quiet = true;
			disk_make(SECTORS, 0, false);
			fake_xs_set(VBD_FE "/ring-ref", "16");
			fake_xs_set(VBD_FE "/event-channel", "3");
			CHECK_EQ(guest_port(), 3);
			for (p = 0; p < 8; p++) {
				snprintf(key, sizeof(key), VBD_FE "/ring-ref%u", p);
				fake_xs_set(key, "20");
			}
			fake_xs_set(bad[i].key, bad[i].value);
			fake_xs_set(VBD_FE "/state", "3");
			CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "5") == 0);
			CHECK_EQ(
				((struct grant_entry_v1 *)xen_dom.grant_page[0].addr)[16].flags,
				GTF_permit_access);
			_exit(0);
		}
		CHECK(waitpid(pid, &status, 0) == pid);
		if (status)
			fprintf(stderr, "%s = %s\n", bad[i].key, bad[i].value);
		CHECK_EQ(status, 0);
	}
}

CASE(multi_queue_multi_page)
{
	struct blkif_request r = { .operation = BLKIF_OP_READ, .nr_segments = 1, .id = 9 };
	struct blk_req q;
	uint32_t port, i;
	char text[16];

	fake_guest();
	log_quiet = true;
	disk_make(SECTORS, 0, false);
	fake_xs_set(VBD_FE "/multi-queue-num-queues", "2");
	fake_xs_set(VBD_FE "/ring-page-order", "1");
	fake_xs_set(VBD_FE "/queue-0/ring-ref0", "16");
	fake_xs_set(VBD_FE "/queue-0/ring-ref1", "18");
	fake_xs_set(VBD_FE "/queue-1/ring-ref0", "20");
	fake_xs_set(VBD_FE "/queue-1/ring-ref1", "22");
	snprintf(text, sizeof(text), "%u", guest_port());
	fake_xs_set(VBD_FE "/queue-0/event-channel", text);
	port = guest_port();
	snprintf(text, sizeof(text), "%u", port);
	fake_xs_set(VBD_FE "/queue-1/event-channel", text);
	fake_xs_set(VBD_FE "/protocol", "x86_64-abi");
	fake_xs_set(VBD_FE "/state", "3");
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "4") == 0);
	r.seg[0] =
		(struct blkif_request_segment){ .gref = 32, .first_sect = 0, .last_sect = 0 };
	memcpy(ring_entry(20, 0, 112, 64), &r, sizeof(r));
	ring_word(20, 12, 1);
	ring_word(20, 0, 1);
	guest_send(port);
	CHECK(storage_take(&q));
	storage_answer(&q, 0);
	CHECK_EQ(ring_word_get(20, 8), 1);
	CHECK(evtchn_pending(port));

	/* 36 requests fit the first page; the native ring holds fewer than these 60 at once */
	for (i = 1; i < 37; i++)
		memcpy(ring_entry(20, i, 112, 64), &r, i < 36 ? sizeof(r) : 0);
	for (i = 36; i < 61; i++)
		memcpy((uint8_t *)at(22 * SK_PAGE_SIZE) + (i - 36) * 112, &r, sizeof(r));
	ring_word(20, 0, 61);
	guest_send(port);
	for (i = 0; i < 60; i++) {
		CHECK(storage_take(&q));
		storage_answer(&q, 0);
	}
	CHECK_EQ(ring_word_get(20, 8), 61);
	for (i = 1; i < 36; i++)
		CHECK_EQ(((struct blkif_response *)ring_entry(20, i, 112, 64))->status,
			BLKIF_RSP_OKAY);
}

CASE(control_closes)
{
	disk(false, 0);
	fake_xs_set(VBD_BE "/online", "0");
	fake_xs_set(VBD_BE "/state", "5");
	fake_xs_set(VBD_FE "/state", "6");
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "6") == 0);
	CHECK_EQ(((struct grant_entry_v1 *)xen_dom.grant_page[0].addr)[RING_PAGE].flags,
		GTF_permit_access);
}

CASE(quiesce_lets_go)
{
	disk(false, 0);
	xb_quiesce();
	CHECK_EQ(((struct grant_entry_v1 *)xen_dom.grant_page[0].addr)[RING_PAGE].flags,
		GTF_permit_access);
	ring_word(RING_PAGE, 0, 1);
	guest_send(front.port);
	CHECK(!storage_take(&(struct blk_req){ 0 }));
}

int blkback_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layouts),
		cmocka_unit_test(shows_its_disk),
		cmocka_unit_test(read_only_disk),
		cmocka_unit_test(large_blocks),
		cmocka_unit_test(requests_in_a_row_wait_for_the_clock),
		cmocka_unit_test(requests_have_pages_of_their_own),
		cmocka_unit_test(slow_requests_keep_their_places),
		cmocka_unit_test(requests_are_counted),
		cmocka_unit_test(write_and_read),
		cmocka_unit_test(refuses_bad_requests),
		cmocka_unit_test(read_into_read_only_grant_fails),
		cmocka_unit_test(indirect_requests),
		cmocka_unit_test(request_larger_than_the_region),
		cmocka_unit_test(flush_and_barrier),
		cmocka_unit_test(credit_is_kept),
		cmocka_unit_test(impossible_index_closes),
		cmocka_unit_test(reconnects_when_drained),
		cmocka_unit_test(late_read_goes_nowhere),
		cmocka_unit_test(a_front_end_that_closes_gets_its_data),
		cmocka_unit_test(stale_state_is_read_again),
		cmocka_unit_test(bad_offers_are_refused),
		cmocka_unit_test(multi_queue_multi_page),
		cmocka_unit_test(control_closes),
		cmocka_unit_test(quiesce_lets_go),
	};

	return cmocka_run_group_tests_name("blkback", tests, NULL, NULL);
}
