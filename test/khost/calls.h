/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * calls.h - system calls with arguments that mean something
 */
#ifndef KHOST_CALLS_H
#define KHOST_CALLS_H

#include "thread.h"

struct call {
	unsigned int nr;
	uint64_t arg[6];
};

/*
 * The next call of t, and what its UTCB says. safe: nothing that makes t wait or that stops it;
 * meet: a call is half done, so look for what it is at.
 */
struct call call_choose(struct thread *t, bool safe, bool meet);
const char *call_name(unsigned int nr);

#endif
