/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * format.h - what a saved guest looks like on a volume: xl's header, libxl's stream (format 2)
 * and in it libxc's (format 3)
 *
 * Source      xl: tools/xl/xl.h of Xen 4.17; libxl and libxc: docs/specs/libxl-migration-stream
 *             and libxc-migration-stream. State of the processors is in the records of
 *             <xen/hvm/save.h>. Records are padded to 8 bytes with zeroes.
 * Layout      xl's header and its optional data (the configuration as text, then a struct
 *             save_tail, which Xen skips), libxl's header, the record LIBXL_LIBXC_CONTEXT,
 *             libxc's headers and records until LIBXC_END, then libxl's records until
 *             LIBXL_END.
 */
#ifndef VMM_FORMAT_H
#define VMM_FORMAT_H

#include <stdint.h>

#include "proto/vmctl.h"

/* ---- xl ---- */

#define XL_MAGIC "Xen saved domain, xl format\n \0 \r"
#define XL_BYTEORDER 0x01020304u
enum xl_flag { XL_CONFIG_IS_JSON = 1, XL_STREAM_V2 = 2 };
struct xl_header {
	char magic[32];
	uint32_t byteorder;
	uint32_t mandatory; /* enum xl_flag; others: do not restore */
	uint32_t optional;
	uint32_t optional_size; /* bytes that follow */
};
_Static_assert(sizeof(struct xl_header) == 48, "no padding");
_Static_assert(sizeof(XL_MAGIC) == 33, "with its terminator");

/*
 * The last bytes of the optional data of our own streams. A stream of Xen's has none. The sum
 * is a CRC-32 of all bytes from the first of the header to `length`, without this structure.
 */
#define SAVE_TAIL_MAGIC 0x4c4941545952454bull
struct save_tail {
	uint64_t magic;
	uint64_t length; /* of everything */
	uint32_t sum;
	uint32_t reserved;
};
_Static_assert(sizeof(struct save_tail) == 24, "no padding");

/* Bytes of everything before libxl's header. */
#define SAVE_HEAD_MAX (VMCTL_CONFIG_MAX + 4096u)

/* ---- libxl ---- */

/* Big-endian: the words of its header. */
#define LIBXL_IDENT 0x4c6962786c466d74ull /* "LibxlFmt" */
#define LIBXL_VERSION 2u
enum libxl_option { LIBXL_BIG_ENDIAN = 1, LIBXL_LEGACY = 2 };
struct libxl_header {
	uint64_t ident;
	uint32_t version, options;
};
_Static_assert(sizeof(struct libxl_header) == 16, "no padding");

enum libxl_record {
	LIBXL_END = 0,
	LIBXL_LIBXC_CONTEXT = 1,
	LIBXL_EMULATOR_XENSTORE = 2,
	LIBXL_EMULATOR_CONTEXT = 3,
};

/* ---- libxc ---- */

/* Big-endian: the words of its first header. */
#define LIBXC_MARKER UINT64_MAX
#define LIBXC_IDENT 0x58454e46u /* "XENF" */
#define LIBXC_VERSION 3u
struct libxc_header {
	uint64_t marker;
	uint32_t ident, version;
	uint16_t options; /* 1: big-endian */
	uint16_t reserved;
	uint32_t reserved2;
};
_Static_assert(sizeof(struct libxc_header) == 24, "no padding");

enum { LIBXC_GUEST_HVM = 2 };
struct libxc_guest {
	uint32_t type;
	uint16_t page_shift, reserved;
	uint32_t xen_major, xen_minor;
};
_Static_assert(sizeof(struct libxc_guest) == 16, "no padding");

/* Of both streams. */
struct save_record {
	uint32_t type;
	uint32_t length; /* without this structure and the padding */
};
_Static_assert(sizeof(struct save_record) == 8, "no padding");

enum libxc_record {
	LIBXC_END = 0,
	LIBXC_PAGE_DATA = 1,
	LIBXC_X86_TSC_INFO = 8,
	LIBXC_HVM_CONTEXT = 9,
	LIBXC_HVM_PARAMS = 10,
	LIBXC_VERIFY = 13,
	LIBXC_STATIC_DATA_END = 16,
	LIBXC_X86_CPUID_POLICY = 17,
	LIBXC_X86_MSR_POLICY = 18,
};
/* A record that a reader may skip if it does not know it. */
#define LIBXC_OPTIONAL 0x80000000u

/* PAGE_DATA: the count, the numbers of pages, then the contents of those that have any. */
struct libxc_pages {
	uint32_t count, reserved;
};
_Static_assert(sizeof(struct libxc_pages) == 8, "no padding");
#define LIBXC_PAGES_MAX 1024u
#define LIBXC_PFN_MASK ((1ull << 52) - 1)
#define LIBXC_TYPE_SHIFT 60
enum libxc_page_type {
	LIBXC_PAGE_RAM = 0x0,    /* its contents are in the record */
	LIBXC_PAGE_BROKEN = 0xd, /* no contents, from here on */
	LIBXC_PAGE_ZERO = 0xe,   /* XALLOC: to be allocated */
	LIBXC_PAGE_NONE = 0xf,   /* XTAB: there is no page */
};

/* Xen's tsc_mode="native". */
enum { TSC_MODE_NATIVE = 2 };
struct libxc_tsc {
	uint32_t mode, khz;
	uint64_t ns; /* since the guest was made */
	uint32_t incarnation, reserved;
};
_Static_assert(sizeof(struct libxc_tsc) == 24, "no padding");

struct libxc_params {
	uint32_t count, reserved;
};
_Static_assert(sizeof(struct libxc_params) == 8, "no padding");
struct libxc_param {
	uint64_t index, value;
};
_Static_assert(sizeof(struct libxc_param) == 16, "no padding");

static inline uint32_t save_pad(uint32_t length) { return (length + 7u) & ~7u; }

#endif
