/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stampio DEVICE MIB - writes stamped blocks with O_DIRECT, and verifies reads, until it is
 * told to end
 *
 * Each of several processes owns a share of the device's blocks. Each word of a block contains
 * the block's place and the number of times that it was written. An I/O error, or a read that
 * finds anything but what was written last, is reported as "TEST FAILED". The other lines
 * answer those that are typed: a word is repeated when every process has done some more I/O
 * since; after "end" all is read once more, and the line says how often blocks were written in
 * all, and a sum of their stamps.
 */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "random.h"

enum { BLOCK = 4096, WORDS = BLOCK / 8, PROCESSES = 3, RUN_MAX = 8, MORE = 10 };

/* Shared by all processes. */
static struct shared {
	volatile bool end;
	volatile uint64_t rounds[PROCESSES], writes[PROCESSES], sum[PROCESSES];
} * shared;

/* stamps.py computes the same. */
static uint64_t stamp(uint64_t block, uint32_t version) { return block << 32 | version; }

static void fail(const char *what, uint64_t block)
{
	printf("TEST FAILED: %s, block %llu\n", what, (unsigned long long)block);
	exit(1);
}

static void fill(uint64_t *buf, uint64_t first, unsigned int n, const uint32_t *version)
{
	for (unsigned int i = 0; i < n * WORDS; i++)
		buf[i] = stamp(first + i / WORDS, version[i / WORDS]);
}

static void check(const uint64_t *buf, uint64_t first, unsigned int n, const uint32_t *version)
{
	for (unsigned int i = 0; i < n * WORDS; i++)
		if (version[i / WORDS] &&
			buf[i] != stamp(first + i / WORDS, version[i / WORDS]))
			fail("wrong data", first + i / WORDS);
}

static void round_do(int fd, uint64_t *buf, uint64_t first, unsigned int blocks,
	uint32_t *version, unsigned int me)
{
	unsigned int at = next_random() % (blocks - RUN_MAX), n = 1 + next_random() % RUN_MAX;
	off_t where = (off_t)(first + at) * BLOCK;
	ssize_t len = (ssize_t)n * BLOCK;

	if (next_random() % 3) {
		for (unsigned int b = 0; b < n; b++)
			version[at + b]++;
		fill(buf, first + at, n, version + at);
		if (pwrite(fd, buf, (size_t)len, where) != len)
			fail("write failed", first + at);
		shared->writes[me] += n;
	} else {
		if (pread(fd, buf, (size_t)len, where) != len)
			fail("read failed", first + at);
		check(buf, first + at, n, version + at);
	}
	if (next_random() % 16 == 0 && fdatasync(fd))
		fail("flush failed", first + at);
}

static void work(const char *device, uint64_t first, unsigned int blocks, unsigned int me)
{
	int fd = open(device, O_RDWR | O_DIRECT);
	uint32_t *version = calloc(blocks, sizeof(*version));
	uint64_t *buf = aligned_alloc(BLOCK, RUN_MAX * BLOCK);

	if (fd < 0 || !version || !buf)
		fail("cannot start", first);
	for (; !shared->end; shared->rounds[me]++)
		round_do(fd, buf, first, blocks, version, me);
	if (fsync(fd))
		fail("flush failed", first);
	for (unsigned int b = 0; b < blocks; b++) {
		if (pread(fd, buf, BLOCK, (off_t)(first + b) * BLOCK) != BLOCK)
			fail("read failed", first + b);
		check(buf, first + b, 1, version + b);
		if (version[b])
			shared->sum[me] += stamp(first + b, version[b]);
	}
	exit(0);
}

/* Wait until every process has done more than now. */
static void rounds_wait(void)
{
	for (unsigned int i = 0; i < PROCESSES; i++) {
		uint64_t now = shared->rounds[i];

		while (shared->rounds[i] < now + MORE)
			usleep(1000);
	}
}

static void lines_answer(void)
{
	char line[64];

	while (fgets(line, sizeof(line), stdin)) {
		line[strcspn(line, "\r\n")] = 0;
		if (strcmp(line, "end") == 0)
			return;
		rounds_wait();
		printf("stampio: %s done\n", line);
	}
	fail("no more input", 0);
}

int main(int argc, char **argv)
{
	uint64_t writes = 0, sum = 0;
	unsigned int blocks, good = 0;
	int status;

	if (argc != 3)
		return 2;
	setvbuf(stdout, NULL, _IOLBF, 0);
	blocks = (unsigned int)atoi(argv[2]) * (1024 * 1024 / BLOCK) / PROCESSES;
	shared = mmap(NULL, sizeof(*shared), PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS,
		-1, 0);
	for (unsigned int i = 0; i < PROCESSES; i++)
		if (fork() == 0) {
			seed = 0x243f6a8885a308d3ull + i;
			work(argv[1], (uint64_t)i * blocks, blocks, i);
		}
	printf("stampio: begins\n");
	lines_answer();
	shared->end = true;
	while (wait(&status) > 0)
		good += WIFEXITED(status) && !WEXITSTATUS(status);
	for (unsigned int i = 0; i < PROCESSES; i++) {
		writes += shared->writes[i];
		sum += shared->sum[i];
	}
	printf("stampio: %u of %d good, %llu writes, sum %llx\n", good, PROCESSES,
		(unsigned long long)writes, (unsigned long long)sum);
	return good == PROCESSES ? 0 : 1;
}
