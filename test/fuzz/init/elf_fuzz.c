/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf_fuzz.c - an executable that is accepted has segments within the file and within the area
 * for images
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "proc/proc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check(const struct proc_elf *e, uint64_t size)
{
	uint64_t last = 0;

	for (uint32_t i = 0; i < e->n_segs; i++) {
		const struct proc_seg *s = &e->seg[i];
		uint64_t end = (s->vaddr + s->mem_size + 4095) & ~4095ull;

		if ((s->vaddr & ~4095ull) < last || s->vaddr < DOMAIN_IMAGE_VADDR ||
			end > DOMAIN_HEAP_VADDR || end < s->vaddr)
			abort();
		if (s->offset > size || s->file_size > size - s->offset ||
			s->file_size > s->mem_size)
			abort();
		if ((s->rights & SK_W && s->rights & SK_EXEC) || s->offset < s->vaddr % 4096)
			abort();
		last = end;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct proc_elf e;
	const char *why;

	if (size)
		memcpy(copy, data, size);
	if (proc_elf_decode(copy, size, &e, &why) == 0)
		check(&e, size);
	else if (!why)
		abort();
	free(copy);
	return 0;
}
