/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * typed_test.c - typed configurations, and what a life that ended left of them
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "cli/typed.h"

static struct {
	uint32_t number, sum, len;
	char name[TYPED_NAME_MAX + 1];
	char text[TYPED_TEXT_MAX];
} mem[TYPED_SLOTS], before[TYPED_SLOTS];
static struct msg m;

static int set_up(void **state)
{
	(void)state;
	memset(mem, 0, sizeof(mem));
	typed_init(mem, sizeof(mem));
	return 0;
}

/* Another life of control finds the same memory. */
static void restart(void) { typed_init(mem, sizeof(mem)); }

static void keep(const char *name, const char *text)
{
	if (typed_store(name, text, strlen(text), &m))
		fail_msg("%s: %s", name, m.text);
}

/* text NULL: there is none. */
static void holds(const char *name, const char *text)
{
	size_t len;
	const char *got = typed_find(name, &len);

	if (!text) {
		assert_null(got);
		return;
	}
	assert_non_null(got);
	assert_int_equal(len, strlen(text));
	assert_memory_equal(got, text, len);
}

static void refused(const char *name, size_t len, const char *why)
{
	static char text[TYPED_TEXT_MAX + 1];

	assert_int_equal(typed_store(name, text, len, &m), -1);
	if (!strstr(m.text, why))
		fail_msg("'%s'", m.text);
}

static unsigned int names(void)
{
	unsigned int n = 0;

	for (uint32_t i = 0; i < TYPED_SLOTS + 1; i++)
		n += typed_name(i) != NULL;
	return n;
}

static void texts_outlive_control(void **state)
{
	(void)state;
	keep("web", "memory = 64\n");
	keep("db", "");
	restart();
	holds("web", "memory = 64\n");
	holds("db", "");
	holds("we", NULL);
	assert_int_equal(names(), 2);
	assert_int_equal(typed_remove("web", &m), 0);
	restart();
	holds("web", NULL);
	assert_int_equal(typed_remove("web", &m), -1);
	assert_non_null(strstr(m.text, "no configuration 'web'"));
}

static void a_text_replaces_an_older_one(void **state)
{
	(void)state;
	for (unsigned int i = 0; i < 3 * TYPED_SLOTS; i++) {
		char text[16];

		snprintf(text, sizeof(text), "%u", i);
		keep("web", text);
		holds("web", text);
		assert_int_equal(names(), 1);
		if (i % 5 == 0)
			restart();
	}
}

static void there_is_room_for_fifteen(void **state)
{
	static char most[TYPED_TEXT_MAX];
	char name[16];

	(void)state;
	for (unsigned int i = 1; i < TYPED_SLOTS; i++) {
		snprintf(name, sizeof(name), "g%u", i);
		assert_int_equal(typed_store(name, most, sizeof(most), &m), 0);
	}
	refused("more", 1, "there are 15 configurations");
	keep("g7", "new");
	holds("g7", "new");
	keep("g7", "newer");
	holds("g7", "newer");
	restart();
	assert_int_equal(names(), TYPED_SLOTS - 1);
}

static void names_and_lengths_are_checked(void **state)
{
	char name[TYPED_NAME_MAX + 2];

	(void)state;
	memset(name, 'n', sizeof(name) - 1);
	name[sizeof(name) - 1] = '\0';
	refused(name, 1, "is no name");
	name[TYPED_NAME_MAX] = '\0';
	keep(name, "x");
	refused("", 1, "is no name");
	refused("a/b", 1, "is no name");
	refused("a b", 1, "is no name");
	keep("web", "old");
	refused("web", TYPED_TEXT_MAX + 1, "is longer than");
	holds("web", "old");
}

static void control_ends_before_the_new_text_is_whole(void **state)
{
	(void)state;
	keep("web", "old");
	memcpy(before, mem, sizeof(mem));
	keep("web", "new");
	for (unsigned int i = 0; i < TYPED_SLOTS; i++) {
		if (mem[i].number)
			mem[i].number = 0;
		else
			mem[i] = before[i];
	}
	restart();
	holds("web", "old");
	keep("web", "newer");
	holds("web", "newer");
}

static void control_ends_before_the_old_text_is_cleared(void **state)
{
	(void)state;
	keep("web", "older");
	keep("web", "old");
	memcpy(before, mem, sizeof(mem));
	keep("web", "new");
	for (unsigned int i = 0; i < TYPED_SLOTS; i++)
		if (before[i].number)
			mem[i] = before[i];
	assert_int_equal(names(), 2);
	restart();
	holds("web", "new");
	assert_int_equal(names(), 1);
}

/* Numbers go on in the next life, so that the newest text has the highest. */
static void the_newest_of_several_lives_wins(void **state)
{
	(void)state;
	keep("web", "older");
	keep("web", "old");
	restart();
	memcpy(before, mem, sizeof(mem));
	keep("web", "new");
	for (unsigned int i = 0; i < TYPED_SLOTS; i++)
		if (before[i].number)
			mem[i] = before[i];
	restart();
	holds("web", "new");
}

static void damaged_texts_are_dropped(void **state)
{
	(void)state;
	for (unsigned int what = 0; what < 5; what++) {
		set_up(NULL);
		keep("web", "text");
		for (unsigned int i = 0; i < TYPED_SLOTS; i++) {
			if (!mem[i].number)
				continue;
			mem[i].sum ^= what == 0;
			mem[i].text[2] ^= what == 1;
			mem[i].number += what == 2;
			if (what == 3)
				mem[i].len = UINT32_MAX;
			if (what == 4)
				memset(mem[i].name, 'x', sizeof(mem[i].name));
		}
		restart();
		assert_int_equal(names(), 0);
	}
}

static void a_host_without_such_memory(void **state)
{
	(void)state;
	typed_init(mem, sizeof(mem) - 1);
	refused("web", 1, "kept-memory `configs`");
	holds("web", NULL);
	assert_int_equal(names(), 0);
	typed_init(NULL, 0);
	refused("web", 1, "kept-memory `configs`");
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(texts_outlive_control, set_up),
		cmocka_unit_test_setup(a_text_replaces_an_older_one, set_up),
		cmocka_unit_test_setup(there_is_room_for_fifteen, set_up),
		cmocka_unit_test_setup(names_and_lengths_are_checked, set_up),
		cmocka_unit_test_setup(control_ends_before_the_new_text_is_whole, set_up),
		cmocka_unit_test_setup(control_ends_before_the_old_text_is_cleared, set_up),
		cmocka_unit_test_setup(the_newest_of_several_lives_wins, set_up),
		cmocka_unit_test_setup(damaged_texts_are_dropped, set_up),
		cmocka_unit_test_setup(a_host_without_such_memory, set_up),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
