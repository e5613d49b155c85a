/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_test.c - the whole control domain among played services: what is typed, what happens,
 * and what is left over
 *
 * The domain's state is static: a case continues where the one before stopped, and each leaves
 * the host as it found it.
 *
 * Objects     the world of fakes.h.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "domain_cases.h"
#include "fakes.h"

#define GUEST(name, digit) \
	"name='" name \
	"'\ntype='pvh'\nmemory=64\nvcpus=2\nkernel='/guests/vmlinuz'\nramdisk='/guests/i'\n" \
	"cmdline='console=hvc0'\ndisk=['phy:/dev/disk/by-partlabel/root,xvda,w']\nvif=['mac=00:16:3e:00:00:0" digit \
	"']\n" \
	"uuid='01234567-89ab-cdef-0123-456789abcde" digit "'\n"

static bool ready;
uint64_t slots_at_rest;

static int setup(void **state)
{
	(void)state;
	if (ready)
		return 0;
	ready = true;
	file_add("/guests/a.cfg", GUEST("a", "a"));
	file_add("/guests/b.cfg", GUEST("b", "b"));
	file_add("/more/c.cfg", GUEST("c", "c"));
	file_add("/more/d.cfg", GUEST("d", "d"));
	file_add("/guests/empty.cfg", "# nothing\n");
	file_add("/guests/bad.cfg", "name='x'\ntype='pvh'\nmemory='lots'\n");
	file_add("/guests/huge.cfg", "name='h'\ntype='pvh'\nkernel='/k'\nmemory=4096\n");
	file_add("/guests/text", "line one\nline two\n");
	file_add("/guests/auto/2.cfg", GUEST("two", "2"));
	file_add("/guests/auto/1.cfg", GUEST("one", "1"));
	file_add("/guests/auto/readme", "no guest");
	file_add("/guests/auto/3.cfg", "rubbish");
	file_add("/guests/auto/start.xl", "echo the host\ndomid one; echo has started\n");
	world_init();
	return 0;
}

void world_at_rest(void)
{
	assert_null(domtab_next(&guests, 0));
	assert_int_equal(guest_pool.free, guest_pool.total);
	assert_int_equal(world.opened, world.closed);
	assert_int_equal(world.vmms, 0);
	assert_int_equal(world.regions, 0);
	assert_int_equal(node_count(), HOST_NODES);
	assert_int_equal(world.slots, slots_at_rest);
}

uint32_t domid_of(const char *name)
{
	struct dom *d = domtab_named(&guests, name);

	assert_non_null(d);
	return d->domid;
}

uint32_t guest_created(const char *command, const char *name)
{
	uint32_t domid;

	type(command);
	domid = domid_of(name);
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	return domid;
}

void guest_ends(uint32_t domid)
{
	assert_true(vmm_heard(domid, VMCTL_QUIESCE));
	vmm_says(domid, VMCTL_QUIESCED, 0, NULL, 0);
	assert_null(domtab_get(&guests, domid));
}

void guest_ends_resting(uint32_t domid)
{
	assert_true(vmm_heard(domid, VMCTL_QUIESCE));
	vmm_says(domid, VMCTL_QUIESCED, 0, NULL, 0);
	assert_int_equal(domtab_get(&guests, domid)->state, DOM_RESTING);
}

void guest_destroyed(const char *name)
{
	uint32_t domid = domid_of(name);
	char command[80];

	snprintf(command, sizeof(command), "destroy %s\r", name);
	type(command);
	guest_ends(domid);
	assert_true(screen_has("skerry# "));
}

void waits(const char *line)
{
	type(line);
	assert_false(screen_has("skerry# "));
}

#define X(name) cmocka_unit_test_setup(name, setup),
int main(void)
{
	const struct CMUnitTest tests[] = { DOMAIN_CASES(X) };

	return cmocka_run_group_tests_name("control domain", tests, NULL, NULL);
}
#undef X
