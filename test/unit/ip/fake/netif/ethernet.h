/* SPDX-License-Identifier: BSD-2-Clause */
/* ethernet.h - the part of lwIP that ip uses; main_test.c plays it */
#ifndef FAKE_NETIF_ETHERNET_H
#define FAKE_NETIF_ETHERNET_H

#include "lwip/netif.h"

err_t ethernet_input(struct pbuf *p, struct netif *n);

#endif
