/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console_test.c - the console domain among played clients: what reaches the terminal, the
 * shell, and the log
 *
 * Objects     struct peer: the other end of a connection. `screen` holds the UART's output.
 * Locks       none.
 * Lifecycle   a cmocka group; the domain's state is static, so each case runs in a process of
 *             its own.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caps/caps.h"
#include "guestlog.h"
#include "proto/console.h"
#include "svc/svc.h"
#include "sys/clock.h"
#include "sys/sk.h"
#include "terminal.h"

int console_main(void);

enum { RING = 4096, SCREEN = 1 << 20 };

struct peer {
	struct svc_conn c; /* console's end */
	struct ring req, rsp;
	uint8_t *rings;
	char own[CONSOLE_LOG_SIZE];
};
static struct peer uart, shell, guest[3], vmm[3];
static const struct svc_service *console;
static svc_handler_fn uart_fn;
static struct sk_klog *klog;
static uint64_t now; /* ns */
static char screen[SCREEN];
static size_t n_screen;
static bool screen_stopped;
static char told[SCREEN]; /* DATA for the shell */
static size_t n_told;
static uint32_t done, detached, failed, killed;

/* ---- the world ---- */

static void peer_init(struct peer *p)
{
	p->rings = aligned_alloc(RING, 2 * RING);
	assert_non_null(p->rings);
	memset(p->rings, 0, 2 * RING);
	assert_int_equal(ring_init(&p->c.req, p->rings, RING, RING_SERVICE_GETS, 0), 0);
	assert_int_equal(ring_init(&p->c.rsp, p->rings + RING, RING, RING_SERVICE_PUTS, 0), 0);
	assert_int_equal(ring_init(&p->req, p->rings, RING, RING_CLIENT_PUTS, 0), 0);
	assert_int_equal(ring_init(&p->rsp, p->rings + RING, RING, RING_CLIENT_GETS, 0), 0);
}

struct svc_conn *svc_channel(const char *name)
{
	assert_string_equal(name, "uart");
	uart.c.channel = true;
	return &uart.c;
}

bool svc_arg(const char *key, char *buf, size_t size)
{
	return snprintf(buf, size, "%d", strcmp(key, "cap.klog") == 0 ? 20 : 21) > 0;
}

int svc_on_channel(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	assert_ptr_equal(c, &uart.c);
	assert_null(ctx);
	uart_fn = fn;
	return 0;
}

int svc_serve(const struct svc_service *s)
{
	console = s;
	return 0;
}

int svc_run(void) { return 0; }

int svc_get(struct svc_conn *c, void *buf, uint32_t max)
{
	if (c->spent >= SVC_TURN)
		return -SK_E_AGAIN;
	c->spent += SVC_RECORD;
	return ring_get(&c->req, buf, max);
}
void svc_signal(struct svc_conn *c) { (void)c; }
void svc_timer_set(struct svc_timer *t, sk_time_t deadline) { t->deadline = deadline; }

void svc_conn_kill(struct svc_conn *c, const char *why)
{
	(void)why;
	c->dead = true;
	killed++;
}

int vm_map(sk_cap_t frame, uint32_t order, uint32_t rights, void **out)
{
	assert_int_equal(frame, 20);
	assert_int_equal(rights, SK_R);
	(void)order;
	*out = klog;
	return 0;
}

long sk_cap_info(sk_cap_t cnode, sk_cap_t slot, struct sk_cap_info *info)
{
	(void)cnode;
	(void)slot;
	*info = (struct sk_cap_info){ .type = SK_OBJ_FRAME, .order = 14 };
	return 0;
}

long sk_log_take(sk_cap_t ctl) { return ctl == 21 ? 0 : -SK_E_RIGHTS; }
sk_time_t sk_now(void) { return now; }
uint64_t clock_ns(void) { return now; }
uint64_t clock_ns_to_ticks(uint64_t ns) { return ns; }

/* ---- actions of the other parties ---- */

static bool uart_takes(void)
{
	struct {
		struct console_msg m;
		char text[CONSOLE_CHUNK_MAX];
	} rec;
	bool any = false;

	while (!screen_stopped && ring_get(&uart.req, &rec, sizeof(rec)) >= 0) {
		memcpy(screen + n_screen, rec.text, rec.m.len);
		n_screen += rec.m.len;
		any = true;
	}
	(void)ring_get_flush(&uart.req);
	screen[n_screen] = 0;
	return any;
}

static bool shell_takes(void)
{
	struct {
		struct console_msg m;
		char text[CONSOLE_CHUNK_MAX];
	} rec;
	bool any = false;

	while (shell.c.priv && ring_get(&shell.rsp, &rec, sizeof(rec)) >= 0) {
		any = true;
		if (rec.m.type == CONSOLE_DATA) {
			memcpy(told + n_told, rec.text, rec.m.len);
			n_told += rec.m.len;
		}
		done += rec.m.type == CONSOLE_DONE;
		detached += rec.m.type == CONSOLE_DETACHED;
		failed += rec.m.type == CONSOLE_FAILED;
	}
	if (any)
		(void)ring_get_flush(&shell.rsp);
	told[n_told] = 0;
	return any;
}

static void settle(void)
{
	bool any;

	do {
		any = uart_takes();
		any = shell_takes() || any;
		if (any)
			uart_fn(NULL);
	} while (any);
}

static void clear(void)
{
	n_screen = n_told = 0;
	screen[0] = told[0] = 0;
}

static void event(struct peer *p)
{
	p->c.spent = 0;
	if (!p->c.dead && console->event(&p->c))
		svc_conn_kill(&p->c, "a breach");
	(void)ring_get_flush(&p->c.req); /* as the loop does */
	(void)ring_put_flush(&p->c.rsp);
	settle();
}

static void say(struct peer *p, uint16_t type, uint32_t arg, const char *text, size_t len)
{
	struct console_msg m = { .type = type, .arg = arg };
	size_t n;

	do {
		n = len < CONSOLE_CHUNK_MAX ? len : CONSOLE_CHUNK_MAX;
		m.len = (uint16_t)n;
		assert_int_equal(ring_put2(&p->req, &m, sizeof(m), text, (uint32_t)n), 0);
		(void)ring_put_flush(&p->req);
		event(p);
		text += n;
		len -= n;
	} while (len);
}

static void prints(struct peer *p, const char *text)
{
	say(p, CONSOLE_DATA, 0, text, strlen(text));
}

static void typed(const char *keys)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = (uint16_t)strlen(keys) };

	assert_int_equal(ring_put2(&uart.rsp, &m, sizeof(m), keys, m.len), 0);
	(void)ring_put_flush(&uart.rsp);
	uart_fn(NULL);
	settle();
}

static int connect(
	struct peer *p, uint32_t kind, uint32_t badge, const char *name, uint32_t domid)
{
	struct console_params q = { .kind = kind, .domid = domid };
	uint64_t result[2];

	strcpy(q.name, name);
	memset(&p->c, 0, sizeof(p->c));
	peer_init(p);
	p->c.badge = badge;
	p->c.client = domid;
	if (kind == CONSOLE_GUEST) {
		p->c.own = p->own;
		p->c.own_size = sizeof(p->own);
	}
	return console->open(&p->c, &q, sizeof(q), result);
}

static void leave(struct peer *p)
{
	assert_int_equal(console->close(&p->c), 0);
	free(p->rings);
	settle();
}

static void vmm_starts(struct peer *g, struct peer *l, const char *name, uint32_t domid)
{
	char text[48];

	snprintf(text, sizeof(text), "vmm-%s", name);
	assert_int_equal(connect(l, CONSOLE_LOG, SVC_BADGE_CONTROL, text, domid), 0);
	assert_int_equal(connect(g, CONSOLE_GUEST, SVC_BADGE_CONTROL, name, domid), 0);
}

static void attach(uint32_t domid)
{
	clear();
	say(&shell, CONSOLE_ATTACH, domid, NULL, 0);
}

static void dmesg(void)
{
	uint32_t before = done;

	clear();
	say(&shell, CONSOLE_DMESG, 0, NULL, 0);
	assert_int_equal(done, before + 1);
}

static void begin(void)
{
	klog = calloc(1, sizeof(*klog) + 4096);
	klog->size = 4096;
	memcpy(klog->data, "kernel line\n", 12);
	klog->head = 12;
	now = 250000000;
	peer_init(&uart);
	assert_int_equal(console_main(), 0);
	assert_int_equal(connect(&shell, CONSOLE_SHELL, SVC_BADGE_INIT, "shell", 0), 0);
	say(&shell, CONSOLE_DATA, 0, "$ ", 2);
	say(&shell, CONSOLE_READY, 0, NULL, 0);
	clear();
}

/* ---- consoles of guests ---- */

static void shows_what_nobody_has_seen(void)
{
	begin();
	vmm_starts(&guest[0], &vmm[0], "web", 1);
	prints(&guest[0], "booting\r\nlogin: ");
	assert_string_equal(screen, "");
	attach(1);
	assert_string_equal(screen, "booting\r\nlogin: ");
	prints(&guest[0], "root\r\n");
	typed("\x1d");
	assert_int_equal(detached, 1);
	assert_string_equal(screen, "booting\r\nlogin: root\r\n\r\n");
	attach(1); /* the user has seen all of it */
	assert_string_equal(screen, "");
	typed("\x1d");
	prints(&guest[0], "more\r\n");
	attach(1);
	assert_string_equal(screen, "more\r\n");
}

static void says_what_was_not_kept(void)
{
	static char much[CONSOLE_LOG_SIZE + 100];

	begin();
	vmm_starts(&guest[0], &vmm[0], "web", 1);
	prints(&guest[0], "0123456789");
	attach(1);
	typed("\x1d");
	memset(much, 'x', sizeof(much));
	say(&guest[0], CONSOLE_DATA, 0, much, sizeof(much));
	attach(1);
	assert_int_equal(
		strncmp(screen, "[100 bytes of this console were not kept]\r\nxxx", 46), 0);
	assert_int_equal(n_screen, 43 + CONSOLE_LOG_SIZE);
	typed("\x1d");
	attach(1);
	assert_string_equal(screen, "");
}

static void what_was_shown_in_part_goes_on(void)
{
	static char much[3 * RING];

	begin();
	vmm_starts(&guest[0], &vmm[0], "web", 1);
	memset(much, 'x', sizeof(much) - 1);
	prints(&guest[0], much);
	screen_stopped = true;
	attach(1);
	typed("\x1d"); /* the user first sees the text that was there at the attach */
	assert_int_equal(detached, 0);
	screen_stopped = false;
	uart_fn(NULL);
	settle();
	assert_int_equal(detached, 1);
	assert_int_equal(n_screen, sizeof(much) - 1 + 2);
}

static void colours_do_not_stay(void)
{
	begin();
	vmm_starts(&guest[0], &vmm[0], "web", 1);
	prints(&guest[0], "plain");
	attach(1);
	typed("\x1d");
	say(&shell, CONSOLE_DATA, 0, "$ ", 2);
	assert_string_equal(screen, "plain\r\n$ "); /* nothing to undo */
	prints(&guest[0], "\033[31m\033[?25lred");
	attach(1);
	typed("\x1d");
	say(&shell, CONSOLE_DATA, 0, "$ ", 2);
	assert_non_null(strstr(screen, "red\r\n"));
	assert_non_null(strstr(screen, terminal_reset));
	assert_string_equal(strstr(screen, terminal_reset) + strlen(terminal_reset), "$ ");
	assert_non_null(strstr(terminal_reset, "\033[?25h"));
	attach(1); /* only once */
	typed("\x1d");
	say(&shell, CONSOLE_DATA, 0, "$ ", 2);
	assert_string_equal(screen, "\r\n$ ");
	/* it is undone, too, if the guest ends while the UART has no room */
	attach(1);
	screen_stopped = true;
	prints(&guest[0], "\033[?1049h");
	leave(&guest[0]);
	say(&shell, CONSOLE_DATA, 0, "$ ", 2);
	screen_stopped = false;
	settle();
	assert_string_equal(strstr(screen, terminal_reset) + strlen(terminal_reset), "$ ");
}

/*
 * The user leaves while the UART is full, after any byte: the reset of the colours follows when
 * there is room.
 */
static void colours_do_not_stay_on_a_slow_line(void)
{
	static char much[RING];

	begin();
	vmm_starts(&guest[0], &vmm[0], "web", 1);
	for (uint32_t len = RING / 4; len < RING; len += 24) {
		attach(1);
		screen_stopped = true;
		memset(much, 'x', sizeof(much));
		memcpy(much, "\033[31m", 5);
		say(&guest[0], CONSOLE_DATA, 0, much, len);
		typed("\x1d");
		say(&shell, CONSOLE_DATA, 0, "$ ", 2);
		screen_stopped = false;
		uart_fn(NULL);
		settle();
		assert_non_null(strstr(screen, terminal_reset));
		assert_string_equal(
			strstr(screen, terminal_reset) + strlen(terminal_reset), "$ ");
	}
}

/* ---- the log ---- */

static void log_tells_when(void)
{
	begin();
	assert_int_equal(
		connect(&vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "storage", SVC_STATIC | 5), 0);
	now = 1234567890;
	prints(&vmm[0], "one\ntwo\n");
	now = 98765000000000;
	prints(&vmm[0], "thr");
	prints(&vmm[0], "ee\n");
	dmesg();
	assert_string_equal(told, "[    0.250000] kernel line\n"
				  "[    1.234567] (storage) one\n"
				  "[    1.234567] (storage) two\n"
				  "[98765.000000] (storage) three\n");
}

/*
 * Lines of guests are sorted by time, and no guest takes the log space of the host or of
 * another guest.
 */
static void a_guest_fills_its_own_log_only(void)
{
	char line[64];

	begin();
	assert_int_equal(
		connect(&vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "control", SVC_STATIC | 9), 0);
	now = 1000000000;
	vmm_starts(&guest[1], &vmm[1], "good", 1);
	prints(&vmm[1], "is well\n");
	now = 2000000000;
	vmm_starts(&guest[2], &vmm[2], "bad", 2);
	prints(&vmm[0], "of the host\n");
	for (int i = 0; i < 5000; i++) {
		now += 1000000;
		snprintf(line, sizeof(line), "flood %d\n", i);
		prints(&vmm[2], line);
		say(&vmm[0], CONSOLE_DATA, 2, "it floods\n", 10); /* control reports it, too */
	}
	prints(&vmm[0], "end\n");
	dmesg();
	assert_true(n_told < GUESTLOG_SIZE + 500);
	assert_non_null(strstr(told, "[    0.250000] kernel line\n"
				     "[    1.000000] (vmm-good) is well\n"
				     "[    2.000000] (control) of the host\n"));
	assert_non_null(strstr(told, "[    7.000000] (vmm-bad) flood 4999\n"
				     "[    7.000000] (control) it floods\n"));
	assert_non_null(strstr(told, "(control) end\n"));
	/* nor does a guest that is created again and again */
	for (int i = 0; i < 500; i++) {
		leave(&vmm[2]);
		leave(&guest[2]);
		vmm_starts(&guest[2], &vmm[2], "bad", 10 + (uint32_t)i);
		prints(&vmm[2], "I am here again, with a line that is not short at all\n");
	}
	dmesg();
	assert_true(n_told < GUESTLOG_SIZE + 500);
	assert_non_null(strstr(told, "(vmm-good) is well\n"));
	assert_null(guestlog_at(2)); /* one log for each name */
}

/* With more names than logs, the log that was not used for the longest time is replaced. */
static void logs_are_used_again(void)
{
	char name[16];

	begin();
	vmm_starts(&guest[1], &vmm[1], "lives", 1);
	prints(&vmm[1], "from the beginning\n");
	for (uint32_t i = 0; i < 2 * GUESTLOG_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		vmm_starts(&guest[2], &vmm[2], name, 2 + i);
		prints(&vmm[2], "was here\n");
		leave(&vmm[2]);
		leave(&guest[2]);
	}
	dmesg();
	assert_non_null(strstr(told, "(vmm-lives) from the beginning\n"));
	assert_null(strstr(told, "(vmm-n0) "));
	assert_non_null(strstr(told, "(vmm-n159) was here\n"));
}

/* A domid comes again after a long time; a line is then about the last guest that had it. */
static void numbers_come_again(void)
{
	begin();
	assert_int_equal(
		connect(&vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "control", SVC_STATIC | 9), 0);
	vmm_starts(&guest[2], &vmm[2], "new", 6);
	leave(&vmm[2]);
	leave(&guest[2]);
	vmm_starts(&guest[1], &vmm[1], "old", 5);
	leave(&vmm[1]);
	leave(&guest[1]);
	vmm_starts(&guest[2], &vmm[2], "new", 5);
	say(&vmm[0], CONSOLE_DATA, 5, "about the new one\n", 18);
	assert_int_equal(guestlog_of(5)->users, 1);
	assert_string_equal(guestlog_of(5)->name, "vmm-new");
	assert_true(guestlog_of(5)->log.end > 0);
}

/* A VMM cannot say which guest its line is about. */
static void a_vmm_speaks_for_itself(void)
{
	begin();
	vmm_starts(&guest[1], &vmm[1], "good", 1);
	vmm_starts(&guest[2], &vmm[2], "bad", 2);
	say(&vmm[2], CONSOLE_DATA, 1, "I am good\n", 10);
	dmesg();
	assert_non_null(strstr(told, "(vmm-bad) I am good\n"));
	assert_int_equal(guestlog_of(1)->log.end, 0);
	prints(&vmm[2], "no newline");
	leave(&vmm[2]);
	dmesg();
	assert_non_null(strstr(told, "(vmm-bad) no newline\n"));
}

/* A client that sends while it is read gets its turn, and no more. */
static void a_turn_is_limited(void)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = 1 };
	uint32_t n = 0;

	begin();
	vmm_starts(&guest[0], &vmm[0], "web", 1);
	while (ring_put2(&guest[0].req, &m, sizeof(m), "x", 1) == 0)
		n++;
	(void)ring_put_flush(&guest[0].req);
	assert_true(n > 100);
	assert_int_equal(console->event(&guest[0].c), 0);
	attach(1);
	assert_int_equal(n_screen, SVC_TURN / SVC_RECORD);
	for (uint32_t i = 0; i < n; i += SVC_TURN / SVC_RECORD)
		event(&guest[0]);
	assert_int_equal(n_screen, n);
	assert_int_equal(killed, 0);
}

static void breaches(void)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = 9 };

	begin();
	vmm_starts(&guest[0], &vmm[0], "web", 1);
	assert_int_equal(ring_put2(&guest[0].req, &m, sizeof(m), "x", 1), 0);
	(void)ring_put_flush(&guest[0].req);
	event(&guest[0]);
	assert_int_equal(killed, 1);
	assert_int_equal(
		connect(&guest[1], CONSOLE_GUEST, SVC_BADGE_INIT, "a", 2), -SK_E_DENIED);
	assert_int_equal(
		connect(&guest[1], CONSOLE_SHELL, SVC_BADGE_INIT, "a", 2), -SK_E_DENIED);
	assert_int_equal(
		connect(&guest[1], CONSOLE_GUEST, SVC_BADGE_CONTROL, "a", 1), -SK_E_DENIED);
	attach(7);
	assert_int_equal(failed, 1);
}

/* ---- a process each ---- */

static void in_a_process(void **state)
{
	void (*fn)(void) = (void (*)(void))(uintptr_t)*state;
	int status;
	pid_t pid;

	(void)fflush(stdout);
	pid = fork();
	assert_true(pid >= 0);
	if (pid == 0) {
		/*
		 * A failing case must end this process, and not continue with the other tests
		 * in it.
		 */
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		fn();
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &status, 0), pid);
	assert_int_equal(status, 0);
}

#define T(f) \
	{ \
#f, in_a_process, NULL, NULL, (void *)(uintptr_t)(f) \
	}
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(shows_what_nobody_has_seen),
		T(says_what_was_not_kept),
		T(what_was_shown_in_part_goes_on),
		T(colours_do_not_stay),
		T(colours_do_not_stay_on_a_slow_line),
		T(numbers_come_again),
		T(log_tells_when),
		T(a_guest_fills_its_own_log_only),
		T(logs_are_used_again),
		T(a_vmm_speaks_for_itself),
		T(a_turn_is_limited),
		T(breaches),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
