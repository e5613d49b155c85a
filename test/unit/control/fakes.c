/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * fakes.c - the world around the control domain: its parts act in turn until none has work left
 *
 * Lifecycle   world_init() once per process.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>

#include "client/calls.h"
#include "client/host.h"
#include "client/services.h"
#include "ctl/ctl.h"
#include "client/scribe.h"
#include "fake_parts.h"
#include "guest/accuse.h"
#include "guest/guest_pool.h"
#include "guest/keep.h"
#include "guest/kept.h"
#include "guest/life.h"
#include "guest/reopen.h"
#include "guest/store.h"
#include "guest/vmctl.h"
#include "host_log.h"
#include "log.h"
#include "requests.h"
#include "xenstore.h"
#include "cli/shell.h"

static struct {
	void *at, *saved;
	size_t size;
} shared[16];

void *shared_alloc(size_t size)
{
	void *at = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	size_t i = 0;

	assert_ptr_not_equal(at, MAP_FAILED);
	while (shared[i].at)
		i++;
	shared[i].at = at;
	shared[i].size = size;
	return at;
}

void shared_clear(void)
{
	for (size_t i = 0; shared[i].at; i++)
		assert_int_equal(madvise(shared[i].at, shared[i].size, MADV_REMOVE), 0);
}

void shared_save(void)
{
	for (size_t i = 0; shared[i].at; i++) {
		if (!shared[i].saved)
			shared[i].saved = malloc(shared[i].size);
		assert_non_null(shared[i].saved);
		memcpy(shared[i].saved, shared[i].at, shared[i].size);
	}
}

void shared_restore(void)
{
	for (size_t i = 0; shared[i].at; i++)
		memcpy(shared[i].at, shared[i].saved, shared[i].size);
}

void *world_malloc(size_t size)
{
	return world.no_piece && size >= world.no_piece ? NULL : realloc(NULL, size);
}

struct world_state *the_world;

static void __attribute__((constructor)) world_make(void)
{
	the_world = shared_alloc(sizeof(*the_world));
}

/*
 * KEEP4: what changed is in the table that outlives control, though not every guest was
 * compared.
 */
static void all_is_kept(void)
{
	enum { STAMPS = sizeof(struct kept_head) + DOMTAB_MAX * 16 };
	static uint8_t before[STAMPS];

	for (uint32_t i = 0; i < DOMTAB_MAX; i++) {
		if (!kept_guest_stored(i) || guests.dom[i].state == DOM_FREE)
			continue;
		memcpy(before, kept_head(), STAMPS);
		dom_touch(&guests.dom[i]);
		guests_keep();
		assert_memory_equal(before, kept_head(), STAMPS);
	}
}

void world_run(void)
{
	bool any;

	do {
		while (raised) {
			uint32_t bit = (uint32_t)__builtin_ctzll(raised);

			raised &= raised - 1;
			bit_fn[bit](bit_ctx[bit]);
		}
		any = chan_event(&console_chan);
		any = chan_event(&xs_chan) || any;
		any = chan_event(&scribe_chan) || any;
		any = chan_event(&files_chan) || any;
		any = chan_event(&ctl_chan) || ctl_chan.c.spent || any;
		any = tool_event() || any;
		any = calls_serve() || any;
		any = console_serve() || any;
		any = console_type() || any;
		any = files_serve() || any;
		any = scribe_serve() || any;
		any = xs_serve() || any;
		any = timers_due() || any;
		any = vmms_serve() || any;
	} while (any || raised);
	all_is_kept();
}

/* Forgets the log when it is nearly full. */
static void log_add(const char *fmt, va_list ap)
{
	size_t len = strlen(world.log), room = sizeof(world.log) - len;

	if (room < 512)
		len = 0;
	vsnprintf(world.log + len, sizeof(world.log) - len, fmt, ap);
}

static void log_line(const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	log_add(fmt, ap);
	va_end(ap);
}

static void log_write(void *ctx, const char *text, size_t len)
{
	(void)ctx;
	log_line("%.*s", (int)len, text);
}
const struct out log_out = { .write = log_write };

void guest_log(uint32_t domid, const char *fmt, ...)
{
	va_list ap;

	world.log_about = domid;
	va_start(ap, fmt);
	log_add(fmt, ap);
	va_end(ap);
}

static void tool_channel_add(struct domain_info *info)
{
	struct domain_channel *c = &info->channel[info->n_channels++];

	strcpy(c->name, "shell");
	c->proto = SVC_PROTO_CTL;
	c->bit = BIT_CTL;
}

static void info_make(void)
{
	void *want = (void *)(uintptr_t)DOMAIN_INFO_VADDR;
	void *got = mmap(want, sizeof(struct domain_info), PROT_READ | PROT_WRITE,
		MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);

	assert_ptr_equal(got, want);
	*(struct domain_info *)got = world.info;
	((struct domain_info *)got)->epoch = world.control_lives++;
	tool_channel_add(got);
}

void world_init(void)
{
	info_make();
	slots_begin();
	ctl_listen();
	guests_init();
	reopen_init();
	accuse_init();
	assert_int_equal(host_init(), 0);
	assert_int_equal(keep_init(), 0);
	assert_int_equal(guest_pool_init(), 0);
	assert_int_equal(xs_client_init(), 0);
	assert_int_equal(requests_init(abort), 0);
	assert_int_equal(scribe_init(), 0);
	assert_int_equal(vmctl_init(), 0);
	calls_init();
	assert_int_equal(guests_adopt(), 0);
	assert_int_equal(services_init(), 0);
	guest_store_resume();
	assert_int_equal(ctl_init(), 0);
	assert_int_equal(shell_init(), 0);
	tool_connect();
	guests_run();
	world_run();
}

void type(const char *keys)
{
	memset(world.screen, 0, sizeof(world.screen));
	world.n_screen = 0;
	console_keys(keys);
	world_run();
}

bool screen_has(const char *text) { return strstr(world.screen, text) != NULL; }
