/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * domain_ctl_test.c - control and a tool: rights, requests that a correct tool does not send,
 * and the end of one of the two
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "client/ask.h"
#include "ctl/ctl.h"
#include "domain_cases.h"
#include "fake_parts.h"

static void rights_become(const char *words)
{
	world.rights = words;
	ctl_listen();
	assert_int_equal(ctl_init(), 0);
	control_restarts();
}

void tools_have_rights(void **state)
{
	static const struct {
		const char *command, *right;
	} refused[] = {
		{ "console a\r", "\"console\"" },
		{ "pause a\r", "\"life\"" },
		{ "unpause a\r", "\"life\"" },
		{ "shutdown a\r", "\"life\"" },
		{ "reboot a\r", "\"life\"" },
		{ "destroy a\r", "\"life\"" },
		{ "sysrq a h\r", "\"life\"" },
		{ "trigger a nmi\r", "\"life\"" },
		{ "create /guests/b.cfg\r", "\"configure\"" },
		{ "save a /dev/disk/by-partlabel/x\r", "\"configure\"" },
		{ "restore /dev/disk/by-partlabel/x\r", "\"configure\"" },
		{ "restore /guests/b.cfg /dev/disk/by-partlabel/x\r", "\"configure\"" },
		{ "rename a c\r", "\"configure\"" },
		{ "mem-set a 64\r", "\"configure\"" },
		{ "vcpu-set a 1\r", "\"configure\"" },
		{ "block-attach a phy:/dev/disk/by-partlabel/x,xvdb,w\r", "\"configure\"" },
		{ "network-attach a\r", "\"configure\"" },
		{ "block-detach a xvda\r", "\"configure\"" },
		{ "xenstore-write /x y\r", "\"configure\"" },
		{ "xenstore-rm /x\r", "\"configure\"" },
		{ "restart storage\r", "\"host\"" },
		{ "poweroff\r", "\"host\"" },
	};
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");
	size_t nodes = node_count();

	(void)state;
	rights_become("look");
	for (size_t i = 0; i < ARRAY_SIZE(refused); i++) {
		type(refused[i].command);
		assert_true(
			screen_has("this needs the right ") && screen_has(refused[i].right));
		assert_true(screen_has("skerry# "));
		type("echo $?\r");
		assert_true(screen_has("\r\n1\r\n"));
	}
	assert_int_equal(domtab_get(&guests, domid)->state, DOM_LIVE);
	assert_int_equal(node_count(), nodes);
	assert_int_equal(world.powered, 0);
	assert_false(vmm_heard(domid, VMCTL_PAUSE));
	type("domid a; xenstore-read /local/domain/0/name\r");
	assert_true(screen_has("Domain-0"));
	rights_become("life,host");
	type("domid a\r");
	assert_true(screen_has("this needs the right \"look\""));
	rights_become("");
	type("list\r");
	assert_true(screen_has("this needs the right \"look\""));
	rights_become(NULL);
	guest_destroyed("a");
	world_at_rest();
}

/* ---- what the shell does not send ---- */

static struct {
	uint32_t n;
	int status;
	char text[CTL_TEXT_MAX + 1];
} got;

static void answered(void *ctx, int status, const void *body, uint32_t len)
{
	(void)ctx;
	(void)len;
	got.n++;
	got.status = status;
	snprintf(got.text, sizeof(got.text), "%s", status ? (const char *)body : "");
}

/* A request with a legal size. */
static void asks(enum ctl_op op, const void *body, uint32_t len, int status, const char *text)
{
	got.n = 0;
	assert_true(
		ask_send(&(struct ask){ .op = op, .body = body, .len = len, .fn = answered }));
	world_run();
	assert_int_equal(got.n, 1);
	assert_int_equal(got.status, status);
	assert_non_null(strstr(got.text, text));
}

static void number(enum ctl_op op, uint32_t domid, uint64_t value, int status, const char *text)
{
	const struct ctl_number n = { .domid = domid, .value = value };

	asks(op, &n, sizeof(n), status, text);
}

void tools_ask_for_nonsense(void **state)
{
	static struct ctl_create create; /* all zero: nothing in it is valid */
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a"), nobody = 999;
	struct ctl_rename rename = { .domid = domid };
	struct ctl_disk disk = { .domid = domid };
	struct ctl_vif vif = { .domid = domid };
	const struct ctl_power power = { .reboot = 2 };
	const struct ctl_call breach = { INIT_RESTART, { [4] = INIT_KILL_BREACH } };
	const struct ctl_call power_call = { INIT_POWER, { 0 } };
	const struct ctl_call look_call = { INIT_DOMAIN_STATS, { 0 } };
	const struct ctl_call wild_call = { UINT64_MAX, { 0 } };
	const struct ctl_store store = { .type = UINT32_MAX };
	struct ctl_caps_of caps = { .domid = nobody };
	struct {
		struct ctl_save head;
		char text[8];
	} save = { .head = { .domid = domid, .image.label = "x" } };
	struct ctl_image image = { .label = "" };

	(void)state;
	asks(CTL_CREATE, &create, sizeof(create), -SK_E_INVAL, "name of the configuration");
	asks(CTL_PAUSE, &nobody, sizeof(nobody), -SK_E_NOT_FOUND, "has ended");
	asks(CTL_DESCRIBE, &nobody, sizeof(nobody), -SK_E_NOT_FOUND, "has ended");
	number(CTL_NMI, domid, UINT64_MAX, -SK_E_RANGE, "has no vCPU");
	number(CTL_MEM_SET, domid, UINT64_MAX, -SK_E_RANGE, "more than the maxmem");
	number(CTL_VCPU_SET, domid, UINT64_MAX, -SK_E_RANGE, "can have 1 to 2");
	number(CTL_DETACH, domid, GUEST_SEATS, -SK_E_RANGE, "has no seat");
	number(CTL_DETACH, domid, 7, -SK_E_STATE, "no such device");
	memset(rename.name, 'x', sizeof(rename.name));
	asks(CTL_RENAME, &rename, sizeof(rename), -SK_E_INVAL, "has no end");
	memset(&disk.disk, 0xff, sizeof(disk.disk));
	asks(CTL_ATTACH_DISK, &disk, sizeof(disk), -SK_E_INVAL, "target of a disk");
	memset(&vif.vif, 0xff, sizeof(vif.vif));
	asks(CTL_ATTACH_VIF, &vif, sizeof(vif), -SK_E_INVAL, "mac of a vif");
	asks(CTL_POWER, &power, sizeof(power), -SK_E_INVAL, "no such way");
	asks(CTL_HOST_CHANGE, &breach, sizeof(breach), -SK_E_INVAL, "no such way");
	asks(CTL_HOST_CHANGE, &look_call, sizeof(look_call), -SK_E_INVAL, "");
	asks(CTL_HOST_CHANGE, &power_call, sizeof(power_call), -SK_E_INVAL, "");
	asks(CTL_HOST_LOOK, &breach, sizeof(breach), -SK_E_INVAL, "");
	asks(CTL_HOST_LOOK, &power_call, sizeof(power_call), -SK_E_INVAL, "");
	asks(CTL_HOST_LOOK, &wild_call, sizeof(wild_call), -SK_E_INVAL, "");
	asks(CTL_STORE_LOOK, &store, sizeof(store), -SK_E_INVAL, "no such request");
	asks(CTL_QUOTA, &nobody, sizeof(nobody), -SK_E_NOT_FOUND, "has ended");
	asks(CTL_CAPS, &caps, sizeof(caps), -SK_E_NOT_FOUND, "has ended");
	save.head.after = CTL_SAVE_END;
	asks(CTL_SAVE, &save, sizeof(save), -SK_E_INVAL, "end of the save");
	save.head.after = CTL_SAVE_PAUSE;
	memset(save.head.image.label, 'x', sizeof(save.head.image.label));
	asks(CTL_SAVE, &save, sizeof(save), -SK_E_INVAL, "name of the partition");
	asks(CTL_SAVED_CONFIG, &image, sizeof(image), -SK_E_INVAL, "name of the partition");
	memset(image.label, 'x', sizeof(image.label));
	asks(CTL_SAVED_CONFIG, &image, sizeof(image), -SK_E_INVAL, "name of the partition");
	create.config = *domtab_get(&guests, domid)->config;
	strcpy(create.config.name, "z");
	memset(&create.image, 'x', sizeof(create.image));
	asks(CTL_CREATE, &create, sizeof(create), -SK_E_INVAL, "name of the partition");
	create.image = (struct ctl_image){ .label = "x" };
	create.flags = CTL_CREATE_AUTO;
	asks(CTL_CREATE, &create, sizeof(create), -SK_E_INVAL, "restoration at start");
	guest_destroyed("a");
	world_at_rest();
}

/* Records that cannot be answered end the connection, and nothing else. */
void tools_break_the_protocol(void **state)
{
	const struct ctl_head bad[] = {
		{ .op = CTL_HELLO },                       /* no id */
		{ .id = 1, .op = 0 },                      /* no operation */
		{ .id = 1, .op = CTL_OP_END },             /* the same */
		{ .id = 1, .op = CTL_HELLO, .kind = 1 },   /* no request */
		{ .id = 1, .op = CTL_HELLO, .status = 1 }, /* the same */
		/* not that many bytes */
		{ .id = 1, .op = CTL_HELLO, .len = 4 },
		{ .id = 1, .op = CTL_PAUSE },                           /* too few */
		{ .id = 1, .op = CTL_STORE_LOOK, .len = CTL_BODY_MAX }, /* not that many */
	};

	struct {
		struct ctl_head h;
		struct ctl_wait w;
	} wait = { .h = { .op = CTL_WAIT, .len = sizeof(wait.w) }, .w = { .n = 1 } };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		assert_false(ctl_chan.c.broken);
		tool_says(&bad[i], sizeof(bad[i]));
		assert_true(ctl_chan.c.broken);
		type("list\r"); /* is not heard */
		assert_false(screen_has("Domain-0"));
		control_restarts();
		type("\r");
		type("domname 0\r");
		assert_true(screen_has("Domain-0"));
	}
	wait.w.domid[0] = guest_created("create /guests/a.cfg\r", "a");
	for (uint32_t i = 0; i <= CTL_DEPTH; i++) { /* the last is one more than the credit */
		assert_false(ctl_chan.c.broken);
		wait.h.id = 0x80000000u + i;
		tool_says(&wait, sizeof(wait));
	}
	assert_true(ctl_chan.c.broken);
	control_restarts();
	guest_destroyed("a");
	world_at_rest();
}

/* ---- one of the two ends ---- */

void control_begins_anew(void **state)
{
	uint32_t domid;

	(void)state;
	/* at the prompt: the line that was being typed stays */
	type("domid Dom");
	control_restarts();
	assert_true(screen_has("\r\ncontrol was restarted (never); 0 guests go on\r\n"
			       "skerry# domid Dom"));
	type("ain-0\r");
	assert_true(screen_has("\r\n0\r\nskerry# "));
	/* what waits for an answer fails, and the next command goes on */
	type("create /guests/a.cfg; echo status $?\r");
	domid = domid_of("a");
	control_restarts();
	assert_true(screen_has("create: control has ended\r\n"));
	assert_true(screen_has("control was restarted") && screen_has("status 1\r\nskerry# "));
	vmm_says(domid, VMCTL_READY, 0, NULL, 0);
	type("shutdown -w a\r");
	control_restarts();
	assert_true(screen_has("control has ended\r\n") && screen_has("skerry# "));
	type("wait a gone\r");
	control_restarts();
	assert_true(screen_has("wait: control has ended\r\n") && screen_has("skerry# "));
	/* a guest's console stays in front */
	type("console a\r");
	assert_int_equal(world.attached, domid);
	control_restarts();
	assert_false(screen_has("skerry# "));
	console_detaches();
	assert_true(screen_has("skerry# "));
	guest_destroyed("a");
	world_at_rest();
}

static void ends_without(void (*meanwhile)(void))
{
	int status;
	pid_t child;

	shared_save();
	(void)fflush(stdout);
	child = fork();
	assert_true(child >= 0);
	if (!child) {
		meanwhile();
		_exit(0); /* none of the two has ended */
	}
	assert_int_equal(waitpid(child, &status, 0), child);
	shared_restore();
	assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 1);
}

static void the_shell_has_none_for_a_request(void)
{
	world.no_piece = CTL_BODY_MAX + 33; /* control has */
	type("list\r");
}

static void the_shell_has_none(void)
{
	world.no_piece = 1;
	control_restarts();
}

/* init then starts it again, with all of its memory. */
void the_shell_loses_its_memory(void **state)
{
	(void)state;
	ends_without(the_shell_has_none_for_a_request);
	ends_without(the_shell_has_none);
}

static void control_has_none(void)
{
	world.no_piece = 1;
	init_tells();
}

static void control_has_no_slots(void)
{
	world.no_slots = true;
	init_tells();
}

void control_loses_its_memory(void **state)
{
	(void)state;
	ends_without(control_has_none);
	ends_without(control_has_no_slots);
}

/* ---- names ---- */

void guests_are_named(void **state)
{
	uint32_t domid = guest_created("create /guests/a.cfg\r", "a");
	char command[32];

	(void)state;
	snprintf(command, sizeof(command), "domname %u\r", domid);
	type(command);
	assert_true(screen_has("\r\na\r\n"));
	type("pause 4294967297\r"); /* not domain 1 */
	assert_true(screen_has("4294967297 is an invalid domain identifier"));
	type("pause \"\"\r");
	assert_true(screen_has(" is an invalid domain identifier"));
	type("pause 0\rpause Domain-0\r");
	assert_true(screen_has("Domain-0 is the host itself"));
	type("rename a 7\r");
	assert_true(screen_has("would be taken for a domain id"));
	guest_destroyed("a");
	world_at_rest();
}
