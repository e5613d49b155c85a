/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * draft.c - from a file to what it means
 *
 * Objects     struct draft: from the request until its receiver frees it.
 * Lifecycle   the host's table of names is read, then the file, or the text that control gets
 *             from an image; then the text is parsed and checked.
 */
#include "cli/draft.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "config/names.h"
#include "config/path.h"
#include "client/ask.h"
#include "client/files.h"
#include "cli/typed.h"
#include "sys/clock.h"
#include "sys/random.h"

enum { OVERRIDES_MAX = 64 };

static const char no_memory[] = "the shell has no memory for another configuration";

struct draft {
	const struct out *mistakes, *remarks;
	draft_fn fn;
	void *ctx;
	bool typed;                 /* it was typed in the shell, and path is its name */
	char path[FILES_CANDIDATE]; /* or the image that the text is from */
	bool in_image;
	char target[DISK_TARGET_MAX + 1]; /* the image; empty: there is none */
	struct ctl_image image;
	char *overrides[OVERRIDES_MAX];
	int n_overrides;
	struct names names;
	struct cfg cfg; /* says which line of the file a failure is about */
	struct guest_config config;
};

const struct guest_config *draft_config(const struct draft *d) { return &d->config; }

const char *draft_image(const struct draft *d) { return d->image.label; }

void draft_free(struct draft *d)
{
	cfg_fini(&d->cfg);
	names_fini(&d->names);
	while (d->n_overrides)
		free(d->overrides[--d->n_overrides]);
	free(d);
}

static void draft_fail(struct draft *d, const char *text)
{
	draft_fn fn = d->fn;
	void *ctx = d->ctx;
	struct msg m;

	(void)msg_fail(&m, "%s", text);
	draft_free(d);
	fn(ctx, NULL, m.text);
}

/*
 * All mistakes are reported at once, because the file can be corrected only on another machine.
 */
static int draft_report(const struct draft *d, const struct report *r, struct msg *m)
{
	report_print(r, r->mistakes ? d->mistakes : d->remarks);
	if (!r->mistakes)
		return 0;
	return msg_fail(m, "%.200s: %u mistake%s; no guest is made", d->path, r->mistakes,
		r->mistakes > 1 ? "s" : "");
}

static void draft_check(struct draft *d, const char *text, size_t len)
{
	const struct guest_host host = { &d->names, random_bytes, sys_info()->n_cpus };
	struct report *r = malloc(sizeof(*r));
	struct msg m;
	int rc;

	if (!r) {
		draft_fail(d, no_memory);
		return;
	}
	report_init(r);
	/* Each adds its mistakes to *r. */
	(void)cfg_parse(&d->cfg, d->path, text, len, r);
	for (int i = 0; i < d->n_overrides; i++)
		(void)cfg_override(&d->cfg, d->overrides[i], r);
	(void)guest_config_make(&d->config, &d->cfg, &host, r);
	rc = draft_report(d, r, &m);
	free(r);
	if (rc)
		draft_fail(d, m.text);
	else
		d->fn(d->ctx, d, NULL);
}

static void file_read(void *ctx, int status, const char *text, size_t len)
{
	struct draft *d = ctx;
	struct msg m;

	if (!status) {
		draft_check(d, text, len);
		return;
	}
	(void)msg_fail(&m, "%s: %s", d->path, files_error_text(status));
	draft_fail(d, m.text);
}

static void text_known(void *ctx, int status, const void *body, uint32_t len)
{
	struct draft *d = ctx;

	if (status)
		draft_fail(d, ask_error_text(status, body));
	else
		draft_check(d, body, len);
}

static void draft_read_image(struct draft *d)
{
	if (!ask_send(&(struct ask){ .op = CTL_SAVED_CONFIG,
		    .body = &d->image,
		    .len = sizeof(d->image),
		    .fn = text_known,
		    .ctx = d }))
		draft_fail(d, no_memory);
}

static void draft_read(struct draft *d)
{
	const char *text;
	struct msg m;
	size_t len;
	int rc;

	if (d->in_image) {
		draft_read_image(d);
		return;
	}
	if (d->typed) {
		text = typed_find(d->path, &len);
		(void)msg_fail(&m, "%s was removed meanwhile", d->path);
		if (text)
			draft_check(d, text, len);
		else
			draft_fail(d, m.text);
		return;
	}
	rc = files_read(d->path, file_read, d);
	if (rc)
		file_read(d, rc, NULL, 0);
}

static void names_read(void *ctx, int status, const char *text, size_t len)
{
	struct draft *d = ctx;
	struct msg m;

	if (status && status != -SK_E_NOT_FOUND) {
		(void)msg_fail(&m, NAMES_FILE ": %s", files_error_text(status));
		draft_fail(d, m.text);
	} else if (!status && len && names_init(&d->names, text, len)) {
		draft_fail(d, no_memory);
	} else if (d->target[0] &&
		   disk_target_label(d->target, &d->names, d->image.label, &m)) {
		draft_fail(d, m.text);
	} else {
		draft_read(d);
	}
}

void draft_blame(const struct draft *d, struct msg *m)
{
	static const char *const keys[] = { "kernel", "ramdisk", "disk", "vif", "memory",
		"cpus" };
	const struct cfg_setting *s = NULL;
	struct msg what = *m;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i]);

		if (strncmp(m->text, keys[i], len) == 0 && m->text[len] == ' ')
			s = cfg_find(&d->cfg, keys[i]);
	}
	if (s)
		(void)cfg_complain(s, m, "%s", what.text);
}

static int overrides_copy(struct draft *d, const struct draft_request *r)
{
	while (d->n_overrides < r->n_overrides) {
		char *copy = strdup(r->overrides[d->n_overrides]);

		if (!copy)
			return -1;
		d->overrides[d->n_overrides++] = copy;
	}
	return 0;
}

static int file_prepare(struct draft *d, const struct draft_request *r, struct msg *m)
{
	size_t len;

	if (r->image && disk_target_set(d->target, r->image, m))
		return -1;
	_Static_assert(sizeof(d->path) >= sizeof(d->target), "a path has room for it");
	d->in_image = !r->file;
	if (d->in_image) {
		strcpy(d->path, d->target);
		return 0;
	}
	if (path_full(d->path, sizeof(d->path), r->file, m) || r->n_overrides > OVERRIDES_MAX)
		return msg_fail(m, "the path is too long, or there are too many settings");
	d->typed = typed_find(r->file, &len) != NULL;
	if (d->typed)
		strcpy(d->path, r->file);
	return overrides_copy(d, r) ? msg_fail(m, no_memory) : 0;
}

int draft_begin(const struct draft_request *r, struct msg *m)
{
	struct draft *d = calloc(1, sizeof(*d));
	int rc;

	if (!d)
		return msg_fail(m, no_memory);
	d->mistakes = r->mistakes;
	d->remarks = r->remarks;
	d->fn = r->fn;
	d->ctx = r->ctx;
	cfg_init(&d->cfg);
	rc = file_prepare(d, r, m);
	if (!rc) {
		rc = files_read(NAMES_FILE, names_read, d);
		if (!rc)
			return 0;
		(void)msg_fail(m, NAMES_FILE ": %s", files_error_text(rc));
	}
	draft_free(d);
	return -1;
}
