/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * compat_test.c - 32-bit callers: arguments, lists, results and shared pages in their layout
 */
#include "fake.h"
#include "case.h"
#include "xen.h"

#include <xen/version.h>

/*
 * 32-bit callers do not set the upper halves of registers: a hypercall that reads them fails.
 */
#define JUNK 0xdead00000000ull

static void mode_set(unsigned int bits)
{
	fake_state[0].seg[SK_CS].attr = bits == 64 ? 1u << 9 : 1u << 10; /* L, D */
}

static void guest32(void)
{
	fake_guest();
	mode_set(32);
}

/*
 * Run a hypercall of vCPU 0 in 32-bit mode to its end; the upper half of the result must be
 * clear.
 */
static int32_t hypercall32(uint32_t op, uint32_t a, uint32_t b, uint32_t c)
{
	struct sk_vcpu_state *st = &fake_state[0];

	st->gpr[SK_RAX] = JUNK | op;
	st->gpr[SK_RBX] = JUNK | a;
	st->gpr[SK_RCX] = JUNK | b;
	st->gpr[SK_RDX] = JUNK | c;
	do {
		st->rip = 3;
		xen_hypercall(0);
	} while (st->rip == 0);
	xen_this_cpu = UINT32_MAX;
	CHECK_EQ(st->gpr[SK_RAX] >> 32, 0);
	return (int32_t)st->gpr[SK_RAX];
}
#define H32(name, a, b, c) hypercall32(__HYPERVISOR_##name, a, b, c)

/*
 * The structure is copied to ARG, to which argument b points, with a page of ones after it. It
 * is copied back afterwards.
 */
static int32_t op32(uint32_t nr, uint32_t cmd, void *arg, size_t size)
{
	int32_t rc;

	memset(at(ARG), 0xff, 4096);
	memcpy(at(ARG), arg, size);
	rc = hypercall32(nr, cmd, ARG, 1);
	memcpy(arg, at(ARG), size);
	CHECK_EQ(((uint8_t *)at(ARG))[size], 0xff);
	return rc;
}
#define OP32(name, cmd, s) op32(__HYPERVISOR_##name, cmd, s, sizeof(*(s)))

/*
 * Bytes that 32-bit code does not set, and those between its members, become zero, whatever was
 * there before.
 */
CASE(members_are_filled_up)
{
	const struct compat_sched_poll in = {
		.ports = 0xfedcba98, .nr_ports = 7, .timeout = 9
	};
	struct xen_add_to_physmap wide = { .domid = 5, .idx = 0x123456789, .gpfn = UINT64_MAX };
	struct compat_gnttab_setup_table narrow;
	struct gnttab_setup_table t = { .dom = 3, .status = -1 };
	struct compat_xen_add_to_physmap a;
	struct sched_poll p;

	memset(&p, 0xff, sizeof(p));
	layout_widen(&layout_sched_poll, &p, &in);
	CHECK_EQ((uint64_t)p.ports.p, 0xfedcba98);
	CHECK(p.nr_ports == 7 && p.timeout == 9);
	CHECK_EQ(((uint32_t *)&p)[3], 0);
	layout_narrow(&layout_xen_add_to_physmap, &a, &wide);
	CHECK(a.domid == 5 && a.idx == 0x23456789 && a.gpfn == UINT32_MAX);
	memset(&narrow, 0xff, sizeof(narrow));
	layout_narrow(&layout_gnttab_setup_table, &narrow, &t);
	CHECK(narrow.dom == 3 && narrow.status == -1);
	CHECK_EQ(((uint16_t *)&narrow)[1] | ((uint16_t *)&narrow)[5], 0);
}

CASE(every_call_is_there)
{
	guest32();
	CHECK_EQ(H32(xen_version, XENVER_version, 0, 0), 4 << 16 | 17);
	CHECK_EQ(H32(memory_op, XENMEM_maximum_ram_page, 0, 0), RAM_PAGES - 1);
	CHECK_EQ(H32(physdev_op, 0, 0, 0), -XEN_ENOSYS);
	CHECK_EQ(H32(domctl, 0, 0, 0), -XEN_EPERM);
	CHECK_EQ(H32(memory_op, 63, 0, 0), -XEN_ENOSYS);
}

static int32_t reserve32(uint32_t cmd, uint32_t n, uint32_t gfn0)
{
	struct compat_xen_memory_reservation r = {
		.extent_start = ARG2, .nr_extents = n, .domid = DOMID_SELF
	};
	uint32_t i, *list = at(ARG2);

	for (i = 0; i < n && i < 700; i++)
		list[i] = gfn0 + i;
	return OP32(memory_op, cmd, &r);
}

CASE(balloon)
{
	guest32();
	CHECK_EQ(reserve32(XENMEM_decrease_reservation, 600, 400), 600); /* in batches */
	CHECK(!present[400] && !present[999] && present[399] && present[1000]);
	CHECK_EQ(reserve32(XENMEM_populate_physmap, 3, 500), 3);
	CHECK(present[500] && present[502] && !present[503] && !present[499]);
	CHECK_EQ(reserve32(XENMEM_decrease_reservation, 1, 0xffffffff), 0);
	/*
	 * the number of finished extents does not fit above the command's bits in a 32-bit
	 * register
	 */
	CHECK_EQ(reserve32(XENMEM_populate_physmap, 1u << 26, 503), 0);
	CHECK(!present[503]);
}

CASE(special_pages)
{
	struct compat_xen_add_to_physmap a = {
		.domid = DOMID_SELF, .space = XENMAPSPACE_shared_info, .gpfn = 200
	};
	struct compat_xen_add_to_physmap_batch b = { .domid = DOMID_SELF,
		.space = XENMAPSPACE_grant_table,
		.size = 2,
		.idxs = ARG2,
		.gpfns = ARG2 + 100,
		.errs = ARG2 + 200 };
	struct compat_xen_remove_from_physmap r = { .domid = DOMID_SELF, .gpfn = 200 };
	struct compat_gnttab_setup_table t = {
		.dom = DOMID_SELF, .nr_frames = 3, .status = 7, .frame_list = ARG2
	};
	uint32_t *word = at(ARG2);

	guest32();
	CHECK_EQ(OP32(memory_op, XENMEM_add_to_physmap, &a), 0);
	CHECK_EQ(xen_dom.shared_gfn, 200);
	word[0] = 0;
	word[1] = 1;
	word[25] = 300;
	word[26] = 301;
	word[50] = word[51] = 0xffffffff;
	CHECK_EQ(OP32(memory_op, XENMEM_add_to_physmap_batch, &b), 0);
	CHECK_EQ(word[50] | word[51], 0);
	CHECK(xen_dom.grant_gfn[0] == 300 && xen_dom.grant_gfn[1] == 301);
	word[3] = 0x1234;
	CHECK_EQ(OP32(grant_table_op, GNTTABOP_setup_table, &t), 0);
	CHECK_EQ(t.status, GNTST_okay);
	CHECK(word[0] == 300 && word[1] == 301 && word[2] == 0xffffffff && word[3] == 0x1234);
	CHECK_EQ(OP32(memory_op, XENMEM_remove_from_physmap, &r), 0);
	CHECK_EQ(xen_dom.shared_gfn, UINT64_MAX);
}

CASE(memory_map_is_told)
{
	struct compat_xen_memory_map m = { .nr_entries = 8, .buffer = ARG2 };
	struct {
		uint64_t addr, size;
		uint32_t type;
	} __attribute__((packed)) *e = at(ARG2);

	guest32();
	CHECK_EQ(OP32(memory_op, XENMEM_memory_map, &m), 0);
	CHECK(m.nr_entries == 2 && m.buffer == ARG2);
	CHECK(e[1].addr == 0xfeff8000 && e[1].size == 0x8000 && e[1].type == 2);
}

/* Elements of a list lie closer together, including those that a continued call processes. */
CASE(grant_copies)
{
	enum { N = 300 };
	struct compat_gnttab_copy *c = at(ARG);
	unsigned int i;

	guest32();
	memset(at(ARG), 0xff, 4 * SK_PAGE_SIZE);
	for (i = 0; i < N; i++) {
		c[i] = (struct compat_gnttab_copy){ .source_u = 600,
			.source_domid = DOMID_SELF,
			.source_offset = (uint16_t)i,
			.dest_u = 601,
			.dest_domid = DOMID_SELF,
			.dest_offset = (uint16_t)(2 * i),
			.len = 1,
			.status = 99 };
		*(uint8_t *)at(600 * SK_PAGE_SIZE + i) = (uint8_t)(i * 7 + 1);
	}
	grant_give(9, 601, GTF_permit_access, DOMID);
	c[1].flags = GNTCOPY_dest_gref;
	c[1].dest_u = 9;
	c[2].source_domid = 5;
	CHECK_EQ(H32(grant_table_op, GNTTABOP_copy, ARG, N), 0);
	for (i = 0; i < N; i++) {
		CHECK_EQ(c[i].status, i == 2 ? GNTST_bad_domain : GNTST_okay);
		CHECK_EQ(*(uint8_t *)at(601 * SK_PAGE_SIZE + 2 * i),
			i == 2 ? 0 : (uint8_t)(i * 7 + 1));
	}
	CHECK_EQ(*(uint8_t *)at(ARG + N * sizeof(*c)), 0xff);
}

CASE(multicalls)
{
	struct entry {
		uint32_t op, result, args[6];
	} *e = at(ARG);
	unsigned int i;

	guest32();
	for (i = 0; i < 600; i++)
		e[i] = (struct entry){ .op = __HYPERVISOR_xen_version,
			.args = { XENVER_version } };
	e[1].op = __HYPERVISOR_multicall;
	e[2] = (struct entry){ .op = __HYPERVISOR_memory_op,
		.args = { XENMEM_maximum_ram_page } };
	e[600].result = 0x1234;
	CHECK_EQ(H32(multicall, ARG, 600, 0), 0); /* continued twice */
	CHECK_EQ(e[0].result, 4 << 16 | 17);
	CHECK_EQ((int32_t)e[1].result, -XEN_EINVAL);
	CHECK_EQ(e[2].result, RAM_PAGES - 1);
	CHECK_EQ(e[599].result, 4 << 16 | 17);
	CHECK_EQ(e[600].result, 0x1234);
}

/* The rest of a call is written into its entry, in words of 4 bytes. */
CASE(multicall_goes_on)
{
	struct compat_xen_memory_reservation r = {
		.extent_start = ARG2, .nr_extents = 700, .domid = DOMID_SELF
	};
	uint32_t *e = at(ARG + 4096), *list = at(ARG2), i;

	guest32();
	memcpy(at(ARG), &r, sizeof(r));
	for (i = 0; i < 700; i++)
		list[i] = 310 + i + (310 + i >= ARG2 / SK_PAGE_SIZE ? 1 : 0);
	e[0] = __HYPERVISOR_memory_op;
	e[2] = XENMEM_decrease_reservation;
	e[3] = ARG;
	e[4] = 0x5555;
	e[8] = __HYPERVISOR_xen_version;
	e[10] = XENVER_pagesize;
	CHECK_EQ(H32(multicall, ARG + 4096, 2, 0), 0);
	CHECK_EQ(e[1], 700);
	CHECK(e[2] >> 6 && (e[2] & 63) == XENMEM_decrease_reservation);
	CHECK(e[3] == ARG && e[4] == 0x5555);
	CHECK_EQ(e[9], 4096);
	CHECK_EQ(edge_mem_pages(), RAM_PAGES - 700);
}

CASE(poll_waits)
{
	struct compat_sched_poll p = { .ports = ARG2, .nr_ports = 1, .timeout = 5000000000ull };
	uint32_t *port = at(ARG2);

	guest32();
	*port = 5;
	CHECK_EQ(OP32(sched_op, SCHEDOP_poll, &p), 0);
	CHECK(!xen_vcpu_runnable(0));
	CHECK_EQ(xen_next_deadline(0), time_tsc(5000000000ull));
	xen_vcpu_wake(0);
	*port = EVTCHN_PORTS;
	CHECK_EQ(OP32(sched_op, SCHEDOP_poll, &p), -XEN_EINVAL);
}

CASE(timers)
{
	struct compat_vcpu_set_singleshot_timer t = { .timeout_abs_ns = 0x300000000ull };

	guest32();
	memset(at(ARG), 0xff, 64); /* the bytes after it are not flags */
	memcpy(at(ARG), &t, sizeof(t));
	CHECK_EQ(H32(vcpu_op, VCPUOP_set_singleshot_timer, 0, ARG), 0);
	CHECK_EQ(xen_next_deadline(0), time_tsc(0x300000000ull));
	CHECK_EQ(H32(set_timer_op, 7000, 2, 0), 0); /* low half, high half */
	CHECK_EQ(xen_next_deadline(0), time_tsc(0x200000000ull + 7000));
	CHECK_EQ(H32(set_timer_op, 0, 0, 0), 0);
	CHECK_EQ(xen_next_deadline(0), SK_NO_DEADLINE);
}

CASE(runstate_is_told)
{
	struct compat_vcpu_runstate_info *r = at(ARG);

	guest32();
	memset(r, 0xff, 64);
	fake_tsc += 2500000; /* 1 ms */
	CHECK_EQ(H32(vcpu_op, VCPUOP_get_runstate_info, 0, ARG), 0);
	CHECK_EQ(r->state, RUNSTATE_running);
	CHECK_EQ(r->state_entry_time, 0);
	CHECK(r->time0 > 990000 && r->time0 < 1010000);
	CHECK_EQ(r->time1 | r->time2 | r->time3, 0);
	CHECK_EQ(*(uint32_t *)at(ARG + sizeof(*r)), 0xffffffff);
}

/* ---- shared pages ----------------------------------------------------------------- */

static struct compat_shared_info *shared32(void)
{
	return (struct compat_shared_info *)(void *)xen_dom.shared;
}

static void callback_set(unsigned int bits)
{
	struct xen_hvm_param v = { .domid = DOMID_SELF,
		.index = HVM_PARAM_CALLBACK_IRQ,
		.value = (uint64_t)HVM_PARAM_CALLBACK_TYPE_VECTOR << 56 | 0xf3 };

	mode_set(bits);
	memcpy(at(ARG), &v, sizeof(v));
	if (bits == 64)
		CHECK_EQ(hypercall(__HYPERVISOR_hvm_op, HVMOP_set_param, ARG, 0), 0);
	else
		CHECK_EQ(H32(hvm_op, HVMOP_set_param, ARG, 0), 0);
}

static uint32_t ipi32(unsigned int cpu)
{
	struct evtchn_bind_ipi a = { .vcpu = cpu };

	CHECK_EQ(OP32(event_channel_op, EVTCHNOP_bind_ipi, &a), 0);
	return a.port;
}

static void send32(uint32_t port) { CHECK_EQ(OP32(event_channel_op, EVTCHNOP_send, &port), 0); }

/* A port beyond the first 32-bit word, and within the first 64-bit word. */
static uint32_t port_of_second_word(unsigned int cpu)
{
	uint32_t port;

	do
		port = ipi32(cpu);
	while (port < 40);
	return port;
}

CASE(layout_is_latched)
{
	guest32();
	ipi32(0); /* no other call changes the layout */
	CHECK(!shinfo_compat());
	callback_set(32);
	CHECK(shinfo_compat());
	callback_set(64);
	CHECK(!shinfo_compat());
	mode_set(32);
	CHECK(xen_hypercall_page_write(0, ARG2, true));
	CHECK(shinfo_compat());
	fake_state[1].seg[SK_CS].attr = 1u << 9;
	/* the vCPU that makes the call decides */
	CHECK(xen_hypercall_page_write(1, ARG2, true));
	CHECK(!shinfo_compat());
}

CASE(events_by_words_of_32_bits)
{
	const struct compat_vcpu_info *vi;
	uint32_t port, bit;

	guest32();
	vi = &shared32()->vcpu_info[2];
	callback_set(32);
	port = port_of_second_word(2);
	bit = 1u << (port - 32);
	kicks[2] = 0;
	send32(port);
	CHECK_EQ(shared32()->evtchn_pending[1], bit);
	CHECK_EQ(vi->evtchn_pending_sel, 2);
	CHECK(vi->evtchn_upcall_pending == 1 && kicks[2] == 1);
	CHECK_EQ(vi->arch[0], 0); /* where 64-bit code has its selector */

	shared32()->evtchn_pending[1] = 0;
	shared32()->vcpu_info[2].evtchn_pending_sel = 0;
	shared32()->vcpu_info[2].evtchn_upcall_pending = 0;
	shared32()->evtchn_mask[1] = bit;
	send32(port);
	CHECK_EQ(shared32()->evtchn_pending[1], bit);
	CHECK(!vi->evtchn_upcall_pending && !vi->evtchn_pending_sel);
	CHECK_EQ(OP32(event_channel_op, EVTCHNOP_unmask, &port), 0);
	CHECK_EQ(shared32()->evtchn_mask[1], 0);
	CHECK(vi->evtchn_upcall_pending && vi->evtchn_pending_sel == 2);
}

CASE(wall_clock_moves)
{
	guest32();
	callback_set(32);
	CHECK_EQ(shared32()->wc_sec, 1700000000);
	CHECK_EQ(shared32()->wc_nsec, 123456789);
	CHECK(shared32()->wc_version && !(shared32()->wc_version & 1));
	CHECK_EQ(shared32()->wc_sec_hi, 0);
	xen_dom.p.wallclock_start_ns = 5000000000000000007ull; /* beyond 32 bits of seconds */
	time_write_wallclock();
	CHECK_EQ(shared32()->wc_sec, 5000000000ull & 0xffffffff);
	CHECK_EQ(shared32()->wc_sec_hi, 1);
	CHECK_EQ(shared32()->wc_nsec, 7);
	xen_dom.shared->wc_sec = 0;
	callback_set(64);
	CHECK_EQ(xen_dom.shared->wc_sec, 5000000000ull & 0xffffffff);
	CHECK_EQ(xen_dom.shared->wc_sec_hi, 1);
}

CASE(vcpu_info_moves_to_words_of_4)
{
	struct vcpu_register_vcpu_info a = { .mfn = 50, .offset = 1004 };
	struct compat_vcpu_info vi;
	uint64_t area =
		0xdeadbeef00000000ull |
		(61 * SK_PAGE_SIZE + 12); /* the upper half is not part of the pointer */
	struct vcpu_time_info t;

	guest32();
	memcpy(at(ARG), &a, sizeof(a));
	CHECK_EQ(H32(vcpu_op, VCPUOP_register_vcpu_info, 1, ARG),
		-XEN_EINVAL); /* 64-bit layout */
	callback_set(32);
	memcpy(at(ARG), &a, sizeof(a));
	CHECK_EQ(H32(vcpu_op, VCPUOP_register_vcpu_info, 1, ARG), 0);
	memcpy(&vi, at(50 * SK_PAGE_SIZE + 1004), sizeof(vi));
	CHECK(vi.evtchn_upcall_pending == 1 && vi.evtchn_pending_sel == 0xffffffff);
	CHECK_EQ(vi.arch[0], 0);
	CHECK(vi.time.tsc_to_system_mul && !(vi.time.version & 1));
	memset(at(50 * SK_PAGE_SIZE + 1004), 0, 16);
	send32(port_of_second_word(1));
	memcpy(&vi, at(50 * SK_PAGE_SIZE + 1004), sizeof(vi));
	CHECK(vi.evtchn_upcall_pending == 1 && vi.evtchn_pending_sel == 2);

	memcpy(at(ARG), &area, 8);
	CHECK_EQ(H32(vcpu_op, VCPUOP_register_vcpu_time_memory_area, 1, ARG), 0);
	memcpy(&t, at(61 * SK_PAGE_SIZE + 12), sizeof(t));
	CHECK(t.tsc_to_system_mul == vi.time.tsc_to_system_mul && t.version);
}

CASE(runstate_area_of_44_bytes)
{
	uint64_t area = 0xdeadbeef00000000ull |
			(60 * SK_PAGE_SIZE - 20); /* across two pages, aligned to 4 */
	struct compat_vcpu_runstate_info r;
	uint32_t *behind = at(60 * SK_PAGE_SIZE - 20 + sizeof(r));

	guest32();
	callback_set(32);
	CHECK_EQ(H32(vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0), 0);
	*behind = 0x12345678;
	memcpy(at(ARG), &area, 8);
	CHECK_EQ(H32(vcpu_op, VCPUOP_register_runstate_memory_area, 0, ARG), 0);
	fake_tsc += 2500000; /* 1 ms */
	xen_vcpu_sleep(0);
	fake_tsc += 5000000; /* 2 ms */
	xen_vcpu_wake(0);
	memcpy(&r, at(60 * SK_PAGE_SIZE - 20), sizeof(r));
	CHECK_EQ(r.state, RUNSTATE_running);
	CHECK(r.state_entry_time > 2990000 && r.state_entry_time < 3010000);
	CHECK(r.time0 > 990000 && r.time0 < 1010000);
	CHECK(r.time2 > 1990000 && r.time2 < 2010000);
	CHECK_EQ(*behind, 0x12345678);
	/* both pages are reported as written, also when another area takes its place */
	for (int again = 0; again < 2; again++) {
		memset(fake_wrote, 0, sizeof(fake_wrote));
		if (again)
			CHECK_EQ(H32(vcpu_op, VCPUOP_register_runstate_memory_area, 0, ARG), 0);
		else
			xen_memory_wrote();
		CHECK(fake_wrote[59] && fake_wrote[60] && !fake_wrote[61]);
	}
	callback_set(
		/*
		 * a 64-bit kernel that is started after it: the area that was registered has no
		 * room for its layout
		 */
		64);
	time_runstate_update(0);
	CHECK_EQ(*behind, 0x12345678);
}

/* A 32-bit loader hands its events over even to a 64-bit kernel that uses the 2-level ABI. */
CASE(handed_over_to_64_bits)
{
	uint32_t port, masked;

	guest32();
	callback_set(32);
	port = port_of_second_word(1);
	masked = ipi32(1);
	xen_dom.shared->evtchn_mask[0] = 1ul << masked; /* where the kernel will look */
	send32(port);
	send32(masked);
	shared32()->evtchn_mask[3] = 0xffffffff;
	/* the loader saw them, and did not serve them */
	shared32()->vcpu_info[1].evtchn_upcall_pending = 0;
	xen_dom.shared->vcpu_info[1].evtchn_pending_sel = 0;
	kicks[1] = 0;

	callback_set(64);
	CHECK_EQ(xen_dom.shared->evtchn_pending[0], 1ul << port | 1ul << masked);
	CHECK_EQ(xen_dom.shared->vcpu_info[1].evtchn_pending_sel, 1);
	CHECK_EQ(xen_dom.shared->vcpu_info[1].evtchn_upcall_pending, 1);
	CHECK(kicks[1] > 0);
	CHECK_EQ(xen_dom.shared->vcpu_info[0].evtchn_upcall_pending, 0);
	CHECK_EQ(xen_dom.shared->evtchn_mask[0], 1ul << masked);
	CHECK_EQ(xen_dom.shared->evtchn_pending[EVTCHN_PORTS / 64 + 1],
		0); /* the loader's masks are gone */
	/* so is its wall clock */
	CHECK_EQ(xen_dom.shared->evtchn_pending[EVTCHN_PORTS / 64 + 2], 0);

	/* after the kernel has served them, the next one arrives */
	xen_dom.shared->evtchn_pending[0] = 0;
	xen_dom.shared->vcpu_info[1].evtchn_pending_sel = 0;
	xen_dom.shared->vcpu_info[1].evtchn_upcall_pending = 0;
	memcpy(at(ARG), &port, 4);
	CHECK_EQ(hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, ARG, 0), 0);
	CHECK_EQ(xen_dom.shared->vcpu_info[1].evtchn_pending_sel, 1);
	CHECK_EQ(xen_dom.shared->vcpu_info[1].evtchn_upcall_pending, 1);
}

/* The FIFO ABI has one layout: events that are pending when it begins are taken over. */
CASE(fifo_after_32_bits)
{
	struct evtchn_init_control ic = { .control_gfn = 70, .vcpu = 1 };
	struct evtchn_expand_array ea = { .array_gfn = 71 };
	event_word_t *words = at(71 * SK_PAGE_SIZE);
	uint32_t port;

	guest32();
	callback_set(32);
	port = port_of_second_word(1);
	send32(port);
	CHECK_EQ(OP32(event_channel_op, EVTCHNOP_init_control, &ic), 0);
	CHECK_EQ(ic.link_bits, EVTCHN_FIFO_LINK_BITS);
	CHECK_EQ(OP32(event_channel_op, EVTCHNOP_expand_array, &ea), 0);
	CHECK(words[port] & 1u << EVTCHN_FIFO_PENDING &&
		words[port] & 1u << EVTCHN_FIFO_LINKED);
	callback_set(64);
	CHECK_EQ(xen_dom.shared->wc_sec, 1700000000);
	CHECK_EQ(xen_dom.shared->vcpu_info[1].evtchn_pending_sel, 0);
}

int compat_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(members_are_filled_up),
		cmocka_unit_test(every_call_is_there),
		cmocka_unit_test(balloon),
		cmocka_unit_test(special_pages),
		cmocka_unit_test(memory_map_is_told),
		cmocka_unit_test(grant_copies),
		cmocka_unit_test(multicalls),
		cmocka_unit_test(multicall_goes_on),
		cmocka_unit_test(poll_waits),
		cmocka_unit_test(timers),
		cmocka_unit_test(runstate_is_told),
		cmocka_unit_test(layout_is_latched),
		cmocka_unit_test(events_by_words_of_32_bits),
		cmocka_unit_test(wall_clock_moves),
		cmocka_unit_test(vcpu_info_moves_to_words_of_4),
		cmocka_unit_test(runstate_area_of_44_bytes),
		cmocka_unit_test(handed_over_to_64_bits),
		cmocka_unit_test(fifo_after_32_bits),
	};

	return cmocka_run_group_tests_name("compat", tests, NULL, NULL);
}
