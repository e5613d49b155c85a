/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_files.c - the files service: a few texts */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_parts.h"
#include "proto/files.h"

static struct {
	char path[256];
	char *text;
} file[64];
static size_t n_files;

void file_add(const char *path, const char *text)
{
	snprintf(file[n_files].path, sizeof(file[n_files].path), "%s", path);
	file[n_files++].text = strdup(text);
}

static int file_read_data(const char *path, const struct files_req *q, struct files_rsp *r)
{
	size_t len;

	for (size_t i = 0; i < n_files; i++) {
		if (strcmp(file[i].path, path) != 0)
			continue;
		len = strlen(file[i].text);
		if (q->position < len) {
			r->result = len - q->position < q->length ? len - q->position
								  : q->length;
			memcpy(files_chan.data, file[i].text + q->position, r->result);
		}
		return 0;
	}
	return -SK_E_NOT_FOUND;
}

/* Names below a directory, two in each answer. */
static int file_list_data(const char *path, const struct files_req *q, struct files_rsp *r)
{
	size_t i, len = strlen(path), at = 0, seen = 0;
	const char *name;

	for (i = n_files; i-- > 0;) {
		name = file[i].path + len + 1;
		if (strncmp(file[i].path, path, len) != 0 || file[i].path[len] != '/' ||
			strchr(name, '/'))
			continue;
		if (seen++ < q->position || r->result == 2)
			continue;
		struct files_dirent e = { .size = strlen(file[i].text),
			.type = FILES_REGULAR,
			.name_len = (uint16_t)strlen(name),
			.record_len = 64 };
		memcpy(files_chan.data + at, &e, sizeof(e));
		memcpy(files_chan.data + at + sizeof(e), name, strlen(name));
		at += e.record_len;
		r->result++;
	}
	return seen ? 0 : -SK_E_NOT_FOUND;
}

bool files_serve(void)
{
	struct {
		struct files_req q;
		char path[FILES_PATH_MAX + 1];
	} rec;
	bool any = false;
	int n;

	while ((n = ring_get(&files_chan.req, &rec, sizeof(rec) - 1)) >= 0) {
		struct files_rsp r = { .id = rec.q.id };

		if (world.files_ends && --world.files_ends == 0) {
			chan_restart(&files_chan);
			return true;
		}
		if (world.files_gone) {
			chan_end(&files_chan);
			return true;
		}
		rec.path[rec.q.path_len] = '\0';
		if (rec.q.op == FILES_READ)
			r.status = file_read_data(rec.path, &rec.q, &r);
		else
			r.status = file_list_data(rec.path, &rec.q, &r);
		assert_int_equal(ring_put(&files_chan.rsp, &r, sizeof(r)), 0);
		(void)ring_put_flush(&files_chan.rsp);
		any = true;
	}
	(void)ring_get_flush(&files_chan.req);
	return any;
}
