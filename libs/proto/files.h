/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * files.h - read-only files: control and VMMs to the files service
 *
 * Transport   a connection is either a browser (control: any path of the volume, kind BROWSE)
 *             or a single file (a VMM: kind FILE; the connector fixes the path at SVC_OPEN).
 * Data        READ fills `length` bytes of the data region from `offset` on with the file's
 *             bytes; READDIR fills them with struct files_dirent records.
 * Paths       absolute, "/guests/...", at most FILES_PATH_MAX bytes, no "..".
 */
#ifndef PROTO_FILES_H
#define PROTO_FILES_H

#include <stdint.h>

#define FILES_PATH_MAX 256u
#define FILES_DEPTH 16u

enum files_kind { FILES_BROWSE = 1, FILES_FILE = 2 };
struct files_params {
	uint32_t kind;
	uint32_t reserved;
	/*
	 * FILE: zero-terminated. Reply of SVC_OPEN: mr2 = size in bytes, mr3 = a number that
	 * only this file has in this life of files; what is in it does not change either.
	 */
	char path[FILES_PATH_MAX];
};
_Static_assert(sizeof(struct files_params) == 264, "no padding");

#define FILES_OPS(X) \
	X(READ, 1, "path (BROWSE) or the connection's file; position, length <= data size") \
	X(STAT, 2, "response: size and type") \
	X(READDIR, 3, "position = entries to skip; response: result = number of entries")

#define X(op, num, note) FILES_##op = (num),
enum files_op { FILES_OPS(X) FILES_OP_END };
#undef X

enum files_type { FILES_REGULAR = 1, FILES_DIRECTORY = 2, FILES_OTHER = 3 };

struct files_req {
	uint32_t op;
	/* Bytes of the path that follows the struct in the record (BROWSE), else 0. */
	uint32_t path_len;
	uint64_t id;
	uint64_t position;
	/* In the data region. */
	uint64_t offset, length;
};
_Static_assert(sizeof(struct files_req) == 40, "no padding");
struct files_rsp {
	uint64_t id;
	int32_t status; /* 0 or -SK_E_* */
	/* STAT: enum files_type. */
	uint32_t type;
	/* Bytes read, entries, or size. */
	uint64_t result;
	/* STAT: seconds since 1970. */
	uint64_t mtime;
};
_Static_assert(sizeof(struct files_rsp) == 32, "no padding");
/* 8-byte aligned in the data region. */
struct files_dirent {
	uint64_t size;
	uint32_t type;
	uint16_t name_len;
	/* Bytes of the whole record, including padding. */
	uint16_t record_len;
	char name[];
};
_Static_assert(sizeof(struct files_dirent) == 16, "no padding");

#endif
