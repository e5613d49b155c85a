/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypercall_test.c - dispatch, multicall, the hypercall page, version, console, parameters,
 * upcalls
 */
#include "call.h"
#include "case.h"
#include "proto/vmctl.h"

#include <xen/features.h>
#include <xen/sched.h>
#include <xen/version.h>

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

/* Most calls may change when the vCPU runs; these cannot. */
CASE(quiet_calls)
{
	struct sk_vcpu_state *st = &fake_state[0];

	fake_guest();
	for (uint64_t op = 0; op < 64; op++) {
		st->gpr[SK_RAX] = op;
		st->gpr[SK_RDI] = st->gpr[SK_RSI] = ~0ull;
		CHECK_EQ(xen_hypercall(0), op != __HYPERVISOR_xen_version &&
						   op != __HYPERVISOR_event_channel_op &&
						   op != __HYPERVISOR_grant_table_op);
	}
}

/*
 * A call that is missing is noted by call, operation and width of the caller; calls that exist
 * are not noted.
 */
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
	/* its operations are not distinguished in the log */
	CHECK_EQ(H(physdev_op, 6, 0, 0), -XEN_ENOSYS);
	CHECK_EQ(notes, 1);
	CHECK_EQ(H(hvm_op, HVMOP_pagetable_dying, ARG, 0), -XEN_EINVAL); /* every Linux asks */
	CHECK_EQ(H(hvm_op, HVMOP_xentrace, ARG, 0), -XEN_ENOSYS);
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
	CHECK_EQ(
		struct_call(__HYPERVISOR_xen_version, XENVER_get_features, &fi, sizeof(fi)), 0);
	CHECK(fi.submap & 1u << XENFEAT_hvm_callback_vector);
	CHECK(fi.submap & 1u << XENFEAT_hvm_safe_pvclock);
	CHECK(fi.submap & 1u << XENFEAT_auto_translated_physmap);
	CHECK(!(fi.submap & 1u << XENFEAT_hvm_pirqs));
	CHECK(!(fi.submap & 1u << XENFEAT_memory_op_vnode_supported));
	fi.submap_idx = 1;
	CHECK_EQ(struct_call(__HYPERVISOR_xen_version, XENVER_get_features, &fi, sizeof(fi)),
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

/* ---- hvm_op ----------------------------------------------------------------------- */

static int64_t param(uint32_t cmd, uint32_t index, uint64_t *value)
{
	struct xen_hvm_param a = { .domid = DOMID_SELF, .index = index, .value = *value };
	int64_t rc = struct_call(__HYPERVISOR_hvm_op, cmd, &a, sizeof(a));

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
	CHECK_EQ(v, VM_STORE_PORT); /* which control tells the guest */
	CHECK_EQ(param(HVMOP_get_param, HVM_PARAM_CONSOLE_EVTCHN, &v), 0);
	CHECK_EQ(v, VM_CONSOLE_PORT);
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
	v = 0; /* turning it off again is not noted */
	CHECK_EQ(param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v), 0);
	CHECK_EQ(notes, 2); /* for the two calls that were refused above */
	v = 1ull << 56 | 3;
	CHECK_EQ(param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v), 0);
	CHECK_EQ(notes, 3);
	CHECK_EQ(hypercall(__HYPERVISOR_hvm_op, HVMOP_flush_tlbs, 0, 0), -XEN_EOPNOTSUPP);
	CHECK_EQ(notes, 3);
}

CASE(hvm_upcall_vector)
{
	struct xen_hvm_evtchn_upcall_vector a = { .vcpu = 0, .vector = 0x40 };
	uint64_t v = 1; /* Xen as a guest says this, and does not mean it */

	fake_guest();
	CHECK_EQ(
		struct_call(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &a, sizeof(a)),
		0);
	CHECK_EQ(param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v), 0);
	CHECK_EQ(notes, 0);
	a.vcpu = 1;
	CHECK_EQ(
		struct_call(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &a, sizeof(a)),
		0);
	upcall_mark(1);
	CHECK_EQ(posts[1], 1);
	CHECK_EQ(last_post, 0x40);
	CHECK_EQ(xen_upcall_vector(1), -1); /* it comes only through the APIC */
	a.vector = 0xf;
	CHECK_EQ(
		struct_call(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &a, sizeof(a)),
		-XEN_EINVAL);
	a = (struct xen_hvm_evtchn_upcall_vector){ .vcpu = FAKE_VCPUS, .vector = 0x40 };
	CHECK_EQ(
		struct_call(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &a, sizeof(a)),
		-XEN_ENOENT);
}

static void vector_set(unsigned int cpu, uint8_t vector)
{
	struct xen_hvm_evtchn_upcall_vector a = { .vcpu = cpu, .vector = vector };

	CHECK_EQ(
		struct_call(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &a, sizeof(a)),
		0);
}

/*
 * A vCPU whose local APIC is disabled misses the interrupt, not the upcall: it comes when the
 * APIC is enabled.
 */
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
	/* not posted, because the callback vector does not go through the APIC */
	CHECK_EQ(posts[1], 0);
}

/* The vector is set after the event, for another vCPU whose APIC is enabled last. */
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

/*
 * A vCPU that comes up has interrupts off: an upcall from before is delivered once, as if it
 * became due now.
 */
CASE(upcall_waits_for_the_vcpu)
{
	uint64_t v = 2ull << 56 | 0xf3;

	fake_guest();
	param(HVMOP_set_param, HVM_PARAM_CALLBACK_IRQ, &v);
	fake_state[1].rflags = 0;
	xen_vcpu_online(1, true);
	upcall_mark(1);
	CHECK_EQ(xen_upcall_vector(1), 0xf3);
	xen_vcpu_online(1, false); /* the vCPU went down before it took the upcall */
	xen_vcpu_online(1, true);
	CHECK_EQ(xen_upcall_vector(1), 0xf3);
	CHECK_EQ(xen_upcall_vector(1), -1);
}

/*
 * With interrupts off, the upcall is delivered once each time it becomes due; a vector in
 * flight is not repeated.
 */
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

int hypercall_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(dispatch_refuses),
		cmocka_unit_test(dispatch_32bit),
		cmocka_unit_test(quiet_calls),
		cmocka_unit_test(missing_calls_are_noted),
		cmocka_unit_test(version_tells),
		cmocka_unit_test(multicall_runs_all),
		cmocka_unit_test(console_write_is_bounded),
		cmocka_unit_test(hvm_params),
		cmocka_unit_test(hvm_upcall_vector),
		cmocka_unit_test(upcall_is_not_repeated),
		cmocka_unit_test(upcall_waits_for_the_apic),
		cmocka_unit_test(upcall_vector_after_the_event),
		cmocka_unit_test(upcall_waits_for_the_vcpu),
		cmocka_unit_test(hypercall_page),
	};

	return cmocka_run_group_tests_name("hypercall", tests, NULL, NULL);
}
