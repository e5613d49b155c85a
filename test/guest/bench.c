/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bench.c - the benchmark guest: costs of hypercalls, exits and requests to xenstore, counted
 * in instructions
 *
 * A PVH guest without interrupts. Each operation runs N times between two reads of the TSC; the
 * cost of an empty loop is subtracted, and a loop of known length turns ticks into instructions
 * (under -icount one instruction is one nanosecond, whatever the rate of the guest's TSC).
 * Prints, on the PV console, BENCH <name> <instructions per operation> <TSC ticks per
 * operation> and `BENCH-END`, then asks for power off. Each loop is between two marks for the
 * plugin count.c, and a line ROW <name> <operations> follows.
 */
#include "pv.h"

#include <xen/sched.h>
#include <xen/vcpu.h>
#include <xen/version.h>

#include "../bench/measure/mark.h"

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

static void op_rdmsr(void)
{
	uint32_t low, high;

	__asm__ volatile("rdmsr"
			 : "=a"(low), "=d"(high)
			 : "c"(0x8b)); /* the microcode's revision */
}

static void op_port(void)
{
	uint8_t value;

	__asm__ volatile("inb %1, %0" : "=a"(value) : "Nd"((uint16_t)0x92));
}

static evtchn_port_t ipi_port;

/* To itself. The event is pending already, so nothing is delivered. */
static void op_send(void) { pv_notify(ipi_port); }

static uint64_t timer_ns;

/* It never fires. */
static void op_timer(void) { hypercall(__HYPERVISOR_set_timer_op, timer_ns += 1000, 0); }

static void setup(void)
{
	struct evtchn_bind_ipi bind = { .vcpu = 0 };

	if (!pv_devices_init())
		say("BENCH: no xenstore\n");
	hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &bind);
	ipi_port = bind.port;
	timer_ns = 3600000000000;
}

static uint64_t measure(void (*op)(void))
{
	uint64_t start;
	int i;

	op();
	start = pv_ticks();
	mark_begin();
	for (i = 0; i < N; i++)
		op();
	mark_end();
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

static void op_store_read(void) { pv_store_read("name"); }

static void op_store_write(void) { pv_store_write("data/bench", "value-0123"); }

static const struct {
	const char *name;
	void (*op)(void);
} operations[] = {
	{ "nothing", op_nothing },
	{ "null-hypercall", op_version },
	{ "sched-yield", op_yield },
	{ "evtchn-send-bad-port", op_send_bad },
	{ "evtchn-send-pending", op_send },
	{ "set-timer", op_timer },
	{ "cpuid-exit", op_cpuid },
	{ "rdmsr-exit", op_rdmsr },
	{ "port-read", op_port },
	{ "store-read", op_store_read },
	{ "store-write", op_store_write },
};

/* What the first operation takes is the loop's own. Printing wakes the console's other end. */
void guest_main(uint64_t start_info)
{
	static uint64_t spent[ARRAY_SIZE(operations)];
	uint64_t per_round;
	unsigned int i;

	(void)start_info;
	pv_init();
	setup();
	per_round = calibrate();
	for (i = 0; i < ARRAY_SIZE(operations); i++)
		spent[i] = measure(operations[i].op);
	for (i = 0; i < ARRAY_SIZE(operations); i++) {
		say("ROW %s %u\n", operations[i].name, N);
		/* per_round ticks correspond to 2 * CALIBRATION instructions */
		say("BENCH %s %u %u\n", operations[i].name,
			(unsigned int)((spent[i] - spent[0]) * 2 * CALIBRATION / N / per_round),
			(unsigned int)((spent[i] - spent[0]) / N));
	}
	say("BENCH-END\n");
	pv_shutdown(SHUTDOWN_poweroff);
}
