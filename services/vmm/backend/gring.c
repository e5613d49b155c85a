/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gring.c - request/response rings in pages that the guest granted
 *
 * Objects     struct gring: one ring, over 1 to GRING_PAGES pages that need not lie next to
 *             each other.
 * Locks       none: I/O thread.
 * Lifecycle   From gring_map() to gring_unmap().
 * Invariants  GRING1 our indices are private; the guest's req_prod is read once and
 *                    range-checked
 *             GRING2 outstanding responses never exceed the requests taken, so a response
 *                    always fits
 */
#include "backend/gring.h"

#include <string.h>

#include "guest.h"
#include "xen/grant.h"

/* Offsets in the first page. */
enum {
	REQ_PROD = 0,
	REQ_EVENT = 4,
	RSP_PROD = 8,
	RSP_EVENT = 12,
	ENTRIES = 64,
};

static uint32_t index_read(const struct gring *r, uint32_t at)
{
	return __atomic_load_n((uint32_t *)(void *)(r->page[0] + at), __ATOMIC_ACQUIRE);
}

static void index_write(struct gring *r, uint32_t at, uint32_t v)
{
	__atomic_store_n((uint32_t *)(void *)(r->page[0] + at), v, __ATOMIC_RELEASE);
}

int gring_map(struct gring *r, const uint32_t *refs, uint32_t n_pages, uint32_t entry_size)
{
	uint32_t n;
	void *page;

	if (!n_pages || n_pages > GRING_PAGES)
		return -SK_E_INVAL;
	memset(r, 0, sizeof(*r));
	r->entry_size = entry_size;
	n = (n_pages * SK_PAGE_SIZE - ENTRIES) / entry_size;
	r->n_entries = 1u << (31 - __builtin_clz(n));
	for (r->n_pages = 0; r->n_pages < n_pages; r->n_pages++) {
		if (grant_map(refs[r->n_pages], GRANT_WRITE, &page)) {
			gring_unmap(r);
			return -SK_E_PEER;
		}
		r->page[r->n_pages] = page;
		r->ref[r->n_pages] = refs[r->n_pages];
	}
	r->rsp_prod = r->rsp_pushed = r->req_cons = index_read(r, RSP_PROD);
	if (gring_requests(r) < 0) {
		gring_unmap(r);
		return -SK_E_PEER;
	}
	return 0;
}

void gring_unmap(struct gring *r)
{
	while (r->n_pages) {
		r->n_pages--;
		grant_unmap(r->ref[r->n_pages], GRANT_WRITE, r->page[r->n_pages]);
	}
}

/* GRING1 */
int gring_requests(struct gring *r)
{
	uint32_t n = index_read(r, REQ_PROD) - r->req_cons;

	/* GRING2: more than fits beside the unanswered requests */
	if (n > r->n_entries - (r->req_cons - r->rsp_prod))
		return -SK_E_PEER;
	return (int)n;
}

void gring_want_request(struct gring *r, uint32_t index)
{
	index_write(r, REQ_EVENT, index + 1);
	/* pairs with the guest's barrier between req_prod and req_event */
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
}

bool gring_final_check(struct gring *r)
{
	gring_want_request(r, r->req_cons);
	return gring_requests(r) != 0;
}

static uint32_t entry_offset(const struct gring *r, uint32_t index)
{
	return ENTRIES + (index & (r->n_entries - 1)) * r->entry_size;
}

/*
 * The bytes from offset `at` that lie in one page, at most len: an entry may cross a page
 * boundary.
 */
static uint8_t *page_part(const struct gring *r, uint32_t at, uint32_t len, uint32_t *n)
{
	*n = SK_PAGE_SIZE - at % SK_PAGE_SIZE < len ? SK_PAGE_SIZE - at % SK_PAGE_SIZE : len;
	return r->page[at / SK_PAGE_SIZE] + at % SK_PAGE_SIZE;
}

void gring_get(const struct gring *r, uint32_t index, void *entry, uint32_t len)
{
	uint32_t at = entry_offset(r, index), n;

	for (uint32_t done = 0; done < len; done += n) {
		const uint8_t *part = page_part(r, at + done, len - done, &n);

		memcpy((uint8_t *)entry + done, part, n);
	}
	__atomic_signal_fence(__ATOMIC_SEQ_CST); /* the copy is checked, not the original */
}

void gring_put(struct gring *r, const void *response, uint32_t len)
{
	uint32_t at = entry_offset(r, r->rsp_prod++), n;

	for (uint32_t done = 0; done < len; done += n) {
		uint8_t *part = page_part(r, at + done, len - done, &n);

		memcpy(part, (const uint8_t *)response + done, n);
	}
}

bool gring_push(struct gring *r)
{
	uint32_t old = r->rsp_pushed, new = r->rsp_prod;

	if (old == new)
		return false;
	index_write(r, RSP_PROD, new);
	r->rsp_pushed = new;
	__atomic_thread_fence(__ATOMIC_SEQ_CST);
	return new - index_read(r, RSP_EVENT) < new - old;
}
