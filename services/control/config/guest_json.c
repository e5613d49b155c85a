/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_json.c - a guest's configuration as JSON
 *
 * A test lets Debian's xl print the same files, and compares member by member.
 */
#include "config/guest_json.h"

#include <stdio.h>
#include <string.h>

#include "json.h"

static void create_info_json(const struct out *o, int depth, const struct guest_config *g)
{
	char uuid[UUID_TEXT];

	uuid_format(g->uuid, uuid);
	json_open(o, depth, true, "c_info", '{');
	json_text(o, depth + 1, true, "type", "pvh");
	json_text(o, depth + 1, false, "name", g->name);
	json_text(o, depth + 1, false, "uuid", uuid);
	json_close(o, depth, '}');
}

static void vcpus_json(const struct out *o, int depth, const struct guest_config *g)
{
	json_number(o, depth, true, "max_vcpus", g->maxvcpus);
	json_open(o, depth, false, "avail_vcpus", '[');
	for (uint32_t i = 0; i < g->vcpus; i++)
		out_fmt(o, "%s%u", i ? ", " : "", i);
	out_str(o, "]");
}

static void build_info_json(const struct out *o, int depth, const struct guest_config *g)
{
	json_open(o, depth, false, "b_info", '{');
	vcpus_json(o, depth + 1, g);
	json_number(o, depth + 1, false, "max_memkb", (uint64_t)g->maxmem << 10);
	json_number(o, depth + 1, false, "target_memkb", (uint64_t)g->memory << 10);
	json_open(o, depth + 1, false, "sched_params", '{');
	json_number(o, depth + 2, true, "weight", g->weight);
	json_number(o, depth + 2, false, "cap", g->cap);
	json_close(o, depth + 1, '}');
	json_text(o, depth + 1, false, "kernel", g->kernel);
	if (g->cmdline[0])
		json_text(o, depth + 1, false, "cmdline", g->cmdline);
	if (g->n_modules)
		json_text(o, depth + 1, false, "ramdisk", g->modules[0].path);
	json_key(o, depth + 1, false, "type.pvh");
	out_str(o, "{}");
	json_close(o, depth, '}');
}

static void disk_json(const struct out *o, int depth, bool first, const struct disk_spec *d)
{
	json_item(o, depth, first);
	if (d->target[0])
		json_text(o, depth + 1, true, "pdev_path", d->target);
	json_text(o, depth + 1, !d->target[0], "vdev", d->vdev);
	json_text(o, depth + 1, false, "backend", "phy");
	json_text(o, depth + 1, false, "format", disk_format_name(d->format));
	json_number(o, depth + 1, false, "removable", d->cdrom);
	json_number(o, depth + 1, false, "readwrite", !d->readonly);
	json_number(o, depth + 1, false, "is_cdrom", d->cdrom);
	json_bool(o, depth + 1, false, "direct_io_safe", d->direct_io_safe);
	json_defbool(o, depth + 1, false, "discard_enable", d->discard);
	json_defbool(o, depth + 1, false, "trusted", d->trusted);
	json_close(o, depth, '}');
}

static void nic_text_json(const struct out *o, int depth, const char *key, const char *text)
{
	if (text[0])
		json_text(o, depth, false, key, text);
}

static void nic_json(const struct out *o, int depth, const struct vif_spec *v, uint32_t devid)
{
	char mac[VIF_MAC_TEXT];

	vif_mac_format(v->mac, mac);
	json_item(o, depth, devid == 0);
	json_number(o, depth + 1, true, "devid", devid);
	nic_text_json(o, depth + 1, "model", v->model);
	json_text(o, depth + 1, false, "mac", mac);
	nic_text_json(o, depth + 1, "ip", v->ip);
	json_text(o, depth + 1, false, "bridge", v->bridge);
	nic_text_json(o, depth + 1, "ifname", v->vifname);
	json_text(o, depth + 1, false, "nictype", "vif");
	nic_text_json(o, depth + 1, "gatewaydev", v->gatewaydev);
	json_defbool(o, depth + 1, false, "trusted", v->trusted);
	json_close(o, depth, '}');
}

static void devices_json(const struct out *o, int depth, const struct guest_config *g)
{
	if (g->n_disks) {
		json_open(o, depth, false, "disks", '[');
		for (uint32_t i = 0; i < g->n_disks; i++)
			disk_json(o, depth + 1, i == 0, &g->disks[i].spec);
		json_close(o, depth, ']');
	}
	if (g->n_vifs) {
		json_open(o, depth, false, "nics", '[');
		for (uint32_t i = 0; i < g->n_vifs; i++)
			nic_json(o, depth + 1, &g->vifs[i], i);
		json_close(o, depth, ']');
	}
}

/* libxl spells an action with underscores. */
static void action_json(const struct out *o, int depth, const char *key, enum guest_action a)
{
	char name[32];

	snprintf(name, sizeof(name), "%s", guest_action_name(a));
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	json_text(o, depth, false, key,
		strcmp(name, "rename_restart") == 0 ? "restart_rename" : name);
}

void guest_json(const struct out *o, int depth, const struct guest_config *g)
{
	out_str(o, "{");
	create_info_json(o, depth + 1, g);
	build_info_json(o, depth + 1, g);
	devices_json(o, depth + 1, g);
	action_json(o, depth + 1, "on_poweroff", g->on_poweroff);
	action_json(o, depth + 1, "on_reboot", g->on_reboot);
	action_json(o, depth + 1, "on_crash", g->on_crash);
	json_close(o, depth, '}');
}
