/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * vmctl.c - the guest as a whole: pausing, stopping, more memory; and the connection to control
 *
 * Objects     the "vmctl" connection; messages_due: the messages that are still to be sent,
 *             each at most once; a message is composed when there is room for it. `grow`: the
 *             request for more memory, one at a time.
 * Locks       vm.lock for pause_count, n_parked and grow; everything else is used on the I/O
 *             thread.
 * Invariants  VMCTL1 PAUSED and QUIESCED are sent only while all vCPU threads are parked
 *             VMCTL2 the first reason to stop counts, and SHUTDOWN is sent once
 *             VMCTL3 grow.answered <= grow.asked <= grow.answered + 1; memory is counted before
 *                    its answer
 */
#include "machine/vmctl.h"

#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "caps/caps.h"
#include "log.h"
#include "machine/physmap.h"
#include "machine/vcpu.h"
#include "machine/save.h"
#include "svc/svc.h"
#include "sys/sk.h"
#include "xen.h"

static struct svc_conn *conn;
static sk_cap_t kick_cap[IO_XEN + 1];
static struct mutex kick_lock;
static char failure[VMCTL_TEXT_MAX];
/* 1 << enum vmctl_type */
static uint32_t messages_due;
/* Those of them that were queued so far and are sent again in each epoch. */
static uint32_t last_words;
/* Channels whose service broke the protocol, and control was not told: 1 << number. */
static uint32_t untold;
static bool shutdown_told, pausing, quiescing, paused_by_control;

/* ---- from any thread --------------------------------------------------------------------- */

void io_kick(enum io_bit bit)
{
	sk_cap_t cap = __atomic_load_n(&kick_cap[bit], __ATOMIC_ACQUIRE);

	if (!cap) {
		mutex_lock(&kick_lock);
		cap = kick_cap[bit];
		if (!cap && !svc_ntfn_badged(bit, &cap))
			__atomic_store_n(&kick_cap[bit], cap, __ATOMIC_RELEASE);
		mutex_unlock(&kick_lock);
	}
	(void)sk_signal(cap);
}

static void vcpus_kick(void)
{
	for (uint32_t i = 0; i < vm.n_vcpus; i++)
		vcpu_kick(&vm.vcpu[i]);
}

void vm_shutdown(uint32_t reason)
{
	uint32_t running = 0;

	if (!__atomic_compare_exchange_n(&vm.stopped, &running, reason + 1, false,
		    __ATOMIC_ACQ_REL, __ATOMIC_ACQUIRE))
		return; /* VMCTL2 */
	vcpus_kick();
	io_kick(IO_CTL);
}

/* ---- more memory ------------------------------------------------------------------------- */

static struct {
	uint32_t asked, answered; /* numbers of the last request and answer */
	uint32_t refused;         /* number of the last answer that gave no memory */
	uint32_t n;               /* pieces asked for */
	bool told;                /* the message is queued or sent */
} grow;

uint32_t vm_grow(uint32_t n)
{
	uint32_t number;

	mutex_lock(&vm.lock);
	if (grow.asked == grow.answered) { /* VMCTL3 */
		grow.asked++;
		grow.n = n < VMCTL_GROW_MAX ? n : VMCTL_GROW_MAX;
		grow.told = false;
	}
	number = grow.asked;
	mutex_unlock(&vm.lock);
	io_kick(IO_CTL);
	return number;
}

enum ram_answer vm_grow_answer(uint32_t number)
{
	enum ram_answer answer = RAM_ASKED;

	mutex_lock(&vm.lock);
	if ((int32_t)(grow.answered - number) >= 0)
		answer = (int32_t)(grow.refused - number) >= 0 ? RAM_REFUSED : RAM_GIVEN;
	mutex_unlock(&vm.lock);
	return answer;
}

/*
 * I/O thread: is there a request that has not been sent to control? It counts as sent from now
 * on.
 */
static bool grow_question_new(void)
{
	bool news;

	mutex_lock(&vm.lock);
	news = grow.asked != grow.answered && !grow.told;
	grow.told = grow.told || news;
	mutex_unlock(&vm.lock);
	return news;
}

static void grow_answered(uint32_t n)
{
	n = physmap_ram_given(n);
	mutex_lock(&vm.lock);
	grow.answered = grow.asked;
	if (!n)
		grow.refused = grow.answered;
	mutex_unlock(&vm.lock);
	vcpus_kick();
}

/* The answer of control; other messages before it are commands for later. */
static int answer_wait(enum vmctl_type type, uint32_t *arg)
{
	struct {
		struct vmctl_msg msg;
		uint8_t rest[VMCTL_TEXT_MAX];
	} m;
	int rc;

	do
		rc = svc_wait_record(conn, &m, sizeof(m), SK_NO_DEADLINE);
	while (rc >= 0 && ((size_t)rc < sizeof(m.msg) || m.msg.type != type));
	if (rc >= 0)
		*arg = m.msg.arg;
	return rc < 0 ? rc : 0;
}

int vm_grow_now(uint32_t n)
{
	struct {
		struct vmctl_msg msg;
		uint32_t pieces;
	} m = { .msg = { .type = VMCTL_GROW, .len = sizeof(m.pieces), .arg = n } };
	uint32_t given = 0;
	int rc;

	do {
		m.pieces = vm.n_given;
		rc = svc_request(conn, &m, sizeof(m));
		if (!rc)
			rc = answer_wait(VMCTL_GROWN, &given);
	} while (rc == -SK_E_RESTARTED);
	return rc ? rc : physmap_ram_given(given) ? 0 : -SK_E_NO_MEM;
}

/* ---- the kernel, unpacked for other guests, too ------------------------------------------ */

/* A control that was restarted takes the guest back, so nothing is asked twice. */
static uint32_t image_ask(enum vmctl_type type, uint64_t size)
{
	const struct vmctl_msg m = { .type = (uint16_t)type, .arg = (uint32_t)size };
	uint32_t answer = 0;

	if (size > UINT32_MAX || svc_request(conn, &m, sizeof(m)) || answer_wait(type, &answer))
		return 0;
	return answer;
}

uint8_t *vm_image_room(uint64_t size)
{
	return image_ask(VMCTL_IMAGE, size) ? (uint8_t *)VM_IMAGE_VADDR : NULL;
}

bool vm_image_filled(uint64_t size) { return image_ask(VMCTL_UNPACKED, size) != 0; }

/* ---- devices that come and go ------------------------------------------------------------ */

static struct {
	uint32_t done; /* number of the last PLUG or UNPLUG that is done */
	bool waits;    /* for the device or medium in `seat` to be there, or gone */
	bool leaves;   /* the device is to go */
	uint32_t seat, number;
} plug;

static void plug_run(const void *body, uint32_t len)
{
	struct vmctl_plug p;
	int rc;

	if (len != sizeof(p))
		return;
	memcpy(&p, body, sizeof(p));
	rc = xen_io_plug(&p);
	if (rc)
		vm_log("the device in seat %u cannot be added: %s", p.seat, sk_error_text(rc));
	plug.waits = true;
	plug.leaves = false;
	plug.seat = p.seat;
	plug.number = p.number;
}

static void unplug_run(const void *body, uint32_t len)
{
	struct vmctl_unplug u;

	if (len != sizeof(u))
		return;
	memcpy(&u, body, sizeof(u));
	plug.waits = true;
	plug.leaves = u.how != VMCTL_UNPLUG_MEDIUM;
	plug.seat = u.seat;
	plug.number = u.number;
	if (u.seat == VMCTL_SEAT_IMAGE)
		save_abandon();
	else
		xen_io_unplug(u.seat, (enum vmctl_unplug_how)u.how);
}

static uint32_t devices_there(void)
{
	return xen_io_devices() | (save_busy() ? 1u << VMCTL_SEAT_IMAGE : 0);
}

static void devices_look(void)
{
	if (!plug.waits || (plug.leaves ? devices_there() >> (plug.seat & 31) & 1
					: !xen_io_settled(plug.seat)))
		return;
	plug.waits = false;
	plug.done = plug.number;
	vmctl_queue(VMCTL_DEVICES);
}

/* ---- to control -------------------------------------------------------------------------- */

static void exits_add(uint64_t sum[VMCTL_EXITS], const struct vcpu *v)
{
	for (uint32_t i = 0; i < VMCTL_EXITS; i++)
		sum[i] += __atomic_load_n(&v->exits[i], __ATOMIC_RELAXED);
}

static void stats_fill(struct vmctl_stats *s)
{
	memset(s, 0, sizeof(*s));
	s->memory = physmap_pages() * SK_PAGE_SIZE;
	s->n_vcpus = vm.n_vcpus;
	vm_notes_counts(s->unknown);
	xen_io_stats(s);
	for (uint32_t i = 0; i < vm.n_vcpus; i++) {
		const struct vcpu *v = &vm.vcpu[i];
		uint64_t waited;

		(void)sk_sched_stats(v->sched, &s->vcpu[i].run_ticks, &waited, &s->vcpu[i].cpu);
		s->vcpu[i].state = !vcpu_is_up(v)                                ? 2
				   : __atomic_load_n(&v->idle, __ATOMIC_RELAXED) ? 1
										 : 0;
		exits_add(s->exits, v);
	}
}

/* 0, or an error of svc_request(). */
static int message_send(uint32_t type)
{
	struct {
		struct vmctl_msg msg;
		union {
			struct vmctl_stats stats;
			char text[VMCTL_TEXT_MAX];
			uint32_t pieces, number;
		};
	} m = { .msg = { .type = (uint16_t)type } };

	if (type == VMCTL_STATS) {
		stats_fill(&m.stats);
		m.msg.len = sizeof(m.stats);
	} else if (type == VMCTL_FAILED) {
		m.msg.len = (uint16_t)(strlen(failure) + 1);
		memcpy(m.text, failure, m.msg.len);
	} else if (type == VMCTL_SHUTDOWN) {
		m.msg.arg = vm.stopped - 1;
	} else if (type == VMCTL_GROW) {
		m.msg.arg = grow.n;
		m.pieces = vm.n_given;
		m.msg.len = sizeof(m.pieces);
	} else if (type == VMCTL_SAVED || type == VMCTL_TEXT) {
		m.msg.len = (uint16_t)save_message(type, &m.msg.arg, m.text);
	} else if (type == VMCTL_CONFIG) {
		m.msg.len = (uint16_t)restore_message(&m.msg.arg, m.text);
	} else if (type == VMCTL_DEVICES) {
		m.msg.arg = devices_there();
		m.number = plug.done;
		m.msg.len = sizeof(m.number);
	}
	return svc_request(conn, &m, sizeof(m.msg) + m.msg.len);
}

/* control starts such a service again, if it believes that. */
static int breach_send(const struct svc_conn *c)
{
	struct {
		struct vmctl_msg msg;
		uint32_t epoch;
	} m = { .msg = { VMCTL_BREACH, sizeof(m.epoch), c->number }, .epoch = c->epoch };

	return svc_request(conn, &m, sizeof(m));
}

static void breaches_send(void)
{
	for (struct svc_conn *c = svc_channel_next(NULL); untold && c;
		c = svc_channel_next(c)) {
		uint32_t bit = 1u << c->number % 32;

		if (untold & bit && (!c->broken || !breach_send(c)))
			untold &= ~bit;
	}
}

static void messages_send(void)
{
	breaches_send();
	for (uint32_t type = 1; type < VMCTL_MSG_END; type++)
		while (messages_due >> type & 1 && !message_send(type))
			if (type != VMCTL_CONFIG || !restore_more())
				messages_due &= ~(1u << type);
	if (messages_due || untold)
		(void)ring_room_idle(
			&conn->req, sizeof(struct vmctl_msg) + sizeof(struct vmctl_stats));
}

/* Nobody is told of control itself. */
static void service_broke(struct svc_conn *c)
{
	if (c == conn)
		return;
	untold |= 1u << c->number % 32;
	messages_send();
}

/* Messages of which control may miss none, even if it is restarted. */
enum {
	LASTING = 1u << VMCTL_READY | 1u << VMCTL_FAILED | 1u << VMCTL_SHUTDOWN |
		  1u << VMCTL_QUIESCED | 1u << VMCTL_DEVICES
};

void vmctl_queue(enum vmctl_type type)
{
	messages_due |= 1u << type;
	last_words |= messages_due & LASTING;
}

/* ---- pausing ----------------------------------------------------------------------------- */

void vm_pause_add(int n)
{
	mutex_lock(&vm.lock);
	__atomic_add_fetch(&vm.pause_count, (uint32_t)n, __ATOMIC_ACQ_REL);
	mutex_unlock(&vm.lock);
	vcpus_kick();
}

bool vm_all_parked(void)
{
	bool all;

	mutex_lock(&vm.lock);
	all = vm.n_parked == vm.n_vcpus;
	mutex_unlock(&vm.lock);
	return all;
}

void vm_unstop(void)
{
	shutdown_told = false;
	last_words &= ~(1u << VMCTL_SHUTDOWN);
	__atomic_store_n(&vm.stopped, 0, __ATOMIC_RELEASE);
	vcpus_kick();
}

static void command_run(uint32_t type, uint32_t arg, const void *body, uint32_t len)
{
	switch (type) {
	case VMCTL_PAUSE:
		if (!paused_by_control)
			vm_pause_add(1);
		paused_by_control = pausing = true;
		break;
	case VMCTL_UNPAUSE:
		if (paused_by_control)
			vm_pause_add(-1);
		paused_by_control = pausing = false;
		vmctl_queue(VMCTL_RUNNING);
		break;
	case VMCTL_STATS:
		vmctl_queue(VMCTL_STATS);
		break;
	case VMCTL_QUIESCE:
		if (!quiescing)
			vm_pause_add(1);
		quiescing = true;
		break;
	case VMCTL_GROWN:
		grow_answered(arg);
		break;
	case VMCTL_PLUG:
		plug_run(body, len);
		break;
	case VMCTL_UNPLUG:
		unplug_run(body, len);
		break;
	case VMCTL_SAVE:
		save_begin(body, len);
		break;
	case VMCTL_TEXT:
		save_text(arg, body, len);
		break;
	case VMCTL_RESUME:
		save_resume();
		vmctl_queue(VMCTL_RUNNING);
		break;
	case VMCTL_MAXMEM:
		xen_maxmem_set(((uint64_t)arg << 20) / SK_PAGE_SIZE);
		break;
	case VMCTL_NMI:
		if (arg < vm.n_vcpus) {
			lapic_post_nmi(&vm.vcpu[arg].lapic);
			vcpu_kick(&vm.vcpu[arg]);
		}
		break;
	default:
		vm_log("control sent a message of type %u", type);
		break;
	}
}

/*
 * Queue the messages that have become due since the last call, and send those for which there
 * is room.
 */
static void vmctl_advance(void)
{
	if (vm.stopped && !shutdown_told) {
		shutdown_told = true;
		vmctl_queue(VMCTL_SHUTDOWN);
	}
	if (grow_question_new())
		vmctl_queue(VMCTL_GROW);
	save_advance();
	restore_advance();
	devices_look();
	if ((pausing || quiescing) && vm_all_parked()) { /* VMCTL1 */
		if (pausing)
			vmctl_queue(VMCTL_PAUSED);
		pausing = false;
		if (quiescing) {
			save_abandon();
			xen_io_quiesce();
			vmctl_queue(VMCTL_QUIESCED);
		}
		quiescing = false;
	}
	messages_send();
}

/* What control may not have seen, or has not answered. It does nothing twice. */
static void control_restarted(void *ctx)
{
	(void)ctx;
	messages_due |= last_words;
	for (struct svc_conn *c = svc_channel_next(NULL); c; c = svc_channel_next(c))
		untold |= c->broken ? 1u << c->number % 32 : 0;
	mutex_lock(&vm.lock);
	if (grow.asked != grow.answered && grow.told)
		vmctl_queue(VMCTL_GROW);
	mutex_unlock(&vm.lock);
}

static void channel_event(void *ctx)
{
	struct {
		struct vmctl_msg msg;
		uint8_t rest[VMCTL_TEXT_MAX];
	} m;
	int n;

	(void)ctx;
	while ((n = svc_get(conn, &m, sizeof(m))) >= 0)
		if ((size_t)n >= sizeof(m.msg))
			command_run(m.msg.type, m.msg.arg, m.rest,
				(uint32_t)((size_t)n - sizeof(m.msg)));
	vmctl_advance();
}

static void kick_event(void *ctx)
{
	(void)ctx;
	vmctl_advance();
}

int vmctl_init(void)
{
	sk_cap_t cap;
	int rc;

	conn = svc_channel("vmctl");
	if (!conn)
		return -SK_E_NOT_FOUND;
	svc_on_breach(service_broke);
	rc = svc_on_epoch(conn, control_restarted, NULL);
	if (!rc)
		rc = svc_ntfn_badged(IO_CTL, &cap);
	if (rc)
		return rc;
	kick_cap[IO_CTL] = cap;
	paused_by_control = vm.cfg->start_paused;
	vm.pause_count = paused_by_control;
	return svc_on_bit(IO_CTL, kick_event, NULL, "control");
}

int vmctl_listen(void) { return svc_on_channel(conn, channel_event, NULL); }

void vmctl_ready(void)
{
	vmctl_queue(VMCTL_READY);
	messages_send();
}

void vmctl_failed(const char *text)
{
	vm_log("%s", text);
	if (!conn)
		return;
	snprintf(failure, sizeof(failure), "%s", text);
	vmctl_queue(VMCTL_FAILED);
	messages_send();
}
