/*
 * log.c - the kernel's log: formatted lines into a ring that user land maps read-only, and at first to the UART
 *
 * Objects     struct sk_klog in LOG_ORDER of boot memory; before that a small buffer that is copied into it.
 * Locks       log_lock, leaf; a panic ignores it.
 */
#include "boot.h"

#define EARLY_SIZE 8192u
#define RING_SIZE 32768u
_Static_assert(sizeof(struct sk_klog) + RING_SIZE <= 1u << LOG_ORDER, "ring fits its frame");

static struct {
	struct sk_klog log;
	char data[EARLY_SIZE];
} early = { .log = { .size = EARLY_SIZE } };
static struct sk_klog *ring = &early.log;
static struct spinlock log_lock;
static bool to_uart = true, panicked;

static void log_putc(char c)
{
	ring->data[ring->head & (ring->size - 1)] = c;
	__atomic_store_n(&ring->head, ring->head + 1, __ATOMIC_RELEASE);
	if (!to_uart)
		return;
	if (c == '\n')
		arch_uart_putc('\r');
	arch_uart_putc(c);
}

static void log_number(uint64_t v, unsigned int base, unsigned int width, char pad)
{
	char digits[24];
	unsigned int n = 0;

	do {
		digits[n++] = "0123456789abcdef"[v % base];
		v /= base;
	} while (v);
	while (n < width && n < sizeof(digits))
		digits[n++] = pad;
	while (n)
		log_putc(digits[--n]);
}

static uint64_t number_get(va_list *ap, bool wide)
{
	return wide ? va_arg(*ap, uint64_t) : va_arg(*ap, unsigned int);
}

/* One conversion after its '%'; returns what follows it. */
static const char *log_convert(const char *f, va_list *ap)
{
	char pad = *f == '0' ? '0' : ' ';
	unsigned int width = 0;
	bool wide = false;
	const char *s;
	int64_t v;

	for (; *f >= '0' && *f <= '9'; f++)
		width = width * 10 + (unsigned int)(*f - '0');
	for (; *f == 'l' || *f == 'z'; f++)
		wide = true;
	switch (*f) {
	case 's':
		for (s = va_arg(*ap, const char *); *s; s++)
			log_putc(*s);
		break;
	case 'c':
		log_putc((char)va_arg(*ap, int));
		break;
	case 'd':
		v = wide ? va_arg(*ap, int64_t) : va_arg(*ap, int);
		if (v < 0)
			log_putc('-');
		log_number(v < 0 ? -(uint64_t)v : (uint64_t)v, 10, width, pad);
		break;
	case 'u':
		log_number(number_get(ap, wide), 10, width, pad);
		break;
	case 'x':
		log_number(number_get(ap, wide), 16, width, pad);
		break;
	case 'p':
		log_number(va_arg(*ap, uint64_t), 16, 16, '0');
		break;
	case '\0':
		return f;
	default:
		log_putc(*f);
	}
	return f + 1;
}

void vklog(const char *fmt, va_list ap)
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

void klog_panic(void)
{
	panicked = true;
	to_uart = true;
}

struct sk_klog *log_init(void)
{
	struct sk_klog *log = boot_alloc(1u << LOG_ORDER);

	log->size = RING_SIZE;
	while (log->head < ring->head) {
		log->data[log->head] = ring->data[log->head & (ring->size - 1)];
		log->head++;
	}
	ring = log;
	return log;
}

SYSCALL_HANDLER(LOG)
{
	uint64_t words[4] = { r->rdx, r->r10, r->r8, r->r9 };
	const char *text = (const char *)words;
	struct cap cap;
	uint64_t i;
	int rc = cap_read(t, r->rdi, SK_OBJ_CTL_LOG, SK_W, &cap);

	if (rc)
		return rc;
	if (r->rsi > sizeof(words))
		return -SK_E_INVAL;
	spin_lock(&log_lock);
	for (i = 0; i < r->rsi; i++)
		log_putc(text[i]);
	spin_unlock(&log_lock);
	return 0;
}

SYSCALL_HANDLER(LOG_TAKE)
{
	struct cap cap;
	int rc = cap_read(t, r->rdi, SK_OBJ_CTL_LOG, SK_W, &cap);

	if (!rc)
		store(&to_uart, false);
	return rc;
}
