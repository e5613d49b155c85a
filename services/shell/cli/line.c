/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line.c - the line editor, a state machine over bytes
 *
 * Objects     struct line.
 * Lifecycle   line_init; per line: line_start, line_input until an event; line_fini frees the
 *             history.
 * Invariants  LINE1 cursor <= len <= LINE_LEN_MAX, text[len] is 0
 *             LINE2 the terminal's cursor stands at `cursor`
 *             LINE3 the cursor never stands inside a UTF-8 sequence
 *             LINE4 a text that lacks something that was typed is never returned as a line
 */
#include "cli/line.h"

#include <stdlib.h>
#include <string.h>

enum { ESC_NONE, ESC_START, ESC_CSI, ESC_SS3 };

#define CTRL(c) ((c)&0x1f)

static bool utf8_continues(char c) { return ((unsigned char)c & 0xc0) == 0x80; }

static size_t text_columns(const char *text, size_t len)
{
	size_t n = 0;

	while (len--)
		n += !utf8_continues(*text++);
	return n;
}

static void echo_repeat(struct line *l, const char *text, size_t n)
{
	while (n--)
		out_str(l->echo, text);
}

static void bell(struct line *l) { out_str(l->echo, "\a"); }

void line_init(struct line *l, const struct out *echo, const char *prompt)
{
	memset(l, 0, sizeof(*l));
	l->echo = echo;
	l->prompt = prompt;
}

void line_fini(struct line *l)
{
	for (uint32_t i = 0; i < LINE_HISTORY; i++)
		free(l->history[i]);
	memset(l->history, 0, sizeof(l->history));
	l->n_history = 0;
	l->history_bytes = 0;
}

static void cursor_move(struct line *l, size_t cursor)
{
	if (cursor < l->cursor)
		echo_repeat(l, "\b", text_columns(l->text + cursor, l->cursor - cursor));
	else
		out_bytes(l->echo, l->text + l->cursor, cursor - l->cursor);
	l->cursor = cursor; /* LINE2 */
}

static size_t cursor_left(const struct line *l)
{
	size_t at = l->cursor;

	while (at > 0 && utf8_continues(l->text[--at]))
		continue;
	return at;
}

static size_t cursor_right(const struct line *l)
{
	size_t at = l->cursor;

	if (at < l->len)
		at++;
	while (at < l->len && utf8_continues(l->text[at]))
		at++;
	return at;
}

/* Remove [from, to), leaving the cursor at `from`. */
static void text_erase(struct line *l, size_t from, size_t to)
{
	size_t gone = text_columns(l->text + from, to - from), tail;

	cursor_move(l, from);
	memmove(l->text + from, l->text + to, l->len - to + 1);
	l->len -= to - from;
	l->cut = l->cut && l->len;
	out_str(l->echo, l->text + from);
	echo_repeat(l, " ", gone);
	tail = text_columns(l->text + from, l->len - from);
	echo_repeat(l, "\b", gone + tail);
}

static void text_insert(struct line *l, const char *text, size_t len)
{
	if (len > LINE_LEN_MAX - l->len) {
		bell(l);
		return;
	}
	memmove(l->text + l->cursor + len, l->text + l->cursor, l->len - l->cursor + 1);
	memcpy(l->text + l->cursor, text, len);
	l->len += len;
	l->cursor += len;
	out_bytes(l->echo, text, len);
	if (l->cursor < l->len) {
		out_str(l->echo, l->text + l->cursor);
		echo_repeat(l, "\b", text_columns(l->text + l->cursor, l->len - l->cursor));
	}
}

static void text_replace(struct line *l, const char *text)
{
	text_erase(l, 0, l->len);
	text_insert(l, text, strlen(text));
}

void line_redraw(struct line *l)
{
	size_t cursor = l->cursor;

	out_str(l->echo, l->prompt);
	l->cursor = 0;
	cursor_move(l, l->len);
	cursor_move(l, cursor);
}

void line_start(struct line *l)
{
	l->len = l->cursor = 0;
	l->text[0] = '\0';
	l->cut = false;
	l->back = 0;
	l->escape = ESC_NONE;
	line_redraw(l);
}

static const char *history_entry(const struct line *l, uint32_t back)
{
	return l->history[(l->next + LINE_HISTORY - back) % LINE_HISTORY];
}

static void history_drop_oldest(struct line *l)
{
	uint32_t i = (l->next + LINE_HISTORY - l->n_history) % LINE_HISTORY;

	l->history_bytes -= strlen(l->history[i]) + 1;
	free(l->history[i]);
	l->history[i] = NULL;
	l->n_history--;
}

static void history_add(struct line *l)
{
	char *copy;

	if (!l->len || (l->n_history && strcmp(history_entry(l, 1), l->text) == 0))
		return;
	while (l->n_history && (l->n_history == LINE_HISTORY ||
				       l->history_bytes + l->len + 1 > LINE_HISTORY_BYTES))
		history_drop_oldest(l);
	copy = strdup(l->text);
	if (!copy)
		return;
	l->history[l->next] = copy;
	l->next = (l->next + 1) % LINE_HISTORY;
	l->n_history++;
	l->history_bytes += l->len + 1;
}

static void history_show(struct line *l, uint32_t back)
{
	if (back > l->n_history) {
		bell(l);
		return;
	}
	if (l->back == 0)
		memcpy(l->draft, l->text, l->len + 1);
	l->back = back;
	text_replace(l, back ? history_entry(l, back) : l->draft);
}

static void history_newer(struct line *l)
{
	if (l->back)
		history_show(l, l->back - 1);
	else
		bell(l);
}

static void word_erase(struct line *l)
{
	size_t from = l->cursor;

	while (from > 0 && l->text[from - 1] == ' ')
		from--;
	while (from > 0 && l->text[from - 1] != ' ')
		from--;
	text_erase(l, from, l->cursor);
}

static enum line_event line_finish(struct line *l, enum line_event event)
{
	if (event == LINE_ENTER && l->cut)
		event = LINE_TOO_LONG; /* LINE4 */
	cursor_move(l, l->len);
	out_str(l->echo, event == LINE_INTERRUPT ? "^C\n" : "\n");
	if (event == LINE_ENTER)
		history_add(l);
	else
		l->len = l->cursor = 0;
	l->text[l->len] = '\0';
	l->back = 0;
	return event;
}

static void key_escape_final(struct line *l, uint8_t byte)
{
	switch (byte == '~' ? "?HX3FXXHF"[l->number < 9 ? l->number : 0] : byte) {
	case 'A':
		history_show(l, l->back + 1);
		break;
	case 'B':
		history_newer(l);
		break;
	case 'C':
		cursor_move(l, cursor_right(l));
		break;
	case 'D':
		cursor_move(l, cursor_left(l));
		break;
	case 'H':
		cursor_move(l, 0);
		break;
	case 'F':
		cursor_move(l, l->len);
		break;
	case '3':
		text_erase(l, l->cursor, cursor_right(l));
		break;
	default:
		break;
	}
}

static void input_escape(struct line *l, uint8_t byte)
{
	if (l->escape == ESC_START) {
		l->escape = byte == '[' ? ESC_CSI : byte == 'O' ? ESC_SS3 : ESC_NONE;
		l->number = 0;
	} else if (l->escape == ESC_CSI && byte >= '0' && byte <= '9') {
		l->number = l->number < 20 ? (uint8_t)(l->number * 10 + (byte - '0')) : 255;
	} else if (byte >= 0x40 && byte < 0x7f) {
		l->escape = ESC_NONE;
		key_escape_final(l, byte);
	} else if (byte < 0x20) {
		l->escape = ESC_NONE; /* not a sequence after all */
	}
}

static enum line_event input_control(struct line *l, uint8_t byte)
{
	switch (byte) {
	case '\r':
	case '\n':
		return line_finish(l, LINE_ENTER);
	case CTRL('C'):
		return line_finish(l, LINE_INTERRUPT);
	case CTRL('D'):
		if (l->len == 0)
			return LINE_EOF;
		text_erase(l, l->cursor, cursor_right(l));
		break;
	case '\t':
		return LINE_COMPLETE;
	case CTRL('H'):
	case 0x7f:
		text_erase(l, cursor_left(l), l->cursor);
		break;
	case CTRL('A'):
		cursor_move(l, 0);
		break;
	case CTRL('E'):
		cursor_move(l, l->len);
		break;
	case CTRL('B'):
		cursor_move(l, cursor_left(l));
		break;
	case CTRL('F'):
		cursor_move(l, cursor_right(l));
		break;
	case CTRL('K'):
		text_erase(l, l->cursor, l->len);
		break;
	case CTRL('U'):
		text_erase(l, 0, l->cursor);
		break;
	case CTRL('W'):
		word_erase(l);
		break;
	case CTRL('P'):
		history_show(l, l->back + 1);
		break;
	case CTRL('N'):
		history_newer(l);
		break;
	case CTRL('L'):
		out_str(l->echo, "\033[H\033[2J");
		line_redraw(l);
		break;
	case 0x1b:
		l->escape = ESC_START;
		break;
	default:
		break;
	}
	return LINE_NONE;
}

enum line_event line_input(struct line *l, uint8_t byte)
{
	bool after_cr = l->after_cr;
	char c = (char)byte;

	l->seq++;
	l->after_cr = byte == '\r' && !l->escape;
	if (byte != '\t')
		l->listed = false;
	if (l->escape) {
		input_escape(l, byte);
		return LINE_NONE;
	}
	if (byte == '\n' && after_cr)
		return LINE_NONE; /* CR LF is one key */
	if (byte < 0x20 || byte == 0x7f)
		return input_control(l, byte);
	if (utf8_continues(c) && l->cursor == 0)
		return LINE_NONE; /* LINE3 */
	if (l->len < LINE_LEN_MAX) {
		text_insert(l, &c, 1);
	} else {
		if (!l->cut)
			bell(l);
		l->cut = true;
	}
	return LINE_NONE;
}

size_t line_word(const struct line *l)
{
	size_t start = l->cursor;

	while (start && l->text[start - 1] != ' ')
		start--;
	return start;
}

static size_t shared_prefix(const char *const *candidates, size_t n)
{
	size_t len = strlen(candidates[0]), i, k;

	for (i = 1; i < n; i++) {
		for (k = 0; k < len && candidates[i][k] == candidates[0][k]; k++)
			continue;
		len = k;
	}
	while (len && utf8_continues(candidates[0][len]))
		len--;
	return len;
}

static void list_candidates(struct line *l, const char *const *candidates, size_t n)
{
	out_str(l->echo, "\n");
	for (size_t i = 0; i < n; i++)
		out_fmt(l->echo, "%s%s", candidates[i], i + 1 < n ? "  " : "\n");
	line_redraw(l);
}

void line_complete(struct line *l, const char *const *candidates, size_t n)
{
	size_t start = line_word(l), have = l->cursor - start, len;

	if (n == 0) {
		bell(l);
		return;
	}
	len = shared_prefix(candidates, n);
	if (len > have)
		text_insert(l, candidates[0] + have, len - have);
	if (n == 1) {
		if (len && candidates[0][len - 1] != '/')
			text_insert(l, " ", 1);
	} else if (len <= have) {
		if (l->listed)
			list_candidates(l, candidates, n);
		else
			bell(l);
		l->listed = !l->listed;
	}
}
