/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * time.c - the guest's system time, wall clock, runstate and timers
 *
 * Objects     pvclock pages, runstate areas, and timers of struct xen_vcpu.
 * Locks       time_lock of the vCPU: runstate. Timers belong to the vCPU's thread; the period
 *             is atomic.
 * Lifecycle   Set up by time_init(). pvclock is written again when the guest changes its TSC.
 * Invariants  TIME1 system time = ns since start_tsc by one multiplier, for the guest and for
 *                   the VMM, even if the guest changes its TSC
 *             TIME2 runstate times never shrink, and add up to the time since the vCPU was made
 *             TIME3 start_tsc is a signed number: a host that was booted after the guest began
 *                   has a TSC below the guest's time
 */
#include "xen/time.h"

#include "xen.h"
#include "xen/evtchn.h"
#include "xen/evtchn_backend.h"
#include "xen/layout.h"
#include "xen/sched_op.h"
#include "xen/shinfo.h"

#define NS 1000000000ull
#define RUNSTATE_STEP_NS \
	1000000ull /* at an entry, the times of a running vCPU are at most this old */

/* ns = ((ticks << shift) * mul) >> 32 */
static uint32_t mul;
static int shift;

static void clock_scale_init(uint64_t hz)
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

static uint64_t ticks_ns(uint64_t ticks)
{
	ticks = shift < 0 ? ticks >> -shift : ticks << shift;
	return (uint64_t)(((unsigned __int128)ticks * mul) >> 32);
}

/* A restored guest may have begun before the host's TSC did: TIME3. */
uint64_t time_ns(uint64_t tsc)
{
	int64_t since = (int64_t)(tsc - xen_dom.p.start_tsc);

	return since > 0 ? ticks_ns((uint64_t)since) : 0;
}

/* Rounded up. */
static unsigned __int128 ns_ticks(uint64_t ns)
{
	unsigned __int128 t = (((unsigned __int128)ns << 32) + mul - 1) / mul;

	return shift < 0 ? t << -shift : (t + (1u << shift) - 1) >> shift;
}

sk_time_t time_tsc(uint64_t ns)
{
	__int128 t = (__int128)ns_ticks(ns) + (int64_t)xen_dom.p.start_tsc;

	if (t < 0)
		return 0;
	return t >= (__int128)SK_NO_DEADLINE ? SK_NO_DEADLINE - 1 : (sk_time_t)t;
}

/* ---- pvclock ---------------------------------------------------------------------- */

/* `at` is aligned to 4 only, because 32-bit code may place it so. */
static void time_info_write(void *at, uint64_t stamp)
{
	const struct vcpu_time_info t = {
		.tsc_timestamp = stamp,
		.tsc_to_system_mul = mul,
		.tsc_shift = (int8_t)shift,
		.flags = xen_dom.p.tsc_stable ? XEN_PVCLOCK_TSC_STABLE_BIT : 0,
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

/*
 * TIME1: the guest counts from the value that its own TSC had at start_tsc; this changes only
 * with its TSC offset.
 */
void time_write(unsigned int cpu)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];
	uint64_t stamp = xen_dom.p.start_tsc + edge_tsc_offset(cpu);

	mutex_lock(&vcpu->time_lock);
	time_info_write(shinfo_time(cpu), stamp);
	if (vcpu->time_copy)
		time_info_write(vcpu->time_copy, stamp);
	mutex_unlock(&vcpu->time_lock);
}

uint64_t xen_time_at(sk_time_t tsc) { return time_ns(tsc); }

void xen_time_update(unsigned int cpu) { time_write(cpu); }

void time_write_wallclock(void)
{
	shinfo_wallclock_write(xen_dom.p.wallclock_start_ns / NS,
		(uint32_t)(xen_dom.p.wallclock_start_ns % NS));
}

/* ---- runstate --------------------------------------------------------------------- */

/* The guest's copy may cross a page boundary. */
static void runstate_area_copy(
	struct xen_vcpu *vcpu, uint32_t offset, const void *src, uint32_t len)
{
	uint32_t n = 0;

	if (offset < vcpu->runstate_first) {
		n = vcpu->runstate_first - offset < len ? vcpu->runstate_first - offset : len;
		memcpy((uint8_t *)vcpu->runstate_at[0] + offset, src, n);
	}
	if (n < len)
		memcpy((uint8_t *)vcpu->runstate_at[1] + offset + n - vcpu->runstate_first,
			(const uint8_t *)src + n, len - n);
}

void time_areas_wrote(unsigned int cpu)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];

	mutex_lock(&vcpu->time_lock);
	if (vcpu->time_copy)
		edge_gmem_wrote(vcpu->time_copy, sizeof(struct vcpu_time_info));
	if (vcpu->runstate_at[0])
		edge_gmem_wrote(vcpu->runstate_at[0], vcpu->runstate_first);
	if (vcpu->runstate_at[1])
		edge_gmem_wrote(
			vcpu->runstate_at[1], vcpu->runstate_size - vcpu->runstate_first);
	mutex_unlock(&vcpu->time_lock);
}

/*
 * Written in the present layout of shared_info, and cut off if the guest's area is too small
 * for it.
 */
static void runstate_publish(struct xen_vcpu *vcpu)
{
	bool flag = __atomic_load_n(&xen_dom.runstate_flag, __ATOMIC_ACQUIRE),
	     compat = shinfo_compat();
	const uint32_t at = compat ? offsetof(
					     struct compat_vcpu_runstate_info, state_entry_time)
				   : offsetof(struct vcpu_runstate_info, state_entry_time);
	struct vcpu_runstate_info r = vcpu->runstate;
	uint8_t image[sizeof(r)];
	uint32_t size = compat ? sizeof(struct compat_vcpu_runstate_info) : sizeof(r);

	if (!vcpu->runstate_at[0])
		return;
	if (flag) {
		r.state_entry_time |= XEN_RUNSTATE_UPDATE;
		runstate_area_copy(vcpu, at, &r.state_entry_time, 8);
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
	}
	if (compat)
		layout_narrow(&layout_vcpu_runstate_info, image, &r);
	else
		memcpy(image, &r, sizeof(r));
	runstate_area_copy(
		vcpu, 0, image, size < vcpu->runstate_size ? size : vcpu->runstate_size);
	if (flag) {
		__atomic_thread_fence(__ATOMIC_SEQ_CST);
		runstate_area_copy(vcpu, at, &vcpu->runstate.state_entry_time, 8);
	}
}

/*
 * TIME2: the time since the last update is added to the state that the vCPU was in; waiting for
 * a CPU counts as "runnable".
 */
static void runstate_account(unsigned int cpu, uint64_t tsc)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];
	uint64_t now = time_ns(tsc), then = time_ns(vcpu->runstate_tsc), waiting, ticks;
	uint64_t spent = now > then ? now - then : 0;

	ticks = edge_ticks_waiting(cpu);
	waiting = ticks > vcpu->waiting_ticks ? ticks_ns(ticks - vcpu->waiting_ticks) : 0;
	if (vcpu->runstate.state != RUNSTATE_running)
		waiting = 0;
	if (waiting > spent)
		waiting = spent;
	vcpu->runstate.time[RUNSTATE_runnable] += waiting;
	vcpu->runstate.time[vcpu->runstate.state] += spent - waiting;
	vcpu->runstate_tsc = tsc;
	vcpu->waiting_ticks = ticks;
}

void time_runstate_set(unsigned int cpu, int state)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];
	uint64_t tsc = edge_tsc();

	mutex_lock(&vcpu->time_lock);
	runstate_account(cpu, tsc);
	if (state != vcpu->runstate.state) {
		vcpu->runstate.state = state;
		vcpu->runstate.state_entry_time = time_ns(tsc);
	}
	runstate_publish(vcpu);
	mutex_unlock(&vcpu->time_lock);
}

void time_runstate_update(unsigned int cpu)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];

	mutex_lock(&vcpu->time_lock);
	runstate_account(cpu, edge_tsc());
	runstate_publish(vcpu);
	mutex_unlock(&vcpu->time_lock);
}

void xen_vcpu_sleep(unsigned int cpu)
{
	time_runstate_set(cpu, RUNSTATE_blocked);
	evtchn_vcpu_idles();
}

void xen_vcpu_look_again(unsigned int cpu) { sched_wait_end(cpu); }

/* Every wake-up ends SCHEDOP_block and SCHEDOP_poll: the guest checks again. */
void xen_vcpu_wake(unsigned int cpu)
{
	xen_vcpu_look_again(cpu);
	time_runstate_set(cpu, RUNSTATE_running);
}

/* Others may take it down and up again before it has run. */
void xen_vcpu_restored(unsigned int cpu) { xen_dom.vcpu[cpu].started = true; }

void xen_vcpu_online(unsigned int cpu, bool online)
{
	if (online) {
		xen_dom.vcpu[cpu].started = true;
		/*
		 * Events that came while the vCPU was down become due now: it starts with
		 * interrupts off, so nothing else would tell it.
		 */
		__atomic_store_n(&xen_dom.vcpu[cpu].upcall_new, 1, __ATOMIC_SEQ_CST);
	}
	time_runstate_set(cpu, online ? RUNSTATE_running : RUNSTATE_offline);
}

/* ---- timers ----------------------------------------------------------------------- */

static void periodic_timer_run(unsigned int cpu, sk_time_t now)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];
	uint64_t period = __atomic_load_n(&vcpu->period, __ATOMIC_ACQUIRE);

	if (period != vcpu->period_seen) {
		vcpu->period_seen = period;
		vcpu->next_period = SK_NO_DEADLINE;
		if (period)
			vcpu->next_period = time_tsc(time_ns(now) + period);
	}
	if (!period || now < vcpu->next_period)
		return;
	vcpu->next_period = time_tsc(time_ns(now) + period); /* missed ticks are not repeated */
	evtchn_virq(cpu, VIRQ_TIMER);
}

static void watchdogs_run(sk_time_t now)
{
	for (unsigned int i = 0; i < ARRAY_SIZE(xen_dom.watchdog); i++)
		if (now >= __atomic_load_n(&xen_dom.watchdog[i], __ATOMIC_ACQUIRE)) {
			__atomic_store_n(
				&xen_dom.watchdog[i], SK_NO_DEADLINE, __ATOMIC_RELEASE);
			vm_log("watchdog %u fired", i + 1);
			edge_shutdown(SHUTDOWN_watchdog);
		}
}

static void timers_run(unsigned int cpu)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];
	sk_time_t now = edge_tsc();

	if (now >= vcpu->singleshot) {
		vcpu->singleshot = SK_NO_DEADLINE;
		evtchn_virq(cpu, VIRQ_TIMER);
	}
	periodic_timer_run(cpu, now);
	if (cpu == 0)
		watchdogs_run(now);
}

static sk_time_t min_time(sk_time_t a, sk_time_t b) { return a < b ? a : b; }

sk_time_t xen_next_deadline(unsigned int cpu)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];
	sk_time_t t = min_time(vcpu->singleshot, vcpu->next_period);

	if (vcpu->waiting)
		t = min_time(t, vcpu->poll_deadline);
	for (unsigned int i = 0; cpu == 0 && i < ARRAY_SIZE(xen_dom.watchdog); i++)
		t = min_time(t, __atomic_load_n(&xen_dom.watchdog[i], __ATOMIC_ACQUIRE));
	return t;
}

void time_init(void)
{
	const uint64_t now = xen_dom.p.start_tsc;

	clock_scale_init(xen_dom.p.tsc_hz);
	xen_dom.p.start_tsc -= (uint64_t)ns_ticks(xen_dom.p.elapsed_ns);
	for (unsigned int i = 0; i < ARRAY_SIZE(xen_dom.watchdog); i++)
		xen_dom.watchdog[i] = SK_NO_DEADLINE;
	for (unsigned int i = 0; i < xen_dom.p.n_vcpus; i++) {
		struct xen_vcpu *vcpu = &xen_dom.vcpu[i];

		vcpu->singleshot = vcpu->next_period = vcpu->poll_deadline = SK_NO_DEADLINE;
		vcpu->runstate.state = i ? RUNSTATE_offline : RUNSTATE_running;
		vcpu->started = i == 0;
		vcpu->runstate_tsc = now;
		time_write(i);
	}
	time_write_wallclock();
}

void xen_vcpu_prepare(unsigned int cpu)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[cpu];

	xen_this_cpu = cpu;
	timers_run(cpu);
	if (ticks_ns(edge_tsc() - vcpu->runstate_tsc) >= RUNSTATE_STEP_NS)
		time_runstate_update(cpu);
}

bool xen_vcpu_runnable(unsigned int cpu) { return !xen_dom.vcpu[cpu].waiting; }
