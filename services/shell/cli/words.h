/* SPDX-License-Identifier: BSD-2-Clause */
/* words.h - a shell line into words */
#ifndef SHELL_WORDS_H
#define SHELL_WORDS_H

#include "toolstack/msg.h"

enum { WORDS_MAX = 64 };

/* The end of a command. */
enum words_end {
	WORDS_LAST, /* end of the line */
	WORDS_NEXT, /* ; */
	WORDS_PIPE, /* | */
};

/*
 * Split the first command of *line in place: blanks separate; '...' keeps everything, "..."
 * keeps blanks, a backslash the next character. # at the start of a word begins a comment. argv
 * gets at most WORDS_MAX words and a NULL; *line moves past the command, and *end says how the
 * command ended. Characters with a meaning that only a Unix shell has (& < >) are refused.
 * Returns the number of words, or -1 with *m.
 */
int words_split(char **line, char *argv[WORDS_MAX + 1], enum words_end *end, struct msg *m);

#endif
