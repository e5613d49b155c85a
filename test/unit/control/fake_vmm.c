/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_vmm.c - libs/proc and the VMMs that the control domain makes */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "caps/caps.h"
#include "event.h"
#include "fake_parts.h"
#include "guest/life.h"
#include "guest/vmm_guard.h"
#include "proc/proc.h"
#include "sys/sk.h"

struct vmm {
	uint32_t domid;
	sk_cap_t cnode, untyped;
	bool started, paused;
	uint64_t said; /* bits of message types that it says again in a new epoch */
	void *region;
	struct ring to_control, from_control;
	uint64_t heard; /* bits of message types */
	uint32_t channels;
	uint32_t arg;              /* of the last one */
	struct vmctl_plug plugged; /* of the last PLUG */
	struct vmctl_unplug to_go; /* of the last UNPLUG */
	struct vmctl_save to_save;
	bool suspended;  /* its last SHUTDOWN was for that */
	char text[4096]; /* of all TEXT, as it asked for them */
	uint32_t text_size;

	uint64_t image_bytes; /* mapped at VM_IMAGE_VADDR */
	uint32_t image_rights;
	uint32_t keep_used;

	struct vm_config config;
};
static struct vmm *vmm; /* DOMTAB_MAX */

static void __attribute__((constructor)) vmms_make(void)
{
	vmm = shared_alloc(DOMTAB_MAX * sizeof(*vmm));
}

static struct vmm *vmm_of(uint32_t domid)
{
	for (size_t i = 0; i < DOMTAB_MAX; i++)
		if (vmm[i].domid == domid)
			return &vmm[i];
	return NULL;
}

static struct vmm *vmm_with(const struct proc *p)
{
	for (size_t i = 0; i < DOMTAB_MAX; i++)
		if (vmm[i].cnode == p->cnode)
			return &vmm[i];
	return NULL;
}

int proc_image_fetch(sk_cap_t init_ep, struct proc_image *im)
{
	(void)init_ep;
	(void)im;
	return 0;
}

bool proc_cap_next(const struct proc *p, uint64_t *at, struct init_cap *out)
{
	static const struct init_cap caps[] = {
		{ SK_CAP_CNODE, SK_OBJ_CNODE, SK_ALL, 15, 0, 0, "its slots" },
		{ VM_CAP_SCHED + 1, SK_OBJ_SCHED, SK_ALL, 8, 0, 0, "" },
		{ DOMAIN_CAP_SIGNAL(21), SK_OBJ_NOTIFICATION, SK_W, 7, 0, 1ull << 30, "" },
		{ DOMAIN_CAP_SIGNAL(0), SK_OBJ_NOTIFICATION, SK_W, 7, 0, 1ull << 24, "" },
		{ DOMAIN_CAP_DATA(0), SK_OBJ_FRAME, SK_R | SK_W | SK_GRANT, 21, 0, 0, "" },
		{ VM_CAP_RAM, SK_OBJ_UNTYPED, SK_ALL, 21, 0, 0, "" },
		{ 300, SK_OBJ_TABLE, SK_ALL, 1, 0, 0, "" },
		{ 301, SK_OBJ_TABLE, SK_ALL, 1, 0, 0, "" },
		{ 302, SK_OBJ_TABLE, SK_R, 2, 0, 0, "" },
		{ 3, SK_OBJ_FRAME, SK_R | SK_EXEC, 17, INIT_CAP_MAPPED, 0, "" },
		{ VM_CAP_SCHED, SK_OBJ_FRAME, SK_R | SK_EXEC, 12, INIT_CAP_MAPPED, 0, "" },
	};

	assert_true(p->cnode != 0);
	if (*at == sizeof(caps) / sizeof(caps[0]))
		return false;
	*out = caps[(*at)++];
	return true;
}

int proc_create(struct proc *p, const struct proc_spec *s)
{
	struct vmm *v = vmm_of(0);

	assert_true(strlen(s->name) < DOMAIN_NAME_MAX);
	assert_int_equal(s->sched.priority, 12);
	cut_here();
	*p = (struct proc){ .untyped = s->untyped,
		.cnode = cap_new(SK_OBJ_CNODE, s->untyped),
		.keep = cap_new(SK_OBJ_CNODE, s->untyped),
		.space = cap_new(SK_OBJ_SPACE_HOST, s->untyped),
		.thread = cap_new(SK_OBJ_THREAD, s->untyped),
		.ntfn = cap_new(SK_OBJ_NOTIFICATION, s->untyped),
		.service = cap_new(SK_OBJ_ENDPOINT, s->untyped),
		.sched = cap_new(SK_OBJ_SCHED, s->untyped) };
	world.io_sched = p->sched;
	assert_int_equal(sscanf(s->name, "vmm-%u", &v->domid), 1);
	v->cnode = p->cnode;
	v->untyped = s->untyped;
	cut_here();
	world.vmms++;
	return 0;
}

void proc_destroy(struct proc *p)
{
	const sk_cap_t own[] = { p->cnode, p->keep, p->space, p->thread, p->ntfn, p->service,
		p->sched };

	cut_here();
	if (p->untyped)
		assert_int_equal(sk_revoke(SK_CAP_CNODE, p->untyped), 0);
	for (size_t i = 0; i < ARRAY_SIZE(own); i++)
		cap_drop(own[i]);
	cut_here();
}

void proc_stop(struct proc *p) { (void)p; }

int proc_untyped(struct proc *p, uint32_t order, sk_cap_t from)
{
	(void)p;
	return order && from ? 0 : -SK_E_INVAL;
}

int proc_sched(
	struct proc *p, uint32_t slot, sk_cap_t ctl, const struct proc_sched *s, sk_cap_t *own)
{
	assert_true(slot >= VM_CAP_SCHED && ctl == CTL_SLOT && s->weight >= 1);
	assert_int_equal(s->priority, 8 | SK_SCHED_GUESTS);
	*own = cap_new(SK_OBJ_SCHED, p->untyped);
	sched_place(*own, s->cpu);
	return 0;
}

int proc_data(struct proc *p, uint64_t vaddr, const void *data, uint64_t size, uint32_t rights)
{
	(void)rights;
	assert_int_equal(vaddr, VM_CONFIG_VADDR);
	assert_int_equal(size, sizeof(struct vm_config));
	memcpy(&vmm_with(p)->config, data, size);
	return 0;
}

/* Only images are mapped like this. */
uint32_t proc_mark(const struct proc *p) { return vmm_with(p)->keep_used; }

int proc_map(struct proc *p, sk_cap_t frame, uint64_t vaddr, uint64_t offset, uint64_t size,
	uint32_t rights)
{
	struct vmm *v = vmm_with(p);

	assert_true(frame && !offset);
	assert_int_equal(vaddr, VM_IMAGE_VADDR + v->image_bytes);
	assert_true(!v->image_bytes || v->image_rights == rights);
	v->image_bytes += size;
	v->image_rights = rights;
	v->keep_used++;
	return 0;
}

void proc_unmap(struct proc *p, uint32_t from, uint32_t to)
{
	struct vmm *v = vmm_with(p);

	assert_true(from < to && to == v->keep_used);
	v->keep_used = from;
	v->image_bytes = v->image_rights = 0;
}

uint64_t vmm_image(uint32_t domid, uint32_t *rights)
{
	*rights = vmm_of(domid)->image_rights;
	return vmm_of(domid)->image_bytes;
}

static void boundary_drop(struct proc_connection *out)
{
	sk_cap_t *const caps[] = { &out->client_signal, &out->service_signal, &out->rings,
		&out->data, &out->own };

	for (size_t i = 0; i < ARRAY_SIZE(caps); i++) {
		cap_drop(*caps[i]);
		*caps[i] = 0;
	}
}

static void args_fill(
	const struct proc_connect *c, const struct proc_connection *b, struct svc_open_args *a)
{
	*a = (struct svc_open_args){ .proto = c->proto,
		.client = c->client,
		.params = c->params,
		.params_len = c->params_len,
		.rings = b->rings,
		.data = b->data,
		.own = b->own,
		.client_signal = b->client_signal };
}

int proc_connect_prepare(struct proc *p, const struct proc_connect *c, struct svc_open_args *a,
	struct proc_connection *out)
{
	assert_int_equal(c->client, vmm_with(p)->domid);
	assert_true(strlen(c->name) < 16);
	*out = (struct proc_connection){ .channel = ++vmm_with(p)->channels,
		.rings = cap_new(SK_OBJ_FRAME, p->untyped),
		.client_signal = cap_new(SK_OBJ_NOTIFICATION, p->ntfn),
		.data = c->data_size ? cap_new(SK_OBJ_FRAME,
					       c->data_untyped ? c->data_untyped : p->untyped)
				     : 0,
		.own = c->own_size ? cap_new(SK_OBJ_FRAME, p->untyped) : 0 };
	args_fill(c, out, a);
	return 0;
}

int proc_reopen_prepare(const struct proc_connect *c, const struct proc_connection *kept,
	uint32_t epoch, struct svc_open_args *a)
{
	assert_true(kept->rings && kept->client_signal && kept->number);
	assert_true(!c->data_size == !kept->data && !c->own_size == !kept->own);
	args_fill(c, kept, a);
	a->number = kept->number;
	a->epoch = epoch;
	return 0;
}

int proc_connect_finish(struct proc *p, const struct proc_connect *c,
	const struct svc_open_args *a, int open_rc, const struct svc_open_result *r,
	struct proc_connection *out)
{
	int rc = open_rc;

	(void)p;
	assert_int_equal(a->proto, c->proto);
	assert_ptr_equal(a->params, c->params);
	if (!rc) {
		out->number = r->number;
		memcpy(out->word, r->word, sizeof(out->word));
		out->service_signal = r->signal;
		if (world.no_channel && (int)c->endpoint == 10 + world.fail_service)
			rc = -SK_E_NO_MEM;
	}
	if (rc)
		boundary_drop(out);
	return rc;
}

void proc_plug_room(struct proc *p) { (void)p; }

/* Everything comes out of the memory of the device. */
int proc_plug_prepare(struct proc *p, uint32_t channel, const struct proc_connect *c,
	struct svc_open_args *a, struct proc_connection *out)
{
	struct proc device = { .cnode = p->cnode, .untyped = c->untyped, .ntfn = p->ntfn };

	assert_true(c->untyped && c->untyped == c->data_untyped);
	assert_true(channel > 0 && channel < VM_CHANNELS_LATER);
	if (proc_connect_prepare(&device, c, a, out))
		return -SK_E_NO_MEM;
	out->channel = channel;
	return 0;
}

int proc_plug_finish(struct proc *p, const struct proc_connect *c,
	const struct svc_open_args *a, int open_rc, const struct svc_open_result *r,
	struct proc_connection *out, struct domain_channel *ch)
{
	uint32_t channel = out->channel;

	*ch = (struct domain_channel){ .bit = channel };
	strcpy(ch->name, c->name);
	if (open_rc)
		return proc_connect_finish(p, c, a, open_rc, r, out);
	out->number = r->number;
	out->service_signal = r->signal;
	return world.no_channel ? -SK_E_NO_MEM : 0;
}

void proc_unplug(struct proc *p, uint32_t channel)
{
	assert_true(p->cnode && channel && channel < VM_CHANNELS_LATER);
	world.unplugged++;
}

int proc_channel(struct proc *p, const struct proc_channel *c, uint32_t *index)
{
	struct vmm *v = vmm_with(p);
	struct guest *g = guest_of(domtab_get(&guests, v->domid));

	v->region = g->ctl_region;
	assert_int_equal(c->epoch, svc_info()->epoch);
	assert_int_equal(
		ring_init(&v->to_control, v->region, c->req_size, RING_CLIENT_PUTS, c->epoch),
		0);
	assert_int_equal(ring_init(&v->from_control, (char *)v->region + c->req_size,
				 c->rsp_size, RING_CLIENT_GETS, c->epoch),
		0);
	*index = 5;
	return 0;
}

int proc_start(struct proc *p)
{
	cut_here();
	vmm_with(p)->started = true;
	vmm_with(p)->paused = vmm_with(p)->config.start_paused;
	world.started++;
	world.keys_at_start = node_count();
	if (vmm_with(p)->config.restore == VM_READ_CONFIG)
		world.started--;                        /* it is no guest */
	assert_true(world.introduced >= world.started); /* xenstore was complete before */
	return 0;
}

int vmm_guard_endpoint(uint32_t domid, sk_cap_t *out)
{
	(void)domid;
	*out = cap_new(SK_OBJ_ENDPOINT, 0);
	return 0;
}

static void vmm_listen(struct vmm *v)
{
	struct {
		struct vmctl_msg m;
		union {
			struct vmctl_plug plug;
			struct vmctl_unplug unplug;
			struct vmctl_save save;
			char text[VMCTL_TEXT_MAX];
		};
	} rec;

	while (v->region &&
		ring_get(&v->from_control, &rec, sizeof(rec)) >= (int)sizeof(rec.m)) {
		const struct vmctl_msg m = rec.m;

		if (m.type == VMCTL_TEXT) {
			assert_int_equal(m.arg, v->text_size);
			assert_true(m.len < sizeof(v->text) - v->text_size);
			memcpy(v->text + v->text_size, rec.text, m.len);
			v->text_size += m.len;
		}

		v->heard |= 1ull << m.type;
		if (m.type == VMCTL_PLUG)
			v->plugged = rec.plug;
		if (m.type == VMCTL_UNPLUG)
			v->to_go = rec.unplug;
		if (m.type == VMCTL_SAVE)
			v->to_save = rec.save;
		if (m.type == VMCTL_PAUSE || m.type == VMCTL_UNPAUSE)
			v->paused = m.type == VMCTL_PAUSE;
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

const struct vmctl_plug *vmm_plugged(uint32_t domid)
{
	vmm_listen(vmm_of(domid));
	return &vmm_of(domid)->plugged;
}

const struct vmctl_unplug *vmm_to_go(uint32_t domid)
{
	vmm_listen(vmm_of(domid));
	return &vmm_of(domid)->to_go;
}

const struct vmctl_save *vmm_to_save(uint32_t domid)
{
	vmm_listen(vmm_of(domid));
	return &vmm_of(domid)->to_save;
}

uint32_t vmm_heard_arg(uint32_t domid) { return vmm_of(domid)->arg; }

const char *vmm_asks_text(uint32_t domid)
{
	struct vmm *v = vmm_of(domid);
	uint32_t before;

	memset(v->text, 0, sizeof(v->text));
	v->text_size = 0;
	do {
		before = v->text_size;
		vmm_says(domid, VMCTL_TEXT, before, NULL, 0);
		assert_true(vmm_heard(domid, VMCTL_TEXT));
	} while (v->text_size - before == VMCTL_TEXT_MAX);
	return v->text;
}

/* The VMM of a guest signals control. */
static uint32_t vmctl_bit_of(uint32_t domid) { return BIT_VMCTL + domid % BITS_VMCTL; }

static void vmctl_fire(uint32_t domid)
{
	uint32_t bit = vmctl_bit_of(domid);

	bit_fn[bit](bit_ctx[bit]);
}

void vmm_says(uint32_t domid, uint16_t type_, uint32_t arg, const void *body, uint16_t len)
{
	struct vmctl_msg m = { .type = type_, .len = len, .arg = arg };
	struct vmm *v = vmm_of(domid);

	assert_true(v && v->started);
	if (type_ == VMCTL_READY || type_ == VMCTL_QUIESCED || type_ == VMCTL_SHUTDOWN)
		v->said |= 1ull << type_;
	if (type_ == VMCTL_SHUTDOWN)
		v->suspended = arg == REASON_SUSPEND;
	assert_int_equal(ring_put2(&v->to_control, &m, sizeof(m), body, len), 0);
	(void)ring_put_flush(&v->to_control);
	vmctl_fire(domid);
	assert_int_equal(guests.n_queued, 0); /* what follows was done at once */
	world_run();
}

static void vmm_puts(struct vmm *v, uint16_t type_)
{
	struct vmctl_msg m = { .type = type_ };

	if (type_ == VMCTL_SHUTDOWN && v->suspended)
		m.arg = REASON_SUSPEND;
	v->said |= 1ull << type_;
	assert_int_equal(ring_put(&v->to_control, &m, sizeof(m)), 0);
	(void)ring_put_flush(&v->to_control);
}

/* It has added the device or medium, or freed it. */
static void vmm_devices(struct vmm *v, bool in)
{
	struct {
		struct vmctl_msg m;
		uint32_t number;
	} rec = { .m = { .type = VMCTL_DEVICES, .len = sizeof(uint32_t) } };

	uint32_t drive = 1u << v->to_go.seat | 1u << (VMCTL_EMPTY + v->to_go.seat);

	if (in)
		rec.m.arg = 1u << v->plugged.seat | v->plugged.disk.empty
							    << (VMCTL_EMPTY + v->plugged.seat);
	else
		rec.m.arg = v->to_go.how == VMCTL_UNPLUG_MEDIUM ? drive : 0;
	rec.number = in ? v->plugged.number : v->to_go.number;
	assert_int_equal(ring_put(&v->to_control, &rec, sizeof(rec)), 0);
	(void)ring_put_flush(&v->to_control);
}

void vmms_revoked(sk_cap_t untyped)
{
	for (struct vmm *v = vmm; v < vmm + DOMTAB_MAX; v++) {
		if (!v->untyped || !cap_below(v->untyped, untyped))
			continue;
		*v = (struct vmm){ 0 };
		world.vmms--;
	}
}

uint32_t vmms_there(void)
{
	uint32_t n = 0;

	for (struct vmm *v = vmm; v < vmm + DOMTAB_MAX; v++)
		n += v->untyped != 0;
	return n;
}

bool vmm_paused(uint32_t domid) { return vmm_of(domid)->paused; }

static bool vmm_follow(struct vmm *v)
{
	uint32_t epoch;

	if (!v->region || !ring_behind(&v->from_control))
		return false;
	epoch = ring_peer_epoch(&v->from_control);
	ring_restart(&v->to_control, epoch);
	ring_restart(&v->from_control, epoch);
	for (uint16_t t = 0; t < VMCTL_MSG_END; t++)
		if (v->said >> t & 1)
			vmm_puts(v, t);
	return true;
}

/* Its guest stops when it is asked to, is saved, and goes on. */
static bool vmm_saves(struct vmm *v)
{
	struct {
		struct vmctl_msg m;
	} stop = { .m = { .type = VMCTL_SHUTDOWN, .arg = REASON_SUSPEND } };
	char path[64];
	const char *asked;

	if (vmm_heard(v->domid, VMCTL_RESUME)) {
		assert_false(volume_is_open(v->domid, "by-partlabel/image"));
		v->said &= ~(1ull << VMCTL_SHUTDOWN);
	}
	if (vmm_heard(v->domid, VMCTL_SAVE)) {
		vmm_puts(v, VMCTL_COPIED);
		v->said &= ~(1ull << VMCTL_COPIED);
		return true;
	}
	snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", v->domid);
	asked = node_value(path);
	if (!asked || strcmp(asked, "suspend") != 0 || v->said >> VMCTL_SHUTDOWN & 1)
		return false;
	node_set(path, "");
	v->suspended = true;
	assert_int_equal(ring_put(&v->to_control, &stop, sizeof(stop)), 0);
	(void)ring_put_flush(&v->to_control);
	v->said |= 1ull << VMCTL_SHUTDOWN;
	vmm_puts(v, VMCTL_SAVED);
	v->said &= ~(1ull << VMCTL_SAVED);
	return true;
}

bool vmms_serve(void)
{
	bool any = false;

	for (struct vmm *v = vmm; v < vmm + DOMTAB_MAX; v++) {
		bool did = v->started && vmm_follow(v);

		if (v->started && world.vmms_act && !(v->said >> VMCTL_READY & 1)) {
			vmm_puts(v, VMCTL_READY);
			did = true;
		}
		if (v->started && world.vmms_act && vmm_heard(v->domid, VMCTL_QUIESCE)) {
			vmm_puts(v, VMCTL_QUIESCED);
			did = true;
		}
		if (v->started && world.vmms_act)
			did |= vmm_saves(v);
		if (v->started && world.vmms_act) {
			bool in = vmm_heard(v->domid, VMCTL_PLUG);

			if (in || vmm_heard(v->domid, VMCTL_UNPLUG)) {
				vmm_devices(v, in);
				did = true;
			}
		}
		any = any || did;
	}
	if (any) {
		cut_here();
		for (uint32_t bit = BIT_VMCTL; bit < BIT_VMCTL + BITS_VMCTL; bit++)
			bit_fn[bit](bit_ctx[bit]);
	}
	return any;
}

bool vmm_babbles(uint32_t domid, uint32_t n)
{
	struct vmctl_msg m = { .type = VMCTL_RUNNING };
	struct vmm *v = vmm_of(domid);

	while (n--)
		assert_int_equal(ring_put(&v->to_control, &m, sizeof(m)), 0);
	(void)ring_put_flush(&v->to_control);
	raised = 0;
	vmctl_fire(domid);
	return raised >> vmctl_bit_of(domid) & 1;
}

void vmm_garbage(uint32_t domid)
{
	struct ring_shared *sh = vmm_of(domid)->region;

	sh->prod = 0x12345678;
	vmctl_fire(domid);
	assert_int_equal(guests.n_queued, 0);
	world_run();
}

const struct vm_config *vmm_config(uint32_t domid) { return &vmm_of(domid)->config; }
