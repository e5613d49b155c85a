/* SPDX-License-Identifier: BSD-2-Clause */
/* term.h - the shell's connection to console: text out, keys in */
#ifndef SHELL_TERM_H
#define SHELL_TERM_H

#include <sk/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "out.h"

int term_init(void) must_check;

/* Events of the terminal. */
struct term_listener {
	void (*key)(uint8_t byte);
	/* ^C was typed since the last term_ready(). */
	void (*interrupt)(void);
	/* The terminal is back from a guest's console; why: NULL if the user left it. */
	void (*detached)(const char *why);
	/* All of the log was printed; why: NULL, or why there is none. */
	void (*log_done)(const char *why);
	/* Fewer than TERM_HIGH bytes wait for room. */
	void (*drained)(void);
	/*
	 * The terminal begins a new line, and asks for keys again: console was restarted while
	 * it waited for them.
	 */
	void (*redraw)(void);
};
void term_listen(const struct term_listener *l);

/*
 * Text for the terminal; newlines become CR LF. term_out is for the output of a verb, which
 * goes through the filters after it. term_messages is for text that the user must always see.
 */
extern const struct out term_out, term_messages;
/* Where text for term_out goes; NULL: to the terminal. */
void term_through(const struct out *o);
/*
 * Bytes that wait for room. A writer should pause above TERM_HIGH; `drained` tells when to go
 * on.
 */
enum { TERM_HIGH = 16384 };
size_t term_pending(void);
/* Ask for the next line, after each key that started work; before one, it does nothing. */
void term_ready(void);
/* The same, and drop the input up to the ^C that `interrupt` reported. */
void term_ready_dropping(void);
/*
 * Give the terminal to a guest's console; `detached` tells when it is back. Output that was
 * there before is marked; of a guest that was just made, there is none.
 */
void term_attach(uint32_t domid);
void term_attach_new(uint32_t domid);
/*
 * Print what is kept of the console of a guest, or (domid unknown, or 0) of the last guest with
 * this name; `log_done` at its end.
 */
void term_recall(uint32_t domid, const char *name);
/* Print the log of the host; `log_done` at its end. clear: nobody sees these lines again. */
void term_dmesg(bool clear);

#endif
