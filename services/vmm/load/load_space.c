/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_space.c - low guest RAM while it is being filled, and the text of an error
 *
 * Objects     struct load_space: segments are filled in from below, working memory is taken
 *             from above.
 * Invariants  LOADSPACE1 floor <= top <= size: segments and working memory never overlap
 */
#include "load/load_space.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

int load_fail(struct load_error *e, const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(e->text, sizeof(e->text), fmt, ap);
	va_end(ap);
	return -SK_E_INVAL;
}

void load_space_init(struct load_space *sp, uint8_t *ram, uint64_t size)
{
	*sp = (struct load_space){ .ram = ram, .size = size, .top = size };
}

void *load_scratch(struct load_space *sp, uint64_t size)
{
	uint64_t top;

	if (size > sp->top)
		return NULL;
	top = (sp->top - size) & ~63ull;
	if (top < sp->floor) /* LOADSPACE1 */
		return NULL;
	sp->top = top;
	return load_at(sp, top, size);
}

void *load_at(struct load_space *sp, uint64_t at, uint64_t size)
{
	if (at > sp->size || size > sp->size - at)
		return NULL;
	if (size && sp->touch)
		(void)sp->touch(at, size);
	return sp->ram + at;
}

void load_space_clear(struct load_space *sp)
{
	memset(sp->ram + sp->top, 0, sp->size - sp->top);
	sp->top = sp->size;
}
