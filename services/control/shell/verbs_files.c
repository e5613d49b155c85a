/*
 * verbs_files.c - ls and cat
 *
 * Objects     the file that is being shown, and how far.
 * Lifecycle   a handler asks for the first piece; each answer prints and asks for the next when
 *             the terminal has room.
 * Invariants  C1 an answer that belongs to a command that was left is recognized by its number
 */
#include <stdio.h>
#include <string.h>

#include "client/files.h"
#include "config/path.h"
#include "shell/shell.h"
#include "shell/term.h"
#include "shell/verbs.h"

static struct {
	uintptr_t number;
	bool sizes, file;
	uint64_t position;
	char last; /* of what was shown; 0: nothing yet */
	char path[FILES_CANDIDATE];
} show;

static void leave(void) { show.number++; /* C1 */ }

static bool begin(struct shell *sh, const char *path, bool file)
{
	struct msg m;

	if (path_full(show.path, sizeof(show.path), path, &m)) {
		shell_print(sh, "%s\n", m.text);
		return false;
	}
	show.number++;
	show.file = file;
	show.position = 0;
	show.last = 0;
	shell_busy(sh, leave);
	return true;
}

static void finish(int status)
{
	if (status == -SK_E_INVAL)
		shell_print(the_shell, "%s: not %s, or not a path\n", show.path,
			show.file ? "a file" : "a directory");
	else if (status)
		shell_print(the_shell, "%s: %s\n", show.path, files_error_text(status));
	shell_done(the_shell);
}

static void listed(void *ctx, int status, const struct file_entry *list, size_t n)
{
	if ((uintptr_t)ctx != show.number)
		return;
	for (size_t i = 0; i < n; i++) {
		if (show.sizes)
			out_fmt(&term_out, "%12llu ", (unsigned long long)list[i].size);
		out_fmt(&term_out, "%s%s\n", list[i].name, list[i].directory ? "/" : "");
	}
	finish(status);
}

void verb_ls(struct shell *sh, const struct options *o)
{
	int rc;

	if (!begin(sh, o->argc ? o->argv[0] : "/", false))
		return;
	show.sizes = o->count['l'] != 0;
	rc = files_list(show.path, listed, (void *)show.number);
	if (rc)
		finish(rc);
}

static void more(void);

/* The prompt begins a line, whatever the file's last one was. */
static void end_line(void)
{
	if (show.last && show.last != '\n')
		out_str(&term_out, "\n");
}

static void piece(void *ctx, int status, const char *text, size_t len)
{
	if ((uintptr_t)ctx != show.number)
		return;
	if (status || !len) {
		end_line();
		finish(status);
		return;
	}
	out_bytes(&term_out, text, len);
	show.position += len;
	show.last = text[len - 1];
	if (term_pending() > TERM_HIGH)
		shell_on_room(more);
	else
		more();
}

static void more(void)
{
	int rc = files_read_at(show.path, show.position, piece, (void *)show.number);

	if (rc)
		finish(rc);
}

void verb_cat(struct shell *sh, const struct options *o)
{
	if (begin(sh, o->argv[0], true))
		more();
}
