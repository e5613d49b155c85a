/* SPDX-License-Identifier: BSD-2-Clause */
/* domain_images_test.c - the control domain: kernels that one VMM unpacks for others */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "domain_cases.h"
#include "fakes.h"
#include "guest/build.h"
#include "guest/images.h"

enum { SIZE = (5 << 20) + 12345, MAPPED = 6 << 20 };

/* The VMM's question and control's answer. */
static uint32_t ask(uint32_t domid, uint16_t type_, uint32_t arg)
{
	vmm_says(domid, type_, arg, NULL, 0);
	assert_true(vmm_heard(domid, type_));
	return vmm_heard_arg(domid);
}

static void mapped(uint32_t domid, uint64_t bytes, uint32_t rights)
{
	uint32_t r;

	assert_int_equal(vmm_image(domid, &r), bytes);
	assert_int_equal(r, rights);
}

static uint32_t begun(const char *name)
{
	char command[80];

	snprintf(command, sizeof(command), "create /guests/%s.cfg\r", name);
	type(command);
	return domid_of(name);
}

static void ready(uint32_t domid)
{
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	mapped(domid, 0, 0);
}

/* Its VMM has unpacked the kernel, and it is ready. */
static uint32_t unpacked(const char *name)
{
	uint32_t domid = begun(name);

	assert_int_equal(vmm_config(domid)->image_size, 0);
	assert_int_equal(ask(domid, VMCTL_IMAGE, SIZE + 1), SIZE + 1);
	assert_int_equal(ask(domid, VMCTL_UNPACKED, SIZE), SIZE);
	ready(domid);
	return domid;
}

/* It starts again, as itself and not by a command; nobody waits for it. */
static uint32_t rebooted(const char *name)
{
	uint32_t domid = domid_of(name);

	world.later_ns += 61000000000; /* not a short life */
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_REBOOT, NULL, 0);
	guest_ends(domid);
	return domid_of(name);
}

static void no_images(void)
{
	assert_int_equal(images_busy(), 0);
	while (images_give_back())
		continue;
	assert_int_equal(images_idle(), 0);
	world.later_ns = 0;
	world_at_rest();
}

void a_kernel_is_unpacked_once(void **state)
{
	uint64_t free;
	uint32_t a, b;

	(void)state;
	b = guest_created("create /guests/b.cfg\r", "b");
	a = begun("a");
	free = guest_memory_free();
	assert_int_equal(vmm_config(a)->image_size, 0);
	mapped(a, 0, 0);
	assert_int_equal(ask(a, VMCTL_IMAGE, SIZE + 1), SIZE + 1);
	mapped(a, MAPPED, SK_R | SK_W);
	assert_int_equal(guest_memory_free(), free - MAPPED);
	b = rebooted("b"); /* nobody sees what is not complete */
	assert_int_equal(vmm_config(b)->image_size, 0);
	assert_int_equal(ask(b, VMCTL_IMAGE, SIZE + 1), 0);
	mapped(b, 0, 0);
	assert_int_equal(ask(a, VMCTL_UNPACKED, SIZE), SIZE);
	mapped(a, MAPPED, SK_R);
	ready(b);
	b = rebooted("b");
	assert_int_equal(vmm_config(b)->image_size, SIZE);
	mapped(b, MAPPED, SK_R);
	ready(a);
	mapped(b, MAPPED, SK_R);
	assert_int_equal(images_busy(), MAPPED);
	ready(b);
	assert_int_equal(images_busy(), 0);
	assert_int_equal(images_idle(), MAPPED);
	guest_destroyed("a");
	guest_destroyed("b");
	assert_int_equal(guest_memory_free(), guest_pool.total);
	/* another file is another kernel, and a guest that is restored has none */
	type("create /guests/a.cfg 'kernel=\"/guests/vmlinuz.old\"'\r");
	assert_int_equal(vmm_config(domid_of("a"))->image_size, 0);
	ready(domid_of("a"));
	guest_destroyed("a");
	no_images();
}

void images_that_are_refused(void **state)
{
	uint32_t a = begun("a");

	(void)state;
	assert_int_equal(ask(a, VMCTL_UNPACKED, 1), 0); /* it has no room */
	assert_int_equal(ask(a, VMCTL_IMAGE, 0), 0);
	assert_int_equal(ask(a, VMCTL_IMAGE, SIZE), 0); /* it has asked already */
	ready(a);
	assert_int_equal(ask(a, VMCTL_IMAGE, SIZE), 0);
	guest_destroyed("a");
	a = guest_created("create /guests/a.cfg\r", "a");
	assert_int_equal(ask(a, VMCTL_IMAGE, SIZE), 0); /* its guest runs */
	guest_destroyed("a");
	a = begun("a");
	assert_int_equal(ask(a, VMCTL_IMAGE, VM_IMAGE_MAX + 1), 0);
	ready(a);
	guest_destroyed("a");
	a = begun("a");
	assert_int_equal(ask(a, VMCTL_IMAGE, VM_IMAGE_MAX), VM_IMAGE_MAX);
	assert_int_equal(ask(a, VMCTL_UNPACKED, 0), 0); /* the kernel is damaged */
	mapped(a, 0, 0);
	assert_int_equal(images_idle(), 0);
	ready(a);
	guest_destroyed("a");
	a = begun("a");
	assert_int_equal(ask(a, VMCTL_IMAGE, SIZE), SIZE);
	assert_int_equal(ask(a, VMCTL_UNPACKED, SIZE + 1), 0);
	mapped(a, 0, 0);
	ready(a);
	guest_destroyed("a");
	a = unpacked("a");
	assert_int_equal(ask(a, VMCTL_UNPACKED, SIZE - 1), 0);
	guest_destroyed("a");
	a = begun("a");
	assert_int_equal(vmm_config(a)->image_size, SIZE);
	assert_int_equal(ask(a, VMCTL_UNPACKED, SIZE - 1), 0); /* it is not its own */
	ready(a);
	guest_destroyed("a");
	no_images();
	a = begun("a");
	assert_int_equal(ask(a, VMCTL_IMAGE, SIZE), SIZE);
	ready(a); /* although it has not said that it unpacked anything */
	assert_int_equal(images_idle(), 0);
	guest_destroyed("a");
	no_images();
}

/* The pool has 512 MiB. */
void images_make_room(void **state)
{
	uint32_t a, b;
	uint64_t free;

	(void)state;
	a = unpacked("a");
	type("create /guests/b.cfg 'kernel=\"/guests/another.one\"'\r");
	b = domid_of("b");
	assert_int_equal(ask(b, VMCTL_IMAGE, SIZE), SIZE);
	assert_int_equal(ask(b, VMCTL_UNPACKED, SIZE), SIZE);
	ready(b);
	assert_int_equal(images_idle(), 2 * MAPPED);
	guest_destroyed("a");
	guest_destroyed("b");
	a = begun("a"); /* it uses the older one */
	ready(a);
	guest_destroyed("a");
	free = guest_memory_free();
	assert_int_equal(free, guest_pool.total);
	type("create /guests/b.cfg memory=492\r"); /* and 10 for its VMM and devices */
	b = domid_of("b");
	assert_int_equal(images_idle(), 0); /* and it uses the newer one */
	assert_int_equal(images_busy(), MAPPED);
	ready(b);
	guest_destroyed("b");
	a = begun("a");
	ready(a);
	a = rebooted("a");
	assert_int_equal(vmm_config(a)->image_size, SIZE);
	/* it is being used, so this guest does not get its memory */
	type("create /guests/b.cfg memory=428\r");
	assert_true(screen_has("not enough free memory"));
	assert_int_equal(images_busy(), MAPPED);
	ready(a);
	type("create /guests/b.cfg memory=428\r");
	b = domid_of("b");
	assert_int_equal(images_idle() + images_busy(), 0);
	/* what is left is no room for an image: the VMM unpacks the kernel for itself */
	assert_int_equal(ask(b, VMCTL_IMAGE, 64 << 20), 0);
	ready(b);
	guest_destroyed("a");
	guest_destroyed("b");
	no_images();
}

/* In its next life, files may read another volume. */
void files_starts_again_with_images(void **state)
{
	uint32_t a;

	(void)state;
	a = unpacked("a");
	guest_destroyed("a");
	service_dies(SERVICE_FILES);
	world_run();
	a = begun("a");
	assert_int_equal(vmm_config(a)->image_size, 0);
	assert_int_equal(ask(a, VMCTL_IMAGE, SIZE), SIZE);
	service_dies(SERVICE_FILES);
	world_run();
	assert_int_equal(ask(a, VMCTL_UNPACKED, SIZE), 0);
	ready(a);
	guest_destroyed("a");
	a = unpacked("a");
	guest_destroyed("a");
	no_images();
}

void a_vmm_ends_while_it_unpacks(void **state)
{
	uint32_t a = begun("a");

	(void)state;
	assert_int_equal(ask(a, VMCTL_IMAGE, SIZE), SIZE);
	guest_vmm_died(a, "faulted at 0x1, address 0x2");
	guests_run();
	world_run();
	assert_null(domtab_get(&guests, a));
	no_images();
	a = begun("a");
	assert_int_equal(ask(a, VMCTL_IMAGE, SIZE), SIZE);
	vmm_says(a, VMCTL_FAILED, 0, "no kernel", 10);
	assert_null(domtab_get(&guests, a));
	no_images();
	a = unpacked("a");
	guest_destroyed("a");
	a = begun("a");
	guest_vmm_died(a, "faulted at 0x1, address 0x2");
	guests_run();
	world_run();
	assert_int_equal(images_idle(), MAPPED); /* it is as good as before */
	no_images();
}

/* A guest that is to start again is not lost because another one is being created. */
void a_restart_waits_for_an_image(void **state)
{
	uint32_t a = guest_created(
			 "create /guests/a.cfg memory=400 'on_crash=\"restart\"'\r", "a"),
		 b;

	(void)state;
	vmm_says(a, VMCTL_SHUTDOWN, REASON_CRASH, NULL, 0);
	guest_ends(a);
	a = domid_of("a");
	vmm_says(a, VMCTL_READY, 0, NULL, 0);
	vmm_says(a, VMCTL_SHUTDOWN, REASON_CRASH, NULL, 0);
	guest_ends_resting(a);
	b = begun("b");
	assert_int_equal(ask(b, VMCTL_IMAGE, 100 << 20), 100 << 20);
	world.later_ns += 1000000000;
	timers_expire();
	assert_true(domid_of("a") > a);
	assert_int_equal(domtab_named(&guests, "a")->state, DOM_RESTING);
	ready(b);
	world.later_ns += 2000000000;
	timers_expire();
	assert_int_equal(domtab_named(&guests, "a")->state, DOM_BUILDING);
	ready(domid_of("a"));
	guest_destroyed("a");
	guest_destroyed("b");
	no_images();
}
