/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * xs_cost.c - sends requests to the store, to count their instructions: `xs_cost CASE ROUNDS`
 *
 * Each case prepares a store with a journal and sends the same request ROUNDS times. The
 * difference between two runs with different ROUNDS is the cost of the requests alone. Without
 * arguments, `xs_cost` lists the cases.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "persist.h"
#include "store.h"
#include "wire.h"

static struct store s;
static struct session *control, *guest, *backend, *other;
static struct reply reply;
static uint64_t area[1 << 21];
static char far_down[2048] = "data/few";

static void must(int ok, const char *what)
{
	if (ok)
		return;
	fprintf(stderr, "xs_cost: %s\n", what);
	exit(1);
}

static void ask(
	struct session *sess, uint32_t type, const char *first, const char *second, size_t len)
{
	static uint64_t seq;
	char msg[sizeof(struct xsd_sockmsg) + XENSTORE_PAYLOAD_MAX];
	size_t n = strlen(first) + 1;
	struct xsd_sockmsg hdr = { .type = type, .len = (uint32_t)(n + len) };

	memcpy(msg, &hdr, sizeof(hdr));
	memcpy(msg + sizeof(hdr), first, n);
	if (len)
		memcpy(msg + sizeof(hdr) + n, second, len);
	must(!session_request(&s, sess, ++seq, msg, sizeof(hdr) + n + len, &reply),
		"no message");
	must(reply.hdr.type != XS_ERROR, reply.body);
}

static void write_at(const char *path) { ask(guest, XS_WRITE, path, "v", 1); }

static void fill(const char *dir, unsigned n)
{
	char path[64];
	unsigned i;

	for (i = 0; i < n; i++) {
		snprintf(path, sizeof(path), "%s/k%u", dir, i);
		write_at(path);
	}
}

static void watch(struct session *sess, const char *path)
{
	char token[16];
	unsigned i;

	for (i = 0; i < quota_default.watches; i++) {
		int n = snprintf(token, sizeof(token), "t%u", i);

		ask(sess, XS_WATCH, path, token, (size_t)n + 1);
	}
}

static struct journal j;

static void begin(void)
{
	int failed;

	failed = store_init(&s, &quota_default) || journal_format(&j, area, sizeof(area));
	s.journal = &j;
	failed = failed || session_open(&s, 100, ROLE_CONTROL, 0, &control) ||
		 session_open(&s, 5, ROLE_GUEST, 5, &guest) ||
		 session_open(&s, 5, ROLE_BACKEND, 5, &backend) ||
		 session_open(&s, 6, ROLE_GUEST, 6, &other);
	must(!failed, "no store");
	ask(control, XS_MKDIR, "/local/domain/5/data", NULL, 0);
	ask(control, XS_SET_PERMS, "/local/domain/5/data", "n5", 3);
	fill("data/few", 4);
}

static void large(void) { fill("data/many", 980); }

static void large_watched(void)
{
	large();
	watch(guest, "/local/domain/5/data/many");
	watch(backend, "/local/domain/5/data/many");
}

static void transactions(void)
{
	unsigned i;

	for (i = 0; i < quota_default.txns; i++) {
		ask(guest, XS_TRANSACTION_START, "", NULL, 0);
		ask(backend, XS_TRANSACTION_START, "", NULL, 0);
		ask(other, XS_TRANSACTION_START, "", NULL, 0);
	}
}

static void deep(void)
{
	size_t len = strlen(far_down);
	unsigned i;

	for (i = 0; i < 59; i++)
		len += (size_t)sprintf(far_down + len, "/%030u", i);
	write_at(far_down);
}

/* A device on both sides, as control and the two drivers write it. */
static void device(unsigned domid, const char *type, unsigned id)
{
	static const char *const keys[] = { "backend", "backend-id", "state", "handle",
		"ring-ref", "event-channel", "protocol", "feature-persistent", "frontend",
		"frontend-id", "online", "params", "mode", "sectors" };
	char path[96];

	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/device/%s/%u/%s", domid, type,
			id, keys[i]);
		ask(control, XS_WRITE, path, "/local/domain/0/backend", 23);
		snprintf(path, sizeof(path), "/local/domain/0/backend/%s/%u/%u/%s", type, domid,
			id, keys[i]);
		ask(control, XS_WRITE, path, "/local/domain/0/device", 22);
	}
}

static void one_guest(unsigned domid)
{
	static const char *const keys[] = { "name", "vm", "cpu/0/availability", "memory/target",
		"memory/static-max", "control/shutdown", "control/platform-feature-reboot",
		"console/ring-ref", "console/port", "store/ring-ref", "store/port", "data" };
	struct session *front, *back;
	char path[96];

	must(!session_open(&s, domid, ROLE_GUEST, (uint16_t)domid, &front) &&
			!session_open(&s, domid, ROLE_BACKEND, (uint16_t)domid, &back),
		"no session");
	for (size_t i = 0; i < sizeof(keys) / sizeof(keys[0]); i++) {
		snprintf(path, sizeof(path), "/local/domain/%u/%s", domid, keys[i]);
		ask(control, XS_WRITE, path, "a usual value", 13);
	}
	device(domid, "vbd", 51712);
	device(domid, "vbd", 51728);
	device(domid, "vif", 0);
	for (unsigned i = 0; i < 6; i++) {
		snprintf(path, sizeof(path), "t%u", i);
		ask(front, XS_WATCH, "device", path, strlen(path) + 1);
		ask(back, XS_WATCH, "/local/domain/0/backend/vif/1/0/state", path,
			strlen(path) + 1);
	}
}

/* As many guests as there may be, two of them by begin(). */
static void all_guests(void)
{
	for (unsigned domid = 7; domid < 5 + quota_default.domains; domid++)
		one_guest(domid);
}

static void replay(void)
{
	struct journal_report report;

	store_fini(&s);
	must(!journal_attach(&j, area, sizeof(area)) && !store_init(&s, &quota_default),
		"no store");
	persist_replay(&s, &j, &report);
	must(report.applied && !report.quarantined, "no replay");
}

static void write_small(void) { write_at("data/few/k2"); }
static void write_large(void) { write_at("data/many/k600"); }
static void write_deep(void) { write_at(far_down); }
static void read_small(void) { ask(guest, XS_READ, "data/few/k2", NULL, 0); }
static void read_deep(void) { ask(guest, XS_READ, far_down, NULL, 0); }
static void list_large(void) { ask(guest, XS_DIRECTORY_PART, "data/many", "4700", 5); }

static void change_list_small(void)
{
	write_at("data/few/x");
	ask(guest, XS_RM, "data/few/x", NULL, 0);
}

static void change_list_large(void)
{
	write_at("data/many/x");
	ask(guest, XS_RM, "data/many/x", NULL, 0);
}

static const struct {
	const char *name;
	void (*prepare)(void);
	void (*request)(void);
} cases[] = {
	{ "write", NULL, write_small },
	{ "write-among-980", large, write_large },
	{ "write-among-980-256-watches", large_watched, write_large },
	{ "write-30-transactions-open", transactions, write_small },
	{ "write-64-levels-down", deep, write_deep },
	{ "create-and-remove", NULL, change_list_small },
	{ "create-and-remove-among-980", large, change_list_large },
	{ "read", NULL, read_small },
	{ "read-64-levels-down", deep, read_deep },
	{ "last-part-of-980-names", large, list_large },
	{ "replay-64-guests", all_guests, replay },
};

int main(int argc, char **argv)
{
	size_t i;
	long n;

	for (i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		if (argc < 3) {
			puts(cases[i].name);
			continue;
		}
		if (strcmp(argv[1], cases[i].name))
			continue;
		begin();
		if (cases[i].prepare)
			cases[i].prepare();
		for (n = strtol(argv[2], NULL, 10); n > 0; n--)
			cases[i].request();
		return 0;
	}
	return argc < 3 ? 0 : 1;
}
