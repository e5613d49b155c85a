/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypercall.h - one hypercall in progress, and what its handler may do
 *
 * A handler is a row of HYPERCALLS and a function in a file of its own. It returns the result,
 * or -XEN_E*.
 */
#ifndef VMM_HYPERCALL_H
#define VMM_HYPERCALL_H

#include <stdbool.h>
#include <stdint.h>

#include "edge.h"
#include "xen/layout.h"
#include "xen/xen_domain.h"

struct hcall {
	unsigned int cpu;
	/* The caller is 64-bit code. */
	bool wide;
	/* The call is an entry of a multicall. */
	bool nested;
	uint64_t op;
	uint64_t arg[6];
	/*
	 * The handler left the rest of its work in arg[]: the guest executes the hypercall
	 * again.
	 */
	bool again;
	/* Units of work left for this execution; spent by hc_spend(). */
	unsigned int budget;
};

/* X(Xen's name, handler): the hypercalls that a PVH guest finds. All others return ENOSYS. */
#define HYPERCALLS(X) \
	X(memory_op, hc_memory_op) \
	X(multicall, hc_multicall) \
	X(set_timer_op, hc_set_timer_op) \
	X(xen_version, hc_xen_version) \
	X(console_io, hc_console_io) \
	X(grant_table_op, hc_grant_table_op) \
	X(vm_assist, hc_vm_assist) \
	X(vcpu_op, hc_vcpu_op) \
	X(sched_op, hc_sched_op) \
	X(event_channel_op, hc_event_channel_op) \
	X(hvm_op, hc_hvm_op) \
	X(platform_op, hc_denied) \
	X(sysctl, hc_denied) \
	X(domctl, hc_denied) \
	X(dm_op, hc_denied)

typedef int64_t hcall_fn(struct hcall *c);
#define X(name, fn) hcall_fn fn;
HYPERCALLS(X)
#undef X

/* Does the vCPU, whose thread this is, execute 64-bit code? */
bool vcpu_in_long_mode(unsigned int cpu);

/* ---- a bounded amount of work in each execution ---- */

enum { HCALL_BATCH = 256 };

/*
 * Spend n units on a step. A step may begin while any budget is left, so each execution makes
 * progress.
 */
static inline void hc_spend(struct hcall *c, unsigned int n)
{
	c->budget -= n < c->budget ? n : c->budget;
}

/* ---- the caller's memory and structures ---- */

static inline bool hc_in(const struct hcall *c, void *dst, uint64_t gva, uint64_t len)
{
	return edge_gva_read(c->cpu, dst, gva, len);
}

static inline bool hc_out(const struct hcall *c, uint64_t gva, const void *src, uint64_t len)
{
	return edge_gva_write(c->cpu, gva, src, len);
}

/* *s, a structure of the ABI as the caller lays it out, from or to gva. */
#define HC_GET(c, s, gva) hc_get(c, LAYOUT_OF(s), s, sizeof(*(s)), gva)
#define HC_PUT(c, gva, s) hc_put(c, LAYOUT_OF(s), gva, s, sizeof(*(s)))
bool hc_get(
	const struct hcall *c, const struct layout *l, void *dst, uint64_t size, uint64_t gva);
bool hc_put(const struct hcall *c, const struct layout *l, uint64_t gva, const void *src,
	uint64_t size);

/* Read longs and pointers of the caller, at most 8. */
bool hc_words_get(const struct hcall *c, uint64_t *word, uint64_t gva, unsigned int n);
bool hc_words_put(const struct hcall *c, uint64_t gva, const uint64_t *word, unsigned int n);
static inline unsigned int hc_word_size(const struct hcall *c) { return c->wide ? 8 : 4; }

/* ---- domains ---- */

static inline bool dom_self(domid_t d) { return d == DOMID_SELF || d == xen_dom.p.domid; }

/*
 * Check the domain argument of a call that only serves the caller: 0, -ESRCH (no such domain),
 * -EPERM (another domain).
 */
static inline int dom_check(domid_t d)
{
	if (dom_self(d))
		return 0;
	return d == 0 ? -XEN_EPERM : -XEN_ESRCH;
}

/* Argument 1 points to a structure: copy it into *s. 0 or -EFAULT. */
#define HC_STRUCT(c, s) (HC_GET(c, s, (c)->arg[1]) ? 0 : -XEN_EFAULT)
/* The same, and check that the domain that the structure names is the caller. */
#define HC_SELF(c, s) (HC_STRUCT(c, s) ?: dom_check((s)->domid))

#endif
