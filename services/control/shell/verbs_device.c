/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_device.c - block-list, network-list: devices of guests, with what xenstore says
 *
 * Objects     struct listing: the rows of one command. Each of its values is asked of xenstore,
 *             and the last answer prints the table and frees it.
 * Lifecycle   a handler asks; ^C marks the listing as left, so that it is not printed.
 */
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <xen/io/xs_wire.h>

#include "client/xenstore.h"
#include "guest/guest.h"
#include "shell/format.h"
#include "shell/shell.h"
#include "shell/term.h"
#include "shell/verbs.h"

enum { KEYS = 4 };

struct listing;
/* A number in a front end's directory. */
struct cell {
	struct listing *listing;
	int value; /* -1: it is not there */
};
struct listed {
	uint32_t domid, devid;
	uint8_t mac[6];
	struct cell cell[KEYS];
};
struct listing {
	bool vifs;
	uint32_t n, to_come;
	struct listed row[];
};

/* The one that the shell waits for; NULL: none. */
static struct listing *shown;

static void listing_print(const struct listing *l)
{
	for (uint32_t i = 0; i < l->n; i++) {
		const struct listed *r = &l->row[i];
		const struct device_row f = { .domid = r->domid,
			.devid = r->devid,
			.mac = r->mac,
			.state = r->cell[0].value,
			.port = r->cell[1].value,
			.ring = { r->cell[2].value, r->cell[3].value } };

		if (l->vifs)
			format_vif_row(&term_out, &f);
		else
			format_disk_row(&term_out, &f);
	}
}

static void listing_end(struct listing *l)
{
	if (l == shown) {
		shown = NULL;
		listing_print(l);
		shell_done(the_shell);
	}
	free(l);
}

static void cell_answered(void *ctx, int err, const char *data, uint32_t len)
{
	struct cell *c = ctx;
	char *end;
	long v = strtol(data, &end, 10);

	if (!err && len && !*end && v >= 0 && v <= INT32_MAX)
		c->value = (int)v;
	if (--c->listing->to_come == 0)
		listing_end(c->listing);
}

static void listing_left(void) { shown = NULL; }

/* The keys of the front end that are shown; NULL: there are no more. */
static const char *cell_key(const struct listing *l, uint32_t k)
{
	static const char *const disk[KEYS] = { "state", "event-channel", "ring-ref" };
	static const char *const vif[KEYS] = { "state", "event-channel", "tx-ring-ref",
		"rx-ring-ref" };

	return l->vifs ? vif[k] : disk[k];
}

static void row_ask(struct listing *l, struct listed *r)
{
	char path[80];

	for (uint32_t k = 0; k < KEYS; k++) {
		r->cell[k] = (struct cell){ l, -1 };
		if (!cell_key(l, k))
			continue;
		snprintf(path, sizeof(path), "/local/domain/%u/device/%s/%u/%s", r->domid,
			l->vifs ? "vif" : "vbd", r->devid, cell_key(l, k));
		if (!xs_request_texts(XS_READ, cell_answered, &r->cell[k], path, NULL))
			l->to_come++;
	}
}

static void rows_add(struct listing *l, const struct dom *d)
{
	const struct guest_config *c = d->config;
	uint32_t n = !guest_of(d) ? 0 : l->vifs ? c->n_vifs : c->n_disks;

	for (uint32_t i = 0; i < n; i++) {
		struct listed *r = &l->row[l->n++];

		r->domid = d->domid;
		r->devid = l->vifs ? (uint32_t)c->vifs[i].devid : c->disks[i].spec.number;
		if (l->vifs)
			memcpy(r->mac, c->vifs[i].mac, sizeof(r->mac));
	}
}

static void devices_list(struct shell *sh, const struct options *o, bool vifs)
{
	uint32_t max = (uint32_t)o->argc * GUEST_DISKS_MAX;
	struct listing *l = calloc(1, sizeof(*l) + max * sizeof(l->row[0]));
	struct dom *d;

	if (!l) {
		shell_fail(sh, "out of memory\n");
		return;
	}
	l->vifs = vifs;
	format_device_head(&term_out, vifs);
	for (int i = 0; i < o->argc; i++) {
		d = guest_by_name(sh, o->argv[i]);
		if (d)
			rows_add(l, d);
	}
	shown = l;
	shell_busy(sh, listing_left);
	l->to_come = 1; /* until all are asked for */
	for (uint32_t i = 0; i < l->n; i++)
		row_ask(l, &l->row[i]);
	if (--l->to_come == 0)
		listing_end(l);
}

void verb_block_list(struct shell *sh, const struct options *o) { devices_list(sh, o, false); }

void verb_network_list(struct shell *sh, const struct options *o) { devices_list(sh, o, true); }
