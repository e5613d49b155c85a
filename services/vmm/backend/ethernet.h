/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ethernet.h - what netback must know of an Ethernet frame: where its transport checksum is
 */
#ifndef VMM_ETHERNET_H
#define VMM_ETHERNET_H

#include <stdbool.h>
#include <stdint.h>

/*
 * TCP or UDP over IPv4 or IPv6 (one VLAN tag at most): where the checksummed part begins, and
 * the field in it.
 */
bool frame_transport(
	const uint8_t *f, uint32_t len, uint16_t *start, uint16_t *offset, bool *ipv6);
/* Finish a partial checksum. False if the field is outside the frame. */
bool frame_checksum(uint8_t *f, uint32_t len, uint16_t start, uint16_t offset);

#endif
