/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * transport_test.c - registers of a virtio device on PCI; the device sees each access of the
 * driver
 *
 * The page of the registers is inaccessible: an access faults, is let through for one
 * instruction, and then the device reads what was written. A register's value is put there
 * before the instruction runs.
 */
#define _GNU_SOURCE
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <ucontext.h>

#include "dma/dma.h"
#include "virtio/virtio.h"

enum { COMMON = 0x40, NOTIFY = 0x100, CONFIG = 0x200, BAR = 4, SIZE = 4096, TRAP = 0x100 };

static uint8_t *page;
static struct domain_info *info;
static struct virtio v;
static struct virtio_queue q;
static _Alignas(4096) uint8_t queue_memory[65536];

/* ---- the device ---- */
static struct {
	uint64_t offer, driver;
	uint32_t select, driver_select, queue_select;
	uint8_t status, statuses[16];
	unsigned int n_statuses, resets;
	unsigned int slow, polls; /* reads that a reset takes, and that are left of it */
	bool refuses_features, refuses_vector;
	uint16_t queue_size[2], vector, enabled, doorbell, notify_off, msix_config;
	uint64_t desc, avail, used;
	bool too_early; /* it was used before the reset, or before its addresses, were there */
	unsigned int generation_changes, reads;
} dev;
static uint64_t at; /* offset of the access */
static bool write_access;

static uint16_t *w16(uint32_t off) { return (uint16_t *)(page + off); }

static uint32_t *w32(uint32_t off) { return (uint32_t *)(page + off); }

static void before_read(void)
{
	*w32(COMMON + 4) = (uint32_t)(dev.offer >> 32 * dev.select);
	page[COMMON + 0x14] = dev.polls ? 0x40 : dev.status;
	dev.polls -= at == COMMON + 0x14 && dev.polls;
	*w16(COMMON + 0x18) = dev.queue_select < 2 ? dev.queue_size[dev.queue_select] : 0;
	*w16(COMMON + 0x1a) = dev.vector;
	*w16(COMMON + 0x1e) = dev.notify_off;
	if (at >= CONFIG && dev.generation_changes) {
		dev.generation_changes--;
		page[COMMON + 0x15]++;
		*w32(CONFIG + 4) += 1;
	}
	dev.reads += at >= CONFIG;
}

static void status_written(void)
{
	dev.status = page[COMMON + 0x14];
	dev.statuses[dev.n_statuses++ % 16] = dev.status;
	if (dev.status == 0) {
		dev.resets++;
		dev.polls = dev.slow;
	} else {
		dev.too_early |= dev.polls != 0;
	}
	if (dev.refuses_features)
		dev.status &= ~8;
}

static void after_write(void)
{
	switch (at) {
	case COMMON + 0x00:
		dev.select = *w32(at);
		return;
	case COMMON + 0x08:
		dev.driver_select = *w32(at);
		return;
	case COMMON + 0x0c:
		dev.driver &= ~(0xffffffffull << 32 * dev.driver_select);
		dev.driver |= (uint64_t)*w32(at) << 32 * dev.driver_select;
		return;
	case COMMON + 0x10:
		dev.msix_config = *w16(at);
		return;
	case COMMON + 0x14:
		status_written();
		return;
	case COMMON + 0x16:
		dev.queue_select = *w16(at);
		return;
	case COMMON + 0x18:
		dev.queue_size[dev.queue_select] = *w16(at);
		return;
	case COMMON + 0x1a:
		dev.vector = dev.refuses_vector ? 0xffff : *w16(at);
		return;
	case COMMON + 0x1c:
		dev.enabled = *w16(at);
		dev.too_early |= !dev.desc || !dev.avail || !dev.used;
		return;
	case COMMON + 0x20:
		dev.desc = *w32(at);
		return;
	case COMMON + 0x24:
		dev.desc |= (uint64_t)*w32(at) << 32;
		return;
	case COMMON + 0x28:
		dev.avail = *w32(at);
		return;
	case COMMON + 0x2c:
		dev.avail |= (uint64_t)*w32(at) << 32;
		return;
	case COMMON + 0x30:
		dev.used = *w32(at);
		return;
	case COMMON + 0x34:
		dev.used |= (uint64_t)*w32(at) << 32;
		return;
	default:
		if (at != NOTIFY + dev.notify_off * 4u)
			abort(); /* there is no such register */
		dev.doorbell = *w16(at);
	}
}

static void on_access(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig;
	at = (uint64_t)((uint8_t *)si->si_addr - page);
	if (at >= SIZE)
		abort();
	write_access = uc->uc_mcontext.gregs[REG_ERR] & 2;
	mprotect(page, SIZE, PROT_READ | PROT_WRITE);
	if (!write_access)
		before_read();
	uc->uc_mcontext.gregs[REG_EFL] |= TRAP;
}

static void on_step(int sig, siginfo_t *si, void *ctx)
{
	ucontext_t *uc = ctx;

	(void)sig, (void)si;
	if (write_access)
		after_write();
	mprotect(page, SIZE, PROT_NONE);
	uc->uc_mcontext.gregs[REG_EFL] &= ~TRAP;
}

int dma_alloc(sk_cap_t space, uint32_t order, void **virt, uint64_t *addr)
{
	assert_int_equal(space, DOMAIN_CAP_DEVICE + 14);
	assert_true(1ull << order <= sizeof(queue_memory));
	*virt = queue_memory;
	*addr = 0x123400000000ull;
	return 0;
}

/* ---- its configuration space ---- */
static uint32_t next_cap;

static void cap(uint8_t type, uint8_t bar, uint32_t offset, uint32_t size, uint32_t mult)
{
	uint8_t *c = info->dev[0].config + next_cap;

	c[0] = 9;
	c[1] = (uint8_t)(next_cap + 20);
	c[2] = 20;
	c[3] = type;
	c[4] = bar;
	memcpy(c + 8, &offset, 4);
	memcpy(c + 12, &size, 4);
	memcpy(c + 16, &mult, 4);
	next_cap += 20;
}

static void caps_begin(void)
{
	memset(info, 0, sizeof(*info));
	info->dev[0].config[0x34] = 0x40;
	info->dev[0].bar[BAR] = (struct domain_bar){ (uint64_t)page, SIZE };
	next_cap = 0x40;
}

static void caps_good(void)
{
	caps_begin();
	cap(1, BAR, COMMON, 0x38, 0);
	cap(2, BAR, NOTIFY, 64, 4);
	cap(4, BAR, CONFIG, 32, 0);
}

static int setup(void **state)
{
	(void)state;
	if (!page) {
		page = mmap(
			NULL, SIZE, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
		info = mmap((void *)DOMAIN_INFO_VADDR, 4096, PROT_READ | PROT_WRITE,
			MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0);
	}
	mprotect(page, SIZE, PROT_READ | PROT_WRITE);
	memset(page, 0, SIZE);
	for (uint32_t i = 0; i < 32; i++)
		page[CONFIG + i] = (uint8_t)(0x10 + i);
	mprotect(page, SIZE, PROT_NONE);
	memset(&dev, 0, sizeof(dev));
	memset(&q, 0, sizeof(q));
	dev.offer = VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | VIRTIO_F_EVENT_IDX | 0x155;
	dev.queue_size[0] = 256;
	dev.queue_size[1] = 64;
	dev.notify_off = 3;
	dev.status = 0x0f; /* left by an earlier driver */
	caps_good();
	return 0;
}

/* ---- cases ---- */
/* Each case calls this, because cmocka sets its own handlers. */
static void watch(void **state)
{
	struct sigaction on_segv = { .sa_sigaction = on_access, .sa_flags = SA_SIGINFO };
	struct sigaction on_trap = { .sa_sigaction = on_step, .sa_flags = SA_SIGINFO };

	(void)state;
	sigaction(SIGSEGV, &on_segv, NULL);
	sigaction(SIGTRAP, &on_trap, NULL);
}

static void the_start(void **state)
{
	static const uint8_t order[] = { 0, 1, 3, 11 };

	watch(state);
	dev.slow = 3;
	assert_int_equal(virtio_init(&v, 0, VIRTIO_F_EVENT_IDX | 0x3), 0);
	assert_int_equal(dev.resets, 1);
	assert_int_equal(dev.polls, 0);
	assert_false(dev.too_early);
	assert_int_equal(dev.n_statuses, 4);
	assert_memory_equal(dev.statuses, order, 4);
	assert_int_equal(dev.msix_config, VIRTIO_NO_VECTOR);
	/* features that both want, and those that the transport needs */
	assert_int_equal(v.features,
		VIRTIO_F_EVENT_IDX | VIRTIO_F_VERSION_1 | VIRTIO_F_ACCESS_PLATFORM | 1);
	assert_int_equal(dev.driver, v.features);
	assert_int_equal(v.io_space, DOMAIN_CAP_DEVICE + 14);
	virtio_start(&v);
	assert_int_equal(dev.status, 15);
	assert_false(virtio_failed(&v));
	dev.status = 15 | 64; /* it needs a reset */
	assert_true(virtio_failed(&v));
	dev.status = 0xff; /* it is gone, in the two ways to read what is not there */
	assert_true(virtio_failed(&v));
	dev.status = 0;
	assert_true(virtio_failed(&v));
}

static void devices_that_cannot_be_used(void **state)
{
	watch(state);
	dev.offer &= ~VIRTIO_F_VERSION_1;
	assert_int_equal(virtio_init(&v, 0, 0), -SK_E_NO_SYS);
	dev.offer |= VIRTIO_F_VERSION_1;
	/* one that would take addresses of its DMA space for physical ones */
	dev.offer &= ~VIRTIO_F_ACCESS_PLATFORM;
	info->dev[0].flags = DOMAIN_DEVICE_IOMMU;
	assert_int_equal(virtio_init(&v, 0, 0), -SK_E_DENIED);
	assert_int_equal(dev.status & 8, 0);
	info->dev[0].flags = 0;
	assert_int_equal(virtio_init(&v, 0, 0), 0);
	assert_int_equal(v.features, VIRTIO_F_VERSION_1);
	dev.offer |= VIRTIO_F_ACCESS_PLATFORM;
	dev.refuses_features = true;
	assert_int_equal(virtio_init(&v, 0, 0), -SK_E_IO);
}

static void areas_that_are_none(void **state)
{
	static const struct {
		uint8_t bar;
		uint32_t offset, size;
	} bad[] = {
		{ 6, COMMON, 0x38 },
		{ 255, COMMON, 0x38 },
		{ 0, COMMON, 0x38 }, /* this BAR was not given */
		{ BAR, COMMON, 0x37 },
		{ BAR, SIZE - 0x37, 0x38 },
		{ BAR, SIZE + 1, 0x38 },
		{ BAR, 0xfffffff0, 0x38 },
		{ BAR, COMMON, 0xffffffff },
	};

	watch(state);
	for (unsigned int i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
		caps_begin();
		cap(1, bad[i].bar, bad[i].offset, bad[i].size, 0);
		cap(2, BAR, NOTIFY, 64, 4);
		cap(4, BAR, CONFIG, 32, 0);
		assert_int_equal(virtio_init(&v, 0, 0), -SK_E_NOT_FOUND);
	}
	/* the first usable one is taken; a circular list ends */
	caps_begin();
	cap(1, 6, COMMON, 0x38, 0);
	cap(3, BAR, 0, 16, 0);
	cap(1, BAR, COMMON, 0x38, 0);
	cap(1, BAR, 0x800, 0x38, 0);
	cap(2, BAR, NOTIFY, 64, 4);
	cap(2, BAR, 0x900, 64, 8);
	cap(4, BAR, CONFIG, 32, 0);
	info->dev[0].config[next_cap - 20 + 1] = 0x40;
	assert_int_equal(virtio_init(&v, 0, 0), 0);
	assert_ptr_equal(v.common, page + COMMON);
	assert_ptr_equal(v.notify, page + NOTIFY);
	assert_int_equal(v.notify_mult, 4);
	/* capabilities of another vendor */
	info->dev[0].config[0x40 + 40] = 5;
	info->dev[0].config[0x40 + 60] = 5;
	assert_int_equal(virtio_init(&v, 0, 0), -SK_E_NOT_FOUND);
	/* a capability at the end of the 256 bytes would be good if the bytes beyond counted */
	caps_good();
	info->dev[0].config[0x40 + 20 + 1] = 0xfc;
	memcpy(&info->dev[0].config[0xfc], (uint8_t[]){ 9, 0, 20, 4 }, 4);
	info->dev[0].io_port = BAR;
	info->dev[0].flags = CONFIG;
	info->dev[1].name[0] = 32;
	assert_int_equal(virtio_init(&v, 0, 0), -SK_E_NOT_FOUND);
}

static void a_queue(void **state)
{
	size_t avail, used;

	watch(state);
	assert_int_equal(virtio_init(&v, 0, VIRTIO_F_EVENT_IDX), 0);
	assert_int_equal(virtio_queue_make(&v, &q, 1, 256, 0), 0);
	(void)virtq_bytes(64, &avail, &used);
	assert_int_equal(q.q.size, 64); /* the device's size */
	assert_true(q.q.event_idx);
	assert_int_equal(dev.queue_select, 1);
	assert_int_equal(dev.desc, 0x123400000000ull);
	assert_int_equal(dev.avail, dev.desc + avail);
	assert_int_equal(dev.used, dev.desc + used);
	assert_int_equal(dev.enabled, 1);
	assert_false(dev.too_early);
	/* smaller than the device offers, in the same memory, which is cleared */
	memset(queue_memory, 0xaa, sizeof(queue_memory));
	dev.queue_size[1] = 64;
	assert_int_equal(virtio_queue_make(&v, &q, 1, 16, 0), 0);
	assert_int_equal(q.q.size, 16);
	assert_int_equal(dev.queue_size[1], 16);
	assert_int_equal(q.q.avail->idx, 0);
	assert_int_equal(q.q.used->idx, 0);
	/* the kick writes the queue's number to the queue's own doorbell */
	dev.doorbell = 0xffff;
	virtio_queue_kick(&q);
	assert_int_equal(dev.doorbell, 0xffff);
	assert_int_equal(virtq_add(&q.q, &(struct virtq_buf){ 0x1000, 16, false }, 1, &q), 0);
	virtio_queue_kick(&q);
	assert_int_equal(dev.doorbell, 1);
}

static void queues_that_cannot_be_used(void **state)
{
	watch(state);
	assert_int_equal(virtio_init(&v, 0, 0), 0);
	assert_int_equal(virtio_queue_make(&v, &q, 2, 256, 0), -SK_E_NOT_FOUND);
	dev.queue_size[0] = 48;
	assert_int_equal(virtio_queue_make(&v, &q, 0, 256, 0), -SK_E_NOT_FOUND);
	dev.queue_size[0] = 64;
	dev.notify_off = 16; /* beyond the 64 bytes of doorbells */
	assert_int_equal(virtio_queue_make(&v, &q, 0, 256, 0), -SK_E_IO);
	dev.notify_off = 0xffff;
	assert_int_equal(virtio_queue_make(&v, &q, 0, 256, 0), -SK_E_IO);
	dev.notify_off = 15;
	assert_int_equal(virtio_queue_make(&v, &q, 0, 256, 0), 0);
	dev.refuses_vector = true;
	assert_int_equal(virtio_queue_make(&v, &q, 0, 256, 0), -SK_E_IO);
}

static void fields_of_the_device(void **state)
{
	watch(state);
	assert_int_equal(virtio_init(&v, 0, 0), 0);
	assert_int_equal(virtio_config_read(&v, 1, 1), 0x11);
	assert_int_equal(virtio_config_read(&v, 2, 2), 0x1312);
	assert_int_equal(virtio_config_read(&v, 4, 4), 0x17161514);
	assert_int_equal(virtio_config_read(&v, 8, 8), 0x1f1e1d1c1b1a1918);
	assert_int_equal(virtio_config_read(&v, 28, 4), 0x2f2e2d2c);
	/* beyond the end */
	assert_int_equal(virtio_config_read(&v, 29, 4), 0);
	assert_int_equal(virtio_config_read(&v, 33, 1), 0);
	assert_int_equal(virtio_config_read(&v, UINT32_MAX, 8), 0);
	/* a field that changes during a read is read again until it is consistent */
	dev.generation_changes = 3;
	dev.reads = 0;
	assert_int_equal(virtio_config_read(&v, 4, 4), 0x17161514 + 3);
	assert_true(dev.reads >= 4);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		cmocka_unit_test_setup(the_start, setup),
		cmocka_unit_test_setup(devices_that_cannot_be_used, setup),
		cmocka_unit_test_setup(areas_that_are_none, setup),
		cmocka_unit_test_setup(a_queue, setup),
		cmocka_unit_test_setup(queues_that_cannot_be_used, setup),
		cmocka_unit_test_setup(fields_of_the_device, setup),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
