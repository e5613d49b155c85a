/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_cfg.h - what a guest's configuration means
 *
 * The keys are those of xl.cfg(5); this is the checked result, with every default filled in.
 */
#ifndef SHELL_GUEST_CFG_H
#define SHELL_GUEST_CFG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "config/cfg.h"
#include "config/disk_spec.h"
#include "config/report.h"
#include "config/vif_spec.h"
#include "toolstack/guest_text.h"

/* What a configuration means depends on the host. */
struct guest_host {
	/* What names of other hosts are here; NULL: there are none. */
	const struct names *names;
	guest_random_fn random;
	uint32_t n_cpus;
};

/*
 * Check `c` and fill *g. All mistakes go to *r, as "file:line: key 'x': what; what to do", and
 * so do remarks, which do not stop the guest. 0 and *g is complete, or -1 when *r has a
 * mistake, from here or from cfg_parse() before.
 */
int guest_config_make(struct guest_config *g, const struct cfg *c, const struct guest_host *h,
	struct report *r);

/* What the bridge of a vif is here. */
void guest_bridge_find(const struct names *n, struct vif_spec *v);

#endif
