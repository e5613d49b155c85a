/* SPDX-License-Identifier: BSD-2-Clause */
/* complete.h - what Tab offers: verbs, guests, domains of the host, files */
#ifndef SHELL_COMPLETE_H
#define SHELL_COMPLETE_H

#include <stdbool.h>

#include "cli/line.h"

/*
 * Complete the word at the cursor, or show what it may be. What control or files must be asked
 * for comes later, if the user waits for it; then `done` is called.
 */
void complete_word(struct line *l, void (*done)(void));
bool complete_waits(void);
/* The user does not wait. */
void complete_leave(void);

#endif
