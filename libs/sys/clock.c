/*
 * clock.c - time, from the TSC and the kernel's information page
 *
 * Objects     the wall clock at boot, asked of init at most once.
 */
#include "proto/domain.h"
#include "proto/init.h"
#include "sys/clock.h"
#include "sys/sk.h"
#include "sys/start.h"

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

uint64_t clock_ns(void)
{
	return clock_ticks_to_ns(sk_now() - sys_info()->boot_tsc);
}

bool clock_wall_boot_ns(uint64_t *ns)
{
	static enum { UNASKED, KNOWN, UNKNOWN } state;
	static uint64_t boot_ns;
	struct sk_msg m = { .mi = SK_MI(INIT_WALLCLOCK, 0, 0) };

	if (state == UNASKED && !sys_root()) {
		sk_utcb()->deadline = SK_NO_DEADLINE;
		state = UNKNOWN;
		if (!sk_call(DOMAIN_CAP_PARENT, &m) && m.mr[0] == 0) {
			boot_ns = m.mr[1];
			state = KNOWN;
		}
	}
	*ns = boot_ns;
	return state == KNOWN;
}
