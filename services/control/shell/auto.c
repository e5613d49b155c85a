/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * auto.c - the guests that start with the host: the files of /guests/auto, one after the other
 *
 * Objects     list: the files, and how many of them were begun.
 */
#include "shell/auto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "client/files.h"
#include "client/host.h"
#include "config/path.h"
#include "guest/creation.h"
#include "guest/kept.h"
#include "log.h"
#include "shell/term.h"

static const char auto_dir[] = GUESTS_DIR "/auto";
static struct {
	char **name;
	size_t n, at;
	void (*done)(void);
	struct svc_timer patience;
} list;

enum { PATIENCE_MS = 120000 };

/* The shell opens even if a guest does not start, or a service does not answer. */
static void patience_over(void *ctx)
{
	(void)ctx;
	out_fmt(&term_messages, "%s/%s takes long; the other guests follow when it is there\n",
		auto_dir, list.name[list.at - 1]);
	list.done();
}

/*
 * The first n files are dealt with: a guest of theirs is in the table, or cannot be made. The
 * next life of control begins behind them.
 */
static void files_dealt_with(size_t n)
{
	if (n > kept_head()->n_auto)
		kept_head()->n_auto = (uint32_t)n;
}

static void guest_start_next(void);

static void guest_started(void *ctx, uint32_t domid, const char *text)
{
	const char *name = ctx;

	files_dealt_with(list.at);
	if (text && strstr(text, name)) /* the text names the file already */
		out_fmt(&term_messages, "%s\n", text);
	else if (text)
		out_fmt(&term_messages, "%s/%s: %s\n", auto_dir, name, text);
	else
		out_fmt(&term_messages, "Started domain %u from %s/%s\n", domid, auto_dir,
			name);
	guest_start_next();
}

static void guest_in_table(void) { files_dealt_with(list.at); }

static void guest_start_next(void)
{
	char path[FILES_CANDIDATE];
	struct msg m;

	while (list.at < list.n) {
		char *name = list.name[list.at++];

		snprintf(path, sizeof(path), "%s/%.200s", auto_dir, name);
		svc_timer_set(&list.patience, svc_in_ms(PATIENCE_MS));
		if (creation_from_file(&(struct creation_request){ .file = path,
					       .how = CREATE_RUN,
					       .mistakes = &term_messages,
					       .remarks = &log_out,
					       .nobody_waits = true,
					       .in_table = guest_in_table,
					       .fn = guest_started,
					       .ctx = name },
			    &m) == 0)
			return;
		out_fmt(&term_messages, "%s\n", m.text);
		files_dealt_with(list.at);
	}
	svc_timer_set(&list.patience, SK_NO_DEADLINE);
	kept_head()->auto_over = true;
	list.done();
}

static bool entry_is_config(const struct file_entry *e)
{
	size_t len = strlen(e->name);

	return !e->directory && len > 4 && len < 200 && strcmp(e->name + len - 4, ".cfg") == 0;
}

static void auto_listed(void *ctx, int status, const struct file_entry *entries, size_t n)
{
	(void)ctx;
	list.name = status ? NULL : calloc(n + 1, sizeof(*list.name));
	list.n = list.at = 0;
	for (size_t i = 0; list.name && i < n; i++)
		if (entry_is_config(&entries[i]) &&
			(list.name[list.n] = strdup(entries[i].name)) != NULL)
			list.n++;
	list.at = kept_head()->n_auto < list.n ? kept_head()->n_auto : list.n;
	guest_start_next();
}

void auto_start(void (*fn)(void))
{
	list.done = fn;
	if (kept_head()->auto_over) {
		fn();
		return;
	}
	list.patience.fn = patience_over;
	if (files_list(auto_dir, auto_listed, NULL))
		fn();
}
