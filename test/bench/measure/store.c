/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * store.c - requests of a guest's program to xenstore, one after the other
 *
 * A transaction is a start, a read, a write and the end.
 */
#include "measure.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "mark.h"

/* Types of messages (Xen's public/io/xs_wire.h) */
enum {
	XS_READ = 2,
	XS_TRANSACTION_START = 6,
	XS_TRANSACTION_END = 7,
	XS_WRITE = 11,
	XS_ERROR = 16
};

enum { PAYLOAD_MAX = 4096 };

struct message {
	uint32_t type, request, transaction, length;
};

static int bus = -1;
/* The last answer, with a zero byte behind it. */
static char answer[PAYLOAD_MAX + 1];
static const char node[] = "data/measure";
/* Path, zero byte, value. */
static const char assignment[] = "data/measure\0value-0123";

static void bytes_read(void *to, size_t n)
{
	for (char *p = to; n;) {
		ssize_t got = read(bus, p, n);

		if (got <= 0)
			die("xenbus");
		p += got;
		n -= (size_t)got;
	}
}

static void ask(uint32_t type, uint32_t transaction, const void *body, uint32_t length)
{
	char request[PAYLOAD_MAX];
	struct message m = { .type = type, .transaction = transaction, .length = length };

	memcpy(request, &m, sizeof(m));
	memcpy(request + sizeof(m), body, length);
	if (write(bus, request, sizeof(m) + length) != (ssize_t)(sizeof(m) + length))
		die("xenbus");
	bytes_read(&m, sizeof(m));
	if (m.length > PAYLOAD_MAX)
		die("an answer");
	bytes_read(answer, m.length);
	answer[m.length] = 0;
	if (m.type == XS_ERROR) {
		fprintf(stderr, "measure: xenstore says %s\n", answer);
		exit(1);
	}
}

static void node_read(uint32_t transaction) { ask(XS_READ, transaction, node, sizeof(node)); }

/* The value has no zero byte at its end. */
static void node_write(uint32_t transaction)
{
	ask(XS_WRITE, transaction, assignment, sizeof(assignment) - 1);
}

static void transaction_run(void)
{
	uint32_t t;

	ask(XS_TRANSACTION_START, 0, "", 1);
	t = (uint32_t)strtoul(answer, NULL, 10);
	node_read(t);
	node_write(t);
	ask(XS_TRANSACTION_END, t, "T", 2);
}

static void request_run(const char *what)
{
	if (what[0] == 'r')
		node_read(0);
	else if (what[0] == 'w')
		node_write(0);
	else
		transaction_run();
}

void store_main(char **arg)
{
	uint64_t n = strtoull(arg[1], NULL, 0);

	bus = open("/dev/xen/xenbus", O_RDWR);
	if (bus < 0)
		die("/dev/xen/xenbus");
	node_write(0);
	request_run(arg[0]);
	mark_begin();
	for (uint64_t i = 0; i < n; i++)
		request_run(arg[0]);
	mark_end();
	row_print(arg[2], n);
}
