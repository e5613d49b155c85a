/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * world.c - a kernel for one domain: capabilities are numbers in a table, messages come from
 * the test
 *
 * The domain has a thread of its own; two semaphores let either the domain or the test run,
 * never both.
 */
#include "world.h"

#include <pthread.h>
#include <semaphore.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caps/caps.h"
#include "svc/edge.h"
#include "svc/internal.h"
#include "sys/clock.h"

enum { SLOTS = 8192, POLLS_MAX = 1000000, RINGS_MAX = 1 << 16, HANG_S = 60, CHANNELS = 8 };
enum kind { NOTHING, FRAME, SIGNAL, REPLY, OTHER };

struct world world;

static struct cap {
	bool used; /* the slot is taken */
	enum kind kind;
	uint8_t *mem;
	uint64_t size;
	struct peer *peer; /* SIGNAL: the peer that it wakes */
	uint64_t badge;
	struct call *caller; /* REPLY */
} caps[SLOTS];

struct call {
	uint64_t label, badge, mr[SK_MR_MAX];
	uint32_t n, n_caps;
	struct cap cap[4];
	bool done;
	struct cap out; /* the first capability of the answer */
	struct peer *closing;
};
static struct call *waiting_call;
static uint64_t waiting_word;
static struct sk_utcb utcb;
static struct peer *channels[CHANNELS];
static sem_t to_domain, to_test;
static pthread_t thread;
static bool ended;

static struct domain_info *info(void) { return (struct domain_info *)DOMAIN_INFO_VADDR; }

static uint8_t *memory_new(uint64_t size)
{
	uint64_t round = (size + 4095) & ~4095ull;
	uint8_t *p = aligned_alloc(4096, round);

	if (!p)
		abort();
	return memset(p, 0, round);
}

static uint32_t order_of(uint64_t size)
{
	uint32_t order = 12;

	while (1ull << order < size)
		order++;
	return order;
}

/* ---- the two sides ---- */
static void *domain_thread(void *arg)
{
	(void)arg;
	sem_wait(&to_domain);
	(void)domain_main();
	ended = true;
	sem_post(&to_test);
	return NULL;
}

/* exit() of the domain: its thread waits for good, and the test goes on. */
void domain_exit(int code)
{
	(void)code;
	ended = true;
	sem_post(&to_test);
	for (;;)
		pause();
}

void world_run(void)
{
	if (ended)
		return;
	sem_post(&to_domain);
	sem_wait(&to_test);
}

bool world_ended(void) { return ended; }

static void domain_waits(void)
{
	sem_post(&to_test);
	sem_wait(&to_domain);
}

static void page_at(uint64_t addr, size_t size)
{
	void *want = (void *)(uintptr_t)addr;

	if (mmap(want, size, PROT_READ | PROT_WRITE,
		    MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != want)
		abort();
}

const struct sk_info *sys_info(void) { return (const struct sk_info *)DOMAIN_KINFO_VADDR; }

static void world_make(void)
{
	struct sk_info *k = (struct sk_info *)DOMAIN_KINFO_VADDR;

	page_at(DOMAIN_INFO_VADDR, 4096);
	page_at(DOMAIN_KINFO_VADDR, 4096);
	k->tsc_hz = WORLD_HZ;
	world.now = WORLD_HZ;
	sem_init(&to_domain, 0, 0);
	sem_init(&to_test, 0, 0);
	for (sk_cap_t s = 0; s < DOMAIN_CAP_FREE; s++)
		caps[s].used = true;
	if (pthread_create(&thread, NULL, domain_thread, NULL))
		abort();
}

void world_start(void) { world_run(); }

void world_test(void **state)
{
	void (*run)(void) = (void (*)(void)) * state;
	int result;
	pid_t pid;

	fflush(NULL);
	pid = fork();
	if (!pid) {
		setenv("CMOCKA_TEST_ABORT", "1", 1);
		alarm(HANG_S);
		world_make();
		run();
		fflush(NULL);
		_exit(0);
	}
	assert_int_equal(waitpid(pid, &result, 0), pid);
	assert_true(WIFEXITED(result) && WEXITSTATUS(result) == 0);
}

/* ---- what the domain has from the start ---- */
static void peer_make(struct peer *p, uint32_t proto, uint64_t data_size, bool client)
{
	uint32_t req = svc_proto_info(proto)->req_size, rsp = svc_proto_info(proto)->rsp_size;
	void (*hook)(struct peer * p) = p->on_signal;

	*p = (struct peer){ .data_size = data_size, .on_signal = hook };
	p->rings = memory_new(req + rsp);
	p->data = data_size ? memory_new(data_size) : NULL;
	if (ring_init(client ? &p->out : &p->in, p->rings, req,
		    client ? RING_CLIENT_PUTS : RING_SERVICE_GETS, 0) ||
		ring_init(client ? &p->in : &p->out, p->rings + req, rsp,
			client ? RING_CLIENT_GETS : RING_SERVICE_PUTS, 0))
		abort();
}

void world_channel(struct peer *p, const char *name, uint32_t proto, uint64_t data_size)
{
	uint32_t i = info()->n_channels++, slot = DOMAIN_CAP_CHANNEL + 2 * i;
	struct domain_channel *c = &info()->channel[i];

	peer_make(p, proto, data_size, false);
	channels[i] = p;
	p->bit = 1ull << i;
	strcpy(c->name, name);
	c->proto = proto;
	c->bit = i;
	c->signal = slot;
	c->data = data_size ? slot + 1 : 0;
	c->vaddr = (uint64_t)p->rings;
	c->data_vaddr = (uint64_t)p->data;
	c->data_size = data_size;
	c->req_size = svc_proto_info(proto)->req_size;
	c->rsp_size = svc_proto_info(proto)->rsp_size;
	caps[slot] = (struct cap){ .used = true, .kind = SIGNAL, .peer = p, .badge = 1 };
	caps[slot + 1] =
		(struct cap){ .used = true, .kind = FRAME, .mem = p->data, .size = data_size };
}

void world_arg(const char *line)
{
	strcat(info()->args, line);
	strcat(info()->args, "\n");
}

/* ---- messages ---- */
static int call_run(struct call *c)
{
	waiting_call = c;
	world_run();
	return c->done ? 0 : PENDING;
}

static struct cap frame_cap(uint8_t *mem, uint64_t size)
{
	return (struct cap){ .kind = FRAME, .mem = mem, .size = size };
}

int world_open(struct peer *p, uint32_t proto, uint32_t client, const void *params,
	uint32_t params_len, uint64_t data_size)
{
	const struct svc_proto_info *proto_info = svc_proto_info(proto);
	uint64_t rings = (uint64_t)proto_info->req_size + proto_info->rsp_size;
	static uint64_t earlier = 1000; /* a number that an earlier life gave */
	uint64_t number = world.open_epoch ? ++earlier : 0;
	struct call c = { .label = SVC_OPEN,
		.badge = SVC_BADGE_CONTROL,
		.mr = { proto | (uint64_t)proto_info->version << 32, data_size,
			proto_info->req_size | (uint64_t)proto_info->rsp_size << 32,
			client | number << 32, world.open_epoch, params_len },
		.n = SVC_PARAMS_WORD + (params_len + 7) / 8 };

	peer_make(p, proto, data_size, true);
	p->epoch = world.open_epoch;
	ring_restart(&p->out, p->epoch);
	ring_restart(&p->in, p->epoch);
	if (params_len)
		memcpy(&c.mr[SVC_PARAMS_WORD], params, params_len);
	c.cap[c.n_caps++] = frame_cap(p->rings, rings);
	c.cap[c.n_caps++] = (struct cap){ .kind = SIGNAL, .peer = p, .badge = 1 };
	if (data_size)
		c.cap[c.n_caps++] = frame_cap(p->data, data_size);
	assert_int_equal(call_run(&c), 0);
	if (c.mr[0])
		return (int)(int64_t)c.mr[0];
	p->number = (uint32_t)c.mr[1];
	p->word[0] = c.mr[2];
	p->word[1] = c.mr[3];
	p->bit = c.out.badge;
	return 0;
}

int world_close(struct peer *p)
{
	struct call *c = calloc(1, sizeof(*c));

	*c = (struct call){ .label = SVC_CLOSE,
		.badge = SVC_BADGE_CONTROL,
		.mr = { p->number },
		.n = 1,
		.closing = p };
	p->close_rc = PENDING;
	(void)call_run(c);
	return p->close_rc;
}

int world_call(uint32_t label, uint64_t *mr, uint64_t frame_size)
{
	struct call c = { .label = label, .badge = SVC_BADGE_CLIENT, .n = 2 };

	memcpy(c.mr, mr, 2 * sizeof(*mr));
	if (frame_size)
		c.cap[c.n_caps++] = frame_cap(memory_new(frame_size), frame_size);
	assert_int_equal(call_run(&c), 0);
	memcpy(mr, c.mr, 8 * sizeof(*mr));
	return (int)(int64_t)c.mr[0];
}

uint64_t world_worked(const struct peer *p)
{
	struct call c = { .label = SVC_USAGE, .badge = SVC_BADGE_CONTROL, .n = 1 };
	struct svc_usage *u = (struct svc_usage *)&c.mr[SVC_USAGE_WORD];

	assert_int_equal(call_run(&c), 0);
	assert_int_equal(c.mr[1], 0); /* they fit one answer */
	while (u < (struct svc_usage *)&c.mr[c.n] && u->number != p->number)
		u++;
	assert_true(u < (struct svc_usage *)&c.mr[c.n]);
	return u->ticks;
}

uint8_t *world_frame(sk_cap_t frame) { return caps[frame].mem; }

void world_irq(uint32_t bit)
{
	waiting_word |= 1ull << bit;
	world_run();
}

void peer_restart(struct peer *p)
{
	p->epoch++;
	ring_restart(&p->in, p->epoch);
	ring_restart(&p->out, p->epoch);
}

void world_restart(struct peer *p)
{
	peer_restart(p);
	peer_signal(p);
}

bool world_accused(const struct peer *p) { return p->in.sh->end == p->epoch + 1; }

void world_end(struct peer *p, enum svc_end end)
{
	p->out.sh->end = end;
	peer_signal(p);
}

void peer_signal(struct peer *p)
{
	(void)ring_put_flush(&p->out);
	(void)ring_get_flush(&p->in);
	waiting_word |= p->bit;
	world_run();
}

void peer_flush(struct peer *p)
{
	bool wake = ring_put_flush(&p->out);

	if (!ring_get_flush(&p->in) && !wake)
		return;
	waiting_word |= p->bit;
	world_run();
}

void peer_knows(struct peer *p, uint32_t left) { p->out.peer = p->out.index - left; }

bool peer_take(struct peer *p, void *rec, uint32_t len)
{
	int rc = ring_get(&p->in, rec, len);

	if (rc == -SK_E_AGAIN) {
		(void)ring_get_idle(&p->in);
		return false;
	}
	assert_int_equal(rc, len);
	return true;
}

void peer_put(struct peer *p, const void *rec, uint32_t len)
{
	assert_int_equal(ring_put(&p->out, rec, len), 0);
}

bool peer_dead(const struct peer *p)
{
	for (struct svc_conn *c = svc_conn_next(NULL); c; c = svc_conn_next(c))
		if (c->number == p->number)
			return c->dead;
	return false;
}

/* ---- system calls ---- */
struct sk_utcb *edge_utcb(void) { return &utcb; }

static long call_deliver(struct call *c, struct sk_msg *m)
{
	m->badge = c->badge;
	memcpy(m->mr, c->mr, sizeof(m->mr));
	memcpy(utcb.mr, c->mr, sizeof(utcb.mr));
	for (uint32_t i = 0; i < c->n_caps; i++) {
		struct cap *to = &caps[utcb.recv_slot + i];

		if (!utcb.recv_slot || i >= utcb.recv_slots || to->kind != NOTHING)
			abort();
		*to = c->cap[i];
		to->used = true;
	}
	m->mi = SK_MI(c->label, c->n, c->n_caps);
	caps[utcb.reply].caller = c;
	return 0;
}

long edge_recv(sk_cap_t endpoint, struct sk_msg *m)
{
	(void)endpoint;
	for (;;) {
		struct call *c = waiting_call;

		if (waiting_word) {
			m->badge = waiting_word;
			m->mi = SK_MI(SK_LABEL_SIGNAL, 0, 0);
			waiting_word = 0;
			return 0;
		}
		if (c) {
			waiting_call = NULL;
			return call_deliver(c, m);
		}
		if (utcb.deadline == SK_POLL && world.on_poll)
			world.on_poll();
		if (utcb.deadline == SK_POLL && ++world.polls > POLLS_MAX)
			abort(); /* the domain never waits */
		if (utcb.deadline <= world.now)
			return -SK_E_TIMEOUT;
		domain_waits();
	}
}

long edge_reply(sk_cap_t reply, const struct sk_msg *m)
{
	struct call *c = caps[reply].caller;

	if (!c)
		return -SK_E_NOT_FOUND;
	caps[reply].caller = NULL;
	memcpy(c->mr, utcb.mr, sizeof(c->mr));
	memcpy(c->mr, m->mr, sizeof(m->mr));
	c->n = SK_MI_WORDS(m->mi);
	if (SK_MI_CAPS(m->mi)) {
		struct cap *out = &caps[utcb.send[0].slot];

		c->out = *out;
		if (utcb.send[0].rights & SK_SEND_MOVE)
			out->kind = NOTHING;
	}
	c->done = true;
	if (c->closing) {
		c->closing->close_rc = (int)(int64_t)c->mr[0];
		c->closing->close_result = c->n > 1 ? (int)(int64_t)c->mr[1] : 0;
	}
	return 0;
}

long edge_call(sk_cap_t endpoint, struct sk_msg *m)
{
	uint64_t mr[SK_MR_MAX];
	long rc;

	world.call_deadline = utcb.deadline;
	if (!world.on_call)
		return -SK_E_CAP;
	memcpy(mr, utcb.mr, sizeof(mr));
	memcpy(mr, m->mr, sizeof(m->mr));
	rc = world.on_call(endpoint, (uint32_t)SK_MI_LABEL(m->mi), mr,
		SK_MI_CAPS(m->mi) ? utcb.send[0].slot : 0);
	memcpy(m->mr, mr, sizeof(m->mr));
	m->mi = SK_MI(0, 2, 0);
	return rc;
}

/* Called only at a domain's start, or by a domain that cannot divide its work into events. */
long edge_wait(sk_cap_t ntfn, sk_time_t deadline, uint64_t *word)
{
	bool answered = false;

	(void)ntfn;
	for (uint32_t i = 0; i < info()->n_channels && world.on_wait; i++)
		answered |= world.on_wait(channels[i]);
	if (!answered) {
		assert_int_not_equal(deadline, SK_NO_DEADLINE);
		world.now = deadline;
		return -SK_E_TIMEOUT;
	}
	*word = (1ull << info()->n_channels) - 1;
	return 0;
}

void edge_signal(sk_cap_t ntfn)
{
	struct peer *p = caps[ntfn].peer;

	if (!p)
		return;
	p->signals++;
	if (p->on_signal)
		p->on_signal(p);
}

sk_time_t edge_now(void) { return world.now += world.tick; }

uint64_t edge_ran(void) { return world.now; }

sk_time_t edge_in_ms(uint32_t ms) { return world.now + (sk_time_t)ms * WORLD_HZ / 1000; }

sk_time_t edge_in_us(uint32_t us) { return world.now + (sk_time_t)us * WORLD_HZ / 1000000; }

long edge_irq_bind(sk_cap_t irq, sk_cap_t ntfn)
{
	(void)irq, (void)ntfn;
	return 0;
}

uint32_t edge_frame_order(sk_cap_t frame)
{
	return caps[frame].kind == FRAME ? order_of(caps[frame].size) : 0;
}

bool edge_slot_empty(sk_cap_t slot) { return caps[slot].kind == NOTHING; }

bool edge_can_signal(sk_cap_t ntfn) { return caps[ntfn].kind == SIGNAL; }

void edge_log_about(uint32_t domid) { (void)domid; }

void edge_log_resume(void) {}

sk_time_t sk_now(void) { return world.now; }

long sk_cap_info(sk_cap_t cnode, sk_cap_t slot, struct sk_cap_info *out)
{
	(void)cnode;
	*out = (struct sk_cap_info){ .type = caps[slot].kind == FRAME ? SK_OBJ_FRAME
								      : SK_OBJ_NULL,
		.order = order_of(caps[slot].size),
		.size = 1ull << order_of(caps[slot].size) };
	return 0;
}

/* ---- libs/caps ---- */
sk_cap_t slot_alloc(uint32_t n)
{
	for (sk_cap_t s = DOMAIN_CAP_FREE; s + n <= SLOTS; s++) {
		uint32_t run = 0;

		while (run < n && !caps[s + run].used)
			run++;
		if (run < n)
			continue;
		for (uint32_t i = 0; i < n; i++)
			caps[s + i].used = true;
		return s;
	}
	return 0;
}

void slot_free(sk_cap_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!caps[first + i].used || caps[first + i].kind != NOTHING)
			abort(); /* the slot is not the domain's, or not empty */
		caps[first + i].used = false;
	}
}

void cap_drop(sk_cap_t cap)
{
	if (!cap)
		return;
	if (!caps[cap].used)
		abort();
	caps[cap] = (struct cap){ .used = false };
}

int cap_copy(sk_cap_t from, uint32_t rights, uint64_t badge, sk_cap_t *out)
{
	(void)rights;
	*out = slot_alloc(1);
	if (!*out)
		return -SK_E_SLOT;
	caps[*out] = caps[from];
	caps[*out].used = true;
	caps[*out].badge = badge;
	if (caps[*out].kind == NOTHING)
		caps[*out].kind = OTHER;
	return 0;
}

int object_make(uint32_t type, uint32_t order, sk_cap_t *out)
{
	(void)type, (void)order;
	*out = slot_alloc(1);
	caps[*out].kind = REPLY;
	return *out ? 0 : -SK_E_SLOT;
}

int vm_map(sk_cap_t frame, uint32_t order, uint32_t rights, void **out)
{
	(void)order, (void)rights;
	*out = caps[frame].mem;
	return *out ? 0 : -SK_E_CAP;
}

void vm_unmap(void *addr, sk_cap_t frame, uint32_t order)
{
	(void)order;
	if (caps[frame].mem != addr)
		abort();
}
