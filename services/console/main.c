/*
 * main.c - console: the UART shared by the control shell, the guests' consoles and the boot log
 *
 * Objects     struct stream: a client. A guest's has a log from its first byte, in memory that came with its
 *             connection and is charged to the guest; what is still to be shown to who is attached when that
 *             goes is kept in `farewell`.
 * Showing     text reaches the UART through a position in a log (guests, boot log) or straight from the
 *             shell's ring; pump() moves on whatever has the foreground as far as the UART takes it.
 *             Input: input.c.
 * Invariants  C1 nobody is waited for: a guest's output goes to its log whether shown or not; input that a guest
 *             does not take holds back the typist, who has Ctrl-] within INPUT_MAX bytes, and after STUCK_S
 *             seconds is dropped with a bell.  C2 while a guest is in the foreground the shell's output stays in
 *             its ring.
 */
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/queue.h>

#include "bootlog.h"
#include "caps/caps.h"
#include "input.h"
#include "proto/console.h"
#include "svc/svc.h"
#include "sys/sk.h"

enum { BOOT_LOG_SIZE = 128 << 10, URGENT_LOG_SIZE = 4 << 10, KEY_BELL = 7, STUCK_S = 10 };
enum { LAST_TURNS = 4 }; /* in which all that a ring holds is taken */

struct stream {
	LIST_ENTRY(stream) link;
	struct svc_conn *conn; /* NULL: the client is gone, the log is still being shown */
	uint32_t kind, domid;
	char name[48];
	struct textlog log;       /* GUEST */
	struct input_guest in;    /* GUEST */
	struct bootlog_line line; /* LOG */
	bool urgent;              /* LOG of init: shown whatever is in the foreground */
	struct bootlog_line urgent_line;
};

struct record {
	struct console_msg m;
	char text[CONSOLE_CHUNK_MAX];
};

static LIST_HEAD(, stream) streams = LIST_HEAD_INITIALIZER(streams);
static struct svc_conn *uart;
static struct stream *shell;
static struct stream *
	attached; /* the guest in the foreground; NULL: the shell, or the boot log without one */
static uint64_t attached_pos,
	attached_from; /* shown so far; the end of the log when the user came */
static char *
	farewell; /* the log of the guest in the foreground, after it has gone: C2 lets nobody take its place */
static struct input input;

static struct textlog boot_log;
static uint64_t boot_pos; /* shown so far, until the shell says its first word */
static bool shell_speaks;
static struct textlog
	urgent_log; /* what init says later: a domain failed, the machine goes down */
static uint64_t urgent_pos;
static const volatile struct sk_klog *klog;
static uint64_t klog_pos;

/* A log on its way to the shell as DATA (DMESG, GUEST_LOG); at most one. */
static const struct textlog *copied;
static uint64_t copied_pos, copied_end;

/* ---- sending records ---- */

/* False: no room now. */
static bool record_put(struct svc_conn *c, bool to_service, uint16_t type, uint32_t arg,
	const char *text, size_t len)
{
	const struct console_msg m = { .type = type, .len = (uint16_t)len, .arg = arg };
	struct ring *r = to_service ? &c->req : &c->rsp;
	int rc = ring_put2(r, &m, sizeof(m), text, (uint32_t)len);

	if (rc == -SK_E_AGAIN && !ring_room_idle(r, (uint32_t)(sizeof(m) + len)))
		return false;
	if (rc == -SK_E_AGAIN)
		rc = ring_put2(r, &m, sizeof(m), text, (uint32_t)len);
	if (rc == 0 && ring_put_flush(r))
		svc_signal(c);
	return rc == 0;
}

static bool uart_put(const char *text, size_t len)
{
	return !uart || !len || record_put(uart, true, CONSOLE_DATA, 0, text, len);
}

static bool shell_put(uint16_t type, uint32_t arg, const char *text, size_t len)
{
	return !shell || !shell->conn || record_put(shell->conn, false, type, arg, text, len);
}

/* ---- showing ---- */

/* Text of a log on the UART from *pos on; true when all of it is out. */
static bool log_show(const struct textlog *l, uint64_t *pos)
{
	char text[256], out[512];

	for (;;) {
		uint64_t at = *pos;
		size_t n = textlog_read(l, &at, text, sizeof(text)), len = 0;

		if (n == 0)
			return true;
		for (size_t i = 0; i < n; i++) {
			/* The boot log has bare newlines; a guest's terminal driver sends its own returns. */
			if (text[i] == '\n' && (l == &boot_log || l == &urgent_log))
				out[len++] = '\r';
			out[len++] = text[i];
		}
		if (!uart_put(out, len))
			return false;
		*pos = at;
	}
}

static void stream_free(struct stream *s)
{
	LIST_REMOVE(s, link);
	if (copied == &s->log) {
		copied = NULL;
		(void)shell_put(CONSOLE_DONE, 0, NULL, 0);
	}
	input_guest_fini(&s->in);
	textlog_fini(&s->log);
	free(s);
}

static void detach(void)
{
	struct stream *s = attached;

	attached = NULL;
	(void)shell_put(CONSOLE_DETACHED, s->domid, NULL, 0);
	if (!s->conn)
		stream_free(s);
}

/* The shell's log copy, as far as its ring has room. */
static void copy_pump(void)
{
	char text[CONSOLE_CHUNK_MAX];

	while (copied && copied_pos < copied_end) {
		uint64_t at = copied_pos, left = copied_end - copied_pos;
		size_t n = textlog_read(
			copied, &at, text, left < sizeof(text) ? left : sizeof(text));

		if (!shell_put(CONSOLE_DATA, 0, text, n))
			return;
		copied_pos = at;
	}
	if (copied && shell_put(CONSOLE_DONE, 0, NULL, 0))
		copied = NULL;
}

static struct stream *guest_find(uint32_t domid)
{
	struct stream *s;

	LIST_FOREACH(s, &streams, link)
		if (s->kind == CONSOLE_GUEST && s->conn && s->domid == domid)
			return s;
	return NULL;
}

static void copy_start(const struct textlog *l)
{
	if (copied) {
		(void)shell_put(CONSOLE_FAILED, 0, NULL, 0);
		return;
	}
	copied = l;
	copied_pos = textlog_start(l);
	copied_end = l->end;
}

/* One record of the shell; false: no room on the UART, the record must come again. */
static bool shell_record(const struct record *r)
{
	struct stream *g = guest_find(r->m.arg);

	switch (r->m.type) {
	case CONSOLE_DATA:
		return uart_put(r->text, r->m.len);
	case CONSOLE_READY:
		input_ready(&input, r->m.arg != 0);
		return true;
	case CONSOLE_ATTACH:
		if (g) {
			attached = g;
			attached_pos = textlog_start(&g->log);
			attached_from = g->log.end;
			input_attach(&input, &g->in);
		} else {
			(void)shell_put(CONSOLE_FAILED, r->m.arg, NULL, 0);
		}
		return true;
	case CONSOLE_DMESG:
		bootlog_kernel(&boot_log, klog, &klog_pos);
		copy_start(&boot_log);
		return true;
	case CONSOLE_GUEST_LOG:
		if (g)
			copy_start(&g->log);
		else
			(void)shell_put(CONSOLE_FAILED, r->m.arg, NULL, 0);
		return true;
	default:
		return true;
	}
}

static struct record kept; /* of the shell: taken out of its ring, not yet on the UART */
static bool waiting;

/* Before the shell's first word all of the boot log so far is shown. */
static bool shell_first(void)
{
	if (!shell_speaks && log_show(&boot_log, &boot_pos)) {
		shell_speaks = true;
		urgent_pos = urgent_log.end;
	}
	return shell_speaks;
}

/* The shell's requests and text; C2. */
static int shell_pump(void)
{
	struct record *r = &kept;

	while (shell && shell->conn && !shell->conn->dead && !attached) {
		int rc = waiting ? 0 : ring_get(&shell->conn->req, r, sizeof(*r));

		if (rc < 0) {
			if (rc != -SK_E_AGAIN)
				return -SK_E_PEER;
			if (!ring_get_idle(&shell->conn->req))
				break;
			continue;
		}
		if (!waiting &&
			(rc < (int)sizeof(r->m) || r->m.len != (unsigned int)rc - sizeof(r->m)))
			return -SK_E_PEER;
		waiting = !shell_first() || !shell_record(r);
		if (waiting)
			break;
	}
	if (shell && shell->conn && ring_get_flush(&shell->conn->req))
		svc_signal(shell->conn);
	return 0;
}

/* The console in the foreground, left when its guest has gone and all of it was shown. */
static void show_attached(void)
{
	if (attached && log_show(&attached->log, &attached_pos) && !attached->conn) {
		input_gone(&input);
		detach();
	}
}

static void show(void)
{
	show_attached();
	if (!shell_speaks)
		(void)log_show(&boot_log, &boot_pos);
	else
		(void)log_show(&urgent_log, &urgent_pos);
	if (!attached && shell && shell->conn && shell_pump())
		conn_kill(shell->conn, "broke the console protocol");
	show_attached(); /* the shell may just have attached: no other event need come */
	copy_pump();
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

static struct svc_timer
	stuck_timer; /* set while the guest in the foreground holds back the typist */

static uint64_t stuck_ticks; /* STUCK_S */

static void stuck_end(void) { svc_timer_set(&stuck_timer, SK_NO_DEADLINE); }

static bool input_to_guest(struct input_guest *g, const char *text, size_t len)
{
	struct stream *s = (struct stream *)((char *)g - offsetof(struct stream, in));

	if (!s->conn || s->conn->dead)
		return true; /* nobody's */
	if (!record_put(s->conn, false, CONSOLE_DATA, 0, text, len))
		return false;
	if (s == attached)
		stuck_end();
	return true;
}

static bool input_may_leave(void) { return attached_pos >= attached_from; }

static void input_left(void)
{
	(void)uart_put("\r\n", 2);
	stuck_end();
	detach();
}

static void input_bell(void)
{
	const char bell = KEY_BELL;

	(void)uart_put(&bell, 1);
}

static const struct input_ops input_ops = {
	.to_shell = input_to_shell,
	.to_guest = input_to_guest,
	.interrupt = input_interrupt,
	.may_leave = input_may_leave,
	.left = input_left,
	.bell = input_bell,
};

/* As much from the UART as there is room for; the rest stays there and holds back the typist. True: there was some. */
static bool input_take(void)
{
	struct record r;
	bool any = false;
	int rc;

	while (input_room(&input) >= CONSOLE_CHUNK_MAX) {
		rc = ring_get(&uart->rsp, &r, sizeof(r));
		if (rc == -SK_E_AGAIN && ring_get_idle(&uart->rsp))
			continue;
		if (rc < 0)
			break;
		if (rc < (int)sizeof(r.m) || r.m.type != CONSOLE_DATA ||
			r.m.len != (unsigned int)rc - sizeof(r.m))
			continue;
		input_add(&input, r.text, r.m.len);
		any = true;
	}
	if (ring_get_flush(&uart->rsp))
		svc_signal(uart);
	return any;
}

/* Move on whatever can move. */
static void pump(void)
{
	const struct stream *before;

	do {
		do {
			before = attached;
			show();
			input_run(&input);
		} while (attached != before); /* there is something else to be shown */
	} while (input_take());
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
	pump();
}

/* ---- clients ---- */

static int text_in(struct stream *s, const struct record *r)
{
	if (r->m.type != CONSOLE_DATA)
		return -SK_E_PEER;
	if (s->kind == CONSOLE_GUEST)
		textlog_write(&s->log, r->text, r->m.len);
	else
		bootlog_text(&boot_log, &s->line, s->name, r->text, r->m.len);
	if (s->urgent)
		bootlog_text(&urgent_log, &s->urgent_line, s->name, r->text, r->m.len);
	return 0;
}

static int client_event(struct svc_conn *c)
{
	struct stream *s = c->priv;
	struct record r;
	int rc = -SK_E_AGAIN;

	while (s->kind != CONSOLE_SHELL && (rc = svc_get(c, &r, sizeof(r))) >= 0)
		if (rc < (int)sizeof(r.m) || r.m.len != (unsigned int)rc - sizeof(r.m) ||
			text_in(s, &r))
			return -SK_E_PEER;
	bootlog_kernel(&boot_log, klog, &klog_pos);
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

static int client_open(
	struct svc_conn *c, const void *params, uint32_t params_len, uint64_t result[2])
{
	const struct console_params *p = params;
	struct stream *s;

	(void)result;
	if (params_len != sizeof(*p) || !memchr(p->name, 0, sizeof(p->name)))
		return -SK_E_INVAL;
	if (!may_open(c, p))
		return -SK_E_DENIED;
	s = calloc(1, sizeof(*s));
	if (!s)
		return -SK_E_NO_MEM;
	if (p->kind == CONSOLE_GUEST &&
		(c->own_size != CONSOLE_LOG_SIZE ||
			textlog_init_at(&s->log, c->own, c->own_size))) {
		free(s);
		return -SK_E_INVAL;
	}
	s->conn = c;
	s->kind = p->kind;
	s->domid = p->domid;
	memcpy(s->name, p->name, sizeof(s->name));
	s->urgent = p->kind == CONSOLE_LOG && c->badge == SVC_BADGE_INIT &&
		    strcmp(p->name, "init") == 0;
	LIST_INSERT_HEAD(&streams, s, link);
	c->priv = s;
	if (p->kind == CONSOLE_SHELL)
		shell = s;
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
	bootlog_finish(&boot_log, &s->line, s->name);
	if (s == shell) {
		shell = NULL;
		shell_speaks = false;
		copied = NULL;
		waiting = false;
		input_init(&input, &input_ops);
		boot_pos = boot_log.end;
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
	.version = 1,
	.open = client_open,
	.event = client_event,
	.close = client_close,
};

/* ---- start ---- */

static int klog_map(void)
{
	struct sk_cap_info info;
	char slot[16];
	void *p = NULL;
	sk_cap_t frame;
	int rc;

	if (!svc_arg("cap.klog", slot, sizeof(slot)))
		return -SK_E_NOT_FOUND;
	frame = (sk_cap_t)strtoul(slot, NULL, 0);
	rc = (int)sk_cap_info(SK_CAP_CNODE, frame, &info);
	if (rc == 0)
		rc = vm_map(frame, info.order, SK_R, &p);
	klog = p;
	return rc;
}

/* From now on what the kernel logs comes out here; only a panic still writes to the UART by itself. */
static int uart_take(void)
{
	char slot[16];

	uart = svc_channel("uart");
	if (!uart || !svc_arg("cap.log", slot, sizeof(slot)))
		return -SK_E_NOT_FOUND;
	bootlog_kernel(&boot_log, klog, &klog_pos);
	boot_pos = boot_log.end; /* the kernel has shown that much */
	if (sk_log_take((sk_cap_t)strtoul(slot, NULL, 0)))
		return -SK_E_RIGHTS;
	return svc_on_channel(uart, uart_event, NULL);
}

int main(void)
{
	const struct sk_info *k = (const struct sk_info *)DOMAIN_KINFO_VADDR;
	int rc = textlog_init(&boot_log, BOOT_LOG_SIZE);

	stuck_ticks = k->tsc_hz * STUCK_S;
	farewell = malloc(CONSOLE_LOG_SIZE);
	if (!farewell)
		rc = -SK_E_NO_MEM;
	input_init(&input, &input_ops);
	stuck_timer = (struct svc_timer){ .deadline = SK_NO_DEADLINE, .fn = stuck };
	if (rc == 0)
		rc = textlog_init(&urgent_log, URGENT_LOG_SIZE);
	if (rc == 0)
		rc = klog_map();
	if (rc == 0)
		rc = uart_take();
	if (rc == 0)
		rc = svc_serve(&service);
	return rc ? rc : svc_run();
}
