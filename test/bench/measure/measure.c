/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * measure.c - a program for Linux that does one thing often, between two marks
 *
 * It runs in a guest, and prints `ROW name count` when it is done; the plugin count.c has
 * counted what the whole machine did meanwhile (test/bench/rows.py). `measure serve` is the
 * other end of network rows, in a guest or on this computer.
 */
#include "measure.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char usage[] =
	"measure disk DEVICE read|write random|sequential BYTES DEPTH COUNT ROW\n"
	"        send|receive HOST PORT MIB ROW        a stream of TCP\n"
	"        datagrams|ping HOST PORT COUNT ROW    UDP of 64 bytes: one way; there and back\n"
	"        bytes HOST PORT COUNT ROW             one byte of TCP, there and back\n"
	"        serve PORT\n";

void die(const char *what)
{
	perror(what);
	exit(1);
}

void row_print(const char *name, uint64_t n)
{
	printf("ROW %s %llu\n", name, (unsigned long long)n);
}

int main(int argc, char **argv)
{
	if (argc == 9 && strcmp(argv[1], "disk") == 0)
		disk_main(argv + 2);
	else if (argc == 3 && strcmp(argv[1], "serve") == 0)
		net_serve((uint16_t)atoi(argv[2]));
	else if (argc == 6)
		net_main(argv[1], argv + 2);
	else
		fputs(usage, stderr);
	return argc == 9 || argc == 6 ? 0 : 2;
}
