/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmctl.c - the vmctl connections: control commands VMMs and receives their messages
 *
 * Control is the service end, so it makes the region. A VMM reaches nothing of control except
 * for the two rings. All VMMs signal the same bit, and the handler looks at every ring.
 * Messages of a VMM are not trusted: a breach of the protocol ends its guest.
 *
 * Objects     the rings in struct guest.
 * Lifecycle   vmctl_connect() before the VMM starts; vmctl_adopt() in each further life of
 *             control, which is a new epoch of the connection; vmctl_disconnect() before its
 *             memory is taken back.
 */
#include "guest/vmctl.h"

#include <stdio.h>
#include <string.h>

#include "caps/caps.h"
#include "client/host.h"
#include "event.h"
#include "guest/accuse.h"
#include "guest/build.h"
#include "guest/creation.h"
#include "guest/guest_pool.h"
#include "guest/images.h"
#include "guest/keep.h"
#include "guest/life.h"
#include "guest/machine.h"
#include "guest/plug.h"
#include "guest/save.h"
#include "guest/saved_config.h"
#include "guest/slots.h"
#include "log.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum { REGION_ORDER = 13, RING_BYTES = 4096, STATS_WAIT_MS = 500, TURN = 64 };

/* By bit. */
static sk_cap_t vmctl_ntfn[BITS_VMCTL];
static LIST_HEAD(, guest) guests_of_bit[BITS_VMCTL];
static void (*stats_done)(void);
/* Guests with stats_asked. */
static uint32_t stats_to_come;
static struct svc_timer stats_timer;

static uint32_t vmctl_bit(const struct guest *g)
{
	return BIT_VMCTL + g->dom->domid % BITS_VMCTL;
}

/* ---- statistics ---- */

static void stats_finish(void)
{
	void (*fn)(void) = stats_done;

	if (!fn)
		return;
	stats_done = NULL;
	svc_timer_set(&stats_timer, SK_NO_DEADLINE);
	fn();
}

static void stats_late(void *ctx)
{
	(void)ctx;
	stats_finish();
	guests_run();
}

static void stats_await(struct guest *g, bool asked)
{
	stats_to_come = stats_to_come + asked - g->stats_asked;
	g->stats_asked = asked;
}

void vmctl_stats_ask(void (*fn)(void))
{
	for (struct dom *d = domtab_look(&guests, 0); d; d = domtab_look(&guests, d->domid))
		if (d->state == DOM_LIVE && d->has_vmm)
			stats_await(guest_of(d), vmctl_send(guest_of(d), VMCTL_STATS, 0) == 0);
	stats_done = fn;
	stats_timer.fn = stats_late;
	svc_timer_set(&stats_timer, svc_in_ms(STATS_WAIT_MS));
	if (!stats_to_come)
		stats_finish();
}

static void stats_take(struct guest *g, const void *body, uint32_t len)
{
	struct vmctl_stats s;

	if (len != sizeof(s))
		return;
	memcpy(&s, body, sizeof(s));
	if (s.n_vcpus > g->dom->config->maxvcpus)
		s.n_vcpus = g->dom->config->maxvcpus;
	/* A guest cannot hold more than it was given. */
	if (s.memory > (uint64_t)guest_has(g) << 20)
		s.memory = (uint64_t)guest_has(g) << 20;
	g->stats = s;
	stats_await(g, false);
}

/* ---- messages ---- */

int vmctl_send(struct guest *g, uint32_t type, uint32_t arg)
{
	struct vmctl_msg m = { .type = (uint16_t)type, .arg = arg };

	return g->ctl_region && !svc_respond(&g->ctl, &m, sizeof(m)) ? 0 : -1;
}

int vmctl_send_body(
	struct guest *g, uint32_t type, uint32_t arg, const void *body, uint32_t len)
{
	struct {
		struct vmctl_msg m;
		uint8_t body[VMCTL_TEXT_MAX];
	} rec = { .m = { .type = (uint16_t)type, .len = (uint16_t)len, .arg = arg } };

	_Static_assert(VMCTL_TEXT_MAX >= sizeof(struct vmctl_plug), "the largest body");
	memcpy(rec.body, body, len);
	return g->ctl_region && !svc_respond(&g->ctl, &rec, sizeof(rec.m) + len) ? 0 : -1;
}

void vmctl_line(char line[VMCTL_TEXT_MAX], const char *text, uint32_t len, const char *instead)
{
	uint32_t i;

	for (i = 0; i < len && i < VMCTL_TEXT_MAX - 1 && text[i]; i++)
		line[i] = text[i] >= ' ' && text[i] < 127 ? text[i] : '?';
	line[i] = '\0';
	if (!i)
		snprintf(line, VMCTL_TEXT_MAX, "%s", instead);
}

/*
 * Only a guest that is being created can fail. Its VMM runs no vCPU then, so there is nothing
 * to quiesce.
 */
static int vmm_failed(struct guest *g, const char *text, uint32_t len)
{
	char line[VMCTL_TEXT_MAX];

	if (g->dom->state == DOM_DYING && !g->was_ready) {
		dom_quiesced(&guests, g->dom);
		return 0;
	}
	if (g->dom->state != DOM_BUILDING)
		return -SK_E_PEER;
	g->dom->has_vmm = false;
	vmctl_line(line, text, len, "the VMM could not build the guest");
	creation_failed(g, line);
	return 0;
}

/*
 * A VMM that does not read its messages may miss the answer. The pieces that it was given count
 * in any case: those that it does not know are the answer to its request, which it has made
 * again because control was restarted.
 */
static int vmm_grow(struct guest *g, uint32_t n, const void *body, uint32_t len)
{
	uint32_t knows, given;

	if (len != sizeof(knows))
		return -SK_E_PEER;
	memcpy(&knows, body, sizeof(knows));
	if (g->dom->state != DOM_LIVE && g->dom->state != DOM_BUILDING)
		return 0;
	given = g->n_ram + g->n_more - knows;
	if (given > VMCTL_GROW_MAX)
		return -SK_E_PEER;
	(void)vmctl_send(g, VMCTL_GROWN, given ? given : guest_grow(g, n));
	return 0;
}

/* A guest that ends needs no answer. */
static int vmm_devices(struct guest *g, uint32_t seats, const void *body, uint32_t len)
{
	uint32_t number;

	if (len != sizeof(number))
		return -SK_E_PEER;
	memcpy(&number, body, sizeof(number));
	if (!g->leaving)
		plug_heard(g, seats, number);
	return 0;
}

static int vmm_accuses(struct guest *g, uint32_t channel, const void *body, uint32_t len)
{
	uint32_t epoch;

	if (len != sizeof(epoch))
		return -SK_E_PEER;
	memcpy(&epoch, body, sizeof(epoch));
	guest_accuses(g, channel, epoch);
	return 0;
}

static int message_handle(struct guest *g, const struct vmctl_msg *m, const char *body)
{
	switch (m->type) {
	case VMCTL_READY:
		g->was_ready = true;
		image_leave(g);
		dom_ready(&guests, g->dom, g->start_paused);
		guest_keep(g); /* before anybody is told */
		if (g->restore == VM_BOOT)
			creation_passed(g, CREATION_BOOT);
		else
			save_restored(g);
		break;
	case VMCTL_FAILED:
		return vmm_failed(g, body, m->len);
	case VMCTL_SHUTDOWN:
		dom_down(&guests, g->dom, m->arg, host_wall_seconds());
		save_down(g);
		break;
	case VMCTL_TEXT:
		return save_text_wanted(g, m->arg);
	case VMCTL_COPIED:
		save_copied(g);
		break;
	case VMCTL_SAVED:
		save_heard(g, m->arg ? body : NULL, m->len);
		break;
	case VMCTL_CONFIG:
		return saved_config_heard(g, m->arg, body, m->len);
	case VMCTL_QUIESCED:
		dom_quiesced(&guests, g->dom);
		break;
	case VMCTL_STATS:
		stats_take(g, body, m->len);
		break;
	case VMCTL_DEVICES:
		return vmm_devices(g, m->arg, body, m->len);
	case VMCTL_BREACH:
		return vmm_accuses(g, m->arg, body, m->len);
	case VMCTL_IMAGE:
		(void)vmctl_send(g, VMCTL_IMAGE, image_room(g, m->arg));
		break;
	case VMCTL_UNPACKED:
		(void)vmctl_send(g, VMCTL_UNPACKED, image_filled(g, m->arg));
		break;
	case VMCTL_GROW:
		return vmm_grow(g, m->arg, body, m->len);
	default: /* PAUSED, RUNNING: control asked for it */
		break;
	}
	return 0;
}

/* A message has come that may have changed more than statistics, which nobody keeps. */
static bool happened;

static int record_take(struct guest *g)
{
	struct {
		struct vmctl_msg m;
		char body[sizeof(struct vmctl_stats) > VMCTL_TEXT_MAX
				  ? sizeof(struct vmctl_stats)
				  : VMCTL_TEXT_MAX];
	} rec;
	int n = svc_next_record(&g->ctl, &rec, sizeof(rec));

	if (n < 0)
		return n;
	if ((uint32_t)n < sizeof(rec.m) || rec.m.len != (uint32_t)n - sizeof(rec.m))
		return -SK_E_PEER;
	if (rec.m.type != VMCTL_STATS) {
		happened = true;
		dom_touch(g->dom);
	}
	return message_handle(g, &rec.m, rec.body);
}

/*
 * Take the records of one VMM, at most TURN of them before the other VMMs have their turn.
 * -SK_E_PEER: a breach.
 */
static int records_take(struct guest *g)
{
	uint32_t n = 0;
	int rc;

	while ((rc = record_take(g)) == 0 && ++n < TURN)
		continue;
	if (rc)
		return rc == -SK_E_AGAIN ? 0 : -SK_E_PEER;
	svc_settle(&g->ctl);
	return svc_raise(vmctl_bit(g));
}

/* Nothing is read from the VMM any more, so this is reported once. */
static void vmm_breach(struct guest *g)
{
	g->broken = happened = true;
	dom_touch(g->dom);
	guest_log(g->dom->domid, "the VMM of domain %u (%s) broke the protocol; it is ended\n",
		g->dom->domid, g->dom->name);
	creation_blame(g, "its VMM broke the protocol");
	guest_halt(g);
	dom_vmm_died(&guests, g->dom, host_wall_seconds());
	save_down(g);
}

/* Records of the VMMs that have this bit. */
static void vmctl_event(void *bit)
{
	struct guest *g, *next;

	happened = false;
	for (g = LIST_FIRST(&guests_of_bit[(uintptr_t)bit]); g; g = next) {
		next = LIST_NEXT(g, of_bit);
		if (ring_woken(&g->ctl.req) && !g->broken && g->dom->state != DOM_LEAVING &&
			records_take(g))
			vmm_breach(g);
	}
	if (stats_done && !stats_to_come) {
		stats_finish();
		happened = true;
	}
	if (happened)
		guests_run();
}

/* ---- connections ---- */

/* Each life of control has an epoch of its own. */
static uint32_t vmctl_epoch(void) { return svc_info()->epoch; }

/* The epoch begins in the request ring first, as for any service (svc.h). */
static int region_open(struct guest *g)
{
	int rc = vm_map(g->ctl_frame, REGION_ORDER, SK_R | SK_W, &g->ctl_region);

	if (rc) {
		g->ctl_region = NULL;
		return rc;
	}
	rc = ring_init(
		&g->ctl.req, g->ctl_region, RING_BYTES, RING_SERVICE_GETS, vmctl_epoch());
	if (!rc)
		rc = ring_init(&g->ctl.rsp, (char *)g->ctl_region + RING_BYTES, RING_BYTES,
			RING_SERVICE_PUTS, vmctl_epoch());
	if (rc)
		return rc;
	g->ctl.proto = SVC_PROTO_VMCTL;
	LIST_INSERT_HEAD(&guests_of_bit[vmctl_bit(g) - BIT_VMCTL], g, of_bit);
	ring_restart(&g->ctl.req, vmctl_epoch());
	ring_restart(&g->ctl.rsp, vmctl_epoch());
	return 0;
}

bool vmctl_adopt(struct guest *g, sk_cap_t signal)
{
	g->ctl.signal = signal;
	if (!g->ctl_frame || !signal || region_open(g))
		return false;
	if (svc_more(&g->ctl) && svc_raise(vmctl_bit(g)))
		return false;
	svc_signal(&g->ctl);
	/* the last life may have told the VMM, and not written down that it did */
	if (g->dom->state != DOM_LIVE || !g->dom->has_vmm)
		return true;
	(void)vmctl_send(g, g->dom->paused ? VMCTL_PAUSE : VMCTL_UNPAUSE, 0);
	(void)vmctl_send(g, VMCTL_MAXMEM, machine_mem_max(g->dom->config));
	return true;
}

int vmctl_connect(struct guest *g)
{
	struct proc_channel c = { .name = "vmctl",
		.proto = SVC_PROTO_VMCTL,
		.epoch = vmctl_epoch(),
		.req_size = RING_BYTES,
		.rsp_size = RING_BYTES,
		.signal = vmctl_ntfn[vmctl_bit(g) - BIT_VMCTL] };
	uint32_t index;
	/* out of the guest's memory, because it outlives control */
	int rc = slot_object(
		pool_slot(&guest_pool, g->base), SK_OBJ_FRAME, REGION_ORDER, &g->ctl_frame);

	if (!rc)
		rc = region_open(g);
	c.rings = g->ctl_frame;
	if (!rc)
		rc = proc_channel(&g->proc, &c, &index);
	proc_plug_room(&g->proc);
	if (!rc)
		rc = cap_copy(g->proc.ntfn, SK_W, 1ull << index, &g->ctl.signal);
	if (!rc)
		(void)svc_more(&g->ctl); /* ask for the first signal */
	return rc;
}

void vmctl_disconnect(struct guest *g)
{
	cap_drop(g->ctl.signal);
	stats_await(g, false);
	if (g->ctl.proto)
		LIST_REMOVE(g, of_bit);
	if (g->ctl_region)
		vm_unmap(g->ctl_region, g->ctl_frame, REGION_ORDER);
	cap_drop(g->ctl_frame);
	g->ctl_region = NULL;
	g->ctl_frame = 0;
	g->ctl = (struct svc_conn){ 0 };
	g->stats_asked = false;
}

int vmctl_init(void)
{
	int rc = svc_info()->n_channels > BIT_VMCTL ? -SK_E_LIMIT : 0;

	for (uintptr_t i = 0; !rc && i < BITS_VMCTL; i++) {
		rc = svc_ntfn_badged(BIT_VMCTL + (uint32_t)i, &vmctl_ntfn[i]);
		if (!rc)
			rc = svc_on_bit(
				BIT_VMCTL + (uint32_t)i, vmctl_event, (void *)i, "vmctl");
	}
	return rc;
}
