/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fakes.h - the world around the control domain: services, init, VMMs, kernel
 *
 * The test types at a console and reads its screen; world_run() lets all parties act until
 * nobody has anything more to do.
 */
#ifndef CONTROL_FAKES_H
#define CONTROL_FAKES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "client/host.h"
#include "guest/guest_pool.h"
#include "guest/life.h"

struct world {
	char screen[65536];
	size_t n_screen;
	char log[65536];         /* about guests */
	uint32_t log_about;      /* domid of the last line */
	uint32_t attached;       /* domid of the last ATTACH */
	uint32_t opened, closed; /* connections of VMMs */
	uint32_t vmms, started;
	uint32_t introduced, released;
	uint32_t powered;           /* 1 off, 2 reboot */
	uint32_t slots;             /* capability slots in use */
	uint32_t regions;           /* vm_alloc less vm_unmap */
	uint64_t later_ns;          /* since the beginning */
	uint64_t ran_ns, waited_ns; /* of every vCPU, more than at the beginning */
	uint32_t moves;             /* vCPUs that were configured again */
	struct proc_sched moved;    /* the last of them */
	sk_cap_t io_sched;          /* of the I/O thread of the last VMM */
	uint64_t io_ran_ns;         /* that it ran */
	struct proc_sched io;       /* what it was configured to last */
	int fail_service;           /* enum service that refuses opens with fail_rc */
	int fail_rc;
	bool hang;              /* fail_service answers neither closes nor pings */
	bool hold;              /* fail_service has not answered yet: its thread is still out */
	int result;             /* of its closes */
	uint32_t unheard;       /* closes and pings that were not answered */
	uint32_t pings;         /* that were */
	uint32_t refused;       /* what xenstore says that it refused a guest for a quota */
	bool no_quota;          /* it does not know the guest */
	bool refuse_introduce;  /* xenstore's answer to INTRODUCE is an error */
	sk_cap_t made_in;       /* slot of the last object made in a VMM's CNode */
	bool slot_taken;        /* such a slot is in use already */
	bool no_channel;        /* what fail_service opened cannot be used */
	uint64_t keys_at_start; /* xenstore nodes when the last VMM started */
};
extern struct world world;

void world_init(void);
void world_run(void);
/* Type and let the world act; the screen is cleared before. */
void type(const char *keys);
bool screen_has(const char *text);

/* The user leaves the guest's console. */
void console_detaches(void);

void file_add(const char *path, const char *text);

/* xenstore */
const char *node_value(const char *path);
const char *node_perms(const char *path);
size_t node_count(void);

/* VMMs, by domid: what they hear and say. */
bool vmm_heard(uint32_t domid, uint16_t type);
/* What the last message said that was heard. */
uint32_t vmm_heard_arg(uint32_t domid);
void vmm_says(uint32_t domid, uint16_t type, uint32_t arg, const void *body, uint16_t len);
/*
 * It sends n messages that mean nothing, and control has one look: does it keep some for its
 * next turn?
 */
bool vmm_babbles(uint32_t domid, uint32_t n);
void vmm_garbage(uint32_t domid);
const struct vm_config *vmm_config(uint32_t domid);

/* Let all timers that are set expire. */
void timers_expire(void);
bool timers_set(void);

#endif
