/*
 * edge.h - what the Xen half asks of the machine half, and of the kernel
 *
 * Everything behind it is in edge.c (over vm.h and libs) or in a test's fake, so that the Xen half
 * runs on a host as it is. Guest memory that edge_gmem() returned stays mapped as long as the VMM lives.
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

/* ---- vCPUs ------------------------------------------------------------------------ */
struct sk_vcpu_state *edge_state(unsigned cpu); /* registers; on the vCPU's thread */
void edge_vcpu_kick(unsigned cpu);              /* any thread: its loop turns once more */
void edge_lapic_post(
	unsigned cpu, uint8_t vector); /* any thread: edge interrupt in its local APIC */
void edge_nmi(unsigned cpu);
bool edge_vcpu_is_up(unsigned cpu);
int edge_vcpu_up(unsigned cpu) must_check; /* goes on with the state that it has */
void edge_vcpu_down(unsigned cpu);
/* Ticks that the vCPU's thread was runnable but did not run, since it was made. */
uint64_t edge_ticks_waiting(unsigned cpu);
/* The thread of the vCPU, which is the caller's, lets others of its priority run first. */
void edge_yield(void);
/* The guest stopped: SHUTDOWN_* of xen/sched.h. All vCPUs stop; returns. */
void edge_shutdown(uint32_t reason);
uint64_t edge_tsc(void);
uint64_t edge_tsc_offset(unsigned cpu); /* guest TSC - host TSC */

/* ---- guest memory ----------------------------------------------------------------- */
/* RAM at [gpa, gpa + len), contiguous for the VMM too; NULL if any of it is no RAM now. */
void *edge_gmem(uint64_t gpa, uint64_t len);
/* Through the guest's page tables of now. */
bool edge_gva_read(unsigned cpu, void *dst, uint64_t gva, uint64_t len);
bool edge_gva_write(unsigned cpu, uint64_t gva, const void *src, uint64_t len);
bool edge_gva_to_gpa(unsigned cpu, uint64_t gva, uint64_t *gpa); /* of a writable page */

/* Zeroed pages of the VMM that can be shown to the guest, for the life of the VMM. */
enum { EDGE_PAGES_MAX = 33 }; /* shared info, grant table */
struct edge_page {
	void *addr;
	unsigned number;
};
int edge_page_alloc(struct edge_page *p) must_check;
/* Show it at a guest page: what was there goes out, and so does the page from where it was before. */
int edge_page_show(const struct edge_page *p, uint64_t gfn) must_check;

/* Balloon, one page each: take whatever is at gfn out; give a page back; move. 0 or -SK_E_*. */
int edge_hole_make(uint64_t gfn) must_check;
/* -SK_E_AGAIN, only with `ask`: there is no RAM for that place yet, but control may give some. */
int edge_hole_fill(uint64_t gfn, bool ask) must_check;
int edge_page_move(uint64_t from, uint64_t to) must_check;
/* Ask control for RAM for n pages. The number is for edge_ram_answer(), when all vCPUs have been kicked. */
uint32_t edge_ram_ask(uint64_t n);
enum edge_ram { EDGE_RAM_ASKED, EDGE_RAM_GIVEN, EDGE_RAM_REFUSED };
enum edge_ram edge_ram_answer(uint32_t number);
uint64_t edge_mem_pages(void);   /* that the guest holds now */
uint64_t edge_mem_max_gfn(void); /* highest page of RAM */

struct edge_range { /* as INT 15h E820 returns it */
	uint64_t addr, size;
	uint32_t type;
} __attribute__((packed));
unsigned edge_mem_map(struct edge_range *map, unsigned max);

/* ---- I/O thread, log -------------------------------------------------------------- */
/* Any thread: the I/O thread calls the function given to edge_on_io_kick() soon. */
void edge_io_kick(void);
int edge_on_io_kick(void (*fn)(void)) must_check;
/* One line, rate-limited. */
void edge_log(const char *fmt, ...) __attribute__((format(printf, 1, 2)));
/* A hypercall that is not there, `number` tells it from others: one line for each in the guest's life. */
void edge_note(uint64_t number, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
