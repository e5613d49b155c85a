/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscall.c - from the number in RAX to the handler
 *
 * A handler reads its arguments from the saved registers. It changes them only when it can no
 * longer fail or be restarted: SYS_RESTART runs the same SYSCALL instruction again with the
 * same arguments.
 */
#include "check.h"
#include "space.h"
#include "thread.h"

#define SYSCALL_SIZE 2 /* bytes of the instruction */

#ifdef CHECKED
static SYSCALL_HANDLER(CHECK) { return check_all(CHECK_OTHERS_RUN) ? 0 : -SK_E_STATE; }
#endif

/*
 * Taken before the handler runs: the tree lock; none; the tree lock if the message has
 * capabilities. A handler that receives asks for the lock by SYS_TREE.
 */
enum lock { TREE = 1, NONE, SENDS, RECEIVES = NONE };

/*
 * A call's needs before its handler runs; need[]: rights << 8 and types of the first arguments.
 */
static const struct call {
	long (*handler)(struct thread *t, struct sk_regs *r, const struct args *a);
	uint16_t need[3];
	uint8_t lock;
} calls[64] = {
/* clang-format off */
#define SK_OBJ_SPACE SK_OBJ_END /* of any kind: the handler looks at it */
#define N(type) SK_OBJ_##type
#define R(type) SK_R << 8 | SK_OBJ_##type
#define W(type) SK_W << 8 | SK_OBJ_##type
#define CAPS(...) { __VA_ARGS__ }
#define X(name, num, lock, caps, ...) [num] = { sys_##name, caps, lock },
	SK_SYSCALLS(X)
#undef X
#ifdef CHECKED
	[SK_SYS_CHECK] = { sys_CHECK, CAPS(), TREE },
#endif
	/* clang-format on */
};
_Static_assert(SK_SYS_END <= SK_SYS_CHECK && SK_SYS_CHECK < ARRAY_SIZE(calls), "table size");

/* With the tree lock. */
static long under_tree call_locked(const struct call *call, struct thread *t, struct sk_regs *r)
{
	uint64_t index[] = { r->rdi, r->rsi, r->rdx };
	struct args a;
	int rc = t->dying ? cnodes_clear(t) : 0;

	for (unsigned int i = 0; !rc && i < ARRAY_SIZE(index) && call->need[i]; i++) {
		unsigned int type = call->need[i] & 0xff, rights = call->need[i] >> 8;

		rc = cap_find(t, index[i], type == SK_OBJ_SPACE ? 0 : type, rights, &a.slot[i]);
	}
	return rc ?: call->handler(t, r, &a);
}

static inline long call_lock_free(const struct call *call, struct thread *t, struct sk_regs *r)
{
	unsigned int need = call->need[0];
	struct args a;
	int rc = need ? cap_read(t, r->rdi, need & 0xff, need >> 8, &a.cap) : 0;

	return rc ?: call->handler(t, r, &a);
}

/* The handler may have dropped the lock, if it is to be restarted. */
static long TA_OFF call_under_tree(const struct call *call, struct thread *t, struct sk_regs *r)
{
	long rc;

	if (!tree_lock())
		return SYS_RESTART;
	rc = call->lock == TREE ? call_locked(call, t, r) : call_lock_free(call, t, r);
	if (rc == -SK_E_NO_TABLE)
		r->rsi = space_missing_level;
	if (tree_held())
		tree_unlock();
	return rc;
}

static bool needs_tree(const struct call *call, const struct sk_regs *r)
{
	return call->lock == TREE || (call->lock == SENDS && SK_MI_CAPS(r->rsi));
}

void core_syscall(struct thread *t)
{
	struct sk_regs *r = &t->regs.r;
	/* in range even if the check below is mispredicted */
	const struct call *call = &calls[r->rax % ARRAY_SIZE(calls)];
	long rc;

	if (r->rax >= ARRAY_SIZE(calls) || !call->handler)
		rc = -SK_E_NO_SYS;
	else if (needs_tree(call, r))
		rc = call_under_tree(call, t, r);
	else
		rc = call_lock_free(call, t, r);
	if (rc == SYS_TREE)
		rc = call_under_tree(&calls[r->rax], t, r);
	if (rc == SYS_RESTART) {
		r->rip -= SYSCALL_SIZE;
	} else if (rc != SYS_BLOCKED) { /* else it may have gone on already, elsewhere */
		t->restart.stage = RESTART_NEW;
		r->rax = rc;
	}
}
