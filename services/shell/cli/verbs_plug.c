/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_plug.c - block-attach, block-detach, network-attach, network-detach
 *
 * Objects     the device that is to be attached: what the user wrote, until the table of names
 *             is read; then control's.
 * Lifecycle   a handler begins; control says how it ended. ^C: it goes on, but no verb waits.
 * Invariants  PLUG1 an answer of files to a command that the user has left is recognized by its
 *                   number
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "config/guest_cfg.h"
#include "config/names.h"
#include "client/files.h"
#include "cli/look.h"
#include "cli/shell.h"
#include "cli/verbs.h"
#include "sys/random.h"

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
	verb_leave();
}

/* ---- attach ---- */

/* The request to control, for which the verb then waits. */
static void wanted_ask(enum ctl_op op, const void *body, uint32_t len)
{
	verb_ask(op, body, len, NULL, NULL);
	shell_busy(the_shell, left);
}

static int disk_attach(const struct names *n, struct msg *m)
{
	struct ctl_disk c = { .domid = wanted.domid };
	struct guest_disk *d = &c.disk;

	if (disk_spec_parse(&d->spec, wanted.spec, m) ||
		disk_spec_check(&d->spec, n, d->label, m))
		return -1;
	if (disk_spec_empty(&d->spec))
		return msg_fail(m, "%s: a drive without a medium is no disk", d->spec.vdev);
	wanted_ask(CTL_ATTACH_DISK, &c, sizeof(c));
	return 0;
}

static int vif_attach(const struct names *n, struct msg *m)
{
	struct ctl_vif c = { .domid = wanted.domid };
	struct msg ignored = { .text = "" };
	struct vif_spec *v = &c.vif;
	uint8_t bytes[3];

	if (vif_spec_parse(v, wanted.spec, &ignored, m))
		return -1;
	if (ignored.text[0])
		shell_print(the_shell, "network-attach: %s\n", ignored.text);
	if (v->devid >= 0)
		return msg_fail(m, "the host chooses the number; remove devid=");
	guest_bridge_find(n, v);
	if (!v->mac_given) {
		random_bytes(bytes, sizeof(bytes));
		vif_spec_random_mac(v, bytes);
	}
	wanted_ask(CTL_ATTACH_VIF, &c, sizeof(c));
	return 0;
}

static void names_known(void *ctx, int status, const char *text, size_t len)
{
	struct names n = { .text = NULL };
	struct msg m;
	int rc = 0;

	if ((uintptr_t)ctx != wanted.number) /* PLUG1 */
		return;
	if (status && status != -SK_E_NOT_FOUND)
		rc = msg_fail(&m, NAMES_FILE ": %s", files_error_text(status));
	else if (!status && len && names_init(&n, text, len))
		rc = msg_fail(&m, "the shell has no memory for " NAMES_FILE);
	else
		rc = wanted.vif ? vif_attach(&n, &m) : disk_attach(&n, &m);
	names_fini(&n);
	if (!rc)
		return;
	shell_fail(the_shell, "%s\n", m.text);
	shell_done(the_shell);
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
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);
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

/* The device that is to be detached, until its guest's configuration is known. */
static struct {
	uint32_t domid;
	bool vif, forced;
	char name[64];
} unwanted;

static void config_known(const void *body, uint32_t len)
{
	static struct guest_config c;
	struct ctl_number n = { .domid = unwanted.domid, .flags = unwanted.forced };

	(void)len;
	c = ((const struct ctl_guest *)body)->config;
	if (c.n_disks > GUEST_DISKS_MAX || c.n_vifs > GUEST_VIFS_MAX)
		c.n_disks = c.n_vifs = 0;
	n.value = unwanted.vif ? vif_named(&c, unwanted.name) : disk_named(&c, unwanted.name);
	if (n.value < GUEST_SEATS) {
		wanted_ask(CTL_DETACH, &n, sizeof(n));
		return;
	}
	shell_fail(the_shell, "domain %u has no %s '%.40s'\n", unwanted.domid,
		unwanted.vif ? "vif" : "disk", unwanted.name);
	shell_done(the_shell);
}

static void detach(struct shell *sh, const struct options *o, bool vif)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);

	if (!d)
		return;
	unwanted.domid = d->domid;
	unwanted.vif = vif;
	unwanted.forced = o->count['f'] != 0;
	(void)snprintf(unwanted.name, sizeof(unwanted.name), "%s", o->argv[1]);
	verb_ask(CTL_DESCRIBE, &unwanted.domid, sizeof(unwanted.domid), NULL, config_known);
}

void verb_block_detach(struct shell *sh, const struct options *o) { detach(sh, o, false); }

void verb_network_detach(struct shell *sh, const struct options *o) { detach(sh, o, true); }
