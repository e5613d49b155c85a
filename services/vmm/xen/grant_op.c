/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grant_op.c - grant_table_op: the guest's own use of its grant table
 *
 * A guest cannot use grants of another domain: such an element fails with a status, and the
 * call succeeds.
 *
 * Locks       mem_lock for each element.
 */
#include "xen/grant.h"
#include "xen/hypercall.h"
#include "xen/xen_domain.h"

union element {
	struct gnttab_map_grant_ref map;
	struct gnttab_unmap_grant_ref unmap;
	struct gnttab_unmap_and_replace replace;
	struct gnttab_setup_table setup;
	struct gnttab_query_size size;
	struct gnttab_copy copy;
	struct gnttab_set_version set_version;
	struct gnttab_get_version get_version;
	struct gnttab_cache_flush flush;
};

static int16_t self_status(domid_t d) { return dom_self(d) ? GNTST_okay : GNTST_bad_domain; }

static int64_t element_map(struct hcall *c, union element *e)
{
	(void)c;
	/* A domain cannot map its own grants: it has the pages already. */
	e->map.status = dom_self(e->map.dom) ? GNTST_general_error : GNTST_bad_domain;
	e->map.handle = ~0u;
	return 0;
}

static int64_t element_unmap(struct hcall *c, union element *e)
{
	(void)c;
	e->unmap.status = GNTST_bad_handle;
	return 0;
}

static int64_t element_unmap_and_replace(struct hcall *c, union element *e)
{
	(void)c;
	e->replace.status = GNTST_bad_handle;
	return 0;
}

/* Return where the guest has mapped the frames; all ones for a frame that it has not mapped. */
static int64_t with_lock(xen_dom.mem_lock)
	element_setup_table(struct hcall *c, union element *e)
{
	uint32_t i, n = e->setup.nr_frames;
	uint64_t list = (uint64_t)e->setup.frame_list.p;

	e->setup.status = self_status(e->setup.dom);
	if (e->setup.status)
		return 0;
	if (grant_grow(n)) {
		e->setup.status = GNTST_general_error;
		return 0;
	}
	for (i = 0; i < n; i++)
		if (!hc_words_put(c, list + hc_word_size(c) * i, &xen_dom.grant_gfn[i], 1))
			e->setup.status = GNTST_bad_virt_addr;
	return 0;
}

static int64_t element_query_size(struct hcall *c, union element *e)
{
	(void)c;
	e->size.status = self_status(e->size.dom);
	if (e->size.status == GNTST_okay) {
		e->size.nr_frames = xen_dom.n_grant_frames;
		e->size.max_nr_frames = GRANT_FRAMES;
	}
	return 0;
}

static int64_t element_set_version(struct hcall *c, union element *e)
{
	(void)c;
	if (e->set_version.version != 1 && e->set_version.version != 2)
		return -XEN_EINVAL;
	return e->set_version.version == 1 ? 0 : -XEN_ENOSYS;
}

static int64_t element_get_version(struct hcall *c, union element *e)
{
	(void)c;
	if (!dom_self(e->get_version.dom))
		return dom_check(e->get_version.dom);
	e->get_version.version = 1;
	return 0;
}

/* RAM is coherent, so there is nothing to flush: only errors are reported. */
static int64_t element_cache_flush(struct hcall *c, union element *e)
{
	const struct gnttab_cache_flush *f = &e->flush;

	(void)c;
	if ((uint32_t)f->offset + f->length > SK_PAGE_SIZE)
		return -XEN_EINVAL;
	if (f->op & ~(GNTTAB_CACHE_INVAL | GNTTAB_CACHE_CLEAN))
		return -XEN_EOPNOTSUPP;
	return 0;
}

/* One side of a copy: the page, and whether a grant must be given back. */
struct side {
	uint8_t *page;
	uint32_t ref;
	bool granted;
};

static int16_t with_lock(xen_dom.mem_lock) side_take(
	const struct gnttab_copy_ptr *p, bool gref, enum grant_use use, struct side *s)
{
	void *page;
	int rc;

	*s = (struct side){ .ref = p->u.ref, .granted = gref };
	if (!dom_self(p->domid))
		return GNTST_bad_domain;
	if (!gref) {
		s->page = guest_frame(p->u.gmfn);
		return s->page ? GNTST_okay : GNTST_bad_page;
	}
	rc = grant_acquire(p->u.ref, (domid_t)xen_dom.p.domid, use, &page);
	s->page = page;
	return (int16_t)rc;
}

static void with_lock(xen_dom.mem_lock) side_put(const struct side *s, enum grant_use use)
{
	if (!s->granted && use == GRANT_WRITE)
		edge_gmem_wrote(s->page, SK_PAGE_SIZE);
	if (s->granted)
		grant_release(s->ref, use, s->page);
}

static int16_t with_lock(xen_dom.mem_lock) copy_one(const struct gnttab_copy *op)
{
	struct side src, dst;
	int16_t rc;

	if ((uint32_t)op->source.offset + op->len > SK_PAGE_SIZE ||
		(uint32_t)op->dest.offset + op->len > SK_PAGE_SIZE)
		return GNTST_bad_copy_arg;
	rc = side_take(&op->source, op->flags & GNTCOPY_source_gref, GRANT_READ, &src);
	if (rc)
		return rc;
	rc = side_take(&op->dest, op->flags & GNTCOPY_dest_gref, GRANT_WRITE, &dst);
	if (rc == GNTST_okay) {
		memmove(dst.page + op->dest.offset, src.page + op->source.offset, op->len);
		side_put(&dst, GRANT_WRITE);
	}
	side_put(&src, GRANT_READ);
	return rc;
}

static int64_t with_lock(xen_dom.mem_lock) element_copy(struct hcall *c, union element *e)
{
	(void)c;
	e->copy.status = copy_one(&e->copy);
	return 0;
}

/* A function, and its structure: the size, and the layout if that of 32-bit code differs. */
#define ELEMENT(function, s) \
	.fn = (function), .size = sizeof(struct s), .layout = LAYOUT_OF((struct s *)NULL)
static const struct grant_op {
	int64_t (*fn)(struct hcall *c, union element *e);
	uint8_t size;
	const struct layout *layout;
	/* The structure carries results. */
	bool out;
	/* The call takes one element only. */
	bool single;
} ops[] = {
	[GNTTABOP_map_grant_ref] = { ELEMENT(element_map, gnttab_map_grant_ref), .out = true },
	[GNTTABOP_unmap_grant_ref] = { ELEMENT(element_unmap, gnttab_unmap_grant_ref),
		.out = true },
	[GNTTABOP_unmap_and_replace] = { ELEMENT(element_unmap_and_replace,
						 gnttab_unmap_and_replace),
		.out = true },
	[GNTTABOP_setup_table] = { ELEMENT(element_setup_table, gnttab_setup_table),
		.out = true, .single = true },
	[GNTTABOP_query_size] = { ELEMENT(element_query_size, gnttab_query_size), .out = true,
		.single = true },
	[GNTTABOP_copy] = { ELEMENT(element_copy, gnttab_copy), .out = true },
	[GNTTABOP_set_version] = { ELEMENT(element_set_version, gnttab_set_version),
		.out = true, .single = true },
	[GNTTABOP_get_version] = { ELEMENT(element_get_version, gnttab_get_version),
		.out = true, .single = true },
	[GNTTABOP_cache_flush] = { ELEMENT(element_cache_flush, gnttab_cache_flush) },
};

static int64_t element_run(struct hcall *c, const struct grant_op *op, uint64_t at)
{
	union element e;
	int64_t rc;

	memset(&e, 0, sizeof(e));
	if (!hc_get(c, op->layout, &e, op->size, at))
		return -XEN_EFAULT;
	mutex_lock(&xen_dom.mem_lock);
	rc = op->fn(c, &e);
	mutex_unlock(&xen_dom.mem_lock);
	if (rc == 0 && op->out && !hc_put(c, op->layout, at, &e, op->size))
		rc = -XEN_EFAULT;
	return rc;
}

/* Arguments: operation, array, number of elements. */
int64_t hc_grant_table_op(struct hcall *c)
{
	uint32_t op = (uint32_t)c->arg[0], left = (uint32_t)c->arg[2];
	const struct layout *l;
	int64_t rc;

	if ((int32_t)left < 0)
		return -XEN_EINVAL;
	if (op >= ARRAY_SIZE(ops) || !ops[op].fn)
		return -XEN_ENOSYS;
	if (ops[op].single && left != 1)
		return -XEN_EINVAL;
	l = ops[op].layout;
	for (; left && c->budget; left--) {
		hc_spend(c, 1);
		rc = element_run(c, &ops[op], c->arg[1]);
		if (rc)
			return rc;
		c->arg[1] += l && !c->wide ? l->compat_size : ops[op].size;
	}
	c->arg[2] = left;
	c->again = left != 0;
	return 0;
}
