/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * model.h - the meaning of the kernel's calls, written a second time: plainly, without locks,
 * steps or concern for speed
 *
 * Capabilities are records with a parent; objects are records; what an address space translates
 * is a list. The model names objects by their addresses in the kernel, but only compares these.
 * It is told of each call when the call is over: model_call() checks the result and changes the
 * records accordingly; model_compare() checks that the kernel's memory agrees.
 */
#ifndef KHOST_MODEL_H
#define KHOST_MODEL_H

#include "calls.h"
#include "thread.h"

enum { CAPS_MAX = 4096, OBJECTS_MAX = 512, TABLES_MAX = 256, LEAVES_MAX = 16384 };

struct m_cap {
	uint64_t id; /* its slot; 0: free record */
	bool was;    /* the record has been used before */
	uint8_t type, rights, order,
		owner;            /* owner: SLOT_THREAD_CSPACE and so on, 0 in a CNode */
	bool device, used_before; /* untyped: objects were made since it was new */
	uint64_t what, badge; /* object, address or ports; badge, or bytes used of an untyped */
	uint64_t parent;      /* 0: none */
	uint64_t space, base; /* for a frame or table, where it is mapped */
};
struct m_object {
	uint64_t id;
	uint8_t type;
	unsigned int n_slots; /* CNode */
	/* thread */
	bool suspended, call, faulted;
	uint8_t state;                     /* enum thread_state */
	uint64_t on;                       /* the object on which it waits */
	uint64_t since;                    /* when the wait began, which decides the order */
	uint64_t badge, mi, mr[SK_MR_MAX]; /* the message with which it waits */
	uint64_t deadline, due;            /* due: no earlier than the wait began */
	uint64_t cspace, sched, bound;
	/*
	 * for a context or notification, its thread; for a vCPU, the thread that is in it
	 * (taken from the kernel)
	 */
	uint64_t thread;
	uint64_t word; /* notification */
};
/* A table that a walk from the root of the space finds, and a page at which it ends. */
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

/* Errors that a call may return, one bit each; with none it must succeed. */
typedef uint32_t errors_t;
#define ERROR(name) (1u << SK_E_##name)

/* Import what the kernel has now, starting with the slots of this CNode. */
void model_import(struct cnode *root);
void model_compare(void);
/*
 * t made this call, with these registers before it; the call is over, and t's registers have
 * its result.
 */
/* t begins a call: save its UTCB, because a received message may overwrite it. */
void model_begin(struct thread *t);
void model_call(struct thread *t, const struct call *c);
/* t faulted. */
void model_fault(struct thread *t);
/* The timer of this CPU fired. */
void model_timer(void);
/*
 * Called after each step: take over which threads are in a guest, which the model does not
 * predict.
 */
void model_observe(void);

/* --- model.c: records */
struct m_cap *cap_at(uint64_t id);
struct m_object *object_at(uint64_t id);
struct m_object *object_new_at(uint64_t id, uint8_t type);
struct m_cap *cap_new(uint64_t id, const struct m_cap *like);
uint64_t slot_id(const struct m_object *cnode, uint64_t index);
void cap_delete(struct m_cap *c);
/*
 * The capability in t's slot; adds errors if it is not of the type (0: any) or lacks these
 * rights.
 */
struct m_cap *cap_of(const struct m_object *t, uint64_t index, unsigned int type,
	unsigned int rights, errors_t *errors);
bool names_object(unsigned int type);

/* --- model_calls.c: capabilities that come from others */
struct m_cap cap_derived(const struct m_cap *from, uint64_t rights);
void cap_move(struct m_cap *c, uint64_t to);

/* --- model_ipc.c: waits and messages */
void wait_end(struct m_object *t, long result); /* the thread is woken */
void waits_end(uint64_t object, long result);   /* all threads that wait on it are woken */
void thread_stopped(struct m_object *t);        /* the thread is suspended, and its wait ends */
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
void mapping_end(struct m_cap *c); /* the frame or table is unmapped */
void space_end_model(uint64_t space);
void spaces_import(void);
void spaces_compare(void);

#endif
