/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * change.c - requests that change guests: names, memory, vCPUs, shares of the CPUs, devices
 *
 * Memory and vCPUs: the guest is asked through xenstore, and its kernel follows. Memory beyond
 * what its VMM has comes from the pool when the guest takes it (guest_grow). The new number
 * becomes that of the configuration, so that a reboot keeps it, as with xl.
 */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "client/scribe.h"
#include "ctl/ctl.h"
#include "guest/build.h"
#include "guest/config_check.h"
#include "guest/guest_pool.h"
#include "guest/life.h"
#include "guest/machine.h"
#include "guest/plug.h"
#include "guest/sched.h"
#include "guest/vmctl.h"
#include "sys/clock.h"

/* MiB, as for memory=. */
enum { MEM_MIN = 4 };

static const char no_memory[] = "control has no memory for the request; try again";

void ctl_do_RENAME(struct request *q, const void *body, uint32_t len)
{
	const struct ctl_rename *r = body;
	struct dom *d = ctl_dom_find(q, r->domid);
	struct msg m;

	(void)len;
	if (!d)
		return;
	if (!memchr(r->name, 0, sizeof(r->name)))
		ctl_refuse(q, -SK_E_INVAL, "the name has no end");
	else if (dom_rename(&guests, d, r->name, &m))
		ctl_refuse(q, -SK_E_INVAL, "%s", m.text);
	else
		ctl_answer(q, NULL, 0);
}

/* ---- memory ---- */

/* 0, or -1 with *m. */
static int max_check(const struct dom *d, uint64_t mib, struct msg *m)
{
	if (mib <= d->config->maxmem)
		return 0;
	return msg_fail(m,
		"%" PRIu64 " MiB is more than the maxmem=%u that domain %u was created with",
		mib, d->config->maxmem, d->domid);
}

/* 0, or -1 with *m. */
static int size_check(const struct dom *d, uint64_t kib, struct msg *m)
{
	uint64_t mib = kib / 1024 + (kib % 1024 != 0), free = guest_memory_free() >> 20;
	uint64_t has = guest_has(guest_of(d));

	if (max_check(d, mib, m))
		return -1;
	if (mib > guest_mem_max(d->config))
		return msg_fail(m,
			"%" PRIu64 " MiB is more than the %u MiB that mem-max allows", mib,
			guest_mem_max(d->config));
	if (mib < MEM_MIN)
		return msg_fail(m, "a guest needs at least %u MiB", MEM_MIN);
	if (mib > has && mib - has > free)
		return msg_fail(m,
			"not enough free memory: domain %u has %" PRIu64
			" MiB and needs %" PRIu64 " more, %" PRIu64
			" are free; destroy a guest or ask for less",
			d->domid, has, mib - has, free);
	return 0;
}

void ctl_do_MEM_SET(struct request *q, const void *body, uint32_t len)
{
	const struct ctl_number *n = body;
	struct dom *d = ctl_dom_live(q, n->domid);
	struct msg m;

	(void)len;
	if (!d)
		return;
	if (size_check(d, n->value, &m)) {
		ctl_refuse(q, -SK_E_RANGE, "%s", m.text);
		return;
	}
	if (scribe_ask(SCRIBE_TARGET, d->domid, &n->value, sizeof(n->value), NULL, NULL)) {
		ctl_refuse(q, -SK_E_NO_MEM, no_memory);
		return;
	}
	d->config->memory = guest_memory_round((uint32_t)((n->value + 1023) / 1024));
	d->config_kept = false;
	ctl_answer(q, NULL, 0);
}

/* The guest is not asked: it keeps what it has, and gets no more above the limit. */
void ctl_do_MEM_MAX(struct request *q, const void *body, uint32_t len)
{
	const struct ctl_number *n = body;
	const uint64_t mib = n->value / 1024 + (n->value % 1024 != 0);
	struct dom *d = ctl_dom_live(q, n->domid);
	struct msg m;

	(void)len;
	if (!d)
		return;
	if (max_check(d, mib, &m)) {
		ctl_refuse(q, -SK_E_RANGE, "%s", m.text);
	} else if (mib < d->config->memory) {
		ctl_refuse(q, -SK_E_RANGE,
			"%" PRIu64
			" MiB is less than the %u MiB that domain %u is to have; use mem-set first",
			mib, d->config->memory, d->domid);
	} else {
		d->config->mem_max = guest_memory_round((uint32_t)mib);
		d->config_kept = false;
		(void)vmctl_send(guest_of(d), VMCTL_MAXMEM, machine_mem_max(d->config));
		ctl_answer(q, NULL, 0);
	}
}

/* ---- vCPUs ---- */

enum { ANY_HOST = 1 };

/* 0, or -1 with *m. */
static int vcpus_check(const struct dom *d, uint64_t n, bool any_host, struct msg *m)
{
	uint32_t cpus = sys_info()->n_cpus;

	if (!n || n > d->config->maxvcpus)
		return msg_fail(m, "domain %u can have 1 to %u vCPUs; maxvcpus= says how many",
			d->domid, d->config->maxvcpus);
	if (n > d->config->vcpus && n > cpus && !any_host)
		return msg_fail(m,
			"%" PRIu64
			" vCPUs are more than the host's %u CPUs; -i (--ignore-host) allows it",
			n, cpus);
	return 0;
}

void ctl_do_VCPU_SET(struct request *q, const void *body, uint32_t len)
{
	const struct ctl_number *n = body;
	struct dom *d = ctl_dom_live(q, n->domid);
	struct scribe_cpus cpus;
	struct msg m;

	(void)len;
	if (!d)
		return;
	cpus = (struct scribe_cpus){ (uint32_t)n->value, d->config->maxvcpus };
	if (vcpus_check(d, n->value, n->flags & ANY_HOST, &m)) {
		ctl_refuse(q, -SK_E_RANGE, "%s", m.text);
	} else if (scribe_ask(SCRIBE_CPUS, d->domid, &cpus, sizeof(cpus), NULL, NULL)) {
		ctl_refuse(q, -SK_E_NO_MEM, no_memory);
	} else {
		d->config->vcpus = (uint32_t)n->value;
		guest_sched_divide(guest_of(d));
		d->config_kept = false;
		ctl_answer(q, NULL, 0);
	}
}

/* ---- shares of the CPUs ---- */

/* 0, or -1 with *m. */
static int sched_check(const struct dom *d, const struct ctl_sched *s, struct msg *m)
{
	const uint32_t most = d->config->maxvcpus * 100;

	if (s->flags & CTL_SCHED_WEIGHT && (!s->weight || s->weight > GUEST_WEIGHT_MAX))
		return msg_fail(m,
			"Cpu weight out of range, valid values are within range from 1 to %d",
			GUEST_WEIGHT_MAX);
	if (s->flags & CTL_SCHED_CAP && s->cap > most)
		return msg_fail(m,
			"Cpu cap out of range, valid range is from 0 to %u for specified number of vcpus",
			most);
	return 0;
}

void ctl_do_SCHED(struct request *q, const void *body, uint32_t len)
{
	const struct ctl_sched *s = body;
	struct dom *d = ctl_dom_live(q, s->domid);
	struct msg m;

	(void)len;
	if (!d)
		return;
	if (sched_check(d, s, &m)) {
		ctl_refuse(q, -SK_E_RANGE, "%s", m.text);
		return;
	}
	if (s->flags & CTL_SCHED_WEIGHT)
		d->config->weight = s->weight;
	if (s->flags & CTL_SCHED_CAP)
		d->config->cap = s->cap;
	d->config_kept = false;
	guest_sched_changed(guest_of(d));
	ctl_answer(q, NULL, 0);
}

/* ---- CPUs of vCPUs ---- */

/* 0, or -1 with *m. */
static int pin_check(const struct dom *d, const struct ctl_pin *p, struct msg *m)
{
	struct msg why;

	if (p->vcpu >= d->config->maxvcpus && p->vcpu != CTL_PIN_ALL)
		return msg_fail(m, "domain %u has no vCPU %u", d->domid, p->vcpu);
	if (!(p->flags & CTL_PIN_HARD) || !guest_sched_check(p->hard, &why))
		return 0;
	if (p->vcpu == CTL_PIN_ALL)
		return msg_fail(m, "Could not set affinity: %s", why.text);
	return msg_fail(m, "Could not set affinity for vcpu `%u': %s", p->vcpu, why.text);
}

void ctl_do_PIN(struct request *q, const void *body, uint32_t len)
{
	const struct ctl_pin *p = body;
	struct dom *d = ctl_dom_live(q, p->domid);
	struct msg m;

	(void)len;
	if (!d)
		return;
	if (pin_check(d, p, &m)) {
		ctl_refuse(q, -SK_E_RANGE, "%s", m.text);
		return;
	}
	for (uint32_t i = 0; i < d->config->maxvcpus; i++) {
		if (p->vcpu != CTL_PIN_ALL && p->vcpu != i)
			continue;
		if (p->flags & CTL_PIN_HARD)
			d->config->cpus[i] = p->hard;
		if (p->flags & CTL_PIN_SOFT)
			d->config->cpus_soft[i] = p->soft;
	}
	d->config_kept = false;
	guest_sched_pinned(guest_of(d));
	ctl_answer(q, NULL, 0);
}

/* ---- devices ---- */

static void plug_over_for(enum ctl_op op, uint32_t domid, const char *why)
{
	for (struct request *q = ctl_next(op, NULL); q; q = ctl_next(op, q)) {
		if (q->number != domid)
			continue;
		if (why)
			ctl_refuse(q, -SK_E_STATE, "%s", why);
		else
			ctl_answer(q, NULL, 0);
	}
}

/*
 * One device of a guest comes or goes at a time, so all that wait for this guest wait for it.
 */
static void plugged(uint32_t domid, const char *why)
{
	plug_over_for(CTL_ATTACH_DISK, domid, why);
	plug_over_for(CTL_ATTACH_VIF, domid, why);
	plug_over_for(CTL_DETACH, domid, why);
	plug_over_for(CTL_INSERT, domid, why);
	plug_over_for(CTL_EJECT, domid, why);
}

/* The guest that gets or loses a device. */
static struct guest *plug_guest(struct request *q, uint32_t domid)
{
	struct dom *d = ctl_dom_live(q, domid);

	return d ? guest_of(d) : NULL;
}

/* It has begun if rc is 0; *m says why not. */
static void plug_begun(struct request *q, uint32_t domid, int rc, const struct msg *m)
{
	if (rc)
		ctl_refuse(q, -SK_E_STATE, "%s", m->text);
	else
		q->number = domid;
}

/* wrong: what is not valid in the disk; NULL: nothing. */
static void disk_begin(struct request *q, const struct ctl_disk *c, const char *wrong,
	int (*begin)(struct guest *, const struct guest_disk *, plug_done_fn, struct msg *))
{
	struct guest *g;
	struct msg m;

	if (wrong) {
		ctl_refuse(q, -SK_E_INVAL, "the %s is not valid", wrong);
		return;
	}
	g = plug_guest(q, c->domid);
	if (g)
		plug_begun(q, c->domid, begin(g, &c->disk, plugged, &m), &m);
}

void ctl_do_ATTACH_DISK(struct request *q, const void *body, uint32_t len)
{
	const struct ctl_disk *c = body;

	(void)len;
	disk_begin(q, c, guest_disk_check(&c->disk), guest_plug_disk);
}

void ctl_do_INSERT(struct request *q, const void *body, uint32_t len)
{
	const struct ctl_disk *c = body;
	const char *wrong = guest_disk_check(&c->disk);

	(void)len;
	if (!wrong && disk_spec_empty(&c->disk.spec))
		wrong = "format of a disk";
	disk_begin(q, c, wrong, guest_insert);
}

void ctl_do_ATTACH_VIF(struct request *q, const void *body, uint32_t len)
{
	const struct ctl_vif *c = body;
	const char *wrong = guest_vif_check(&c->vif);
	struct guest *g;
	struct msg m;

	(void)len;
	if (wrong) {
		ctl_refuse(q, -SK_E_INVAL, "the %s is not valid", wrong);
		return;
	}
	g = plug_guest(q, c->domid);
	if (g)
		plug_begun(q, c->domid, guest_plug_vif(g, &c->vif, plugged, &m), &m);
}

enum { BY_FORCE = 1 };

/* The guest that is to lose what is in a seat. */
static struct guest *unplug_guest(struct request *q, const struct ctl_number *n)
{
	if (n->value < GUEST_SEATS)
		return plug_guest(q, n->domid);
	ctl_refuse(q, -SK_E_RANGE, "a guest has no seat %" PRIu64, n->value);
	return NULL;
}

void ctl_do_EJECT(struct request *q, const void *body, uint32_t len)
{
	const struct ctl_number *n = body;
	struct guest *g = unplug_guest(q, n);
	struct msg m;

	(void)len;
	if (g)
		plug_begun(q, n->domid, guest_eject(g, (uint32_t)n->value, plugged, &m), &m);
}

void ctl_do_DETACH(struct request *q, const void *body, uint32_t len)
{
	const struct ctl_number *n = body;
	struct guest *g = unplug_guest(q, n);
	struct msg m;

	(void)len;
	if (g)
		plug_begun(q, n->domid,
			guest_unplug(g, (uint32_t)n->value, n->flags & BY_FORCE, plugged, &m),
			&m);
}
