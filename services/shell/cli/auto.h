/* SPDX-License-Identifier: BSD-2-Clause */
/* auto.h - the guests that start with the host */
#ifndef SHELL_AUTO_H
#define SHELL_AUTO_H

#include <stdint.h>

/*
 * Start the guests of /guests/auto, without the first files that are dealt with, then call fn.
 * When one takes very long, fn is called early, and again at the end.
 */
void auto_start(uint32_t dealt_with, void (*fn)(void));
/*
 * control has begun a new life, and says how many files are dealt with: go on, if it ended
 * while it made one of these guests.
 */
void auto_again(uint32_t dealt_with);

#endif
