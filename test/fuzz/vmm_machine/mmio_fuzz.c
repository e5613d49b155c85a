/*
 * mmio_fuzz.c - code bytes of any content, decoded in each mode and carried out; one access each way at most
 */
#include <stdlib.h>
#include <string.h>

#include "mmio.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static unsigned reads, writes;

static uint64_t bus_read(void *ctx, uint8_t size)
{
	(void)ctx;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		abort();
	reads++;
	return 0x123456789abcdef0;
}

static void bus_write(void *ctx, uint64_t value, uint8_t size)
{
	(void)ctx, (void)value;
	if (size != 1 && size != 2 && size != 4 && size != 8)
		abort();
	writes++;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct mmio_bus bus = { bus_read, bus_write, NULL };
	static const unsigned modes[] = { 16, 32, 64 };
	struct mmio_insn in;
	size_t i;

	if (size > INSN_MAX)
		size = INSN_MAX;
	for (i = 0; i < 3; i++) {
		struct sk_vcpu_state st;
		int n = insn_length(data, size, modes[i]);

		if (n > (int)size || n == 0)
			abort();
		if (mmio_decode(data, size, modes[i], &in))
			continue;
		if (in.length != n || in.reg >= SK_N_GPR)
			abort();
		memset(&st, 0x5a, sizeof(st));
		reads = writes = 0;
		mmio_execute(&in, &st, &bus);
		if (reads > 1 || writes > 1 || reads + writes == 0)
			abort();
	}
	return 0;
}
