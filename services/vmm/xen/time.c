/*
 * time.c - the guest's system time, wall clock, runstate and timers
 *
 * Objects     pvclock pages, runstate areas, timers of struct xen_vcpu.
 * Locks       xv->time_lock: runstate. Timers belong to the vCPU's thread (the period is atomic).
 * Lifecycle   set up by time_init(); pvclock is written again when the guest changes its TSC.
 * Invariants  T1 system time = ns since start_tsc by one multiplier, for the guest and for us alike, whatever the
 *                guest does to its TSC
 *             T2 runstate times never shrink and add up to the time since the vCPU was made
 */
#include "xen/xen_domain.h"

#define NS 1000000000ull
#define RUNSTATE_STEP_NS \
	1000000ull /* a running vCPU's times are at most this old when it is entered */

static uint32_t mul; /* ns = ((ticks << shift) * mul) >> 32 */
static int shift;

static void scale_init(uint64_t hz)
{
	shift = 0;
	while (hz > 2 * NS) {
		hz >>= 1;
		shift--;
	}
	while (hz <= NS) {
		hz <<= 1;
		shift++;
	}
	mul = (uint32_t)(((unsigned __int128)NS << 32) / hz);
}

uint64_t time_ticks_ns(uint64_t ticks)
{
	ticks = shift < 0 ? ticks >> -shift : ticks << shift;
	return (uint64_t)(((unsigned __int128)ticks * mul) >> 32);
}

uint64_t time_ns(uint64_t tsc)
{
	return tsc > xd.p.start_tsc ? time_ticks_ns(tsc - xd.p.start_tsc) : 0;
}

sk_time_t time_tsc(uint64_t ns)
{
	unsigned __int128 t = (((unsigned __int128)ns << 32) + mul - 1) / mul;

	t = shift < 0 ? t << -shift : (t + (1u << shift) - 1) >> shift;
	t += xd.p.start_tsc;
	return t >= SK_NO_DEADLINE ? SK_NO_DEADLINE - 1 : (sk_time_t)t;
}

/* ---- pvclock ---------------------------------------------------------------------- */

/* `at` is aligned to 4: 32-bit code asks for no more. */
static void time_info_write(void *at, uint64_t stamp)
{
	const struct vcpu_time_info t = {
		.tsc_timestamp = stamp,
		.tsc_to_system_mul = mul,
		.tsc_shift = (int8_t)shift,
		.flags = xd.p.tsc_stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0,
	};
	const size_t from = offsetof(struct vcpu_time_info, tsc_timestamp);
	uint32_t *version = at, odd = READ_ONCE(*version) | 1;

	_Static_assert(offsetof(struct vcpu_time_info, version) == 0, "comes first");
	WRITE_ONCE(*version, odd); /* being changed */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	memcpy((uint8_t *)at + from, (const uint8_t *)&t + from, sizeof(t) - from);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	WRITE_ONCE(*version, odd + 1);
}

/* T1: the guest counts from its own TSC at start_tsc, which never changes but with its TSC offset. */
void time_write(unsigned cpu)
{
	struct xen_vcpu *xv = &xd.vcpu[cpu];
	uint64_t stamp = xd.p.start_tsc + edge_tsc_offset(cpu);

	edge_lock(&xv->time_lock);
	time_info_write(shinfo_time(cpu), stamp);
	if (xv->time_copy)
		time_info_write(xv->time_copy, stamp);
	edge_unlock(&xv->time_lock);
}

void xen_time_update(unsigned cpu) { time_write(cpu); }

void time_write_wallclock(void)
{
	shinfo_wallclock_write(
		xd.p.wallclock_start_ns / NS, (uint32_t)(xd.p.wallclock_start_ns % NS));
}

/* ---- runstate --------------------------------------------------------------------- */

/* The guest's copy may lie across a page boundary. */
static void area_copy(struct xen_vcpu *xv, uint32_t offset, const void *src, uint32_t len)
{
	uint32_t n = 0;

	if (offset < xv->runstate_first) {
		n = xv->runstate_first - offset < len ? xv->runstate_first - offset : len;
		memcpy((uint8_t *)xv->runstate_at[0] + offset, src, n);
	}
	if (n < len)
		memcpy((uint8_t *)xv->runstate_at[1] + offset + n - xv->runstate_first,
			(const uint8_t *)src + n, len - n);
}

/* In the layout that shared_info has now. What the guest gave for the copy may be too small for it: the rest is left out. */
static void runstate_publish(struct xen_vcpu *xv)
{
	bool flag = __atomic_load_n(&xd.runstate_flag, __ATOMIC_ACQUIRE),
	     compat = shinfo_compat();
	const uint32_t at = compat ? offsetof(
					     struct compat_vcpu_runstate_info, state_entry_time)
				   : offsetof(struct vcpu_runstate_info, state_entry_time);
	struct vcpu_runstate_info r = xv->runstate;
	uint8_t image[sizeof(r)];
	uint32_t size = compat ? sizeof(struct compat_vcpu_runstate_info) : sizeof(r);

	if (!xv->runstate_at[0])
		return;
	if (flag) {
		r.state_entry_time |= XEN_RUNSTATE_UPDATE;
		area_copy(xv, at, &r.state_entry_time, 8);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
	if (compat)
		layout_narrow(&layout_vcpu_runstate_info, image, &r);
	else
		memcpy(image, &r, sizeof(r));
	area_copy(xv, 0, image, size < xv->runstate_size ? size : xv->runstate_size);
	if (flag) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		area_copy(xv, at, &xv->runstate.state_entry_time, 8);
	}
}

/* T2: what passed since the last update goes to the state that was; waiting for a CPU is "runnable". */
static void runstate_account(unsigned cpu, uint64_t tsc)
{
	struct xen_vcpu *xv = &xd.vcpu[cpu];
	uint64_t now = time_ns(tsc), then = time_ns(xv->runstate_tsc), waiting, ticks;
	uint64_t spent = now > then ? now - then : 0;

	ticks = edge_ticks_waiting(cpu);
	waiting = ticks > xv->waiting_ticks ? time_ticks_ns(ticks - xv->waiting_ticks) : 0;
	if (xv->runstate.state != RUNSTATE_running)
		waiting = 0;
	if (waiting > spent)
		waiting = spent;
	xv->runstate.time[RUNSTATE_runnable] += waiting;
	xv->runstate.time[xv->runstate.state] += spent - waiting;
	xv->runstate_tsc = tsc;
	xv->waiting_ticks = ticks;
}

void time_runstate_set(unsigned cpu, int state)
{
	struct xen_vcpu *xv = &xd.vcpu[cpu];
	uint64_t tsc = edge_tsc();

	edge_lock(&xv->time_lock);
	runstate_account(cpu, tsc);
	if (state >= 0 && state != xv->runstate.state) {
		xv->runstate.state = state;
		xv->runstate.state_entry_time = time_ns(tsc);
	}
	runstate_publish(xv);
	edge_unlock(&xv->time_lock);
}

void xen_vcpu_sleep(unsigned cpu) { time_runstate_set(cpu, RUNSTATE_blocked); }

void xen_vcpu_look_again(unsigned cpu) { sched_wait_end(cpu); }

/* Whatever woke it ends SCHEDOP_block and SCHEDOP_poll: guests look again. */
void xen_vcpu_wake(unsigned cpu)
{
	xen_vcpu_look_again(cpu);
	time_runstate_set(cpu, RUNSTATE_running);
}

void xen_vcpu_online(unsigned cpu, bool online)
{
	if (online) {
		xd.vcpu[cpu].started = true;
		/* What came while it was down is due now: it begins with interrupts off, and nobody tells it again. */
		__atomic_store_n(&xd.vcpu[cpu].upcall_new, 1, __ATOMIC_SEQ_CST);
	}
	time_runstate_set(cpu, online ? RUNSTATE_running : RUNSTATE_offline);
}

/* ---- timers ----------------------------------------------------------------------- */

static void period_run(unsigned cpu, sk_time_t now)
{
	struct xen_vcpu *xv = &xd.vcpu[cpu];
	uint64_t period = __atomic_load_n(&xv->period, __ATOMIC_ACQUIRE);

	if (period != xv->period_seen) {
		xv->period_seen = period;
		xv->next_period = SK_NO_DEADLINE;
		if (period)
			xv->next_period = time_tsc(time_ns(now) + period);
	}
	if (!period || now < xv->next_period)
		return;
	xv->next_period = time_tsc(time_ns(now) + period); /* missed ones are not made up for */
	evtchn_virq(cpu, VIRQ_TIMER);
}

static void watchdog_run(sk_time_t now)
{
	unsigned i;

	for (i = 0; i < ARRAY_SIZE(xd.watchdog); i++)
		if (now >= __atomic_load_n(&xd.watchdog[i], __ATOMIC_ACQUIRE)) {
			__atomic_store_n(&xd.watchdog[i], SK_NO_DEADLINE, __ATOMIC_RELEASE);
			edge_log("watchdog %u fired", i + 1);
			edge_shutdown(SHUTDOWN_watchdog);
		}
}

void time_timers_run(unsigned cpu)
{
	struct xen_vcpu *xv = &xd.vcpu[cpu];
	sk_time_t now = edge_tsc();

	if (now >= xv->singleshot) {
		xv->singleshot = SK_NO_DEADLINE;
		evtchn_virq(cpu, VIRQ_TIMER);
	}
	period_run(cpu, now);
	if (cpu == 0)
		watchdog_run(now);
}

static sk_time_t earlier(sk_time_t a, sk_time_t b) { return a < b ? a : b; }

sk_time_t xen_next_deadline(unsigned cpu)
{
	struct xen_vcpu *xv = &xd.vcpu[cpu];
	sk_time_t t = earlier(xv->singleshot, xv->next_period);
	unsigned i;

	if (xv->waiting)
		t = earlier(t, xv->poll_deadline);
	for (i = 0; cpu == 0 && i < ARRAY_SIZE(xd.watchdog); i++)
		t = earlier(t, __atomic_load_n(&xd.watchdog[i], __ATOMIC_ACQUIRE));
	return t;
}

void time_init(void)
{
	unsigned i;

	scale_init(xd.p.tsc_hz);
	for (i = 0; i < ARRAY_SIZE(xd.watchdog); i++)
		xd.watchdog[i] = SK_NO_DEADLINE;
	for (i = 0; i < xd.p.n_vcpus; i++) {
		struct xen_vcpu *xv = &xd.vcpu[i];

		xv->singleshot = xv->next_period = xv->poll_deadline = SK_NO_DEADLINE;
		xv->runstate.state = i ? RUNSTATE_offline : RUNSTATE_running;
		xv->started = i == 0;
		xv->runstate_tsc = xd.p.start_tsc;
		time_write(i);
	}
	time_write_wallclock();
}

void xen_vcpu_prepare(unsigned cpu)
{
	struct xen_vcpu *xv = &xd.vcpu[cpu];

	xen_this_cpu = cpu;
	time_timers_run(cpu);
	if (time_ticks_ns(edge_tsc() - xv->runstate_tsc) >= RUNSTATE_STEP_NS)
		time_runstate_set(cpu, -1);
}

bool xen_vcpu_runnable(unsigned cpu) { return !xd.vcpu[cpu].waiting; }
