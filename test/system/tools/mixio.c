/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * mixio DEVICE MIB ROUNDS - random mixed reads and writes with verification, in a guest
 *
 * Each of several processes owns a share of the device's blocks. Each word of a block contains
 * the block's place and the number of times that it was written. If a read finds anything else,
 * the program ends with status 1. Direct and buffered I/O alternate, with a flush now and then;
 * at the end, everything is read once more.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random.h"

enum { BLOCK = 4096, WORDS = BLOCK / 8, PROCESSES = 4, RUN_MAX = 16 };

static uint64_t word(uint64_t block, uint32_t version, unsigned int i)
{
	uint64_t x = (block << 32 | version) * 0x9e3779b97f4a7c15ull + i;

	return x ^ x >> 29;
}

static void fail(const char *what, uint64_t block)
{
	printf("mixio: %s, block %llu\n", what, (unsigned long long)block);
	exit(1);
}

static void fill(uint64_t *buf, uint64_t first, unsigned int n, const uint32_t *version)
{
	for (unsigned int b = 0; b < n; b++)
		for (unsigned int i = 0; i < WORDS; i++)
			buf[b * WORDS + i] = word(first + b, version[b], i);
}

static void check(const uint64_t *buf, uint64_t first, unsigned int n, const uint32_t *version)
{
	for (unsigned int b = 0; b < n; b++)
		for (unsigned int i = 0; version[b] && i < WORDS; i++)
			if (buf[b * WORDS + i] != word(first + b, version[b], i))
				fail("wrong data", first + b);
}

static void work(const char *device, uint64_t first, unsigned int blocks, unsigned int rounds)
{
	int direct = open(device, O_RDWR | O_DIRECT), buffered = open(device, O_RDWR);
	uint32_t *version = calloc(blocks, sizeof(*version));
	uint64_t *buf = aligned_alloc(BLOCK, RUN_MAX * BLOCK);

	if (direct < 0 || buffered < 0 || !version || !buf)
		fail("cannot start", first);
	for (unsigned int r = 0; r < rounds; r++) {
		unsigned int at = next_random() % blocks, n = 1 + next_random() % RUN_MAX;
		/*
		 * each half of a share is accessed in one way only, because the page cache does
		 * not see direct I/O
		 */
		int fd = at < blocks / 2 ? direct : buffered;
		unsigned int end = at < blocks / 2 ? blocks / 2 : blocks;
		off_t where = (off_t)(first + at) * BLOCK;
		ssize_t len;

		n = n < end - at ? n : end - at;
		len = (ssize_t)n * BLOCK;
		if (next_random() & 1) {
			for (unsigned int b = 0; b < n; b++)
				version[at + b]++;
			fill(buf, first + at, n, version + at);
			if (pwrite(fd, buf, (size_t)len, where) != len)
				fail("write failed", first + at);
		} else {
			if (pread(fd, buf, (size_t)len, where) != len)
				fail("read failed", first + at);
			check(buf, first + at, n, version + at);
		}
		if (r % 64 == 63 && fdatasync(fd))
			fail("flush failed", first + at);
	}
	if (fsync(buffered) || posix_fadvise(buffered, 0, 0, POSIX_FADV_DONTNEED))
		fail("flush failed", first);
	for (unsigned int b = 0; b < blocks; b++) {
		if (pread(direct, buf, BLOCK, (off_t)(first + b) * BLOCK) != BLOCK)
			fail("read failed", first + b);
		check(buf, first + b, 1, version + b);
	}
	exit(0);
}

int main(int argc, char **argv)
{
	unsigned int blocks, rounds, good = 0;
	int status;

	if (argc != 4)
		return 2;
	blocks = (unsigned int)atoi(argv[2]) * (1024 * 1024 / BLOCK) / PROCESSES;
	rounds = (unsigned int)atoi(argv[3]);
	for (unsigned int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			seed = 0x243f6a8885a308d3ull + i;
			work(argv[1], (uint64_t)i * blocks, blocks, rounds);
		}
	while (wait(&status) > 0)
		good += WIFEXITED(status) && !WEXITSTATUS(status);
	printf("mixio: %u of %d processes verified\n", good, PROCESSES);
	return good == PROCESSES ? 0 : 1;
}
