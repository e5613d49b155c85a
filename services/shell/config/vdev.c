/* SPDX-License-Identifier: BSD-2-Clause */
/* vdev.c - names of virtual disks, and the numbers that xen-vbd-interface(7) gives them */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/disk_spec.h"

enum {
	XVD_DISKS = 1 << 20,
	XVD_PARTITIONS = 256,
	SD_DISKS = 16,
	SD_PARTITIONS = 16,
	HD_DISKS = 4,
	HD_PARTITIONS = 64,
};

/* Decimal digits below `limit`; moves *p. -1: none, too large, or a needless leading zero. */
static long decimal_number(const char **p, long limit)
{
	long n = 0;

	if (**p < '0' || **p > '9' || (**p == '0' && (*p)[1] >= '0' && (*p)[1] <= '9'))
		return -1;
	for (; **p >= '0' && **p <= '9'; ++*p) {
		n = n * 10 + (**p - '0');
		if (n >= limit)
			return -1;
	}
	return n;
}

/* a, b, ..., z, aa, ab, ...: the disk number, followed by the partition in decimal. */
static int letters_number(
	const char *p, long disks, long partitions, long *disk, long *partition)
{
	long n = 0;

	if (*p < 'a' || *p > 'z')
		return -1;
	for (; *p >= 'a' && *p <= 'z'; p++) {
		n = n * 26 + (*p - 'a' + 1);
		if (n > disks)
			return -1;
	}
	*disk = n - 1;
	*partition = 0;
	if (*p) {
		*partition = decimal_number(&p, partitions);
		if (*partition <= 0 || *p)
			return -1;
	}
	return 0;
}

static int disk_partition(const char *p, long *disk, long *partition)
{
	*disk = decimal_number(&p, XVD_DISKS);
	*partition = 0;
	if (*disk >= 0 && *p == 'p') {
		p++;
		*partition = decimal_number(&p, XVD_PARTITIONS);
	}
	return *disk < 0 || *partition < 0 || *p ? -1 : 0;
}

static uint32_t xvd_number(long disk, long partition)
{
	if (disk < 16 && partition < 16)
		return (uint32_t)(202 << 8 | disk << 4 | partition);
	return (uint32_t)(1 << 28 | disk << 8 | partition);
}

static int plain_number(const char *p, uint32_t *number)
{
	unsigned long n;
	char *end;

	errno = 0;
	n = strtoul(p, &end, 0);
	if (errno || *end || n >= 1ul << 29)
		return -1;
	*number = (uint32_t)n;
	return 0;
}

int vdev_number(const char *vdev, uint32_t *number)
{
	long disk, partition;

	if (vdev[0] >= '0' && vdev[0] <= '9')
		return plain_number(vdev, number);
	if (strncmp(vdev, "xvd", 3) == 0) {
		if (letters_number(vdev + 3, XVD_DISKS, XVD_PARTITIONS, &disk, &partition))
			return -1;
		*number = xvd_number(disk, partition);
	} else if (strncmp(vdev, "sd", 2) == 0) {
		if (letters_number(vdev + 2, SD_DISKS, SD_PARTITIONS, &disk, &partition))
			return -1;
		*number = (uint32_t)(8 << 8 | disk << 4 | partition);
	} else if (strncmp(vdev, "hd", 2) == 0) {
		if (letters_number(vdev + 2, HD_DISKS, HD_PARTITIONS, &disk, &partition))
			return -1;
		*number = (uint32_t)((disk < 2 ? 3 : 22) << 8 | (disk & 1) << 6 | partition);
	} else if (vdev[0] == 'd') {
		if (disk_partition(vdev + 1, &disk, &partition))
			return -1;
		*number = xvd_number(disk, partition);
	} else {
		return -1;
	}
	return 0;
}
