/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map.h - where the blocks of a file are on the volume
 *
 * The places of a file that was read lately are remembered, so the file system is not asked
 * again for each piece of it. The volume is mounted once and does not change.
 */
#ifndef FILES_MAP_H
#define FILES_MAP_H

#include <stdint.h>
#include <ext2fs/ext2fs.h>
#include <sk/types.h>

/*
 * Find the run of the file's blocks from `block` on, at most `max`, that follow each other on
 * the volume: *phys is the first one, or 0 for a hole, and *n how many there are, at least one.
 * Nothing says that they lie within the volume. -SK_E_IO: the file system is damaged or cannot
 * be read.
 */
int map_find(ext2_filsys fs, ext2_ino_t ino, uint64_t block, uint32_t max, uint64_t *phys,
	uint32_t *n) must_check;
/* Remember nothing. */
void map_forget(void);

#endif
