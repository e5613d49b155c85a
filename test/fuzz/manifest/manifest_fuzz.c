/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * manifest_fuzz.c - init's decoder of compiled manifests: init can walk each manifest that it
 * accepts
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include "policy.h"
#include "proto/domain.h"
#include "proto/svc.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static uint64_t sum; /* so that nothing is optimized away */

static void walk(const struct manifest *m)
{
	for (uint32_t i = 0; i < m->header->n_domains; i++) {
		const struct manifest_domain *d = &m->domain[i];

		sum += strlen(d->name) + strlen(d->binary) + strlen(d->args) +
		       strlen(d->archive_file) + strlen(d->replaces);
		sum += 1ull << d->cnode_order | 1ull << d->stack_order;
		if (d->n_channels > DOMAIN_CHANNELS_MAX || d->n_untyped > MANIFEST_UNTYPED_MAX)
			abort();
		for (uint32_t c = 0; c < d->n_channels; c++) {
			const struct manifest_channel *ch = &m->channel[d->first_channel + c];

			sum += strlen(ch->name) + ch->params_len + ch->data_size;
			if (ch->service != MANIFEST_NONE &&
				(ch->service >= i || ch->proto >= SVC_PROTO_END))
				abort();
		}
		for (uint32_t c = 0; c < d->n_caps; c++)
			sum += strlen(m->cap[d->first_cap + c].name);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* malloc() aligns it, and ASan sees reads beyond its end */
	uint64_t *copy = malloc(size ? size : 1);
	struct manifest m;
	const char *why;

	if (size)
		memcpy(copy, data, size);
	if (manifest_decode(copy, size, &m, &why) == 0)
		walk(&m);
	else if (!*why)
		abort();
	free(copy);
	return 0;
}
