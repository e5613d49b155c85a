/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * object.h - kernel object types, rights, and the memory that each object takes
 */
/* clang-format off */
#ifndef SK_OBJECT_H
#define SK_OBJECT_H

#include <sk/types.h>

/*
 * X(name, number, order, what): order is log2 of the memory that retype takes for one object;
 * 0 means that the caller chooses it (argument `order` of SK_SYS_RETYPE).
 */
#define SK_OBJECTS(X)                                                                              \
	X(NULL, 0, 0, "an empty slot")                                                             \
	X(UNTYPED, 1, 0, "power-of-two range of physical memory; order 12 to 62")                  \
	X(CNODE, 2, 0, "array of slots; (2^order - 128) / 80 of them, order 12 to 21")             \
	X(FRAME, 3, 0, "memory to map; order 12 to 30")                                            \
	X(SPACE_HOST, 4, 13, "address space of user-mode threads")                                 \
	X(SPACE_NESTED, 5, 13, "guest-physical address space (NPT or EPT)")                        \
	X(SPACE_IO, 6, 13, "a device's DMA space")                                                 \
	X(TABLE, 7, 12, "a page table below the root of any of the three")                         \
	X(THREAD, 8, 13, "registers, FPU state, IPC buffer")                                       \
	X(SCHED, 9, 8, "scheduling context: CPU, priority, weight, budget and period")             \
	X(ENDPOINT, 10, 7, "synchronous IPC")                                                      \
	X(REPLY, 11, 7, "the right to answer one caller")                                          \
	X(NOTIFICATION, 12, 7, "a word of signal bits")                                            \
	X(IRQ, 13, 7, "one interrupt source: an IO-APIC pin or an MSI vector")                     \
	X(VCPU, 14, 14, "a guest CPU")                                                             \
	X(IOPORT, 15, 0, "a range of x86 I/O ports (minted, not retyped)")                         \
	X(CTL_SCHED, 16, 0, "authority to configure scheduling contexts")                          \
	X(CTL_IRQ, 17, 0, "authority to claim interrupt sources")                                  \
	X(CTL_IO, 18, 0, "authority to assign devices to DMA spaces")                              \
	X(CTL_LOG, 19, 0, "kernel log: write lines, take over the UART")

#define X(name, num, order, what) SK_OBJ_##name = (num),
enum sk_object_type { SK_OBJECTS(X) SK_OBJ_END };
#undef X
#define X(name, num, order, what) SK_ORDER_##name = (order),
enum sk_object_order { SK_OBJECTS(X) };
#undef X

/* Slots in a CNode of a given order. */
#define SK_CNODE_SLOTS(order) (((1ull << (order)) - 128) / 80)

/* Rights. A copy can only lose rights. */
#define SK_R 1u     /* read (frame), receive (endpoint), wait (notification), look (CNode) */
#define SK_W 2u     /* write (frame), send (endpoint), signal (notification), change (others) */
#define SK_EXEC 4u     /* execute (frame) */
#define SK_GRANT 8u /* pass capabilities through this endpoint; copy out of this CNode */
#define SK_ALL 15u

/*
 * Slots that every domain has: its own capability space, address space, main thread and its
 * scheduling context. A slot stays empty if the domain does not hold the capability.
 */
enum { SK_CAP_CNODE = 1, SK_CAP_SPACE, SK_CAP_THREAD, SK_CAP_SCHED };
/*
 * The root task only. Other domains get these, if at all, in slots that their info page names.
 * IOPORT: all 64 Ki ports. INFO, KLOG: frames with struct sk_info and struct sk_klog,
 * read-only. From BOOT_FIRST: untypeds and archive frames, as struct sk_bootinfo lists them.
 */
enum { SK_CAP_CTL_SCHED = 5, SK_CAP_CTL_IRQ, SK_CAP_IOPORT, SK_CAP_CTL_IO, SK_CAP_CTL_LOG };
enum { SK_CAP_INFO = 10, SK_CAP_KLOG, SK_CAP_BOOT_FIRST = 16 };

#endif
