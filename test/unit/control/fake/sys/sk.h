/* SPDX-License-Identifier: BSD-2-Clause */
/* sk.h - system calls as played for the control domain */
#ifndef FAKE_SYS_SK_H
#define FAKE_SYS_SK_H

#include <sk/syscall.h>

struct sk_cap_info {
	uint32_t type, rights, order;
	uint64_t badge;
	uint64_t size;
};
/* svc_now() of fake_parts.h */
uint64_t svc_now(void);
static inline uint64_t sk_now(void) { return svc_now(); }
long sk_signal(sk_cap_t ntfn);
long sk_retype(sk_cap_t untyped, uint32_t type, uint32_t order, sk_cap_t cnode, sk_cap_t slot,
	uint32_t n, uint64_t offset);
long sk_revoke(sk_cap_t cnode, sk_cap_t slot);
long sk_cap_info(sk_cap_t cnode, sk_cap_t slot, struct sk_cap_info *info);
long sk_sched_stats(sk_cap_t sched, uint64_t *consumed, uint64_t *waited, uint32_t *cpu);
long sk_sched_idle(sk_cap_t sched, uint64_t *idle);
long sk_sched_configure(sk_cap_t ctl, sk_cap_t sched, uint32_t cpu, uint32_t priority,
	uint32_t weight, uint64_t budget_us, uint64_t period_us);

#endif
