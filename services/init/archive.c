/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * archive.c - the boot archive: its frames, mapped in one piece, and the files in it
 *
 * Objects     pieces[]: the archive's frames with their place in it; `base`: where init sees
 *             its first byte.
 * Invariants  ARCHIVE1 pieces are physically consecutive and naturally aligned, so with one
 *                      base all pieces can use large pages
 */
#include <stdio.h>
#include <string.h>
#include "caps/caps.h"
#include "init.h"

/* The root task does not use this address otherwise. */
#define ARCHIVE_VADDR DOMAIN_CHANNEL_VADDR

static const uint8_t *base;
static struct cpio_file files;

/* ---- mapping ----------------------------------------------------------------------------- */
/* Where the archive starts relative to the alignment of its largest piece (ARCHIVE1). */
static uint64_t archive_misalignment(const struct sk_bootinfo *bi)
{
	uint64_t before = 0, at = 0, size;
	uint32_t order = 0;

	for (uint32_t i = 0; i < bi->n_archive; i++) {
		if (bi->archive[i].order > order) {
			order = bi->archive[i].order;
			before = at;
		}
		at += 1ull << bi->archive[i].order;
	}
	size = 1ull << order;
	return (size - before % size) % size;
}

static int map_all(const struct sk_bootinfo *bi)
{
	uint64_t at = ARCHIVE_VADDR + archive_misalignment(bi);
	int rc = 0;

	base = (const uint8_t *)at;
	for (uint32_t i = 0; !rc && i < bi->n_archive; i++) {
		rc = space_map_at(
			SK_CAP_SPACE, bi->archive[i].slot, at, 0, bi->archive[i].order, SK_R);
		at += 1ull << bi->archive[i].order;
	}
	return rc;
}

int archive_open(void)
{
	const struct sk_bootinfo *bi = boot_info();
	struct sk_archive a;
	int rc;

	if (!bi->n_archive || bi->archive_size < sizeof(a))
		return -SK_E_NOT_FOUND;
	rc = map_all(bi);
	if (rc)
		return rc;
	memcpy(&a, base, sizeof(a));
	if (a.magic != SK_ARCHIVE_MAGIC || a.files_offset > bi->archive_size ||
		a.files_size > bi->archive_size - a.files_offset)
		return -SK_E_INVAL;
	files = (struct cpio_file){ base + a.files_offset, a.files_size };
	return 0;
}

int archive_find(const char *name, struct cpio_file *out)
{
	return cpio_find(files.data, files.size, name, out);
}

/* ---- files as frames --------------------------------------------------------------------- */
/* Calls fn for every part of [offset, offset + size) of the archive that lies in one frame. */
typedef int (*part_fn)(
	void *ctx, const struct sk_boot_frame *f, uint64_t offset, uint64_t size);

static int each_part(uint64_t offset, uint64_t size, part_fn fn, void *ctx)
{
	const struct sk_bootinfo *bi = boot_info();
	uint64_t start = 0;
	int rc = 0;

	for (uint32_t i = 0; !rc && size && i < bi->n_archive; i++) {
		uint64_t length = 1ull << bi->archive[i].order, skip, part;

		if (offset < start + length) {
			skip = offset - start;
			part = length - skip < size ? length - skip : size;
			rc = fn(ctx, &bi->archive[i], skip, part);
			offset += part;
			size -= part;
		}
		start += length;
	}
	return rc ? rc : size ? -SK_E_RANGE : 0;
}

static int add_piece(void *ctx, const struct sk_boot_frame *f, uint64_t offset, uint64_t size)
{
	struct proc_image *im = ctx;

	if (im->n_pieces == PROC_PIECES_MAX)
		return -SK_E_LIMIT;
	im->piece[im->n_pieces++] = (struct proc_piece){ f->slot, f->order, offset, size };
	return 0;
}

int archive_image(const char *name, struct proc_image *im, const char **why)
{
	struct cpio_file f;
	int rc;

	*im = (struct proc_image){ 0 };
	*why = "not in the boot archive";
	rc = archive_find(name, &f);
	if (rc)
		return rc;
	*why = "not on a page boundary of the boot archive";
	if ((uint64_t)(f.data - base) % SK_PAGE_SIZE)
		return -SK_E_ALIGN;
	rc = each_part((uint64_t)(f.data - base), f.size, add_piece, im);
	if (rc)
		return rc;
	im->base = f.data;
	im->size = f.size;
	return proc_image_init(im, why);
}

struct mapping {
	struct proc *p;
	uint64_t vaddr;
};

static int map_piece(void *ctx, const struct sk_boot_frame *f, uint64_t offset, uint64_t size)
{
	struct mapping *m = ctx;
	int rc = proc_map(m->p, f->slot, m->vaddr, offset, size, SK_R);

	m->vaddr += size;
	return rc;
}

/* Chooses an address that allows large pages wherever the archive has them. */
int archive_map(struct proc *p, const struct cpio_file *f, uint64_t *vaddr)
{
	uint64_t at = (uint64_t)f->data,
		 pages = (f->size + SK_PAGE_SIZE - 1) & ~(SK_PAGE_SIZE - 1);
	struct mapping m = { .p = p };
	uint32_t order = SK_LARGE_ORDER;

	if (at % SK_PAGE_SIZE)
		return -SK_E_ALIGN;
	while (1ull << order < pages + SK_LARGE_SIZE)
		order++;
	*vaddr = proc_vaddr(p, order) + at % SK_LARGE_SIZE;
	m.vaddr = *vaddr;
	return each_part(at - (uint64_t)base, pages, map_piece, &m);
}
