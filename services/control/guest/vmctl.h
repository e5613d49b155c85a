/* SPDX-License-Identifier: BSD-2-Clause */
/* vmctl.h - messages from and to VMMs */
#ifndef CONTROL_VMCTL_H
#define CONTROL_VMCTL_H

#include "guest/guest.h"

int vmctl_init(void) must_check;
int vmctl_connect(struct guest *g) must_check;
/*
 * After a restart of control: open it again, with the frame in ctl_frame and the signal to the
 * VMM. False: that is impossible.
 */
bool vmctl_adopt(struct guest *g, sk_cap_t signal);
void vmctl_disconnect(struct guest *g);
/* 0, or -1: the VMM does not take messages any more. */
int vmctl_send(struct guest *g, uint32_t type, uint32_t arg);
/* With both; at most VMCTL_TEXT_MAX bytes. */
int vmctl_send_body(
	struct guest *g, uint32_t type, uint32_t arg, const void *body, uint32_t len);
/*
 * What a VMM says, as a line for people: without what cannot be printed. instead: if it says
 * nothing.
 */
void vmctl_line(char line[VMCTL_TEXT_MAX], const char *text, uint32_t len, const char *instead);
/*
 * Ask all live guests for their statistics; fn is called when all have answered, or after a
 * time limit.
 */
void vmctl_stats_ask(void (*fn)(void));

#endif
