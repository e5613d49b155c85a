/*
 * ksyms.h - the kernel's own symbols, which the build adds in a second link
 */
#ifndef KSYMS_H
#define KSYMS_H

#include <stdint.h>

/* Sorted by address. Weak: the first link has none. */
struct ksym {
	uint64_t addr;
	uint32_t name_off; /* into ksyms_names */
};
extern const struct ksym ksyms[] __attribute__((weak));
extern const uint32_t ksyms_count __attribute__((weak));
extern const char ksyms_names[] __attribute__((weak));

#endif
