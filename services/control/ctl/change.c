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

#include "base/array.h"
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

void ctl_do_RENAME(struct request *q)
{
	const struct ctl_rename *r = q->body;
	struct msg m;

	if (!memchr(r->name, 0, sizeof(r->name)))
		ctl_refuse(q, -SK_E_INVAL, "the name has no end");
	else if (dom_rename(&guests, q->dom, r->name, &m))
		ctl_refuse(q, -SK_E_INVAL, "%s", m.text);
	else
		ctl_answer(q, NULL, 0);
}

/* The guest of a request has a new configuration. */
static void changed(struct request *q)
{
	q->dom->config_kept = false;
	ctl_answer(q, NULL, 0);
}

/* Checks of a request return 0, or -1: it was refused. */

/* ---- memory ---- */

static uint64_t mib_of(uint64_t kib) { return kib / 1024 + (kib % 1024 != 0); }

static int max_check(struct request *q, uint64_t mib)
{
	const struct dom *d = q->dom;

	if (mib <= d->config->maxmem)
		return 0;
	return ctl_refuse(q, -SK_E_RANGE,
		"%" PRIu64 " MiB is more than the maxmem=%u that domain %u was created with",
		mib, d->config->maxmem, d->domid);
}

static int size_check(struct request *q, uint64_t mib)
{
	const struct dom *d = q->dom;
	uint64_t free = guest_memory_free() >> 20, has = guest_has(guest_of(d));

	if (max_check(q, mib))
		return -1;
	if (mib > guest_mem_max(d->config))
		return ctl_refuse(q, -SK_E_RANGE,
			"%" PRIu64 " MiB is more than the %u MiB that mem-max allows", mib,
			guest_mem_max(d->config));
	if (mib < MEM_MIN)
		return ctl_refuse(q, -SK_E_RANGE, "a guest needs at least %u MiB", MEM_MIN);
	if (mib > has && mib - has > free)
		return ctl_refuse(q, -SK_E_RANGE,
			"not enough free memory: domain %u has %" PRIu64
			" MiB and needs %" PRIu64 " more, %" PRIu64
			" are free; destroy a guest or ask for less",
			d->domid, has, mib - has, free);
	return 0;
}

void ctl_do_MEM_SET(struct request *q)
{
	const struct ctl_number *n = q->body;
	struct dom *d = q->dom;

	if (size_check(q, mib_of(n->value)))
		return;
	if (scribe_ask(SCRIBE_TARGET, d->domid, &n->value, sizeof(n->value), NULL, NULL)) {
		ctl_refuse(q, -SK_E_NO_MEM, no_memory);
		return;
	}
	d->config->memory = guest_memory_round((uint32_t)mib_of(n->value));
	changed(q);
}

/* The guest is not asked: it keeps what it has, and gets no more above the limit. */
void ctl_do_MEM_MAX(struct request *q)
{
	const struct ctl_number *n = q->body;
	const uint64_t mib = mib_of(n->value);
	struct dom *d = q->dom;

	if (max_check(q, mib))
		return;
	if (mib < d->config->memory) {
		ctl_refuse(q, -SK_E_RANGE,
			"%" PRIu64
			" MiB is less than the %u MiB that domain %u is to have; use mem-set first",
			mib, d->config->memory, d->domid);
		return;
	}
	d->config->mem_max = guest_memory_round((uint32_t)mib);
	(void)vmctl_send(guest_of(d), VMCTL_MAXMEM, machine_mem_max(d->config));
	changed(q);
}

/* ---- vCPUs ---- */

enum { ANY_HOST = 1 };

static int vcpus_check(struct request *q, uint64_t n, bool any_host)
{
	const struct dom *d = q->dom;
	uint32_t cpus = sys_info()->n_cpus;

	if (!n || n > d->config->maxvcpus)
		return ctl_refuse(q, -SK_E_RANGE,
			"domain %u can have 1 to %u vCPUs; maxvcpus= says how many", d->domid,
			d->config->maxvcpus);
	if (n > d->config->vcpus && n > cpus && !any_host)
		return ctl_refuse(q, -SK_E_RANGE,
			"%" PRIu64
			" vCPUs are more than the host's %u CPUs; -i (--ignore-host) allows it",
			n, cpus);
	return 0;
}

void ctl_do_VCPU_SET(struct request *q)
{
	const struct ctl_number *n = q->body;
	struct dom *d = q->dom;
	const struct scribe_cpus cpus = { (uint32_t)n->value, d->config->maxvcpus };

	if (vcpus_check(q, n->value, n->flags & ANY_HOST))
		return;
	if (scribe_ask(SCRIBE_CPUS, d->domid, &cpus, sizeof(cpus), NULL, NULL)) {
		ctl_refuse(q, -SK_E_NO_MEM, no_memory);
		return;
	}
	d->config->vcpus = cpus.vcpus;
	guest_sched_divide(guest_of(d));
	changed(q);
}

/* ---- shares of the CPUs ---- */

static int sched_check(struct request *q, const struct ctl_sched *s)
{
	const uint32_t most = q->dom->config->maxvcpus * 100;

	if (s->flags & CTL_SCHED_WEIGHT && (!s->weight || s->weight > GUEST_WEIGHT_MAX))
		return ctl_refuse(q, -SK_E_RANGE,
			"Cpu weight out of range, valid values are within range from 1 to %d",
			GUEST_WEIGHT_MAX);
	if (s->flags & CTL_SCHED_CAP && s->cap > most)
		return ctl_refuse(q, -SK_E_RANGE,
			"Cpu cap out of range, valid range is from 0 to %u for specified number of vcpus",
			most);
	return 0;
}

void ctl_do_SCHED(struct request *q)
{
	const struct ctl_sched *s = q->body;
	struct guest_config *c = q->dom->config;

	if (sched_check(q, s))
		return;
	if (s->flags & CTL_SCHED_WEIGHT)
		c->weight = s->weight;
	if (s->flags & CTL_SCHED_CAP)
		c->cap = s->cap;
	guest_sched_changed(guest_of(q->dom));
	changed(q);
}

/* ---- CPUs of vCPUs ---- */

static int pin_check(struct request *q, const struct ctl_pin *p)
{
	struct msg why;

	if (p->vcpu >= q->dom->config->maxvcpus && p->vcpu != CTL_PIN_ALL)
		return ctl_refuse(
			q, -SK_E_RANGE, "domain %u has no vCPU %u", q->dom->domid, p->vcpu);
	if (!(p->flags & CTL_PIN_HARD) || !guest_sched_check(p->hard, &why))
		return 0;
	if (p->vcpu == CTL_PIN_ALL)
		return ctl_refuse(q, -SK_E_RANGE, "Could not set affinity: %s", why.text);
	return ctl_refuse(
		q, -SK_E_RANGE, "Could not set affinity for vcpu `%u': %s", p->vcpu, why.text);
}

void ctl_do_PIN(struct request *q)
{
	const struct ctl_pin *p = q->body;
	struct guest_config *c = q->dom->config;

	if (pin_check(q, p))
		return;
	for (uint32_t i = 0; i < c->maxvcpus; i++) {
		if (p->vcpu != CTL_PIN_ALL && p->vcpu != i)
			continue;
		if (p->flags & CTL_PIN_HARD)
			c->cpus[i] = p->hard;
		if (p->flags & CTL_PIN_SOFT)
			c->cpus_soft[i] = p->soft;
	}
	guest_sched_pinned(guest_of(q->dom));
	changed(q);
}

/* ---- devices ---- */

/*
 * One device of a guest comes or goes at a time, so all that wait for this guest wait for it.
 */
static void plugged(uint32_t domid, const char *why)
{
	static const enum ctl_op ops[] = { CTL_ATTACH_DISK, CTL_ATTACH_VIF, CTL_DETACH,
		CTL_INSERT, CTL_EJECT };

	for (size_t i = 0; i < ARRAY_SIZE(ops); i++)
		ctl_end_all(ops[i], domid, -SK_E_STATE, why);
}

/* It has begun if rc is 0; *m says why not. */
static void plug_begun(struct request *q, int rc, const struct msg *m)
{
	if (rc)
		ctl_refuse(q, -SK_E_STATE, "%s", m->text);
	else
		q->number = q->dom->domid;
}

/* True: the device is not valid, and the request was answered. wrong: why; NULL: it is. */
static bool device_wrong(struct request *q, const char *wrong)
{
	if (wrong)
		ctl_refuse(q, -SK_E_INVAL, "the %s is not valid", wrong);
	return wrong;
}

void ctl_do_ATTACH_DISK(struct request *q)
{
	const struct ctl_disk *c = q->body;
	struct msg m;

	if (!device_wrong(q, guest_disk_check(&c->disk)))
		plug_begun(q, guest_plug_disk(guest_of(q->dom), &c->disk, plugged, &m), &m);
}

void ctl_do_INSERT(struct request *q)
{
	const struct ctl_disk *c = q->body;
	const char *wrong = guest_disk_check(&c->disk);
	struct msg m;

	if (!wrong && disk_spec_empty(&c->disk.spec))
		wrong = "format of a disk";
	if (!device_wrong(q, wrong))
		plug_begun(q, guest_insert(guest_of(q->dom), &c->disk, plugged, &m), &m);
}

void ctl_do_ATTACH_VIF(struct request *q)
{
	const struct ctl_vif *c = q->body;
	struct msg m;

	if (!device_wrong(q, guest_vif_check(&c->vif)))
		plug_begun(q, guest_plug_vif(guest_of(q->dom), &c->vif, plugged, &m), &m);
}

enum { BY_FORCE = 1 };

static int seat_check(struct request *q, const struct ctl_number *n)
{
	if (n->value < GUEST_SEATS)
		return 0;
	return ctl_refuse(q, -SK_E_RANGE, "a guest has no seat %" PRIu64, n->value);
}

void ctl_do_EJECT(struct request *q)
{
	const struct ctl_number *n = q->body;
	struct msg m;

	if (!seat_check(q, n))
		plug_begun(
			q, guest_eject(guest_of(q->dom), (uint32_t)n->value, plugged, &m), &m);
}

void ctl_do_DETACH(struct request *q)
{
	const struct ctl_number *n = q->body;
	struct msg m;

	if (!seat_check(q, n))
		plug_begun(q,
			guest_unplug(guest_of(q->dom), (uint32_t)n->value, n->flags & BY_FORCE,
				plugged, &m),
			&m);
}
