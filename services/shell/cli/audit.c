/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * audit.c - who did what, when, and with which result
 *
 * Objects     the command that runs. The log is console's, so it outlives control; dmesg adds
 *             the time.
 * Invariants  AUDIT1 a command that takes time has a line when it begins, because control may
 *                end before it does
 */
#include "cli/audit.h"

#include <ctype.h>
#include <string.h>

#include "host_log.h"

enum { TEXT_MAX = 200 };

static char text[TEXT_MAX + 1]; /* of the command; empty: it is not noted */

/* The line may have any bytes; the log gets those that print. */
static void text_add(const char *word)
{
	size_t at = strlen(text);

	for (; *word && at < TEXT_MAX; word++)
		text[at++] = isprint((unsigned char)*word) ? *word : '?';
	text[at] = '\0';
}

void audit_begin(const struct verb *v, int argc, char *const *argv)
{
	text[0] = '\0';
	if (v->effect != EFFECT_CHANGES)
		return;
	for (int i = 0; i < argc; i++) {
		if (i)
			text_add(" ");
		text_add(argv[i]);
	}
}

void audit_goes_on(void)
{
	if (text[0])
		out_fmt(&log_out, "shell: %s: begins\n", text); /* AUDIT1 */
}

void audit_end(int status)
{
	if (text[0])
		out_fmt(&log_out, "shell: %s: status %d\n", text, status);
	text[0] = '\0';
}
