/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edge.h - what the Xen half asks of the machine half
 *
 * The log is in log.h. edge.c implements the rest on the machine half; tests have a fake, so
 * that the Xen half runs on the build machine as it is. Guest memory to which edge_gmem()
 * returned a pointer stays mapped as long as the VMM lives.
 */
#ifndef VMM_EDGE_H
#define VMM_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>
#include <sk/vcpu.h>

#include "guest.h"
#include "log.h"

/* ---- vCPUs ------------------------------------------------------------------------ */

/* Registers; on the vCPU's own thread. */
struct sk_vcpu_state *edge_state(unsigned int cpu);
/* Any thread: make the vCPU's loop turn once more. */
void edge_vcpu_kick(unsigned int cpu);
/* Any thread: raise an edge-triggered interrupt in its local APIC. */
void edge_lapic_post(unsigned int cpu, uint8_t vector);
void edge_nmi(unsigned int cpu);
bool edge_vcpu_is_up(unsigned int cpu);
/* Let the vCPU run with the state that it has. */
int edge_vcpu_up(unsigned int cpu) must_check;
void edge_vcpu_down(unsigned int cpu);
/* Ticks that the vCPU's thread was runnable but did not run, since it was made. */
uint64_t edge_ticks_waiting(unsigned int cpu);
/* Called on a vCPU's thread: let others of its priority run first. */
void edge_yield(void);
/*
 * The guest has stopped. reason is SHUTDOWN_* of xen/sched.h. All vCPUs stop; the call returns.
 */
void edge_shutdown(uint32_t reason);
uint64_t edge_tsc(void);
/* Guest TSC - host TSC. */
uint64_t edge_tsc_offset(unsigned int cpu);

/* ---- guest memory ----------------------------------------------------------------- */

/*
 * RAM at [gpa, gpa + len) as the VMM sees it. NULL if any of it is not RAM now, or if it is not
 * contiguous here.
 */
void *edge_gmem(uint64_t gpa, uint64_t len);
/*
 * Any thread: something was written at such a pointer. What is written again and again, as long
 * as the guest wants, need not be reported each time: xen_memory_wrote() reports it.
 */
void edge_gmem_wrote(const void *at, uint64_t len);
/* Through the page tables that the vCPU uses now. */
bool edge_gva_read(unsigned int cpu, void *dst, uint64_t gva, uint64_t len);
bool edge_gva_write(unsigned int cpu, uint64_t gva, const void *src, uint64_t len);
/* False unless the page is mapped writable. */
bool edge_gva_to_gpa(unsigned int cpu, uint64_t gva, uint64_t *gpa);

int edge_page_alloc(struct guest_page *p) must_check;
/*
 * Show p at guest frame gfn. The page that was there leaves the guest, and p leaves its
 * previous place.
 */
int edge_page_show(struct guest_page *p, uint64_t gfn) must_check;

/*
 * The balloon, one page per call: take the page at gfn out of the guest, give one back, move
 * one. 0 or -SK_E_*.
 */
int edge_hole_make(uint64_t gfn) must_check;
int edge_hole_fill(uint64_t gfn) must_check;
/* -SK_E_AGAIN: there is no RAM for that place, but control may give some. */
int edge_hole_fill_or_ask(uint64_t gfn) must_check;
int edge_page_move(uint64_t from, uint64_t to) must_check;
/*
 * Ask control for RAM for n pages. Returns a number for edge_ram_answer(); all vCPUs are kicked
 * when the answer is there.
 */
uint32_t edge_ram_ask(uint64_t n);
enum ram_answer edge_ram_answer(uint32_t number);
/* The pages that the guest has now; the highest frame number that is RAM. */
uint64_t edge_mem_pages(void);
uint64_t edge_mem_max_gfn(void);
/* The guest's memory map; returns the number of entries. */
unsigned int edge_mem_map(struct guest_range map[VM_MAP_MAX]);

/* ---- I/O thread ------------------------------------------------------------------- */

/* Any thread: the I/O thread calls the function given to edge_on_io_kick() soon. */
void edge_io_kick(void);
int edge_on_io_kick(void (*fn)(void)) must_check;
/* A device that was to go may have gone: xen_io_devices() is called soon. */
void edge_devices_changed(void);

#endif
