/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * log.c - the kernel's log: a ring that user land maps read-only; at first the UART shows it
 * too
 *
 * Objects     log_ring: struct sk_klog and its bytes, on pages of their own in the kernel's
 *             image.
 * Locks       log_lock, the last in the order. A panic ignores it.
 */
#include "log.h"

union log_ring log_ring __attribute__((aligned(SK_PAGE_SIZE)));
static struct spinlock log_lock;
static bool to_uart = true, panicked;

static void log_putc(char c)
{
	struct sk_klog *log = &log_ring.log;

	log->data[log->head % LOG_SIZE] = c;
	__atomic_store_n(&log->head, log->head + 1, __ATOMIC_RELEASE);
	if (to_uart)
		arch_uart_putc(c);
}

static void log_number(uint64_t v, unsigned int base)
{
	char digits[24];
	unsigned int n = 0;

	do
		digits[n++] = "0123456789abcdef"[v % base];
	while (v /= base);
	while (n)
		log_putc(digits[--n]);
}

/* One conversion after its '%'; returns what follows it. */
static const char *log_convert(const char *f, va_list *ap)
{
	bool wide = *f == 'l' || *f == 'z' || *f == 'p';
	uint64_t v;

	f += *f == 'l' || *f == 'z';
	if (*f == 's') {
		for (const char *s = va_arg(*ap, const char *); *s; s++)
			log_putc(*s);
		return f + 1;
	}
	v = wide ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned int);
	log_number(v, *f == 'u' ? 10 : 16);
	return f + 1;
}

void TA_OFF vklog(const char *fmt, va_list ap)
{
	bool locked = !panicked;
	va_list args;

	if (locked)
		spin_lock(&log_lock);
	va_copy(args, ap);
	while (*fmt) {
		if (*fmt == '%')
			fmt = log_convert(fmt + 1, &args);
		else
			log_putc(*fmt++);
	}
	va_end(args);
	if (locked)
		spin_unlock(&log_lock);
}

void klog(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vklog(fmt, ap);
	va_end(ap);
}

void klog_panic(void) { panicked = to_uart = true; }

SYSCALL_HANDLER(LOG)
{
	uint64_t words[4] = { r->rdx, r->r10, r->r8, r->r9 };

	if (r->rsi > sizeof(words))
		return -SK_E_INVAL;
	spin_lock(&log_lock);
	for (uint64_t i = 0; i < r->rsi; i++)
		log_putc((char)(words[i / 8] >> i % 8 * 8));
	spin_unlock(&log_lock);
	return 0;
}

SYSCALL_HANDLER(LOG_TAKE)
{
	store(&to_uart, false);
	return 0;
}
