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
 *             KEEP6 before there is one guest more, control has memory for what it knows of it,
 *                and for what it does meanwhile
 *             KEEP4 whoever changes a guest that just runs or rests has touched it
 */
#include "guest/keep.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caps/caps.h"
#include "client/host.h"
#include "guest/build.h"
#include "guest/guest_pool.h"
#include "guest/kept.h"
#include "guest/life.h"
#include "guest/link.h"
#include "guest/plug.h"
#include "guest/sched.h"
#include "guest/slots.h"
#include "guest/vmctl.h"
#include "log.h"
#include "svc/svc.h"
#include "sys/sk.h"

static uint32_t n_adopted;

/* What the table has under the same name, in either direction. */
#define COPY(type, field) to->field = (type)from->field;

/* ---- writing down ---- */

static void keep_dom(struct kept_guest *to, const struct dom *from)
{
	KEPT_OF_DOM(COPY)
	memcpy(to->name, from->name, sizeof(to->name));
	memcpy(to->uuid, from->uuid, sizeof(to->uuid));
}

#define KEEP_SLOT(type, slot) to->slot = from->slot;

static void keep_proc(struct kept_guest *to, const struct proc *from)
{
	KEPT_SLOTS_OF_PROC(KEEP_SLOT)
	to->n_slots = from->n_slots;
}

static void keep_vmm(struct kept_guest *k, const struct guest *g)
{
	if (!g->proc_made || g->unbuilding)
		return;
	keep_proc(k, &g->proc);
	memcpy(k->vcpu_sched, g->sched, sizeof(k->vcpu_sched));
	k->fault_ep = g->fault_ep;
	k->ctl_frame = g->ctl_frame;
	k->ctl_signal = g->ctl.signal;
}

static void keep_connection(struct kept_conn *to, const struct proc_connection *from)
{
	KEPT_SLOTS_OF_CONN(KEEP_SLOT)
	to->number = from->number;
	to->channel = (uint8_t)from->channel;
}

static void keep_conn(struct kept_conn *to, const struct guest_conn *from)
{
	KEPT_OF_CONN(COPY)
	to->doubtful = from->doubtful || from->reopening;
	keep_connection(to, &from->kept);
}

static void keep_guest(struct kept_guest *to, const struct guest *from)
{
	KEPT_OF_GUEST(COPY)
	to->plugging = from->plug.state != PLUG_IDLE;
	to->plug_medium = from->plug.medium;
	to->plug_seat = from->plug.seat;
	memcpy(to->image, from->image, sizeof(from->image));
	if (from->link.under_way) /* KEEP2 */
		to->doubt |= 1u << from->link.call.service;
	to->n_conns = from->n_conns;
	for (uint32_t i = 0; i < from->n_conns; i++)
		keep_conn(&to->conn[i], &from->conn[i]);
	keep_vmm(to, from);
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

/* Memory for the table, and for control itself, has an owner that is no guest. */
enum { TABLE_OWNER = DOMID_RESERVED, OWN_ORDER = 18, OWN_LEAST = 256 << 10 };

static int block_map(sk_cap_t frame)
{
	void *mem;
	int rc = vm_map(frame, KEPT_BLOCK_ORDER, SK_R | SK_W, &mem);

	if (!rc)
		kept_block_add(mem);
	return rc;
}

/* KEEP5 */
static bool block_make(void)
{
	const uint32_t n = kept_n_blocks();
	pool_piece_t piece = piece_take(TABLE_OWNER, KEPT_BLOCK_ORDER, POOL_TABLE, n);
	sk_cap_t frame = slot_alloc(1);

	kept_block_frames()[n] = frame;
	if (piece && frame &&
		!object_make_in(pool_slot(&guest_pool, piece), SK_OBJ_FRAME, KEPT_BLOCK_ORDER,
			SK_CAP_CNODE, frame, 1) &&
		!block_map(frame))
		return true;
	kept_block_frames()[n] = 0;
	pool_give(&guest_pool, piece);
	slot_free(frame, 1);
	return false;
}

/* KEEP6. Blocks have lower numbers, so the next life gives control's own pieces back. */
uint32_t keep_places(uint32_t wanted)
{
	while (caps_free_bytes() < OWN_LEAST) {
		pool_piece_t piece = piece_take(TABLE_OWNER, OWN_ORDER, POOL_TABLE, UINT16_MAX);

		if (!piece)
			return 0;
		untyped_add(pool_slot(&guest_pool, piece), OWN_ORDER);
	}
	while (kept_places() < wanted && kept_places() < DOMTAB_MAX && block_make())
		continue;
	return kept_places();
}

/* ---- taking over ---- */

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

static void adopt_dom(
	struct dom *to, const struct kept_guest *from, struct guest_config *config)
{
	*to = (struct dom){ .config = config };
	KEPT_OF_DOM(COPY)
	memcpy(to->name, from->name, sizeof(to->name));
	memcpy(to->uuid, from->uuid, sizeof(to->uuid));
}

/* KEEP3. 0: the guest does not have it. */
#define ADOPT_SLOT(type, slot) to->slot = slot_take_over(from->slot, SK_OBJ_##type);

static void adopt_connection(struct proc_connection *to, const struct kept_conn *from)
{
	KEPT_SLOTS_OF_CONN(ADOPT_SLOT)
	to->number = from->number;
	to->channel = from->channel;
}

/* False: something is missing, so that it cannot be opened again. */
static bool adopt_conn(struct guest_conn *to, const struct kept_conn *from)
{
	const struct proc_connection *c = &to->kept;
	bool whole;

	KEPT_OF_CONN(COPY)
	adopt_connection(&to->kept, from);
	whole = c->rings && c->client_signal && !c->data == !from->data &&
		!c->own == !from->own;
	to->lost = to->lost || !whole;
	return whole;
}

static bool conn_ok(const struct guest *g, const struct kept_conn *k)
{
	return k->number && k->step < LINK_STEPS && link_has(g, k->step) &&
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

static bool adopt_proc(struct proc *to, const struct kept_guest *from)
{
	KEPT_SLOTS_OF_PROC(ADOPT_SLOT)
	to->own_cnode = to->own_ntfn = to->own_service = true;
	to->n_slots = from->n_slots;
	return to->cnode && to->keep && to->space && to->thread && to->sched && to->ntfn &&
	       to->service;
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

/* KEPT3: what the table has of the guest itself, as far as it can be. */
static void adopt_fields(struct guest *to, const struct kept_guest *from)
{
	KEPT_OF_GUEST(COPY)
	if (to->step > LINK_STEPS)
		to->step = LINK_STEPS;
	if (to->n_more_max >= POOL_NODES)
		to->n_more_max = 0;
	memcpy(to->image, from->image, sizeof(to->image) - 1);
	if (from->plugging && from->plug_seat <= GUEST_SEAT_IMAGE)
		to->plug = (struct guest_plug){ .state = UNPLUG_TELL,
			.seat = from->plug_seat,
			.medium = from->plug_medium };
}

static int adopt_guest(struct dom *d, const struct kept_guest *k, bool *whole)
{
	struct guest *g = calloc(1, sizeof(*g));
	int rc;

	if (!g)
		return -SK_E_NO_MEM;
	g->dom = d;
	d->priv = g;
	adopt_fields(g, k);
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
	int rc = kept_guest_load(place, &k);

	if (rc)
		return rc == -SK_E_INVAL ? entry_damaged(place) : 0;
	(void)keep_places(0); /* KEEP6 */
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
