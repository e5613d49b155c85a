/*
 * xen_domain.h - the guest as Xen describes it: state that the files of the Xen half share
 *
 * Threads     vCPU threads run hypercalls to completion; the I/O thread runs the back ends.
 * Locks       xd.evtchn_lock  port allocation and binding (sending takes none)
 *             xd.fifo_lock    queues of the FIFO ABI, leaf
 *             xd.mem_lock     grants and physmap
 *             xv->time_lock   runstate of one vCPU, leaf
 *             Order: mem_lock, evtchn_lock, fifo_lock.
 */
#ifndef VMM_XEN_DOMAIN_H
#define VMM_XEN_DOMAIN_H

#include <stdbool.h>
#include <stdint.h>
#include <string.h>

#include "xen/layout.h" /* first: it says for which version Xen's headers are read */

#include <xen/errno.h>
#include <xen/event_channel.h>
#include <xen/hvm/params.h>

#include "edge.h"
#include "xen.h"
#include "base/array.h"

#define PAGE 4096u

enum {
	EVTCHN_PORTS = 1024,   /* as many as a guest gets from xl by default */
	EVTCHN_BACKENDS = 256, /* ports of the guest that a back end is bound to */
	FIFO_PAGES = EVTCHN_PORTS * sizeof(event_word_t) / PAGE,
	GRANT_FRAMES = 32,
	GRANT_REFS = GRANT_FRAMES * PAGE / sizeof(struct grant_entry_v1),
};

/* A port, read and written as one word; who changes it holds evtchn_lock. */
union port {
	uint64_t word;
	struct {
		uint8_t state; /* EVTCHNSTAT_*, or PORT_LOCAL */
		uint8_t vcpu;
		uint8_t priority;
		uint8_t virq;
		uint16_t remote;  /* domain of an unbound port; PORT_LOCAL: the other port */
		uint16_t backend; /* interdomain: index of the back end */
	};
};
_Static_assert(sizeof(union port) == 8, "one word");
enum { PORT_LOCAL = 0x80 }; /* interdomain with another port of the same guest */

struct fifo_last { /* the queue that an event was last put on: it may still be linked there */
	uint8_t vcpu, priority;
	bool pending; /* the event's word did not exist yet */
};

struct fifo_queue {
	uint32_t tail;
};

struct xen_vcpu {
	struct vcpu_info *info; /* in shared_info, or where the guest wants it */
	bool info_registered;
	uint8_t upcall_vector; /* HVMOP_set_evtchn_upcall_vector; 0 = none */
	uint32_t upcall_new; /* atomic: an upcall became due since the last one was injected */
	uint16_t virq_port[NR_VIRQS]; /* evtchn_lock */
	/* FIFO: fifo_lock */
	struct evtchn_fifo_control_block *control;
	struct fifo_queue queue[EVTCHN_FIFO_MAX_QUEUES];
	/* its thread */
	bool waiting; /* in SCHEDOP_block or _poll */
	sk_time_t poll_deadline;
	uint32_t ram_number; /* of the question for RAM at ram_gfn that it waits for; 0: none */
	uint64_t ram_gfn;
	sk_time_t singleshot;
	/* any thread */
	uint64_t period;       /* ns, atomic; 0 = no periodic timer */
	sk_time_t next_period; /* its thread; SK_NO_DEADLINE = start one from now */
	uint64_t period_seen;
	bool started; /* came up once */
	/* time_lock */
	struct edge_lock time_lock;
	struct vcpu_runstate_info runstate;
	uint64_t runstate_tsc, waiting_ticks; /* at the last update */
	void *runstate_at[2]; /* the guest's copy, perhaps across a page boundary */
	uint32_t runstate_size, runstate_first; /* its bytes, and those in the first part */
	void *time_copy;                        /* struct vcpu_time_info, aligned to 4 */
};

struct xen_domain {
	struct xen_params p;
	struct edge_page shared_page;
	struct shared_info *shared; /* in the layout of 64-bit code, if not */
	uint32_t shinfo_compat; /* atomic: laid out for 32-bit code; evtchn_lock to change it */
	uint64_t hvm_param[HVM_NR_PARAMS]; /* constant but for CALLBACK_IRQ: atomic */
	uint32_t runstate_flag;            /* VMASST_TYPE_runstate_update_flag, atomic */
	uint32_t shut_down;                /* atomic: 1 + reason */

	struct edge_lock evtchn_lock, fifo_lock;
	union port port[EVTCHN_PORTS];
	struct fifo_last fifo_last[EVTCHN_PORTS];
	uint32_t fifo;                       /* atomic: the guest switched to the FIFO ABI */
	event_word_t *fifo_word[FIFO_PAGES]; /* atomic: set once */
	uint32_t n_fifo_pages;

	struct edge_lock mem_lock;
	struct edge_page grant_page[GRANT_FRAMES];
	uint64_t grant_gfn[GRANT_FRAMES];
	uint64_t shared_gfn;
	uint32_t n_grant_frames;
	uint16_t grant_readers[GRANT_REFS],
		grant_writers[GRANT_REFS]; /* users of each reference */

	sk_time_t watchdog[2]; /* vCPU 0's thread looks; atomic */

	struct xen_vcpu vcpu[XEN_VCPUS_MAX];
};
extern struct xen_domain xd;

/* One read of a value that the guest may change meanwhile. */
#define READ_ONCE(x) (*(const volatile __typeof__(x) *)&(x))
#define WRITE_ONCE(x, v) (*(volatile __typeof__(x) *)&(x) = (v))

/* The vCPU whose thread this is; UINT32_MAX on the I/O thread. */
extern __thread unsigned xen_this_cpu;

/* ---- hypercall.c ------------------------------------------------------------------ */
struct hcall {
	unsigned cpu;
	bool wide;   /* 64-bit caller: its longs and pointers have 8 bytes, else 4 */
	bool nested; /* inside a multicall */
	bool again;  /* out: the guest shall execute the instruction again, with op and arg[] */
	unsigned
		budget; /* work units left before it has to, shared by the calls of a multicall */
	uint64_t op;
	uint64_t arg[6];
};
/* Units of one execution: calls of a multicall, elements of a list, pages of an extent. */
enum { HCALL_BATCH = 256 };
/* A step that costs n units: it may begin while there is any budget left, so each execution makes progress. */
static inline void hc_spend(struct hcall *c, unsigned n)
{
	c->budget -= n < c->budget ? n : c->budget;
}

static inline bool hc_in(const struct hcall *c, void *dst, uint64_t gva, uint64_t len)
{
	return edge_gva_read(c->cpu, dst, gva, len);
}
static inline bool hc_out(const struct hcall *c, uint64_t gva, const void *src, uint64_t len)
{
	return edge_gva_write(c->cpu, gva, src, len);
}
/* *s, a structure of the ABI as the caller lays it out, from or to gva. */
#define HC_GET(c, s, gva) hc_get(c, LAYOUT_OF(s), s, sizeof(*(s)), gva)
#define HC_PUT(c, gva, s) hc_put(c, LAYOUT_OF(s), gva, s, sizeof(*(s)))
bool hc_get(
	const struct hcall *c, const struct layout *l, void *dst, uint64_t size, uint64_t gva);
bool hc_put(const struct hcall *c, const struct layout *l, uint64_t gva, const void *src,
	uint64_t size);
/* Longs and pointers of the caller's, 8 at most. */
bool hc_words_get(const struct hcall *c, uint64_t *word, uint64_t gva, unsigned n);
bool hc_words_put(const struct hcall *c, uint64_t gva, const uint64_t *word, unsigned n);
static inline unsigned hc_word_size(const struct hcall *c) { return c->wide ? 8 : 4; }
static inline bool dom_self(domid_t d) { return d == DOMID_SELF || d == xd.p.domid; }
/* Domain argument of a call that serves the caller alone: 0, -ESRCH (no such), -EPERM (another's). */
static inline int dom_check(domid_t d)
{
	if (dom_self(d))
		return 0;
	return d == 0 ? -XEN_EPERM : -XEN_ESRCH;
}
/* Argument 1 points to a structure: into *s. 0 or -EFAULT. */
#define HC_STRUCT(c, s) (HC_GET(c, s, (c)->arg[1]) ? 0 : -XEN_EFAULT)
/* The same, and the domain that it names has to be the caller. */
#define HC_SELF(c, s) (HC_STRUCT(c, s) ?: dom_check((s)->domid))

typedef int64_t hcall_fn(struct hcall *c);
hcall_fn hc_xen_version, hc_console_io, hc_vm_assist; /* version.c */
hcall_fn hc_memory_op;                                /* memory_op.c */
hcall_fn hc_event_channel_op;                         /* evtchn.c */
hcall_fn hc_grant_table_op;                           /* grant_op.c */
hcall_fn hc_hvm_op;                                   /* hvm_op.c */
hcall_fn hc_sched_op;                                 /* sched_op.c */
hcall_fn hc_vcpu_op, hc_set_timer_op;                 /* vcpu_op.c */

/* Does the vCPU, whose thread this is, execute 64-bit code? */
bool vcpu_in_long_mode(unsigned cpu);

/* ---- shinfo.c --------------------------------------------------------------------- */
bool shinfo_compat(void); /* laid out for 32-bit code */
/* The guest does what new kernels begin with: the layout becomes that of the code that the vCPU runs. */
void shinfo_latch(unsigned cpu);
/* Event channels of the 2-level ABI; those that change a bit return what it was. */
bool shinfo_pending(uint32_t port);
bool shinfo_pending_set(uint32_t port);
void shinfo_pending_clear(uint32_t port);
bool shinfo_masked(uint32_t port);
bool shinfo_unmask(uint32_t port);
bool shinfo_select(unsigned cpu, uint32_t port);
void shinfo_select_all(unsigned cpu);
/* Members of the vCPU's vcpu_info; it is aligned to 4. */
uint8_t *shinfo_upcall_pending(unsigned cpu);
uint8_t *shinfo_upcall_mask(unsigned cpu);
void *shinfo_time(unsigned cpu);
/* Since 1970, of the guest's system time 0. */
void shinfo_wallclock_write(uint64_t sec, uint32_t nsec);

/* ---- sched_op.c ------------------------------------------------------------------- */
void sched_wait_kick(unsigned cpu);
void sched_wait_end(unsigned cpu); /* own thread */

/* ---- evtchn.c --------------------------------------------------------------------- */
int evtchn_init(void) must_check;
/* A port of the guest's that domain 0 may bind, made at the guest's birth. 0 = none left. */
uint32_t evtchn_alloc_unbound(void);
/* A back end takes the unbound port: fn(ctx) runs on the I/O thread when the guest notifies. */
int evtchn_backend_bind(
	uint32_t port, void (*fn)(void *ctx), void *ctx, unsigned *backend) must_check;
void evtchn_backend_unbind(unsigned backend);
void evtchn_backend_notify(unsigned backend); /* raise the event in the guest */
void evtchn_backend_again(unsigned backend);  /* call fn(ctx) once more, after the others */
void evtchn_backends_run(void);               /* I/O thread: call those that were notified */
void evtchn_virq(unsigned cpu, unsigned virq);
bool evtchn_pending(uint32_t port);
bool evtchn_upcall_pending(unsigned cpu);
void evtchn_mark_upcall(unsigned cpu); /* an event waits: make the upcall due */
void evtchn_all_pending(
	unsigned cpu); /* the vcpu_info moved: make the guest look at everything */
void evtchn_set_pending(uint32_t port, union port p);
/* evtchn_lock held: the layout of shared_info changed. What is pending is selected in the new one, as if it came now. */
void evtchn_select_pending(void);

/* ---- evtchn_fifo.c ---------------------------------------------------------------- */
int64_t fifo_init_control(struct hcall *c, uint64_t arg);
int64_t fifo_expand_array(struct hcall *c, uint64_t arg);
void fifo_set_pending(uint32_t port, union port p);
void fifo_unmask(uint32_t port, union port p);
void fifo_clear_pending(uint32_t port);
bool fifo_pending(uint32_t port);
void fifo_reset(void);

/* ---- grant.c ---------------------------------------------------------------------- */
int grant_init(void) must_check;
int grant_grow(uint32_t frames) must_check; /* mem_lock held: 0, -XEN_ENOMEM, -XEN_EINVAL */
/* For domain `dom`, mem_lock held: GNTST_*; *page is the granted page. */
int grant_acquire(uint32_t ref, domid_t dom, bool write, void **page);
void grant_release(uint32_t ref, bool write);
/* Back ends (domain 0), any thread. 0 or GNTST_*. */
int grant_map(uint32_t ref, bool write, void **page);
void grant_unmap(uint32_t ref, bool write);
int grant_read(uint32_t ref, uint32_t offset, void *dst, uint32_t len);
int grant_write(uint32_t ref, uint32_t offset, const void *src, uint32_t len);

/* ---- time.c ----------------------------------------------------------------------- */
void time_init(void);
uint64_t time_ns(uint64_t tsc);  /* system time at a host TSC */
sk_time_t time_tsc(uint64_t ns); /* host TSC at a system time, rounded up */
uint64_t time_ticks_ns(uint64_t ticks);
static inline uint64_t time_now(void) { return time_ns(edge_tsc()); }
void time_write(unsigned cpu); /* pvclock pages of the vCPU */
void time_write_wallclock(void);
void time_runstate_set(
	unsigned cpu, int state); /* state < 0: as it is, bring the times up to date */
void time_timers_run(unsigned cpu);
/* version.c */
void domain_uuid(uint8_t out[16]);

#endif
