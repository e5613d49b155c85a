/*
 * start.h - what the start code knows about the program, and the way of its output
 */
#ifndef SYS_START_H
#define SYS_START_H

#include <stdbool.h>
#include <stdint.h>
#include <sk/types.h>

/* True in the root task, which the kernel started and which has no start-up page. */
bool sys_root(void);
/*
 * Send standard output as console records to this ring from now on (the root task, once console runs).
 * region: the connection's, mapped; req_size: bytes of its request ring; signal: wakes console.
 */
int sys_log_attach(void *region, uint32_t req_size, sk_cap_t signal) must_check;
/*
 * What is printed from now on is about this guest (0: none): console keeps it where it keeps what is about that guest,
 * so that a guest cannot fill the log of the host by what others have to say about it. Honoured of static domains.
 */
void sys_log_about(uint32_t domid);
/* End this domain: tells the builder and never returns. */
void sys_exit(int code) __attribute__((noreturn));

#endif
