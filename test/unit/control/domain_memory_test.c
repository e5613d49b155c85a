/* SPDX-License-Identifier: BSD-2-Clause */
/* domain_memory_test.c - the control domain: the memory of guests that run */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "domain_cases.h"
#include "fakes.h"

/* Returns how many pieces a VMM gets that asks for n; -1 without an answer. */
static int grow(uint32_t domid, uint32_t n)
{
	struct guest *g = guest_of(domtab_get(&guests, domid));
	uint32_t knows = g->n_ram + g->n_more;

	vmm_says(domid, VMCTL_GROW, n, &knows, sizeof(knows));
	return vmm_heard(domid, VMCTL_GROWN) ? (int)vmm_heard_arg(domid) : -1;
}

/* A guest grows up to maxmem= and what the pool has; all of it is returned at its end. */
void grows(void **state)
{
	uint32_t domid, knows;
	uint64_t free;
	pool_piece_t rest[POOL_ORDERS];

	(void)state;
	domid = guest_created("create /guests/a.cfg maxmem=256\r", "a");
	free = guest_pool.free;
	assert_int_equal(grow(domid, 3), 3);
	assert_int_equal(guest_pool.free, free - (6 << 20));
	assert_int_equal(world.made_in, VM_CAP_RAM + 32 + 2);
	assert_int_equal(grow(domid, 0), 0);
	knows = 32; /* it asks again, because control was restarted before it was answered */
	vmm_says(domid, VMCTL_GROW, 3, &knows, sizeof(knows));
	assert_true(vmm_heard(domid, VMCTL_GROWN));
	assert_int_equal(vmm_heard_arg(domid), 3);
	assert_int_equal(guest_pool.free, free - (6 << 20));
	world.slot_taken = true; /* a hostile VMM uses slots that are not its own */
	assert_int_equal(grow(domid, 3), 0);
	world.slot_taken = false;
	assert_int_equal(guest_pool.free, free - (6 << 20));
	/* take all but 8 MiB from the pool, and what is too small for RAM */
	for (size_t i = 0; i < POOL_ORDERS - POOL_ORDER_RAM; i++) {
		rest[i] = guest_pool.free - (1ull << (POOL_ORDERS - 1 - i)) >= 8 << 20 &&
					  guest_pool.free > 1ull << (POOL_ORDERS - 1 - i)
				  ? pool_take(&guest_pool, (uint32_t)(POOL_ORDERS - 1 - i))
				  : 0;
	}
	assert_int_equal(guest_pool.free >> POOL_ORDER_RAM, 4);
	assert_int_equal(grow(domid, 9), 4);
	assert_int_equal(grow(domid, 1), 0);
	for (size_t i = 0; i < POOL_ORDERS - POOL_ORDER_RAM; i++)
		pool_give(&guest_pool, rest[i]);
	assert_int_equal(grow(domid, UINT32_MAX), VMCTL_GROW_MAX);
	assert_int_equal(grow(domid, 1000), 96 - 3 - 4 - 64);
	assert_int_equal(grow(domid, 1), 0);
	assert_int_equal(guest_pool.free, free - (192ull << 20));
	guest_destroyed("a");
	world_at_rest();
	/* a guest that goes down gets no memory */
	domid = guest_created(
		"create /guests/a.cfg maxmem=128 'on_poweroff=\"preserve\"'\r", "a");
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	assert_int_equal(grow(domid, 1), -1);
	type("destroy a\r");
	assert_int_equal(grow(domid, 1), -1);
	guest_ends(domid);
	world_at_rest();
}

/*
 * When little of its own memory is left, control takes a piece of the guests', and no more. A
 * guest for which there is none is refused.
 */
void control_takes_memory_for_itself(void **state)
{
	const uint64_t free = guest_pool.free;
	pool_piece_t own, rest[POOL_SET_MAX];
	uint32_t n = 0;

	(void)state;
	world.own_used = (1 << 20) - (100 << 10);
	(void)guest_created("create /guests/a.cfg\r", "a");
	own = pool_owned(&guest_pool, DOMID_RESERVED, 0);
	assert_true(own && pool_order(&guest_pool, own) == 18);
	(void)guest_created("create /guests/b.cfg\r", "b");
	assert_int_equal(pool_owned(&guest_pool, DOMID_RESERVED, own), 0);
	guest_destroyed("a");
	guest_destroyed("b");
	assert_int_equal(guest_pool.free, free - (256 << 10));
	world.own_used += 200 << 10;
	for (uint32_t k = POOL_ORDERS - 1; k >= POOL_ORDER_MIN; k--)
		while ((rest[n] = pool_take(&guest_pool, k)) != 0)
			assert_true(++n < POOL_SET_MAX);
	type("create /guests/a.cfg\r");
	assert_true(screen_has("control needs some to remember more than 0 guests"));
	while (n)
		pool_give(&guest_pool, rest[--n]);
	pool_give(&guest_pool, own);
	world.own_used = world.own_added = 0;
	world_at_rest();
}

/* In MiB; 0 if there is no such node. */
static unsigned target_of(uint32_t domid)
{
	char path[64];

	snprintf(path, sizeof(path), "/local/domain/%u/memory/target", domid);
	return node_value(path) ? (unsigned)(strtoul(node_value(path), NULL, 10) / 1024) : 0;
}

void sizes_are_set(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg memory=65 maxmem=301\r", "a");

	(void)state;
	assert_int_equal(vmm_config(domid)->memory, 66 << 20);
	assert_int_equal(vmm_config(domid)->n_ram, 33);
	assert_int_equal(vmm_config(domid)->maxmem, 302 << 20);
	assert_int_equal(target_of(domid), 66); /* the size in its memory map */
	type("mem-set a 128\r");
	assert_false(screen_has("mem-set:"));
	assert_int_equal(target_of(domid), 128);
	type("mem-set a 131072k\rmem-set a 302\r");
	assert_int_equal(target_of(domid), 302);
	type("mem-set a 303\r");
	assert_true(screen_has("mem-set: 303 MiB is more than the maxmem=302"));
	type("mem-set a 309249k\r"); /* 302 MiB + 1 KiB */
	assert_true(screen_has("is more than the maxmem=302"));
	type("mem-set a 3\r");
	assert_true(screen_has("at least 4 MiB"));
	type("mem-set a 0.2g\r");
	assert_true(screen_has("'0.2g' is not a valid memory size"));
	type("mem-set nobody 64\r");
	assert_true(screen_has("nobody"));
	type("mem-set a\r");
	assert_true(screen_has("an argument is missing"));
	assert_int_equal(target_of(domid), 302);
	type("create /guests/b.cfg memory=340\r"); /* of 512 MiB, so little is left */
	vmm_says(domid_of("b"), VMCTL_READY, 0, NULL, 0);
	type("mem-set a 200\r");
	assert_true(screen_has("mem-set: not enough free memory: domain"));
	assert_true(screen_has("has 66 MiB and needs 134 more, "));
	assert_int_equal(target_of(domid), 302);
	guest_destroyed("b");
	type("mem-set a 200\r");
	/* a reboot keeps the size */
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_REBOOT, NULL, 0);
	guest_ends(domid);
	domid = domid_of("a");
	assert_int_equal(vmm_config(domid)->memory, 200 << 20);
	assert_int_equal(vmm_config(domid)->maxmem, 302 << 20);
	assert_int_equal(target_of(domid), 200);
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	guest_destroyed("a");
	world_at_rest();
}

/* The VMM's own memory grows with maxmem=, up to what its largest CNode can hold. */
void large_ones(void **state)
{
	(void)state;
	(void)guest_created("create /guests/a.cfg maxmem=6000\r", "a");
	/*
	 * a base with room for a CNode of 2 MiB; the heap's 25.9 MiB in pieces of 128 KiB and
	 * more; a disk, a vif; two files
	 */
	assert_int_equal(guest_pool.free,
		guest_pool.total - ((64 + 4 + 26 + 2 + 2) << 20) - (512 << 10));
	guest_destroyed("a");
	type("create /guests/a.cfg maxmem=17000\r");
	assert_true(screen_has("create: maxmem=17000 is more than a guest can have"));
	world_at_rest();
}

void limits_are_set(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg memory=64 maxmem=256\r", "a");

	(void)state;
	assert_int_equal(vmm_config(domid)->maxmem, 256 << 20);
	type("mem-max a 257; echo $?\r");
	assert_true(screen_has("mem-max: 257 MiB is more than the maxmem=256") &&
		    screen_has("\r\n1\r\n"));
	type("mem-max a 63\r");
	assert_true(screen_has("63 MiB is less than the 64 MiB"));
	type("mem-max a x\r");
	assert_true(screen_has("mem-max: 'x' is not a valid memory size"));
	assert_false(vmm_heard(domid, VMCTL_MAXMEM));
	type("mem-max a 68; echo $?\r");
	assert_true(screen_has("\r\n0\r\n"));
	assert_true(vmm_heard(domid, VMCTL_MAXMEM));
	assert_int_equal(vmm_heard_arg(domid), 68);
	type("mem-set a 70\r");
	assert_true(screen_has("70 MiB is more than the 68 MiB that mem-max allows"));
	type("mem-set a 68\r");
	assert_int_equal(target_of(domid), 68);
	assert_int_equal(grow(domid, 3), 2); /* whatever the VMM says */
	assert_int_equal(grow(domid, 1), 0);
	/* a reboot keeps it, and up to maxmem it can be lifted again */
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_REBOOT, NULL, 0);
	guest_ends(domid);
	domid = domid_of("a");
	assert_int_equal(vmm_config(domid)->maxmem, 68 << 20);
	assert_int_equal(vmm_config(domid)->n_more, (256 - 68) / 2);
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	type("mem-max a 256m\r");
	assert_true(vmm_heard(domid, VMCTL_MAXMEM));
	assert_int_equal(vmm_heard_arg(domid), 256);
	assert_int_equal(grow(domid, 3), 3);
	guest_destroyed("a");
	world_at_rest();
}
