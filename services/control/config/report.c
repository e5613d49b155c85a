/*
 * report.c - what is to be said about a configuration
 *
 * Objects     struct report, in the caller's storage.
 * Locks       none.
 * Lifecycle   plain data.
 * Invariants  R1 line[0..n) is in the order of the file; what has the same place stays in the order in
 *             which it was added
 */
#include "config/report.h"

#include <limits.h>
#include <stdbool.h>
#include <string.h>

void report_init(struct report *r)
{
	r->n = r->mistakes = 0;
	r->lost[REPORT_REMARK] = r->lost[REPORT_MISTAKE] = 0;
}

static unsigned int place(unsigned int at) { return at ? at : UINT_MAX; }

static void take_out(struct report *r, unsigned int i)
{
	r->n--;
	memmove(&r->line[i], &r->line[i + 1], (r->n - i) * sizeof(r->line[0]));
}

static void lose(struct report *r, unsigned int i)
{
	r->lost[r->line[i].kind]++;
	take_out(r, i);
}

/* The last remark gives way to a mistake, else the last line to one that comes before it. */
static bool make_room(struct report *r, enum report_kind kind, unsigned int at)
{
	if (r->n < REPORT_MAX)
		return true;
	for (unsigned int i = r->n; kind == REPORT_MISTAKE && i > 0; i--) {
		if (r->line[i - 1].kind == REPORT_REMARK) {
			lose(r, i - 1);
			return true;
		}
	}
	if (kind == REPORT_REMARK || place(r->line[r->n - 1].at) <= place(at)) {
		r->lost[kind]++;
		return false;
	}
	lose(r, r->n - 1);
	return true;
}

void report_add(struct report *r, enum report_kind kind, unsigned int at, const char *text)
{
	unsigned int i;

	r->mistakes += kind == REPORT_MISTAKE;
	if (!make_room(r, kind, at))
		return;
	for (i = r->n; i > 0 && place(r->line[i - 1].at) > place(at); i--)
		r->line[i] = r->line[i - 1];
	r->line[i].kind = kind;
	r->line[i].at = at;
	(void)msg_fail(&r->line[i].text, "%s", text);
	r->n++; /* R1 */
}

void report_drop_remarks(struct report *r)
{
	for (unsigned int i = r->n; i > 0; i--)
		if (r->line[i - 1].kind == REPORT_REMARK)
			take_out(r, i - 1);
	r->lost[REPORT_REMARK] = 0;
}

void report_print(const struct report *r, const struct out *o)
{
	for (unsigned int i = 0; i < r->n; i++)
		out_fmt(o, "%s\n", r->line[i].text.text);
	if (r->lost[REPORT_MISTAKE] || r->lost[REPORT_REMARK])
		out_fmt(o, "and %u mistakes and %u remarks more\n", r->lost[REPORT_MISTAKE],
			r->lost[REPORT_REMARK]);
}
