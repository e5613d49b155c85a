/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * panic.c - panics: print where and why on the UART, then stop the machine
 *
 * The first CPU that panics prints; NMIs stop the others. With the boot option panic=exit an
 * emulator ends through its debug-exit port, with panic=reboot the machine resets; otherwise
 * the CPU halts.
 */
#include "../../log.h"
#include "cpu.h"

enum { MAX_FRAMES = 24, DEBUG_EXIT = 0xf4, EXIT_PANIC = 0x7f };

bool panicking;
extern const char boot_stack[], boot_stack_top[];

/*
 * The kernel's own symbols, sorted by address: tools/ksyms makes them, the build adds them in a
 * second link. Weak: the first link has none.
 */
struct ksym {
	uint64_t addr;
	uint32_t name_off; /* into ksyms_names */
};
extern const struct ksym ksyms[] __attribute__((weak));
extern const uint32_t ksyms_count __attribute__((weak));
extern const char ksyms_names[] __attribute__((weak));

static void print_symbol(uint64_t addr)
{
	uint32_t low = 0, high = &ksyms_count ? ksyms_count : 0;

	while (high - low > 1) {
		uint32_t mid = low + (high - low) / 2;

		if (ksyms[mid].addr <= addr)
			low = mid;
		else
			high = mid;
	}
	if (high && ksyms[low].addr <= addr)
		klog("  %lx %s+0x%lx\n", addr, ksyms_names + ksyms[low].name_off,
			addr - ksyms[low].addr);
	else
		klog("  %lx\n", addr);
}

static bool within(uint64_t at, uint64_t low, uint64_t high)
{
	return at >= low && at < high && high - at >= 16;
}

/* Is there a frame {saved RBP, return address} at `at`, on a stack of this CPU? */
static bool on_stack(uint64_t at)
{
	const struct cpu_arch *a = gs_ready ? this_arch() : NULL;

	if (at & 7)
		return false;
	if (within(at, (uint64_t)boot_stack, (uint64_t)boot_stack_top))
		return true;
	if (!a)
		return false;
	for (int i = 0; i < N_IST; i++)
		if (within(at, a->tss.ist[i] + 16 - IST_STACK_SIZE, a->tss.ist[i]))
			return true;
	return within(at, a->stack_low, a->cpu.kernel_rsp);
}

static void backtrace(uint64_t rip, uint64_t rbp)
{
	klog("backtrace:\n");
	if (rip)
		print_symbol(rip);
	for (int i = 0; i < MAX_FRAMES && on_stack(rbp); i++) {
		const uint64_t *frame = (const uint64_t *)rbp;

		print_symbol(frame[1]);
		if (frame[0] <= rbp)
			return;
		rbp = frame[0];
	}
}

static void begin(void)
{
	__asm__ volatile("cli");
	if (__atomic_exchange_n(&panicking, true, __ATOMIC_SEQ_CST))
		for (;;)
			__asm__ volatile("hlt"); /* another CPU prints, or printing failed */
	smp_stop_others();
	klog_panic();
	klog("\nPANIC on CPU %u: ", gs_ready ? this_cpu()->id : 0);
}

static void __attribute__((noreturn)) end(void)
{
	static const uint8_t none[10]; /* limit and base */

	if (boot_option("panic=exit"))
		outb(DEBUG_EXIT, EXIT_PANIC);
	if (boot_option("panic=reboot"))
		__asm__ volatile("lidt %0; int3" : : "m"(none));
	for (;;)
		__asm__ volatile("cli; hlt");
}

void panic(const char *fmt, ...)
{
	va_list ap;

	begin();
	va_start(ap, fmt);
	vklog(fmt, ap);
	va_end(ap);
	klog("\n");
	backtrace(0, (uint64_t)__builtin_frame_address(0));
	end();
}

void panic_regs(const struct trap_frame *f, const char *what)
{
	begin();
	klog("%s (%lu, error %lx) in the kernel at %lx\n", what, f->vector, f->error, f->rip);
	klog("rax %lx rbx %lx rcx %lx rdx %lx\n", f->rax, f->rbx, f->rcx, f->rdx);
	klog("rsi %lx rdi %lx rbp %lx rsp %lx\n", f->rsi, f->rdi, f->rbp, f->rsp);
	klog("r8 %lx r9 %lx r10 %lx r11 %lx\n", f->r8, f->r9, f->r10, f->r11);
	klog("r12 %lx r13 %lx r14 %lx r15 %lx\n", f->r12, f->r13, f->r14, f->r15);
	klog("rflags %lx cs %lx cr2 %lx cr3 %lx\n", f->rflags, f->cs, read_cr2(), read_cr3());
	backtrace(f->rip, f->rbp);
	end();
}
