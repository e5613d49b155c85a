/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * boot.c - from the boot information to the running root task
 *
 * Lifecycle   core_init() runs once, on the boot CPU. It makes the root task out of boot
 *             memory, turns all other memory into untypeds, gives the root task capabilities to
 *             everything, and starts the other CPUs.
 * Invariants  BOOT1 memory that the kernel keeps (image, boot allocations, interrupt
 *                controllers) is in no untyped
 *             BOOT2 memory that user land can map is closed in the kernel window, except the
 *                log
 */
#include "log.h"
#include "../boot/boot_info.h"
#include "arch/x86_64/pte.h"
#include "check.h"
#include "sched.h"
#include "space.h"

#define ROOT_CNODE_ORDER 18
#define ROOT_PRIORITY 20
#define STACK_SIZE (256u << 10)
#define SEGMENT_MAX (64ull << 20)

extern const char kernel_image_start[];

static struct {
	struct cnode *cnode;
	struct space *space;
	struct thread *thread;
	struct sched *sched;
	struct sk_bootinfo *info;
	sk_cap_t free;
	unsigned int dropped; /* untypeds that found no room in the list */
} root;

/* --- capabilities ------------------------------------------------------------------------- */

static void TA_OFF boot_cap(sk_cap_t index, struct cap v)
{
	BUG_ON(index >= root.cnode->n_slots);
	slot_set(&root.cnode->slots[index], NULL, &v);
}

static struct object *boot_object(sk_cap_t index, uint8_t type, uint8_t order)
{
	struct object *o = object_make(boot_alloc(1ull << order), type, order);

	if (type == SK_OBJ_CNODE)
		root.cnode = (struct cnode *)o;
	boot_cap(index, (struct cap){ type, SK_ALL, order, 0, (uint64_t)o, 0 });
	return o;
}

static void boot_frame(sk_cap_t index, uint64_t paddr, uint8_t order, uint8_t rights)
{
	boot_cap(index, (struct cap){ SK_OBJ_FRAME, rights, order, 0, paddr, 0 });
}

/* --- the root task's address space -------------------------------------------------------- */

static uint64_t *root_entry(uint64_t vaddr)
{
	return boot_entry(phys_to_virt(root.space->root), vaddr, pte_table(0) | PTE_BOOT);
}

static void boot_map(uint64_t vaddr, const void *memory, uint64_t size, unsigned int rights)
{
	for (uint64_t at = 0; at < size; at += SK_PAGE_SIZE) {
		uint64_t *e = root_entry(vaddr + at);

		if (pte_present(*e))
			panic("boot archive: two segments at %lx", vaddr + at);
		*e = pte_leaf(virt_to_phys(memory) + at, rights, 1) | PTE_BOOT;
	}
	arch_window_close(virt_to_phys(memory), size); /* BOOT2 */
}

/* --- archive ------------------------------------------------------------------------------ */

static void segment_check(
	const struct sk_archive *a, const struct sk_archive_seg *s, unsigned int i)
{
	const char *wrong = NULL;

	if ((s->offset | s->vaddr) & (SK_PAGE_SIZE - 1))
		wrong = "is not page-aligned";
	else if (s->offset > a->size || s->file_size > a->size - s->offset)
		wrong = "reaches beyond the archive";
	else if (s->mem_size == 0 || s->mem_size > SEGMENT_MAX || s->file_size > s->mem_size)
		wrong = "has a bad size";
	else if (s->vaddr < USER_START || s->vaddr > USER_END - SEGMENT_MAX)
		wrong = "lies outside user memory";
	else if (s->vaddr < SK_INIT_STACK_TOP && s->vaddr + s->mem_size > SK_BOOTINFO_VADDR)
		wrong = "overlaps the boot information or the stack";
	else if (!(s->rights & SK_R) || s->rights & ~(SK_R | SK_W | SK_EXEC) ||
		 (s->rights & SK_W && s->rights & SK_EXEC))
		wrong = "has bad rights";
	if (wrong)
		panic("boot archive: segment %u %s", i, wrong);
}

static void archive_check(const struct boot_info *bi, const struct sk_archive *a)
{
	if (a->magic != SK_ARCHIVE_MAGIC)
		panic("boot archive: bad magic %lx", a->magic);
	if (a->size > bi->archive_size || a->size < sizeof(*a))
		panic("boot archive: it says %lu bytes, the loader %lu", a->size,
			bi->archive_size);
	if (a->n_segs == 0 || a->n_segs > SK_ARCHIVE_SEGS)
		panic("boot archive: %u segments", a->n_segs);
	for (unsigned int i = 0; i < a->n_segs; i++)
		segment_check(a, &a->seg[i], i);
	if (a->entry >= USER_END)
		panic("boot archive: bad entry %lx", a->entry);
}

static void segment_load(const struct boot_info *bi, const struct sk_archive_seg *s)
{
	uint64_t size = align_up(s->mem_size, SK_PAGE_SIZE), from = bi->archive + s->offset;
	uint64_t pages = align_up(s->file_size, SK_PAGE_SIZE);
	char *memory = boot_alloc(size);

	if (s->file_size) {
		arch_window_open(from, pages);
		memcpy(memory, phys_to_virt(from), s->file_size);
		arch_window_close(from, pages);
	}
	boot_map(s->vaddr, memory, size, s->rights);
}

static struct sk_archive archive_open(const struct boot_info *bi)
{
	struct sk_archive a;

	if (!bi->archive || bi->archive_size < SK_PAGE_SIZE)
		panic("boot: the loader passed no boot archive");
	if (bi->archive & (SK_PAGE_SIZE - 1))
		panic("boot archive: at %lx, not on a page boundary", bi->archive);
	arch_window_open(bi->archive, SK_PAGE_SIZE);
	memcpy(&a, phys_to_virt(bi->archive), sizeof(a));
	arch_window_close(bi->archive, SK_PAGE_SIZE);
	archive_check(bi, &a);
	return a;
}

/* --- memory for user land ----------------------------------------------------------------- */

static uint8_t piece_order(uint64_t base, uint64_t end, uint8_t max)
{
	uint8_t order = base ? (uint8_t)__builtin_ctzll(base) : max;

	if (order > max)
		order = max;
	while (1ull << order > end - base)
		order--;
	return order;
}

static void add_untypeds(uint64_t base, uint64_t end, uint8_t max, uint16_t flags)
{
	struct sk_bootinfo *info = root.info;
	uint8_t order;

	for (; base < end; base += 1ull << order) {
		order = piece_order(base, end, max);
		if (info->n_untyped == SK_BOOT_UNTYPED_MAX) {
			root.dropped++;
			continue;
		}
		info->untyped[info->n_untyped++] = (struct sk_boot_untyped){ root.free, order,
			flags, base };
		boot_cap(root.free++, (struct cap){ SK_OBJ_UNTYPED, SK_ALL, order,
					      flags ? SLOT_DEVICE : 0, base, 0 });
	}
}

/* Addresses that are not memory, except those of arch_kernel_mmio(). */
static void add_device(uint64_t base, uint64_t end, const uint64_t *mmio, unsigned int n)
{
	for (unsigned int i = 0; i < n; i++) {
		uint64_t from = mmio[i] & ~(SK_PAGE_SIZE - 1);
		uint64_t to = from + (1ull << (mmio[i] - from));

		if (to <= base || from >= end)
			continue;
		add_device(base, from, mmio, n);
		add_device(to, end, mmio, n);
		return;
	}
	add_untypeds(base, end, 47, SK_BOOT_DEVICE);
}

static void add_memory(const struct boot_info *bi)
{
	uint64_t mmio[96], at = 0;
	unsigned int n = arch_kernel_mmio(mmio, ARRAY_SIZE(mmio));

	for (const struct boot_mem *m = bi->mem; m < bi->mem + bi->n_mem; m++) {
		if (m->type >= BOOT_MEM_LOADED)
			root.info->ram_size += m->size;
		if (m->type == BOOT_MEM_RAM) /* BOOT1 */
			add_untypeds(m->base, m->base + m->size, SK_HUGE_ORDER, 0);
	}
	for (const struct boot_mem *m = bi->mem; m < bi->mem + bi->n_mem; m++) {
		if (m->type < BOOT_MEM_LOADED)
			continue;
		add_device(at, m->base & ~(SK_PAGE_SIZE - 1), mmio, n);
		at = align_up(m->base + m->size, SK_PAGE_SIZE);
	}
	add_device(at, 1ull << arch_phys_bits(), mmio, n);
	if (root.dropped)
		klog("boot: %u pieces of memory left out\n", root.dropped);
}

static void add_archive(const struct boot_info *bi)
{
	struct sk_bootinfo *info = root.info;
	uint64_t at = bi->archive, end = align_up(bi->archive + bi->archive_size, SK_PAGE_SIZE);
	uint8_t order;

	for (; at < end; at += 1ull << order) {
		order = piece_order(at, end, SK_HUGE_ORDER);
		if (info->n_archive == ARRAY_SIZE(info->archive))
			panic("boot archive: more than %zu pieces", ARRAY_SIZE(info->archive));
		info->archive[info->n_archive++] = (struct sk_boot_frame){ root.free, order };
		boot_frame(root.free++, at, order, SK_R | SK_EXEC | SK_GRANT);
	}
}

/* --- the root task ------------------------------------------------------------------------ */

static void root_objects(void)
{
	static const uint8_t controls[][2] = { { SK_CAP_CTL_SCHED, SK_OBJ_CTL_SCHED },
		{ SK_CAP_CTL_IRQ, SK_OBJ_CTL_IRQ }, { SK_CAP_CTL_IO, SK_OBJ_CTL_IO },
		{ SK_CAP_CTL_LOG, SK_OBJ_CTL_LOG } };

	boot_object(SK_CAP_CNODE, SK_OBJ_CNODE, ROOT_CNODE_ORDER);
	root.space = space_of(
		boot_object(SK_CAP_SPACE, SK_OBJ_SPACE_HOST, SK_ORDER_SPACE_HOST));
	root.thread = thread_of(boot_object(SK_CAP_THREAD, SK_OBJ_THREAD, SK_ORDER_THREAD));
	root.sched = (struct sched *)boot_object(SK_CAP_SCHED, SK_OBJ_SCHED, SK_ORDER_SCHED);
	sched_init_root(root.sched, ROOT_PRIORITY);
	boot_cap(SK_CAP_IOPORT, (struct cap){ SK_OBJ_IOPORT, SK_ALL, 0, 0, 0xffff0000, 0 });
	for (unsigned int i = 0; i < ARRAY_SIZE(controls); i++)
		boot_cap(controls[i][0], (struct cap){ controls[i][1], SK_ALL, 0, 0, 0, 0 });
	root.free = SK_CAP_BOOT_FIRST;
}

static void root_info(const struct boot_info *bi)
{
	static const char version[] = "Skerry 0.1";
	struct sk_info *info = boot_alloc(SK_PAGE_SIZE);

	info->magic = SK_INFO_MAGIC;
	info->abi_version = SK_ABI_VERSION;
	info->tsc_hz = tsc_hz;
	info->boot_tsc = arch_now();
	memcpy(info->version, version, sizeof(version));
	arch_fill_info(info);
	boot_frame(SK_CAP_INFO, virt_to_phys(info), SK_PAGE_ORDER, SK_R | SK_GRANT);
	log_ring.log.size = LOG_SIZE;
	boot_frame(SK_CAP_KLOG,
		bi->kernel_start + (uint64_t)(log_ring.pages - kernel_image_start), LOG_ORDER,
		SK_R | SK_GRANT);
	boot_map(SK_INFO_VADDR, info, SK_PAGE_SIZE, SK_R);
	root.info = boot_alloc(SK_PAGE_SIZE);
	root.info->magic = SK_INFO_MAGIC;
	root.info->n_slots = root.cnode->n_slots;
	root.info->archive_size = bi->archive_size;
	root.info->rsdp = bi->rsdp;
	memcpy(root.info->cmdline, bi->cmdline, sizeof(root.info->cmdline));
	root.info->cmdline[SK_CMDLINE_MAX - 1] = '\0';
}

static void TA_OFF root_start(uint64_t entry)
{
	struct slot *slots = root.cnode->slots;

	root_entry(SK_INIT_UTCB_VADDR);
	if (thread_configure(root.thread, &slots[SK_CAP_CNODE], &slots[SK_CAP_SPACE], NULL,
		    SK_INIT_UTCB_VADDR))
		panic("boot: the root task's UTCB cannot be mapped");
	boot_map(SK_INIT_STACK_TOP - STACK_SIZE, boot_alloc(STACK_SIZE), STACK_SIZE,
		SK_R | SK_W);
	root.thread->regs.r.rip = entry;
	root.thread->regs.r.rsp = SK_INIT_STACK_TOP - 8; /* as after a call */
	root.thread->suspended = false;
	BUG_ON(sched_bind(root.sched, root.thread));
}

void core_init(const struct boot_info *bi)
{
	struct sk_archive a;

	for (uint32_t i = 0; i < n_cpus; i++)
		sched_cpu_init(cpus[i]);
	a = archive_open(bi);
	root_objects();
	root_info(bi);
	for (uint32_t i = 0; i < a.n_segs; i++)
		segment_load(bi, &a.seg[i]);
	root_start(a.entry);
	root_entry(SK_BOOTINFO_VADDR);
	add_memory(bi); /* no boot allocations after this */
	add_archive(bi);
	root.info->first_free_slot = root.free;
	root.info->kernel_size = boot_alloc_total + (bi->kernel_end - bi->kernel_start);
	klog("Skerry: %u CPUs, %lu MiB of memory, the kernel keeps %lu KiB\n", n_cpus,
		root.info->ram_size >> 20, root.info->kernel_size >> 10);
	boot_map(SK_BOOTINFO_VADDR, root.info, SK_PAGE_SIZE, SK_R);
	check_init(root.cnode);
	arch_start_secondaries();
	kernel_exit();
}
