/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sk.h - the system calls as functions
 *
 * Each is one SYSCALL instruction (trap.h); names, arguments, results and errors are those of
 * <sk/syscall.h>.
 */
#ifndef SK_SYS_H
#define SK_SYS_H

#include <sk/syscall.h>
#include "sys/trap.h"

/*
 * UTCB of the calling thread; set by the start code (libs/rt) before main and before a thread's
 * function.
 */
extern _Thread_local struct sk_utcb *sk_utcb_self;
static inline struct sk_utcb *sk_utcb(void) { return sk_utcb_self; }

/* Registers of an IPC call. */
struct sk_msg {
	uint64_t badge, mi, mr[SK_MR_REGS];
};

/* ---- IPC ---- */

/* Deadline, capabilities and Reply are in the UTCB. The answer replaces the message in m. */
static inline long sk_ipc(long nr, sk_cap_t cap, struct sk_msg *m)
{
	uint64_t r[6] = { cap, m->mi, m->mr[0], m->mr[1], m->mr[2], m->mr[3] };
	long rc = sk_sys_r(nr, r);

	m->badge = r[0];
	m->mi = r[1];
	m->mr[0] = r[2];
	m->mr[1] = r[3];
	m->mr[2] = r[4];
	m->mr[3] = r[5];
	return rc;
}
static inline long sk_call(sk_cap_t endpoint, struct sk_msg *m)
{
	return sk_ipc(SK_SYS_CALL, endpoint, m);
}
static inline long sk_recv(sk_cap_t endpoint, struct sk_msg *m)
{
	return sk_ipc(SK_SYS_RECV, endpoint, m);
}
static inline long sk_reply_recv(sk_cap_t endpoint, struct sk_msg *m)
{
	return sk_ipc(SK_SYS_REPLY_RECV, endpoint, m);
}
static inline long sk_send(sk_cap_t endpoint, const struct sk_msg *m)
{
	return sk_sys6(SK_SYS_SEND, endpoint, m->mi, m->mr[0], m->mr[1], m->mr[2], m->mr[3]);
}
static inline long sk_reply(sk_cap_t reply, const struct sk_msg *m)
{
	return sk_sys6(SK_SYS_REPLY, reply, m->mi, m->mr[0], m->mr[1], m->mr[2], m->mr[3]);
}

/* ---- notifications ----------------------------------------------------------------------- */
static inline long sk_signal(sk_cap_t ntfn)
{
	return sk_sys6(SK_SYS_SIGNAL, ntfn, 0, 0, 0, 0, 0);
}
static inline long sk_wait(sk_cap_t ntfn, sk_time_t deadline, uint64_t *word)
{
	uint64_t r[6] = { ntfn, deadline, 0, 0, 0, 0 };
	long rc = sk_sys_r(SK_SYS_WAIT, r);

	*word = r[0];
	return rc;
}
static inline long sk_poll(sk_cap_t ntfn, uint64_t *word)
{
	uint64_t r[6] = { ntfn, 0, 0, 0, 0, 0 };
	long rc = sk_sys_r(SK_SYS_POLL, r);

	*word = r[0];
	return rc;
}

/* ---- memory and capabilities ------------------------------------------------------------- */
static inline long sk_retype(sk_cap_t untyped, uint32_t type, uint32_t order, sk_cap_t cnode,
	sk_cap_t slot, uint32_t n, uint64_t offset)
{
	return sk_sys6(
		SK_SYS_RETYPE, untyped, type | (uint64_t)order << 8, cnode, slot, n, offset);
}
static inline long sk_copy(
	sk_cap_t dst_cnode, sk_cap_t dst, sk_cap_t src_cnode, sk_cap_t src, uint32_t rights)
{
	return sk_sys6(SK_SYS_COPY, dst_cnode, dst, src_cnode, src, rights, 0);
}
static inline long sk_mint(sk_cap_t dst_cnode, sk_cap_t dst, sk_cap_t src_cnode, sk_cap_t src,
	uint32_t rights, uint64_t badge)
{
	return sk_sys6(SK_SYS_MINT, dst_cnode, dst, src_cnode, src, rights, badge);
}
static inline long sk_move(sk_cap_t dst_cnode, sk_cap_t dst, sk_cap_t src_cnode, sk_cap_t src)
{
	return sk_sys6(SK_SYS_MOVE, dst_cnode, dst, src_cnode, src, 0, 0);
}
static inline long sk_delete(sk_cap_t cnode, sk_cap_t slot)
{
	return sk_sys6(SK_SYS_DELETE, cnode, slot, 0, 0, 0, 0);
}
static inline long sk_revoke(sk_cap_t cnode, sk_cap_t slot)
{
	return sk_sys6(SK_SYS_REVOKE, cnode, slot, 0, 0, 0, 0);
}
struct sk_cap_info {
	uint32_t type, rights, order;
	/* Untyped: bytes used. */
	uint64_t badge;
	uint64_t size;
};
static inline long sk_cap_info(sk_cap_t cnode, sk_cap_t slot, struct sk_cap_info *info)
{
	uint64_t r[6] = { cnode, slot, 0, 0, 0, 0 };
	long rc = sk_sys_r(SK_SYS_CAP_INFO, r);

	info->type = r[0] & 0xff;
	info->rights = r[0] >> 8 & 0xff;
	info->order = r[0] >> 16 & 0xff;
	info->badge = r[1];
	info->size = r[2];
	return rc;
}

/* ---- address spaces ---------------------------------------------------------------------- */
/*
 * *at: the address (IO spaces: the device address). *level, with -SK_E_NO_TABLE: the level of
 * the missing table.
 */
static inline long sk_map(sk_cap_t frame, sk_cap_t space, uint64_t vaddr, uint64_t offset,
	uint32_t order, uint32_t rights, uint64_t *at, uint32_t *level)
{
	uint64_t r[6] = { frame, space, vaddr, offset, order, rights };
	long rc = sk_sys_r(SK_SYS_MAP, r);

	*at = r[0];
	*level = (uint32_t)r[1];
	return rc;
}
static inline long sk_unmap(sk_cap_t frame, uint64_t offset, uint32_t order)
{
	return sk_sys6(SK_SYS_UNMAP, frame, offset, order, 0, 0, 0);
}
static inline long sk_map_table(sk_cap_t table, sk_cap_t space, uint64_t vaddr, uint32_t level)
{
	return sk_sys6(SK_SYS_MAP_TABLE, table, space, vaddr, level, 0, 0);
}

/* ---- threads and scheduling contexts ----------------------------------------------------- */
/* *level, with -SK_E_NO_TABLE: the level of the table that is missing for the UTCB. */
static inline long sk_thread_configure(sk_cap_t thread, sk_cap_t cnode, sk_cap_t space,
	sk_cap_t fault_ep, uint64_t utcb, uint32_t *level)
{
	uint64_t r[6] = { thread, cnode, space, fault_ep, utcb, 0 };
	long rc = sk_sys_r(SK_SYS_THREAD_CONFIGURE, r);

	*level = (uint32_t)r[1];
	return rc;
}
static inline long sk_thread_bind(sk_cap_t thread, sk_cap_t ntfn)
{
	return sk_sys6(SK_SYS_THREAD_BIND, thread, ntfn, 0, 0, 0, 0);
}
static inline long sk_thread_resume(sk_cap_t thread)
{
	return sk_sys6(SK_SYS_THREAD_RESUME, thread, 0, 0, 0, 0, 0);
}
static inline long sk_thread_suspend(sk_cap_t thread)
{
	return sk_sys6(SK_SYS_THREAD_SUSPEND, thread, 0, 0, 0, 0, 0);
}
/* Registers of a suspended thread, through mr[] of the caller's UTCB. */
static inline long sk_thread_read(sk_cap_t thread, struct sk_regs *regs)
{
	long rc = sk_sys6(SK_SYS_THREAD_READ, thread, 0, 0, 0, 0, 0);

	*regs = *(const struct sk_regs *)sk_utcb()->mr;
	return rc;
}
static inline long sk_thread_write(sk_cap_t thread, const struct sk_regs *regs)
{
	*(struct sk_regs *)sk_utcb()->mr = *regs;
	return sk_sys6(SK_SYS_THREAD_WRITE, thread, 0, 0, 0, 0, 0);
}
static inline long sk_set_fs_base(uint64_t address)
{
	return sk_sys6(SK_SYS_SET_FS_BASE, address, 0, 0, 0, 0, 0);
}
static inline long sk_yield(void) { return sk_sys6(SK_SYS_YIELD, 0, 0, 0, 0, 0, 0); }
/* priority: 0 to 31, plus SK_SCHED_GUESTS */
static inline long sk_sched_configure(sk_cap_t ctl, sk_cap_t sched, uint32_t cpu,
	uint32_t priority, uint32_t weight, uint64_t budget_us, uint64_t period_us)
{
	return sk_sys6(SK_SYS_SCHED_CONFIGURE, ctl, sched, cpu | (uint64_t)priority << 16,
		weight, budget_us, period_us);
}
static inline long sk_sched_bind(sk_cap_t sched, sk_cap_t thread)
{
	return sk_sys6(SK_SYS_SCHED_BIND, sched, thread, 0, 0, 0, 0);
}
static inline long sk_sched_stats(
	sk_cap_t sched, uint64_t *consumed, uint64_t *waited, uint32_t *cpu)
{
	uint64_t r[6] = { sched, 0, 0, 0, 0, 0 };
	long rc = sk_sys_r(SK_SYS_SCHED_STATS, r);

	*consumed = r[0];
	*waited = r[1];
	*cpu = (uint32_t)r[2];
	return rc;
}
/* Ticks that the CPU of a scheduling context was idle since boot. */
static inline long sk_sched_idle(sk_cap_t sched, uint64_t *idle)
{
	uint64_t r[6] = { sched, 0, 0, 0, 0, 0 };
	long rc = sk_sys_r(SK_SYS_SCHED_STATS, r);

	*idle = r[3];
	return rc;
}

/* ---- interrupts, ports, log -------------------------------------------------------------- */
static inline long sk_irq_pin(
	sk_cap_t ctl, sk_cap_t irq, uint32_t gsi, uint32_t flags, uint32_t cpu)
{
	return sk_sys6(SK_SYS_IRQ_PIN, ctl, irq, gsi, flags, cpu, 0);
}
static inline long sk_irq_msi(sk_cap_t ctl, sk_cap_t irq, uint32_t cpu, uint32_t rid,
	uint64_t *address, uint32_t *data)
{
	uint64_t r[6] = { ctl, irq, cpu, rid, 0, 0 };
	long rc = sk_sys_r(SK_SYS_IRQ_MSI, r);

	*address = r[0];
	*data = (uint32_t)r[1];
	return rc;
}
static inline long sk_irq_bind(sk_cap_t irq, sk_cap_t ntfn)
{
	return sk_sys6(SK_SYS_IRQ_BIND, irq, ntfn, 0, 0, 0, 0);
}
static inline long sk_irq_ack(sk_cap_t irq)
{
	return sk_sys6(SK_SYS_IRQ_ACK, irq, 0, 0, 0, 0, 0);
}
static inline long sk_port_in(sk_cap_t ioport, uint16_t port, uint32_t size, uint32_t *value)
{
	uint64_t r[6] = { ioport, port, size, 0, 0, 0 };
	long rc = sk_sys_r(SK_SYS_PORT_IN, r);

	*value = (uint32_t)r[0];
	return rc;
}
static inline long sk_port_out(sk_cap_t ioport, uint16_t port, uint32_t size, uint32_t value)
{
	return sk_sys6(SK_SYS_PORT_OUT, ioport, port, size, value, 0, 0);
}
/* n <= 16 bytes, packed into w, go to one port, one after the other. */
static inline long sk_port_out_bytes(
	sk_cap_t ioport, uint16_t port, uint32_t n, const uint64_t w[2])
{
	return sk_sys6(SK_SYS_PORT_OUT, ioport, port, 1, w[0], n, w[1]);
}
/* n <= 32 bytes of text, packed into w. */
static inline long sk_log(sk_cap_t ctl, uint32_t n, const uint64_t w[4])
{
	return sk_sys6(SK_SYS_LOG, ctl, n, w[0], w[1], w[2], w[3]);
}
static inline long sk_log_take(sk_cap_t ctl)
{
	return sk_sys6(SK_SYS_LOG_TAKE, ctl, 0, 0, 0, 0, 0);
}

/* ---- guests and devices ------------------------------------------------------------------ */
/* *level, with -SK_E_NO_TABLE: the level of the table that is missing for the state page. */
static inline long sk_vcpu_configure(
	sk_cap_t vcpu, sk_cap_t nested, sk_cap_t space, uint64_t state, uint32_t *level)
{
	uint64_t r[6] = { vcpu, nested, space, state, 0, 0 };
	long rc = sk_sys_r(SK_SYS_VCPU_CONFIGURE, r);

	*level = (uint32_t)r[1];
	return rc;
}
static inline long sk_vcpu_enter(sk_cap_t vcpu, sk_time_t deadline, uint32_t *reason)
{
	uint64_t r = vcpu;
	long rc = sk_sys2(SK_SYS_VCPU_ENTER, &r, deadline);

	*reason = (uint32_t)r;
	return rc;
}
static inline long sk_vcpu_sync(sk_cap_t vcpu, uint32_t groups)
{
	return sk_sys6(SK_SYS_VCPU_SYNC, vcpu, groups, 0, 0, 0, 0);
}
/* *pending, with -SK_E_BUSY: the vector that waits already. */
static inline long sk_vcpu_inject(sk_cap_t vcpu, uint32_t vector, uint32_t *pending)
{
	uint64_t r[6] = { vcpu, vector, 0, 0, 0, 0 };
	long rc = sk_sys_r(SK_SYS_VCPU_INJECT, r);

	*pending = (uint32_t)r[0];
	return rc;
}
static inline long sk_io_assign(sk_cap_t ctl, sk_cap_t space, uint32_t rid)
{
	return sk_sys6(SK_SYS_IO_ASSIGN, ctl, space, rid, 0, 0, 0);
}
/* The device that was refused, and the address; *how: SK_IO_WRITE | SK_IO_IRQ | reason << 8. */
static inline long sk_io_fault(sk_cap_t ctl, uint32_t *rid, uint64_t *addr, uint32_t *how)
{
	uint64_t r[6] = { ctl, 0, 0, 0, 0, 0 };
	long rc = sk_sys_r(SK_SYS_IO_FAULT, r);

	*rid = (uint32_t)r[0];
	*addr = r[1];
	*how = (uint32_t)r[2];
	return rc;
}

/* ---- time -------------------------------------------------------------------------------- */
static inline sk_time_t sk_now(void)
{
	uint32_t lo, hi;

	__asm__ volatile("rdtsc" : "=a"(lo), "=d"(hi));
	return (uint64_t)hi << 32 | lo;
}

#endif
