/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kern.h - a kernel for one program: libs/caps, libs/proc and code that uses them run on it
 * unchanged
 *
 * Capabilities with derivation, untypeds, CNodes, frames that are really mapped into the test's
 * process, page tables, spaces of other domains as lists of mappings, and objects whose
 * settings a case can read. Calls of endpoints, receives and waits go to hooks. The rules of
 * the real kernel hold: a slot must be empty, one capability maps in one window, memory comes
 * back by revoking.
 *
 * Each case is a process: KERN_CASE().
 */
#ifndef KERN_H
#define KERN_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include <sk/syscall.h>

enum { KERN_MAPS = 512, KERN_TABLES = 128, KERN_CAPS = SK_CAPS_MAX };
/* Frames of device memory have these physical addresses, and are real memory, too. */
#define KERN_DEVICE 0x08000000ull

struct domain_info;
struct kern_object;
struct kern_cap {
	struct kern_object *obj; /* NULL: an empty slot */
	uint32_t rights;
	uint64_t badge;
	struct kern_cap *parent;
	struct kern_object *space; /* frame: where its window is */
	uint64_t window;
};

struct kern_map {
	uint64_t vaddr, size, paddr;
	uint32_t rights;
	struct kern_cap *cap;
};

struct kern_object {
	uint32_t type, order;
	uint64_t paddr, used;
	bool device;
	unsigned int n_caps;
	/* CNode */
	struct kern_cap *slot;
	uint32_t n_slots;
	/* spaces */
	struct kern_map map[KERN_MAPS];
	uint32_t n_maps;
	struct {
		uint64_t vaddr;
		uint32_t level;
	} table[KERN_TABLES];
	uint32_t n_tables;
	uint32_t rid; /* SPACE_IO: assigned; IRQ: sender of the message */
	bool placed;  /* TABLE: it is part of a space */
	/* THREAD */
	struct kern_object *cnode, *vspace, *fault, *bound, *sched;
	uint64_t fault_badge, utcb;
	struct sk_regs regs;
	bool runs;
	/* SCHED */
	uint32_t cpu, priority, weight;
	uint64_t budget, period, waited;
	/* IRQ */
	uint32_t gsi, flags;
	bool claimed, msi;
	struct kern_object *irq_bound;
	uint64_t irq_badge;
	/* NOTIFICATION */
	uint64_t word;
};

struct kern_msg {
	struct kern_object *ep;
	uint64_t badge, label;
	uint32_t n;
	uint64_t mr[SK_MR_MAX];
	struct kern_cap cap[KERN_CAPS]; /* sent with a call, with the rights that arrive */
	uint32_t n_caps;
	struct kern_cap out[KERN_CAPS]; /* returned by a call, or arriving with a receive */
	uint32_t n_out;
	sk_time_t deadline;
};

extern struct kern {
	struct kern_object *cnode, *space, *thread, *sched; /* of the program itself */
	struct sk_utcb utcb;
	uint8_t *phys; /* all memory */
	unsigned int calls[SK_SYS_END];
	/* The n-th call from now on, of kind fail_nr (0: of any kind), fails with fail_rc. */
	unsigned int fail_in;
	long fail_nr, fail_rc;
	long failed_nr; /* the call that failed so */
	bool no_iommu;
	/* Refused accesses that IO_FAULT finds, the last one first. */
	struct kern_refused {
		uint64_t rid, addr, how;
	} refused[64];
	unsigned int n_refused;
	bool root; /* whether the program is the root task */
	void (*on_exit)(int code);
	long (*on_call)(struct kern_msg *m); /* 0: answered in m */
	long (*on_recv)(struct kern_msg *m);
	void (*on_reply)(struct kern_msg *m);
	long (*on_wait)(struct kern_object *ntfn, sk_time_t deadline, uint64_t *word);
	void (*on_signal)(struct kern_object *ntfn, uint64_t badge);
	uint32_t (*on_port_in)(uint16_t port, uint32_t size);
	void (*on_port_out)(uint16_t port, uint32_t size, uint32_t value);
	void (*on_log)(const char *text, uint32_t len);
} kern;

/*
 * Starts a program whose CNode has at least `slots` slots and holds itself, the space, the
 * thread and the scheduling context.
 */
void kern_start(uint32_t slots);
/* The pages that a domain, or the root task, finds at its start, filled with zeros. */
struct domain_info *kern_domain(void);
struct sk_bootinfo *kern_boot(void);
struct sk_info *kern_info(void);
/* Puts a new object, or untyped memory of its own, into a slot of the program. */
struct kern_object *kern_object(sk_cap_t slot, uint32_t type);
struct kern_object *kern_untyped(sk_cap_t slot, uint32_t order);
struct kern_object *kern_device(sk_cap_t slot, uint32_t order, uint64_t paddr);
struct kern_object *kern_frame(sk_cap_t slot, uint32_t order);
struct kern_cap *kern_cap(struct kern_object *cnode, sk_cap_t slot);
struct kern_cap *kern_own(sk_cap_t slot);
unsigned int kern_used(const struct kern_object *cnode);
/* The memory that a space shows at vaddr, or NULL; sets *rights. */
uint8_t *kern_view(struct kern_object *space, uint64_t vaddr, uint32_t *rights);

void kern_test(void **state);
#define KERN_CASE(f) \
	{ \
#f, kern_test, NULL, NULL, (void *)(f) \
	}

#endif
