/* SPDX-License-Identifier: BSD-2-Clause */
/* random.h - random bytes for names, such as UUIDs and MAC addresses */
#ifndef SYS_RANDOM_H
#define SYS_RANDOM_H

#include <stddef.h>

/* They differ from boot to boot by the time stamp counter. They are no secrets. */
void random_bytes(void *buf, size_t size);

#endif
