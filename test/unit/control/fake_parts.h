/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_parts.h - declarations that the parts of the world around the control domain share */
#ifndef CONTROL_FAKE_PARTS_H
#define CONTROL_FAKE_PARTS_H

#include "cuts.h"
#include "fakes.h"

/*
 * Capabilities that the manifest gives control, and the scheduling context with which it asks
 * for idle times.
 */
enum {
	CTL_SLOT = 899,
	POOL_SLOT = 900,
	POOL_ORDER = 29,
	PROBE_SLOT = 4000,
};

enum {
	CHAN_RING = 36864,
	CHAN_DATA = 262144,
};

/* One of control's channels, with the ends of the service. */
struct chan {
	struct svc_conn c;
	struct ring req, rsp;
	svc_handler_fn fn, on_epoch, on_end;
	void *ctx, *epoch_ctx, *end_ctx;
	_Alignas(4096) uint8_t mem[2 * CHAN_RING];
	uint8_t data[CHAN_DATA];
};
/* xs: the scribe's with xenstore; scribe: control's with the scribe. */
extern struct chan console_chan, xs_chan, files_chan, scribe_chan;
/*
 * Between control and the shell: control's end. BIT_CTL and BIT_CONSOLE are bits of channels.
 */
extern struct chan ctl_chan;
enum { BIT_CTL = 5, BIT_CONSOLE = 4 };
/* Both have begun: the shell's end is opened. */
void tool_connect(void);
/* One turn of the scribe's end. */
bool scribe_serve(void);
/* The shell puts this into the ring. */
void tool_says(const void *rec, uint32_t len);
/* One turn of the shell's end. */
bool tool_event(void);
/* One turn of its handler. True: it has used the turn up. */
bool chan_event(struct chan *k);
/* The service behind a channel has started again, or does not come back. */
void chan_restart(struct chan *k);
void chan_end(struct chan *k);

/* Handlers of control's own bits, and the bits that svc_raise() set. */
extern svc_handler_fn bit_fn[24];
extern void *bit_ctx[24];
extern uint64_t raised;

/* What it was made from. */
/* The CPU that a scheduling context is on. */
void sched_place(sk_cap_t sched, uint32_t cpu);
sk_cap_t cap_parent(sk_cap_t slot);
/* Is one untyped, or what was made from it, part of the other? */
bool cap_below(sk_cap_t slot, sk_cap_t ancestor);
/* All that was made from it is gone; no service has any of it. */
void vmms_revoked(sk_cap_t untyped);
void services_revoked(sk_cap_t untyped);
/* A life of control begins: all slots in use are inherited. */
void slots_begin(void);
/* A capability of this type in a new slot of control, made from what is in `parent`. */
sk_cap_t cap_new(uint32_t type, sk_cap_t parent);

/* Each lets one party act, and returns false if it had nothing to do. */
bool timers_due(void);
bool calls_serve(void);
bool console_serve(void);
bool console_type(void);
bool files_serve(void);
bool xs_serve(void);
/* Keys for the console, which gives them to the shell line by line. */
void console_keys(const char *keys);

#endif
