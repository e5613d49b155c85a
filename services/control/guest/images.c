/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * images.c - kernels that were unpacked, for other guests that boot from the same file
 *
 * Objects     struct image: memory of the pool, without an owner, so the next life of control
 *             begins without images; a frame of each piece of it.
 * Lifecycle   FILLING, by the VMM that asked for room; WHOLE when it says that it has unpacked
 *             the kernel; unused when its memory is given back.
 * Trust       VMMs are hostile once their guests run. An image is what a VMM made of a file
 *             before its guest ran, and of nothing else.
 * Invariants  IMAGES1 a VMM gets room once at most, and not after its guest may have run: a VMM
 *                     asks, and has the answer, before it starts a vCPU
 *             IMAGES2 nobody can write a WHOLE image, and nobody else reads one that is FILLING
 *             IMAGES3 the file is known by its number in a life of files, in which the volume
 *                     does not change. An image whose VMM has read in two lives is dropped
 *             IMAGES4 an image that a VMM can reach is not given back
 */
#include "guest/images.h"

#include "base/array.h"
#include "caps/caps.h"
#include "guest/guest_pool.h"
#include "guest/link.h"
#include "guest/slots.h"
#include "sys/sk.h"

enum {
	IMAGES_MAX = 16,
	/* A VMM's keep has room for its own mappings and these. */
	PIECES_MAX = 16,
};

/* IMAGES3 */
struct image_key {
	uint64_t file; /* 0: unknown */
	uint16_t life;
};

struct image {
	enum { IMAGE_UNUSED, IMAGE_FILLING, IMAGE_WHOLE } state;
	struct image_key key;
	struct pool_set memory;
	sk_cap_t frame[PIECES_MAX];
	uint64_t size;    /* of the kernel; FILLING: of the room */
	uint32_t users;   /* VMMs that can reach it */
	uint64_t used_at; /* the number of the last use */
};
static struct image images[IMAGES_MAX];
static uint64_t n_uses;

/* ---- memory ---- */

static uint64_t image_bytes(const struct image *m)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < m->memory.n; i++)
		bytes += 1ull << pool_order(&guest_pool, m->memory.piece[i]);
	return bytes;
}

static void image_drop(struct image *m)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(m->frame); i++)
		cap_drop(m->frame[i]);
	pool_give_set(&guest_pool, &m->memory);
	*m = (struct image){ 0 };
}

static int memory_take(struct image *m, uint64_t size)
{
	int rc;

	while ((rc = pool_take_set(&guest_pool, size, POOL_ORDER_RAM, &m->memory)) &&
		images_give_back())
		continue;
	if (!rc && m->memory.n > PIECES_MAX)
		rc = -SK_E_LIMIT;
	for (uint32_t i = 0; !rc && i < m->memory.n; i++)
		rc = slot_object(pool_slot(&guest_pool, m->memory.piece[i]), SK_OBJ_FRAME,
			pool_order(&guest_pool, m->memory.piece[i]), &m->frame[i]);
	return rc;
}

/* IMAGES4 */
bool images_give_back(void)
{
	struct image *oldest = NULL;

	for (uint32_t i = 0; i < IMAGES_MAX; i++)
		if (images[i].state == IMAGE_WHOLE && !images[i].users &&
			(!oldest || images[i].used_at < oldest->used_at))
			oldest = &images[i];
	if (oldest)
		image_drop(oldest);
	return oldest != NULL;
}

static uint64_t images_bytes(bool busy)
{
	uint64_t bytes = 0;

	for (uint32_t i = 0; i < IMAGES_MAX; i++)
		if (!images[i].users == !busy)
			bytes += image_bytes(&images[i]);
	return bytes;
}

uint64_t images_idle(void) { return images_bytes(false); }

uint64_t images_busy(void) { return images_bytes(true); }

/* ---- mappings ---- */

static int image_map(struct guest *g, struct image *m, uint32_t rights)
{
	uint64_t at = VM_IMAGE_VADDR;
	int rc = 0;

	g->image_used = m;
	g->image_from = proc_mark(&g->proc);
	m->users++;
	m->used_at = ++n_uses;
	for (uint32_t i = 0; !rc && i < m->memory.n; i++) {
		uint64_t size = 1ull << pool_order(&guest_pool, m->memory.piece[i]);

		rc = proc_map(&g->proc, m->frame[i], at, 0, size, rights);
		at += size;
	}
	g->image_to = proc_mark(&g->proc);
	return rc;
}

void image_leave(struct guest *g)
{
	struct image *m = g->image_used;

	if (!m)
		return;
	proc_unmap(&g->proc, g->image_from, g->image_to);
	g->image_used = NULL;
	m->users--;
	if (m->state == IMAGE_FILLING) /* IMAGES2 */
		image_drop(m);
}

/* ---- images of files ---- */

static bool key_same(const struct image_key *a, const struct image_key *b)
{
	return a->file == b->file && a->life == b->life;
}

/* What the guest's VMM reads from now on. */
static struct image_key key_of(const struct guest *g)
{
	for (uint32_t i = 0; i < g->n_conns; i++) {
		const struct guest_conn *c = &g->conn[i];

		if (c->step == LINK_KERNEL && !c->lost && !c->reopening)
			return (struct image_key){ c->kept.word[1], c->life };
	}
	return (struct image_key){ 0 };
}

static struct image *image_of(const struct image_key *key)
{
	for (uint32_t i = 0; i < IMAGES_MAX; i++)
		if (images[i].state != IMAGE_UNUSED && key_same(&images[i].key, key))
			return &images[i];
	return NULL;
}

static struct image *place_find(void)
{
	struct image *m = images;

	while (m < images + IMAGES_MAX && m->state != IMAGE_UNUSED)
		m++;
	if (m < images + IMAGES_MAX)
		return m;
	return images_give_back() ? place_find() : NULL;
}

uint64_t image_give(struct guest *g)
{
	struct image_key key = key_of(g);
	struct image *m = key.file ? image_of(&key) : NULL;

	g->image_asked = g->restore != VM_BOOT;
	if (!m || m->state != IMAGE_WHOLE)
		return 0;
	g->image_asked = true;
	if (!image_map(g, m, SK_R))
		return m->size;
	image_leave(g);
	return 0;
}

uint32_t image_room(struct guest *g, uint32_t size)
{
	struct image_key key = key_of(g);
	struct image *m;

	if (g->image_asked || g->dom->state != DOM_BUILDING)
		return 0;
	g->image_asked = true; /* IMAGES1 */
	if (!size || size > VM_IMAGE_MAX || !key.file || image_of(&key))
		return 0;
	m = place_find();
	if (!m)
		return 0;
	if (memory_take(m, size)) {
		image_drop(m);
		return 0;
	}
	m->state = IMAGE_FILLING;
	m->key = key;
	m->size = size;
	if (!image_map(g, m, SK_R | SK_W))
		return size;
	image_leave(g);
	return 0;
}

uint32_t image_filled(struct guest *g, uint32_t size)
{
	struct image_key key = key_of(g);
	struct image *m = g->image_used;

	if (!m || m->state != IMAGE_FILLING)
		return 0;
	if (!size || size > m->size || !key_same(&key, &m->key)) { /* IMAGES3 */
		image_leave(g);
		return 0;
	}
	proc_unmap(&g->proc, g->image_from, g->image_to); /* IMAGES2 */
	m->users--;
	m->state = IMAGE_WHOLE;
	m->size = size;
	if (!image_map(g, m, SK_R))
		return size;
	image_leave(g);
	return 0;
}
