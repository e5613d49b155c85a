/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * edge.c - edge.h on the machine half and the libraries
 *
 * Invariants  EDGE1 a cpu argument is below vm.n_vcpus
 */
#include "edge.h"

#include <string.h>

#include "machine/dirty.h"
#include "machine/guest_memory.h"
#include "machine/physmap.h"
#include "machine/vcpu.h"
#include "machine/vmctl.h"
#include "svc/svc.h"
#include "sys/sk.h"

static void (*io_kick_fn)(void);

struct sk_vcpu_state *edge_state(unsigned int cpu) { return vm.vcpu[cpu].st; }

void edge_vcpu_kick(unsigned int cpu) { vcpu_kick(&vm.vcpu[cpu]); }

void edge_lapic_post(unsigned int cpu, uint8_t vector) { vcpu_post(&vm.vcpu[cpu], vector); }

void edge_nmi(unsigned int cpu) { vcpu_nmi(&vm.vcpu[cpu]); }

bool edge_vcpu_is_up(unsigned int cpu) { return vcpu_is_up(&vm.vcpu[cpu]); }

int edge_vcpu_up(unsigned int cpu) { return vcpu_up(&vm.vcpu[cpu]); }

void edge_vcpu_down(unsigned int cpu) { vcpu_down(&vm.vcpu[cpu]); }

uint64_t edge_ticks_waiting(unsigned int cpu) { return vcpu_ticks_waiting(&vm.vcpu[cpu]); }

void edge_shutdown(uint32_t reason) { vm_shutdown(reason); }

uint64_t edge_tsc(void) { return vm_rdtsc(); }

uint64_t edge_tsc_offset(unsigned int cpu)
{
	return __atomic_load_n(&vm.vcpu[cpu].tsc_offset, __ATOMIC_RELAXED);
}

void edge_yield(void) { (void)sk_yield(); }

/* ---- memory ----------------------------------------------------------------------- */

void *edge_gmem(uint64_t gpa, uint64_t len) { return gmem(gpa, len); }

void edge_gmem_wrote(const void *at, uint64_t len) { dirty_wrote(at, len); }

bool edge_gva_read(unsigned int cpu, void *dst, uint64_t gva, uint64_t len)
{
	return gva_read(&vm.vcpu[cpu], gva, dst, len) == 0;
}

bool edge_gva_write(unsigned int cpu, uint64_t gva, const void *src, uint64_t len)
{
	return gva_write(&vm.vcpu[cpu], gva, src, len) == 0;
}

bool edge_gva_to_gpa(unsigned int cpu, uint64_t gva, uint64_t *gpa)
{
	*gpa = gva_to_gpa_writable(&vm.vcpu[cpu], gva);
	return *gpa != UINT64_MAX;
}

int edge_page_alloc(struct guest_page *p) { return physmap_page_alloc(p); }

int edge_page_show(struct guest_page *p, uint64_t gfn)
{
	return physmap_page_show(gfn * SK_PAGE_SIZE, p);
}

int edge_hole_make(uint64_t gfn) { return physmap_hole_make(gfn * SK_PAGE_SIZE); }

int edge_hole_fill(uint64_t gfn) { return physmap_hole_fill(gfn * SK_PAGE_SIZE); }

int edge_hole_fill_or_ask(uint64_t gfn) { return physmap_hole_fill_or_ask(gfn * SK_PAGE_SIZE); }

uint32_t edge_ram_ask(uint64_t n)
{
	uint64_t pieces = (n + VM_CHUNK / SK_PAGE_SIZE - 1) / (VM_CHUNK / SK_PAGE_SIZE);
	uint32_t room = physmap_ram_room();

	return vm_grow(pieces < room ? (uint32_t)pieces : room);
}

enum ram_answer edge_ram_answer(uint32_t number) { return vm_grow_answer(number); }

int edge_page_move(uint64_t from, uint64_t to)
{
	return physmap_page_move(from * SK_PAGE_SIZE, to * SK_PAGE_SIZE);
}

uint64_t edge_mem_pages(void) { return physmap_pages(); }

uint64_t edge_mem_max_gfn(void) { return physmap_max_gfn(); }

unsigned int edge_mem_map(struct guest_range map[VM_MAP_MAX])
{
	memcpy(map, vm.map, sizeof(vm.map));
	return vm.n_map;
}

/* ---- I/O thread ------------------------------------------------------------------- */

void edge_io_kick(void) { io_kick(IO_XEN); }

void edge_devices_changed(void) { io_kick(IO_CTL); }

static void io_event(void *ctx)
{
	(void)ctx;
	io_kick_fn();
}

int edge_on_io_kick(void (*fn)(void))
{
	io_kick_fn = fn;
	return svc_on_bit(IO_XEN, io_event, NULL, "guest");
}
