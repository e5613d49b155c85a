/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.h - what the kernel's calls mean, written a second time: plainly, without locks, steps
 * or speed
 *
 * Capabilities are records with a parent; objects are records; what an address space translates
 * is a list. Things are named by the address that the kernel has them at, which the model only
 * compares. The model hears of each call when it is over: model_call() says whether its result
 * is right and does to the records what the call means; model_compare() says whether the
 * kernel's memory agrees.
 */
#ifndef KHOST_MODEL_H
#define KHOST_MODEL_H

#include "calls.h"
#include "thread.h"

enum { CAPS_MAX = 4096, OBJECTS_MAX = 512, TABLES_MAX = 256, LEAVES_MAX = 16384 };

struct m_cap {
	uint64_t id; /* its slot; 0: free record */
	bool was;    /* the record has been used */
	uint8_t type, rights, order,
		owner;            /* owner: SLOT_THREAD_CSPACE and so on, 0 in a CNode */
	bool device, used_before; /* untyped: objects were made since it was new */
	uint64_t what, badge; /* object, address or ports; badge, or bytes used of an untyped */
	uint64_t parent;      /* 0: none */
	uint64_t space, base; /* frame, table: where it is mapped */
};
struct m_object {
	uint64_t id;
	uint8_t type;
	unsigned int n_slots; /* CNode */
	/* thread */
	bool suspended, call, faulted;
	uint8_t state;                     /* enum thread_state */
	uint64_t on;                       /* what it waits on */
	uint64_t since;                    /* when it began: who comes first */
	uint64_t badge, mi, mr[SK_MR_MAX]; /* of the message that it waits with */
	uint64_t deadline;
	unsigned int timer_cpu;
	uint64_t cspace, sched, bound;
	/* context, notification: their thread; vCPU: who is in it (taken from the kernel) */
	uint64_t thread;
	uint64_t word; /* notification */
};
/* A table that a walk from the root of the space finds, and a page that it ends at. */
struct m_table {
	uint64_t space, vaddr, paddr;
	uint8_t level;
};
struct m_leaf {
	uint64_t space, vaddr, paddr;
	uint8_t level, rights;
};
extern struct model {
	bool on;
	struct m_cap cap[CAPS_MAX];
	struct m_object object[OBJECTS_MAX];
	struct m_table table[TABLES_MAX];
	struct m_leaf leaf[LEAVES_MAX];
	unsigned int n_tables, n_leaves;
} model;

/* Errors that a call may give, a bit each; none: it must succeed. */
typedef uint32_t errors_t;
#define ERROR(name) (1u << SK_E_##name)

/* Take over what the kernel has now, from the slots of this CNode on. */
void model_import(struct cnode *root);
void model_compare(void);
/* t made this call, with these registers before it; it is over, and t's registers say how. */
/* t begins a call: what its UTCB says now may be overwritten by what it receives. */
void model_begin(struct thread *t);
void model_call(struct thread *t, const struct call *c);
/* t faulted. */
void model_fault(struct thread *t);
/* The timer of this CPU fired. */
void model_timer(unsigned int cpu);
/* What the model does not foresee: who is in a guest. After each step. */
void model_observe(void);

/* --- model.c: records */
struct m_cap *cap_at(uint64_t id);
struct m_object *object_at(uint64_t id);
struct m_object *object_new_at(uint64_t id, uint8_t type);
struct m_cap *cap_new(uint64_t id, const struct m_cap *like);
uint64_t slot_id(const struct m_object *cnode, uint64_t index);
void cap_delete(struct m_cap *c);
/*
 * The capability that t's slot holds: its errors are noted when it is not of the type (0: any)
 * with these rights.
 */
struct m_cap *cap_of(const struct m_object *t, uint64_t index, unsigned int type,
	unsigned int rights, errors_t *errors);
bool names_object(unsigned int type);

/* --- model_calls.c: capabilities that come from others */
struct m_cap cap_derived(const struct m_cap *from, uint64_t rights);
void cap_move(struct m_cap *c, uint64_t to);

/* --- model_ipc.c: waits and messages */
void wait_end(struct m_object *t, long result); /* it is woken */
void waits_end(uint64_t object, long result);   /* all who wait on it are */
void thread_stopped(struct m_object *t);        /* suspended, out of its wait */
errors_t model_send(struct m_object *t, const struct call *c, bool call);
errors_t model_receive(struct m_object *t, const struct call *c);
errors_t model_reply(struct m_object *t, const struct call *c, uint64_t reply);
errors_t model_reply_receive(struct m_object *t, const struct call *c);
errors_t model_signal(struct m_object *t, const struct call *c);
errors_t model_wait(struct m_object *t, const struct call *c, uint64_t until, errors_t empty);
void bound_check(struct m_object *n);

/* --- model_space.c: mappings */
bool is_space(unsigned int type);
errors_t model_map(struct m_cap *frame, const struct m_object *space, uint64_t vaddr,
	uint64_t offset, uint64_t order, uint64_t rights);
errors_t model_map_table(
	struct m_cap *table, const struct m_object *space, uint64_t vaddr, uint64_t level);
errors_t model_unmap(struct m_cap *frame, uint64_t offset, uint64_t order);
void mapping_end(struct m_cap *c); /* the frame or table goes */
void space_end_model(uint64_t space);
void spaces_import(void);
void spaces_compare(void);

#endif
