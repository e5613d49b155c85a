/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu_op_test.c - waiting and shutting down, areas and timers of vCPUs, time
 */
#include "call.h"
#include "case.h"
#include "xen.h"

#include <xen/sched.h>

/* ---- sched_op --------------------------------------------------------------------- */

CASE(yield_gives_the_cpu_away)
{
	fake_guest();
	CHECK_EQ(H(sched_op, SCHEDOP_yield, 0, 0), 0);
	CHECK_EQ(yields, 1);
}

CASE(shutdown_once)
{
	uint32_t reason = SHUTDOWN_MAX + 1;

	fake_guest();
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &reason, 4), -XEN_EINVAL);
	CHECK_EQ(shutdown_reason, -1);
	reason = SHUTDOWN_reboot;
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &reason, 4), 0);
	CHECK_EQ(shutdown_reason, SHUTDOWN_reboot);
	reason = SHUTDOWN_crash;
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &reason, 4), 0);
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
	CHECK(xen_vcpu_runnable(0)); /* an event was pending already */
	xen_dom.vcpu[0].info->evtchn_upcall_pending = 0;

	*port = 5;
	set_xen_guest_handle(p.ports, (evtchn_port_t *)ARG2);
	p.timeout = 1000000;
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), 0);
	CHECK(!xen_vcpu_runnable(0));
	CHECK_EQ(xen_next_deadline(0), time_tsc(1000000));
	xen_vcpu_wake(0);
	xen_dom.shared->evtchn_pending[0] = 1 << 5;
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), 0);
	CHECK(xen_vcpu_runnable(0));
	*port = EVTCHN_PORTS;
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), -XEN_EINVAL);
	CHECK(xen_vcpu_runnable(0));
	*port = 7;
	xen_dom.shared->evtchn_pending[0] = 0;
	p.nr_ports = 129;
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), -XEN_EINVAL);
	p.nr_ports = 0;
	p.timeout = 0;
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), 0);
	CHECK(!xen_vcpu_runnable(0));
}

/*
 * A timer that fires between the beginning of the wait and the sleep of the thread ends the
 * wait, because nothing else would.
 */
CASE(own_timer_ends_the_wait)
{
	struct evtchn_bind_virq v = { .virq = VIRQ_TIMER, .vcpu = 0 };
	struct sched_poll p = { .nr_ports = 1 };

	fake_guest();
	CHECK_EQ(struct_call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &v, sizeof(v)),
		0);
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
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p)), 0);
	CHECK(!xen_vcpu_runnable(0));
	fake_tsc = time_tsc(2000);
	xen_vcpu_prepare(0);
	CHECK(xen_vcpu_runnable(0));
	CHECK(!upcall_pending(0));
}

/* A vCPU that polls a masked port is woken by it, although no upcall is due. */
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
	struct_call(__HYPERVISOR_sched_op, SCHEDOP_poll, &p, sizeof(p));
	kicks[0] = 0;
	evtchn_backend_notify(backend);
	CHECK_EQ(kicks[0], 1);
}

CASE(watchdog_fires)
{
	struct sched_watchdog w = { .id = 0, .timeout = 2 };

	fake_guest();
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &w, sizeof(w)), 1);
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &w, sizeof(w)), 2);
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &w, sizeof(w)),
		-XEN_ENOSPC);
	w = (struct sched_watchdog){ .id = 3, .timeout = 1 };
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &w, sizeof(w)),
		-XEN_EINVAL);
	w = (struct sched_watchdog){ .id = 1, .timeout = 0 };
	CHECK_EQ(struct_call(__HYPERVISOR_sched_op, SCHEDOP_watchdog, &w, sizeof(w)), 0);
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
	struct vcpu_info *vi = at(50 * SK_PAGE_SIZE + 4096 - 64);

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
		-XEN_EINVAL); /* the vCPU runs */
	up[1] = false;
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_info, 1, &a, sizeof(a)), 0);
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_info, FAKE_VCPUS, &a, sizeof(a)), -XEN_ENOENT);
	memset(fake_wrote, 0, sizeof(fake_wrote));
	xen_memory_wrote(); /* it is written at any time */
	CHECK(fake_wrote[50]);
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
			0); /* tsc_stable was not set */
	}
	CHECK(time_tsc(UINT64_MAX) < SK_NO_DEADLINE);
}

/* A vCPU with a TSC of its own has the same system time. */
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
	CHECK_EQ(struct_call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &v, sizeof(v)),
		0);
	CHECK_EQ(vcpu_op(VCPUOP_set_singleshot_timer, 0, &t, sizeof(t)), 0);
	CHECK_EQ(xen_next_deadline(0), time_tsc(1000000));
	fake_tsc = time_tsc(1000000) - 1;
	xen_vcpu_prepare(0);
	CHECK(!upcall_pending(0));
	fake_tsc++;
	xen_vcpu_prepare(0);
	CHECK(upcall_pending(0));
	CHECK(!xen_vcpu_event_pending(0)); /* there is no way to deliver it */
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
	struct_call(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_virq, &v, sizeof(v));
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

/* Equal, within the rounding of ticks to ns. */
static bool near(uint64_t a, uint64_t b) { return a - b + 3 <= 6; }

CASE(runstate_is_real)
{
	uint64_t addr = 60 * SK_PAGE_SIZE - 24; /* across two pages */
	struct vcpu_runstate_info r;

	fake_guest();
	CHECK_EQ(H(vm_assist, VMASST_CMD_enable, VMASST_TYPE_runstate_update_flag, 0), 0);
	CHECK_EQ(H(vm_assist, VMASST_CMD_enable, VMASST_TYPE_writable_pagetables, 0),
		-XEN_EINVAL);
	CHECK_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &addr, 8), 0);
	fake_tsc += 2500000;     /* 1 ms passes, of which */
	fake_waiting += 1000000; /* 0.4 ms are spent waiting for a CPU */
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
	addr = 60 * SK_PAGE_SIZE - 24; /* its second part has no page */
	CHECK_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &addr, 8), -XEN_EFAULT);
	present[60] = 1;
	fake_tsc += 1000;
	/* it cannot have waited longer than the time that has passed */
	fake_waiting += 100000000;
	addr = UINT64_MAX - 7;
	CHECK_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &addr, 8), -XEN_EINVAL);
	CHECK_EQ(H(vcpu_op, VCPUOP_get_runstate_info, 0, ARG), 0);
	memcpy(&r, at(ARG), sizeof(r));
	CHECK(r.time[RUNSTATE_running] < time_now());
	CHECK_EQ(r.time[0] + r.time[1] + r.time[2] + r.time[3], time_now());
}

CASE(time_area)
{
	uint64_t addr = 61 * SK_PAGE_SIZE;
	struct vcpu_time_info *t = at(61 * SK_PAGE_SIZE);

	fake_guest();
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &addr, 8), 0);
	CHECK_EQ(t->tsc_to_system_mul, xen_dom.shared->vcpu_info[0].time.tsc_to_system_mul);
	addr = 62 * SK_PAGE_SIZE - 8;
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &addr, 8), -XEN_EINVAL);
	addr = 0; /* Linux takes it back before it suspends */
	CHECK_EQ(vcpu_op(VCPUOP_register_vcpu_time_memory_area, 0, &addr, 8), 0);
	CHECK(!xen_dom.vcpu[0].time_copy);
	CHECK_EQ(vcpu_op(VCPUOP_register_runstate_memory_area, 0, &addr, 8), 0);
	CHECK(!xen_dom.vcpu[0].runstate_at[0]);
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

int vcpu_op_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(yield_gives_the_cpu_away),
		cmocka_unit_test(clock_follows_the_tsc),
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
	};

	return cmocka_run_group_tests_name("vcpu_op", tests, NULL, NULL);
}
