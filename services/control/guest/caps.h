/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caps.h - what the VMM of a guest holds
 */
#ifndef GUEST_CAPS_H
#define GUEST_CAPS_H

#include "guest/guest.h"
#include "proto/init.h"

/*
 * The next slot of the VMM that is not empty (proc_cap_next), with what control put there. *at
 * is 0 at first; false: that was all.
 */
bool guest_cap_next(const struct guest *g, uint64_t *at, struct init_cap *out);

#endif
