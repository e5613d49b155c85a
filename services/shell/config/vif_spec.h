/* SPDX-License-Identifier: BSD-2-Clause */
/* vif_spec.h - one entry of vif = [ ... ], as in xl-network-configuration(5) */
#ifndef SHELL_VIF_SPEC_H
#define SHELL_VIF_SPEC_H

#include <stdbool.h>
#include <stdint.h>

#include "toolstack/guest_text.h"

#define VIF_BRIDGE_DEFAULT "xenbr0"

/*
 * 0, or -1 with the mistake in *m. Without mac= the address stays unset: vif_spec_random_mac().
 * *ignored names the parameters that xl ignores, and is empty if there are none.
 */
int vif_spec_parse(struct vif_spec *v, const char *text, struct msg *ignored, struct msg *m);

/* An address of Xen's own range, made of three random bytes. */
void vif_spec_random_mac(struct vif_spec *v, const uint8_t random[3]);

#endif
