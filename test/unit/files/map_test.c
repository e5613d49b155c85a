/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * map_test.c - files with holes and in many pieces, on volumes with lists of blocks (ext2) and
 * with extents (ext4), which mke2fs and debugfs make
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

enum { IMAGE = 16 << 20, BLOCK = 1024, BIG = 6 << 20, PIECES = 1500, SMALL = 40 };

static uint8_t *image, *expected, *got;
static char dir[] = "/tmp/skerry-map-XXXXXX";
static struct struct_io_manager volume;
static unsigned long reads;

static errcode_t counted_read(io_channel c, unsigned long long block, int count, void *data)
{
	reads++;
	return volume.read_blk64(c, block, count, data);
}

static errcode_t counted_read_32(io_channel c, unsigned long block, int count, void *data)
{
	reads++;
	return volume.read_blk(c, block, count, data);
}

static void shell(const char *command) { assert_int_equal(system(command), 0); }

static void file_make(const char *name, uint32_t size, uint32_t step)
{
	FILE *f = fopen(name, "w");

	assert_non_null(f);
	for (uint32_t at = 0; at < size; at += 4)
		if (at / BLOCK % step == 0) {
			fseek(f, (long)at, SEEK_SET);
			fwrite(&at, 4, 1, f);
		}
	fclose(f);
}

/*
 * /big; /pieces: each second block is a hole; /s0 and so on; /late: data behind unwritten
 * blocks
 */
static int files_make(void **state)
{
	char name[32];

	(void)state;
	image = malloc(IMAGE);
	expected = malloc(BIG);
	got = malloc(BIG);
	if (!mkdtemp(dir) || chdir(dir))
		return -1;
	shell("mkdir d");
	file_make("d/big", BIG, 1);
	file_make("d/pieces", PIECES * 2 * BLOCK, 2);
	for (unsigned int i = 0; i < SMALL; i++) {
		snprintf(name, sizeof(name), "d/s%u", i);
		file_make(name, (i + 1) * BLOCK, 1);
	}
	shell("truncate -s 20480 d/late && printf end >> d/late");
	volume = volume_io;
	volume_io.read_blk64 = counted_read;
	volume_io.read_blk = counted_read_32;
	return 0;
}

static int files_remove(void **state)
{
	char command[64];

	(void)state;
	free(image);
	free(expected);
	free(got);
	snprintf(command, sizeof(command), "rm -r %s", dir);
	return system(command);
}

static void mount(const char *type, const char *change)
{
	const char *why;
	char command[256];
	FILE *f;

	/* what was never written is not zero */
	snprintf(command, sizeof(command), "head -c %d /dev/zero | tr '\\0' '\\252' > i.img",
		IMAGE);
	shell(command);
	snprintf(command, sizeof(command),
		"mke2fs -q -F -t %s -b %d -E nodiscard -d d i.img 2>/dev/null", type, BLOCK);
	shell(command);
	if (change) {
		snprintf(command, sizeof(command), "debugfs -w -R '%s' i.img 2>/dev/null",
			change);
		shell(command);
	}
	f = fopen("i.img", "r");
	assert_non_null(f);
	assert_int_equal(fread(image, 1, IMAGE, f), IMAGE);
	fclose(f);
	volume_use_memory(image, IMAGE);
	assert_int_equal(tree_mount(&volume_io, &why), 0);
}

static struct tree_file file(const char *name)
{
	struct tree_file f;

	assert_int_equal(tree_find(name, (uint32_t)strlen(name), &f), 0);
	return f;
}

/* Read a file in pieces of `size` bytes and compare it. */
static void compare(const char *name, uint32_t step, uint64_t size)
{
	struct tree_file f = file(name);
	uint64_t n, at;

	memset(expected, 0, f.size);
	for (uint32_t i = 0; i < f.size; i += 4)
		if (i / BLOCK % step == 0)
			memcpy(expected + i, &i, 4);
	memset(got, 0xff, f.size);
	for (at = 0; at < f.size; at += n) {
		assert_int_equal(tree_read(&f, at, got + at, size, &n), 0);
		assert_true(n == (f.size - at < size ? f.size - at : size));
	}
	assert_memory_equal(got, expected, f.size);
}

static const char *const types[] = { "ext2", "ext4" };

static void whole_files(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		mount(types[i], NULL);
		for (unsigned int k = 0; k < 2; k++) {
			compare("/guests/big", 1, BIG);
			compare("/guests/big", 1, 65536);
			compare("/guests/big", 1, 50001);
			compare("/guests/pieces", 2, 65536);
			compare("/guests/pieces", 2, 777);
		}
	}
}

/* The places are asked for once, however small the pieces are that are read. */
static void a_file_is_looked_up_once(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 2; i++) {
		mount(types[i], NULL);
		reads = 0;
		compare("/guests/big", 1, 65536);
		/* the path, the lists of 6144 blocks, runs that end within a piece */
		assert_in_range(reads, BIG / 65536, BIG / 65536 + 100);
		reads = 0;
		compare("/guests/big", 1, BLOCK);
		assert_in_range(reads, BIG / BLOCK, BIG / BLOCK + 50);
	}
}

static void more_files_than_are_remembered(void **state)
{
	char name[32];
	struct tree_file f;
	uint64_t n;
	uint32_t word;

	(void)state;
	mount("ext2", NULL);
	for (unsigned int i = 0; i < 4 * SMALL; i++) {
		snprintf(name, sizeof(name), "/guests/s%u", i * 7 % SMALL);
		compare(name, 1, 500);
		f = file("/guests/pieces");
		assert_int_equal(tree_read(&f, 4 * BLOCK, &word, 4, &n), 0);
		assert_int_equal(word, 4 * BLOCK);
	}
}

/* Blocks that are reserved for a file and were never written. */
static void unwritten_blocks_are_zero(void **state)
{
	struct tree_file f;
	uint64_t n;

	(void)state;
	mount("ext4", "fallocate late 2 12");
	f = file("/guests/late");
	memset(got, 0xff, 20483);
	assert_int_equal(tree_read(&f, 0, got, BIG, &n), 0);
	assert_int_equal(n, 20483);
	memset(expected, 0, 20480);
	assert_memory_equal(got, expected, 20480);
	assert_memory_equal(got + 20480, "end", 3);
}

/*
 * Lists of blocks, each of which is everywhere in the one above; there is an end to following
 * them.
 */
static struct tree_file endless(uint32_t first, uint32_t second, uint32_t third)
{
	const uint32_t lists[] = { first, second, third };
	struct tree_file f;

	mount("ext2", "sif s39 block[TIND] 16000");
	for (unsigned int k = 0; k < 3; k++)
		for (uint32_t i = 0; i < BLOCK / 4; i++)
			memcpy(image + (16000 + k) * BLOCK + 4 * (size_t)i, &lists[k], 4);
	compare("/guests/s0", 1, 500);
	f = file("/guests/s39");
	reads = 0;
	return f;
}

static void a_list_that_contains_itself(void **state)
{
	struct tree_file f = endless(16000, 0, 0);
	uint64_t n;

	(void)state;
	assert_int_equal(tree_read(&f, 0, got, BIG, &n), 0);
	assert_int_equal(n, SMALL * BLOCK);
	assert_in_range(reads, 1, 1000);
	/* behind what is remembered, but the file says that it is that long */
	f.size = 1ull << 34;
	reads = 0;
	assert_int_equal(tree_read(&f, 1ull << 33, got, BLOCK, &n), 0);
	assert_memory_equal(got, image + 16000 * BLOCK, BLOCK);
	assert_in_range(reads, 1, 10);
}

static void lists_of_nothing(void **state)
{
	struct tree_file f = endless(16001, 16002, 0);
	uint64_t n;

	(void)state;
	assert_int_equal(tree_read(&f, 0, got, BIG, &n), 0);
	assert_int_equal(n, SMALL * BLOCK);
	assert_in_range(reads, 1, 2000);
	f.size = 1ull << 34;
	assert_int_equal(tree_read(&f, 1ull << 33, got, BLOCK, &n), 0);
	memset(expected, 0, BLOCK);
	assert_memory_equal(got, expected, BLOCK);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(whole_files),
		cmocka_unit_test(a_file_is_looked_up_once),
		cmocka_unit_test(more_files_than_are_remembered),
		cmocka_unit_test(unwritten_blocks_are_zero),
		cmocka_unit_test(a_list_that_contains_itself),
		cmocka_unit_test(lists_of_nothing),
	};

	return cmocka_run_group_tests(tests, files_make, files_remove);
}
