/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * insn.h - instructions of the guest: their length, and what they do to a memory operand
 * (decoded by Zydis)
 */
#ifndef VMM_INSN_H
#define VMM_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>
#include <sk/vcpu.h>

#define INSN_MAX 15u

enum mmio_kind {
	MMIO_MOV,
	MMIO_XCHG,
	MMIO_AND,
	MMIO_OR,
	MMIO_XOR,
	MMIO_ADD,
	MMIO_ADC,
	MMIO_SUB,
	MMIO_SBB,
	MMIO_CMP,
	MMIO_TEST,
	MMIO_INC,
	MMIO_DEC,
	MMIO_NOT,
	MMIO_NEG,
	MMIO_BT,
	MMIO_BTS,
	MMIO_BTR,
	MMIO_BTC,
	MMIO_XADD,
	MMIO_CMPXCHG,
	MMIO_CMOV,
	MMIO_SETCC,
	MMIO_PUSH,
	MMIO_POP,
	/* the kinds from here on may have a repeat prefix */
	MMIO_MOVS,
	MMIO_STOS,
	MMIO_LODS,
	MMIO_SCAS,
	MMIO_CMPS,
};
enum mmio_rep {
	MMIO_ONCE,
	/* REP, for kinds that do not compare. */
	MMIO_REPE,
	MMIO_REPNE,
};

/* The operand that is not memory. */
enum mmio_other {
	/* There is no other operand, or the kind implies it. */
	MMIO_NONE,
	MMIO_REG,
	MMIO_IMM,
};

struct mmio_insn {
	enum mmio_kind kind;
	enum mmio_rep rep;
	enum mmio_other other;
	uint8_t length;
	uint8_t mode;  /* bits of code: 16, 32, 64 */
	uint8_t size;  /* of the memory operand: 1, 2, 4, 8 */
	bool mem_dest; /* memory is the first operand */
	bool sign;     /* MOVSX: extend to reg_size */
	uint8_t cond;  /* CMOV, SETCC: condition as x86 instructions encode it */
	uint8_t reg;   /* enum sk_gpr */
	uint8_t reg_size;
	bool reg_high; /* AH, CH, DH, BH */
	uint64_t imm;
	/*
	 * the memory operand: absent for PUSH and POP of a register; for strings, only the
	 * source's segment counts
	 */
	bool has_mem;
	uint8_t seg; /* enum sk_seg_index */
	/* bytes of an address: 2, 4, 8; for strings, also of RCX, RSI, RDI */
	uint8_t addr_size;
	int8_t base, index; /* enum sk_gpr; -1: none */
	uint8_t scale;      /* 1, 2, 4, 8 */
	bool rip_relative;  /* relative to the next instruction */
	uint64_t displacement;
};

/* Does a vCPU in this state run 64-bit code? */
static inline bool insn_long_mode(const struct sk_vcpu_state *st)
{
	enum { EFER_LMA = 1 << 10, ATTR_L = 1 << 9 };

	return st->efer & EFER_LMA && st->seg[SK_CS].attr & ATTR_L;
}
/* The width of the code that a vCPU in this state runs: 16, 32 or 64 bits. */
unsigned int insn_mode(const struct sk_vcpu_state *st);
/*
 * Returns the length of the instruction. -SK_E_INVAL: not an instruction; -SK_E_AGAIN: more
 * than `len` bytes are needed.
 */
int insn_length(const uint8_t *code, size_t len, unsigned int mode) must_check;
/*
 * Decode what an instruction does to its memory operand. 0, or an error of insn_length();
 * -SK_E_INVAL also for kinds not in enum mmio_kind.
 */
int mmio_decode(
	const uint8_t *code, size_t len, unsigned int mode, struct mmio_insn *out) must_check;
/*
 * Decode MOV to a control register: which register, and from which enum sk_gpr. Returns the
 * length, or an error of insn_length().
 */
int insn_mov_to_cr(const uint8_t *code, size_t len, unsigned int mode, uint8_t *cr,
	uint8_t *gpr) must_check;

#endif
