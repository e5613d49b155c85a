/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_xs.c - the xenstore-* commands
 *
 * Objects     struct walk: the requests that the running command still has to send, as a stack
 *             of paths. One request is under way at a time; its answer prints, pushes, and
 *             sends the next.
 * Lifecycle   a handler fills the stack; the command ends when it is empty, or with ^C.
 * Invariants  WALK1 an answer to a command that the user has left is recognized by its number
 */
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>
#include <xen/io/xs_wire.h>

#include "base/array.h"
#include "cli/format.h"
#include "client/store.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"

struct step {
	SLIST_ENTRY(step) link;
	uint32_t type; /* of the request; the order of a node's: READ, GET_PERMS, DIRECTORY */
	uint32_t depth;
	char path[];
};

static struct {
	SLIST_HEAD(, step) steps;
	uintptr_t number; /* of the command */
	bool full, perms, prefix;
	struct table rows;
	size_t root; /* bytes of the path that is not printed */
} walk;

static void walk_next(void);

static bool walk_push(uint32_t type, uint32_t depth, const char *dir, const char *name)
{
	size_t n = strlen(dir) + strlen(name) + 2;
	struct step *s = malloc(sizeof(*s) + n);

	if (!s)
		return false;
	s->type = type;
	s->depth = depth;
	snprintf(s->path, n, "%s%s%s", dir, *name && strcmp(dir, "/") != 0 ? "/" : "", name);
	SLIST_INSERT_HEAD(&walk.steps, s, link);
	return true;
}

static void walk_clear(void)
{
	struct step *s;

	walk.number++; /* WALK1 */
	while ((s = SLIST_FIRST(&walk.steps)) != NULL) {
		SLIST_REMOVE_HEAD(&walk.steps, link);
		free(s);
	}
}

static void walk_end(void)
{
	walk_clear();
	table_end(&walk.rows);
	shell_done(the_shell);
}

static void walk_fail(const char *path, const char *why)
{
	shell_fail(the_shell, "%.300s: %s\n", path, why);
	walk_end();
}

/* ---- printing ---- */

static void ls_print_name(const struct step *s)
{
	const char *slash = strrchr(s->path, '/');

	if (walk.full) {
		out_str(&term_out, s->path);
	} else {
		out_fmt(&term_out, "%*s", (int)s->depth, "");
		out_str(&term_out, slash ? slash + 1 : s->path);
	}
}

static void ls_print_perms(const char *data, uint32_t len)
{
	char text[OUT_LINE_MAX];
	size_t used = 0;

	text[0] = '\0';
	for (uint32_t at = 0; at < len && used < sizeof(text);
		at += (uint32_t)strlen(data + at) + 1)
		used += (size_t)snprintf(
			text + used, sizeof(text) - used, "%s%s", at ? "," : "", data + at);
	table_plain(&walk.rows, "   (");
	table_text(&walk.rows, "permissions", "%s", text);
	table_plain(&walk.rows, ")");
}

/* ---- xenstore-ls ---- */

/* Push the children so that the first one comes off the stack first. */
static bool walk_push_children(const struct step *s, const char *data, uint32_t len)
{
	uint32_t end_at = len, at;

	while (end_at > 0) {
		for (at = end_at - 1; at > 0 && data[at - 1]; at--)
			continue;
		if (data[at] && !walk_push(XS_READ, s->depth + 1, s->path, data + at))
			return false;
		end_at = at;
	}
	return true;
}

static void ls_value(const struct step *s, const char *data, uint32_t len)
{
	if (s->depth == UINT32_MAX)
		return; /* the root of the listing is not shown */
	table_row(&walk.rows);
	table_string(&walk.rows, "path", s->path, strlen(s->path));
	table_string(&walk.rows, "value", data, len);
	if (!walk.rows.as_json) {
		ls_print_name(s);
		out_str(&term_out, " = \"");
		format_escaped(&term_out, data, len);
		out_str(&term_out, "\"");
	}
	if (!walk.perms)
		table_row_end(&walk.rows);
}

/* A node was removed in the meantime, perhaps after its value was shown. */
static void ls_removed(void)
{
	if (walk.rows.in_row)
		table_row_end(&walk.rows);
	walk_next();
}

static void ls_answer(void *ctx, const char *err, const char *data, uint32_t len)
{
	struct step *s = SLIST_FIRST(&walk.steps);
	bool ok = true;

	if ((uintptr_t)ctx != walk.number || !s)
		return;
	SLIST_REMOVE_HEAD(&walk.steps, link);
	if (err && strcmp(err, "ENOENT") != 0) {
		walk_fail(s->path, store_error_text(err));
	} else if (err) {
		if (s->depth == UINT32_MAX)
			walk_fail(s->path, store_error_text(err));
		else
			ls_removed();
	} else {
		if (s->type == XS_READ) {
			ls_value(s, data, len);
			ok = walk_push(XS_DIRECTORY, s->depth, s->path, "") &&
			     (!walk.perms || s->depth == UINT32_MAX ||
				     walk_push(XS_GET_PERMS, s->depth, s->path, ""));
		} else if (s->type == XS_GET_PERMS) {
			ls_print_perms(data, len);
			table_row_end(&walk.rows);
		} else {
			ok = walk_push_children(s, data, len);
		}
		if (ok)
			walk_next();
		else
			walk_fail(s->path, "out of memory");
	}
	free(s);
}

static void walk_next(void)
{
	struct step *s = SLIST_FIRST(&walk.steps);

	if (!s)
		walk_end();
	else if (term_pending() > TERM_HIGH)
		shell_on_room(walk_next);
	else if (store_ask(s->type, s->path, NULL, ls_answer, (void *)walk.number))
		walk_fail(s->path, "the path is too long");
}

void verb_xenstore_ls(struct shell *sh, const struct options *o)
{
	const char *path = o->argc ? o->argv[0] : "/";

	walk_clear();
	walk.full = o->count['f'] != 0;
	walk.perms = o->count['p'] != 0;
	table_begin(&walk.rows, &term_out, verb_form(o));
	shell_busy(sh, walk_clear);
	if (walk_push(XS_READ, UINT32_MAX, path, ""))
		walk_next();
	else
		walk_end();
}

/* ---- one request after the other: read, write, rm, list ---- */

static struct {
	uint32_t type;
	uint32_t argc, at;
	char *argv[64];
} batch;

static void batch_next(void);

static void batch_clear(void)
{
	walk.number++;
	while (batch.argc)
		free(batch.argv[--batch.argc]);
	batch.at = 0;
}

static void batch_end(void)
{
	batch_clear();
	table_end(&walk.rows);
	shell_done(the_shell);
}

/* Paths are longer than the columns of a table may be. */
static void print_plain(const char *text)
{
	if (!walk.rows.as_json)
		out_str(&term_out, text);
}

static void print_list(const char *path, const char *data, uint32_t len)
{
	for (uint32_t at = 0; at < len; at += (uint32_t)strlen(data + at) + 1) {
		const char *name = data + at;

		table_row(&walk.rows);
		table_string(&walk.rows, "parent", path, strlen(path));
		table_string(&walk.rows, "name", name, strlen(name));
		if (walk.prefix && strcmp(path, "/") != 0)
			print_plain(path);
		if (walk.prefix)
			print_plain("/");
		print_plain(name);
		table_row_end(&walk.rows);
	}
}

static void print_value(const char *path, const char *data, uint32_t len)
{
	table_row(&walk.rows);
	table_string(&walk.rows, "path", path, strlen(path));
	table_string(&walk.rows, "value", data, len);
	if (walk.prefix) {
		print_plain(path);
		print_plain(": ");
	}
	if (!walk.rows.as_json)
		format_escaped(&term_out, data, len);
	table_row_end(&walk.rows);
}

static void batch_answer(void *ctx, const char *err, const char *data, uint32_t len)
{
	const char *path = batch.argv[batch.at];

	if ((uintptr_t)ctx != walk.number)
		return;
	if (err) {
		shell_fail(the_shell, "%.300s: %s\n", path, store_error_text(err));
		batch_end();
		return;
	}
	if (batch.type == XS_READ)
		print_value(path, data, len);
	else if (batch.type == XS_DIRECTORY)
		print_list(path, data, len);
	batch.at += batch.type == XS_WRITE ? 2 : 1;
	batch_next();
}

static void batch_next(void)
{
	const char *path = batch.argv[batch.at];
	void *number = (void *)walk.number;
	int rc;

	if (batch.at >= batch.argc) {
		batch_end();
		return;
	}
	if (batch.type == XS_WRITE)
		rc = store_ask(XS_WRITE, path, batch.argv[batch.at + 1], batch_answer, number);
	else
		rc = store_ask(batch.type, path, NULL, batch_answer, number);
	if (rc) {
		shell_fail(the_shell, "%.100s: path or value too long\n", path);
		batch_end();
	}
}

static void batch_start(struct shell *sh, const struct options *o, uint32_t type)
{
	batch_clear();
	batch.type = type;
	walk.prefix = o->count['p'] != 0;
	table_begin(&walk.rows, &term_out, verb_form(o));
	shell_busy(sh, batch_clear);
	for (int i = 0; i < o->argc && i < (int)ARRAY_SIZE(batch.argv); i++) {
		batch.argv[i] = strdup(o->argv[i]);
		if (!batch.argv[i]) {
			shell_fail(sh, "out of memory\n");
			batch_end();
			return;
		}
		batch.argc++;
	}
	batch_next();
}

void verb_xenstore_read(struct shell *sh, const struct options *o)
{
	batch_start(sh, o, XS_READ);
}

void verb_xenstore_list(struct shell *sh, const struct options *o)
{
	batch_start(sh, o, XS_DIRECTORY);
}

void verb_xenstore_rm(struct shell *sh, const struct options *o) { batch_start(sh, o, XS_RM); }

void verb_xenstore_write(struct shell *sh, const struct options *o)
{
	if (o->argc % 2) {
		shell_fail(sh, "xenstore-write: the last path has no value; give one\n");
		return;
	}
	batch_start(sh, o, XS_WRITE);
}
