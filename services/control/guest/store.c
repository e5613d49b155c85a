/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.c - a guest's nodes in xenstore: written before its VMM starts, renamed, removed
 *
 * The scribe knows the nodes. What it is told here is what control has done.
 */
#include "guest/store.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/host.h"
#include "guest/creation.h"
#include "guest/kept.h"
#include "guest/life.h"
#include "guest/machine.h"
#include "log.h"

static void *ctx_of(uint32_t domid) { return (void *)(uintptr_t)domid; }

struct guest *guest_nodes_owner(void *ctx) { return guest_get((uint32_t)(uintptr_t)ctx); }

static struct scribe_name name_of(const char *name, const uint8_t *uuid)
{
	struct scribe_name n = { .start_seconds = host_wall_seconds() };

	strcpy(n.name, name);
	memcpy(n.uuid, uuid, UUID_SIZE);
	return n;
}

static void creation_answered(void *ctx, bool failed, const void *data, uint32_t len)
{
	struct guest *g = guest_nodes_owner(ctx);

	(void)data;
	(void)len;
	if (g && failed)
		creation_failed(g, "xenstore refused the guest's nodes");
	else if (g)
		creation_passed(g, CREATION_STORE);
}

static struct scribe_disk disk_of(const struct guest_config *c, const struct disk_spec *d)
{
	return (struct scribe_disk){ guest_in_shim(c), *d };
}

static int devices_write(const struct guest *g)
{
	const struct guest_config *c = g->dom->config;
	int rc = 0;

	for (uint32_t i = 0; !rc && i < c->n_disks; i++) {
		const struct scribe_disk d = disk_of(c, &c->disks[i].spec);

		rc = scribe_ask_more(SCRIBE_DISK, g->dom->domid, &d, sizeof(d));
	}
	for (uint32_t i = 0; !rc && i < c->n_vifs; i++)
		rc = scribe_ask_more(
			SCRIBE_VIF, g->dom->domid, &c->vifs[i], sizeof(c->vifs[i]));
	return rc;
}

int guest_store_write(struct guest *g, struct msg *m)
{
	const struct guest_config *c = g->dom->config;
	const struct scribe_guest x = { .is = name_of(g->dom->name, g->dom->uuid),
		.type = c->type,
		.vcpus = c->vcpus,
		.maxvcpus = c->maxvcpus,
		.memory = c->memory,
		.boot_memory = machine_memory(c) - machine_shim_memory(c) };

	if (scribe_ask_more(SCRIBE_GUEST, g->dom->domid, &x, sizeof(x)) || devices_write(g) ||
		scribe_ask(SCRIBE_INTRODUCE, g->dom->domid, NULL, 0, creation_answered,
			ctx_of(g->dom->domid)))
		return msg_fail(m, "no memory for the guest's xenstore nodes");
	return 0;
}

static struct scribe_device device_of(const struct guest *g, uint32_t seat)
{
	return (struct scribe_device){ seat < GUEST_DISKS_MAX,
		guest_device_id(g->dom->config, seat) };
}

int guest_store_plug(const struct guest *g, uint32_t seat, scribe_fn fn)
{
	struct guest_config *c = g->dom->config;
	struct scribe_disk d;

	if (seat >= GUEST_DISKS_MAX)
		return scribe_ask(SCRIBE_VIF, g->dom->domid,
			guest_vif_at(c, seat - GUEST_DISKS_MAX), sizeof(struct vif_spec), fn,
			ctx_of(g->dom->domid));
	d = disk_of(c, &guest_disk_at(c, seat)->spec);
	return scribe_ask(SCRIBE_DISK, g->dom->domid, &d, sizeof(d), fn, ctx_of(g->dom->domid));
}

int guest_store_medium(const struct guest *g, uint32_t seat, const char *target, scribe_fn fn)
{
	struct scribe_medium m = { .vdev = guest_device_id(g->dom->config, seat) };

	strcpy(m.target, target);
	return scribe_ask(
		SCRIBE_MEDIUM, g->dom->domid, &m, sizeof(m), fn, ctx_of(g->dom->domid));
}

void guest_store_offline(const struct guest *g, uint32_t seat)
{
	const struct scribe_device d = device_of(g, seat);

	(void)scribe_ask(SCRIBE_OFFLINE, g->dom->domid, &d, sizeof(d), NULL, NULL);
}

void guest_store_unplug(const struct guest *g, uint32_t seat)
{
	const struct scribe_device d = device_of(g, seat);

	if (scribe_ask(SCRIBE_UNPLUG, g->dom->domid, &d, sizeof(d), NULL, NULL))
		guest_log(g->dom->domid,
			"xenstore nodes of a device of domain %u stay behind: no memory\n",
			g->dom->domid);
}

void guest_store_shutdown(const struct dom *d, const char *how)
{
	struct scribe_word w = { 0 };

	snprintf(w.text, sizeof(w.text), "%s", how);
	(void)scribe_ask(SCRIBE_SHUTDOWN, d->domid, &w, sizeof(w), NULL, NULL);
}

static void removal_answered(void *ctx, bool failed, const void *data, uint32_t len)
{
	(void)failed; /* xenstore does not run any more */
	(void)data;
	(void)len;
	kept_gone_remove((uint32_t)(uintptr_t)ctx);
}

void guest_store_remove(uint32_t domid, const uint8_t *uuid)
{
	const struct scribe_name n = name_of("", uuid);

	if (domid >= DOMID_RESERVED) /* the table was damaged: there was no such guest */
		kept_gone_remove(domid);
	else if (scribe_ask(
			 SCRIBE_REMOVE, domid, &n, sizeof(n), removal_answered, ctx_of(domid)))
		guest_log(domid, "xenstore nodes of domain %u stay behind: no memory\n", domid);
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
	const struct scribe_name n = name_of(d->name, d->uuid);
	const bool same = memcmp(d->uuid, d->config->uuid, UUID_SIZE) == 0;

	if (scribe_ask(same ? SCRIBE_RENAME : SCRIBE_KEEP, d->domid, &n, sizeof(n), NULL, NULL))
		guest_log(d->domid,
			"xenstore does not know the new name of domain %u: no memory\n",
			d->domid);
}
