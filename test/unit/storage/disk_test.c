/*
 * disk_test.c - what storage hands to a disk driver, and what it takes back from it
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "disk.h"

enum { ENDPOINT = 40, DATA_FRAME = 50, DATA_SIZE = 1 << 20, RING = 8192 };

/* ---- the driver: its control endpoint, and both ends of its rings ---- */
static struct {
	uint32_t label, n_caps;
	sk_cap_t cap;
	uint64_t word;
	unsigned int calls;
} call;
static _Alignas(4096) uint8_t memory[2 * RING];
static struct svc_conn driver_conn;
static struct ring driver_req, driver_rsp;

int svc_call(sk_cap_t ep, uint32_t label, uint64_t *mr, uint32_t *n, struct svc_caps *caps)
{
	assert_int_equal(ep, ENDPOINT);
	call.label = label;
	call.word = mr[0];
	call.n_caps = caps ? caps->n_out : 0;
	call.cap = call.n_caps ? caps->out[0] : 0;
	call.calls++;
	mr[0] = 0;
	mr[1] = 7;
	*n = 2;
	return 0;
}

int svc_send(struct svc_conn *c, bool to_service, const void *rec, uint32_t len)
{
	int rc = ring_put(to_service ? &c->req : &c->rsp, rec, len);

	(void)ring_put_flush(&c->req);
	return rc;
}

static void answer(const struct blk_rsp *rsp, uint32_t len)
{
	assert_int_equal(ring_put(&driver_rsp, rsp, len), 0);
	(void)ring_put_flush(&driver_rsp);
}

/* The driver has the request that storage waits for. */
int svc_wait(struct svc_conn *c)
{
	struct blk_rsp rsp = { .result = 1000, .flags = BLK_HAS_FLUSH };
	struct blk_req q;

	(void)c;
	assert_int_equal(ring_get(&driver_req, &q, sizeof(q)), sizeof(q));
	rsp.id = q.id;
	answer(&rsp, sizeof(rsp));
	return 0;
}

static struct disk disk;

static int setup(void **state)
{
	(void)state;
	memset(memory, 0, sizeof(memory));
	memset(&call, 0, sizeof(call));
	driver_conn = (struct svc_conn){ .data_frame = DATA_FRAME, .data_size = DATA_SIZE };
	assert_int_equal(ring_init(&driver_conn.req, memory, RING, 0), 0);
	assert_int_equal(ring_init(&driver_conn.rsp, memory + RING, RING, 0), 0);
	assert_int_equal(ring_init(&driver_req, memory, RING, 0), 0);
	assert_int_equal(ring_init(&driver_rsp, memory + RING, RING, 0), 0);
	assert_int_equal(disk_init(&disk, &driver_conn, ENDPOINT), 0);
	return 0;
}

/* One capability, to the data part: the rings have a frame of their own, which stays here. */
static void driver_gets_the_data_part(void **state)
{
	const struct svc_conn client = { .data_frame = 60, .data_size = 1 << 21 };
	uint32_t region = 0;

	(void)state;
	assert_int_equal(disk.sectors, 1000);
	assert_int_equal(call.cap, DATA_FRAME); /* our own region, in disk_init() */
	assert_int_equal(disk.own_region, 7);
	assert_int_equal(disk_region_add(&disk, &client, &region), 0);
	assert_int_equal(call.label, BLK_REGION_ADD);
	assert_int_equal(call.n_caps, 1);
	assert_int_equal(call.cap, 60);
	assert_int_equal(call.word, 1 << 21);
	assert_int_equal(region, 7);
	assert_int_equal(disk_region_del(&disk, 7), 0);
	assert_int_equal(call.label, BLK_REGION_DEL);
	assert_int_equal(call.n_caps, 0);
	assert_int_equal(call.word, 7);
}

static void no_more_than_the_depth(void **state)
{
	struct client *const client = (struct client *)&disk; /* any address */
	const struct blk_req q = { .op = BLK_FLUSH, .id = 5 };

	(void)state;
	for (unsigned int i = 0; i < BLK_DEPTH; i++)
		assert_int_equal(disk_submit(&disk, client, &q, false), 0);
	assert_int_equal(disk_submit(&disk, client, &q, false), -SK_E_AGAIN);
	assert_int_equal(disk.n_flights, BLK_DEPTH);
}

static void answers_of_a_broken_driver(void **state)
{
	struct client *const client = (struct client *)&disk;
	const struct blk_req q = { .op = BLK_FLUSH, .id = 5 };
	struct blk_rsp rsp = { .id = 0 };
	struct flight f;

	(void)state;
	assert_int_equal(disk_finished(&disk, &f, &rsp), -SK_E_AGAIN);
	answer(&(struct blk_rsp){ .id = 0 }, sizeof(rsp)); /* to a request that nobody made */
	assert_int_equal(disk_finished(&disk, &f, &rsp), -SK_E_PEER);
	assert_int_equal(disk_submit(&disk, client, &q, true), 0);
	answer(&(struct blk_rsp){ .id = BLK_DEPTH }, sizeof(rsp));
	assert_int_equal(disk_finished(&disk, &f, &rsp), -SK_E_PEER);
	answer(&(struct blk_rsp){ .id = 0 }, sizeof(rsp) - 8);
	assert_int_equal(disk_finished(&disk, &f, &rsp), -SK_E_PEER);
	answer(&(struct blk_rsp){ .id = 0, .status = -SK_E_IO }, sizeof(rsp));
	assert_int_equal(disk_finished(&disk, &f, &rsp), 0);
	assert_int_equal(f.id, 5);
	assert_true(f.closing);
	assert_int_equal(rsp.status, -SK_E_IO);
	answer(&(struct blk_rsp){ .id = 0 }, sizeof(rsp)); /* twice */
	assert_int_equal(disk_finished(&disk, &f, &rsp), -SK_E_PEER);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(driver_gets_the_data_part, setup),
		cmocka_unit_test_setup(no_more_than_the_depth, setup),
		cmocka_unit_test_setup(answers_of_a_broken_driver, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
