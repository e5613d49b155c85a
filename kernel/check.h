/*
 * check.h - hooks of the checked kernel (make CHECKED=1), which cost nothing in the ordinary one
 *
 * The checked kernel compares what the kernel does with models of what must hold, and panics at the first difference.
 */
#ifndef KERNEL_CHECK_H
#define KERNEL_CHECK_H

#include "arch.h"

#ifdef CHECKED
#define CHECK_ON(cond) BUG_ON(cond)
#else
#define CHECK_ON(cond) ((void)0)
#endif

#endif
