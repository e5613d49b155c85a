/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * caps.c - what a domain holds (INIT_CAPS): kind, rights and badge as the kernel says them, and
 * what init put into the slot
 *
 * A domain may move its capabilities to other slots. What is in a slot that init has not filled
 * therefore has no name, but still its kind and its rights.
 */
#include <stdio.h>
#include "init.h"
#include "proto/platform.h"

#define WHAT(c, ...) (void)snprintf((c)->what, sizeof((c)->what), __VA_ARGS__)

static void extra_what(const struct domain *d, struct init_cap *c)
{
	const char *text = d->extra[c->slot - DOMAIN_CAP_EXTRA];

	if (text)
		WHAT(c, c->type == SK_OBJ_ENDPOINT ? "endpoint of %s" : "%s", text);
}

static void channel_what(const struct domain *d, struct init_cap *c)
{
	uint32_t index = (c->slot - DOMAIN_CAP_CHANNEL) / 2;
	bool data = (c->slot - DOMAIN_CAP_CHANNEL) % 2;

	for (uint32_t i = 0; i < d->m->n_channels; i++) {
		const struct manifest_channel *ch = &manifest.channel[d->m->first_channel + i];
		const struct connection *k = connection_of(d, i);

		if (k->c.channel != index || (!k->memory && !k->c.data))
			continue;
		if (ch->service == MANIFEST_NONE)
			WHAT(c, "kept memory %s", ch->name);
		else
			WHAT(c, data ? "data shared with %s" : "signal to %s",
				domains[ch->service].m->name);
		return;
	}
}

static void device_what(const struct domain *d, struct init_cap *c)
{
	const char *name = d->m->dev.name;

	switch (c->type) {
	case SK_OBJ_IRQ:
		WHAT(c, "interrupt of %s", name);
		break;
	case SK_OBJ_IOPORT:
		WHAT(c, "ports of %s", name);
		break;
	case SK_OBJ_SPACE_IO:
		WHAT(c, "DMA space of %s", name);
		break;
	default:
		break;
	}
}

static void cap_what(const struct domain *d, struct init_cap *c)
{
	if (c->slot == SK_CAP_INFO)
		WHAT(c, "the kernel's information page");
	else if (c->slot == DOMAIN_CAP_PULSE)
		WHAT(c, "signs of life to init");
	else if (c->slot >= DOMAIN_CAP_EXTRA && c->slot < DOMAIN_CAP_CHANNEL)
		extra_what(d, c);
	else if (c->slot >= DOMAIN_CAP_CHANNEL && c->slot < DOMAIN_CAP_DEVICE)
		channel_what(d, c);
	else if (c->slot >= DOMAIN_CAP_DEVICE && c->slot < DOMAIN_CAP_PULSE)
		device_what(d, c);
	else if (d->m->flags & MANIFEST_PLATFORM && c->slot >= PLATFORM_CAP_MEM &&
		 c->slot < PLATFORM_CAP_MEM + PLATFORM_MEM_MAX)
		WHAT(c, "device memory");
}

bool domain_cap_next(const struct domain *d, uint64_t *at, struct init_cap *out)
{
	if (!proc_cap_next(&d->proc, at, out))
		return false;
	if (!out->what[0] && !(out->flags & INIT_CAP_MAPPED))
		cap_what(d, out);
	return true;
}
