/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * textlog.c - a bounded log of text
 *
 * Invariants  TEXTLOG1 the byte at position p is bytes[p % size], for textlog_start() <= p <
 *                      end.
 */
#include "textlog.h"

#include <stdlib.h>
#include <string.h>

int textlog_init(struct textlog *l, size_t size)
{
	*l = (struct textlog){ .bytes = malloc(size), .allocated = true, .size = size };
	return l->bytes ? 0 : -SK_E_NO_MEM;
}

int textlog_init_at(struct textlog *l, void *bytes, size_t size)
{
	if (!bytes || !size || size & (size - 1))
		return -SK_E_INVAL;
	*l = (struct textlog){ .bytes = bytes, .size = size };
	return 0;
}

void textlog_move(struct textlog *l, void *bytes)
{
	l->bytes = memcpy(bytes, l->bytes, l->size);
}

void textlog_fini(struct textlog *l)
{
	if (l->allocated)
		free(l->bytes);
	l->bytes = NULL;
}

void textlog_clear(struct textlog *l) { l->first = l->end; }

/*
 * Where len bytes from position pos on lie: *first of them at bytes[*at], the rest at bytes[0].
 */
static void part(const struct textlog *l, uint64_t pos, size_t len, size_t *at, size_t *first)
{
	*at = pos & (l->size - 1);
	*first = len < l->size - *at ? len : l->size - *at;
}

void textlog_write(struct textlog *l, const char *text, size_t len)
{
	size_t at, first;

	if (len > l->size) { /* only the last `size` bytes can stay */
		l->end += len - l->size;
		text += len - l->size;
		len = l->size;
	}
	part(l, l->end, len, &at, &first);
	memcpy(l->bytes + at, text, first);
	memcpy(l->bytes, text + first, len - first);
	l->end += len;
}

uint64_t textlog_start(const struct textlog *l)
{
	uint64_t oldest = l->end > l->size ? l->end - l->size : 0;

	return oldest > l->first ? oldest : l->first;
}

size_t textlog_read(const struct textlog *l, uint64_t *pos, char *out, size_t max)
{
	size_t at, first, len;

	if (*pos < textlog_start(l))
		*pos = textlog_start(l);
	len = l->end - *pos < max ? l->end - *pos : max;
	part(l, *pos, len, &at, &first);
	memcpy(out, l->bytes + at, first);
	memcpy(out + first, l->bytes, len - first);
	*pos += len;
	return len;
}
