/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * disk.c - requests to a block device past the page cache, DEPTH of them in flight
 */
#define _GNU_SOURCE
#include "measure.h"

#include <fcntl.h>
#include <linux/aio_abi.h>
#include <linux/fs.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "mark.h"

enum { DEPTH_MAX = 256, ALIGN = 4096 };

struct run {
	int fd;
	uint16_t opcode;
	int random;
	uint64_t bytes, blocks;
	aio_context_t aio;
	long depth;
	struct iocb request[DEPTH_MAX];
	uint8_t *buffer;
	/* Requests that were submitted, and the state of the random numbers. */
	uint64_t sent, x;
};

/* Marsaglia's xorshift: the same blocks in each run. */
static uint64_t block_choose(struct run *r)
{
	if (!r->random)
		return r->sent % r->blocks;
	r->x ^= r->x << 13;
	r->x ^= r->x >> 7;
	r->x ^= r->x << 17;
	return r->x % r->blocks;
}

static struct iocb *request_fill(struct run *r, long i)
{
	r->request[i] = (struct iocb){ .aio_data = (uint64_t)i,
		.aio_fildes = (uint32_t)r->fd,
		.aio_lio_opcode = r->opcode,
		.aio_buf = (uintptr_t)(r->buffer + (uint64_t)i * r->bytes),
		.aio_nbytes = r->bytes,
		.aio_offset = (int64_t)(block_choose(r) * r->bytes) };
	r->sent++;
	return &r->request[i];
}

static void submit(struct run *r, struct iocb **list, long n)
{
	if (n && syscall(SYS_io_submit, r->aio, n, list) != n)
		die("io_submit");
}

/* Do `count` requests, and wait for the last. */
static void requests_run(struct run *r, uint64_t count)
{
	struct iocb *list[DEPTH_MAX];
	struct io_event event[DEPTH_MAX];
	uint64_t done = 0;
	long n = 0;

	r->sent = 0;
	while (n < r->depth && r->sent < count) {
		list[n] = request_fill(r, n);
		n++;
	}
	submit(r, list, n);
	while (done < count) {
		long got = syscall(SYS_io_getevents, r->aio, 1L, r->depth, event, NULL);

		if (got < 0)
			die("io_getevents");
		n = 0;
		for (long i = 0; i < got; i++, done++) {
			if (event[i].res != (int64_t)r->bytes)
				die("a request");
			if (r->sent < count)
				list[n++] = request_fill(r, (long)event[i].data);
		}
		submit(r, list, n);
	}
}

void disk_main(char **arg)
{
	static struct run r = { .x = 88172645463325252ull };
	uint64_t size, count = strtoull(arg[5], NULL, 0);

	r.opcode = arg[1][0] == 'w' ? IOCB_CMD_PWRITE : IOCB_CMD_PREAD;
	r.random = arg[2][0] == 'r';
	r.bytes = strtoull(arg[3], NULL, 0);
	r.depth = atol(arg[4]);
	r.fd = open(arg[0], O_RDWR | O_DIRECT);
	if (r.fd < 0 || ioctl(r.fd, BLKGETSIZE64, &size) || !r.bytes || size < r.bytes)
		die(arg[0]);
	r.blocks = size / r.bytes;
	if (r.depth < 1 || r.depth > DEPTH_MAX || syscall(SYS_io_setup, r.depth, &r.aio) ||
		posix_memalign((void **)&r.buffer, ALIGN, r.bytes * (uint64_t)r.depth))
		die("depth");
	memset(r.buffer, 0x5a, r.bytes * (uint64_t)r.depth);
	requests_run(&r, 2 * (uint64_t)r.depth); /* with empty caches */
	mark_begin();
	requests_run(&r, count);
	mark_end();
	row_print(arg[6], count);
}
