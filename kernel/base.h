/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * base.h - what every file of the kernel may use: types, arithmetic, accesses to shared memory,
 * results
 */
#ifndef KERNEL_BASE_H
#define KERNEL_BASE_H

#include <stdbool.h>
#include <stddef.h>
#include <sk/syscall.h>

#define unused __attribute__((unused))
/* Inlined wherever it is used, because each call of the kernel goes through it. */
#define hot __attribute__((always_inline)) inline
#define ARRAY_SIZE(a) (sizeof(a) / sizeof((a)[0]))
#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))

/* For data that another CPU may access at the same time; they order nothing. */
#define load(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define barrier_full() __atomic_thread_fence(__ATOMIC_SEQ_CST)

static inline uint64_t align_up(uint64_t v, uint64_t size)
{
	return (v + size - 1) & ~(size - 1);
}
static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }
/*
 * A field of a register is given by its mask. field_put() moves v into the field, field_get()
 * reads it out.
 */
static inline uint64_t field_put(uint64_t mask, uint64_t v)
{
	return v << __builtin_ctzll(mask) & mask;
}
static inline uint64_t field_get(uint64_t mask, uint64_t reg)
{
	return (reg & mask) >> __builtin_ctzll(mask);
}

/* One of several checks in a row: error_if(a, X) ?: error_if(b, Y) is the first error, or 0. */
static inline int error_if(bool cond, int error) { return cond ? -error : 0; }

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);

#endif
