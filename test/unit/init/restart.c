/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart.c - what the tests of restarts share: see restart.h
 */
#define _GNU_SOURCE
#include "restart.h"

void fast_machine(void)
{
	machine();
	kern_info()->tsc_hz = 100000000;
}

/* ---- what was asked, and of whom ---- */
unsigned int seen;

void now_seen(void) { seen = peer.n_asked; }

void asked(const struct asked *want, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		assert_true(seen + i < peer.n_asked);
		assert_int_equal(peer.asked[seen + i].service, want[i].service);
		assert_int_equal(peer.asked[seen + i].label, want[i].label);
	}
	assert_int_equal(peer.n_asked, seen + n);
	now_seen();
}

/* ---- the state of domains ---- */
bool control_has_news(void)
{
	struct kern_object *n = own(domains[CONTROL].ntfn);
	bool has = n->word & 1ull << DOMAIN_BIT_NEWS;

	n->word &= ~(1ull << DOMAIN_BIT_NEWS);
	return has;
}

unsigned int used_slots(void)
{
	unsigned int n = 0;

	for (sk_cap_t s = 1; s < SLOTS / 2; s++)
		n += kern_own(s)->obj != NULL;
	return n;
}

void fault(struct kern_msg *m, unsigned int i)
{
	ask(m, i, SK_LABEL_FAULT);
	m->mr[0] = 14;
	m->n = 4;
}

void ask_restart(struct kern_msg *m, const char *name, uint64_t how)
{
	ask(m, CONTROL, INIT_RESTART);
	strcpy((char *)m->mr, name);
	m->mr[4] = how;
	m->n = 5;
}

bool restarting(unsigned int i, enum domain_phase phase)
{
	return domains[i].state == DOMAIN_RESTARTING && domains[i].life.phase == phase;
}

const struct ring_shared *answers_of(unsigned int channel)
{
	const struct svc_proto_info *info = svc_proto_info(man.c[channel].proto);

	return (void *)(kern.phys + own(connections[channel].c.rings)->paddr + info->req_size);
}

struct before before;

void remember(void)
{
	before.charged = domains[DISK].charged;
	before.bytes = caps_free_bytes();
	before.slots = used_slots();
	before.number = connections[3].c.number;
	before.rings = own(connections[3].c.rings);
	before.data = own(connections[3].c.data);
	before.thread = own(domains[DISK].proc.thread);
	before.ntfn = own(domains[DISK].ntfn);
	before.iospace = own(domains[DISK].iospace);
}

void audit_disk(void)
{
	AUDIT(DISK, { DOMAIN_CAP_DEVICE + 6, SK_OBJ_IRQ, SK_ALL, 0, NULL },
		{ DOMAIN_CAP_DEVICE + 7, SK_OBJ_IRQ, SK_ALL, 0, NULL },
		{ DOMAIN_CAP_DEVICE + 14, SK_OBJ_SPACE_IO, SK_ALL, 0, before.iospace },
		{ DOMAIN_CAP_CHANNEL, SK_OBJ_NOTIFICATION, SK_W, 1 << 24, NULL });
}

void answer_all(struct kern_msg *m)
{
	answers_pulse(m, 1ull << PLATFORM | 1ull << DISK | 1ull << UART | 1ull << CONSOLE |
				 1ull << STORAGE | 1ull << CONTROL);
}
