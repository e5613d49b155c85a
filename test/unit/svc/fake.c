/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fake.c - a kernel for libs/svc: a script of messages and a list of slots
 */
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include "caps/caps.h"
#include "fake.h"

struct fake fake;

static void *memory_new(void)
{
	void *p = aligned_alloc(4096, 1u << FRAME_ORDER);

	if (!p)
		abort();
	return memset(p, 0, 1u << FRAME_ORDER);
}

void fake_reset(void)
{
	static bool mapped;
	void *page = (void *)DOMAIN_INFO_VADDR;

	if (!mapped &&
		mmap(page, 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0) != page)
		abort();
	mapped = true;
	memset(page, 0, 4096);
	memset(&fake, 0, sizeof(fake));
	fake.call_mr1 = 9;
	fake.call_words = 2;
	fake.call_caps = 1;
	fake.region = memory_new();
	fake.data = memory_new();
	fake.own = memory_new();
}

void fake_end(void)
{
	free(fake.region);
	free(fake.data);
	free(fake.own);
}

struct event *fake_add(uint64_t label, uint64_t badge)
{
	struct event *e = &fake.script[fake.n_script++];

	e->label = label;
	e->badge = badge;
	e->frame_order[CAP_RINGS] = e->frame_order[CAP_DATA] = e->frame_order[CAP_OWN] =
		FRAME_ORDER;
	return e;
}

unsigned int fake_slots(void)
{
	unsigned int n = 0;

	for (unsigned int i = 0; i < SLOTS_MAX; i++)
		n += fake.used[i];
	return n - fake.n_objects;
}

/* ---- system calls ------------------------------------------------------------------------ */
struct sk_utcb *edge_utcb(void) { return &fake.utcb; }

long edge_recv(sk_cap_t endpoint, struct sk_msg *m)
{
	struct event *e = &fake.script[fake.at];

	(void)endpoint;
	fake.deadline = fake.utcb.deadline;
	if (fake.at == fake.n_script)
		return fake.utcb.deadline == SK_POLL ? -SK_E_TIMEOUT
						     : -SK_E_DELETED; /* the script has ended */
	fake.at++;
	if (e->before)
		e->before();
	if (e->rc)
		return e->rc;
	m->badge = e->badge;
	memcpy(m->mr, e->mr, sizeof(m->mr));
	memcpy(fake.utcb.mr, e->mr, sizeof(fake.utcb.mr));
	/* words that are in registers are not in the UTCB */
	memset(fake.utcb.mr, 0xee, sizeof(m->mr));
	for (uint32_t i = 0; i < e->n_caps && fake.utcb.recv_slot; i++) {
		sk_cap_t slot = fake.utcb.recv_slot + i;

		if (i >= fake.utcb.recv_slots || fake.filled[slot])
			abort();
		fake.filled[slot] = true;
		fake.order[slot] = e->frame_order[i];
		fake.kind[slot] = i;
		fake.unbadged[slot] = e->unbadged;
	}
	m->mi = SK_MI(e->label, e->n, fake.utcb.recv_slot ? e->n_caps : 0);
	return 0;
}

long edge_reply(sk_cap_t reply, const struct sk_msg *m)
{
	struct answer *a = &fake.answer[fake.n_answers++];

	a->reply = reply;
	a->n = SK_MI_WORDS(m->mi);
	a->n_caps = SK_MI_CAPS(m->mi);
	memcpy(a->mr, fake.utcb.mr, sizeof(a->mr));
	memcpy(a->mr, m->mr, sizeof(m->mr));
	if (fake.reply_rc)
		return fake.reply_rc;
	for (uint32_t i = 0; i < a->n_caps; i++) {
		a->moved = fake.utcb.send[i].rights & SK_SEND_MOVE;
		if (a->moved)
			fake.filled[fake.utcb.send[i].slot] = false;
	}
	return 0;
}

void edge_log_resume(void) { fake.n_resumes++; }

void edge_log_about(uint32_t domid) { fake.about[fake.n_about++ % 2] = domid; }

long edge_call(sk_cap_t endpoint, struct sk_msg *m)
{
	struct sent *s = &fake.sent;

	(void)endpoint;
	fake.deadline = fake.utcb.deadline;
	s->mi = m->mi;
	memcpy(s->mr, fake.utcb.mr, sizeof(s->mr));
	memcpy(s->mr, m->mr, sizeof(m->mr));
	memcpy(s->cap, fake.utcb.send, sizeof(s->cap));
	if (fake.call_rc)
		return fake.call_rc;
	for (uint32_t i = 0; fake.utcb.recv_slot && i < fake.call_caps; i++)
		fake.filled[fake.utcb.recv_slot + i] = true; /* the service's signal */
	m->mr[0] = 0;
	m->mr[1] = fake.call_mr1;
	m->mi = SK_MI(0, fake.call_words, fake.utcb.recv_slot ? fake.call_caps : 0);
	return 0;
}

/* Gives the next signal of the script. */
long edge_wait(sk_cap_t ntfn, sk_time_t deadline, uint64_t *word)
{
	void (*before)(void) = fake.before_wait;

	(void)ntfn;
	fake.before_wait = NULL;
	if (before)
		before();
	fake.deadline = deadline;
	if (fake.at == fake.n_script)
		return -SK_E_DELETED;
	*word = fake.script[fake.at++].badge;
	return 0;
}

void edge_signal(sk_cap_t ntfn)
{
	fake.signals[ntfn]++;
	if (fake.on_signal)
		fake.on_signal();
}

sk_time_t edge_in_ms(uint32_t ms) { return fake.now + ms; }
sk_time_t edge_in_us(uint32_t us) { return fake.now + us / 1000; }

long edge_irq_bind(sk_cap_t irq, sk_cap_t ntfn)
{
	if (!fake.filled[ntfn])
		abort();
	fake.irq = irq;
	return fake.irq_rc;
}

sk_time_t edge_now(void) { return fake.now; }

uint64_t edge_ran(void) { return fake.ran; }

uint32_t edge_frame_order(sk_cap_t frame) { return fake.order[frame]; }

bool edge_slot_empty(sk_cap_t slot) { return !fake.filled[slot]; }

bool edge_can_signal(sk_cap_t ntfn)
{
	return fake.filled[ntfn] && fake.kind[ntfn] == CAP_SIGNAL && !fake.unbadged[ntfn];
}

/* ---- libs/caps --------------------------------------------------------------------------- */
sk_cap_t slot_alloc(uint32_t n)
{
	if (fake.full)
		return 0;
	for (sk_cap_t s = DOMAIN_CAP_FREE; s + n <= SLOTS_MAX; s++) {
		uint32_t run = 0;

		while (run < n && !fake.used[s + run])
			run++;
		if (run < n)
			continue;
		for (uint32_t i = 0; i < n; i++)
			fake.used[s + i] = true;
		return s;
	}
	return 0;
}

void slot_free(sk_cap_t first, uint32_t n)
{
	for (uint32_t i = 0; i < n; i++) {
		if (!fake.used[first + i] || fake.filled[first + i])
			abort(); /* the slot is not the domain's, or not empty */
		fake.used[first + i] = false;
	}
}

void cap_drop(sk_cap_t cap)
{
	if (!cap)
		return;
	if (!fake.used[cap])
		abort();
	fake.used[cap] = fake.filled[cap] = false;
}

int cap_copy(sk_cap_t from, uint32_t rights, uint64_t badge, sk_cap_t *out)
{
	(void)from, (void)rights, (void)badge;
	*out = slot_alloc(1);
	fake.filled[*out] = true;
	return 0;
}

int object_make(uint32_t type, uint32_t order, sk_cap_t *out)
{
	(void)type, (void)order;
	if (fake.no_memory)
		return -SK_E_NO_MEM;
	fake.n_objects++;
	return cap_copy(0, 0, 0, out);
}

int vm_map(sk_cap_t frame, uint32_t order, uint32_t rights, void **out)
{
	void *const memory[CAPS] = { fake.region, NULL, fake.data, fake.own };
	uint32_t kind = fake.kind[frame];

	(void)rights;
	if (!memory[kind] || order != fake.order[frame])
		abort();
	if (fake.fail_map[kind])
		return -SK_E_NO_MEM;
	fake.mapped[kind] = true;
	fake.n_mapped++;
	*out = memory[kind];
	return 0;
}

void vm_unmap(void *addr, sk_cap_t frame, uint32_t order)
{
	(void)addr, (void)order;
	if (!fake.filled[frame])
		abort(); /* the frame was dropped before it was unmapped */
	fake.n_mapped--;
}
