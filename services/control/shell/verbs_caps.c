/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_caps.c - the verb caps: what a domain of the host, or the VMM of a guest, really holds
 *
 * What its builder gave it has a row for each slot. The rest is counted by kind and rights.
 */
#include <string.h>

#include "base/error.h"
#include "client/host.h"
#include "guest/caps.h"
#include "shell/format.h"
#include "shell/shell.h"
#include "shell/term.h"
#include "shell/verbs.h"

enum { GROUPS_MAX = 64 };
static struct cap_group groups[GROUPS_MAX];
static uint32_t n_groups;

static bool same_group(const struct cap_group *g, const struct init_cap *c)
{
	return g->cap.type == c->type && g->cap.rights == c->rights && g->cap.flags == c->flags;
}

static void cap_count(const struct init_cap *c)
{
	uint32_t i = 0;

	while (i < n_groups && !same_group(&groups[i], c))
		i++;
	if (i == n_groups && n_groups < GROUPS_MAX - 1)
		groups[n_groups++] = (struct cap_group){ .cap = *c };
	groups[i].n++;
	groups[i].bytes += cap_bytes(c);
}

static void cap_show(const struct init_cap *c)
{
	if (c->what[0])
		format_cap_row(&term_out, c);
	else
		cap_count(c);
}

static void table_begin(void)
{
	memset(groups, 0, sizeof(groups));
	n_groups = 0;
	format_cap_head(&term_out);
}

static void table_end(void)
{
	for (uint32_t i = 0; i < n_groups; i++)
		format_cap_group(&term_out, &groups[i]);
}

/* -SK_E_NOT_FOUND: the host has no such domain. */
static int host_caps_show(const char *name)
{
	struct init_cap caps[INIT_CAPS_MAX];
	uint64_t at = 0;
	bool begun = false;
	uint32_t n;
	int rc;

	do {
		rc = host_domain_caps(name, &at, caps, &n);
		if (rc)
			return rc;
		if (!begun)
			table_begin();
		begun = true;
		for (uint32_t i = 0; i < n; i++)
			cap_show(&caps[i]);
	} while (at);
	table_end();
	return 0;
}

static void guest_caps_show(const struct guest *g)
{
	struct init_cap cap;
	uint64_t at = 0;

	table_begin();
	while (guest_cap_next(g, &at, &cap))
		cap_show(&cap);
	table_end();
}

void verb_caps(struct shell *sh, const struct options *o)
{
	const char *name = o->argv[0];
	int rc = host_caps_show(name);
	const struct dom *d;

	if (rc == -SK_E_NOT_FOUND) {
		d = guest_by_name(sh, name);
		if (d && guest_of(d))
			guest_caps_show(guest_of(d));
		else if (d)
			shell_fail(sh, "caps: %.31s has no VMM now\n", name);
	} else if (rc == -SK_E_STATE) {
		shell_fail(sh, "caps: %.31s does not run now\n", name);
	} else if (rc) {
		shell_fail(sh, "caps: %.31s: %s\n", name, sk_error_text(rc));
	}
}
