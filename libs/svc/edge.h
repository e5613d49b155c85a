/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edge.h - the system calls that libs/svc makes; host tests supply their own
 */
#ifndef SVC_EDGE_H
#define SVC_EDGE_H

#include <stdbool.h>
#include "sys/sk.h"

struct sk_utcb *edge_utcb(void);
struct sk_msg;
long edge_call(sk_cap_t endpoint, struct sk_msg *m);
long edge_recv(sk_cap_t endpoint, struct sk_msg *m);
long edge_reply(sk_cap_t reply, const struct sk_msg *m);
void edge_signal(sk_cap_t ntfn);
long edge_irq_bind(sk_cap_t irq, sk_cap_t ntfn);
long edge_wait(sk_cap_t ntfn, sk_time_t deadline, uint64_t *word);
sk_time_t edge_now(void);
/* CPU time of this domain's main thread so far, in ticks. */
uint64_t edge_ran(void);
sk_time_t edge_in_ms(uint32_t ms);
sk_time_t edge_in_us(uint32_t us);
/* Order of the frame in an own slot; 0: it is not a frame. */
uint32_t edge_frame_order(sk_cap_t frame);
bool edge_slot_empty(sk_cap_t slot);
/*
 * Is it a notification with a badge? SIGNAL through one without a badge has no effect, so its
 * owner would never wake.
 */
bool edge_can_signal(sk_cap_t ntfn);

/* From now on all output is about this guest; 0: none (rt_log_about). */
void edge_log_about(uint32_t domid);
/* console has signalled (rt_log_resume). */
void edge_log_resume(void);

#endif
