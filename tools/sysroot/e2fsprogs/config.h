/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * config.h - what libext2fs finds in a domain: newlib, no processes, no devices of a Unix kind
 */
#define HAVE_ERRNO_H 1
#define HAVE_INTTYPES_H 1
#define HAVE_STDINT_H 1
#define HAVE_STDLIB_H 1
#define HAVE_STRINGS_H 1
#define HAVE_STRING_H 1
#define HAVE_SYS_STAT_H 1
#define HAVE_SYS_TIME_H 1
#define HAVE_SYS_TYPES_H 1
#define HAVE_UNISTD_H 1
#define HAVE_STRNLEN 1
#define HAVE_STRCASECMP 1
#define HAVE_STRDUP 1
#define HAVE_INTPTR_T 1
#define HAVE_MEMALIGN 1
#define HAVE_MALLOC_H 1
#define HAVE_SNPRINTF 1
#define HAVE_TYPE_SSIZE_T 1
#define SIZEOF_INT 4
#define SIZEOF_LONG 8
#define SIZEOF_LONG_LONG 8
#define SIZEOF_OFF_T 8
#define SIZEOF_SHORT 2
#define SIZEOF_TIME_T 8
#define STDC_HEADERS 1
