/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart_control_test.c - what control asks for: restarts, and the ways to kill; and the end
 * of control, whose CNode outlives it
 */
#define _GNU_SOURCE
#include "restart.h"

/* ---- restarts that control asks for ---- */
static void r_unknown(struct kern_msg *m) { ask_restart(m, "dis", INIT_KILL_RESTART); }

static void r_absent(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	ask_restart(m, "nic", INIT_KILL_RESTART);
}

static void r_kill(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_STATE);
	ask_restart(m, "disk", INIT_KILL_FAULT);
}

static void r_hang(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	ask_restart(m, "disk", INIT_KILL_HANG);
}

static void r_exit(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	ask_restart(m, "disk", INIT_KILL_EXIT);
}

static void r_garbage(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	ask_restart(m, "disk", INIT_KILL_GARBAGE);
}

static void r_beyond(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	ask_restart(m, "disk", INIT_KILL_END);
}

static void r_restart(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_INVAL);
	assert_true(own(domains[DISK].proc.thread)->runs);
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	now_seen();
	ask_restart(m, "disk", INIT_KILL_RESTART);
}

static void r_again(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	ASKED(DISK_ENDS, DISK_STARTS);
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_ASKED);
	assert_int_equal(domains[DISK].life.n_ends, 0); /* it is no failure */
	ask_restart(m, "disk", INIT_KILL_RESTART);
}

static void r_busy(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), -SK_E_BUSY);
}

static void (*const ask_steps[])(struct kern_msg *m) = { r_unknown, r_absent, r_kill, r_hang,
	r_exit, r_garbage, r_beyond, r_restart, r_again, r_busy, NULL };

static void restarts_on_request(void)
{
	machine();
	strcpy(kern_boot()->cmdline, "xinit.kill=1 init.kill=10 init.kill");
	run(ask_steps);
}

static void a_breach(struct kern_msg *m)
{
	now_seen();
	ask_restart(m, "disk", INIT_KILL_BREACH);
}

static void a_failed(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), 0);
	ASKED(DISK_ENDS, DISK_STARTS);
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_BREACH);
	assert_int_equal(domains[DISK].life.n_ends, 1); /* so it is delayed if that goes on */
}

static void (*const accused_steps[])(struct kern_msg *m) = { a_breach, a_failed, NULL };

/* No boot option allows it. */
static void a_service_that_guests_accuse(void)
{
	machine();
	run(accused_steps);
}

/* ---- the ways to kill ---- */
static void allow_kills(void)
{
	fast_machine();
	strcpy(kern_boot()->cmdline, "x init.killer=0  init.kill=1 init.kill=");
}

static void k_fault(struct kern_msg *m)
{
	own(domains[DISK].proc.thread)->regs.rip = 77;
	own(domains[DISK].proc.thread)->regs.rsp = 88;
	ask_restart(m, "disk", INIT_KILL_FAULT);
}

static void k_hang(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(own(domains[DISK].proc.thread)->regs.rip, 0);
	assert_int_equal(own(domains[DISK].proc.thread)->regs.rsp, 88);
	assert_true(own(domains[DISK].proc.thread)->runs);
	ask_restart(m, "disk", INIT_KILL_HANG);
}

static void k_garbage(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_false(own(domains[DISK].proc.thread)->runs);
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING); /* init has not noticed yet */
	own(domains[STORAGE].ntfn)->word = 0;
	ask_restart(m, "disk", INIT_KILL_GARBAGE);
}

static void k_exit(struct kern_msg *m)
{
	const struct ring_shared *rsp = answers_of(3);

	assert_int_equal(status(), 0);
	assert_int_equal(rsp->prod, 64);
	assert_int_not_equal(rsp->data[0], rsp->data[1]);
	assert_int_equal(answers_of(1)->cons >> 32, 0); /* the epoch stays */
	assert_true((uint32_t)answers_of(1)->cons > 0);
	assert_int_equal(answers_of(2)->prod | answers_of(2)->cons, 0); /* storage's */
	assert_true(own(domains[STORAGE].ntfn)->word & 1 << 1);
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	ask_restart(m, "disk", INIT_KILL_EXIT);
}

static void k_end(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), 0);
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_EXIT);
	assert_true(restarting(DISK, PHASE_OPENING));
}

static void (*const kill_steps[])(
	struct kern_msg *m) = { k_fault, k_hang, k_garbage, k_exit, k_end, NULL };

static void ways_to_kill(void)
{
	allow_kills();
	run(kill_steps);
}

/* ---- control, whose CNode outlives it ---- */
enum { MADE = DOMAIN_CAP_FREE + 7, STALE = DOMAIN_CAP_EXTRA + 30 };

static struct {
	struct kern_object *cnode, *thread, *journal, *pool, *last, *service;
	char args[DOMAIN_ARGS_MAX];
	uint64_t charged, bytes;
	unsigned int slots;
} was;

/* The first slot of the capability that control's arguments call `name`. */
static struct kern_object *lent(const char *name)
{
	char key[24];
	const char *at;

	snprintf(key, sizeof(key), "cap.%s=", name);
	at = strstr(info_of(CONTROL)->args, key);
	assert_non_null(at);
	return kern_cap(
		own(domains[CONTROL].proc.cnode), (sk_cap_t)strtoul(at + strlen(key), NULL, 10))
		->obj;
}

static void l_remember(void)
{
	const struct domain *d = &domains[CONTROL];

	was.cnode = own(d->proc.cnode);
	was.thread = own(d->proc.thread);
	was.journal = own(connections[5].c.data);
	was.service = own(d->service);
	was.pool = lent("pool");
	was.last = lent("last");
	memcpy(was.args, info_of(CONTROL)->args, sizeof(was.args));
	was.charged = d->charged;
	was.bytes = caps_free_bytes();
	was.slots = used_slots();
	assert_int_equal(was.pool->type, SK_OBJ_UNTYPED);
	assert_int_equal(was.last->type, SK_OBJ_UNTYPED);
	assert_int_equal(was.last->order, 12);
	assert_int_equal(info_of(CONTROL)->flags, 0); /* there was no life before it */
}

static void l_fault(struct kern_msg *m)
{
	sk_cap_t cnode = domains[CONTROL].proc.cnode;

	l_remember();
	/* it made one capability, and lost another in a slot of what it is given */
	assert_int_equal(sk_copy(cnode, MADE, SK_CAP_CNODE, domains[CONTROL].service, SK_R), 0);
	assert_int_equal(
		sk_copy(cnode, STALE, SK_CAP_CNODE, domains[CONTROL].service, SK_R), 0);
	now_seen();
	fault(m, CONTROL);
}

static void l_starts(struct kern_msg *m)
{
	const struct domain *d = &domains[CONTROL];

	ASKED({ CONSOLE, SVC_CLOSE }, { STORAGE, SVC_CLOSE }, { CONSOLE, SVC_OPEN },
		{ STORAGE, SVC_OPEN });
	assert_true(restarting(CONTROL, PHASE_OPENING));
	assert_int_equal(d->life.end, DOMAIN_END_FAULT);
	assert_int_equal(info_of(CONTROL)->epoch, 1);
	assert_int_equal(info_of(CONTROL)->flags, DOMAIN_CNODE_KEPT);
	assert_ptr_equal(own(d->proc.cnode), was.cnode);
	assert_ptr_not_equal(own(d->proc.thread), was.thread);
	assert_ptr_equal(own(connections[5].c.data), was.journal);
	answers_pulse(m, 1ull << CONTROL);
}

static void l_is_back(struct kern_msg *m)
{
	const struct domain *d = &domains[CONTROL];

	assert_int_equal(d->state, DOMAIN_RUNNING);
	assert_int_equal(d->life.restarts, 1);
	/* what was lent is where it was, and what it was given is new */
	assert_string_equal(info_of(CONTROL)->args, was.args);
	assert_ptr_equal(lent("pool"), was.pool);
	assert_ptr_equal(lent("last"), was.last);
	assert_ptr_equal(kern_cap(was.cnode, SK_CAP_THREAD)->obj, own(d->proc.thread));
	assert_ptr_equal(kern_cap(was.cnode, DOMAIN_CAP_SERVICE)->obj, was.service);
	/* what it made is there, for the next life to judge */
	assert_ptr_equal(kern_cap(was.cnode, MADE)->obj, was.service);
	assert_null(kern_cap(was.cnode, STALE)->obj);
	assert_int_equal(d->charged, was.charged);
	assert_int_equal(caps_free_bytes(), was.bytes);
	assert_int_equal(used_slots(), was.slots);
	ask_restart(m, "control", INIT_KILL_RESTART); /* it asks for that itself */
}

static void l_asked(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), 0);
	assert_true(restarting(CONTROL, PHASE_OPENING));
	assert_int_equal(info_of(CONTROL)->epoch, 2);
	assert_ptr_equal(lent("pool"), was.pool);
}

static void (*const control_steps[])(
	struct kern_msg *m) = { l_fault, l_starts, l_is_back, l_asked, NULL };

static void control_ends(void)
{
	machine();
	run(control_steps);
}

int control_tests(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(restarts_on_request),
		KERN_CASE(a_service_that_guests_accuse),
		KERN_CASE(ways_to_kill),
		KERN_CASE(control_ends),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
