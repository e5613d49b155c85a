/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_caps.c - the verb caps: what a domain of the host, or the VMM of a guest, really holds
 *
 * What its builder gave it has a row for each slot. The rest is counted by kind and rights.
 */
#include <stddef.h>
#include <string.h>

#include "client/ask.h"
#include "client/domains.h"
#include "cli/format.h"
#include "cli/look.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"

enum { GROUPS_MAX = 64 };
static struct table rows;
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
		format_cap_row(&rows, c);
	else
		cap_count(c);
}

static void rows_begin(enum table_form form)
{
	memset(groups, 0, sizeof(groups));
	n_groups = 0;
	table_begin(&rows, &term_out, form);
	format_cap_head(&rows);
}

static void rows_end(void)
{
	for (uint32_t i = 0; i < n_groups; i++)
		format_cap_group(&rows, &groups[i]);
	table_end(&rows);
}

/* ---- pages of capabilities ---- */

/* Of INIT_CAPS: the first word of the slots. */
enum { CAPS_WORD = 3 };

static struct {
	char name[DOMAIN_NAME_MAX]; /* as it was typed */
	uint32_t domid;             /* of a guest; 0: a domain of the host is meant */
	uint64_t at;                /* where the next page begins */
	enum table_form form;
	uint32_t id;
} shown;

static void page_ask(void);

static void page_show(const struct init_cap *cap, uint32_t n, uint64_t next)
{
	if (!shown.at)
		rows_begin(shown.form);
	for (uint32_t i = 0; i < n; i++)
		cap_show(&cap[i]);
	shown.at = n ? next : 0;
	if (shown.at) {
		page_ask();
		return;
	}
	rows_end();
	shell_done(the_shell);
}

static void guest_page_show(const struct ctl_caps *c, uint32_t len)
{
	uint32_t n = (uint32_t)((len - offsetof(struct ctl_caps, cap)) / sizeof(c->cap[0]));

	page_show(c->cap, n < c->n ? n : c->n, c->next);
}

static void host_page_show(const struct ctl_words *w, uint32_t len)
{
	struct init_cap cap[INIT_CAPS_MAX];
	uint32_t n = len / sizeof(w->mr[0]);

	n = n < CAPS_WORD ? 0 : (n - CAPS_WORD) * (uint32_t)sizeof(w->mr[0]) / sizeof(cap[0]);
	if (n > INIT_CAPS_MAX)
		n = INIT_CAPS_MAX;
	if (n && n > w->mr[2])
		n = (uint32_t)w->mr[2];
	memcpy(cap, &w->mr[CAPS_WORD], n * sizeof(cap[0]));
	page_show(cap, n, n ? w->mr[1] : 0);
}

/* The host has no domain with this name, so a guest is meant. */
static void guest_choose(void)
{
	const struct ctl_dom *d = look_guest(the_shell, shown.name);

	if (!d) {
		shell_done(the_shell);
		return;
	}
	shown.domid = d->domid;
	page_ask();
}

static void page_answered(void *ctx, int status, const void *body, uint32_t len)
{
	(void)ctx;
	if (!status && shown.domid) {
		guest_page_show(body, len);
	} else if (!status) {
		host_page_show(body, len);
	} else if (status == -SK_E_NOT_FOUND && !shown.domid) {
		guest_choose();
	} else {
		if (status == -SK_E_STATE)
			shell_fail(the_shell, "caps: %.31s %s now\n", shown.name,
				shown.domid ? "has no VMM" : "does not run");
		else
			shell_refused(the_shell, "caps", status, body);
		shell_done(the_shell);
	}
}

static void page_leave(void) { ask_leave(shown.id); }

static void page_ask(void)
{
	const struct ctl_caps_of of = { .domid = shown.domid, .at = shown.at };

	shell_waits(the_shell, page_leave);
	if (shown.domid)
		shown.id = ask_send(&(struct ask){
			.op = CTL_CAPS, .body = &of, .len = sizeof(of), .fn = page_answered });
	else
		shown.id = host_caps_ask(shown.name, shown.at, page_answered);
	if (!shown.id)
		page_answered(NULL, -SK_E_NO_MEM, "", 0);
}

void verb_caps(struct shell *sh, const struct options *o)
{
	if (strlen(o->argv[0]) >= sizeof(shown.name)) {
		(void)look_domain(sh, o->argv[0]);
		return;
	}
	memset(shown.name, 0, sizeof(shown.name));
	strcpy(shown.name, o->argv[0]);
	shown.form = verb_form(o);
	shown.domid = 0;
	shown.at = 0;
	page_ask();
}
