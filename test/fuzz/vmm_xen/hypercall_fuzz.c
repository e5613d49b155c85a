/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypercall_fuzz.c - arbitrary hypercalls with arbitrary arguments, while the guest's shared
 * pages change
 */
#include "device.h"
#include "fuzz.h"

#include <xen/memory.h>

static const uint8_t ops[] = {
	__HYPERVISOR_memory_op,
	__HYPERVISOR_multicall,
	__HYPERVISOR_set_timer_op,
	__HYPERVISOR_xen_version,
	__HYPERVISOR_console_io,
	__HYPERVISOR_grant_table_op,
	__HYPERVISOR_vm_assist,
	__HYPERVISOR_vcpu_op,
	__HYPERVISOR_sched_op,
	__HYPERVISOR_event_channel_op,
	__HYPERVISOR_hvm_op,
	__HYPERVISOR_physdev_op,
};

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
	(void)argc, (void)argv;
	log_quiet = true;
	max_pages = RAM_PAGES - 8;
	fake_homes_step = 16;
	fake_answer = RAM_GIVEN;
	return 0;
}

/* A valid pointer, or an arbitrary number. */
static uint64_t pointer(struct feed *f, uint8_t how)
{
	switch (how & 3) {
	case 0:
		return ARG;
	case 1:
		return ARG2;
	case 2:
		return RAM_PAGES * 4096ull - feed8(f);
	default:
		return feed64(f);
	}
}

static void check(void)
{
	uint32_t i;

	for (i = 1; i < EVTCHN_PORTS; i++)
		MUST(xen_dom.port[i].state == EVTCHNSTAT_closed ||
			xen_dom.port[i].vcpu < FAKE_VCPUS);
	for (i = 0; i < GRANT_REFS; i++)
		MUST(!xen_dom.grant_readers[i] && !xen_dom.grant_writers[i]);
	MUST(xen_dom.n_grant_frames <= GRANT_FRAMES && edge_mem_pages() <= RAM_PAGES);
	MUST(!xen_dom.evtchn_lock.word && !xen_dom.fifo_lock.word && !xen_dom.mem_lock.word);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct feed f = { data, size };
	unsigned int n, cpu;

	memset(at(ARG), 0, ARG2 + 0x10000 - ARG);
	fake_again();
	fake_homes = RAM_PAGES - 300;
	for (n = 0; n < 24 && f.left; n++) {
		uint8_t how = feed8(&f), what = feed8(&f);
		uint32_t op = ops[what % sizeof(ops)];
		uint64_t a = feed8(&f), b, c;

		fake_state[0].seg[SK_CS].attr = what & 128 ? 1u << 10 : 1u << 9; /* D, L */
		b = pointer(&f, how);
		c = how & 4 ? pointer(&f, how >> 3) : feed8(&f);
		if (op == __HYPERVISOR_multicall)
			a = b, b = c;
		if (op == __HYPERVISOR_vcpu_op)
			b = feed8(&f) % (FAKE_VCPUS + 1), c = pointer(&f, how);
		if (op == __HYPERVISOR_set_timer_op)
			a = feed64(&f);
		feed_copy(&f, at(ARG), how >> 1 & 63);
		if (how & 128)
			feed_copy(&f, at(ARG2), 32);
		hypercall(op, a, b, c);
		fake_tsc += feed16(&f);
		for (cpu = 0; cpu < FAKE_VCPUS; cpu++) {
			xen_vcpu_prepare(cpu);
			(void)xen_upcall_vector(cpu);
			(void)xen_next_deadline(cpu);
			xen_vcpu_wake(cpu);
		}
		xen_this_cpu = UINT32_MAX;
	}
	check();
	return 0;
}
