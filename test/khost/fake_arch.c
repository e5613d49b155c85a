/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake_arch.c - the processor's part that the portable kernel needs, on ordinary memory
 *
 * Invariants  FA1 a closed page of the window is poisoned against the kernel's own accesses
 */
#define _GNU_SOURCE
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "arch/x86_64/pte.h"
#include "check.h"
#include "fake.h"
#include "space.h"

#if defined(__SANITIZE_ADDRESS__)
#define ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define ASAN 1
#endif
#endif
#ifdef ASAN
#include <sanitizer/asan_interface.h>
#else
#define ASAN_POISON_MEMORY_REGION(at, size) mprotect(at, size, PROT_NONE)
#define ASAN_UNPOISON_MEMORY_REGION(at, size) mprotect(at, size, PROT_READ | PROT_WRITE)
#endif

extern char khost_state_start[], khost_state_end[];
static char *user_view;
static bool is_open[MEMORY_PAGES];
static bool dirty[MEMORY_PAGES];
static struct {
	char *state, *memory;
	bool is_open[MEMORY_PAGES];
} saved;

STATE struct cpu *cpus[SK_CPU_MAX];
STATE uint32_t n_cpus;
STATE uint64_t tsc_hz;
STATE sk_time_t fake_now, fake_tick;
STATE static uint8_t irq_vector;
void (*fail_hook)(const char *what);
struct fake_did fake_did;

/* --- failures ----------------------------------------------------------------------------- */

static void fail_text(const char *kind, const char *fmt, va_list ap) __attribute__((noreturn));
static void fail_text(const char *kind, const char *fmt, va_list ap)
{
	static char text[512];
	int n = snprintf(text, sizeof(text), "%s", kind);

	vsnprintf(text + n, sizeof(text) - (size_t)n, fmt, ap);
	if (fail_hook)
		fail_hook(text);
	fprintf(stderr, "khost: %s\n", text);
	abort();
}

void fail(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_text("", fmt, ap);
}

void panic(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	fail_text("kernel panic: ", fmt, ap);
}

/* --- memory ------------------------------------------------------------------------------- */

void *user_memory(uint64_t paddr) { return user_view + paddr; }

bool window_is_open(uint64_t paddr)
{
	return paddr < MEMORY_SIZE && is_open[paddr >> SK_PAGE_ORDER];
}

static void page_set(uint64_t page, bool open)
{
	void *at = phys_to_virt(page << SK_PAGE_ORDER);

	if (is_open[page] == open)
		return;
	is_open[page] = open;
	if (open)
		ASAN_UNPOISON_MEMORY_REGION(at, SK_PAGE_SIZE);
	else
		ASAN_POISON_MEMORY_REGION(at, SK_PAGE_SIZE); /* FA1 */
}

static void range_set(uint64_t paddr, uint64_t size, bool open)
{
	if (paddr >= MEMORY_SIZE || size > MEMORY_SIZE - paddr)
		panic("window: %lx is not RAM", (unsigned long)paddr);
	for (uint64_t at = paddr; at < paddr + size; at += SK_PAGE_SIZE)
		page_set(at >> SK_PAGE_ORDER, open);
}

void arch_window_open(uint64_t paddr, uint64_t size) { range_set(paddr, size, true); }
void arch_window_close(uint64_t paddr, uint64_t size) { range_set(paddr, size, false); }
void arch_zero_page(uint64_t paddr)
{
	dirty[paddr >> SK_PAGE_ORDER] = true;
	memset(user_memory(paddr), 0, SK_PAGE_SIZE);
}

/* The kernel half of a root table: values that the checks recognise. */
#define KERNEL_ENTRY(i) (0x5ce77ull << 20 | (i) << 12)

void arch_space_init_root(uint64_t *root)
{
	for (uint64_t i = 0; i < 512; i++)
		root[i] = i < 256 ? 0 : KERNEL_ENTRY(i);
}

bool arch_space_root_ok(const uint64_t *root)
{
	for (uint64_t i = 256; i < 512; i++)
		if (root[i] != KERNEL_ENTRY(i))
			return false;
	return true;
}

uint64_t *pte_walk(uint64_t *root, uint64_t vaddr, unsigned int to, unsigned int *level)
{
	unsigned int l = SPACE_LEVELS;
	uint64_t *e = &root[pte_index(vaddr, l)];

	if (vaddr >> 47)
		fail("a walk of tables leaves the user half: %lx", vaddr);
	for (; l > to && pte_is_table(*e, l); l--)
		e = (uint64_t *)phys_to_virt(pte_paddr(*e)) + pte_index(vaddr, l - 1);
	*level = l;
	return e;
}

sk_time_t arch_now(void) { return fake_now += fake_tick; }

/* --- devices ------------------------------------------------------------------------------ */

void arch_uart_putc(char c) { (void)c; }
uint32_t arch_port_in(uint16_t port, unsigned int size) { return port ^ size; }
void arch_port_out(uint16_t port, unsigned int size, uint32_t value)
{
	fake_did.port = port;
	fake_did.port_size = size;
	fake_did.port_value = value;
	fake_did.n_port_writes++;
	fake_did.port_text = fake_did.port_text << 8 | (uint8_t)value;
}

static int source_claim(struct irq_source *s)
{
	s->vector = 0x30 + irq_vector++ % 0xc0;
	return 0;
}
int irq_source_pin(struct irq_source *s, uint32_t gsi, bool level, bool low, uint32_t cpu)
{
	(void)low, (void)cpu;
	s->level = level;
	return gsi < 24 ? source_claim(s) : -SK_E_RANGE;
}
int irq_source_iommu(struct irq_source *s)
{
	return io_limits.levels ? source_claim(s) : -SK_E_NOT_FOUND;
}
int irq_source_msi(
	struct irq_source *s, uint32_t cpu, uint32_t rid, uint64_t *addr, uint32_t *data)
{
	s->rid = rid;
	*addr = 0xfee00000 | cpu << 12;
	*data = 0;
	return source_claim(s);
}
void irq_source_unmask(const struct irq_source *s)
{
	(void)s;
	fake_did.unmasks++;
}
void irq_source_free(struct irq_source *s)
{
	fake_did.frees++;
	s->vector = 0;
}

/* --- the whole state ---------------------------------------------------------------------- */

void fake_init(void)
{
	int fd = memfd_create("memory", 0);
	void *window = (void *)WINDOW_BASE;

	if (fd < 0 || ftruncate(fd, MEMORY_SIZE) ||
		mmap(window, MEMORY_SIZE, PROT_READ | PROT_WRITE,
			MAP_SHARED | MAP_FIXED_NOREPLACE, fd, 0) != window)
		abort();
	user_view = mmap(NULL, MEMORY_SIZE, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (user_view == MAP_FAILED)
		abort();
	saved.state = malloc((size_t)(khost_state_end - khost_state_start));
	saved.memory = malloc(MEMORY_SIZE);
	memset(is_open, 1, sizeof(is_open));
	range_set(0, MEMORY_SIZE, false);
}

void use_cpu(unsigned int id)
{
	if (syscall(SYS_arch_prctl, 0x1001 /* ARCH_SET_GS */, cpus[id]))
		abort();
}

void fake_reset(unsigned int n)
{
	n_cpus = n;
	tsc_hz = 1000000000;
	fake_now = 1000;
	machine_init(n);
	use_cpu(0);
}

/* Not instrumented, because it also copies the gaps between variables, which are poisoned. */
static void __attribute__((no_sanitize("address")))
raw_copy(void *dst, const void *src, size_t n)
{
	__asm__ volatile("rep movsb" : "+D"(dst), "+S"(src), "+c"(n) : : "memory");
}

void state_save(void)
{
	raw_copy(saved.state, khost_state_start, (size_t)(khost_state_end - khost_state_start));
	raw_copy(saved.memory, user_view, MEMORY_SIZE);
	memcpy(saved.is_open, is_open, sizeof(is_open));
}

void state_dirty(const void *at, size_t size)
{
	uint64_t first = virt_to_phys(at), end = first + size;

	for (uint64_t p = first >> SK_PAGE_ORDER; p << SK_PAGE_ORDER < end; p++)
		dirty[p] = true;
}

void state_restore_pages(void)
{
	raw_copy(khost_state_start, saved.state, (size_t)(khost_state_end - khost_state_start));
	for (uint64_t page = 0; page < MEMORY_PAGES; page++) {
		page_set(page, saved.is_open[page]);
		if (!dirty[page])
			continue;
		dirty[page] = false;
		raw_copy(user_view + (page << SK_PAGE_ORDER),
			saved.memory + (page << SK_PAGE_ORDER), SK_PAGE_SIZE);
	}
}

void state_restore(void)
{
	raw_copy(khost_state_start, saved.state, (size_t)(khost_state_end - khost_state_start));
	raw_copy(user_view, saved.memory, MEMORY_SIZE);
	memset(dirty, 0, sizeof(dirty));
	for (uint64_t page = 0; page < MEMORY_PAGES; page++)
		page_set(page, saved.is_open[page]);
	use_cpu(0);
}
