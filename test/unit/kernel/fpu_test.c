/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fpu_test.c - whose state the FPU registers hold, tried on this machine's own registers
 */
#include "processor.h"
#include "kernel/arch/x86_64/fpu.c"

struct features features;
static struct cpu_arch machine[2];
static struct thread threads[2];
static struct vcpu vcpu;

static unsigned int xcr0_saves;
void vcpu_xcr0_save(struct vcpu *v)
{
	assert_ptr_equal(v, &vcpu);
	xcr0_saves++;
}

static void xmm_set(uint64_t v) { __asm__ volatile("movq %0, %%xmm7" : : "r"(v)); }
static uint64_t xmm_get(void)
{
	uint64_t v;

	__asm__ volatile("movq %%xmm7, %0" : "=r"(v));
	return v;
}

static void on(unsigned int cpu) { be(&machine[cpu].cpu); }

static void begin(bool xsave)
{
	struct cpuid one = cpuid(1, 0);

	memset(machine, 0, sizeof(machine));
	machine[1].cpu.id = 1;
	features = (struct features){ .xcr0 = 3 };
	if (xsave && one.c & 1u << 27) {
		features.xsave = true;
		features.xsaveopt = cpuid(0xd, 1).a & 1;
	}
	vcpu.on = &machine[0].cpu;
	for (unsigned int i = 0; i < 2; i++) {
		memset(threads[i].fpu, 0xee, sizeof(threads[i].fpu));
		arch_fpu_init_area(threads[i].fpu);
	}
	processor_reset();
	on(0);
}

static void areas_begin_clean(void **state)
{
	(void)state;
	begin(false);
	assert_int_equal(*(uint16_t *)threads[0].fpu, 0x37f);
	assert_int_equal(*(uint32_t *)(threads[0].fpu + 24), 0x1f80);
	for (unsigned int i = 32; i < FPU_AREA_SIZE; i++)
		assert_int_equal(threads[0].fpu[i], 0);
	for (unsigned int xsave = 0; xsave < 2; xsave++) {
		begin(xsave);
		xmm_set(0x1234);
		fpu_switch(threads[0].fpu);
		assert_int_equal(xmm_get(), 0);
		arch_fpu_put();
	}
}

static void each_has_its_own(void **state)
{
	(void)state;
	for (unsigned int xsave = 0; xsave < 2; xsave++) {
		begin(xsave);
		fpu_switch(threads[0].fpu);
		xmm_set(1);
		fpu_switch(threads[1].fpu);
		assert_ptr_equal(machine[0].cpu.fpu, threads[1].fpu);
		assert_int_equal(xmm_get(), 0);
		xmm_set(2);
		fpu_switch(threads[0].fpu);
		assert_int_equal(xmm_get(), 1);
		arch_fpu_put();
		assert_null(machine[0].cpu.fpu);
		/* the kernel does not use them, but an interrupted load would leave this */
		xmm_set(0xbad);
		fpu_switch(threads[1].fpu);
		assert_int_equal(xmm_get(), 2);
		arch_fpu_put();
	}
}

/* To another CPU and back: the first CPU's registers are stale by then. */
static void not_what_is_old(void **state)
{
	(void)state;
	for (unsigned int xsave = 0; xsave < 2; xsave++) {
		begin(xsave);
		fpu_switch(threads[0].fpu);
		xmm_set(1);
		arch_fpu_put();
		on(1);
		fpu_switch(threads[0].fpu);
		assert_int_equal(xmm_get(), 1);
		xmm_set(5);
		arch_fpu_put();
		xmm_set(1); /* CPU 0's registers as it left them */
		on(0);
		fpu_switch(threads[0].fpu);
		assert_int_equal(xmm_get(), 5);
		arch_fpu_put();
		/* if they still hold the state, no load is needed */
		xmm_set(6);
		fpu_switch(threads[0].fpu);
		assert_int_equal(xmm_get(), 6);
		arch_fpu_put();
		arch_fpu_init_area(threads[0].fpu); /* unless the state is initialized */
		fpu_switch(threads[0].fpu);
		assert_int_equal(xmm_get(), 0);
		arch_fpu_put();
	}
}

static void vcpus_are_given_back(void **state)
{
	(void)state;
	begin(true);
	fpu_switch(threads[0].fpu);
	xmm_set(9);
	machine[0].vcpu = &vcpu;
	arch_fpu_put();
	assert_null(vcpu.on);
	assert_int_equal(xcr0_saves, features.xsave);
	assert_null(machine[0].vcpu);
	assert_null(machine[0].cpu.fpu);
	vcpu.on = &machine[1].cpu;
	arch_fpu_put(); /* there is nothing to put */
	assert_ptr_equal(vcpu.on, &machine[1].cpu);
}

static bool forbidden(void) { return processor.cr0 & CR0_TS; }

static void to_user(struct thread *t)
{
	fpu_user(&machine[0], t);
	assert_int_equal(forbidden(), !t->uses_fpu);
	assert_int_equal(processor.cr0 & ~(uint64_t)CR0_TS, CR0_PG);
	if (t->uses_fpu)
		assert_ptr_equal(machine[0].cpu.fpu, t->fpu);
}

/* A thread that does not use the FPU leaves the registers to whose they are. */
static void only_users_have_registers(void **state)
{
	(void)state;
	begin(false);
	features.svm = true;
	processor.cr0 = CR0_PG;
	threads[0].uses_fpu = threads[1].uses_fpu = false;
	to_user(&threads[0]);
	to_user(&threads[1]);
	assert_int_equal(processor.cr0_writes, 1);
	threads[0].uses_fpu = true;
	to_user(&threads[0]);
	xmm_set(7);
	to_user(&threads[0]);
	assert_int_equal(processor.cr0_writes, 2);
	arch_fpu_put();
	to_user(&threads[1]);
	to_user(&threads[0]);
	assert_int_equal(xmm_get(), 7);
	/* a guest, then its VMM; another thread comes: the guest's registers are saved */
	fpu_switch(threads[1].fpu);
	machine[0].vcpu = &vcpu;
	xmm_set(8);
	to_user(&threads[1]);
	assert_ptr_equal(machine[0].vcpu, &vcpu);
	arch_fpu_put();
	assert_false(forbidden());
	assert_null(machine[0].vcpu);
	to_user(&threads[0]);
	assert_int_equal(xmm_get(), 7);
	threads[1].uses_fpu = true;
	to_user(&threads[1]);
	assert_int_equal(xmm_get(), 8);
	arch_fpu_put();
}

/* Other processors may show the registers all the same. */
static void all_are_users_without_amd_v(void **state)
{
	(void)state;
	begin(false);
	processor.cr0 = CR0_PG;
	threads[0].uses_fpu = false;
	to_user(&threads[0]);
	assert_true(threads[0].uses_fpu);
	assert_int_equal(processor.cr0_writes, 0);
	arch_fpu_put();
}

static void set_xcr0(void **state)
{
	(void)state;
	begin(true);
	features.xsave = true;
	features.xcr0 = 7;
	fpu_init_cpu();
	assert_int_equal(processor.xcr0, 7);
	features.xsave = false;
	processor.xcr0 = 0;
	fpu_init_cpu();
	assert_int_equal(processor.xcr0, 0);
}

int main(void)
{
	static const struct CMUnitTest tests[] = {
		cmocka_unit_test(areas_begin_clean),
		cmocka_unit_test(each_has_its_own),
		cmocka_unit_test(not_what_is_old),
		cmocka_unit_test(vcpus_are_given_back),
		cmocka_unit_test(only_users_have_registers),
		cmocka_unit_test(all_are_users_without_amd_v),
		cmocka_unit_test(set_xcr0),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
