/* SPDX-License-Identifier: BSD-2-Clause */
/* restart_test.c - console starts again: consoles of guests and the log survive */
#include "harness.h"

#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "guestlog.h"

static void in_child(void (*fn)(void))
{
	int status;
	pid_t pid = fork();

	assert_true(pid >= 0);
	if (pid == 0) {
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

/* Each life of console is a process of its own, and leaves only the memory of the peers. */
static void next_life(void (*fn)(void))
{
	in_child(fn);
	((struct domain_info *)DOMAIN_INFO_VADDR)->epoch++;
}

/* The connector opens the connection again. Returns what RESUME says; 0 for a LOG. */
static uint32_t reopen(
	struct peer *p, uint32_t kind, uint32_t badge, const char *name, uint32_t domid)
{
	struct console_msg m = { .arg = UINT32_MAX };

	p->epoch++;
	p->resumed = false;
	assert_int_equal(peer_connect(p, kind, badge, name, domid), 0);
	assert_int_equal(p->resumed, kind != CONSOLE_LOG);
	ring_restart(&p->c.req, p->epoch);
	ring_restart(&p->c.rsp, p->epoch);
	if (kind == CONSOLE_LOG) {
		(void)ring_carry(&p->req, p->epoch);
		ring_restart(&p->rsp, p->epoch);
		event(p);
		return 0;
	}
	ring_restart(&p->req, p->epoch);
	ring_restart(&p->rsp, p->epoch);
	event(p);
	if (kind == CONSOLE_SHELL)
		return shell_resumed;
	assert_int_equal(ring_get(&p->rsp, &m, sizeof(m)), sizeof(m));
	assert_int_equal(m.type, CONSOLE_RESUME);
	(void)ring_get_flush(&p->rsp);
	return m.arg;
}

static uint32_t begin_again(void)
{
	uint32_t have;

	peer_init(&all->uart); /* a new connection */
	assert_int_equal(console_main(), 0);
	have = reopen(&all->shell, CONSOLE_SHELL, SVC_BADGE_INIT, "shell", 0);
	say(&all->shell, CONSOLE_READY, 0, NULL, 0);
	clear();
	return have;
}

static uint32_t guest_again(void)
{
	return reopen(&all->guest[0], CONSOLE_GUEST, SVC_BADGE_CONTROL, "web", 1);
}

static void a_guest_prints(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "booting\r\n");
	attach(1);
	assert_string_equal(screen, "booting\r\n");
	typed("\x1d");
	prints(&all->guest[0], "login: ");
	/* on its way, and lost with the ring */
	assert_int_equal(ring_put(&all->guest[0].req, &(struct console_msg){ 1, 0, 0 }, 8), 0);
}

static void the_console_goes_on(void)
{
	assert_int_equal(begin_again(), 2); /* "$ " */
	assert_int_equal(guest_again(), 16);
	prints(&all->guest[0], "root\r\n");
	attach(1);
	assert_string_equal(strstr(screen, "login"), "login: root\r\n");
	assert_null(strstr(screen, "booting"));
	typed("\x1d");
}

static void a_life_that_is_short(void)
{
	(void)begin_again(); /* it ends before the guest's connection is opened */
}

static void the_console_goes_on_again(void)
{
	assert_int_equal(begin_again(), 2);
	assert_int_equal(guest_again(), 22);
	attach(1);
	assert_null(strstr(screen, "login"));
	typed("\x1d");
}

static void a_guests_console_survives(void)
{
	memory_make();
	next_life(a_guest_prints);
	next_life(the_console_goes_on);
	next_life(a_life_that_is_short);
	next_life(a_life_that_is_short);
	next_life(the_console_goes_on_again);
}

static void the_console_begins_again(void)
{
	(void)begin_again();
	assert_int_equal(guest_again(), 0); /* so the VMM sends what it has kept */
	prints(&all->guest[0], "login: ");
	attach(1);
	assert_non_null(strstr(screen, "login: "));
	typed("\x1d");
	dmesg();
	assert_non_null(strstr(told, "(console) the console of guest 1 did not survive\n"));
}

static void a_guests_console_that_is_damaged(void)
{
	memory_make();
	next_life(a_guest_prints);
	memset(all->guest[0].own, 0xa5, 64);
	next_life(the_console_begins_again);
}

static void storage_prints(const char *text)
{
	const struct console_msg m = { .type = CONSOLE_DATA, .len = (uint16_t)strlen(text) };

	assert_int_equal(ring_put2(&all->vmm[1].req, &m, sizeof(m), text, m.len), 0);
	(void)ring_put_flush(&all->vmm[1].req);
}

static void the_log_is_written(void)
{
	begin();
	assert_int_equal(peer_connect(&all->vmm[1], CONSOLE_LOG, SVC_BADGE_INIT, "storage",
				 SVC_STATIC | 5),
		0);
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->vmm[0], "of the guest\n");
	memcpy(klog->data + klog->head, "more of the ker", 15);
	klog->head += 15;
	prints(&all->vmm[1], "one\r\n");
	/* it is stopped when it has taken the first of these */
	storage_prints("two\n");
	storage_prints("three\n");
	all->vmm[1].c.spent = SVC_TURN - SVC_RECORD;
	assert_int_equal(console->event(&all->vmm[1].c), 0);
}

static void the_log_goes_on(void)
{
	memcpy(klog->data + klog->head, "nel\nend\n", 8);
	klog->head += 8;
	(void)begin_again();
	(void)reopen(&all->vmm[1], CONSOLE_LOG, SVC_BADGE_INIT, "storage", SVC_STATIC | 5);
	prints(&all->vmm[1], "four\n");
	(void)reopen(&all->vmm[0], CONSOLE_LOG, SVC_BADGE_CONTROL, "vmm-web", 1);
	dmesg();
	assert_string_equal(told, "[    0.250000] kernel line\n"
				  "[    0.250000] (storage) one\n"
				  "[    0.250000] (storage) two\n"
				  "[    0.250000] more of the kernel\n"
				  "[    0.250000] end\n"
				  "[    0.250000] (storage) three\n"
				  "[    0.250000] (storage) four\n"
				  "[    0.250000] (vmm-web) of the guest\n");
	assert_int_equal(guestlog_of(&guest_logs, 1)->users, 1);
}

static void the_log_survives(void)
{
	memory_make();
	next_life(the_log_is_written);
	next_life(the_log_goes_on);
}

static void another_shell(void)
{
	peer_init(&all->uart);
	assert_int_equal(console_main(), 0);
	all->shell.epoch = 0; /* control has started again, too */
	last_number = 77;
	assert_int_equal(
		peer_connect(&all->shell, CONSOLE_SHELL, SVC_BADGE_INIT, "shell", 0), 0);
	say(&all->shell, CONSOLE_DATA, 0, "hello", 5);
}

static void the_count_is_that_of_the_last_shell(void) { assert_int_equal(begin_again(), 5); }

static void a_new_shell_counts_from_0(void)
{
	memory_make();
	next_life(a_guest_prints);
	next_life(another_shell);
	next_life(the_count_is_that_of_the_last_shell);
}

static void reads_all(void)
{
	(void)begin_again();
	(void)guest_again();
	(void)reopen(&all->vmm[0], CONSOLE_LOG, SVC_BADGE_CONTROL, "vmm-web", 1);
	prints(&all->guest[0], "on\r\n");
	prints(&all->vmm[0], "on\n");
	attach(1);
	typed("\x1d");
	dmesg();
}

/* Whatever is in the memory that is kept, console runs. */
static void kept_memory_that_is_damaged(void)
{
	uint32_t random = 1;

	memory_make();
	next_life(a_guest_prints);
	for (int round = 0; round < 16; round++) {
		for (uint32_t i = 0; i < 3000; i++) {
			random = random * 1664525 + 1013904223;
			/* heads more often than text; the first word is the mark */
			all->kept[8 + (random >> 8) % (round % 2 ? 4000 : KEPT - 8)] =
				(uint8_t)(random >> 4);
			all->kept[(random >> 8) % 90 * 16384 + (random >> 16) % 128] |=
				(uint8_t)random;
			all->guest[0].own[8 + (random >> 12) % 56] = (uint8_t)random;
		}
		next_life(reads_all);
	}
}

static void without_kept_memory(void)
{
	memory_make();
	((struct domain_info *)DOMAIN_INFO_VADDR)->n_channels = 0;
	next_life(a_guest_prints);
	next_life(reads_all);
}

int restart_tests(void)
{
	const struct CMUnitTest tests[] = {
		CASE(a_guests_console_survives),
		CASE(a_guests_console_that_is_damaged),
		CASE(the_log_survives),
		CASE(a_new_shell_counts_from_0),
		CASE(kept_memory_that_is_damaged),
		CASE(without_kept_memory),
	};

	return cmocka_run_group_tests_name("console restarts", tests, NULL, NULL);
}
