/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vtd_test.c - VT-d on a unit that is played: what is written for a device, what the unit is
 * asked, and what waits for its answer
 */
#include "iommu.h"
#include "kernel/arch/x86_64/vtd.c"

#define CAP_BOTH (CAP_LEVELS(3) | CAP_LEVELS(4))
#define CAP_USUAL (CAP_BOTH | 2 | 47ull << 16 | CAP_LARGE | CAP_HUGE | FAULTS_3)
/* three records, from 0x200 on */
#define FAULTS_3 (0x20ull << 24 | 2ull << 40)
enum { RECORDS = 0x200, RID = 0x0310 };

const struct iommu_ops amdvi_ops;
static bool translated_when_asked, remapped_when_asked;

/* Read the queue up to the tail. */
static void unit_works(void)
{
	const uint64_t(*queue)[2] = (void *)reg_now(REG_QUEUE, 8);
	uint32_t head = (uint32_t)reg_now(REG_HEAD, 4) >> 4;

	for (; head != (uint32_t)reg_now(REG_TAIL, 4) >> 4; head = (head + 1) % IO_QUEUE) {
		assert_true(chip.n_asked < ASKED_MAX);
		memcpy(chip.asked[chip.n_asked++], queue[head], 16);
		if ((queue[head][0] & 15) == WAIT)
			*(uint32_t *)queue[head][1] = (uint32_t)(queue[head][0] >> 32);
	}
	reg_set(REG_HEAD, head << 4, 4);
}

static void unit_written(uint32_t reg, unsigned int size)
{
	uint32_t command = (uint32_t)reg_now(REG_COMMAND, 4), status;

	if (reg == REG_COMMAND && !chip.stuck) {
		status = (uint32_t)reg_now(REG_STATUS, 4) & (CMD_ROOT | CMD_IRQS);
		reg_set(REG_STATUS, status | (command & (CMD_STAYS | CMD_ROOT | CMD_IRQS)), 4);
	}
	if (reg == REG_TAIL && reg_now(REG_STATUS, 4) & CMD_QUEUE && !chip.slow) {
		translated_when_asked |= (reg_now(REG_STATUS, 4) & CMD_TRANSLATE) != 0;
		remapped_when_asked |= (reg_now(REG_STATUS, 4) & CMD_REMAP) != 0;
		unit_works();
	}
	if (reg >= RECORDS + 12 && size == 4 && (reg & 15) == 12)
		reg_set(reg, 0, 4); /* written with 1: empty */
}

/* What goes on before the kernel starts; start() begins with everything off. */
static void (*beforehand)(void);
static unsigned int n_asked_at_start;

static void start(uint64_t cap, uint64_t ecap)
{
	kernel_reset();
	pool = NULL;
	irqs = NULL;
	pool_used = 0;
	translated_when_asked = remapped_when_asked = false;
	reg_set(REG_CAP, cap, 8);
	reg_set(REG_ECAP, ecap, 8);
	io_tables.n_units = 1;
	io_tables.unit[0] = (struct io_unit){ .paddr = 0xfed90000, .all = true };
	if (beforehand)
		beforehand();
	if (!setjmp(panicked))
		iommu_init();
	n_asked_at_start = chip.n_asked;
	chip.n_asked = 0;
}

static void starts_blocked(void **state)
{
	const uint64_t *root;

	(void)state;
	start(CAP_USUAL, ECAP_QUEUE | ECAP_COHERENT);
	assert_int_equal(io_limits.levels, 4);
	assert_int_equal(io_limits.leaf_level, 3);
	assert_int_equal(io_limits.end, 1ull << 47);
	assert_int_equal(reg_now(REG_STATUS, 4), CMD_TRANSLATE | CMD_ROOT | CMD_QUEUE);
	assert_false(translated_when_asked); /* first it forgot what the firmware had */
	root = (void *)reg_now(REG_ROOT, 8);
	for (unsigned int i = 0; i < 512; i++)
		assert_int_equal(root[i], 0);
	assert_int_equal(reg_now(REG_FAULT_DATA, 4), VEC_IOMMU);
	assert_int_equal(reg_now(REG_FAULT_ADDRESS, 4), 0xfee03000);
	assert_int_equal(n_clflushes, 0);
}

static void limits_are_those_of_the_unit(void **state)
{
	(void)state;
	start((CAP_USUAL & ~CAP_LEVELS(4) & ~CAP_HUGE & ~(63ull << 16)) | 35ull << 16,
		ECAP_QUEUE);
	assert_int_equal(io_limits.levels, 3);
	assert_int_equal(io_limits.leaf_level, 2);
	assert_int_equal(io_limits.end, 1ull << 36);
	start(CAP_USUAL & ~CAP_LARGE, ECAP_QUEUE);
	assert_int_equal(io_limits.leaf_level, 1);
	start(CAP_USUAL & ~CAP_BOTH, ECAP_QUEUE);
	assert_int_equal(io_limits.levels, 0);
	start(CAP_USUAL, ECAP_COHERENT); /* without a queue */
	assert_int_equal(io_limits.levels, 0);
	start((CAP_USUAL & ~(0x3ffull << 24)) | 0x3ffull << 24,
		ECAP_QUEUE); /* records too far */
	assert_int_equal(io_limits.levels, 0);
}

/* The context entry of a requester. */
static const uint64_t *entry(uint32_t rid)
{
	const uint64_t *root = (void *)reg_now(REG_ROOT, 8);

	if (!(root[2 * (rid >> 8)] & 1))
		return NULL;
	return (const uint64_t *)(root[2 * (rid >> 8)] & ~0xfffull) + 2 * (rid & 255);
}

static void a_device_gets_tables(void **state)
{
	struct space *s, *other;

	(void)state;
	start(CAP_USUAL, ECAP_QUEUE);
	s = space_new();
	other = space_new();
	assert_null(entry(RID));
	assert_int_equal(arch_io_assign(s, RID), 0);
	assert_int_equal(entry(RID)[0], space_tables(s) | 1);
	assert_int_equal(entry(RID)[1], 2 | 1 << 8); /* 4 levels, number 1 */
	assert_int_equal(entry(RID + 1)[0], 0);
	assert_true(unit_sees(entry(RID), 16));
	assert_int_equal(arch_io_assign(other, RID), -SK_E_BUSY);
	n_clflushes = 0;
	assert_int_equal(arch_io_assign(other, RID + 1), 0);
	assert_true(n_clflushes > 0); /* its bus has a table already */
	assert_int_equal(entry(RID + 1)[1], 2 | 2 << 8);
	assert_int_equal(arch_io_assign(s, 1 << 16 | RID), -SK_E_NOT_FOUND);
	io_tables.scope[0] = (struct io_scope){ 0x20, 0x20, IO_NO_ALIAS, IO_RESERVED };
	io_tables.n_scopes = 1;
	assert_int_equal(arch_io_assign(s, 0x20), -SK_E_DENIED);
}

/* Numbers of domains, and buses. */
static void what_runs_out(void **state)
{
	struct space *s;
	unsigned int i;

	(void)state;
	start(CAP_USUAL & ~CAP_DOMAINS, ECAP_QUEUE); /* 16 numbers, of which 0 is not used */
	s = space_new();
	for (i = 0; i < 15; i++)
		assert_int_equal(arch_io_assign(s, RID + i), 0);
	assert_int_equal(arch_io_assign(s, RID + i), -SK_E_LIMIT);
	start(CAP_USUAL, ECAP_QUEUE);
	s = space_new();
	for (i = 0; i < POOL; i++)
		assert_int_equal(arch_io_assign(s, i << 8 | 8), 0);
	assert_int_equal(arch_io_assign(s, i << 8 | 8), -SK_E_LIMIT);
	assert_int_equal(arch_io_assign(s, 0x210), 0);
}

static void a_flush_is_waited_for(void **state)
{
	struct space *s;

	(void)state;
	start(CAP_USUAL | CAP_DRAIN_READS | CAP_DRAIN_WRITES, ECAP_QUEUE);
	s = space_new();
	assert_int_equal(arch_io_assign(s, RID), 0);
	assert_true(arch_io_settle(s));
	chip.n_asked = 0;
	chip.slow = true;
	arch_io_flush(s);
	irq_waits = true;
	assert_false(arch_io_settle(s));
	unit_works();
	assert_true(arch_io_settle(s));
	assert_int_equal(chip.n_asked, 2);
	assert_int_equal(
		chip.asked[0][0], FORGET_PAGES | DOMAIN | DRAIN_READS | DRAIN_WRITES | 1 << 16);
	/* it never answers */
	irq_waits = false;
	arch_io_flush(s);
	if (!setjmp(panicked)) {
		assert_false(arch_io_settle(s));
		fail();
	}
}

/* The queue is a ring: more requests than it has places. */
static void the_queue_goes_round(void **state)
{
	struct space *s;

	(void)state;
	start(CAP_USUAL, ECAP_QUEUE);
	s = space_new();
	assert_int_equal(arch_io_assign(s, RID), 0);
	for (unsigned int i = 0; i < 3 * IO_QUEUE; i++) {
		chip.n_asked = 0;
		arch_io_flush(s);
		assert_true(arch_io_settle(s));
		assert_int_equal(chip.n_asked, 2);
	}
	chip.slow = true;
	if (!setjmp(panicked)) {
		for (unsigned int i = 0; i < IO_QUEUE; i++)
			arch_io_flush(s);
		fail(); /* it is full, and the unit does not read */
	}
}

/* The number of a device goes to another only after the unit has forgotten it (IO3). */
static void a_space_ends(void **state)
{
	struct space *s, *next;

	(void)state;
	start(CAP_USUAL, ECAP_QUEUE);
	s = space_new();
	next = space_new();
	assert_int_equal(arch_io_assign(s, RID), 0);
	assert_int_equal(arch_io_assign(s, RID + 8), 0);
	chip.n_asked = 0;
	chip.slow = irq_waits = true;
	assert_false(arch_io_end(s));
	assert_int_equal(entry(RID)[0], 0);
	assert_int_equal(entry(RID + 8)[0], 0);
	assert_true(unit_sees(entry(RID), 16) && unit_sees(entry(RID + 8), 16));
	assert_int_equal(arch_io_assign(next, RID), -SK_E_BUSY);
	assert_int_equal(arch_io_assign(next, RID + 16), 0);
	assert_int_equal(entry(RID + 16)[1] >> 8, 3);
	assert_false(arch_io_end(s));
	unit_works();
	assert_int_equal(chip.asked[0][0] & 15, FORGET_CONTEXT);
	assert_int_equal(chip.asked[1][0] & 15, FORGET_PAGES);
	assert_true(arch_io_end(s));
	assert_null(s->devices);
	assert_int_equal(arch_io_assign(next, RID), 0);
}

static void new_entries_are_told_if_need_be(void **state)
{
	uint64_t e[16] = { 0 };
	struct space *s;

	(void)state;
	start(CAP_USUAL, ECAP_QUEUE | ECAP_COHERENT);
	s = space_new();
	assert_int_equal(arch_io_assign(s, RID), 0);
	chip.n_asked = 0;
	arch_io_written(s, e, 16);
	assert_int_equal(chip.n_asked, 0);
	assert_int_equal(n_clflushes, 0);
	start(CAP_USUAL | CAP_CACHES_ABSENT, ECAP_QUEUE);
	s = space_new();
	assert_int_equal(arch_io_assign(s, RID), 0);
	chip.n_asked = n_clflushes = 0;
	arch_io_written(s, e, 16);
	assert_int_equal(chip.n_asked, 2);
	assert_true(n_clflushes >= 2);
	chip.slow = true;
	if (!setjmp(panicked)) {
		arch_io_written(s, e, 16);
		fail(); /* the unit does not answer */
	}
}

static void refusals_are_taken(void **state)
{
	struct io_fault f;

	(void)state;
	start(CAP_USUAL, ECAP_QUEUE);
	assert_false(arch_io_fault(&f));
	reg_set(RECORDS + 16, 0x5000, 8);
	reg_set(RECORDS + 24, FAULT_VALID | 5ull << 32 | RID, 8);
	reg_set(RECORDS + 32, 0x6000, 8);
	reg_set(RECORDS + 40, FAULT_VALID | FAULT_IS_READ | 6ull << 32 | RID, 8);
	assert_true(arch_io_fault(&f));
	assert_int_equal(f.rid, RID);
	assert_int_equal(f.addr, 0x5000);
	assert_int_equal(f.reason, 5);
	assert_true(f.write);
	assert_true(arch_io_fault(&f));
	assert_int_equal(f.addr, 0x6000);
	assert_false(f.write);
	reg_set(REG_FAULTS, 0, 4);
	assert_false(arch_io_fault(&f));
	assert_int_equal(reg_now(REG_FAULTS, 4), FAULTS_LOST);
}

/* --- interrupts --------------------------------------------------------------------------- */

#define ECAP_IRQS (ECAP_QUEUE | ECAP_COHERENT | ECAP_REMAPS)

static void old_format_is_left_on(void)
{
	remappable();
	reg_set(REG_STATUS, CMD_OLD_FORMAT, 4);
}
static void with_x2apic(void)
{
	remappable();
	features.x2apic = true;
}
static void not_by_firmware(void)
{
	remappable();
	io_tables.remaps = false;
}
static void ioapic_unknown(void)
{
	remappable();
	madt.ioapic[0].id++;
}
static void switched_off(void)
{
	remappable();
	option = "intremap=off";
}

static void interrupts_start_refused(void **state)
{
	const uint64_t *table;

	(void)state;
	beforehand = old_format_is_left_on;
	start(CAP_USUAL, ECAP_IRQS | ECAP_X2APIC);
	assert_true(io_remaps);
	assert_int_equal(reg_now(REG_STATUS, 4),
		CMD_TRANSLATE | CMD_ROOT | CMD_QUEUE | CMD_IRQS | CMD_REMAP);
	assert_false(remapped_when_asked); /* first it forgot what the firmware had */
	assert_int_equal(chip.asked[2][0], FORGET_IRQS);
	assert_int_equal(n_asked_at_start, 4);
	assert_int_equal(reg_now(REG_IRQS, 8) & 0xfff, 8); /* 512 entries, IDs of 8 bits */
	table = (void *)(reg_now(REG_IRQS, 8) & ~0xfffull);
	for (unsigned int i = 0; i < 1024; i++)
		assert_int_equal(table[i], 0);
	assert_int_equal(io_apic_id_max, 0xff);
	beforehand = with_x2apic;
	start(CAP_USUAL, ECAP_IRQS | ECAP_X2APIC);
	assert_int_equal(reg_now(REG_IRQS, 8) & 0xfff, 1 << 11 | 8);
	assert_int_equal(io_apic_id_max, UINT32_MAX);
	start(CAP_USUAL, ECAP_IRQS);
	assert_int_equal(reg_now(REG_IRQS, 8) & 0xfff, 8);
	assert_int_equal(io_apic_id_max, 0xff);
}

static void interrupts_are_not_remapped(void **state)
{
	static void (*const reasons[])(
		void) = { not_by_firmware, ioapic_unknown, switched_off };
	struct irq_source s = source(RID, 1, 0x30);
	uint64_t addr;
	uint32_t data;

	(void)state;
	for (unsigned int i = 0; i < ARRAY_SIZE(reasons); i++) {
		beforehand = reasons[i];
		start(CAP_USUAL, ECAP_IRQS);
		assert_false(io_remaps);
		assert_int_equal(io_limits.levels, 4);
		assert_int_equal(reg_now(REG_STATUS, 4) & (CMD_IRQS | CMD_REMAP), 0);
		assert_int_equal(io_irq_open(&s), 0);
		assert_int_equal(chip.n_asked, 0);
		io_irq_message(&s, &addr, &data);
		assert_int_equal(addr, 0xfee07000); /* the CPU itself, and its vector */
		assert_int_equal(data, 0x30);
		assert_int_equal(io_irq_pin(&s), 7 << 24);
		io_irq_close(&s);
	}
	beforehand = with_x2apic;
	start(CAP_USUAL, ECAP_QUEUE);
	assert_false(io_remaps);
	assert_int_equal(io_apic_id_max, 0xff);
	start(CAP_USUAL, ECAP_REMAPS); /* no queue, so the unit is not used at all */
	assert_false(io_remaps);
}

static const uint64_t *irq_entry(uint32_t i)
{
	return (const uint64_t *)(reg_now(REG_IRQS, 8) & ~0xfffull) + 2 * i;
}

static void an_interrupt_has_one_sender(void **state)
{
	struct irq_source s = source(RID, 1, 0x42), pin = source(IOAPIC_RID, 0, 0x42);
	uint64_t addr;
	uint32_t data;

	(void)state;
	beforehand = remappable;
	start(CAP_USUAL, ECAP_IRQS & ~ECAP_COHERENT);
	chip.n_asked = n_clflushes = 0;
	assert_int_equal(io_irq_open(&s), 0);
	assert_int_equal(irq_entry(0x142)[0], 1 | 0x42 << 16 | 7ull << 40);
	assert_int_equal(irq_entry(0x142)[1], 1 << 18 | RID);
	assert_int_equal(chip.n_asked, 2); /* and it was waited for */
	assert_int_equal(chip.asked[0][0], FORGET_IRQS | 1 << 4 | 0x142ull << 32);
	assert_int_equal(chip.asked[1][0] & 15, WAIT);
	assert_true(unit_sees(irq_entry(0x142), 16));
	assert_false(io_irq_taken(RID, 0x42));
	io_irq_message(&s, &addr, &data);
	assert_int_equal(addr, 0xfee00000 | 0x142 << 5 | 1 << 4 | 1 << 3);
	assert_int_equal(data, 0);
	pin.level = true;
	assert_int_equal(io_irq_open(&pin), 0);
	assert_int_equal(irq_entry(0x42)[0], 1 | 1 << 4 | 0x42 << 16 | 3ull << 40);
	assert_int_equal(irq_entry(0x42)[1], 1 << 18 | IOAPIC_RID);
	assert_int_equal(io_irq_pin(&pin), 0x42 << 17 | 1 << 16);
	io_irq_close(&s);
	assert_int_equal(irq_entry(0x142)[0], 0);
	assert_true(unit_sees(irq_entry(0x142), 16));
	assert_int_equal(irq_entry(0x42)[0] & 1, 1);
	assert_int_equal(chip.n_asked, 6);
	chip.n_asked = 0;
	io_irq_close(&s); /* it is closed */
	assert_int_equal(chip.n_asked, 0);
	s = source(1 << 16 | RID, 1, 0x42);
	assert_int_equal(io_irq_open(&s), -SK_E_NOT_FOUND);
	beforehand = with_x2apic;
	start(CAP_USUAL, ECAP_IRQS | ECAP_X2APIC);
	second.cpu.apic_id = 0x12345;
	s = source(RID, 1, 0x42);
	assert_int_equal(io_irq_open(&s), 0);
	assert_int_equal(irq_entry(0x142)[0], 1 | 0x42 << 16 | 0x12345ull << 32);
}

static void a_forgotten_interrupt_is_waited_for(void **state)
{
	struct irq_source s = source(RID, 0, 0x30);

	(void)state;
	beforehand = remappable;
	start(CAP_USUAL, ECAP_IRQS);
	assert_int_equal(io_irq_open(&s), 0);
	chip.slow = true;
	if (!setjmp(panicked)) {
		io_irq_close(&s);
		fail();
	}
}

static void refused_interrupts_are_taken(void **state)
{
	struct io_fault f;

	(void)state;
	start(CAP_USUAL, ECAP_IRQS);
	reg_set(RECORDS, 0x142ull << 48, 8);
	reg_set(RECORDS + 8, FAULT_VALID | 0x26ull << 32 | RID, 8);
	assert_true(arch_io_fault(&f));
	assert_true(f.irq);
	assert_int_equal(f.rid, RID);
	assert_int_equal(f.addr, 0x142ull << 48);
	reg_set(RECORDS + 8, FAULT_VALID | 0x30ull << 32 | RID, 8);
	assert_true(arch_io_fault(&f));
	assert_false(f.irq);
	reg_set(RECORDS + 8, FAULT_VALID | 0x1full << 32 | RID, 8);
	assert_true(arch_io_fault(&f));
	assert_false(f.irq);
}

static int nothing_beforehand(void **state)
{
	(void)state;
	beforehand = NULL;
	return 0;
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_blocked),
		cmocka_unit_test(limits_are_those_of_the_unit),
		cmocka_unit_test(a_device_gets_tables),
		cmocka_unit_test(what_runs_out),
		cmocka_unit_test(a_flush_is_waited_for),
		cmocka_unit_test(the_queue_goes_round),
		cmocka_unit_test(a_space_ends),
		cmocka_unit_test(new_entries_are_told_if_need_be),
		cmocka_unit_test(refusals_are_taken),
		cmocka_unit_test_setup(interrupts_start_refused, nothing_beforehand),
		cmocka_unit_test(interrupts_are_not_remapped),
		cmocka_unit_test(an_interrupt_has_one_sender),
		cmocka_unit_test(a_forgotten_interrupt_is_waited_for),
		cmocka_unit_test_setup(refused_interrupts_are_taken, nothing_beforehand),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
