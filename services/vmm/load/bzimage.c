/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * bzimage.c - the header of a Linux bzImage, which says where the packed kernel lies
 *
 * Invariants  BZIMAGE1 a decoded payload lies within the file and is at least PAYLOAD_MIN bytes
 */
#include "load/bzimage.h"

#include <string.h>

#include "base/bytes.h"

/* Offsets of the boot protocol's header. */
enum {
	HDR_SETUP_SECTS = 0x1f1,
	HDR_BOOT_FLAG = 0x1fe,
	HDR_MAGIC = 0x202,
	HDR_VERSION = 0x206,
	HDR_PAYLOAD_OFFSET = 0x248,
	HDR_PAYLOAD_LENGTH = 0x24c,
	HDR_END = 0x250,
	PAYLOAD_MIN = 32,
	SECTOR = 512,
};

bool bzimage_probe(const uint8_t *head, size_t len)
{
	return len >= HDR_END && get_le16(head + HDR_BOOT_FLAG) == 0xaa55 &&
	       !memcmp(head + HDR_MAGIC, "HdrS", 4);
}

int bzimage_decode(const uint8_t *head, size_t len, uint64_t size, struct bzimage *out,
	struct load_error *e)
{
	uint32_t sects, version;
	uint64_t start, offset, length;

	if (!bzimage_probe(head, len))
		return load_fail(e, "kernel: no bzImage header");
	version = get_le16(head + HDR_VERSION);
	if (version < 0x208)
		return load_fail(e,
			"kernel: boot protocol %x.%02x does not say where its payload is (2.08 does)",
			version >> 8, version & 0xff);
	sects = head[HDR_SETUP_SECTS] ? head[HDR_SETUP_SECTS] : 4;
	start = (sects + 1ull) * SECTOR;
	offset = get_le32(head + HDR_PAYLOAD_OFFSET);
	length = get_le32(head + HDR_PAYLOAD_LENGTH);
	if (start + offset > size || length > size - start - offset)
		return load_fail(e,
			"kernel: bzImage payload at %llu + %llu, %llu bytes, is beyond the file's %llu",
			(unsigned long long)start, (unsigned long long)offset,
			(unsigned long long)length, (unsigned long long)size);
	if (length < PAYLOAD_MIN)
		return load_fail(e, "kernel: bzImage payload of only %llu bytes",
			(unsigned long long)length);
	*out = (struct bzimage){ .payload = start + offset, .payload_size = length };
	return 0;
}
