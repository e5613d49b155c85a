/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * layout_test.c - the nodes of a guest, as libxl makes them
 *
 * Objects     expected entries.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "layout.h"
#include "scribe_tests.h"
#include "text_sink.h"

#define UUID \
	{ \
		0x01, 0x23, 0x45, 0x67, 0x89, 0xab, 0xcd, 0xef, 0x01, 0x23, 0x45, 0x67, 0x89, \
			0xab, 0xcd, 0xef \
	}

enum { SET_MAX = 64 };

/* set: nodes whose permissions were set. */
struct dump {
	struct text_sink text;
	int left;
	unsigned int n_set;
	struct {
		char path[128], perms[32];
	} set[SET_MAX];
};

/* As xenstore does it: a new node of dom0 has the permissions of the one above. */
static const char *perms_at(const struct dump *d, const char *path)
{
	const char *perms = NULL;
	size_t best = 0;

	for (unsigned int i = 0; i < d->n_set; i++) {
		size_t len = strlen(d->set[i].path);

		if (strncmp(path, d->set[i].path, len) == 0 &&
			(path[len] == '/' || !path[len]) && len >= best) {
			best = len;
			perms = d->set[i].perms;
		}
	}
	return perms;
}

static int emit(void *ctx, const struct xs_entry *e)
{
	struct dump *d = ctx;
	struct out o = { .write = text_sink_write, .ctx = &d->text };

	if (d->left-- == 0)
		return -7;
	if (e->perms) {
		assert_true(d->n_set < SET_MAX);
		/* else it need not be said */
		assert_true(!perms_at(d, e->path) || strcmp(perms_at(d, e->path), e->perms));
		strcpy(d->set[d->n_set].path, e->path);
		strcpy(d->set[d->n_set++].perms, e->perms);
	}
	out_fmt(&o, "%s", e->path);
	if (e->value)
		out_fmt(&o, " = %s", e->value);
	if (perms_at(d, e->path))
		out_fmt(&o, " (%s)", perms_at(d, e->path));
	out_str(&o, "\n");
	return 0;
}

static struct dump d;

static void has(const char *entry)
{
	char text[512];

	snprintf(text, sizeof(text), "\n%s\n", entry);
	if (!strstr(d.text.text, text))
		fail_msg("missing: %s", entry);
}

static struct dump *fresh(int left)
{
	memset(&d, 0, sizeof(d));
	d.left = left;
	strcpy(d.text.text, "\n");
	d.text.len = 1;
	return &d;
}

static const struct scribe_guest guest = { .is = { "web", UUID, 1234 },
	.type = GUEST_PVH,
	.vcpus = 1,
	.maxvcpus = 2,
	.memory = 256,
	.boot_memory = 512 };
static const struct scribe_disk root = {
	.spec = { .target = "/dev/disk/by-partlabel/r", .vdev = "xvda", .number = 51712 }
};
static const struct vif_spec vif = { .mac = { 0, 0x16, 0x3e, 0, 0, 1 },
	.bridge = "xenbr0",
	.gatewaydev = "eth1",
	.ip = "192.0.2.7" };

static void layout(void **state)
{
	struct scribe_disk drive = {
		.spec = { .vdev = "hdc", .number = 5632, .cdrom = 1, .readonly = 1 }
	};

	(void)state;
	assert_int_equal(layout_guest(5, &guest, emit, fresh(1000)), 0);
	assert_int_equal(layout_disk(5, &root, emit, &d), 0);
	assert_int_equal(layout_disk(5, &drive, emit, &d), 0);
	assert_int_equal(layout_vif(5, &vif, emit, &d), 0);
	has("/local/domain/5 (n0,r5)");
	has("/local/domain/5/vm = /vm/01234567-89ab-cdef-0123-456789abcdef (n0,r5)");
	has("/local/domain/5/name = web (n0,r5)");
	has("/local/domain/5/domid = 5 (n0,r5)");
	has("/local/domain/5/control/shutdown =  (n5)");
	has("/local/domain/5/control/feature-poweroff =  (n5)");
	has("/local/domain/5/control/platform-feature-xs_reset_watches = 1 (n0,r5)");
	has("/local/domain/5/device/suspend/event-channel =  (n5)");
	has("/local/domain/5/data =  (n5)");
	has("/local/domain/5/memory/static-max = 524288 (n0,r5)");
	has("/local/domain/5/memory/target = 262144 (n0,r5)");
	has("/local/domain/5/cpu/0/availability = online (n0,r5)");
	has("/local/domain/5/cpu/1/availability = offline (n0,r5)");
	has("/local/domain/5/store/port = 1 (n0,r5)");
	has("/local/domain/5/store/ring-ref = 1044476 (n0,r5)");
	has("/local/domain/5/console/backend = /local/domain/0/backend/console/5/0 (n0,r5)");
	has("/local/domain/5/console/backend-id = 0 (n5,r0)");
	has("/local/domain/5/console/limit = 1048576 (n0,r5)");
	has("/local/domain/5/console/type = xenconsoled (n0,r5)");
	has("/local/domain/5/console/port = 2 (n0,r5)");
	has("/local/domain/5/console/ring-ref = 1044479 (n0,r5)");
	has("/local/domain/0/backend/console/5/0 (n0,r5)");
	has("/local/domain/0/backend/console/5/0/frontend = /local/domain/5/console (n0,r5)");
	has("/local/domain/5/device/vbd/51712 (n5,r0)");
	has("/local/domain/5/device/vbd/51712/backend = /local/domain/0/backend/vbd/5/51712 (n5,r0)");
	has("/local/domain/5/device/vbd/51712/virtual-device = 51712 (n5,r0)");
	has("/local/domain/5/device/vbd/51712/state = 1 (n5,r0)");
	has("/local/domain/0/backend/vbd/5/51712 (n0,r5)");
	has("/local/domain/0/backend/vbd/5/51712/frontend = /local/domain/5/device/vbd/51712 (n0,r5)");
	has("/local/domain/0/backend/vbd/5/51712/frontend-id = 5 (n0,r5)");
	has("/local/domain/0/backend/vbd/5/51712/params = /dev/disk/by-partlabel/r (n0,r5)");
	has("/local/domain/0/backend/vbd/5/51712/mode = w (n0,r5)");
	has("/local/domain/0/backend/vbd/5/5632/mode = r (n0,r5)");
	has("/local/domain/0/backend/vbd/5/5632/device-type = cdrom (n0,r5)");
	has("/local/domain/0/backend/vbd/5/5632/removable = 1 (n0,r5)");
	has("/local/domain/5/device/vbd/5632/device-type = disk (n5,r0)");
	has("/local/domain/5/device/vif/0/mac = 00:16:3e:00:00:01 (n5,r0)");
	has("/local/domain/5/device/vif/0/mtu = 1500 (n0,r5)");
	has("/local/domain/0/backend/vif/5/0/bridge = xenbr0 (n0,r5)");
	has("/local/domain/0/backend/vif/5/0/ip = 192.0.2.7 (n0,r5)");
	has("/local/domain/0/backend/vif/5/0/gatewaydev = eth1 (n0,r5)");
	has("/local/domain/0/backend/vif/5/0/handle = 0 (n0,r5)");
	has("/vm/01234567-89ab-cdef-0123-456789abcdef (n0,r5)");
	has("/vm/01234567-89ab-cdef-0123-456789abcdef/name = web (n0,r5)");
	has("/vm/01234567-89ab-cdef-0123-456789abcdef/start_time = 1234.00 (n0,r5)");
	has("/libxl/5 (n0)");
	has("/libxl/5/type = pvh (n0)");
	has("/libxl/5/device/vbd/51712/backend = /local/domain/0/backend/vbd/5/51712 (n0)");
	/* front ends of pv guests take cdrom drives for what they are */
	drive.in_shim = 1;
	assert_int_equal(layout_disk(5, &drive, emit, fresh(100)), 0);
	has("/local/domain/5/device/vbd/5632/device-type = cdrom (n5,r0)");
	assert_int_equal(layout_disk(5, &root, emit, fresh(100)), 0);
	has("/local/domain/5/device/vbd/51712/device-type = disk (n5,r0)");
}

static void layout_stops_at_an_error(void **state)
{
	(void)state;
	assert_int_equal(layout_guest(5, &guest, emit, fresh(3)), -7);
	assert_int_equal(d.left, -1);
}

static void layout_changes(void **state)
{
	const struct scribe_name name = { "n", UUID, 99 };
	const struct scribe_device disk = { 1, 51712 }, interface = { 0, 2 };
	const struct scribe_medium medium = { 5632, "/dev/disk/by-partlabel/cd" };
	const struct scribe_cpus cpus = { 1, 2 };

	(void)state;
	assert_int_equal(layout_remove(5, &name, emit, fresh(100)), 0);
	assert_string_equal(d.text.text,
		"\n/local/domain/0/backend/vbd/5\n/local/domain/0/backend/vif/5\n"
		"/local/domain/0/backend/console/5\n/local/domain/5\n/libxl/5\n"
		"/vm/01234567-89ab-cdef-0123-456789abcdef\n");
	assert_int_equal(layout_rename(5, &name, emit, fresh(100)), 0);
	assert_string_equal(d.text.text,
		"\n/local/domain/5/name = n\n/vm/01234567-89ab-cdef-0123-456789abcdef/name = n\n");
	assert_int_equal(layout_keep(5, &name, emit, fresh(100)), 0);
	has("/vm/01234567-89ab-cdef-0123-456789abcdef/start_time = 99.00 (n0,r5)");
	has("/local/domain/5/vm = /vm/01234567-89ab-cdef-0123-456789abcdef");
	has("/local/domain/5/name = n");
	assert_int_equal(layout_unplug(5, &disk, emit, fresh(100)), 0);
	assert_string_equal(d.text.text,
		"\n/local/domain/5/device/vbd/51712\n/local/domain/0/backend/vbd/5/51712\n"
		"/libxl/5/device/vbd/51712\n");
	assert_int_equal(layout_unplug(5, &interface, emit, fresh(100)), 0);
	has("/local/domain/5/device/vif/2");
	assert_int_equal(layout_medium(5, &medium, emit, fresh(100)), 0);
	assert_string_equal(d.text.text,
		"\n/local/domain/0/backend/vbd/5/5632/params = /dev/disk/by-partlabel/cd\n");
	assert_int_equal(layout_cpus(5, &cpus, emit, fresh(100)), 0);
	assert_string_equal(d.text.text, "\n/local/domain/5/cpu/0/availability = online\n"
					 "/local/domain/5/cpu/1/availability = offline\n");
}

int layout_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(layout),
		cmocka_unit_test(layout_stops_at_an_error),
		cmocka_unit_test(layout_changes),
	};

	return cmocka_run_group_tests_name("layout", tests, NULL, NULL);
}
