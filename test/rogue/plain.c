/* SPDX-License-Identifier: BSD-2-Clause */
/* plain.c - a rogue that has nothing of its own to try */
#include "rogue.h"

bool own_try_ready(void) { return true; }

void own_try(void) {}
