/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ns16550.h - the 16550 UART: start, send, receive, interrupts
 *
 * Source: National Semiconductor PC16550D data sheet, sections 8.1 to 8.6.
 */
#ifndef UART_NS16550_H
#define UART_NS16550_H

#include <stdbool.h>
#include <stdint.h>

struct ns16550 {
	/* Registers 0 to 7 of the device. */
	uint8_t (*in)(uint8_t reg);
	void (*out)(uint8_t reg, uint8_t value);
	/* Put n bytes into the FIFO. */
	void (*send)(const uint8_t *bytes, uint32_t n);
	/* Take up to `most` bytes of what is to be sent; returns how many there are. */
	uint32_t (*tx_take)(uint8_t *to, uint32_t most);
	/*
	 * Take a byte that has come in; false: there is no room, so the rest stays in the
	 * device.
	 */
	bool (*rx_byte)(uint8_t byte);
	/* Interrupts enabled. */
	bool tx_on, rx_on;
	uint32_t overruns;
};

/*
 * Start it with 115200 baud, 8 data bits, no parity, FIFOs on, receive interrupts on. False:
 * there is no UART.
 */
bool ns16550_start(struct ns16550 *u);
enum ns16550_said {
	NS16550_NOTHING,
	NS16550_ALL,
	/*
	 * The device still has work, and its interrupt line is still up, so no edge will come.
	 * Call again.
	 */
	NS16550_MORE
};
/* Serve the device. To be called on its interrupt. */
enum ns16550_said ns16550_interrupt(struct ns16550 *u);
/* There is something to send. */
void ns16550_tx_kick(struct ns16550 *u);
/* There is room again for received bytes. */
void ns16550_rx_resume(struct ns16550 *u);

#endif
