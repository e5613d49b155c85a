/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tlb_model.h - a model of the guest translations that each ASID of each CPU may hold, in the
 * checked kernel only
 *
 * No emulator here keeps guest translations across an exit, so a missing flush shows only on
 * real processors. The checked kernel therefore notes how each ASID has been used since the
 * last flush of all, and panics before a guest is entered with one that may hold other or older
 * translations. `break=NAME` on its command line leaves out one of the steps that prevent this,
 * so that tests see the model find it.
 */
#ifndef TLB_MODEL_H
#define TLB_MODEL_H

#include "../../space.h"
#include "../../vcpu.h"

/*
 * Kept inside a vCPU: its identity, and when its control registers last changed from outside.
 */
struct tlb_vcpu {
	uint64_t id, changed;
};

#ifdef CHECKED

enum { TLB_MODEL_ASIDS = 64 };
/* How many of the processor's ASIDs to use. */
static inline uint32_t tlb_model_asids(uint32_t n)
{
	return n < TLB_MODEL_ASIDS ? n : TLB_MODEL_ASIDS;
}
/* Is `break=NAME` on the command line? */
bool tlb_broken(const char *option);
void tlb_model_space(struct space *s); /* it is new */
void tlb_model_vcpu(struct tlb_vcpu *v);
void tlb_model_changed(struct tlb_vcpu *v);
/* Call before entering a guest. flush: this entry flushes all that the CPU holds. */
void tlb_model_enter(
	const struct tlb_vcpu *v, const struct space *nested, uint32_t asid, bool flush);
void tlb_model_leave(void);
/* A shoot-down begins; the result goes to tlb_model_end(), when it is over. */
uint64_t tlb_model_begin(void);
void tlb_model_end(struct space *s, uint64_t begin);

#else

#define tlb_model_asids(n) (n)
#define tlb_broken(option) false
#define tlb_model_space(s) ((void)0)
#define tlb_model_vcpu(v) ((void)0)
#define tlb_model_changed(v) ((void)0)
#define tlb_model_enter(v, nested, asid, flush) ((void)0)
#define tlb_model_leave() ((void)0)
#define tlb_model_begin() 0
#define tlb_model_end(s, begin) ((void)(begin))

#endif

#endif
