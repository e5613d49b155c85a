/*
 * syscall.c - from the number in RAX to the handler
 *
 * A handler reads its arguments from the saved registers and leaves them alone until it cannot fail or
 * be restarted any more: SYS_RESTART runs the same SYSCALL instruction again with the same arguments.
 */
#include "cap.h"
#include "check.h"
#include "thread.h"

#define SYSCALL_SIZE 2 /* bytes of the instruction */
#define BIT(name) (1ull << SK_SYS_##name)
/* These send a message, and with it perhaps capabilities. */
#define SENDERS (BIT(CALL) | BIT(SEND) | BIT(REPLY) | BIT(REPLY_RECV))
/* These take the tree lock only when capabilities move. */
#define LOCK_FREE \
	(BIT(CALL) | BIT(SEND) | BIT(RECV) | BIT(REPLY) | BIT(REPLY_RECV) | BIT(SIGNAL) | \
		BIT(WAIT) | BIT(POLL) | BIT(SET_FS_BASE) | BIT(YIELD) | BIT(SCHED_STATS) | \
		BIT(PORT_IN) | BIT(PORT_OUT) | BIT(LOG) | BIT(LOG_TAKE) | BIT(VCPU_ENTER) | \
		BIT(VCPU_SYNC) | BIT(VCPU_INJECT))

#ifdef CHECKED
static SYSCALL_HANDLER(CHECK) { return check_all(CHECK_OTHERS_RUN) ? 0 : -SK_E_STATE; }
#endif

static long (*const handlers[64])(struct thread *t, struct sk_regs *r, const struct args *a) = {
#define X(name, num, args, what) [num] = sys_##name,
	SK_SYSCALLS(X)
#undef X
#ifdef CHECKED
		[SK_SYS_CHECK] = sys_CHECK,
#endif
};
_Static_assert(SK_SYS_END <= SK_SYS_CHECK && SK_SYS_CHECK < ARRAY_SIZE(handlers), "table size");

/* What the first arguments must name: type (ANY: the handler looks at it) and rights of capabilities. */
enum { ANY = SK_OBJ_END, R = SK_R << 8, W = SK_W << 8 };
static const uint16_t needs[ARRAY_SIZE(handlers)][3] = {
	/* clang-format off */
	[SK_SYS_CALL] = { W | SK_OBJ_ENDPOINT }, [SK_SYS_SEND] = { W | SK_OBJ_ENDPOINT },
	[SK_SYS_RECV] = { R | SK_OBJ_ENDPOINT }, [SK_SYS_REPLY] = { W | SK_OBJ_REPLY },
	[SK_SYS_REPLY_RECV] = { R | SK_OBJ_ENDPOINT },
	[SK_SYS_SIGNAL] = { W | SK_OBJ_NOTIFICATION },
	[SK_SYS_WAIT] = { R | SK_OBJ_NOTIFICATION },
	[SK_SYS_POLL] = { R | SK_OBJ_NOTIFICATION }, [SK_SYS_MAP] = { SK_OBJ_FRAME, W | ANY },
	[SK_SYS_UNMAP] = { SK_OBJ_FRAME }, [SK_SYS_MAP_TABLE] = { W | SK_OBJ_TABLE, W | ANY },
	[SK_SYS_THREAD_CONFIGURE] = { W | SK_OBJ_THREAD, W | SK_OBJ_CNODE, W | SK_OBJ_SPACE_HOST },
	[SK_SYS_THREAD_BIND] = { W | SK_OBJ_THREAD },
	[SK_SYS_THREAD_RESUME] = { W | SK_OBJ_THREAD },
	[SK_SYS_THREAD_SUSPEND] = { W | SK_OBJ_THREAD },
	[SK_SYS_THREAD_READ] = { R | SK_OBJ_THREAD },
	[SK_SYS_THREAD_WRITE] = { W | SK_OBJ_THREAD },
	[SK_SYS_SCHED_CONFIGURE] = { W | SK_OBJ_CTL_SCHED, W | SK_OBJ_SCHED },
	[SK_SYS_SCHED_BIND] = { W | SK_OBJ_SCHED }, [SK_SYS_SCHED_STATS] = { R | SK_OBJ_SCHED },
	[SK_SYS_IRQ_PIN] = { W | SK_OBJ_CTL_IRQ, W | SK_OBJ_IRQ },
	[SK_SYS_IRQ_MSI] = { W | SK_OBJ_CTL_IRQ, W | SK_OBJ_IRQ },
	[SK_SYS_IRQ_BIND] = { W | SK_OBJ_IRQ, W | SK_OBJ_NOTIFICATION },
	[SK_SYS_IRQ_ACK] = { W | SK_OBJ_IRQ }, [SK_SYS_PORT_IN] = { R | SK_OBJ_IOPORT },
	[SK_SYS_PORT_OUT] = { W | SK_OBJ_IOPORT }, [SK_SYS_LOG] = { W | SK_OBJ_CTL_LOG },
	[SK_SYS_LOG_TAKE] = { W | SK_OBJ_CTL_LOG },
	[SK_SYS_VCPU_CONFIGURE] = { W | SK_OBJ_VCPU, W | SK_OBJ_SPACE_NESTED, W | SK_OBJ_SPACE_HOST },
	[SK_SYS_VCPU_ENTER] = { W | SK_OBJ_VCPU }, [SK_SYS_VCPU_SYNC] = { R | SK_OBJ_VCPU },
	[SK_SYS_VCPU_INJECT] = { W | SK_OBJ_VCPU },
	[SK_SYS_IO_ASSIGN] = { W | SK_OBJ_CTL_IO, W | SK_OBJ_SPACE_IO },
	/* clang-format on */
};

/* With the tree lock. */
static long call_locked(unsigned int nr, struct thread *t, struct sk_regs *r)
{
	uint64_t index[] = { r->rdi, r->rsi, r->rdx };
	struct args a;
	int rc = t->dying ? cnodes_clear(t) : 0;

	for (unsigned int i = 0; !rc && i < ARRAY_SIZE(index) && needs[nr][i]; i++) {
		unsigned int need = needs[nr][i], type = need & 0xff;

		rc = cap_find(t, index[i], type == ANY ? 0 : type, need >> 8, &a.slot[i]);
	}
	return rc ?: handlers[nr](t, r, &a);
}

static long call_lock_free(unsigned int nr, struct thread *t, struct sk_regs *r)
{
	unsigned int need = needs[nr][0];
	struct args a;
	int rc = need ? cap_read(t, r->rdi, need & 0xff, need >> 8, &a.cap) : 0;

	return rc ?: handlers[nr](t, r, &a);
}

static bool needs_tree(unsigned int nr, const struct sk_regs *r)
{
	return !(LOCK_FREE >> nr & 1) || (SENDERS >> nr & 1 && SK_MI_CAPS(r->rsi));
}

/* The handler may have dropped the lock, on the way to be restarted. */
static long call_under_tree(unsigned int nr, struct thread *t, struct sk_regs *r)
{
	long rc;

	if (!tree_lock())
		return SYS_RESTART;
	rc = LOCK_FREE >> nr & 1 ? call_lock_free(nr, t, r) : call_locked(nr, t, r);
	if (tree_held())
		tree_unlock();
	return rc;
}

void core_syscall(struct thread *t)
{
	struct sk_regs *r = &t->regs.r;
	/* in range also when the check below is mispredicted */
	unsigned int nr = (unsigned int)(r->rax % ARRAY_SIZE(handlers));
	long rc;

	if (r->rax != nr || !handlers[nr])
		rc = -SK_E_NO_SYS;
	else if (needs_tree(nr, r))
		rc = call_under_tree(nr, t, r);
	else
		rc = call_lock_free(nr, t, r);
	if (rc == SYS_TREE)
		rc = call_under_tree((unsigned int)r->rax, t, r);
	if (rc == SYS_RESTART)
		r->rip -= SYSCALL_SIZE;
	else
		t->restart.stage = RESTART_NEW;
	if (rc != SYS_RESTART && rc != SYS_BLOCKED)
		r->rax = rc;
	if (rc <= no_table(1)) {
		r->rsi = -rc >> 8;
		r->rax = -SK_E_NO_TABLE;
	}
}
