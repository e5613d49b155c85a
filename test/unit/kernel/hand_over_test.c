/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * hand_over_test.c - a thread that begins to wait passes its CPU to the one that it waits for:
 * when it may, and what changes with it
 */
#include "processor.h"

#include "kernel/sched.h"

enum { NOW = 10000, SLICE = 5000 };
static struct cpu cpu;
static struct sched_cpu sc;
static struct thread client, server;
static struct sched clients, servers;
static unsigned int fpu_puts;
static sk_time_t armed;

sk_time_t arch_now(void) { return NOW; }
void arch_timer_arm(sk_time_t deadline) { armed = deadline; }
void arch_fpu_put(void) { fpu_puts++; }
void panic(const char *fmt, ...)
{
	fail_msg("%s", fmt);
	__builtin_unreachable();
}

/* The client, which began its turn 1000 ticks ago, waits for the server. */
static int set_up(void **state)
{
	(void)state;
	cpu = (struct cpu){ .self = &cpu, .id = 3, .sched = &sc, .current = &client };
	cpu.timer_armed = SK_NO_DEADLINE;
	cpu.loaded = true;
	processor_reset();
	be(&cpu);
	clients = (struct sched){ .thread = &client, .cpu = 3, .move_to = 3, .slice = SLICE };
	servers = (struct sched){ .thread = &server, .cpu = 3, .move_to = 3, .slice = SLICE };
	clients.priority = servers.priority = 10;
	sc = (struct sched_cpu){ .cpu = &cpu, .running = &clients, .switched = NOW - 1000 };
	memset(&client, 0, sizeof(client));
	memset(&server, 0, sizeof(server));
	client.sched = &clients;
	client.on = &cpu;
	client.state = THREAD_CALLING;
	server.sched = &servers;
	fpu_puts = 0;
	armed = 0;
	return 0;
}

static void the_server_gets_the_cpu(void **state)
{
	(void)state;
	clients.budget_left = 3000;
	assert_true(sched_hand_over(&client, &server));
	assert_ptr_equal(cpu.current, &server);
	assert_ptr_equal(server.on, &cpu);
	assert_null(client.on);
	assert_false(cpu.loaded);
	assert_ptr_equal(sc.running, &servers);
	assert_int_equal(sc.lock.owner, sc.lock.next);
	assert_int_equal(fpu_puts, 0);
}

static void each_pays_for_itself(void **state)
{
	(void)state;
	clients.budget_left = 3000;
	assert_true(sched_hand_over(&client, &server));
	assert_int_equal(clients.consumed, 1000);
	assert_int_equal(clients.slice, SLICE - 1000);
	assert_int_equal(clients.budget_left, 2000);
	assert_int_equal(servers.consumed, 0);
	assert_int_equal(sc.switched, NOW);
}

/* SCHED4: for no later than the end of the server's turn. */
static void its_turn_ends(void **state)
{
	(void)state;
	assert_true(sched_hand_over(&client, &server));
	assert_int_equal(armed, NOW + SLICE);
	set_up(NULL);
	cpu.timer_armed = NOW + SLICE - 1;
	assert_true(sched_hand_over(&client, &server));
	assert_int_equal(armed, 0);
}

static void the_fpu_is_given_back(void **state)
{
	(void)state;
	cpu.fpu = &client;
	assert_true(sched_hand_over(&client, &server));
	assert_int_equal(fpu_puts, 1);
}

/* Another thread of the same priority waits longer, one of a higher priority does not. */
static void others_count_by_priority(void **state)
{
	(void)state;
	sc.bitmap = 1u << 10 | 1u << 4;
	assert_true(sched_hand_over(&client, &server));
	set_up(NULL);
	servers.priority = 31;
	assert_true(sched_hand_over(&client, &server));
}

static void refused(void)
{
	assert_false(sched_hand_over(&client, &server));
	assert_ptr_equal(cpu.current, &client);
	assert_ptr_equal(client.on, &cpu);
	assert_null(server.on);
	assert_true(cpu.loaded);
	assert_ptr_equal(sc.running, &clients);
	assert_int_equal(clients.slice, SLICE);
	assert_int_equal(clients.consumed, 0);
	assert_int_equal(sc.lock.owner, sc.lock.next);
	assert_int_equal(armed, 0);
	set_up(NULL);
}

/* With one thing wrong at a time. */
static void all_else_goes_the_long_way(void **state)
{
	struct thread other;

	(void)state;
	server.sched = NULL;
	refused();
	servers.cpu = servers.move_to = 2;
	refused();
	servers.cpu = 2; /* it is about to come here */
	refused();
	servers.move_to = 2;
	refused();
	servers.thread = &other;
	refused();
	servers.place = SCHED_QUEUED;
	refused();
	servers.obj.dead = true;
	refused();
	servers.period = 1;
	refused();
	sc.bitmap = 1u << 11;
	refused();
	server.suspended = true;
	refused();
	server.state = THREAD_WAITING;
	refused();
	client.state = THREAD_READY;
	refused();
	cpu.resched = true;
	refused();
	sc.switched = NOW - SLICE;
	refused();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_server_gets_the_cpu, set_up),
		cmocka_unit_test_setup(each_pays_for_itself, set_up),
		cmocka_unit_test_setup(its_turn_ends, set_up),
		cmocka_unit_test_setup(the_fpu_is_given_back, set_up),
		cmocka_unit_test_setup(others_count_by_priority, set_up),
		cmocka_unit_test_setup(all_else_goes_the_long_way, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
