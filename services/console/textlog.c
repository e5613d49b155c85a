/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * textlog.c - a bounded log of text
 *
 * Invariants  TEXTLOG1 the byte at position p is bytes[p % size], for textlog_start() <= p <
 *                      end.
 *             TEXTLOG2 this holds for the positions in the head at every moment, because this
 *                      domain may be stopped between any two instructions: text is given up
 *                      before it is overwritten, and counted after it was written
 */
#include "textlog.h"

#include <stdlib.h>
#include <string.h>

#define TEXTLOG_MAGIC 0x676f6c74786574ull /* "textlog" */
/* No log gets so far; positions beyond would wrap. */
#define TEXTLOG_END_MAX (1ull << 62)

int textlog_init(struct textlog *l, size_t size)
{
	*l = (struct textlog){ .bytes = malloc(size), .allocated = true, .size = size };
	return l->bytes ? 0 : -SK_E_NO_MEM;
}

/* TEXTLOG2. The stores stay in this order. */
static void head_store(uint64_t *field, uint64_t position)
{
	__atomic_store_n(field, position, __ATOMIC_RELEASE);
	__atomic_signal_fence(__ATOMIC_SEQ_CST);
}

static bool head_place(struct textlog *l, void *mem, size_t size)
{
	if (!mem || size <= sizeof(*l->head))
		return false;
	*l = (struct textlog){ .bytes = (char *)mem + sizeof(*l->head),
		.head = mem,
		.size = size - sizeof(*l->head) };
	return true;
}

int textlog_init_at(struct textlog *l, void *mem, size_t size)
{
	if (!head_place(l, mem, size))
		return -SK_E_INVAL;
	*l->head = (struct textlog_head){ .magic = TEXTLOG_MAGIC };
	return 0;
}

bool textlog_resume(struct textlog *l, void *mem, size_t size)
{
	struct textlog_head h;

	if (!head_place(l, mem, size))
		return false;
	h = *l->head;
	if (h.magic != TEXTLOG_MAGIC || h.end > TEXTLOG_END_MAX || h.first > h.end ||
		h.seen > h.end) {
		*l->head = (struct textlog_head){ .magic = TEXTLOG_MAGIC };
		return false;
	}
	l->first = h.first;
	l->end = h.end;
	l->seen = h.seen;
	return true;
}

void textlog_note(struct textlog *l, uint64_t seen)
{
	l->seen = seen;
	if (l->head)
		head_store(&l->head->seen, seen);
}

void textlog_move(struct textlog *l, void *bytes)
{
	l->bytes = memcpy(bytes, l->bytes, l->size);
	l->head = NULL;
}

void textlog_fini(struct textlog *l)
{
	if (l->allocated)
		free(l->bytes);
	l->bytes = NULL;
}

void textlog_forget(struct textlog *l, uint64_t pos)
{
	if (pos <= l->first || pos > l->end)
		return;
	l->first = pos;
	if (l->head)
		head_store(&l->head->first, l->first);
}

void textlog_clear(struct textlog *l) { textlog_forget(l, l->end); }

/*
 * Where len bytes from position pos on lie: *first of them at bytes[*at], the rest at bytes[0].
 */
static void part(const struct textlog *l, uint64_t pos, size_t len, size_t *at, size_t *first)
{
	*at = pos % l->size;
	*first = len < l->size - *at ? len : l->size - *at;
}

void textlog_write(struct textlog *l, const char *text, size_t len)
{
	size_t at, first;
	uint64_t kept;

	if (len > l->size) { /* only the last `size` bytes can stay */
		l->end += len - l->size;
		text += len - l->size;
		len = l->size;
	}
	kept = l->end + len > l->size ? l->end + len - l->size : 0;
	if (l->head && kept > l->first)
		head_store(&l->head->first, kept < l->end ? kept : l->end); /* TEXTLOG2 */
	part(l, l->end, len, &at, &first);
	memcpy(l->bytes + at, text, first);
	memcpy(l->bytes, text + first, len - first);
	l->end += len;
	if (l->head)
		head_store(&l->head->end, l->end);
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
