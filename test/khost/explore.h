/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * explore.h - virtual CPUs whose every order of accesses to shared memory is tried, up to a
 * number of preemptions
 */
#ifndef KHOST_EXPLORE_H
#define KHOST_EXPLORE_H

#include "thread.h"

enum { PROGRAM_MAX = 6, PROGRAMS_MAX = 4 };

/*
 * What a thread does: system calls one after the other. OP_TIME lets time pass between them.
 */
struct op {
	unsigned int nr;
	uint64_t arg[6];
};
struct program {
	struct thread *t;
	struct op op[PROGRAM_MAX];
	unsigned int n, at;
	bool in_call;
	unsigned int restarts;
	long result[PROGRAM_MAX];
	struct sk_regs regs[PROGRAM_MAX]; /* when the call has returned */
};
extern struct program programs[PROGRAMS_MAX];
extern unsigned int guest_hypercalls; /* that guests make before they run on without exits */
/* Not a system call: the time becomes arg[0], and timers that are due fire. */
#define OP_TIME 100u
/* Not a system call: check that the thread of program arg[0] is on no CPU. */
#define OP_OFF 101u

struct scenario {
	const char *name;
	unsigned int n_cpus;
	void (*make)(void); /* makes the world and the programs, without preemption */
	/* called at the end of each order; calls fail() if something is wrong */
	void (*verify)(void);
};
extern const struct scenario scenarios[];
extern const unsigned int n_scenarios;

/* --- machine.c: called by the explorer ---------------------------------------------------- */
void machine_online(void);                    /* after the set-up, the other CPUs take part */
void cpu_run(void) __attribute__((noreturn)); /* the loop of the present CPU */
bool cpu_has_work(unsigned int cpu);
bool cpu_outside(unsigned int cpu);
const char *cpu_where(unsigned int cpu);

/* --- explore.c: called by the machine and by hooks.c -------------------------------------- */
/* This CPU can go on only when something has changed. */
void explore_yield(void);
/* This CPU has nothing to do until an interrupt comes. */
void explore_wait(void);
void explore_access(const void *addr, size_t size, bool write, const void *pc);
/* A point between two instructions of a program. */
void explore_point(void);
/* This CPU does something that other CPUs may notice, besides its accesses to memory. */
void explore_machine(void);
/* A CPU has been given work. */
void explore_news(void);

#endif
