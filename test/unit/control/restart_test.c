/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * restart_test.c - control ends at any moment, and its next life takes over what it left
 *
 * Each life of control is a process of its own. The world around it (services, VMMs, the
 * kernel's view of control's CNode, the memory that outlives control) is shared by all of them.
 *
 * Lifecycle   for each moment n: a world, a life that ends at its n-th moment, a life that may
 *             end while it takes over, and one that takes over, looks, and ends all guests.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "caps/caps.h"
#include "cuts.h"
#include "fake_parts.h"
#include "fakes.h"
#include "guest/connect.h"
#include "guest/kept.h"
#include "guest/link.h"

enum { KEPT_SIZE = 2 << 20, HOST_NODES = 2 };

#define GUEST(name, digit) \
	"name='" name \
	"'\ntype='pvh'\nmemory=64\nmaxmem=128\nvcpus=2\nkernel='/guests/vmlinuz'\nramdisk='/guests/i'\n" \
	"disk=['phy:/dev/disk/by-partlabel/root,xvda,w']\nvif=['mac=00:16:3e:00:00:0" digit \
	"']\non_poweroff='preserve'\nuuid='01234567-89ab-cdef-0123-456789abcde" digit "'\n"

static uint8_t *kept;
/* What is certain at the moment, whatever happens to control. */
static struct sure {
	uint32_t a, b; /* domids of guests that are there; 0: not certain */
	bool no_b;     /* there is none */
	bool a_down;   /* it has shut down, and is preserved */
	uint32_t moments;
	char where[64];
} * sure;

/*
 * LeakSanitizer would look at each of thousands of processes, which end in the middle of
 * things.
 */
const char *__asan_default_options(void);
const char *__asan_default_options(void) { return "detect_leaks=0"; }

/* ---- lives ---- */

static void world_begin(void)
{
	static struct domain_info info = { .n_channels = 1 };

	shared_clear();
	strcpy(info.channel[0].name, "guests");
	info.channel[0].data_vaddr = (uintptr_t)kept;
	info.channel[0].data_size = KEPT_SIZE;
	world.info = info;
	world.vmms_act = world.eager = true;
}

/* moment 0: it does not end. */
static void life_begin(uint32_t moment)
{
	world.slots = world.regions = 0;
	memset(world.screen, 0, sizeof(world.screen));
	world.n_screen = 0;
	if (world.control_lives && moment) /* the nodes of the pool are all written anew */
		cuts_begin(kept, 4096, moment);
	else
		cuts_begin(kept, 0, 0);
	world_init();
}

/* The first life: no table is there at its start. */
static void life_begin_first(uint32_t moment)
{
	life_begin(0);
	cuts_begin(kept, KEPT_INDEX_MAX, moment);
}

static void (*life_fn)(uint32_t moment);
static uint32_t life_moment;

static void life_run(void **state)
{
	(void)state;
	life_fn(life_moment);
	sure->moments = cuts_passed();
}

/* The status of a process that ran fn(moment). */
static int life(void (*fn)(uint32_t moment), uint32_t moment)
{
	const struct CMUnitTest one[] = { cmocka_unit_test(life_run) };
	pid_t child;
	int status;

	life_fn = fn;
	life_moment = moment;
	(void)fflush(NULL);
	child = fork();
	assert_true(child >= 0);
	if (!child)
		_exit(cmocka_run_group_tests_name("life", one, NULL, NULL));
	assert_int_equal(waitpid(child, &status, 0), child);
	return WIFEXITED(status) ? WEXITSTATUS(status) : 255;
}

/* ---- what happens before the end ---- */

static const struct dom *dom_named(const char *name)
{
	struct msg m;

	return domtab_find(&guests, name, &m);
}

static void at(const char *where) { snprintf(sure->where, sizeof(sure->where), "%s", where); }

static void command(const char *keys)
{
	at(keys);
	type(keys);
}

static void scenario(uint32_t moment)
{
	uint32_t knows = 32;

	at("start");
	life_begin_first(moment);
	command("create /guests/a.cfg\r");
	sure->a = dom_named("a")->domid;
	command("create -p /guests/b.cfg\r");
	sure->b = dom_named("b")->domid;
	at("grow");
	vmm_says(sure->a, VMCTL_GROW, 2, &knows, sizeof(knows));
	command("pause a\r");
	command("rename a aa\rmem-set aa 66\runpause aa\r");
	command("console aa\r");
	console_detaches();
	at("storage");
	service_dies(SERVICE_STORAGE);
	world_run();
	sure->b = 0;
	command("destroy b\r");
	sure->no_b = true;
	at("shutdown");
	vmm_says(sure->a, VMCTL_SHUTDOWN, REASON_POWEROFF, NULL, 0);
	sure->a_down = true;
	command("list\r");
}

/* ---- what is true after it ---- */

enum { CONNECTIONS = 7 };

static void guest_whole(const struct dom *d)
{
	assert_true(d->state == DOM_LIVE || d->state == DOM_DOWN);
	assert_int_equal(connections_of(d->domid), CONNECTIONS);
	assert_int_equal(guest_of(d)->n_conns, CONNECTIONS);
	assert_int_equal(guest_of(d)->doubt, 0);
	assert_int_equal(guest_of(d)->n_ram, 32);
	assert_true(guest_has_console(guest_of(d)));
	if (d->state == DOM_LIVE)
		assert_int_equal(vmm_paused(d->domid), d->paused);
}

static void all_whole(void)
{
	for (const struct dom *d = domtab_next(&guests, 0); d;
		d = domtab_next(&guests, d->domid))
		guest_whole(d);
}

static void time_goes_on(void)
{
	for (int i = 0; i < 8; i++) {
		world.later_ns += 2000000000;
		timers_expire();
	}
}

static void as_is_certain(void)
{
	const struct dom *d;

	if (sure->a) {
		d = domtab_get(&guests, sure->a);
		assert_non_null(d);
		if (sure->a_down)
			assert_int_equal(d->state, DOM_DOWN);
	}
	if (sure->b)
		assert_non_null(domtab_get(&guests, sure->b));
	if (sure->no_b)
		assert_null(dom_named("b"));
}

static void nothing_is_left(void)
{
	assert_null(domtab_next(&guests, 0));
	assert_int_equal(guest_pool.free, guest_pool.total);
	assert_int_equal(guest_pool.n_nodes, 1);
	for (int s = 0; s < SERVICE_COUNT; s++)
		assert_int_equal(connections_open((enum service)s), 0);
	assert_int_equal(vmms_there(), 0);
	assert_int_equal(node_count(), HOST_NODES);
	assert_null(kept_gone_at(0));
}

static void takes_over(uint32_t moment)
{
	life_begin(moment);
	time_goes_on();
}

static void last_life(uint32_t moment)
{
	uint32_t slots, a;

	takes_over(moment);
	assert_int_equal(slot_inherited(0), 0);
	all_whole();
	as_is_certain();
	if (kept_head()->attached) {
		assert_true(screen_has("1 guest goes on") || screen_has("2 guests go on"));
		assert_int_equal(world.attached, sure->a);
		console_detaches();
	}
	assert_true(screen_has("skerry# "));
	if (dom_named("a") || dom_named("aa"))
		type(dom_named("a") ? "destroy a\r" : "destroy aa\r");
	if (dom_named("b"))
		type("destroy b\r");
	time_goes_on();
	nothing_is_left();
	slots = (uint32_t)world.slots;
	/* and everything works as before */
	type("create /guests/a.cfg\r");
	a = dom_named("a")->domid;
	all_whole();
	type("destroy a\r");
	time_goes_on();
	assert_true(a);
	nothing_is_left();
	assert_int_equal(world.slots, slots);
}

/* ---- the cases ---- */

static int setup(void **state)
{
	static bool done;

	(void)state;
	if (!done) {
		file_add("/guests/a.cfg", GUEST("a", "a"));
		file_add("/guests/b.cfg", GUEST("b", "b"));
		file_add("/guests/auto/readme", "no guest");
		kept = shared_alloc(KEPT_SIZE);
		sure = shared_alloc(sizeof(*sure));
	}
	done = true;
	return 0;
}

static void tell(const char *what, uint32_t n, int status)
{
	if (status)
		print_error("control ended at moment %u (%s): %s: status %d\n%s\n%s\n", n,
			sure->where, what, status, world.screen, world.log);
	assert_int_equal(status, 0);
}

/* MOMENTS=1 looks at each of them. */
static uint32_t step_or(uint32_t usual)
{
	const char *text = getenv("MOMENTS");

	return text ? (uint32_t)strtoul(text, NULL, 10) : usual;
}

static void without_an_end(void **state)
{
	(void)state;
	world_begin();
	tell("the first life", 0, life(scenario, 0));
	tell("the next life", 0, life(last_life, 0));
}

static void ends_at_any_moment(void **state)
{
	uint32_t n, all, step = step_or(29);
	int status;

	(void)state;
	world_begin();
	assert_int_equal(life(scenario, 0), 0);
	all = sure->moments;
	for (n = 1; n <= all; n += step) {
		world_begin();
		status = life(scenario, n);
		assert_int_equal(status, CUT_STATUS);
		tell("the next life", n, life(last_life, 0));
	}
}

static void ends_while_it_takes_over(void **state)
{
	uint32_t step = step_or(83), all;

	(void)state;
	world_begin();
	assert_int_equal(life(scenario, 0), 0);
	all = sure->moments;
	for (uint32_t n = 1; n <= all; n += step) {
		uint32_t second = n * 7919 % 600 + 1;
		int status;

		world_begin();
		assert_int_equal(life(scenario, n), CUT_STATUS);
		status = life(takes_over, second);
		assert_true(status == 0 || status == CUT_STATUS);
		tell("the life after the next", n, life(last_life, 0));
	}
}

/* ---- the guests that start with the host ---- */

/* Without the stores: the first life makes the whole table. */
static void host_starts(uint32_t moment)
{
	cuts_begin(kept, 0, moment);
	world_init();
}

static void auto_guests_are_there(uint32_t moment)
{
	life_begin(moment);
	time_goes_on();
	assert_false(screen_has("exists already"));
	all_whole();
	assert_non_null(dom_named("one"));
	assert_non_null(dom_named("two"));
	assert_int_equal(kept_head()->auto_over, 1);
}

static void ends_while_the_host_starts(void **state)
{
	uint32_t all;

	(void)state;
	file_add("/guests/auto/2.cfg", GUEST("two", "2"));
	file_add("/guests/auto/1.cfg", GUEST("one", "1"));
	file_add("/guests/auto/3.cfg", "rubbish");
	world_begin();
	assert_int_equal(life(host_starts, 0), 0);
	all = sure->moments;
	for (uint32_t n = 1; n <= all; n += step_or(53)) {
		world_begin();
		assert_int_equal(life(host_starts, n), CUT_STATUS);
		tell("the next life", n, life(auto_guests_are_there, 0));
	}
}

#define T(name) cmocka_unit_test_setup(name, setup)
int main(void)
{
	const struct CMUnitTest tests[] = { T(without_an_end), T(ends_at_any_moment),
		T(ends_while_it_takes_over), T(ends_while_the_host_starts) };

	return cmocka_run_group_tests_name("restarts of control", tests, NULL, NULL);
}
