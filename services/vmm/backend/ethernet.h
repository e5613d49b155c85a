/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ethernet.h - where the transport checksum of an Ethernet frame is, and how to finish it
 */
#ifndef VMM_ETHERNET_H
#define VMM_ETHERNET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * For TCP or UDP over IPv4 or IPv6 (at most one VLAN tag), find where the checksummed part
 * begins and where in it the field is.
 */
bool frame_transport(
	const uint8_t *f, uint32_t len, uint16_t *start, uint16_t *offset, bool *ipv6);
/* Finish a partial checksum. False if the field is outside the frame. */
bool frame_checksum(uint8_t *f, uint32_t len, uint16_t start, uint16_t offset);

#endif
