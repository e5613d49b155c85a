/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio.c - files of a newc archive in memory
 *
 * Pure; every length and offset is checked against the archive's end before use. Names are
 * compared within their field, which may be padded with zeros.
 */
#include <string.h>
#include "cpio.h"

enum {
	HEADER = 110,
	FIELD = 8,
	FILESIZE_AT = 54,
	NAMESIZE_AT = 94,
};

struct member {
	/* Offsets in the archive. */
	uint64_t name, name_size, data, size, next;
};

static int hex_field(const uint8_t *p, uint64_t *out)
{
	uint64_t v = 0;

	for (unsigned int i = 0; i < FIELD; i++) {
		unsigned int c = p[i], d;

		if (c >= '0' && c <= '9')
			d = c - '0';
		else if (c >= 'a' && c <= 'f')
			d = c - 'a' + 10;
		else if (c >= 'A' && c <= 'F')
			d = c - 'A' + 10;
		else
			return -SK_E_INVAL;
		v = v << 4 | d;
	}
	*out = v;
	return 0;
}

static uint64_t align4(uint64_t v) { return (v + 3) & ~3ull; }

/* Sizes are 32 bits wide and offsets 64, so sums cannot wrap. */
static int member_decode(const uint8_t *archive, uint64_t size, uint64_t at, struct member *m)
{
	if (at > size || size - at < HEADER || memcmp(archive + at, "070701", 6) != 0)
		return -SK_E_INVAL;
	if (hex_field(archive + at + FILESIZE_AT, &m->size) ||
		hex_field(archive + at + NAMESIZE_AT, &m->name_size))
		return -SK_E_INVAL;
	m->name = at + HEADER;
	m->data = align4(m->name + m->name_size);
	if (m->data > size || m->size > size - m->data)
		return -SK_E_INVAL;
	m->next = align4(m->data + m->size);
	return 0;
}

static int name_is(const uint8_t *archive, const struct member *m, const char *name)
{
	size_t len = strlen(name);

	return len < m->name_size && memcmp(archive + m->name, name, len) == 0 &&
	       archive[m->name + len] == 0;
}

int cpio_find(const uint8_t *archive, uint64_t size, const char *name, struct cpio_file *out)
{
	struct member m;
	uint64_t at = 0;
	int rc;

	for (;;) {
		rc = member_decode(archive, size, at, &m);
		if (rc)
			return rc;
		if (name_is(archive, &m, "TRAILER!!!"))
			return -SK_E_NOT_FOUND;
		if (name_is(archive, &m, name)) {
			*out = (struct cpio_file){ archive + m.data, m.size };
			return 0;
		}
		at = m.next;
	}
}
