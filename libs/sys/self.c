/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * self.c - what a program knows about itself before anything else is set up
 */
#include "sys/self.h"
#include "sys/sk.h"

_Thread_local struct sk_utcb *sk_utcb_self;

static bool root;

bool sys_root(void) { return root; }

void sys_root_set(bool value) { root = value; }
