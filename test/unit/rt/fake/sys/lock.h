/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * lock.h - the part of newlib's header that libs/sys uses
 */
#ifndef FAKE_SYS_LOCK_H
#define FAKE_SYS_LOCK_H

#include <reent.h>

typedef struct __lock *_LOCK_T;

void __retarget_lock_init(_LOCK_T *lock);
void __retarget_lock_init_recursive(_LOCK_T *lock);
void __retarget_lock_close(_LOCK_T lock);
void __retarget_lock_close_recursive(_LOCK_T lock);
void __retarget_lock_acquire(_LOCK_T lock);
void __retarget_lock_acquire_recursive(_LOCK_T lock);
int __retarget_lock_try_acquire(_LOCK_T lock);
int __retarget_lock_try_acquire_recursive(_LOCK_T lock);
void __retarget_lock_release(_LOCK_T lock);
void __retarget_lock_release_recursive(_LOCK_T lock);

#endif
