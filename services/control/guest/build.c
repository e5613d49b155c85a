/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build.c - a guest's VMM: memory and capabilities, and how they are taken back
 *
 * Objects     per guest: base, the untyped that proc_create() is charged to; heap, which the
 *             VMM retypes itself; device, one region each; ram, which the guest has from the
 *             start; more, which it got later. pool_give() takes each of them back by one
 *             revoke.
 * Lifecycle   guest_build, connections (connect.c), guest_start; guest_stop from any state in
 *             between, connections closed, guest_unbuild.
 * Invariants  BUILD1 RAM goes to the VMM as 2 MiB untypeds in the order of guest physical
 *                    addresses. Later pieces go into the slots after those, never more than
 *                    maxmem= in all
 *             BUILD2 the memory of connections is taken back when they are closed, and no
 *                    service can use it any more
 *             BUILD3 all other memory is taken back at once, so that a service that is slow to
 *                    close keeps only what it may still use
 *             BUILD4 a piece is the guest's in the pool before anything is made of it, so the
 *                    next life of control knows whose it is
 *             BUILD5 a slot is used for something else only after the table that outlives
 *                    control does not name it any more
 */
#include "guest/build.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "caps/caps.h"
#include "guest/machine.h"
#include "guest/guest_pool.h"
#include "guest/images.h"
#include "guest/keep.h"
#include "guest/link.h"
#include "guest/sched.h"
#include "guest/vmctl.h"
#include "guest/vmm_guard.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	/*
	 * Of the base, in KiB: what any VMM has (its program's data and its stack, objects,
	 * page tables, connections without data, gaps between frames); the rings of a disk or a
	 * volume, of a vif, of a file; and the data of a module other than the first.
	 */
	BASE_KIB = 830,
	BASE_DISK_KIB = 32,
	BASE_VIF_KIB = 128,
	BASE_FILE_KIB = 16,
	BASE_MODULE_KIB = 128,
	CNODE_ORDER_MAX = 21,
	/* slots that the VMM has for itself, after those of its RAM */
	OWN_SLOTS = 1024,
	/*
	 * of a piece of RAM: the untyped, its frame, the frame's copy for the VMM's own space
	 */
	PIECE_SLOTS = 3,
	/* of a piece that is mapped page by page: view and table, and their untypeds */
	SPLIT_SLOTS = 4,
};

/* ---- seats of devices ---- */

struct guest_disk *guest_disk_at(struct guest_config *c, uint32_t seat)
{
	for (uint32_t i = 0; i < c->n_disks; i++)
		if (c->disks[i].seat == seat)
			return &c->disks[i];
	return NULL;
}

struct vif_spec *guest_vif_at(struct guest_config *c, uint32_t devid)
{
	for (uint32_t i = 0; i < c->n_vifs; i++)
		if (c->vifs[i].devid == (int32_t)devid)
			return &c->vifs[i];
	return NULL;
}

bool guest_has_device(struct guest_config *c, uint32_t seat)
{
	return seat < GUEST_DISKS_MAX ? guest_disk_at(c, seat) != NULL
				      : guest_vif_at(c, seat - GUEST_DISKS_MAX) != NULL;
}

bool guest_has_medium(struct guest_config *c, uint32_t seat)
{
	return guest_has_device(c, seat) &&
	       !(seat < GUEST_DISKS_MAX && disk_spec_empty(&guest_disk_at(c, seat)->spec));
}

uint32_t guest_device_id(struct guest_config *c, uint32_t seat)
{
	return seat < GUEST_DISKS_MAX ? guest_disk_at(c, seat)->spec.number
				      : seat - GUEST_DISKS_MAX;
}

/* ---- memory ---- */

static uint32_t ram_pieces(uint32_t mib) { return mib >> (POOL_ORDER_RAM - 20); }

/* The fewest slots that the VMM's CNode must have: for all pieces that the guest may get. */
static uint32_t cnode_slots_min(const struct guest *g)
{
	return VM_CAP_RAM + PIECE_SLOTS * ram_pieces(machine_maxmem(g->dom->config)) +
	       OWN_SLOTS;
}

static uint32_t cnode_order(const struct guest *g)
{
	uint32_t order = 15, slots = cnode_slots_min(g) +
				     SPLIT_SLOTS * ram_pieces(machine_maxmem(g->dom->config));

	while (order < CNODE_ORDER_MAX && SK_CNODE_SLOTS(order) < slots)
		order++;
	return order;
}

static uint32_t base_order(const struct guest *g)
{
	const struct guest_config *c = g->dom->config;
	uint32_t n = guest_modules(c), order = POOL_ORDER_MIN;
	uint64_t kib = BASE_KIB + c->maxvcpus + BASE_DISK_KIB * (c->n_disks + 1) +
		       BASE_VIF_KIB * c->n_vifs + BASE_FILE_KIB * (n + 1) +
		       (n ? BASE_MODULE_KIB * (n - 1) : 0);

	while (1ull << order < (kib << 10) + (1ull << cnode_order(g)))
		order++;
	return order;
}

static uint64_t heap_bytes(const struct guest *g)
{
	const struct guest_config *c = g->dom->config;

	return VM_HEAP_BYTES + VM_HEAP_VCPU * c->maxvcpus + VM_HEAP_DEVICES +
	       (uint64_t)VM_HEAP_PIECE * ram_pieces(machine_maxmem(c));
}

/* BUILD4 */
pool_piece_t piece_take(uint32_t owner, uint32_t order, enum pool_use use, uint32_t nth)
{
	pool_piece_t piece;

	while (!(piece = pool_take(&guest_pool, order)) && images_give_back())
		continue;
	if (piece)
		pool_own(&guest_pool, piece, owner, use, nth);
	return piece;
}

static int set_take(struct guest *g, uint64_t bytes, enum pool_use use, struct pool_set *set)
{
	uint32_t least = use == POOL_RAM ? POOL_ORDER_RAM : POOL_ORDER_MIN;
	int rc;

	while ((rc = pool_take_set(&guest_pool, bytes, least, set)) && images_give_back())
		continue;
	for (uint32_t i = 0; !rc && i < set->n; i++)
		pool_own(&guest_pool, set->piece[i], g->dom->domid, use, i);
	return rc;
}

bool guest_device_take(struct guest *g, uint32_t seat, uint32_t order)
{
	g->device[seat] = piece_take(g->dom->domid, order, POOL_DEVICE, seat);
	return g->device[seat] != 0;
}

void guest_device_give(struct guest *g, uint32_t seat)
{
	pool_piece_t piece = g->device[seat];

	g->device[seat] = 0;
	pool_give(&guest_pool, piece);
}

/* The kernel and the first module are read through large buffers. */
static uint32_t files_read(const struct guest *g)
{
	return g->restore != VM_BOOT ? 0 : guest_modules(g->dom->config) ? 2 : 1;
}

static int own_memory_take(struct guest *g)
{
	g->base = piece_take(g->dom->domid, base_order(g), POOL_BASE, 0);
	if (!g->base || set_take(g, heap_bytes(g), POOL_HEAP, &g->heap))
		return -1;
	for (uint32_t seat = 0; seat < GUEST_SEATS; seat++)
		if (guest_has_medium(g->dom->config, seat) &&
			!guest_device_take(g, seat, GUEST_DEVICE_ORDER))
			return -1;
	if (g->image[0] && !guest_device_take(g, GUEST_SEAT_IMAGE, GUEST_DEVICE_ORDER))
		return -1;
	for (uint32_t i = 0; i < files_read(g); i++)
		if (!guest_device_take(g, GUEST_SEAT_FILE + i, GUEST_FILE_ORDER))
			return -1;
	return 0;
}

static uint64_t devices_bytes(const struct guest *g)
{
	uint64_t bytes = 0;

	for (uint32_t seat = 0; seat < GUEST_SEATS; seat++)
		if (guest_has_medium(g->dom->config, seat))
			bytes += 1ull << GUEST_DEVICE_ORDER;
	return bytes + ((uint64_t)files_read(g) << GUEST_FILE_ORDER);
}

static uint64_t round_to_pieces(uint64_t bytes)
{
	return (bytes + (1ull << POOL_ORDER_MIN) - 1) & ~((1ull << POOL_ORDER_MIN) - 1);
}

static int memory_take(struct guest *g, struct msg *m)
{
	uint64_t free = guest_memory_free(), own;
	uint32_t ram = machine_memory(g->dom->config);

	if (own_memory_take(g) == 0 && set_take(g, (uint64_t)ram << 20, POOL_RAM, &g->ram) == 0)
		return 0;
	own = (1ull << base_order(g)) + round_to_pieces(heap_bytes(g)) + devices_bytes(g);
	return msg_fail(m,
		"not enough free memory: the guest needs %u MiB and %u MiB for its VMM and devices, "
		"%u MiB are free; lower memory= or destroy a guest",
		ram, (unsigned int)((own + (1 << 20) - 1) >> 20), (unsigned int)(free >> 20));
}

/* Memory that no service has ever seen. */
static void guest_memory_give(struct guest *g)
{
	while (g->n_more)
		pool_give(&guest_pool, g->more[--g->n_more]);
	free(g->more);
	g->more = NULL;
	pool_give_set(&guest_pool, &g->ram);
	pool_give_set(&guest_pool, &g->heap);
}

static void own_memory_give(struct guest *g)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(g->device); i++)
		pool_give(&guest_pool, g->device[i]);
	memset(g->device, 0, sizeof(g->device));
	pool_give(&guest_pool, g->base);
	g->base = 0;
}

/* BUILD1 */
static int ram_give(struct guest *g)
{
	uint32_t n, part, slot = VM_CAP_RAM;
	int rc;

	for (uint32_t i = 0; i < g->ram.n; i++) {
		n = 1u << (pool_order(&guest_pool, g->ram.piece[i]) - POOL_ORDER_RAM);
		for (; n; n -= part, slot += part) {
			part = n < SK_RETYPE_MAX ? n : SK_RETYPE_MAX;
			rc = object_make_in(pool_slot(&guest_pool, g->ram.piece[i]),
				SK_OBJ_UNTYPED, POOL_ORDER_RAM, g->proc.cnode, slot, part);
			if (rc)
				return rc;
		}
	}
	g->n_ram = slot - VM_CAP_RAM;
	g->n_more_max = ram_pieces(machine_maxmem(g->dom->config)) - g->n_ram;
	if (!g->n_more_max)
		return 0;
	g->more = calloc(g->n_more_max, sizeof(*g->more));
	return g->more ? 0 : -SK_E_NO_MEM;
}

uint64_t guest_memory_free(void) { return guest_pool.free + images_idle(); }

uint32_t guest_has(const struct guest *g)
{
	return (g->n_ram + g->n_more) << (POOL_ORDER_RAM - 20);
}

uint32_t guest_grow(struct guest *g, uint32_t n)
{
	uint32_t done;

	for (done = 0; done < n && done < VMCTL_GROW_MAX && g->n_more < g->n_more_max &&
		       guest_has(g) < machine_mem_max(g->dom->config);
		done++) {
		pool_piece_t piece = piece_take(
			g->dom->domid, POOL_ORDER_RAM, POOL_MORE, g->n_more);

		if (!piece)
			break;
		if (object_make_in(pool_slot(&guest_pool, piece), SK_OBJ_UNTYPED,
			    POOL_ORDER_RAM, g->proc.cnode, VM_CAP_RAM + g->n_ram + g->n_more,
			    1)) { /* the VMM has put something else into the slot */
			pool_give(&guest_pool, piece);
			break;
		}
		g->more[g->n_more++] = piece;
	}
	return done;
}

uint64_t guest_holds(const struct guest *g)
{
	uint64_t shim = (uint64_t)machine_shim_memory(g->dom->config) << 20;

	if (!g->stats.memory)
		return (uint64_t)g->dom->config->memory << 20;
	return g->stats.memory > shim ? g->stats.memory - shim : 0;
}

/* The heap becomes untypeds of the VMM. */
static int heap_give(struct guest *g)
{
	int rc = 0;

	for (uint32_t i = 0; !rc && i < g->heap.n; i++)
		rc = proc_untyped(&g->proc, pool_order(&guest_pool, g->heap.piece[i]),
			pool_slot(&guest_pool, g->heap.piece[i]));
	return rc;
}

/* ---- the VMM ---- */

static int scheds_make(struct guest *g)
{
	const struct guest_config *c = g->dom->config;
	struct proc_sched s;
	int rc;

	for (uint32_t i = 0; i < c->maxvcpus; i++) {
		g->on[i] = guest_sched_place_vcpu(g, i);
		s = guest_sched(g, g->on[i]);
		rc = proc_sched(&g->proc, VM_CAP_SCHED + i, host_ctl_sched(), &s, &g->sched[i]);
		if (rc)
			return rc;
	}
	return 0;
}

static int vmm_make(struct guest *g, struct msg *m)
{
	char name[DOMAIN_NAME_MAX];
	struct proc_spec s = { .name = name,
		.image = host_vmm_image(),
		.untyped = pool_slot(&guest_pool, g->base),
		.ctl_sched = host_ctl_sched() };
	int rc;

	snprintf(name, sizeof(name), "vmm-%u", g->dom->domid);
	if (!s.image)
		return msg_fail(m, "this host has no VMM program");
	if (!s.ctl_sched)
		return msg_fail(m,
			"control may not make scheduling contexts; its manifest entry is wrong");
	if (cnode_slots_min(g) > SK_CNODE_SLOTS(CNODE_ORDER_MAX))
		return msg_fail(m, "maxmem=%u is more than a guest can have; lower it",
			g->dom->config->maxmem);
	s.cnode_order = cnode_order(g);
	s.free_slot = VM_CAP_RAM + ram_pieces(machine_maxmem(g->dom->config));
	guest_sched_init(g);
	s.sched = guest_sched_io(g, guest_sched_place_io(g));
	rc = vmm_guard_endpoint(g->dom->domid, &g->fault_ep);
	if (rc)
		return msg_fail(m, "no endpoint for the VMM: %s", sk_error_text(rc));
	s.fault_ep = s.parent_ep = g->fault_ep;
	rc = proc_create(&g->proc, &s);
	if (rc)
		return msg_fail(m, "cannot make the VMM: %s", sk_error_text(rc));
	g->proc_made = true;
	rc = scheds_make(g);
	if (rc)
		return msg_fail(m, "cannot make the vCPUs: %s", sk_error_text(rc));
	return 0;
}

/* ---- configuration ---- */

void guest_vm_disk(const struct guest_disk *d, struct vm_disk *v)
{
	*v = (struct vm_disk){ .vdev = d->spec.number,
		.read_only = d->spec.readonly,
		.cdrom = d->spec.cdrom,
		.empty = disk_spec_empty(&d->spec) };
	snprintf(v->channel, sizeof(v->channel), "disk%u", d->seat & 7);
}

void guest_vm_vif(const struct vif_spec *s, struct vm_vif *v)
{
	*v = (struct vm_vif){ .devid = (uint32_t)s->devid };
	memcpy(v->mac, s->mac, sizeof(v->mac));
	snprintf(v->channel, sizeof(v->channel), "vif%u", v->devid & 3);
}

static void config_fill_devices(struct vm_config *v, const struct guest_config *c)
{
	v->n_disks = c->n_disks;
	for (uint32_t i = 0; i < c->n_disks; i++)
		guest_vm_disk(&c->disks[i], &v->disk[i]);
	v->n_vifs = c->n_vifs;
	for (uint32_t i = 0; i < c->n_vifs; i++)
		guest_vm_vif(&c->vifs[i], &v->vif[i]);
}

static int config_give(struct guest *g)
{
	const struct guest_config *c = g->dom->config;
	static struct vm_config v;

	memset(&v, 0, sizeof(v));
	v.magic = VM_CONFIG_MAGIC;
	v.domid = g->dom->domid;
	v.n_vcpus = c->maxvcpus;
	v.n_ram = g->n_ram;
	v.n_more = g->n_more_max;
	v.memory = (uint64_t)v.n_ram << POOL_ORDER_RAM;
	v.maxmem = (uint64_t)machine_mem_max(c) << 20;
	v.ram_order = POOL_ORDER_RAM;
	v.start_paused = g->start_paused;
	v.wallclock_known = clock_wall_boot_ns(&v.wallclock_boot_ns);
	memcpy(v.uuid, g->dom->uuid, sizeof(v.uuid));
	strcpy(v.name, g->dom->name);
	machine_cmdline(c, v.cmdline);
	v.restore = g->restore;
	v.image_size = image_give(g);
	v.n_modules = guest_modules(c);
	for (uint32_t i = 0; i < v.n_modules; i++)
		strcpy(v.module_args[i], machine_module_args(c, i));
	config_fill_devices(&v, c);
	return proc_data(&g->proc, VM_CONFIG_VADDR, &v, sizeof(v), SK_R);
}

int guest_build(struct guest *g, struct msg *m)
{
	int rc;

	if (memory_take(g, m) || vmm_make(g, m))
		goto undo;
	rc = heap_give(g);
	if (!rc)
		rc = ram_give(g);
	if (!rc)
		return 0;
	msg_fail(m, "cannot give the VMM its memory: %s", sk_error_text(rc));
undo:
	guest_stop(g);
	guest_unbuild(g);
	return -1;
}

int guest_start(struct guest *g, struct msg *m)
{
	int rc = config_give(g);

	if (rc)
		return msg_fail(
			m, "cannot give the VMM its configuration: %s", sk_error_text(rc));
	rc = proc_start(&g->proc);
	return rc ? msg_fail(m, "cannot start the VMM: %s", sk_error_text(rc)) : 0;
}

/*
 * Once the contexts that control made are gone, none of its threads runs, so none can wake
 * another.
 */
void guest_halt(struct guest *g)
{
	sk_cap_t sched[VM_VCPUS_MAX];
	uint64_t waited;
	uint32_t cpu;

	g->dom->has_vmm = false;
	image_leave(g);
	memcpy(sched, g->sched, sizeof(sched));
	for (uint32_t i = 0; i < VM_VCPUS_MAX; i++) {
		if (!sched[i])
			continue;
		(void)sk_sched_stats(sched[i], &g->ran[i], &waited, &cpu);
		(void)sk_revoke(SK_CAP_CNODE, sched[i]); /* the VMM's own capability */
		g->sched[i] = 0;
	}
	guest_keep(g); /* BUILD5 */
	for (uint32_t i = 0; i < VM_VCPUS_MAX; i++)
		cap_drop(sched[i]);
	if (g->proc_made)
		proc_stop(&g->proc);
}

/*
 * BUILD3. The other threads of the VMM, and whatever else could wake the first one, are gone
 * when the memory that they were made of is gone.
 */
void guest_stop(struct guest *g)
{
	guest_halt(g); /* first, so that no thread uses memory that is gone */
	guest_memory_give(g);
	if (g->proc_made)
		proc_stop(&g->proc);
}

void guest_unbuild(struct guest *g)
{
	g->unbuilding = true;
	guest_keep(g); /* BUILD5 */
	for (uint32_t i = 0; i < VM_VCPUS_MAX; i++) {
		cap_drop(g->sched[i]);
		g->sched[i] = 0;
	}
	vmctl_disconnect(g);
	if (g->proc_made)
		proc_destroy(&g->proc);
	g->proc_made = false;
	cap_drop(g->fault_ep);
	g->fault_ep = 0;
	own_memory_give(g);
}

/* ---- after a restart of control ---- */

/* The n-th piece of a set; false: it has that already, or never had so many. */
static bool set_adopt(struct pool_set *set, uint32_t nth, pool_piece_t piece)
{
	if (nth >= POOL_SET_MAX || set->piece[nth])
		return false;
	set->piece[nth] = piece;
	set->n++;
	return true;
}

static bool set_whole(const struct pool_set *set)
{
	for (uint32_t i = 0; i < set->n; i++)
		if (!set->piece[i])
			return false;
	return set->n;
}

/* Nothing that the guest was built with is missing. */
static bool memory_whole(const struct guest *g)
{
	bool whole = g->base && set_whole(&g->ram) && set_whole(&g->heap) &&
		     g->n_ram + g->n_more_max == ram_pieces(machine_maxmem(g->dom->config));

	for (uint32_t seat = 0; seat < GUEST_SEATS; seat++)
		whole = whole && (g->device[seat] || !guest_has_medium(g->dom->config, seat));
	for (uint32_t i = g->n_more; i < g->n_more_max; i++)
		whole = whole && !g->more[i];
	for (uint32_t i = 0; i < g->n_conns; i++) {
		uint32_t piece = link_piece(g->conn[i].step);

		whole = whole && (piece == GUEST_PIECES || g->device[piece]);
	}
	return whole;
}

static bool piece_adopt(pool_piece_t *place, pool_piece_t piece)
{
	if (*place)
		return false;
	*place = piece;
	return true;
}

/* False: there is no place for it. */
static bool owned_adopt(struct guest *g, const struct pool_node *n, pool_piece_t piece)
{
	switch (n->use) {
	case POOL_BASE:
		return piece_adopt(&g->base, piece);
	case POOL_HEAP:
		return set_adopt(&g->heap, n->nth, piece);
	case POOL_RAM:
		return set_adopt(&g->ram, n->nth, piece);
	case POOL_DEVICE:
		return n->nth < ARRAY_SIZE(g->device) && piece_adopt(&g->device[n->nth], piece);
	case POOL_MORE:
		return n->nth < g->n_more_max && piece_adopt(&g->more[n->nth], piece);
	default:
		return false;
	}
}

/*
 * The sets without their gaps, and what had no place: all that is left to do is to give it
 * back.
 */
static void memory_collect(struct guest *g, uint32_t n)
{
	pool_piece_t piece = 0;

	g->n_more = 0;
	memset(&g->ram, 0, sizeof(g->ram));
	memset(&g->heap, 0, sizeof(g->heap));
	while (g->n_more < n && (piece = pool_owned(&guest_pool, g->dom->domid, piece)) != 0) {
		bool own = piece == g->base;

		for (uint32_t i = 0; i < ARRAY_SIZE(g->device); i++)
			own = own || piece == g->device[i];
		if (!own)
			g->more[g->n_more++] = piece;
	}
}

/*
 * The piece that a VMM got last may have been on its way. A piece that it has cannot be given
 * twice, because it has no room for that.
 */
static void grow_complete(const struct guest *g)
{
	uint32_t i = g->n_more - 1;

	if (g->more && g->n_more)
		(void)sk_retype(pool_slot(&guest_pool, g->more[i]), SK_OBJ_UNTYPED,
			POOL_ORDER_RAM, g->proc.cnode, VM_CAP_RAM + g->n_ram + i, 1, 0);
}

int guest_memory_adopt(struct guest *g, bool *whole)
{
	uint32_t n = 0, room;
	pool_piece_t piece;

	for (piece = pool_owned(&guest_pool, g->dom->domid, 0); piece;
		piece = pool_owned(&guest_pool, g->dom->domid, piece))
		n++;
	room = g->n_more_max > n ? g->n_more_max : n;
	g->more = room ? calloc(room, sizeof(*g->more)) : NULL;
	if (room && !g->more)
		return -SK_E_NO_MEM;
	for (piece = pool_owned(&guest_pool, g->dom->domid, 0); piece;
		piece = pool_owned(&guest_pool, g->dom->domid, piece))
		*whole = owned_adopt(g, &guest_pool.node[piece], piece) && *whole;
	while (g->n_more < g->n_more_max && g->more[g->n_more])
		g->n_more++;
	for (uint32_t i = 0; set_whole(&g->ram) && i < g->ram.n; i++)
		g->n_ram += 1u << (pool_order(&guest_pool, g->ram.piece[i]) - POOL_ORDER_RAM);
	*whole = *whole && memory_whole(g);
	if (*whole)
		grow_complete(g);
	else
		memory_collect(g, n);
	return 0;
}

static uint64_t piece_bytes(pool_piece_t piece)
{
	return piece ? 1ull << pool_order(&guest_pool, piece) : 0;
}

void guest_facts(const struct guest *g, struct ctl_guest *f)
{
	struct caps_count c = { 0 };

	if (g->proc_made)
		caps_count(g->proc.cnode, &c);
	f->there = 1;
	f->connections = g->n_conns;
	f->memory = piece_bytes(g->base);
	f->has = (struct ctl_resources){ c.slots, c.used, c.frames, c.objects };
	f->served_ns = clock_ticks_to_ns(g->served_in_all);
	memcpy(f->unknown, g->stats.unknown, sizeof(f->unknown));
	memcpy(f->disk, g->stats.disk, sizeof(f->disk));
	memcpy(f->vif, g->stats.vif, sizeof(f->vif));
	memcpy(f->exits, g->stats.exits, sizeof(f->exits));
	for (uint32_t i = 0; i < ARRAY_SIZE(g->device); i++)
		f->memory += piece_bytes(g->device[i]);
	for (uint32_t i = 0; i < g->ram.n; i++)
		f->memory += piece_bytes(g->ram.piece[i]);
	for (uint32_t i = 0; i < g->heap.n; i++)
		f->memory += piece_bytes(g->heap.piece[i]);
	for (uint32_t i = 0; i < g->n_more; i++)
		f->memory += piece_bytes(g->more[i]);
}
