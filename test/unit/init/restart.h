/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart.h - what the tests of restarts share: how a domain ends, what was asked of whom, and
 * what disk had before
 */
#ifndef RESTART_H
#define RESTART_H

#include "machine.h"

#include <stdlib.h>
#include <unistd.h>

#include "ring/ring.h"

/* The cases by topic; each returns how many failed. */
int breach_tests(void);
int reopen_tests(void);
int call_tests(void);
int often_tests(void);
int platform_tests(void);
int control_tests(void);

/* A second takes 10 ms, so that the cases can wait for what takes minutes. */
void fast_machine(void);

/* ---- what was asked, and of whom ---- */
/* What was asked so far is not compared. */
extern unsigned int seen;
void now_seen(void);
/* Exactly this has been asked since. */
void asked(const struct asked *want, unsigned int n);
#define ASKED(...) \
	do { \
		const struct asked a_[] = { __VA_ARGS__ }; \
		asked(a_, sizeof(a_) / sizeof(a_[0])); \
	} while (0)
#define DISK_ENDS \
	{ PLATFORM, PLATFORM_QUIESCE }, { PLATFORM, PLATFORM_RESET }, { CONSOLE, SVC_CLOSE }
#define DISK_STARTS \
	{ PLATFORM, PLATFORM_CLAIM }, { PLATFORM, PLATFORM_BAR }, { PLATFORM, PLATFORM_BAR }, \
		{ PLATFORM, PLATFORM_VECTOR }, { PLATFORM, PLATFORM_VECTOR }, \
	{ \
		CONSOLE, SVC_OPEN \
	}

/* ---- the state of domains ---- */
bool restarting(unsigned int i, enum domain_phase phase);
/* Since the last question. */
bool control_has_news(void);
/* The ring with the service's answers of a channel. */
const struct ring_shared *answers_of(unsigned int channel);
/* What init's own slots hold, without those that the services' objects are in. */
unsigned int used_slots(void);

/* disk, the driver that most cases end, and its connection with storage. */
extern struct before {
	uint64_t charged, bytes;
	unsigned int slots, number;
	struct kern_object *rings, *data, *thread, *ntfn, *iospace;
} before;
void remember(void);
void audit_disk(void);

/* ---- messages ---- */
void fault(struct kern_msg *m, unsigned int i);
void ask_restart(struct kern_msg *m, const char *name, uint64_t how);
/* All domains answer their pulse. */
void answer_all(struct kern_msg *m);

#endif
