/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_create.c - create, restore, config-update
 *
 * Objects     struct job: one creation, from the command to control's answer.
 * Lifecycle   its file is read and checked; control makes the guest, which boots, or goes on as
 *             it was saved. ^C: it goes on, but no verb waits for it.
 */
#include <stdlib.h>
#include <string.h>

#include "config/guest_json.h"
#include "client/ask.h"
#include "cli/draft.h"
#include "cli/look.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"

struct job {
	const char *verb;
	bool dry_run, paused, attach;
	uint32_t domid; /* of the guest whose configuration it is to be; 0: a new guest */
	char name[GUEST_NAME_MAX + 1]; /* of this guest */
	uint32_t id;                   /* of the request to control; 0: there is none so far */
	struct draft *draft;
};

/* The one that the running verb waits for; NULL: none. */
static struct job *awaited;

static void job_free(struct job *j)
{
	if (j == awaited)
		awaited = NULL;
	if (j->draft)
		draft_free(j->draft);
	free(j);
}

/* text: why there is no guest; NULL: nothing went wrong. */
static void job_end(struct job *j, const char *text)
{
	bool waits = j == awaited;

	if (waits && text)
		shell_fail(the_shell, "%s: %s\n", j->verb, text);
	job_free(j);
	if (waits)
		shell_done(the_shell);
}

/* What a guest would be, as xl's dry run prints it. */
static void describe(const struct guest_config *g)
{
	struct json j = json_object(&term_out, 0);

	guest_json(&j, g);
	json_close(&j, '}');
	out_str(&term_out, "\n");
}

static void created(void *ctx, int status, const void *body, uint32_t len)
{
	struct job *j = ctx;
	struct msg m;

	(void)len;
	if (status) {
		(void)msg_fail(&m, "%s", ask_error_text(status, body));
		draft_blame(j->draft, &m);
		job_end(j, m.text);
	} else if (j->attach) {
		job_free(j); /* it waits: a job that was left has no request */
		shell_attach_new(the_shell, *(const uint32_t *)body);
	} else {
		job_end(j, NULL);
	}
}

static void updated(void *ctx, int status, const void *body, uint32_t len)
{
	(void)len;
	job_end(ctx, status ? ask_error_text(status, body) : NULL);
}

static void update_send(struct job *j)
{
	static struct ctl_update u;
	const struct guest_config *g = draft_config(j->draft);
	struct ask a = { .op = CTL_UPDATE, .body = &u, .len = sizeof(u) };
	struct msg m;

	if (strcmp(g->name, j->name) != 0) {
		(void)msg_fail(&m,
			"the configuration is that of '%s', and the guest is '%s'; use rename",
			g->name, j->name);
		job_end(j, m.text);
		return;
	}
	u.domid = j->domid;
	u.config = *g;
	if (j == awaited) {
		a.fn = updated;
		a.ctx = j;
	}
	j->id = ask_send(&a);
	if (!j->id)
		job_end(j, "the shell has no memory for the request");
	else if (j != awaited)
		job_free(j);
}

static void job_send(struct job *j)
{
	static struct ctl_create c;
	struct ask a = { .op = CTL_CREATE, .body = &c, .len = sizeof(c) };

	c.flags = j->paused ? CTL_CREATE_PAUSED : 0;
	memset(&c.image, 0, sizeof(c.image));
	strcpy(c.image.label, draft_image(j->draft));
	c.config = *draft_config(j->draft);
	if (j == awaited) {
		a.fn = created;
		a.ctx = j;
	}
	j->id = ask_send(&a);
	if (!j->id)
		job_end(j, "the shell has no memory for the request");
	else if (j != awaited)
		job_free(j);
}

static void drafted(void *ctx, struct draft *d, const char *text)
{
	struct job *j = ctx;

	j->draft = d;
	if (!d) {
		job_end(j, text);
	} else if (j->domid) {
		update_send(j);
	} else if (!j->dry_run) {
		job_send(j);
	} else {
		if (j == awaited)
			describe(draft_config(d));
		job_end(j, NULL);
	}
}

static void job_leave(void)
{
	struct job *j = awaited;

	awaited = NULL;
	if (!j || !j->id)
		return;
	ask_leave(j->id);
	job_free(j);
}

/* NULL: there is no memory, and the user has been told so. */
static struct job *job_new(struct shell *sh, const char *verb, const struct options *o)
{
	struct job *j = calloc(1, sizeof(*j));

	if (!j) {
		shell_fail(sh, "%s: out of memory\n", verb);
		return NULL;
	}
	j->verb = verb;
	j->paused = o->count['p'] != 0;
	j->attach = o->count['c'] != 0;
	return j;
}

static void job_begin(struct shell *sh, struct job *j, struct draft_request *r)
{
	struct msg m;

	awaited = j;
	r->mistakes = &term_messages;
	r->remarks = &term_messages;
	r->fn = drafted;
	r->ctx = j;
	shell_busy(sh, job_leave);
	if (draft_begin(r, &m))
		job_end(j, m.text);
}

void verb_create(struct shell *sh, const struct options *o)
{
	const char *file = o->value['f'];
	struct job *j;
	int first = 0;

	if (!file && o->argc) {
		file = o->argv[0];
		first = 1;
	}
	if (!file) {
		shell_fail(sh, "create: name a configuration file, such as web.cfg\n");
		return;
	}
	j = job_new(sh, "create", o);
	if (!j)
		return;
	j->dry_run = o->count['n'] || o->count['N'];
	if (!o->count['q'])
		shell_print(sh, "Parsing config from %s\n", file);
	job_begin(sh, j,
		&(struct draft_request){ .file = file,
			.overrides = o->argv + first,
			.n_overrides = o->argc - first });
}

void verb_restore(struct shell *sh, const struct options *o)
{
	struct draft_request r = { .file = o->argc > 1 ? o->argv[0] : NULL,
		.image = o->argv[o->argc - 1] };
	struct job *j = job_new(sh, "restore", o);

	if (!j)
		return;
	shell_print(sh, "Loading new save file %s\n", r.image);
	shell_print(sh, "Parsing config from %s\n", r.file ? r.file : "<saved>");
	job_begin(sh, j, &r);
}

void verb_config_update(struct shell *sh, const struct options *o)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);
	const char *file = o->value['f'];
	struct job *j;
	int first = 1;

	if (!d)
		return;
	if (!file && o->argc > 1 && !strchr(o->argv[1], '=')) {
		file = o->argv[1];
		first = 2;
	}
	if (!file) {
		shell_fail(sh, "config-update: name a configuration file, such as web.cfg\n");
		return;
	}
	j = job_new(sh, "config-update", o);
	if (!j)
		return;
	j->domid = d->domid;
	strcpy(j->name, d->name);
	shell_print(sh,
		"WARNING: the configuration of domain %u is replaced by %s when it starts again\n",
		d->domid, file);
	job_begin(sh, j,
		&(struct draft_request){ .file = file,
			.overrides = o->argv + first,
			.n_overrides = o->argc - first });
}
