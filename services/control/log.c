/* SPDX-License-Identifier: BSD-2-Clause */
/* log.c - lines about guests */
#include "log.h"

#include <stdarg.h>
#include <stdio.h>

#include "rt/program.h"

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
