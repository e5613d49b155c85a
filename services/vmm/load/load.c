/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load.c - load a kernel file into guest RAM: recognise its form, unpack it, load the ELF image
 * inside
 *
 * Objects     struct place: the kernel in its file, or, once it was unpacked for others, too,
 *             in memory.
 * Locks       none: runs on the main thread before the first vCPU.
 * Invariants  LOAD1 after load_kernel() all RAM above sp->floor is zero
 */
#include "load/load.h"

#include <string.h>

#include "base/bytes.h"
#include "base/error.h"
#include "load/bzimage.h"
#include "load/elf.h"
#include "load/unpack.h"

enum { FEED_CHUNK = 1 << 20 };

/* Where the kernel lies in a file, and in what form. */
struct place {
	struct load_source *src;
	enum unpack_form form; /* NONE: an ELF image */
	uint64_t pos, end;
	uint64_t unpacked; /* its size, as the file says; 0: it does not */
};

static int read_fail(struct load_error *e, int rc)
{
	return load_fail(e, "kernel: cannot read the file: %s", sk_error_text(rc));
}

/* The last word of what was packed by gzip, or by the build of a bzImage, is its size. */
static int unpacked_size_read(struct place *k, struct load_error *e)
{
	uint8_t word[4];
	int rc = k->src->read(k->src, k->end - sizeof(word), word, sizeof(word));

	if (rc)
		return read_fail(e, rc);
	k->unpacked = get_le32(word);
	return 0;
}

/* A file that is not a bzImage must be an ELF image, bare or packed as a whole. */
static int plain_find(struct place *k, const uint8_t *head, size_t n, struct load_error *e)
{
	k->form = unpack_detect(head, n);
	k->end = k->src->size;
	if (k->form == UNPACK_NONE && !elf_probe(head, n))
		return load_fail(
			e, "kernel: neither a bzImage nor an ELF image, packed or not");
	return k->form == UNPACK_GZIP ? unpacked_size_read(k, e) : 0;
}

static int bzimage_find(struct place *k, const uint8_t *head, size_t n, struct load_error *e)
{
	struct bzimage bz;
	uint8_t magic[16];
	int rc;

	rc = bzimage_decode(head, n, k->src->size, &bz, e);
	if (rc)
		return rc;
	rc = k->src->read(k->src, bz.payload, magic, sizeof(magic));
	if (rc)
		return read_fail(e, rc);
	k->pos = bz.payload;
	k->end = bz.payload + bz.payload_size;
	k->form = unpack_detect(magic, sizeof(magic));
	if (elf_probe(magic, sizeof(magic)))
		return 0;
	if (k->form == UNPACK_NONE)
		return load_fail(e,
			"kernel: bzImage payload of unknown form %02x %02x %02x %02x", magic[0],
			magic[1], magic[2], magic[3]);
	rc = unpacked_size_read(k, e);
	/*
	 * To forms whose own trailer lacks it, it was appended, and is not part of the stream.
	 */
	if (k->form == UNPACK_LZ4 || k->form == UNPACK_LZO)
		k->end -= 4;
	return rc;
}

static int kernel_find(struct place *k, struct load_source *src, struct load_error *e)
{
	uint8_t head[BZIMAGE_HEAD];
	size_t n = src->size < sizeof(head) ? (size_t)src->size : sizeof(head);
	int rc;

	*k = (struct place){ .src = src };
	if (n < 16)
		return load_fail(e, "kernel: file of %llu bytes is too short",
			(unsigned long long)src->size);
	rc = src->read(src, 0, head, (uint32_t)n);
	if (rc)
		return read_fail(e, rc);
	return bzimage_probe(head, n) ? bzimage_find(k, head, n, e) : plain_find(k, head, n, e);
}

/* ---- memory as a file ---- */

static int memory_read(struct load_source *s, uint64_t pos, void *buf, uint32_t len)
{
	memcpy(buf, (const uint8_t *)s->ctx + pos, len);
	return 0;
}

void load_memory(struct load_source *s, void *at, uint64_t size)
{
	*s = (struct load_source){ .size = size, .read = memory_read, .ctx = at };
}

/*
 * Unpack into memory that others get, too, and go on with what is there then. If that fails for
 * whatever reason, the kernel stays where it is.
 */
static void unpack_for_all(struct place *k, struct load_space *sp,
	const struct load_shelf *shelf, struct load_source *memory, struct load_error *e)
{
	struct unpack u = {
		.src = k->src, .pos = k->pos, .end = k->end, .space = sp, .error = e
	};

	/* One byte more than there should be. */
	u.whole_size = k->form != UNPACK_NONE && k->unpacked ? k->unpacked + 1 : 0;
	u.whole = shelf->room(u.whole_size);
	if (!u.whole)
		return;
	if (unpack_run(k->form, &u))
		u.total = 0;
	load_space_clear(sp);
	if (!shelf->filled(u.total) || !u.total)
		return;
	load_memory(memory, u.whole, u.total);
	*k = (struct place){ .src = memory, .end = u.total };
}

/* ---- loading ---- */

/* The whole image through the ELF loader. 0, ELF_AGAIN, or -SK_E_*. */
static int load_image(const struct place *k, struct elf_load *elf, struct load_error *e)
{
	struct unpack u = { .src = k->src,
		.pos = k->pos,
		.end = k->end,
		.space = elf->space,
		.sink = elf_feed,
		.ctx = elf,
		.error = e };
	int rc = k->form == UNPACK_NONE ? elf_read(elf, k->src, k->pos, k->end - k->pos)
					: unpack_run(k->form, &u);

	load_space_clear(elf->space); /* LOAD1; segments lie below working memory */
	return rc ? rc : elf_finish(elf);
}

int load_kernel(struct load_source *src, struct load_space *sp, const struct load_shelf *shelf,
	uint64_t *entry, struct load_error *e)
{
	static struct elf_load elf;
	struct load_source memory;
	struct place k;
	int rc = kernel_find(&k, src, e);

	if (rc)
		return rc;
	if (shelf)
		unpack_for_all(&k, sp, shelf, &memory, e);
	elf_init(&elf, sp, e);
	rc = load_image(&k, &elf, e);
	if (rc == ELF_AGAIN)
		rc = load_image(&k, &elf, e);
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
