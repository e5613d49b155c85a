/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * image.c - an ELF file in frames, and mapping it into a domain
 *
 * Read-only segments are mapped from the frames of the file itself, so that all instances share
 * them; writable ones are copied.
 */
#include <string.h>
#include "caps/caps.h"
#include "proc/internal.h"
#include "proto/init.h"
#include "svc/svc.h"
#include "sys/sk.h"

static bool pieces_cover(const struct proc_image *im)
{
	uint64_t at = 0;

	for (uint32_t i = 0; i < im->n_pieces; i++) {
		const struct proc_piece *q = &im->piece[i];

		if (!q->size || (q->offset | at) % SK_PAGE_SIZE || q->order < SK_PAGE_ORDER ||
			q->order > SK_HUGE_ORDER)
			return false;
		if (q->offset > 1ull << q->order || q->size > (1ull << q->order) - q->offset)
			return false;
		at += q->size;
	}
	return at == im->size;
}

int proc_image_init(struct proc_image *im, const char **why)
{
	*why = "pieces that do not make up the file";
	if (!pieces_cover(im))
		return -SK_E_INVAL;
	return proc_elf_decode(im->base, im->size, &im->elf, why);
}

/* ---- from init --------------------------------------------------------------------------- */
/* init has parsed the file. */
static int segments_take(struct proc_elf *elf, const uint64_t *mr, uint32_t words)
{
	struct init_segment s;

	elf->entry = mr[6];
	elf->n_segs = (uint32_t)mr[7];
	if (mr[7] > PROC_SEGS_MAX ||
		words < INIT_SEGMENT_WORD + mr[7] * (sizeof(s) / sizeof(mr[0])))
		return -SK_E_PEER;
	for (uint32_t i = 0; i < elf->n_segs; i++) {
		memcpy(&s, &mr[INIT_SEGMENT_WORD + i * (sizeof(s) / sizeof(mr[0]))], sizeof(s));
		elf->seg[i] = (struct proc_seg){ s.vaddr, s.offset, s.file_size, s.mem_size,
			(uint32_t)s.rights };
	}
	return 0;
}

static int piece_fetch(sk_cap_t init_ep, struct proc_image *im, uint32_t index)
{
	uint64_t mr[SK_MR_MAX] = { index };
	struct svc_caps caps = { 0 };
	uint32_t words = 1;
	int rc;

	rc = svc_call(init_ep, INIT_IMAGE, mr, &words, &caps);
	if (!rc && (caps.n_in != 1 || words < INIT_SEGMENT_WORD || mr[1] > PROC_PIECES_MAX ||
			   mr[2] > SK_HUGE_ORDER || segments_take(&im->elf, mr, words)))
		rc = -SK_E_PEER;
	if (rc) {
		for (uint32_t i = 0; i < caps.n_in; i++)
			cap_drop(caps.in[i]);
		return rc;
	}
	im->piece[index] = (struct proc_piece){ caps.in[0], (uint32_t)mr[2], mr[3], mr[4] };
	im->size = mr[5];
	return 0;
}

static int piece_map(const struct proc_piece *q, uint64_t vaddr)
{
	uint64_t size = (q->size + SK_PAGE_SIZE - 1) & ~(SK_PAGE_SIZE - 1), offset = q->offset;
	int rc = 0;

	while (!rc && size) {
		uint32_t order = map_order(vaddr, offset, size, SK_LARGE_ORDER - 1);

		rc = space_map_at(SK_CAP_SPACE, q->frame, vaddr, offset, order, SK_R);
		vaddr += 1ull << order;
		offset += 1ull << order;
		size -= 1ull << order;
	}
	return rc;
}

int proc_image_fetch(sk_cap_t init_ep, struct proc_image *im)
{
	uint64_t at = 0;
	void *base;
	int rc;

	memset(im, 0, sizeof(*im));
	do {
		rc = piece_fetch(init_ep, im, im->n_pieces);
		if (rc)
			return rc;
		at += im->piece[im->n_pieces++].size;
	} while (at < im->size && im->n_pieces < PROC_PIECES_MAX);
	if (!pieces_cover(im))
		return -SK_E_PEER;
	rc = vm_reserve(im->size, &base);
	if (rc)
		return rc;
	at = (uint64_t)base;
	for (uint32_t i = 0; !rc && i < im->n_pieces; i++) {
		rc = piece_map(&im->piece[i], at);
		at += im->piece[i].size;
	}
	im->base = base;
	return rc;
}

/* ---- into a domain ----------------------------------------------------------------------- */
/* Pages [offset, offset + size) of the file, shared; both page-aligned. */
static int share(struct proc *p, const struct proc_image *im, const struct proc_seg *s,
	uint64_t offset, uint64_t size)
{
	uint64_t vaddr = s->vaddr & ~(SK_PAGE_SIZE - 1), start = 0;

	for (uint32_t i = 0; size && i < im->n_pieces; i++) {
		const struct proc_piece *q = &im->piece[i];
		uint64_t pages = (q->size + SK_PAGE_SIZE - 1) & ~(SK_PAGE_SIZE - 1);
		uint64_t skip, part;
		int rc;

		if (offset >= start + pages) {
			start += pages;
			continue;
		}
		skip = offset - start;
		part = pages - skip < size ? pages - skip : size;
		rc = proc_map(p, q->frame, vaddr, q->offset + skip, part, s->rights);
		if (rc)
			return rc;
		start += pages;
		offset += part;
		vaddr += part;
		size -= part;
	}
	return size ? -SK_E_RANGE : 0;
}

static int segment_map(struct proc *p, const struct proc_image *im, const struct proc_seg *s)
{
	uint64_t lead = s->vaddr %
			SK_PAGE_SIZE; /* with the bytes of the page before the segment */

	if (s->rights & SK_W)
		return map_new(p, s->vaddr - lead, s->mem_size + lead,
			im->base + s->offset - lead, s->file_size + lead, s->rights);
	return share(p, im, s, s->offset - lead,
		(s->mem_size + lead + SK_PAGE_SIZE - 1) & ~(SK_PAGE_SIZE - 1));
}

int image_map(struct proc *p, const struct proc_image *im)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < im->elf.n_segs; i++)
		rc = segment_map(p, im, &im->elf.seg[i]);
	return rc;
}
