/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inject.c - failures at a chosen step, for tests; only in the build below build/inject/
 *
 * Arguments   inject=WAY: crash, hang, exit, garbage, late or leak inject-lives=N: later lives
 *             do not fail (64 if not given)
 * Schedule    the first life, in which the machine starts, does not fail. The life with an odd
 *             epoch 2 * n + 1 fails at its step n + 1. So a sweep over the lives is one over
 *             the steps from the start on, those of the recovery included. The life with an
 *             even epoch 2 * n + 2 fails at the step n + 1 of those after INJECT_MS, when the
 *             domain has recovered, so that the steps of ordinary work have their turn, too.
 * Report      a line "inject: WAY at STEP" in the log.
 */
#define SVC_INJECT 1 /* for step.h, also when this file is only looked at */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "rt/program.h"
#include "rt/sleep.h"
#include "svc/internal.h"
#include "svc/step.h"

enum {
	LIVES = 64,
	INJECT_MS = 500,
	/* Longer than any caller waits for an answer. */
	LATE_MS = 1500,
	LEAK_BYTES = 65536,
};

static struct {
	bool read;
	/* A failure is in progress, so what it does is no step. */
	bool busy;
	char way[8];
	uint32_t steps;
	sk_time_t from;
} plan;

static const char *step_name(enum svc_step at)
{
	static const char *const names[] = {
#define X(name, what) #name,
		SVC_STEPS(X)
#undef X
	};

	return names[at];
}

static void plan_read(void)
{
	char lives[12];
	uint32_t max = LIVES;

	plan.read = true;
	plan.from = edge_in_ms(INJECT_MS);
	if (svc_arg("inject-lives", lives, sizeof(lives)))
		max = (uint32_t)strtoul(lives, NULL, 10);
	if (!svc_info()->epoch || svc_info()->epoch > max ||
		!svc_arg("inject", plan.way, sizeof(plan.way)))
		plan.way[0] = '\0';
}

/* Is it this step's turn? */
static bool step_fails(void)
{
	uint32_t life = svc_info()->epoch - 1;

	if (life % 2 == 0 || edge_now() >= plan.from)
		plan.steps++;
	return plan.steps == life / 2 + 1;
}

/* ---- the ways ---------------------------------------------------------------------------- */
static void hang(void)
{
	uint64_t word;

	for (;;)
		(void)edge_wait(DOMAIN_CAP_NTFN, SK_NO_DEADLINE, &word);
}

/* As the producer: an index that no record has. */
static void garbage(struct svc_conn *c)
{
	if (!c)
		return;
	__atomic_store_n(&conn_out(c)->sh->prod, conn_out(c)->sh->prod + 4, __ATOMIC_RELEASE);
	svc_signal(c);
}

static void leak(void)
{
	static void **last;
	void **p = malloc(LEAK_BYTES);

	if (!p)
		return;
	*p = last;
	last = p;
}

static void fail(enum svc_step at, struct svc_conn *c)
{
	printf("inject: %s at %s\n", plan.way, step_name(at));
	(void)fflush(stdout);
	if (strcmp(plan.way, "crash") == 0)
		__builtin_trap();
	else if (strcmp(plan.way, "hang") == 0)
		hang();
	else if (strcmp(plan.way, "exit") == 0)
		rt_exit(at);
	else if (strcmp(plan.way, "garbage") == 0)
		garbage(c);
	else if (strcmp(plan.way, "late") == 0)
		rt_sleep_until(edge_in_ms(LATE_MS));
	else if (strcmp(plan.way, "leak") == 0)
		leak();
}

void svc_step(enum svc_step at, struct svc_conn *c)
{
	if (plan.busy)
		return;
	plan.busy = true;
	if (!plan.read)
		plan_read();
	if (plan.way[0] && step_fails())
		fail(at, c);
	plan.busy = false;
}
