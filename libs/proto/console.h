/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * console.h - text streams between console, its clients, and the UART driver
 *
 * Transport   record rings; each record is a struct console_msg followed by len bytes.
 * Clients     LOG: a domain's standard output, client to console only. GUEST: a guest's
 *             console, both ways. SHELL: control; may attach to guests' consoles and read logs.
 *             The UART driver speaks DATA and SENT only (protocol UART, console is its client).
 * Credit      a sender that finds the ring full waits for the signal that there is room again.
 *             console never waits for a client: output goes to the bounded log in any case, and
 *             input for which a client has no room waits, at last in the UART.
 * Restart     after a restart of console, its first record to a guest's VMM and to the shell is
 *             RESUME: the client sends again the text behind that position, and sends nothing
 *             before it has come. A LOG has no such record: its client carries over what was
 *             not taken (ring_carry).
 *             The UART driver says by SENT what has left it, so that console can do the same
 *             after a restart of the driver. A client that was not told, or has not kept the
 *             text, goes on with its next text. Text from console that a client had not taken
 *             is lost.
 * Lines       the shell gets input up to and including a byte that gives it work: CR, LF or
 *             Tab. The input behind it stays with console until the shell says READY or ATTACH,
 *             so it reaches the client that then has the terminal. An LF that waits there
 *             directly behind a CR is dropped as part of it.
 */
#ifndef PROTO_CONSOLE_H
#define PROTO_CONSOLE_H

#include <stdint.h>

#define CONSOLE_CHUNK_MAX 512u
/* Size of a guest's log with its head: the own memory (svc.h) of a GUEST connection. */
#define CONSOLE_LOG_SIZE 65536u

enum console_kind { CONSOLE_LOG = 1, CONSOLE_GUEST = 2, CONSOLE_SHELL = 3 };

struct console_params {
	uint32_t kind;
	uint32_t domid;
	char name[48];
};
_Static_assert(sizeof(struct console_params) == 56, "no padding");

/* X(name, number, direction and meaning) */
#define CONSOLE_MSGS(X) \
	X(DATA, 1, \
		"both: len bytes of text; LOG of a static domain: about guest arg, 0: none") \
	X(ATTACH, 2, \
		"shell: show guest arg's console, what nobody has seen first; answered by DETACHED or FAILED") \
	X(DETACHED, 3, "console: the user typed Ctrl-], or the guest arg went away") \
	X(FAILED, 4, "console: no console arg") \
	X(DMESG, 5, \
		"shell: send the logs of the host and of the guests as DATA, by time, then DONE; arg 1: forget what was sent") \
	X(DONE, 6, "console") \
	X(READY, 8, "shell: more input; arg 1: what came up to the ^C is void") \
	X(INTERRUPT, 9, "console: there is a ^C in the input that waits for READY") \
	X(RESUME, 10, \
		"console to GUEST and SHELL: it was restarted, and has arg bytes, modulo 2^32, of their text") \
	X(SENT, 11, \
		"uart: arg bytes, modulo 2^32, of the text of this epoch of the connection have left it") \
	X(RECALL, 12, \
		"shell: send what is kept of the console of guest arg, or else of the last one with the name that is the text, as DATA without sequences for terminals, then DONE; FAILED: nothing is kept") \
	X(ATTACH_NEW, 13, \
		"shell: as ATTACH, for a guest that was just made: all of its output is live, so no mark says where that begins")

#define X(name, num, what) CONSOLE_##name = (num),
enum console_type { CONSOLE_MSGS(X) CONSOLE_MSG_END };
#undef X

struct console_msg {
	uint16_t type;
	/* Bytes that follow, at most CONSOLE_CHUNK_MAX. */
	uint16_t len;
	uint32_t arg;
};
_Static_assert(sizeof(struct console_msg) == 8, "no padding");

#endif
