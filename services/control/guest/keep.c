/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * keep.c - guests in the table that outlives control, and how the next life takes them over
 *
 * init lends control its CNode. So a new life finds the capabilities of every guest where its
 * predecessor left them, and the table says which slot holds what.
 *
 * Lifecycle   keep_init(), then guests_adopt() once; guest_keep() and guests_keep() from then
 *             on.
 * Invariants  KEEP1 the table is the truth. A capability that it does not name is dropped, and
 *             a piece of memory without an owner is cleaned
 *             KEEP2 whatever service may have a connection that the table does not name is in
 *                `doubt` there
 *             KEEP3 a slot is taken over once, so no two guests drop or use the same
 *             KEEP5 a piece of memory is the table's before a block is made of it, and the
 *                table names the block's frame before an entry is in it
 *             KEEP4 whoever changes a guest that just runs or rests has touched it
 */
#include "guest/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "caps/caps.h"
#include "client/host.h"
#include "guest/build.h"
#include "guest/guest_pool.h"
#include "guest/kept.h"
#include "guest/life.h"
#include "guest/link.h"
#include "guest/plug.h"
#include "guest/sched.h"
#include "guest/vmctl.h"
#include "log.h"
#include "svc/svc.h"
#include "sys/sk.h"

static uint32_t n_adopted;

/* ---- writing down ---- */

static uint32_t flag(bool on, enum kept_flag f) { return on ? f : 0; }

static void keep_dom(struct kept_guest *k, const struct dom *d)
{
	k->state = d->state;
	k->domid = d->domid;
	k->flags = flag(d->paused, KEPT_PAUSED) | flag(d->has_vmm, KEPT_HAS_VMM) |
		   flag(d->restart, KEPT_RESTART) | flag(d->again, KEPT_AGAIN);
	k->reason = d->reason;
	k->short_lives = d->short_lives;
	k->born_ns = d->born_ns;
	k->due_ns = d->due_ns;
	memcpy(k->name, d->name, sizeof(k->name));
	memcpy(k->uuid, d->uuid, sizeof(k->uuid));
}

static void keep_vmm(struct kept_guest *k, const struct guest *g)
{
	if (!g->proc_made || g->unbuilding)
		return;
	k->cnode = g->proc.cnode;
	k->keep = g->proc.keep;
	k->space = g->proc.space;
	k->thread = g->proc.thread;
	k->sched = g->proc.sched;
	k->ntfn = g->proc.ntfn;
	k->service = g->proc.service;
	k->n_slots = g->proc.n_slots;
	memcpy(k->vcpu_sched, g->sched, sizeof(k->vcpu_sched));
	k->fault_ep = g->fault_ep;
	k->ctl_frame = g->ctl_frame;
	k->ctl_signal = g->ctl.signal;
}

static void keep_conn(struct kept_conn *k, const struct guest_conn *c)
{
	*k = (struct kept_conn){ .number = c->kept.number,
		.epoch = c->epoch,
		.life = c->life,
		.service = (uint8_t)c->service,
		.step = (uint8_t)c->step,
		.lost = c->lost,
		.doubtful = c->doubtful || c->reopening,
		.channel = (uint8_t)c->kept.channel,
		.rings = c->kept.rings,
		.data = c->kept.data,
		.own = c->kept.own,
		.client_signal = c->kept.client_signal };
}

static void keep_guest(struct kept_guest *k, const struct guest *g)
{
	k->flags |= flag(g->start_paused, KEPT_START_PAUSED) |
		    flag(g->was_ready, KEPT_WAS_READY) | flag(g->leaving, KEPT_LEAVING) |
		    flag(g->io_shares, KEPT_IO_SHARES) | flag(g->io_capped, KEPT_IO_CAPPED) |
		    flag(g->image_writable, KEPT_IMAGE_WRITABLE) |
		    flag(g->plug.state != PLUG_IDLE, KEPT_PLUGGING) |
		    flag(g->plug.medium, KEPT_PLUG_MEDIUM);
	memcpy(k->image, g->image, sizeof(g->image));
	k->refused = g->refused;
	k->plug_number = g->plug_number;
	k->plug_seat = g->plug.seat;
	k->start_ns = g->start_ns;
	k->n_more_max = g->n_more_max;
	k->step = g->step;
	k->doubt = g->doubt;
	if (g->link.under_way) /* KEEP2 */
		k->doubt |= 1u << g->link.call.service;
	k->n_conns = g->n_conns;
	for (uint32_t i = 0; i < g->n_conns; i++)
		keep_conn(&k->conn[i], &g->conn[i]);
	keep_vmm(k, g);
}

/* The table says that there is no guest at a place, so that need not be stored again. */
static bool said_free[DOMTAB_MAX];

static void dom_keep(struct dom *d)
{
	struct kept_guest k;
	uint32_t place = (uint32_t)(d - guests.dom);

	if (d->state == DOM_FREE && (said_free[place] || !kept_guest_stored(place)))
		return;
	said_free[place] = d->state == DOM_FREE;
	d->touched = false;
	memset(&k, 0, sizeof(k));
	if (d->state != DOM_FREE) {
		keep_dom(&k, d);
		if (guest_of(d))
			keep_guest(&k, guest_of(d));
		if (!d->config_kept)
			kept_config_store(place, d->config);
		d->config_kept = true;
	}
	kept_guest_store(place, &k);
}

void guest_keep(const struct guest *g)
{
	kept_head()->last_domid = guests.last_domid;
	dom_keep(g->dom);
}

/* KEEP4 */
static bool may_have_changed(const struct dom *d)
{
	return d->touched ||
	       (d->state != DOM_LIVE && d->state != DOM_DOWN && d->state != DOM_RESTING);
}

/* A guest that is created again has two entries for a moment, rather than none. */
void guests_keep(void)
{
	kept_head()->last_domid = guests.last_domid;
	for (struct dom *d = domtab_look(&guests, 0); d; d = domtab_look(&guests, d->domid))
		if (may_have_changed(d))
			dom_keep(d);
	for (uint32_t i = 0; guests.some_free && i < DOMTAB_MAX; i++)
		if (guests.dom[i].state == DOM_FREE)
			dom_keep(&guests.dom[i]);
	guests.some_free = false;
}

/* ---- room for more guests ---- */

/* Memory for the table has an owner that is no guest. */
enum { TABLE_OWNER = DOMID_RESERVED };

static int block_map(sk_cap_t frame)
{
	void *mem;
	int rc = vm_map(frame, KEPT_BLOCK_ORDER, SK_R | SK_W, &mem);

	if (!rc)
		kept_block_add(mem);
	return rc;
}

/* KEEP5 */
static int block_make(void)
{
	const uint32_t n = kept_n_blocks();
	pool_piece_t piece = pool_take(&guest_pool, KEPT_BLOCK_ORDER);
	sk_cap_t frame = slot_alloc(1);
	int rc = piece && frame ? 0 : -SK_E_NO_MEM;

	if (!rc) {
		pool_own(&guest_pool, piece, TABLE_OWNER, POOL_TABLE, n);
		rc = object_make_in(pool_slot(&guest_pool, piece), SK_OBJ_FRAME,
			KEPT_BLOCK_ORDER, SK_CAP_CNODE, frame, 1);
	}
	if (!rc) {
		kept_block_frames()[n] = frame;
		rc = block_map(frame);
	}
	if (!rc)
		return 0;
	if (kept_block_frames()[n] == frame)
		kept_block_frames()[n] = 0;
	pool_give(&guest_pool, piece);
	slot_free(frame, 1);
	return rc;
}

uint32_t keep_places(uint32_t wanted)
{
	while (kept_places() < wanted && kept_places() < DOMTAB_MAX && !block_make())
		continue;
	return kept_places();
}

/* ---- taking over ---- */

/* KEEP3. 0: the guest does not have it. */
static sk_cap_t slot_take_over(sk_cap_t slot, uint32_t type)
{
	struct sk_cap_info info;

	if (!slot || sk_cap_info(SK_CAP_CNODE, slot, &info) || info.type != type ||
		!slot_adopt(slot))
		return 0;
	return slot;
}

/* The piece that the n-th block was made of; 0: there is none. */
static pool_piece_t block_piece(uint32_t n)
{
	pool_piece_t piece = 0;

	do
		piece = pool_owned(&guest_pool, TABLE_OWNER, piece);
	while (piece && guest_pool.node[piece].nth != n);
	return piece;
}

/* KEEP5. A block that is lost takes those behind it along: their guests are strangers. */
static void blocks_adopt(void)
{
	sk_cap_t *frame = kept_block_frames();
	struct sk_cap_info info;
	pool_piece_t piece = 0;
	uint32_t n = 0;

	while (frame && n < KEPT_BLOCKS && block_piece(n) &&
		!sk_cap_info(SK_CAP_CNODE, frame[n], &info) && info.order == KEPT_BLOCK_ORDER &&
		slot_take_over(frame[n], SK_OBJ_FRAME) && !block_map(frame[n]))
		n++;
	for (uint32_t i = n; frame && i < KEPT_BLOCKS; i++)
		frame[i] = 0;
	while ((piece = pool_owned(&guest_pool, TABLE_OWNER, piece)) != 0)
		if (guest_pool.node[piece].nth >= n)
			pool_give(&guest_pool, piece);
}

static void adopt_dom(struct dom *d, const struct kept_guest *k, struct guest_config *config)
{
	*d = (struct dom){ .state = (enum dom_state)k->state,
		.domid = k->domid,
		.paused = k->flags & KEPT_PAUSED,
		.has_vmm = k->flags & KEPT_HAS_VMM,
		.restart = k->flags & KEPT_RESTART,
		.again = k->flags & KEPT_AGAIN,
		.reason = k->reason,
		.born_ns = k->born_ns,
		.due_ns = k->due_ns,
		.short_lives = k->short_lives,
		.config = config };
	memcpy(d->name, k->name, sizeof(d->name));
	memcpy(d->uuid, k->uuid, sizeof(d->uuid));
}

/* False: something is missing, so that it cannot be opened again. */
static bool adopt_conn(struct guest_conn *c, const struct kept_conn *k)
{
	bool whole;

	*c = (struct guest_conn){ .service = (enum service)k->service,
		.step = k->step,
		.life = k->life,
		.epoch = k->epoch,
		.lost = k->lost,
		.doubtful = k->doubtful,
		.kept = { .number = k->number,
			.channel = k->channel,
			.rings = slot_take_over(k->rings, SK_OBJ_FRAME),
			.data = slot_take_over(k->data, SK_OBJ_FRAME),
			.own = slot_take_over(k->own, SK_OBJ_FRAME),
			.client_signal = slot_take_over(
				k->client_signal, SK_OBJ_NOTIFICATION) } };
	whole = c->kept.rings && c->kept.client_signal && !c->kept.data == !k->data &&
		!c->kept.own == !k->own;
	c->lost = c->lost || !whole;
	return whole;
}

static bool conn_ok(const struct guest *g, const struct kept_conn *k)
{
	return k->number && k->step < link_steps() && link_has(g, k->step) &&
	       k->service == link_service(k->step);
}

/* False: something is missing. A connection that cannot be known may be at any service. */
static bool adopt_conns(struct guest *g, const struct kept_guest *k)
{
	const uint32_t all = (1u << SERVICE_COUNT) - 1;
	bool known = true, whole = true;

	for (uint32_t i = 0; i < k->n_conns; i++)
		if (conn_ok(g, &k->conn[i]))
			whole = adopt_conn(&g->conn[g->n_conns++], &k->conn[i]) && whole;
		else
			known = false;
	g->doubt = known ? k->doubt & all : all;
	return known && whole;
}

static bool adopt_proc(struct proc *p, const struct kept_guest *k)
{
	*p = (struct proc){ .cnode = slot_take_over(k->cnode, SK_OBJ_CNODE),
		.keep = slot_take_over(k->keep, SK_OBJ_CNODE),
		.space = slot_take_over(k->space, SK_OBJ_SPACE_HOST),
		.thread = slot_take_over(k->thread, SK_OBJ_THREAD),
		.sched = slot_take_over(k->sched, SK_OBJ_SCHED),
		.ntfn = slot_take_over(k->ntfn, SK_OBJ_NOTIFICATION),
		.service = slot_take_over(k->service, SK_OBJ_ENDPOINT),
		.own_cnode = true,
		.own_ntfn = true,
		.own_service = true,
		.n_slots = k->n_slots };
	return p->cnode && p->keep && p->space && p->thread && p->sched && p->ntfn &&
	       p->service;
}

/* What its VMM consists of. False: something is missing. */
static bool adopt_vmm(struct guest *g, const struct kept_guest *k)
{
	sk_cap_t signal;
	bool whole;

	if (!k->cnode)
		return k->state == DOM_LEAVING;
	whole = adopt_proc(&g->proc, k);
	g->proc_made = true;
	for (uint32_t i = 0; i < VM_VCPUS_MAX; i++) {
		g->sched[i] = slot_take_over(k->vcpu_sched[i], SK_OBJ_SCHED);
		whole = whole && !g->sched[i] == !k->vcpu_sched[i];
	}
	g->fault_ep = slot_take_over(k->fault_ep, SK_OBJ_ENDPOINT);
	g->ctl_frame = slot_take_over(k->ctl_frame, SK_OBJ_FRAME);
	signal = slot_take_over(k->ctl_signal, SK_OBJ_NOTIFICATION);
	return vmctl_adopt(g, signal) && whole;
}

static int adopt_guest(struct dom *d, const struct kept_guest *k, bool *whole)
{
	struct guest *g = calloc(1, sizeof(*g));
	int rc;

	if (!g)
		return -SK_E_NO_MEM;
	g->dom = d;
	d->priv = g;
	g->start_paused = k->flags & KEPT_START_PAUSED;
	g->was_ready = k->flags & KEPT_WAS_READY;
	g->io_shares = k->flags & KEPT_IO_SHARES;
	g->io_capped = k->flags & KEPT_IO_CAPPED;
	g->image_writable = k->flags & KEPT_IMAGE_WRITABLE;
	memcpy(g->image, k->image, sizeof(g->image) - 1);
	g->refused = k->refused;
	g->plug_number = k->plug_number;
	if (k->flags & KEPT_PLUGGING && k->plug_seat <= GUEST_SEAT_IMAGE)
		g->plug = (struct guest_plug){ .state = UNPLUG_TELL,
			.seat = k->plug_seat,
			.medium = k->flags & KEPT_PLUG_MEDIUM };
	g->start_ns = k->start_ns;
	g->step = k->step < link_steps() ? k->step : link_steps();
	g->n_more_max = k->n_more_max < POOL_NODES ? k->n_more_max : 0;
	*whole = adopt_conns(g, k) && *whole;
	plug_adopt(g);
	*whole = adopt_vmm(g, k) && *whole;
	rc = guest_memory_adopt(g, whole);
	g->proc.untyped = g->base ? pool_slot(&guest_pool, g->base) : 0;
	guest_sched_init(g);
	if (!rc && *whole)
		plug_resume(g);
	return rc;
}

/* True: the guest goes on. One that was being made or ended need not be whole. */
static bool goes_on(const struct dom *d, bool whole)
{
	if (d->state != DOM_LIVE && d->state != DOM_DOWN)
		return false;
	if (!whole)
		guest_log(d->domid,
			"domain %u (%s) has lost something with the last life of control; it is ended\n",
			d->domid, d->name);
	return whole;
}

/* If it has memory, that is found later. */
static int entry_damaged(uint32_t place)
{
	printf("place %u of the table of guests is damaged\n", place);
	return 0;
}

static int entry_adopt(uint32_t place)
{
	struct guest_config *config;
	struct kept_guest k;
	struct dom as, *d;
	bool whole = true;
	int rc = 0;

	rc = kept_guest_load(place, &k);
	if (rc)
		return rc == -SK_E_INVAL ? entry_damaged(place) : 0;
	config = malloc(sizeof(*config));
	if (!config)
		return -SK_E_NO_MEM;
	if (!kept_config_load(place, config)) {
		free(config);
		return entry_damaged(place);
	}
	adopt_dom(&as, &k, config);
	d = dom_adopt(&guests, place, &as);
	if (!d) {
		free(config);
		return 0; /* created again: two entries for a moment */
	}
	if (d->state != DOM_RESTING)
		rc = adopt_guest(d, &k, &whole);
	n_adopted += goes_on(d, whole);
	if (!rc)
		dom_resume(&guests, d, !whole, host_wall_seconds());
	return rc;
}

/* ---- guests of which the table knows only their memory ---- */

/* What is asked of its services is whether they have connections of it. */
static int stranger_adopt(uint32_t domid)
{
	struct guest_config *config = calloc(1, sizeof(*config));
	struct kept_guest k = {
		.state = DOM_BUILDING, .domid = domid, .doubt = (1u << SERVICE_COUNT) - 1
	};
	struct dom as, *d = NULL;
	bool whole = false;

	if (!config)
		return -SK_E_NO_MEM;
	config->vcpus = config->maxvcpus = config->weight = 1;
	snprintf(config->name, sizeof(config->name), "unknown-%u", domid);
	strcpy(k.name, config->name);
	adopt_dom(&as, &k, config);
	for (uint32_t i = 0; !d && i < kept_places(); i++)
		d = dom_adopt(&guests, i, &as);
	if (!d) { /* there is no place, so that the memory stays lost until the next life */
		free(config);
		return 0;
	}
	guest_log(domid, "domain %u is not in the table of guests any more; it is ended\n",
		domid);
	dom_resume(&guests, d, true, 0);
	return adopt_guest(d, &k, &whole);
}

static int strangers_adopt(void)
{
	int rc = 0;

	for (uint32_t i = 1; !rc && i < POOL_NODES; i++) {
		const struct pool_node *n = &guest_pool.node[i];

		if (n->owner && n->owner != TABLE_OWNER && !n->free && !n->half[0] &&
			!domtab_get(&guests, n->owner))
			rc = stranger_adopt(n->owner);
	}
	return rc;
}

/* KEEP1 */
static void slots_sweep(void)
{
	sk_cap_t slot = 0;

	while ((slot = slot_inherited(slot)) != 0)
		cap_drop(slot);
}

int guests_adopt(void)
{
	int rc = 0;

	guests.last_domid = kept_head()->last_domid < DOMID_RESERVED ? kept_head()->last_domid
								     : 0;
	blocks_adopt();
	for (uint32_t i = 0; !rc && i < DOMTAB_MAX; i++)
		rc = entry_adopt(i);
	if (!rc)
		rc = strangers_adopt();
	slots_sweep();
	if (n_adopted)
		guest_sched_start();
	return rc;
}

uint32_t guests_adopted(void) { return n_adopted; }

/* ---- the table ---- */

static void table_init(const struct domain_channel *c)
{
	if (c->data_size < kept_size())
		printf("no guest outlives control: kept-memory `guests` has %llu bytes of the %zu "
		       "that its table needs\n",
			(unsigned long long)c->data_size, kept_size());
	kept_init((void *)(uintptr_t)c->data_vaddr, c->data_size);
}

int keep_init(void)
{
	const struct domain_info *info = svc_info();

	kept_init(NULL, 0);
	for (uint32_t i = 0; i < info->n_channels && i < DOMAIN_CHANNELS_MAX; i++) {
		const struct domain_channel *c = &info->channel[i];

		if (strncmp(c->name, "guests", sizeof(c->name)) == 0)
			table_init(c);
	}
	return 0;
}
