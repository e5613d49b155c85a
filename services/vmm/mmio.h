/*
 * mmio.h - instructions that touch memory which is none: decode (Zydis) and execute on the state page
 */
#ifndef VMM_MMIO_H
#define VMM_MMIO_H

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
	MMIO_SUB,
	MMIO_CMP,
	MMIO_TEST
};

struct mmio_insn {
	enum mmio_kind kind;
	uint8_t length;
	uint8_t size;  /* of the memory operand: 1, 2, 4, 8 */
	bool mem_dest; /* memory is the first operand */
	bool has_imm;  /* the other operand: an immediate, else a register */
	bool sign;     /* MOVSX: extend to reg_size */
	uint8_t reg;   /* enum sk_gpr */
	uint8_t reg_size;
	bool reg_high; /* AH, CH, DH, BH */
	uint64_t imm;
};

/* Bits of code that a vCPU in this state runs: 16, 32 or 64. */
unsigned insn_mode(const struct sk_vcpu_state *st);
/* Length of the instruction, -SK_E_INVAL: none, -SK_E_AGAIN: `len` bytes are too few. */
int insn_length(const uint8_t *code, size_t len, unsigned mode) must_check;
/* The same, and what it does to its memory operand; INVAL also for instructions not in enum mmio_kind. */
int mmio_decode(
	const uint8_t *code, size_t len, unsigned mode, struct mmio_insn *out) must_check;

/* The memory that is none. size is 1, 2, 4 or 8. */
struct mmio_bus {
	uint64_t (*read)(void *ctx, uint8_t size);
	void (*write)(void *ctx, uint64_t value, uint8_t size);
	void *ctx;
};
/* Carry out all but the step over the instruction; changes gpr[] and rflags. */
void mmio_execute(
	const struct mmio_insn *in, struct sk_vcpu_state *st, const struct mmio_bus *bus);

#endif
