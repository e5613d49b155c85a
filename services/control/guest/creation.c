/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * creation.c - how a guest comes to be: the steps from a configuration file to a guest that
 * runs
 *
 * Objects     struct creation: from the request until the requester was told the result. From
 *             BUILD on the guest points to it.
 * Lifecycle   creation_from_file() begins with NAMES, creation_from_config() with BUILD; then
 *             the table of steps.
 * Invariants  CREATION1 the state changes only in creation_set_state()
 *             CREATION2 the requester of a guest is told the result exactly once
 *             CREATION3 a VMM starts only after its part of xenstore is complete
 */
#include "guest/creation.h"

#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "client/files.h"
#include "client/host.h"
#include "config/guest_cfg.h"
#include "config/names.h"
#include "config/path.h"
#include "guest/build.h"
#include "guest/connect.h"
#include "guest/life.h"
#include "guest/sched.h"
#include "guest/store.h"
#include "guest/typed.h"
#include "sys/clock.h"

enum { OVERRIDES_MAX = 64 };

static const char no_memory[] = "control has no memory for another guest";

struct creation {
	enum creation_state state;

	/* the requester */
	enum create_how how;
	const struct out *mistakes, *remarks;
	void (*describe)(const struct guest_config *g);
	created_fn fn;
	void *ctx;

	/* the file; a guest that is created again has none */
	bool typed; /* it was typed in the shell, and path is its name */
	char path[FILES_CANDIDATE];
	char *overrides[OVERRIDES_MAX];
	int n_overrides;
	struct names names;
	const char *text; /* of the file, in state CHECK */
	size_t text_len;
	struct cfg cfg; /* says which line of the file a failure is about */

	struct guest_config *config; /* until the table of guests takes it over */
	uint32_t short_lives;
	bool again;
	void (*in_table)(void);
	struct guest *guest;
	struct msg failure;
};

static void creation_free(struct creation *c)
{
	cfg_fini(&c->cfg);
	names_fini(&c->names);
	while (c->n_overrides)
		free(c->overrides[--c->n_overrides]);
	free(c->config);
	free(c);
}

/* CREATION1 */
static void creation_set_state(struct creation *c, enum creation_state to) { c->state = to; }

/* ---- the steps ---- */

enum step_end {
	STEP_DONE,
	STEP_WAITS,
	STEP_LAST, /* no further step is wanted */
	STEP_FAILED,
};

static int creation_run(struct creation *c, struct msg *m);
static void creation_tell(struct creation *c, uint32_t domid, const char *text);

/* Go on after a file was read, or tell why not. */
static void creation_go_on(struct creation *c, enum creation_state to)
{
	struct msg m;

	creation_set_state(c, to);
	if (creation_run(c, &m))
		creation_tell(c, 0, m.text);
}

static void names_read(void *ctx, int status, const char *text, size_t len)
{
	struct creation *c = ctx;
	struct msg m;

	if (status == -SK_E_NOT_FOUND) {
		len = 0;
		status = 0;
	}
	if (status) {
		msg_fail(&m, NAMES_FILE ": %s", files_error_text(status));
		creation_tell(c, 0, m.text);
	} else if (len && names_init(&c->names, text, len)) {
		creation_tell(c, 0, no_memory);
	} else {
		creation_go_on(c, CREATION_READ);
	}
}

static enum step_end step_names(struct creation *c, struct msg *m)
{
	int rc = files_read(NAMES_FILE, names_read, c);

	if (!rc)
		return STEP_WAITS;
	msg_fail(m, NAMES_FILE ": %s", files_error_text(rc));
	return STEP_FAILED;
}

static void file_read(void *ctx, int status, const char *text, size_t len)
{
	struct creation *c = ctx;
	struct msg m;

	if (status) {
		msg_fail(&m, "%s: %s", c->path, files_error_text(status));
		creation_tell(c, 0, m.text);
		return;
	}
	c->text = text;
	c->text_len = len;
	creation_go_on(c, CREATION_CHECK);
}

static enum step_end step_read(struct creation *c, struct msg *m)
{
	int rc;

	if (c->typed) {
		c->text = typed_find(c->path, &c->text_len);
		if (c->text)
			return STEP_DONE;
		msg_fail(m, "%s was removed meanwhile", c->path);
		return STEP_FAILED;
	}
	rc = files_read(c->path, file_read, c);
	if (!rc)
		return STEP_WAITS;
	msg_fail(m, "%.200s: %s", c->path, files_error_text(rc));
	return STEP_FAILED;
}

/*
 * All mistakes are reported at once, because the file can be corrected only on another machine.
 */
static int creation_report(const struct creation *c, const struct report *r, struct msg *m)
{
	report_print(r, r->mistakes ? c->mistakes : c->remarks);
	if (!r->mistakes)
		return 0;
	return msg_fail(m, "%.200s: %u mistake%s; no guest is made", c->path, r->mistakes,
		r->mistakes > 1 ? "s" : "");
}

static enum step_end step_check(struct creation *c, struct msg *m)
{
	struct report *r = malloc(sizeof(*r));
	int rc;

	c->config = malloc(sizeof(*c->config));
	if (!r || !c->config) {
		free(r);
		msg_fail(m, no_memory);
		return STEP_FAILED;
	}
	report_init(r);
	/* Each adds its mistakes to *r. */
	(void)cfg_parse(&c->cfg, c->path, c->text, c->text_len, r);
	for (int i = 0; i < c->n_overrides; i++)
		(void)cfg_override(&c->cfg, c->overrides[i], r);
	(void)guest_config_make(c->config, &c->cfg, &c->names, host_random, r);
	rc = creation_report(c, r, m);
	free(r);
	if (rc)
		return STEP_FAILED;
	if (c->how != CREATE_TRY)
		return STEP_DONE;
	c->describe(c->config);
	return STEP_LAST;
}

static enum step_end step_build(struct creation *c, struct msg *m)
{
	struct guest *g = guest_new(c->config, c->again, m);

	if (!g)
		return STEP_FAILED;
	if (c->in_table)
		c->in_table();
	g->start_paused = c->how == CREATE_PAUSED;
	g->dom->short_lives = c->short_lives;
	if (guest_build(g, m)) {
		guest_drop(g);
		return STEP_FAILED;
	}
	c->config = NULL; /* the table's now */
	c->guest = g;
	g->creation = c;
	return STEP_DONE;
}

static enum step_end step_connect(struct creation *c, struct msg *m)
{
	return guest_connect(c->guest, m) ? STEP_FAILED : STEP_WAITS;
}

static enum step_end step_store(struct creation *c, struct msg *m)
{
	return guest_store_write(c->guest, m) ? STEP_FAILED : STEP_WAITS;
}

static enum step_end step_start(struct creation *c, struct msg *m)
{
	if (guest_start(c->guest, m))
		return STEP_FAILED;
	c->guest->start_ns = clock_ns();
	dom_started(c->guest->dom);
	guest_sched_start();
	return STEP_DONE;
}

static enum step_end step_boot(struct creation *c, struct msg *m)
{
	(void)c;
	(void)m;
	return STEP_WAITS;
}

static const struct {
	enum step_end (*run)(struct creation *c, struct msg *m);
	enum {
		FORGET,   /* a failure leaves nothing behind: the requester is told at once */
		END_GUEST /* the table ends the guest, as if it were destroyed */
	} when_failed;
} steps[] = {
	[CREATION_NAMES] = { step_names, FORGET },
	[CREATION_READ] = { step_read, FORGET },
	[CREATION_CHECK] = { step_check, FORGET },
	[CREATION_BUILD] = { step_build, FORGET },
	[CREATION_CONNECT] = { step_connect, END_GUEST },
	[CREATION_STORE] = { step_store, END_GUEST },
	[CREATION_START] = { step_start, END_GUEST }, /* CREATION3 */
	[CREATION_BOOT] = { step_boot, END_GUEST },
};

/*
 * Steps until one waits, or is the last. 0, or -1 with *m: one failed and left nothing behind.
 */
static int creation_run(struct creation *c, struct msg *m)
{
	enum step_end end;

	while ((end = steps[c->state].run(c, m)) == STEP_DONE)
		creation_set_state(c, c->state + 1);
	if (end == STEP_LAST) {
		creation_set_state(c, CREATION_DONE);
		creation_tell(c, 0, NULL);
	} else if (end == STEP_FAILED && steps[c->state].when_failed == FORGET) {
		return -1;
	} else if (end == STEP_FAILED) {
		creation_failed(c->guest, m->text);
	}
	return 0;
}

/* ---- reports from the parts of a guest ---- */

static bool guest_is_to_be(const struct guest *g)
{
	return g->dom->state == DOM_BUILDING || g->dom->state == DOM_LIVE;
}

void creation_passed(struct guest *g, enum creation_state state)
{
	struct creation *c = g->creation;
	struct msg m;

	if (!c || c->state != state || !guest_is_to_be(g))
		return;
	creation_set_state(c, state + 1);
	if (c->state == CREATION_DONE)
		creation_tell(c, g->dom->domid, NULL);
	else
		(void)creation_run(c, &m); /* from BUILD on a failure ends the guest */
}

void creation_blame(struct guest *g, const char *text)
{
	struct creation *c = g->creation;

	if (c && !c->failure.text[0])
		msg_fail(&c->failure, "%s", text);
}

void creation_failed(struct guest *g, const char *text)
{
	creation_blame(g, text);
	if (g->creation)
		creation_set_state(g->creation, CREATION_FAILED);
	dom_failed(&guests, g->dom);
}

void creation_over(struct guest *g)
{
	struct creation *c = g->creation;

	if (c)
		creation_tell(c, g->dom->domid,
			c->failure.text[0] ? c->failure.text
					   : "it was destroyed while it was being created");
}

/* ---- the requester ---- */

/* Prefix the text with the configuration line that named the file or disk that it is about. */
static void line_prefix(const struct cfg *cfg, struct msg *m)
{
	static const char *const keys[] = { "kernel", "ramdisk", "disk", "vif", "memory" };
	const struct cfg_setting *s = NULL;
	struct msg what = *m;

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		size_t len = strlen(keys[i]);

		if (strncmp(m->text, keys[i], len) == 0 && m->text[len] == ' ')
			s = cfg_find(cfg, keys[i]);
	}
	if (s)
		(void)cfg_complain(s, m, "%s", what.text);
}

/* CREATION2 */
static void creation_tell(struct creation *c, uint32_t domid, const char *text)
{
	struct msg m;

	if (c->guest)
		c->guest->creation = NULL;
	if (text) {
		msg_fail(&m, "%s", text);
		line_prefix(&c->cfg, &m);
	}
	c->fn(c->ctx, domid, text ? m.text : NULL);
	creation_free(c);
}

static int overrides_copy(struct creation *c, const struct creation_request *r)
{
	while (c->n_overrides < r->n_overrides) {
		char *copy = strdup(r->overrides[c->n_overrides]);

		if (!copy)
			return -1;
		c->overrides[c->n_overrides++] = copy;
	}
	return 0;
}

static int file_prepare(struct creation *c, const struct creation_request *r, struct msg *m)
{
	size_t len;

	if (path_full(c->path, sizeof(c->path), r->file, m) || r->n_overrides > OVERRIDES_MAX)
		return msg_fail(m, "the path is too long, or there are too many settings");
	c->typed = typed_find(r->file, &len) != NULL;
	if (c->typed)
		strcpy(c->path, r->file);
	return overrides_copy(c, r) ? msg_fail(m, no_memory) : 0;
}

static struct creation *creation_new(enum creation_state state, created_fn fn, void *ctx)
{
	struct creation *c = calloc(1, sizeof(*c));

	if (!c)
		return NULL;
	*c = (struct creation){ .fn = fn, .ctx = ctx };
	cfg_init(&c->cfg);
	creation_set_state(c, state);
	return c;
}

int creation_from_file(const struct creation_request *r, struct msg *m)
{
	struct creation *c = creation_new(CREATION_NAMES, r->fn, r->ctx);

	if (!c)
		return msg_fail(m, no_memory);
	c->how = r->how;
	c->mistakes = r->mistakes;
	c->remarks = r->remarks;
	c->describe = r->describe;
	c->again = r->nobody_waits;
	c->in_table = r->in_table;
	if (file_prepare(c, r, m) == 0 && creation_run(c, m) == 0)
		return 0;
	creation_free(c);
	return -1;
}

int creation_from_config(struct guest_config *config, uint32_t short_lives, created_fn fn,
	void *ctx, struct msg *m)
{
	struct creation *c = creation_new(CREATION_BUILD, fn, ctx);

	if (!c)
		return msg_fail(m, no_memory);
	c->config = config;
	c->short_lives = short_lives;
	c->again = true;
	if (creation_run(c, m) == 0)
		return 0;
	c->config = NULL; /* it stays the caller's */
	creation_free(c);
	return -1;
}
