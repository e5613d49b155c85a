/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mmio_fuzz.c - arbitrary code bytes, decoded in each mode and executed with as many accesses
 * as the instruction has
 */
#include <stdlib.h>
#include <string.h>

#include "machine/mmio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned int reads, writes, fail_at;

static int step(uint8_t size)
{
	if (size != 1 && size != 2 && size != 4 && size != 8)
		abort();
	return fail_at && reads + writes == fail_at ? -SK_E_RANGE : 0;
}

static int bus_read(void *ctx, uint64_t linear, uint64_t *value, uint8_t size)
{
	(void)ctx;
	reads++;
	*value = (0x123456789abcdef0 ^ linear) & (~0ull >> (64 - 8 * size));
	return step(size);
}

static int bus_write(void *ctx, uint64_t linear, uint64_t value, uint8_t size)
{
	(void)ctx, (void)linear;
	if (value & ~(~0ull >> (64 - 8 * size)))
		abort();
	writes++;
	return step(size);
}

static void fields_check(const struct mmio_insn *in, int n)
{
	if (in->length != n || in->reg >= SK_N_GPR || in->base >= SK_N_GPR ||
		in->index >= SK_N_GPR || in->seg >= SK_N_SEG)
		abort();
	if (in->addr_size != 2 && in->addr_size != 4 && in->addr_size != 8)
		abort();
}

static void carry_out(const struct mmio_insn *in)
{
	static const struct mmio_bus bus = { bus_read, bus_write, NULL };
	unsigned int rounds = in->rep != MMIO_ONCE ? MMIO_REP_MAX : 1;
	struct sk_vcpu_state st, old;
	int rc;

	memset(&st, 0x5a, sizeof(st));
	old = st;
	reads = writes = 0;
	rc = mmio_execute(in, &st, &bus);
	if (reads > 2 * rounds || writes > rounds || (!rc && reads + writes == 0) ||
		st.rip != old.rip)
		abort();
	if (rc == -SK_E_AGAIN && rounds == 1)
		abort();
	if (rc && rc != -SK_E_AGAIN && rounds == 1 && memcmp(&st, &old, sizeof(st)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const unsigned int modes[] = { 16, 32, 64 };
	struct mmio_insn in;
	uint8_t cr, gpr;
	size_t i;

	if (size > INSN_MAX)
		size = INSN_MAX;
	for (i = 0; i < 3; i++) {
		int n = insn_length(data, size, modes[i]);

		if (n > (int)size || n == 0)
			abort();
		if (insn_mov_to_cr(data, size, modes[i], &cr, &gpr) > 0 &&
			(cr > 15 || gpr >= SK_N_GPR))
			abort();
		if (mmio_decode(data, size, modes[i], &in))
			continue;
		fields_check(&in, n);
		for (fail_at = 0; fail_at < 4; fail_at++)
			carry_out(&in);
	}
	return 0;
}
