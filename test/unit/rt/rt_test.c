/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * rt_test.c - libs/rt on the kernel of kern.h: threads, output, heap, locks of the C library,
 * time
 */
#include "kern.h"

#include <stdlib.h>
#include <sys/lock.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include "caps/caps.h"
#include "caps/internal.h"
#include "proto/console.h"
#include "proto/domain.h"
#include "ring/ring.h"
#include "rt/internal.h"
#include "rt/program.h"
#include "sys/clock.h"
#include "sys/sk.h"

enum { SLOTS = 2000, PARENT = 16, SCHED = 30, NTFN, SIGNAL, RING = 4096 };

/* newlib.c under other names, because the test program has a C library of its own */
void *under_test_sbrk(ptrdiff_t n);
int under_test_write(int fd, const void *buf, size_t n);
void under_test_gettimeofday(int64_t *sec, int64_t *usec);

_Thread_local struct rt_self rt_self;
_Thread_local struct mutex_waiter *mutex_self;
struct thread rt_main_thread;
static struct mutex_waiter *known[THREADS_MAX + 1];
static unsigned int tls_made;

void thread_entry(void);
void thread_entry(void) { abort(); }
size_t tls_size(void) { return 256; }
void *tls_init(void *block)
{
	tls_made++;
	return (char *)block + 192;
}
void rt_self_set(struct thread *t) { (void)t; }
void mutex_waiter_add(struct mutex_waiter *w) { known[w->number] = w; }
bool mutex_try(struct mutex *m)
{
	if (m->word)
		return false;
	m->word = 1;
	return true;
}

static void start(uint32_t order)
{
	struct domain_info *info;

	kern_start(SLOTS + 1);
	info = kern_domain();
	info->free_slot = DOMAIN_CAP_FREE;
	info->n_slots = SLOTS;
	info->n_untyped = 1;
	info->untyped_order[0] = (uint8_t)order;
	(void)kern_untyped(DOMAIN_CAP_UNTYPED, order);
	(void)kern_object(PARENT, SK_OBJ_ENDPOINT);
	(void)kern_object(SCHED, SK_OBJ_SCHED);
	(void)kern_object(NTFN, SK_OBJ_NOTIFICATION);
	(void)kern_object(SIGNAL, SK_OBJ_NOTIFICATION);
	kern_own(SIGNAL)->badge = 4;
	kern_info()->tsc_hz = 1000000000;
	assert_int_equal(caps_init(), 0);
	rt_self.thread = &rt_main_thread;
}

/* ---- threads ---- */
static void nothing(void *arg) { (void)arg; }

static void a_thread(void)
{
	const struct thread_spec spec = {
		.fn = nothing, .arg = &tls_made, .sched = SCHED, .ntfn = NTFN
	};
	struct kern_object *o;
	struct thread *t;
	uint64_t top;
	uint32_t rights;

	start(22);
	assert_int_equal(thread_start(&spec, &t), 0);
	o = kern_own(thread_cap(t))->obj;
	assert_true(o->runs);
	assert_ptr_equal(o->cnode, kern.cnode);
	assert_ptr_equal(o->vspace, kern.space);
	/* its faults go to the domain's parent */
	assert_ptr_equal(o->fault, kern_own(PARENT)->obj);
	assert_ptr_equal(o->bound, kern_own(NTFN)->obj);
	assert_ptr_equal(o->sched, kern_own(SCHED)->obj);
	assert_int_equal(o->regs.rip, (uint64_t)thread_entry);
	assert_int_equal(o->regs.rdi, (uint64_t)t);
	assert_int_equal(o->regs.rflags, 0x202);
	assert_int_equal(o->regs.fs_base, (uint64_t)t->tls);
	assert_ptr_equal(t->fn, nothing);
	assert_ptr_equal(t->arg, &tls_made);
	assert_int_equal(t->waiter.number, 1);
	assert_ptr_equal(known[1], &t->waiter);
	assert_int_equal(tls_made, 1);
	assert_int_equal(t->reent->made, 1);
	/* 32 KiB of stack, an unmapped page, the page of the UTCB */
	top = o->regs.rsp;
	assert_int_equal(top % 4096, 0);
	assert_non_null(kern_view(kern.space, top - 1, &rights));
	assert_int_equal(rights, SK_R | SK_W);
	assert_non_null(kern_view(kern.space, top - (1 << 15), NULL));
	assert_null(kern_view(kern.space, top - (1 << 15) - 1, NULL));
	assert_int_equal(o->utcb, top - (1 << 15) - 8192);
	/* both can be woken; without a badge a signal would change nothing */
	assert_true(kern_own(t->waiter.wake)->badge != 0);
	assert_true(kern_own(rt_main_thread.waiter.wake)->badge != 0);
	assert_ptr_equal(kern_own(rt_main_thread.waiter.wake)->obj,
		kern_own(rt_main_thread.waiter.park)->obj);
	assert_ptr_not_equal(
		kern_own(t->waiter.park)->obj, kern_own(rt_main_thread.waiter.park)->obj);
}

static void many_threads(void)
{
	const struct thread_spec spec = { .fn = nothing, .sched = SCHED, .stack_order = 13 };
	struct thread *t, *last;
	sk_cap_t park;

	start(23);
	assert_int_equal(thread_start(&spec, &last), 0);
	park = rt_main_thread.waiter.park;
	for (uint32_t i = 2; i < THREADS_MAX; i++) {
		assert_int_equal(thread_start(&spec, &t), 0);
		assert_int_equal(t->waiter.number, i);
		assert_ptr_not_equal(t, last);
		last = t;
	}
	assert_int_equal(rt_main_thread.waiter.park, park);
	assert_int_equal(thread_start(&spec, &t), -SK_E_LIMIT);
}

/* A thread that cannot be made does not count and does not run. */
static void a_thread_that_fails(void)
{
	const struct thread_spec spec = { .fn = nothing, .sched = SCHED };
	struct thread *t;
	unsigned int n = 0;
	int rc;

	start(23);
	do {
		kern.fail_in = ++n;
		kern.fail_rc = -SK_E_NO_MEM;
		rc = thread_start(&spec, &t);
		kern.fail_in = 0;
		if (rc && known[1])
			assert_int_equal(rc, -SK_E_NO_MEM); /* it failed at RESUME */
	} while (rc && !known[1]);
	assert_in_range(n, 8, 200);
	assert_int_equal(known[1]->number, 1);
	assert_null(known[2]);
}

/* ---- output ---- */
static char console[8192];
static unsigned int n_signals;

static void on_log(const char *text, uint32_t len)
{
	assert_in_range(len, 1, 32);
	strncat(console, text, len);
}

static void on_signal(struct kern_object *ntfn, uint64_t badge)
{
	assert_ptr_equal(ntfn, kern_own(SIGNAL)->obj);
	assert_int_equal(badge, 4);
	n_signals++;
}

static void root_task_writes_to_the_kernel(void)
{
	char text[101];

	kern.root = true;
	kern_start(SLOTS + 1);
	(void)kern_object(SK_CAP_CTL_LOG, SK_OBJ_CTL_LOG);
	kern.on_log = on_log;
	log_init();
	memset(text, 'x', sizeof(text) - 1);
	text[100] = '\0';
	text[33] = 'y';
	assert_int_equal(under_test_write(1, text, 100), 100);
	assert_string_equal(console, text);
	assert_int_equal(under_test_write(2, "!", 1), 1);
	assert_int_equal(under_test_write(3, "!", 1), -1);
	assert_int_equal(strlen(console), 101);
}

static struct ring reader;

static void channel_make(void)
{
	struct domain_info *info = kern_domain();
	uint8_t *memory = aligned_alloc(4096, 4 * RING);

	memset(memory, 0, 4 * RING);
	info->n_channels = 2;
	info->channel[0] = (struct domain_channel){ .name = "logs",
		.vaddr = (uint64_t)memory + 2 * RING,
		.req_size = RING,
		.rsp_size = RING };
	info->channel[1] = (struct domain_channel){ .name = "log",
		.vaddr = (uint64_t)memory,
		.req_size = RING,
		.rsp_size = RING,
		.signal = SIGNAL };
	assert_int_equal(ring_init(&reader, memory, RING, RING_SERVICE_GETS, 0), 0);
	kern.on_signal = on_signal;
	log_init();
}

static uint32_t last_about;

/* Reads the ring as one text. */
static void reader_takes(void)
{
	struct {
		struct console_msg m;
		char text[2048];
	} r;
	int n;

	console[0] = '\0';
	while ((n = ring_get(&reader, &r, sizeof(r))) > 0) {
		assert_int_equal(r.m.type, CONSOLE_DATA);
		assert_int_equal(r.m.len, n - (int)sizeof(r.m));
		assert_true(r.m.len <= CONSOLE_CHUNK_MAX);
		strncat(console, r.text, r.m.len);
		last_about = r.m.arg;
	}
	assert_int_equal(n, -SK_E_AGAIN);
	(void)ring_get_flush(&reader);
	(void)ring_get_idle(&reader);
}

static void domains_write_to_their_channel(void)
{
	char *text = malloc(3001);

	start(20);
	log_write("early", 5); /* there is no reader so far */
	channel_make();
	reader_takes();
	assert_string_equal(console, "");
	log_write("hello\n", 6);
	assert_int_equal(n_signals, 1);
	log_write("again\n", 6);
	assert_int_equal(n_signals, 1); /* the reader is awake */
	reader_takes();
	assert_string_equal(console, "hello\nagain\n");
	assert_int_equal(last_about, 0);
	rt_log_about(7);
	log_write("x", 1);
	rt_log_about(0);
	reader_takes();
	assert_int_equal(last_about, 7);
	memset(text, 'l', 3000);
	text[3000] = '\0';
	log_write(text, 1500); /* split into pieces that fit a record */
	reader_takes();
	assert_int_equal(strlen(console), 1500);
	free(text);
}

/* RT_LOG2 */
static void text_outlives_console(void)
{
	start(20);
	channel_make();
	reader_takes();
	log_write("one\n", 4);
	reader_takes();
	log_write("two\n", 4);
	assert_int_equal(ring_init(&reader, reader.sh, RING, RING_SERVICE_GETS, 1), 0);
	ring_restart(&reader, 1);
	reader_takes();
	assert_string_equal(console, "");
	log_write("three\n", 6);
	reader_takes();
	assert_string_equal(console, "two\nthree\n");
}

/* The root task has no ring while console is away; what was in the ring comes afterwards. */
static void a_ring_that_is_attached_again(void)
{
	start(20);
	channel_make();
	reader_takes();
	log_write("one\n", 4);
	rt_log_detach();
	assert_int_equal(ring_init(&reader, reader.sh, RING, RING_SERVICE_GETS, 1), 0);
	ring_restart(&reader, 1);
	reader_takes();
	assert_string_equal(console, "");
	assert_int_equal(rt_log_attach(reader.sh, RING, SIGNAL), 0);
	reader_takes();
	assert_string_equal(console, "one\n");
	log_write("two\n", 4);
	reader_takes();
	assert_string_equal(console, "two\n");
}

/* The last line does not wait until the program has a next one. */
static void the_last_line_comes_without_a_next_one(void)
{
	unsigned int before;

	start(20);
	rt_log_resume(); /* there is no reader so far */
	channel_make();
	reader_takes();
	log_write("one\n", 4);
	reader_takes();
	log_write("the last words\n", 15);
	rt_log_resume(); /* the signal says something else */
	assert_int_equal(ring_init(&reader, reader.sh, RING, RING_SERVICE_GETS, 1), 0);
	ring_restart(&reader, 1);
	reader_takes();
	before = n_signals;
	rt_log_resume();
	assert_int_equal(n_signals, before + 1);
	reader_takes();
	assert_string_equal(console, "the last words\n");
}

/* L1: the newest text is lost, and the loss is reported where the text would have been. */
static void text_that_does_not_fit(void)
{
	char line[101], *at;
	unsigned long lost;
	unsigned int kept;

	start(20);
	channel_make();
	memset(line, 'a', 100);
	line[99] = '\n';
	line[100] = '\0';
	for (unsigned int i = 0; i < 100; i++)
		log_write(line, 100);
	reader_takes();
	kept = (unsigned int)strlen(console) / 100;
	assert_in_range(kept, 10, 40);
	assert_int_equal(strlen(console) % 100, 0);
	log_write("next\n", 5);
	reader_takes();
	assert_int_equal(console[0], '[');
	lost = strtoul(console + 1, &at, 10);
	assert_int_equal(lost, (100 - kept) * 100);
	assert_string_equal(at, " bytes of output lost]\nnext\n");
	log_write("then\n", 5);
	reader_takes();
	assert_string_equal(console, "then\n");
}

/* No later text, however short, comes before the report of a loss. */
static void short_text_after_a_loss(void)
{
	char line[64];

	start(20);
	channel_make();
	for (size_t len = 20; len < 60; len++) {
		memset(line, 'a', sizeof(line));
		for (unsigned int i = 0; i < 300; i++)
			log_write(line, len);
		log_write("z", 1);
		reader_takes();
		assert_null(strchr(console, 'z'));
		log_write("end", 3);
		reader_takes();
		assert_int_equal(console[0], '[');
		assert_non_null(strstr(console, "lost]\nend"));
	}
}

/* ---- the heap ---- */
static void the_heap(void)
{
	uint8_t *p, *q, *before;
	uint64_t bytes;

	start(22);
	p = under_test_sbrk(0);
	assert_int_equal((uint64_t)p, DOMAIN_HEAP_VADDR);
	bytes = caps_free_bytes();
	assert_int_equal(caps_free_bytes(), bytes);
	assert_ptr_equal(under_test_sbrk(100), p);
	p[99] = 1;
	q = under_test_sbrk(200000);
	assert_ptr_equal(q, p + 100);
	for (unsigned int i = 0; i < 200000; i++)
		q[i] = (uint8_t)i;
	/* frames grow with the heap, so few slots are used */
	assert_true(kern.space->n_maps < 10);
	assert_ptr_equal(under_test_sbrk(-1), (void *)-1);
	assert_ptr_equal(under_test_sbrk((ptrdiff_t)(DOMAIN_CHANNEL_VADDR - DOMAIN_HEAP_VADDR)),
		(void *)-1);
	before = under_test_sbrk(0);
	assert_ptr_equal(before, q + 200000);
	assert_true(caps_free_bytes() > 3000000); /* it was refused at once */
	/* takes single pages when no larger frames are left */
	while (under_test_sbrk(4096) != (void *)-1)
		;
	assert_true(caps_free_bytes() < 8192);
	assert_true((uint8_t *)under_test_sbrk(0) > before + 3000000);
}

static void a_heap_that_cannot_grow(void)
{
	unsigned int used;

	start(22);
	assert_ptr_not_equal(under_test_sbrk(1), (void *)-1);
	used = kern_used(kern.cnode);
	for (unsigned int i = 0; i < 10; i++) {
		kern.fail_nr = SK_SYS_MAP;
		kern.fail_in = 1;
		kern.fail_rc = -SK_E_EXISTS;
		assert_ptr_equal(under_test_sbrk(1 << 15), (void *)-1);
	}
	/* the frames go; the memory that they were made from stays for the next ones */
	assert_in_range(kern_used(kern.cnode), used, used + 2);
	assert_ptr_not_equal(under_test_sbrk(1 << 15), (void *)-1);
}

/* ---- locks of the C library ---- */
static void locks_that_nest(void)
{
	static struct thread other;
	_LOCK_T l;

	start(20);
	__retarget_lock_init_recursive(&l);
	__retarget_lock_acquire_recursive(l);
	__retarget_lock_acquire_recursive(l);
	assert_int_equal(__retarget_lock_try_acquire_recursive(l), 1);
	rt_self.thread = &other;
	assert_int_equal(__retarget_lock_try_acquire_recursive(l), 0);
	rt_self.thread = &rt_main_thread;
	__retarget_lock_release_recursive(l);
	__retarget_lock_release_recursive(l);
	rt_self.thread = &other;
	assert_int_equal(__retarget_lock_try_acquire_recursive(l), 0);
	rt_self.thread = &rt_main_thread;
	__retarget_lock_release_recursive(l);
	rt_self.thread = &other;
	assert_int_equal(__retarget_lock_try_acquire_recursive(l), 1);
	__retarget_lock_release_recursive(l);
	__retarget_lock_acquire_recursive(l); /* no thread owns it */
	__retarget_lock_release_recursive(l);
	__retarget_lock_close_recursive(l);
}

/* ---- time ---- */
static void time_passes(void)
{
	int64_t sec, usec;
	uint64_t ns;

	start(20);
	kern_info()->tsc_hz = 3000000000ull;
	assert_int_equal(clock_ticks_to_ns(3000000000ull), 1000000000ull);
	assert_int_equal(clock_ticks_to_ns(1500), 500);
	assert_int_equal(
		clock_ticks_to_ns(3000000000ull * 86400 * 3650), 86400ull * 3650 * 1000000000);
	assert_int_equal(clock_ns_to_ticks(1500), 4500);
	assert_int_equal(clock_ns_to_ticks(10000000000ull), 30000000000ull);
	kern_info()->boot_tsc = __rdtsc() - 3000000000ull * 100;
	assert_in_range(clock_ns(), 100000000000ull, 160000000000ull);
	assert_false(clock_wall_boot_ns(&ns));
	under_test_gettimeofday(&sec, &usec);
	assert_in_range(sec, 100, 160);
	kern_domain()->wall_boot_ns = 1700000000000000000ull;
	assert_true(clock_wall_boot_ns(&ns));
	under_test_gettimeofday(&sec, &usec);
	assert_in_range(sec, 1700000100, 1700000160);
	assert_in_range(usec, 0, 999999);
	kern_info()->tsc_hz = 0;
	assert_int_equal(clock_ticks_to_ns(5), 0);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(a_thread),
		KERN_CASE(many_threads),
		KERN_CASE(a_thread_that_fails),
		KERN_CASE(root_task_writes_to_the_kernel),
		KERN_CASE(domains_write_to_their_channel),
		KERN_CASE(text_outlives_console),
		KERN_CASE(a_ring_that_is_attached_again),
		KERN_CASE(the_last_line_comes_without_a_next_one),
		KERN_CASE(text_that_does_not_fit),
		KERN_CASE(short_text_after_a_loss),
		KERN_CASE(the_heap),
		KERN_CASE(a_heap_that_cannot_grow),
		KERN_CASE(locks_that_nest),
		KERN_CASE(time_passes),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
