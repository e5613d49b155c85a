/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * case.h - each case runs in a process of its own, because the code under test keeps static
 * state
 */
#ifndef CASE_H
#define CASE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>
#include <cmocka.h>

static inline void case_run(void (*fn)(void))
{
	int status;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (pid == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define CASE(name) \
	static void name##_case(void); \
	static void name(void **state) \
	{ \
		(void)state; \
		case_run(name##_case); \
	} \
	static void name##_case(void)

#define CHECK(cond) \
	do { \
		if (!(cond)) { \
			fprintf(stderr, "%s:%d: %s\n", __FILE__, __LINE__, #cond); \
			_exit(1); \
		} \
	} while (0)
#define CHECK_EQ(a, b) \
	do { \
		long long a_ = (long long)(a), b_ = (long long)(b); \
		if (a_ != b_) { \
			fprintf(stderr, "%s:%d: %s = %lld, not %lld\n", __FILE__, __LINE__, \
				#a, a_, b_); \
			_exit(1); \
		} \
	} while (0)

int hypercall_tests(void);
int memory_op_tests(void);
int vcpu_op_tests(void);
int compat_tests(void);
int evtchn_tests(void);
int grant_tests(void);
int gring_tests(void);
int console_ring_tests(void);
int store_ring_tests(void);
int blkback_tests(void);
int remove_tests(void);
int drive_tests(void);
int blk_restart_tests(void);
int netback_tests(void);
int net_large_tests(void);
int breach_tests(void);
int net_poll_tests(void);

#endif
