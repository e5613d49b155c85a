/* SPDX-License-Identifier: BSD-2-Clause */
/* faults.c - instructions and addresses that no domain may use: each of them ends its life */
#include "base/array.h"
#include "rogue.h"

/* X(name, statement) */
#define INSTRUCTIONS(X) \
	X(in, __asm__ volatile("in $0x71, %%al" ::: "rax")) \
	X(out, __asm__ volatile("out %%al, $0x80" ::: "memory")) \
	X(out_uart, __asm__ volatile("out %%al, %%dx" ::"d"(0x3f8), "a"('!'))) \
	X(cli, __asm__ volatile("cli")) \
	X(hlt, __asm__ volatile("hlt")) \
	X(rdmsr, __asm__ volatile("rdmsr" ::"c"(0xc0000080) : "rax", "rdx")) \
	X(wrmsr, __asm__ volatile("wrmsr" ::"c"(0xc0000080), "a"(0), "d"(0))) \
	X(read_cr3, __asm__ volatile("mov %%cr3, %%rax" ::: "rax")) \
	X(write_cr0, __asm__ volatile("mov %0, %%cr0" ::"r"(1ull))) \
	X(lidt, __asm__ volatile("lidt (%0)" ::"r"(DOMAIN_INFO_VADDR))) \
	X(invd, __asm__ volatile("invd")) \
	X(vmrun, __asm__ volatile("vmrun" ::"a"(4096))) \
	X(swapgs, __asm__ volatile("swapgs"))

/* X(name, address) */
#define ADDRESSES(X) \
	X(null, 0) \
	X(low, 0x400) \
	X(vga, 0xb8000) \
	X(local_apic, 0xfee00000) \
	X(io_apic, 0xfec00000) \
	X(other_guest, DOMAIN_GUEST_VADDR) \
	X(edge, 0x7ffffffff000) \
	X(kernel_window, 0xffff800000000000) \
	X(kernel_image, 0xffffffff80200000) \
	X(last, 0xfffffffffffff000)

/* X(name, address): mapped, but not for writing */
#define READ_ONLY(X) \
	X(info_page, DOMAIN_INFO_VADDR) \
	X(kernel_info, DOMAIN_KINFO_VADDR) \
	X(own_program, DOMAIN_IMAGE_VADDR)

static void byte_read(uint64_t address)
{
	__asm__ volatile("movb (%0), %%al" ::"r"(address) : "rax", "memory");
}

static void byte_write(uint64_t address)
{
	__asm__ volatile("movb $0, (%0)" ::"r"(address) : "memory");
}

#define X(name, statement) \
	static void do_##name(void) { statement; }
INSTRUCTIONS(X)
#undef X
#define X(name, address) \
	static void read_##name(void) { byte_read(address); }
ADDRESSES(X)
#undef X
#define X(name, address) \
	static void write_##name(void) { byte_write(address); }
READ_ONLY(X)
#undef X

static void run_stack(void)
{
	static const uint8_t ret = 0xc3;
	uint8_t code[16] = { ret };

	((void (*)(void))(uintptr_t)code)();
}

static const struct {
	const char *name;
	void (*fn)(void);
} faults[] = {
#define X(name, statement) { #name, do_##name },
	INSTRUCTIONS(X)
#undef X
#define X(name, address) { "read " #name, read_##name },
		ADDRESSES(X)
#undef X
#define X(name, address) { "write " #name, write_##name },
			READ_ONLY(X)
#undef X
				{ "run stack", run_stack },
};

uint32_t faults_count(void) { return ARRAY_SIZE(faults); }

void fault_do(uint32_t i)
{
	say("fault %s", faults[i].name);
	faults[i].fn();
	say("BREACH fault %s: nothing happened", faults[i].name);
}
