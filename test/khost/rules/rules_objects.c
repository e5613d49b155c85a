/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_objects.c - threads and interrupts
 */
#include "rules.h"
#include "check.h"
#include "ipc.h"
#include "irq.h"
#include "sched.h"
#include "space.h"

enum { S = AT_FREE, T2_UTCB = 0x150000 };

static struct thread *second(void) { return domains[1].thread[1]; }

/* --- threads ------------------------------------------------------------------------------ */

static void threads_are_configured(void **state)
{
	struct thread *t;
	unsigned int refs = ((struct object *)object_of(1, AT_CNODE))->refs;

	(void)state;
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_THREAD, AT_CNODE, S, 1), 0);
	t = thread_of(object_of(1, S));
	assert_true(t->suspended);
	assert_int_equal(t->regs.r.rflags, 0x202);
	assert_int_equal(SYS(1, THREAD_RESUME, S), -SK_E_STATE);
	assert_int_equal(SYS(1, THREAD_CONFIGURE, S, AT_CNODE, AT_SPACE, 0, 0x7000000000),
		-SK_E_NO_TABLE);
	assert_int_equal(regs(1)->rsi, 2);
	assert_int_equal(t->utcb_slot.type, SK_OBJ_NULL);
	assert_int_equal(
		SYS(1, THREAD_CONFIGURE, S, AT_CNODE, AT_SPACE, 0, UTCB_VADDR), -SK_E_EXISTS);
	assert_int_equal(
		SYS(1, THREAD_CONFIGURE, S, AT_CNODE, AT_SPACE, AT_NOTIFICATION, T2_UTCB),
		-SK_E_CAP);
	assert_int_equal(SYS(1, THREAD_RESUME, S), -SK_E_STATE);
	assert_int_equal(
		SYS(1, THREAD_CONFIGURE, S, AT_CNODE, AT_SPACE, AT_BADGED + 3, T2_UTCB), 0);
	assert_ptr_equal(t->cspace, domains[1].cnode);
	assert_ptr_equal(t->space, domains[1].space);
	assert_int_equal(t->fault_slot.badge, 8);
	assert_int_equal(t->utcb_slot.paddr, virt_to_phys(thread_utcb(t)));
	assert_int_equal(t->utcb_slot.rights, SK_R | SK_W);
	assert_int_equal(t->fault_slot.rights, SK_W);
	assert_int_equal(((struct object *)object_of(1, AT_CNODE))->refs, refs + 1);
	/* configured again: it first gives back what it had */
	assert_int_equal(SYS(1, THREAD_CONFIGURE, S, AT_CNODE, AT_SPACE, 0, T2_UTCB), 0);
	assert_int_equal(t->fault_slot.type, SK_OBJ_NULL);
	assert_int_equal(((struct object *)object_of(1, AT_CNODE))->refs, refs + 1);
	assert_int_equal(SYS(1, THREAD_RESUME, S), 0);
	assert_int_equal(
		SYS(1, THREAD_CONFIGURE, S, AT_CNODE, AT_SPACE, 0, T2_UTCB), -SK_E_STATE);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	assert_int_equal(((struct object *)object_of(1, AT_CNODE))->refs, refs);
	assert_null(slot_in(1, AT_UNTYPED)->first_child);
}

/* A thread whose capability space is deleted stops, and makes no more calls. */
static void threads_lose_their_capabilities(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, COPY, AT_CNODE, S, AT_CNODE, AT_CNODE, SK_ALL), 0);
	assert_int_equal(SYS(1, THREAD_CONFIGURE, AT_THREAD2, S, AT_SPACE, 0, T2_UTCB), 0);
	second_runs(1, 3, 20);
	assert_int_equal(SYS2(1, WAIT, AT_NOTIFICATION, SK_NO_DEADLINE), BLOCKED);
	assert_int_equal(SYS(1, REVOKE, AT_CNODE, S), 0);
	assert_int_equal(result(second()), -SK_E_AGAIN);
	assert_null(second()->cspace);
	assert_true(second()->suspended);
	assert_int_equal(SYS(1, THREAD_RESUME, AT_THREAD2), -SK_E_STATE);
	call_set(second(), SK_SYS_SIGNAL, (const uint64_t[6]){ AT_NOTIFICATION });
	core_syscall(second());
	assert_int_equal(second()->regs.r.rax, -SK_E_CAP);
	call_set(second(), SK_SYS_CAP_INFO, (const uint64_t[6]){ AT_CNODE, AT_NOTIFICATION });
	core_syscall(second());
	assert_int_equal(second()->regs.r.rax, -SK_E_CAP);
}

static void suspending(void **state)
{
	(void)state;
	second_runs(1, 2, 20);
	assert_ptr_equal(cpus[2]->current, second());
	assert_int_equal(SYS(1, THREAD_READ, AT_THREAD2), -SK_E_STATE);
	assert_int_equal(SYS(1, THREAD_WRITE, AT_THREAD2), -SK_E_STATE);
	assert_int_equal(SYS(1, THREAD_SUSPEND, AT_THREAD2), 0);
	assert_null(second()->on);
	assert_ptr_equal(cpus[2]->current, domains[2].thread[0]);
	assert_int_equal(SYS(1, THREAD_RESUME, AT_THREAD2), 0);
	assert_ptr_equal(cpus[2]->current, second());
	assert_int_equal(SYS2(1, WAIT, AT_NOTIFICATION, fake_now + 1000), BLOCKED);
	assert_int_equal(SYS(1, THREAD_SUSPEND, AT_THREAD2), 0);
	assert_int_equal(result(second()), -SK_E_AGAIN);
	assert_null(((struct notification *)object_of(1, AT_NOTIFICATION))->waiter);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	time_is(fake_now + 2000);
	assert_int_equal(result(second()), -SK_E_AGAIN);
	assert_null(second()->on);
	assert_int_equal(SYS(1, THREAD_RESUME, AT_THREAD2), 0);
	assert_ptr_equal(cpus[2]->current, second());
	/* it is queued behind a thread of equal priority, and leaves the queue */
	prefer(1, 1, 2, 9);
	assert_ptr_equal(cpus[2]->current, domains[2].thread[0]);
	assert_int_equal(SYS(1, THREAD_SUSPEND, AT_THREAD2), 0);
	assert_int_equal(SYS(2, WAIT, AT_NOTIFICATION, SK_NO_DEADLINE), BLOCKED);
	assert_null(cpus[2]->current);
	/* it suspends itself: the call is over when it is resumed */
	assert_int_equal(SYS(1, THREAD_SUSPEND, AT_THREAD), 0);
	assert_null(cpus[1]->current);
}

/*
 * A thread's registers can be accessed only while it is on no CPU and in no call.
 */
static void registers_stand_still(void **state)
{
	struct sk_regs *mr = (void *)utcb(domains[1].thread[0])->mr;
	static const uint64_t args[6] = { AT_THREAD2 };

	(void)state;
	second_runs(1, 2, 20);
	/* its CPU has not taken the interrupt */
	assert_false(sys_once(domains[1].thread[0], SK_SYS_THREAD_SUSPEND, args));
	domains[1].thread[0]->regs.r.rax = SK_SYS_THREAD_READ;
	assert_false(sys_once(domains[1].thread[0], SK_SYS_THREAD_READ, args));
	kicks();
	assert_true(sys_once(domains[1].thread[0], SK_SYS_THREAD_READ, args));
	assert_int_equal(regs(1)->rax, 0);
	assert_int_equal(SYS(1, THREAD_SUSPEND, AT_THREAD2), 0);
	second()->regs.r =
		(struct sk_regs){ .rax = 1, .rbx = 2, .r15 = 3, .rip = 4, .gs_base = 5 };
	assert_int_equal(SYS(1, THREAD_READ, AT_THREAD2), 0);
	assert_memory_equal(mr, &second()->regs.r, sizeof(*mr));
	second()->restart.stage = RESTART_DONE;
	second()->regs.vector = ENTRY_SYSCALL;
	*mr = (struct sk_regs){ .rax = 9,
		.rcx = 8,
		.r11 = 7,
		.rip = USER_END,
		.rflags = ~0ull,
		.fs_base = USER_END,
		.gs_base = USER_END };
	assert_int_equal(SYS(1, THREAD_WRITE, AT_THREAD2), 0);
	assert_int_equal(second()->regs.r.rflags, 0x240cd5 | 0x202);
	assert_int_equal(second()->regs.r.rcx, 8);
	assert_int_equal(second()->regs.r.r11, 7);
	assert_int_equal(second()->regs.vector, 0);
	assert_int_equal(second()->restart.stage, RESTART_NEW);
	mr->rip = USER_END + 1;
	assert_int_equal(SYS(1, THREAD_WRITE, AT_THREAD2), -SK_E_RANGE);
	mr->rip = 0;
	mr->fs_base = USER_END + 1;
	assert_int_equal(SYS(1, THREAD_WRITE, AT_THREAD2), -SK_E_RANGE);
	mr->fs_base = 0;
	mr->gs_base = 1ull << 63;
	assert_int_equal(SYS(1, THREAD_WRITE, AT_THREAD2), -SK_E_RANGE);
	mr->gs_base = 0;
	mr->rflags = 0;
	assert_int_equal(SYS(1, THREAD_WRITE, AT_THREAD2), 0);
	assert_int_equal(second()->regs.r.rflags, 0x202);
	assert_int_equal(SYS(1, SET_FS_BASE, USER_END + 1), -SK_E_RANGE);
	assert_int_equal(SYS(1, SET_FS_BASE, USER_END), 0);
	assert_int_equal(regs(1)->fs_base, USER_END);
}

/* A thread can end in any state, and nothing of it is left. */
static void threads_end(void **state)
{
	struct sched *s = domains[1].sched[1];

	(void)state;
	second_runs(1, 2, 20);
	assert_int_equal(SYS(0, DELETE, AT_CNODE, AT_PEER_THREAD), 0);
	assert_int_equal(SYS2(1, WAIT, AT_NOTIFICATION, fake_now + 1000), BLOCKED);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, AT_THREAD2), 0);
	assert_null(s->thread);
	assert_null(((struct notification *)object_of(1, AT_NOTIFICATION))->waiter);
	for (unsigned int i = 0; i < n_cpus; i++)
		for (unsigned int band = 0; band < TIMER_BANDS; band++)
			assert_null(((struct sched_cpu *)cpus[i]->sched)->timers[band]);
	time_is(fake_now + 2000);
	/* the context is free for another thread */
	assert_int_equal(SYS(1, RETYPE, AT_UNTYPED, SK_OBJ_THREAD, AT_CNODE, S, 1), 0);
	assert_int_equal(SYS(1, SCHED_BIND, AT_SCHED2, S), 0);
	/* it ends while its CPU runs it */
	assert_int_equal(SYS(1, THREAD_CONFIGURE, S, AT_CNODE, AT_SPACE, 0, T2_UTCB), 0);
	assert_int_equal(SYS(1, THREAD_RESUME, S), 0);
	assert_ptr_equal(cpus[2]->current, thread_of(object_of(1, S)));
	assert_int_equal(SYS(1, DELETE, AT_CNODE, S), 0);
	assert_ptr_equal(cpus[2]->current, domains[2].thread[0]);
	/* it ends itself */
	assert_int_equal(SYS(1, DELETE, AT_CNODE, AT_SCHED2), 0);
}

/* --- interrupts --------------------------------------------------------------------------- */

static struct irq *irq(void) { return object_of(1, AT_IRQ); }

static void irq_fires(void)
{
	use_cpu(1);
	core_irq(&irq()->source);
	kicks();
}

static void pins(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, IRQ_ACK, AT_IRQ), -SK_E_STATE);
	assert_int_equal(SYS(1, IRQ_PIN, AT_CTL_IRQ, AT_IRQ, 3, 0, n_cpus), -SK_E_INVAL);
	assert_int_equal(SYS(1, IRQ_PIN, AT_CTL_IRQ, AT_IRQ, 3, 4, 0), -SK_E_INVAL);
	assert_int_equal(
		SYS(1, IRQ_PIN, AT_CTL_IRQ, AT_IRQ, 1ull << 32 | 3, 0, 0), -SK_E_INVAL);
	assert_int_equal(SYS(1, IRQ_PIN, AT_CTL_IRQ, AT_IRQ, 24, 0, 0), -SK_E_RANGE);
	assert_int_equal(fake_did.unmasks, 0);
	assert_int_equal(irq()->source.vector, 0);
	assert_int_equal(SYS(1, IRQ_PIN, AT_CTL_IRQ, AT_IRQ, 3, 0, n_cpus - 1), 0);
	assert_int_equal(fake_did.unmasks, 1);
	assert_false(irq()->source.level);
	assert_int_equal(SYS(1, IRQ_PIN, AT_CTL_IRQ, AT_IRQ, 4, 0, 0), -SK_E_EXISTS);
	assert_int_equal(SYS(1, IRQ_MSI, AT_CTL_IRQ, AT_IRQ, 0), -SK_E_EXISTS);
	irq_fires(); /* bound to nothing */
	assert_int_equal(SYS(1, IRQ_BIND, AT_IRQ, AT_BADGED + 1), 0);
	irq_fires();
	assert_int_equal(SYS(1, POLL, AT_NOTIFICATION + 1), 0);
	assert_int_equal(regs(1)->rdi, 2);
	assert_int_equal(SYS(1, IRQ_BIND, AT_IRQ, AT_BADGED), 0);
	irq_fires();
	assert_int_equal(SYS(1, POLL, AT_NOTIFICATION + 1), -SK_E_AGAIN);
	assert_int_equal(SYS(1, POLL, AT_NOTIFICATION), 0);
	assert_int_equal(SYS(1, IRQ_ACK, AT_IRQ), 0);
	assert_int_equal(fake_did.unmasks, 1); /* an edge-triggered pin is not masked */
	/* the notification that it signals is revoked */
	assert_int_equal(SYS(1, REVOKE, AT_CNODE, AT_NOTIFICATION), 0);
	irq_fires();
	assert_int_equal(SYS(1, POLL, AT_NOTIFICATION), -SK_E_AGAIN);
	assert_int_equal(fake_did.frees, 0);
	assert_int_equal(SYS(1, IRQ_BIND, AT_IRQ, AT_NOTIFICATION), 0);
	assert_int_equal(SYS(1, DELETE, AT_CNODE, AT_IRQ), 0);
	assert_int_equal(fake_did.frees, 1);
	assert_int_equal(((struct object *)object_of(1, AT_NOTIFICATION))->refs, 1);
}

static void level_pins_and_messages(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, IRQ_PIN, AT_CTL_IRQ, AT_IRQ, 3, 1, 0), 0);
	assert_true(irq()->source.level);
	assert_int_equal(SYS(1, IRQ_ACK, AT_IRQ), 0);
	assert_int_equal(fake_did.unmasks, 2);
	assert_int_equal(SYS(2, IRQ_MSI, AT_CTL_IRQ, AT_IRQ, n_cpus), -SK_E_INVAL);
	assert_int_equal(SYS(2, IRQ_MSI, AT_CTL_IRQ, AT_IRQ, 1, 1ull << 32), -SK_E_INVAL);
	assert_int_equal(SYS(2, IRQ_MSI, AT_CTL_IRQ, AT_IRQ, 1, 0x10108), 0);
	assert_int_equal(((struct irq *)object_of(2, AT_IRQ))->source.rid, 0x10108);
	assert_int_equal(regs(2)->rdi, 0xfee01000);
	assert_int_equal(SYS(2, IRQ_ACK, AT_IRQ), 0);
	assert_int_equal(fake_did.unmasks, 2);
	/* not claimed, so there is nothing to give back */
	assert_int_equal(SYS(3, DELETE, AT_CNODE, AT_IRQ), 0);
	assert_int_equal(fake_did.frees, 0);
}

int rules_objects(void)
{
	static const struct CMUnitTest tests[] = {
		RULE(threads_are_configured),
		RULE(threads_lose_their_capabilities),
		RULE(suspending),
		RULE(registers_stand_still),
		RULE(threads_end),
		RULE(pins),
		RULE(level_pins_and_messages),
	};

	return cmocka_run_group_tests_name("objects", tests, NULL, NULL);
}
