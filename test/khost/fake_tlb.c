/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_tlb.c - the worst case of what the CPUs' TLBs may hold
 *
 * A CPU that uses a space may at any time have looked up every translation in its tables. So
 * all translations in the tables of a CPU's present space go into its TLB and stay there until
 * they are flushed, and every one must still be in the tables.
 *
 * Invariants  FT1 no CPU may hold a translation that the tables no longer have
 */
#include <string.h>

#include "arch/x86_64/pte.h"
#include "fake.h"
#include "space.h"
#include "vcpu.h"

/* each CPU has a TLB for its host space and one for its nested space */
enum { TLB_SIZE = 4096, N_TLBS = 2, IO_SPACES = 16 };

struct translation {
	uint64_t vaddr, entry;
	uint8_t level;
};
STATE static struct tlb {
	struct space *space;
	unsigned int n;
	struct translation t[TLB_SIZE];
} tlbs[FAKE_CPUS][N_TLBS];
/* each DMA space is used by some device */
STATE static struct tlb io_tlbs[IO_SPACES];

static void tlb_add(struct tlb *tlb, uint64_t vaddr, uint64_t entry, unsigned int level)
{
	if (tlb->n < TLB_SIZE)
		tlb->t[tlb->n++] = (struct translation){ vaddr, entry, (uint8_t)level };
}

static void tlb_fill(struct tlb *tlb, const uint64_t *table, unsigned int level, uint64_t base)
{
	unsigned int end = level == SPACE_LEVELS ? 256 : 512;

	for (unsigned int i = 0; i < end; i++) {
		uint64_t vaddr = base + i * pte_span(level);

		if (pte_is_table(table[i], level))
			tlb_fill(tlb, phys_to_virt(pte_paddr(table[i])), level - 1, vaddr);
		else if (pte_present(table[i]))
			tlb_add(tlb, vaddr, table[i], level);
	}
}

/* A translation that allows no more than the tables do now is harmless. */
static bool still_true(const struct tlb *tlb, const struct translation *t)
{
	unsigned int level;
	uint64_t e = *pte_walk(phys_to_virt(tlb->space->root), t->vaddr, 1, &level);
	uint64_t offset = t->vaddr & (pte_span(level) - 1);

	if (!pte_present(e) || pte_is_table(e, level))
		return false;
	return (pte_paddr(e) & ~(pte_span(level) - 1)) + offset == pte_paddr(t->entry) &&
	       (!(t->entry & PTE_WRITE) || e & PTE_WRITE) &&
	       (t->entry & PTE_NX || !(e & PTE_NX));
}

static void tlb_true(const struct tlb *tlb, const char *who, unsigned int number)
{
	if (!window_is_open(virt_to_phys(tlb->space)) ||
		!window_is_open(space_tables(tlb->space)))
		fail("%s %u uses a space whose memory is not the kernel's any more", who,
			number);
	for (unsigned int i = 0; i < tlb->n; i++)
		if (!still_true(tlb, &tlb->t[i]))
			fail("%s %u may still use %lx -> %lx of a space that has it no more (FT1)",
				who, number, tlb->t[i].vaddr, pte_paddr(tlb->t[i].entry));
}

static void tlb_check_one(unsigned int cpu, struct tlb *tlb, struct space *now)
{
	if (now != tlb->space) {
		tlb->space = now;
		tlb->n = 0;
	}
	if (!now)
		return;
	tlb_true(tlb, "CPU", cpu);
	tlb->n = 0;
	tlb_fill(tlb, phys_to_virt(now->root), SPACE_LEVELS, 0);
}

void tlb_check(void)
{
	for (unsigned int i = 0; i < n_cpus; i++) {
		tlb_check_one(i, &tlbs[i][0], cpus[i]->space);
		tlb_check_one(i, &tlbs[i][1], cpus[i]->nested);
	}
	for (unsigned int i = 0; i < IO_SPACES; i++) {
		struct tlb *tlb = &io_tlbs[i];

		if (!tlb->space || !io_limits.levels)
			continue;
		tlb_true(tlb, "device", i);
		tlb->n = 0;
		tlb_fill(tlb, phys_to_virt(space_tables(tlb->space)), io_limits.levels, 0);
	}
}

/* --- devices ------------------------------------------------------------------------------ */

STATE struct io_limits io_limits;
STATE struct io_fault fake_fault;
STATE static bool io_asked; /* a flush that may not be over */

static struct tlb *io_tlb(const struct space *s)
{
	for (unsigned int i = 0; i < IO_SPACES; i++)
		if (io_tlbs[i].space == s)
			return &io_tlbs[i];
	return NULL;
}

void arch_space_init(struct space *s)
{
	struct tlb *tlb = s->obj.type == SK_OBJ_SPACE_IO ? io_tlb(NULL) : NULL;

	if (tlb)
		*tlb = (struct tlb){ .space = s };
}

int arch_io_assign(struct space *s, uint32_t rid)
{
	(void)s;
	return rid ? 0 : -SK_E_NOT_FOUND;
}

/* A fault for each write to fake_fault. */
bool arch_io_fault(struct io_fault *f)
{
	*f = fake_fault;
	fake_fault = (struct io_fault){ 0 };
	return f->rid != 0;
}

void arch_io_written(const struct space *s, const uint64_t *entries, uint64_t n)
{
	(void)s, (void)entries, (void)n;
}
void arch_io_show(const void *at, uint64_t size) { (void)at, (void)size; }

void arch_io_flush(const struct space *s)
{
	struct tlb *tlb = io_tlb(s);

	fake_did.io_flushes++;
	io_asked = true;
	if (tlb)
		tlb->n = 0;
}

/* An interrupt comes before the answer, if one comes at all. */
bool arch_io_settle(const struct space *s)
{
	(void)s;
	if (io_asked && arch_irq_pending())
		return false;
	io_asked = false;
	fake_did.io_settled++;
	return true;
}

bool arch_io_end(struct space *s)
{
	struct tlb *tlb = io_tlb(s);

	if (io_limits.levels)
		arch_io_flush(s);
	if (!arch_io_settle(s))
		return false;
	if (tlb)
		*tlb = (struct tlb){ 0 };
	return true;
}

static void tlb_flush(struct tlb *tlb, uint64_t vaddr, uint64_t size)
{
	unsigned int kept = 0;

	for (unsigned int i = 0; i < tlb->n; i++) {
		struct translation *t = &tlb->t[i];

		if (t->vaddr + pte_span(t->level) <= vaddr || t->vaddr >= vaddr + size)
			tlb->t[kept++] = *t;
	}
	tlb->n = kept;
}

void arch_tlb_shootdown(struct space *space, uint64_t vaddr, uint64_t size)
{
	fake_did.shootdowns++;
	fake_did.flushed_at = vaddr;
	fake_did.flushed_size = size;
	for (unsigned int i = 0; space && i < n_cpus; i++) {
		if (tlbs[i][0].space == space)
			tlb_flush(&tlbs[i][0], vaddr, size);
		if (tlbs[i][1].space == space)
			tlbs[i][1].n = 0; /* of a nested space everything is flushed */
	}
}

void arch_space_drop(struct space *space)
{
	fake_did.drops++;
	for (unsigned int i = 0; i < n_cpus; i++) {
		if (cpus[i]->space == space)
			cpus[i]->space = NULL;
		if (tlbs[i][0].space == space)
			tlbs[i][0] = (struct tlb){ 0 };
	}
}
