/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.h - the root task on a kernel that the test plays, with a manifest of seven domains.
 * The test plays the services, too, which answer SVC_OPEN and init's requests to platform.
 */
#ifndef MACHINE_H
#define MACHINE_H

#include "kern.h"

#include "caps/caps.h"
#include "init.h"
#include "proto/init.h"
#include "proto/platform.h"
#include "svc/svc.h"
#include "sys/sk.h"

/* init's is domain_main() here. */
#undef main

enum {
	SLOTS = 4000,
	FIRST_FREE = 64,
	ARCHIVE_SLOT = 32,
	RAM_SLOT = 40,
	DEVICE_SLOT = 50,
	ARCHIVE_SIZE = (1 << 17) + (1 << 16),
	BAR_SIZE = 0x4000,
	HANDLE = 5,
	RID = 0x0310,
	PORTS = 16,
	EVENTS = 256
};
enum { PLATFORM, UART, CONSOLE, DISK, NIC, STORAGE, CONTROL, DOMAINS };

extern struct test_manifest {
	struct manifest_header h;
	struct manifest_domain d[DOMAINS];
	struct manifest_channel c[7];
	struct manifest_cap cap[9];
} man;
void machine(void);

/* bin/large is bin/prog with this many writable bytes. */
extern uint64_t large_bss;

/* What the services do, and what init asked them. */
extern struct peer {
	/* Everything that init asked of them, in order. */
	struct asked {
		unsigned int service;
		uint64_t label;
	} asked[EVENTS];
	unsigned int n_asked;
	int open_rc[DOMAINS], close_rc, close_result;
	int reset_rc;
	/* While platform resets the device. */
	void (*at_reset)(void);
	/* This one answers no SVC_CLOSE. */
	unsigned int deaf;
	unsigned int slow_closes;
	/* So often, it ends while init calls it with this label: by a fault, or it exits. */
	unsigned int dies[DOMAINS];
	uint64_t dies_at;
	/* platform does not answer this call. */
	uint64_t silent;
	bool exits;
	unsigned int opens[DOMAINS], closes[DOMAINS], closed[EVENTS], n_closed;
	struct kern_msg open[EVENTS];
	unsigned int n_opens;
	int claim_rc, bar_rc, irq_rc, clock_rc;
	unsigned int claims, powers;
	uint64_t power_arg, bar_offset, bar_order, n_pieces;
	unsigned int no_caps; /* of a BAR */
	struct kern_object *bar_frame;
	bool extra_cap;
} peer;

/* Runs init. The steps come one after the other; each checks the answer to the last one. */
void run(void (*const steps[])(struct kern_msg *m));
void ask(struct kern_msg *m, unsigned int from, uint64_t label);
void ask_service(struct kern_msg *m, unsigned int from, const char *name);
/* The answer to the last call, and how many answers there were. */
extern struct kern_msg reply;
extern unsigned int n_replies;
int status(void);
/* In a step: no message comes until init's deadline; or domains signal init. */
void time_passes(void);
void answers_pulse(struct kern_msg *m, uint64_t domains);
/* Where init's own lines go; NULL: to the kernel's log. */
extern struct kern_object *logged;

struct kern_object *own(sk_cap_t slot);
const struct domain_info *info_of(unsigned int i);
struct wanted {
	sk_cap_t slot;
	uint32_t type, rights;
	uint64_t badge;
	struct kern_object *obj; /* NULL: any object of the type */
};

/*
 * The domain has exactly these besides what every domain has, so a capability that the manifest
 * does not name is found.
 */
void audit(unsigned int i, const struct wanted *w, unsigned int n);
#define AUDIT(i, ...) \
	do { \
		const struct wanted w_[] = { __VA_ARGS__ }; \
		audit(i, w_, sizeof(w_) / sizeof(w_[0])); \
	} while (0)

/* calls_test.c, a part of init_test.c */
int calls_tests(void);

#endif
