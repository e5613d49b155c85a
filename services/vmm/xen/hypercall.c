/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hypercall.c - dispatch of hypercalls, and multicall
 *
 * Objects     struct hcall: one call in progress, on the stack of the vCPU's thread.
 * Lifecycle   A call runs to its end. A long list is processed in parts: the handler leaves the
 *             rest of its work in arg[] and sets `again`, and the guest executes the
 *             instruction once more. A call inside a multicall leaves it in its entry of the
 *             guest's list, and the multicall continues from there.
 * Invariants  HCALL1 only CPL 0 gets past the dispatcher
 *             HCALL2 one execution does HCALL_BATCH units of work, however calls are nested,
 *                    and completes the step that uses up the last unit
 */
#include "xen/hypercall.h"

#include "xen.h"
#include "xen/layout.h"

#define N_HYPERCALLS 64u
#define HCALL_INSTR 3u /* bytes of VMCALL and of VMMCALL */

__thread unsigned int xen_this_cpu = UINT32_MAX;

int64_t hc_denied(struct hcall *c)
{
	(void)c;
	return -XEN_EPERM;
}

static const struct hcall_row {
	hcall_fn *fn;
	const char *name;
} table[N_HYPERCALLS] = {
#define X(name, fn) [__HYPERVISOR_##name] = { fn, #name },
	HYPERCALLS(X)
#undef X
};

/*
 * Logged once for each call: if the guest goes silent, the line says which call it missed.
 */
static void __attribute__((noinline))
missing_call_note(const struct hcall *c, const struct hcall_row *row, uint64_t sub_op)
{
	uint64_t number = (uint64_t)c->wide << 63 | (c->op & 0xffff) << 32 | (uint32_t)sub_op;
	const char *who = c->wide ? "" : " by 32-bit code";

	if (!row)
		vm_note(NOTE_HYPERCALL, number, "vCPU %u: hypercall %llu%s does not exist",
			c->cpu, (unsigned long long)c->op, who);
	else
		vm_note(NOTE_HYPERCALL, number,
			"vCPU %u: hypercall %s, operation %u%s is not available", c->cpu,
			row->name, (uint32_t)sub_op, who);
}

/* ---- the caller's structures ------------------------------------------------------ */

bool hc_get(
	const struct hcall *c, const struct layout *l, void *dst, uint64_t size, uint64_t gva)
{
	uint8_t compat[LAYOUT_MAX];

	if (c->wide || !l)
		return hc_in(c, dst, gva, size);
	if (!hc_in(c, compat, gva, l->compat_size))
		return false;
	layout_widen(l, dst, compat);
	return true;
}

bool hc_put(const struct hcall *c, const struct layout *l, uint64_t gva, const void *src,
	uint64_t size)
{
	uint8_t compat[LAYOUT_MAX];

	if (c->wide || !l)
		return hc_out(c, gva, src, size);
	layout_narrow(l, compat, src);
	return hc_out(c, gva, compat, l->compat_size);
}

bool hc_words_get(const struct hcall *c, uint64_t *word, uint64_t gva, unsigned int n)
{
	uint32_t compat[8];

	if (c->wide)
		return hc_in(c, word, gva, n * 8ull);
	if (!hc_in(c, compat, gva, n * 4ull))
		return false;
	for (unsigned int i = 0; i < n; i++)
		word[i] = compat[i];
	return true;
}

bool hc_words_put(const struct hcall *c, uint64_t gva, const uint64_t *word, unsigned int n)
{
	uint32_t compat[8];

	if (c->wide)
		return hc_out(c, gva, word, n * 8ull);
	for (unsigned int i = 0; i < n; i++)
		compat[i] = (uint32_t)word[i];
	return hc_out(c, gva, compat, n * 4ull);
}

/* ---- dispatch --------------------------------------------------------------------- */

static inline int64_t hcall_dispatch(struct hcall *c)
{
	const struct hcall_row *row = c->op < N_HYPERCALLS ? &table[c->op] : NULL;
	uint64_t sub_op = c->arg[0];
	int64_t rc = -XEN_ENOSYS;

	if (row && !row->fn)
		row = NULL;
	if (row)
		rc = row->fn(c);
	if (rc == -XEN_ENOSYS || rc == -XEN_EPERM)
		missing_call_note(c, row, row ? sub_op : 0);
	return rc;
}

/* struct multicall_entry, whose members are all longs. */
enum { ENTRY_OP, ENTRY_RESULT, ENTRY_ARGS, ENTRY_WORDS = 8 };
_Static_assert(sizeof(struct multicall_entry) == ENTRY_WORDS * 8 &&
		       offsetof(struct multicall_entry, result) == ENTRY_RESULT * 8 &&
		       offsetof(struct multicall_entry, args) == ENTRY_ARGS * 8,
	"members in this order");

/*
 * Run the call at `at`. Its result goes into the guest's list. If the call is not finished, the
 * rest of its work goes there instead, and c->again is set.
 */
static int64_t multicall_entry_run(struct hcall *c, uint64_t at)
{
	struct hcall sub = { .cpu = c->cpu, .wide = c->wide, .nested = true };
	uint64_t entry[ENTRY_WORDS], result;
	bool written;

	if (!hc_words_get(c, entry, at, ENTRY_WORDS))
		return -XEN_EFAULT;
	sub.op = entry[ENTRY_OP];
	sub.budget = c->budget;
	memcpy(sub.arg, entry + ENTRY_ARGS, sizeof(sub.arg));
	result = (uint64_t)hcall_dispatch(&sub);
	c->budget = sub.budget;
	c->again = sub.again;
	if (sub.again)
		written = hc_words_put(c, at + ENTRY_ARGS * hc_word_size(c), sub.arg, 6);
	else
		written = hc_words_put(c, at + ENTRY_RESULT * hc_word_size(c), &result, 1);
	return written ? 0 : -XEN_EFAULT;
}

/* Arguments: array of multicall_entry, number of elements. */
int64_t hc_multicall(struct hcall *c)
{
	uint64_t left = (uint32_t)c->arg[1];
	int64_t rc;

	if (c->nested)
		return -XEN_EINVAL;
	while (left && c->budget) { /* HCALL2 */
		hc_spend(c, 1);
		rc = multicall_entry_run(c, c->arg[0]);
		if (rc) {
			c->again = false;
			return rc;
		}
		if (c->again)
			break;
		c->arg[0] += ENTRY_WORDS * hc_word_size(c);
		left--;
	}
	c->arg[1] = left;
	c->again = left != 0;
	return 0;
}

/* Where 64-bit and 32-bit code have the arguments. */
static const uint8_t wide_regs[6] = { SK_RDI, SK_RSI, SK_RDX, SK_R10, SK_R8, SK_R9 };
static const uint8_t narrow_regs[6] = { SK_RBX, SK_RCX, SK_RDX, SK_RSI, SK_RDI, SK_RBP };

static inline bool long_mode(const struct sk_vcpu_state *st)
{
	return (st->efer & 1ull << 10) && (st->seg[SK_CS].attr & 1u << 9); /* EFER.LMA, CS.L */
}

bool vcpu_in_long_mode(unsigned int cpu) { return long_mode(edge_state(cpu)); }

static inline void args_read(struct hcall *c, const struct sk_vcpu_state *st)
{
	if (c->wide) {
		c->op = st->gpr[SK_RAX];
		c->arg[0] = st->gpr[SK_RDI];
		c->arg[1] = st->gpr[SK_RSI];
		c->arg[2] = st->gpr[SK_RDX];
		c->arg[3] = st->gpr[SK_R10];
		c->arg[4] = st->gpr[SK_R8];
		c->arg[5] = st->gpr[SK_R9];
		return;
	}
	c->op = (uint32_t)st->gpr[SK_RAX];
	for (unsigned int i = 0; i < 6; i++)
		c->arg[i] = (uint32_t)st->gpr[narrow_regs[i]];
}

/* Can the call have changed when its vCPU runs, or why, except by an upcall? */
static bool loop_affected(uint64_t op)
{
	return op != __HYPERVISOR_xen_version && op != __HYPERVISOR_event_channel_op &&
	       op != __HYPERVISOR_grant_table_op;
}

bool xen_hypercall(unsigned int cpu)
{
	struct sk_vcpu_state *st = edge_state(cpu);
	const uint8_t *regs;
	struct hcall c;
	int64_t result;

	xen_this_cpu = cpu;
	c.cpu = cpu;
	c.wide = long_mode(st);
	c.nested = c.again = false;
	c.budget = HCALL_BATCH;
	args_read(&c, st);
	result = st->cpl ? -XEN_EPERM : hcall_dispatch(&c); /* HCALL1 */
	st->dirty |= SK_VCPU_GPR;
	if (c.again) {
		regs = c.wide ? wide_regs : narrow_regs;
		for (unsigned int i = 0; i < 6; i++)
			st->gpr[regs[i]] = c.arg[i];
		st->rip -= HCALL_INSTR;
		st->dirty |= SK_VCPU_RIP;
		return true;
	}
	st->gpr[SK_RAX] = c.wide ? (uint64_t)result : (uint32_t)result;
	return loop_affected(c.op);
}
