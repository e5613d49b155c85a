/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * interleave.h - a processor with a store buffer: atomic accesses of the code under test that
 * the other side meets
 *
 * Include it before the source under test, in the same file, and undefine its three macros
 * behind. At access number step_at of that source other() runs as a whole; its own accesses are
 * seen at once. Stores of the source become visible to other() at a fence.
 */
#ifndef TEST_INTERLEAVE_H
#define TEST_INTERLEAVE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

enum { PENDING_MAX = 8 };
static struct {
	void *at;
	uint64_t value;
	size_t size;
} pending[PENDING_MAX];
static unsigned int n_pending;
static int step, step_at; /* the other side runs before access number step_at */
static void (*other)(void);
static bool inside;

static void drain(void)
{
	for (unsigned int i = 0; i < n_pending; i++)
		memcpy(pending[i].at, &pending[i].value, pending[i].size);
	n_pending = 0;
}

static void point(void)
{
	if (inside || !other || step++ != step_at)
		return;
	inside = true;
	other();
	inside = false;
}

static uint64_t sim_load(const void *at, size_t size)
{
	uint64_t value = 0;

	point();
	for (unsigned int i = n_pending; !inside && i > 0; i--)
		if (pending[i - 1].at == at)
			return pending[i - 1].value; /* one sees one's own stores */
	memcpy(&value, at, size);
	return value;
}

static void sim_store(void *at, uint64_t value, size_t size)
{
	point();
	if (inside) {
		memcpy(at, &value, size);
		return;
	}
	assert_true(n_pending < PENDING_MAX);
	pending[n_pending].at = at;
	pending[n_pending].value = value;
	pending[n_pending++].size = size;
}

static inline void sim_fence(void)
{
	point();
	if (!inside)
		drain();
}

#define __atomic_load_n(p, order) sim_load((p), sizeof(*(p)))
#define __atomic_store_n(p, v, order) sim_store((p), (v), sizeof(*(p)))
#define __atomic_thread_fence(order) sim_fence()

#endif
