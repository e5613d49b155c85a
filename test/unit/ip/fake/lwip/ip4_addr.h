/* SPDX-License-Identifier: BSD-2-Clause */
/* ip4_addr.h - the part of lwIP that ip uses; main_test.c plays it */
#ifndef FAKE_LWIP_IP4_ADDR_H
#define FAKE_LWIP_IP4_ADDR_H

#include <stdint.h>

enum { IP4ADDR_STRLEN_MAX = 16 };
typedef struct {
	uint32_t addr;
} ip4_addr_t;

#define ip4_addr_set_zero(a) ((a)->addr = 0)
#define ip4_addr_isany_val(a) ((a).addr == 0)
int ip4addr_aton(const char *text, ip4_addr_t *out);
char *ip4addr_ntoa(const ip4_addr_t *a);
char *ip4addr_ntoa_r(const ip4_addr_t *a, char *buf, int size);

#endif
