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

static long (*const handlers[64])(struct thread *t, struct sk_regs *r) = {
#define X(name, num, args, what) [num] = sys_##name,
	SK_SYSCALLS(X)
#undef X
};
_Static_assert(SK_SYS_END <= ARRAY_SIZE(handlers), "table size");

void core_syscall(struct thread *t)
{
	struct sk_regs *r = &t->regs.r;
	/* in range also when the check below is mispredicted */
	uint64_t nr = r->rax % ARRAY_SIZE(handlers);
	long rc;

	if (r->rax != nr || !handlers[nr]) {
		rc = -SK_E_NO_SYS;
	} else if (LOCK_FREE >> nr & 1) {
		rc = handlers[nr](t, r);
	} else {
		tree_lock();
		rc = handlers[nr](t, r);
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

static int port_decode(struct thread *t, const struct sk_regs *r, unsigned int right)
{
	uint64_t port = r->rsi, size = r->rdx;
	struct cap cap;
	uint64_t ports;
	int rc = cap_read(t, r->rdi, SK_OBJ_IOPORT, right, &cap);

	if (rc)
		return rc;
	if (size != 1 && size != 2 && size != 4)
		return -SK_E_INVAL;
	ports = cap.obj;
	if (port < (ports & 0xffff) || port > ports >> 16 || size - 1 > (ports >> 16) - port)
		return -SK_E_RANGE;
	return 0;
}

SYSCALL_HANDLER(PORT_IN)
{
	int rc = port_decode(t, r, SK_R);

	if (!rc)
		r->rdi = arch_port_in(r->rsi, r->rdx);
	return rc;
}

SYSCALL_HANDLER(PORT_OUT)
{
	int rc = port_decode(t, r, SK_W);

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
