/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ipc.h - messages and the per-thread IPC buffer (UTCB)
 *
 * A message is an info word (label, words, capabilities) and up to SK_MR_MAX words. Words 0 to
 * 3 travel in registers, the rest in the UTCB: a page of the Thread object that the kernel maps
 * for the thread at an address given to SK_SYS_THREAD_CONFIGURE. The kernel reads each UTCB
 * field at most once per call.
 */
/* clang-format off */
#ifndef SK_IPC_H
#define SK_IPC_H

#include <sk/types.h>

#define SK_MR_MAX 64u
#define SK_MR_REGS 4u
#define SK_CAPS_MAX 4u

/* Message info: label in bits 16-63, capabilities in bits 8-15, words in bits 0-7. */
#define SK_MI(label, words, caps) (((uint64_t)(label) << 16) | ((uint64_t)(caps) << 8) | (words))
#define SK_MI_LABEL(mi) ((mi) >> 16)
#define SK_MI_CAPS(mi) ((uint32_t)((mi) >> 8) & 0xff)
#define SK_MI_WORDS(mi) ((uint32_t)(mi) & 0xff)

/* Labels from SK_LABEL_KERNEL up are the kernel's; senders cannot use them. */
#define SK_LABEL_KERNEL 0xffffffff0000ull
/* a receive that returned for the bound notification */
#define SK_LABEL_SIGNAL 0xffffffff0001ull
/* mr0 vector | error << 32, mr1 CR2, mr2 RIP, mr3 RSP */
#define SK_LABEL_FAULT 0xffffffff0002ull

/* in sk_send_cap.rights: move the capability, do not copy it */
#define SK_SEND_MOVE 0x80000000u

struct sk_send_cap {
	sk_cap_t slot;
	uint32_t rights; /* mask applied to the copy, and SK_SEND_MOVE */
};

struct sk_utcb {
	/* words 4.. of a message; 0 to 3 are in registers and not kept here */
	uint64_t mr[SK_MR_MAX];
	struct sk_send_cap send[SK_CAPS_MAX];
	sk_cap_t recv_slot; /* first slot for received capabilities; 0 = take none */
	uint32_t recv_slots;
	/* Reply object that a receive ties the caller to; 0 = one-way only */
	sk_cap_t reply;
	uint32_t reserved0; /* zero */
	sk_time_t deadline; /* of the next blocking IPC call */
	uint64_t reserved[441];
};
_Static_assert(sizeof(struct sk_utcb) == SK_PAGE_SIZE, "the UTCB is one page");

/*
 * Registers of a thread, as SK_SYS_THREAD_READ/WRITE pass them: in mr[0..] of the caller's
 * UTCB.
 */
struct sk_regs {
	uint64_t rax, rcx, rdx, rbx, rsp, rbp, rsi, rdi;
	uint64_t r8, r9, r10, r11, r12, r13, r14, r15;
	uint64_t rip, rflags, fs_base, gs_base;
};

#endif
