/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.c - the guest's I/O ports: only power off, reset and a debug port exist
 *
 * Absent ports read as all ones and ignore writes. The exception is the counter of the absent
 * PIT: Linux calibrates against it, and would read it 100,000 times while it shows 0xff.
 *
 * Objects     the line that the debug port (0xe9) collects, shared by all vCPUs under its lock.
 */
#include "machine/port.h"

#include <xen/xen.h>
#include <xen/sched.h>

#include "log.h"
#include "machine/vmctl.h"

enum {
	PORT_PIT_COUNTER = 0x42,
	PORT_KBD = 0x64,
	PORT_SYSTEM_B = 0x61,
	PORT_POST = 0x80,
	PORT_DEBUG = 0xe9,
	PORT_RESET = 0xcf9
};
enum {
	/* values that reset the machine */
	KBD_RESET = 0xfe,
	RESET_FULL = 4,
};
enum { DEBUG_LINE = 120 };

static struct mutex debug_lock;
static char debug_line[DEBUG_LINE + 1];
static uint32_t debug_len;

static void debug_char_put(uint8_t c)
{
	mutex_lock(&debug_lock);
	if (c >= ' ' && c < 0x7f)
		debug_line[debug_len++] = (char)c;
	if ((c == '\n' && debug_len) || debug_len == DEBUG_LINE) {
		debug_line[debug_len] = 0;
		vm_log("guest: %s", debug_line);
		debug_len = 0;
	}
	mutex_unlock(&debug_lock);
}

static void sleep_write(uint32_t value)
{
	if (value & ACPI_SLEEP_ENABLE && (value >> 2 & 7) == ACPI_S5_TYPE)
		vm_shutdown(SHUTDOWN_poweroff);
}

void port_out(uint16_t port, uint8_t size, uint32_t value)
{
	if (size > 1 && port != PORT_RESET)
		return;
	switch (port) {
	case PORT_DEBUG:
		debug_char_put((uint8_t)value);
		break;
	case ACPI_SLEEP_PORT:
		sleep_write(value);
		break;
	case ACPI_RESET_PORT:
		if (value == ACPI_RESET_VALUE)
			vm_shutdown(SHUTDOWN_reboot);
		break;
	case PORT_RESET:
		if (value & RESET_FULL)
			vm_shutdown(SHUTDOWN_reboot);
		break;
	case PORT_KBD:
		if (value == KBD_RESET)
			vm_shutdown(SHUTDOWN_reboot);
		break;
	default:
		break;
	}
}

uint32_t port_in(uint16_t port, uint8_t size)
{
	switch (port) {
	case PORT_PIT_COUNTER:
	case PORT_SYSTEM_B:
	case PORT_POST:
	case ACPI_SLEEP_PORT:
	case ACPI_SLEEP_PORT + 1:
		return 0;
	default:
		return size == 4 ? UINT32_MAX : (1u << size * 8) - 1;
	}
}
