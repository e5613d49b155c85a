/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * save.c - saving the guest, or a core of it: from control's command to a volume that has all
 * of it
 *
 * Objects     struct saving: what a save needs, in memory that the VMM has only meanwhile.
 * Lifecycle   SAVE_TEXT (control gives the configuration) -> SAVE_COPY (all memory is written
 *             while the guest runs, and what it changes meanwhile, in rounds) -> SAVE_STOP,
 *             with COPIED to control, which has the guest stop (all vCPUs are parked) ->
 *             SAVE_STATE (each vCPU's thread saves its state) -> SAVE_WRITE (the memory that
 *             was changed since, and the state) -> SAVE_END -> IDLE, with SAVED to control.
 *             Each failure leads to SAVE_END. The guest stays stopped until RESUME, or its end.
 *             A core begins with SAVE_PAUSE, in which all vCPUs are parked, and goes on with
 *             SAVE_STATE; the guest runs again at the end.
 * Invariants  SAVE1 from SAVE_COPY on, memory that is changed is tracked, until the guest is no
 *                   longer saved and runs; the last that is read of it is read while all vCPUs
 *                   are parked and the back ends have nothing to do for the guest
 *             SAVE2 the channel of the volume is dropped outside its own handler
 */
#include "machine/save.h"

#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <xen/xen.h>
#include <xen/sched.h>

#include "base/array.h"
#include "base/error.h"
#include "caps/caps.h"
#include "log.h"
#include "machine/cpuid.h"
#include "machine/dirty.h"
#include "machine/fpu_stub.h"
#include "machine/memory_image.h"
#include "machine/vcpu_state.h"
#include "machine/vmctl.h"
#include "save/core.h"
#include "save/image.h"
#include "save/stream.h"
#include "svc/svc.h"
#include "xen.h"

enum save_step {
	SAVE_IDLE,
	SAVE_TEXT,
	SAVE_COPY,
	SAVE_STOP,
	SAVE_PAUSE,
	SAVE_STATE,
	SAVE_WRITE,
	SAVE_END,
};

enum {
	/* Further rounds of copying while the guest runs. */
	ROUNDS_MAX = 4,
	/* So few pages are left for the time in which the guest stands still. */
	ROUND_FEW = 64,
};

struct saving {
	struct image_out image;
	enum memory_round round;
	uint32_t n_rounds;
	uint64_t round_pages; /* of the last round */
	uint32_t config_size;
	char config[VMCTL_CONFIG_MAX];
	/* with its bytes behind it */
	union {
		struct stream_out out;
		struct core_out core;
	};
};

static enum save_step step;
static struct svc_conn *conn; /* to the volume */
static struct saving *saving;
static sk_cap_t saving_frame;
static struct load_error why;
static bool resume_wanted, abandoned;
/* It is a core that is written, for which the guest is paused. */
static bool core_wanted;

/* ---- memory ---- */

static struct guest_state *state;
static sk_cap_t state_frame;
/* The host's TSC at which the guest stands still. */
static sk_time_t state_tsc;

uint32_t save_order(uint32_t size)
{
	uint32_t order = SK_PAGE_ORDER;

	while (1u << order < size)
		order++;
	return order;
}

struct guest_state *save_state_alloc(void)
{
	void *at;

	if (state || vm_alloc(save_order(state_size(vm.n_vcpus)), &state_frame, &at))
		return state;
	state = at;
	state->n_vcpus = vm.n_vcpus;
	return state;
}

void save_state_free(void)
{
	if (!state)
		return;
	vm_unmap(state, state_frame, save_order(state_size(vm.n_vcpus)));
	cap_drop(state_frame);
	state = NULL;
}

static uint32_t saving_order(void)
{
	uint32_t out = core_wanted ? core_out_size(vm.n_vcpus) : stream_out_size(vm.n_vcpus);

	return save_order((uint32_t)offsetof(struct saving, out) + out);
}

static int saving_alloc(void)
{
	void *at;
	int rc = vm_alloc(saving_order(), &saving_frame, &at);

	if (!rc)
		saving = at;
	return rc;
}

static void saving_free(void)
{
	if (!saving)
		return;
	vm_unmap(saving, saving_frame, saving_order());
	cap_drop(saving_frame);
	saving = NULL;
}

/* ---- what the threads of the vCPUs do ---- */

int save_jobs_start(enum vcpu_job job)
{
	int rc = fpu_stub_prepare();

	if (!rc)
		rc = fpu_stub_show();
	if (rc)
		return rc;
	state_tsc = vm_rdtsc();
	for (uint32_t i = 0; i < vm.n_vcpus; i++)
		__atomic_store_n(&vm.vcpu[i].job, job, __ATOMIC_RELEASE);
	for (uint32_t i = 0; i < vm.n_vcpus; i++)
		vcpu_kick(&vm.vcpu[i]);
	return 0;
}

int save_jobs_end(void)
{
	int result = 1;

	for (uint32_t i = 0; i < vm.n_vcpus; i++) {
		uint32_t job = __atomic_load_n(&vm.vcpu[i].job, __ATOMIC_ACQUIRE);

		if (job == VCPU_JOB_SAVE || job == VCPU_JOB_LOAD)
			return 0;
		if (job == VCPU_JOB_FAILED)
			result = -1;
	}
	fpu_stub_hide();
	for (uint32_t i = 0; i < vm.n_vcpus; i++)
		vm.vcpu[i].job = VCPU_JOB_NONE;
	return result;
}

void save_job_run(struct vcpu *v)
{
	uint32_t job = __atomic_load_n(&v->job, __ATOMIC_ACQUIRE);
	int rc = 0;

	if (job == VCPU_JOB_SAVE)
		rc = vcpu_state_get(v, state_tsc, &state->vcpu[v->id]);
	else if (job == VCPU_JOB_LOAD && state->vcpu[v->id].up)
		rc = vcpu_state_load(v, &state->vcpu[v->id]);
	else if (job != VCPU_JOB_LOAD)
		return;
	__atomic_store_n(&v->job, rc ? VCPU_JOB_FAILED : VCPU_JOB_DONE, __ATOMIC_RELEASE);
	io_kick(IO_CTL);
}

/* ---- the rest of the state ---- */

static void leaves_get(struct guest_state *s)
{
	static const uint32_t leaves[] = { 0, 1, 2, 4, 5, 6, 7, 0xb, 0xd, 0x80000000,
		0x80000001, 0x80000007, 0x80000008 };
	struct cpuid_env env = { .host = host_cpuid,
		.n_vcpus = vm.n_vcpus,
		.domid = vm.cfg->domid,
		.xcr0_max = vm.info->xcr0,
		.xcr0 = vm.info->xcr0,
		.tsc_hz = vm.tsc_hz };
	struct cpuid_regs r;

	s->n_leaves = 0;
	for (uint32_t i = 0; i < ARRAY_SIZE(leaves); i++) {
		cpuid_guest(&env, leaves[i], 0, &r);
		s->leaf[s->n_leaves++] = (xen_cpuid_leaf_t){ leaves[i],
			leaves[i] == 7 || leaves[i] == 4 || leaves[i] == 0xb || leaves[i] == 0xd
				? 0
				: XEN_CPUID_NO_SUBLEAF,
			r.eax, r.ebx, r.ecx, r.edx };
	}
}

static void state_complete(struct guest_state *s)
{
	s->time_ns = xen_time_at(state_tsc);
	s->tsc_khz = (uint32_t)(vm.tsc_hz / 1000);
	for (uint32_t i = 0; i < HVM_NR_PARAMS; i++)
		s->param[i] = xen_param(i);
}

/* ---- the steps ---- */

static void save_fail(const char *what, int rc)
{
	snprintf(why.text, sizeof(why.text), "%s: %s", what, sk_error_text(rc));
	step = SAVE_END;
	io_kick(IO_CTL);
}

static uint32_t image_fill(void *ctx, uint8_t *buf, uint32_t size, bool *over)
{
	uint32_t n;

	(void)ctx;
	if (core_wanted) {
		n = core_fill(&saving->core, buf, size);
		*over = n < size;
		return n;
	}
	n = stream_fill(&saving->out, buf, size);
	*over = n < size && saving->out.phase == STREAM_DONE;
	return n;
}

/*
 * Copy once more what the guest has written while it was copied, if that is much less than the
 * last time: then even less will be left. The volume must have room for what is left, too.
 */
static bool round_again(void)
{
	uint64_t n = dirty_count();

	if (n <= ROUND_FEW || n > saving->round_pages / 2 || saving->n_rounds == ROUNDS_MAX ||
		2 * n * SK_PAGE_SIZE > image_out_room(&saving->image))
		return false;
	saving->n_rounds++;
	saving->round_pages = n;
	saving->round = MEMORY_AGAIN;
	dirty_round();
	stream_again(&saving->out);
	return true;
}

/* SAVE2: the rest is for save_advance(). */
static void image_run(void)
{
	image_out_run(&saving->image);
	if (saving->image.step >= IMAGE_DONE) {
		if (saving->image.step == IMAGE_FAILED)
			snprintf(why.text, sizeof(why.text), "%s", saving->image.e.text);
		step = SAVE_END;
		io_kick(IO_CTL);
	} else if (core_wanted || saving->out.phase != STREAM_WAIT) {
		if (image_out_wants(&saving->image))
			io_kick(IO_CTL); /* others had their turn meanwhile */
	} else if (step == SAVE_COPY) {
		if (!round_again()) {
			step = SAVE_STOP;
			vmctl_queue(VMCTL_COPIED);
		}
		io_kick(IO_CTL);
	}
}

static bool writing(void)
{
	return step == SAVE_COPY || step == SAVE_STOP || step == SAVE_WRITE;
}

static void image_event(void *ctx)
{
	(void)ctx;
	if (writing())
		image_run();
}

static void image_restarted(void *ctx)
{
	(void)ctx;
	if (saving)
		image_out_restarted(&saving->image);
}

/* SAVE1 */
static void copy_begin(void)
{
	const struct stream_source src = {
		.next = memory_image_next, .ctx = &saving->round, .state = state
	};
	int rc = dirty_begin();

	leaves_get(state);
	saving->round = MEMORY_ALL;
	saving->n_rounds = 0;
	saving->round_pages = (vm.low_size + vm.high_size) / SK_PAGE_SIZE;
	stream_begin(&saving->out, &src);
	if (!rc)
		rc = image_out_begin(&saving->image, conn, saving->config, saving->config_size,
			image_fill, NULL);
	if (rc) {
		save_fail("the VMM cannot save its guest", rc);
		return;
	}
	step = SAVE_COPY;
	image_run();
}

static void core_write_begin(void)
{
	const struct stream_source src = {
		.next = memory_image_next, .ctx = &saving->round, .state = state
	};
	int rc;

	saving->round = MEMORY_WHOLE;
	rc = core_begin(&saving->core, &src);
	if (rc) {
		save_fail("the pieces of the guest's memory", rc);
		return;
	}
	image_out_begin_other(
		&saving->image, conn, saving->core.head, CORE_HEAD, image_fill, NULL);
	step = SAVE_WRITE;
	image_run();
}

/* SAVE1 */
static void rest_begin(void)
{
	state_complete(state);
	xen_memory_wrote();
	vm_log("saved while it ran, in %u rounds; %llu pages were changed since",
		(unsigned int)saving->n_rounds + 1, (unsigned long long)dirty_count());
	saving->round = MEMORY_REST;
	stream_rest(&saving->out);
	step = SAVE_WRITE;
	image_run();
}

static void stop_look(void)
{
	int rc;

	uint32_t stopped = __atomic_load_n(&vm.stopped, __ATOMIC_ACQUIRE);

	if ((step == SAVE_STOP && stopped != 1 + SHUTDOWN_suspend) || !vm_all_parked())
		return;
	step = SAVE_STATE;
	rc = save_jobs_start(VCPU_JOB_SAVE);
	if (rc)
		save_fail("the vCPUs cannot be saved", rc);
}

static void state_look(void)
{
	int rc = save_jobs_end();

	if (rc < 0)
		save_fail("the FPU of a vCPU cannot be saved", -SK_E_INVAL);
	else if (rc && core_wanted)
		core_write_begin();
	else if (rc)
		rest_begin();
}

static void save_free(void)
{
	if (conn)
		svc_channel_drop(conn);
	conn = NULL;
	if (!vm.stopped)
		dirty_end();
	saving_free();
	save_state_free();
	if (core_wanted)
		vm_pause_add(-1);
	core_wanted = false;
	abandoned = false;
	step = SAVE_IDLE;
}

static void resume_look(void)
{
	if (!resume_wanted || !vm_all_parked())
		return;
	resume_wanted = false;
	if (!xen_suspend_cancel())
		return;
	dirty_end();
	vm_unstop();
}

void save_advance(void)
{
	if (writing())
		image_run();
	if (step == SAVE_STOP || step == SAVE_PAUSE)
		stop_look();
	if (step == SAVE_STATE)
		state_look();
	if (step == SAVE_END) {
		save_free();
		vmctl_queue(VMCTL_SAVED);
	}
	if (abandoned && step != SAVE_STATE)
		save_free();
	if (step == SAVE_IDLE)
		resume_look();
}

/* ---- commands ---- */

static int channel_begin(const struct vmctl_save *s)
{
	int rc;

	conn = svc_channel_add(&s->channel);
	if (!conn)
		return -SK_E_NO_MEM;
	if (conn->data_size < (uint64_t)IMAGE_BUFFERS * IMAGE_BUFFER)
		return -SK_E_RANGE;
	rc = svc_on_epoch(conn, image_restarted, NULL);
	if (!rc)
		rc = svc_on_end(conn, image_event, NULL);
	return rc ? rc : svc_on_channel(conn, image_event, NULL);
}

void save_begin(const void *body, uint32_t len)
{
	struct vmctl_save s;
	int rc;

	if (len != sizeof(s) || step != SAVE_IDLE)
		return;
	memcpy(&s, body, sizeof(s));
	why.text[0] = '\0';
	step = SAVE_TEXT;
	core_wanted = s.kind == VMCTL_SAVE_CORE;
	if (core_wanted)
		vm_pause_add(1);
	rc = channel_begin(&s);
	if (!rc)
		rc = saving_alloc();
	if (!rc && !save_state_alloc())
		rc = -SK_E_NO_MEM;
	if (rc) {
		save_fail("the VMM cannot save its guest", rc);
		return;
	}
	saving->config_size = 0;
	if (core_wanted)
		step = SAVE_PAUSE;
	else
		vmctl_queue(VMCTL_TEXT);
}

void save_text(uint32_t at, const void *body, uint32_t len)
{
	if (step != SAVE_TEXT || at != saving->config_size)
		return;
	if (len > sizeof(saving->config) - saving->config_size) {
		save_fail("the configuration", -SK_E_LIMIT);
		return;
	}
	memcpy(saving->config + saving->config_size, body, len);
	saving->config_size += len;
	if (len == VMCTL_TEXT_MAX)
		vmctl_queue(VMCTL_TEXT);
	else
		copy_begin();
}

void save_abandon(void)
{
	abandoned = step != SAVE_IDLE;
	save_advance(); /* while the threads use the memory, it stays */
}

bool save_busy(void) { return step != SAVE_IDLE; }

void save_resume(void)
{
	resume_wanted = true;
	resume_look();
}

/* ---- messages ---- */

uint32_t save_message(uint32_t type, uint32_t *arg, char *text)
{
	uint32_t n = 0;

	if (type == VMCTL_SAVED) {
		*arg = why.text[0] != '\0';
		n = *arg ? (uint32_t)strlen(why.text) + 1 : 0;
		memcpy(text, why.text, n);
	} else if (type == VMCTL_TEXT) {
		*arg = saving ? saving->config_size : 0;
	}
	return n;
}
