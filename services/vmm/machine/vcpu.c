/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vcpu.c - the thread of a vCPU: wait until there is something to run, enter the guest, handle
 * the exit
 *
 * Objects     struct vcpu with its VCpu, thread, scheduling context and notification.
 * Locks       vm.lock for parking and for going online and offline; leaf.
 * Lifecycle   vcpu_make() runs before anything else; the threads live as long as the guest. The
 *             thread of an OFFLINE vCPU waits for INIT and SIPI, or for vcpu_up(); that of a
 *             DEAF one waits for an NMI as well.
 * Invariants  VLOOP1 a thread that leaves something for a vCPU (IRR, a request, an event) does
 *                    so before vcpu_kick(), and the vCPU's thread checks all of these after
 *                    each wait, each kick and each exit that may change them itself, so
 *                    nothing is lost
 *             VLOOP2 v->st is touched by the vCPU's own thread only, except while the vCPU is
 *                    OFFLINE and parked
 *             VLOOP3 the kernel holds at most one vector for the guest; when another waits
 *                    behind it, the thread retries after RETRY_US
 *             VLOOP4 when every vCPU is settled, and no request or NMI is pending, nothing can
 *                    run any more, because only vCPUs send requests and NMIs (those of a person
 *                    come too late then), and a thread
 *                    clears `settled` before it takes a request
 *             VLOOP5 between NEXT_ENTER and the entry, only a kick, the passing of time or an
 *                    upcall calls for a look: a kick ends the entry at once
 */
#include "machine/vcpu.h"

#include <string.h>
#include <xen/xen.h>
#include <xen/sched.h>

#include "base/error.h"
#include "caps/caps.h"
#include "machine/exit.h"
#include "log.h"
#include "machine/msr.h"
#include "machine/save.h"
#include "machine/vmctl.h"
#include "rt/thread.h"
#include "sys/sk.h"
#include "xen.h"

enum { RETRY_US = 100 };
/* While the guest exits, its thread looks at least so often a second, for its runstate. */
enum { LOOKS = 1000 };
#define RFLAGS_IF 0x200ull

/* ---- register state ---------------------------------------------------------------------- */

static void segment_set(struct sk_vcpu_state *st, unsigned int s, uint16_t selector,
	uint16_t attr, uint32_t limit, uint64_t base)
{
	st->seg[s] = (struct sk_segment){ selector, attr, limit, base };
}

/* As after INIT, in real mode. */
static void state_reset(struct vcpu *v)
{
	enum { ATTR_DATA = 0x93, ATTR_CODE = 0x9b, ATTR_LDT = 0x82, ATTR_TSS = 0x8b };
	struct sk_vcpu_state *st = v->st;

	memset(st->gpr, 0, sizeof(st->gpr));
	st->gpr[SK_RDX] = 0x600;
	st->rip = 0xfff0;
	st->rflags = 2;
	st->int_shadow = 0;
	st->cr0 = 0x60000010;
	st->cr2 = st->cr3 = st->cr4 = st->cr8 = st->efer = 0;
	st->pat = 0x0007040600070406;
	st->dr6 = 0xffff0ff0;
	st->dr7 = 0x400;
	st->xcr0 = 1;
	st->event = 0;
	st->star = st->lstar = st->cstar = st->sfmask = st->kernel_gs_base = 0;
	st->sysenter_cs = st->sysenter_esp = st->sysenter_eip = 0;
	for (unsigned int s = 0; s < SK_N_SEG; s++)
		segment_set(st, s, 0, ATTR_DATA, 0xffff, 0);
	segment_set(st, SK_CS, 0xf000, ATTR_CODE, 0xffff, 0xffff0000);
	segment_set(st, SK_LDTR, 0, ATTR_LDT, 0xffff, 0);
	segment_set(st, SK_TR, 0, ATTR_TSS, 0xffff, 0);
	st->gdtr = st->idtr = (struct sk_segment){ .limit = 0xffff };
	st->cpl = 0;
	vcpu_dirty(v, ~0u >> (32 - 10));
	v->pending_exception = 0;
	v->callback = 0;
}

/* The state after INIT, all groups dirty. The vCPU is OFFLINE; vm.lock is not held. */
static void vcpu_reset(struct vcpu *v)
{
	state_reset(v);
	lapic_init(&v->lapic);
	msr_reset(v);
}

void vcpu_pvh_entry(struct vcpu *v, uint64_t entry, uint64_t start_info)
{
	enum { ATTR_CODE = 0xc9b, ATTR_DATA = 0xc93, ATTR_TSS = 0x08b };
	struct sk_vcpu_state *st = v->st;

	st->cr0 = 0x11;
	st->rip = entry;
	st->gpr[SK_RDX] = 0;
	st->gpr[SK_RBX] = start_info;
	segment_set(st, SK_CS, 0, ATTR_CODE, 0xffffffff, 0);
	segment_set(st, SK_DS, 0, ATTR_DATA, 0xffffffff, 0);
	segment_set(st, SK_ES, 0, ATTR_DATA, 0xffffffff, 0);
	segment_set(st, SK_SS, 0, ATTR_DATA, 0xffffffff, 0);
	segment_set(st, SK_TR, 0, ATTR_TSS, 0x67, 0);
}

void vcpu_sync(struct vcpu *v, uint32_t groups)
{
	/*
	 * Registers that were changed here and have not been loaded are newer than the
	 * kernel's.
	 */
	groups &= ~(SK_VCPU_HOT | v->st->dirty);
	if (groups)
		(void)sk_vcpu_sync(v->cap, groups);
}

void vcpu_exception(struct vcpu *v, uint8_t vector, int64_t error)
{
	v->pending_exception = SK_EV_VALID | SK_EV_EXCEPTION | vector |
			       (error >= 0 ? SK_EV_ERROR_CODE : 0);
	v->pending_error = error >= 0 ? (uint32_t)error : 0;
}

/* ---- from any thread --------------------------------------------------------------------- */

void vcpu_kick(struct vcpu *v) { (void)sk_signal(v->kick); }

void vcpu_post(struct vcpu *v, uint8_t vector)
{
	if (lapic_post(&v->lapic, vector))
		vcpu_kick(v);
}

void vcpu_nmi(struct vcpu *v)
{
	lapic_post_nmi(&v->lapic);
	vcpu_kick(v);
}

int vcpu_up(struct vcpu *v)
{
	int rc = -SK_E_STATE;

	mutex_lock(&vm.lock);
	if (!vcpu_is_up(v)) {
		__atomic_fetch_and(&v->requests, ~(uint32_t)VCPU_REQ_DOWN, __ATOMIC_ACQ_REL);
		if (!vcpu_is_up(v))
			__atomic_store_n(&v->run, VCPU_RUNNABLE, __ATOMIC_RELEASE);
		rc = 0;
	}
	mutex_unlock(&vm.lock);
	if (!rc)
		vcpu_kick(v);
	return rc;
}

void vcpu_down(struct vcpu *v)
{
	__atomic_fetch_or(&v->requests, VCPU_REQ_DOWN, __ATOMIC_RELEASE);
	vcpu_kick(v);
}

uint64_t vcpu_ticks_waiting(const struct vcpu *v)
{
	uint64_t consumed, waited;
	uint32_t cpu;

	return sk_sched_stats(v->sched, &consumed, &waited, &cpu) ? 0 : waited;
}

static void ipi_deliver(struct vcpu *to, const struct lapic_ipi *ipi)
{
	switch (ipi->mode) {
	case IPI_FIXED:
	case IPI_LOWEST:
		vcpu_post(to, ipi->vector);
		break;
	case IPI_NMI:
		vcpu_nmi(to);
		break;
	case IPI_INIT:
		__atomic_fetch_or(&to->requests, VCPU_REQ_INIT, __ATOMIC_RELEASE);
		vcpu_kick(to);
		break;
	case IPI_STARTUP:
		__atomic_store_n(&to->sipi_vector, ipi->vector, __ATOMIC_RELAXED);
		__atomic_fetch_or(&to->requests, VCPU_REQ_SIPI, __ATOMIC_RELEASE);
		vcpu_kick(to);
		break;
	default:
		break;
	}
}

static bool ipi_is_for(
	const struct vcpu *from, const struct vcpu *to, const struct lapic_ipi *ipi)
{
	switch (ipi->shorthand) {
	case IPI_SELF:
		return to == from;
	case IPI_ALL:
		return true;
	case IPI_OTHERS:
		return to != from;
	default:
		return lapic_match(&to->lapic, ipi);
	}
}

void vcpu_ipi(struct vcpu *from, const struct lapic_ipi *ipi)
{
	for (uint32_t i = 0; i < vm.n_vcpus; i++) {
		if (!ipi_is_for(from, &vm.vcpu[i], ipi) ||
			(ipi->mode == IPI_LOWEST && !lapic_enabled(&vm.vcpu[i].lapic)))
			continue;
		ipi_deliver(&vm.vcpu[i], ipi);
		if (ipi->mode == IPI_LOWEST)
			break; /* one of them takes it */
	}
}

/* ---- requests, by its own thread --------------------------------------------------------- */

static void run_set(struct vcpu *v, enum vcpu_run run)
{
	mutex_lock(&vm.lock);
	__atomic_store_n(&v->run, run, __ATOMIC_RELEASE);
	mutex_unlock(&vm.lock);
}

void vcpu_halt(struct vcpu *v)
{
	if (v->st->rflags & RFLAGS_IF)
		__atomic_store_n(&v->run, VCPU_HALTED, __ATOMIC_RELEASE);
	else
		run_set(v, VCPU_DEAF);
}

static void sipi_start(struct vcpu *v)
{
	uint32_t vector = __atomic_load_n(&v->sipi_vector, __ATOMIC_RELAXED);
	struct sk_vcpu_state *st = v->st;

	if (v->run != VCPU_OFFLINE)
		return;
	state_reset(v);
	st->rip = 0;
	st->seg[SK_CS].selector = (uint16_t)(vector << 8);
	st->seg[SK_CS].base = vector << 12;
	run_set(v, VCPU_RUNNABLE);
}

/* Take the requests. It is down before the request for that is gone: vcpu_is_up(). */
static uint32_t requests_take(struct vcpu *v)
{
	uint32_t r;

	if (!__atomic_load_n(&v->requests, __ATOMIC_ACQUIRE))
		return 0;
	mutex_lock(&vm.lock);
	r = __atomic_load_n(&v->requests, __ATOMIC_ACQUIRE);
	if (r & (VCPU_REQ_DOWN | VCPU_REQ_INIT))
		__atomic_store_n(&v->run, VCPU_OFFLINE, __ATOMIC_RELEASE);
	__atomic_fetch_and(&v->requests, ~r, __ATOMIC_ACQ_REL);
	mutex_unlock(&vm.lock);
	return r;
}

static void requests_run(struct vcpu *v)
{
	uint32_t r = requests_take(v);

	if (r & VCPU_REQ_INIT)
		vcpu_reset(v);
	if (r & VCPU_REQ_SIPI)
		sipi_start(v);
	if (v->run == VCPU_DEAF && __atomic_load_n(&v->lapic.nmi_pending, __ATOMIC_ACQUIRE))
		run_set(v, VCPU_RUNNABLE);
	if (v->down_told == vcpu_is_up(v)) {
		v->down_told = !v->down_told;
		xen_vcpu_online(v->id, !v->down_told);
	}
}

/* vm.lock held: can the vCPU run again, after everything that has happened so far? */
static bool with_lock(vm.lock) vcpu_can_run(const struct vcpu *v)
{
	return !v->settled || vcpu_is_up(v) ||
	       __atomic_load_n(&v->requests, __ATOMIC_SEQ_CST) ||
	       (v->run == VCPU_DEAF &&
		       __atomic_load_n(&v->lapic.nmi_pending, __ATOMIC_SEQ_CST));
}

static void settled_clear(struct vcpu *v)
{
	mutex_lock(&vm.lock);
	v->settled = false;
	mutex_unlock(&vm.lock);
}

/* VLOOP4 */
static void settled_set(struct vcpu *v)
{
	bool alive = false;

	mutex_lock(&vm.lock);
	v->settled = true;
	for (uint32_t i = 0; i < vm.n_vcpus; i++)
		alive = alive || vcpu_can_run(&vm.vcpu[i]);
	mutex_unlock(&vm.lock);
	if (alive || __atomic_load_n(&vm.stopped, __ATOMIC_ACQUIRE))
		return;
	vm_note(NOTE_CRASH, UINT64_MAX,
		"all vCPUs are down, by HLT with interrupts off or by VCPUOP_down: power off");
	vm_shutdown(SHUTDOWN_poweroff);
}

/* ---- interrupts, by its own thread ------------------------------------------------------- */

static bool vector_inject(struct vcpu *v, uint8_t vector)
{
	uint32_t pending;
	long rc = sk_vcpu_inject(v->cap, vector, &pending);

	return !rc || (rc == -SK_E_BUSY && (pending & 0xff) == vector);
}

/*
 * Hand vectors to the kernel: the local APIC's first, because its EOI causes an exit. True: a
 * vector has to wait.
 */
static bool interrupts_inject(struct vcpu *v)
{
	int vector = lapic_pending(&v->lapic);
	uint32_t callback;

	if (vector >= 0 && vector_inject(v, (uint8_t)vector)) {
		lapic_accept(&v->lapic, (uint8_t)vector);
		vector = lapic_pending(&v->lapic);
	}
	callback = __atomic_exchange_n(&v->callback, 0, __ATOMIC_ACQ_REL);
	if (!callback) {
		int upcall = xen_upcall_vector(v->id);

		callback = upcall >= 0 ? (uint32_t)upcall | 0x100 : 0;
	}
	if (callback && !vector_inject(v, (uint8_t)callback)) {
		__atomic_store_n(&v->callback, callback, __ATOMIC_RELEASE);
		return true;
	}
	return vector >= 0;
}

static void events_inject(struct vcpu *v)
{
	struct sk_vcpu_state *st = v->st;

	if (v->pending_exception) {
		st->event = v->pending_exception;
		st->event_code = v->pending_error;
		v->pending_exception = 0;
		vcpu_dirty(v, SK_VCPU_EVENT);
	} else if (!(st->event & SK_EV_VALID) &&
		   __atomic_exchange_n(&v->lapic.nmi_pending, 0, __ATOMIC_ACQUIRE)) {
		st->event = SK_EV_VALID | SK_EV_NMI | 2;
		vcpu_dirty(v, SK_VCPU_EVENT);
	}
}

/* Would an interrupt end a HLT? */
static bool halt_ends(struct vcpu *v)
{
	if (__atomic_load_n(&v->lapic.nmi_pending, __ATOMIC_ACQUIRE))
		return true;
	if (!(v->st->rflags & RFLAGS_IF))
		return false;
	return v->st->irq_pending || __atomic_load_n(&v->callback, __ATOMIC_ACQUIRE) ||
	       lapic_pending(&v->lapic) >= 0 || xen_vcpu_event_pending(v->id);
}

/* ---- the loop ---------------------------------------------------------------------------- */

static void thread_sleep(struct vcpu *v, sk_time_t deadline)
{
	uint64_t word;

	(void)sk_wait(
		v->ntfn, deadline, &word); /* VLOOP1: the caller checks everything again */
}

static bool vcpus_must_park(void)
{
	return __atomic_load_n(&vm.pause_count, __ATOMIC_ACQUIRE) ||
	       __atomic_load_n(&vm.stopped, __ATOMIC_ACQUIRE);
}

/* Sleep while the guest is paused or has stopped. */
static void vcpu_park(struct vcpu *v)
{
	bool last;

	mutex_lock(&vm.lock);
	v->parked = 1;
	last = ++vm.n_parked == vm.n_vcpus;
	mutex_unlock(&vm.lock);
	if (last)
		io_kick(IO_CTL);
	while (vcpus_must_park()) {
		save_job_run(v); /* VLOOP1: whoever gives it kicks afterwards */
		thread_sleep(v, SK_NO_DEADLINE);
	}
	mutex_lock(&vm.lock);
	v->parked = 0;
	vm.n_parked--;
	mutex_unlock(&vm.lock);
}

/* Run due timers. Returns the host time at which the vCPU has to be awake again. */
static sk_time_t timers_run(struct vcpu *v)
{
	sk_time_t apic, xen;

	if (lapic_enable_take(&v->lapic))
		xen_apic_enabled(v->id);
	xen_vcpu_prepare(v->id);
	apic = lapic_timer_run(&v->lapic, guest_tsc(v));
	if (apic != SK_NO_DEADLINE)
		apic -= v->st->tsc_offset;
	xen = xen_next_deadline(v->id);
	return apic < xen ? apic : xen;
}

/* Wait until the guest can run. Returns the latest time until which it may run. */
static sk_time_t ready_wait(struct vcpu *v)
{
	sk_time_t deadline;

	for (;;) {
		if (vcpus_must_park()) {
			vcpu_park(v);
			/* a kick may have arrived in the meantime */
			xen_vcpu_look_again(v->id);
		}
		requests_run(v);
		if (!vcpu_is_up(v)) {
			deadline = timers_run(v); /* the watchdogs are vCPU 0's */
			settled_set(v);
			thread_sleep(v, deadline);
			settled_clear(v);
			continue;
		}
		deadline = timers_run(v);
		if (v->run == VCPU_HALTED && halt_ends(v))
			__atomic_store_n(&v->run, VCPU_RUNNABLE, __ATOMIC_RELEASE);
		if (v->run == VCPU_RUNNABLE && xen_vcpu_runnable(v->id))
			return deadline;
		xen_vcpu_sleep(v->id);
		__atomic_store_n(&v->idle, 1, __ATOMIC_RELAXED);
		thread_sleep(v, deadline);
		__atomic_store_n(&v->idle, 0, __ATOMIC_RELAXED);
		xen_vcpu_wake(v->id);
	}
}

/* Run the guest until it exits, and handle the exit. */
static enum exit_next guest_run(struct vcpu *v, sk_time_t deadline)
{
	uint32_t reason;
	long rc = sk_vcpu_enter(v->cap, deadline, &reason);

	if (!rc)
		return exit_dispatch(v, reason);
	if (rc != -SK_E_TIMEOUT && rc != -SK_E_AGAIN) {
		vm_note(NOTE_CRASH, 2 * v->id, "vCPU %u: cannot be entered: %s", v->id,
			sk_error_text((int)rc));
		vm_shutdown(SHUTDOWN_crash);
	}
	return NEXT_LOOK;
}

static void vcpu_loop(void *arg)
{
	struct vcpu *v = arg;

	for (;;) {
		sk_time_t deadline = ready_wait(v), retry, look;

		events_inject(v);
		if (interrupts_inject(v)) { /* VLOOP3 */
			retry = vm_rdtsc() + vm.tsc_hz / 1000000 * RETRY_US;
			deadline = retry < deadline ? retry : deadline;
		}
		look = vm_rdtsc() + vm.tsc_hz / LOOKS;
		while (guest_run(v, deadline) == NEXT_ENTER && vm_rdtsc() < look &&
			!xen_vcpu_event_pending(v->id))
			continue; /* VLOOP5 */
	}
}

/* ---- making ------------------------------------------------------------------------------ */

static int state_page_make(struct vcpu *v)
{
	uint64_t at;
	uint32_t level;
	sk_cap_t table;
	void *page;
	int rc;

	rc = vm_reserve(SK_PAGE_SIZE, &page);
	if (rc)
		return rc;
	at = (uint64_t)(uintptr_t)page;
	while ((rc = (int)sk_vcpu_configure(v->cap, vm.nested, SK_CAP_SPACE, at, &level)) ==
		-SK_E_NO_TABLE) {
		rc = object_make(SK_OBJ_TABLE, 0, &table);
		if (!rc)
			rc = (int)sk_map_table(table, SK_CAP_SPACE, at, level);
		if (rc)
			return rc;
	}
	v->st = page;
	return rc;
}

int vcpu_make(struct vcpu *v, uint32_t id)
{
	int rc;

	v->id = id;
	v->down_told = id != 0; /* as time_init() has it */
	v->sched = VM_CAP_SCHED + id;
	rc = object_make(SK_OBJ_NOTIFICATION, 0, &v->ntfn);
	if (!rc)
		rc = cap_copy(v->ntfn, SK_W | SK_GRANT, 1, &v->kick);
	if (!rc)
		rc = object_make(SK_OBJ_VCPU, 0, &v->cap);
	if (!rc)
		rc = state_page_make(v);
	if (rc)
		return rc;
	v->st->tsc_offset = v->tsc_offset = vm.tsc_offset;
	lapic_power_up(&v->lapic, 2 * id, id == 0);
	msr_reset(v);
	state_reset(v);
	return 0;
}

int vcpu_start_thread(struct vcpu *v)
{
	struct thread_spec spec = {
		.fn = vcpu_loop, .arg = v, .sched = v->sched, .ntfn = v->ntfn
	};
	struct thread *t;
	int rc = thread_start(&spec, &t);

	if (!rc)
		v->thread = thread_cap(t);
	return rc;
}
