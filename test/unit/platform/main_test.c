/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * main_test.c - the whole of platform: the test plays firmware tables, configuration space and
 * ports of a machine
 */
#include "kern.h"

#include <stdlib.h>
#include <unistd.h>
#include <sys/mman.h>
#include <x86intrin.h>

#include "caps/caps.h"
#include "devmem.h"
#include "pci.h"
#include "proto/domain.h"
#include "proto/platform.h"
#include "svc/svc.h"
#include "sys/sk.h"

#undef main
int domain_main(void);

enum {
	SLOTS = 3000,
	MEM_SLOT = PLATFORM_CAP_MEM,
	TABLES = 0x0e00000, /* physical address */
	BARS = 0x2000000,
	RAM = 0x4000000, /* not device memory */
	ECAM = 0x3000000,
	RID_X = 3 << 3,      /* MSI-X */
	RID_M = 4 << 3,      /* MSI */
	RID_N = 5 << 3,      /* neither MSI-X nor MSI */
	RID_BEHIND = 1 << 8, /* behind a bridge */
	FUNCTIONS = 3,
	BAR_X = BARS + 0x20000, /* 64 KiB, with the MSI-X table at 0x3ff0, across two pages */
	TABLE_X = 0x3ff0,
	ENTRIES_X = 4,
	COMMON_X = 0x9000
};

/* ---- configuration space ---- */
static struct function {
	uint16_t rid;
	uint32_t reg[64], mask[6];
} fn[FUNCTIONS];
static uint32_t config_address;

static struct function *function_at(uint32_t rid)
{
	for (unsigned int i = 0; i < FUNCTIONS; i++)
		if (fn[i].rid == rid)
			return &fn[i];
	return NULL;
}

static void config_write(uint16_t rid, uint32_t off, uint32_t v)
{
	struct function *f = function_at(rid);

	if (off >= 0x10 && off < 0x28)
		f->reg[off / 4] = (f->reg[off / 4] & ~f->mask[off / 4 - 4]) |
				  (v & f->mask[off / 4 - 4]);
	else if (off == 4)
		f->reg[1] = (f->reg[1] & ~0xffffu) | (v & 0xffff);
	else
		f->reg[off / 4] = v;
}

static void functions_make(void)
{
	memset(fn, 0, sizeof(fn));
	fn[0] = (struct function){ .rid = RID_X };
	fn[0].reg[0] = 0x10421af4;
	fn[0].reg[1] = 1 << 20;
	fn[0].reg[2] = 0x01000000;
	fn[0].reg[4] = BAR_X;
	fn[0].mask[0] = 0xffff0000;
	fn[0].reg[5] = 0xc001;
	fn[0].mask[1] = 0xffe0;
	fn[0].reg[6] = BARS + 0x800; /* half a page */
	fn[0].mask[2] = 0xfffff800;
	fn[0].reg[7] = BARS + 0x11000;
	fn[0].mask[3] = 0xfffff000;
	fn[0].reg[13] = 0x40;
	fn[0].reg[16] = 0x11 | 0x80 << 8 | (ENTRIES_X - 1) << 16 | 1u << 30; /* all masked */
	fn[0].reg[17] = TABLE_X;
	fn[0].reg[32] = 0x09 | 16 << 16 |
			1u << 24; /* virtio: the common registers are in BAR 0 */
	fn[0].reg[34] = COMMON_X;
	fn[1] = fn[0];
	fn[1].rid = RID_M;
	fn[1].reg[4] = BARS + 0x40000;
	fn[1].reg[32] = 0;
	fn[1].reg[16] = 0x05 | 3 << 20 | 1 << 23; /* eight messages */
	fn[2] = fn[0];
	fn[2].rid = RID_N;
	fn[2].reg[0] = 0x12341af4;
	fn[2].reg[1] = 0;
	fn[2].reg[2] = 0x02000000;
	fn[2].reg[4] = RAM;
}

/* ---- ports ---- */
static struct {
	uint16_t port;
	uint32_t size, value;
} out[64];
static unsigned int n_out;
static uint8_t cmos[128], cmos_index;
static uint32_t pm1;

static uint32_t port_in(uint16_t port, uint32_t size)
{
	struct function *f;

	if (port == 0xcfc && size == 4 && config_address & 0x80000000) {
		f = function_at(config_address >> 8 & 0xffff);
		return f ? f->reg[(config_address & 0xff) / 4] : UINT32_MAX;
	}
	if (port == 0x71 && size == 1)
		return cmos[cmos_index];
	if (port == 0x604 && size == 2)
		return pm1;
	abort();
}

static void port_out(uint16_t port, uint32_t size, uint32_t value)
{
	if (port == 0xcf8 && size == 4) {
		config_address = value;
		return;
	}
	if (port == 0xcfc && size == 4) {
		config_write(config_address >> 8 & 0xffff, config_address & 0xff, value);
		return;
	}
	if (port == 0x70) {
		cmos_index = value;
		return;
	}
	if (port == 0xb2)
		pm1 |= 1; /* ACPI mode */
	out[n_out].port = port;
	out[n_out].size = size;
	out[n_out++].value = value;
}

static void written(unsigned int i, uint16_t port, uint32_t size, uint32_t value)
{
	assert_true(i < n_out);
	assert_int_equal(out[i].port, port);
	assert_int_equal(out[i].size, size);
	assert_int_equal(out[i].value, value);
}

/* ---- tables ---- */
static void put(uint32_t at, uint64_t v, unsigned int n)
{
	memcpy(kern.phys + TABLES + at, &v, n);
}

static void seal(uint32_t at, unsigned int len, unsigned int where)
{
	uint8_t *p = kern.phys + TABLES + at, sum = 0;

	p[where] = 0;
	for (unsigned int i = 0; i < len; i++)
		sum = (uint8_t)(sum + p[i]);
	p[where] = (uint8_t)-sum;
}

static void table(uint32_t at, const char *sig, unsigned int len)
{
	memcpy(kern.phys + TABLES + at, sig, 4);
	put(at + 4, len, 4);
	seal(at, len, 9);
}

enum { FADT = 0x1200, DSDT = 0x1800, MCFG = 0x1c00, XSDT = 0x1100, RSDP = 0xff0 };

static void tables_make(void)
{
	static const uint8_t s5[] = { 0x08, '_', 'S', '5', '_', 0x12, 6, 4, 0x0a, 5, 0x0a, 6,
		0 };

	memcpy(kern.phys + TABLES + RSDP, "RSD PTR ", 8);
	put(RSDP + 15, 2, 1);
	put(RSDP + 20, 36, 4);
	put(RSDP + 24, TABLES + XSDT, 8);
	seal(RSDP, 20, 8);
	seal(RSDP, 36, 32);
	put(XSDT + 36, TABLES + FADT, 8);
	put(XSDT + 44, TABLES + MCFG, 8);
	table(XSDT, "XSDT", 52);
	put(FADT + 40, TABLES + DSDT, 4);
	put(FADT + 48, 0xb2, 4);
	put(FADT + 52, 0x22, 1);
	put(FADT + 64, 0x604, 4);
	put(FADT + 68, 0x704, 4);
	put(FADT + 112, 1 << 10, 4);
	put(FADT + 116, 1, 1); /* the reset register is a port */
	put(FADT + 120, 0xcf7, 8);
	put(FADT + 128, 0x55, 1);
	table(FADT, "FACP", 129);
	memcpy(kern.phys + TABLES + DSDT + 40, s5, sizeof(s5));
	table(DSDT, "DSDT", 60);
	put(MCFG, 0, 4); /* configuration space by ports, unless a case adds MCFG */
	table(MCFG, "XXXX", 60);
}

/* ---- the machine ---- */
static uint32_t ecam_order = 20;

static void machine(void)
{
	struct platform_resources *res;
	struct domain_info *info;
	void *page = (void *)PLATFORM_RES_VADDR;

	kern_start(SLOTS + 1);
	info = kern_domain();
	info->free_slot = PLATFORM_CAP_MEM + PLATFORM_MEM_MAX;
	info->n_slots = SLOTS;
	info->n_untyped = 1;
	info->untyped_order[0] = 22;
	(void)kern_untyped(DOMAIN_CAP_UNTYPED, 22);
	(void)kern_object(DOMAIN_CAP_SERVICE, SK_OBJ_ENDPOINT);
	(void)kern_object(DOMAIN_CAP_NTFN, SK_OBJ_NOTIFICATION);
	(void)kern_object(DOMAIN_CAP_REPLY, SK_OBJ_REPLY);
	(void)kern_object(PLATFORM_CAP_IOPORT, SK_OBJ_IOPORT);
	kern_own(PLATFORM_CAP_IOPORT)->badge = 0xffffull << 16;
	kern_info()->tsc_hz = 1000000;
	kern_info()->boot_tsc = __rdtsc();
	assert_ptr_equal(mmap(page, 4096, PROT_READ | PROT_WRITE,
				 MAP_PRIVATE | MAP_ANONYMOUS | MAP_FIXED_NOREPLACE, -1, 0),
		page);
	res = page;
	res->rsdp = TABLES + RSDP;
	res->n_mem = 3;
	res->mem[0] = (struct platform_mem){ TABLES, MEM_SLOT, 16 };
	res->mem[1] = (struct platform_mem){ BARS, MEM_SLOT + 1, 20 };
	res->mem[2] = (struct platform_mem){ ECAM, MEM_SLOT + 2, ecam_order };
	(void)kern_device(MEM_SLOT, 16, TABLES);
	(void)kern_device(MEM_SLOT + 1, 20, BARS);
	(void)kern_device(MEM_SLOT + 2, ecam_order, ECAM);
	assert_int_equal(caps_init(), 0);
	functions_make();
	tables_make();
	/* 2026-11-29 12:34:56, BCD, 24 hours */
	memcpy(cmos, (uint8_t[]){ 0x56, 0, 0x34, 0, 0x12, 0, 0, 0x29, 0x11, 0x26, 0, 2 }, 12);
}

static void (*const *script)(struct kern_msg *m);
static struct kern_msg reply;

static long received(struct kern_msg *m)
{
	memset(m->mr, 0, sizeof(m->mr));
	m->n = 4;
	m->badge = SVC_BADGE_INIT;
	if (!*script)
		_exit(0);
	(*script++)(m);
	return 0;
}

static void replied(struct kern_msg *m) { reply = *m; }

static int status(void) { return (int)(int64_t)reply.mr[0]; }

static void run(void (*const steps[])(struct kern_msg *m))
{
	script = steps;
	kern.on_recv = received;
	kern.on_reply = replied;
	kern.on_port_in = port_in;
	kern.on_port_out = port_out;
	(void)domain_main();
	abort();
}

static void call(
	struct kern_msg *m, uint32_t label, uint64_t a, uint64_t b, uint64_t c, uint64_t d)
{
	m->label = label;
	m->mr[0] = a;
	m->mr[1] = b;
	m->mr[2] = c;
	m->mr[3] = d;
}

/* The message of vector n is ADDR, DATA + n. */
enum { DATA = 0x31 };
#define ADDR 0x1fee00000ull

static void call_vector(struct kern_msg *m, uint64_t of, uint64_t index)
{
	call(m, PLATFORM_VECTOR, of, index, ADDR, DATA + index);
}

/* ---- claims ---- */
static uint64_t handle, handle_m;
/* As each claim reported it. */
static uint64_t config_x[32], config_m[32];

static void call_reset(struct kern_msg *m, uint64_t of, const uint64_t *config)
{
	call(m, PLATFORM_RESET, of, 0, 0, 0);
	memcpy(&m->mr[1], config, sizeof(config_x));
	m->n = 33;
}

static void by_another(struct kern_msg *m)
{
	call(m, PLATFORM_CLAIM, 0xffffffff, UINT64_MAX, 0, 8);
	m->badge = SVC_BADGE_CONTROL;
}

static void unclaimed(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_DENIED);
	call(m, PLATFORM_BAR, 0, 0, 0, 0);
}

static void handle_beyond(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	call(m, PLATFORM_VECTOR, RID_X, 0, 0, 0); /* not claimed */
}

static void unknown_ids(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	call(m, PLATFORM_CLAIM, 0x10431af4, UINT64_MAX, 0, 2);
}

static void unknown_class(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	call(m, PLATFORM_CLAIM, 0x10421af4, 0x020000, 0, 2);
}

static void index_beyond(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	call(m, PLATFORM_CLAIM, 0x10421af4, 0x010000, 2, 2);
}

static void claim_first(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	call(m, PLATFORM_CLAIM, 0x10421af4, 0x010000, 0, 1000);
}

static void claimed(struct kern_msg *m)
{
	const uint32_t *entry = (uint32_t *)(kern.phys + BAR_X + TABLE_X);

	assert_int_equal(status(), 0);
	assert_int_equal(reply.n, 42);
	handle = reply.mr[1];
	assert_int_equal(reply.mr[2], 0x10421af4 | (uint64_t)RID_X << 32);
	assert_int_equal(reply.mr[3], ENTRIES_X); /* as many as its table has */
	assert_int_equal(reply.mr[4], 0x10000);
	assert_int_equal(reply.mr[5], 0); /* an I/O BAR */
	assert_int_equal(reply.mr[6], 0); /* its page may hold another device, too */
	assert_int_equal(reply.mr[7], 0x1000);
	assert_int_equal((uint32_t)reply.mr[10], 0x10421af4);
	assert_int_equal(reply.mr[10 + 4] >> 32, 0); /* words 8 and 9 are BARs 4 and 5 */
	assert_int_equal((uint32_t)reply.mr[10 + 8], fn[0].reg[16]);
	assert_int_equal(handle, RID_X);
	memcpy(config_x, &reply.mr[10], sizeof(config_x));
	assert_int_equal(entry[2], 0);
	assert_int_equal(fn[0].reg[16] >> 30, 1); /* off until it has a message */
	/* memory decoding and bus mastering on */
	assert_int_equal(fn[0].reg[1] & 0x6, 0x6);
	assert_int_equal(fn[1].reg[1] & 0x4, 0);
	call(m, PLATFORM_CLAIM, 0x10421af4, 0x010000, 0, 2);
}

static void claim_msi(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_BUSY);
	call(m, PLATFORM_CLAIM, 0x1042ffff, UINT64_MAX, 1, 2);
}

static void claimed_msi(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	handle_m = reply.mr[1];
	assert_int_equal(reply.mr[2] >> 32, RID_M);
	assert_int_equal(reply.mr[3], 1);
	memcpy(config_m, &reply.mr[10], sizeof(config_m));
	call_vector(m, handle_m, 0);
}

static void message_of_msi(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(fn[1].reg[17], 0xfee00000);
	assert_int_equal(fn[1].reg[18], 1);
	assert_int_equal(fn[1].reg[19], DATA);
	assert_int_equal(fn[1].reg[16] >> 16 & 1, 1);
	assert_int_equal(fn[1].reg[16] >> 20 & 7, 0);
	call_vector(m, handle_m, 1);
}

static void only_one_message(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_RANGE);
	call(m, PLATFORM_CLAIM, 0x1234ffff, UINT64_MAX, 0, 2);
}

static void claimed_without(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[3], 0);
	call_vector(m, handle, ENTRIES_X);
}

static void vector(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_RANGE);
	assert_int_equal(*(uint32_t *)(kern.phys + BAR_X + TABLE_X + 16 * ENTRIES_X + 8), 0);
	call_vector(m, handle, 2);
}

static void bar_beyond(struct kern_msg *m)
{
	const uint32_t *entry = (uint32_t *)(kern.phys + BAR_X + TABLE_X) + 4 * 2;

	assert_int_equal(status(), 0);
	assert_int_equal(entry[0], 0xfee00000);
	assert_int_equal(entry[1], 1);
	assert_int_equal(entry[2], DATA + 2);
	assert_int_equal(entry[3], 0);
	assert_int_equal(entry[-2], 0);                /* only this one */
	assert_int_equal(fn[0].reg[16] >> 30, 2);      /* enabled and unmasked */
	assert_int_equal(fn[0].reg[1] & 0x406, 0x406); /* INTx off */
	call(m, PLATFORM_BAR, handle, 6, 0, 0);
}

static void bar_of_ports(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_RANGE);
	call(m, PLATFORM_BAR, handle, 1, 0, 0);
}

static void bar_of_half_a_page(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	call(m, PLATFORM_BAR, handle, 2, 0, 0);
}

static uint64_t piece, covered;
static bool page_given[16];
static unsigned int used_before;

static void bar_first(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND);
	used_before = kern_used(kern.cnode);
	call(m, PLATFORM_BAR, handle, 0, piece, 0);
}

static void bar_next(struct kern_msg *m)
{
	uint64_t offset = reply.mr[2], size = 1ull << reply.mr[3];

	assert_int_equal(status(), 0);
	assert_int_equal(reply.n_caps, 1);
	assert_int_equal(reply.cap[0].obj->paddr, BAR_X + offset);
	assert_int_equal(reply.cap[0].obj->order, reply.mr[3]);
	/* platform keeps no copy of the capability */
	assert_int_equal(kern_used(kern.cnode), used_before);
	for (uint64_t at = offset; at < offset + size; at += 4096) {
		assert_false(page_given[at / 4096]);
		page_given[at / 4096] = true;
	}
	covered += size;
	piece++;
	if (piece < reply.mr[1])
		script--;
	call(m, PLATFORM_BAR, handle, 0, piece, 0);
}

static void bar_of_another(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_RANGE);
	assert_int_equal(covered, 0x10000 - 0x2000);
	assert_false(page_given[3]); /* pages 3 and 4 hold the table, so they are not given */
	assert_false(page_given[4]);
	call(m, PLATFORM_BAR, handle_m, 0, 0, 0);
}

static void bar_is_ram(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[1], 1);
	assert_int_equal(reply.mr[3], 16);
	call(m, PLATFORM_BAR, RID_N, 0, 0, 0);
}

static void no_such_call(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND); /* not device memory */
	assert_int_equal(reply.n_caps, 0);
	call(m, PLATFORM_RESET + 1, 0, 0, 0, 0);
}

/* ---- a second claim ---- */
static void quiesce_x(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NO_SYS);
	kern.phys[BAR_X + COMMON_X + 0x14] = 0x0f; /* the driver runs */
	call(m, PLATFORM_QUIESCE, handle, 0, 0, 0);
}

static void is_quiet(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(fn[0].reg[1] & 0x406, 0x402);
	assert_int_equal(fn[0].reg[16] >> 30, 3); /* enabled and masked */
	call_reset(m, handle, config_x);
}

static void is_reset(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[1], PLATFORM_RESET_VIRTIO);
	assert_int_equal(kern.phys[BAR_X + COMMON_X + 0x14], 0);
	call(m, PLATFORM_BAR, handle, 0, 0, 0);
}

static void claim_again(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NOT_FOUND); /* the claim has ended */
	call(m, PLATFORM_CLAIM, 0x10421af4, 0x010000, 0, 1000);
}

static void claimed_again(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[1], handle);
	assert_int_equal(reply.mr[3], ENTRIES_X);
	assert_int_equal(fn[0].reg[1] & 0x406, 0x406);
	call_reset(m, handle_m, config_m);
}

static void has_no_reset(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_NO_SYS);
	assert_int_equal(fn[1].reg[1] & 4, 0);
	call(m, PLATFORM_CLAIM, 0x1042ffff, UINT64_MAX, 1, 2);
}

static void stays_claimed(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_BUSY);
	call_reset(m, FUNCTIONS, config_m);
}

static void end(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), -SK_E_NOT_FOUND);
}

static void (*const claims[])(struct kern_msg *m) = { by_another, unclaimed, handle_beyond,
	unknown_ids, unknown_class, index_beyond, claim_first, claimed, claim_msi, claimed_msi,
	message_of_msi, only_one_message, claimed_without, vector, bar_beyond, bar_of_ports,
	bar_of_half_a_page, bar_first, bar_next, bar_of_another, bar_is_ram, no_such_call,
	quiesce_x, is_quiet, is_reset, claim_again, claimed_again, has_no_reset, stays_claimed,
	end, NULL };

static void devices(void)
{
	machine();
	run(claims);
}

/* ---- a later life ---- */
static struct function fn_before;

static void n_claim(struct kern_msg *m)
{
	assert_memory_equal(&fn[0], &fn_before, sizeof(fn[0])); /* not touched */
	assert_int_equal(fn[1].reg[1] & 4, 0);                  /* and this one is quiet */
	call(m, PLATFORM_CLAIM, 0x10421af4, 0x010000, 0, 4);
}

static void n_quiesce(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_BUSY);
	call(m, PLATFORM_QUIESCE, RID_X, 0, 0, 0);
}

static void n_reset(struct kern_msg *m)
{
	uint64_t config[32];

	assert_int_equal(status(), 0);
	assert_int_equal(fn[0].reg[1] & 4, 0);
	assert_int_equal(fn[0].reg[16] >> 30 & 1, 1); /* masked */
	memcpy(config, fn_before.reg, sizeof(config));
	call_reset(m, RID_X, config);
}

static void n_claim_again(struct kern_msg *m)
{
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[1], PLATFORM_RESET_VIRTIO);
	call(m, PLATFORM_CLAIM, 0x10421af4, 0x010000, 0, 4);
}

static void n_claimed(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[1], RID_X);
	assert_int_equal(reply.mr[3], ENTRIES_X);
	assert_int_equal(reply.mr[4], 0x10000);
}

static void (*const later[])(
	struct kern_msg *m) = { n_claim, n_quiesce, n_reset, n_claim_again, n_claimed, NULL };

static void a_function_that_a_driver_has(void)
{
	machine();
	strcpy(((struct domain_info *)DOMAIN_INFO_VADDR)->args, "claimed=f8,18\n");
	fn[0].reg[1] |= 6;
	fn[1].reg[1] |= 6;
	fn_before = fn[0];
	run(later);
}

/* Registers are read at the address in MCFG. */
static void ecam_claim(struct kern_msg *m)
{
	call(m, PLATFORM_CLAIM, 0x55551af4, UINT64_MAX, 0, 0);
}

static void ecam_claimed(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[2] >> 32, 7 << 3);
	assert_int_equal(config_address, 0); /* the ports were not used */
	assert_int_equal(*(uint32_t *)(kern.phys + ECAM + (7 << 15) + 4) & 6, 6);
}

static void (*const by_ecam[])(struct kern_msg *m) = { ecam_claim, ecam_claimed, NULL };

static void configuration_by_memory(void)
{
	machine();
	put(MCFG + 44, ECAM, 8);
	put(MCFG + 54, 0 | 0 << 8, 2);
	table(MCFG, "MCFG", 60);
	memset(kern.phys + ECAM, 0xff, 1 << 20);
	memset(kern.phys + ECAM + (7 << 15), 0, 4096);
	memcpy(kern.phys + ECAM + (7 << 15), (uint32_t[]){ 0x55551af4, 0, 0x01000000, 0 }, 16);
	run(by_ecam);
}

/* Behind the last bus of the window there are no registers, but other memory. */
static void beyond_claim(struct kern_msg *m)
{
	call(m, PLATFORM_CLAIM, 0x12341af4, UINT64_MAX, 0, 0);
}

static void beyond_claimed(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), 0);
	assert_int_equal(reply.mr[2] >> 32, RID_BEHIND);
}

static void (*const by_both[])(struct kern_msg *m) = { beyond_claim, beyond_claimed, NULL };

static void configuration_beyond_the_window(void)
{
	ecam_order = 21;
	machine();
	put(MCFG + 44, ECAM, 8);
	put(MCFG + 54, 0 | 0 << 8, 2);
	table(MCFG, "MCFG", 60);
	memset(kern.phys + ECAM, 0xff, 2 << 20);
	memset(kern.phys + ECAM + (7 << 15), 0, 4096);
	/* a bridge to bus 1 */
	memcpy(kern.phys + ECAM + (7 << 15),
		(uint32_t[]){ 0x55551af4, 0, 0x06040000, 1 << 16, 0, 0, 0x00010100 }, 28);
	fn[2].rid = RID_BEHIND;
	run(by_both);
}

/* ---- power ---- */
static void power(struct kern_msg *m) { call(m, PLATFORM_POWER, 0, 0, 0, 0); }

static void powered(struct kern_msg *m)
{
	assert_int_equal(status(), -SK_E_IO); /* a power-off that worked would not return */
	assert_int_equal(n_out, 3);
	written(0, 0xb2, 1, 0x22);
	written(1, 0x604, 2, 5 << 10 | 1 << 13);
	written(2, 0x704, 2, 6 << 10 | 1 << 13);
	call(m, PLATFORM_POWER, 0, 0, 0, 0);
}

static void again(struct kern_msg *m)
{
	assert_int_equal(n_out, 5); /* ACPI mode is already on */
	call(m, PLATFORM_POWER, 1, 0, 0, 0);
}

static void rebooted(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(n_out, 7);
	written(5, 0xcf7, 1, 0x55);
	written(6, 0xcf9, 1, 0x06);
}

static void (*const power_steps[])(
	struct kern_msg *m) = { power, powered, again, rebooted, NULL };

static void off_and_on(void)
{
	machine();
	run(power_steps);
}

static void reboot_only(struct kern_msg *m) { call(m, PLATFORM_POWER, 1, 0, 0, 0); }

static void rebooted_by_memory(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(kern.phys[BARS + 0x77777], 0x55);
	written(0, 0xcf9, 1, 0x06);
}

static void (*const memory_steps[])(
	struct kern_msg *m) = { reboot_only, rebooted_by_memory, NULL };

static void reset_register_in_memory(void)
{
	machine();
	put(FADT + 116, 0, 1);
	put(FADT + 120, BARS + 0x77777, 8);
	table(FADT, "FACP", 129);
	run(memory_steps);
}

static void nothing_was_written(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), -SK_E_IO);
	assert_int_equal(n_out, 0);
}

static void (*const lost_steps[])(struct kern_msg *m) = { power, nothing_was_written, NULL };

static void no_tables(void)
{
	machine();
	kern.phys[TABLES + RSDP]++;
	run(lost_steps);
}

/* ---- the wall clock ---- */
static void wallclock(struct kern_msg *m) { call(m, PLATFORM_WALLCLOCK, 0, 0, 0, 0); }

static void is_the_date(struct kern_msg *m)
{
	uint64_t now = 1795955696ull * 1000000000;

	(void)m;
	assert_int_equal(status(), 0);
	assert_int_equal(reply.n, 2);
	/* the time of the boot, which was 100 seconds ago */
	assert_in_range(reply.mr[1], now - 130000000000ull, now - 100000000000ull);
}

static void (*const clock_steps[])(struct kern_msg *m) = { wallclock, is_the_date, NULL };

static void wall_clock(void)
{
	machine();
	kern_info()->tsc_hz = 1000000000;
	kern_info()->boot_tsc = __rdtsc() - 100000000000ull;
	run(clock_steps);
}

static void is_not_known(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(status(), -SK_E_NOT_FOUND);
}

static void (*const no_clock_steps[])(struct kern_msg *m) = { wallclock, is_not_known, NULL };

static void no_wall_clock(void)
{
	machine();
	cmos[8] = 0x13;
	run(no_clock_steps);
}

/* ---- devmem ---- */
static void device_memory(void)
{
	volatile uint8_t *p, *q;
	unsigned int used;
	uint32_t rights;
	sk_cap_t f;

	machine();
	p = devmem_map(BARS + 0xff0, 32); /* two adjacent pages */
	assert_non_null(p);
	p[31] = 7;
	assert_int_equal(kern.phys[BARS + 0xff0 + 31], 7);
	assert_non_null(kern_view(kern.space, (uint64_t)p, &rights));
	assert_int_equal(rights, SK_R | SK_W | SK_MAP_UNCACHED);
	used = kern_used(kern.cnode);
	q = devmem_map(BARS + 0x1000, 4096);
	assert_ptr_equal(q, p + 16);
	assert_int_equal(kern_used(kern.cnode), used); /* pages are mapped only once */
	assert_null(devmem_map(BARS - 1, 1));
	assert_null(devmem_map(BARS + (1 << 20), 1));
	assert_null(devmem_map(BARS + (1 << 20) - 1, 2));
	assert_null(devmem_map(BARS, 0));
	assert_null(devmem_map(UINT64_MAX, 2));
	assert_null(devmem_map(UINT64_MAX - 4095, 8));
	assert_null(devmem_map(RAM, 4));
	used = kern_used(kern.cnode);
	assert_int_equal(devmem_frame(BARS + 0x1000, 13, &f), -SK_E_ALIGN);
	assert_int_equal(devmem_frame(BARS + (1 << 20) - 4096, 13, &f), -SK_E_NOT_FOUND);
	assert_int_equal(devmem_frame(RAM, 12, &f), -SK_E_NOT_FOUND);
	kern.fail_nr = SK_SYS_MAP;
	kern.fail_in = 1;
	kern.fail_rc = -SK_E_RIGHTS;
	assert_null(devmem_map(BARS + 0x5000, 1));
	assert_int_equal(kern_used(kern.cnode), used);
	for (f = 0; slot_alloc(1); f++)
		;
	assert_null(devmem_map(BARS + 0x5000, 1));
	assert_true(f > 0);
}

/* A refused frame costs no slot. */
static void refused_frames_cost_nothing(void)
{
	sk_cap_t f, first, last;

	machine();
	first = slot_alloc(1);
	for (unsigned int i = 0; i < 10; i++)
		assert_int_equal(devmem_frame(BARS + 0x1000, 13, &f), -SK_E_ALIGN);
	last = slot_alloc(1);
	assert_int_equal(last, first + 1);
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(devices),
		KERN_CASE(a_function_that_a_driver_has),
		KERN_CASE(configuration_by_memory),
		KERN_CASE(configuration_beyond_the_window),
		KERN_CASE(off_and_on),
		KERN_CASE(reset_register_in_memory),
		KERN_CASE(no_tables),
		KERN_CASE(wall_clock),
		KERN_CASE(no_wall_clock),
		KERN_CASE(device_memory),
		KERN_CASE(refused_frames_cost_nothing),
	};

	return cmocka_run_group_tests(tests, NULL, NULL);
}
