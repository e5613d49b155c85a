/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * program.h - the end of a program, and where its output goes
 */
#ifndef RT_PROGRAM_H
#define RT_PROGRAM_H

#include <stdint.h>
#include <sk/types.h>

/* End this domain: tells the builder and never returns. */
void rt_exit(int code) __attribute__((noreturn));
/*
 * Send standard output as console records to this ring from now on (the root task, once console
 * runs). region: the connection's, mapped; req_size: bytes of its request ring; signal: wakes
 * console.
 */
int rt_log_attach(void *region, uint32_t req_size, sk_cap_t signal) must_check;
/*
 * What is printed from now on is about this guest (0: about none). console keeps it in the log
 * of that guest, so that a guest cannot fill the log of the host with what other domains have
 * to say about it. Only static domains may use it.
 */
void rt_log_about(uint32_t domid);

#endif
