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
#define _GNU_SOURCE /* memmem */
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/array.h"
#include "caps/caps.h"
#include "cuts.h"
#include "fake_parts.h"
#include "fakes.h"
#include "guest/connect.h"
#include "guest/kept.h"
#include "guest/link.h"

/* A guest of which only the memory is known leaves its nodes below /vm, by its uuid. */
enum { HOST_NODES = 2, UUID_NODES = 4 };

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
	bool plugs;    /* devices come and go, so that one may be there or not */
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
	world.own_added = 0;
	world.own_used = (1 << 20) -
			 (100 << 10); /* too little for a guest, so it takes a piece */
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

static const struct dom *dom_named(const char *name) { return domtab_named(&guests, name); }

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
	sure->plugs = true;
	command("block-attach aa phy:/dev/disk/by-partlabel/data,xvdb,w\r");
	command("network-attach aa mac=00:16:3e:00:00:55\r");
	command("block-detach aa xvdb\r");
	command("network-detach aa 1\r");
	command("block-attach aa vdev=xvdc,devtype=cdrom\r");
	command("cd-insert aa xvdc /dev/disk/by-partlabel/data\r");
	command("cd-insert aa xvdc /dev/disk/by-partlabel/image\r");
	command("cd-eject aa xvdc\r");
	command("block-detach aa xvdc\r");
	command("save -c aa /dev/disk/by-partlabel/image\r");
	sure->plugs = false;
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

/* Its devices that have a connection. */
static uint32_t devices_of(const struct dom *d)
{
	uint32_t n = 0;

	for (uint32_t seat = 0; seat < GUEST_SEATS; seat++)
		n += guest_has_medium(d->config, seat);
	return n;
}

static void guest_whole(const struct dom *d)
{
	assert_true(d->state == DOM_LIVE || d->state == DOM_DOWN);
	assert_false(dom_suspended(d));
	/* those of its log, console, xenstore, kernel and ramdisk, and of its devices */
	assert_int_equal(guest_of(d)->n_conns, 5 + devices_of(d));
	/* one in doubt: its service made it, and control ended before it knew */
	if (!guest_of(d)->doubt || connections_of(d->domid) != guest_of(d)->n_conns + 1)
		assert_int_equal(connections_of(d->domid), guest_of(d)->n_conns);
	assert_true(sure->plugs || (guest_of(d)->doubt == 0 && devices_of(d) == 2));
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

/* In each life, control takes at most one piece for itself. */
static void own_memory_given(void)
{
	pool_piece_t own = pool_owned(&guest_pool, DOMID_RESERVED, 0);

	if (!own)
		return;
	assert_int_equal(pool_order(&guest_pool, own), 18);
	assert_int_equal(pool_owned(&guest_pool, DOMID_RESERVED, own), 0);
	pool_give(&guest_pool, own);
}

static void nothing_is_left(void)
{
	struct kept_guest k;

	assert_null(domtab_next(&guests, 0));
	for (uint32_t i = 0; i < DOMTAB_MAX; i++)
		assert_int_equal(kept_guest_load(i, &k), -SK_E_NOT_FOUND);
	own_memory_given();
	assert_int_equal(guest_pool.free, guest_pool.total);
	assert_int_equal(guest_pool.n_nodes, 1);
	for (int s = 0; s < SERVICE_COUNT; s++)
		assert_int_equal(connections_open((enum service)s), 0);
	assert_int_equal(vmms_there(), 0);
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
		assert_true(screen_has("the shell was restarted"));
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
	assert_int_equal(node_count(), HOST_NODES);
	slots = (uint32_t)world.slots;
	/* and everything works as before */
	type("create /guests/a.cfg\r");
	a = dom_named("a")->domid;
	all_whole();
	type("destroy a\r");
	time_goes_on();
	assert_true(a);
	nothing_is_left();
	assert_int_equal(node_count(), HOST_NODES);
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
		file_add("/guests/auto/start.xl", "xenstore-ls /vm");
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

/* ---- the table is damaged ---- */

enum { RANDOM_ROUNDS = 40 };
static uint32_t random_round;

/* The head of the table, and the stamps of a guest's two copies. */
enum { HEAD_BYTES = 48, STAMP_BYTES = 8 };

static void two_guests(uint32_t moment)
{
	life_begin_first(moment);
	type("create /guests/a.cfg\r");
	sure->a = dom_named("a")->domid;
	type("create /guests/b.cfg\r");
	sure->b = dom_named("b")->domid;
}

/* What happens to the table between two lives. */
static void guest_change(void (*fn)(struct kept_guest *g))
{
	struct kept_guest g;

	assert_int_equal(kept_guest_load(0, &g), 0);
	assert_string_equal(g.name, "a");
	fn(&g);
	kept_guest_store(0, &g);
}

static void config_change(void (*fn)(struct guest_config *c))
{
	static struct guest_config c;

	assert_true(kept_config_load(0, &c));
	fn(&c);
	kept_config_store(0, &c);
}

#define GUEST_DAMAGE(name, ...) \
	static void name##_in(struct kept_guest *g) { __VA_ARGS__; } \
	static void name(void) { guest_change(name##_in); }
#define CONFIG_DAMAGE(name, ...) \
	static void name##_in(struct guest_config *c) { __VA_ARGS__; } \
	static void name(void) { config_change(name##_in); }
#define FILL(field) memset((field), 'x', sizeof(field))

GUEST_DAMAGE(no_domid, g->domid = 0)
GUEST_DAMAGE(wild_domid, g->domid = DOMID_RESERVED)
GUEST_DAMAGE(wild_state, g->state = DOM_STATE_COUNT)
GUEST_DAMAGE(endless_name, FILL(g->name))
GUEST_DAMAGE(wild_n_conns, g->n_conns = ~0u)
GUEST_DAMAGE(most_conns, g->n_conns = KEPT_CONNS)
GUEST_DAMAGE(wild_service, g->conn[1].service = SERVICE_COUNT)
GUEST_DAMAGE(other_service, g->conn[1].service = SERVICE_XENSTORE)
GUEST_DAMAGE(wild_conn_step, g->conn[6].step = 200)
GUEST_DAMAGE(no_number, g->conn[1].number = 0)
GUEST_DAMAGE(wild_rings, g->conn[1].rings = ~(sk_cap_t)0)
GUEST_DAMAGE(no_rings, g->conn[1].rings = 0)
GUEST_DAMAGE(no_conn_signal, g->conn[1].client_signal = 0)
GUEST_DAMAGE(wrong_conn_signal, g->conn[1].client_signal = g->conn[2].rings)
GUEST_DAMAGE(wild_data, g->conn[4].data = ~(sk_cap_t)0)
GUEST_DAMAGE(wild_own, g->conn[1].own = ~(sk_cap_t)0)
GUEST_DAMAGE(wild_cnode, g->cnode = ~(sk_cap_t)0)
GUEST_DAMAGE(same_slot, g->keep = g->cnode)
GUEST_DAMAGE(wild_vcpu_sched, g->vcpu_sched[1] = ~(sk_cap_t)0)
GUEST_DAMAGE(wild_ctl_frame, g->ctl_frame = ~(sk_cap_t)0)
GUEST_DAMAGE(no_ctl_signal, g->ctl_signal = 0)
GUEST_DAMAGE(wild_n_more, g->n_more_max = POOL_NODES)
GUEST_DAMAGE(other_n_more, g->n_more_max++)

CONFIG_DAMAGE(endless_config_name, FILL(c->name))
CONFIG_DAMAGE(endless_kernel, FILL(c->kernel))
CONFIG_DAMAGE(endless_bootloader, FILL(c->bootloader))
CONFIG_DAMAGE(endless_cmdline, FILL(c->cmdline))
CONFIG_DAMAGE(wild_type, c->type = GUEST_TYPE_COUNT)
CONFIG_DAMAGE(endless_shim_path, FILL(c->shim.path))
CONFIG_DAMAGE(endless_shim_cmdline, FILL(c->shim.cmdline))
CONFIG_DAMAGE(endless_shim_extra, FILL(c->shim.extra))
CONFIG_DAMAGE(no_vcpus, c->vcpus = 0)
CONFIG_DAMAGE(many_vcpus, c->vcpus = c->maxvcpus = GUEST_VCPUS_MAX + 1)
CONFIG_DAMAGE(more_vcpus_than_most, c->vcpus = c->maxvcpus + 1)
CONFIG_DAMAGE(more_memory_than_most, c->memory = c->maxmem + 1)
CONFIG_DAMAGE(much_memory, c->maxmem = GUEST_MEMORY_MAX + 1)
CONFIG_DAMAGE(other_memory, c->maxmem += 2)
CONFIG_DAMAGE(no_weight, c->weight = 0)
CONFIG_DAMAGE(wild_on_poweroff, c->on_poweroff = ACTION_COUNT)
CONFIG_DAMAGE(wild_on_reboot, c->on_reboot = ACTION_COUNT)
CONFIG_DAMAGE(wild_on_crash, c->on_crash = ACTION_COUNT)
CONFIG_DAMAGE(many_modules, c->n_modules = GUEST_MODULES_MAX + 1)
CONFIG_DAMAGE(many_modules_in_the_shim, c->type = GUEST_PV; c->n_modules = GUEST_MODULES_MAX)
CONFIG_DAMAGE(many_disks, c->n_disks = GUEST_DISKS_MAX + 1)
CONFIG_DAMAGE(many_vifs, c->n_vifs = GUEST_VIFS_MAX + 1)
CONFIG_DAMAGE(many_parts, c->n_modules = GUEST_MODULES_MAX, c->n_disks = GUEST_DISKS_MAX)
CONFIG_DAMAGE(endless_path, FILL(c->modules[0].path))
CONFIG_DAMAGE(endless_args, FILL(c->modules[0].args))
CONFIG_DAMAGE(endless_target, FILL(c->disks[0].spec.target))
CONFIG_DAMAGE(endless_vdev, FILL(c->disks[0].spec.vdev))
CONFIG_DAMAGE(endless_label, FILL(c->disks[0].label))
CONFIG_DAMAGE(wild_format, c->disks[0].spec.format = DISK_FORMAT_COUNT)
CONFIG_DAMAGE(endless_bridge, FILL(c->vifs[0].bridge))
CONFIG_DAMAGE(endless_ip, FILL(c->vifs[0].ip))

static uint32_t *stamp_of_a(uint32_t copy)
{
	return (uint32_t *)(void *)(kept + HEAD_BYTES + copy * STAMP_BYTES);
}

static void sums_wrong(void)
{
	stamp_of_a(0)[1] ^= 1;
	stamp_of_a(1)[1] ^= 1;
}

/* Each copy has become another since its sum was made. */
static void bodies_torn(void)
{
	uint8_t *at = kept, *end = kept + KEPT_SIZE;
	uint32_t n = 0;

	for (; (at = memmem(at, (size_t)(end - at), "a\0\0\0\0\0\0\0", 8)) != NULL; at += 8)
		if (at - kept > KEPT_INDEX_MAX && n++ < 2)
			at[1] = 'x';
	assert_true(n >= 2);
}

/* The first piece of the guest with this use. */
static struct pool_node *node_of_a(enum pool_use use)
{
	struct pool_node *n = kept_pool_nodes();

	while (n < kept_pool_nodes() + POOL_NODES && (n->owner != sure->a || n->use != use))
		n++;
	assert_true(n < kept_pool_nodes() + POOL_NODES);
	return n;
}

#define NODE_DAMAGE(name, use_, ...) \
	static void name(void) \
	{ \
		struct pool_node *n = node_of_a(use_); \
		world.damaged = true; \
		__VA_ARGS__; \
	}
NODE_DAMAGE(wild_owner, POOL_BASE, n->owner = 0xffff)
NODE_DAMAGE(lost_base, POOL_BASE, n->owner = 0)
NODE_DAMAGE(lost_ram, POOL_RAM, n->owner = 0)
NODE_DAMAGE(lost_heap, POOL_HEAP, n->owner = 0)
NODE_DAMAGE(lost_device, POOL_DEVICE, n->owner = 0)
NODE_DAMAGE(wild_use, POOL_RAM, n->use = 0xff)
NODE_DAMAGE(wild_ram_nth, POOL_RAM, n->nth = 0xffff)
NODE_DAMAGE(gap_in_ram, POOL_RAM, n->nth = POOL_SET_MAX - 1)
NODE_DAMAGE(wild_device_nth, POOL_DEVICE, n->nth = 0xffff)
NODE_DAMAGE(other_device_nth, POOL_DEVICE, n->nth = 5)
NODE_DAMAGE(two_bases, POOL_RAM, n->use = POOL_BASE)
NODE_DAMAGE(half_that_is_itself, POOL_RAM,
	n->half[0] = n->half[1] = (pool_piece_t)(n - kept_pool_nodes()))
NODE_DAMAGE(halves_of_wild_numbers, POOL_RAM, n->half[0] = 0xffff, n->half[1] = POOL_NODES)
NODE_DAMAGE(halves_that_are_above, POOL_RAM, n->half[0] = n->parent, n->half[1] = 1)
NODE_DAMAGE(halves_of_another, POOL_RAM, n->half[0] = kept_pool_nodes()[n->parent].half[0],
	n->half[1] = kept_pool_nodes()[n->parent].half[1])
NODE_DAMAGE(stray_links, POOL_RAM, n->next = n->prev = 0xffff, n->free = true)
NODE_DAMAGE(wild_parent, POOL_RAM, n->parent = 0xffff)
NODE_DAMAGE(wild_order, POOL_RAM, n->order = 255)
NODE_DAMAGE(no_order, POOL_RAM, n->order = 0)
NODE_DAMAGE(wild_slot, POOL_RAM, n->slot = ~(sk_cap_t)0)
NODE_DAMAGE(same_piece_twice, POOL_RAM, n->slot = node_of_a(POOL_BASE)->slot)

/* Whose halves these are, so that both guests may lose by that. */
static void root_in_a_circle(void)
{
	world.damaged = true;
	kept_pool_nodes()[1].half[0] = 1;
	kept_pool_nodes()[1].half[1] = 2;
}

/* The same bytes in each run. */
static uint32_t random_next(void)
{
	static uint32_t x = 2463534242;

	x ^= x << 13;
	x ^= x >> 17;
	return x ^= x << 5;
}

static void bytes_spoil(void *at, size_t size)
{
	for (uint32_t n = random_next() % 4; n; n--)
		((uint8_t *)at)[random_next() % size] = (uint8_t)random_next();
}

/* With correct sums. */
static void random_bytes(void)
{
	struct kept_guest g;

	world.damaged = true;
	assert_int_equal(kept_guest_load(0, &g), 0);
	for (uint32_t n = random_round; n; n--)
		(void)random_next();
	bytes_spoil(&g, sizeof(g));
	bytes_spoil(kept_pool_nodes(), 16 * sizeof(struct pool_node));
	kept_guest_store(0, &g);
}

static void last_domid_wild(void) { kept_head()->last_domid = ~0u; }

static void attached_to_nobody(void) { kept_head()->attached = ~0u; }

enum then { BOTH_GO_ON, B_GOES_ON, ANY };
#define D(name, then) \
	{ \
#name, name, then \
	}
static const struct damage {
	const char *name;
	void (*fn)(void);
	enum then then;
} damages[] = {
	D(no_domid, B_GOES_ON),
	D(wild_domid, B_GOES_ON),
	D(wild_state, B_GOES_ON),
	D(endless_name, B_GOES_ON),
	D(wild_n_conns, B_GOES_ON),
	D(most_conns, B_GOES_ON),
	D(wild_service, B_GOES_ON),
	D(other_service, B_GOES_ON),
	D(wild_conn_step, B_GOES_ON),
	D(no_number, B_GOES_ON),
	D(wild_rings, B_GOES_ON),
	D(no_rings, B_GOES_ON),
	D(no_conn_signal, B_GOES_ON),
	D(wrong_conn_signal, B_GOES_ON),
	D(wild_data, B_GOES_ON),
	D(wild_own, B_GOES_ON),
	D(wild_cnode, B_GOES_ON),
	D(same_slot, B_GOES_ON),
	D(wild_vcpu_sched, B_GOES_ON),
	D(wild_ctl_frame, B_GOES_ON),
	D(no_ctl_signal, B_GOES_ON),
	D(wild_n_more, B_GOES_ON),
	D(other_n_more, B_GOES_ON),
	D(endless_config_name, B_GOES_ON),
	D(endless_kernel, B_GOES_ON),
	D(endless_bootloader, B_GOES_ON),
	D(endless_cmdline, B_GOES_ON),
	D(wild_type, B_GOES_ON),
	D(endless_shim_path, B_GOES_ON),
	D(endless_shim_cmdline, B_GOES_ON),
	D(endless_shim_extra, B_GOES_ON),
	D(no_vcpus, B_GOES_ON),
	D(many_vcpus, B_GOES_ON),
	D(more_vcpus_than_most, B_GOES_ON),
	D(more_memory_than_most, B_GOES_ON),
	D(much_memory, B_GOES_ON),
	D(other_memory, B_GOES_ON),
	D(no_weight, B_GOES_ON),
	D(wild_on_poweroff, B_GOES_ON),
	D(wild_on_reboot, B_GOES_ON),
	D(wild_on_crash, B_GOES_ON),
	D(many_modules, B_GOES_ON),
	D(many_modules_in_the_shim, B_GOES_ON),
	D(many_disks, B_GOES_ON),
	D(many_vifs, B_GOES_ON),
	D(many_parts, B_GOES_ON),
	D(endless_path, B_GOES_ON),
	D(endless_args, B_GOES_ON),
	D(endless_target, B_GOES_ON),
	D(endless_vdev, B_GOES_ON),
	D(endless_label, B_GOES_ON),
	D(wild_format, B_GOES_ON),
	D(endless_bridge, B_GOES_ON),
	D(endless_ip, B_GOES_ON),
	D(sums_wrong, B_GOES_ON),
	D(bodies_torn, B_GOES_ON),
	D(wild_owner, B_GOES_ON),
	D(lost_base, B_GOES_ON),
	D(lost_ram, B_GOES_ON),
	D(lost_heap, B_GOES_ON),
	D(lost_device, B_GOES_ON),
	D(wild_use, B_GOES_ON),
	D(wild_ram_nth, B_GOES_ON),
	D(gap_in_ram, B_GOES_ON),
	D(wild_device_nth, B_GOES_ON),
	D(other_device_nth, B_GOES_ON),
	D(two_bases, B_GOES_ON),
	D(half_that_is_itself, BOTH_GO_ON),
	D(halves_of_wild_numbers, BOTH_GO_ON),
	D(halves_that_are_above, BOTH_GO_ON),
	D(halves_of_another, BOTH_GO_ON),
	D(stray_links, BOTH_GO_ON),
	D(wild_parent, ANY),
	D(wild_order, ANY),
	D(no_order, ANY),
	D(wild_slot, ANY),
	D(same_piece_twice, ANY),
	D(root_in_a_circle, ANY),
	D(last_domid_wild, BOTH_GO_ON),
	D(attached_to_nobody, BOTH_GO_ON),
};
static const struct damage *damage;

static void destroy_all(void)
{
	const struct dom *d;
	char keys[32];

	for (uint32_t domid = 0; (d = domtab_next(&guests, domid)) != NULL;) {
		domid = d->domid;
		snprintf(keys, sizeof(keys), "destroy %u\r", domid);
		type(keys);
	}
}

/* No guest and no memory is left over, and a guest is made as ever. */
static void damaged_life(uint32_t moment)
{
	kept_init(kept, KEPT_SIZE);
	damage->fn();
	takes_over(moment);
	assert_int_equal(slot_inherited(0), 0);
	if (damage->then != ANY)
		guest_whole(domtab_get(&guests, sure->b));
	if (damage->then == BOTH_GO_ON)
		guest_whole(domtab_get(&guests, sure->a));
	else if (damage->then == B_GOES_ON)
		assert_null(dom_named("a"));
	if (damage->then == B_GOES_ON)
		assert_non_null(strstr(world.log, "it is ended"));
	destroy_all();
	time_goes_on();
	nothing_is_left();
	assert_true(damage->then == ANY || node_count() <= HOST_NODES + UUID_NODES);
	type("create /guests/a.cfg\r");
	all_whole();
	type("destroy a\r");
	time_goes_on();
	nothing_is_left();
}

static void two_guests_are_there(void)
{
	world_begin();
	assert_int_equal(life(two_guests, 0), 0);
	shared_save();
}

/* True: the next life did not go as it should. */
static bool damage_fails(void)
{
	int status;

	shared_restore();
	at(damage->name);
	status = life(damaged_life, 0);
	if (status)
		print_error("%s, round %u: status %d\n%s\n%s\n", damage->name, random_round,
			status, world.screen, world.log);
	return status;
}

static void damage_of_each_kind(void **state)
{
	uint32_t failed = 0;

	(void)state;
	two_guests_are_there();
	for (damage = damages; damage < damages + ARRAY_SIZE(damages); damage++)
		failed += damage_fails();
	assert_int_equal(failed, 0);
}

static void damage_at_random(void **state)
{
	static const struct damage random = D(random_bytes, ANY);
	uint32_t failed = 0;

	(void)state;
	two_guests_are_there();
	damage = &random;
	for (random_round = 0; random_round < RANDOM_ROUNDS; random_round++)
		failed += damage_fails();
	assert_int_equal(failed, 0);
}

/* ---- charges ---- */

enum { EARLIER_MS = 700, LATER_MS = 30, MS = 1000000 };

/* What services did in an earlier life was charged there; what they do now is charged now. */
static void charged_life(uint32_t moment)
{
	const struct guest *g;

	world.worked_ns[SERVICE_XENSTORE] = EARLIER_MS * MS;
	takes_over(moment);
	g = guest_of(domtab_get(&guests, sure->a));
	assert_true(world.usages > 0);
	assert_int_equal(g->served_in_all, 0);
	world.worked_ns[SERVICE_XENSTORE] += LATER_MS * MS;
	time_goes_on();
	assert_int_equal(g->served_in_all, LATER_MS * MS);
}

static void charges_begin_anew(void **state)
{
	(void)state;
	two_guests_are_there();
	shared_restore();
	tell("charges", 0, life(charged_life, 0));
}

/* Memory that is new is not erased, which would take long; what is no table is. */
static void a_new_table(void **state)
{
	uint8_t *mem = calloc(1, KEPT_SIZE);

	(void)state;
	assert_non_null(mem);
	mem[kept_size() - 1] = 0x5a;
	kept_init(mem, KEPT_SIZE);
	assert_false(kept_resumed());
	assert_int_equal(mem[kept_size() - 1], 0x5a);
	kept_init(mem, KEPT_SIZE);
	assert_true(kept_resumed());
	kept_head()->last_domid = 5;
	mem[0] ^= 1;
	kept_init(mem, KEPT_SIZE);
	assert_false(kept_resumed());
	assert_int_equal(mem[kept_size() - 1] | kept_head()->last_domid, 0);
	kept_init(mem, KEPT_SIZE);
	assert_true(kept_resumed());
	kept_init(NULL, 0);
	free(mem);
}

/* ---- the table does not fit ---- */

static void memory_too_small(uint32_t moment)
{
	FILE *out = stdout;
	char *text;
	size_t n;

	(void)moment;
	world.info.channel[0].data_size = kept_size() - 1;
	stdout = open_memstream(&text, &n);
	world_init();
	(void)fclose(stdout);
	stdout = out;
	assert_non_null(strstr(text, "no guest outlives control: kept-memory `guests` has"));
	free(text);
	assert_false(kept_resumed());
	type("create /guests/a.cfg\r");
	all_whole();
	type("destroy a\r");
	time_goes_on();
	nothing_is_left();
}

static void without_room_for_the_table(void **state)
{
	(void)state;
	world_begin();
	tell("the first life", 0, life(memory_too_small, 0));
	tell("the next life", 0, life(memory_too_small, 0));
	for (uint32_t i = 0; i < KEPT_SIZE; i++)
		assert_int_equal(kept[i], 0);
}

#define T(name) cmocka_unit_test_setup(name, setup)
int main(void)
{
	const struct CMUnitTest tests[] = { T(without_an_end), T(ends_at_any_moment),
		T(ends_while_it_takes_over), T(damage_of_each_kind), T(damage_at_random),
		T(charges_begin_anew), T(a_new_table), T(without_room_for_the_table),
		T(ends_while_the_host_starts) };

	return cmocka_run_group_tests_name("restarts of control", tests, NULL, NULL);
}
