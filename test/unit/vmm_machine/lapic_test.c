/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lapic_test.c - the local APIC: modes, priorities, timer, IPIs
 */
#include "machine/lapic.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

enum {
	SVR = 0xf0,
	TPR = 0x80,
	PPR = 0xa0,
	EOI = 0xb0,
	ICR = 0x300,
	ICR2 = 0x310,
	LVTT = 0x320,
	LVTERR = 0x370,
	TMICT = 0x380,
	TMCCT = 0x390,
	TDCR = 0x3e0,
	ESR = 0x280,
	LDR = 0xd0,
	DFR = 0xe0
};

static struct lapic l;
static struct lapic_ipi ipi;

static int setup(void **state)
{
	(void)state;
	memset(&l, 0xa5, sizeof(l));
	l.mode = LAPIC_XAPIC;
	lapic_power_up(&l, 6, true);
	lapic_write(&l, SVR, 0x1ff, 0, &ipi);
	return 0;
}

static void wr(uint32_t offset, uint32_t value) { lapic_write(&l, offset, value, 1000, &ipi); }

static void reset_state(void **state)
{
	(void)state;
	lapic_power_up(&l, 6, false);
	assert_int_equal(lapic_read(&l, 0x20, 0), 6u << 24);
	assert_int_equal(lapic_read(&l, 0x30, 0), 0x50014);
	assert_int_equal(lapic_read(&l, SVR, 0), 0xff);
	assert_int_equal(lapic_read(&l, LVTT, 0), 0x10000);
	assert_int_equal(lapic_read(&l, 0x350, 0), 0x10000);
	assert_int_equal(lapic_read(&l, DFR, 0), 0xffffffff);
	assert_int_equal(lapic_base_read(&l), 0xfee00800);
	assert_false(lapic_post(&l, 0x40));           /* software-disabled */
	assert_int_equal(lapic_read(&l, 0x24, 0), 0); /* the rest of a register */
	assert_int_equal(lapic_read(&l, 0x400, 0), 0);
	assert_int_equal(lapic_read(&l, 0xffffffff, 0), 0);
}

static void base_transitions(void **state)
{
	(void)state;
	assert_int_equal(lapic_base_read(&l), 0xfee00900);
	assert_false(lapic_base_write(&l, 0xfee00400)); /* x2APIC without enable */
	assert_false(lapic_base_write(&l, 0xfed00800)); /* elsewhere */
	assert_false(lapic_base_write(&l, 0xfee00801));
	assert_true(lapic_base_write(&l, 0xfee00d00));
	assert_int_equal(l.mode, LAPIC_X2APIC);
	assert_false(lapic_base_write(&l, 0xfee00900)); /* not back to xAPIC */
	assert_true(lapic_base_write(&l, 0xfee00100));
	assert_int_equal(l.mode, LAPIC_OFF);
	assert_false(lapic_base_write(&l, 0xfee00d00)); /* not from off to x2APIC */
	assert_false(lapic_post(&l, 0x40));
	assert_true(lapic_base_write(&l, 0xfee00900));
	lapic_init(&l);
	assert_int_equal(l.mode, LAPIC_XAPIC);
	assert_true(lapic_base_write(&l, 0xfee00d00));
	lapic_init(&l); /* INIT leaves the mode */
	assert_int_equal(l.mode, LAPIC_X2APIC);
}

static void priorities(void **state)
{
	(void)state;
	assert_int_equal(lapic_pending(&l), -1);
	assert_true(lapic_post(&l, 0x31));
	assert_true(lapic_post(&l, 0x52));
	assert_int_equal(lapic_pending(&l), 0x52);
	lapic_accept(&l, 0x52);
	assert_int_equal(lapic_read(&l, PPR, 0), 0x50);
	assert_int_equal(lapic_pending(&l), -1); /* 0x31 waits */
	assert_true(lapic_post(&l, 0x58));       /* a vector of the same class waits, too */
	assert_int_equal(lapic_pending(&l), -1);
	assert_true(lapic_post(&l, 0x61));
	assert_int_equal(lapic_pending(&l), 0x61);
	lapic_accept(&l, 0x61);
	assert_int_equal(lapic_read(&l, 0x100 + 0x10 * (0x61 / 32), 0), 1u << 1);
	wr(EOI, 0);
	assert_int_equal(lapic_read(&l, PPR, 0), 0x50); /* the highest in service ended */
	wr(EOI, 0);
	assert_int_equal(lapic_pending(&l), 0x58);
	wr(TPR, 0x5f);
	assert_int_equal(lapic_pending(&l), -1);
	assert_int_equal(lapic_read(&l, PPR, 0), 0x5f);
	wr(TPR, 0x40);
	assert_int_equal(lapic_pending(&l), 0x58);
	lapic_accept(&l, 0x58);
	wr(EOI, 0);
	wr(EOI, 0); /* nothing in service: no effect */
	wr(TPR, 0);
	assert_int_equal(lapic_pending(&l), 0x31);
	assert_false(lapic_post(&l, 15));
	assert_true(lapic_post(&l, 0xff));
	assert_int_equal(lapic_pending(&l), 0xff);
}

static void timer_oneshot(void **state)
{
	(void)state;
	wr(TDCR, 0xb); /* divide by 1: 32 TSC ticks a count */
	wr(LVTT, 0xec);
	lapic_write(&l, TMICT, 100, 5000, &ipi);
	assert_int_equal(l.timer_deadline, 5000 + 3200);
	assert_int_equal(lapic_read(&l, TMCCT, 5000 + 320), 90);
	assert_int_equal(lapic_timer_run(&l, 8199), 8200);
	assert_int_equal(lapic_pending(&l), -1);
	assert_int_equal(lapic_timer_run(&l, 8200), SK_NO_DEADLINE);
	assert_int_equal(lapic_pending(&l), 0xec);
	assert_int_equal(lapic_read(&l, TMCCT, 9000), 0);
	lapic_write(&l, TMICT, 100, 9000, &ipi);
	lapic_write(&l, TMICT, 0, 9000, &ipi); /* 0 stops it */
	assert_int_equal(l.timer_deadline, SK_NO_DEADLINE);
	wr(LVTT, 0x100ec); /* masked: runs, but says nothing */
	lapic_accept(&l, 0xec);
	lapic_write(&l, TMICT, 1, 9000, &ipi);
	assert_int_equal(lapic_timer_run(&l, 99999), SK_NO_DEADLINE);
	wr(EOI, 0);
	assert_int_equal(lapic_pending(&l), -1);
}

static void timer_periodic(void **state)
{
	uint32_t divide;

	(void)state;
	for (divide = 0; divide < 16; divide++) {
		static const uint32_t by[] = { 2, 4, 8, 16, 32, 64, 128, 1 };

		lapic_write(&l, TDCR, divide, 0, &ipi);
		lapic_write(&l, LVTT, 0xec, 0, &ipi);
		lapic_write(&l, TMICT, 1, 0, &ipi);
		assert_int_equal(l.timer_deadline, 32 * by[(divide >> 1 & 4) | (divide & 3)]);
	}
	wr(TDCR, 0xb);
	wr(LVTT, 0x200ec);
	lapic_write(&l, TMICT, 100, 1000, &ipi);
	assert_int_equal(lapic_timer_run(&l, 4200), 7400);
	assert_int_equal(lapic_pending(&l), 0xec);
	lapic_accept(&l, 0xec);
	wr(EOI, 0);
	assert_int_equal(lapic_timer_run(&l, 7400 + 3200 * 5 + 7),
		7400 + 3200 * 6); /* late: it fires once, and stays in step */
	assert_int_equal(lapic_pending(&l), 0xec);
	assert_int_equal(lapic_read(&l, TMCCT, 1000 + 3200 * 7 + 32), 99);
}

static void timer_deadline(void **state)
{
	(void)state;
	lapic_deadline_write(&l, 700); /* ignored outside that mode */
	assert_int_equal(lapic_deadline_read(&l), 0);
	wr(LVTT, 0x400ec);
	lapic_deadline_write(&l, 700);
	assert_int_equal(lapic_deadline_read(&l), 700);
	assert_int_equal(lapic_timer_run(&l, 699), 700);
	assert_int_equal(lapic_timer_run(&l, 700), SK_NO_DEADLINE);
	assert_int_equal(lapic_deadline_read(&l), 0);
	assert_int_equal(lapic_pending(&l), 0xec);
	lapic_deadline_write(&l, 900);
	lapic_deadline_write(&l, 0);
	assert_int_equal(l.timer_deadline, SK_NO_DEADLINE);
	lapic_deadline_write(&l, 900);
	wr(LVTT, 0xec); /* leaving the mode disarms */
	assert_int_equal(l.timer_deadline, SK_NO_DEADLINE);
	wr(TMICT, 50);
	assert_true(l.timer_deadline != SK_NO_DEADLINE);
	wr(LVTT, 0x400ec);
	assert_int_equal(l.timer_deadline, SK_NO_DEADLINE);
	wr(TMICT, 50);
	assert_int_equal(l.timer_deadline, SK_NO_DEADLINE);
}

static void software_disable(void **state)
{
	(void)state;
	wr(LVTT, 0xec);
	wr(SVR, 0xff);
	assert_int_equal(lapic_read(&l, LVTT, 0), 0x100ec);
	wr(LVTT, 0xec); /* stays masked */
	assert_int_equal(lapic_read(&l, LVTT, 0), 0x100ec);
	wr(SVR, 0x1ff);
	wr(LVTT, 0xec);
	assert_int_equal(lapic_read(&l, LVTT, 0), 0xec);
}

static void ipis_xapic(void **state)
{
	(void)state;
	wr(ICR2, 0x02000000);
	assert_false(ipi.valid);
	wr(ICR, 0x4500); /* INIT, assert */
	assert_true(ipi.valid);
	assert_int_equal(ipi.mode, IPI_INIT);
	assert_int_equal(ipi.dest, 2);
	assert_false(ipi.logical);
	wr(ICR, 0x8500); /* INIT, de-assert */
	assert_false(ipi.valid);
	wr(ICR, 0x0699);
	assert_int_equal(ipi.mode, IPI_STARTUP);
	assert_int_equal(ipi.vector, 0x99);
	wr(ICR, 0xc08fd);
	assert_true(ipi.valid);
	assert_true(ipi.logical);
	assert_int_equal(ipi.shorthand, IPI_OTHERS);
	wr(ICR, 0x0005); /* vector below 16 */
	assert_false(ipi.valid);
	assert_int_equal(lapic_read(&l, ESR, 0), 0);
	wr(ESR, 0);
	assert_int_equal(lapic_read(&l, ESR, 0), 0x20);
	wr(ESR, 0);
	assert_int_equal(lapic_read(&l, ESR, 0), 0);
	wr(ICR, 0x0200); /* SMI: no effect */
	assert_false(ipi.valid);
	wr(ICR, 0x0400);
	assert_true(ipi.valid);
	assert_int_equal(ipi.mode, IPI_NMI);
	assert_int_equal(lapic_read(&l, ICR, 0) & 0x1000, 0); /* delivered */
}

/*
 * An illegal vector is an error of the sender, and also of the receiver if it is the same APIC.
 */
static void illegal_vectors(void **state)
{
	(void)state;
	wr(ICR, 0x4000f); /* to itself */
	assert_false(ipi.valid);
	wr(ESR, 0);
	assert_int_equal(lapic_read(&l, ESR, 0), 0x60);
	wr(ICR2, 0);
	wr(ICR, 0x4); /* to another */
	wr(ESR, 0);
	assert_int_equal(lapic_read(&l, ESR, 0), 0x20);
	wr(TDCR, 0xb); /* a timer whose vector is illegal */
	wr(LVTT, 0x0f);
	lapic_write(&l, TMICT, 1, 5000, &ipi);
	(void)lapic_timer_run(&l, 6000);
	assert_int_equal(lapic_pending(&l), -1);
	wr(ESR, 0);
	assert_int_equal(lapic_read(&l, ESR, 0), 0x40);
	assert_true(lapic_base_write(&l, 0xfee00d00));
	assert_true(lapic_msr_write(&l, 0x83f, 3, 0, &ipi)); /* through the SELF IPI register */
	assert_true(lapic_msr_write(&l, 0x828, 0, 0, &ipi));
	assert_int_equal(l.reg[0x28], 0x60);
}

static void error_interrupt(void **state)
{
	(void)state;
	wr(LVTERR, 0xfe);
	wr(ICR, 0x40001);
	assert_int_equal(lapic_pending(&l), 0xfe);
	lapic_accept(&l, 0xfe);
	wr(EOI, 0);
	/* the same error again, before it is read, raises no second interrupt */
	wr(ICR, 0x40001);
	assert_int_equal(lapic_pending(&l), -1);
	wr(ESR, 0);
	wr(ICR, 0x40001);
	assert_int_equal(lapic_pending(&l), 0xfe);
	lapic_accept(&l, 0xfe);
	wr(EOI, 0);
	wr(ESR, 0);
	wr(LVTERR, 0x02); /* the error vector itself is illegal */
	wr(ICR, 0x4);
	assert_int_equal(lapic_pending(&l), -1);
	wr(ESR, 0);
	assert_int_equal(lapic_read(&l, ESR, 0), 0x60);
}

/* A source whose vector stands for a level is told when the APIC accepts interrupts again. */
static void enabling_is_told(void **state)
{
	(void)state;
	assert_true(lapic_enable_take(&l)); /* the set-up enabled it */
	assert_false(lapic_enable_take(&l));
	wr(SVR, 0xff);
	assert_false(lapic_enabled(&l));
	assert_false(lapic_post(&l, 0x40));
	assert_false(lapic_enable_take(&l));
	wr(SVR, 0x1ff);
	assert_true(lapic_enabled(&l));
	assert_true(lapic_enable_take(&l));
	assert_true(lapic_post(&l, 0x40));
	lapic_init(&l); /* INIT disables it, and drops what was pending */
	assert_int_equal(lapic_pending(&l), -1);
	assert_false(lapic_enabled(&l));
	assert_true(lapic_base_write(&l, 0xfee00d00));
	assert_true(lapic_msr_write(&l, 0x80f, 0x1ff, 0, &ipi));
	assert_true(lapic_enable_take(&l));
	assert_true(lapic_post(&l, 0x41));
	/* turned off, it is in the power-up state */
	assert_true(lapic_base_write(&l, 0xfee00100));
	assert_int_equal(lapic_pending(&l), -1);
	assert_true(lapic_base_write(&l, 0xfee00900));
	assert_false(lapic_enabled(&l));
	assert_false(lapic_enable_take(&l));
	assert_int_equal(lapic_pending(&l), -1);
}

static void off_keeps_the_nmi(void **state)
{
	(void)state;
	lapic_post_nmi(&l);
	assert_true(lapic_base_write(&l, 0xfee00100));
	assert_true(lapic_base_write(&l, 0xfee00900));
	/* an NMI does not go through the APIC's registers */
	assert_int_equal(l.nmi_pending, 1);
	lapic_init(&l);
	assert_int_equal(l.nmi_pending, 0);
}

static void matching(void **state)
{
	struct lapic_ipi d = { .dest = 6 };

	(void)state;
	assert_true(lapic_match(&l, &d));
	d.dest = 7;
	assert_false(lapic_match(&l, &d));
	d.dest = 0xff;
	assert_true(lapic_match(&l, &d));
	d.logical = true;
	d.dest = 0x08;
	wr(LDR, 0x08000000);
	assert_true(lapic_match(&l, &d));
	d.dest = 0xf7;
	assert_false(lapic_match(&l, &d));
	wr(DFR, 0x0fffffff); /* clusters */
	wr(LDR, 0x24000000);
	d.dest = 0x26;
	assert_true(lapic_match(&l, &d));
	d.dest = 0x36;
	assert_false(lapic_match(&l, &d));
	d.dest = 0x23;
	assert_false(lapic_match(&l, &d));
	lapic_power_up(&l, 0x26, false);
	assert_true(lapic_base_write(&l, 0xfee00c00));
	d.x2 = true;
	d.dest = 2u << 16 | 1u << 6;
	assert_true(lapic_match(&l, &d));
	d.dest = 2u << 16 | 1u << 5;
	assert_false(lapic_match(&l, &d));
	d.dest = 3u << 16 | 1u << 6;
	assert_false(lapic_match(&l, &d));
	d.dest = 0xff;
	assert_false(lapic_match(&l, &d));
	d.dest = 0xffffffff;
	assert_true(lapic_match(&l, &d));
	d.logical = false;
	d.dest = 0x26;
	assert_true(lapic_match(&l, &d));
	assert_true(lapic_base_write(&l, 0xfee00000));
	assert_true(lapic_match(&l, &d)); /* INIT reaches a disabled one by ID */
	d.dest = 0xffffffff;
	assert_false(lapic_match(&l, &d));
}

static void x2apic_msrs(void **state)
{
	uint64_t v;
	uint32_t msr;

	(void)state;
	assert_false(lapic_msr_read(&l, 0x802, 0, &v)); /* not in x2APIC mode */
	assert_false(lapic_msr_write(&l, 0x80b, 0, 0, &ipi));
	assert_true(lapic_base_write(&l, 0xfee00d00));
	assert_true(lapic_msr_read(&l, 0x802, 0, &v));
	assert_int_equal(v, 6);
	assert_true(lapic_msr_read(&l, 0x80d, 0, &v));
	assert_int_equal(v, 1 << 6);
	assert_false(lapic_msr_read(&l, 0x80b, 0, &v)); /* EOI is write-only */
	assert_false(lapic_msr_read(&l, 0x80e, 0, &v)); /* no DFR */
	assert_false(lapic_msr_read(&l, 0x831, 0, &v));
	assert_false(lapic_msr_write(&l, 0x802, 1, 0, &ipi));
	assert_false(lapic_msr_write(&l, 0x80d, 1, 0, &ipi));
	assert_false(lapic_msr_write(&l, 0x80b, 1, 0, &ipi)); /* EOI takes 0 only */
	assert_true(lapic_msr_write(&l, 0x80b, 0, 0, &ipi));
	assert_false(lapic_msr_write(&l, 0x808, 1ull << 32, 0, &ipi));
	assert_true(lapic_msr_write(&l, 0x830, 0x200000000fdull, 0, &ipi));
	assert_true(ipi.valid && ipi.x2);
	assert_int_equal(ipi.dest, 0x200);
	assert_int_equal(ipi.vector, 0xfd);
	assert_true(lapic_msr_read(&l, 0x830, 0, &v));
	assert_int_equal(v, 0x200000000fdull);
	assert_true(lapic_msr_write(&l, 0x83f, 0xf6, 0, &ipi));
	assert_int_equal(ipi.shorthand, IPI_SELF);
	assert_int_equal(ipi.vector, 0xf6);
	assert_false(lapic_msr_write(&l, 0x83f, 0x100, 0, &ipi));
	for (msr = 0x840; msr < 0x900; msr++) {
		assert_false(lapic_msr_read(&l, msr, 0, &v));
		assert_false(lapic_msr_write(&l, msr, 0, 0, &ipi));
	}
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(reset_state, setup),
		cmocka_unit_test_setup(base_transitions, setup),
		cmocka_unit_test_setup(priorities, setup),
		cmocka_unit_test_setup(timer_oneshot, setup),
		cmocka_unit_test_setup(timer_periodic, setup),
		cmocka_unit_test_setup(timer_deadline, setup),
		cmocka_unit_test_setup(software_disable, setup),
		cmocka_unit_test_setup(ipis_xapic, setup),
		cmocka_unit_test_setup(matching, setup),
		cmocka_unit_test_setup(illegal_vectors, setup),
		cmocka_unit_test_setup(error_interrupt, setup),
		cmocka_unit_test_setup(enabling_is_told, setup),
		cmocka_unit_test_setup(off_keeps_the_nmi, setup),
		cmocka_unit_test_setup(x2apic_msrs, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
