/*
 * mmio.c - emulation of the instructions with which kernels access the local APIC's page and empty addresses
 *
 * Objects     none: pure functions over code bytes and the state page.
 * Invariants  M1 an instruction that is not understood whole changes nothing
 *             M2 exactly the memory accesses of the instruction: one read, one write, or a read and a write
 */
#include "mmio.h"

#include <Zydis/Zydis.h>

enum { FL_CF = 1, FL_PF = 4, FL_AF = 0x10, FL_ZF = 0x40, FL_SF = 0x80, FL_OF = 0x800 };
#define CR0_PE 1ull
#define EFER_LMA 0x400ull
enum { ATTR_L = 1 << 9, ATTR_D = 1 << 10 };

unsigned insn_mode(const struct sk_vcpu_state *st)
{
	if (!(st->cr0 & CR0_PE))
		return 16;
	if (st->efer & EFER_LMA && st->seg[SK_CS].attr & ATTR_L)
		return 64;
	return st->seg[SK_CS].attr & ATTR_D ? 32 : 16;
}

static int decode(const uint8_t *code, size_t len, unsigned mode, ZydisDecodedInstruction *in,
	ZydisDecodedOperand *op)
{
	ZydisDecoder d;
	ZyanStatus s;

	if (mode == 64)
		s = ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LONG_64, ZYDIS_STACK_WIDTH_64);
	else if (mode == 32)
		s = ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LEGACY_32, ZYDIS_STACK_WIDTH_32);
	else
		s = ZydisDecoderInit(&d, ZYDIS_MACHINE_MODE_LEGACY_16, ZYDIS_STACK_WIDTH_16);
	if (ZYAN_FAILED(s))
		return -SK_E_INVAL;
	s = ZydisDecoderDecodeFull(&d, code, len, in, op);
	if (s == ZYDIS_STATUS_NO_MORE_DATA)
		return -SK_E_AGAIN;
	return ZYAN_SUCCESS(s) ? 0 : -SK_E_INVAL;
}

int insn_length(const uint8_t *code, size_t len, unsigned mode)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	int rc = decode(code, len, mode, &in, op);

	return rc ? rc : in.length;
}

static bool kind_of(ZydisMnemonic m, struct mmio_insn *out)
{
	static const struct {
		ZydisMnemonic m;
		enum mmio_kind kind;
		bool sign;
	} kinds[] = {
		{ ZYDIS_MNEMONIC_MOV, MMIO_MOV, false },
		{ ZYDIS_MNEMONIC_MOVZX, MMIO_MOV, false },
		{ ZYDIS_MNEMONIC_MOVSX, MMIO_MOV, true },
		{ ZYDIS_MNEMONIC_MOVSXD, MMIO_MOV, true },
		{ ZYDIS_MNEMONIC_XCHG, MMIO_XCHG, false },
		{ ZYDIS_MNEMONIC_AND, MMIO_AND, false },
		{ ZYDIS_MNEMONIC_OR, MMIO_OR, false },
		{ ZYDIS_MNEMONIC_XOR, MMIO_XOR, false },
		{ ZYDIS_MNEMONIC_ADD, MMIO_ADD, false },
		{ ZYDIS_MNEMONIC_SUB, MMIO_SUB, false },
		{ ZYDIS_MNEMONIC_CMP, MMIO_CMP, false },
		{ ZYDIS_MNEMONIC_TEST, MMIO_TEST, false },
	};
	size_t i;

	for (i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++)
		if (kinds[i].m == m) {
			out->kind = kinds[i].kind;
			out->sign = kinds[i].sign;
			return true;
		}
	return false;
}

static bool reg_of(ZydisRegister r, struct mmio_insn *out)
{
	ZydisRegisterClass c = ZydisRegisterGetClass(r);

	out->reg_high = r >= ZYDIS_REGISTER_AH && r <= ZYDIS_REGISTER_BH;
	if (out->reg_high) {
		out->reg = (uint8_t)(r - ZYDIS_REGISTER_AH);
		out->reg_size = 1;
		return true;
	}
	switch (c) {
	case ZYDIS_REGCLASS_GPR8: /* the low bytes with AH to BH in their midst */
		out->reg = (uint8_t)(r - (r > ZYDIS_REGISTER_BH ? ZYDIS_REGISTER_SPL - 4
								: ZYDIS_REGISTER_AL));
		out->reg_size = 1;
		return true;
	case ZYDIS_REGCLASS_GPR16:
		out->reg = (uint8_t)(r - ZYDIS_REGISTER_AX);
		out->reg_size = 2;
		return true;
	case ZYDIS_REGCLASS_GPR32:
		out->reg = (uint8_t)(r - ZYDIS_REGISTER_EAX);
		out->reg_size = 4;
		return true;
	case ZYDIS_REGCLASS_GPR64:
		out->reg = (uint8_t)(r - ZYDIS_REGISTER_RAX);
		out->reg_size = 8;
		return true;
	default:
		return false;
	}
}

int mmio_decode(const uint8_t *code, size_t len, unsigned mode, struct mmio_insn *out)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	const ZydisDecodedOperand *mem, *other;
	int rc = decode(code, len, mode, &in, op);

	if (rc)
		return rc;
	*out = (struct mmio_insn){ .length = in.length };
	if (in.operand_count_visible != 2 || !kind_of(in.mnemonic, out))
		return -SK_E_INVAL;
	out->mem_dest = op[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
	mem = &op[out->mem_dest ? 0 : 1];
	other = &op[out->mem_dest ? 1 : 0];
	if (mem->type != ZYDIS_OPERAND_TYPE_MEMORY)
		return -SK_E_INVAL;
	if (mem->size != 8 && mem->size != 16 && mem->size != 32 && mem->size != 64)
		return -SK_E_INVAL;
	out->size = (uint8_t)(mem->size / 8);
	if (other->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		out->has_imm = true;
		out->imm = other->imm.value.u;
		return 0;
	}
	return other->type == ZYDIS_OPERAND_TYPE_REGISTER && reg_of(other->reg.value, out)
		       ? 0
		       : -SK_E_INVAL;
}

/* ---- execution ----------------------------------------------------------------------------------- */

static uint64_t mask_of(uint8_t size)
{
	return size == 8 ? UINT64_MAX : (1ull << size * 8) - 1;
}

static uint64_t reg_get(const struct mmio_insn *in, const struct sk_vcpu_state *st)
{
	return (st->gpr[in->reg] >> (in->reg_high ? 8 : 0)) & mask_of(in->reg_size);
}

static void reg_set(const struct mmio_insn *in, struct sk_vcpu_state *st, uint64_t v)
{
	uint64_t *r = &st->gpr[in->reg], mask = mask_of(in->reg_size);
	unsigned shift = in->reg_high ? 8 : 0;

	if (in->reg_size >= 4)
		*r = v & mask; /* 32-bit results clear the upper half */
	else
		*r = (*r & ~(mask << shift)) | (v & mask) << shift;
}

static uint64_t extend(uint64_t v, uint8_t size, bool sign)
{
	uint64_t top = 1ull << (size * 8 - 1);

	v &= mask_of(size);
	return sign ? (v ^ top) - top : v;
}

/* Result of an ALU operation, with flags as the processor sets them. */
static uint64_t alu(enum mmio_kind kind, uint64_t a, uint64_t b, uint8_t size, uint64_t *rflags)
{
	uint64_t mask = mask_of(size), top = 1ull << (size * 8 - 1), r, f = 0;

	a &= mask;
	b &= mask;
	switch (kind) {
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
	case MMIO_ADD:
		r = (a + b) & mask;
		f |= (r < a ? FL_CF : 0) | (~(a ^ b) & (a ^ r) & top ? FL_OF : 0) |
		     ((a ^ b ^ r) & FL_AF);
		break;
	default:
		r = (a - b) & mask;
		f |= (a < b ? FL_CF : 0) | ((a ^ b) & (a ^ r) & top ? FL_OF : 0) |
		     ((a ^ b ^ r) & FL_AF);
		break;
	}
	f |= (r ? 0 : FL_ZF) | (r & top ? FL_SF : 0) |
	     (__builtin_parity((unsigned)(r & 0xff)) ? 0 : FL_PF);
	*rflags = (*rflags & ~(uint64_t)(FL_CF | FL_PF | FL_AF | FL_ZF | FL_SF | FL_OF)) | f;
	return r;
}

static void alu_execute(
	const struct mmio_insn *in, struct sk_vcpu_state *st, const struct mmio_bus *bus)
{
	uint64_t mem = bus->read(bus->ctx, in->size),
		 other = in->has_imm ? in->imm : reg_get(in, st), r;
	bool keeps = in->kind == MMIO_CMP || in->kind == MMIO_TEST;

	r = in->mem_dest ? alu(in->kind, mem, other, in->size, &st->rflags)
			 : alu(in->kind, other, mem, in->size, &st->rflags);
	if (keeps)
		return;
	if (in->mem_dest)
		bus->write(bus->ctx, r, in->size);
	else
		reg_set(in, st, r);
}

void mmio_execute(
	const struct mmio_insn *in, struct sk_vcpu_state *st, const struct mmio_bus *bus)
{
	uint64_t v;

	switch (in->kind) {
	case MMIO_MOV:
		if (in->mem_dest)
			bus->write(bus->ctx,
				(in->has_imm ? in->imm : reg_get(in, st)) & mask_of(in->size),
				in->size);
		else
			reg_set(in, st,
				extend(bus->read(bus->ctx, in->size), in->size, in->sign));
		break;
	case MMIO_XCHG:
		v = bus->read(bus->ctx, in->size);
		bus->write(bus->ctx, reg_get(in, st), in->size);
		reg_set(in, st, v);
		break;
	default:
		alu_execute(in, st, bus);
	}
}
