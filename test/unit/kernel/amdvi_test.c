/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * amdvi_test.c - AMD-Vi on a unit that is played: the device table, commands, and the log of
 * events, which the emulator does not write
 */
#include "iommu.h"
#include "kernel/arch/x86_64/amdvi.c"

enum { RID = 0x0310, UNIT_RID = 2 };

const struct iommu_ops vtd_ops;

static void unit_works(void)
{
	const uint64_t(*queue)[2] = (void *)(reg_now(REG_COMMANDS, 8) & ~(15ull << 56));
	uint32_t head = (uint32_t)reg_now(REG_HEAD, 4) >> 4;

	for (; head != (uint32_t)reg_now(REG_TAIL, 4) >> 4; head = (head + 1) % IO_QUEUE) {
		assert_true(chip.n_asked < ASKED_MAX);
		memcpy(chip.asked[chip.n_asked++], queue[head], 16);
		if (queue[head][0] >> 60 == 1)
			*(uint64_t *)(queue[head][0] & 0x7fffffffffff8ull) = queue[head][1];
	}
	reg_set(REG_HEAD, head << 4, 8);
}

static void unit_written(uint32_t reg, unsigned int size)
{
	static uint64_t status;
	uint64_t control = reg_now(REG_CONTROL, 8);

	(void)size;
	if (reg == REG_STATUS) { /* written with 1: cleared */
		status &= ~reg_now(REG_STATUS, 8);
		reg_set(REG_STATUS, status, 8);
		return;
	}
	status = reg_now(REG_STATUS, 8);
	if (reg == REG_CONTROL) {
		status &= ~(uint64_t)(STATUS_COMMANDS | STATUS_EVENTS);
		status |= control & COMMANDS_ON ? STATUS_COMMANDS : 0;
		status |= control & EVENTS_ON ? STATUS_EVENTS : 0;
		reg_set(REG_STATUS, status, 8);
	}
	if (reg == REG_TAIL && status & STATUS_COMMANDS && !chip.slow)
		unit_works();
}

static bool remaps;

static void start(void)
{
	kernel_reset();
	table = NULL;
	irq_tables_used = 0;
	if (remaps)
		remappable();
	io_tables.amd = true;
	io_tables.n_units = 1;
	io_tables.unit[0] = (struct io_unit){ .paddr = 0xfed80000, .rid = 2, .cap = 0x40 };
	io_tables.scope[0] = (struct io_scope){ 0, 0xffff, IO_NO_ALIAS, 0 };
	io_tables.n_scopes = 1;
	reg_set(REG_FEATURES, FEATURE_FORGET_ALL, 8);
	/* its capability, then one for messages with wide addresses */
	chip.config[0x34] = 0x40;
	chip.config[0x40] = 0xf;
	chip.config[0x41] = 0x54;
	chip.config[0x54] = 5;
	chip.config[0x56] = 0x80;
	if (setjmp(panicked))
		fail();
	iommu_init();
}

static void starts_blocked(void **state)
{
	(void)state;
	start();
	assert_int_equal(io_limits.levels, 4);
	assert_true(io_limits.amd);
	assert_int_equal(reg_now(REG_TABLE, 8), (uint64_t)table | 511);
	for (uint32_t i = 0; i < TABLE_ENTRIES; i++)
		assert_int_equal(table[i][0], 3);
	assert_int_equal(chip.asked[0][0] >> 60, 8);
	assert_int_equal(chip.asked[1][0] >> 60, 1);
	assert_true(reg_now(REG_CONTROL, 8) & ON);
	/* the message of its events */
	assert_int_equal(chip.config[0x56] & 1, 1);
	assert_int_equal(chip.config[0x58] | chip.config[0x59] << 8, 0x3000);
	assert_int_equal(chip.config[0x60], VEC_IOMMU);
}

static void a_device_gets_tables(void **state)
{
	struct space *s;

	(void)state;
	start();
	s = space_new();
	chip.n_asked = 0;
	assert_int_equal(arch_io_assign(s, RID), 0);
	assert_int_equal(table[RID][0], space_tables(s) | 3 | 4 << 9 | 3ull << 61);
	assert_int_equal(table[RID][1], 1);
	assert_int_equal(chip.asked[0][0], 2ull << 60 | RID);
	assert_int_equal(chip.asked[1][0], 3ull << 60 | 1ull << 32);
	assert_int_equal(chip.asked[1][1], 0x7ffffffffffff003);
	assert_true(arch_io_settle(s));
	assert_true(arch_io_end(s));
	assert_int_equal(table[RID][0], 3);
}

/* The firmware says that a device's requests carry another's name. */
static void an_alias_is_blocked_and_opened(void **state)
{
	struct space *s;

	(void)state;
	start();
	io_tables.scope[0].alias = 0x400;
	s = space_new();
	assert_int_equal(arch_io_assign(s, RID), 0);
	assert_int_equal(table[RID][0], 3);
	assert_int_equal(table[0x400][0] & ~0xfffull & ~(3ull << 61), space_tables(s));
}

static void event(uint32_t at, uint64_t low, uint64_t addr)
{
	uint64_t(*log)[2] = (void *)(reg_now(REG_EVENTS, 8) & ~(15ull << 56));

	log[at][0] = low;
	log[at][1] = addr;
	reg_set(REG_EVENT_TAIL, (at + 1) % IO_QUEUE << 4, 8);
	reg_set(REG_STATUS, reg_now(REG_STATUS, 8) | STATUS_EVENT, 8);
	unit_written(REG_CONTROL, 8);
}

static void events_are_taken(void **state)
{
	struct io_fault f;

	(void)state;
	start();
	assert_false(arch_io_fault(&f));
	event(0, 2ull << 60 | EVENT_IS_WRITE | RID, 0x5000);
	event(1, 2ull << 60 | (RID + 1), 0x6000);
	assert_true(arch_io_fault(&f));
	assert_int_equal(f.rid, RID);
	assert_int_equal(f.addr, 0x5000);
	assert_int_equal(f.reason, 2);
	assert_true(f.write);
	assert_int_equal(reg_now(REG_EVENT_HEAD, 8), 1 << 4);
	assert_int_equal(reg_now(REG_STATUS, 8) & STATUS_EVENT, 0);
	assert_true(arch_io_fault(&f));
	assert_int_equal(f.rid, RID + 1);
	assert_false(f.write);
	assert_false(arch_io_fault(&f));
	/* round the end of the log */
	reg_set(REG_EVENT_HEAD, 255 << 4, 8);
	event(255, 1ull << 60 | RID, 0);
	assert_true(arch_io_fault(&f));
	assert_int_equal(reg_now(REG_EVENT_HEAD, 8), 0);
}

/* The log was full: the unit writes it again only after it was switched off and on. */
static void a_full_log_goes_on(void **state)
{
	struct io_fault f;

	(void)state;
	start();
	reg_set(REG_STATUS, reg_now(REG_STATUS, 8) | STATUS_LOST, 8);
	unit_written(REG_CONTROL, 8);
	assert_false(arch_io_fault(&f));
	assert_int_equal(reg_now(REG_STATUS, 8) & (STATUS_LOST | STATUS_EVENTS), STATUS_EVENTS);
	assert_true(reg_now(REG_CONTROL, 8) & EVENTS_ON);
}

/* --- interrupts --------------------------------------------------------------------------- */

static const uint32_t *irq_entries(uint32_t rid)
{
	assert_int_equal(table[rid][2] & ~0xffffffffffc00ull, 1 | 9 << 1 | 2ull << 60);
	return (const uint32_t *)(table[rid][2] & 0xffffffffffc00ull);
}

static void interrupts_start_refused(void **state)
{
	(void)state;
	remaps = false;
	start();
	assert_false(io_remaps);
	assert_int_equal(table[RID][2], 0);
	remaps = true;
	start();
	assert_true(io_remaps);
	for (unsigned int i = 0; i < TABLE_ENTRIES; i++)
		assert_int_equal(table[i][2], i == UNIT_RID ? 0 : 1);
}

static void a_requester_has_its_own_interrupts(void **state)
{
	struct irq_source s = source(RID, 1, 0x42), pin = source(IOAPIC_RID, 0, 0x42);
	uint64_t addr;
	uint32_t data;

	(void)state;
	remaps = true;
	start();
	chip.n_asked = 0;
	assert_int_equal(io_irq_open(&s), 0);
	assert_int_equal(irq_entries(RID)[0x42], 1 | 7 << 8 | 0x42 << 16);
	assert_int_equal(table[RID][0], 3); /* memory stays out of reach */
	assert_int_equal(chip.n_asked, 3);
	assert_int_equal(chip.asked[0][0], 2ull << 60 | RID);
	assert_int_equal(chip.asked[1][0], 5ull << 60 | RID);
	assert_int_equal(chip.asked[2][0] >> 60, 1);
	io_irq_message(&s, &addr, &data);
	assert_int_equal(addr, 0xfee00000);
	assert_int_equal(data, 0x42);
	assert_true(io_irq_taken(RID, 0x42));
	assert_false(io_irq_taken(RID, 0x43));
	assert_false(io_irq_taken(RID + 1, 0x42));
	assert_int_equal(io_irq_open(&pin), 0);
	assert_int_equal(irq_entries(IOAPIC_RID)[0x42], 1 | 3 << 8 | 0x42 << 16);
	assert_int_equal(irq_entries(RID)[0x42], 1 | 7 << 8 | 0x42 << 16);
	assert_int_equal(io_irq_pin(&pin), 0);
	chip.n_asked = 0;
	io_irq_close(&s);
	assert_int_equal(irq_entries(RID)[0x42], 0);
	assert_int_equal(chip.n_asked, 2);
	assert_int_equal(chip.asked[0][0], 5ull << 60 | RID);
	assert_false(io_irq_taken(RID, 0x42));
	s = source(RID + 1, 0, 0x42);
	for (unsigned int i = 2; i < IRQ_TABLES; i++, s = source(RID + i, 0, 0x42))
		assert_int_equal(io_irq_open(&s), 0);
	assert_int_equal(io_irq_open(&s), -SK_E_LIMIT);
	assert_false(s.remapped);
	assert_int_equal(table[s.rid][2], 1);
	remaps = false;
}

static void refused_interrupts_are_taken(void **state)
{
	struct io_fault f;

	(void)state;
	start();
	event(0, 2ull << 60 | EVENT_IS_WRITE | 1ull << 51 | RID, 0xfee00000);
	assert_true(arch_io_fault(&f));
	assert_true(f.irq);
	event(1, 2ull << 60 | EVENT_IS_WRITE | RID, 0xfee00000);
	assert_true(arch_io_fault(&f));
	assert_false(f.irq);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(starts_blocked),
		cmocka_unit_test(a_device_gets_tables),
		cmocka_unit_test(an_alias_is_blocked_and_opened),
		cmocka_unit_test(events_are_taken),
		cmocka_unit_test(a_full_log_goes_on),
		cmocka_unit_test(interrupts_start_refused),
		cmocka_unit_test(a_requester_has_its_own_interrupts),
		cmocka_unit_test(refused_interrupts_are_taken),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
