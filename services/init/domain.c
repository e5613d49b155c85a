/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain.c - making one static domain from its line of the manifest
 *
 * Lifecycle   claim the device, build, give what the manifest names, connect, start. If a
 *             domain cannot be started, everything made for it is taken back, and the domains
 *             that need it are not started either. supervise.c may start it again.
 */
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include "base/array.h"
#include "base/error.h"
#include "caps/caps.h"
#include "init.h"
#include "proto/platform.h"
#include "svc/svc.h"
#include "sys/clock.h"
#include "sys/sk.h"

/* Page tables, info page, keep and thread use up to 75 KiB. */
#define OVERHEAD (80u << 10)

int memory_charge(struct domain *d, uint32_t order, sk_cap_t *out)
{
	int rc = object_make(SK_OBJ_UNTYPED, order, out);

	if (!rc)
		d->charged += 1ull << order;
	return rc;
}

void memory_return(struct domain *d, sk_cap_t *cap)
{
	struct sk_cap_info info;

	if (*cap && !sk_cap_info(SK_CAP_CNODE, *cap, &info))
		d->charged -= info.size;
	cap_drop(*cap);
	*cap = 0;
}

/* ---- arguments --------------------------------------------------------------------------- */
int arg_add(struct domain *d, const char *fmt, ...)
{
	char *args = d->proc.info->args;
	size_t used = strlen(args), left = DOMAIN_ARGS_MAX - used;
	va_list ap;
	int n;

	va_start(ap, fmt);
	n = vsnprintf(args + used, left, fmt, ap);
	va_end(ap);
	if (n >= 0 && (size_t)n < left)
		return 0;
	args[used] = '\0';
	return -SK_E_RANGE;
}

int extra_slot(struct domain *d, uint32_t *slot)
{
	if (d->next_extra == DOMAIN_CAP_CHANNEL)
		return -SK_E_LIMIT;
	*slot = d->next_extra++;
	return 0;
}

void extra_name(struct domain *d, uint32_t slot, const char *text)
{
	d->extra[slot - DOMAIN_CAP_EXTRA] = text;
}

/* Words `name.key=value` of the kernel's command line come first, so that they win. */
static void args_from_cmdline(const char *name, char *args, size_t size)
{
	const char *word = boot_info()->cmdline, *end;
	size_t name_len = strlen(name), used = 0;

	for (; *word; word = end) {
		size_t len;

		word += strspn(word, " ");
		end = word + strcspn(word, " ");
		len = (size_t)(end - word);
		if (len <= name_len + 1 || strncmp(word, name, name_len) ||
			word[name_len] != '.' || !memchr(word, '=', len))
			continue;
		len -= name_len + 1;
		if (used + len + 2 > size)
			break;
		memcpy(args + used, word + name_len + 1, len);
		used += len;
		args[used++] = '\n';
	}
	args[used] = '\0';
}

/* ---- building ---------------------------------------------------------------------------- */
/*
 * The most that frames for the writable segments take of an untyped. A segment's frames never
 * get larger, and each is aligned to its size, so there is a gap before the first one only, and
 * it is smaller than that frame.
 */
static uint64_t writable_memory(const struct proc_image *im)
{
	uint64_t all = 0;

	for (uint32_t i = 0; i < im->elf.n_segs; i++) {
		uint64_t size = im->elf.seg[i].mem_size + SK_PAGE_SIZE;
		uint64_t first = 1ull << (63 - __builtin_clzll(size));

		if (im->elf.seg[i].rights & SK_W)
			all += size + (first < PROC_DATA_FRAME ? first : PROC_DATA_FRAME);
	}
	return all;
}

/* The domains that it makes hang on capabilities in its CNode, and outlive it. */
static bool cnode_outlives(const struct manifest_domain *m)
{
	return m->flags & MANIFEST_BUILDER;
}

static uint32_t memory_order(const struct manifest_domain *m, const struct proc_image *im)
{
	uint64_t need = (1ull << m->stack_order) + writable_memory(im) + OVERHEAD;
	uint32_t order = 16;

	if (!cnode_outlives(m))
		need += 1ull << m->cnode_order;
	while (1ull << order < need)
		order++;
	return order;
}

static bool has_cap(const struct manifest_domain *m, uint32_t kind)
{
	for (uint32_t i = 0; i < m->n_caps; i++)
		if (manifest.cap[m->first_cap + i].kind == kind)
			return true;
	return false;
}

/* Boundary objects are made once: they exist before the domain and outlive it. */
static int boundary_make(struct domain *d)
{
	int rc = 0;

	if (d->ntfn)
		return 0;
	rc = object_make(SK_OBJ_NOTIFICATION, 0, &d->ntfn);
	if (!rc)
		rc = object_make(SK_OBJ_ENDPOINT, 0, &d->service);
	if (!rc)
		rc = cap_copy(d->service, SK_W | SK_GRANT, SVC_BADGE_INIT, &d->connector);
	if (!rc)
		rc = cap_copy(d->ntfn, SK_W, 1ull << DOMAIN_BIT_PULSE, &d->pulse);
	if (!rc && d->m->flags & MANIFEST_BUILDER)
		rc = cap_copy(d->ntfn, SK_W, 1ull << DOMAIN_BIT_NEWS, &d->news);
	return rc;
}

/*
 * Before a new life, empty the slots that init fills, except for what is lent to all lives. The
 * slots from DOMAIN_CAP_FREE on hold what the last life made; the new one decides about that.
 */
static void cnode_clear(struct domain *d)
{
	for (uint32_t slot = 1; slot < DOMAIN_CAP_FREE; slot++)
		if (!grant_lent(d, slot))
			(void)sk_delete(d->cnode, slot);
}

static int cnode_prepare(struct domain *d)
{
	int rc;

	if (!cnode_outlives(d->m))
		return 0;
	if (d->cnode) {
		cnode_clear(d);
		return 0;
	}
	rc = object_make(SK_OBJ_CNODE, d->m->cnode_order, &d->cnode);
	if (!rc)
		d->charged += 1ull << d->m->cnode_order;
	return rc;
}

/* Each life has its own, so that init never takes what the last one said for its word. */
static int parent_make(struct domain *d)
{
	cap_drop(d->parent);
	d->parent = 0;
	return cap_copy(
		init_endpoint, SK_W | SK_GRANT, POST_BADGE(d->number, d->epoch), &d->parent);
}

static int build(struct domain *d, const struct proc_image *im)
{
	const struct manifest_domain *m = d->m;
	char args[DOMAIN_ARGS_MAX / 2];
	struct proc_spec s = { .name = m->name,
		.args = args,
		.epoch = d->epoch,
		.image = im,
		.cnode_order = m->cnode_order,
		.stack_order = m->stack_order,
		.fault_ep = d->parent,
		.parent_ep = d->parent,
		.ntfn = d->ntfn,
		.service = d->service,
		.ctl_sched = SK_CAP_CTL_SCHED,
		.wall_boot_ns = wall_boot_ns,
		.sched = { m->cpu % sys_info()->n_cpus, m->priority, m->weight, m->budget_us,
			m->period_us } };
	int rc;

	args_from_cmdline(m->name, args, sizeof(args));
	if (has_cap(m, MANIFEST_CAP_DEVICE_MEMORY))
		s.free_slot = PLATFORM_CAP_MEM + PLATFORM_MEM_MAX;
	rc = cnode_prepare(d);
	if (!rc)
		rc = memory_charge(d, memory_order(m, im), &d->memory);
	if (rc)
		return rc;
	s.untyped = d->memory;
	s.cnode = d->cnode;
	rc = proc_create(&d->proc, &s);
	if (!rc && m->flags & MANIFEST_PLATFORM)
		rc = device_claims_arg(d);
	return rc ? rc : arg_add(d, "%s", m->args);
}

static int give_memory(struct domain *d)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < d->m->n_untyped; i++) {
		rc = memory_charge(d, d->m->untyped_order[i], &d->own[i]);
		if (!rc)
			rc = proc_untyped(&d->proc, d->m->untyped_order[i], d->own[i]);
	}
	return rc;
}

/* A domain that builds others gets the kernel's information page to pass on to them. */
static int give_builder(struct domain *d)
{
	if (!(d->m->flags & MANIFEST_BUILDER))
		return 0;
	return proc_give(&d->proc, SK_CAP_INFO, SK_CAP_INFO, SK_R | SK_GRANT, 0);
}

static int give_pulse(struct domain *d)
{
	return proc_give(&d->proc, DOMAIN_CAP_PULSE, init_ntfn, SK_W, 1ull << d->number);
}

static int give_archive_file(struct domain *d)
{
	struct cpio_file f;
	uint64_t vaddr;
	int rc;

	if (!d->m->archive_file[0] || archive_find(d->m->archive_file, &f))
		return 0;
	rc = archive_map(&d->proc, &f, &vaddr);
	return rc ? rc
		  : arg_add(d, "image=%#llx\nimage-size=%llu\n", (unsigned long long)vaddr,
			    (unsigned long long)f.size);
}

/* What it made of its own memory goes first, also if others have copies. */
void domain_destroy(struct domain *d)
{
	grant_take_back(d);
	proc_destroy(&d->proc);
	for (uint32_t i = 0; i < d->m->n_channels; i++)
		connection_drop(d, connection_of(d, i));
	memory_return(d, &d->memory);
	for (uint32_t i = 0; i < MANIFEST_UNTYPED_MAX; i++)
		memory_return(d, &d->own[i]);
}

/* It never ran, so no device has anything to do with its memory, or with its connections. */
static void take_back(struct domain *d)
{
	for (uint32_t i = 0; i < d->m->n_channels; i++)
		connection_undo(connection_of(d, i));
	domain_destroy(d);
	if (device_reset(d)) /* so it stays claimed, and is reset before the next start */
		printf("%s: its device cannot be reset now\n", d->m->name);
}

struct step {
	int (*run)(struct domain *d);
	const char *what;
};
static int start_thread(struct domain *d) { return proc_start(&d->proc); }
static const struct step steps[] = {
	{ give_memory, "its memory" },
	{ give_builder, "what it builds with" },
	{ give_pulse, "its pulse" },
	{ give_archive_file, "its archive member" },
	{ grant_caps, "its capabilities" },
	{ connect_channels, "its channels" },
	{ start_thread, "its start" },
};

static int complete(struct domain *d, const struct device_claim *claim)
{
	int rc = 0;

	if (d->m->dev.kind != MANIFEST_NO_DEVICE) {
		rc = device_give(d, claim);
		if (rc)
			printf("%s: its device: %s\n", d->m->name, sk_error_text(rc));
	}
	for (uint32_t i = 0; !rc && i < ARRAY_SIZE(steps); i++) {
		rc = steps[i].run(d);
		if (rc)
			printf("%s: %s: %s\n", d->m->name, steps[i].what, sk_error_text(rc));
	}
	return rc;
}

int domain_start(struct domain *d)
{
	static struct proc_image im; /* too large for a stack */
	struct device_claim claim = { 0 };
	const char *why;
	int rc;

	rc = device_claim(d, &claim);
	if (rc) {
		if (!(d->m->flags & MANIFEST_OPTIONAL) || rc != -SK_E_NOT_FOUND)
			printf("%s: no device %s: %s\n", d->m->name, d->m->dev.name,
				sk_error_text(rc));
		return rc;
	}
	rc = archive_image(d->m->binary, &im, &why);
	if (rc) {
		printf("%s: %s: %s\n", d->m->name, d->m->binary, why);
		take_back(d);
		return rc;
	}
	d->next_extra = DOMAIN_CAP_EXTRA;
	memset(d->extra, 0, sizeof(d->extra));
	rc = boundary_make(d);
	if (!rc)
		rc = parent_make(d);
	if (!rc)
		rc = build(d, &im);
	if (rc)
		printf("%s: cannot be built: %s\n", d->m->name, sk_error_text(rc));
	else
		rc = complete(d, &claim);
	if (rc) {
		take_back(d);
		return rc;
	}
	d->state = DOMAIN_RUNNING;
	d->life.started_at = sk_now();
	return 0;
}
