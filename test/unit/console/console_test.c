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
#include <sys/mman.h>
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

enum { RING = 4096, SCREEN = 1 << 20, KEPT = 2 << 20 };
/* The text that a log of CONSOLE_LOG_SIZE bytes holds. */
enum { CONSOLE_LOG_TEXT = CONSOLE_LOG_SIZE - 64 };

struct peer {
	struct svc_conn c; /* console's end */
	struct ring req, rsp;
	_Alignas(4096) uint8_t rings[2 * RING];
	uint32_t number, epoch;
	bool resumed;      /* console asked for a turn when it was opened */
	uint64_t own_size; /* 0: as it should be */
	_Alignas(8) char own[CONSOLE_LOG_SIZE];
};
/* In memory that outlives console. */
static struct {
	struct peer uart, shell, guest[3], vmm[3];
	_Alignas(8) uint8_t kept[KEPT];
} * all;
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
/* What the shell was told by RESUME; UINT32_MAX: nothing. */
static uint32_t shell_resumed = UINT32_MAX;
static svc_handler_fn uart_epoch_fn;

/* ---- the world ---- */

/* Memory that a console and the next one see. */
static void *memory_new(void *at, size_t size)
{
	void *p = mmap(at, size, PROT_READ | PROT_WRITE,
		MAP_SHARED | MAP_ANONYMOUS | (at ? MAP_FIXED_NOREPLACE : 0), -1, 0);

	assert_ptr_not_equal(p, MAP_FAILED);
	return p;
}

/* console's ends */
static void ends_init(struct peer *p, uint32_t epoch)
{
	const bool client = p == &all->uart;

	assert_int_equal(ring_init(&p->c.req, p->rings, RING,
				 client ? RING_CLIENT_PUTS : RING_SERVICE_GETS, epoch),
		0);
	assert_int_equal(ring_init(&p->c.rsp, p->rings + RING, RING,
				 client ? RING_CLIENT_GETS : RING_SERVICE_PUTS, epoch),
		0);
}

static void peer_init(struct peer *p)
{
	const bool service = p == &all->uart;

	memset(p->rings, 0, sizeof(p->rings));
	ends_init(p, 0);
	assert_int_equal(ring_init(&p->req, p->rings, RING,
				 service ? RING_SERVICE_GETS : RING_CLIENT_PUTS, 0),
		0);
	assert_int_equal(ring_init(&p->rsp, p->rings + RING, RING,
				 service ? RING_SERVICE_PUTS : RING_CLIENT_GETS, 0),
		0);
}

struct svc_conn *svc_channel(const char *name)
{
	assert_string_equal(name, "uart");
	all->uart.c.channel = true;
	return &all->uart.c;
}

bool svc_arg(const char *key, char *buf, size_t size)
{
	return snprintf(buf, size, "%d", strcmp(key, "cap.klog") == 0 ? 20 : 21) > 0;
}

int svc_on_channel(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	assert_ptr_equal(c, &all->uart.c);
	assert_null(ctx);
	uart_fn = fn;
	return 0;
}

int svc_on_epoch(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	assert_ptr_equal(c, &all->uart.c);
	assert_null(ctx);
	uart_epoch_fn = fn;
	return 0;
}

void svc_resume(struct svc_conn *c) { ((struct peer *)c)->resumed = true; }

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
static struct svc_timer *timer; /* the last one that was set */

void svc_timer_set(struct svc_timer *t, sk_time_t deadline)
{
	t->deadline = deadline;
	timer = t;
}

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

	while (!screen_stopped && ring_get(&all->uart.req, &rec, sizeof(rec)) >= 0) {
		memcpy(screen + n_screen, rec.text, rec.m.len);
		n_screen += rec.m.len;
		any = true;
	}
	(void)ring_get_flush(&all->uart.req);
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

	while (all->shell.c.priv && ring_get(&all->shell.rsp, &rec, sizeof(rec)) >= 0) {
		any = true;
		if (rec.m.type == CONSOLE_DATA) {
			memcpy(told + n_told, rec.text, rec.m.len);
			n_told += rec.m.len;
		}
		done += rec.m.type == CONSOLE_DONE;
		detached += rec.m.type == CONSOLE_DETACHED;
		failed += rec.m.type == CONSOLE_FAILED;
		if (rec.m.type == CONSOLE_RESUME)
			shell_resumed = rec.m.arg;
	}
	if (any)
		(void)ring_get_flush(&all->shell.rsp);
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

	assert_int_equal(ring_put2(&all->uart.rsp, &m, sizeof(m), keys, m.len), 0);
	(void)ring_put_flush(&all->uart.rsp);
	uart_fn(NULL);
	settle();
}

static uint32_t last_number;

static int connect(
	struct peer *p, uint32_t kind, uint32_t badge, const char *name, uint32_t domid)
{
	struct console_params q = { .kind = kind, .domid = domid };
	uint64_t result[2];

	strcpy(q.name, name);
	memset(&p->c, 0, sizeof(p->c));
	if (!p->epoch) {
		peer_init(p);
		p->number = ++last_number;
	} else {
		ends_init(p, p->epoch);
	}
	p->c.epoch = p->epoch;
	p->c.number = p->number;
	p->c.badge = badge;
	p->c.client = domid;
	if (kind == CONSOLE_GUEST) {
		p->c.own = p->own;
		p->c.own_size = p->own_size ? p->own_size : sizeof(p->own);
	}
	return console->open(&p->c, &q, sizeof(q), result);
}

static void leave(struct peer *p)
{
	assert_int_equal(console->close(&p->c), 0);
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
	say(&all->shell, CONSOLE_ATTACH, domid, NULL, 0);
}

static void dmesg(void)
{
	uint32_t before = done;

	clear();
	say(&all->shell, CONSOLE_DMESG, 0, NULL, 0);
	assert_int_equal(done, before + 1);
}

static void memory_make(void)
{
	struct domain_info *info = memory_new((void *)DOMAIN_INFO_VADDR, 4096);

	all = memory_new(NULL, sizeof(*all));
	strcpy(info->channel[1].name, "logs");
	info->channel[1].data_vaddr = (uint64_t)all->kept;
	info->channel[1].data_size = sizeof(all->kept);
	info->n_channels = 2;
	klog = memory_new(NULL, sizeof(*klog) + 4096);
	klog->size = 4096;
	memcpy(klog->data, "kernel line\n", 12);
	klog->head = 12;
	now = 250000000;
}

static void begin(void)
{
	if (!all)
		memory_make();
	peer_init(&all->uart);
	assert_int_equal(console_main(), 0);
	assert_int_equal(connect(&all->shell, CONSOLE_SHELL, SVC_BADGE_INIT, "shell", 0), 0);
	say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
	say(&all->shell, CONSOLE_READY, 0, NULL, 0);
	clear();
}

/* ---- consoles of guests ---- */

static void shows_what_nobody_has_seen(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "booting\r\nlogin: ");
	assert_string_equal(screen, "");
	attach(1);
	assert_string_equal(screen, "booting\r\nlogin: ");
	prints(&all->guest[0], "root\r\n");
	typed("\x1d");
	assert_int_equal(detached, 1);
	assert_string_equal(screen, "booting\r\nlogin: root\r\n\r\n");
	attach(1); /* the user has seen all of it */
	assert_string_equal(screen, "");
	typed("\x1d");
	prints(&all->guest[0], "more\r\n");
	attach(1);
	assert_string_equal(screen, "more\r\n");
}

static void says_what_was_not_kept(void)
{
	static char much[CONSOLE_LOG_TEXT + 100];

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "0123456789");
	attach(1);
	typed("\x1d");
	memset(much, 'x', sizeof(much));
	say(&all->guest[0], CONSOLE_DATA, 0, much, sizeof(much));
	attach(1);
	assert_int_equal(
		strncmp(screen, "[100 bytes of this console were not kept]\r\nxxx", 46), 0);
	assert_int_equal(n_screen, 43 + CONSOLE_LOG_TEXT);
	typed("\x1d");
	attach(1);
	assert_string_equal(screen, "");
}

static void a_line_shown_in_part_goes_on(void)
{
	static char much[3 * RING];

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	memset(much, 'x', sizeof(much) - 1);
	prints(&all->guest[0], much);
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

/* Input for a guest that does not read waits. */
static void typing_to_a_guest(void)
{
	char keys[101], got[8000], rec[sizeof(struct console_msg) + CONSOLE_CHUNK_MAX];
	uint32_t n = 0, len = 0;
	int rc;

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	attach(1);
	for (uint32_t i = 0; i < 70; i++) {
		memset(keys, 'a' + (int)(i % 26), 100);
		keys[100] = 0;
		typed(keys);
	}
	for (int i = 0; i < 10; i++) {
		while ((rc = ring_get(&all->guest[0].rsp, rec, sizeof(rec))) > 0) {
			len = (uint32_t)rc - sizeof(struct console_msg);
			memcpy(got + n, rec + sizeof(struct console_msg), len);
			n += len;
		}
		(void)ring_get_flush(&all->guest[0].rsp);
		event(&all->guest[0]);
	}
	assert_int_equal(n, 7000);
	for (uint32_t i = 0; i < n; i++)
		assert_int_equal(got[i], 'a' + i / 100 % 26);
}

/* The user is told by a bell when that is given up. */
static void typing_to_a_guest_that_does_not_read(void)
{
	char keys[201];
	uint32_t n = 0;

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	attach(1);
	memset(keys, 'x', sizeof(keys) - 1);
	keys[sizeof(keys) - 1] = 0;
	timer = NULL;
	while (!timer || timer->deadline == SK_NO_DEADLINE) {
		assert_true(n++ < 1000);
		typed(keys);
	}
	assert_string_equal(screen, "");
	now = timer->deadline;
	timer->fn(NULL);
	settle();
	assert_string_equal(screen, "\a");
	typed("\x1d");
	assert_int_equal(detached, 1);
}

static void queue(struct peer *p, uint16_t type, uint32_t arg, const char *text)
{
	struct console_msg m = { .type = type, .arg = arg, .len = (uint16_t)strlen(text) };

	assert_int_equal(ring_put2(&p->req, &m, sizeof(m), text, m.len), 0);
	(void)ring_put_flush(&p->req);
}

/* Both come at once. */
static void the_shell_is_silent_while_a_guest_is_attached(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "login: ");
	queue(&all->shell, CONSOLE_ATTACH, 1, "");
	queue(&all->shell, CONSOLE_DATA, 0, "$ ");
	clear();
	event(&all->shell);
	assert_string_equal(screen, "login: ");
	typed("\x1d");
	assert_string_equal(screen, "login: \r\n$ ");
}

/* What it said before its end is shown, although its memory is gone. */
static void last_words_of_a_guest(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	attach(1);
	screen_stopped = true;
	for (uint32_t i = 0; i < 2 * RING; i += 20)
		prints(&all->guest[0], "shutting down . . .\n");
	queue(&all->guest[0], CONSOLE_DATA, 0, "power off");
	leave(&all->guest[0]);
	memset(all->guest[0].own, 0, sizeof(all->guest[0].own));
	screen_stopped = false;
	uart_fn(NULL);
	settle();
	assert_int_equal(detached, 1);
	assert_non_null(strstr(screen, "shutting down . . .\npower off"));
}

static void colours_do_not_stay(void)
{
	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], "plain");
	attach(1);
	typed("\x1d");
	say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
	assert_string_equal(screen, "plain\r\n$ "); /* nothing to undo */
	prints(&all->guest[0], "\033[31m\033[?25lred");
	attach(1);
	typed("\x1d");
	say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
	assert_non_null(strstr(screen, "red\r\n"));
	assert_non_null(strstr(screen, terminal_reset));
	assert_string_equal(strstr(screen, terminal_reset) + strlen(terminal_reset), "$ ");
	assert_non_null(strstr(terminal_reset, "\033[?25h"));
	attach(1); /* only once */
	typed("\x1d");
	say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
	assert_string_equal(screen, "\r\n$ ");
	/* it is undone, too, if the guest ends while the UART has no room */
	attach(1);
	screen_stopped = true;
	prints(&all->guest[0], "\033[?1049h");
	leave(&all->guest[0]);
	say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
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
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	for (uint32_t len = RING / 4; len < RING; len += 24) {
		attach(1);
		screen_stopped = true;
		memset(much, 'x', sizeof(much));
		memcpy(much, "\033[31m", 5);
		say(&all->guest[0], CONSOLE_DATA, 0, much, len);
		typed("\x1d");
		say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
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
		connect(&all->vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "storage", SVC_STATIC | 5),
		0);
	now = 1234567890;
	prints(&all->vmm[0], "one\ntwo\n");
	now = 98765000000000;
	prints(&all->vmm[0], "thr");
	prints(&all->vmm[0], "ee\n");
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
		connect(&all->vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "control", SVC_STATIC | 9),
		0);
	now = 1000000000;
	vmm_starts(&all->guest[1], &all->vmm[1], "good", 1);
	prints(&all->vmm[1], "is well\n");
	now = 2000000000;
	vmm_starts(&all->guest[2], &all->vmm[2], "bad", 2);
	prints(&all->vmm[0], "of the host\n");
	for (int i = 0; i < 5000; i++) {
		now += 1000000;
		snprintf(line, sizeof(line), "flood %d\n", i);
		prints(&all->vmm[2], line);
		say(&all->vmm[0], CONSOLE_DATA, 2, "it floods\n",
			10); /* control reports it, too */
	}
	prints(&all->vmm[0], "end\n");
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
		leave(&all->vmm[2]);
		leave(&all->guest[2]);
		vmm_starts(&all->guest[2], &all->vmm[2], "bad", 10 + (uint32_t)i);
		prints(&all->vmm[2], "I am here again, with a line that is not short at all\n");
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
	vmm_starts(&all->guest[1], &all->vmm[1], "lives", 1);
	prints(&all->vmm[1], "from the beginning\n");
	for (uint32_t i = 0; i < 2 * GUESTLOG_MAX; i++) {
		snprintf(name, sizeof(name), "n%u", i);
		vmm_starts(&all->guest[2], &all->vmm[2], name, 2 + i);
		prints(&all->vmm[2], "was here\n");
		leave(&all->vmm[2]);
		leave(&all->guest[2]);
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
		connect(&all->vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "control", SVC_STATIC | 9),
		0);
	vmm_starts(&all->guest[2], &all->vmm[2], "new", 6);
	leave(&all->vmm[2]);
	leave(&all->guest[2]);
	vmm_starts(&all->guest[1], &all->vmm[1], "old", 5);
	leave(&all->vmm[1]);
	leave(&all->guest[1]);
	vmm_starts(&all->guest[2], &all->vmm[2], "new", 5);
	say(&all->vmm[0], CONSOLE_DATA, 5, "about the new one\n", 18);
	assert_int_equal(guestlog_of(5)->users, 1);
	assert_string_equal(guestlog_of(5)->name, "vmm-new");
	assert_true(guestlog_of(5)->log.end > 0);
}

/* A VMM cannot say which guest its line is about. */
static void a_vmm_speaks_for_itself(void)
{
	begin();
	vmm_starts(&all->guest[1], &all->vmm[1], "good", 1);
	vmm_starts(&all->guest[2], &all->vmm[2], "bad", 2);
	say(&all->vmm[2], CONSOLE_DATA, 1, "I am good\n", 10);
	dmesg();
	assert_non_null(strstr(told, "(vmm-bad) I am good\n"));
	assert_int_equal(guestlog_of(1)->log.end, 0);
	prints(&all->vmm[2], "no newline");
	leave(&all->vmm[2]);
	dmesg();
	assert_non_null(strstr(told, "(vmm-bad) no newline\n"));
}

/* A client that sends while it is read gets its turn, and no more. */
static void a_turn_is_limited(void)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = 1 };
	uint32_t n = 0;

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	while (ring_put2(&all->guest[0].req, &m, sizeof(m), "x", 1) == 0)
		n++;
	(void)ring_put_flush(&all->guest[0].req);
	assert_true(n > 100);
	assert_int_equal(console->event(&all->guest[0].c), 0);
	attach(1);
	assert_int_equal(n_screen, SVC_TURN / SVC_RECORD);
	for (uint32_t i = 0; i < n; i += SVC_TURN / SVC_RECORD)
		event(&all->guest[0]);
	assert_int_equal(n_screen, n);
	assert_int_equal(killed, 0);
}

/* What is no text from the UART is skipped. */
static void the_uart_sends_nonsense(void)
{
	const struct console_msg bad[] = {
		{ .type = CONSOLE_DATA, .len = 9 },
		{ .type = CONSOLE_DATA, .len = UINT16_MAX },
		{ .type = CONSOLE_READY, .len = 1 },
		{ .type = CONSOLE_SENT, .len = 1, .arg = 3 },
	};

	begin();
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		assert_int_equal(ring_put2(&all->uart.rsp, &bad[i], sizeof(bad[i]), "x", 1), 0);
	assert_int_equal(ring_put(&all->uart.rsp, "?", 1), 0);
	typed("y");
	assert_string_equal(told, "y");
}

static void opens_that_are_refused(void)
{
	struct console_params q = { .kind = CONSOLE_LOG };
	struct svc_conn *c;
	uint64_t result[2];

	begin();
	c = &all->guest[0].c;
	c->badge = SVC_BADGE_INIT;
	assert_int_equal(console->open(c, &q, sizeof(q) - 1, result), -SK_E_INVAL);
	memset(q.name, 'x', sizeof(q.name));
	assert_int_equal(console->open(c, &q, sizeof(q), result), -SK_E_INVAL);
	leave(&all->shell);
	assert_int_equal(connect(&all->shell, CONSOLE_SHELL, SVC_BADGE_CONTROL, "shell", 0),
		-SK_E_DENIED);
	assert_int_equal(connect(&all->shell, CONSOLE_SHELL, SVC_BADGE_INIT, "shell", 0), 0);
}

static void records_that_are_none(void)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = 9 };

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	say(&all->guest[0], CONSOLE_ATTACH, 1, NULL, 0);
	assert_int_equal(killed, 1);
	say(&all->vmm[0], CONSOLE_READY, 0, NULL, 0);
	assert_int_equal(killed, 2);
	assert_int_equal(ring_put2(&all->shell.req, &m, sizeof(m), "x", 1), 0);
	(void)ring_put_flush(&all->shell.req);
	event(&all->shell);
	assert_int_equal(killed, 3);
}

static void breaches(void)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = 9 };

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	assert_int_equal(ring_put2(&all->guest[0].req, &m, sizeof(m), "x", 1), 0);
	(void)ring_put_flush(&all->guest[0].req);
	event(&all->guest[0]);
	assert_int_equal(killed, 1);
	assert_int_equal(
		connect(&all->guest[1], CONSOLE_GUEST, SVC_BADGE_INIT, "a", 2), -SK_E_DENIED);
	assert_int_equal(
		connect(&all->guest[1], CONSOLE_SHELL, SVC_BADGE_INIT, "a", 2), -SK_E_DENIED);
	assert_int_equal(connect(&all->guest[1], CONSOLE_GUEST, SVC_BADGE_CONTROL, "a", 1),
		-SK_E_DENIED);
	all->guest[1].own_size = CONSOLE_LOG_SIZE / 2;
	assert_int_equal(
		connect(&all->guest[1], CONSOLE_GUEST, SVC_BADGE_CONTROL, "a", 2), -SK_E_INVAL);
	attach(7);
	assert_int_equal(failed, 1);
}

/* ---- restarts of console ---- */

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
	assert_int_equal(connect(p, kind, badge, name, domid), 0);
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
	assert_int_equal(
		connect(&all->vmm[1], CONSOLE_LOG, SVC_BADGE_INIT, "storage", SVC_STATIC | 5),
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
	assert_int_equal(guestlog_of(1)->users, 1);
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
	assert_int_equal(connect(&all->shell, CONSOLE_SHELL, SVC_BADGE_INIT, "shell", 0), 0);
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

/* ---- restarts of the UART's driver ---- */

static void uart_says_sent(uint32_t n)
{
	const struct console_msg m = { .type = CONSOLE_SENT, .arg = n };

	assert_int_equal(ring_put(&all->uart.rsp, &m, sizeof(m)), 0);
	(void)ring_put_flush(&all->uart.rsp);
	uart_fn(NULL);
}

static void uart_restarts(void)
{
	uint32_t epoch = ++all->uart.c.epoch;

	ring_restart(&all->uart.req, epoch);
	ring_restart(&all->uart.rsp, epoch);
	ring_restart(&all->uart.c.req, epoch);
	ring_restart(&all->uart.c.rsp, epoch);
	uart_epoch_fn(NULL);
	uart_fn(NULL);
}

/* Until the shell speaks, the log is shown, with a carriage return before each newline. */
static void the_log_before_the_shell(void)
{
	memory_make();
	peer_init(&all->uart);
	assert_int_equal(console_main(), 0);
	assert_int_equal(
		connect(&all->vmm[0], CONSOLE_LOG, SVC_BADGE_INIT, "storage", SVC_STATIC | 5),
		0);
	prints(&all->vmm[0], "early\nbird\n");
	assert_string_equal(
		screen, "[    0.250000] (storage) early\r\n[    0.250000] (storage) bird\r\n");
}

/* The driver dies after any byte, and dies again while the rest comes. */
static void the_screen_goes_on(void)
{
	char text[64];

	begin();
	uart_says_sent(2);
	for (uint32_t n = 0; n <= 40; n++) {
		uint32_t rest = n % 7 < 40 - n ? n % 7 : 40 - n;

		snprintf(text, sizeof(text), "%040u", n);
		say(&all->shell, CONSOLE_DATA, 0, text, 40);
		clear();
		screen_stopped = true;
		uart_says_sent(n ? n : 0);
		uart_restarts();
		screen_stopped = false;
		settle();
		assert_string_equal(screen, text + n);
		clear();
		screen_stopped = true;
		uart_says_sent(rest);
		uart_restarts();
		screen_stopped = false;
		settle();
		assert_string_equal(screen, text + n + rest);
		uart_says_sent(40 - n - rest); /* all of it */
		uart_restarts();
		assert_int_equal(uart_takes(), false);
	}
}

/* A driver that claims to have sent what it did not get is not believed. */
static void a_driver_that_claims_too_much(void)
{
	begin();
	uart_says_sent(2);
	say(&all->shell, CONSOLE_DATA, 0, "abc", 3);
	clear();
	uart_says_sent(1000);
	uart_says_sent(UINT32_MAX);
	uart_says_sent(1); /* it was 2 already */
	uart_restarts();
	settle();
	assert_string_equal(screen, "abc");
}

/* While the driver is away, text waits, and none is lost. */
static void the_driver_is_away(void)
{
	static char much[3 * RING];

	begin();
	uart_says_sent(2);
	clear();
	screen_stopped = true;
	for (uint32_t i = 0; i < sizeof(much) - 1; i++)
		much[i] = (char)('a' + i % 26);
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	prints(&all->guest[0], much);
	attach(1);
	uart_restarts();
	uart_restarts();
	screen_stopped = false;
	uart_fn(NULL);
	settle();
	assert_int_equal(n_screen, sizeof(much) - 1);
	assert_string_equal(screen, much);
}

/* Without the UART, the shell and the guests are not held up. */
static void the_driver_does_not_come_back(void)
{
	char text[200];

	begin();
	vmm_starts(&all->guest[0], &all->vmm[0], "web", 1);
	screen_stopped = true;
	all->uart.c.dead = true;
	memset(text, 'x', sizeof(text) - 1);
	text[sizeof(text) - 1] = 0;
	for (uint32_t i = 0; i < 100; i++) {
		say(&all->shell, CONSOLE_DATA, 0, text, sizeof(text) - 1);
		prints(&all->guest[0], text);
	}
	dmesg();
	assert_non_null(strstr(told, "kernel line\n"));
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
		T(a_line_shown_in_part_goes_on),
		T(typing_to_a_guest),
		T(typing_to_a_guest_that_does_not_read),
		T(the_shell_is_silent_while_a_guest_is_attached),
		T(last_words_of_a_guest),
		T(colours_do_not_stay),
		T(colours_do_not_stay_on_a_slow_line),
		T(numbers_come_again),
		T(log_tells_when),
		T(a_guest_fills_its_own_log_only),
		T(logs_are_used_again),
		T(a_vmm_speaks_for_itself),
		T(a_turn_is_limited),
		T(the_uart_sends_nonsense),
		T(opens_that_are_refused),
		T(records_that_are_none),
		T(breaches),
		T(a_guests_console_survives),
		T(a_guests_console_that_is_damaged),
		T(the_log_survives),
		T(a_new_shell_counts_from_0),
		T(kept_memory_that_is_damaged),
		T(without_kept_memory),
		T(the_log_before_the_shell),
		T(the_screen_goes_on),
		T(a_driver_that_claims_too_much),
		T(the_driver_is_away),
		T(the_driver_does_not_come_back),
	};

	return cmocka_run_group_tests_name("console", tests, NULL, NULL);
}
