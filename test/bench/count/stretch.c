/* SPDX-License-Identifier: BSD-2-Clause */
/*
 * stretch.c - a plugin of QEMU: how long each CPU has interrupts off at most
 *
 * -plugin stretch.so,out=FILE,kernel=ADDRESS,look=ADDRESS
 *
 * The kernel (all that is at or above the address) runs with interrupts off. A stretch begins
 * when a CPU enters it, and after each look at pending interrupts, which is a function. It ends
 * at the exit, at the next look, or at a HLT, which waits with interrupts on. Starting up does
 * not count: that ends with a CPU's first instruction outside the kernel after some inside it.
 * FILE gets a line for each CPU: its number, the instructions of its longest stretch, and the
 * address of the block in which that ended.
 */
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "qemu_plugin.h"

QEMU_PLUGIN_EXPORT extern int qemu_plugin_version;
int qemu_plugin_version = QEMU_PLUGIN_VERSION;

enum { CPUS_MAX = 64, BLOCKS_MAX = 1 << 18 };

/* A block that was translated; the memory is never moved, because QEMU keeps addresses. */
static struct block {
	uint64_t at;
	uint32_t n;
	bool kernel, look, halts;
} blocks[BLOCKS_MAX];
static uint32_t n_blocks;
static struct {
	bool entered, started;
	uint64_t now, longest, end;
} cpus[CPUS_MAX];
static uint64_t kernel_at, look_at;
static char out[4096];

static void block_executed(unsigned int cpu, void *ctx)
{
	const struct block *b = ctx;

	if (cpu >= CPUS_MAX)
		return;
	if (!b->kernel) {
		cpus[cpu].started = cpus[cpu].entered;
		cpus[cpu].now = 0;
		return;
	}
	cpus[cpu].entered = true;
	if (b->look)
		cpus[cpu].now = 0;
	cpus[cpu].now += b->n;
	if (cpus[cpu].started && cpus[cpu].now > cpus[cpu].longest) {
		cpus[cpu].longest = cpus[cpu].now;
		cpus[cpu].end = b->at;
	}
	if (b->halts)
		cpus[cpu].now = 0;
}

/* One CPU at a time translates: with -icount all CPUs share a thread. */
static void block_translated(qemu_plugin_id_t id, struct qemu_plugin_tb *tb)
{
	size_t n = qemu_plugin_tb_n_insns(tb);
	const struct qemu_plugin_insn *last = qemu_plugin_tb_get_insn(tb, n - 1);
	const uint8_t *code = qemu_plugin_insn_data(last);
	struct block *b = &blocks[n_blocks];

	(void)id;
	if (n_blocks == BLOCKS_MAX) {
		fprintf(stderr, "stretch: too many blocks\n");
		exit(1);
	}
	n_blocks++;
	*b = (struct block){ .at = qemu_plugin_tb_vaddr(tb),
		.n = (uint32_t)n,
		.halts = qemu_plugin_insn_size(last) == 1 && code[0] == 0xf4 };
	b->kernel = b->at >= kernel_at;
	b->look = b->at == look_at;
	qemu_plugin_register_vcpu_tb_exec_cb(tb, block_executed, QEMU_PLUGIN_CB_NO_REGS, b);
}

static void ended(qemu_plugin_id_t id, void *ctx)
{
	FILE *f = fopen(out, "w");

	(void)id, (void)ctx;
	if (!f)
		return;
	for (unsigned int i = 0; i < CPUS_MAX; i++)
		if (cpus[i].started)
			fprintf(f, "%u %" PRIu64 " %" PRIx64 "\n", i, cpus[i].longest,
				cpus[i].end);
	fclose(f);
}

QEMU_PLUGIN_EXPORT int qemu_plugin_install(
	qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv);
int qemu_plugin_install(
	qemu_plugin_id_t id, const struct qemu_info *info, int argc, char **argv)
{
	(void)info;
	for (int i = 0; i < argc; i++) {
		if (strncmp(argv[i], "out=", 4) == 0)
			snprintf(out, sizeof(out), "%s", argv[i] + 4);
		else if (strncmp(argv[i], "kernel=", 7) == 0)
			kernel_at = strtoull(argv[i] + 7, NULL, 16);
		else if (strncmp(argv[i], "look=", 5) == 0)
			look_at = strtoull(argv[i] + 5, NULL, 16);
	}
	if (!out[0] || !kernel_at || !look_at) {
		fprintf(stderr, "stretch: out=, kernel= and look= are missing\n");
		return 1;
	}
	qemu_plugin_register_vcpu_tb_trans_cb(id, block_translated);
	qemu_plugin_register_atexit_cb(id, ended, NULL);
	return 0;
}
