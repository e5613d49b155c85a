/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart.h - how soon a guest that ended by itself is created again
 *
 * A guest that crashes or reboots as soon as it runs would otherwise keep the host busy with
 * its creation, and fill the logs. The first short life counts as an accident. After that each
 * pause is twice the one before, and after RESTART_MOST short lives in a row the guest is not
 * created any more. A life of RESTART_LIFE_S seconds, or a reboot that the user asked for,
 * resets the count.
 */
#ifndef CONTROL_RESTART_H
#define CONTROL_RESTART_H

#include <stdint.h>

#include "proto/ctl.h"

enum { RESTART_LIFE_S = CTL_SHORT_LIFE_S, RESTART_MOST = 10, RESTART_PAUSE_MAX_S = 60 };
#define RESTART_NEVER UINT32_MAX

/* The number of short lives in a row, after another life that lasted lived_ns. */
uint32_t restart_count(uint32_t before, uint64_t lived_ns);
/* Seconds until the guest is created again; RESTART_NEVER: it is not. */
uint32_t restart_pause_s(uint32_t short_lives);

#endif
