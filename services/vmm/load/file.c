/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * file.c - kernel and modules, read piece by piece through connections to files
 *
 * Objects     struct file: one connection, at most one request outstanding.
 * Locks       none: main thread, before the event loop. Signals of other channels that arrive
 *             in the meantime are not lost, because svc_on_channel() checks the ring when a
 *             handler is set.
 * Invariants  READ1 the length that the service says it read is checked against the length that
 *                   was asked for
 *             READ2 a files service that has started again has the same file open, and is asked
 *                   again; a request names its position, so nothing else is lost
 */
#include "load/file.h"

#include <string.h>

#include "base/error.h"

#include "proto/files.h"
#include "svc/svc.h"

static int response_wait(struct file *f, struct files_rsp *rsp)
{
	int n = svc_wait_record(f->conn, rsp, sizeof(*rsp), SK_NO_DEADLINE);

	if (n < 0)
		return n;
	return n == sizeof(*rsp) && rsp->id == f->next_id ? rsp->status : -SK_E_PEER;
}

static int file_request(
	struct file *f, uint32_t op, uint64_t position, uint64_t length, struct files_rsp *rsp)
{
	struct files_req req = { .op = op, .position = position, .length = length };
	int rc;

	do { /* READ2 */
		req.id = ++f->next_id;
		rc = svc_request(f->conn, &req, sizeof(req));
		if (!rc)
			rc = response_wait(f, rsp);
	} while (rc == -SK_E_RESTARTED);
	return rc;
}

static int file_read(struct load_source *s, uint64_t pos, void *buf, uint32_t len)
{
	struct file *f = s->ctx;
	uint8_t *to = buf;
	struct files_rsp rsp;
	int rc;

	while (len) {
		uint32_t n = len < f->conn->data_size ? len : (uint32_t)f->conn->data_size;

		rc = file_request(f, FILES_READ, pos, n, &rsp);
		if (rc)
			return rc;
		if (!rsp.result || rsp.result > n) /* READ1 */
			return -SK_E_IO;
		memcpy(to, f->conn->data, rsp.result);
		to += rsp.result;
		pos += rsp.result;
		len -= (uint32_t)rsp.result;
	}
	return 0;
}

int file_open(struct file *f, const char *channel)
{
	struct files_rsp rsp;
	int rc;

	*f = (struct file){ .conn = svc_channel(channel) };
	if (!f->conn)
		return -SK_E_NOT_FOUND;
	rc = file_request(f, FILES_STAT, 0, 0, &rsp);
	if (rc)
		return rc;
	f->src = (struct load_source){ .size = rsp.result, .read = file_read, .ctx = f };
	return 0;
}
