/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream_out.c - writing the stream of a guest
 *
 * Objects     struct stream_out: the record that is being copied out, and what comes after it.
 * Lifecycle   stream_begin(); stream_fill() until STREAM_WAIT, and again after stream_again();
 *             stream_rest(); stream_fill() until STREAM_DONE.
 * Invariants  OUT1 a record is composed only when the one before it has been copied out
 */
#include "save/stream.h"

#include <string.h>

#include "base/array.h"
#include "proto/vmctl.h"

enum { PAGE = 4096, XEN_MAJOR = 4, XEN_MINOR = 17 };

/* ---- composing ---- */

static void bytes_add(struct stream_out *s, const void *from, uint32_t size)
{
	memcpy(s->bytes + s->n_bytes, from, size);
	s->n_bytes += size;
}

static void record_add(struct stream_out *s, uint32_t type, const void *body, uint32_t length)
{
	struct save_record r = { .type = type, .length = length };

	bytes_add(s, &r, sizeof(r));
	bytes_add(s, body, length);
	memset(s->bytes + s->n_bytes, 0, save_pad(length) - length);
	s->n_bytes += save_pad(length) - length;
}

static void headers_compose(struct stream_out *s)
{
	const struct libxl_header xl = { __builtin_bswap64(LIBXL_IDENT),
		__builtin_bswap32(LIBXL_VERSION), 0 };
	const struct libxc_header xc = { .marker = LIBXC_MARKER,
		.ident = __builtin_bswap32(LIBXC_IDENT),
		.version = __builtin_bswap32(LIBXC_VERSION) };
	const struct libxc_guest guest = { .type = LIBXC_GUEST_HVM,
		.page_shift = 12,
		.xen_major = XEN_MAJOR,
		.xen_minor = XEN_MINOR };
	/* Xen wants a policy; the one register of a policy that guests may read here is 0. */
	const xen_msr_entry_t msr = { .idx = 0xce };
	const struct guest_state *g = s->src.state;

	bytes_add(s, &xl, sizeof(xl));
	record_add(s, LIBXL_LIBXC_CONTEXT, "", 0);
	bytes_add(s, &xc, sizeof(xc));
	bytes_add(s, &guest, sizeof(guest));
	record_add(
		s, LIBXC_X86_CPUID_POLICY, g->leaf, g->n_leaves * (uint32_t)sizeof(g->leaf[0]));
	record_add(s, LIBXC_X86_MSR_POLICY, &msr, sizeof(msr));
	record_add(s, LIBXC_STATIC_DATA_END, "", 0);
}

static bool page_is_zero(const uint8_t *p)
{
	const uint64_t *w = (const uint64_t *)p;

	for (uint32_t i = 0; i < PAGE / sizeof(*w); i++)
		if (__atomic_load_n(&w[i], __ATOMIC_RELAXED))
			return false;
	return true;
}

/* A record of pages, or of holes. False: there are none any more. */
static bool pages_compose(struct stream_out *s, enum stream_want want)
{
	uint64_t pfn[STREAM_BATCH];
	struct libxc_pages head = { .count = 0 };
	struct save_record r = { .type = LIBXC_PAGE_DATA };
	struct stream_page p;

	while (head.count < STREAM_BATCH && s->src.next(s->src.ctx, want, s->gfn, &p)) {
		enum libxc_page_type type = LIBXC_PAGE_NONE;

		s->gfn = p.gfn + 1;
		if (want == STREAM_PAGE)
			type = page_is_zero(p.data) ? LIBXC_PAGE_ZERO : LIBXC_PAGE_RAM;
		if (type == LIBXC_PAGE_RAM)
			s->page[s->n_pages++] = p.data;
		pfn[head.count++] = p.gfn | (uint64_t)type << LIBXC_TYPE_SHIFT;
	}
	if (!head.count)
		return false;
	r.length = (uint32_t)sizeof(head) + head.count * 8 + s->n_pages * PAGE;
	bytes_add(s, &r, sizeof(r));
	bytes_add(s, &head, sizeof(head));
	bytes_add(s, pfn, head.count * 8);
	return true;
}

static void params_compose(struct stream_out *s)
{
	static const uint32_t kept[] = { HVM_PARAM_CALLBACK_IRQ, HVM_PARAM_STORE_PFN,
		HVM_PARAM_STORE_EVTCHN, HVM_PARAM_CONSOLE_PFN, HVM_PARAM_CONSOLE_EVTCHN };
	struct {
		struct libxc_params head;
		struct libxc_param p[ARRAY_SIZE(kept)];
	} body = { .head = { .count = ARRAY_SIZE(kept) } };

	for (uint32_t i = 0; i < ARRAY_SIZE(kept); i++)
		body.p[i] = (struct libxc_param){ kept[i], s->src.state->param[kept[i]] };
	record_add(s, LIBXC_HVM_PARAMS, &body, sizeof(body));
}

static void state_compose(struct stream_out *s)
{
	const struct guest_state *g = s->src.state;
	const struct libxc_tsc tsc = { .khz = g->tsc_khz, .ns = g->time_ns };
	struct save_record r = { .type = LIBXC_HVM_CONTEXT };

	record_add(s, LIBXC_X86_TSC_INFO, &tsc, sizeof(tsc));
	r.length = context_put(g, s->bytes + s->n_bytes + sizeof(r));
	bytes_add(s, &r, sizeof(r));
	s->n_bytes += r.length;
	memset(s->bytes + s->n_bytes, 0, save_pad(r.length) - r.length);
	s->n_bytes += save_pad(r.length) - r.length;
	params_compose(s);
	record_add(s, LIBXC_END, "", 0);
	record_add(s, LIBXL_END, "", 0);
}

/* OUT1. False: that was all, for now. */
static bool record_compose(struct stream_out *s)
{
	s->n_bytes = s->at_byte = s->n_pages = s->at_page = 0;
	if (s->phase == STREAM_HEADERS) {
		headers_compose(s);
		s->phase = STREAM_HOLES;
		return true;
	}
	if (s->phase == STREAM_HOLES) {
		if (pages_compose(s, STREAM_HOLE))
			return true;
		s->gfn = 0;
		s->phase = STREAM_PAGES;
	}
	if (s->phase == STREAM_PAGES) {
		if (pages_compose(s, STREAM_PAGE))
			return true;
		s->phase = s->rest ? STREAM_STATE : STREAM_WAIT;
	}
	if (s->phase != STREAM_STATE)
		return false;
	state_compose(s);
	s->phase = STREAM_DONE;
	return true;
}

/* ---- copying out ---- */

void stream_begin(struct stream_out *s, const struct stream_source *src)
{
	s->src = *src;
	s->phase = STREAM_HEADERS;
	s->rest = false;
	s->gfn = 0;
	s->n_bytes = s->at_byte = s->n_pages = s->at_page = s->page_offset = 0;
}

void stream_again(struct stream_out *s)
{
	s->gfn = 0;
	s->phase = STREAM_HOLES;
}

void stream_rest(struct stream_out *s)
{
	s->rest = true;
	stream_again(s);
}

static uint32_t bytes_copy(struct stream_out *s, uint8_t *buf, uint32_t size)
{
	uint32_t n = s->n_bytes - s->at_byte;

	n = n < size ? n : size;
	memcpy(buf, s->bytes + s->at_byte, n);
	s->at_byte += n;
	return n;
}

static uint32_t page_copy(struct stream_out *s, uint8_t *buf, uint32_t size)
{
	uint32_t n = PAGE - s->page_offset;

	n = n < size ? n : size;
	memcpy(buf, s->page[s->at_page] + s->page_offset, n);
	s->page_offset += n;
	if (s->page_offset == PAGE) {
		s->page_offset = 0;
		s->at_page++;
	}
	return n;
}

uint32_t stream_fill(struct stream_out *s, uint8_t *buf, uint32_t size)
{
	uint32_t done = 0, records = 0;

	while (done < size) {
		if (s->at_byte < s->n_bytes)
			done += bytes_copy(s, buf + done, size - done);
		else if (s->at_page < s->n_pages)
			done += page_copy(s, buf + done, size - done);
		else if (records++ == STREAM_TURN || !record_compose(s))
			break;
	}
	return done;
}
