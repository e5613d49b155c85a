/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rogue_store.c - correct and wrong use of xenstore's ring and its requests
 */
#include "rogue.h"

static bool works(void)
{
	return pv_store_write("data/rogue", "x") && pv_store_read("data/rogue");
}

/* xenstore refuses the ring with that error, and it works again after a new start. */
static void broken(uint32_t error, const char *what)
{
	pv_notify(pv_store_port);
	while (*(volatile uint32_t *)&pv_store->error == XENSTORE_ERROR_NONE)
		pv_notify(pv_store_port);
	result(pv_store->error == error, what);
	pv_store_reconnect();
	result(works(), "xenstore works again");
}

static void bad_rings(void)
{
	struct xsd_sockmsg h = { .type = XS_READ, .len = XENSTORE_PAYLOAD_MAX + 1 };

	pv_store_send(&h, sizeof(h));
	broken(XENSTORE_ERROR_PROTO, "message that is too long");
	h.len = 0xfffffff0;
	pv_store_send(&h, sizeof(h));
	broken(XENSTORE_ERROR_PROTO, "message of nearly 4 GiB");
	pv_store->req_prod += 5000;
	broken(XENSTORE_ERROR_RINGIDX, "index far ahead");
	pv_store->req_prod -= 1;
	broken(XENSTORE_ERROR_RINGIDX, "index going back");
	pv_store->rsp_cons += 5000;
	h = (struct xsd_sockmsg){ .type = XS_READ, .len = 5 };
	pv_store_send(&h, sizeof(h));
	pv_store_send("name", 5);
	broken(XENSTORE_ERROR_RINGIDX, "index of answers far ahead");
	h.len = 4000; /* half a message, then a new start */
	pv_store_send(&h, sizeof(h));
	pv_store_reconnect();
	result(works(), "half a message");
}

static void bad_requests(void)
{
	static char body[XENSTORE_PAYLOAD_MAX];
	uint32_t type, i;

	for (type = 0; type < 32; type++) {
		if (type == XS_RELEASE || type == XS_WATCH || type == XS_RESET_WATCHES)
			continue;
		pv_store_talk(type, "", 0);
		memset(body, '/', sizeof(body));
		pv_store_talk(type, body, sizeof(body));
		for (i = 0; i < 64; i++)
			body[i] = (char)random32();
		pv_store_talk(type, body, 64);
	}
	result(works(), "xenstore works after bad requests");
}

/* Writing to BEFORE OTHER AFTER is refused. */
static bool denied(const char *before, const char *other, const char *after)
{
	char path[128];
	unsigned long n = strlen(before), m = strlen(other);

	memcpy(path, before, n);
	memcpy(path + n, other, m);
	memcpy(path + n + m, after, strlen(after) + 1);
	return !pv_store_write(path, "rogue") && !strcmp(pv_answer, "EACCES");
}

/* Asks for what belongs to others, and uses up its own quotas. */
static void greed(const char *other)
{
	static char body[3000], name[] = "data/many/0000";
	uint32_t i, n;

	result(denied("/local/domain/", other, "/data/rogue"), "node of another guest");
	result(denied("/local/domain/0/backend/vbd/", other, "/51712/state"),
		"node of another's back end");
	result(denied("/tool", "", "/rogue") && denied("/vm", "", "/rogue"),
		"nodes of the host");
	result(pv_store_talk(XS_INTRODUCE,
		       "1\0"
		       "5\0"
		       "7",
		       6) < 0 &&
			pv_store_talk(XS_RELEASE, "1", 2) < 0,
		"what domain 0 alone may ask");
	for (i = 0; i < 5000; i++) {
		for (n = 0; n < 4; n++)
			name[10 + n] = (char)('a' + (i >> 4 * (3 - n) & 15));
		if (!pv_store_write(name, "x"))
			break;
	}
	result(i < 5000, "nodes without an end");
	pv_store_talk(XS_RM, "data/many", 10);
	for (i = 0; i < 500; i++) {
		name[13] = (char)('a' + i % 16);
		name[12] = (char)('a' + i / 16);
		if (!pv_store_watch("data", name))
			break;
	}
	result(i < 500, "watches without an end");
	for (i = 0; i < 500; i++)
		if (pv_store_talk(XS_TRANSACTION_START, "", 1) < 0)
			break;
	result(i < 500, "transactions without an end");
	memset(body, 'v', sizeof(body));
	memcpy(body, "data/big", 9);
	result(pv_store_talk(XS_WRITE, body, sizeof(body)) < 0, "a value that is too large");
	pv_store_reconnect();
	result(works(), "xenstore works after greed");
}

void store_attack(const char *other)
{
	result(works(), "xenstore works");
	bad_rings();
	bad_requests();
	greed(other);
}

void store_storm(void)
{
	noise(pv_store, sizeof(*pv_store));
	if (random32() % 2)
		pv_store->connection = XENSTORE_RECONNECT;
	pv_notify(pv_store_port);
}

void store_watch(const char *other)
{
	(void)other;
	result(pv_store_watch("data", "token"), "watch set");
	say("rogue: watch\n");
	for (;;)
		(void)works();
}
