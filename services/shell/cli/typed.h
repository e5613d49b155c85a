/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * typed.h - configurations that were typed in the shell, in memory that outlives it
 *
 * The memory is `configs` of kept-memory in the manifest: TYPED_SLOTS slots of TYPED_SLOT
 * bytes. A text replaces that of the same name only when it is complete.
 */
#ifndef SHELL_TYPED_H
#define SHELL_TYPED_H

#include <stddef.h>
#include <stdint.h>

#include "toolstack/msg.h"

enum {
	TYPED_SLOTS = 16,
	TYPED_SLOT = 16384,
	TYPED_NAME_MAX = 63,
	TYPED_TEXT_MAX = TYPED_SLOT - 12 - TYPED_NAME_MAX - 1,
};

/* Use the memory that the manifest gives, if it does. */
void typed_open(void);
/* mem: zero, or as an earlier life left it. NULL, or too small: there is no place for any. */
void typed_init(void *mem, size_t size);
/* Keeps the text, of at most TYPED_TEXT_MAX bytes. 0, or -1 with *m: what was there stays. */
int typed_store(const char *name, const char *text, size_t len, struct msg *m);
/* -1 with *m: there is none. */
int typed_remove(const char *name, struct msg *m);
/* The text, valid until the next store or remove; NULL: there is none. */
const char *typed_find(const char *name, size_t *len);
/* The name in the i-th slot; NULL: it is empty. */
const char *typed_name(uint32_t i);

#endif
