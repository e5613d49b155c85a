/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cuts.c - stores are noticed because the memory is read-only: the fault of a store counts it,
 * the store is made in a single step, and the memory is read-only again
 */
#define _GNU_SOURCE
#include "cuts.h"

#include <signal.h>
#include <sys/mman.h>
#include <ucontext.h>
#include <unistd.h>

enum { TRAP_FLAG = 0x100 };

static uint8_t *guarded;
static size_t guarded_size;
static uint32_t last, passed;

void cut_here(void)
{
	if (++passed == last)
		_exit(CUT_STATUS);
}

uint32_t cuts_passed(void) { return passed; }

static void store_begins(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;
	const uint8_t *at = info->si_addr;

	if (at < guarded || at >= guarded + guarded_size) {
		(void)signal(sig, SIG_DFL); /* a fault of the program itself */
		return;
	}
	cut_here();
	(void)mprotect(guarded, guarded_size, PROT_READ | PROT_WRITE);
	u->uc_mcontext.gregs[REG_EFL] |= TRAP_FLAG;
}

static void store_ends(int sig, siginfo_t *info, void *context)
{
	ucontext_t *u = context;

	(void)sig;
	(void)info;
	(void)mprotect(guarded, guarded_size, PROT_READ);
	u->uc_mcontext.gregs[REG_EFL] &= ~(greg_t)TRAP_FLAG;
}

void cuts_begin(void *mem, size_t size, uint32_t n)
{
	struct sigaction begins = { .sa_sigaction = store_begins, .sa_flags = SA_SIGINFO };
	struct sigaction ends = { .sa_sigaction = store_ends, .sa_flags = SA_SIGINFO };

	guarded = mem;
	guarded_size = size;
	last = n;
	passed = 0;
	(void)sigaction(SIGSEGV, &begins, NULL);
	(void)sigaction(SIGTRAP, &ends, NULL);
	if (size)
		(void)mprotect(guarded, guarded_size, PROT_READ);
}
