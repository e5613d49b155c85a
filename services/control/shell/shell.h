/* SPDX-License-Identifier: BSD-2-Clause */
/* shell.h - the person at the console: the part of the shell that verbs use */
#ifndef CONTROL_SHELL_H
#define CONTROL_SHELL_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct dom;
struct shell;
extern struct shell *const the_shell;

void shell_init(void);
/* Prompt, when the host has started. */
void shell_open(void);
/*
 * The same after a restart of control: the user is told, and gets the console back that was
 * shown.
 */
void shell_reopen(void);

/*
 * A verb goes on after its handler returned; on ^C `cancel` is called (NULL: nothing to undo).
 */
void shell_busy(struct shell *sh, void (*cancel)(void));
/* The verb has ended: the prompt comes back. */
void shell_done(struct shell *sh);
bool shell_is_busy(const struct shell *sh);
void shell_print(struct shell *sh, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* The same, for what went wrong: the exit status of the command becomes 1. */
void shell_fail(struct shell *sh, const char *fmt, ...) __attribute__((format(printf, 2, 3)));
/* A verb has more output: `fn` is called when the terminal has room again. */
void shell_on_room(void (*fn)(void));
/*
 * Lines go to `take` until it returns false, or until ^C; then the verb has ended.
 */
void shell_read_text(struct shell *sh, bool (*take)(const char *line, size_t len));
/* The terminal goes to a guest's console until the user leaves it. */
void shell_attach(struct shell *sh, uint32_t domid);

/* The guest that the user named; NULL: there is none, and the user has been told so. */
struct dom *guest_by_name(struct shell *sh, const char *who);
/* verbs_guest.c: listen for news of guests that a verb waits for. */
void verbs_guest_init(void);

#endif
