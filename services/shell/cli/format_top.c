/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format_top.c - the output of top
 *
 * Widths and spellings are those of xentop 4.17, so that scripts made for its batch mode work
 * here.
 */
#include "cli/format_top.h"

#include <inttypes.h>
#include <string.h>

#include "base/array.h"

enum { SHUTDOWN_CRASHED = 3, NS_PER_S = 1000000000 };

static bool has_crashed(const struct list_row *r)
{
	return r->shutdown && r->reason == SHUTDOWN_CRASHED;
}

void format_top_count(struct top_count *n, const struct list_row *r)
{
	n->all++;
	n->running += r->running;
	n->blocked += r->blocked;
	n->paused += r->paused;
	n->crashed += has_crashed(r);
	n->shutdown += r->shutdown && !has_crashed(r);
	n->dying += r->dying;
}

void format_top_summary(const struct out *o, const struct top_count *n,
	const struct ctl_system *s, uint64_t tsc_hz)
{
	const uint64_t total = s->host_memory + s->guest_memory;
	const uint32_t second = (uint32_t)(s->wall_seconds % 86400);

	out_fmt(o, "xentop - %02u:%02u:%02u   Xen 4.17-skerry\n", second / 3600,
		second / 60 % 60, second % 60);
	out_fmt(o,
		"%u domains: %u running, %u blocked, %u paused, %u crashed, %u dying, %u shutdown\n",
		n->all, n->running, n->blocked, n->paused, n->crashed, n->dying, n->shutdown);
	out_fmt(o,
		"Mem: %" PRIu64 "k total, %" PRIu64 "k used, %" PRIu64
		"k free    CPUs: %u @ %" PRIu64 "MHz\n",
		total >> 10, (total - s->free_memory) >> 10, s->free_memory >> 10, s->n_cpus,
		tsc_hz / 1000000);
}

void format_top_head(struct table *t)
{
	static const struct {
		int width;
		const char *name;
	} columns[] = { { 10, "NAME" }, { 6, "STATE" }, { 10, "CPU(sec)" }, { 6, "CPU(%)" },
		{ 10, "MEM(k)" }, { 6, "MEM(%)" }, { 10, "MAXMEM(k)" }, { 9, "MAXMEM(%)" },
		{ 5, "VCPUS" }, { 4, "NETS" }, { 8, "NETTX(k)" }, { 8, "NETRX(k)" },
		{ 4, "VBDS" }, { 8, "VBD_OO" }, { 8, "VBD_RD" }, { 8, "VBD_WR" },
		{ 10, "VBD_RSECT" }, { 10, "VBD_WSECT" }, { 4, "SSID" } };

	for (size_t i = 0; i < ARRAY_SIZE(columns); i++)
		table_plain(t, "%s%*s", i ? " " : "", columns[i].width, columns[i].name);
	table_plain(t, "\n");
}

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static void memory_columns(struct table *t, const struct top_row *r)
{
	const uint64_t max = r->has ? (uint64_t)guest_mem_max(&r->has->config) << 20 : 0;

	table_number(t, "memory_kib", " %10" PRIu64, r->list.memory >> 10);
	table_number(t, "memory_percent", " %6.1f", percent(r->list.memory, r->total_memory));
	if (!r->has) {
		table_plain(t, " %10s %9s", "no limit", "n/a");
		return;
	}
	table_number(t, "max_memory_kib", " %10" PRIu64, max >> 10);
	table_number(t, "max_memory_percent", " %9.1f", percent(max, r->total_memory));
}

static void device_columns(struct table *t, const struct ctl_guest *g)
{
	struct vmctl_disk_stats d = { 0 };
	struct vmctl_vif_stats v = { 0 };

	for (uint32_t i = 0; g && i < GUEST_DISKS_MAX; i++) {
		d.reads += g->disk[i].reads;
		d.writes += g->disk[i].writes;
		d.read_sectors += g->disk[i].read_sectors;
		d.written_sectors += g->disk[i].written_sectors;
		d.no_room += g->disk[i].no_room;
	}
	for (uint32_t i = 0; g && i < GUEST_VIFS_MAX; i++) {
		v.tx_bytes += g->vif[i].tx_bytes;
		v.rx_bytes += g->vif[i].rx_bytes;
	}
	table_number(t, "vifs", " %4u", g ? g->config.n_vifs : 0);
	table_number(t, "tx_kib", " %8" PRIu64, v.tx_bytes >> 10);
	table_number(t, "rx_kib", " %8" PRIu64, v.rx_bytes >> 10);
	table_number(t, "vbds", " %4u", g ? g->config.n_disks : 0);
	table_number(t, "waited", " %8" PRIu64, d.no_room);
	table_number(t, "reads", " %8" PRIu64, d.reads);
	table_number(t, "writes", " %8" PRIu64, d.writes);
	table_number(t, "read_sectors", " %10" PRIu64, d.read_sectors);
	table_number(t, "written_sectors", " %10" PRIu64, d.written_sectors);
}

void format_top_row(struct table *t, const struct top_row *r, bool full)
{
	const struct list_row *l = &r->list;
	const bool crashed = has_crashed(l);

	table_row(t);
	table_plain(t, full ? "%10s" : "%10.10s", l->name);
	table_string(t, "name", l->name, strlen(l->name));
	table_value(t, "domid", l->domid);
	table_text(t, "state", " %c%c%c%c%c%c", l->dying ? 'd' : '-',
		l->shutdown && !crashed ? 's' : '-', l->blocked ? 'b' : '-',
		crashed ? 'c' : '-', l->paused ? 'p' : '-', l->running ? 'r' : '-');
	table_number(t, "cpu_s", " %10" PRIu64, l->cpu_ns / NS_PER_S);
	table_number(t, "cpu_percent", " %6.1f", r->cpu_percent);
	memory_columns(t, r);
	table_number(t, "vcpus", " %5u", l->vcpus);
	device_columns(t, r->has);
	table_plain(t, " %4u", 0u);
	if (!t->as_json)
		table_row_end(t);
}

void format_top_row_end(struct table *t)
{
	if (t->as_json)
		table_row_end(t);
}

/* ---- parts of a guest: lines below its row; as JSON, lists in it ---- */

static void list_open(struct table *t, const char *key)
{
	if (t->as_json)
		json_open(&t->j, key, '[');
}

static void list_close(struct table *t)
{
	if (t->as_json)
		json_close(&t->j, ']');
}

static void item_open(struct table *t)
{
	if (t->as_json)
		json_item(&t->j);
}

static void item_close(struct table *t)
{
	if (t->as_json)
		json_close(&t->j, '}');
}

void format_top_vcpus(struct table *t, const struct ctl_dom *d)
{
	list_open(t, "vcpu_list");
	table_plain(t, "VCPUs(sec): ");
	for (uint32_t i = 0; i < d->n_vcpus; i++) {
		const uint64_t seconds = d->vcpu[i].ran_ns / NS_PER_S;

		if (d->vcpu[i].state == 2)
			continue;
		item_open(t);
		table_plain(t, "%s %2u: %10" PRIu64 "s", i && i % 5 == 0 ? "\n        " : "", i,
			seconds);
		table_value(t, "vcpu", i);
		table_value(t, "cpu_s", seconds);
		item_close(t);
	}
	table_plain(t, "\n");
	list_close(t);
}

void format_top_nets(struct table *t, const struct ctl_guest *g)
{
	list_open(t, "vif_list");
	for (uint32_t i = 0; i < g->config.n_vifs && i < GUEST_VIFS_MAX; i++) {
		const uint32_t devid = (uint32_t)g->config.vifs[i].devid % GUEST_VIFS_MAX;
		const struct vmctl_vif_stats *s = &g->vif[devid];

		item_open(t);
		table_plain(t, "Net%u", devid);
		table_value(t, "devid", devid);
		table_plain(t, " RX:");
		table_number(t, "rx_bytes", " %8" PRIu64, s->rx_bytes);
		table_plain(t, "bytes");
		table_number(t, "rx_frames", " %8" PRIu64, s->rx_frames);
		table_plain(t, "pkts %8uerr", 0u);
		table_number(t, "rx_dropped", " %8" PRIu64, s->rx_dropped);
		table_plain(t, "drop  TX:");
		table_number(t, "tx_bytes", " %8" PRIu64, s->tx_bytes);
		table_plain(t, "bytes");
		table_number(t, "tx_frames", " %8" PRIu64, s->tx_frames);
		table_plain(t, "pkts %8uerr", 0u);
		table_number(t, "tx_dropped", " %8" PRIu64, s->tx_dropped);
		table_plain(t, "drop\n");
		item_close(t);
	}
	list_close(t);
}

void format_top_vbds(struct table *t, const struct ctl_guest *g)
{
	list_open(t, "vbd_list");
	for (uint32_t i = 0; i < g->config.n_disks && i < GUEST_DISKS_MAX; i++) {
		const struct guest_disk *d = &g->config.disks[i];
		const struct vmctl_disk_stats *s = &g->disk[d->seat % GUEST_DISKS_MAX];

		item_open(t);
		table_plain(t, "VBD BlkBack %4u [%2x:%2x]", d->spec.number,
			d->spec.number >> 8 & 0xfff, d->spec.number & 0xff);
		table_value(t, "vdev", d->spec.number);
		table_plain(t, "  OO:");
		table_number(t, "waited", " %8" PRIu64, s->no_room);
		table_plain(t, "   RD:");
		table_number(t, "reads", " %8" PRIu64, s->reads);
		table_plain(t, "   WR:");
		table_number(t, "writes", " %8" PRIu64, s->writes);
		table_plain(t, "  RSECT:");
		table_number(t, "read_sectors", " %10" PRIu64, s->read_sectors);
		table_plain(t, "  WSECT:");
		table_number(t, "written_sectors", " %10" PRIu64, s->written_sectors);
		table_plain(t, "\n");
		item_close(t);
	}
	list_close(t);
}
