/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.h - what init and the kernel know about the host: services, rights, priorities, domains,
 * time
 */
#ifndef CONTROL_HOST_H
#define CONTROL_HOST_H

#include <sk/ipc.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/calls.h"
#include "proc/proc.h"
#include "proto/ctl.h"

int host_init(void) must_check;

/*
 * A call of init with n words, which gives n words: 0, or what init says, or -SK_E_* because it
 * did not answer.
 */
int host_call(enum init_call label, uint64_t mr[SK_MR_MAX], uint32_t *n) must_check;
/* The control endpoint of a service; 0: the service does not run now. */
sk_cap_t host_service(enum service s);
const char *host_service_name(enum service s);
/* The program of a VMM; NULL: this host has none. */
const struct proc_image *host_vmm_image(void);

/*
 * The right to configure scheduling contexts; 0: this domain does not have it, and no guest can
 * be created.
 */
sk_cap_t host_ctl_sched(void);
/*
 * A scheduling context for another thread of this domain, which runs before all guests.
 * percent: of one CPU; 0: no limit.
 */
int host_thread_sched(uint32_t percent, sk_cap_t *sched) must_check;
/*
 * The priorities that the manifest gives, lowest first: guests' vCPUs, the I/O threads of VMMs,
 * this domain.
 */
enum host_priority {
	PRIORITY_VCPU,
	PRIORITY_VMM,
	PRIORITY_SELF,
	PRIORITY_COUNT,
};
uint32_t host_priority(enum host_priority of);

/* One of the host's own domains. A user of xl sees all of them as Domain-0. */
struct host_row {
	enum domain_state state;
	enum domain_end end; /* why it ended, the last time */
	uint32_t epoch;      /* goes up each time that it is started */
	char name[32];
	uint64_t memory; /* bytes that it was given, including its part of connections */
	uint64_t cpu_ns;
	uint32_t cpu; /* where its main thread runs */
};
/* The host's own domain number i. -SK_E_NOT_FOUND: there are fewer. */
int host_domain_read(uint32_t i, struct host_row *r) must_check;
/* The same; false: there are fewer, or init does not answer. */
bool host_domain(uint32_t i, struct host_row *r);
/* The host, except for the memory of guests and the services. */
void host_system(struct ctl_system *s);

/* Seconds since 1970, or since boot if the machine does not know the time of day. */
uint64_t host_wall_seconds(void);

/*
 * Have a domain of the host started again. init answers before that is done: 0,
 * -SK_E_NOT_FOUND: no domain has this name, -SK_E_BUSY: it is being started, -SK_E_STATE: it
 * does not run, -SK_E_DENIED: this way of ending it needs a boot option.
 */
int host_domain_restart(const char *name, enum init_kill how) must_check;
/* Each returns only when init refuses: -SK_E_*. */
int host_poweroff(void);
int host_reboot(void);

#endif
