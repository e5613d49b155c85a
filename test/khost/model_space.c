/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model_space.c - the translations of each space, as lists of tables and pages
 */
#include "arch/x86_64/pte.h"
#include "fake.h"
#include "model.h"
#include "space.h"

bool is_space(unsigned int type)
{
	return type == SK_OBJ_SPACE_HOST || type == SK_OBJ_SPACE_NESTED ||
	       type == SK_OBJ_SPACE_IO;
}

/* --- lists -------------------------------------------------------------------------------- */

static struct m_leaf *leaf_find(uint64_t space, uint64_t vaddr)
{
	for (unsigned int i = 0; i < model.n_leaves; i++) {
		struct m_leaf *l = &model.leaf[i];

		if (l->space == space && vaddr >= l->vaddr &&
			vaddr - l->vaddr < pte_span(l->level))
			return l;
	}
	return NULL;
}

static struct m_table *table_find(uint64_t space, uint64_t vaddr, unsigned int level)
{
	for (unsigned int i = 0; i < model.n_tables; i++) {
		struct m_table *t = &model.table[i];

		if (t->space == space && t->level == level &&
			t->vaddr == (vaddr & ~(pte_span(level + 1) - 1)))
			return t;
	}
	return NULL;
}

static void leaf_add(struct m_leaf l)
{
	if (model.n_leaves == LEAVES_MAX)
		fail("the model has no room for another page");
	model.leaf[model.n_leaves++] = l;
}

static void leaf_drop(struct m_leaf *l) { *l = model.leaf[--model.n_leaves]; }

static void table_add(struct m_table t)
{
	if (model.n_tables == TABLES_MAX)
		fail("the model has no room for another table");
	model.table[model.n_tables++] = t;
}

/* Drop all translations of [vaddr, vaddr + size) by tables below this level. */
static void range_drop(uint64_t space, uint64_t vaddr, uint64_t size, unsigned int level)
{
	for (unsigned int i = model.n_leaves; i-- > 0;)
		if (model.leaf[i].space == space && model.leaf[i].vaddr - vaddr < size &&
			model.leaf[i].level < level)
			leaf_drop(&model.leaf[i]);
	for (unsigned int i = model.n_tables; i-- > 0;)
		if (model.table[i].space == space && model.table[i].vaddr - vaddr < size &&
			model.table[i].level < level)
			model.table[i] = model.table[--model.n_tables];
}

void space_end_model(uint64_t space)
{
	for (unsigned int i = 0; i < CAPS_MAX; i++)
		if (model.cap[i].id && model.cap[i].space == space)
			model.cap[i].space = model.cap[i].base = 0;
	range_drop(space, 0, UINT64_MAX, SPACE_LEVELS);
}

/* --- calls -------------------------------------------------------------------------------- */

static uint64_t start_of(const struct m_object *s)
{
	return s->type == SK_OBJ_SPACE_HOST ? USER_START : 0;
}
static uint64_t end_of(const struct m_object *s)
{
	if (s->type == SK_OBJ_SPACE_IO)
		return io_limits.end;
	return s->type == SK_OBJ_SPACE_HOST ? USER_END : NESTED_END;
}

/* The level of the table that is part of the space itself. */
static unsigned int levels_of(uint64_t space)
{
	return space_levels(space_of((struct object *)space));
}

static unsigned int level_of(uint64_t order)
{
	return order >= SK_HUGE_ORDER ? 3 : order >= SK_LARGE_ORDER ? 2 : 1;
}

/* Errors unless there is an entry of this level for vaddr, and it is free. */
static errors_t entry_errors(
	uint64_t space, uint64_t vaddr, unsigned int level, bool must_be_free)
{
	const struct m_leaf *l = leaf_find(space, vaddr);
	unsigned int above;

	if (l && (l->level > level || must_be_free))
		return ERROR(EXISTS);
	if (level > levels_of(space))
		return ERROR(EXISTS);
	for (above = levels_of(space) - 1; above >= level; above--)
		if (!table_find(space, vaddr, above))
			return ERROR(NO_TABLE);
	return must_be_free && level > 1 && table_find(space, vaddr, level - 1) ? ERROR(EXISTS)
										: 0;
}

errors_t model_map(struct m_cap *frame, const struct m_object *space, uint64_t vaddr,
	uint64_t offset, uint64_t order, uint64_t rights)
{
	bool io = space->type == SK_OBJ_SPACE_IO && !io_limits.levels;
	uint64_t access = rights & (SK_R | SK_W | SK_EXEC),
		 caching = rights & (SK_MAP_UNCACHED | SK_MAP_WRITE_COMBINE);
	errors_t e = 0;
	uint64_t size, step;

	if (rights != (access | caching) || !(access & SK_R) ||
		caching == (SK_MAP_UNCACHED | SK_MAP_WRITE_COMBINE))
		e |= ERROR(INVAL);
	if (space->type == SK_OBJ_SPACE_HOST && access & SK_W && access & SK_EXEC)
		e |= ERROR(INVAL);
	if (access & ~(uint64_t)frame->rights)
		e |= ERROR(RIGHTS);
	if (order < SK_PAGE_ORDER || order > frame->order)
		return e | ERROR(INVAL);
	size = 1ull << order;
	step = pte_span(level_of(order));
	if (offset % size || vaddr % step || (frame->what + offset) % step)
		e |= ERROR(ALIGN);
	if (offset > (1ull << frame->order) - size)
		e |= ERROR(RANGE);
	if (!io && (vaddr < start_of(space) || vaddr >= end_of(space) ||
			   size > end_of(space) - vaddr))
		e |= ERROR(RANGE);
	if (space->type == SK_OBJ_SPACE_IO && !io && level_of(order) > io_limits.leaf_level)
		e |= ERROR(LIMIT);
	if (frame->space && (frame->space != space->id || frame->base != vaddr - offset))
		e |= ERROR(EXISTS);
	for (uint64_t at = 0; !io && !(e & (ERROR(RANGE) | ERROR(ALIGN))) && at < size;
		at += step)
		e |= entry_errors(space->id, vaddr + at, level_of(order), true);
	if (e)
		return e;
	frame->space = space->id;
	frame->base = vaddr - offset;
	for (uint64_t at = 0; !io && at < size; at += step)
		leaf_add((struct m_leaf){ space->id, vaddr + at, frame->what + offset + at,
			(uint8_t)level_of(order), (uint8_t)rights });
	return 0;
}

/* Split a large page in its place. */
static void leaf_split(struct m_leaf *l)
{
	struct m_leaf large = *l;
	uint64_t span = pte_span(large.level - 1);

	leaf_drop(l);
	for (unsigned int i = 0; i < 512; i++)
		leaf_add((struct m_leaf){ large.space, large.vaddr + i * span,
			large.paddr + i * span, (uint8_t)(large.level - 1), large.rights });
}

errors_t model_map_table(
	struct m_cap *table, const struct m_object *space, uint64_t vaddr, uint64_t level)
{
	struct m_leaf *l;
	errors_t e = 0;

	if (space->type == SK_OBJ_SPACE_IO && !io_limits.levels)
		e |= ERROR(CAP);
	if (level < 1 || level >= SPACE_LEVELS)
		return e | ERROR(INVAL);
	if (table->space)
		e |= ERROR(EXISTS);
	vaddr &= ~(pte_span((unsigned int)level + 1) - 1);
	if (vaddr >= end_of(space))
		e |= ERROR(RANGE);
	else if (!(e & ERROR(CAP)))
		e |= entry_errors(space->id, vaddr, (unsigned int)level + 1, false);
	if (table_find(space->id, vaddr, (unsigned int)level))
		e |= ERROR(EXISTS);
	if (e)
		return e;
	l = leaf_find(space->id, vaddr);
	if (l)
		leaf_split(l);
	table_add((struct m_table){ space->id, vaddr, table->what, (uint8_t)level });
	table->space = space->id;
	table->base = vaddr;
	table->order = (uint8_t)level;
	return 0;
}

/* Drop the pages of the frame that are in their places, from this offset. */
static void window_drop(const struct m_cap *frame, uint64_t offset, uint64_t size)
{
	for (unsigned int i = model.n_leaves; i-- > 0;) {
		const struct m_leaf *l = &model.leaf[i];
		uint64_t at = l->vaddr - frame->base;

		if (l->space == frame->space && at >= offset && at - offset < size &&
			l->paddr == frame->what + at)
			leaf_drop(&model.leaf[i]);
	}
}

errors_t model_unmap(struct m_cap *frame, uint64_t offset, uint64_t order)
{
	const struct m_leaf *l;
	errors_t e = 0;

	if (order < SK_PAGE_ORDER || order > frame->order)
		return ERROR(INVAL);
	if (offset % (1ull << order))
		e |= ERROR(ALIGN);
	if (offset > (1ull << frame->order) - (1ull << order))
		e |= ERROR(RANGE);
	if (!frame->space)
		return e | ERROR(NOT_FOUND);
	l = leaf_find(frame->space, frame->base + offset);
	if (order != frame->order && l && pte_span(l->level) > 1ull << order &&
		l->paddr - l->vaddr == frame->what - frame->base)
		e |= ERROR(NO_TABLE); /* a part of a large page */
	if (e)
		return e;
	window_drop(frame, offset, 1ull << order);
	if (order == frame->order)
		frame->space = frame->base = 0;
	return 0;
}

void mapping_end(struct m_cap *c)
{
	const struct m_table *t;

	if (!c->space)
		return;
	if (c->type == SK_OBJ_FRAME) {
		window_drop(c, 0, 1ull << c->order);
	} else {
		t = table_find(c->space, c->base, c->order);
		if (t && t->paddr == c->what)
			range_drop(c->space, c->base, pte_span(c->order + 1u), c->order + 1u);
	}
	c->space = c->base = 0;
}

/* --- the kernel's tables ------------------------------------------------------------------ */

static bool importing;
static unsigned int leaves_met, tables_met;

static bool meeting_io; /* entries that say nothing about execution */

static unsigned int rights_in(uint64_t e)
{
	return SK_R | (e & PTE_WRITE ? SK_W : 0) | (e & PTE_NX || meeting_io ? 0 : SK_EXEC);
}

static void leaf_meet(uint64_t space, uint64_t vaddr, uint64_t e, unsigned int level)
{
	const struct m_leaf *l;
	uint64_t paddr = pte_paddr(e);

	if (importing) {
		leaf_add((struct m_leaf){
			space, vaddr, paddr, (uint8_t)level, (uint8_t)rights_in(e) });
		return;
	}
	leaves_met++;
	l = leaf_find(space, vaddr);
	if (!l)
		fail("model: space %lx translates %lx to %lx and should not", space, vaddr,
			paddr);
	if (l->vaddr != vaddr || l->level != level || l->paddr != paddr ||
		(l->rights & (meeting_io ? SK_R | SK_W : SK_ALL)) != rights_in(e))
		fail("model: space %lx translates %lx to %lx, level %u, rights %x; it should be %lx, level %u, rights %x",
			space, vaddr, paddr, level, rights_in(e), l->paddr, l->level,
			l->rights);
}

static void tables_meet(
	uint64_t space, const uint64_t *table, unsigned int level, uint64_t base)
{
	unsigned int end = level == SPACE_LEVELS ? 256 : 512;

	for (unsigned int i = 0; i < end; i++) {
		uint64_t e = table[i], vaddr = base + i * pte_span(level);

		if (pte_is_table(e, level)) {
			if (importing)
				table_add((struct m_table){
					space, vaddr, pte_paddr(e), (uint8_t)(level - 1) });
			tables_met++;
			tables_meet(space, phys_to_virt(pte_paddr(e)), level - 1, vaddr);
		} else if (pte_present(e)) {
			leaf_meet(space, vaddr, e, level);
		}
	}
}

static void spaces_meet(void)
{
	leaves_met = tables_met = 0;
	for (unsigned int i = 0; i < OBJECTS_MAX; i++) {
		const struct m_object *o = &model.object[i];
		const struct space *s = space_of((struct object *)o->id);

		if (!o->id || !is_space(o->type))
			continue;
		meeting_io = o->type == SK_OBJ_SPACE_IO;
		if (space_levels(s))
			tables_meet(o->id, phys_to_virt(space_tables(s)), space_levels(s), 0);
	}
}

void spaces_import(void)
{
	importing = true;
	spaces_meet();
	importing = false;
}

void spaces_compare(void)
{
	spaces_meet();
	if (leaves_met != model.n_leaves || tables_met != model.n_tables)
		fail("model: the kernel translates %u pages with %u tables; it should be %u with %u",
			leaves_met, tables_met, model.n_leaves, model.n_tables);
}
