/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * smp_test.c - requests between CPUs: who is asked, when the work is done, and what a CPU does
 * while it waits
 *
 * The other CPUs act where a waiting CPU polls. They answer only what they were interrupted
 * for.
 */
#include "processor.h"

static void poll(void);
static void invlpg(uint64_t va);
#define cpu_pause() poll()
#include "kernel/arch/x86_64/smp.c"

enum { CPUS = 4, PATIENCE = 100000, PAGES_MAX = 64 };

static struct cpu_arch machine[CPUS];
struct cpu *cpus[SK_CPU_MAX];
uint32_t n_cpus;
uint64_t kernel_root = 0x1000, trampoline_paddr;
uint64_t boot_pml4[512];
const uint8_t trampoline_start[1], trampoline_end[1];

static struct {
	unsigned int polls;
	uint64_t interrupted, nmi; /* bit per CPU */
	void (*on_poll)(void);
	unsigned int n_pages[CPUS], n_roots[CPUS];
	uint64_t page[CPUS][PAGES_MAX];
	unsigned int n_windows;
	bool pending;
} seen;

/* --- the processor ------------------------------------------------------------------------ */

void lapic_send(uint32_t apic_id, uint32_t icr)
{
	if (icr & ICR_NMI) {
		seen.nmi |= icr & ICR_OTHERS ? ~bit(this_cpu()->id) : 0;
		return;
	}
	assert_in_range(apic_id, 10, 10 + CPUS - 1);
	seen.interrupted |= bit(apic_id - 10);
}

/* The asker believes that the work is done when the bit is clear. */
static void is_still_waited_for(void)
{
	for (unsigned int i = 0; i < CPUS; i++)
		if (machine[i].request.fn && &machine[i].cpu != this_cpu())
			assert_true(machine[i].request.waiting & bit(this_cpu()->id));
}

static void invlpg(uint64_t va)
{
	uint32_t me = this_cpu()->id;

	is_still_waited_for();
	assert_true(seen.n_pages[me] < PAGES_MAX);
	seen.page[me][seen.n_pages[me]++] = va;
}

void flush_window(uint64_t vaddr, uint64_t size)
{
	(void)vaddr, (void)size;
	is_still_waited_for();
	seen.n_windows++;
}

bool arch_irq_pending(void) { return seen.pending; }

/* An interrupted CPU takes its interrupt. */
static void answer(unsigned int i)
{
	struct cpu *me = this_cpu();
	unsigned int before = processor.cr3_writes;

	if (!(seen.interrupted & bit(i)))
		return;
	seen.interrupted &= ~bit(i);
	be(&machine[i].cpu);
	arch_serve();
	seen.n_roots[i] += processor.cr3_writes - before;
	be(me);
}

static void all_answer(void)
{
	for (unsigned int i = 0; i < CPUS; i++)
		if (&machine[i].cpu != this_cpu())
			answer(i);
}

static void poll(void)
{
	assert_true(++seen.polls < PATIENCE);
	if (seen.on_poll)
		seen.on_poll();
}

/* --- what smp.c needs to start CPUs ------------------------------------------------------- */
void cpu_setup(struct cpu *c) { (void)c; }
void lapic_setup_cpu(void) {}
void delay_us(uint64_t us) { (void)us; }
void arch_window_open(uint64_t paddr, uint64_t size) { (void)paddr, (void)size; }
void arch_window_close(uint64_t paddr, uint64_t size) { (void)paddr, (void)size; }
void boot_map_drop(void) {}
void kernel_exit(void) { abort(); }
void klog(const char *fmt, ...) { (void)fmt; }
void panic(const char *fmt, ...)
{
	fail_msg("%s", fmt);
	__builtin_unreachable();
}

static int set_up(void **state)
{
	(void)state;
	memset(&machine, 0, sizeof(machine));
	memset(&seen, 0, sizeof(seen));
	processor_reset();
	for (unsigned int i = 0; i < CPUS; i++) {
		machine[i].cpu = (struct cpu){ .id = i, .apic_id = 10 + i, .epoch = 1 };
		cpus[i] = &machine[i].cpu;
	}
	n_cpus = CPUS;
	online = bit(CPUS) - 1;
	seen.on_poll = all_answer;
	be(cpus[0]);
	return 0;
}

/* --- shoot-downs -------------------------------------------------------------------------- */

static struct space one, two;

static void users_of_a_space_forget_each_page(void **state)
{
	(void)state;
	cpus[0]->space = cpus[1]->space = &one;
	cpus[2]->space = &two;
	arch_tlb_shootdown(&one, 0x7000, 3 * SK_PAGE_SIZE);
	for (unsigned int i = 0; i < 2; i++) {
		assert_int_equal(seen.n_pages[i], 3);
		for (unsigned int p = 0; p < 3; p++)
			assert_int_equal(seen.page[i][p], 0x7000 + p * SK_PAGE_SIZE);
	}
	assert_int_equal(seen.n_pages[2] + seen.n_pages[3], 0);
	assert_int_equal(processor.cr3_writes, 0);
	assert_int_equal(machine[0].request.waiting, 0);
}

/* Loading CR3 with what it holds forgets all of the space (AMD64 manual volume 2, 5.5.2). */
static void users_of_a_space_forget_many_pages_at_once(void **state)
{
	(void)state;
	cpus[0]->space = cpus[1]->space = &one;
	cpus[2]->space = &two;
	processor.cr3 = 0x5000;
	arch_tlb_shootdown(&one, 0, 33 * SK_PAGE_SIZE);
	assert_int_equal(processor.cr3_writes, 2);
	assert_int_equal(seen.n_roots[1], 1);
	assert_int_equal(processor.cr3, 0x5000);
	arch_tlb_shootdown(&one, 0, 32 * SK_PAGE_SIZE);
	assert_int_equal(processor.cr3_writes, 2);
	assert_int_equal(seen.n_pages[1], 32);
}

static void guests_of_a_space_leave_it(void **state)
{
	(void)state;
	cpus[3]->nested = &one;
	arch_tlb_shootdown(&one, 0, SK_PAGE_SIZE);
	assert_int_equal(seen.polls, 1);
	assert_int_equal(seen.n_pages[3], 0);
}

static void all_forget_the_window(void **state)
{
	(void)state;
	arch_tlb_shootdown(NULL, 0, SK_PAGE_SIZE);
	assert_int_equal(seen.n_windows, CPUS);
	online = 1;
	arch_tlb_shootdown(NULL, 0, SK_PAGE_SIZE);
	assert_int_equal(seen.n_windows, CPUS + 1);
}

static void each_shoot_down_and_space_has_its_generation(void **state)
{
	uint64_t before;

	(void)state;
	arch_space_init(&one);
	arch_space_init(&two);
	assert_true(one.arch_data[0] != two.arch_data[0]);
	before = one.arch_data[0];
	arch_tlb_shootdown(&one, 0, SK_PAGE_SIZE);
	assert_true(one.arch_data[0] > before && one.arch_data[0] != two.arch_data[0]);
}

/* --- waiting ------------------------------------------------------------------------------ */

static unsigned int worked;
static void work(void *arg)
{
	assert_ptr_equal(arg, &worked);
	assert_ptr_equal(this_cpu(), cpus[0]);
	worked++;
}

/* CPU 1 waits for CPU 0 itself, with interrupts off. */
static void answers_when_it_was_answered(void)
{
	if (!machine[1].request.waiting)
		all_answer();
}

static void a_cpu_that_waits_serves_others(void **state)
{
	(void)state;
	worked = 0;
	cpus[1]->space = &one;
	machine[1].request = (struct request){ .fn = work, .arg = &worked, .waiting = bit(0) };
	machine[0].requests = bit(1);
	seen.on_poll = answers_when_it_was_answered;
	arch_tlb_shootdown(&one, 0, SK_PAGE_SIZE);
	assert_int_equal(worked, 1);
	assert_int_equal(machine[1].request.waiting, 0);
	assert_int_equal(machine[0].requests, 0);
	assert_int_equal(seen.n_pages[1], 1);
}

static unsigned int late;
static void answer_late(void)
{
	if (late++ > 10)
		all_answer();
}

static void a_cpu_waits_for_all_that_it_asked(void **state)
{
	(void)state;
	late = 0;
	for (unsigned int i = 1; i < CPUS; i++)
		cpus[i]->space = &one;
	seen.on_poll = answer_late;
	arch_tlb_shootdown(&one, 0, SK_PAGE_SIZE);
	for (unsigned int i = 1; i < CPUS; i++)
		assert_int_equal(seen.n_pages[i], 1);
}

static void a_kick_is_seen_and_interrupts(void **state)
{
	(void)state;
	arch_kick(cpus[2]);
	assert_true(cpus[2]->resched);
	assert_int_equal(seen.interrupted, bit(2));
	arch_kick(cpus[0]);
	assert_true(cpus[0]->resched);
	assert_int_equal(seen.interrupted, bit(2));
}

static void nobody_else_is_stopped_on_one_cpu(void **state)
{
	(void)state;
	smp_stop_others();
	assert_int_equal(seen.nmi, ~bit(0));
	seen.nmi = 0;
	online = 1;
	smp_stop_others();
	assert_int_equal(seen.nmi, 0);
}

/* --- a space ends ------------------------------------------------------------------------- */

static void no_cpu_keeps_the_tables_of_a_space_that_ended(void **state)
{
	(void)state;
	cpus[0]->space = cpus[1]->space = &one;
	cpus[2]->space = &two;
	for (unsigned int i = 0; i < CPUS; i++)
		machine[i].last_space = i == 2 ? &two : &one;
	arch_space_drop(&one);
	assert_int_equal(processor.cr3_writes, 2);
	assert_int_equal(processor.cr3, kernel_root);
	assert_int_equal(seen.n_roots[1], 1);
	for (unsigned int i = 0; i < CPUS; i++) {
		assert_ptr_equal(cpus[i]->space, i == 2 ? &two : NULL);
		assert_ptr_equal(machine[i].last_space, i == 2 ? &two : NULL);
	}
}

/* --- quiescence --------------------------------------------------------------------------- */

static void leave_one_by_one(void)
{
	assert_int_equal(cpus[0]->epoch & 1, 0); /* SMP2 */
	if (seen.polls % 5 == 0)
		cpus[seen.polls / 5 % CPUS]->epoch++;
}

static void all_have_been_outside(void **state)
{
	(void)state;
	cpus[2]->epoch = 8; /* it sleeps */
	seen.on_poll = leave_one_by_one;
	assert_true(arch_quiesce());
	assert_true(cpus[1]->epoch > 1 && cpus[3]->epoch > 1);
	assert_int_equal(cpus[0]->epoch, 3);
}

static void an_interrupt_comes(void)
{
	if (seen.polls == 20)
		seen.pending = true;
}

static void an_interrupt_ends_the_wait(void **state)
{
	(void)state;
	seen.on_poll = an_interrupt_comes;
	assert_false(arch_quiesce());
	assert_int_equal(cpus[0]->epoch, 3);
	assert_int_equal(seen.polls, 20);
}

static void those_that_sleep_are_not_waited_for(void **state)
{
	(void)state;
	for (unsigned int i = 1; i < CPUS; i++)
		cpus[i]->epoch = 2;
	assert_true(arch_quiesce());
	assert_int_equal(seen.polls, 0);
	online = 1;
	cpus[1]->epoch = 1; /* it did not start */
	assert_true(arch_quiesce());
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(users_of_a_space_forget_each_page, set_up),
		cmocka_unit_test_setup(users_of_a_space_forget_many_pages_at_once, set_up),
		cmocka_unit_test_setup(guests_of_a_space_leave_it, set_up),
		cmocka_unit_test_setup(all_forget_the_window, set_up),
		cmocka_unit_test_setup(each_shoot_down_and_space_has_its_generation, set_up),
		cmocka_unit_test_setup(a_cpu_that_waits_serves_others, set_up),
		cmocka_unit_test_setup(a_cpu_waits_for_all_that_it_asked, set_up),
		cmocka_unit_test_setup(a_kick_is_seen_and_interrupts, set_up),
		cmocka_unit_test_setup(nobody_else_is_stopped_on_one_cpu, set_up),
		cmocka_unit_test_setup(no_cpu_keeps_the_tables_of_a_space_that_ended, set_up),
		cmocka_unit_test_setup(all_have_been_outside, set_up),
		cmocka_unit_test_setup(an_interrupt_ends_the_wait, set_up),
		cmocka_unit_test_setup(those_that_sleep_are_not_waited_for, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
