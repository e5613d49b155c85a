/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * conlog.h - what is kept of the consoles of guests, for a reader who is not attached
 *
 * The log of a guest that is there has CONSOLE_LOG_SIZE bytes. When it ends, the last
 * GUESTLOG_SIZE bytes stay, for the last guest of each of PAST_MAX names.
 *
 * A guest's text is hostile: control characters and sequences for terminals are left out, so
 * that the reader's terminal, and the lines that a filter sees, are what they seem to be.
 */
#ifndef CONSOLE_CONLOG_H
#define CONSOLE_CONLOG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "textlog.h"

/* Where the text is between characters of a sequence for terminals. */
enum plain_state { PLAIN_TEXT, PLAIN_ESCAPE, PLAIN_CSI, PLAIN_STRING, PLAIN_STRING_ESCAPE };
/*
 * Copy text without control characters other than newline and tab, and without sequences for
 * terminals. A newline ends every sequence. Returns the number of bytes in `to`, at most len.
 */
size_t plain_text(enum plain_state *state, const char *text, size_t len, char *to);

/* The guest has ended; its log goes away. */
void conlog_keep(const char *name, uint32_t domid, const struct textlog *log);

/*
 * Begin to read: the log of a guest that is there, or (NULL) of one that has ended, by its
 * number or, if that is 0 or unknown, by its name. False: nothing of it is kept.
 */
bool conlog_begin(const struct textlog *live, uint32_t domid, const char *name);
bool conlog_running(void);
enum { CONLOG_PIECE = 256 };
/*
 * The next piece, which may be empty, and *n, its length; conlog_take() moves past it. False:
 * that was all, and the reading has ended.
 */
bool conlog_peek(char text[CONLOG_PIECE], size_t *n);
void conlog_take(void);
/* The reader has gone. */
void conlog_end(void);

#endif
