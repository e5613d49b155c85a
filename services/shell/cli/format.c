/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.c - tables and facts for people
 *
 * Widths and spellings are those of xl 4.17, so that scripts made for xl work here.
 */
#include "cli/format.h"

#include <ctype.h>
#include <inttypes.h>
#include <sk/boot.h>
#include <sk/object.h>
#include <stdio.h>
#include <string.h>

#include "base/array.h"
#include "config/cpu_set.h"
#include "config/guest_json.h"
#include "json.h"

#define NS_PER_S 1e9
#define MIB ((uint64_t)1 << 20)

void list_row_host(const struct ctl_system *s, struct list_row *r)
{
	static const uint8_t uuid[UUID_SIZE];

	*r = (struct list_row){ .name = "Domain-0",
		.vcpus = s->n_cpus,
		.running = true,
		.uuid = uuid,
		.memory = s->host_memory,
		.cpu_ns = s->cpu_ns };
}

static uint64_t vcpus_ns(const struct ctl_dom *d)
{
	uint64_t sum = 0;

	for (uint32_t i = 0; i < GUEST_VCPUS_MAX; i++)
		sum += d->vcpu[i].ran_ns;
	return sum;
}

uint64_t rest_seconds(const struct ctl_dom *d)
{
	return d->state == DOM_RESTING ? (d->rest_ns + 999999999) / 1000000000 : 0;
}

/* A resting guest has no memory and no vCPUs; its number is that of the guest before it. */
bool list_row_guest(const struct ctl_dom *d, struct list_row *r)
{
	bool any_running = false, paused = d->flags & CTL_DOM_PAUSED;
	bool live = d->state == DOM_LIVE && !paused;

	*r = (struct list_row){ .name = d->name,
		.domid = d->domid,
		.uuid = d->uuid,
		.reason = d->reason,
		.rest_seconds = rest_seconds(d) };
	if (!(d->flags & CTL_DOM_THERE))
		return d->state == DOM_RESTING;
	for (uint32_t i = 0; i < d->n_vcpus; i++) {
		any_running = any_running || d->vcpu[i].state == 0;
		r->vcpus += d->vcpu[i].state != 2;
	}
	if (!d->n_vcpus)
		r->vcpus = d->vcpus;
	r->cpu_ns = vcpus_ns(d);
	r->memory = d->memory;
	r->running = live && any_running;
	r->blocked = live && !any_running;
	r->paused = paused || d->state == DOM_BUILDING;
	r->shutdown = d->state == DOM_DOWN;
	r->dying = d->state == DOM_DYING || d->state == DOM_LEAVING;
	return true;
}

void format_list_head(struct table *t, struct list_more more)
{
	table_plain(t,
		"Name                                        ID   Mem VCPUs\tState\tTime(s)%s%s\n",
		more.verbose ? "   UUID                            Reason-Code\tSecurity Label"
			     : "",
		more.pool ? "         Cpupool" : "");
}

/* poweroff, reboot, suspend, crash, watchdog, soft reset */
static char reason_letter(const struct list_row *r)
{
	static const char letters[] = "-rscwS";

	if (!r->shutdown)
		return '-';
	return r->reason < sizeof(letters) - 1 ? letters[r->reason] : '?';
}

static void list_details(struct table *t, const struct list_row *r)
{
	char uuid[UUID_TEXT];

	uuid_format(r->uuid, uuid);
	table_text(t, "uuid", " %s", uuid);
	if (r->shutdown)
		table_plain(t, " %8x", r->reason);
	else
		table_plain(t, " %8s", "-");
	if (r->shutdown)
		table_value(t, "reason", r->reason);
	table_plain(t, " %16s", "-");
}

void format_list_row(struct table *t, const struct list_row *r, struct list_more more)
{
	table_row(t);
	table_text(t, "name", "%-40s ", r->name);
	table_number(t, "domid", "%5u ", r->domid);
	/* rounded to the nearest MiB, because Linux gives a few pages back */
	table_number(t, "memory", "%5" PRIu64 " ", (r->memory + MIB / 2) / MIB);
	table_number(t, "vcpus", "%5u     ", r->vcpus);
	table_text(t, "state", "%c%c%c%c%c%c  ", r->running ? 'r' : '-', r->blocked ? 'b' : '-',
		r->paused ? 'p' : '-', r->shutdown ? 's' : '-', reason_letter(r),
		r->dying ? 'd' : '-');
	table_number(t, "time", "%8.1f", (double)r->cpu_ns / NS_PER_S);
	if (more.verbose)
		list_details(t, r);
	if (more.pool)
		table_text(t, "cpupool", "%16s", POOL_NAME);
	if (r->rest_seconds)
		table_value(t, "restarts_in", r->rest_seconds);
	table_row_end(t);
}

void format_resting(struct table *t, const char *name, uint32_t short_lives,
	uint32_t life_seconds, uint64_t left_seconds)
{
	table_plain(t,
		"%s ended %u times in a row within %u s of its start; it is started again in %" PRIu64
		" s (`destroy %s` forgets it)\n",
		name, short_lives, life_seconds, left_seconds, name);
}

#define X(sym, num, text) [num] = (text),
static const char *const service_states[] = { DOMAIN_STATES(X) };
static const char *const service_ends[] = { DOMAIN_ENDS(X) };
#undef X

const char *format_end(uint32_t end) { return service_ends[end]; }

void format_service_head(struct table *t)
{
	table_plain(t, "%-16s %-10s %8s %-7s %11s %6s %9s %9s\n", "Name", "State", "Restarts",
		"Reason", "Uptime", "Epoch", "Mem(KiB)", "Time(s)");
}

void format_service_row(struct table *t, const struct host_domain *r)
{
	uint64_t up = r->up_ns / 1000000000;

	table_row(t);
	table_text(t, "name", "%-16s ", r->name);
	table_text(t, "state", "%-10s ", service_states[r->state]);
	table_number(t, "restarts", "%8u ", r->restarts);
	table_text(t, "reason", "%-7s ", service_ends[r->end]);
	table_plain(t, "%5" PRIu64 ":%02u:%02u ", up / 3600, (unsigned int)(up / 60 % 60),
		(unsigned int)(up % 60));
	table_value(t, "uptime", up);
	table_number(t, "epoch", "%6u ", r->epoch);
	table_number(t, "memory_kib", "%9" PRIu64 " ", r->memory >> 10);
	table_number(t, "time", "%9.1f", (double)r->cpu_ns / NS_PER_S);
	table_row_end(t);
}

#define X(name, num, order, what) [num] = #name,
static const char *const cap_kinds[] = { SK_OBJECTS(X) };
#undef X

/* The name of the kind in small letters. */
static const char *cap_kind(uint8_t type, char text[16])
{
	const char *name = type < ARRAY_SIZE(cap_kinds) ? cap_kinds[type] : "?";
	size_t i;

	for (i = 0; i < 15 && name[i]; i++)
		text[i] = (char)tolower((unsigned char)name[i]);
	text[i] = '\0';
	return text;
}

static const char *cap_rights(uint8_t rights, char text[5])
{
	static const char letters[] = "rwxg";

	for (int i = 0; i < 4; i++)
		text[i] = rights & 1u << i ? letters[i] : '-';
	text[4] = '\0';
	return text;
}

/* The order of a table is its level. */
uint64_t cap_bytes(const struct init_cap *c)
{
	if (c->type == SK_OBJ_TABLE)
		return SK_PAGE_SIZE;
	return c->order ? 1ull << c->order : 0;
}

static void cap_columns(
	struct table *t, const struct init_cap *c, uint64_t bytes, const char *badge)
{
	char kind[16], rights[5];

	table_text(t, "kind", "%-12s ", cap_kind(c->type, kind));
	table_text(t, "rights", "%-6s ", cap_rights(c->rights, rights));
	table_number(t, "bytes", "%11" PRIu64 " ", bytes);
	table_text(t, "badge", "%-19s ", badge);
}

void format_cap_head(struct table *t)
{
	table_plain(t, "%5s %-12s %-6s %11s %-19s %s\n", "Slot", "Kind", "Rights", "Bytes",
		"Badge", "What");
}

void format_cap_row(struct table *t, const struct init_cap *c)
{
	char badge[24] = "-";

	if (c->type == SK_OBJ_IOPORT)
		(void)snprintf(badge, sizeof(badge), "%#x-%#x",
			(unsigned int)(c->badge & 0xffff), (unsigned int)(c->badge >> 16));
	else if (c->badge && c->type != SK_OBJ_UNTYPED)
		(void)snprintf(badge, sizeof(badge), "%#" PRIx64, c->badge);
	table_row(t);
	table_number(t, "slot", "%5u ", (unsigned int)c->slot);
	cap_columns(t, c, cap_bytes(c), badge);
	table_text(t, "what", "%.*s", (int)sizeof(c->what), c->what);
	table_row_end(t);
}

void format_cap_group(struct table *t, const struct cap_group *g)
{
	table_row(t);
	table_plain(t, "%5s ", "-");
	cap_columns(t, &g->cap, g->bytes, "-");
	table_number(t, "count", "%u ", (unsigned int)g->n);
	table_text(t, "what", "%s",
		g->cap.flags & INIT_CAP_MAPPED ? "mapped for it, without a slot"
					       : "made by it or got with a connection");
	table_row_end(t);
}

void format_given_up(struct table *t, const char *service)
{
	table_plain(t,
		"%s failed too often and is not started again; guests have lost what it served\n",
		service);
}

void format_vcpu_head(struct table *t)
{
	table_plain(t, "%-32s %5s %5s %5s %5s %9s %s\n", "Name", "ID", "VCPU", "CPU", "State",
		"Time(s)", "Affinity (Hard / Soft)");
}

static const char *affinity(uint64_t set, uint32_t n_cpus, char text[CPU_SET_TEXT])
{
	cpu_set_format(set ? set : UINT64_MAX, n_cpus, text);
	return text;
}

void format_vcpu_row(struct table *t, const struct vcpu_row *r, uint32_t n_cpus)
{
	char hard[CPU_SET_TEXT], soft[CPU_SET_TEXT];

	table_row(t);
	table_text(t, "name", "%-32s ", r->name);
	table_number(t, "domid", "%5u ", r->domid);
	table_number(t, "vcpu", "%5u", r->vcpu);
	if (r->online)
		table_number(t, "cpu", "%5u ", r->cpu);
	else
		table_plain(t, "%5c ", '-');
	table_text(t, "state", "%3c%c%c ", r->online && r->running ? 'r' : '-',
		r->online && r->blocked ? 'b' : '-', r->online ? '-' : 'p');
	table_number(t, "time", "%9.1f  ", (double)r->cpu_ns / NS_PER_S);
	table_text(t, "hard_affinity", "%s", affinity(r->hard, n_cpus, hard));
	table_plain(t, " / ");
	table_text(t, "soft_affinity", "%s", affinity(r->soft, n_cpus, soft));
	table_row_end(t);
}

void format_pool(struct table *t, uint32_t n_cpus, uint32_t n_domains, bool cpus)
{
	table_plain(t, "%-19s%s\n", "Name",
		cpus ? "CPU list" : "CPUs   Sched     Active   Domain count");
	table_row(t);
	table_text(t, "name", "%-19s", POOL_NAME);
	for (uint32_t i = 0; cpus && i < n_cpus; i++)
		table_plain(t, "%s%u", i ? "," : "", i);
	if (!cpus) {
		table_number(t, "cpus", "%3u ", n_cpus);
		table_text(t, "scheduler", "%9s ", POOL_SCHEDULER);
		table_plain(t, "      y       ");
		table_number(t, "domains", "%4u", n_domains);
	}
	table_row_end(t);
}

/* A vCPU that runs is never taken off the CPU for one that wakes up, so nothing is limited. */
void format_credit2_pool(struct table *t)
{
	table_row(t);
	table_plain(t, "Cpupool ");
	table_text(t, "name", "%s", POOL_NAME);
	table_plain(t, ": ratelimit=0us");
	table_value(t, "ratelimit_us", 0);
	table_row_end(t);
}

void format_credit2_head(struct table *t)
{
	table_plain(t, "%-33s %4s %6s %4s\n", "Name", "ID", "Weight", "Cap");
}

void format_credit2_row(struct table *t, const struct ctl_dom *d)
{
	table_row(t);
	table_text(t, "name", "%-33s ", d->name);
	table_number(t, "domid", "%4u ", d->domid);
	table_number(t, "weight", "%6u ", d->weight);
	table_number(t, "cap", "%4u", d->cap);
	table_row_end(t);
}

void format_device_head(struct table *t, bool vifs)
{
	if (vifs)
		table_plain(t, "%-3s %-2s %-17s %-6s %-5s %-6s %5s/%-5s %-30s\n", "Idx", "BE",
			"Mac Addr.", "handle", "state", "evt-ch", "tx-", "rx-ring-ref",
			"BE-path");
	else
		table_plain(t, "%-5s %-3s %-6s %-5s %-6s %-8s %-30s\n", "Vdev", "BE", "handle",
			"state", "evt-ch", "ring-ref", "BE-path");
}

static void back_end_path(const struct device_row *r, const char *kind, char path[64])
{
	(void)snprintf(path, 64, "/local/domain/0/backend/%s/%u/%u", kind, r->domid, r->devid);
}

void format_disk_row(struct table *t, const struct device_row *r)
{
	char path[64];

	back_end_path(r, "vbd", path);
	table_row(t);
	table_number(t, "vdev", "%-5u ", r->devid);
	table_number(t, "backend_domid", "%-3u ", 0u);
	table_number(t, "domid", "%-6u ", r->domid);
	table_number(t, "state", "%-5d ", r->state);
	table_number(t, "event_channel", "%-6d ", r->port);
	table_number(t, "ring_ref", "%-8d ", r->ring[0]);
	table_text(t, "backend", "%-30s", path);
	table_row_end(t);
}

void format_vif_row(struct table *t, const struct device_row *r)
{
	char path[64], mac[VIF_MAC_TEXT];

	back_end_path(r, "vif", path);
	vif_mac_format(r->mac, mac);
	table_row(t);
	table_value(t, "domid", r->domid);
	table_number(t, "devid", "%-3u ", r->devid);
	table_number(t, "backend_domid", "%-2u ", 0u);
	table_text(t, "mac", "%s", mac);
	table_plain(t, "%6u ", r->devid);
	table_number(t, "state", "%5d ", r->state);
	table_number(t, "event_channel", "%6d ", r->port);
	table_number(t, "tx_ring_ref", "%5d", r->ring[0]);
	table_plain(t, "/");
	table_number(t, "rx_ring_ref", "%-11d ", r->ring[1]);
	table_text(t, "backend", "%-30s", path);
	table_row_end(t);
}

void format_vm_head(struct table *t)
{
	table_plain(t, "UUID                                  ID    name\n");
}

void format_vm_row(struct table *t, const uint8_t *uuid, uint32_t domid, const char *name)
{
	char text[UUID_TEXT];

	uuid_format(uuid, text);
	table_row(t);
	table_text(t, "uuid", "%s  ", text);
	table_number(t, "domid", "%u    ", domid);
	table_text(t, "name", "%-30s", name);
	table_row_end(t);
}

void format_uptime_head(struct table *t)
{
	table_plain(t, "%-33s %4s %s\n", "Name", "ID", "Uptime");
}

void format_uptime_row(struct table *t, const char *name, uint32_t domid, uint64_t seconds,
	bool brief, uint64_t wall_seconds)
{
	uint64_t days = seconds / 86400;
	unsigned int hour = (unsigned int)(seconds / 3600 % 24),
		     min = (unsigned int)(seconds / 60 % 60);
	unsigned int day_second = (unsigned int)(wall_seconds % 86400);
	char up[64] = "";

	if (days)
		snprintf(up, sizeof(up), "%" PRIu64 " day%s, ", days, days > 1 ? "s" : "");
	table_row(t);
	if (brief)
		table_plain(t, " %02u:%02u:%02u up %s%2u:%02u, ", day_second / 3600,
			day_second / 60 % 60, day_second % 60, up, hour, min);
	table_text(t, "name", brief ? "%s" : "%-33s ", name);
	table_plain(t, brief ? " (" : "");
	table_number(t, "domid", brief ? "%u" : "%4u ", domid);
	table_value(t, "uptime", seconds);
	if (brief)
		table_plain(t, ")");
	else
		table_plain(t, "%s%2u:%02u:%02u", up, hour, min, (unsigned int)(seconds % 60));
	table_row_end(t);
}

struct info_sink {
	const struct out *o;
	const char *key;
	struct json *j; /* NULL: lines for people */
};

static void info_write(struct info_sink *s, const char *name, const char *value, bool number)
{
	if (s->key && strncmp(name, s->key, strlen(s->key)) != 0)
		return;
	if (s->j && number) {
		json_key(s->j, name);
		out_str(s->o, value);
	} else if (s->j) {
		json_text(s->j, name, value);
	} else if (s->key) {
		out_fmt(s->o, "%s\n", value);
	} else {
		out_fmt(s->o, "%-23s: %s\n", name, value);
	}
}

static void info_line(struct info_sink *s, const char *name, const char *value)
{
	info_write(s, name, value, false);
}

static void info_number(struct info_sink *s, const char *name, uint64_t value)
{
	char text[24];

	snprintf(text, sizeof(text), "%" PRIu64, value);
	info_write(s, name, text, true);
}

/* Writes at most 21 bytes and a terminator; returns the terminator's address. */
static char *seconds(char *text, const char *limit, uint64_t ns)
{
	return text + snprintf(text, (size_t)(limit - text), "%" PRIu64 ".%09" PRIu64,
			      ns / 1000000000, ns % 1000000000);
}

/* Seconds since power-on, and the seconds that each CPU was idle. */
static void info_times(struct info_sink *s, const struct ctl_system *h)
{
	char text[CTL_CPUS_MAX * 24];
	char *end = text;

	(void)seconds(text, text + sizeof(text), h->on_ns);
	info_write(s, "cpu_time", text, true);
	for (uint32_t i = 0; i < h->n_cpus && i < CTL_CPUS_MAX; i++) {
		if (i)
			*end++ = ' ';
		end = seconds(end, text + sizeof(text), h->idle_ns[i]);
	}
	info_line(s, "cpu_idle", text);
}

static bool runs_guests(const struct sk_info *k)
{
	return k->features & (SK_FEAT_SVM | SK_FEAT_VMX);
}

static void info_host(struct info_sink *s, const struct ctl_system *h, const struct sk_info *k)
{
	const uint64_t khz = k->tsc_hz / 1000;
	char text[48];

	info_line(s, "host", "skerry");
	info_line(s, "release", k->version);
	info_line(s, "version", "Skerry");
	info_line(s, "machine", "x86_64");
	info_number(s, "nr_cpus", h->n_cpus);
	info_number(s, "max_cpu_id", h->n_cpus ? h->n_cpus - 1 : 0);
	info_number(s, "nr_nodes", 1);
	info_number(s, "cores_per_socket", h->n_cpus);
	info_number(s, "threads_per_core", 1);
	snprintf(text, sizeof(text), "%" PRIu64 ".%03" PRIu64, khz / 1000, khz % 1000);
	info_write(s, "cpu_mhz", text, true);
	/* Features that guests have here; none without hardware support. */
	info_line(s, "virt_caps", runs_guests(k) ? "pv pvh hap gnttab-v1" : "");
	info_line(s, "iommu",
		k->features & SK_FEAT_IOMMU
			? "devices reach only memory of their drivers and of the clients of these"
			: "none, devices can reach all memory");
	info_line(s, "interrupts",
		k->features & SK_FEAT_IRQ_REMAP ? "devices send only those of their drivers"
						: "not remapped, devices can send all");
	info_times(s, h);
	info_number(s, "total_memory", (h->host_memory + h->guest_memory) >> 20);
	info_number(s, "free_memory", h->free_memory >> 20);
	info_number(s, "unpacked_kernels", h->image_memory >> 20);
	info_number(s, "sharing_freed_memory", 0);
	info_number(s, "sharing_used_memory", 0);
	info_number(s, "outstanding_claims", 0);
	info_number(s, "free_cpus", 0);
}

/* As xl prints them for a host with one node. */
static void info_nodes(const struct out *o, const struct ctl_system *h)
{
	out_str(o, "cpu_topology           :\ncpu:    core    socket     node\n");
	for (uint32_t i = 0; i < h->n_cpus; i++)
		out_fmt(o, "%3u:    %4u     %4u     %4u\n", i, i, 0u, 0u);
	out_str(o, "device topology        :\ndevice           node\n"
		   "No device topology data available\n"
		   "numa_info              :\nnode:    memsize    memfree    distances\n");
	out_fmt(o, "%4u:    %6" PRIu64 "     %6" PRIu64 "      %u\n", 0u,
		(h->host_memory + h->guest_memory) >> 20, h->free_memory >> 20, 10u);
}

void format_info(const struct out *o, const struct ctl_system *h, const struct sk_info *k,
	enum info_parts parts, const char *key, enum table_form form)
{
	struct json j = { 0 };
	struct info_sink s = { .o = o, .key = key, .j = form == TABLE_JSON ? &j : NULL };

	if (s.j)
		j = json_object(o, 0);
	info_host(&s, h, k);
	if (parts == INFO_NODES && !s.j && !key)
		info_nodes(o, h);
	info_line(&s, "xen_major", "4");
	info_line(&s, "xen_minor", "17");
	info_line(&s, "xen_extra", "-skerry");
	info_line(&s, "xen_version", "4.17-skerry");
	/* the kinds of guests that need no PVH: xl has HVM here, too */
	info_line(&s, "xen_caps", runs_guests(k) ? "xen-3.0-x86_64 xen-3.0-x86_32p" : "");
	info_line(&s, "xen_scheduler", POOL_SCHEDULER);
	info_line(&s, "xen_pagesize", "4096");
	info_line(&s, "xen_commandline", "");
	info_line(&s, "cc_compiler", "gcc " __VERSION__);
	info_line(&s, "xend_config_format", "4");
	if (!s.j)
		return;
	json_close(&j, '}');
	out_str(o, "\n");
}

/* ---- JSON ---- */

static void resources_json(struct json *j, const struct ctl_resources *r)
{
	json_number(j, "slots_used", r->used);
	json_number(j, "slots_free", r->slots - r->used);
	json_number(j, "frames", r->frames);
	json_number(j, "objects", r->objects);
}

#define X(name, key) key,
static const char *const unknown_keys[] = { VMCTL_UNKNOWN(X) };
#undef X

static void facts_json(
	struct json *j, const struct ctl_dom *d, const struct ctl_guest *f, uint32_t refused)
{
	json_open(j, "resources", '{');
	json_number(j, "memkb", f->memory >> 10);
	json_number(j, "connections", f->connections);
	resources_json(j, &f->has);
	json_close(j, '}');
	json_open(j, "unknown", '{');
	for (uint32_t i = 0; i < VMCTL_UNKNOWN_KINDS; i++)
		json_number(j, unknown_keys[i], f->unknown[i]);
	json_close(j, '}');
	json_number(j, "xenstore_refused", refused);
	json_number(j, "cpu_ms", vcpus_ns(d) / 1000000);
	json_number(j, "served_ms", f->served_ns / 1000000);
}

void format_config_json(const struct out *o, const struct ctl_dom *d, const struct ctl_guest *g,
	uint32_t refused)
{
	struct json j = json_object(o, 1);

	json_number(&j, "domid", d->domid);
	json_open(&j, "config", '{');
	guest_json(&j, &g->config);
	json_close(&j, '}');
	if (g->there)
		facts_json(&j, d, g, refused);
	json_close(&j, '}');
}

static void host_row_json(struct json *j, const struct host_domain *r)
{
	json_item(j);
	json_text(j, "name", r->name);
	json_text(j, "state", service_states[r->state]);
	json_number(j, "restarts", r->restarts);
	json_number(j, "memkb", r->memory >> 10);
	json_number(j, "cpu_ms", r->cpu_ns / 1000000);
	resources_json(j, &r->has);
	json_close(j, '}');
}

void format_host_json(const struct out *o, const struct host_domain *r, uint32_t n)
{
	struct json j = json_object(o, 1);

	json_number(&j, "domid", 0);
	json_open(&j, "config", '{');
	json_open(&j, "c_info", '{');
	json_text(&j, "name", "Domain-0");
	json_close(&j, '}');
	json_close(&j, '}');
	json_open(&j, "domains", '[');
	for (uint32_t i = 0; i < n; i++)
		host_row_json(&j, &r[i]);
	json_close(&j, ']');
	json_close(&j, '}');
}

void format_escaped(const struct out *o, const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		unsigned char c = (unsigned char)text[i];

		if (c == '\\' || c == '"')
			out_fmt(o, "\\%c", c);
		else if (c == '\n')
			out_str(o, "\\n");
		else if (c == '\r')
			out_str(o, "\\r");
		else if (c == '\t')
			out_str(o, "\\t");
		else if (c < 0x20 || c == 0x7f || c >= 0x80)
			out_fmt(o, "\\%03o", c);
		else
			out_bytes(o, (const char *)&text[i], 1);
	}
}
