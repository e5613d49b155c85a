/*
 * vcpu.c - guest CPUs: the vendor's back end, chosen once at boot
 */
#include "../../vcpu.h"
#include "cpu.h"

static const struct vcpu_ops *ops;

/* First on the boot CPU; the others must agree with it. */
void vcpu_setup_cpu(void)
{
	if (this_cpu()->id == 0 && features.svm)
		ops = &svm_ops;
	if (ops)
		ops->setup_cpu();
}

/* A back end that finds itself locked out by the firmware says so. */
void vcpu_unavailable(const char *why)
{
	klog("guests: %s\n", why);
	ops = NULL;
}

bool arch_vcpu_available(void)
{
	return ops != NULL;
}

void arch_vcpu_init(struct vcpu *v)
{
	ops->init(v);
}

bool arch_vcpu_run(struct vcpu *v)
{
	return ops->run(v);
}

void arch_vcpu_sync(struct vcpu *v, uint32_t groups)
{
	ops->sync_state(v, groups);
}

void arch_vcpu_load(struct vcpu *v)
{
	ops->load_state(v);
}
