/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - the shell: the person at the console, as a tool of control's
 *
 * It parses what people write (lines, and files in the syntax of xl.cfg) and asks control by
 * the requests of proto/ctl.h. Its rooms, from the bottom up: client/ (control and files),
 * config/ (what a guest's file means), cli/ (terminal, lines, verbs). A room includes only
 * rooms below it; config/ and client/ do not know each other.
 */
#include <stdio.h>

#include "base/error.h"
#include "cli/shell.h"
#include "svc/svc.h"

int main(void)
{
	int rc;

	(void)setvbuf(stdout, NULL, _IOLBF, 0);
	rc = shell_init();
	if (rc) {
		printf("the shell cannot start: %s\n", sk_error_text(rc));
		return 1;
	}
	return svc_run();
}
