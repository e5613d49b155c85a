/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * build_test.c - a domain from its image to its first instruction, on the kernel of kern.h
 */
#include "kern.h"

#include <stdlib.h>

#include "caps/caps.h"
#include "caps/internal.h"
#include "proc/internal.h"
#include "proto/init.h"
#include "svc/svc.h"
#include "sys/sk.h"

enum {
	SLOTS = 2000,
	PARENT = 30,
	NTFN,
	SERVICE,
	MEMORY, /* the domain's memory: an untyped that the builder holds */
	FILE_A,
	FILE_B,
	MEMORY_ORDER = 20,
	FILE_SIZE = 0x2200,
	TEXT = 0x10000000,
	DATA = 0x10001100
};

static struct proc_image image;
static struct proc proc;
static struct proc_spec spec;
static unsigned int taken;

static unsigned int slots_taken(void)
{
	unsigned int n = 0;

	for (uint32_t i = DOMAIN_CAP_FREE; i < SLOTS; i++) {
		n += slot_meta[i].used;
		assert_true(slot_meta[i].used || !kern_own(i)->obj);
	}
	return n;
}

/* ---- an executable of two segments, in two frames of the boot archive ---- */
static void put(uint8_t *file, size_t at, uint64_t v, size_t n) { memcpy(file + at, &v, n); }

static void segment(uint8_t *file, unsigned int n, uint32_t flags, uint64_t offset,
	uint64_t vaddr, uint64_t filesz, uint64_t memsz)
{
	size_t at = 64 + n * 56;

	put(file, at, 1, 4);
	put(file, at + 4, flags, 4);
	put(file, at + 8, offset, 8);
	put(file, at + 16, vaddr, 8);
	put(file, at + 32, filesz, 8);
	put(file, at + 40, memsz, 8);
}

static void file_make(uint8_t *file)
{
	memcpy(file, "\177ELF\2\1\1", 7);
	put(file, 16, 2, 2);
	put(file, 18, 62, 2);
	put(file, 24, TEXT + 0x10, 8);
	put(file, 32, 64, 8);
	put(file, 54, 56, 2);
	put(file, 56, 2, 2);
	segment(file, 0, 5, 0, TEXT, 0x800, 0x800);
	segment(file, 1, 6, 0x1100, DATA, 0x1100, 0x5000);
	memset(file + 0x800, 0x33, 0x900);
	memset(file + 0x1100, 0x44, 0x1100);
}

/* The file starts in the second page of one frame and continues in another frame. */
static void image_make(void)
{
	static uint8_t file[FILE_SIZE];
	const char *why;

	file_make(file);
	(void)kern_frame(FILE_A, 14);
	(void)kern_frame(FILE_B, 13);
	memcpy(kern.phys + kern_own(FILE_A)->obj->paddr + 4096, file, 4096);
	memcpy(kern.phys + kern_own(FILE_B)->obj->paddr, file + 4096, FILE_SIZE - 4096);
	image = (struct proc_image){ .n_pieces = 2,
		.piece = { { FILE_A, 14, 4096, 4096 }, { FILE_B, 13, 0, FILE_SIZE - 4096 } },
		.base = file,
		.size = FILE_SIZE };
	assert_int_equal(proc_image_init(&image, &why), 0);
}

/* Where the builder's next mapping would be. */
static void *free_address(void)
{
	sk_cap_t f;
	void *v;

	assert_int_equal(vm_alloc(12, &f, &v), 0);
	vm_unmap(v, f, 12);
	cap_drop(f);
	return v;
}

static void start(void)
{
	struct domain_info *info;

	kern_start(SLOTS + 1);
	info = kern_domain();
	info->free_slot = DOMAIN_CAP_FREE;
	info->n_slots = SLOTS;
	info->n_untyped = 1;
	info->untyped_order[0] = 22;
	info->wall_boot_ns = 1234;
	(void)kern_untyped(DOMAIN_CAP_UNTYPED, 22);
	(void)kern_object(SK_CAP_CTL_SCHED, SK_OBJ_CTL_SCHED);
	(void)kern_frame(SK_CAP_INFO, 12);
	(void)kern_object(PARENT, SK_OBJ_ENDPOINT);
	(void)kern_object(NTFN, SK_OBJ_NOTIFICATION);
	(void)kern_object(SERVICE, SK_OBJ_ENDPOINT);
	(void)kern_untyped(MEMORY, MEMORY_ORDER);
	kern_own(PARENT)->badge = 7;
	assert_int_equal(caps_init(), 0);
	/*
	 * the builder's own page tables stay once they are made; making them now keeps them out
	 * of the counts
	 */
	(void)free_address();
	image_make();
	spec = (struct proc_spec){ .name = "test",
		.args = "a=1\n",
		.epoch = 3,
		.image = &image,
		.untyped = MEMORY,
		.fault_ep = PARENT,
		.parent_ep = PARENT,
		.ntfn = NTFN,
		.service = SERVICE,
		.ctl_sched = SK_CAP_CTL_SCHED,
		.sched = { 1, 20, 300, 4000, 10000 } };
	taken = slots_taken();
}

static struct kern_cap *cap_of(sk_cap_t slot)
{
	return kern_cap(kern_own(proc.cnode)->obj, slot);
}

static struct kern_object *space(void) { return kern_own(proc.space)->obj; }

static void has(sk_cap_t slot, struct kern_object *obj, uint32_t rights, uint64_t badge)
{
	assert_ptr_equal(cap_of(slot)->obj, obj);
	assert_int_equal(cap_of(slot)->rights, rights);
	assert_int_equal(cap_of(slot)->badge, badge);
}

/* ---- cases ---- */
static void a_domain_has_its_capabilities(void)
{
	struct kern_object *t;
	sk_cap_t thread;

	start();
	assert_int_equal(proc_create(&proc, &spec), 0);
	thread = proc.thread;
	t = kern_own(thread)->obj;
	has(SK_CAP_CNODE, kern_own(proc.cnode)->obj, SK_ALL, 0);
	has(SK_CAP_SPACE, space(), SK_ALL, 0);
	has(SK_CAP_THREAD, t, SK_ALL, 0);
	has(SK_CAP_SCHED, kern_own(proc.sched)->obj, SK_ALL, 0);
	has(DOMAIN_CAP_SERVICE, kern_own(SERVICE)->obj, SK_R, 0);
	has(DOMAIN_CAP_NTFN, kern_own(NTFN)->obj, SK_ALL, 0);
	has(DOMAIN_CAP_PARENT, kern_own(PARENT)->obj, SK_W | SK_GRANT, 7);
	assert_int_equal(cap_of(DOMAIN_CAP_REPLY)->obj->type, SK_OBJ_REPLY);
	assert_int_equal(kern_used(kern_own(proc.cnode)->obj), 8); /* and it has nothing else */
	assert_ptr_equal(t->cnode, kern_own(proc.cnode)->obj);
	assert_ptr_equal(t->vspace, space());
	assert_ptr_equal(t->fault, kern_own(PARENT)->obj);
	assert_int_equal(t->fault_badge, 7);
	assert_int_equal(t->utcb, DOMAIN_UTCB_VADDR);
	assert_ptr_equal(t->bound, kern_own(NTFN)->obj);
	assert_ptr_equal(t->sched, kern_own(proc.sched)->obj);
	assert_int_equal(t->sched->cpu, 1);
	assert_int_equal(t->sched->priority, 20);
	assert_int_equal(t->sched->weight, 300);
	assert_int_equal(t->sched->budget, 4000);
	assert_int_equal(t->sched->period, 10000);
	assert_false(t->runs);
	assert_int_equal(proc_start(&proc), 0);
	assert_true(t->runs);
	assert_int_equal(t->regs.rip, TEXT + 0x10);
	assert_int_equal(t->regs.rsp, DOMAIN_STACK_TOP);
	assert_int_equal(t->regs.rdi, DOMAIN_INFO_VADDR);
	assert_int_equal(t->regs.rflags, 0x202);
	proc_stop(&proc);
	assert_false(t->runs);
}

static void where_its_memory_is(void)
{
	struct kern_object *s;
	uint64_t file_a, stack;
	uint32_t rights;
	uint8_t *p;

	start();
	assert_int_equal(proc_create(&proc, &spec), 0);
	s = space();
	file_a = kern_own(FILE_A)->obj->paddr;
	/* text: the archive's own page, which all instances share */
	p = kern_view(s, TEXT, &rights);
	assert_ptr_equal(p, kern.phys + file_a + 4096);
	assert_int_equal(rights, SK_R | SK_EXEC);
	/* data: a copy, with the bytes before it in its page, and followed by zeros */
	p = kern_view(s, DATA, &rights);
	assert_int_equal(rights, SK_R | SK_W);
	assert_true(p != kern.phys + kern_own(FILE_B)->obj->paddr + 0x100);
	for (uint64_t at = DATA; at < DATA + 0x5000; at++)
		assert_int_equal(*kern_view(s, at, NULL), at < DATA + 0x1100 ? 0x44 : 0);
	assert_null(kern_view(s, TEXT - 1, NULL));
	assert_null(kern_view(s, DATA + 0x5f00, NULL));
	/* a stack of 64 KiB above an unmapped page */
	stack = DOMAIN_STACK_TOP - (1 << 16);
	assert_non_null(kern_view(s, stack, &rights));
	assert_int_equal(rights, SK_R | SK_W);
	assert_non_null(kern_view(s, DOMAIN_STACK_TOP - 1, NULL));
	assert_null(kern_view(s, stack - 1, NULL));
	assert_null(kern_view(s, DOMAIN_STACK_TOP, NULL));
	/* pages that it can only read */
	assert_non_null(kern_view(s, DOMAIN_INFO_VADDR, &rights));
	assert_int_equal(rights, SK_R);
	assert_ptr_equal(kern_view(s, DOMAIN_KINFO_VADDR, &rights),
		kern.phys + kern_own(SK_CAP_INFO)->obj->paddr);
	assert_int_equal(rights, SK_R);
	/* the mappings are capabilities in a CNode that the domain cannot reach */
	for (uint32_t i = 0; i < s->n_maps; i++) {
		const struct kern_cap *c = s->map[i].cap;

		assert_true(c >= kern_cap(kern_own(proc.keep)->obj, 1) &&
			    c < kern_cap(kern_own(proc.keep)->obj, 1) + 99);
	}
	for (uint32_t i = 1; i < proc.n_slots; i++)
		assert_ptr_not_equal(cap_of(i)->obj, kern_own(proc.keep)->obj);
}

static void a_domain_reads_its_start_page(void)
{
	const struct domain_info *info;
	char name[40], args[DOMAIN_ARGS_MAX + 1];

	start();
	assert_int_equal(proc_create(&proc, &spec), 0);
	info = (void *)kern_view(space(), DOMAIN_INFO_VADDR, NULL);
	assert_int_equal(info->magic, DOMAIN_MAGIC);
	assert_int_equal(info->version, DOMAIN_VERSION);
	assert_int_equal(info->epoch, 3);
	assert_string_equal(info->name, "test");
	assert_string_equal(info->args, "a=1\n");
	assert_int_equal(info->n_slots, SK_CNODE_SLOTS(15));
	assert_int_equal(info->free_slot, DOMAIN_CAP_FREE);
	assert_int_equal(info->wall_boot_ns, 1234);
	/* the builder can write it until the start only */
	strcpy(proc.info->args, "b=2\n");
	assert_string_equal(info->args, "b=2\n");
	assert_int_equal(proc_start(&proc), 0);
	assert_null(proc.info);
	assert_int_equal(kern.space->n_maps, 1);
	proc_destroy(&proc);
	spec.free_slot = 400;
	spec.cnode_order = 17;
	spec.stack_order = 14;
	spec.wall_boot_ns = 99;
	spec.args = NULL;
	assert_int_equal(proc_create(&proc, &spec), 0);
	info = proc.info;
	assert_int_equal(info->free_slot, 400);
	assert_int_equal(info->n_slots, SK_CNODE_SLOTS(17));
	assert_int_equal(info->wall_boot_ns, 99);
	assert_string_equal(info->args, "");
	assert_null(kern_view(space(), DOMAIN_STACK_TOP - (1 << 14) - 1, NULL));
	proc_destroy(&proc);
	/* text that does not fit is refused, not cut */
	memset(name, 'n', sizeof(name));
	name[DOMAIN_NAME_MAX] = '\0';
	spec.name = name;
	assert_int_equal(proc_create(&proc, &spec), -SK_E_RANGE);
	name[DOMAIN_NAME_MAX - 1] = '\0';
	memset(args, 'a', sizeof(args));
	args[DOMAIN_ARGS_MAX] = '\0';
	spec.args = args;
	assert_int_equal(proc_create(&proc, &spec), -SK_E_RANGE);
	args[DOMAIN_ARGS_MAX - 1] = '\0';
	assert_int_equal(proc_create(&proc, &spec), 0);
}

/* A revoke of its memory ends it; objects that were given from outside stay. */
static void nothing_is_left(void)
{
	sk_cap_t endpoint;
	void *first;

	start();
	first = free_address();
	assert_int_equal(proc_create(&proc, &spec), 0);
	assert_int_equal(proc_start(&proc), 0);
	proc_destroy(&proc);
	assert_int_equal(slots_taken(), taken);
	assert_int_equal(kern_own(MEMORY)->obj->used, 0);
	assert_non_null(kern_own(NTFN)->obj);
	assert_non_null(kern_own(SERVICE)->obj);
	assert_int_equal(kern.space->n_maps, 1);
	/* objects that are not given are made from its memory */
	spec.ntfn = spec.service = spec.fault_ep = spec.parent_ep = 0;
	assert_int_equal(proc_create(&proc, &spec), 0);
	endpoint = proc.service;
	assert_int_equal(kern_own(endpoint)->obj->type, SK_OBJ_ENDPOINT);
	assert_int_equal(kern_own(proc.ntfn)->obj->type, SK_OBJ_NOTIFICATION);
	assert_null(kern_own(proc.thread)->obj->fault);
	assert_null(cap_of(DOMAIN_CAP_PARENT)->obj);
	proc_destroy(&proc);
	assert_int_equal(slots_taken(), taken);
	/* nor do the builder's addresses grow less, however many domains it makes */
	assert_ptr_equal(free_address(), first);
	proc_destroy(&proc); /* a second call does no harm */
	proc_stop(&proc);
}

static void failures_leave_nothing(void)
{
	unsigned int n = 0;
	int rc;

	start();
	spec.ntfn = 0;
	do {
		kern.fail_in = ++n;
		kern.fail_rc = -SK_E_NO_MEM;
		rc = proc_create(&proc, &spec);
		kern.fail_in = 0;
		if (!rc)
			break;
		assert_int_equal(slots_taken(), taken);
		assert_int_equal(kern_own(MEMORY)->obj->used, 0);
		assert_int_equal(kern.space->n_maps, 1);
	} while (n < 1000);
	assert_in_range(n, 50, 999);
	proc_destroy(&proc);
	assert_int_equal(slots_taken(), taken);
}

static void too_little_memory(void)
{
	start();
	(void)kern_untyped(FILE_B + 1, 16);
	spec.untyped = FILE_B + 1;
	assert_int_equal(proc_create(&proc, &spec), -SK_E_NO_MEM);
	assert_int_equal(slots_taken(), taken);
}

/* ---- filling ---- */
static void capabilities_are_given(void)
{
	struct proc_sched s = { 0, 5, 256, 0, 0 };
	sk_cap_t c, own = 0;

	start();
	assert_int_equal(proc_create(&proc, &spec), 0);
	taken = slots_taken();
	assert_int_equal(proc_give(&proc, 21, SERVICE, SK_W, 0), 0);
	has(21, kern_own(SERVICE)->obj, SK_W, 0);
	assert_int_equal(proc_give(&proc, 22, SERVICE, SK_W | SK_GRANT, 55), 0);
	has(22, kern_own(SERVICE)->obj, SK_W | SK_GRANT, 55);
	assert_int_equal(proc_give(&proc, 22, SERVICE, SK_W, 0), -SK_E_SLOT);
	assert_int_equal(cap_copy(NTFN, SK_W, 8, &c), 0);
	assert_int_equal(proc_move(&proc, 23, c), 0);
	has(23, kern_own(NTFN)->obj, SK_W, 8);
	assert_int_equal(slots_taken(), taken);
	assert_int_equal(proc_make(&proc, 24, SK_OBJ_VCPU, 0, 0), 0);
	assert_ptr_equal(cap_of(24)->parent, kern_own(MEMORY));
	/* a scheduling context of its own, and one that the builder can still configure */
	assert_int_equal(proc_sched(&proc, 25, SK_CAP_CTL_SCHED, &s, NULL), 0);
	assert_int_equal(slots_taken(), taken);
	assert_int_equal(cap_of(25)->obj->priority, 5);
	assert_int_equal(proc_sched(&proc, 26, SK_CAP_CTL_SCHED, &s, &own), 0);
	assert_ptr_equal(kern_own(own)->obj, cap_of(26)->obj);
	cap_drop(own);
	s.weight = 0;
	assert_int_equal(proc_sched(&proc, 27, SK_CAP_CTL_SCHED, &s, NULL), -SK_E_INVAL);
	s.weight = 256;
	assert_int_equal(proc_sched(&proc, 26, SK_CAP_CTL_SCHED, &s, NULL), -SK_E_SLOT);
	assert_int_equal(slots_taken(), taken);
	assert_null(cap_of(27)->obj);
}

static void memory_is_given(void)
{
	sk_cap_t own;

	start();
	assert_int_equal(proc_create(&proc, &spec), 0);
	assert_int_equal(proc_untyped(&proc, 14, 0), 0);
	assert_int_equal(proc_untyped(&proc, 15, DOMAIN_CAP_UNTYPED), 0);
	assert_int_equal(proc.info->n_untyped, 2);
	assert_int_equal(proc.info->untyped_order[1], 15);
	assert_int_equal(cap_of(DOMAIN_CAP_UNTYPED + 1)->obj->order, 15);
	assert_ptr_equal(cap_of(DOMAIN_CAP_UNTYPED + 1)->parent, kern_own(DOMAIN_CAP_UNTYPED));
	/* what the builder keeps for it comes from where the builder says, too */
	assert_int_equal(make_own(&proc, DOMAIN_CAP_UNTYPED, SK_OBJ_FRAME, 12, &own), 0);
	assert_ptr_equal(kern_own(own)->parent, kern_own(DOMAIN_CAP_UNTYPED));
	cap_drop(own);
	assert_int_equal(proc_untyped(&proc, 30, 0), -SK_E_NO_MEM);
	assert_int_equal(proc.info->n_untyped, 2);
	for (unsigned int i = 2; i < DOMAIN_UNTYPED_MAX; i++)
		assert_int_equal(proc_untyped(&proc, 12, 0), 0);
	assert_int_equal(proc_untyped(&proc, 12, 0), -SK_E_LIMIT);
	assert_null(cap_of(DOMAIN_CAP_UNTYPED + DOMAIN_UNTYPED_MAX)->obj);
}

static void pages_are_given(void)
{
	const uint64_t at = 0x20000000;
	uint8_t data[9000]; /* in two frames, of two pages and of one */
	uint32_t rights, from, to;
	sk_cap_t f;

	start();
	assert_int_equal(proc_create(&proc, &spec), 0);
	for (unsigned int i = 0; i < sizeof(data); i++)
		data[i] = (uint8_t)(i / 7 + 1);
	assert_int_equal(proc_data(&proc, at, data, 0, SK_R), -SK_E_INVAL);
	assert_int_equal(proc_data(&proc, at + 1, data, 1, SK_R), -SK_E_INVAL);
	assert_int_equal(proc_data(&proc, at, data, 1, SK_R | SK_EXEC), -SK_E_INVAL);
	assert_int_equal(proc_data(&proc, at, data, sizeof(data), 0), 0);
	for (unsigned int i = 0; i < 12288; i++)
		assert_int_equal(
			*kern_view(space(), at + i, &rights), i < sizeof(data) ? data[i] : 0);
	assert_int_equal(rights, SK_R);
	assert_null(kern_view(space(), at + 12288, NULL));
	assert_int_equal(proc_data(&proc, at + 12288, data, 1, SK_W), 0);
	assert_non_null(kern_view(space(), at + 12288, &rights));
	assert_int_equal(rights, SK_R | SK_W);
	/* part of a frame, as single pages where it is not aligned */
	assert_int_equal(object_make(SK_OBJ_FRAME, 16, &f), 0);
	taken = slots_taken();
	assert_int_equal(proc_map(&proc, f, at + 0x10000, 0x3000, 0x5000, SK_R), 0);
	assert_ptr_equal(kern_view(space(), at + 0x14fff, NULL),
		kern.phys + kern_own(f)->obj->paddr + 0x7fff);
	assert_null(kern_view(space(), at + 0x15000, NULL));
	assert_int_equal(proc_map(&proc, f, at + 0x20000, 0xf000, 0x2000, SK_R), -SK_E_RANGE);
	assert_int_equal(proc_map(&proc, f, at + 0x30001, 0, 4096, SK_R), -SK_E_INVAL);
	assert_int_equal(proc_map(&proc, PARENT, at + 0x30000, 0, 4096, SK_R), -SK_E_INVAL);
	assert_int_equal(slots_taken(), taken);
	/* not writable, although the builder's frame is */
	assert_int_equal(proc_map(&proc, f, at + 0x40000, 0, 4096, SK_R | SK_MAP_UNCACHED), 0);
	assert_non_null(kern_view(space(), at + 0x40000, &rights));
	assert_int_equal(rights, SK_R | SK_MAP_UNCACHED);
	/* and out again, with the tables that were made for it */
	from = proc_mark(&proc);
	assert_int_equal(proc_map(&proc, f, at + (5ull << 30), 0, 1 << 16, SK_R | SK_W), 0);
	to = proc_mark(&proc);
	assert_int_equal(proc_data(&proc, at + 0x50000, data, 1, SK_R), 0);
	proc_unmap(&proc, from, to);
	assert_null(kern_view(space(), at + (5ull << 30), NULL));
	assert_non_null(kern_view(space(), at + 0x50000, NULL));
	assert_true(proc_mark(&proc) > to);
	from = proc_mark(&proc);
	assert_int_equal(proc_map(&proc, f, at + (5ull << 30), 0, 1 << 16, SK_R), 0);
	assert_non_null(kern_view(space(), at + (5ull << 30), &rights));
	assert_int_equal(rights, SK_R);
	proc_unmap(&proc, from, proc_mark(&proc));
	assert_int_equal(proc_mark(&proc), from);
	/* addresses are aligned, to a large page at most, and do not overlap */
	assert_int_equal(proc_vaddr(&proc, 12) % 4096, 0);
	assert_int_equal(proc_vaddr(&proc, 14) % (1 << 14), 0);
	assert_int_equal(proc_vaddr(&proc, 24) % SK_LARGE_SIZE, 0);
	assert_true(proc_vaddr(&proc, 12) >= DOMAIN_CHANNEL_VADDR + (1 << 24));
}

static void orders_of_maps(void **state)
{
	(void)state;
	assert_int_equal(map_order(0, 0, 4096, 12), 12);
	assert_int_equal(map_order(0, 0, 12288, 20), 13);
	assert_int_equal(map_order(0, 4096, 1 << 20, 20), 12);
	assert_int_equal(map_order(0, 1 << 14, 1 << 20, 20), 14);
	assert_int_equal(map_order(0, 0, 1 << 20, 16), 16);
	assert_int_equal(map_order(SK_LARGE_SIZE, 0, 1ull << 32, 40), 29);
	assert_int_equal(map_order(4096, 0, SK_LARGE_SIZE, 21), 20);
	assert_int_equal(map_order(SK_LARGE_SIZE, 0, SK_LARGE_SIZE, 21), 21);
}

/* ---- images ---- */
static bool covers(struct proc_image *im)
{
	const char *why;

	return proc_image_init(im, &why) == 0;
}

#define BAD(field, value) \
	do { \
		struct proc_image im_ = image; \
		im_.field = (value); \
		assert_false(covers(&im_)); \
	} while (0)

static void pieces_that_do_not_fit(void)
{
	start();
	assert_true(covers(&image));
	BAD(n_pieces, 1);
	BAD(size, FILE_SIZE - 1);
	BAD(size, FILE_SIZE + 1);
	BAD(piece[0].offset, 2048);
	BAD(piece[0].order, 11);
	BAD(piece[0].order, SK_HUGE_ORDER + 1);
	BAD(piece[0].order, 12);
	BAD(piece[0].offset, 1 << 20);
	BAD(piece[1].offset, 4096 + 8192);
	BAD(piece[1].size, 0);
	BAD(piece[1].offset, 8192);
	BAD(piece[0].size, 4095);
}

static struct {
	uint64_t n, order, size, n_caps, words, segs;
	int rc;
} served;

static long serve_image(struct kern_msg *m)
{
	static const sk_cap_t files[2] = { FILE_A, FILE_B };
	const struct proc_piece *p = &image.piece[m->mr[0]];

	assert_int_equal(m->label, INIT_IMAGE);
	assert_in_range(m->mr[0], 0, served.n - 1);
	for (uint32_t i = 0; i < served.n_caps; i++)
		m->out[i] = (struct kern_cap){ .obj = kern_own(files[m->mr[0]])->obj,
			.rights = SK_R | SK_EXEC | SK_GRANT };
	m->n_out = (uint32_t)served.n_caps;
	m->mr[1] = served.n;
	m->mr[2] = served.order ? served.order : p->order;
	m->mr[3] = p->offset;
	m->mr[4] = p->size;
	m->mr[5] = served.size;
	m->mr[6] = image.elf.entry;
	m->mr[7] = served.segs ? served.segs : image.elf.n_segs;
	for (uint32_t i = 0; i < image.elf.n_segs; i++) {
		const struct proc_seg *s = &image.elf.seg[i];
		const struct init_segment to = { s->vaddr, s->offset, s->file_size, s->mem_size,
			s->rights };

		memcpy(&m->mr[INIT_SEGMENT_WORD + 5 * i], &to, sizeof(to));
	}
	m->mr[0] = (uint64_t)(int64_t)served.rc;
	m->n = (uint32_t)served.words;
	return 0;
}

static void an_image_from_init(void)
{
	struct proc_image im;
	uint32_t rights;

	start();
	kern.on_call = serve_image;
	served = (typeof(served)){ 2, 0, FILE_SIZE, 1, SK_MR_MAX, 0, 0 };
	assert_int_equal(proc_image_fetch(PARENT, &im), 0);
	assert_int_equal(im.size, FILE_SIZE);
	assert_memory_equal(im.base, image.base, FILE_SIZE);
	assert_non_null(kern_view(kern.space, (uint64_t)im.base, &rights));
	assert_int_equal(rights, SK_R);
	assert_int_equal(im.elf.entry, TEXT + 0x10);
	spec.image = &im;
	assert_int_equal(proc_create(&proc, &spec), 0);
	/*
	 * the file grows between the calls; answers without a frame, with one frame too many,
	 * or too short
	 */
	taken = slots_taken();
	served.n_caps = 0;
	assert_int_equal(proc_image_fetch(PARENT, &im), -SK_E_PEER);
	served.n_caps = 2;
	assert_int_equal(proc_image_fetch(PARENT, &im), -SK_E_PEER);
	served.n_caps = 1;
	served.words = INIT_SEGMENT_WORD - 1;
	assert_int_equal(proc_image_fetch(PARENT, &im), -SK_E_PEER);
	served.words = INIT_SEGMENT_WORD + 5 * image.elf.n_segs - 1;
	assert_int_equal(proc_image_fetch(PARENT, &im), -SK_E_PEER);
	served.words = SK_MR_MAX;
	served.segs = PROC_SEGS_MAX + 1;
	assert_int_equal(proc_image_fetch(PARENT, &im), -SK_E_PEER);
	served.segs = 0;
	served.order = SK_HUGE_ORDER + 1;
	assert_int_equal(proc_image_fetch(PARENT, &im), -SK_E_PEER);
	served.order = 0;
	served.rc = -SK_E_DENIED;
	assert_int_equal(proc_image_fetch(PARENT, &im), -SK_E_DENIED);
	assert_int_equal(slots_taken(), taken);
	served.rc = 0;
	served.size = FILE_SIZE - 100;
	assert_int_equal(proc_image_fetch(PARENT, &im), -SK_E_PEER);
}

/* A segment beyond the pieces of the file: none of it is mapped. */
static void a_segment_beyond_the_pieces(void)
{
	start();
	image.n_pieces = 1;
	image.elf.seg[0].mem_size = 0x1800;
	assert_int_equal(proc_create(&proc, &spec), -SK_E_RANGE);
	assert_int_equal(slots_taken(), taken);
}

/* A connection of a domain that runs: its memory, and what the domain has of it. */
static void connections_come_and_go(void)
{
	enum { DEVICE = 70, CHANNEL = 5 };
	const struct proc_connect c = { .name = "disk1",
		.proto = SVC_PROTO_BLK,
		.client = 3,
		.data_size = 1 << 21,
		.untyped = DEVICE,
		.data_untyped = DEVICE };
	struct svc_open_result r = { .number = 7 };
	struct proc_connection conn;
	struct domain_channel ch;
	struct svc_open_args a;
	uint64_t used;
	sk_cap_t rings;

	start();
	(void)kern_untyped(DEVICE, 22);
	assert_int_equal(proc_create(&proc, &spec), 0);
	/* the page table that vmctl's rings have in the first place */
	assert_int_equal(make_own(&proc, 0, SK_OBJ_FRAME, 13, &rings), 0);
	assert_int_equal(proc_map(&proc, rings, DOMAIN_CHANNEL_VADDR, 0, 8192, SK_R | SK_W), 0);
	assert_int_equal(proc_start(&proc), 0);
	proc.keep_next = proc.keep_slots = 0; /* as after a restart of the builder */
	taken = slots_taken();
	used = kern_own(MEMORY)->obj->used;
	for (int round = 0; round < 3; round++) {
		assert_int_equal(proc_plug_prepare(&proc, CHANNEL, &c, &a, &conn), 0);
		assert_int_equal(kern_own(conn.client_signal)->badge, 1 << CHANNEL);
		assert_int_equal(cap_copy(NTFN, SK_W | SK_GRANT, 9, &r.signal), 0);
		assert_int_equal(proc_plug_finish(&proc, &c, &a, 0, &r, &conn, &ch), 0);
		assert_int_equal(conn.number, 7);
		assert_int_equal(conn.channel, CHANNEL);
		assert_string_equal(ch.name, "disk1");
		assert_int_equal(ch.bit, CHANNEL);
		assert_ptr_equal(kern_view(space(), ch.vaddr, NULL),
			kern.phys + kern_own(conn.rings)->obj->paddr);
		assert_ptr_equal(kern_view(space(), ch.data_vaddr + (1 << 21) - 1, NULL),
			kern.phys + kern_own(conn.data)->obj->paddr + (1 << 21) - 1);
		has(ch.signal, kern_own(NTFN)->obj, SK_W, 9);
		assert_ptr_equal(cap_of(ch.data)->obj, kern_own(conn.data)->obj);
		assert_int_equal(kern_own(MEMORY)->obj->used, used);
		cap_drop(conn.service_signal);
		cap_drop(conn.client_signal);
		cap_drop(conn.rings);
		cap_drop(conn.data);
		proc_unplug(&proc, CHANNEL);
		assert_null(cap_of(ch.signal)->obj);
		assert_null(cap_of(ch.data)->obj);
		assert_null(kern_view(space(), ch.vaddr, NULL));
		assert_null(kern_view(space(), ch.data_vaddr, NULL));
		assert_int_equal(sk_revoke(SK_CAP_CNODE, DEVICE), 0);
		assert_int_equal(slots_taken(), taken);
	}
	assert_int_equal(
		proc_plug_prepare(&proc, DOMAIN_CHANNELS_MAX, &c, &a, &conn), -SK_E_INVAL);
	/* the service refuses: nothing is left for the caller to drop */
	assert_int_equal(proc_plug_prepare(&proc, CHANNEL, &c, &a, &conn), 0);
	assert_int_equal(
		proc_plug_finish(&proc, &c, &a, -SK_E_BUSY, &r, &conn, &ch), -SK_E_BUSY);
	assert_int_equal(slots_taken(), taken);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(connections_come_and_go),
		KERN_CASE(a_domain_has_its_capabilities),
		KERN_CASE(where_its_memory_is),
		KERN_CASE(a_domain_reads_its_start_page),
		KERN_CASE(nothing_is_left),
		KERN_CASE(failures_leave_nothing),
		KERN_CASE(too_little_memory),
		KERN_CASE(capabilities_are_given),
		KERN_CASE(memory_is_given),
		KERN_CASE(pages_are_given),
		cmocka_unit_test(orders_of_maps),
		KERN_CASE(pieces_that_do_not_fit),
		KERN_CASE(an_image_from_init),
		KERN_CASE(a_segment_beyond_the_pieces),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
