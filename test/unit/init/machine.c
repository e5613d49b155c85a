/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * machine.c - a manifest of seven domains on a kernel that the test plays: see machine.h
 */
#define _GNU_SOURCE
#include "machine.h"

#include <stdlib.h>
#include <unistd.h>

#include "caps/internal.h"
#include "rt/thread.h"

int domain_main(void);

/* ---- the manifest ---- */
struct test_manifest man = {
	.h = { MANIFEST_MAGIC, MANIFEST_VERSION, sizeof(man), DOMAINS, 7, 9, "bin/vmm" },
	.d = {
		[PLATFORM] = { .name = "platform", .flags = MANIFEST_PLATFORM, .first_cap = 0,
			.n_caps = 3, .args = "p=1\n" },
		[UART] = { .name = "uart", .serves = SVC_PROTO_UART,
			.dev = { MANIFEST_PORTS, 0, "uart", .n_irqs = 1, .port = 0x3f8,
				.n_ports = 8, .gsi = 4 } },
		[CONSOLE] = { .name = "console", .serves = SVC_PROTO_CONSOLE, .first_cap = 3,
			.n_caps = 2, .first_channel = 0, .n_channels = 1 },
		[DISK] = { .name = "disk", .serves = SVC_PROTO_BLK, .first_channel = 1,
			.n_channels = 1,
			.dev = { MANIFEST_PCI, MANIFEST_DMA, "disk", 0x1af4, 0x1042, UINT32_MAX,
				0, 2, 0, 0, 0 } },
		[NIC] = { .name = "nic", .serves = SVC_PROTO_NET, .flags = MANIFEST_OPTIONAL,
			.dev = { MANIFEST_PCI, MANIFEST_DMA, "nic", 0x1af4, 0x1041, UINT32_MAX, 0,
				1, 0, 0, 0 } },
		[STORAGE] = { .name = "storage", .serves = SVC_PROTO_BLK, .first_channel = 2,
			.n_channels = 2, .args = "s=1\n" },
		[CONTROL] = { .name = "control", .flags = MANIFEST_BUILDER,
			.services = 1u << CONSOLE | 1u << STORAGE, .first_cap = 5, .n_caps = 4,
			.first_channel = 4, .n_channels = 3, .cpu = 5 },
	},
	.c = {
		{ "uart", UART, SVC_PROTO_UART, 0, 0, UINT64_MAX, { 0 } },
		{ "log", CONSOLE, SVC_PROTO_LOG, 0, 3, UINT64_MAX, "abc" },
		{ "log", CONSOLE, SVC_PROTO_LOG, 0, 0, UINT64_MAX, { 0 } },
		{ "disk0", DISK, SVC_PROTO_BLK, 0, 0, 1 << 16, { 0 } },
		{ "console", CONSOLE, SVC_PROTO_CONSOLE, MANIFEST_CHANNEL_CONTROL, 0, UINT64_MAX,
			{ 0 } },
		{ "journal", MANIFEST_NONE, 0, 0, 0, 1 << 15, { 0 } },
		{ "blk", STORAGE, SVC_PROTO_BLK, MANIFEST_CHANNEL_OPTIONAL, 0, 1 << 16, { 0 } },
	},
	.cap = {
		{ "irq", MANIFEST_CAP_CTL_IRQ, 0, 0, 0 },
		{ "ports", MANIFEST_CAP_PORTS, 0x400, 0xcff, 0 },
		{ "mem", MANIFEST_CAP_DEVICE_MEMORY, 0, 0, 0 },
		{ "klog", MANIFEST_CAP_KLOG, 0, 0, 0 },
		{ "log", MANIFEST_CAP_CTL_LOG, 0, 0, 0 },
		{ "sched", MANIFEST_CAP_CTL_SCHED, 0, 0, 0 },
		{ "cmos", MANIFEST_CAP_PORTS, 0x70, 0x71, 0 },
		{ "last", MANIFEST_CAP_KEPT_OBJECTS, 0, 0, 0 },
		{ "pool", MANIFEST_CAP_GUEST_MEMORY, 0, 0, 0 },
	},
};

static void manifest_fill(void)
{
	for (unsigned int i = 0; i < DOMAINS; i++) {
		if (!man.d[i].binary[0])
			strcpy(man.d[i].binary, "bin/prog");
		man.d[i].priority = 10 + i;
		man.d[i].weight = 256;
		man.d[i].cnode_order = i == PLATFORM ? 17 : 15;
		man.d[i].stack_order = 14;
		man.d[i].n_untyped = 1;
		man.d[i].untyped_order[0] = 14;
	}
}

/* ---- the boot archive ---- */
static uint8_t archive[ARCHIVE_SIZE];
static size_t archive_used = 4096;

/* File data starts on a page, because names are padded with zeros. */
static void archive_add(const char *name, const void *data, size_t size)
{
	size_t pages = (archive_used + 110 + strlen(name) + 1 + 4095) & ~4095ul;
	char head[111];

	snprintf(head, sizeof(head),
		"070701%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x%08x", 1, 0100444, 0, 0,
		1, 0, (unsigned int)size, 0, 0, 0, 0,
		(unsigned int)(pages - archive_used - 110), 0);
	memcpy(archive + archive_used, head, 110);
	strcpy((char *)archive + archive_used + 110, name);
	memcpy(archive + pages, data, size);
	archive_used = (pages + size + 3) & ~3ul;
}

static void put(uint8_t *p, size_t at, uint64_t v, size_t n) { memcpy(p + at, &v, n); }

uint64_t large_bss = SK_PAGE_SIZE;

static void archive_make(void)
{
	struct sk_archive *a = (struct sk_archive *)archive;
	static uint8_t elf[0x1800] = "\177ELF\2\1\1";

	put(elf, 16, 2 | 62 << 16, 4);
	put(elf, 24, 0x10000010, 8);
	put(elf, 32, 64, 8);
	put(elf, 54, 56 | 1 << 16, 4);
	put(elf, 64, 1 | 5ull << 32, 8);
	put(elf, 80, 0x10000000, 8);
	put(elf, 96, sizeof(elf), 8);
	put(elf, 104, sizeof(elf), 8);
	archive_add("manifest.bin", &man, sizeof(man));
	archive_add("bin/prog", elf, sizeof(elf));
	archive_add("bin/vmm", elf, sizeof(elf));
	put(elf, 54, 56 | 2 << 16, 4);
	put(elf, 120, 1 | 6ull << 32, 8);
	put(elf, 136, 0x11000000, 8);
	put(elf, 160, large_bss, 8);
	archive_add("bin/large", elf, sizeof(elf));
	archive_add("volume.img", elf, 5000);
	archive_add("TRAILER!!!", "", 0);
	a->magic = SK_ARCHIVE_MAGIC;
	a->files_offset = 4096;
	a->files_size = archive_used - 4096;
}

/* ---- the machine ---- */
void machine(void)
{
	struct sk_bootinfo *bi;
	struct kern_object *f;

	manifest_fill();
	archive_make();
	kern.root = true;
	kern_start(SLOTS + 1);
	bi = kern_boot();
	kern_info()->tsc_hz = 1000000000;
	kern_info()->n_cpus = 2;
	(void)kern_object(SK_CAP_CTL_SCHED, SK_OBJ_CTL_SCHED);
	(void)kern_object(SK_CAP_CTL_IRQ, SK_OBJ_CTL_IRQ);
	(void)kern_object(SK_CAP_IOPORT, SK_OBJ_IOPORT);
	kern_own(SK_CAP_IOPORT)->badge = 0xffffull << 16;
	(void)kern_object(SK_CAP_CTL_IO, SK_OBJ_CTL_IO);
	(void)kern_object(SK_CAP_CTL_LOG, SK_OBJ_CTL_LOG);
	(void)kern_frame(SK_CAP_INFO, 12);
	(void)kern_frame(SK_CAP_KLOG, 13);
	kern_own(SK_CAP_INFO)->rights = kern_own(SK_CAP_KLOG)->rights = SK_R | SK_GRANT;
	bi->first_free_slot = FIRST_FREE;
	bi->n_slots = SLOTS;
	bi->rsdp = 0xf1234;
	bi->archive_size = archive_used;
	bi->n_archive = 2;
	for (uint32_t i = 0; i < 2; i++) {
		bi->archive[i] = (struct sk_boot_frame){ ARCHIVE_SLOT + i, 17 - i };
		f = kern_frame(ARCHIVE_SLOT + i, 17 - i);
		kern_own(ARCHIVE_SLOT + i)->rights = SK_R | SK_EXEC | SK_GRANT;
		memcpy(kern.phys + f->paddr, archive + i * (1 << 17), 1 << (17 - i));
	}
	bi->n_untyped = 4;
	bi->untyped[0] = (struct sk_boot_untyped){ DEVICE_SLOT, 20, SK_BOOT_DEVICE, 0x100000 };
	bi->untyped[1] = (struct sk_boot_untyped){ RAM_SLOT, 24, 0, 0 };
	bi->untyped[2] = (struct sk_boot_untyped){ DEVICE_SLOT + 1, 16, SK_BOOT_DEVICE,
		0x80000 };
	bi->untyped[3] = (struct sk_boot_untyped){ RAM_SLOT + 1, 23, 0, 0 };
	(void)kern_device(DEVICE_SLOT, 20, 0x100000);
	(void)kern_device(DEVICE_SLOT + 1, 16, 0x80000);
	(void)kern_untyped(RAM_SLOT, 24);
	(void)kern_untyped(RAM_SLOT + 1, 23);
	assert_int_equal(caps_init(), 0);
}

/* ---- services ---- */
struct peer peer = { .bar_order = 12, .n_pieces = 2, .deaf = DOMAINS };

static unsigned int service_of(const struct kern_object *ep)
{
	for (unsigned int i = 0; i < DOMAINS; i++)
		if (domains[i].service && kern_own(domains[i].service)->obj == ep)
			return i;
	abort();
}

static struct kern_cap made(uint32_t type, uint32_t rights, uint64_t badge)
{
	static sk_cap_t slot = SLOTS - 1;

	return (struct kern_cap){
		.obj = kern_object(slot--, type), .rights = rights, .badge = badge
	};
}

static void answer(struct kern_msg *m, int rc, uint32_t n)
{
	m->mr[0] = (uint64_t)(int64_t)rc;
	m->n = rc ? 1 : n;
}

static void platform_answers(struct kern_msg *m)
{
	switch (m->label) {
	case PLATFORM_CLAIM:
		peer.claims++;
		assert_int_equal(m->n, 4);
		if ((m->mr[0] & 0xffff0000) != 0x10420000) {
			answer(m, -SK_E_NOT_FOUND, 1);
			return;
		}
		assert_int_equal(m->mr[0], 0x10421af4);
		assert_int_equal(m->mr[1], UINT64_MAX);
		assert_int_equal(m->mr[3], 2);
		memset(m->mr, 0, sizeof(m->mr));
		m->mr[1] = HANDLE;
		m->mr[2] = 0x10421af4 | (uint64_t)RID << 32;
		m->mr[3] = 2;
		m->mr[4 + 1] = BAR_SIZE;
		m->mr[10] = 0x77;
		answer(m, peer.claim_rc, 42);
		return;
	case PLATFORM_BAR:
		assert_int_equal(m->mr[0], HANDLE);
		assert_int_equal(m->mr[1], 1);
		m->mr[3] = peer.bar_order;
		m->mr[1] = peer.n_pieces;
		m->mr[2] = m->mr[2] ? 0x2000 : peer.bar_offset;
		answer(m, peer.bar_rc, 4);
		if (peer.bar_rc || peer.no_caps)
			return;
		m->out[m->n_out++] = made(SK_OBJ_FRAME, SK_ALL, 0);
		peer.bar_frame = m->out[0].obj;
		if (peer.extra_cap)
			m->out[m->n_out++] = made(SK_OBJ_FRAME, SK_ALL, 0);
		return;
	case PLATFORM_VECTOR:
		assert_int_equal(m->mr[0], HANDLE);
		assert_int_equal(m->mr[2], domains[DISK].message[m->mr[1]].addr);
		assert_int_equal(m->mr[3], own(domains[DISK].message[m->mr[1]].irq)->gsi);
		assert_int_equal(own(domains[DISK].message[m->mr[1]].irq)->rid, RID);
		answer(m, peer.irq_rc, 1);
		return;
	case PLATFORM_QUIESCE:
		assert_int_equal(m->mr[0], HANDLE);
		answer(m, 0, 1);
		return;
	case PLATFORM_RESET:
		assert_int_equal(m->mr[0], HANDLE);
		assert_int_equal(m->n, 33);
		assert_int_equal(m->mr[1], 0x77); /* what it said at the claim */
		m->mr[1] = PLATFORM_RESET_FLR;
		if (peer.at_reset)
			peer.at_reset();
		answer(m, peer.reset_rc, 2);
		return;
	case PLATFORM_WALLCLOCK:
		m->mr[1] = 5555;
		answer(m, peer.clock_rc, 2);
		return;
	case PLATFORM_POWER:
		peer.powers++;
		peer.power_arg = m->mr[0];
		answer(m, -SK_E_IO, 1);
		return;
	default:
		abort();
	}
}

/* It ends in a call, and the call with it. */
static const struct domain *dying;

static long call_dies(unsigned int s)
{
	const unsigned int before = kern.calls[SK_SYS_THREAD_SUSPEND];
	const bool stopped = kern.utcb.deadline == SK_POLL;

	peer.dies[s]--;
	dying = &domains[s];
	post_receive();
	assert_int_equal(kern.calls[SK_SYS_THREAD_SUSPEND], before + 1);
	assert_true(own(SK_CAP_THREAD)->runs);
	assert_false(stopped);
	assert_true(kern.utcb.deadline == SK_POLL); /* for a call that has not begun */
	return -SK_E_AGAIN;
}

static long called(struct kern_msg *m)
{
	unsigned int s = service_of(m->ep);

	assert_int_equal(m->badge, SVC_BADGE_INIT);
	assert_true(m->deadline != SK_NO_DEADLINE);
	assert_true(peer.n_asked < EVENTS);
	peer.asked[peer.n_asked++] = (struct asked){ s, m->label };
	if (peer.dies[s] && m->label == peer.dies_at)
		return call_dies(s);
	if (s == PLATFORM && m->label == peer.silent)
		return -SK_E_TIMEOUT;
	if (s == PLATFORM) {
		platform_answers(m);
		return 0;
	}
	if (m->label == SVC_OPEN) {
		peer.opens[s]++;
		if (peer.open_rc[s] == -SK_E_TIMEOUT)
			return -SK_E_TIMEOUT;
		if (!peer.open_rc[s])
			peer.open[peer.n_opens++] = *m;
		m->mr[1] = m->mr[3] >> 32 ? m->mr[3] >> 32 : 40 + peer.n_opens;
		m->mr[2] = 0x020304050607;
		m->mr[3] = 3;
		if (!peer.open_rc[s])
			m->out[m->n_out++] = made(SK_OBJ_NOTIFICATION, SK_W, 1 << 24);
		answer(m, peer.open_rc[s], 4);
		return 0;
	}
	assert_int_equal(m->label, SVC_CLOSE);
	peer.closes[s]++;
	peer.closed[peer.n_closed++] = (unsigned int)m->mr[0];
	if (peer.close_rc == -SK_E_TIMEOUT || peer.deaf == s)
		return -SK_E_TIMEOUT;
	if (peer.slow_closes) {
		peer.slow_closes--;
		return -SK_E_TIMEOUT;
	}
	answer(m, peer.close_rc, 2);
	m->mr[1] = (uint64_t)(int64_t)peer.close_result;
	return 0;
}

struct kern_object *logged;
void rt_log_detach(void) { logged = NULL; }

int rt_log_attach(void *region, uint32_t req_size, sk_cap_t signal)
{
	assert_non_null(kern_view(kern.space, (uint64_t)region + req_size - 1, NULL));
	logged = kern_own(signal)->obj;
	return 0;
}

/* ---- calls of init by the domains ---- */

/* The steps run one after the other; each checks the answer to the last one. */
static void (*const *script)(struct kern_msg *m);
struct kern_msg reply;
unsigned int n_replies;

static bool passes;
static sk_time_t main_deadline;

void time_passes(void) { passes = true; }

void answers_pulse(struct kern_msg *m, uint64_t answers)
{
	(void)m;
	own(init_ntfn)->word |= answers;
}

static long received(struct kern_msg *m)
{
	memset(m->mr, 0, sizeof(m->mr));
	m->n = 1;
	assert_true(m->deadline == SK_NO_DEADLINE);
	if (dying) {
		ask(m, (unsigned int)(dying - domains),
			peer.exits ? INIT_EXIT : SK_LABEL_FAULT);
		m->n = 4;
		dying = NULL;
		return 0;
	}
	if (!*script)
		_exit(0);
	m->deadline = main_deadline;
	(*script++)(m);
	return m->label ? 0 : -SK_E_TIMEOUT; /* no message, only signals or time */
}

/* The other thread takes a message while the main thread waits. */
static long waits(struct kern_object *ntfn, sk_time_t deadline, uint64_t *word)
{
	if (ntfn != own(init_ntfn)) /* it sleeps */
		return -SK_E_TIMEOUT;
	assert_true(deadline != SK_NO_DEADLINE);
	main_deadline = deadline;
	while (!ntfn->word && deadline != SK_POLL && !passes)
		post_receive();
	if (!ntfn->word) {
		passes = false;
		while (sk_now() < deadline)
			;
		return -SK_E_TIMEOUT;
	}
	*word = ntfn->word;
	ntfn->word = 0;
	return 0;
}

/* It runs only when the main thread waits, in waits() and called(). */
int thread_start(const struct thread_spec *s, struct thread **out)
{
	(void)out;
	assert_int_equal(own(s->sched)->priority, INIT_PRIORITY + 1);
	return 0;
}

static void replied(struct kern_msg *m)
{
	reply = *m;
	n_replies++;
}

int status(void) { return (int)(int64_t)reply.mr[0]; }

void run(void (*const steps[])(struct kern_msg *m))
{
	script = steps;
	kern.on_call = called;
	kern.on_recv = received;
	kern.on_wait = waits;
	kern.on_reply = replied;
	(void)domain_main();
	abort();
}

/* ---- audit ---- */
struct kern_object *own(sk_cap_t slot) { return kern_own(slot)->obj; }

/*
 * The domain has exactly these besides what every domain has, so a capability that the manifest
 * does not name is found.
 */
void audit(unsigned int i, const struct wanted *w, unsigned int n)
{
	const struct domain *d = &domains[i];
	struct kern_object *cnode = own(d->proc.cnode);
	const struct wanted all[] = {
		{ SK_CAP_CNODE, SK_OBJ_CNODE, SK_ALL, 0, cnode },
		{ SK_CAP_SPACE, SK_OBJ_SPACE_HOST, SK_ALL, 0, own(d->proc.space) },
		{ SK_CAP_THREAD, SK_OBJ_THREAD, SK_ALL, 0, own(d->proc.thread) },
		{ SK_CAP_SCHED, SK_OBJ_SCHED, SK_ALL, 0, own(d->proc.sched) },
		{ DOMAIN_CAP_PARENT, SK_OBJ_ENDPOINT, SK_W | SK_GRANT, POST_BADGE(i, d->epoch),
			own(init_endpoint) },
		{ DOMAIN_CAP_SERVICE, SK_OBJ_ENDPOINT, SK_R, 0, own(d->service) },
		{ DOMAIN_CAP_NTFN, SK_OBJ_NOTIFICATION, SK_ALL, 0, own(d->ntfn) },
		{ DOMAIN_CAP_REPLY, SK_OBJ_REPLY, SK_ALL, 0, NULL },
		{ DOMAIN_CAP_UNTYPED, SK_OBJ_UNTYPED, SK_ALL, 0, NULL },
		{ DOMAIN_CAP_PULSE, SK_OBJ_NOTIFICATION, SK_W, 1ull << i, own(init_ntfn) },
	};
	const unsigned int n_common = sizeof(all) / sizeof(all[0]);

	assert_int_equal(d->state, DOMAIN_RUNNING);
	for (sk_cap_t s = 1; s < cnode->n_slots; s++) {
		const struct kern_cap *c = kern_cap(cnode, s);
		const struct wanted *want = NULL;

		for (unsigned int k = 0; k < n_common + n; k++) {
			const struct wanted *x = k < n_common ? &all[k] : &w[k - n_common];

			if (x->slot == s)
				want = x;
		}
		if (!want && c->obj)
			printf("%s: slot %u holds an object of type %u\n", d->m->name, s,
				c->obj->type);
		assert_int_equal(want != NULL, c->obj != NULL);
		if (!want)
			continue;
		assert_int_equal(c->obj->type, want->type);
		assert_int_equal(c->rights, want->rights);
		assert_int_equal(c->badge, want->badge);
		if (want->obj)
			assert_ptr_equal(c->obj, want->obj);
	}
	assert_true(own(d->proc.thread)->runs);
	assert_ptr_equal(own(d->proc.thread)->fault, own(init_endpoint));
	assert_int_equal(own(d->proc.thread)->fault_badge, POST_BADGE(i, d->epoch));
	assert_int_equal(own(d->proc.sched)->priority, 10 + i);
	assert_int_equal(own(d->proc.sched)->cpu, i == CONTROL ? 1 : 0);
}

const struct domain_info *info_of(unsigned int i)
{
	return (void *)kern_view(own(domains[i].proc.space), DOMAIN_INFO_VADDR, NULL);
}

void ask(struct kern_msg *m, unsigned int from, uint64_t label)
{
	m->badge = POST_BADGE(from, domains[from].epoch);
	m->label = label;
}

void ask_service(struct kern_msg *m, unsigned int from, const char *name)
{
	ask(m, from, INIT_SERVICE);
	strcpy((char *)m->mr, name);
	m->n = 4;
}
