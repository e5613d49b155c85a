/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * pv.c - a guest's side of the Xen ABI, limited to what tests need
 *
 * Objects     the pages of console and xenstore, where the host put them; shared info and grant
 *             table, which replace two of our own pages.
 * Lifecycle   pv_init(), then pv_devices_init() if the guest needs more than a console.
 */
#include "pv.h"

#include <stdarg.h>
#include <xen/arch-x86/hvm/start_info.h>
#include <xen/hvm/hvm_op.h>
#include <xen/hvm/params.h>
#include <xen/memory.h>
#include <xen/sched.h>

bool on_intel;
struct xencons_interface *pv_console;
static evtchn_port_t console_port;
/* As the host gave it; the page that had it is overwritten. */
static struct vcpu_time_info clock;
union pv_shared_page pv_shared_page PAGE_ALIGNED;
struct grant_entry_v1 pv_grant[GRANTS] PAGE_ALIGNED;
struct xenstore_domain_interface *pv_store;
evtchn_port_t pv_store_port;
unsigned int pv_watch_events;
char pv_answer[XENSTORE_PAYLOAD_MAX + 1];

_Static_assert(sizeof(pv_grant) == PAGE, "a page of grants");

/* ---- small things ---- */

void *memcpy(void *to, const void *from, unsigned long n)
{
	void *d = to;

	__asm__ volatile("rep movsb" : "+D"(d), "+S"(from), "+c"(n) : : "memory");
	return to;
}

void *memset(void *to, int c, unsigned long n)
{
	void *d = to;

	__asm__ volatile("rep stosb" : "+D"(d), "+c"(n) : "a"(c) : "memory");
	return to;
}

int memcmp(const void *a, const void *b, unsigned long n)
{
	const uint8_t *p = a, *q = b;

	for (; n; n--, p++, q++)
		if (*p != *q)
			return *p - *q;
	return 0;
}

unsigned long strlen(const char *s)
{
	unsigned long n = 0;

	while (s[n])
		n++;
	return n;
}

int strcmp(const char *a, const char *b)
{
	for (; *a && *a == *b; a++, b++)
		continue;
	return *a - *b;
}

uint32_t random32(void)
{
	static uint64_t x = 0x9e3779b97f4a7c15ull;

	x ^= x << 13;
	x ^= x >> 7;
	x ^= x << 17;
	return (uint32_t)(x >> 16);
}

uint64_t pv_ticks(void)
{
	uint32_t low, high;

	__asm__ volatile("lfence; rdtsc" : "=a"(low), "=d"(high));
	return (uint64_t)high << 32 | low;
}

/* ---- start, console ---- */

uint64_t pv_param(uint32_t index)
{
	struct xen_hvm_param p = { .domid = DOMID_SELF, .index = index };

	return hypercall(__HYPERVISOR_hvm_op, HVMOP_get_param, &p) ? 0 : p.value;
}

void pv_init(void)
{
	uint32_t a = 0, b, c = 0, d;

	__asm__ volatile("cpuid" : "+a"(a), "=b"(b), "+c"(c), "=d"(d));
	on_intel = b == 0x756e6547; /* "Genu" */
	pv_console = (struct xencons_interface *)(pv_param(HVM_PARAM_CONSOLE_PFN) * PAGE);
	console_port = (evtchn_port_t)pv_param(HVM_PARAM_CONSOLE_EVTCHN);
}

const char *pv_option(uint64_t start_info, const char *name)
{
	static char value[64];
	const struct hvm_start_info *si = (const struct hvm_start_info *)start_info;
	const char *s = (const char *)si->cmdline_paddr;
	unsigned long n = strlen(name), i;

	for (; *s; s++) {
		if (memcmp(s, name, n) || s[n] != '=')
			continue;
		s += n + 1;
		for (i = 0; s[i] && s[i] != ' ' && i < sizeof(value) - 1; i++)
			value[i] = s[i];
		value[i] = 0;
		return value;
	}
	return 0;
}

void pv_console_notify(void) { pv_notify(console_port); }

static void put_char(char c)
{
	volatile XENCONS_RING_IDX *cons = &pv_console->out_cons;

	while (pv_console->out_prod - *cons >= sizeof(pv_console->out))
		hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
	pv_console->out[MASK_XENCONS_IDX(pv_console->out_prod, pv_console->out)] = c;
	__asm__ volatile("" : : : "memory");
	pv_console->out_prod++;
}

static void put(const char *s)
{
	for (; *s; s++) {
		if (*s == '\n')
			put_char('\r');
		put_char(*s);
		if (*s == '\n')
			pv_console_notify();
	}
}

static const char *number(uint64_t v, unsigned int base)
{
	static char digits[21];
	unsigned int n = sizeof(digits) - 1;

	do
		digits[--n] = "0123456789abcdef"[v % base];
	while (v /= base);
	return digits + n;
}

void say(const char *fmt, ...)
{
	va_list ap;
	int v;

	va_start(ap, fmt);
	for (; *fmt; fmt++) {
		if (*fmt != '%') {
			put((const char[]){ *fmt, 0 });
			continue;
		}
		switch (*++fmt) {
		case 's':
			put(va_arg(ap, const char *));
			break;
		case 'd':
			v = va_arg(ap, int);
			put(v < 0 ? "-" : "");
			put(number((uint64_t)(v < 0 ? -(int64_t)v : v), 10));
			break;
		case 'u':
			put(number(va_arg(ap, unsigned int), 10));
			break;
		default:
			put(number(va_arg(ap, unsigned int), 16));
			break;
		}
	}
	va_end(ap);
}

void pv_shutdown(unsigned int reason)
{
	struct sched_shutdown off = { .reason = reason };

	hypercall(__HYPERVISOR_sched_op, SCHEDOP_shutdown, &off);
}

/* ---- event channels and grants ---- */

static bool map(unsigned int space, void *page)
{
	struct xen_add_to_physmap m = {
		.domid = DOMID_SELF, .space = space, .gpfn = (uintptr_t)page / PAGE
	};

	return hypercall(__HYPERVISOR_memory_op, XENMEM_add_to_physmap, &m) == 0;
}

/* All channels are masked, because an interrupt request would end each wait at once. */
void pv_shared_reset(void)
{
	memset(&pv_shared, 0, PAGE);
	memset(pv_shared.evtchn_mask, 0xff, sizeof(pv_shared.evtchn_mask));
}

bool pv_devices_init(void)
{
	pv_store = (struct xenstore_domain_interface *)(pv_param(HVM_PARAM_STORE_PFN) * PAGE);
	pv_store_port = (evtchn_port_t)pv_param(HVM_PARAM_STORE_EVTCHN);
	if (!map(XENMAPSPACE_shared_info, &pv_shared) ||
		!map(XENMAPSPACE_grant_table, pv_grant))
		return false;
	clock = pv_shared.vcpu_info[0].time;
	pv_shared_reset();
	return true;
}

evtchn_port_t pv_port_new(void)
{
	struct evtchn_alloc_unbound a = { .dom = DOMID_SELF, .remote_dom = 0 };

	return hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_alloc_unbound, &a) ? 0
										    : a.port;
}

void pv_port_close(evtchn_port_t port)
{
	struct evtchn_close c = { .port = port };

	hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_close, &c);
}

void pv_notify(evtchn_port_t port)
{
	struct evtchn_send send = { .port = port };

	hypercall(__HYPERVISOR_event_channel_op, EVTCHNOP_send, &send);
}

bool pv_restless;

uint64_t pv_now(void)
{
	uint64_t ticks = pv_ticks() - clock.tsc_timestamp;

	ticks = clock.tsc_shift < 0 ? ticks >> -clock.tsc_shift : ticks << clock.tsc_shift;
	return clock.system_time +
	       (uint64_t)(((unsigned __int128)ticks * clock.tsc_to_system_mul) >> 32);
}

/* n ports or none; 0: no end of the wait. */
static void poll(evtchn_port_t *port, uint32_t n, uint64_t until)
{
	struct sched_poll p = { .nr_ports = n, .timeout = until };

	set_xen_guest_handle(p.ports, port);
	if (!pv_restless)
		hypercall(__HYPERVISOR_sched_op, SCHEDOP_poll, &p);
}

static bool event_taken(evtchn_port_t port)
{
	xen_ulong_t bit = 1ul << port % 64;

	return __atomic_fetch_and(
		       &pv_shared.evtchn_pending[port / 64], ~bit, __ATOMIC_SEQ_CST) &
	       bit;
}

void pv_wait(evtchn_port_t port)
{
	while (!event_taken(port))
		poll(&port, 1, 0);
}

bool pv_wait_until(evtchn_port_t port, uint64_t ns)
{
	while (!event_taken(port)) {
		if (pv_now() >= ns)
			return false;
		poll(&port, 1, ns);
	}
	return true;
}

void pv_sleep_until(uint64_t ns)
{
	while (pv_now() < ns)
		poll(0, 0, ns);
}

void pv_grant_set(uint32_t ref, const void *page, uint16_t flags)
{
	pv_grant[ref].frame = (uint32_t)((uintptr_t)page / PAGE);
	pv_grant[ref].domid = 0;
	barrier();
	pv_grant[ref].flags = flags;
}

/* ---- xenstore ---- */

void pv_store_send(const void *data, uint32_t len)
{
	const char *p = data;

	for (; len; len--, p++) {
		while (pv_store->req_prod - *(volatile uint32_t *)&pv_store->req_cons >=
			XENSTORE_RING_SIZE) {
			pv_notify(pv_store_port);
			hypercall(__HYPERVISOR_sched_op, SCHEDOP_yield, 0);
		}
		pv_store->req[MASK_XENSTORE_IDX(pv_store->req_prod)] = *p;
		barrier();
		pv_store->req_prod++;
	}
	pv_notify(pv_store_port);
}

static void receive(void *data, uint32_t len)
{
	char *p = data;

	for (; len; len--, p++) {
		while (*(volatile uint32_t *)&pv_store->rsp_prod == pv_store->rsp_cons) {
			pv_notify(pv_store_port); /* there is room again */
			pv_wait(pv_store_port);
		}
		barrier();
		*p = pv_store->rsp[MASK_XENSTORE_IDX(pv_store->rsp_cons)];
		barrier();
		pv_store->rsp_cons++;
	}
}

int pv_store_talk(uint32_t type, const void *body, uint32_t len)
{
	struct xsd_sockmsg h = { .type = type, .len = len };

	pv_store_send(&h, sizeof(h));
	pv_store_send(body, len);
	for (;;) {
		receive(&h, sizeof(h));
		receive(pv_answer, h.len < sizeof(pv_answer) ? h.len : 0);
		pv_answer[h.len < sizeof(pv_answer) ? h.len : 0] = 0;
		if (h.type != XS_WATCH_EVENT)
			return h.type == XS_ERROR ? -1 : (int)h.len;
		pv_watch_events++;
	}
}

/* Most bodies have the form TEXT, zero byte, MORE; with `zero`, another zero byte follows. */
static int talk2(uint32_t type, const char *text, const char *more, bool zero)
{
	char body[XS_TEXT];
	unsigned long n = strlen(text) + 1, m = strlen(more);

	if (n + m + 1 > sizeof(body))
		return -1;
	memcpy(body, text, n);
	memcpy(body + n, more, m + 1);
	return pv_store_talk(type, body, (uint32_t)(n + m + zero));
}

bool pv_store_write(const char *path, const char *value)
{
	return talk2(XS_WRITE, path, value, false) >= 0;
}

bool pv_store_write_number(const char *path, uint32_t value)
{
	return pv_store_write(path, number(value, 10));
}

const char *pv_store_read(const char *path)
{
	return pv_store_talk(XS_READ, path, (uint32_t)strlen(path) + 1) < 0 ? 0 : pv_answer;
}

bool pv_store_watch(const char *path, const char *token)
{
	return talk2(XS_WATCH, path, token, true) >= 0;
}

void pv_store_reconnect(void)
{
	pv_store->connection = XENSTORE_RECONNECT;
	barrier();
	while (*(volatile uint32_t *)&pv_store->connection != XENSTORE_CONNECTED) {
		pv_notify(pv_store_port);
		pv_wait(pv_store_port);
	}
}

/* ---- xenbus ---- */

static void join(char *out, unsigned long size, const char *a, const char *b)
{
	unsigned long n = strlen(a), m = strlen(b);

	if (n + m + 2 > size)
		n = m = 0;
	memcpy(out, a, n);
	out[n] = '/';
	memcpy(out + n + 1, b, m);
	out[n + 1 + m] = 0;
}

bool pv_device_open(struct pv_device *d, const char *front)
{
	char path[XS_TEXT];

	memcpy(d->front, front, strlen(front) + 1);
	join(path, sizeof(path), front, "backend");
	if (!pv_store_read(path))
		return false;
	join(d->back_state, sizeof(d->back_state), pv_answer, "state");
	pv_device_watch(d);
	return true;
}

void pv_device_watch(struct pv_device *d) { pv_store_watch(d->back_state, "state"); }

void pv_device_put_text(struct pv_device *d, const char *key, const char *value)
{
	char path[XS_TEXT];

	join(path, sizeof(path), d->front, key);
	pv_store_write(path, value);
}

void pv_device_put(struct pv_device *d, const char *key, uint32_t value)
{
	pv_device_put_text(d, key, number(value, 10));
}

void pv_device_remove(struct pv_device *d, const char *key)
{
	char path[XS_TEXT];

	join(path, sizeof(path), d->front, key);
	pv_store_talk(XS_RM, path, (uint32_t)strlen(path) + 1);
}

void pv_device_state(struct pv_device *d, enum xenbus_state state)
{
	pv_device_put(d, "state", state);
}

bool pv_device_is(struct pv_device *d, enum xenbus_state state)
{
	const char *now = pv_store_read(d->back_state);

	return now && now[0] == '0' + (char)state && !now[1];
}

bool pv_device_wait(struct pv_device *d, enum xenbus_state state)
{
	for (;;) {
		unsigned int seen = pv_watch_events;
		const char *now = pv_store_read(d->back_state);
		char text[2] = { (char)('0' + state), 0 };

		if (now && !strcmp(now, text))
			return true;
		if (now && state == XenbusStateConnected && (now[0] == '5' || now[0] == '6'))
			return false;
		if (seen != pv_watch_events)
			continue;
		/* An event will come: it ends the wait, and the next read takes it. */
		if (*(volatile uint32_t *)&pv_store->rsp_prod == pv_store->rsp_cons)
			pv_wait(pv_store_port);
	}
}

void pv_device_reset(struct pv_device *d)
{
	pv_device_state(d, XenbusStateClosed);
	pv_device_wait(d, XenbusStateClosed);
	pv_device_state(d, XenbusStateInitialising);
	pv_device_wait(d, XenbusStateInitWait);
}
