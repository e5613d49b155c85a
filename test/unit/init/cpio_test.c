/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * cpio_test.c - finding files in a newc archive, and malformed archives
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include "cpio.h"

struct archive {
	uint8_t bytes[2048];
	size_t size;
};

static void add(
	struct archive *a, const char *name, size_t name_size, const char *data, size_t size)
{
	char head[111];

	snprintf(head, sizeof(head),
		"070701%08x%08x%08x%08x%08x%08x%08X%08x%08x%08x%08x%08X%08x", 1, 0100444, 0, 0,
		1, 0, (unsigned int)size, 0, 0, 0, 0, (unsigned int)name_size, 0);
	memcpy(a->bytes + a->size, head, 110);
	a->size += 110;
	strncpy((char *)a->bytes + a->size, name, name_size);
	a->size = (a->size + name_size + 3) & ~3ul;
	memcpy(a->bytes + a->size, data, size);
	a->size = (a->size + size + 3) & ~3ul;
}

static void make(struct archive *a)
{
	memset(a, 0, sizeof(*a));
	add(a, "one", 4, "first", 5);
	add(a, "two", 40, "second!", 7); /* a padded name, as our archives have */
	add(a, "empty", 6, "", 0);
	add(a, "TRAILER!!!", 11, "", 0);
}

/* Only the archive's bytes may be read, so the archive ends where its heap block ends. */
static int find(const struct archive *a, size_t size, const char *name, struct cpio_file *f)
{
	uint8_t *copy = malloc(size ? size : 1);
	int rc;

	memcpy(copy, a->bytes, size);
	rc = cpio_find(copy, size, name, f);
	if (!rc) {
		assert_true(f->data + f->size <= copy + size);
		f->data = a->bytes + (f->data - copy);
	}
	free(copy);
	return rc;
}

static void files_are_found(void **state)
{
	struct archive a;
	struct cpio_file f;

	(void)state;
	make(&a);
	assert_int_equal(find(&a, a.size, "one", &f), 0);
	assert_int_equal(f.size, 5);
	assert_memory_equal(f.data, "first", 5);
	assert_int_equal(find(&a, a.size, "two", &f), 0);
	assert_memory_equal(f.data, "second!", 7);
	assert_int_equal(find(&a, a.size, "empty", &f), 0);
	assert_int_equal(f.size, 0);
	assert_int_equal(find(&a, a.size, "on", &f), -SK_E_NOT_FOUND);
	assert_int_equal(find(&a, a.size, "ones", &f), -SK_E_NOT_FOUND);
}

static void every_cut_is_an_error(void **state)
{
	struct archive a;
	struct cpio_file f;
	size_t trailer;

	(void)state;
	make(&a);
	trailer = a.size - 124;
	for (size_t size = 0; size < trailer + 110; size++)
		assert_int_equal(find(&a, size, "absent", &f), -SK_E_INVAL);
}

static void corrupt(size_t at, const char *with)
{
	struct archive a;
	struct cpio_file f;

	make(&a);
	memcpy(a.bytes + at, with, strlen(with));
	assert_int_equal(find(&a, a.size, "two", &f), -SK_E_INVAL);
}

static void bad_fields(void **state)
{
	(void)state;
	corrupt(0, "070702");    /* magic */
	corrupt(54, "fffffffe"); /* file size beyond the end */
	corrupt(54, "0000000g"); /* not a digit */
	corrupt(54, "000000g5"); /* a bad digit before a good one */
	corrupt(94, "00000000"); /* no name */
	corrupt(94, "00010000"); /* name beyond the end */
	corrupt(94, "ffffffff");
	corrupt(94, "000007a0"); /* the name fits, its data do not */
}

/*
 * A found file must lie inside the archive itself; it is not enough that its successor is
 * refused.
 */
static void size_of_the_file_itself(void **state)
{
	struct archive a;
	struct cpio_file f;

	(void)state;
	make(&a);
	memcpy(a.bytes + 124 + 54, "00000800", 8);
	assert_int_equal(find(&a, a.size, "two", &f), -SK_E_INVAL);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test(files_are_found),
		cmocka_unit_test(every_cut_is_an_error),
		cmocka_unit_test(bad_fields),
		cmocka_unit_test(size_of_the_file_itself),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
