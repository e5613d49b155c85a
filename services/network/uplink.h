/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * uplink.h - the switch's port through a network card
 */
#ifndef NETWORK_UPLINK_H
#define NETWORK_UPLINK_H

#include "port.h"

/* Make p the port through the card's driver, which supports `offloads`. */
int uplink_start(struct port *p, struct svc_conn *nic, uint16_t offloads) must_check;

#endif
