/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * spec.c - which barriers against leaks through speculation this CPU offers, and which are on
 *
 * Two barriers are always on, because the code is built with them: no prediction steers
 * indirect calls, and LFENCE follows the branch that decides on SWAPGS (entry.S). spec_on is
 * written while booting.
 */
#include "cpu.h"
#include "spec.h"

/*
 * CPUID 7 EDX and IA32_ARCH_CAPABILITIES: Intel SDM volume 4, table 2-2; 8000_0008 and
 * 8000_0021: AMD64 volume 3, E.4
 */
enum { INTEL_MD_CLEAR = 1 << 10, INTEL_IBPB = 1 << 26, INTEL_STIBP = 1 << 27 };
enum { INTEL_ARCH_CAPS = 1 << 29, CAP_IBRS_ALL = 1 << 1, CAP_MDS_NO = 1 << 5 };
enum { AMD_IBPB = 1 << 12, AMD_STIBP = 1 << 15, AMD_LFENCE = 1 << 2, AMD_AUTO_IBRS = 1 << 8 };
enum { SPEC_CTRL_IBRS = 1, SPEC_CTRL_STIBP = 2, EFER_AIBRSE = 1 << 21, DE_CFG_LFENCE = 2 };
enum { MSR_SPEC_CTRL = 0x48, MSR_ARCH_CAPABILITIES = 0x10a };
#define MSR_DE_CFG 0xc0011029u
#define HYPERVISOR (1u << 31) /* CPUID 1 ECX */
#define AMD_EBX 0x68747541u   /* "Auth": CPUID 0 */

uint32_t spec_on;
static struct spec_cpuid id;
static const struct barrier {
	const char *name;
	uint32_t bit;
	const char *what;
} barriers[] = {
#define X(id, name, bit, what) { name, bit, what },
	SPEC_BARRIERS(X)
#undef X
};

uint32_t spec_offered(const struct spec_cpuid *c)
{
	bool ibpb = c->leaf7_edx & INTEL_IBPB || c->ext8_ebx & AMD_IBPB;
	bool ibrs = c->arch_capabilities & CAP_IBRS_ALL || c->ext21_eax & AMD_AUTO_IBRS;
	bool stibp = c->leaf7_edx & INTEL_STIBP || c->ext8_ebx & AMD_STIBP;
	bool verw = c->leaf7_edx & INTEL_MD_CLEAR && !(c->arch_capabilities & CAP_MDS_NO);

	/*
	 * No RSB with automatic IBRS, which guards the predictor of returns too, and none
	 * without IBPB, which it would complete.
	 */
	return (ibpb ? SPEC_IBPB : 0) | (ibrs ? SPEC_IBRS : 0) | (stibp ? SPEC_STIBP : 0) |
	       (ibpb && !(c->ext21_eax & AMD_AUTO_IBRS) ? SPEC_RSB : 0) |
	       (verw ? SPEC_VERW : 0);
}

/* --- spec-ctrl= --------------------------------------------------------------------------- */

/* Skip `word` at *at, if it is there and one of `ends` or the end of the option follows. */
static bool skip(const char **at, const char *word, const char *ends)
{
	const char *p = *at;

	while (*word && *p == *word)
		p++, word++;
	if (*word)
		return false;
	for (; ends && *ends != *p; ends++)
		if (!*ends)
			return false;
	*at = p;
	return true;
}

/* A boolean as Xen spells it: 1, 0, or -1 if the text is not a boolean. */
static int boolean(const char **at)
{
	static const char *const words[] = { "no", "yes", "off", "on", "0", "1", "false",
		"true", "disable", "enable" };

	for (unsigned int i = 0; i < ARRAY_SIZE(words); i++)
		if (skip(at, words[i], ", "))
			return i & 1;
	return -1;
}

/* One name with its boolean: the bit of the barrier, or 0 if the name is unknown. */
static uint32_t item(const char **at, int *value)
{
	*value = !skip(at, "no-", NULL);
	for (const struct barrier *b = barriers; b < barriers + ARRAY_SIZE(barriers); b++) {
		if (!skip(at, b->name, *value ? "=, " : ", "))
			continue;
		if (skip(at, "=", NULL))
			*value = boolean(at);
		return *value < 0 ? 0 : b->bit;
	}
	return 0;
}

uint32_t spec_choose(const char *list, uint32_t offered, const char **unknown)
{
	uint32_t on = offered, bit;

	*unknown = NULL;
	while (list && *list && *list != ' ') {
		const char *start = list;
		int value = boolean(&list);

		bit = value < 0 ? item(&list, &value) : SPEC_ALL;
		on = bit && value ? on | (bit & offered) : on & ~bit;
		if (!bit && !*unknown)
			*unknown = start;
		while (*list && *list != ' ' && *list++ != ',')
			continue;
	}
	return on;
}

/* --- set-up ------------------------------------------------------------------------------- */

void spec_detect(void)
{
	const char *unknown;
	uint32_t offered;

	id.leaf7_edx = cpuid_leaf(7).d;
	id.ext8_ebx = cpuid_leaf(0x80000008).b;
	id.ext21_eax = cpuid_leaf(0x80000021).a;
	if (id.leaf7_edx & INTEL_ARCH_CAPS)
		id.arch_capabilities = rdmsr(MSR_ARCH_CAPABILITIES);
	offered = spec_offered(&id);
	spec_on = spec_choose(boot_option_value("spec-ctrl="), offered, &unknown);
	if (unknown)
		klog("spec-ctrl=: not known: %s\n", unknown);
	klog("speculation: retpolines, LFENCE");
	for (const struct barrier *b = barriers; b < barriers + ARRAY_SIZE(barriers); b++)
		if (offered & b->bit)
			klog(", %s%s", spec_on & b->bit ? "" : "no ", b->what);
	klog("%s\n", offered & SPEC_IBPB ? "" : "; this CPU offers no IBPB");
}

void spec_setup_cpu(void)
{
	uint64_t ctrl = spec_on & SPEC_STIBP ? SPEC_CTRL_STIBP : 0;

	if (spec_on & SPEC_IBRS && id.ext21_eax & AMD_AUTO_IBRS)
		wrmsr(MSR_EFER, rdmsr(MSR_EFER) | EFER_AIBRSE);
	else if (spec_on & SPEC_IBRS)
		ctrl |= SPEC_CTRL_IBRS;
	if (ctrl)
		wrmsr(MSR_SPEC_CTRL, ctrl);
	/*
	 * AMD: LFENCE waits for earlier instructions only if this bit is set; under a
	 * hypervisor, the hypervisor decides on it
	 */
	if (cpuid(0, 0).b == AMD_EBX && !(id.ext21_eax & AMD_LFENCE) &&
		!(cpuid(1, 0).c & HYPERVISOR))
		wrmsr(MSR_DE_CFG, rdmsr(MSR_DE_CFG) | DE_CFG_LFENCE);
}
