/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input.h - typed bytes on their way to the shell or to the guest for which they were typed
 *
 * A command may give the terminal to a guest, and Ctrl-] gives it back, so either may change
 * where the bytes after it go. Therefore the shell gets one line at a time, up to a byte that
 * makes it work (Enter, Tab). The rest waits here until the shell asks for more or gives the
 * terminal to a guest. No function here waits for another domain: the caller says what happened
 * and calls input_run().
 */
#ifndef CONSOLE_INPUT_H
#define CONSOLE_INPUT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { INPUT_MAX = 64 << 10 };

/* The input of one guest. */
struct input_guest {
	/* Typed before the user left, and still waiting for room in the guest's ring. */
	char *late;
	size_t n_late;
};

struct input_ops {
	/* Up to CONSOLE_CHUNK_MAX bytes; false: no room now. */
	bool (*to_shell)(const char *text, size_t len);
	bool (*to_guest)(struct input_guest *g, const char *text, size_t len);
	/* Tells the shell that a ^C waits for it; false: no room now. */
	bool (*interrupt)(void);
	/* May the user leave now? Output from before the user came has to be shown first. */
	bool (*may_leave)(void);
	void (*left)(void); /* the user has left, by Ctrl-] */
	/* Some input was dropped. */
	void (*bell)(void);
};

struct input {
	const struct input_ops *ops;
	/* The guest in the foreground; NULL: the shell. */
	struct input_guest *guest;
	/* The shell is busy and has not asked for more. */
	bool held;
	/* The line of the shell ended in CR, so a LF that follows belongs to it. */
	bool after_cr;
	/* The shell was told of a ^C. */
	bool interrupted;
	/* A ring of the bytes that wait. */
	size_t head, len;
	char byte[INPUT_MAX];
};

/* At first the shell is busy, and no input waits. */
void input_init(struct input *in, const struct input_ops *ops);
size_t input_room(const struct input *in);
/* len: at most input_room(). */
void input_add(struct input *in, const char *text, size_t len);
/* Pass on as much as the shell or the guest can take. */
void input_run(struct input *in);

/*
 * The shell asks for more. With drop, the input up to and including the ^C that ended its work
 * is discarded.
 */
void input_ready(struct input *in, bool drop);
void input_attach(struct input *in, struct input_guest *g);
/*
 * The guest in the foreground has ended; all input that waits was meant for it and is
 * discarded.
 */
void input_gone(struct input *in);
/* Discard all input that waits, and ring the bell. */
void input_discard(struct input *in);

/* The guest may have room now for what was typed before the user left. */
void input_guest_run(struct input *in, struct input_guest *g);
void input_guest_fini(struct input_guest *g);

#endif
