/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * sk.h - system calls; world.c plays those that a domain makes itself, not through libs/svc
 */
#ifndef WORLD_SYS_SK_H
#define WORLD_SYS_SK_H

#define sk_now(arg) kernel_sk_now(arg)
#define sk_cap_info(...) kernel_sk_cap_info(__VA_ARGS__)
#define sk_port_in(...) kernel_sk_port_in(__VA_ARGS__)
#define sk_port_out(...) kernel_sk_port_out(__VA_ARGS__)
#define sk_port_out_bytes(...) kernel_sk_port_out_bytes(__VA_ARGS__)
#include "../../../../../libs/sys/sk.h"
#undef sk_now
#undef sk_cap_info
#undef sk_port_in
#undef sk_port_out
#undef sk_port_out_bytes

sk_time_t sk_now(void);
long sk_cap_info(sk_cap_t cnode, sk_cap_t slot, struct sk_cap_info *info);
/* Played by the tests of domains that use ports. */
long sk_port_in(sk_cap_t ioport, uint16_t port, uint32_t size, uint32_t *value);
long sk_port_out(sk_cap_t ioport, uint16_t port, uint32_t size, uint32_t value);
long sk_port_out_bytes(sk_cap_t ioport, uint16_t port, uint32_t n, const uint64_t w[2]);

#endif
