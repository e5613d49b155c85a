/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * core.h - an ELF core of the guest, written piece by piece
 *
 * Format      the sections of Xen (docs/misc/dump-core-format.txt), for crash and Xen's own
 *             tools, and the segments of an ordinary core, for gdb and readelf. Both name the
 *             same pages. A segment's address is that of the guest's physical memory. Each
 *             vCPU is a thread. A page that the guest does not have, between others, is zero,
 *             and its number in .xen_pfn is CORE_NO_PFN.
 * Layout      CORE_HEAD bytes: the ELF header and program headers, which come last; then notes,
 *             .xen_prstatus, section headers; .xen_pfn; .xen_pages. The last two begin at a
 *             page.
 */
#ifndef VMM_CORE_H
#define VMM_CORE_H

#include "save/stream.h"

enum {
	CORE_HEAD = 4096,
	/* Runs of pages, each of which is a segment; and how many missing pages end one. */
	CORE_RUNS = 64,
	CORE_GAP = 512,
};
#define CORE_NO_PFN UINT64_MAX

struct core_run {
	uint64_t gfn, pages;
};

struct core_out {
	struct stream_source src;
	struct core_run run[CORE_RUNS];
	uint32_t n_runs;
	uint64_t n_pages;
	/* Places in the file: where sections begin, and the next byte to write. */
	uint64_t pfn_at, pages_at, size, at;
	/* The next page of the section that is being written. */
	uint32_t next_run;
	uint64_t next_page;
	uint8_t head[CORE_HEAD];
	uint32_t meta_size;
	uint8_t meta[] __attribute__((aligned(8))); /* core_out_size() says how many */
};

/* Of a guest with so many vCPUs. */
uint32_t core_out_size(uint32_t n_vcpus);
/* -SK_E_LIMIT: its memory is in more than CORE_RUNS pieces. c->head is complete then. */
int core_begin(struct core_out *c, const struct stream_source *src) must_check;
/* The next bytes behind the head, at most `size`; returns how many, 0 at the end. */
uint32_t core_fill(struct core_out *c, uint8_t *buf, uint32_t size);

#endif
