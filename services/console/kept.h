/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * kept.h - memory that outlives this domain: the logs, and how much of the shell's text was
 * passed on
 *
 * It is the manifest's kept memory `logs`. Only this domain writes it, but an earlier life may
 * have been stopped at any instruction, or have gone wild before it ended. So everything there
 * is checked before it is used. Without this memory, the logs begin again after a restart.
 */
#ifndef CONSOLE_KEPT_H
#define CONSOLE_KEPT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Find the memory, and empty it if nothing in it can be used. */
void kept_init(void);
/* An earlier life has left logs here. */
bool kept_resumed(void);
/* Memory for the host's log; NULL: there is none. */
void *kept_host_log(size_t *size);
/* Memory for the log of guest number i, of `size` bytes; NULL: there is none. */
void *kept_guest_log(uint32_t i, size_t size);

/* How far the kernel's log was read. */
uint64_t kept_kernel_pos(void);
void kept_kernel_note(uint64_t pos);

/*
 * How many bytes of the shell's text have been passed on, modulo 2^32, to be raised with each
 * piece; NULL: it is not kept. number: of its connection; resumed: it was open in an earlier
 * life, and the count goes on.
 */
uint32_t *kept_shell(uint32_t number, bool resumed);

#endif
