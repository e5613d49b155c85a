/*
 * syscall.c - from the number in RAX to the handler; I/O ports; memory functions that the compiler calls
 *
 * A handler reads its arguments from the saved registers and leaves them alone until it cannot fail or
 * be restarted any more: SYS_RESTART runs the same SYSCALL instruction again with the same arguments.
 */
#include "cap.h"
#include "thread.h"

#define SYSCALL_SIZE 2 /* bytes of the instruction */
#define BIT(name) (1ull << SK_SYS_##name)
/* These take the tree lock not at all, or only for a moment. */
#define LOCK_FREE \
	(BIT(CALL) | BIT(SEND) | BIT(RECV) | BIT(REPLY) | BIT(REPLY_RECV) | BIT(SIGNAL) | \
		BIT(WAIT) | BIT(POLL) | BIT(SET_FS_BASE) | BIT(YIELD) | BIT(SCHED_STATS) | \
		BIT(PORT_IN) | BIT(PORT_OUT) | BIT(LOG) | BIT(LOG_TAKE) | BIT(VCPU_ENTER) | \
		BIT(VCPU_SYNC) | BIT(VCPU_INJECT))

static long (*const handlers[64])(struct thread *t, struct sk_regs *r, const struct args *a) = {
#define X(name, num, args, what) [num] = sys_##name,
	SK_SYSCALLS(X)
#undef X
};
_Static_assert(SK_SYS_END <= ARRAY_SIZE(handlers), "table size");

/* The capabilities that the first arguments must name: type (ANY: the handler looks at it), rights. */
enum { ANY = SK_OBJ_END };
static const struct need {
	uint8_t type, rights;
} needs[ARRAY_SIZE(handlers)][3] = {
	/* clang-format off */
	[SK_SYS_CALL] = { { SK_OBJ_ENDPOINT, SK_W } }, [SK_SYS_SEND] = { { SK_OBJ_ENDPOINT, SK_W } },
	[SK_SYS_RECV] = { { SK_OBJ_ENDPOINT, SK_R } }, [SK_SYS_REPLY] = { { SK_OBJ_REPLY, SK_W } },
	[SK_SYS_REPLY_RECV] = { { SK_OBJ_ENDPOINT, SK_R } }, [SK_SYS_SIGNAL] = { { SK_OBJ_NOTIFICATION, SK_W } },
	[SK_SYS_WAIT] = { { SK_OBJ_NOTIFICATION, SK_R } }, [SK_SYS_POLL] = { { SK_OBJ_NOTIFICATION, SK_R } },
	[SK_SYS_MAP] = { { SK_OBJ_FRAME, 0 }, { ANY, SK_W } }, [SK_SYS_UNMAP] = { { SK_OBJ_FRAME, 0 } },
	[SK_SYS_MAP_TABLE] = { { SK_OBJ_TABLE, SK_W }, { ANY, SK_W } },
	[SK_SYS_THREAD_CONFIGURE] = { { SK_OBJ_THREAD, SK_W }, { SK_OBJ_CNODE, SK_W }, { SK_OBJ_SPACE_HOST, SK_W } },
	[SK_SYS_THREAD_BIND] = { { SK_OBJ_THREAD, SK_W } }, [SK_SYS_THREAD_RESUME] = { { SK_OBJ_THREAD, SK_W } },
	[SK_SYS_THREAD_SUSPEND] = { { SK_OBJ_THREAD, SK_W } }, [SK_SYS_THREAD_READ] = { { SK_OBJ_THREAD, SK_R } },
	[SK_SYS_THREAD_WRITE] = { { SK_OBJ_THREAD, SK_W } },
	[SK_SYS_SCHED_CONFIGURE] = { { SK_OBJ_CTL_SCHED, SK_W }, { SK_OBJ_SCHED, SK_W } },
	[SK_SYS_SCHED_BIND] = { { SK_OBJ_SCHED, SK_W } }, [SK_SYS_SCHED_STATS] = { { SK_OBJ_SCHED, SK_R } },
	[SK_SYS_IRQ_PIN] = { { SK_OBJ_CTL_IRQ, SK_W }, { SK_OBJ_IRQ, SK_W } },
	[SK_SYS_IRQ_MSI] = { { SK_OBJ_CTL_IRQ, SK_W }, { SK_OBJ_IRQ, SK_W } },
	[SK_SYS_IRQ_BIND] = { { SK_OBJ_IRQ, SK_W }, { SK_OBJ_NOTIFICATION, SK_W } },
	[SK_SYS_IRQ_ACK] = { { SK_OBJ_IRQ, SK_W } },
	[SK_SYS_PORT_IN] = { { SK_OBJ_IOPORT, SK_R } }, [SK_SYS_PORT_OUT] = { { SK_OBJ_IOPORT, SK_W } },
	[SK_SYS_LOG] = { { SK_OBJ_CTL_LOG, SK_W } }, [SK_SYS_LOG_TAKE] = { { SK_OBJ_CTL_LOG, SK_W } },
	[SK_SYS_VCPU_CONFIGURE] = { { SK_OBJ_VCPU, SK_W }, { SK_OBJ_SPACE_NESTED, SK_W }, { SK_OBJ_SPACE_HOST, SK_W } },
	[SK_SYS_VCPU_ENTER] = { { SK_OBJ_VCPU, SK_W } }, [SK_SYS_VCPU_SYNC] = { { SK_OBJ_VCPU, SK_R } },
	[SK_SYS_VCPU_INJECT] = { { SK_OBJ_VCPU, SK_W } },
	[SK_SYS_IO_ASSIGN] = { { SK_OBJ_CTL_IO, SK_W }, { SK_OBJ_SPACE_IO, SK_W } },
	/* clang-format on */
};

/* With the tree lock. */
static long call_locked(unsigned int nr, struct thread *t, struct sk_regs *r)
{
	uint64_t index[] = { r->rdi, r->rsi, r->rdx };
	const struct need *need = needs[nr];
	struct args a;
	int rc = 0;

	for (unsigned int i = 0; !rc && i < ARRAY_SIZE(index) && need[i].type; i++)
		rc = cap_find(t, index[i], need[i].type == ANY ? 0 : need[i].type,
			need[i].rights, &a.slot[i]);
	return rc ?: handlers[nr](t, r, &a);
}

static long call_lock_free(unsigned int nr, struct thread *t, struct sk_regs *r)
{
	const struct need *need = needs[nr];
	struct args a;
	int rc = need->type ? cap_read(t, r->rdi, need->type, need->rights, &a.cap) : 0;

	return rc ?: handlers[nr](t, r, &a);
}

void core_syscall(struct thread *t)
{
	struct sk_regs *r = &t->regs.r;
	/* in range also when the check below is mispredicted */
	uint64_t nr = r->rax % ARRAY_SIZE(handlers);
	long rc;

	if (r->rax != nr || !handlers[nr]) {
		rc = -SK_E_NO_SYS;
	} else if (LOCK_FREE >> nr & 1) {
		rc = call_lock_free(nr, t, r);
	} else {
		tree_lock();
		rc = call_locked(nr, t, r);
		tree_unlock();
	}
	if (rc == SYS_RESTART)
		r->rip -= SYSCALL_SIZE;
	else if (rc != SYS_BLOCKED)
		r->rax = rc;
	if (rc <= no_table(1)) {
		r->rsi = -rc >> 8;
		r->rax = -SK_E_NO_TABLE;
	}
}

static int port_check(const struct sk_regs *r, uint64_t ports)
{
	uint64_t port = r->rsi, size = r->rdx, first = ports & 0xffff, last = ports >> 16;

	if (size != 1 && size != 2 && size != 4)
		return -SK_E_INVAL;
	return refuse(port < first || port > last || size - 1 > last - port, SK_E_RANGE);
}

SYSCALL_HANDLER(PORT_IN)
{
	int rc = port_check(r, a->cap.obj);

	if (!rc)
		r->rdi = arch_port_in(r->rsi, r->rdx);
	return rc;
}

SYSCALL_HANDLER(PORT_OUT)
{
	int rc = port_check(r, a->cap.obj);

	if (!rc)
		arch_port_out(r->rsi, r->rdx, r->r10);
	return rc;
}

void *memcpy(void *dst, const void *src, size_t n)
{
	size_t words = n / 8, rest = n % 8;
	void *d = dst;

	__asm__ volatile("rep movsq" : "+D"(d), "+S"(src), "+c"(words) : : "memory");
	__asm__ volatile("rep movsb" : "+D"(d), "+S"(src), "+c"(rest) : : "memory");
	return dst;
}

void *memset(void *dst, int c, size_t n)
{
	size_t words = n / 8, rest = n % 8;
	uint64_t fill = (uint8_t)c * 0x0101010101010101ull;
	void *d = dst;

	__asm__ volatile("rep stosq" : "+D"(d), "+c"(words) : "a"(fill) : "memory");
	__asm__ volatile("rep stosb" : "+D"(d), "+c"(rest) : "a"(fill) : "memory");
	return dst;
}

int memcmp(const void *a, const void *b, size_t n)
{
	const unsigned char *x = a, *y = b;

	for (; n; n--, x++, y++)
		if (*x != *y)
			return *x - *y;
	return 0;
}
