/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lapic.c - the local APIC of a vCPU
 *
 * Objects     struct lapic, one in each struct vcpu.
 * Locks       none: own thread, except for IRR and nmi_pending (atomic or from any thread) and
 *             the words that lapic_match() reads.
 * Invariants  LAPIC1 a vector is delivered only when its class is above the processor priority
 *             LAPIC2 vectors 0 to 15 never enter IRR
 *             LAPIC3 the timer fires at most once for each call of lapic_timer_run(), however
 *                    late it is
 *             LAPIC4 an APIC that APIC_BASE turns off comes back as after power-up (SDM vol. 3,
 *                    11.4.3)
 */
#include "machine/lapic.h"

#include <string.h>

#include "guest.h"

enum {
	R_ID = 0x02,
	R_VERSION = 0x03,
	R_TPR = 0x08,
	R_PPR = 0x0a,
	R_EOI = 0x0b,
	R_LDR = 0x0d,
	R_DFR = 0x0e,
	R_SVR = 0x0f,
	R_ISR = 0x10,
	R_TMR = 0x18,
	R_IRR = 0x20,
	R_ESR = 0x28,
	R_ICR = 0x30,
	R_ICR2 = 0x31,
	R_LVT_TIMER = 0x32,
	R_LVT_THERMAL = 0x33,
	R_LVT_PERF = 0x34,
	R_LVT_LINT0 = 0x35,
	R_LVT_LINT1 = 0x36,
	R_LVT_ERROR = 0x37,
	R_TIMER_INITIAL = 0x38,
	R_TIMER_CURRENT = 0x39,
	R_TIMER_DIVIDE = 0x3e,
	R_SELF_IPI = 0x3f,
};
enum {
	VERSION = 0x00050014, /* 6 LVT entries */
	SVR_ENABLE = 0x100,
	LVT_MASKED = 0x10000,
	LVT_MODE = 3 << 17,
	LVT_PERIODIC = 1 << 17,
	LVT_DEADLINE = 2 << 17,
	ESR_SEND_VECTOR = 0x20,
	ESR_RECEIVE_VECTOR = 0x40,
	/*
	 * log2: the timer's clock is the TSC divided by 32, before the divide register applies
	 */
	TIMER_SHIFT = 5,
};
enum { BASE_BSP = 1 << 8, BASE_X2APIC = 1 << 10, BASE_ENABLE = 1 << 11 };

static uint32_t reg_word(const struct lapic *l, uint32_t r)
{
	return __atomic_load_n(&l->reg[r], __ATOMIC_RELAXED);
}

static void reg_word_set(struct lapic *l, uint32_t r, uint32_t v)
{
	__atomic_store_n(&l->reg[r], v, __ATOMIC_RELAXED);
}

static void timer_stop(struct lapic *l)
{
	l->timer_deadline = SK_NO_DEADLINE;
	l->timer_period = 0;
	l->tsc_deadline = 0;
}

/* The logical ID that x2APIC derives from the ID. */
static uint32_t x2apic_ldr(uint32_t id) { return (id >> 4) << 16 | 1u << (id & 15); }

static void mode_set(struct lapic *l, enum lapic_mode mode)
{
	if (mode == LAPIC_X2APIC)
		reg_word_set(l, R_LDR, x2apic_ldr(l->id));
	__atomic_store_n(&l->mode, mode, __ATOMIC_RELEASE);
}

static void registers_reset(struct lapic *l)
{
	for (uint32_t r = 0; r < LAPIC_REGS; r++)
		reg_word_set(l, r, 0);
	reg_word_set(l, R_DFR, 0xffffffff);
	reg_word_set(l, R_SVR, 0xff);
	for (uint32_t r = R_LVT_TIMER; r <= R_LVT_ERROR; r++)
		reg_word_set(l, r, LVT_MASKED);
	l->errors = 0;
	l->enable_seen = false;
	timer_stop(l);
}

void lapic_init(struct lapic *l)
{
	registers_reset(l);
	__atomic_store_n(&l->nmi_pending, 0, __ATOMIC_RELAXED);
	mode_set(l, (enum lapic_mode)l->mode);
}

void lapic_power_up(struct lapic *l, uint32_t id, bool bsp)
{
	l->id = id;
	l->bsp = bsp;
	l->mode = LAPIC_XAPIC;
	lapic_init(l);
}

/* ---- IA32_APIC_BASE ---------------------------------------------------------------------- */

uint64_t lapic_base_read(const struct lapic *l)
{
	return VM_LAPIC_GPA | (l->bsp ? BASE_BSP : 0) |
	       (l->mode != LAPIC_OFF ? BASE_ENABLE : 0) |
	       (l->mode == LAPIC_X2APIC ? BASE_X2APIC : 0);
}

bool lapic_base_write(struct lapic *l, uint64_t value)
{
	bool enable = value & BASE_ENABLE, x2 = value & BASE_X2APIC;
	enum lapic_mode mode = !enable ? LAPIC_OFF : x2 ? LAPIC_X2APIC : LAPIC_XAPIC;

	if ((value & ~(uint64_t)(BASE_BSP | BASE_X2APIC | BASE_ENABLE)) != VM_LAPIC_GPA ||
		(x2 && !enable))
		return false;
	if ((l->mode == LAPIC_X2APIC && mode == LAPIC_XAPIC) ||
		(l->mode == LAPIC_OFF && mode == LAPIC_X2APIC))
		return false;
	if (mode == LAPIC_OFF) /* LAPIC4 */
		registers_reset(l);
	if (mode != l->mode)
		mode_set(l, mode);
	return true;
}

/* ---- interrupts -------------------------------------------------------------------------- */

/* Highest bit of the 256 that start at register r, or -1. */
static int highest(const struct lapic *l, uint32_t r)
{
	for (int i = 7; i >= 0; i--) {
		uint32_t v = reg_word(l, r + (uint32_t)i);

		if (v)
			return i * 32 + 31 - __builtin_clz(v);
	}
	return -1;
}

static uint32_t priority(const struct lapic *l)
{
	int isr = highest(l, R_ISR);
	uint32_t tpr = reg_word(l, R_TPR) & 0xff;

	return isr >= 0 && ((uint32_t)isr & 0xf0) > (tpr & 0xf0) ? (uint32_t)isr & 0xf0 : tpr;
}

bool lapic_enabled(const struct lapic *l)
{
	return __atomic_load_n(&l->mode, __ATOMIC_ACQUIRE) != LAPIC_OFF &&
	       __atomic_load_n(&l->reg[R_SVR], __ATOMIC_SEQ_CST) & SVR_ENABLE;
}

bool lapic_enable_take(struct lapic *l)
{
	bool seen = l->enable_seen;

	l->enable_seen = false;
	return seen;
}

bool lapic_post(struct lapic *l, uint8_t vector)
{
	if (vector < 16 || !lapic_enabled(l)) /* LAPIC2 */
		return false;
	__atomic_fetch_or(&l->reg[R_IRR + vector / 32], 1u << vector % 32, __ATOMIC_RELEASE);
	return true;
}

void lapic_post_nmi(struct lapic *l) { __atomic_store_n(&l->nmi_pending, 1, __ATOMIC_RELEASE); }

int lapic_pending(const struct lapic *l)
{
	int irr = highest(l, R_IRR);

	return irr >= 0 && ((uint32_t)irr & 0xf0) > (priority(l) & 0xf0) ? irr
									 : -1; /* LAPIC1 */
}

void lapic_accept(struct lapic *l, uint8_t vector)
{
	__atomic_fetch_and(
		&l->reg[R_IRR + vector / 32], ~(1u << vector % 32), __ATOMIC_ACQUIRE);
	reg_word_set(
		l, R_ISR + vector / 32, reg_word(l, R_ISR + vector / 32) | 1u << vector % 32);
}

static void eoi_write(struct lapic *l)
{
	int v = highest(l, R_ISR);

	if (v >= 0)
		reg_word_set(l, R_ISR + (uint32_t)v / 32,
			reg_word(l, R_ISR + (uint32_t)v / 32) & ~(1u << v % 32));
}

bool lapic_match(const struct lapic *l, const struct lapic_ipi *ipi)
{
	enum lapic_mode mode = (enum lapic_mode)__atomic_load_n(&l->mode, __ATOMIC_ACQUIRE);
	uint32_t ldr = reg_word(l, R_LDR), dest = ipi->dest;

	if (mode == LAPIC_OFF) /* INIT and SIPI reach even a disabled APIC, by its ID */
		return !ipi->logical && dest == l->id;
	if (dest == (ipi->x2 ? 0xffffffff : 0xff))
		return true;
	if (!ipi->logical)
		return dest == l->id;
	if (mode == LAPIC_X2APIC)
		return dest >> 16 == ldr >> 16 && (dest & ldr & 0xffff);
	ldr >>= 24;
	if (reg_word(l, R_DFR) >> 28 == 0xf)
		return ldr & dest;
	return (ldr & 0xf0) == (dest & 0xf0) && (ldr & dest & 0x0f);
}

/* Record an error for ESR, and raise its interrupt (SDM vol. 3, 11.5.3). */
static void error_raise(struct lapic *l, uint32_t error)
{
	uint32_t lvt = reg_word(l, R_LVT_ERROR);

	if (l->errors & error)
		return;
	l->errors |= error;
	if (lvt & LVT_MASKED)
		return;
	if ((lvt & 0xff) < 16)
		l->errors |= ESR_RECEIVE_VECTOR;
	else
		(void)lapic_post(l, (uint8_t)lvt);
}

static void ipi_decode(struct lapic *l, uint32_t low, uint32_t dest, struct lapic_ipi *ipi)
{
	*ipi = (struct lapic_ipi){
		.valid = true,
		.logical = low & 0x800,
		.x2 = l->mode == LAPIC_X2APIC,
		.vector = (uint8_t)low,
		.mode = (enum ipi_mode)(low >> 8 & 7),
		.shorthand = (enum ipi_shorthand)(low >> 18 & 3),
		.dest = dest,
	};
	if ((ipi->mode == IPI_FIXED || ipi->mode == IPI_LOWEST) && ipi->vector < 16) {
		error_raise(l, ESR_SEND_VECTOR);
		if (ipi->shorthand == IPI_SELF)
			error_raise(l, ESR_RECEIVE_VECTOR);
		ipi->valid = false;
	}
	/* INIT level de-assert is a relic that only sets arbitration IDs. */
	if (ipi->mode == IPI_INIT && (low & 0xc000) == 0x8000)
		ipi->valid = false;
	if (ipi->mode == 3 || ipi->mode == 7 || ipi->mode == IPI_SMI)
		ipi->valid = false;
}

/* ---- timer ------------------------------------------------------------------------------- */

/* log2 of TSC ticks for one count. */
static uint32_t timer_shift(const struct lapic *l)
{
	uint32_t d = l->reg[R_TIMER_DIVIDE];

	return TIMER_SHIFT + ((((d >> 1 & 4) | (d & 3)) + 1) & 7);
}

static uint32_t timer_mode(const struct lapic *l) { return l->reg[R_LVT_TIMER] & LVT_MODE; }

static void timer_load(struct lapic *l, sk_time_t now)
{
	uint64_t ticks = (uint64_t)l->reg[R_TIMER_INITIAL] << timer_shift(l);

	if (timer_mode(l) == LVT_DEADLINE)
		return;
	timer_stop(l);
	l->timer_start = now;
	if (!ticks)
		return;
	l->timer_deadline = now + ticks;
	l->timer_period = timer_mode(l) == LVT_PERIODIC ? ticks : 0;
}

static uint32_t timer_current(const struct lapic *l, sk_time_t now)
{
	uint64_t initial = l->reg[R_TIMER_INITIAL],
		 gone = (now - l->timer_start) >> timer_shift(l);

	if (timer_mode(l) == LVT_DEADLINE || l->timer_deadline == SK_NO_DEADLINE)
		return 0;
	if (l->timer_period)
		return (uint32_t)(initial - gone % initial);
	return gone < initial ? (uint32_t)(initial - gone) : 0;
}

static void lvt_timer_write(struct lapic *l, uint32_t value, sk_time_t now)
{
	uint32_t old = timer_mode(l);

	reg_word_set(l, R_LVT_TIMER, value & (LVT_MODE | LVT_MASKED | 0xff));
	if (timer_mode(l) == old)
		return;
	if (timer_mode(l) == LVT_DEADLINE || old == LVT_DEADLINE)
		timer_stop(l);
	else if (l->timer_deadline != SK_NO_DEADLINE)
		timer_load(l, now);
}

sk_time_t lapic_timer_run(struct lapic *l, sk_time_t now)
{
	uint32_t lvt = l->reg[R_LVT_TIMER];

	if (now < l->timer_deadline)
		return l->timer_deadline;
	l->tsc_deadline = 0;
	if (l->timer_period) /* LAPIC3: skip to the next multiple that lies in the future */
		l->timer_deadline += (now - l->timer_deadline) / l->timer_period *
					     l->timer_period +
				     l->timer_period;
	else
		l->timer_deadline = SK_NO_DEADLINE;
	if (lvt & LVT_MASKED)
		return l->timer_deadline;
	if ((lvt & 0xff) < 16)
		error_raise(l, ESR_RECEIVE_VECTOR);
	else
		(void)lapic_post(l, (uint8_t)lvt);
	return l->timer_deadline;
}

uint64_t lapic_deadline_read(const struct lapic *l)
{
	return timer_mode(l) == LVT_DEADLINE ? l->tsc_deadline : 0;
}

void lapic_deadline_write(struct lapic *l, uint64_t value)
{
	if (timer_mode(l) != LVT_DEADLINE)
		return;
	l->tsc_deadline = value;
	l->timer_period = 0;
	l->timer_deadline = value ? value : SK_NO_DEADLINE;
}

/* ---- registers --------------------------------------------------------------------------- */

static void svr_write(struct lapic *l, uint32_t value)
{
	__atomic_store_n(&l->reg[R_SVR], value & 0x1ff, __ATOMIC_SEQ_CST);
	l->enable_seen = value & SVR_ENABLE;
	if (value & SVR_ENABLE)
		return;
	for (uint32_t r = R_LVT_TIMER; r <= R_LVT_ERROR; r++)
		reg_word_set(l, r, reg_word(l, r) | LVT_MASKED);
}

static uint32_t reg_read(struct lapic *l, uint32_t r, sk_time_t now)
{
	switch (r) {
	case R_ID:
		return l->mode == LAPIC_X2APIC ? l->id : l->id << 24;
	case R_VERSION:
		return VERSION;
	case R_PPR:
		return priority(l);
	case R_TIMER_CURRENT:
		return timer_current(l, now);
	case R_EOI:
	case R_SELF_IPI:
		return 0;
	default:
		return reg_word(l, r);
	}
}

/*
 * Write a register that both modes write in the same way. False: it does not exist, or is
 * read-only.
 */
static bool reg_write(struct lapic *l, uint32_t r, uint32_t v, sk_time_t now)
{
	switch (r) {
	case R_TPR:
		reg_word_set(l, R_TPR, v & 0xff);
		return true;
	case R_EOI:
		eoi_write(l);
		return true;
	case R_SVR:
		svr_write(l, v);
		return true;
	case R_ESR:
		reg_word_set(l, R_ESR, l->errors);
		l->errors = 0;
		return true;
	case R_LVT_TIMER:
		lvt_timer_write(l, reg_word(l, R_SVR) & SVR_ENABLE ? v : v | LVT_MASKED, now);
		return true;
	case R_LVT_THERMAL:
	case R_LVT_PERF:
	case R_LVT_LINT0:
	case R_LVT_LINT1:
	case R_LVT_ERROR:
		reg_word_set(
			l, r, (reg_word(l, R_SVR) & SVR_ENABLE ? v : v | LVT_MASKED) & 0x1a7ff);
		return true;
	case R_TIMER_INITIAL:
		if (timer_mode(l) != LVT_DEADLINE)
			reg_word_set(l, r, v);
		timer_load(l, now);
		return true;
	case R_TIMER_DIVIDE:
		reg_word_set(l, r, v & 0xb);
		return true;
	default:
		return false;
	}
}

uint32_t lapic_read(struct lapic *l, uint32_t offset, sk_time_t now)
{
	if (offset & 15 || offset >= LAPIC_REGS * 16)
		return 0;
	return reg_read(l, offset / 16, now);
}

void lapic_write(
	struct lapic *l, uint32_t offset, uint32_t value, sk_time_t now, struct lapic_ipi *ipi)
{
	uint32_t r = offset / 16;

	ipi->valid = false;
	if (offset & 15 || r >= LAPIC_REGS)
		return;
	switch (r) {
	case R_ICR:
		reg_word_set(l, R_ICR, value & 0xccfff);
		ipi_decode(l, value, reg_word(l, R_ICR2) >> 24, ipi);
		break;
	case R_ICR2:
		reg_word_set(l, r, value & 0xff000000);
		break;
	case R_LDR:
		reg_word_set(l, r, value & 0xff000000);
		break;
	case R_DFR:
		reg_word_set(l, r, value | 0x0fffffff);
		break;
	default:
		(void)reg_write(
			l, r, value, now); /* xAPIC ignores registers that it does not have */
	}
}

static bool x2_readable(uint32_t r)
{
	return r == R_ID || r == R_VERSION || r == R_TPR || r == R_PPR || r == R_LDR ||
	       r == R_SVR || (r >= R_ISR && r <= R_ESR) || r == R_ICR ||
	       (r >= R_LVT_TIMER && r <= R_TIMER_CURRENT) || r == R_TIMER_DIVIDE;
}

bool lapic_msr_read(struct lapic *l, uint32_t msr, sk_time_t now, uint64_t *value)
{
	uint32_t r = msr - 0x800;

	if (l->mode != LAPIC_X2APIC || r >= LAPIC_REGS || !x2_readable(r))
		return false;
	*value = reg_read(l, r, now);
	if (r == R_ICR)
		*value |= (uint64_t)reg_word(l, R_ICR2) << 32;
	return true;
}

bool lapic_msr_write(
	struct lapic *l, uint32_t msr, uint64_t value, sk_time_t now, struct lapic_ipi *ipi)
{
	uint32_t r = msr - 0x800, low = (uint32_t)value;

	ipi->valid = false;
	if (l->mode != LAPIC_X2APIC || r >= LAPIC_REGS)
		return false;
	if (r == R_ICR) {
		reg_word_set(l, R_ICR, low & 0xccfff);
		reg_word_set(l, R_ICR2, (uint32_t)(value >> 32));
		ipi_decode(l, low, (uint32_t)(value >> 32), ipi);
		return true;
	}
	if (value >> 32)
		return false;
	if (r == R_SELF_IPI) {
		if (low >> 8)
			return false;
		ipi_decode(l, low | IPI_SELF << 18, 0, ipi);
		return true;
	}
	if ((r == R_EOI || r == R_ESR) && low)
		return false;
	return reg_write(l, r, low, now);
}

/* ---- saving and restoring ---------------------------------------------------------------- */

void lapic_state_get(const struct lapic *l, uint32_t reg[LAPIC_REGS])
{
	for (uint32_t r = 0; r < LAPIC_REGS; r++)
		reg[r] = reg_word(l, r);
	reg[R_ID] = l->mode == LAPIC_X2APIC ? l->id : l->id << 24;
	reg[R_VERSION] = VERSION;
}

void lapic_state_unaccept(uint32_t reg[LAPIC_REGS], uint8_t vector)
{
	uint32_t bit = 1u << vector % 32;

	if (!(reg[R_ISR + vector / 32] & bit))
		return;
	reg[R_ISR + vector / 32] &= ~bit;
	reg[R_IRR + vector / 32] |= bit;
}

uint32_t lapic_timer_divisor(const struct lapic *l)
{
	return 1u << (timer_shift(l) - TIMER_SHIFT);
}

static void vectors_set(struct lapic *l, uint32_t first, const uint32_t *reg)
{
	for (uint32_t i = 0; i < 8; i++)
		reg_word_set(l, first + i, i ? reg[first + i] : reg[first] & ~0xffffu);
}

bool lapic_state_set(struct lapic *l, uint64_t base, const uint32_t reg[LAPIC_REGS],
	uint64_t tsc_deadline, sk_time_t now)
{
	bool enable = base & BASE_ENABLE, x2 = base & BASE_X2APIC;

	if ((base & ~(uint64_t)(BASE_BSP | BASE_X2APIC | BASE_ENABLE)) != VM_LAPIC_GPA ||
		(x2 && !enable))
		return false;
	registers_reset(l);
	mode_set(l, !enable ? LAPIC_OFF : x2 ? LAPIC_X2APIC : LAPIC_XAPIC);
	reg_word_set(l, R_TPR, reg[R_TPR] & 0xff);
	if (!x2)
		reg_word_set(l, R_LDR, reg[R_LDR] & 0xff000000);
	reg_word_set(l, R_DFR, reg[R_DFR] | 0x0fffffff);
	reg_word_set(l, R_SVR, reg[R_SVR] & 0x1ff);
	reg_word_set(l, R_ESR, reg[R_ESR] & 0xff);
	reg_word_set(l, R_ICR, reg[R_ICR] & 0xccfff);
	reg_word_set(l, R_ICR2, reg[R_ICR2]);
	vectors_set(l, R_ISR, reg);
	vectors_set(l, R_TMR, reg);
	vectors_set(l, R_IRR, reg); /* LAPIC2 */
	for (uint32_t r = R_LVT_THERMAL; r <= R_LVT_ERROR; r++)
		reg_word_set(l, r, reg[r] & 0x1a7ff);
	reg_word_set(l, R_TIMER_DIVIDE, reg[R_TIMER_DIVIDE] & 0xb);
	reg_word_set(l, R_LVT_TIMER, reg[R_LVT_TIMER] & (LVT_MODE | LVT_MASKED | 0xff));
	reg_word_set(l, R_TIMER_INITIAL, reg[R_TIMER_INITIAL]);
	l->enable_seen = reg[R_SVR] & SVR_ENABLE;
	if (timer_mode(l) == LVT_DEADLINE)
		lapic_deadline_write(l, tsc_deadline);
	else
		timer_load(l, now);
	return true;
}
