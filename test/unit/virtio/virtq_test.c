/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * virtq_test.c - the driver side of a virtqueue, with a device that keeps the rules and one
 * that breaks them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdlib.h>
#include <string.h>

#include "virtio/virtq.h"

enum { SIZE = 8 };

static struct virtq q;
static void *mem;

static int setup(void **state)
{
	size_t a, u, bytes = virtq_bytes(SIZE, &a, &u);

	(void)state;
	mem = aligned_alloc(16, (bytes + 15) & ~(size_t)15);
	memset(mem, 0, bytes);
	virtq_init(&q, SIZE, mem, false);
	return 0;
}

static int teardown(void **state)
{
	(void)state;
	free(mem);
	return 0;
}

static void device_returns(uint32_t id, uint32_t len)
{
	q.used->ring[q.used->idx % SIZE].id = id;
	q.used->ring[q.used->idx % SIZE].len = len;
	q.used->idx++;
}

static const struct virtq_buf request[3] = { { 0x1000, 16, false }, { 0x2000, 512, true },
	{ 0x1010, 1, true } };

static void chain_layout(void **state)
{
	int token;
	uint16_t head, at;

	(void)state;
	assert_int_equal(virtq_add(&q, request, 3, &token), 0);
	assert_int_equal(q.avail->idx, 0); /* not published before the kick */
	assert_true(virtq_kick(&q));
	assert_int_equal(q.avail->idx, 1);
	assert_false(virtq_kick(&q)); /* nothing new is published */
	head = at = q.avail->ring[0];
	assert_int_equal(q.desc[at].addr, 0x1000);
	assert_int_equal(q.desc[at].flags, 1);
	at = q.desc[at].next;
	assert_int_equal(q.desc[at].flags, 3);
	at = q.desc[at].next;
	assert_int_equal(q.desc[at].flags, 2);
	assert_int_not_equal(at, head);
}

static void descriptors_come_back(void **state)
{
	void *token;
	uint32_t len;

	(void)state;
	for (unsigned int round = 0; round < 100; round++) {
		char tokens[2];

		assert_int_equal(virtq_add(&q, request, 3, &tokens[0]), 0);
		assert_int_equal(virtq_add(&q, request, 3, &tokens[1]), 0);
		assert_int_equal(virtq_add(&q, request, 3, &tokens[0]), -SK_E_AGAIN);
		virtq_kick(&q);
		device_returns(
			q.avail->ring[(q.avail->idx - 1) % SIZE], 513); /* out of order */
		device_returns(q.avail->ring[(q.avail->idx - 2) % SIZE], 1);
		assert_int_equal(virtq_get(&q, &token, &len), 0);
		assert_ptr_equal(token, &tokens[1]);
		assert_int_equal(len, 513);
		assert_int_equal(virtq_get(&q, &token, &len), 0);
		assert_ptr_equal(token, &tokens[0]);
		assert_int_equal(virtq_get(&q, &token, &len), -SK_E_AGAIN);
		assert_int_equal(q.n_free, SIZE);
	}
}

static void hostile_used_ring(void **state)
{
	static const uint32_t ids[] = { SIZE, UINT32_MAX, 1, 5 };
	void *token;
	uint32_t len;
	uint16_t head;

	(void)state;
	assert_int_equal(virtq_add(&q, request, 3, NULL), 0);
	virtq_kick(&q);
	head = q.avail->ring[0];
	for (unsigned int i = 0; i < 4; i++) { /* out of range; not a head; free */
		device_returns(ids[i], 1);
		assert_int_equal(virtq_get(&q, &token, &len), -SK_E_IO);
		q.used->idx--;
	}
	device_returns(SIZE + head, 0); /* the head modulo the size */
	assert_int_equal(virtq_get(&q, &token, &len), -SK_E_IO);
	q.used->idx--;
	device_returns(head, 514); /* more than the device may write */
	assert_int_equal(virtq_get(&q, &token, &len), -SK_E_IO);
	q.used->idx--;
	device_returns(head, 1);
	assert_int_equal(virtq_get(&q, &token, &len), 0);
	device_returns(head, 1); /* a second time */
	assert_int_equal(virtq_get(&q, &token, &len), -SK_E_IO);
}

static void device_cannot_change_the_chain(void **state)
{
	void *token;
	uint32_t len;

	(void)state;
	assert_int_equal(virtq_add(&q, request, 3, NULL), 0);
	virtq_kick(&q);
	for (unsigned int i = 0; i < SIZE; i++)
		q.desc[i].next = 0xffff;
	device_returns(q.avail->ring[0], 1);
	assert_int_equal(virtq_get(&q, &token, &len), 0);
	assert_int_equal(q.n_free, SIZE);
	assert_int_equal(virtq_add(&q, request, 3, NULL), 0);
	assert_int_equal(virtq_add(&q, request, 3, NULL), 0);
}

static void bad_arguments(void **state)
{
	(void)state;
	assert_int_equal(virtq_add(&q, request, 0, NULL), -SK_E_INVAL);
	assert_int_equal(virtq_add(&q, request, SIZE + 1, NULL), -SK_E_INVAL);
}

static void parts_lie_apart(void **state)
{
	(void)state;
	for (uint16_t size = 1; size <= VIRTQ_SIZE_MAX; size *= 2) {
		size_t avail, used, bytes = virtq_bytes(size, &avail, &used);

		assert_int_equal(avail, 16u * size);
		/* flags, index, ring, used_event */
		assert_true(used >= avail + 2u * (3u + size));
		assert_int_equal(used % 4, 0);
		assert_int_equal(bytes, used + 6 + 8u * size);
	}
}

/* The limit of a chain does not grow with earlier chains. */
static void limits_do_not_add_up(void **state)
{
	void *token;
	uint32_t len;

	(void)state;
	for (unsigned int round = 0; round < 3; round++) {
		assert_int_equal(virtq_add(&q, request, 3, NULL), 0);
		virtq_kick(&q);
		device_returns(q.avail->ring[(q.avail->idx - 1) % SIZE], 514);
		assert_int_equal(virtq_get(&q, &token, &len), -SK_E_IO);
		q.used->idx--;
		device_returns(q.avail->ring[(q.avail->idx - 1) % SIZE], 513);
		assert_int_equal(virtq_get(&q, &token, &len), 0);
	}
}

static void a_device_that_looks_by_itself(void **state)
{
	(void)state;
	q.used->flags = 1;
	assert_int_equal(virtq_add(&q, request, 2, NULL), 0);
	assert_false(virtq_kick(&q));
	assert_int_equal(q.avail->idx, 1);
	q.used->flags = 0;
	assert_int_equal(virtq_add(&q, request, 2, NULL), 0);
	assert_true(virtq_kick(&q));
}

static void use(bool used[SIZE], uint16_t head, unsigned int n)
{
	for (uint16_t at = head; n--; at = q.desc[at].next) {
		assert_false(used[at]);
		used[at] = true;
	}
}

/* In whatever order chains come back, no descriptor is in two of them. */
static void chains_share_nothing(void **state)
{
	bool used[SIZE] = { false };
	void *token;
	uint32_t len;

	(void)state;
	assert_int_equal(virtq_add(&q, request, 3, NULL), 0);
	assert_int_equal(virtq_add(&q, request, 3, NULL), 0);
	virtq_kick(&q);
	device_returns(q.avail->ring[0], 0);
	assert_int_equal(virtq_get(&q, &token, &len), 0);
	assert_int_equal(virtq_add(&q, request, 3, NULL), 0);
	assert_int_equal(virtq_add(&q, request, 2, NULL), 0);
	virtq_kick(&q);
	use(used, q.avail->ring[1], 3);
	use(used, q.avail->ring[2], 3);
	use(used, q.avail->ring[3], 2);
	assert_int_equal(q.n_free, 0);
}

static void event_index(void **state)
{
	void *token;
	uint32_t len;

	(void)state;
	virtq_init(&q, SIZE, mem, true);
	assert_int_equal(virtq_add(&q, request, 2, NULL), 0);
	assert_true(virtq_kick(&q)); /* the device waits for index 0 */
	assert_int_equal(virtq_add(&q, request, 2, NULL), 0);
	assert_false(virtq_kick(&q)); /* and now it is busy */
	*q.avail_event = 2;
	assert_int_equal(virtq_add(&q, request, 2, NULL), 0);
	assert_true(virtq_kick(&q));
	device_returns(q.avail->ring[0], 0);
	assert_int_equal(virtq_get(&q, &token, &len), 0);
	assert_false(virtq_idle(&q));
	assert_int_equal(*q.used_event, 1);
	device_returns(q.avail->ring[1], 0);
	assert_true(virtq_idle(&q)); /* one came meanwhile, so look again */
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup_teardown(f, setup, teardown)
	const struct CMUnitTest tests[] = {
		CASE(chain_layout),
		CASE(descriptors_come_back),
		CASE(hostile_used_ring),
		CASE(device_cannot_change_the_chain),
		CASE(bad_arguments),
		CASE(parts_lie_apart),
		CASE(limits_do_not_add_up),
		CASE(a_device_that_looks_by_itself),
		CASE(chains_share_nothing),
		CASE(event_index),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
