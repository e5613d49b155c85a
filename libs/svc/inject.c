/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * inject.c - failures at a chosen step, for tests; only in the build below build/inject/
 *
 * Arguments   inject=WAY: one of WAYS below. inject-at=PLACE,...: where; with a way of its own
 *             as WAY@PLACE; inject-boot=PLACE: the first life, in which the machine starts,
 *             fails there
 * Places      STEP, for a step about no connection; STEP/PROTO at the service's end of a
 *             connection, STEP/PROTO> at the client's end; each with :N for the N-th time
 * Devices     the ways dma and msi go with the next buffer that libs/virtio gives to a device,
 *             if the domain has one
 * Schedule    the life with epoch n fails when it comes to the n-th place of the list. The
 *             first life and those after the list do not fail otherwise.
 * Threads     those of control come here, too. Two of them may both pass a step, of which one
 *             is then not counted.
 * Report      a line "inject: WAY at PLACE" in the log: in the kernel's if the domain may write
 *             there (console). uart has none.
 */
#define SVC_INJECT 1 /* for step.h, also when this file is only looked at */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "base/array.h"
#include "caps/caps.h"
#include "rt/program.h"
#include "rt/sleep.h"
#include "svc/internal.h"
#include "svc/step.h"

enum {
	PLACES_SIZE = 256,
	/* Longer than storage waits for its driver, shorter than init waits for a pulse. */
	LATE_MS = 1500,
	LEAK_BYTES = 65536,
	LEAK_MIN_BYTES = 64,
	RECORD_MAX = 64,
};
/*
 * Addresses at which no driver has memory. DMA: the kernel's image. MSI: what starts there and
 * fills a sector is messages of interrupts that nobody was given, to CPUs that no machine has.
 */
#define STRAY_DMA 0x100000ull
#define STRAY_MSI 0xfee7fff0ull

/* libs/virtio/stray.c, which only drivers of such devices have */
void device_stray(uint64_t addr) __attribute__((weak));

/* What fails, and where. */
static struct {
	bool read;
	/* A failure is in progress, so what it does is no step. */
	bool busy;
	/* NULL: nothing does. */
	const struct way *way;
	char text[48];
	uint32_t step, proto;
	bool channel;
	uint32_t times;
} plan;

static const char *const step_names[] = {
#define X(name, what) #name,
	SVC_STEPS(X)
#undef X
};
static const char *const proto_names[] = {
#define X(name, num, version, req, rsp, data) [num] = #name,
	SVC_PROTOS(X)
#undef X
};

/* ---- the ways ---------------------------------------------------------------------------- */
static void way_crash(struct svc_conn *c)
{
	(void)c;
	__builtin_trap();
}

static void way_hang(struct svc_conn *c)
{
	uint64_t word;

	(void)c;
	for (;;)
		(void)edge_wait(DOMAIN_CAP_NTFN, SK_NO_DEADLINE, &word);
}

static void way_exit(struct svc_conn *c)
{
	(void)c;
	rt_exit(1);
}

static void way_late(struct svc_conn *c)
{
	(void)c;
	rt_sleep_until(edge_in_ms(LATE_MS));
}

/* Take all memory and all slots that the domain may have, and keep them. */
static void way_leak(struct svc_conn *c)
{
	(void)c;
	for (size_t size = LEAK_BYTES; size >= LEAK_MIN_BYTES; size /= 2)
		for (volatile char *p; (p = malloc(size));)
			*p = 1;
	while (slot_alloc(1))
		;
}

static void index_publish(uint64_t *word, uint32_t more)
{
	__atomic_store_n(word, *word + more, __ATOMIC_RELEASE);
}

/* As the producer: an index that no record has. */
static void way_index(struct svc_conn *c)
{
	index_publish(&conn_out(c)->sh->prod, 4);
	svc_signal(c);
}

/* As the consumer: more was taken than there is. */
static void way_taken(struct svc_conn *c)
{
	struct ring *in = conn_in(c);

	index_publish(&in->sh->cons, in->size + 8);
	svc_signal(c);
}

/* A record that is longer than the ring. */
static void way_length(struct svc_conn *c)
{
	struct ring *out = conn_out(c);

	memset(out->sh->data + (out->index & (out->size - 1)), 0xff, 8);
	index_publish(&out->sh->prod, out->index - out->flushed + 8);
	svc_signal(c);
}

/* Whole records of every length that a descriptor may have, without sense. */
static void way_record(struct svc_conn *c)
{
	uint8_t junk[RECORD_MAX];

	for (uint32_t len = 0; len <= RECORD_MAX; len += 8) {
		for (uint32_t i = 0; i < len; i++)
			junk[i] = (uint8_t)(i * 37 + len);
		if (ring_put(conn_out(c), junk, len))
			break;
	}
	(void)ring_put_flush(conn_out(c));
	svc_signal(c);
}

static void way_dma(struct svc_conn *c)
{
	(void)c;
	if (device_stray)
		device_stray(STRAY_DMA);
}

static void way_msi(struct svc_conn *c)
{
	(void)c;
	if (device_stray)
		device_stray(STRAY_MSI);
}

/* X(name, it needs a ring) */
#define WAYS(X) \
	X(crash, false) \
	X(hang, false) \
	X(exit, false) \
	X(leak, false) \
	X(late, false) \
	X(index, true) \
	X(taken, true) X(length, true) X(record, true) X(dma, false) X(msi, false)

static const struct way {
	const char *name;
	void (*fail)(struct svc_conn *c);
	bool ring;
} ways[] = {
#define X(name, ring) { #name, way_##name, ring },
	WAYS(X)
#undef X
};

/* ---- the plan ---------------------------------------------------------------------------- */
/*
 * The index of the name at *text, up to one of the characters `ends`, which *text then is at.
 */
static uint32_t name_take(
	const char *const *names, uint32_t n, const char **text, const char *ends)
{
	size_t len = strcspn(*text, ends);
	uint32_t i = 0;

	while (i < n && (strlen(names[i]) != len || memcmp(names[i], *text, len) != 0))
		i++;
	*text += len;
	return i;
}

/* One that makes no sense is never reached, so that the test notices. */
static void place_read(const char *at)
{
	(void)snprintf(plan.text, sizeof(plan.text), "%s", at);
	plan.step = name_take(step_names, ARRAY_SIZE(step_names), &at, "/:");
	if (*at == '/') {
		at++;
		plan.proto = name_take(proto_names, ARRAY_SIZE(proto_names), &at, ">:");
	}
	if (*at == '>') {
		plan.channel = true;
		at++;
	}
	plan.times = *at == ':' ? (uint32_t)strtoul(at + 1, NULL, 10) : 1;
}

static const struct way *way_find(const char *name)
{
	for (uint32_t i = 0; i < ARRAY_SIZE(ways); i++)
		if (strcmp(ways[i].name, name) == 0)
			return &ways[i];
	return NULL;
}

static void plan_read(void)
{
	char way[8], list[PLACES_SIZE], *at = list, *place = NULL, *own;
	const uint32_t life = svc_info()->epoch;

	plan.read = true;
	if (!svc_arg("inject", way, sizeof(way)) ||
		!svc_arg(life ? "inject-at" : "inject-boot", list, sizeof(list)))
		return;
	for (uint32_t n = life ? life : 1; n; n--)
		place = strsep(&at, ",");
	if (!place)
		return;
	own = strchr(place, '@');
	if (own) {
		*own = '\0';
		plan.way = way_find(place);
		place = own + 1;
	} else {
		plan.way = way_find(way);
	}
	place_read(place);
}

static bool step_fails(enum svc_step at, const struct svc_conn *c)
{
	if (!plan.times || at != plan.step || plan.proto != (c ? c->proto : SVC_PROTO_NONE) ||
		plan.channel != (c && c->channel))
		return false;
	return --plan.times == 0;
}

static void report(void)
{
	uint64_t w[12] = { 0 };
	sk_cap_t log = svc_cap("log", NULL);
	int len = snprintf(
		(char *)w, sizeof(w), "inject: %s at %s\n", plan.way->name, plan.text);

	for (int at = 0; log && at < len; at += 32)
		(void)sk_log(log, len - at < 32 ? (uint32_t)(len - at) : 32, &w[at / 8]);
	printf("%s", (const char *)w);
	(void)fflush(stdout);
}

static void fail(struct svc_conn *c)
{
	report();
	if (c || !plan.way->ring)
		plan.way->fail(c);
}

void svc_step(enum svc_step at, struct svc_conn *c)
{
	if (plan.busy)
		return;
	plan.busy = true;
	if (!plan.read)
		plan_read();
	if (plan.way && step_fails(at, c))
		fail(c);
	plan.busy = false;
}
