/* SPDX-License-Identifier: BSD-2-Clause */
/* format_top.h - the output of top, column by column as in xentop 4.17 */
#ifndef SHELL_FORMAT_TOP_H
#define SHELL_FORMAT_TOP_H

#include "cli/format.h"

struct top_row {
	struct list_row list;
	double cpu_percent;          /* of one CPU */
	uint64_t total_memory;       /* bytes of the machine */
	const struct ctl_guest *has; /* its limits and devices; NULL: the host */
};

/* How many guests and the host there are, in all and in each state. */
struct top_count {
	uint32_t all, running, blocked, paused, crashed, dying, shutdown;
};
void format_top_count(struct top_count *n, const struct list_row *r);
/* The lines above the table; the time is that of the day. */
void format_top_summary(const struct out *o, const struct top_count *n,
	const struct ctl_system *s, uint64_t tsc_hz);

void format_top_head(struct table *t);
/*
 * The columns of a row; full: a long name is not cut. Lines about parts of the guest may
 * follow, then its end.
 */
void format_top_row(struct table *t, const struct top_row *r, bool full);
void format_top_vcpus(struct table *t, const struct ctl_dom *d);
void format_top_nets(struct table *t, const struct ctl_guest *g);
void format_top_vbds(struct table *t, const struct ctl_guest *g);
void format_top_row_end(struct table *t);

#endif
