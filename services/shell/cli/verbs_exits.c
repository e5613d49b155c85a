/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_exits.c - the verb exits: how often a guest's vCPUs left guest mode, and why
 *
 * Lifecycle   the VMM is asked for new figures; the table is printed when they are there.
 */
#include <inttypes.h>
#include <sk/vcpu.h>
#include <string.h>

#include "base/array.h"
#include "cli/look.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"

#define X(name, num, qual) [num] = #name,
static const char *const reasons[] = { SK_EXITS(X) };
#undef X
_Static_assert(ARRAY_SIZE(reasons) <= VMCTL_EXITS, "a reason is an index");

static struct {
	enum table_form form;
	char who[GUEST_NAME_MAX + 1];
} exits;

static uint64_t sum_of(const uint64_t n[VMCTL_EXITS])
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < VMCTL_EXITS; i++)
		sum += n[i];
	return sum;
}

static void rows_print(const uint64_t n[VMCTL_EXITS])
{
	const uint64_t sum = sum_of(n);
	struct table t;

	table_begin(&t, &term_out, exits.form);
	table_plain(&t, "%-14s %14s %7s\n", "Reason", "Count", "Share");
	for (uint32_t i = 0; i < ARRAY_SIZE(reasons); i++) {
		if (!n[i])
			continue;
		table_row(&t);
		table_text(&t, "reason", "%-14s", reasons[i]);
		table_number(&t, "count", " %14" PRIu64, n[i]);
		table_plain(&t, " %6.1f%%", 100.0 * (double)n[i] / (double)sum);
		table_row_end(&t);
	}
	table_plain(&t, "%-14s %14" PRIu64 "\n", "all", sum);
	table_end(&t);
}

static void guest_described(const void *body, uint32_t len)
{
	static struct ctl_guest g;

	if (len != sizeof(g))
		memset(&g, 0, sizeof(g));
	else
		memcpy(&g, body, sizeof(g));
	rows_print(g.exits);
	shell_done(the_shell);
}

static void guests_known(void)
{
	const struct ctl_dom *d = look_guest(the_shell, exits.who);

	if (d)
		verb_ask(CTL_DESCRIBE, &d->domid, sizeof(d->domid), "exits", guest_described);
	else
		shell_done(the_shell);
}

void verb_exits(struct shell *sh, const struct options *o)
{
	if (!look_guest(sh, o->argv[0]))
		return;
	exits.form = verb_form(o);
	strcpy(exits.who, look_find(o->argv[0])->name);
	look_at_guests_anew(guests_known);
}
