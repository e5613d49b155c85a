/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hooks.h - included before every source of the kernel in the explorer's build
 *
 * Pauses let another CPU run, and locks report which CPU takes them. Accesses to memory are
 * instrumented by the compiler (-fsanitize=thread, hooks.c).
 */
#ifndef KHOST_HOOKS_H
#define KHOST_HOOKS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

void khost_pause(void);
#define __builtin_ia32_pause khost_pause

#define spin_lock real_spin_lock
#define spin_unlock real_spin_unlock
#include "arch.h"
#undef spin_lock
#undef spin_unlock
void lock_wanted(const struct spinlock *l);
void lock_dropped(const struct spinlock *l);
static inline void spin_lock(struct spinlock *l)
{
	lock_wanted(l);
	real_spin_lock(l);
}
static inline void spin_unlock(struct spinlock *l)
{
	lock_dropped(l);
	real_spin_unlock(l);
}

#endif
