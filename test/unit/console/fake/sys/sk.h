/* SPDX-License-Identifier: BSD-2-Clause */
/* sk.h - system calls as played for console */
#ifndef FAKE_SYS_SK_H
#define FAKE_SYS_SK_H

#include <sk/syscall.h>

struct sk_cap_info {
	uint32_t type, rights, order;
	uint64_t badge;
	uint64_t size;
};
long sk_cap_info(sk_cap_t cnode, sk_cap_t slot, struct sk_cap_info *info);
long sk_log_take(sk_cap_t ctl);
sk_time_t sk_now(void);

#endif
