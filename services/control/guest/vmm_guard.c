/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmm_guard.c - learns of VMMs that fault or exit: the other end of their parent endpoint
 *
 * The main thread receives on control's endpoint, so the guard is a thread of its own. It
 * records which VMM died and signals the main thread, which does the rest. The guard never
 * answers a fault, because the guest is torn down.
 *
 * Objects     kept_deaths(): a slot per death that the main thread has not seen yet. The next
 *             life sees what was left there.
 * Locks       none: `used` is handed over with release and acquire. The guard writes only slots
 *             that are not used, and the main thread clears only slots that are.
 * Lifecycle   vmm_guard_init() once; the thread lives as long as the domain. The endpoint and
 *             the Reply outlive control, so that a VMM that dies in between is learnt of.
 */
#include "guest/vmm_guard.h"

#include <stdio.h>

#include "caps/caps.h"
#include "client/host.h"
#include "event.h"
#include "guest/kept.h"
#include "guest/life.h"
#include "guest/slots.h"
#include "proto/init.h"
#include "rt/thread.h"
#include "sys/sk.h"

/*
 * The guard's share of a CPU, which is all that a VMM that calls its parent in a loop can take.
 */
enum { PERCENT = 10 };

static sk_cap_t endpoint, reply, wake;

/*
 * A VMM dies once. If it reports that again, it gets no slot, because another VMM may need it.
 */
static struct kept_death *death_slot(uint32_t domid)
{
	struct kept_death *dead = kept_deaths(), *unused = NULL;

	for (struct kept_death *d = dead; d < dead + KEPT_DEATHS; d++) {
		if (!__atomic_load_n(&d->used, __ATOMIC_ACQUIRE))
			unused = d;
		else if (d->domid == domid)
			return NULL;
	}
	return unused;
}

static void death_record(uint32_t domid, const struct sk_msg *m)
{
	struct kept_death *d = death_slot(domid);

	if (d) {
		d->domid = domid;
		d->fault = SK_MI_LABEL(m->mi) == SK_LABEL_FAULT;
		d->address = m->mr[1];
		d->rip = m->mr[2];
		__atomic_store_n(&d->used, 1, __ATOMIC_RELEASE);
	}
	(void)sk_signal(wake);
}

static void call_refuse(void)
{
	struct sk_msg m = { .mi = SK_MI(0, 1, 0), .mr = { (uint64_t) - (int64_t)SK_E_DENIED } };

	(void)sk_reply(reply, &m);
}

static void guard_run(void *arg)
{
	struct sk_msg m = { 0 };

	(void)arg;
	sk_utcb()->reply = reply;
	sk_utcb()->recv_slot = 0;
	for (;;) {
		sk_utcb()->deadline = SK_NO_DEADLINE;
		if (sk_recv(endpoint, &m))
			continue;
		switch (SK_MI_LABEL(m.mi)) {
		case SK_LABEL_FAULT:
		case INIT_EXIT:
			death_record((uint32_t)m.badge, &m);
			break;
		default:
			call_refuse();
			break;
		}
	}
}

static void deaths_seen(void *ctx)
{
	struct kept_death *dead = kept_deaths();
	char how[64];

	(void)ctx;
	for (struct kept_death *d = dead; d < dead + KEPT_DEATHS; d++) {
		if (!__atomic_load_n(&d->used, __ATOMIC_ACQUIRE))
			continue;
		(void)snprintf(how, sizeof(how), "faulted at %#llx, address %#llx",
			(unsigned long long)d->rip, (unsigned long long)d->address);
		guest_vmm_died(d->domid, d->fault ? how : "ended");
		__atomic_store_n(&d->used, 0, __ATOMIC_RELEASE);
	}
	guests_run();
}

int vmm_guard_endpoint(uint32_t domid, sk_cap_t *out)
{
	return cap_copy(endpoint, SK_W | SK_GRANT, domid, out);
}

static int object_kept(sk_cap_t memory, uint32_t type, sk_cap_t *out)
{
	/* without that memory, it ends with this domain */
	return memory ? slot_object(memory, type, 0, out) : object_make(type, 0, out);
}

static int objects_make(void)
{
	sk_cap_t memory = svc_cap("boundary", NULL);
	int rc;

	if (memory)
		(void)sk_revoke(SK_CAP_CNODE, memory); /* what no table names */
	rc = object_kept(memory, SK_OBJ_ENDPOINT, &endpoint);
	if (!rc)
		rc = object_kept(memory, SK_OBJ_REPLY, &reply);
	kept_head()->guard_endpoint = endpoint;
	kept_head()->guard_reply = reply;
	return rc;
}

/*
 * A thread whose death came last may still wait for an answer, and control may have ended
 * before it wrote the death down. The answer lets it go on where it was, so that it dies and
 * reports it again.
 */
static int objects_prepare(void)
{
	const struct kept_head *h = kept_head();
	const struct sk_msg again = { .mi = SK_MI(0, 1, 0),
		.mr = { (uint64_t) - (int64_t)SK_E_AGAIN } };

	if (!kept_resumed() || !slot_take_over(h->guard_endpoint, SK_OBJ_ENDPOINT) ||
		!slot_take_over(h->guard_reply, SK_OBJ_REPLY))
		return objects_make();
	endpoint = h->guard_endpoint;
	reply = h->guard_reply;
	(void)sk_reply(reply, &again);
	return 0;
}

int vmm_guard_init(void)
{
	struct thread_spec spec = { .fn = guard_run };
	struct thread *thread;
	int rc;

	if (!host_ctl_sched())
		return 0; /* no guests either */
	rc = objects_prepare();
	if (!rc)
		rc = svc_ntfn_badged(BIT_VMM_GUARD, &wake);
	if (!rc)
		rc = svc_on_bit(BIT_VMM_GUARD, deaths_seen, NULL, "death");
	if (!rc && kept_resumed())
		rc = svc_raise(BIT_VMM_GUARD);
	if (!rc)
		rc = host_thread_sched(PERCENT, &spec.sched);
	if (!rc)
		rc = thread_start(&spec, &thread);
	return rc;
}
