/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blk_restart_test.c - storage ends, in every place of a request's way, and starts again
 */
#include "blkfront.h"
#include "case.h"

static const uint32_t flags = BLK_HAS_FLUSH;

static struct blk_req taken(void)
{
	struct blk_req q = { .op = 0 };

	CHECK(storage_take(&q));
	return q;
}

static void nothing_taken(void)
{
	struct blk_req q;

	CHECK(!storage_take(&q));
}

static void describe(void)
{
	struct blk_req q = taken();

	CHECK_EQ(q.op, BLK_INFO);
	storage_describe(&q, SECTORS, flags);
}

static void restart(void)
{
	fake_restart(blk);
	describe();
}

/* ---- what was in flight ----------------------------------------------------------- */

CASE(a_write_is_sent_again)
{
	struct blk_req first, q;

	disk(false, flags);
	memset(at(32 * SK_PAGE_SIZE), 'A', 4096);
	request(BLKIF_OP_WRITE, 77, 5, 1, 32, 0, 7);
	first = taken();
	memset(at(32 * SK_PAGE_SIZE), 'B', 4096); /* what the guest sent is what counts */
	fake_restart(blk);
	q = taken();
	CHECK_EQ(q.op, BLK_INFO);
	nothing_taken();
	storage_describe(&q, SECTORS, flags);
	q = taken();
	CHECK(q.op == BLK_WRITE && q.sector == 5 && q.length == 4096 &&
		q.offset == first.offset);
	CHECK(blk->c.data[q.offset] == 'A' && blk->c.data[q.offset + 4095] == 'A');
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
}

CASE(an_answer_to_an_earlier_sending)
{
	struct blk_req first;

	disk(false, flags);
	request(BLKIF_OP_WRITE, 77, 5, 1, 32, 0, 7);
	first = taken();
	restart();
	CHECK_EQ(taken().op, BLK_WRITE);
	storage_answer(&first, 0); /* that number is no request's any more */
	CHECK_EQ(one_answer(), 99);
	CHECK(blk->c.broken);
}

CASE(an_answer_that_nobody_read)
{
	struct blk_rsp rsp = { .status = 0 };
	struct blk_req q;

	disk(false, flags);
	request(BLKIF_OP_READ, 1, 5, 1, 32, 0, 7);
	rsp.id = taken().id;
	CHECK_EQ(ring_put(&blk->rsp, &rsp, sizeof(rsp)), 0);
	(void)ring_put_flush(&blk->rsp);
	restart();
	CHECK_EQ(one_answer(), 99);
	q = taken();
	CHECK_EQ(q.op, BLK_READ);
	memset(blk->c.data + q.offset, 'R', 4096);
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
	CHECK_EQ(*(char *)at(32 * SK_PAGE_SIZE), 'R');
}

/* In the order in which they came; what comes meanwhile waits. */
CASE(order_is_kept)
{
	struct blk_req q;
	uint64_t id;

	disk(false, flags);
	request(BLKIF_OP_WRITE, 0, 0, 1, 32, 0, 7);
	q = taken();
	for (uint64_t i = 1; i < 4; i++)
		request(BLKIF_OP_WRITE, i, i * 8, 1, 32, 0, 7);
	storage_answer(&q, 0); /* so its place is free for a later one */
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
	request(BLKIF_OP_FLUSH_DISKCACHE, 4, 0, 0, 32, 0, 7);
	fake_restart(blk);
	request(BLKIF_OP_READ, 5, 40, 1, 32, 0, 7);
	describe();
	for (uint64_t i = 1; i < 6; i++) {
		q = taken();
		CHECK_EQ(q.op, i < 4 ? BLK_WRITE : i == 4 ? BLK_FLUSH : BLK_READ);
		if (i != 4)
			CHECK_EQ(q.sector, i * 8);
		storage_answer(&q, 0);
		CHECK_EQ(answer(&id), BLKIF_RSP_OKAY);
		CHECK_EQ(id, i);
	}
	nothing_taken();
}

CASE(again_and_again)
{
	struct blk_req q;

	disk(false, flags);
	request(BLKIF_OP_WRITE, 1, 8, 1, 32, 0, 7);
	for (unsigned int i = 0; i < 100; i++) {
		fake_restart(blk); /* it ends before it says anything */
		restart();
		q = taken();
		CHECK_EQ(q.op, BLK_WRITE);
	}
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
}

/* ---- barriers --------------------------------------------------------------------- */

CASE(a_barrier_ends_in_its_flush)
{
	struct blk_req q;

	disk(false, flags);
	request(BLKIF_OP_WRITE_BARRIER, 1, 8, 1, 32, 0, 7);
	request(BLKIF_OP_WRITE, 2, 16, 1, 33, 0, 7);
	CHECK_EQ(taken().op, BLK_FLUSH);
	restart();
	q = taken();
	CHECK_EQ(q.op, BLK_FLUSH);
	nothing_taken();
	storage_answer(&q, 0);
	q = taken();
	CHECK(q.op == BLK_WRITE && q.flags == BLK_FUA && q.sector == 8);
	nothing_taken();
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
	CHECK_EQ(taken().sector, 16);
}

/* What came before the barrier is on the medium already, so the flush is not needed again. */
CASE(a_barrier_ends_in_its_write)
{
	struct blk_req q;

	disk(false, flags);
	request(BLKIF_OP_WRITE_BARRIER, 1, 8, 1, 32, 0, 7);
	request(BLKIF_OP_WRITE, 2, 16, 1, 33, 0, 7);
	q = taken();
	storage_answer(&q, 0);
	CHECK_EQ(taken().flags, BLK_FUA);
	restart();
	q = taken();
	CHECK(q.op == BLK_WRITE && q.flags == BLK_FUA && q.sector == 8);
	nothing_taken();
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
	CHECK_EQ(taken().sector, 16);
}

/* ---- the end ---------------------------------------------------------------------- */

static void errors_only(uint64_t first)
{
	uint64_t id;

	CHECK_EQ(answer(&id), BLKIF_RSP_ERROR);
	CHECK_EQ(id, first);
	CHECK_EQ(answer(&id), BLKIF_RSP_ERROR);
	CHECK_EQ(id, first + 1);
	request(BLKIF_OP_READ, 8, 8, 1, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	request(BLKIF_OP_FLUSH_DISKCACHE, 9, 0, 0, 32, 0, 7);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	nothing_taken();
	CHECK(evtchn_pending(front.port));
}

CASE(storage_does_not_come_back)
{
	disk(false, flags);
	request(BLKIF_OP_WRITE_BARRIER, 1, 8, 1, 32, 0, 7);
	request(BLKIF_OP_WRITE, 2, 16, 1, 33, 0, 7);
	CHECK_EQ(taken().op, BLK_FLUSH);
	fake_end(blk, SVC_END_GIVEN_UP);
	errors_only(1);
}

CASE(another_volume)
{
	struct blk_req q;

	disk(false, flags);
	request(BLKIF_OP_WRITE, 1, 8, 1, 32, 0, 7);
	request(BLKIF_OP_WRITE, 2, 16, 1, 33, 0, 7);
	(void)taken(), (void)taken();
	fake_restart(blk);
	q = taken();
	storage_describe(&q, SECTORS - 1, flags);
	errors_only(1);
	restart(); /* the right one is back */
	nothing_taken();
	request(BLKIF_OP_WRITE, 3, 8, 1, 32, 0, 7);
	q = taken();
	storage_answer(&q, 0);
	CHECK_EQ(one_answer(), BLKIF_RSP_OKAY);
}

/* ---- without a front end ---------------------------------------------------------- */

CASE(before_the_disk_is_shown)
{
	struct vm_disk cfg = { .vdev = VDEV, .channel = "disk0" };

	fake_guest();
	log_quiet = true;
	fake_channel("xs", 16384, 0);
	blk = fake_channel("disk0", 4096, disk_region);
	grants_make();
	CHECK(xs_link_init() == 0 && blkback_add(&cfg, svc_channel("disk0"), &disk_dev) == 0);
	CHECK_EQ(taken().op, BLK_INFO);
	restart();
	nothing_taken();
	fake_xs_set(VBD_FE "/state", "1");
	fake_xs_set(VBD_BE "/state", "1");
	CHECK(strcmp(fake_xs_get(VBD_BE "/sectors"), "1000") == 0);
}

/* The old front end's write lands before a new one connects, also with another storage. */
CASE(a_front_end_that_is_gone)
{
	struct blk_req q;

	disk(false, flags);
	request(BLKIF_OP_WRITE, 1, 0, 1, 32, 0, 7);
	(void)taken();
	fake_xs_set(VBD_FE "/state", "5");
	fake_xs_set(VBD_FE "/state", "6");
	fake_xs_set(VBD_FE "/state", "1");
	restart();
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "5") == 0);
	q = taken();
	CHECK_EQ(q.op, BLK_WRITE);
	storage_answer(&q, 0);
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "2") == 0);
	disk_connect(&front, "x86_64-abi");
	CHECK_EQ(one_answer(), 99);
}

/* A disk that is lost has nothing in flight, so its front end can go, and come again. */
CASE(a_front_end_of_a_lost_disk)
{
	disk(false, flags);
	request(BLKIF_OP_WRITE, 1, 0, 1, 32, 0, 7);
	(void)taken();
	fake_end(blk, SVC_END_GIVEN_UP);
	CHECK_EQ(one_answer(), BLKIF_RSP_ERROR);
	fake_xs_set(VBD_FE "/state", "5");
	fake_xs_set(VBD_FE "/state", "6");
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "6") == 0);
	fake_xs_set(VBD_FE "/state", "1");
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "2") == 0);
}

/* The same for one that waited for its last request when the disk was lost. */
CASE(a_front_end_that_waits_for_a_lost_disk)
{
	disk(false, flags);
	request(BLKIF_OP_WRITE, 1, 0, 1, 32, 0, 7);
	(void)taken();
	fake_xs_set(VBD_FE "/state", "5");
	fake_xs_set(VBD_FE "/state", "6");
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "5") == 0);
	fake_end(blk, SVC_END_GIVEN_UP);
	fake_io_run();
	CHECK(strcmp(fake_xs_get(VBD_BE "/state"), "6") == 0);
}

/* ---- random ends ------------------------------------------------------------------ */

/*
 * Storage does its requests block by block in any order, and may have done any part of what it
 * had when it ended. The guest's blocks are stamped with their versions.
 */
enum { BLOCKS = SECTORS / 8, PARTS = 3, GUEST_SLOTS = 12, STEPS = 60000 };

static uint64_t image[BLOCKS], medium[BLOCKS], acked[BLOCKS], version;
static unsigned int users[BLOCKS]; /* requests of the guest in flight */
static struct {
	struct blk_req q;
	uint32_t todo;
} jobs[BLK_DEPTH];
static unsigned int n_jobs, n_ends, n_answered;
static struct {
	bool busy;
	uint8_t op;
	uint64_t block, n, version;
	uint64_t covers[BLOCKS]; /* what was acknowledged when it was sent */
} sent[GUEST_SLOTS];

static void job_take(void)
{
	struct blk_req *q = &jobs[n_jobs].q;

	if (n_jobs == BLK_DEPTH || !storage_take(q))
		return;
	if (q->op == BLK_INFO) {
		storage_describe(q, SECTORS, flags);
		return;
	}
	CHECK(!(q->flags & BLK_FUA) || n_jobs == 0); /* the write of a barrier is alone */
	jobs[n_jobs++].todo = q->op == BLK_FLUSH ? 1 : (1u << q->length / SK_PAGE_SIZE) - 1;
}

static void job_step(unsigned int j)
{
	const struct blk_req *q = &jobs[j].q;
	unsigned int i = (unsigned int)rand() % PARTS;
	uint64_t block = q->sector / 8 + i;
	uint64_t *data = (uint64_t *)(blk->c.data + q->offset + i * 4096u);

	if (!(jobs[j].todo >> i & 1))
		return;
	jobs[j].todo &= ~(1u << i);
	if (q->op == BLK_FLUSH) {
		memcpy(medium, image, sizeof(image));
		return;
	}
	if (q->op == BLK_READ) {
		data[0] = block;
		data[1] = image[block];
		return;
	}
	CHECK_EQ(data[0], block);
	image[block] = data[1];
	if (q->flags & BLK_FUA)
		medium[block] = image[block];
}

static void job_answer(unsigned int j)
{
	struct blk_req q = jobs[j].q;

	if (jobs[j].todo)
		return;
	jobs[j] = jobs[--n_jobs];
	storage_answer(&q, 0);
}

static void storage_ends(void)
{
	while (n_jobs && rand() % 4)
		job_step((unsigned int)rand() % n_jobs);
	n_jobs = 0;
	n_ends++;
	fake_restart(blk);
}

static void guest_sends(void)
{
	static const uint8_t ops[] = { BLKIF_OP_WRITE, BLKIF_OP_WRITE, BLKIF_OP_READ,
		BLKIF_OP_READ, BLKIF_OP_FLUSH_DISKCACHE, BLKIF_OP_WRITE_BARRIER };
	unsigned int i = (unsigned int)rand() % GUEST_SLOTS;
	uint64_t block = (uint64_t)rand() % (BLOCKS - PARTS), n = 1 + (uint64_t)rand() % PARTS;
	uint8_t op = ops[rand() % 6];

	if (op == BLKIF_OP_FLUSH_DISKCACHE)
		n = 0;
	for (uint64_t b = block; b < block + n; b++)
		if (users[b])
			return;
	if (sent[i].busy)
		return;
	version++;
	for (uint64_t k = 0; k < n; k++) {
		uint64_t *page = at((DATA_PAGE + i * PARTS + k) * SK_PAGE_SIZE);

		page[0] = op == BLKIF_OP_READ ? 0 : block + k;
		page[1] = op == BLKIF_OP_READ ? 0 : version;
		users[block + k]++;
	}
	sent[i].busy = true;
	sent[i].op = op;
	sent[i].block = block;
	sent[i].n = n;
	sent[i].version = version;
	memcpy(sent[i].covers, acked, sizeof(acked));
	request(op, i, block * 8, (uint8_t)n, DATA_PAGE + i * PARTS, 0, 7);
}

static void guest_takes(void)
{
	uint64_t id = 0;
	int status = answer(&id);

	if (status == 99)
		return;
	CHECK_EQ(status, BLKIF_RSP_OKAY);
	CHECK(id < GUEST_SLOTS && sent[id].busy);
	for (uint64_t k = 0; k < sent[id].n; k++) {
		uint64_t b = sent[id].block + k;
		const uint64_t *page = at((DATA_PAGE + id * PARTS + k) * SK_PAGE_SIZE);

		if (sent[id].op == BLKIF_OP_READ)
			CHECK(page[0] == b && page[1] == acked[b]);
		else
			acked[b] = sent[id].version;
		if (sent[id].op == BLKIF_OP_WRITE_BARRIER)
			CHECK(medium[b] >= acked[b]);
		users[b]--;
	}
	if (sent[id].op == BLKIF_OP_FLUSH_DISKCACHE || sent[id].op == BLKIF_OP_WRITE_BARRIER)
		for (unsigned int b = 0; b < BLOCKS; b++)
			CHECK(medium[b] >= sent[id].covers[b]);
	sent[id].busy = false;
	n_answered++;
}

static void storage_step(void)
{
	unsigned int j = n_jobs ? (unsigned int)rand() % n_jobs : 0;

	if (rand() % 3 == 0)
		job_take();
	else if (n_jobs && rand() % 4)
		job_step(j);
	else if (n_jobs)
		job_answer(j);
}

static void random_run(unsigned int seed)
{
	unsigned int i;

	disk(false, flags);
	srand(seed);
	for (i = 0; i < STEPS; i++) {
		if (rand() % 200 == 0)
			storage_ends();
		else if (rand() % 4 == 0)
			guest_sends();
		else if (rand() % 4 == 0)
			guest_takes();
		else
			storage_step();
	}
	for (i = 0; i < STEPS; i++) {
		storage_step();
		guest_takes();
	}
	for (i = 0; i < GUEST_SLOTS; i++)
		CHECK(!sent[i].busy);
	for (i = 0; i < BLOCKS; i++)
		CHECK_EQ(image[i], acked[i]);
	CHECK(n_ends > 100 && n_answered > 1000);
}

CASE(random_ends) { random_run(1); }
CASE(other_random_ends) { random_run(2); }

int blk_restart_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(a_write_is_sent_again),
		cmocka_unit_test(an_answer_to_an_earlier_sending),
		cmocka_unit_test(an_answer_that_nobody_read),
		cmocka_unit_test(order_is_kept),
		cmocka_unit_test(again_and_again),
		cmocka_unit_test(a_barrier_ends_in_its_flush),
		cmocka_unit_test(a_barrier_ends_in_its_write),
		cmocka_unit_test(storage_does_not_come_back),
		cmocka_unit_test(another_volume),
		cmocka_unit_test(before_the_disk_is_shown),
		cmocka_unit_test(a_front_end_that_is_gone),
		cmocka_unit_test(a_front_end_of_a_lost_disk),
		cmocka_unit_test(a_front_end_that_waits_for_a_lost_disk),
		cmocka_unit_test(random_ends),
		cmocka_unit_test(other_random_ends),
	};

	return cmocka_run_group_tests_name("blk_restart", tests, NULL, NULL);
}
