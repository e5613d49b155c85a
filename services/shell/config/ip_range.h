/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ip_range.h - the value of ip= in xl-network-configuration(5): addresses with spaces between
 */
#ifndef SHELL_IP_RANGE_H
#define SHELL_IP_RANGE_H

#include <stdint.h>

#include "toolstack/msg.h"
#include "proto/net.h"

/*
 * Reads addresses of IPv4 or IPv6, each alone or with "/bits". Returns how many there are, or
 * -1 with the mistake in *m.
 */
int ip_ranges_parse(const char *text, struct net_range to[NET_RANGES], struct msg *m);

#endif
