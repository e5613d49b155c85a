/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * iommu - what a device can reach: nothing before it is assigned, then the frames of its space,
 * as long as they are mapped; and which interrupts it can send
 *
 * The device is QEMU's `edu`, which copies between its own 4 KiB and memory as its registers
 * say, and sends an interrupt when it is told to.
 */
#include "../lib/ktest.h"

enum { CONFIG_ADDRESS = 0xcf8, CONFIG_DATA = 0xcfc, EDU_ID = 0x11e81234 };
enum { EDU_SOURCE = 0x80, EDU_TARGET = 0x88, EDU_SIZE = 0x90, EDU_COMMAND = 0x98 };
enum { EDU_RAISE = 0x60, EDU_LOWER = 0x64, CAP_MSI = 5, MSI_ON = 1 << 16, MSI_WIDE = 1 << 23 };
enum { LPC_RID = 31 << 3 }; /* another device, which every machine of this kind has */
enum { EDU_RUN = 1, EDU_TO_MEMORY = 2, EDU_BUFFER = 0x40000 };
#define IOVA 0x1234567000ull

static volatile uint8_t *edu;
static uint32_t edu_rid;
static sk_cap_t space;

static uint32_t config(uint32_t rid, uint32_t reg)
{
	uint32_t v;

	CHECK_EQ(sk_port_out(SK_CAP_IOPORT, CONFIG_ADDRESS, 4, 1u << 31 | rid << 8 | reg), 0);
	CHECK_EQ(sk_port_in(SK_CAP_IOPORT, CONFIG_DATA, 4, &v), 0);
	return v;
}

static void config_set(uint32_t rid, uint32_t reg, uint32_t v)
{
	config(rid, reg);
	CHECK_EQ(sk_port_out(SK_CAP_IOPORT, CONFIG_DATA, 4, v), 0);
}

static void edu_find(void)
{
	uint64_t base, bar, at = range_new(21);
	sk_cap_t untyped, frame = slots_new(1);

	for (edu_rid = 0; edu_rid < 0x100 && config(edu_rid, 0) != EDU_ID; edu_rid++)
		continue;
	CHECK(edu_rid < 0x100);
	bar = config(edu_rid, 0x10) & ~0xfu;
	config_set(edu_rid, 4, 6); /* memory, bus master */
	untyped = device_untyped(bar, &base);
	CHECK(untyped);
	CHECK_EQ(sk_retype(untyped, SK_OBJ_FRAME, SK_PAGE_ORDER, ME, frame, 1, bar - base), 0);
	CHECK_EQ(map_into(frame, SK_CAP_SPACE, at, 0, SK_PAGE_ORDER,
			 SK_R | SK_W | SK_MAP_UNCACHED),
		0);
	edu = (volatile uint8_t *)at;
}

static void edu_copy(uint64_t source, uint64_t target, uint64_t command)
{
	*(volatile uint64_t *)(edu + EDU_SOURCE) = source;
	*(volatile uint64_t *)(edu + EDU_TARGET) = target;
	*(volatile uint64_t *)(edu + EDU_SIZE) = 64;
	*(volatile uint64_t *)(edu + EDU_COMMAND) = EDU_RUN | command;
	while (*(volatile uint64_t *)(edu + EDU_COMMAND) & EDU_RUN)
		sk_yield();
}
static void edu_read(uint64_t at) { edu_copy(at, EDU_BUFFER, 0); }
static void edu_write(uint64_t at) { edu_copy(EDU_BUFFER, at, EDU_TO_MEMORY); }

/* A page and its physical address. */
static volatile uint64_t *page_new(sk_cap_t *frame, uint64_t *paddr, unsigned int order)
{
	sk_cap_t untyped = ram_untyped();
	uint64_t size = 1ull << order, at = range_new(order);
	const struct sk_boot_untyped *u = BOOT->untyped;
	struct sk_cap_info info;

	while (u->slot != untyped)
		u++;
	*frame = object_new_from(untyped, SK_OBJ_FRAME, order);
	CHECK_EQ(sk_cap_info(ME, untyped, &info), 0);
	*paddr = u->paddr + info.badge - size;
	CHECK_EQ(map_into(*frame, SK_CAP_SPACE, at, 0, order, SK_R | SK_W), 0);
	return (volatile uint64_t *)at;
}

static sk_cap_t copy_of(sk_cap_t frame)
{
	sk_cap_t copy = slots_new(1);

	CHECK_EQ(sk_copy(ME, copy, ME, frame, SK_ALL), 0);
	return copy;
}

static volatile uint64_t *page, *other;
static sk_cap_t page_frame, other_frame, page_copy;
static uint64_t page_paddr, other_paddr;

/* What the device writes there, when `page` has this value for it to read. */
static void device_is_given(uint64_t value)
{
	*page = value;
	edu_read(IOVA);
}

static sk_cap_t fault_ntfn;
static bool faults_are_told = true;

static void faults_claim(void)
{
	sk_cap_t irq = object_new(SK_OBJ_IRQ, 0), second = object_new(SK_OBJ_IRQ, 0);
	uint32_t rid, how;
	uint64_t addr;

	fault_ntfn = object_new(SK_OBJ_NOTIFICATION, 0);
	CHECK_EQ(sk_irq_bind(irq, mint_new(fault_ntfn, SK_W, 4)), 0);
	CHECK_EQ(sk_irq_pin(SK_CAP_CTL_IRQ, irq, SK_IRQ_IOMMU, 0, 0), 0);
	CHECK_EQ(sk_irq_pin(SK_CAP_CTL_IRQ, second, SK_IRQ_IOMMU, 0, 0), -SK_E_BUSY);
	while (sk_io_fault(SK_CAP_CTL_IO, &rid, &addr, &how) == 0)
		continue;
}

/* The device was refused just now, at this address, and nobody else was. */
static void fault_is(uint64_t at, uint32_t how_wanted)
{
	uint64_t addr, word;
	uint32_t rid, how;

	if (!faults_are_told)
		return;
	CHECK_EQ(sk_wait(fault_ntfn, SK_NO_DEADLINE, &word), 0);
	CHECK_EQ(word, 4);
	CHECK_EQ(sk_io_fault(SK_CAP_CTL_IO, &rid, &addr, &how), 0);
	CHECK_EQ(rid, edu_rid);
	CHECK_EQ(addr, at & ~(SK_PAGE_SIZE - 1));
	CHECK_EQ(how & SK_IO_WRITE, how_wanted);
	CHECK(how >> 8);
	CHECK_EQ(sk_io_fault(SK_CAP_CTL_IO, &rid, &addr, &how), -SK_E_AGAIN);
}

static void blocked_from_the_start(void)
{
	uint32_t rid, how;
	uint64_t addr;

	*page = 0x1111;
	edu_write(page_paddr);
	CHECK_EQ(*page, 0x1111);
	faults_claim();
	CHECK_EQ(sk_io_fault(SK_CAP_CTL_IRQ, &rid, &addr, &how), -SK_E_CAP);
	edu_write(page_paddr);
	fault_is(page_paddr, SK_IO_WRITE);
	edu_read(page_paddr + 512);
	fault_is(page_paddr, 0);
}

static void assignment(void)
{
	sk_cap_t second = object_new(SK_OBJ_SPACE_IO, 0);

	space = object_new(SK_OBJ_SPACE_IO, 0);
	CHECK_EQ(sk_io_assign(SK_CAP_CTL_IRQ, space, edu_rid), -SK_E_CAP);
	CHECK_EQ(sk_io_assign(SK_CAP_CTL_IO, space, edu_rid), 0);
	CHECK_EQ(sk_io_assign(SK_CAP_CTL_IO, space, edu_rid), 0);
	CHECK_EQ(sk_io_assign(SK_CAP_CTL_IO, second, edu_rid), -SK_E_BUSY);
	CHECK_EQ(sk_delete(ME, second), 0);
	edu_write(page_paddr); /* an empty space */
	CHECK_EQ(*page, 0x1111);
	fault_is(page_paddr, SK_IO_WRITE);
}

static void only_what_is_mapped(void)
{
	uint32_t level;
	uint64_t at;

	page_copy = copy_of(page_frame);
	CHECK_EQ(sk_map(page_copy, space, 1ull << 47, 0, SK_PAGE_ORDER, SK_R, &at, &level),
		-SK_E_RANGE);
	CHECK_EQ(map_into(page_copy, space, IOVA, 0, SK_PAGE_ORDER, SK_R | SK_W), 0);
	device_is_given(0x2222);
	*page = 0;
	edu_write(IOVA + 512);
	CHECK_EQ(page[64], 0x2222);
	edu_write(IOVA + SK_PAGE_SIZE); /* beyond it */
	fault_is(IOVA + SK_PAGE_SIZE, SK_IO_WRITE);
	edu_write(page_paddr); /* where it really is */
	fault_is(page_paddr, SK_IO_WRITE);
	CHECK_EQ(*page, 0);
	CHECK_EQ(other[0], 0);
}

static void read_only(void)
{
	sk_cap_t copy = copy_of(other_frame);

	other[0] = 0x3333;
	CHECK_EQ(map_into(copy, space, IOVA + SK_PAGE_SIZE, 0, SK_PAGE_ORDER, SK_R), 0);
	device_is_given(0x4444);
	edu_write(IOVA + SK_PAGE_SIZE);
	CHECK_EQ(other[0], 0x3333);
	fault_is(IOVA + SK_PAGE_SIZE, SK_IO_WRITE);
	edu_read(IOVA + SK_PAGE_SIZE);
	edu_write(IOVA);
	CHECK_EQ(*page, 0x3333);
	CHECK_EQ(sk_delete(ME, copy), 0);
}

/* The unit has used the translation before, so it may still know it. */
static void unmapped_at_once(void)
{
	device_is_given(0x5555);
	*page = 0;
	CHECK_EQ(sk_unmap(page_copy, 0, SK_PAGE_ORDER), 0);
	edu_write(IOVA);
	CHECK_EQ(*page, 0);
	CHECK_EQ(map_into(page_copy, space, IOVA, 0, SK_PAGE_ORDER, SK_R | SK_W), 0);
	edu_write(IOVA);
	CHECK_EQ(*page, 0x5555);
	*page = 0;
	CHECK_EQ(sk_delete(ME, page_copy), 0);
	edu_write(IOVA);
	CHECK_EQ(*page, 0);
}

/* A large page, its split, and what is left of it. */
static void large_pages(void)
{
	uint64_t paddr, iova = 1ull << 30, half = 1 << 20;
	sk_cap_t frame, copy;
	volatile uint64_t *large = page_new(&frame, &paddr, SK_LARGE_ORDER);

	copy = copy_of(frame);
	CHECK_EQ(map_into(copy, space, iova, 0, SK_LARGE_ORDER, SK_R | SK_W), 0);
	large[0] = 0x6666;
	edu_read(iova);
	edu_write(iova + half);
	CHECK_EQ(large[half / 8], 0x6666);
	CHECK_EQ(sk_unmap(copy, half, SK_PAGE_ORDER), -SK_E_NO_TABLE);
	CHECK_EQ(sk_map_table(object_new(SK_OBJ_TABLE, 0), space, iova, 1), 0);
	CHECK_EQ(sk_unmap(copy, half, SK_PAGE_ORDER), 0);
	large[half / 8] = 0;
	edu_write(iova + half);
	CHECK_EQ(large[half / 8], 0);
	edu_write(iova + half + SK_PAGE_SIZE);
	CHECK_EQ(large[(half + SK_PAGE_SIZE) / 8], 0x6666);
	CHECK_EQ(sk_delete(ME, copy), 0);
}

/* The tables' memory is used again, with entries for the same addresses in it. */
static void table_gone(void)
{
	sk_cap_t frame = copy_of(page_frame), table = object_new(SK_OBJ_TABLE, 0);
	uint64_t iova = IOVA + SK_LARGE_SIZE;

	CHECK_EQ(sk_map_table(table, space, iova, 1), 0);
	CHECK_EQ(map_into(frame, space, iova, 0, SK_PAGE_ORDER, SK_R | SK_W), 0);
	*page = 0x7777;
	edu_read(iova);
	*page = 0;
	CHECK_EQ(sk_delete(ME, table), 0);
	edu_write(iova);
	CHECK_EQ(*page, 0);
	CHECK_EQ(sk_delete(ME, frame), 0);
}

static void space_gone(void)
{
	sk_cap_t frame = copy_of(page_frame), again = object_new(SK_OBJ_SPACE_IO, 0);

	CHECK_EQ(map_into(frame, space, IOVA, 0, SK_PAGE_ORDER, SK_R | SK_W), 0);
	device_is_given(0x8888);
	*page = 0;
	CHECK_EQ(sk_delete(ME, space), 0);
	edu_write(IOVA);
	CHECK_EQ(*page, 0);
	CHECK_EQ(sk_io_assign(SK_CAP_CTL_IO, again, edu_rid), 0);
	edu_write(IOVA);
	CHECK_EQ(*page, 0);
	CHECK_EQ(map_into(copy_of(page_frame), again, IOVA, 0, SK_PAGE_ORDER, SK_R | SK_W), 0);
	edu_write(IOVA);
	CHECK_EQ(*page, 0x8888);
	CHECK_EQ(sk_delete(ME, again), 0);
}

/* --- interrupts --------------------------------------------------------------------------- */

struct message {
	sk_cap_t irq, ntfn;
	uint64_t addr;
	uint32_t data;
};

static struct message message_new(uint32_t rid, uint32_t cpu)
{
	struct message m = { .irq = object_new(SK_OBJ_IRQ, 0),
		.ntfn = object_new(SK_OBJ_NOTIFICATION, 0) };

	CHECK_EQ(sk_irq_msi(SK_CAP_CTL_IRQ, m.irq, cpu, rid, &m.addr, &m.data), 0);
	CHECK_EQ(sk_irq_bind(m.irq, mint_new(m.ntfn, SK_W, 8)), 0);
	return m;
}

/* The message that edu sends, whoever may have meant it for whom. */
static void edu_message(uint64_t addr, uint32_t data)
{
	uint32_t at = config(edu_rid, 0x34) & 0xfc, head;

	while ((head = config(edu_rid, at), (head & 0xff) != CAP_MSI)) {
		at = head >> 8 & 0xfc;
		CHECK(at);
	}
	config_set(edu_rid, at + 4, (uint32_t)addr);
	if (head & MSI_WIDE)
		config_set(edu_rid, at + 8, (uint32_t)(addr >> 32));
	config_set(edu_rid, at + (head & MSI_WIDE ? 12 : 8), data);
	config_set(edu_rid, at, head | MSI_ON);
}

static void edu_interrupt(void)
{
	*(volatile uint32_t *)(edu + EDU_RAISE) = 1;
	*(volatile uint32_t *)(edu + EDU_LOWER) = 1;
}

static void arrives(const struct message *m)
{
	uint64_t word;

	edu_message(m->addr, m->data);
	edu_interrupt();
	CHECK_EQ(sk_wait(m->ntfn, SK_NO_DEADLINE, &word), 0);
	CHECK_EQ(word, 8);
}

static void silent(const struct message *m)
{
	uint64_t word;

	CHECK_EQ(sk_poll(m->ntfn, &word), -SK_E_AGAIN);
}

/* What comes before an interrupt that arrives has arrived, too. */
static void only_its_own_interrupts(void)
{
	struct message own = message_new(edu_rid, 0), victim = message_new(LPC_RID, 0), heir;

	CHECK(victim.addr != own.addr || victim.data != own.data);
	arrives(&own);
	edu_message(victim.addr, victim.data);
	edu_interrupt();
	arrives(&own);
	silent(&victim);
	/* it ends, and another device is given the interrupt */
	CHECK_EQ(sk_delete(ME, own.irq), 0);
	heir = message_new(LPC_RID, 0);
	edu_message(own.addr, own.data);
	edu_interrupt();
	own = message_new(edu_rid, 0);
	arrives(&own);
	silent(&heir);
	silent(&victim);
	/* two sources of one device on two CPUs */
	CHECK_EQ(sk_delete(ME, victim.irq), 0);
	if (INFO->n_cpus > 1) {
		victim = message_new(edu_rid, 1);
		arrives(&victim);
		silent(&own);
		arrives(&own);
		silent(&victim);
	}
	CHECK_EQ(sk_delete(ME, own.irq), 0);
}

/*
 * However many interrupts come, one signal waits, and whoever does not look is not disturbed.
 */
static void a_storm(void)
{
	struct message own = message_new(edu_rid, 0);
	uint64_t word;

	edu_message(own.addr, own.data);
	for (unsigned int i = 0; i < 10000; i++)
		edu_interrupt();
	CHECK_EQ(sk_poll(own.ntfn, &word), 0);
	CHECK_EQ(word, 8);
	silent(&own);
	arrives(&own);
	CHECK_EQ(sk_delete(ME, own.irq), 0);
	for (unsigned int i = 0; i < 10000; i++)
		edu_interrupt(); /* it is nobody's any more */
	silent(&own);
}

static void interrupts_need_an_owner(void)
{
	sk_cap_t irq = object_new(SK_OBJ_IRQ, 0);
	uint64_t addr;
	uint32_t data;

	CHECK_EQ(sk_irq_msi(SK_CAP_CTL_IRQ, irq, 0, 5 << 16, &addr, &data), -SK_E_NOT_FOUND);
	CHECK_EQ(sk_irq_msi(SK_CAP_CTL_IRQ, irq, 0, edu_rid, &addr, &data), 0);
	CHECK_EQ(sk_delete(ME, irq), 0);
}

void test_main(void)
{
	/* QEMU's AMD-Vi logs no events */
	for (const char *at = BOOT->cmdline; *at; at++)
		if (*at == ' ' && at[1] == 's' && at[2] == 'i' && at[3] == 'l')
			faults_are_told = false;
	CHECK(INFO->features & SK_FEAT_IRQ_REMAP);
	edu_find();
	page = page_new(&page_frame, &page_paddr, SK_PAGE_ORDER);
	other = page_new(&other_frame, &other_paddr, SK_PAGE_ORDER);
	blocked_from_the_start();
	assignment();
	only_what_is_mapped();
	read_only();
	unmapped_at_once();
	large_pages();
	table_gone();
	space_gone();
	only_its_own_interrupts();
	a_storm();
	interrupts_need_an_owner();
}
