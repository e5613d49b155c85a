/* SPDX-License-Identifier: BSD-2-Clause */
/* guest_write.h - a guest's configuration as a file in the syntax of xl.cfg(5) */
#ifndef SHELL_GUEST_WRITE_H
#define SHELL_GUEST_WRITE_H

#include "config/guest_cfg.h"
#include "out.h"

/* A file that guest_config_make() reads as *g. */
void guest_config_write(const struct out *o, const struct guest_config *g);

#endif
