/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * policy.c - check a compiled manifest before any of it is used
 *
 * Pure. The file comes from our own build, but init must not crash, so nothing is assumed.
 */
#include <stdbool.h>
#include <string.h>
#include "policy.h"
#include "proto/domain.h"
#include "proto/svc.h"
#include <sk/boot.h>
#include <sk/object.h>

enum {
	PRIORITY_MAX = 31,
	CNODE_ORDER_MIN = 15,
	CNODE_ORDER_MAX = 21,
	STACK_ORDER_MIN = 14,
	STACK_ORDER_MAX = 20
};

static bool string_ok(const char *s, uint64_t size) { return memchr(s, 0, size) != NULL; }

static bool name_ok(const char *s, uint64_t size) { return s[0] && string_ok(s, size); }

/* ---- where the records are --------------------------------------------------------------- */
static const char *layout_check(const struct manifest_header *h, uint64_t size)
{
	uint64_t need = sizeof(*h);

	if (h->magic != MANIFEST_MAGIC)
		return "not a compiled manifest";
	if (h->version != MANIFEST_VERSION)
		return "a manifest of another version";
	if (!h->n_domains || h->n_domains > MANIFEST_DOMAINS_MAX ||
		h->n_channels > MANIFEST_CHANNELS_MAX || h->n_caps > MANIFEST_CAPS_MAX)
		return "too many records";
	need += h->n_domains * sizeof(struct manifest_domain) +
		h->n_channels * sizeof(struct manifest_channel) +
		h->n_caps * sizeof(struct manifest_cap);
	if (h->size != need || size < need)
		return "its size does not fit its records";
	return name_ok(h->guest_image, sizeof(h->guest_image)) ? NULL : "no image for guests";
}

/* ---- domains ----------------------------------------------------------------------------- */
static const char *device_check(const struct manifest_device *d)
{
	if (d->kind > MANIFEST_PORTS ||
		d->flags & ~(uint32_t)(MANIFEST_DMA | MANIFEST_UNPROTECTED))
		return "a device of unknown kind";
	if (d->kind == MANIFEST_NO_DEVICE)
		return NULL;
	if (!name_ok(d->name, sizeof(d->name)))
		return "a device without a name";
	if (d->n_irqs > MANIFEST_IRQS_MAX)
		return "a device with too many interrupts";
	if (d->kind == MANIFEST_PORTS &&
		(!d->n_ports || d->port + (uint32_t)d->n_ports > 0x10000 || d->n_irqs != 1))
		return "a device with a bad range of ports";
	return NULL;
}

static const char *memory_check(const struct manifest_domain *d)
{
	if (!d->n_untyped || d->n_untyped > MANIFEST_UNTYPED_MAX)
		return "a domain with no memory or too many pieces of it";
	for (uint32_t i = 0; i < d->n_untyped; i++)
		if (d->untyped_order[i] < SK_PAGE_ORDER || d->untyped_order[i] > 40)
			return "a domain with a bad size of memory";
	if (d->cnode_order < CNODE_ORDER_MIN || d->cnode_order > CNODE_ORDER_MAX)
		return "a domain with a bad size of its CNode";
	if (d->stack_order < STACK_ORDER_MIN || d->stack_order > STACK_ORDER_MAX)
		return "a domain with a bad size of its stack";
	return NULL;
}

static const char *strings_check(const struct manifest_domain *d)
{
	if (!name_ok(d->name, sizeof(d->name)) || !name_ok(d->binary, sizeof(d->binary)))
		return "a domain without a name or an image";
	if (!string_ok(d->archive_file, sizeof(d->archive_file)) ||
		!string_ok(d->replaces, sizeof(d->replaces)))
		return "a domain whose archive member has no end";
	return string_ok(d->args, sizeof(d->args)) ? NULL
						   : "a domain whose arguments have no end";
}

static const char *domain_check(const struct manifest *m, const struct manifest_domain *d)
{
	const struct manifest_header *h = m->header;
	const char *why = strings_check(d);

	if (why)
		return why;
	if (d->flags & ~(uint32_t)(MANIFEST_OPTIONAL | MANIFEST_BUILDER | MANIFEST_PLATFORM))
		return "a domain with unknown flags";
	if (d->serves >= SVC_PROTO_END || d->priority > PRIORITY_MAX || !d->weight ||
		d->weight > UINT16_MAX)
		return "a domain with a bad protocol, priority or weight";
	if (d->cpu >= SK_CPU_MAX || d->budget_us > d->period_us)
		return "a domain with a bad CPU or budget";
	if (d->first_channel > h->n_channels ||
		d->n_channels > h->n_channels - d->first_channel ||
		d->n_channels > DOMAIN_CHANNELS_MAX)
		return "a domain with channels that are not there";
	if (d->first_cap > h->n_caps || d->n_caps > h->n_caps - d->first_cap)
		return "a domain with capabilities that are not there";
	if (h->n_domains < 32 && d->services >> h->n_domains)
		return "a domain with services that are not there";
	why = memory_check(d);
	return why ? why : device_check(&d->dev);
}

/* ---- channels and capabilities ----------------------------------------------------------- */
static const char *kept_check(const struct manifest_channel *c)
{
	if (c->proto || c->flags || c->params_len)
		return "kept memory with a protocol, flags or parameters";
	if (c->data_size < SK_PAGE_SIZE || c->data_size > 1ull << 28 ||
		c->data_size & (c->data_size - 1))
		return "kept memory of a bad size";
	return NULL;
}

/* A service starts before its clients, so it comes before them. */
static const char *channel_check(
	const struct manifest *m, const struct manifest_channel *c, uint32_t client)
{
	const struct manifest_domain *service;

	if (!name_ok(c->name, sizeof(c->name)))
		return "a channel without a name";
	if (c->service == MANIFEST_NONE)
		return kept_check(c);
	if (c->service >= client)
		return "a channel to a domain that starts later";
	service = &m->domain[c->service];
	if (!c->proto || c->proto >= SVC_PROTO_END || !service->serves)
		return "a channel to a domain that serves nothing";
	if (c->proto != service->serves && c->proto != SVC_PROTO_LOG)
		return "a channel of another protocol than its service's";
	if (c->flags & ~(uint32_t)(MANIFEST_CHANNEL_OPTIONAL | MANIFEST_CHANNEL_CONTROL))
		return "a channel with unknown flags";
	if (c->params_len > MANIFEST_PARAMS_MAX ||
		(c->data_size != UINT64_MAX && c->data_size > 1ull << 28))
		return "a channel with too many parameters or too much data";
	return NULL;
}

static const char *cap_check(const struct manifest_cap *c)
{
	if (!name_ok(c->name, sizeof(c->name)) || !c->kind || c->kind >= MANIFEST_CAP_END ||
		c->reserved)
		return "a capability without a name or of unknown kind";
	if (c->kind == MANIFEST_CAP_PORTS && (c->a > c->b || c->b > 0xffff))
		return "a capability to a bad range of ports";
	return NULL;
}

static const char *decode(struct manifest *m, uint64_t size)
{
	const char *why = layout_check(m->header, size);

	if (why)
		return why;
	m->domain = (const struct manifest_domain *)(m->header + 1);
	m->channel = (const struct manifest_channel *)(m->domain + m->header->n_domains);
	m->cap = (const struct manifest_cap *)(m->channel + m->header->n_channels);
	for (uint32_t i = 0; !why && i < m->header->n_caps; i++)
		why = cap_check(&m->cap[i]);
	for (uint32_t i = 0; !why && i < m->header->n_domains; i++) {
		const struct manifest_domain *d = &m->domain[i];

		why = domain_check(m, d);
		for (uint32_t c = 0; !why && c < d->n_channels; c++)
			why = channel_check(m, &m->channel[d->first_channel + c], i);
	}
	return why;
}

int manifest_decode(const void *data, uint64_t size, struct manifest *m, const char **why)
{
	if (size < sizeof(*m->header) || (uintptr_t)data % 8) {
		*why = "shorter than its header";
		return -SK_E_INVAL;
	}
	m->header = data;
	*why = decode(m, size);
	return *why ? -SK_E_INVAL : 0;
}
