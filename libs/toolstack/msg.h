/* SPDX-License-Identifier: BSD-2-Clause */
/* msg.h - one line of text that says what went wrong, for the person who typed the command */
#ifndef TOOLSTACK_MSG_H
#define TOOLSTACK_MSG_H

struct msg {
	char text[512];
};

/*
 * Replace the text; a text that does not fit is cut. Always returns -1, for `return
 * msg_fail(...)`.
 */
int msg_fail(struct msg *m, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

#endif
