/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hostlog.h - the log of the host: what the kernel and the host's own domains say
 */
#ifndef CONSOLE_HOSTLOG_H
#define CONSOLE_HOSTLOG_H

#include "textlog.h"

extern struct textlog host_log;
/*
 * What init says, again: shown whatever is in the foreground (a domain failed, the machine goes
 * down).
 */
extern struct textlog urgent_log;

/* 0 or -SK_E_*; the kernel's own log is mapped. */
int hostlog_init(void) must_check;
/* Take over what the kernel has said since the last call. */
void hostlog_kernel(void);

#endif
