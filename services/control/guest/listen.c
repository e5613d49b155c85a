/* SPDX-License-Identifier: BSD-2-Clause */
/* listen.c - the one listener, and a default one that does nothing */
#include "guest/listen.h"

static void note_nobody(const struct dom_action *a) { (void)a; }

static void changed_nobody(void) {}

static void console_nobody(uint32_t domid) { (void)domid; }

static void trouble_nobody(uint32_t domid, const char *text)
{
	(void)domid;
	(void)text;
}

static void host_down_nobody(void) {}

static void host_stays_nobody(int rc) { (void)rc; }

static const struct guest_listener nobody = { note_nobody, changed_nobody, console_nobody,
	trouble_nobody, host_down_nobody, host_stays_nobody };
static const struct guest_listener *listener = &nobody;

void guest_listen(const struct guest_listener *l) { listener = l; }

const struct guest_listener *guest_listener(void) { return listener; }
