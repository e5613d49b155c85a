/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * context.c - the records of <xen/hvm/save.h>: state of vCPUs and their local APICs
 *
 * Objects     struct guest_state, and the bytes of one HVM_CONTEXT record.
 * Invariants  CONTEXT1 no descriptor is believed before its length has been compared with what
 *                      is left
 *             CONTEXT2 each record of a vCPU comes at most once; a vCPU that has the CPU record
 *                      has those that its restoration reads
 */
#include "save/state.h"

#include <stddef.h>
#include <string.h>

#include "base/array.h"
#include "base/cpuid.h"

enum { FILE_VERSION = 1 };

/* ---- writing ---- */

static uint8_t *record_put(
	uint8_t *at, uint32_t type, uint32_t instance, const void *body, uint32_t length)
{
	struct hvm_save_descriptor d = {
		.typecode = (uint16_t)type, .instance = (uint16_t)instance, .length = length
	};

	memcpy(at, &d, sizeof(d));
	memcpy(at + sizeof(d), body, length);
	return at + sizeof(d) + length;
}

static uint8_t *xsave_put(uint8_t *at, uint32_t i, const struct vcpu_state *v)
{
	struct hvm_hw_cpu_xsave head = { .xcr0 = v->xcr0, .xcr0_accum = v->xcr0 };
	const uint32_t before = offsetof(struct hvm_hw_cpu_xsave, save_area);
	struct hvm_save_descriptor d = { .typecode = CPU_XSAVE_CODE,
		.instance = (uint16_t)i,
		.length = before + v->xsave_size };

	memcpy(at, &d, sizeof(d));
	memcpy(at + sizeof(d), &head, before);
	memcpy(at + sizeof(d) + before, v->xsave, v->xsave_size);
	return at + sizeof(d) + d.length;
}

static uint8_t *vcpu_put(uint8_t *at, uint32_t i, const struct vcpu_state *v)
{
	const struct hvm_tsc_adjust adjust = { v->tsc_adjust };
	const struct hvm_vmce_vcpu vmce = { 0 };

	if (v->up)
		at = record_put(at, HVM_SAVE_CODE(CPU), i, &v->cpu, sizeof(v->cpu));
	at = record_put(at, HVM_SAVE_CODE(LAPIC), i, &v->lapic, sizeof(v->lapic));
	at = record_put(
		at, HVM_SAVE_CODE(LAPIC_REGS), i, &v->lapic_regs, sizeof(v->lapic_regs));
	at = record_put(at, HVM_SAVE_CODE(MTRR), i, &v->mtrr, sizeof(v->mtrr));
	if (v->up && v->xsave_size)
		at = xsave_put(at, i, v);
	at = record_put(at, HVM_SAVE_CODE(VMCE_VCPU), i, &vmce, sizeof(vmce));
	return record_put(at, HVM_SAVE_CODE(TSC_ADJUST), i, &adjust, sizeof(adjust));
}

uint32_t context_put(const struct guest_state *s, uint8_t *buf)
{
	struct hvm_save_header head = {
		.magic = HVM_FILE_MAGIC, .version = FILE_VERSION, .gtsc_khz = s->tsc_khz
	};
	uint8_t *at = buf;

	for (uint32_t i = 0; i < s->n_leaves; i++)
		if (s->leaf[i].leaf == 1)
			head.cpuid = s->leaf[i].a;
	at = record_put(at, HVM_SAVE_CODE(HEADER), 0, &head, sizeof(head));
	for (uint32_t i = 0; i < s->n_vcpus; i++)
		at = vcpu_put(at, i, &s->vcpu[i]);
	return (uint32_t)(record_put(at, HVM_SAVE_CODE(END), 0, "", 0) - buf);
}

/* ---- reading ---- */

struct reader {
	struct guest_state *s;
	struct load_error *e;
	uint32_t seen[VM_VCPUS_MAX]; /* 1 << type */
};

static int header_get(struct reader *r, const uint8_t *body)
{
	struct hvm_save_header h;

	memcpy(&h, body, sizeof(h));
	if (h.magic != HVM_FILE_MAGIC || h.version != FILE_VERSION)
		return load_fail(r->e, "HVM_CONTEXT: magic %#x and version %u, not %#x and %u",
			h.magic, h.version, (unsigned int)HVM_FILE_MAGIC, FILE_VERSION);
	return 0;
}

static int xsave_get(struct reader *r, uint32_t i, const uint8_t *body, uint32_t length)
{
	const uint32_t before = offsetof(struct hvm_hw_cpu_xsave, save_area);
	struct vcpu_state *v = &r->s->vcpu[i];
	struct hvm_hw_cpu_xsave h;

	if (length < before + STATE_XSAVE_MIN || length - before > STATE_XSAVE_MAX)
		return load_fail(
			r->e, "HVM_CONTEXT: the XSAVE area of vCPU %u has %u bytes", i, length);
	memcpy(&h, body, sizeof(h));
	if (h.save_area.xsave_hdr.xcomp_bv)
		return load_fail(
			r->e, "HVM_CONTEXT: the XSAVE area of vCPU %u is compressed", i);
	v->xcr0 = h.xcr0;
	v->xsave_size = length - before;
	memcpy(v->xsave, body + before, v->xsave_size);
	return 0;
}

/* Where a record of one size goes; NULL: it is of another kind. */
static void *fixed_place(struct vcpu_state *v, uint32_t type, uint32_t *size)
{
	switch (type) {
	case HVM_SAVE_CODE(CPU):
		*size = sizeof(v->cpu);
		return &v->cpu;
	case HVM_SAVE_CODE(LAPIC):
		*size = sizeof(v->lapic);
		return &v->lapic;
	case HVM_SAVE_CODE(LAPIC_REGS):
		*size = sizeof(v->lapic_regs);
		return &v->lapic_regs;
	case HVM_SAVE_CODE(MTRR):
		*size = sizeof(v->mtrr);
		return &v->mtrr;
	case HVM_SAVE_CODE(TSC_ADJUST):
		*size = sizeof(v->tsc_adjust);
		return &v->tsc_adjust;
	default:
		return NULL;
	}
}

static int vcpu_record_get(
	struct reader *r, const struct hvm_save_descriptor *d, const uint8_t *body)
{
	struct vcpu_state *v = &r->s->vcpu[d->instance];
	uint32_t size;
	void *to = fixed_place(v, d->typecode, &size);

	if (!to && d->typecode != CPU_XSAVE_CODE)
		return 0; /* machine checks, MSRs of features that guests do not have here */
	if (r->seen[d->instance] >> d->typecode & 1) /* CONTEXT2 */
		return load_fail(r->e, "HVM_CONTEXT: record %u of vCPU %u comes twice",
			d->typecode, d->instance);
	r->seen[d->instance] |= 1u << d->typecode;
	if (!to)
		return xsave_get(r, d->instance, body, d->length);
	if (d->length != size)
		return load_fail(r->e, "HVM_CONTEXT: record %u of vCPU %u has %u bytes, not %u",
			d->typecode, d->instance, d->length, size);
	memcpy(to, body, size);
	v->up = v->up || d->typecode == HVM_SAVE_CODE(CPU);
	return 0;
}

/*
 * Records of devices that a PVH guest does not have are refused, but not those of interrupt
 * lines, which Xen writes for every guest.
 */
static int record_get(
	struct reader *r, const struct hvm_save_descriptor *d, const uint8_t *body)
{
	if (d->typecode == HVM_SAVE_CODE(HEADER) && d->length == sizeof(struct hvm_save_header))
		return header_get(r, body);
	switch (d->typecode) {
	case HVM_SAVE_CODE(CPU):
	case HVM_SAVE_CODE(LAPIC):
	case HVM_SAVE_CODE(LAPIC_REGS):
	case HVM_SAVE_CODE(MTRR):
	case HVM_SAVE_CODE(VMCE_VCPU):
	case HVM_SAVE_CODE(TSC_ADJUST):
	case CPU_XSAVE_CODE:
	case CPU_MSR_CODE:
		break;
	case HVM_SAVE_CODE(PCI_IRQ):
	case HVM_SAVE_CODE(ISA_IRQ):
	case HVM_SAVE_CODE(PCI_LINK):
		return 0;
	default:
		return load_fail(r->e,
			"HVM_CONTEXT: record %u with %u bytes is not that of a PVH guest",
			d->typecode, d->length);
	}
	if (d->instance >= r->s->n_vcpus)
		return load_fail(r->e,
			"HVM_CONTEXT: there is a vCPU %u, but the configuration has %u vCPUs",
			d->instance, r->s->n_vcpus);
	return vcpu_record_get(r, d, body);
}

static int complete_check(const struct reader *r)
{
	const uint32_t needed = 1u << HVM_SAVE_CODE(LAPIC) | 1u << HVM_SAVE_CODE(LAPIC_REGS) |
				1u << HVM_SAVE_CODE(MTRR);

	if (!r->s->vcpu[0].up)
		return load_fail(r->e, "HVM_CONTEXT: vCPU 0 is missing");
	for (uint32_t i = 0; i < r->s->n_vcpus; i++)
		if (r->s->vcpu[i].up && (r->seen[i] & needed) != needed)
			return load_fail(
				r->e, "HVM_CONTEXT: vCPU %u lacks its local APIC or MTRRs", i);
	return 0;
}

int context_get(struct guest_state *s, const uint8_t *buf, uint32_t size, struct load_error *e)
{
	struct reader r = { .s = s, .e = e };
	struct hvm_save_descriptor d;
	uint32_t at = 0;
	int rc = 0;

	memset(s->vcpu, 0, s->n_vcpus * sizeof(s->vcpu[0]));
	do {
		if (size - at < sizeof(d)) /* CONTEXT1 */
			return load_fail(e, "HVM_CONTEXT: it ends without an end record");
		memcpy(&d, buf + at, sizeof(d));
		at += (uint32_t)sizeof(d);
		if (d.length > size - at) /* CONTEXT1 */
			return load_fail(e, "HVM_CONTEXT: record %u is longer than the rest",
				d.typecode);
		if (d.typecode == HVM_SAVE_CODE(END))
			break;
		if (at == sizeof(d) && d.typecode != HVM_SAVE_CODE(HEADER))
			return load_fail(e, "HVM_CONTEXT: it does not begin with a header");
		rc = record_get(&r, &d, buf + at);
		at += d.length;
	} while (!rc);
	return rc ? rc : complete_check(&r);
}
