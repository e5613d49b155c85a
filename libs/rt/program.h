/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * program.h - the end of a program, and where its output goes
 */
#ifndef RT_PROGRAM_H
#define RT_PROGRAM_H

#include <stdint.h>
#include <sk/types.h>

/* End this domain: tell the builder, and never return. */
void rt_exit(int code) __attribute__((noreturn));
/*
 * From now on send standard output to this ring as console records (for the root task, once
 * console runs). region: the connection's, mapped; req_size: bytes of its request ring; signal:
 * wakes console.
 */
int rt_log_attach(void *region, uint32_t req_size, sk_cap_t signal) must_check;
/*
 * The root task: until the next rt_log_attach(), standard output goes to the kernel's log. What
 * console had not taken is not lost, if the same region is attached again.
 */
void rt_log_detach(void);
/*
 * console has signalled: it may have been restarted, and gets the output that it has lost. The
 * loop of libs/svc calls this; without it, the next output does the same.
 */
void rt_log_resume(void);
/*
 * From now on all output is about this guest (0: about none). console keeps it in the log of
 * that guest, so that a guest cannot fill the log of the host with messages of other domains
 * about it. Only static domains may use it.
 */
void rt_log_about(uint32_t domid);

#endif
