/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_script_test.c - the control domain: several commands in a line, filters, scripts, and
 * commands that wait or are run again
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "domain_cases.h"
#include "cli/typed.h"
#include "fake_parts.h"

void states_are_waited_for(void **state)
{
	uint32_t domid;

	(void)state;
	type("wait a gone\r");
	assert_true(screen_has("skerry# "));
	type("wait a\r");
	assert_true(screen_has("skerry# "));
	waits("wait a running\r");
	type("\x03");
	assert_true(screen_has("^C\r\nskerry# "));
	domid = guest_created("create -p /guests/a.cfg\r", "a");
	assert_true(screen_has("skerry# "));
	type("wait a paused\r");
	assert_true(screen_has("skerry# "));
	waits("wait a running\r");
	type("\x03");
	type("unpause a; wait a running\r");
	assert_true(screen_has("skerry# "));
	waits("wait a paused\r");
	type("\x03");
	waits("wait a shutdown; wait a gone; echo both\r");
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	guest_ends(domid);
	assert_true(screen_has("both\r\nskerry# "));
	type("wait a asleep\r");
	assert_true(screen_has("wait: 'asleep' is no state; running, paused"));
	type("wait a2345678901234567890123456789012345678901234567890123456789012345 gone\r");
	assert_true(screen_has("is too long"));
	world_at_rest();
}

void sleeping(void **state)
{
	(void)state;
	waits("sleep 20; echo rested\r");
	timers_expire();
	assert_true(screen_has("rested\r\nskerry# "));
	waits("sleep 20; echo rested\r");
	type("\x03");
	assert_true(screen_has("^C\r\nskerry# "));
	assert_false(screen_has("rested\r\n"));
	assert_false(timers_set());
	type("sleep 1x\r");
	assert_true(screen_has("sleep: '1x' is not a number of seconds"));
	type("sleep 1000001\r");
	assert_true(screen_has("sleep: '1000001' is not a number"));
	world_at_rest();
}

void several_commands_in_a_line(void **state)
{
	uint32_t domid;

	(void)state;
	type("domid 0;domname 0; xenstore-write /t/a 1 ; xenstore-read /t/a;; ls /guests | grep ^te ; xenstore-rm /t; domid 0\r");
	assert_true(screen_has("\r\n0\r\nDomain-0\r\n1\r\ntext\r\n0\r\nskerry# "));
	type("list; list\r");
	assert_non_null(strstr(strstr(world.screen, "Name ") + 1, "Name "));
	assert_true(screen_has("skerry# "));
	type("domid nobody; domname 0\r"); /* goes on after a failure, as a Unix shell does */
	assert_true(screen_has("does not exist.\r\nDomain-0\r\n"));
	type("domid 0; domname 'x\r"); /* a line with a mistake runs nothing */
	assert_true(screen_has("not closed") && !screen_has("\r\n0\r\n"));
	type("domid 0 && domname 0\r");
	assert_true(screen_has("no &&") && !screen_has("\r\n0\r\n"));
	type("xenstore-write /t/a b > /t/c; domid 0\r");
	assert_true(screen_has("no redirection") && !screen_has("\r\n0\r\n"));
	assert_int_equal(node_count(), HOST_NODES);
	type("create a.cfg; domid a; shutdown -w a; domname 0\r");
	domid = domid_of("a");
	assert_false(screen_has("skerry# "));
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	assert_true(screen_has("Shutting down domain") && !screen_has("Domain-0"));
	type("\x03"); /* ends the command and the rest of the line */
	assert_true(screen_has("^C\r\nskerry# ") && !screen_has("Domain-0"));
	type("destroy a; domname 0\r");
	assert_false(screen_has("Domain-0"));
	guest_ends(domid);
	assert_true(screen_has("Domain-0\r\nskerry# "));
	type("create -c a.cfg; domname 0\r");
	domid = domid_of("a");
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	assert_int_equal(world.attached, domid);
	console_detaches();
	world_run();
	assert_true(screen_has("Domain-0\r\nskerry# "));
	guest_destroyed("a");
	world_at_rest();
}

void pipes(void **state)
{
	(void)state;
	type("xenstore-ls -f /local | grep -v domid | grep Domain\r");
	assert_true(
		screen_has("| grep Domain\r\n/local/domain/0/name = \"Domain-0\"\r\nskerry# "));
	type("help | grep -c xenstore-r\r");
	assert_true(screen_has("\r\n2\r\n"));
	type("dmesg | grep fine\r");
	assert_true(screen_has("grep fine\r\nfine\r\nskerry# "));
	type("list | grep nobody; list | grep Domain-0\r");
	assert_false(screen_has("Name "));
	assert_true(screen_has("\r\nDomain-0 "));
	type("domid nobody | grep x\r"); /* error messages do not go into the pipe */
	assert_true(screen_has("does not exist."));
	type("create none.cfg | grep x\r");
	assert_true(screen_has("no such file"));
	type("create -n a.cfg serial=x | grep memkb\r");
	assert_true(screen_has("key 'serial': only hvm") && screen_has("\"max_memkb\": 65536"));
	assert_false(screen_has("vdev"));
	type("list | less\r");
	assert_true(screen_has("less: only grep and match") && !screen_has("Name "));
	type("list | match nobody; xenstore-ls -f /local | match 0/name\r");
	assert_true(
		screen_has("match 0/name\r\n/local/domain/0/name = \"Domain-0\"\r\nskerry# "));
	type("list |\r");
	assert_true(screen_has("there is no command on one side of |"));
	type("| grep x\r");
	assert_true(screen_has("there is no command on one side of |"));
	type("list | | grep x\r");
	assert_true(screen_has("there is no command on one side of |"));
	type("list | grep a | grep a | grep a | grep a | grep a\r");
	assert_true(screen_has("at most 4 filters"));
	type("domname 0\r");
	assert_true(screen_has("Domain-0\r\nskerry# "));
	type("create a.cfg | grep x\r");
	vmm_says(domid_of("a"), VMCTL_READY, 0, NULL, 0);
	type("console a | grep x\r");
	assert_int_equal(world.attached, domid_of("a"));
	console_detaches();
	world_run();
	type("domid a\r");
	assert_true(screen_has("skerry# "));
	guest_destroyed("a");
	world_at_rest();
}

static size_t times_on_screen(const char *text)
{
	size_t n = 0;

	for (const char *p = world.screen; (p = strstr(p, text)) != NULL; p++)
		n++;
	return n;
}

void commands_are_run_again(void **state)
{
	(void)state;
	waits("watch 5 domname 0 | grep -c Domain; echo after\r");
	assert_true(screen_has("\x1b[H\x1b[2JEvery 5 s: domname\r\n\r\n1\r\n"));
	timers_expire();
	timers_expire();
	assert_int_equal(times_on_screen("Every 5 s"), 3);
	assert_int_equal(times_on_screen("\r\n1\r\n"), 3); /* each with filters of its own */
	assert_false(screen_has("after\r\n\r\n"));
	type("\x03");
	assert_true(screen_has("^C\r\nskerry# "));
	assert_false(screen_has("after\r\n"));
	assert_false(timers_set());
	waits("watch -b -i 2 5 list 0; echo after\r");
	assert_false(screen_has("Every"));
	timers_expire();
	assert_int_equal(times_on_screen("Domain-0 "), 2);
	assert_true(screen_has("after\r\nskerry# "));
	type("watch 5 list --what; echo $?\r"); /* it would never be right */
	assert_true(screen_has("unknown option") && screen_has("\r\n2\r\nskerry# "));
	type("watch 5 list nobody\r"); /* but this guest may come */
	assert_true(screen_has("invalid domain") && !screen_has("skerry# "));
	type("\x03");
	type("watch 5 destroy a; watch 5 console a; watch 5 watch 5 list; watch 5 what\r");
	assert_int_equal(times_on_screen("does not only look"), 3);
	assert_true(screen_has("'what' is no command"));
	type("watch list; watch 5; watch 0 list; watch -i 0 5 list; watch -x 5 list\r");
	assert_int_equal(times_on_screen("name the seconds"), 2);
	assert_int_equal(times_on_screen("is not a number"), 2);
	assert_int_equal(times_on_screen("unknown option"), 1);
	type("watch -h\r");
	assert_true(screen_has("Usage: watch"));
	world_at_rest();
}

void scripts_are_run(void **state)
{
	uint32_t domid;

	(void)state;
	file_add("/guests/xl/do.xl",
		"# what to do\r\n\r\ndomname 0; domid nobody\r\nxl domid 0\nxenstore-write /s/a 1\n"
		"xenstore-read /s/a; xenstore-rm /s");
	type("source xl/do.xl; echo after\r");
	assert_true(screen_has("Domain-0\r\nCan't get domid"));
	assert_true(screen_has("\r\n0\r\n1\r\nafter\r\nskerry# "));
	file_add("/guests/xl/e.xl", "domid 0\ndomid nobody\necho more\n");
	type("source -e /guests/xl/e.xl; echo $?\r");
	assert_true(screen_has("/guests/xl/e.xl:2: exit status 1; the rest is not run"));
	assert_true(!screen_has("more\r\n") && screen_has("\r\n1\r\nskerry# "));
	type("source /guests/xl/e.xl; echo $?\r");
	assert_true(screen_has("more\r\n0\r\nskerry# "));
	file_add("/guests/xl/m.xl", "echo one\necho 'two\necho three\n");
	type("source xl/m.xl; echo $?\r");
	assert_true(screen_has("one\r\n/guests/xl/m.xl:2: a quote ' is not closed"));
	assert_true(!screen_has("three") && screen_has("\r\n2\r\nskerry# "));
	file_add("/guests/xl/n.xl", "source xl/do.xl\necho last\n");
	type("source xl/n.xl\r");
	assert_true(screen_has("cannot run another one") && screen_has("last\r\nskerry# "));
	type("source xl/none.xl; echo $?\r");
	assert_true(screen_has("/guests/xl/none.xl: no such file") && screen_has("\r\n1\r\n"));
	/* it waits, shows a console, and goes on */
	file_add("/guests/xl/w.xl",
		"create a.cfg\nconsole a\nsleep 5\nwait a gone\necho so far\n");
	type("source xl/w.xl\r");
	domid = domid_of("a");
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	assert_int_equal(world.attached, domid);
	console_detaches();
	world_run();
	timers_expire();
	assert_false(screen_has("so far") || screen_has("skerry# "));
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	guest_ends(domid);
	assert_true(screen_has("so far\r\nskerry# "));
	waits("source xl/w.xl; echo behind\r");
	type("\x03"); /* ends all of it */
	assert_true(screen_has("^C\r\nskerry# "));
	vmm_says(domid_of("a"), VMCTL_READY, 0, NULL, 0);
	guest_destroyed("a");
	assert_false(screen_has("so far") || screen_has("behind\r\n"));
	world_at_rest();
}

/* `edit` takes its text from the script. */
void scripts_have_texts(void **state)
{
	static uint8_t mem[TYPED_SLOTS * TYPED_SLOT];

	(void)state;
	typed_init(mem, sizeof(mem));
	file_add("/guests/xl/t.xl", "edit web\nmemory = 64\n.\necho kept\n");
	type("source xl/t.xl; edit -s web\r");
	assert_true(screen_has("kept\r\nmemory = 64\r\nskerry# "));
	file_add("/guests/xl/u.xl", "edit web\nmemory = 96\n");
	type("source xl/u.xl; edit -s web; edit -r web\r");
	assert_true(screen_has("ends before the line with a dot") && screen_has("memory = 64"));
	typed_init(NULL, 0);
	world_at_rest();
}
