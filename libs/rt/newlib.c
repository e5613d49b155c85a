/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * newlib.c - what the C library needs from a system: memory, output, time, locks, and exit
 *
 * Objects     the heap: frames mapped one after the other from DOMAIN_HEAP_VADDR up, and never
 *             given back.
 * Locks       the C library's own, each a mutex with an owner and a depth. sbrk() runs under
 *             malloc's.
 * Invariants  NEWLIB1 heap_end is a multiple of the order of the next frame, so that large
 *                     pages can be used
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/lock.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/times.h>
#include <unistd.h>
#include "caps/caps.h"
#include "proto/domain.h"
#include "rt/internal.h"
#include "rt/program.h"
#include "sys/clock.h"
#include "sys/sk.h"

/* The C library declares few of these when it is built without a system. */
struct _reent *__getreent(void);
void _exit(int code) __attribute__((noreturn));
int kill(int pid, int sig);

/* ---- heap -------------------------------------------------------------------------------- */
enum { HEAP_FIRST_ORDER = 14 };
/* The heap is mapped up to here. */
static uint64_t heap_end = DOMAIN_HEAP_VADDR;
static uint64_t heap_break = DOMAIN_HEAP_VADDR;

/*
 * The next frame is as large as the heap so far, so that few slots are used; at most a large
 * page.
 */
static uint32_t heap_step(void)
{
	uint64_t size = heap_end - DOMAIN_HEAP_VADDR;
	uint32_t order = size ? (uint32_t)__builtin_ctzll(size) : 0; /* NEWLIB1 */

	if (order < HEAP_FIRST_ORDER)
		return HEAP_FIRST_ORDER;
	return order < SK_LARGE_ORDER ? order : SK_LARGE_ORDER;
}

static int heap_grow(void)
{
	uint32_t order = heap_step();
	sk_cap_t frame;
	int rc;

	rc = object_make(SK_OBJ_FRAME, order, &frame);
	while (rc == -SK_E_NO_MEM && order > SK_PAGE_ORDER)
		rc = object_make(SK_OBJ_FRAME, --order, &frame);
	if (rc)
		return rc;
	rc = space_map_at(SK_CAP_SPACE, frame, heap_end, 0, order, SK_R | SK_W);
	if (rc) {
		cap_drop(frame);
		return rc;
	}
	heap_end += 1ull << order;
	return 0;
}

void *sbrk(ptrdiff_t n)
{
	uint64_t old = heap_break;

	if (n < 0 || (uint64_t)n > DOMAIN_CHANNEL_VADDR - heap_break)
		goto no_mem;
	while (heap_end - heap_break < (uint64_t)n)
		if (heap_grow())
			goto no_mem;
	heap_break += (uint64_t)n;
	return (void *)old;
no_mem:
	errno = ENOMEM;
	return (void *)-1;
}

/* ---- files: standard output only --------------------------------------------------------- */
int write(int fd, const void *buf, size_t n)
{
	if (fd != 1 && fd != 2) {
		errno = EBADF;
		return -1;
	}
	log_write(buf, n);
	return (int)n;
}

int read(int fd, void *buf, size_t n)
{
	(void)buf, (void)n;
	if (fd == 0)
		return 0;
	errno = EBADF;
	return -1;
}

int open(const char *path, int flags, ...)
{
	(void)path, (void)flags;
	errno = ENOENT;
	return -1;
}

int close(int fd)
{
	(void)fd;
	return 0;
}

off_t lseek(int fd, off_t offset, int whence)
{
	(void)fd, (void)offset, (void)whence;
	errno = ESPIPE;
	return -1;
}

int isatty(int fd) { return fd >= 0 && fd <= 2; }

int fstat(int fd, struct stat *st)
{
	if (fd < 0 || fd > 2) {
		errno = EBADF;
		return -1;
	}
	*st = (struct stat){ .st_mode = S_IFCHR, .st_blksize = 512 };
	return 0;
}

/* ---- processes and time ------------------------------------------------------------------ */
pid_t getpid(void) { return 1; }

int kill(int pid, int sig)
{
	(void)pid;
	rt_exit(128 + sig);
}

void _exit(int code) { rt_exit(code); }

int gettimeofday(struct timeval *restrict tv, void *restrict tz)
{
	uint64_t ns;

	(void)tz;
	(void)clock_wall_boot_ns(&ns); /* if unknown, 0: the time since the start */
	ns += clock_ns();
	tv->tv_sec = (time_t)(ns / 1000000000u);
	tv->tv_usec = (suseconds_t)(ns % 1000000000u / 1000u);
	return 0;
}

clock_t times(struct tms *t)
{
	*t = (struct tms){ 0 };
	return (clock_t)(clock_ns() / (1000000000u / CLOCKS_PER_SEC));
}

/* ---- threads ----------------------------------------------------------------------------- */
struct _reent *__getreent(void) { return rt_self.reent; }

struct __lock {
	struct mutex mutex;
	uint32_t depth;
	const struct thread *owner;
};

struct __lock __lock___sinit_recursive_mutex;
struct __lock __lock___sfp_recursive_mutex;
struct __lock __lock___atexit_recursive_mutex;
struct __lock __lock___at_quick_exit_mutex;
struct __lock __lock___malloc_recursive_mutex;
struct __lock __lock___env_recursive_mutex;
struct __lock __lock___tz_mutex;
struct __lock __lock___dd_hash_mutex;
struct __lock __lock___arc4random_mutex;

void __retarget_lock_init(_LOCK_T *lock)
{
	*lock = calloc(1, sizeof(**lock));
	if (!*lock)
		rt_exit(126);
}

void __retarget_lock_init_recursive(_LOCK_T *lock) { __retarget_lock_init(lock); }

void __retarget_lock_close(_LOCK_T lock) { free(lock); }

void __retarget_lock_close_recursive(_LOCK_T lock) { free(lock); }

void TA_OFF __retarget_lock_acquire(_LOCK_T lock) { mutex_lock(&lock->mutex); }

void TA_OFF __retarget_lock_release(_LOCK_T lock) { mutex_unlock(&lock->mutex); }

int TA_OFF __retarget_lock_try_acquire(_LOCK_T lock) { return mutex_try(&lock->mutex); }

void TA_OFF __retarget_lock_acquire_recursive(_LOCK_T lock)
{
	const struct thread *self = rt_self.thread;

	if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != self) {
		mutex_lock(&lock->mutex);
		__atomic_store_n(&lock->owner, self, __ATOMIC_RELAXED);
	}
	lock->depth++;
}

int TA_OFF __retarget_lock_try_acquire_recursive(_LOCK_T lock)
{
	const struct thread *self = rt_self.thread;

	if (__atomic_load_n(&lock->owner, __ATOMIC_RELAXED) != self) {
		if (!mutex_try(&lock->mutex))
			return 0;
		__atomic_store_n(&lock->owner, self, __ATOMIC_RELAXED);
	}
	lock->depth++;
	return 1;
}

void TA_OFF __retarget_lock_release_recursive(_LOCK_T lock)
{
	if (--lock->depth)
		return;
	__atomic_store_n(&lock->owner, (const struct thread *)0, __ATOMIC_RELAXED);
	mutex_unlock(&lock->mutex);
}
