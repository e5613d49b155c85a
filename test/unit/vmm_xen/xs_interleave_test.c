/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_interleave_test.c - the guest's xenstore page: no event is missed, whatever the order of
 * its accesses and ours
 *
 * The guest does what Linux does. It sends an event for what it wrote only when all that it
 * wrote before had been taken, and for what it took only when the page had been full. It reads
 * our index while its own is still in its store buffer. Each of its steps runs at every point
 * of one of our runs; then both continue as long as either has an event. In the end everything
 * must have arrived.
 */
#include <stdlib.h>
#include <string.h>

#include "../interleave.h"
#undef fail /* the source defines its own */
#include "../../../services/vmm/backend/xs_ring.c"
#undef __atomic_load_n
#undef __atomic_store_n
#undef __atomic_thread_fence

enum { BODY = 39, HERE = 24 };

struct xen_domain xen_dom;
static struct xenstore_domain_interface page;
static bool event_here, event_there; /* for us, for the guest */
static uint32_t messages, read_bytes;

void *edge_gmem(uint64_t gpa, uint64_t len)
{
	(void)gpa;
	assert_int_equal(len, SK_PAGE_SIZE);
	return &page;
}

void vm_log(const char *fmt, ...) { assert_null(fmt); }

int evtchn_backend_bind(
	unsigned int port, void (*fn)(void *ctx), void *ctx, unsigned int *local)
{
	(void)port, (void)fn, (void)ctx;
	*local = 1;
	return 0;
}

void evtchn_backend_wake(unsigned int local)
{
	assert_int_equal(local, 1);
	event_here = true;
}

void evtchn_backend_notify(unsigned int local)
{
	assert_int_equal(local, 1);
	event_there = true;
}

int xs_link_guest_request(const struct xsd_sockmsg *m)
{
	assert_int_equal(m->len, BODY);
	messages++;
	return 0;
}

void xs_link_guest_reset(void) { assert_true(false); }

void xs_link_run(void) { xs_ring_run(); }

/* ---- the guest --------------------------------------------------------------------------- */

static uint32_t own_prod, own_cons; /* in the page after guest_drain() */

static void guest_drain(void)
{
	page.req_prod = own_prod;
	page.rsp_cons = own_cons;
}

static void guest_writes(const void *bytes, uint32_t len)
{
	uint32_t before = own_prod;

	for (uint32_t i = 0; i < len; i++)
		page.req[MASK_XENSTORE_IDX(before + i)] = ((const char *)bytes)[i];
	own_prod += len;
	if (before <= page.req_cons)
		event_here = true;
}

static void guest_writes_head(void)
{
	struct xsd_sockmsg head = { .type = XS_DIRECTORY, .len = BODY };

	guest_writes(&head, sizeof(head));
}

static void guest_writes_body(void)
{
	static const char body[BODY];

	guest_writes(body, sizeof(body));
}

static void guest_reads(void)
{
	uint32_t before = own_cons;

	read_bytes += page.rsp_prod - before;
	own_cons = page.rsp_prod;
	if (page.rsp_prod - before >= XENSTORE_RING_SIZE)
		event_here = true;
}

/* ---- orders ------------------------------------------------------------------------------ */

/* One run of our side, after which both store buffers drain. */
static void run(void)
{
	event_here = false;
	xs_ring_run();
	drain();
	guest_drain();
}

static void start(void)
{
	other = NULL;
	inside = false;
	n_pending = 0;
	memset(&page, 0, sizeof(page));
	req_cons = rsp_prod = in_len = out_len = 0;
	own_prod = own_cons = 0;
	messages = read_bytes = 0;
	assert_int_equal(xs_ring_init(), 0);
}

/*
 * Run the guest's step at access number `at` of one of our runs, or after it; then both sides,
 * until neither has an event.
 */
static bool meet(void (*guest)(void), int at)
{
	bool met;

	step = 0;
	step_at = at;
	event_there = false;
	other = guest;
	run();
	other = NULL;
	met = step > at;
	if (!met)
		guest();
	guest_drain();
	while (event_here || event_there) {
		if (event_here)
			run();
		event_there = false;
		guest_reads();
		guest_drain();
	}
	return met;
}

static void body_behind_its_head(void **state)
{
	int at = 0;
	bool met;

	(void)state;
	do {
		start();
		guest_writes_head();
		guest_drain();
		met = meet(guest_writes_body, at++);
		assert_int_equal(messages, 1);
	} while (met);
	assert_true(at > 3);
}

static void replies_longer_than_the_page(void **state)
{
	static const char reply[3 * XENSTORE_RING_SIZE];
	int at = 0;
	bool met;

	(void)state;
	do {
		start();
		xs_ring_message(reply,
			HERE); /* so that the guest's first read does not fill the page */
		run();
		xs_ring_message(reply, sizeof(reply));
		met = meet(guest_reads, at++);
		assert_int_equal(read_bytes, HERE + sizeof(reply));
	} while (met);
	assert_true(at > 3);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(body_behind_its_head),
		cmocka_unit_test(replies_longer_than_the_page),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
