/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * grant_test.c - grants as back ends use them, and grant_table_op
 */
#include "fake.h"
#include "case.h"
#include "xen.h"

static struct grant_entry_v1 *entry(uint32_t ref)
{
	return (struct grant_entry_v1 *)xen_dom.grant_page[ref / 512].addr + ref % 512;
}

CASE(grant_rules)
{
	void *page;

	fake_guest();
	CHECK_EQ(grant_map(8, GRANT_READ, &page), GNTST_bad_gntref);   /* never granted */
	CHECK_EQ(grant_map(512, GRANT_READ, &page), GNTST_bad_gntref); /* no such frame yet */
	CHECK_EQ(grant_map(0xffffffff, GRANT_READ, &page), GNTST_bad_gntref);
	grant_give(8, 100, GTF_permit_access, 3);
	/* granted to another domain */
	CHECK_EQ(grant_map(8, GRANT_READ, &page), GNTST_bad_gntref);
	grant_give(8, 100, GTF_accept_transfer, 0);
	CHECK_EQ(grant_map(8, GRANT_READ, &page), GNTST_bad_gntref);
	grant_give(8, 100, GTF_transitive, 0);
	CHECK_EQ(grant_map(8, GRANT_READ, &page), GNTST_bad_gntref);
	grant_give(8, RAM_PAGES, GTF_permit_access, 0);
	CHECK_EQ(grant_map(8, GRANT_WRITE, &page), GNTST_bad_page);
	CHECK_EQ(entry(8)->flags, GTF_permit_access); /* not left marked as in use */
	grant_give(8, 100, GTF_permit_access | GTF_readonly, 0);
	CHECK_EQ(grant_map(8, GRANT_WRITE, &page), GNTST_permission_denied);
	CHECK_EQ(grant_map(8, GRANT_READ, &page), 0);
	CHECK(page == at(100 * SK_PAGE_SIZE));
}

CASE(grant_in_use_flags)
{
	void *page;

	fake_guest();
	grant_give(9, 100, GTF_permit_access, 0);
	CHECK_EQ(grant_map(9, GRANT_READ, &page), 0);
	CHECK_EQ(entry(9)->flags, GTF_permit_access | GTF_reading);
	CHECK_EQ(grant_map(9, GRANT_WRITE, &page), 0);
	CHECK_EQ(entry(9)->flags, GTF_permit_access | GTF_reading | GTF_writing);
	grant_unmap(9, GRANT_READ, page);
	CHECK_EQ(entry(9)->flags, GTF_permit_access | GTF_reading | GTF_writing);
	grant_unmap(9, GRANT_WRITE, page);
	CHECK_EQ(entry(9)->flags, GTF_permit_access);
	CHECK_EQ(grant_map(9, GRANT_WRITE, &page), 0);
	CHECK_EQ(grant_map(9, GRANT_READ, &page), 0);
	grant_unmap(9, GRANT_WRITE, page);
	CHECK_EQ(entry(9)->flags, GTF_permit_access | GTF_reading);
	grant_unmap(9, GRANT_READ, page);
	CHECK_EQ(entry(9)->flags, GTF_permit_access);
}

/* What may have been written is reported when the use ends, or when all is to be reported. */
CASE(grant_writes_are_reported)
{
	void *page;

	fake_guest();
	memset(fake_wrote, 0, sizeof(fake_wrote));
	grant_give(9, 100, GTF_permit_access, 0);
	CHECK_EQ(grant_map(9, GRANT_READ, &page), 0);
	xen_memory_wrote();
	grant_unmap(9, GRANT_READ, page);
	CHECK(!fake_wrote[100]);
	CHECK_EQ(grant_map(9, GRANT_WRITE, &page), 0);
	CHECK(!fake_wrote[100]);
	xen_memory_wrote(); /* a ring */
	CHECK(fake_wrote[100]);
	fake_wrote[100] = false;
	grant_unmap(9, GRANT_WRITE, page);
	CHECK(fake_wrote[100]);
	fake_wrote[100] = false;
	xen_memory_wrote();
	CHECK(!fake_wrote[100]);
	CHECK_EQ(grant_write(9, 8, "data", 4), 0);
	CHECK(fake_wrote[100]);
}

CASE(grant_copies)
{
	uint8_t buf[4096];

	fake_guest();
	grant_give(10, 100, GTF_permit_access, 0);
	grant_give(11, 101, GTF_permit_access | GTF_readonly, 0);
	CHECK_EQ(grant_write(10, 4090, "abcdef", 6), 0);
	CHECK(memcmp(at(100 * SK_PAGE_SIZE + 4090), "abcdef", 6) == 0);
	CHECK_EQ(grant_write(10, 4091, "abcdef", 6), GNTST_bad_copy_arg);
	CHECK_EQ(grant_write(10, 4097, "", 0), GNTST_bad_copy_arg);
	CHECK_EQ(grant_write(10, 0xffffffff, "ab", 2), GNTST_bad_copy_arg);
	CHECK_EQ(grant_read(10, 1, buf, 4096), GNTST_bad_copy_arg);
	CHECK_EQ(grant_read(10, 4097, buf, 0), GNTST_bad_copy_arg);
	CHECK_EQ(grant_read(11, 0, buf, 4096), 0);
	CHECK_EQ(grant_write(11, 0, buf, 1), GNTST_permission_denied);
	CHECK_EQ(entry(10)->flags, GTF_permit_access);
	CHECK_EQ(entry(11)->flags, GTF_permit_access | GTF_readonly);
}

/* A copy leaves alone what says that the page is mapped as well. */
CASE(grant_copies_of_a_mapped_page)
{
	uint8_t byte = 1;
	void *page;

	fake_guest();
	grant_give(10, 100, GTF_permit_access, 0);
	CHECK_EQ(grant_map(10, GRANT_READ, &page), 0);
	CHECK_EQ(grant_write(10, 0, &byte, 1), 0);
	CHECK_EQ(entry(10)->flags, GTF_permit_access | GTF_reading);
	CHECK_EQ(grant_read(10, 0, &byte, 1), 0);
	CHECK_EQ(entry(10)->flags, GTF_permit_access | GTF_reading);
	grant_unmap(10, GRANT_READ, page);
	CHECK_EQ(entry(10)->flags, GTF_permit_access);
}

CASE(grant_copies_in_parts)
{
	struct grant_part p[] = { { 10, 4094, 2 }, { 11, 0, 3 }, { 12, 7, 1 } };
	char buf[7] = "";

	fake_guest();
	memset(fake_wrote, 0, sizeof(fake_wrote));
	grant_give(10, 100, GTF_permit_access, 0);
	grant_give(11, 101, GTF_permit_access, 0);
	grant_give(12, 102, GTF_permit_access | GTF_readonly, 0);
	CHECK_EQ(grant_write_parts(p, 2, "abcde"), 0);
	CHECK(memcmp(at(101 * SK_PAGE_SIZE - 2), "abcde", 5) == 0);
	CHECK(fake_wrote[100] && fake_wrote[101] && !fake_wrote[102]);
	CHECK_EQ(grant_read_parts(p, 3, buf), 0);
	CHECK(memcmp(buf, "abcde", 6) == 0);
	CHECK_EQ(grant_write_parts(p, 3, "fghijk"), GNTST_permission_denied);
	CHECK(memcmp(at(101 * SK_PAGE_SIZE - 2), "fghij", 5) == 0);
	p[0].len = 3;
	CHECK_EQ(grant_read_parts(p, 3, buf), GNTST_bad_copy_arg);
	CHECK_EQ(grant_write_parts(p, 3, "fghijk"), GNTST_bad_copy_arg);
	p[0].ref = 512;
	p[0].len = 2;
	CHECK_EQ(grant_read_parts(p, 3, buf), GNTST_bad_gntref);
	for (uint32_t ref = 10; ref < 12; ref++)
		CHECK_EQ(entry(ref)->flags, GTF_permit_access);
}

static int64_t op(uint32_t cmd, void *arg, size_t size, uint32_t n)
{
	int64_t rc;

	memcpy(at(ARG), arg, size * n);
	rc = hypercall(__HYPERVISOR_grant_table_op, cmd, ARG, n);
	memcpy(arg, at(ARG), size * n);
	return rc;
}

static int16_t copy(uint16_t flags, uint64_t src, uint16_t soff, uint64_t dst, uint16_t doff,
	uint16_t len, domid_t dom)
{
	struct gnttab_copy c = { .flags = flags, .len = len };

	c.source.domid = c.dest.domid = dom;
	c.source.offset = soff;
	c.dest.offset = doff;
	if (flags & GNTCOPY_source_gref)
		c.source.u.ref = (grant_ref_t)src;
	else
		c.source.u.gmfn = src;
	if (flags & GNTCOPY_dest_gref)
		c.dest.u.ref = (grant_ref_t)dst;
	else
		c.dest.u.gmfn = dst;
	CHECK_EQ(op(GNTTABOP_copy, &c, sizeof(c), 1), 0);
	return c.status;
}

CASE(copy_within)
{
	fake_guest();
	memset(at(200 * SK_PAGE_SIZE), 'x', 4096);
	CHECK_EQ(copy(0, 200, 0, 201, 0, 4096, DOMID_SELF), 0);
	CHECK(((char *)at(201 * SK_PAGE_SIZE))[4095] == 'x');
	CHECK_EQ(copy(0, 200, 1, 201, 0, 4096, DOMID_SELF), GNTST_bad_copy_arg);
	CHECK_EQ(copy(0, 200, 0, 201, 4000, 97, DOMID_SELF), GNTST_bad_copy_arg);
	CHECK_EQ(copy(0, 200, 0, RAM_PAGES, 0, 1, DOMID_SELF), GNTST_bad_page);
	CHECK_EQ(copy(0, 1ull << 52, 0, 201, 0, 1, DOMID_SELF), GNTST_bad_page);
	CHECK_EQ(copy(0, 200, 0, 201, 0, 1, 0), GNTST_bad_domain);
	/* granted to domain 0, not to the guest itself */
	grant_give(8, 202, GTF_permit_access, 0);
	CHECK_EQ(copy(GNTCOPY_source_gref, 8, 0, 201, 0, 1, DOMID_SELF), GNTST_bad_gntref);
	grant_give(8, 202, GTF_permit_access | GTF_readonly, DOMID);
	CHECK_EQ(copy(GNTCOPY_source_gref, 8, 0, 201, 0, 8, DOMID_SELF), 0);
	CHECK_EQ(copy(GNTCOPY_dest_gref, 200, 0, 8, 0, 8, DOMID_SELF), GNTST_permission_denied);
	CHECK_EQ(entry(8)->flags, GTF_permit_access | GTF_readonly);
}

CASE(table_ops)
{
	struct gnttab_query_size q = { .dom = DOMID_SELF };
	struct gnttab_setup_table s = { .dom = DOMID_SELF, .nr_frames = 3 };
	struct gnttab_set_version v = { .version = 2 };
	struct gnttab_get_version g = { .dom = DOMID_SELF };
	struct gnttab_map_grant_ref m[2] = { { .dom = DOMID_SELF }, { .dom = 0 } };
	struct gnttab_unmap_grant_ref u = { .handle = 5 };
	struct gnttab_cache_flush f = {
		.offset = 4000, .length = 97, .op = GNTTAB_CACHE_CLEAN
	};

	fake_guest();
	set_xen_guest_handle(s.frame_list, (xen_pfn_t *)ARG2);
	CHECK_EQ(op(GNTTABOP_setup_table, &s, sizeof(s), 1), 0);
	CHECK_EQ(s.status, 0);
	CHECK_EQ(*(uint64_t *)at(ARG2), -1);
	s.nr_frames = GRANT_FRAMES + 1;
	CHECK_EQ(op(GNTTABOP_setup_table, &s, sizeof(s), 1), 0);
	CHECK_EQ(s.status, GNTST_general_error);
	CHECK_EQ(hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_setup_table, ARG, 2),
		-XEN_EINVAL);
	CHECK_EQ(grant_grow(GRANT_FRAMES + 1), -XEN_EINVAL);
	CHECK_EQ(op(GNTTABOP_query_size, &q, sizeof(q), 1), 0);
	CHECK(q.nr_frames == 3 && q.max_nr_frames == GRANT_FRAMES && q.status == 0);
	q.dom = 0;
	CHECK_EQ(op(GNTTABOP_query_size, &q, sizeof(q), 1), 0);
	CHECK_EQ(q.status, GNTST_bad_domain);
	CHECK_EQ(op(GNTTABOP_set_version, &v, sizeof(v), 1), -XEN_ENOSYS);
	v.version = 1;
	CHECK_EQ(op(GNTTABOP_set_version, &v, sizeof(v), 1), 0);
	v.version = 3;
	CHECK_EQ(op(GNTTABOP_set_version, &v, sizeof(v), 1), -XEN_EINVAL);
	CHECK_EQ(op(GNTTABOP_get_version, &g, sizeof(g), 1), 0);
	CHECK_EQ(g.version, 1);
	CHECK_EQ(op(GNTTABOP_map_grant_ref, m, sizeof(m[0]), 2), 0);
	CHECK(m[0].status == GNTST_general_error && m[1].status == GNTST_bad_domain);
	CHECK_EQ(op(GNTTABOP_unmap_grant_ref, &u, sizeof(u), 1), 0);
	CHECK_EQ(u.status, GNTST_bad_handle);
	CHECK_EQ(op(GNTTABOP_cache_flush, &f, sizeof(f), 1), -XEN_EINVAL);
	f.length = 96;
	CHECK_EQ(op(GNTTABOP_cache_flush, &f, sizeof(f), 1), 0);
	CHECK_EQ(op(GNTTABOP_transfer, &u, sizeof(u), 1), -XEN_ENOSYS);
	CHECK_EQ(hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, ARG, 0xffffffff),
		-XEN_EINVAL);
	CHECK_EQ(hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, 1ull << 40, 1),
		-XEN_EFAULT);
}

CASE(long_lists_go_on)
{
	struct gnttab_copy *c = at(ARG);
	unsigned int i;

	fake_guest();
	for (i = 0; i < 600; i++) {
		c[i] = (struct gnttab_copy){ .len = 1, .status = 77 };
		c[i].source.domid = c[i].dest.domid = DOMID_SELF;
		c[i].source.u.gmfn = 200;
		c[i].dest.u.gmfn = 201;
	}
	CHECK_EQ(hypercall(__HYPERVISOR_grant_table_op, GNTTABOP_copy, ARG, 600), 0);
	for (i = 0; i < 600; i++)
		CHECK_EQ(c[i].status, 0);
}

int grant_tests(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(grant_rules),
		cmocka_unit_test(grant_in_use_flags),
		cmocka_unit_test(grant_writes_are_reported),
		cmocka_unit_test(grant_copies),
		cmocka_unit_test(grant_copies_of_a_mapped_page),
		cmocka_unit_test(grant_copies_in_parts),
		cmocka_unit_test(copy_within),
		cmocka_unit_test(table_ops),
		cmocka_unit_test(long_lists_go_on),
	};

	return cmocka_run_group_tests_name("grant", tests, NULL, NULL);
}
