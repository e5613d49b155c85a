/*
 * load.h - from a kernel file of the guest's owner to segments in guest RAM: bzimage.c, unpack.c, elf.c, load.c
 *
 * Everything in the file is hostile. The unpacker's working memory is the top of the guest's own low RAM, which
 * nobody uses yet, so that a kernel of any form costs the VMM nothing; it is zeroed again afterwards.
 */
#ifndef VMM_LOAD_H
#define VMM_LOAD_H

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

/* A file. read() fills exactly len bytes of [pos, pos + len), which is inside [0, size): 0 or -SK_E_*. */
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
};
void load_space_init(struct load_space *sp, uint8_t *ram, uint64_t size);
/* 64-byte aligned, not zeroed; NULL = none left. Released by load_space_clear() alone. */
void *load_scratch(struct load_space *sp, uint64_t size);
/* Zero all working memory and give it back. */
void load_space_clear(struct load_space *sp);

/* ---- unpack.c ------------------------------------------------------------------------------ */

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

/* [pos, end) of the source is packed; the plain bytes go to the sink in order. sink: 0 or -SK_E_*. */
struct unpack {
	struct load_source *src;
	uint64_t pos, end;
	struct load_space *space;
	int (*sink)(void *ctx, const uint8_t *buf, size_t len);
	void *ctx;
	uint64_t total; /* bytes given to the sink */
	struct load_error *error;
};
int unpack_run(enum unpack_form form, struct unpack *u) must_check;

/* ---- bzimage.c ----------------------------------------------------------------------------- */

struct bzimage {
	uint64_t payload, payload_size; /* in the file */
};
/* head: the first `len` bytes (at least BZIMAGE_HEAD, else it is none) of a file of `size` bytes. */
#define BZIMAGE_HEAD 0x260u
bool bzimage_probe(const uint8_t *head, size_t len);
int bzimage_decode(const uint8_t *head, size_t len, uint64_t size, struct bzimage *out,
	struct load_error *e) must_check;

/* ---- elf.c --------------------------------------------------------------------------------- */

#define ELF_HEAD_MAX 8192u /* header and program headers must lie in the first bytes */
#define ELF_SEGS_MAX 32u
#define ELF_NOTES_MAX 16384u
#define ELF_SECTIONS_MAX 65536u /* bytes of section headers; more of them are not looked at */

struct elf_range {
	uint64_t offset, file_size, paddr, mem_size;
};
/*
 * Fed with the file in order; once more when elf_finish() says ELF_AGAIN: Xen's notes are in sections alone, whose headers
 * come behind them.
 */
struct elf_load {
	struct load_space *space;
	struct load_error *error;
	uint64_t pos; /* bytes fed so far */
	bool parsed;
	uint32_t n_head;
	uint32_t n_segs, n_notes;
	struct elf_range seg[ELF_SEGS_MAX];
	struct elf_range note[ELF_SEGS_MAX]; /* paddr: offset in notes[] */
	struct elf_range section_headers;    /* paddr: 0; file_size 0: none, or too many */
	bool wide;                           /* 64-bit headers */
	bool again;     /* it is fed the second time, for note[] of sections */
	uint64_t entry; /* after elf_finish() */
	uint8_t head[ELF_HEAD_MAX];
	uint8_t notes[ELF_NOTES_MAX];
	uint8_t sections[ELF_SECTIONS_MAX];
};
#define ELF_AGAIN 1
void elf_init(struct elf_load *l, struct load_space *space, struct load_error *error);
int elf_feed(void *elf_load, const uint8_t *buf, size_t len) must_check;
/* 0, ELF_AGAIN, or -SK_E_INVAL with the error's text. */
int elf_finish(struct elf_load *l) must_check;
bool elf_probe(const uint8_t *head, size_t len);

/* ---- load.c -------------------------------------------------------------------------------- */

/* Kernel into low RAM. *entry: 32-bit start; sp->floor: the end of its memory. */
int load_kernel(struct load_source *src, struct load_space *sp, uint64_t *entry,
	struct load_error *e) must_check;
/* A whole file to `gpa` of low RAM. */
int load_file(struct load_source *src, struct load_space *sp, uint64_t gpa,
	struct load_error *e) must_check;

#endif
