/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter.c - source addresses of frames
 */
#include "filter.h"

#include <string.h>

enum {
	ETHER_IPV4 = 0x0800,
	ETHER_ARP = 0x0806,
	ETHER_RARP = 0x8035,
	ETHER_VLAN = 0x8100,
	ETHER_IPV6 = 0x86dd,
	ETHER_SERVICE_VLAN = 0x88a8,
	VLAN_TAGS_MAX = 2,
	VLAN_TAG = 4,
	IPV4_HEADER = 20,
	IPV6_HEADER = 40,
	ARP_IPV4 = 28, /* bytes of a packet about Ethernet and IPv4 */
	PROTOCOL_UDP = 17,
	DHCP_CLIENT = 68,
	DHCP_SERVER = 67,
	MAPPED_BITS = 96,
};

static const uint8_t mapped[12] = { [10] = 0xff, [11] = 0xff };

static bool range_is_v4(const struct net_range *r)
{
	return r->bits >= MAPPED_BITS && memcmp(r->address, mapped, sizeof(mapped)) == 0;
}

int filter_init(struct filter *f, const struct net_params *p)
{
	if (p->n_sources > NET_RANGES)
		return -SK_E_INVAL;
	f->n = p->n_sources;
	memcpy(f->source, p->source, sizeof(f->source));
	for (uint32_t i = 0; i < f->n; i++)
		if (f->source[i].bits > 128)
			return -SK_E_INVAL;
	return 0;
}

static uint32_t word16(const uint8_t *p) { return (uint32_t)p[0] << 8 | p[1]; }

static bool bits_equal(const uint8_t *a, const uint8_t *b, uint32_t bits)
{
	uint32_t whole = bits / 8, rest = bits % 8;

	if (memcmp(a, b, whole) != 0)
		return false;
	return !rest || (a[whole] ^ b[whole]) >> (8 - rest) == 0;
}

static bool listed(const struct filter *f, const uint8_t address[16])
{
	for (uint32_t i = 0; i < f->n; i++)
		if (bits_equal(f->source[i].address, address, f->source[i].bits))
			return true;
	return false;
}

static bool listed_v4(const struct filter *f, const uint8_t address[4])
{
	uint8_t a[16];

	memcpy(a, mapped, sizeof(mapped));
	memcpy(a + sizeof(mapped), address, 4);
	return listed(f, a);
}

static bool all_zero(const uint8_t *p, uint32_t n)
{
	while (n && p[n - 1] == 0)
		n--;
	return n == 0;
}

/* From a host without an address to a DHCP server (RFC 2131, section 4.1). */
static bool asks_for_address(const uint8_t *ip, uint32_t length)
{
	uint32_t header = (ip[0] & 15u) * 4;

	return all_zero(ip + 12, 4) && ip[9] == PROTOCOL_UDP &&
	       (word16(ip + 6) & 0x1fff) == 0 && header + 4 <= length &&
	       word16(ip + header) == DHCP_CLIENT && word16(ip + header + 2) == DHCP_SERVER;
}

static bool ipv4_passes(const struct filter *f, const uint8_t *ip, uint32_t length)
{
	return length >= IPV4_HEADER && (listed_v4(f, ip + 12) || asks_for_address(ip, length));
}

/* RFC 826: what it says of its sender. */
static bool arp_passes(const struct filter *f, const uint8_t *arp, uint32_t length)
{
	return length >= ARP_IPV4 && word16(arp + 2) == ETHER_IPV4 && arp[4] == 6 &&
	       arp[5] == 4 && (listed_v4(f, arp + 14) || all_zero(arp + 14, 4));
}

static bool ipv6_passes(const struct filter *f, const uint8_t *ip, uint32_t length)
{
	static const uint8_t link_local[] = { 0xfe, 0x80 };
	bool restricted = false;

	for (uint32_t i = 0; i < f->n; i++)
		restricted |= !range_is_v4(&f->source[i]);
	if (!restricted)
		return true;
	return length >= IPV6_HEADER && (listed(f, ip + 8) || all_zero(ip + 8, 16) ||
						bits_equal(ip + 8, link_local, 10));
}

bool filter_passes(const struct filter *f, const uint8_t *bytes, uint32_t length)
{
	uint32_t at = 12, type = word16(bytes + at), tags = 0;

	if (!f->n)
		return true;
	while (type == ETHER_VLAN || type == ETHER_SERVICE_VLAN) {
		at += VLAN_TAG;
		if (++tags > VLAN_TAGS_MAX || at + 2 > length)
			return false;
		type = word16(bytes + at);
	}
	at += 2;
	switch (type) {
	case ETHER_IPV4:
		return ipv4_passes(f, bytes + at, length - at);
	case ETHER_ARP:
	case ETHER_RARP:
		return arp_passes(f, bytes + at, length - at);
	case ETHER_IPV6:
		return ipv6_passes(f, bytes + at, length - at);
	default:
		return true;
	}
}
