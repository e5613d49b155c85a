/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake.h - a kernel for libs/svc: a script of messages and a list of slots
 */
#ifndef FAKE_H
#define FAKE_H

#include "svc/svc.h"
#include "svc/edge.h"

enum { SCRIPT_MAX = 64, SLOTS_MAX = 4096, FRAME_ORDER = 14 };
/* Capabilities of SVC_OPEN in their order in the message. */
enum { CAP_RINGS, CAP_SIGNAL, CAP_DATA, CAP_OWN, CAPS };

/* The next message that svc_run() receives: a call, or a signal if label is SK_LABEL_SIGNAL. */
struct event {
	uint64_t label, badge;
	uint32_t n, n_caps;
	uint64_t mr[SK_MR_MAX];
	int rc; /* if not 0, the receive fails with it (TIMEOUT runs timers) */
	void (*before)(
		void); /* runs when the domain has gone to wait, before the message is there */
	uint32_t frame_order[CAPS]; /* orders of the capabilities; 0: not a frame */
	bool unbadged;              /* the signal capability has no badge */
};
/* What the domain answered. */
struct answer {
	sk_cap_t reply;
	uint64_t mr[SK_MR_MAX];
	uint32_t n, n_caps;
	bool moved;
};
struct fake {
	struct event script[SCRIPT_MAX];
	unsigned int n_script, at;
	struct answer answer[SCRIPT_MAX];
	unsigned int n_answers;
	unsigned int signals[SLOTS_MAX];
	void (*on_signal)(void); /* what the other side does as soon as it is signalled */
	sk_cap_t irq;            /* the last one that was bound */
	int irq_rc;
	bool used[SLOTS_MAX], filled[SLOTS_MAX];
	uint32_t order[SLOTS_MAX], kind[SLOTS_MAX];
	bool unbadged[SLOTS_MAX];
	void *region, *data, *own; /* memory that vm_map() maps */
	unsigned int n_mapped;
	bool full; /* whether no slot is free */
	bool mapped[CAPS], fail_map[CAPS];
	uint64_t ran;            /* CPU time of this domain */
	sk_time_t now, deadline; /* deadline: of the last receive or call */
	struct sent {
		uint64_t mi, mr[SK_MR_MAX];
		struct sk_send_cap cap[SK_CAPS_MAX];
	} sent; /* what the last call sent */
	long call_rc;
	uint64_t call_mr1; /* of the call's answer */
	uint32_t call_words, call_caps;
	bool no_memory; /* whether memory for objects has run out */
	unsigned int n_objects;
	uint32_t about[2]; /* the last two arguments of edge_log_about() */
	unsigned int n_about;
	unsigned int n_resumes; /* calls of edge_log_resume() */
	long reply_rc;
	void (*before_wait)(void); /* runs once, in the next edge_wait() */
	struct sk_utcb utcb;
};
extern struct fake fake;

void fake_reset(void);
void fake_end(void);
struct event *fake_add(uint64_t label, uint64_t badge);
/*
 * Slots in use, including those that the loop keeps for the next message, but without its Reply
 * objects.
 */
unsigned int fake_slots(void);

#endif
