/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal.c - undoing what a guest's console did to the user's terminal
 *
 * Sequences are those of ECMA-48 and of DEC's and xterm's terminals. In this order: an
 * unfinished sequence and an unfinished string end; not the alternate screen; no scrolling
 * region (which moves the cursor: it is put back); a soft reset; ASCII instead of line drawing;
 * no colours; a cursor; wrapping at the right, no inserting; ordinary cursor and number keys;
 * no reports of the mouse; nothing around what is pasted.
 */
#include "terminal.h"

#include <string.h>

const char terminal_reset[] = "\x18\033\\"
			      "\033[?1047l"
			      "\0337\033[r\0338"
			      "\033[!p"
			      "\033(B\x0f"
			      "\033[m"
			      "\033[?25h"
			      "\033[?7h\033[4l"
			      "\033[?1l\033>"
			      "\033[?1000l\033[?1002l\033[?1003l\033[?1006l"
			      "\033[?2004l";

bool terminal_changes(const char *text, size_t len)
{
	return memchr(text, '\033', len) || memchr(text, '\x0e', len);
}
