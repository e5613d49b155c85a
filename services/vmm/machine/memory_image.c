/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_image.c - the guest's memory, page by page, to and from a stream
 *
 * RAM that is present at boot is named in any case, as a hole where the guest has no page. Of
 * the pages of the VMM that the guest sees, those that it had from the start are saved; those
 * that it asked for (shared_info, grant tables) are holes, because a restored guest asks for
 * them again.
 */
#include "machine/memory_image.h"

#include <string.h>

#include "base/error.h"
#include "machine/chunk.h"
#include "machine/dirty.h"
#include "machine/guest_memory.h"
#include "machine/physmap.h"
#include "machine/vmctl.h"

#define GFN_END (1ull << (VM_PHYS_BITS - SK_PAGE_ORDER))

static bool in_range(sk_gpa_t gpa, sk_gpa_t start, uint64_t pages)
{
	return gpa >= start && gpa - start < pages * SK_PAGE_SIZE;
}

/*
 * The tables of Xen's libxl take up to nine pages where ours take four. Those that a guest had
 * on Xen it keeps.
 */
enum { FIRMWARE_PAGES = 16 };
static struct guest_page firmware[FIRMWARE_PAGES];

/* ---- saving ------------------------------------------------------------------------------ */

static bool special_is_saved(sk_gpa_t gpa)
{
	return in_range(gpa, VM_ACPI_GPA, FIRMWARE_PAGES) || gpa == VM_XENSTORE_GPA ||
	       gpa == VM_CONSOLE_GPA;
}

/*
 * While the guest runs, only pages at home are written, because only they are tracked: all
 * others are written when it stands still.
 */
static bool page_named(
	enum memory_round round, enum page_kind kind, const struct chunk *c, sk_gpa_t gpa)
{
	if (round == MEMORY_AGAIN)
		return kind == PAGE_HOME && dirty_again(c, gpa);
	if (kind == PAGE_HOME)
		return round != MEMORY_REST || dirty_page(c, gpa);
	return round != MEMORY_ALL;
}

/* A place that had RAM at boot, or a page in what was written while the guest ran. */
static bool hole_named(enum memory_round round, const struct chunk *c, sk_gpa_t gpa)
{
	if (round == MEMORY_ALL)
		return chunk_is_ram(gpa >> CHUNK_SHIFT);
	return dirty_hole(c, gpa);
}

/* False: the stream does not name what is at gpa. */
static bool page_get(enum memory_round round, enum stream_want want, const struct chunk *c,
	sk_gpa_t gpa, const uint8_t **data)
{
	page_word_t w = c ? __atomic_load_n(&c->page[gpa / SK_PAGE_SIZE % CHUNK_PAGES],
				    __ATOMIC_ACQUIRE)
			  : PAGE_HOME;

	*data = c ? page_ptr(w, gpa) : gmem(gpa, SK_PAGE_SIZE);
	if (page_kind(w) == PAGE_SPECIAL && !special_is_saved(gpa))
		*data = NULL;
	if (want == STREAM_HOLE)
		return !*data && hole_named(round, c, gpa);
	return *data && page_named(round, page_kind(w), c, gpa);
}

/*
 * The next page behind a chunk that has none. RAM begins where a leaf begins, so a leaf without
 * chunks has none behind a place without RAM.
 */
static uint64_t chunk_skip(uint64_t number)
{
	if (!__atomic_load_n(&vm.chunk[number / CHUNK_LEAF], __ATOMIC_ACQUIRE))
		number |= CHUNK_LEAF - 1;
	return (number + 1) * CHUNK_PAGES;
}

bool memory_image_next(void *ctx, enum stream_want want, uint64_t gfn, struct stream_page *p)
{
	enum memory_round round = *(const enum memory_round *)ctx;

	while (gfn < GFN_END) {
		uint64_t number = gfn / CHUNK_PAGES;
		const struct chunk *c = chunk_find(number);

		if (!c && !chunk_is_ram(number)) {
			gfn = chunk_skip(number);
			continue;
		}
		if (!c && (want == STREAM_HOLE ||
				  (round == MEMORY_REST && dirty_none(c, number)))) {
			gfn = (number + 1) * CHUNK_PAGES;
			continue;
		}
		if (round == MEMORY_ALL && want == STREAM_PAGE)
			dirty_protect(number);
		p->gfn = gfn;
		if (page_get(round, want, c, gfn * SK_PAGE_SIZE, &p->data))
			return true;
		gfn++;
	}
	return false;
}

/* ---- restoring --------------------------------------------------------------------------- */

static int firmware_make(sk_gpa_t gpa)
{
	struct guest_page *p = &firmware[(gpa - VM_ACPI_GPA) / SK_PAGE_SIZE];
	int rc = physmap_page_alloc(p);

	return rc ? rc : physmap_page_show(gpa, p);
}

/* Make a page at gpa: RAM beyond that of boot comes from control. */
static int page_make(sk_gpa_t gpa)
{
	int rc;

	if (in_range(gpa, VM_ACPI_GPA, FIRMWARE_PAGES))
		return firmware_make(gpa);
	rc = physmap_hole_fill_or_ask(gpa);
	if (rc != -SK_E_AGAIN)
		return rc;
	rc = vm_grow_now(1);
	return rc ? rc : physmap_hole_fill(gpa);
}

int memory_image_put(void *ctx, uint64_t gfn, enum libxc_page_type type, const uint8_t *data,
	struct load_error *e)
{
	sk_gpa_t gpa = gfn * SK_PAGE_SIZE;
	uint8_t *to;
	int rc = 0;

	(void)ctx;
	if (gfn < GFN_END && in_range(gpa, VM_SPECIAL_GPA, VM_SPECIAL_PAGES))
		return 0; /* the rings are made anew */
	if (gfn >= GFN_END && type != LIBXC_PAGE_NONE)
		return load_fail(e, "there can be no page %#llx", (unsigned long long)gfn);
	if (gfn >= GFN_END)
		return 0;
	if (type == LIBXC_PAGE_NONE) {
		if (!in_range(gpa, VM_ACPI_GPA, VM_ACPI_PAGES) && gmem(gpa, SK_PAGE_SIZE))
			rc = physmap_hole_make(gpa);
	} else if (!gmem(gpa, SK_PAGE_SIZE)) {
		rc = page_make(gpa);
	}
	if (rc)
		return load_fail(e, "page %#llx of the saved guest cannot be made: %s",
			(unsigned long long)gfn, sk_error_text(rc));
	to = type == LIBXC_PAGE_NONE ? NULL : gmem(gpa, SK_PAGE_SIZE);
	if (to && data)
		memcpy(to, data, SK_PAGE_SIZE);
	else if (to)
		memset(to, 0, SK_PAGE_SIZE);
	return 0;
}
