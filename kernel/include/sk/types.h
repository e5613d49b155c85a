/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * types.h - the opaque integers that name things across the kernel boundary, and the error
 * codes
 */
/* clang-format off */
#ifndef SK_TYPES_H
#define SK_TYPES_H

#include <stdint.h>

/* index of a slot in the caller's capability space; 0 names nothing */
typedef uint32_t sk_cap_t;
typedef uint64_t sk_gpa_t;  /* guest physical address */
typedef uint64_t sk_time_t; /* absolute time in TSC ticks */

#define SK_NULL_CAP 0u
#define SK_NO_DEADLINE UINT64_MAX /* wait without a limit */
#define SK_POLL 0ull              /* a deadline that has passed: do not block */

#define SK_PAGE_ORDER 12
#define SK_PAGE_SIZE 4096ull
#define SK_LARGE_ORDER 21
#define SK_LARGE_SIZE (2ull << 20)
#define SK_HUGE_ORDER 30

/* Errors: system calls return 0 (or a count, where said) or the negative of one of these. */
#define SK_ERRORS(X)                                                                               \
	X(INVAL, 1, "an argument is out of its documented range")                                  \
	X(CAP, 2, "no such capability, or one of the wrong type")                                  \
	X(RIGHTS, 3, "the capability lacks a right that the call needs")                           \
	X(NO_MEM, 4, "the untyped (or budget) that was presented is too small")                    \
	X(SLOT, 5, "a destination slot is occupied or outside its CNode")                          \
	X(NO_TABLE, 6, "a page table is missing; the level that is missing is in the 2nd result")  \
	X(EXISTS, 7, "it is there already: mapped, bound or taken")                               \
	X(NOT_FOUND, 8, "it is not there: not mapped, not bound, or unknown")                      \
	X(ALIGN, 9, "an address, offset or size is not aligned as it must be")                     \
	X(AGAIN, 10, "nothing there now; try after the next event")                                \
	X(TIMEOUT, 11, "the deadline passed")                                                      \
	X(DELETED, 12, "the object went away while the caller waited on it")                       \
	X(BUSY, 13, "in use in a way that forbids this now")                                       \
	X(STATE, 14, "the object is not in a state that allows this")                              \
	X(PEER, 15, "the other end of a connection broke the protocol")                            \
	X(NO_SYS, 16, "no such system call, or not on this machine")                               \
	X(RANGE, 17, "beyond the end")                                                             \
	X(LIMIT, 18, "a configured limit (quota, maximum) is reached")                             \
	X(IO, 19, "the device or medium reported an error")                                        \
	X(DENIED, 20, "policy forbids it")

#define X(name, num, text) SK_E_##name = (num),
enum sk_error { SK_E_OK = 0, SK_ERRORS(X) SK_E_END };
#undef X

#define must_check __attribute__((warn_unused_result))

/*
 * What clang's -Wthread-safety checks (make lint): the locks that a function takes, drops or
 * wants held.
 */
#ifdef __clang__
#define TA(x) __attribute__((x))
#else
#define TA(x)
#endif
#define TA_OFF TA(no_thread_safety_analysis)
#define takes_lock(lock) TA(acquire_capability(lock))
#define drops_lock(lock) TA(release_capability(lock))
#define with_lock(lock) TA(requires_capability(lock))

#endif
