/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * unpack.h - recognise the form of a packed kernel, and unpack it
 */
#ifndef VMM_UNPACK_H
#define VMM_UNPACK_H

#include "load/load_space.h"

#define UNPACK_FORMS(X) \
	X(NONE, "not packed") \
	X(GZIP, "gzip") \
	X(XZ, "xz") \
	X(LZMA, "lzma") \
	X(BZIP2, "bzip2") \
	X(LZ4, "lz4") \
	X(ZSTD, "zstd") \
	X(LZO, "lzo")
#define X(name, text) UNPACK_##name,
enum unpack_form { UNPACK_FORMS(X) UNPACK_FORM_END };
#undef X
const char *unpack_name(enum unpack_form form);
enum unpack_form unpack_detect(const uint8_t *head, size_t len);

/*
 * [pos, end) of the source is packed; the plain bytes go to the sink in order. sink() returns 0
 * or -SK_E_*.
 */
struct unpack {
	struct load_source *src;
	uint64_t pos, end;
	struct load_space *space;
	int (*sink)(void *ctx, const uint8_t *buf, size_t len);
	void *ctx;
	/* In place of the sink: memory for more bytes than there are. NULL: there is a sink. */
	uint8_t *whole;
	uint64_t whole_size;
	uint64_t total; /* plain bytes so far */
	struct load_error *error;
};
/* What is not packed needs no unpacking: it is an error here. */
int unpack_run(enum unpack_form form, struct unpack *u) must_check;

#endif
