/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hooks.c - the functions that the compiler calls before each access to memory
 * (-fsanitize=thread), and the check of the order of locks
 */
#include <string.h>

#include "explore.h"
#include "fake.h"

#define HERE __builtin_return_address(0)

/* --- plain accesses ----------------------------------------------------------------------- */

void __tsan_init(void);
void __tsan_func_entry(void *pc);
void __tsan_func_exit(void);
void __tsan_init(void) {}
void __tsan_func_entry(void *pc) { (void)pc; }
void __tsan_func_exit(void) {}

#define PLAIN(size) \
	void __tsan_read##size(void *a); \
	void __tsan_read##size(void *a) { explore_access(a, size, false, HERE); } \
	void __tsan_write##size(void *a); \
	void __tsan_write##size(void *a) { explore_access(a, size, true, HERE); } \
	void __tsan_unaligned_read##size(void *a); \
	void __tsan_unaligned_read##size(void *a) { explore_access(a, size, false, HERE); } \
	void __tsan_unaligned_write##size(void *a); \
	void __tsan_unaligned_write##size(void *a) { explore_access(a, size, true, HERE); }
PLAIN(1)
PLAIN(2)
PLAIN(4)
PLAIN(8)
PLAIN(16)
void __tsan_read_range(void *a, size_t size);
void __tsan_read_range(void *a, size_t size) { explore_access(a, size, false, HERE); }
void __tsan_write_range(void *a, size_t size);
void __tsan_write_range(void *a, size_t size) { explore_access(a, size, true, HERE); }

#undef memcpy
#undef memset
void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);
void *khost_memcpy(void *dst, const void *src, size_t n);
void *khost_memcpy(void *dst, const void *src, size_t n)
{
	explore_access(src, n, false, HERE);
	explore_access(dst, n, true, HERE);
	return memcpy(dst, src, n);
}
void *khost_memset(void *dst, int c, size_t n);
void *khost_memset(void *dst, int c, size_t n)
{
	explore_access(dst, n, true, HERE);
	return memset(dst, c, n);
}

/* The tree lock is not a spin lock: it is taken by compare-and-exchange. */
static void tree_wanted(const void *a);

/* --- atomic ones -------------------------------------------------------------------------- */

#define ATOMIC(bits, type) \
	type __tsan_atomic##bits##_load(const type *a, int order); \
	type __tsan_atomic##bits##_load(const type *a, int order) \
	{ \
		(void)order; \
		explore_access(a, sizeof(*a), false, HERE); \
		return *(const volatile type *)a; \
	} \
	void __tsan_atomic##bits##_store(type *a, type v, int order); \
	void __tsan_atomic##bits##_store(type *a, type v, int order) \
	{ \
		(void)order; \
		explore_access(a, sizeof(*a), true, HERE); \
		*(volatile type *)a = v; \
	} \
	RMW(bits, type, exchange, v) \
	RMW(bits, type, fetch_add, (type)(old + v)) \
	RMW(bits, type, fetch_sub, (type)(old - v)) \
	RMW(bits, type, fetch_and, (type)(old & v)) \
	RMW(bits, type, fetch_or, (type)(old | v)) \
	RMW(bits, type, fetch_xor, (type)(old ^ v)) \
	int __tsan_atomic##bits##_compare_exchange_strong( \
		type *a, type *expected, type v, int order, int fail_order); \
	int __tsan_atomic##bits##_compare_exchange_strong( \
		type *a, type *expected, type v, int order, int fail_order) \
	{ \
		type old; \
		(void)order, (void)fail_order; \
		tree_wanted(a); \
		explore_access(a, sizeof(*a), true, HERE); \
		old = *(volatile type *)a; \
		if (old == *expected) { \
			*(volatile type *)a = v; \
			return 1; \
		} \
		*expected = old; \
		return 0; \
	} \
	type __tsan_atomic##bits##_compare_exchange_val( \
		type *a, type expected, type v, int order, int fail_order); \
	type __tsan_atomic##bits##_compare_exchange_val( \
		type *a, type expected, type v, int order, int fail_order) \
	{ \
		type old; \
		(void)order, (void)fail_order; \
		tree_wanted(a); \
		explore_access(a, sizeof(*a), true, HERE); \
		old = *(volatile type *)a; \
		if (old == expected) \
			*(volatile type *)a = v; \
		return old; \
	}
#define RMW(bits, type, name, result) \
	type __tsan_atomic##bits##_##name(type *a, type v, int order); \
	type __tsan_atomic##bits##_##name(type *a, type v, int order) \
	{ \
		type old; \
		(void)order; \
		explore_access(a, sizeof(*a), true, HERE); \
		old = *(volatile type *)a; \
		*(volatile type *)a = result; \
		return old; \
	}
ATOMIC(8, uint8_t)
ATOMIC(16, uint16_t)
ATOMIC(32, uint32_t)
ATOMIC(64, uint64_t)
void __tsan_atomic_thread_fence(int order);
void __tsan_atomic_thread_fence(int order) { (void)order; }
void __tsan_atomic_signal_fence(int order);
void __tsan_atomic_signal_fence(int order) { (void)order; }

/* --- the order of locks ------------------------------------------------------------------- */

/* Lock classes: the types of objects, and these. */
enum { CLASS_CPU = SK_OBJ_END, CLASS_TREE, CLASS_OTHER, N_CLASSES };
enum { HELD_MAX = 8 };

static struct {
	const void *lock[HELD_MAX];
	uint8_t class[HELD_MAX];
	unsigned int n;
} held[FAKE_CPUS];
static bool before[N_CLASSES]
		  [N_CLASSES]; /* one of the first was held when one of the second was taken */

static const char *class_name(unsigned int class)
{
	static const char *const names[] = {
#define X(name, num, order, what) [num] = #name,
		SK_OBJECTS(X)
#undef X
			[CLASS_CPU] = "CPU",
		[CLASS_TREE] = "tree", [CLASS_OTHER] = "other"
	};

	return names[class];
}

static unsigned int class_of(const struct spinlock *l)
{
	uint64_t at = (uint64_t)l;

	for (unsigned int i = 0; i < n_cpus; i++)
		if (cpus[i]->sched == l)
			return CLASS_CPU;
	if (at < WINDOW_BASE || at >= WINDOW_BASE + MEMORY_SIZE)
		return CLASS_OTHER;
	return container_of(l, struct object, lock)->type;
}

static bool leads_to(unsigned int from, unsigned int to, unsigned int depth)
{
	if (before[from][to])
		return true;
	for (unsigned int i = 0; depth < N_CLASSES && i < N_CLASSES; i++)
		if (before[from][i] && i != from && leads_to(i, to, depth + 1))
			return true;
	return false;
}

static void lock_taken(const void *lock, unsigned int class)
{
	unsigned int me = this_cpu()->id, i;

	if (tree_held())
		before[CLASS_TREE][class] = true;
	for (i = 0; i < held[me].n; i++) {
		unsigned int outer = held[me].class[i];

		if (held[me].lock[i] == lock)
			fail("CPU %u takes a lock of class %s that it holds", me,
				class_name(class));
		if (outer == class)
			fail("a lock of class %s is taken while another one of it is held",
				class_name(class));
		if (!before[outer][class] && leads_to(class, outer, 0))
			fail("locks of classes %s and %s are taken in both orders",
				class_name(outer), class_name(class));
		before[outer][class] = true;
	}
	if (held[me].n == HELD_MAX)
		fail("more locks are held than anybody should hold");
	held[me].lock[held[me].n] = lock;
	held[me].class[held[me].n++] = (uint8_t) class;
}

static void lock_left(const void *lock)
{
	unsigned int me = this_cpu()->id, i = held[me].n;

	while (i && held[me].lock[i - 1] != lock)
		i--;
	if (!i)
		fail("CPU %u drops a lock that it does not hold", me);
	for (; i < held[me].n; i++) {
		held[me].lock[i - 1] = held[me].lock[i];
		held[me].class[i - 1] = held[me].class[i];
	}
	held[me].n--;
}

void lock_wanted(const struct spinlock *l);
void lock_wanted(const struct spinlock *l) { lock_taken(l, class_of(l)); }
void lock_dropped(const struct spinlock *l);
void lock_dropped(const struct spinlock *l) { lock_left(l); }

static void tree_wanted(const void *a)
{
	unsigned int me = this_cpu()->id;

	if (a == &tree.holder && held[me].n)
		fail("CPU %u wants the tree lock and holds a lock of class %s", me,
			class_name(held[me].class[held[me].n - 1]));
}

void locks_reset(void);
void locks_reset(void) { memset(held, 0, sizeof(held)); }
