/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * volume_test.c - reads of a volume whose disk has larger blocks than a file system asks for
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "proto/blk.h"
#include "ring/ring.h"
#include "volume.h"

enum { RING = 8192, DATA = 10000, SIZE = 1 << 20 }; /* DATA: not a multiple of anything */

static _Alignas(4096) uint8_t memory[2 * RING];
static uint8_t data[DATA], image[SIZE], out[SIZE];
static struct ring req, rsp;
static struct svc_conn conn;
static uint32_t block;
static unsigned int n_reads;
static enum { HONEST, OTHER_ID, SHORT, FAILS } storage_is;
static unsigned int n_breaches, n_signals;
static uint64_t last_id;
/* The requests at which storage starts again; it had done each of them or not. */
static unsigned int ends[3], n_requests;
static uint64_t sectors = SIZE / 512;

int svc_request(struct svc_conn *c, const void *rec, uint32_t len)
{
	int rc = ring_put(&c->req, rec, len);

	(void)ring_put_flush(&c->req);
	return rc;
}
void svc_signal(struct svc_conn *c) { (void)c; }

static int storage_ends(struct svc_conn *c)
{
	c->epoch++;
	c->broken = false;
	ring_restart(&req, c->epoch);
	ring_restart(&rsp, c->epoch);
	ring_restart(&c->req, c->epoch);
	ring_restart(&c->rsp, c->epoch);
	return -SK_E_RESTARTED;
}

/* Plays storage, which serves whole blocks only. */
int svc_wait_until(struct svc_conn *c, sk_time_t deadline)
{
	const struct blk_target t = {
		.sectors = SIZE / 512, .region_size = DATA, .block = block, .read_only = true
	};
	struct blk_rsp r = { .result = sectors,
		.flags = BLK_READ_ONLY | blk_block_info(block) };
	struct blk_req q;

	(void)deadline;
	if (c->broken && n_signals++ % 3) /* it goes on and signals, for a while */
		return 0;
	if (c->broken) { /* init has been told, and starts it again */
		assert_int_equal(c->req.sh->end, c->epoch + 1);
		n_breaches++;
		storage_is = HONEST;
		return storage_ends(c);
	}
	n_requests++;
	for (unsigned int i = 0; i < ARRAY_SIZE(ends); i++)
		if (ends[i] == n_requests)
			return storage_ends(c);
	assert_int_equal(ring_get(&req, &q, sizeof(q)), sizeof(q));
	(void)ring_get_flush(&req);
	r.id = q.id;
	r.status = blk_req_check(&q, &t);
	assert_int_equal(r.status, 0);
	if (q.op == BLK_READ) {
		assert_int_not_equal(q.id, last_id);
		last_id = q.id;
		memcpy(data + q.offset, image + q.sector * 512, q.length);
		n_reads++;
	}
	r.id += storage_is == OTHER_ID;
	r.status = storage_is == FAILS ? -SK_E_IO : r.status;
	assert_int_equal(ring_put(&rsp, &r, sizeof(r) - (storage_is == SHORT ? 8 : 0)), 0);
	(void)ring_put_flush(&rsp);
	return 0;
}

static void reads(void **state)
{
	(void)state;
	for (uint32_t i = 0; i < SIZE; i++)
		image[i] = (uint8_t)(i * 7 + i / 251);
	for (block = 512; block <= 8192; block *= 4) {
		memset(memory, 0, sizeof(memory));
		conn = (struct svc_conn){ .data = data, .data_size = DATA, .channel = true };
		assert_int_equal(ring_init(&conn.req, memory, RING, RING_CLIENT_PUTS, 0), 0);
		assert_int_equal(
			ring_init(&conn.rsp, memory + RING, RING, RING_CLIENT_GETS, 0), 0);
		assert_int_equal(ring_init(&req, memory, RING, RING_SERVICE_GETS, 0), 0);
		assert_int_equal(ring_init(&rsp, memory + RING, RING, RING_SERVICE_PUTS, 0), 0);
		assert_int_equal(volume_use_channel(&conn), 0);
		for (uint64_t at = 0; at < 32768; at += 512)
			for (uint32_t n = 512; n <= 20480; n += n < 4096 ? 512 : 3584) {
				memset(out, 0, n + 1);
				assert_int_equal(volume_read(at, n, out), 0);
				assert_memory_equal(out, image + at, n);
				assert_int_equal(out[n], 0);
			}
		n_reads = 0;
		assert_int_equal(volume_read(SIZE - 1024, 1024, out), 0);
		assert_memory_equal(out, image + SIZE - 1024, 1024);
		assert_int_equal(n_reads, 1);
		assert_int_equal(volume_read(SIZE - 1024, 1536, out), -SK_E_RANGE);
		assert_int_equal(volume_read(UINT64_MAX - 511, 512, out), -SK_E_RANGE);
	}
}

/* The rings of the case `reads` are still in use. */
static void illegal_answers(void **state)
{
	(void)state;
	block = 512;
	assert_int_equal(volume_use_channel(&conn), 0);
	assert_int_equal(volume_read(1, 512, out), -SK_E_ALIGN);
	assert_int_equal(volume_read(512, 100, out), -SK_E_ALIGN);
	storage_is = OTHER_ID;
	n_signals = 1;
	memset(out, 0, 512);
	assert_int_equal(volume_read(512, 512, out), 0);
	assert_memory_equal(out, image + 512, 512);
	assert_int_equal(n_breaches, 1);
	assert_int_equal(n_signals, 4);
	storage_is = SHORT;
	assert_int_equal(volume_read(512, 512, out), 0);
	assert_int_equal(n_breaches, 2);
	storage_is = FAILS;
	assert_int_equal(volume_read(512, 512, out), -SK_E_IO);
	storage_is = HONEST;
	assert_int_equal(volume_read(512, 512, out), 0);
	storage_is = FAILS;
	assert_int_equal(volume_use_channel(&conn), -SK_E_IO);
	assert_int_equal(volume_read(512, 512, out), -SK_E_RANGE); /* its size is unknown */
}

/* Storage ends at a read, at the question for the size that follows, and at the read again. */
static void storage_starts_again(void **state)
{
	(void)state;
	block = 512;
	storage_is = HONEST;
	n_requests = 0;
	ends[0] = 1;
	assert_int_equal(volume_use_channel(&conn), 0);
	n_requests = 0;
	memcpy(ends, (unsigned int[]){ 1, 2, 4 }, sizeof(ends));
	assert_int_equal(volume_read(512, 1024, out), 0);
	assert_memory_equal(out, image + 512, 1024);
	assert_int_equal(n_requests, 6);
	assert_int_equal(volume_read(2048, 30208, out), 0);
	assert_memory_equal(out, image + 2048, 30208);
}

/* What was mounted is gone, also if a volume of the right size comes back. */
static void another_volume(void **state)
{
	(void)state;
	n_requests = 0;
	memcpy(ends, (unsigned int[]){ 1, 0, 0 }, sizeof(ends));
	sectors--;
	assert_int_equal(volume_read(512, 1024, out), -SK_E_IO);
	sectors++;
	assert_int_equal(volume_read(512, 1024, out), -SK_E_IO);
}

int main(void)
{
	const struct CMUnitTest tests[] = { cmocka_unit_test(reads),
		cmocka_unit_test(illegal_answers), cmocka_unit_test(storage_starts_again),
		cmocka_unit_test(another_volume) };

	return cmocka_run_group_tests(tests, NULL, NULL);
}
