/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * line.h - the line editor of the shell: bytes in, echo out, a finished line as an event
 *
 * Keys: printable bytes, Backspace, Delete, arrows, Home, End, ^A ^B ^C ^D ^E ^F ^K ^L ^N ^P ^U
 * ^W, Tab.
 */
#ifndef SHELL_LINE_H
#define SHELL_LINE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "out.h"

enum { LINE_LEN_MAX = 8191, LINE_HISTORY = 64, LINE_HISTORY_BYTES = 64 * 1024 };

enum line_event {
	LINE_NONE,
	LINE_ENTER,     /* l->text is a whole line */
	LINE_TOO_LONG,  /* Enter, but some of the text had no room: the line is dropped */
	LINE_INTERRUPT, /* ^C: the line is dropped */
	LINE_EOF,       /* ^D on an empty line */
	LINE_COMPLETE,  /* Tab: find candidates for line_word(), then line_complete() */
};

struct line {
	char text[LINE_LEN_MAX + 1];
	size_t len, cursor;
	const struct out *echo;
	const char *prompt;
	uint32_t seq;   /* changes with every key, so a late completion is noticed */
	uint8_t escape; /* how far into an escape sequence */
	uint8_t number; /* its parameter */
	bool after_cr, listed;
	bool cut; /* something that was typed had no room, and the text was not erased since */
	char *history[LINE_HISTORY];
	uint32_t n_history, next;     /* entries kept; where the next goes */
	size_t history_bytes;         /* of those; at most LINE_HISTORY_BYTES */
	uint32_t back;                /* 0: editing; n: showing the n-th last entry */
	char draft[LINE_LEN_MAX + 1]; /* what was being edited before going back */
};

void line_init(struct line *l, const struct out *echo, const char *prompt);
void line_fini(struct line *l);
/* Begin a new line: empty text, prompt on the terminal. */
void line_start(struct line *l);
/* Show prompt and text again after other output. */
void line_redraw(struct line *l);
enum line_event line_input(struct line *l, uint8_t byte);

/* The word before the cursor: its start within the text. */
size_t line_word(const struct line *l);
/* Candidates for that word, all beginning with it. Inserts what they share, or lists them. */
void line_complete(struct line *l, const char *const *candidates, size_t n);

#endif
