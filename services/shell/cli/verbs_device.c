/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_device.c - block-list, network-list: devices of guests, with what xenstore says
 *
 * Objects     listing: the guests that were named, and the row that is being filled.
 * Lifecycle   for each guest, control is asked for its configuration; then, for each device,
 *             xenstore for one number after the other; then its row is printed.
 * Invariants  LISTING1 an answer to a command that the user has left is recognized by its
 *             number
 */
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "cli/format.h"
#include "cli/look.h"
#include "cli/shell.h"
#include "client/store.h"
#include "cli/term.h"
#include "cli/verbs.h"

enum { KEYS = 4, NAMES_MAX = 64 };

static struct {
	uintptr_t number; /* of the command */
	bool vifs;
	struct table rows;
	uint32_t n, at; /* guests */
	uint32_t domid[NAMES_MAX];
	struct guest_config config; /* of guest `at` */
	uint32_t device, key;
	int value[KEYS]; /* -1: it is not there */
} listing;

static void guest_next(void);
static void key_next(void);

static void listing_leave(void)
{
	listing.number++; /* LISTING1 */
	verb_leave();
}

static void listing_end(void)
{
	table_end(&listing.rows);
	shell_done(the_shell);
}

static uint32_t devices(void)
{
	return listing.vifs ? listing.config.n_vifs : listing.config.n_disks;
}

static uint32_t device_id(void)
{
	const struct guest_config *c = &listing.config;

	return listing.vifs ? (uint32_t)c->vifs[listing.device].devid
			    : c->disks[listing.device].spec.number;
}

static void row_print(void)
{
	const struct device_row f = { .domid = listing.domid[listing.at],
		.devid = device_id(),
		.mac = listing.vifs ? listing.config.vifs[listing.device].mac : NULL,
		.state = listing.value[0],
		.port = listing.value[1],
		.ring = { listing.value[2], listing.value[3] } };

	if (listing.vifs)
		format_vif_row(&listing.rows, &f);
	else
		format_disk_row(&listing.rows, &f);
}

/* The keys of the front end that are shown; NULL: there are no more. */
static const char *key_name(void)
{
	static const char *const disk[KEYS] = { "state", "event-channel", "ring-ref" };
	static const char *const vif[KEYS] = { "state", "event-channel", "tx-ring-ref",
		"rx-ring-ref" };

	if (listing.key == KEYS)
		return NULL;
	return listing.vifs ? vif[listing.key] : disk[listing.key];
}

static void key_answered(void *ctx, const char *err, const char *data, uint32_t len)
{
	char *end;
	long v;

	if ((uintptr_t)ctx != listing.number)
		return;
	v = strtol(data, &end, 10);
	if (!err && len && !*end && v >= 0 && v <= INT32_MAX)
		listing.value[listing.key] = (int)v;
	listing.key++;
	key_next();
}

/* Ask for the next number of the row; or print it, and go on with the next device. */
static void key_next(void)
{
	const char *key = key_name();
	char path[80];

	if (!key) {
		row_print();
		listing.device++;
		listing.key = 0;
	}
	if (listing.device == devices()) {
		listing.at++;
		guest_next();
		return;
	}
	if (listing.key == 0)
		memset(listing.value, -1, sizeof(listing.value));
	snprintf(path, sizeof(path), "/local/domain/%u/device/%s/%u/%s",
		listing.domid[listing.at], listing.vifs ? "vif" : "vbd", device_id(),
		key_name());
	if (!store_ask(XS_READ, path, NULL, key_answered, (void *)listing.number))
		return;
	shell_fail(the_shell, "out of memory\n");
	listing_end();
}

static void guest_known(const void *body, uint32_t len)
{
	const struct ctl_guest *g = body;

	(void)len;
	listing.config = g->config;
	if (!g->there || listing.config.n_vifs > GUEST_VIFS_MAX ||
		listing.config.n_disks > GUEST_DISKS_MAX)
		listing.config.n_disks = listing.config.n_vifs = 0;
	listing.device = listing.key = 0;
	shell_busy(the_shell, listing_leave);
	key_next();
}

static void guest_next(void)
{
	uint32_t *domid = &listing.domid[listing.at];

	if (listing.at == listing.n)
		listing_end();
	else
		verb_ask(CTL_DESCRIBE, domid, sizeof(*domid), NULL, guest_known);
}

static void devices_list(struct shell *sh, const struct options *o, bool vifs)
{
	const struct ctl_dom *d;

	listing.number++;
	listing.vifs = vifs;
	listing.n = listing.at = 0;
	table_begin(&listing.rows, &term_out, verb_form(o));
	format_device_head(&listing.rows, vifs);
	for (int i = 0; i < o->argc && i < NAMES_MAX; i++) {
		d = look_guest(sh, o->argv[i]);
		if (d)
			listing.domid[listing.n++] = d->domid;
	}
	guest_next();
}

void verb_block_list(struct shell *sh, const struct options *o) { devices_list(sh, o, false); }

void verb_network_list(struct shell *sh, const struct options *o) { devices_list(sh, o, true); }
