/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * odd.c - a guest that does what kernels rarely do, and reports whether the result is what a
 * real machine would give
 *
 * It has exceptions and one interrupt, its own segments and a user mode. Each case prints `odd:
 * ok WHAT` or `odd: FAILED WHAT`. Then it uses absent features, to test the lines in the host's
 * log. At the end it halts with interrupts off, which switches such a guest off.
 */
#include "pv.h"

#include <xen/arch-x86/hvm/start_info.h>
#include <xen/event_channel.h>
#include <xen/hvm/hvm_op.h>
#include <xen/memory.h>

enum {
	VEC_GP = 13,
	VEC_UPCALL = 0x40,
	VEC_BACK = 0x80,
	USER_DATA = 0x13,
	USER_CODE = 0x1b,
	TSS = 0x20
};
enum {
	APIC = (int)0xfee00000,
	APIC_EOI = 0xb0,
	APIC_SVR = 0xf0,
	APIC_ESR = 0x280,
	APIC_ICR = 0x300
};

/* ---- exceptions, user mode ---- */

static volatile uint32_t faults, upcalls;
static volatile uint64_t resume_at, user_result, kernel_stack;
extern uint8_t entry_gp[], entry_upcall[], entry_back[];
static uint8_t user_stack[256] __attribute__((aligned(16))),
	trap_stack[4096] __attribute__((aligned(16)));

/*
 * #GP continues at resume_at; the upcall is counted and acknowledged; INT 0x80 returns from
 * user mode.
 */
__asm__(".text\n"
	"entry_gp:	incl faults(%rip)\n"
	"		addq $8, %rsp\n"
	"		pushq %rax\n"
	"		movq resume_at(%rip), %rax\n"
	"		movq %rax, 8(%rsp)\n"
	"		popq %rax\n"
	"		iretq\n"
	"entry_upcall:	incl upcalls(%rip)\n"
	"		pushq %rax\n"
	"		movl $0xfee000b0, %eax\n"
	"		movl $0, (%rax)\n"
	"		popq %rax\n"
	"		iretq\n"
	"entry_back:	movq %rax, user_result(%rip)\n"
	"		movq kernel_stack(%rip), %rsp\n"
	"		popq %r15\n		popq %r14\n		popq %r13\n		popq %r12\n		popq %rbp\n		popq %rbx\n"
	"		ret\n"
	"user_run:	pushq %rbx\n		pushq %rbp\n		pushq %r12\n		pushq %r13\n		pushq %r14\n		pushq %r15\n"
	"		movq %rsp, kernel_stack(%rip)\n"
	"		pushq $0x13\n"
	"		pushq %rdi\n"
	"		pushq $2\n"
	"		pushq $0x1b\n"
	"		pushq $user_code\n"
	"		iretq\n"
	"user_code:	movl $17, %eax\n" /* xen_version */
	"		xorl %edi, %edi\n"
	"		vmmcall\n"
	"		int $0x80\n");
void user_run(void *stack);

static uint64_t gdt[6] = { 0, 0x00209a0000000000, 0x0000f20000000000, 0x0020fa0000000000 };
static uint32_t tss[26];
static struct {
	uint16_t low, selector, flags, high;
	uint32_t top, reserved;
} idt[256];
struct table {
	uint16_t limit;
	uint64_t base;
} __attribute__((packed));

static void gate(unsigned int vector, const uint8_t *entry, uint16_t flags)
{
	uint64_t at = (uint64_t)entry;

	idt[vector].low = (uint16_t)at;
	idt[vector].selector = 8;
	idt[vector].flags = flags;
	idt[vector].high = (uint16_t)(at >> 16);
	idt[vector].top = (uint32_t)(at >> 32);
}

static void tables_load(void)
{
	uint64_t at = (uint64_t)tss, stack = (uint64_t)(trap_stack + sizeof(trap_stack));
	struct table g = { sizeof(gdt) - 1, (uint64_t)gdt },
		     i = { sizeof(idt) - 1, (uint64_t)idt };

	memcpy(&tss[1], &stack, sizeof(stack));
	gdt[4] = (sizeof(tss) - 1) | (at & 0xffffff) << 16 | 0x89ull << 40 |
		 (at >> 24 & 0xff) << 56;
	gdt[5] = at >> 32;
	gate(VEC_GP, entry_gp, 0x8e00);
	gate(VEC_UPCALL, entry_upcall, 0x8e00);
	gate(VEC_BACK, entry_back, 0xee00);
	__asm__ volatile("lgdt %0; lidt %1; ltr %w2" : : "m"(g), "m"(i), "r"(TSS));
}

static void check(const char *what, bool good)
{
	say("odd: %s %s\n", good ? "ok" : "FAILED", what);
}

/* An instruction that may fault; the next one is executed in both cases. */
#define MAY_FAULT(insn, ...) \
	__asm__ volatile("movq $1f, resume_at(%%rip)\n\t" insn "\n1:" __VA_ARGS__)

/* ---- cases ---- */

static uint32_t apic_read(uint32_t reg)
{
	return *(volatile uint32_t *)(uint64_t)((uint32_t)APIC + reg);
}

static void apic_write(uint32_t reg, uint32_t value)
{
	*(volatile uint32_t *)(uint64_t)((uint32_t)APIC + reg) = value;
}

static void exit_often(void)
{
	int i;

	for (i = 0; i < 20; i++)
		hypercall(__HYPERVISOR_xen_version, 0, 0);
}

/* The event comes first, then its vector; the local APIC is enabled last. */
static void upcall_before_apic(void)
{
	struct evtchn_bind_ipi ipi = { .vcpu = 0 };
	struct evtchn_send send;
	struct xen_hvm_evtchn_upcall_vector v = { .vcpu = 0, .vector = VEC_UPCALL };
	long rc = hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_bind_ipi, &ipi);

	send.port = ipi.port;
	pv_shared.evtchn_mask[ipi.port / 64] &= ~(1ul << ipi.port % 64);
	rc |= hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
	rc |= hypercall(__HYPERVISOR_hvm_op, HVMOP_set_evtchn_upcall_vector, &v);
	__asm__ volatile("sti" : : : "memory");
	exit_often();
	check("no upcall while the local APIC is disabled", !rc && !upcalls);
	apic_write(APIC_SVR, 0x1ff);
	exit_often();
	__asm__ volatile("cli" : : : "memory");
	check("upcall when the local APIC is enabled", upcalls == 1);
}

static void apic_errors(void)
{
	apic_write(APIC_ICR, 0x40002); /* to the vCPU itself, with an illegal vector */
	apic_write(APIC_ESR, 0);
	check("both errors of an illegal self-IPI", apic_read(APIC_ESR) == 0x60);
}

static void counters(void)
{
	uint32_t before = faults, msr, low, high, sum = 0;

	for (msr = 0xc0010000; msr < 0xc0010008; msr++) {
		MAY_FAULT("wrmsr", : : "c"(msr), "a"(~0u), "d"(0));
		low = high = 1;
		MAY_FAULT("rdmsr", : "+a"(low), "+d"(high) : "c"(msr));
		sum |= low | high;
	}
	check("performance counters read 0", !on_intel && faults == before && !sum);
}

static void hidden_cr4_bits(void)
{
	uint32_t before = faults;
	uint64_t cr4, value;

	__asm__ volatile("mov %%cr4, %0" : "=r"(cr4));
	value = cr4 | 1ull << 31; /* no current processor has it */
	MAY_FAULT("mov %0, %%cr4", : : "r"(value));
	value = cr4 | 1 << 13; /* CPUID hides it */
	MAY_FAULT("mov %0, %%cr4", : : "r"(value));
	check("hidden bits of CR4 fault", faults == before + 2);
	value = cr4 | 1 << 7;
	MAY_FAULT("mov %0, %%cr4", : : "r"(value));
	__asm__ volatile("mov %%cr4, %0" : "=r"(value));
	check("other bits of CR4 can be set", faults == before + 2 && value == (cr4 | 1 << 7));
}

static uint8_t lost_page[PAGE] PAGE_ALIGNED;

/* A page that the guest gave away reads as ones and ignores writes, for every instruction. */
static void accesses_to_a_hole(void)
{
	uint64_t gfn = (uint64_t)lost_page / PAGE, r = 5, n = 8;
	struct xen_memory_reservation m = { .nr_extents = 1, .domid = DOMID_SELF };
	uint32_t before = faults, *p = (uint32_t *)lost_page;
	uint8_t copy[8] = { 0 }, *to = copy, *from = lost_page, bit = 0, same = 0;
	bool good;

	set_xen_guest_handle(m.extent_start, &gfn);
	good = hypercall(__HYPERVISOR_memory_op, XENMEM_decrease_reservation, &m) == 1;
	MAY_FAULT("btl $3, %1; setc %0", : "=r"(bit) : "m"(*p));
	good = good && bit;
	MAY_FAULT("lock bts %1, %0", : "+m"(*p) : "r"(100u));
	MAY_FAULT("lock xaddq %0, %1", : "+r"(r), "+m"(*(uint64_t *)p));
	good = good && r == ~0ull;
	MAY_FAULT("incl %0; negl %0; notl %0; adcl $1, %0", : "+m"(*p));
	MAY_FAULT("cmpxchgl %2, %1; setz %0", : "=r"(same), "+m"(*p) : "r"(1), "a"(-1));
	good = good && same;
	MAY_FAULT("rep movsb", : "+D"(to), "+S"(from), "+c"(n) : : "memory");
	good = good && !n && copy[0] == 0xff && copy[7] == 0xff;
	n = PAGE;
	to = lost_page;
	MAY_FAULT("rep stosb", : "+D"(to), "+c"(n) : "a"(0) : "memory");
	good = good && !n && to == lost_page + PAGE;
	MAY_FAULT("pushq %1; popq %0", : "=r"(r) : "m"(*(uint64_t *)p));
	good = good && r == ~0ull;
	check("a page that was given away", good && faults == before);
}

static void hypercall_of_a_user(void)
{
	user_run(user_stack + sizeof(user_stack));
	check("no hypercall from user mode", (int64_t)user_result == -1);
	check("hypercall from the kernel", hypercall(__HYPERVISOR_xen_version, 0, 0) > 0);
}

static void modules(uint64_t start_info)
{
	const struct hvm_start_info *si = (const struct hvm_start_info *)start_info;
	const struct hvm_modlist_entry *m = (const struct hvm_modlist_entry *)si->modlist_paddr;
	uint32_t i;

	for (i = 0; i < si->nr_modules; i++)
		say("odd: module %u of %u bytes begins with %x, '%s'\n", i,
			(unsigned int)m[i].size, *(const uint32_t *)m[i].paddr,
			m[i].cmdline_paddr ? (const char *)m[i].cmdline_paddr : "");
}

/*
 * Features that no guest has: the host's log gets one line for each, however often it is used.
 */
static void absent_features_use(void)
{
	int i;

	for (i = 0; i < 50; i++) {
		hypercall(__HYPERVISOR_physdev_op, 1, 0);
		hypercall(__HYPERVISOR_hvm_op, 77, 0);
		MAY_FAULT("rdmsr", : : "c"(0x12345678) : "eax", "edx");
		__asm__ volatile("outb %b0, %w1" : : "a"('x'), "d"(0x3f8));
	}
}

void guest_main(uint64_t start_info)
{
	const char *how;

	pv_init();
	tables_load();
	how = pv_option(start_info, "do");
	if (how && !strcmp(how, "fault")) { /* without a handler for it */
		memset(idt, 0, sizeof(idt));
		__asm__ volatile("ud2");
	}
	check("devices", pv_devices_init());
	modules(start_info);
	counters();
	hidden_cr4_bits();
	accesses_to_a_hole();
	hypercall_of_a_user();
	upcall_before_apic();
	apic_errors();
	absent_features_use();
	say("odd: end\n");
	for (;;)
		__asm__ volatile("cli; hlt");
}
