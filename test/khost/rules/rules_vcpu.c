/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rules_vcpu.c - entering and leaving a guest
 */
#include "rules.h"
#include "check.h"
#include "ipc.h"
#include "sched.h"
#include "space.h"
#include "vcpu.h"

enum { S = AT_FREE, N = AT_NOTIFICATION, AT_STATE = 0x140000 };

static struct vcpu *v(void) { return domains[1].vcpu; }
static struct sk_vcpu_state *page(void) { return user_memory(virt_to_phys(v()->state)); }
static struct thread *runner(void) { return domains[1].thread[0]; }

static void enter_guest(sk_time_t until)
{
	assert_int_equal(SYS(1, VCPU_ENTER, AT_VCPU, until), BLOCKED);
	assert_int_equal(cpu_place[1], CPU_GUEST);
	assert_ptr_equal(cpus[1]->nested, domains[1].nested);
	assert_ptr_equal(v()->on, cpus[1]);
}

static void left_with(long rc, uint64_t reason)
{
	assert_int_equal(result(runner()), rc);
	assert_int_equal(cpu_place[1], CPU_USER);
	assert_null(v()->entered);
	if (!rc) {
		assert_int_equal(regs(1)->rdi, reason);
		assert_int_equal(page()->exit_reason, reason);
	}
}

static void exits_end_turns(void **state)
{
	(void)state;
	enter_guest(SK_NO_DEADLINE);
	guest_exit(1, SK_EXIT_CPUID);
	left_with(0, SK_EXIT_CPUID);
	page()->dirty = SK_VCPU_GPR;
	enter_guest(SK_NO_DEADLINE);
	/* the kernel takes the registers over at the entry */
	assert_int_equal(page()->dirty, 0);
	guest_exit(1, SK_EXIT_HLT);
	left_with(0, SK_EXIT_HLT);
}

static void deadlines_end_turns(void **state)
{
	sk_time_t until = fake_now + 1000;

	(void)state;
	enter_guest(until);
	time_is(until - 1);
	assert_int_equal(result(runner()), BLOCKED);
	/* a timer of an earlier turn fires late */
	thread_timeout(runner(), until - 1);
	kicks();
	assert_int_equal(result(runner()), BLOCKED);
	assert_false(runner()->expired);
	time_is(until);
	left_with(0, SK_EXIT_DEADLINE);
	/* an expired deadline does not affect the next turn */
	enter_guest(fake_now + 1000);
	guest_exit(1, SK_EXIT_HLT);
	time_is(fake_now + 2000);
	left_with(0, SK_EXIT_HLT);
	enter_guest(SK_NO_DEADLINE);
	assert_int_equal(result(runner()), BLOCKED);
	time_is(fake_now + 10000);
	assert_int_equal(result(runner()), BLOCKED);
	guest_exit(1, SK_EXIT_HLT);
	/* a deadline in the past */
	assert_int_equal(SYS(1, VCPU_ENTER, AT_VCPU, 1), BLOCKED);
	time_is(fake_now);
	left_with(0, SK_EXIT_DEADLINE);
}

static void signals_end_turns(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD, 0), 0);
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD, N), 0);
	assert_int_equal(SYS(1, SIGNAL, AT_BADGED), 0);
	/* signalled before it entered */
	assert_int_equal(SYS(1, VCPU_ENTER, AT_VCPU, SK_NO_DEADLINE), 0);
	left_with(0, SK_EXIT_SIGNAL);
	assert_int_equal(page()->qual[0], 1);
	assert_int_equal(SYS(1, POLL, N), -SK_E_AGAIN);
	enter_guest(SK_NO_DEADLINE);
	/* a signal to another notification has no effect */
	assert_int_equal(SYS(0, SIGNAL, AT_PEER_NOTIFICATION), 0);
	assert_int_equal(result(runner()), BLOCKED);
	assert_int_equal(SYS(0, COPY, AT_CNODE, 200, ROOT_CNODE + 1, AT_BADGED, SK_ALL), 0);
	assert_int_equal(SYS(0, SIGNAL, 200), 0); /* while it is in the guest */
	left_with(0, SK_EXIT_SIGNAL);
	assert_int_equal(page()->qual[0], 1);
	assert_int_equal(page()->irq_pending, 0);
	/* both at once: it reports the signal, and the next turn still meets its deadline */
	enter_guest(fake_now + 1000);
	assert_int_equal(SYS(0, SIGNAL, 200), 0);
	left_with(0, SK_EXIT_SIGNAL);
	/* bound while the thread is in the guest, with a word waiting */
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD, 0), 0);
	assert_int_equal(SYS(0, SIGNAL, 200), 0);
	enter_guest(SK_NO_DEADLINE);
	second_runs(2, 3, 20);
	assert_int_equal(SYS(0, COPY, AT_CNODE, 201, ROOT_CNODE + 1, AT_THREAD, SK_ALL), 0);
	assert_int_equal(SYS(0, COPY, AT_CNODE, 202, ROOT_CNODE + 1, N, SK_ALL), 0);
	assert_int_equal(SYS(0, THREAD_BIND, 201, 202), 0);
	left_with(0, SK_EXIT_SIGNAL);
}

static void one_thread_a_guest(void **state)
{
	struct thread *second = domains[1].thread[1];

	(void)state;
	second_runs(1, 2, 20);
	enter_guest(SK_NO_DEADLINE);
	assert_int_equal(SYS2(1, VCPU_ENTER, AT_VCPU, SK_NO_DEADLINE), -SK_E_BUSY);
	assert_int_equal(SYS2(1, VCPU_SYNC, AT_VCPU, 1), -SK_E_BUSY);
	assert_int_equal(
		SYS2(1, VCPU_CONFIGURE, AT_VCPU, AT_NESTED, AT_SPACE, AT_STATE), -SK_E_BUSY);
	assert_int_equal(result(runner()), BLOCKED);
	guest_exit(1, SK_EXIT_HLT);
	assert_int_equal(SYS2(1, VCPU_SYNC, AT_VCPU, 1ull << 32), -SK_E_INVAL);
	assert_int_equal(v()->hw[0], 0);
	assert_int_equal(SYS2(1, VCPU_SYNC, AT_VCPU, 1), 0);
	assert_int_equal(v()->hw[0], 1);
	assert_int_equal(SYS2(1, VCPU_ENTER, AT_VCPU, SK_NO_DEADLINE), BLOCKED);
	assert_ptr_equal(v()->entered, second);
	assert_ptr_equal(v()->on, cpus[2]);
	/* without that authority */
	assert_int_equal(SYS(1, SCHED_CONFIGURE, AT_CTL_SCHED, AT_SCHED, 1 | 10 << 16, 256), 0);
	assert_int_equal(SYS(1, VCPU_ENTER, AT_PEER_VCPU, SK_NO_DEADLINE), -SK_E_DENIED);
}

/*
 * The last CPU still holds the vCPU's registers: a call that needs them waits until they are
 * back in the object.
 */
static void registers_come_home(void **state)
{
	static const uint64_t enter[6] = { AT_VCPU, SK_NO_DEADLINE }, sync[6] = { AT_VCPU, 1 };
	struct thread *second = domains[1].thread[1];

	(void)state;
	second_runs(1, 2, 20);
	enter_guest(SK_NO_DEADLINE);
	runner()->regs.r.rip = 0x2002;
	core_vcpu_exit(v(), runner(), SK_EXIT_HLT); /* but its CPU has not left the guest */
	assert_false(sys_once(second, SK_SYS_VCPU_ENTER, enter));
	second->regs.r.rax = SK_SYS_VCPU_SYNC;
	second->regs.r.rsi = 1;
	assert_false(sys_once(second, SK_SYS_VCPU_SYNC, sync));
	assert_null(v()->entered);
	cpu_kicked[1] = true;
	kicks();
	assert_null(v()->on);
	assert_true(sys_once(second, SK_SYS_VCPU_SYNC, sync));
	assert_int_equal(SYS2(1, VCPU_ENTER, AT_VCPU, SK_NO_DEADLINE), BLOCKED);
}

static void interrupts_are_injected(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, VCPU_INJECT, AT_VCPU, 256), -SK_E_INVAL);
	assert_int_equal(v()->pending_irq, 0);
	assert_int_equal(SYS(1, VCPU_INJECT, AT_VCPU, 255), 0);
	assert_int_equal(v()->pending_irq, 0x1ff);
	assert_int_equal(SYS(1, VCPU_INJECT, AT_VCPU, 0x40), -SK_E_BUSY);
	assert_int_equal(regs(1)->rdi, 0x1ff);
	v()->pending_irq = 0;
	assert_int_equal(SYS(1, VCPU_INJECT, AT_VCPU, 0), 0);
	assert_int_equal(v()->pending_irq, 0x100);
	v()->pending_irq = 0;
	/* the guest runs on another CPU, which checks for the request */
	enter_guest(SK_NO_DEADLINE);
	assert_int_equal(SYS(0, COPY, AT_CNODE, 200, ROOT_CNODE + 1, AT_VCPU, SK_ALL), 0);
	assert_true(sys_once(
		domains[0].thread[0], SK_SYS_VCPU_INJECT, (const uint64_t[6]){ 200, 0x40 }));
	assert_true(cpu_kicked[1]);
	kicks();
	assert_int_equal(cpu_place[1], CPU_GUEST);
	assert_int_equal(result(runner()), BLOCKED);
}

/*
 * The guest continues after interrupts of its CPU, on another CPU, and after its thread was in
 * a queue.
 */
static void turns_go_on(void **state)
{
	(void)state;
	enter_guest(SK_NO_DEADLINE);
	cpu_kicked[1] = true;
	kicks();
	assert_int_equal(cpu_place[1], CPU_GUEST);
	second_runs(3, 1, 20);
	assert_ptr_equal(cpus[1]->current, domains[3].thread[1]);
	assert_null(v()->on);
	assert_int_equal(result(runner()), BLOCKED);
	assert_int_equal(SYS2(3, WAIT, N, SK_NO_DEADLINE), BLOCKED);
	assert_int_equal(cpu_place[1], CPU_GUEST);
	assert_ptr_equal(v()->on, cpus[1]);
	assert_int_equal(SYS(0, COPY, AT_CNODE, 200, ROOT_CNODE + 1, AT_SCHED, SK_ALL), 0);
	assert_int_equal(SYS(0, SCHED_CONFIGURE, AT_CTL_SCHED, 200,
				 0 | (20 | SK_SCHED_GUESTS) << 16, 256),
		0);
	assert_int_equal(cpu_place[0], CPU_GUEST);
	assert_ptr_equal(v()->on, cpus[0]);
	assert_null(cpus[1]->nested);
}

/*
 * Only a thread that is in a guest leaves it, and a thread that was taken out does not enter.
 */
static void turns_have_an_owner(void **state)
{
	uint8_t syncs;

	(void)state;
	use_cpu(1);
	assert_null(vcpu_take(v(), runner()));
	enter_guest(SK_NO_DEADLINE);
	core_vcpu_exit(v(), domains[1].thread[1], SK_EXIT_HLT);
	assert_ptr_equal(v()->entered, runner());
	guest_exit(1, SK_EXIT_HLT);
	/*
	 * a signal and the deadline at once: it reports the signal, and the page is up to date
	 */
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD, 0), 0);
	assert_int_equal(SYS(1, THREAD_BIND, AT_THREAD, N), 0);
	assert_int_equal(SYS(0, COPY, AT_CNODE, 200, ROOT_CNODE + 1, AT_BADGED, SK_ALL), 0);
	enter_guest(fake_now + 1000);
	syncs = v()->hw[0];
	assert_true(sys_once(domains[0].thread[0], SK_SYS_SIGNAL, (const uint64_t[6]){ 200 }));
	fake_now += 1000;
	thread_timeout(runner(), fake_now);
	kicks();
	left_with(0, SK_EXIT_SIGNAL);
	assert_int_equal(v()->hw[0], syncs + 1);
	/* its memory is released only after its CPU has left */
	enter_guest(SK_NO_DEADLINE);
	assert_false(sys_once(domains[0].thread[0], SK_SYS_REVOKE,
		(const uint64_t[6]){ ROOT_CNODE + 1, AT_NESTED }));
	kicks();
	assert_true(sys_once(domains[0].thread[0], SK_SYS_REVOKE,
		(const uint64_t[6]){ ROOT_CNODE + 1, AT_NESTED }));
	/* a vCPU that has ended cannot be entered */
	assert_int_equal(SYS(1, VCPU_CONFIGURE, AT_VCPU, AT_NESTED, AT_SPACE, AT_STATE), 0);
	v()->obj.dead = true;
	assert_int_equal(SYS(1, VCPU_ENTER, AT_VCPU, SK_NO_DEADLINE), -SK_E_DELETED);
	v()->obj.dead = false;
	assert_int_equal(vcpu_destroy(&v()->obj), 0);
	assert_true(v()->obj.dead);
	v()->obj.dead = false; /* for the walker */
}

/* A thread that is taken out of a guest is told why. */
static void guests_are_ended(void **state)
{
	(void)state;
	assert_int_equal(SYS(0, COPY, AT_CNODE, 200, ROOT_CNODE + 1, AT_THREAD, SK_ALL), 0);
	enter_guest(fake_now + 1000);
	assert_int_equal(SYS(0, THREAD_SUSPEND, 200), 0);
	assert_int_equal(result(runner()), -SK_E_AGAIN);
	assert_null(v()->entered);
	assert_null(v()->on);
	assert_null(cpus[1]->nested);
	assert_int_equal(SYS(0, THREAD_RESUME, 200), 0);
	time_is(fake_now + 2000);
	left_with(-SK_E_AGAIN, 0);
	enter_guest(SK_NO_DEADLINE);
	assert_int_equal(SYS(0, REVOKE, ROOT_CNODE + 1, AT_NESTED), 0);
	left_with(-SK_E_DELETED, 0);
	assert_null(cpus[1]->nested);
	assert_null(v()->nested);
	assert_int_equal(SYS(1, VCPU_ENTER, AT_VCPU, SK_NO_DEADLINE), -SK_E_STATE);
	assert_int_equal(SYS(1, VCPU_CONFIGURE, AT_VCPU, AT_NESTED, AT_SPACE, AT_STATE), 0);
	enter_guest(SK_NO_DEADLINE);
	assert_int_equal(SYS(0, REVOKE, ROOT_CNODE + 1, AT_VCPU), 0);
	assert_int_equal(SYS(0, DELETE, AT_CNODE, AT_PEER_VCPU), 0);
	assert_int_equal(result(runner()), BLOCKED);
	assert_int_equal(SYS(0, DELETE, ROOT_CNODE + 1, AT_VCPU), 0);
	assert_int_equal(result(runner()), -SK_E_DELETED);
	assert_null(cpus[1]->nested);
	/* its state page is gone from the VMM's space */
	assert_int_equal(SYS(1, MAP, AT_FRAME, AT_SPACE, AT_STATE, 0, 12, SK_R), 0);
}

/* A space ends while a guest uses it. */
static void nested_spaces_end(void **state)
{
	(void)state;
	enter_guest(SK_NO_DEADLINE);
	assert_int_equal(SYS(0, DELETE, AT_CNODE, AT_PEER_NESTED), 0);
	assert_int_equal(SYS(0, DELETE, ROOT_CNODE + 1, AT_NESTED), 0);
	assert_int_equal(result(runner()), BLOCKED); /* the vCPU has a capability of its own */
	assert_int_equal(((struct object *)domains[1].nested)->refs, 1);
	assert_int_equal(SYS(0, REVOKE, AT_CNODE, ROOT_MEMORY + 1), 0);
	assert_null(cpus[1]->nested);
	assert_null(cpus[1]->current);
}

static void state_pages(void **state)
{
	(void)state;
	assert_int_equal(SYS(1, VCPU_CONFIGURE, AT_VCPU, AT_NESTED, AT_SPACE, 0x7000000000),
		-SK_E_NO_TABLE);
	assert_int_equal(regs(1)->rsi, 2);
	/* what it had is gone by now */
	assert_int_equal(SYS(1, VCPU_ENTER, AT_VCPU, SK_NO_DEADLINE), -SK_E_STATE);
	assert_int_equal(
		SYS(1, VCPU_CONFIGURE, AT_VCPU, AT_NESTED, AT_SPACE, UTCB_VADDR), -SK_E_EXISTS);
	assert_int_equal(SYS(1, VCPU_CONFIGURE, AT_VCPU, AT_NESTED, AT_SPACE, AT_STATE), 0);
	assert_int_equal(SYS(1, VCPU_CONFIGURE, AT_VCPU, AT_NESTED, AT_SPACE, AT_STATE), 0);
	assert_int_equal(v()->nested_slot.type, SK_OBJ_SPACE_NESTED);
	assert_ptr_equal(v()->state_slot.space, domains[1].space);
	enter_guest(SK_NO_DEADLINE);
}

int rules_vcpu(void)
{
	static const struct CMUnitTest tests[] = {
		RULE(exits_end_turns),
		RULE(deadlines_end_turns),
		RULE(signals_end_turns),
		RULE(one_thread_a_guest),
		RULE(registers_come_home),
		RULE(interrupts_are_injected),
		RULE(turns_go_on),
		RULE(turns_have_an_owner),
		RULE(guests_are_ended),
		RULE(nested_spaces_end),
		RULE(state_pages),
	};

	return cmocka_run_group_tests_name("guests", tests, NULL, NULL);
}
