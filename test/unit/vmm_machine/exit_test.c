/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * exit_test.c - what each exit does to a vCPU: registers, instruction pointer, exceptions,
 * accesses to unbacked addresses
 *
 * The handlers, the emulator, guest memory and page tables are the real ones; registers that
 * other files keep, ports and the Xen half are faked here.
 */
#define SK_SYS_H /* the kernel is here */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include <sk/syscall.h>

static unsigned int yields;
static long sk_yield(void)
{
	yields++;
	return 0;
}

#include "../../../services/vmm/machine/exit.c"
#include "machine/dirty.h"
#include "machine/guest_memory.h"
#include "machine/ram.h"
#include "machine/mmio.h"
#include "machine/vmctl.h"

enum { RAM = 8 << 20, CODE = 0x1000, TABLES = 0x10000, DATA = 0x20000, HOLE = 0x400000 };
#define USER_PAGE 0x600000ull /* linear address of a page that user mode may use, on DATA */
#define ATTR_CODE64 0xa9b
enum { EXC = SK_EV_VALID | SK_EV_EXCEPTION, EXC_CODE = EXC | SK_EV_ERROR_CODE, PF = 14 };

struct vm vm;

void ram_boot_piece(uint64_t piece) { vm.made[piece / 64] |= 1ull << piece % 64; }
static uint8_t ram[RAM] __attribute__((aligned(4096)));
static struct sk_vcpu_state st;
static struct vcpu v;
static struct vm_config config = { .domid = 7 };
static struct sk_info info = { .xcr0 = 7 };
static unsigned int halts, ipis, notes, hypercalls;
static enum vm_note noted;
static uint64_t noted_number, rip_at_call;
static char note_text[256];
static int shutdown_reason;
static uint32_t synced;

void vcpu_sync(struct vcpu *c, uint32_t groups)
{
	(void)c;
	synced |= groups;
}

void vcpu_exception(struct vcpu *c, uint8_t vector, int64_t error)
{
	c->pending_exception = EXC | vector | (error >= 0 ? SK_EV_ERROR_CODE : 0);
	c->pending_error = error >= 0 ? (uint32_t)error : 0;
}

void vcpu_halt(struct vcpu *c)
{
	rip_at_call = c->st->rip;
	halts++;
}

void vcpu_ipi(struct vcpu *from, const struct lapic_ipi *ipi)
{
	assert_ptr_equal(from, &v);
	assert_true(ipi->valid);
	ipis++;
}

void vm_log(const char *fmt, ...) { (void)fmt; }

/* A page that a save tracks; where the VMM has written last. */
static uint64_t tracked = UINT64_MAX;
static const void *wrote;
static uint64_t wrote_len;

bool dirty_fault(sk_gpa_t gpa) { return gpa / SK_PAGE_SIZE == tracked / SK_PAGE_SIZE; }

void dirty_wrote(const void *at, uint64_t len)
{
	wrote = at;
	wrote_len = len;
}

void vm_note(enum vm_note kind, uint64_t number, const char *fmt, ...)
{
	va_list ap;

	noted = kind;
	noted_number = number;
	va_start(ap, fmt);
	if (kind != NOTE_CRASH || !(number & 1))
		vsnprintf(note_text, sizeof(note_text), fmt, ap);
	va_end(ap);
	notes++;
}

void vm_shutdown(uint32_t reason) { shutdown_reason = (int)reason; }

bool msr_read(struct vcpu *c, uint32_t msr, uint64_t *value)
{
	(void)c;
	*value = 0x1122334455667788;
	return msr == 0x10;
}

static uint64_t msr_written;
bool msr_write(struct vcpu *c, uint32_t msr, uint64_t value)
{
	(void)c;
	msr_written = value;
	return msr == 0x10;
}

static uint16_t port_seen;
static uint32_t port_value;
static uint8_t port_size;
void port_out(uint16_t port, uint8_t size, uint32_t value)
{
	port_seen = port;
	port_size = size;
	port_value = value;
}

uint32_t port_in(uint16_t port, uint8_t size)
{
	(void)size;
	port_seen = port;
	return 0xa1b2c3d4;
}

static bool loop_affected;
bool xen_hypercall(unsigned int cpu)
{
	assert_int_equal(cpu, v.id);
	rip_at_call = st.rip;
	hypercalls++;
	st.gpr[SK_RAX] = 77;
	return loop_affected;
}

/* Long mode, everything mapped one to one for the supervisor only, except for USER_PAGE. */
static void tables_make(void)
{
	uint64_t *pml4 = (uint64_t *)(ram + TABLES), *pdpt = pml4 + 512, *pd = pdpt + 512,
		 *pt = pd + 512, i;

	pml4[0] = (TABLES + 0x1000) | 7;
	pdpt[0] = (TABLES + 0x2000) | 7;
	pdpt[3] = 0xc0000000 | 0x83; /* the local APIC's page is there */
	for (i = 0; i < 5; i++)
		pd[i] = i << 21 | 0x83;
	pd[USER_PAGE >> 21] = (TABLES + 0x3000) | 7;
	pt[0] = DATA | 7;
	pt[1] = HOLE | 7;
	pt[2] = DATA | 7;
}

static int setup(void **state)
{
	(void)state;
	memset(ram, 0, sizeof(ram));
	memset(&vm, 0, sizeof(vm));
	memset(&st, 0, sizeof(st));
	memset(&v, 0, sizeof(v));
	vm.ram = ram;
	vm.low_size = HOLE; /* whole chunks, so there is no RAM above */
	vm.ram_order = CHUNK_SHIFT;
	vm.cfg = &config;
	vm.info = &info;
	vm.n_vcpus = 1;
	vm.amd = true;
	vm.cr4_bits = 0x6f8 | CR4_PCIDE;
	v.st = &st;
	v.id = 3;
	lapic_power_up(&v.lapic, 6, false);
	tables_make();
	st.cr0 = 0x80010011;
	st.cr3 = TABLES;
	st.cr4 = CR4_PAE;
	st.efer = 0x500;
	st.rip = CODE;
	st.rflags = 0x10202; /* RF is set, too */
	st.seg[SK_CS].attr = ATTR_CODE64;
	st.idtr.limit = 0xfff;
	halts = ipis = notes = hypercalls = yields = synced = 0;
	shutdown_reason = -1;
	note_text[0] = 0;
	return 0;
}

static void code_put(const uint8_t *code, size_t n) { memcpy(ram + CODE, code, n); }
#define CODE_PUT(...) \
	code_put((const uint8_t[]){ __VA_ARGS__ }, sizeof((const uint8_t[]){ __VA_ARGS__ }))

static void went_on(uint64_t rip)
{
	assert_int_equal(st.rip, rip);
	assert_int_equal(v.pending_exception, 0);
	assert_int_equal(shutdown_reason, -1);
	assert_true(st.dirty & SK_VCPU_RIP);
	assert_false(st.rflags & 0x10000);
}

static void faulted(uint32_t event, uint32_t error)
{
	assert_int_equal(st.rip, CODE);
	assert_int_equal(v.pending_exception, event);
	assert_int_equal(v.pending_error, error);
	assert_int_equal(shutdown_reason, -1);
}

/* ---- instructions ---- */

static void hypercall_is_stepped_over_first(void **state)
{
	(void)state;
	CODE_PUT(0x0f, 0x01, 0xd9);
	st.gpr[SK_RAX] = 1;
	assert_int_equal(exit_dispatch(&v, SK_EXIT_HYPERCALL), NEXT_ENTER);
	went_on(CODE + 3);
	assert_int_equal(rip_at_call, CODE + 3);
	assert_int_equal(hypercalls, 1);
	assert_int_equal(st.gpr[SK_RAX], 77);
	loop_affected = true;
	assert_int_equal(exit_dispatch(&v, SK_EXIT_HYPERCALL), NEXT_LOOK);
	loop_affected = false;
}

/*
 * An instruction's length comes from the exit record, else from the code with its prefixes,
 * else from a guess.
 */
static void instruction_lengths(void **state)
{
	(void)state;
	st.instr_len = 5;
	exit_dispatch(&v, SK_EXIT_WBINVD);
	went_on(CODE + 5);
	st.instr_len = 0;
	st.rip = CODE;
	CODE_PUT(0x66, 0x0f, 0x09);
	exit_dispatch(&v, SK_EXIT_WBINVD);
	went_on(CODE + 3);
	st.rip = HOLE; /* code that cannot be read */
	exit_dispatch(&v, SK_EXIT_WBINVD);
	went_on(HOLE + 2);
	st.seg[SK_CS].attr = 0xc9b; /* 32-bit code wraps */
	st.rip = 0xffffffff;
	st.instr_len = 2;
	exit_dispatch(&v, SK_EXIT_WBINVD);
	went_on(1);
}

static void cpuid_answers(void **state)
{
	uint64_t before = v.exits[SK_EXIT_CPUID];

	(void)state;
	CODE_PUT(0x0f, 0xa2);
	st.gpr[SK_RAX] = 0xdead000040000000;
	assert_int_equal(exit_dispatch(&v, SK_EXIT_CPUID), NEXT_ENTER);
	assert_int_equal(v.exits[SK_EXIT_CPUID], before + 1);
	went_on(CODE + 2);
	assert_int_equal(st.gpr[SK_RAX], 0x40000004);
	assert_int_equal(st.gpr[SK_RBX], 0x566e6558); /* "XenV" */
	assert_true(st.dirty & SK_VCPU_GPR);
	assert_false(synced & SK_VCPU_XCR0);
	st.rip = CODE;
	st.gpr[SK_RAX] = 0xd;
	exit_dispatch(&v,
		/* depends on XCR0, which the guest may have changed without an exit */
		SK_EXIT_CPUID);
	assert_true(synced & SK_VCPU_XCR0);
}

static void registers_of_the_model(void **state)
{
	(void)state;
	CODE_PUT(0x0f, 0x32);
	st.gpr[SK_RAX] = st.gpr[SK_RDX] = ~0ull;
	st.gpr[SK_RCX] = 0xffffffff00000010;
	assert_int_equal(exit_dispatch(&v, SK_EXIT_RDMSR), NEXT_ENTER);
	went_on(CODE + 2);
	assert_int_equal(st.gpr[SK_RAX], 0x55667788);
	assert_int_equal(st.gpr[SK_RDX], 0x11223344);
	st.rip = CODE;
	st.gpr[SK_RAX] = 0xffffffff00000001;
	st.gpr[SK_RDX] = 2;
	assert_int_equal(exit_dispatch(&v, SK_EXIT_WRMSR), NEXT_LOOK);
	went_on(CODE + 2);
	assert_int_equal(msr_written, 0x200000001);
	st.rip = CODE;
	st.gpr[SK_RCX] = 0x11;
	assert_int_equal(exit_dispatch(&v, SK_EXIT_RDMSR), NEXT_LOOK);
	faulted(EXC_CODE | 13, 0);
	v.pending_exception = 0;
	exit_dispatch(&v, SK_EXIT_WRMSR);
	faulted(EXC_CODE | 13, 0);
}

static void extended_states(void **state)
{
	static const struct {
		uint64_t rcx, value;
		uint8_t cpl;
		bool good;
	} rows[] = { { 0, 7, 0, true }, { 0xffffffff00000000, 3, 0, true }, { 1, 7, 0, false },
		{ 0, 7, 3, false }, { 0, 5, 0, false }, { 0, 0, 0, false },
		{ 0, 1ull << 32 | 7, 0, false } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)setup(NULL);
		CODE_PUT(0x0f, 0x01, 0xd1);
		st.xcr0 = 1;
		st.cpl = rows[i].cpl;
		st.gpr[SK_RCX] = rows[i].rcx;
		st.gpr[SK_RAX] = (uint32_t)rows[i].value;
		st.gpr[SK_RDX] = rows[i].value >> 32;
		exit_dispatch(&v, SK_EXIT_XSETBV);
		if (rows[i].good)
			went_on(CODE + 3);
		else
			faulted(EXC_CODE | 13, 0);
		assert_int_equal(st.xcr0, rows[i].good ? rows[i].value : 1);
		assert_int_equal(!!(st.dirty & SK_VCPU_XCR0), rows[i].good);
	}
}

static void time_stamps(void **state)
{
	uint64_t before, now;

	(void)state;
	CODE_PUT(0x0f, 0x01, 0xf9); /* RDTSCP */
	st.tsc_offset = 1ull << 40;
	v.tsc_aux = 5;
	st.gpr[SK_RCX] = 99;
	before = vm_rdtsc();
	exit_dispatch(&v, SK_EXIT_RDTSC);
	now = st.gpr[SK_RDX] << 32 | st.gpr[SK_RAX];
	assert_in_range(now - (1ull << 40), before, vm_rdtsc());
	went_on(CODE + 3);
	assert_int_equal(st.gpr[SK_RCX], 5);
	st.rip = CODE;
	st.gpr[SK_RCX] = 99;
	CODE_PUT(0x0f, 0x31); /* RDTSC */
	exit_dispatch(&v, SK_EXIT_RDTSC);
	went_on(CODE + 2);
	assert_int_equal(st.gpr[SK_RCX], 99);
}

static void halts_and_pauses(void **state)
{
	(void)state;
	CODE_PUT(0xf4);
	exit_dispatch(&v, SK_EXIT_HLT);
	went_on(CODE + 1);
	assert_int_equal(halts, 1);
	/* RIP is behind the HLT when the vCPU is woken */
	assert_int_equal(rip_at_call, CODE + 1);
	st.rip = CODE;
	CODE_PUT(0xf3, 0x90);
	exit_dispatch(&v, SK_EXIT_PAUSE);
	went_on(CODE + 2);
	assert_int_equal(yields, 1);
}

static void exits_that_need_nothing(void **state)
{
	static const uint32_t reasons[] = { SK_EXIT_SIGNAL, SK_EXIT_DEADLINE,
		SK_EXIT_NMI_WINDOW };
	struct sk_vcpu_state old = st;
	size_t i;

	(void)state;
	for (i = 0; i < 3; i++)
		exit_dispatch(&v, reasons[i]);
	assert_memory_equal(&st, &old, sizeof(st));
	assert_int_equal(v.pending_exception, 0);
	exit_dispatch(&v, SK_EXIT_UNDEFINED);
	faulted(EXC | 6, 0);
}

/* The log says where a guest was when it crashed, and what it did. */
static void ends(void **state)
{
	static const struct {
		uint32_t reason;
		const char *text;
	} rows[] = { { SK_EXIT_SHUTDOWN, "triple fault" }, { SK_EXIT_INVALID_STATE, "refuses" },
		{ SK_EXIT_TASK_SWITCH, "task switch" }, { SK_EXIT_UNKNOWN, "unknown exit" },
		{ 999, "unknown exit" } };
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		(void)setup(NULL);
		CODE_PUT(0x0f, 0x0b, 0xcc);
		st.idtr.limit = 0;
		exit_dispatch(&v, rows[i].reason);
		assert_int_equal(shutdown_reason, SHUTDOWN_crash);
		assert_int_equal(noted, NOTE_CRASH);
		assert_int_equal(notes, 2);
		if (!strstr(note_text, rows[i].text) || !strstr(note_text, "0x1000") ||
			!strstr(note_text, "64-bit") || !strstr(note_text, "0f 0b cc") ||
			!strstr(note_text, "IDT is empty"))
			fail_msg("%s", note_text);
	}
}

/* ---- ports ---- */

static void io(uint16_t port, uint8_t size, bool in, bool string, bool rep)
{
	enum exit_next next;

	st.qual[0] = port | (uint64_t)size << 16 | (uint64_t)in << 24 | (uint64_t)string << 25 |
		     (uint64_t)rep << 26;
	st.rip = CODE;
	next = exit_dispatch(&v, SK_EXIT_IO);
	/* OUT may end the guest */
	assert_int_equal(next, in && shutdown_reason < 0 ? NEXT_ENTER : NEXT_LOOK);
}

static void ports(void **state)
{
	(void)state;
	st.qual[1] = CODE + 2;
	st.gpr[SK_RAX] = 0x1111111122223344;
	io(0x80, 1, false, false, false);
	went_on(CODE + 2);
	assert_int_equal(port_seen, 0x80);
	assert_int_equal(port_value, 0x44);
	io(0x80, 2, false, false, false);
	assert_int_equal(port_value, 0x3344);
	io(0x80, 4, false, false, false);
	assert_int_equal(port_value, 0x22223344);
	io(0x71, 1, true, false, false);
	assert_int_equal(st.gpr[SK_RAX], 0x11111111222233d4);
	io(0x71, 2, true, false, false);
	assert_int_equal(st.gpr[SK_RAX], 0x111111112222c3d4);
	io(0x71, 4, true, false, false);
	assert_int_equal(st.gpr[SK_RAX], 0xa1b2c3d4);
	port_seen = 0;
	st.gpr[SK_RCX] = 9;
	io(0x71, 1, true, true, true); /* string instructions: no device uses them */
	assert_int_equal(port_seen, 0);
	assert_int_equal(st.gpr[SK_RCX], 0);
	CODE_PUT(0xec);
	st.qual[1] = 0; /* a processor that does not report the next RIP */
	io(0x71, 1, true, false, false);
	went_on(CODE + 1);
	io(0x71, 3, true, false, false);
	assert_int_equal(shutdown_reason, SHUTDOWN_crash);
}

/* Accesses to ports that every kernel probes are not logged; accesses to others are. */
static void absent_ports_are_told(void **state)
{
	static const uint16_t usual[] = { 0x20, 0x43, 0x61, 0x64, 0x70, 0x80, 0xe9, 0x1f0,
		0x2f9, 0x3d4, 0x3f9, 0xcf8, 0xcfc, 0xb004, 0xb006 };
	static const uint16_t news[] = { 0x3f8, 0x2f8, 0x5658, 0x510, 0xb007, 0xffff };
	size_t i;

	(void)state;
	st.qual[1] = CODE + 2;
	for (i = 0; i < sizeof(usual) / sizeof(usual[0]); i++)
		io(usual[i], 1, false, false, false);
	assert_int_equal(notes, 0);
	for (i = 0; i < sizeof(news) / sizeof(news[0]); i++) {
		io(news[i], 1, false, false, false);
		assert_int_equal(notes, i + 1);
		assert_int_equal(noted, NOTE_PORT);
		assert_int_equal(noted_number, news[i]);
	}
}

/* ---- unbacked addresses ---- */

static void nested_fault(uint64_t gpa, uint64_t how)
{
	st.qual[0] = gpa;
	st.qual[1] = how;
	exit_dispatch(&v, SK_EXIT_NESTED_FAULT);
}

static void faults_by_kind(void **state)
{
	struct sk_vcpu_state old = st;

	(void)state;
	nested_fault(DATA, 0); /* the page has come back in the meantime: try again */
	old.qual[0] = DATA;
	assert_memory_equal(&st, &old, sizeof(st));
	tracked = DATA; /* the save has let the guest write: try again, even if it walked */
	nested_fault(DATA, SK_NF_PRESENT | SK_NF_WRITE | SK_NF_TABLE);
	old.qual[1] = st.qual[1];
	assert_memory_equal(&st, &old, sizeof(st));
	tracked = UINT64_MAX;
	nested_fault(HOLE, SK_NF_EXEC);
	faulted(EXC | 6, 0);
	nested_fault(HOLE, SK_NF_TABLE);
	assert_int_equal(shutdown_reason, SHUTDOWN_crash);
}

static void absent_memory(void **state)
{
	(void)state;
	CODE_PUT(0x8b, 0x03); /* mov eax, [rbx] */
	st.gpr[SK_RBX] = HOLE;
	nested_fault(HOLE, 0);
	went_on(CODE + 2);
	assert_int_equal(st.gpr[SK_RAX], 0xffffffff);
	st.rip = CODE;
	CODE_PUT(0x89, 0x03); /* mov [rbx], eax */
	nested_fault(HOLE, SK_NF_WRITE);
	went_on(CODE + 2);
	/* an operand that lies half in memory: this half is accessed */
	memset(ram + HOLE - 4, 0x11, 4);
	st.rip = CODE;
	st.gpr[SK_RBX] = HOLE - 4;
	CODE_PUT(0x48, 0x8b, 0x03); /* mov rax, [rbx] */
	nested_fault(HOLE, 0);
	assert_int_equal(st.gpr[SK_RAX], 0xffffffff11111111);
	st.rip = CODE;
	st.gpr[SK_RAX] = 0x2222222233333333;
	CODE_PUT(0x48, 0x89, 0x03);
	nested_fault(HOLE, SK_NF_WRITE);
	went_on(CODE + 3);
	assert_int_equal(*(uint32_t *)(ram + HOLE - 4), 0x33333333);
	assert_ptr_equal(wrote, ram + HOLE - 4);
	assert_int_equal(wrote_len, 4);
	st.rip = CODE;
	st.gpr[SK_RBX] = USER_PAGE + 2 * SK_PAGE_SIZE - 4; /* the other half */
	nested_fault(HOLE + SK_PAGE_SIZE - 4, SK_NF_WRITE);
	went_on(CODE + 3);
	assert_int_equal(*(uint32_t *)(ram + DATA), 0x22222222);
	/* from the hole into memory */
	CODE_PUT(0xf3, 0x48, 0xa5); /* rep movsq */
	st.rip = CODE;
	memset(ram + DATA, 0x77, 16);
	st.gpr[SK_RSI] = HOLE;
	st.gpr[SK_RDI] = DATA;
	st.gpr[SK_RCX] = 2;
	nested_fault(HOLE, 0);
	went_on(CODE + 3);
	assert_int_equal(*(uint64_t *)(ram + DATA + 8), ~0ull);
}

/*
 * A repeated string instruction is interrupted from time to time; the guest executes it again.
 */
static void long_strings_come_back(void **state)
{
	(void)state;
	CODE_PUT(0xf3, 0xaa); /* rep stosb */
	st.gpr[SK_RDI] = HOLE;
	st.gpr[SK_RCX] = MMIO_REP_MAX + 1;
	nested_fault(HOLE, SK_NF_WRITE);
	assert_int_equal(st.rip, CODE);
	assert_int_equal(st.gpr[SK_RCX], 1);
	assert_true(st.dirty & SK_VCPU_GPR);
	nested_fault(HOLE + MMIO_REP_MAX, SK_NF_WRITE);
	went_on(CODE + 2);
}

static void unknown_instructions(void **state)
{
	(void)state;
	CODE_PUT(0xff, 0x13); /* call [rbx] */
	st.gpr[SK_RBX] = HOLE;
	nested_fault(HOLE, 0);
	faulted(EXC_CODE | 13, 0);
	assert_int_equal(noted, NOTE_INSTRUCTION);
	assert_non_null(strstr(note_text, "ff 13"));
}

/*
 * The bytes in the record are the instruction that faulted; memory may have a different one by
 * now.
 */
static void fetched_bytes_count(void **state)
{
	(void)state;
	CODE_PUT(0xcc);
	st.n_instr = 15;
	memset(st.instr, 0x90, sizeof(st.instr));
	st.instr[0] = 0x8b;
	st.instr[1] = 0x03;
	st.gpr[SK_RBX] = HOLE;
	nested_fault(HOLE, 0);
	went_on(CODE + 2);
	assert_int_equal(st.gpr[SK_RAX], 0xffffffff);
}

static void apic_page_is_emulated(void **state)
{
	(void)state;
	st.gpr[SK_RBX] = 0xfee000f0;
	CODE_PUT(0x81, 0x0b, 0x00, 0x01, 0x00, 0x00); /* or dword [rbx], 0x100 */
	nested_fault(0xfee000f0, SK_NF_WRITE);
	went_on(CODE + 6);
	assert_true(lapic_enabled(&v.lapic));
	st.rip = CODE;
	CODE_PUT(0x8b, 0x03);
	nested_fault(0xfee000f0, 0);
	assert_int_equal(st.gpr[SK_RAX], 0x1ff);
	st.rip = CODE;
	CODE_PUT(0xc6, 0x03, 0x42); /* mov byte [rbx], 0x42: the rest of the register stays */
	nested_fault(0xfee000f0, SK_NF_WRITE);
	assert_int_equal(lapic_read(&v.lapic, 0xf0, 0), 0x142);
	st.rip = CODE;
	CODE_PUT(0x0f, 0xba, 0x23, 8); /* bt dword [rbx], 8 */
	nested_fault(0xfee000f0, 0);
	went_on(CODE + 4);
	assert_true(st.rflags & 1);
	st.rip = CODE;
	st.gpr[SK_RBX] = 0xfee00300;
	CODE_PUT(0xc7, 0x03, 0xfd, 0x08, 0x0c, 0x00); /* an IPI */
	nested_fault(0xfee00300, SK_NF_WRITE);
	assert_int_equal(ipis, 1);
	/* in x2APIC mode the page is empty */
	assert_true(lapic_base_write(&v.lapic, 0xfee00c00));
	st.rip = CODE;
	st.gpr[SK_RBX] = 0xfee000f0;
	CODE_PUT(0x8b, 0x03);
	nested_fault(0xfee000f0, 0);
	assert_int_equal(st.gpr[SK_RAX], 0xffffffff);
}

/* Emulation refuses to user mode what the processor would refuse. */
static void user_rights(void **state)
{
	(void)state;
	CODE_PUT(0xa4); /* movsb: to memory of the kernel */
	st.cpl = 3;
	st.gpr[SK_RSI] = USER_PAGE;
	st.gpr[SK_RDI] = DATA + 8;
	nested_fault(HOLE, 0);
	faulted(EXC_CODE | PF, PF_PRESENT | PF_WRITE | PF_USER);
	assert_int_equal(st.cr2, DATA + 8);
	assert_true(st.dirty & SK_VCPU_CR && synced & SK_VCPU_CR);
	v.pending_exception = 0;
	st.gpr[SK_RSI] = 0x8000000000; /* not mapped at all */
	nested_fault(HOLE, 0);
	faulted(EXC_CODE | PF, PF_USER);
	assert_int_equal(st.cr2, 0x8000000000);
	v.pending_exception = 0;
	st.gpr[SK_RSI] = 0x800000000000; /* an address that no tables can hold */
	nested_fault(HOLE, 0);
	faulted(EXC_CODE | 13, 0);
	v.pending_exception = 0;
	st.gpr[SK_RSI] = st.gpr[SK_RDI] = USER_PAGE;
	nested_fault(HOLE, 0);
	went_on(CODE + 1);
	/* with SMAP, the kernel cannot access user pages unless AC is set */
	st.rip = CODE;
	st.cpl = 0;
	st.cr4 |= 1 << 21;
	nested_fault(HOLE, 0);
	faulted(EXC_CODE | PF, PF_PRESENT);
	v.pending_exception = 0;
	st.rflags |= 1 << 18;
	nested_fault(HOLE, 0);
	went_on(CODE + 1);
}

/* ---- CR4 ---- */

static void cr4_write(uint64_t value, bool good)
{
	uint64_t old = st.cr4;

	st.rip = CODE;
	v.pending_exception = 0;
	st.gpr[SK_R9] = value;
	CODE_PUT(0x41, 0x0f, 0x22, 0xe1); /* mov cr4, r9 */
	st.instr_len = 3;
	st.qual[0] = 4;
	st.qual[1] = 0xff;
	exit_dispatch(&v, SK_EXIT_CR_WRITE);
	if (good)
		went_on(CODE + 4);
	else
		faulted(EXC_CODE | 13, 0);
	assert_int_equal(st.cr4, good ? value : old);
}

/* A bit that CPUID hides is #GP, and the guest goes on. */
static void cr4_bits(void **state)
{
	unsigned int bit;

	(void)state;
	for (bit = 0; bit < 64; bit++)
		cr4_write(CR4_PAE | 1ull << bit, vm.cr4_bits >> bit & 1);
	cr4_write(CR4_PAE | 1 << 7, true);
	assert_true(st.dirty & SK_VCPU_CR);
	cr4_write(1 << 7, false); /* no long mode without PAE */
	cr4_write(CR4_PAE, true);
	st.cr3 |= 5;
	/* not while CR3 has a process-context identifier */
	cr4_write(CR4_PAE | CR4_PCIDE, false);
	st.cr3 &= ~0xfffull;
	cr4_write(CR4_PAE | CR4_PCIDE, true);
	st.cr3 |= 5;
	cr4_write(CR4_PAE | CR4_PCIDE | 1 << 7, true); /* it is set already */
	vm.cr4_bits |= CR4_LA57;
	cr4_write(CR4_PAE | CR4_LA57, false); /* not while it is in use */
	st.efer = 0;
	st.cr0 = 0x11;
	st.cr4 = 0;
	st.seg[SK_CS].attr = 0xc9b;
	st.gpr[SK_RBX] = 0xffffffff00000000 | CR4_PAE; /* 32-bit code: half a register */
	CODE_PUT(0x0f, 0x22, 0xe3);
	st.rip = CODE;
	v.pending_exception = 0;
	exit_dispatch(&v, SK_EXIT_CR_WRITE);
	went_on(CODE + 3);
	assert_int_equal(st.cr4, CR4_PAE);
	st.gpr[SK_RBX] = CR4_PCIDE; /* not outside of long mode */
	st.rip = CODE;
	exit_dispatch(&v, SK_EXIT_CR_WRITE);
	faulted(EXC_CODE | 13, 0);
}

static void cr4_by_decode_assist(void **state)
{
	(void)state;
	st.qual[0] = 4;
	st.qual[1] = SK_RCX;
	st.gpr[SK_RCX] = CR4_PAE | 1 << 7;
	st.instr_len = 3;
	exit_dispatch(&v, SK_EXIT_CR_WRITE);
	went_on(CODE + 3);
	assert_int_equal(st.cr4, CR4_PAE | 1 << 7);
	st.qual[1] = 0xff;
	st.rip = HOLE; /* the instruction is not in the record, and cannot be read */
	exit_dispatch(&v, SK_EXIT_CR_WRITE);
	assert_int_equal(shutdown_reason, SHUTDOWN_crash);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(hypercall_is_stepped_over_first, setup),
		cmocka_unit_test_setup(instruction_lengths, setup),
		cmocka_unit_test_setup(cpuid_answers, setup),
		cmocka_unit_test_setup(registers_of_the_model, setup),
		cmocka_unit_test_setup(extended_states, setup),
		cmocka_unit_test_setup(time_stamps, setup),
		cmocka_unit_test_setup(halts_and_pauses, setup),
		cmocka_unit_test_setup(exits_that_need_nothing, setup),
		cmocka_unit_test_setup(ends, setup),
		cmocka_unit_test_setup(ports, setup),
		cmocka_unit_test_setup(absent_ports_are_told, setup),
		cmocka_unit_test_setup(faults_by_kind, setup),
		cmocka_unit_test_setup(absent_memory, setup),
		cmocka_unit_test_setup(long_strings_come_back, setup),
		cmocka_unit_test_setup(unknown_instructions, setup),
		cmocka_unit_test_setup(fetched_bytes_count, setup),
		cmocka_unit_test_setup(apic_page_is_emulated, setup),
		cmocka_unit_test_setup(user_rights, setup),
		cmocka_unit_test_setup(cr4_bits, setup),
		cmocka_unit_test_setup(cr4_by_decode_assist, setup),
	};

	return cmocka_run_group_tests_name("vmm exit", tests, NULL, NULL);
}
