/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restore.c - restoring a guest: from a volume to a guest that is as it was
 *
 * Objects     struct restoring: what is needed meanwhile.
 * Lifecycle   restore_open(); then either restore_config_send(), and the VMM ends, or
 *             restore_read(), restore_vcpus(), the threads, restore_finish(). The vCPUs are
 *             parked until the last of them has loaded its FPU; then control is told READY.
 * Invariants  RESTORE1 nothing of the guest runs before the whole stream has been read and
 *                      checked
 */
#include "machine/save.h"

#include <stddef.h>
#include <string.h>

#include "base/array.h"
#include "base/error.h"
#include "caps/caps.h"
#include "machine/cpuid.h"
#include "machine/memory_image.h"
#include "machine/vcpu_state.h"
#include "machine/vmctl.h"
#include "save/image.h"
#include "save/stream.h"
#include "sys/clock.h"
#include "xen.h"

struct restoring {
	struct image_in image;
	struct stream_in in; /* with its bytes behind it */
};

static struct restoring *restoring;
static sk_cap_t restoring_frame;
static sk_time_t restored_tsc;
/* The threads of the vCPUs load their state. */
static bool loading;
static uint32_t config_at;
static bool config_sent;

static uint32_t restoring_size(void)
{
	return (uint32_t)offsetof(struct restoring, in) + stream_in_size(vm.n_vcpus);
}

int restore_open(struct load_error *e)
{
	struct svc_conn *conn = svc_channel("image");
	void *at;
	int rc = vm_alloc(save_order(restoring_size()), &restoring_frame, &at);

	if (rc || !conn)
		return load_fail(e, "the saved guest cannot be read: %s",
			sk_error_text(rc ? rc : -SK_E_NOT_FOUND));
	restoring = at;
	restoring->in.bytes_size = restoring_size() - (uint32_t)sizeof(struct restoring);
	return image_in_open(&restoring->image, conn, e);
}

static void restoring_free(void)
{
	svc_channel_drop(restoring->image.conn);
	vm_unmap(restoring, restoring_frame, save_order(restoring_size()));
	cap_drop(restoring_frame);
	restoring = NULL;
}

/* ---- the configuration ---- */

void restore_config_send(void)
{
	if (restoring->image.header.mandatory & XL_CONFIG_IS_JSON)
		vmctl_failed(
			"the configuration on the volume is JSON, as Xen writes it; name a file: restore ConfigFile CheckpointFile");
	else if (!restoring->image.config_size)
		vmctl_failed(
			"there is no configuration on the volume; name a file: restore ConfigFile CheckpointFile");
	else
		vmctl_queue(VMCTL_CONFIG);
	io_kick(IO_CTL);
}

static uint32_t config_piece(void)
{
	uint32_t left = restoring->image.config_size - config_at;

	return left < VMCTL_TEXT_MAX ? left : VMCTL_TEXT_MAX;
}

uint32_t restore_message(uint32_t *arg, char *text)
{
	uint32_t n = config_piece();

	*arg = config_at;
	memcpy(text, restoring->image.config + config_at, n);
	return n;
}

bool restore_more(void)
{
	uint32_t n = config_piece();

	config_at += n;
	config_sent = !n;
	if (config_sent)
		io_kick(IO_CTL);
	return n;
}

/* ---- memory and state ---- */

/* Has the guest seen a feature that it would miss? */
static int features_check(const struct guest_state *s, struct load_error *e)
{
	struct cpuid_env env = { .host = host_cpuid,
		.n_vcpus = vm.n_vcpus,
		.xcr0_max = vm.info->xcr0,
		.xcr0 = vm.info->xcr0,
		.tsc_hz = vm.tsc_hz };
	const uint32_t osxsave = 1u << 27; /* of CR4, not of the processor */
	const uint32_t htt = 1u << 28;     /* there may be several CPUs: Xen always says so */

	for (uint32_t i = 0; i < s->n_leaves; i++) {
		const xen_cpuid_leaf_t *l = &s->leaf[i];
		struct cpuid_regs r;
		uint32_t b, c, d;

		if (l->leaf == 0 || l->leaf == 0x80000000 ||
			(l->leaf == 7 && l->subleaf && l->subleaf != XEN_CPUID_NO_SUBLEAF))
			continue;
		cpuid_guest(&env, l->leaf, 0, &r);
		b = l->leaf == 7 ? l->b & ~r.ebx : 0;
		c = l->c & ~r.ecx & (l->leaf == 1 ? ~osxsave : ~0u);
		d = l->d & ~r.edx & (l->leaf == 1 ? ~htt : ~0u);
		if (b || c || d)
			return load_fail(e,
				"the guest was saved on a processor with features that this host does not offer: CPUID leaf %#x, EBX %#x, ECX %#x, EDX %#x",
				l->leaf, b, c, d);
	}
	return 0;
}

/* RESTORE1 */
int restore_read(uint64_t *elapsed_ns, struct load_error *e)
{
	struct guest_state *s = save_state_alloc();
	const struct stream_sink sink = { .read = image_in_read,
		.page = memory_image_put,
		.ctx = &restoring->image,
		.state = s };
	int rc;

	if (!s)
		return load_fail(e, "no memory to restore the guest");
	rc = stream_read(&restoring->in, &sink, e);
	if (!rc)
		rc = image_in_check(&restoring->image);
	if (!rc)
		rc = features_check(s, e);
	restoring_free();
	if (rc)
		return rc;
	restored_tsc = vm.start_tsc = vm_rdtsc();
	vm.tsc_offset = s->vcpu[0].cpu.tsc - restored_tsc;
	*elapsed_ns = s->time_ns;
	return 0;
}

int restore_vcpus(struct load_error *e)
{
	struct guest_state *s = save_state_alloc();
	int rc = 0;

	for (uint32_t i = 0; !rc && i < vm.n_vcpus; i++) {
		if (!s->vcpu[i].up)
			continue;
		rc = vcpu_state_set(&vm.vcpu[i], restored_tsc, &s->vcpu[i], e);
		vm.vcpu[i].run = VCPU_RUNNABLE;
		xen_vcpu_restored(i);
	}
	if (rc)
		return rc;
	xen_callback_restore(s->param[HVM_PARAM_CALLBACK_IRQ]);
	vm_pause_add(1);
	rc = save_jobs_start(VCPU_JOB_LOAD);
	return rc ? load_fail(e, "the vCPUs cannot be restored: %s", sk_error_text(rc)) : 0;
}

void restore_finish(void)
{
	loading = true;
	io_kick(IO_CTL);
}

void restore_advance(void)
{
	int rc;

	if (config_sent) {
		config_sent = false;
		vmctl_failed("its configuration was read");
	}
	if (!loading)
		return;
	rc = save_jobs_end();
	if (!rc)
		return;
	loading = false;
	save_state_free();
	if (rc < 0) {
		vmctl_failed("the FPU state of the saved guest is not valid");
		return;
	}
	vm_pause_add(-1);
	vmctl_ready();
}
