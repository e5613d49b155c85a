/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * port.h - I/O ports of the guest: absent devices, the ports of ACPI, the debug port
 */
#ifndef VMM_PORT_H
#define VMM_PORT_H

#include <stdint.h>

void port_out(uint16_t port, uint8_t size, uint32_t value);
uint32_t port_in(uint16_t port, uint8_t size);

#endif
