/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_plug.c - block-attach, block-detach, network-attach, network-detach, cd-insert,
 * cd-eject
 *
 * Objects     the device or medium that is to come: what the user wrote, until the table of
 *             names is read; then control's. What is to go: its name, until the guest's
 *             configuration is known.
 * Lifecycle   a handler begins; control says how it ended. ^C: it goes on, but no verb waits.
 * Invariants  PLUG1 an answer of files to a command that the user has left is recognized by its
 *             number
 */
#include <stdlib.h>
#include <stdio.h>
#include <string.h>

#include "config/guest_json.h"
#include "config/names.h"
#include "client/files.h"
#include "cli/look.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"
#include "sys/random.h"

enum { SPEC_MAX = 1024 };

enum kind { KIND_DISK, KIND_VIF, KIND_MEDIUM };

static struct {
	uintptr_t number; /* of the command */
	uint32_t domid;
	enum kind kind;
	bool dry_run;
	char spec[SPEC_MAX];
	struct ctl_disk medium;
} wanted;

static void left(void)
{
	wanted.number++;
	verb_leave();
}

/* ---- devices that a guest has ---- */

/* The configuration that control says; its devices are not more than there is room for. */
static void config_take(struct guest_config *c, const void *body)
{
	*c = ((const struct ctl_guest *)body)->config;
	if (c->n_disks > GUEST_DISKS_MAX || c->n_vifs > GUEST_VIFS_MAX)
		c->n_disks = c->n_vifs = 0;
}

/* NULL: the guest has no such disk. */
static const struct guest_disk *disk_named(const struct guest_config *c, const char *name)
{
	uint32_t number;

	if (vdev_number(name, &number) == 0)
		for (uint32_t i = 0; i < c->n_disks; i++)
			if (c->disks[i].spec.number == number)
				return &c->disks[i];
	return NULL;
}

/* ---- attach ---- */

/* The request to control, for which the verb then waits. */
static void wanted_ask(enum ctl_op op, const void *body, uint32_t len)
{
	verb_ask(op, body, len, NULL, NULL);
	shell_busy(the_shell, left);
}

/* What would be attached, as xl's dry run prints it. */
static struct json description_begin(const char *what)
{
	out_fmt(&term_out, "%s: ", what);
	return json_object(&term_out, 0);
}

static void description_end(struct json *j)
{
	json_close(j, '}');
	out_str(&term_out, "\n");
	shell_done(the_shell);
}

static void disk_describe(const struct disk_spec *d)
{
	struct json j = description_begin("disk");

	guest_json_disk(&j, d);
	description_end(&j);
}

static void vif_describe(const struct vif_spec *v)
{
	struct json j = description_begin("vif");

	guest_json_vif(&j, v);
	description_end(&j);
}

static int disk_attach(const struct names *n, struct msg *m)
{
	struct ctl_disk c = { .domid = wanted.domid };
	struct guest_disk *d = &c.disk;

	if (disk_spec_parse(&d->spec, wanted.spec, m) ||
		disk_spec_check(&d->spec, n, d->label, m))
		return -1;
	if (wanted.dry_run)
		disk_describe(&d->spec);
	else
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
	if (wanted.dry_run)
		vif_describe(v);
	else
		wanted_ask(CTL_ATTACH_VIF, &c, sizeof(c));
	return 0;
}

/* ---- a medium ---- */

static void medium_insert(const void *body, uint32_t len)
{
	(void)body;
	(void)len;
	wanted_ask(CTL_INSERT, &wanted.medium, sizeof(wanted.medium));
}

/* As with xl, what is in the drive makes room. */
static void drive_known(const void *body, uint32_t len)
{
	const struct guest_disk *d = NULL;
	static struct guest_config c;
	struct ctl_number n = { .domid = wanted.domid };

	(void)len;
	config_take(&c, body);
	d = disk_named(&c, wanted.medium.disk.spec.vdev);
	if (!d || !d->spec.cdrom) {
		shell_fail(the_shell, "domain %u has no cdrom drive %s\n", wanted.domid,
			wanted.medium.disk.spec.vdev);
		shell_done(the_shell);
		return;
	}
	wanted.medium.disk.seat = d->seat;
	if (disk_spec_empty(&d->spec)) {
		medium_insert(NULL, 0);
		return;
	}
	n.value = d->seat;
	verb_ask(CTL_EJECT, &n, sizeof(n), NULL, medium_insert);
	shell_busy(the_shell, left);
}

static int medium_find(const struct names *n, struct msg *m)
{
	struct guest_disk *d = &wanted.medium.disk;

	wanted.medium = (struct ctl_disk){ .domid = wanted.domid };
	if (disk_spec_parse(&d->spec, wanted.spec, m) ||
		disk_spec_check(&d->spec, n, d->label, m))
		return -1;
	if (disk_spec_empty(&d->spec))
		return msg_fail(m, "no medium is named; use cd-eject");
	verb_ask(CTL_DESCRIBE, &wanted.domid, sizeof(wanted.domid), NULL, drive_known);
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
		rc = wanted.kind == KIND_VIF    ? vif_attach(&n, &m)
		     : wanted.kind == KIND_DISK ? disk_attach(&n, &m)
						: medium_find(&n, &m);
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

/* wanted.spec says what. */
static void attach_begin(struct shell *sh, uint32_t domid, enum kind kind)
{
	int rc;

	wanted.number++;
	wanted.domid = domid;
	wanted.kind = kind;
	shell_busy(sh, left);
	rc = files_read(NAMES_FILE, names_known, (void *)wanted.number);
	if (rc) {
		shell_fail(sh, NAMES_FILE ": %s\n", files_error_text(rc));
		shell_done(sh);
	}
}

static void attach(struct shell *sh, const struct options *o, enum kind kind)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);

	if (!d)
		return;
	wanted.dry_run = o->count['N'] != 0;
	if (spec_join(o))
		shell_fail(sh, "the description of the device is too long\n");
	else
		attach_begin(sh, d->domid, kind);
}

void verb_block_attach(struct shell *sh, const struct options *o) { attach(sh, o, KIND_DISK); }

void verb_network_attach(struct shell *sh, const struct options *o) { attach(sh, o, KIND_VIF); }

void verb_cd_insert(struct shell *sh, const struct options *o)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);
	char target[DISK_TARGET_MAX + 1];
	struct msg m;

	if (!d)
		return;
	if (disk_target_set(target, o->argv[2], &m)) {
		shell_fail(sh, "%s\n", m.text);
		return;
	}
	if (snprintf(wanted.spec, SPEC_MAX, "vdev=%s,devtype=cdrom,target=%s", o->argv[1],
		    target) >= SPEC_MAX)
		shell_fail(sh, "the name of the drive is too long\n");
	else
		attach_begin(sh, d->domid, KIND_MEDIUM);
}

/* ---- detach ---- */

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

static struct {
	uint32_t domid;
	enum kind kind;
	bool forced;
	char name[64];
} unwanted;

static void config_known(const void *body, uint32_t len)
{
	static const char *const names[] = { "disk", "vif", "cdrom drive" };
	struct ctl_number n = {
		.domid = unwanted.domid, .flags = unwanted.forced, .value = GUEST_SEATS
	};
	const struct guest_disk *d;
	static struct guest_config c;

	(void)len;
	config_take(&c, body);
	d = disk_named(&c, unwanted.name);
	if (unwanted.kind == KIND_VIF)
		n.value = vif_named(&c, unwanted.name);
	else if (d && (unwanted.kind == KIND_DISK || d->spec.cdrom))
		n.value = d->seat;
	if (n.value < GUEST_SEATS) {
		wanted_ask(
			unwanted.kind == KIND_MEDIUM ? CTL_EJECT : CTL_DETACH, &n, sizeof(n));
		return;
	}
	shell_fail(the_shell, "domain %u has no %s '%.40s'\n", unwanted.domid,
		names[unwanted.kind], unwanted.name);
	shell_done(the_shell);
}

static void detach(struct shell *sh, const struct options *o, enum kind kind)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);

	if (!d)
		return;
	unwanted.domid = d->domid;
	unwanted.kind = kind;
	unwanted.forced = o->count['f'] != 0;
	(void)snprintf(unwanted.name, sizeof(unwanted.name), "%s", o->argv[1]);
	verb_ask(CTL_DESCRIBE, &unwanted.domid, sizeof(unwanted.domid), NULL, config_known);
}

void verb_block_detach(struct shell *sh, const struct options *o) { detach(sh, o, KIND_DISK); }

void verb_network_detach(struct shell *sh, const struct options *o) { detach(sh, o, KIND_VIF); }

void verb_cd_eject(struct shell *sh, const struct options *o) { detach(sh, o, KIND_MEDIUM); }
