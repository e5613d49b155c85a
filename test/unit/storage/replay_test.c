/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * replay_test.c - drivers that end at random times, below clients that write stamped sectors
 *
 * The device does requests sector by sector in any order, has a cache that FLUSH and FUA empty,
 * and may have done any part of what it had when its driver ended. Shown: every request is
 * answered; a read finds the last version that was acknowledged; what was acknowledged before a
 * flush was sent is on the medium when the flush is acknowledged, or the attachment is closed.
 */
#include "drives.h"

#include <stdlib.h>

enum {
	SECTORS = FIRST + 4 * VOLUME,
	STEPS = 40000,
	SLOTS = 12,       /* requests of a client at a time */
	LENGTH_MAX = 8,   /* sectors of a request */
	N = 3,            /* clients */
	CALM_STEPS = 500, /* between the last end of a driver and the last check */
};

static struct drive *const d = &drives[0];
static uint64_t version, n_deaths, n_answers, n_failed, n_closes;

/* ---- what must be true of a sector ---- */
static struct {
	uint64_t acked;
	/* A write of it failed, so it may be done or not. */
	bool in_doubt;
	unsigned int writes, reads; /* in flight */
} truth[SECTORS];
static uint64_t medium[SECTORS];

struct stamp {
	uint64_t sector, version;
	uint8_t rest[480];
	uint64_t sector_again, version_again;
};
_Static_assert(sizeof(struct stamp) == 512, "a sector");

static uint64_t stamp_version(const void *data, uint64_t sector)
{
	struct stamp s;

	memcpy(&s, data, sizeof(s));
	if (!s.version)
		return 0;
	assert_int_equal(s.sector, sector);
	assert_int_equal(s.sector_again, sector);
	assert_int_equal(s.version_again, s.version);
	return s.version;
}

static void stamp_put(void *data, uint64_t sector)
{
	struct stamp s = { sector, version, { 0 }, sector, version };

	memcpy(data, &s, sizeof(s));
}

/* ---- a driver and its device ---- */
static struct job {
	struct blk_req q;
	uint64_t todo; /* a bit for each sector that is not done */
} jobs[BLK_DEPTH];
static uint32_t n_jobs;
static bool told; /* storage has been signalled since the driver started */

static void job_take(void)
{
	struct job *j = &jobs[n_jobs];

	if (n_jobs == BLK_DEPTH || !asked(d, &j->q))
		return;
	assert_true(n_jobs < BLK_DEPTH);
	j->todo = j->q.op == BLK_FLUSH || j->q.op == BLK_INFO ? 1
							      : (1ull << j->q.length / 512) - 1;
	n_jobs++;
}

static void flush_do(uint64_t sector, uint64_t n)
{
	for (uint64_t i = sector; i < sector + n; i++)
		medium[i] = stamp_version(d->image + i * 512, i);
}

static void sector_do(const struct blk_req *q, unsigned int i)
{
	uint8_t *data = d->region_data[q->region] + q->offset + i * 512u;
	uint8_t *place = d->image + (q->sector + i) * 512;

	assert_int_equal(d->region[q->region], 1);
	if (q->op == BLK_READ)
		memcpy(data, place, 512);
	else
		memcpy(place, data, 512);
	if (q->op == BLK_WRITE && q->flags & BLK_FUA)
		flush_do(q->sector + i, 1);
}

static void job_step(struct job *j)
{
	unsigned int i = (unsigned int)rand() % LENGTH_MAX;

	while (j->todo && !(j->todo >> i & 1))
		i = (i + 1) % LENGTH_MAX;
	if (!j->todo)
		return;
	j->todo &= ~(1ull << i);
	if (j->q.op == BLK_FLUSH)
		flush_do(FIRST, SECTORS - FIRST);
	else if (j->q.op != BLK_INFO)
		sector_do(&j->q, i);
}

static void job_answer(struct job *j)
{
	if (j->todo)
		return;
	if (j->q.op == BLK_INFO)
		answer_truly(d, &j->q);
	else
		answer_put(d, j->q.id, 0);
	*j = jobs[--n_jobs];
}

/* The device did some more before it was reset, and does nothing afterwards. */
static void driver_ends(void)
{
	while (n_jobs && rand() % 4)
		job_step(&jobs[(unsigned int)rand() % n_jobs]);
	n_jobs = 0;
	n_deaths++;
	memset(d->region, 0, sizeof(d->region));
	d->n_regions = 0;
	told = false;
	peer_restart(&d->peer);
}

static void tell(void)
{
	if (!told)
		peer_signal(&d->peer);
	told = true;
}

/* A driver may also end while storage is at work. */
static void driver_signalled(struct peer *p)
{
	(void)p;
	if (told && rand() % 400 == 0)
		driver_ends();
}

static long region_called(struct drive *who, uint32_t label, uint64_t number)
{
	(void)who, (void)label, (void)number;
	if (!told || rand() % 60)
		return 0;
	driver_ends();
	return -SK_E_DELETED;
}

static void driver_step(void)
{
	struct job *j = n_jobs ? &jobs[(unsigned int)rand() % n_jobs] : NULL;

	switch (rand() % 8) {
	case 0:
	case 1:
		job_take();
		break;
	case 2:
		peer_flush(&d->peer);
		break;
	case 3:
		if (j)
			job_answer(j);
		break;
	default:
		if (j)
			job_step(j);
	}
}

/* ---- clients ---- */
static struct slot {
	struct blk_req q; /* on the volume */
	bool busy;
	uint64_t deaths;         /* that had happened when it was sent */
	uint64_t covers[VOLUME]; /* FLUSH: what was acknowledged then */
} slots[N][SLOTS];
static const char letters[N + 1] = "ade";
static bool is_open[N];

static uint64_t place(int who, const struct slot *s)
{
	return FIRST + (uint64_t)who * VOLUME + s->q.sector;
}

static bool in_the_way(int who, const struct slot *s)
{
	for (uint64_t i = 0; i < s->q.length / 512; i++) {
		uint64_t at = place(who, s) + i;

		if (truth[at].writes || (s->q.op == BLK_WRITE && truth[at].reads))
			return true;
	}
	return false;
}

static void count(int who, const struct slot *s, unsigned int n)
{
	for (uint64_t i = 0; i < s->q.length / 512; i++) {
		uint64_t at = place(who, s) + i;

		if (s->q.op == BLK_WRITE)
			truth[at].writes += n;
		else
			truth[at].reads += n;
	}
}

static void covered(int who, uint64_t *acked)
{
	for (int i = 0; i < VOLUME; i++)
		acked[i] = truth[FIRST + who * VOLUME + i].acked;
}

static void send(int who)
{
	static const uint16_t ops[] = { BLK_WRITE, BLK_WRITE, BLK_WRITE, BLK_READ, BLK_READ,
		BLK_FLUSH };
	unsigned int i = (unsigned int)rand() % SLOTS;
	struct slot *s = &slots[who][i];

	if (s->busy)
		return;
	s->q = (struct blk_req){ .op = ops[rand() % 6], .id = (uint64_t)rand() << 8 | i };
	s->deaths = n_deaths;
	covered(who, s->covers);
	if (s->q.op != BLK_FLUSH) {
		s->q.length = 512u * (1 + (unsigned int)rand() % LENGTH_MAX);
		s->q.sector = (unsigned int)rand() % (VOLUME - LENGTH_MAX);
		s->q.offset = i * LENGTH_MAX * 512u;
		s->q.flags = s->q.op == BLK_WRITE && rand() % 8 == 0;
	}
	if (in_the_way(who, s))
		return;
	version++;
	for (uint32_t n = 0; s->q.op == BLK_WRITE && n < s->q.length / 512; n++)
		stamp_put(c[who].data + s->q.offset + n * 512, place(who, s) + n);
	count(who, s, 1);
	s->busy = true;
	ask(&c[who], s->q);
}

static void sector_answered(int who, const struct slot *s, uint32_t n, int status)
{
	uint64_t at = place(who, s) + n;
	uint64_t found = stamp_version(c[who].data + s->q.offset + n * 512, at);

	if (s->q.op == BLK_WRITE) {
		truth[at].in_doubt = status != 0;
		truth[at].acked = status ? truth[at].acked : found;
	} else if (status == 0 && !truth[at].in_doubt) {
		assert_int_equal(found, truth[at].acked);
	}
	if (s->q.op == BLK_WRITE && s->q.flags && !status)
		assert_true(medium[at] >= found);
}

static void on_medium(int who, const uint64_t *acked)
{
	for (int i = 0; i < VOLUME; i++)
		assert_true(medium[FIRST + who * VOLUME + i] >= acked[i]);
}

static void take(int who)
{
	struct blk_rsp rsp;

	while (peer_take(&c[who], &rsp, sizeof(rsp))) {
		struct slot *s = &slots[who][rsp.id % 256];

		assert_true(rsp.id % 256 < SLOTS && s->busy && s->q.id == rsp.id);
		if (rsp.status) {
			assert_int_equal(rsp.status, -SK_E_IO);
			assert_true(n_deaths - s->deaths >= DISK_DEATHS_MAX);
			n_failed++;
		}
		for (uint32_t n = 0; n < s->q.length / 512; n++)
			sector_answered(who, s, n, rsp.status);
		if (s->q.op == BLK_FLUSH && !rsp.status)
			on_medium(who, s->covers);
		count(who, s, -1u);
		s->busy = false;
		n_answers++;
	}
	peer_flush(&c[who]);
}

static bool idle(int who)
{
	for (int i = 0; i < SLOTS; i++)
		if (slots[who][i].busy)
			return false;
	return true;
}

/* The attachment was closed before the answer was sent. */
static void forget(int who, struct slot *s)
{
	for (uint64_t i = 0; i < s->q.length / 512; i++)
		truth[place(who, s) + i].in_doubt |= s->q.op == BLK_WRITE;
	count(who, s, -1u);
	s->busy = false;
}

static void open_or_close(int who)
{
	uint64_t acked[VOLUME];

	if (!is_open[who]) {
		is_open[who] = try_attach(&c[who], letters[who], true) == 0;
		return;
	}
	covered(who, acked);
	(void)world_close(&c[who]);
	for (int i = 0; c[who].close_rc == PENDING && i < 1000000; i++) {
		driver_step();
		tell();
	}
	assert_int_equal(c[who].close_rc, 0);
	if (!c[who].close_result)
		on_medium(who, acked);
	for (struct slot *s = slots[who]; s < &slots[who][SLOTS]; s++)
		if (s->busy)
			forget(who, s);
	is_open[who] = false;
	n_closes++;
}

/* ---- the run ---- */
static void step(void)
{
	int who = rand() % N;

	if (rand() % 300 == 0)
		driver_ends();
	else if (rand() % 500 == 0)
		open_or_close(who);
	else if (is_open[who] && rand() % 3 == 0)
		send(who);
	else if (is_open[who] && rand() % 3 == 0)
		take(who);
	else
		for (int i = 0; i < 8; i++)
			driver_step();
	if (rand() % 5 == 0)
		tell();
}

/* From now on drivers live, and everything is answered. */
static void calm(void)
{
	d->peer.on_signal = NULL;
	d->on_region = NULL;
	for (int i = 0, quiet = 0; quiet < CALM_STEPS; i++) {
		assert_true(i < 1000000);
		tell();
		driver_step();
		for (int who = 0; who < N; who++)
			if (is_open[who])
				take(who);
		quiet = idle(0) && idle(1) && idle(2) ? quiet + 1 : 0;
	}
	for (uint64_t i = FIRST; i < SECTORS; i++)
		assert_true(truth[i].in_doubt ||
			    stamp_version(d->image + i * 512, i) == truth[i].acked);
}

static void run(unsigned int seed)
{
	start();
	srand(seed);
	told = true;
	d->peer.on_signal = driver_signalled;
	d->on_region = region_called;
	for (int i = 0; i < STEPS; i++)
		step();
	calm();
	fprintf(stderr, "%llu drivers ended, %llu answers, %llu failed, %llu closed\n",
		(unsigned long long)n_deaths, (unsigned long long)n_answers,
		(unsigned long long)n_failed, (unsigned long long)n_closes);
	assert_true(n_deaths > 100 && n_answers > 3000 && n_failed * 100 < n_answers);
	assert_true(n_closes > 20);
}

static void drivers_end_at_random_times(void) { run(1); }
static void and_at_others(void) { run(2); }
static void and_at_others_still(void) { run(3); }

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(drivers_end_at_random_times),
		CASE(and_at_others),
		CASE(and_at_others_still),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
