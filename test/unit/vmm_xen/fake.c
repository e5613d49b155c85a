/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake.c - edge.h for tests on the build machine
 *
 * Guest-virtual addresses equal guest-physical ones. Connections have real rings; the service's
 * end is here.
 */
#include "fake.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

uint8_t ram[RAM_PAGES * SK_PAGE_SIZE] __attribute__((aligned(4096)));
uint8_t present[RAM_PAGES];
struct sk_vcpu_state fake_state[FAKE_VCPUS];
unsigned int kicks[FAKE_VCPUS], posts[FAKE_VCPUS], io_kicks, logs, notes, devices_changed,
	channels_dropped;
uint64_t last_note;
uint8_t last_post;
bool up[FAKE_VCPUS], log_quiet;
char log_line[200];
bool fake_apic_off[FAKE_VCPUS];
uint64_t fake_tsc = 1000, fake_waiting;
int shutdown_reason = -1;
uint64_t max_pages = RAM_PAGES;
uint64_t fake_tsc_offset[FAKE_VCPUS];
unsigned int yields;
uint64_t fake_homes = RAM_PAGES, fake_homes_step, fake_asked_pages;
unsigned int fake_asks;
enum ram_answer fake_answer;
static uint8_t pages[FAKE_PAGES][4096] __attribute__((aligned(4096)));
static unsigned int n_pages;
static void (*io_fn)(void);
static bool io_pending;

/* ---- edges ------------------------------------------------------------------------ */

void mutex_lock(struct mutex *l)
{
	if (l->word)
		abort(); /* taken twice: a deadlock */
	l->word = 1;
}

void mutex_unlock(struct mutex *l)
{
	if (!l->word)
		abort();
	l->word = 0;
}

struct sk_vcpu_state *edge_state(unsigned int cpu) { return &fake_state[cpu]; }

void edge_vcpu_kick(unsigned int cpu) { kicks[cpu]++; }

void edge_lapic_post(unsigned int cpu, uint8_t vector)
{
	if (fake_apic_off[cpu])
		return;
	posts[cpu]++;
	last_post = vector;
}

void edge_nmi(unsigned int cpu) { (void)cpu; }

bool edge_vcpu_is_up(unsigned int cpu) { return up[cpu]; }

int edge_vcpu_up(unsigned int cpu)
{
	up[cpu] = true;
	return 0;
}

void edge_vcpu_down(unsigned int cpu) { up[cpu] = false; }

uint64_t edge_ticks_waiting(unsigned int cpu) { return cpu == 0 ? fake_waiting : 0; }

void edge_shutdown(uint32_t reason) { shutdown_reason = (int)reason; }

uint64_t edge_tsc(void) { return fake_tsc; }

uint64_t edge_tsc_offset(unsigned int cpu) { return fake_tsc_offset[cpu]; }

void edge_yield(void) { yields++; }

void *edge_gmem(uint64_t gpa, uint64_t len)
{
	uint64_t i;

	if (!len || gpa > sizeof(ram) || len > sizeof(ram) - gpa)
		return NULL;
	for (i = gpa / SK_PAGE_SIZE; i <= (gpa + len - 1) / SK_PAGE_SIZE; i++)
		if (!present[i])
			return NULL;
	return ram + gpa;
}

bool fake_wrote[RAM_PAGES];

void edge_gmem_wrote(const void *at, uint64_t len)
{
	const uint8_t *p = at;

	/* the rest are pages of the VMM */
	for (uint64_t i = 0; p >= ram && p < ram + sizeof(ram) && i < len; i++)
		fake_wrote[(uint64_t)(p - ram + (int64_t)i) / SK_PAGE_SIZE] = true;
}

bool edge_gva_read(unsigned int cpu, void *dst, uint64_t gva, uint64_t len)
{
	void *p = len ? edge_gmem(gva, len) : dst;

	(void)cpu;
	if (p && len)
		memcpy(dst, p, len);
	return p != NULL;
}

bool edge_gva_write(unsigned int cpu, uint64_t gva, const void *src, uint64_t len)
{
	void *p = edge_gmem(gva, len);

	(void)cpu;
	if (!len)
		return true;
	if (p)
		memcpy(p, src, len);
	return p != NULL;
}

bool edge_gva_to_gpa(unsigned int cpu, uint64_t gva, uint64_t *gpa)
{
	(void)cpu;
	*gpa = gva;
	return gva < sizeof(ram);
}

int edge_page_alloc(struct guest_page *p)
{
	if (n_pages == FAKE_PAGES)
		return -SK_E_LIMIT;
	p->gpa = UINT64_MAX;
	p->addr = pages[n_pages++];
	return 0;
}

int edge_page_show(struct guest_page *p, uint64_t gfn)
{
	p->gpa = gfn * SK_PAGE_SIZE;
	return 0;
}

int edge_hole_make(uint64_t gfn)
{
	if (gfn >= RAM_PAGES || !present[gfn])
		return -SK_E_NOT_FOUND;
	present[gfn] = 0;
	return 0;
}

static int hole_fill(uint64_t gfn, int beyond_homes)
{
	if (gfn >= RAM_PAGES || present[gfn])
		return -SK_E_EXISTS;
	if (gfn >= fake_homes)
		return beyond_homes;
	present[gfn] = 1;
	return 0;
}

int edge_hole_fill(uint64_t gfn) { return hole_fill(gfn, -SK_E_NO_MEM); }

int edge_hole_fill_or_ask(uint64_t gfn) { return hole_fill(gfn, -SK_E_AGAIN); }

int edge_page_move(uint64_t from, uint64_t to)
{
	if (from >= RAM_PAGES || to >= RAM_PAGES || !present[from])
		return -SK_E_NOT_FOUND;
	present[from] = 0;
	present[to] = 1;
	return 0;
}

uint32_t edge_ram_ask(uint64_t n)
{
	fake_asked_pages = n;
	return ++fake_asks;
}

enum ram_answer edge_ram_answer(uint32_t number)
{
	if (!number || number > fake_asks)
		abort();
	if (fake_answer == RAM_GIVEN && fake_homes_step) {
		fake_homes += fake_homes_step;
		if (fake_homes > RAM_PAGES)
			return RAM_REFUSED;
	}
	return fake_answer;
}

uint64_t edge_mem_pages(void)
{
	uint64_t n = 0, i;

	for (i = 0; i < RAM_PAGES; i++)
		n += present[i];
	return n;
}

uint64_t edge_mem_max_gfn(void) { return RAM_PAGES - 1; }

unsigned int edge_mem_map(struct guest_range map[VM_MAP_MAX])
{
	map[0] = (struct guest_range){ 0, sizeof(ram), 1 };
	map[1] = (struct guest_range){ 0xfeff8000, 0x8000, 2 };
	return 2;
}

void edge_io_kick(void)
{
	io_kicks++;
	io_pending = true;
}

void edge_devices_changed(void) { devices_changed++; }

int edge_on_io_kick(void (*fn)(void))
{
	io_fn = fn;
	return 0;
}

void vm_log(const char *fmt, ...)
{
	va_list ap;

	logs++;
	va_start(ap, fmt);
	vsnprintf(log_line, sizeof(log_line), fmt, ap);
	va_end(ap);
	if (!log_quiet)
		fprintf(stderr, "log: %s\n", log_line);
}

void vm_note(enum vm_note kind, uint64_t number, const char *fmt, ...)
{
	(void)fmt;
	if (kind != NOTE_HYPERCALL)
		abort();
	if (number != last_note)
		notes++;
	last_note = number;
}

/* ---- guest ------------------------------------------------------------------------ */

void *at(uint64_t gpa) { return ram + gpa; }

void fake_guest(void)
{
	struct xen_params p = { .domid = DOMID,
		.n_vcpus = FAKE_VCPUS,
		.tsc_hz = 2500000000ull,
		.start_tsc = fake_tsc,
		.wallclock_start_ns = 1700000000123456789ull,
		.tsc_stable = true,
		.max_pages = max_pages,
		.store_pfn = 2,
		.console_pfn = 3 };
	unsigned int i;

	memset(present, 1, sizeof(present));
	for (i = 0; i < 16; i++)
		p.uuid[i] = (uint8_t)i;
	for (i = 0; i < FAKE_VCPUS; i++) {
		fake_state[i].efer = 1u << 10;
		fake_state[i].seg[SK_CS].attr = 1u << 9;
		fake_state[i].rflags = 1u << 9;
	}
	up[0] = true;
	xen_this_cpu = UINT32_MAX;
	if (xen_init(&p))
		abort();
	if (edge_on_io_kick(evtchn_backends_run))
		abort();
}

int64_t hypercall(uint32_t op, uint64_t a, uint64_t b, uint64_t c)
{
	struct sk_vcpu_state *st = &fake_state[0];

	st->gpr[SK_RAX] = op;
	st->gpr[SK_RDI] = st->gpr[SK_RBX] = a;
	st->gpr[SK_RSI] = st->gpr[SK_RCX] = b;
	st->gpr[SK_RDX] = c;
	do {
		st->rip = 3;
		xen_hypercall(0);
	} while (st->rip == 0);
	xen_this_cpu = UINT32_MAX;
	return (int64_t)st->gpr[SK_RAX];
}

void fake_again(void)
{
	memset(&xen_dom, 0, sizeof(xen_dom));
	memset(pages, 0, sizeof(pages));
	memset(fake_state, 0, sizeof(fake_state));
	memset(up, 0, sizeof(up));
	n_pages = 0;
	shutdown_reason = -1;
	fake_guest();
}

void grant_give(uint32_t ref, uint32_t frame, uint16_t flags, uint16_t domid)
{
	struct grant_entry_v1 *e = (struct grant_entry_v1 *)xen_dom.grant_page[ref / 512].addr +
				   ref % 512;

	e->frame = frame;
	e->domid = domid;
	e->flags = flags;
}

uint32_t guest_port(void)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = 0 };

	memcpy(at(ARG), &a, sizeof(a));
	if (hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, ARG, 0))
		abort();
	memcpy(&a, at(ARG), sizeof(a));
	return a.port;
}

/* ---- connections ------------------------------------------------------------------ */

static struct fake_conn conns[4];
static unsigned int n_conns;

struct fake_conn *fake_channel(const char *name, uint32_t ring_bytes, uint32_t data_bytes)
{
	struct fake_conn *f = &conns[n_conns++];

	f->name = name;
	f->mem = aligned_alloc(4096, 2 * ring_bytes + data_bytes);
	memset(f->mem, 0, 2 * ring_bytes + data_bytes);
	if (ring_init(&f->c.req, f->mem, ring_bytes, RING_CLIENT_PUTS, 0) ||
		ring_init(&f->c.rsp, f->mem + ring_bytes, ring_bytes, RING_CLIENT_GETS, 0) ||
		ring_init(&f->req, f->mem, ring_bytes, RING_SERVICE_GETS, 0) ||
		ring_init(&f->rsp, f->mem + ring_bytes, ring_bytes, RING_SERVICE_PUTS, 0))
		abort();
	f->c.data = f->mem + 2 * ring_bytes;
	f->c.data_size = data_bytes;
	return f;
}

struct svc_conn *svc_channel(const char *name)
{
	unsigned int i;

	for (i = 0; i < n_conns; i++)
		if (strcmp(conns[i].name, name) == 0) {
			conns[i].c.channel = true;
			return &conns[i].c;
		}
	return NULL;
}

void svc_channel_drop(struct svc_conn *c)
{
	(void)c;
	channels_dropped++;
}

static struct fake_conn *fake_of(struct svc_conn *c)
{
	return (struct fake_conn *)((uint8_t *)c - offsetof(struct fake_conn, c));
}

int svc_on_channel(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	fake_of(c)->fn = fn;
	fake_of(c)->ctx = ctx;
	return 0;
}

int svc_on_epoch(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	fake_of(c)->on_epoch = fn;
	fake_of(c)->epoch_ctx = ctx;
	return 0;
}

int svc_on_end(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	fake_of(c)->on_end = fn;
	fake_of(c)->end_ctx = ctx;
	return 0;
}

enum svc_end svc_end(const struct svc_conn *c) { return c->end; }

const char *svc_end_text(enum svc_end why)
{
	(void)why;
	return "it has ended";
}

void svc_signal(struct svc_conn *c) { fake_of(c)->signals++; }

/* A turn of the loop. */
void fake_event(struct fake_conn *f)
{
	f->c.spent = 0;
	f->fn(f->ctx);
}

/* ---- the clock of timers, in microseconds ---- */
static sk_time_t now_us = 1;
static struct svc_timer *timers;

sk_time_t svc_now(void) { return now_us; }
sk_time_t svc_in_us(uint32_t us) { return now_us + us; }
sk_time_t svc_in_ms(uint32_t ms) { return now_us + 1000ull * ms; }

void svc_timer_set(struct svc_timer *t, sk_time_t deadline)
{
	struct svc_timer **p = &timers;

	while (*p && *p != t)
		p = &(*p)->next;
	if (*p)
		*p = t->next;
	t->deadline = deadline;
	if (deadline == SK_NO_DEADLINE)
		return;
	t->next = timers;
	timers = t;
}

void fake_time_passes(uint32_t us)
{
	struct svc_timer *t, *next;

	now_us += us;
	for (t = timers; t; t = next) {
		next = t->next;
		if (t->deadline > now_us)
			continue;
		svc_timer_set(t, SK_NO_DEADLINE);
		t->fn(t->ctx);
	}
}

void fake_restart(struct fake_conn *f)
{
	uint32_t epoch = ++f->c.epoch;

	f->c.broken = false;
	ring_restart(&f->req, epoch);
	ring_restart(&f->rsp, epoch);
	ring_restart(&f->c.req, epoch);
	ring_restart(&f->c.rsp, epoch);
	if (f->on_epoch)
		f->on_epoch(f->epoch_ctx);
	fake_event(f);
}

void fake_end(struct fake_conn *f, enum svc_end end)
{
	f->c.dead = true;
	f->c.end = end;
	f->on_end(f->end_ctx);
}

/* ---- xenstore --------------------------------------------------------------------- */

enum { NODES = 128, WATCHES = 32 };
static struct {
	char path[128], value[64];
} node[NODES];
static struct {
	char path[128], token[32];
} watch[WATCHES];
static unsigned int n_nodes, n_watches;
__typeof__(guest_request) guest_request;
unsigned int guest_requests;

static void text_copy(char *dst, size_t size, const char *src)
{
	size_t n = strnlen(src, size - 1);

	memcpy(dst, src, n);
	dst[n] = 0;
}

static struct fake_conn *xs(void) { return fake_of(svc_channel("xs")); }

static void xs_put(uint32_t role, uint64_t seq, uint32_t type, const void *body, uint32_t len)
{
	struct {
		struct xs_native n;
		struct xsd_sockmsg m;
	} h = { .n = { .role = role, .seq = seq }, .m = { .type = type, .len = len } };

	if (ring_put2(&xs()->rsp, &h, sizeof(h), body, len))
		abort();
	ring_put_flush(&xs()->rsp);
}

static void xs_fire(const char *path)
{
	char body[192];
	unsigned int i;

	for (i = 0; i < n_watches; i++)
		if (strcmp(watch[i].path, path) == 0) {
			int n = snprintf(body, sizeof(body), "%s%c%s", path, 0, watch[i].token);

			xs_put(XS_ROLE_BACKEND, 0, XS_WATCH_EVENT, body, (uint32_t)n + 1);
		}
}

const char *fake_xs_get(const char *path)
{
	unsigned int i;

	for (i = 0; i < n_nodes; i++)
		if (strcmp(node[i].path, path) == 0)
			return node[i].value;
	return NULL;
}

static void xs_store(const char *path, const char *value)
{
	unsigned int i;

	for (i = 0; i < n_nodes && strcmp(node[i].path, path); i++)
		continue;
	if (i == NODES)
		abort();
	if (i == n_nodes)
		n_nodes++;
	text_copy(node[i].path, sizeof(node[i].path), path);
	text_copy(node[i].value, sizeof(node[i].value), value);
	xs_fire(path);
}

void fake_xs_set(const char *path, const char *value)
{
	xs_store(path, value);
	fake_io_run();
}

static void xs_serve(const struct xs_native *n, const struct xsd_sockmsg *m, const char *body)
{
	const char *second = body + strlen(body) + 1, *v;
	char value[64];

	switch (m->type) {
	case XS_READ:
		v = fake_xs_get(body);
		if (v)
			xs_put(n->role, n->seq, XS_READ, v, (uint32_t)strlen(v));
		else
			xs_put(n->role, n->seq, XS_ERROR, "ENOENT", 7);
		break;
	case XS_WRITE:
		snprintf(value, sizeof(value), "%.*s",
			(int)(m->len - (uint32_t)(second - body)), second);
		xs_put(n->role, n->seq, XS_WRITE, "OK", 3);
		xs_store(body, value);
		break;
	case XS_WATCH:
		text_copy(watch[n_watches].path, sizeof(watch[0].path), body);
		text_copy(watch[n_watches++].token, sizeof(watch[0].token), second);
		xs_put(n->role, n->seq, XS_WATCH, "OK", 3);
		xs_fire(body);
		break;
	default:
		xs_put(n->role, n->seq, XS_ERROR, "ENOSYS", 7);
	}
}

void fake_xs_run(void)
{
	int len;

	for (;;) {
		memset(&guest_request, 0, sizeof(guest_request));
		len = ring_get(&xs()->req, &guest_request, sizeof(guest_request));
		if (len < 0)
			break;
		if (guest_request.n.role == XS_ROLE_GUEST) {
			guest_requests++;
			break;
		}
		xs_serve(&guest_request.n, &guest_request.m, guest_request.body);
	}
	ring_get_flush(&xs()->req);
}

void fake_io_run(void)
{
	unsigned int i;

	for (i = 0; i < 50; i++) {
		if (io_pending) {
			io_pending = false;
			io_fn();
		}
		if (svc_channel("xs")) {
			fake_xs_run();
			fake_event(xs());
		}
	}
}
