/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * init_test.c - the whole root task: a manifest of seven domains on a kernel that the test
 * plays
 *
 * A case compares what each domain holds with the manifest, capability by capability. The cases
 * play the services, which answer SVC_OPEN and init's requests to platform.
 */
#include "machine.h"

#include <stdlib.h>
#include <unistd.h>

static bool has_arg(unsigned int i, const char *line)
{
	return strstr(info_of(i)->args, line) != NULL;
}

static void each_has_what_the_manifest_says(struct kern_msg *m)
{
	struct kern_object *pool;
	const struct platform_resources *res;
	const struct domain_device *dev;
	uint32_t rights;
	uint64_t bytes = 0;
	unsigned int n = 0;

	(void)m;
	AUDIT(PLATFORM, { 20, SK_OBJ_CTL_IRQ, SK_ALL, 0, own(SK_CAP_CTL_IRQ) },
		{ 21, SK_OBJ_IOPORT, SK_R | SK_W, 0x400 | 0xcffull << 16, own(SK_CAP_IOPORT) },
		{ PLATFORM_CAP_MEM, SK_OBJ_UNTYPED, SK_ALL, 0, NULL },
		{ PLATFORM_CAP_MEM + 1, SK_OBJ_UNTYPED, SK_ALL, 0, NULL });
	assert_null(own(DEVICE_SLOT)); /* moved, not copied */
	res = (void *)kern_view(own(domains[PLATFORM].proc.space), PLATFORM_RES_VADDR, &rights);
	assert_int_equal(rights, SK_R);
	assert_int_equal(res->rsdp, 0xf1234);
	assert_int_equal(res->n_mem, 2);
	assert_int_equal(res->mem[1].paddr, 0x80000);
	assert_int_equal(res->mem[1].slot, PLATFORM_CAP_MEM + 1);
	assert_int_equal(res->mem[1].order, 16);
	assert_int_equal(info_of(PLATFORM)->free_slot, PLATFORM_CAP_MEM + PLATFORM_MEM_MAX);

	AUDIT(UART,
		{ DOMAIN_CAP_DEVICE, SK_OBJ_IOPORT, SK_R | SK_W, 0x3f8 | 0x3ffull << 16,
			own(SK_CAP_IOPORT) },
		{ DOMAIN_CAP_DEVICE + 6, SK_OBJ_IRQ, SK_ALL, 0, NULL });
	assert_int_equal(
		kern_cap(own(domains[UART].proc.cnode), DOMAIN_CAP_DEVICE + 6)->obj->gsi, 4);
	dev = &info_of(UART)->dev[0];
	assert_int_equal(dev->io_port, 0x3f8);
	assert_int_equal(dev->io_ports, 8);
	assert_int_equal(dev->n_irqs, 1);
	assert_string_equal(dev->name, "uart");

	AUDIT(CONSOLE, { 20, SK_OBJ_FRAME, SK_R, 0, own(SK_CAP_KLOG) },
		{ 21, SK_OBJ_CTL_LOG, SK_ALL, 0, own(SK_CAP_CTL_LOG) },
		{ DOMAIN_CAP_CHANNEL, SK_OBJ_NOTIFICATION, SK_W, 1 << 24, NULL });

	AUDIT(DISK, { DOMAIN_CAP_DEVICE + 6, SK_OBJ_IRQ, SK_ALL, 0, NULL },
		{ DOMAIN_CAP_DEVICE + 7, SK_OBJ_IRQ, SK_ALL, 0, NULL },
		{ DOMAIN_CAP_DEVICE + 14, SK_OBJ_SPACE_IO, SK_ALL, 0, NULL },
		{ DOMAIN_CAP_CHANNEL, SK_OBJ_NOTIFICATION, SK_W, 1 << 24, NULL });
	dev = &info_of(DISK)->dev[0];
	assert_int_equal(dev->rid, RID);
	assert_int_equal(dev->flags, DOMAIN_DEVICE_IOMMU);
	assert_int_equal(dev->vendor, 0x1af4);
	assert_int_equal(dev->n_irqs, 2);
	assert_int_equal(dev->config[0], 0x77);
	assert_int_equal(dev->bar[1].size, BAR_SIZE);
	assert_int_equal(dev->bar[0].size, 0);
	assert_int_equal(
		kern_cap(own(domains[DISK].proc.cnode), DOMAIN_CAP_DEVICE + 14)->obj->rid, RID);
	assert_int_equal(
		kern_cap(own(domains[DISK].proc.cnode), DOMAIN_CAP_DEVICE + 7)->obj->gsi, 2);
	assert_non_null(kern_view(own(domains[DISK].proc.space), dev->bar[1].vaddr, &rights));
	assert_int_equal(rights, SK_R | SK_W | SK_MAP_UNCACHED);
	assert_int_equal(
		peer.bar_frame->n_caps, 2); /* platform's capability and the mapped one */
	assert_non_null(
		kern_view(own(domains[DISK].proc.space), dev->bar[1].vaddr + 0x2000, NULL));
	assert_null(kern_view(own(domains[DISK].proc.space), dev->bar[1].vaddr + 0x1000, NULL));

	assert_int_equal(domains[NIC].state, DOMAIN_ABSENT);
	assert_int_equal(domains[NIC].charged, 0);

	AUDIT(STORAGE, { DOMAIN_CAP_CHANNEL, SK_OBJ_NOTIFICATION, SK_W, 1 << 24, NULL },
		{ DOMAIN_CAP_CHANNEL + 2, SK_OBJ_NOTIFICATION, SK_W, 1 << 24, NULL },
		{ DOMAIN_CAP_CHANNEL + 3, SK_OBJ_FRAME, SK_R | SK_W | SK_GRANT, 0, NULL });

	pool = own(domains[CONTROL].proc.cnode);
	while (kern_cap(pool, 23 + n)->obj &&
		kern_cap(pool, 23 + n)->obj->type == SK_OBJ_UNTYPED)
		bytes += 1ull << kern_cap(pool, 23 + n++)->obj->order;
	assert_in_range(n, 2, 6);
	assert_int_equal(bytes, guest_pool_bytes());
	assert_true(bytes > 8 << 20);
	assert_true(caps_free_bytes() >= 1 << 22); /* kept for restarts */
	{
		struct wanted w[16] = {
			{ 20, SK_OBJ_CTL_SCHED, SK_ALL, 0, own(SK_CAP_CTL_SCHED) },
			{ 21, SK_OBJ_IOPORT, SK_R | SK_W, 0x70 | 0x71ull << 16, NULL },
			{ 22, SK_OBJ_UNTYPED, SK_ALL, 0, NULL },
			{ SK_CAP_INFO, SK_OBJ_FRAME, SK_R | SK_GRANT, 0, own(SK_CAP_INFO) },
			{ DOMAIN_CAP_CHANNEL, SK_OBJ_NOTIFICATION, SK_W, 1 << 24, NULL },
			{ DOMAIN_CAP_CHANNEL + 3, SK_OBJ_FRAME, SK_R | SK_W | SK_GRANT, 0,
				NULL },
			{ DOMAIN_CAP_CHANNEL + 4, SK_OBJ_NOTIFICATION, SK_W, 1 << 24, NULL },
			{ DOMAIN_CAP_CHANNEL + 5, SK_OBJ_FRAME, SK_R | SK_W | SK_GRANT, 0,
				NULL },
			{ 23 + n, SK_OBJ_ENDPOINT, SK_W | SK_GRANT, SVC_BADGE_CLIENT,
				own(domains[CONSOLE].service) },
		};

		for (unsigned int i = 0; i < n; i++)
			w[9 + i] = (struct wanted){ 23 + i, SK_OBJ_UNTYPED, SK_ALL, 0, NULL };
		audit(CONTROL, w, 9 + n);
	}
	assert_int_equal(kern.sched->priority, 22);
}

static void each_is_told(struct kern_msg *m)
{
	char pool[32];

	(void)m;
	/* arguments of the kernel's command line come first */
	assert_string_equal(info_of(STORAGE)->args, "x=9\ny=1\ns=1\n");
	assert_true(has_arg(PLATFORM, "p=1\ncap.irq=20,1\ncap.ports=21,1\n"));
	assert_true(has_arg(CONSOLE, "cap.klog=20,1\ncap.log=21,1\n"));
	snprintf(pool, sizeof(pool), "cap.pool=23,");
	assert_true(has_arg(CONTROL, pool));
	assert_true(has_arg(CONTROL, "console="));
	assert_int_equal(info_of(PLATFORM)->wall_boot_ns, 0);
	assert_int_equal(info_of(UART)->wall_boot_ns, 5555);
	assert_int_equal(info_of(STORAGE)->n_channels, 2);
	assert_string_equal(info_of(STORAGE)->channel[1].name, "disk0");
	assert_int_equal(info_of(CONTROL)->channel[1].data_size, 1 << 15);
	assert_int_equal(info_of(CONTROL)->channel[1].signal, 0);
	assert_non_null(logged); /* init can log its own lines */
}

/* A service gets its part of a connection, and the client pays for the memory. */
static void services_get_their_part(struct kern_msg *m)
{
	const struct kern_msg *o = NULL;

	(void)m;
	for (unsigned int i = 0; i < peer.n_opens; i++)
		if (peer.open[i].ep == own(domains[DISK].service))
			o = &peer.open[i];
	assert_non_null(o);
	assert_int_equal(o->mr[0], SVC_PROTO_BLK | 1ull << 32);
	assert_int_equal(o->mr[1], 1 << 16);
	assert_int_equal(o->mr[3], STORAGE | SVC_STATIC);
	assert_int_equal(o->n_caps, 3);
	assert_int_equal(o->cap[0].obj->type, SK_OBJ_FRAME);
	assert_ptr_equal(o->cap[1].obj, own(domains[STORAGE].ntfn));
	assert_int_equal(o->cap[1].badge, 1 << 1);
	assert_int_equal(o->cap[1].rights, SK_W | SK_GRANT);
	assert_int_equal(o->cap[2].obj->order, 16);
	assert_int_equal(domains[STORAGE].charged,
		(1ull << own(domains[STORAGE].memory)->order) + (1 << 14) + (1 << 14) +
			(1 << 13) + (1 << 16));
	/* kept memory is charged as well */
	assert_int_equal(domains[CONTROL].charged,
		(1ull << own(domains[CONTROL].memory)->order) + (1 << 14) + (1 << 15) +
			(1 << 13) + (1 << 14) + (1 << 16) +
			/* and so are its CNode and its page of kernel objects */
			(1 << 15) + (1 << 12));
	for (unsigned int i = 0; i < peer.n_opens; i++)
		if (peer.open[i].mr[3] == (SVC_STATIC | 0xffff)) /* the client is init itself */
			assert_int_equal(peer.open[i].cap[1].badge, 1);
	for (unsigned int i = 0; i < peer.n_opens; i++)
		if (peer.open[i].mr[3] == (DISK | SVC_STATIC))
			assert_memory_equal(&peer.open[i].mr[SVC_PARAMS_WORD], "abc", 3);
}

/* What init says of a slot agrees with the kernel, and each slot has a name. */
static void each_slot_is_named(struct kern_msg *m)
{
	static const struct {
		unsigned int domain;
		sk_cap_t slot;
		const char *what;
	} named[] = {
		{ PLATFORM, SK_CAP_CNODE, "its slots" },
		{ PLATFORM, SK_CAP_SPACE, "its addresses" },
		{ PLATFORM, SK_CAP_THREAD, "its main thread" },
		{ PLATFORM, SK_CAP_SCHED, "its CPU time" },
		{ PLATFORM, DOMAIN_CAP_PARENT, "endpoint of its builder" },
		{ PLATFORM, DOMAIN_CAP_SERVICE, "its own endpoint" },
		{ PLATFORM, DOMAIN_CAP_NTFN, "its own signals" },
		{ PLATFORM, DOMAIN_CAP_REPLY, "answers to its callers" },
		{ PLATFORM, 20, "the right to claim interrupts" },
		{ PLATFORM, 21, "I/O ports a to b" },
		{ PLATFORM, PLATFORM_CAP_MEM, "device memory" },
		{ PLATFORM, PLATFORM_CAP_MEM + 1, "device memory" },
		{ UART, DOMAIN_CAP_UNTYPED, "its memory" },
		{ UART, DOMAIN_CAP_PULSE, "signs of life to init" },
		{ UART, DOMAIN_CAP_IOPORT(0), "ports of uart" },
		{ UART, DOMAIN_CAP_IRQ(0, 0), "interrupt of uart" },
		{ DISK, DOMAIN_CAP_IRQ(0, 1), "interrupt of disk" },
		{ DISK, DOMAIN_CAP_IOSPACE(0), "DMA space of disk" },
		{ DISK, DOMAIN_CAP_CHANNEL, "signal to console" },
		{ STORAGE, DOMAIN_CAP_CHANNEL + 2, "signal to disk" },
		{ STORAGE, DOMAIN_CAP_CHANNEL + 3, "data shared with disk" },
		{ CONTROL, SK_CAP_INFO, "the kernel's information page" },
		{ CONTROL, 20, "the right to configure scheduling contexts" },
		{ CONTROL, 23, "what RAM is left when all have started" },
		{ CONTROL, DOMAIN_CAP_CHANNEL + 3, "kept memory journal" },
		{ CONTROL, DOMAIN_CAP_CHANNEL + 5, "data shared with storage" },
	};
	unsigned int n = 0;

	(void)m;
	for (unsigned int i = 0; i < DOMAINS; i++) {
		struct init_cap c;
		uint64_t at = 0;
		sk_cap_t last = 0;

		while (domains[i].proc.cnode && domain_cap_next(&domains[i], &at, &c)) {
			const struct kern_cap *k;

			if (c.flags & INIT_CAP_MAPPED)
				continue;
			k = kern_cap(own(domains[i].proc.cnode), c.slot);
			assert_true(c.slot > last); /* each of them once */
			last = c.slot;
			assert_int_equal(c.type, k->obj->type);
			assert_int_equal(c.rights, k->rights);
			assert_true(c.what[0] != '\0');
			for (size_t j = 0; j < sizeof(named) / sizeof(named[0]); j++) {
				if (named[j].domain != i || named[j].slot != c.slot)
					continue;
				assert_string_equal(c.what, named[j].what);
				n++;
			}
		}
	}
	assert_int_equal(n, sizeof(named) / sizeof(named[0]));
}

/* Memory that is mapped without a slot is told, too: at least a page of what init keeps. */
static void mapped_memory_is_told(struct kern_msg *m)
{
	struct init_cap c;
	unsigned int frames = 0;
	uint64_t at = 0;

	(void)m;
	while (domain_cap_next(&domains[STORAGE], &at, &c)) {
		if (!(c.flags & INIT_CAP_MAPPED))
			continue;
		assert_string_equal(c.what, "");
		frames += c.type == SK_OBJ_FRAME;
	}
	assert_true(frames >= 4); /* stack, information page, program, rings */
}

static void (*const all_start[])(struct kern_msg *m) = { each_has_what_the_manifest_says,
	each_is_told, services_get_their_part, each_slot_is_named, mapped_memory_is_told,
	NULL };

static void the_whole_system(void)
{
	machine();
	strcpy(kern_boot()->cmdline,
		" console=x storage.x=9 stor.y=7 storage.y=1 storage.z xstorage.q=1 storagex.k=1");
	run(all_start);
}

static void storage_runs(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
}

static void (*const large_starts[])(struct kern_msg *m) = { storage_runs, NULL };

static void storage_is_large(uint64_t size)
{
	strcpy(man.d[STORAGE].binary, "bin/large");
	large_bss = size;
	machine();
	run(large_starts);
}

/* Frames are aligned to their size, so they must not be large. */
static void a_segment_that_is_one_frame(void) { storage_is_large(512 << 10); }

static void a_segment_that_is_a_little_more_than_a_frame(void) { storage_is_large(516 << 10); }

static void a_segment_of_many_frames(void) { storage_is_large(1020 << 10); }

/* ---- starts that fail ---- */
static void disk_is_not_there(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[DISK].state, DOMAIN_ABSENT);
	assert_int_equal(domains[DISK].charged, 0);
	assert_int_equal(domains[DISK].memory, 0);
	/*
	 * storage needs the disk, so it does not start; its connections are closed and their
	 * memory is returned
	 */
	assert_int_equal(domains[STORAGE].state, DOMAIN_ABSENT);
	assert_int_equal(domains[STORAGE].charged, 0);
	assert_int_equal(domains[CONTROL].state, DOMAIN_RUNNING);
	assert_int_equal(domains[CONTROL].proc.info != NULL, 0);
	for (uint32_t i = 0; i < man.h.n_channels; i++)
		if (man.c[i].service != MANIFEST_NONE && !connections[i].open)
			assert_int_equal(connections[i].memory | connections[i].data_memory |
						 connections[i].c.rings,
				0);
}

static void (*const no_disk[])(struct kern_msg *m) = { disk_is_not_there, NULL };

static void a_device_that_cannot_be_claimed(void)
{
	machine();
	peer.claim_rc = -SK_E_BUSY;
	run(no_disk);
}

static void an_answer_that_is_too_long(void)
{
	machine();
	peer.extra_cap = true;
	run(no_disk);
}

static void an_answer_without_a_frame(void)
{
	machine();
	peer.no_caps = 1;
	run(no_disk);
}

static void a_piece_beyond_its_bar(void)
{
	machine();
	peer.bar_offset = BAR_SIZE;
	run(no_disk);
}

static void a_piece_far_beyond_its_bar(void)
{
	machine();
	peer.bar_offset = BAR_SIZE + 4096;
	run(no_disk);
}

static void a_piece_larger_than_its_bar(void)
{
	machine();
	peer.bar_order = 15;
	run(no_disk);
}

static void a_piece_of_no_size(void)
{
	machine();
	peer.bar_order = 64;
	run(no_disk);
}

static void an_interrupt_that_is_refused(void)
{
	machine();
	peer.irq_rc = -SK_E_RANGE;
	run(no_disk);
}

static void no_iommu(void)
{
	machine();
	kern.no_iommu = true;
	run(no_disk);
}

static void an_image_that_is_not_there(void)
{
	machine();
	strcpy(((struct manifest_domain *)(kern.phys + own(ARCHIVE_SLOT)->paddr + 8192 +
					   sizeof(man.h)))[DISK]
			.binary,
		"bin/none");
	run(no_disk);
}

static void disk_runs(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
}

static void disk_is_unprotected(struct kern_msg *m)
{
	disk_runs(m);
	assert_int_equal(info_of(DISK)->dev[0].flags, 0);
}

static void (*const unprotected[])(struct kern_msg *m) = { disk_is_unprotected, NULL };

static void no_iommu_but_allowed(void)
{
	man.d[DISK].dev.flags |= MANIFEST_UNPROTECTED;
	machine();
	kern.no_iommu = true;
	run(unprotected);
}

static void disk_without_dma(struct kern_msg *m)
{
	disk_runs(m);
	assert_null(kern_cap(own(domains[DISK].proc.cnode), DOMAIN_CAP_DEVICE + 14)->obj);
}

static void (*const without_dma[])(struct kern_msg *m) = { disk_without_dma, NULL };

static void no_dma(void)
{
	man.d[DISK].dev.flags = 0;
	machine();
	run(without_dma);
}

static void bar_is_withheld(struct kern_msg *m)
{
	disk_runs(m);
	assert_null(kern_view(
		own(domains[DISK].proc.space), info_of(DISK)->dev[0].bar[1].vaddr, NULL));
}

static void (*const withheld[])(struct kern_msg *m) = { bar_is_withheld, NULL };

static void a_bar_of_nothing_but_the_interrupt_table(void)
{
	machine();
	peer.bar_rc = -SK_E_RANGE;
	run(withheld);
}

/* ---- connections that fail ---- */
static void storage_was_refused(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	assert_int_equal(domains[STORAGE].state, DOMAIN_ABSENT);
	assert_int_equal(domains[STORAGE].charged, 0);
	assert_int_equal(peer.closes[CONSOLE], 1); /* the connection for its log */
	assert_int_equal(peer.closes[DISK], 0);
	assert_int_equal(connections[3].memory | connections[3].data_memory, 0);
	/* the channel is optional, so control starts without it */
	assert_int_equal(domains[CONTROL].state, DOMAIN_RUNNING);
	assert_int_equal(info_of(CONTROL)->n_channels, 2);
}

static void (*const refused[])(struct kern_msg *m) = { storage_was_refused, NULL };

static void a_required_channel_is_refused(void)
{
	machine();
	peer.open_rc[DISK] = -SK_E_BUSY;
	run(refused);
}

static void region_comes_back(struct kern_msg *m)
{
	/* once the service is stopped, it cannot use the region, and was never asked to */
	assert_int_equal(domains[STORAGE].charged, 0);
	assert_int_equal(domains[DISK].life.end, DOMAIN_END_HANG);
	assert_int_equal(domains[DISK].state, DOMAIN_RESTARTING);
	assert_int_equal(domains[STORAGE].state, DOMAIN_RESTARTING);
	assert_int_equal(domains[CONTROL].state, DOMAIN_RESTARTING);
	peer.open_rc[DISK] = 0;
	answers_pulse(m, 1ull << DISK);
}

static void all_start_later(struct kern_msg *m)
{
	(void)m;
	for (unsigned int i = 0; i < DOMAINS; i++)
		if (i != NIC)
			assert_int_equal(domains[i].state, DOMAIN_RUNNING);
	assert_int_equal(domains[STORAGE].life.restarts, 0);
	assert_int_equal(domains[STORAGE].epoch, 0);
	assert_int_equal(domains[DISK].life.restarts, 1);
	assert_int_equal(peer.opens[DISK], 2);
}

static void (*const silence[])(
	struct kern_msg *m) = { region_comes_back, all_start_later, NULL };

static void a_service_that_does_not_answer(void)
{
	machine();
	peer.open_rc[DISK] = -SK_E_TIMEOUT;
	run(silence);
}

static void logs_are_not_needed(struct kern_msg *m)
{
	(void)m;
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	assert_int_equal(domains[STORAGE].state, DOMAIN_RUNNING);
	assert_int_equal(domains[CONTROL].state, DOMAIN_ABSENT); /* control needs a console */
	assert_null(logged);
}

static void (*const no_logs[])(struct kern_msg *m) = { logs_are_not_needed, NULL };

static void a_console_that_refuses(void)
{
	machine();
	peer.open_rc[CONSOLE] = -SK_E_LIMIT;
	run(no_logs);
}

/* Vectors can run out; a driver then has fewer. */
static void has_one_message(struct kern_msg *m)
{
	unsigned int n = 0;

	(void)m;
	for (sk_cap_t i = 1; i < SLOTS / 2; i++)
		n += own(i) && own(i)->type == SK_OBJ_IRQ;
	assert_int_equal(n, 2); /* uart's pin, and the message */
	assert_int_equal(domains[DISK].state, DOMAIN_RUNNING);
	assert_int_equal(info_of(DISK)->dev[0].n_irqs, 1);
	assert_null(kern_cap(own(domains[DISK].proc.cnode), DOMAIN_CAP_DEVICE + 7)->obj);
}

static void (*const few[])(struct kern_msg *m) = { has_one_message, NULL };

static void fewer_interrupts(void)
{
	machine();
	kern.fail_nr = SK_SYS_IRQ_MSI;
	kern.fail_in = 2;
	kern.fail_rc = -SK_E_LIMIT;
	run(few);
}

/* ---- files of the archive ---- */
static void file_is_shown(struct kern_msg *m)
{
	uint64_t at = strtoull(strstr(info_of(STORAGE)->args, "image=") + 6, NULL, 0);
	uint32_t rights;
	uint8_t *p = kern_view(own(domains[STORAGE].proc.space), at, &rights);

	(void)m;
	assert_true(has_arg(STORAGE, "image-size=5000\n"));
	assert_memory_equal(p, "\177ELF", 4);
	assert_int_equal(rights, SK_R);
	assert_null(kern_view(own(domains[STORAGE].proc.space), at + 8192, NULL));
	assert_int_equal(info_of(STORAGE)->n_channels, 1); /* the file replaces the disk */
	assert_int_equal(peer.opens[DISK], 0);
}

static void (*const with_file[])(struct kern_msg *m) = { file_is_shown, NULL };

static void a_member_in_the_place_of_a_channel(void)
{
	strcpy(man.d[STORAGE].archive_file, "volume.img");
	strcpy(man.d[STORAGE].replaces, "disk0");
	machine();
	run(with_file);
}

static void all_channels(struct kern_msg *m)
{
	disk_runs(m);
	assert_int_equal(info_of(STORAGE)->n_channels, 2);
}

static void (*const with_all[])(struct kern_msg *m) = { all_channels, NULL };

static void no_file(void)
{
	strcpy(man.d[STORAGE].archive_file, "none.img");
	strcpy(man.d[STORAGE].replaces, "disk0");
	machine();
	run(with_all);
}

/* ---- malformed archives ---- */
static void cannot_start(int code)
{
	assert_int_equal(code, 1);
	_exit(0);
}

static void refuses(void)
{
	kern.on_exit = cannot_start;
	run(all_start);
}

static struct sk_archive *head(void)
{
	return (struct sk_archive *)(kern.phys + own(ARCHIVE_SLOT)->paddr);
}

static void archive_of_another_kind(void)
{
	machine();
	head()->magic++;
	refuses();
}

static void archive_with_files_beyond_its_end(void)
{
	machine();
	head()->files_size = kern_boot()->archive_size;
	refuses();
}

static void archive_with_files_far_away(void)
{
	machine();
	head()->files_offset = UINT64_MAX - 4095;
	refuses();
}

static void archive_too_short(void)
{
	machine();
	kern_boot()->archive_size = sizeof(struct sk_archive) - 1;
	refuses();
}

static void archive_without_frames(void)
{
	machine();
	kern_boot()->n_archive = 0;
	refuses();
}

static void archive_with_a_bad_manifest(void)
{
	machine();
	kern.phys[own(ARCHIVE_SLOT)->paddr + 8192] ^= 1;
	refuses();
}

int main(void)
{
	const struct CMUnitTest tests[] = {
		KERN_CASE(the_whole_system),
		KERN_CASE(a_segment_that_is_one_frame),
		KERN_CASE(a_segment_that_is_a_little_more_than_a_frame),
		KERN_CASE(a_segment_of_many_frames),
		KERN_CASE(a_device_that_cannot_be_claimed),
		KERN_CASE(an_answer_that_is_too_long),
		KERN_CASE(an_answer_without_a_frame),
		KERN_CASE(a_piece_beyond_its_bar),
		KERN_CASE(a_piece_far_beyond_its_bar),
		KERN_CASE(a_piece_larger_than_its_bar),
		KERN_CASE(a_piece_of_no_size),
		KERN_CASE(an_interrupt_that_is_refused),
		KERN_CASE(fewer_interrupts),
		KERN_CASE(no_iommu),
		KERN_CASE(an_image_that_is_not_there),
		KERN_CASE(no_iommu_but_allowed),
		KERN_CASE(no_dma),
		KERN_CASE(a_bar_of_nothing_but_the_interrupt_table),
		KERN_CASE(a_required_channel_is_refused),
		KERN_CASE(a_service_that_does_not_answer),
		KERN_CASE(a_console_that_refuses),
		KERN_CASE(a_member_in_the_place_of_a_channel),
		KERN_CASE(no_file),
		KERN_CASE(archive_of_another_kind),
		KERN_CASE(archive_with_files_beyond_its_end),
		KERN_CASE(archive_with_files_far_away),
		KERN_CASE(archive_too_short),
		KERN_CASE(archive_without_frames),
		KERN_CASE(archive_with_a_bad_manifest),
	};

	return cmocka_run_group_tests(tests, NULL, NULL) + calls_tests();
}
