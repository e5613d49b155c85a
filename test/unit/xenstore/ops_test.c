/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * ops_test.c - every request: its answer, its rights, its errors
 */
#include "client.h"

static void read_write(void **state)
{
	(void)state;
	ASK(dom0, XS_WRITE, "/a/b/c\0some\0value");
	DONE();
	ASK(dom0, XS_READ, "/a/b/c\0");
	GOT("some\0value");
	ASK(dom0, XS_READ, "/a/b\0");
	GOT("");
	ASK(dom0, XS_WRITE, "/a/b/c\0");
	DONE();
	ASK(dom0, XS_READ, "/a/b/c\0");
	GOT("");
	ASK(dom0, XS_READ, "/a/x\0");
	FAILED("ENOENT");
	ASK(dom0, XS_WRITE, "/\0root");
	DONE();
	ASK(dom0, XS_READ, "/\0");
	GOT("root");
}

static void mkdir_rm_directory(void **state)
{
	(void)state;
	ASK(dom0, XS_DIRECTORY, "/\0");
	GOT("local\0tool\0vm\0");
	ASK(dom0, XS_MKDIR, "/d/10\0");
	DONE();
	ASK(dom0, XS_MKDIR, "/d/9\0");
	DONE();
	ASK(dom0, XS_MKDIR, "/d/name\0");
	DONE();
	ASK(dom0, XS_WRITE, "/d/name\0v");
	DONE();
	ASK(dom0, XS_MKDIR, "/d/name\0");
	DONE();
	ASK(dom0, XS_READ, "/d/name\0");
	GOT("v");
	ASK(dom0, XS_DIRECTORY, "/d\0");
	GOT("9\0"
	    "10\0name\0");
	ASK(dom0, XS_DIRECTORY, "/d/9\0");
	GOT("");
	ASK(dom0, XS_RM, "/d/9/none\0");
	DONE();
	ASK(dom0, XS_RM, "/d/none/none\0");
	FAILED("ENOENT");
	ASK(dom0, XS_RM, "/\0");
	FAILED("EINVAL");
	ASK(dom0, XS_RM, "/d\0");
	DONE();
	ASK(dom0, XS_READ, "/d/name\0");
	FAILED("ENOENT");
	ASK(dom0, XS_DIRECTORY, "/d\0");
	FAILED("ENOENT");
}

static void directory_parts(void **state)
{
	char path[64], all[8192], gen[32] = "";
	size_t len = 0, off = 0, got;
	unsigned i;

	(void)state;
	for (i = 0; i < 700; i++) {
		int n = snprintf(path, sizeof(path), "/big/child%04u", i);

		ask(dom0, XS_MKDIR, 0, path, (size_t)n + 1);
		DONE();
		len += 10;
	}
	ASK(dom0, XS_DIRECTORY, "/big\0");
	FAILED("E2BIG");
	for (got = 0;;) {
		int n = snprintf(path, sizeof(path), "/big%c%zu", 0, off);
		const char *at = R.body, *name;

		ask(dom0, XS_DIRECTORY_PART, 0, path, (size_t)n + 1);
		assert_int_equal(R.hdr.type, XS_DIRECTORY_PART);
		name = wire_string(&at, R.body + R.hdr.len);
		if (gen[0])
			assert_string_equal(name, gen);
		strcpy(gen, name);
		while ((name = wire_string(&at, R.body + R.hdr.len)) && *name) {
			strcpy(all + got, name);
			got += strlen(name) + 1;
		}
		off = got;
		if (name)
			break;
	}
	assert_int_equal(got, len);
	assert_string_equal(all, "child0000");
	assert_string_equal(all + got - 10, "child0699");
	ASK(dom0, XS_DIRECTORY_PART,
		"/big\0"
		"7001\0");
	FAILED("EINVAL");
	ASK(dom0, XS_DIRECTORY_PART, "/big\0x\0");
	FAILED("EINVAL");
	ASK(dom0, XS_DIRECTORY_PART, "/big\0");
	FAILED("EINVAL");
	ASK(dom0, XS_MKDIR, "/big/more\0");
	ASK(dom0, XS_DIRECTORY_PART,
		"/big\0"
		"7000\0");
	assert_string_not_equal(R.body, gen);
}

static void paths(void **state)
{
	static char longest[XENSTORE_ABS_PATH_MAX + 2];
	char deep[2 * PATH_DEPTH_MAX + 4] = "";
	unsigned i;

	(void)state;
	ASK(dom0, XS_READ, "\0");
	FAILED("EINVAL");
	ASK(dom0, XS_WRITE, "/a//b\0x");
	FAILED("EINVAL");
	ASK(dom0, XS_WRITE, "/a/\0x");
	FAILED("EINVAL");
	ASK(dom0, XS_WRITE, "//\0x");
	FAILED("EINVAL");
	ASK(dom0, XS_WRITE, "/a b\0x");
	FAILED("EINVAL");
	ASK(dom0, XS_WRITE, "/a.b\0x");
	FAILED("EINVAL");
	ASK(dom0, XS_WRITE, "/a\x80\0x");
	FAILED("EINVAL");
	ASK(dom0, XS_WRITE, "/a-b_C@9\0x");
	DONE();
	ASK(dom0, XS_READ, "@releaseDomain\0");
	FAILED("ENOENT");
	ASK(dom0, XS_WRITE, "rel\0x");
	DONE();
	ASK(dom0, XS_READ, "/local/domain/0/rel\0");
	GOT("x");
	memset(longest, 'p', sizeof(longest));
	longest[0] = '/';
	longest[XENSTORE_ABS_PATH_MAX] = '\0';
	ask(dom0, XS_MKDIR, 0, longest, XENSTORE_ABS_PATH_MAX + 1);
	DONE();
	longest[XENSTORE_ABS_PATH_MAX] = 'p';
	longest[XENSTORE_ABS_PATH_MAX + 1] = '\0';
	ask(dom0, XS_MKDIR, 0, longest, XENSTORE_ABS_PATH_MAX + 2);
	FAILED("EINVAL");
	longest[0] = 'p';
	longest[XENSTORE_REL_PATH_MAX] = '\0';
	ask(dom0, XS_MKDIR, 0, longest, XENSTORE_REL_PATH_MAX + 1);
	DONE();
	longest[XENSTORE_REL_PATH_MAX] = 'p';
	longest[XENSTORE_REL_PATH_MAX + 1] = '\0';
	ask(dom0, XS_MKDIR, 0, longest, XENSTORE_REL_PATH_MAX + 2);
	FAILED("EINVAL");
	for (i = 0; i < PATH_DEPTH_MAX; i++)
		strcat(deep, "/d");
	ask(dom0, XS_MKDIR, 0, deep, strlen(deep) + 1);
	DONE();
	strcat(deep, "/d");
	ask(dom0, XS_MKDIR, 0, deep, strlen(deep) + 1);
	FAILED("ENOSPC");
}

static void relative_to_the_guest(void **state)
{
	(void)state;
	furnish();
	ASK(guest, XS_WRITE,
		"device/vif/0/state\0"
		"1");
	DONE();
	ASK(dom0, XS_READ, "/local/domain/5/device/vif/0/state\0");
	GOT("1");
	ASK(guest, XS_READ, "/local/domain/5/device/vif/0/state\0");
	GOT("1");
	ASK(guest, XS_DIRECTORY, "device\0");
	GOT("vif\0");
	ASK(guest, XS_GET_PERMS, "device/vif\0");
	GOT("n5\0");
}

static void permissions(void **state)
{
	(void)state;
	furnish();
	ASK(dom0, XS_WRITE, "/s\0x");
	ASK(dom0, XS_GET_PERMS, "/s\0");
	GOT("n0\0");
	ASK(guest, XS_READ, "/s\0");
	FAILED("EACCES");
	ASK(guest, XS_READ, "/nothing\0");
	FAILED("EACCES");
	ASK(dom0, XS_SET_PERMS, "/s\0n0\0r5\0w6\0");
	DONE();
	ASK(dom0, XS_GET_PERMS, "/s\0");
	GOT("n0\0r5\0w6\0");
	ASK(guest, XS_READ, "/s\0");
	GOT("x");
	ASK(guest, XS_READ, "/s/none\0");
	FAILED("ENOENT");
	ASK(guest, XS_WRITE, "/s\0y");
	FAILED("EACCES");
	ASK(guest, XS_WRITE, "/s/new\0y");
	FAILED("EACCES");
	ASK(guest, XS_MKDIR, "/s/new\0");
	FAILED("EACCES");
	ASK(guest, XS_MKDIR, "/s\0");
	FAILED("EACCES");
	ASK(guest, XS_RM, "/s\0");
	FAILED("EACCES");
	ASK(guest, XS_SET_PERMS, "/s\0b5\0");
	FAILED("EACCES");
	ASK(other, XS_WRITE, "/s\0z");
	DONE();
	ASK(other, XS_READ, "/s\0");
	FAILED("EACCES");
	ASK(other, XS_SET_PERMS, "/s\0n0\0b6\0");
	FAILED("EACCES");
	ASK(other, XS_GET_PERMS, "/s\0");
	FAILED("EACCES");
	/* a node that is made there belongs to its maker, and inherits the other permissions */
	ASK(other, XS_WRITE, "/s/mine\0m");
	DONE();
	ASK(dom0, XS_GET_PERMS, "/s/mine\0");
	GOT("n6\0r5\0w6\0");
	ASK(other, XS_SET_PERMS, "/s/mine\0b6\0");
	DONE();
	ASK(guest, XS_WRITE, "/s/mine\0g");
	DONE();
	ASK(other, XS_SET_PERMS, "/s/mine\0b5\0");
	FAILED("EPERM");
	/*
	 * the default applies to domains without an entry of their own; an entry takes
	 * precedence
	 */
	ASK(dom0, XS_SET_PERMS, "/s\0b0\0n5\0");
	DONE();
	ASK(other, XS_READ, "/s\0");
	GOT("z");
	ASK(guest, XS_READ, "/s\0");
	FAILED("EACCES");
	ASK(dom0, XS_SET_PERMS, "/nothing\0n0\0");
	FAILED("ENOENT");
	ASK(dom0, XS_SET_PERMS, "/s\0q0\0");
	FAILED("EINVAL");
	ASK(dom0, XS_SET_PERMS, "/s\0r\0");
	FAILED("EINVAL");
	ASK(dom0, XS_SET_PERMS, "/s\0r65536\0");
	FAILED("EINVAL");
	ASK(dom0, XS_SET_PERMS, "/s\0r-1\0");
	FAILED("EINVAL");
	ASK(dom0, XS_SET_PERMS, "/s\0");
	FAILED("EINVAL");
	ASK(dom0, XS_SET_PERMS, "/s\0r0");
	FAILED("EINVAL");
	ASK(dom0, XS_SET_PERMS, "/s\0\0");
	FAILED("EINVAL");
}

static void special_permissions(void **state)
{
	(void)state;
	ASK(dom0, XS_GET_PERMS, "@releaseDomain\0");
	GOT("n0\0");
	ASK(guest, XS_GET_PERMS, "@releaseDomain\0");
	FAILED("EACCES");
	ASK(guest, XS_SET_PERMS, "@releaseDomain\0n0\0r5\0");
	FAILED("EACCES");
	ASK(dom0, XS_SET_PERMS, "@releaseDomain\0n0\0r5\0");
	DONE();
	ASK(guest, XS_GET_PERMS, "@releaseDomain\0");
	GOT("n0\0r5\0");
	ASK(guest, XS_WATCH, "@releaseDomain\0t\0");
	ASK(other, XS_WATCH, "@releaseDomain\0t\0");
	event_is(guest, "@releaseDomain", "t");
	event_is(other, "@releaseDomain", "t");
	ASK(dom0, XS_INTRODUCE,
		"9\0"
		"1\0"
		"1\0");
	ASK(dom0, XS_RELEASE, "9\0");
	event_is(guest, "@releaseDomain", "t");
	no_event(other);
}

static void back_ends(void **state)
{
	(void)state;
	furnish();
	ASK(backend, XS_WRITE,
		"/local/domain/0/backend/vbd/5/51712/state\0"
		"2");
	DONE();
	ASK(guest, XS_READ, "/local/domain/0/backend/vbd/5/51712/state\0");
	GOT("2");
	ASK(guest, XS_WRITE,
		"/local/domain/0/backend/vbd/5/51712/state\0"
		"6");
	FAILED("EACCES");
	ASK(backend, XS_WRITE,
		"backend/vbd/5/51712/sectors\0"
		"8");
	DONE();
	ASK(backend, XS_READ, "/local/domain/0/backend/vbd/5/51712/sectors\0");
	GOT("8");
	/* neither beside its own directory, nor above it */
	ASK(backend, XS_WRITE,
		"/local/domain/0/backend/vbd/6/x\0"
		"2");
	FAILED("EACCES");
	ASK(backend, XS_WRITE,
		"/local/domain/0/backend/vbd/55/x\0"
		"2");
	FAILED("EACCES");
	ASK(backend, XS_WRITE,
		"/local/domain/0/backend/vbd/x\0"
		"2");
	FAILED("EACCES");
	ASK(backend, XS_WRITE,
		"/local/domain/0/backend/vif/5/0/state\0"
		"2");
	FAILED("EACCES");
	ASK(backend, XS_WRITE,
		"/local/domain/5/name\0"
		"2");
	FAILED("EACCES");
	ASK(backend, XS_WRITE,
		"/local/domain/6/device/x\0"
		"2");
	FAILED("EACCES");
	ASK(backend, XS_WRITE,
		"/vm\0"
		"2");
	FAILED("EACCES");
	ASK(backend, XS_RM, "/local/domain/0/backend/vbd\0");
	FAILED("EACCES");
	/* what the guest keeps private in its own keys */
	ASK(guest, XS_WRITE,
		"device/vbd/51712/state\0"
		"3");
	ASK(guest, XS_SET_PERMS, "device/vbd/51712/state\0n5\0");
	ASK(backend, XS_READ, "/local/domain/5/device/vbd/51712/state\0");
	GOT("3");
	ASK(backend, XS_WRITE,
		"/local/domain/5/device/vbd/51712/state\0"
		"4");
	DONE();
	ASK(backend, XS_WRITE,
		"/local/domain/5/console/port\0"
		"2");
	DONE();
	ASK(backend, XS_WRITE,
		"/local/domain/5/store/port\0"
		"1");
	DONE();
	ASK(backend, XS_SET_PERMS, "/local/domain/0/backend/vbd/5\0n6\0");
	FAILED("EPERM");
	ASK(backend, XS_INTRODUCE,
		"5\0"
		"1\0"
		"1\0");
	FAILED("EACCES");
	assert_int_equal(store_check(&S), 0);
}

/* Names that only resemble those of its own guest belong to others. */
static void back_ends_next_door(void **state)
{
	(void)state;
	furnish();
	ASK(dom0, XS_MKDIR, "/local/domain/05/device\0");
	ASK(dom0, XS_MKDIR, "/local/domain/5x/device\0");
	ASK(dom0, XS_MKDIR, "/local/domain/0/backend/vbd/5x\0");
	ASK(dom0, XS_MKDIR, "/local/domain/0/backend/vbd/65541\0");
	ASK(backend, XS_WRITE, "/local/domain/05/device/x\0x");
	FAILED("EACCES");
	ASK(backend, XS_WRITE, "/local/domain/5x/device/x\0x");
	FAILED("EACCES");
	ASK(backend, XS_WRITE, "/local/domain/5/devices/x\0x");
	FAILED("EACCES");
	ASK(backend, XS_WRITE, "/local/domain/0/backend/vbd/5x/x\0x");
	FAILED("EACCES");
	ASK(backend, XS_WRITE, "/local/domain/0/backend/vbd/65541/x\0x");
	FAILED("EACCES");
	ASK(backend, XS_WRITE, "/local/domain/0/backend/vbd/6/x\0x");
	FAILED("EACCES");
	ASK(backend, XS_WRITE, "/local/domain/0/backend/5\0x");
	FAILED("EACCES");
	ASK(backend, XS_WRITE, "/local/domain/0/backend/vbd/5/x\0x");
	DONE();
}

static void back_ends_pay(void **state)
{
	struct domain *dom;
	uint32_t before;

	(void)state;
	furnish();
	dom = domain_find(&S, 5);
	before = dom->nodes;
	ASK(backend, XS_WRITE,
		"/local/domain/0/backend/vbd/5/51712/state\0"
		"2");
	ASK(dom0, XS_GET_PERMS, "/local/domain/0/backend/vbd/5/51712/state\0");
	GOT("n0\0r5\0");
	assert_int_equal(dom->nodes, before + 1);
}

static void introducing(void **state)
{
	(void)state;
	ASK(dom0, XS_IS_DOMAIN_INTRODUCED, "7\0");
	GOT("F\0");
	ASK(dom0, XS_INTRODUCE,
		"7\0"
		"1\0"
		"1\0");
	DONE();
	ASK(dom0, XS_INTRODUCE,
		"7\0"
		"1\0"
		"1\0");
	DONE();
	ASK(dom0, XS_IS_DOMAIN_INTRODUCED, "7\0");
	GOT("T\0");
	ASK(guest, XS_IS_DOMAIN_INTRODUCED, "0\0");
	GOT("T\0");
	ASK(guest, XS_IS_DOMAIN_INTRODUCED, "32752\0");
	GOT("F\0");
	ASK(dom0, XS_RELEASE, "7\0");
	DONE();
	ASK(dom0, XS_IS_DOMAIN_INTRODUCED, "7\0");
	GOT("F\0");
	ASK(dom0, XS_RELEASE, "7\0");
	FAILED("ENOENT");
	ASK(dom0, XS_RELEASE, "0\0");
	FAILED("EINVAL");
	ASK(dom0, XS_INTRODUCE,
		"0\0"
		"1\0"
		"1\0");
	FAILED("EINVAL");
	ASK(dom0, XS_INTRODUCE,
		"32752\0"
		"1\0"
		"1\0");
	FAILED("EINVAL");
	ASK(dom0, XS_INTRODUCE,
		"7\0"
		"1\0");
	FAILED("EINVAL");
	ASK(dom0, XS_GET_DOMAIN_PATH, "007\0");
	GOT("/local/domain/7\0");
	ASK(guest, XS_GET_DOMAIN_PATH, "x\0");
	FAILED("EINVAL");
	ASK(dom0, XS_RESUME, "7\0");
	FAILED("ENOENT");
	ASK(dom0, XS_INTRODUCE,
		"7\0"
		"1\0"
		"1\0");
	ASK(dom0, XS_RESUME, "7\0");
	DONE();
}

static void for_control_alone(void **state)
{
	struct session *who[] = { guest, backend };
	size_t i;

	(void)state;
	for (i = 0; i < 2; i++) {
		ASK(who[i], XS_INTRODUCE,
			"7\0"
			"1\0"
			"1\0");
		FAILED("EACCES");
		ASK(who[i], XS_RELEASE, "6\0");
		FAILED("EACCES");
		ASK(who[i], XS_SET_TARGET,
			"5\0"
			"6\0");
		FAILED("EACCES");
		ASK(who[i], XS_RESUME, "5\0");
		FAILED("EACCES");
		ASK(who[i], XS_CONTROL, "check\0");
		FAILED("EACCES");
	}
}

static void targets(void **state)
{
	(void)state;
	furnish();
	ASK(guest, XS_WRITE, "device/x\0v");
	ASK(dom0, XS_SET_TARGET,
		"6\0"
		"5\0");
	FAILED("ENOENT");
	ASK(dom0, XS_INTRODUCE,
		"6\0"
		"1\0"
		"1\0");
	ASK(other, XS_READ, "/local/domain/5/device/x\0");
	FAILED("EACCES");
	ASK(dom0, XS_SET_TARGET,
		"6\0"
		"5\0");
	DONE();
	ASK(other, XS_WRITE, "/local/domain/5/device/x\0w");
	DONE();
	ASK(other, XS_READ, "/local/domain/5\0");
	GOT("");
	ASK(dom0, XS_RELEASE, "5\0");
	DONE();
	ASK(dom0, XS_WRITE, "/local/domain/5/x\0w");
	ASK(dom0, XS_SET_PERMS, "/local/domain/5/x\0n5\0");
	ASK(other, XS_READ, "/local/domain/5/x\0");
	FAILED("EACCES");
}

static void releasing(void **state)
{
	(void)state;
	furnish();
	ASK(guest, XS_WRITE, "device/x/y\0v");
	ASK(guest, XS_WATCH, "device\0t\0");
	ASK(backend, XS_WRITE,
		"/local/domain/0/backend/vbd/5/51712/state\0"
		"2");
	txn_begin(guest);
	ASK(dom0, XS_WATCH, "/local/domain/5/device/x\0x\0");
	ASK(dom0, XS_WATCH, "@releaseDomain\0r\0");
	event_is(dom0, "/local/domain/5/device/x", "x");
	event_is(dom0, "@releaseDomain", "r");
	ASK(dom0, XS_RELEASE, "5\0");
	DONE();
	event_is(dom0, "/local/domain/5/device/x", "x");
	event_is(dom0, "@releaseDomain", "r");
	no_event(dom0);
	no_event(guest);
	assert_int_equal(guest->n_watches, 0);
	assert_int_equal(guest->n_txns, 0);
	ASK(dom0, XS_READ, "/local/domain/5/device\0");
	FAILED("ENOENT");
	ASK(dom0, XS_READ, "/local/domain/0/backend/vbd/5/51712/state\0");
	FAILED("ENOENT");
	ASK(dom0, XS_GET_PERMS, "/local/domain/5\0");
	GOT("n0\0");
	ASK(dom0, XS_GET_PERMS, "/local/domain/0/backend/vbd/5\0");
	GOT("n0\0");
	assert_int_equal(domain_find(&S, 5)->nodes, 0);
	assert_int_equal(domain_find(&S, 5)->bytes, 2 * session_size());
}

static void control(void **state)
{
	(void)state;
	ASK(dom0, XS_CONTROL, "help\0");
	GOT("check\nhelp\nquota [<domid>]\n\0");
	ASK(dom0, XS_CONTROL, "check\0");
	DONE();
	ASK(dom0, XS_CONTROL, "nonsense\0");
	FAILED("EINVAL");
	ASK(dom0, XS_CONTROL, "");
	FAILED("EINVAL");
	domain_get(&S, 0)->bytes++;
	ASK(dom0, XS_CONTROL, "check\0");
	FAILED("EIO");
	domain_get(&S, 0)->bytes--;
}

static void unknown_requests(void **state)
{
	(void)state;
	ASK(dom0, XS_WATCH_EVENT, "a\0");
	FAILED("ENOSYS");
	ASK(dom0, XS_ERROR, "a\0");
	FAILED("ENOSYS");
	ASK(dom0, 20, "a\0");
	FAILED("ENOSYS");
	ASK(dom0, XS_TYPE_COUNT, "");
	FAILED("ENOSYS");
	ASK(dom0, XS_INVALID, "");
	FAILED("ENOSYS");
	ASK(dom0, UINT32_MAX, "");
	FAILED("ENOSYS");
}

static void hostile_messages(void **state)
{
	struct {
		struct xsd_sockmsg hdr;
		char body[XENSTORE_PAYLOAD_MAX + 8];
	} m = {
		.hdr = { .type = XS_READ },
	};
	uint32_t type;

	(void)state;
	assert_int_equal(session_request(&S, guest, 1, &m, 0, &R), EPROTO);
	assert_int_equal(session_request(&S, guest, 1, &m, sizeof(m.hdr) - 1, &R), EPROTO);
	m.hdr.len = 1;
	assert_int_equal(session_request(&S, guest, 1, &m, sizeof(m.hdr), &R), EPROTO);
	m.hdr.len = 0;
	assert_int_equal(session_request(&S, guest, 1, &m, sizeof(m.hdr) + 1, &R), EPROTO);
	m.hdr.len = XENSTORE_PAYLOAD_MAX + 1;
	assert_int_equal(
		session_request(&S, guest, 1, &m, sizeof(m.hdr) + m.hdr.len, &R), EPROTO);
	m.hdr.len = UINT32_MAX;
	assert_int_equal(session_request(&S, guest, 1, &m, sizeof(m.hdr) - 1, &R), EPROTO);
	for (type = 0; type < XS_TYPE_COUNT; type++) {
		if (type == XS_TRANSACTION_START || type == XS_RESET_WATCHES)
			continue;
		ask(dom0, type, 0, "", 0);
		assert_int_equal(R.hdr.type, XS_ERROR);
		ask(dom0, type, 0, "no end", 6);
		assert_int_equal(R.hdr.type, XS_ERROR);
		ask(dom0, type, 0, "\0\0\0\0\0\0\0", 7);
		assert_int_equal(R.hdr.type, XS_ERROR);
	}
	ASK(dom0, XS_READ, "/tool\0extra\0");
	FAILED("EINVAL");
	ASK(dom0, XS_WRITE, "/tool");
	FAILED("EINVAL");
	memset(m.body, 'v', XENSTORE_PAYLOAD_MAX);
	memcpy(m.body, "/full", 6);
	ask(dom0, XS_WRITE, 0, m.body, XENSTORE_PAYLOAD_MAX);
	DONE();
	ASK(dom0, XS_READ, "/full\0");
	assert_int_equal(R.hdr.len, XENSTORE_PAYLOAD_MAX - 6);
}

static void answers_are_repeated(void **state)
{
	uint32_t id;

	(void)state;
	furnish();
	ask_seq(guest, 1000, XS_WRITE, 0, "device/x\0a", 10);
	DONE();
	ASK(dom0, XS_WRITE, "/local/domain/5/device/x\0b");
	ask_seq(guest, 1000, XS_WRITE, 0, "device/x\0a", 10);
	DONE();
	ASK(dom0, XS_READ, "/local/domain/5/device/x\0");
	GOT("b");
	ask_seq(guest, 1001, XS_WATCH, 0, "device\0t\0", 9);
	DONE();
	ask_seq(guest, 1001, XS_WATCH, 0, "device\0t\0", 9);
	DONE();
	ask_seq(guest, 1002, XS_WATCH, 0, "device\0t\0", 9);
	FAILED("EEXIST");
	ask_seq(guest, 1003, XS_TRANSACTION_START, 0, "", 1);
	wire_u32(R.body, &id);
	ask_seq(guest, 1003, XS_TRANSACTION_START, 0, "", 1);
	assert_int_equal(guest->n_txns, 1);
	assert_int_equal(R.hdr.len, 2);
	ASK_TX(guest, id, XS_READ, "device/x\0");
	ASK(dom0, XS_WRITE, "/local/domain/5/device/x\0c");
	ask_seq(guest, 1004, XS_TRANSACTION_END, id, "T", 2);
	FAILED("EAGAIN");
	ask_seq(guest, 1004, XS_TRANSACTION_END, id, "T", 2);
	FAILED("EAGAIN");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(read_write),
		CASE(mkdir_rm_directory),
		CASE(directory_parts),
		CASE(paths),
		CASE(relative_to_the_guest),
		CASE(permissions),
		CASE(special_permissions),
		CASE(back_ends),
		CASE(back_ends_next_door),
		CASE(back_ends_pay),
		CASE(introducing),
		CASE(for_control_alone),
		CASE(targets),
		CASE(releasing),
		CASE(control),
		CASE(unknown_requests),
		CASE(hostile_messages),
		CASE(answers_are_repeated),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
