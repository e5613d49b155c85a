/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot_fuzz.c - the input is physical memory from address 0; PARSE names the parser
 */
#include <stdlib.h>
#include <string.h>

#include "parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct boot_info *bi, const struct boot_raw_map *raw)
{
	if (bi->n_mem > BOOT_MEM_MAX)
		abort();
	for (uint32_t i = 0; i < bi->n_mem; i++) {
		const struct boot_mem *m = &bi->mem[i];

		if (!m->size || (m->base | m->size) & 4095 ||
			(i && m[-1].base + m[-1].size > m->base))
			abort();
		for (uint32_t k = 0; m->type == BOOT_MEM_RAM && k < raw->n; k++)
			if (raw->e[k].type != BOOT_MEM_RAM &&
				raw->e[k].base < m->base + m->size &&
				m->base < raw->e[k].base + raw->e[k].size)
				abort();
	}
	if (bi->archive_size && bi->archive < bi->kernel_end &&
		bi->archive + bi->archive_size > bi->kernel_start)
		abort();
	if (!memchr(bi->cmdline, 0, sizeof(bi->cmdline)))
		abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct boot_raw_map raw;
	static struct boot_info bi;
	uint8_t *copy = malloc(size ? size : 1);
	struct boot_phys phys = { (uintptr_t)copy, size };

	memcpy(copy, data, size);
	memset(&bi, 0, sizeof(bi));
	bi.kernel_start = 0x200000;
	bi.kernel_end = 0x300000;
	if (!PARSE(&phys, 0, &raw, &bi)) {
		check(&bi, &raw);
		for (uint32_t i = 0; i < 16 && bi.n_mem; i++) {
			const struct boot_mem *m = &bi.mem[i * 7 % bi.n_mem];

			if (!boot_mem_carve(&bi, m->base + (m->size > 8192 ? 4096 : 0), 4096,
				    BOOT_MEM_KERNEL))
				check(&bi, &raw);
		}
	}
	free(copy);
	return 0;
}
