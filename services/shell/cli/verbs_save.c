/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * verbs_save.c - save, dump-core
 *
 * Objects     what the user wrote, until control has answered.
 * Lifecycle   the table of names is read; then the file with the configuration, or control is
 *             asked for that of the guest; then control saves the guest. A core has no
 *             configuration. ^C: it goes on, but no verb waits.
 * Invariants  SAVE1 an answer of files to a command that the user has left is recognized by its
 *                   number
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "client/ask.h"
#include "client/files.h"
#include "config/guest_cfg.h"
#include "config/guest_write.h"
#include "cli/look.h"
#include "cli/shell.h"
#include "cli/term.h"
#include "cli/verbs.h"
#include "sys/clock.h"
#include "sys/random.h"

static struct {
	uintptr_t number; /* of the command */
	uint32_t id;      /* of the request to control; 0: there is none */
	char target[DISK_TARGET_MAX + 1];
	char file[GUEST_PATH_MAX + 1]; /* empty: the guest's own configuration */
	struct names names;

	struct {
		struct ctl_save head;
		char text[VMCTL_CONFIG_MAX];
	} request;
	size_t text_len;
} wanted;

static void save_over(void)
{
	wanted.number++;
	wanted.id = 0;
	names_fini(&wanted.names);
}

static void save_leave(void)
{
	ask_leave(wanted.id);
	save_over();
}

static bool core_wanted(void) { return wanted.request.head.after == CTL_SAVE_CORE; }

static const char *verb_name(void) { return core_wanted() ? "dump-core" : "save"; }

static void save_fail(const char *text)
{
	save_over();
	shell_fail(the_shell, "%s: %s\n", verb_name(), text);
	shell_done(the_shell);
}

static void saved(void *ctx, int status, const void *body, uint32_t len)
{
	uint32_t domid = wanted.request.head.domid;

	(void)ctx;
	(void)len;
	save_over();
	if (status)
		shell_refused(the_shell, verb_name(), status, body);
	else if (!core_wanted())
		shell_print(the_shell, "Domain %u is saved\n", domid);
	if (status == -SK_E_IO && !core_wanted())
		shell_fail(the_shell, "Failed to save domain, resuming domain\n");
	shell_done(the_shell);
}

/* With the text in the request. */
static void save_ask(void)
{
	if (wanted.text_len > sizeof(wanted.request.text)) {
		save_fail("the configuration is too long to be saved with the guest");
		return;
	}
	if (!core_wanted())
		shell_print(the_shell, "Saving to %s new xl format\n", wanted.target);
	shell_busy(the_shell, save_leave);
	wanted.id = ask_send(&(struct ask){ .op = CTL_SAVE,
		.body = &wanted.request,
		.len = (uint32_t)(sizeof(wanted.request.head) + wanted.text_len),
		.fn = saved });
	if (!wanted.id)
		save_fail("the shell has no memory for the request");
}

/* Its length counts on when there is no room. */
static void text_add(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	if (wanted.text_len <= sizeof(wanted.request.text) &&
		len <= sizeof(wanted.request.text) - wanted.text_len)
		memcpy(wanted.request.text + wanted.text_len, text, len);
	wanted.text_len += len;
}

static const struct out text_out = { .write = text_add };

static void config_known(const void *body, uint32_t len)
{
	const struct ctl_guest *g = body;

	(void)len;
	if (!g->there) {
		save_fail("the domain has ended");
		return;
	}
	guest_config_write(&text_out, &g->config);
	save_ask();
}

/* A configuration with which the guest could not be restored is not saved. */
static bool config_valid(const char *text, size_t len)
{
	const struct guest_host host = { &wanted.names, random_bytes, sys_info()->n_cpus };
	struct guest_config *g = malloc(sizeof(*g));
	struct report *r = malloc(sizeof(*r));
	struct cfg c;
	bool valid = false;

	cfg_init(&c);
	if (g && r) {
		report_init(r);
		(void)cfg_parse(&c, wanted.file, text, len, r);
		(void)guest_config_make(g, &c, &host, r);
		report_print(r, &term_messages);
		valid = !r->mistakes;
	}
	cfg_fini(&c);
	free(r);
	free(g);
	return valid;
}

static void file_known(void *ctx, int status, const char *text, size_t len)
{
	struct msg m;

	if ((uintptr_t)ctx != wanted.number) /* SAVE1 */
		return;
	if (status) {
		(void)msg_fail(&m, "%s: %s", wanted.file, files_error_text(status));
		save_fail(m.text);
	} else if (!config_valid(text, len)) {
		save_fail("the configuration file has mistakes; nothing is saved");
	} else {
		text_add(NULL, text, len);
		save_ask();
	}
}

static void names_known(void *ctx, int status, const char *text, size_t len)
{
	uint32_t domid = wanted.request.head.domid;
	struct msg m;
	int rc = 0;

	if ((uintptr_t)ctx != wanted.number) /* SAVE1 */
		return;
	if (status && status != -SK_E_NOT_FOUND)
		rc = msg_fail(&m, NAMES_FILE ": %s", files_error_text(status));
	else if (!status && len && names_init(&wanted.names, text, len))
		rc = msg_fail(&m, "the shell has no memory for " NAMES_FILE);
	if (!rc)
		rc = disk_target_label(
			wanted.target, &wanted.names, wanted.request.head.image.label, &m);
	if (!rc && wanted.file[0] && files_read(wanted.file, file_known, (void *)wanted.number))
		rc = msg_fail(&m, "%s cannot be read now; try again", wanted.file);
	if (rc)
		save_fail(m.text);
	else if (core_wanted())
		save_ask();
	else if (!wanted.file[0])
		verb_ask(CTL_DESCRIBE, &domid, sizeof(domid), "save", config_known);
}

static void save_begin(struct shell *sh, const struct options *o, enum ctl_save_after after)
{
	const struct ctl_dom *d = look_guest(sh, o->argv[0]);
	struct msg m;
	int rc;

	if (!d)
		return;
	save_over(); /* what a command left that ended while control described its guest */
	wanted.text_len = 0;
	wanted.request.head = (struct ctl_save){ .domid = d->domid, .after = after };
	wanted.file[0] = '\0';
	rc = disk_target_set(wanted.target, o->argv[1], &m);
	if (!rc && o->argc > 2)
		rc = path_full(wanted.file, sizeof(wanted.file), o->argv[2], &m);
	if (rc) {
		shell_fail(sh, "%s: %s\n", verb_name(), m.text);
		return;
	}
	shell_busy(sh, save_leave);
	rc = files_read(NAMES_FILE, names_known, (void *)wanted.number);
	if (rc)
		save_fail(files_error_text(rc));
}

void verb_save(struct shell *sh, const struct options *o)
{
	save_begin(sh, o,
		o->count['p']   ? CTL_SAVE_PAUSE
		: o->count['c'] ? CTL_SAVE_CONTINUE
				: CTL_SAVE_DESTROY);
}

void verb_dump_core(struct shell *sh, const struct options *o)
{
	save_begin(sh, o, CTL_SAVE_CORE);
}
