/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * report.c - the mistakes and remarks about one configuration
 *
 * Invariants  REPORT1 line[0..n) is in the order of line_place(); lines with the same place
 *             stay in the order in which they were added
 */
#include "config/report.h"

#include <limits.h>
#include <stdbool.h>
#include <stdint.h>
#include <string.h>

void report_init(struct report *r)
{
	r->n = r->mistakes = 0;
	r->lost_mistakes = r->lost_remarks = 0;
}

static uint64_t line_place(enum report_kind kind, unsigned int at)
{
	uint64_t place = at ? at : UINT_MAX;

	return kind == REPORT_DECISIVE ? place : place + (1ull << 32);
}

static uint64_t line_at(const struct report *r, unsigned int i)
{
	return line_place(r->line[i].kind, r->line[i].at);
}

static void lost_count(struct report *r, enum report_kind kind)
{
	if (kind == REPORT_REMARK)
		r->lost_remarks++;
	else
		r->lost_mistakes++;
}

static void line_remove(struct report *r, unsigned int i)
{
	r->n--;
	memmove(&r->line[i], &r->line[i + 1], (r->n - i) * sizeof(r->line[0]));
}

static void line_lose(struct report *r, unsigned int i)
{
	lost_count(r, r->line[i].kind);
	line_remove(r, i);
}

/*
 * When all lines are taken, a mistake replaces the last remark, or else the last line if that
 * belongs after it.
 */
static bool room_make(struct report *r, enum report_kind kind, unsigned int at)
{
	if (r->n < REPORT_MAX)
		return true;
	for (unsigned int i = r->n; kind != REPORT_REMARK && i > 0; i--) {
		if (r->line[i - 1].kind == REPORT_REMARK) {
			line_lose(r, i - 1);
			return true;
		}
	}
	if (kind == REPORT_REMARK || line_at(r, r->n - 1) <= line_place(kind, at)) {
		lost_count(r, kind);
		return false;
	}
	line_lose(r, r->n - 1);
	return true;
}

void report_add(struct report *r, enum report_kind kind, unsigned int at, const char *text)
{
	unsigned int i;

	r->mistakes += kind != REPORT_REMARK;
	if (!room_make(r, kind, at))
		return;
	for (i = r->n; i > 0 && line_at(r, i - 1) > line_place(kind, at); i--)
		r->line[i] = r->line[i - 1];
	r->line[i].kind = kind;
	r->line[i].at = at;
	(void)msg_fail(&r->line[i].text, "%s", text);
	r->n++; /* REPORT1 */
}

void report_drop_remarks(struct report *r)
{
	for (unsigned int i = r->n; i > 0; i--)
		if (r->line[i - 1].kind == REPORT_REMARK)
			line_remove(r, i - 1);
	r->lost_remarks = 0;
}

void report_print(const struct report *r, const struct out *o)
{
	for (unsigned int i = 0; i < r->n; i++)
		out_fmt(o, "%s\n", r->line[i].text.text);
	if (r->lost_mistakes || r->lost_remarks)
		out_fmt(o, "and %u more mistakes and %u more remarks\n", r->lost_mistakes,
			r->lost_remarks);
}
