/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_json.c - a guest's configuration as JSON
 *
 * A test lets Debian's xl print the same files, and compares member by member.
 */
#include "config/guest_json.h"

#include <stdio.h>
#include <string.h>

#include "config/cpu_set.h"
#include "json.h"

static void create_info_json(struct json *j, const struct guest_config *g)
{
	char uuid[UUID_TEXT];

	uuid_format(g->uuid, uuid);
	json_open(j, "c_info", '{');
	json_text(j, "type", guest_type_name(g->type));
	json_text(j, "name", g->name);
	json_text(j, "uuid", uuid);
	json_close(j, '}');
}

static void vcpus_json(struct json *j, const struct guest_config *g)
{
	json_number(j, "max_vcpus", g->maxvcpus);
	json_key(j, "avail_vcpus");
	out_str(j->o, "[");
	for (uint32_t i = 0; i < g->vcpus; i++)
		out_fmt(j->o, "%s%u", i ? ", " : "", i);
	out_str(j->o, "]");
}

/* The numbers of the CPUs, up to the last vCPU that has a set. */
static void cpu_sets_json(struct json *j, const char *key, const uint64_t sets[GUEST_VCPUS_MAX])
{
	const uint32_t n = cpu_sets_count(sets, GUEST_VCPUS_MAX);
	const char *comma;

	if (!n)
		return;
	json_key(j, key);
	for (uint32_t i = 0; i < n; i++) {
		out_str(j->o, i ? ", [" : "[[");
		comma = "";
		for (uint32_t cpu = 0; cpu < 64; cpu++) {
			if (!(sets[i] >> cpu & 1))
				continue;
			out_fmt(j->o, "%s%u", comma, cpu);
			comma = ", ";
		}
		out_str(j->o, "]");
	}
	out_str(j->o, "]");
}

static void text_json(struct json *j, const char *key, const char *text)
{
	if (text[0])
		json_text(j, key, text);
}

/* What libxl has for guests of this kind alone. */
static void type_json(struct json *j, const struct guest_config *g)
{
	if (!g->shim.wanted) {
		json_key(j, g->type == GUEST_PV ? "type.pv" : "type.pvh");
		out_str(j->o, "{}");
		return;
	}
	json_open(j, "type.pvh", '{');
	json_defbool(j, "pvshim", true);
	text_json(j, "pvshim_path", g->shim.path);
	text_json(j, "pvshim_cmdline", g->shim.cmdline);
	text_json(j, "pvshim_extra", g->shim.extra);
	json_close(j, '}');
}

static void build_info_json(struct json *j, const struct guest_config *g)
{
	json_open(j, "b_info", '{');
	vcpus_json(j, g);
	cpu_sets_json(j, "vcpu_hard_affinity", g->cpus);
	cpu_sets_json(j, "vcpu_soft_affinity", g->cpus_soft);
	json_number(j, "max_memkb", (uint64_t)g->maxmem << 10);
	json_number(j, "target_memkb", (uint64_t)g->memory << 10);
	json_open(j, "sched_params", '{');
	json_number(j, "weight", g->weight);
	json_number(j, "cap", g->cap);
	json_close(j, '}');
	json_text(j, "kernel", g->kernel);
	text_json(j, "bootloader", g->bootloader);
	text_json(j, "cmdline", g->cmdline);
	if (g->n_modules)
		json_text(j, "ramdisk", g->modules[0].path);
	type_json(j, g);
	json_close(j, '}');
}

void guest_json_disk(struct json *j, const struct disk_spec *d)
{
	text_json(j, "pdev_path", d->target);
	json_text(j, "vdev", d->vdev);
	json_text(j, "backend", d->backendtype[0] ? d->backendtype : "phy");
	json_text(j, "format", disk_format_name(d->format));
	json_number(j, "removable", d->cdrom);
	json_number(j, "readwrite", !d->readonly);
	json_number(j, "is_cdrom", d->cdrom);
	json_bool(j, "direct_io_safe", d->direct_io_safe);
	json_defbool(j, "discard_enable", d->discard);
	json_defbool(j, "trusted", d->trusted);
}

void guest_json_vif(struct json *j, const struct vif_spec *v)
{
	char mac[VIF_MAC_TEXT];

	vif_mac_format(v->mac, mac);
	if (v->devid >= 0)
		json_number(j, "devid", (uint32_t)v->devid);
	if (v->mtu)
		json_number(j, "mtu", v->mtu);
	text_json(j, "model", v->model);
	json_text(j, "mac", mac);
	text_json(j, "ip", v->ip);
	json_text(j, "bridge", v->bridge);
	text_json(j, "ifname", v->vifname);
	json_text(j, "nictype", "vif");
	if (v->rate_us) {
		json_number(j, "rate_bytes_per_interval", v->rate_bytes);
		json_number(j, "rate_interval_usecs", v->rate_us);
	}
	text_json(j, "gatewaydev", v->gatewaydev);
	json_defbool(j, "trusted", v->trusted);
}

static void devices_json(struct json *j, const struct guest_config *g)
{
	if (g->n_disks) {
		json_open(j, "disks", '[');
		for (uint32_t i = 0; i < g->n_disks; i++) {
			json_item(j);
			guest_json_disk(j, &g->disks[i].spec);
			json_close(j, '}');
		}
		json_close(j, ']');
	}
	if (g->n_vifs) {
		json_open(j, "nics", '[');
		for (uint32_t i = 0; i < g->n_vifs; i++) {
			json_item(j);
			guest_json_vif(j, &g->vifs[i]);
			json_close(j, '}');
		}
		json_close(j, ']');
	}
}

/* libxl spells an action with underscores. */
static void action_json(struct json *j, const char *key, enum guest_action a)
{
	char name[32];

	snprintf(name, sizeof(name), "%s", guest_action_name(a));
	for (char *p = name; *p; p++)
		if (*p == '-')
			*p = '_';
	json_text(j, key, strcmp(name, "rename_restart") == 0 ? "restart_rename" : name);
}

void guest_json(struct json *j, const struct guest_config *g)
{
	create_info_json(j, g);
	build_info_json(j, g);
	devices_json(j, g);
	action_json(j, "on_poweroff", g->on_poweroff);
	action_json(j, "on_reboot", g->on_reboot);
	action_json(j, "on_watchdog", g->on_watchdog);
	action_json(j, "on_crash", g->on_crash);
}
