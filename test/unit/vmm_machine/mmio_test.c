/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio_test.c - decoding and emulation of memory accesses, form by form, compared with the
 * processor
 */
#include "machine/mmio.h"

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

static uint64_t memory, n_reads, n_writes, last_at;
static uint8_t last_size;

/* A fake bus with one word of memory, which is at every address. */
static int bus_read(void *ctx, uint64_t linear, uint64_t *value, uint8_t size)
{
	(void)ctx;
	last_at = linear;
	last_size = size;
	n_reads++;
	*value = memory;
	return 0;
}

static int bus_write(void *ctx, uint64_t linear, uint64_t value, uint8_t size)
{
	(void)ctx;
	last_at = linear;
	last_size = size;
	n_writes++;
	memory = value;
	return 0;
}

static const struct mmio_bus bus = { bus_read, bus_write, NULL };

/* A row: code, registers and memory before, and the results. RAX and RCX start as given. */
struct row {
	const char *text;
	uint8_t code[12], n;
	unsigned int mode;
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
	{ "movnti [rcx], eax", { 0x0f, 0xc3, 0x01 }, 3, 64, 7, 1, 7, 7, 4, 0, 1, ~0u },
	{ "adc [rcx], eax", { 0x11, 0x01 }, 2, 64, 0xffffffff, 0, 0xffffffff, 0, 4, 1, 1,
		CF | ZF | PF | AF },
	{ "sbb eax, [rcx]", { 0x1b, 0x01 }, 2, 64, 5, 5, 0xffffffff, 5, 4, 1, 0,
		CF | SF | PF | AF },
	{ "inc dword [rcx]", { 0xff, 0x01 }, 2, 64, 0, 0x7fffffff, 0, 0x80000000, 4, 1, 1,
		CF | OF | SF | PF | AF },
	{ "dec byte [rcx]", { 0xfe, 0x09 }, 2, 64, 0, 1, 0, 0, 1, 1, 1, CF | ZF | PF },
	{ "not word [rcx]", { 0x66, 0xf7, 0x11 }, 3, 64, 0, 0x00ff, 0, 0xff00, 2, 1, 1, ~0u },
	{ "neg dword [rcx]", { 0xf7, 0x19 }, 2, 64, 0, 1, 0, 0xffffffff, 4, 1, 1,
		CF | SF | PF | AF },
	{ "neg of 0", { 0xf7, 0x19 }, 2, 64, 0, 0, 0, 0, 4, 1, 1, ZF | PF },
	{ "bt dword [rcx], 4", { 0x0f, 0xba, 0x21, 4 }, 4, 64, 0, 0x10, 0, 0x10, 4, 1, 0,
		CF | OF },
	{ "bt dword [rcx], 5", { 0x0f, 0xba, 0x21, 5 }, 4, 64, 0, 0x10, 0, 0x10, 4, 1, 0, OF },
	{ "bts [rcx], eax", { 0x0f, 0xab, 0x01 }, 3, 64, 3, 0, 3, 8, 4, 1, 1, OF },
	{ "lock btr [rcx], eax", { 0xf0, 0x0f, 0xb3, 0x01 }, 4, 64, 3, 0xf, 3, 7, 4, 1, 1,
		CF | OF },
	{ "btc qword [rcx], 63", { 0x48, 0x0f, 0xba, 0x39, 63 }, 5, 64, 0, 1, 0,
		0x8000000000000001, 8, 1, 1, OF },
	{ "xadd [rcx], eax", { 0x0f, 0xc1, 0x01 }, 3, 64, 2, 3, 3, 5, 4, 1, 1, PF },
	{ "cmpxchg [rcx], eax same", { 0x0f, 0xb1, 0x01 }, 3, 64, 9, 9, 9, 9, 4, 1, 1,
		ZF | PF },
	{ "cmpxchg [rcx], ecx other", { 0x0f, 0xb1, 0x09 }, 3, 64, 4, 5, 5, 5, 4, 1, 1,
		CF | SF | PF | AF },
	{ "cmovo eax, [rcx]", { 0x0f, 0x40, 0x01 }, 3, 64, ~0ull, 7, 7, 7, 4, 1, 0, ~0u },
	{ "cmovno eax, [rcx]", { 0x0f, 0x41, 0x01 }, 3, 64, ~0ull, 7, 0xffffffff, 7, 4, 1, 0,
		~0u },
	{ "setc [rcx]", { 0x0f, 0x92, 0x01 }, 3, 64, 0, 9, 0, 1, 1, 0, 1, ~0u },
	{ "sete [rcx]", { 0x0f, 0x94, 0x01 }, 3, 64, 0, 9, 0, 0, 1, 0, 1, ~0u },
	{ "setl [rcx]", { 0x0f, 0x9c, 0x01 }, 3, 64, 0, 9, 0, 1, 1, 0, 1, ~0u },
	{ "setg [rcx]", { 0x0f, 0x9f, 0x01 }, 3, 64, 0, 9, 0, 0, 1, 0, 1, ~0u },
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
		assert_int_equal(mmio_execute(&in, &st, &bus), 0);
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
	unsigned int i;

	(void)state;
	for (i = 0; i < SK_N_GPR; i++)
		st.gpr[i] = 0x1000 + i;
	assert_int_equal(mmio_decode(high, sizeof(high), 64, &in), 0);
	assert_int_equal(mmio_execute(&in, &st, &bus), 0);
	assert_int_equal(memory, 0x1000 + SK_R15);
	assert_int_equal(mmio_decode(low, sizeof(low), 64, &in), 0);
	assert_int_equal(mmio_execute(&in, &st, &bus), 0);
	assert_int_equal(memory, SK_RSI);
	for (i = 0; i < 8; i++) {
		uint8_t code[] = { 0x8b, (uint8_t)(i << 3 | 5), 0, 0, 0, 0 };

		memory = 77 + i;
		assert_int_equal(mmio_decode(code, sizeof(code), 32, &in), 0);
		assert_int_equal(mmio_execute(&in, &st, &bus), 0);
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
		{ { 0xff, 0x11 }, 2, -SK_E_INVAL },       /* call [rcx] */
		{ { 0x0f, 0xc7, 0x09 }, 3, -SK_E_INVAL }, /* cmpxchg8b [rcx] */
		{ { 0xf2, 0x0f, 0x10, 0x01 }, 4,
			-SK_E_INVAL }, /* movsd xmm0, [rcx]: not a string instruction */
		{ { 0xa4, 0x01 }, 0, -SK_E_AGAIN }, { { 0x6c }, 1, -SK_E_INVAL }, /* insb */
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

/* ---- the processor itself as the judge --------------------------------------------------- */

/*
 * Execute `insn a, b` on the processor with these flags; returns the flags afterwards. Leaves
 * the red zone alone.
 */
#define JUDGE(name, insn, type) \
	static uint64_t name(uint64_t *a, uint64_t b, uint64_t flags) \
	{ \
		type x = (type)*a, y = (type)b; \
		__asm__ volatile("lea -128(%%rsp), %%rsp\n\tpush %1\n\tpopfq\n\t" insn \
				 "\n\tpushfq\n\tpop %1\n\tlea 128(%%rsp), %%rsp" \
				 : "+r"(x), "+r"(flags) \
				 : "r"(y) \
				 : "cc", "memory"); \
		*a = x; \
		return flags & ALL; \
	}
#define JUDGES(op, insn) \
	JUDGE(op##8, insn, uint8_t) \
	JUDGE(op##16, insn, uint16_t) \
	JUDGE(op##32, insn, uint32_t) JUDGE(op##64, insn, uint64_t)
JUDGES(add, "add %2, %0")
JUDGES(or, "or %2, %0")
JUDGES(adc, "adc %2, %0")
JUDGES(sbb, "sbb %2, %0")
JUDGES(and, "and %2, %0")
JUDGES(sub, "sub %2, %0")
JUDGES(xor, "xor %2, %0")
JUDGES(cmp, "cmp %2, %0")
JUDGES(not, "not %0")
JUDGES(neg, "neg %0")
JUDGES(inc, "inc %0")
JUDGES(dec, "dec %0")

static uint64_t random64(void)
{
	static uint64_t x = 88172645463325252;
	static const uint64_t edge[] = { 0, 1, 0x7f, 0x80, 0xff, 0x7fff, 0x8000, 0xffff,
		0x7fffffff, 0x80000000, 0xffffffff, 0x7fffffffffffffff, 0x8000000000000000,
		~0ull };

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return x % 3 ? x : edge[x / 3 % (sizeof(edge) / sizeof(edge[0]))];
}

/*
 * Operations on a memory operand and RAX, in all sizes, on random values and edge cases.
 */
static void arithmetic_as_the_processor(void **state)
{
#define OP(name, code, ext) \
	{ \
#name, code, ext, { name##8, name##16, name##32, name##64 } \
	}
	static const struct {
		const char *text;
		/* of the word form: [rcx], with RAX or an opcode extension */
		uint8_t code, modrm;
		uint64_t (*judge[4])(uint64_t *a, uint64_t b, uint64_t flags);
	} ops[] = { OP(add, 0x01, 1), OP(or, 0x09, 1), OP(adc, 0x11, 1), OP(sbb, 0x19, 1),
		OP(and, 0x21, 1), OP(sub, 0x29, 1), OP(xor, 0x31, 1), OP(cmp, 0x39, 1),
		OP(not, 0xf7, 0x11), OP(neg, 0xf7, 0x19), OP(inc, 0xff, 0x01),
		OP(dec, 0xff, 0x09) };
	static const uint8_t prefix[] = { 0, 0x66, 0, 0x48 };
	size_t i, round;
	unsigned int s;

	(void)state;
	for (i = 0; i < sizeof(ops) / sizeof(ops[0]); i++)
		for (s = 0; s < 4; s++)
			for (round = 0; round < 2000; round++) {
				uint8_t code[3] = { prefix[s], (uint8_t)(ops[i].code - !s),
					ops[i].modrm };
				uint64_t mask = ~0ull >> (64 - (8u << s)),
					 a = random64() & mask, want = a, b = random64(),
					 before = random64() & ALL, flags;
				struct sk_vcpu_state st = { .gpr = { b },
					.rflags = 0x202 | before };
				struct mmio_insn in;

				memory = a;
				flags = ops[i].judge[s](&want, b, 0x202 | before);
				if (mmio_decode(code + !prefix[s], 3 - !prefix[s], 64, &in) ||
					mmio_execute(&in, &st, &bus))
					fail_msg("%s: refused", ops[i].text);
				/* AF is undefined after logical operations */
				if (strchr("oax", ops[i].text[0]) && ops[i].text[1] != 'd') {
					flags &= ~(uint64_t)AF;
					st.rflags &= ~(uint64_t)AF;
				}
				if (memory != want || (st.rflags & ALL) != flags)
					fail_msg(
						"%s, %u bits: %lx and %lx with %lx give %lx, %lx",
						ops[i].text, 8u << s, (long)a, (long)b,
						(long)before, (long)memory,
						(long)(st.rflags & ALL));
			}
}

#define CONDITIONS(X) \
	X(o) X(no) X(b) X(ae) X(e) X(ne) X(be) X(a) X(s) X(ns) X(p) X(np) X(l) X(ge) X(le) X(g)
#define X(cc) JUDGE(set_##cc, "set" #cc " %0", uint8_t)
CONDITIONS(X)
#undef X

static void conditions_as_the_processor(void **state)
{
#define X(cc) set_##cc,
	static uint64_t (*const judge[])(
		uint64_t * a, uint64_t b, uint64_t flags) = { CONDITIONS(X) };
#undef X
	unsigned int i, f;

	(void)state;
	for (i = 0; i < 16; i++)
		for (f = 0; f < 64; f++) {
			uint8_t code[] = { 0x0f, (uint8_t)(0x90 + i), 0x01 };
			struct sk_vcpu_state st = {
				.rflags = (f & 1 ? CF : 0) | (f & 2 ? PF : 0) |
					  (f & 4 ? AF : 0) | (f & 8 ? ZF : 0) |
					  (f & 16 ? SF : 0) | (f & 32 ? OF : 0)
			};
			struct mmio_insn in;
			uint64_t want = 9;

			(void)judge[i](&want, 0, 0x202 | st.rflags);
			assert_int_equal(mmio_decode(code, 3, 64, &in), 0);
			assert_int_equal(mmio_execute(&in, &st, &bus), 0);
			if (memory != want)
				fail_msg("condition %u with flags %lx", i, (long)st.rflags);
		}
}

/* ---- addresses, strings, stack ----------------------------------------------------------- */

enum { WINDOW = 0x1000, BYTES = 4096 };
static uint8_t bytes[BYTES];
static uint64_t refused_at; /* an access to this address fails */
static unsigned int accesses;

static int window_access(uint64_t linear, uint8_t size)
{
	accesses++;
	if (linear < WINDOW || linear - WINDOW > BYTES - (uint64_t)size)
		fail_msg("access to %#lx", (long)linear);
	return linear <= refused_at && refused_at < linear + size ? -SK_E_RANGE : 0;
}

static int window_read(void *ctx, uint64_t linear, uint64_t *value, uint8_t size)
{
	int rc = window_access(linear, size);

	(void)ctx;
	*value = 0;
	if (!rc)
		memcpy(value, bytes + linear - WINDOW, size);
	return rc;
}

static int window_write(void *ctx, uint64_t linear, uint64_t value, uint8_t size)
{
	int rc = window_access(linear, size);

	(void)ctx;
	if (!rc)
		memcpy(bytes + linear - WINDOW, &value, size);
	return rc;
}

static const struct mmio_bus window = { window_read, window_write, NULL };

static int window_setup(void **state)
{
	unsigned int i;

	(void)state;
	for (i = 0; i < BYTES; i++)
		bytes[i] = (uint8_t)(i * 7);
	refused_at = accesses = 0;
	return 0;
}

static int run(struct sk_vcpu_state *st, unsigned int mode, const uint8_t *code, size_t n)
{
	struct mmio_insn in;

	if (mmio_decode(code, n, mode, &in) || in.length != n)
		fail_msg("not decoded: %02x %02x", code[0], code[1]);
	return mmio_execute(&in, st, &window);
}
#define RUN(st, mode, ...) \
	run(st, mode, (const uint8_t[]){ __VA_ARGS__ }, \
		sizeof((const uint8_t[]){ __VA_ARGS__ }))

static uint64_t at(uint64_t linear, uint8_t size)
{
	uint64_t v = 0;

	memcpy(&v, bytes + linear - WINDOW, size);
	return v;
}

static void addresses(void **state)
{
	struct sk_vcpu_state st = { .rip = 0x1800 };

	(void)state;
	st.gpr[SK_RBX] = 0x1000;
	st.gpr[SK_RSI] = 0x20;
	assert_int_equal(
		RUN(&st, 64, 0x8b, 0x44, 0xf3, 0x10), 0); /* mov eax, [rbx+rsi*8+0x10] */
	assert_int_equal(st.gpr[SK_RAX], at(0x1110, 4));
	assert_int_equal(RUN(&st, 64, 0x8b, 0x43, 0x02), 0); /* mov eax, [rbx+2] */
	assert_int_equal(st.gpr[SK_RAX], at(0x1002, 4));
	assert_int_equal(RUN(&st, 64, 0x8b, 0x05, 0xfa, 0xff, 0xff, 0xff), 0); /* [rip-6] */
	assert_int_equal(st.gpr[SK_RAX], at(0x1800, 4));
	st.gpr[SK_RBX] = 0x7000001200;
	assert_int_equal(RUN(&st, 64, 0x67, 0x8b, 0x03), 0); /* mov eax, [ebx] */
	assert_int_equal(st.gpr[SK_RAX], at(0x1200, 4));
	st.seg[SK_DS].base = 0x999999; /* in long mode, only FS and GS have bases */
	st.seg[SK_GS].base = 0x1300;
	st.gpr[SK_RBX] = 4;
	assert_int_equal(RUN(&st, 64, 0x65, 0x8b, 0x03), 0); /* mov eax, gs:[rbx] */
	assert_int_equal(st.gpr[SK_RAX], at(0x1304, 4));
	st.seg[SK_DS].base = 0xfffff000; /* 32-bit addresses wrap */
	st.gpr[SK_RBX] = 0x2400;
	assert_int_equal(RUN(&st, 32, 0x8b, 0x03), 0);
	assert_int_equal(st.gpr[SK_RAX], at(0x1400, 4));
	st.seg[SK_DS].base = 0x1000;
	st.gpr[SK_RBX] = 0xfff0;
	st.gpr[SK_RDI] = 0x120;
	assert_int_equal(RUN(&st, 16, 0x8b, 0x01), 0); /* mov ax, [bx+di]: wraps at 64 KiB */
	assert_int_equal(st.gpr[SK_RAX] & 0xffff, at(0x1110, 2));
	st.seg[SK_SS].base = 0x1100;
	st.gpr[SK_RBP] = 8;
	assert_int_equal(
		RUN(&st, 16, 0x8b, 0x46, 0), 0); /* mov ax, [bp]: the stack's segment */
	assert_int_equal(st.gpr[SK_RAX] & 0xffff, at(0x1108, 2));
}

static void needs_segments(void **state)
{
	static const uint8_t plain[] = { 0x8b, 0x03 }, gs[] = { 0x65, 0x8b, 0x03 };
	struct mmio_insn in;

	(void)state;
	assert_int_equal(mmio_decode(plain, 2, 64, &in), 0);
	assert_false(mmio_needs_segments(&in));
	assert_int_equal(mmio_decode(plain, 2, 32, &in), 0);
	assert_true(mmio_needs_segments(&in));
	assert_int_equal(mmio_decode(gs, 3, 64, &in), 0);
	assert_true(mmio_needs_segments(&in));
}

/* A bit number in a register reaches beyond the operand, to both sides. */
static void bit_strings(void **state)
{
	struct sk_vcpu_state st = { 0 };

	(void)state;
	memset(bytes, 0, BYTES);
	st.gpr[SK_RBX] = 0x1400;
	st.gpr[SK_RAX] = 100;
	assert_int_equal(RUN(&st, 64, 0x0f, 0xab, 0x03), 0); /* bts [rbx], eax */
	assert_int_equal(at(0x1400 + 12, 4), 1 << 4);
	st.gpr[SK_RAX] = (uint32_t)-1;
	assert_int_equal(RUN(&st, 64, 0x0f, 0xab, 0x03), 0);
	assert_int_equal(at(0x1400 - 4, 4), 1u << 31);
	st.gpr[SK_RAX] = (uint64_t)-65;
	assert_int_equal(RUN(&st, 64, 0x48, 0x0f, 0xab, 0x03), 0); /* bts [rbx], rax */
	assert_int_equal(at(0x1400 - 16, 8), 1ull << 63);
	st.gpr[SK_RAX] = 0xffef; /* -17 in 16 bits */
	assert_int_equal(RUN(&st, 64, 0x66, 0x0f, 0xab, 0x03), 0);
	assert_int_equal(at(0x1400 - 4, 2), 0x8000);
	assert_false(st.rflags & CF);
	assert_int_equal(RUN(&st, 64, 0x66, 0x0f, 0xa3, 0x03), 0); /* bt [rbx], ax */
	assert_true(st.rflags & CF);
	st.gpr[SK_RAX] = 35;
	assert_int_equal(RUN(&st, 64, 0x0f, 0xba, 0x2b, 35), 0); /* bts [rbx], 35: within it */
	assert_int_equal(at(0x1400, 8), 8);
}

static void stack(void **state)
{
	struct sk_vcpu_state st = { .gpr = { [SK_RSP] = 0x1800, [SK_RBX] = 0x1100 } };

	(void)state;
	assert_int_equal(RUN(&st, 64, 0xff, 0x33), 0); /* push [rbx] */
	assert_int_equal(st.gpr[SK_RSP], 0x17f8);
	assert_int_equal(at(0x17f8, 8), at(0x1100, 8));
	st.gpr[SK_RBX] = 0x1200;
	assert_int_equal(RUN(&st, 64, 0x8f, 0x03), 0); /* pop [rbx] */
	assert_int_equal(st.gpr[SK_RSP], 0x1800);
	assert_int_equal(at(0x1200, 8), at(0x1100, 8));
	assert_int_equal(RUN(&st, 64, 0x6a, 0xff), 0); /* push -1 */
	assert_int_equal(at(0x17f8, 8), ~0ull);
	assert_int_equal(RUN(&st, 64, 0x54), 0); /* push rsp: as it was before */
	assert_int_equal(at(0x17f0, 8), 0x17f8);
	assert_int_equal(
		RUN(&st, 64, 0x8f, 0x44, 0x24, 0x10), 0); /* pop [rsp+16]: uses the new rsp */
	assert_int_equal(at(0x1808, 8), 0x17f8);
	assert_int_equal(RUN(&st, 64, 0x5b), 0); /* pop rbx */
	assert_int_equal(st.gpr[SK_RBX], ~0ull);
	assert_int_equal(st.gpr[SK_RSP], 0x1800);
	st.seg[SK_SS] =
		(struct sk_segment){ .base = 0x1000 }; /* a 16-bit stack under 32-bit code */
	st.gpr[SK_RSP] = 0x12340100;
	st.gpr[SK_RAX] = 0xa1b2c3d4;
	assert_int_equal(RUN(&st, 32, 0x50), 0);
	assert_int_equal(st.gpr[SK_RSP], 0x123400fc);
	assert_int_equal(at(0x10fc, 4), 0xa1b2c3d4);
	/* a step that fails changes nothing */
	st = (struct sk_vcpu_state){ .gpr = { [SK_RSP] = 0x1800, [SK_RBX] = 0x1100 } };
	refused_at = 0x17f8;
	assert_int_equal(RUN(&st, 64, 0xff, 0x33), -SK_E_RANGE);
	assert_int_equal(st.gpr[SK_RSP], 0x1800);
	refused_at = 0x1100;
	assert_int_equal(RUN(&st, 64, 0x8f, 0x03), -SK_E_RANGE);
	assert_int_equal(st.gpr[SK_RSP], 0x1800);
}

static void strings(void **state)
{
	struct sk_vcpu_state st = { 0 };
	uint64_t word;

	(void)state;
	st.gpr[SK_RDI] = 0x1100;
	st.gpr[SK_RCX] = 3;
	st.gpr[SK_RAX] = 0x5566778811223344;
	assert_int_equal(RUN(&st, 64, 0xf3, 0xab), 0); /* rep stosd */
	assert_int_equal(at(0x1108, 4), 0x11223344);
	assert_int_equal(at(0x110c, 1), (uint8_t)(0x10c * 7));
	assert_int_equal(st.gpr[SK_RDI], 0x110c);
	assert_int_equal(st.gpr[SK_RCX], 0);
	accesses = 0;
	assert_int_equal(RUN(&st, 64, 0xf3, 0xab), 0); /* zero repetitions */
	assert_int_equal(accesses, 0);
	st.gpr[SK_RSI] = 0x1100;
	st.gpr[SK_RDI] = 0x1300;
	st.gpr[SK_RCX] = 2;
	assert_int_equal(RUN(&st, 64, 0xf3, 0x48, 0xa5), 0); /* rep movsq */
	assert_int_equal(at(0x1300, 8), at(0x1100, 8));
	assert_int_equal(at(0x1308, 8), at(0x1108, 8));
	assert_int_equal(st.gpr[SK_RSI], 0x1110);
	st.rflags = 0x402; /* backwards, once */
	assert_int_equal(RUN(&st, 64, 0xa4), 0);
	assert_int_equal(at(0x1310, 1), at(0x1110, 1));
	assert_int_equal(st.gpr[SK_RSI], 0x110f);
	assert_int_equal(st.gpr[SK_RDI], 0x130f);
	st.rflags = 2;
	word = at(0x110f, 2);
	st.gpr[SK_RAX] = 0xffffffffffffffff;
	assert_int_equal(RUN(&st, 64, 0x66, 0xad), 0); /* lodsw */
	assert_int_equal(st.gpr[SK_RAX], 0xffffffffffff0000 | word);
	/*
	 * repne scasb stops after the byte that it looks for, repe cmpsb after the first
	 * difference
	 */
	memset(bytes, 0, BYTES);
	bytes[5] = 9;
	st.gpr[SK_RAX] = 9;
	st.gpr[SK_RDI] = 0x1000;
	st.gpr[SK_RCX] = 100;
	assert_int_equal(RUN(&st, 64, 0xf2, 0xae), 0);
	assert_int_equal(st.gpr[SK_RDI], 0x1006);
	assert_int_equal(st.gpr[SK_RCX], 94);
	assert_true(st.rflags & ZF);
	st.gpr[SK_RSI] = 0x1000;
	st.gpr[SK_RDI] = 0x1100;
	st.gpr[SK_RCX] = 100;
	assert_int_equal(RUN(&st, 64, 0xf3, 0xa6), 0);
	assert_int_equal(st.gpr[SK_RSI], 0x1006);
	assert_false(st.rflags & ZF);
	assert_false(st.rflags & CF); /* 9 is more than 0 */
	/*
	 * the source's segment can be overridden, the target's cannot; addresses wrap at their
	 * size
	 */
	st.seg[SK_ES].base = 0x1200;
	st.seg[SK_FS].base = 0x1000;
	st.gpr[SK_RSI] = 5;
	st.gpr[SK_RDI] = 0xabcdffff;
	bytes[5] = 0x77;
	st.seg[SK_ES].base = 0x1200 - 0xffff;
	assert_int_equal(RUN(&st, 16, 0x64, 0xa4), 0); /* movsb from fs:[si] */
	assert_int_equal(at(0x1200, 1), 0x77);
	assert_int_equal(st.gpr[SK_RDI], 0xabcd0000);
}

/*
 * A long string instruction continues when the guest executes it again; a step that failed is
 * not counted.
 */
static void strings_in_parts(void **state)
{
	struct sk_vcpu_state st = { 0 };

	(void)state;
	st.gpr[SK_RDI] = 0x1000;
	st.gpr[SK_RCX] = MMIO_REP_MAX + 10;
	assert_int_equal(RUN(&st, 64, 0xf3, 0xaa), -SK_E_AGAIN);
	assert_int_equal(st.gpr[SK_RCX], 10);
	assert_int_equal(st.gpr[SK_RDI], 0x1000 + MMIO_REP_MAX);
	assert_int_equal(RUN(&st, 64, 0xf3, 0xaa), 0);
	assert_int_equal(st.gpr[SK_RCX], 0);
	st.gpr[SK_RSI] = 0x1000;
	st.gpr[SK_RDI] = 0x1800;
	st.gpr[SK_RCX] = 8;
	refused_at = 0x1803;
	assert_int_equal(RUN(&st, 64, 0xf3, 0xa4), -SK_E_RANGE);
	assert_int_equal(st.gpr[SK_RCX], 5);
	assert_int_equal(st.gpr[SK_RSI], 0x1003);
	assert_int_equal(st.gpr[SK_RDI], 0x1803);
}

/* Nothing is changed when an access fails. */
static void failing_accesses(void **state)
{
	static const struct {
		uint8_t code[4], n;
	} insn[] = { { { 0x8b, 0x03 }, 2 }, { { 0x87, 0x03 }, 2 }, { { 0x01, 0x03 }, 2 },
		{ { 0x0f, 0xb1, 0x0b }, 3 }, { { 0x0f, 0xc1, 0x03 }, 3 },
		{ { 0x0f, 0xba, 0x2b, 1 }, 4 }, { { 0x0f, 0x44, 0x03 }, 3 },
		{ { 0xff, 0x03 }, 2 }, { { 0x3b, 0x03 }, 2 } };
	size_t i;

	(void)state;
	refused_at = 0x1100;
	for (i = 0; i < sizeof(insn) / sizeof(insn[0]); i++) {
		struct sk_vcpu_state st = { .rflags = 0x202, .gpr = { 1, 2, 3, 0x1100 } },
				     old = st;

		assert_int_equal(run(&st, 64, insn[i].code, insn[i].n), -SK_E_RANGE);
		assert_memory_equal(&st, &old, sizeof(st));
	}
}

static void moves_to_control_registers(void **state)
{
	static const uint8_t rbx[] = { 0x0f, 0x22, 0xe3 }, r9[] = { 0x41, 0x0f, 0x22, 0xe1 },
			     from[] = { 0x0f, 0x20, 0xe3 }, mov[] = { 0x89, 0xc1 };
	uint8_t cr, gpr;

	(void)state;
	assert_int_equal(insn_mov_to_cr(rbx, 3, 32, &cr, &gpr), 3);
	assert_int_equal(cr, 4);
	assert_int_equal(gpr, SK_RBX);
	assert_int_equal(insn_mov_to_cr(r9, 4, 64, &cr, &gpr), 4);
	assert_int_equal(gpr, SK_R9);
	assert_int_equal(insn_mov_to_cr(r9, 3, 64, &cr, &gpr), -SK_E_AGAIN);
	assert_int_equal(insn_mov_to_cr(from, 3, 64, &cr, &gpr), -SK_E_INVAL);
	assert_int_equal(insn_mov_to_cr(mov, 2, 64, &cr, &gpr), -SK_E_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(forms),
		cmocka_unit_test(other_registers),
		cmocka_unit_test(refused),
		cmocka_unit_test(lengths),
		cmocka_unit_test(arithmetic_as_the_processor),
		cmocka_unit_test(conditions_as_the_processor),
		cmocka_unit_test_setup(addresses, window_setup),
		cmocka_unit_test(needs_segments),
		cmocka_unit_test_setup(bit_strings, window_setup),
		cmocka_unit_test_setup(stack, window_setup),
		cmocka_unit_test_setup(strings, window_setup),
		cmocka_unit_test_setup(strings_in_parts, window_setup),
		cmocka_unit_test_setup(failing_accesses, window_setup),
		cmocka_unit_test(moves_to_control_registers),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
