/*
 * main.c - the benchmark guest: costs of hypercalls and exits, counted in instructions
 *
 * A PVH guest without interrupts. Each operation runs N times between two reads of the TSC; the cost of an
 * empty loop is subtracted, and a loop of known length turns ticks into instructions (under -icount one
 * instruction is one nanosecond, whatever the rate of the guest's TSC). Prints, on the PV console,
 *   BENCH <name> <instructions per operation> <TSC ticks per operation>
 * and `BENCH-END`, then asks for power off.
 */
#define __XEN_INTERFACE_VERSION__ \
	0x00040e00 /* the present numbers of hypercalls, not those of Xen 3.0 */
#include <stdint.h>
#include <xen/xen.h>
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/io/console.h>
#include <xen/sched.h>
#include <xen/version.h>

enum { N = 2000, CALIBRATION = 10000000 };

void bench_main(void);

static struct xencons_interface *console;
static evtchn_port_t console_port;

static uint64_t ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

static uint32_t cpu_vendor(void)
{
	uint32_t a = 0, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	return b;
}

static int on_intel;

static long hypercall(unsigned int op, uint64_t a1, const void *a2)
{
	long ret;

	if (on_intel)
		__asm__ volatile("vmcall" : "=a"(ret), "+D"(a1), "+S"(a2) : "a"(op) : "memory");
	else
		__asm__ volatile("vmmcall"
				 : "=a"(ret), "+D"(a1), "+S"(a2)
				 : "a"(op)
				 : "memory");
	return ret;
}

static uint64_t hvm_param(uint32_t index)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = index };

	return hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, &p) ? 0 : p.value;
}

static void console_notify(void)
{
	struct evtchn_send send = { .port = console_port };

	hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
}

static void put_char(char c)
{
	volatile XENCONS_RING_IDX *cons = &console->out_cons;

	while (console->out_prod - *cons >= sizeof(console->out))
		hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
	console->out[MASK_XENCONS_IDX(console->out_prod, console->out)] = c;
	__asm__ volatile("" : : : "memory");
	console->out_prod++;
}

static void put(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			put_char('\r');
		put_char(*s);
	}
}

static void put_number(uint64_t v)
{
	char digits[21];
	int n = sizeof(digits) - 1;

	digits[n] = 0;
	do
		digits[--n] = (char)('0' + v % 10);
	while (v /= 10);
	put(digits + n);
}

static void op_nothing(void) { __asm__ volatile(""); }

static void op_version(void) { hypercall(__HYPERVISOR_xen_version, XENVER_version, 0); }

static void op_yield(void) { hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0); }

static void op_send_bad(void)
{
	struct evtchn_send send = { .port = 4000 };

	hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
}

static void op_cpuid(void) { cpu_vendor(); }

static uint64_t measure(void (*op)(void))
{
	uint64_t start;
	int i;

	op();
	start = ticks();
	for (i = 0; i < N; i++)
		op();
	return ticks() - start;
}

/* Ticks of CALIBRATION rounds of two instructions. */
static uint64_t calibrate(void)
{
	uint64_t start = ticks();
	uint64_t n = CALIBRATION;

	__asm__ volatile("1: dec %0; jnz 1b" : "+r"(n));
	return ticks() - start;
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

void bench_main(void)
{
	struct sched_shutdown off = { .reason = SHUTDOWN_poweroff };
	uint64_t per_round, empty, spent;
	unsigned int i;

	on_intel = cpu_vendor() == 0x756e6547; /* "Genu" */
	console = (struct xencons_interface *)(uintptr_t)(hvm_param(HVM_PARAM_CONSOLE_PFN)
							  << 12);
	console_port = (evtchn_port_t)hvm_param(HVM_PARAM_CONSOLE_EVTCHN);
	per_round = calibrate();
	empty = measure(op_nothing);
	for (i = 0; i < sizeof(operations) / sizeof(operations[0]); i++) {
		spent = measure(operations[i].op);
		put("BENCH ");
		put(operations[i].name);
		put(" ");
		/* per_round ticks are 2 * CALIBRATION instructions */
		put_number((spent - empty) * 2 * CALIBRATION / N / per_round);
		put(" ");
		put_number((spent - empty) / N);
		put("\n");
		console_notify();
	}
	put("BENCH-END\n");
	console_notify();
	hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &off);
}
