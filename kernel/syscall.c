/*
 * syscall.c - from the number in RAX to the handler; I/O ports; memory functions that the compiler calls
 *
 * A handler reads its arguments from the saved registers and leaves them alone until it cannot fail or
 * be restarted any more: SYS_RESTART runs the same SYSCALL instruction again with the same arguments.
 */
#include "cap.h"
#include "thread.h"

#define SYSCALL_SIZE 2 /* bytes of the instruction */

static syscall_fn *const handlers[64] = {
	[SK_SYS_CALL] = sys_call,
	[SK_SYS_SEND] = sys_send,
	[SK_SYS_RECV] = sys_recv,
	[SK_SYS_REPLY] = sys_reply,
	[SK_SYS_REPLY_RECV] = sys_reply_recv,
	[SK_SYS_SIGNAL] = sys_signal,
	[SK_SYS_WAIT] = sys_wait,
	[SK_SYS_POLL] = sys_poll,
	[SK_SYS_RETYPE] = sys_retype,
	[SK_SYS_COPY] = sys_copy,
	[SK_SYS_MINT] = sys_mint,
	[SK_SYS_MOVE] = sys_move,
	[SK_SYS_DELETE] = sys_delete,
	[SK_SYS_REVOKE] = sys_revoke,
	[SK_SYS_CAP_INFO] = sys_cap_info,
	[SK_SYS_MAP] = sys_map,
	[SK_SYS_UNMAP] = sys_unmap,
	[SK_SYS_MAP_TABLE] = sys_map_table,
	[SK_SYS_THREAD_CONFIGURE] = sys_thread_configure,
	[SK_SYS_THREAD_BIND] = sys_thread_bind,
	[SK_SYS_THREAD_RESUME] = sys_thread_resume,
	[SK_SYS_THREAD_SUSPEND] = sys_thread_suspend,
	[SK_SYS_THREAD_READ] = sys_thread_read,
	[SK_SYS_THREAD_WRITE] = sys_thread_write,
	[SK_SYS_SET_FS_BASE] = sys_set_fs_base,
	[SK_SYS_YIELD] = sys_yield,
	[SK_SYS_SCHED_CONFIGURE] = sys_sched_configure,
	[SK_SYS_SCHED_BIND] = sys_sched_bind,
	[SK_SYS_SCHED_STATS] = sys_sched_stats,
	[SK_SYS_IRQ_PIN] = sys_irq_pin,
	[SK_SYS_IRQ_MSI] = sys_irq_msi,
	[SK_SYS_IRQ_BIND] = sys_irq_bind,
	[SK_SYS_IRQ_ACK] = sys_irq_ack,
	[SK_SYS_PORT_IN] = sys_port_in,
	[SK_SYS_PORT_OUT] = sys_port_out,
	[SK_SYS_LOG] = sys_log,
	[SK_SYS_LOG_TAKE] = sys_log_take,
	[SK_SYS_VCPU_CONFIGURE] = sys_vcpu_configure,
	[SK_SYS_VCPU_ENTER] = sys_vcpu_enter,
	[SK_SYS_VCPU_SYNC] = sys_vcpu_sync,
	[SK_SYS_VCPU_INJECT] = sys_vcpu_inject,
	[SK_SYS_IO_ASSIGN] = sys_io_assign,
};
_Static_assert(SK_SYS_END <= ARRAY_SIZE(handlers), "table size");

void core_syscall(struct thread *t)
{
	struct sk_regs *r = &t->regs.r;
	uint64_t nr = r->rax;
	long rc = -SK_E_NO_SYS;

	/* the mask keeps a mispredicted bound from reading past the table */
	if (nr < ARRAY_SIZE(handlers) && handlers[nr % ARRAY_SIZE(handlers)])
		rc = handlers[nr % ARRAY_SIZE(handlers)](t, r);
	if (rc == SYS_RESTART)
		r->rip -= SYSCALL_SIZE;
	else if (rc != SYS_BLOCKED)
		r->rax = (uint64_t)rc;
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
	ports = (uint64_t)cap.obj;
	if (port < (ports & 0xffff) || port > ports >> 16 || size - 1 > (ports >> 16) - port)
		return -SK_E_RANGE;
	return 0;
}

SYSCALL_HANDLER(sys_port_in)
{
	int rc = port_decode(t, r, SK_R);

	if (!rc)
		r->rdi = arch_port_in(r->rsi, r->rdx);
	return rc;
}

SYSCALL_HANDLER(sys_port_out)
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
