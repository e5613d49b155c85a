/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_op_test.c - the balloon, special pages, and questions about memory
 */
#include "call.h"
#include "case.h"

#include <xen/memory.h>
#include <xen/version.h>

static int64_t reserve(uint32_t cmd, uint64_t n, unsigned int order, uint64_t gfn0)
{
	struct xen_memory_reservation r = {
		.nr_extents = n, .extent_order = order, .domid = DOMID_SELF
	};
	uint64_t i, *list = at(ARG2);

	for (i = 0; i < n && i < 700; i++)
		list[i] = gfn0 + (i << order);
	set_xen_guest_handle(r.extent_start, (xen_pfn_t *)ARG2);
	return struct_call(__HYPERVISOR_memory_op, cmd, &r, sizeof(r));
}

CASE(balloon_counts)
{
	max_pages = RAM_PAGES - 100;
	fake_guest();
	memset(present + 900, 0, 124);
	CHECK_EQ(edge_mem_pages(), 900);
	CHECK_EQ(reserve(XENMEM_populate_physmap, 24, 0, 900), 24); /* up to maxmem */
	CHECK_EQ(reserve(XENMEM_populate_physmap, 1, 0, 1000), 0);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 10, 0, 900), 10);
	CHECK(!present[900] && present[910]);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 1, 0, 900), 0); /* a hole already */
	/* stops at pages that are there */
	CHECK_EQ(reserve(XENMEM_populate_physmap, 20, 0, 900), 10);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 490, 0, 400), 490); /* in batches */
	CHECK_EQ(edge_mem_pages(), 434);
	memset(present + 512, 0, 512);
	CHECK_EQ(reserve(XENMEM_populate_physmap, 1, 9, 512), 1);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 1, 1, 201), 0); /* not aligned */
	CHECK_EQ(reserve(XENMEM_increase_reservation, 1, 0, 0), 0);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, UINT64_MAX / 4, 0, 0), 0);
	memset(present, 1, sizeof(present));
	xen_dom.p.store_pfn = xen_dom.p.console_pfn = UINT64_MAX;
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 1, 10, 0), 0); /* too large at once */
}

/* What the guest has above a new limit stays, and comes back no more. */
CASE(another_limit)
{
	max_pages = RAM_PAGES;
	fake_guest();
	xen_maxmem_set(1000);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 24, 0, 600), 24);
	CHECK_EQ(edge_mem_pages(), 1000);
	CHECK_EQ(reserve(XENMEM_populate_physmap, 1, 0, 600), 0);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 2, 0, 624), 2);
	CHECK_EQ(reserve(XENMEM_populate_physmap, 24, 0, 600), 2);
	xen_maxmem_set(RAM_PAGES);
	CHECK_EQ(reserve(XENMEM_populate_physmap, 22, 0, 602), 22);
}

/* Execute the instruction once. True: it has to be executed again. */
static bool step(void)
{
	fake_state[0].rip = 3;
	xen_hypercall(0);
	return fake_state[0].rip == 0;
}

static bool populate_step(bool first)
{
	struct sk_vcpu_state *st = &fake_state[0];

	if (first) {
		st->gpr[SK_RAX] = __HYPERVISOR_memory_op;
		st->gpr[SK_RDI] = XENMEM_populate_physmap;
		st->gpr[SK_RSI] = ARG;
	}
	return step();
}

static void populate_list(uint64_t n, unsigned int order, uint64_t gfn0)
{
	struct xen_memory_reservation r = {
		.nr_extents = n, .extent_order = order, .domid = DOMID_SELF
	};
	uint64_t i, *list = at(ARG2);

	for (i = 0; i < n; i++)
		list[i] = gfn0 + (i << order);
	set_xen_guest_handle(r.extent_start, (xen_pfn_t *)ARG2);
	memcpy(at(ARG), &r, sizeof(r));
}

CASE(populate_waits_for_memory)
{
	fake_guest();
	memset(present + 900, 0, 124);
	fake_homes = 905;
	populate_list(10, 0, 900);
	CHECK(populate_step(true));
	CHECK(present[904] && !present[905] && !xen_vcpu_runnable(0));
	CHECK_EQ(fake_asks, 1);
	CHECK_EQ(fake_asked_pages, 5);
	CHECK_EQ(fake_state[0].gpr[SK_RDI], XENMEM_populate_physmap | 5 << 6);
	CHECK_EQ(xen_next_deadline(0), SK_NO_DEADLINE);
	/*
	 * an interrupt or a pause ends the wait; the guest comes back, and waits for the same
	 * answer
	 */
	xen_vcpu_look_again(0);
	CHECK(xen_vcpu_runnable(0));
	CHECK(populate_step(false) && !xen_vcpu_runnable(0));
	CHECK_EQ(fake_asks, 1);
	/* another vCPU took the memory that was given */
	xen_vcpu_wake(0);
	fake_answer = RAM_GIVEN;
	CHECK(populate_step(false) && !xen_vcpu_runnable(0));
	CHECK_EQ(fake_asks, 2);
	xen_vcpu_wake(0);
	fake_homes = 910;
	CHECK(!populate_step(false) && xen_vcpu_runnable(0));
	CHECK_EQ(fake_state[0].gpr[SK_RAX], 10);
	CHECK_EQ(edge_mem_pages(), 910);
}

CASE(populate_does_what_it_can)
{
	fake_guest();
	memset(present + 512, 0, 512);
	fake_homes = 512;
	populate_list(1, 9, 512);
	CHECK(populate_step(true));
	CHECK_EQ(fake_asked_pages, 512);
	fake_answer = RAM_REFUSED;
	xen_vcpu_wake(0);
	CHECK(!populate_step(false));
	CHECK_EQ(fake_state[0].gpr[SK_RAX], 0);
	fake_homes = 515;
	populate_list(10, 0, 512);
	CHECK(populate_step(true)); /* it makes a request of its own */
	CHECK_EQ(fake_asks, 2);
	xen_vcpu_wake(0);
	CHECK(!populate_step(false));
	CHECK_EQ(fake_state[0].gpr[SK_RAX], 3);
	CHECK_EQ(edge_mem_pages(), 515);
	/*
	 * the answer for one place does not hold for another place, nor for the same place
	 * later
	 */
	populate_list(1, 0, 600);
	fake_answer = RAM_ASKED;
	CHECK(populate_step(true));
	CHECK_EQ(fake_asks, 3);
	xen_vcpu_wake(0);
	fake_answer = RAM_REFUSED;
	populate_list(1, 0, 700);
	CHECK(populate_step(true));
	CHECK_EQ(fake_asks, 4);
	xen_vcpu_wake(0);
	CHECK(!populate_step(false));
	CHECK(populate_step(true));
	CHECK_EQ(fake_asks, 5);
	xen_vcpu_wake(0);
	CHECK(!populate_step(false));
	/* above maxmem, control is not asked */
	xen_dom.p.max_pages = 515;
	CHECK_EQ(reserve(XENMEM_populate_physmap, 1, 0, 600), 0);
	CHECK_EQ(fake_asks, 5);
	/* an absurd count asks only for what a guest can have */
	xen_dom.p.max_pages = 1024;
	populate_list(1, 3, 600);
	((struct xen_memory_reservation *)at(ARG))->nr_extents = 1ull << 54;
	CHECK(populate_step(true));
	CHECK_EQ(fake_asked_pages, 1024);
}

/* Prepare a multicall of n entries at ARG3, to be run by step(). */
enum { ARG3 = 400 * SK_PAGE_SIZE };
static void multicall_begin(const struct multicall_entry *e, unsigned int n)
{
	struct sk_vcpu_state *st = &fake_state[0];

	memcpy(at(ARG3), e, n * sizeof(*e));
	st->gpr[SK_RAX] = __HYPERVISOR_multicall;
	st->gpr[SK_RDI] = ARG3;
	st->gpr[SK_RSI] = n;
}

static int64_t multicall_result(unsigned int i)
{
	return (int64_t)((struct multicall_entry *)at(ARG3))[i].result;
}

/*
 * A call in a multicall waits as it does alone, and continues where it was, which the guest's
 * list records.
 */
CASE(populate_waits_in_a_multicall)
{
	const struct multicall_entry e[] = {
		{ .op = __HYPERVISOR_xen_version, .args = { XENVER_version } },
		{ .op = __HYPERVISOR_memory_op, .args = { XENMEM_populate_physmap, ARG } },
		{ .op = __HYPERVISOR_xen_version, .args = { XENVER_pagesize } },
	};

	fake_guest();
	memset(present + 900, 0, 124);
	fake_homes = 905;
	populate_list(10, 0, 900);
	multicall_begin(e, 3);
	CHECK(step());
	CHECK_EQ(fake_asks, 1);
	CHECK(!xen_vcpu_runnable(0));
	CHECK_EQ(multicall_result(0), 4 << 16 | 17);
	xen_vcpu_wake(0);
	fake_answer = RAM_GIVEN;
	fake_homes = 910;
	CHECK(!step());
	CHECK_EQ(fake_state[0].gpr[SK_RAX], 0);
	CHECK_EQ(multicall_result(1), 10);
	CHECK_EQ(multicall_result(2), 4096);
	CHECK_EQ(edge_mem_pages(), 910);
}

/*
 * However long the lists of the calls are, one execution ends soon, and the next one continues.
 */
CASE(nested_calls_share_one_budget)
{
	struct multicall_entry e[3] = {
		{ .op = __HYPERVISOR_memory_op, .args = { XENMEM_decrease_reservation, ARG } },
		{ .op = __HYPERVISOR_memory_op, .args = { XENMEM_populate_physmap, ARG } },
		{ .op = __HYPERVISOR_grant_table_op, .args = { GNTTABOP_copy, ARG2, 1000 } },
	};
	uint64_t before;
	unsigned int steps, i;

	fake_guest();
	xen_dom.p.store_pfn = xen_dom.p.console_pfn = UINT64_MAX;
	populate_list(700, 0, 0);
	for (i = 0; i < 700; i++) /* keep the frames that contain the lists */
		((uint64_t *)at(ARG2))[i] = i < 290 ? i : i + 200;
	multicall_begin(e, 3);
	for (steps = 1; before = edge_mem_pages(), step(); steps++)
		CHECK(before - edge_mem_pages() + 256 <= 512);
	CHECK_EQ(multicall_result(0), 700);
	CHECK_EQ(multicall_result(1), 700);
	CHECK_EQ(multicall_result(2), 0);
	CHECK(steps >= 2400 / HCALL_BATCH);
	CHECK_EQ(edge_mem_pages(), RAM_PAGES);
}

/* An extent costs as many units as it has pages. */
CASE(large_extents_are_done_one_by_one)
{
	fake_guest();
	xen_dom.p.max_pages = 4096;
	memset(present + 512, 0, 512);
	populate_list(2, 8, 512);
	CHECK(populate_step(true));
	CHECK_EQ(edge_mem_pages(), 768);
	CHECK(!populate_step(false));
	CHECK_EQ(edge_mem_pages(), 1024);
}

/*
 * The rest of a call is written into the guest's list; if that is not possible, the multicall
 * fails.
 */
CASE(multicall_list_that_goes_away)
{
	struct multicall_entry e = { .op = __HYPERVISOR_memory_op,
		.args = { XENMEM_decrease_reservation, ARG } };
	uint64_t *list = at(ARG2);

	fake_guest();
	populate_list(300, 0, 500);
	list[0] = ARG3 / SK_PAGE_SIZE;
	multicall_begin(&e, 1);
	CHECK(!step());
	CHECK_EQ(fake_state[0].gpr[SK_RAX], -XEN_EFAULT);
}

CASE(balloon_populate_is_all_or_nothing)
{
	max_pages = 2 * RAM_PAGES;
	fake_guest();
	present[512] = present[513] = 0; /* 514 is there */
	CHECK_EQ(reserve(XENMEM_populate_physmap, 1, 2, 512), 0);
	CHECK(!present[512] && !present[513]);
}

CASE(balloon_keeps_special_pages)
{
	fake_guest();
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 1, 0, 2), 0); /* xenstore */
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 1, 0, 3), 0); /* console */
	xen_dom.shared_gfn = 40;
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 1, 0, 40), 0);
	xen_dom.grant_gfn[0] = 41;
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 1, 0, 41), 0);
	CHECK_EQ(reserve(XENMEM_decrease_reservation, 1, 0, 42), 1);
}

CASE(memory_other_domains)
{
	struct xen_memory_reservation r = { .nr_extents = 1, .domid = 0 };

	fake_guest();
	CHECK_EQ(
		struct_call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r, sizeof(r)),
		-XEN_EPERM);
	r.domid = 5;
	CHECK_EQ(
		struct_call(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r, sizeof(r)),
		-XEN_ESRCH);
}

static int64_t add(uint32_t space, uint64_t idx, uint64_t gfn)
{
	struct xen_add_to_physmap a = {
		.domid = DOMID_SELF, .space = space, .idx = idx, .gpfn = gfn
	};

	return struct_call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &a, sizeof(a));
}

CASE(special_pages_are_placed)
{
	fake_guest();
	CHECK_EQ(add(XENMAPSPACE_shared_info, 0, 100), 0);
	CHECK_EQ(xen_dom.shared_page.gpa, 100 * SK_PAGE_SIZE);
	CHECK_EQ(add(XENMAPSPACE_shared_info, 1, 100), -XEN_EINVAL);
	CHECK_EQ(add(XENMAPSPACE_shared_info, 0, 1ull << 40), -XEN_EINVAL);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 31, 5000), 0);
	CHECK_EQ(xen_dom.n_grant_frames, 32);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 32, 5001), -XEN_EINVAL);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 0x80000000, 5001), -XEN_EINVAL);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 1ull << 32, 5001), -XEN_EINVAL);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 0, 100), 0); /* replaces shared_info */
	CHECK_EQ(xen_dom.shared_gfn, UINT64_MAX);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 0, 2),
		-XEN_EINVAL); /* not over the xenstore page */
	CHECK_EQ(add(XENMAPSPACE_gmfn_foreign, 0, 100), -XEN_EPERM);
	CHECK_EQ(add(XENMAPSPACE_gmfn, 200, 201), 0);
	CHECK_EQ(add(XENMAPSPACE_gmfn, 100, 201), -XEN_EINVAL); /* a page of the VMM */
	CHECK_EQ(add(77, 0, 100), -XEN_ENOSYS);
}

CASE(physmap_batch_and_remove)
{
	struct xen_add_to_physmap_batch b = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_grant_table, .size = 3
	};
	struct xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = 250 };
	uint64_t *idx = at(ARG2), *gfn = at(ARG2 + 256);
	int *err = at(ARG2 + 512);

	fake_guest();
	memcpy(idx, (uint64_t[]){ 0, 1, 99 }, 24);
	memcpy(gfn, (uint64_t[]){ 250, 251, 252 }, 24);
	set_xen_guest_handle(b.idxs, (xen_ulong_t *)ARG2);
	set_xen_guest_handle(b.gpfns, (xen_pfn_t *)(ARG2 + 256));
	set_xen_guest_handle(b.errs, (int *)(ARG2 + 512));
	CHECK_EQ(
		struct_call(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &b, sizeof(b)),
		0);
	CHECK_EQ(err[0], 0);
	CHECK_EQ(err[2], -XEN_EINVAL);
	CHECK_EQ(xen_dom.grant_gfn[1], 251);
	CHECK_EQ(struct_call(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &r, sizeof(r)),
		0);
	CHECK_EQ(xen_dom.grant_gfn[0], UINT64_MAX);
	CHECK_EQ(struct_call(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &r, sizeof(r)),
		-XEN_ENOENT);
	r.gpfn = 3;
	CHECK_EQ(struct_call(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &r, sizeof(r)),
		-XEN_EINVAL);
}

CASE(memory_questions)
{
	struct xen_memory_map m = { .nr_entries = 1 };
	domid_t d = DOMID_SELF;

	fake_guest();
	set_xen_guest_handle(m.buffer, (void *)ARG2);
	CHECK_EQ(struct_call(__HYPERVISOR_memory_op, XENMEM_memory_map, &m, sizeof(m)), 0);
	CHECK_EQ(m.nr_entries, 1);
	CHECK_EQ(*(uint64_t *)at(ARG2 + 8), RAM_PAGES * SK_PAGE_SIZE);
	CHECK_EQ(struct_call(__HYPERVISOR_memory_op, XENMEM_current_reservation, &d, sizeof(d)),
		RAM_PAGES);
	CHECK_EQ(struct_call(__HYPERVISOR_memory_op, XENMEM_maximum_reservation, &d, sizeof(d)),
		max_pages);
	CHECK_EQ(H(memory_op, XENMEM_machphys_mapping, ARG, 0), -XEN_ENOSYS);
	CHECK_EQ(H(memory_op, XENMEM_machine_memory_map, ARG, 0), -XEN_ENOSYS);
	CHECK_EQ(H(memory_op, XENMEM_exchange, ARG, 0), -XEN_ENOSYS);
	CHECK_EQ(H(memory_op, XENMEM_acquire_resource, ARG, 0), -XEN_EPERM);
	CHECK_EQ(H(memory_op, XENMEM_memory_map | 1 << 6, ARG, 0), -XEN_ENOSYS);
}

int memory_op_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(balloon_counts),
		cmocka_unit_test(another_limit),
		cmocka_unit_test(balloon_populate_is_all_or_nothing),
		cmocka_unit_test(populate_waits_for_memory),
		cmocka_unit_test(populate_does_what_it_can),
		cmocka_unit_test(populate_waits_in_a_multicall),
		cmocka_unit_test(nested_calls_share_one_budget),
		cmocka_unit_test(large_extents_are_done_one_by_one),
		cmocka_unit_test(multicall_list_that_goes_away),
		cmocka_unit_test(balloon_keeps_special_pages),
		cmocka_unit_test(memory_other_domains),
		cmocka_unit_test(special_pages_are_placed),
		cmocka_unit_test(physmap_batch_and_remove),
		cmocka_unit_test(memory_questions),
	};

	return cmocka_run_group_tests_name("memory_op", tests, NULL, NULL);
}
