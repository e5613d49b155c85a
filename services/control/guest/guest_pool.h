/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_pool.h - the memory that guests are made of: the untypeds that the manifest calls
 * "pool"
 */
#ifndef CONTROL_GUEST_POOL_H
#define CONTROL_GUEST_POOL_H

#include "guest/pool.h"

extern struct pool guest_pool;
int guest_pool_init(void) must_check;

#endif
