/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * storeuser.c - uses xenstore from a guest without a pause: storeuser
 *
 * Each round writes a value and reads it back, waits for a watch to tell of it, and counts in a
 * transaction, which is repeated as long as its end is refused with EAGAIN. Nothing else may
 * fail. The counter has to go up by one in each round. Ends when the node data/stop is there.
 */
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { READ = 2, WATCH = 4, TXN_START = 6, TXN_END = 7, WRITE = 11, EVENT = 15, ERROR = 16 };
enum { PAYLOAD = 4096, LARGE = 1900, PATIENCE_MS = 120000 };

struct header {
	uint32_t type, req_id, tx_id, len;
};

static char answer[PAYLOAD + 1];
static unsigned int round_number;

static void fail(const char *what, ...)
{
	va_list ap;

	printf("storeuser: FAILED in round %u: ", round_number);
	va_start(ap, what);
	vprintf(what, ap);
	va_end(ap);
	printf("\n");
	exit(1);
}

static int bus_open(void)
{
	int fd = open("/dev/xen/xenbus", O_RDWR);

	if (fd < 0)
		fail("/dev/xen/xenbus: %s", strerror(errno));
	return fd;
}

static void all_read(int fd, void *to, size_t len)
{
	struct pollfd p = { .fd = fd, .events = POLLIN };

	for (size_t at = 0; at < len;) {
		ssize_t n;

		if (poll(&p, 1, PATIENCE_MS) != 1)
			fail("no answer");
		n = read(fd, (char *)to + at, len - at);
		if (n <= 0)
			fail("read: %s", strerror(errno));
		at += (size_t)n;
	}
}

/* The next message goes into `answer`; returns its type. */
static uint32_t receive(int fd)
{
	struct header h;

	all_read(fd, &h, sizeof(h));
	if (h.len > PAYLOAD)
		fail("an answer of %u bytes", h.len);
	all_read(fd, answer, h.len);
	answer[h.len] = '\0';
	return h.type;
}

/* Sends `path`, a NUL and `value`. */
static void send(
	int fd, uint32_t type, uint32_t tx, const char *path, const char *value, size_t len)
{
	struct header h = {
		.type = type, .tx_id = tx, .len = (uint32_t)(strlen(path) + 1 + len)
	};
	char message[sizeof(h) + PAYLOAD];

	memcpy(message, &h, sizeof(h));
	strcpy(message + sizeof(h), path);
	memcpy(message + sizeof(h) + strlen(path) + 1, value, len);
	if (write(fd, message, sizeof(h) + h.len) != (ssize_t)(sizeof(h) + h.len))
		fail("write: %s", strerror(errno));
}

/* Returns whether the answer is no error. */
static int ask(
	int fd, uint32_t type, uint32_t tx, const char *path, const char *value, size_t len)
{
	send(fd, type, tx, path, value, len);
	return receive(fd) == type;
}

static void must(int fd, uint32_t type, uint32_t tx, const char *path, const char *value)
{
	if (!ask(fd, type, tx, path, value, strlen(value)))
		fail("request %u of %s: %s", type, path, answer);
}

static void write_and_read(int fd, const char *number)
{
	char large[LARGE + 1];

	must(fd, WRITE, 0, "data/number", number);
	must(fd, READ, 0, "data/number", "");
	if (strcmp(answer, number))
		fail("%s was written, and %s read", number, answer);
	memset(large, 'a' + (int)(round_number % 26), LARGE);
	large[LARGE] = '\0';
	must(fd, WRITE, 0, "data/large", large);
	must(fd, READ, 0, "data/large", "");
	if (strcmp(answer, large))
		fail("a large value came back as %zu other bytes", strlen(answer));
}

/* Waits for an event for the node; others may come as well. */
static void event_await(int watch)
{
	do {
		if (receive(watch) != EVENT)
			fail("no event, but %s", answer);
	} while (strcmp(answer, "data/number") || strcmp(answer + strlen(answer) + 1, "token"));
}

/* Linux may pass on the first event before the answer. */
static void watch_set(int watch)
{
	unsigned int events = 0;
	uint32_t type;

	send(watch, WATCH, 0, "data/number", "token", 6);
	while ((type = receive(watch)) == EVENT)
		events++;
	if (type != WATCH)
		fail("no watch: %s", answer);
	if (!events)
		event_await(watch);
}

/* Returns how often the transaction had to be repeated. */
static unsigned int count(int fd)
{
	char next[16];
	unsigned int again = 0;
	uint32_t tx;

	snprintf(next, sizeof(next), "%u", round_number + 1);
	for (;; again++) {
		must(fd, TXN_START, 0, "", "");
		tx = (uint32_t)strtoul(answer, NULL, 10);
		must(fd, READ, tx, "data/count", "");
		if ((unsigned int)atoi(answer) != round_number)
			fail("the counter is %s", answer);
		must(fd, WRITE, tx, "data/count", next);
		if (ask(fd, TXN_END, tx, "T", "", 0))
			return again;
		if (strcmp(answer, "EAGAIN"))
			fail("a transaction ended with %s", answer);
	}
}

int main(void)
{
	int fd = bus_open(), watch = bus_open();
	unsigned int again = 0;
	char number[16];

	setvbuf(stdout, NULL, _IOLBF, 0);
	must(fd, WRITE, 0, "data/count", "0");
	must(fd, WRITE, 0, "data/number", "start");
	watch_set(watch);
	printf("storeuser: begins\n");
	while (!ask(fd, READ, 0, "data/stop", "", 0)) {
		if (strcmp(answer, "ENOENT"))
			fail("data/stop: %s", answer);
		snprintf(number, sizeof(number), "%u", round_number);
		write_and_read(fd, number);
		event_await(watch);
		again += count(fd);
		round_number++;
	}
	printf("storeuser: %u rounds, %u transactions repeated\n", round_number, again);
	return 0;
}
