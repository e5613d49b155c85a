/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * syscall.h - the system calls
 *
 * SYSCALL with the number in RAX, arguments in RDI RSI RDX R10 R8 R9. RCX and R11 are
 * destroyed. RAX returns 0 or -SK_E_*. Further results, where said, in RDI, RSI, RDX, R10, R8,
 * R9 in that order ("results:"); registers that hold no result are preserved. A call that the
 * kernel interrupts at a preemption point is restarted without the caller noticing.
 *
 * SK_SYSCALLS is the only table of them. The numbers, the kernel's dispatch, checks and locks,
 * and docs/abi.md are made from it.
 */
/* clang-format off */
#ifndef SK_SYSCALL_H
#define SK_SYSCALL_H

#include <sk/boot.h>
#include <sk/ipc.h>
#include <sk/object.h>
#include <sk/types.h>
#include <sk/vcpu.h>

/*
 * X(name, number, lock, capabilities, other arguments, what it does, errors, bound)
 *
 * lock          that the kernel holds: TREE: the tree lock; NONE: not the tree lock; SENDS,
 *               RECEIVES: the tree lock if capabilities move
 * capabilities  what the first arguments must name, with the right that the call needs: R, W or
 *               N (none). SPACE: a space of any kind. The call itself looks up capabilities in
 *               "other arguments". IPC takes its deadline, the capabilities to send and the
 *               Reply from the UTCB.
 * errors        besides CAP, RIGHTS and INVAL
 * bound         empty: constant
 */
#define SK_SYSCALLS(X) \
	X(CALL, 1, SENDS, CAPS(W(ENDPOINT)), "mi, mr0-3", \
	  "send a message and wait for the reply; results: 0, mi, mr0-3", SK_WAIT_ERRORS "; PEER: the receiver " \
	  "presented no Reply; DELETED: its Reply was deleted or used again", "60 words and 4 capabilities") \
	X(SEND, 2, SENDS, CAPS(W(ENDPOINT)), "mi, mr0-3", \
	  "send a message without a reply; wait until it is taken", SK_WAIT_ERRORS, "as CALL") \
	X(RECV, 3, RECEIVES, CAPS(R(ENDPOINT)), "", "wait for a message, or for a signal to the bound notification; " \
	  "results: badge (or signal word), mi, mr0-3", SK_WAIT_ERRORS, "as CALL; preemptible after each sender that fails with PEER") \
	X(REPLY, 4, SENDS, CAPS(W(REPLY)), "mi, mr0-3", \
	  "answer the caller tied to a Reply; never waits", "NOT_FOUND: nobody waits for it", "as CALL") \
	X(REPLY_RECV, 5, SENDS, CAPS(R(ENDPOINT)), "mi, mr0-3", "REPLY to utcb.reply, then RECV", \
	  "as RECV; a caller that gave up is no error", "as CALL") \
	X(SIGNAL, 6, NONE, CAPS(W(NOTIFICATION)), "", "set the bits of the badge in the word; no badge: no effect", "", "") \
	X(WAIT, 7, NONE, CAPS(R(NOTIFICATION)), "deadline", \
	  "wait until the word is not 0, and take it; results: word", SK_WAIT_ERRORS "; BUSY: another thread waits", "") \
	X(POLL, 8, NONE, CAPS(R(NOTIFICATION)), "", "take the word; results: word", "AGAIN: it is 0; DELETED", "") \
	X(RETYPE, 9, TREE, CAPS(), "untyped(W), type | order << 8, cnode(W), slot, n, offset", \
	  "make n (1 to SK_RETYPE_MAX) objects in n consecutive slots; offset: device untypeds only, else 0; type " \
	  "and order have 8 bits each; results: slot, n and offset of what was not made, so that after an error n " \
	  "says how many are missing", "NO_MEM; SLOT; ALIGN (device offset); NO_SYS (VCpu without hardware)", \
	  "preemptible after each 4 pages or 4 objects; before memory is used again, each CPU leaves the kernel once") \
	X(COPY, 10, TREE, CAPS(), "dst cnode(W), dst slot, src cnode(G), src slot, rights", \
	  "the copy is a child of the source; untypeds and tables cannot be copied", "SLOT", "") \
	X(MINT, 11, TREE, CAPS(), "dst cnode(W), dst slot, src cnode(G), src slot, rights, badge", "COPY with a badge: of an " \
	  "endpoint or notification without one; IOPORT: first port | last << 16, inside the source's range", "SLOT; RANGE (ports)", "") \
	X(MOVE, 12, TREE, CAPS(), "dst cnode(W), dst slot, src cnode(W, G), src slot", "", "SLOT", "") \
	X(DELETE, 13, TREE, CAPS(), "cnode(W), slot", "its children pass to its parent; the last capability ends the " \
	  "object; an empty slot is no error", "SLOT", \
	  "preemptible after each capability, 2 MiB of addresses or waiter; restarted until the thread or VCpu that ends, " \
	  "or whose scheduling context ends, has left its CPU, and until the IOMMU has answered") \
	X(REVOKE, 14, TREE, CAPS(), "cnode(W), slot", "delete all that derives from the slot", \
	  "SLOT; CAP: another capability came into the slot meanwhile", "as DELETE") \
	X(CAP_INFO, 15, TREE, CAPS(), "cnode(R), slot", \
	  "results: type | rights << 8 | order << 16, badge (untyped: bytes used), size in bytes", "SLOT", "") \
	X(MAP, 16, TREE, CAPS(N(FRAME), W(SPACE)), "vaddr, offset, order, rights | SK_MAP_* flags", \
	  "map 2^order bytes of the frame; all maps of one capability are one linear window of one space (copy the " \
	  "capability for another); results: address (IO spaces without an IOMMU: the physical address)", \
	  SK_LEVEL_ERROR "; EXISTS (entry or another window); ALIGN; RANGE; LIMIT: no pages of this size", "256 entries") \
	X(UNMAP, 17, TREE, CAPS(N(FRAME)), "offset, order", "returns when no CPU, no vCPU and no device can use it any more", \
	  "NOT_FOUND; NO_TABLE: split the large page first; ALIGN; RANGE", \
	  "preemptible after each 2 MiB of addresses; IO spaces: restarted until the IOMMU has answered") \
	X(MAP_TABLE, 18, TREE, CAPS(W(TABLE), W(SPACE)), "vaddr, level", "level 1 holds 4 KiB entries; a large page there is split", \
	  SK_LEVEL_ERROR "; EXISTS; RANGE", "512 entries; one shoot-down") \
	X(THREAD_CONFIGURE, 19, TREE, CAPS(W(THREAD), W(CNODE), W(SPACE_HOST)), "fault endpoint(W) or 0, utcb vaddr", \
	  "of a suspended thread", "STATE: not suspended; EXISTS; RANGE; ALIGN; " SK_LEVEL_ERROR, "") \
	X(THREAD_BIND, 20, TREE, CAPS(W(THREAD)), "notification(R) or 0", \
	  "the notification whose signals end its RECV and VCPU_ENTER", "EXISTS", "") \
	X(THREAD_RESUME, 21, TREE, CAPS(W(THREAD)), "", "", "STATE: not configured", "") \
	X(THREAD_SUSPEND, 22, TREE, CAPS(W(THREAD)), "", "ends any wait of the thread, which stops until RESUME", \
	  "", "restarted until the thread has left its CPU") \
	X(THREAD_READ, 23, TREE, CAPS(R(THREAD)), "", "struct sk_regs of a suspended thread into the caller's mr[]", "STATE", "") \
	X(THREAD_WRITE, 24, TREE, CAPS(W(THREAD)), "", "struct sk_regs from the caller's mr[] into a suspended thread", \
	  "STATE: not suspended; RANGE: RIP, FS or GS base is outside user memory", "") \
	X(SET_FS_BASE, 25, NONE, CAPS(), "address", "of the calling thread", "RANGE", "") \
	X(YIELD, 26, NONE, CAPS(), "", "to threads of the same priority", "", "") \
	X(SCHED_CONFIGURE, 27, TREE, CAPS(W(CTL_SCHED), W(SCHED)), "cpu | priority << 16, weight, budget, period", \
	  "priority 0 to 31, higher runs first, plus SK_SCHED_GUESTS to allow VCPU_ENTER; weight 1 to 65535 (usual: " \
	  "256); budget and period in microseconds; period 0: no cap", "", "") \
	X(SCHED_BIND, 28, TREE, CAPS(W(SCHED)), "thread(W) or 0", "a thread runs only with one that is configured", \
	  "EXISTS; STATE: not configured", "restarted until the thread has left its CPU") \
	X(SCHED_STATS, 29, NONE, CAPS(R(SCHED)), "", "results: TSC ticks consumed, ticks spent runnable without the " \
	  "CPU, cpu, ticks that this CPU had no thread to run", "", "") \
	X(IRQ_PIN, 30, TREE, CAPS(W(CTL_IRQ), W(IRQ)), "gsi, flags, cpu", "flags: 1 level, 2 active low", \
	  "EXISTS; BUSY: the pin is taken; NOT_FOUND; LIMIT", "") \
	X(IRQ_MSI, 31, TREE, CAPS(W(CTL_IRQ), W(IRQ)), "cpu, segment << 16 | bus << 8 | devfn", \
	  "an interrupt that this device alone can send, if interrupts are remapped (SK_FEAT_IRQ_REMAP); results: " \
	  "message address, data", "EXISTS; NOT_FOUND: no IOMMU has the device; LIMIT", "waits for the IOMMU's answer") \
	X(IRQ_BIND, 32, TREE, CAPS(W(IRQ), W(NOTIFICATION)), "", "signals with that capability's badge", "", "") \
	X(IRQ_ACK, 33, TREE, CAPS(W(IRQ)), "", "unmask a level pin; MSI and edge: no effect", "STATE: no source", "") \
	X(PORT_IN, 34, NONE, CAPS(R(IOPORT)), "port, size 1|2|4", "results: value", "RANGE", "") \
	X(PORT_OUT, 35, NONE, CAPS(W(IOPORT)), "port, size, value, n, more", "n: 2 to 16 bytes of " \
	  "value and then more go out one after the other, size 1; 0: value alone", "RANGE", "n writes") \
	X(LOG, 36, NONE, CAPS(W(CTL_LOG)), "n, w0-w3", "n <= 32 bytes, packed, to the kernel log", \
	  "", "32 bytes; before LOG_TAKE also the time that the UART takes") \
	X(LOG_TAKE, 37, NONE, CAPS(W(CTL_LOG)), "", "the kernel writes nothing to the UART any more, except a panic", "", "") \
	X(VCPU_CONFIGURE, 38, TREE, CAPS(W(VCPU), W(SPACE_NESTED), W(SPACE_HOST)), "state vaddr", "bind it to guest memory; map its state page", \
	  "BUSY: entered; EXISTS; RANGE; ALIGN; " SK_LEVEL_ERROR, "") \
	X(VCPU_ENTER, 39, NONE, CAPS(W(VCPU)), "deadline", "run the guest in this thread until an exit that the VMM " \
	  "must handle, a signal to the bound notification, or the deadline; results: reason", \
	  "DENIED: without SK_SCHED_GUESTS; STATE: not configured; BUSY: entered; DELETED: the VCpu or its memory is gone; " \
	  "AGAIN: suspended", "each exit that the kernel handles itself is bounded") \
	X(VCPU_SYNC, 40, NONE, CAPS(R(VCPU)), "groups", "write the groups into the state page", "BUSY: entered", "") \
	X(VCPU_INJECT, 41, NONE, CAPS(W(VCPU)), "vector", "from any thread: an external interrupt, for when the guest takes one", \
	  "BUSY: another one is pending; results: its vector | 0x100", "") \
	X(IO_ASSIGN, 42, TREE, CAPS(W(CTL_IO), W(SPACE_IO)), "segment << 16 | bus << 8 | devfn", \
	  "let a device use the space until the space ends; before and after that it reaches no memory; again: no effect", \
	  "NO_SYS: no IOMMU; NOT_FOUND: no IOMMU has the device; DENIED: the firmware uses memory through it; " \
	  "BUSY: it is in another space; LIMIT", "restarted until the IOMMU has answered") \
	X(IO_FAULT, 43, TREE, CAPS(R(CTL_IO)), "", "take the next access or interrupt of a device that an IOMMU has refused; IRQ_PIN " \
	  "with gsi SK_IRQ_IOMMU claims the interrupt, which comes again when none is left; results: segment << 16 | " \
	  "bus << 8 | devfn, address (of an interrupt, what the hardware says of it), SK_IO_WRITE | SK_IO_IRQ | " \
	  "the hardware's reason << 8", "AGAIN: there is none", "16 IOMMUs")

#define SK_WAIT_ERRORS \
	"TIMEOUT: the deadline passed (SK_POLL: at once); DELETED: the object is gone; AGAIN: SUSPEND ended it"
#define SK_LEVEL_ERROR "NO_TABLE (2nd result: the missing level)"

#define X(name, num, ...) SK_SYS_##name = (num),
enum sk_syscall { SK_SYSCALLS(X) SK_SYS_END };
#undef X

/*
 * Not for programs: the checked kernel walks its data and stops at the first mistake; NO_SYS
 * elsewhere.
 */
#define SK_SYS_CHECK 63u

#define SK_RETYPE_MAX 256u

/*
 * IRQ_PIN: in place of a pin, the interrupt of all IOMMUs. IO_FAULT: it was a write; it was an
 * interrupt.
 */
#define SK_IRQ_IOMMU UINT32_MAX
#define SK_IO_WRITE 1u
#define SK_IO_IRQ 2u

/* SCHED_CONFIGURE: with the priority */
#define SK_SCHED_GUESTS 0x100u

/* MAP: SK_R, SK_W, SK_EXEC and */
#define SK_MAP_UNCACHED 0x10u
#define SK_MAP_WRITE_COMBINE 0x20u

#endif
