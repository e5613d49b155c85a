/* SPDX-License-Identifier: BSD-2-Clause */
/* path.h - names of files as people type them */
#ifndef SHELL_PATH_H
#define SHELL_PATH_H

#include <stddef.h>

#include "toolstack/msg.h"

/* Where guests' files are: the shell's one working directory. */
#define GUESTS_DIR "/guests"

/*
 * The full path in to[size]: a name without a leading / is one below GUESTS_DIR. 0, or -1 with
 * *m.
 */
int path_full(char *to, size_t size, const char *name, struct msg *m);

#endif
