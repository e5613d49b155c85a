/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.c - a guest's nodes in xenstore: written before its VMM starts, renamed, removed
 *
 * Objects     nodes of struct guest: requests that are not answered yet.
 */
#include "guest/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "client/host.h"
#include "client/xenstore.h"
#include "guest/creation.h"
#include "guest/kept.h"
#include "guest/life.h"
#include "guest/xs_layout.h"
#include "log.h"

/* Requests that belong together: n counts them. */
struct xs_batch {
	xs_done_fn fn;
	void *ctx;
	uint32_t n;
};

/* The nodes that wait for their request. */
static struct xs_nodes waiting;

static int xs_flush(struct xs_batch *b)
{
	if (!waiting.size)
		return 0;
	if (xs_make(&waiting, b->fn, b->ctx))
		return -1;
	b->n++;
	return 0;
}

static int xs_emit(void *ctx, const struct xs_entry *e)
{
	const char *perms = e->perms ? e->perms : "", *value = e->value ? e->value : "";

	if (xs_make_add(&waiting, e->path, perms, value) == 0)
		return 0;
	return xs_flush(ctx) || xs_make_add(&waiting, e->path, perms, value) ? -1 : 0;
}

/* The end of a walk: what was emitted is asked for, unless an error has ended it. */
static int xs_emitted(struct xs_batch *b, int rc)
{
	if (rc)
		waiting.size = 0;
	return rc ? rc : xs_flush(b);
}

static int xs_emit_remove(void *ctx, const struct xs_entry *e)
{
	struct xs_batch *b = ctx;

	if (xs_request_texts(XS_RM, b->fn, b->ctx, e->path, NULL))
		return -1;
	b->n++;
	return 0;
}

struct guest *guest_nodes_owner(void *ctx)
{
	struct dom *d = domtab_get(&guests, (uint32_t)(uintptr_t)ctx);

	return d ? guest_of(d) : NULL;
}

bool guest_nodes_answered(struct guest_nodes *n, int err)
{
	if (!n->left)
		return false;
	n->failed = n->failed || err;
	return --n->left == 0;
}

static void creation_answered(void *ctx, int err, const char *data, uint32_t len)
{
	struct guest *g = guest_nodes_owner(ctx);

	(void)data;
	(void)len;
	if (!g || !guest_nodes_answered(&g->nodes, err))
		return;
	if (g->nodes.failed)
		creation_failed(g, "xenstore refused the guest's nodes");
	else
		creation_passed(g, CREATION_STORE);
}

static int introduce(struct guest *g, struct xs_batch *b)
{
	char domid[16], gfn[16], port[16];

	snprintf(domid, sizeof(domid), "%u", g->dom->domid);
	snprintf(gfn, sizeof(gfn), "%u", VM_STORE_GFN);
	snprintf(port, sizeof(port), "%u", VM_STORE_PORT);
	if (xs_request_texts(XS_INTRODUCE, b->fn, b->ctx, domid, gfn, port, NULL))
		return -1;
	b->n++;
	return 0;
}

int guest_store_write(struct guest *g, struct msg *m)
{
	struct xs_guest x = { .config = g->dom->config,
		.name = g->dom->name,
		.uuid = g->dom->uuid,
		.domid = g->dom->domid,
		.store_port = VM_STORE_PORT,
		.console_port = VM_CONSOLE_PORT,
		.store_gfn = VM_STORE_GFN,
		.console_gfn = VM_CONSOLE_GFN,
		.start_seconds = host_wall_seconds() };
	struct xs_batch b = { .fn = creation_answered,
		.ctx = (void *)(uintptr_t)g->dom->domid };

	g->nodes.left = UINT32_MAX; /* so no answer counts as the last before all are queued */
	if (xs_emitted(&b, xs_layout_create(&x, xs_emit, &b)) || introduce(g, &b))
		return msg_fail(m, "no memory for the guest's xenstore nodes");
	g->nodes.left = b.n;
	return 0;
}

int guest_store_plug(const struct guest *g, uint32_t seat, xs_done_fn fn, uint32_t *n)
{
	struct xs_batch b = { .fn = fn, .ctx = (void *)(uintptr_t)g->dom->domid };
	struct guest_config *c = g->dom->config;
	int rc;

	if (seat < GUEST_DISKS_MAX)
		rc = xs_layout_disk(
			g->dom->domid, c, &guest_disk_at(c, seat)->spec, xs_emit, &b);
	else
		rc = xs_layout_vif(
			g->dom->domid, guest_vif_at(c, seat - GUEST_DISKS_MAX), xs_emit, &b);
	rc = xs_emitted(&b, rc);
	*n = b.n;
	return rc;
}

int guest_store_medium(
	const struct guest *g, uint32_t seat, const char *target, xs_done_fn fn, uint32_t *n)
{
	struct xs_batch b = { .fn = fn, .ctx = (void *)(uintptr_t)g->dom->domid };
	int rc = xs_layout_medium(
		g->dom->domid, guest_device_id(g->dom->config, seat), target, xs_emit, &b);

	rc = xs_emitted(&b, rc);
	*n = b.n;
	return rc;
}

void guest_store_unplug(const struct guest *g, uint32_t seat)
{
	struct xs_batch b = { .fn = NULL };

	if (xs_layout_device_remove(g->dom->domid, seat < GUEST_DISKS_MAX ? "vbd" : "vif",
		    guest_device_id(g->dom->config, seat), xs_emit_remove, &b))
		guest_log(g->dom->domid,
			"xenstore nodes of a device of domain %u stay behind: no memory\n",
			g->dom->domid);
}

/* A guest whose nodes are being removed. */
struct removal {
	uint32_t domid;
	uint32_t left; /* requests without an answer */
};

static void removal_answered(void *ctx, int err, const char *data, uint32_t len)
{
	struct removal *r = ctx;

	(void)err; /* a node that was not there is gone, too */
	(void)data;
	(void)len;
	if (--r->left)
		return;
	kept_gone_remove(r->domid);
	free(r);
}

void guest_store_remove(uint32_t domid, const uint8_t *uuid)
{
	struct removal *r = calloc(1, sizeof(*r));
	struct xs_batch b = { .fn = removal_answered, .ctx = r };
	char text[16];
	bool queued;

	snprintf(text, sizeof(text), "%u", domid);
	queued = r && xs_request_texts(XS_RELEASE, b.fn, b.ctx, text, NULL) == 0;
	b.n = queued;
	if (!queued || xs_layout_remove(domid, uuid, xs_emit_remove, &b))
		guest_log(domid, "xenstore nodes of domain %u stay behind: no memory\n", domid);
	if (b.n) /* no answer comes before this has returned */
		*r = (struct removal){ domid, b.n };
	else
		free(r);
}

void guest_store_resume(void)
{
	const struct kept_gone *e;

	for (uint32_t i = 0; i < KEPT_GONE; i++)
		if ((e = kept_gone_at(i)) != NULL)
			guest_store_remove(e->domid, e->uuid);
}

void guest_store_rename(const struct dom *d)
{
	struct xs_batch b = { .fn = NULL };
	int rc;

	if (memcmp(d->uuid, d->config->uuid, UUID_SIZE) == 0)
		rc = xs_layout_rename(d->domid, d->uuid, d->name, xs_emit, &b);
	else
		rc = xs_layout_new_uuid(
			d->domid, d->uuid, d->name, host_wall_seconds(), xs_emit, &b);
	if (xs_emitted(&b, rc))
		guest_log(d->domid,
			"xenstore does not know the new name of domain %u: no memory\n",
			d->domid);
}
