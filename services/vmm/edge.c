/*
 * edge.c - the Xen half's wishes (edge.h) on the machine half (vm.h) and the libraries
 *
 * Objects     the pages of the VMM that the guest may be shown.
 * Locks       those of what it calls.
 * Lifecycle   pages are for the life of the VMM.
 * Invariants  a cpu argument is below vm.n_vcpus
 */
#include <stdarg.h>
#include <stdio.h>

#include "edge.h"
#include "svc/svc.h"
#include "sys/sk.h"
#include "rt/thread.h"
#include "machine/vm.h"

static struct mem_page pages[EDGE_PAGES_MAX];
static unsigned n_pages;
static void (*io_kick_fn)(void);

_Static_assert(sizeof(struct edge_lock) == sizeof(struct mutex), "one is the other");

void edge_lock(struct edge_lock *l) { mutex_lock((struct mutex *)(void *)l); }

void edge_unlock(struct edge_lock *l) { mutex_unlock((struct mutex *)(void *)l); }

struct sk_vcpu_state *edge_state(unsigned cpu) { return vm.vcpu[cpu].st; }

void edge_vcpu_kick(unsigned cpu) { vcpu_kick(&vm.vcpu[cpu]); }

void edge_lapic_post(unsigned cpu, uint8_t vector) { vcpu_post(&vm.vcpu[cpu], vector); }

void edge_nmi(unsigned cpu) { vcpu_nmi(&vm.vcpu[cpu]); }

bool edge_vcpu_is_up(unsigned cpu) { return vcpu_is_up(&vm.vcpu[cpu]); }

int edge_vcpu_up(unsigned cpu) { return vcpu_up(&vm.vcpu[cpu]); }

void edge_vcpu_down(unsigned cpu) { vcpu_down(&vm.vcpu[cpu]); }

uint64_t edge_ticks_waiting(unsigned cpu) { return vcpu_ticks_waiting(&vm.vcpu[cpu]); }

void edge_shutdown(uint32_t reason) { vm_shutdown(reason); }

uint64_t edge_tsc(void) { return vm_rdtsc(); }

uint64_t edge_tsc_offset(unsigned cpu)
{
	return __atomic_load_n(&vm.vcpu[cpu].tsc_offset, __ATOMIC_RELAXED);
}

void edge_yield(void) { (void)sk_yield(); }

/* ---- memory ----------------------------------------------------------------------- */

void *edge_gmem(uint64_t gpa, uint64_t len) { return gmem(gpa, len); }

bool edge_gva_read(unsigned cpu, void *dst, uint64_t gva, uint64_t len)
{
	return gva_read(&vm.vcpu[cpu], gva, dst, len) == 0;
}

bool edge_gva_write(unsigned cpu, uint64_t gva, const void *src, uint64_t len)
{
	return gva_write(&vm.vcpu[cpu], gva, src, len) == 0;
}

bool edge_gva_to_gpa(unsigned cpu, uint64_t gva, uint64_t *gpa)
{
	*gpa = gva_to_gpa(&vm.vcpu[cpu], gva, true);
	return *gpa != UINT64_MAX;
}

int edge_page_alloc(struct edge_page *p)
{
	int rc;

	if (n_pages == EDGE_PAGES_MAX)
		return -SK_E_LIMIT;
	rc = mem_page_alloc(&pages[n_pages]);
	if (rc)
		return rc;
	p->addr = pages[n_pages].ptr;
	p->number = n_pages++;
	return 0;
}

int edge_page_show(const struct edge_page *p, uint64_t gfn)
{
	return mem_special_map(gfn * VM_PAGE, &pages[p->number]);
}

int edge_hole_make(uint64_t gfn) { return mem_hole_make(gfn * VM_PAGE); }

int edge_hole_fill(uint64_t gfn, bool ask) { return mem_hole_fill(gfn * VM_PAGE, ask); }

uint32_t edge_ram_ask(uint64_t n)
{
	uint64_t pieces = (n + VM_CHUNK / VM_PAGE - 1) / (VM_CHUNK / VM_PAGE);
	uint32_t room = mem_room();

	return vm_grow(pieces < room ? (uint32_t)pieces : room);
}

_Static_assert((int)EDGE_RAM_ASKED == (int)GROW_ASKED &&
		       (int)EDGE_RAM_GIVEN == (int)GROW_GIVEN &&
		       (int)EDGE_RAM_REFUSED == (int)GROW_REFUSED,
	"one is the other");

enum edge_ram edge_ram_answer(uint32_t number) { return (enum edge_ram)vm_grow_answer(number); }

int edge_page_move(uint64_t from, uint64_t to)
{
	return mem_move(from * VM_PAGE, to * VM_PAGE);
}

uint64_t edge_mem_pages(void) { return mem_pages(); }

uint64_t edge_mem_max_gfn(void) { return mem_max_gfn(); }

unsigned edge_mem_map(struct edge_range *map, unsigned max)
{
	unsigned i;

	for (i = 0; i < vm.n_map && i < max; i++)
		map[i] = (struct edge_range){ vm.map[i].addr, vm.map[i].size, vm.map[i].type };
	return i;
}

/* ---- I/O thread ------------------------------------------------------------------- */

void edge_io_kick(void) { io_kick(IO_XS); }

static void io_event(void *ctx)
{
	(void)ctx;
	io_kick_fn();
}

int edge_on_io_kick(void (*fn)(void))
{
	io_kick_fn = fn;
	return svc_on_bit(IO_XS, io_event, NULL, "guest");
}

void edge_log(const char *fmt, ...)
{
	char line[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	vm_log("%s", line);
}

void edge_note(uint64_t number, const char *fmt, ...)
{
	char line[200];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(line, sizeof(line), fmt, ap);
	va_end(ap);
	vm_note(NOTE_HYPERCALL, number, "%s", line);
}
