/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal.c - undoing what a guest's console did to the user's terminal
 *
 * The sequences are those of ECMA-48 and of the terminals of DEC and xterm. In this order, they
 * end an unfinished sequence and an unfinished string; leave the alternate screen; remove the
 * scrolling region, which moves the cursor, so it is saved and restored; do a soft reset;
 * select ASCII instead of line drawing; remove colours; show the cursor; wrap long lines and
 * stop inserting; select ordinary cursor and number keys; end reports of the mouse; end
 * bracketed paste.
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
