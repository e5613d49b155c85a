/* SPDX-License-Identifier: BSD-2-Clause */
/* shell.h - the person at the console: the part of the shell that verbs use */
#ifndef SHELL_SHELL_H
#define SHELL_SHELL_H

#include <sk/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "toolstack/msg.h"

struct shell;
extern struct shell *const the_shell;

/* The console, files and control; the prompt comes when control has answered. */
int shell_init(void) must_check;

/*
 * A verb goes on after its handler returned; on ^C `cancel` is called (NULL: nothing to undo).
 */
void shell_busy(struct shell *sh, void (*cancel)(void));
/* The same, for what control answers at once. */
void shell_waits(struct shell *sh, void (*cancel)(void));
/* The verb has ended: the prompt comes back. */
void shell_done(struct shell *sh);
/* The same, and what it still waits for is left as by ^C. */
void shell_cut(struct shell *sh);
bool shell_is_busy(const struct shell *sh);
void shell_print(struct shell *sh, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, for what went wrong: the exit status of the command becomes 1. */
void shell_fail(struct shell *sh, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same for a request that control has refused. name: of the verb; NULL: without. */
void shell_refused(struct shell *sh, const char *name, int status, const char *text);
/* A verb has more output: `fn` is called when the terminal has room again. */
void shell_on_room(void (*fn)(void));
/* Keys go to a verb that is busy, except for ^C, which ends it as ever. */
void shell_on_key(struct shell *sh, void (*key)(uint8_t byte));
/*
 * Lines, of the script that runs or else of the user, go to `take` until it returns false, or
 * until ^C; then the verb has ended.
 */
void shell_read_text(struct shell *sh, bool (*take)(const char *line, size_t len));
/*
 * The command that runs is run again from its beginning, with its filters, each time that it
 * has ended and `ms` have passed: `times` times in all (0: until ^C). Another call while it is
 * repeated changes nothing.
 */
void shell_repeat(struct shell *sh, uint32_t ms, uint32_t times);
bool shell_repeats(const struct shell *sh);
/* The words are a command of their own, in place of that which runs. */
void shell_run_words(struct shell *sh, int argc, char **argv);
/*
 * The lines of a file come next, before what follows on this line. strict: the first command
 * that fails ends it. 0, or -1 with *m.
 */
int shell_run_script(struct shell *sh, const char *name, const char *text, size_t len,
	bool strict, struct msg *m);
/*
 * The terminal goes to a guest's console until the user leaves it. _new: the guest was just
 * made.
 */
void shell_attach(struct shell *sh, uint32_t domid);
void shell_attach_new(struct shell *sh, uint32_t domid);

#endif
