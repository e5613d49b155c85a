/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_plug.c - block-attach, block-detach, network-attach, network-detach
 *
 * Objects     the device that is to be attached: what the user wrote, until the table of names
 *             is read; then plug.c's.
 * Lifecycle   a handler begins; plug.c says how it ended. ^C: it goes on, but no verb waits.
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "client/files.h"
#include "client/host.h"
#include "config/names.h"
#include "guest/life.h"
#include "guest/plug.h"
#include "shell/shell.h"
#include "shell/verbs.h"

enum { SPEC_MAX = 1024 };

static struct {
	uintptr_t number; /* of the command */
	uint32_t domid;
	bool vif;
	char spec[SPEC_MAX];
} wanted;

static void left(void)
{
	wanted.number++;
	plug_left();
}

static void plugged(uint32_t domid, const char *why)
{
	(void)domid;
	if (why)
		shell_fail(the_shell, "%s\n", why);
	shell_done(the_shell);
}

/* ---- attach ---- */

static int disk_attach(struct guest *g, const struct names *n, struct msg *m)
{
	struct guest_disk d = { .seat = 0 };

	if (disk_spec_parse(&d.spec, wanted.spec, m) || disk_spec_check(&d.spec, n, d.label, m))
		return -1;
	if (disk_spec_empty(&d.spec))
		return msg_fail(m, "%s: a drive without a medium is no disk", d.spec.vdev);
	return guest_plug_disk(g, &d, plugged, m);
}

static int vif_attach(struct guest *g, const struct names *n, struct msg *m)
{
	struct msg ignored = { .text = "" };
	struct vif_spec v;
	uint8_t bytes[3];

	if (vif_spec_parse(&v, wanted.spec, &ignored, m))
		return -1;
	if (ignored.text[0])
		shell_print(the_shell, "network-attach: %s\n", ignored.text);
	if (v.devid >= 0)
		return msg_fail(m, "the host chooses the number; remove devid=");
	guest_bridge_find(n, &v);
	if (!v.mac_given) {
		host_random(bytes, sizeof(bytes));
		vif_spec_random_mac(&v, bytes);
	}
	return guest_plug_vif(g, &v, plugged, m);
}

static void names_known(void *ctx, int status, const char *text, size_t len)
{
	struct names n = { .text = NULL };
	struct dom *d = domtab_get(&guests, wanted.domid);
	struct msg m;
	int rc = 0;

	if ((uintptr_t)ctx != wanted.number)
		return;
	if (status && status != -SK_E_NOT_FOUND)
		rc = msg_fail(&m, NAMES_FILE ": %s", files_error_text(status));
	else if (!status && len && names_init(&n, text, len))
		rc = msg_fail(&m, "control has no memory for " NAMES_FILE);
	else if (!d || !guest_of(d))
		rc = msg_fail(&m, "domain %u has ended", wanted.domid);
	if (!rc)
		rc = wanted.vif ? vif_attach(guest_of(d), &n, &m)
				: disk_attach(guest_of(d), &n, &m);
	names_fini(&n);
	if (!rc)
		return;
	shell_fail(the_shell, "%s\n", m.text);
	shell_done(the_shell);
	guests_run();
}

/* xl joins the words by commas, too. 0, or -1: they are too long. */
static int spec_join(const struct options *o)
{
	size_t used = 0;

	wanted.spec[0] = '\0';
	for (int i = 1; i < o->argc; i++) {
		int n = snprintf(wanted.spec + used, SPEC_MAX - used, "%s%s", i > 1 ? "," : "",
			o->argv[i]);

		if (n < 0 || (size_t)n >= SPEC_MAX - used)
			return -1;
		used += (size_t)n;
	}
	return 0;
}

static void attach(struct shell *sh, const struct options *o, bool vif)
{
	struct dom *d = guest_by_name(sh, o->argv[0]);
	int rc;

	if (!d)
		return;
	if (spec_join(o)) {
		shell_fail(sh, "the description of the device is too long\n");
		return;
	}
	wanted.number++;
	wanted.domid = d->domid;
	wanted.vif = vif;
	shell_busy(sh, left);
	rc = files_read(NAMES_FILE, names_known, (void *)wanted.number);
	if (rc) {
		shell_fail(sh, NAMES_FILE ": %s\n", files_error_text(rc));
		shell_done(sh);
	}
}

void verb_block_attach(struct shell *sh, const struct options *o) { attach(sh, o, false); }

void verb_network_attach(struct shell *sh, const struct options *o) { attach(sh, o, true); }

/* ---- detach ---- */

/* GUEST_SEATS: the guest has no such disk. */
static uint32_t disk_named(const struct guest_config *c, const char *name)
{
	uint32_t number;

	if (vdev_number(name, &number) == 0)
		for (uint32_t i = 0; i < c->n_disks; i++)
			if (c->disks[i].spec.number == number)
				return c->disks[i].seat;
	return GUEST_SEATS;
}

static uint32_t vif_named(const struct guest_config *c, const char *name)
{
	char mac[VIF_MAC_TEXT], number[12];

	for (uint32_t i = 0; i < c->n_vifs; i++) {
		vif_mac_format(c->vifs[i].mac, mac);
		(void)snprintf(number, sizeof(number), "%d", c->vifs[i].devid);
		if (strcasecmp(name, mac) == 0 || strcmp(name, number) == 0)
			return GUEST_DISKS_MAX + (uint32_t)c->vifs[i].devid;
	}
	return GUEST_SEATS;
}

static void detach(struct shell *sh, const struct options *o, bool vif)
{
	struct dom *d = guest_by_name(sh, o->argv[0]);
	uint32_t seat;
	struct msg m;

	if (!d)
		return;
	seat = vif ? vif_named(d->config, o->argv[1]) : disk_named(d->config, o->argv[1]);
	if (seat == GUEST_SEATS) {
		shell_fail(sh, "domain %u has no %s '%.40s'\n", d->domid, vif ? "vif" : "disk",
			o->argv[1]);
	} else if (!guest_of(d)) {
		shell_fail(sh, "domain %u does not run\n", d->domid);
	} else {
		shell_busy(sh, left);
		if (!guest_unplug(guest_of(d), seat, o->count['f'] != 0, plugged, &m))
			return;
		shell_fail(sh, "%s\n", m.text);
		shell_done(sh);
	}
}

void verb_block_detach(struct shell *sh, const struct options *o) { detach(sh, o, false); }

void verb_network_detach(struct shell *sh, const struct options *o) { detach(sh, o, true); }
