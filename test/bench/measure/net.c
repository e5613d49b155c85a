/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * net.c - streams, datagrams, and questions with answers over a network
 *
 * The other end (net_serve()) does what the first byte says. TCP: 'S' takes the bytes whose
 * number follows in eight bytes, and answers with one; 'R' sends as many; 'E' echoes single
 * bytes. UDP: what begins with 'E' comes back, the rest is dropped.
 */
#define _GNU_SOURCE
#include "measure.h"

#include <arpa/inet.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "mark.h"

enum {
	PIECE = 65536,
	DATAGRAM = 64,
	/* So much is done before the first mark: windows open, caches fill. */
	WARM_BYTES = 4 << 20,
	WARM_ROUNDS = 10,
	LOST_S = 1, /* an answer that takes so long is lost */
};

static char buffer[PIECE];

static void all_write(int fd, const void *data, size_t n)
{
	for (const char *p = data; n;) {
		ssize_t done = write(fd, p, n);

		if (done <= 0)
			die("write");
		p += done;
		n -= (size_t)done;
	}
}

static void all_read(int fd, void *data, size_t n)
{
	for (char *p = data; n;) {
		ssize_t done = read(fd, p, n);

		if (done <= 0)
			die("read");
		p += done;
		n -= (size_t)done;
	}
}

/* ---- the other end --------------------------------------------------------------------- */
static _Noreturn void stream_serve(int fd)
{
	uint64_t n = 0;
	char what, c;

	all_read(fd, &what, 1);
	all_read(fd, &n, sizeof(n));
	while (what == 'S' && n) {
		ssize_t got = read(fd, buffer, sizeof(buffer));

		if (got <= 0)
			exit(1);
		n -= (uint64_t)got < n ? (uint64_t)got : n;
	}
	for (; what == 'R' && n; n -= n < PIECE ? n : PIECE)
		all_write(fd, buffer, n < PIECE ? n : PIECE);
	if (what == 'S')
		all_write(fd, "", 1);
	while (what == 'E' && read(fd, &c, 1) == 1)
		all_write(fd, &c, 1);
	exit(0);
}

static _Noreturn void datagrams_serve(int fd)
{
	struct sockaddr_in from;
	socklen_t size = sizeof(from);

	for (;;) {
		ssize_t n = recvfrom(
			fd, buffer, sizeof(buffer), 0, (struct sockaddr *)&from, &size);

		if (n > 0 && buffer[0] == 'E')
			(void)sendto(fd, buffer, (size_t)n, 0, (struct sockaddr *)&from, size);
	}
}

static int socket_bound(int type, uint16_t port)
{
	struct sockaddr_in a = { .sin_family = AF_INET, .sin_port = htons(port) };
	int fd = socket(AF_INET, type, 0), one = 1;

	(void)setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &one, sizeof(one));
	if (fd < 0 || bind(fd, (struct sockaddr *)&a, sizeof(a)))
		die("bind");
	return fd;
}

static void no_delay(int fd)
{
	int one = 1;

	(void)setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &one, sizeof(one));
}

void net_serve(uint16_t port)
{
	struct sockaddr_in a;
	socklen_t size = sizeof(a);
	int udp = socket_bound(SOCK_DGRAM, port), tcp;

	if (getsockname(udp, (struct sockaddr *)&a, &size))
		die("getsockname");
	tcp = socket_bound(SOCK_STREAM, ntohs(a.sin_port));
	if (listen(tcp, 8))
		die("listen");
	signal(SIGCHLD, SIG_IGN);
	printf("measure: serving port %u\n", ntohs(a.sin_port));
	fflush(stdout);
	if (fork() == 0)
		datagrams_serve(udp);
	for (;;) {
		int fd = accept(tcp, NULL, NULL);

		if (fd >= 0 && fork() == 0) {
			no_delay(fd);
			stream_serve(fd);
		}
		close(fd);
	}
}

/* ---- this end -------------------------------------------------------------------------- */
static int socket_to(int type, char **arg)
{
	struct sockaddr_in a = { .sin_family = AF_INET,
		.sin_port = htons((uint16_t)atoi(arg[1])) };
	struct timeval patience = { .tv_sec = LOST_S };
	int fd = socket(AF_INET, type, 0);

	if (!inet_aton(arg[0], &a.sin_addr) || connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die(arg[0]);
	if (type == SOCK_STREAM)
		no_delay(fd);
	else
		(void)setsockopt(fd, SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof(patience));
	return fd;
}

static int stream_to(char **arg, char what, uint64_t n)
{
	int fd = socket_to(SOCK_STREAM, arg);

	all_write(fd, &what, 1);
	all_write(fd, &n, sizeof(n));
	return fd;
}

/* The row ends when the other end has taken everything. */
static void send_run(char **arg, uint64_t bytes)
{
	int fd = stream_to(arg, 'S', bytes + WARM_BYTES);

	for (uint64_t at = 0; at < bytes + WARM_BYTES; at += PIECE) {
		if (at == WARM_BYTES)
			mark_begin();
		all_write(fd, buffer, PIECE);
	}
	all_read(fd, buffer, 1);
	mark_end();
}

static void receive_run(char **arg, uint64_t bytes)
{
	int fd = stream_to(arg, 'R', bytes + WARM_BYTES);

	for (uint64_t at = 0; at < bytes + WARM_BYTES; at += PIECE) {
		if (at == WARM_BYTES)
			mark_begin();
		all_read(fd, buffer, PIECE);
	}
	mark_end();
}

/* A datagram that is lost costs nothing but time. */
static void datagrams_run(char **arg, uint64_t n, int answered)
{
	int fd = socket_to(SOCK_DGRAM, arg);
	uint64_t lost = 0;

	buffer[0] = answered ? 'E' : 'D';
	for (uint64_t i = 0; i < n + WARM_ROUNDS; i++) {
		if (i == WARM_ROUNDS)
			mark_begin();
		if (send(fd, buffer, DATAGRAM, 0) != DATAGRAM)
			die("send");
		lost += answered && recv(fd, buffer, sizeof(buffer), 0) != DATAGRAM;
	}
	mark_end();
	if (lost)
		printf("measure: %llu answers were lost\n", (unsigned long long)lost);
}

static void bytes_run(char **arg, uint64_t n)
{
	int fd = stream_to(arg, 'E', 0);

	for (uint64_t i = 0; i < n + WARM_ROUNDS; i++) {
		if (i == WARM_ROUNDS)
			mark_begin();
		all_write(fd, buffer, 1);
		all_read(fd, buffer, 1);
	}
	mark_end();
}

void net_main(const char *what, char **arg)
{
	uint64_t n = strtoull(arg[2], NULL, 0);

	if (strcmp(what, "send") == 0)
		send_run(arg, n << 20);
	else if (strcmp(what, "receive") == 0)
		receive_run(arg, n << 20);
	else if (strcmp(what, "datagrams") == 0)
		datagrams_run(arg, n, 0);
	else if (strcmp(what, "ping") == 0)
		datagrams_run(arg, n, 1);
	else if (strcmp(what, "bytes") == 0)
		bytes_run(arg, n);
	else
		die(what);
	row_print(arg[3], n);
}
