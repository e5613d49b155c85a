/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmctl_test.c - a VMM and control: what the next life of control is told again, and what has
 * its effect once
 *
 * The rings are real. The test is control at the other end, and the loop that calls handlers.
 */
#define SK_SYS_H /* the kernel is here */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include <sk/syscall.h>

static long sk_signal(sk_cap_t ntfn);
static long sk_sched_stats(sk_cap_t s, uint64_t *consumed, uint64_t *waited, uint32_t *cpu);

#include "../../../services/vmm/machine/vmctl.c"

#include "fake_save.h"

enum { RING_BYTES = 4096, VCPUS = 2, KICK = 7, GIVEN = 5 };

struct vm vm;
static struct svc_conn vmctl;
static struct svc_conn services[2]; /* at the other channels */
static svc_handler_fn on_epoch, on_channel, on_kick;
static struct {
	_Alignas(4096) uint8_t req[RING_BYTES], rsp[RING_BYTES], service[2][RING_BYTES];
} memory;
/* control's ends, and what it heard in this life. */
static struct {
	struct ring req, rsp;
	uint32_t epoch;
	struct {
		struct vmctl_msg msg;
		union {
			struct vmctl_stats stats;
			char text[VMCTL_TEXT_MAX];
			uint32_t pieces, epoch;
		};
	} heard[VMCTL_MSG_END];
	uint32_t times[VMCTL_MSG_END];
} control;
static bool kicked;
static uint32_t quiesced;

/* ---- around vmctl.c ---- */

static long sk_signal(sk_cap_t ntfn)
{
	assert_int_equal(ntfn, KICK);
	kicked = true;
	return 0;
}

static long sk_sched_stats(sk_cap_t s, uint64_t *consumed, uint64_t *waited, uint32_t *cpu)
{
	(void)s;
	*consumed = *waited = *cpu = 0;
	return 0;
}

void mutex_lock(struct mutex *m)
{
	assert_int_equal(m->word, 0);
	m->word = 1;
}

void mutex_unlock(struct mutex *m)
{
	assert_int_equal(m->word, 1);
	m->word = 0;
}

void vcpu_kick(struct vcpu *v) { (void)v; }

void lapic_post_nmi(struct lapic *l) { l->nmi_pending++; }

void vm_log(const char *fmt, ...) { (void)fmt; }

void vm_notes_counts(uint64_t counts[VMCTL_UNKNOWN_KINDS])
{
	memset(counts, 0, VMCTL_UNKNOWN_KINDS * sizeof(*counts));
}

void xen_io_quiesce(void) { quiesced++; }

/* The devices that are there, and what was asked of the last one. */
static uint32_t seats, asked_seat;
static enum vmctl_unplug_how asked_how;
static bool medium_changes;

int xen_io_plug(const struct vmctl_plug *p)
{
	if (p->seat >= VMCTL_SEATS)
		return -SK_E_INVAL;
	seats |= 1u << p->seat;
	return 0;
}

void xen_io_unplug(uint32_t seat, enum vmctl_unplug_how how)
{
	asked_seat = seat;
	asked_how = how;
}

bool xen_io_settled(uint32_t seat)
{
	(void)seat;
	return !medium_changes;
}

uint32_t xen_io_devices(void) { return seats; }

static uint64_t max_pages;

void xen_maxmem_set(uint64_t pages) { max_pages = pages; }

void xen_io_stats(struct vmctl_stats *s) { s->disk[1].reads = 7; }

uint64_t physmap_pages(void) { return 0; }

uint32_t physmap_ram_given(uint32_t n)
{
	vm.n_given += n;
	return n;
}

struct svc_conn *svc_channel(const char *name)
{
	assert_string_equal(name, "vmctl");
	return &vmctl;
}

struct svc_conn *svc_channel_next(struct svc_conn *after)
{
	return !after                  ? &services[0]
	       : after == &services[0] ? &vmctl
	       : after == &vmctl       ? &services[1]
				       : NULL;
}

void svc_signal(struct svc_conn *c) { (void)c; }

int svc_request(struct svc_conn *c, const void *rec, uint32_t len)
{
	return ring_put(&c->req, rec, len);
}

int svc_on_epoch(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	assert_true(c == &vmctl && !ctx);
	on_epoch = fn;
	return 0;
}

int svc_on_channel(struct svc_conn *c, svc_handler_fn fn, void *ctx)
{
	assert_true(c == &vmctl && !ctx);
	on_channel = fn;
	return 0;
}

int svc_on_bit(uint32_t bit, svc_handler_fn fn, void *ctx, const char *name)
{
	(void)name;
	assert_true(bit == IO_CTL && !ctx);
	on_kick = fn;
	return 0;
}

int svc_ntfn_badged(uint32_t bit, sk_cap_t *out)
{
	assert_int_equal(bit, IO_CTL);
	*out = KICK;
	return 0;
}

/* ---- the loop, and control ---- */

/* The I/O thread has its turn. */
static void io_runs(void)
{
	if (kicked)
		on_kick(NULL);
	kicked = false;
	vmctl.spent = 0;
	if (on_channel)
		on_channel(NULL);
	(void)ring_put_flush(&vmctl.req);
	(void)ring_get_flush(&vmctl.rsp);
}

static void control_listens(void)
{
	int n;

	do {
		struct vmctl_msg m;
		uint8_t rec[sizeof(control.heard[0])];

		n = ring_get(&control.req, rec, sizeof(rec));
		if (n < (int)sizeof(m))
			continue;
		memcpy(&m, rec, sizeof(m));
		assert_true(m.type < VMCTL_MSG_END && n == (int)sizeof(m) + m.len);
		memcpy(&control.heard[m.type], rec, (size_t)n);
		control.times[m.type]++;
	} while (n >= 0);
	(void)ring_get_flush(&control.req);
}

static void all_run(void)
{
	io_runs();
	control_listens();
}

static void control_says(enum vmctl_type type, uint32_t arg)
{
	struct vmctl_msg m = { .type = (uint16_t)type, .arg = arg };

	assert_int_equal(ring_put(&control.rsp, &m, sizeof(m)), 0);
	(void)ring_put_flush(&control.rsp);
	all_run();
}

/* control ends, and its next life begins an epoch. The VMM has not noticed so far. */
static void control_begins(void)
{
	memset(control.heard, 0, sizeof(control.heard));
	memset(control.times, 0, sizeof(control.times));
	control.epoch++;
	ring_restart(&control.req, control.epoch);
	ring_restart(&control.rsp, control.epoch);
}

static void next_life(void)
{
	control_begins();
	assert_true(ring_behind(&vmctl.rsp));
	ring_restart(&vmctl.req, control.epoch);
	ring_restart(&vmctl.rsp, control.epoch);
	on_epoch(NULL);
	all_run();
}

/* In this life, control heard this once, or not at all, and nothing else. */
static void heard_only(uint32_t types)
{
	for (uint32_t t = 0; t < VMCTL_MSG_END; t++)
		assert_int_equal(control.times[t], types >> t & 1);
}

#define BIT(type) (1u << VMCTL_##type)

static void vcpus_park(uint32_t n) { vm.n_parked = n; }

static int setup(void **state)
{
	static struct vm_config cfg;

	(void)state;
	memset(&vm, 0, sizeof(vm));
	memset(&memory, 0, sizeof(memory));
	memset(&control, 0, sizeof(control));
	memset(&grow, 0, sizeof(grow));
	memset(kick_cap, 0, sizeof(kick_cap));
	messages_due = last_words = untold = quiesced = 0;
	shutdown_told = pausing = quiescing = paused_by_control = kicked = false;
	on_epoch = on_channel = on_kick = NULL;
	vm.cfg = &cfg;
	vm.n_vcpus = VCPUS;
	control.epoch = 1;
	assert_int_equal(
		ring_init(&control.req, memory.req, RING_BYTES, RING_SERVICE_GETS, 1), 0);
	assert_int_equal(
		ring_init(&control.rsp, memory.rsp, RING_BYTES, RING_SERVICE_PUTS, 1), 0);
	vmctl = (struct svc_conn){ .channel = true, .number = 5 };
	assert_int_equal(ring_init(&vmctl.req, memory.req, RING_BYTES, RING_CLIENT_PUTS, 1), 0);
	assert_int_equal(ring_init(&vmctl.rsp, memory.rsp, RING_BYTES, RING_CLIENT_GETS, 1), 0);
	for (uint32_t i = 0; i < 2; i++) {
		services[i] = (struct svc_conn){ .channel = true, .number = 3 + 6 * i };
		assert_int_equal(ring_init(&services[i].req, memory.service[i], RING_BYTES,
					 RING_CLIENT_PUTS, 0),
			0);
	}
	assert_int_equal(vmctl_init(), 0);
	assert_int_equal(vmctl_listen(), 0);
	return 0;
}

static void vmm_is_ready(void)
{
	vmctl_ready();
	all_run();
	heard_only(BIT(READY));
}

/* ---- the cases ---- */

static void ready_is_sent_in_each_life(void **state)
{
	(void)state;
	vmm_is_ready();
	all_run();
	heard_only(BIT(READY));
	for (int i = 0; i < 3; i++) {
		next_life();
		heard_only(BIT(READY));
		all_run();
		heard_only(BIT(READY));
	}
}

/* The life that it was sent to has not looked at its ring. */
static void what_was_on_its_way_is_sent_again(void **state)
{
	(void)state;
	vmctl_ready();
	vm_shutdown(4);
	io_runs();
	next_life();
	heard_only(BIT(READY) | BIT(SHUTDOWN));
	assert_int_equal(control.heard[VMCTL_SHUTDOWN].msg.arg, 4);
}

static void the_first_reason_is_sent_again(void **state)
{
	(void)state;
	vmm_is_ready();
	vm_shutdown(1);
	all_run();
	heard_only(BIT(READY) | BIT(SHUTDOWN));
	vm_shutdown(3);
	all_run();
	next_life();
	heard_only(BIT(READY) | BIT(SHUTDOWN));
	assert_int_equal(control.heard[VMCTL_SHUTDOWN].msg.arg, 1);
}

/* No life of control was there at that time. */
static void the_guest_stops_between_two_lives(void **state)
{
	(void)state;
	vmm_is_ready();
	control_begins();
	vm_shutdown(0);
	io_runs(); /* into the ring of the epoch before */
	ring_restart(&vmctl.req, control.epoch);
	ring_restart(&vmctl.rsp, control.epoch);
	on_epoch(NULL);
	all_run();
	heard_only(BIT(READY) | BIT(SHUTDOWN));
}

static void failed_is_sent_again_with_its_text(void **state)
{
	(void)state;
	vmctl_failed("no kernel");
	(void)ring_put_flush(&vmctl.req);
	control_listens();
	heard_only(BIT(FAILED));
	assert_int_equal(svc_on_channel(&vmctl, channel_event, NULL), 0);
	next_life();
	heard_only(BIT(FAILED));
	assert_string_equal(control.heard[VMCTL_FAILED].text, "no kernel");
}

static void quiesced_is_sent_again(void **state)
{
	(void)state;
	vmm_is_ready();
	vcpus_park(VCPUS);
	control_says(VMCTL_QUIESCE, 0);
	heard_only(BIT(READY) | BIT(QUIESCED));
	next_life();
	heard_only(BIT(READY) | BIT(QUIESCED));
	assert_int_equal(quiesced, 1);
}

static void quiesce_waits_over_a_restart(void **state)
{
	(void)state;
	vmm_is_ready();
	vcpus_park(VCPUS - 1);
	control_says(VMCTL_QUIESCE, 0);
	next_life();
	control_says(VMCTL_QUIESCE, 0);
	heard_only(BIT(READY));
	assert_int_equal(vm.pause_count, 1);
	vcpus_park(VCPUS);
	io_kick(IO_CTL);
	all_run();
	heard_only(BIT(READY) | BIT(QUIESCED));
	assert_int_equal(quiesced, 1);
}

static void answers_are_not_sent_again(void **state)
{
	(void)state;
	vmm_is_ready();
	vcpus_park(VCPUS);
	control_says(VMCTL_STATS, 0);
	control_says(VMCTL_PAUSE, 0);
	control_says(VMCTL_UNPAUSE, 0);
	heard_only(BIT(READY) | BIT(STATS) | BIT(PAUSED) | BIT(RUNNING));
	next_life();
	heard_only(BIT(READY));
}

static void a_pause_of_two_lives_is_one(void **state)
{
	(void)state;
	vmm_is_ready();
	control_says(VMCTL_PAUSE, 0);
	assert_int_equal(vm.pause_count, 1);
	next_life();
	control_says(VMCTL_PAUSE, 0);
	assert_int_equal(vm.pause_count, 1);
	control_says(VMCTL_UNPAUSE, 0);
	assert_int_equal(vm.pause_count, 0);
	next_life();
	control_says(VMCTL_UNPAUSE, 0);
	assert_int_equal(vm.pause_count, 0);
}

static void grow_is_asked_again(void **state)
{
	uint32_t number;

	(void)state;
	vmm_is_ready();
	vm.n_given = GIVEN;
	number = vm_grow(3);
	all_run();
	heard_only(BIT(READY) | BIT(GROW));
	next_life();
	heard_only(BIT(READY) | BIT(GROW));
	assert_int_equal(control.heard[VMCTL_GROW].msg.arg, 3);
	assert_int_equal(control.heard[VMCTL_GROW].pieces, GIVEN);
	assert_int_equal(vm_grow_answer(number), RAM_ASKED);
	assert_int_equal(vm_grow(9), number); /* it is one request */
	all_run();
	heard_only(BIT(READY) | BIT(GROW));
	control_says(VMCTL_GROWN, 2);
	assert_int_equal(vm_grow_answer(number), RAM_GIVEN);
	assert_int_equal(vm.n_given, GIVEN + 2);
}

static void grow_with_an_answer_is_not_asked_again(void **state)
{
	uint32_t number;

	(void)state;
	vmm_is_ready();
	number = vm_grow(3);
	all_run();
	control_says(VMCTL_GROWN, 0);
	assert_int_equal(vm_grow_answer(number), RAM_REFUSED);
	next_life();
	heard_only(BIT(READY));
	assert_int_equal(vm_grow(1), number + 1);
	all_run();
	heard_only(BIT(READY) | BIT(GROW));
}

/* The answer of the life before is in a ring that is empty now. */
static void grow_answered_by_a_life_that_ended(void **state)
{
	struct vmctl_msg grown = { .type = VMCTL_GROWN, .arg = 3 };
	uint32_t number;

	(void)state;
	vmm_is_ready();
	number = vm_grow(3);
	all_run();
	assert_int_equal(ring_put(&control.rsp, &grown, sizeof(grown)), 0);
	(void)ring_put_flush(&control.rsp);
	next_life();
	heard_only(BIT(READY) | BIT(GROW));
	assert_int_equal(vm.n_given, 0);
	control_says(VMCTL_GROWN, 3);
	assert_int_equal(vm.n_given, 3);
	assert_int_equal(vm_grow_answer(number), RAM_GIVEN);
	next_life();
	heard_only(BIT(READY));
}

/* A vCPU has asked, and the I/O thread has not seen it so far. */
static void grow_that_nobody_was_told_is_asked_once(void **state)
{
	(void)state;
	vmm_is_ready();
	(void)vm_grow(3);
	kicked = false;
	next_life();
	heard_only(BIT(READY) | BIT(GROW));
}

static void a_full_ring_keeps_nothing_back(void **state)
{
	struct vmctl_msg junk = { .type = VMCTL_RUNNING };

	(void)state;
	vmm_is_ready();
	while (ring_put(&vmctl.req, &junk, sizeof(junk)) == 0)
		continue;
	vm_shutdown(2);
	(void)vm_grow(1);
	io_runs();
	next_life();
	heard_only(BIT(READY) | BIT(SHUTDOWN) | BIT(GROW));
}

static void an_nmi_goes_to_its_vcpu(void **state)
{
	(void)state;
	vmm_is_ready();
	control_says(VMCTL_NMI, 1);
	control_says(VMCTL_NMI, VCPUS);
	control_says(VMCTL_NMI, UINT32_MAX);
	all_run();
	assert_int_equal(vm.vcpu[0].lapic.nmi_pending, 0);
	assert_int_equal(vm.vcpu[1].lapic.nmi_pending, 1);
}

static void another_limit_goes_to_the_balloon(void **state)
{
	(void)state;
	vmm_is_ready();
	control_says(VMCTL_MAXMEM, 0x12345678);
	all_run();
	assert_int_equal(max_pages, 0x12345678ull << 8);
}

static void control_tells(enum vmctl_type type, const void *body, uint16_t len)
{
	struct {
		struct vmctl_msg m;
		uint8_t body[sizeof(struct vmctl_plug)];
	} rec = { .m = { .type = (uint16_t)type, .len = len } };

	memcpy(rec.body, body, len);
	assert_int_equal(ring_put(&control.rsp, &rec, sizeof(rec.m) + len), 0);
	(void)ring_put_flush(&control.rsp);
	on_channel(NULL);
	all_run();
}

/* The volume counts as a device until save.c does not use it any more. */
static void a_save_is_taken_back(void **state)
{
	struct vmctl_save s = { .channel = { .bit = 3 } };
	struct vmctl_unplug u = {
		.number = 4, .seat = VMCTL_SEAT_IMAGE, .how = VMCTL_UNPLUG_FORCE
	};

	(void)state;
	vmm_is_ready();
	abandons = 0;
	control_tells(VMCTL_SAVE, &s, sizeof(s));
	assert_true(saving);
	control_tells(VMCTL_TEXT, "123456789", 9);
	control_tells(VMCTL_UNPLUG, &u, sizeof(u));
	assert_int_equal(abandons, 1);
	heard_only(BIT(READY) | BIT(DEVICES));
	assert_int_equal(control.heard[VMCTL_DEVICES].msg.arg, 0);
	assert_int_equal(control.heard[VMCTL_DEVICES].pieces, 4);
	control_says(VMCTL_RESUME, 0);
	assert_int_equal(resumes, 1);
}

static void the_guest_runs_again(void **state)
{
	(void)state;
	vmm_is_ready();
	vm_shutdown(2);
	all_run();
	heard_only(BIT(READY) | BIT(SHUTDOWN));
	vm_unstop();
	assert_int_equal(vm.stopped, 0);
	next_life(); /* it is not told of a stop that is over */
	heard_only(BIT(READY));
	vm_shutdown(3);
	all_run();
	heard_only(BIT(READY) | BIT(SHUTDOWN));
	assert_int_equal(control.heard[VMCTL_SHUTDOWN].msg.arg, 3);
}

static void a_configuration_is_sent_in_pieces(void **state)
{
	(void)state;
	vmm_is_ready();
	text_left = 3;
	vmctl_queue(VMCTL_CONFIG);
	io_kick(IO_CTL);
	all_run();
	assert_int_equal(control.times[VMCTL_CONFIG], 4);
	assert_int_equal(control.heard[VMCTL_CONFIG].msg.arg, 3);
	assert_int_equal(control.heard[VMCTL_CONFIG].msg.len, 0);
}

static void devices_come_and_go(void **state)
{
	struct vmctl_plug p = { .number = 7, .seat = 3 };
	struct vmctl_unplug u = { .number = 8, .seat = 3 };

	(void)state;
	seats = 0;
	vmm_is_ready();
	control_tells(VMCTL_PLUG, &p, sizeof(p) - 1);
	assert_int_equal(control.times[VMCTL_DEVICES], 0);
	control_tells(VMCTL_PLUG, &p, sizeof(p));
	heard_only(BIT(READY) | BIT(DEVICES));
	assert_int_equal(control.heard[VMCTL_DEVICES].msg.arg, 1 << 3);
	assert_int_equal(control.heard[VMCTL_DEVICES].pieces, 7);
	/* one that cannot be added is answered, too */
	p = (struct vmctl_plug){ .number = 9, .seat = VMCTL_SEATS };
	control_tells(VMCTL_PLUG, &p, sizeof(p));
	assert_int_equal(control.heard[VMCTL_DEVICES].msg.arg, 1 << 3);
	assert_int_equal(control.heard[VMCTL_DEVICES].pieces, 9);
	/* the answer waits until the device has gone, also over a restart of control */
	control_tells(VMCTL_UNPLUG, &u, sizeof(u));
	assert_int_equal(asked_seat, 3);
	assert_int_equal(asked_how, VMCTL_UNPLUG_ASK);
	assert_int_equal(control.heard[VMCTL_DEVICES].pieces, 9);
	next_life();
	assert_int_equal(control.heard[VMCTL_DEVICES].msg.arg, 1 << 3);
	assert_int_equal(control.heard[VMCTL_DEVICES].pieces, 9);
	u = (struct vmctl_unplug){ .number = 10, .seat = 3, .how = VMCTL_UNPLUG_FORCE };
	control_tells(VMCTL_UNPLUG, &u, sizeof(u));
	assert_int_equal(asked_how, VMCTL_UNPLUG_FORCE);
	seats = 0;
	io_kick(IO_CTL);
	all_run();
	assert_int_equal(control.heard[VMCTL_DEVICES].msg.arg, 0);
	assert_int_equal(control.heard[VMCTL_DEVICES].pieces, 10);
}

/* The answer waits until the medium is there, or gone; the drive is there all the time. */
static void media_come_and_go(void **state)
{
	struct vmctl_plug p = { .number = 5, .seat = 2 };
	struct vmctl_unplug u = { .number = 6, .seat = 2, .how = VMCTL_UNPLUG_MEDIUM };

	(void)state;
	vmm_is_ready();
	medium_changes = true;
	control_tells(VMCTL_PLUG, &p, sizeof(p));
	heard_only(BIT(READY));
	medium_changes = false;
	io_kick(IO_CTL);
	all_run();
	heard_only(BIT(READY) | BIT(DEVICES));
	assert_int_equal(control.heard[VMCTL_DEVICES].pieces, 5);
	medium_changes = true;
	control_tells(VMCTL_UNPLUG, &u, sizeof(u));
	assert_int_equal(asked_how, VMCTL_UNPLUG_MEDIUM);
	assert_int_equal(control.times[VMCTL_DEVICES], 1);
	medium_changes = false;
	seats = 1u << 2 | 1u << (VMCTL_EMPTY + 2);
	io_kick(IO_CTL);
	all_run();
	assert_int_equal(control.heard[VMCTL_DEVICES].msg.arg, seats);
	assert_int_equal(control.heard[VMCTL_DEVICES].pieces, 6);
	seats = 0;
}

/* ---- services that break the protocol ---- */

static void control_heard_of(uint32_t channel, uint32_t epoch)
{
	heard_only(BIT(READY) | BIT(BREACH));
	assert_int_equal(control.heard[VMCTL_BREACH].msg.arg, channel);
	assert_int_equal(control.heard[VMCTL_BREACH].epoch, epoch);
	control.times[VMCTL_BREACH] = 0;
}

static void a_breach_is_told_once(void **state)
{
	(void)state;
	vmm_is_ready();
	services[1].epoch = 4;
	svc_breach(&services[1], "a test");
	all_run();
	control_heard_of(9, 4);
	svc_breach(&services[1], "a test");
	all_run();
	heard_only(BIT(READY));
	next_life(); /* which knows nothing of it */
	control_heard_of(9, 4);
	services[1].broken = false; /* the service has a new life */
	next_life();
	heard_only(BIT(READY));
	svc_breach(&vmctl, "a test"); /* nobody could do anything */
	all_run();
	heard_only(BIT(READY));
}

static void breaches_wait_for_room(void **state)
{
	struct vmctl_msg junk = { .type = VMCTL_RUNNING };

	(void)state;
	vmm_is_ready();
	while (ring_put(&vmctl.req, &junk, sizeof(junk)) == 0)
		continue;
	svc_breach(&services[0], "a test");
	svc_breach(&services[1], "a test");
	(void)ring_put_flush(&vmctl.req);
	assert_int_equal(vmctl.req.sh->want_room, 1);
	services[0].broken = false; /* it has a new life before control is told */
	control_listens();
	control.times[VMCTL_RUNNING] = 0;
	all_run();
	control_heard_of(9, 0);
	all_run();
	heard_only(BIT(READY));
}

/* At most as many messages as fit in a turn. */
static void a_control_that_never_stops(void **state)
{
	struct vmctl_msg stats = { .type = VMCTL_UNPAUSE };
	uint32_t left = 0;

	(void)state;
	vmm_is_ready();
	for (int i = 0; i < 100; i++)
		assert_int_equal(ring_put(&control.rsp, &stats, sizeof(stats)), 0);
	(void)ring_put_flush(&control.rsp);
	io_runs();
	while (ring_get(&vmctl.rsp, &stats, sizeof(stats)) >= 0)
		left++;
	assert_int_equal(left, 100 - SVC_TURN / SVC_RECORD);
}

#define T(f) cmocka_unit_test_setup(f, setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		T(ready_is_sent_in_each_life),
		T(a_breach_is_told_once),
		T(breaches_wait_for_room),
		T(a_control_that_never_stops),
		T(what_was_on_its_way_is_sent_again),
		T(the_first_reason_is_sent_again),
		T(the_guest_stops_between_two_lives),
		T(failed_is_sent_again_with_its_text),
		T(quiesced_is_sent_again),
		T(quiesce_waits_over_a_restart),
		T(answers_are_not_sent_again),
		T(a_pause_of_two_lives_is_one),
		T(grow_is_asked_again),
		T(grow_with_an_answer_is_not_asked_again),
		T(grow_answered_by_a_life_that_ended),
		T(grow_that_nobody_was_told_is_asked_once),
		T(a_full_ring_keeps_nothing_back),
		T(an_nmi_goes_to_its_vcpu),
		T(another_limit_goes_to_the_balloon),
		T(devices_come_and_go),
		T(media_come_and_go),
		T(a_save_is_taken_back),
		T(the_guest_runs_again),
		T(a_configuration_is_sent_in_pieces),
	};

	return cmocka_run_group_tests_name("vmctl", tests, NULL, NULL);
}
