/* SPDX-License-Identifier: BSD-2-Clause */
/* host_log.h - lines for the log of the host, which `dmesg` shows */
#ifndef SHELL_HOST_LOG_H
#define SHELL_HOST_LOG_H

#include "out.h"

extern const struct out log_out;

#endif
