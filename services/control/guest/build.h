/* SPDX-License-Identifier: BSD-2-Clause */
/* build.h - a guest's memory and its VMM, without connections */
#ifndef CONTROL_BUILD_H
#define CONTROL_BUILD_H

#include "client/host.h"
#include "guest/guest.h"

/* Memory, the VMM and its vCPUs. 0, or -1 with *m and everything undone. */
int guest_build(struct guest *g, struct msg *m);
/*
 * When all connections are made, the VMM is complete: it gets its configuration and runs. 0, or
 * -1 with *m.
 */
int guest_start(struct guest *g, struct msg *m);
/* Give the VMM of a guest that runs up to n pieces of RAM more; returns how many. */
uint32_t guest_grow(struct guest *g, uint32_t n);
/*
 * Memory for the device in this seat. False: there is none. It is given back when no service
 * can use it.
 */
bool guest_device_take(struct guest *g, uint32_t seat, uint32_t order) must_check;
void guest_device_give(struct guest *g, uint32_t seat);
/* What a VMM is told about a device. */
void guest_vm_disk(const struct guest_disk *d, struct vm_disk *v);
void guest_vm_vif(const struct vif_spec *s, struct vm_vif *v);
/* Bytes that guests can get. */
uint64_t guest_memory_free(void);
/*
 * A piece of the guests' memory, for which unpacked kernels make room. The owner is a domid, or
 * is no guest. 0: there is none.
 */
pool_piece_t piece_take(uint32_t owner, uint32_t order, enum pool_use use, uint32_t nth);
/* MiB of RAM that its VMM has, whether the guest holds it or not. */
uint32_t guest_has(const struct guest *g);
/* Bytes that the guest holds now, without its shim, as its VMM said last. */
uint64_t guest_holds(const struct guest *g);

/*
 * After a restart of control: find the guest's memory, by its domid. n_more_max, and the CNode
 * of its VMM, are known. *whole becomes false if something is not where it should be; then all
 * of it can only be given back. -SK_E_NO_MEM: not even that.
 */
int guest_memory_adopt(struct guest *g, bool *whole) must_check;

/* Facts about a guest and its VMM now; the configuration in *f stays. */
void guest_facts(const struct guest *g, struct ctl_guest *f);

/* The VMM does not run any more; all that it has stays. */
void guest_halt(struct guest *g);
/* The VMM does not run any more, and memory that no service can reach is back in the pool. */
void guest_stop(struct guest *g);
/*
 * After guest_stop(), and without connections: the VMM is gone, all memory is back in the pool.
 */
void guest_unbuild(struct guest *g);

#endif
