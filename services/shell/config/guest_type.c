/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_type.c - what kind of guest a file describes, and whether it runs in Xen's shim
 *
 * As with xl, builder= is the older spelling of type=, and a guest is pv if neither is there.
 * xl looks at the keys of the shim for pvh guests only.
 */
#include "config/guest_type.h"

#include <string.h>

#include "base/array.h"

static const char *value_text(const struct cfg_setting *s)
{
	return s->value->kind == CFG_LIST ? "[...]" : s->value->text;
}

/* The name of a kind of guest; NULL: there is none for this value. */
static const char *named(const struct cfg_setting *s)
{
	const char *text = value_text(s);

	if (strcmp(s->key, "builder") == 0)
		return strcmp(text, "generic") == 0 ? "pv"
		       : strcmp(text, "hvm") == 0   ? text
						    : NULL;
	for (uint32_t i = 0; i < GUEST_TYPE_COUNT; i++)
		if (strcmp(text, guest_type_name(i)) == 0)
			return text;
	return strcmp(text, "hvm") == 0 ? text : NULL;
}

/* The settings of type= and builder=, and what they say. */
static bool settings_check(
	const struct cfg_setting *type, const struct cfg_setting *builder, struct report *r)
{
	const struct cfg_setting *s = type ? type : builder;

	if (type && !named(type))
		(void)cfg_report(type, r, REPORT_DECISIVE,
			"unknown guest type '%.40s'; use \"pvh\" or \"pv\"", value_text(type));
	else if (builder && !named(builder))
		(void)cfg_report(builder, r, REPORT_DECISIVE,
			"unknown builder '%.40s'; remove it and use type=\"pvh\" or type=\"pv\"",
			value_text(builder));
	else if (type && builder && strcmp(named(type), named(builder)) != 0)
		(void)cfg_report(builder, r, REPORT_DECISIVE,
			"contradicts type=\"%s\"; remove one of them", named(type));
	else if (strcmp(named(s), "hvm") == 0)
		(void)cfg_report(s, r, REPORT_DECISIVE,
			"hvm guests are not supported yet; use type=\"pvh\" or type=\"pv\" if the "
			"kernel supports it");
	else
		return true;
	return false;
}

/* A setting whose value was understood, or one with a mistake, which was reported. */
static const struct cfg_setting *setting_find(const struct cfg *c, const char *key)
{
	const struct cfg_setting *s = cfg_find(c, key);

	return s && s->value ? s : NULL;
}

/* A shim of another host, where its packages put it, is the shim of this host. */
static void shim_path_choose(struct guest_config *g)
{
	static const char own[] = GUESTS_DIR "/", usual[] = "/xen-shim";
	size_t len = strlen(g->shim.path), n = sizeof(usual) - 1;

	if (len >= n && strcmp(g->shim.path + len - n, usual) == 0 &&
		strncmp(g->shim.path, own, sizeof(own) - 1) != 0)
		strcpy(g->shim.path, SHIM_FILE);
}

/* Without a shim, or for a pv guest, whose shim is this host's own matter. */
static void shim_keys_ignore(struct guest_config *g, const struct cfg *c, struct report *r)
{
	static const char *const keys[] = { "pvshim_path", "pvshim_cmdline", "pvshim_extra" };

	for (size_t i = 0; i < ARRAY_SIZE(keys); i++)
		if (setting_find(c, keys[i]))
			(void)cfg_report(setting_find(c, keys[i]), r, REPORT_REMARK,
				"ignored as by xl: only pvh guests with pvshim=1 have it");
	if (g->shim.wanted)
		(void)cfg_report(setting_find(c, "pvshim"), r, REPORT_REMARK,
			"ignored as by xl: only pvh guests have it, and pv guests always run in the shim");
	memset(&g->shim, 0, sizeof(g->shim));
}

bool guest_type_choose(struct guest_config *g, const struct cfg *c, struct report *r)
{
	const struct cfg_setting *type = setting_find(c, "type"),
				 *builder = setting_find(c, "builder");

	if ((type || builder) && !settings_check(type, builder, r))
		return false;
	g->type = type && strcmp(named(type), "pvh") == 0 ? GUEST_PVH : GUEST_PV;
	if (g->type == GUEST_PVH && g->shim.wanted)
		shim_path_choose(g);
	else
		shim_keys_ignore(g, c, r);
	return true;
}
