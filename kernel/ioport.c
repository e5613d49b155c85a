/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ioport.c - I/O ports of devices, by the range that the capability names
 */
#include "cap.h"

static int port_check(const struct sk_regs *r, uint64_t ports)
{
	uint64_t port = r->rsi, size = r->rdx, first = ports & 0xffff, last = ports >> 16;

	if (size != 1 && size != 2 && size != 4)
		return -SK_E_INVAL;
	return error_if(port < first || port > last || size - 1 > last - port, SK_E_RANGE);
}

SYSCALL_HANDLER(PORT_IN)
{
	int rc = port_check(r, a->cap.obj);

	if (!rc)
		r->rdi = arch_port_in((uint16_t)r->rsi, (unsigned int)r->rdx);
	return rc;
}

SYSCALL_HANDLER(PORT_OUT)
{
	uint64_t word[] = { r->r10, r->r9 }, n = r->r8 ?: 1;
	int rc = port_check(r, a->cap.obj)
			 ?: error_if(n > 1 && (r->rdx > 1 || n > sizeof(word)), SK_E_INVAL);

	for (unsigned int i = 0; !rc && i < n; i++)
		arch_port_out((uint16_t)r->rsi, (unsigned int)r->rdx,
			(uint32_t)(word[i / 8] >> i % 8 * 8));
	return rc;
}
