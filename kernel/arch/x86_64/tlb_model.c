/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb_model.c - which guest translations each ASID of each CPU may hold (checked kernel)
 *
 * Objects     seen[CPU][ASID]: the user of the ASID since this CPU flushed all; inside[CPU]:
 *             the guest that the CPU is in. space->arch_data[1]: identity; [2]: when the last
 *             finished shoot-down began. A CPU writes its own rows; one clock orders entries
 *             and shoot-downs.
 * Invariants  TLB1 an entry is stamped after it has read what the ASID is valid for, a
 *                shoot-down before it changes that. An entry with an older stamp than a
 *                shoot-down that is over therefore used the old translations
 */
#include "tlb_model.h"
#include "cpu.h"

enum { IDENTITY = 1, GONE = 2 };

static uint64_t clock;
static struct seen {
	uint64_t vcpu, space, since; /* vcpu 0: not used */
} seen[SK_CPU_MAX][TLB_MODEL_ASIDS];
static struct inside {
	uint64_t space, since; /* space 0: in no guest */
} inside[SK_CPU_MAX];

static uint64_t tick(void) { return __atomic_add_fetch(&clock, 1, __ATOMIC_SEQ_CST); }

bool tlb_broken(const char *option) { return boot_option(option); }

void tlb_model_space(struct space *s) { s->arch_data[IDENTITY] = tick(); }

void tlb_model_vcpu(struct tlb_vcpu *v) { v->id = v->changed = tick(); }

void tlb_model_changed(struct tlb_vcpu *v) { v->changed = tick(); }

void tlb_model_enter(
	const struct tlb_vcpu *v, const struct space *nested, uint32_t asid, bool flush)
{
	uint32_t cpu = this_cpu()->id;
	uint64_t id = nested->arch_data[IDENTITY], now = tick(); /* TLB1 */
	struct seen *s = &seen[cpu][asid];
	const char *wrong = NULL;

	if (flush)
		memset(seen[cpu], 0, sizeof(seen[cpu]));
	if (!s->vcpu)
		*s = (struct seen){ v->id, id, now };
	if (s->vcpu != v->id)
		wrong = "another vCPU";
	else if (s->space != id)
		wrong = "another nested space";
	else if (s->since < load(&nested->arch_data[GONE]))
		wrong = "pages that were unmapped";
	else if (s->since < v->changed)
		wrong = "other control registers";
	if (wrong)
		panic("TLB model: ASID %u may hold translations of %s", asid, wrong);
	store(&inside[cpu].since, now);
	__atomic_store_n(&inside[cpu].space, id, __ATOMIC_SEQ_CST);
}

void tlb_model_leave(void)
{
	__atomic_store_n(&inside[this_cpu()->id].space, 0, __ATOMIC_SEQ_CST);
}

uint64_t tlb_model_begin(void) { return tick(); }

void tlb_model_end(struct space *s, uint64_t begin)
{
	if (!s || s->obj.type != SK_OBJ_SPACE_NESTED)
		return;
	store(&s->arch_data[GONE], begin);
	for (uint32_t i = 0; i < n_cpus; i++)
		if (__atomic_load_n(&inside[i].space, __ATOMIC_SEQ_CST) ==
				s->arch_data[IDENTITY] &&
			load(&inside[i].since) < begin)
			panic("TLB model: CPU %u is in a guest with pages that were unmapped",
				i);
}
