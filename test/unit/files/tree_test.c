/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * tree_test.c - paths, reads and listings on an ext4 image made by mke2fs, and on a damaged one
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "tree.h"
#include "volume.h"

enum { IMAGE = 8 << 20, BIG = 3000000 };

static uint8_t *image;

static void shell(const char *command) { assert_int_equal(system(command), 0); }

/* /a.cfg, /auto/x.cfg -> ../a.cfg, /big (a pattern), /sparse (a hole, then 5 bytes) */
static int image_make(void **state)
{
	char dir[] = "/tmp/skerry-tree-XXXXXX", path[64], command[256];
	FILE *f;

	(void)state;
	if (!mkdtemp(dir) || chdir(dir))
		return -1;
	shell("mkdir -p d/auto && echo 'name=\"a\"' > d/a.cfg && ln -s ../a.cfg d/auto/x.cfg");
	f = fopen("d/big", "w");
	for (uint32_t i = 0; i < BIG / 4; i++)
		fwrite(&i, 4, 1, f);
	fclose(f);
	shell("truncate -s 100000 d/sparse && printf hello >> d/sparse");
	snprintf(command, sizeof(command),
		"mke2fs -q -t ext4 -d d -L guests i.img %dk 2>/dev/null", IMAGE >> 10);
	shell(command);
	image = malloc(IMAGE);
	f = fopen("i.img", "r");
	if (!f || fread(image, 1, IMAGE, f) != IMAGE)
		return -1;
	fclose(f);
	memset(image, 0x55, 1024); /* a boot sector: block 0 is not zero */
	snprintf(path, sizeof(path), "rm -r %s", dir);
	shell(path);
	volume_use_memory(image, IMAGE);
	return 0;
}

static int image_free(void **state)
{
	(void)state;
	free(image);
	return 0;
}

static int find(const char *path, struct tree_file *f)
{
	return tree_find(path, (uint32_t)strlen(path), f);
}

static void before_mounting(void **state)
{
	struct tree_file f;

	(void)state;
	assert_int_equal(find("/guests/a.cfg", &f), -SK_E_NOT_FOUND);
}

static void damaged_superblock_is_refused(void **state)
{
	const char *why = NULL;

	(void)state;
	image[1024 + 56] ^= 0xff; /* magic */
	assert_int_equal(tree_mount(&volume_io, &why), -SK_E_IO);
	assert_non_null(why);
	image[1024 + 56] ^= 0xff;
	volume_use_memory(image, 1024);
	assert_int_equal(tree_mount(&volume_io, &why), -SK_E_IO);
	volume_use_memory(image, IMAGE);
	assert_int_equal(tree_mount(&volume_io, &why), 0);
}

static void paths(void **state)
{
	struct tree_file f;
	char longest[FILES_PATH_MAX + 1];

	(void)state;
	assert_int_equal(find("/guests/a.cfg", &f), 0);
	assert_int_equal(f.type, FILES_REGULAR);
	assert_int_equal(f.size, 9);
	assert_int_equal(find("/guests/auto/x.cfg", &f), 0); /* through a link */
	assert_int_equal(f.size, 9);
	assert_int_equal(find("/guests", &f), 0);
	assert_int_equal(f.type, FILES_DIRECTORY);
	assert_int_equal(find("/guests/", &f), 0);
	assert_int_equal(find("/guests/none", &f), -SK_E_NOT_FOUND);
	assert_int_equal(find("/guests/a.cfg/x", &f), -SK_E_NOT_FOUND);
	assert_int_equal(find("/guestsx", &f), -SK_E_NOT_FOUND);
	assert_int_equal(find("/guestsa.cfg", &f), -SK_E_NOT_FOUND);
	/* a plain name that begins with ".." */
	assert_int_equal(find("/guests/..x", &f), -SK_E_NOT_FOUND);
	assert_int_equal(find("/etc/passwd", &f), -SK_E_NOT_FOUND);
	assert_int_equal(find("guests/a.cfg", &f), -SK_E_INVAL);
	assert_int_equal(find("", &f), -SK_E_INVAL);
	assert_int_equal(find("/guests/../guests", &f), -SK_E_INVAL);
	assert_int_equal(find("/guests/..", &f), -SK_E_INVAL);
	assert_int_equal(tree_find("/guests\0/a.cfg", 14, &f), -SK_E_INVAL);
	memset(longest, 'a', sizeof(longest));
	longest[0] = '/';
	assert_int_equal(tree_find(longest, FILES_PATH_MAX, &f), -SK_E_INVAL);
}

static void reads(void **state)
{
	struct tree_file f;
	uint8_t *buf = malloc(BIG);
	uint64_t done;
	uint32_t word;

	(void)state;
	assert_int_equal(find("/guests/big", &f), 0);
	assert_int_equal(tree_read(&f, 0, buf, BIG, &done), 0);
	assert_int_equal(done, BIG);
	for (uint32_t i = 0; i < BIG / 4; i++) {
		memcpy(&word, buf + 4 * (size_t)i, 4);
		assert_int_equal(word, i);
	}
	assert_int_equal(tree_read(&f, 4 * 12345, &word, 4, &done), 0);
	assert_int_equal(word, 12345);
	assert_int_equal(tree_read(&f, BIG - 2, buf, 100, &done), 0);
	assert_int_equal(done, 2);
	assert_int_equal(tree_read(&f, UINT64_MAX, buf, UINT64_MAX, &done), 0);
	assert_int_equal(done, 0);
	assert_int_equal(find("/guests/sparse", &f), 0);
	memset(buf, 0xff, 100005);
	assert_int_equal(tree_read(&f, 0, buf, BIG, &done), 0);
	assert_int_equal(done, 100005);
	for (unsigned int i = 0; i < 100000; i++)
		assert_int_equal(buf[i], 0);
	assert_memory_equal(buf + 100000, "hello", 5);
	assert_int_equal(find("/guests", &f), 0);
	assert_int_equal(tree_read(&f, 0, buf, 10, &done), -SK_E_INVAL);
	free(buf);
}

static void listings(void **state)
{
	struct tree_file f;
	uint8_t buf[1024], names[256] = "";
	uint64_t n, m, at = 0;

	(void)state;
	memset(buf, 0xff, sizeof(buf));
	assert_int_equal(find("/guests", &f), 0);
	assert_int_equal(tree_list(&f, 0, buf, sizeof(buf), &n), 0);
	for (uint64_t i = 0; i < n; i++) {
		const struct files_dirent *d = (const void *)(buf + at);

		assert_int_equal(d->record_len % 8, 0);
		for (unsigned int k = d->name_len;
			&d->name[k] < (char *)buf + at + d->record_len; k++)
			assert_int_equal(d->name[k], 0); /* no earlier contents of the buffer */
		strcat((char *)names, d->name);
		strcat((char *)names, " ");
		if (strcmp(d->name, "big") == 0)
			assert_int_equal(d->size, BIG);
		at += d->record_len;
	}
	assert_non_null(strstr((char *)names, "a.cfg "));
	assert_non_null(strstr((char *)names, "auto "));
	assert_null(strstr((char *)names, ". "));
	assert_int_equal(tree_list(&f, n - 1, buf, sizeof(buf), &m), 0);
	assert_int_equal(m, 1);
	assert_int_equal(tree_list(&f, 0, buf, 40, &m), 0); /* room for one name */
	assert_int_equal(m, 1);
	assert_int_equal(tree_list(&f, 0, buf, 0, &m), 0);
	assert_int_equal(m, 0);
}

/* The directory above the volume contains only the volume's name. */
static void the_directory_above(void **state)
{
	struct tree_file f;
	uint8_t buf[64];
	const struct files_dirent *d = (const void *)buf;
	uint64_t n;

	(void)state;
	assert_int_equal(find("/", &f), 0);
	assert_int_equal(f.type, FILES_DIRECTORY);
	assert_int_equal(tree_list(&f, 0, buf, sizeof(buf), &n), 0);
	assert_int_equal(n, 1);
	assert_string_equal(d->name, "guests");
	assert_int_equal(d->type, FILES_DIRECTORY);
	assert_int_equal(tree_list(&f, 1, buf, sizeof(buf), &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(tree_list(&f, 0, buf, 16, &n), 0);
	assert_int_equal(n, 0);
	assert_int_equal(tree_read(&f, 0, buf, sizeof(buf), &n), -SK_E_INVAL);
}

static void block_beyond_the_volume(void **state)
{
	struct tree_file f;
	uint8_t buf[16];
	uint64_t done;

	(void)state;
	assert_int_equal(find("/guests/a.cfg", &f), 0);
	volume_use_memory(image, 64 << 10); /* the disk ends early */
	assert_int_equal(tree_read(&f, 0, buf, sizeof(buf), &done), -SK_E_IO);
	volume_use_memory(image, IMAGE);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(before_mounting),
		cmocka_unit_test(damaged_superblock_is_refused),
		cmocka_unit_test(paths),
		cmocka_unit_test(reads),
		cmocka_unit_test(listings),
		cmocka_unit_test(the_directory_above),
		cmocka_unit_test(block_beyond_the_volume),
	};

	return cmocka_run_group_tests(tests, image_make, image_free);
}
