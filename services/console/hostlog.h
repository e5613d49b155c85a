/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostlog.h - the log of the host: what the kernel and the host's own domains say
 */
#ifndef CONSOLE_HOSTLOG_H
#define CONSOLE_HOSTLOG_H

#include "textlog.h"

extern struct textlog host_log;
/*
 * A second copy of what init says, which is shown whatever is in the foreground: for
 * instance, that a domain failed or that the machine goes down.
 */
extern struct textlog urgent_log;

/*
 * Makes the two logs, or goes on with that of an earlier life (kept.h), and maps the kernel's
 * own log. 0 or -SK_E_*.
 */
int hostlog_init(void) must_check;
/* Copy what the kernel has logged since the last call. */
void hostlog_kernel(void);
/* A line of this domain itself, which has no other log. */
void hostlog_say(const char *line);

#endif
