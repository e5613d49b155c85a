/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lapic.h - a local APIC, xAPIC and x2APIC: pure state, no system calls
 *
 * Threads     Everything belongs to the vCPU's own thread, with two exceptions: lapic_post()
 *             and lapic_post_nmi() set bits atomically on any thread (the caller then kicks),
 *             and lapic_match() reads single words of other APICs' ID and mode registers. So
 *             there is no lock.
 * Time is in guest TSC ticks.
 */
#ifndef VMM_LAPIC_H
#define VMM_LAPIC_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

/* Registers of 16 bytes, 0x000 to 0x3f0; their low words are kept. */
#define LAPIC_REGS 64u

enum lapic_mode {
	LAPIC_OFF = 0,
	LAPIC_XAPIC = 1,
	LAPIC_X2APIC = 2,
};

struct lapic {
	/* 2 * number of the vCPU */
	uint32_t id;
	/* enum lapic_mode; other threads read it. */
	uint32_t mode;
	bool bsp;
	/*
	 * Indexed by offset / 16; ISR, TMR and IRR are kept here, too. IRR, LDR, DFR and SVR
	 * are atomic.
	 */
	uint32_t reg[LAPIC_REGS];
	/* atomic */
	uint32_t nmi_pending;
	/* For the next write of ESR. */
	uint32_t errors;
	/* SVR was written with the enable bit: lapic_enable_take(). */
	bool enable_seen;
	/* SK_NO_DEADLINE: not armed. */
	sk_time_t timer_deadline;
	/* When the initial count was loaded. */
	sk_time_t timer_start;
	/* Ticks of a periodic timer; 0: it is not periodic. */
	uint64_t timer_period;
	/* IA32_TSC_DEADLINE */
	uint64_t tsc_deadline;
};

/* ICR delivery modes, decoded. */
enum ipi_mode {
	IPI_FIXED = 0,
	IPI_LOWEST = 1,
	IPI_SMI = 2,
	IPI_NMI = 4,
	IPI_INIT = 5,
	IPI_STARTUP = 6,
};

enum ipi_shorthand {
	IPI_DEST = 0,
	IPI_SELF = 1,
	IPI_ALL = 2,
	IPI_OTHERS = 3,
};

struct lapic_ipi {
	bool valid;
	/* How to read dest: whether it is logical, and whether it has the format of x2APIC. */
	bool logical, x2;
	uint8_t vector;
	enum ipi_mode mode;
	enum ipi_shorthand shorthand;
	uint32_t dest;
};

void lapic_power_up(struct lapic *l, uint32_t id, bool bsp);
/* INIT: as after power-up, except for APIC_BASE, which stays. */
void lapic_init(struct lapic *l);

/* IA32_APIC_BASE. A write returns false for #GP. */
uint64_t lapic_base_read(const struct lapic *l);
bool lapic_base_write(struct lapic *l, uint64_t value) must_check;

/* Accesses to the xAPIC page: aligned, 32 bits. The rest of a register reads as 0. */
uint32_t lapic_read(struct lapic *l, uint32_t offset, sk_time_t now);
void lapic_write(
	struct lapic *l, uint32_t offset, uint32_t value, sk_time_t now, struct lapic_ipi *ipi);
/* x2APIC MSRs 0x800 to 0x8ff: false = #GP. */
bool lapic_msr_read(struct lapic *l, uint32_t msr, sk_time_t now, uint64_t *value) must_check;
bool lapic_msr_write(struct lapic *l, uint32_t msr, uint64_t value, sk_time_t now,
	struct lapic_ipi *ipi) must_check;
/* IA32_TSC_DEADLINE. */
uint64_t lapic_deadline_read(const struct lapic *l);
void lapic_deadline_write(struct lapic *l, uint64_t value);

/*
 * Any thread. False: it cannot be delivered, because the APIC is off or software-disabled. A
 * caller whose vector stands for a level makes the level visible first (a full barrier) and
 * checks it again after lapic_enable_take(), so one of the two delivers it.
 */
bool lapic_post(struct lapic *l, uint8_t vector);
bool lapic_enabled(const struct lapic *l);
/* True once after each write of SVR that has the enable bit. */
bool lapic_enable_take(struct lapic *l);
void lapic_post_nmi(struct lapic *l);
/* Does l take an IPI for this destination? Any thread. */
bool lapic_match(const struct lapic *l, const struct lapic_ipi *ipi);

/* The highest vector that may be delivered now, or -1. lapic_accept() puts it in service. */
int lapic_pending(const struct lapic *l);
void lapic_accept(struct lapic *l, uint8_t vector);
/*
 * For saving and restoring: the registers as they are kept, with the ID in the form of the
 * mode. lapic_state_set() takes APIC_BASE and IA32_TSC_DEADLINE besides, and starts the timer
 * anew. False: no such APIC can be.
 */
void lapic_state_get(const struct lapic *l, uint32_t reg[LAPIC_REGS]);
bool lapic_state_set(struct lapic *l, uint64_t base, const uint32_t reg[LAPIC_REGS],
	uint64_t tsc_deadline, sk_time_t now) must_check;
/*
 * In such registers: if lapic_accept() put that vector in service, it was not delivered, and is
 * pending again.
 */
void lapic_state_unaccept(uint32_t reg[LAPIC_REGS], uint8_t vector);
/* Ticks of the timer's clock for one count: 1 to 128. */
uint32_t lapic_timer_divisor(const struct lapic *l);
/* Put due timers into IRR. Returns when to call again. */
sk_time_t lapic_timer_run(struct lapic *l, sk_time_t now);

#endif
