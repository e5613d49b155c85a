/*
 * guest_cfg.c - the keys of a guest's configuration: meaning, defaults, limits
 *
 * Objects     struct make: one configuration being checked.
 * Locks       none.
 * Lifecycle   pure, but for the random function that the caller passes.
 * Invariants  G1 *g is complete only after 0 was returned
 */
#include "config/guest_cfg.h"

#include <stdio.h>
#include <string.h>

#include "config/guest_keys.h"
#include "config/path.h"

struct make {
	struct guest_config *g;
	const struct cfg *c;
	guest_random_fn random;
	struct report *r;
	bool have_memory, have_maxmem, have_vcpus,
		have_maxvcpus; /* a number that can be used */
	bool other_type;       /* that is no pvh guest; this was said */
	char root[GUEST_CMDLINE_MAX + 1], extra[GUEST_CMDLINE_MAX + 1];
};

#define X(sym, name) name,
static const char *const action_names[] = { GUEST_ACTIONS(X) };
#undef X

const char *guest_action_name(enum guest_action a)
{
	return a < ACTION_COUNT ? action_names[a] : "?";
}

#define mistake(k, s, ...) cfg_report(s, (k)->r, REPORT_MISTAKE, __VA_ARGS__)
#define remark(k, s, ...) (void)cfg_report(s, (k)->r, REPORT_REMARK, __VA_ARGS__)

static int text_value(struct make *k, const struct cfg_setting *s, char *to, size_t size)
{
	if (s->value->kind == CFG_LIST)
		return mistake(k, s, "a list is not allowed here; give a string in quotes");
	if (strlen(s->value->text) >= size)
		return mistake(k, s, "too long; at most %zu bytes", size - 1);
	strcpy(to, s->value->text);
	return 0;
}

/* 512MB, 1g: a number and a unit. */
static bool with_unit(const char *text)
{
	size_t digits = strspn(text, "0123456789"), n = strlen(text + digits);

	return digits && n && n <= 3 && strspn(text + digits, "kKmMgGtTiIbB") == n;
}

/* To *to if there is one in range; *have tells so. What += adds to a number is lost, as with xl. */
static int number_value(struct make *k, const struct cfg_setting *s, uint32_t low,
	uint32_t high, uint32_t *to, bool *have)
{
	const struct cfg_value *v = s->added ? s->before : s->value;
	int64_t n;

	if (s->added)
		remark(k, s, "+= does not add numbers; %s%s",
			v ? "it stays " : "the line is ignored", v ? v->text : "");
	if (!v)
		return 0;
	if (v->kind != CFG_LIST && with_unit(v->text))
		return mistake(k, s,
			"'%.20s': a number stands without its unit, memory is in MiB; write %.*s",
			v->text, (int)strspn(v->text, "0123456789"), v->text);
	if (cfg_number(v, &n))
		return mistake(k, s, "'%.40s' is not a number; give one from %u to %u",
			v->kind == CFG_LIST ? "[...]" : v->text, low, high);
	if (n < low || n > high)
		return mistake(k, s, "%lld is out of range; give a number from %u to %u",
			(long long)n, low, high);
	*to = (uint32_t)n;
	*have = true;
	return 0;
}

int guest_name_check(const char *name, struct msg *m)
{
	bool digits = true;

	if (!*name)
		return msg_fail(m, "a guest's name cannot be empty; give it one");
	if (strlen(name) > GUEST_NAME_MAX)
		return msg_fail(
			m, "a guest's name has at most %d bytes; shorten it", GUEST_NAME_MAX);
	for (const char *p = name; *p; p++) {
		if ((unsigned char)*p <= ' ' || *p == 127 || *p == '/')
			return msg_fail(m,
				"a guest's name cannot contain '/', spaces or control characters; "
				"use letters, digits, - _ .");
		digits = digits && *p >= '0' && *p <= '9';
	}
	if (digits)
		return msg_fail(
			m, "the name '%s' would be taken for a domain id; add a letter", name);
	if (strcmp(name, "Domain-0") == 0)
		return msg_fail(m, "the name Domain-0 is the host's own; choose another");
	return 0;
}

static int take_name(struct make *k, const struct cfg_setting *s)
{
	struct msg why;
	int rc = text_value(k, s, k->g->name, sizeof(k->g->name));

	if (rc)
		return rc;
	if (guest_name_check(k->g->name, &why))
		return mistake(k, s, "%s", why.text);
	return 0;
}

static int take_type(struct make *k, const struct cfg_setting *s)
{
	const char *text = s->value->kind == CFG_LIST ? "[...]" : s->value->text;

	if (strcmp(text, "pvh") == 0)
		return 0;
	k->other_type = true;
	if (strcmp(text, "pv") == 0 || strcmp(text, "hvm") == 0)
		return mistake(k, s, "%s guests are not supported yet; use type=\"pvh\"", text);
	return mistake(k, s, "unknown guest type '%.40s'; use type=\"pvh\"", text);
}

/* The older spelling of type=. */
static int take_builder(struct make *k, const struct cfg_setting *s)
{
	k->other_type = true;
	return mistake(k, s,
		"it stands for an hvm or pv guest, which are not supported yet; remove it and use "
		"type=\"pvh\", if the kernel can");
}

static int take_memory(struct make *k, const struct cfg_setting *s)
{
	return number_value(k, s, 4, GUEST_MEMORY_MAX, &k->g->memory, &k->have_memory);
}

static int take_maxmem(struct make *k, const struct cfg_setting *s)
{
	return number_value(k, s, 4, GUEST_MEMORY_MAX, &k->g->maxmem, &k->have_maxmem);
}

static int take_vcpus(struct make *k, const struct cfg_setting *s)
{
	return number_value(k, s, 1, GUEST_VCPUS_MAX, &k->g->vcpus, &k->have_vcpus);
}

static int take_maxvcpus(struct make *k, const struct cfg_setting *s)
{
	return number_value(k, s, 1, GUEST_VCPUS_MAX, &k->g->maxvcpus, &k->have_maxvcpus);
}

/* A name without a leading / is looked for where guests' files are. */
static int path_value(struct make *k, const struct cfg_setting *s, char *to, size_t size)
{
	struct msg why;

	if (s->value->kind == CFG_LIST)
		return mistake(k, s, "a list is not allowed here; give a string in quotes");
	if (s->value->text[0] && path_full(to, size, s->value->text, &why))
		return mistake(k, s, "%s", why.text);
	return 0;
}

static int take_kernel(struct make *k, const struct cfg_setting *s)
{
	return path_value(k, s, k->g->kernel, sizeof(k->g->kernel));
}

/* What it boots is not known here: finish_kernel() says what to do when that is all there is. */
static int take_bootloader(struct make *k, const struct cfg_setting *s)
{
	if (cfg_find(k->c, "kernel"))
		remark(k, s, "no boot loader runs on this host; kernel= is booted instead");
	return 0;
}

static int take_cmdline(struct make *k, const struct cfg_setting *s)
{
	return text_value(k, s, k->g->cmdline, sizeof(k->g->cmdline));
}

static int take_root(struct make *k, const struct cfg_setting *s)
{
	return text_value(k, s, k->root, sizeof(k->root));
}

static int take_extra(struct make *k, const struct cfg_setting *s)
{
	return text_value(k, s, k->extra, sizeof(k->extra));
}

static int take_uuid(struct make *k, const struct cfg_setting *s)
{
	if (s->value->kind == CFG_LIST || uuid_parse_text(s->value->text, k->g->uuid))
		return mistake(
			k, s, "not a UUID; write 8-4-4-4-12 hexadecimal digits, or remove it");
	return 0;
}

static int take_action(struct make *k, const struct cfg_setting *s, enum guest_action *to)
{
	const char *text = s->value->kind == CFG_LIST ? "[...]" : s->value->text;
	int i;

	if (strcmp(text, "soft-reset") == 0)
		return mistake(k, s, "soft-reset is not supported; use destroy or restart");
	for (i = 0; i < ACTION_COUNT && strcmp(text, action_names[i]) != 0; i++)
		continue;
	if (i == ACTION_COUNT)
		return mistake(k, s,
			"unknown action '%.40s'; use destroy, restart, rename-restart, "
			"preserve, coredump-destroy or coredump-restart",
			text);
	*to = (enum guest_action)i;
	if (i == ACTION_COREDUMP_DESTROY || i == ACTION_COREDUMP_RESTART)
		remark(k, s, "no core is written on this host; the guest is just %s",
			i == ACTION_COREDUMP_DESTROY ? "destroyed" : "restarted");
	return 0;
}

static int take_on_poweroff(struct make *k, const struct cfg_setting *s)
{
	return take_action(k, s, &k->g->on_poweroff);
}

static int take_on_reboot(struct make *k, const struct cfg_setting *s)
{
	return take_action(k, s, &k->g->on_reboot);
}

static int take_on_crash(struct make *k, const struct cfg_setting *s)
{
	return take_action(k, s, &k->g->on_crash);
}

static int take_cpu_weight(struct make *k, const struct cfg_setting *s)
{
	bool have;

	return number_value(k, s, 1, 65535, &k->g->weight, &have);
}

static int take_cap(struct make *k, const struct cfg_setting *s)
{
	bool have;

	return number_value(k, s, 0, GUEST_CAP_MAX, &k->g->cap, &have);
}

/* What is said of a list's item names its line. */
static int item_report(struct make *k, const struct cfg_setting *s,
	const struct cfg_value *item, unsigned int index, enum report_kind kind,
	const char *text)
{
	struct cfg_setting at = *s;

	if (at.line)
		at.line = item->line;
	return cfg_report(&at, k->r, kind, "entry %u: %s", index, text);
}

static int check_list(struct make *k, const struct cfg_setting *s, unsigned int most)
{
	unsigned int n = 0;

	if (s->value->kind != CFG_LIST)
		return mistake(k, s, "must be a list; write %s = [ '...' ]", s->key);
	for (const struct cfg_value *item = s->value->first; item; item = item->next)
		n++;
	if (n > most)
		return mistake(k, s, "%u entries are too many; at most %u", n, most);
	return 0;
}

/* "PATH" or "PATH ARGUMENTS". */
static int check_module(const struct cfg_value *item, struct guest_module *m, struct msg *why)
{
	char path[GUEST_PATH_MAX + 1];
	size_t n;

	if (item->kind != CFG_STRING)
		return msg_fail(why, "must be a string; put it in quotes");
	n = strcspn(item->text, " ");
	if (n == 0 || n >= sizeof(path))
		return msg_fail(why, "begins with no path, or one of more than %u bytes",
			GUEST_PATH_MAX);
	memcpy(path, item->text, n);
	path[n] = 0;
	n += strspn(item->text + n, " ");
	if (strlen(item->text + n) >= sizeof(m->args))
		return msg_fail(
			why, "arguments too long; at most %zu bytes", sizeof(m->args) - 1);
	strcpy(m->args, item->text + n);
	return path_full(m->path, sizeof(m->path), path, why);
}

/* A path as in Xen; or a list of modules, for which xl has no word. */
static int take_ramdisk(struct make *k, const struct cfg_setting *s)
{
	struct guest_module *m = k->g->modules;
	unsigned int index = 0;
	struct msg why;
	int rc;

	if (s->value->kind != CFG_LIST) {
		rc = path_value(k, s, m->path, sizeof(m->path));
		k->g->n_modules = m->path[0] != 0;
		return rc;
	}
	rc = check_list(k, s, GUEST_MODULES_MAX);
	for (const struct cfg_value *item = rc ? NULL : s->value->first; item;
		item = item->next, index++) {
		if (check_module(item, &m[k->g->n_modules], &why))
			rc = item_report(k, s, item, index, REPORT_MISTAKE, why.text);
		else
			k->g->n_modules++;
	}
	return rc;
}

static int check_disk(
	struct make *k, const struct cfg_value *item, struct guest_disk *d, struct msg *why)
{
	int rc;

	if (item->kind != CFG_STRING)
		return msg_fail(why, "must be a string; put it in quotes");
	rc = disk_spec_parse(&d->spec, item->text, why);
	if (!rc)
		rc = disk_spec_check(&d->spec, d->label, why);
	for (const struct guest_disk *other = k->g->disks; !rc && other < d; other++)
		if (other->spec.number == d->spec.number)
			rc = msg_fail(why, "vdev %s is used by two disks; give each its own",
				d->spec.vdev);
	return rc;
}

static int take_disk(struct make *k, const struct cfg_setting *s)
{
	unsigned int index = 0;
	struct msg why;
	int rc = check_list(k, s, GUEST_DISKS_MAX);

	for (const struct cfg_value *item = rc ? NULL : s->value->first; item;
		item = item->next, index++) {
		if (check_disk(k, item, &k->g->disks[k->g->n_disks], &why))
			rc = item_report(k, s, item, index, REPORT_MISTAKE, why.text);
		else
			k->g->n_disks++;
	}
	return rc;
}

/* No two of one guest have the same address; the one before, or -1. */
static int same_mac(const struct guest_config *g, const struct vif_spec *v)
{
	for (uint32_t i = 0; i < g->n_vifs; i++)
		if (memcmp(g->vifs[i].mac, v->mac, sizeof(v->mac)) == 0)
			return (int)i;
	return -1;
}

static int check_vif(struct make *k, const struct cfg_value *item, unsigned int index,
	struct msg *ignored, struct msg *why)
{
	struct vif_spec *v = &k->g->vifs[k->g->n_vifs];
	uint8_t bytes[3];

	if (item->kind != CFG_STRING)
		return msg_fail(why, "must be a string; put it in quotes");
	if (vif_spec_parse(v, item->text, ignored, why))
		return -1;
	if (v->devid >= 0 && v->devid != (int)index)
		return msg_fail(
			why, "interfaces are numbered in the order of the list; remove devid=");
	if (!v->mac_given) {
		k->random(bytes, sizeof(bytes));
		vif_spec_random_mac(v, bytes);
	}
	if (same_mac(k->g, v) >= 0)
		return msg_fail(
			why, "entry %d has this mac already; change mac=", same_mac(k->g, v));
	return 0;
}

static int take_vif(struct make *k, const struct cfg_setting *s)
{
	struct msg ignored, why;
	unsigned int index = 0;
	int rc = check_list(k, s, GUEST_VIFS_MAX);

	for (const struct cfg_value *item = rc ? NULL : s->value->first; item;
		item = item->next, index++) {
		ignored.text[0] = '\0';
		if (check_vif(k, item, index, &ignored, &why))
			rc = item_report(k, s, item, index, REPORT_MISTAKE, why.text);
		else
			k->g->n_vifs++;
		if (ignored.text[0])
			(void)item_report(k, s, item, index, REPORT_REMARK, ignored.text);
	}
	return rc;
}

#define X(key) { #key, take_##key },
static const struct {
	const char *key;
	int (*take)(struct make *, const struct cfg_setting *);
} keys[] = { GUEST_KEYS(X) };
#undef X

static void take(struct make *k, const struct cfg_setting *s)
{
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		if (strcmp(s->key, keys[i].key) == 0) {
			(void)keys[i].take(k, s); /* which reported what is wrong */
			return;
		}
	}
	guest_key_foreign(s, k->r);
}

static void finish_sizes(struct make *k)
{
	struct guest_config *g = k->g;

	if (!k->have_memory)
		g->memory = k->have_maxmem ? g->maxmem : 32;
	if (!k->have_maxmem)
		g->maxmem = g->memory;
	if (g->maxmem < g->memory)
		(void)mistake(k, cfg_find(k->c, "maxmem"),
			"%u is less than memory=%u; raise it", g->maxmem, g->memory);
	g->memory = guest_memory_round(g->memory);
	g->maxmem = guest_memory_round(g->maxmem);
	if (!k->have_vcpus)
		g->vcpus = 1;
	if (!k->have_maxvcpus)
		g->maxvcpus = g->vcpus;
	if (g->maxvcpus < g->vcpus)
		(void)mistake(k, cfg_find(k->c, "maxvcpus"),
			"%u is less than vcpus=%u; raise it", g->maxvcpus, g->vcpus);
}

/* cmdline= alone, or root= and extra= together. */
static void finish_cmdline(struct make *k)
{
	const struct cfg_setting *s = cfg_find(k->c, "cmdline");
	char *to = k->g->cmdline;
	size_t size = sizeof(k->g->cmdline);
	int n;

	if (s) {
		if (k->root[0] || k->extra[0])
			remark(k, s, "root= and extra= are ignored, since this is given");
		return;
	}
	n = snprintf(to, size, "%s%s%s%s", k->root[0] ? "root=" : "", k->root,
		k->root[0] && k->extra[0] ? " " : "", k->extra);
	if (n < 0 || (size_t)n >= size)
		(void)mistake(k, cfg_find(k->c, "extra"),
			"root= and extra= together are too long; at most "
			"%d bytes",
			GUEST_CMDLINE_MAX);
}

static void missing(struct make *k, const char *text)
{
	struct msg m;

	(void)msg_fail(&m, "%.150s: %s", k->c->file ? k->c->file : "configuration", text);
	report_add(k->r, REPORT_MISTAKE, 0, m.text);
}

static bool absent(const struct make *k, const char *key) { return !cfg_find(k->c, key); }

static void finish_kernel(struct make *k)
{
	const struct cfg_setting *s = cfg_find(k->c, "kernel"), *loader;

	if (s && (!s->value || k->g->kernel[0] || s->value->kind == CFG_LIST ||
			 s->value->text[0]))
		return; /* there is one, or this was said */
	loader = cfg_find(k->c, "bootloader");
	if (loader)
		(void)mistake(k, loader,
			"no boot loader runs on this host to look into the guest's disk; copy the "
			"guest's kernel and initrd into the directory of guests, and name them with "
			"kernel=\"/guests/...\", ramdisk=\"/guests/...\" and root=");
	else if (absent(k, "firmware"))
		missing(k,
			"key 'kernel' is missing; add kernel=\"/guests/...\", a pvh guest has no firmware");
}

/* What is missing; only when all that is there was understood. */
static void finish_required(struct make *k)
{
	if (k->c->unclear)
		return;
	if (absent(k, "type") && absent(k, "builder")) {
		k->other_type = true;
		missing(k,
			"key 'type' is missing, which means a pv guest; pv is not supported yet, "
			"add type=\"pvh\", if the kernel can");
	}
	if (absent(k, "name"))
		missing(k, "key 'name' is missing; add name=\"...\"");
	if (absent(k, "builder"))
		finish_kernel(k);
}

int guest_config_make(
	struct guest_config *g, const struct cfg *c, guest_random_fn random, struct report *r)
{
	struct make k = { .g = g, .c = c, .random = random, .r = r };

	memset(g, 0, sizeof(*g));
	g->weight = GUEST_WEIGHT_DEFAULT;
	g->on_poweroff = ACTION_DESTROY;
	g->on_reboot = ACTION_RESTART;
	g->on_crash = ACTION_DESTROY;
	for (const struct cfg_setting *s = c->first; s; s = s->next)
		if (s->value)
			take(&k, s);
	finish_required(&k);
	finish_sizes(&k);
	finish_cmdline(&k);
	if (absent(&k, "uuid"))
		uuid_make_random(g->uuid, random);
	if (k.other_type)
		report_drop_remarks(r); /* they are about a pvh guest */
	return r->mistakes ? -1 : 0;    /* G1 */
}
