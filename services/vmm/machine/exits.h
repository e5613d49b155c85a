/*
 * exits.h - between the vCPU loop, the exit handlers and the registers; all on the vCPU's own thread
 */
#ifndef VMM_EXITS_H
#define VMM_EXITS_H

#include "machine/vm.h"

static inline uint64_t guest_tsc(const struct vcpu *v)
{
	return vm_rdtsc() + v->st->tsc_offset;
}

#define EXIT_CODE_MAX 15u /* bytes of an instruction */

/* emulate.c. Code at RIP, as many bytes as can be read. */
size_t exit_code(struct vcpu *v, uint8_t code[EXIT_CODE_MAX]);
/* Go on at rip, or behind the intercepted instruction; usual = its length as encoded without prefixes. */
void exit_rip_set(struct vcpu *v, uint64_t rip);
void exit_skip(struct vcpu *v, uint8_t usual);
/* The guest ends; why and where it was goes to the log. */
void exit_crash(struct vcpu *v, const char *why);
/* An access to guest-physical memory that is not mapped. */
void exit_nested_fault(struct vcpu *v);

/* exit.c: what the state page reports; moves RIP, injects, or stops the guest. */
void exit_dispatch(struct vcpu *v, uint32_t reason);
/* A write of the MSR that the Xen leaf of CPUID names: the hypercall page to that address. */
bool hypercall_page_write(struct vcpu *v, uint64_t value) must_check;

/* port.c: absent devices, the ACPI ports, the debug port. */
void port_out(struct vcpu *v, uint16_t port, uint8_t size, uint32_t value);
uint32_t port_in(struct vcpu *v, uint16_t port, uint8_t size);

/* vcpu.c: deliver to whom it is for. */
void vcpu_ipi(struct vcpu *from, const struct lapic_ipi *ipi);

#endif
