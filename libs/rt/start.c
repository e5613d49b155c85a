/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * start.c - from the first instruction to main: thread-local storage, resources, output,
 * constructors
 *
 * Objects     the main thread's struct thread and thread-local block, both static.
 * Lifecycle   rt_start() runs once. A failure here ends the domain, because nothing works
 *             without it.
 */
#include <stdlib.h>
#include <string.h>
#include "caps/caps.h"
#include "proto/domain.h"
#include "proto/init.h"
#include "rt/internal.h"
#include "rt/program.h"
#include "sys/self.h"
#include "sys/sk.h"

extern char __tdata_start[], __tdata_size[], __tls_size[];
extern void (*__preinit_array_start[])(void), (*__preinit_array_end[])(void);
extern void (*__init_array_start[])(void), (*__init_array_end[])(void);
int main(void);
void rt_start(uint64_t info) __attribute__((noreturn));
void _init(void);
void _fini(void);

#define TLS_ALIGN 64u
enum { MAIN_TLS_MAX = 2048 };

_Thread_local struct rt_self rt_self = { .reent = (struct _reent *)-1 };

struct thread rt_main_thread;
static char main_tls[MAIN_TLS_MAX] __attribute__((aligned(TLS_ALIGN)));

static size_t tls_image_size(void)
{
	return ((size_t)__tls_size + TLS_ALIGN - 1) & ~(size_t)(TLS_ALIGN - 1);
}

size_t tls_size(void) { return tls_image_size() + TLS_ALIGN; }

/* x86-64: the image ends where fs points, and the word there holds its own address. */
void *tls_init(void *block)
{
	char *base = (char *)block + tls_image_size();
	char *image = base - tls_image_size();

	memset(block, 0, tls_size());
	memcpy(image, __tdata_start, (size_t)__tdata_size);
	*(void **)base = base;
	return base;
}

void rt_self_set(struct thread *t)
{
	rt_self.thread = t;
	rt_self.reent = t->reent;
	mutex_self = &t->waiter;
	sk_utcb_self = t->utcb;
}

static void main_thread_init(void)
{
	struct thread *t = &rt_main_thread;

	t->cap = SK_CAP_THREAD;
	t->utcb = (struct sk_utcb *)(sys_root() ? SK_INIT_UTCB_VADDR : DOMAIN_UTCB_VADDR);
	/* exit() flushes stdio only through this one */
	t->reent = _GLOBAL_REENT;
	t->tls = tls_init(main_tls);
	mutex_waiter_add(&t->waiter);
	if (sk_set_fs_base((uint64_t)t->tls))
		__builtin_trap();
	rt_self_set(t);
}

static void run_constructors(void)
{
	for (void (**fn)(void) = __preinit_array_start; fn < __preinit_array_end; fn++)
		(*fn)();
	for (void (**fn)(void) = __init_array_start; fn < __init_array_end; fn++)
		(*fn)();
}

void rt_start(uint64_t info)
{
	sys_root_set(info != DOMAIN_INFO_VADDR);
	if (tls_size() > sizeof(main_tls))
		__builtin_trap();
	main_thread_init();
	log_init();
	if (caps_init()) {
		static const char text[] = "no memory or slots to start with\n";

		log_write(text, sizeof(text) - 1);
		rt_exit(126);
	}
	run_constructors();
	exit(main());
}

void rt_exit(int code)
{
	struct sk_msg m = { .mr = { (uint64_t) - (int64_t)SK_E_AGAIN } };

	/* a parent that was restarted may ask again */
	while (!sys_root() && SK_MI_LABEL(m.mi) == 0 && (int64_t)m.mr[0] == -SK_E_AGAIN) {
		m = (struct sk_msg){ .mi = SK_MI(INIT_EXIT, 1, 0), .mr = { (uint64_t)code } };
		sk_utcb()->deadline = SK_NO_DEADLINE;
		if (sk_call(DOMAIN_CAP_PARENT, &m))
			break;
	}
	for (;;)
		(void)sk_thread_suspend(rt_self.thread->cap);
}

/* Referenced by the C library's exit and start code. */
void _init(void) {}

void _fini(void) {}
