/*
 * lapic.h - a local APIC, xAPIC and x2APIC: pure state, no system calls
 *
 * Threads     everything belongs to the vCPU's own thread, but: lapic_post() and lapic_post_nmi() from any
 *             thread set bits atomically (the caller then kicks), and lapic_match() reads single words of
 *             others' ID and mode registers. So there is no lock.
 * Time        in guest TSC ticks.
 */
#ifndef VMM_LAPIC_H
#define VMM_LAPIC_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

#define LAPIC_REGS 64u /* 16-byte registers, 0x000 to 0x3f0; kept as their low words */

enum lapic_mode { LAPIC_OFF = 0, LAPIC_XAPIC = 1, LAPIC_X2APIC = 2 };

struct lapic {
	uint32_t id;   /* 2 * vCPU number */
	uint32_t mode; /* enum lapic_mode; read by others */
	bool bsp;
	uint32_t reg
		[LAPIC_REGS]; /* by offset / 16; ISR, TMR, IRR in place; IRR, LDR, DFR, SVR atomic */
	uint32_t nmi_pending;     /* atomic */
	uint32_t errors;          /* for the next write of ESR */
	bool enable_seen;         /* SVR was written with the enable bit: lapic_enable_take() */
	sk_time_t timer_deadline; /* SK_NO_DEADLINE = not armed */
	sk_time_t timer_start;    /* when the initial count was loaded */
	uint64_t timer_period;    /* ticks of a periodic timer; 0 = none */
	uint64_t tsc_deadline;    /* MSR */
};

/* ICR delivery modes, decoded. */
enum ipi_mode {
	IPI_FIXED = 0,
	IPI_LOWEST = 1,
	IPI_SMI = 2,
	IPI_NMI = 4,
	IPI_INIT = 5,
	IPI_STARTUP = 6
};
enum ipi_shorthand { IPI_DEST = 0, IPI_SELF = 1, IPI_ALL = 2, IPI_OTHERS = 3 };
struct lapic_ipi {
	bool valid;
	bool logical, x2; /* how dest reads */
	uint8_t vector;
	enum ipi_mode mode;
	enum ipi_shorthand shorthand;
	uint32_t dest;
};

/* Power-up state; keep_mode: INIT, which leaves APIC_BASE alone. */
void lapic_reset(struct lapic *l, uint32_t id, bool bsp, bool keep_mode);

/* IA32_APIC_BASE. Write: false = #GP. */
uint64_t lapic_base_read(const struct lapic *l);
bool lapic_base_write(struct lapic *l, uint64_t value) must_check;

/* xAPIC page, aligned 32-bit accesses; the rest of a register reads 0. */
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
 * Any thread. False: nothing to deliver to (APIC off or software-disabled). Whoever has a level behind the vector makes
 * the level visible first (a full barrier) and looks at it again after lapic_enable_take(): one of the two delivers.
 */
bool lapic_post(struct lapic *l, uint8_t vector);
bool lapic_enabled(const struct lapic *l);
/* True once after each write of SVR that has the enable bit. */
bool lapic_enable_take(struct lapic *l);
void lapic_post_nmi(struct lapic *l);
/* Does l take an IPI for this destination? Any thread. */
bool lapic_match(const struct lapic *l, const struct lapic_ipi *ipi);

/* Highest vector that may be delivered now, or -1; then lapic_accept() makes it in service. */
int lapic_pending(const struct lapic *l);
void lapic_accept(struct lapic *l, uint8_t vector);
/* Due timers into IRR; returns when to come again. */
sk_time_t lapic_timer_run(struct lapic *l, sk_time_t now);

#endif
