/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq_test.c - interrupt sources on two IO-APICs and two CPUs: what is written into which
 * redirection entry, and when
 *
 * An IO-APIC is an inaccessible page: each access traps, is let through, and then played
 * (register index at 0, data at 0x10).
 */
#include "processor.h"
#include <sys/mman.h>
#include "kernel/arch/x86_64/irq.c"

enum {
	PINS = 24,
	SENDER = 0x310,
	IOAPIC_RID = 0xf0f8,
	CPUS = 2,
	REGISTERS = 256,
	TRAP_FLAG = 0x100,
	LOG_MAX = 4096
};

static struct chip {
	uint32_t *page;
	uint32_t reg[REGISTERS];
} chips[2];
static struct {
	unsigned int chip, reg;
	uint32_t value;
} written[LOG_MAX]; /* in order */
static unsigned int n_written;

static struct cpu_arch machine[CPUS];
struct cpu *cpus[SK_CPU_MAX];
uint32_t n_cpus = CPUS;
static unsigned int eois, signals;
static const struct irq_source *signalled;
static uint32_t entry_when_signalled;

/* --- the rest of the kernel --------------------------------------------------------------- */

void *fixmap_mmio(unsigned int slot, uint64_t paddr)
{
	assert_int_equal(paddr, slot == FIX_IOAPIC ? 0xfec00000 : 0xfec01000);
	return chips[slot - FIX_IOAPIC].page;
}
uint32_t iommu_mmio(uint64_t *mmio, uint32_t max)
{
	if (max)
		mmio[0] = 0xfed9000e;
	return max ? 1 : 0;
}
struct io_limits io_limits;
struct io_tables io_tables;
uint32_t io_apic_id_max = 0xff;
static struct {
	const struct irq_source *open[8];
	unsigned int n_open;
	uint32_t taken; /* a vector */
	int rc;
	bool masked_at_close, kept_at_close;
} remapping;

uint32_t io_ioapic_rid(const struct io_tables *t, uint8_t id)
{
	assert_ptr_equal(t, &io_tables);
	return IOAPIC_RID + id;
}
int io_irq_open(struct irq_source *s)
{
	if (!remapping.rc)
		remapping.open[remapping.n_open++ % 8] = s;
	return remapping.rc;
}
void io_irq_close(struct irq_source *s)
{
	remapping.n_open--;
	remapping.masked_at_close =
		s->pin &&
		chips[s->ioapic].reg[REG_REDIR + 2 * (s->gsi - PINS * s->ioapic)] & 1 << 16;
	remapping.kept_at_close = arch_of(cpus[s->cpu])->source[s->vector] == s;
}
bool io_irq_taken(uint32_t rid, uint32_t vector)
{
	return rid == SENDER && vector == remapping.taken;
}
void io_irq_message(const struct irq_source *s, uint64_t *addr, uint32_t *data)
{
	*addr = 0xfee00000 | s->rid << 4;
	*data = s->vector;
}
uint32_t io_irq_pin(const struct irq_source *s) { return cpus[s->cpu]->apic_id << 24; }
void lapic_eoi(void) { eois++; }
void core_irq(struct irq_source *s)
{
	signals++;
	signalled = s;
	entry_when_signalled =
		s->pin ? chips[s->ioapic].reg[REG_REDIR + 2 * (s->gsi - PINS * s->ioapic)] : 0;
}

/* --- the chips ---------------------------------------------------------------------------- */

static struct chip *accessed;
static unsigned int offset;
static uint32_t data_before;

static void touched(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	char *at = info->si_addr;

	(void)signal;
	accessed = NULL;
	for (unsigned int i = 0; i < 2; i++)
		if (at >= (char *)chips[i].page && at < (char *)chips[i].page + SK_PAGE_SIZE)
			accessed = &chips[i];
	if (!accessed)
		abort();
	offset = (unsigned int)(at - (char *)accessed->page);
	mprotect(accessed->page, SK_PAGE_SIZE, PROT_READ | PROT_WRITE);
	data_before = accessed->page[4];
	c->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void done(int signal, siginfo_t *info, void *context)
{
	ucontext_t *c = context;
	uint32_t *page = accessed->page, reg = page[0] % REGISTERS;

	(void)signal, (void)info;
	if (offset == 0) {
		page[4] = accessed->reg[reg];
	} else if (offset == 16 && page[4] != data_before) {
		accessed->reg[reg] = page[4];
	}
	if (offset == 16 && n_written < LOG_MAX) {
		written[n_written].chip = (unsigned int)(accessed - chips);
		written[n_written].reg = reg;
		written[n_written++].value = page[4];
	}
	mprotect(page, SK_PAGE_SIZE, PROT_NONE);
	c->uc_mcontext.gregs[REG_EFL] &= ~TRAP_FLAG;
}

static uint32_t low(unsigned int chip, unsigned int pin)
{
	return chips[chip].reg[REG_REDIR + 2 * pin];
}
static uint32_t high(unsigned int chip, unsigned int pin)
{
	return chips[chip].reg[REG_REDIR + 2 * pin + 1];
}

/* cmocka sets its own handlers before each test. */
static void play(void)
{
	struct sigaction segv = { .sa_sigaction = touched, .sa_flags = SA_SIGINFO },
			 trap = { .sa_sigaction = done, .sa_flags = SA_SIGINFO };

	sigaction(SIGSEGV, &segv, NULL);
	sigaction(SIGTRAP, &trap, NULL);
}

static int set_up(void **state)
{
	(void)state;
	memset(machine, 0, sizeof(machine));
	memset(ioapics, 0, sizeof(ioapics));
	memset(&remapping, 0, sizeof(remapping));
	for (unsigned int i = 0; i < CPUS; i++) {
		machine[i].cpu =
			(struct cpu){ .self = &machine[i].cpu, .id = i, .apic_id = 4 + i };
		cpus[i] = &machine[i].cpu;
	}
	for (unsigned int i = 0; i < 2; i++) {
		if (!chips[i].page)
			chips[i].page = mmap(NULL, SK_PAGE_SIZE, PROT_NONE,
				MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		memset(chips[i].reg, 0, sizeof(chips[i].reg));
		chips[i].reg[1] = (PINS - 1) << 16 | 0x11;
	}
	madt = (struct madt){ .lapic = 0xfee00abc, .n_ioapics = 2 };
	madt.ioapic[0].paddr = 0xfec00000;
	madt.ioapic[1].paddr = 0xfec01000;
	madt.ioapic[1].gsi = PINS;
	madt.ioapic[1].id = 1;
	processor_reset();
	be(&machine[0].cpu);
	play();
	ioapic_init();
	n_written = eois = signals = 0;
	signalled = NULL;
	return 0;
}

/* --- tests -------------------------------------------------------------------------------- */

static void pins_begin_masked(void **state)
{
	(void)state;
	play();
	for (unsigned int chip = 0; chip < 2; chip++)
		for (unsigned int pin = 0; pin < PINS; pin++)
			assert_int_equal(low(chip, pin), 1 << 16);
	assert_int_equal(ioapics[0].n_pins, PINS);
	assert_int_equal(ioapics[1].n_pins, PINS);
}

/* A pin is masked until it is fully programmed, and stays masked until it is unmasked. */
static void pins_are_programmed(void **state)
{
	struct irq_source s = { 0 }, other = { 0 };

	(void)state;
	play();
	assert_int_equal(irq_source_pin(&s, 3, false, false, 1), 0);
	assert_int_equal(s.vector, 0x30);
	assert_int_equal(n_written, 2);
	assert_int_equal(written[0].reg, 0x10 + 2 * 3);
	assert_int_equal(written[0].value, 1 << 16 | 0x30);
	assert_int_equal(high(0, 3), 5 << 24);
	assert_ptr_equal(machine[1].source[0x30], &s);
	irq_source_unmask(&s);
	assert_int_equal(low(0, 3), 0x30);
	assert_int_equal(irq_source_pin(&other, 3, false, false, 0), -SK_E_BUSY);
	assert_int_equal(other.vector, 0);
	assert_null(machine[0].source[0x30]); /* the vector is free again */
	assert_int_equal(irq_source_pin(&other, PINS, true, true, 1),
		0); /* the first pin of the second chip */
	assert_int_equal(other.vector, 0x31);
	irq_source_unmask(&other);
	assert_int_equal(low(1, 0), 0x31 | 1 << 15 | 1 << 13);
	assert_int_equal(low(0, PINS - 1), 1 << 16);
	irq_source_unmask(&s);
	irq_source_free(&s); /* freeing masks the pin */
	assert_int_equal(low(0, 3), 1 << 16 | 0x30);
	assert_int_equal(s.vector, 0);
	assert_null(machine[1].source[0x30]);
	assert_int_equal(irq_source_pin(&s, 3, true, false, 0), 0);
	irq_source_unmask(&s);
	assert_int_equal(low(0, 3), 0x30 | 1 << 15);
	assert_int_equal(high(0, 3), 4 << 24);
	irq_source_free(&s);
	irq_source_free(&other);
}

static void absent_pins(void **state)
{
	struct irq_source s = { 0 };

	(void)state;
	play();
	assert_int_equal(irq_source_pin(&s, 2 * PINS, false, false, 0), -SK_E_NOT_FOUND);
	assert_int_equal(s.vector, 0);
	assert_int_equal(irq_source_pin(&s, 2 * PINS - 1, false, false, 0), 0);
	irq_source_free(&s);
	assert_int_equal(irq_source_pin(&s, 3, false, false, CPUS), -SK_E_INVAL);
	machine[1].cpu.apic_id = 256; /* an ID that does not fit 8 bits */
	assert_int_equal(irq_source_pin(&s, 3, false, false, 1), -SK_E_INVAL);
	assert_int_equal(low(0, 3), 1 << 16);
	machine[1].cpu.apic_id = 255;
	assert_int_equal(irq_source_pin(&s, 3, false, false, 1), 0);
	irq_source_free(&s);
}

/* The firmware says how a line is wired. */
static void overrides(void **state)
{
	struct irq_source s = { 0 };

	(void)state;
	play();
	madt.n_overrides = 2;
	madt.override[0].gsi = 9;
	madt.override[0].flags = 0xf; /* level, low */
	madt.override[1].gsi = 10;
	madt.override[1].flags = 0x5; /* edge, high */
	assert_int_equal(irq_source_pin(&s, 9, false, false, 0), 0);
	assert_true(s.level);
	assert_int_equal(s.low, 0x30 | 1 << 15 | 1 << 13);
	irq_source_free(&s);
	assert_int_equal(irq_source_pin(&s, 10, true, true, 0), 0);
	assert_false(s.level);
	assert_int_equal(s.low, 0x30);
	irq_source_free(&s);
	madt.override[1].flags = 0xd; /* level, high */
	assert_int_equal(irq_source_pin(&s, 10, false, true, 0), 0);
	assert_int_equal(s.low, 0x30 | 1 << 15);
	irq_source_free(&s);
	madt.override[1].flags = 0x7; /* edge, low */
	assert_int_equal(irq_source_pin(&s, 10, true, false, 0), 0);
	assert_int_equal(s.low, 0x30 | 1 << 13);
	irq_source_free(&s);
	madt.override[1].flags = 0; /* says nothing, so the default holds */
	assert_int_equal(irq_source_pin(&s, 10, true, true, 0), 0);
	assert_int_equal(s.low, 0x30 | 1 << 15 | 1 << 13);
	irq_source_free(&s);
}

static void messages(void **state)
{
	static struct irq_source all[VEC_IOMMU - VEC_DEVICE];
	struct irq_source s = { 0 };
	uint64_t addr = 0;
	uint32_t data = 0;

	(void)state;
	play();
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++) {
		assert_int_equal(irq_source_msi(&all[i], 1, SENDER, &addr, &data), 0);
		assert_int_equal(addr, 0xfee03100);
		assert_int_equal(data, VEC_DEVICE + i);
	}
	assert_int_equal(irq_source_msi(&s, 1, SENDER, &addr, &data), -SK_E_LIMIT);
	assert_int_equal(irq_source_msi(&s, CPUS, SENDER, &addr, &data), -SK_E_INVAL);
	assert_int_equal(irq_source_msi(&s, 0, SENDER, &addr, &data), 0);
	assert_int_equal(n_written, 0);
	irq_source_unmask(&s); /* without a pin nothing is written */
	assert_int_equal(n_written, 0);
	irq_source_free(&all[7]);
	assert_int_equal(irq_source_msi(&all[7], 1, SENDER, &addr, &data), 0);
	assert_int_equal(data, VEC_DEVICE + 7);
	for (unsigned int i = 0; i < ARRAY_SIZE(all); i++)
		irq_source_free(&all[i]);
	irq_source_free(&s);
}

/*
 * A level pin is masked before the source is signalled, and before the EOI lets the next
 * interrupt in.
 */
static void interrupts_come(void **state)
{
	struct irq_source level = { 0 }, edge = { 0 }, elsewhere = { 0 };

	(void)state;
	play();
	assert_int_equal(irq_source_pin(&level, 4, true, false, 0), 0);
	assert_int_equal(irq_source_pin(&edge, 5, false, false, 0), 0);
	assert_int_equal(irq_source_pin(&elsewhere, 6, false, false, 1), 0);
	irq_source_unmask(&level);
	irq_source_unmask(&edge);
	irq_dispatch(level.vector);
	assert_ptr_equal(signalled, &level);
	assert_int_equal(entry_when_signalled, level.low | 1 << 16);
	/* it ends for the IO-APIC, too, because it is an edge for a moment */
	assert_int_equal(written[n_written - 2].value, (level.low & ~(1u << 15)) | 1 << 16);
	assert_int_equal(eois, 1);
	irq_dispatch(edge.vector);
	assert_ptr_equal(signalled, &edge);
	assert_int_equal(entry_when_signalled, edge.low);
	assert_int_equal(eois, 2);
	irq_dispatch(0x80); /* no source has this vector */
	assert_int_equal(signals, 2);
	assert_int_equal(eois, 3);
	irq_source_free(&level);
	irq_dispatch(0x30);
	assert_int_equal(signals, 2);
	be(&machine[1].cpu);
	play();
	irq_dispatch(0x30);
	assert_ptr_equal(signalled, &elsewhere);
	irq_source_free(&edge);
	irq_source_free(&elsewhere);
}

/* The IOMMU knows a source from before its pin is unmasked until after it is masked. */
static void sources_are_told_to_the_iommu(void **state)
{
	struct irq_source s = { 0 }, m = { 0 };
	uint64_t addr;
	uint32_t data;

	(void)state;
	play();
	assert_int_equal(irq_source_pin(&s, PINS + 3, true, false, 1), 0);
	assert_int_equal(s.rid, IOAPIC_RID + 1);
	assert_ptr_equal(remapping.open[0], &s);
	assert_int_equal(low(1, 3), 1 << 16 | 1 << 15 | 0x30);
	irq_source_unmask(&s);
	irq_source_free(&s);
	assert_int_equal(remapping.n_open, 0);
	assert_true(remapping.masked_at_close);
	assert_true(remapping.kept_at_close); /* its vector was nobody else's so far */
	assert_null(machine[1].source[0x30]);
	remapping.taken = 0x30; /* on another CPU */
	assert_int_equal(irq_source_msi(&m, 1, SENDER, &addr, &data), 0);
	assert_int_equal(data, 0x31);
	assert_int_equal(m.rid, SENDER);
	irq_source_free(&m);
	assert_true(remapping.kept_at_close);
	/* it has no room, or does not know the sender */
	remapping.rc = -SK_E_LIMIT;
	assert_int_equal(irq_source_msi(&m, 1, SENDER, &addr, &data), -SK_E_LIMIT);
	assert_int_equal(m.vector, 0);
	assert_null(machine[1].source[0x31]);
	assert_int_equal(irq_source_pin(&s, 5, true, false, 1), -SK_E_LIMIT);
	assert_int_equal(s.vector, 0);
	remapping.rc = 0;
	assert_int_equal(irq_source_pin(&s, 5, true, false, 1), 0);
	irq_source_free(&s);
}

static void pages_of_the_chips(void **state)
{
	uint64_t mmio[4] = { 0 };

	(void)state;
	play();
	assert_int_equal(arch_kernel_mmio(mmio, 4), 4);
	assert_int_equal(mmio[3], 0xfed9000e);
	assert_int_equal(arch_kernel_mmio(mmio, 3), 3);
	assert_int_equal(mmio[0], 0xfee00014);
	assert_int_equal(mmio[1], 0xfec0000c);
	assert_int_equal(mmio[2], 0xfec0100c);
	assert_int_equal(arch_kernel_mmio(mmio, 2), 2);
	assert_int_equal(arch_kernel_mmio(mmio, 0), 0);
}

/* All IOMMUs have one interrupt, which no other source gets. */
static void the_iommus_interrupt(void **state)
{
	struct irq_source s = { 0 }, other = { 0 }, all[VEC_TIMER - VEC_DEVICE] = { { 0 } };
	unsigned int n = 0;
	uint64_t addr;
	uint32_t data;

	(void)state;
	play();
	assert_int_equal(irq_source_iommu(&s), -SK_E_NOT_FOUND);
	io_limits.levels = 3;
	assert_int_equal(irq_source_iommu(&s), 0);
	assert_ptr_equal(machine[0].source[VEC_IOMMU], &s);
	assert_int_equal(irq_source_iommu(&other), -SK_E_BUSY);
	irq_dispatch(VEC_IOMMU);
	assert_ptr_equal(signalled, &s);
	irq_source_free(&s);
	while (irq_source_msi(&all[n], 0, SENDER, &addr, &data) == 0)
		n++;
	assert_int_equal(n, VEC_IOMMU - VEC_DEVICE);
	assert_null(machine[0].source[VEC_IOMMU]);
	assert_int_equal(irq_source_iommu(&other), 0);
	io_limits.levels = 0;
}

#define TEST(f) cmocka_unit_test_setup(f, set_up)
int main(void)
{
	static const struct CMUnitTest tests[] = {
		TEST(pins_begin_masked),
		TEST(pins_are_programmed),
		TEST(absent_pins),
		TEST(overrides),
		TEST(messages),
		TEST(interrupts_come),
		TEST(the_iommus_interrupt),
		TEST(sources_are_told_to_the_iommu),
		TEST(pages_of_the_chips),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
