/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.c - where the blocks of a file are on the volume, remembered as runs
 *
 * Objects     struct map: the runs of one file; the file that was read least recently makes
 *             room for another.
 * Trust       others made the file system. It decides neither how large a map is nor how long
 *             making it takes. Blocks behind the end of a map, which is also where an error was
 *             met, are looked up one by one.
 * Invariants  MAP1 runs are in the order of the file's blocks, without gaps, from block 0 to
 *                  the map's end
 */
#include "map.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

enum {
	MAPS = 16,
	RUNS_MAX = 512,
	/* Blocks, or extents, that are looked at for a map. */
	STEPS_MAX = 1 << 18
};

/* Up to where the next one begins; phys 0: a hole. */
struct run {
	uint64_t block, phys;
};
struct map {
	ext2_ino_t ino; /* 0: unused */
	uint32_t n, steps;
	uint64_t end, used;
	struct run run[RUNS_MAX];
};
static struct map maps[MAPS];
static uint64_t uses;

static bool run_follows(const struct run *r, uint64_t block, uint64_t phys)
{
	return r->phys ? phys == r->phys + (block - r->block) : !phys;
}

/* MAP1. False: there is no room, or the blocks are not in order. */
static bool run_add(struct map *m, uint64_t block, uint64_t phys, uint64_t n)
{
	if (block < m->end || n > UINT64_MAX - block)
		return false;
	if (block > m->end && !run_add(m, m->end, 0, block - m->end))
		return false;
	if (!m->n || !run_follows(&m->run[m->n - 1], block, phys)) {
		if (m->n == RUNS_MAX)
			return false;
		m->run[m->n++] = (struct run){ block, phys };
	}
	m->end = block + n;
	return true;
}

/* ---- blocks that the inode and indirect blocks list ---- */

static int block_take(ext2_filsys fs, blk64_t *phys, e2_blkcnt_t block, blk64_t ref_block,
	int ref_offset, void *map)
{
	struct map *m = map;

	(void)fs, (void)ref_block, (void)ref_offset;
	if (m->steps++ == STEPS_MAX)
		return BLOCK_ABORT;
	if (block < 0) /* of the list itself */
		return 0;
	return run_add(m, (uint64_t)block, *phys, 1) ? 0 : BLOCK_ABORT;
}

static void blocks_read(ext2_filsys fs, struct map *m)
{
	(void)ext2fs_block_iterate3(
		fs, m->ino, BLOCK_FLAG_READ_ONLY | BLOCK_FLAG_HOLE, NULL, block_take, m);
}

/* ---- extents ---- */

static bool extent_take(struct map *m, const struct ext2fs_extent *e)
{
	if (m->steps++ == STEPS_MAX)
		return false;
	if (!(e->e_flags & EXT2_EXTENT_FLAGS_LEAF)) /* of the tree itself */
		return true;
	return run_add(
		m, e->e_lblk, e->e_flags & EXT2_EXTENT_FLAGS_UNINIT ? 0 : e->e_pblk, e->e_len);
}

static void extents_read(ext2_filsys fs, struct map *m)
{
	struct ext2fs_extent e;
	ext2_extent_handle_t h;
	int op = EXT2_EXTENT_ROOT;

	if (ext2fs_extent_open(fs, m->ino, &h))
		return;
	while (!ext2fs_extent_get(h, op, &e) && extent_take(m, &e))
		op = EXT2_EXTENT_NEXT;
	ext2fs_extent_free(h);
}

/* ---- maps ---- */

static struct map *map_of(ext2_filsys fs, ext2_ino_t ino)
{
	struct map *m = maps;
	struct ext2_inode inode;

	for (struct map *i = maps; i < maps + MAPS; i++) {
		if (i->ino == ino)
			return i;
		if (i->used < m->used)
			m = i;
	}
	*m = (struct map){ .ino = ino };
	if (ext2fs_read_inode(fs, ino, &inode))
		return m;
	if (inode.i_flags & EXT4_EXTENTS_FL)
		extents_read(fs, m);
	else
		blocks_read(fs, m);
	return m;
}

static const struct run *run_at(const struct map *m, uint64_t block)
{
	uint32_t low = 0, high = m->n;

	while (high - low > 1) {
		uint32_t middle = (low + high) / 2;

		if (m->run[middle].block <= block)
			low = middle;
		else
			high = middle;
	}
	return &m->run[low];
}

static int block_look_up(ext2_filsys fs, ext2_ino_t ino, uint64_t block, uint64_t *phys)
{
	int flags;
	blk64_t found;

	if (ext2fs_bmap2(fs, ino, NULL, NULL, 0, block, &flags, &found))
		return -SK_E_IO;
	*phys = flags & BMAP_RET_UNINIT ? 0 : found;
	return 0;
}

int map_find(ext2_filsys fs, ext2_ino_t ino, uint64_t block, uint32_t max, uint64_t *phys,
	uint32_t *n)
{
	struct map *m = map_of(fs, ino);
	const struct run *r;
	uint64_t end;

	m->used = ++uses;
	if (block >= m->end) {
		*n = 1;
		return block_look_up(fs, ino, block, phys);
	}
	r = run_at(m, block);
	end = r + 1 < m->run + m->n ? r[1].block : m->end;
	*phys = r->phys ? r->phys + (block - r->block) : 0;
	*n = end - block < max ? (uint32_t)(end - block) : max;
	return 0;
}

void map_forget(void) { memset(maps, 0, sizeof(maps)); }
