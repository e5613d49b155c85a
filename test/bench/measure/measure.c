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

#include "mark.h"

static const char usage[] =
	"measure mark begin|end [ROW]\n"
	"        store read|write|transaction COUNT ROW\n"
	"        disk DEVICE read|write random|sequential BYTES DEPTH COUNT ROW\n"
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

static void mark_main(int argc, char **argv)
{
	if (strcmp(argv[0], "begin") == 0)
		mark_begin();
	else
		mark_end();
	if (argc > 1)
		row_print(argv[1], 1);
}

int main(int argc, char **argv)
{
	const char *what = argc > 1 ? argv[1] : "";

	if (argc >= 3 && strcmp(what, "mark") == 0)
		mark_main(argc - 2, argv + 2);
	else if (argc == 5 && strcmp(what, "store") == 0)
		store_main(argv + 2);
	else if (argc == 9 && strcmp(what, "disk") == 0)
		disk_main(argv + 2);
	else if (argc == 3 && strcmp(what, "serve") == 0)
		net_serve((uint16_t)atoi(argv[2]));
	else if (argc == 6)
		net_main(what, argv + 2);
	else
		return fputs(usage, stderr), 2;
	return 0;
}
