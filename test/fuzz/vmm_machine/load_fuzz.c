/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_fuzz.c - arbitrary kernel files: bzImage header, compressed forms, ELF image and notes
 */
#include <stdlib.h>
#include <string.h>

#include "load/bzimage.h"
#include "load/elf.h"
#include "load/load.h"
#include "load/unpack.h"

enum { RAM = 24 << 20 };

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

struct file {
	const uint8_t *data;
	size_t size;
};

static int mem_read(struct load_source *s, uint64_t pos, void *buf, uint32_t len)
{
	const struct file *f = s->ctx;

	if (pos > f->size || len > f->size - pos)
		abort();
	memcpy(buf, f->data + pos, len);
	return 0;
}

/* For small kernels; of exactly the size that was asked for. */
static uint8_t *shelf;

static uint8_t *shelf_room(uint64_t size)
{
	shelf = size && size < 1 << 20 ? malloc(size) : NULL;
	return shelf;
}

static bool shelf_filled(uint64_t size) { return size != 0; }

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const struct load_shelf ops = { shelf_room, shelf_filled };
	static uint8_t *ram;
	struct file f = { data, size };
	struct load_source src = { size, mem_read, &f };
	struct load_space sp;
	struct load_error e = { "" };
	uint64_t entry;
	int rc;

	if (!ram)
		ram = malloc(RAM);
	load_space_init(&sp, ram, RAM);
	rc = load_kernel(&src, &sp, &ops, &entry, &e);
	free(shelf);
	shelf = NULL;
	if (rc && !e.text[0])
		abort();
	if (sp.floor > RAM || sp.top != RAM || (!rc && entry >= sp.floor))
		abort();
	return 0;
}
