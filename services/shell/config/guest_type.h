/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_type.h - what kind of guest a file describes, and whether it runs in Xen's shim
 */
#ifndef SHELL_GUEST_TYPE_H
#define SHELL_GUEST_TYPE_H

#include "config/guest_cfg.h"

/*
 * Complete *g, whose settings in *c were read. Mistakes and remarks go to *r. False: it is a
 * kind of guest that this host does not have, which was reported.
 */
bool guest_type_choose(struct guest_config *g, const struct cfg *c, struct report *r);

#endif
