/*
 * syscall.h - the system calls
 *
 * SYSCALL with the number in RAX, arguments in RDI RSI RDX R10 R8 R9. RCX and R11 are destroyed.
 * RAX returns 0 or -SK_E_*. Further results, where said, in RDI, RSI, RDX, R10, R8, R9 in that
 * order ("results:"); registers that hold no result are preserved. A call that the kernel
 * interrupts at a preemption point is restarted without the caller noticing.
 *
 * The list below is the only table: numbers, names and the ABI document come from it.
 * X(name, number, "arguments", "what it does; results; bound")
 */
/* clang-format off */
#ifndef SK_SYSCALL_H
#define SK_SYSCALL_H

#include <sk/boot.h>
#include <sk/ipc.h>
#include <sk/object.h>
#include <sk/types.h>
#include <sk/vcpu.h>

#define SK_SYSCALLS(X)                                                                             \
	/* IPC: (endpoint, info, mr0..mr3); deadline, capabilities, reply in the UTCB */           \
	X(CALL, 1, "endpoint(W), mi, mr0-3", "send and wait for the reply; results: 0, mi, mr0-3") \
	X(SEND, 2, "endpoint(W), mi, mr0-3", "one-way send, blocks until taken or deadline")       \
	X(RECV, 3, "endpoint(R)", "wait for a message or the thread's bound notification; "        \
				  "results: badge (or signal word), mi, mr0-3")                    \
	X(REPLY, 4, "reply, mi, mr0-3", "answer the caller tied to a Reply; never blocks")         \
	X(REPLY_RECV, 5, "endpoint(R), mi, mr0-3", "REPLY to utcb.reply, then RECV")               \
	/* notifications */                                                                        \
	X(SIGNAL, 6, "notification(W)", "or the badge into the word; no badge: no effect")         \
	X(WAIT, 7, "notification(R), deadline", "take the word when not 0; results: word")         \
	X(POLL, 8, "notification(R)", "as WAIT with SK_POLL; results: word; AGAIN if 0")           \
	/* memory and capabilities */                                                              \
	X(RETYPE, 9, "untyped, type | order << 8, cnode(W), slot, n, offset",                      \
	  "make n (1 to SK_RETYPE_MAX) objects in n consecutive slots; offset: device untypeds "   \
	  "only, else 0; type and order are 8 bits each; results: slot, n and offset come back as "\
	  "what was not made yet, so that after an error n tells how many are missing")            \
	X(COPY, 10, "dst cnode(W), dst slot, src cnode(GRANT), src slot, rights",                  \
	  "the copy is a child of the source; untypeds and tables cannot be copied")               \
	X(MINT, 11, "as COPY, badge", "endpoint, notification: a badge on an unbadged capability; "\
	  "IOPORT: first port | last << 16, inside the source's range")                            \
	X(MOVE, 12, "dst cnode(W), dst slot, src cnode(W, GRANT), src slot", "")                   \
	X(DELETE, 13, "cnode(W), slot", "children pass to the parent; last one ends the object")   \
	X(REVOKE, 14, "cnode(W), slot", "delete all that derives from the slot; preemptible")      \
	X(CAP_INFO, 15, "cnode(R), slot",                                                          \
	  "results: type | rights << 8 | order << 16, badge (untyped: bytes used), size in bytes") \
	/* address spaces */                                                                       \
	X(MAP, 16, "frame, space(W), vaddr, offset, order, rights | SK_MAP_* flags",               \
	  "map 2^order bytes of the frame; all maps of one capability are one linear window of "   \
	  "one space (copy the capability for another); results: address (IO spaces: the device "  \
	  "address), missing level when NO_TABLE")                                                 \
	X(UNMAP, 17, "frame, offset, order", "returns after no CPU and no vCPU can use it")        \
	X(MAP_TABLE, 18, "table, space(W), vaddr, level",                                          \
	  "level 1 holds 4 KiB entries; a large page in that place is split")                      \
	/* threads */                                                                              \
	X(THREAD_CONFIGURE, 19, "thread, cnode, host space, fault endpoint or 0, utcb vaddr",      \
	  "suspended threads; 2nd result: missing level when NO_TABLE")                            \
	X(THREAD_BIND, 20, "thread, notification or 0", "bound notification of RECV and ENTER")    \
	X(THREAD_RESUME, 21, "thread", "")                                                         \
	X(THREAD_SUSPEND, 22, "thread", "takes it out of any wait; it stays until RESUME")         \
	X(THREAD_READ, 23, "thread", "suspended threads; struct sk_regs in the caller's mr[]")     \
	X(THREAD_WRITE, 24, "thread", "suspended threads; struct sk_regs from the caller's mr[]")  \
	X(SET_FS_BASE, 25, "address", "of the calling thread")                                     \
	X(YIELD, 26, "", "to threads of the same priority")                                        \
	/* scheduling contexts */                                                                  \
	X(SCHED_CONFIGURE, 27, "ctl_sched, sched, cpu | priority << 16, weight, budget, period",   \
	  "priority 0 to 31, higher runs first, plus SK_SCHED_GUESTS where VCPU_ENTER is allowed; "\
	  "weight 1 to 65535 (256 usual); budget and period in microseconds, period 0 = no cap")   \
	X(SCHED_BIND, 28, "sched, thread or 0", "a thread runs only with one that is configured")  \
	X(SCHED_STATS, 29, "sched", "results: TSC ticks consumed, ticks runnable but waiting, cpu, " \
				    "ticks that this CPU had no thread to run")           \
	/* interrupts, ports, log */                                                               \
	X(IRQ_PIN, 30, "ctl_irq, irq, gsi, flags, cpu", "flags: 1 level, 2 active low")            \
	X(IRQ_MSI, 31, "ctl_irq, irq, cpu", "results: message address, message data")              \
	X(IRQ_BIND, 32, "irq, notification(W)", "signals with that capability's badge")            \
	X(IRQ_ACK, 33, "irq", "unmask (level pins); MSI and edge: no effect")                      \
	X(PORT_IN, 34, "ioport(R), port, size 1|2|4", "results: value")                            \
	X(PORT_OUT, 35, "ioport(W), port, size, value", "")                                        \
	X(LOG, 36, "ctl_log, n, w0-w3", "n <= 32 bytes, packed, to the kernel log")                \
	X(LOG_TAKE, 37, "ctl_log", "the kernel stops writing its log to the UART, but for a panic")\
	/* guests */                                                                               \
	X(VCPU_CONFIGURE, 38, "vcpu, nested space, host space, state vaddr",                       \
	  "bind the VCpu to its guest memory and map its state page; 2nd result: missing level "  \
	  "when NO_TABLE")                                                                         \
	X(VCPU_ENTER, 39, "vcpu, deadline", "run the guest in this thread until an exit that the " \
	  "VMM must handle, a signal to the bound notification, or the deadline; results: reason") \
	X(VCPU_SYNC, 40, "vcpu, groups", "write the groups into the state page; not while entered")\
	X(VCPU_INJECT, 41, "vcpu, vector",                                                         \
	  "from any thread: deliver an external interrupt as soon as the guest takes one; BUSY if "\
	  "another vector is pending; results: the pending one")                                   \
	/* devices */                                                                              \
	X(IO_ASSIGN, 42, "ctl_io, space_io, segment << 16 | bus << 8 | devfn", "NO_SYS: no IOMMU")

#define X(name, num, args, what) SK_SYS_##name = (num),
enum sk_syscall { SK_SYSCALLS(X) SK_SYS_END };
#undef X

/* Not for programs: the checked kernel walks all that it keeps and stops at what is wrong; NO_SYS elsewhere. */
#define SK_SYS_CHECK 63u

#define SK_RETYPE_MAX 256u

/* SCHED_CONFIGURE: with the priority */
#define SK_SCHED_GUESTS 0x100u

/* MAP: SK_R, SK_W, SK_EXEC and */
#define SK_MAP_UNCACHED 0x10u
#define SK_MAP_WRITE_COMBINE 0x20u

#endif
