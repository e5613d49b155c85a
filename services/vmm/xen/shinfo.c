/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * shinfo.c - shared_info and vcpu_info, laid out for 64-bit or for 32-bit code
 *
 * Objects     the shared page, and each vCPU's vcpu_info, in that page or where the guest
 *             registered it.
 * Locks       evtchn_lock for a change of layout. Bits that guest and VMM both change are
 *             atomics.
 * Lifecycle   The layout is that of 64-bit code at first. When a vCPU does what Xen takes as
 *             the sign of a new kernel, the layout becomes that of the code that the vCPU runs,
 *             so a 32-bit loader can start a 64-bit kernel.
 * Invariants  SHINFO1 a thread that makes a port pending reads the layout afterwards, to select
 *                     the port; a thread that changes the layout reads all pending ports
 *                     afterwards. One of them selects the port in the new layout.
 *             SHINFO2 pending bits, upcall flags and time are at the same place in both
 *                     layouts; other members are not
 */
#include "xen/shinfo.h"

#include "xen/evtchn.h"
#include "xen/hypercall.h"
#include "xen/time.h"
#include "xen/xen_domain.h"

typedef uint32_t __attribute__((may_alias)) word_t;

_Static_assert(EVTCHN_PORTS <= 8 * sizeof(((struct compat_shared_info *)0)->evtchn_pending),
	"32-bit code can have all ports");
/* SHINFO2 */
_Static_assert(
	offsetof(struct shared_info, evtchn_pending) ==
			offsetof(struct compat_shared_info, evtchn_pending) &&
		sizeof(struct vcpu_info) == sizeof(struct compat_vcpu_info) &&
		offsetof(struct vcpu_info, evtchn_upcall_mask) ==
			offsetof(struct compat_vcpu_info, evtchn_upcall_mask) &&
		offsetof(struct vcpu_info, time) == offsetof(struct compat_vcpu_info, time),
	"one place in both layouts");

bool shinfo_compat(void) { return __atomic_load_n(&xen_dom.shinfo_compat, __ATOMIC_SEQ_CST); }

/* ---- bits of a map in words of 32 bits; x86 numbers the bits of longs in the same way */

static word_t *shared_word(size_t map, uint32_t bit)
{
	return (word_t *)(void *)((uint8_t *)xen_dom.shared + map) + bit / 32;
}

static bool bit_set(word_t *w, uint32_t bit)
{
	uint32_t mask = 1u << (bit % 32);

	return __atomic_fetch_or(w, mask, __ATOMIC_SEQ_CST) & mask;
}

static bool bit_clear(word_t *w, uint32_t bit)
{
	uint32_t mask = 1u << (bit % 32);

	return __atomic_fetch_and(w, ~mask, __ATOMIC_SEQ_CST) & mask;
}

static bool bit_test(const word_t *w, uint32_t bit)
{
	return __atomic_load_n(w, __ATOMIC_SEQ_CST) >> (bit % 32) & 1;
}

static word_t *pending_word(uint32_t port)
{
	return shared_word(offsetof(struct shared_info, evtchn_pending), port);
}

static word_t *mask_word(uint32_t port)
{
	return shared_word(shinfo_compat() ? offsetof(struct compat_shared_info, evtchn_mask)
					   : offsetof(struct shared_info, evtchn_mask),
		port);
}

bool shinfo_pending(uint32_t port) { return bit_test(pending_word(port), port); }

bool shinfo_pending_set(uint32_t port) { return bit_set(pending_word(port), port); }

void shinfo_pending_clear(uint32_t port) { bit_clear(pending_word(port), port); }

bool shinfo_masked(uint32_t port) { return bit_test(mask_word(port), port); }

bool shinfo_unmask(uint32_t port) { return bit_clear(mask_word(port), port); }

/* ---- vcpu_info -------------------------------------------------------------------- */

static uint8_t *vcpu_info_of(unsigned int cpu)
{
	return (uint8_t *)__atomic_load_n(&xen_dom.vcpu[cpu].info, __ATOMIC_ACQUIRE);
}

uint8_t *shinfo_upcall_mask(unsigned int cpu)
{
	return vcpu_info_of(cpu) + offsetof(struct vcpu_info, evtchn_upcall_mask);
}

void *shinfo_time(unsigned int cpu)
{
	return vcpu_info_of(cpu) + offsetof(struct vcpu_info, time);
}

/* The selector has one bit for each long of the pending bits. */
bool shinfo_select(unsigned int cpu, uint32_t port)
{
	uint8_t *info = vcpu_info_of(cpu);
	void *at;

	if (shinfo_compat()) {
		at = info + offsetof(struct compat_vcpu_info, evtchn_pending_sel);
		return bit_set(at, port / 32);
	}
	at = info + offsetof(struct vcpu_info, evtchn_pending_sel);
	return bit_set(at, port / 64);
}

void shinfo_select_all(unsigned int cpu)
{
	uint8_t *info = vcpu_info_of(cpu);

	if (shinfo_compat())
		__atomic_store_n((word_t *)(void *)(info + offsetof(struct compat_vcpu_info,
								   evtchn_pending_sel)),
			~0u, __ATOMIC_SEQ_CST);
	else
		__atomic_store_n((uint64_t *)(void *)(info + offsetof(struct vcpu_info,
								     evtchn_pending_sel)),
			~0ull, __ATOMIC_SEQ_CST);
}

/* ---- wall clock and layout -------------------------------------------------------- */

void shinfo_wallclock_write(uint64_t sec, uint32_t nsec)
{
	bool compat = shinfo_compat();
	word_t *version = shared_word(compat ? offsetof(struct compat_shared_info, wc_version)
					     : offsetof(struct shared_info, wc_version),
		0);
	word_t *high = shared_word(compat ? offsetof(struct compat_shared_info, wc_sec_hi)
					  : offsetof(struct shared_info, wc_sec_hi),
		0);

	WRITE_ONCE(*version, READ_ONCE(*version) | 1); /* an odd version says: being changed */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	version[1] = (uint32_t)sec;
	version[2] = nsec;
	*high = (uint32_t)(sec >> 32);
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	WRITE_ONCE(*version, READ_ONCE(*version) + 1);
}

/*
 * Clear what the 32-bit layout left in words where a 64-bit kernel would take it for pending
 * ports.
 */
static void compat_remains_clear(void)
{
	const size_t from = offsetof(struct compat_shared_info, evtchn_mask);

	memset((uint8_t *)xen_dom.shared + from, 0,
		offsetof(struct shared_info, evtchn_mask) - from);
}

void shinfo_latch(unsigned int cpu)
{
	uint32_t compat = !vcpu_in_long_mode(cpu);

	mutex_lock(&xen_dom.evtchn_lock);
	if (__atomic_exchange_n(&xen_dom.shinfo_compat, compat, __ATOMIC_SEQ_CST) != compat) {
		if (!compat)
			compat_remains_clear();
		time_write_wallclock();
		evtchn_select_pending(); /* SHINFO1 */
	}
	mutex_unlock(&xen_dom.evtchn_lock);
}
