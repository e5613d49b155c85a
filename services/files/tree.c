/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree.c - the files of the mounted volume
 *
 * Trust       the volume was made on another machine. libext2fs checks the structures, and this
 *             file checks its results (sizes, block numbers, name lengths) before it uses them.
 * Invariants  TREE1 a run of blocks is read only if it lies within the block count of the
 *                   superblock.
 */
#include "tree.h"

#include <string.h>
#include "map.h"
#include "volume.h"

enum {
	/* Blocks read in one go. */
	RUN_MAX = 256,
	/* Not an inode: the directory "/", in which the volume is mounted. */
	ABOVE = 0
};

static ext2_filsys fs;

int tree_mount(io_manager io, const char **why)
{
	errcode_t rc;

	if (fs)
		ext2fs_free(fs);
	fs = NULL;
	map_forget();
	rc = ext2fs_open2("volume", NULL, EXT2_FLAG_64BITS, 0, 0, io, &fs);
	*why = rc == 0 ? NULL : error_message(rc);
	return rc == 0 ? 0 : rc == EXT2_ET_NO_MEMORY ? -SK_E_NO_MEM : -SK_E_IO;
}

static int path_check(const char *path, uint32_t len)
{
	if (len == 0 || len >= FILES_PATH_MAX || path[0] != '/' || memchr(path, 0, len))
		return -SK_E_INVAL;
	for (uint32_t i = 0; i + 2 < len; i++)
		if (memcmp(path + i, "/..", 3) == 0 && (i + 3 == len || path[i + 3] == '/'))
			return -SK_E_INVAL;
	return 0;
}

static int file_load(ext2_ino_t ino, struct tree_file *f)
{
	struct ext2_inode inode;

	if (ext2fs_read_inode(fs, ino, &inode))
		return -SK_E_IO;
	f->ino = ino;
	f->type = LINUX_S_ISREG(inode.i_mode)   ? FILES_REGULAR
		  : LINUX_S_ISDIR(inode.i_mode) ? FILES_DIRECTORY
						: FILES_OTHER;
	f->size = EXT2_I_SIZE(&inode);
	f->mtime = inode.i_mtime;
	return 0;
}

int tree_find(const char *path, uint32_t len, struct tree_file *f)
{
	const size_t mount_len = sizeof(TREE_MOUNT) - 1;
	char name[FILES_PATH_MAX];
	ext2_ino_t ino;
	errcode_t err;
	int rc = path_check(path, len);

	if (rc)
		return rc;
	if (len == 1 && fs) {
		*f = (struct tree_file){ .ino = ABOVE, .type = FILES_DIRECTORY };
		return 0;
	}
	if (len < mount_len || memcmp(path, TREE_MOUNT, mount_len) != 0 ||
		(len > mount_len && path[mount_len] != '/'))
		return -SK_E_NOT_FOUND;
	memcpy(name, path + mount_len, len - mount_len);
	name[len - mount_len] = 0;
	if (!fs)
		return -SK_E_NOT_FOUND;
	err = ext2fs_namei_follow(fs, EXT2_ROOT_INO, EXT2_ROOT_INO, name[0] ? name : "/", &ino);
	if (err)
		return err == EXT2_ET_FILE_NOT_FOUND || err == EXT2_ET_NO_DIRECTORY
			       ? -SK_E_NOT_FOUND
			       : -SK_E_IO;
	return file_load(ino, f);
}

/* Read blocks from [block, block + max) into buf, up to the end of one run; *n: how many. */
static int run_read(
	const struct tree_file *f, uint64_t block, uint32_t max, uint8_t *buf, uint32_t *n)
{
	uint64_t phys, blocks = ext2fs_blocks_count(fs->super);
	int rc = map_find(fs, f->ino, block, max, &phys, n);

	if (rc)
		return rc;
	if (phys == 0) {
		memset(buf, 0, (size_t)*n * fs->blocksize);
		return 0;
	}
	if (phys >= blocks || *n > blocks - phys) /* TREE1 */
		return -SK_E_IO;
	return io_channel_read_blk64(fs->io, phys, (int)*n, buf) ? -SK_E_IO : 0;
}

/* Read a part of one block, or several whole blocks; *n: how many bytes. */
static int piece_read(const struct tree_file *f, uint64_t position, uint64_t length,
	uint8_t *out, uint64_t *n)
{
	/* libext2fs mounts no volume with larger blocks. */
	static uint8_t part[EXT2_MAX_BLOCK_SIZE];
	uint64_t block = position / fs->blocksize, skip = position % fs->blocksize;
	uint64_t whole = length / fs->blocksize;
	uint32_t blocks;
	int rc;

	if (!skip && whole) {
		rc = run_read(
			f, block, whole < RUN_MAX ? (uint32_t)whole : RUN_MAX, out, &blocks);
		*n = (uint64_t)blocks * fs->blocksize;
		return rc;
	}
	rc = run_read(f, block, 1, part, &blocks);
	if (rc)
		return rc;
	*n = fs->blocksize - skip < length ? fs->blocksize - skip : length;
	memcpy(out, part + skip, *n);
	return 0;
}

int tree_read(const struct tree_file *f, uint64_t position, void *out, uint64_t length,
	uint64_t *done)
{
	uint64_t n;
	int rc = 0;

	*done = 0;
	if (f->type != FILES_REGULAR)
		return -SK_E_INVAL;
	if (position >= f->size)
		return 0;
	if (length > f->size - position)
		length = f->size - position;
	while (!rc && *done < length) {
		rc = piece_read(
			f, position + *done, length - *done, (uint8_t *)out + *done, &n);
		if (!rc)
			*done += n;
	}
	return rc;
}

struct listing {
	uint8_t *out;
	uint64_t size, used, skip, n;
};

/* DIRENT_ABORT: no room. */
static int list_put(struct listing *l, const char *name, uint16_t name_len, ext2_ino_t ino)
{
	uint16_t record_len = (uint16_t)((sizeof(struct files_dirent) + name_len + 1 + 7) &
					 ~7u);
	struct files_dirent d = {
		.name_len = name_len, .record_len = record_len, .type = FILES_OTHER
	};
	struct tree_file f;

	if (record_len > l->size - l->used)
		return DIRENT_ABORT;
	if (file_load(ino, &f) == 0) {
		d.size = f.size;
		d.type = f.type;
	}
	memset(l->out + l->used, 0, record_len);
	memcpy(l->out + l->used, &d, sizeof(d));
	memcpy(l->out + l->used + offsetof(struct files_dirent, name), name, name_len);
	l->used += record_len;
	l->n++;
	return 0;
}

static int list_entry(ext2_ino_t dir, int entry, struct ext2_dir_entry *de, int offset,
	int blocksize, char *buf, void *priv)
{
	struct listing *l = priv;
	uint16_t name_len = (uint16_t)ext2fs_dirent_name_len(de);

	(void)dir;
	(void)entry;
	(void)offset;
	(void)blocksize;
	(void)buf;
	if (name_len == 0 || (name_len == 1 && de->name[0] == '.') ||
		(name_len == 2 && memcmp(de->name, "..", 2) == 0))
		return 0;
	if (l->skip) {
		l->skip--;
		return 0;
	}
	return list_put(l, de->name, name_len, de->inode);
}

int tree_list(const struct tree_file *dir, uint64_t skip, void *out, uint64_t size, uint64_t *n)
{
	struct listing l = { .out = out, .size = size, .skip = skip };

	if (dir->type != FILES_DIRECTORY)
		return -SK_E_INVAL;
	if (dir->ino == ABOVE) {
		if (skip == 0)
			(void)list_put(
				&l, &TREE_MOUNT[1], sizeof(TREE_MOUNT) - 2, EXT2_ROOT_INO);
		*n = l.n;
		return 0;
	}
	if (ext2fs_dir_iterate2(fs, dir->ino, 0, NULL, list_entry, &l))
		return -SK_E_IO;
	*n = l.n;
	return 0;
}
