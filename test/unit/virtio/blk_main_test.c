/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * blk_main_test.c - the whole of the disk's driver, between a disk and a client, of which each
 * may be hostile
 */
#include "world/world.h"

#include "device.h"
#include "proto/blk.h"

enum {
	IRQ = 21,
	REGION = 1 << 20,
	F_SIZE_MAX = 1 << 1,
	F_SEG_MAX = 1 << 2,
	F_RO = 1 << 5,
	F_BLK_SIZE = 1 << 6,
	F_FLUSH = 1 << 9,
	IN = 0,
	OUT = 1,
	FLUSH = 4
};

static struct peer storage;

static void config(uint32_t at, uint64_t value, uint32_t size)
{
	memcpy(device.config + at, &value, size);
}

static void start(void)
{
	device.features |= F_FLUSH;
	config(0, 1000, 8);
	world_start();
	assert_int_equal(world_open(&storage, SVC_PROTO_BLK, 1 | SVC_STATIC, NULL, 0, 0), 0);
	assert_int_equal(world_call(BLK_REGION_ADD, (uint64_t[8]){ REGION, 3 }, REGION), 0);
}

static void ask(struct blk_req q)
{
	peer_put(&storage, &q, sizeof(q));
	peer_flush(&storage);
}

static int answered(uint64_t id)
{
	struct blk_rsp rsp;
	bool got = peer_take(&storage, &rsp, sizeof(rsp));

	peer_flush(&storage);
	if (!got)
		return 99;
	assert_int_equal(rsp.id, id);
	return rsp.status;
}

static uint32_t type(const struct chain *c)
{
	uint32_t v;

	memcpy(&v, c->buf[0].at, 4);
	return v;
}

static uint64_t sector(const struct chain *c)
{
	uint64_t v;

	memcpy(&v, c->buf[0].at + 8, 8);
	return v;
}

/* The device completes the chain. */
static void lands(const struct chain *c, uint8_t status)
{
	uint32_t written = 0;

	for (unsigned int i = 0; i < c->n; i++)
		written += c->buf[i].writable ? c->buf[i].len : 0;
	*c->buf[c->n - 1].at = status;
	device_give(0, c->id, written);
	world_irq(IRQ);
}

static const struct blk_req reading = {
	.op = BLK_READ, .region = 3, .id = 5, .sector = 8, .offset = 4096, .length = 8192
};

static void transfers(void)
{
	struct blk_req q = reading;
	struct chain c;

	start();
	ask(q);
	assert_true(device_take(0, &c));
	assert_int_equal(c.n, 3);
	assert_int_equal(type(&c), IN);
	assert_int_equal(sector(&c), 8);
	assert_int_equal(c.buf[1].len, 8192);
	assert_true(c.buf[1].writable);
	assert_int_equal(answered(5), 99);
	lands(&c, 0);
	assert_int_equal(answered(5), 0);
	q.op = BLK_WRITE;
	ask(q);
	assert_true(device_take(0, &c));
	assert_int_equal(type(&c), OUT);
	assert_false(c.buf[1].writable);
	lands(&c, 1);
	assert_int_equal(answered(5), -SK_E_IO);
}

/* A write with FUA is answered only when it is on the medium. */
static void fua(void)
{
	struct blk_req q = reading;
	struct chain c;

	start();
	q.op = BLK_WRITE;
	q.flags = BLK_FUA;
	ask(q);
	assert_true(device_take(0, &c));
	lands(&c, 0);
	assert_int_equal(answered(5), 99);
	assert_true(device_take(0, &c));
	assert_int_equal(type(&c), FLUSH);
	assert_int_equal(c.n, 2);
	lands(&c, 0);
	assert_int_equal(answered(5), 0);
	ask(q);
	assert_true(device_take(0, &c));
	lands(&c, 0);
	assert_true(device_take(0, &c));
	lands(&c, 1); /* the flush fails */
	assert_int_equal(answered(5), -SK_E_IO);
	q.op = BLK_READ; /* FUA has no effect on a read */
	ask(q);
	assert_true(device_take(0, &c));
	lands(&c, 0);
	assert_int_equal(answered(5), 0);
}

/* size_max is a limit of segments, not of requests. */
static void small_segments(void)
{
	struct blk_req q = reading;
	uint64_t bytes = 0;
	struct chain c;

	device.features = F_SIZE_MAX | F_SEG_MAX;
	config(8, 4096 + 100, 4); /* parts are whole blocks */
	config(12, 4, 4);
	start();
	q.length = 10 * 4096;
	q.flags = BLK_FUA;
	q.op = BLK_WRITE;
	ask(q);
	while (bytes < q.length) {
		assert_int_equal(answered(5), 99);
		assert_true(device_take(0, &c));
		assert_int_equal(type(&c), OUT);
		assert_int_equal(sector(&c), 8 + bytes / 512);
		assert_in_range(c.n, 3, 6);
		for (unsigned int i = 1; i + 1 < c.n; i++) {
			assert_int_equal(c.buf[i].len, 4096);
			bytes += c.buf[i].len;
		}
		lands(&c, 0);
	}
	assert_int_equal(bytes, q.length);
	assert_true(device_take(0, &c));
	assert_int_equal(type(&c), FLUSH); /* one flush after all parts */
	lands(&c, 0);
	assert_int_equal(answered(5), 0);
	ask(q);
	assert_true(device_take(0, &c));
	lands(&c, 1); /* the other parts are not tried */
	assert_int_equal(answered(5), -SK_E_IO);
	assert_false(device_take(0, &c));
}

static void large_blocks(void)
{
	struct blk_req q = reading;
	struct blk_rsp rsp;
	struct chain c;

	device.features = F_BLK_SIZE;
	config(20, 4096, 4);
	start();
	ask((struct blk_req){ .op = BLK_INFO });
	assert_true(peer_take(&storage, &rsp, sizeof(rsp)));
	assert_int_equal(blk_info_block(rsp.flags), 4096);
	assert_int_equal(rsp.result, 1000);
	q.sector = 7;
	ask(q);
	assert_int_equal(answered(5), -SK_E_INVAL);
	q.sector = 8;
	q.length = 4096 + 512;
	ask(q);
	assert_int_equal(answered(5), -SK_E_INVAL);
	ask(reading);
	assert_true(device_take(0, &c));
	assert_int_equal(sector(&c), 8); /* in units of 512 bytes nevertheless: 5.2.6 */
}

static void begin(uint64_t features, uint64_t sectors)
{
	device.features = features;
	config(0, sectors, 8);
	world_start();
	assert_int_equal(world_open(&storage, SVC_PROTO_BLK, 1 | SVC_STATIC, NULL, 0, 0), 0);
	assert_int_equal(world_call(BLK_REGION_ADD, (uint64_t[8]){ REGION, 3 }, REGION), 0);
}

static struct blk_rsp info(void)
{
	struct blk_rsp rsp = { .status = 99 };

	ask((struct blk_req){ .op = BLK_INFO });
	assert_true(peer_take(&storage, &rsp, sizeof(rsp)));
	return rsp;
}

static void a_last_block_that_is_not_whole(void)
{
	config(20, 4096, 4);
	begin(F_BLK_SIZE, 1003);
	assert_int_equal(info().result, 1000);
}

static void flushes(void)
{
	const struct blk_req flush = { .op = BLK_FLUSH, .id = 6 };
	struct chain c;

	start();
	assert_false(info().flags & BLK_READ_ONLY);
	ask(flush);
	assert_true(device_take(0, &c));
	assert_int_equal(type(&c), FLUSH);
	assert_int_equal(answered(6), 99);
	lands(&c, 0);
	assert_int_equal(answered(6), 0);
}

/* A device without F_FLUSH writes through, so it needs no flush and supports none. */
static void no_flushes(void)
{
	struct blk_req q = { .op = BLK_FLUSH, .id = 6 };
	struct chain c;

	begin(0, 1000);
	ask(q);
	assert_int_equal(answered(6), 0);
	assert_false(device_take(0, &c));
	q = reading;
	q.op = BLK_WRITE;
	q.flags = BLK_FUA;
	ask(q);
	assert_true(device_take(0, &c));
	lands(&c, 0);
	assert_int_equal(answered(5), 0);
}

/*
 * The device completes the request without writing a status; the previous request's status must
 * not count.
 */
static void a_device_without_a_word(void)
{
	struct chain c;

	start();
	for (int i = 0; i < 2; i++) {
		ask(reading);
		assert_true(device_take(0, &c));
		if (i) {
			device_give(0, c.id, 0);
			world_irq(IRQ);
		} else {
			lands(&c, 0);
		}
		assert_int_equal(answered(5), i ? -SK_E_IO : 0);
	}
}

static void many_segments_in_a_small_queue(void)
{
	struct blk_req q = reading;
	uint64_t bytes = 0;
	struct chain c;

	device.queue_size = 8;
	config(8, 4096, 4);
	config(12, 16, 4);
	begin(F_SIZE_MAX | F_SEG_MAX, 1000);
	q.length = 20 * 4096;
	ask(q);
	while (bytes < q.length) {
		assert_true(device_take(0, &c));
		assert_true(c.n <= 8);
		bytes += (c.n - 2) * 4096u;
		lands(&c, 0);
	}
	assert_int_equal(answered(5), 0);
}

static void regions_come_and_go(void)
{
	start();
	for (unsigned int i = 0; i < 9000; i++) { /* more than there are slots */
		assert_int_equal(world_call(BLK_REGION_ADD, (uint64_t[8]){ 4096, 4 }, 4096), 0);
		assert_int_equal(world_call(BLK_REGION_DEL, (uint64_t[8]){ 4 }, 0), 0);
	}
}

static void blocks_that_are_none(void)
{
	device.features = F_BLK_SIZE;
	config(20, 1000, 4);
	world_start(); /* the domain ends */
	assert_true(world_ended());
}

/* ---- a hostile client ---- */
static void refused(struct blk_req q, int why)
{
	struct chain c;

	ask(q);
	assert_int_equal(answered(q.id), why);
	assert_false(device_take(0, &c));
	assert_false(peer_dead(&storage));
}

static void bad_requests_are_answered(void)
{
	struct blk_req q;

	start();
#define BAD(field, value, why) \
	do { \
		q = reading; \
		q.field = (value); \
		refused(q, -(why)); \
	} while (0)
	BAD(region, 2, SK_E_RANGE);
	BAD(region, BLK_REGIONS, SK_E_RANGE);
	BAD(region, BLK_REGIONS + 3, SK_E_RANGE);
	BAD(region, UINT32_MAX, SK_E_RANGE);
	BAD(offset, REGION, SK_E_RANGE);
	BAD(offset, UINT64_MAX - 511, SK_E_RANGE);
	BAD(length, 0, SK_E_INVAL);
	BAD(length, UINT64_MAX - 511, SK_E_INVAL);
	BAD(sector, 1000, SK_E_RANGE);
	BAD(sector, UINT64_MAX, SK_E_RANGE);
	BAD(op, 77, SK_E_INVAL);
	BAD(flags, 0x8000, SK_E_INVAL);
}

static void more_than_the_depth_waits(void)
{
	struct chain c;
	uint32_t n = 0;

	device.queue_size = 8; /* few descriptors: enough for two requests */
	start();
	for (uint32_t i = 0; i < 80; i++)
		ask(reading);
	assert_false(peer_dead(&storage));
	while (device_take(0, &c)) {
		lands(&c, 0);
		assert_int_equal(answered(5), 0);
		n++;
	}
	assert_int_equal(n, 80);
}

static void answers_wait_for_a_client_that_takes_none(void)
{
	uint32_t sent = 0, n = 0;

	start();
	while (ring_room(&storage.out, sizeof(struct blk_req), 1)) {
		peer_put(&storage, &(struct blk_req){ .op = BLK_INFO, .id = 5 },
			sizeof(struct blk_req));
		peer_signal(&storage);
		sent++;
	}
	assert_false(peer_dead(&storage));
	while (n < sent && answered(5) == 0)
		n++;
	assert_int_equal(n, sent);
}

static void wrong_records_are_a_breach(void)
{
	start();
	peer_put(&storage, "short", 5);
	peer_signal(&storage);
	assert_true(peer_dead(&storage));
}

static int region_add(uint64_t size, uint64_t number, uint64_t frame)
{
	return world_call(BLK_REGION_ADD, (uint64_t[8]){ size, number }, frame);
}

static int region_del(uint64_t number)
{
	return world_call(BLK_REGION_DEL, (uint64_t[8]){ number }, 0);
}

static void regions(void)
{
	struct chain c;

	start();
	assert_int_equal(region_add(REGION, 3, REGION), -SK_E_EXISTS);
	assert_int_equal(region_add(REGION, BLK_REGIONS, REGION), -SK_E_RANGE);
	assert_int_equal(region_add(REGION, UINT64_MAX, REGION), -SK_E_RANGE);
	assert_int_equal(region_add(REGION, 4, 0), -SK_E_CAP);
	assert_int_equal(region_add(2 * REGION, 4, REGION), -SK_E_INVAL);
	assert_int_equal(region_add(UINT64_MAX, 4, REGION), -SK_E_INVAL);
	assert_int_equal(region_del(4), -SK_E_NOT_FOUND);
	assert_int_equal(region_del(UINT64_MAX), -SK_E_NOT_FOUND);
	assert_int_equal(world_call(99, (uint64_t[8]){ 0 }, REGION), -SK_E_NO_SYS);
	ask(reading);
	assert_true(device_take(0, &c));
	/* the device may still write to the region */
	assert_int_equal(region_del(3), -SK_E_BUSY);
	lands(&c, 0);
	assert_int_equal(answered(5), 0);
	assert_int_equal(region_del(3), 0);
	assert_int_equal(device.n_mapped, 0);
	ask(reading);
	assert_int_equal(answered(5), -SK_E_RANGE);
}

static void closing_waits_for_the_device(void)
{
	static struct peer other;
	struct chain a, b;

	start();
	ask(reading);
	ask(reading);
	assert_true(device_take(0, &a) && device_take(0, &b));
	assert_int_equal(world_open(&other, SVC_PROTO_BLK, 2, NULL, 0, 0), -SK_E_BUSY);
	assert_int_equal(world_close(&storage), PENDING);
	assert_int_equal(world_open(&other, SVC_PROTO_BLK, 2, NULL, 0, 0), -SK_E_BUSY);
	lands(&b, 0);
	assert_int_equal(storage.close_rc, PENDING);
	lands(&a, 0);
	assert_int_equal(storage.close_rc, 0);
	assert_int_equal(world_open(&other, SVC_PROTO_BLK, 2, NULL, 0, 0), 0);
}

/* Storage has started again, and knows nothing of what it had. */
static void a_close_drops_regions(void)
{
	static struct peer other;
	struct chain c;

	start();
	assert_int_equal(region_add(4096, 9, 4096), 0);
	ask(reading);
	assert_true(device_take(0, &c));
	assert_int_equal(world_close(&storage), PENDING);
	assert_int_equal(device.n_mapped, 2);
	lands(&c, 0);
	assert_int_equal(storage.close_rc, 0);
	assert_int_equal(device.n_mapped, 0);
	assert_int_equal(world_open(&storage, SVC_PROTO_BLK, 1 | SVC_STATIC, NULL, 0, 0), 0);
	ask(reading);
	assert_int_equal(answered(5), -SK_E_RANGE);
	assert_int_equal(region_add(REGION, 3, REGION), 0);
	ask(reading);
	assert_true(device_take(0, &c));
	lands(&c, 0);
	assert_int_equal(answered(5), 0);
	assert_int_equal(world_close(&storage), 0);
	assert_int_equal(device.n_mapped, 0);
	assert_int_equal(world_open(&other, SVC_PROTO_BLK, 2, NULL, 0, 0), 0);
}

/* ---- a device that lies: the driver ends, and answers nothing that it was told by then --- */
static struct chain asked(void)
{
	struct chain c;

	start();
	ask(reading);
	assert_true(device_take(0, &c));
	return c;
}

static void device_lies(uint32_t id, uint32_t len)
{
	device_give(0, id, len);
	world_irq(IRQ);
	assert_int_equal(answered(5), 99);
	assert_true(world_ended());
}

static void a_request_that_the_device_does_not_have(void)
{
	struct chain c = asked();

	device_lies(c.id + 1u, 0);
}

static void a_request_beyond_the_queue(void)
{
	(void)asked();
	device_lies(UINT32_MAX, 0);
}

static void a_request_that_is_done_already(void)
{
	struct chain c = asked();

	lands(&c, 0);
	assert_int_equal(answered(5), 0);
	assert_false(world_ended());
	device_lies(c.id, 0);
}

static void more_bytes_than_there_is_room(void)
{
	struct chain c = asked();

	device_lies(c.id, 8192 + 2);
}

/*
 * Lies about what it did are for the client to find. A status that does not exist is an error.
 */
static void a_status_that_is_none(void)
{
	struct chain c = asked();

	lands(&c, 0x55);
	assert_int_equal(answered(5), -SK_E_IO);
	assert_false(world_ended());
}

static void interrupts_without_a_cause(void)
{
	struct chain c = asked();

	for (unsigned int i = 0; i < 1000; i++)
		world_irq(IRQ);
	assert_int_equal(answered(5), 99);
	lands(&c, 0);
	assert_int_equal(answered(5), 0);
	assert_false(world_ended());
}

static void seconds_pass(unsigned int n)
{
	while (n--) {
		world.now += WORLD_HZ;
		world_run();
	}
}

static void a_device_that_has_failed(void)
{
	start();
	seconds_pass(100); /* it has nothing to do */
	assert_false(world_ended());
	device.failed = true;
	seconds_pass(1);
	assert_true(world_ended());
}

/* The device completes the chain, and interrupts if the driver wants that. */
static bool lands_quietly(const struct chain *c)
{
	*c->buf[c->n - 1].at = 0;
	device_give(0, c->id, c->buf[1].len + 1);
	if (!device_interrupts(0))
		return false;
	world_irq(IRQ);
	return true;
}

static unsigned int answers(void)
{
	struct blk_rsp rsp;
	unsigned int n = 0;

	while (peer_take(&storage, &rsp, sizeof(rsp)))
		n++;
	peer_flush(&storage);
	return n;
}

/* n requests in flight: after the first, `size` of them finish for one interrupt. */
static void batch_of(unsigned int n, unsigned int size)
{
	struct chain c[64];
	unsigned int k = 0, signals;

	for (unsigned int i = 0; i < n; i++) {
		ask(reading);
		assert_true(device_take(0, &c[i]));
	}
	assert_true(lands_quietly(&c[k++])); /* now it knows how many there are */
	assert_int_equal(answers(), 1);
	while (k < size)
		assert_false(lands_quietly(&c[k++]));
	signals = storage.signals;
	assert_true(lands_quietly(&c[k++]));
	assert_int_equal(storage.signals, signals + 1);
	assert_int_equal(answers(), size);
	while (k < n)
		lands(&c[k++], 0);
	(void)answers();
}

/* With a few requests in flight each one interrupts; with many, a quarter of them. */
static void one_interrupt_for_many(void)
{
	start();
	batch_of(2, 1);
	batch_of(8, 1);
	batch_of(9, 2);
	batch_of(33, 8);
	batch_of(64, 8);
	batch_of(2, 1);
}

/* A batch that does not fill is answered by the clock. */
static void the_rest_of_a_batch_comes_in_time(void)
{
	struct chain c[32];

	start();
	for (unsigned int j = 0; j < 32; j++) {
		ask(reading);
		assert_true(device_take(0, &c[j]));
	}
	assert_true(lands_quietly(&c[0]));
	assert_false(lands_quietly(&c[1]));
	assert_int_equal(answers(), 1);
	world.now += WORLD_HZ / 1000000 * 49;
	world_run();
	assert_int_equal(answers(), 0);
	world.now += WORLD_HZ / 1000000 * 2;
	world_run();
	assert_int_equal(answers(), 1);
	assert_false(lands_quietly(&c[2]));
	world.now += WORLD_HZ / 1000000 * 51;
	world_run();
	assert_int_equal(answers(), 1);
}

static void a_device_that_is_silent(void)
{
	struct chain c = asked();

	seconds_pass(29);
	lands(&c, 0);
	assert_int_equal(answered(5), 0);
	ask(reading);
	seconds_pass(29);
	assert_false(world_ended());
	seconds_pass(3);
	assert_true(world_ended());
}

static void a_read_only_disk(void)
{
	struct blk_req q = reading;

	device.features = F_RO;
	start();
	assert_true(info().flags & BLK_READ_ONLY);
	q.op = BLK_WRITE;
	refused(q, -SK_E_DENIED);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(transfers),
		CASE(fua),
		CASE(small_segments),
		CASE(large_blocks),
		CASE(a_last_block_that_is_not_whole),
		CASE(flushes),
		CASE(no_flushes),
		CASE(a_device_without_a_word),
		CASE(many_segments_in_a_small_queue),
		CASE(regions_come_and_go),
		CASE(blocks_that_are_none),
		CASE(bad_requests_are_answered),
		CASE(more_than_the_depth_waits),
		CASE(answers_wait_for_a_client_that_takes_none),
		CASE(wrong_records_are_a_breach),
		CASE(regions),
		CASE(closing_waits_for_the_device),
		CASE(a_close_drops_regions),
		CASE(a_request_that_the_device_does_not_have),
		CASE(a_request_beyond_the_queue),
		CASE(a_request_that_is_done_already),
		CASE(more_bytes_than_there_is_room),
		CASE(a_status_that_is_none),
		CASE(interrupts_without_a_cause),
		CASE(a_device_that_has_failed),
		CASE(a_device_that_is_silent),
		CASE(one_interrupt_for_many),
		CASE(the_rest_of_a_batch_comes_in_time),
		CASE(a_read_only_disk),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
