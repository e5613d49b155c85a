/* SPDX-License-Identifier: BSD-2-Clause */
/* files.h - reading files and directories */
#ifndef SHELL_FILES_H
#define SHELL_FILES_H

#include <sk/types.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
	FILES_TEXT_MAX = 64 * 1024, /* bytes of a file that is read whole */
	FILES_CANDIDATE = 256,      /* bytes of a path, with its terminator */
};

int files_client_init(void) must_check;

/*
 * status: 0 or -SK_E_* (SK_E_LIMIT: the file is too large). The text is valid during the call
 * only.
 */
typedef void (*file_done_fn)(void *ctx, int status, const char *text, size_t len);
/* A whole small file. */
int files_read(const char *path, file_done_fn fn, void *ctx) must_check;
/* A piece of a file at `position`; its length is 0 at the end of the file. */
int files_read_at(const char *path, uint64_t position, file_done_fn fn, void *ctx) must_check;

struct file_entry {
	char *name; /* owned by the list */
	uint64_t size;
	bool directory;
};
/* Entries in the order of their names, valid during the call only. */
typedef void (*dir_done_fn)(void *ctx, int status, const struct file_entry *list, size_t n);
int files_list(const char *path, dir_done_fn fn, void *ctx) must_check;

const char *files_error_text(int status);

#endif
