/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.c - the benchmark guest: costs of hypercalls and exits, counted in instructions
 *
 * A PVH guest without interrupts. Each operation runs N times between two reads of the TSC; the
 * cost of an empty loop is subtracted, and a loop of known length turns ticks into instructions
 * (under -icount one instruction is one nanosecond, whatever the rate of the guest's TSC).
 * Prints, on the PV console, BENCH <name> <instructions per operation> <TSC ticks per
 * operation> and `BENCH-END`, then asks for power off.
 */
#include "pv.h"

#include <xen/sched.h>
#include <xen/version.h>

enum { N = 2000, CALIBRATION = 10000000 };

static void op_nothing(void) { __asm__ volatile(""); }

static void op_version(void) { hypercall(__HYPERVISOR_xen_version, XENVER_version, 0); }

static void op_yield(void) { hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0); }

static void op_send_bad(void)
{
	struct evtchn_send send = { .port = 4000 };

	hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
}

static void op_cpuid(void)
{
	uint32_t a = 0, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
}

static uint64_t measure(void (*op)(void))
{
	uint64_t start;
	int i;

	op();
	start = pv_ticks();
	for (i = 0; i < N; i++)
		op();
	return pv_ticks() - start;
}

/* Ticks of CALIBRATION rounds of two instructions. */
static uint64_t calibrate(void)
{
	uint64_t start = pv_ticks();
	uint64_t n = CALIBRATION;

	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(n));
	return pv_ticks() - start;
}

static const struct {
	const char *name;
	void (*op)(void);
} operations[] = {
	{ "null-hypercall", op_version },
	{ "sched-yield", op_yield },
	{ "evtchn-send-bad-port", op_send_bad },
	{ "cpuid-exit", op_cpuid },
};

void guest_main(uint64_t start_info)
{
	uint64_t per_round, empty, spent;
	unsigned int i;

	(void)start_info;
	pv_init();
	per_round = calibrate();
	empty = measure(op_nothing);
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		spent = measure(operations[i].op);
		/* per_round ticks correspond to 2 * CALIBRATION instructions */
		say("BENCH %s %u %u\n", operations[i].name,
			(unsigned int)((spent - empty) * 2 * CALIBRATION / N / per_round),
			(unsigned int)((spent - empty) / N));
	}
	say("BENCH-END\n");
	pv_shutdown(SHUTDOWN_poweroff);
}
