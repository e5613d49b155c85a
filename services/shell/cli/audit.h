/* SPDX-License-Identifier: BSD-2-Clause */
/* audit.h - lines of the host's log for commands that may change something */
#ifndef SHELL_AUDIT_H
#define SHELL_AUDIT_H

#include "cli/verbs.h"

/* A command is about to run; one that only looks is not noted. */
void audit_begin(const struct verb *v, int argc, char *const *argv);
/* It goes on after its handler returned. */
void audit_goes_on(void);
/* It has ended, with this exit status. */
void audit_end(int status);

#endif
