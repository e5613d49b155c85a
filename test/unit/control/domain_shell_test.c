/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_shell_test.c - the control domain: lines, lists and files of the shell
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "domain_cases.h"
#include "fake_parts.h"
#include "base/array.h"
#include "cli/typed.h"
#include "cli/line.h"

void waiting_can_be_left(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	type("shutdown -w a\r");
	assert_false(screen_has("skerry# "));
	type("domid a\r");
	assert_false(screen_has("skerry# ")); /* kept for later */
	type("\x03");
	assert_true(screen_has("^C") && screen_has("skerry# "));
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	guest_ends(domid);
	type("create /guests/a.cfg\r");
	type("\x03");
	assert_true(screen_has("skerry# "));
	vmm_says(domid_of("a"), VMCTL_READY, 0, NULL, 0);
	guest_destroyed("a");
	world_at_rest();
}

static void logged(const char *command, const char *lines)
{
	memset(world.log, 0, sizeof(world.log));
	type(command);
	assert_string_equal(world.log, lines);
}

void what_was_done_is_logged(void **state)
{
	uint32_t domid;

	(void)state;
	logged("list; info; domid Domain-0 | grep 0; ls; what\r", "");
	logged("xl pause nobody\r", "shell: pause nobody: status 1\n");
	logged("pause\r", "shell: pause: status 2\n");
	logged("create -p \"/guests/a.cfg\"\r", "shell: create -p /guests/a.cfg: begins\n");
	memset(world.log, 0, sizeof(world.log));
	domid = domid_of("a");
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	assert_string_equal(world.log, "shell: create -p /guests/a.cfg: status 0\n");
	logged("unpause 'a'; xenstore-write /x a'\xff'b\r",
		"shell: unpause a: status 0\nshell: xenstore-write /x a?b: begins\n"
		"shell: xenstore-write /x a?b: status 0\n");
	logged("shutdown -w a\r", "shell: shutdown -w a: begins\n");
	logged("\x03", "shell: shutdown -w a: status 130\n");
	guest_destroyed("a");
	logged("create -c /guests/a.cfg\r", "shell: create -c /guests/a.cfg: begins\n");
	memset(world.log, 0, sizeof(world.log));
	vmm_says(domid_of("a"), VMCTL_READY, 0, NULL, 0);
	assert_string_equal(world.log, "shell: create -c /guests/a.cfg: status 0\n");
	console_detaches();
	guest_destroyed("a");
	type("xenstore-rm /x\r");
	world_at_rest();
}

void configurations_are_typed(void **state)
{
	static uint8_t mem[TYPED_SLOTS * TYPED_SLOT];
	char line[] = "memory = 64                             \r";

	(void)state;
	type("edit web\r.\r");
	assert_true(screen_has("edit: the manifest has no kept-memory"));
	typed_init(mem, sizeof(mem));
	waits("edit web\r");
	assert_true(screen_has("> "));
	waits("name = 'typed'\rtype = 'pvh'\r");
	type("kernel = '/guests/vmlinuz'\rmemory = 64\r.\r");
	assert_true(screen_has("web is kept; `create -n web` checks it"));
	assert_true(screen_has("skerry# "));
	type("edit -l; edit -s web\r");
	assert_true(screen_has("\r\nweb\r\nname = 'typed'\r\ntype = 'pvh'\r\n"));
	guest_created("create web\r", "typed");
	type("edit web\rmemory = 1\x03");
	assert_true(screen_has("skerry# "));
	guest_destroyed("typed");
	type("create web name=\r");
	assert_true(screen_has("web:"));
	assert_false(screen_has("/guests/web"));
	type("edit web\r\x04.\r");
	assert_true(screen_has("web is kept"));
	type("edit -s web; edit -r web; edit -r web; edit -s web; edit\r");
	assert_true(screen_has("there is no configuration 'web'; edit -l"));
	assert_true(screen_has("edit: a name is missing"));
	type("edit long\r");
	for (unsigned int i = 0; i < TYPED_TEXT_MAX / strlen(line) + 1; i++)
		type(line);
	type(".\r");
	assert_true(screen_has("edit: the text is longer than"));
	type("create web\r");
	assert_true(screen_has("create: /guests/web: "));
	typed_init(NULL, 0);
	world_at_rest();
}

/* The line that was being typed stays, and every byte of output appears once. */
void console_is_restarted_at_the_prompt(void **state)
{
	(void)state;
	for (uint32_t lost = 0; lost < 7; lost++) {
		type("do");
		assert_string_equal(world.screen, "do");
		type("mid Domain-0");
		assert_string_equal(world.screen, "mid Domain-0");
		console_restarts(lost);
		assert_string_equal(world.screen,
			"mid Domain-0\r\nconsole was restarted\r\nskerry# domid Domain-0");
		type("\r");
		assert_true(screen_has("\r\n0\r\nskerry# "));
		console_restarts(lost);
		console_restarts(1);
		assert_true(screen_has("\r\n0\r\nskerry# \r\nconsole was restarted\r\nskerry# "
				       "\r\nconsole was restarted\r\nskerry# "));
	}
	world_at_rest();
}

/* The shell does not ask for keys before its work is done. */
void console_is_restarted_while_busy(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	type("shutdown -w a\r");
	console_restarts(0);
	assert_true(screen_has("console was restarted\r\n"));
	type("domid a\r");
	assert_false(screen_has("skerry# "));
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	guest_ends(domid);
	assert_true(screen_has("skerry# domid a\r\n"));
	world_at_rest();
}

void console_is_restarted_with_a_guest(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	type("console a\r");
	assert_int_equal(world.attached, domid);
	console_restarts(0);
	assert_true(screen_has("console: it was restarted"));
	assert_true(screen_has("\r\nskerry# "));
	world.attached = 0;
	type("console a\r");
	assert_int_equal(world.attached, domid);
	console_detaches();
	guest_destroyed("a");
	world_at_rest();
}

void console_is_restarted_in_the_log(void **state)
{
	(void)state;
	console_dies_in_the_log();
	type("dmesg\r");
	assert_true(screen_has("fine\r\n"));
	assert_false(screen_has("skerry# "));
	console_restarts(0);
	assert_true(screen_has("console was restarted\r\nskerry# "));
	type("dmesg\r");
	assert_true(screen_has("fine\r\nskerry# "));
	world_at_rest();
}

/* Without a terminal, control goes on: text is dropped, and does not wait. */
void console_does_not_come_back(void **state)
{
	uint32_t domid;

	(void)state;
	type("create /guests/a.cfg\r");
	domid = domid_of("a");
	console_ends();
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	vmm_says(domid, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	guest_ends(domid);
	world_at_rest();
	console_returns();
	type("list\r");
	assert_true(screen_has("skerry# "));
	world_at_rest();
}

void keys_are_kept_while_busy(void **state)
{
	(void)state;
	type("create /guests/a.cfg\rdomid a\rdestroy a\r");
	vmm_says(domid_of("a"), VMCTL_READY, 0, NULL, 0);
	assert_true(screen_has("domid a\r\n"));
	guest_ends(domid_of("a"));
	assert_true(screen_has("skerry# "));
	world_at_rest();
}

/*
 * Input that follows a line in the same write stays with the console service until the shell or
 * a guest can take it.
 */
void typed_ahead(void **state)
{
	uint32_t domid;

	(void)state;
	type("create -c /guests/a.cfg\nfor the guest\n");
	domid = domid_of("a");
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	assert_int_equal(world.attached, domid);
	assert_false(screen_has("for the guest"));
	console_detaches(); /* had the guest not taken it, the shell would get it now */
	world_run();
	assert_true(screen_has("skerry# for the guest\r\n"));
	type("cat /guests/te\t\ndomid a\n");
	assert_true(screen_has("cat /guests/text \r\nline one\r\n"));
	assert_true(screen_has("skerry# domid a\r\n"));
	/* the shell asks for more also after an end of line inside an escape sequence */
	type("\033[\n\033\n");
	type("domname 0\n");
	assert_true(screen_has("Domain-0"));
	type("shutdown -w a\ndomid a\n");
	assert_false(screen_has("domid a"));
	type("\x03"
	     "domname 0\n");
	assert_true(screen_has("^C\r\nskerry# domname 0\r\nDomain-0\r\n"));
	assert_false(screen_has("domid a"));
	guest_destroyed("a");
	world_at_rest();
}

void lists(void **state)
{
	struct vmctl_stats s = {
		.memory = 60 << 20, .n_vcpus = 2, .vcpu = { { 0, 1, 1 }, { 0, 2, 0 } }
	};
	uint32_t domid = guest_created("create -p /guests/a.cfg\r", "a");
	char row[128];

	(void)state;
	assert_int_equal(vmm_config(domid)->start_paused, 1);
	type("list\r");
	assert_true(vmm_heard(domid, VMCTL_STATS));
	assert_false(screen_has("Name"));
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has(
		"Name                                        ID   Mem VCPUs\tState\tTime(s)\r\n"));
	assert_true(screen_has(
		"Domain-0                                     0    64     2     r-----       2.0\r\n"));
	snprintf(row, sizeof(row),
		"a                                        %5u    60     1     --p---       6.0\r\n",
		domid);
	assert_true(screen_has(row));
	type("unpause a\r");
	assert_true(vmm_heard(domid, VMCTL_UNPAUSE));
	type("vcpu-list a\r");
	timers_expire(); /* the VMM does not answer this time */
	assert_true(screen_has("  -b-       3.0  all / all\r\n") && screen_has("--p"));
	type("vcpu-list Domain-0\r");
	timers_expire(); /* times of the host's domains, on the CPUs that they ran on */
	assert_true(screen_has(
		"Domain-0                             0     0    0   r--       0.0"));
	assert_true(screen_has(
		"Domain-0                             0     1    1   -b-       2.0"));
	s.unknown[VMCTL_UNKNOWN_HYPERCALL] = 3;
	s.unknown[VMCTL_UNKNOWN_INSTRUCTION] = 5000000000;
	world.refused = 70000;
	type("list -l a\r");
	assert_false(screen_has("\"name\""));
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has("\"name\": \"a\","));
	assert_true(screen_has(
		"        \"unknown\": {\r\n            \"hypercalls\": 3,\r\n"
		"            \"msr_reads\": 0,\r\n"
		"            \"msr_writes\": 0,\r\n"
		"            \"ports\": 0,\r\n"
		"            \"instructions\": 5000000000\r\n        },\r\n"
		"        \"xenstore_refused\": 70000,\r\n        \"cpu_ms\": 6000,\r\n        \"served_ms\": 0\r\n    }\r\n]"));
	assert_true(screen_has("\"resources\": {\r\n            \"memkb\": 73600,\r\n"
			       "            \"connections\": 7,\r\n"
			       "            \"slots_used\": 100,\r\n"
			       "            \"slots_free\": 308,\r\n"
			       "            \"frames\": 40,\r\n"
			       "            \"objects\": 50\r\n        }"));
	assert_false(screen_has("Domain-0\""));
	world.no_quota = true;
	type("list -l a\r");
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has("\"xenstore_refused\": 0,\r\n"));
	/* after ^C the command prints nothing more */
	type("list -l a\r\x03");
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	timers_expire();
	assert_false(screen_has("\"name\""));
	assert_true(screen_has("^C\r\nskerry# "));
	type("list -l Domain-0\r");
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has("\"name\": \"Domain-0\""));
	assert_true(screen_has("\"state\": \"running\",") && screen_has("\"restarts\": 0,"));
	assert_true(screen_has("\"name\": \"console\",") && screen_has("\"memkb\": 32768,"));
	assert_true(screen_has("\"slots_used\": 300,") && screen_has("\"slots_free\": 108,"));
	assert_true(screen_has("\"frames\": 120,") && screen_has("\"objects\": 130\r\n"));
	type("list Domain-0 a\r");
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	assert_true(screen_has("Domain-0  ") && screen_has("\r\na    "));
	s = (struct vmctl_stats){ .memory = UINT64_MAX, .n_vcpus = VM_VCPUS_MAX };
	/* numbers that a VMM invents are shown only within the guest's limits */
	type("list a\r");
	vmm_says(domid, VMCTL_STATS, 0, &s, sizeof(s));
	snprintf(row, sizeof(row),
		"a                                        %5u    64     2     r-----       6.0\r\n",
		domid);
	assert_true(screen_has(row));
	type("xl\r");
	assert_true(screen_has(" create           create a guest"));
	type("list nobody\r");
	assert_true(screen_has("nobody is an invalid domain identifier"));
	type("info free_memory\r");
	snprintf(row, sizeof(row), "\r\n%llu\r\n", (unsigned long long)guest_pool.free >> 20);
	assert_true(screen_has(row));
	type("info cpu_idle\r");
	assert_true(screen_has("\r\n1.111111111 2.222222222\r\n"));
	type("uptime\r");
	assert_true(screen_has("Domain-0                             0  0:00:05\r\n"));
	guest_destroyed("a");
	world_at_rest();
}

/* Each command's exit status is the one that xl would have. */
void exit_statuses(void **state)
{
	static const struct {
		const char *typed;
		int status;
	} lines[] = {
		{ "domid Domain-0", 0 },
		{ "domid nobody", 1 },
		{ "list nobody", 1 },
		{ "no-such-verb", 1 },
		{ "rename a", 2 },
		{ "list -y", 2 },
		{ "list | less", 1 },
		{ "xl --help", 0 },
		{ "xl -vfT list -h", 0 },
		{ "xl -x list", 2 },
		{ "xl -N rename a b", 1 },
		{ "help vtpm-list", 0 },
		{ "vtpm-list a", 1 },
		{ "create -V /guests/a.cfg", 2 },
		{ "xl -N create /guests/a.cfg", 0 },
		{ "create /guests/none.cfg", 1 },
		{ "cat /guests/none", 1 },
		{ "xenstore-read /none", 1 },
		{ "kill blk0 how", 1 },
		{ "caps nobody", 1 },
		{ "mem-set nobody 5", 1 },
		{ "console -t serial nobody", 1 },
		{ "console -n 1 nobody", 1 },
	};
	char text[128];

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		snprintf(text, sizeof(text), "%s; echo 'it is' $? $?x\r", lines[i].typed);
		type(text);
		snprintf(text, sizeof(text), "\r\nit is %d $?x\r\n", lines[i].status);
		if (!screen_has(text))
			fail_msg("%s: not %d: %s", lines[i].typed, lines[i].status,
				world.screen);
	}
	type("unclosed '\r");
	type("echo $?; echo $?\r");
	assert_true(screen_has("\r\n2\r\n0\r\n"));
	type("xenstore-read /none\r");
	type("echo $?\r");
	assert_true(screen_has("\r\n1\r\n"));
	guest_created("create /guests/a.cfg\r", "a");
	type("shutdown -w a\r\x03");
	type("echo $?\r");
	assert_true(screen_has("\r\n130\r\n"));
	guest_destroyed("a");
	world_at_rest();
}

void verbs_that_are_refused(void **state)
{
	(void)state;
	type("xl migrate a b\r");
	assert_true(screen_has("migrate: not on this host: a guest cannot be moved"));
	type("help migrate\r");
	assert_true(screen_has("migrate: not on this host: a guest cannot"));
	type("create -V /guests/a.cfg\r");
	assert_true(screen_has("create -V: this host has no emulated hardware"));
	type("create --vncviewer-autopass /guests/a.cfg\r");
	assert_true(screen_has("create -A: this host has no emulated hardware"));
	type("list --vncviewer\r");
	assert_true(screen_has("list: unknown option; usage"));
	type("xl -N -v list\r");
	assert_true(screen_has("list: there is no dry run (-N) of it"));
	type("xl -v -fN list\r");
	assert_true(screen_has("list: there is no dry run (-N) of it"));
	type("xl -Nv create /guests/a.cfg\r");
	assert_true(screen_has("\"c_info\"") && screen_has("\"name\": \"a\""));
	type("xl --helpless\r");
	assert_true(screen_has("unknown global option --helpless"));
	type("xl -v domn\t0\r"); /* the verb is the first word behind the options */
	assert_true(screen_has("\r\nDomain-0\r\n"));
	world_at_rest();
}

void keys_and_buttons(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/local/domain/%u/control/sysrq", domid);
	type("sysrq a h\r");
	assert_string_equal(node_value(path), "h");
	type("sysrq a help\r");
	assert_true(screen_has("'help' is not one letter"));
	assert_string_equal(node_value(path), "h");
	type("trigger a nmi 1\r");
	assert_true(vmm_heard(domid, VMCTL_NMI));
	assert_int_equal(vmm_heard_arg(domid), 1);
	type("trigger a nmi\r");
	assert_true(vmm_heard(domid, VMCTL_NMI));
	assert_int_equal(vmm_heard_arg(domid), 0);
	type("trigger a nmi 2\r");
	assert_true(screen_has("has no vCPU '2'"));
	type("trigger a nmi x\r");
	assert_true(screen_has("has no vCPU 'x'"));
	type("trigger a power\r");
	assert_true(screen_has("a pvh guest has no power trigger; use `shutdown`"));
	type("trigger a it\r");
	assert_true(screen_has("Invalid trigger \"it\""));
	type("trigger 0 nmi\r");
	assert_true(screen_has("the host itself"));
	guest_destroyed("a");
	world_at_rest();
}

void vcpus_are_set(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg maxvcpus=4\r", "a");
	char path[64];

	(void)state;
	snprintf(path, sizeof(path), "/local/domain/%u/cpu/2/availability", domid);
	assert_string_equal(node_value(path), "offline");
	type("vcpu-set a 3; echo $?\r"); /* the host has two CPUs */
	assert_true(screen_has("more than the host's 2 CPUs") && screen_has("\r\n1\r\n"));
	assert_string_equal(node_value(path), "offline");
	type("vcpu-set --ignore-host a 4; echo $?\r");
	assert_true(screen_has("\r\n0\r\n"));
	type("vcpu-set a 3; echo $?\r"); /* fewer is always possible */
	assert_true(screen_has("\r\n0\r\n"));
	assert_string_equal(node_value(path), "online");
	type("vcpu-set -i a 5\r");
	assert_true(screen_has("can have 1 to 4 vCPUs"));
	type("vcpu-set a 0\r");
	assert_true(screen_has("can have 1 to 4 vCPUs"));
	type("vcpu-set a -1\r");
	type("vcpu-set a 2x\r");
	assert_true(screen_has("'2x' is not a number of vCPUs"));
	assert_int_equal(domtab_get(&guests, domid)->config->vcpus, 3);
	type("vcpu-set a 1\r");
	assert_string_equal(node_value(path), "offline");
	snprintf(path, sizeof(path), "/local/domain/%u/cpu/1/availability", domid);
	assert_string_equal(node_value(path), "offline");
	assert_int_equal(domtab_get(&guests, domid)->config->vcpus, 1);
	guest_destroyed("a");
	world_at_rest();
}

void devices_are_listed(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");
	char path[80], row[160];

	(void)state;
	type("vm-list\r");
	assert_true(screen_has("UUID                                  ID    name\r\n"));
	snprintf(row, sizeof(row), "  %u    a                             \r\n", domid);
	assert_true(screen_has(row));
	snprintf(path, sizeof(path),
		"xenstore-write /local/domain/%u/device/vbd/51712/state 4\r", domid);
	type(path);
	snprintf(path, sizeof(path),
		"xenstore-write /local/domain/%u/device/vbd/51712/event-channel 15\r", domid);
	type(path);
	snprintf(path, sizeof(path),
		"xenstore-write /local/domain/%u/device/vbd/51712/ring-ref 8x\r", domid);
	type(path);
	type("block-list nobody a\r");
	assert_true(screen_has(
		"Vdev  BE  handle state evt-ch ring-ref BE-path                       \r\n"));
	assert_true(screen_has("nobody is an invalid domain identifier"));
	snprintf(row, sizeof(row),
		"51712 0   %-6u 4     15     -1       /local/domain/0/backend/vbd/%u/51712",
		domid, domid);
	assert_true(screen_has(row));
	snprintf(path, sizeof(path),
		"xenstore-write /local/domain/%u/device/vif/0/rx-ring-ref 769\r", domid);
	type(path);
	type("network-list a\r");
	assert_true(screen_has("Idx BE Mac Addr.         handle state evt-ch   tx-/rx-ring-ref "
			       "BE-path                       \r\n"));
	assert_true(screen_has(
		"     0     1     -1    -1/769         /local/domain/0/backend/vif/"));
	type("block-list a | grep -c vbd\r");
	assert_true(screen_has("\r\n1\r\n"));
	guest_destroyed("a");
	world_at_rest();
}

void renames(void **state)
{
	char path[64];
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");

	(void)state;
	type("rename a web\r");
	snprintf(path, sizeof(path), "/local/domain/%u/name", domid);
	assert_string_equal(node_value(path), "web");
	type("domname 0\r");
	assert_true(screen_has("Domain-0"));
	guest_destroyed("web");
	world_at_rest();
}

void xenstore(void **state)
{
	(void)state;
	type("xenstore-write /t/a 1 /t/b/c 'x \"y'\r");
	assert_string_equal(node_value("/t/b/c"), "x \"y");
	type("xenstore-read /t/a /t/b/c\r");
	assert_true(screen_has("\r\n1\r\nx \\\"y\r\n"));
	type("xenstore-read /local/domain/0/name /local/domain/0/domid\r");
	assert_true(screen_has("\r\nDomain-0\r\n0\r\n"));
	type("xenstore-read -p /t/a\r");
	assert_true(screen_has("/t/a: 1\r\n"));
	type("xenstore-read /t/none\r");
	assert_true(screen_has("/t/none: no such path"));
	type("xenstore-list /t\r");
	assert_true(screen_has("\r\na\r\nb\r\n"));
	type("xenstore-ls /t\r");
	assert_true(screen_has("\r\na = \"1\"\r\nb = \"\"\r\n c = \"x \\\"y\"\r\n"));
	type("xenstore-ls -f\r");
	assert_true(screen_has("/t/b/c = \""));
	type("xenstore-ls /none\r");
	assert_true(screen_has("/none: no such path"));
	type("xenstore-write /t/a\r");
	assert_true(screen_has("missing"));
	type("xenstore-rm /t\r");
	assert_int_equal(node_count(), HOST_NODES);
	world_at_rest();
}

void long_lines(void **state)
{
	static char line[LINE_LEN_MAX + 64];
	char value[2001];

	(void)state;
	memset(value, 'v', 2000);
	value[2000] = '\0';
	snprintf(line, sizeof(line), "xenstore-write /t/x %s\r", value);
	type(line);
	assert_string_equal(node_value("/t/x"), value);
	type("xenstore-read -p /t/x | grep -c ^/t/x:.vv*v$\r");
	assert_true(screen_has("\r\n1\r\n"));
	memset(line, 'w', sizeof(line));
	memcpy(line, "xenstore-write /t/x ", 20);
	strcpy(line + LINE_LEN_MAX + 1, "\r");
	type(line);
	assert_true(
		screen_has("a line has at most 8191 bytes; this one is not run\r\nskerry# "));
	assert_string_equal(node_value("/t/x"), value);
	strcpy(line + LINE_LEN_MAX,
		"\r"); /* fits the line, but not xenstore: refused as a whole, too */
	type(line);
	assert_true(screen_has("too long") && screen_has("skerry# "));
	assert_string_equal(node_value("/t/x"), value);
	memcpy(line, "domid 0; x", 10);
	line[LINE_LEN_MAX] = 'w';
	strcpy(line + LINE_LEN_MAX + 1, "\rdomname 0\r");
	type(line);
	assert_true(screen_has("skerry# domname 0\r\nDomain-0\r\nskerry# "));
	assert_false(screen_has("\r\n0\r\n"));
	type("xenstore-rm /t\r");
	world_at_rest();
}

/* It would answer no pulse of init meanwhile. */
void a_line_without_end(void **state)
{
	uint32_t before;

	(void)state;
	type("\x15");
	assert_true(console_floods(SVC_TURN / SVC_RECORD + 1));
	assert_false(console_floods(0));
	world_run();
	before = world.n_texts;
	assert_false(console_floods(SVC_TURN / SVC_RECORD - 1));
	(void)console_serve();
	assert_int_equal(world.n_texts - before, 1);
	type("\x15");
	world_at_rest();
}

void files_and_completion(void **state)
{
	(void)state;
	type("ls /guests\r");
	assert_true(screen_has(
		"\r\na.cfg\r\nb.cfg\r\nbad.cfg\r\nempty.cfg\r\nhuge.cfg\r\ntext\r\n"));
	type("cat /guests/text\r");
	assert_true(screen_has("line one\r\nline two\r\n"));
	file_add("/guests/end", "no newline");
	type("cat /guests/end\r");
	assert_true(screen_has("no newline\r\nskerry# "));
	type("ls /guests/none\r");
	assert_true(screen_has("/guests/none: no such file"));
	type("cat text; ls auto; ls ./auto\r");
	assert_true(screen_has(
		"line two\r\n1.cfg\r\n2.cfg\r\n3.cfg\r\nreadme\r\nstart.xl\r\n1.cfg\r\n"));
	type("cat nothing\r");
	assert_true(screen_has("/guests/nothing: no such file"));
	type("cat te\t");
	assert_true(screen_has("cat text "));
	type("\x15"
	     "domid 0; cat auto/re\t\r");
	assert_true(screen_has("cat auto/readme \r\n0\r\nno guest"));
	type("list | grep x; domna\t0\r");
	assert_true(screen_has("\r\nDomain-0\r\n"));
	type("cat /none\r");
	assert_true(screen_has("/none: no such file"));
	type("cat /guests/te\t");
	assert_true(screen_has("cat /guests/text "));
	type("\x15"
	     "do\t");
	type("m\x15");
	type("uns\t");
	type("\x15"
	     "unp\t");
	assert_true(screen_has("unpause "));
	type("\x15nonsense\r");
	assert_true(screen_has("nonsense: no such command"));
	type("help create\r");
	assert_true(screen_has("Usage: create"));
	type("ls 'x\r");
	assert_true(screen_has("not closed"));
}

/* Before its first answer, and between the parts of a directory. */
void files_starts_again(void **state)
{
	(void)state;
	for (uint32_t n = 1; n <= 4; n++) {
		world.files_ends = n;
		type("ls /guests\r");
		assert_int_equal(world.files_ends, 0);
		assert_true(screen_has("\r\na.cfg\r\nb.cfg\r\nbad.cfg\r\nempty.cfg\r\nend\r\n"
				       "huge.cfg\r\ntext\r\nskerry# "));
	}
	world.files_ends = 1;
	type("cat /guests/text\r");
	assert_true(screen_has("line one\r\nline two\r\nskerry# "));
	world.files_gone = true;
	type("cat /guests/text; ls /guests\r");
	assert_true(screen_has("/guests/text: cannot be read"));
	assert_true(screen_has("/guests: cannot be read"));
	world.files_gone = files_chan.c.dead = false;
}
