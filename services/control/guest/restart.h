/*
 * restart.h - how soon a guest that ended by itself is made again
 *
 * A guest that crashes or reboots as soon as it is there would otherwise keep the host busy with making it, and fill
 * everybody's log. The first short life is taken for an accident; then each pause is twice the one before, and after
 * RESTART_MOST short lives in a row the guest is not made any more. One life of RESTART_LIFE_S seconds, or a reboot that
 * the user asked for, and all is forgiven.
 */
#ifndef CONTROL_RESTART_H
#define CONTROL_RESTART_H

#include <stdint.h>

enum { RESTART_LIFE_S = 60, RESTART_MOST = 10, RESTART_PAUSE_MAX_S = 60 };
#define RESTART_NEVER UINT32_MAX

/* How many short lives in a row there were with one that lasted so long. */
uint32_t restart_count(uint32_t before, uint64_t lived_ns);
/* Seconds until the next; RESTART_NEVER: there is none. */
uint32_t restart_pause_s(uint32_t short_lives);

#endif
