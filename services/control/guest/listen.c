/* SPDX-License-Identifier: BSD-2-Clause */
/* listen.c - the one listener */
#include "guest/listen.h"

static const struct guest_listener *listener;

void guest_listen(const struct guest_listener *l) { listener = l; }

const struct guest_listener *guest_listener(void) { return listener; }
