/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init.h - calls on init's endpoint, which every domain holds badged with its number
 *
 * Transport   call/reply IPC; words and capabilities in the message. Replies: mr0 = 0 or
 *             -SK_E_*.
 */
#ifndef PROTO_INIT_H
#define PROTO_INIT_H

/* X(name, label, who may call and what) */
#define INIT_CALLS(X) \
	X(EXIT, 1, "anyone: mr0 = exit code; does not return") \
	X(POWER, 2, "control: mr0 = 0 power off, 1 reboot; services flush first") \
	X(SERVICE, 5, "control: mr0.. = name; reply carries the service's control endpoint") \
	X(IMAGE, 6, \
		"control: mr0 = piece of the VMM's ELF file; reply carries a frame, read-only, " \
		"mr1 pieces in all, mr2 order of the frame, mr3 offset of the piece in it, " \
		"mr4 bytes of the file in it, mr5 size of the file") \
	X(DOMAIN_STATS, 7, \
		"control: mr0 = index, mr1 = 1: count; mr1 memory bytes, mr2 CPU ticks, mr3..6 name, mr7 CPU, " \
		"mr8 slots | slots used << 32, mr9 frames | other objects << 32; both 0 unless counted") \
	X(WALLCLOCK, 8, \
		"anyone: mr1 = nanoseconds since 1970 at boot_tsc; NOT_FOUND if unknown")

#define X(name, num, what) INIT_##name = (num),
enum init_call { INIT_CALLS(X) INIT_CALL_END };
#undef X

#endif
