/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * clock.c - time, from the TSC and the kernel's information page
 *
 * The wall clock at boot is in the start-up page, so any handler may read it without a call.
 */
#include "proto/domain.h"
#include "sys/clock.h"
#include "sys/self.h"
#include "sys/sk.h"

#define NS_PER_SEC 1000000000ull

const struct sk_info *sys_info(void)
{
	return (const struct sk_info *)(sys_root() ? SK_INFO_VADDR : DOMAIN_KINFO_VADDR);
}

uint64_t clock_ticks_to_ns(uint64_t ticks)
{
	uint64_t hz = sys_info()->tsc_hz;

	if (!hz)
		return 0;
	return ticks / hz * NS_PER_SEC + ticks % hz * NS_PER_SEC / hz;
}

uint64_t clock_ns_to_ticks(uint64_t ns)
{
	uint64_t hz = sys_info()->tsc_hz;

	return ns / NS_PER_SEC * hz + ns % NS_PER_SEC * hz / NS_PER_SEC;
}

uint64_t clock_ns(void) { return clock_ticks_to_ns(sk_now() - sys_info()->boot_tsc); }

sk_time_t clock_in_ms(uint32_t ms) { return sk_now() + clock_ns_to_ticks(ms * 1000000ull); }

sk_time_t clock_in_us(uint32_t us) { return sk_now() + clock_ns_to_ticks(us * 1000ull); }

bool clock_wall_boot_ns(uint64_t *ns)
{
	*ns = sys_root() ? 0 : ((const struct domain_info *)DOMAIN_INFO_VADDR)->wall_boot_ns;
	return *ns != 0;
}
