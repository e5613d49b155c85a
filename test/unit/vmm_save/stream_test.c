/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream_test.c - the stream of a saved guest: what is written is read, and nothing else is
 *
 * test/system/test_save.py has Xen's own program judge what is written.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "base/array.h"
#include "sample.h"

static uint8_t *stream, *copy;
static uint32_t length, at, end;
static struct load_error e;

static int mem_read(void *ctx, void *buf, uint32_t size, struct load_error *err)
{
	(void)ctx;
	if (size > end - at)
		return load_fail(err, "end");
	memcpy(buf, copy + at, size);
	at += size;
	return 0;
}

static int reading(uint32_t n)
{
	const struct stream_sink sink = {
		.read = mem_read, .page = sample_put, .state = sample_state_read()
	};

	at = 0;
	end = n;
	sample_seen = 0;
	e.text[0] = '\0';
	return stream_read(sample_reader(), &sink, &e);
}

static int setup(void **state)
{
	(void)state;
	stream = stream ? stream : malloc(SAMPLE_MAX);
	copy = copy ? copy : malloc(SAMPLE_MAX);
	length = sample_write(stream, 65536);
	memcpy(copy, stream, length);
	sample_any = false;
	return 0;
}

static void refused(const char *why)
{
	assert_int_not_equal(reading(length), 0);
	if (!strstr(e.text, why))
		fail_msg("refused because '%s'", e.text);
}

/* The first record of this type in libxc's stream. */
static uint32_t record_find(uint32_t type)
{
	struct save_record r;
	uint32_t p = 16 + 8 + 24 + 16;

	for (;; p += (uint32_t)sizeof(r) + save_pad(r.length)) {
		memcpy(&r, copy + p, sizeof(r));
		if (r.type == type)
			return p;
		assert_true(r.type != LIBXC_END);
	}
}

static void word_set(uint32_t offset, uint32_t value) { memcpy(copy + offset, &value, 4); }

/* Put a record in front of another one. */
static void record_insert(uint32_t before, uint32_t type, uint32_t size)
{
	struct save_record r = { type, size };
	uint32_t p = record_find(before), whole = (uint32_t)sizeof(r) + save_pad(size);

	memmove(copy + p + whole, copy + p, length - p);
	memset(copy + p, 0, whole);
	memcpy(copy + p, &r, sizeof(r));
	length += whole;
}

static void what_is_written_is_read(void **state)
{
	const struct guest_state *s = sample_state(), *r = sample_state_read();

	(void)state;
	assert_int_equal(reading(length), 0);
	assert_int_equal(at, length);
	assert_int_equal(sample_seen, sample_pages + SAMPLE_REST);
	assert_int_equal(r->time_ns, s->time_ns);
	assert_int_equal(r->tsc_khz, s->tsc_khz);
	assert_memory_equal(r->param, s->param, sizeof(s->param));
	assert_int_equal(r->n_leaves, s->n_leaves);
	assert_memory_equal(r->leaf, s->leaf, sizeof(s->leaf));
	for (uint32_t i = 0; i < SAMPLE_VCPUS; i++)
		assert_memory_equal(
			&r->vcpu[i], &s->vcpu[i], offsetof(struct vcpu_state, xsave) + 832);
}

static void pieces_may_be_of_any_size(void **state)
{
	static const uint32_t pieces[] = { 1, 7, 512, 4095, 4096, 1 << 20 };

	(void)state;
	for (size_t i = 0; i < sizeof(pieces) / sizeof(pieces[0]); i++) {
		assert_int_equal(sample_write(copy, pieces[i]), length);
		assert_memory_equal(copy, stream, length);
	}
}

/* Bytes until the end of a round. */
static uint32_t round_fill(struct stream_out *s)
{
	uint32_t size = 0, n;

	do {
		n = stream_fill(s, copy, 4096);
		size += n;
	} while (n || s->phase < STREAM_WAIT);
	return size;
}

static void rounds_before_the_last(void **state)
{
	struct stream_out *s = sample_writer();
	uint32_t first = round_fill(s), again;

	(void)state;
	assert_int_equal(s->phase, STREAM_WAIT);
	stream_again(s);
	again = round_fill(s);
	assert_int_equal(s->phase, STREAM_WAIT);         /* it still waits */
	assert_true(again > first / 2 && again < first); /* without headers */
	sample_stop(s);
	assert_int_equal(round_fill(s), length - first);
	assert_int_equal(s->phase, STREAM_DONE);
}

/* A reader has memory for pages beyond those of boot only when it knows the holes. */
static void holes_come_first(void **state)
{
	uint32_t p = record_find(LIBXC_PAGE_DATA);
	struct libxc_pages h;
	uint64_t pfn;

	(void)state;
	memcpy(&h, copy + p + 8, sizeof(h));
	assert_int_equal(h.count, (sample_pages + 58) / 64);
	for (uint32_t i = 0; i < h.count; i++) {
		memcpy(&pfn, copy + p + 16 + 8ull * i, 8);
		assert_int_equal(pfn >> LIBXC_TYPE_SHIFT, LIBXC_PAGE_NONE);
	}
}

static void a_vcpu_that_is_down_has_no_registers(void **state)
{
	(void)state;
	sample_state()->vcpu[1].up = false;
	length = sample_write(copy, 65536);
	sample_state()->vcpu[1].up = true;
	assert_int_equal(reading(length), 0);
	assert_true(sample_state_read()->vcpu[0].up && !sample_state_read()->vcpu[1].up);
}

static void a_stream_that_is_cut_off_is_refused(void **state)
{
	(void)state;
	for (uint32_t n = 0; n < length; n += n % 4096 < 64 || length - n < 20000 ? 1 : 61) {
		assert_int_not_equal(reading(n), 0);
		assert_true(e.text[0]);
	}
}

/* Most of the bytes are contents of pages. */
static uint32_t altered_next(uint32_t n)
{
	bool contents = n > 3000 && n + 17000 < length;

	return n + (contents ? 173 : 3);
}

/* Any answer will do, if the reader stays whole. */
static void any_byte_may_be_wrong(void **state)
{
	(void)state;
	sample_any = true;
	for (uint32_t n = 0; n < length; n = altered_next(n))
		for (int bit = 0; bit < 8; bit += 7) {
			copy[n] = stream[n] ^ (uint8_t)(1 << bit);
			(void)reading(length);
			copy[n] = stream[n];
		}
}

static void headers_are_checked(void **state)
{
	static const struct {
		uint32_t offset, value;
		const char *why;
	} cases[] = { { 0, 0, "no stream of libxl" },
		{ 8, 0x03000000, "libxl's format 3, not 2" }, { 12, 0x01000000, "options 0x1" },
		{ 16, 7, "has not" }, { 20, 8, "record 1 of 8 bytes" },
		{ 24, 0, "no stream of libxc" }, { 36, 0x02000000, "libxc's format 2, not 3" },
		{ 40, 1, "unknown options" }, { 44, 1, "unknown options" },
		{ 48, 1, "of type 1, not PVH" }, { 52, 13, "not PVH" } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)setup(state);
		word_set(cases[i].offset, cases[i].value);
		refused(cases[i].why);
	}
}

static void records_are_checked(void **state)
{
	static const struct {
		uint32_t record, offset, value;
		const char *why;
	} cases[] = { { LIBXC_PAGE_DATA, 8, 0, "0 pages, not 1 to 1024" },
		{ LIBXC_PAGE_DATA, 8, 1025, "1025 pages" },
		{ LIBXC_PAGE_DATA, 8, 1, "24 bytes, not 16" },
		{ LIBXC_PAGE_DATA, 8, 5, "24 bytes for 5 pages" },
		{ LIBXC_PAGE_DATA, 12, 1, "pages, not 1" },
		{ LIBXC_PAGE_DATA, 20, 0x50000000, "has type 5" },
		{ LIBXC_PAGE_DATA, 20, 0xf0100000, "unknown bits" },
		{ LIBXC_PAGE_DATA, 4, 3, "has 3 bytes" },
		{ LIBXC_X86_TSC_INFO, 4, 16, "X86_TSC_INFO has 16 bytes" },
		{ LIBXC_X86_TSC_INFO, 12, 0, "0 kHz" },
		{ LIBXC_X86_TSC_INFO, 20, 0x80000000, "ns" },
		{ LIBXC_HVM_PARAMS, 8, 6, "88 bytes for 6 parameters" },
		{ LIBXC_HVM_PARAMS, 8, 0x10000005, "parameters" },
		{ LIBXC_HVM_PARAMS, 16, HVM_NR_PARAMS, "a parameter 39" },
		{ LIBXC_X86_CPUID_POLICY, 4, 40, "X86_CPUID_POLICY has 40 bytes" },
		{ LIBXC_STATIC_DATA_END, 0, LIBXC_VERIFY, "before STATIC_DATA_END" },
		{ LIBXC_STATIC_DATA_END, 0, 2, "type 0x2, which no PVH guest has" },
		{ LIBXC_HVM_CONTEXT, 4, 0xffffffff, "more than there can be" } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		(void)setup(state);
		sample_any = true;
		word_set(record_find(cases[i].record) + cases[i].offset, cases[i].value);
		refused(cases[i].why);
	}
}

static void records_that_may_be_skipped(void **state)
{
	(void)state;
	record_insert(LIBXC_X86_TSC_INFO, LIBXC_OPTIONAL | 77, 9000);
	record_insert(LIBXC_PAGE_DATA, LIBXC_VERIFY, 0);
	assert_int_equal(reading(length), 0);
	record_insert(LIBXC_PAGE_DATA, LIBXC_VERIFY, 0);
	refused("comes twice");
}

static void no_record_is_missing(void **state)
{
	static const uint32_t needed[] = { LIBXC_X86_TSC_INFO, LIBXC_HVM_CONTEXT,
		LIBXC_HVM_PARAMS };

	for (size_t i = 0; i < 3; i++) {
		(void)setup(state);
		word_set(record_find(needed[i]), LIBXC_OPTIONAL | 1);
		refused("lacks records");
	}
	(void)setup(state);
	/* the type of what follows it */
	word_set(record_find(LIBXC_X86_MSR_POLICY) + 8 + 16, 1);
	assert_int_not_equal(reading(length), 0);
}

static void padding_is_zero(void **state)
{
	uint32_t p;

	(void)state;
	record_insert(LIBXC_X86_TSC_INFO, LIBXC_VERIFY, 3);
	p = record_find(LIBXC_VERIFY);
	refused("has a body");
	copy[p + 8 + 5] = 1;
	refused("not padded with zeroes");
}

/* ---- state of vCPUs ---- */

static uint32_t context_find(uint32_t type, uint32_t instance)
{
	uint32_t p = record_find(LIBXC_HVM_CONTEXT) + 8;
	struct hvm_save_descriptor d;

	for (;; p += (uint32_t)sizeof(d) + d.length) {
		memcpy(&d, copy + p, sizeof(d));
		if (d.typecode == type && d.instance == instance)
			return p;
		assert_true(d.typecode != HVM_SAVE_CODE(END));
	}
}

static void half_set(uint32_t offset, uint16_t value) { memcpy(copy + offset, &value, 2); }

static void contexts_are_checked(void **state)
{
	static const struct {
		uint32_t type, instance, offset, size, value;
		const char *why;
	} cases[] = { { HVM_SAVE_CODE(HEADER), 0, 8, 4, 0, "magic" },
		{ HVM_SAVE_CODE(HEADER), 0, 12, 4, 2, "version 2" },
		{ HVM_SAVE_CODE(HEADER), 0, 0, 2, 14, "not begin with a header" },
		{ HVM_SAVE_CODE(HEADER), 0, 4, 4, 20, "is not that of a PVH guest" },
		{ HVM_SAVE_CODE(CPU), 1, 2, 2, 2, "a vCPU 2, but the configuration has 2" },
		{ HVM_SAVE_CODE(CPU), 1, 2, 2, 0, "of vCPU 0 comes twice" },
		{ HVM_SAVE_CODE(CPU), 0, 0, 2, HVM_SAVE_CODE(TSC_ADJUST), "not 8" },
		{ HVM_SAVE_CODE(LAPIC), 0, 0, 2, HVM_SAVE_CODE(VMCE_VCPU),
			"lacks its local APIC" },
		{ HVM_SAVE_CODE(MTRR), 1, 0, 2, HVM_SAVE_CODE(VMCE_VCPU), "vCPU 1 lacks" },
		{ HVM_SAVE_CODE(MTRR), 1, 0, 2, 11, "record 11 with" },
		{ HVM_SAVE_CODE(MTRR), 1, 4, 4, 1 << 30, "longer than the rest" },
		{ CPU_XSAVE_CODE, 0, 8 + 24 + 512 + 8, 4, 1, "compressed" },
		{ CPU_XSAVE_CODE, 1, 4, 4, 500, "has 500 bytes" } };

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++) {
		uint32_t p;

		(void)setup(state);
		p = context_find(cases[i].type, cases[i].instance) + cases[i].offset;
		if (cases[i].size == 2)
			half_set(p, (uint16_t)cases[i].value);
		else
			word_set(p, cases[i].value);
		refused(cases[i].why);
	}
}

/* What Xen writes besides: the state of interrupt lines, and no clock. */
static void a_stream_of_xen(void **state)
{
	static const uint16_t lines[] = { HVM_SAVE_CODE(PCI_IRQ), HVM_SAVE_CODE(ISA_IRQ),
		HVM_SAVE_CODE(PCI_LINK) };

	(void)state;
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++) {
		struct hvm_save_descriptor d = { .typecode = lines[i], .length = 16 };
		uint32_t at_cpu = context_find(HVM_SAVE_CODE(CPU), 0);
		uint32_t record = record_find(LIBXC_HVM_CONTEXT), size;

		memmove(copy + at_cpu + 24, copy + at_cpu, length - at_cpu);
		memcpy(copy + at_cpu, &d, sizeof(d));
		memset(copy + at_cpu + sizeof(d), 0, 16);
		memcpy(&size, copy + record + 4, 4);
		word_set(record + 4, size + 24);
		length += 24;
	}
	assert_int_equal(reading(length), 0);
	word_set(record_find(LIBXC_X86_TSC_INFO) + 8, TSC_MODE_NATIVE);
	word_set(record_find(LIBXC_X86_TSC_INFO) + 12, 0);
	assert_int_equal(reading(length), 0);
	assert_int_equal(sample_state_read()->tsc_khz, 0);
}

#define CASE(name) cmocka_unit_test_setup(name, setup)
int main(void)
{
	const struct CMUnitTest tests[] = {
		CASE(what_is_written_is_read),
		CASE(pieces_may_be_of_any_size),
		CASE(rounds_before_the_last),
		CASE(holes_come_first),
		CASE(a_vcpu_that_is_down_has_no_registers),
		CASE(a_stream_that_is_cut_off_is_refused),
		CASE(any_byte_may_be_wrong),
		CASE(headers_are_checked),
		CASE(records_are_checked),
		CASE(records_that_may_be_skipped),
		CASE(no_record_is_missing),
		CASE(padding_is_zero),
		CASE(contexts_are_checked),
		CASE(a_stream_of_xen),
	};

	return cmocka_run_group_tests_name("stream", tests, NULL, NULL);
}
