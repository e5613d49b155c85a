/* SPDX-License-Identifier: BSD-2-Clause */
/* domain_console_test.c - the control domain: consoles of guests, and their logs */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "domain_cases.h"
#include "fake_parts.h"

void consoles(void **state)
{
	uint32_t domid;

	(void)state;
	domid = guest_created("create -c /guests/a.cfg\r", "a");
	assert_int_equal(world.attached, domid);
	assert_false(screen_has("skerry# "));
	console_detaches();
	world_run();
	assert_true(screen_has("skerry# "));
	type("console nobody\r");
	assert_true(screen_has("invalid domain"));
	type("console 0\r");
	assert_true(screen_has("the host itself"));
	type("dmesg\r");
	assert_true(screen_has("booted\r\nfine\r\n") && screen_has("skerry# "));
	guest_destroyed("a");
	world_at_rest();
}

/* `console` waits if the console of a guest that is being made is not connected so far. */
void console_of_a_guest_in_the_making(void **state)
{
	uint32_t domid;

	(void)state;
	world.fail_service = SERVICE_CONSOLE;
	for (int i = 0; i < 3; i++) {
		world.hold = true;
		type("create /guests/a.cfg\r\x03");
		domid = domid_of("a");
		world.attached = 0;
		type("console a\r");
		assert_int_equal(world.attached, 0);
		assert_false(screen_has("skerry# "));
		if (i == 0) { /* the console is connected */
			world.hold = false;
			world_run();
			assert_int_equal(world.attached, domid);
			console_detaches();
			world_run();
		} else if (i == 1) { /* connecting it fails */
			world.fail_rc = -SK_E_NO_MEM;
			world.hold = false;
			world_run();
			world.fail_rc = 0;
			assert_true(screen_has("console: the guest has ended") &&
				    screen_has("skerry# "));
			assert_int_equal(world.attached, 0);
			continue;
		} else { /* the user interrupts */
			type("\x03");
			assert_true(screen_has("skerry# "));
			world.hold = false;
			world_run();
			assert_int_equal(world.attached, 0);
		}
		type("destroy a\r");
		vmm_says(domid, VMCTL_FAILED, 0, NULL, 0);
		assert_true(screen_has("skerry# "));
	}
	world_at_rest();
}

void logs_of_consoles(void **state)
{
	uint32_t domid = guest_created("create -c /guests/a.cfg\r", "a");

	(void)state;
	assert_true(world.attached_new);
	console_detaches();
	type("console a\r");
	assert_int_equal(world.attached, domid);
	assert_false(world.attached_new);
	console_detaches();
	type("console -l a\r");
	assert_true(screen_has("web said\r\nthis\r\nskerry# "));
	assert_int_equal(world.recalled, domid);
	type("console --show-log a | grep said\r"); /* a filter goes behind it */
	assert_false(screen_has("this\r\n"));
	guest_destroyed("a");
	type("console -l a\r"); /* as it was called */
	assert_int_equal(world.recalled, 0);
	assert_string_equal(world.recalled_name, "a");
	type("console -l 17\r");
	assert_int_equal(world.recalled, 17);
	type("console -l 99; echo $?\r");
	assert_true(screen_has("nothing is kept") && screen_has("\n1\r\n"));
	type("console -l Domain-0\r");
	assert_true(screen_has("`dmesg`"));
	world_at_rest();
}
