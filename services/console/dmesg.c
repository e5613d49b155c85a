/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * dmesg.c - several logs merged into one
 *
 * The logs are written while they are read. Lines that are overwritten before they are read are
 * left out. The oldest line of a log may have lost its beginning; it is left out as well.
 */
#include "dmesg.h"

#include <string.h>

static void add(struct dmesg *d, struct textlog *l)
{
	d->source[d->n++] = (struct dmesg_source){ .log = l, .end = l->end };
}

void dmesg_begin(struct dmesg *d, struct textlog *host, bool forget)
{
	*d = (struct dmesg){ .running = true, .forget = forget };
	add(d, host);
	for (uint32_t i = 0; i < guest_logs.n; i++)
		add(d, &guest_logs.log[i].log);
}

/*
 * Copies the whole line at s->pos, or a later one if that was overwritten. Returns its length;
 * 0: there is none.
 */
static size_t line_at(struct dmesg_source *s, char line[BOOTLOG_TEXT_MAX])
{
	uint64_t at;
	size_t n;
	char *end;

	while (s->pos < s->end) {
		at = s->pos;
		n = textlog_read(s->log, &at, line, BOOTLOG_TEXT_MAX);
		s->pos = at - n;
		end = memchr(line, '\n', n);
		if (!end || s->pos >= s->end)
			break;
		n = (size_t)(end - line) + 1;
		if (bootlog_time(line, n) != UINT64_MAX)
			return n;
		s->pos += n;
	}
	return 0;
}

/* The source whose line is the oldest; NULL: no line is left. */
static struct dmesg_source *oldest(struct dmesg *d)
{
	char text[BOOTLOG_TEXT_MAX];
	struct dmesg_source *best = NULL;

	for (struct dmesg_source *s = d->source; s < d->source + d->n; s++) {
		if (!s->known) {
			size_t n = line_at(s, text);

			s->time = n ? bootlog_time(text, n) : UINT64_MAX;
			s->known = true;
		}
		if (s->time != UINT64_MAX && (!best || s->time < best->time))
			best = s;
	}
	return best;
}

size_t dmesg_peek(struct dmesg *d, char line[BOOTLOG_TEXT_MAX])
{
	struct dmesg_source *s;

	d->taken = 0;
	while (!d->taken && (s = oldest(d)) != NULL) {
		d->next = (uint32_t)(s - d->source);
		d->taken = line_at(s, line);
		s->known = d->taken; /* else it was overwritten meanwhile */
	}
	return d->taken;
}

void dmesg_take(struct dmesg *d)
{
	d->source[d->next].pos += d->taken;
	d->source[d->next].known = false;
}

/* A line that was not complete stays. */
void dmesg_end(struct dmesg *d)
{
	d->running = false;
	for (uint32_t i = 0; d->forget && i < d->n; i++)
		textlog_forget(d->source[i].log, d->source[i].pos);
}
