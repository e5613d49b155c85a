/*
 * edge.h - what the Xen half asks of the machine half, and of the kernel
 *
 * Everything behind it is in edge.c (over vm.h and libs) or in a test's fake, so that the Xen half
 * runs on a host as it is.
 */
#ifndef VMM_EDGE_H
#define VMM_EDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>
#include <sk/vcpu.h>

/* A lock that blocks: I/O and vCPU threads may differ in priority. Zeroed = open. */
struct edge_lock {
	uint32_t word;
};
void edge_lock(struct edge_lock *l);
void edge_unlock(struct edge_lock *l);

/* ---- vCPUs ------------------------------------------------------------------------------- */
struct sk_vcpu_state *edge_state(unsigned cpu); /* registers; on the vCPU's thread */
unsigned edge_apic_id(unsigned cpu);
void edge_vcpu_kick(unsigned cpu);               /* any thread: its loop turns once more */
void edge_lapic_post(unsigned cpu, uint8_t vector); /* any thread: edge interrupt in its local APIC */
void edge_nmi(unsigned cpu);
bool edge_vcpu_up(unsigned cpu);
int edge_vcpu_set_up(unsigned cpu, bool up); /* VCPUOP_up, _down: 0 or -SK_E_* */
/* Ticks that the vCPU's thread was runnable but did not run, since it was made. */
uint64_t edge_ticks_waiting(unsigned cpu);
/* The guest stopped: SHUTDOWN_* of xen/sched.h. All vCPUs stop; returns. */
void edge_shutdown(uint32_t reason);
uint64_t edge_tsc(void);

/* ---- guest memory ---------------------------------------------------------------------------- */
/* RAM at [gpa, gpa + len), contiguous for the VMM too; NULL if any of it is no RAM now. */
void *edge_gmem(uint64_t gpa, uint64_t len);
/* Through the guest's page tables, with the rights of its CPL. */
bool edge_gva_read(unsigned cpu, void *dst, uint64_t gva, size_t len);
bool edge_gva_write(unsigned cpu, uint64_t gva, const void *src, size_t len);
bool edge_gva_to_gpa(unsigned cpu, uint64_t gva, uint64_t *gpa);

/* A page of the VMM that can be shown to the guest. */
struct edge_page {
	void *addr;
	sk_cap_t frame;
};
int edge_page_alloc(struct edge_page *p) must_check;
/* Show it at a guest page (what was there is hidden while it is), and take it away again. */
int edge_page_show(const struct edge_page *p, uint64_t gfn) must_check;
int edge_page_hide(const struct edge_page *p, uint64_t gfn) must_check;

/* Balloon: 2^order pages from gfn on, aligned. 0 or -SK_E_*. */
int edge_mem_populate(uint64_t gfn, unsigned order) must_check;
int edge_mem_release(uint64_t gfn, unsigned order) must_check;
uint64_t edge_mem_pages(void);   /* that the guest holds now */
uint64_t edge_mem_max_gfn(void); /* highest page of RAM */
struct edge_e820 {
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));
unsigned edge_mem_map(const struct edge_e820 **map);

/* ---- I/O thread -------------------------------------------------------------------------------- */
/* Any thread: the I/O thread calls the function given to edge_on_io_kick() soon. */
void edge_io_kick(void);
int edge_on_io_kick(void (*fn)(void)) must_check;

#endif
