/*
 * cap.h - capabilities: slots, the derivation tree, and the header that every kernel object starts with
 */
#ifndef KERNEL_CAP_H
#define KERNEL_CAP_H

#include "arch.h"
#include "queue.h"

#define container_of(p, type, member) ((type *)((char *)(p)-offsetof(type, member)))
#define load(p) __atomic_load_n((p), __ATOMIC_RELAXED)
#define store(p, v) __atomic_store_n((p), (v), __ATOMIC_RELAXED)
#define barrier_full() __atomic_thread_fence(__ATOMIC_SEQ_CST)
static inline uint64_t align_up(uint64_t v, uint64_t size)
{
	return (v + size - 1) & ~(size - 1);
}
/* A check in a chain of ?: */
static inline int refuse(bool bad, int error) { return bad ? -error : 0; }
static inline uint64_t min_u64(uint64_t a, uint64_t b) { return a < b ? a : b; }
static inline uint64_t max_u64(uint64_t a, uint64_t b) { return a > b ? a : b; }

/* What a handler of a system call returns besides 0 and -SK_E_*. */
#define SYS_RESTART 1 /* preempted: leave the kernel, then make the same call again */
#define SYS_BLOCKED 2 /* the thread waits, or its registers are already what they must be */
#define SYS_TREE 3    /* nothing done yet: make the call that RAX names under the tree lock */

/* A table of this level is missing: core_syscall() makes the level the 2nd result. */
static inline int no_table(unsigned int level) { return -(SK_E_NO_TABLE | (int)level << 8); }

struct object {
	uint8_t type;
	bool dead; /* set once, under lock */
	struct spinlock lock;
	uint32_t refs; /* capabilities that name it (tree lock) */
};

/* Flags of a slot. The upper half says inside which object an internal slot lies. */
/* DEVICE: untyped or frame is not RAM. USED: objects were made of the untyped since the last reset.
 * OPENED: pages of the untyped up to `prepared` are open in the kernel window, else closed.
 * ENDING: a frame whose deletion was interrupted; it can only be deleted. */
enum { SLOT_DEVICE = 1, SLOT_USED = 2, SLOT_OPENED = 4, SLOT_ENDING = 8 };
enum { SLOT_OWNER = 0xf0, SLOT_THREAD_CSPACE = 0x10, SLOT_THREAD_SPACE = 0x20 };
enum { SLOT_THREAD_FAULT = 0x30, SLOT_THREAD_UTCB = 0x40, SLOT_VCPU_NESTED = 0x50 };
enum { SLOT_VCPU_STATE = 0x60, SLOT_IRQ_SIGNAL = 0x70 };

/*
 * All fields are written under the tree lock. Those before first_child are written with seq odd, so
 * that cap_read() can read them without the lock.
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
		/* frame: address of its first byte in the space, modulo 2^64, and in the low 12 bits how
		 * far an unmap that was interrupted is, in steps of 2 MiB; table: what it translates */
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
	struct thread *cleaner; /* who clears it, with link in its list; or NULL */
	struct link link;
	uint8_t reserved[128 - 48];
	struct slot slots[]; /* the first only while it ends: its own last capability */
};
_Static_assert(sizeof(struct cnode) == 128, "SK_CNODE_SLOTS");

/* What a slot says; obj is an address, or whatever the slot's type has in its place. */
struct cap {
	uint8_t type, rights, order, flags;
	uint64_t obj, badge;
};

/*
 * The tree lock. CPUs that wait say so, and who releases it hands it to the next of them in a circle; it is free only
 * when none waits.
 */
extern struct tree_lock {
	uint32_t holder; /* CPU + 1, or 0 */
	uint64_t wanted; /* a bit for each CPU that waits */
} tree;
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
static inline bool must_check tree_lock(void) { return tree_take() || tree_wait(); }
static inline void tree_unlock(void)
{
	if (load(&tree.wanted))
		tree_pass();
	else
		__atomic_store_n(&tree.holder, 0, __ATOMIC_RELEASE);
}

/* Lock-free lookup in t's capability space: the object stays memory until this CPU leaves the kernel. */
int cap_read(struct thread *t, uint64_t index, unsigned int type, unsigned int rights,
	struct cap *cap) must_check;
/* A consistent copy, taken without the tree lock. */
void slot_read(const struct slot *s, struct cap *cap);
/* The same under the tree lock. */
int cap_find(struct thread *t, uint64_t index, unsigned int type, unsigned int rights,
	struct slot **slot) must_check;
/* A slot inside a CNode that the caller names; type of the slot's contents not looked at. */
int cap_find_in(struct thread *t, uint64_t cnode, unsigned int rights, uint64_t index,
	struct slot **slot) must_check;
/* What a capability is derived from, or moved from: there is one, to an object that lives. */
int cap_find_source(struct thread *t, uint64_t cnode, unsigned int rights, uint64_t index,
	struct slot **slot) must_check;
int cap_find_empty(
	struct thread *t, uint64_t cnode, uint64_t index, struct slot **slot) must_check;

/* Make an empty slot a capability; parent may be NULL. */
void slot_set(struct slot *s, struct slot *parent, const struct cap *init);
/* Change what a slot says, for readers without the lock all at once; its place in the tree stays. */
void slot_write(struct slot *s, const struct cap *v);
void slot_update(struct slot *s, uint8_t flags, uint64_t badge);
/* Derive dst from src: counts the reference, starts unmapped. */
void slot_derive(
	struct slot *dst, struct slot *src, uint8_t rights, uint64_t badge, uint8_t flags);
void slot_move(struct slot *dst, struct slot *src);
/*
 * Empty a slot; the last capability ends the object. 0 or SYS_RESTART: then the slot is still there. When it was
 * the last of a CNode, the running thread must call cnodes_clear() before it makes another call.
 */
int slot_delete(struct slot *s) must_check;
/* Delete all descendants. 0 or SYS_RESTART. */
int slot_revoke(struct slot *s) must_check;
/* Take it out of the tree; what it stood for is over. */
void slot_clear(struct slot *s);
/* May there be two? */
bool slot_copyable(const struct slot *s);

void cnode_init(struct cnode *cn, uint8_t order);
/* The last capability of a CNode goes: move it into the CNode, which the running thread will clear. */
void cnode_end(struct slot *s);
/* Clear what t has to clear. 0 or SYS_RESTART. */
int cnodes_clear(struct thread *t) must_check;
/* t ends: the running thread clears what t did not come to. 0 or SYS_RESTART. */
int cnodes_inherit(struct thread *t) must_check;

/* Ends of objects, one per type; called with the tree lock, refs == 1. 0 or SYS_RESTART. */
typedef int object_destroy_fn(struct object *o);
object_destroy_fn cnode_destroy, space_destroy, thread_destroy, sched_destroy, endpoint_destroy,
	reply_destroy, notification_destroy, irq_destroy, vcpu_destroy;
/* An internal slot goes away: its owner must not use the object any more. 0 or SYS_RESTART. */
int thread_detach(struct slot *s) must_check;
int vcpu_detach(struct slot *s) must_check;

/* What core_syscall() found for a handler, as its table says. */
struct args {
	struct cap cap;       /* without the tree lock: named by the first argument */
	struct slot *slot[3]; /* with the tree lock: named by the first arguments */
};
#define unused __attribute__((unused))
/*
 * System calls: registers in, registers out. All but a few (syscall.c) run with the tree lock held.
 * Results are chained with ?: - the first check that fails gives the error.
 */
#define SYSCALL_HANDLER(name) \
	long sys_##name(struct thread *t unused, struct sk_regs *r unused, \
		const struct args *a unused)
#define X(name, ...) SYSCALL_HANDLER(name);
SK_SYSCALLS(X)
#undef X

void *memcpy(void *dst, const void *src, size_t n);
void *memset(void *dst, int c, size_t n);

#endif
