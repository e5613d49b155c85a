/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stream_in.c - reading the stream of a guest, which is hostile
 *
 * Objects     struct stream_in: one record at a time.
 * Invariants  IN1 a length is compared with its limit before anything of that length is read
 *             IN2 a number of the stream is never an index before it was compared with its
 *                limit
 *             IN3 what must come once comes once, and the static data before the first page
 */
#include "save/stream.h"

#include <string.h>

enum { PAGE = 4096 };

static int bytes_read(struct stream_in *s, void *buf, uint32_t size)
{
	return s->sink.read(s->sink.ctx, buf, size, s->e);
}

/* ---- headers ---- */

static int libxl_header_read(struct stream_in *s)
{
	struct libxl_header h;
	uint32_t options, version;
	int rc = bytes_read(s, &h, sizeof(h));

	if (rc)
		return rc;
	options = __builtin_bswap32(h.options);
	version = __builtin_bswap32(h.version);
	if (__builtin_bswap64(h.ident) != LIBXL_IDENT)
		return load_fail(s->e, "there is no stream of libxl behind xl's header");
	if (version != LIBXL_VERSION)
		return load_fail(s->e, "the stream has libxl's format %u, not %u", version,
			LIBXL_VERSION);
	if (options)
		return load_fail(s->e, "the stream of libxl has options %#x", options);
	return 0;
}

static int libxc_header_read(struct stream_in *s)
{
	struct libxc_header h;
	struct libxc_guest g;
	int rc = bytes_read(s, &h, sizeof(h));

	if (!rc)
		rc = bytes_read(s, &g, sizeof(g));
	if (rc)
		return rc;
	if (h.marker != LIBXC_MARKER || __builtin_bswap32(h.ident) != LIBXC_IDENT)
		return load_fail(s->e, "there is no stream of libxc in that of libxl");
	if (__builtin_bswap32(h.version) != LIBXC_VERSION)
		return load_fail(s->e, "the stream has libxc's format %u, not %u",
			__builtin_bswap32(h.version), LIBXC_VERSION);
	if (h.options || h.reserved || h.reserved2 || g.reserved)
		return load_fail(s->e, "the stream of libxc has unknown options");
	if (g.type != LIBXC_GUEST_HVM || g.page_shift != 12)
		return load_fail(s->e, "the saved guest is of type %u, not PVH", g.type);
	return 0;
}

/* ---- records ---- */

/* Read a whole record, with its padding, into s->bytes. */
static int body_read(struct stream_in *s, const struct save_record *r)
{
	int rc;

	if (r->length > s->bytes_size - 8) /* IN1 */
		return load_fail(s->e, "record %#x has %u bytes, more than there can be",
			r->type, r->length);
	rc = bytes_read(s, s->bytes, save_pad(r->length));
	for (uint32_t i = r->length; !rc && i < save_pad(r->length); i++)
		if (s->bytes[i])
			rc = load_fail(s->e, "record %#x is not padded with zeroes", r->type);
	return rc;
}

static int page_take(struct stream_in *s, uint64_t word)
{
	enum libxc_page_type type = (enum libxc_page_type)(word >> LIBXC_TYPE_SHIFT);
	uint64_t gfn = word & LIBXC_PFN_MASK;
	int rc;

	if (word & ~LIBXC_PFN_MASK & ((1ull << LIBXC_TYPE_SHIFT) - 1))
		return load_fail(s->e, "PAGE_DATA: page %#llx has unknown bits",
			(unsigned long long)gfn);
	switch (type) {
	case LIBXC_PAGE_RAM:
		rc = bytes_read(s, s->page, PAGE);
		return rc ? rc : s->sink.page(s->sink.ctx, gfn, type, s->page, s->e);
	case LIBXC_PAGE_BROKEN:
	case LIBXC_PAGE_NONE:
		return s->sink.page(s->sink.ctx, gfn, LIBXC_PAGE_NONE, NULL, s->e);
	case LIBXC_PAGE_ZERO:
		return s->sink.page(s->sink.ctx, gfn, type, NULL, s->e);
	default:
		return load_fail(s->e, "PAGE_DATA: page %#llx has type %u",
			(unsigned long long)gfn, type);
	}
}

static int pages_read(struct stream_in *s, uint32_t length)
{
	struct libxc_pages h;
	uint64_t contents = 0;
	int rc;

	if (!(s->seen >> LIBXC_STATIC_DATA_END & 1)) /* IN3 */
		return load_fail(s->e, "PAGE_DATA comes before STATIC_DATA_END");
	if (length < sizeof(h))
		return load_fail(s->e, "PAGE_DATA has %u bytes", length);
	rc = bytes_read(s, &h, sizeof(h));
	if (rc)
		return rc;
	if (!h.count || h.count > LIBXC_PAGES_MAX || h.reserved) /* IN1 */
		return load_fail(
			s->e, "PAGE_DATA has %u pages, not 1 to %u", h.count, LIBXC_PAGES_MAX);
	if (length < sizeof(h) + 8ull * h.count)
		return load_fail(s->e, "PAGE_DATA has %u bytes for %u pages", length, h.count);
	rc = bytes_read(s, s->pfn, 8 * h.count);
	for (uint32_t i = 0; i < h.count; i++)
		contents += s->pfn[i] >> LIBXC_TYPE_SHIFT < 5 ? PAGE : 0;
	if (!rc && length != sizeof(h) + 8ull * h.count + contents)
		return load_fail(s->e, "PAGE_DATA has %u bytes, not %llu", length,
			(unsigned long long)(sizeof(h) + 8ull * h.count + contents));
	for (uint32_t i = 0; !rc && i < h.count; i++)
		rc = page_take(s, s->pfn[i]);
	return rc;
}

static int tsc_get(struct stream_in *s, uint32_t length)
{
	struct libxc_tsc t;

	if (length != sizeof(t))
		return load_fail(s->e, "X86_TSC_INFO has %u bytes", length);
	memcpy(&t, s->bytes, sizeof(t));
	/* With the TSC of the processor, Xen saves neither: the clock begins anew. */
	if ((!t.khz && t.mode != TSC_MODE_NATIVE) || t.ns >> 62)
		return load_fail(s->e, "X86_TSC_INFO has %u kHz and %llu ns", t.khz,
			(unsigned long long)t.ns);
	s->sink.state->tsc_khz = t.khz;
	s->sink.state->time_ns = t.ns;
	return 0;
}

static int params_get(struct stream_in *s, uint32_t length)
{
	struct libxc_params h;
	struct libxc_param p;

	if (length < sizeof(h))
		return load_fail(s->e, "HVM_PARAMS has %u bytes", length);
	memcpy(&h, s->bytes, sizeof(h));
	if (length != sizeof(h) + sizeof(p) * (uint64_t)h.count)
		return load_fail(
			s->e, "HVM_PARAMS has %u bytes for %u parameters", length, h.count);
	for (uint32_t i = 0; i < h.count; i++) {
		memcpy(&p, s->bytes + sizeof(h) + i * sizeof(p), sizeof(p));
		if (p.index >= HVM_NR_PARAMS) /* IN2 */
			return load_fail(s->e, "HVM_PARAMS has a parameter %llu",
				(unsigned long long)p.index);
		s->sink.state->param[p.index] = p.value;
	}
	return 0;
}

static int cpuid_get(struct stream_in *s, uint32_t length)
{
	struct guest_state *g = s->sink.state;
	xen_cpuid_leaf_t leaf;

	if (!length || length % sizeof(leaf))
		return load_fail(s->e, "X86_CPUID_POLICY has %u bytes", length);
	g->n_leaves = 0;
	/* Only those with features are looked at, and Xen sends many. */
	for (uint32_t at = 0; at < length; at += sizeof(leaf)) {
		memcpy(&leaf, s->bytes + at, sizeof(leaf));
		if ((leaf.leaf <= 1 || leaf.leaf == 7 || leaf.leaf == 0x80000001) &&
			g->n_leaves < STATE_LEAVES)
			g->leaf[g->n_leaves++] = leaf;
	}
	return 0;
}

static int known_read(struct stream_in *s, const struct save_record *r)
{
	int rc;

	switch (r->type) {
	case LIBXC_X86_TSC_INFO:
	case LIBXC_HVM_CONTEXT:
	case LIBXC_HVM_PARAMS:
	case LIBXC_X86_CPUID_POLICY:
	case LIBXC_X86_MSR_POLICY:
	case LIBXC_STATIC_DATA_END:
	case LIBXC_VERIFY:
	case LIBXC_END:
		break;
	default:
		return load_fail(s->e,
			"the stream has a record of type %#x, which no PVH guest has", r->type);
	}
	if (s->seen >> r->type & 1) /* IN3 */
		return load_fail(s->e, "record %#x comes twice", r->type);
	s->seen |= 1u << r->type;
	rc = body_read(s, r);
	if (rc)
		return rc;
	switch (r->type) {
	case LIBXC_X86_TSC_INFO:
		return tsc_get(s, r->length);
	case LIBXC_HVM_CONTEXT:
		return context_get(s->sink.state, s->bytes, r->length, s->e);
	case LIBXC_HVM_PARAMS:
		return params_get(s, r->length);
	case LIBXC_X86_CPUID_POLICY:
		return cpuid_get(s, r->length);
	case LIBXC_X86_MSR_POLICY:
		return 0; /* no guest has such registers here */
	default:
		return r->length ? load_fail(s->e, "record %#x has a body", r->type) : 0;
	}
}

static int optional_skip(struct stream_in *s, const struct save_record *r)
{
	uint64_t left = ((uint64_t)r->length + 7) & ~7ull;
	int rc = 0;

	while (!rc && left) {
		uint32_t n = left < PAGE ? (uint32_t)left : PAGE;

		rc = bytes_read(s, s->page, n);
		left -= n;
	}
	return rc;
}

static int libxc_read(struct stream_in *s)
{
	const uint32_t needed = 1u << LIBXC_X86_TSC_INFO | 1u << LIBXC_HVM_CONTEXT |
				1u << LIBXC_HVM_PARAMS | 1u << LIBXC_STATIC_DATA_END;
	struct save_record r;
	int rc = libxc_header_read(s);

	while (!rc && !(s->seen >> LIBXC_END & 1)) {
		rc = bytes_read(s, &r, sizeof(r));
		if (rc)
			break;
		if (r.type == LIBXC_PAGE_DATA)
			rc = pages_read(s, r.length);
		else if (r.type & LIBXC_OPTIONAL)
			rc = optional_skip(s, &r);
		else
			rc = known_read(s, &r);
	}
	if (!rc && (s->seen & needed) != needed)
		return load_fail(
			s->e, "the stream lacks records: it has those of the set %#x", s->seen);
	return rc;
}

int stream_read(struct stream_in *s, const struct stream_sink *sink, struct load_error *e)
{
	bool context = false;
	struct save_record r = { .type = LIBXL_LIBXC_CONTEXT };
	int rc;

	s->sink = *sink;
	s->e = e;
	s->seen = 0;
	rc = libxl_header_read(s);
	while (!rc) {
		rc = bytes_read(s, &r, sizeof(r));
		if (rc || r.type == LIBXL_END)
			break;
		if (r.type == LIBXL_LIBXC_CONTEXT && !r.length && !context) {
			context = true;
			rc = libxc_read(s);
		} else if (r.type == LIBXL_EMULATOR_XENSTORE) {
			rc = body_read(s, &r); /* nothing that a PVH guest has */
		} else {
			rc = load_fail(e,
				"the stream of libxl has a record %u of %u bytes, which that of a PVH guest has not",
				r.type, r.length);
		}
	}
	if (rc)
		return rc;
	if (!context)
		return load_fail(e, "the stream of libxl has no guest in it");
	return r.length ? load_fail(e, "the end of the stream has a body") : 0;
}
