/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * count.c - a plugin of QEMU's TCG that counts what a machine executes between two marks
 *
 *     -plugin count.so,out=PREFIX[,asked=on]
 *
 * A mark is an instruction without effect (mark.h) anywhere in the machine: in the kernel, in a
 * domain, or in a program of a guest. With asked=on, a byte in the FIFO PREFIX.ask is a mark,
 * too: its number. The same byte comes back in the FIFO PREFIX.done. It is for a machine that
 * waits for input, because the counters of a CPU that runs are read between two of its blocks.
 *
 * From the mark BEGIN, or the start of the machine, to the mark END each block is counted; a
 * CPU that waits executes none. PREFIX.rows gets, for each END,
 *
 *     { uint64_t n; struct { uint64_t block, times; } [n]; }
 *
 * and PREFIX.blocks, at the end of QEMU, one line for each block that is in a row:
 *
 *     number host|guest virtual-address host-address instruction instruction ...
 *
 * with addresses and instructions in hexadecimal. A block of a guest is one that was translated
 * between a VMRUN and the exit that followed it. The host address is that of the block's memory
 * in QEMU: it says in which page of the machine the code lies, so that programs at the same
 * virtual address can be told apart.
 *
 * One CPU is counted: the counters are not atomic.
 */
#include <fcntl.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "../measure/mark.h"
#include "qemu_plugin.h"

QEMU_PLUGIN_EXPORT int qemu_plugin_version = QEMU_PLUGIN_VERSION;

enum {
	BLOCKS_MAX = 1 << 20,
	/* Open addressing, half full at most. */
	TABLE = BLOCKS_MAX * 2,
	PATH = 400,
	/* Places in the host's code where guests are entered. */
	ENTRIES_MAX = 16,
	VMRUN_SIZE = 3,
};

struct block {
	/* Executions in all, and until the last BEGIN. */
	uint64_t times, before;
	uint64_t vaddr, haddr, hash;
	bool guest;
	/* In at least one row. */
	bool shown;
	/* Sizes of n instructions, and then their bytes. */
	uint32_t n;
	uint8_t *code;
};
static struct block *blocks;
static uint32_t n_blocks;
/* Number of a block + 1, by hash. */
static uint32_t *table;
static FILE *rows;
/* Of the row that is being written. */
static struct record {
	uint64_t block, times;
} * row;
static char prefix[PATH];
/* Addresses behind each VMRUN, where exits continue. In a guest, fewer exits than entries. */
static uint64_t after_entry[ENTRIES_MAX];
static uint32_t n_entries;
static uint64_t entered, left;

QEMU_PLUGIN_EXPORT int qemu_plugin_install(
	qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv);

static void begin(unsigned int vcpu, void *ctx)
{
	(void)vcpu;
	(void)ctx;
	for (uint32_t i = 0; i < n_blocks; i++)
		blocks[i].before = blocks[i].times;
}

static void end(unsigned int vcpu, void *ctx)
{
	uint64_t n = 0;

	(void)vcpu;
	(void)ctx;
	for (uint32_t i = 0; i < n_blocks; i++) {
		struct block *b = &blocks[i];
		struct record r = { i, b->times - b->before };

		if (!r.times)
			continue;
		b->shown = true;
		row[n++] = r;
	}
	fwrite(&n, sizeof(n), 1, rows);
	fwrite(row, sizeof(*row), n, rows);
	fflush(rows);
}

/* Ends when the other side has closed its ends. */
static void *asked(void *ctx)
{
	char path[PATH + 10];
	uint8_t mark;
	int ask, done;

	(void)ctx;
	snprintf(path, sizeof(path), "%s.ask", prefix);
	ask = open(path, O_RDONLY);
	snprintf(path, sizeof(path), "%s.done", prefix);
	done = open(path, O_WRONLY);
	while (read(ask, &mark, 1) == 1) {
		if (mark == MARK_BEGIN)
			begin(0, NULL);
		else if (mark == MARK_END)
			end(0, NULL);
		if (write(done, &mark, 1) != 1)
			break;
	}
	close(ask);
	close(done);
	return NULL;
}

static void marks_find(struct qemu_plugin_insn *insn)
{
	static const uint8_t mark[] = MARK_BYTES;
	const uint8_t *p = qemu_plugin_insn_data(insn);

	if (qemu_plugin_insn_size(insn) != sizeof(mark) + 1 ||
		memcmp(p, mark, sizeof(mark)) != 0)
		return;
	if (p[sizeof(mark)] == MARK_BEGIN)
		qemu_plugin_register_vcpu_insn_exec_cb(
			insn, begin, QEMU_PLUGIN_CB_NO_REGS, NULL);
	else if (p[sizeof(mark)] == MARK_END)
		qemu_plugin_register_vcpu_insn_exec_cb(insn, end, QEMU_PLUGIN_CB_NO_REGS, NULL);
}

static bool entry_known(uint64_t after)
{
	for (uint32_t i = 0; i < n_entries; i++)
		if (after_entry[i] == after)
			return true;
	return false;
}

/* Count entries into guests. */
static void vmrun_find(struct qemu_plugin_insn *insn)
{
	static const uint8_t vmrun[VMRUN_SIZE] = { 0x0f, 0x01, 0xd8 };
	uint64_t after = qemu_plugin_insn_vaddr(insn) + VMRUN_SIZE;

	if (qemu_plugin_insn_size(insn) != VMRUN_SIZE ||
		memcmp(qemu_plugin_insn_data(insn), vmrun, VMRUN_SIZE) != 0)
		return;
	if (!entry_known(after)) {
		if (n_entries == ENTRIES_MAX)
			abort();
		after_entry[n_entries++] = after;
	}
	qemu_plugin_register_vcpu_insn_exec_inline(
		insn, QEMU_PLUGIN_INLINE_ADD_U64, &entered, 1);
}

/* FNV-1a */
static uint64_t hash_add(uint64_t h, const void *data, size_t n)
{
	for (const uint8_t *p = data; n--; p++)
		h = (h ^ *p) * 1099511628211ull;
	return h;
}

/* The block as it is translated now, without its counters. Its code is allocated. */
static struct block block_read(const struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb), at = n;
	struct block b = { .vaddr = qemu_plugin_tb_vaddr(tb),
		.haddr = (uintptr_t)qemu_plugin_insn_haddr(qemu_plugin_tb_get_insn(tb, 0)),
		.guest = entered != left,
		.n = (uint32_t)n,
		.code = malloc(n * 17) }; /* an instruction has 15 bytes or less */

	if (!b.code)
		abort();
	for (size_t i = 0; i < n; i++) {
		struct qemu_plugin_insn *insn = qemu_plugin_tb_get_insn(tb, i);
		size_t size = qemu_plugin_insn_size(insn);

		b.code[i] = (uint8_t)size;
		memcpy(b.code + at, qemu_plugin_insn_data(insn), size);
		at += size;
		marks_find(insn);
		vmrun_find(insn);
	}
	b.hash = hash_add(hash_add(14695981039346656037ull, b.code, at), &b.vaddr, 8);
	b.hash = hash_add(b.hash, &b.haddr, 8);
	return b;
}

/* QEMU translates a block again now and then: it keeps its number. NULL: too many blocks. */
static struct block *block_find(struct block *b)
{
	uint32_t i = (uint32_t)(b->hash % TABLE);

	while (table[i] && blocks[table[i] - 1].hash != b->hash)
		i = (i + 1) % TABLE;
	if (table[i]) {
		free(b->code);
		return &blocks[table[i] - 1];
	}
	if (n_blocks == BLOCKS_MAX) {
		free(b->code);
		return NULL;
	}
	blocks[n_blocks] = *b;
	table[i] = ++n_blocks;
	return &blocks[n_blocks - 1];
}

static void translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	/* The block behind VMRUN is translated when the first exit comes there. */
	bool behind = entry_known(qemu_plugin_tb_vaddr(tb));
	struct block new = block_read(tb), *b;

	(void)id;
	new.guest = new.guest && !behind;
	if (behind)
		qemu_plugin_register_vcpu_tb_exec_inline(
			tb, QEMU_PLUGIN_INLINE_ADD_U64, &left, 1);
	b = block_find(&new);
	if (b)
		qemu_plugin_register_vcpu_tb_exec_inline(
			tb, QEMU_PLUGIN_INLINE_ADD_U64, &b->times, 1);
}

static void block_print(FILE *out, const struct block *b)
{
	const uint8_t *p = b->code + b->n;

	fprintf(out, "%zu %s %llx %llx", (size_t)(b - blocks), b->guest ? "guest" : "host",
		(unsigned long long)b->vaddr, (unsigned long long)b->haddr);
	for (uint32_t i = 0; i < b->n; i++) {
		fputc(' ', out);
		for (uint32_t j = 0; j < b->code[i]; j++)
			fprintf(out, "%02x", *p++);
	}
	fputc('\n', out);
}

static void ended(qemu_plugin_id_t id, void *ctx)
{
	char path[PATH + 10];
	FILE *out;

	(void)id;
	(void)ctx;
	snprintf(path, sizeof(path), "%s.blocks", prefix);
	out = fopen(path, "w");
	for (uint32_t i = 0; out && i < n_blocks; i++)
		if (blocks[i].shown)
			block_print(out, &blocks[i]);
	if (!out || fclose(out) || fclose(rows))
		fprintf(stderr, "count: cannot write %s\n", path);
}

int qemu_plugin_install(
	qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	char path[PATH + 10];
	pthread_t thread;

	(void)info;
	if (argc < 1 || argc > 2 || strncmp(argv[0], "out=", 4) != 0 ||
		strlen(argv[0]) > PATH || (argc == 2 && strcmp(argv[1], "asked=on") != 0)) {
		fprintf(stderr, "count: use it as count.so,out=PREFIX[,asked=on]\n");
		return 1;
	}
	strcpy(prefix, argv[0] + 4);
	snprintf(path, sizeof(path), "%s.rows", prefix);
	rows = fopen(path, "wb");
	blocks = calloc(BLOCKS_MAX, sizeof(*blocks));
	table = calloc(TABLE, sizeof(*table));
	row = calloc(BLOCKS_MAX, sizeof(*row));
	if (!rows || !blocks || !table || !row) {
		fprintf(stderr, "count: cannot write %s, or no memory\n", path);
		return 1;
	}
	if (argc == 2 && pthread_create(&thread, NULL, asked, NULL)) {
		fprintf(stderr, "count: no thread\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
