/* SPDX-License-Identifier: BSD-2-Clause */
/* host_log.c - lines for the log of the host */
#include "host_log.h"

#include <stdio.h>

static void log_write(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)fwrite(text, 1, len, stdout);
	(void)fflush(stdout);
}

const struct out log_out = { .write = log_write };
