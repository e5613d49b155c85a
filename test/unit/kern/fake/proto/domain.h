/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain.h - the real header, with addresses that are free in a program with the address
 * sanitizer
 */
#ifndef KERN_PROTO_DOMAIN_H
#define KERN_PROTO_DOMAIN_H

#include "../../../../../libs/proto/domain.h"

#undef DOMAIN_CHANNEL_VADDR
#undef DOMAIN_FREE_VADDR
#undef DOMAIN_GUEST_VADDR
#define DOMAIN_CHANNEL_VADDR 0x180000000000ull
#define DOMAIN_FREE_VADDR 0x200000000000ull
#define DOMAIN_GUEST_VADDR 0x300000000000ull

#endif
