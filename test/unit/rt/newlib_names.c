/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newlib_names.c - libs/rt/newlib.c under names that a program with another C library can call
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <time.h>
#include <unistd.h>

#define sbrk under_test_sbrk
#define write under_test_write
#define read under_test_read
#define open under_test_open
#define close under_test_close
#define lseek under_test_lseek
#define isatty under_test_isatty
#define fstat under_test_fstat
#define getpid under_test_getpid
#define kill under_test_kill
#define _exit under_test__exit
#define gettimeofday under_test_timeofday
#define times under_test_times

#include "../../../libs/rt/newlib.c"

void under_test_gettimeofday(int64_t *sec, int64_t *usec);
void under_test_gettimeofday(int64_t *sec, int64_t *usec)
{
	struct timeval tv;

	(void)gettimeofday(&tv, NULL);
	*sec = tv.tv_sec;
	*usec = tv.tv_usec;
}
