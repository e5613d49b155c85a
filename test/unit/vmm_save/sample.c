/* SPDX-License-Identifier: BSD-2-Clause */
/* sample.c - a small guest that is saved */
#include "sample.h"

#include <stdlib.h>
#include <string.h>

uint32_t sample_seen, sample_pages = 130;
bool sample_any;
/* The writer is in its second round. */
static bool sample_rest;

enum kind { HOLE, ZERO, DATA };

static enum kind kind_of(uint64_t gfn)
{
	return gfn % 64 == 5 ? HOLE : gfn % 64 < 40 ? ZERO : DATA;
}

static const uint8_t *page_of(uint64_t gfn)
{
	static uint8_t page[SAMPLE_PAGES_MAX][4096];

	if (kind_of(gfn) == DATA)
		for (uint32_t i = 0; i < 4096; i += 8)
			page[gfn][i] = (uint8_t)(gfn + i / 8 + 1);
	return page[gfn];
}

/* The guest changes these while it runs, so they are named again. */
static bool changes(uint64_t gfn) { return gfn >= 30 && gfn < 30 + SAMPLE_REST; }

static bool named(enum stream_want want, uint64_t gfn)
{
	if (sample_rest && !changes(gfn))
		return false;
	return (kind_of(gfn) == HOLE) == (want == STREAM_HOLE);
}

/* As it is while the guest runs. */
static const uint8_t *early_page_of(uint64_t gfn)
{
	static const uint8_t other[4096] = { 1 };

	return changes(gfn) && kind_of(gfn) == DATA ? other : page_of(gfn);
}

bool sample_next(void *ctx, enum stream_want want, uint64_t gfn, struct stream_page *p)
{
	(void)ctx;
	while (gfn < sample_pages && !named(want, gfn))
		gfn++;
	if (gfn >= sample_pages)
		return false;
	p->gfn = gfn;
	p->data = want == STREAM_HOLE ? NULL : sample_rest ? page_of(gfn) : early_page_of(gfn);
	return true;
}

int sample_put(void *ctx, uint64_t gfn, enum libxc_page_type type, const uint8_t *data,
	struct load_error *e)
{
	static const enum libxc_page_type types[] = { LIBXC_PAGE_NONE, LIBXC_PAGE_ZERO,
		LIBXC_PAGE_RAM };

	(void)ctx;
	/* holes and pages of both rounds: the last one counts */
	if (sample_any || (changes(gfn) && sample_seen++ < sample_pages))
		return 0;
	sample_seen += !changes(gfn);
	if (gfn >= sample_pages || type != types[kind_of(gfn)] ||
		(data && memcmp(data, page_of(gfn), 4096) != 0))
		return load_fail(e, "page %u is another one", (unsigned int)gfn);
	return 0;
}

static void vcpu_fill(struct vcpu_state *v, uint32_t i)
{
	const int value = 0x40 + (int)i;

	memset(&v->cpu, value, sizeof(v->cpu));
	memset(&v->lapic, value, sizeof(v->lapic));
	memset(&v->lapic_regs, value, sizeof(v->lapic_regs));
	memset(&v->mtrr, value, sizeof(v->mtrr));
	memset(v->xsave, value, sizeof(v->xsave));
	v->tsc_adjust = i;
	v->up = true;
	v->cpu.flags = XEN_X86_FPU_INITIALISED;
	v->xcr0 = 7;
	v->xsave_size = 832;
	memset(v->xsave + 512, 0, 64);
	memset(v->xsave + v->xsave_size, 0, sizeof(v->xsave) - v->xsave_size);
}

static struct guest_state *state_new(void)
{
	struct guest_state *s = calloc(1, state_size(SAMPLE_VCPUS));

	s->n_vcpus = SAMPLE_VCPUS;
	return s;
}

struct guest_state *sample_state(void)
{
	static struct guest_state *s;

	if (s)
		return s;
	s = state_new();
	vcpu_fill(&s->vcpu[0], 0);
	vcpu_fill(&s->vcpu[1], 1);
	s->time_ns = 123456789;
	s->tsc_khz = 2000000;
	s->param[HVM_PARAM_CALLBACK_IRQ] = 2ull << 56 | 0xf3;
	s->param[HVM_PARAM_STORE_PFN] = VM_STORE_GFN;
	s->leaf[s->n_leaves++] = (xen_cpuid_leaf_t){ 1, XEN_CPUID_NO_SUBLEAF, 0x800f12, 0, 1,
		2 };
	s->leaf[s->n_leaves++] = (xen_cpuid_leaf_t){ 7, 0, 0, 3, 4, 5 };
	return s;
}

struct guest_state *sample_state_read(void)
{
	static struct guest_state *s;

	if (!s)
		s = state_new();
	return s;
}

struct stream_out *sample_writer(void)
{
	static struct stream_out *s;
	const struct stream_source src = { .next = sample_next, .state = sample_state() };

	if (!s)
		s = malloc(stream_out_size(SAMPLE_VCPUS));
	sample_rest = false;
	stream_begin(s, &src);
	return s;
}

struct stream_in *sample_reader(void)
{
	static struct stream_in *s;

	if (!s) {
		s = calloc(1, stream_in_size(SAMPLE_VCPUS));
		s->bytes_size = stream_in_size(SAMPLE_VCPUS) - (uint32_t)sizeof(*s);
	}
	return s;
}

uint32_t sample_fill(void *ctx, uint8_t *buf, uint32_t size, bool *over)
{
	struct stream_out *s = ctx;
	uint32_t n = stream_fill(s, buf, size);

	*over = n < size && s->phase == STREAM_DONE;
	return n;
}

void sample_stop(struct stream_out *s)
{
	sample_rest = true;
	stream_rest(s);
}

uint32_t sample_write(uint8_t *buf, uint32_t piece)
{
	struct stream_out *s = sample_writer();
	uint32_t at = 0;
	bool over = false;

	while (!over) {
		at += sample_fill(s, buf + at, piece, &over);
		if (s->phase == STREAM_WAIT && s->at_byte == s->n_bytes &&
			s->at_page == s->n_pages)
			sample_stop(s);
	}
	return at;
}
