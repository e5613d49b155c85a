/*
 * platform.h - init's calls on the platform domain: devices, interrupts, power
 *
 * Transport   call/reply IPC on platform's control endpoint, badge SVC_BADGE_INIT only.
 *             Replies: mr0 = 0 or -SK_E_*.
 */
#ifndef PROTO_PLATFORM_H
#define PROTO_PLATFORM_H

#include <stdint.h>

enum platform_call {
	/*
	 * mr0 vendor | device << 16 (0xffff = any), mr1 class code or ~0, mr2 index among the matches,
	 * mr3 interrupt vectors wanted. Claims the function: memory decoding and bus mastering on, MSI-X
	 * table programmed. Reply: mr1 handle, mr2 vendor | device << 16 | rid << 32,
	 * mr3 vectors given, mr4..mr9 size of BARs 0 to 5 (0: none, or an I/O BAR, or withheld),
	 * mr10.. 256 bytes of configuration space.
	 */
	PLATFORM_CLAIM = 16,
	PLATFORM_BAR = 17,   /* mr0 handle, mr1 BAR; reply carries frames in order of address, mr1 = how
	                        many follow in all, mr2 offset of the first piece; call again with mr2 = index */
	PLATFORM_IRQ = 18,   /* mr0 handle, mr1 vector index; reply carries the IrqHandler */
	PLATFORM_RESET = 19, /* mr0 handle: bus mastering off, function reset, wait */
	PLATFORM_RELEASE = 20,
	PLATFORM_POWER = 21, /* mr0 = 0 off (S5), 1 reboot; returns only on failure */
	PLATFORM_WALLCLOCK = 22 /* reply mr1 = nanoseconds since 1970 at boot_tsc */
};

#endif
