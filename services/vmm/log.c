/*
 * log.c - lines of the VMM's log that a guest can cause, at a bounded rate
 *
 * Objects     a bucket of lines that fills again with time.
 * Locks       its own; leaf but for output.
 */
#include <stdarg.h>
#include <stdio.h>

#include "vm.h"

enum { BURST = 100, PER_SECOND = 4 };

static struct mutex lock;
static uint64_t bucket = BURST, last, dropped;

/* Under the lock: may this line be written? */
static bool take(void)
{
	uint64_t now = vm_rdtsc(), step = vm.tsc_hz ? vm.tsc_hz / PER_SECOND : UINT64_MAX,
		 n = (now - last) / step;

	if (n) {
		bucket = bucket + n < BURST ? bucket + n : BURST;
		last = now;
	}
	if (!bucket) {
		dropped++;
		return false;
	}
	bucket--;
	return true;
}

void vm_log(const char *fmt, ...)
{
	va_list ap;

	mutex_lock(&lock);
	if (take()) {
		if (dropped)
			printf("%llu lines dropped\n", (unsigned long long)dropped);
		dropped = 0;
		va_start(ap, fmt);
		vprintf(fmt, ap);
		va_end(ap);
		putchar('\n');
		fflush(stdout);
	}
	mutex_unlock(&lock);
}
