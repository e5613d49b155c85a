/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * serve.c - init's endpoint: calls of the domains (proto/init.h), and their faults
 *
 * The loop of libs/svc cannot take its place. It takes the labels below SVC_FIRST for those of
 * proto/svc.h, answers every message (a fault must not be answered), and finds endpoint and
 * notification through a start-up page, which the root task does not have.
 *
 * Invariants  SERVE1 a caller is known by its badge, which init minted: POST_BADGE()
 */
#include <stdio.h>
#include <string.h>
#include "caps/caps.h"
#include "init.h"
#include "proto/init.h"
#include "svc/svc.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum {
	NAME_WORDS = 4,
	/* INIT_DOMAIN_STATS */
	STATS_STATE = 10,
	/* INIT_CAPS */
	CAPS_WORD = 3,
};

struct request {
	struct domain *from;
	uint64_t mr[SK_MR_MAX];
	uint32_t n;
	/* To send back; 0 = none. */
	sk_cap_t cap;
	uint32_t rights;
	/* The capability is dropped after the answer. */
	bool temporary;
};

/* ---- faults ------------------------------------------------------------------------------ */
static void print_registers(const struct domain *d)
{
	struct sk_regs r;

	if (sk_thread_read(d->proc.thread, &r))
		return;
	printf("  rax %016llx rbx %016llx rcx %016llx rdx %016llx\n", (unsigned long long)r.rax,
		(unsigned long long)r.rbx, (unsigned long long)r.rcx,
		(unsigned long long)r.rdx);
	printf("  rsi %016llx rdi %016llx rbp %016llx rsp %016llx\n", (unsigned long long)r.rsi,
		(unsigned long long)r.rdi, (unsigned long long)r.rbp,
		(unsigned long long)r.rsp);
	printf("  r8  %016llx r9  %016llx r10 %016llx r11 %016llx\n", (unsigned long long)r.r8,
		(unsigned long long)r.r9, (unsigned long long)r.r10, (unsigned long long)r.r11);
	printf("  r12 %016llx r13 %016llx r14 %016llx r15 %016llx\n", (unsigned long long)r.r12,
		(unsigned long long)r.r13, (unsigned long long)r.r14,
		(unsigned long long)r.r15);
}

/*
 * Whichever of its threads it was, the whole domain has ended: no other thread can know what is
 * left half done. Then the lines are printed, so that they do not go to a console that has
 * ended.
 */
static void domain_fault(struct domain *d, const struct sk_msg *m)
{
	if (!domain_runs(d))
		return;
	domain_ends(d, DOMAIN_END_FAULT);
	printf("%s: fault: vector %u, error %#x, address %#llx, rip %#llx, rsp %#llx\n",
		d->m->name, (unsigned int)m->mr[0], (unsigned int)(m->mr[0] >> 32),
		(unsigned long long)m->mr[1], (unsigned long long)m->mr[2],
		(unsigned long long)m->mr[3]);
	print_registers(d);
}

void domain_exit(struct domain *d, uint64_t code)
{
	domain_ends(d, DOMAIN_END_EXIT);
	printf("%s: ended with code %lld\n", d->m->name, (long long)code);
}

/* ---- events ------------------------------------------------------------------------------ */
void ends_look(void)
{
	struct post_end e;
	struct domain *d;

	while (post_end_next(&d, &e)) {
		if (e.fault)
			domain_fault(d, &e.msg);
		else
			domain_exit(d, e.msg.mr[0]);
	}
}

/* Everything but calls, at the latest at the deadline. */
static void events_take(sk_time_t deadline)
{
	uint64_t word;

	if (sk_wait(init_ntfn, deadline, &word) == 0) {
		supervise_answers(word);
		if (word & INIT_BIT_DMA)
			dma_refused();
	}
	ends_look();
}

static void platform_wait(void)
{
	sk_time_t next = supervise();

	while (platform_restarts()) {
		events_take(next);
		next = supervise();
	}
}

/* ---- calls ------------------------------------------------------------------------------- */
static int call_power(struct request *q)
{
	bool reboot = q->mr[0] == 1;
	int rc;

	if (!(q->from->m->flags & MANIFEST_BUILDER))
		return -SK_E_DENIED;
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		if (domains[i].state == DOMAIN_RUNNING &&
			domains[i].m->serves == SVC_PROTO_BLK &&
			domains[i].m->dev.kind == MANIFEST_NO_DEVICE)
			connections_close(i); /* it answers once all data is on the medium */
	printf("%s\n", reboot ? "reboot" : "power off");
	do {
		platform_wait();
		rc = device_power(reboot);
	} while (rc == -SK_E_AGAIN);
	return rc;
}

static struct domain *domain_named(const uint64_t *words)
{
	char name[NAME_WORDS * 8 + 1] = { 0 };

	memcpy(name, words, NAME_WORDS * 8);
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		if (strcmp(domains[i].m->name, name) == 0)
			return &domains[i];
	return NULL;
}

/* The endpoint outlives a restart, so it can be given meanwhile. */
static int call_service(struct request *q)
{
	const struct domain *s = domain_named(q->mr);

	if (!s)
		return -SK_E_NOT_FOUND;
	if (!(q->from->m->services & 1u << s->number))
		return -SK_E_DENIED;
	if (s->state != DOMAIN_RUNNING && s->state != DOMAIN_RESTARTING)
		return -SK_E_NOT_FOUND;
	q->rights = SK_W | SK_GRANT;
	q->temporary = true;
	return cap_copy(s->service, SK_W | SK_GRANT, SVC_BADGE_CONTROL, &q->cap);
}

/* The answer comes first: the loop then does what is to be done. */
static int call_restart(struct request *q)
{
	struct domain *d;

	if (!(q->from->m->flags & MANIFEST_BUILDER))
		return -SK_E_DENIED;
	d = domain_named(q->mr);
	if (!d)
		return -SK_E_NOT_FOUND;
	if (d->state == DOMAIN_RESTARTING)
		return -SK_E_BUSY;
	if (d->state != DOMAIN_RUNNING)
		return -SK_E_STATE;
	return domain_kill(d, q->mr[NAME_WORDS]);
}

static void segments_tell(const struct proc_elf *elf, struct request *q)
{
	struct init_segment s[INIT_SEGMENTS_MAX];

	_Static_assert(INIT_SEGMENTS_MAX >= PROC_SEGS_MAX, "all of them fit");
	for (uint32_t i = 0; i < elf->n_segs; i++)
		s[i] = (struct init_segment){ elf->seg[i].vaddr, elf->seg[i].offset,
			elf->seg[i].file_size, elf->seg[i].mem_size, elf->seg[i].rights };
	q->mr[6] = elf->entry;
	q->mr[7] = elf->n_segs;
	memcpy(&q->mr[INIT_SEGMENT_WORD], s, elf->n_segs * sizeof(s[0]));
	q->n = INIT_SEGMENT_WORD + elf->n_segs * (uint32_t)(sizeof(s[0]) / sizeof(q->mr[0]));
}

static int call_image(struct request *q)
{
	static struct proc_image im; /* requested piece by piece */
	const struct proc_piece *piece;
	const char *why;
	int rc;

	if (!(q->from->m->flags & MANIFEST_BUILDER))
		return -SK_E_DENIED;
	if (!im.n_pieces) {
		rc = archive_image(manifest.header->guest_image, &im, &why);
		if (rc) {
			printf("%s: %s\n", manifest.header->guest_image, why);
			im.n_pieces = 0;
			return rc;
		}
	}
	if (q->mr[0] >= im.n_pieces)
		return -SK_E_RANGE;
	piece = &im.piece[q->mr[0]];
	q->mr[1] = im.n_pieces;
	q->mr[2] = piece->order;
	q->mr[3] = piece->offset;
	q->mr[4] = piece->size;
	q->mr[5] = im.size;
	segments_tell(&im.elf, q);
	q->cap = piece->frame;
	q->rights = SK_R | SK_EXEC | SK_GRANT;
	return 0;
}

/* Memory of init itself and of the free list is all that no domain was charged for. */
static uint64_t own_memory(void)
{
	const struct sk_bootinfo *bi = boot_info();
	uint64_t total = 0, given;

	for (uint32_t i = 0; i < bi->n_untyped; i++)
		if (!(bi->untyped[i].flags & SK_BOOT_DEVICE))
			total += 1ull << bi->untyped[i].order;
	for (uint32_t i = 0; i < manifest.header->n_domains; i++)
		total -= domains[i].charged;
	given = guest_pool_bytes() + caps_free_bytes();
	return total > given ? total - given : 0;
}

/* The life of a domain in words 10 to 12; init itself has run since the start. */
static void stats_life(struct request *q, const struct domain *d)
{
	const struct life *l = d ? &d->life : NULL;
	uint64_t ns = !l              ? clock_ns()
		      : l->started_at ? clock_ticks_to_ns(sk_now() - l->started_at)
				      : 0;

	q->mr[STATS_STATE] = d ? d->state | (uint64_t)l->end << 32 : DOMAIN_RUNNING;
	q->mr[STATS_STATE + 1] = d ? l->restarts | (uint64_t)d->epoch << 32 : 0;
	q->mr[STATS_STATE + 2] = ns / 1000000;
	q->n = STATS_STATE + 3;
}

static int call_stats(struct request *q)
{
	const char *name = "init";
	uint64_t memory, ticks = 0, waited;
	uint64_t index = q->mr[0], count = q->mr[1];
	sk_cap_t sched = SK_CAP_SCHED, cnode = SK_CAP_CNODE;
	const struct domain *d = NULL;
	struct caps_count has = { 0 };
	uint32_t cpu = 0;

	if (!(q->from->m->flags & MANIFEST_BUILDER))
		return -SK_E_DENIED;
	if (index > manifest.header->n_domains)
		return -SK_E_NOT_FOUND;
	if (index) {
		d = &domains[index - 1];
		name = d->m->name;
		sched = d->proc.sched;
		cnode = d->proc.cnode;
	}
	memory = d ? d->charged : own_memory();
	if (sched && sk_sched_stats(sched, &ticks, &waited, &cpu))
		ticks = 0;
	memset(&q->mr[3], 0, NAME_WORDS * 8);
	memcpy(&q->mr[3], name, strlen(name));
	q->mr[1] = memory;
	q->mr[2] = ticks;
	if (count && cnode)
		caps_count(cnode, &has);
	q->mr[3 + NAME_WORDS] = cpu;
	q->mr[4 + NAME_WORDS] = has.slots | (uint64_t)has.used << 32;
	q->mr[5 + NAME_WORDS] = has.frames | (uint64_t)has.objects << 32;
	stats_life(q, d);
	return 0;
}

static int call_caps(struct request *q)
{
	struct init_cap caps[INIT_CAPS_MAX];
	uint64_t at = q->mr[NAME_WORDS];
	const struct domain *d;
	uint32_t n = 0;

	if (!(q->from->m->flags & MANIFEST_BUILDER))
		return -SK_E_DENIED;
	d = domain_named(q->mr);
	if (!d)
		return -SK_E_NOT_FOUND;
	if (!d->proc.cnode)
		return -SK_E_STATE;
	while (n < INIT_CAPS_MAX && domain_cap_next(d, &at, &caps[n]))
		n++;
	memcpy(&q->mr[CAPS_WORD], caps, n * sizeof(caps[0]));
	q->mr[1] = n == INIT_CAPS_MAX ? at : 0;
	q->mr[2] = n;
	q->n = CAPS_WORD + n * (uint32_t)(sizeof(caps[0]) / 8);
	return 0;
}

static int call_wallclock(struct request *q)
{
	q->mr[1] = wall_boot_ns;
	q->n = 2;
	return wall_boot_ns ? 0 : -SK_E_NOT_FOUND;
}

static int (*const calls[INIT_CALL_END])(struct request *q) = {
	[INIT_POWER] = call_power,
	[INIT_SERVICE] = call_service,
	[INIT_IMAGE] = call_image,
	[INIT_DOMAIN_STATS] = call_stats,
	[INIT_WALLCLOCK] = call_wallclock,
	[INIT_RESTART] = call_restart,
	[INIT_CAPS] = call_caps,
};

/* ---- the loop ---------------------------------------------------------------------------- */
static void answer(sk_cap_t reply, struct request *q, int rc)
{
	struct sk_utcb *u = sk_utcb();
	struct sk_msg m;

	q->mr[0] = (uint64_t)(int64_t)rc;
	for (uint32_t i = 0; i < SK_MR_REGS; i++)
		m.mr[i] = i < q->n ? q->mr[i] : 0;
	for (uint32_t i = SK_MR_REGS; i < q->n; i++)
		u->mr[i] = q->mr[i];
	u->send[0] = (struct sk_send_cap){ q->cap, q->rights };
	m.mi = SK_MI(0, q->n, !rc && q->cap ? 1 : 0);
	(void)sk_reply(reply, &m);
	if (q->temporary)
		cap_drop(q->cap);
}

static void handle_call(struct domain *from, const struct post_call *c)
{
	struct request q = { .from = from, .n = 1 };
	int rc = -SK_E_NO_SYS;

	memcpy(q.mr, c->mr, sizeof(c->mr));
	if (c->label < INIT_CALL_END && calls[c->label])
		rc = calls[c->label](&q);
	if (rc)
		q.n = 1;
	answer(c->reply, &q, rc);
}

/* One call, so that supervision comes between any two. */
static void call_look(void)
{
	struct post_call c;
	struct domain *from;

	if (!post_call_next(&from, &c))
		return;
	handle_call(from, &c);
	post_call_done(from);
}

void serve(void)
{
	for (;;) {
		sk_time_t next = supervise();

		events_take(post_waits() ? SK_POLL : next);
		call_look();
	}
}
