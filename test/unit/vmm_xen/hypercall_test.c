/*
 * hypercall_test.c - dispatch, version, multicall, memory, parameters, scheduling, vCPU operations and time
 */
#include "fake.h"
#include "case.h"

#include <xen/features.h>
#include <xen/memory.h>
#include <xen/sched.h>
#include <xen/version.h>

#define H(name, a, b, c) \
	hypercall(__HYPERVISOR_##name, (uint64_t)(a), (uint64_t)(b), (uint64_t)(c))

static int64_t op(uint32_t nr, uint64_t cmd, void *arg, size_t size)
{
	int64_t rc;

	memcpy(at(ARG), arg, size);
	rc = hypercall(nr, cmd, ARG, 1);
	memcpy(arg, at(ARG), size);
	return rc;
}

CASE(dispatch_refuses)
{
	fake_guest();
	CHECK_EQ(hypercall(63, 0, 0, 0), -XEN_ENOSYS);
	CHECK_EQ(hypercall(64, 0, 0, 0), -XEN_ENOSYS);
	CHECK_EQ(hypercall(0xffffffff, 0, 0, 0), -XEN_ENOSYS);
	CHECK_EQ(H(physdev_op, 0, 0, 0), -XEN_ENOSYS);
	CHECK_EQ(H(mmu_update, 0, 0, 0), -XEN_ENOSYS);
	CHECK_EQ(H(xsm_op, 0, 0, 0), -XEN_ENOSYS);
	CHECK_EQ(H(domctl, 0, 0, 0), -XEN_EPERM);
	CHECK_EQ(H(sysctl, 0, 0, 0), -XEN_EPERM);
	CHECK_EQ(H(platform_op, 0, 0, 0), -XEN_EPERM);
	fake_state[0].cpl = 3;
	CHECK_EQ(H(xen_version, XENVER_version, 0, 0), -XEN_EPERM);
}

CASE(dispatch_32bit)
{
	struct sk_vcpu_state *st = &fake_state[0];

	fake_guest();
	st->seg[SK_CS].attr = 1u << 10; /* D */
	st->gpr[SK_RAX] = 0xdead00000000ull | __HYPERVISOR_xen_version;
	st->gpr[SK_RBX] = 0xdead00000000ull | XENVER_version;
	xen_hypercall(0);
	CHECK_EQ(st->gpr[SK_RAX], 4 << 16 | 17);
	st->gpr[SK_RAX] = __HYPERVISOR_sched_op;
	st->gpr[SK_RBX] = SCHEDOP_remote_shutdown;
	xen_hypercall(0);
	CHECK_EQ(st->gpr[SK_RAX], (uint32_t)-XEN_EPERM);
}

/* What is missing is told apart by call, operation and width of the caller; what works says nothing. */
CASE(missing_calls_are_noted)
{
	struct sk_vcpu_state *st = &fake_state[0];
	uint64_t first;

	fake_guest();
	CHECK_EQ(H(xen_version, XENVER_version, 0, 0), 4 << 16 | 17);
	CHECK_EQ(H(event_channel_op, EVTCHNOP_send, ARG, 0), -XEN_EINVAL);
	CHECK_EQ(notes, 0);
	CHECK_EQ(H(physdev_op, 5, 0, 0), -XEN_ENOSYS);
	CHECK_EQ(notes, 1);
	CHECK_EQ(H(physdev_op, 6, 0, 0), -XEN_ENOSYS); /* its operations mean nothing here */
	CHECK_EQ(notes, 1);
	CHECK_EQ(H(hvm_op, HVMOP_pagetable_dying, ARG, 0), -XEN_EINVAL); /* every Linux asks */
	CHECK_EQ(H(hvm_op, HVMOP_flush_tlbs, ARG, 0), -XEN_ENOSYS);
	first = last_note;
	CHECK_EQ(H(hvm_op, HVMOP_altp2m, ARG, 0), -XEN_ENOSYS);
	CHECK(last_note != first);
	CHECK_EQ(H(domctl, 1, 0, 0), -XEN_EPERM);
	CHECK_EQ(notes, 4);
	CHECK_EQ(H(memory_op, XENMEM_maximum_ram_page, 0, 0), RAM_PAGES - 1);
	CHECK_EQ(notes, 4);
	first = last_note;
	st->seg[SK_CS].attr = 1u << 10; /* the same call from 32-bit code */
	st->gpr[SK_RAX] = __HYPERVISOR_domctl;
	st->gpr[SK_RBX] = 1;
	xen_hypercall(0);
	CHECK(last_note != first);
	CHECK_EQ(notes, 5);
}

CASE(version_tells)
{
	struct xen_feature_info fi = { 0 };

	fake_guest();
	CHECK_EQ(H(xen_version, XENVER_version, 0, 0), 4 << 16 | 17);
	CHECK_EQ(H(xen_version, XENVER_extraversion, ARG, 0), 0);
	CHECK(strcmp(at(ARG), "-skerry") == 0);
	CHECK_EQ(H(xen_version, XENVER_capabilities, ARG, 0), 0);
	CHECK(strstr(at(ARG), "hvm-3.0-x86_64"));
	CHECK_EQ(op(__HYPERVISOR_xen_version, XENVER_get_features, &fi, sizeof(fi)), 0);
	CHECK(fi.submap & 1u << XENFEAT_hvm_callback_vector);
	CHECK(fi.submap & 1u << XENFEAT_hvm_safe_pvclock);
	CHECK(fi.submap & 1u << XENFEAT_auto_translated_physmap);
	CHECK(!(fi.submap & 1u << XENFEAT_hvm_pirqs));
	CHECK(!(fi.submap & 1u << XENFEAT_memory_op_vnode_supported));
	fi.submap_idx = 1;
	CHECK_EQ(op(__HYPERVISOR_xen_version, XENVER_get_features, &fi, sizeof(fi)),
		-XEN_EINVAL);
	CHECK_EQ(H(xen_version, XENVER_guest_handle, ARG, 0), 0);
	CHECK(((uint8_t *)at(ARG))[15] == 15);
	CHECK_EQ(H(xen_version, XENVER_extraversion, RAM_PAGES * 4096ull, 0), -XEN_EFAULT);
	CHECK_EQ(H(xen_version, 99, 0, 0), -XEN_ENOSYS);
	CHECK_EQ(H(xen_version, XENVER_pagesize, 0, 0), 4096);
}

CASE(multicall_runs_all)
{
	struct multicall_entry *e = at(ARG);
	unsigned int i;

	fake_guest();
	for (i = 0; i < 600; i++)
		e[i] = (struct multicall_entry){ .op = __HYPERVISOR_xen_version,
			.args = { XENVER_version } };
	e[1].op = __HYPERVISOR_multicall;
	e[2].op = 1000;
	CHECK_EQ(H(multicall, ARG, 600, 0), 0); /* continued twice */
	CHECK_EQ(e[0].result, 4 << 16 | 17);
	CHECK_EQ((long)e[1].result, -XEN_EINVAL);
	CHECK_EQ((long)e[2].result, -XEN_ENOSYS);
	CHECK_EQ(e[599].result, 4 << 16 | 17);
	CHECK_EQ(H(multicall, RAM_PAGES * 4096ull - 64, 2, 0), -XEN_EFAULT);
}

CASE(console_write_is_bounded)
{
	fake_guest();
	log_quiet = true;
	memset(at(ARG), 'a', 8192);
	CHECK_EQ(H(console_io, CONSOLEIO_write, 8192, ARG), 0);
	CHECK(logs <= 4096 / 127 + 1);
	logs = 0;
	memcpy(at(ARG), "\033[hi\n", 6);
	CHECK_EQ(H(console_io, CONSOLEIO_write, 6, ARG), 0);
	CHECK_EQ(logs, 1);
	CHECK_EQ(H(console_io, CONSOLEIO_read, 6, ARG), -XEN_EPERM);
	CHECK_EQ(H(console_io, CONSOLEIO_write, 6, 1ull << 40), -XEN_EFAULT);
}

/* ---- memory ----------------------------------------------------------------------- */

static int64_t reserve(uint32_t cmd, uint64_t n, unsigned int order, uint64_t gfn0)
{
	struct xen_memory_reservation r = {
		.nr_extents = n, .extent_order = order, .domid = DOMID_SELF
	};
	uint64_t i, *list = at(ARG2);

	for (i = 0; i < n && i < 700; i++)
		list[i] = gfn0 + (i << order);
	set_xen_guest_handle(r.extent_start, (xen_pfn_t *)ARG2);
	return op(__HYPERVISOR_memory_op, cmd, &r, sizeof(r));
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
	CHECK_EQ(reserve(XENMEM_populate_physmap, 20, 0, 900), 10); /* stops at what is there */
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

/* One execution of the instruction: true when it is to be executed again. */
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
	/* an interrupt or a pause ends the wait; the guest comes back, and waits for the same answer */
	xen_vcpu_look_again(0);
	CHECK(xen_vcpu_runnable(0));
	CHECK(populate_step(false) && !xen_vcpu_runnable(0));
	CHECK_EQ(fake_asks, 1);
	/* another vCPU took what was given */
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
	CHECK(populate_step(true)); /* a question of its own */
	CHECK_EQ(fake_asks, 2);
	xen_vcpu_wake(0);
	CHECK(!populate_step(false));
	CHECK_EQ(fake_state[0].gpr[SK_RAX], 3);
	CHECK_EQ(edge_mem_pages(), 515);
	/* an answer that came for one place is none for another, nor for the same place later */
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
	/* above maxmem nobody is asked */
	xen_dom.p.max_pages = 515;
	CHECK_EQ(reserve(XENMEM_populate_physmap, 1, 0, 600), 0);
	CHECK_EQ(fake_asks, 5);
	/* a count that means nothing asks for what a guest can have */
	xen_dom.p.max_pages = 1024;
	populate_list(1, 3, 600);
	((struct xen_memory_reservation *)at(ARG))->nr_extents = 1ull << 54;
	CHECK(populate_step(true));
	CHECK_EQ(fake_asked_pages, 1024);
}

/* A multicall of n entries that lie at ARG3; then step() by step(). */
enum { ARG3 = 400 * 4096 };
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

/* A call of a multicall waits as it does alone, and goes on where it was: that is in the guest's list. */
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

/* However long the lists of a multicall's calls are, the instruction ends soon, and the next one goes on. */
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
	for (i = 0; i < 700; i++) /* frames of the lists themselves stay */
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

/* What is left of a call is told to the guest's list, or the guest hears that it cannot be. */
CASE(multicall_list_that_goes_away)
{
	struct multicall_entry e = { .op = __HYPERVISOR_memory_op,
		.args = { XENMEM_decrease_reservation, ARG } };
	uint64_t *list = at(ARG2);

	fake_guest();
	populate_list(300, 0, 500);
	list[0] = ARG3 / 4096;
	multicall_begin(&e, 1);
	CHECK(!step());
	CHECK_EQ(fake_state[0].gpr[SK_RAX], -XEN_EFAULT);
}

CASE(yield_gives_the_cpu_away)
{
	fake_guest();
	CHECK_EQ(H(sched_op, SCHEDOP_yield, 0, 0), 0);
	CHECK_EQ(yields, 1);
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
	CHECK_EQ(op(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r, sizeof(r)),
		-XEN_EPERM);
	r.domid = 5;
	CHECK_EQ(op(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &r, sizeof(r)),
		-XEN_ESRCH);
}

static int64_t add(uint32_t space, uint64_t idx, uint64_t gfn)
{
	struct xen_add_to_physmap a = {
		.domid = DOMID_SELF, .space = space, .idx = idx, .gpfn = gfn
	};

	return op(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &a, sizeof(a));
}

CASE(special_pages_are_placed)
{
	fake_guest();
	CHECK_EQ(add(XENMAPSPACE_shared_info, 0, 100), 0);
	CHECK_EQ(xen_dom.shared_page.gpa, 100 * 4096);
	CHECK_EQ(add(XENMAPSPACE_shared_info, 1, 100), -XEN_EINVAL);
	CHECK_EQ(add(XENMAPSPACE_shared_info, 0, 1ull << 40), -XEN_EINVAL);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 31, 5000), 0);
	CHECK_EQ(xen_dom.n_grant_frames, 32);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 32, 5001), -XEN_EINVAL);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 0x80000000, 5001), -XEN_EINVAL);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 1ull << 32, 5001), -XEN_EINVAL);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 0, 100), 0); /* pushes shared_info out */
	CHECK_EQ(xen_dom.shared_gfn, UINT64_MAX);
	CHECK_EQ(add(XENMAPSPACE_grant_table, 0, 2),
		-XEN_EINVAL); /* not over the xenstore page */
	CHECK_EQ(add(XENMAPSPACE_gmfn_foreign, 0, 100), -XEN_EPERM);
	CHECK_EQ(add(XENMAPSPACE_gmfn, 200, 201), 0);
	CHECK_EQ(add(XENMAPSPACE_gmfn, 100, 201), -XEN_EINVAL); /* ours */
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
	CHECK_EQ(op(__HYPERVISOR_memory_op, XENMEM_add_to_physmap_batch, &b, sizeof(b)), 0);
	CHECK_EQ(err[0], 0);
	CHECK_EQ(err[2], -XEN_EINVAL);
	CHECK_EQ(xen_dom.grant_gfn[1], 251);
	CHECK_EQ(op(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &r, sizeof(r)), 0);
	CHECK_EQ(xen_dom.grant_gfn[0], UINT64_MAX);
	CHECK_EQ(op(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &r, sizeof(r)),
		-XEN_ENOENT);
	r.gpfn = 3;
	CHECK_EQ(op(__HYPERVISOR_memory_op, XENMEM_remove_from_physmap, &r, sizeof(r)),
		-XEN_EINVAL);
}

CASE(memory_questions)
{
	struct xen_memory_map m = { .nr_entries = 1 };
	domid_t d = DOMID_SELF;

	fake_guest();
	set_xen_guest_handle(m.buffer, (void *)ARG2);
	CHECK_EQ(op(__HYPERVISOR_memory_op, XENMEM_memory_map, &m, sizeof(m)), 0);
	CHECK_EQ(m.nr_entries, 1);
	CHECK_EQ(*(uint64_t *)at(ARG2 + 8), RAM_PAGES * 4096);
	CHECK_EQ(op(__HYPERVISOR_memory_op, XENMEM_current_reservation, &d, sizeof(d)),
		RAM_PAGES);
	CHECK_EQ(op(__HYPERVISOR_memory_op, XENMEM_maximum_reservation, &d, sizeof(d)),
		max_pages);
	CHECK_EQ(H(memory_op, XENMEM_machphys_mapping, ARG, 0), -XEN_ENOSYS);
	CHECK_EQ(H(memory_op, XENMEM_machine_memory_map, ARG, 0), -XEN_ENOSYS);
	CHECK_EQ(H(memory_op, XENMEM_exchange, ARG, 0), -XEN_ENOSYS);
	CHECK_EQ(H(memory_op, XENMEM_acquire_resource, ARG, 0), -XEN_EPERM);
	CHECK_EQ(H(memory_op, XENMEM_memory_map | 1 << 6, ARG, 0), -XEN_ENOSYS);
}

/* ---- hvm_op ----------------------------------------------------------------------- */

static int64_t param(uint32_t cmd, uint32_t index, uint64_t *value)
{
	struct xen_hvm_param a = { .domid = DOMID_SELF, .index = index, .value = *value };
	int64_t rc = op(__HYPERVISOR_hvm_op, cmd, &a, sizeof(a));

	*value = a.value;
	return rc;
}

CASE(hvm_params)
{
	uint64_t v = 0;

	fake_guest();
	CHECK_EQ(param(HVMOP_get_param, HVM_PARAM_STORE_PFN, &v), 0);
	CHECK_EQ(v, 2);
	CHECK_EQ(param(HVMOP_get_param, HVM_PARAM_STORE_EVTCHN, &v), 0);
	CHECK_EQ(v, 1);
	CHECK_EQ(param(HVMOP_get_param, HVM_PARAM_CONSOLE_EVTCHN, &v), 0);
	CHECK_EQ(v, 2);
	CHECK_EQ(param(HVMOP_set_param, HVM_PARAM_STORE_PFN, &v), -XEN_EPERM);
	CHECK_EQ(param(HVMOP_get_param, HVM_PARAM_IOREQ_PFN, &v), -XEN_EPERM);
	CHECK_EQ(param(HVMOP_get_param, HVM_NR_PARAMS, &v), -XEN_EINVAL);
	CHECK_EQ(param(HVMOP_set_param, 0xffffffff, &v), -XEN_EINVAL);
	v = 2ull << 56 | 0xf;
	CHECK_EQ(param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v), -XEN_EINVAL);
	v = 2ull << 56 | 0xf3;
	CHECK_EQ(param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v), 0);
	CHECK_EQ(xen_upcall_vector(0), -1); /* nothing pending */
	upcall_mark(0);
	CHECK_EQ(xen_upcall_vector(0), 0xf3);
	v = 0; /* none any more: nothing to remark */
	CHECK_EQ(param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v), 0);
	CHECK_EQ(notes, 2); /* of what was denied above */
	v = 1ull << 56 | 3;
	CHECK_EQ(param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v), 0);
	CHECK_EQ(notes, 3);
}

CASE(hvm_upcall_vector)
{
	struct xen_hvm_evtchn_upcall_vector a = { .vcpu = 1, .vector = 0x40 };

	fake_guest();
	CHECK_EQ(op(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &a, sizeof(a)), 0);
	upcall_mark(1);
	CHECK_EQ(posts[1], 1);
	CHECK_EQ(last_post, 0x40);
	CHECK_EQ(xen_upcall_vector(1), -1); /* through the APIC only */
	a.vector = 0xf;
	CHECK_EQ(op(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &a, sizeof(a)),
		-XEN_EINVAL);
	a = (struct xen_hvm_evtchn_upcall_vector){ .vcpu = FAKE_VCPUS, .vector = 0x40 };
	CHECK_EQ(op(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &a, sizeof(a)),
		-XEN_ENOENT);
}

static void vector_set(unsigned int cpu, uint8_t vector)
{
	struct xen_hvm_evtchn_upcall_vector a = { .vcpu = cpu, .vector = vector };

	CHECK_EQ(op(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &a, sizeof(a)), 0);
}

/* A vCPU whose local APIC is disabled misses the interrupt, not the upcall: it comes when the APIC is enabled. */
CASE(upcall_waits_for_the_apic)
{
	fake_guest();
	fake_apic_off[0] = true;
	vector_set(0, 0x40);
	upcall_mark(0);
	CHECK_EQ(posts[0], 0);
	fake_apic_off[0] = false;
	xen_apic_enabled(0);
	CHECK_EQ(posts[0], 1);
	CHECK_EQ(last_post, 0x40);
	xen_dom.vcpu[0].info->evtchn_upcall_pending = 0;
	xen_apic_enabled(0);
	CHECK_EQ(posts[0], 1); /* nothing waits */
	upcall_mark(1);
	xen_apic_enabled(1);
	CHECK_EQ(posts[1], 0); /* no vector: the callback is not the APIC's */
}

/* The vector comes after the event, for another vCPU, whose APIC is enabled last of all. */
CASE(upcall_vector_after_the_event)
{
	fake_guest();
	fake_apic_off[1] = true;
	upcall_mark(1);
	vector_set(1, 0x41);
	CHECK_EQ(posts[1], 0);
	fake_apic_off[1] = false;
	xen_apic_enabled(1);
	CHECK_EQ(posts[1], 1);
	CHECK_EQ(last_post, 0x41);
	vector_set(1, 0x42);
	CHECK_EQ(last_post, 0x42);
}

/* A vCPU that comes up has interrupts off: it gets what came before once, as when it becomes due. */
CASE(upcall_waits_for_the_vcpu)
{
	uint64_t v = 2ull << 56 | 0xf3;

	fake_guest();
	param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v);
	fake_state[1].rflags = 0;
	xen_vcpu_online(1, true);
	upcall_mark(1);
	CHECK_EQ(xen_upcall_vector(1), 0xf3);
	xen_vcpu_online(1, false); /* went down before it took it */
	xen_vcpu_online(1, true);
	CHECK_EQ(xen_upcall_vector(1), 0xf3);
	CHECK_EQ(xen_upcall_vector(1), -1);
}

/* With interrupts off the upcall is given once each time that it became due; a vector in flight is not repeated. */
CASE(upcall_is_not_repeated)
{
	uint64_t v = 2ull << 56 | 0xf3;

	fake_guest();
	param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v);
	fake_state[0].rflags = 0;
	upcall_mark(0);
	CHECK_EQ(xen_upcall_vector(0), 0xf3);
	CHECK_EQ(xen_upcall_vector(0), -1);
	fake_state[0].rflags = 1u << 9;
	CHECK_EQ(xen_upcall_vector(0), 0xf3); /* a level */
	fake_state[0].irq_pending = 0x1f3;
	CHECK_EQ(xen_upcall_vector(0), -1);
}

/* ---- sched_op --------------------------------------------------------------------- */

CASE(shutdown_once)
{
	uint32_t reason = SHUTDOWN_MAX + 1;

	fake_guest();
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &reason, 4), -XEN_EINVAL);
	CHECK_EQ(shutdown_reason, -1);
	reason = SHUTDOWN_reboot;
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &reason, 4), 0);
	CHECK_EQ(shutdown_reason, SHUTDOWN_reboot);
	reason = SHUTDOWN_crash;
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &reason, 4), 0);
	CHECK_EQ(shutdown_reason, SHUTDOWN_reboot);
	CHECK_EQ(H(sched_op, SCHEDOP_remote_shutdown, ARG, 0), -XEN_EPERM);
}

CASE(block_and_poll)
{
	struct sched_poll p = { .nr_ports = 1 };
	uint32_t *port = at(ARG2);

	fake_guest();
	CHECK_EQ(H(sched_op, SCHEDOP_block, 0, 0), 0);
	CHECK(!xen_vcpu_runnable(0));
	CHECK(xen_next_deadline(0) == SK_NO_DEADLINE);
	xen_vcpu_wake(0);
	CHECK(xen_vcpu_runnable(0));
	upcall_mark(0);
	CHECK_EQ(H(sched_op, SCHEDOP_block, 0, 0), 0);
	CHECK(xen_vcpu_runnable(0)); /* something was there */
	xen_dom.vcpu[0].info->evtchn_upcall_pending = 0;

	*port = 5;
	set_xen_guest_handle(p.ports, (evtchn_port_t *)ARG2);
	p.timeout = 1000000;
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), 0);
	CHECK(!xen_vcpu_runnable(0));
	CHECK_EQ(xen_next_deadline(0), time_tsc(1000000));
	xen_vcpu_wake(0);
	xen_dom.shared->evtchn_pending[0] = 1 << 5;
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), 0);
	CHECK(xen_vcpu_runnable(0));
	*port = EVTCHN_PORTS;
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), -XEN_EINVAL);
	CHECK(xen_vcpu_runnable(0));
	*port = 7;
	xen_dom.shared->evtchn_pending[0] = 0;
	p.nr_ports = 129;
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), -XEN_EINVAL);
	p.nr_ports = 0;
	p.timeout = 0;
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), 0);
	CHECK(!xen_vcpu_runnable(0));
}

/* A timer that fires between the wait's beginning and the thread's sleep ends the wait: nobody else would. */
CASE(own_timer_ends_the_wait)
{
	struct evtchn_bind_virq v = { .virq = VIRQ_TIMER, .vcpu = 0 };
	struct sched_poll p = { .nr_ports = 1 };

	fake_guest();
	CHECK_EQ(op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &v, sizeof(v)), 0);
	CHECK_EQ(H(set_timer_op, 1000, 0, 0), 0);
	CHECK_EQ(H(sched_op, SCHEDOP_block, 0, 0), 0);
	CHECK(!xen_vcpu_runnable(0));
	fake_tsc = time_tsc(1000);
	xen_vcpu_prepare(0);
	CHECK(xen_vcpu_runnable(0));
	CHECK(evtchn_pending(v.port));

	xen_dom.shared->evtchn_pending[0] =
		0; /* the same for a poll on a masked port: no upcall */
	xen_dom.vcpu[0].info->evtchn_upcall_pending = 0;
	xen_dom.vcpu[0].info->evtchn_pending_sel = 0;
	xen_dom.shared->evtchn_mask[0] = ~0ul;
	*(uint32_t *)at(ARG2) = v.port;
	set_xen_guest_handle(p.ports, (evtchn_port_t *)ARG2);
	CHECK_EQ(H(set_timer_op, 2000, 0, 0), 0);
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), 0);
	CHECK(!xen_vcpu_runnable(0));
	fake_tsc = time_tsc(2000);
	xen_vcpu_prepare(0);
	CHECK(xen_vcpu_runnable(0));
	CHECK(!upcall_pending(0));
}

/* A masked port that is polled on wakes the vCPU though no upcall is due. */
CASE(poll_wakes_on_masked_port)
{
	struct sched_poll p = { .nr_ports = 1 };
	uint32_t port;
	unsigned int backend;

	fake_guest();
	port = guest_port();
	CHECK_EQ(evtchn_backend_bind(port, NULL, NULL, &backend), 0);
	xen_dom.shared->evtchn_mask[0] = ~0ul;
	*(uint32_t *)at(ARG2) = port;
	set_xen_guest_handle(p.ports, (evtchn_port_t *)ARG2);
	op(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p));
	kicks[0] = 0;
	evtchn_backend_notify(backend);
	CHECK_EQ(kicks[0], 1);
}

CASE(watchdog_fires)
{
	struct sched_watchdog w = { .id = 0, .timeout = 2 };

	fake_guest();
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &w, sizeof(w)), 1);
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &w, sizeof(w)), 2);
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &w, sizeof(w)), -XEN_ENOSPC);
	w = (struct sched_watchdog){ .id = 3, .timeout = 1 };
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &w, sizeof(w)), -XEN_EINVAL);
	w = (struct sched_watchdog){ .id = 1, .timeout = 0 };
	CHECK_EQ(op(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &w, sizeof(w)), 0);
	fake_tsc += 4999999000ull;
	xen_vcpu_prepare(0);
	CHECK_EQ(shutdown_reason, -1);
	fake_tsc += 2000;
	xen_vcpu_prepare(0);
	CHECK_EQ(shutdown_reason, SHUTDOWN_watchdog);
}

/* ---- vcpu_op, time ---------------------------------------------------------------- */

static int64_t vcpu_op(uint32_t cmd, unsigned int cpu, void *arg, size_t size)
{
	memcpy(at(ARG), arg, size);
	return hypercall(__HYPERVISOR_vcpu_op, cmd, cpu, ARG);
}

CASE(vcpu_info_moves)
{
	struct vcpu_register_vcpu_info a = { .mfn = 50, .offset = 4096 - 64 };
	struct vcpu_info *vi = at(50 * 4096 + 4096 - 64);

	fake_guest();
	a.offset = 4096 - 56;
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_info, 0, &a, sizeof(a)), -XEN_EINVAL);
	a.offset = 4;
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_info, 0, &a, sizeof(a)), -XEN_EINVAL);
	a = (struct vcpu_register_vcpu_info){ .mfn = RAM_PAGES, .offset = 0 };
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_info, 0, &a, sizeof(a)), -XEN_EINVAL);
	a = (struct vcpu_register_vcpu_info){ .mfn = 1ull << 52, .offset = 0 };
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_info, 0, &a, sizeof(a)), -XEN_EINVAL);
	a = (struct vcpu_register_vcpu_info){ .mfn = 50, .offset = 4096 - 64 };
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_info, 0, &a, sizeof(a)), 0);
	CHECK(vi->evtchn_upcall_pending == 1 && vi->evtchn_pending_sel == ~0ul);
	CHECK(vi->time.tsc_to_system_mul && !(vi->time.version & 1));
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_info, 0, &a, sizeof(a)), -XEN_EINVAL); /* once */
	a.offset = 0;
	up[1] = true;
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_info, 1, &a, sizeof(a)),
		-XEN_EINVAL); /* it runs */
	up[1] = false;
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_info, 1, &a, sizeof(a)), 0);
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_info, FAKE_VCPUS, &a, sizeof(a)), -XEN_ENOENT);
}

static uint64_t pvclock(const struct vcpu_time_info *t, uint64_t tsc)
{
	uint64_t d = tsc - t->tsc_timestamp;

	d = t->tsc_shift < 0 ? d >> -t->tsc_shift : d << t->tsc_shift;
	return t->system_time + (uint64_t)(((unsigned __int128)d * t->tsc_to_system_mul) >> 32);
}

CASE(clock_agrees)
{
	static const uint64_t hz[] = { 1000000000, 999999999, 2500000000ull, 3999999999ull,
		800000000, 5000000000ull };
	unsigned int i;

	for (i = 0; i < ARRAY_SIZE(hz); i++) {
		struct xen_params p = { .domid = 7,
			.n_vcpus = 1,
			.tsc_hz = hz[i],
			.start_tsc = 500,
			.max_pages = 10 };
		uint64_t tsc = 500 + hz[i] * 100, ns, d;

		memset(&xen_dom, 0, sizeof(xen_dom));
		CHECK_EQ(xen_init(&p), 0);
		ns = time_ns(tsc);
		d = ns > 100000000000ull ? ns - 100000000000ull : 100000000000ull - ns;
		CHECK(d < 200); /* 100 s, within 2 ppb */
		CHECK_EQ(pvclock(&xen_dom.shared->vcpu_info[0].time, tsc), ns);
		CHECK(time_ns(time_tsc(ns)) >= ns && time_tsc(ns) <= tsc + 8);
		CHECK_EQ(xen_dom.shared->vcpu_info[0].time.flags,
			0); /* tsc_stable was not said */
	}
	CHECK(time_tsc(UINT64_MAX) < SK_NO_DEADLINE);
}

/* A vCPU whose TSC goes its own way has the same system time. */
CASE(clock_follows_the_tsc)
{
	uint64_t later, ns;

	fake_guest();
	later = fake_tsc + 5000000000ull;
	ns = time_ns(later);
	fake_tsc_offset[1] = 1ull << 40;
	xen_time_update(1);
	CHECK_EQ(pvclock(&xen_dom.shared->vcpu_info[0].time, later), ns);
	CHECK_EQ(pvclock(&xen_dom.shared->vcpu_info[1].time, later + (1ull << 40)), ns);
	fake_tsc_offset[1] = -(later - 77); /* its TSC shows 77 */
	xen_time_update(1);
	CHECK_EQ(pvclock(&xen_dom.shared->vcpu_info[1].time, 77), ns);
}

CASE(wallclock)
{
	fake_guest();
	CHECK_EQ(xen_dom.shared->wc_sec, 1700000000);
	CHECK_EQ(xen_dom.shared->wc_nsec, 123456789);
	CHECK(!(xen_dom.shared->wc_version & 1) && xen_dom.shared->wc_version);
	CHECK_EQ(xen_dom.shared->vcpu_info[0].time.flags, XEN_PVCLOCK_TSC_STABLE_BIT);
}

CASE(singleshot)
{
	struct vcpu_set_singleshot_timer t = { .timeout_abs_ns = 1000000,
		.flags = VCPU_SSHOTTMR_future };
	struct evtchn_bind_virq v = { .virq = VIRQ_TIMER, .vcpu = 0 };

	fake_guest();
	CHECK_EQ(op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &v, sizeof(v)), 0);
	CHECK_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 0, &t, sizeof(t)), 0);
	CHECK_EQ(xen_next_deadline(0), time_tsc(1000000));
	fake_tsc = time_tsc(1000000) - 1;
	xen_vcpu_prepare(0);
	CHECK(!upcall_pending(0));
	fake_tsc++;
	xen_vcpu_prepare(0);
	CHECK(upcall_pending(0));
	CHECK(!xen_vcpu_event_pending(0)); /* no way to deliver it was set up */
	CHECK(evtchn_pending(v.port));
	CHECK(xen_next_deadline(0) == SK_NO_DEADLINE);
	fake_tsc += 100000;
	CHECK_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 0, &t, sizeof(t)), -XEN_ETIME);
	CHECK_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 1, &t, sizeof(t)), -XEN_EINVAL);
	t.flags = 0;
	CHECK_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 0, &t, sizeof(t)), 0);
	CHECK_EQ(vcpu_op(VCPUOP_stop_singleshot_timer, 0, &t, sizeof(t)), 0);
	CHECK(xen_next_deadline(0) == SK_NO_DEADLINE);
	CHECK_EQ(H(set_timer_op, 5000000, 0, 0), 0);
	CHECK_EQ(xen_next_deadline(0), time_tsc(5000000));
	CHECK_EQ(H(set_timer_op, UINT64_MAX, 0, 0), 0); /* wrapped: soon */
	CHECK(xen_next_deadline(0) <= time_tsc(time_now() + 100000001));
	CHECK_EQ(H(set_timer_op, 0, 0, 0), 0);
	CHECK(xen_next_deadline(0) == SK_NO_DEADLINE);
}

CASE(periodic)
{
	struct vcpu_set_periodic_timer t = { .period_ns = 999999 };
	struct evtchn_bind_virq v = { .virq = VIRQ_TIMER, .vcpu = 0 };

	fake_guest();
	op(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &v, sizeof(v));
	CHECK_EQ(vcpu_op(VCPUOP_set_periodic_timer, 0, &t, sizeof(t)), -XEN_EINVAL);
	t.period_ns = 10000000;
	CHECK_EQ(vcpu_op(VCPUOP_set_periodic_timer, 0, &t, sizeof(t)), 0);
	xen_vcpu_prepare(0);
	CHECK_EQ(xen_next_deadline(0), time_tsc(time_now() + 10000000));
	fake_tsc += 26000000;
	xen_vcpu_prepare(0);
	CHECK(evtchn_pending(v.port));
	CHECK_EQ(vcpu_op(VCPUOP_stop_periodic_timer, 0, &t, sizeof(t)), 0);
	xen_vcpu_prepare(0);
	CHECK(xen_next_deadline(0) == SK_NO_DEADLINE);
}

static bool near(uint64_t a, uint64_t b) { return a - b + 3 <= 6; /* ticks do not divide */ }

CASE(runstate_is_real)
{
	uint64_t addr = 60 * 4096 - 24; /* across two pages */
	struct vcpu_runstate_info r;

	fake_guest();
	CHECK_EQ(H(vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0), 0);
	CHECK_EQ(H(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0),
		-XEN_EINVAL);
	CHECK_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &addr, 8), 0);
	fake_tsc += 2500000;     /* 1 ms, of which */
	fake_waiting += 1000000; /* 0.4 ms waiting for a CPU */
	xen_vcpu_sleep(0);
	fake_tsc += 5000000; /* 2 ms asleep */
	xen_vcpu_wake(0);
	memcpy(&r, at(addr), sizeof(r));
	CHECK_EQ(r.state, RUNSTATE_running);
	CHECK(near(r.time[RUNSTATE_running], 600000));
	CHECK(near(r.time[RUNSTATE_runnable], 400000));
	CHECK(near(r.time[RUNSTATE_blocked], 2000000));
	CHECK(near(r.state_entry_time, 3000000)); /* without the update flag */
	addr = 4;
	CHECK_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &addr, 8), -XEN_EINVAL);
	addr = RAM_PAGES * 4096ull - 24;
	CHECK_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &addr, 8), -XEN_EFAULT);
	present[60] = 0;
	addr = 60 * 4096 - 24; /* its second part is nowhere */
	CHECK_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &addr, 8), -XEN_EFAULT);
	present[60] = 1;
	fake_tsc += 1000;
	fake_waiting += 100000000; /* cannot be more than has passed */
	addr = UINT64_MAX - 7;
	CHECK_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &addr, 8), -XEN_EINVAL);
	CHECK_EQ(H(vcpu_op, VCPUOP_get_runstate_info, 0, ARG), 0);
	memcpy(&r, at(ARG), sizeof(r));
	CHECK(r.time[RUNSTATE_running] < time_now());
	CHECK_EQ(r.time[0] + r.time[1] + r.time[2] + r.time[3], time_now());
}

CASE(time_area)
{
	uint64_t addr = 61 * 4096;
	struct vcpu_time_info *t = at(61 * 4096);

	fake_guest();
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &addr, 8), 0);
	CHECK_EQ(t->tsc_to_system_mul, xen_dom.shared->vcpu_info[0].time.tsc_to_system_mul);
	addr = 62 * 4096 - 8;
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &addr, 8), -XEN_EINVAL);
}

CASE(vcpu_up_down)
{
	fake_guest();
	CHECK_EQ(H(vcpu_op, VCPUOP_is_up, 1, 0), 0);
	CHECK_EQ(H(vcpu_op, VCPUOP_up, 1, 0), -XEN_EINVAL); /* never started */
	xen_vcpu_online(1, true);
	CHECK_EQ(H(vcpu_op, VCPUOP_up, 1, 0), 0);
	CHECK_EQ(H(vcpu_op, VCPUOP_is_up, 1, 0), 1);
	CHECK_EQ(H(vcpu_op, VCPUOP_down, 1, 0), 0);
	CHECK_EQ(H(vcpu_op, VCPUOP_is_up, 1, 0), 0);
	CHECK_EQ(H(vcpu_op, VCPUOP_initialise, 1, 0), -XEN_ENOSYS);
}

CASE(hypercall_page)
{
	const uint8_t *page = at(ARG2);

	fake_guest();
	CHECK(xen_hypercall_page_write(0, ARG2, true));
	CHECK(memcmp(page + 32 * __HYPERVISOR_sched_op, "\xb8\x1d\0\0\0\x0f\x01\xd9\xc3", 9) ==
		0);
	CHECK(xen_hypercall_page_write(0, ARG2, false));
	CHECK(page[7] == 0xc1);
	CHECK(page[32 * __HYPERVISOR_iret] == 0x0f && page[32 * __HYPERVISOR_iret + 1] == 0x0b);
	CHECK(!xen_hypercall_page_write(0, ARG2 | 1, true)); /* page 1 of 1 */
	CHECK(!xen_hypercall_page_write(0, RAM_PAGES * 4096ull, true));
}

int hypercall_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dispatch_refuses),
		cmocka_unit_test(dispatch_32bit),
		cmocka_unit_test(missing_calls_are_noted),
		cmocka_unit_test(version_tells),
		cmocka_unit_test(multicall_runs_all),
		cmocka_unit_test(console_write_is_bounded),
		cmocka_unit_test(balloon_counts),
		cmocka_unit_test(balloon_populate_is_all_or_nothing),
		cmocka_unit_test(populate_waits_for_memory),
		cmocka_unit_test(populate_does_what_it_can),
		cmocka_unit_test(populate_waits_in_a_multicall),
		cmocka_unit_test(nested_calls_share_one_budget),
		cmocka_unit_test(large_extents_are_done_one_by_one),
		cmocka_unit_test(multicall_list_that_goes_away),
		cmocka_unit_test(yield_gives_the_cpu_away),
		cmocka_unit_test(clock_follows_the_tsc),
		cmocka_unit_test(balloon_keeps_special_pages),
		cmocka_unit_test(memory_other_domains),
		cmocka_unit_test(special_pages_are_placed),
		cmocka_unit_test(physmap_batch_and_remove),
		cmocka_unit_test(memory_questions),
		cmocka_unit_test(hvm_params),
		cmocka_unit_test(hvm_upcall_vector),
		cmocka_unit_test(upcall_is_not_repeated),
		cmocka_unit_test(upcall_waits_for_the_apic),
		cmocka_unit_test(upcall_vector_after_the_event),
		cmocka_unit_test(upcall_waits_for_the_vcpu),
		cmocka_unit_test(own_timer_ends_the_wait),
		cmocka_unit_test(shutdown_once),
		cmocka_unit_test(block_and_poll),
		cmocka_unit_test(poll_wakes_on_masked_port),
		cmocka_unit_test(watchdog_fires),
		cmocka_unit_test(vcpu_info_moves),
		cmocka_unit_test(clock_agrees),
		cmocka_unit_test(wallclock),
		cmocka_unit_test(singleshot),
		cmocka_unit_test(periodic),
		cmocka_unit_test(runstate_is_real),
		cmocka_unit_test(time_area),
		cmocka_unit_test(vcpu_up_down),
		cmocka_unit_test(hypercall_page),
	};

	return cmocka_run_group_tests_name("hypercall", tests, NULL, NULL);
}
