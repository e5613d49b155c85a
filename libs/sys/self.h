/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * self.h - what a program knows about itself before anything else is set up
 */
#ifndef SYS_SELF_H
#define SYS_SELF_H

#include <stdbool.h>

/* True in the root task, which the kernel started and which has no start-up page. */
bool sys_root(void);
/* Called once, by the start code, before anything else of libs/. */
void sys_root_set(bool root);

#endif
