/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.h - a file of the guest's configuration, through its connection to files
 */
#ifndef VMM_FILE_H
#define VMM_FILE_H

#include "load/load_space.h"

struct svc_conn;
struct file {
	struct load_source src; /* for load_kernel() and load_file() */
	struct svc_conn *conn;
	uint64_t next_id;
};
/* -SK_E_NOT_FOUND: no channel of that name. Blocks; only before svc_run(). */
int file_open(struct file *f, const char *channel) must_check;

#endif
