/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy.h - the compiled manifest, checked
 */
#ifndef INIT_POLICY_H
#define INIT_POLICY_H

#include <stdint.h>
#include "proto/manifest.h"
#include <sk/types.h>

struct manifest {
	const struct manifest_header *header;
	const struct manifest_domain *domain;
	const struct manifest_channel *channel;
	const struct manifest_cap *cap;
};

/*
 * data is 8-byte aligned and must stay in place. 0, or -SK_E_INVAL with the reason in *why.
 * Afterwards every index, count, string and size in it can be used without further checks.
 */
int manifest_decode(
	const void *data, uint64_t size, struct manifest *m, const char **why) must_check;

#endif
