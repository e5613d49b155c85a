/*
 * vcpu.h - making vCPUs, for main.c
 */
#ifndef VMM_VCPU_H
#define VMM_VCPU_H

#include "machine/vm.h"

/* Kernel objects and power-up state; OFFLINE. */
int vcpu_make(struct vcpu *v, uint32_t id) must_check;
/* 32-bit protected mode with flat segments at `entry`, EBX = start_info. */
void vcpu_pvh_entry(struct vcpu *v, uint64_t entry, uint64_t start_info);
int vcpu_start_thread(struct vcpu *v) must_check;

#endif
