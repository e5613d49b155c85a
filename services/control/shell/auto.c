/*
 * auto.c - from a configuration file to a guest; and the guests that start with the host
 *
 * Objects     struct making: a file being read, with its overrides, and then what it says, until
 *             the guest is there or not. queue: files of /guests/auto to come.
 * Locks       none.
 * Lifecycle   create_from_file(): read, parse, check, guest_create(); freed when it is known how
 *             that went.
 */
#include "shell/auto.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "array.h"
#include "client/files.h"
#include "client/host.h"
#include "config/path.h"
#include "guest/life.h"
#include "log.h"
#include "shell/format.h"
#include "shell/term.h"

struct making {
	const struct out *remarks;
	created_fn fn;
	void *ctx;
	enum create_how how;
	int n;
	char *overrides[64];
	char path[FILES_CANDIDATE];
	struct cfg cfg;
};

static void making_free(struct making *k)
{
	cfg_fini(&k->cfg);
	while (k->n)
		free(k->overrides[--k->n]);
	free(k);
}

/* All mistakes are told at once: who reads them cannot mend the file here, but on another machine. */
static int tell(const struct report *r, const struct making *k, struct msg *m)
{
	report_print(r, r->mistakes ? &term_messages : k->remarks);
	if (!r->mistakes)
		return 0;
	return msg_fail(m, "%.200s: %u mistake%s; no guest is made", k->path, r->mistakes,
		r->mistakes > 1 ? "s" : "");
}

static int parse(
	struct making *k, const char *text, size_t len, struct guest_config *g, struct msg *m)
{
	struct cfg *c = &k->cfg;
	struct report *r = malloc(sizeof(*r));
	int i, rc;

	if (!r)
		return msg_fail(m, "control has no memory for another guest");
	report_init(r);
	(void)cfg_parse(c, k->path, text, len, r); /* what is wrong stands in *r */
	for (i = 0; i < k->n; i++)
		(void)cfg_override(c, k->overrides[i], r);
	(void)guest_config_make(g, c, host_random, r);
	rc = tell(r, k, m);
	free(r);
	return rc;
}

/* Who reads that a file or a disk is not there wants to know where it was asked for. */
static void say_where(const struct cfg *c, struct msg *m)
{
	static const char *const keys[] = { "kernel", "ramdisk", "disk", "vif", "memory" };
	const struct cfg_setting *s = NULL;
	struct msg what = *m;
	size_t i, len;

	for (i = 0; i < ARRAY_SIZE(keys); i++) {
		len = strlen(keys[i]);
		if (strncmp(m->text, keys[i], len) == 0 && m->text[len] == ' ')
			s = cfg_find(c, keys[i]);
	}
	if (s)
		(void)cfg_complain(s, m, "%s", what.text);
}

static void ended(void *ctx, uint32_t domid, const char *text)
{
	struct making *k = ctx;
	struct msg m;

	if (text) {
		msg_fail(&m, "%s", text);
		say_where(&k->cfg, &m);
	}
	k->fn(k->ctx, domid, text ? m.text : NULL);
	making_free(k);
}

/* CREATE_TRY: what a guest would be, as xl's dry run prints it. */
static void try_ended(struct making *k, struct guest_config *g)
{
	format_config_json(&term_out, 0, g, NULL);
	out_str(&term_out, "\n");
	free(g);
	ended(k, 0, NULL);
}

static int make(struct making *k, const char *text, size_t len, struct msg *m)
{
	struct guest_config *g = malloc(sizeof(*g));
	int rc;

	if (!g)
		return msg_fail(m, "control has no memory for another guest");
	rc = parse(k, text, len, g, m);
	if (!rc && k->how == CREATE_TRY) {
		try_ended(k, g);
	} else if (!rc) {
		rc = guest_create(g, k->how == CREATE_PAUSED, ended, k, m);
		if (rc)
			say_where(&k->cfg, m);
	}
	if (rc)
		free(g);
	return rc;
}

static void file_read(void *ctx, int status, const char *text, size_t len)
{
	struct making *k = ctx;
	struct msg m;

	if (status)
		msg_fail(&m, "%s: %s", k->path, files_error_text(status));
	if (!status && make(k, text, len, &m) == 0)
		return;
	k->fn(k->ctx, 0, m.text);
	making_free(k);
}

int create_from_file(const char *name, char *const *overrides, int n, enum create_how how,
	const struct out *remarks, created_fn fn, void *ctx, struct msg *m)
{
	struct making *k = calloc(1, sizeof(*k));
	int rc;

	if (!k)
		return msg_fail(m, "control has no memory for another guest");
	*k = (struct making){ .remarks = remarks, .fn = fn, .ctx = ctx, .how = how };
	cfg_init(&k->cfg);
	if (path_full(k->path, sizeof(k->path), name, m) || n > (int)ARRAY_SIZE(k->overrides)) {
		free(k);
		return msg_fail(m, "the path is too long, or there are too many settings");
	}
	while (overrides && k->n < n) {
		k->overrides[k->n] = strdup(overrides[k->n]);
		if (!k->overrides[k->n++])
			goto memory;
	}
	rc = files_read(k->path, file_read, k);
	if (!rc)
		return 0;
	(void)msg_fail(m, "%.200s: %s", k->path, files_error_text(rc));
	making_free(k);
	return -1;
memory:
	making_free(k);
	return msg_fail(m, "control has no memory for another guest");
}

/* ---- /guests/auto ---- */

static const char auto_dir[] = GUESTS_DIR "/auto";
static struct {
	char **name;
	size_t n, at;
	void (*done)(void);
	struct svc_timer patience;
} list;

enum { PATIENCE_MS = 120000 };

/* A guest that does not come, or a service that does not answer it, does not keep the shell from the user. */
static void no_patience(void *ctx)
{
	(void)ctx;
	out_fmt(&term_messages, "%s/%s takes long; the others follow when it is there\n",
		auto_dir, list.name[list.at - 1]);
	list.done();
}

static void start_next(void);

static void started(void *ctx, uint32_t domid, const char *text)
{
	const char *name = ctx;

	if (text && strstr(text, name)) /* the text says where */
		out_fmt(&term_messages, "%s\n", text);
	else if (text)
		out_fmt(&term_messages, "%s/%s: %s\n", auto_dir, name, text);
	else
		out_fmt(&term_messages, "Started domain %u from %s/%s\n", domid, auto_dir,
			name);
	start_next();
}

static void start_next(void)
{
	char path[FILES_CANDIDATE];
	struct msg m;

	while (list.at < list.n) {
		char *name = list.name[list.at++];

		snprintf(path, sizeof(path), "%s/%.200s", auto_dir, name);
		svc_timer_set(&list.patience, deadline_in_ms(PATIENCE_MS));
		if (create_from_file(path, NULL, 0, CREATE_RUN, &log_out, started, name, &m) ==
			0)
			return;
		out_fmt(&term_messages, "%s\n", m.text);
	}
	svc_timer_set(&list.patience, SK_NO_DEADLINE);
	list.done();
}

static bool is_config(const struct file_entry *e)
{
	size_t len = strlen(e->name);

	return !e->directory && len > 4 && len < 200 && strcmp(e->name + len - 4, ".cfg") == 0;
}

static void listed(void *ctx, int status, const struct file_entry *entries, size_t n)
{
	size_t i;

	(void)ctx;
	list.name = status ? NULL : calloc(n + 1, sizeof(*list.name));
	list.n = list.at = 0;
	for (i = 0; list.name && i < n; i++)
		if (is_config(&entries[i]) &&
			(list.name[list.n] = strdup(entries[i].name)) != NULL)
			list.n++;
	start_next();
}

void auto_start(void (*fn)(void))
{
	list.done = fn;
	list.patience.fn = no_patience;
	if (files_list(auto_dir, listed, NULL))
		fn();
}
