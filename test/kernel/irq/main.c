/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * irq - interrupt pins and MSI as notifications; ports; level pins stay masked until they are
 * acknowledged
 */
#include "../lib/ktest.h"

#define PIT_GSI 2 /* ISA interrupt 0 is wired there, as the MADT says */
#define PIT_DATA 0x40
#define PIT_MODE 0x43

static sk_cap_t ntfn;

static void pit_one_shot(unsigned int ticks)
{
	CHECK_EQ(sk_port_out(SK_CAP_IOPORT, PIT_MODE, 1, 0x30),
		0); /* mode 0: output rises at the end */
	CHECK_EQ(sk_port_out(SK_CAP_IOPORT, PIT_DATA, 1, ticks & 0xff), 0);
	CHECK_EQ(sk_port_out(SK_CAP_IOPORT, PIT_DATA, 1, ticks >> 8), 0);
}

static void pin(void)
{
	sk_cap_t irq = object_new(SK_OBJ_IRQ, 0), second = object_new(SK_OBJ_IRQ, 0),
		 b = mint_new(ntfn, SK_W, 8);
	uint64_t word;
	int i;

	CHECK_EQ(sk_irq_ack(irq), -SK_E_STATE);
	CHECK_EQ(sk_irq_pin(SK_CAP_CTL_IO, irq, PIT_GSI, 0, 0), -SK_E_CAP);
	CHECK_EQ(sk_irq_pin(SK_CAP_CTL_IRQ, irq, PIT_GSI, 4, 0), -SK_E_INVAL);
	CHECK_EQ(sk_irq_pin(SK_CAP_CTL_IRQ, irq, PIT_GSI, 0, INFO->n_cpus), -SK_E_INVAL);
	CHECK(sk_irq_pin(SK_CAP_CTL_IRQ, irq, 100000, 0, 0) < 0);
	CHECK_EQ(sk_irq_bind(irq, b), 0);
	CHECK_EQ(sk_irq_pin(SK_CAP_CTL_IRQ, irq, PIT_GSI, 0, 0), 0);
	CHECK_EQ(sk_irq_pin(SK_CAP_CTL_IRQ, irq, PIT_GSI, 0, 0), -SK_E_EXISTS);
	CHECK(sk_irq_pin(SK_CAP_CTL_IRQ, second, PIT_GSI, 0, 0) < 0);
	for (i = 0; i < 3; i++) {
		pit_one_shot(1000);
		CHECK_EQ(sk_wait(ntfn, SK_NO_DEADLINE, &word), 0);
		CHECK_EQ(word, 8);
		CHECK_EQ(sk_irq_ack(irq), 0);
	}
	CHECK_EQ(sk_delete(ME, irq), 0); /* gives the pin back */
	CHECK_EQ(sk_irq_pin(SK_CAP_CTL_IRQ, second, PIT_GSI, 0, 0), 0);
	CHECK_EQ(sk_irq_bind(second, b), 0);
	pit_one_shot(1000);
	CHECK_EQ(sk_wait(ntfn, SK_NO_DEADLINE, &word), 0);
	CHECK_EQ(sk_delete(ME, second), 0);
}

/*
 * The PIT's output stays high, so as a level it interrupts again after each ACK, and only then.
 */
static void level(void)
{
	sk_cap_t irq = object_new(SK_OBJ_IRQ, 0), b = mint_new(ntfn, SK_W, 16);
	uint64_t word;
	int i;

	CHECK_EQ(sk_irq_bind(irq, b), 0);
	CHECK_EQ(sk_irq_pin(SK_CAP_CTL_IRQ, irq, PIT_GSI, 1, 0), 0);
	pit_one_shot(1000);
	CHECK_EQ(sk_wait(ntfn, SK_NO_DEADLINE, &word), 0);
	for (i = 0; i < 3; i++) {
		CHECK_EQ(sk_wait(ntfn, sk_now() + INFO->tsc_hz / 200, &word), -SK_E_TIMEOUT);
		CHECK_EQ(sk_irq_ack(irq), 0);
		CHECK_EQ(sk_wait(ntfn, SK_NO_DEADLINE, &word), 0);
		CHECK_EQ(word, 16);
	}
	CHECK_EQ(sk_delete(ME, irq), 0);
}

static void msi(void)
{
	sk_cap_t irq = object_new(SK_OBJ_IRQ, 0), other = object_new(SK_OBJ_IRQ, 0);
	uint64_t address, address2;
	uint32_t data, data2;

	CHECK_EQ(sk_irq_msi(SK_CAP_CTL_IRQ, irq, 0, 0, &address, &data), 0);
	CHECK_EQ(address >> 20, 0xfee);
	CHECK_EQ(sk_irq_msi(SK_CAP_CTL_IRQ, irq, 0, 0, &address, &data), -SK_E_EXISTS);
	CHECK_EQ(sk_irq_msi(SK_CAP_CTL_IRQ, other, 0, 0, &address2, &data2), 0);
	CHECK(address2 != address || data2 != data);
	CHECK_EQ(sk_irq_msi(SK_CAP_CTL_IRQ, other, INFO->n_cpus, 0, &address, &data),
		-SK_E_INVAL);
	CHECK_EQ(sk_delete(ME, irq), 0);
	CHECK_EQ(sk_delete(ME, other), 0);
}

void test_main(void)
{
	ntfn = object_new(SK_OBJ_NOTIFICATION, 0);
	pin();
	level();
	msi();
}
