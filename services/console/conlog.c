/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conlog.c - what is kept of the consoles of guests, for a reader who is not attached
 *
 * Objects     reading: the log that is being read.
 * Invariants  CONLOG1 a reading ends at the end that the log had when it began, so a guest that
 *                     prints without pause does not keep it going
 */
#include "conlog.h"

#include "guestlog.h"

static struct {
	const struct textlog *log; /* NULL: none is being read */
	uint64_t pos, end;
	enum plain_state state;
	bool mid_line; /* the text so far has no newline at its end */
	/* After the piece that conlog_peek() returned. */
	uint64_t next_pos;
	enum plain_state next_state;
	bool next_mid_line;
} reading;

/* ---- text without sequences for terminals ---- */

static enum plain_state plain_next(enum plain_state s, char c)
{
	if (c == '\n')
		return PLAIN_TEXT;
	if (c == '\033' && s != PLAIN_STRING)
		return PLAIN_ESCAPE;
	switch (s) {
	case PLAIN_ESCAPE:
		if (c == '[')
			return PLAIN_CSI;
		/* strings that a program or the system sends to the terminal */
		if (c == ']' || c == 'P' || c == 'X' || c == '^' || c == '_')
			return PLAIN_STRING;
		return c >= 0x20 && c <= 0x2f ? PLAIN_ESCAPE : PLAIN_TEXT;
	case PLAIN_CSI:
		return c >= 0x40 && c <= 0x7e ? PLAIN_TEXT : PLAIN_CSI;
	case PLAIN_STRING:
		return c == '\033' ? PLAIN_STRING_ESCAPE
		       : c == '\a' ? PLAIN_TEXT
				   : PLAIN_STRING;
	case PLAIN_STRING_ESCAPE:
		return c == '\\' ? PLAIN_TEXT : PLAIN_STRING;
	default:
		return PLAIN_TEXT;
	}
}

static bool shows(enum plain_state before, char c)
{
	const unsigned char u = (unsigned char)c;

	return c == '\n' || (before == PLAIN_TEXT && (c == '\t' || (u >= 0x20 && u != 0x7f)));
}

size_t plain_text(enum plain_state *state, const char *text, size_t len, char *to)
{
	size_t n = 0;

	for (size_t i = 0; i < len; i++) {
		if (shows(*state, text[i]))
			to[n++] = text[i];
		*state = plain_next(*state, text[i]);
	}
	return n;
}

/* ---- guests that have ended ---- */

static void tail_copy(struct textlog *to, const struct textlog *from)
{
	uint64_t pos = from->end > to->size ? from->end - to->size : 0;
	char text[CONLOG_PIECE];
	size_t n;

	while ((n = textlog_read(from, &pos, text, sizeof(text))) != 0)
		textlog_write(to, text, n);
}

void conlog_keep(const char *name, uint32_t domid, const struct textlog *log)
{
	struct guestlog *g = guestlog_open(&past_consoles, name, domid);

	if (!g)
		return;
	textlog_clear(&g->log);
	tail_copy(&g->log, log);
	guestlog_close(g);
	if (reading.log == log) { /* what is left of it is the end of the copy, too */
		const uint64_t left = log->end - reading.pos, end = g->log.end;

		reading.end = end - (log->end - reading.end);
		reading.pos = left < end ? end - left : 0;
		reading.log = &g->log;
	}
}

/* ---- reading ---- */

bool conlog_begin(const struct textlog *live, uint32_t domid, const char *name)
{
	const struct guestlog *g = NULL;

	if (!live && domid)
		g = guestlog_of(&past_consoles, domid);
	if (!live && !g)
		g = guestlog_named(&past_consoles, name);
	conlog_end();
	reading.log = live ? live : g ? &g->log : NULL;
	if (!reading.log)
		return false;
	reading.pos = textlog_start(reading.log);
	reading.end = reading.log->end; /* CONLOG1 */
	reading.state = PLAIN_TEXT;
	reading.mid_line = false;
	return true;
}

bool conlog_running(void) { return reading.log != NULL; }

void conlog_end(void) { reading.log = NULL; }

bool conlog_peek(char text[CONLOG_PIECE], size_t *n)
{
	char raw[CONLOG_PIECE];
	uint64_t at = reading.pos;
	size_t len = textlog_read(reading.log, &at, raw, sizeof(raw));

	if (at > reading.end && len) { /* CONLOG1 */
		len = at - reading.end < len ? len - (size_t)(at - reading.end) : 0;
		at = reading.end;
	}
	reading.next_pos = at;
	reading.next_state = reading.state;
	*n = plain_text(&reading.next_state, raw, len, text);
	reading.next_mid_line = *n ? text[*n - 1] != '\n' : reading.mid_line;
	if (len)
		return true;
	if (reading.mid_line) { /* so that what follows begins a line */
		text[0] = '\n';
		*n = 1;
		reading.next_mid_line = false;
		return true;
	}
	conlog_end();
	return false;
}

void conlog_take(void)
{
	reading.pos = reading.next_pos;
	reading.state = reading.next_state;
	reading.mid_line = reading.next_mid_line;
}
