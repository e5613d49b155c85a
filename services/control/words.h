/* words.h - a shell line into words */
#ifndef CONTROL_WORDS_H
#define CONTROL_WORDS_H

#include "msg.h"

enum { WORDS_MAX = 64 };

/*
 * Split in place: blanks separate; '...' keeps everything, "..." keeps blanks, a backslash the
 * next character. # at the start of a word begins a comment. argv gets at most WORDS_MAX words
 * and a NULL. The number of words, or -1 with *m.
 */
int words_split(char *line, char *argv[WORDS_MAX + 1], struct msg *m);

#endif
