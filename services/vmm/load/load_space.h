/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * load_space.h - where loading reads from and writes to: a file, low guest RAM, the text of an
 * error
 *
 * Everything in the file is hostile. The unpacker's working memory is the top of the guest's
 * own low RAM, which is still unused, so unpacking costs the VMM no memory. It is
 * zeroed again afterwards.
 */
#ifndef VMM_LOAD_SPACE_H
#define VMM_LOAD_SPACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sk/types.h>

#define LOAD_ERROR_MAX 200u
struct load_error {
	char text[LOAD_ERROR_MAX];
};
/* Writes the text, returns -SK_E_INVAL: `return load_fail(e, "...")`. */
int load_fail(struct load_error *e, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/*
 * A file. read() fills exactly len bytes of [pos, pos + len), which is inside [0, size): 0 or
 * -SK_E_*.
 */
struct load_source {
	uint64_t size;
	int (*read)(struct load_source *s, uint64_t pos, void *buf, uint32_t len);
	void *ctx;
};

/* Low guest RAM while it is being filled: segments from below, working memory from above. */
struct load_space {
	uint8_t *ram;
	uint64_t size;
	uint64_t floor; /* end of what was loaded: working memory stays above */
	uint64_t top;   /* working memory is [top, size) */
	/* Called before bytes [at, at + size) are used, if it is not NULL. */
	void *(*touch)(uint64_t at, uint64_t size);
};
void load_space_init(struct load_space *sp, uint8_t *ram, uint64_t size);
/* 64-byte aligned, not zeroed; NULL: none left. Only load_space_clear() releases it. */
void *load_scratch(struct load_space *sp, uint64_t size);
/* Where bytes [at, at + size) are. NULL: not all of them are low RAM. */
void *load_at(struct load_space *sp, uint64_t at, uint64_t size);
/* Zero all working memory and give it back. */
void load_space_clear(struct load_space *sp);

#endif
