/* SPDX-License-Identifier: BSD-2-Clause */
/* etharp.h - the part of lwIP that port_if.c uses; port_test.c plays it */
#ifndef FAKE_LWIP_ETHARP_H
#define FAKE_LWIP_ETHARP_H

void etharp_output(void);

#endif
