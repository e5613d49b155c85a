/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * probe.c - a guest that behaves well, and measures how long its requests take, by its own
 * clock: do=probe-wake|probe-disk|probe-net|probe-store|probe-console pause=US samples=N
 *
 * With pause=0, the next request follows at once, and waits look again and again, so that the
 * CPU always has something to do. Otherwise the guest sleeps in between, and while it waits. A
 * character typed on its console ends a span of time, as soon as it has N requests. Of these it
 * prints `probe: REQUESTS LONGEST P99 MEDIAN`, in microseconds.
 */
#include "rogue.h"

#include <xen/sched.h>

enum { SAMPLES_MAX = 8192, RESEND_NS = 2000000, WAKE_NS = 1000000 };

static uint64_t sample[SAMPLES_MAX], longest, pause_ns;
static uint32_t n_samples, span_samples;

void probe_add(uint64_t ns)
{
	if (ns > longest)
		longest = ns;
	if (n_samples < SAMPLES_MAX)
		sample[n_samples++] = ns;
}

static void sift(uint32_t at, uint32_t n)
{
	for (uint32_t child; (child = 2 * at + 1) < n; at = child) {
		uint64_t value = sample[at];

		if (child + 1 < n && sample[child + 1] > sample[child])
			child++;
		if (sample[child] <= value)
			return;
		sample[at] = sample[child];
		sample[child] = value;
	}
}

/* A heap, whose largest element moves to the end, again and again. */
static void samples_sort(void)
{
	for (uint32_t at = n_samples / 2; at-- > 0;)
		sift(at, n_samples);
	for (uint32_t n = n_samples; n > 1; n--) {
		uint64_t value = sample[0];

		sample[0] = sample[n - 1];
		sample[n - 1] = value;
		sift(0, n - 1);
	}
}

static void span_end(void)
{
	samples_sort();
	say("probe: %u %u %u %u\n", n_samples, (unsigned int)(longest / 1000),
		(unsigned int)(sample[(uint64_t)(n_samples - 1) * 99 / 100] / 1000),
		(unsigned int)(sample[n_samples / 2] / 1000));
	n_samples = 0;
	longest = 0;
}

void probe_pause(void)
{
	volatile XENCONS_RING_IDX *typed = &pv_console->in_prod;

	if (*typed != pv_console->in_cons && n_samples >= span_samples) {
		pv_console->in_cons = *typed;
		pv_console_notify();
		span_end();
	}
	if (pause_ns)
		pv_sleep_until(pv_now() + pause_ns);
}

void probe_wake(const char *other)
{
	(void)other;
	say("probe: begins\n");
	for (;; probe_pause()) {
		uint64_t when = pv_now() + WAKE_NS;

		pv_sleep_until(when);
		probe_add(pv_now() - when);
	}
}

void probe_disk(const char *other)
{
	(void)other;
	result(blk_init(), "disk opened");
	say("probe: begins\n");
	blk_probe(pause_ns ? 1 : 4);
}

void probe_net(const char *other)
{
	(void)other;
	result(net_init(), "interface opened");
	say("probe: begins\n");
	for (;; probe_pause()) {
		uint64_t began = pv_now();

		while (!net_asked(pv_now() + RESEND_NS))
			continue;
		probe_add(pv_now() - began);
	}
}

void probe_store(const char *other)
{
	bool writes = false;

	(void)other;
	say("probe: begins\n");
	for (;; probe_pause()) {
		uint64_t began = pv_now();

		writes = !writes;
		if (writes ? !pv_store_write("data/probe", "x") : !pv_store_read("data/probe"))
			result(false, "xenstore");
		probe_add(pv_now() - began);
	}
}

void probe_console(const char *other)
{
	(void)other;
	say("probe: begins\n");
	for (;; probe_pause()) {
		uint64_t began = pv_now();

		say("this is a line of a guest that has little to say\n");
		probe_add(pv_now() - began);
	}
}

static uint32_t option(uint64_t start_info, const char *name)
{
	const char *digit = pv_option(start_info, name);
	uint32_t n = 0;

	for (; digit && *digit >= '0' && *digit <= '9'; digit++)
		n = n * 10 + (uint32_t)(*digit - '0');
	return n;
}

void probe_init(uint64_t start_info)
{
	pause_ns = (uint64_t)option(start_info, "pause") * 1000;
	span_samples = option(start_info, "samples");
	if (!span_samples || span_samples > SAMPLES_MAX)
		span_samples = 1;
	pv_restless = !pause_ns;
}
