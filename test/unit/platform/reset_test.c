/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * reset_test.c - resets of a function that the test plays: it forgets its registers, is not
 * ready for a while, and may lie about what it can do
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>
#include <string.h>

#include "reset.h"

enum {
	BRIDGE,
	DEVICE,
	OTHER,
	FUNCTIONS,
	ID = 0x10421af4,
	PM = 0x40,
	PCIE = 0x50,
	AF = 0x90,
	VIRTIO = 0xa0,
	MSIX = 0xc0,
	BAR = 0xfebd0000,
	COMMON = 0x1000,
	BAR_SIZE = 0x2000,
	/* COMMAND: memory decoding, bus mastering */
	DECODES = 2,
	MASTERS = 4,
	NO_INTX = 0x400,
	NEVER = 1000000,
};

static struct {
	uint32_t reg[FUNCTIONS][64];
	uint8_t status[COMMON + 0x38];
	uint32_t now_ms, pending_ms, ready_ms, status_ms;
	uint32_t ready_at, status_at;
	unsigned int resets;
	bool d3_is_idle;  /* the way up from D3hot resets nothing */
	bool mastered;    /* some reset came while it could still access memory */
	bool was_claimed; /* config[] is from before */
	bool bar_moved;   /* an address changed while decoding was on */
} hw;
static struct pci_device devs[FUNCTIONS];
static uint32_t n_devs;

static unsigned int index_of(uint16_t rid)
{
	for (unsigned int i = 0; i < FUNCTIONS; i++)
		if (devs[i].rid == rid)
			return i;
	fail_msg("configuration space of %#x", rid);
	return 0;
}

static void device_resets(void)
{
	uint32_t *r = hw.reg[DEVICE];

	hw.mastered |= r[1] & MASTERS;
	hw.resets++;
	r[1] = 1u << 20;
	memset(&r[4], 0, 6 * 4);
	r[3] = r[12] = r[15] = 0;
	r[(PCIE + 8) / 4] = 0;
	r[MSIX / 4] = 0x11;
	hw.status[COMMON + 0x14] = 0;
	hw.ready_at = hw.now_ms + hw.ready_ms;
}

static uint32_t cfg_read(uint16_t rid, uint16_t off)
{
	unsigned int i = index_of(rid);
	uint32_t v = hw.reg[i][off / 4];

	if (i == DEVICE && hw.now_ms < hw.ready_at)
		return off ? UINT32_MAX : 0xffff0001;
	if (i == DEVICE && off == PCIE + 8 && hw.now_ms < hw.pending_ms)
		v |= 1u << 21;
	if (i == DEVICE && off == AF + 4 && hw.now_ms < hw.pending_ms)
		v |= 1u << 8;
	return v;
}

static void device_write(uint16_t off, uint32_t v)
{
	uint32_t *r = hw.reg[DEVICE];
	bool pending = hw.now_ms < hw.pending_ms && hw.pending_ms != NEVER;

	if (off >= 0x10 && off < 0x28)
		hw.bar_moved |= r[1] & DECODES && r[off / 4] != v;
	if (off >= 0x10 && off < 0x28)
		v = off == 0x14 ? v & ~(BAR_SIZE - 1u) : 0;
	if (off == 4) {
		assert_int_equal(v >> 16, 0); /* writing a 1 clears a bit of the status */
		r[1] = (r[1] & 0xffff0000) | v;
		return;
	}
	if (off == PCIE + 8) {
		assert_int_equal(v >> 16, 0);
		r[off / 4] = v & 0x7fff;
		if (v & 0x8000) {
			assert_false(pending);
			device_resets();
		}
		return;
	}
	if (off == AF + 4) {
		if (v & 1) {
			assert_false(pending);
			device_resets();
		}
		return;
	}
	if (off == PM + 4 && (r[off / 4] & 3) == 3 && !(v & 3) && !hw.d3_is_idle)
		device_resets();
	r[off / 4] = v;
}

static void cfg_write(uint16_t rid, uint16_t off, uint32_t v)
{
	unsigned int i = index_of(rid);

	if (i == DEVICE) {
		device_write(off, v);
		return;
	}
	if (i == BRIDGE && off == 0x3c && hw.reg[i][15] & 1u << 22 && !(v & 1u << 22))
		device_resets();
	hw.reg[i][off / 4] = v;
}

static void wait_ms(uint32_t ms)
{
	hw.now_ms += ms;
	if (hw.now_ms >= hw.status_at)
		hw.status[COMMON + 0x14] &= 0x7f;
}

static volatile void *map(uint64_t paddr, size_t len)
{
	assert_in_range(paddr, BAR, BAR + sizeof(hw.status) - len);
	return &hw.status[paddr - BAR];
}

static const struct pci_config cfg = { cfg_read, cfg_write };

/* A device of virtio's make, behind a bridge, with no reset at all. */
static int setup(void **state)
{
	uint32_t *r = hw.reg[DEVICE];

	(void)state;
	memset(&hw, 0, sizeof(hw));
	memset(devs, 0, sizeof(devs));
	n_devs = FUNCTIONS;
	devs[BRIDGE] = (struct pci_device){ .rid = 0x10, .secondary = 5, .subordinate = 6 };
	devs[DEVICE] = (struct pci_device){ .rid = 0x500,
		.vendor = 0x1af4,
		.device = 0x1042,
		.msix_cap = MSIX,
		.measured = true };
	devs[DEVICE].bar[1] = (struct pci_bar){ .base = BAR, .size = sizeof(hw.status) };
	devs[OTHER] = (struct pci_device){ .rid = 0x508 };
	r[0] = ID;
	r[1] = 1u << 20 | DECODES | MASTERS;
	r[3] = 0x10;
	r[5] = BAR;
	r[12] = 0xfeb00000;
	r[15] = 0x10b;
	r[PM / 4] = 1;
	r[(PCIE + 8) / 4] = 0x2810;
	r[MSIX / 4] = 0x80000011;
	r[(VIRTIO + 4) / 4] = 1;
	r[(VIRTIO + 8) / 4] = COMMON;
	hw.status[COMMON + 0x14] = 0x0f;
	return 0;
}

/* What it was when it was claimed. */
static uint32_t config[RESET_CONFIG_WORDS];

static int reset(enum platform_reset *how)
{
	const struct reset_machine m = { &cfg, devs, n_devs, wait_ms, map };

	*how = PLATFORM_RESET_END;
	if (!hw.was_claimed)
		memcpy(config, hw.reg[DEVICE], sizeof(config));
	return reset_function(&m, &devs[DEVICE], config, how);
}

static void comes_back_as_it_was(enum platform_reset want)
{
	const uint32_t *r = hw.reg[DEVICE];
	enum platform_reset how;

	assert_int_equal(reset(&how), 0);
	assert_int_equal(how, want);
	assert_false(hw.mastered);
	assert_false(hw.bar_moved);
	assert_int_equal(r[1] & 0xffff, DECODES | NO_INTX);
	assert_int_equal(r[3], 0x10);
	assert_int_equal(r[5], BAR);
	assert_int_equal(r[12], 0xfeb00000);
	assert_int_equal(r[15], 0x10b);
	if (devs[DEVICE].pcie)
		assert_int_equal(r[(PCIE + 8) / 4], 0x2810);
	assert_in_range(hw.now_ms, 0, 8000);
}

static void has_flr(void)
{
	devs[DEVICE].pcie = PCIE;
	hw.reg[DEVICE][(PCIE + 4) / 4] = 1u << 28;
}

static void function_level_reset(void **state)
{
	(void)state;
	has_flr();
	hw.pending_ms = 50;
	hw.ready_ms = 300;
	comes_back_as_it_was(PLATFORM_RESET_FLR);
	assert_int_equal(hw.resets, 1);
	assert_in_range(hw.now_ms, 350, 1400);
}

static void accesses_that_never_end(void **state)
{
	(void)state;
	has_flr();
	hw.pending_ms = NEVER;
	comes_back_as_it_was(PLATFORM_RESET_FLR);
}

static void a_function_that_stays_away(void **state)
{
	enum platform_reset how;

	(void)state;
	has_flr();
	hw.ready_ms = NEVER;
	assert_int_equal(reset(&how), -SK_E_IO);
	assert_in_range(hw.now_ms, 1000, 2000);
}

static void advanced_features(void **state)
{
	(void)state;
	devs[DEVICE].pcie = PCIE; /* without FLR */
	devs[DEVICE].af = AF;
	hw.reg[DEVICE][AF / 4] = 1u << 25;
	hw.pending_ms = 200;
	comes_back_as_it_was(PLATFORM_RESET_FLR);
	assert_int_equal(hw.resets, 1);
}

static void d3hot(void **state)
{
	(void)state;
	devs[DEVICE].pm = PM;
	devs[DEVICE].pcie = PCIE;
	comes_back_as_it_was(PLATFORM_RESET_POWER);
	assert_int_equal(hw.resets, 1);
	assert_int_equal(hw.reg[DEVICE][(PM + 4) / 4] & 3, 0);
}

/* No_Soft_Reset says that nothing is lost in D3hot. */
static void no_soft_reset(void **state)
{
	(void)state;
	devs[DEVICE].pm = PM;
	hw.reg[DEVICE][(PM + 4) / 4] = 1 << 3;
	devs[OTHER].rid = 0x20;
	comes_back_as_it_was(PLATFORM_RESET_BUS);
	assert_int_equal(hw.reg[DEVICE][(PM + 4) / 4], 1 << 3);
}

static void d3hot_that_is_no_reset(void **state)
{
	(void)state;
	devs[DEVICE].pm = PM;
	devs[DEVICE].virtio = VIRTIO;
	hw.d3_is_idle = true;
	hw.status_at = 20;
	comes_back_as_it_was(PLATFORM_RESET_VIRTIO);
	assert_int_equal(hw.status[COMMON + 0x14], 0);
}

static void alone_behind_its_bridge(void **state)
{
	(void)state;
	devs[OTHER].rid = 0x700;
	hw.reg[BRIDGE][15] = 1u << 26 | 0xff;
	comes_back_as_it_was(PLATFORM_RESET_BUS);
	assert_int_equal(hw.reg[BRIDGE][15], 0xff);
	assert_int_equal(hw.resets, 1);
}

static void not_alone(void **state)
{
	enum platform_reset how;

	(void)state;
	assert_int_equal(reset(&how), -SK_E_NO_SYS);
	devs[OTHER].rid = 0x600; /* further down */
	assert_int_equal(reset(&how), -SK_E_NO_SYS);
	devs[OTHER].rid = 0x700;
	devs[BRIDGE].secondary = 6; /* another bus */
	assert_int_equal(reset(&how), -SK_E_NO_SYS);
	assert_int_equal(hw.resets, 0);
	assert_int_equal(hw.reg[DEVICE][1] & MASTERS, 0); /* it is quiet nevertheless */
}

static void virtio_device(void **state)
{
	(void)state;
	devs[DEVICE].virtio = VIRTIO;
	comes_back_as_it_was(PLATFORM_RESET_VIRTIO);
	assert_int_equal(hw.status[COMMON + 0x14], 0);
}

static void virtio_capability_that_lies(void **state)
{
	enum platform_reset how;

	(void)state;
	devs[DEVICE].virtio = VIRTIO;
	hw.reg[DEVICE][(VIRTIO + 8) / 4] = sizeof(hw.status) - 0x14;
	assert_int_equal(reset(&how), -SK_E_NO_SYS);
	hw.reg[DEVICE][(VIRTIO + 4) / 4] = 6;
	assert_int_equal(reset(&how), -SK_E_NO_SYS);
}

/* platform ended in the middle of a reset, and knows no sizes. */
static void half_reset(void **state)
{
	(void)state;
	memcpy(config, hw.reg[DEVICE], sizeof(config));
	hw.was_claimed = true;
	devs[DEVICE].virtio = VIRTIO;
	devs[DEVICE].measured = false;
	memset(devs[DEVICE].bar, 0, sizeof(devs[DEVICE].bar));
	device_resets();
	hw.mastered = false;
	hw.ready_at = 200; /* it has not come back yet */
	hw.status[COMMON + 0x14] = 0x0f;
	comes_back_as_it_was(PLATFORM_RESET_VIRTIO);
	assert_int_equal(hw.status[COMMON + 0x14], 0);
	assert_int_equal(devs[DEVICE].bar[1].size, BAR_SIZE);
}

static void quiet(void **state)
{
	(void)state;
	pci_quiesce(&cfg, &devs[DEVICE]);
	assert_int_equal(hw.reg[DEVICE][1] & 0xffff, DECODES | NO_INTX);
	assert_int_equal(hw.reg[DEVICE][MSIX / 4] >> 30, 3); /* enabled, and all are masked */
	devs[DEVICE].msix_cap = 0;
	devs[DEVICE].msi = MSIX;
	hw.reg[DEVICE][MSIX / 4] = 5 | 1 << 16;
	pci_quiesce(&cfg, &devs[DEVICE]);
	assert_int_equal(hw.reg[DEVICE][MSIX / 4], 5);
}

int main(void)
{
#define CASE(f) cmocka_unit_test_setup(f, setup)
	const struct CMUnitTest tests[] = {
		CASE(function_level_reset),
		CASE(accesses_that_never_end),
		CASE(a_function_that_stays_away),
		CASE(advanced_features),
		CASE(d3hot),
		CASE(no_soft_reset),
		CASE(d3hot_that_is_no_reset),
		CASE(alone_behind_its_bridge),
		CASE(not_alone),
		CASE(virtio_device),
		CASE(virtio_capability_that_lies),
		CASE(half_reset),
		CASE(quiet),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
