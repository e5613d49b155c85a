/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_cfg.c - the keys of a guest's configuration: meaning, defaults, limits
 *
 * Objects     struct config_builder: one configuration that is being checked.
 */
#include "config/guest_cfg.h"

#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "config/cpu_set.h"
#include "config/disk_spec.h"
#include "config/guest_boot.h"
#include "config/guest_keys.h"
#include "config/guest_type.h"
#include "config/path.h"

struct config_builder {
	struct guest_config *g;
	const struct cfg *c;
	const struct guest_host *host;
	struct report *r;
	bool have_memory, have_maxmem, have_vcpus, have_maxvcpus; /* the number is valid */
	char root[GUEST_CMDLINE_MAX + 1], extra[GUEST_CMDLINE_MAX + 1];
};

#define CORE_DIR "/var/lib/xen/dump/"

#define mistake(b, s, ...) cfg_report(s, (b)->r, REPORT_MISTAKE, __VA_ARGS__)
#define remark(b, s, ...) (void)cfg_report(s, (b)->r, REPORT_REMARK, __VA_ARGS__)

static int value_text(
	struct config_builder *b, const struct cfg_setting *s, char *to, size_t size)
{
	if (s->value->kind == CFG_LIST)
		return mistake(b, s, "a list is not allowed here; give a string in quotes");
	if (strlen(s->value->text) >= size)
		return mistake(b, s, "too long; at most %zu bytes", size - 1);
	strcpy(to, s->value->text);
	return 0;
}

/* "512MB", "1g": a number and a unit. */
static bool text_has_unit(const char *text)
{
	size_t digits = strspn(text, "0123456789"), n = strlen(text + digits);

	return digits && n && n <= 3 && strspn(text + digits, "kKmMgGtTiIbB") == n;
}

/* *have: *to has a valid number. A number that += adds is lost, as with xl. */
static int value_number(struct config_builder *b, const struct cfg_setting *s, uint32_t low,
	uint32_t high, uint32_t *to, bool *have)
{
	const struct cfg_value *v = s->added ? s->before : s->value;
	int64_t n;

	if (s->added)
		remark(b, s, "+= does not add numbers; %s%s",
			v ? "the value stays " : "the line is ignored", v ? v->text : "");
	if (!v)
		return 0;
	if (v->kind != CFG_LIST && text_has_unit(v->text))
		return mistake(b, s,
			"'%.20s': numbers have no unit, memory is in MiB; write %.*s", v->text,
			(int)strspn(v->text, "0123456789"), v->text);
	if (cfg_number(v, &n))
		return mistake(b, s, "'%.40s' is not a number; give one from %u to %u",
			v->kind == CFG_LIST ? "[...]" : v->text, low, high);
	if (n < low || n > high)
		return mistake(b, s, "%lld is out of range; give a number from %u to %u",
			(long long)n, low, high);
	*to = (uint32_t)n;
	*have = true;
	return 0;
}

static int take_name(struct config_builder *b, const struct cfg_setting *s)
{
	struct msg why;
	int rc = value_text(b, s, b->g->name, sizeof(b->g->name));

	if (rc)
		return rc;
	if (guest_name_check(b->g->name, &why))
		return mistake(b, s, "%s", why.text);
	return 0;
}

/* guest_type_choose() has read it. */
static int take_type(struct config_builder *b, const struct cfg_setting *s)
{
	(void)b;
	(void)s;
	return 0;
}

static int take_builder(struct config_builder *b, const struct cfg_setting *s)
{
	return take_type(b, s);
}

static int take_memory(struct config_builder *b, const struct cfg_setting *s)
{
	return value_number(b, s, 4, GUEST_MEMORY_MAX, &b->g->memory, &b->have_memory);
}

static int take_maxmem(struct config_builder *b, const struct cfg_setting *s)
{
	return value_number(b, s, 4, GUEST_MEMORY_MAX, &b->g->maxmem, &b->have_maxmem);
}

static int take_vcpus(struct config_builder *b, const struct cfg_setting *s)
{
	return value_number(b, s, 1, GUEST_VCPUS_MAX, &b->g->vcpus, &b->have_vcpus);
}

static int take_maxvcpus(struct config_builder *b, const struct cfg_setting *s)
{
	return value_number(b, s, 1, GUEST_VCPUS_MAX, &b->g->maxvcpus, &b->have_maxvcpus);
}

/* A name without a leading / is below GUESTS_DIR. */
static int value_path(
	struct config_builder *b, const struct cfg_setting *s, char *to, size_t size)
{
	struct msg why;

	if (s->value->kind == CFG_LIST)
		return mistake(b, s, "a list is not allowed here; give a string in quotes");
	if (s->value->text[0] && path_full(to, size, s->value->text, &why))
		return mistake(b, s, "%s", why.text);
	return 0;
}

static int take_kernel(struct config_builder *b, const struct cfg_setting *s)
{
	return value_path(b, s, b->g->kernel, sizeof(b->g->kernel));
}

static int take_bootloader(struct config_builder *b, const struct cfg_setting *s)
{
	return value_text(b, s, b->g->bootloader, sizeof(b->g->bootloader));
}

/* What xl has for guests without emulated hardware: a GRUB in the place of the kernel. */
static int take_firmware(struct config_builder *b, const struct cfg_setting *s)
{
	const char *text = s->value->kind == CFG_LIST ? "[...]" : s->value->text;

	if (!*text || strcmp(text, "pvgrub32") == 0 || strcmp(text, "pvgrub64") == 0)
		return 0;
	return mistake(b, s,
		"'%.40s' is for hvm guests; here only pvgrub64 and pvgrub32 exist, which boot "
		"from the guest's disk",
		text);
}

static int take_pvshim(struct config_builder *b, const struct cfg_setting *s)
{
	uint32_t wanted = 0;
	bool have;
	int rc = value_number(b, s, 0, 1, &wanted, &have);

	b->g->shim.wanted = (uint8_t)wanted;
	return rc;
}

static int take_pvshim_path(struct config_builder *b, const struct cfg_setting *s)
{
	return value_path(b, s, b->g->shim.path, sizeof(b->g->shim.path));
}

static int take_pvshim_cmdline(struct config_builder *b, const struct cfg_setting *s)
{
	return value_text(b, s, b->g->shim.cmdline, sizeof(b->g->shim.cmdline));
}

static int take_pvshim_extra(struct config_builder *b, const struct cfg_setting *s)
{
	return value_text(b, s, b->g->shim.extra, sizeof(b->g->shim.extra));
}

static int take_cmdline(struct config_builder *b, const struct cfg_setting *s)
{
	return value_text(b, s, b->g->cmdline, sizeof(b->g->cmdline));
}

static int take_root(struct config_builder *b, const struct cfg_setting *s)
{
	return value_text(b, s, b->root, sizeof(b->root));
}

static int take_extra(struct config_builder *b, const struct cfg_setting *s)
{
	return value_text(b, s, b->extra, sizeof(b->extra));
}

static int take_uuid(struct config_builder *b, const struct cfg_setting *s)
{
	if (s->value->kind == CFG_LIST || uuid_parse_text(s->value->text, b->g->uuid))
		return mistake(
			b, s, "not a UUID; write 8-4-4-4-12 hexadecimal digits, or remove it");
	return 0;
}

static int take_action(struct config_builder *b, const struct cfg_setting *s, uint32_t *to)
{
	const char *text = s->value->kind == CFG_LIST ? "[...]" : s->value->text;
	uint32_t i;

	if (strcmp(text, "soft-reset") == 0)
		return mistake(b, s, "soft-reset is not supported; use destroy or restart");
	for (i = 0; i < ACTION_COUNT && strcmp(text, guest_action_name(i)) != 0; i++)
		continue;
	if (i == ACTION_COUNT)
		return mistake(b, s,
			"unknown action '%.40s'; use destroy, restart, rename-restart, "
			"preserve, coredump-destroy or coredump-restart",
			text);
	*to = i;
	return 0;
}

static int take_on_poweroff(struct config_builder *b, const struct cfg_setting *s)
{
	return take_action(b, s, &b->g->on_poweroff);
}

static int take_on_reboot(struct config_builder *b, const struct cfg_setting *s)
{
	return take_action(b, s, &b->g->on_reboot);
}

static int take_on_watchdog(struct config_builder *b, const struct cfg_setting *s)
{
	return take_action(b, s, &b->g->on_watchdog);
}

static int take_on_crash(struct config_builder *b, const struct cfg_setting *s)
{
	return take_action(b, s, &b->g->on_crash);
}

/* A mistake or remark about an item of a list names the line of the item. */
static int item_report(struct config_builder *b, const struct cfg_setting *s,
	const struct cfg_value *item, unsigned int index, enum report_kind kind,
	const char *text)
{
	struct cfg_setting at = *s;

	if (at.line)
		at.line = item->line;
	return cfg_report(&at, b->r, kind, "entry %u: %s", index, text);
}

/* hard: the vCPU has to run somewhere. */
static int cpu_set_take(struct config_builder *b, const struct cfg_value *v, bool hard,
	uint64_t *set, struct msg *why)
{
	uint32_t n = b->host->n_cpus;

	if (v->kind == CFG_LIST)
		return msg_fail(why, "a list in a list is no set of CPUs");
	if (cpu_set_parse(v->text, n, set, why))
		return -1;
	if (hard && !*set)
		return msg_fail(why, "'%.40s' names no CPU of this host, which has %u: 0 to %u",
			v->text, n, n - 1);
	return 0;
}

/* finish_cpus() reads them, when it is known how many vCPUs there are. */
static int take_cpus(struct config_builder *b, const struct cfg_setting *s)
{
	(void)b;
	(void)s;
	return 0;
}

static int take_cpus_soft(struct config_builder *b, const struct cfg_setting *s)
{
	return take_cpus(b, s);
}

static int take_cpu_weight(struct config_builder *b, const struct cfg_setting *s)
{
	bool have;

	return value_number(b, s, 1, 65535, &b->g->weight, &have);
}

static int take_cap(struct config_builder *b, const struct cfg_setting *s)
{
	bool have;

	return value_number(b, s, 0, GUEST_CAP_MAX, &b->g->cap, &have);
}

static int check_list(struct config_builder *b, const struct cfg_setting *s, unsigned int most)
{
	unsigned int n = 0;

	if (s->value->kind != CFG_LIST)
		return mistake(b, s, "must be a list; write %s = [ '...' ]", s->key);
	for (const struct cfg_value *item = s->value->first; item; item = item->next)
		n++;
	if (n > most)
		return mistake(b, s, "%u entries are too many; at most %u", n, most);
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
		return msg_fail(
			why, "does not begin with a path of at most %u bytes", GUEST_PATH_MAX);
	memcpy(path, item->text, n);
	path[n] = 0;
	n += strspn(item->text + n, " ");
	if (strlen(item->text + n) >= sizeof(m->args))
		return msg_fail(
			why, "arguments too long; at most %zu bytes", sizeof(m->args) - 1);
	strcpy(m->args, item->text + n);
	return path_full(m->path, sizeof(m->path), path, why);
}

/* A path as for xl, or a list of modules, which xl does not know. */
static int take_ramdisk(struct config_builder *b, const struct cfg_setting *s)
{
	struct guest_module *m = b->g->modules;
	unsigned int index = 0;
	struct msg why;
	int rc;

	if (s->value->kind != CFG_LIST) {
		rc = value_path(b, s, m->path, sizeof(m->path));
		b->g->n_modules = m->path[0] != 0;
		return rc;
	}
	rc = check_list(b, s, GUEST_MODULES_MAX);
	for (const struct cfg_value *item = rc ? NULL : s->value->first; item;
		item = item->next, index++) {
		if (check_module(item, &m[b->g->n_modules], &why))
			rc = item_report(b, s, item, index, REPORT_MISTAKE, why.text);
		else
			b->g->n_modules++;
	}
	return rc;
}

static bool vdev_used(const struct guest_disk *list, uint32_t n, uint32_t number)
{
	for (uint32_t i = 0; i < n; i++)
		if (list[i].spec.number == number)
			return true;
	return false;
}

static int check_disk(struct config_builder *b, const struct cfg_value *item,
	struct guest_disk *d, struct msg *why)
{
	const struct guest_config *g = b->g;
	int rc;

	if (item->kind != CFG_STRING)
		return msg_fail(why, "must be a string; put it in quotes");
	rc = disk_spec_parse(&d->spec, item->text, why);
	if (!rc)
		rc = disk_spec_check(&d->spec, b->host->names, d->label, why);
	if (!rc && vdev_used(g->disks, g->n_disks, d->spec.number))
		rc = msg_fail(
			why, "vdev %s is used by two disks; give each its own", d->spec.vdev);
	return rc;
}

static int take_disk(struct config_builder *b, const struct cfg_setting *s)
{
	unsigned int index = 0;
	struct msg why;
	int rc = check_list(b, s, GUEST_DISKS_MAX);

	for (const struct cfg_value *item = rc ? NULL : s->value->first; item;
		item = item->next, index++) {
		struct guest_disk d = { .seat = b->g->n_disks };

		if (check_disk(b, item, &d, &why))
			rc = item_report(b, s, item, index, REPORT_MISTAKE, why.text);
		else
			b->g->disks[b->g->n_disks++] = d;
	}
	return rc;
}

/* The interface before this one that has the same address, or -1. */
static int same_mac(const struct guest_config *g, const struct vif_spec *v)
{
	for (uint32_t i = 0; i < g->n_vifs; i++)
		if (memcmp(g->vifs[i].mac, v->mac, sizeof(v->mac)) == 0)
			return (int)i;
	return -1;
}

/* Names that other hosts often give to the bridge with the card. */
static const char *const usual_bridges[] = { "br0", "virbr0" };

/* The switch that the word means here, if it is not that switch's own name. */
void guest_bridge_find(const struct names *n, struct vif_spec *v)
{
	if (names_find(n, NAMES_BRIDGE, v->bridge, v->network, sizeof(v->network)))
		return;
	strcpy(v->network, v->bridge);
	for (size_t i = 0; i < ARRAY_SIZE(usual_bridges); i++)
		if (strcmp(v->bridge, usual_bridges[i]) == 0)
			strcpy(v->network, VIF_BRIDGE_DEFAULT);
}

static int check_vif(struct config_builder *b, const struct cfg_value *item, unsigned int index,
	struct msg *ignored, struct msg *why)
{
	struct vif_spec *v = &b->g->vifs[b->g->n_vifs];
	uint8_t bytes[3];

	if (item->kind != CFG_STRING)
		return msg_fail(why, "must be a string; put it in quotes");
	if (vif_spec_parse(v, item->text, ignored, why))
		return -1;
	guest_bridge_find(b->host->names, v);
	if (v->devid >= 0 && v->devid != (int)index)
		return msg_fail(
			why, "interfaces are numbered in the order of the list; remove devid=");
	v->devid = (int)index;
	if (!v->mac_given) {
		b->host->random(bytes, sizeof(bytes));
		vif_spec_random_mac(v, bytes);
	}
	if (same_mac(b->g, v) >= 0)
		return msg_fail(
			why, "entry %d has this mac already; change mac=", same_mac(b->g, v));
	return 0;
}

static int take_vif(struct config_builder *b, const struct cfg_setting *s)
{
	struct msg ignored, why;
	unsigned int index = 0;
	int rc = check_list(b, s, GUEST_VIFS_MAX);

	for (const struct cfg_value *item = rc ? NULL : s->value->first; item;
		item = item->next, index++) {
		ignored.text[0] = '\0';
		if (check_vif(b, item, index, &ignored, &why))
			rc = item_report(b, s, item, index, REPORT_MISTAKE, why.text);
		else
			b->g->n_vifs++;
		if (ignored.text[0])
			(void)item_report(b, s, item, index, REPORT_REMARK, ignored.text);
	}
	return rc;
}

#define X(key) { #key, take_##key },
static const struct {
	const char *key;
	int (*take)(struct config_builder *, const struct cfg_setting *);
} keys[] = { GUEST_KEYS(X) };
#undef X

static void setting_take(struct config_builder *b, const struct cfg_setting *s)
{
	for (size_t i = 0; i < ARRAY_SIZE(keys); i++) {
		if (strcmp(s->key, keys[i].key) == 0) {
			(void)keys[i].take(b, s); /* it reports its mistakes */
			return;
		}
	}
	guest_key_foreign(s, b->r);
}

static void finish_sizes(struct config_builder *b)
{
	struct guest_config *g = b->g;

	if (!b->have_memory)
		g->memory = b->have_maxmem ? g->maxmem : 32;
	if (!b->have_maxmem)
		g->maxmem = g->memory;
	if (g->maxmem < g->memory)
		(void)mistake(b, cfg_find(b->c, "maxmem"),
			"%u is less than memory=%u; raise it", g->maxmem, g->memory);
	g->memory = guest_memory_round(g->memory);
	g->maxmem = guest_memory_round(g->maxmem);
	if (!b->have_vcpus)
		g->vcpus = 1;
	if (!b->have_maxvcpus)
		g->maxvcpus = g->vcpus;
	if (g->maxvcpus < g->vcpus)
		(void)mistake(b, cfg_find(b->c, "maxvcpus"),
			"%u is less than vcpus=%u; raise it", g->maxvcpus, g->vcpus);
}

/*
 * One set for all vCPUs, or a list with one for each. As with xl, vCPUs without one run
 * anywhere, and sets without a vCPU are not looked at.
 */
static void finish_cpus(struct config_builder *b, const char *key, bool hard, uint64_t *sets)
{
	const struct cfg_setting *s = cfg_find(b->c, key);
	const struct cfg_value *v = s ? s->value : NULL;
	const bool list = v && v->kind == CFG_LIST;
	unsigned int i = 0;
	struct msg why;

	if (v && !list && cpu_set_take(b, v, hard, &sets[0], &why)) {
		(void)mistake(b, s, "%s", why.text);
		return;
	}
	for (; v && !list && i < b->g->maxvcpus; i++)
		sets[i] = sets[0];
	for (v = list ? v->first : NULL; v && i < b->g->maxvcpus; v = v->next, i++)
		if (cpu_set_take(b, v, hard, &sets[i], &why))
			(void)item_report(b, s, v, i, REPORT_MISTAKE, why.text);
}

static void finish_parts(struct config_builder *b)
{
	uint32_t modules = guest_modules(b->g), n = b->g->n_disks + b->g->n_vifs + modules;

	if (modules > GUEST_MODULES_MAX)
		(void)mistake(b, cfg_find(b->c, "ramdisk"),
			"in the shim, a guest has at most %d modules", GUEST_MODULES_MAX - 1);
	else if (n > GUEST_PARTS_MAX)
		(void)mistake(b, cfg_find(b->c, b->g->n_modules > 1 ? "ramdisk" : "disk"),
			"%u disks, vifs and modules are too many; at most %d together", n,
			GUEST_PARTS_MAX);
}

/* cmdline= alone, or root= and extra= together. */
static void finish_cmdline(struct config_builder *b)
{
	const struct cfg_setting *s = cfg_find(b->c, "cmdline");
	char *to = b->g->cmdline;
	size_t size = sizeof(b->g->cmdline);
	int n;

	if (s) {
		if (b->root[0] || b->extra[0])
			remark(b, s, "root= and extra= are ignored because cmdline= is given");
		return;
	}
	n = snprintf(to, size, "%s%s%s%s", b->root[0] ? "root=" : "", b->root,
		b->root[0] && b->extra[0] ? " " : "", b->extra);
	if (n < 0 || (size_t)n >= size)
		(void)mistake(b, cfg_find(b->c, "extra"),
			"root= and extra= together are too long; at most "
			"%d bytes",
			GUEST_CMDLINE_MAX);
}

static void key_missing(struct config_builder *b, enum report_kind kind, const char *text)
{
	struct msg m;

	(void)msg_fail(&m, "%.150s: %s", b->c->file ? b->c->file : "configuration", text);
	report_add(b->r, kind, 0, m.text);
}

static bool key_absent(const struct config_builder *b, const char *key)
{
	return !cfg_find(b->c, key);
}

/* Keys that are missing. They are reported only if all of the file was understood. */
static void finish_required(struct config_builder *b)
{
	if (b->c->unclear)
		return;
	if (key_absent(b, "type") && key_absent(b, "builder"))
		key_missing(b, REPORT_REMARK,
			"key 'type' is missing, so this is a pv guest, as for xl; with type=\"pvh\" it "
			"needs less memory and starts faster, if its kernel supports that");
	if (key_absent(b, "name"))
		key_missing(b, REPORT_MISTAKE, "key 'name' is missing; add name=\"...\"");
}

static bool dumps(uint32_t action)
{
	return action == ACTION_COREDUMP_DESTROY || action == ACTION_COREDUMP_RESTART;
}

/* xl writes cores to files in a directory; the table of names says what they are here. */
static void finish_core(struct config_builder *b)
{
	struct guest_config *g = b->g;
	const struct {
		const char *key;
		uint32_t action;
	} chosen[] = { { "on_poweroff", g->on_poweroff }, { "on_reboot", g->on_reboot },
		{ "on_watchdog", g->on_watchdog }, { "on_crash", g->on_crash } };
	char file[sizeof(CORE_DIR) + GUEST_NAME_MAX];
	struct msg m;

	snprintf(file, sizeof(file), CORE_DIR "%s", g->name);
	if (disk_target_label(file, b->host->names, g->core_label, &m))
		g->core_label[0] = '\0';
	for (uint32_t i = 0; !g->core_label[0] && i < ARRAY_SIZE(chosen); i++)
		if (dumps(chosen[i].action))
			remark(b, cfg_find(b->c, chosen[i].key),
				"no core will be written; name a partition for it in " NAMES_FILE
				": disk %s PARTITION",
				file);
}

int guest_config_make(struct guest_config *g, const struct cfg *c, const struct guest_host *h,
	struct report *r)
{
	struct config_builder b = { .g = g, .c = c, .host = h, .r = r };
	bool known;

	memset(g, 0, sizeof(*g));
	g->weight = GUEST_WEIGHT_DEFAULT;
	g->on_poweroff = ACTION_DESTROY;
	g->on_reboot = ACTION_RESTART;
	g->on_watchdog = ACTION_DESTROY;
	g->on_crash = ACTION_DESTROY;
	for (const struct cfg_setting *s = c->first; s; s = s->next)
		if (s->value)
			setting_take(&b, s);
	known = guest_type_choose(g, c, r);
	if (h->names)
		names_check(h->names, r);
	finish_required(&b);
	finish_sizes(&b);
	finish_cpus(&b, "cpus", true, g->cpus);
	finish_cpus(&b, "cpus_soft", false, g->cpus_soft);
	finish_parts(&b);
	finish_cmdline(&b);
	guest_boot_choose(g, c, r);
	finish_core(&b);
	if (key_absent(&b, "uuid"))
		uuid_make_random(g->uuid, h->random);
	if (!known)
		report_drop_remarks(r); /* they are about a pvh or pv guest */
	return r->mistakes ? -1 : 0;
}
