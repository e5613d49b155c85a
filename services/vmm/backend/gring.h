/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * gring.h - request/response rings in granted pages (xen/io/ring.h), the back end's side
 */
#ifndef VMM_GRING_H
#define VMM_GRING_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

enum {
	GRING_PAGES = 16,
	GRING_ENTRY_MAX = 128,
};

struct gring {
	uint8_t *page[GRING_PAGES];
	uint32_t ref[GRING_PAGES];
	/* 0: not mapped */
	uint32_t n_pages;
	uint32_t entry_size;
	/* A power of two. */
	uint32_t n_entries;
	/* Our own indices. The shared page's are only written, or read and checked. */
	uint32_t req_cons, rsp_prod, rsp_pushed;
};

/* entry_size <= GRING_ENTRY_MAX. 0 or -SK_E_*. Starts at the ring's response index. */
int gring_map(struct gring *r, const uint32_t *refs, uint32_t n_pages,
	uint32_t entry_size) must_check;
void gring_unmap(struct gring *r);

/* The number of requests that wait, or -SK_E_PEER: an impossible index. */
int gring_requests(struct gring *r) must_check;
/*
 * A copy of the request at `index`, which is req_cons or above. The caller advances req_cons.
 */
void gring_get(const struct gring *r, uint32_t index, void *entry, uint32_t len);
/*
 * Before the caller stops: ask for an event with the next request. True: a request arrived in
 * the meantime.
 */
bool gring_final_check(struct gring *r);
/*
 * Ask for an event when the guest has put request number `index`; for rings whose requests are
 * buffers.
 */
void gring_want_request(struct gring *r, uint32_t index);

void gring_put(struct gring *r, const void *response, uint32_t len);
/* Publish the responses. True: the guest wants an event. */
bool gring_push(struct gring *r);

#endif
