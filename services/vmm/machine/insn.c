/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * insn.c - decode guest code to struct mmio_insn, with Zydis
 *
 * Pure functions over code bytes.
 *
 * Invariants  INSN1 a decoded instruction can be executed completely: an instruction with an
 *                   unknown operand is refused
 */
#include "machine/insn.h"

#include <Zydis/Zydis.h>

#include "base/array.h"

#define CR0_PE 1ull
#define EFER_LMA 0x400ull
enum {
	ATTR_L = 1 << 9,
	ATTR_D = 1 << 10,
};

unsigned int insn_mode(const struct sk_vcpu_state *st)
{
	if (!(st->cr0 & CR0_PE))
		return 16;
	if (insn_long_mode(st))
		return 64;
	return st->seg[SK_CS].attr & ATTR_D ? 32 : 16;
}

static int decode(const uint8_t *code, size_t len, unsigned int mode,
	ZydisDecodedInstruction *in, ZydisDecodedOperand *op)
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

int insn_length(const uint8_t *code, size_t len, unsigned int mode)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	int rc = decode(code, len, mode, &in, op);

	return rc ? rc : in.length;
}

/* ---- which instruction ------------------------------------------------------------------- */

struct kind_row {
	ZydisMnemonic m;
	enum mmio_kind kind;
	uint8_t detail; /* sign, condition, or size of a string's element */
};

static const struct kind_row kinds[] = {
	{ ZYDIS_MNEMONIC_MOV, MMIO_MOV, 0 },
	{ ZYDIS_MNEMONIC_MOVNTI, MMIO_MOV, 0 },
	{ ZYDIS_MNEMONIC_MOVZX, MMIO_MOV, 0 },
	{ ZYDIS_MNEMONIC_MOVSX, MMIO_MOV, 1 },
	{ ZYDIS_MNEMONIC_MOVSXD, MMIO_MOV, 1 },
	{ ZYDIS_MNEMONIC_XCHG, MMIO_XCHG, 0 },
	{ ZYDIS_MNEMONIC_AND, MMIO_AND, 0 },
	{ ZYDIS_MNEMONIC_OR, MMIO_OR, 0 },
	{ ZYDIS_MNEMONIC_XOR, MMIO_XOR, 0 },
	{ ZYDIS_MNEMONIC_ADD, MMIO_ADD, 0 },
	{ ZYDIS_MNEMONIC_ADC, MMIO_ADC, 0 },
	{ ZYDIS_MNEMONIC_SUB, MMIO_SUB, 0 },
	{ ZYDIS_MNEMONIC_SBB, MMIO_SBB, 0 },
	{ ZYDIS_MNEMONIC_CMP, MMIO_CMP, 0 },
	{ ZYDIS_MNEMONIC_TEST, MMIO_TEST, 0 },
	{ ZYDIS_MNEMONIC_INC, MMIO_INC, 0 },
	{ ZYDIS_MNEMONIC_DEC, MMIO_DEC, 0 },
	{ ZYDIS_MNEMONIC_NOT, MMIO_NOT, 0 },
	{ ZYDIS_MNEMONIC_NEG, MMIO_NEG, 0 },
	{ ZYDIS_MNEMONIC_BT, MMIO_BT, 0 },
	{ ZYDIS_MNEMONIC_BTS, MMIO_BTS, 0 },
	{ ZYDIS_MNEMONIC_BTR, MMIO_BTR, 0 },
	{ ZYDIS_MNEMONIC_BTC, MMIO_BTC, 0 },
	{ ZYDIS_MNEMONIC_XADD, MMIO_XADD, 0 },
	{ ZYDIS_MNEMONIC_CMPXCHG, MMIO_CMPXCHG, 0 },
	{ ZYDIS_MNEMONIC_PUSH, MMIO_PUSH, 0 },
	{ ZYDIS_MNEMONIC_POP, MMIO_POP, 0 },
};

static const struct kind_row strings[] = {
	{ ZYDIS_MNEMONIC_MOVSB, MMIO_MOVS, 1 },
	{ ZYDIS_MNEMONIC_MOVSW, MMIO_MOVS, 2 },
	{ ZYDIS_MNEMONIC_MOVSD, MMIO_MOVS, 4 },
	{ ZYDIS_MNEMONIC_MOVSQ, MMIO_MOVS, 8 },
	{ ZYDIS_MNEMONIC_STOSB, MMIO_STOS, 1 },
	{ ZYDIS_MNEMONIC_STOSW, MMIO_STOS, 2 },
	{ ZYDIS_MNEMONIC_STOSD, MMIO_STOS, 4 },
	{ ZYDIS_MNEMONIC_STOSQ, MMIO_STOS, 8 },
	{ ZYDIS_MNEMONIC_LODSB, MMIO_LODS, 1 },
	{ ZYDIS_MNEMONIC_LODSW, MMIO_LODS, 2 },
	{ ZYDIS_MNEMONIC_LODSD, MMIO_LODS, 4 },
	{ ZYDIS_MNEMONIC_LODSQ, MMIO_LODS, 8 },
	{ ZYDIS_MNEMONIC_SCASB, MMIO_SCAS, 1 },
	{ ZYDIS_MNEMONIC_SCASW, MMIO_SCAS, 2 },
	{ ZYDIS_MNEMONIC_SCASD, MMIO_SCAS, 4 },
	{ ZYDIS_MNEMONIC_SCASQ, MMIO_SCAS, 8 },
	{ ZYDIS_MNEMONIC_CMPSB, MMIO_CMPS, 1 },
	{ ZYDIS_MNEMONIC_CMPSW, MMIO_CMPS, 2 },
	{ ZYDIS_MNEMONIC_CMPSD, MMIO_CMPS, 4 },
	{ ZYDIS_MNEMONIC_CMPSQ, MMIO_CMPS, 8 },
};

static const struct kind_row *row_find(const struct kind_row *rows, size_t n, ZydisMnemonic m)
{
	for (size_t i = 0; i < n; i++)
		if (rows[i].m == m)
			return &rows[i];
	return NULL;
}

static bool kind_of(const ZydisDecodedInstruction *in, struct mmio_insn *out)
{
	const struct kind_row *row;

	if (in->meta.category == ZYDIS_CATEGORY_CMOV ||
		in->meta.category == ZYDIS_CATEGORY_SETCC) {
		out->kind = in->meta.category == ZYDIS_CATEGORY_CMOV ? MMIO_CMOV : MMIO_SETCC;
		out->cond = in->opcode & 15;
		/* the legacy instructions, 0F 40 to 4F and 0F 90 to 9F */
		return in->encoding == ZYDIS_INSTRUCTION_ENCODING_LEGACY &&
		       in->opcode_map == ZYDIS_OPCODE_MAP_0F;
	}
	row = row_find(kinds, ARRAY_SIZE(kinds), in->mnemonic);
	if (!row)
		return false;
	out->kind = row->kind;
	out->sign = row->detail;
	return true;
}

/* ---- operands ---------------------------------------------------------------------------- */

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
	case ZYDIS_REGCLASS_GPR8: /* the low bytes, with AH to BH between them */
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

/*
 * Translate a register of an address. False if it is one that is not supported in addresses
 * (vectors, EIP).
 */
static bool address_reg(ZydisRegister r, int8_t *out)
{
	struct mmio_insn in;

	*out = -1;
	if (r == ZYDIS_REGISTER_NONE)
		return true;
	if (!reg_of(r, &in) || in.reg_size == 1)
		return false;
	*out = (int8_t)in.reg;
	return true;
}

static bool segment_of(ZydisRegister r, uint8_t *out)
{
	static const struct {
		ZydisRegister r;
		uint8_t seg;
	} segments[] = { { ZYDIS_REGISTER_ES, SK_ES }, { ZYDIS_REGISTER_CS, SK_CS },
		{ ZYDIS_REGISTER_SS, SK_SS }, { ZYDIS_REGISTER_DS, SK_DS },
		{ ZYDIS_REGISTER_FS, SK_FS }, { ZYDIS_REGISTER_GS, SK_GS } };

	for (size_t i = 0; i < ARRAY_SIZE(segments); i++)
		if (segments[i].r == r) {
			*out = segments[i].seg;
			return true;
		}
	return false;
}

static bool mem_of(const ZydisDecodedOperand *op, struct mmio_insn *out)
{
	const ZydisDecodedOperandMem *m = &op->mem;

	if (m->type != ZYDIS_MEMOP_TYPE_MEM || !segment_of(m->segment, &out->seg))
		return false;
	if (op->size != 8 && op->size != 16 && op->size != 32 && op->size != 64)
		return false;
	out->has_mem = true;
	out->size = (uint8_t)(op->size / 8);
	out->scale = m->scale ? m->scale : 1;
	out->displacement = (uint64_t)m->disp.value;
	out->rip_relative = m->base == ZYDIS_REGISTER_RIP || m->base == ZYDIS_REGISTER_EIP;
	return address_reg(out->rip_relative ? ZYDIS_REGISTER_NONE : m->base, &out->base) &&
	       address_reg(m->index, &out->index);
}

static bool other_of(const ZydisDecodedOperand *op, struct mmio_insn *out)
{
	if (op->type == ZYDIS_OPERAND_TYPE_IMMEDIATE) {
		out->other = MMIO_IMM;
		out->imm = op->imm.value.u;
		return true;
	}
	out->other = MMIO_REG;
	return op->type == ZYDIS_OPERAND_TYPE_REGISTER && reg_of(op->reg.value, out);
}

static bool takes_one(enum mmio_kind k)
{
	return k == MMIO_INC || k == MMIO_DEC || k == MMIO_NOT || k == MMIO_NEG ||
	       k == MMIO_SETCC || k == MMIO_PUSH || k == MMIO_POP;
}

/* PUSH and POP: memory, register or immediate on one side, the stack on the other. */
static bool stack_operands(
	const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, struct mmio_insn *out)
{
	if (op->type == ZYDIS_OPERAND_TYPE_MEMORY ? !mem_of(op, out) : !other_of(op, out))
		return false;
	out->size = (uint8_t)(in->operand_width / 8);
	return out->size > 1;
}

static bool operands_of(
	const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, struct mmio_insn *out)
{
	if (in->operand_count_visible != (takes_one(out->kind) ? 1 : 2))
		return false;
	if (out->kind == MMIO_PUSH || out->kind == MMIO_POP)
		return stack_operands(in, op, out);
	out->mem_dest = op[0].type == ZYDIS_OPERAND_TYPE_MEMORY;
	if (takes_one(out->kind))
		return out->mem_dest && mem_of(op, out);
	return mem_of(&op[out->mem_dest ? 0 : 1], out) &&
	       other_of(&op[out->mem_dest ? 1 : 0], out);
}

/*
 * String instructions have no explicit operands; only the source's segment can be overridden.
 */
static bool string_of(
	const ZydisDecodedInstruction *in, const ZydisDecodedOperand *op, struct mmio_insn *out)
{
	const struct kind_row *row = row_find(strings, ARRAY_SIZE(strings), in->mnemonic);

	if (!row)
		return false;
	out->kind = row->kind;
	out->size = row->detail;
	out->seg = SK_DS;
	for (unsigned int i = 0; i < in->operand_count; i++) {
		int8_t base;

		if (op[i].type == ZYDIS_OPERAND_TYPE_MEMORY &&
			address_reg(op[i].mem.base, &base) && base == SK_RSI &&
			!segment_of(op[i].mem.segment, &out->seg))
			return false;
	}
	if (in->attributes & ZYDIS_ATTRIB_HAS_REPNE)
		out->rep = MMIO_REPNE;
	else if (in->attributes & (ZYDIS_ATTRIB_HAS_REP | ZYDIS_ATTRIB_HAS_REPE))
		out->rep = MMIO_REPE;
	return true;
}

int mmio_decode(const uint8_t *code, size_t len, unsigned int mode, struct mmio_insn *out)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	int rc = decode(code, len, mode, &in, op);
	bool known;

	if (rc)
		return rc;
	*out = (struct mmio_insn){ .length = in.length,
		.mode = (uint8_t)mode,
		.addr_size = (uint8_t)(in.address_width / 8),
		.base = -1,
		.index = -1 };
	if (in.meta.category == ZYDIS_CATEGORY_STRINGOP)
		known = string_of(&in, op, out);
	else
		known = kind_of(&in, out) && operands_of(&in, op, out); /* INSN1 */
	return known ? 0 : -SK_E_INVAL;
}

int insn_mov_to_cr(
	const uint8_t *code, size_t len, unsigned int mode, uint8_t *cr, uint8_t *gpr)
{
	ZydisDecodedOperand op[ZYDIS_MAX_OPERAND_COUNT];
	ZydisDecodedInstruction in;
	struct mmio_insn from;
	int rc = decode(code, len, mode, &in, op);

	if (rc)
		return rc;
	if (in.mnemonic != ZYDIS_MNEMONIC_MOV || op[0].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		op[1].type != ZYDIS_OPERAND_TYPE_REGISTER ||
		ZydisRegisterGetClass(op[0].reg.value) != ZYDIS_REGCLASS_CONTROL ||
		!reg_of(op[1].reg.value, &from))
		return -SK_E_INVAL;
	*cr = (uint8_t)(op[0].reg.value - ZYDIS_REGISTER_CR0);
	*gpr = from.reg;
	return in.length;
}
