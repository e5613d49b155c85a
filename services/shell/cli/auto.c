/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * auto.c - the guests that start with the host: the files of /guests/auto, one after the other
 *
 * Objects     list: the files, and how many of them were begun. control knows how many are
 *             dealt with: a guest of theirs is in its table, or cannot be made.
 */
#include "cli/auto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "config/path.h"
#include "host_log.h"
#include "client/ask.h"
#include "cli/draft.h"
#include "client/files.h"
#include "cli/term.h"
#include "svc/svc.h"

static const char auto_dir[] = GUESTS_DIR "/auto";
static struct {
	char **name;
	size_t n, at;
	struct draft *draft; /* of the guest that is being made */
	bool cut;            /* control has ended while it made a guest */
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

/* The next life of control begins behind the first n files. */
static void files_dealt_with(size_t n, bool over)
{
	const struct ctl_auto a = { .n = (uint32_t)n, .over = over };

	(void)ask_send(&(struct ask){ .op = CTL_AUTO, .body = &a, .len = sizeof(a) });
}

static void guest_start_next(void);

/* text: why there is no guest; NULL: it is there. */
static void guest_over(uint32_t domid, const char *text)
{
	const char *name = list.name[list.at - 1];

	files_dealt_with(list.at, false);
	out_fmt(&log_out, "shell: create %s/%s: status %d\n", auto_dir, name, text != NULL);
	if (text && strstr(text, name)) /* the text names the file already */
		out_fmt(&term_messages, "%s\n", text);
	else if (text)
		out_fmt(&term_messages, "%s/%s: %s\n", auto_dir, name, text);
	else
		out_fmt(&term_messages, "Started domain %u from %s/%s\n", domid, auto_dir,
			name);
	guest_start_next();
}

static void guest_created(void *ctx, int status, const void *body, uint32_t len)
{
	struct draft *d = list.draft;
	struct msg m;

	(void)ctx;
	(void)len;
	list.draft = NULL;
	if (status == -SK_E_RESTARTED) {
		draft_free(d);
		list.cut = true;
		return;
	}
	if (status) {
		(void)msg_fail(&m, "%s", ask_error_text(status, body));
		draft_blame(d, &m);
	}
	draft_free(d);
	if (status)
		guest_over(0, m.text);
	else
		guest_over(*(const uint32_t *)body, NULL);
}

static void guest_drafted(void *ctx, struct draft *d, const char *text)
{
	static struct ctl_create c;

	(void)ctx;
	if (!d) {
		guest_over(0, text);
		return;
	}
	list.draft = d;
	c.flags = CTL_CREATE_AUTO;
	c.n_auto = (uint32_t)list.at;
	c.config = *draft_config(d);
	if (!ask_send(&(struct ask){
		    .op = CTL_CREATE, .body = &c, .len = sizeof(c), .fn = guest_created }))
		guest_created(NULL, -SK_E_NO_MEM, "", 0);
}

static void guest_start_next(void)
{
	char path[FILES_CANDIDATE];
	struct msg m;

	while (list.at < list.n) {
		char *name = list.name[list.at++];

		snprintf(path, sizeof(path), "%s/%.200s", auto_dir, name);
		svc_timer_set(&list.patience, svc_in_ms(PATIENCE_MS));
		if (draft_begin(&(struct draft_request){ .file = path,
					.mistakes = &term_messages,
					.remarks = &log_out,
					.fn = guest_drafted },
			    &m) == 0)
			return;
		out_fmt(&term_messages, "%s\n", m.text);
		out_fmt(&log_out, "shell: create %s: status 1\n", path);
		files_dealt_with(list.at, false);
	}
	svc_timer_set(&list.patience, SK_NO_DEADLINE);
	files_dealt_with(list.n, true);
	list.done();
}

static bool entry_is_config(const struct file_entry *e)
{
	size_t len = strlen(e->name);

	return !e->directory && len > 4 && len < 200 && strcmp(e->name + len - 4, ".cfg") == 0;
}

static void auto_listed(void *ctx, int status, const struct file_entry *entries, size_t n)
{
	size_t dealt_with = (uintptr_t)ctx;

	list.name = status ? NULL : calloc(n + 1, sizeof(*list.name));
	list.n = 0;
	for (size_t i = 0; list.name && i < n; i++)
		if (entry_is_config(&entries[i]) &&
			(list.name[list.n] = strdup(entries[i].name)) != NULL)
			list.n++;
	list.at = dealt_with < list.n ? dealt_with : list.n;
	guest_start_next();
}

void auto_start(uint32_t dealt_with, void (*fn)(void))
{
	list.done = fn;
	list.patience.fn = patience_over;
	if (files_list(auto_dir, auto_listed, (void *)(uintptr_t)dealt_with))
		fn();
}

void auto_again(uint32_t dealt_with)
{
	if (!list.cut)
		return;
	list.cut = false;
	list.at = dealt_with < list.n ? dealt_with : list.n;
	guest_start_next();
}
