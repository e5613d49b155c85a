/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * device_fuzz.c - disk and network interface specifications, virtual device names
 *
 * Lifecycle   one call per input.
 */
#include <stdlib.h>
#include <string.h>

#include "config/disk_spec.h"
#include "config/vif_spec.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

static void disk(const char *text)
{
	char label[DISK_LABEL_SIZE];
	struct disk_spec d;
	struct msg m = { "" };
	uint32_t n;

	if (disk_spec_parse(&d, text, &m)) {
		must(m.text[0] != '\0');
		return;
	}
	must(vdev_number(d.vdev, &n) == 0 && n == d.number && n < 1u << 29);
	must(d.target[0] || d.cdrom);
	must(!d.cdrom || d.readonly);
	if (disk_spec_check(&d, NULL, label, &m) == 0)
		must(disk_spec_empty(&d)
				? !label[0]
				: label[0] && d.format == DISK_RAW && d.target[0] == '/');
}

static void vif(const char *text)
{
	struct vif_spec v;
	struct msg ignored, m = { "" };

	if (vif_spec_parse(&v, text, &ignored, &m))
		must(m.text[0] != '\0');
	else
		must(v.bridge[0] && (!v.mac_given || !(v.mac[0] & 1)) && v.devid < 10000);
	must(strlen(ignored.text) < sizeof(ignored.text));
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = strndup((const char *)data, size);
	uint32_t n;

	must(text != NULL);
	disk(text);
	vif(text);
	(void)vdev_number(text, &n);
	free(text);
	return 0;
}
