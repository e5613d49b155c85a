/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.h - what the parts of init share
 *
 * init is the root task: it makes every static domain from the manifest, keeps the objects on
 * their boundaries, answers calls, and starts again what ends. All of that is work of one
 * thread, which takes no lock for it. A second thread takes the messages (post.c).
 */
#ifndef INIT_H
#define INIT_H

#include <stdbool.h>
#include <stddef.h>
#include "base/complaint.h"
#include "cpio.h"
#include "policy.h"
#include "proc/proc.h"
#include "proto/init.h"
#include "sys/sk.h"
#include <sk/boot.h>

/* What a domain in state DOMAIN_RESTARTING waits for. */
enum domain_phase {
	/*
	 * The services that it used: they have to let go of what it gave them. It is stopped.
	 */
	PHASE_ENDING,
	/* The time at which it may start, and its services. Nothing of it is left. */
	PHASE_ENDED,
	/* A sign that it handles events, so that its connections can be opened again. */
	PHASE_OPENING,
};

/* What supervise.c remembers of a domain. */
struct life {
	enum domain_phase phase;
	/* Why it ended last. */
	enum domain_end end;
	uint32_t restarts;
	/* Ends since it has recovered, and ends that each followed a recovery closely. */
	uint32_t n_ends, n_quick;
	/* When it was started last, when it had recovered last, and when it may start next. */
	sk_time_t started_at, recovered_at, start_at;
	/* Pulses since it has answered one; and whether it ever did in this life. */
	uint32_t pulses;
	/* For how long it had waited for its CPU when the first of these pulses was sent. */
	uint64_t waited;
	bool answered;
	/* How often in a row platform has ended while it reset the device. */
	uint32_t resets_lost;
};

/*
 * A static domain. Everything that is made from `memory` and `own` ends with the domain; all
 * other capabilities are init's and outlive it.
 */
struct domain {
	const struct manifest_domain *m;
	struct proc proc;
	enum domain_state state;
	struct life life;
	/* As a client: breach.c. */
	struct complaints complaints;
	/* Index in the manifest; badge - 1. */
	uint32_t number;
	/* How many times it was started before. */
	uint32_t epoch;
	/* Its notification and control endpoint, unbadged. */
	sk_cap_t ntfn, service;
	/* init's endpoint, badged for the life `epoch` of it. */
	sk_cap_t parent;
	/* Its control endpoint with SVC_BADGE_INIT. */
	sk_cap_t connector;
	/* Its notification with the bits DOMAIN_BIT_PULSE and DOMAIN_BIT_NEWS. */
	sk_cap_t pulse, news;
	/* Of a domain that makes others: its CNode, in which their capabilities are. Else 0. */
	sk_cap_t cnode;
	/* Its device: the pin that was claimed, or the DMA space. */
	sk_cap_t pin, iospace;
	/* platform has given it the function `handle`, whose requests are marked `rid`. */
	bool claimed;
	uint16_t rid;
	uint64_t handle;
	/* Configuration space at the claim. */
	uint8_t config[256];
	/* The device's messages, made once and kept for all lives: IrqHandlers. */
	struct {
		sk_cap_t irq;
		uint64_t addr;
		uint32_t data;
	} message[MANIFEST_IRQS_MAX];
	/* The untyped that proc takes memory from. */
	sk_cap_t memory;
	/* Untypeds that the domain may retype itself. */
	sk_cap_t own[MANIFEST_UNTYPED_MAX];
	/* Next free DOMAIN_CAP_EXTRA slot. */
	uint32_t next_extra;
	/* What is in these slots. */
	const char *extra[DOMAIN_CAP_CHANNEL - DOMAIN_CAP_EXTRA];
	/* In bytes, including the regions of its connections. */
	uint64_t charged;
};

/*
 * A connection between two static domains, with everything on the boundary. Memory and
 * capabilities are there as long as the client lives, whatever the service does.
 */
struct connection {
	/* The service has it. */
	bool open;
	/* Indices of domains. */
	uint32_t client, service;
	/* One more each time the service opens it again. */
	uint32_t epoch;
	/*
	 * The client was started without it, because the service refused. It has no memory
	 * then.
	 */
	bool missing;
	/* How often in a row the service has refused it, and when it is asked next. */
	uint32_t refusals;
	sk_time_t ask_at;
	/*
	 * Starts of its client in a row that it refused. And how often it was ended for its
	 * refusals since it accepted last.
	 */
	uint32_t starts_refused, blamed;
	/* Memory of the region: for the rings, and for the data if there is any. */
	sk_cap_t memory, data_memory;
	struct proc_connection c;
	/* init's view of the rings, through a capability of its own. */
	void *view;
	sk_cap_t view_frame;
};

extern struct manifest manifest;
extern struct domain domains[MANIFEST_DOMAINS_MAX];
/* As in the manifest. */
extern struct connection connections[MANIFEST_CHANNELS_MAX];
extern sk_cap_t init_endpoint;
/* The main thread waits on it; a domain signals its bit, 1 << number. */
extern sk_cap_t init_ntfn;
/* The bits of the IOMMUs and of post.c, above those of the domains. */
#define INIT_BIT_DMA (1ull << 63)
#define INIT_BIT_POST (1ull << 62)
/*
 * Above services, because init should not wait for the domains that it starts and restarts;
 * below drivers.
 */
#define INIT_PRIORITY 22
extern uint64_t wall_boot_ns;

static inline const struct sk_bootinfo *boot_info(void)
{
	return (const struct sk_bootinfo *)SK_BOOTINFO_VADDR;
}

/*
 * option.c: the number of the first word `name=NUMBER` of the kernel's command line; without
 * such a word, the other one.
 */
uint64_t boot_option(const char *name, uint64_t otherwise);

/* archive.c */
int archive_open(void) must_check;
int archive_find(const char *name, struct cpio_file *out) must_check;
int archive_image(const char *name, struct proc_image *im, const char **why) must_check;
/* Map a file read-only into a domain, at *vaddr. */
int archive_map(struct proc *p, const struct cpio_file *f, uint64_t *vaddr) must_check;

/* domain.c */
/* Build and start it; it is in state DOMAIN_RUNNING then. */
int domain_start(struct domain *d) must_check;
/*
 * Take back all memory of a domain that is stopped, and whose connections have ended. Its
 * device must have been reset.
 */
void domain_destroy(struct domain *d);
int arg_add(struct domain *d, const char *fmt, ...)
	__attribute__((format(printf, 2, 3))) must_check;
int extra_slot(struct domain *d, uint32_t *slot) must_check;
/* For `caps`: text is a constant, or in the manifest. */
void extra_name(struct domain *d, uint32_t slot, const char *text);
/* Memory for a domain, charged to it. */
int memory_charge(struct domain *d, uint32_t order, sk_cap_t *out) must_check;
void memory_return(struct domain *d, sk_cap_t *cap); /* *cap may be 0 */

bool platform_restarts(void);
/* It cannot be claimed or reset now, because platform restarts. Its driver can go on. */
bool device_waits(const struct domain *d);
/* platform's argument: the functions that drivers have. */
int device_claims_arg(struct domain *platform) must_check;

/* grant.c: capabilities that the manifest names */
int grant_caps(struct domain *d) must_check;
/*
 * Capabilities of which there is only one, for the next life, before the domain is destroyed.
 */
void grant_take_back(struct domain *d);
/* Does the slot of its CNode hold what is moved to a domain once, for all its lives? */
bool grant_lent(const struct domain *d, uint32_t slot);
uint64_t guest_pool_bytes(void); /* that control was given */

/* connect.c */
int connect_channels(struct domain *d) must_check;
struct connection *connection_of(const struct domain *d, uint32_t channel);
/*
 * Have the service end its side. -SK_E_TIMEOUT: it does not answer, or was given up;
 * -SK_E_DELETED: it has ended meanwhile, and is stopped. In both cases it may still use the
 * region.
 */
int connection_end(struct connection *c) must_check;
/*
 * End a connection that its client never used, so that nothing is in flight. A service that
 * does not answer is ended.
 */
void connection_undo(struct connection *c);
/* Forget a connection that has ended. If the service still has it, its memory is lost. */
void connection_drop(struct domain *client, struct connection *c);
/* The service has been started again. -SK_E_DELETED: it has ended meanwhile, and is stopped. */
int connection_reopen(struct connection *c) must_check;
/*
 * Would the service open a connection that is missing? -SK_E_DELETED: it has ended meanwhile,
 * or did not answer, and is stopped.
 */
int connection_try(struct connection *c) must_check;
/* The service will not be started again: tell the client. */
void connection_abandon(struct connection *c);
void connections_close(uint32_t service);
struct domain *domain_of_role(enum manifest_flag role); /* NULL if none runs */

/* reopen.c */
/* The client starts without a connection that the service refused. */
void connection_miss(struct connection *c);
/*
 * The service refused it at a start of its client that is not the first. True: the service is
 * ended for that, so the client waits for its next life.
 */
bool connection_start_refused(struct connection *c);
/* The service has opened it. */
void connection_accepted(struct connection *c);
/*
 * A domain handles events again: ask it to open the connections of its clients again. Those
 * that it refuses rest. False: it does not answer, or has ended.
 */
bool reopen_all(const struct domain *d) must_check;
/* Ask once more for those that have rested. Has anything changed? */
bool reopen_due(void);
/* When the next of them is due. */
sk_time_t reopen_next(void);

/* log.c: init's own lines go to console while it runs, and to the kernel's log otherwise */
void log_connect(void);
void log_leave(const struct domain *ended);
void log_return(const struct domain *restarted);
/* Ask console again, if it refused and has rested. */
void log_again(void);

/* device.c */
struct device_claim {
	uint64_t handle;
	uint16_t vendor, device, rid;
	uint32_t n_irqs;
	uint64_t bar_size[6];
	uint8_t config[256];
};
int device_claim(struct domain *d, struct device_claim *claim) must_check;
int device_give(struct domain *d, const struct device_claim *claim) must_check;
/*
 * Stop the device's interrupts and its accesses to memory, as far as that can be done at once.
 */
void device_quiesce(struct domain *d);
/*
 * End its claim. 0: the device does nothing any more. Else it may go on using the domain's
 * memory, which then must not be used for anything else. -SK_E_DELETED: platform has ended
 * meanwhile.
 */
int device_reset(struct domain *d) must_check;
void device_wallclock(void);
/* -SK_E_AGAIN: platform restarts. */
int device_power(bool reboot);

/* supervise.c */
int supervise_start(void) must_check;
/*
 * Start a domain for the first time, and do what is due. If a service of it has ended, it waits
 * for that.
 */
void supervise_first(struct domain *d);
/* A domain has ended, or must end: stop it, and start it again if that is possible. */
void domain_ends(struct domain *d, enum domain_end why);
/* Does it run, or has it been started again? */
bool domain_runs(const struct domain *d);
/* Do what is due; returns when there is something due next. */
sk_time_t supervise(void);
/* Domains have answered their pulse. */
void supervise_answers(uint64_t domains);

/*
 * breach.c: end those of whom the other end of a connection says that they broke the protocol.
 */
void breaches_look(void);

/* dma.c */
int dma_watch(void) must_check;
/* An IOMMU may have refused accesses: the drivers of the devices end. */
void dma_refused(void);

/* caps.c */
/* The next slot of a domain that was built, with what the manifest says of it. */
bool domain_cap_next(const struct domain *d, uint64_t *at, struct init_cap *out);

/* kill.c */
/* End a domain that runs, in one of the ways of INIT_RESTART. */
int domain_kill(struct domain *d, uint64_t how) must_check;

/* post.c */
/* The badge of init's endpoint in a life of a domain. */
#define POST_BADGE(number, epoch) (((uint64_t)(number) + 1) | (uint64_t)(epoch) << 32)
#define POST_NUMBER(badge) ((uint32_t)(badge)) /* plus 1 */
#define POST_EPOCH(badge) ((uint32_t)((badge) >> 32))
/* No call of proto/init.h has more. */
#define POST_WORDS 8u
struct post_call {
	uint32_t epoch;
	uint64_t label, mr[POST_WORDS];
	sk_cap_t reply;
};
struct post_end {
	/* Else it has exited. */
	bool fault;
	uint32_t epoch;
	struct sk_msg msg;
};
int post_start(void) must_check;
/* Take one message; what the second thread does all the time. */
void post_receive(void);
/* A domain of which it is not known yet that it has ended. */
bool post_end_next(struct domain **d, struct post_end *e);
/* A call. All domains have their turn. post_call_done() follows the answer. */
bool post_call_next(struct domain **d, struct post_call *c);
void post_call_done(const struct domain *d);
/* Is there a call or an end? */
bool post_waits(void);

/* serve.c */
void domain_exit(struct domain *d, uint64_t code);
/* Look which domains have ended, as after a call that one did not survive: -SK_E_DELETED. */
void ends_look(void);
void serve(void) __attribute__((noreturn));

#endif
