/* SPDX-License-Identifier: BSD-2-Clause */
/* dhcp.h - the part of lwIP that ip uses; main_test.c plays it */
#ifndef FAKE_LWIP_DHCP_H
#define FAKE_LWIP_DHCP_H

#include "lwip/netif.h"

err_t dhcp_start(struct netif *n);

#endif
