/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio.c - execute instructions on the state page
 *
 * These are the instructions with which kernels touch the local APIC's page and unbacked
 * addresses. Pure functions over the decoded instruction, the state page, and a bus for memory.
 *
 * Invariants  MMIO1 registers and flags change only after all memory accesses of the
 *                   instruction (of a string: of its step) have succeeded
 *             MMIO2 the memory accesses are exactly those of the instruction, reads before
 *                   writes
 */
#include "machine/mmio.h"

enum {
	FL_CF = 1,
	FL_PF = 4,
	FL_AF = 0x10,
	FL_ZF = 0x40,
	FL_SF = 0x80,
	FL_DF = 0x400,
	FL_OF = 0x800
};
enum { ATTR_D = 1 << 10 };

static uint64_t mask_of(uint8_t size)
{
	return size == 8 ? UINT64_MAX : (1ull << size * 8) - 1;
}

/* ---- registers --------------------------------------------------------------------------- */

static uint64_t reg_get(const struct mmio_insn *in, const struct sk_vcpu_state *st)
{
	return (st->gpr[in->reg] >> (in->reg_high ? 8 : 0)) & mask_of(in->reg_size);
}

/*
 * Write the low `size` bytes of a register as an instruction does: a 32-bit result clears the
 * upper half.
 */
static void low_set(uint64_t *r, uint64_t v, uint8_t size)
{
	uint64_t mask = mask_of(size);

	*r = size >= 4 ? v & mask : (*r & ~mask) | (v & mask);
}

static void reg_set(const struct mmio_insn *in, struct sk_vcpu_state *st, uint64_t v)
{
	uint64_t *r = &st->gpr[in->reg];

	if (in->reg_high)
		*r = (*r & ~0xff00ull) | (v & 0xff) << 8;
	else
		low_set(r, v, in->reg_size);
}

static uint64_t other_get(const struct mmio_insn *in, const struct sk_vcpu_state *st)
{
	return in->other == MMIO_IMM ? in->imm : reg_get(in, st);
}

static uint64_t sign_extend(uint64_t v, uint8_t size)
{
	uint64_t top = 1ull << (size * 8 - 1);

	v &= mask_of(size);
	return (v ^ top) - top;
}

/* ---- addresses --------------------------------------------------------------------------- */

bool mmio_needs_segments(const struct mmio_insn *in)
{
	return in->mode != 64 || in->seg == SK_FS || in->seg == SK_GS;
}

static uint64_t linear_of(const struct mmio_insn *in, const struct sk_vcpu_state *st,
	uint8_t seg, uint64_t offset)
{
	if (in->mode != 64)
		return (uint32_t)(st->seg[seg].base + offset);
	return seg == SK_FS || seg == SK_GS ? st->seg[seg].base + offset : offset;
}

static uint64_t operand_address(const struct mmio_insn *in, const struct sk_vcpu_state *st)
{
	uint64_t at = in->displacement;

	if (in->base >= 0)
		at += st->gpr[in->base];
	if (in->index >= 0)
		at += st->gpr[in->index] * in->scale;
	if (in->rip_relative)
		at += st->rip + in->length;
	return at & mask_of(in->addr_size);
}

/* ---- flags ------------------------------------------------------------------------------- */

static void flags_set(uint64_t *rflags, uint64_t which, uint64_t f)
{
	*rflags = (*rflags & ~which) | (f & which);
}

static uint64_t result_flags(uint64_t r, uint8_t size)
{
	uint64_t top = 1ull << (size * 8 - 1);

	return (r ? 0 : FL_ZF) | (r & top ? FL_SF : 0) |
	       (__builtin_parity((unsigned int)(r & 0xff)) ? 0 : FL_PF);
}

static uint64_t add(uint64_t a, uint64_t b, bool carry, uint8_t size, uint64_t *f)
{
	uint64_t mask = mask_of(size), top = 1ull << (size * 8 - 1), r = (a + b + carry) & mask;

	*f = (r < a || (carry && r == a) ? FL_CF : 0) | (~(a ^ b) & (a ^ r) & top ? FL_OF : 0) |
	     ((a ^ b ^ r) & FL_AF);
	return r;
}

static uint64_t subtract(uint64_t a, uint64_t b, bool borrow, uint8_t size, uint64_t *f)
{
	uint64_t mask = mask_of(size), top = 1ull << (size * 8 - 1),
		 r = (a - b - borrow) & mask;

	*f = (a < b || (borrow && a == b) ? FL_CF : 0) | ((a ^ b) & (a ^ r) & top ? FL_OF : 0) |
	     ((a ^ b ^ r) & FL_AF);
	return r;
}

/*
 * The result of an operation on a and b (INC to NEG: on a), with flags as the processor sets
 * them.
 */
static uint64_t alu(enum mmio_kind kind, uint64_t a, uint64_t b, uint8_t size, uint64_t *rflags)
{
	uint64_t which = FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF | FL_OF, f = 0, r;
	bool carry = *rflags & FL_CF;

	a &= mask_of(size);
	b &= mask_of(size);
	switch (kind) {
	case MMIO_NOT:
		return ~a & mask_of(size);
	case MMIO_AND:
	case MMIO_TEST:
		r = a & b;
		break;
	case MMIO_OR:
		r = a | b;
		break;
	case MMIO_XOR:
		r = a ^ b;
		break;
	case MMIO_INC:
		r = add(a, 1, false, size, &f);
		which &= ~(uint64_t)FL_CF;
		break;
	case MMIO_DEC:
		r = subtract(a, 1, false, size, &f);
		which &= ~(uint64_t)FL_CF;
		break;
	case MMIO_NEG:
		r = subtract(0, a, false, size, &f);
		break;
	case MMIO_ADD:
	case MMIO_XADD:
		r = add(a, b, false, size, &f);
		break;
	case MMIO_ADC:
		r = add(a, b, carry, size, &f);
		break;
	case MMIO_SBB:
		r = subtract(a, b, carry, size, &f);
		break;
	default:
		r = subtract(a, b, false, size, &f);
		break;
	}
	flags_set(rflags, which, f | result_flags(r, size));
	return r;
}

/*
 * Conditions come in pairs: the odd one is the opposite of the even one (SDM vol. 2, appendix
 * B).
 */
static bool condition(uint8_t cond, uint64_t f)
{
	static const uint16_t flags[] = { FL_OF, FL_CF, FL_ZF, FL_CF | FL_ZF, FL_SF, FL_PF, 0,
		FL_ZF };
	bool less = !(f & FL_SF) != !(f & FL_OF), is = f & flags[cond >> 1];

	if (cond >> 1 >= 6) /* less, less or equal */
		is = is || less;
	return is != (cond & 1);
}

/* ---- one memory operand ------------------------------------------------------------------ */

static int bits_execute(const struct mmio_insn *in, struct sk_vcpu_state *st,
	const struct mmio_bus *bus, uint64_t offset)
{
	uint64_t number = other_get(in, st), mem, bit;
	unsigned int width = in->size * 8;
	int rc;

	if (in->other == MMIO_REG) /* a bit number reaches beyond the operand */
		offset += (uint64_t)((int64_t)sign_extend(number, in->reg_size) >>
				     __builtin_ctz(width)) *
			  in->size;
	offset = linear_of(in, st, in->seg, offset & mask_of(in->addr_size));
	rc = bus->read(bus->ctx, offset, &mem, in->size);
	if (rc)
		return rc;
	bit = 1ull << (number & (width - 1));
	if (in->kind != MMIO_BT)
		rc = bus->write(bus->ctx, offset,
			in->kind == MMIO_BTS   ? mem | bit
			: in->kind == MMIO_BTR ? mem & ~bit
					       : mem ^ bit,
			in->size);
	if (!rc)
		flags_set(&st->rflags, FL_CF, mem & bit ? FL_CF : 0);
	return rc;
}

static int alu_execute(const struct mmio_insn *in, struct sk_vcpu_state *st,
	const struct mmio_bus *bus, uint64_t at)
{
	uint64_t mem, other = in->other == MMIO_NONE ? 0 : other_get(in, st), r,
		      flags = st->rflags;
	int rc = bus->read(bus->ctx, at, &mem, in->size);

	if (rc)
		return rc;
	r = in->mem_dest ? alu(in->kind, mem, other, in->size, &flags)
			 : alu(in->kind, other, mem, in->size, &flags);
	if (in->kind != MMIO_CMP && in->kind != MMIO_TEST) {
		if (in->mem_dest)
			rc = bus->write(bus->ctx, at, r, in->size);
		else
			reg_set(in, st, r);
	}
	if (rc)
		return rc;
	st->rflags = flags;
	if (in->kind == MMIO_XADD)
		reg_set(in, st, mem);
	return 0;
}

static int move_execute(const struct mmio_insn *in, struct sk_vcpu_state *st,
	const struct mmio_bus *bus, uint64_t at)
{
	uint64_t mem;
	int rc;

	if (in->mem_dest)
		return bus->write(
			bus->ctx, at, other_get(in, st) & mask_of(in->size), in->size);
	rc = bus->read(bus->ctx, at, &mem, in->size);
	if (!rc)
		reg_set(in, st,
			in->sign ? sign_extend(mem, in->size) : mem & mask_of(in->size));
	return rc;
}

static int exchange_execute(const struct mmio_insn *in, struct sk_vcpu_state *st,
	const struct mmio_bus *bus, uint64_t at)
{
	uint64_t mem, flags = st->rflags;
	bool same = true;
	int rc = bus->read(bus->ctx, at, &mem, in->size);

	if (rc)
		return rc;
	if (in->kind == MMIO_CMPXCHG)
		same = !alu(MMIO_CMP, st->gpr[SK_RAX], mem, in->size, &flags);
	rc = bus->write(bus->ctx, at, same ? reg_get(in, st) : mem, in->size);
	if (rc)
		return rc;
	st->rflags = flags;
	if (in->kind == MMIO_XCHG)
		reg_set(in, st, mem);
	else if (!same)
		low_set(&st->gpr[SK_RAX], mem, in->size);
	return 0;
}

static int condition_execute(const struct mmio_insn *in, struct sk_vcpu_state *st,
	const struct mmio_bus *bus, uint64_t at)
{
	bool is = condition(in->cond, st->rflags);
	uint64_t mem;
	int rc;

	if (in->kind == MMIO_SETCC)
		return bus->write(bus->ctx, at, is, in->size);
	rc = bus->read(bus->ctx, at, &mem, in->size);
	if (!rc) /* a 32-bit form clears the upper half even if nothing is moved */
		reg_set(in, st, is ? mem : reg_get(in, st));
	return rc;
}

/* ---- stack ------------------------------------------------------------------------------- */

static uint8_t stack_size(const struct mmio_insn *in, const struct sk_vcpu_state *st)
{
	return in->mode == 64 ? 8 : st->seg[SK_SS].attr & ATTR_D ? 4 : 2;
}

static int push_execute(
	const struct mmio_insn *in, struct sk_vcpu_state *st, const struct mmio_bus *bus)
{
	uint8_t wide = stack_size(in, st);
	uint64_t value, top = (st->gpr[SK_RSP] - in->size) & mask_of(wide);
	int rc = 0;

	if (in->has_mem)
		rc = bus->read(bus->ctx, linear_of(in, st, in->seg, operand_address(in, st)),
			&value, in->size);
	else
		value = other_get(in, st);
	if (!rc)
		rc = bus->write(bus->ctx, linear_of(in, st, SK_SS, top),
			value & mask_of(in->size), in->size);
	if (!rc)
		low_set(&st->gpr[SK_RSP], top, wide);
	return rc;
}

/*
 * The address of POP's operand is computed with the stack pointer after the POP (SDM vol. 2).
 */
static int pop_execute(
	const struct mmio_insn *in, struct sk_vcpu_state *st, const struct mmio_bus *bus)
{
	uint8_t wide = stack_size(in, st);
	uint64_t value, old = st->gpr[SK_RSP];
	int rc = bus->read(
		bus->ctx, linear_of(in, st, SK_SS, old & mask_of(wide)), &value, in->size);

	if (rc)
		return rc;
	low_set(&st->gpr[SK_RSP], old + in->size, wide);
	if (in->has_mem)
		rc = bus->write(bus->ctx, linear_of(in, st, in->seg, operand_address(in, st)),
			value, in->size);
	else
		reg_set(in, st, value);
	if (rc)
		st->gpr[SK_RSP] = old; /* MMIO1 */
	return rc;
}

/* ---- strings ----------------------------------------------------------------------------- */

static bool reads_source(enum mmio_kind k)
{
	return k == MMIO_MOVS || k == MMIO_LODS || k == MMIO_CMPS;
}

/* One step, except for the counter. */
static int string_step(
	const struct mmio_insn *in, struct sk_vcpu_state *st, const struct mmio_bus *bus)
{
	uint64_t mask = mask_of(in->addr_size), si = st->gpr[SK_RSI], di = st->gpr[SK_RDI],
		 by = st->rflags & FL_DF ? -(uint64_t)in->size : in->size;
	uint64_t to = linear_of(in, st, SK_ES, di & mask), source = st->gpr[SK_RAX], target;
	int rc = 0;

	if (reads_source(in->kind))
		rc = bus->read(
			bus->ctx, linear_of(in, st, in->seg, si & mask), &source, in->size);
	if (rc)
		return rc;
	if (in->kind == MMIO_MOVS || in->kind == MMIO_STOS)
		rc = bus->write(bus->ctx, to, source & mask_of(in->size), in->size);
	else if (in->kind == MMIO_SCAS || in->kind == MMIO_CMPS)
		rc = bus->read(bus->ctx, to, &target, in->size);
	if (rc)
		return rc;
	if (in->kind == MMIO_SCAS || in->kind == MMIO_CMPS)
		(void)alu(MMIO_CMP, source, target, in->size, &st->rflags);
	if (in->kind == MMIO_LODS)
		low_set(&st->gpr[SK_RAX], source, in->size);
	if (reads_source(in->kind))
		low_set(&st->gpr[SK_RSI], si + by, in->addr_size);
	if (in->kind != MMIO_LODS)
		low_set(&st->gpr[SK_RDI], di + by, in->addr_size);
	return 0;
}

static bool string_ends(const struct mmio_insn *in, const struct sk_vcpu_state *st)
{
	bool compares = in->kind == MMIO_SCAS || in->kind == MMIO_CMPS,
	     equal = st->rflags & FL_ZF;

	return !(st->gpr[SK_RCX] & mask_of(in->addr_size)) ||
	       (compares && equal != (in->rep == MMIO_REPE));
}

static int string_execute(
	const struct mmio_insn *in, struct sk_vcpu_state *st, const struct mmio_bus *bus)
{
	int rc;

	if (in->rep == MMIO_ONCE)
		return string_step(in, st, bus);
	if (!(st->gpr[SK_RCX] & mask_of(in->addr_size)))
		return 0;
	for (unsigned int n = 0; n < MMIO_REP_MAX; n++) {
		rc = string_step(in, st, bus);
		if (rc)
			return rc;
		low_set(&st->gpr[SK_RCX], st->gpr[SK_RCX] - 1, in->addr_size);
		if (string_ends(in, st))
			return 0;
	}
	return -SK_E_AGAIN;
}

int mmio_execute(
	const struct mmio_insn *in, struct sk_vcpu_state *st, const struct mmio_bus *bus)
{
	uint64_t offset = operand_address(in, st), at = linear_of(in, st, in->seg, offset);

	switch (in->kind) {
	case MMIO_MOV:
		return move_execute(in, st, bus, at);
	case MMIO_XCHG:
	case MMIO_CMPXCHG:
		return exchange_execute(in, st, bus, at);
	case MMIO_BT:
	case MMIO_BTS:
	case MMIO_BTR:
	case MMIO_BTC:
		return bits_execute(in, st, bus, offset);
	case MMIO_CMOV:
	case MMIO_SETCC:
		return condition_execute(in, st, bus, at);
	case MMIO_PUSH:
		return push_execute(in, st, bus);
	case MMIO_POP:
		return pop_execute(in, st, bus);
	case MMIO_MOVS:
	case MMIO_STOS:
	case MMIO_LODS:
	case MMIO_SCAS:
	case MMIO_CMPS:
		return string_execute(in, st, bus);
	default:
		return alu_execute(in, st, bus, at);
	}
}
