/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_cpu.c - CPUs for the fuzzer: one entry into the kernel at a time, from its beginning to
 * its end
 *
 * Requests to other CPUs are carried out at once, because none of them is in the kernel.
 */
#include <string.h>

#include "fake.h"
#include "vcpu.h"

STATE static struct cpu cpu_of[FAKE_CPUS];
STATE enum cpu_place cpu_place[FAKE_CPUS];
STATE bool cpu_kicked[FAKE_CPUS];
static jmp_buf outside;
bool (*fake_preempt)(void);
void (*fake_quiesce)(void);

void machine_init(unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		cpu_of[i] = (struct cpu){ .self = &cpu_of[i], .id = i };
		cpu_of[i].timer_armed = SK_NO_DEADLINE;
		cpus[i] = &cpu_of[i];
	}
}

/* Returns when the CPU has left the kernel, by arch_idle() or arch_resume(). */
void cpu_enter(void (*fn)(void *), void *arg)
{
	if (setjmp(outside))
		return;
	this_cpu()->epoch++;
	fn(arg);
	kernel_exit();
}

static void __attribute__((noreturn)) leave(enum cpu_place place)
{
	cpu_place[this_cpu()->id] = place;
	this_cpu()->epoch++;
	longjmp(outside, 1);
}

void arch_idle(void) { leave(CPU_IDLE); }

/* The vCPU whose registers the CPU holds, until they are needed for something else. */
STATE static struct vcpu *held[FAKE_CPUS];

void arch_fpu_put(void)
{
	unsigned int id = this_cpu()->id;

	if (held[id])
		vcpu_put(held[id]);
	held[id] = NULL;
	this_cpu()->fpu = NULL;
}

void arch_resume(struct thread *t, struct vcpu *v)
{
	struct cpu *c = this_cpu();

	c->space = t->space;
	if (!v)
		leave(CPU_USER); /* with the registers of the guest that t has left, perhaps */
	if (held[c->id] != v)
		arch_fpu_put();
	if (!vcpu_take(v, t)) /* the guest was left in the meantime */
		kernel_exit();
	held[c->id] = v;
	c->fpu = v->fpu;
	leave(CPU_GUEST);
}

bool arch_irq_pending(void) { return fake_preempt && fake_preempt(); }
void arch_timer_arm(sk_time_t deadline) { this_cpu()->timer_armed = deadline; }

void arch_kick(struct cpu *c)
{
	c->resched = true;
	if (c == this_cpu())
		return;
	cpu_kicked[c->id] = true;
	c->nested = NULL; /* the interrupt is taken before anything else happens there */
}

bool arch_quiesce(void)
{
	fake_did.quiesces++;
	if (fake_quiesce)
		fake_quiesce();
	return true;
}
void arch_serve(void) {}

/* --- FPU and guest CPUs ------------------------------------------------------------------- */

void arch_fpu_init_area(void *area) { memset(area, 0, FPU_AREA_SIZE); }
bool arch_vcpu_available(void) { return true; }
void arch_vcpu_init(struct vcpu *v) { memset(v->hw, 0, SK_PAGE_SIZE); }
void arch_vcpu_sync(struct vcpu *v, uint32_t groups)
{
	(void)groups;
	v->hw[0]++;
	v->state->irq_pending = v->pending_irq;
}
void arch_vcpu_load(struct vcpu *v) { v->state->dirty = 0; }
