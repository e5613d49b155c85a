/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uart.c - COM1 by polling: boot messages until user land has the port, and panics
 */
#include "cpu.h"

enum { COM1 = 0x3f8, LINE_STATUS = 5, THR_EMPTY = 0x20, PATIENCE = 100000 };
static bool present;

void uart_init(void)
{
	outb(COM1 + 7, 0x5a);
	present = inb(COM1 + 7) == 0x5a;
	if (!present)
		return;
	outb(COM1 + 1, 0);    /* no interrupts */
	outb(COM1 + 3, 0x80); /* divisor: 115,200 baud */
	outb(COM1 + 0, 1);
	outb(COM1 + 1, 0);
	outb(COM1 + 3, 0x03); /* 8n1 */
	outb(COM1 + 2, 0x07); /* FIFO on and empty */
	outb(COM1 + 4, 0x03);
}

static void put(char c)
{
	for (int i = 0; i < PATIENCE && !(inb(COM1 + LINE_STATUS) & THR_EMPTY); i++)
		cpu_pause();
	outb(COM1, (uint8_t)c);
}

void arch_uart_putc(char c)
{
	if (!present)
		return;
	if (c == '\n')
		put('\r');
	put(c);
}
