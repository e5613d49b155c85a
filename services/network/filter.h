/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * filter.h - the addresses of IP that a port may send from (ip= of xl-network-configuration(5))
 */
#ifndef NETWORK_FILTER_H
#define NETWORK_FILTER_H

#include "proto/net.h"
#include "sys/sk.h"

struct filter {
	uint32_t n; /* 0: all frames pass */
	struct net_range source[NET_RANGES];
};

/* -SK_E_INVAL: the ranges are no ranges. */
int filter_init(struct filter *f, const struct net_params *p) must_check;
/*
 * May the port send the frame? Of IPv4 and ARP pass those with an address of the filter, and
 * those of a host that has none yet: DHCP, and ARP probes (RFC 5227). If the filter has an
 * address of IPv6, the same holds for IPv6, where each host has a link-local address, too.
 * Other protocols pass. bytes: at least NET_FRAME_MIN.
 */
bool filter_passes(const struct filter *f, const uint8_t *bytes, uint32_t length);

#endif
