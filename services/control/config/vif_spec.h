/* SPDX-License-Identifier: BSD-2-Clause */
/* vif_spec.h - one entry of vif = [ ... ], as in xl-network-configuration(5) */
#ifndef CONTROL_VIF_SPEC_H
#define CONTROL_VIF_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "msg.h"

enum {
	VIF_NAME_MAX = 15,
	VIF_IP_MAX = 127,
	VIF_MAC_SIZE = 6,
	VIF_MAC_TEXT = 18,
	VIF_MTU = 1500
};

#define VIF_BRIDGE_DEFAULT "xenbr0"

struct vif_spec {
	uint8_t mac[VIF_MAC_SIZE];
	bool mac_given, trusted;
	int devid; /* -1: not given. In a guest's configuration: its number */
	char bridge[VIF_NAME_MAX + 1];  /* as written */
	char network[VIF_NAME_MAX + 1]; /* the switch of this host that it means */
	char model[VIF_NAME_MAX + 1];
	char vifname[VIF_NAME_MAX + 1];
	char gatewaydev[VIF_NAME_MAX + 1];
	char ip[VIF_IP_MAX + 1]; /* what the guest may send from; see ip_ranges_parse() */
	uint64_t rate_bytes;     /* per rate_us; 0: not limited */
	uint32_t rate_us;        /* 0: not limited */
	uint32_t mtu;            /* 0: not given, VIF_MTU */
};

/*
 * 0, or -1 with the mistake in *m. Without mac= the address stays unset: vif_spec_random_mac().
 * *ignored names the parameters that xl ignores, and is empty if there are none.
 */
int vif_spec_parse(struct vif_spec *v, const char *text, struct msg *ignored, struct msg *m);

/* An address of Xen's own range, made of three random bytes. */
void vif_spec_random_mac(struct vif_spec *v, const uint8_t random[3]);

/* "00:16:3e:xx:xx:xx", VIF_MAC_TEXT bytes with the terminator. */
void vif_mac_format(const uint8_t mac[VIF_MAC_SIZE], char text[VIF_MAC_TEXT]);

#endif
