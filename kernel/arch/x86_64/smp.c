/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp.c - starting the other CPUs, and requests between CPUs
 *
 * Objects     cpu_arch.request: the one thing that a CPU asks at a time; cpu_arch.requests: the
 *             CPUs that ask it. A CPU that waits for others serves their requests meanwhile, so
 *             any number may ask at once. The function of a request may not make a request
 *             itself.
 * Invariants  SMP1 bit i of request.waiting is set by the asker before bit `asker` of requests
 *                of CPU i, and cleared by CPU i after the work
 *             SMP2 a CPU with an even epoch holds no reference
 */
#include "cpu.h"
#include "tlb_model.h"

static uint64_t online = 1; /* bit per CPU */
/* The last generation of translations; every new space and every shoot-down draws the next. */
static uint64_t generation;
extern const uint8_t trampoline_start[], trampoline_end[];
extern uint64_t boot_pml4[512];

static uint64_t bit(uint32_t cpu) { return 1ull << cpu; }

void arch_serve(void)
{
	struct cpu *me = this_cpu();
	uint64_t *mine = &arch_of(me)->requests, askers;

	if (!__atomic_load_n(mine, __ATOMIC_RELAXED))
		return;
	askers = __atomic_exchange_n(mine, 0, __ATOMIC_SEQ_CST);
	while (askers) {
		struct request *r = &arch_of(cpus[__builtin_ctzll(askers)])->request;

		askers &= askers - 1;
		r->fn(r->arg);
		__atomic_and_fetch(&r->waiting, ~bit(me->id), __ATOMIC_SEQ_CST); /* SMP1 */
	}
}

/* Have fn(arg) run on each CPU of the mask, which excludes this one, and wait. */
static void ask(uint64_t mask, void (*fn)(void *), void *arg)
{
	struct cpu *me = this_cpu();
	struct request *r = &arch_of(me)->request;

	if (!mask)
		return;
	BUG_ON(r->waiting);
	r->fn = fn;
	r->arg = arg;
	__atomic_store_n(&r->waiting, mask, __ATOMIC_SEQ_CST); /* SMP1 */
	for (uint64_t m = mask; m; m &= m - 1) {
		struct cpu *c = cpus[__builtin_ctzll(m)];

		__atomic_or_fetch(&arch_of(c)->requests, bit(me->id), __ATOMIC_SEQ_CST);
		lapic_send(c->apic_id, VEC_REQUEST);
	}
	while (__atomic_load_n(&r->waiting, __ATOMIC_ACQUIRE)) {
		arch_serve();
		cpu_pause();
	}
}

void arch_kick(struct cpu *c)
{
	__atomic_store_n(&c->resched, true, __ATOMIC_SEQ_CST);
	if (c != this_cpu())
		lapic_send(c->apic_id, VEC_KICK);
}

struct shoot {
	struct space *space;
	uint64_t vaddr, size;
};

static void shoot_local(void *arg)
{
	const struct shoot *s = arg;

	if (!s->space) {
		flush_window(s->vaddr, s->size);
	} else if (this_cpu()->space == s->space) {
		if (s->size <= 32 * SK_PAGE_SIZE)
			for (uint64_t at = 0; at < s->size; at += SK_PAGE_SIZE)
				invlpg(s->vaddr + at);
		else
			write_cr3(read_cr3());
	}
	/*
	 * A nested space: this CPU runs this function, so it is out of guest mode; the new
	 * generation does the rest.
	 */
}

/* The other CPUs that use the space; NULL: all of them. */
static uint64_t users_of(const struct space *space)
{
	uint64_t mask = 0;

	mfence(); /* a table entry is visible before we look which CPUs may hold it */
	for (uint64_t m = online & ~bit(this_cpu()->id); m; m &= m - 1) {
		struct cpu *c = cpus[__builtin_ctzll(m)];

		if (!space || __atomic_load_n(&c->space, __ATOMIC_SEQ_CST) == space ||
			(__atomic_load_n(&c->nested, __ATOMIC_SEQ_CST) == space &&
				!tlb_broken("break=kick")))
			mask |= bit(c->id);
	}
	return mask;
}

/* An ASID is valid for the space as long as this value does not change. */
static void generation_draw(struct space *s)
{
	uint64_t gen = __atomic_add_fetch(&generation, 1, __ATOMIC_SEQ_CST);

	__atomic_store_n(&s->arch_data[0], gen, __ATOMIC_SEQ_CST);
}

void arch_space_init(struct space *s)
{
	if (!tlb_broken("break=identity"))
		generation_draw(s);
	tlb_model_space(s);
}

void arch_tlb_shootdown(struct space *space, uint64_t vaddr, uint64_t size)
{
	struct shoot s = { space, vaddr, size };
	uint64_t mask, begin = tlb_model_begin();

	if (!space && !(online & (online - 1))) { /* too early for GS to name this CPU */
		flush_window(vaddr, size);
		return;
	}
	if (space && !tlb_broken("break=generation"))
		generation_draw(space);
	mask = users_of(space);
	shoot_local(&s);
	ask(mask, shoot_local, &s);
	tlb_model_end(space, begin);
}

static void drop_local(void *arg)
{
	struct cpu *c = this_cpu();

	if (c->space != arg)
		return;
	write_cr3(kernel_root);
	__atomic_store_n(&c->space, NULL, __ATOMIC_SEQ_CST);
}

void arch_space_drop(struct space *s)
{
	uint64_t mask = users_of(s);

	drop_local(s);
	ask(mask, drop_local, s);
	/* a later space at this address is a different one */
	for (uint32_t i = 0; i < n_cpus; i++)
		if (load(&arch_of(cpus[i])->last_space) == s)
			store(&arch_of(cpus[i])->last_space, NULL);
}

/* Wait until it is outside the kernel, or has been; false when an interrupt came first. */
static bool outside(const struct cpu *c)
{
	uint64_t was = __atomic_load_n(&c->epoch, __ATOMIC_SEQ_CST);

	while (was & 1 && __atomic_load_n(&c->epoch, __ATOMIC_SEQ_CST) == was) {
		if (arch_irq_pending())
			return false;
		cpu_pause();
	}
	return true;
}

bool arch_quiesce(void)
{
	struct cpu *me = this_cpu();
	bool all = true;

	/* SMP2: we are outside while we wait */
	__atomic_add_fetch(&me->epoch, 1, __ATOMIC_SEQ_CST);
	for (uint64_t m = online & ~bit(me->id); all && m; m &= m - 1)
		all = outside(cpus[__builtin_ctzll(m)]);
	__atomic_add_fetch(&me->epoch, 1, __ATOMIC_SEQ_CST);
	return all;
}

void smp_stop_others(void)
{
	if (online & (online - 1))
		lapic_send(0, ICR_OTHERS | ICR_NMI);
}

/* --- starting ----------------------------------------------------------------------------- */

static void secondary(void *arg)
{
	struct cpu *c = arg;

	write_cr3(kernel_root);
	cpu_setup(c);
	lapic_setup_cpu();
	__atomic_or_fetch(&online, bit(c->id), __ATOMIC_SEQ_CST);
	kernel_exit();
}

static bool start_one(struct cpu *c, uint64_t *data)
{
	data[TRAMPOLINE_CR3 / 8] = (uint64_t)boot_pml4 - KERNEL_BASE;
	data[TRAMPOLINE_EFER / 8] = EFER_LME | EFER_NXE;
	data[TRAMPOLINE_STACK / 8] = c->kernel_rsp;
	data[TRAMPOLINE_CPU / 8] = (uint64_t)c;
	data[TRAMPOLINE_ENTRY / 8] = (uint64_t)secondary;
	lapic_send(c->apic_id, ICR_INIT);
	delay_us(10000);
	for (int try = 0; try < 2; try++) {
		lapic_send(c->apic_id, ICR_STARTUP | (uint32_t)(trampoline_paddr >> 12));
		for (int ms = 0; ms < (try ? 2000 : 20); ms++) {
			if (__atomic_load_n(&online, __ATOMIC_ACQUIRE) & bit(c->id))
				return true;
			delay_us(1000);
		}
	}
	return false;
}

void arch_start_secondaries(void)
{
	uint8_t *page = phys_to_virt(trampoline_paddr);
	uint64_t size = (uint64_t)(trampoline_end - trampoline_start);

	if (trampoline_paddr) {
		arch_window_open(trampoline_paddr, SK_PAGE_SIZE);
		memset(page, 0, SK_PAGE_SIZE);
		memcpy(page, trampoline_start, size);
	}
	for (uint32_t i = 1; i < n_cpus; i++)
		if (!start_one(cpus[i], (uint64_t *)(page + size) - 8))
			klog("cpu %u (APIC %u) does not start\n", i, cpus[i]->apic_id);
	if (trampoline_paddr)
		arch_window_close(trampoline_paddr, SK_PAGE_SIZE);
	boot_map_drop();
}
