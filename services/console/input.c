/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * input.c - typed bytes on their way to the shell or to a guest
 *
 * Objects     struct input: the one keyboard. struct input_guest: one for each guest.
 * Invariants  INPUT1 bytes leave in the order in which they came
 *             INPUT2 while `held` is set the shell gets nothing, so it never has a byte that is
 *                    meant for a guest
 *             INPUT3 input is dropped because its receiver has ended or the shell was
 *                    interrupted; otherwise from the end, and with a bell
 */
#include "input.h"

#include <stdlib.h>
#include <string.h>

#include "proto/console.h"

enum {
	KEY_INTERRUPT = 3,
	KEY_LEAVE = 0x1d,
};

void input_init(struct input *in, const struct input_ops *ops)
{
	memset(in, 0, offsetof(struct input, byte));
	in->ops = ops;
	in->held = true;
}

size_t input_room(const struct input *in) { return INPUT_MAX - in->len; }

void input_add(struct input *in, const char *text, size_t len)
{
	size_t at = (in->head + in->len) % INPUT_MAX;
	size_t first = len < INPUT_MAX - at ? len : INPUT_MAX - at;

	memcpy(in->byte + at, text, first);
	memcpy(in->byte, text + first, len - first);
	in->len += len;
}

static char byte_at(const struct input *in, size_t i)
{
	return in->byte[(in->head + i) % INPUT_MAX];
}

/* Index of the first `key`; in->len if there is none. */
static size_t find(const struct input *in, char key)
{
	size_t i = 0;

	while (i < in->len && byte_at(in, i) != key)
		i++;
	return i;
}

static void take(struct input *in, size_t len)
{
	in->head = (in->head + len) % INPUT_MAX;
	in->len -= len;
}

/* How many of the first `len` bytes lie in one piece and fit into one record. */
static size_t piece(const struct input *in, size_t len, const char **text)
{
	size_t end = INPUT_MAX - in->head;

	*text = in->byte + in->head;
	if (len > end)
		len = end;
	return len < CONSOLE_CHUNK_MAX ? len : CONSOLE_CHUNK_MAX;
}

/* ---- the shell ---- */

/* Enter and Tab: the shell has to do something before it can take the next byte. */
static bool makes_work(char c) { return c == '\r' || c == '\n' || c == '\t'; }

static void shell_run(struct input *in)
{
	const char *text;
	size_t n, len;

	while (!in->held && in->len) {
		len = piece(in, in->len, &text);
		for (n = 0; n < len && !makes_work(text[n]); n++)
			continue;
		in->held = n < len;
		n += in->held;
		if (!in->ops->to_shell(text, n)) {
			in->held = false;
			return;
		}
		in->after_cr = text[n - 1] == '\r';
		take(in, n);
	}
	if (in->held && !in->interrupted && find(in, KEY_INTERRUPT) < in->len)
		in->interrupted = in->ops->interrupt();
}

/* The input that comes next is meant for the client that has the terminal now. */
static void line_over(struct input *in)
{
	if (in->after_cr && in->len && byte_at(in, 0) == '\n')
		take(in, 1);
	in->after_cr = false;
	in->interrupted = false;
}

void input_ready(struct input *in, bool drop)
{
	size_t through = find(in, KEY_INTERRUPT) + 1;

	if (drop)
		take(in, through < in->len ? through : in->len);
	line_over(in);
	in->held = false;
}

/* ---- guests ---- */

static bool late_send(struct input *in, struct input_guest *g)
{
	size_t at = 0, n;

	while (at < g->n_late) {
		n = g->n_late - at < CONSOLE_CHUNK_MAX ? g->n_late - at : CONSOLE_CHUNK_MAX;
		if (!in->ops->to_guest(g, g->late + at, n))
			break;
		at += n;
	}
	if (at == 0)
		return g->n_late == 0;
	g->n_late -= at;
	memmove(g->late, g->late + at, g->n_late);
	if (g->n_late == 0)
		input_guest_fini(g);
	return g->n_late == 0;
}

/* Keeps the first len bytes, for which the guest has no room, because the user leaves. */
static void late_keep(struct input *in, struct input_guest *g, size_t len)
{
	char *more = len <= INPUT_MAX - g->n_late ? realloc(g->late, g->n_late + len) : NULL;

	if (!more) {
		in->ops->bell(); /* INPUT3 */
		take(in, len);
		return;
	}
	g->late = more;
	for (size_t i = 0; i < len; i++)
		g->late[g->n_late++] = byte_at(in, i);
	take(in, len);
}

static void guest_run(struct input *in)
{
	struct input_guest *g = in->guest;
	size_t until = find(in, KEY_LEAVE), n;
	bool leaves = until < in->len, room = late_send(in, g);
	const char *text;

	while (until && room) { /* INPUT1: not before g->late is sent */
		n = piece(in, until, &text);
		room = in->ops->to_guest(g, text, n);
		if (!room)
			break;
		take(in, n);
		until -= n;
	}
	if (!leaves || !in->ops->may_leave())
		return;
	if (until)
		late_keep(in, g, until);
	take(in, 1);
	in->guest = NULL;
	in->ops->left();
}

void input_attach(struct input *in, struct input_guest *g)
{
	line_over(in);
	in->guest = g;
}

void input_gone(struct input *in)
{
	in->guest = NULL;
	take(in, in->len);
}

void input_discard(struct input *in)
{
	take(in, in->len);
	in->ops->bell();
}

void input_guest_run(struct input *in, struct input_guest *g) { (void)late_send(in, g); }

void input_guest_fini(struct input_guest *g)
{
	free(g->late);
	g->late = NULL;
	g->n_late = 0;
}

void input_run(struct input *in)
{
	if (in->guest)
		guest_run(in);
	if (!in->guest)
		shell_run(in);
}
