/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main.c - console: the UART shared by the control shell, the guests' consoles and the boot log
 *
 * Objects     struct stream: a client. The stream of a guest has a log from its first byte, in
 *             memory that came with its connection and is charged to the guest. When the
 *             connection of the attached guest ends, the log moves to `farewell`, so that the
 *             user sees the rest; its end stays for a later reader (conlog.h). What a VMM
 *             prints, and what the host's domains say about a guest, goes to a small log of
 *             that guest (guestlog.h).
 * Lifecycle   the logs outlive this domain (kept.h; a guest's console is in the memory of its
 *             connection). When it is started again, it tells each client how much of its text
 *             is there, and the client goes on from there. Which guest the user had attached,
 *             and input on its way, are lost; the shell says so.
 * Showing     text reaches the UART from a position in a log (guests, boot log) or directly
 *             from the shell's ring; pump() sends as much text of the console in the foreground
 *             as the UART takes. Input: input.c.
 * Invariants  CONSOLE1 this program never waits for a client. A guest's output goes to its log,
 *                      shown or not. Input that a guest does not take stalls only the user's
 *                      typing; Ctrl-] still works within INPUT_MAX bytes, and after STUCK_S
 *                      seconds the input is dropped with a bell.
 *             CONSOLE2 while a guest is in the foreground, the shell's output stays in its ring
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "caps/caps.h"
#include "conlog.h"
#include "dmesg.h"
#include "hostlog.h"
#include "input.h"
#include "kept.h"
#include "proto/console.h"
#include "serial.h"
#include "svc/svc.h"
#include "sys/clock.h"
#include "sys/sk.h"
#include "terminal.h"

enum {
	KEY_BELL = 7,
	STUCK_S = 10,
	/* A longer one is not kept whole: attached_mark. */
	LAST_LINE_MAX = 256,
};
/* Enough turns to take all that a ring holds. */
enum { LAST_TURNS = 4 };

struct stream {
	LIST_ENTRY(stream) link;
	/* NULL: the client is gone, but its log is still being shown. */
	struct svc_conn *conn;
	uint32_t kind, domid;
	char name[48];
	struct textlog log;    /* GUEST */
	struct input_guest in; /* GUEST */
	/* GUEST, SHELL: the client has to be told how much of its text is here. */
	bool resume_owed;
	/* SHELL: bytes of text that were passed on, and where the next life finds that. */
	uint32_t passed, *passed_kept;
	/* LOG: a line that is not finished. */
	struct bootlog_line line;
	/* LOG: the log that the line goes to. */
	struct textlog *line_log;
	struct guestlog *guest_log; /* LOG of a VMM */
	/* LOG of init: shown whatever is in the foreground. */
	bool urgent;
	struct bootlog_line urgent_line;
};

struct record {
	struct console_msg m;
	char text[CONSOLE_CHUNK_MAX];
};

static LIST_HEAD(, stream) streams = LIST_HEAD_INITIALIZER(streams);
static struct stream *shell;
/* The guest in the foreground; NULL: the shell or, without a shell, the boot log. */
static struct stream *attached;
/* The position up to which its log was shown. */
static uint64_t attached_pos;
/* The end of its log when the user attached. */
static uint64_t attached_from;
/*
 * Bytes that were overwritten before any user saw them; the user is told before the log is
 * shown.
 */
static uint64_t attached_lost;
/*
 * A mark tells the output that was there when the user attached from what comes now. It stands
 * where the last line begins that has no end, so that a line, as that of a prompt, is whole.
 */
static bool attached_mark;
static uint64_t attached_mark_at;
/* The text that was shown may have changed the terminal's state. */
static bool attached_escapes;
/* The terminal has to be reset before the shell's next output. */
static bool reset_owed;
/*
 * Memory for the log of the guest in the foreground after that guest has gone. One is enough:
 * until the log was shown, the shell cannot attach another guest (CONSOLE2).
 */
static char *farewell;
static struct input input;

/*
 * The position up to which the host's log was shown; it is shown until the shell's first
 * output.
 */
static uint64_t boot_pos;
static bool shell_speaks;
static uint64_t urgent_pos;

/* The merged logs that are being sent to the shell as DATA. */
static struct dmesg dmesg;
/* All of a guest's log was sent, and the shell is still to hear it. */
static bool done_owed;

static bool shell_put(uint16_t type, uint32_t arg, const char *text, size_t len)
{
	return !shell || !shell->conn || record_put(shell->conn, type, arg, text, len);
}

/* ---- showing ---- */

static void stream_free(struct stream *s)
{
	LIST_REMOVE(s, link);
	input_guest_fini(&s->in);
	textlog_fini(&s->log);
	free(s);
}

static void detach(void)
{
	struct stream *s = attached;

	reset_owed = reset_owed || attached_escapes;
	attached_escapes = false;
	attached = NULL;
	(void)shell_put(CONSOLE_DETACHED, s->domid, NULL, 0);
	if (!s->conn)
		stream_free(s);
}

/* Sends the merged logs to the shell, as far as its ring has room. */
static void dmesg_pump(void)
{
	char line[BOOTLOG_TEXT_MAX];
	size_t n;

	while (dmesg.running && (n = dmesg_peek(&dmesg, line)) != 0) {
		if (!shell_put(CONSOLE_DATA, 0, line, n))
			return;
		dmesg_take(&dmesg);
	}
	if (dmesg.running && shell_put(CONSOLE_DONE, 0, NULL, 0))
		dmesg_end(&dmesg);
}

/* Sends the log of a guest's console to the shell, likewise. */
static void conlog_pump(void)
{
	char text[CONLOG_PIECE];
	size_t n;

	while (conlog_running()) {
		if (!conlog_peek(text, &n)) {
			done_owed = true;
			break;
		}
		if (n && !shell_put(CONSOLE_DATA, 0, text, n))
			return;
		conlog_take();
	}
	if (done_owed)
		done_owed = !shell_put(CONSOLE_DONE, 0, NULL, 0);
}

static struct stream *guest_find(uint32_t domid)
{
	struct stream *s;

	LIST_FOREACH(s, &streams, link)
		if (s->kind == CONSOLE_GUEST && s->conn && s->domid == domid)
			return s;
	return NULL;
}

/* Where the line without an end that a log ends with begins; `end` if it is long. */
static uint64_t last_line(const struct textlog *l, uint64_t begin, uint64_t end)
{
	char text[LAST_LINE_MAX];
	uint64_t from = end - begin > sizeof(text) ? end - sizeof(text) : begin, at = from;
	size_t n = textlog_read(l, &at, text, sizeof(text));

	while (n && text[n - 1] != '\n')
		n--;
	return n || from == begin ? from + n : end;
}

/* Output that no user has seen so far comes first. marked: it is told from later output. */
static void attach(struct stream *g, bool marked)
{
	uint64_t oldest = textlog_start(&g->log), seen = g->log.seen;

	attached = g;
	attached_from = g->log.end;
	attached_lost = oldest > seen ? oldest - seen : 0;
	attached_pos = attached_lost ? oldest : seen;
	attached_mark = marked && attached_pos < attached_from;
	attached_mark_at = last_line(&g->log, attached_pos, attached_from);
	input_attach(&input, &g->in);
}

static bool shell_text(const struct record *r)
{
	if (!serial_put(r->text, r->m.len))
		return false;
	shell->passed += r->m.len;
	if (shell->passed_kept)
		*shell->passed_kept = shell->passed; /* KEPT1 */
	return true;
}

static void recall(const struct stream *g, const struct record *r)
{
	char name[GUESTLOG_NAME] = { 0 };

	if (r->m.len < sizeof(name))
		memcpy(name, r->text, r->m.len);
	if (!conlog_begin(g ? &g->log : NULL, r->m.arg, name))
		(void)shell_put(CONSOLE_FAILED, r->m.arg, NULL, 0);
}

/*
 * Handles one record of the shell; false: the UART has no room, so the caller must try the
 * record again.
 */
static bool shell_record(const struct record *r)
{
	struct stream *g = guest_find(r->m.arg);

	switch (r->m.type) {
	case CONSOLE_DATA:
		return shell_text(r);
	case CONSOLE_READY:
		input_ready(&input, r->m.arg != 0);
		return true;
	case CONSOLE_ATTACH:
	case CONSOLE_ATTACH_NEW:
		if (g)
			attach(g, r->m.type == CONSOLE_ATTACH);
		else
			(void)shell_put(CONSOLE_FAILED, r->m.arg, NULL, 0);
		return true;
	case CONSOLE_DMESG:
		hostlog_kernel();
		dmesg_begin(&dmesg, &host_log, r->m.arg != 0);
		return true;
	case CONSOLE_RECALL:
		recall(g, r);
		return true;
	default:
		return true;
	}
}

/* A record from the shell's ring; if `waiting`, it has not been handled. */
static struct record kept;
static bool waiting;

/* All of the boot log so far is shown before the shell's first output; true if it was. */
static bool shell_first(void)
{
	if (!shell_speaks && serial_lines(&host_log, &boot_pos)) {
		shell_speaks = true;
		urgent_pos = urgent_log.end;
	}
	return shell_speaks;
}

/* The shell's requests and text; CONSOLE2. */
static int shell_pump(void)
{
	struct record *r = &kept;

	if (reset_owed && !serial_put(terminal_reset, strlen(terminal_reset)))
		return 0;
	reset_owed = false;
	while (shell && shell->conn && !shell->conn->dead && !attached) {
		int rc = waiting ? 0 : svc_next_record(shell->conn, r, sizeof(*r));

		if (rc == -SK_E_AGAIN)
			break;
		if (rc < 0)
			return -SK_E_PEER;
		if (!waiting &&
			(rc < (int)sizeof(r->m) || r->m.len != (unsigned int)rc - sizeof(r->m)))
			return -SK_E_PEER;
		waiting = !shell_first() || !shell_record(r);
		if (waiting)
			break;
	}
	if (shell && shell->conn)
		svc_settle(shell->conn);
	return 0;
}

/* False: no room now. */
static bool say_lost(void)
{
	char text[80];
	int n = snprintf(text, sizeof(text), "[%llu bytes of this console were not kept]\r\n",
		(unsigned long long)attached_lost);

	if (attached_lost && !serial_put(text, (size_t)n))
		return false;
	attached_lost = 0;
	return true;
}

/* The lines that were there, and the mark. False: no room. */
static bool show_old(void)
{
	static const char mark[] = "\r\n[what follows is live]\r\n";
	uint64_t last = attached_from - 1;
	char c = 0;

	if (!attached_mark)
		return true;
	if (!serial_text(&attached->log, &attached_pos, attached_mark_at, &attached_escapes))
		return false;
	(void)textlog_read(&attached->log, &last, &c, 1);
	attached_mark = attached_mark_at < attached_from || c == '\n'
				? !serial_put(mark + 2, sizeof(mark) - 3)
				: !serial_put(mark, sizeof(mark) - 1);
	return !attached_mark;
}

/*
 * Shows the console in the foreground, and leaves it if its guest has gone and all was shown.
 */
static void show_attached(void)
{
	bool all;

	if (!attached || !say_lost())
		return;
	all = show_old() &&
	      serial_text(&attached->log, &attached_pos, UINT64_MAX, &attached_escapes);
	textlog_note(&attached->log, attached_pos);
	if (all && !attached->conn) {
		input_gone(&input);
		detach();
	}
}

static void show(void)
{
	show_attached();
	if (!shell_speaks)
		(void)serial_lines(&host_log, &boot_pos);
	else
		(void)serial_lines(&urgent_log, &urgent_pos);
	if (!attached && shell && shell->conn && shell_pump())
		svc_conn_kill(shell->conn, "broke the console protocol");
	/* the shell may just have attached a guest, and no further event may come */
	show_attached();
	dmesg_pump();
	conlog_pump();
}

/* ---- input ---- */

static bool input_to_shell(const char *text, size_t len)
{
	return shell && shell->conn && shell_put(CONSOLE_DATA, 0, text, len);
}

static bool input_interrupt(void)
{
	return shell && shell->conn && shell_put(CONSOLE_INTERRUPT, 0, NULL, 0);
}

/* Set while the user's input waits because the guest in the foreground takes none. */
static struct svc_timer stuck_timer;

static uint64_t stuck_ticks; /* STUCK_S */

static void stuck_end(void) { svc_timer_set(&stuck_timer, SK_NO_DEADLINE); }

static bool input_to_guest(struct input_guest *g, const char *text, size_t len)
{
	struct stream *s = (struct stream *)((char *)g - offsetof(struct stream, in));

	if (!s->conn || s->conn->dead)
		return true; /* the guest is gone */
	if (!record_put(s->conn, CONSOLE_DATA, 0, text, len))
		return false;
	if (s == attached)
		stuck_end();
	return true;
}

static bool input_may_leave(void) { return attached_pos >= attached_from; }

static void input_left(void)
{
	(void)serial_put("\r\n", 2);
	stuck_end();
	detach();
}

static void input_bell(void)
{
	const char bell = KEY_BELL;

	(void)serial_put(&bell, 1);
}

static const struct input_ops input_ops = {
	.to_shell = input_to_shell,
	.to_guest = input_to_guest,
	.interrupt = input_interrupt,
	.may_leave = input_may_leave,
	.left = input_left,
	.bell = input_bell,
};

/* Pass on all output and input that the rings have room for. */
static void pump(void)
{
	const struct stream *before;

	do {
		do {
			before = attached;
			show();
			input_run(&input);
		} while (attached != before); /* another console is in the foreground now */
	} while (serial_take(&input));
	if (attached && input_room(&input) < CONSOLE_CHUNK_MAX &&
		stuck_timer.deadline == SK_NO_DEADLINE)
		svc_timer_set(&stuck_timer, sk_now() + stuck_ticks);
}

static void stuck(void *ctx)
{
	(void)ctx;
	stuck_timer.deadline = SK_NO_DEADLINE;
	if (attached && input_room(&input) < CONSOLE_CHUNK_MAX)
		input_discard(&input);
	pump();
}

static void uart_event(void *ctx)
{
	(void)ctx;
	svc_work_for(attached ? attached->conn : NULL);
	pump();
}

/* ---- clients ---- */

/* Messages about a guest do not use up the space for messages about the host. */
static struct textlog *log_for(const struct stream *s, uint32_t about)
{
	const bool host = s->conn->badge == SVC_BADGE_INIT;
	struct guestlog_table *t = &guest_logs;
	struct guestlog *g = !host ? s->guest_log : about ? guestlog_of(t, about) : NULL;

	return g ? &g->log : &host_log;
}

static void line_finish(struct stream *s)
{
	if (s->line_log)
		bootlog_finish(s->line_log, &s->line, s->name, clock_ns());
}

static void log_in(struct stream *s, const struct record *r)
{
	struct textlog *l = log_for(s, r->m.arg);

	if (l != s->line_log)
		line_finish(s);
	s->line_log = l;
	bootlog_text(l, &s->line, s->name, clock_ns(), r->text, r->m.len);
	/* the client carries over what was not taken, so that this comes only once */
	svc_settle(s->conn);
}

static int text_in(struct stream *s, const struct record *r)
{
	if (r->m.type != CONSOLE_DATA)
		return -SK_E_PEER;
	if (s->kind == CONSOLE_GUEST)
		textlog_write(&s->log, r->text, r->m.len);
	else
		log_in(s, r);
	if (s->urgent)
		bootlog_text(
			&urgent_log, &s->urgent_line, s->name, clock_ns(), r->text, r->m.len);
	return 0;
}

/* The client goes on from there. */
static void resume_say(struct stream *s)
{
	const uint32_t have = s->kind == CONSOLE_GUEST ? (uint32_t)s->log.end : s->passed;

	s->resume_owed = !record_put(s->conn, CONSOLE_RESUME, have, NULL, 0);
}

static int client_event(struct svc_conn *c)
{
	struct stream *s = c->priv;
	struct record r;
	int rc = -SK_E_AGAIN;

	if (s->resume_owed)
		resume_say(s);
	while (s->kind != CONSOLE_SHELL && (rc = svc_get(c, &r, sizeof(r))) >= 0)
		if (rc < (int)sizeof(r.m) || r.m.len != (unsigned int)rc - sizeof(r.m) ||
			text_in(s, &r))
			return -SK_E_PEER;
	hostlog_kernel();
	if (s->kind == CONSOLE_GUEST)
		input_guest_run(&input, &s->in);
	pump();
	return rc == -SK_E_AGAIN ? 0 : -SK_E_PEER;
}

static bool may_open(const struct svc_conn *c, const struct console_params *p)
{
	switch (p->kind) {
	case CONSOLE_LOG:
		return true;
	case CONSOLE_GUEST:
		return c->badge == SVC_BADGE_CONTROL && !guest_find(p->domid);
	case CONSOLE_SHELL:
		return c->badge == SVC_BADGE_INIT && !shell;
	default:
		return false;
	}
}

/* The log of a guest's console is in memory that belongs to the connection. */
static int guest_open(struct stream *s)
{
	const struct svc_conn *c = s->conn;
	char text[80];

	if (c->own_size != CONSOLE_LOG_SIZE)
		return -SK_E_INVAL;
	if (!c->epoch)
		return textlog_init_at(&s->log, c->own, c->own_size);
	if (!textlog_resume(&s->log, c->own, c->own_size)) {
		snprintf(text, sizeof(text), "the console of guest %u did not survive",
			(unsigned int)s->domid);
		hostlog_say(text);
	}
	return 0;
}

static int log_open(struct stream *s)
{
	if (s->conn->badge != SVC_BADGE_CONTROL)
		return 0;
	s->guest_log = guestlog_open(&guest_logs, s->name, s->domid);
	return s->guest_log ? 0 : -SK_E_NO_MEM;
}

static int shell_open(struct stream *s)
{
	const struct svc_conn *c = s->conn;

	s->passed_kept = kept_shell(c->number, c->epoch != 0);
	s->passed = s->passed_kept ? *s->passed_kept : 0;
	return 0;
}

static int stream_open(struct stream *s)
{
	switch (s->kind) {
	case CONSOLE_GUEST:
		return guest_open(s);
	case CONSOLE_SHELL:
		return shell_open(s);
	default:
		return log_open(s);
	}
}

static int client_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	const struct console_params *p = params;
	struct stream *s;
	int rc;

	(void)result;
	if (params_len != sizeof(*p) || !memchr(p->name, 0, sizeof(p->name)))
		return -SK_E_INVAL;
	if (!may_open(c, p))
		return -SK_E_DENIED;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -SK_E_NO_MEM;
	s->conn = c;
	s->kind = p->kind;
	s->domid = p->domid;
	memcpy(s->name, p->name, sizeof(s->name));
	rc = stream_open(s);
	if (rc) {
		free(s);
		return rc;
	}
	s->urgent = p->kind == CONSOLE_LOG && c->badge == SVC_BADGE_INIT &&
		    strcmp(p->name, "init") == 0;
	LIST_INSERT_HEAD(&streams, s, link);
	c->priv = s;
	if (p->kind == CONSOLE_SHELL)
		shell = s;
	s->resume_owed = c->epoch && s->kind != CONSOLE_LOG;
	if (s->resume_owed)
		svc_resume(c); /* the rings are not ready so far */
	return 0;
}

static int client_close(struct svc_conn *c)
{
	struct stream *s = c->priv;

	for (int i = 0; i < LAST_TURNS; i++) {
		c->spent = 0;
		(void)client_event(c);
	}
	c->priv = NULL;
	s->conn = NULL;
	line_finish(s);
	if (s->guest_log)
		guestlog_close(s->guest_log);
	if (s->kind == CONSOLE_GUEST)
		conlog_keep(s->name, s->domid, &s->log);
	if (s == shell) {
		shell = NULL;
		shell_speaks = false;
		dmesg.running = done_owed = false;
		conlog_end();
		waiting = false;
		input_init(&input, &input_ops);
		boot_pos = host_log.end;
	}
	if (s != attached)
		stream_free(s);
	else
		textlog_move(&s->log, farewell);
	pump();
	return 0;
}

static const struct svc_service service = {
	.proto = SVC_PROTO_END,
	.open = client_open,
	.event = client_event,
	.close = client_close,
};

/* ---- start ---- */

/*
 * From now on this program shows the kernel's log; the kernel itself writes to the UART only
 * when it panics.
 */
static int uart_take(void)
{
	char slot[16];

	if (!svc_arg("cap.log", slot, sizeof(slot)))
		return -SK_E_NOT_FOUND;
	hostlog_kernel();
	boot_pos =
		host_log.end; /* the kernel itself, or an earlier life, has shown that part */
	if (sk_log_take((sk_cap_t)strtoul(slot, NULL, 0)))
		return -SK_E_RIGHTS;
	return serial_init(uart_event);
}

static int logs_init(void)
{
	int rc;

	kept_init();
	rc = hostlog_init();
	if (!rc && kept_resumed()) {
		guestlog_resume(&guest_logs);
		guestlog_resume(&past_consoles);
	}
	return rc;
}

int main(void)
{
	int rc = logs_init();

	/* the guest that an earlier life showed may have changed the terminal's state */
	reset_owed = svc_info()->epoch != 0;
	stuck_ticks = clock_ns_to_ticks(STUCK_S * 1000000000ull);
	farewell = malloc(CONSOLE_LOG_SIZE);
	if (rc == 0 && !farewell)
		rc = -SK_E_NO_MEM;
	input_init(&input, &input_ops);
	stuck_timer = (struct svc_timer){ .deadline = SK_NO_DEADLINE, .fn = stuck };
	if (rc == 0)
		rc = uart_take();
	if (rc == 0)
		rc = svc_serve(&service);
	return rc ? rc : svc_run();
}
