/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * harness.c - the parties around the console domain, and the calls by which it reaches them
 */
#include "harness.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caps/caps.h"
#include "sys/clock.h"

struct played *all;
const struct svc_service *console;
svc_handler_fn uart_fn, uart_epoch_fn;
struct sk_klog *klog;
uint64_t now;
char screen[SCREEN], told[SCREEN];
size_t n_screen, n_told;
bool screen_stopped;
uint32_t done, detached, failed, killed;
uint32_t shell_resumed = UINT32_MAX;

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

void peer_init(struct peer *p)
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

struct svc_conn *worked_for;

void svc_work_for(struct svc_conn *c) { worked_for = c; }

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
struct svc_timer *timer;

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

bool uart_takes(void)
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

void settle(void)
{
	bool any;

	do {
		any = uart_takes();
		any = shell_takes() || any;
		if (any)
			uart_fn(NULL);
	} while (any);
}

void clear(void)
{
	n_screen = n_told = 0;
	screen[0] = told[0] = 0;
}

void event(struct peer *p)
{
	p->c.spent = 0;
	if (!p->c.dead && console->event(&p->c))
		svc_conn_kill(&p->c, "a breach");
	(void)ring_get_flush(&p->c.req); /* as the loop does */
	(void)ring_put_flush(&p->c.rsp);
	settle();
}

void say(struct peer *p, uint16_t type, uint32_t arg, const char *text, size_t len)
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

void prints(struct peer *p, const char *text) { say(p, CONSOLE_DATA, 0, text, strlen(text)); }

void typed(const char *keys)
{
	struct console_msg m = { .type = CONSOLE_DATA, .len = (uint16_t)strlen(keys) };

	assert_int_equal(ring_put2(&all->uart.rsp, &m, sizeof(m), keys, m.len), 0);
	(void)ring_put_flush(&all->uart.rsp);
	uart_fn(NULL);
	settle();
}

uint32_t last_number;

int peer_connect(
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

void leave(struct peer *p)
{
	assert_int_equal(console->close(&p->c), 0);
	settle();
}

void vmm_starts(struct peer *g, struct peer *l, const char *name, uint32_t domid)
{
	char text[48];

	snprintf(text, sizeof(text), "vmm-%s", name);
	assert_int_equal(peer_connect(l, CONSOLE_LOG, SVC_BADGE_CONTROL, text, domid), 0);
	assert_int_equal(peer_connect(g, CONSOLE_GUEST, SVC_BADGE_CONTROL, name, domid), 0);
}

void attach(uint32_t domid)
{
	clear();
	say(&all->shell, CONSOLE_ATTACH_NEW, domid, NULL, 0);
}

static void dmesg_ask(uint32_t arg)
{
	uint32_t before = done;

	clear();
	say(&all->shell, CONSOLE_DMESG, arg, NULL, 0);
	assert_int_equal(done, before + 1);
}

void dmesg(void) { dmesg_ask(0); }

void dmesg_clear(void) { dmesg_ask(1); }

void memory_make(void)
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

void begin(void)
{
	if (!all)
		memory_make();
	peer_init(&all->uart);
	assert_int_equal(console_main(), 0);
	assert_int_equal(
		peer_connect(&all->shell, CONSOLE_SHELL, SVC_BADGE_INIT, "shell", 0), 0);
	say(&all->shell, CONSOLE_DATA, 0, "$ ", 2);
	say(&all->shell, CONSOLE_READY, 0, NULL, 0);
	clear();
}

/* ---- a process each ---- */

void in_a_process(void **state)
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
