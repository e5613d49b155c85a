/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * space.c - address spaces: page tables and the frames mapped in them
 *
 * Objects     struct space and its root table. Tables and frames are slots, listed in
 *             space->mapped.
 * Locks       the tree lock.
 * Lifecycle   made by RETYPE; space_destroy() forgets what is mapped. When a table is deleted,
 *             its parent's entry becomes empty, and the processor no longer reaches the tables
 *             and pages below it.
 * Invariants  SPACE1 slot->space is set exactly while the slot is in that space's list
 *             SPACE2 every present leaf entry that the processor can reach points into a frame
 *                whose capability is in the list, at the address that its base says
 *             SPACE3 an entry is cleared only if it points into the frame (or at the table)
 *                that is being removed
 *             SPACE4 base is the address of the frame's first byte modulo 2^64; only addresses
 *                of the space are walked
 *             SPACE5 while base holds a cursor, nothing is mapped through the frame below the
 *                cursor; MAP removes it
 *             SPACE6 a frame or table leaves the list only when no processor and no IOMMU can
 *                use its old entries
 */
#include "space.h"
#include "thread.h"
#include "arch/x86_64/pte.h"

static bool is_io(const struct space *s) { return s->obj.type == SK_OBJ_SPACE_IO; }

void space_init(struct object *o, uint8_t order unused)
{
	struct space *s = space_of(o);

	s->root = space_tables(s);
	arch_space_init(s);
	if (is_io(s))
		arch_io_written(s, phys_to_virt(s->root), 512);
	if (is_io(s) && io_limits.levels < SPACE_LEVELS) {
		s->top = pte_io_table(s->root, 3, io_limits.amd);
		s->root = virt_to_phys(&s->top);
	}
	if (o->type == SK_OBJ_SPACE_HOST)
		arch_space_init_root(phys_to_virt(s->root));
}

unsigned int space_missing_level;

/* Without an IOMMU devices use physical addresses, which MAP returns. */
static bool has_tables(const struct space *s) { return !is_io(s) || io_limits.levels; }

/* The addresses of a space: from its start up to its end. */
static uint64_t space_start(const struct space *s)
{
	return s->obj.type == SK_OBJ_SPACE_HOST ? USER_START : 0;
}

static uint64_t space_end(const struct space *s)
{
	if (is_io(s))
		return io_limits.end;
	return s->obj.type == SK_OBJ_SPACE_HOST ? USER_END : NESTED_END;
}

static int table_missing(unsigned int level)
{
	space_missing_level = level;
	return -SK_E_NO_TABLE;
}

/*
 * The entry for vaddr in the table of this level: EXISTS when a large page lies in its place.
 */
static int entry_find(struct space *s, uint64_t vaddr, unsigned int level, uint64_t **e)
{
	unsigned int found;

	*e = pte_walk(phys_to_virt(s->root), vaddr, level, &found);
	if (found == level)
		return 0;
	return pte_present(**e) ? -SK_E_EXISTS : table_missing(found - 1);
}

/* Make processors, or IOMMUs, drop translations of the space. */
static void translations_drop(struct space *s, uint64_t vaddr, uint64_t size)
{
	if (is_io(s))
		arch_io_flush(s);
	else
		arch_tlb_shootdown(s, vaddr, size);
}

/* Nothing that was dropped is in use any more: 0, or SYS_RESTART. Processors need no wait. */
static int translations_gone(const struct space *s)
{
	return !is_io(s) || arch_io_settle(s) ? 0 : SYS_RESTART;
}

/* --- the list of a space ------------------------------------------------------------------ */

static void space_attach(struct space *s, struct slot *slot)
{
	slot->space = s; /* SPACE1 */
	slot->space_prev = NULL;
	slot->space_next = s->mapped;
	if (s->mapped)
		s->mapped->space_prev = slot;
	s->mapped = slot;
}

static void space_detach(struct space *s, struct slot *slot)
{
	if (slot->space_prev)
		slot->space_prev->space_next = slot->space_next;
	else
		s->mapped = slot->space_next;
	if (slot->space_next)
		slot->space_next->space_prev = slot->space_prev;
	slot->space = NULL;
}

void space_relink(struct slot *slot)
{
	if ((slot->type != SK_OBJ_FRAME && slot->type != SK_OBJ_TABLE) || !slot->space)
		return;
	if (slot->space_prev)
		slot->space_prev->space_next = slot;
	else
		slot->space->mapped = slot;
	if (slot->space_next)
		slot->space_next->space_prev = slot;
}

/* --- windows ------------------------------------------------------------------------------ */

static uint64_t window_base(const struct slot *frame)
{
	return frame->base & ~(SK_PAGE_SIZE - 1);
}

/*
 * How far an interrupted unmap has come. It stops only at addresses that are multiples of 2
 * MiB, so the cursor counts those.
 */
static uint64_t cursor_get(const struct slot *frame)
{
	uint64_t steps = frame->base & (SK_PAGE_SIZE - 1);

	return steps ? (steps << SK_LARGE_ORDER) - (window_base(frame) & (SK_LARGE_SIZE - 1))
		     : 0;
}

static void under_tree cursor_set(struct slot *frame, uint64_t offset)
{
	uint64_t base = window_base(frame), first = base & (SK_LARGE_SIZE - 1);

	slot_update(
		frame, frame->flags, base | (first + offset) >> SK_LARGE_ORDER); /* SPACE5 */
}

/* --- mapping ------------------------------------------------------------------------------ */

static unsigned int leaf_level(unsigned int order)
{
	return order >= SK_HUGE_ORDER ? 3 : order >= SK_LARGE_ORDER ? 2 : 1;
}

static int rights_check(const struct slot *frame, const struct space *s, unsigned int rights)
{
	unsigned int caching = rights & (SK_MAP_UNCACHED | SK_MAP_WRITE_COMBINE);

	if (rights & ~(SK_R | SK_W | SK_EXEC | SK_MAP_UNCACHED | SK_MAP_WRITE_COMBINE) ||
		!(rights & SK_R) || caching == (SK_MAP_UNCACHED | SK_MAP_WRITE_COMBINE))
		return -SK_E_INVAL;
	if (s->obj.type == SK_OBJ_SPACE_HOST && (rights & SK_W) && (rights & SK_EXEC))
		return -SK_E_INVAL;
	return rights & (SK_R | SK_W | SK_EXEC) & ~frame->rights ? -SK_E_RIGHTS : 0;
}

/* Not all IOMMUs have large pages. */
static int size_check(const struct space *s, unsigned int order)
{
	return has_tables(s) && is_io(s) && leaf_level(order) > io_limits.leaf_level
		       ? -SK_E_LIMIT
		       : 0;
}

static int range_check(const struct slot *frame, const struct space *s, uint64_t vaddr,
	uint64_t offset, unsigned int order)
{
	uint64_t size, step;

	if (order < SK_PAGE_ORDER || order > frame->order)
		return -SK_E_INVAL;
	size = 1ull << order;
	step = pte_span(leaf_level(order));
	if (offset & (size - 1) || vaddr & (step - 1) || (frame->paddr + offset) & (step - 1))
		return -SK_E_ALIGN;
	if (offset > (1ull << frame->order) - size)
		return -SK_E_RANGE;
	if (has_tables(s) && (vaddr < space_start(s) || vaddr >= space_end(s) ||
				     size > space_end(s) - vaddr))
		return -SK_E_RANGE;
	if (frame->space && (frame->space != s || window_base(frame) != vaddr - offset))
		return -SK_E_EXISTS;
	return 0;
}

/* Entries for a range: at most 256, so they lie in two tables at most. */
struct run {
	uint64_t *e, n;
};

/* All of them must exist and be empty. */
static int entries_find(
	struct space *s, uint64_t vaddr, uint64_t size, unsigned int level, struct run run[2])
{
	for (struct run *at = run; size; at++) {
		int rc = entry_find(s, vaddr, level, &at->e);

		if (rc)
			return rc;
		at->n = min_u64(512 - pte_index(vaddr, level), size / pte_span(level));
		for (uint64_t i = 0; i < at->n; i++)
			if (pte_present(at->e[i]))
				return -SK_E_EXISTS;
		vaddr += at->n * pte_span(level);
		size -= at->n * pte_span(level);
	}
	return 0;
}

static uint64_t entries_set(
	const struct space *s, const struct run *run, uint64_t leaf, uint64_t step)
{
	for (uint64_t i = 0; i < run->n; i++, leaf += step)
		store(&run->e[i], leaf); /* SPACE2 */
	if (is_io(s) && run->n)
		arch_io_written(s, run->e, run->n);
	return leaf;
}

static uint64_t leaf_entry(
	const struct space *s, uint64_t paddr, unsigned int rights, unsigned int level)
{
	return is_io(s) ? pte_io_leaf(paddr, rights, level, io_limits.amd)
			: pte_leaf(paddr, rights, level);
}

static uint64_t table_entry(const struct space *s, uint64_t paddr, unsigned int level)
{
	return is_io(s) ? pte_io_table(paddr, level, io_limits.amd) : pte_table(paddr);
}

static int under_tree space_map(struct slot *frame, struct space *s, uint64_t vaddr,
	uint64_t offset, unsigned int order, unsigned int rights)
{
	unsigned int level = leaf_level(order);
	struct run run[2] = { { NULL, 0 }, { NULL, 0 } };
	int rc = rights_check(frame, s, rights) ?: range_check(frame, s, vaddr, offset, order) ?:
		 size_check(s, order) ?:
		 (has_tables(s) ? entries_find(s, vaddr, 1ull << order, level, run) : 0);
	uint64_t leaf;

	if (rc)
		return rc;
	if (!frame->space)
		space_attach(s, frame);
	if (frame->base != vaddr - offset)
		slot_update(frame, frame->flags, vaddr - offset); /* SPACE5 */
	leaf = leaf_entry(s, frame->paddr + offset, rights, level);
	leaf = entries_set(s, &run[0], leaf, pte_span(level));
	entries_set(s, &run[1], leaf, pte_span(level));
	return 0;
}

int space_map_page(
	struct slot *slot, uint8_t owner, void *page, struct space *s, uint64_t vaddr)
{
	struct cap v = { SK_OBJ_FRAME, SK_R | SK_W, SK_PAGE_ORDER, owner, virt_to_phys(page),
		0 };
	int rc;

	slot_set(slot, NULL, &v);
	rc = space_map(slot, s, vaddr, 0, SK_PAGE_ORDER, SK_R | SK_W);
	if (rc)
		BUG_ON(slot_delete(slot));
	return rc;
}

static void table_fill(uint64_t *table, uint64_t large, unsigned int level)
{
	for (unsigned int i = 0; i < 512; i++)
		table[i] = large ? pte_split(large, level + 1) + i * pte_span(level) : 0;
}

static int under_tree space_map_table(
	struct slot *table, struct space *s, uint64_t vaddr, uint8_t level)
{
	uint64_t span, old, *e;
	int rc;

	rc = error_if(!has_tables(s), SK_E_CAP)
		     ?: error_if(level < 1 || level >= SPACE_LEVELS, SK_E_INVAL)
		     ?: error_if(table->space != NULL, SK_E_EXISTS);
	if (rc)
		return rc;
	span = pte_span(level + 1);
	vaddr &= ~(span - 1);
	if (vaddr >= space_end(s))
		return -SK_E_RANGE;
	rc = entry_find(s, vaddr, level + 1, &e)
		     ?: error_if(pte_is_table(*e, level + 1), SK_E_EXISTS);
	if (rc)
		return rc;
	old = *e;
	/* it may have been in use before: none of its old entries may come back */
	table_fill(phys_to_virt(table->paddr), pte_present(old) ? old : 0, level);
	table->order = level;
	space_attach(s, table);
	slot_update(table, table->flags, vaddr);
	if (is_io(s))
		arch_io_written(s, phys_to_virt(table->paddr), 512);
	store(e, table_entry(s, table->paddr, level));
	if (is_io(s))
		arch_io_written(s, e, 1);
	if (pte_present(old))
		translations_drop(s, vaddr, span);
	return 0;
}

/* --- unmapping ---------------------------------------------------------------------------- */

/*
 * The part of [*offset, *end) of the frame that lies at addresses of its space: false when
 * there is none. A window may begin below the first address, even below 0, and reach beyond the
 * last (SPACE4). It is at most 1 GiB from the space, so addresses can be compared as signed
 * numbers.
 */
static bool window_clip(const struct slot *frame, uint64_t *offset, uint64_t *end)
{
	uint64_t start, base = window_base(frame);

	if (!has_tables(frame->space))
		return false;
	start = space_start(frame->space);
	if ((int64_t)(base + *offset) < (int64_t)start)
		*offset = start - base;
	*end = min_u64(*end, space_end(frame->space) - base);
	return *offset < *end;
}

/* Of n entries of this level clear those that map the page in their place, the first paddr. */
static bool entries_clear(
	const struct space *s, uint64_t *e, uint64_t n, uint64_t paddr, unsigned int level)
{
	uint64_t mask = PTE_ADDR | PTE_PRESENT | (level > 1 ? PTE_LARGE : 0);
	uint64_t leaf = paddr | (mask & ~PTE_ADDR);
	bool found = false;

	for (uint64_t i = 0; i < n; i++, leaf += SK_PAGE_SIZE) {
		if ((load(&e[i]) & mask) != leaf)
			continue;
		store(&e[i], 0); /* SPACE3 */
		found = true;
	}
	if (found && is_io(s))
		arch_io_show(e, n * sizeof(*e));
	return found;
}

/*
 * Unmap from *offset up to end in steps: a table of 4 KiB entries, or one larger entry, present
 * or not. 0, or SYS_RESTART when an interrupt waits: then *offset says how far it came.
 */
static int range_unmap(const struct slot *frame, uint64_t *offset, uint64_t end)
{
	uint64_t vaddr, at, n, span, *e;
	unsigned int level;

	if (!window_clip(frame, offset, &end))
		return 0;
	while (*offset < end) {
		at = *offset;
		vaddr = window_base(frame) + at;
		e = pte_walk(phys_to_virt(frame->space->root), vaddr, 1, &level);
		/* to the end of what the entry, or the table of 4 KiB entries, translates */
		span = pte_span(level > 1 ? level : 2);
		*offset = min_u64(end, at + span - (vaddr & (span - 1)));
		n = level > 1 ? 1 : (*offset - at) / SK_PAGE_SIZE;
		if (entries_clear(frame->space, e, n, frame->paddr + at, level))
			translations_drop(frame->space, vaddr, *offset - at);
		if (*offset < end && arch_irq_pending())
			return SYS_RESTART;
	}
	return 0;
}

int frame_unmap_all(struct slot *frame)
{
	uint64_t offset;
	int rc;

	if (!frame->space)
		return 0;
	offset = cursor_get(frame);
	rc = range_unmap(frame, &offset, 1ull << frame->order);
	if (rc) {
		cursor_set(frame, offset);
		return rc;
	}
	rc = translations_gone(frame->space); /* SPACE6 */
	if (!rc)
		space_detach(frame->space, frame);
	return rc;
}

int table_unlink(struct slot *table)
{
	struct space *s = table->space;
	unsigned int level = table->order + 1;
	uint64_t *e;
	int rc;

	if (!s)
		return 0;
	if (!entry_find(s, table->base, level, &e) && pte_is_table(*e, level) &&
		pte_paddr(*e) == table->paddr) { /* SPACE3 */
		store(e, 0);
		if (is_io(s))
			arch_io_show(e, sizeof(*e));
		translations_drop(s, table->base, pte_span(level));
	}
	rc = translations_gone(s); /* SPACE6 */
	if (!rc)
		space_detach(s, table);
	return rc;
}

int space_destroy(struct object *o)
{
	struct space *s = space_of(o);

	o->dead = true;
	/*
	 * no thread and no vCPU has it any more; before its tables are freed, no CPU and no
	 * IOMMU may walk them
	 */
	arch_space_drop(s);
	if (is_io(s) && !arch_io_end(s))
		return SYS_RESTART;
	while (s->mapped) {
		space_detach(s, s->mapped);
		if (arch_irq_pending())
			return SYS_RESTART;
	}
	return 0;
}

/* --- system calls ------------------------------------------------------------------------- */

static int space_of_slot(const struct slot *slot, struct space **s)
{
	if (slot->type != SK_OBJ_SPACE_HOST && slot->type != SK_OBJ_SPACE_NESTED &&
		slot->type != SK_OBJ_SPACE_IO)
		return -SK_E_CAP;
	*s = space_of(slot->obj);
	return 0;
}

SYSCALL_HANDLER(MAP)
{
	struct slot *frame = a->slot[0];
	struct space *s;
	int rc = space_of_slot(a->slot[1], &s) ?: error_if(r->r8 > SK_HUGE_ORDER || r->r9 >> 32, SK_E_INVAL) ?:
		 space_map(frame, s, r->rdx, r->r10, (uint8_t)r->r8, (uint32_t)r->r9);

	if (!rc)
		r->rdi = has_tables(s) ? r->rdx : frame->paddr + r->r10;
	return rc;
}

static int unmap_check(const struct slot *frame, uint64_t offset, uint64_t order)
{
	return error_if(order < SK_PAGE_ORDER || order > frame->order, SK_E_INVAL)
		       ?: error_if(offset & ((1ull << order) - 1), SK_E_ALIGN)
		       ?: error_if(offset > (1ull << frame->order) - (1ull << order), SK_E_RANGE)
		       ?: error_if(!frame->space, SK_E_NOT_FOUND);
}

/* A part of a large page cannot be unmapped before the page is split. */
static int split_check(const struct slot *frame, uint64_t offset, uint64_t size)
{
	uint64_t end = offset + size, vaddr, *e;
	unsigned int level;

	if (!window_clip(frame, &offset, &end))
		return 0;
	vaddr = window_base(frame) + offset;
	e = pte_walk(phys_to_virt(frame->space->root), vaddr, 1, &level);
	if (level == 1 || !pte_present(*e) || size >= pte_span(level) ||
		pte_paddr(*e) + (vaddr & (pte_span(level) - 1)) != frame->paddr + offset)
		return 0;
	return table_missing(level - 1);
}

SYSCALL_HANDLER(UNMAP)
{
	struct slot *frame = a->slot[0];
	int rc = unmap_check(frame, r->rsi, r->rdx);

	if (rc)
		return rc;
	if (r->rdx == frame->order)
		return frame_unmap_all(frame); /* the window is free again */
	if (t->restart.stage == RESTART_NEW) {
		t->restart.stage = RESTART_FOUND;
		t->restart.value = r->rsi;
	}
	return split_check(frame, r->rsi, 1ull << r->rdx)
		       ?: range_unmap(frame, &t->restart.value, r->rsi + (1ull << r->rdx))
		       ?: translations_gone(frame->space);
}

SYSCALL_HANDLER(MAP_TABLE)
{
	struct space *s;

	return space_of_slot(a->slot[1], &s) ?: error_if(r->r10 >= SPACE_LEVELS, SK_E_INVAL) ?:
	       space_map_table(a->slot[0], s, r->rdx, (uint8_t)r->r10);
}

SYSCALL_HANDLER(IO_ASSIGN)
{
	struct space *s = space_of(a->slot[1]->obj);
	int rc = error_if(r->rdx >> 32, SK_E_INVAL) ?: error_if(!io_limits.levels, SK_E_NO_SYS) ?:
		 arch_io_assign(s, (uint32_t)r->rdx);

	return rc ?: translations_gone(s);
}

SYSCALL_HANDLER(IO_FAULT)
{
	struct io_fault f;

	if (!arch_io_fault(&f))
		return -SK_E_AGAIN;
	r->rdi = f.rid;
	r->rsi = f.addr;
	r->rdx = (f.write ? SK_IO_WRITE : 0) | (f.irq ? SK_IO_IRQ : 0) |
		 (uint64_t)f.reason << 8;
	return 0;
}
