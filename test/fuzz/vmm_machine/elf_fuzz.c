/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * elf_fuzz.c - an ELF image that is fed in pieces, twice if the loader wants its notes; the
 * first byte is the size of the pieces
 */
#include <stdlib.h>

#include "load/bzimage.h"
#include "load/elf.h"
#include "load/load.h"
#include "load/unpack.h"

enum { RAM = 24 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct elf_load elf;
	static uint8_t *ram;
	struct load_space sp;
	struct load_error e = { "" };
	size_t piece, pos;
	unsigned int rounds = 0;
	int rc;

	if (!size)
		return 0;
	if (!ram)
		ram = malloc(RAM);
	piece = 1 + data[0] * 37u;
	load_space_init(&sp, ram, RAM);
	elf_init(&elf, &sp, &e);
	do {
		rc = 0;
		for (pos = 1; !rc && pos < size; pos += piece)
			rc = elf_feed(
				&elf, data + pos, piece < size - pos ? piece : size - pos);
		if (!rc)
			rc = elf_finish(&elf);
	} while (rc == ELF_AGAIN && ++rounds < 2);
	if (rc == ELF_AGAIN || (rc && !e.text[0]) || sp.floor > RAM)
		abort();
	return 0;
}
