/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest_write.c - a guest's configuration as a file, for the header of a saved guest
 *
 * xl takes such a text as well as JSON. Defaults are left out where the reader fills them in.
 */
#include "config/guest_write.h"

#include <stdio.h>
#include <string.h>

#include "config/cpu_set.h"

/* In quotes; what a string cannot hold as it is, is written as an escape. */
static void quoted(const struct out *o, const char *text)
{
	out_str(o, "\"");
	for (; *text; text++) {
		unsigned char ch = (unsigned char)*text;

		if (ch == '"' || ch == '\\' || ch < ' ')
			out_fmt(o, "\\%03o", ch);
		else
			out_bytes(o, text, 1);
	}
	out_str(o, "\"");
}

static void text_line(const struct out *o, const char *key, const char *text)
{
	if (!text[0])
		return;
	out_fmt(o, "%s = ", key);
	quoted(o, text);
	out_str(o, "\n");
}

static void number_line(const struct out *o, const char *key, uint32_t n)
{
	out_fmt(o, "%s = %u\n", key, n);
}

static void modules_lines(const struct out *o, const struct guest_config *g)
{
	if (g->n_modules == 1 && !g->modules[0].args[0]) {
		text_line(o, "ramdisk", g->modules[0].path);
		return;
	}
	if (!g->n_modules)
		return;
	out_str(o, "ramdisk = [\n");
	for (uint32_t i = 0; i < g->n_modules; i++) {
		char item[GUEST_PATH_MAX + GUEST_MODULE_ARGS_MAX + 2];

		snprintf(item, sizeof(item), "%s%s%s", g->modules[i].path,
			g->modules[i].args[0] ? " " : "", g->modules[i].args);
		out_str(o, "\t");
		quoted(o, item);
		out_str(o, ",\n");
	}
	out_str(o, "]\n");
}

/* With bootloader=, the file says nothing about a kernel. */
static void boot_lines(const struct out *o, const struct guest_config *g)
{
	if (g->bootloader[0] && g->n_disks) {
		text_line(o, "bootloader", g->bootloader);
		return;
	}
	text_line(o, "kernel", g->kernel);
	modules_lines(o, g);
	text_line(o, "cmdline", g->cmdline);
}

static void shim_lines(const struct out *o, const struct guest_config *g)
{
	if (!g->shim.wanted)
		return;
	number_line(o, "pvshim", 1);
	text_line(o, "pvshim_path", g->shim.path);
	text_line(o, "pvshim_cmdline", g->shim.cmdline);
	text_line(o, "pvshim_extra", g->shim.extra);
}

/* The target comes last, because it takes the rest of the text. */
static void disk_item(const struct out *o, const struct disk_spec *d)
{
	char item[2 * DISK_TARGET_MAX];

	snprintf(item, sizeof(item), "format=%s,vdev=%s,access=%s%s%s%s%s%s%s%s%s",
		disk_format_name(d->format), d->vdev, d->readonly ? "ro" : "rw",
		d->cdrom ? ",devtype=cdrom" : "", d->direct_io_safe ? ",direct-io-safe" : "",
		d->discard ? "" : ",no-discard", d->trusted ? "" : ",untrusted",
		d->backendtype[0] ? ",backendtype=" : "", d->backendtype,
		d->target[0] ? ",target=" : "", d->target);
	out_str(o, "\t");
	quoted(o, item);
	out_str(o, ",\n");
}

static void disk_lines(const struct out *o, const struct guest_config *g)
{
	if (!g->n_disks)
		return;
	out_str(o, "disk = [\n");
	for (uint32_t i = 0; i < g->n_disks; i++)
		disk_item(o, &g->disks[i].spec);
	out_str(o, "]\n");
}

static void option(char *item, size_t size, const char *key, const char *value)
{
	size_t used = strlen(item);

	if (value[0])
		snprintf(item + used, size - used, ",%s=%s", key, value);
}

static void vif_item(const struct out *o, const struct vif_spec *v)
{
	char item[512], mac[VIF_MAC_TEXT], mtu[12] = "", rate[48] = "";

	vif_mac_format(v->mac, mac);
	if (v->mtu)
		snprintf(mtu, sizeof(mtu), "%u", v->mtu);
	if (v->rate_us) /* rounded up, as the reader rounds down */
		snprintf(rate, sizeof(rate), "%lluB/s@%uus",
			(unsigned long long)((v->rate_bytes * 1000000 + v->rate_us - 1) /
					     v->rate_us),
			v->rate_us);
	snprintf(item, sizeof(item), "mac=%s%s", mac, v->trusted ? "" : ",untrusted");
	option(item, sizeof(item), "bridge", v->bridge);
	option(item, sizeof(item), "vifname", v->vifname);
	option(item, sizeof(item), "model", v->model);
	option(item, sizeof(item), "ip", v->ip);
	option(item, sizeof(item), "gatewaydev", v->gatewaydev);
	option(item, sizeof(item), "mtu", mtu);
	option(item, sizeof(item), "rate", rate);
	out_str(o, "\t");
	quoted(o, item);
	out_str(o, ",\n");
}

static void vif_lines(const struct out *o, const struct guest_config *g)
{
	if (!g->n_vifs)
		return;
	out_str(o, "vif = [\n");
	for (uint32_t i = 0; i < g->n_vifs; i++)
		vif_item(o, &g->vifs[i]);
	out_str(o, "]\n");
}

/* One set for each vCPU, up to the last that has one. */
static void cpu_sets_line(
	const struct out *o, const char *key, const uint64_t sets[GUEST_VCPUS_MAX])
{
	char text[CPU_SET_TEXT];
	const uint32_t n = cpu_sets_count(sets, GUEST_VCPUS_MAX);

	if (!n)
		return;
	out_fmt(o, "%s = [", key);
	for (uint32_t i = 0; i < n; i++) {
		cpu_set_format(sets[i] ? sets[i] : UINT64_MAX, 64, text);
		out_fmt(o, " \"%s\",", text);
	}
	out_str(o, " ]\n");
}

void guest_config_write(const struct out *o, const struct guest_config *g)
{
	char uuid[UUID_TEXT];

	uuid_format(g->uuid, uuid);
	text_line(o, "name", g->name);
	text_line(o, "uuid", uuid);
	text_line(o, "type", guest_type_name(g->type));
	number_line(o, "memory", g->memory);
	number_line(o, "maxmem", g->maxmem);
	number_line(o, "vcpus", g->vcpus);
	number_line(o, "maxvcpus", g->maxvcpus);
	cpu_sets_line(o, "cpus", g->cpus);
	cpu_sets_line(o, "cpus_soft", g->cpus_soft);
	number_line(o, "cpu_weight", g->weight);
	number_line(o, "cap", g->cap);
	text_line(o, "on_poweroff", guest_action_name(g->on_poweroff));
	text_line(o, "on_reboot", guest_action_name(g->on_reboot));
	text_line(o, "on_watchdog", guest_action_name(g->on_watchdog));
	text_line(o, "on_crash", guest_action_name(g->on_crash));
	shim_lines(o, g);
	boot_lines(o, g);
	disk_lines(o, g);
	vif_lines(o, g);
}
