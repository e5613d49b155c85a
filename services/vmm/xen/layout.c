/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout.c - translation of structures between the layouts of 32-bit and 64-bit code
 *
 * Objects     a table of members for each structure, made from the lists of layout.h.
 * Invariants  COMPAT1 every member lies inside its structure in both layouts
 */
#include "xen/layout.h"

#include <string.h>

#include "base/array.h"

#define FIELD(s, type, name, member) \
	{ offsetof(struct s, member), offsetof(struct compat_##s, name), \
		sizeof(((struct s *)0)->member), sizeof(type) },
#define TABLE(s) \
	static const struct layout_field fields_##s[] = { LAYOUT_##s(FIELD, s) }; \
	const struct layout layout_##s = { \
		fields_##s, \
		ARRAY_SIZE(fields_##s), \
		sizeof(struct s), \
		sizeof(struct compat_##s), \
	};
LAYOUTS(TABLE)

/* x86 is little-endian: the low bytes of a member come first. */
static uint8_t common_size(const struct layout_field *f)
{
	return f->size < f->compat_size ? f->size : f->compat_size;
}

void layout_widen(const struct layout *l, void *dst, const void *src)
{
	const struct layout_field *f;

	memset(dst, 0, l->size);
	for (f = l->field; f < l->field + l->n_fields; f++)
		memcpy((uint8_t *)dst + f->at, (const uint8_t *)src + f->compat_at,
			common_size(f));
}

void layout_narrow(const struct layout *l, void *dst, const void *src)
{
	const struct layout_field *f;

	memset(dst, 0, l->compat_size);
	for (f = l->field; f < l->field + l->n_fields; f++)
		memcpy((uint8_t *)dst + f->compat_at, (const uint8_t *)src + f->at,
			common_size(f));
}
