/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * platform.h - init's calls to the platform domain: devices, interrupts, power
 *
 * Transport   call/reply IPC on platform's control endpoint, only with badge SVC_BADGE_INIT.
 *             Replies: mr0 = 0 or -SK_E_*.
 * Restart     a new life of platform leaves the functions alone that its argument `claimed=`
 *             names (their handles in hexadecimal, with commas between them). Their claims go
 *             on, and so do their drivers.
 * Resources   beyond domain.h, init gives platform the machine's device memory, listed in a
 *             read-only page at PLATFORM_RES_VADDR, and the control objects in enum
 *             platform_slot.
 */
#ifndef PROTO_PLATFORM_H
#define PROTO_PLATFORM_H

#include <stdint.h>
#include <sk/types.h>

#define PLATFORM_RES_VADDR 0x0e050000ull
#define PLATFORM_MEM_MAX 96u

enum platform_slot {
	/* All ports that the manifest gives to no other domain. */
	PLATFORM_CAP_IOPORT = 20,
	/* Device untypeds, as the resource page lists them. */
	PLATFORM_CAP_MEM = 1024,
};

struct platform_mem {
	uint64_t paddr;
	uint32_t slot;
	uint32_t order;
};
_Static_assert(sizeof(struct platform_mem) == 16, "no padding");
struct platform_resources {
	uint64_t rsdp; /* 0: not found */
	uint32_t n_mem;
	uint32_t reserved;
	struct platform_mem mem[PLATFORM_MEM_MAX];
};
_Static_assert(sizeof(struct platform_resources) == 1552, "no padding");
_Static_assert(sizeof(struct platform_resources) <= SK_PAGE_SIZE, "one page");

enum platform_call {
	/*
	 * mr0 vendor | device << 16 (0xffff = any), mr1 class code or ~0, mr2 index among the
	 * matches, mr3 interrupt vectors wanted (at most 8). Claims the function: turns on
	 * memory decoding and bus mastering. Reply: mr1 handle, which is the same in all lives
	 * of platform, mr2 vendor | device << 16 | rid << 32, mr3 number of vectors that can be
	 * given (PLATFORM_VECTOR), mr4..mr9 size of BARs 0 to
	 * 5 (0: none, an I/O BAR, or withheld), mr10..mr41 256 bytes of configuration space.
	 * NOT_FOUND: no such device; BUSY: it is claimed.
	 */
	PLATFORM_CLAIM = 16,
	/*
	 * mr0 handle, mr1 BAR, mr2 index of the piece. Reply: mr1 number of pieces in all, mr2
	 * offset of this one in the BAR, mr3 its order; capability: the frame. No piece has
	 * pages that hold the MSI-X table or another device's registers.
	 */
	PLATFORM_BAR = 17,
	/*
	 * mr0 handle, mr1 vector index, mr2 address and mr3 data of the message. From now on
	 * the function sends this message as its vector. IrqHandlers are init's, so they
	 * outlive platform and the driver.
	 */
	PLATFORM_VECTOR = 18,
	/* mr0 = 0 off (S5), 1 reboot; returns only on failure. */
	PLATFORM_POWER = 20,
	/* Reply mr1 = nanoseconds since 1970 at boot_tsc of struct sk_info. */
	PLATFORM_WALLCLOCK = 21,
	/*
	 * mr0 handle. From now on the function sends no interrupt and begins no access to
	 * memory; accesses that it has begun may still be under way. Its registers keep their
	 * contents.
	 */
	PLATFORM_QUIESCE = 22,
	/*
	 * mr0 handle, mr1..mr32 the configuration space that PLATFORM_CLAIM reported, because
	 * an earlier life may have ended in the middle of a reset. Quiesces the function, waits
	 * for its last accesses, and resets it. The function is not claimed any more. Reply:
	 * mr1 = enum platform_reset. NO_SYS: it has no reset that platform knows; IO: it does
	 * not obey. Then it stays claimed and quiet, and may still access memory.
	 */
	PLATFORM_RESET = 23
};

/* X(name, number, text): how a function was reset */
#define PLATFORM_RESETS(X) \
	X(FLR, 1, "function-level reset") \
	X(POWER, 2, "power state D3hot") \
	X(BUS, 3, "reset of its bus") \
	X(VIRTIO, 4, "reset of the virtio device")
#define X(name, num, text) PLATFORM_RESET_##name = (num),
enum platform_reset { PLATFORM_RESETS(X) PLATFORM_RESET_END };
#undef X

#endif
