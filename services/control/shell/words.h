/* words.h - a shell line into words */
#ifndef CONTROL_WORDS_H
#define CONTROL_WORDS_H

#include "msg.h"

enum { WORDS_MAX = 64 };

/* What stands behind a command. */
enum words_end { WORDS_LAST, WORDS_NEXT /* ; */, WORDS_PIPE /* | */ };

/*
 * Split the first command of *line in place: blanks separate; '...' keeps everything, "..." keeps blanks,
 * a backslash the next character. # at the start of a word begins a comment. argv gets at most
 * WORDS_MAX words and a NULL; *line moves behind the command, *end says what it ended with. What a Unix
 * shell would take for something that this one has not (& < >) is refused. The number of words, or -1
 * with *m.
 */
int words_split(char **line, char *argv[WORDS_MAX + 1], enum words_end *end, struct msg *m);

#endif
