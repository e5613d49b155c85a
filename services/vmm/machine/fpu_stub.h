/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fpu_stub.h - the FPU registers of a vCPU, which no system call reads or writes: the vCPU
 * saves and loads them itself, in guest mode, by a few bytes of code of ours
 */
#ifndef VMM_FPU_STUB_H
#define VMM_FPU_STUB_H

#include "machine/vm.h"

/* The FPU registers in the format of XSAVE, or of FXSAVE without XSAVE. */
enum { FPU_AREA_MAX = 4096 - 256 };

/*
 * Memory for it. I/O thread or main thread, once before the first use; later calls do nothing.
 */
int fpu_stub_prepare(void) must_check;
/* Show the stub in the guest, while no vCPU runs; and take it out again. */
int fpu_stub_show(void) must_check;
void fpu_stub_hide(void);
/* Bytes of the area with these components; 0: the processor has no XSAVE. */
uint32_t fpu_area_size(void);
/*
 * Own thread, between fpu_stub_show() and fpu_stub_hide(): save to, or load from, area[], which
 * has fpu_area_size() or FXSAVE's 512 bytes. All other registers stay. -SK_E_INVAL: the
 * processor refused the area.
 */
int fpu_stub_save(struct vcpu *v, uint8_t *area, uint32_t size) must_check;
int fpu_stub_load(struct vcpu *v, const uint8_t *area, uint32_t size) must_check;

#endif
