/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * host.c - what init and the kernel know: services, the VMM's image, priorities, domains, time,
 * power
 *
 * Objects     endpoint[]: control endpoints of services; the capability "sched" of the
 *             manifest.
 * Lifecycle   host_init() before everything else.
 */
#include "client/host.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "caps/caps.h"
#include "proto/init.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum { STATIC_DOMAINS_MAX = 64 };
/* init answers at once, except while the host goes down. */
enum { INIT_MS = 10000 };

static sk_cap_t endpoint[SERVICE_COUNT], ctl_sched;
static struct proc_image vmm_image;
static bool have_image;
static uint32_t priority[PRIORITY_COUNT];

#define X(sym, name) name,
static const char *const service_names[] = { CTL_GUEST_SERVICES(X) };
#undef X

const char *host_service_name(enum service s) { return service_names[s]; }

/*
 * What comes back may have capabilities, so each call needs slots. Control that has none left
 * can manage nothing; its next life has all of them.
 */
static int init_call(enum init_call label, uint64_t *mr, uint32_t *n, struct svc_caps *caps)
{
	int rc = svc_call_timed(DOMAIN_CAP_PARENT, label, mr, n, caps, INIT_MS);
	sk_cap_t slot = rc == -SK_E_SLOT ? slot_alloc(1) : 0;

	if (slot) { /* init says so */
		slot_free(slot, 1);
	} else if (rc == -SK_E_SLOT) {
		printf("control has no slots left, so it ends\n");
		exit(1);
	}
	return rc;
}

int host_call(enum init_call label, uint64_t mr[SK_MR_MAX], uint32_t *n)
{
	struct svc_caps none = { .n_out = 0 };

	return init_call(label, mr, n, &none);
}

sk_cap_t host_service(enum service s)
{
	uint64_t mr[SK_MR_MAX] = { 0 };
	struct svc_caps caps = { .n_out = 0 };
	uint32_t n = 4;

	if (endpoint[s])
		return endpoint[s];
	memcpy(mr, service_names[s], strlen(service_names[s]));
	if (init_call(INIT_SERVICE, mr, &n, &caps) || (int64_t)mr[0] || !caps.n_in)
		return 0;
	endpoint[s] = caps.in[0];
	return endpoint[s];
}

sk_cap_t host_ctl_sched(void) { return ctl_sched; }

uint32_t host_priority(enum host_priority of) { return priority[of]; }

int host_thread_sched(uint32_t percent, sk_cap_t *sched)
{
	int rc = object_make(SK_OBJ_SCHED, 0, sched);

	return rc ? rc
		  : (int)sk_sched_configure(ctl_sched, *sched, 0, priority[PRIORITY_SELF], 256,
			    percent * 1000, percent ? 100000 : 0);
}

/* False: one is missing, or they are not in order, so no guest can get its priority. */
static bool priorities_read(void)
{
	static const char *const keys[PRIORITY_COUNT] = {
		"vcpu-priority",
		"vmm-priority",
		"priority",
	};
	char text[4];

	for (uint32_t i = 0; i < PRIORITY_COUNT; i++) {
		if (!svc_arg(keys[i], text, sizeof(text)))
			return false;
		priority[i] = (uint32_t)strtoul(text, NULL, 10);
		if (priority[i] > 31 || (i && priority[i] <= priority[i - 1]))
			return false;
	}
	return true;
}

const struct proc_image *host_vmm_image(void)
{
	if (!have_image)
		have_image = proc_image_fetch(DOMAIN_CAP_PARENT, &vmm_image) == 0;
	return have_image ? &vmm_image : NULL;
}

int host_domain_read(uint32_t i, struct host_row *r)
{
	uint64_t mr[SK_MR_MAX] = { i };
	uint32_t n = 2;
	int rc = host_call(INIT_DOMAIN_STATS, mr, &n);

	if (rc)
		return rc;
	*r = (struct host_row){ .memory = mr[1],
		.cpu_ns = clock_ticks_to_ns(mr[2]),
		.cpu = (uint32_t)mr[7],
		.state = (uint32_t)mr[10] < DOMAIN_STATE_END ? (enum domain_state)mr[10]
							     : DOMAIN_ABSENT,
		.end = mr[10] >> 32 < DOMAIN_ENDS_END ? (enum domain_end)(mr[10] >> 32)
						      : DOMAIN_END_NONE,
		.epoch = (uint32_t)(mr[11] >> 32) };
	memcpy(r->name, &mr[3], sizeof(r->name));
	r->name[sizeof(r->name) - 1] = 0;
	return 0;
}

bool host_domain(uint32_t i, struct host_row *r) { return host_domain_read(i, r) == 0; }

int host_domain_restart(const char *name, enum init_kill how)
{
	uint64_t mr[SK_MR_MAX] = { [4] = how };
	uint32_t n = 5;

	memcpy(mr, name, strlen(name));
	return host_call(INIT_RESTART, mr, &n);
}

uint64_t host_wall_seconds(void)
{
	uint64_t boot = 0;

	if (!clock_wall_boot_ns(&boot))
		boot = 0;
	return (boot + clock_ns()) / 1000000000ull;
}

/*
 * The kernel reports this through a scheduling context without a thread, which is moved to the
 * CPU in question.
 */
static uint64_t cpu_idle_ns(uint32_t cpu)
{
	static sk_cap_t probe;
	uint64_t ticks = 0;

	if (!probe && object_make(SK_OBJ_SCHED, SK_ORDER_SCHED, &probe))
		return 0;
	if (sk_sched_configure(ctl_sched, probe, cpu, 0, 256, 0, 0) ||
		sk_sched_idle(probe, &ticks))
		return 0;
	return clock_ticks_to_ns(ticks);
}

void host_system(struct ctl_system *s)
{
	const uint32_t n_cpus = sys_info()->n_cpus;
	struct host_row r;

	uint64_t ticks, waited;

	*s = (struct ctl_system){ .up_ns = clock_ns(),
		.on_ns = clock_ticks_to_ns(svc_now()),
		.wall_seconds = host_wall_seconds(),
		.n_cpus = n_cpus };
	(void)sk_sched_stats(SK_CAP_SCHED, &ticks, &waited, &s->cpu);
	for (uint32_t i = 0; i < STATIC_DOMAINS_MAX && host_domain(i, &r); i++) {
		s->host_memory += r.memory;
		s->cpu_ns += r.cpu_ns;
		if (r.cpu < CTL_CPUS_MAX)
			s->ran_ns[r.cpu] += r.cpu_ns;
	}
	for (uint32_t i = 0; i < n_cpus && i < CTL_CPUS_MAX; i++)
		s->idle_ns[i] = cpu_idle_ns(i);
}

/* Words of INIT_POWER. */
enum { POWER_OFF = 0, POWER_REBOOT = 1 };

static int power_call(uint64_t how)
{
	uint64_t mr[SK_MR_MAX] = { how };
	struct svc_caps caps = { .n_out = 0 };
	uint32_t n = 1;
	int rc = svc_call(DOMAIN_CAP_PARENT, INIT_POWER, mr, &n, &caps);

	return rc ? rc : (int)(int64_t)mr[0];
}

int host_poweroff(void) { return power_call(POWER_OFF); }

int host_reboot(void) { return power_call(POWER_REBOOT); }

int host_init(void)
{
	ctl_sched = svc_cap("sched", NULL);
	if (!ctl_sched)
		printf("control may not make scheduling contexts, so no guest can be created\n");
	if (ctl_sched && !priorities_read()) {
		printf("vcpu-priority, vmm-priority and priority must be given and rise in this order; "
		       "no guest can be created\n");
		ctl_sched = 0;
	}
	return 0;
}
