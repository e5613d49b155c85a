/*
 * mmio_test.c - decoding and emulation of memory accesses, form by form, against what the processor would do
 */
#include "mmio.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <cmocka.h>

#include <string.h>

enum {
	CF = 1,
	PF = 4,
	AF = 0x10,
	ZF = 0x40,
	SF = 0x80,
	OF = 0x800,
	ALL = CF | PF | AF | ZF | SF | OF
};

static uint64_t memory, n_reads, n_writes;
static uint8_t last_size;

static uint64_t bus_read(void *ctx, uint8_t size)
{
	(void)ctx;
	last_size = size;
	n_reads++;
	return memory;
}

static void bus_write(void *ctx, uint64_t value, uint8_t size)
{
	(void)ctx;
	last_size = size;
	n_writes++;
	memory = value;
}

static const struct mmio_bus bus = { bus_read, bus_write, NULL };

/* One row: code, registers and memory before, what must come out. RAX and RCX start as given. */
struct row {
	const char *text;
	uint8_t code[12], n;
	unsigned mode;
	uint64_t rax, mem, rax_after, mem_after;
	uint8_t size, reads, writes;
	uint32_t flags; /* of ALL; ~0 = unchanged */
};

static const struct row rows[] = {
	{ "mov [rcx], eax", { 0x89, 0x01 }, 2, 64, 0x1122334455667788, 0, 0x1122334455667788,
		0x55667788, 4, 0, 1, ~0u },
	{ "mov eax, [rcx]", { 0x8b, 0x01 }, 2, 64, ~0ull, 0xdeadbeef, 0xdeadbeef, 0xdeadbeef, 4,
		1, 0, ~0u },
	{ "mov rax, [rcx]", { 0x48, 0x8b, 0x01 }, 3, 64, 0, 0xdeadbeef11223344,
		0xdeadbeef11223344, 0xdeadbeef11223344, 8, 1, 0, ~0u },
	{ "mov ax, [rcx]", { 0x66, 0x8b, 0x01 }, 3, 64, 0x1111111111111111, 0x2222,
		0x1111111111112222, 0x2222, 2, 1, 0, ~0u },
	{ "mov al, [rcx]", { 0x8a, 0x01 }, 2, 64, 0x1111111111111111, 0x22, 0x1111111111111122,
		0x22, 1, 1, 0, ~0u },
	{ "mov ah, [rcx]", { 0x8a, 0x21 }, 2, 64, 0x1111111111111111, 0x22, 0x1111111111112211,
		0x22, 1, 1, 0, ~0u },
	{ "mov [rcx], ah", { 0x88, 0x21 }, 2, 64, 0x3344, 0, 0x3344, 0x33, 1, 0, 1, ~0u },
	{ "mov dword [rcx], imm", { 0xc7, 0x01, 0x78, 0x56, 0x34, 0x12 }, 6, 64, 0, 0, 0,
		0x12345678, 4, 0, 1, ~0u },
	{ "mov qword [rcx], -1", { 0x48, 0xc7, 0x01, 0xff, 0xff, 0xff, 0xff }, 7, 64, 0, 0, 0,
		~0ull, 8, 0, 1, ~0u },
	{ "mov eax, [moffs]", { 0xa1, 0x20, 0, 0xe0, 0xfe }, 5, 32, 0, 0x14, 0x14, 0x14, 4, 1,
		0, ~0u },
	{ "mov [moffs], eax", { 0xa3, 0xb0, 0, 0xe0, 0xfe }, 5, 32, 7, 1, 7, 7, 4, 0, 1, ~0u },
	{ "mov [eip-free disp32], eax", { 0x89, 0x04, 0x25, 0xb0, 0xc0, 0x5f, 0xff }, 7, 64, 9,
		1, 9, 9, 4, 0, 1, ~0u },
	{ "movzx eax, byte [rcx]", { 0x0f, 0xb6, 0x01 }, 3, 64, ~0ull, 0x1ff, 0xff, 0x1ff, 1, 1,
		0, ~0u },
	{ "movzx eax, word [rcx]", { 0x0f, 0xb7, 0x01 }, 3, 64, ~0ull, 0x1ffff, 0xffff, 0x1ffff,
		2, 1, 0, ~0u },
	{ "movsx eax, byte [rcx]", { 0x0f, 0xbe, 0x01 }, 3, 64, 0, 0x80, 0xffffff80, 0x80, 1, 1,
		0, ~0u },
	{ "movsx rax, word [rcx]", { 0x48, 0x0f, 0xbf, 0x01 }, 4, 64, 0, 0x8000,
		0xffffffffffff8000, 0x8000, 2, 1, 0, ~0u },
	{ "movsxd rax, [rcx]", { 0x48, 0x63, 0x01 }, 3, 64, 0, 0x80000000, 0xffffffff80000000,
		0x80000000, 4, 1, 0, ~0u },
	{ "xchg [rcx], eax", { 0x87, 0x01 }, 2, 64, 5, 6, 6, 5, 4, 1, 1, ~0u },
	{ "and [rcx], eax", { 0x21, 0x01 }, 2, 64, 0xf0, 0xff, 0xf0, 0xf0, 4, 1, 1, PF },
	{ "and eax, [rcx]", { 0x23, 0x01 }, 2, 64, 0xffffffff000000f0, 0x0f, 0, 0x0f, 4, 1, 0,
		ZF | PF },
	{ "or dword [rcx], 0x80000000", { 0x81, 0x09, 0, 0, 0, 0x80 }, 6, 64, 0, 1, 0,
		0x80000001, 4, 1, 1, SF },
	{ "xor [rcx], eax", { 0x31, 0x01 }, 2, 64, 3, 3, 3, 0, 4, 1, 1, ZF | PF },
	{ "add [rcx], eax carry", { 0x01, 0x01 }, 2, 64, 1, 0xffffffff, 1, 0, 4, 1, 1,
		CF | ZF | PF | AF },
	{ "add [rcx], eax overflow", { 0x01, 0x01 }, 2, 64, 1, 0x7fffffff, 1, 0x80000000, 4, 1,
		1, OF | SF | PF | AF },
	{ "sub eax, [rcx] borrow", { 0x2b, 0x01 }, 2, 64, 0, 1, 0xffffffff, 1, 4, 1, 0,
		CF | SF | PF | AF },
	{ "sub [rcx], al overflow", { 0x28, 0x01 }, 2, 64, 1, 0x80, 1, 0x7f, 1, 1, 1, OF | AF },
	{ "cmp [rcx], eax", { 0x39, 0x01 }, 2, 64, 5, 5, 5, 5, 4, 1, 0, ZF | PF },
	{ "cmp eax, [rcx]", { 0x3b, 0x01 }, 2, 64, 4, 5, 4, 5, 4, 1, 0, CF | SF | PF | AF },
	{ "test dword [rcx], 0x1000", { 0xf7, 0x01, 0, 0x10, 0, 0 }, 6, 64, 0, 0x1000, 0,
		0x1000, 4, 1, 0, PF },
	{ "test byte [rcx], 1", { 0xf6, 0x01, 1 }, 3, 64, 0, 2, 0, 2, 1, 1, 0, ZF | PF },
	{ "mov [bx+di], eax", { 0x66, 0x89, 0x01 }, 3, 16, 0x12345678, 0, 0x12345678,
		0x12345678, 4, 0, 1, ~0u },
};

static void forms(void **state)
{
	struct sk_vcpu_state st;
	struct mmio_insn in;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct row *r = &rows[i];

		memset(&st, 0, sizeof(st));
		st.gpr[SK_RAX] = r->rax;
		st.rflags = 0x202 | CF | OF;
		memory = r->mem;
		n_reads = n_writes = 0;
		if (mmio_decode(r->code, r->n, r->mode, &in) || in.length != r->n)
			fail_msg("%s: not decoded", r->text);
		mmio_execute(&in, &st, &bus);
		if (st.gpr[SK_RAX] != r->rax_after || memory != r->mem_after ||
			last_size != r->size || n_reads != r->reads || n_writes != r->writes)
			fail_msg("%s: rax %lx mem %lx size %u", r->text, (long)st.gpr[SK_RAX],
				(long)memory, last_size);
		if ((st.rflags & ~(uint64_t)ALL) != 0x202 ||
			(st.rflags & ALL) != (r->flags == ~0u ? CF | OF : r->flags))
			fail_msg("%s: flags %lx", r->text, (long)st.rflags);
	}
}

static void other_registers(void **state)
{
	static const uint8_t high[] = { 0x44, 0x89, 0x39 }; /* mov [rcx], r15d */
	static const uint8_t low[] = { 0x40, 0x88, 0x31 };  /* mov [rcx], sil */
	struct sk_vcpu_state st = { 0 };
	struct mmio_insn in;
	unsigned i;

	(void)state;
	for (i = 0; i < SK_N_GPR; i++)
		st.gpr[i] = 0x1000 + i;
	assert_int_equal(mmio_decode(high, sizeof(high), 64, &in), 0);
	mmio_execute(&in, &st, &bus);
	assert_int_equal(memory, 0x1000 + SK_R15);
	assert_int_equal(mmio_decode(low, sizeof(low), 64, &in), 0);
	mmio_execute(&in, &st, &bus);
	assert_int_equal(memory, SK_RSI);
	for (i = 0; i < 8; i++) {
		uint8_t code[] = { 0x8b, (uint8_t)(i << 3 | 5), 0, 0, 0, 0 };

		memory = 77 + i;
		assert_int_equal(mmio_decode(code, sizeof(code), 32, &in), 0);
		mmio_execute(&in, &st, &bus);
		assert_int_equal(st.gpr[i], 77 + i);
	}
}

static void refused(void **state)
{
	static const struct {
		uint8_t code[8], n;
		int rc;
	} bad[] = {
		{ { 0x89 }, 1, -SK_E_AGAIN }, { { 0xc7, 0x01, 0 }, 3, -SK_E_AGAIN },
		{ { 0 }, 0, -SK_E_AGAIN }, { { 0x0f, 0x0b }, 2, -SK_E_INVAL }, /* ud2 */
		{ { 0x89, 0xc1 }, 2, -SK_E_INVAL },       /* mov ecx, eax */
		{ { 0xa5 }, 1, -SK_E_INVAL },             /* movsd */
		{ { 0xff, 0x31 }, 2, -SK_E_INVAL },       /* push [rcx] */
		{ { 0x0f, 0x6f, 0x01 }, 3, -SK_E_INVAL }, /* movq mm0, [rcx] */
		{ { 0x8c, 0x01 }, 2, -SK_E_INVAL },       /* mov [rcx], es */
		{ { 0x06 }, 1, -SK_E_INVAL },             /* push es: not in 64-bit mode */
	};
	struct mmio_insn in;
	size_t i;

	(void)state;
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		if (mmio_decode(bad[i].code, bad[i].n, 64, &in) != bad[i].rc)
			fail_msg("row %zu: %d", i, mmio_decode(bad[i].code, bad[i].n, 64, &in));
}

static void lengths(void **state)
{
	static const uint8_t wrmsr[] = { 0x0f, 0x30, 0x90 },
			     vmmcall[] = { 0x0f, 0x01, 0xd9, 0x90 };
	struct sk_vcpu_state st = { .cr0 = 1, .efer = 0x500 };

	(void)state;
	assert_int_equal(insn_length(wrmsr, 3, 64), 2);
	assert_int_equal(insn_length(vmmcall, 4, 32), 3);
	assert_int_equal(insn_length(vmmcall, 2, 32), -SK_E_AGAIN);
	st.seg[SK_CS].attr = 0x200;
	assert_int_equal(insn_mode(&st), 64);
	st.seg[SK_CS].attr = 0x400;
	assert_int_equal(insn_mode(&st), 32);
	st.seg[SK_CS].attr = 0;
	assert_int_equal(insn_mode(&st), 16);
	st.efer = 0;
	st.seg[SK_CS].attr = 0x200;
	assert_int_equal(insn_mode(&st), 16);
	st.seg[SK_CS].attr = 0x400;
	st.cr0 = 0;
	assert_int_equal(insn_mode(&st), 16);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(other_registers),
		cmocka_unit_test(refused),
		cmocka_unit_test(lengths),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
