/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * saved_config.c - the configuration of a saved guest
 *
 * Objects     struct saved_config: from the request until the guest that reads is gone.
 * Lifecycle   a guest is created whose VMM sends the text, piece by piece, and then fails; when
 *             that guest is gone, the requester is told.
 */
#include "guest/saved_config.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "guest/creation.h"
#include "guest/life.h"
#include "sys/random.h"
#include "toolstack/guest_text.h"

static const char no_memory[] = "control has no memory to read the configuration";

struct saved_config {
	saved_config_fn fn;
	void *ctx;
	bool whole;
	uint32_t len;
	char text[VMCTL_CONFIG_MAX];
};

int saved_config_heard(struct guest *g, uint32_t at, const char *text, uint32_t len)
{
	struct saved_config *s = creation_reads(g);

	if (!s || s->whole || at != s->len || len > sizeof(s->text) - s->len)
		return -SK_E_PEER;
	if (len)
		memcpy(s->text + at, text, len);
	s->len += len;
	s->whole = !len;
	return 0;
}

/* The guest that has read it is gone, or there was none. */
static void reader_gone(void *ctx, uint32_t domid, const char *why)
{
	struct saved_config *s = ctx;

	(void)domid;
	s->fn(s->ctx, s->text, s->len, s->whole ? NULL : why);
	free(s);
}

/* A guest without a kernel, of the least size. NULL: no memory. */
static struct guest_config *reader_config(void)
{
	struct guest_config *g = calloc(1, sizeof(*g));

	if (!g)
		return NULL;
	*g = (struct guest_config){ .type = GUEST_PVH,
		.memory = 2,
		.maxmem = 2,
		.vcpus = 1,
		.maxvcpus = 1,
		.weight = GUEST_WEIGHT_DEFAULT };
	snprintf(g->name, sizeof(g->name), "restore-%u", guests.last_domid + 1);
	uuid_make_random(g->uuid, random_bytes);
	return g;
}

int saved_config_read(const char *label, saved_config_fn fn, void *ctx, struct msg *m)
{
	struct creation_request r = { .config = reader_config(),
		.image = label,
		.reads = calloc(1, sizeof(*r.reads)),
		.fn = reader_gone };

	if (r.config && r.reads) {
		*r.reads = (struct saved_config){ .fn = fn, .ctx = ctx };
		r.ctx = r.reads;
		if (creation_begin(&r, m) == 0)
			return 0;
	} else {
		(void)msg_fail(m, no_memory);
	}
	free(r.config);
	free(r.reads);
	return -1;
}
