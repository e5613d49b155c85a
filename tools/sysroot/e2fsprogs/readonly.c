/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * readonly.c - what the read paths of libext2fs name but never need: writing zeroes for new
 * blocks
 */
#include "config.h"
#include "ext2fs/ext2_fs.h"
#include "ext2fs/ext2fs.h"

errcode_t ext2fs_zero_blocks2(
	ext2_filsys fs, blk64_t blk, int num, blk64_t *ret_blk, int *ret_count)
{
	(void)blk;
	(void)num;
	(void)ret_blk;
	(void)ret_count;
	return fs ? EXT2_ET_RO_FILSYS : 0;
}
