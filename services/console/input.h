/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input.h - what is typed, on its way to the shell or to a guest: each byte to whom it was
 * typed for
 *
 * A line of the shell may change who gets what follows it, and so may Ctrl-]. So the shell gets
 * one line at a time, up to a byte that makes it work (Enter, Tab), and the rest waits here
 * until it asks for more or gives the terminal to a guest. Nothing here waits or calls another
 * domain: the caller says what happened, and calls input_run().
 */
#ifndef CONSOLE_INPUT_H
#define CONSOLE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INPUT_MAX = 64 << 10 };

/* A guest's side of it. */
struct input_guest {
	/* Typed before the user left, and still without room. */
	char *late;
	size_t n_late;
};

struct input_ops {
	/* Up to CONSOLE_CHUNK_MAX bytes; false: no room now. */
	bool (*to_shell)(const char *text, size_t len);
	bool (*to_guest)(struct input_guest *g, const char *text, size_t len);
	/* There is a ^C in what waits for the shell; false: no room now. */
	bool (*interrupt)(void);
	/* May the user leave now? What the console showed when he came is to be seen first. */
	bool (*may_leave)(void);
	void (*left)(void); /* he has: Ctrl-] */
	/* Something was dropped. */
	void (*bell)(void);
};

struct input {
	const struct input_ops *ops;
	/* In the foreground; NULL: the shell. */
	struct input_guest *guest;
	/* The shell works, and has not asked for more. */
	bool held;
	/* What made it work was a CR: a LF belongs to it. */
	bool after_cr;
	/* It was told of a ^C. */
	bool interrupted;
	/* What waits: a ring. */
	size_t head, len;
	char byte[INPUT_MAX];
};

/* The shell is at work, and nothing waits. */
void input_init(struct input *in, const struct input_ops *ops);
size_t input_room(const struct input *in);
/* len: at most input_room(). */
void input_add(struct input *in, const char *text, size_t len);
/* Pass on what can be passed on. */
void input_run(struct input *in);

/*
 * The shell asks for more; with drop, what was typed up to the ^C that ended its work is void.
 */
void input_ready(struct input *in, bool drop);
void input_attach(struct input *in, struct input_guest *g);
/* The guest in the foreground has ended: what was meant for it is nobody's. */
void input_gone(struct input *in);
/* All that waits is dropped, with a bell. */
void input_discard(struct input *in);

/* The guest may have room for what was typed before. */
void input_guest_run(struct input *in, struct input_guest *g);
void input_guest_fini(struct input_guest *g);

#endif
