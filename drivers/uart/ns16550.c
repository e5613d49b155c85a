/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ns16550.c - the 16550 UART
 *
 * Invariants  NS1 the transmit interrupt is on exactly from when the FIFO has been filled until
 *                 it is filled again, or tx_take() has no more bytes.
 *             NS2 receive interrupts are off exactly while there is no room for a received
 *                 byte, so that the device holds back the sender and no byte is dropped here.
 */
#include "ns16550.h"

enum {
	/* Receive and transmit; divisor low with DLAB. */
	REG_DATA = 0,
	/* Divisor high with DLAB. */
	REG_IER = 1,
	/* Read; FIFO control when written. */
	REG_IIR = 2,
	REG_LCR = 3,
	REG_MCR = 4,
	REG_LSR = 5,
	REG_SCRATCH = 7,
	IER_RX = 1,
	IER_TX = 2,
	IER_LINE = 4,
	IIR_NONE = 1,
	IIR_TX_EMPTY = 2,
	IIR_CAUSE = 0x0f,
	/* FIFOs on, with their contents kept; receive trigger at 4 bytes. */
	FCR_ON = 0x01 | 0x40,
	LCR_8N1 = 3,
	LCR_DLAB = 0x80,
	/* OUT2 gates the interrupt line on PCs. */
	MCR_DTR_RTS_OUT2 = 0x0b,
	LSR_DATA = 1,
	LSR_OVERRUN = 2,
	LSR_TX_EMPTY = 0x20,
	FIFO = 16,
	/* A device that always has work must not keep us here. */
	ROUNDS_MAX = 4096,
};

static void interrupts_set(struct ns16550 *u)
{
	u->out(REG_IER,
		(uint8_t)((u->rx_on ? IER_RX | IER_LINE : 0) | (u->tx_on ? IER_TX : 0)));
}

bool ns16550_start(struct ns16550 *u)
{
	u->out(REG_SCRATCH, 0x5a);
	if (u->in(REG_SCRATCH) != 0x5a)
		return false;
	u->out(REG_IER, 0);
	u->out(REG_LCR, LCR_DLAB);
	u->out(REG_DATA, 1); /* 115200 = 1.8432 MHz / 16 / 1 */
	u->out(REG_IER, 0);
	u->out(REG_LCR, LCR_8N1);
	u->out(REG_IIR, FCR_ON);
	u->out(REG_MCR, MCR_DTR_RTS_OUT2);
	u->rx_on = true;
	u->tx_on = false;
	interrupts_set(u);
	return true;
}

static void tx_interrupt_on(struct ns16550 *u)
{
	if (u->tx_on)
		return;
	u->tx_on = true;
	interrupts_set(u);
}

static void tx_interrupt_off(struct ns16550 *u)
{
	if (!u->tx_on)
		return;
	u->tx_on = false;
	interrupts_set(u);
}

/* Fill the empty FIFO; NS1. */
static void transmit(struct ns16550 *u)
{
	uint8_t bytes[FIFO];
	uint32_t n = u->tx_take(bytes, sizeof(bytes));

	if (n == 0) {
		tx_interrupt_off(u);
		return;
	}
	u->send(bytes, n);
	tx_interrupt_on(u);
}

static void receive(struct ns16550 *u)
{
	uint8_t status;

	while (u->rx_on && (status = u->in(REG_LSR)) & LSR_DATA) {
		u->overruns += (status & LSR_OVERRUN) != 0;
		if (u->rx_byte(u->in(REG_DATA)))
			continue;
		u->rx_on = false; /* NS2 */
		interrupts_set(u);
	}
}

enum ns16550_said ns16550_interrupt(struct ns16550 *u)
{
	/*
	 * The line is edge-triggered: there is no next edge until the device has nothing left.
	 */
	for (unsigned int i = 0; i < ROUNDS_MAX; i++) {
		uint8_t cause = u->in(REG_IIR)&IIR_CAUSE;

		if (cause & IIR_NONE)
			return i ? NS16550_ALL : NS16550_NOTHING;
		if (cause == IIR_TX_EMPTY)
			transmit(u);
		else
			receive(u);
	}
	return NS16550_MORE;
}

void ns16550_tx_kick(struct ns16550 *u)
{
	if (!u->tx_on && u->in(REG_LSR)&LSR_TX_EMPTY)
		transmit(u);
	else
		tx_interrupt_on(u); /* follows when the last bytes have been sent */
}

void ns16550_rx_resume(struct ns16550 *u)
{
	if (u->rx_on)
		return;
	u->rx_on = true;
	interrupts_set(u);
	receive(u);
}
