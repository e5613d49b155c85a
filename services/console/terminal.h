/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * terminal.h - what a guest's console may leave behind at the user's terminal, and how to undo
 * it
 */
#ifndef CONSOLE_TERMINAL_H
#define CONSOLE_TERMINAL_H

#include <stdbool.h>
#include <stddef.h>

/*
 * Brings a terminal back from whatever state; those that do not know a sequence ignore it. The
 * cursor stays.
 */
extern const char terminal_reset[];
/* May this text have changed its state? */
bool terminal_changes(const char *text, size_t len);

#endif
