/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal.h - undoing what a guest's console did to the user's terminal
 */
#ifndef CONSOLE_TERMINAL_H
#define CONSOLE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Resets a terminal from any state. Terminals ignore the sequences that they do not know. The
 * cursor stays where it is.
 */
extern const char terminal_reset[];
/* May this text change the state of a terminal? */
bool terminal_changes(const char *text, size_t len);

#endif
