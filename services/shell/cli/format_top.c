/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format_top.c - the output of top
 *
 * Widths and spellings are those of xentop 4.17, so that scripts made for its batch mode work
 * here.
 */
#include "cli/format_top.h"

#include <inttypes.h>
#include <stdio.h>

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

void format_top_head(const struct out *o)
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
		out_fmt(o, "%s%*s", i ? " " : "", columns[i].width, columns[i].name);
	out_str(o, "\n");
}

static double percent(uint64_t part, uint64_t all)
{
	return all ? 100.0 * (double)part / (double)all : 0;
}

static void memory_columns(const struct out *o, const struct top_row *r)
{
	const uint64_t max = r->has ? (uint64_t)guest_mem_max(&r->has->config) << 20 : 0;

	out_fmt(o, " %10" PRIu64 " %6.1f", r->list.memory >> 10,
		percent(r->list.memory, r->total_memory));
	if (r->has)
		out_fmt(o, " %10" PRIu64 " %9.1f", max >> 10, percent(max, r->total_memory));
	else
		out_fmt(o, " %10s %9s", "no limit", "n/a");
}

static void device_columns(const struct out *o, const struct ctl_guest *g)
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
	out_fmt(o, " %4u %8" PRIu64 " %8" PRIu64, g ? g->config.n_vifs : 0, v.tx_bytes >> 10,
		v.rx_bytes >> 10);
	out_fmt(o, " %4u %8" PRIu64 " %8" PRIu64 " %8" PRIu64 " %10" PRIu64 " %10" PRIu64,
		g ? g->config.n_disks : 0, d.no_room, d.reads, d.writes, d.read_sectors,
		d.written_sectors);
}

void format_top_row(const struct out *o, const struct top_row *r, bool full)
{
	const struct list_row *l = &r->list;
	const bool crashed = has_crashed(l);

	out_fmt(o, full ? "%10s" : "%10.10s", l->name);
	out_fmt(o, " %c%c%c%c%c%c", l->dying ? 'd' : '-', l->shutdown && !crashed ? 's' : '-',
		l->blocked ? 'b' : '-', crashed ? 'c' : '-', l->paused ? 'p' : '-',
		l->running ? 'r' : '-');
	out_fmt(o, " %10" PRIu64 " %6.1f", l->cpu_ns / NS_PER_S, r->cpu_percent);
	memory_columns(o, r);
	out_fmt(o, " %5u", l->vcpus);
	device_columns(o, r->has);
	out_fmt(o, " %4u\n", 0u);
}

void format_top_vcpus(const struct out *o, const struct ctl_dom *d)
{
	out_str(o, "VCPUs(sec): ");
	for (uint32_t i = 0; i < d->n_vcpus; i++) {
		if (d->vcpu[i].state == 2)
			continue;
		out_fmt(o, "%s %2u: %10" PRIu64 "s", i && i % 5 == 0 ? "\n        " : "", i,
			d->vcpu[i].ran_ns / NS_PER_S);
	}
	out_str(o, "\n");
}

void format_top_nets(const struct out *o, const struct ctl_guest *g)
{
	for (uint32_t i = 0; i < g->config.n_vifs && i < GUEST_VIFS_MAX; i++) {
		const uint32_t devid = (uint32_t)g->config.vifs[i].devid % GUEST_VIFS_MAX;
		const struct vmctl_vif_stats *s = &g->vif[devid];

		out_fmt(o,
			"Net%u RX: %8" PRIu64 "bytes %8" PRIu64 "pkts %8uerr %8" PRIu64
			"drop  ",
			devid, s->rx_bytes, s->rx_frames, 0u, s->rx_dropped);
		out_fmt(o, "TX: %8" PRIu64 "bytes %8" PRIu64 "pkts %8uerr %8" PRIu64 "drop\n",
			s->tx_bytes, s->tx_frames, 0u, s->tx_dropped);
	}
}

void format_top_vbds(const struct out *o, const struct ctl_guest *g)
{
	for (uint32_t i = 0; i < g->config.n_disks && i < GUEST_DISKS_MAX; i++) {
		const struct guest_disk *d = &g->config.disks[i];
		const struct vmctl_disk_stats *s = &g->disk[d->seat % GUEST_DISKS_MAX];

		out_fmt(o, "VBD BlkBack %4u [%2x:%2x]  OO: %8" PRIu64 "   RD: %8" PRIu64,
			d->spec.number, d->spec.number >> 8 & 0xfff, d->spec.number & 0xff,
			s->no_room, s->reads);
		out_fmt(o, "   WR: %8" PRIu64 "  RSECT: %10" PRIu64 "  WSECT: %10" PRIu64 "\n",
			s->writes, s->read_sectors, s->written_sectors);
	}
}
