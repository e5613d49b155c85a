/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * proc.h - building a domain: from an ELF image and capabilities to a running thread
 *
 * init uses it for every static domain, and control for VMMs. Everything that proc_create() and
 * later calls make is charged to one untyped (spec->untyped), so revoking it ends the domain
 * and frees all its memory; nothing else has to be undone. A call that fails leaves the
 * builder's own slots as they were; the revoke gives back memory that it took from the untyped.
 *
 * The order of calls:
 *   proc_image_fetch()              once (control); init takes the image from the archive
 *   proc_create()                   CNode, space, thread, UTCB, stack, image, info page
 *   proc_give(), proc_move(), proc_untyped(), proc_map(), proc_data(), proc_connect() ...
 *   proc_start()                    the info page becomes read-only for all; the thread runs
 *   proc_stop()                     at any time: stop the main thread for good
 *   proc_destroy()                  at any time: revoke, and free the builder's own slots
 *
 * Slots: `keep` is a CNode in the domain's memory. The builder leaves the capabilities of
 * everything that must stay mapped in it (copies of image frames, page tables, stack). The
 * domain has no capability to it.
 * Calls block only on services that spec or arguments name (proc_connect: SVC_OPEN).
 */
#ifndef PROC_H
#define PROC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include "proto/domain.h"
#include "proto/init.h"
#include "proto/svc.h"
#include <sk/object.h>
#include <sk/types.h>

/* ---- images ------------------------------------------------------------------------------ */
#define PROC_PIECES_MAX 64u
#define PROC_SEGS_MAX 8u

/*
 * `size` bytes of the file lie at `offset` of a frame. All pieces are page-aligned, except for
 * the end of the last one.
 */
struct proc_piece {
	/* In the builder's CSpace, at least SK_R | SK_EXEC | SK_GRANT. */
	sk_cap_t frame;
	uint32_t order;
	uint64_t offset;
	uint64_t size;
};
struct proc_seg {
	uint64_t vaddr;
	/* In the file; has the same position in its page as vaddr. */
	uint64_t offset;
	uint64_t file_size, mem_size;
	/* SK_R, SK_W, SK_EXEC; never W and X. */
	uint32_t rights;
};
struct proc_elf {
	uint64_t entry;
	uint32_t n_segs;
	struct proc_seg seg[PROC_SEGS_MAX];
};
struct proc_image {
	uint32_t n_pieces;
	struct proc_piece piece[PROC_PIECES_MAX];
	/* The whole file, mapped read-only in the builder. */
	const uint8_t *base;
	uint64_t size;
	/* Filled by proc_image_init(), or as init says. */
	struct proc_elf elf;
};

/*
 * Parse one of our ELF64 executables. Pure, and trusts nothing. On failure *why says what is
 * wrong.
 */
int proc_elf_decode(
	const void *file, uint64_t size, struct proc_elf *out, const char **why) must_check;
/* Call it after n_pieces, piece[], base and size were filled in. */
int proc_image_init(struct proc_image *im, const char **why) must_check;
/* control: get the VMM's image from init (INIT_IMAGE) and map it. */
int proc_image_fetch(sk_cap_t init_ep, struct proc_image *im) must_check;

/*
 * The largest frame of a writable segment. A larger one would be aligned to its size, and the
 * gap before it is memory that nobody uses.
 */
enum { PROC_DATA_ORDER = 15, PROC_DATA_FRAME = 1 << PROC_DATA_ORDER };

/* ---- a domain in the making -------------------------------------------------------------- */
struct proc_sched {
	uint32_t cpu, priority, weight;
	/* Period 0 = no cap. */
	uint64_t budget_us, period_us;
};

struct proc_spec {
	const char *name;
	/* Lines of key=value; NULL = none. */
	const char *args;
	/* How many times the domain was started before. */
	uint32_t epoch;
	const struct proc_image *image;
	/*
	 * The memory that is charged, see above. In an own slot, and without children so far.
	 */
	sk_cap_t untyped;
	/* Order of the domain's CNode; 0 = 15 (408 slots). */
	uint32_t cnode_order;
	/*
	 * A CNode of that order with all rights, which outlives the domain. Its slots below
	 * free_slot that are used here are empty; so are the others if epoch is 0. 0 = made
	 * from the untyped.
	 */
	sk_cap_t cnode;
	/* First slot that the domain manages itself; 0 = DOMAIN_CAP_FREE. */
	uint32_t free_slot;
	/* 0 = 16 (64 KiB). */
	uint32_t stack_order;
	/* In an own slot, badged for this domain; 0 = faults suspend the thread silently. */
	sk_cap_t fault_ep;
	/* Badged; copied to DOMAIN_CAP_PARENT; 0 = none. */
	sk_cap_t parent_ep;
	/* Unbadged; 0 = made from the untyped. */
	sk_cap_t ntfn;
	/* Endpoint with all rights; 0 = made from the untyped. */
	sk_cap_t service;
	sk_cap_t ctl_sched;
	/* For the info page; 0 = the time that the builder itself was told. */
	uint64_t wall_boot_ns;
	/* For the main thread, whose context is the domain's SK_CAP_SCHED. */
	struct proc_sched sched;
};

struct proc {
	sk_cap_t untyped;
	/* Own slots, valid from proc_create() to proc_destroy(). */
	sk_cap_t cnode, keep, space, thread, sched, ntfn, service, info_frame;
	/* Made from the untyped. */
	bool own_ntfn, own_service, own_cnode;
	uint32_t n_slots, keep_next, keep_slots;
	/* Where the next region or BAR goes. */
	uint64_t next_vaddr;
	uint64_t entry;
	/* The builder's view, writable until proc_start(). */
	struct domain_info *info;
};

int proc_create(struct proc *p, const struct proc_spec *s) must_check;

/*
 * Put the capability of an own slot into a slot of the domain: a copy with these rights (and
 * this badge, unless 0), or moved.
 */
int proc_give(struct proc *p, uint32_t slot, sk_cap_t cap, uint32_t rights,
	uint64_t badge) must_check;
int proc_move(struct proc *p, uint32_t slot, sk_cap_t cap) must_check;
/*
 * Make an object directly in a slot of the domain, out of `from`, or out of p->untyped if that
 * is 0.
 */
int proc_make(
	struct proc *p, uint32_t slot, uint32_t type, uint32_t order, sk_cap_t from) must_check;
/*
 * Memory that the domain may retype: the next DOMAIN_CAP_UNTYPED slot, listed in its info page.
 */
int proc_untyped(struct proc *p, uint32_t order, sk_cap_t from) must_check;
/*
 * A further scheduling context for a thread that the domain makes (VM_CAP_SCHED + i),
 * configured. Unless own is NULL, *own gets a copy for the builder, for later
 * SK_SYS_SCHED_CONFIGURE and _STATS.
 */
int proc_sched(struct proc *p, uint32_t slot, sk_cap_t ctl_sched, const struct proc_sched *s,
	sk_cap_t *own) must_check;

/*
 * Map [offset, offset + size) of a frame in an own slot at vaddr of the domain, through a copy
 * that is kept; rights: SK_R, SK_W, SK_EXEC, SK_MAP_*. The page-table pages come out of
 * p->untyped.
 */
int proc_map(struct proc *p, sk_cap_t frame, uint64_t vaddr, uint64_t offset, uint64_t size,
	uint32_t rights) must_check;
/*
 * Unmap what proc_map() has mapped: proc_mark() returned `from` before it, and `to` after it.
 */
uint32_t proc_mark(const struct proc *p);
void proc_unmap(struct proc *p, uint32_t from, uint32_t to);
/*
 * New pages at vaddr, filled with a copy of data; the domain reads them, and writes them with
 * SK_W.
 */
int proc_data(struct proc *p, uint64_t vaddr, const void *data, uint64_t size,
	uint32_t rights) must_check;
/*
 * An address for a frame of this order in the area of channels and BARs; aligned up to 2 MiB.
 */
uint64_t proc_vaddr(struct proc *p, uint32_t order);

/*
 * A connection with the domain as client: proc_connect() makes the region, calls SVC_OPEN on
 * the service, and lists the channel in the info page. Its notification bit is the channel's
 * index.
 */
struct proc_connect {
	/* The channel's name, at most 15 bytes. */
	const char *name;
	/* The service's control endpoint. */
	sk_cap_t endpoint;
	uint32_t proto;
	/* Identity: domid, or number | SVC_STATIC. */
	uint32_t client;
	/* Bytes of data wanted; UINT64_MAX = the protocol's default. */
	uint64_t data_size;
	/* Bytes for the service's state of the client. The client gets no access to them. */
	uint64_t own_size;
	const void *params;
	uint32_t params_len;
	/* Memory of rings and own_size; 0 = p->untyped. */
	sk_cap_t untyped;
	/* Memory of the data part; 0 = the same. */
	sk_cap_t data_untyped;
	/* How long proc_connect() waits for the service; 0 = SVC_OPEN_MS. */
	uint32_t open_ms;
};
struct proc_connection {
	uint32_t number; /* for SVC_CLOSE */
	/* Index in the info page. */
	uint32_t channel;
	/* mr2 and mr3 of the service's reply. */
	uint64_t word[2];
	/* Frames in own slots. */
	sk_cap_t rings, data, own;
	sk_cap_t client_signal, service_signal; /* likewise */
};
/*
 * Orders of the frames for the rings and the data of such a connection; data_order 0 = no data.
 */
void proc_connect_orders(
	uint32_t proto, uint64_t data_size, uint32_t *ring_order, uint32_t *data_order);
/*
 * -SK_E_TIMEOUT: the service does not answer and may hold memory out of untyped and
 * data_untyped, which must then be left as they are (svc_open in svc.h): call proc_stop(), and
 * proc_destroy() only when the service has said that it holds nothing. The builder keeps the
 * connection's objects in own slots (proc_connection).
 */
int proc_connect(
	struct proc *p, const struct proc_connect *c, struct proc_connection *out) must_check;
struct svc_open_args;
struct svc_open_result; /* svc/svc.h */
/*
 * The same for a builder that must not wait. proc_connect_prepare() does everything before the
 * call, then a thread that may wait calls svc_open() with *a, and proc_connect_finish() does
 * the rest with its result. Until then *c, all that it points to, and *out have to stay valid,
 * and the domain gets no other channel. If finish fails and out->number is not 0, the service
 * has made the connection, and the caller has to close it.
 */
int proc_connect_prepare(struct proc *p, const struct proc_connect *c, struct svc_open_args *a,
	struct proc_connection *out) must_check;
int proc_connect_finish(struct proc *p, const struct proc_connect *c,
	const struct svc_open_args *a, int open_rc, const struct svc_open_result *r,
	struct proc_connection *out) must_check;
/*
 * When the service has been started again: make *a for svc_open(), which opens the connection
 * again with what the builder kept; *c says what it said to proc_connect(), and
 * epoch is one more than the last time (0 the first time). It does not wait, and makes nothing.
 * The client keeps its end, so the caller drops the signal of svc_open()'s result, and takes
 * its words. After an error the caller may try again with a further epoch. svc_abandon() with
 * the same *a gives the connection up.
 */
int proc_reopen_prepare(const struct proc_connect *c, const struct proc_connection *kept,
	uint32_t epoch, struct svc_open_args *a) must_check;
/*
 * A connection of a domain that runs, as a channel with a number that it does not use so far.
 * The same two halves: *ch is what the domain has to be told, because its info page stays as it
 * is. All memory comes out of c->untyped and c->data_untyped, so that the domain is as before
 * when these are revoked and proc_unplug() has emptied its slots. Channel 0 is mapped, and
 * proc_plug_room() was called directly behind it.
 */
void proc_plug_room(struct proc *p);
int proc_plug_prepare(struct proc *p, uint32_t channel, const struct proc_connect *c,
	struct svc_open_args *a, struct proc_connection *out) must_check;
int proc_plug_finish(struct proc *p, const struct proc_connect *c,
	const struct svc_open_args *a, int open_rc, const struct svc_open_result *r,
	struct proc_connection *out, struct domain_channel *ch) must_check;
void proc_unplug(struct proc *p, uint32_t channel);
/*
 * The service side of a connection whose client is the builder itself (control for "vmctl"), or
 * whose region exists already: list and map a channel with these parts.
 */
struct proc_channel {
	const char *name;
	uint32_t proto, epoch;
	/* Frames in own slots; copied. 0 = without. */
	sk_cap_t rings, data;
	uint32_t req_size, rsp_size;
	uint64_t data_size;
	/* In an own slot: signals the service; copied. 0 = memory without a service. */
	sk_cap_t signal;
};
int proc_channel(struct proc *p, const struct proc_channel *c, uint32_t *index) must_check;

int proc_start(struct proc *p) must_check;
/*
 * Revoke the untyped and free the builder's slots. The builder keeps the untyped itself, which
 * is then empty.
 */
void proc_destroy(struct proc *p);
/* Stop the main thread for good; everything else stays until proc_destroy(). */
void proc_stop(struct proc *p);

/*
 * What a domain that was made holds: the next slot that is not empty, first those of the
 * domain, then those that are kept for it (INIT_CAP_MAPPED). *at is 0 at first. `what` says
 * what proc_create() and proc_untyped() put there; the builder knows the rest. False: that was
 * all.
 */
bool proc_cap_next(const struct proc *p, uint64_t *at, struct init_cap *out);

#endif
