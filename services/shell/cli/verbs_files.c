/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_files.c - ls and cat
 *
 * Objects     the file that is being shown, and how far.
 * Lifecycle   a handler asks for the first piece; each answer prints and asks for the next when
 *             the terminal has room.
 * Invariants  FILES1 an answer to a command that the user has left is recognized by its number
 */
#include <stdio.h>
#include <string.h>

#include "client/files.h"
#include "config/path.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"

enum shown { SHOWN_DIRECTORY, SHOWN_FILE };

static struct {
	uintptr_t number;
	bool sizes;
	enum table_form form;
	enum shown kind;
	uint64_t position;
	char last; /* the last byte that was shown; 0: none yet */
	char path[FILES_CANDIDATE];
} show;

static void show_leave(void) { show.number++; /* FILES1 */ }

static bool show_begin(struct shell *sh, const char *path, enum shown kind)
{
	struct msg m;

	if (path_full(show.path, sizeof(show.path), path, &m)) {
		shell_fail(sh, "%s\n", m.text);
		return false;
	}
	show.number++;
	show.kind = kind;
	show.position = 0;
	show.last = 0;
	shell_busy(sh, show_leave);
	return true;
}

static void show_finish(int status)
{
	if (status == -SK_E_INVAL)
		shell_fail(the_shell, "%s: not %s, or not a path\n", show.path,
			show.kind == SHOWN_FILE ? "a file" : "a directory");
	else if (status)
		shell_fail(the_shell, "%s: %s\n", show.path, files_error_text(status));
	shell_done(the_shell);
}

static void dir_listed(void *ctx, int status, const struct file_entry *list, size_t n)
{
	struct table t;

	if ((uintptr_t)ctx != show.number)
		return;
	table_begin(&t, &term_out, show.form);
	for (size_t i = 0; i < n; i++) {
		const char *type = list[i].directory ? "directory" : "file";

		table_row(&t);
		if (show.sizes)
			table_plain(&t, "%12llu ", (unsigned long long)list[i].size);
		table_text(&t, "name", "%s", list[i].name);
		table_plain(&t, "%s", list[i].directory ? "/" : "");
		table_string(&t, "type", type, strlen(type));
		table_value(&t, "size", list[i].size);
		table_row_end(&t);
	}
	table_end(&t);
	show_finish(status);
}

void verb_ls(struct shell *sh, const struct options *o)
{
	int rc;

	if (!show_begin(sh, o->argc ? o->argv[0] : "/", SHOWN_DIRECTORY))
		return;
	show.sizes = o->count['l'] != 0;
	show.form = verb_form(o);
	rc = files_list(show.path, dir_listed, (void *)show.number);
	if (rc)
		show_finish(rc);
}

static void piece_ask(void);

/* The prompt begins on a new line, even if the file does not end with a newline. */
static void line_end(void)
{
	if (show.last && show.last != '\n')
		out_str(&term_out, "\n");
}

static void piece_show(void *ctx, int status, const char *text, size_t len)
{
	if ((uintptr_t)ctx != show.number)
		return;
	if (status || !len) {
		line_end();
		show_finish(status);
		return;
	}
	out_bytes(&term_out, text, len);
	show.position += len;
	show.last = text[len - 1];
	if (term_pending() > TERM_HIGH)
		shell_on_room(piece_ask);
	else
		piece_ask();
}

static void piece_ask(void)
{
	int rc = files_read_at(show.path, show.position, piece_show, (void *)show.number);

	if (rc)
		show_finish(rc);
}

void verb_cat(struct shell *sh, const struct options *o)
{
	if (show_begin(sh, o->argv[0], SHOWN_FILE))
		piece_ask();
}
