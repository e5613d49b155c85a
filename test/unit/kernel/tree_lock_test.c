/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree_lock_test.c - the tree lock: it is handed round in a circle, and a waiting CPU gives up
 * for an interrupt unless it was given the lock
 *
 * The other CPUs act where a waiting CPU polls, in arch_serve() and arch_irq_pending(), and
 * just before a CPU withdraws a wish.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <asm/prctl.h>
#include <sys/syscall.h>
#include <unistd.h>

static void (*before_withdrawal)(void);
static uint64_t wish_withdraw(uint64_t *wanted, uint64_t mask)
{
	void (*other)(void) = before_withdrawal;

	before_withdrawal = NULL;
	if (other)
		other();
	return __atomic_fetch_and(wanted, mask, __ATOMIC_SEQ_CST);
}
#define __atomic_fetch_and(wanted, mask, order) wish_withdraw(wanted, mask)
#include "kernel/cap.c"

/* --- a machine of four CPUs; the test runs one of them at a time -------------------------- */

enum { CPUS = 4, PATIENCE = 1000 };
static struct cpu machine[CPUS];
static unsigned int served, looked;
static void (*on_serve)(void);
static bool (*on_look)(void);

static void be(unsigned int cpu)
{
	machine[cpu].self = &machine[cpu];
	machine[cpu].id = cpu;
	assert_int_equal(syscall(SYS_arch_prctl, ARCH_SET_GS, &machine[cpu]), 0);
}

void arch_serve(void)
{
	assert_true(++served < PATIENCE);
	if (on_serve)
		on_serve();
}

bool arch_irq_pending(void)
{
	looked++;
	return on_look && on_look();
}

static bool yes(void) { return true; }

static int set_up(void **state)
{
	(void)state;
	tree = (struct tree_lock){ 0 };
	served = looked = 0;
	on_serve = NULL;
	on_look = NULL;
	before_withdrawal = NULL;
	be(0);
	return 0;
}

/*
 * The compiler may read GS once for a whole function, since in the kernel a function stays on
 * its CPU. So each step that a CPU makes is a function of its own here.
 */
#define cpu_step __attribute__((noinline))
static cpu_step bool cpu_lock(void) { return tree_lock(); }
static cpu_step void TA_OFF cpu_unlock(void) { tree_unlock(); }
static cpu_step bool cpu_holds(void) { return tree_held(); }

/* --- what else kernel/cap.c needs --------------------------------------------------------- */

void panic(const char *fmt, ...)
{
	fail_msg("%s", fmt);
	__builtin_unreachable();
}
/* No slot of these tests names an object. */
const struct object_ops object_ops[SK_OBJ_END];
void cnode_end(struct slot *s) { (void)s; }
int thread_detach(struct slot *s) { return s ? 0 : -1; }
int vcpu_detach(struct slot *s) { return s ? 0 : -1; }
int frame_unmap_all(struct slot *frame) { return frame ? 0 : -1; }
int table_unlink(struct slot *table)
{
	(void)table;
	return 0;
}
void space_relink(struct slot *s) { (void)s; }

/* --- cases -------------------------------------------------------------------------------- */

static void a_free_lock_is_taken_at_once(void **state)
{
	(void)state;
	assert_false(cpu_holds());
	assert_true(cpu_lock());
	assert_true(cpu_holds());
	be(1);
	assert_false(cpu_holds());
	be(0);
	cpu_unlock();
	assert_false(cpu_holds());
	assert_int_equal(served, 0);
	assert_int_equal(tree.holder, 0);
}

static void cpu_1_releases(void)
{
	if (served != 5)
		return;
	be(1);
	cpu_unlock();
	be(0);
}

/* While a CPU waits it answers requests, and it has the lock as soon as it is given. */
static void a_waiting_cpu_is_given_the_lock(void **state)
{
	(void)state;
	be(1);
	assert_true(cpu_lock());
	be(0);
	on_serve = cpu_1_releases;
	assert_true(cpu_lock());
	assert_true(cpu_holds());
	assert_int_equal(served, 5);
	assert_int_equal(tree.wanted, 0);
	cpu_unlock();
	assert_int_equal(tree.holder, 0);
}

static void the_lock_goes_round_in_a_circle(void **state)
{
	static const unsigned int from[] = { 1, 2, 3, 0 }, to[] = { 2, 3, 0, 1 };

	(void)state;
	for (unsigned int i = 0; i < CPUS; i++) {
		tree.holder = from[i] + 1;
		tree.wanted = 0xf & ~(1ull << from[i]);
		be(from[i]);
		cpu_unlock();
		assert_int_equal(tree.holder, to[i] + 1);
		assert_int_equal(tree.wanted, 0xf & ~(1ull << from[i]) & ~(1ull << to[i]));
	}
	be(3);
	tree.holder = 4;
	tree.wanted = 1ull << 63 | 1;
	cpu_unlock();
	assert_int_equal(tree.holder, 64);
	assert_int_equal(tree.wanted, 1);
}

static void cpu_2_leaves(void) { tree.wanted &= ~(1ull << 2); }

/* A CPU that left meanwhile is not given the lock, which it would never release. */
static void the_lock_goes_to_a_cpu_that_still_waits(void **state)
{
	(void)state;
	be(1);
	assert_true(cpu_lock());
	tree.wanted = 1 << 2 | 1 << 0;
	before_withdrawal = cpu_2_leaves;
	cpu_unlock();
	assert_int_equal(tree.holder, 1);
	assert_int_equal(tree.wanted, 0);
	tree = (struct tree_lock){ .holder = 2, .wanted = 1 << 2 };
	before_withdrawal = cpu_2_leaves;
	cpu_unlock();
	assert_int_equal(tree.holder, 0);
}

static void a_waiting_cpu_leaves_for_an_interrupt(void **state)
{
	(void)state;
	be(1);
	assert_true(cpu_lock());
	be(0);
	on_look = yes;
	assert_false(cpu_lock());
	assert_false(cpu_holds());
	assert_int_equal(tree.wanted, 0);
	be(1);
	cpu_unlock();
	assert_int_equal(tree.holder, 0);
}

/* The interrupt comes after the lock was given: the lock must not be lost. */
static bool given_and_pending(void)
{
	assert_int_equal(tree.wanted, 1);
	be(1);
	cpu_unlock();
	be(0);
	return true;
}

static void a_lock_on_its_way_is_not_refused(void **state)
{
	(void)state;
	be(1);
	assert_true(cpu_lock());
	be(0);
	on_look = given_and_pending;
	assert_true(cpu_lock());
	assert_true(cpu_holds());
	assert_int_equal(looked, 1);
	assert_int_equal(tree.wanted, 0);
}

/* The releasing CPU saw no waiter. */
static void cpu_1_releases_blindly(void)
{
	if (served == 3)
		tree.holder = 0;
}

static void a_lock_that_became_free_is_taken(void **state)
{
	(void)state;
	be(1);
	assert_true(cpu_lock());
	be(0);
	on_serve = cpu_1_releases_blindly;
	assert_true(cpu_lock());
	assert_true(cpu_holds());
	assert_int_equal(tree.wanted, 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(a_free_lock_is_taken_at_once, set_up),
		cmocka_unit_test_setup(a_waiting_cpu_is_given_the_lock, set_up),
		cmocka_unit_test_setup(the_lock_goes_round_in_a_circle, set_up),
		cmocka_unit_test_setup(the_lock_goes_to_a_cpu_that_still_waits, set_up),
		cmocka_unit_test_setup(a_waiting_cpu_leaves_for_an_interrupt, set_up),
		cmocka_unit_test_setup(a_lock_on_its_way_is_not_refused, set_up),
		cmocka_unit_test_setup(a_lock_that_became_free_is_taken, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
