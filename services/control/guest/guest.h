/* SPDX-License-Identifier: BSD-2-Clause */
/* guest.h - struct guest: all that control keeps about one guest, by the module that uses it */
#ifndef CONTROL_GUEST_H
#define CONTROL_GUEST_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/queue.h>

#include "client/calls.h"
#include "guest/balance.h"
#include "guest/domtab.h"
#include "guest/pool.h"
#include "proc/proc.h"
#include "proto/vmctl.h"
#include "svc/svc.h"

struct guest_conn {
	enum service service;
	uint32_t step; /* which of the VMM's connections: link.h */
	/* its number, and what is needed to open it again: frames and the VMM's signal */
	struct proc_connection kept;
	bool accused; /* accuse.c: the VMM says that the service broke the protocol */

	/* reopen.c */
	uint16_t life;      /* of the service, in which it was opened the last time */
	uint32_t epoch;     /* of the connection: proto/svc.h */
	bool reopening;     /* the service is asked to open it again */
	bool doubtful;      /* the service may have opened it again without an answer */
	bool lost;          /* it is not opened again, and the VMM knows */
	uint32_t tries;     /* in vain, since it was open the last time */
	uint32_t deaths;    /* of the service, while it opened this one */
	sk_time_t rest_end; /* not tried again before, in this life of the service: */
	uint16_t rest_life;

	/* charge.c: ticks that the service had worked for it, when it said so the last time */
	uint64_t worked;
};
/* The connection that is being made or closed. */
struct guest_link {
	struct call call;
	bool under_way;
	bool again;  /* it was asked for a second time, because the service died */
	bool undone; /* it was made too early, so it was closed, and is made again */
	struct proc_connect c;
	struct proc_connection made;
	char name[16];
	uint64_t params[SVC_PARAMS_MAX / 8];
};
enum {
	GUEST_CONNS_MAX = DOMAIN_CHANNELS_MAX - 1, /* all except that with control */
	/* data part of a disk's or a vif's region; the rings come out of base */
	GUEST_DEVICE_ORDER = 21,
	/* of a device that a running guest gets: the rings are in it, too */
	GUEST_PLUG_ORDER = GUEST_DEVICE_ORDER + 1,
	/* Behind a guest's devices: the volume on which it is saved, or restored from. */
	GUEST_SEAT_IMAGE = GUEST_SEATS,
	/* Behind that: what the kernel and the first module are read through. */
	GUEST_SEAT_FILE,
	GUEST_PIECES = GUEST_SEAT_FILE + 2,
	GUEST_FILE_ORDER = 18,
};
_Static_assert((int)GUEST_SEAT_IMAGE == (int)VMCTL_SEAT_IMAGE, "the VMM's number");

/* The device that a guest gets or loses while it runs, one at a time. */
enum plug_state {
	PLUG_IDLE,
	PLUG_OPEN,
	PLUG_TELL,
	PLUG_SHOW,
	PLUG_IMAGE, /* the VMM may use the volume: save.c */
	UNPLUG_TELL,
	UNPLUG_CLOSE
};
typedef void (*plug_done_fn)(uint32_t domid, const char *why);
struct guest_plug {
	enum plug_state state;
	uint32_t seat;
	bool medium;                   /* of a drive that stays */
	struct domain_channel channel; /* PLUG_TELL */
	struct svc_timer late;
	struct msg why;  /* that an attachment failed; empty: it did not */
	plug_done_fn fn; /* of who waits for the end; NULL: nobody */
};

/* why is NULL when the volume has the guest. */
typedef void (*save_done_fn)(uint32_t domid, const char *why);
struct guest_save {
	/*
	 * OPEN: storage opens the volume; COPY: the VMM writes the guest's memory; SUSPEND: the
	 * guest stops; WRITE: the VMM writes the rest
	 */
	enum save_state {
		SAVE_IDLE,
		SAVE_OPEN,
		SAVE_COPY,
		SAVE_SUSPEND,
		SAVE_WRITE,
		SAVE_CLOSE
	} state;
	uint32_t after; /* enum ctl_save_after */
	char *text;     /* the configuration to save, malloc'ed */
	uint32_t text_size;
	struct svc_timer late;
	struct msg why;  /* that it failed; empty: it did not */
	save_done_fn fn; /* of who waits for the end; NULL: nobody */
};

struct creation;

struct guest {
	struct dom *dom;

	/* build.c */
	struct pool_set ram;  /* in the order of guest physical addresses */
	struct pool_set heap; /* what the VMM retypes itself */
	pool_piece_t base;    /* charged by proc_create() */
	pool_piece_t *more;   /* pieces that the VMM got later: up to n_more_max */
	uint32_t n_ram;       /* pieces of RAM at start */
	uint32_t n_more, n_more_max;
	/* data of disks and vifs, of the volume, and of files, by their seats */
	pool_piece_t device[GUEST_PIECES];
	struct proc proc;
	bool proc_made;
	bool unbuilding; /* what it was made of is being given back */

	/* images.c: what the VMM loads the kernel from, and its mappings */
	struct image *image_used;
	uint32_t image_from, image_to;
	bool image_asked; /* the VMM gets no room for one (any more) */

	/* connect.c */
	struct guest_conn conn[GUEST_CONNS_MAX]; /* in the order in which they were made */
	uint32_t n_conns;
	/* 1 << service: it may have a connection that control does not know of */
	uint32_t doubt;
	struct guest_link link;
	uint32_t step; /* of the connection that is being made */
	bool leaving;  /* they are being closed */
	struct svc_timer late_timer;

	/* plug.c */
	struct guest_plug plug;
	uint32_t plug_number; /* of the last PLUG or UNPLUG that the VMM was sent */

	/* save.c, creation.c: the partition with the saved guest; empty: there is none */
	char image[DISK_LABEL_SIZE];
	bool image_writable;
	enum vm_restore restore;
	struct guest_save save;

	/* sched.c */
	sk_cap_t sched[VM_VCPUS_MAX];
	uint32_t on[VM_VCPUS_MAX]; /* the CPUs that they were given */
	/* its vCPUs in the last balance, and what it wanted of the host's CPU */
	uint32_t first, n_sched, claim;
	uint64_t ran[VM_VCPUS_MAX], waited[VM_VCPUS_MAX]; /* at the last balance */
	uint64_t io_ran;
	bool io_shares; /* the I/O thread takes its turn among vCPUs */
	bool io_capped; /* its budget is set */
	struct balance_cap cap;
	uint32_t n_ran; /* vCPUs that have run since the last balance */
	uint64_t used;  /* ticks that the vCPUs ran, at the last balance */
	/* charge.c: ticks that services worked for it, since the last balance, and in all */
	uint64_t served, served_in_all;
	sk_cap_t fault_ep;

	/* vmctl.c: the vmctl connection, control being its service */
	sk_cap_t ctl_frame;
	void *ctl_region;
	struct svc_conn ctl;
	bool was_ready; /* READY came */
	bool broken;    /* the VMM broke the protocol */
	struct vmctl_stats stats;
	bool stats_asked;
	LIST_ENTRY(guest) of_bit; /* while ctl_region is there */
	struct svc_timer quiesce_timer;

	/* life.c */
	uint64_t start_ns; /* clock_ns() */
	bool start_paused;

	/* creation.c: NULL when the requester has been told the result */
	struct creation *creation;
};

/* build.c: the device in a seat. NULL, false: the guest has none there. */
struct guest_disk *guest_disk_at(struct guest_config *c, uint32_t seat);
struct vif_spec *guest_vif_at(struct guest_config *c, uint32_t devid);
bool guest_has_device(struct guest_config *c, uint32_t seat);
/* It is not an empty drive: it needs a connection with its service. */
bool guest_has_medium(struct guest_config *c, uint32_t seat);
/* Its number: vdev or devid. */
uint32_t guest_device_id(struct guest_config *c, uint32_t seat);

static inline struct guest *guest_of(const struct dom *d) { return d->priv; }

/* The guest to which a timer or an answer belongs; it counts as touched. */
static inline struct guest *guest_of_ctx(void *ctx)
{
	struct guest *g = ctx;

	dom_touch(g->dom);
	return g;
}

#endif
