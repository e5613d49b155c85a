/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * breach_test.c - one end of a connection says that the other one broke the protocol
 */
#define _GNU_SOURCE
#include "restart.h"

/* fast_machine() */
#define SECOND 100000000ull

/* ---- a service that accuses its client ---- */
static unsigned int n_waits;
/* What the service says in the end. */
static uint32_t said = SVC_END_BREACH;

static void b_killed(struct kern_msg *m)
{
	struct ring_shared *r = (struct ring_shared *)answers_of(3);

	r->end = n_waits++ ? said : SVC_END_ALIVE;
	now_seen();
	answer_all(m);
}

static void b_wait(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	time_passes();
}

static void b_ended(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[STORAGE].life.end, DOMAIN_END_BREACH);
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	ASKED({ CONSOLE, SVC_CLOSE }, { DISK, SVC_CLOSE }, { CONSOLE, SVC_OPEN },
		{ DISK, SVC_OPEN });
	assert_int_equal(answers_of(3)->end, SVC_END_ALIVE); /* new memory */
}

static void (*const breach_steps[])(
	struct kern_msg *m) = { b_killed, b_wait, b_killed, b_wait, b_ended, NULL };

static void a_client_that_breaks_the_protocol(void)
{
	fast_machine();
	run(breach_steps);
}

/* Nobody but init closes a connection, and it has not. */
static void a_client_that_is_told_of_a_close(void)
{
	said = SVC_END_CLOSED;
	a_client_that_breaks_the_protocol();
}

static void a_client_that_is_told_nonsense(void)
{
	said = UINT32_MAX;
	a_client_that_breaks_the_protocol();
}

static void l_killed(struct kern_msg *m)
{
	((struct ring_shared *)answers_of(2))->end = SVC_END_CLOSED;
	b_wait(m);
}

/* Its log is of no importance to anybody else. */
static void a_client_without_its_log(void)
{
	static void (*const steps[])(
		struct kern_msg * m) = { b_killed, l_killed, b_killed, b_wait, b_ended, NULL };

	fast_machine();
	run(steps);
}

/* ---- clients that accuse their service ---- */
static void complain(unsigned int channel, uint32_t epoch)
{
	struct ring_shared *r = (void *)(kern.phys + own(connections[channel].c.rings)->paddr);

	r->end = epoch + 1;
}

static void o_of_another_epoch(struct kern_msg *m)
{
	complain(3, 1);
	answer_all(m);
}

static void o_wait(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	time_passes();
}

static void o_of_this_epoch(struct kern_msg *m)
{
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	complain(3, connections[3].epoch);
	domains[STORAGE].complaints = (struct complaints){ 9, sk_now() + 3600 * SECOND };
	now_seen();
	answer_all(m);
}

static void o_ended(struct kern_msg *m)
{
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_BREACH);
	assert_true(restarting(DISK, PHASE_OPENING));
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	ASKED(DISK_ENDS, DISK_STARTS);
	answer_all(m);
}

/* What it said of the last life says nothing of this one. */
static void o_is_back(struct kern_msg *m)
{
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	assert_true(connections[3].epoch > 0);
	domains[DISK].life.n_quick = 0;
	answer_all(m);
}

static void (*const only_steps[])(struct kern_msg *m) = { o_of_another_epoch, o_wait,
	o_of_this_epoch, o_wait, o_ended, o_is_back, o_wait, o_of_this_epoch, o_wait, o_ended,
	o_is_back, o_wait, o_is_back, NULL };

static void the_only_client_complains(void)
{
	fast_machine();
	run(only_steps);
}

enum { HEARD = 3 };

/* Of control: console has other clients, and storage has guests. */
static unsigned int channel;
/* The service is a tool, and complains of control. */
static bool tool;
static unsigned int n_heard;
static sk_time_t next_at;

static void shared_complain(void)
{
	if (tool)
		((struct ring_shared *)answers_of(channel))->end = SVC_END_BREACH;
	else
		complain(channel, connections[channel].epoch);
}

/* It complains of each life, and is heard at once, a second later, two seconds later. */
static void s_complains(struct kern_msg *m)
{
	struct domain *service = &domains[connections[channel].service];
	struct domain *d = tool ? &domains[CONTROL] : service;
	const struct complaints *k = &(tool ? service : &domains[CONTROL])->complaints;

	answer_all(m);
	d->life.n_quick = 0;
	if (d->state == DOMAIN_RUNNING)
		shared_complain();
	if (k->n == n_heard)
		return;
	assert_int_equal(k->n, n_heard + 1);
	assert_int_equal(d->life.end, DOMAIN_END_BREACH);
	if (n_heard)
		assert_true(k->next_at - next_at >= SECOND << n_heard);
	next_at = k->next_at;
	if (++n_heard == HEARD)
		_exit(0);
}

static void s_wait(struct kern_msg *m)
{
	(void)m;
	time_passes();
}

static void s_step(struct kern_msg *m)
{
	static unsigned int n;

	if (n++ % 2)
		s_wait(m);
	else
		s_complains(m);
}

static void s_not_heard(struct kern_msg *m)
{
	(void)m;
	fail();
}

static void (*const shared_steps[])(
	struct kern_msg *m) = { [0 ... 199] = s_step, s_not_heard, NULL };

static void one_of_several_clients_complains(void)
{
	channel = 4;
	fast_machine();
	run(shared_steps);
}

static void a_client_beside_guests_complains(void)
{
	channel = 6;
	fast_machine();
	run(shared_steps);
}

static void a_tool_complains_of_control(void)
{
	channel = 4;
	tool = true;
	man.c[channel].proto = man.d[CONSOLE].serves = SVC_PROTO_CTL;
	fast_machine();
	run(shared_steps);
}

/* After an hour it begins anew. */
static void f_complains(struct kern_msg *m)
{
	struct complaints *k = &domains[CONTROL].complaints;

	k->n = 9;
	k->next_at = sk_now() - 3601ull * SECOND;
	complain(4, 0);
	answer_all(m);
}

static void f_forgotten(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[CONSOLE].life.end, DOMAIN_END_BREACH);
	assert_int_equal(domains[CONTROL].complaints.n, 1);
}

static void (*const forget_steps[])(
	struct kern_msg *m) = { f_complains, s_wait, f_forgotten, NULL };

static void old_complaints_are_forgotten(void)
{
	fast_machine();
	run(forget_steps);
}

int breach_tests(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(a_client_that_breaks_the_protocol),
		KERN_CASE(a_client_that_is_told_of_a_close),
		KERN_CASE(a_client_that_is_told_nonsense),
		KERN_CASE(a_client_without_its_log),
		KERN_CASE(the_only_client_complains),
		KERN_CASE(one_of_several_clients_complains),
		KERN_CASE(a_client_beside_guests_complains),
		KERN_CASE(a_tool_complains_of_control),
		KERN_CASE(old_complaints_are_forgotten),
	};

	return cmocka_run_group_tests_name("breaches", tests, NULL, NULL);
}
