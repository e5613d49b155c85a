/* SPDX-License-Identifier: BSD-2-Clause */
/* vmm_guard.h - learns of VMMs that fault or exit */
#ifndef CONTROL_VMM_GUARD_H
#define CONTROL_VMM_GUARD_H

#include <sk/types.h>
#include <stdint.h>

int vmm_guard_init(void) must_check;
/* The endpoint that VMMs know as their parent and fault handler, badged with the domid. */
int vmm_guard_endpoint(uint32_t domid, sk_cap_t *out) must_check;

#endif
