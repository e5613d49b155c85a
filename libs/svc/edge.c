/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edge.c - the system calls that libs/svc makes
 */
#include "svc/edge.h"
#include "rt/program.h"
#include "sys/clock.h"

struct sk_utcb *edge_utcb(void) { return sk_utcb(); }

long edge_call(sk_cap_t endpoint, struct sk_msg *m) { return sk_call(endpoint, m); }

long edge_recv(sk_cap_t endpoint, struct sk_msg *m) { return sk_recv(endpoint, m); }

long edge_reply(sk_cap_t reply, const struct sk_msg *m) { return sk_reply(reply, m); }

long edge_wait(sk_cap_t ntfn, sk_time_t deadline, uint64_t *word)
{
	return sk_wait(ntfn, deadline, word);
}

void edge_signal(sk_cap_t ntfn) { (void)sk_signal(ntfn); }

long edge_irq_bind(sk_cap_t irq, sk_cap_t ntfn) { return sk_irq_bind(irq, ntfn); }

sk_time_t edge_now(void) { return sk_now(); }

uint64_t edge_ran(void)
{
	uint64_t ran, waited;
	uint32_t cpu;

	return sk_sched_stats(SK_CAP_SCHED, &ran, &waited, &cpu) ? 0 : ran;
}

sk_time_t edge_in_ms(uint32_t ms) { return clock_in_ms(ms); }

sk_time_t edge_in_us(uint32_t us) { return clock_in_us(us); }

uint32_t edge_frame_order(sk_cap_t frame)
{
	struct sk_cap_info info;

	if (sk_cap_info(SK_CAP_CNODE, frame, &info) || info.type != SK_OBJ_FRAME)
		return 0;
	return info.order;
}

bool edge_slot_empty(sk_cap_t slot)
{
	struct sk_cap_info info;

	return sk_cap_info(SK_CAP_CNODE, slot, &info) || info.type == SK_OBJ_NULL;
}

bool edge_can_signal(sk_cap_t ntfn)
{
	struct sk_cap_info info;

	return !sk_cap_info(SK_CAP_CNODE, ntfn, &info) && info.type == SK_OBJ_NOTIFICATION &&
	       info.badge && (info.rights & SK_W);
}

void edge_log_about(uint32_t domid) { rt_log_about(domid); }

void edge_log_resume(void) { rt_log_resume(); }
