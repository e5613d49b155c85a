/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ethernet.c - finding and finishing the transport checksum of an Ethernet frame
 *
 * Pure functions over a private copy of a frame. The length is checked before every read.
 */
#include "backend/ethernet.h"

#include "base/bytes.h"
#include "base/checksum.h"
#include "proto/net.h"

enum {
	ETH = 14,
	VLAN = 4,
	TYPE_IPV4 = 0x0800,
	TYPE_IPV6 = 0x86dd,
	TYPE_VLAN = 0x8100,
	TCP = 6,
	UDP = 17,
	EXT_HOP = 0,
	EXT_ROUTE = 43,
	EXT_DEST = 60,
	EXT_MAX = 8,
};

static bool transport_at(
	uint8_t proto, uint32_t at, uint32_t len, uint16_t *start, uint16_t *offset)
{
	if (proto != TCP && proto != UDP)
		return false;
	*offset = proto == TCP ? 16 : 6;
	if (at > len || len - at < *offset + 2u || at > UINT16_MAX)
		return false;
	*start = (uint16_t)at;
	return true;
}

static bool ipv6_transport(
	const uint8_t *f, uint32_t len, uint32_t at, uint16_t *start, uint16_t *offset)
{
	uint8_t next;

	if (len - at < 40)
		return false;
	next = f[at + 6];
	at += 40;
	for (int i = 0;
		i < EXT_MAX && (next == EXT_HOP || next == EXT_ROUTE || next == EXT_DEST);
		i++) {
		if (len < at || len - at < 8)
			return false;
		next = f[at];
		at += 8u + f[at + 1] * 8u;
	}
	return transport_at(next, at, len, start, offset);
}

bool frame_transport(
	const uint8_t *f, uint32_t len, uint16_t *start, uint16_t *offset, bool *ipv6)
{
	uint32_t at = ETH, ihl;
	uint16_t type;

	if (len < ETH)
		return false;
	type = get_be16(f + 12);
	if (type == TYPE_VLAN) {
		if (len < ETH + VLAN)
			return false;
		type = get_be16(f + 16);
		at += VLAN;
	}
	*ipv6 = type == TYPE_IPV6;
	if (*ipv6)
		return ipv6_transport(f, len, at, start, offset);
	if (type != TYPE_IPV4 || len - at < 20)
		return false;
	ihl = (f[at] & 15u) * 4;
	if (f[at] >> 4 != 4 || ihl < 20)
		return false;
	if (get_be16(f + at + 6) & 0x1fff) /* a later fragment has no header */
		return false;
	return transport_at(f[at + 9], at + ihl, len, start, offset);
}

bool frame_checksum(uint8_t *f, uint32_t len, uint16_t start, uint16_t offset)
{
	uint16_t value;

	if (!net_csum_inside(start, offset, len))
		return false;
	value = checksum_fold(checksum_add(0, f + start, len - start));
	/* UDP reads 0 as "no checksum" */
	put_be16(f + start + offset, value ? value : 0xffff);
	return true;
}
