/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.h - the files of the mounted volume, found by path and read by position
 *
 * It works on any ext2, ext3 or ext4 file system that libext2fs accepts; host tests run it on
 * images.
 */
#ifndef FILES_TREE_H
#define FILES_TREE_H

#include <stdint.h>
#include <ext2fs/ext2fs.h>
#include "proto/files.h"
#include <sk/types.h>

#define TREE_MOUNT "/guests"

struct tree_file {
	ext2_ino_t ino;
	/* enum files_type */
	uint32_t type;
	uint64_t size, mtime;
};

/* Mount read-only, instead of what was mounted; *why names what is wrong when it fails. */
int tree_mount(io_manager io, const char **why) must_check;
/*
 * Find the file that `path` (len bytes, not terminated) names. -SK_E_NOT_FOUND, -SK_E_INVAL
 * (the path is not absolute, is too long, or has a zero byte or ".." in it), -SK_E_IO (damaged
 * file system).
 */
int tree_find(const char *path, uint32_t len, struct tree_file *f) must_check;
/*
 * Read up to `length` bytes at `position`; *done: how many (fewer only at the end of the file).
 */
int tree_read(const struct tree_file *f, uint64_t position, void *out, uint64_t length,
	uint64_t *done) must_check;
/*
 * Fill `out` with struct files_dirent records, without the first `skip` entries; *n: how many.
 */
int tree_list(const struct tree_file *dir, uint64_t skip, void *out, uint64_t size,
	uint64_t *n) must_check;

#endif
