/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xen_domain.h - the guest as Xen describes it: state that the files of the Xen half share
 *
 * Threads     vCPU threads run hypercalls to completion; the I/O thread runs the back ends.
 * Locks       xen_dom.mem_lock       grants and the physical map
 *             xen_dom.evtchn_lock    ports being allocated and bound; sending takes no lock
 *             xen_dom.fifo_lock      queues of the FIFO ABI; leaf
 *             xen_vcpu.time_lock     runstate of one vCPU; leaf
 *             Order: mem_lock, evtchn_lock, fifo_lock.
 */
#ifndef VMM_XEN_DOMAIN_H
#define VMM_XEN_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

/* This must come first: it selects the version of Xen's interface for the headers below. */
#include "xen/layout.h"

#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/hvm/params.h>

#include "base/array.h"
#include "edge.h"
#include "proto/vmctl.h"
#include "sys/mutex.h"
#include "xen.h"

/* Frame numbers from here on are refused. */
#define GFN_LIMIT (1ull << 40)

enum {
	/* as many as xl gives a guest by default */
	EVTCHN_PORTS = 1024,
	/* ports of the guest to which a back end is bound */
	EVTCHN_BACKENDS = 256,
	FIFO_PAGES = EVTCHN_PORTS * sizeof(event_word_t) / SK_PAGE_SIZE,
	GRANT_FRAMES = 32,
	GRANT_REFS = GRANT_FRAMES * SK_PAGE_SIZE / sizeof(struct grant_entry_v1),
};

/* A port, read and written as one word; evtchn_lock is held to change it. */
union port {
	uint64_t word;
	struct {
		/* EVTCHNSTAT_*, or PORT_LOCAL */
		uint8_t state;
		uint8_t vcpu;
		uint8_t priority;
		uint8_t virq;
		/*
		 * For an unbound port, the domain that may bind it; for PORT_LOCAL, the other
		 * port.
		 */
		uint16_t remote;
		/* For an interdomain port, the number of the back end. */
		uint16_t backend;
	};
};
_Static_assert(sizeof(union port) == 8, "one word");
/* A port that is bound to another port of the same guest. */
enum { PORT_LOCAL = 0x80 };

/* The queue on which an event was last put; it may still be linked there. */
struct fifo_last {
	uint8_t vcpu, priority;
	/* The event arrived before its word existed. */
	bool pending;
};

struct fifo_queue {
	uint32_t tail;
};

struct xen_vcpu {
	/* In shared_info, or where the guest registered it. */
	struct vcpu_info *info;
	bool info_registered;
	/* HVMOP_set_evtchn_upcall_vector; 0: none. */
	uint8_t upcall_vector;
	/* Atomic: an upcall became due since the last one was injected. */
	uint32_t upcall_new;
	/* evtchn_lock */
	uint16_t virq_port[NR_VIRQS];

	/* ---- FIFO: fifo_lock ---- */

	struct evtchn_fifo_control_block *control;
	struct fifo_queue queue[EVTCHN_FIFO_MAX_QUEUES];

	/* ---- its thread ---- */

	/* In SCHEDOP_block or SCHEDOP_poll. */
	bool waiting;
	sk_time_t poll_deadline;
	/* The number of the request for RAM at ram_gfn for which it waits; 0: none. */
	uint32_t ram_number;
	uint64_t ram_gfn;
	sk_time_t singleshot;
	/* SK_NO_DEADLINE: start a period from now. */
	sk_time_t next_period;
	uint64_t period_seen;

	/* ---- any thread ---- */

	/* ns, atomic; 0: no periodic timer. */
	uint64_t period;
	/* It has been up at least once. */
	bool started;

	/* ---- time_lock ---- */

	struct mutex time_lock;
	struct vcpu_runstate_info runstate;
	/* Values at the last update. */
	uint64_t runstate_tsc, waiting_ticks;
	/*
	 * The guest's copy, perhaps across a page boundary: its parts, its size, and the size
	 * of the first part.
	 */
	void *runstate_at[2];
	uint32_t runstate_size, runstate_first;
	/* struct vcpu_time_info, aligned to 4. */
	void *time_copy;
};

struct xen_domain {
	struct xen_params p;
	struct guest_page shared_page;
	/* In the layout of 64-bit code, unless shinfo_compat is set. */
	struct shared_info *shared;
	/* shared_info is laid out for 32-bit code. Atomic; evtchn_lock is held to change it. */
	uint32_t shinfo_compat;
	/* Constant, except for CALLBACK_IRQ, which is atomic. */
	uint64_t hvm_param[HVM_NR_PARAMS];
	/* VMASST_TYPE_runstate_update_flag, atomic. */
	uint32_t runstate_flag;
	/* 1 + reason, atomic. */
	uint32_t shut_down;
	/* The vCPU that shut the guest down, from then on. */
	uint32_t suspend_cpu;

	struct mutex evtchn_lock, fifo_lock;
	union port port[EVTCHN_PORTS];
	struct fifo_last fifo_last[EVTCHN_PORTS];
	/* The guest has switched to the FIFO ABI; atomic. */
	uint32_t fifo;
	/* Set once; atomic. */
	event_word_t *fifo_word[FIFO_PAGES];
	uint32_t n_fifo_pages;

	struct mutex mem_lock;
	struct guest_page grant_page[GRANT_FRAMES];
	uint64_t grant_gfn[GRANT_FRAMES];
	uint64_t shared_gfn;
	uint32_t n_grant_frames;
	/* Users of each reference. */
	uint16_t grant_readers[GRANT_REFS], grant_writers[GRANT_REFS];

	/* Atomic; vCPU 0's thread checks them. */
	sk_time_t watchdog[2];

	struct xen_vcpu vcpu[VM_VCPUS_MAX];
};
extern struct xen_domain xen_dom;

/* A single read or write of a value that the guest may change at any time. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* The vCPU whose thread this is; UINT32_MAX on the I/O thread. */
extern __thread unsigned int xen_this_cpu;

/* The page at that frame number as the VMM sees it; NULL: it is not RAM of the guest. */
static inline void *guest_frame(uint64_t gfn)
{
	return gfn < GFN_LIMIT ? edge_gmem(gfn * SK_PAGE_SIZE, SK_PAGE_SIZE) : NULL;
}

#endif
