/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * guest.h - what the halves of the VMM and the loader agree on: the guest's memory layout, its
 * pages, ACPI's ports
 */
#ifndef VMM_GUEST_H
#define VMM_GUEST_H

#include <stdint.h>
#include <sk/types.h>

/* Guest-physical layout. RAM is [0, low_size) and [4 GiB, 4 GiB + high_size). */
#define VM_LOW_MAX 0xf0000000ull /* 3.75 GiB: the hole for devices begins */
#define VM_ACPI_GPA 0xfc000000ull
#define VM_ACPI_PAGES 4u
#define VM_LAPIC_GPA 0xfee00000ull
#define VM_SPECIAL_GPA 0xfeff8000ull /* 8 pages, as libxl places them */
#define VM_SPECIAL_PAGES 8u
#define VM_XENSTORE_GPA (VM_SPECIAL_GPA + 4 * SK_PAGE_SIZE)
#define VM_CONSOLE_GPA (VM_SPECIAL_GPA + 7 * SK_PAGE_SIZE)
#define VM_HIGH_GPA 0x100000000ull

/* An entry of the guest's memory map, as INT 15h E820 and XENMEM_memory_map return it. */
struct guest_range {
	uint64_t addr, size;
	/* E820_*: 1 RAM, 2 reserved, 3 ACPI */
	uint32_t type;
} __attribute__((packed));
#define VM_MAP_MAX 8u

/* A zeroed page of the VMM that may be shown to the guest; it exists as long as the VMM. */
struct guest_page {
	void *addr; /* where the VMM sees it */
	/* the rest is machine/physmap.c's */
	sk_cap_t frame;
	sk_cap_t nested; /* the capability that is mapped for the guest; 0: not shown */
	sk_gpa_t gpa;    /* where it is shown */
	struct guest_page *next;
};

/* The answer to a request for more memory. */
enum ram_answer {
	RAM_ASKED,   /* no answer yet */
	RAM_GIVEN,   /* some was given since the request */
	RAM_REFUSED, /* none was given */
};

/* The ports that the FADT names, by which the guest powers off or resets. */
#define ACPI_SLEEP_PORT 0xb004u /* sleep control register; its status is at the next port */
#define ACPI_RESET_PORT 0xb006u
#define ACPI_RESET_VALUE 1u
#define ACPI_SLEEP_ENABLE 0x20u
#define ACPI_S5_TYPE 5u

#endif
