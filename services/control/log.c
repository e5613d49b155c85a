/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - lines for the log of the host */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#include "rt/program.h"

static void log_write(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	(void)fwrite(text, 1, len, stdout);
	(void)fflush(stdout);
}

const struct out log_out = { .write = log_write };

void guest_log(uint32_t domid, const char *fmt, ...)
{
	va_list ap;

	rt_log_about(domid);
	va_start(ap, fmt);
	vprintf(fmt, ap);
	va_end(ap);
	(void)fflush(stdout);
	rt_log_about(0);
}
