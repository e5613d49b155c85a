/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console_fuzz.c - console against clients and a UART driver that send anything, in any order
 *
 * The real service, with at most four connections. Input: steps of an operation and its
 * operand; a client's step opens, closes, sends a valid record of any type, or scribbles into
 * its ring.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int console_main(void);
#define main console_main
#include "../../../services/console/main.c"
#undef main
#include "../../../services/console/hostlog.c"
#include "../../../services/console/guestlog.c"
#include "../../../services/console/conlog.c"
#include "../../../services/console/serial.c"
#include "svc/internal.h"

enum { N_CLIENTS = 4, RING = 1024 };

struct peer {
	struct svc_conn conn;
	struct ring out, in; /* the other ends */
	bool open;
};
static struct peer
	peers[N_CLIENTS + 1]; /* the last one is the UART driver, a service of console */
static uint8_t memory[N_CLIENTS + 1][8192] __attribute__((aligned(4096)));
static uint64_t kernel_log_memory[2 + 256 / 8];
static struct sk_klog *const kernel_log = (struct sk_klog *)kernel_log_memory;

/* ---- libs/svc, as far as the service calls it -------------------------------------------- */
void svc_signal(struct svc_conn *c) { (void)c; }

void svc_conn_kill(struct svc_conn *c, const char *why)
{
	(void)why;
	c->dead = true;
}

struct svc_conn *svc_channel(const char *name)
{
	(void)name;
	return NULL;
}

bool svc_arg(const char *key, char *buf, size_t size)
{
	(void)key, (void)buf, (void)size;
	return false;
}

int svc_on_channel(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	(void)c, (void)fn, (void)ctx;
	return 0;
}

int svc_on_epoch(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	(void)c, (void)fn, (void)ctx;
	return 0;
}

void svc_resume(struct svc_conn *c) { (void)c; }

void svc_work_for(struct svc_conn *c) { (void)c; }

int svc_serve(const struct svc_service *s)
{
	(void)s;
	return 0;
}

int svc_run(void) { return 0; }

void svc_timer_set(struct svc_timer *t, sk_time_t deadline) { t->deadline = deadline; }

int vm_map(sk_cap_t frame, uint32_t order, uint32_t rights, void **out)
{
	(void)frame, (void)order, (void)rights, (void)out;
	return -SK_E_NO_MEM;
}

static uint64_t now_ns;

uint64_t clock_ns(void) { return now_ns += 1000000; }

uint64_t clock_ns_to_ticks(uint64_t ns) { return ns; }

/* ---- steps ------------------------------------------------------------------------------- */
struct bytes {
	const uint8_t *p, *end;
};

static uint32_t take(struct bytes *b, size_t n)
{
	uint32_t v = 0;

	for (size_t i = 0; i < n && b->p < b->end; i++)
		v |= (uint32_t)*b->p++ << (8 * i);
	return v;
}

static void peer_reset(struct peer *p, unsigned int i, bool console_is_client)
{
	static const enum ring_end ends[2][4] = {
		{ RING_SERVICE_GETS, RING_SERVICE_PUTS, RING_CLIENT_PUTS, RING_CLIENT_GETS },
		{ RING_CLIENT_PUTS, RING_CLIENT_GETS, RING_SERVICE_GETS, RING_SERVICE_PUTS },
	};
	struct ring *rings[4] = { &p->conn.req, &p->conn.rsp,
		console_is_client ? &p->in : &p->out, console_is_client ? &p->out : &p->in };

	memset(memory[i], 0, sizeof(memory[i]));
	memset(p, 0, sizeof(*p));
	for (unsigned int r = 0; r < 4; r++)
		if (ring_init(rings[r], memory[i] + (r & 1) * 4096, RING,
			    ends[console_is_client][r], 0))
			abort();
}

/* An earlier life has left the guest's log, or anything else. */
static void own_scribble(struct peer *p, struct bytes *b)
{
	struct textlog_head h = { 0 };
	struct textlog l;

	if (textlog_init_at(&l, p->conn.own, p->conn.own_size))
		return;
	h.magic = l.head->magic - (take(b, 1) == 7);
	h.first = take(b, 3);
	h.end = take(b, 3);
	h.seen = take(b, 3);
	*l.head = h;
}

static void peer_open(struct peer *p, unsigned int i, struct bytes *b)
{
	struct console_params params = {
		.kind = take(b, 1) % 5, .domid = take(b, 1) % 3, .name = "init"
	};
	uint64_t result[2];

	peer_reset(p, i, false);
	p->conn.number = i + 1;
	p->conn.badge = take(b, 1) % 4;
	if (take(b, 1) == 0)
		memset(params.name, 'x', sizeof(params.name));
	/* Freed with the connection, so that ASan sees a later read of the log. */
	p->conn.own_size = CONSOLE_LOG_SIZE - (take(b, 1) == 3);
	p->conn.own = malloc(CONSOLE_LOG_SIZE);
	p->conn.epoch = take(b, 1) == 5;
	if (p->conn.epoch)
		own_scribble(p, b);
	p->open = client_open(&p->conn, &params, sizeof(params) - (take(b, 1) == 7), result) ==
		  0;
	if (!p->open)
		free(p->conn.own);
}

static bool peer_close(struct peer *p)
{
	if (client_close(&p->conn))
		return false;
	free(p->conn.own);
	p->open = false;
	return true;
}

static void peer_send(struct peer *p, struct bytes *b)
{
	struct console_msg m = { .type = (uint16_t)(take(b, 1) % 11), .arg = take(b, 1) % 3 };
	uint8_t text[600];
	uint32_t len = take(b, 2) % sizeof(text);

	memset(text, (int)take(b, 1), len);
	for (uint32_t i = 0; i < len && i < 8; i++)
		text[i] = (uint8_t)take(b, 1);
	m.len = (uint16_t)(take(b, 1) == 9 ? take(b, 2) : len);
	(void)!ring_put2(&p->out, &m, sizeof(m), text, len);
	(void)ring_put_flush(&p->out);
}

static void peer_scribble(unsigned int i, struct bytes *b)
{
	memory[i][(take(b, 1) & 1) * 4096 + take(b, 2) % RING] = (uint8_t)take(b, 1);
}

static void peer_drain(struct peer *p)
{
	char buf[1024];

	while (ring_get(&p->in, buf, sizeof(buf)) >= 0)
		continue;
	(void)ring_get_flush(&p->in);
}

static void deliver(struct peer *p)
{
	int rc = 0;

	if (p == &peers[N_CLIENTS])
		uart_event(NULL);
	else if (p->open && !p->conn.dead && turn_begin(&p->conn))
		rc = client_event(&p->conn);
	if (rc && rc != -SK_E_AGAIN)
		svc_conn_kill(&p->conn, "");
}

static void step(struct bytes *b)
{
	unsigned int op = take(b, 1), i = (op >> 4) % (N_CLIENTS + 1);
	struct peer *p = &peers[i];

	switch (op & 7) {
	case 0:
		if (i < N_CLIENTS && !p->open)
			peer_open(p, i, b);
		break;
	case 1:
		if (i < N_CLIENTS && p->open && !peer_close(p))
			abort();
		break;
	case 2:
	case 3:
		if (p->out.sh)
			peer_send(p, b);
		deliver(p);
		break;
	case 4:
		peer_scribble(i, b);
		break;
	case 5:
		if (p->in.sh)
			peer_drain(p);
		deliver(p);
		break;
	case 6:
		kernel_log->head = take(b, 2);
		break;
	case 7:
		if (p == &peers[N_CLIENTS])
			driver_restarted(NULL);
		if (i == 0 && stuck_timer.deadline != SK_NO_DEADLINE)
			stuck(NULL);
		else
			deliver(p);
		break;
	}
}

static void start(void)
{
	static char memory_of_farewell[CONSOLE_LOG_SIZE];

	farewell = memory_of_farewell;
	if (textlog_init(&host_log, 1024) || textlog_init(&urgent_log, 256))
		abort();
	kernel_log->size = 256;
	kernel_log->head = 0;
	klog = kernel_log;
	klog_pos = now_ns = 0;
	klog_line = (struct bootlog_line){ 0 };
	boot_pos = urgent_pos = 0;
	memset(&text_out, 0, sizeof(text_out));
	begin = sent = 0;
	input_init(&input, &input_ops);
	stuck_timer.deadline = SK_NO_DEADLINE;
	for (unsigned int i = 0; i < N_CLIENTS; i++)
		memset(&peers[i], 0, sizeof(peers[i]));
	peer_reset(&peers[N_CLIENTS], N_CLIENTS, true);
	uart = &peers[N_CLIENTS].conn;
	uart->channel = true;
}

/* Guests' logs outlive their guests, but not a run. */
static void guestlogs_drop(struct guestlog_table *t)
{
	while (t->n) {
		struct guestlog *g = &t->log[--t->n];

		if (g->users)
			abort(); /* no connection is left */
		textlog_fini(&g->log);
		*g = (struct guestlog){ 0 };
	}
	t->last_opened = 0;
}

static void stop(void)
{
	for (unsigned int i = 0; i < N_CLIENTS; i++)
		if (peers[i].open && !peer_close(&peers[i]))
			abort();
	if (attached) {
		input_gone(&input);
		detach();
	}
	if (input.guest || shell || conlog_running() || !LIST_EMPTY(&streams))
		abort(); /* something of a closed client is left */
	shell_speaks = dmesg.running = attached_escapes = attached_mark = false;
	reset_owed = false;
	attached_lost = 0;
	guestlogs_drop(&guest_logs);
	guestlogs_drop(&past_consoles);
	textlog_fini(&host_log);
	textlog_fini(&urgent_log);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct bytes b = { data, data + size };

	start();
	while (b.p < b.end)
		step(&b);
	stop();
	return 0;
}
