/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.c - load a kernel file into guest RAM: recognise its form, unpack it, load the ELF image
 * inside
 *
 * Locks       none: runs on the main thread before the first vCPU.
 * Invariants  LOAD1 after load_kernel() all RAM above sp->floor is zero
 */
#include "load/load.h"

#include "base/error.h"
#include "load/bzimage.h"
#include "load/elf.h"
#include "load/unpack.h"

enum { FEED_CHUNK = 1 << 20 };

/* A file that is not a bzImage must be an ELF image, bare or packed as a whole. */
static int load_plain(struct load_source *src, const uint8_t *head, size_t n, struct unpack *u)
{
	enum unpack_form form = unpack_detect(head, n);

	if (elf_probe(head, n))
		return elf_read(u->ctx, src, 0, src->size);
	if (form == UNPACK_NONE)
		return load_fail(
			u->error, "kernel: neither a bzImage nor an ELF image, packed or not");
	u->pos = 0;
	u->end = src->size;
	return unpack_run(form, u);
}

static int load_bzimage(
	struct load_source *src, const uint8_t *head, size_t n, struct unpack *u)
{
	struct bzimage bz;
	uint8_t magic[16];
	enum unpack_form form;
	int rc;

	rc = bzimage_decode(head, n, src->size, &bz, u->error);
	if (rc)
		return rc;
	rc = src->read(src, bz.payload, magic, sizeof(magic));
	if (rc)
		return load_fail(
			u->error, "kernel: cannot read the file: %s", sk_error_text(rc));
	if (elf_probe(magic, sizeof(magic)))
		return elf_read(u->ctx, src, bz.payload, bz.payload_size);
	form = unpack_detect(magic, sizeof(magic));
	if (form == UNPACK_NONE)
		return load_fail(u->error,
			"kernel: bzImage payload of unknown form %02x %02x %02x %02x", magic[0],
			magic[1], magic[2], magic[3]);
	u->pos = bz.payload;
	u->end = bz.payload + bz.payload_size;
	/*
	 * The kernel's build appends the unpacked size to forms whose own trailer lacks it. It
	 * is not part of the stream.
	 */
	if (form == UNPACK_LZ4 || form == UNPACK_LZO)
		u->end -= 4;
	return unpack_run(form, u);
}

/* The whole file through the ELF loader. 0, ELF_AGAIN, or -SK_E_*. */
static int load_image(struct load_source *src, const uint8_t *head, size_t n,
	struct elf_load *elf, struct load_error *e)
{
	struct unpack u = {
		.src = src, .space = elf->space, .sink = elf_feed, .ctx = elf, .error = e
	};
	int rc = bzimage_probe(head, n) ? load_bzimage(src, head, n, &u)
					: load_plain(src, head, n, &u);

	load_space_clear(elf->space); /* LOAD1; segments lie below working memory */
	return rc ? rc : elf_finish(elf);
}

int load_kernel(
	struct load_source *src, struct load_space *sp, uint64_t *entry, struct load_error *e)
{
	static struct elf_load elf;
	uint8_t head[BZIMAGE_HEAD];
	size_t n = src->size < sizeof(head) ? (size_t)src->size : sizeof(head);
	int rc;

	if (n < 16)
		return load_fail(e, "kernel: file of %llu bytes is too short",
			(unsigned long long)src->size);
	rc = src->read(src, 0, head, (uint32_t)n);
	if (rc)
		return load_fail(e, "kernel: cannot read the file: %s", sk_error_text(rc));
	elf_init(&elf, sp, e);
	rc = load_image(src, head, n, &elf, e);
	if (rc == ELF_AGAIN)
		rc = load_image(src, head, n, &elf, e);
	if (rc)
		return rc;
	*entry = elf.entry;
	return 0;
}

int load_file(
	struct load_source *src, struct load_space *sp, uint64_t gpa, struct load_error *e)
{
	uint8_t *to = load_at(sp, gpa, src->size);
	uint64_t pos = 0;

	if (!to)
		return load_fail(e,
			"ramdisk or module: %llu bytes do not fit into the guest's memory",
			(unsigned long long)src->size);
	while (pos < src->size) {
		uint64_t left = src->size - pos;
		uint32_t n = left < FEED_CHUNK ? (uint32_t)left : FEED_CHUNK;
		int rc = src->read(src, pos, to + pos, n);

		if (rc)
			return load_fail(e, "ramdisk or module: cannot read the file: %s",
				sk_error_text(rc));
		pos += n;
	}
	return 0;
}
