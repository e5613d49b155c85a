/* SPDX-License-Identifier: BSD-2-Clause */
/* fake_console.c - the console service, which gives out line by line */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "fake_parts.h"
#include "proto/console.h"

static char typed[65536];
static size_t n_typed;
static bool asked, told;
/* Bytes that were shown in all. */
static uint32_t shown;
/* A log stays unfinished. */
static bool dies;

static void console_tell(uint16_t type_, uint32_t arg, const char *text, size_t len)
{
	struct console_msg m = { .type = type_, .len = (uint16_t)len, .arg = arg };

	assert_int_equal(ring_put2(&console_chan.rsp, &m, sizeof(m), text, (uint32_t)len), 0);
	(void)ring_put_flush(&console_chan.rsp);
}

static void console_put(uint16_t type_, const char *text, size_t len)
{
	console_tell(type_, 0, text, len);
}

void console_restarts(uint32_t lost)
{
	assert_true(lost <= world.n_screen);
	shown -= lost;
	world.n_screen -= lost;
	memset(world.screen + world.n_screen, 0, lost);
	asked = told = dies = false;
	chan_restart(&console_chan);
	console_tell(CONSOLE_RESUME, shown, NULL, 0);
	world_run();
}

void console_ends(void) { console_chan.c.dead = true; }

void console_returns(void)
{
	console_chan.c.dead = false;
	console_restarts(0);
}

void console_dies_in_the_log(void) { dies = true; }

static void console_record(const struct console_msg *m)
{
	const char *text = (const char *)(m + 1);

	switch (m->type) {
	case CONSOLE_DATA:
		world.n_texts++;
		for (uint16_t i = 0; i < m->len && world.n_screen < sizeof(world.screen) - 1;
			i++)
			world.screen[world.n_screen++] = text[i];
		shown += m->len;
		break;
	case CONSOLE_ATTACH:
	case CONSOLE_ATTACH_NEW:
		assert_false(asked);
		world.attached_new = m->type == CONSOLE_ATTACH_NEW;
		world.attached = m->arg;
		break;
	case CONSOLE_READY:
		assert_false(asked); /* one request for each line */
		asked = true;
		told = false;
		if (m->arg) {
			const char *end = memchr(typed, 3, n_typed);
			size_t drop = end ? (size_t)(end - typed) + 1 : n_typed;

			memmove(typed, typed + drop, n_typed -= drop);
		}
		break;
	case CONSOLE_RECALL:
		console_tell(CONSOLE_DATA, 0, "web said\nthis\n", 14);
		console_tell(m->arg == 99 ? CONSOLE_FAILED : CONSOLE_DONE, 0, NULL, 0);
		world.recalled = m->arg;
		snprintf(
			world.recalled_name, sizeof(world.recalled_name), "%.*s", m->len, text);
		break;
	case CONSOLE_DMESG:
		console_put(CONSOLE_DATA, "booted\nfine\n", 12);
		if (!dies)
			console_put(CONSOLE_DONE, NULL, 0);
		break;
	default:
		fail();
	}
}

void console_detaches(void)
{
	console_put(CONSOLE_DETACHED, NULL, 0);
	world_run();
}

/* Gives the shell the next line, or keys. */
bool console_type(void)
{
	size_t n = 0;

	if (!asked && !told && memchr(typed, 3, n_typed)) {
		told = true;
		console_put(CONSOLE_INTERRUPT, NULL, 0);
		return true;
	}
	if (!asked || !n_typed)
		return false;
	while (n < n_typed && n < CONSOLE_CHUNK_MAX && !strchr("\r\n\t", typed[n]))
		n++;
	if (n < n_typed && n < CONSOLE_CHUNK_MAX) {
		n++;
		asked = false;
	}
	console_put(CONSOLE_DATA, typed, n);
	memmove(typed, typed + n, n_typed -= n);
	return true;
}

bool console_serve(void)
{
	static struct {
		struct console_msg m;
		char text[CONSOLE_CHUNK_MAX];
	} rec;
	bool any = false;

	while (ring_get(&console_chan.req, &rec, sizeof(rec)) >= 0) {
		console_record(&rec.m);
		any = true;
	}
	(void)ring_get_flush(&console_chan.req);
	return any;
}

bool console_floods(uint32_t n)
{
	while (n--)
		console_put(CONSOLE_DATA, "x", 1);
	return chan_event(&console_chan) && ring_get_idle(&console_chan.c.rsp);
}

void console_keys(const char *keys)
{
	assert_true(strlen(keys) <= sizeof(typed) - n_typed);
	memcpy(typed + n_typed, keys, strlen(keys));
	n_typed += strlen(keys);
}
