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
 * Choose the next call of t, and fill its UTCB. safe: no call that makes t wait or stops it.
 * meet: another call is half done, so prefer the objects that it is working on.
 */
struct call call_choose(struct thread *t, bool safe, bool meet);
const char *call_name(unsigned int nr);

#endif
