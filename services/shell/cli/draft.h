/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * draft.h - what a guest is to be: from a file, or from a text that was typed, to its meaning
 */
#ifndef SHELL_DRAFT_H
#define SHELL_DRAFT_H

#include <sk/types.h>

#include "config/guest_cfg.h"
#include "out.h"

struct draft;

/*
 * text: why there is no configuration; NULL: d has one. The draft is the receiver's, who frees
 * it; without a configuration d is NULL.
 */
typedef void (*draft_fn)(void *ctx, struct draft *d, const char *text);

struct draft_request {
	/*
	 * A name without a leading / is below GUESTS_DIR. NULL: what the guest on the image was
	 * saved with.
	 */
	const char *file;
	const char *image;      /* the partition with a saved guest; NULL: it boots */
	char *const *overrides; /* key=value, copied */
	int n_overrides;
	const struct out *mistakes; /* all of them are printed there */
	const struct out *remarks;  /* printed there when there are no mistakes */
	draft_fn fn;
	void *ctx;
};

/* 0: fn will be called; -1 with *m: it will not. */
int draft_begin(const struct draft_request *r, struct msg *m) must_check;
const struct guest_config *draft_config(const struct draft *d);
/* The label of the image; empty: there is none. */
const char *draft_image(const struct draft *d);
/* Put the line of the file before a text that is about what this line names. */
void draft_blame(const struct draft *d, struct msg *m);
void draft_free(struct draft *d);

#endif
