/* SPDX-License-Identifier: BSD-2-Clause */
/* gring_test.c - rings in granted pages */
#include "device.h"
#include "case.h"

enum { REQ_PROD = 0, REQ_EVENT = 4, RSP_PROD = 8, RSP_EVENT = 12 };

CASE(gring_checks_the_index)
{
	struct gring r;
	uint32_t ref = RING_PAGE;

	fake_guest();
	grants_make();
	CHECK_EQ(gring_map(&r, &ref, 0, 112), -SK_E_INVAL);
	CHECK_EQ(gring_map(&r, &ref, GRING_PAGES + 1, 112), -SK_E_INVAL);
	CHECK_EQ(gring_map(&r, &(uint32_t){ 400 }, 1, 112), -SK_E_PEER);
	ring_word(RING_PAGE, REQ_PROD, 33);
	CHECK_EQ(gring_map(&r, &ref, 1, 112), -SK_E_PEER);
	ring_word(RING_PAGE, REQ_PROD, 32);
	CHECK_EQ(gring_map(&r, &ref, 1, 112), 0);
	CHECK_EQ(r.n_entries, 32);
	CHECK_EQ(gring_requests(&r), 32);
	r.req_cons = 20; /* 20 taken, none answered: at most 12 more */
	ring_word(RING_PAGE, REQ_PROD, 33);
	CHECK_EQ(gring_requests(&r), -SK_E_PEER);
	ring_word(RING_PAGE, REQ_PROD, 19);
	CHECK_EQ(gring_requests(&r), -SK_E_PEER);
	gring_unmap(&r);
	CHECK_EQ(((struct grant_entry_v1 *)xen_dom.grant_page[0].addr)[RING_PAGE].flags,
		GTF_permit_access);
}

CASE(gring_goes_on_after_wrap)
{
	struct gring r;
	uint32_t ref = RING_PAGE;

	fake_guest();
	grants_make();
	ring_word(RING_PAGE, REQ_PROD, 3);
	ring_word(RING_PAGE, RSP_PROD, 0xfffffffe);
	CHECK_EQ(gring_map(&r, &ref, 1, 112), 0);
	CHECK_EQ(gring_requests(&r), 5);
}

CASE(gring_entries_cross_pages)
{
	struct gring r;
	uint32_t refs[2] = { 20, 30 };
	uint8_t e[108], back[108];
	uint32_t n = (4096 - 64) / 108,
		 split = 4096 - (64 + n * 108); /* bytes of entry n in the first page */

	fake_guest();
	grants_make();
	CHECK_EQ(gring_map(&r, refs, 2, 108), 0);
	CHECK_EQ(r.n_entries, 64);
	memset(e, 0xa5, sizeof(e));
	r.rsp_prod = n;
	gring_put(&r, e, sizeof(e));
	CHECK(memcmp((uint8_t *)at(20 * SK_PAGE_SIZE) + 4096 - split, e, split) == 0);
	CHECK(memcmp(at(30 * SK_PAGE_SIZE), e, 108 - split) == 0);
	CHECK(((uint8_t *)at(21 * SK_PAGE_SIZE))[0] == 0);
	gring_get(&r, n, back, 108);
	CHECK(memcmp(e, back, 108) == 0);
}

CASE(gring_notifies_when_asked)
{
	struct gring r;
	uint32_t ref = RING_PAGE, zero[3] = { 0 };

	fake_guest();
	grants_make();
	CHECK_EQ(gring_map(&r, &ref, 1, 12), 0);
	CHECK(!gring_push(&r)); /* nothing new */
	ring_word(RING_PAGE, RSP_EVENT, 2);
	gring_put(&r, zero, 12);
	CHECK(!gring_push(&r));
	gring_put(&r, zero, 12);
	CHECK(gring_push(&r));
	CHECK_EQ(ring_word_get(RING_PAGE, RSP_PROD), 2);
	gring_put(&r, zero, 12);
	CHECK(!gring_push(&r));
	CHECK(!gring_final_check(&r));
	CHECK_EQ(ring_word_get(RING_PAGE, REQ_EVENT), 1);
	ring_word(RING_PAGE, REQ_PROD, 1);
	CHECK(gring_final_check(&r));
}

int gring_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(gring_checks_the_index),
		cmocka_unit_test(gring_goes_on_after_wrap),
		cmocka_unit_test(gring_entries_cross_pages),
		cmocka_unit_test(gring_notifies_when_asked),
	};

	return cmocka_run_group_tests_name("gring", tests, NULL, NULL);
}
