/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * memory_op.c - memory_op: the balloon, the places of special pages, and the guest's questions
 * about its memory
 *
 * Locks       mem_lock around each change, so that no grant is taken during it. The physical
 *             map is the machine half's.
 * Lifecycle   A long list continues when the guest executes the hypercall again; the number of
 *             finished extents is above the command's bits, as the ABI defines it. A call that
 *             waits for memory from control continues in the same way: between its two halves
 *             the vCPU sleeps as in SCHEDOP_poll, so it can be stopped like a vCPU that polls.
 * Invariants  MEMOP1 the guest never gets more than max_pages
 *             MEMOP2 frame numbers are below GFN_LIMIT before use
 */
#include "xen/grant.h"
#include "xen/hypercall.h"
#include "xen/sched_op.h"
#include "xen/xen_domain.h"

#define CMD_BITS 6u
#define ORDER_MAX 9u /* 2 MiB: what Xen allows a domain without devices */

/* Control may change it at any time. */
static uint64_t max_pages(void)
{
	return __atomic_load_n(&xen_dom.p.max_pages, __ATOMIC_RELAXED);
}

void xen_maxmem_set(uint64_t pages)
{
	__atomic_store_n(&xen_dom.p.max_pages, pages, __ATOMIC_RELAXED);
}

static bool room_for(uint64_t pages)
{
	uint64_t held = edge_mem_pages(), max = max_pages();

	return held <= max && pages <= max - held; /* MEMOP1 */
}

/* Is a page of the VMM at gfn? Such a page is not RAM for the balloon. */
static bool special_at(uint64_t gfn)
{
	if (gfn == xen_dom.shared_gfn || gfn == xen_dom.p.store_pfn ||
		gfn == xen_dom.p.console_pfn)
		return true;
	for (uint32_t i = 0; i < xen_dom.n_grant_frames; i++)
		if (xen_dom.grant_gfn[i] == gfn)
			return true;
	return false;
}

/* 0 or -SK_E_*. */
static int extent_release(uint64_t gfn, unsigned int order)
{
	for (uint64_t i = 0; i < 1ull << order; i++)
		if (special_at(gfn + i) || edge_hole_make(gfn + i))
			return -SK_E_NOT_FOUND;
	return 0;
}

/* -SK_E_AGAIN, only from edge_hole_fill_or_ask(): control has to give memory first. */
static int extent_populate(uint64_t gfn, unsigned int order, int (*fill)(uint64_t gfn))
{
	uint64_t i, n = 1ull << order;
	int rc = 0;

	if (!room_for(n))
		return -SK_E_LIMIT;
	for (i = 0; i < n; i++) {
		rc = special_at(gfn + i) ? -SK_E_EXISTS : fill(gfn + i);
		if (rc)
			break;
	}
	if (i == n)
		return 0;
	while (i--) /* all or nothing */
		if (edge_hole_make(gfn + i))
			vm_log("balloon: page %#llx cannot be taken out again",
				(unsigned long long)(gfn + i));
	return rc;
}

static int extent_change(
	uint32_t cmd, uint64_t gfn, unsigned int order, int (*fill)(uint64_t gfn))
{
	int rc;

	if (gfn >= GFN_LIMIT || gfn & ((1ull << order) - 1)) /* MEMOP2 */
		return -SK_E_RANGE;
	mutex_lock(&xen_dom.mem_lock);
	rc = cmd == XENMEM_decrease_reservation ? extent_release(gfn, order)
						: extent_populate(gfn, order, fill);
	mutex_unlock(&xen_dom.mem_lock);
	return rc;
}

/*
 * The extent at gfn needs memory from control. True: the vCPU waits for the answer, and the
 * guest makes the call again. False: there is no more memory.
 */
static bool ram_wait(struct hcall *c, uint64_t gfn, uint64_t pages)
{
	struct xen_vcpu *vcpu = &xen_dom.vcpu[c->cpu];
	bool asked = vcpu->ram_number && vcpu->ram_gfn == gfn;
	enum ram_answer answer = asked ? edge_ram_answer(vcpu->ram_number) : RAM_GIVEN;

	if (answer == RAM_REFUSED) {
		vcpu->ram_number = 0;
		return false;
	}
	if (answer == RAM_GIVEN) { /* other vCPUs may have used it up: ask again */
		vcpu->ram_number = edge_ram_ask(pages);
		vcpu->ram_gfn = gfn;
	}
	sched_wait_kick(c->cpu);
	return true;
}

/* Limited to the pages that the guest can have, because it may ask for more. */
static uint64_t pages_of(uint64_t extents, unsigned int order)
{
	return extents < max_pages() ? extents << order : max_pages();
}

/*
 * The most extents whose number fits above the command's bits of an argument, and whose list
 * fits into the address space.
 */
static uint64_t extents_max(const struct hcall *c)
{
	return c->wide ? UINT64_MAX >> (CMD_BITS + 3) : UINT32_MAX >> CMD_BITS;
}

/* Returns how many extents were done, which may be fewer than requested. */
static int64_t reservation_change(struct hcall *c, uint32_t cmd, uint64_t start)
{
	struct xen_memory_reservation r;
	uint64_t i, gfn;
	int rc = HC_SELF(c, &r);

	if (rc)
		return rc;
	if (r.nr_extents > extents_max(c) || start > r.nr_extents)
		return (int64_t)start;
	if (cmd == XENMEM_increase_reservation || r.extent_order > ORDER_MAX)
		return (int64_t)start; /* memory without a place in the guest does not exist */
	for (i = start; i < r.nr_extents && c->budget; i++) {
		hc_spend(c, 1u << r.extent_order);
		if (!hc_words_get(c, &gfn, (uint64_t)r.extent_start.p + hc_word_size(c) * i, 1))
			return (int64_t)i;
		rc = extent_change(cmd, gfn, r.extent_order, edge_hole_fill_or_ask);
		if (rc == -SK_E_AGAIN) {
			if (ram_wait(c, gfn, pages_of(r.nr_extents - i, r.extent_order)))
				break;
			rc = extent_change(cmd, gfn, r.extent_order, edge_hole_fill);
		}
		if (rc)
			return (int64_t)i;
	}
	if (i < r.nr_extents) {
		c->arg[0] = cmd | i << CMD_BITS;
		c->again = true;
	}
	return (int64_t)i;
}

/* ---- special pages ---------------------------------------------------------------- */

/* mem_lock held: another page replaces the one that was shown at gfn. */
static void with_lock(xen_dom.mem_lock) place_forget(uint64_t gfn)
{
	if (xen_dom.shared_gfn == gfn)
		xen_dom.shared_gfn = UINT64_MAX;
	for (uint32_t i = 0; i < xen_dom.n_grant_frames; i++)
		if (xen_dom.grant_gfn[i] == gfn)
			xen_dom.grant_gfn[i] = UINT64_MAX;
}

static int64_t with_lock(xen_dom.mem_lock)
	page_show(struct guest_page *page, uint64_t *place, uint64_t gfn)
{
	if (edge_page_show(page, gfn))
		return -XEN_EINVAL;
	place_forget(gfn);
	*place = gfn;
	return 0;
}

static int64_t with_lock(xen_dom.mem_lock) grant_frame_show(uint64_t idx, uint64_t gfn)
{
	int rc;

	if (idx >= GRANT_FRAMES) /* status frames belong to version 2 */
		return -XEN_EINVAL;
	rc = grant_grow((uint32_t)idx + 1);
	return rc ? rc : page_show(&xen_dom.grant_page[idx], &xen_dom.grant_gfn[idx], gfn);
}

static int64_t physmap_add(uint32_t space, uint64_t idx, uint64_t gfn)
{
	int64_t rc;

	if (gfn >= GFN_LIMIT || gfn == xen_dom.p.store_pfn ||
		gfn == xen_dom.p.console_pfn) /* MEMOP2 */
		return -XEN_EINVAL;
	mutex_lock(&xen_dom.mem_lock);
	switch (space) {
	case XENMAPSPACE_shared_info:
		rc = idx ? -XEN_EINVAL
			 : page_show(&xen_dom.shared_page, &xen_dom.shared_gfn, gfn);
		break;
	case XENMAPSPACE_grant_table:
		rc = grant_frame_show(idx, gfn);
		break;
	case XENMAPSPACE_gmfn:
		if (idx >= GFN_LIMIT || special_at(idx) || idx == gfn) {
			rc = -XEN_EINVAL;
			break;
		}
		rc = edge_page_move(idx, gfn) ? -XEN_EINVAL : 0;
		if (rc == 0)
			place_forget(gfn);
		break;
	default:
		rc = space == XENMAPSPACE_gmfn_foreign ? -XEN_EPERM : -XEN_ENOSYS;
	}
	mutex_unlock(&xen_dom.mem_lock);
	return rc;
}

static int64_t add_to_physmap(struct hcall *c)
{
	struct xen_add_to_physmap a;
	int rc = HC_SELF(c, &a);

	return rc ? rc : physmap_add(a.space, a.idx, a.gpfn);
}

static int64_t add_to_physmap_batch(struct hcall *c, uint64_t start)
{
	struct xen_add_to_physmap_batch a;
	uint64_t i, idx, gfn;
	int rc;

	rc = HC_SELF(c, &a);
	if (rc)
		return rc;
	if (start > a.size)
		return -XEN_EINVAL;
	for (i = start; i < a.size && c->budget; i++) {
		hc_spend(c, 1);
		if (!hc_words_get(c, &idx, (uint64_t)a.idxs.p + hc_word_size(c) * i, 1) ||
			!hc_words_get(c, &gfn, (uint64_t)a.gpfns.p + hc_word_size(c) * i, 1))
			return -XEN_EFAULT;
		rc = (int)physmap_add(a.space, idx, gfn);
		if (!hc_out(c, (uint64_t)a.errs.p + 4 * i, &rc, 4))
			return -XEN_EFAULT;
	}
	if (i < a.size) {
		c->arg[0] = XENMEM_add_to_physmap_batch | i << CMD_BITS;
		c->again = true;
	}
	return 0;
}

static int64_t remove_from_physmap(struct hcall *c)
{
	struct xen_remove_from_physmap a;
	int64_t rc;

	rc = HC_SELF(c, &a);
	if (rc)
		return rc;
	if (a.gpfn >= GFN_LIMIT || a.gpfn == xen_dom.p.store_pfn ||
		a.gpfn == xen_dom.p.console_pfn)
		return -XEN_EINVAL;
	mutex_lock(&xen_dom.mem_lock);
	rc = edge_hole_make(a.gpfn) ? -XEN_ENOENT : 0;
	if (rc == 0)
		place_forget(a.gpfn);
	mutex_unlock(&xen_dom.mem_lock);
	return rc;
}

/* ---- questions -------------------------------------------------------------------- */

static int64_t memory_map_get(struct hcall *c)
{
	struct guest_range map[VM_MAP_MAX];
	struct xen_memory_map a;
	unsigned int n = edge_mem_map(map);

	if (HC_STRUCT(c, &a))
		return -XEN_EFAULT;
	if (a.nr_entries < n)
		n = a.nr_entries;
	if (!hc_out(c, (uint64_t)a.buffer.p, map, n * sizeof(map[0])))
		return -XEN_EFAULT;
	a.nr_entries = n;
	return HC_PUT(c, c->arg[1], &a) ? 0 : -XEN_EFAULT;
}

static int64_t question_answer(struct hcall *c, uint64_t answer)
{
	struct xen_memory_domain d;
	int rc = HC_SELF(c, &d);

	return rc ? rc : (int64_t)answer;
}

/* Arguments: command | extents done << 6, pointer to its structure. */
int64_t hc_memory_op(struct hcall *c)
{
	uint32_t cmd = (uint32_t)c->arg[0] & ((1u << CMD_BITS) - 1);
	uint64_t start = c->arg[0] >> CMD_BITS;

	switch (cmd) {
	case XENMEM_increase_reservation:
	case XENMEM_decrease_reservation:
	case XENMEM_populate_physmap:
		return reservation_change(c, cmd, start);
	case XENMEM_add_to_physmap_batch:
		return add_to_physmap_batch(c, start);
	default:
		break;
	}
	if (start) /* only the calls above are ever continued */
		return -XEN_ENOSYS;
	switch (cmd) {
	case XENMEM_add_to_physmap:
		return add_to_physmap(c);
	case XENMEM_remove_from_physmap:
		return remove_from_physmap(c);
	case XENMEM_memory_map:
		return memory_map_get(c);
	case XENMEM_maximum_ram_page:
		return (int64_t)edge_mem_max_gfn();
	case XENMEM_maximum_gpfn:
		return question_answer(c, edge_mem_max_gfn());
	case XENMEM_current_reservation:
		return question_answer(c, edge_mem_pages());
	case XENMEM_maximum_reservation:
		return question_answer(c, max_pages());
	case XENMEM_get_vnumainfo:
		return -XEN_EOPNOTSUPP;
	case XENMEM_set_pod_target:
	case XENMEM_get_pod_target:
	case XENMEM_acquire_resource:
	case XENMEM_set_memory_map:
		return -XEN_EPERM;
	default:
		return -XEN_ENOSYS;
	}
}
