/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.h - calls on init's endpoint, which every domain holds badged with its number
 *
 * Transport   call/reply IPC; words and capabilities in the message. Replies: mr0 = 0 or
 *             -SK_E_*.
 */
#ifndef PROTO_INIT_H
#define PROTO_INIT_H

#include <stdint.h>

/* X(name, label, who may call and what) */
#define INIT_CALLS(X) \
	X(EXIT, 1, "anyone: mr0 = exit code; does not return") \
	X(POWER, 2, "control: mr0 = 0 power off, 1 reboot; services flush first") \
	X(SERVICE, 5, "control: mr0.. = name; reply carries the service's control endpoint") \
	X(IMAGE, 6, \
		"control: mr0 = piece of the VMM's ELF file; reply carries a frame, read-only, " \
		"mr1 pieces in all, mr2 order of the frame, mr3 offset of the piece in it, " \
		"mr4 bytes of the file in it, mr5 size of the file, mr6 entry point, mr7 segments, " \
		"mr8.. struct init_segment of each") \
	X(DOMAIN_STATS, 7, \
		"control: mr0 = index, mr1 = 1: count; mr1 memory bytes, mr2 CPU ticks, mr3..6 name, mr7 CPU, " \
		"mr8 slots | slots used << 32, mr9 frames | other objects << 32; both 0 unless counted; " \
		"mr10 state | why it ended last << 32, mr11 restarts | epoch << 32, " \
		"mr12 milliseconds since it was started last") \
	X(WALLCLOCK, 8, \
		"anyone: mr1 = nanoseconds since 1970 at boot_tsc; NOT_FOUND if unknown") \
	X(RESTART, 9, \
		"control: mr0..3 = name, mr4 = enum init_kill; answered before it happens. NOT_FOUND; " \
		"BUSY: it is being restarted; STATE: it does not run; " \
		"DENIED: this way needs the boot option init.kill=1") \
	X(CAPS, 10, \
		"control: mr0..3 = name of a domain, mr4 = where to begin, 0 first; mr1 = where to go on, 0: " \
		"that was all; mr2 = number of struct init_cap from mr3; NOT_FOUND; STATE: it has no slots now")

#define X(name, num, what) INIT_##name = (num),
enum init_call { INIT_CALLS(X) INIT_CALL_END };
#undef X

/*
 * INIT_IMAGE: a part of the program, as init has found it in the file. It lies in the file, and
 * is on pages of its own in memory.
 */
struct init_segment {
	uint64_t vaddr, offset, file_size, mem_size;
	uint64_t rights; /* SK_R, SK_W, SK_EXEC */
};
_Static_assert(sizeof(struct init_segment) == 40, "no padding");
enum { INIT_SEGMENT_WORD = 8, INIT_SEGMENTS_MAX = 8 };

/* INIT_CAPS: what is in one slot of a domain. */
struct init_cap {
	uint32_t slot;
	uint8_t type; /* enum sk_object_type */
	uint8_t rights;
	/* log2 of its bytes in memory; 0: it has none of its own. Table: its level. */
	uint8_t order;
	/* enum init_cap_flag */
	uint8_t flags;
	/* Untyped: bytes used. IOPORT: first | last << 16. */
	uint64_t badge;
	/*
	 * What its builder put there; empty: the domain made it, or got it with a connection.
	 */
	char what[48];
};
_Static_assert(sizeof(struct init_cap) == 64, "no padding");
/* MAPPED: memory that is mapped for the domain, in slots that its builder keeps. */
enum init_cap_flag { INIT_CAP_MAPPED = 1 };
enum { INIT_CAPS_MAX = 7 };

/*
 * X(name, number, text): the state of a static domain. init changes the epoch only together
 * with the state: it counts the starts so far, and in state RUNNING all static connections of
 * that epoch are open.
 */
#define DOMAIN_STATES(X) \
	X(ABSENT, 0, "absent") /* never started: no device, or a service is missing */ \
	X(RUNNING, 1, "running") \
	X(RESTARTING, 2, "restarting") \
	X(GIVEN_UP, 3, "given up")
#define X(name, num, text) DOMAIN_##name = (num),
enum domain_state { DOMAIN_STATES(X) DOMAIN_STATE_END };
#undef X

/* X(name, number, text): why a domain ended */
#define DOMAIN_ENDS(X) \
	X(NONE, 0, "never") \
	X(FAULT, 1, "fault") \
	X(EXIT, 2, "exit") \
	X(HANG, 3, "hang") \
	X(DMA, 4, "dma") \
	X(BREACH, 5, "breach") \
	X(ASKED, 6, "asked") \
	X(REFUSES, 7, "refuses") /* it refused again and again what it has to do */
#define X(name, num, text) DOMAIN_END_##name = (num),
enum domain_end { DOMAIN_ENDS(X) DOMAIN_ENDS_END };
#undef X

/*
 * X(name, number, text): how INIT_RESTART ends the domain; all except RESTART and BREACH are
 * for tests
 */
#define INIT_KILLS(X) \
	X(RESTART, 0, "restart") \
	X(FAULT, 1, "fault") /* its main thread jumps to address 0 */ \
	X(HANG, 2, "hang")   /* its main thread stops without a word */ \
	X(EXIT, 3, "exit") \
	X(GARBAGE, 4, "garbage") /* it writes nonsense into the rings of its connections */ \
	X(BREACH, 5, "breach")   /* guests say that it broke the protocol */
#define X(name, num, text) INIT_KILL_##name = (num),
enum init_kill { INIT_KILLS(X) INIT_KILL_END };
#undef X

#endif
