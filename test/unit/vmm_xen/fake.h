/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake.h - a substitute on the build machine for what the Xen half of the VMM uses: guest
 * memory, vCPUs, time, and the services behind its connections
 */
#ifndef FAKE_H
#define FAKE_H

#include <string.h>

#include "backend/blkback.h"
#include "backend/cons_ring.h"
#include "backend/gring.h"
#include "backend/netback.h"
#include "backend/xenbus.h"
#include "backend/xs_link.h"
#include "backend/xs_ring.h"
#include "svc/svc.h"
#include "xen/evtchn.h"
#include "xen/evtchn_backend.h"
#include "xen/evtchn_fifo.h"
#include "xen/grant.h"
#include "xen/hypercall.h"
#include "xen/sched_op.h"
#include "xen/shinfo.h"
#include "xen/time.h"
#include "xen/upcall.h"
#include "xen/xen_domain.h"

#include "proto/blk.h"
#include "proto/net.h"
#include "proto/xs.h"

enum { RAM_PAGES = 1024, FAKE_VCPUS = 4, FAKE_PAGES = 33, DOMID = 7 };

extern uint8_t ram[RAM_PAGES * SK_PAGE_SIZE];
extern uint8_t present[RAM_PAGES]; /* 1: the guest has the page */
extern bool fake_wrote[RAM_PAGES]; /* it was reported that something was written there */
extern struct sk_vcpu_state fake_state[FAKE_VCPUS];
extern unsigned int kicks[FAKE_VCPUS], posts[FAKE_VCPUS], io_kicks, logs, notes,
	devices_changed, channels_dropped;
extern uint64_t last_note;
extern uint8_t last_post;
extern bool up[FAKE_VCPUS], log_quiet;
extern char log_line[200];             /* the last one of vm_log() */
extern bool fake_apic_off[FAKE_VCPUS]; /* interrupts posted there are lost */
extern uint64_t fake_tsc, fake_waiting;
extern int shutdown_reason;
extern uint64_t max_pages;
extern uint64_t fake_tsc_offset[FAKE_VCPUS];
extern unsigned int yields;
/*
 * Pages from here on are not the home of RAM. Control is asked for RAM, and fake_answer is its
 * answer; each RAM_GIVEN adds fake_homes_step pages.
 */
extern uint64_t fake_homes, fake_homes_step, fake_asked_pages;
extern unsigned int fake_asks;
extern enum ram_answer fake_answer;

/* Make the guest; once per process. The store's page is 2, the console's is 3. */
void fake_guest(void);
/* Make it again, for fuzzers; back ends and connections stay. */
void fake_again(void);

/* Run a hypercall of vCPU 0 to its end, as 64-bit code unless fake_state says otherwise. */
int64_t hypercall(uint32_t op, uint64_t a, uint64_t b, uint64_t c);
/* Argument structures go here (guest address = offset in ram). */
enum { ARG = 300 * SK_PAGE_SIZE, ARG2 = 350 * SK_PAGE_SIZE };
void *at(uint64_t gpa);

/* Grant entry of reference `ref` (frame 0 of the table). */
void grant_give(uint32_t ref, uint32_t frame, uint16_t flags, uint16_t domid);
/* Port that domain 0 may bind. */
uint32_t guest_port(void);

/* ---- services: the other end of a channel ----------------------------------------- */
struct fake_conn {
	const char *name;
	struct svc_conn c;
	struct ring req, rsp; /* the service's ends: consumer, producer */
	svc_handler_fn fn, on_epoch, on_end;
	void *ctx, *epoch_ctx, *end_ctx;
	unsigned int signals;
	uint8_t *mem;
};
struct fake_conn *fake_channel(const char *name, uint32_t ring_bytes, uint32_t data_bytes);
void fake_event(struct fake_conn *f);
/* Let time pass on the clock of timers, and run those that become due. */
void fake_time_passes(uint32_t us);
/* The service has started again, and the I/O thread learns of it. */
void fake_restart(struct fake_conn *f);
/* The service does not come back. */
void fake_end(struct fake_conn *f, enum svc_end end);

/* A small xenstore on the channel "xs": serve the requests that wait. */
void fake_xs_run(void);
const char *fake_xs_get(const char *path);
void fake_xs_set(const char *path, const char *value);
/* A request of the guest is kept here; it is not served. */
extern struct {
	struct xs_native n;
	struct xsd_sockmsg m;
	char body[4096];
} guest_request;
extern unsigned int guest_requests;

/* Run the I/O thread and the services until nothing moves. */
void fake_io_run(void);

#endif
