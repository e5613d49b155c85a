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
	int rc = port_check(r, a->cap.obj);

	if (!rc)
		arch_port_out((uint16_t)r->rsi, (unsigned int)r->rdx, (uint32_t)r->r10);
	return rc;
}
