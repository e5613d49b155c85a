/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grant.c - grant tables, version 1: checking and using what the guest grants
 *
 * Objects     up to GRANT_FRAMES pages of entries, shown to the guest where it wants them; for
 *             each reference, a count of readers and one of writers.
 * Locks       mem_lock around every use. The guest changes its entries at any time, so flags
 *             are changed by compare-and-swap, and each other field is read once.
 * Lifecycle   Frames are made when the guest asks for them, and stay. A reference is in use
 *             from grant_acquire() to grant_release(), and while a copy is made under one lock;
 *             GTF_reading and GTF_writing show this to the guest.
 * Invariants  GRANT1 GTF_reading is set while readers or writers > 0, GTF_writing while writers
 *                    > 0
 *             GRANT2 a grant gives access to RAM of the guest only
 */
#include "xen/grant.h"

#define ENTRIES (SK_PAGE_SIZE / sizeof(struct grant_entry_v1))
#define SWAP_TRIES 8

static struct grant_entry_v1 *entry_of(uint32_t ref)
{
	struct grant_entry_v1 *page;

	if (ref >= xen_dom.n_grant_frames * ENTRIES)
		return NULL;
	page = xen_dom.grant_page[ref / ENTRIES].addr;
	return page + ref % ENTRIES;
}

int grant_grow(uint32_t frames)
{
	if (frames > GRANT_FRAMES)
		return -XEN_EINVAL;
	for (; xen_dom.n_grant_frames < frames; xen_dom.n_grant_frames++) {
		if (edge_page_alloc(&xen_dom.grant_page[xen_dom.n_grant_frames]))
			return -XEN_ENOMEM;
		xen_dom.grant_gfn[xen_dom.n_grant_frames] = UINT64_MAX;
	}
	return 0;
}

int TA_OFF grant_init(void) { return grant_grow(1) ? -SK_E_NO_MEM : 0; }

/* flags and domid are one 32-bit word, so both are checked and the flags set in one step. */
static inline int entry_take(struct grant_entry_v1 *e, domid_t dom, enum grant_use use)
{
	uint32_t *word = (uint32_t *)(void *)e;
	uint32_t old = __atomic_load_n(word, __ATOMIC_SEQ_CST), new;

	for (int tries = 0; tries < SWAP_TRIES; tries++) {
		if ((old & GTF_type_mask) != GTF_permit_access || old >> 16 != dom)
			return GNTST_bad_gntref;
		if (use == GRANT_WRITE && (old & GTF_readonly))
			return GNTST_permission_denied;
		new = old | GTF_reading | (use == GRANT_WRITE ? GTF_writing : 0);
		if (__atomic_compare_exchange_n(
			    word, &old, new, false, __ATOMIC_SEQ_CST, __ATOMIC_SEQ_CST))
			return GNTST_okay;
	}
	return GNTST_eagain;
}

/* GRANT1 */
static inline void entry_put(struct grant_entry_v1 *e, uint32_t ref)
{
	uint16_t clear = 0;

	if (!xen_dom.grant_writers[ref])
		clear |= GTF_writing;
	if (!xen_dom.grant_writers[ref] && !xen_dom.grant_readers[ref])
		clear |= GTF_reading;
	if (clear)
		__atomic_fetch_and(&e->flags, (uint16_t)~clear, __ATOMIC_SEQ_CST);
}

/* Take a reference that exists; its users are not counted. */
static inline int entry_open(
	struct grant_entry_v1 *e, uint32_t ref, domid_t dom, enum grant_use use, void **page)
{
	uint32_t frame;
	int rc = entry_take(e, dom, use);

	if (rc)
		return rc;
	frame = __atomic_load_n(&e->frame, __ATOMIC_SEQ_CST);
	*page = edge_gmem(frame * SK_PAGE_SIZE, SK_PAGE_SIZE); /* GRANT2 */
	if (*page)
		return GNTST_okay;
	entry_put(e, ref);
	return GNTST_bad_page;
}

static inline void entry_close(
	struct grant_entry_v1 *e, uint32_t ref, enum grant_use use, const void *page)
{
	if (use == GRANT_WRITE)
		edge_gmem_wrote(page, SK_PAGE_SIZE);
	entry_put(e, ref);
}

int grant_acquire(uint32_t ref, domid_t dom, enum grant_use use, void **page)
{
	struct grant_entry_v1 *e = entry_of(ref);
	uint16_t *users = use == GRANT_WRITE ? xen_dom.grant_writers : xen_dom.grant_readers;
	int rc;

	if (!e)
		return GNTST_bad_gntref;
	if (users[ref] == UINT16_MAX)
		return GNTST_no_space;
	rc = entry_open(e, ref, dom, use, page);
	users[ref] += rc == GNTST_okay;
	return rc;
}

void grant_release(uint32_t ref, enum grant_use use, const void *page)
{
	uint16_t *users = use == GRANT_WRITE ? xen_dom.grant_writers : xen_dom.grant_readers;

	users[ref]--;
	entry_close(entry_of(ref), ref, use, page);
}

int grant_map(uint32_t ref, enum grant_use use, void **page)
{
	int rc;

	mutex_lock(&xen_dom.mem_lock);
	rc = grant_acquire(ref, 0, use, page);
	mutex_unlock(&xen_dom.mem_lock);
	return rc;
}

void grant_unmap(uint32_t ref, enum grant_use use, const void *page)
{
	mutex_lock(&xen_dom.mem_lock);
	grant_release(ref, use, page);
	mutex_unlock(&xen_dom.mem_lock);
}

/* Copy between a part and `data`. It ends under the same lock, so it counts as no user. */
static inline int part_copy(const struct grant_part *p, enum grant_use use, uint8_t *data)
{
	struct grant_entry_v1 *e = entry_of(p->ref);
	void *page;
	int rc;

	if (p->offset > SK_PAGE_SIZE || p->len > SK_PAGE_SIZE - p->offset)
		return GNTST_bad_copy_arg;
	rc = e ? entry_open(e, p->ref, 0, use, &page) : GNTST_bad_gntref;
	if (rc)
		return rc;
	if (use == GRANT_WRITE)
		memcpy((uint8_t *)page + p->offset, data, p->len);
	else
		memcpy(data, (uint8_t *)page + p->offset, p->len);
	entry_close(e, p->ref, use, page);
	return GNTST_okay;
}

static inline int parts_copy(
	const struct grant_part *p, uint32_t n, enum grant_use use, uint8_t *data)
{
	int rc = GNTST_okay;

	mutex_lock(&xen_dom.mem_lock);
	for (uint32_t i = 0; i < n && !rc; i++) {
		rc = part_copy(&p[i], use, data);
		data += rc ? 0 : p[i].len;
	}
	mutex_unlock(&xen_dom.mem_lock);
	return rc;
}

int grant_read_parts(const struct grant_part *parts, uint32_t n, void *dst)
{
	return parts_copy(parts, n, GRANT_READ, dst);
}

int grant_write_parts(const struct grant_part *parts, uint32_t n, const void *src)
{
	return parts_copy(parts, n, GRANT_WRITE, (uint8_t *)(uintptr_t)src);
}

int grant_read(uint32_t ref, uint32_t offset, void *dst, uint32_t len)
{
	return grant_read_parts(&(struct grant_part){ ref, offset, len }, 1, dst);
}

int grant_write(uint32_t ref, uint32_t offset, const void *src, uint32_t len)
{
	return grant_write_parts(&(struct grant_part){ ref, offset, len }, 1, src);
}

void grants_wrote(void)
{
	mutex_lock(&xen_dom.mem_lock);
	for (uint32_t ref = 0; ref < xen_dom.n_grant_frames * ENTRIES; ref++) {
		const struct grant_entry_v1 *e = entry_of(ref);
		const void *page = xen_dom.grant_writers[ref] ? guest_frame(READ_ONCE(e->frame))
							      : NULL;

		if (page)
			edge_gmem_wrote(page, SK_PAGE_SIZE);
	}
	mutex_unlock(&xen_dom.mem_lock);
}
