/* sk.h - the system calls; those that a domain makes by itself, not through libs/svc, are played by world.c */
#ifndef WORLD_SYS_SK_H
#define WORLD_SYS_SK_H

#define sk_now(arg) kernel_sk_now(arg)
#define sk_cap_info(...) kernel_sk_cap_info(__VA_ARGS__)
#include "../../../../../libs/sys/sk.h"
#undef sk_now
#undef sk_cap_info

sk_time_t sk_now(void);
long sk_cap_info(sk_cap_t cnode, sk_cap_t slot, struct sk_cap_info *info);

#endif
