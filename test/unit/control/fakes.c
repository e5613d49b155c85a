/*
 * fakes.c - the world around the control domain
 *
 * Objects     struct chan: the service ends of control's three channels; files[], nodes[]: what the services
 *             serve; struct vmm: the other end of a vmctl region.
 * Lifecycle   world_init() once per process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <xen/io/xs_wire.h>

#include "base/array.h"
#include "caps/caps.h"
#include "client/calls.h"
#include "client/files.h"
#include "client/xenstore.h"
#include "event.h"
#include "guest/vmm_guard.h"
#include "guest/vmctl.h"
#include "log.h"
#include "shell/auto.h"
#include "shell/shell.h"
#include "shell/term.h"
#include "fakes.h"
#include "proto/console.h"
#include "proto/files.h"
#include "proto/init.h"
#include "proto/xs.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	RING = 16384,
	DATA = 262144,
	POOL_SLOT = 900,
	POOL_ORDER = 29,
	CTL_SLOT = 899,
	PROBE_SLOT = 4000
};

struct world world;

struct chan {
	struct svc_conn c;
	struct ring req, rsp; /* service ends */
	svc_handler_fn fn;
	void *ctx;
	_Alignas(4096) uint8_t mem[2 * RING];
	uint8_t data[DATA];
};
static struct chan console, xs, files;
static svc_handler_fn bit_fn[24];
static uint64_t raised; /* svc_raise() */
static struct svc_timer *timers[64];

/* ---- capabilities, memory: counters ---- */

static sk_cap_t next_slot = 1000;

sk_cap_t slot_alloc(uint32_t n)
{
	world.slots += n;
	next_slot += n;
	return next_slot - n;
}

void slot_free(sk_cap_t first, uint32_t n)
{
	assert_true(first >= 1000);
	world.slots -= n;
}

void cap_drop(sk_cap_t cap)
{
	if (cap)
		slot_free(cap, 1);
}

int cap_copy(sk_cap_t from, uint32_t rights, uint64_t badge, sk_cap_t *out)
{
	(void)from;
	(void)rights;
	(void)badge;
	*out = slot_alloc(1);
	return 0;
}

int object_make(uint32_t type_, uint32_t order, sk_cap_t *out)
{
	(void)type_;
	(void)order;
	*out = PROBE_SLOT;
	return 0;
}

int object_make_in(sk_cap_t untyped, uint32_t type_, uint32_t order, sk_cap_t cnode,
	sk_cap_t slot, uint32_t n)
{
	(void)untyped;
	(void)type_;
	(void)order;
	(void)cnode;
	if (world.slot_taken)
		return -SK_E_EXISTS;
	world.made_in = slot;
	return n && n <= SK_RETYPE_MAX ? 0 : -SK_E_INVAL;
}

int vm_alloc(uint32_t order, sk_cap_t *frame, void **out)
{
	*frame = slot_alloc(1);
	*out = aligned_alloc(4096, 1ull << order);
	assert_non_null(*out);
	memset(*out, 0, 1ull << order);
	world.regions++;
	return 0;
}

void vm_unmap(void *addr, sk_cap_t frame, uint32_t order)
{
	(void)frame;
	(void)order;
	free(addr);
	world.regions--;
}

long sk_signal(sk_cap_t ntfn)
{
	(void)ntfn;
	return 0;
}

long sk_retype(sk_cap_t untyped, uint32_t type_, uint32_t order, sk_cap_t cnode, sk_cap_t slot,
	uint32_t n, uint64_t offset)
{
	(void)untyped;
	(void)type_;
	(void)order;
	(void)cnode;
	(void)slot;
	(void)n;
	(void)offset;
	return 0;
}

long sk_revoke(sk_cap_t cnode, sk_cap_t slot)
{
	(void)cnode;
	(void)slot;
	return 0;
}

long sk_cap_info(sk_cap_t cnode, sk_cap_t slot, struct sk_cap_info *info)
{
	(void)cnode;
	*info = (struct sk_cap_info){ .type = SK_OBJ_UNTYPED, .order = POOL_ORDER };
	return slot == POOL_SLOT ? 0 : -SK_E_CAP;
}

long sk_sched_stats(sk_cap_t sched, uint64_t *consumed, uint64_t *waited, uint32_t *cpu)
{
	bool io = sched == world.io_sched;

	*consumed = 3000000000ull + (io ? world.io_ran_ns : world.ran_ns);
	*waited = io ? 0 : world.waited_ns;
	*cpu = 0;
	return 0;
}

/* The scheduling context that control asks idle times with goes to a CPU each time. */
static uint32_t probe_cpu;

long sk_sched_configure(sk_cap_t ctl, sk_cap_t sched, uint32_t cpu, uint32_t priority,
	uint32_t weight, uint64_t budget_us, uint64_t period_us)
{
	assert_int_equal(ctl, CTL_SLOT);
	assert_true(sched >= 1000);
	if (sched == PROBE_SLOT) {
		probe_cpu = cpu;
		return 0;
	}
	if (sched == world.io_sched) {
		world.io = (struct proc_sched){ cpu, priority, weight, budget_us, period_us };
		return 0;
	}
	world.moves++;
	world.moved = (struct proc_sched){ cpu, priority, weight, budget_us, period_us };
	return 0;
}

/* Nanoseconds: the number of the CPU + 1 in all places. */
long sk_sched_idle(sk_cap_t sched, uint64_t *idle)
{
	assert_int_equal(sched, PROBE_SLOT);
	*idle = (probe_cpu + 1) * 1111111111ull;
	return 0;
}

/* ---- time ---- */

const struct sk_info *sys_info(void)
{
	static const struct sk_info info = {
		.n_cpus = 2, .tsc_hz = 1000000000, .features = SK_FEAT_SVM, .version = "1.0"
	};

	return &info;
}

uint64_t clock_ns(void) { return 5000000000ull + world.later_ns; }

uint64_t clock_ticks_to_ns(uint64_t ticks) { return ticks; }

uint64_t clock_ns_to_ticks(uint64_t ns) { return ns; }

sk_time_t svc_now(void) { return clock_ns(); }

sk_time_t svc_in_ms(uint32_t ms) { return svc_now() + ms * 1000000ull; }

bool clock_wall_boot_ns(uint64_t *ns)
{
	*ns = 1767323096ull * 1000000000ull;
	return true;
}

void svc_timer_set(struct svc_timer *t, sk_time_t deadline)
{
	size_t room = 64;

	for (size_t i = 0; i < 64; i++) {
		if (timers[i] == t)
			timers[i] = NULL;
		if (!timers[i])
			room = i;
	}
	if (deadline != SK_NO_DEADLINE) {
		assert_true(room < 64);
		timers[room] = t;
		t->deadline = deadline;
	}
}

/* Those that were set to a time that is over. */
static bool timers_due(void)
{
	struct svc_timer *t;
	bool any = false;

	for (size_t i = 0; i < 64; i++) {
		t = timers[i];
		if (!t || t->deadline)
			continue;
		timers[i] = NULL;
		t->fn(t->ctx);
		any = true;
	}
	return any;
}

void timers_expire(void)
{
	struct svc_timer *due[64], *t;
	size_t k;

	memcpy(due, timers, sizeof(due)); /* one that is set again waits for the next time */
	for (size_t i = 0; i < 64; i++) {
		for (k = 0; k < 64 && (!due[i] || timers[k] != due[i]); k++)
			continue;
		if (k == 64)
			continue; /* none, or it was cancelled */
		t = timers[k];
		timers[k] = NULL;
		t->fn(t->ctx);
	}
	world_run();
}

bool timers_set(void)
{
	size_t i = 0;

	while (i < 64 && !timers[i])
		i++;
	return i < 64;
}

/* ---- libs/svc ---- */

static struct chan *chan_named(const char *name)
{
	if (strcmp(name, "console") == 0)
		return &console;
	if (strcmp(name, "xs") == 0)
		return &xs;
	return strcmp(name, "files") == 0 ? &files : NULL;
}

struct svc_conn *svc_channel(const char *name)
{
	struct chan *k = chan_named(name);

	assert_non_null(k);
	assert_int_equal(ring_init(&k->c.req, k->mem, RING, 0), 0);
	assert_int_equal(ring_init(&k->c.rsp, k->mem + RING, RING, 0), 0);
	assert_int_equal(ring_init(&k->req, k->mem, RING, 0), 0);
	assert_int_equal(ring_init(&k->rsp, k->mem + RING, RING, 0), 0);
	k->c.data = k->data;
	k->c.data_size = DATA;
	k->c.channel = true;
	return &k->c;
}

int svc_on_channel(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	struct chan *k = (struct chan *)c;

	k->fn = fn;
	k->ctx = ctx;
	return 0;
}

void svc_signal(struct svc_conn *c) { (void)c; }

static int send(struct ring *r, const void *rec, uint32_t len)
{
	int rc = ring_put(r, rec, len);

	(void)ring_put_flush(r);
	return rc;
}

int svc_request(struct svc_conn *c, const void *rec, uint32_t len)
{
	return send(&c->req, rec, len);
}

int svc_respond(struct svc_conn *c, const void *rec, uint32_t len)
{
	return send(&c->rsp, rec, len);
}

int svc_raise(uint32_t bit)
{
	raised |= 1ull << bit;
	return 0;
}

int svc_on_bit(uint32_t bit, svc_handler_fn fn, void *ctx, const char *name)
{
	(void)ctx;
	(void)name;
	assert_true(bit < 24);
	bit_fn[bit] = fn;
	return 0;
}

int svc_ntfn_badged(uint32_t bit, sk_cap_t *out)
{
	(void)bit;
	*out = slot_alloc(1);
	return 0;
}

bool svc_arg(const char *key, char *buf, size_t size)
{
	static const char *const args[][2] = { { "vcpu-priority", "8" },
		{ "vmm-priority", "12" }, { "priority", "20" } };

	for (size_t i = 0; i < ARRAY_SIZE(args); i++)
		if (strcmp(args[i][0], key) == 0)
			return snprintf(buf, size, "%s", args[i][1]) < (int)size;
	return false;
}

sk_cap_t svc_cap(const char *name, uint32_t *count)
{
	if (count)
		*count = 1;
	return strcmp(name, "pool") == 0 ? POOL_SLOT : CTL_SLOT;
}

void caps_count(sk_cap_t cnode, struct caps_count *c)
{
	assert_true(cnode >= 1000);
	*c = (struct caps_count){ 408, 100, 40, 50 };
}

int svc_call_timed(sk_cap_t ep, uint32_t label, uint64_t *mr, uint32_t *n,
	struct svc_caps *caps, uint32_t ms)
{
	assert_true(ms && ms <= 30000);
	return svc_call(ep, label, mr, n, caps);
}

int svc_call(sk_cap_t ep, uint32_t label, uint64_t *mr, uint32_t *n, struct svc_caps *caps)
{
	(void)ep;
	(void)n;
	switch (label) {
	case INIT_SERVICE:
		caps->n_in = 1;
		caps->in[0] = 0;
		for (int s = 0; s < SERVICE_COUNT; s++)
			if (strcmp((const char *)mr, host_service_name((enum service)s)) == 0)
				caps->in[0] = 10 + (sk_cap_t)s;
		assert_true(caps->in[0] != 0);
		mr[0] = 0;
		return 0;
	case INIT_DOMAIN_STATS:
		if (mr[0] > 1)
			return -SK_E_NOT_FOUND;
		mr[8] = mr[1] ? 408 | 300ull << 32 : 0;
		mr[0] = 0;
		mr[1] = 32 << 20;
		mr[2] = 1000000000;
		memcpy(&mr[3], "console", 8);
		mr[7] = 1;
		mr[9] = 120 | 130ull << 32;
		return 0;
	case INIT_POWER:
		world.powered = mr[0] ? 2 : 1;
		return 0;
	default:
		return -SK_E_NO_SYS;
	}
}

/* ---- services' control endpoints: what control's threads hear ---- */

static struct call *given[SERVICE_COUNT];

void caller_give(struct call *c)
{
	assert_null(given[c->service]);
	assert_int_equal(c->endpoint, 10 + c->service);
	assert_true(c->what == CALL_OPEN || (c->ms >= 20 && c->ms <= 200));
	given[c->service] = c;
}

static int open_answer(struct call *c)
{
	if (world.fail_rc && (int)c->service == world.fail_service)
		return world.fail_rc;
	c->opened = (struct svc_open_result){ .number = ++world.opened };
	return 0;
}

static int close_answer(struct call *c)
{
	bool failing = (int)c->service == world.fail_service;

	if (failing && world.hang) {
		world.unheard++;
		return -SK_E_TIMEOUT;
	}
	if (c->what == CALL_PING) {
		world.pings++;
		return 0;
	}
	assert_true(c->number);
	c->result = failing ? world.result : 0;
	world.closed++;
	return 0;
}

static bool calls_serve(void)
{
	bool any = false;

	for (int s = 0; s < SERVICE_COUNT; s++) {
		struct call *c = given[s];

		if (!c || (world.hold && s == world.fail_service))
			continue;
		given[s] = NULL;
		c->rc = c->what == CALL_OPEN ? open_answer(c) : close_answer(c);
		calls_returned((enum service)s);
		guests_run();
		any = true;
	}
	return any;
}

/* ---- libs/proc: VMMs ---- */

struct vmm {
	uint32_t domid;
	bool started;
	void *region;
	struct ring to_control, from_control;
	uint64_t heard; /* message types */
	uint32_t arg;   /* of the last one */
	struct vm_config config;
};
static struct vmm vmm[DOMTAB_MAX];

static struct vmm *vmm_of(uint32_t domid)
{
	for (size_t i = 0; i < DOMTAB_MAX; i++)
		if (vmm[i].domid == domid)
			return &vmm[i];
	return NULL;
}

int proc_image_fetch(sk_cap_t init_ep, struct proc_image *im)
{
	(void)init_ep;
	(void)im;
	return 0;
}

int proc_create(struct proc *p, const struct proc_spec *s)
{
	struct vmm *v = vmm_of(0);

	assert_true(strlen(s->name) < DOMAIN_NAME_MAX);
	assert_int_equal(s->sched.priority, 12);
	*p = (struct proc){ .untyped = s->untyped,
		.cnode = slot_alloc(1),
		.ntfn = slot_alloc(1),
		.sched = slot_alloc(1) };
	world.io_sched = p->sched;
	assert_int_equal(sscanf(s->name, "vmm-%u", &v->domid), 1);
	p->entry = v->domid;
	world.vmms++;
	return 0;
}

void proc_destroy(struct proc *p)
{
	slot_free(p->cnode, 1);
	slot_free(p->ntfn, 1);
	slot_free(p->sched, 1);
	*vmm_of((uint32_t)p->entry) = (struct vmm){ 0 };
	world.vmms--;
}

void proc_stop(struct proc *p) { assert_true(p->cnode); }

int proc_untyped(struct proc *p, uint32_t order, sk_cap_t from)
{
	(void)p;
	return order && from ? 0 : -SK_E_INVAL;
}

int proc_sched(
	struct proc *p, uint32_t slot, sk_cap_t ctl, const struct proc_sched *s, sk_cap_t *own)
{
	(void)p;
	assert_true(slot >= VM_CAP_SCHED && ctl == CTL_SLOT && s->weight >= 1);
	assert_int_equal(s->priority, 8 | SK_SCHED_GUESTS);
	*own = slot_alloc(1);
	return 0;
}

int proc_data(struct proc *p, uint64_t vaddr, const void *data, uint64_t size, uint32_t rights)
{
	(void)rights;
	assert_int_equal(vaddr, VM_CONFIG_VADDR);
	assert_int_equal(size, sizeof(struct vm_config));
	memcpy(&vmm_of((uint32_t)p->entry)->config, data, size);
	return 0;
}

int proc_connect_prepare(struct proc *p, const struct proc_connect *c, struct svc_open_args *a,
	struct proc_connection *out)
{
	assert_int_equal(c->client, p->entry);
	assert_true(strlen(c->name) < 16);
	*a = (struct svc_open_args){
		.proto = c->proto, .params = c->params, .params_len = c->params_len
	};
	*out = (struct proc_connection){ 0 };
	return 0;
}

int proc_connect_finish(struct proc *p, const struct proc_connect *c, bool keep_caps,
	const struct svc_open_args *a, int open_rc, const struct svc_open_result *r,
	struct proc_connection *out)
{
	(void)p;
	assert_int_equal(a->proto, c->proto);
	assert_ptr_equal(a->params, c->params);
	assert_false(keep_caps);
	if (!open_rc)
		out->number = r->number;
	if (!open_rc && world.no_channel && (int)c->endpoint == 10 + world.fail_service)
		return -SK_E_NO_MEM;
	return open_rc;
}

int proc_channel(struct proc *p, const struct proc_channel *c, uint32_t *index)
{
	struct guest *g = guest_of(domtab_get(&guests, (uint32_t)p->entry));
	struct vmm *v = vmm_of((uint32_t)p->entry);

	v->region = g->ctl_region;
	assert_int_equal(ring_init(&v->to_control, v->region, c->req_size, 0), 0);
	assert_int_equal(
		ring_init(&v->from_control, (char *)v->region + c->req_size, c->rsp_size, 0),
		0);
	*index = 5;
	return 0;
}

int proc_start(struct proc *p)
{
	vmm_of((uint32_t)p->entry)->started = true;
	world.started++;
	world.keys_at_start = node_count();
	assert_int_equal(world.introduced, world.started); /* xenstore was complete */
	return 0;
}

int vmm_guard_endpoint(uint32_t domid, sk_cap_t *out)
{
	(void)domid;
	*out = slot_alloc(1);
	return 0;
}

static void vmm_listen(struct vmm *v)
{
	struct vmctl_msg m;

	while (v->region && ring_get(&v->from_control, &m, sizeof(m)) == sizeof(m)) {
		v->heard |= 1ull << m.type;
		v->arg = m.arg;
	}
	if (v->region)
		(void)ring_get_flush(&v->from_control);
}

bool vmm_heard(uint32_t domid, uint16_t type_)
{
	struct vmm *v = vmm_of(domid);
	bool heard;

	if (!v)
		return false;
	vmm_listen(v);
	heard = v->heard & 1ull << type_;
	v->heard &= ~(1ull << type_);
	return heard;
}

uint32_t vmm_heard_arg(uint32_t domid) { return vmm_of(domid)->arg; }

void vmm_says(uint32_t domid, uint16_t type_, uint32_t arg, const void *body, uint16_t len)
{
	struct vmctl_msg m = { .type = type_, .len = len, .arg = arg };
	struct vmm *v = vmm_of(domid);

	assert_true(v && v->started);
	assert_int_equal(ring_put2(&v->to_control, &m, sizeof(m), body, len), 0);
	(void)ring_put_flush(&v->to_control);
	bit_fn[BIT_VMCTL](NULL);
	world_run();
}

bool vmm_babbles(uint32_t domid, uint32_t n)
{
	struct vmctl_msg m = { .type = VMCTL_RUNNING };
	struct vmm *v = vmm_of(domid);

	while (n--)
		assert_int_equal(ring_put(&v->to_control, &m, sizeof(m)), 0);
	(void)ring_put_flush(&v->to_control);
	raised = 0;
	bit_fn[BIT_VMCTL](NULL);
	return raised >> BIT_VMCTL & 1;
}

void vmm_garbage(uint32_t domid)
{
	struct ring_shared *sh = vmm_of(domid)->region;

	sh->prod = 0x12345678;
	bit_fn[BIT_VMCTL](NULL);
	world_run();
}

const struct vm_config *vmm_config(uint32_t domid) { return &vmm_of(domid)->config; }

/* ---- console: lines one by one, as the service gives them ---- */

static char typed[65536];
static size_t n_typed;
static bool asked, told;

static void console_put(uint16_t type_, const char *text, size_t len)
{
	struct console_msg m = { .type = type_, .len = (uint16_t)len };

	assert_int_equal(ring_put2(&console.rsp, &m, sizeof(m), text, (uint32_t)len), 0);
	(void)ring_put_flush(&console.rsp);
}

static void console_record(const struct console_msg *m)
{
	const char *text = (const char *)(m + 1);

	switch (m->type) {
	case CONSOLE_DATA:
		for (uint16_t i = 0; i < m->len && world.n_screen < sizeof(world.screen) - 1;
			i++)
			world.screen[world.n_screen++] = text[i];
		break;
	case CONSOLE_ATTACH:
		assert_false(asked);
		world.attached = m->arg;
		break;
	case CONSOLE_READY:
		assert_false(asked); /* once for each line */
		asked = true;
		told = false;
		if (m->arg) {
			const char *end = memchr(typed, 3, n_typed);
			size_t drop = end ? (size_t)(end - typed) + 1 : n_typed;

			memmove(typed, typed + drop, n_typed -= drop);
		}
		break;
	case CONSOLE_DMESG:
		console_put(CONSOLE_DATA, "booted\nfine\n", 12);
		console_put(CONSOLE_DONE, NULL, 0);
		break;
	default:
		fail();
	}
}

void console_detaches(void)
{
	console_put(CONSOLE_DETACHED, NULL, 0);
	world_run();
}

/* What the shell gets now. */
static bool console_type(void)
{
	size_t n = 0;

	if (!asked && !told && memchr(typed, 3, n_typed)) {
		told = true;
		console_put(CONSOLE_INTERRUPT, NULL, 0);
		return true;
	}
	if (!asked || !n_typed)
		return false;
	while (n < n_typed && n < CONSOLE_CHUNK_MAX && !strchr("\r\n\t", typed[n]))
		n++;
	if (n < n_typed && n < CONSOLE_CHUNK_MAX) {
		n++;
		asked = false;
	}
	console_put(CONSOLE_DATA, typed, n);
	memmove(typed, typed + n, n_typed -= n);
	return true;
}

static bool console_serve(void)
{
	static struct {
		struct console_msg m;
		char text[CONSOLE_CHUNK_MAX];
	} rec;
	bool any = false;

	while (ring_get(&console.req, &rec, sizeof(rec)) >= 0) {
		console_record(&rec.m);
		any = true;
	}
	(void)ring_get_flush(&console.req);
	return any;
}

/* ---- files ---- */

static struct {
	char path[256];
	char *text;
} file[64];
static size_t n_files;

void file_add(const char *path, const char *text)
{
	snprintf(file[n_files].path, sizeof(file[n_files].path), "%s", path);
	file[n_files++].text = strdup(text);
}

static int file_read_data(const char *path, const struct files_req *q, struct files_rsp *r)
{
	size_t len;

	for (size_t i = 0; i < n_files; i++) {
		if (strcmp(file[i].path, path) != 0)
			continue;
		len = strlen(file[i].text);
		if (q->position < len) {
			r->result = len - q->position < q->length ? len - q->position
								  : q->length;
			memcpy(files.data, file[i].text + q->position, r->result);
		}
		return 0;
	}
	return -SK_E_NOT_FOUND;
}

/* Names below a directory, two to an answer. */
static int file_list_data(const char *path, const struct files_req *q, struct files_rsp *r)
{
	size_t i, len = strlen(path), at = 0, seen = 0;
	const char *name;

	for (i = n_files; i-- > 0;) {
		name = file[i].path + len + 1;
		if (strncmp(file[i].path, path, len) != 0 || file[i].path[len] != '/' ||
			strchr(name, '/'))
			continue;
		if (seen++ < q->position || r->result == 2)
			continue;
		struct files_dirent e = { .size = strlen(file[i].text),
			.type = FILES_REGULAR,
			.name_len = (uint16_t)strlen(name),
			.record_len = 64 };
		memcpy(files.data + at, &e, sizeof(e));
		memcpy(files.data + at + sizeof(e), name, strlen(name));
		at += e.record_len;
		r->result++;
	}
	return seen ? 0 : -SK_E_NOT_FOUND;
}

static bool files_serve(void)
{
	struct {
		struct files_req q;
		char path[FILES_PATH_MAX + 1];
	} rec;
	bool any = false;
	int n;

	while ((n = ring_get(&files.req, &rec, sizeof(rec) - 1)) >= 0) {
		struct files_rsp r = { .id = rec.q.id };

		rec.path[rec.q.path_len] = '\0';
		if (rec.q.op == FILES_READ)
			r.status = file_read_data(rec.path, &rec.q, &r);
		else
			r.status = file_list_data(rec.path, &rec.q, &r);
		assert_int_equal(ring_put(&files.rsp, &r, sizeof(r)), 0);
		(void)ring_put_flush(&files.rsp);
		any = true;
	}
	(void)ring_get_flush(&files.req);
	return any;
}

/* ---- xenstore ---- */

static struct {
	char path[256], value[4096], perms[64];
} nodes[2048];
static size_t n_nodes;

static size_t node_find(const char *path)
{
	for (size_t i = 0; i < n_nodes; i++)
		if (strcmp(nodes[i].path, path) == 0)
			return i;
	return SIZE_MAX;
}

const char *node_value(const char *path)
{
	size_t i = node_find(path);

	return i == SIZE_MAX ? NULL : nodes[i].value;
}

const char *node_perms(const char *path)
{
	size_t i = node_find(path);

	return i == SIZE_MAX ? NULL : nodes[i].perms;
}

size_t node_count(void) { return n_nodes; }

static size_t node_make(const char *path)
{
	size_t i = node_find(path);

	if (i != SIZE_MAX)
		return i;
	assert_true(n_nodes < 2048);
	memset(&nodes[n_nodes], 0, sizeof(nodes[0]));
	snprintf(nodes[n_nodes].path, sizeof(nodes[0].path), "%s", path);
	return n_nodes++;
}

static void node_remove(const char *path)
{
	size_t i, len = strlen(path);

	for (i = 0; i < n_nodes;) {
		if (strncmp(nodes[i].path, path, len) == 0 &&
			(!nodes[i].path[len] || nodes[i].path[len] == '/'))
			nodes[i] = nodes[--n_nodes];
		else
			i++;
	}
}

/* Children of a path, also where only grandchildren were written. */
static uint32_t node_children(const char *path, char *out)
{
	size_t i, len = strcmp(path, "/") == 0 ? 0 : strlen(path);
	uint32_t used = 0, at;

	for (i = 0; i < n_nodes; i++) {
		char name[256];

		if (strncmp(nodes[i].path, path, len) != 0 || nodes[i].path[len] != '/')
			continue;
		snprintf(name, sizeof(name), "%.*s", (int)strcspn(nodes[i].path + len + 1, "/"),
			nodes[i].path + len + 1);
		for (at = 0; at < used && strcmp(out + at, name) != 0;
			at += (uint32_t)strlen(out + at) + 1)
			continue;
		if (at < used)
			continue;
		strcpy(out + used, name);
		used += (uint32_t)strlen(name) + 1;
	}
	return used;
}

static const char *store_change(
	uint32_t type_, const char *path, const char *rest, uint32_t rest_len)
{
	size_t i;

	switch (type_) {
	case XS_WRITE:
		i = node_make(path);
		snprintf(nodes[i].value, sizeof(nodes[i].value), "%.*s", (int)rest_len, rest);
		return NULL;
	case XS_MKDIR:
		(void)node_make(path);
		return NULL;
	case XS_SET_PERMS:
		i = node_make(path);
		assert_true(rest_len < sizeof(nodes[i].perms));
		memcpy(nodes[i].perms, rest, rest_len);
		for (uint32_t k = 0; k + 1 < rest_len; k++)
			if (!nodes[i].perms[k])
				nodes[i].perms[k] = ',';
		return NULL;
	case XS_RM:
		node_remove(path);
		return NULL;
	case XS_INTRODUCE:
		if (world.refuse_introduce)
			return "EINVAL";
		world.introduced++;
		return NULL;
	case XS_RELEASE:
		world.released++;
		return NULL;
	default:
		return "ENOSYS";
	}
}

static uint32_t store_answer(
	const struct xsd_sockmsg *h, const char *path, char *out, const char **err)
{
	uint32_t n = (uint32_t)strlen(path) + 1;

	if (h->type == XS_DIRECTORY)
		return node_children(path, out);
	if (h->type == XS_READ || h->type == XS_GET_PERMS) {
		char probe[4096];

		if (node_find(path) == SIZE_MAX && strcmp(path, "/") != 0 &&
			!node_children(path, probe)) {
			*err = "ENOENT";
			return 0;
		}
		if (node_find(path) == SIZE_MAX)
			return 0;
		strcpy(out, h->type == XS_READ ? nodes[node_find(path)].value
					       : nodes[node_find(path)].perms);
		return (uint32_t)strlen(out) + (h->type == XS_GET_PERMS);
	}
	if (h->type == XS_CONTROL) {
		assert_string_equal(path, "quota");
		if (world.no_quota)
			*err = "ENOENT";
		return (uint32_t)sprintf(out,
			"%s: 12 nodes, 3456 bytes, %u refused, the last for nodes\n", path + n,
			world.refused);
	}
	*err = store_change(h->type, path, path + n, h->len - n);
	strcpy(out, "OK");
	return 3;
}

static bool xs_serve(void)
{
	static struct {
		struct xs_native native;
		struct xsd_sockmsg h;
		char payload[4096 + 1];
	} rec, rsp;
	const char *err;
	bool any = false;
	int n;

	while ((n = ring_get(&xs.req, &rec, sizeof(rec) - 1)) >= 0) {
		assert_int_equal((size_t)n, sizeof(rec.native) + sizeof(rec.h) + rec.h.len);
		assert_int_equal(rec.native.role, XS_ROLE_DOM0);
		rec.payload[rec.h.len] = '\0';
		err = NULL;
		rsp = rec;
		rsp.h.len = store_answer(&rec.h, rec.payload, rsp.payload, &err);
		if (err) {
			rsp.h.type = XS_ERROR;
			strcpy(rsp.payload, err);
			rsp.h.len = (uint32_t)strlen(err) + 1;
		}
		assert_int_equal(
			ring_put(&xs.rsp, &rsp,
				(uint32_t)(sizeof(rsp.native) + sizeof(rsp.h)) + rsp.h.len),
			0);
		(void)ring_put_flush(&xs.rsp);
		any = true;
	}
	(void)ring_get_flush(&xs.req);
	return any;
}

/* ---- all together ---- */

void world_run(void)
{
	bool any;

	do {
		while (raised) {
			uint32_t bit = (uint32_t)__builtin_ctzll(raised);

			raised &= raised - 1;
			bit_fn[bit](NULL);
		}
		console.fn(console.ctx);
		xs.fn(xs.ctx);
		files.fn(files.ctx);
		any = calls_serve();
		any = console_serve() || any;
		any = console_type() || any;
		any = files_serve() || any;
		any = xs_serve() || any;
		any = timers_due() || any;
	} while (any);
}

static void log_nowhere(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)text;
	(void)len;
}
const struct out log_out = { .write = log_nowhere };

void guest_log(uint32_t domid, const char *fmt, ...)
{
	size_t len = strlen(world.log), room = sizeof(world.log) - len;
	va_list ap;

	if (room < 512)
		len = 0;
	world.log_about = domid;
	va_start(ap, fmt);
	vsnprintf(world.log + len, sizeof(world.log) - len, fmt, ap);
	va_end(ap);
}

void world_init(void)
{
	guests_init();
	shell_init();
	assert_int_equal(host_init(), 0);
	assert_int_equal(guest_pool_init(), 0);
	assert_int_equal(term_init(), 0);
	assert_int_equal(xs_client_init(), 0);
	assert_int_equal(files_client_init(), 0);
	assert_int_equal(vmctl_init(), 0);
	calls_init();
	auto_start(shell_open);
	world_run();
}

void type(const char *keys)
{
	memset(world.screen, 0, sizeof(world.screen));
	world.n_screen = 0;
	assert_true(strlen(keys) <= sizeof(typed) - n_typed);
	memcpy(typed + n_typed, keys, strlen(keys));
	n_typed += strlen(keys);
	world_run();
}

bool screen_has(const char *text) { return strstr(world.screen, text) != NULL; }
