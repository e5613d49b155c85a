/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cap.h - capabilities: slots, the derivation tree, and the header that every kernel object
 * starts with
 */
#ifndef KERNEL_CAP_H
#define KERNEL_CAP_H

#include "arch.h"
#include "queue.h"

/* Results of a handler of a system call besides 0 and -SK_E_*. */
#define SYS_RESTART 1 /* preempted: leave the kernel, then make the same call again */
#define SYS_BLOCKED 2 /* the thread waits, or its registers hold the results already */
#define SYS_TREE 3    /* nothing done yet: make the call that RAX names under the tree lock */

struct object {
	uint8_t type;
	bool dead; /* set once, under lock */
	struct spinlock lock;
	uint32_t refs; /* capabilities that name it (tree lock) */
};

/* Makes an object out of zeroed memory, once its type and refs are set. */
typedef void object_init_fn(struct object *o, uint8_t order);
/* Ends an object, with the tree lock and one capability left: 0 or SYS_RESTART. */
typedef int object_destroy_fn(struct object *o);
/* A type whose slots name an object; destroy is NULL for all other types. */
extern const struct object_ops {
	object_init_fn *init; /* NULL: nothing to do */
	object_destroy_fn *destroy;
	uint32_t offset; /* of struct object in the memory */
} object_ops[SK_OBJ_END];
object_init_fn cnode_init, space_init, thread_init, vcpu_init;
object_destroy_fn cnode_destroy, space_destroy, thread_destroy, sched_destroy, endpoint_destroy,
	reply_destroy, notification_destroy, irq_destroy, vcpu_destroy;
struct object *object_make(void *memory, uint8_t type, uint8_t order);

/* Flags of a slot. */
enum {
	/* the untyped or frame is not RAM */
	SLOT_DEVICE = 1,
	/* objects were made of the untyped since its memory was last free */
	SLOT_USED = 2,
	/* pages of the untyped up to `prepared` are open in the kernel window, else closed */
	SLOT_OPENED = 4,
	/* the deletion of the frame was interrupted; it can only be deleted */
	SLOT_ENDING = 8,
	/* which slot inside an object it is; 0: it lies in a CNode */
	SLOT_OWNER = 0xf0,
	SLOT_THREAD_CSPACE = 0x10,
	SLOT_THREAD_SPACE = 0x20,
	SLOT_THREAD_FAULT = 0x30,
	SLOT_THREAD_UTCB = 0x40,
	SLOT_VCPU_NESTED = 0x50,
	SLOT_VCPU_STATE = 0x60,
	SLOT_IRQ_SIGNAL = 0x70
};

/*
 * All fields are written under the tree lock. Those before first_child are written with seq
 * odd, so that cap_read() can read them without the lock.
 */
struct slot {
	union { /* head: all of it in one access */
		struct {
			uint8_t type, rights, order, flags;
			uint32_t seq;
		};
		uint64_t head;
	};
	union {
		struct object *obj;
		uint64_t paddr; /* untyped, frame, table */
		uint64_t ports; /* IOPORT: first | last << 16 */
	};
	union {
		uint64_t badge;
		uint64_t used; /* untyped: watermark in bytes */
		/*
		 * frame: address of its first byte in the space, modulo 2^64, and in the low 12
		 * bits how far an unmap that was interrupted is, in steps of 2 MiB; table: what
		 * it translates
		 */
		uint64_t base;
	};
	struct slot *first_child, *last_child;
	uintptr_t prev, next; /* siblings; of the first and the last the parent | 1, or 0 */
	union {
		struct space *space; /* frame, table: where it is mapped */
		/* untyped: bytes whose pages are zeroed and opened or closed */
		uint64_t prepared;
	};
	struct slot *space_next, *space_prev; /* frames and tables of one space */
};
_Static_assert(sizeof(struct slot) == 80, "SK_CNODE_SLOTS");

struct cnode {
	struct object obj;
	uint32_t n_slots;
	uint32_t cleared;       /* while it ends: slots from 1 up to this are empty */
	struct thread *cleaner; /* the thread that clears it, with link in its list; or NULL */
	struct link link;
	uint8_t reserved[128 - 48];
	struct slot slots[]; /* the first only while it ends: its own last capability */
};
_Static_assert(sizeof(struct cnode) == 128, "SK_CNODE_SLOTS");

/* The contents of a slot. obj is an address, or what the slot's type has in its place. */
struct cap {
	uint8_t type, rights, order, flags;
	uint64_t obj, badge;
};

/*
 * The tree lock. A waiting CPU sets its bit, and a CPU that releases the lock hands it to the
 * next waiting one, round robin. The lock is free only when no CPU waits.
 */
extern struct TA(capability("lock")) tree_lock {
	uint32_t holder; /* CPU + 1, or 0 */
	uint64_t wanted; /* a bit for each CPU that waits */
} tree;
/* A function that wants the tree lock held. */
#define under_tree with_lock(tree)
static inline bool tree_held(void)
{
	return __atomic_load_n(&tree.holder, __ATOMIC_ACQUIRE) == this_cpu()->id + 1;
}
static inline bool tree_take(void)
{
	uint32_t nobody = 0;

	return __atomic_compare_exchange_n(&tree.holder, &nobody, this_cpu()->id + 1, false,
		__ATOMIC_ACQUIRE, __ATOMIC_RELAXED);
}
bool tree_wait(void) must_check;
void tree_pass(void);
/* False when an interrupt came first: leave the kernel and make the call again. */
static inline bool tree_lock(void) must_check TA(try_acquire_capability(true, tree));
static inline bool tree_lock(void) { return tree_take() || tree_wait(); }
static inline void drops_lock(tree) TA_OFF tree_unlock(void)
{
	if (load(&tree.wanted))
		tree_pass();
	else
		__atomic_store_n(&tree.holder, 0, __ATOMIC_RELEASE);
}

#define SEQ_ODD (1ull << 32) /* in slot->head: being written */
/* A copy, taken without the tree lock; false: it is not consistent. */
static inline bool slot_try(const struct slot *s, struct cap *cap)
{
	uint64_t head = __atomic_load_n(&s->head, __ATOMIC_ACQUIRE);

	__builtin_memcpy(cap, &head, 4 /* type to flags */);
	cap->obj = load(&s->paddr);
	cap->badge = load(&s->badge);
	__atomic_thread_fence(__ATOMIC_ACQUIRE);
	return !(head & SEQ_ODD) && load(&s->head) == head;
}
static inline void slot_read(const struct slot *s, struct cap *cap)
{
	while (!slot_try(s, cap))
		__builtin_ia32_pause();
}
/* A lookup in t's capability space, under the tree lock; without it: cap_read(). */
int under_tree cap_find(struct thread *t, uint64_t index, unsigned int type,
	unsigned int rights, struct slot **slot) must_check;
/* Does it name something that has not begun to end? */
bool slot_alive(const struct slot *s);

/* Make an empty slot a capability; parent may be NULL. */
void under_tree slot_set(struct slot *s, struct slot *parent, const struct cap *init);
/*
 * Change the contents of a slot, at once for readers without the lock; its place in the tree
 * stays.
 */
void under_tree slot_write(struct slot *s, const struct cap *v);
void under_tree slot_update(struct slot *s, uint8_t flags, uint64_t badge);
/* Derive dst from src: counts the reference, starts unmapped. */
void under_tree slot_derive(
	struct slot *dst, struct slot *src, uint8_t rights, uint64_t badge, uint8_t flags);
void under_tree slot_move(struct slot *dst, struct slot *src);
/*
 * Empty a slot; the last capability ends the object. 0 or SYS_RESTART: then the slot is still
 * there. When it was the last of a CNode, the running thread must call cnodes_clear() before it
 * makes another call.
 */
int under_tree slot_delete(struct slot *s) must_check;
/* Delete all descendants. 0 or SYS_RESTART. */
int under_tree slot_revoke(struct slot *s) must_check;
/* Take a slot out of the tree; its object or mapping has ended already. */
void under_tree slot_clear(struct slot *s);
/* May it be copied? */
bool slot_copyable(const struct slot *s);

/*
 * The last capability of a CNode is deleted: move it into the CNode, which the running thread
 * will clear.
 */
void under_tree cnode_end(struct slot *s);
/* Clear the CNodes on t's list. 0 or SYS_RESTART. */
int under_tree cnodes_clear(struct thread *t) must_check;
/* t ends: the running thread takes over the CNodes on t's list. 0 or SYS_RESTART. */
int under_tree cnodes_inherit(struct thread *t) must_check;

/* An internal slot is deleted: its owner must not use the object any more. 0 or SYS_RESTART. */
int under_tree thread_detach(struct slot *s) must_check;
int under_tree vcpu_detach(struct slot *s) must_check;

/* What core_syscall() looked up for a handler, according to its table. */
struct args {
	struct cap cap;       /* without the tree lock: named by the first argument */
	struct slot *slot[3]; /* with the tree lock: named by the first arguments */
};
/*
 * System calls: registers in, registers out. The list says which run with the tree lock held.
 */
#define SYSCALL_HANDLER(name) \
	long sys_##name(struct thread *t unused, struct sk_regs *r unused, \
		const struct args *a unused)
#define under_NONE
#define under_SENDS
#define under_RECEIVES
#define under_TREE under_tree
#define X(name, num, lock, ...) under_##lock SYSCALL_HANDLER(name);
SK_SYSCALLS(X)
#undef X

#endif
